"""Measures every language that usherd answers in, at ten and at ten thousand domains, beside nginx.

`script/bench server` runs it behind the measurement with mailboxes. Each domain has its own kind,
names and servers (see hosting/hosting.c) and is asked at random. nginx gets the same questions and answers
each language with a constant text of the same length."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

from report import say, spread
from running import Server
from support import daemon, post, programs, scratch

HERE = pathlib.Path(__file__).resolve().parent
CACHE = programs.BUILD / 'bench'
SERVER_CORE, CLIENT_CORE = '0', '1'
CONNECTIONS = 64
DOMAINS = (10, 10_000)
ASKED = 2000  # different questions, however many domains there are: choosing costs the client
PASSWORD = 'bench password'
MAIL, EXCHANGE, KINDS = 0, 1, 5  # a domain's number modulo 5: see hosting/hosting.c
POX = '/autodiscover/autodiscover.xml'
MOBILESYNC = post.POX_REQUEST.replace(
    'exchange/autodiscover/outlook/responseschema/2006a',
    'exchange/autodiscover/mobilesync/responseschema/2006')
SOAP = ('<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" '
        'xmlns:wsa="http://www.w3.org/2005/08/addressing" '
        'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
        '<a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>'
        '<wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/'
        'GetUserSettings</wsa:Action></soap:Header><soap:Body>'
        '<a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>{0}</a:Mailbox>'
        '</a:User></a:Users><a:RequestedSettings>' + ''.join(
            f'<a:Setting>{name}</a:Setting>' for name in (
                'UserDisplayName', 'AutoDiscoverSMTPAddress', 'ActiveDirectoryServer',
                'InternalEwsUrl', 'ExternalEwsUrl', 'ExternalEwsVersion', 'EwsSupportedSchemas',
                'InternalEcpUrl'))
        + '</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></soap:Body>'
          '</soap:Envelope>')

# name: kind of domain, whether a password goes with it, path, body
LANGUAGES = {
    'pox': (MAIL, False, POX, post.POX_REQUEST),
    'pox-exchange': (EXCHANGE, True, POX, post.POX_REQUEST),
    'activesync': (EXCHANGE, True, POX, MOBILESYNC),
    'soap': (EXCHANGE, True, '/autodiscover/autodiscover.svc', SOAP),
    'json': (EXCHANGE, False,
             '/autodiscover/autodiscover.json?Email={0}&Protocol=Ews', None),
    'autoconfig': (MAIL, False, '/mail/config-v1.1.xml?emailaddress={0}', None),
    'pacc': (MAIL, False, '/.well-known/user-agent-configuration.json', None),
    'profile': (MAIL, False, '/profile.mobileconfig?emailaddress={0}', None),
    'page': (MAIL, False, '/', None),
}


def question(language, number, close, path=None, turn=0):
    """One whole request about domain `number`; `turn` tells it from others of the same words."""
    _, login, target, body = LANGUAGES[language]
    domain = f'd{number:05}.example'
    body = '' if body is None else body.format(f'ann@{domain}')
    lines = [f'{"POST" if body else "GET"} {path or target.format(f"ann@{domain}")} HTTP/1.1',
             f'Host: {domain}', f'X-Turn: {turn:05}']
    if body:
        lines += ['Content-Type: text/xml; charset=utf-8', f'Content-Length: {len(body)}']
    if login:
        lines.append('Authorization: ' + post.basic('host', PASSWORD))
    if close:
        lines.append('Connection: close')
    return '\r\n'.join(lines) + '\r\n\r\n' + body


def questions(language, size, close, path=None):
    """ASKED questions about the domains of a language's kind, as languages.lua reads them."""
    kind = range(LANGUAGES[language][0], size, KINDS)
    return ''.join(question(language, kind[turn % len(kind)], close, path, turn) + '\x1e'
                   for turn in range(ASKED))


