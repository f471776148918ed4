#!/usr/bin/python3
"""The page for people at /: what it says to whom, in which language, under which header fields."""
import html
import re
import sys

from support import programs, tap
from support.daemon import Usherd
from support.post import request
from support.scratch import Folder

sys.path.insert(0, str(programs.ROOT / 'tests' / 'page'))
import site_page as site    # pylint: disable=wrong-import-position

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
daemon = Usherd(folder, config='[page]\nhelp = https://www.fabrikam.example/help\n')
daemon.__enter__()

ANN = '/?email=ann%40fabrikam.example'


def get(target='/', method='GET', host=site.HOST, fields=None, listener='https', where=None):
    """A GET as a browser sends it."""
    return request(getattr(where or daemon, listener), host, path=target, method=method, fields=fields,
                   root=False if listener == 'https' else None)


def text(answer):
    """What a reader sees: markup dropped, one blank between words."""
    body = re.sub(r'<(style|svg|title)\b.*?</\1>', '', answer.body.decode(), flags=re.S)
    body = re.sub(r'</?(bdi|code|wbr)/?>', '', body)
    return ' '.join(html.unescape(re.sub(r'<[^>]*>', ' ', body)).split())


@tap.case('the header fields let the page load nothing from anywhere')
def _():
    for target in ('/', ANN, '/?email=x', '/?email=a@unknown.example'):
        got = get(target)
        policy = dict(p.strip().split(' ', 1) for p in got.fields['content-security-policy'].split(';'))
        tap.same(policy['default-src'], "'none'")
        tap.same(policy['form-action'], "'self'")
        tap.same(policy['frame-ancestors'], "'none'")
        tap.same(policy['base-uri'], "'none'")
        tap.true('unsafe' not in str(policy), policy)
        tap.same([got.fields[f] for f in ('content-type', 'cache-control', 'referrer-policy',
                                          'x-content-type-options', 'vary', 'content-language')],
                 ['text/html; charset=utf-8', 'no-store', 'no-referrer', 'nosniff', 'Accept-Language',
                  'en'])
        body = got.body.decode()
        tap.same(re.findall(r'<script|\son\w+=|\sstyle=|<link|<img|<iframe', body), [])


@tap.case('a question, and nothing but a question')
def _():
    got = get()
    tap.same(got.status, 200)
    tap.has(text(got), 'Set up your mail program')
    tap.has(text(got), 'Nobody asks for it here.')
    tap.has(got.body, b'<label for="email">Your e-mail address</label>')
    tap.has(got.body, b'<a href="https://www.fabrikam.example/help">Help</a>')
    tap.has(got.body, b'<a href="mailto:help@fabrikam.example">Write to ')
    tap.has(got.body, b'<a href="https://www.fabrikam.example/"><bdi>Fabrikam &amp; S')


@tap.each([
    ('a host name of the domain', site.HOST, True),
    ('its autodiscover host', 'autodiscover.fabrikam.example', True),
    ('the domain itself, with a port', 'FABRIKAM.example:443', True),
    ('another host', 'evil.example', False),
    ('another host beside it', 'www.fabrikam.example', False),
    ('an address', '[::1]:443', False),
])
def _(host, branded):
    got = get(host=host)
    tap.same('Fabrikam & Söhne' in text(got), branded)
    tap.has(text(got), 'For example name@fabrikam.example' if branded else 'For example name@example.org')
    tap.true(b'evil' not in got.body, 'the host that was asked is on the page')


@tap.case('the code leads to a host of the domain, whatever host was asked')
def _():
    def code(host):
        return re.findall(rb'<svg.*?</svg>', get(ANN, host=host).body, re.S)

    tap.same(len(code(site.HOST)), 1)
    tap.same(code('evil.example'), code(site.HOST))
    tap.true(code('autodiscover.fabrikam.example') != code(site.HOST), 'a listed host is not kept')


