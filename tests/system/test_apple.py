#!/usr/bin/python3
"""usherd's Apple profiles, PACC, and the well-known paths of CalDAV and CardDAV."""
import base64
import hashlib
import json
import plistlib
import subprocess
import time
import uuid

from site_contoso import raw
from support import certificates, programs, tap
from support.daemon import Usherd
from support.post import exchange, request
from support.scratch import Folder, free_port, write

PATH = '/profile.mobileconfig'
PACC = '/.well-known/user-agent-configuration.json'
TYPE = 'application/x-apple-aspen-config'

folder_block = Folder()
folder = folder_block.__enter__()


def service(domain, kind, host=None, port=None, socket='tls', **members):
    """A service of a domain; `host` may be a URL."""
    where = {'url': host} if '/' in host else {'host': host, 'port': port, 'socket': socket}
    return {'domain': domain, 'type': kind, 'rank': 1, **where, **members}


def mail_domain(name, **members):
    """A domain of kind mail."""
    return {'domain': name, 'kind': 'mail', **members}


TOKEN = {'authentication': 'oauth2', 'oauth2_issuer': 'login.example'}
DIRECTORY = {
    'usher': 1,
    'organization': {'name': 'Contoso'},
    'servers': [{'name': 'EX1', 'fqdn': 'ex1.contoso.example'}],
    'urls': [{'server': 'EX1', 'service': s, 'external': f'https://{h}.contoso.example{p}'} for s, h, p in (
        ('activesync', 'phone', '/Microsoft-Server-ActiveSync'), ('ews', 'mail', '/EWS/Exchange.asmx'))],
    'domains': [
        {'domain': 'contoso.example', 'kind': 'exchange'},
        mail_domain('fabrikam.example', display_name='Fabrikam & <Sons>', short_name='Fabrikam',
                    host_names=['setup.fabrikam.example', 'shared.example']),
        {'domain': 'alias.example', 'kind': 'alias', 'alias_of': 'fabrikam.example'},
        {'domain': 'moved.example', 'kind': 'redirect-address', 'redirect_domain': 'contoso.example'},
        mail_domain('bare.example'), mail_domain('starttls.example'), mail_domain('plain.example'),
        mail_domain('token.example', contact='post+help@token.example'),
        mail_domain('local.example', host_names=['shared.example']),
        mail_domain('calendar.example')],
    'services': [
        service('fabrikam.example', 'imap', 'imap.fabrikam.example', 993),
        service('fabrikam.example', 'smtp', 'smtp.fabrikam.example', 465),
        service('fabrikam.example', 'caldav', 'https://dav.fabrikam.example/cal/'),
        service('fabrikam.example', 'carddav', 'https://dav.fabrikam.example:8443/card/'),
        service('starttls.example', 'pop3', 'pop.example', 110, 'starttls'),
        service('starttls.example', 'smtp', 'a.example', 25, 'plain'),
        service('starttls.example', 'smtp', 'b.example', 587, 'starttls', rank=2),
        service('plain.example', 'imap', 'imap.example', 143, 'plain'),
        service('plain.example', 'smtp', 'smtp.example', 465),
        service('token.example', 'imap', 'imap.example', 993, **TOKEN),
        service('token.example', 'smtp', 'smtp.example', 465, **TOKEN),
        service('local.example', 'imap', 'imap.example', 993, user_name='%u'),
        service('local.example', 'smtp', 'smtp.example', 465, authentication='none'),
        service('calendar.example', 'caldav', 'https://calendar.example/.well-known/caldav')],
    'mailboxes': [{'address': 'ann@fabrikam.example', 'display_name': 'Ann Secret', 'login_name': 'other'},
                  {'address': 'nora@contoso.example'}],
}
programs.usher_ok('apply', write(folder / 'directory.json', json.dumps(DIRECTORY)),
                  directory=f'sqlite:{folder}/usher.db')

