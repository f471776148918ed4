#!/usr/bin/python3
"""The leak table: who gets to see the password where somebody is out to get it, by the rules of
http-discovery.md 10. Zero is the only good number.

First the eleven: in 2021 somebody registered eleven names `autodiscover.TLD` and was sent 372,072
logins by clients that strip labels from the mail domain until something answers. Then each rule.

Under every case stands its row of the table: what came to hosts that have no right to the login
(connections, requests, requests with credentials), and how many traces of the password are in all
that they, the DNS server and the terminal got to see, in any form."""
import base64
import contextlib
import http.client
import itertools
import json
import ssl
import urllib.parse

from support import names, scratch, spy, tap
from support.names import Dns
from support.peers import (PATH, Peer, Proxy, answer, login, redirect, silence, status, to_address,
                           to_url)
from support.programs import usher
from world import (ADDRESS, B, BLOCKED, C, EXPIRED, FOUND, GOOD, HERE, LONG, MAIL, NOT_FOUND,
                   NOT_YET, OTHER, OUTCOMES, PLAIN, REJECTED, SELF_SIGNED, SRV, STRANGE, WRONG,
                   authority, folder, raised)

SECRET = 'Horses & 4 points'
SECRET_FILE = scratch.write(HERE / 'secret', SECRET + '\n', 0o600)
ELEVEN = ('com.br', 'com.cn', 'com.co', 'es', 'fr', 'in', 'it', 'sg', 'uk', 'xyz', 'online')
TRUSTED, UNTRUSTED = f'https://{MAIL}{PATH}', f'https://{OTHER}{PATH}'


def asks(then=answer(), offers=('Basic realm="contoso"',), name=ADDRESS):
    """Wants the login, and takes the right one."""
    return login(then, offers, password=SECRET, name=name)


def host(script=asks(), certificate=GOOD, **more):
    """A maker of peers."""
    return lambda: Peer(*certificate, script=script, **more)


def plain(script):
    return lambda: Peer(script=script)


def search(hosts, *options, address=ADDRESS, dns=None, **environment):
    """The peers, the DNS server and what usher printed, after a search with the password."""
    made = {name: make() for name, make in hosts.items()}
    with raised(made, dns) as (routes, dns_server):
        done = usher('find', address, '--json', '--log', '--grace', LONG, '--ca-file',
                     authority.root, '--password-file', SECRET_FILE, *routes, *options,
                     **environment)
    return made, dns_server, done


def row(seen, dns_server, done):
    """A line of the table, and whether anything leaked. `seen`: the hosts without a right."""
    logins = sum(spy.credentials(r) for peer in seen for r in peer.requests)
    traces = spy.traces(SECRET, *(peer.heard for peer in seen), dns_server.heard,
                        done.stdout.encode(), done.stderr.encode())
    shown = sum(text.lower().count(word) for text in (done.stdout, done.stderr)
                for word in ('authorization: ', '"basic ', 'ntlmssp'))
    connections, requests = sum(p.connections for p in seen), sum(len(p.requests) for p in seen)
    line = (f'{connections:3} connections {requests:3} requests {logins:3} with credentials'
            f' {traces + shown:3} traces')
    return line, logins + traces + shown


def leak(rule, name, hosts, outcome, *options, right=None, **more):
    """One row. `right`: how many requests with credentials may come to which hosts; all others
    have no right to any."""
    @tap.case(f'{rule}: {name}')
    def _():
        made, dns_server, done = search(hosts, *options, **more)
        said = json.loads(done.stdout)
        how = ' | '.join(a['reason'] for a in said['attempts'])
        tap.same(said['outcome'], OUTCOMES[outcome], how)
        given = {h: sum(map(spy.credentials, p.requests)) for h, p in made.items()}
        tap.same({h: n for h, n in given.items() if n}, right or {}, how)
        line, leaked = row([p for h, p in made.items() if h not in (right or {})], dns_server, done)
        tap.same(leaked, 0, line)
        return line


# ---- the rig ----

class Told:
    """What a program printed."""

    def __init__(self, stdout=''):
        self.stdout, self.stderr = stdout, ''


