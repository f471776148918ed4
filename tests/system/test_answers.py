#!/usr/bin/python3
"""usherd answers mail programs: the right settings, to those who may have them."""
import base64
import concurrent.futures
import os
import pathlib
import shutil
import sqlite3
import time

import site_contoso as site
from support import programs, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.scratch import Folder

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
daemon = Usherd(folder, config='[authentication]\nrealm = contoso "mail"\n' + site.DOMAINS +
                '[log]\nlevel = debug\n')
daemon.__enter__()


def code(answer):
    """The ErrorCode in an answer."""
    return answer.body.split(b'<ErrorCode>')[1].split(b'<')[0].decode()


@tap.case('a user gets the settings of his mailbox')
def _():
    answer = site.ask(daemon, login='nora@contoso.com')
    tap.same(answer.status, 200)
    tap.same(answer.fields['content-type'], 'text/xml; charset=utf-8')
    tap.same(answer.fields['cache-control'], 'private')
    for part in (b'<DisplayName>Nora Lind</DisplayName>', b'<Type>EXCH</Type>',
                 b'<Type>EXPR</Type>', b'<ASUrl>https://cas01.contoso.com/EWS/Exchange.asmx'):
        tap.has(answer.body, part)


@tap.case('the first request, without credentials, is challenged and learns nothing')
def _():
    answer = site.ask(daemon)
    tap.same(answer.status, 401)
    tap.same(answer.fields['www-authenticate'], r'Basic realm="contoso \"mail\""')
    tap.same(answer.fields['content-length'], '0')
    tap.same(answer.body, b'')


@tap.each([
    ('wrong password', 'nora@contoso.com', 'wrong'),
    ('wrong password, again', 'nora@contoso.com', 'wrong'),
    ('unknown user', 'nobody@contoso.com', 'wrong'),
    ('unknown domain', 'nora@unknown.example', 'wrong'),
    ('unknown Windows domain', 'OTHER\\nora', site.PASSWORD),
    ('mailbox without password', 'x@fabrikam.example', 'wrong'),
    ('empty password', 'nora@contoso.com', ''),
    ('empty login', '', site.PASSWORD),
    ('no colon, by a control byte', 'nora@contoso.com', 'a\x01b'),
])
def _(login, password):
    tap.same(site.raw(site.ask(daemon, login=login, password=password)),
             site.raw(site.ask(daemon)))


@tap.each([
    ('bad base64', 'Basic !!!!'),
    ('no base64', 'Basic'),
    ('another scheme', 'Bearer'),
    ('NTLM', 'NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw=='),
])
def _(value):
    tap.same(site.raw(site.ask(daemon, fields={'Authorization': value})),
             site.raw(site.ask(daemon)))


@tap.each([
    ('UTF-8 password', 'jo@contoso.com:grüß'.encode('utf-8')),
    ('Latin-1 password', 'jo@contoso.com:grüß'.encode('latin-1')),
    ('bare name', 'jo:grüß'.encode()),
    ('Windows name', 'CONTOSO\\jo:grüß'.encode()),
    ('Windows name in other case', 'contoso\\Jo:grüß'.encode()),
    ('enterprise name', '\\jo@contoso.com:grüß'.encode()),
    ('capital letters', 'JO@CONTOSO.COM:grüß'.encode()),
])
def _(credentials):
    value = 'Basic ' + base64.b64encode(credentials).decode()
    answer = site.ask(daemon, 'jo@contoso.com', fields={'Authorization': value})
    tap.same(answer.status, 200)
    tap.has(answer.body, b'<DisplayName>Jo</DisplayName>')


@tap.case('an alias logs in and is answered')
def _():
    answer = site.ask(daemon, 'N.Lind@contoso.com', login='n.lind@contoso.com')
    tap.same(answer.status, 200)
    tap.has(answer.body, b'<AutoDiscoverSMTPAddress>nora@contoso.com<')