HOST = 'setup.fabrikam.example'
authority = certificates.Authority(folder)
leaf, tls_key = authority.issue(HOST)
chain = write(folder / 'chain.pem', leaf.read_text() + authority.root.read_text())
signer, signer_key = authority.issue('Example Signing', usage='emailProtection', label='signer')
daemon = Usherd(folder, chain, tls_key)
daemon.__enter__()


def get(target, method='GET', host=HOST, listener='https', body=b''):
    """A request without credentials."""
    return request(getattr(daemon, listener), host, path=target, method=method, body=body,
                   root=False if listener == 'https' else None)


def opened(answer):
    """The content of a signed answer whose signature the authority vouches for."""
    tap.same((answer.status, answer.fields['content-type']), (200, TYPE))
    done = subprocess.run(['openssl', 'cms', '-verify', '-inform', 'DER', '-CAfile', authority.root,
                           '-purpose', 'any', '-signer', folder / 'found.pem'],
                          input=answer.body, capture_output=True, check=False)
    tap.same(done.returncode, 0, done.stderr)
    return done.stdout


def signed_by(certificate):
    """Who signs now is the owner of this one."""
    opened(get(f'{PATH}?email=ann@fabrikam.example'))
    return (folder / 'found.pem').read_text() in certificate.read_text()


def profile(address, query=''):
    """The parsed profile of an address."""
    return plistlib.loads(opened(get(f'{PATH}?email={address}{query}')))


def payloads(address, query=''):
    """{type without prefix: payload}"""
    return {p['PayloadType'].removeprefix('com.apple.'): p
            for p in profile(address, query)['PayloadContent']}


# ---- profiles ----

@tap.case('a mail domain: mail, calendar and contacts, with all that Apple needs')
def _():
    got = profile('ann@fabrikam.example', '&name=Ann+B.')
    tap.same({k: v for k, v in got.items() if k != 'PayloadContent'}, {
        'PayloadType': 'Configuration', 'PayloadVersion': 1,
        'PayloadIdentifier': 'example.fabrikam.mailsetup.ann-at-fabrikam.example',
        'PayloadUUID': str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, 'fabrikam.example'),
                                      'profile:ann@fabrikam.example')).upper(),
        'PayloadDisplayName': 'Fabrikam & <Sons> for ann@fabrikam.example',
        'PayloadDescription': 'Sets up the account of ann@fabrikam.example at Fabrikam & <Sons>',
        'PayloadOrganization': 'Fabrikam & <Sons>', 'PayloadRemovalDisallowed': False})
    mail, calendar, contacts = got['PayloadContent']
    tap.same({k: v for k, v in mail.items() if not k.startswith(('Payload', 'SMIME'))}, {
        'EmailAccountType': 'EmailTypeIMAP', 'EmailAccountName': 'Ann B.',
        'EmailAccountDescription': 'Fabrikam', 'EmailAddress': 'ann@fabrikam.example',
        'IncomingMailServerHostName': 'imap.fabrikam.example', 'IncomingMailServerPortNumber': 993,
        'IncomingMailServerUseSSL': True, 'IncomingMailServerUsername': 'ann@fabrikam.example',
        'IncomingMailServerAuthentication': 'EmailAuthPassword',
        'OutgoingMailServerHostName': 'smtp.fabrikam.example', 'OutgoingMailServerPortNumber': 465,
        'OutgoingMailServerUseSSL': True, 'OutgoingMailServerUsername': 'ann@fabrikam.example',
        'OutgoingMailServerAuthentication': 'EmailAuthPassword',
        'OutgoingPasswordSameAsIncomingPassword': True})
    tap.same({k: v for k, v in calendar.items() if not k.startswith('Payload')}, {
        'CalDAVAccountDescription': 'Fabrikam', 'CalDAVHostName': 'dav.fabrikam.example',
        'CalDAVPort': 443, 'CalDAVUseSSL': True, 'CalDAVUsername': 'ann@fabrikam.example',
        'CalDAVPrincipalURL': '/cal/'})
    tap.same((contacts['PayloadType'], contacts['CardDAVPort'], contacts['CardDAVPrincipalURL']),
             ('com.apple.carddav.account', 8443, '/card/'))


