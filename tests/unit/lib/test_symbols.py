#!/usr/bin/python3
"""libusher.so shows exactly what the public headers declare, and holds nothing that can be written."""
import re
import subprocess
import sys

from support import tap
from support.programs import ROOT

LIBRARY = sys.argv.pop(1)
# What the linker and the C runtime put into every shared library.
RUNTIME = {'_DYNAMIC', '_GLOBAL_OFFSET_TABLE_', '__dso_handle', '__TMC_END__', '__bss_start',
           '_edata', '_end', 'completed.0', '__frame_dummy_init_array_entry',
           '__do_global_dtors_aux_fini_array_entry'}


def run(*command):
    tap.need(command[0])
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared():
    """Functions marked USHER_API in the headers."""
    found = set()
    for header in (ROOT / 'include' / 'usher').glob('*.h'):
        found |= set(re.findall(r'^USHER_API[^;]*?\b(usher_\w+)\(', header.read_text(),
                                re.M | re.S))
    return found


@tap.case('the exported functions are those of the headers')
def _():
    lines = run('nm', '--dynamic', '--defined-only', LIBRARY).splitlines()
    shown = {line.split()[-1].split('@')[0] for line in lines}
    tap.same(shown - {'USHER_0.1'}, declared())


@tap.case('the symbols file of the package is what the library shows')
def _():
    text = (ROOT / 'packaging' / 'debian' / 'libusher0.symbols').read_text().splitlines()
    tap.true(text[0].startswith('libusher.so.0 libusher0 '), text[0])
    listed = [line.split()[0] for line in text[1:] if line.startswith(' ')]
    lines = run('nm', '--dynamic', '--defined-only', LIBRARY).splitlines()
    shown = [line.split()[-1].replace('@@', '@') for line in lines]
    shown = [name if '@' in name else f'{name}@{name}' for name in shown]
    tap.same(listed, sorted(shown))


@tap.case('every exported function says since when')
def _():
    for header in (ROOT / 'include' / 'usher').glob('*.h'):
        text = header.read_text()
        for match in re.finditer(r'^USHER_API', text, re.M):
            comment = text[:match.start()].rstrip().rsplit('/*', 1)[1]
            tap.has(comment, 'Since 0.')


@tap.case('there is no global state')
def _():
    if re.search('Sanitizer|__asan|__gcov', run('nm', '--dynamic', LIBRARY) + run('nm', LIBRARY)):
        tap.skip('a sanitizer or a count of coverage has its own')
    writable = []
    for line in run('nm', '--format=sysv', '--defined-only', LIBRARY).splitlines():
        columns = [c.strip() for c in line.split('|')]
        if len(columns) == 7 and re.fullmatch(r'\.(data|bss|tdata|tbss)', columns[6]):
            writable.append(columns[0])
    tap.same(sorted(set(writable) - RUNTIME), [])


@tap.case('its soname carries the ABI')
def _():
    tap.has(run('readelf', '-d', LIBRARY), '[libusher.so.0]')


tap.main()
