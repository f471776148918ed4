#!/usr/bin/python3
"""Kills changing commands at random instants: what was acknowledged is there, nothing is in half.

Each case kills one command USHER_KILL_COUNT times (default 40; 10 with a sanitizer) at random
instants of its run. The directory is kept from kill to kill, so that damage would add up.
"""
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time

from support import programs, scratch, tap

COUNT = int(os.environ.get('USHER_KILL_COUNT') or (10 if programs.SANITIZED else 40))
SECONDS = 6 if COUNT <= 40 else 3600    # of one case: a slow machine kills less often
ROWS = 3000


def start(folder, *arguments):
    """Starts `usher` on the folder's directory."""
    return subprocess.Popen([programs.program('usher'), '-d', 'sqlite:usher.db', *arguments],
                            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=programs.clean_environment())


def usher(folder, *arguments):
    """Runs `usher` to its end; it must succeed."""
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=60)
    tap.same(process.returncode, 0, f'usher {" ".join(arguments)}: {err.strip()}')
    return out


def duration(folder, *arguments):
    """How long the command takes when nobody kills it."""
    begun = time.monotonic()
    usher(folder, *arguments)
    return time.monotonic() - begun


def kill(folder, after, *arguments):
    """Runs the command and kills it after so many seconds; True when it had acknowledged."""
    process = start(folder, *arguments)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    out, err = process.communicate()
    if process.returncode != -signal.SIGKILL:
        tap.same(process.returncode, 0, f'usher {" ".join(arguments)}: {err.strip()}')
    return process.returncode == 0 or out != ''


def query(folder, sql):
    """Rows of the database, which must be whole by SQLite's own judgement."""
    database = sqlite3.connect(folder / 'usher.db')
    tap.same(database.execute('PRAGMA quick_check').fetchall(), [('ok',)], 'the database')
    tap.same(database.execute('PRAGMA foreign_key_check').fetchall(), [], 'foreign keys')
    rows = database.execute(sql).fetchall()
    database.close()
    return rows


def rounds(folder, command, state, seconds):
    """Kills `command(i)` again and again. It makes `state()` equal to i; else that stays."""
    until = time.monotonic() + SECONDS
    kills = stayed = 0
    before = state()
    while kills < COUNT and time.monotonic() < until:
        kills += 1
        acknowledged = kill(folder, random.uniform(0, seconds * 1.2), *command(kills))
        after = state()
        if after != kills and (acknowledged or after != before):
            raise AssertionError(f'kill {kills}: acknowledged {acknowledged}, was {before!r}, '
                                 f'is {after!r}')
        stayed += after == before
        # Half of the kills shall come late enough to find something done.
        seconds *= 0.9 if after != before else 1.2
        before = after
    tap.note(f'{kills} kills, {stayed} of them before the commit')


def prepared(folder):
    """An organization with one mailbox."""
    usher(folder, 'setup', '--domain', 'a.example', '--host', 'mail.a.example')
    usher(folder, 'mailbox', 'add', 'u@a.example', '--database', '0')


@tap.case('mailbox import')
def _():
    with scratch.Folder() as folder:
        prepared(folder)

        def command(i):
            rows = [f'u{k}@a.example,{i},a{k}@a.example;i{i}x{k}@a.example' for k in range(ROWS)]
            scratch.write(folder / 'in.csv', '\n'.join(['address,database,aliases', *rows]))
            return 'mailbox', 'import', 'in.csv'

        def state():
            rows = query(folder, "SELECT DISTINCT database FROM mailbox WHERE address <> 'u@a.example'")
            tap.same(len(rows), 1, 'imports of which there are rows')
            i = int(rows[0][0])
            rows = query(folder, "SELECT count(*), sum(local GLOB 'a*'), "
                                 f"sum(local GLOB 'i{i}x*') FROM address WHERE local <> 'u'")
            tap.same(rows, [(3 * ROWS, ROWS, ROWS)], f'addresses of import {i}')
            return i

        rounds(folder, command, state, duration(folder, *command(0)))


@tap.case('mailbox set')
def _():
    with scratch.Folder() as folder:
        prepared(folder)

        def command(i):
            return ('mailbox', 'set', 'u@a.example', '--database', str(i), '--aliases',
                    f'x{i}@a.example,y{i}@a.example')

        def state():
            box = json.loads(usher(folder, '--json', 'mailbox', 'show', 'u@a.example'))
            i = box['database']
            tap.same(box['aliases'], [f'x{i}@a.example', f'y{i}@a.example'], 'aliases')
            rows = query(folder, f"SELECT count(*) FROM address WHERE local GLOB '?{i}'")
            tap.same(rows, [(2,)], 'addresses')
            return int(i)

        rounds(folder, command, state, duration(folder, *command(0)))


