#!/usr/bin/python3
"""Where `usher find` looks, and in which language: sources, switches, SOAP, ActiveSync, Autodiscover
V2, Mail Autoconfig, local XML, the last known good URL."""
import json

from support import peers, tap
from support.peers import (PATH, answer, document, login, redirect, status, to_address,
                           to_url)
from support.programs import usher
from world import (ADDRESS, B, BLOCKED, C, FOUND, HERE, MAIL, NOT_FOUND, OTHER, OURS, PASSWORD,
                   PLAIN, REJECTED, SRV, UNAVAILABLE, at_terminal, authority, expect, find, good)

CONF = f'autoconfig.{B}'
BOTH = authority.issue(*OURS, CONF, OTHER, label='where')
SVC = '/autodiscover/autodiscover.svc'
CONFIG = b'''<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="contoso.example">
<domain>contoso.example</domain><displayName>Contoso</displayName>
<incomingServer type="imap"><hostname>imap.contoso.example</hostname><port>993</port>
<socketType>SSL</socketType><username>%EMAILADDRESS%</username>
<authentication>password-cleartext</authentication></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.contoso.example</hostname><port>465</port>
<socketType>SSL</socketType><username>%EMAILADDRESS%</username>
<authentication>password-cleartext</authentication></outgoingServer>
</emailProvider></clientConfig>'''
SOAP = b'''<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body>
<GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Response><ErrorCode>NoError</ErrorCode>
<ErrorMessage/><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><ErrorMessage/>
<RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings>
<UserSetting i:type="StringSetting"><Name>UserDisplayName</Name><Value>Ann Example</Value>
</UserSetting><UserSetting i:type="StringSetting"><Name>ExternalEwsUrl</Name>
<Value>https://mail.contoso.example/EWS/Exchange.asmx</Value></UserSetting></UserSettings>
</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body>
</s:Envelope>'''
MOBILE = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006'
PHONE = (f'<Autodiscover xmlns="{peers.ROOT_NS}"><Response xmlns="{MOBILE}"><Culture>en:us</Culture>'
         f'<User><EMailAddress>{ADDRESS}</EMailAddress></User><Action><Settings><Server>'
         '<Type>MobileSync</Type><Url>https://mail.contoso.example/Microsoft-Server-ActiveSync</Url>'
         '<Name>x</Name></Server></Settings></Action></Response></Autodiscover>').encode()
NO_PROVIDER = document('<Error Time="10:00:00.0000000" Id="1"><ErrorCode>601</ErrorCode>'
                       '<Message>Provider is not available</Message><DebugData/></Error>')


def host(script, **more):
    return peers.Peer(*BOTH, script=script, **more)


def kinds(run):
    """What the answer is about, or the error with which the whole began."""
    return [p['type'] for p in run.json['answer']['protocols']]


def letters(run):
    return ''.join(a['source'] for a in run.json['attempts'])


# ---- languages ----

def soap_service(offers=True):
    """Says at the usual URL that there is SOAP; answers it to who logs in."""
    def behave(connection, request):
        if request['path'] == SVC:
            return login(answer(SOAP))(connection, request)
        field = ('X-SOAP-Enabled: True',) if offers else ()
        return status('401 Unauthorized', 'WWW-Authenticate: Basic realm="contoso"',
                      *field)(connection, request)
    return behave


@tap.case('SOAP is asked where it is offered, and only when the caller wants it')
def _():
    service = host(soap_service())
    run = find({C: service}, '--language', 'soap')
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{C}{SVC}')
    tap.same([(r['method'], r['path']) for r in service.requests],
             [('GET', PATH), ('POST', SVC), ('POST', SVC)])
    tap.same(len(service.logins), 1)
    tap.has(json.dumps(run.json['answer']), 'https://mail.contoso.example/EWS/Exchange.asmx')
    service = host(soap_service())
    expect(find({C: service}), REJECTED)
    tap.true(all(r['path'] == PATH for r in service.requests), 'SOAP was asked')


@tap.case('a host that does not offer SOAP is not asked in it')
def _():
    service = host(soap_service(offers=False))
    expect(find({C: service}, '--language', 'soap'), NOT_FOUND, 'does not offer SOAP')
    tap.same(len(service.requests), 1)


def fault(text):
    """A fault of SOAP, as it comes with HTTP 500."""
    return (b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
            b'<faultcode>s:Client</faultcode><faultstring>' + text +
            b'</faultstring></s:Fault></s:Body></s:Envelope>')


