#!/usr/bin/python3
"""`usher find` among scripted hosts: what it finds, what it says, and who sees the password."""
import ssl
import warnings

from support import peers, tap
from support.names import Dns, drop, garbage, nodata, servfail
from support.peers import (PATH, Closed, Peer, Proxy, after, answer, login, redirect, reset,
                           silence, status, to_url, to_address)
from support.programs import usher
from world import (ADDRESS, B, BLOCKED, C, EXPIRED, FOUND, GOOD, MAIL, NOT_FOUND, OTHER, PASSWORD,
                   PLAIN, REJECTED, SHORT, SRV, STRANGE, UNAVAILABLE, WRONG, at_terminal, authority,
                   expect, find, good, raised, results, timed_out)

# An old TLS is what one test wants.
warnings.simplefilter('ignore', DeprecationWarning)

# ---- where the settings are ----

@tap.case('settings at the autodiscover host')
def _():
    peer = good({PATH: answer()})
    run = find({C: peer}, password=None)
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{C}{PATH}')
    tap.same(run.json['address'], ADDRESS)
    tap.same(len(peer.requests), 1)
    request = peer.requests[0]
    tap.same((request['method'], request['fields']['host']), ('POST', C))
    tap.same(request['fields']['content-type'], 'text/xml; charset=utf-8')
    tap.has(request['body'].decode(), f'<EMailAddress>{ADDRESS}</EMailAddress>')
    tap.true('cookie' not in request['fields'], 'a cookie')


@tap.case('settings at the root')
def _():
    run = find({B: good()})
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{B}{PATH}')


@tap.case('the record of the certificate')
def _():
    run = find({C: good()})
    tls = [a for a in run.json['attempts'] if a['result'] == 'settings'][0]['tls']
    tap.same(tls['verdict'], 'verified')
    tap.has(tls['subject'], B)
    tap.true(OTHER in tls['names'], tls['names'])
    tap.true(tls['not_after'].endswith('Z'), tls['not_after'])


@tap.case('an international domain is asked for by its A-labels')
def _():
    name = 'autodiscover.xn--bcher-kva.example'
    peer = Peer(*authority.issue(name), script=answer())
    expect(find({name: peer}, address='ann@bücher.example'), FOUND)


@tap.case('the names asked for in DNS are exactly four')
def _():
    run = find({})
    expect(run, NOT_FOUND)
    tap.same(sorted(set(run.questions)), [SRV, f'autoconfig.{B}', C, B])
    # A and AAAA of three hosts, each once: two sources ask about the autodiscover host.
    tap.same(len(run.questions), 7)
    run = find({}, '--no-autoconfig')
    tap.same(sorted(set(run.questions)), [SRV, C, B])


# ---- what else answers there ----

HTML = b'<!DOCTYPE html><html><body>Welcome</body></html>'
BIG = b'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 900000000\r\n\r\n<a>'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n'


