#!/usr/bin/python3
"""usher/search.h among scripted hosts: every way to search, to answer later, and to give up."""
import contextlib
import subprocess
import sys

from support import scratch, tap
from support.certificates import Authority
from support.names import Dns
from support.peers import PATH, Peer, answer, endless, login, redirect, reset, silence

STEER = sys.argv.pop(1)
ROOT, C, OTHER = 'contoso.example', 'autodiscover.contoso.example', 'autodiscover.fabrikam.example'
BOTH = 'both.contoso.example'     # of its addresses, one refuses
PATIENCE = 120


def steer(mode, hosts, password='secret', expect=0, way='127.0.0.1'):
    """The lines that the search printed; `way` leads to every host."""
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(Dns({BOTH: ['127.0.0.2', '127.0.0.1'],
                                         **{host: ['127.0.0.1'] for host in hosts}}))
        routes = [f'{name}:443:{way}:{stack.enter_context(p).port}' for name, p in hosts.items()]
        done = subprocess.run([STEER, mode, password, names.server, authority.root, *routes],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
    tap.same(done.returncode, expect, done.stderr)
    return done.stdout.splitlines()


def sends_on():
    """A host that sends us to another domain, which asks for a password."""
    return {C: Peer(*GOOD, script=redirect(f'https://{OTHER}{PATH}')),
            OTHER: Peer(*GOOD, script=login(answer()))}


@tap.case('it goes on whenever its descriptor is readable')
def _():
    tap.same(steer('run', {C: Peer(*GOOD, script=login(answer()))}), ['found'])


@tap.each([('resets', Peer, {'before': reset}), ('says nothing', Peer, {'before': silence}),
           ('resets within TLS', Peer, {'script': reset}),
           ('closes without a word', Peer, {'script': lambda c, r: False}),
           ('never ends', Peer, {'script': endless(b'HTTP/1.1 200 OK\r\n\r\n')})])
def _(kind, options):
    certificate = () if 'before' in options else GOOD
    tap.same(steer('run', {C: kind(*certificate, **options)})[0] != 'found', True)


@tap.case('questions are answered later, and the time for that counts for nothing')
def _():
    hosts = sends_on()
    tap.same(steer('later', hosts), ['found'])
    tap.same([len(p.logins) for p in hosts.values()], [0, 1])


@tap.each([('cancelled before each act, it leaves nothing behind', 'cancel'),
           ('freed before each act, it leaves nothing behind', 'free'),
           ('cancelled by each line of its trace, it leaves nothing behind', 'cancel-by-trace'),
           ('each allocation fails in turn', 'memory'),
           ('sixteen threads search at once', 'threads')])
def _(mode):
    tap.same(steer(mode, {C: Peer(*GOOD, script=login(answer()))}, way=BOTH), ['found'])


@tap.case('the trace tells each step and its end')
def _():
    lines = steer('trace', {C: Peer(*GOOD, script=login(answer()))})
    url = f'https://{C}{PATH}'
    for line in (f'C looks up {C}', f'C asks {url}', f'C asks {url}, logging in by Basic',
                 f'C {url}: it asks for a password (HTTP 401)',
                 f'C {url}: it gave the settings (HTTP 200)',
                 f'E looks up the SRV records of _autodiscover._tcp.{ROOT}',
                 f'B https://{ROOT}{PATH}: there is no host of that name'):
        tap.has(lines, line)
    tap.same([line for line in lines if 'secret' in line], [])


with scratch.Folder() as folder:
    authority = Authority(folder)
    GOOD = authority.issue(C, OTHER, label='good')
    tap.main()