@tap.case("another user's mailbox and an unknown one get the same refusal")
def _():
    other = site.ask(daemon, 'jo@contoso.com', login='nora@contoso.com')
    unknown = site.ask(daemon, 'nobody@contoso.com', login='nora@contoso.com')
    tap.same(other.status, 200)
    tap.same(code(other), '500')
    tap.same(other.body.split(b'<ErrorCode>')[1], unknown.body.split(b'<ErrorCode>')[1])


@tap.each([
    ('not XML', 'hello', '600'),
    ('DOCTYPE', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '600'),
    ('empty body', '', '600'),
    ('empty address', POX_REQUEST.format(''), '600'),
    ('two at signs', POX_REQUEST.format('a@b@c'), '600'),
    ('no at sign', POX_REQUEST.format('nora'), '600'),
    ('unknown schema', POX_REQUEST.format('nora@contoso.com').replace('2006a', '2099'), '601'),
    ('unknown domain', POX_REQUEST.format('nora@unknown.example'), '500'),
])
def _(body, wanted):
    answer = site.ask(daemon, login='nora@contoso.com', body=body)
    tap.same((answer.status, code(answer)), (200, wanted))
    tap.same(site.raw(site.ask(daemon, body=body)), site.raw(site.ask(daemon)), 'anonymous')


@tap.case('a client that speaks MAPI over HTTP gets it, and neither EXCH nor EXPR beside it')
def _():
    plain = site.ask(daemon, login='nora@contoso.com')
    tap.true(b'mapiHttp' not in plain.body, 'mapiHttp without being asked for')
    for value, wanted in (('1', True), ('2', True), ('0', False), ('-1', False), ('x', False)):
        answer = site.ask(daemon, login='nora@contoso.com',
                          fields={'X-MapiHttpCapability': value})
        tap.same(b'Type="mapiHttp"' in answer.body, wanted, value)


@tap.each([
    ('ExHttpInfo', {'X-ClientCanHandle': 'Negotiate, exhttpinfo'}, True),
    ('another word', {'X-ClientCanHandle': 'ExHttpInformation'}, False),
    ('Outlook 2016', {'User-Agent': 'Microsoft Office/16.0 (Windows NT 10.0; '
                                    'Microsoft Outlook 16.0.5266; Pro)'}, True),
    ('Outlook 2010', {'User-Agent': 'Microsoft Office/14.0 (Windows NT 6.1; '
                                    'Microsoft Outlook 14.0.7113; Pro)'}, False),
    ('another program', {'User-Agent': 'exchangelib/4.9.0'}, False),
])
def _(fields, wanted):
    answer = site.ask(daemon, login='nora@contoso.com', fields=fields)
    tap.same(b'<Type>EXHTTP</Type>' in answer.body, wanted)


@tap.case('a domain open to everybody needs no credentials and looks at none')
def _():
    without = site.ask(daemon, 'any.body@fabrikam.example')
    tap.same(without.status, 200)
    tap.has(without.body, b'<Server>imap.fabrikam.example</Server>')
    for login, password in (('any.body@fabrikam.example', 'theirs'), ('nora@contoso.com', 'no')):
        tap.same(site.raw(site.ask(daemon, 'any.body@fabrikam.example', login=login,
                                   password=password)), site.raw(without))


@tap.case('nor does it let a password be guessed that is remembered from elsewhere')
def _():
    programs.usher_ok('mailbox', 'add', 'sam@fabrikam.example', '--display-name', 'Sam',
                      directory=site.uri(folder))
    site.set_password(folder, 'sam@fabrikam.example', 'sesame')
    login = {'login': 'sam@fabrikam.example', 'password': 'sesame'}
    tap.same(site.ask(daemon, method='GET', body='', **login).status, 200, 'it is not remembered')
    right = site.ask(daemon, 'sam@fabrikam.example', **login)
    tap.has(right.body, b'<Server>imap.fabrikam.example</Server>')
    for fields in ({}, {**login, 'password': 'wrong'}):
        tap.same(site.raw(site.ask(daemon, 'sam@fabrikam.example', **fields)), site.raw(right))