@tap.each([
    ('404', status('404 Not Found'), NOT_FOUND, 'HTTP 404'),
    ('405', status('405 Method Not Allowed'), NOT_FOUND, 'HTTP 405'),
    ('a web page', answer(HTML, kind='text/html'), NOT_FOUND, 'web page'),
    ('an empty body', answer(b''), NOT_FOUND, 'empty'),
    ('garbage', answer(bytes(range(256))), NOT_FOUND, 'no Autodiscover service'),
    ('another XML document', answer(b'<rss/>'), NOT_FOUND, 'no Autodiscover service'),
    ('a truncated document', answer(peers.SETTINGS[:-20]), NOT_FOUND, 'no Autodiscover service'),
    ('a document type', answer(b'<!DOCTYPE a [<!ENTITY b "c">]><Autodiscover/>'), NOT_FOUND, ''),
    ('a body cut short', peers.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<Auto'),
     UNAVAILABLE, 'broke off'),
    ('a huge body, announced', peers.raw(BIG), NOT_FOUND, 'larger'),
    ('an endless body', peers.endless(CHUNKED, b'x' * 65536 + b'\r\n10000\r\n'), NOT_FOUND,
     'larger'),
    ('an endless head', peers.endless(b'HTTP/1.1 200 OK\r\n', b'X-Y: ' + b'z' * 900 + b'\r\n'),
     NOT_FOUND, 'larger'),
    ('an endless page with a 404', peers.endless(b'HTTP/1.1 404 No\r\n\r\n'), NOT_FOUND, '404'),
    ('not HTTP', peers.raw(b'220 mail.contoso.example ESMTP\r\n'), NOT_FOUND, 'not HTTP'),
    ('503', status('503 Service Unavailable', 'Retry-After: 5'), UNAVAILABLE, 'HTTP 503'),
    ('a refusal', answer(peers.REFUSAL), NOT_FOUND, 'cannot be found'),
    ('204', status('204 No Content'), NOT_FOUND, 'HTTP 204'),
    ('gzip that nobody asked for', answer(b'\x1f\x8b\x08', fields=['Content-Encoding: gzip']),
     NOT_FOUND, 'no Autodiscover service'),
    ('interim responses first', after(b'HTTP/1.1 100 Continue\r\n\r\n', answer()), FOUND, ''),
    ('a reset after the request', reset, UNAVAILABLE, 'broke off'),
    ('a reset within the head', after(b'HTTP/1.1 200 O'), UNAVAILABLE, 'broke off'),
    ('a reset within the body',
     after(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<Auto'), UNAVAILABLE, 'broke off'),
])
def _(script, outcome, reason):
    run = find({C: good(script)})
    expect(run, outcome, reason)
    tap.same(timed_out(run), [])


@tap.each([
    ('nothing listens there', None, NOT_FOUND, 'refused'),
    ('a reset before the handshake', reset, NOT_FOUND, ''),  # before or after connect() returns
    ('a close before the handshake', lambda c, _: False, NOT_FOUND, 'TLS'),
    ('plain HTTP on the TLS port', peers.raw(b'HTTP/1.1 400 Bad Request\r\n\r\n'), NOT_FOUND,
     'TLS'),
])
def _(before, outcome, reason):
    expect(find({C: good(before=before) if before else Closed()}), outcome, reason)


def old_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*GOOD)
    context.set_ciphers('ALL:@SECLEVEL=0')
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def client_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*GOOD)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.root)
    return context


@tap.each([('TLS 1.1 only', old_tls), ('a client certificate is wanted', client_certificate)])
def _(context):
    peer = Peer(context=context(), script=answer())
    run = find({C: peer})
    tap.true(run.status in (NOT_FOUND, UNAVAILABLE), run.reasons)
    tap.same(peer.logins, [])


# ---- certificates ----

@tap.each([
    ('for another name', WRONG, 'wrong-name', 'another host'),
    ('expired', EXPIRED, 'expired', 'expired'),
    ('of an authority nobody knows', STRANGE, 'untrusted', 'authority'),
])
def _(certificate, verdict, reason):
    script = login(answer())
    dedicated, root = Peer(*certificate, script=script), Peer(*certificate, script=script)
    run = find({C: dedicated, B: root})
    expect(run, BLOCKED, reason)
    tap.same([a['tls']['verdict'] for a in run.json['attempts'] if a['source'] in 'BC'],
             [verdict] * 2)
    tap.same(dedicated.requests + root.requests, [])
    quiet = Peer(*certificate, script=script)
    expect(find({B: quiet}), NOT_FOUND, reason)
    tap.same(quiet.requests, [])


@tap.case('--now judges certificates by another day')
def _():
    old = {C: Peer(*EXPIRED, script=answer())}
    expect(find(old, '--now', '2020-01-15', trusted=EXPIRED[0]), FOUND)
    expect(find({C: good()}, '--now', '2020-01-15'), BLOCKED, 'not valid yet')
    expect(find({C: good()}, '--now', '2040-01-15'), BLOCKED, 'expired')


@tap.case('--ca-file may name the very certificate')
def _():
    expect(find({C: Peer(*STRANGE, script=answer())}, trusted=STRANGE[0]), FOUND)


@tap.case('without --ca-file the private authority is not trusted')
def _():
    peer = good()
    with raised({C: peer}) as (routes, _):
        done = usher('find', ADDRESS, '--json', *routes, SSL_CERT_FILE=authority.root)
    tap.same(done.returncode, BLOCKED)


# ---- credentials ----