@tap.case('its head: a file that nobody keeps')
def _():
    answer = get(f'{PATH}?email=ann@fabrikam.example')
    tap.same(answer.fields['content-disposition'], 'attachment; filename="fabrikam.example.mobileconfig"')
    tap.same(answer.fields['cache-control'], 'no-store')
    head = get(f'{PATH}?email=ann@fabrikam.example', 'HEAD')
    tap.same((head.status, head.fields['content-type'], head.body), (200, TYPE, b''))


@tap.case('the signature has the chain, SHA-256 and the content as it is')
def _():
    cms = folder / 'printed.der'
    cms.write_bytes(get(f'{PATH}?email=ann@fabrikam.example').body)
    shown = subprocess.run(['openssl', 'cms', '-cmsout', '-print', '-inform', 'DER', '-in', cms],
                           capture_output=True, text=True, check=True).stdout
    tap.same(shown.count('d.certificate:'), 2)
    tap.has(shown, 'sha256')
    tap.has(shown, 'signingTime')
    tap.has(shown, 'eContent:')


def typed(value):
    """Every value below, with its type."""
    if isinstance(value, dict):
        return [pair for v in value.values() for pair in typed(v)]
    return [pair for v in value for pair in typed(v)] if isinstance(value, list) else [value]


@tap.case('peers write integers as reals: here are none')
def _():
    values = typed(profile('ann@fabrikam.example'))
    tap.same([v for v in values if not isinstance(v, (str, bool, int))], [])
    content = opened(get(f'{PATH}?email=ann@fabrikam.example'))
    tap.has(content, b'<integer>993</integer>')
    tap.true(b'<real>' not in content, 'a real number')


def uuids(address):
    """All of them."""
    got = profile(address)
    return [got['PayloadUUID'], *(p['PayloadUUID'] for p in got['PayloadContent'])]


@tap.case('peers make new UUIDs at each download, or one for all the world: here they stay and differ')
def _():
    first, again = (opened(get(f'{PATH}?email=ann@fabrikam.example')) for _ in range(2))
    tap.same(first, again)
    ann, capitals, ben = (uuids(a) for a in
                          ('ann@fabrikam.example', 'ANN@Fabrikam.Example', 'ben@fabrikam.example'))
    tap.same(ann, capitals)
    tap.same(len(set(ann + ben)), len(ann) + len(ben))


@tap.case('known and unknown mailboxes get equal bytes')
def _():
    known, unknown = (opened(get(f'{PATH}?email={a}@fabrikam.example')) for a in ('ann', 'xyz'))
    unknown = unknown.replace(b'xyz', b'ann')
    for mine, its in zip(uuids('xyz@fabrikam.example'), uuids('ann@fabrikam.example')):
        unknown = unknown.replace(mine.encode(), its.encode())
    tap.same(known, unknown)
    tap.true(b'Secret' not in known, 'the name of the mailbox')


@tap.case('an alias: the login name of the domain that it stands for')
def _():
    mail = payloads('ann@alias.example')['mail.managed']
    tap.same((mail['EmailAddress'], mail['IncomingMailServerUsername']),
             ('ann@alias.example', 'ann@fabrikam.example'))


@tap.case('STARTTLS where there is nothing better, POP3 by its name, never plain')
def _():
    mail = payloads('x@starttls.example')['mail.managed']
    tap.same([mail[k] for k in ('EmailAccountType', 'IncomingMailServerPortNumber', 'IncomingMailServerUseSSL',
                                'OutgoingMailServerHostName', 'OutgoingMailServerPortNumber')],
             ['EmailTypePOP', 110, True, 'b.example', 587])


@tap.case('a template of the login name, and a server without a login')
def _():
    mail = payloads('x@local.example')['mail.managed']
    tap.same((mail['IncomingMailServerUsername'], mail['OutgoingMailServerAuthentication'],
              mail.get('OutgoingMailServerUsername'), mail['OutgoingPasswordSameAsIncomingPassword']),
             ('x', 'EmailAuthNone', None, False))


