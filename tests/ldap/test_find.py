#!/usr/bin/python3
"""`usher find` looks for connection points: in a real slapd, behind scripted domain controllers."""
import contextlib
import json

import openldap
from controller import (PAUSED, Controller, after_strangers, apart, cut_off, damaged, good, negative,
                        says, silent)
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, names, peers, scratch, tap
from support.programs import usher

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
for place in ('near', 'far'):
    (folder / place).mkdir()
near = stack.enter_context(openldap.Slapd(folder / 'near', authority))
far = stack.enter_context(openldap.Slapd(folder / 'far', authority))
secret = scratch.write(folder / 'secret', PASSWORD + '\n', 0o600)

DOMAIN = 'harbour.example'
ADDRESS = f'ann@{DOMAIN}'
QUAY, MOLE, FOREIGN = f'quay.{DOMAIN}', f'mole.{DOMAIN}', 'cas.strangers.example'
DNS_HOST = f'autodiscover.{DOMAIN}'
CERTIFICATE = authority.issue(QUAY, MOLE, FOREIGN, DNS_HOST)
URL_GUID = '77378F46-2C66-4aa9-A6A6-3E7A48B19596'
POINTER_GUID = '67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68'
SRV = f'_ldap._tcp.dc._msdcs.{DOMAIN}'
PIER_SRV = f'_ldap._tcp.pier._sites.dc._msdcs.{DOMAIN}'
JOINED = ('--ldap', 'ldap:///DC=harbour,DC=example')
FOUND, NOT_FOUND, BLOCKED = 0, 1, 3


def url(host):
    return f'https://{host}/autodiscover/autodiscover.xml'


def entry(name, binding, *keywords):
    """One connection point as LDIF."""
    return (f'dn: cn={name},{SUFFIX}\nobjectClass: serviceConnectionPoint\n'
            'serviceClassName: ms-Exchange-AutoDiscover-Service\n'
            f'serviceBindingInformation: {binding}\n'
            + ''.join(f'keywords: {k}\n' for k in keywords) + '\n')


def fill(slapd, *entries):
    """These, and no others."""
    for dn in slapd.search('(objectClass=serviceConnectionPoint)', '1.1'):
        slapd.change(f'dn: {dn}\nchangetype: delete\n')
    if entries:
        slapd.add(''.join(entries))


class Run:
    """One search, and what the hosts heard of it."""

    def __init__(self, *arguments, records=None, hosts=(QUAY, MOLE, FOREIGN, DNS_HOST), **options):
        zone = {**{h: ['127.0.0.1'] for h in (*hosts, 'dc1.harbour.example', 'dc2.harbour.example',
                                              'dc3.harbour.example')}, **(records or {})}
        with peers.Peer(*CERTIFICATE, script=peers.answer()) as peer, names.Dns(zone) as dns:
            # A busy machine must not make a worse source overtake.
            done = usher('--json', 'find', ADDRESS, *arguments, '--grace', '20s', '--dns', dns.server, '--ca-file',
                         authority.root, '--connect-to', f':443:127.0.0.1:{peer.port}', **options)
            self.asked = [r['fields']['host'] for r in peer.requests]
            self.questions = dns.questions
        self.errors, self.status = done.stderr, done.returncode
        self.json = json.loads(done.stdout) if done.stdout else {}
        self.attempts = [a for a in self.json.get('attempts', ()) if a['source'] == 'A']
        self.reasons = ' | '.join(a['reason'] for a in self.attempts)

    def expect(self, outcome, source=None, target=None):
        tap.same((self.status, self.json.get('source'), self.json.get('url')),
                 (outcome, source, target), f'{self.errors}{self.reasons}')


def srv(*controllers):
    """Records that name scripted controllers, in this order."""
    return [(i, 100, c.port, f'dc{i + 1}.harbour.example') for i, c in enumerate(controllers)]


# ---- a directory that is named ----

@tap.case('a connection point of the mail domain is asked before DNS hosts, and told with its place')
def _():
    fill(near, entry('quay1', url(QUAY), URL_GUID, 'Site=Pier'))
    run = Run('--ldap', near.uri, '--site', 'pier')
    run.expect(FOUND, 'A', url(QUAY))
    search, asked = run.attempts
    tap.same(search['url'], near.uri)
    tap.has(search['reason'], f'not logged in: there is no Kerberos ticket; it names {url(QUAY)}')
    tap.same((search['directory'], search['site'], asked['directory']),
             (near.uri, 'pier', near.uri))
    tap.has(asked['named_by'], f'cn=quay1,{SUFFIX}: in our site, there since 20')