@tap.case('the password follows a 401, on the same connection')
def _():
    peer = good(login(answer()))
    run = find({C: peer})
    expect(run, FOUND)
    tap.same(['authorization' in r['fields'] for r in peer.requests], [False, True])
    tap.same(peer.handshakes, 1)
    attempts = [a for a in run.json['attempts'] if a['source'] == 'C']
    tap.same([a['credentialed'] for a in attempts], [False, True])
    tap.same({a['tls']['verdict'] for a in attempts}, {'verified'})


@tap.case('--login is used instead of the address')
def _():
    peer = good(login(answer(), name='CONTOSO\\ann'))
    expect(find({C: peer}, '--login', 'CONTOSO\\ann'), FOUND)


@tap.case('no password, no login')
def _():
    peer = good(login(answer()))
    expect(find({C: peer}, password=None), REJECTED, 'none was given')
    tap.same(len(peer.requests), 1)


@tap.case('$USHER_PASSWORD serves as well')
def _():
    peer = good(login(answer()))
    with raised({C: peer}) as (routes, _):
        done = usher('find', ADDRESS, '--ca-file', authority.root, *routes, USHER_PASSWORD='secret')
    tap.same(done.returncode, FOUND, done.stdout + done.stderr)


@tap.each([
    ('Negotiate alone gets no password', ['Negotiate']),
    ('NTLM alone gets no password', ['Negotiate', 'NTLM']),
    ('Digest gets no password', ['Digest realm="contoso", nonce="1"']),
    ('Basic with an empty realm gets no password', ['Basic realm=""']),
    ('a 401 without an offer gets no password', []),
])
def _(offers):
    peer = good(login(answer(), offers))
    expect(find({C: peer}), REJECTED)
    tap.same(peer.logins, [])


@tap.case('a wrong password is tried at two hosts of one realm, and no more')
def _():
    hosts = {C: good(login(answer(), password='other')), B: good(login(answer(), password='other'))}
    expect(find(hosts), REJECTED, 'refused the login')
    tap.same([len(p.logins) for p in hosts.values()], [1, 1])


@tap.case('only one of two that ask gets the password')
def _():
    hosts = {C: good(login(answer())), B: good(login(answer()))}
    run = find(hosts)
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{C}{PATH}')
    tap.same([len(p.logins) for p in hosts.values()], [1, 0])


@tap.case('a host that gave settings without a password never sees it')
def _():
    peer = good()
    expect(find({C: peer}), FOUND)
    tap.same(peer.logins, [])


@tap.case('a certificate that goes bad between 401 and login gets nothing')
def _():
    class Turncoat(Peer):
        """Closes after its 401; the next handshake shows a certificate of another name."""

        def _exchange(self, connection):
            more = super()._exchange(connection)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*WRONG)
            return more and False

    peer = Turncoat(*GOOD, script=login(answer()))
    run = find({C: peer})
    tap.same(run.status, BLOCKED, run.reasons)
    tap.same(peer.logins, [])
    tap.true(not any(a['credentialed'] for a in run.json['attempts']), run.reasons)


# ---- redirects ----

@tap.each([
    ('302', redirect(f'https://{MAIL}{PATH}')),
    ('301', redirect(f'https://{MAIL}{PATH}', '301 Moved')),
    ('303', redirect(f'https://{MAIL}{PATH}', '303 See Other')),
    ('307', redirect(f'https://{MAIL}{PATH}', '307 Temporary')),
    ('308', redirect(f'https://{MAIL}{PATH}', '308 Permanent')),
    ('a Location without a scheme', redirect(f'//{MAIL}{PATH}')),
    ('redirectUrl', peers.to_url(f'https://{MAIL}{PATH}')),
])
def _(script):
    target = good(login(answer()))
    run = find({C: good(script), MAIL: target})
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{MAIL}{PATH}')
    tap.same([r['method'] for r in target.requests], ['POST', 'POST'])
    tap.same(['authorization' in r['fields'] for r in target.requests], [False, True])


UNTRUSTED = f'https://{OTHER}{PATH}'


