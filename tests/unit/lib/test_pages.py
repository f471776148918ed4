#!/usr/bin/python3
"""The manual pages of libusher know every function and option, and show the examples as they are."""
import re

from support import tap
from support.programs import ROOT

PAGES = {path.name: path.read_text(encoding='utf-8')
         for path in (ROOT / 'doc' / 'man').glob('*.3')}
INCLUDE = ROOT / 'include' / 'usher'
# Which page tells about which header.
HEADERS = {'find.h': ('usher_find.3', 'usher_result.3'), 'search.h': ('usher_search.3',),
           'profile.h': ('usher_profile.3',),
           'status.h': ('libusher.3',)}


def functions(header):
    """What a header exports."""
    return re.findall(r'^USHER_API[^;]*?\b(usher_\w+)\(', (INCLUDE / header).read_text(),
                      re.M | re.S)


@tap.each([(header, header) for header in HEADERS])
def _(header):
    text = '\n'.join(PAGES[page] for page in HEADERS[header])
    for name in functions(header):
        tap.true(re.search(rf'^\.F[no] {name}\b', text, re.M), f'{name} is not told')


@tap.case('each page is named after functions that there are')
def _():
    there = {name for header in HEADERS for name in functions(header)}
    for page in (name for names in HEADERS.values() for name in names):
        named = re.findall(r'^\.Nm (usher_\w+)', PAGES[page], re.M)
        tap.same(sorted(set(named) - there), [], page)


@tap.case('every option is told')
def _():
    text = (INCLUDE / 'find.h').read_text()
    body = re.sub(r'/\*.*?\*/', '',
                  re.search(r'^struct usher_find_options \{(.*?)^\};', text, re.M | re.S).group(1),
                  flags=re.S)
    members = re.findall(r'(\w+);', body)
    tap.true(len(members) > 10, members)
    told = re.findall(r'^\.It Fa (\w+)', PAGES['usher_find.3'], re.M)
    tap.same([m for m in members if m not in told + ['size']], [])
    tap.same([m for m in told if m not in members], [])


@tap.case('every status and every answer is told')
def _():
    every = '\n'.join(PAGES.values())
    for header in ('find.h', 'profile.h', 'search.h'):
        text = re.sub(r'/\*.*?\*/', '', (INCLUDE / header).read_text(), flags=re.S)
        for name in re.findall(r'^\t(USHER_[A-Z_]+) = ', text, re.M):
            tap.has(every, name)


@tap.case('the examples in the pages are the files that are compiled and run')
def _():
    shown = set()
    for page, text in PAGES.items():
        for block in re.findall(r'^\.Bd -literal\n(.*?)^\.Ed$', text, re.M | re.S):
            code = re.sub(r'^\\&', '', block, flags=re.M).replace('\\e', '\\')
            name = [p for p in (ROOT / 'examples').iterdir()
                    if p.read_text(encoding='utf-8') == code]
            tap.true(name, f'{page}: none of examples/ begins {code[:60]!r} and goes on like it')
            shown.add(name[0].name)
    there = {p.name for p in (ROOT / 'examples').iterdir() if p.name != 'meson.build'}
    tap.same(sorted(there), sorted(shown))


tap.main()
