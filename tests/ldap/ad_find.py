"""`usher find` on a computer in a real Active Directory: cases for a controller that runs already.

    ad_find.cases(dc, folder, administrator)    # adds them to those of the script

Connections to ADDRESS come from CLIENT, which is in a subnet of SITE."""
import contextlib
import json
import socket
import subprocess
import threading

from samba_dc import ADDRESS, DOMAIN, HOST
from support import certificates, netns, programs, scratch, tap
from support.daemon import Usherd

CLIENT, SITE = '10.9.0.5', 'Mühle'
QUAY = f'quay.{DOMAIN}'
ANN = f'ann@{DOMAIN}'
COUNTED = '127.1.0.9'
RECORDS = [
    f'_ldap._tcp.dc._msdcs.{DOMAIN}. SRV 0 100 389 dead.{DOMAIN}.',
    f'_ldap._tcp.dc._msdcs.{DOMAIN}. SRV 1 100 389 {HOST}.',
    f'_ldap._tcp.M\\195\\188hle._sites.dc._msdcs.{DOMAIN}. SRV 0 100 389 {HOST}.',
    f'dead.{DOMAIN}. A 127.1.0.99', f'{QUAY}. A 127.0.0.1', f'old.{DOMAIN}. A 127.0.0.1',
]


class Counter:
    """Stands between a client and the controller, and counts pings, and the rounds of LDAP behind
    them: messages of the client that an answer follows. Handshakes of TCP and what is said to the
    KDC are none; a ping that is repeated, because the machine is busy, is counted by itself."""

    def __init__(self):
        self.pings = self.rounds = 0
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((COUNTED, 389))
        self._tcp = socket.create_server((COUNTED, 389))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_udp(self):
        while True:
            question, peer = self._udp.recvfrom(4096)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                out.connect((ADDRESS, 389))
                out.send(question)
                self.pings += 1
                self._udp.sendto(out.recv(65536), peer)

    def _serve_tcp(self):
        while True:
            client, _ = self._tcp.accept()
            server = socket.create_connection((ADDRESS, 389))
            turn = ['client']
            for source, target, who in ((client, server, 'client'), (server, client, 'server')):
                threading.Thread(target=self._pump, args=(source, target, turn, who),
                                 daemon=True).start()

    def _pump(self, source, target, turn, who):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if b'DnsDomain' in data:
                    self.pings, turn[0] = self.pings + 1, 'server'
                    target.sendall(data)
                    continue
                self.rounds += who == 'server' and turn[0] == 'client'
                turn[0] = who
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)


