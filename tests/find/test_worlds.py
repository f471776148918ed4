#!/usr/bin/python3
"""A scripted world for every row of http-discovery.md 11 and 17: what each outcome at a candidate
means, and the quirks of real servers and networks.

Every case is named after its row. Told of each: the outcome (and exit status), words that a person
understands, and the result of each attempt by the letter of its source. No attempt runs into a
limit of time unless it `waits`: a search that nobody answered would have to, and one that was
answered ends before. No host in this file but those listed in `logins` may see the password."""
import gzip
import itertools
import re
import resource
import ssl
import threading
import warnings
import zlib

from support import names, peers, tap
from support.names import drop, garbage, nodata, servfail
from support.peers import (PATH, Closed, Hole, Peer, Timed, after, answer, drip, endless, later,
                           login, raw, redirect, reset, silence, status, to_address, to_url)
from support.programs import SANITIZED
from world import (ADDRESS, B, BLOCKED, C, EXPIRED, FOUND, GOOD, HERE, LONG, MAIL, NOT_FOUND,
                   NOT_YET, OTHER, OURS, PLAIN, REJECTED, SELF_SIGNED, SHORT, SRV, STRANGE,
                   UNAVAILABLE, WRONG, authority, expect, find, results, timed_out)

# An old TLS is what one world wants.
warnings.simplefilter('ignore', DeprecationWarning)

ROWS = {
    '11.1': 'no such name, or no address',
    '11.2': 'refused, reset, no answer',
    '11.3': 'TLS failure',
    '11.4': 'settings',
    '11.5': 'a redirect in a document',
    '11.6': 'a refusal in a document',
    '11.7': '200, and no answer of the protocol',
    '11.8': '301, 302, 303, 307, 308',
    '11.9': '401',
    '11.10': '403, 404, 405, 410, other 4xx',
    '11.11': '5xx',
    '11.12': 'everything failed',
    '11.13': 'every candidate has its turn',
    '17.1': 'the port of SRV, and its host elsewhere',
    '17.2': 'dropped, reset and 404 are alike',
    '17.3': 'letter case of the path',
    '17.4': 'a hoster that has port 80 only',
    '17.5': 'a web site at the root, with a certificate for www only',
    '17.6': 'a domain controller at the root',
    '17.7': 'wildcard DNS',
    '17.8': 'priority and weight',
    '17.9': 'POST turned into GET',
    '17.10': 'X-SOAP-Enabled is on GET responses only',
    '17.11': 'a proxy that rewrites the 401',
    '17.12': 'forests that send a user to and fro',
    '17.13': 'the name in SCP is not on the certificate',
    '17.14': 'a cloud service is asked instead of the domain',
    '17.15': 'ExcludeSrvLookup has no effect',
    'idn': 'an international domain',
    'ip': 'IPv4 and IPv6',
}
# Rows that cannot concern this command, and why.
LEFT_OUT = {
    '17.10': 'the documents are asked for by POST, and nothing depends on those fields',
    '17.15': 'it is a mistake to use it: tests/find/test_where.py',
    '17.13': 'SCP records are not searched yet; the TLS rule is that of row 11.3',
}
_seen = set()


def world(row, name, hosts, outcome, says='', *options, waits=False, grace=LONG, logins=None,
          dns=None, address=ADDRESS, check=None, **attempts):
    """One case. `hosts` maps names to makers of peers; `attempts` maps letters of sources to the
    results of their attempts in order, as `C='redirect settings'`."""
    _seen.add(row)

    @tap.case(f'{row} {ROWS[row]}: {name}')
    def _():
        made = {host: make() for host, make in hosts.items()}
        run = find(made, *options, dns=dns, address=address, grace=grace)
        expect(run, outcome, says)
        for letter, expected in attempts.items():
            tap.same(' '.join(results(run, letter)), expected, f'{letter}: {run.reasons}')
        if not waits:
            tap.same(timed_out(run), [])
        tap.same({host: len(peer.logins) for host, peer in made.items() if peer.logins},
                 logins or {})
        for attempt in run.json['attempts']:
            tap.true(attempt['reason'], f'{attempt["url"]} without a reason')
        if check is not None:
            check(run, made)


def host(script=answer(), certificate=GOOD, **more):
    """A maker of peers."""
    return lambda: Peer(*certificate, script=script, **more)


def plain(script):
    """The same without TLS."""
    return lambda: Peer(script=script)


def after_root(certificate):
    """Makers of a root that shows that certificate, and of an autodiscover host behind it."""
    seen = threading.Event()
    return {B: lambda: Timed(*certificate, over=seen, script=login(answer())),
            C: lambda: Timed(*GOOD, begin=seen, script=login(answer()))}


ASKS = host(login(answer()))
TRUSTED, UNTRUSTED = f'https://{MAIL}{PATH}', f'https://{OTHER}{PATH}'


# ---- 11.1 ----

world('11.1', 'no such name', {}, NOT_FOUND, 'there is no host of that name',
      B='unreachable', C='unreachable', D='unreachable', E='unreachable')
world('11.1', 'no address', {}, NOT_FOUND, 'the name has no address', dns={B: nodata, C: nodata})

for name, trouble in {'SERVFAIL': servfail, 'REFUSED': names.refused, 'garbage': garbage}.items():
    world('11.1', f'{name} for all', {}, UNAVAILABLE, 'could not be looked up', waits=True,
          dns={B: trouble, C: trouble, SRV: trouble})
    world('11.1', f'{name} for the root', {C: ASKS}, FOUND, logins={C: 1}, dns={B: trouble})
    world('11.1', f'{name} for the autodiscover host', {B: ASKS}, FOUND,
          grace=SHORT, logins={B: 1}, dns={C: trouble})
    world('11.1', f'{name} for SRV', {C: ASKS}, FOUND, logins={C: 1}, dns={SRV: trouble})
world('11.1', 'a DNS server that is silent', {}, UNAVAILABLE, 'could not be looked up', waits=True,
      dns={B: drop, C: drop, SRV: drop})
world('11.1', 'a DNS server that is silent about the root', {C: ASKS}, FOUND,
      logins={C: 1}, dns={B: drop}, B='cancelled')
world('11.1', 'a DNS server that is silent about the autodiscover host', {B: ASKS}, FOUND,
      grace=SHORT, logins={B: 1}, dns={C: drop}, C='cancelled')

world('11.1', 'an answer too large for UDP', {C: ASKS}, FOUND, logins={C: 1},
      dns={C: names.truncated('127.0.0.1')})
world('11.1', 'SRV records too large for UDP', {MAIL: ASKS}, FOUND, logins={MAIL: 1},
      dns={SRV: names.truncated((0, 0, 443, MAIL), *((1, 0, 443, f'h{i}.{B}')
                                                     for i in range(60)))})

LIES = {
    'an answer to another number':
        lambda q: q.reply(q.records(['127.0.0.66']), number=bytes([q.id[0] ^ 1, q.id[1]])),
    'an answer to another question':
        lambda q: q.reply(q.records(['127.0.0.66']),
                          section=names.wire_name('evil.example') + q.section[-4:]),
}
for name, lie in LIES.items():
    world('11.1', f'{name} comes first', {C: ASKS}, FOUND, logins={C: 1},
          dns={C: names.after_lie(lie, '127.0.0.1')},
          check=lambda run, _: tap.same(run.json['attempts'][0]['dns'], ['127.0.0.1']))
