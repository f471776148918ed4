#!/usr/bin/python3
"""Measures usherd beside nginx in one run: same certificate, same load, separate cores.

    script/bench server [--rounds N] [--seconds S] [--languages LIST] [--languages-only]
                        [--write]

nginx answers every POST with a constant text of the same length; usherd reads the question, checks
the credentials, looks into the directory and writes the answer. Rounds alternate, a ratio is made
of two figures of the same round. Then come the languages, see languages.py. `--write` puts the
tables into doc/PERFORMANCE.md."""
import argparse
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import time

import languages
from report import machine, say, spread, write_document
from running import Server
from support import certificates, daemon, post, programs, scratch

HERE = pathlib.Path(__file__).resolve().parent
CACHE = programs.BUILD / 'bench'
SERVER_CORE, CLIENT_CORE = '0', '1'
LOGINS = 1000
SIZES = (1000, 1_000_000)
PASSWORD = 'bench password'
HOST = 'bench.example'
AGENT = 'Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro)'  # as in load.lua: it gets more blocks
CONNECTIONS = 64
PAUSED_CONNECTIONS, PAUSE_MS = 256, 100
IDLE_CONNECTIONS = 2000
SETTLE_SECONDS = 2


# ---- directories -------------------------------------------------------------------------------


def login_of(number, size):
    """The login that owns mailbox `number`."""
    return f'l{number * LOGINS // size:04}'


def directory(size):
    """A directory with `size` mailboxes of LOGINS logins, made once; returns its folder."""
    folder = CACHE / f'directory-{size}'
    if (folder / 'complete').exists():
        return folder
    say(f'making a directory with {size} mailboxes')
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob('usher.db*'):
        old.unlink()
    where = f'sqlite:{folder}/usher.db'

    def run(*arguments):
        return programs.usher_ok(*arguments, directory=where, timeout=1800)

    run('setup', '--domain', HOST, '--host', f'mail.{HOST}', '--organization', 'Bench')
    set_passwords(run, folder)
    with open(folder / 'mailboxes.csv', 'w', encoding='utf-8') as rows:
        rows.write('address,display_name,login_name\n')
        for n in range(size):
            rows.write(f'm{n:07}@{HOST},Mailbox {n},{login_of(n, size)}\n')
    began = time.monotonic()
    run('mailbox', 'import', folder / 'mailboxes.csv')
    say(f'imported in {time.monotonic() - began:.1f} s')
    (folder / 'mailboxes.csv').unlink()
    (folder / 'complete').touch()
    return folder


def set_passwords(run, folder):
    """Gives every login the same password: one hash, made by `usher`, for all."""
    password = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
    run('mailbox', 'add', f'hash@{HOST}')
    run('mailbox', 'password', f'hash@{HOST}', '--password-file', password)
    (made,) = json.loads(run('export', '--with-secrets'))['credentials']
    document = scratch.write(folder / 'credentials.json', json.dumps({
        'usher': 1, 'credentials': [{**made, 'login_name': f'l{n:04}'} for n in range(LOGINS)]}),
        mode=0o600)
    run('apply', document)
    for file in (password, document):
        file.unlink()


# ---- servers -----------------------------------------------------------------------------------


