#!/usr/bin/python3
"""usher find logs in at servers that others wrote: Apache by Kerberos and Basic, Samba by NTLM."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time

from support import certificates, netns, scratch, tap
from support.peers import Peer
from support.programs import program, usher

netns.enter()

# pylint: disable=wrong-import-position
import kerberos  # noqa: E402
import samba  # noqa: E402
from apache import BASIC, EITHER, NEGOTIATE, Apache  # noqa: E402

FOUND, NOT_FOUND, REJECTED, BLOCKED = range(4)
USER, PASSWORD = 'ines', 'Harbour & 4 piers'
PRINCIPAL = f'{USER}@{kerberos.NAME}'
APACHE, PEER, PROXY = '127.1.0.1', '127.1.0.2', '127.1.0.3'
DOMAINS = {'ticket.example': NEGOTIATE, 'either.example': EITHER, 'basic.example': BASIC,
           'alias.example': NEGOTIATE, 'no-service.example': NEGOTIATE}
RECORDS = [f'autodiscover.{d}. A {APACHE}' for d in DOMAINS if d != 'alias.example'] + [
    # A server of many names: the address leads to another one, and so does the alias.
    'autodiscover.alias.example. CNAME canonical.example.', f'canonical.example. A {APACHE}',
    '1.0.1.127.in-addr.arpa. PTR reverse.example.', f'reverse.example. A {APACHE}',
    f'autodiscover.ntlm.example. A {PEER}',
    f'proxy.ticket.example. A {PROXY}',
    f'_kerberos._tcp.{kerberos.NAME}. SRV 5 0 1 kdc.example.',
    f'_kerberos._tcp.{kerberos.NAME}. SRV 1 0 88 kdc.example.', 'kdc.example. A 127.0.0.1']


class Run:
    """What one search did: its exit status and JSON."""

    def __init__(self, domain, *options, environment=None, wrapper=None, password=None):
        if password is not None:
            options += ('--password-file', scratch.write(folder / 'password', password + '\n'))
        done = usher('find', f'{USER}@{domain}', '--json', *options, wrapper=wrapper,
                     **(environment or realm.environment()))
        tap.true(PASSWORD not in done.stdout + done.stderr, 'the password is shown')
        tap.true(done.stdout, f'no answer: {done.stderr}')
        self.status, self.json = done.returncode, json.loads(done.stdout)
        self.schemes = [a['scheme'] for a in self.json['attempts'] if a['credentialed']]
        self.reasons = ' | '.join(a['reason'] for a in self.json['attempts'])


def expect(run, outcome, schemes=(), reason=''):
    """How it ended, and by which schemes it had logged in."""
    tap.same((run.status, run.schemes), (outcome, list(schemes)), run.reasons)
    tap.has(run.reasons, reason)


@contextlib.contextmanager
def watched(domain):
    """What Apache's log says about logins meanwhile."""
    host = f'autodiscover.{domain}'
    before = len(web.logins(host))
    seen = []
    yield seen
    time.sleep(0.1)
    seen += web.logins(host)[before:]


