#!/usr/bin/python3
"""The manual and the completion know every command and option there is."""
import pathlib
import re
import subprocess

from support import programs, scratch, tap

MANUAL = programs.ROOT / 'doc' / 'man' / 'usher.1'
NAMES = programs.usher_ok('help', '--names').splitlines()
# Told once, for all commands.
COMMON = {'directory', 'config', 'json', 'help', 'dry-run', 'now'}


def sections(text):
    """{group: options} of the parts of the manual: a group is a command's first word."""
    found = {}
    for part in re.split(r'^\.S[sh] ', text, flags=re.M):
        options = set(re.findall(r'Fl -([a-z0-9-]+)', part))
        for group in re.findall(r'^\.It Ic ([a-z-]+)', part, flags=re.M):
            found.setdefault(group, set()).update(options)
    # Profiles search with the options of find, which are told there.
    found['profile'] |= found['find']
    return found


@tap.case('the manual has every command')
def _():
    text = MANUAL.read_text(encoding='utf-8')
    for name in (n for n in NAMES if '--' not in n):
        tap.true(re.search(rf'^\.It Ic {name}( |$)', text, re.M), f'{name} is not in the manual')


@tap.case('the manual has every option, in the part of its command')
def _():
    known = sections(MANUAL.read_text(encoding='utf-8'))
    for name in (n for n in NAMES if '--' in n):
        command, option = name.split(' --')
        if option not in COMMON:
            tap.true(option in known.get(command.split()[0], ()), f'{name} is not in the manual')


@tap.case('the manual has no option that there is not')
def _():
    there = {n.split(' --')[1] for n in NAMES if '--' in n} | {'version'}
    for group, options in sections(MANUAL.read_text(encoding='utf-8')).items():
        tap.same(sorted(options - there), [], group)


@tap.case('every command explains itself')
def _():
    for name in (n for n in NAMES if '--' not in n):
        text = programs.usher_ok('help', *name.split())
        tap.true(text.startswith(f'usage: usher {name}'), text)
        for line in text.splitlines():
            tap.true(len(line) <= 100, f'{name}: {line}')


def complete(folder, *words):
    """What bash offers for the last of the words."""
    script = folder / 'usher.bash'
    if not script.exists():
        scratch.write(script, programs.usher_ok('help', '--completion', 'bash'))
    done = subprocess.run(
        ['bash', '--norc', '-c', 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
         '_usher; printf "%s\\n" "${COMPREPLY[@]}"', 'bash', script, 'usher', *words],
        check=True, text=True, capture_output=True, cwd=folder)
    tap.same(done.stderr, '')
    return done.stdout.split()


@tap.each([
    ('a command', ['dom'], ['domain']),
    ('a verb', ['domain', 're'], ['remove']),
    ('a nested verb', ['mailbox', 'alternative', 'a'], ['add']),
    ('a verb behind an option', ['--json', 'domain', 'l'], ['list']),
    ('an option', ['domain', 'add', 'x.example', '--ki'], ['--kind']),
    ('a choice', ['domain', 'add', 'x.example', '--kind', 'redirect-'],
     ['redirect-url', 'redirect-address']),
    ('a switch', ['mailbox', 'set', 'u@a.example', '--ews', 'o'], ['on', 'off']),
    ('a file', ['mailbox', 'password', 'u@a.example', '--password-file', 'usher.b'],
     ['usher.bash']),
    ('a command to explain', ['help', 'mailb'], ['mailbox']),
    ('nothing', ['domain', 'show', 'zzz'], []),
])
def _(words, offered):
    tap.need('bash')
    with scratch.Folder() as folder:
        tap.same(complete(pathlib.Path(folder), *words), offered)


tap.main()
