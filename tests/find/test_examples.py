#!/usr/bin/python3
"""The programs of examples/ as they stand: the system's resolver, its trust store, and port 443."""
import contextlib
import pathlib
import signal
import subprocess
import sys

from support import netns, scratch, tap
from support.certificates import Authority
from support.programs import ROOT, clean_environment

netns.enter()

from support.peers import PATH, Peer, answer, login, silence  # noqa: E402

ADDRESS, NOBODY, SLOW = 'ann@contoso.example', 'bob@nowhere.example', 'eve@slow.example'
HOST, MUTE = '127.1.0.1', '127.1.0.2'
PATIENCE = 30
LIBRARY = pathlib.Path(sys.argv.pop(1)).resolve()
BUILT = {path.name.removeprefix('example-'): path.resolve()
         for path in map(pathlib.Path, sys.argv[1:])}
del sys.argv[1:]


def command(name):
    """How the example is started."""
    if name.endswith('.py'):
        if b'__asan' in LIBRARY.read_bytes():
            tap.skip('a sanitizer does not go into a running Python')
        return [sys.executable, ROOT / 'examples' / name]
    if name.replace('.', '_') not in BUILT:
        tap.skip('what it needs was not there when it was to be built')
    return [BUILT[name.replace('.', '_')]]


def environment():
    return clean_environment(USHER_PASSWORD='secret', LD_LIBRARY_PATH=LIBRARY.parent,
                             XDG_DATA_HOME=folder / 'data')


def run(name, *addresses):
    # clean_environment() drops what steers usher itself; here it is the example's.
    return subprocess.run([*command(name), *addresses], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env=environment())


with contextlib.ExitStack() as stack:
    folder = stack.enter_context(scratch.Folder())
    authority = Authority(folder)
    certificate = authority.issue('autodiscover.contoso.example', label='good')
    netns.add_address(HOST)
    netns.add_address(MUTE)
    netns.trust(authority, folder)
    peer = stack.enter_context(Peer(*certificate, script={PATH: login(answer())}, at=(HOST, 443)))
    stack.enter_context(Peer(before=silence, at=(MUTE, 443)))
    stack.enter_context(netns.Dns(folder, [f'autodiscover.contoso.example. A {HOST}',
                                           f'autodiscover.slow.example. A {MUTE}']))

    @tap.each([(name, name) for name in ('find.c', 'find.cpp', 'epoll.c', 'libevent.c', 'glib.c',
                                         'find.py')])
    def _(name):
        before = len(peer.logins)
        done = run(name, ADDRESS)
        tap.same(done.returncode, 0, done.stdout + done.stderr)
        tap.has(done.stdout, 'EXPR' if name.startswith('find') else 'the settings were found')
        tap.same(len(peer.logins) - before, 1)

    @tap.each([(f'{name}, where nothing is', name) for name in ('find.c', 'find.cpp', 'libevent.c',
                                                                'glib.c')])
    def _(name):
        done = run(name, NOBODY)
        tap.same(done.returncode, 1, done.stdout + done.stderr)

    @tap.each([('epoll.c, many at once', 'epoll.c', 'the settings were found'),
               ('find.py, many at once', 'find.py', 'found')])
    def _(name, words):
        done = run(name, ADDRESS, NOBODY, ADDRESS)
        tap.same(done.returncode, 0, done.stdout + done.stderr)
        tap.same(done.stdout.count(f'{ADDRESS}: {words}'), 2, done.stdout)
        tap.has(done.stdout, f'{NOBODY}: ')

    @tap.case('glib.c, given up')
    def _():
        with subprocess.Popen([*command('glib.c'), SLOW], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment()) as process:
            process.stdout.readline()   # it has begun
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE)
        tap.has(said, 'cancelled')
        tap.same(process.returncode, 4)

    @tap.each([(name, name) for name in ('find.c', 'epoll.c', 'glib.c')])
    def _(name):
        done = run(name, 'no address')
        tap.has(done.stdout + done.stderr, 'no address')

    @tap.case('profile.c, and once more when nothing is due')
    def _():
        before = len(peer.logins)
        for _ in range(2):
            done = run('profile.c', ADDRESS)
            tap.same(done.returncode, 0, done.stdout + done.stderr)
            tap.has(done.stdout, 'EXPR')
            tap.has(done.stdout, 'due again at ')
        tap.same(len(peer.logins) - before, 1)
        tap.same(run('profile.c', NOBODY).returncode, 1)

    tap.main()
