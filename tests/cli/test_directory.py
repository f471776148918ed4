#!/usr/bin/python3
"""Directories that cannot be used: one line that says why, the right exit status, nothing lost."""
import os
import shlex
import sqlite3
import subprocess
import threading
import time

from support import programs, scratch, tap

SETUP = ('setup', '--domain', 'a.example', '--host', 'mail.a.example')
ADD = ('mailbox', 'add', 'v@a.example')


def refused(done, status, part):
    """One line on standard error, with `part` in it, and that exit status."""
    tap.same(done.stdout, '', 'standard output')
    tap.same(done.stderr.count('\n'), 1, f'lines of {done.stderr!r}')
    tap.true(done.stderr.startswith('usher: '), done.stderr)
    tap.has(done.stderr, part)
    tap.same(done.returncode, status, done.stderr)


def made(folder):
    """A directory with one mailbox; returns its URI."""
    uri = f'sqlite:{folder}/usher.db'
    programs.usher_ok(*SETUP, directory=uri)
    programs.usher_ok('mailbox', 'add', 'u@a.example', directory=uri)
    return uri


@tap.each([
    ('no folder', 'sqlite:{}/none/usher.db', ('domain', 'list'), 4, 'usher setup'),
    ('no file', 'sqlite:{}/usher.db', ('domain', 'list'), 4, 'usher setup'),
    ('no file to change', 'sqlite:{}/usher.db', ADD, 4, 'usher setup'),
    ('no folder for setup', 'sqlite:{}/none/usher.db', SETUP, 73, 'none'),
    ('a folder where the file should be', 'sqlite:{}', ('domain', 'list'), 4, ''),
    ('an unknown scheme', 'mysql://localhost/usher', ('domain', 'list'), 64, 'mysql'),
])
def _(uri, command, status, part):
    with scratch.Folder() as folder:
        refused(programs.usher(*command, directory=uri.format(folder)), status, part)


@tap.each([
    ('a file that is no database', b'what is this?\n' * 100),
    ('a file of zeros', bytes(8192)),
])
def _(content):
    with scratch.Folder() as folder:
        (folder / 'usher.db').write_bytes(content)
        for command in ('domain', 'list'), ADD, SETUP:
            refused(programs.usher(*command, directory=folder / 'usher.db'), 4, 'usher.db')
        tap.same((folder / 'usher.db').read_bytes(), content, 'the file')


@tap.case("another program's database")
def _():
    with scratch.Folder() as folder:
        other = sqlite3.connect(folder / 'usher.db')
        other.execute('CREATE TABLE domain (name)')
        other.commit()
        other.close()
        for command in ('domain', 'list'), ADD, SETUP:
            refused(programs.usher(*command, directory=folder / 'usher.db'), 4, 'usher.db')


@tap.case('a directory of a newer usher')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        newer = sqlite3.connect(folder / 'usher.db')
        newer.execute('PRAGMA user_version = 1000000')
        newer.commit()
        newer.close()
        for command in ('domain', 'list'), ADD, SETUP:
            refused(programs.usher(*command, directory=uri), 4, 'newer')


@tap.case('a cut directory')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        os.truncate(folder / 'usher.db', 20000)
        for command in ('mailbox', 'list'), ('export',), ADD:
            done = programs.usher(*command, directory=uri)
            tap.true(done.returncode in (0, 4), f'{command}: {done.returncode} {done.stderr}')
            tap.true(done.stderr.count('\n') <= 1, done.stderr)


def locked(folder, seconds):
    """Holds the write lock for so long; returns the thread to join."""
    taken = threading.Event()

    def hold():
        other = sqlite3.connect(folder / 'usher.db', isolation_level=None)
        other.execute('BEGIN IMMEDIATE')
        taken.set()
        time.sleep(seconds)
        other.execute('ROLLBACK')
        other.close()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    return thread


@tap.case('locked by another writer for a moment')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        thread = locked(folder, 1)
        programs.usher_ok('mailbox', 'list', directory=uri)
        programs.usher_ok(*ADD, directory=uri)
        thread.join()