@contextlib.contextmanager
def nginx(folder, chain, key, body_bytes):
    """nginx with two listeners: without and with resumption. Yields {False: Server, True: ...}."""
    ports = {resume: scratch.free_port() for resume in (False, True)}
    # A word of its configuration holds 4 KB at most: the body is joined from parts.
    parts = [body_bytes // 8 + (1 if i < body_bytes % 8 else 0) for i in range(8)]
    sets = ''.join(f'set $p{i} "{"x" * n}";\n' for i, n in enumerate(parts))
    servers = ''.join(f'''
    server {{
        listen 127.0.0.1:{ports[resume]} ssl reuseport backlog=4096;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets {"on" if resume else "off"};
        ssl_session_cache {"shared:bench:10m" if resume else "off"};
        location / {{
            default_type text/xml;
            {sets}
            return 200 "{"".join(f"$p{i}" for i in range(8))}";
        }}
    }}''' for resume in (False, True))
    config = scratch.write(folder / 'nginx.conf', f'''
daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 9000; multi_accept on; }}
http {{
    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    {servers}
}}''')
    with open(folder / 'nginx.out', 'wb') as out:
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            ['taskset', '-c', SERVER_CORE, '/usr/sbin/nginx', '-e', folder / 'nginx.log',
             '-c', config], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        for port in ports.values():
            wait_port(port, process)
        yield {resume: Server(process, port) for resume, port in ports.items()}
    finally:
        process.terminate()
        process.wait(20)


def wait_port(port, process):
    """Returns when somebody listens on `port`."""
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as s:
            if s.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError('nginx did not start; see its log in ' + str(CACHE))


# One client address makes all connections, and asks longer than a verdict is remembered. The rest
# are the defaults.
USHERD_CONFIG = """
[limits]
connections per address = 100000
requests per connection = 1000000000
waiting passwords = 100000
[authentication]
remember time = 1h
[log]
requests = no
"""


@contextlib.contextmanager
def usherd(parent, size, chain, key):
    """usherd over the directory of `size` mailboxes, listeners as nginx(). Yields them."""
    folder = parent / f'usherd-{size}'
    folder.mkdir(exist_ok=True)
    full = scratch.free_port()
    with daemon.Usherd(
            folder, certificate=chain, key=key, listeners=('https', 'private'),
            directory=f'sqlite:{directory(size)}/usher.db',
            config=f'[listen https full]\naddress = 127.0.0.1:{full}\ncertificate = {chain}\n'
                   f'key = {key}\nsession tickets = no\n{USHERD_CONFIG}',
            wrapper=('taskset', '-c', SERVER_CORE)) as service:
        yield {True: Server(service.process, service.https[1]),
               False: Server(service.process, full)}


# ---- measurements ------------------------------------------------------------------------------


def load(server, size, credentials, seconds, close=False, pause_ms=0):
    """One run of wrk: rate, processor time of the server per request, latencies."""
    connections = PAUSED_CONNECTIONS if pause_ms else CONNECTIONS
    before = server.cpu_seconds()
    done = subprocess.run(
        ['taskset', '-c', CLIENT_CORE, 'wrk', '--threads', '1', '--connections', str(connections),
         '--duration', f'{seconds}s', '--timeout', '10s', '--latency',
         '--script', HERE / 'load.lua', f'https://127.0.0.1:{server.port}'],
        capture_output=True, text=True, check=True,
        env={'PATH': os.environ['PATH'], 'BENCH_MAILBOXES': str(size),
             'BENCH_CREDENTIALS': str(credentials), 'BENCH_CLOSE': '1' if close else '0',
             'BENCH_PAUSE_MS': str(pause_ms)})
    got = json.loads(done.stdout.strip().splitlines()[-1])
    got['rate'] = got['requests'] / got['seconds']
    got['cpu_us'] = (server.cpu_seconds() - before) / max(got['requests'], 1) * 1e6
    return got


def warm(server, size, root):
    """Lets every login ask once, so that its password has been hashed."""
    connection = http.client.HTTPSConnection(
        '127.0.0.1', server.port, context=client_context(root), timeout=60)
    for n in range(LOGINS):
        connection.request('POST', '/autodiscover/autodiscover.xml',
                           body=post.POX_REQUEST.format(f'm{n * size // LOGINS:07}@{HOST}'),
                           headers={'Host': HOST, 'Content-Type': 'text/xml',
                                    'Authorization': post.basic(f'l{n:04}', PASSWORD)})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f'l{n:04} got {answer.status}')
    connection.close()


def client_context(root):
    """TLS of a client that reaches the service by its address."""
    context = ssl.create_default_context(cafile=str(root))
    context.check_hostname = False
    return context