@tap.each([
    ('our site first, then all sites, then others', ('--site', 'Pier'), [QUAY, MOLE, FOREIGN]),
    ('a site with a blank and other letters', ('--site', 'Môle Süd'), [FOREIGN, MOLE, QUAY]),
    ('a site of nobody', ('--site', 'Reef'), [MOLE, QUAY, FOREIGN]),
    ('of unknown site, the oldest first', (), [QUAY, FOREIGN, MOLE]),
    ('strictly', ('--site', 'Pier', '--strict-site'), [QUAY]),
    ('by objectCategory, which only Active Directory knows', ('--object-category',), None),
])
def _(arguments, order):
    fill(near)
    # whenCreated is slapd's own, in whole seconds: entries of one age stay as they come.
    near.add(entry('a', url(QUAY), URL_GUID.lower(), 'Site=Pier'))
    near.add(entry('b', url(FOREIGN), URL_GUID, 'Site=Môle Süd'))
    near.add(entry('c', url(MOLE), URL_GUID))
    run = Run('--ldap', near.uri, '--sources', 'A', *arguments)
    if order is None:
        tap.has(run.reasons, 'it holds no service connection point')
    else:
        tap.has(run.reasons, 'it names ' + ', '.join(map(url, order)))


@tap.case('--no-scp looks into no directory')
def _():
    fill(near, entry('quay1', url(QUAY), URL_GUID))
    run = Run('--ldap', near.uri, '--no-scp')
    run.expect(FOUND, 'C', url(DNS_HOST))
    tap.same(run.attempts, [])


@tap.each([
    ('whose words anybody may have forged', lambda: ('--ldap', near.uri), BLOCKED, []),
    ('over TLS', lambda: ('--ldap', near.ldaps), FOUND, [FOREIGN]),
    ('that never leaves the machine', lambda: ('--ldap', near.local), FOUND, [FOREIGN]),
    ('and a host that is trusted anyway',
     lambda: ('--ldap', near.uri, '--trust-host', FOREIGN), FOUND, [FOREIGN]),
])
def _(arguments, outcome, asked):
    fill(near, entry('cas1', url(FOREIGN), URL_GUID))
    run = Run('--sources', 'A', *arguments())
    tap.same((run.status, run.asked), (outcome, asked), run.reasons)
    if outcome == BLOCKED:
        tap.has(run.reasons, f'{FOREIGN}, which does not belong to {DOMAIN}')


@tap.case('what is no https is never asked')
def _():
    fill(near, entry('a', f'http://{QUAY}/autodiscover/autodiscover.xml', URL_GUID),
         entry('b', url(MOLE), URL_GUID, 'Site=x'))
    run = Run('--ldap', near.ldaps, '--site', 'y', '--sources', 'A')
    run.expect(FOUND, 'A', url(MOLE))
    tap.has(run.reasons, 'no password goes to plain http')


@tap.each([
    ('over TLS', lambda: near.ldaps, f'logged in as {ADMIN}; it names'),
    ('not without it', lambda: near.uri, 'a password goes to a directory by TLS only'),
])
def _(where, words):
    fill(near, entry('quay1', url(QUAY), URL_GUID))
    run = Run('--ldap', where(), '--ldap-login', ADMIN, '--ldap-password-file', secret)
    tap.has(run.reasons, words)
    run.expect(FOUND, *(('A', url(QUAY)) if 'TLS only' not in words else ('C', url(DNS_HOST))))


@tap.case('a wrong password for the directory is no reason to stop')
def _():
    wrong = scratch.write(folder / 'wrong', 'x\n', 0o600)
    run = Run('--ldap', near.ldaps, '--ldap-login', ADMIN, '--ldap-password-file', wrong)
    run.expect(FOUND, 'C', url(DNS_HOST))
    tap.has(run.reasons, 'refuses the login')


# ---- pointers ----