@tap.each([
    ('302 to a foreign host', redirect(UNTRUSTED), 'does not belong'),
    ('redirectUrl to a foreign host', peers.to_url(UNTRUSTED), 'does not belong'),
    ('redirectAddr to a foreign domain', peers.to_address('ann@fabrikam.example'),
     'does not belong'),
    ('302 to plain http', redirect(f'http://{MAIL}{PATH}'), 'plain http'),
    ('redirectUrl to plain http', peers.to_url(f'http://{MAIL}{PATH}'), 'plain http'),
    ('302 with a login in the URL', redirect(f'https://{B}@{OTHER}{PATH}'), 'login name'),
    ('302 to an address of this machine', redirect(f'https://127.0.0.1{PATH}'), 'belong'),
    ('redirectAddr to a public suffix', peers.to_address('ann@co.uk'), 'register'),
])
def _(script, reason):
    source, target = good(login(script)), good(login(answer()))
    run = find({C: source, OTHER: target, 'fabrikam.example': target, MAIL: target,
                '127.0.0.1': target})
    expect(run, BLOCKED, reason)
    tap.same(target.requests, [])
    tap.same(len(source.logins), 1)


@tap.each([
    ('302, and --trust-host', redirect(UNTRUSTED), OTHER),
    ('302, and --trust-host with *', redirect(UNTRUSTED), '*.fabrikam.example'),
    ('redirectUrl, and --trust-host', peers.to_url(UNTRUSTED), OTHER),
    ('redirectAddr, and --trust-host', peers.to_address('ann@fabrikam.example'),
     'fabrikam.example'),
])
def _(script, trust):
    target = good(login(answer()))
    run = find({C: good(script), OTHER: target}, '--trust-host', trust)
    expect(run, FOUND)
    tap.same(run.json['url'], UNTRUSTED)
    tap.same(len(target.logins), 1)


@tap.case('after redirectAddr the new address is asked for, with the old login')
def _():
    target = good(login(answer()))
    run = find({C: good(peers.to_address('ben@fabrikam.example')), OTHER: target}, '--trust-host',
               'fabrikam.example')
    expect(run, FOUND)
    tap.has(target.requests[0]['body'].decode(), '>ben@fabrikam.example<')
    tap.same(run.json['address'], ADDRESS)


@tap.each([
    ('302 to a page', redirect(f'https://{MAIL}/welcome')),
    ('302 without Location', status('302 Found')),
    ('302 to nonsense', redirect('javascript:alert(1)')),
    ('302 to itself', redirect(PATH)),
    ('302 to itself in capitals', redirect(f'https://{C.upper()}{PATH.upper()}')),
    ('redirectUrl to itself', peers.to_url(f'https://{C}{PATH}')),
    ('redirectAddr to itself', peers.to_address('Ann@Contoso.EXAMPLE')),
    ('redirectAddr to nobody', peers.to_address('nobody')),
])
def _(script):
    expect(find({C: good(script)}), NOT_FOUND)


@tap.case('redirects for ever end after ten')
def _():
    def onward(connection, request):
        at = int(request['path'].split('/')[2]) if request['path'] != PATH else 0
        return redirect(f'/autodiscover/{at + 1}/autodiscover.xml')(connection, request)
    peer = good(onward)
    expect(find({C: peer}), NOT_FOUND, 'ten redirects')
    tap.same(len(peer.requests), 11)


@tap.case('redirectAddr for ever ends after ten')
def _():
    def onward(connection, request):
        at = request['body'].decode().count('x@')
        local = request['body'].decode().split('<EMailAddress>')[1].split('@')[0]
        return peers.to_address(f'{local}x@contoso.example')(connection, request) or at
    peer = good(onward)
    expect(find({C: peer}), NOT_FOUND)
    tap.same(len(peer.requests), 11)


# ---- the redirect over plain http ----

PAGE_WITHOUT_END = f'HTTP/1.1 302 Found\r\nLocation: https://{MAIL}{PATH}\r\n\r\n'.encode()