@tap.case('mailbox add and remove')
def _():
    with scratch.Folder() as folder:
        prepared(folder)

        def command(i):
            if i % 2 == 0:
                return 'mailbox', 'remove', 'v@a.example'
            return 'mailbox', 'add', 'v@a.example', '--aliases', 'w@a.example'

        def state():
            box = query(folder, "SELECT count(*) FROM mailbox WHERE address = 'v@a.example'")[0][0]
            rows = query(folder, "SELECT count(*) FROM address WHERE local IN ('v', 'w')")[0][0]
            tap.same(rows, 2 * box, 'addresses')
            return Parity(box)

        rounds(folder, command, state, duration(folder, *command(1)))


class Parity(int):
    """Is equal to every number that is even or odd as it is itself."""

    def __eq__(self, other):
        return self % 2 == other % 2

    def __ne__(self, other):
        return not self == other

    __hash__ = None


@tap.case('mailbox password')
def _():
    with scratch.Folder() as folder:
        prepared(folder)
        for i in range(2):
            scratch.write(folder / f'password{i}', f'secret {i}\n')

        def command(i):
            return 'mailbox', 'password', 'u@a.example', '--password-file', f'password{i % 2}'

        def state():
            rows = query(folder, 'SELECT login_name, password_hash FROM credential')
            tap.same(len(rows), 1, 'credentials')
            same = usher(folder, 'mailbox', 'password', 'u@a.example', '-n', '--password-file',
                         'password1')
            return Parity('nothing' in same)

        rounds(folder, command, state, duration(folder, *command(0)))


# The other records: a command whose last argument brings the number in, and where it then stands.
OTHERS = [
    ('organization set', ('--name', 'O{}'), 'organization', 'name'),
    ('domain set', ('a.example', '--display-name', 'D{}'), "domain WHERE domain = 'a.example'",
     'display_name'),
    ('service set', ('b.example', 'imap', '--host', 'h{}.example'), 'service', 'host'),
    ('server set', ('--site', 'S', '--site-scope', 'S{}'), 'server', 'site_scope'),
    ('url set', ('ews', '--internal', 'https://h{}.example/'), "url WHERE service = 'ews'",
     'internal'),
    ('outlook-anywhere set', ('--external-host', 'h{}.example'), 'outlook_anywhere',
     'external_host'),
    ('provider set', ('EXPR', '--server', 'h{}.example'), "provider WHERE name = 'EXPR'", 'server'),
    ('site set', ('S', '--subnets', 'fd00:1{}::/32'), "site WHERE name = 'S'", 'subnets'),
]


@tap.each([(row[0], *row) for row in OTHERS])
def _(name, arguments, table, column):
    with scratch.Folder() as folder:
        prepared(folder)
        usher(folder, 'domain', 'add', 'b.example', '--kind', 'mail')
        usher(folder, 'service', 'add', 'b.example', 'imap', '--host', 'h0.example')
        usher(folder, 'site', 'add', 'S')

        def command(i):
            return (*name.split(), *(a.format(i) for a in arguments))

        def state():
            rows = query(folder, f'SELECT {column} FROM {table}')
            tap.same(len(rows), 1, 'rows')
            return int(re.search(arguments[-1].split('{}')[0] + '([0-9]+)', rows[0][0])[1])

        rounds(folder, command, state, duration(folder, *command(0)))


@tap.case('apply --prune')
def _():
    with scratch.Folder() as folder:
        def command(i):
            domains = [{'domain': f'd{i}x{k}.example', 'kind': 'mail'} for k in range(100)]
            services = [{'domain': d['domain'], 'type': 'imap', 'host': f'h{i}.example'}
                        for d in domains]
            scratch.write(folder / 'in.json', json.dumps(
                {'usher': 1, 'domains': domains, 'services': services}))
            return 'apply', '--prune', 'in.json'

        def state():
            rows = query(folder, 'SELECT host, count(*) FROM service GROUP BY host')
            tap.same([row[1] for row in rows], [100], 'services of each document')
            i = int(rows[0][0][1:].split('.')[0])
            rows = query(folder, f"SELECT count(*), sum(domain GLOB 'd{i}x*') FROM domain")
            tap.same(rows, [(100, 100)], 'domains')
            return i

        rounds(folder, command, state, duration(folder, *command(0)))


