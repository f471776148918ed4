#!/usr/bin/python3
"""Measures lookups of people in an OpenLDAP directory, and what a poll costs each of the programs.

    script/bench directory [--entries N] [--rounds N] [--seconds S] [--write]

slapd has N generated people (a million), loaded once into build-bench/bench/. It has a core of its
own, whoever asks it has the other; over HTTPS usherd is on slapd's, and wrk has the other. Rounds
alternate, a ratio is made of two figures of the same round. Lookups by the directory layer are
compared with raw libldap (the same filters and attributes, nothing else done), and with a SQLite
directory of the same mailboxes. `--write` puts the tables into doc/PERFORMANCE.md and
doc/SCALING.md."""
import argparse
import base64
import contextlib
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import time

import languages
import server
from openldap import ADMIN, PASSWORD as ADMIN_PASSWORD, SUFFIX, Slapd
from report import machine, say, spread, write_document
from running import Server
from support import certificates, daemon, post, programs, scratch

CACHE = programs.BUILD / 'bench'
SLAPD_CORE, OTHER_CORE = '0', '1'
DOMAIN = server.HOST
PEOPLE = f'ou=People,{SUFFIX}'
INDEXES = ('olcDbIndex: objectClass,mail,uid,proxyAddresses,legacyExchangeDN,usherEntity,usherKey eq\n'
           'olcDbIndex: targetAddress,usherValue sub')
LOGINS = 1000  # of the people have a password
PASSWORD = server.PASSWORD
SLOW = 'slow'  # the login whose password is as hard to check as OpenLDAP makes it
WINDOWS = (1, 8, 64)
HOUR_MS = 3600 * 1000


# ---- the directory -----------------------------------------------------------------------------


def hashed(password):
    """As slapd has passwords that are cheap to check."""
    return '{SSHA}' + base64.b64encode(
        hashlib.sha1(password.encode() + b'salt').digest() + b'salt').decode()


def entry(name, number, more=''):
    """One of the people."""
    return (f'dn: uid={name},{PEOPLE}\nobjectClass: inetOrgPerson\nobjectClass: usherMailbox\n'
            f'uid: {name}\ncn: Mailbox {number}\nsn: {number}\ndisplayName: Mailbox {number}\n'
            f'mail: {name}@{DOMAIN}\nproxyAddresses: SMTP:{name}@{DOMAIN}\n'
            f'proxyAddresses: smtp:alias.{name}@{DOMAIN}\n{more}')


def entries(size):
    """What is loaded: the suffix, and `size` people."""
    yield (f'dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: harbour\n'
           'o: Harbour\n')
    yield f'dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: People\n'
    for n in range(size):
        yield entry(f'm{n:07}', n, f'userPassword: {hashed(PASSWORD)}\n' if n < LOGINS else '')
    slow = subprocess.run(['slappasswd', '-o', 'module-load=argon2', '-h', '{ARGON2}', '-s',
                           PASSWORD], capture_output=True, text=True, check=True).stdout
    yield entry(SLOW, size, f'userPassword: {slow}')


class Directory:
    """slapd with its people, and with what `usher setup` makes; `loading`: seconds it took to load
    them."""

    def __init__(self, folder, authority, size):
        database = CACHE / f'slapd-{size}'
        done = database / 'loaded.json'
        if not done.exists():
            shutil.rmtree(database, ignore_errors=True)
        self.slapd = Slapd(folder, authority, more=INDEXES, database=database,
                           schemas=('cosine', 'inetorgperson'), megabytes=8192,
                           wrapper=('taskset', '-c', SLAPD_CORE), modules=('argon2',))
        self._folder, self._done = folder, done
        self.size, self.uri = size, self.slapd.uri

    def __enter__(self):
        if not self._done.exists():
            say(f'loading {self.size} people')
            began = time.monotonic()
            self.slapd.load(entries(self.size))
            self.loading = time.monotonic() - began
        self.slapd.start()
        if not self._done.exists():
            with contextlib.ExitStack() as stack:
                stack.callback(self.slapd.stop)
                self._set_up()
                stack.pop_all()
            scratch.write(self._done, json.dumps(self.loading))
        self.loading = json.loads(self._done.read_text(encoding='utf-8'))
        return self

    def __exit__(self, *_):
        self.slapd.stop()

    def _set_up(self):
        password = scratch.write(self._folder / 'admin', ADMIN_PASSWORD + '\n', mode=0o600)
        config = scratch.write(
            self._folder / 'usher.conf',
            f'directory = {self.slapd.local}\n[directory]\nlogin = {ADMIN}\n'
            f'password file = {password}\nstate = {self._done.parent}/usher\n')
        programs.usher_ok('--config', config, 'setup', '--domain', DOMAIN, '--host',
                          f'mail.{DOMAIN}', '--organization', 'Bench', timeout=300)

    def server(self):
        """What slapd uses."""
        return Server(self.slapd.process, self.slapd.port)


