#!/usr/bin/python3
"""usherd in its other languages: SOAP, ActiveSync, Autodiscover V2 and Mail Autoconfig."""
import json
import sqlite3
import xml.etree.ElementTree as tree

import site_contoso as site
from support import programs, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.scratch import Folder

SOAP = '/autodiscover/autodiscover.svc'
V2 = '/autodiscover/autodiscover.json'
AUTOCONFIG = '/mail/config-v1.1.xml'
MOBILESYNC = ('http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006')
MESSAGES = 'http://schemas.microsoft.com/exchange/2010/Autodiscover'

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)


def usher(*arguments):
    """Changes the directory."""
    programs.usher_ok(*arguments, directory=site.uri(folder))


usher('url', 'set', 'activesync', '--external', 'https://phone.contoso.com/Microsoft-Server-ActiveSync')
usher('mailbox', 'add', 'pat@contoso.com', '--display-name', 'Pat')
site.set_password(folder, 'pat@contoso.com', site.PASSWORD)
usher('mailbox', 'set', 'pat@contoso.com', '--activesync', 'off')
usher('service', 'add', 'fabrikam.example', 'smtp', '--host', 'smtp.fabrikam.example',
      '--port', '465', '--socket', 'tls', '--user-name', '%u')
usher('service', 'add', 'fabrikam.example', 'caldav', '--url', 'https://dav.fabrikam.example/cal/')
usher('domain', 'add', 'alias.example', '--kind', 'alias', '--alias-of', 'fabrikam.example')
usher('domain', 'add', 'moved.example', '--kind', 'redirect-address', '--redirect-domain',
      'contoso.com')
usher('domain', 'add', 'elsewhere.example', '--kind', 'redirect-url', '--redirect-url',
      'https://far.example/autodiscover/autodiscover.xml')
usher('domain', 'add', 'bare.example', '--kind', 'mail')
usher('domain', 'add', 'phones.example', '--kind', 'mail', '--documentation-url',
      'https://help.phones.example/', '--host-names', 'autoconfig.phones.example',
      '--oauth2-login-url', 'https://login.phones.example/', '--oauth2-token-url',
      'https://login.phones.example/token', '--oauth2-scope', 'imap smtp')
for number, words in enumerate(('oauth2 --oauth2-issuer login.phones.example', 'password'), 1):
    for kind in ('imap', 'smtp'):
        usher('service', 'add', 'phones.example', kind, '--host', f'{kind}.phones.example', '--rank',
              str(number), '--authentication', *words.split())
usher('service', 'add', 'phones.example', 'activesync', '--host', 'push.phones.example')
usher('domain', 'add', 'shown.example', '--kind', 'mail', '--home-page', 'https://www.shown.example/',
      '--logo', 'https://www.shown.example/logo.png', '--contact', 'help@shown.example')
for kind in ('imap', 'smtp'):
    usher('service', 'add', 'shown.example', kind, '--host', f'{kind}.shown.example')
usher('domain', 'add', 'staff.example', '--kind', 'mail', '--anonymous', 'off')
usher('service', 'add', 'staff.example', 'imap', '--host', 'imap.staff.example')
usher('mailbox', 'add', 'ann@staff.example', '--display-name', 'Ann')
usher('mailbox', 'add', 'guest@staff.example', '--display-name', 'Guest', '--services-of',
      'shown.example')
site.set_password(folder, 'guest@staff.example', site.PASSWORD)
site.set_password(folder, 'ann@staff.example', site.PASSWORD)
usher('url', 'set', 'rest', '--external', 'https://cas01.contoso.com/api')
daemon = Usherd(folder)
daemon.__enter__()


def get(target, method='GET', host=site.HOST, fields=None, listener='https'):
    """A GET without credentials."""
    return request(getattr(daemon, listener), host, path=target, method=method, fields=fields,
                   root=False if listener == 'https' else None)


# ---- what a domain shows of itself, and a mailbox with another's services ----