@tap.each([
    ('a fault of SOAP is told in its words', fault(b'no such operation'), UNAVAILABLE,
     'it could not answer: no such operation (Client, HTTP 500)'),
    ('a server in trouble that says nothing in SOAP is one', b'<html>oops</html>', UNAVAILABLE,
     'it is in trouble itself (HTTP 500)'),
    ('settings that come with a 500 are none', SOAP, UNAVAILABLE, 'HTTP 500')])
def _(body, outcome, reason):
    def behave(connection, request):
        if request['path'] == SVC:
            return answer(body, '500 Internal Server Error')(connection, request)
        return status('401 Unauthorized', 'X-SOAP-Enabled: True')(connection, request)
    expect(find({C: host(behave)}, '--language', 'soap'), outcome, reason)


def phones_only(connection, request):
    """Has nothing for Outlook."""
    asked = b'mobilesync' in request['body']
    return answer(PHONE if asked else NO_PROVIDER)(connection, request)


@tap.each([('a service with nothing for Outlook is asked as phones do', []),
           ('a phone asks as phones do at once', ['--language', 'activesync'])])
def _(options):
    service = host(phones_only)
    run = find({C: service}, *options)
    expect(run, FOUND)
    tap.same(kinds(run), ['ActiveSync'])
    tap.same(len(service.requests), 1 if options else 2)


@tap.case('asked in POX only, it is not')
def _():
    expect(find({C: host(phones_only)}, '--language', 'pox'), NOT_FOUND, '601')


def all_languages(connection, request):
    """SOAP, what phones ask, and Outlook's answer, all for who logs in."""
    if request['path'] == SVC:
        body = SOAP
    else:
        body = PHONE if b'mobilesync' in request['body'] else peers.SETTINGS
    if request['method'] == 'GET':
        return status('401 Unauthorized', 'X-SOAP-Enabled: True')(connection, request)
    return login(answer(body))(connection, request)


def languages(run):
    """Which language gave which way."""
    return {p['type']: p.get('language') for p in run.json['answer']['protocols']}


@tap.case('several languages are asked where the first was answered, and joined')
def _():
    service, root = host(all_languages), host(status('404 Not Found'))
    run = find({C: service, B: root}, '--language', 'pox,activesync,soap')
    expect(run, FOUND)
    tap.same(languages(run), {'EXCH': 'pox', 'EXPR': 'pox', 'ActiveSync': 'activesync'})
    tap.same(run.json['answer']['protocols'][1]['ews_url'], f'https://{MAIL}/EWS/Exchange.asmx')
    tap.same(run.json['url'], f'https://{C}{PATH}')
    tap.same(run.json['answer']['user']['legacy_dn'], '/o=Contoso/cn=ann')
    tap.has(letters(run), 'GGGG')
    tap.same([r['path'] for r in service.logins], [PATH, PATH, SVC])
    tap.true(len(root.requests) <= 1, 'the root was asked again')
    times = [a['started_ms'] for a in run.json['attempts'] if a['source'] == 'G']
    tap.same(times, sorted(times))


@tap.case('the way of the language that is named first wins')
def _():
    run = find({C: host(all_languages)}, '--language', 'soap', '--language', 'pox')
    expect(run, FOUND)
    tap.same(run.json['url'], f'https://{C}{SVC}')
    tap.same(languages(run), {'EXPR': 'soap', 'EXCH': 'pox'})


@tap.case('a language that gives nothing does no harm, and the next is asked')
def _():
    run = find({C: host(all_languages), CONF: host({f'/mail/config-v1.1.xml?emailaddress='
                                                    'ann%40contoso.example': answer(CONFIG)})},
               '--language', 'json,pox,autoconfig')
    expect(run, FOUND)
    tap.same(languages(run), {'EXCH': 'pox', 'EXPR': 'pox', 'IMAP': 'autoconfig',
                              'SMTP': 'autoconfig'})
    tap.same(run.json['answer']['provider_name'], 'Contoso')


@tap.case('a language that was led to another address in vain leads no other one there')
def _():
    def behave(connection, request):
        asked = b'mobilesync' in request['body']
        return (answer(PHONE) if asked else to_address('ann@fabrikam.example'))(connection, request)
    run = find({C: host(behave), OTHER: host(status('404 Not Found'))}, '--language',
               'pox,activesync', '--trust-host', 'fabrikam.example')
    expect(run, FOUND)
    tap.same(kinds(run), ['ActiveSync'])
    tap.same(run.json['answer_address'], ADDRESS)