@tap.each([
    ('302', redirect(f'https://{MAIL}{PATH}')),
    ('301', redirect(f'https://{MAIL}{PATH}', '301 Moved')),
    ('303', redirect(f'https://{MAIL}{PATH}', '303 See Other')),
    ('307', redirect(f'https://{MAIL}{PATH}', '307 Temporary')),
    ('308', redirect(f'https://{MAIL}{PATH}', '308 Permanent')),
    ('302 with an endless page', after(PAGE_WITHOUT_END, silence)),
    ('302 that sets a cookie', status('302 Found', f'Location: https://{MAIL}{PATH}',
                                      'Set-Cookie: a=b; Domain=contoso.example')),
])
def _(script):
    plain, target = Peer(script=script), good(login(answer()))
    run = find({PLAIN: plain, MAIL: target, C: Closed()})
    expect(run, FOUND)
    tap.same((run.json['source'], run.json['url']), ('D', f'https://{MAIL}{PATH}'))
    tap.same(timed_out(run), [])
    probe, = plain.requests
    tap.same((probe['method'], probe['path'], probe['fields']['host'], probe['body']),
             ('GET', PATH, C, b''))
    tap.true(not {'authorization', 'cookie', 'content-type'} & set(probe['fields']), probe)
    tap.same([(r['method'], 'authorization' in r['fields'], 'cookie' in r['fields'])
              for r in target.requests], [('POST', False, False), ('POST', True, False)])


@tap.case('https that drops packets costs the redirect over plain http the grace')
def _():
    run = find({PLAIN: Peer(script=redirect(f'https://{MAIL}{PATH}')), C: good(before=silence),
                MAIL: good(login(answer()))}, grace=SHORT)
    expect(run, FOUND)
    tap.same(results(run, 'C'), ['cancelled'])


@tap.case('https of the autodiscover host is preferred to its redirect')
def _():
    target = good(login(answer()))
    run = find({PLAIN: Peer(script=redirect(f'https://{MAIL}{PATH}')), MAIL: target,
                C: good(login(answer()))})
    expect(run, FOUND)
    tap.same((run.json['source'], target.logins), ('C', []))


@tap.each([
    ('settings', answer(), NOT_FOUND, 'only a redirect'),
    ('a redirectUrl', peers.to_url(f'https://{MAIL}{PATH}'), NOT_FOUND, 'only a redirect'),
    ('a 401', login(answer()), NOT_FOUND, 'only a redirect'),
    ('an endless page', peers.endless(b'HTTP/1.1 200 OK\r\n\r\n'), NOT_FOUND, 'only a redirect'),
    ('a redirect to a page', redirect(f'https://{MAIL}/'), NOT_FOUND, 'page'),
    ('a redirect to plain http', redirect(f'http://{MAIL}{PATH}'), NOT_FOUND, 'plain http'),
    ('a redirect to itself', redirect(PATH), NOT_FOUND, 'plain http'),
    ('a redirect to a login', redirect(f'https://ann:pw@{MAIL}{PATH}'), BLOCKED, 'login name'),
    ('a redirect to this machine', redirect(f'https://127.0.0.1{PATH}'), BLOCKED, 'belong'),
    ('a redirect to a foreign host', redirect(UNTRUSTED), BLOCKED, 'belong'),
    ('a redirect without Location', status('302 Found'), NOT_FOUND, 'where to'),
    ('no HTTP', peers.raw(b'220 mail ESMTP\r\n'), NOT_FOUND, 'not HTTP'),
    ('a reset', reset, NOT_FOUND, ''),
])
def _(script, outcome, reason):
    plain, target = Peer(script=script), good(login(answer()))
    run = find({PLAIN: plain, MAIL: target, OTHER: target, '127.0.0.1': target})
    expect(run, outcome, reason)
    tap.same((target.requests, plain.logins), ([], []))


@tap.case('plain http that does not answer has no more than its time')
def _():
    run = find({PLAIN: Peer(script=silence)})
    expect(run, NOT_FOUND)
    tap.same([url for url, _ in timed_out(run)], [f'http://{C}{PATH}'])


@tap.case('a foreign host that plain http leads to, and --trust-host')
def _():
    target = good(login(answer()))
    expect(find({PLAIN: Peer(script=redirect(UNTRUSTED)), OTHER: target}, '--trust-host', OTHER),
           FOUND)
    tap.same(len(target.logins), 1)


# ---- SRV records ----