@tap.case('POX shows the picture and the web site of a domain, PACC and the page its contact')
def _():
    got = site.ask(daemon, 'ann@shown.example').body
    tap.has(got, b'<Image>https://www.shown.example/logo.png</Image>')
    tap.has(got, b'<ServiceHome>https://www.shown.example/</ServiceHome>')
    got = get('/.well-known/user-agent-configuration.json', host='ua-auto-config.shown.example')
    tap.same(json.loads(got.body)['info']['help'], {'contact': ['mailto:help@shown.example']})
    tap.has(get('/?email=ann%40shown.example').body, b'<a href="mailto:help@shown.example">')


@tap.case('POX: a mailbox may have the services of another domain')
def _():
    for name, of in (('ann', 'staff'), ('guest', 'shown')):
        address = f'{name}@staff.example'
        got = site.ask(daemon, address, login=address).body
        tap.has(got, f'<Server>imap.{of}.example</Server>'.encode())
        tap.has(got, f'<LoginName>{address}</LoginName>'.encode())


@tap.case('what stands behind a sign in an address is no part of the login, in any language')
def _():
    for name in ('ann+news', 'ann'):
        got = get(f'{AUTOCONFIG}?emailaddress={name}%40shown.example', host='autoconfig.shown.example')
        login = 'ann@shown.example' if '+' in name else '%EMAILADDRESS%'
        tap.has(got.body, f'<username>{login}</username>'.encode())
    tap.has(site.ask(daemon, 'ann+news@shown.example').body, b'<LoginName>ann@shown.example</LoginName>')
    page = get('/?email=ann%2Bnews%40shown.example').body.replace(b'<wbr/>', b'')
    tap.has(page, b'<h1>Settings for <bdi>ann+news@shown.example</bdi></h1>')
    tap.has(page, b'<code>ann@shown.example</code>')


@tap.case('a rule that sends an address elsewhere is followed in every language')
def _():
    usher('redirect', 'add', 'shown.example', 'x-*', '--redirect-domain', 'fabrikam.example')
    tap.has(site.ask(daemon, 'x-1@shown.example').body,
            b'<RedirectAddr>x-1@fabrikam.example</RedirectAddr>')
    page = get('/?email=x-1%40shown.example').body.replace(b'<wbr/>', b'')
    tap.has(page, b'The mail of <bdi>x-1@shown.example</bdi> has moved')
    tap.has(page, b'Settings for <bdi>x-1@fabrikam.example</bdi>')
    for name, status in (('x-1', 404), ('y-1', 200)):
        tap.same([get(target).status for target in (
            f'{AUTOCONFIG}?emailaddress={name}%40shown.example',
            f'/profile.mobileconfig?email={name}%40shown.example')], [status, status])
    usher('redirect', 'remove', 'shown.example', 'x-*')


# ---- SOAP ----

def envelope(operation, inside, header=''):
    """A question."""
    return (f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="{MESSAGES}">'
            f'<s:Header>{header}</s:Header><s:Body><a:{operation}RequestMessage><a:Request>{inside}'
            f'</a:Request></a:{operation}RequestMessage></s:Body></s:Envelope>')


def users(addresses, settings):
    """GetUserSettings for these."""
    return envelope('GetUserSettings', '<a:Users>' + ''.join(
        f'<a:User><a:Mailbox>{a}</a:Mailbox></a:User>' for a in addresses) +
        '</a:Users><a:RequestedSettings>' + ''.join(
            f'<a:Setting>{s}</a:Setting>' for s in settings) + '</a:RequestedSettings>')


def soap(body, login='nora@contoso.com', password=site.PASSWORD, status=200):
    """Asks and returns the answer."""
    fields = {'Content-Type': 'text/xml; charset=utf-8'}
    if login is not None:
        fields['Authorization'] = basic(login, password)
    answer = request(daemon.https, site.HOST, path=SOAP, body=body, fields=fields, root=False)
    tap.same(answer.status, status)
    return answer


def responses(answer):
    """(ErrorCode, RedirectTarget, {name: value}, {name: error}) of each user or domain."""
    found = []
    for one in tree.fromstring(answer.body).iter():
        if one.tag not in (f'{{{MESSAGES}}}UserResponse', f'{{{MESSAGES}}}DomainResponse'):
            continue
        values = {s.findtext(f'{{{MESSAGES}}}Name'): s.findtext(f'{{{MESSAGES}}}Value')
                  for s in one.iter() if s.tag.endswith('}UserSetting') or s.tag.endswith('}DomainSetting')}
        errors = {e.findtext(f'{{{MESSAGES}}}SettingName'): e.findtext(f'{{{MESSAGES}}}ErrorCode')
                  for e in one.iter() if e.tag.endswith('SettingError')}
        found.append((one.findtext(f'{{{MESSAGES}}}ErrorCode'),
                      one.findtext(f'{{{MESSAGES}}}RedirectTarget'), values, errors))
    return found