world('11.1', 'an answer that is cut off', {C: ASKS, B: ASKS}, FOUND, grace=SHORT, logins={B: 1},
      dns={C: lambda q: [q.reply(q.records(['127.0.0.1']))[:-2]]})
world('11.1', 'addresses of strangers in the answer', {C: ASKS}, FOUND, logins={C: 1},
      dns={C: names.with_strangers({B: '127.0.0.66', 'evil.example': '127.0.0.66',
                                    f'x.{C}': '127.0.0.66'}, '127.0.0.1')},
      check=lambda run, _: tap.same(run.json['attempts'][0]['dns'], ['127.0.0.1']))

world('11.1', 'an alias', {C: ASKS}, FOUND, logins={C: 1},
      dns={C: ['=one.example'], 'one.example': ['=two.example'], 'two.example': ['127.0.0.1']})
for name, alias in {'itself': C, 'an alias of it': 'one.example', 'nowhere': 'two.example'}.items():
    world('11.1', f'an alias of {name}', {B: ASKS}, FOUND, logins={B: 1},
          C='unreachable', dns={C: [f'={alias}'], 'one.example': [f'={C}']})

SRV_ROOM = b'\0\0\0\0\x01\xbb'     # priority, weight, port
for name, target, outcome, says in (
        ('no service, by `.`', (0, 0, 0, '.'), NOT_FOUND, 'no such service'),
        ('port 0', (0, 0, 0, MAIL), NOT_FOUND, 'names no host'),
        ('a name with a blank', (0, 0, 443, 'a b.example'), NOT_FOUND, 'names no host'),
        ('a name with an underscore', (0, 0, 443, f'_x.{B}'), NOT_FOUND, 'names no host'),
        ('a dot inside a label', SRV_ROOM + b'\x05ma.il\x07contoso\x07example\0', NOT_FOUND,
         'names no host'),
        ('NUL inside a label', SRV_ROOM + b'\x05ma\0il\x07contoso\x07example\0', NOT_FOUND,
         'names no host'),
        ('bytes that are no name', SRV_ROOM + b'\x04\xff\xfe\xfd\xfc\x07contoso\x07example\0',
         NOT_FOUND, 'names no host'),
        ('an address', (0, 0, 443, '127.0.0.1'), NOT_FOUND, 'names no host'),
        ('a name that points at itself', SRV_ROOM + b'\xc0\x46', UNAVAILABLE, 'looked up'),
        ('a name that points outside', SRV_ROOM + b'\xcf\xff', UNAVAILABLE, 'looked up'),
        ('a record without a name', SRV_ROOM[:4], UNAVAILABLE, 'looked up'),
        ('a host without an address', (0, 0, 443, f'gone.{B}'), NOT_FOUND,
         'there is no host of that name')):
    world('11.1', f'SRV gives {name}', {MAIL: ASKS, '127.0.0.1': ASKS}, outcome, says,
          D='unreachable',
          dns={SRV: names.raw_srv(target) if isinstance(target, bytes) else [target]})
for name, dns in {'a compressed name': {SRV: names.raw_srv(SRV_ROOM + b'\x04mail\xc0\x1f')},
                  'a host that is an alias':
                      {SRV: [(0, 0, 443, MAIL)], MAIL: [f'=a.{B}'], f'a.{B}': ['127.0.0.1']},
                  'records behind an alias': {SRV: [f'=s.{B}'], f's.{B}': [(0, 0, 443, MAIL)]},
                  'bad records before a good one':
                      {SRV: [(0, 0, 443, '.'), (0, 0, 443, 'a b'), (9, 0, 443, MAIL)]}}.items():
    world('11.1', f'SRV gives {name}', {MAIL: ASKS}, FOUND, logins={MAIL: 1}, dns=dns)


# ---- 11.2 ----

def heard(then):
    """Listens to the client first."""
    def behave(connection, request):
        connection.recv(5000)
        return then(connection, request)
    return behave


def close(*_):
    return False


HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<Auto'
# Name: who behaves so, the outcome when there is nothing else, and its words.
BROKEN = {
    'refused': (Closed, NOT_FOUND, 'the connection was refused'),
    'reset in place of a handshake': (host(before=reset), NOT_FOUND, ''),   # or before connect()
    'closed in place of a handshake': (host(before=close), NOT_FOUND, 'does not speak TLS'),
    'reset after ClientHello': (host(before=heard(reset)), NOT_FOUND, 'does not speak TLS'),
    'closed after ClientHello': (host(before=heard(close)), NOT_FOUND, 'does not speak TLS'),
    'reset after the handshake': (host(first=reset), UNAVAILABLE, 'broke off'),
    'closed after the handshake': (host(first=close), UNAVAILABLE, 'broke off'),
    'reset after the request': (host(reset), UNAVAILABLE, 'broke off'),
    'closed after the request': (host(close), UNAVAILABLE, 'broke off'),
    'reset in the head': (host(after(HEAD[:15])), UNAVAILABLE, 'broke off'),
    'closed in the head': (host(raw(HEAD[:15])), UNAVAILABLE, 'broke off'),
    'reset in the body': (host(after(HEAD)), UNAVAILABLE, 'broke off'),
    'closed in the body': (host(raw(HEAD)), UNAVAILABLE, 'broke off'),
    'a chunk that is none':
        (host(raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<a/>')),
         UNAVAILABLE, 'broke off'),
}
SILENT = {
    'packets dropped': Hole,
    'no handshake': host(before=silence),
    'no answer after the handshake': host(first=silence),
    'no answer to the request': host(silence),
    'a head that stops': host(after(HEAD[:15], silence)),
    'a body that stops': host(after(HEAD, silence)),
    'a head byte by byte': host(drip(HEAD)),
    'a body byte by byte': host(after(HEAD, drip(b' ' * 999))),
    'interim responses now and then': host(drip(b'HTTP/1.1 100 Continue\r\n\r\n' * 999, 0.02)),
}
for name, (make, outcome, says) in BROKEN.items():
    world('11.2', f'{name}, and nothing else', {C: make}, outcome, says)
    world('11.2', f'{name} at the root, and nothing else', {B: make}, NOT_FOUND, says)
for name, make in SILENT.items():
    world('11.2', f'{name}, and nothing else', {C: make}, UNAVAILABLE, 'time', '--timeout', '1s',
          waits=True)
for name, make in [*((n, m) for n, (m, _, _) in BROKEN.items()), *SILENT.items()]:
    world('11.2', f'{name} at the root costs nothing', {B: make, C: ASKS}, FOUND, logins={C: 1})
    world('11.2', f'{name} at the autodiscover host costs the grace', {C: make, B: ASKS}, FOUND,
          grace=SHORT, logins={B: 1})
world('11.2', 'an address without a server, and one with', {C: ASKS}, FOUND,
      logins={C: 1}, dns={C: ['127.0.0.2', '127.0.0.1']})
for name, make in {'drops packets': Hole, 'sends nothing': host(silence)}.items():
    world('11.2', f'a root that {name}, and nothing else, costs three seconds', {B: make},
          NOT_FOUND, 'in time', waits=True)


# ---- 11.3 ----

def tls(**settings):
    """An SSLContext with our certificate and these attributes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*GOOD)
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.load_verify_locations(authority.root)
    for name_, value in settings.items():
        setattr(context, name_, value)
    return context


def alert(number):
    """A fatal alert in place of ServerHello."""
    return host(before=heard(raw(b'\x15\x03\x03\0\2\2' + bytes([number]))))


def shown(certificate):
    return host(login(answer()), certificate)


NO_TLS = {
    'an alert about the handshake': (alert(40), 'does not speak TLS'),
    'an alert about the name': (alert(112), 'does not speak TLS'),
    'an alert about itself': (alert(80), 'does not speak TLS'),
    'plain HTTP on the port of TLS':
        (host(before=heard(raw(b'HTTP/1.1 400 Bad Request\r\n\r\n'))), 'does not speak TLS'),
    'noise': (host(before=heard(raw(b'\xff' * 99))), 'does not speak TLS'),
    'TLS 1.1 at most': (lambda: Peer(context=tls(minimum_version=ssl.TLSVersion.TLSv1,
                                                 maximum_version=ssl.TLSVersion.TLSv1_1)),
                        'does not speak TLS'),
    'a client certificate is demanded in TLS 1.2':
        (lambda: Peer(context=tls(verify_mode=ssl.CERT_REQUIRED,
                                  maximum_version=ssl.TLSVersion.TLSv1_2)), 'certificate of ours'),
    'a client certificate is demanded in TLS 1.3':
        (lambda: Peer(context=tls(verify_mode=ssl.CERT_REQUIRED,
                                  minimum_version=ssl.TLSVersion.TLSv1_3)), 'certificate of ours'),
}
BAD = {
    'expired': (EXPIRED, 'expired', 'has expired'),
    'not valid yet': (NOT_YET, 'not-yet-valid', 'not valid yet'),
    'for another name': (WRONG, 'wrong-name', 'for another host'),
    'of an unknown authority': (STRANGE, 'untrusted', 'not from an authority we trust'),
    'self-signed': (SELF_SIGNED, 'untrusted', 'not from an authority we trust'),
    'for clients': (authority.issue(*OURS, usage='clientAuth', label='clients'), 'untrusted',
                    'not from an authority we trust'),
    'for half a label and `*`': (authority.issue('auto*.contoso.example', label='half'),
                                 'wrong-name', 'for another host'),
    'for `*` above the domain': (authority.issue('*.example', label='above'), 'wrong-name',
                                 'for another host'),
    'for the address': (authority.issue('127.0.0.1', label='address'), 'wrong-name',
                        'for another host'),
}


def without_request(*hosts):
    """Not one request came there."""
    def check(_, made):
        tap.same([request for host_ in hosts for request in made[host_].requests], [])
    return check


def verdict(expected, *hosts):
    """Not one request came there, and the record tells why."""
    def check(run, made):
        without_request(*hosts)(run, made)
        got = {a['tls']['verdict'] for a in run.json['attempts'] if 'tls' in a} - {'verified'}
        tap.same(got, {expected})
    return check


for name, (make, says) in NO_TLS.items():
    world('11.3', f'{name}, and nothing else', {C: make}, NOT_FOUND, says,
          C='tls-failure', check=without_request(C))
    world('11.3', f'{name} at the root costs nothing', {B: make, C: ASKS}, FOUND, logins={C: 1})
    world('11.3', f'{name} at the autodiscover host costs the grace', {C: make, B: ASKS}, FOUND,
          logins={B: 1}, C='tls-failure')
for name, (certificate, why, says) in BAD.items():
    make = shown(certificate)
    world('11.3', f'a certificate {name}', {C: make}, BLOCKED, says,
          C='tls-failure', check=verdict(why, C))
    world('11.3', f'a certificate {name} at the root is no alarm', {B: make}, NOT_FOUND, says,
          B='tls-failure', check=verdict(why, B))
    world('11.3', f'a certificate {name} at the root, and settings', after_root(certificate), FOUND,
          logins={C: 1}, check=verdict(why, B))
    world('11.3', f'a certificate {name}, and settings at the root', {C: make, B: ASKS}, FOUND,
          logins={B: 1}, check=verdict(why, C))
    world('11.3', f'a certificate {name} where the redirect leads',
          {PLAIN: plain(redirect(TRUSTED)), MAIL: make}, BLOCKED, says,
          D='redirect tls-failure', check=verdict(why, MAIL))
    world('11.3', f'a certificate {name} where SRV leads', {MAIL: make}, BLOCKED, says,
          dns={SRV: [(0, 0, 443, MAIL)]}, E='redirect tls-failure',
          check=verdict(why, MAIL))
for name, certificate in {
        'for `*`': authority.issue(f'*.{B}', label='any'),
        'without alternative names': authority.issue(subject=C, label='subject')}.items():
    world('11.3', f'a certificate {name} is good', {C: shown(certificate)}, FOUND, logins={C: 1})


# ---- 11.4 ----

def source(letter, url):
    """Which source won, with which URL."""
    def check(run, _):
        tap.same((run.json['source'], run.json['url']), (letter, url))
    return check


world('11.4', 'at the autodiscover host', {C: ASKS}, FOUND, logins={C: 1},
      C='credentials settings', check=source('C', f'https://{C}{PATH}'))
world('11.4', 'at the root', {B: ASKS}, FOUND, logins={B: 1},
      B='credentials settings', check=source('B', f'https://{B}{PATH}'))
world('11.4', 'at both: one login', {B: ASKS, C: ASKS}, FOUND, logins={C: 1},
      check=source('C', f'https://{C}{PATH}'))
world('11.4', 'without a password', {C: host()}, FOUND, C='settings')
world('11.4', 'as text/html', {C: host(answer(kind='text/html'))}, FOUND)
world('11.4', 'without a type', {C: host(raw(b'HTTP/1.1 200 OK\r\n\r\n' + peers.SETTINGS))}, FOUND)
world('11.4', 'with namespaces of another edition', {C: host(answer(
    peers.SETTINGS.replace(b'responseschema/2006', b'responseschema/2099')))}, FOUND)
world('11.4', 'after interim responses', {C: host(after(
    b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n', answer()))},
      FOUND)
world('11.4', 'with 36 KB of cookies',
      {C: host(answer(fields=['Set-Cookie: a=' + 'b' * 4000] * 9))}, FOUND)


# ---- 11.5 ----

FABRIKAM = 'fabrikam.example'


def visited(**counts):
    """How many requests came to the hosts, named by their first labels."""
    def check(_, made):
        tap.same({h.split('.')[0]: len(p.requests) for h, p in made.items()}, counts)
    return check


def counting(make):
    """Behaves as make(1), make(2) … tell, one after the other."""
    numbers = itertools.count(1)
    return lambda connection, request: make(next(numbers))(connection, request)


world('11.5', 'redirectUrl to a host of the domain', {C: host(to_url(TRUSTED)), MAIL: ASKS}, FOUND,
      logins={MAIL: 1}, C='redirect credentials settings')
world('11.5', 'redirectUrl behind a login',
      {C: host(login(to_url(TRUSTED))), MAIL: ASKS}, FOUND, logins={C: 1, MAIL: 1})
for name, target, outcome, says in (
        ('a foreign host', UNTRUSTED, BLOCKED, 'does not belong'),
        ('plain http', f'http://{MAIL}{PATH}', BLOCKED, 'plain http'),
        ('a login inside', f'https://ann:x@{MAIL}{PATH}', BLOCKED, 'login name'),
        ('another login inside', f'https://{B}@{OTHER}{PATH}', BLOCKED, 'login name'),
        ('an address', f'https://127.0.0.1{PATH}', BLOCKED, 'does not belong'),
        ('an address of IPv6', f'https://[::1]{PATH}', BLOCKED, 'does not belong'),
        ('an address as a number', f'https://2130706433{PATH}', NOT_FOUND, 'no web address'),
        ('an address in octal', f'https://0177.0.0.1{PATH}', NOT_FOUND, 'no web address'),
        ('this machine by name', f'https://localhost{PATH}', BLOCKED, 'does not belong'),
        ('a look-alike', f'https://{C}.evil.example{PATH}', BLOCKED, 'does not belong'),
        ('a Greek letter in it', f'https://autodiscover.c\u03bfntoso.example{PATH}', BLOCKED,
         'does not belong'),
        ('the public suffix', f'https://example{PATH}', BLOCKED, 'does not belong'),
        ('a backslash', f'https://{OTHER}\\@{MAIL}{PATH}', NOT_FOUND, 'no web address'),
        ('another scheme', 'file:///etc/passwd', NOT_FOUND, 'no web address'),
        ('nothing', '', NOT_FOUND, '')):
    for kind, behave in (('redirectUrl', to_url), ('302', redirect)):
        if kind == '302' and not target:
            continue
        world('11.5' if behave is to_url else '11.8', f'{kind}: {name}',
              {C: host(behave(target)), MAIL: ASKS, OTHER: ASKS, '127.0.0.1': ASKS,
               'localhost': ASKS, '2130706433': ASKS, 'example': ASKS},
              outcome, '' if kind == '302' and outcome == NOT_FOUND else says,
              check=without_request(MAIL, OTHER, '127.0.0.1', 'localhost', '2130706433', 'example'))
world('11.5', 'redirectAddr to a foreign domain', {C: host(to_address(f'ann@{FABRIKAM}')),
                                                   OTHER: ASKS},
      BLOCKED, 'does not belong', check=without_request(OTHER))
world('11.5', 'redirectAddr to a domain that is trusted', {C: host(to_address(f'ben@{FABRIKAM}')),
                                                          OTHER: ASKS},
      FOUND, '', '--trust-host', FABRIKAM, logins={OTHER: 1})
world('11.5', 'redirectAddr to a public suffix', {C: host(to_address('ann@co.uk'))}, BLOCKED,
      'anybody can register')
for name, behave, says in (
        ('redirectUrl to itself', to_url(f'https://{C}{PATH}'), 'asked before'),
        ('redirectUrl to itself in capitals', to_url(f'https://{C.upper()}:443{PATH.upper()}'),
         'asked before'),
        ('redirectAddr to itself', to_address(ADDRESS.upper()), 'asked for before'),
        ('redirectAddr to nobody', to_address('nobody'), 'no mailbox')):
    world('11.5', name, {C: host(behave)}, NOT_FOUND, says, C='redirect',
          check=visited(autodiscover=1))
world('11.5', 'redirectUrl in a circle of two',
      {C: host(to_url(TRUSTED)), MAIL: host(to_url(f'https://{C}{PATH}'))}, NOT_FOUND,
      'asked before', check=visited(autodiscover=1, mail=1))
world('11.5', 'redirectAddr in a circle of two domains',
      {C: host(to_address(f'ann@{FABRIKAM}')), OTHER: host(to_address(ADDRESS))}, NOT_FOUND,
      'asked for before', '--trust-host', FABRIKAM)
world('11.5', 'redirectUrl for ever', {C: lambda: Peer(*GOOD, script=counting(
          lambda n: to_url(f'https://{C}/autodiscover/{n}/autodiscover.xml')))},
      NOT_FOUND, 'after ten redirects', check=visited(autodiscover=11))
world('11.5', 'redirectAddr for ever',
      {C: lambda: Peer(*GOOD, script=counting(lambda n: to_address(f'ann{n}@{B}')))},
      NOT_FOUND, 'after ten redirects', check=visited(autodiscover=11))
world('11.5', 'redirects of all three kinds for ever',
      {C: lambda: Peer(*GOOD, script=counting(lambda n: [
          redirect(f'/autodiscover/{n}/autodiscover.xml'), to_address(f'ann{n}@{B}'),
          to_url(f'https://{C}/autodiscover/{n}/autodiscover.xml')][n % 3]))},
      NOT_FOUND, 'after ten redirects', check=visited(autodiscover=11))


# ---- 11.6 ----

REFUSES = host(answer(peers.REFUSAL))
world('11.6', 'and nothing else', {C: REFUSES}, NOT_FOUND, 'The e-mail address cannot be found',
      C='refusal')
world('11.6', 'and settings at the root', {C: REFUSES, B: ASKS}, FOUND, logins={B: 1}, C='refusal')
world('11.6', 'and settings where SRV leads', {C: REFUSES, MAIL: ASKS}, FOUND,
      logins={MAIL: 1}, dns={SRV: [(0, 0, 443, MAIL)]}, C='refusal')
world('11.6', 'it outweighs silence', {C: REFUSES, B: host(close)}, NOT_FOUND, 'cannot be found')
world('11.6', 'what it says cannot steer a terminal',
      {C: host(answer(peers.REFUSAL.replace(b'The e-mail', b'\xc2\x9b31mThe e-mail')))}, NOT_FOUND,
      'e-mail address cannot be found')


# ---- 11.7 ----

HTML = b'<!DOCTYPE html><html><body>Welcome</body></html>'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
LARGE = b'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n'
ENTITIES = (b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' +
            b''.join(b'<!ENTITY %c "%s">' % (n, b'&%c;' % (n - 1) * 10) for n in range(98, 107)) +
            b']><Autodiscover>&j;</Autodiscover>')


def bomb():
    """100 MB in a hundred kilobytes."""
    packer = zlib.compressobj(wbits=31)
    return b''.join(packer.compress(b' ' * 1_000_000) for _ in range(100)) + packer.flush()


def gzipped(body, coding=b'gzip'):
    return raw(b'HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n' %
               (coding, len(body)) + body)


BOMB = bomb()
NO_ANSWER = {
    'a web page': (answer(HTML, kind='text/html'), 'it is a web page'),
    'a web page as text/xml': (answer(HTML), 'it is a web page'),
    'an empty body': (answer(b''), 'empty'),
    'blanks': (answer(b' ' * 99), 'empty'),
    'bytes': (answer(bytes(range(256))), 'no Autodiscover service'),
    'JSON': (answer(b'{}', kind='application/json'), 'no Autodiscover service'),
    'another document': (answer(b'<rss/>'), 'no Autodiscover service'),
    'a truncated document': (answer(peers.SETTINGS[:-20]), 'no Autodiscover service'),
    'a document cut in a character': (answer(peers.SETTINGS[:200] + b'\xc3'),
                                      'no Autodiscover service'),
    'entities in entities': (answer(ENTITIES), 'no Autodiscover service'),
    'a file of this machine as entity':
        (answer(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
                b'<Autodiscover>&b;</Autodiscover>'), 'no Autodiscover service'),
    'elements without end': (answer(b'<Autodiscover>' + b'<a>' * 9999), 'no Autodiscover service'),
    'an answer of another namespace':
        (answer(b'<Autodiscover xmlns="urn:example:other"><Response><Account><Action>settings'
                b'</Action></Account></Response></Autodiscover>'), ''),
    'an answer without settings':
        (answer(peers.document('<Account><Action>settings</Action></Account>')), 'no settings'),
    'an answer without a meaning':
        (answer(peers.document('<Account><Action>dance</Action></Account>')), ''),
    'a body of 100 MB, announced': (endless(LARGE), 'larger'),
    'a body of 100 MB, not announced': (endless(b'HTTP/1.1 200 OK\r\n\r\n'), 'larger'),
    'chunks without end': (endless(CHUNKED + b'10000\r\n', b' ' * 65536 + b'\r\n10000\r\n'),
                           'larger'),
    'a chunk of 2^63 bytes': (endless(CHUNKED + b'7fffffffffffffff\r\n'), 'larger'),
    '100 MB as gzip': (gzipped(BOMB), 'no Autodiscover service'),
    '100 MB as gzip in gzip': (gzipped(gzip.compress(BOMB), b'gzip, gzip'),
                               'no Autodiscover service'),
    '100 MB as gzip by transfer':
        (raw(CHUNKED.replace(b'chunked', b'gzip, chunked') + b'%x\r\n' % len(BOMB) + BOMB +
             b'\r\n0\r\n\r\n'), ''),
    'settings as gzip': (gzipped(gzip.compress(peers.SETTINGS)), 'no Autodiscover service'),
    'a head without end': (endless(b'HTTP/1.1 200 OK\r\n', b'X-Y: ' + b'z' * 900 + b'\r\n'),
                           'larger'),
    'a field without end': (endless(b'HTTP/1.1 200 OK\r\nX-Y: '), 'larger'),
    'a status line without end': (endless(b'HTTP/1.1 200 '), 'larger'),
    'a thousand fields': (raw(b'HTTP/1.1 200 OK\r\n' + b'A: b\r\n' * 1000 + b'\r\n'), 'larger'),
    'interim responses without end':
        (endless(b'', b'HTTP/1.1 100 Continue\r\n\r\n' * 99), 'larger'),
    'early hints without end':
        (endless(b'', b'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n' * 99), 'larger'),
    'a greeting of SMTP': (raw(b'220 mail.contoso.example ESMTP\r\n'), 'not HTTP'),
    'a body without a head': (raw(peers.SETTINGS), 'not HTTP'),
    'a length below zero': (raw(b'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n<a/>'), 'not HTTP'),
}
for name, (script, says) in NO_ANSWER.items():
    world('11.7', f'{name}, and nothing else', {C: host(script)}, NOT_FOUND, says, C='no-endpoint')
    world('11.7', f'{name} at the root, and settings', {B: host(script), C: ASKS}, FOUND,
          logins={C: 1})


# ---- 11.8 ----

for line in ('301 Moved', '302 Found', '303 See Other', '307 Temporary', '308 Permanent'):
    world('11.8', f'{line} to a host of the domain', {C: host(redirect(TRUSTED, line)), MAIL: ASKS},
          FOUND, logins={MAIL: 1}, C='redirect credentials settings')
for name, script, outcome, says, host_results in (
        ('without Location', status('302 Found'), NOT_FOUND, 'without saying where to',
         'no-endpoint'),
        ('to a page', redirect(f'https://{MAIL}/welcome'), NOT_FOUND, 'web site', 'redirect'),
        ('to a page over plain http', redirect(f'http://www.{B}/'), NOT_FOUND, 'web site',
         'redirect'),
        ('to plain http', redirect(f'http://{MAIL}{PATH}'), BLOCKED, 'plain http', 'blocked'),
        ('to itself', redirect(PATH), NOT_FOUND, 'asked before', 'redirect'),
        ('to itself in capitals', redirect(f'https://{C.upper()}{PATH.upper()}#a'), NOT_FOUND,
         'asked before', 'redirect'),
        ('to itself with two Locations', status('302 Found', f'Location: {PATH}',
                                                f'Location: {UNTRUSTED}'), NOT_FOUND, '',
         'redirect'),
        ('to nonsense', redirect('javascript:alert(1)'), NOT_FOUND, '', 'redirect'),
        ('to two kilobytes', redirect('https://' + 'a' * 4000), NOT_FOUND, '', 'redirect')):
    world('11.8', f'302 {name}', {C: host(script), MAIL: ASKS}, outcome, says,
          C=host_results, check=visited(autodiscover=1, mail=0))
world('11.8', '302 in a circle of two', {C: host(redirect(TRUSTED)),
                                         MAIL: host(redirect(f'https://{C}{PATH}'))},
      NOT_FOUND, 'asked before', check=visited(autodiscover=1, mail=1))
world('11.8', '302 for ever', {C: lambda: Peer(*GOOD, script=counting(
          lambda n: redirect(f'/autodiscover/{n}/autodiscover.xml')))},
      NOT_FOUND, 'after ten redirects', check=visited(autodiscover=11))
world('11.8', '302 for ever at the root costs nothing', {B: lambda: Peer(*GOOD, script=counting(
          lambda n: redirect(f'/autodiscover/{n}/autodiscover.xml'))), C: ASKS},
      FOUND, logins={C: 1})
world('11.8', '302 to a page without end', {C: host(after(
    f'HTTP/1.1 302 Found\r\nLocation: {TRUSTED}\r\n\r\n'.encode(), endless(b''))), MAIL: ASKS},
      FOUND, logins={MAIL: 1})
for name, script, outcome, says in (
        ('settings', answer(), NOT_FOUND, 'only a redirect'),
        ('a 401', login(answer()), NOT_FOUND, 'only a redirect'),
        ('a redirect to plain http', redirect(f'http://{MAIL}{PATH}'), NOT_FOUND, 'plain http'),
        ('a redirect to itself', redirect(PATH), NOT_FOUND, 'plain http'),
        ('a redirect to a login', redirect(f'https://ann:x@{MAIL}{PATH}'), BLOCKED, 'login name'),
        ('a redirect to this machine', redirect(f'https://127.0.0.1{PATH}'), BLOCKED, 'belong'),
        ('a redirect to a foreign host', redirect(UNTRUSTED), BLOCKED, 'belong'),
        ('a redirect to a page', redirect(f'https://{MAIL}/'), NOT_FOUND, 'web site'),
        ('a redirect to https of itself, where nothing is', redirect(f'https://{C}{PATH}'),
         NOT_FOUND, '')):
    world('11.8', f'plain http gives {name}', {PLAIN: plain(script), MAIL: ASKS, OTHER: ASKS,
                                               '127.0.0.1': ASKS}, outcome, says,
          check=without_request(MAIL, OTHER, '127.0.0.1'))


# ---- 11.9 ----

def rejects(offers=('Basic realm="contoso"',)):
    """401 for ever."""
    return host(login(answer(), offers, password='another'))


world('11.9', 'the login is right', {C: ASKS}, FOUND, logins={C: 1}, C='credentials settings')
world('11.9', 'for ever', {C: rejects()}, REJECTED, 'refused the login',
      logins={C: 1}, C='credentials credentials')
world('11.9', 'for ever at two hosts of one realm', {C: rejects(), B: rejects()}, REJECTED,
      'refused the login', logins={C: 1, B: 1})
world('11.9', 'for ever at three hosts of one realm: two see the login',
      {C: rejects(), B: rejects(), MAIL: rejects()}, REJECTED, 'not tried',
      logins={C: 1, B: 1}, dns={SRV: [(0, 0, 443, MAIL)]})
world('11.9', 'for ever at four hosts of four realms: three see the login',
      {name: rejects([f'Basic realm="{name}"']) for name in (C, B, MAIL, OTHER)}, REJECTED,
      'not tried', '--trust-host', OTHER, logins={C: 1, B: 1, MAIL: 1},
      dns={SRV: [(0, 0, 443, MAIL), (1, 0, 443, OTHER)]})
world('11.9', 'at the root for ever, and settings', {B: rejects(), C: ASKS}, FOUND, logins={C: 1})
world('11.9', 'at the autodiscover host for ever, and settings of another realm at the root',
      {C: rejects(['Basic realm="other"']), B: ASKS}, FOUND, logins={C: 1, B: 1})
for name, offers in {'no scheme': [], 'an empty field': [''],
                     'Digest': ['Digest realm="x", nonce="1"'],
                     'an unknown scheme': ['Carrier-Pigeon'], 'noise': ['=,=,"'],
                     'Basic in the realm of another': ['Digest realm="Basic realm=x"']}.items():
    world('11.9', f'offering {name}: nothing is sent', {C: rejects(offers)}, REJECTED, '',
          C='credentials', check=visited(autodiscover=1))


# ---- 11.10, 11.11 ----

for code in (400, 403, 404, 405, 406, 408, 410, 415, 418, 421, 429, 451, 204, 206, 304):
    world('11.10', f'{code}, and nothing else', {C: host(status(f'{code} No'))}, NOT_FOUND,
          f'HTTP {code}', C='no-endpoint')
for code in (403, 404, 405):
    world('11.10', f'{code} at the root costs nothing', {B: host(status(f'{code} No')), C: ASKS},
          FOUND, logins={C: 1})
    world('11.10', f'{code} after the login, and settings at the root',
          {C: host(login(status(f'{code} No'))), B: ASKS}, FOUND,
          logins={C: 1, B: 1})
world('11.10', '404 and a page without end', {C: host(endless(b'HTTP/1.1 404 No\r\n\r\n'))},
      NOT_FOUND, 'HTTP 404')
for code in (500, 502, 503, 504, 599):
    world('11.11', f'{code}, and nothing else',
          {C: host(status(f'{code} No', 'Retry-After: 5'))}, UNAVAILABLE, f'HTTP {code}',
          C='server-error')
    world('11.11', f'{code}, and settings at the root', {C: host(status(f'{code} No')), B: ASKS},
          FOUND, logins={B: 1})
world('11.11', '503 after the login', {C: host(login(status('503 Busy')))}, UNAVAILABLE, 'HTTP 503',
      logins={C: 1}, C='credentials server-error')


# ---- 11.12, 11.13 ----

def told(run, _):
    """Every source is in the record, by its letter, with a URL. The second place of M is, too, when
    it was asked before the domain's other failure was known."""
    seen = [(a['source'], re.sub(':.*', '', a['url'])) for a in run.json['attempts']]
    tap.same(list(dict.fromkeys(seen)), [('C', 'https'), ('B', 'https'), ('D', 'http'),
                                         ('E', 'dns'), ('M', 'https')])


world('11.12', 'nothing anywhere', {}, NOT_FOUND,
      'no host made from the mail domain answers as Autodiscover', check=told)
world('11.12', 'trouble of four kinds', {C: host(status('404 No')), B: shown(WRONG),
                                         PLAIN: plain(answer())}, NOT_FOUND, '',
      dns={SRV: [(0, 0, 0, '.')]}, B='tls-failure', C='no-endpoint', D='no-endpoint',
      E='unreachable', check=told)
TROUBLE = {'nothing': None, 'refused': Closed, '404': host(status('404 No')), 'reset': host(reset),
           'a web page': host(answer(HTML)), 'a bad certificate': shown(WRONG),
           '500': host(status('500 No')), 'a login that is refused': rejects(['Basic realm="o"']),
           'a refusal': REFUSES}
for name, make in TROUBLE.items():
    used = {C: 1} if name == 'a login that is refused' else {}
    bad = {} if make is None else {C: make} if used else {C: make, B: make}
    world('11.13', f'{name} at the others, and the redirect over plain http',
          {**bad, PLAIN: plain(redirect(TRUSTED)), MAIL: ASKS}, FOUND,
          logins={**used, MAIL: 1}, check=source('D', TRUSTED))
    world('11.13', f'{name} at the others, and SRV', {**bad, MAIL: ASKS}, FOUND,
          logins={**used, MAIL: 1}, dns={SRV: [(0, 0, 443, MAIL)]}, check=source('E', TRUSTED))


# ---- 17 ----

FOREIGN_SRV = {SRV: [(0, 0, 443, OTHER)]}
world('17.1', 'another port', {f'{MAIL}:8443': ASKS}, FOUND,
      logins={f'{MAIL}:8443': 1}, dns={SRV: [(0, 0, 8443, MAIL)]},
      check=source('E', f'https://{MAIL}:8443{PATH}'))
world('17.1', 'another port comes after the usual one', {MAIL: ASKS, f'{OTHER}:8443': ASKS}, FOUND,
      logins={MAIL: 1}, dns={SRV: [(0, 0, 8443, OTHER), (9, 0, 443, MAIL)]})
world('17.1', 'a host elsewhere', {OTHER: ASKS}, BLOCKED, 'does not belong',
      dns=FOREIGN_SRV, E='redirect blocked', check=without_request(OTHER))
world('17.1', 'a host elsewhere that is trusted', {OTHER: ASKS}, FOUND, '', '--trust-host', OTHER,
      logins={OTHER: 1}, dns=FOREIGN_SRV)
for name, make in {'dropped': Hole, 'reset': host(before=reset), '404': host(status('404 No')),
                   'silence': host(silence)}.items():
    world('17.2', f'{name} at root and autodiscover host, and SRV', {B: make, C: make, MAIL: ASKS},
          FOUND, grace=SHORT, logins={MAIL: 1}, dns={SRV: [(0, 0, 443, MAIL)]},
          check=source('E', TRUSTED))
    world('17.2', f'{name} at root and autodiscover host, and the redirect over plain http',
          {B: make, C: make, PLAIN: plain(redirect(TRUSTED)), MAIL: ASKS}, FOUND,
          grace=SHORT, logins={MAIL: 1}, check=source('D', TRUSTED))
world('17.3', 'a redirect to capitals is followed, and asked as it is spelled',
      {C: host(redirect(f'https://{MAIL}/AutoDiscover/AUTODISCOVER.XML')), MAIL: ASKS}, FOUND,
      logins={MAIL: 1},
      check=lambda _, made: tap.same({r['path'] for r in made[MAIL].requests},
                                     {'/AutoDiscover/AUTODISCOVER.XML'}))

CLOUD, CLOUD_SERVICE = 'autodiscover.cloud.example', 'autodiscover-s.cloud.example'
AT_CLOUD = authority.issue('*.cloud.example', label='cloud')
for name, make in {'443 refused': Closed, '443 dropped': Hole, '443 reset': host(before=reset),
                   'a certificate of its own': shown(AT_CLOUD)}.items():
    hoster = {C: make, PLAIN: plain(redirect(f'https://{CLOUD_SERVICE}{PATH}')),
              CLOUD_SERVICE: shown(AT_CLOUD)}
    alias = {C: [f'={CLOUD}'], CLOUD: ['127.0.0.1']}
    world('17.4', f'{name}, its service not trusted', hoster, BLOCKED, 'does not belong',
          '--timeout', '2s', waits=True, dns=alias, check=without_request(CLOUD_SERVICE))
    world('17.4', f'{name}, its service trusted', hoster, FOUND, '', '--trust-host', CLOUD_SERVICE,
          grace=SHORT, logins={CLOUD_SERVICE: 1}, dns=alias)

for name, others, dns, winner in (
        ('the autodiscover host', after_root(WRONG), {}, C),
        ('the redirect over plain http', {PLAIN: plain(redirect(TRUSTED)), MAIL: ASKS}, {}, MAIL),
        ('SRV', {MAIL: ASKS}, {SRV: [(0, 0, 443, MAIL)]}, MAIL)):
    world('17.5', f'settings by {name}', {B: shown(WRONG), **others}, FOUND,
          logins={winner: 1}, dns=dns, B='tls-failure', check=without_request(B))
world('17.5', 'and nothing else', {B: shown(WRONG)}, NOT_FOUND, 'for another host')


def then(event, script):
    def behave(connection, request):
        event.set()
        return script(connection, request)
    return behave


def before_root(way, name, certificate, script, n_requests):
    """A search that waited for the root would ask nobody else before that has had its time."""
    letter, winner, make, dns = WAYS[way]
    begun = threading.Event()

    def check(run, made):
        tap.same(run.json['source'], letter)
        asked = [r['path'] for r in made[B].requests if r['path'].startswith('/autodiscover/')]
        tap.true(len(asked) <= n_requests, f'the root was asked for {asked}')

    world('17.5', f'{way} is asked before the root gives {name}',
          {B: lambda: Timed(*certificate, begin=begun, script=script),
           **make(lambda script: then(begun, script))},
          FOUND, grace=SHORT, logins={winner: 1}, dns=dns, check=check)


WAYS = {
    'the autodiscover host':
        ('C', C, lambda mark: {C: host(mark(login(answer())))}, {}),
    'the redirect over plain http':
        ('D', MAIL, lambda mark: {PLAIN: plain(mark(redirect(TRUSTED))), MAIL: ASKS}, {}),
    'SRV':
        ('E', MAIL, lambda mark: {MAIL: host(mark(login(answer())))}, {SRV: [(0, 0, 443, MAIL)]}),
}
CIRCLE = {PATH: redirect(f'https://{B}/autodiscover/2/autodiscover.xml'),
          '/autodiscover/2/autodiscover.xml': redirect(f'https://{B}{PATH}')}
for way in WAYS:
    before_root(way, 'a page', GOOD, answer(HTML, kind='text/html'), 1)
    before_root(way, 'redirects in a circle', GOOD, CIRCLE, 2)
    before_root(way, 'a redirect to strangers', GOOD, redirect(UNTRUSTED), 1)
    before_root(way, 'a certificate for another host', WRONG, answer(), 0)
    before_root(way, 'a certificate that has expired', EXPIRED, answer(), 0)
    before_root(way, 'a reset', GOOD, reset, 1)

for name, make in {'a certificate of its own': shown(STRANGE),
                   'a self-signed certificate': shown(SELF_SIGNED),
                   'a login by Negotiate and NTLM': host(login(answer(), ['Negotiate', 'NTLM'])),
                   'a login by Basic': ASKS,
                   '403': host(status('403 No'))}.items():
    world('17.6', f'with {name}, and the autodiscover host', {B: make, C: ASKS}, FOUND,
          logins={C: 1}, check=source('C', f'https://{C}{PATH}'))
    world('17.6', f'with {name}, and a slower autodiscover host',
          {B: make, C: host(later(0.1, login(answer())))}, FOUND, logins={C: 1})

WEB = ['127.0.0.1']
for name, certificate, outcome, says in (
        ('with a certificate of its hoster', authority.issue('*.hoster.example', label='hoster'),
         BLOCKED, 'for another host'),
        ('with a certificate for all of the domain', authority.issue(B, f'*.{B}', label='all'),
         NOT_FOUND, 'it is a web page')):
    page = host(answer(HTML, kind='text/html'), certificate)
    everywhere = {B: page, C: page, PLAIN: plain(redirect(f'https://www.{B}/'))}
    world('17.7', f'a web site {name}', everywhere, outcome, says, dns={'*': WEB})
    world('17.7', f'a web site {name}, and SRV', {**everywhere, MAIL: ASKS}, FOUND,
          logins={MAIL: 1}, dns={'*': WEB, SRV: [(0, 0, 443, MAIL)]})


def first_target(expected):
    """Which host of the SRV records came first."""
    def check(run, _):
        told_, = [a for a in run.json['attempts'] if a['url'].startswith('dns:')]
        tap.same(told_['redirect'], f'https://{expected}{PATH}')
    return check


TWO = {MAIL: ASKS, OTHER: ASKS}
world('17.8', 'the lowest number is the best', TWO, FOUND, '', '--trust-host', OTHER,
      logins={MAIL: 1}, dns={SRV: [(10, 0, 443, OTHER), (0, 0, 443, MAIL)]},
      check=first_target(MAIL))
world('17.8', 'weight counts within a priority only', TWO, FOUND, '', '--trust-host', OTHER,
      logins={MAIL: 1}, dns={SRV: [(10, 65535, 443, OTHER), (0, 0, 443, MAIL)]},
      check=first_target(MAIL))
world('17.8', 'port 80 is not plain http',
      {f'{MAIL}:80': NO_TLS['plain HTTP on the port of TLS'][0]}, NOT_FOUND, 'does not speak TLS',
      dns={SRV: [(0, 0, 80, MAIL)]})
world('17.8', 'the next record when a host is down', {MAIL: ASKS, C: Closed}, FOUND,
      logins={MAIL: 1}, dns={SRV: [(0, 0, 443, C), (1, 0, 443, MAIL)], C: ['127.0.0.1']})


def posted(run, made):
    """The target got the question by POST, whole, each time."""
    bodies = {r['body'] for r in made[C].requests + made[MAIL].requests}
    tap.same((len(bodies), {r['method'] for r in made[MAIL].requests}), (1, {'POST'}), run.reasons)
    tap.has(bodies.pop().decode(), f'<EMailAddress>{ADDRESS}</EMailAddress>')


for line in ('301 Moved', '302 Found', '303 See Other', '307 Temporary', '308 Permanent'):
    world('17.9', line, {C: host(redirect(TRUSTED, line)), MAIL: ASKS}, FOUND,
          logins={MAIL: 1}, check=posted)

for name, body, fields in (('as plain text', b'Access is denied.', ['Content-Type: text/plain']),
                           ('with a page of 50 KB', HTML + b' ' * 50000, []),
                           ('with a page of 1 MB', HTML + b' ' * 1_000_000, [])):
    world('17.11', name, {C: host(lambda connection, request, b=body, f=fields: (
        answer() if 'authorization' in request['fields'] else
        answer(b, '401 Unauthorized', [*f, 'WWW-Authenticate: Basic realm="proxy"']))(
            connection, request))}, FOUND, logins={C: 1})

world('17.12', 'two domains that both send us on', {C: host(to_address(f'ann@{FABRIKAM}')),
                                                    OTHER: host(to_address(ADDRESS))}, NOT_FOUND,
      'asked for before', '--trust-host', FABRIKAM,
      check=visited(**{'autodiscover': 1}))
world('17.12', 'two domains that both send us on, and settings at the root of the second',
      {C: host(to_address(f'ann@{FABRIKAM}')), OTHER: host(to_address(ADDRESS)), FABRIKAM: ASKS},
      FOUND, '', '--trust-host', FABRIKAM, logins={FABRIKAM: 1})
world('17.14', 'nobody but the domain is asked', {}, NOT_FOUND,
      check=lambda run, _: tap.same(set(run.questions), {B, C, SRV, f'autoconfig.{B}'}))


# ---- addresses and names of all kinds ----

def at(address, certificate=GOOD):
    """A maker of hosts at that address."""
    return lambda: Peer(*certificate, script=login(answer()), at=(address, 0))


class Beside(Peer):
    """A host whose port exists at a second address, where packets vanish."""

    def __init__(self, address, lost):
        self._hole = None
        while self._hole is None:
            super().__init__(*GOOD, script=login(answer()), at=(address, 0))
            try:
                self._hole = Hole((lost, self.port))
            except OSError:     # somebody has that port there: another one
                self._listener.stop()

    def __exit__(self, *_):
        super().__exit__()
        self._hole.__exit__()


world('ip', 'IPv6 only', {C: at('::1')}, FOUND, logins={C: 1},
      check=lambda run, _: tap.same(run.json['attempts'][0]['dns'], ['::1']))
world('ip', 'IPv6 only, by SRV', {MAIL: at('::1')}, FOUND, logins={MAIL: 1},
      dns={SRV: [(0, 0, 443, MAIL)]})
world('ip', 'IPv6 only, by plain http',
      {PLAIN: lambda: Peer(script=redirect(TRUSTED), at=('::1', 0)), MAIL: at('::1')}, FOUND,
      logins={MAIL: 1}, check=source('D', TRUSTED))
world('ip', 'both, IPv6 refused', {C: at('127.0.0.1')}, FOUND, logins={C: 1},
      dns={C: ['::1', '127.0.0.1']})
world('ip', 'both, IPv4 refused', {C: at('::1')}, FOUND, logins={C: 1},
      dns={C: ['::1', '127.0.0.1']})
world('ip', 'both, IPv6 dropped', {C: lambda: Beside('127.0.0.1', '::1')}, FOUND,
      logins={C: 1}, dns={C: ['::1', '127.0.0.1']})
world('ip', 'both, IPv4 dropped', {C: lambda: Beside('::1', '127.0.0.1')}, FOUND,
      logins={C: 1}, dns={C: ['::1', '127.0.0.1']})
world('ip', 'two of IPv4, the first refused', {C: at('127.0.0.1')}, FOUND,
      logins={C: 1}, dns={C: ['127.0.0.2', '127.0.0.1']},
      check=lambda _, made: tap.same(made[C].connections, 1))
world('ip', 'two of IPv4, the first dropped', {C: lambda: Beside('127.0.0.1', '127.0.0.2')}, FOUND,
      logins={C: 1}, dns={C: ['127.0.0.2', '127.0.0.1']},
      check=lambda _, made: tap.same(made[C].connections, 1))

BOOKS = 'xn--bcher-kva.example'
BOOK_HOSTS = authority.issue(BOOKS, f'autodiscover.{BOOKS}', f'mail.{BOOKS}', label='books')


def idn(script):
    return lambda: Peer(*BOOK_HOSTS, script=script)


for name, spelled in {'U-labels': 'ann@bücher.example', 'A-labels': f'ann@{BOOKS}',
                      'capitals': 'ann@BÜCHER.Example', 'a last dot': 'ann@bücher.example.',
                      'a decomposed letter': 'ann@bu\u0308cher.example',
                      'an ideographic dot': 'ann@bücher。example'}.items():
    world('idn', f'in {name}', {f'autodiscover.{BOOKS}': idn(answer())}, FOUND, address=spelled,
          check=lambda run, _: tap.same(
              set(run.questions) - {BOOKS, f'autodiscover.{BOOKS}', f'_autodiscover._tcp.{BOOKS}',
                                    f'autoconfig.{BOOKS}'}, set()))
BOOKS_URL = f'https://mail.{BOOKS}{PATH}'
for name, script in {
        '302 to U-labels in UTF-8': redirect(f'https://mail.bücher.example{PATH}'),
        'redirectUrl to U-labels': to_url(f'https://mail.bücher.example{PATH}'),
        'redirectUrl to A-labels': to_url(BOOKS_URL)}.items():
    world('idn', name, {f'autodiscover.{BOOKS}': idn(script), f'mail.{BOOKS}': idn(answer())},
          FOUND, address='ann@bücher.example',
          check=lambda run, _: tap.same(run.json['url'], BOOKS_URL))
world('idn', 'redirectAddr to U-labels, trusted in U-labels',
      {C: host(to_address('ann@bücher.example')), BOOKS: idn(answer())}, FOUND, '', '--trust-host',
      'bücher.example')
world('idn', 'SRV', {f'mail.{BOOKS}': idn(answer())}, FOUND, address='ann@bücher.example',
      dns={f'_autodiscover._tcp.{BOOKS}': [(0, 0, 443, f'mail.{BOOKS}')]})
world('idn', 'a certificate for U-labels in UTF-8 is for nobody',
      {f'autodiscover.{BOOKS}': shown(authority.issue(subject='autodiscover.bücher.example',
                                                      label='utf8'))},
      BLOCKED, 'for another host', address='ann@bücher.example')


# ---- the whole ----

@tap.case('every row has a world, or a reason to have none')
def _():
    lacking = set(ROWS) - _seen - set(LEFT_OUT)
    tap.same(lacking, set())
    tap.same(_seen & set(LEFT_OUT), set())
    return '\n'.join(f'{row} {ROWS[row]}: left out, {why}' for row, why in LEFT_OUT.items())


@tap.case('no search took more memory than the largest answer is worth')
def _():
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if not SANITIZED:
        tap.true(kilobytes < 100 * 1024, f'{kilobytes} KB')
    return f'{kilobytes // 1024} MB at most'


if __name__ == '__main__':
    tap.main(jobs=6)
