#!/usr/bin/python3
"""`usher profile watch`: tells changes as they come, runs the hook, and ends when told to."""
import contextlib
import itertools
import json
import os
import signal
import subprocess
import threading
import time

from site_profiles import ANN, DONE, NEGATIVE, Site
from support import scratch, tap
from support.names import Dns, drop
from support.programs import clean_environment, program
from watcher import SECONDS, Watcher

FAST = ('--refresh-every', '1s', '--retry-every', '1s')


class OwnSite(Site, threading.local):
    """Each thread has one: cases that run at the same time change nothing for each other."""


stack = contextlib.ExitStack()
site = OwnSite(stack)
hosts = map('ews{}.example'.format, itertools.count())
outsides = map('oa{}.example'.format, itertools.count())


def url(host):
    return f'https://{host}/EWS/Exchange.asmx'


def fresh():
    """A new profile of ann's."""
    site.forget()
    site.ok('create', ANN)


def hook(name, script):
    """A program, and the file it writes."""
    out = site.here / f'{name}.out'
    return scratch.write(site.here / name, f'#!/bin/sh\nout={out}\n{script}\n', 0o755), out


def eventually(condition, what):
    end = time.monotonic() + SECONDS
    while not condition():
        tap.true(time.monotonic() < end, what())
        time.sleep(0.02)


@tap.case('what changes on the server is told')
def _():
    fresh()
    before, host = site.block('EXCH')['ews_url'], next(hosts)
    with Watcher(site, *FAST) as w:
        w.wait('started')
        w.wait('searched', cause='expired', outcome='found')
        site.set_ews(host)
        said = w.wait('changed', member='EXCH.ews_url')
        tap.same((said['before'], said['after'], said['address']), (before, url(host), ANN))
        tap.same(w.end(), DONE, w.fault)
    tap.same(site.block('EXCH')['ews_url'], url(host))


@tap.case('as text for people')
def _():
    fresh()
    host = next(hosts)
    site.set_ews(host)
    with scratch.Folder() as folder:
        out = folder / 'out'
        with open(out, 'wb') as to:
            process = subprocess.Popen(
                [program('usher'), 'profile', 'watch', ANN, '--profiles', site.profiles, *FAST,
                 *map(str, site.seams())], stdout=to, stderr=to, stdin=subprocess.DEVNULL,
                env=clean_environment())
        try:
            eventually(lambda: 'EXCH.ews_url: ' in out.read_text(), out.read_text)
        finally:
            process.terminate()
            tap.same(process.wait(5), DONE)
        text = out.read_text()
    tap.has(text, f'→ {url(host)}')
    tap.has(text, 'watching the profile of')
    for line in text.splitlines():
        tap.true(line[4] == '-' and line[19] == 'Z', line)


@tap.case('a search that finds nothing changes nothing, and is tried again')
def _():
    fresh()
    before = site.shown()['answer']
    with Watcher(site, *FAST, seams=site.seams(reach=False)) as w:
        w.wait('started')
        said = w.wait('searched', cause='expired')
        tap.true(said['outcome'] != 'found', said)
        w.wait('searched', cause='retry')
        w.wait('searched', cause='retry')
        tap.same([s for s in w.seen if s['event'] == 'changed'], [])
    tap.same(site.shown()['answer'], before)


@tap.case('only changes, when they are all that is wanted')
def _():
    fresh()
    host = next(hosts)
    with Watcher(site, *FAST, '--only-changes') as w:
        site.set_ews(host)
        w.wait('changed', member='EXCH.ews_url')
        tap.same({s['event'] for s in w.seen}, {'changed'})


@tap.case('the hook is told everything, and no secret')
def _():
    fresh()
    host = next(hosts)
    program, out = hook('tell', 'if [ "$1" = changed ]; then { echo "$@"; env; cat; } '
                                '> $out.new; mv $out.new $out; fi')
    with Watcher(site, *FAST, '--hook', program, USHER_PASSWORD='correct horse') as w:
        w.wait('started')
        site.set_ews(host)
        w.wait('changed', member='EXCH.ews_url')
        eventually(out.exists, lambda: 'the hook was not run: ' + str(w.seen))
    lines = out.read_text().splitlines()
    tap.same(lines[0], f'changed {ANN}')
    tap.true('USHER_EVENT=changed' in lines and f'USHER_ADDRESS={ANN}' in lines, str(lines))
    tap.true('correct horse' not in out.read_text(), 'the hook knows the password')
    said = json.loads(lines[-1])
    tap.same(said['file'], str(site.profiles / 'ann%40contoso.example.json'))
    tap.same([c['after'] for c in said['changes'] if c['member'] == 'EXCH.ews_url'], [url(host)])


@tap.case('the hook gets no descriptor of ours')
def _():
    fresh()
    program, out = hook('files', 'ls -l /proc/self/fd > $out.new; mv $out.new $out')
    with Watcher(site, *FAST, '--hook', program) as w:
        w.wait('started')
        site.set_ews(next(hosts))
        w.wait('changed')
        eventually(out.exists, lambda: 'the hook was not run')
    # 0 to 2, and the one by which ls reads the folder
    numbers = [line.split()[8] for line in out.read_text().splitlines()[1:]]
    tap.true(len(numbers) <= 4 and '9' not in numbers, out.read_text())