@tap.case('the rig: a client that leaks is noticed in each way')
def _():
    with Dns() as names_, plain(status('404 No'))() as peer:
        to = http.client.HTTPConnection('127.0.0.1', peer.port)
        pair = base64.b64encode(f'{ADDRESS}:{SECRET}'.encode()).decode()
        to.request('GET', PATH, headers={'Authorization': f'Basic {pair}'})
        to.getresponse().read()
        line, leaked = row([peer], names_, Told())
        tap.same(leaked, 2, line)   # a request with credentials, and the trace of them
        to.request('GET', PATH + '?' + urllib.parse.quote(SECRET))
        to.getresponse().read()
        line, leaked = row([peer], names_, Told(f'{SECRET} Authorization: Basic'))
        tap.same(leaked, 5, line)
    return line


# ---- the eleven ----

# The catcher waits with a certificate that everybody trusts.
CATCHER = authority.issue(*(f'autodiscover.{tld}' for tld in ELEVEN), label='catcher')
VICTIMS = authority.issue(*(f'{host_}contoso.{tld}' for tld in ELEVEN
                            for host_ in ('', 'autodiscover.')), label='victims')


@tap.each([(f'the eleven: autodiscover.{tld}', f'contoso.{tld}') for tld in ELEVEN])
def _(domain):
    auto, srv = f'autodiscover.{domain}', f'_autodiscover._tcp.{domain}'
    mail = f'autoconfig.{domain}'
    # Each that may be asked fails in its own way; every other name is the catcher's.
    hosts = {domain: host(status('404 Not Found'), VICTIMS),
             auto: host(status('503 Busy'), VICTIMS), f'{auto}:80': plain(status('200 OK')),
             mail: host(status('404 Not Found'), VICTIMS), ':443': host(certificate=CATCHER), ':80': plain(asks())}
    made, dns_server, done = search(hosts, address=f'ann@{domain}',
                                    dns={srv: names.nodata, '*': ['127.0.0.1']})
    tap.same(set(dns_server.questions), {domain, auto, mail, srv})
    # The domain is asked for Mail Autoconfig, too; that other host's certificate is none.
    tap.same([len(made[name].requests) for name in hosts], [2, 1, 1, 0, 0, 0], done.stdout)
    traps = [made[':443'], made[':80']]
    tap.same([trap.connections for trap in traps], [0, 0])
    line, leaked = row(traps, dns_server, done)
    tap.same(leaked, 0, line)
    return line


# ---- rule 1: only the domain's own hosts ----

EVERYTHING = {':443': host(), ':80': plain(asks())}
for name, address in {'a domain four labels deep': 'ann@a.b.contoso.co.uk',
                      'a domain below a public suffix': 'ann@contoso.co.uk',
                      'a domain in capitals': 'ann@CONTOSO.CO.UK'}.items():
    leak('rule 1', f'{name}, and every parent answers',
         {**EVERYTHING, f'{address.split("@")[1].lower()}:443': host(certificate=WRONG)}, BLOCKED,
         '--timeout', '5s', address=address, dns={'*': ['127.0.0.1']})
for name, address in {'a public suffix': 'ann@co.uk', 'a name without a dot': 'ann@contoso',
                      'the name of this machine': 'ann@localhost'}.items():
    leak('rule 1', f'the domain is {name}', EVERYTHING, BLOCKED, address=address,
         dns={'*': ['127.0.0.1']})

# ---- rule 2: nothing over http, and nothing unasked ----

for name, script in {'asks for the login': asks(), 'asks for NTLM': asks(offers=['NTLM']),
                     'sends us to plain http': redirect(f'http://{MAIL}{PATH}'),
                     'sends us to itself': redirect(f'http://{C}/a{PATH}'),
                     'sends us to a login in the URL':
                         redirect(f'https://ann:x@{MAIL}{PATH}')}.items():
    leak('rule 2', f'plain http {name}', {PLAIN: plain(script), f'{MAIL}:80': plain(asks()),
                                          MAIL: host()},
         BLOCKED if 'in the URL' in name else NOT_FOUND)