def idle_kb(server, root):
    """Memory that an idle TLS connection costs the server after one answered request."""
    context = client_context(root)
    question = (f'POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: {HOST}\r\n'
                'Content-Type: text/xml\r\nContent-Length: 0\r\n\r\n').encode()
    held = []

    def hold(count):
        for _ in range(count):
            stream = context.wrap_socket(
                socket.create_connection(('127.0.0.1', server.port)), server_hostname=HOST)
            stream.sendall(question)
            read_answer(stream)
            held.append(stream)
        time.sleep(SETTLE_SECONDS)
        return server.memory_kb()

    # The first ones make what is made once: pools, caches, arenas.
    base = hold(100)
    full = hold(IDLE_CONNECTIONS)
    for stream in held:
        stream.close()
    return (full - base) / IDLE_CONNECTIONS


def read_answer(stream):
    """Reads one answer with a Content-Length."""
    got = b''
    while b'\r\n\r\n' not in got:
        part = stream.recv(65536)
        if not part:
            raise RuntimeError('the server closed an idle connection')
        got += part
    head, _, rest = got.partition(b'\r\n\r\n')
    left = int(re.search(rb'(?i)content-length: *(\d+)', head).group(1)) - len(rest)
    while left > 0:
        left -= len(stream.recv(65536))


def answer_bytes(folder, chain, key, root):
    """The length of an answer for a mailbox: what nginx will send."""
    with usherd(folder, SIZES[0], chain, key) as servers:
        got = post.request(('127.0.0.1', servers[True].port), HOST, root=root,
                           body=post.POX_REQUEST.format(f'm0000007@{HOST}'),
                           fields={'Authorization': post.basic('l0007', PASSWORD),
                                   'User-Agent': AGENT})
    if got.status != 200:
        raise RuntimeError(f'usherd answered {got.status}: {got.body[:300]!r}')
    return len(got.body)


class Table:
    """Rows of the report."""

    def __init__(self):
        self.rows = []

    def add(self, what, usher, yardstick, ratio, target):
        self.rows.append((what, usher, yardstick, ratio, target))

    def markdown(self):
        lines = ['| measured | usherd | nginx | usherd / nginx, median (min-max) | aim |',
                 '|---|---|---|---|---|']
        return '\n'.join(lines + ['| ' + ' | '.join(r) + ' |' for r in self.rows])


# name, close, resume, pause, aim for the ratio of rates
CASES = (
    ('keep-alive requests/s', False, True, 0, '>= 0.40'),
    ('new connections/s, full handshake', True, False, 0, '>= 0.90'),
    ('new connections/s, resumed', True, True, 0, '>= 0.90'),
    ('at the same offered load', False, True, PAUSE_MS, ''),
)


def measure(servers, yardstick, credentials, rounds, seconds, table):
    """Runs all cases in alternated rounds and fills the table."""
    runs = {}
    for number in range(rounds):
        for name, close, resume, pause, _ in CASES:
            for size in SIZES:
                say(f'round {number + 1} of {rounds}: {name}, {size} mailboxes')
                pair = []
                for who, server in (('nginx', yardstick[resume]),
                                    ('usherd', servers[size][resume])):
                    got = load(server, size, credentials, seconds, close, pause)
                    if got['failed'] or got['refused']:
                        raise RuntimeError(f'{who}: {got["failed"]} failed, '
                                           f'{got["refused"]} refused requests in {name}')
                    pair.append(got)
                runs.setdefault((name, size), []).append(pair)
    for name, _, _, pause, aim in CASES:
        for size in SIZES:
            pairs = runs[name, size]

            def row(what, key, digits, aim, pairs=pairs, size=size, name=name):
                table.add(f'{name}: {what}, {size:,} mailboxes',
                          f'{statistics.median([u[key] for _, u in pairs]):,.{digits}f}',
                          f'{statistics.median([n[key] for n, _ in pairs]):,.{digits}f}',
                          spread([u[key] / n[key] for n, u in pairs]), aim)

            if not pause:
                row('rate', 'rate', 0, aim)
            row('server time per request, µs', 'cpu_us', 1, '')
            row('p99, µs', 'p99_us', 0, '<= 2' if pause else '')
    small, large = ([u['rate'] for _, u in runs[CASES[0][0], size]] for size in SIZES)
    ratios = [b / a for a, b in zip(small, large)]
    table.add('keep-alive rate with 1,000,000 mailboxes / with 1,000', spread(ratios), '', '',
              '0.90-1.10')