def directory(size, hosting):
    """A directory of `size` domains, made once; returns its folder."""
    folder = CACHE / f'hosting-{size}'
    if (folder / 'complete').exists():
        return folder
    say(f'making a directory with {size} domains')
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    where = f'sqlite:{folder}/usher.db'

    def run(*arguments):
        return programs.usher_ok(*arguments, directory=where, timeout=600)

    run('setup', '--domain', 'main.example', '--host', 'mail.main.example')
    subprocess.run([hosting, str(size), folder], check=True, timeout=600)
    run('apply', folder / 'hosting.json')
    password = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
    run('mailbox', 'password', 'ann@d00001.example', '--password-file', password)
    password.unlink()
    (folder / 'hosting.json').unlink()
    (folder / 'complete').touch()
    return folder


def ask(where, data):
    """The answer to a whole request that closes its connection."""
    return post.Answer(post.exchange(where, data.encode(), root=False))


def answer_bytes(where, language):
    """The length of an answer: what nginx will send."""
    number = LANGUAGES[language][0]
    got = ask(where, question(language, number, close=True))
    if got.status != 200:
        raise RuntimeError(f'{language}: usherd answered {got.status}: {got.body[:300]!r}')
    return len(got.body)


@contextlib.contextmanager
def usherd(parent, size, chain, key, hosting):
    """usherd over `size` domains with two listeners. Yields {close: Server}."""
    folder = parent / f'hosting-{size}'
    folder.mkdir(exist_ok=True)
    full = scratch.free_port()
    with daemon.Usherd(
            folder, certificate=chain, key=key, listeners=('https', 'private'),
            directory=f'sqlite:{directory(size, hosting)}/usher.db',
            config=f'[listen https full]\naddress = 127.0.0.1:{full}\ncertificate = {chain}\n'
                   f'key = {key}\nsession tickets = no\n'
                   '[limits]\nconnections per address = 100000\n'
                   'requests per connection = 1000000000\nwaiting passwords = 100000\n'
                   '[authentication]\nremember time = 1h\n[log]\nrequests = no\n',
            wrapper=('taskset', '-c', SERVER_CORE)) as service:
        yield {False: Server(service.process, service.https[1]),
               True: Server(service.process, full)}