@tap.case('a password that was refused is tried in no other language')
def _():
    service = host(login(answer(), password='another'))
    expect(find({C: service}, '--language', 'pox,soap,activesync'), REJECTED)
    tap.same(len(service.logins), 1)


@tap.case('a password fails three times at most, in all languages together')
def _():
    run = find({name: host(login(peers.reset)) for name in (C, B)}, '--language', 'pox,activesync')
    expect(run, UNAVAILABLE, 'not tried, after that had failed')
    tap.same(sum(a['credentialed'] for a in run.json['attempts']), 3)


@tap.case('a host that a person refused is refused in the next language too')
def _():
    bad = 'bad.fabrikam.example'

    def behave(connection, request):
        phone = b'mobilesync' in request['body']
        return (redirect(f'https://{bad}{PATH}') if phone else login(answer()))(connection, request)
    refused = peers.Peer(*authority.issue(bad), script=login(answer(PHONE)))
    hosts = {MAIL: good(to_address('ann@fabrikam.example')), 'fabrikam.example': good(behave),
             bad: refused}
    status_, said = at_terminal(hosts, [('Go on? [y/N] ', 'n'), ('Go on? [y/N] ', 'y')],
                                '--language', 'pox,activesync', '--password-file', str(PASSWORD),
                                dns={SRV: [(0, 0, 443, bad), (1, 0, 443, MAIL)]})
    tap.same(status_, FOUND, said)
    tap.same(len(refused.requests), 0, said)


@tap.case('what a host offered in one language is remembered in the next')
def _():
    def behave(connection, request):
        offers = ['Basic realm="contoso"']
        if b'mobilesync' not in request['body']:
            offers.append('Digest realm="contoso", nonce="x"')
        return login(answer(PHONE), offers)(connection, request)
    service = host(behave)
    expect(find({C: service}, '--language', 'activesync'), FOUND)
    service = host(behave)
    expect(find({C: service}, '--language', 'pox,activesync'), BLOCKED,
           'it offered better before')
    tap.same(len(service.logins), 0)


@tap.case('a language that is none is refused')
def _():
    done = usher('find', ADDRESS, '--language', 'pox,klingon')
    tap.same(done.returncode, 64)
    tap.has(done.stderr, '`klingon` is none')


def v2(known):
    """Autodiscover V2 for the protocols of `known`."""
    def behave(connection, request):
        protocol = request['path'].rpartition('Protocol=')[2]
        if not request['path'].startswith('/autodiscover/autodiscover.json?Email=ann%40'):
            return status('404 Not Found')(connection, request)
        if protocol not in known:
            return answer(b'{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"no"}',
                          '400 Bad Request', kind='application/json')(connection, request)
        return answer(json.dumps({'Protocol': protocol, 'Url': known[protocol]}).encode(),
                      kind='application/json')(connection, request)
    return behave


@tap.case('Autodiscover V2 is asked for all it can tell, without a login')
def _():
    urls = {'ActiveSync': f'https://{MAIL}/Microsoft-Server-ActiveSync',
            'Ews': f'https://{MAIL}/EWS/Exchange.asmx'}
    service = host(v2(urls))
    run = find({C: service}, '--language', 'json')
    expect(run, FOUND)
    tap.same([p['url'] for p in run.json['answer']['protocols']], list(urls.values()))
    tap.same((len(service.requests), service.logins), (4, []))


@tap.case('Autodiscover V2 leads to the service, when it is among the sources')
def _():
    target = host({PATH: login(answer())})
    hosts = {C: host(v2({'AutodiscoverV1': f'https://{MAIL}{PATH}'})), MAIL: target}
    run = find(hosts, '--sources', 'CJ')
    expect(run, FOUND)
    tap.same((run.json['source'], len(target.logins)), ('J', 1))
    expect(find({C: host(v2({'AutodiscoverV1': f'https://{MAIL}{PATH}'}))}), NOT_FOUND)
    expect(find({C: host(v2({'AutodiscoverV1': 'https://evil.example/autodiscover.xml'}))},
                '--sources', 'CJ'), BLOCKED, 'does not belong')


# ---- Mail Autoconfig ----

WELL_KNOWN = '/.well-known/autoconfig/mail/config-v1.1.xml'
AT_CONF = {f'/mail/config-v1.1.xml?emailaddress=ann%40{B}': answer(CONFIG)}


@tap.each([('at its own host', {CONF: AT_CONF}, f'https://{CONF}/mail/config-v1.1.xml?emailaddress='
            f'ann%40{B}'),
           ('at the domain', {B: {WELL_KNOWN: answer(CONFIG)}}, f'https://{B}{WELL_KNOWN}'),
           ('at both', {CONF: AT_CONF, B: {WELL_KNOWN: status('500 No')}},
            f'https://{CONF}/mail/config-v1.1.xml?emailaddress=ann%40{B}')])