@tap.case('SOAP: several users in one question are answered in order')
def _():
    answer = soap(users(['nora@contoso.com', 'jo@contoso.com', 'x@moved.example', 'nobody@contoso.com',
                         'x@elsewhere.example', 'n.lind@contoso.com', '', '@'],
                        ['UserDisplayName', 'ExternalEwsUrl', 'EwsSupportedSchemas', 'CasVersion',
                         'MapiHttpEnabled', 'AutoDiscoverSMTPAddress', 'PublicFolderServer', 'Colour',
                         'Colour']))
    tap.same(answer.fields['content-type'], 'text/xml; charset=utf-8')
    tap.same(answer.fields['x-soap-enabled'], 'True')
    tap.same(answer.fields['cache-control'], 'private')
    got = responses(answer)
    tap.same([r[0] for r in got], ['NoError', 'InvalidUser', 'RedirectAddress', 'InvalidUser',
                                   'RedirectUrl', 'NoError', 'InvalidUser', 'InvalidUser'])
    values, errors = got[0][2:]
    tap.same(values['UserDisplayName'], 'Nora Lind')
    tap.same(values['ExternalEwsUrl'], 'https://cas01.contoso.com/EWS/Exchange.asmx')
    tap.same(values['EwsSupportedSchemas'].split(', ')[-1], 'Exchange2013_SP1')
    tap.same(values['AutoDiscoverSMTPAddress'], 'nora@contoso.com')
    tap.same(errors, {'PublicFolderServer': 'SettingIsNotAvailable', 'Colour': 'InvalidSetting'})
    tap.same(got[5][2], values)
    tap.same(got[2][1], 'x@contoso.com')
    tap.same(got[4][1], 'https://far.example/autodiscover/autodiscover.svc')
    tap.same(got[1][2:], ({}, {}))


@tap.case('SOAP: a user may be named by legacyDN')
def _():
    names = ['UserDN', 'UserDisplayName', 'AutoDiscoverSMTPAddress']
    by_address = responses(soap(users(['nora@contoso.com'], names)))[0]
    dn = by_address[2]['UserDN']
    got = responses(soap(users([dn, dn.upper(), '/o=Elsewhere/cn=nora', '/o='], names)))
    tap.same(got[:2], [by_address, by_address])
    tap.same([r[0] for r in got[2:]], ['InvalidUser', 'InvalidUser'])
    jo = responses(soap(users([dn.replace('nora', 'jo')], names)))
    tap.same(jo[0][0], 'InvalidUser')


@tap.case('SOAP: what fits into an answer is given, and what does not is refused for good')
def _():
    question = users(['nora@contoso.com'] * 100, ['AlternateMailboxes'])
    for count, code in ((200, 'NoError'), (300, 'InvalidRequest')):
        with sqlite3.connect(folder / 'usher.db') as db:
            db.execute('DELETE FROM alternative_mailbox')
            db.executemany(
                "INSERT INTO alternative_mailbox SELECT id, ?, 'Delegate', NULL, NULL, ?, ? "
                "FROM mailbox WHERE address = 'nora@contoso.com'",
                [(f'D{i}', f's{i}@x.example', 'o@x.example') for i in range(count)])
        db.close()
        got = soap(question)
        tap.same(tree.fromstring(got.body).find(f'.//{{{MESSAGES}}}ErrorCode').text, code)
        tap.same(got.body.count(b'<AlternateMailbox>'), 100 * count if code == 'NoError' else 0)
    with sqlite3.connect(folder / 'usher.db') as db:
        db.execute('DELETE FROM alternative_mailbox')
    db.close()


@tap.case('SOAP: another’s mailbox and none are told apart by nothing but their names')
def _():
    foreign = soap(users(['jo@contoso.com'], ['UserDisplayName'])).body
    nobody = soap(users(['ja@contoso.com'], ['UserDisplayName'])).body
    tap.same(foreign.replace(b'jo@', b'ja@'), nobody)


