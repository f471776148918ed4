#!/usr/bin/python3
"""What only a person at a terminal sees: prompts without echo, the progress of an import."""
import os
import pty
import re
import select
import subprocess
import time

from support import programs, scratch, tap

SECONDS = 30


class Terminal:
    """Runs `usher` on a terminal of its own."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.screen = ''
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execve(programs.program('usher'),
                      ['usher', '-d', 'sqlite:usher.db', *arguments], programs.clean_environment())
        self.pid = pid

    def read(self):
        """Waits for more of the screen; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], SECONDS)
        try:
            more = os.read(self.fd, 65536) if ready else b''
        except OSError:
            more = b''
        self.screen += more.decode()
        return more != b''

    def until(self, text):
        """Waits for that text."""
        while text not in self.screen:
            tap.true(self.read(), f'{text!r} does not come: {self.screen!r}')

    def type(self, text):
        """Types a line when the terminal has stopped echoing."""
        time.sleep(0.1)
        os.write(self.fd, text.encode() + b'\n')

    def end(self):
        """Waits for the end; returns the exit status."""
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def made(folder):
    """A directory with one mailbox."""
    uri = f'sqlite:{folder}/usher.db'
    programs.usher_ok('setup', '--domain', 'a.example', '--host', 'mail.a.example', directory=uri)
    programs.usher_ok('mailbox', 'add', 'u@a.example', directory=uri)
    return uri


@tap.each([
    ('a password is asked for twice', 'tr0mbone', 'tr0mbone', 0, 'Password of u@a.example: set'),
    ('two passwords that differ', 'tr0mbone', 'tr0mpete', 65, 'not the same'),
    ('an empty password at the prompt', '', None, 65, 'empty'),
])
def _(first, second, status, said):
    with scratch.Folder() as folder:
        uri = made(folder)
        screen = Terminal(folder, 'mailbox', 'password', 'u@a.example')
        screen.until('Password for u@a.example: ')
        screen.type(first)
        if second is not None:
            screen.until('The same again: ')
            screen.type(second)
        tap.same(screen.end(), status, screen.screen)
        tap.has(screen.screen, said)
        tap.true('tr0m' not in screen.screen, f'the password is shown: {screen.screen!r}')
        if status == 0:
            out = programs.usher_ok('mailbox', 'password', 'u@a.example', directory=uri,
                                    USHER_PASSWORD=first)
            tap.has(out, 'nothing to change')


@tap.case('an import shows how far it is')
def _():
    with scratch.Folder() as folder:
        made(folder)
        rows = '\n'.join(f'user{i}@a.example,User {i}' for i in range(20000))
        scratch.write(folder / 'in.csv', f'address,display_name\n{rows}\nnonsense,\n')
        screen = Terminal(folder, 'mailbox', 'import', 'in.csv', '--skip-bad')
        tap.same(screen.end(), 1, screen.screen[-500:])
        tap.true(re.search(r'\r\[#* *\] +[0-9]+ %  [0-9]+ rows', screen.screen), screen.screen[:200])
        # The bar is gone before anything else is said.
        tap.has(screen.screen, '\r\x1b[Kusher: in.csv: row 20002: ')
        tap.true(screen.screen.endswith('20001 rows: 20000 created, 0 changed, 0 the same, 1 bad'
                                        '\r\n'), screen.screen[-200:])


@tap.case('no bar where there is no terminal')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        rows = '\n'.join(f'user{i}@a.example' for i in range(5000))
        done = programs.usher('mailbox', 'import', '-', directory=uri, text=f'address\n{rows}\n')
        tap.same((done.returncode, done.stderr), (0, ''))


@tap.case('a reader that goes away ends a listing quietly')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        rows = '\n'.join(f'user{i}@a.example' for i in range(5000))
        programs.usher_ok('mailbox', 'import', '-', directory=uri, text=f'address\n{rows}\n')
        done = subprocess.run(f'"{programs.program("usher")}" -d {uri} mailbox list | head -n 1',
                              shell=True, check=True, text=True, capture_output=True,
                              env=programs.clean_environment())
        tap.true(done.stdout.startswith('ADDRESS'), done.stdout)
        tap.same(done.stderr, '')


tap.main()