@tap.case('setup')
def _():
    with scratch.Folder() as folder:
        def command(i):
            return 'setup', '--domain', f'd{i}.example', '--host', f'h{i}.example'

        def state():
            i, servers = query(folder, 'SELECT max(CAST(substr(fqdn, 2) AS INTEGER)), count(*) '
                                       'FROM server')[0]
            counts = query(folder, 'SELECT (SELECT count(*) FROM url), (SELECT count(*) FROM '
                                   'outlook_anywhere), (SELECT count(*) FROM domain), '
                                   '(SELECT count(*) FROM certificate)')[0]
            tap.same(counts, (8 * servers, servers, servers, servers), 'records of each server')
            for (sha256,) in query(folder, 'SELECT sha256 FROM certificate'):
                tap.true((folder / 'usher.db.keys' / f'{sha256}.pem').exists(), 'a key is missing')
            return i

        rounds(folder, command, state, duration(folder, *command(0)))
        usher(folder, *command(1000000))
        keys = len(list((folder / 'usher.db.keys').iterdir()))
        tap.same(keys, query(folder, 'SELECT count(*) FROM certificate')[0][0], 'keys at the end')


@tap.case('ca init and ca remove')
def _():
    with scratch.Folder() as folder:
        prepared(folder)

        def command(i):
            return ('ca', 'remove', 'R') if i % 2 == 0 else ('ca', 'init', '--name', 'R', '--no-passphrase')

        def state():
            rows = query(folder, 'SELECT sha256 FROM authority')
            for (sha256,) in rows:
                tap.true((folder / 'usher.db.keys' / f'{sha256}.pem').exists(), 'a key is missing')
            return Parity(len(rows))

        rounds(folder, command, state, duration(folder, *command(1)))
        usher(folder, *command(1))
        tap.same(len(list((folder / 'usher.db.keys').iterdir())), 2, 'keys at the end')


@tap.case('the first setup, where there is no directory')
def _():
    setup = 'setup', '--domain', 'a.example', '--host', 'mail.a.example'
    with scratch.Folder() as folder:
        seconds = duration(folder, *setup)
    until = time.monotonic() + SECONDS
    for _round in range(COUNT):
        if time.monotonic() > until:
            break
        with scratch.Folder() as folder:
            acknowledged = kill(folder, random.uniform(0, seconds), *setup)
            said = usher(folder, *setup)
            tap.true(not acknowledged or 'Nothing to do' in said, said)
            tap.same(query(folder, 'SELECT count(*) FROM certificate'), [(1,)], 'certificates')
            tap.same(len(list((folder / 'usher.db.keys').iterdir())), 1, 'keys')


@tap.case('cert new, renew and remove')
def _():
    with scratch.Folder() as folder:
        prepared(folder)

        def certificates():
            return query(folder, 'SELECT thumbprint, sha256 FROM certificate ORDER BY random()')

        def keys():
            return {key.stem for key in (folder / 'usher.db.keys').iterdir()}

        commands = [lambda: ('new', '--domain', 'a.example', '--key', 'p256'),
                    lambda: ('request', '--domain', 'a.example', '--key', 'p256', '--out', 'r'),
                    lambda: ('renew', certificates()[0][0], '--key', 'p256'),
                    lambda: ('remove', '--force', certificates()[0][0])]
        seconds = duration(folder, 'cert', *commands[0]())
        until = time.monotonic() + SECONDS
        orphans = kills = 0
        while kills < COUNT and time.monotonic() < until:
            kills += 1
            if len(certificates()) < 2:
                usher(folder, 'cert', *commands[0]())
            # A request cannot be renewed, and that is said with nothing done.
            with contextlib.suppress(AssertionError):
                kill(folder, random.uniform(0.3, 1.1) * seconds, 'cert',
                     *random.choice(commands)())
            rows = {sha256 for _, sha256 in certificates()}
            tap.same(rows - keys(), set(), 'certificates without a key')
            orphans += keys() > rows
        usher(folder, 'cert', *commands[0]())
        tap.same(keys(), {sha256 for _, sha256 in certificates()}, 'keys after the next command')
        tap.note(f'{kills} kills, {orphans} of which left a key for the next command to remove')


tap.main()