def negotiate_cases():
    """A ticket, or none."""
    @tap.case('Negotiate: a ticket logs in, without a password and without delegation')
    def _():
        cache = realm.tickets(USER, PASSWORD, '-f')
        with watched('ticket.example') as seen:
            expect(Run('ticket.example', environment=realm.environment(cache)), FOUND,
                   ['negotiate'])
        tap.same(seen, [(PRINCIPAL, 200)])
        tap.same(list(web.delegated.iterdir()), [])

    @tap.case('Negotiate is taken where Basic is offered beside it, with a password at hand')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        with watched('either.example') as seen:
            expect(Run('either.example', '--auth', 'negotiate,ntlm', environment=realm.environment(
                cache), password=PASSWORD), FOUND, ['negotiate'])
        tap.same(seen, [(PRINCIPAL, 200)])

    @tap.case('a ticket of somebody else is not used when a login is given')
    def _():
        cache = realm.tickets('otto', 'otto')
        with watched('ticket.example') as seen:
            expect(Run('ticket.example', '--login', USER, environment=realm.environment(cache)),
                   REJECTED)
        tap.same(seen, [])

    @tap.each([
        ('no ticket', None, 'No Kerberos credentials'),
        ('a ticket that has expired', ('-l', '2s'), 'expired'),
    ])
    def _(options, reason):
        cache = None if options is None else realm.tickets(USER, PASSWORD, *options)
        if options is not None:
            time.sleep(3)
        with watched('ticket.example') as seen:
            expect(Run('ticket.example', environment=realm.environment(cache)), REJECTED,
                   reason=reason)
        tap.same(seen, [])

    @tap.case('a clock ten minutes off: no ticket is got, and the reason is told')
    def _():
        tap.need('faketime')
        with open(program('usher'), 'rb') as binary:
            if b'__asan_init' in binary.read():
                tap.skip('libfaketime and AddressSanitizer both want to come first')
        cache = realm.tickets(USER, PASSWORD)
        with watched('ticket.example') as seen:
            expect(Run('ticket.example', environment=realm.environment(cache),
                       wrapper=['faketime', '-f', '+10m']), REJECTED, reason='lock skew')
        tap.same(seen, [])

    @tap.case('the service has the name in the URL, not what DNS makes of it')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        with watched('alias.example') as seen:
            expect(Run('alias.example', environment=realm.environment(cache)), FOUND,
                   ['negotiate'])
        tap.same(seen, [(PRINCIPAL, 200)])

    @tap.each([('its second KDC is asked when the first one is not there',
                ['127.0.0.1:1', 'kdc.example:1', '127.0.0.1:88']),
               ('DNS tells the KDCs, by their priority', []),
               ('a KDC may be told by its name', ['tcp/kdc.example:88'])])
    def _(kdcs):
        cache = realm.tickets(USER, PASSWORD)
        expect(Run('ticket.example', environment=realm.environment(cache, kdcs)), FOUND,
               ['negotiate'])

    @tap.case('its second KDC is asked all when the first one hangs up while it answers')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        with socket.create_server(('127.0.0.1', 0)) as first:
            def hang_up():
                connection, _ = first.accept()
                connection.recv(65536)
                connection.sendall(bytes(2))
                connection.close()
            thread = threading.Thread(target=hang_up, daemon=True)
            thread.start()
            kdcs = [f'127.0.0.1:{first.getsockname()[1]}', '127.0.0.1:88']
            run = Run('ticket.example', environment=realm.environment(cache, kdcs))
        expect(run, FOUND, ['negotiate'])
        thread.join(10)
        tap.true(not thread.is_alive(), 'the first KDC was not asked')

    @tap.case('a KDC that says nothing holds nobody up')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        with socket.create_server(('127.0.0.1', 0)) as silent:
            kdcs = [f'127.0.0.1:{silent.getsockname()[1]}']
            # The library would wait ten seconds, and our own patience with a KDC is three.
            run = Run('ticket.example', '--request-timeout', '2900ms',
                      environment=realm.environment(cache, kdcs))
        expect(run, REJECTED, reason='Kerberos gave no ticket for it in time')
        tap.true(run.json['elapsed_ms'] < 9000, run.json['elapsed_ms'])

    @tap.case('KDCs of which none answers are told')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        expect(Run('ticket.example', environment=realm.environment(cache, ['127.0.0.1:1'])),
               REJECTED, reason=f'no KDC of {kerberos.NAME} answers')

    @tap.case('a host without a service principal: the reason is told, and nothing is sent')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        with watched('no-service.example') as seen:
            expect(Run('no-service.example', environment=realm.environment(cache)), REJECTED,
                   reason='not found in Kerberos database')
        tap.same(seen, [])

    @tap.case('a ticket that the server cannot read is shown once')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        other = folder / 'other-keytab'
        realm.add_service('HTTP/autodiscover.ticket.example', other)
        try:
            with watched('ticket.example') as seen:
                expect(Run('ticket.example', environment=realm.environment(cache)), REJECTED,
                       ['negotiate'], 'refused the Kerberos ticket')
        finally:
            realm.add_service('HTTP/autodiscover.ticket.example')
        tap.same(seen, [('-', 401)])