@tap.case('an exchange domain: one account for phones, for mailboxes and none alike')
def _():
    for address in ('nora@contoso.example', 'nobody@contoso.example'):
        got = payloads(address)
        tap.same(list(got), ['eas.account'])
        tap.same({k: v for k, v in got['eas.account'].items() if not k.startswith('Payload')}, {
            'EmailAddress': address, 'UserName': address, 'Host': 'phone.contoso.example', 'SSL': True})


@tap.case('an exchange domain: a Mac gets the account that Macs have')
def _():
    for address in ('nora@contoso.example', 'nobody@contoso.example'):
        got = payloads(address, '&device=mac')
        tap.same(list(got), ['ews.account'])
        tap.same({k: v for k, v in got['ews.account'].items() if not k.startswith('Payload')}, {
            'EmailAddress': address, 'UserName': address, 'Host': 'mail.contoso.example', 'Port': 443,
            'Path': '/EWS/Exchange.asmx', 'SSL': True})
    tap.same(list(payloads('nora@contoso.example', '&device=phone')), ['eas.account'])


@tap.case('the login name leaves out the detail of an address that has one')
def _():
    mail = payloads('ann+news@fabrikam.example')['mail.managed']
    tap.same([mail[k] for k in ('EmailAddress', 'IncomingMailServerUsername', 'OutgoingMailServerUsername')],
             ['ann+news@fabrikam.example', 'ann@fabrikam.example', 'ann@fabrikam.example'])
    tap.same(payloads('x+news@local.example')['mail.managed']['IncomingMailServerUsername'], 'x')
    tap.same(payloads('ann+news@fabrikam.example')['caldav.account']['CalDAVUsername'],
             'ann@fabrikam.example')


@tap.each([
    ('ampersand', 'a%26b@fabrikam.example', 'a&b@fabrikam.example'),
    ('plus, as it is', 'a+b@fabrikam.example', 'a+b@fabrikam.example'),
    ('plus, escaped', 'a%2bb@fabrikam.example', 'a+b@fabrikam.example'),
    ('UTF-8', 'gr%C3%BC%C3%9F@fabrikam.example', 'gr\u00fc\u00df@fabrikam.example'),
    ('as Mail Autoconfig calls it', '&emailaddress=a@fabrikam.example', 'a@fabrikam.example'),
    ('64 bytes', 'a' * 64 + '@fabrikam.example', 'a' * 64 + '@fabrikam.example'),
])
def _(query, address):
    target = f'{PATH}?email={query}'.replace('email=&', '')
    got = plistlib.loads(opened(get(target)))
    tap.same(got['PayloadContent'][0]['EmailAddress'], address)


UNKNOWN = raw(get(f'{PATH}?email=a@unknown.example'))


@tap.each([
    ('a domain without services', f'{PATH}?email=a@bare.example'),
    ('a domain that has moved', f'{PATH}?email=a@moved.example'),
    ('another unknown domain', f'{PATH}?email=root@example.org'),
])
def _(target):
    tap.same(UNKNOWN[0], 404)
    tap.same(raw(get(target)), UNKNOWN)


@tap.each([
    ('no address', PATH, 400),
    ('an empty one', PATH + '?email=', 400),
    ('two', PATH + '?email=a@fabrikam.example&emailaddress=a@fabrikam.example', 400),
    ('markup', PATH + '?email=%3Cx%3E@fabrikam.example', 400),
    ('quoted', PATH + '?email=%22a%20b%22@fabrikam.example', 400),
    ('a line break', PATH + '?email=a%0d%0ab@fabrikam.example', 400),
    ('NUL', PATH + '?email=a%00@fabrikam.example', 400),
    ('65 bytes', PATH + '?email=' + 'a' * 65 + '@fabrikam.example', 400),
    ('320 bytes', PATH + '?email=' + 'a' * 64 + '@' + 'b' * 255, 400),
    ('two names', PATH + '?email=a@fabrikam.example&name=a&name=b', 400),
    ('an unknown device', PATH + '?email=a@fabrikam.example&device=clock', 400),
    ('a name with a line break', PATH + '?email=a@fabrikam.example&name=a%0ab', 400),
    ('tokens alone', PATH + '?email=a@token.example', 422),
    ('nothing with TLS', PATH + '?email=a@plain.example', 422),
    ('letter case of the path', '/Profile.MobileConfig?email=a@fabrikam.example', 200),
])
def _(target, status):
    tap.same(get(target).status, status)