@tap.case('locked by another writer for long')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        thread = locked(folder, 14)
        programs.usher_ok('mailbox', 'list', directory=uri)
        refused(programs.usher(*ADD, directory=uri), 4, 'locked')
        thread.join()
        programs.usher_ok(*ADD, directory=uri)


# ---- what needs a file system of its own ----

def in_namespace(script):
    """Runs a shell script in a private mount namespace: (status, output)."""
    options = '-m' if os.geteuid() == 0 else '-rm'
    probe = subprocess.run(['unshare', options, 'true'], check=False, capture_output=True)
    if probe.returncode != 0:
        tap.skip('no mount namespace to be had here')
    return subprocess.run(['unshare', options, 'sh', '-euc', script], check=False, text=True,
                          capture_output=True, timeout=120, env=programs.clean_environment())


def lines(done):
    """What the script printed, a line each: `WHAT STATUS TEXT`."""
    tap.same(done.returncode, 0, done.stderr)
    return {line.split(' ', 1)[0]: line.split(' ', 1)[1] for line in done.stdout.splitlines()}


SHELL = '''
usher() { "$USHER" -d sqlite:"$FOLDER"/usher.db "$@"; }
say() { what=$1; shift; s=0; text=$(usher "$@" 2>&1 >/dev/null) || s=$?; echo "$what $s $text"; }
'''


@tap.case('a full disk')
def _():
    tap.need('unshare')
    with scratch.Folder() as folder:
        scratch.write(folder / 'in.csv', 'address\n' + ''.join(
            f'user{i}@a.example\n' for i in range(20000)))
        script = f'USHER={shlex.quote(programs.program("usher"))} IN={folder}/in.csv ' \
                 f'FOLDER={folder}/disk' + SHELL + '''
mkdir $FOLDER; mount -t tmpfs -o size=1m tmpfs $FOLDER
usher setup --domain a.example --host mail.a.example >/dev/null
usher mailbox add u@a.example >/dev/null
say import mailbox import $IN
say list mailbox show u@a.example
echo "count 0 $(usher --json mailbox list | grep -c address)"
dd if=/dev/zero of=$FOLDER/filler bs=4k 2>/dev/null || true
say add mailbox import $IN
rm $FOLDER/filler
say after mailbox add v@a.example
rm -r $FOLDER/*.db*
dd if=/dev/zero of=$FOLDER/filler bs=1k 2>/dev/null || true
say setup setup --domain a.example --host mail.a.example
rm $FOLDER/filler
say again setup --domain a.example --host mail.a.example
'''
        said = lines(in_namespace(script))
        for what in 'import', 'add', 'setup':
            tap.true(said[what].startswith('73 usher: '), f'{what}: {said[what]}')
            tap.has(said[what], 'no room left')
        tap.same([said['list'], said['count'], said['after'], said['again']],
                 ['0 ', '0 1', '0 ', '0 '])


@tap.case('a read-only file system')
def _():
    tap.need('unshare')
    with scratch.Folder() as folder:
        made(folder)
        script = f'USHER={shlex.quote(programs.program("usher"))} FOLDER={folder}' + SHELL + '''
mount --bind $FOLDER $FOLDER; mount -o remount,ro,bind $FOLDER
say list mailbox show u@a.example
say export export
say add mailbox add v@a.example
say setup setup --domain b.example --host mail.b.example
'''
        said = lines(in_namespace(script))
        tap.same([said['list'], said['export']], ['0 ', '0 '])
        for what in 'add', 'setup':
            tap.true(said[what].startswith('77 usher: '), f'{what}: {said[what]}')


@tap.case('standard output on a full disk')
def _():
    with scratch.Folder() as folder:
        uri = made(folder)
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([programs.program('usher'), '-d', uri, 'export'], stdout=full,
                                  stderr=subprocess.PIPE, check=False, text=True,
                                  env=programs.clean_environment())
        tap.same(done.stderr, 'usher: standard output: No space left on device\n')
        tap.same(done.returncode, 73)


tap.main()
