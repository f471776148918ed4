#!/usr/bin/python3
"""usherd starts, or says in one line why not."""
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import site_contoso as site
from support import tap
from support.daemon import Usherd
from support.programs import clean_environment, program
from support.scratch import Folder, write

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
GOOD = f'directory = {site.uri(folder)}\n[listen private]\naddress = 127.0.0.1:0\n'
HTTPS = f'directory = {site.uri(folder)}\n[listen https]\naddress = 127.0.0.1:0\n'


def run(*arguments, text=None):
    """Runs usherd to its end, with a configuration of `text`."""
    if text is not None:
        arguments += ('-c', write(folder / 'test.conf', text))
    return subprocess.run([program('usherd'), *map(str, arguments)], capture_output=True, text=True,
                          timeout=30, check=False, env=clean_environment())


def refused(done, status, *parts):
    """One line on standard error with all of `parts`."""
    tap.same((done.returncode, done.stderr.count('\n')), (status, 1), done.stderr)
    for part in parts:
        tap.has(done.stderr, part)


@tap.case('-t says that all is well')
def _():
    for text in (GOOD, HTTPS):
        done = run('-t', text=text)
        tap.same((done.returncode, done.stderr), (0, ''))
        tap.has(done.stdout, 'are good')


@tap.case('-T prints a configuration that prints itself')
def _():
    first = run('-T', text=HTTPS + '[log]\nlevel = debug\n')
    tap.same((first.returncode, first.stderr), (0, ''))
    tap.has(first.stdout, 'level = debug\n')
    tap.has(first.stdout, 'idle time = 75s\n')
    tap.same(run('-T', text=first.stdout).stdout, first.stdout)


@tap.each([
    ('-h', ['-h'], 0, 'usage: usherd'),
    ('-V', ['-V'], 0, 'usherd 0.'),
    ('unknown option', ['-x'], 64, 'usage: usherd'),
    ('operand', ['start'], 64, 'takes no operands'),
])
def _(arguments, status, part):
    done = run(*arguments)
    tap.same(done.returncode, status)
    tap.has(done.stdout + done.stderr, part)


@tap.each([
    ('unknown key', GOOD + 'port = 1\n', 65, 'test.conf:4: unknown key `port`: allowed here are'),
    ('bad value', GOOD + '[limits]\nconnections = many\n', 65, 'a number from 1 to 1000000'),
    ('nothing to listen on', 'threads = 1\n', 65, 'nothing to listen on'),
    ('no directory', GOOD.replace('usher.db', 'none.db'), 4, 'usher setup'),
    ('unknown scheme', GOOD.replace('sqlite:', 'nosql:'), 64, 'nosql'),
    ('no such certificate file', HTTPS + 'certificate = /none.pem\nkey = /none.key\n', 4,
     '/none.pem: cannot be read'),
])
def _(text, status, part):
    refused(run('-t', text=text), status, part)
    refused(run(text=text), status, part)


@tap.case('an account to become that does not exist is refused')
def _():
    if os.geteuid() != 0:
        tap.skip('only root becomes somebody else')
    refused(run(text='user = nobody-at-all\n' + GOOD + '[limits]\nconnections = 100\n'), 65,
            'no such account')


@tap.case('no configuration file')
def _():
    refused(run('-c', folder / 'none.conf'), 4, 'none.conf', 'No such file')


@tap.case('a directory of a newer schema, or of another program, is refused')
def _():
    for name, change, part in (('newer.db', 'PRAGMA user_version = 999', 'newer'),
                               ('other.db', 'PRAGMA application_id = 7', 'not a directory')):
        path = folder / name
        path.write_bytes((folder / 'usher.db').read_bytes())
        with sqlite3.connect(path) as db:
            db.execute(change)
        db.close()
        refused(run(text=GOOD.replace('usher.db', name)), 4, name, part)


def make_older(path):
    """Makes a copy of the directory as the first schema had it."""
    path.write_bytes((folder / 'usher.db').read_bytes())
    with sqlite3.connect(path) as db:
        db.executescript('''
            PRAGMA foreign_keys = OFF;
            DROP TABLE authority;
            DROP TABLE redirect;
            DROP TABLE relationship;
            DROP INDEX mailbox_services_of;
            DROP INDEX mailbox_redirect_address;
            ALTER TABLE mailbox DROP COLUMN services_of;
            PRAGMA user_version = 1;
        ''')
        for table, columns in (
                ('domain', 'separators home_page logo contact documentation_url oauth2_login_url '
                 'oauth2_token_url oauth2_scope oauth2_client_id'),
                ('organization', 'certificate_template application_uri token_issuer '
                 'token_endpoint federated_domains'),
                ('certificate', 'listeners request renews acme')):
            for column in columns.split():
                db.execute(f'ALTER TABLE {table} DROP COLUMN {column}')
    db.close()


def schema_of(path):
    with sqlite3.connect(path) as db:
        version = db.execute('PRAGMA user_version').fetchone()[0]
    db.close()
    return version


@tap.case('a directory of an older schema is brought forward by serving it, not by looking at it')
def _():
    path = folder / 'older.db'
    make_older(path)
    text = GOOD.replace('usher.db', path.name)
    refused(run('-t', text=text), 4, path.name, 'schema 1 of an older usher', 'start or reload')
    tap.same(schema_of(path), 1)
    shutil.copytree(folder / 'usher.db.keys', folder / 'older.db.keys')
    with Usherd(folder, directory=f'sqlite:{path}', listeners=('https',)) as daemon:
        def status():
            return site.ask(daemon, 'any@fabrikam.example').status

        tap.true(schema_of(path) > 1, 'brought forward')
        tap.has(daemon.log(), 'from_schema=1')
        tap.same(status(), 200)
        make_older(folder / 'restored.db')
        old, db = sqlite3.connect(folder / 'restored.db'), sqlite3.connect(path)
        old.backup(db)
        old.close()
        db.close()
        tap.same(status(), 503)
        daemon.reload()
        end = time.monotonic() + 15
        while status() != 200:
            tap.true(time.monotonic() < end, daemon.log())
            time.sleep(0.02)
        tap.same(daemon.log().count('brought forward'), 2)