def _(scripts, url):
    hosts = {name: host(script) for name, script in scripts.items()}
    run = find(hosts)
    expect(run, FOUND)
    tap.same((run.json['source'], run.json['url']), ('M', url))
    tap.same(kinds(run), ['IMAP', 'SMTP'])
    tap.same([p['login_name'] for p in run.json['answer']['protocols']], [ADDRESS] * 2)
    tap.same([h.logins for h in hosts.values()], [[]] * len(hosts))


@tap.each([
    ('Autodiscover is preferred to it', {C: answer(), CONF: AT_CONF}, [], FOUND, 'C'),
    ('Autodiscover that takes its time is preferred to it',
     {C: peers.later(2, answer()), CONF: AT_CONF}, [], FOUND, 'C'),
    ('it may be switched off', {CONF: AT_CONF}, ['--no-autoconfig'], NOT_FOUND, None),
    ('it may be the only one to be asked', {C: answer(), CONF: AT_CONF},
     ['--language', 'autoconfig'], FOUND, 'M'),
    ('it does not hide that a login was refused',
     {C: login(answer(), password='other'), CONF: AT_CONF}, [], REJECTED, None),
    ('a refusal of an address does not end the search for it',
     {C: answer(peers.REFUSAL), CONF: AT_CONF}, [], FOUND, 'M'),
    ('who wants a login for it gets none',
     {CONF: login(answer(CONFIG))}, [], NOT_FOUND, None),
    ('it is not taken from a foreign host',
     {CONF: redirect(f'https://{OTHER}/mail/config-v1.1.xml'), OTHER: answer(CONFIG)}, [], BLOCKED,
     None)])
def _(scripts, options, outcome, source):
    hosts = {name: host(script) for name, script in scripts.items()}
    run = find(hosts, *options)
    expect(run, outcome)
    tap.same(run.json['source'], source)
    tap.true(CONF not in hosts or hosts[CONF].logins == [], 'it saw the password')


# ---- sources and switches ----

@tap.each([(f'{value} leaves out what it names', value, expected) for value, expected in {
    'ExcludeHttpsRootDomain': 'CDEMM', 'ExcludeHttpsAutoDiscoverDomain=1': 'BDEM',
    'excludehttpredirect': 'CBEM', 'ExcludeSrvRecord': 'CBDM', 'ExcludeSrvRecord=0': 'CBDEM',
    'ExcludeScpLookup': 'CBDEM', 'EnableOffice365ConfigService=0': 'CBDEM',
    'ZeroConfigExchange': 'CBDEM', 'PreferLocalXML=0': 'CBDEM'}.items()])
def _(value, expected):
    run = find({}, '--outlook', value)
    expect(run, NOT_FOUND)
    tap.same(letters(run), expected)


@tap.each([
    ('ExcludeSrvLookup is a mistake', ['--outlook', 'ExcludeSrvLookup'], 'ExcludeSrvRecord'),
    ('a value that there is not', ['--outlook', 'ExcludeEverything'], 'ExcludeEverything'),
    ('a service that is never asked', ['--outlook', 'EnableOffice365ConfigService=1'], 'only be 0'),
    ('a switch is 0 or 1', ['--outlook', 'PreferLocalXML=2'], 'either 0 or 1'),
    ('a server that is no host', ['--outlook', 'RedirectServers=a b'], 'not a host name'),
    ('a source that there is not', ['--sources', 'CX'], 'CX'),
    ('a source twice', ['--sources', 'CBC'], 'CBC'),
    ('a last known good URL in plain http', ['--last-known-good', 'http://a.example/'], 'https'),
    ('a last known good URL that is none', ['--last-known-good', 'mail'], 'https')])
def _(options, said):
    done = usher('find', ADDRESS, *options)
    tap.same((done.returncode, done.stdout), (64, ''), done.stderr)
    tap.has(done.stderr, said)
    tap.same(len(done.stderr.splitlines()), 1, done.stderr)


@tap.case('the order is the caller\'s')
def _():
    hosts = {C: host(answer()), B: host(answer())}
    expect(find(hosts, '--sources', 'BC'), FOUND)
    run = find({C: host(answer()), B: host(answer())}, '--sources', 'BC')
    tap.same(run.json['source'], 'B')