def basic_cases():
    """A password in the clear."""
    @tap.case('Basic: the password logs in where nothing else is offered')
    def _():
        with watched('basic.example') as seen:
            expect(Run('basic.example', '--login', USER, password=PASSWORD), FOUND, ['basic'])
        tap.same(seen, [(USER, 200)])

    @tap.case('Basic: a wrong password is shown once')
    def _():
        with watched('basic.example') as seen:
            expect(Run('basic.example', '--login', USER, password='wrong'), REJECTED, ['basic'])
        tap.same(seen, [(USER, 401)])

    @tap.case('Basic beside Negotiate gets nothing')
    def _():
        with watched('either.example') as seen:
            expect(Run('either.example', password=PASSWORD), BLOCKED,
                   reason='allow Basic explicitly')
        tap.same(seen, [])

    @tap.case('Basic beside Negotiate by explicit word')
    def _():
        with watched('either.example') as seen:
            expect(Run('either.example', '--auth', 'basic', '--login', USER, password=PASSWORD),
                   FOUND, ['basic'])
        tap.same([status for _, status in seen], [200])


def ntlm(outcome, schemes, *options, password=PASSWORD, offers=('Negotiate', 'NTLM'), reason='',
         **more):
    """Searches where Samba verifies; returns its verdicts and the peer."""
    server = samba.Ntlm(folder, PASSWORD, offers)
    with Peer(*files, server, at=(PEER, 443)) as peer:
        expect(Run('ntlm.example', *options, password=password, **more), outcome, schemes, reason)
    return server.verdicts, peer


def ntlm_cases():
    """Samba makes the challenges and verifies the proofs."""
    @tap.each([
        ('NTLM: DOMAIN\\name', 'HARBOUR\\ines', 'AF HARBOUR\\ines'),
        ('NTLM: a name alone', 'ines', 'AF \\ines'),
        ('NTLM: user principal name', 'ines@harbour.example', 'AF \\ines@harbour.example'),
    ])
    def _(login, verdict):
        verdicts, peer = ntlm(FOUND, ['ntlm'], '--login', login)
        tap.same(verdicts, [verdict])
        tap.same(len(peer.requests), 3)

    @tap.case('NTLM: without a login, the address is the name')
    def _():
        tap.same(ntlm(FOUND, ['ntlm'])[0], [f'AF \\{USER}@ntlm.example'])

    @tap.case('NTLM is taken before Basic')
    def _():
        tap.same(ntlm(FOUND, ['ntlm'], offers=('Basic realm="x"', 'Negotiate', 'NTLM'))[0],
                 [f'AF \\{USER}@ntlm.example'])

    @tap.case('NTLM: a wrong password is verified once, and Basic does not get it either')
    def _():
        verdicts, peer = ntlm(REJECTED, ['ntlm'], '--auth', 'ntlm,basic', password='wrong',
                              offers=('NTLM', 'Basic realm="x"'))
        tap.same([v[:3] for v in verdicts], ['NA '])
        tap.same(len(peer.logins), 1)

    @tap.case('without a ticket, NTLM follows Negotiate')
    def _():
        tap.same(ntlm(FOUND, ['ntlm'], '--auth', 'negotiate,ntlm')[0],
                 [f'AF \\{USER}@ntlm.example'])

    @tap.case('with a ticket for another realm\'s host, NTLM follows Negotiate')
    def _():
        cache = realm.tickets(USER, PASSWORD)
        tap.same(ntlm(FOUND, ['ntlm'], '--auth', 'negotiate,ntlm',
                      environment=realm.environment(cache))[0], [f'AF \\{USER}@ntlm.example'])

    @tap.case('NTLM: a password that libcurl cannot spell is not tried')
    def _():
        verdicts, peer = ntlm(REJECTED, [], password='Grüße', reason='beyond ASCII')
        tap.same((verdicts, peer.logins), ([], []))


SQUID = """http_port {address}:{port}
auth_param {scheme} program {helper}
auth_param {scheme} children 2
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
logformat usher %rm %ru %un %>Hs
access_log stdio:{folder}/access logformat=usher
cache_log {folder}/squid.log
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 0 seconds
{user}
"""