def cases(dc, folder, administrator):
    """The mail service of ann@harbour.example, published as its administrator does it."""
    authority = certificates.Authority(folder)
    certificate = authority.issue(QUAY, label='quay')
    database = f'sqlite:{folder}/usher.db'
    password = scratch.write(folder / 'ann', 'Anns own 1\n', 0o600)

    def usher_ok(*arguments, **environment):
        return programs.usher_ok(*arguments, directory=database, **environment)

    def find(*arguments, env=administrator, address=ANN):
        done = programs.usher('--json', 'find', address, '--password-file', password, '--ca-file',
                              authority.root, '--grace', '20s', *arguments, **env)
        tap.true(done.stdout != '', done.stderr)
        return json.loads(done.stdout)

    def serving():
        return Usherd(folder, *certificate, ports={'https': 443}, listeners=('https', 'private'))

    def points(found):
        return [a for a in found['attempts'] if a['source'] == 'A']

    @tap.case('a mailbox, and connection points by `usher scp publish`')
    def _():
        usher_ok('setup', '--domain', DOMAIN, '--host', QUAY)
        usher_ok('mailbox', 'add', ANN, '--display-name', 'Ann')
        usher_ok('mailbox', 'password', ANN, '--password-file', password)
        for name, host, site in (('old1', 'old', 'Mole'), ('quay1', 'quay', SITE)):
            done = programs.usher(
                'scp', 'publish', name, '--url',
                f'https://{host}.{DOMAIN}/autodiscover/autodiscover.xml', '--site-scope', site,
                '--ldap', dc.uri, **administrator)
            tap.same((done.returncode, done.stderr), (0, ''))

    @tap.case('--domain-joined finds controller, site, connection point and settings by the ticket')
    def _():
        with serving():
            found = find('--domain-joined')
        tap.same((found['outcome'], found['source'], found['url']),
                 ('found', 'A', f'https://{QUAY}/autodiscover/autodiscover.xml'))
        search, *asked = points(found)
        tap.same((search['url'], search['directory'], search['site']),
                 ('ldap:///DC=harbour,DC=example', f'ldap://{HOST}', SITE))
        for words in ('this computer is in harbour.example, by the default realm in krb5.conf',
                      f'{HOST}, which DNS names for harbour.example, answers the LDAP ping over',
                      f'(dead.{DOMAIN} ', f'and we are in {SITE}', 'logged in by GSS-SPNEGO'):
            tap.has(search['reason'], words)
        tap.has(asked[0]['named_by'], 'CN=quay1,CN=Microsoft Exchange Autodiscover')
        tap.has(asked[0]['named_by'], 'in our site')
        tap.same(asked[-1]['scheme'], 'basic')

    @tap.each([
        ('the host', dc.uri, ()),
        ('its domain', f'ldap://{DOMAIN}', ()),
        ('over ldaps', dc.ldaps, ('ca',)),
        ('by its index of categories', dc.uri, ('--object-category',)),
    ])
    def _(uri, more):
        if more == ('ca',):
            more = ('--ca-file', dc.ca)     # the last one counts: the service is not trusted then
        found = find('--ldap', uri, '--sources', 'A', *more)
        search = points(found)[0]
        tap.has(search['reason'], 'logged in by GSS-SPNEGO')
        tap.has(search['reason'], f'it names https://{QUAY}')
        tap.same(search['site'], SITE)

    @tap.case('without a ticket it is said what is missing, and DNS has the word')
    def _():
        found = find('--domain-joined', env={'KRB5_CONFIG': str(dc.krb5),
                                             'KRB5CCNAME': f'FILE:{folder}/none'})
        tap.has(points(found)[0]['reason'], 'not logged in: there is no Kerberos ticket')
        tap.true(len(found['attempts']) > 1, 'DNS was not asked')

    @tap.case('a look-up costs four rounds: ping, rootDSE, login, search')
    def _():
        counter = Counter()
        found = find('--ldap', 'ldap:///DC=harbour,DC=example', '--sources', 'A', '--site', SITE,
                     '--connect-to', f'{HOST}:389:{COUNTED}:389')
        tap.has(points(found)[0]['reason'], 'logged in by GSS-SPNEGO')
        tap.true(counter.pings > 0, 'there was no ping')
        tap.same(counter.rounds, 3)

    @tap.case('a profile keeps where to look, and the site')
    def _():
        profiles = folder / 'profiles'
        with serving():
            done = programs.usher(
                'profile', 'create', ANN, '--profiles', profiles, '--password-file', password,
                '--ca-file', authority.root, '--domain-joined', **administrator)
        tap.same((done.returncode, done.stderr), (0, ''))
        kept = next(profiles.glob('*')).read_text()
        tap.has(kept, f'"site": "{SITE}"')

    @tap.case('everybody in the domain finds it, as long as there is a ticket')
    def _():
        dc.tool('user', 'create', 'paula', 'Reader&1reader')
        environment = dc.ticket('paula', 'Reader&1reader')
        found = find('--domain-joined', '--sources', 'A', env=environment)
        tap.has(points(found)[0]['reason'], 'logged in by GSS-SPNEGO')
        subprocess.run(['kdestroy'], env=environment, check=True)
        found = find('--domain-joined', '--sources', 'A', env=environment)
        tap.has(points(found)[0]['reason'], 'there is no Kerberos ticket')


def route():
    """Before the controller starts: connections to it come from CLIENT."""
    netns.add_address(CLIENT)
    netns.add_address(COUNTED)
    subprocess.run(['ip', 'route', 'replace', 'local', ADDRESS, 'dev', 'lo', 'table', 'local',
                    'src', CLIENT], check=True)
