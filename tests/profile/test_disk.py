#!/usr/bin/python3
"""Whatever happens to the machine, a profile is the old one or the new one, whole.

The kill case kills USHER_KILL_COUNT refreshes (default 300; 100 with a sanitizer) at random
instants, in one folder."""
import contextlib
import fcntl
import json
import os
import random
import shlex
import signal
import subprocess
import time

from site_profiles import ANN, DOMAIN, Site
from support import tap
from support.programs import SANITIZED, clean_environment, program

COUNT = int(os.environ.get('USHER_KILL_COUNT') or (100 if SANITIZED else 300))
SECONDS = 40 if COUNT <= 300 else 3600      # a slow machine kills less often

stack = contextlib.ExitStack()
site = Site(stack)
FILE = f'ann%40{DOMAIN}.json'


def start(*arguments):
    """Starts `usher profile …`."""
    return subprocess.Popen([program('usher'), 'profile', *map(str, arguments), '--profiles',
                             str(site.profiles)], env=clean_environment(), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_rounds(count, command):
    """Kills command(i) again and again, while the profile is looked at."""
    begun = time.monotonic()
    process = start(*command(0))
    tap.same((process.communicate()[1], process.returncode), ('', 0))
    seconds, until, kills, done, last = time.monotonic() - begun, begun + SECONDS, 0, 0, None
    while kills < count and time.monotonic() < until:
        kills += 1
        process = start(*command(kills))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.3, 1.1) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        text = (site.profiles / FILE).read_text(encoding='utf-8')
        tap.same(json.loads(text)['profile']['address'], ANN)
        if kills % 10 == 0:
            tap.same(site.shown()['last_outcome'], 'found')
        done += text != last
        # About half of the kills shall come late enough to find something done.
        seconds *= 0.95 if text != last else 1.05
        last = text
    tap.note(f'{kills} kills, {done} of them after the new profile was in its place')
    tap.true(0 < done < kills, f'{done} of {kills}')
    site.ok('repair', ANN)
    left = [p.name for p in site.profiles.iterdir() if p.name not in ('.lock', FILE)]
    tap.same(left, [], 'what killed ones have left is gone')


@tap.each([
    ('kill -9 at any instant of a repair', COUNT // 10,
     lambda _: ['repair', ANN, *site.seams()]),
    # Each finds the clock set back, and sets the times of the profile back.
    ('kill -9 at any instant of a report', COUNT,
     lambda i: ['report', ANN, 'mailbox-moved', '--now', f'@{2000000000 - i * 1000}']),
])
def _(count, command):
    site.forget()
    site.ok('create', ANN)
    kill_rounds(count, command)


@tap.case('a program that is stopped while it holds the lock makes others give up, not hang')
def _():
    with open(site.profiles / '.lock', 'rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begun = time.monotonic()
        done = site.profile('refresh', ANN)
        tap.same(done.returncode, 4, done.stderr)
        tap.has(done.stderr, 'try again')
        tap.true(time.monotonic() - begun > 1.5, 'it did not wait')
        site.ok('show', ANN)
    site.ok('refresh', ANN)


# ---- what needs a file system of its own ----

def in_namespace(script):
    """Runs a shell script in a private mount namespace: {what: `STATUS TEXT`}."""
    tap.need('unshare')
    options = '-m' if os.geteuid() == 0 else '-rm'
    probe = subprocess.run(['unshare', options, 'true'], check=False, capture_output=True)
    if probe.returncode != 0:
        tap.skip('no mount namespace to be had here')
    begin = f'USHER={shlex.quote(program("usher"))} DISK={site.here}/disk\n' \
            'SEAMS=' + shlex.quote(' '.join(map(str, site.seams()))) + '''
say() { what=$1; shift; s=0
  text=$("$USHER" profile "$@" --profiles $DISK/p 2>&1 >/dev/null) || s=$?; echo "$what $s $text"; }
mkdir -p $DISK; mount -t tmpfs -o size=200k tmpfs $DISK
'''
    done = subprocess.run(['unshare', options, 'sh', '-euc', begin + script], check=False,
                          text=True, capture_output=True, timeout=120, env=clean_environment())
    tap.same(done.returncode, 0, done.stderr)
    return {line.split(' ', 1)[0]: line.split(' ', 1)[1] for line in done.stdout.splitlines()}


@tap.case('a full disk')
def _():
    said = in_namespace(f'''
say create create {ANN} $SEAMS
cp $DISK/p/*.json $DISK/../before
dd if=/dev/zero of=$DISK/filler bs=1k 2>/dev/null || true
say refresh repair {ANN} $SEAMS
say show show {ANN}
cmp $DISK/p/*.json $DISK/../before && echo "same 0 "
echo "left 0 $(ls -A $DISK/p | tr '\\n' ' ')"
say other create whoever@fabrikam.example $SEAMS
rm $DISK/filler
say again repair {ANN} $SEAMS
''')
    tap.same([said[w] for w in ('create', 'show', 'same', 'again')], ['0 '] * 4)
    tap.same(said['left'], f'0 .lock {FILE} ')
    for what in 'refresh', 'other':
        tap.true(said[what].startswith('73 usher: '), f'{what}: {said[what]}')
        tap.has(said[what], 'No space left on device')
    tap.has(said['refresh'], 'is as it was')


@tap.case('a read-only folder')
def _():
    said = in_namespace(f'''
say create create {ANN} $SEAMS
mount -o remount,ro $DISK
say show show {ANN}
say list list
say refresh refresh {ANN} $SEAMS
say report report {ANN} network-changed
say remove remove {ANN}
say other create whoever@fabrikam.example $SEAMS
say watch watch {ANN} $SEAMS
''')
    tap.same([said[w] for w in ('create', 'show', 'list')], ['0 '] * 3)
    for what in 'refresh', 'report', 'remove', 'other', 'watch':
        tap.true(said[what].startswith('77 usher: '), f'{what}: {said[what]}')
        tap.has(said[what], 'Read-only file system')


with stack:
    tap.main()