@tap.case('SOAP: nobody is answered without a password, whoever is asked about')
def _():
    first = soap(users(['nora@contoso.com'], ['UserDisplayName']), login=None, status=401)
    second = soap(users(['DUMMY@example.com'], ['UserDisplayName']), login=None, status=401)
    third = soap('<nonsense/>', password='wrong', status=401)
    tap.same(site.raw(first), site.raw(second))
    tap.same(site.raw(first), site.raw(third))
    tap.same(first.fields['x-soap-enabled'], 'True')
    tap.true('www-authenticate' in first.fields, 'there is no challenge')


@tap.case('SOAP: mail servers of an open domain')
def _():
    got = soap(users(['ann@fabrikam.example'], ['ExternalImap4Connections', 'ExternalSmtpConnections']))
    tap.same(responses(got)[0][0], 'NoError')
    tap.has(got.body, b'<Hostname>imap.fabrikam.example</Hostname>')
    tap.has(got.body, b'<EncryptionMethod>SSL</EncryptionMethod>')


@tap.case('SOAP: a hundred users are answered, a hundred and one are not')
def _():
    many = soap(users(['nora@contoso.com'] * 100, ['UserDisplayName', 'ExternalEwsUrl']))
    tap.same([r[0] for r in responses(many)], ['NoError'] * 100)
    more = soap(users(['nora@contoso.com'] * 101, ['UserDisplayName']))
    tap.has(more.body, b'<ErrorCode>InvalidRequest</ErrorCode>')
    tap.has(more.body, b'Number of users exceeds the limit of 100.')


@tap.case('SOAP: domains')
def _():
    got = responses(soap(envelope('GetDomainSettings', '<a:Domains>' + ''.join(
        f'<a:Domain>{d}</a:Domain>' for d in ('contoso.com', 'other.example', 'elsewhere.example',
                                              'not a domain')) +
        '</a:Domains><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings>')))
    tap.same([r[0] for r in got], ['NoError', 'InvalidDomain', 'RedirectUrl', 'InvalidDomain'])
    tap.same(got[0][2], {'ExternalEwsUrl': 'https://cas01.contoso.com/EWS/Exchange.asmx'})


def federation(domain, login=None):
    """What an organization elsewhere is told about this one."""
    return soap(envelope('GetFederationInformation', f'<a:Domain>{domain}</a:Domain>'), login).body


def relationships(domain, login='nora@contoso.com', status=200):
    """What it may see."""
    return soap(envelope('GetOrganizationRelationshipSettings',
                         f'<a:Domains><a:Domain>{domain}</a:Domain></a:Domains>'), login,
                status=status).body


@tap.case('SOAP: there is no federation')
def _():
    for domain in ('contoso.com', 'unknown.example'):
        tap.has(federation(domain), b'<ErrorCode>NotFederated</ErrorCode>')
    tap.has(relationships('fabrikam.example'), b'<ErrorCode>NotFederated</ErrorCode>')


@tap.case('SOAP: anybody is told of the federation')
def _():
    usher('organization', 'set', '--application-uri', 'FYDIBOHF25SPDLT.contoso.com', '--token-issuer',
          'urn:federation:contoso', '--token-endpoint', 'https://sts.contoso.com/token')
    usher('relationship', 'add', 'Partner', '--domains', 'fabrikam.example,other.example',
          '--free-busy', 'limited-details', '--mailbox-move', 'on')
    got = federation('contoso.com')
    tap.same(got, federation('contoso.com', login='nora@contoso.com'))
    for part in (b'<ApplicationUri>FYDIBOHF25SPDLT.contoso.com</ApplicationUri>',
                 b'<Uri>urn:federation:contoso</Uri>',
                 b'<Endpoint>https://sts.contoso.com/token</Endpoint>', b'<Domain>contoso.com</Domain>'):
        tap.has(got, part)
    tap.has(federation('Contoso.COM'), b'<Uri>urn:federation:contoso</Uri>')
    for domain in ('unknown.example', 'no domain'):
        tap.has(federation(domain), b'<ErrorCode>InvalidDomain</ErrorCode>')


