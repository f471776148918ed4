#!/usr/bin/python3
"""script/bootstrap installs what a release has, and says what it lacks. The package manager is a
stand-in that notes what it is told."""
import os
import subprocess

from support import programs, tap
from support.scratch import Folder, write

# What it calls; none of these does anything to this machine.
STAND_INS = {
    'id': 'echo 0',
    'dpkg-query': 'case " $INSTALLED " in *" ${@: -1} "*) echo installed;; *) exit 1;; esac',
    'apt-cache': 'case " $KNOWN " in *" $2 "*) echo "Version: 1.0";; *" $2/snap "*) '
                 'echo "Version: 2:1snap1";; esac',
    'apt-get': 'echo "$@" >>"$NOTES"',
    **dict.fromkeys(('tee', 'chmod', 'rm', 'meson', 'ninja'), ':'),
}
ALL = [line.split()[:2] for line in
       (programs.ROOT / 'script' / 'packages.txt').read_text(encoding='utf-8').splitlines()
       if not line.startswith('#')]


def bootstrap(installed, known, which='full'):
    """(packages it installs, what it says)"""
    with Folder() as folder:
        for name, text in STAND_INS.items():
            write(folder / name, f'#!/bin/bash\n{text}\n', 0o755)
        notes = write(folder / 'notes', '')
        done = subprocess.run([programs.ROOT / 'script' / 'bootstrap', which], capture_output=True,
                              text=True, check=False, env={
                                  'PATH': f'{folder}:{os.environ["PATH"]}', 'NOTES': str(notes),
                                  'INSTALLED': ' '.join(installed), 'KNOWN': ' '.join(known)})
        tap.same(done.returncode, 0, done.stderr)
        line = next((line for line in notes.read_text().splitlines() if line.startswith('install')), '')
        return [word for word in line.split()[1:] if word[0] != '-' and '=' not in word], done.stderr


def names(choice):
    """The packages of `a|b`."""
    return choice.split('|')


FIRST = [names(choice)[0] for choice, _ in ALL]


@tap.case('what is there is not installed again, whichever of two names it has')
def _():
    for there in (FIRST, [names(choice)[-1] for choice, _ in ALL]):
        tap.same(bootstrap(there, FIRST)[0], [])


@tap.case('everything that is missing is installed, of the set that is asked for')
def _():
    least = [package for package, (_, group) in zip(FIRST, ALL) if group == 'build']
    tap.same(bootstrap([], FIRST, 'build')[0], least)
    tap.same(bootstrap(least[1:], FIRST, 'build')[0], least[:1])
    tap.true('clang-14' in bootstrap([], FIRST)[0], 'clang is missing')


@tap.case('of two names the one that the release has is taken')
def _():
    newer = [package.replace('-14', '-18') for package in FIRST]
    got, said = bootstrap([], newer)
    for package in ('clang-18', 'clang-tidy-18', 'libclang-rt-18-dev', 'libfuzzer-18-dev'):
        tap.true(package in got, got)
    tap.has(said, 'there is no package clang-format-14 here: what needs it is left out')


@tap.case('a package that fetches a snap is none')
def _():
    got, said = bootstrap([], [p + '/snap' if p == 'thunderbird' else p for p in FIRST])
    tap.true('thunderbird' not in got and 'curl' in got, got)
    tap.has(said, 'there is no package thunderbird here')


@tap.case('a release that has none of what is missing does not stop it')
def _():
    got, said = bootstrap([p for p in FIRST if p != 'clang-14'], [])
    tap.same(got, [])
    tap.has(said, 'there is no package clang-14 or clang-18 here')


tap.main()