@tap.case('a file that is no directory is refused')
def _():
    write(folder / 'text.db', 'hello\n' * 1000)
    refused(run(text=GOOD.replace('usher.db', 'text.db')), 4, 'text.db')


@tap.case('an address in use is refused and named')
def _():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        s.listen()
        port = s.getsockname()[1]
        refused(run(text=GOOD.replace(':0', f':{port}')), 4, f'127.0.0.1:{port}')


@tap.case('https without any enabled certificate is refused with what to do')
def _():
    bare = folder / 'bare.db'
    bare.write_bytes((folder / 'usher.db').read_bytes())
    with sqlite3.connect(bare) as db:
        db.execute('DELETE FROM certificate')
    db.close()
    refused(run('-t', text=HTTPS.replace('usher.db', 'bare.db')), 65, 'usher cert enable')


@tap.case('a key that is missing, or that others may read, is refused')
def _():
    key = next((folder / 'usher.db.keys').glob('*.pem'))
    key.chmod(0o644)
    refused(run('-t', text=HTTPS), 65, key.name, 'set its mode to 0600')
    key.chmod(0o600)
    key.rename(folder / 'away')
    refused(run('-t', text=HTTPS), 4, key.name)
    (folder / 'away').rename(key)
    tap.same(run('-t', text=HTTPS).returncode, 0)


@tap.case('a key that is not that of the certificate is refused')
def _():
    key = next((folder / 'usher.db.keys').glob('*.pem'))
    own = key.read_text()
    subprocess.run(['openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-out', key], check=True, capture_output=True)
    key.chmod(0o600)
    done = run('-t', text=HTTPS)
    key.write_text(own)
    tap.same((done.returncode, done.stderr.count('\n')), (65, 1), done.stderr)


def proc(daemon, name):
    """A file of /proc about the daemon."""
    with open(f'/proc/{daemon.process.pid}/{name}', encoding='ascii') as file:
        return file.read()


@tap.case('it makes no core file and lets nobody look into its memory')
def _():
    home = folder / 'quiet'
    home.mkdir()
    with Usherd(home, directory=site.uri(folder), listeners=('private',)) as daemon:
        limits = next(x for x in proc(daemon, 'limits').splitlines() if 'core file' in x)
        tap.same(limits.split()[4:6], ['0', '0'])
        # /proc of a process that is not dumpable belongs to root.
        tap.same(os.stat(f'/proc/{daemon.process.pid}/mem').st_uid, 0)


@tap.case('started as root it becomes the user, and reloads as such')
def _():
    if os.geteuid() != 0:
        tap.skip('only root becomes somebody else')
    nobody = pwd.getpwnam('nobody')
    home = folder / 'dropped'
    home.mkdir()
    folder.chmod(0o755)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    site.make(home)
    tap.same((home / 'usher.db').stat().st_uid, nobody.pw_uid)
    tap.same(next((home / 'usher.db.keys').iterdir()).stat().st_uid, nobody.pw_uid)
    with Usherd(home, top='user = nobody\n') as daemon:
        uids = next(x for x in proc(daemon, 'status').splitlines() if x.startswith('Uid:'))
        tap.same(uids.split()[1:], [str(nobody.pw_uid)] * 4)
        tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
        daemon.reload()
        end = time.monotonic() + 10
        while 'msg=reloaded' not in daemon.log():
            tap.true(time.monotonic() < end, daemon.log())
            time.sleep(0.05)
        tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.case('the service manager is told of every step, and of being alive')
def _():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(folder / 'notify'))
        s.settimeout(20)
        process = subprocess.Popen(
            [program('usherd'), '-c', write(folder / 'told.conf', GOOD)], stderr=subprocess.DEVNULL,
            env=clean_environment(NOTIFY_SOCKET=folder / 'notify', WATCHDOG_USEC=400000))

        def told(mark):
            while True:
                lines = s.recv(4096).decode().split('\n')
                if mark in lines:
                    return lines
                tap.same(lines, ['WATCHDOG=1'])

        with process:
            told('READY=1')
            told('WATCHDOG=1')
            process.send_signal(signal.SIGHUP)
            tap.true(any(x.startswith('MONOTONIC_USEC=') for x in told('RELOADING=1')), 'no time')
            told('READY=1')
            process.send_signal(signal.SIGTERM)
            told('STOPPING=1')
        tap.same(process.returncode, 0)


@tap.each([('with tickets', 'yes', True), ('without', 'no', False)])
def _(value, resumed):
    home = folder / f'tickets-{value}'
    home.mkdir()
    with Usherd(home, directory=site.uri(folder), https=f'session tickets = {value}\n',
                listeners=('https',)) as daemon:
        where = '%s:%d' % daemon.https
        # TLS 1.2: its ticket comes with the handshake, so that -reconnect can use it.
        done = subprocess.run(['openssl', 's_client', '-connect', where, '-tls1_2', '-reconnect'],
                              input=b'', capture_output=True, timeout=30, check=False)
        tap.same(b'\nReused, ' in done.stdout, resumed)


@tap.case('clean up')
def _():
    folder_block.__exit__(None)


tap.main()