@tap.case('a method that is not for reading')
def _():
    answer = get(f'{PATH}?email=ann@fabrikam.example', 'POST', body=b'x')
    tap.same((answer.status, answer.fields['allow']), (405, 'GET, HEAD'))


@tap.case('plain HTTP leads to https, query and all')
def _():
    answer = get(f'{PATH}?email=a%40fabrikam.example', host='setup.fabrikam.example', listener='redirect')
    tap.same((answer.status, answer.fields['location']),
             (302, f'https://setup.fabrikam.example{PATH}?email=a%40fabrikam.example'))


# ---- PACC ----

@tap.case('PACC: one document, whose bytes never change')
def _():
    answer = get(PACC, host='ua-auto-config.fabrikam.example')
    tap.same((answer.status, answer.fields['content-type']), (200, 'application/json'))
    tap.same(answer.body, json.dumps({
        'authentication': {'password': True},
        'info': {'provider': {'name': 'Fabrikam & <Sons>', 'shortName': 'Fabrikam'}},
        'protocols': {'caldav': {'url': 'https://dav.fabrikam.example/cal/'},
                      'imap': {'host': 'imap.fabrikam.example'},
                      'smtp': {'host': 'smtp.fabrikam.example'},
                      'submit': {'host': 'smtp.fabrikam.example'}}}, separators=(',', ':')).encode())
    tap.same(base64.b64encode(hashlib.sha256(answer.body).digest()).decode(),
             'P9M3fNPovuEAuBFo4t5YzSvJrOBoHkof6cbcG7Dokbc=')


@tap.each([
    ('the domain itself', 'fabrikam.example', 200),
    ('other names of it', 'autoconfig.fabrikam.example', 200),
    ('its own host name', 'SETUP.fabrikam.example:443', 200),
    ('tokens', 'ua-auto-config.token.example', 200),
    ('a host name of two domains', 'shared.example', 404),
    ('an alias: the user name is another', 'ua-auto-config.alias.example', 404),
    ('the user name is no address', 'ua-auto-config.local.example', 404),
    ('STARTTLS alone', 'ua-auto-config.starttls.example', 404),
    ('an exchange domain', 'ua-auto-config.contoso.example', 404),
    ('an unknown domain', 'ua-auto-config.unknown.example', 404),
])
def _(host, status):
    tap.same(get(PACC, host=host).status, status)


@tap.case('PACC: tokens alone, and whom to write to')
def _():
    got = json.loads(get(PACC, host='ua-auto-config.token.example').body)
    tap.same(got['authentication'], {'oauth-public': {'issuer': 'https://login.example/'}, 'password': False})
    tap.same(got['info']['help'], {'contact': ['mailto:post%2Bhelp@token.example']})


# ---- CalDAV and CardDAV ----

CAL, CARD = 'https://dav.fabrikam.example/cal/', 'https://dav.fabrikam.example:8443/card/'


@tap.each([
    ('GET', 'GET', '/.well-known/caldav', 'fabrikam.example', 307, CAL),
    ('PROPFIND', 'PROPFIND', '/.well-known/carddav', 'fabrikam.example', 307, CARD),
    ('OPTIONS and letter case', 'OPTIONS', '/.Well-Known/CalDAV', 'setup.fabrikam.example', 307, CAL),
    ('a loop', 'PROPFIND', '/.well-known/caldav', 'calendar.example', 404, None),
    ('a service that there is not', 'PROPFIND', '/.well-known/carddav', 'calendar.example', 404, None),
    ('a host that is not ours', 'GET', '/.well-known/caldav', 'evil.example', 404, None),
    ('an address in the place of the host', 'GET', '/.well-known/caldav', '127.0.0.1', 404, None),
])
def _(method, path, host, status, location):
    answer = get(path, method, host)
    tap.same((answer.status, answer.fields.get('location')), (status, location))