@tap.case('settings of a mail domain')
def _():
    got = get(ANN)
    tap.same(got.status, 200)
    for part in ('Settings for ann@fabrikam.example', 'Fabrikam & Söhne', 'Outlook', 'Thunderbird',
                 'iPhone, iPad, Mac', 'Android', 'Incoming mail (IMAP)',
                 'Server imap.fabrikam.example Port 993 Encryption SSL/TLS User name ann@fabrikam.example',
                 'Server imap.fabrikam.example Port 993 Encryption (SSL) On',
                 'Server pop.fabrikam.example Port 995',
                 'Server smtp.fabrikam.example Port 587 Encryption STARTTLS User name ann Login',
                 'Calendar (CalDAV) https://dav.fabrikam.example/calendars/ '
                 'Contacts (CardDAV) https://dav.fabrikam.example/contacts/ '
                 'User name ann@fabrikam.example Login Normal password '
                 'Files (WebDAV) https://files.fabrikam.example/ User name ann Login Normal password'):
        tap.has(text(got), part)
    tap.has(got.body, b'<a href="https://webmail.fabrikam.example/">Mail in the browser</a>')


@tap.case('the profile that is offered is there; where none can be made, none is offered')
def _():
    for address, offered in (('ann%40fabrikam.example', ['']),
                             ('nora%40contoso.com', ['&amp;device=phone', '&amp;device=mac']),
                             ('ann%40alias.example', ['']), ('ann%40half.example', [])):
        page = get('/?email=' + address)
        links = re.findall(r'<a href="(/profile[^"]*)" class="button">', page.body.decode())
        tap.same(links, ['/profile.mobileconfig?email=' + address + query for query in offered])
        tap.same('Download profile for iPhone and iPad Download profile for Mac Then' in text(page),
                 len(offered) == 2)
        for link in map(html.unescape, links):
            got = get(link)
            tap.same((got.status, got.fields['content-type']), (200, 'application/x-apple-aspen-config'))


@tap.case('settings of an exchange domain: what the domain alone tells')
def _():
    got = get('/?email=nora%40contoso.com')
    tap.same(got.status, 200)
    for part in ('ActiveSync, for phones https://phone.contoso.com/Microsoft-Server-ActiveSync',
                 'Exchange Web Services https://cas01.contoso.com/EWS/Exchange.asmx',
                 'Server phone.contoso.com', 'your e-mail address, or the login name you were given'):
        tap.has(text(got), part)
    tap.true(b'Nora' not in got.body and b'Lind' not in got.body, 'the mailbox is told')


@tap.case('whether a mailbox exists changes no byte')
def _():
    def both():
        return [get(f'/?email=kim%40{d}') for d in ('contoso.com', 'fabrikam.example')]

    def plain(answers):
        return [(a.status, {k: v for k, v in a.fields.items() if k != 'date'}, a.body) for a in answers]

    before = plain(both())
    for domain in ('contoso.com', 'fabrikam.example'):
        programs.usher_ok('mailbox', 'add', f'kim@{domain}', '--display-name', 'Kim Berg',
                          '--login-name', f'kim.berg@{domain}', directory=f'sqlite:{folder}/usher.db')
    tap.same(plain(both()), before)


@tap.case('two addresses of a domain differ in nothing but themselves')
def _():
    def body(name, domain):
        found = get(f'/?email={name}%40{domain}').body.replace(name.encode(), b'NAME')
        return re.sub(rb'<svg.*?</svg>', b'', found, flags=re.S)

    for domain in ('contoso.com', 'fabrikam.example', 'unknown.example', 'moved.example'):
        tap.same(body('nora', domain), body('nobo', domain))


@tap.each([
    ('no address', 'ann', 400, 'This is not an e-mail address.'),
    ('nothing', '', 400, 'This is not an e-mail address.'),
    ('two at signs', 'a@b@fabrikam.example', 400, 'This is not an e-mail address.'),
    ('a broken escape', '%4', 400, 'This is not an e-mail address.'),
    ('a NUL', 'a%00@fabrikam.example', 400, 'This is not an e-mail address.'),
    ('a line break', 'a%0d%0aX@fabrikam.example', 400, 'This is not an e-mail address.'),
    ('321 characters', 'a' * 304 + '@fabrikam.example', 400, 'This is not an e-mail address.'),
    ('an unknown domain', 'ann@unknown.example', 404, 'We do not serve mail for unknown.example.'),
    ('a moved domain', 'ann@moved.example', 200, 'The mail of moved.example has moved.'),
    ('a domain served elsewhere', 'ann@elsewhere.example', 200, 'elsewhere.example are kept elsewhere'),
    ('a domain without services', 'ann@bare.example', 200, 'There are no settings for bare.example'),
    ('an alias', 'ann@alias.example', 200, 'User name ann@fabrikam.example'),
    ('a plus', 'ann+news@fabrikam.example', 200, 'Settings for ann+news@fabrikam.example'),
    ('umlauts', 'j%C3%B6rg@fabrikam.example', 200, 'Settings for jörg@fabrikam.example'),
    ('blanks around', '%20ann@fabrikam.example%20', 200, 'Settings for ann@fabrikam.example'),
])
def _(address, status, part):
    got = get('/?email=' + address)
    tap.same(got.status, status)
    tap.has(text(got), part)