@tap.each([
    ('for our domain, in any letter case', (POINTER_GUID.upper(), 'Domain=HARBOUR.example'), (),
     'A', MOLE),
    ('for everybody, when there is no URL', (POINTER_GUID,), (), 'A', MOLE),
    ('for everybody, not when there is one', (POINTER_GUID,), (QUAY,), 'A', QUAY),
    ('for another domain', (POINTER_GUID, 'Domain=strangers.example'), (), 'C', DNS_HOST),
])
def _(keywords, urls, source, host):
    fill(near, entry('away', f'LDAP://127.0.0.1:{far.port}', *keywords),
         *(entry('quay1', url(u), URL_GUID) for u in urls))
    fill(far, entry('mole1', url(MOLE), URL_GUID, 'Site=Reef'))
    run = Run('--ldap', near.uri, '--site', 'Pier')
    run.expect(FOUND, source, url(host))
    if host == MOLE:
        tap.has(run.reasons, f'it sends us on to {far.uri}')
        tap.has(run.attempts[-1]['named_by'], 'in another site')


@tap.case('two directories that point to each other are searched once')
def _():
    fill(near, entry('away', f'ldap://127.0.0.1:{far.port}', POINTER_GUID, f'Domain={DOMAIN}'))
    fill(far, entry('back', f'LDAP://127.0.0.1:{near.port}/', POINTER_GUID))
    run = Run('--ldap', near.uri)
    run.expect(FOUND, 'C', url(DNS_HOST))
    tap.has(run.reasons, 'it sends us to a directory that was searched before')
    tap.same(len(run.attempts), 2)


@tap.case('a password is for the directory that was named, not for one that it points to')
def _():
    fill(near, entry('away', f'ldaps://127.0.0.1:{far.tls_port}', POINTER_GUID))
    fill(far, entry('mole1', url(MOLE), URL_GUID))
    run = Run('--ldap', near.ldaps, '--ldap-login', ADMIN, '--ldap-password-file', secret)
    run.expect(FOUND, 'A', url(MOLE))
    tap.has(run.attempts[1]['reason'], 'not logged in')


@tap.each([
    ('a port without a server', lambda: f'ldap://127.0.0.1:{scratch.free_port()}', 'no connection'),
    ('a name that is not in DNS', lambda: 'ldap://dc9.nowhere.example', 'DNS gives no address'),
    ('what is no directory', lambda: 'ldap://', 'is no directory'),
    ('a domain without controllers', lambda: 'ldap:///DC=nowhere,DC=example',
     'DNS names no domain controller of nowhere.example'),
])
def _(uri, words):
    run = Run('--ldap', uri())
    run.expect(FOUND, 'C', url(DNS_HOST))
    tap.has(run.reasons, words)


@tap.case('a directory that says nothing is given up when the search is')
def _():
    with Controller(None) as dc:
        run = Run('--ldap', f'ldap://127.0.0.1:{dc.port}', '--sources', 'A', '--timeout', '700ms')
        tap.true(run.json['elapsed_ms'] < 5000, f"it took {run.json['elapsed_ms']} ms")
        tap.has(run.reasons, 'not through when the time for the whole search was over')


# ---- domain controllers ----

@tap.case('a domain is served by the controller that answers: four rounds in all')
def _():
    fill(near, entry('quay1', url(QUAY), URL_GUID, 'Site=Pier'))
    with Controller(near.port, tcp=silent) as dc:
        run = Run(*JOINED, records={SRV: srv(dc)})
        run.expect(FOUND, 'A', url(QUAY))
        tap.has(run.reasons, 'dc1.harbour.example, which DNS names for harbour.example, answers '
                             'the LDAP ping over UDP after')
        tap.has(run.reasons, 'it is in our site, Pier')
        tap.same((dc.pings[0], run.attempts[0]['site']), ('udp', 'Pier'))
        # the ping, the rootDSE, the search; a login by GSS-SPNEGO would be the fourth
        tap.same(dc.rounds - len(dc.pings) + 1, 3)


@tap.each([
    ('nothing listens at UDP', {'udp': None}, 'over TCP'),
    ('UDP packets vanish', {'udp': silent}, 'over TCP'),
    ('UDP has garbage', {'udp': damaged}, 'over TCP'),
    ('UDP is cut off', {'udp': cut_off}, 'over TCP'),
    ('in segments of one octet', {'udp': None, 'tcp': apart}, 'over TCP'),
    ('behind an answer to another question', {'udp': after_strangers, 'tcp': silent}, 'over UDP'),
    ('nothing listens at TCP but for the search', {'tcp': silent}, 'over UDP'),
    ('paused, and the only one', {'value': says(opcode=PAUSED), 'tcp': silent}, 'over UDP'),
])
def _(ways, words):
    fill(near, entry('quay1', url(QUAY), URL_GUID))
    with Controller(near.port, **ways) as dc:
        run = Run(*JOINED, records={SRV: srv(dc)})
        run.expect(FOUND, 'A', url(QUAY))
        tap.has(run.reasons, f'answers the LDAP ping {words}')