@tap.case('PROPFIND with a body, and another question behind it on the connection')
def _():
    body = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
    data = (b'PROPFIND /.well-known/caldav HTTP/1.1\r\nHost: fabrikam.example\r\nDepth: 0\r\n'
            b'Content-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body))
    last = b'GET /.well-known/carddav HTTP/1.1\r\nHost: fabrikam.example\r\nConnection: close\r\n\r\n'
    got = exchange(daemon.https, data + last, root=False, name='fabrikam.example')
    tap.same(got.count(b'HTTP/1.1 307 '), 2)
    tap.has(got, f'\r\nLocation: {CARD}\r\n'.encode())


# ---- what it is signed with ----

def with_signer(certificate, key):
    """What `usherd -t` says about these files."""
    text = daemon.config_path.read_text() + f'[profile]\ncertificate = {certificate}\nkey = {key}\n'
    path = write(folder / 'signer.conf', text)
    return subprocess.run([programs.program('usherd'), '-c', str(path), '-t'], capture_output=True, text=True,
                          env=programs.clean_environment(), check=False)


def serves_by(config, certificate):
    """Reloads by this configuration and waits until profiles are signed so."""
    write(daemon.config_path, config)
    daemon.reload()
    end = time.monotonic() + 15
    while not signed_by(certificate):
        tap.true(time.monotonic() < end, daemon.log()[-1500:])
        time.sleep(0.05)


@tap.case('a certificate of its own takes the place of the host\'s at a reload')
def _():
    config = daemon.config_path.read_text()
    tap.true(signed_by(leaf), 'it is not signed by the host')
    serves_by(config + f'[profile]\ncertificate = {signer}\nkey = {signer_key}\n', signer)
    serves_by(config, leaf)


@tap.case('usherd -t refuses what cannot sign')
def _():
    good = with_signer(signer, signer_key)
    tap.same((good.returncode, good.stderr), (0, ''))
    tap.has(with_signer(signer, tls_key).stderr, 'does not belong to the certificate')
    old, old_key = authority.issue('old', days=-1)
    tap.has(with_signer(old, old_key).stderr, 'expired')
    tap.has(with_signer(signer, folder / 'none.key').stderr, 'cannot be read')
    tap.has(with_signer(signer, '').stderr, 'key')
    old_key.chmod(0o644)
    tap.has(with_signer(signer, old_key).stderr, 'everybody may read this key')
    for kind, fault in (('rsa:2048', ''), ('ed25519', 'cannot sign')):
        made, made_key = folder / f'{kind}.pem', folder / f'{kind}.key'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', kind, '-nodes', '-keyout', made_key,
                        '-out', made, '-subj', '/CN=e', '-days', '2'], check=True, capture_output=True)
        made_key.chmod(0o600)
        done = with_signer(made, made_key)
        tap.has(done.stderr, fault)
        tap.same(done.returncode, 65 if fault else 0)


@tap.case('behind a proxy, without a certificate, a profile goes unsigned')
def _():
    home = folder / 'proxy'
    home.mkdir()
    port = free_port('127.0.0.1')
    with Usherd(home, directory=daemon.directory, listeners=('private',),
                top='trusted proxies = 127.0.0.1\n', config=f'[listen proxy]\naddress = 127.0.0.1:{port}\n'):
        answer = request(('127.0.0.1', port), HOST, path=f'{PATH}?email=ann@fabrikam.example', method='GET',
                         fields={'X-Forwarded-Proto': 'https'})
    tap.same((answer.status, answer.fields['content-type']), (200, TYPE))
    tap.same(answer.body, opened(get(f'{PATH}?email=ann@fabrikam.example')))


@tap.case('usherd ends in peace')
def _():
    daemon.__exit__(None, None, None)
    folder_block.__exit__(None, None, None)


tap.main()
