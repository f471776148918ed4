#!/usr/bin/python3
"""The units of systemd are well formed, start our programs, and leave little to who breaks in."""
import re
import subprocess

from support import scratch, tap
from support.programs import BUILD, ROOT

block = scratch.Folder()
folder = block.__enter__()
# At most, as `systemd-analyze security` counts: 0 is nothing, 10 is all that root may do.
EXPOSURE = {'usherd.service': 2.0, 'usher-renew.service': 1.5}

for unit in EXPOSURE:
    made = (BUILD / 'packaging' / unit).read_text(encoding='utf-8')
    scratch.write(folder / unit, re.sub(r'(?m)^(ExecStart=)\S*/', rf'\1{BUILD}/', made))
for timer in (ROOT / 'packaging' / 'systemd').glob('*.timer'):
    scratch.write(folder / timer.name, timer.read_text(encoding='utf-8'))


@tap.case('systemd takes every unit')
def _():
    tap.need('systemd-analyze')
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no',
                           *folder.iterdir()], capture_output=True, text=True, check=False)
    ours = [x for x in done.stderr.splitlines() if 'usher' in x]
    tap.same((done.returncode, ours), (0, []))


@tap.each([(f'{unit} may do little', unit, exposure) for unit, exposure in EXPOSURE.items()])
def _(unit, exposure):
    tap.need('systemd-analyze')
    done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--no-pager',
                           folder / unit], capture_output=True, text=True, check=False)
    found = re.search(r'exposure level for \S+: ([\d.]+)', done.stdout)
    tap.true(found, f'no verdict: {done.stdout}{done.stderr}')
    tap.true(float(found.group(1)) <= exposure, f'{found.group(0)}, not {exposure} at most')


tap.main()