def nginx_version():
    """`1.22.1`."""
    said = subprocess.run(['/usr/sbin/nginx', '-v'], capture_output=True, text=True, check=True)
    return said.stderr.strip().split('/')[-1]


def measure_mailboxes(options):
    """The report about a thousand and a million mailboxes."""
    busy = os.getloadavg()[0]
    table = Table()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(scratch.Folder())
        folder.chmod(0o755)
        authority = certificates.Authority(folder)
        chain, key = authority.issue(HOST)
        credentials = scratch.write(folder / 'credentials', ''.join(
            'Basic ' + base64.b64encode(f'l{n:04}:{PASSWORD}'.encode()).decode() + '\n'
            for n in range(LOGINS)), mode=0o600)
        for size in SIZES:  # in memory, as nginx's text is
            (directory(size) / 'usher.db').read_bytes()
        size_of_answer = answer_bytes(folder, chain, key, authority.root)
        yardstick = stack.enter_context(nginx(folder, chain, key, size_of_answer))
        servers = {size: stack.enter_context(usherd(folder, size, chain, key)) for size in SIZES}
        for size, both in servers.items():
            say(f'hashing the passwords of {LOGINS} logins')
            warm(both[True], size, authority.root)
        measure(servers, yardstick, credentials, options.rounds, options.seconds, table)
        large = servers[SIZES[1]][True]
        table.add('resident size with 1,000,000 mailboxes, after the load, MB',
                  f'{large.memory_kb("Rss") / 1000:.1f}', '', '', '< 100')
        theirs = idle_kb(yardstick[True], authority.root)
        ours = idle_kb(servers[SIZES[0]][True], authority.root)
        table.add('memory per idle TLS connection, KB', f'{ours:.1f}', f'{theirs:.1f}',
                  f'{ours / theirs:.2f}', '<= 1')
    return (f'{machine()}, nginx {nginx_version()}; load before the run {busy:.1f}; '
            f'{options.rounds} rounds of {options.seconds} s, {CONNECTIONS} connections, '
            f'answers of {size_of_answer} bytes, '
            f'server on core {SERVER_CORE}, client on core {CLIENT_CORE}.\n\n{table.markdown()}')


def measure_languages(chosen, options):
    """The report about languages."""
    busy = os.getloadavg()[0]
    with scratch.Folder() as folder:
        folder.chmod(0o755)
        table = languages.measure(folder, certificates.Authority(folder), chosen, options.rounds,
                                  options.seconds, programs.BUILD / 'bench' / 'hosting' / 'hosting')
    return (f'{machine()}, nginx {nginx_version()}; load before the run {busy:.1f}; '
            f'{options.rounds} rounds of {options.seconds} s, {languages.CONNECTIONS} connections, '
            f'server on core {SERVER_CORE}, client on core {CLIENT_CORE}.\n\n{table}')


def report(name, text, write):
    """Prints a report and, when asked to, puts it into the document."""
    print(text, flush=True)
    if write:
        write_document(name, text)


def main():
    parser = argparse.ArgumentParser(description='usherd beside nginx')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=int, default=2)
    parser.add_argument('--languages', default=','.join(languages.LANGUAGES),
                        help='some of the languages; nothing for none')
    parser.add_argument('--languages-only', action='store_true',
                        help='nothing about a million mailboxes')
    parser.add_argument('--write', action='store_true', help='into doc/PERFORMANCE.md')
    options = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit('bench: needs two cores, one for the server and one for the client')
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    CACHE.mkdir(parents=True, exist_ok=True)
    if not options.languages_only:
        report('server', measure_mailboxes(options), options.write)
    chosen = [name for name in options.languages.split(',') if name]
    if chosen:
        report('languages', measure_languages(chosen, options), options.write)


if __name__ == '__main__':
    main()