@tap.case('an open domain looks at no mailbox and no login: what cannot be read changes nothing')
def _():
    def spoil(size):
        text = 'x' * size
        with sqlite3.connect(folder / 'usher.db') as db:
            db.execute("UPDATE mailbox SET display_name = ? WHERE address LIKE 'sam@%'", (text,))
            db.execute("UPDATE credential SET password_hash = ? WHERE login_name LIKE 'sam@%'",
                       (text,))

    spoil(5_000_000)  # more than a request may keep in memory
    known, unknown = (site.ask(daemon, f'{name}@fabrikam.example', login='sam@fabrikam.example')
                      for name in ('sam', 'tim'))
    spoil(5)
    tap.same((known.status, unknown.status), (200, 200))
    tap.same(known.body.replace(b'sam@', b'tim@'), unknown.body)
    programs.usher_ok('mailbox', 'remove', 'sam@fabrikam.example', directory=site.uri(folder))


@tap.case('GET and HEAD are challenged, and answer 600 to a user')
def _():
    for method in ('GET', 'HEAD'):
        plain = request(daemon.https, site.HOST, method=method, root=False)
        tap.same((plain.status, plain.body), (401, b''))
        wrong = site.ask(daemon, login='nora@contoso.com', password=f'wrong by {method}',
                         method=method, body='')
        tap.same(site.raw(wrong), site.raw(plain))
        answer = site.ask(daemon, login='nora@contoso.com', method=method, body='')
        tap.same(answer.status, 200)
        tap.same(code(answer) if method == 'GET' else answer.body,
                 '600' if method == 'GET' else b'')


@tap.each([
    ('a request id is given back when asked for',
     {'client-request-id': '{4a-5b}', 'return-client-request-id': 'true'}, '{4a-5b}'),
    ('and not otherwise', {'client-request-id': '{4a-5b}'}, None),
    ('an over-long one is not', {'client-request-id': 'x' * 200,
                                 'return-client-request-id': 'true'}, None),
])
def _(fields, wanted):
    answer = site.ask(daemon, login='nora@contoso.com', fields=fields)
    tap.same(answer.fields.get('client-request-id'), wanted)


@tap.each([
    ('letter case of the path', 'POST', '/AUTODISCOVER/AutoDiscover.XML', 401, None),
    ('encoded path', 'POST', '/%41utodiscover/autodiscover.xml', 401, None),
    ('encoded dot', 'POST', '/autodiscover/autodiscover%2Exml', 400, None),
    ('another path', 'GET', '/nothing', 404, None),
    ('path of the private listener', 'GET', '/metrics', 404, None),
    ('PUT', 'PUT', site.PATH, 405, 'GET, HEAD, POST'),
    ('DELETE', 'DELETE', site.PATH, 405, 'GET, HEAD, POST'),
    ('TRACE', 'TRACE', site.PATH, 405, 'GET, HEAD, POST'),
    ('TRACE elsewhere', 'TRACE', '/nothing', 405, 'GET, HEAD, POST'),
])
def _(method, path, status, allow):
    answer = request(daemon.https, site.HOST, path=path, method=method, root=False)
    tap.same((answer.status, answer.fields.get('allow')), (status, allow))


@tap.case('a body over the limit is refused')
def _():
    answer = site.ask(daemon, login='nora@contoso.com', body='x' * 70000)
    tap.same(answer.status, 413)


