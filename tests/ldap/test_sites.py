#!/usr/bin/python3
"""Site affinity as in the how-to: two sites, three servers, mailboxes at both; what the connection
points in a real slapd lead to, and what usherd answers."""
import contextlib
import re
import time

import openldap
from openldap import ADMIN, PASSWORD
from support import certificates, scratch, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.programs import usher, usher_json, usher_ok

SOAP = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.'
        'microsoft.com/exchange/2010/Autodiscover"><s:Body><a:GetUserSettingsRequestMessage>'
        '<a:Request><a:Users><a:User><a:Mailbox>{0}</a:Mailbox></a:User></a:Users>'
        '<a:RequestedSettings><a:Setting>InternalEwsUrl</a:Setting><a:Setting>ExternalEwsUrl'
        '</a:Setting><a:Setting>InternalOABUrl</a:Setting></a:RequestedSettings></a:Request>'
        '</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>')
DOMAIN, LOGIN = 'harbour.example', 'Anchor & chain'

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
slapd = stack.enter_context(openldap.Slapd(folder, authority))
FOREST = ('--ldap', slapd.local, '--login', ADMIN, '--password-file',
          scratch.write(folder / 'password', PASSWORD + '\n', 0o600))
directory = f'sqlite:{folder}/usher.db'


def run(*arguments):
    """`usher` on the directory."""
    return usher_ok(*arguments, directory=directory)


def host(server):
    """Its full name."""
    return f'{server.lower()}.{DOMAIN}'


# QUAY1 faces the Internet; the Pier, with two servers, does not.
run('setup', '--domain', DOMAIN, '--host', host('QUAY1'), '--organization', 'Harbour', '--site',
    'Quay')
time.sleep(1)   # ages are whole seconds, and QUAY1 is the oldest
run('organization', 'set', '--oab-id', '7c1d2b60-53f7-4d5e-8a52-0b7c6d1f9e21')
run('domain', 'set', DOMAIN, '--server', 'QUAY1')
run('site', 'add', 'Pier', '--subnets', '127.0.0.0/8,2001:db8::/32')
run('site', 'set', 'Quay', '--subnets', '127.2.0.0/16')
for name in ('PIER1', 'PIER2'):
    run('server', 'add', name, '--fqdn', host(name), '--site', 'Pier', '--version', '15.1.2507')
    run('url', 'set', 'ews', '--server', name, '--internal', f'https://{host(name)}/EWS/x.asmx')
run('url', 'set', 'oab', '--server', 'PIER2', '--internal', f'https://{host("PIER2")}/OAB')
# The how-to: whose clients shall ask whom, server by server, and then for all the forest to see.
SCOPES = {'QUAY1': ('Quay',), 'PIER1': ('Pier',), 'PIER2': ('Pier', 'Mole')}
for name, scope in SCOPES.items():
    usher_ok('server', 'set', name, '--internal-uri',
             f'https://{host(name)}/Autodiscover/Autodiscover.xml', '--site-scope',
             ','.join(scope), directory=directory)
    run('scp', 'publish', name, *FOREST)
for name, server in (('quinn', 'QUAY1'), ('paula', 'PIER1'), ('pete', 'PIER2'), ('nemo', None)):
    run('mailbox', 'add', f'{name}@{DOMAIN}', *(['--server', server] if server else []))
    usher_ok('mailbox', 'password', f'{name}@{DOMAIN}', '--password-file',
             scratch.write(folder / 'login', LOGIN + '\n'), directory=directory)

chain, key = authority.issue('127.0.0.1')
daemon = stack.enter_context(Usherd(folder, chain, key, top='trusted proxies = 127.9.9.9/32\n'))


def ask(address, body, path, source, fields):
    """An answer as text."""
    answer = request(daemon.https, '127.0.0.1', path=path, body=body, root=False,
                     source=source, fields={'Authorization': basic(address, LOGIN),
                                            'Content-Type': 'text/xml', **(fields or {})})
    tap.same(answer.status, 200)
    return answer.body.decode()


def pox(name, source=None, fields=None):
    """{block: {element: value}} of a mailbox."""
    text = ask(f'{name}@{DOMAIN}', POX_REQUEST.format(f'{name}@{DOMAIN}'),
               '/autodiscover/autodiscover.xml', source, fields)
    # WEB has blocks of the same types within: the first of each stays.
    return {re.search('<Type>(.*?)</Type>', block)[1]: dict(re.findall(r'<(\w+)>([^<]+)</', block))
            for block in reversed(text.split('<Protocol>')[1:])}


def soap(name):
    """{setting: value} of a mailbox."""
    text = ask(f'{name}@{DOMAIN}', SOAP.format(f'{name}@{DOMAIN}'),
               '/autodiscover/autodiscover.svc', None, None)
    return dict(re.findall('<Name>(.*?)</Name>\\s*<Value>(.*?)</Value>', text))


OAB = 'OAB/7c1d2b60-53f7-4d5e-8a52-0b7c6d1f9e21/'
OUTSIDE = 'https://quay1.harbour.example/EWS/Exchange.asmx'