@tap.case('RedirectServers are trusted')
def _():
    run = find({C: host(to_url(f'https://{OTHER}{PATH}')), OTHER: host(login(answer()))},
               '--outlook', f'RedirectServers={MAIL},{OTHER}')
    expect(run, FOUND)


@tap.case('where the settings were found before is asked first, and others only when it fails')
def _():
    good_one, other = host(login(answer())), host(answer())
    run = find({OTHER: good_one, C: other}, '--last-known-good', f'https://{OTHER}{PATH}')
    expect(run, FOUND)
    tap.same((run.json['source'], len(good_one.logins), other.requests), ('G', 1, []))
    run = find({C: host(answer())}, '--last-known-good', f'https://{OTHER}{PATH}')
    expect(run, FOUND)
    tap.same(run.json['source'], 'C')


@tap.case('ExcludeLastKnownGoodURL leaves it out')
def _():
    good_one = host(login(answer()))
    run = find({OTHER: good_one, C: host(answer())}, '--last-known-good', f'https://{OTHER}{PATH}',
               '--outlook', 'ExcludeLastKnownGoodURL')
    tap.same((run.json['source'], good_one.requests), ('C', []))


@tap.case('a redirect from there is judged like any other')
def _():
    expect(find({OTHER: host(redirect(f'https://evil.example{PATH}'))}, '--last-known-good',
                f'https://{OTHER}{PATH}'), BLOCKED, 'does not belong')


def local(name, content):
    path = HERE / name
    path.write_bytes(content)
    return str(path)


@tap.each([('local XML is taken when the domain has nothing', {}, [], 'F'),
           ('the domain is preferred to it', {C: answer()}, [], 'C'),
           ('it is preferred to a redirect over plain http',
            {PLAIN: redirect(f'https://{MAIL}{PATH}'), MAIL: answer()}, [], 'F'),
           ('it comes first with PreferLocalXML', {C: answer()}, ['--outlook', 'PreferLocalXML'],
            'F')])
def _(scripts, options, source):
    hosts = {name: peers.Peer(script=script) if name == PLAIN else host(script)
             for name, script in scripts.items()}
    run = find(hosts, '--local-xml', local(f'{source}{len(options)}.xml', peers.SETTINGS), *options)
    expect(run, FOUND)
    tap.same(run.json['source'], source)


@tap.case('a redirect in local XML is the caller\'s word')
def _():
    target = host(login(answer()))
    xml = document('<Account><AccountType>email</AccountType><Action>redirectUrl</Action>'
                   f'<RedirectUrl>https://{OTHER}{PATH}</RedirectUrl></Account>')
    run = find({OTHER: target}, '--local-xml', local('redirect.xml', xml))
    expect(run, FOUND)
    tap.same((run.json['source'], len(target.logins)), ('F', 1))


@tap.each([('a file that is not there', None, 'cannot be read', UNAVAILABLE),
           ('a file that is a web page', b'<html>', 'web page', NOT_FOUND),
           ('a file that is empty', b'', 'empty', NOT_FOUND)])
def _(content, said, outcome):
    name = str(HERE / 'nowhere.xml') if content is None else local(f'{said}.xml', content)
    expect(find({}, '--local-xml', name), outcome, said)


@tap.case('Microsoft 365 is asked when told to, and when nothing else answers')
def _():
    cloud = 'autodiscover-s.outlook.com'
    certificate = authority.issue(cloud, label='cloud')
    asked = peers.Peer(*certificate, script=login(answer()))
    run = find({cloud: asked}, '--microsoft-365')
    expect(run, FOUND)
    tap.same((run.json['source'], len(asked.logins)), ('H', 1))
    asked = peers.Peer(*certificate, script=login(answer()))
    expect(find({cloud: asked}), NOT_FOUND)
    tap.same(asked.requests, [])
    asked = peers.Peer(*certificate, script=login(answer()))
    expect(find({cloud: asked, C: good()}, '--microsoft-365'), FOUND)
    tap.same(asked.requests, [])
    asked = peers.Peer(*certificate, script=login(answer()))
    expect(find({cloud: asked}, '--microsoft-365', '--outlook', 'ExcludeExplicitO365Endpoint'),
           NOT_FOUND)
    tap.same(asked.requests, [])


@tap.case('a host that says nothing costs what --connect-timeout says')
def _():
    # By itself it would be waited for until all time is over.
    run = find({B: peers.Hole()}, '--connect-timeout', '200ms', '--timeout', '2s')
    expect(run, NOT_FOUND)
    tap.has(run.json['attempts'][1]['reason'], 'did not answer in time')


if __name__ == '__main__':
    tap.main(jobs=4)