@tap.case('SOAP: who has logged in is told of relationships')
def _():
    got = relationships('Other.example')
    for part in (b'<FreeBusyAccessEnabled>true</FreeBusyAccessEnabled>',
                 b'<FreeBusyAccessLevel>LimitedDetails</FreeBusyAccessLevel>',
                 b'<MailTipsAccessLevel>None</MailTipsAccessLevel>',
                 b'<MailboxMoveEnabled>true</MailboxMoveEnabled>', b'<Name>Partner</Name>'):
        tap.has(got, part)
    tap.true(b'Partner' not in relationships('third.example'), 'a relationship with somebody else')
    tap.same(relationships('other.example', login=None, status=401), b'')


@tap.case('SOAP: faults and refusals are counted')
def _():
    def refusals():
        text = get('/metrics', listener='private').body
        return int(text.split(b'usherd_answers_total{kind="refusal"} ')[1].split(b'\n')[0])
    before = refusals()
    soap('nonsense', status=500)
    soap(users([], ['UserDN']))
    federation('unknown.example')
    tap.same(refusals() - before, 3)


@tap.each([
    ('not XML', 'nonsense', b's:Client'),
    ('empty', '', b's:Client'),
    ('unknown operation', envelope('MakeTea', ''), b's:Client'),
    ('SOAP 1.2', users(['a@b.example'], ['X']).replace(
        'http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
     b's:VersionMismatch'),
    ('WS-Security', envelope('GetUserSettings', '', '<o:Security xmlns:o="o" s:mustUnderstand="1"/>'),
     b's:MustUnderstand'),
    ('entities', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b's:Client'),
])
def _(body, code):
    answer = soap(body, status=500)
    tap.has(answer.body, b'<faultcode>' + code + b'</faultcode>')
    tap.same(answer.fields['content-type'], 'text/xml; charset=utf-8')


@tap.case('SOAP: markup in an address comes back escaped')
def _():
    answer = soap(users(['&lt;b&gt;&amp;@contoso.com'], ['UserDN']))
    tap.has(answer.body, b"Invalid user: '&lt;b&gt;&amp;@contoso.com'.")


@tap.case('the anonymous probe of the POX URL learns of SOAP')
def _():
    answer = get(site.PATH)
    tap.same((answer.status, answer.fields['x-soap-enabled']), (401, 'True'))


# ---- ActiveSync ----

def phone(address, login='nora@contoso.com', password=site.PASSWORD):
    """Asks as a phone does; returns the answer."""
    schema = POX_REQUEST.split('<AcceptableResponseSchema>')[1].split('<')[0]
    return site.ask(daemon, login=login, password=password,
                    body=POX_REQUEST.format(address).replace(schema, MOBILESYNC))


@tap.case('ActiveSync: a phone is given its server')
def _():
    answer = phone('n.lind@contoso.com')
    tap.same((answer.status, answer.fields['content-type']), (200, 'text/xml; charset=utf-8'))
    for part in (b'<Response xmlns="' + MOBILESYNC.encode() + b'">', b'<DisplayName>Nora Lind</DisplayName>',
                 b'<EMailAddress>nora@contoso.com</EMailAddress>', b'<Type>MobileSync</Type>',
                 b'<Url>https://phone.contoso.com/Microsoft-Server-ActiveSync</Url>',
                 b'<Name>https://phone.contoso.com/Microsoft-Server-ActiveSync</Name>'):
        tap.has(answer.body, part)


@tap.each([
    ('a moved domain', 'x@moved.example', 'nora@contoso.com', b'<Redirect>x@contoso.com</Redirect>'),
    ('nobody', 'nobody@contoso.com', 'nora@contoso.com', b'<Status>2</Status>'),
    ('another’s mailbox', 'jo@contoso.com', 'nora@contoso.com', b'<Status>2</Status>'),
    ('a mailbox without ActiveSync', 'pat@contoso.com', 'pat@contoso.com', b'<Status>2</Status>'),
    ('a domain that has none', 'ann@fabrikam.example', None, b'<ErrorCode>601</ErrorCode>'),
    ('a mail domain that has it', 'ann@phones.example', None,
     b'<Url>https://push.phones.example/Microsoft-Server-ActiveSync</Url>'),
    ('no address at all', 'x', 'nora@contoso.com', b'<ErrorCode>600</ErrorCode>'),
])
def _(address, login, part):
    answer = phone(address, login)
    tap.same(answer.status, 200)
    tap.has(answer.body, part)


@tap.case('ActiveSync: a domain that is served elsewhere')
def _():
    answer = phone('x@elsewhere.example', login=None)
    tap.same((answer.status, answer.fields['location'], answer.body),
             (302, 'https://far.example/autodiscover/autodiscover.xml', b''))


@tap.case('ActiveSync: where a phone gets its certificate')
def _():
    usher('url', 'set', 'cert-enroll', '--external', 'https://cert.contoso.com/CertEnroll')
    usher('organization', 'set', '--certificate-template', 'PhoneUser')
    answer = phone('nora@contoso.com')
    for part in (b'<Type>CertEnroll</Type>', b'<Url>https://cert.contoso.com/CertEnroll</Url>',
                 b'<ServerData>PhoneUser</ServerData>'):
        tap.has(answer.body, part)


# ---- Autodiscover V2 ----

@tap.each([
    ('query form', V2 + '?Email=nora%40contoso.com&Protocol=Autodiscoverv1',
     'AutodiscoverV1', 'https://cas01.contoso.com/Autodiscover/Autodiscover.xml'),
    ('path form', V2 + '/v1.0/nora@contoso.com?Protocol=activesync', 'ActiveSync',
     'https://phone.contoso.com/Microsoft-Server-ActiveSync'),
    ('letter case', '/AutoDiscover/AutoDiscover.JSON/V1.0/nora@contoso.com?PROTOCOL=EWS', 'Ews',
     'https://cas01.contoso.com/EWS/Exchange.asmx'),
    ('RedirectCount', V2 + '?Email=nora@contoso.com&Protocol=Ews&RedirectCount=3&ServerLocation=true',
     'Ews', 'https://cas01.contoso.com/EWS/Exchange.asmx'),
    ('Rest', V2 + '?Email=nora@contoso.com&Protocol=Rest', 'Rest', 'https://cas01.contoso.com/api'),
    ('ActiveSync of a mail domain', V2 + '?Email=ann@phones.example&Protocol=ActiveSync', 'ActiveSync',
     'https://push.phones.example/Microsoft-Server-ActiveSync'),
    ('a mail domain', V2 + '?Email=ann@fabrikam.example&Protocol=AutodiscoverV1', 'AutodiscoverV1',
     'https://autodiscover.fabrikam.example/autodiscover/autodiscover.xml'),
    ('a domain that is served elsewhere', V2 + '?Email=x@elsewhere.example&Protocol=AutodiscoverV1',
     'AutodiscoverV1', 'https://far.example/autodiscover/autodiscover.xml'),
])
def _(target, protocol, url):
    answer = get(target)
    tap.same((answer.status, answer.fields['content-type']), (200, 'application/json; charset=utf-8'))
    tap.same(json.loads(answer.body), {'Protocol': protocol, 'Url': url})
    tap.same(list(json.loads(answer.body)), ['Protocol', 'Url'])
    tap.same(answer.fields['cache-control'], 'private, no-store')


@tap.each([
    ('nothing', V2, 400, 'MandatoryParameterMissing'),
    ('no protocol', V2 + '?Email=nora@contoso.com', 400, 'MissingProtocol'),
    ('an unknown protocol', V2 + '?Email=nora@contoso.com&Protocol=Fax', 400, 'ProtocolNotSupported'),
    ('a protocol that a mail domain has not', V2 + '?Email=ann@fabrikam.example&Protocol=Ews', 400,
     'ProtocolNotSupported'),
    ('no address', V2 + '?Email=nora&Protocol=Ews', 400, 'InvalidEmail'),
    ('two addresses', V2 + '?Email=nora@contoso.com&Email=jo@contoso.com&Protocol=Ews', 400,
     'MandatoryParameterMissing'),
    ('a line break', V2 + '?Email=a%0d%0ab@contoso.com&Protocol=Ews', 400, 'InvalidEmail'),
    ('an unknown domain', V2 + '?Email=a@unknown.example&Protocol=Ews', 404, 'UserNotFound'),
    ('too many redirects', V2 + '?Email=x@moved.example&Protocol=Ews&RedirectCount=10', 400,
     'TooManyRedirects'),
])
def _(target, status, code):
    answer = get(target)
    tap.same((answer.status, answer.fields['content-type']), (status, 'application/json; charset=utf-8'))
    tap.same(json.loads(answer.body)['ErrorCode'], code)


@tap.case('V2: a moved domain is sent on, local part and all')
def _():
    answer = get(V2 + '?Email=last.letter@moved.example&Protocol=Ews')
    tap.same(answer.status, 302)
    tap.same(answer.fields['location'], 'https://autodiscover.contoso.com' + V2 +
             '?Email=last.letter%40contoso.com&Protocol=Ews&RedirectCount=1')
    tap.same(answer.body, b'')


@tap.case('V2: known and unknown local parts get equal bytes')
def _():
    known, unknown = (site.raw(get(f'{V2}?Email={a}@contoso.com&Protocol=Ews')) for a in ('nora', 'nobody'))
    tap.same(known, unknown)


@tap.case('V2: an address in the path is not logged')
def _():
    get(V2 + '/v1.0/secret.person@contoso.com?Protocol=Ews')
    get(V2 + '/v1.0/secret.person@contoso.com', 'POST')
    get(V2 + '/v1.0/secret.person@contoso.com', listener='redirect', host='autodiscover.contoso.com')
    tap.has(daemon.log(), V2 + '/*')
    tap.true('secret.person' not in daemon.log(), 'the address was logged')


@tap.each([
    ('further segments', 'GET', V2 + '/v1.0/nora@contoso.com/x?Protocol=Ews', 404),
    ('another version', 'GET', V2 + '/v2.0/nora@contoso.com?Protocol=Ews', 404),
    ('POST', 'POST', V2, 405),
    ('HEAD', 'HEAD', V2 + '?Email=nora@contoso.com&Protocol=Ews', 200),
])
def _(method, target, status):
    tap.same(get(target, method).status, status)


# ---- Mail Autoconfig ----

FABRIKAM = get(AUTOCONFIG + '?emailaddress=ann%40fabrikam.example').body


@tap.case('Autoconfig: a mail domain, with placeholders')
def _():
    answer = get(AUTOCONFIG + '?emailaddress=ann@fabrikam.example')
    tap.same((answer.status, answer.fields['content-type']), (200, 'text/xml; charset=utf-8'))
    for part in (b'<emailProvider id="fabrikam.example">', b'<domain>fabrikam.example</domain>',
                 b'<hostname>imap.fabrikam.example</hostname>', b'<username>%EMAILADDRESS%</username>',
                 b'<username>%EMAILLOCALPART%</username>', b'<socketType>SSL</socketType>',
                 b'<authentication>password-cleartext</authentication>',
                 b'<serverURL>https://dav.fabrikam.example/cal/</serverURL>'):
        tap.has(answer.body, part)
    tap.true(b'ann' not in answer.body.replace(b'channel', b''), 'the address is in the answer')


@tap.each([
    ('another address', AUTOCONFIG + '?emailaddress=nobody@fabrikam.example', site.HOST),
    ('Evolution', AUTOCONFIG + '?emailaddress=EVOLUTIONUSER@fabrikam.example&emailmd5=0', site.HOST),
    ('markup', AUTOCONFIG + '?emailaddress=%3Cx%3E%26@fabrikam.example', site.HOST),
    ('no address', AUTOCONFIG, 'autoconfig.fabrikam.example'),
    ('an empty one', AUTOCONFIG + '?emailaddress=', 'autoconfig.fabrikam.example:443'),
    ('one that is none', AUTOCONFIG + '?emailaddress=@', 'AUTOCONFIG.Fabrikam.example'),
    ('the domain itself', '/.well-known/autoconfig/mail/config-v1.1.xml', 'fabrikam.example'),
    ('the well-known path', '/.well-known/AutoConfig/mail/config-v1.1.xml?emailaddress=a@fabrikam.example',
     site.HOST),
    ('a path of one program', '/v1.1/mail/config-v1.1.xml?emailaddress=a@fabrikam.example', site.HOST),
])
def _(target, host):
    answer = get(target, host=host)
    tap.same((answer.status, answer.body), (200, FABRIKAM))


@tap.case('Autoconfig: several ways to log in are one server, and all that is known is told')
def _():
    answer = get(AUTOCONFIG + '?emailaddress=ann@phones.example')
    tap.same(answer.body.count(b'type="imap"'), 1)
    tap.has(b''.join(answer.body.split()), b'<authentication>OAuth2</authentication><authentication>'
            b'password-cleartext</authentication>')
    for part in (b'<easURL>https://push.phones.example/Microsoft-Server-ActiveSync</easURL>',
                 b'<incomingServer type="activeSync">', b'<issuer>login.phones.example</issuer>',
                 b'<scope>imap smtp</scope>', b'<tokenURL>https://login.phones.example/token</tokenURL>',
                 b'<documentation url="https://help.phones.example/">', b'<descr lang="de">',
                 b'<clientConfigUpdate url="https://autoconfig.phones.example/mail/config-v1.1.xml"'):
        tap.has(answer.body, part)


@tap.case('Autoconfig: who has the document is not sent it again')
def _():
    target = AUTOCONFIG + '?emailaddress=ann@fabrikam.example'
    first = get(target)
    tag = first.fields['etag']
    tap.true('access-control-allow-origin' not in first.fields, 'any site may read it')
    for fields in (tag, f'"x", W/{tag}', '*'):
        again = get(target, fields={'If-None-Match': fields})
        tap.same((again.status, again.fields['etag'], again.body), (304, tag, b''))
    tap.same(get(target, fields={'If-None-Match': '"x"'}).body, first.body)
    well_known = get('/.well-known/autoconfig' + target)
    tap.same(well_known.fields['access-control-allow-origin'], '*')


@tap.case('Autoconfig: an alias has the user names of the domain that it stands for')
def _():
    answer = get(AUTOCONFIG + '?emailaddress=ann@alias.example')
    tap.has(answer.body, b'<domain>alias.example</domain>')
    tap.has(answer.body, b'<username>%EMAILLOCALPART%@fabrikam.example</username>')


@tap.each([
    ('unknown domain', AUTOCONFIG + '?emailaddress=a@unknown.example', site.HOST, 404),
    ('unknown host', AUTOCONFIG, 'autoconfig.unknown.example', 404),
    ('a domain without services', AUTOCONFIG + '?emailaddress=a@bare.example', site.HOST, 404),
    ('an exchange domain without mail services', AUTOCONFIG + '?emailaddress=nora@contoso.com',
     site.HOST, 404),
    ('a domain that has moved', AUTOCONFIG + '?emailaddress=a@moved.example', site.HOST, 404),
    ('two addresses', AUTOCONFIG + '?emailaddress=a@fabrikam.example&emailaddress=b@fabrikam.example',
     site.HOST, 400),
    ('a broken escape', AUTOCONFIG + '?emailaddress=%4', site.HOST, 400),
])
def _(target, host, status):
    tap.same(get(target, host=host).status, status)


# ---- plain HTTP ----

@tap.each([
    ('SOAP', SOAP, 'autodiscover.contoso.com', 302, 'https://autodiscover.contoso.com' + SOAP),
    ('Autoconfig', AUTOCONFIG + '?emailaddress=a%40fabrikam.example', 'autoconfig.fabrikam.example', 302,
     'https://autoconfig.fabrikam.example' + AUTOCONFIG + '?emailaddress=a%40fabrikam.example'),
    ('Autoconfig of the domain', '/.well-known/autoconfig' + AUTOCONFIG, 'fabrikam.example', 302,
     'https://fabrikam.example/.well-known/autoconfig' + AUTOCONFIG),
    ('a host that is not ours', AUTOCONFIG, 'autoconfig.evil.example', 404, None),
    ('V2', V2, 'autodiscover.contoso.com', 404, None),
])
def _(target, host, status, location):
    answer = get(target, host=host, listener='redirect')
    tap.same((answer.status, answer.fields.get('location')), (status, location))


@tap.case('usherd ends in peace')
def _():
    daemon.__exit__(None, None, None)
    folder_block.__exit__(None, None, None)


tap.main()