BAD = [
    ('is dead', {'udp': None, 'tcp': None}, 'refuses'),
    ('serves another domain', {'value': says(domain='strangers.example')},
     'does not serve the domain'),
    ('has no answer for it', {'udp': negative}, 'does not serve the domain'),
    ('talks nonsense', {'udp': damaged, 'tcp': damaged}, 'gives a damaged answer'),
    ('never answers', {'udp': silent, 'tcp': silent}, 'is silent'),
]


@tap.each([
    *BAD,
    ('is paused', {'value': says(opcode=PAUSED)}, ''),
    ('answers the ping and nothing else', {'udp': good, 'tcp': None}, ''),
])
def _(ways, _words):
    fill(near, entry('quay1', url(QUAY), URL_GUID))
    with Controller(None, **ways) as first, Controller(near.port) as second:
        run = Run(*JOINED, records={SRV: srv(first, second)})
        run.expect(FOUND, 'A', url(QUAY))
        tap.same(run.attempts[0]['directory'], f'ldap://dc2.harbour.example:{second.port}')


@tap.each([(f'the only one {name}', ways, words) for name, ways, words in BAD[:-1]])
def _(ways, words):
    with Controller(None, **ways) as dc:
        run = Run(*JOINED, records={SRV: srv(dc)})
        run.expect(FOUND, 'C', url(DNS_HOST))
        tap.has(run.reasons, f'answers: dc1.harbour.example {words}')


@tap.case('no controller answers: DNS has the word, and each one is told')
def _():
    with Controller(None, udp=silent, tcp=None) as mute, \
            Controller(None, udp=None, tcp=None) as dead:
        run = Run(*JOINED, '--sources', 'AC', records={SRV: srv(mute, dead)})
        run.expect(FOUND, 'C', url(DNS_HOST))
        tap.has(run.reasons, 'no domain controller of harbour.example answers: '
                             'dc1.harbour.example is silent, dc2.harbour.example refuses')


@tap.case('a controller elsewhere tells our site, whose own controller is asked then')
def _():
    fill(near, entry('quay1', url(QUAY), URL_GUID, 'Site=Pier'))
    fill(far, entry('mole1', url(MOLE), URL_GUID, 'Site=Reef'))
    with Controller(far.port, says(site='Reef', client='Pier')) as away, \
            Controller(near.port, says(site='Pier', client='Pier')) as home:
        records = {SRV: srv(away), PIER_SRV: [(0, 100, home.port, 'dc2.harbour.example')]}
        run = Run(*JOINED, records=records)
        run.expect(FOUND, 'A', url(QUAY))
        tap.same((away.connections, home.connections), (0, 1))
        tap.has(run.reasons, 'it is in site Reef, and we are in Pier')
        tap.same(run.questions.count(PIER_SRV), 1)
        # when the domain names it as well
        run = Run(*JOINED, records={**records, SRV: srv(away, home)})
        run.expect(FOUND, 'A', url(QUAY))
        tap.same(away.connections, 0)
        # it is asked at once when we know where we are
        run = Run(*JOINED, '--site', 'Pier', records=records)
        run.expect(FOUND, 'A', url(QUAY))
        tap.same(away.connections, 0)


@tap.each([
    ('that has none', []),
    ('whose own is dead', [(0, 100, 9, 'dc3.harbour.example')]),
])
def _(records):
    fill(far, entry('mole1', url(MOLE), URL_GUID, 'Site=Pier'))
    with Controller(far.port, says(site='Reef', client='Pier')) as away:
        run = Run(*JOINED, records={SRV: srv(away), PIER_SRV: records})
        run.expect(FOUND, 'A', url(MOLE))
        tap.same((away.connections, run.attempts[0]['site']), (1, 'Pier'))


@tap.case('a site that is unknown to the controller is no site')
def _():
    fill(near, entry('b', url(QUAY), URL_GUID, 'Site=Reef'), entry('c', url(MOLE), URL_GUID))
    with Controller(near.port, says(site='Pier', client='')) as dc:
        run = Run(*JOINED, records={SRV: srv(dc)})
        tap.has(run.reasons, 'it does not know our site')
        tap.true('site' not in run.attempts[0], run.attempts[0])


with stack:
    tap.main()