@contextlib.contextmanager
def nginx(folder, chain, key, lengths):
    """nginx that answers `/LANGUAGE` with a text of that length. Yields {close: Server}."""
    ports = {close: scratch.free_port() for close in (False, True)}
    places = ''
    for name, length in lengths.items():
        parts = [length // 8 + (1 if i < length % 8 else 0) for i in range(8)]
        sets = ''.join(f'set $p{i} "{"x" * n}"; ' for i, n in enumerate(parts))
        joined = ''.join(f'$p{i}' for i in range(8))
        places += f'location /{name} {{ default_type text/xml; {sets} return 200 "{joined}"; }}\n'
    servers = ''.join(f'''
    server {{
        listen 127.0.0.1:{ports[close]} ssl reuseport backlog=4096;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets {"off" if close else "on"};
        ssl_session_cache {"off" if close else "shared:bench:10m"};
        {places}
    }}''' for close in (False, True))
    temporary = ''.join(f'{kind}_temp_path {folder}/nginx-languages-{kind};\n' for kind in (
        'client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    config = scratch.write(folder / 'nginx-languages.conf', f'''
daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {folder}/nginx-languages.pid;
error_log {folder}/nginx-languages.log warn;
events {{ worker_connections 9000; multi_accept on; }}
http {{
    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 100000000;
    {temporary}
    {servers}
}}''')
    with open(folder / 'nginx-languages.out', 'wb') as out:
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            ['taskset', '-c', SERVER_CORE, '/usr/sbin/nginx', '-e',
             folder / 'nginx-languages.log', '-c', config],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        for port in ports.values():
            daemon_ready(port)
        yield {close: Server(process, port) for close, port in ports.items()}
    finally:
        process.terminate()
        process.wait(20)


def daemon_ready(port):
    """Returns when somebody answers TLS on `port`."""
    for _ in range(200):
        try:
            ask(('127.0.0.1', port), 'GET /pox HTTP/1.0\r\n\r\n')
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError('nginx did not start; see its log in ' + str(CACHE))


def wrk(server, file, seconds, connections=CONNECTIONS):
    """One run of wrk over the questions in `file`: what languages.lua prints, with `rate` and
    `cpu_us`, the server's processor time per request."""
    before = server.cpu_seconds()
    done = subprocess.run(
        ['taskset', '-c', CLIENT_CORE, 'wrk', '--threads', '1', '--connections', str(connections),
         '--duration', f'{seconds}s', '--timeout', '10s', '--latency', '--script',
         HERE / 'languages.lua', f'https://127.0.0.1:{server.port}'],
        capture_output=True, text=True, check=True,
        env={'PATH': os.environ['PATH'], 'BENCH_QUESTIONS': str(file)})
    got = json.loads(done.stdout.strip().splitlines()[-1])
    got['rate'] = got['requests'] / got['seconds']
    got['cpu_us'] = (server.cpu_seconds() - before) / max(got['requests'], 1) * 1e6
    return got


def load(server, file, seconds):
    """Answers a second, and the server's processor time for each, in µs."""
    got = wrk(server, file, seconds)
    if got['failed'] or got['refused']:
        raise RuntimeError(f'{file}: {got["failed"]} failed, {got["refused"]} refused')
    return got['rate'], got['cpu_us']


def write_questions(folder, languages):
    """{(language, size or 'nginx', close): file}."""
    files = {}
    for language in languages:
        for close in (False, True):
            for size in DOMAINS:
                files[language, size, close] = scratch.write(
                    folder / f'{language}-{size}-{close}', questions(language, size, close))
            files[language, 'nginx', close] = scratch.write(
                folder / f'{language}-nginx-{close}',
                questions(language, DOMAINS[-1], close, '/' + language))
    return files


def table(runs, lengths):
    """The report of {(language, close, who): [(rate, processor time)]}."""
    lines = ['| language | answer, bytes | case | usherd, 10 domains | 10,000 domains | nginx '
             '| usherd / nginx, 10,000 domains, median (min-max) | aim '
             '| 10,000 domains / 10, median (min-max) '
             "| the server's processor time per request, µs: 10 domains, 10,000, nginx "
             '| 10,000 domains / 10 by it, median (min-max) |',
             '|---|---|---|---|---|---|---|---|---|---|---|']
    for language, length in lengths.items():
        for close, case, aim in ((False, 'keep-alive', '>= 0.40'),
                                 (True, 'new connections', '>= 0.90')):
            rates, spent = zip(*(zip(*runs[language, close, who]) for who in (*DOMAINS, 'nginx')))
            few, many, theirs = rates
            lines.append('| ' + ' | '.join((
                language, f'{length:,}', case,
                *(f'{statistics.median(v):,.0f}' for v in rates),
                spread([m / t for m, t in zip(many, theirs)]), aim,
                spread([m / f for m, f in zip(many, few)]),
                ', '.join(f'{statistics.median(v):.1f}' for v in spent),
                spread([m / f for m, f in zip(spent[1], spent[0])]))) + ' |')
    return '\n'.join(lines)


def measure(folder, authority, languages, rounds, seconds, hosting):
    """Runs all rounds and returns the report as text."""
    chain, key = authority.issue('bench.example')
    runs, order = {}, (*DOMAINS, 'nginx')
    with contextlib.ExitStack() as stack:
        services = {size: stack.enter_context(usherd(folder, size, chain, key, hosting))
                    for size in DOMAINS}
        for servers in services.values():  # the password is hashed once
            ask(('127.0.0.1', servers[False].port), question('pox-exchange', EXCHANGE, close=True))
        lengths = {language: answer_bytes(('127.0.0.1', services[DOMAINS[0]][False].port), language)
                   for language in languages}
        theirs = stack.enter_context(nginx(folder, chain, key, lengths))
        files = write_questions(folder, languages)
        for number in range(rounds):
            for language in languages:
                say(f'round {number + 1} of {rounds}: {language}')
                for close in (False, True):
                    # What the machine does besides falls on another each time.
                    for who in order[::1 if number % 2 == 0 else -1]:
                        server = (theirs if who == 'nginx' else services[who])[close]
                        runs.setdefault((language, close, who), []).append(
                            load(server, files[language, who, close], seconds))
    return table(runs, lengths)