@tap.case('a changed password counts at once, the old one no more')
def _():
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
    site.set_password(folder, 'nora@contoso.com', 'another')
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 401)
    tap.same(site.ask(daemon, login='nora@contoso.com', password='another').status, 200)
    site.set_password(folder, 'nora@contoso.com', site.PASSWORD)
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.case('a removed mailbox stops at once, and a new one is there at once')
def _():
    def usher(*arguments):
        programs.usher_ok('mailbox', *arguments, directory=site.uri(folder))

    usher('add', 'new@contoso.com')
    site.set_password(folder, 'new@contoso.com', 'new')
    tap.same(site.ask(daemon, 'new@contoso.com', login='new@contoso.com',
                      password='new').status, 200)
    usher('remove', 'new@contoso.com')
    tap.same(site.ask(daemon, 'new@contoso.com', login='new@contoso.com',
                      password='new').status, 401)


def at_once(n, ask):
    """What asking with the numbers below n gives, all at the same time."""
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(ask, range(n)))


@tap.case('who waits too long for his password to be checked gets 503, and others go on')
def _():
    home = folder / 'slow'
    home.mkdir()
    with Usherd(home, directory=site.uri(folder), top='password threads = 1\n', config=(
            '[limits]\nwork time = 100ms\nhandshake time = 5m\nhead time = 5m\n'
            '[authentication]\nlogin failures = 1000\n')) as slow:
        statuses = at_once(40, lambda number: site.ask(
            slow, login='nora@contoso.com', password=str(number)).status)
        tap.true(503 in statuses and set(statuses) <= {401, 503}, f'statuses: {statuses}')
        end = time.monotonic() + 20
        while site.ask(slow, login='nora@contoso.com').status != 200:
            tap.true(time.monotonic() < end, 'a right password is not checked any more')


@tap.case('while somebody writes to the directory for seconds, questions are answered')
def _():
    writer = sqlite3.connect(folder / 'usher.db', isolation_level=None)
    writer.execute('BEGIN IMMEDIATE')
    writer.execute("UPDATE mailbox SET display_name = 'Half' WHERE address LIKE 'nora@%'")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        answer = site.ask(daemon, login='nora@contoso.com')
        tap.same(answer.status, 200)
        tap.has(answer.body, b'<DisplayName>Nora Lind</DisplayName>')
    writer.execute('ROLLBACK')
    writer.close()


@tap.case('a directory that is gone is 503 with Retry-After, and served again when it is back')
def _():
    away = folder / 'away.db'
    shutil.move(folder / 'usher.db', away)
    try:
        answer = wait_for(503)
        tap.true(int(answer.fields['retry-after']) > 0, 'no Retry-After')
        tap.same(request(daemon.private, 'localhost', '/health', 'GET').status, 503)
        tap.same(site.ask(daemon).status, 503, 'anonymous')
    finally:
        shutil.move(away, folder / 'usher.db')
    wait_for(200)
    tap.same(request(daemon.private, 'localhost', '/health', 'GET').status, 200)


def wait_for(status):
    """Asks until every thread of the daemon has noticed, for at most ten seconds."""
    end = time.monotonic() + 10
    good = 0
    while time.monotonic() < end:
        answer = site.ask(daemon, login='nora@contoso.com')
        good = good + 1 if answer.status == status else 0
        if good == 20:
            return answer
        time.sleep(0.02)
    raise AssertionError(f'not {status} but {answer.status}')


# crypt(5), of a password that nobody knows; takes some ten times as long as one of ours.
COSTLY = ('$6$rounds=500000$usherdusherd$kd1cYMeFszxCVkJXHmguX/gopKzbL2UgRlGFENMs83v5YMWD3QGd/'
          'FqSLJTuXnalCBjousCvjXZFaHifgfiSe.')