@contextlib.contextmanager
def squid(scheme, make_helper):
    """A proxy that others wrote; gives its URL and what it logs: who was let where. `make_helper`
    puts into a folder what verifies logins, and gives the command."""
    tap.need('squid')
    root = os.getuid() == 0     # squid goes on as somebody else
    with scratch.Folder() as home:
        helper = make_helper(home)
        for path in [home, *home.rglob('*')] if root else []:
            shutil.chown(path, 'proxy')
        port = scratch.free_port()
        scratch.write(home / 'conf', SQUID.format(
            address=PROXY, port=port, scheme=scheme, helper=helper, folder=home,
            user='cache_effective_user proxy' if root else ''))
        name = ''.join(c for c in home.name if c.isalnum())     # of its shared memory
        with subprocess.Popen(['squid', '-n', name, '-N', '-f', home / 'conf'],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                end = time.monotonic() + 20
                while socket.socket().connect_ex((PROXY, port)) != 0:
                    tap.true(process.poll() is None and time.monotonic() < end,
                             'squid does not start')
                    time.sleep(0.05)
                yield f'http://{{}}proxy.ticket.example:{port}', home / 'access'
            finally:
                process.terminate()


def let_through(log):
    """Whom squid let through to the host."""
    time.sleep(0.1)
    words = [line.split() for line in log.read_text().splitlines()]
    return {w[2] for w in words if w[0] == 'CONNECT' and w[3] == '200'}


def proxy_cases():
    """The same schemes at a proxy."""
    @tap.case('a proxy by Negotiate, with the ticket for its own name, and then Basic at the host')
    def _():
        def helper(home):
            name = 'HTTP/proxy.ticket.example'
            realm.add_service(name, home / 'keytab')
            return ('/usr/lib/squid/negotiate_kerberos_auth '
                    f'-s {name}@{kerberos.NAME} -k {home}/keytab')

        with squid('negotiate', helper) as (url, log):
            url = url.format('')
            cache = realm.tickets(USER, PASSWORD)
            run = Run('basic.example', '--proxy', url, '--login', USER, password=PASSWORD,
                      environment=realm.environment(cache))
            tap.has(run.json['reason'], 'wants a login')
            expect(Run('basic.example', '--proxy', url, '--proxy-auth', 'negotiate', '--login',
                       USER, password=PASSWORD, environment=realm.environment(cache)), FOUND,
                   ['basic'])
            tap.same(let_through(log), {PRINCIPAL})

    @tap.case('a proxy by NTLM, and then NTLM at the host')
    def _():
        server = samba.Ntlm(folder, PASSWORD)
        secret = scratch.write(folder / 'proxy-password', PASSWORD + '\n')

        def helper(home):
            words = samba.Ntlm(home, PASSWORD).command
            return ' '.join([shutil.which(words[0])] + [f'"{word}"' for word in words[1:]])
        with squid('ntlm', helper) as (url, log), Peer(*files, server, at=(PEER, 443)):
            expect(Run('ntlm.example', '--proxy', url.format(f'{USER}@'), '--proxy-auth', 'ntlm',
                       '--proxy-password-file', secret, password=PASSWORD), FOUND, ['ntlm'])
            tap.same(let_through(log), {f'\\{USER}'})


def main():
    """All cases, on one stage."""
    proxy_cases()
    negotiate_cases()
    basic_cases()
    ntlm_cases()
    tap.main()


with scratch.Folder() as folder:
    if not all(shutil.which(p, path='/usr/sbin:/usr/bin') for p in ('krb5kdc', 'apache2')):
        tap.case('servers')(lambda: tap.need('krb5kdc', 'apache2'))
        tap.main()
    authority = certificates.Authority(folder)
    hosts = [f'autodiscover.{d}' for d in DOMAINS]
    files = authority.issue(*hosts, 'autodiscover.ntlm.example')
    netns.add_address(APACHE)
    netns.add_address(PEER)
    netns.add_address(PROXY)
    netns.trust(authority, folder)
    with netns.Dns(folder, RECORDS), kerberos.Realm(folder, ['ntlm.example']) as realm:
        realm.add_user(USER, PASSWORD)
        realm.add_user('otto', 'otto')
        for name in ('ticket', 'either', 'alias'):
            realm.add_service(f'HTTP/autodiscover.{name}.example')
        with Apache(folder, APACHE, *files, dict(zip(hosts, DOMAINS.values())), realm) as web:
            web.add_user(USER, PASSWORD)
            main()