@tap.each([
    ('one', [(0, 0, 443, MAIL)], ''),
    ('spelled in capitals', [(0, 0, 443, MAIL.upper())], ''),
    ('by priority', [(20, 99, 443, OTHER), (10, 0, 443, MAIL)], f'{MAIL}:443, {OTHER}:443'),
    ('the second when nothing listens at the first',
     [(0, 0, 443, 'eu.contoso.example'), (1, 0, 443, MAIL)], 'refused'),
    ('the usual port first', [(0, 0, 8443, OTHER), (9, 0, 443, MAIL)], f'{MAIL}:443, {OTHER}:8443'),
    ('a foreign host is passed over', [(0, 0, 443, OTHER), (9, 0, 443, MAIL)], 'belong'),
])
def _(records, reason):
    target, foreign = good(login(answer())), good(login(answer()))
    run = find({MAIL: target, OTHER: foreign, 'eu.contoso.example': Closed()}, dns={SRV: records})
    expect(run, FOUND, reason)
    tap.same((run.json['source'], run.json['url']), ('E', f'https://{MAIL}{PATH}'))
    tap.same(['authorization' in r['fields'] for r in target.requests], [False, True])
    tap.same(foreign.requests, [])
    named = run.json['attempts'][3]
    tap.same((named['source'], named['url'], named['result']), ('E', f'dns:{SRV}?type=SRV', 'redirect'))


@tap.case('a port of its own')
def _():
    run = find({f'{MAIL}:8443': good(login(answer()))}, dns={SRV: [(0, 0, 8443, MAIL)]})
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{MAIL}:8443{PATH}')


@tap.case('a target, or the name itself, that is an alias')
def _():
    with good(login(answer())) as peer:
        run = find({}, '--connect-to', f'{MAIL}:443::{peer.port}',
                   dns={SRV: [f'=srv.{B}'], f'srv.{B}': [(0, 0, 443, MAIL)],
                        MAIL: [f'=host.{B}'], f'host.{B}': ['127.0.0.1']})
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{MAIL}{PATH}')


@tap.each([
    ('no service', [(0, 0, 0, '.')], NOT_FOUND, 'no such service'),
    ('no host', [(0, 0, 443, 'a b')], NOT_FOUND, 'names no host'),
    ('an address', [(0, 0, 443, '127.0.0.1')], NOT_FOUND, 'names no host'),
    ('the foreign host', [(0, 0, 443, OTHER)], BLOCKED, 'belong'),
    ('no record', nodata, NOT_FOUND, 'no such record'),
    ('trouble', servfail, UNAVAILABLE, 'looked up'),
    ('garbage', garbage, UNAVAILABLE, 'looked up'),
])
def _(records, outcome, reason):
    target = good(login(answer()))
    run = find({OTHER: target, '127.0.0.1': target}, dns={SRV: records})
    expect(run, outcome, reason)
    tap.same(target.requests, [])


@tap.case('the certificate must be for the host that SRV names, and not for the domain')
def _():
    peer = Peer(*authority.issue(B, C, label='domain'), script=login(answer()))
    expect(find({MAIL: peer}, dns={SRV: [(0, 0, 443, MAIL)]}), BLOCKED, 'another host')
    tap.same(peer.requests, [])


@tap.case('the foreign host that SRV names, and --trust-host')
def _():
    target = good(login(answer()))
    expect(find({OTHER: target}, '--trust-host', OTHER, dns={SRV: [(0, 0, 443, OTHER)]}), FOUND)
    tap.same(len(target.logins), 1)


# ---- DNS ----

@tap.each([
    ('SERVFAIL', servfail, UNAVAILABLE, 'looked up'),
    ('no address', nodata, NOT_FOUND, 'no address'),
    ('no such name', None, NOT_FOUND, 'no host of that name'),
])
def _(what, outcome, reason):
    run = find({}, dns={C: what, B: what})
    expect(run, outcome, reason)
    tap.same(timed_out(run), [])


@tap.case('a DNS server that does not answer is given up')
def _():
    run = find({}, dns={C: drop, B: drop})
    expect(run, UNAVAILABLE, 'looked up')
    tap.same({url for url, _ in timed_out(run)},
             {f'https://{C}{PATH}', f'https://{B}{PATH}', f'http://{C}{PATH}'})


@tap.case('a name server\'s address is used, and the second when the first is dead')
def _():
    names = {C: ['127.0.0.2', '127.0.0.1']}
    with Closed() as peer:
        run = find({}, '--connect-to', f'{C}:443::{peer.port}', dns=names)
    expect(run, NOT_FOUND, 'refused')
    with good() as peer:
        run = find({}, '--connect-to', f'{C}:443::{peer.port}', dns=names)
    expect(run, FOUND)
    tap.same(sorted(run.json['attempts'][0]['dns']), ['127.0.0.1', '127.0.0.2'])