@tap.each([
    ('at the Quay', 'quinn', OUTSIDE, f'https://quay1.harbour.example/{OAB}'),
    ('at the Pier, helped by its neighbour', 'paula', 'https://pier1.harbour.example/EWS/x.asmx',
     f'https://pier2.harbour.example/{OAB}'),
    ('on the other server of the Pier', 'pete', 'https://pier2.harbour.example/EWS/x.asmx',
     f'https://pier2.harbour.example/{OAB}'),
    ('that names no server: that of the domain', 'nemo', OUTSIDE,
     f'https://quay1.harbour.example/{OAB}'),
])
def _(name, ews, oab):
    blocks = pox(name)
    tap.same((blocks['EXCH']['EwsUrl'], blocks['EXCH']['OABUrl'], blocks['EXPR']['EwsUrl']),
             (ews, oab, OUTSIDE))
    tap.same(soap(name), {'InternalEwsUrl': ews, 'ExternalEwsUrl': OUTSIDE, 'InternalOABUrl': oab})


@tap.each([(f'a computer at {row[0]}', *row) for row in [
    ('Quay', ['QUAY1', 'PIER1', 'PIER2'], ['in-site', 'out-of-site', 'out-of-site']),
    ('Pier', ['PIER1', 'PIER2', 'QUAY1'], ['in-site', 'in-site', 'out-of-site']),
    ('Mole', ['PIER2', 'QUAY1', 'PIER1'], ['in-site', 'out-of-site', 'out-of-site']),
]])
def _(site, order, near):
    rows = usher_json('scp', 'list', '--site', site, *FOREST)['connection_points']
    tap.same(([r['server'] for r in rows], [r['near'] for r in rows]), (order, near))
    tap.same({r['server']: sorted(r['sites']) for r in rows},
             {k: sorted(v) for k, v in SCOPES.items()})


@tap.case('a scope that is taken back is taken back in the forest, with a URL of its own too')
def _():
    run('server', 'set', 'PIER2', '--site-scope', 'Pier')
    url = f'https://{host("PIER2")}/Autodiscover/Autodiscover.xml'
    tap.has(run('scp', 'publish', 'PIER2', '--url', url, *FOREST), 'changed')
    tap.same(run('scp', 'publish', 'PIER2', *FOREST), 'Nothing to change.\n')
    run('server', 'set', 'PIER2', '--site-scope', '')
    run('scp', 'publish', 'PIER2', *FOREST)
    rows = usher_json('scp', 'list', '--site', 'Mole', *FOREST)['connection_points']
    tap.same((rows[0]['server'], rows[0]['sites'], rows[0]['near']), ('PIER2', [], 'any-site'))
    done = usher('scp', 'publish', 'OTHER', '--url', 'https://other.example/a', *FOREST,
                 directory=directory)
    tap.same((done.returncode, done.stderr), (0, ''))


@tap.case('where the client is decides only when neither mailbox nor domain names a server')
def _():
    tap.same(pox('quinn', '127.0.0.7')['EXCH']['EwsUrl'], OUTSIDE)
    tap.same(pox('nemo', '127.0.0.7')['EXCH']['EwsUrl'], OUTSIDE)
    run('domain', 'set', DOMAIN, '--server', '')
    tap.same(pox('quinn', '127.0.0.7')['EXCH']['EwsUrl'], OUTSIDE)
    tap.same(pox('paula', '127.2.0.7')['EXCH']['EwsUrl'], 'https://pier1.harbour.example/EWS/x.asmx')


@tap.each([
    ('a client at the Pier', '127.0.0.7', None, 'https://pier1.harbour.example/EWS/x.asmx'),
    ('a client at the Quay, by the longer prefix', '127.2.0.7', None, OUTSIDE),
    ('a client behind a proxy that is trusted', '127.9.9.9', '2001:db8::7',
     'https://pier1.harbour.example/EWS/x.asmx'),
    ('one behind it in no subnet', '127.9.9.9', '192.0.2.1', OUTSIDE),
    ('a client that only says so', '127.2.0.7', '2001:db8::7', OUTSIDE),
])
def _(source, forwarded, ews):
    fields = {'X-Forwarded-For': forwarded, 'X-Forwarded-Proto': 'https'} if forwarded else None
    blocks = pox('nemo', source, fields)
    tap.same((blocks['EXCH']['EwsUrl'], blocks['EXPR']['EwsUrl']), (ews, OUTSIDE))


@tap.case('the server of a mailbox is gone: it stays in the directory until nobody names it')
def _():
    done = usher('server', 'remove', 'PIER1', directory=directory)
    tap.same(done.returncode, 65)
    tap.has(done.stderr, 'still names it')
    run('mailbox', 'set', f'paula@{DOMAIN}', '--server', '')
    run('server', 'remove', 'PIER1')
    tap.same(pox('paula', '127.0.0.7')['EXCH']['EwsUrl'], 'https://pier2.harbour.example/EWS/x.asmx')
    tap.same(pox('paula', '127.2.0.7')['EXCH']['EwsUrl'], OUTSIDE)


with stack:
    tap.main()
