#!/usr/bin/python3
"""doc/SOURCES.md explains each source that a comment cites by a short name, as `pox.md 9`."""
import re

from support import programs, tap

NUMBER = r'\d+(?:\.\d+)?'
CITED = re.compile(rf'\b([a-z][a-z0-9-]+\.md)(?: ({NUMBER}(?:(?:-|, ){NUMBER})*))?')
FOLDERS = ('src', 'include', 'fuzz', 'tests', 'bench')


def numbers(text):
    """`3-5, 9.1` as 3, 4, 5, 9.1."""
    for part in text.split(', '):
        first, _, last = part.partition('-')
        yield from map(str, range(int(first), int(last) + 1)) if last else [first]


def explained():
    """{name: sections} of the tables in doc/SOURCES.md."""
    text = (programs.ROOT / 'doc' / 'SOURCES.md').read_text(encoding='utf-8')
    found = {name: set() for name in re.findall(r'^## ([a-z0-9-]+\.md)', text, re.M)}
    for name, sections in CITED.findall('\n'.join(re.findall(r'^\| ([a-z0-9-]+\.md .*?) \|', text, re.M))):
        found[name].update(numbers(sections))
    return found


@tap.case('every citation is explained')
def _():
    known, seen = explained(), 0
    for path in (p for f in FOLDERS for p in (programs.ROOT / f).rglob('*.[ch]')):
        for name, sections in CITED.findall(path.read_text(encoding='utf-8')):
            seen += 1
            tap.true(name in known, f'{path}: {name} is not in doc/SOURCES.md')
            for section in numbers(sections) if sections else ():
                tap.true(section in known[name],
                         f'{path}: {name} {section} is not in doc/SOURCES.md')
    tap.true(seen > 20, f'only {seen} citations were found')


tap.main()