@tap.case('the hook is told when searches begin to fail, and when they work again')
def _():
    fresh()
    program, out = hook('state', 'echo "$1" >> $out')
    with Watcher(site, *FAST, '--hook', program, seams=site.seams(reach=False)) as w:
        w.wait('searched')
        w.wait('searched')
        w.wait('searched')
    with Watcher(site, *FAST, '--hook', program) as w:
        w.wait('searched', outcome='found')
        w.wait('searched', outcome='found')
    tap.same(out.read_text().split(), ['failed', 'recovered'])


@tap.each([
    ('that fails', 'exit 3', 'ended with status 3'),
    ('that kills itself', 'kill -9 $$', 'signal 9'),
    ('that hangs', 'sleep 1000', 'took longer'),
    ('that fills its output', 'head -c 1000000 /dev/zero; exit 4', 'ended with status 4'),
])
def _(script, words):
    fresh()
    program, _ = hook('bad', script)
    with Watcher(site, *FAST, '--hook', program, '--hook-timeout', '1s') as w:
        w.wait('started')
        site.set_ews(next(hosts))
        w.wait('changed')
        w.wait('searched')
        w.wait('searched')
        tap.same(w.end(), DONE)
        w._errors.join(5)
    tap.has(w.fault, words)


@tap.case('a hook that there is not')
def _():
    fresh()
    with Watcher(site, *FAST, '--hook', '/nonexistent/hook') as w:
        site.set_ews(next(hosts))
        w.wait('changed')
        w.wait('searched')
        tap.same(w.end(), DONE)
        w._errors.join(5)
    tap.has(w.fault, '/nonexistent/hook: cannot be run')


@tap.case('SIGTERM ends a hook that hangs, and its children')
def _():
    fresh()
    program, out = hook('stuck', 'sleep 1000 & echo $! > $out.new; mv $out.new $out; wait')
    with Watcher(site, *FAST, '--hook', program) as w:
        w.wait('started')
        site.set_ews(next(hosts))
        w.wait('changed')
        eventually(out.exists, lambda: 'the hook was not run')
        tap.same(w.end(), DONE)
    child = int(out.read_text())
    eventually(lambda: not os.path.exists(f'/proc/{child}') or
               'Z' in open(f'/proc/{child}/stat').read().split()[2],
               lambda: 'a child of the hook lives')


@tap.case('a repair from elsewhere is noticed')
def _():
    fresh()
    host = next(outsides)
    with Watcher(site) as w:
        w.wait('started')
        site.set_outside(host)
        site.ok('repair', ANN)
        tap.same(w.wait('changed', member='EXPR.server')['after'], host)


def in_seconds(n):
    """The time that far from now, as --now takes it."""
    return f'@{int(time.time()) + n}'


@tap.case('a report from elsewhere makes it search')
def _():
    fresh()
    host = next(outsides)
    site.set_outside(host)
    # An hour later: nothing is asked for twice within half a minute.
    with Watcher(site, '--now', in_seconds(3000)) as w:
        w.wait('searched', cause='started')
        w.silent('searched', 1)
        site.ok('report', ANN, 'connection-failed', '--now', in_seconds(2900))
        w.wait('searched', cause='connection-failed')
        tap.same(w.wait('changed', member='EXPR.server')['after'], host)


@tap.case('SIGHUP reads the password again and searches at once')
def _():
    fresh()
    password = scratch.write(site.here / 'changing', 'wrong\n', 0o600)
    host = next(hosts)
    with Watcher(site, seams=site.seams(password=password)) as w:
        w.wait('started')
        w.process.send_signal(signal.SIGHUP)
        tap.same(w.wait('searched')['outcome'], 'rejected')
        site.set_ews(host)
        password.write_text('correct horse\n')
        w.process.send_signal(signal.SIGHUP)
        said = w.wait('searched')
        tap.same((said['outcome'], said['cause']), ('found', 'asked'))
        w.wait('changed', member='EXCH.ews_url')


@tap.case('a removed profile ends it')
def _():
    fresh()
    with Watcher(site) as w:
        w.wait('started')
        site.ok('remove', ANN)
        w.wait('removed')
        tap.same(w.process.wait(5), NEGATIVE)


@tap.case('no profile to watch')
def _():
    site.forget()
    done = site.profile('watch', ANN)
    tap.same(done.returncode, NEGATIVE, done.stderr)


@tap.each([('SIGTERM', signal.SIGTERM), ('SIGINT', signal.SIGINT)])
def _(number):
    fresh()
    with Dns({'*': drop}) as deaf:
        seams = ['--dns', deaf.server, '--password-file', site.password]
        with Watcher(site, *FAST, seams=seams) as w:
            w.wait('started')
            eventually(lambda: deaf.questions, lambda: 'no search was begun')
            tap.same(w.end(number), DONE)
            tap.same(w.rest(), [], 'it waited for the end of the search')


@tap.case('it sleeps while nothing is due')
def _():
    fresh()
    with Watcher(site) as w:
        w.wait('started')

        def ticks():
            with open(f'/proc/{w.process.pid}/stat', encoding='ascii') as f:
                return sum(map(int, f.read().rsplit(')', 1)[1].split()[11:13]))

        def switches():
            with open(f'/proc/{w.process.pid}/status', encoding='ascii') as f:
                return int(f.read().split('voluntary_ctxt_switches:')[1].split()[0])

        def still():
            before = ticks(), switches()
            time.sleep(1)
            return (ticks(), switches()) == before
        eventually(still, lambda: 'it never sleeps')


with stack:
    tap.main(jobs=4)