for kind, behave in {'302': redirect, 'redirectUrl': to_url}.items():
    leak('rule 2', f'{kind} from https to plain http',
         {C: host(behave(f'http://{MAIL}{PATH}')), f'{MAIL}:80': plain(asks())}, BLOCKED)
leak('rule 2', 'a host that needs no login', {C: host(answer())}, FOUND)

# ---- rule 3: a certificate first ----

BAD = {'expired': EXPIRED, 'not valid yet': NOT_YET, 'for another name': WRONG,
       'of an unknown authority': STRANGE, 'self-signed': SELF_SIGNED}
WAYS = {'at the root': ({B: None}, {}, NOT_FOUND),
        'at the autodiscover host': ({C: None}, {}, BLOCKED),
        'where plain http leads': ({MAIL: None, PLAIN: plain(redirect(TRUSTED))}, {}, BLOCKED),
        'where SRV leads': ({MAIL: None}, {SRV: [(0, 0, 443, MAIL)]}, BLOCKED),
        'where 302 leads': ({MAIL: None, C: host(redirect(TRUSTED))}, {}, BLOCKED),
        'where redirectUrl leads': ({MAIL: None, C: host(to_url(TRUSTED))}, {}, BLOCKED)}
for (name, certificate), (where, (hosts, dns, outcome)) in itertools.product(BAD.items(),
                                                                          WAYS.items()):
    leak('rule 3', f'a certificate {name}, {where}',
         {h: make or host(certificate=certificate) for h, make in hosts.items()}, outcome, dns=dns)


class Turncoat(Peer):
    """Closes after its 401; the next handshake shows a certificate of another name."""

    def _exchange(self, connection):
        super()._exchange(connection)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*WRONG)
        return False


leak('rule 3', 'a certificate that goes bad after the 401',
     {C: lambda: Turncoat(*GOOD, script=asks())}, BLOCKED)

# ---- rule 4: never a weaker way ----

def switcheroo(first, then):
    """Offers `first` until an Authorization comes, `then` from there on."""
    def behave(connection, request):
        offers = then if 'authorization' in request['fields'] else first
        return asks(offers=offers)(connection, request)
    return behave


BASIC = ['Basic realm="contoso"']
for name, script, outcome in (
        ('Basic after NTLM was tried', switcheroo(['NTLM'], BASIC), None),
        ('Basic after Negotiate and NTLM were tried', switcheroo(['Negotiate', 'NTLM'], BASIC),
         None),
        ('Basic beside NTLM', asks(offers=['NTLM', *BASIC]), None),
        ('Basic beside Negotiate', asks(offers=['Negotiate', *BASIC]), None),
        ('Basic without a realm', asks(offers=['Basic']), None),
        ('Digest', asks(offers=['Digest realm="x", nonce="1"']), REJECTED)):
    @tap.case(f'rule 4: {name}')
    def _(script=script, outcome=outcome):
        made, dns_server, done = search({C: host(script)})
        tap.true(done.returncode in ((REJECTED, BLOCKED) if outcome is None else (outcome,)),
                 done.stdout)
        line, leaked = row(made.values(), dns_server, done)
        tap.same(leaked, 0, line)
        return line
leak('rule 4', 'Basic at a host that once offered NTLM', {C: host()}, BLOCKED, '--offered-before',
     f'{C}=ntlm')
OTHER_PATH = '/autodiscover/b/autodiscover.xml'
leak('rule 4', 'Basic at another URL of a host that offers NTLM',
     {C: host({PATH: asks(offers=['NTLM']), OTHER_PATH: asks()}),
      PLAIN: plain(redirect(f'https://{C}{OTHER_PATH}'))}, REJECTED)

# ---- rule 5: not to another host ----

ELSEWHERE = {'302': redirect(UNTRUSTED), 'redirectUrl': to_url(UNTRUSTED),
             'redirectAddr': to_address('ann@fabrikam.example'),
             '302 to a look-alike': redirect(f'https://{C}.evil.example{PATH}'),
             '302 to a login in the URL': redirect(f'https://{C}@{OTHER}{PATH}'),
             '302 to an address': redirect(f'https://127.0.0.1{PATH}')}
