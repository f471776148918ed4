#!/usr/bin/python3
"""By which scheme usher find logs in, when it refuses to, and that no secret reaches anybody else.

Real servers of these schemes are asked in tests/real/test_auth.py."""
import base64
import itertools
import json
import re
import threading

from ntlm import challenge, ntlm, refuse
from support import scratch, tap
from support.names import Dns
from support.peers import Peer, Proxy, Timed, answer, login, redirect, status, to_url
from support.programs import usher
from world import (ADDRESS, B, BLOCKED, C, FOUND, GOOD, HERE, MAIL, NOT_FOUND, OTHER, PASSWORD,
                   PLAIN, REJECTED, SRV, UNAVAILABLE, authority, expect, find, good, raised)

TOKEN = 'eyJhbGciOiJFUzI1NiJ9.dG9rZW4tZm9yLWFubg.c2VjcmV0LXNpZ25hdHVyZQ'
TOKEN_FILE = scratch.write(HERE / 'token', TOKEN + '\n', 0o600)
OAUTH = ('Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
         'trusted_issuers="00000001-0000-0000-c000-000000000000@contoso"')
BASIC = 'Basic realm="contoso"'
EXCHANGE = ('Negotiate', 'NTLM', BASIC)
NO_TICKETS = {'KRB5CCNAME': f'FILE:{HERE}/no-tickets'}


def bearer(then=None, token=TOKEN, offers=(OAUTH,)):
    """401 until the token comes."""
    def behave(connection, request):
        if request['fields'].get('authorization') == f'Bearer {token}':
            return (then or answer())(connection, request)
        return refuse(*offers)(connection, request)
    return behave


def schemes(run):
    """Those by which it logged in, in order."""
    return [a['scheme'] for a in run.json['attempts'] if a['credentialed']]