# ---- programs that ask -------------------------------------------------------------------------


def measured(name, *arguments):
    """The JSON that a program on the other core prints, and what it makes a second."""
    done = subprocess.run(['taskset', '-c', OTHER_CORE, programs.BUILD / 'bench/ldap' / name,
                           *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f'{name}: {done.returncode}: {done.stderr.strip()}')
    got = json.loads(done.stdout)
    got['rate'] = got['searches'] / got['seconds']
    return got


def by_libldap(directory, window, seconds):
    """libldap alone, on one connection."""
    return measured('ask_ldap', directory.uri, PEOPLE, DOMAIN, directory.size, window, seconds)


def by_layer(uri, people, window, seconds, connections=1, cache_ms=0):
    """dir_facts() and dir_turn()."""
    return measured('ask_dir', uri, '', connections, cache_ms, DOMAIN, people, window, seconds)


# ---- usherd ------------------------------------------------------------------------------------


USHERD_CONFIG = """
[limits]
connections per address = 100000
requests per connection = 1000000000
waiting passwords = 100000
[log]
requests = no
[authentication]
visibility = any
"""


@contextlib.contextmanager
def usherd(parent, name, directory, chain, key, remember, lines=''):
    """usherd on slapd's core. Yields {close: Server}: for connections that stay, and for such as
    resume no session; and `resumed` for those that do."""
    folder = parent / name
    folder.mkdir()
    full = scratch.free_port()
    with daemon.Usherd(
            folder, certificate=chain, key=key, listeners=('https', 'private'),
            directory=directory,
            config=f'[listen https full]\naddress = 127.0.0.1:{full}\ncertificate = {chain}\n'
                   f'key = {key}\nsession tickets = no\n{lines}{USHERD_CONFIG}'
                   f'remember time = {remember}\nremember refusal time = 0\n',
            wrapper=('taskset', '-c', SLAPD_CORE)) as service:
        yield {'stays': Server(service.process, service.https[1]),
               'resumed': Server(service.process, service.https[1]),
               'new': Server(service.process, full)}


def write_questions(path, people, login, close=False, count=20_000):
    """Questions about people at random, the same each time, each with the password of a `login`,
    which is a function of the number; None: without any."""
    chance = random.Random(1)

    def one(number):
        body = post.POX_REQUEST.format(f'm{number:07}@{DOMAIN}')
        lines = ['POST /autodiscover/autodiscover.xml HTTP/1.1', f'Host: {DOMAIN}',
                 'Content-Type: text/xml; charset=utf-8', f'Content-Length: {len(body)}']
        if login is not None:
            lines.append('Authorization: ' + post.basic(login(number), PASSWORD))
        if close:
            lines.append('Connection: close')
        return '\r\n'.join(lines) + '\r\n\r\n' + body + '\x1e'

    return scratch.write(path, ''.join(one(chance.randrange(people)) for _ in range(count)))


@contextlib.contextmanager
def haproxy(folder, port):
    """A balancer before one port, in the way of packaging/scaling. Yields a Server."""
    mine = scratch.free_port()
    config = scratch.write(folder / 'haproxy.cfg', f'''
defaults
	mode tcp
	timeout connect 2s
	timeout client 80s
	timeout server 80s
frontend https
	bind 127.0.0.1:{mine}
	default_backend usherd
backend usherd
	balance source
	server one 127.0.0.1:{port}
''')
    with subprocess.Popen(['taskset', '-c', SLAPD_CORE, 'haproxy', '-db', '-q', '-f', config]) as it:
        try:
            server.wait_port(mine, it)
            yield Server(it, mine)
        finally:
            it.terminate()


# ---- measurements ------------------------------------------------------------------------------


class Runs:
    """What was measured, by name, a value a round."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)

    def each(self, name, key):
        """One figure of all rounds."""
        return [value[key] for value in self.values[name]]

    def middle(self, name, key):
        """Its median."""
        return statistics.median(self.each(name, key))

    def ratio(self, name, other, key='rate'):
        """Of one to another, round by round."""
        return spread([a / b for a, b in zip(self.each(name, key), self.each(other, key))])


def measure_lookups(runs, directory, sqlite, seconds):
    """One round of the directory layer beside libldap and SQLite."""
    for window in WINDOWS:
        runs.add(f'libldap {window}', by_libldap(directory, window, seconds))
        runs.add(f'layer {window}', by_layer(directory.uri, directory.size, window, seconds))
    runs.add('layer usual', by_layer(directory.uri, directory.size, 64, seconds, connections=2))
    runs.add('layer cached', by_layer(directory.uri, LOGINS, 64, seconds, cache_ms=HOUR_MS))
    runs.add('sqlite', by_layer(sqlite, LOGINS, 64, seconds))


# name, of which usherd, connections, questions
ASKED = (
    ('sqlite', 'sqlite', 'stays', 'known to sqlite'),
    ('cached', 'cached', 'stays', 'known'),
    ('uncached', 'asks', 'stays', 'any'),
    ('checked', 'checks', 'stays', 'known'),
    ('checked slowly', 'checks', 'stays', 'slow'),
    ('refused', 'cached', 'stays', 'nobody'),
    ('new', 'cached', 'new', 'known, closing'),
    ('resumed', 'cached', 'resumed', 'known, closing'),
)


def ask(slapd, server_of, file, seconds, refused=False):
    """One run of wrk, with slapd's processor time per request as well."""
    before = slapd.cpu_seconds()
    got = languages.wrk(server_of, file, seconds)
    if got['failed'] or (got['refused'] and not refused):
        raise RuntimeError(f'{file}: {got["failed"]} failed, {got["refused"]} refused')
    got['slapd_us'] = (slapd.cpu_seconds() - before) / max(got['requests'], 1) * 1e6
    got['rss_mb'] = server_of.memory_kb('Rss') / 1000
    return got


class Service:
    """usherd over SQLite, and over LDAP in all the ways that are measured; and their questions."""

    def __init__(self, stack, folder, authority, directory, sqlite):
        chain, key = authority.issue(f'mail.{DOMAIN}')
        # A password leaves over TLS alone, so that lookups are encrypted here too.
        tls = f'[directory]\nstart tls = yes\nca file = {authority.root}\n'

        def run(name, where, remember, lines=''):
            return stack.enter_context(usherd(folder, name, where, chain, key, remember, lines))

        self.servers = {
            'sqlite': run('sqlite', sqlite, '1h'),
            'cached': run('cached', directory.uri, '1h', f'{tls}cache = 1h\n'),
            'asks': run('asks', directory.uri, '1h', f'{tls}cache = 0\n'),
            'checks': run('checks', directory.uri, '0', f'{tls}cache = 1h\n')}
        self.balanced = stack.enter_context(
            haproxy(folder, self.servers['cached']['new'].port))

        def own(number):
            return f'm{number:07}'

        self.questions = {name: write_questions(folder / name, people, login, **more)
                          for name, people, login, more in (
            ('known', LOGINS, own, {}),
            ('known to sqlite', LOGINS, lambda number: 'l0000', {}),
            ('known, closing', LOGINS, own, {'close': True}),
            ('any', directory.size, lambda number: own(number % LOGINS), {}),
            ('slow', LOGINS, lambda number: SLOW, {}),
            ('nobody', LOGINS, None, {}))}
        self._slapd = directory.server()
        # The one password that takes long to hash is remembered before many ask with it at once.
        post.request(('127.0.0.1', self.servers['sqlite']['stays'].port), DOMAIN, root=False,
                     body=post.POX_REQUEST.format(f'm0000000@{DOMAIN}'),
                     fields={'Authorization': post.basic('l0000', PASSWORD)})

    def measure(self, runs, seconds):
        """One round."""
        for name, whose, kind, questions in ASKED:
            runs.add(f'https {name}', ask(self._slapd, self.servers[whose][kind],
                                          self.questions[questions], seconds, name == 'refused'))
        runs.add('haproxy', ask(self._slapd, self.balanced, self.questions['known, closing'],
                                seconds))


def lookups_table(runs, directory, rounds):
    """What goes into doc/PERFORMANCE.md."""
    lines = ['| measured | ours | p99, µs | the other | p99, µs | ratio, median (min-max) | aim |',
             '|---|---|---|---|---|---|---|']

    def row(what, ours, other, aim=''):
        lines.append(f'| {what} | {runs.middle(ours, "rate"):,.0f} '
                     f'| {runs.middle(ours, "p99_us"):,.0f} | {runs.middle(other, "rate"):,.0f} '
                     f'| {runs.middle(other, "p99_us"):,.0f} | {runs.ratio(ours, other)} | {aim} |')

    for window in WINDOWS:
        row(f'lookups/s, {window} at a time, one connection / libldap', f'layer {window}',
            f'libldap {window}', '>= 0.80' if window == WINDOWS[-1] else '')
    row('lookups/s, 64 at a time, two connections / libldap on one', 'layer usual', 'libldap 64')
    row('lookups/s of 1,000 people, cached / SQLite', 'layer cached', 'sqlite', '>= 0.80')
    row('HTTPS answers/s about 1,000 people, cached / SQLite', 'https cached', 'https sqlite',
        '>= 0.80')
    row('HTTPS answers/s about anybody, not cached / libldap 64 at a time', 'https uncached',
        'libldap 64')
    memory = runs.each('https uncached', 'rss_mb')
    asked = sum(runs.each('https uncached', 'requests'))
    lines.append(f'| resident size of usherd after each round, {asked:,} answers not cached, MB '
                 f'| {", ".join(f"{m:.1f}" for m in memory)} | | | '
                 f'| {memory[-1] / memory[0]:.2f}, last / first | 1 |')
    return (f'{directory.size:,} people, loaded by `slapadd -q` in {directory.loading:.0f} s; '
            f'{rounds} rounds.\n\n' + '\n'.join(lines))


def costs_table(runs):
    """What goes into doc/SCALING.md, where tools/capacity reads it."""
    def cost(name, key='cpu_us'):
        return runs.middle(f'https {name}', key)

    answer, idle = cost('cached'), cost('cached', 'slapd_us')
    rows = (
        ('usherd', 'TLS handshake, new', cost('new') - answer),
        ('usherd', 'TLS handshake, resumed', cost('resumed') - answer),
        ('usherd', 'answer 401', cost('refused')),
        ('usherd', 'answer', answer),
        ('usherd', 'lookup', cost('uncached') - answer),
        ('usherd', 'password checked', cost('checked') - answer),
        ('slapd', 'lookup', cost('uncached', 'slapd_us') - idle),
        ('slapd', 'password checked, {SSHA}', cost('checked', 'slapd_us') - idle),
        ('slapd', 'password checked, {ARGON2}', cost('checked slowly', 'slapd_us') - idle),
        ('haproxy', 'connection', runs.middle('haproxy', 'cpu_us')))
    return '\n'.join(['| who | what | µs |', '|---|---|---|',
                      *(f'| {who} | {what} | {us:,.0f} |' for who, what, us in rows)])


def main():
    parser = argparse.ArgumentParser(description='lookups of people in OpenLDAP')
    parser.add_argument('--entries', type=int, default=1_000_000)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=2)
    parser.add_argument('--write', action='store_true', help='into the documents')
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    busy, runs = os.getloadavg()[0], Runs()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(scratch.Folder())
        authority = certificates.Authority(folder)
        directory = stack.enter_context(Directory(folder, authority, options.entries))
        sqlite = f'sqlite:{server.directory(options.entries)}/usher.db'
        service = Service(stack, folder, authority, directory, sqlite)
        service.measure(Runs(), 1)  # passwords that are remembered have been checked once
        for number in range(options.rounds):
            say(f'round {number + 1} of {options.rounds}')
            measure_lookups(runs, directory, sqlite, options.seconds)
            service.measure(runs, options.seconds)
        lookups = lookups_table(runs, directory, options.rounds)
    head = f'{machine()}; load before the run {busy:.1f}; '
    costs = f'{head}{options.rounds} rounds of {options.seconds} s.\n\n{costs_table(runs)}'
    print(f'{head}{lookups}\n\n{costs}')
    if options.write:
        write_document('directory', head + lookups)
        write_document('costs', costs, 'SCALING.md')


if __name__ == '__main__':
    main()