# ---- proxies ----

@tap.case('a proxy of the environment connects and resolves; the login stays inside TLS')
def _():
    with good(login(answer())) as peer, Proxy({f'{C}:443': peer.port}) as proxy, Dns() as names:
        done = usher('find', ADDRESS, '--json', '--ca-file', authority.root, '--dns', names.server,
                     '--password-file', PASSWORD, https_proxy=proxy.url, http_proxy=proxy.url)
        tap.same(done.returncode, FOUND, done.stdout)
        tap.same(sorted(set(proxy.asked) - {('GET', f'http://{C}{PATH}')}),
                 [('CONNECT', f'{C}:443'), ('CONNECT', f'{B}:443')])
        tap.same(set(names.questions), {SRV})
        tap.same(len(peer.logins), 1)


# ---- time ----

@tap.each([
    ('no answer', silence),
    ('a slow drip', peers.drip(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n' + b' ' * 99)),
    ('a stuck handshake', None),
])
def _(script):
    peer = good(script) if script else good(before=silence)
    run = find({C: peer}, '--timeout', '2s')
    expect(run, UNAVAILABLE, 'time for the whole search was over')
    tap.true(run.elapsed >= 2, f'{run.elapsed} s')


@tap.case('a root that does not answer costs nothing')
def _():
    run = find({C: good(login(answer())), B: good(before=silence)})
    expect(run, FOUND)
    tap.same(results(run, 'B'), ['cancelled'])


@tap.case('an autodiscover host that does not answer costs the grace')
def _():
    run = find({B: good(login(answer())), C: good(before=silence)}, grace=SHORT)
    expect(run, FOUND)
    tap.same(results(run, 'C'), ['cancelled'])


# ---- the command ----

@tap.each([
    ('no address', ['find'], 64),
    ('two addresses', ['find', 'a@b.example', 'c@d.example'], 64),
    ('no mailbox', ['find', 'ann'], 65),
    ('two at signs', ['find', 'a@b@c.example'], 65),
    ('an unknown option', ['find', ADDRESS, '--nonsense'], 64),
    ('a route that is none', ['find', ADDRESS, '--connect-to', 'here'], 64),
    ('a DNS server that is none', ['find', ADDRESS, '--dns', 'ns.example'], 64),
    ('a host that is none', ['find', ADDRESS, '--trust-host', 'a b'], 64),
    ('a CA file that is not there', ['find', ADDRESS, '--ca-file', '/nowhere'], 65),
    ('a CA file that is none', ['find', ADDRESS, '--ca-file', '/etc/hosts'], 65),
    ('a login with a colon', ['find', ADDRESS, '--login', 'a:b'], 64),
    ('--xml and --json', ['find', ADDRESS, '--xml', '--json'], 64),
    ('a public suffix', ['find', 'ann@co.uk'], 3),
    ('a domain without a dot', ['find', 'ann@com'], 3),
])
def _(arguments, expected):
    done = usher(*arguments)
    tap.same(done.returncode, expected, done.stderr)
    if expected >= 64:
        tap.same(len(done.stderr.splitlines()), 1, done.stderr)
        tap.same(done.stdout, '')


def show(peer, *options):
    with raised({C: peer}) as (routes, _):
        return usher('find', ADDRESS, '--ca-file', authority.root, *routes, *options)


@tap.case('a person reads which servers, from where, how long, and how it was found')
def _():
    done = show(good())
    tap.same(done.returncode, FOUND, done.stderr)
    for part in (f'https://{C}{PATH}', 'inside the network', 'from anywhere', 'Ann Example',
                 'mail.contoso.example', '1 hour', 'verified', 'without a password'):
        tap.has(done.stdout, part)


@tap.case('a person reads what was tried and why it gave nothing')
def _():
    done = show(good(status('404 Not Found')))
    tap.same(done.returncode, NOT_FOUND, done.stderr)
    for part in (f'There are no settings for {ADDRESS}', 'HTTP 404', 'there is no host of that name',
                 f'https://{B}{PATH}', f'https://{C}{PATH}'):
        tap.has(done.stdout, part)


@tap.case('at a terminal the password is asked for, and not shown')
def _():
    status_, said = at_terminal({C: good(login(answer()))},
                                [(f'Password of {ADDRESS} for {C}: ', 'secret')])
    tap.same(status_, FOUND, said)
    tap.true('secret' not in said, said)


@tap.each([
    ('the prompt names the login that was given', [], 'CONTOSO\\ann'),
    ('the prompt names the address, with PreferProvidedEmailInAutoDiscoverAuthPrompts',
     ['--outlook', 'PreferProvidedEmailInAutoDiscoverAuthPrompts'], ADDRESS)])
def _(options, name):
    status_, said = at_terminal({C: good(login(answer(), name=name))},
                                [(f'Password of {name} for {C}: ', 'secret')],
                                '--login', 'CONTOSO\\ann', *options)
    tap.same(status_, FOUND, said)


@tap.each([(f'a root with {name} asks nobody anything', *row) for name, *row in (
    ('a certificate for www only', WRONG, answer()),
    ('an expired certificate', EXPIRED, answer()),
    ('a web page', GOOD, answer(HTML, kind='text/html')),
    ('a redirect to a page elsewhere', GOOD, redirect('https://www.fabrikam.example/')),
    ('a redirect elsewhere', GOOD, redirect(UNTRUSTED)),
    ('a redirect to itself', GOOD, redirect(f'https://{B}{PATH}')),
    ('a login', GOOD, login(answer())),
    ('silence', GOOD, silence))])
def _(certificate, script):
    status_, said = at_terminal({B: Peer(*certificate, script=script), C: good()}, [])
    tap.same(status_, FOUND, said)
    tap.true('[y/N]' not in said and 'Password' not in said, said)


@tap.each([(f'{kind} {how}', who, script, typed, expected)
           for kind, who, script in (
               ('a redirect is', f'https://{C}{PATH}', redirect(UNTRUSTED)),
               ('a redirect over plain http is', f'http://{C}{PATH}', redirect(UNTRUSTED)),
               ('an SRV record is', SRV, None),
               ('a redirectUrl is', f'https://{C}{PATH}', to_url(UNTRUSTED)),
               ('a redirectAddr is', f'https://{C}{PATH}', to_address('ann@fabrikam.example')))
           for how, typed, expected in (
               ('followed on the word of a person', 'y', FOUND),
               ('not followed without it', 'n', BLOCKED),
               ('not followed when nothing is said', '', BLOCKED))])
def _(who, script, typed, expected):
    target = good()
    hosts = {C: good(script)} if who.startswith('https') else {PLAIN: Peer(script=script)}
    status_, said = at_terminal({**(hosts if script else {}), OTHER: target},
                                [('Go on? [y/N] ', typed)],
                                dns=None if script else {SRV: [(0, 0, 443, OTHER)]})
    tap.same(status_, expected, said)
    tap.true(0 <= said.find(who) < said.find('fabrikam.example'), said)
    tap.has(said, f'sends the search for {ADDRESS} on to')
    tap.same(len(target.requests), int(expected == FOUND))


@tap.case('--log shows the attempts of a success too, and every detail')
def _():
    short, whole = show(good()).stdout, show(good(), '--log').stdout
    for part in ('Tried:', '/o=Contoso/cn=mail', '/o=Contoso/cn=ann', '?p=um'):
        tap.has(whole, part)
        tap.true(part not in short, short)


@tap.case('--xml prints the document as it came')
def _():
    tap.same(show(good(), '--xml').stdout.encode(), peers.SETTINGS)


@tap.case('--xml without settings prints one line of error')
def _():
    done = show(good(status('404 No')), '--xml')
    tap.same((done.returncode, done.stdout), (NOT_FOUND, ''))
    tap.same(len(done.stderr.splitlines()), 1, done.stderr)


@tap.case('what a peer says cannot steer a terminal')
def _():
    bad = peers.REFUSAL.replace(b'The e-mail', b'\xc2\x9b31mThe e-mail')
    done = show(good(redirect('https://\x1b[31mevil/\x07')))
    tap.true('\x1b' not in done.stdout and '\x07' not in done.stdout, repr(done.stdout))
    tap.true('\x9b' not in show(good(answer(bad))).stdout, 'C1 control')


if __name__ == '__main__':
    tap.main(jobs=4)