@tap.case('who is unknown costs what the hashes of this directory cost, from the first question on')
def _():
    def cost(other, login):
        """CPU seconds that a refusal takes."""
        def spent():
            fields = pathlib.Path(f'/proc/{other.process.pid}/stat').read_text().split(') ')[1]
            return sum(int(n) for n in fields.split()[11:13]) / os.sysconf('SC_CLK_TCK')

        before = spent()
        tap.same(site.ask(other, login=login, password='wrong').status, 401)
        return spent() - before

    home = folder / 'costly'
    home.mkdir()
    site.make(home)
    with sqlite3.connect(home / 'usher.db') as db:
        db.execute('UPDATE credential SET password_hash = ?', (COSTLY,))
    with Usherd(home, listeners=('https',)) as other:
        unknown = cost(other, 'nobody@contoso.com')
        known = cost(other, 'nora@contoso.com')
        tap.true(known / 2 < unknown < known * 2, f'unknown {unknown:.2f} s, known {known:.2f} s')


@tap.case('who guesses passwords has to wait, and nobody else')
def _():
    statuses = [site.ask(daemon, login='jo@contoso.com', password=f'guess{i}').status
                for i in range(12)]
    tap.same(statuses[:10], [401] * 10)
    tap.same(statuses[-1], 429)
    answer = site.ask(daemon, login='jo@contoso.com', password='guess')
    tap.true(int(answer.fields['retry-after']) > 0, 'no Retry-After')
    unknown = [site.ask(daemon, login='nobody2@contoso.com', password=f'guess{i}').status
               for i in range(12)]
    tap.same(unknown, statuses, 'an unknown user')
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.case('who has to wait does not learn the password that its owner uses elsewhere')
def _():
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
    for number in range(12):
        answer = site.ask(daemon, login='nora@contoso.com', password=f'far {number}',
                          source='127.0.0.2')
    tap.same(answer.status, 429)
    tap.same(site.ask(daemon, login='nora@contoso.com', source='127.0.0.2').status, 429)
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.case('who sends many guesses at once has no more of them than one after another')
def _():
    home = folder / 'burst'
    home.mkdir()
    with Usherd(home, directory=site.uri(folder), top='password threads = 2\n', config=(
            '[limits]\nwork time = 1m\n[authentication]\nlogin failures = 3\n')) as burst:
        statuses = at_once(30, lambda number: site.ask(
            burst, login='jo@contoso.com', password=f'at once {number}', timeout=60).status)
    tap.same(set(statuses), {401, 429})
    # Each thread may be at work on one while the last failure allowed is counted.
    tap.true(statuses.count(401) <= 3 + 2, f'{statuses.count(401)} passwords were tried')


def times_in_memory(process, secret):
    """How often a process has it in memory that it may write to; 0 when we may not look."""
    times = 0
    try:
        areas = pathlib.Path(f'/proc/{process.pid}/maps').read_text(encoding='ascii')
        with open(f'/proc/{process.pid}/mem', 'rb') as file:
            for line in areas.splitlines():
                span, rights = line.split()[:2]
                low, high = (int(part, 16) for part in span.split('-'))
                # A sanitizer's shadow is of terabytes and holds nothing.
                if rights.startswith('rw') and high - low < 1 << 28:
                    file.seek(low)
                    times += file.read(high - low).count(secret)
    except OSError:
        pass
    return times


@tap.case('no password is left in memory once it has been looked at')
def _():
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
    for secret in (site.PASSWORD, basic('nora@contoso.com', site.PASSWORD)):
        tap.same(times_in_memory(daemon.process, secret.encode()), 0)


@tap.case('the log names users and holds no secret')
def _():
    log = daemon.log()
    tap.has(log, 'user=nora@contoso.com')
    tap.has(log, 'msg="password refused"')
    for secret in (site.PASSWORD, site.UMLAUT, 'gr\ufffd', 'guess1', 'Basic ', '$y$',
                   base64.b64encode(f'nora@contoso.com:{site.PASSWORD}'.encode()).decode()):
        tap.true(secret not in log, f'{secret!r} is in the log')


@tap.case('SIGTERM ends it with status 0')
def _():
    daemon.__exit__(None)
    folder_block.__exit__(None)


tap.main()
