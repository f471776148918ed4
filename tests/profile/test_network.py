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

    def an_hour_later():
        """As --now takes it: nothing is asked for twice within half a minute."""
        return f'@{int(time.time()) + 1800}'

    @tap.case('an address comes, and a search is made')
    def _():
        if not has_links():
            tap.skip('no virtual links to be had here')
        site.ok('create', ANN)
        with Watcher(site, '--now', an_hour_later()) as w:
            w.wait('searched', cause='started')
            # Within the half minute it is noticed all the same, and the search put off.
            ip('address', 'add', '10.9.8.7/24', 'dev', 'home')
            ip('link', 'set', 'far', 'up')
            ip('link', 'set', 'home', 'up')
            w.wait('network-changed')
            tap.same(w.end(), DONE, w.fault)
        tap.same(site.shown()['services_cause'], 'network-changed')

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

    @tap.case('the search follows once it is quiet')
    def _():
        site.ok('remove', ANN)
        site.ok('create', ANN)
        host = 'new.example'
        site.set_ews(host)
        with Watcher(site, '--only-changes') as w:
            time.sleep(0.5)
            ip('address', 'add', '10.9.8.8/24', 'dev', 'home')
            said = w.wait('changed', seconds=45, member='EXCH.as_url')
            tap.has(said['after'], host)

    @tap.case('what is no other network wakes nobody')
    def _():
        with Watcher(site) as w:
            w.wait('started')
            ip('link', 'add', 'idle', 'type', 'veth', 'peer', 'name', 'idler')
            ip('link', 'set', 'home', 'mtu', '1400')
            ip('link', 'set', 'home', 'alias', 'x')
            w.silent('network-changed', 4)

    tap.main()