for name, script in ELSEWHERE.items():
    everywhere = {h: host() for h in (OTHER, 'fabrikam.example', f'{C}.evil.example', '127.0.0.1')}
    leak('rule 5', f'{name} elsewhere', {C: host(script), **everywhere}, BLOCKED)
    leak('rule 5', f'{name} elsewhere, after the login', {C: host(asks(script)), **everywhere},
         BLOCKED, right={C: 1})
leak('rule 5', 'plain http leads elsewhere', {PLAIN: plain(redirect(UNTRUSTED)), OTHER: host()},
     BLOCKED)
leak('rule 5', 'SRV leads elsewhere', {OTHER: host()}, BLOCKED, dns={SRV: [(0, 0, 443, OTHER)]})
leak('rule 5', 'after a login, to a host of the domain that needs none',
     {C: host(asks(redirect(TRUSTED))), MAIL: host(answer())}, FOUND, right={C: 1})
leak('rule 5', 'after a login, to a host that is trusted and needs none',
     {C: host(asks(redirect(UNTRUSTED))), OTHER: host(answer())}, FOUND, '--trust-host', OTHER,
     right={C: 1})
leak('rule 5', 'two hosts ask: the better one alone is answered', {B: host(), C: host()}, FOUND,
     right={C: 1})
leak('rule 5', 'a host asks, another gives settings', {B: host(), C: host(answer())}, FOUND)

AUTOCONFIG = f'autoconfig.{B}'
AT_AUTOCONFIG = authority.issue(AUTOCONFIG, label='autoconfig')
leak('rule 5', 'Mail Autoconfig wants the login', {AUTOCONFIG: host(certificate=AT_AUTOCONFIG)},
     NOT_FOUND)
leak('rule 5', 'Autodiscover V2 wants the login', {C: host()}, NOT_FOUND, '--language', 'json')
leak('rule 5', 'the last known good URL leads elsewhere',
     {MAIL: host(redirect(UNTRUSTED)), OTHER: host()}, BLOCKED, '--last-known-good', TRUSTED)
leak('rule 3', 'the last known good URL has another certificate now',
     {MAIL: host(certificate=STRANGE)}, BLOCKED, '--last-known-good', TRUSTED)

# ---- rule 6: not in what is told ----

leak('rule 6', 'every detail of a login that is right', {C: host()}, FOUND, '--trace',
     right={C: 1})
leak('rule 6', 'every detail of a login that is refused',
     {C: host(asks(name='nobody')), B: host(asks(name='nobody'))}, REJECTED, '--trace',
     right={B: 1, C: 1})


@tap.case('rule 6: a host that repeats the Authorization field')
def _():
    def repeat(connection, request):
        said = request['fields'].get('authorization', 'none')
        return answer(b'', '401 Unauthorized',
                      [*(f'WWW-Authenticate: {o}' for o in BASIC), f'Location: /{said}'])(
                          connection, request)
    _, dns_server, done = search({C: host(repeat)})
    line, leaked = row([], dns_server, done)
    tap.same(leaked, 0, line)
    return line


@tap.case('rules 2 and 5: a proxy connects, and sees nothing')
def _():
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(host()())
        proxy = stack.enter_context(Proxy({f'{C}:443': peer.port}))
        proxy.connections = 0
        _, dns_server, done = search({}, https_proxy=proxy.url, http_proxy=proxy.url)
        tap.same(done.returncode, FOUND, done.stdout)
        line, leaked = row([proxy], dns_server, done)
    tap.same((leaked, len(peer.logins)), (0, 1), line)
    return line


@tap.case('rule 5: a .netrc is not looked into')
def _():
    home = folder.enter_context(scratch.Folder())
    scratch.write(home / '.netrc', f'default login {ADDRESS} password "{SECRET}"\n', 0o600)
    made = {C: host()()}
    with raised(made) as (routes, dns_server):
        done = usher('find', ADDRESS, '--json', '--ca-file', authority.root, *routes, HOME=home)
    tap.same(done.returncode, REJECTED, done.stdout)
    line, leaked = row(made.values(), dns_server, done)
    tap.same(leaked, 0, line)
    return line


if __name__ == '__main__':
    tap.main(jobs=4)