def no_secret(*peers):
    """None of these peers heard anything secret, as text or inside base64 of any alignment."""
    forms = [TOKEN.encode(), b'secret']
    for k in range(3):
        forms.append(base64.b64encode(b'x' * k + b'secret')[(8 * k + 5) // 6:8 * (k + 6) // 6])
    for peer, form in itertools.product(peers, forms):
        tap.true(form not in bytes(peer.heard), f'{form} was heard: {peer.heard}')
    for peer in peers:
        tap.same(peer.logins, [])


# ---- the choice ----

@tap.each([
    ('NTLM before Basic', EXCHANGE, (), ['ntlm']),
    ('NTLM in a list between commas', ('Negotiate, NTLM, ' + BASIC,), (), ['ntlm']),
    ('NTLM with Basic first', (BASIC, 'NTLM'), (), ['ntlm']),
    ('no ticket: NTLM after Negotiate', EXCHANGE, ('--auth', 'negotiate,ntlm'), ['ntlm']),
])
def _(offers, options, expected):
    peer = good(ntlm(answer(), offers=offers))
    run = find({C: peer}, *options)
    expect(run, FOUND)
    tap.same(schemes(run), expected)
    tap.same(len(peer.logins), 1)


@tap.each([
    ('Basic alone', (BASIC,), ()),
    ('Basic beside better ones, by explicit word', EXCHANGE, ('--auth', 'basic')),
    ('Basic after Digest, by explicit word', ('Digest realm="x", nonce="1"', BASIC),
     ('--auth', 'ntlm,basic')),
])
def _(offers, options):
    peer = good(login(answer(), offers))
    run = find({C: peer}, *options)
    expect(run, FOUND)
    tap.same(schemes(run), ['basic'])
    tap.same(len(peer.logins), 1)


@tap.each([
    ('Basic beside Negotiate', ('Negotiate', BASIC), (), BLOCKED, 'allow Basic explicitly'),
    ('Basic beside Digest', ('Digest realm="x", nonce="1"', BASIC), (), BLOCKED,
     'allow Basic explicitly'),
    ('Basic beside Bearer', (OAUTH, BASIC), (), BLOCKED, 'allow Basic explicitly'),
    ('Basic that is not allowed', (BASIC,), ('--auth', 'ntlm'), REJECTED, ''),
    ('NTLM that is not allowed', ('NTLM',), ('--auth', 'basic'), REJECTED, ''),
    ('Negotiate without a ticket', ('Negotiate',), ('--auth', 'negotiate'), REJECTED,
     'Kerberos gives no ticket'),
    ('Bearer without a token', (OAUTH,), (), REJECTED, 'no token'),
    ('nothing that we know', ('Carrier-Pigeon',), (), REJECTED, 'Carrier-Pigeon'),
])
def _(offers, options, outcome, reason):
    peer = good(login(answer(), offers))
    run = find({C: peer}, *options, **NO_TICKETS)
    expect(run, outcome, reason)
    no_secret(peer)
    tap.same(len(peer.requests), 1)


@tap.case('the attempt tells what the host offers, and the way in words')
def _():
    run = find({C: good(ntlm(answer(), offers=EXCHANGE))})
    tap.same([a.get('offered') for a in run.json['attempts'] if a['source'] == 'C'],
             [['Negotiate', 'NTLM', 'Basic'], None])


# ---- a host that weakens ----

@tap.case('a host that once offered NTLM and now only Basic gets nothing')
def _():
    peer = good(login(answer()))
    run = find({C: peer}, '--offered-before', f'{C}=Negotiate,NTLM')
    expect(run, BLOCKED, 'offered better before')
    no_secret(peer)


@tap.case('a host that once offered Basic and still does gets the password')
def _():
    expect(find({C: good(login(answer()))}, '--offered-before', f'{C}=Basic',
                '--offered-before', f'{MAIL}=NTLM'), FOUND)


@tap.case('a host that weakens, by explicit word')
def _():
    expect(find({C: good(login(answer()))}, '--auth', 'basic', '--offered-before', f'{C}=NTLM'),
           FOUND)


@tap.case('a host that offers NTLM at one port and only Basic at another gets nothing there')
def _():
    refused = threading.Event()

    def refusing(connection, request):
        goes_on = refuse('NTLM')(connection, request)
        if 'authorization' in request['fields']:
            refused.set()
        return goes_on
    strong, weak = good(refusing), Timed(*GOOD, begin=refused, script=login(answer()))
    run = find({C: strong, f'{C}:8443': weak}, dns={SRV: [(0, 0, 8443, C)]})
    expect(run, REJECTED, 'offered better before')
    no_secret(strong, weak)


@tap.case('a profile remembers what the host offered, however often that is tried')
def _():
    def profile(verb, peer, *options):
        with raised({C: peer}) as (routes, _):
            return usher('profile', verb, ADDRESS, '--profiles', HERE / 'profiles', '--ca-file',
                         authority.root, '--password-file', PASSWORD, *routes, *options)
    created = profile('create', good(ntlm(answer(), offers=EXCHANGE)))
    tap.same(created.returncode, FOUND, created.stdout + created.stderr)
    for verb in ('refresh', 'repair', 'refresh'):
        weak = good(login(answer()))
        done = profile(verb, weak)
        tap.same(done.returncode, BLOCKED, done.stdout + done.stderr)
        no_secret(weak)
    done = profile('refresh', good(login(answer())), '--auth', 'basic')
    tap.same(done.returncode, FOUND, done.stdout + done.stderr)


@tap.each([('no host', 'NTLM'), ('no name', '=NTLM'), ('a URL', 'https://x/=NTLM')])
def _(text):
    done = usher('find', ADDRESS, '--offered-before', text, '--dns', '127.0.0.1:1')
    tap.same(done.returncode, 64, done.stderr)


# ---- NTLM ----

@tap.case('NTLM: anonymous, negotiate, proof: three requests, the last two on one connection')
def _():
    peer = good(ntlm(answer()))
    expect(find({C: peer}), FOUND)
    tap.same(len(peer.requests), 3)
    tap.same([r['fields']['content-length'] for r in peer.requests][1], '0')


@tap.case('NTLM that refuses the proof for ever sees one proof')
def _():
    peer = good(ntlm(refuse('NTLM', BASIC), offers=('NTLM', BASIC)))
    run = find({C: peer}, '--auth', 'ntlm,basic')
    expect(run, REJECTED, 'refused the login')
    tap.same((len(peer.requests), schemes(run)), (3, ['ntlm']))


@tap.case('NTLM that answers the proof by another challenge sees one proof')
def _():
    peer = good(ntlm(refuse(f'NTLM {challenge()}')))
    expect(find({C: peer}), REJECTED, 'refused the login')
    tap.same(len(peer.requests), 3)


@tap.case('NTLM that never makes a challenge is given up at once')
def _():
    peer = good(refuse('NTLM'))
    expect(find({C: peer}), REJECTED, 'NTLM')
    tap.same(len(peer.requests), 2)
    no_secret(peer)


@tap.each([
    ('without target information', challenge(b'', 0x00028205)),
    ('that says it has target information and has none', challenge(b'')),
    ('that has target information and does not say so', challenge(flags=0x00028205)),
    ('that is cut', base64.b64encode(b'NTLMSSP\0\2\0\0\0' + bytes(20)).decode()),
    ('that is a negotiation', base64.b64encode(b'NTLMSSP\0\1\0\0\0' + bytes(40)).decode()),
    ('that is no base64', '!!!!'),
])
def _(token):
    peer = good(ntlm(answer(), token=token, offers=('NTLM', BASIC)))
    run = find({C: peer})
    expect(run, BLOCKED, 'NTLMv2')
    tap.same(len(peer.requests), 2)
    no_secret(peer)


@tap.case('NTLM: the connection that is logged in is used for nothing else')
def _():
    peer = good({'/autodiscover/autodiscover.xml':
                 ntlm(to_url(f'https://{C}/autodiscover/2/autodiscover.xml')),
                 '/autodiscover/2/autodiscover.xml': ntlm(answer())})
    expect(find({C: peer}), FOUND)
    tap.same(len(peer.logins), 2)
    anonymous = [i for i, r in enumerate(peer.requests) if 'authorization' not in r['fields']]
    tap.same(anonymous, [0, 3])
    tap.same(peer.connections >= 2, True)


# ---- Bearer ----

@tap.case('Bearer: the token goes where it is asked for')
def _():
    peer = good(bearer())
    run = find({C: peer}, '--token-file', TOKEN_FILE, password=None)
    expect(run, FOUND)
    tap.same((schemes(run), len(peer.logins)), (['bearer'], 1))
    tap.true(TOKEN not in json.dumps(run.json) + run.errors, 'the token is shown')


@tap.case('Bearer before all others')
def _():
    peer = good(bearer(offers=(*EXCHANGE, OAUTH)))
    run = find({C: peer}, '--token-file', TOKEN_FILE)
    expect(run, FOUND)
    tap.same(schemes(run), ['bearer'])


@tap.case('Bearer: a token that is refused is shown once')
def _():
    peer = good(bearer(token='another'))
    run = find({C: peer}, '--token-file', TOKEN_FILE, password=None)
    expect(run, REJECTED, 'refused the token')
    tap.same(len(peer.logins), 1)


@tap.case('Bearer: after a token was refused NTLM has its one try, and Basic none')
def _():
    peer = good(ntlm(refuse('NTLM'), offers=(OAUTH, 'NTLM', BASIC)))
    run = find({C: peer}, '--token-file', TOKEN_FILE, '--auth', 'bearer,ntlm,basic')
    expect(run, REJECTED)
    tap.same(schemes(run), ['bearer', 'ntlm'])


@tap.each([('Basic', BASIC), ('NTLM', 'NTLM'), ('Negotiate', 'Negotiate')])
def _(offer):
    peer = good(refuse(offer))
    expect(find({C: peer}, '--token-file', TOKEN_FILE, password=None), REJECTED)
    no_secret(peer)


@tap.each([
    ('a token with a line break inside a field', 'a b'), ('an empty token', ''),
    ('a token that is too long', 'x' * 16385), ('a token with a colon', 'a:b'),
])
def _(text):
    path = scratch.write(HERE / 'bad-token', text + '\n', 0o600)
    done = usher('find', ADDRESS, '--token-file', path, '--dns', '127.0.0.1:1')
    tap.same(done.returncode in (64, 65), True, f'{done.returncode} {done.stderr}')
    tap.true(not text or text not in done.stderr, 'the token is shown')


@tap.case('a token of 16 KiB arrives')
def _():
    path = scratch.write(HERE / 'long-token', 'x' * 16384 + '\n', 0o600)
    peer = good(bearer(token='x' * 16384))
    expect(find({C: peer}, '--token-file', path, password=None), FOUND)


# ---- no right to it ----

@tap.each([
    ('a challenge over plain http', lambda offers: {PLAIN: Peer(script=refuse(*offers))},
     NOT_FOUND),
    ('a redirect that nobody trusts', lambda offers: {
        C: good(redirect(f'https://{OTHER}/autodiscover/autodiscover.xml')),
        OTHER: good(refuse(*offers))}, BLOCKED),
    ('a redirect in a document that nobody trusts', lambda offers: {
        C: good(to_url(f'https://{OTHER}/autodiscover/autodiscover.xml')),
        OTHER: good(refuse(*offers))}, BLOCKED),
])
def _(hosts, outcome):
    for offers in ((BASIC,), ('NTLM',), (OAUTH,), ('Negotiate',)):
        peers = hosts(offers)
        run = find(peers, '--token-file', TOKEN_FILE, '--auth', 'bearer,negotiate,ntlm,basic')
        tap.same(run.status, outcome, run.reasons)
        no_secret(*peers.values())


@tap.case('after a login, a redirect to a host that nobody trusts takes no secret along')
def _():
    for behaviour in (login, ntlm, bearer):
        target = redirect(f'https://{OTHER}/autodiscover/autodiscover.xml')
        one, other = good(behaviour(target)), good(refuse(BASIC))
        expect(find({C: one, OTHER: other}, '--token-file', TOKEN_FILE), BLOCKED)
        tap.same(len(one.logins), 1)
        no_secret(other)


@tap.case('after a login, another host of the domain is asked without credentials first')
def _():
    for behaviour in (login, ntlm, bearer):
        one = good(behaviour(redirect(f'https://{MAIL}/autodiscover/autodiscover.xml')))
        mail = good(answer())
        expect(find({C: one, MAIL: mail}, '--token-file', TOKEN_FILE), FOUND)
        no_secret(mail)


@tap.case('a 407 from a proxy is no 401')
def _():
    for offer in (BASIC, 'NTLM', 'Negotiate'):
        proxy = Peer(script=status('407 Proxy Authentication Required',
                                   f'Proxy-Authenticate: {offer}', f'WWW-Authenticate: {offer}'))
        with Dns({}) as names, proxy:
            done = usher('find', ADDRESS, '--json', '--dns', names.server, '--ca-file',
                         authority.root, '--password-file', PASSWORD, '--token-file', TOKEN_FILE,
                         '--auth', 'bearer,negotiate,ntlm,basic',
                         https_proxy=f'http://127.0.0.1:{proxy.port}')
        tap.same(done.returncode in (NOT_FOUND, UNAVAILABLE), True, done.stdout)
        tap.true(proxy.requests, 'the proxy was not asked')
        no_secret(proxy)


@tap.case('through a proxy, the host gets the login and the proxy does not')
def _():
    for behaviour, expected in ((login(answer()), 'basic'), (ntlm(answer()), 'ntlm'),
                                (bearer(), 'bearer')):
        peer = good(behaviour)
        with peer, Proxy({f'{C}:443': peer.port}) as proxy:
            done = usher('find', ADDRESS, '--json', '--ca-file', authority.root, '--password-file',
                         PASSWORD, '--token-file', TOKEN_FILE, https_proxy=proxy.url)
        run = json.loads(done.stdout)
        tap.same((run['outcome'], [a['scheme'] for a in run['attempts'] if a['credentialed']]),
                 ('found', [expected]), done.stdout)


# ---- the command ----

@tap.case('the words of a person')
def _():
    peer = good(ntlm(answer()))
    with Dns({C: [peer.address]}) as names, peer:
        done = usher('find', ADDRESS, '--log', '--dns', names.server, '--ca-file', authority.root,
                     '--password-file', PASSWORD, '--connect-to', f'{C}:443::{peer.port}')
    tap.same(done.returncode, FOUND, done.stderr)
    tap.true(re.search(r'with the password, by NTLM', done.stdout), done.stdout)


@tap.case('a scheme that does not exist is a usage error')
def _():
    done = usher('find', ADDRESS, '--auth', 'ntlm,digest')
    tap.same(done.returncode, 64, done.stderr)
    tap.has(done.stderr, 'digest')


tap.main()