@tap.each([
    ('in the local part', "a&b'%22%3Cx%3E".replace('&', '%26'), 'fabrikam.example'),
    ('in the domain', 'ann', '%3Cscript%3Ealert(1)%3C/script%3E'),
    ('that ends the field', '%22%3E%3Cb%3E', 'unknown.example'),
])
def _(local, domain):
    got = get(f'/?email={local}@{domain}&lang=%3Cb%3E')
    body = got.body.decode()
    tap.same(re.findall(r'<x>|<script|<b>|""><', body), [])


@tap.each([
    ('German', 'de', 'de'),
    ('Austrian', 'de-AT,de;q=0.9,en;q=0.8', 'de'),
    ('English first', 'en-US,en;q=0.9,de;q=0.8', 'en'),
    ('by weight', 'en;q=0.1, de;q=0.2', 'de'),
    ('nothing that we speak', 'fr, eo;q=0.5', 'en'),
    ('French, else German', 'fr, de;q=0.3', 'de'),
    ('no German at all', 'de;q=0, *', 'en'),
    ('nonsense', ';;q=,,-', 'en'),
])
def _(field, language):
    got = get(ANN, fields={'Accept-Language': field})
    tap.same(got.fields['content-language'], language)
    tap.has(got.body, f'<html lang="{language}">'.encode())


@tap.case('a language that is chosen wins, and stays chosen')
def _():
    got = get(ANN + '&lang=de', fields={'Accept-Language': 'en'})
    tap.same(got.fields['content-language'], 'de')
    tap.has(text(got), 'Einstellungen für ann@fabrikam.example')
    tap.has(got.body, b'<a href="/?email=ann%40fabrikam.example&amp;lang=en" hreflang="en"')
    tap.has(got.body, b'<a href="/?lang=de">Andere Adresse</a>')
    tap.has(get('/?lang=de').body, b'<input type="hidden" name="lang" value="de"/>')


@tap.case('the address is not logged')
def _():
    get('/?email=some.body%40fabrikam.example')
    tap.true('some.body' not in daemon.log(), 'it is')


@tap.each([
    ('settings', 'ann@fabrikam.example', [1, 0, 0]),
    ('a redirect', 'ann@moved.example', [0, 1, 0]),
    ('a refusal', 'ann@unknown.example', [0, 0, 1]),
])
def _(address, more):
    def counted():
        text_of = request(daemon.private, 'localhost', path='/metrics', method='GET').body.decode()
        return [int(n) for n in re.findall(r'^usherd_answers_total{[^}]*} (\d+)$', text_of, re.M)]

    before = counted()
    get('/?email=' + address)
    tap.same([b - a for a, b in zip(before, counted())], more)


@tap.each([
    ('HEAD', 'HEAD', 200),
    ('POST', 'POST', 405),
])
def _(method, status):
    got = get(ANN, method)
    tap.same((got.status, got.body if method == 'HEAD' else b''), (status, b''))


@tap.each([
    ('the domain’s host', site.HOST, 302, f'https://{site.HOST}{ANN}'),
    ('a host that is not ours', 'evil.example', 404, None),
])
def _(host, status, location):
    got = get(ANN, host=host, listener='redirect')
    tap.same((got.status, got.fields.get('location')), (status, location))


@tap.case('the page can be left out')
def _():
    with Folder() as other:
        site.make(other)
        with Usherd(other, config='[page]\nserve = no\n') as quiet:
            tap.same(get(where=quiet).status, 404)


@tap.case('usherd ends in peace')
def _():
    daemon.__exit__(None, None, None)
    folder_block.__exit__(None, None, None)


tap.main()
