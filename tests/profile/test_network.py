#!/usr/bin/python3
"""`usher profile watch` in a network of its own, which comes and goes."""
import contextlib
import subprocess
import time

from support import netns, tap

netns.enter()

from site_profiles import ANN, DONE, Site  # noqa: E402
from watcher import Watcher  # noqa: E402


def ip(*words):
    done = subprocess.run(['ip', *words], capture_output=True, text=True, check=False)
    tap.same(done.returncode, 0, f'ip {" ".join(words)}: {done.stderr}')


def has_links():
    done = subprocess.run(['ip', 'link', 'add', 'home', 'type', 'veth', 'peer', 'name', 'far'],
                          capture_output=True, check=False)
    return done.returncode == 0


with contextlib.ExitStack() as stack:
    site = Site(stack)

    begun = int(time.time())

    def later(seconds):
        """As --now takes it. Nothing is asked for twice within half a minute."""
        return f'@{begun + seconds}'

    @tap.case('an address comes, and a search is put off until half a minute is over')
    def _():
        if not has_links():
            tap.skip('no virtual links to be had here')
        site.ok('create', ANN)
        with Watcher(site, '--now', later(1800)) as w:
            w.wait('searched', cause='started')
            ip('address', 'add', '10.9.8.7/24', 'dev', 'home')
            ip('link', 'set', 'far', 'up')
            ip('link', 'set', 'home', 'up')
            w.wait('network-changed')
            tap.same(w.end(), DONE, w.fault)
        tap.same(site.shown()['services_cause'], 'network-changed')

    @tap.case('then it follows, and what has changed is told')
    def _():
        site.set_ews('new.example')
        with Watcher(site, '--now', later(1828)) as w:
            w.wait('searched', cause='network-changed')
            tap.has(w.wait('changed', member='EXCH.as_url')['after'], 'new.example')

    @tap.case('the link goes down, and comes up again')
    def _():
        site.ok('repair', ANN)
        with Watcher(site) as w:
            w.wait('started')
            ip('link', 'set', 'home', 'down')
            w.wait('network-changed')
            ip('link', 'set', 'home', 'up')
            w.wait('network-changed')

    @tap.case('a default route comes')
    def _():
        with Watcher(site) as w:
            w.wait('started')
            ip('route', 'add', 'default', 'via', '10.9.8.1')
            w.wait('network-changed')

    @tap.case('what is no other network wakes nobody')
    def _():
        with Watcher(site) as w:
            w.wait('started')
            ip('link', 'add', 'idle', 'type', 'veth', 'peer', 'name', 'idler')
            ip('link', 'set', 'home', 'mtu', '1400')
            ip('link', 'set', 'home', 'alias', 'x')
            w.silent('network-changed', 2.5)   # it looks after 1.5

    tap.main()
