#!/usr/bin/python3
"""doc/SCALING.md has the machines that its costs come to, and the waits are as its model says."""
import subprocess

from support import tap
from support.programs import ROOT


def capacity(*arguments):
    """tools/capacity, run to its end."""
    return subprocess.run([ROOT / 'tools/capacity', *arguments], capture_output=True, text=True,
                          check=False)


@tap.case('the table of machines is that of the costs')
def _():
    made = capacity()
    tap.same((made.returncode, made.stderr), (0, ''))
    tap.has((ROOT / 'doc/SCALING.md').read_text(encoding='utf-8'), made.stdout)


@tap.case('simulated queues wait as long as the model foretells')
def _():
    done = capacity('--check', '--seed', '1')
    tap.same(done.returncode, 0, done.stdout + done.stderr)
    tap.true(done.stdout.count('ok: ') == 17, done.stdout)


tap.main()
