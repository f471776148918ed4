#!/usr/bin/python3
"""usherd serves from a real slapd: people are asked for while requests wait, the directory checks
passwords, and whatever becomes of it costs only those who need it."""
import contextlib
import json
import signal
import subprocess
import time

import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, scratch, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.programs import program, usher, usher_ok

HOST = 'cas01.harbour.example'
NORA, JO = 'nora@harbour.example', 'jo@harbour.example'
TIMEOUT = 1             # of a lookup, in seconds
LOOK_SECONDS = 20

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
slapd = stack.enter_context(openldap.Slapd(folder, authority,
                                           schemas=('cosine', 'inetorgperson')))
secret = scratch.write(folder / 'password', PASSWORD + '\n', 0o600)
SECTION = (f'[directory]\nca file = {authority.root}\nlogin = {ADMIN}\npassword file = {secret}\n'
           f'state = {folder}/state\ntimeout = {TIMEOUT}s\nrefresh = 200ms\ncache = 0\n'
           'stale = 1m\n')
conf = scratch.write(folder / 'usher.conf', f'directory = {slapd.ldaps}\n{SECTION}')


def told(*arguments):
    """`usher` with the section of usherd's configuration."""
    return usher_ok('--config', conf, *arguments)


def person(name, more='', password='s3cret'):
    """The entry of somebody with a mailbox."""
    return (f'dn: uid={name},ou=People,{SUFFIX}\nobjectClass: inetOrgPerson\n'
            f'objectClass: usherMailbox\nuid: {name}\ncn: {name}\nsn: {name}\n'
            f'displayName: {name.title()} Lind\nmail: {name}@harbour.example\n{more}'
            + (f'userPassword: {password}\n\n' if password else '\n'))


told('setup', '--domain', 'harbour.example', '--host', HOST)
told('domain', 'add', 'quay.example', '--kind', 'mail')
told('service', 'add', 'quay.example', 'imap', '--host', 'imap.quay.example', '--port', '993',
     '--socket', 'tls')
slapd.add(f'dn: ou=People,{SUFFIX}\nobjectClass: organizationalUnit\nou: People\n\n'
          + person('nora', 'proxyAddresses: smtp:n.lind@harbour.example\n')
          + person('jo', password=None)
          + ''.join(person(f'user{i}') for i in range(40)))
chain, key = authority.issue(HOST)
daemon = stack.enter_context(Usherd(
    folder, certificate=chain, key=key, directory=slapd.ldaps,
    config=SECTION + '[authentication]\nvisibility = any\nremember time = 0\n'
    'remember refusal time = 0\naddress failures = 100000\n[log]\nlevel = debug\n'))


def ask(address=NORA, login=NORA, password='s3cret', body=None, timeout=30):
    """A POX question."""
    fields = {} if login is None else {'Authorization': basic(login, password)}
    return request(daemon.https, HOST, fields=fields, body=body or POX_REQUEST.format(address),
                   root=False, timeout=timeout)


def ask_soap(addresses):
    """Settings of many users."""
    users = ''.join(f'<a:User><a:Mailbox>{x}</a:Mailbox></a:User>' for x in addresses)
    body = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" '
            'xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>'
            '<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>'
            '<w:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/'
            'GetUserSettings</w:Action></s:Header><s:Body><a:GetUserSettingsRequestMessage>'
            f'<a:Request><a:Users>{users}</a:Users><a:RequestedSettings><a:Setting>'
            'UserDisplayName</a:Setting></a:RequestedSettings></a:Request>'
            '</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>')
    return request(daemon.https, HOST, path='/autodiscover/autodiscover.svc', body=body,
                   fields={'Authorization': basic(NORA, 's3cret')}, root=False)


def ask_public():
    """What anybody is told about a domain."""
    return request(daemon.https, 'quay.example', method='GET', root=False,
                   path='/mail/config-v1.1.xml?emailaddress=a@quay.example')


def until(what, truth):
    """Waits for it to become true."""
    end = time.monotonic() + LOOK_SECONDS
    while not truth():
        if time.monotonic() > end:
            raise AssertionError(f'not within {LOOK_SECONDS} s: {what}')
        time.sleep(0.05)


@contextlib.contextmanager
def hanging():
    """The directory takes connections, and says nothing."""
    slapd.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        slapd.process.send_signal(signal.SIGCONT)


# ---- answers ----

@tap.each([
    ('by his address', NORA, NORA, b'<DisplayName>Nora Lind</DisplayName>'),
    ('by his uid', NORA, 'nora', b'<DisplayName>Nora Lind</DisplayName>'),
    ('about a proxy address', 'N.Lind@harbour.example', NORA,
     b'<DisplayName>Nora Lind</DisplayName>'),
    ('about somebody else', JO, NORA, b'<DisplayName>Jo Lind</DisplayName>'),
    ('about nobody', 'nobody@harbour.example', NORA, b'<ErrorCode>500</ErrorCode>'),
    ('with a filter in it', '*)(uid=*@harbour.example', NORA, b'<ErrorCode>'),
])
def _(address, login, wanted):
    """A login by the directory, and what it says of somebody."""
    answer = ask(address, login)
    tap.same(answer.status, 200)
    tap.has(answer.body, wanted)


@tap.each([
    ('wrong password', NORA, 'wrong'),
    ('empty password', NORA, ''),
    ('entry without a password', JO, 's3cret'),
    ('unknown login', 'nobody@harbour.example', 's3cret'),
    ('unknown domain', 'nora@elsewhere.example', 's3cret'),
    ('Windows domain that nobody knows', 'OTHER\\nora', 's3cret'),
    ('star', '*', 's3cret'),
    ('DN', f'uid=nora,ou=People,{SUFFIX}', 's3cret'),
])
def _(login, password):
    """All refusals are one answer, and neither it nor its time says anything."""
    begun = time.monotonic()
    answer = ask(login=login, password=password)
    tap.same((answer.status, answer.body), (401, b''))
    if password:  # nobody has an empty one: that is seen without asking
        tap.true(time.monotonic() - begun > 0.14, 'it took the time of a hash')


@tap.case('an open domain is answered from the configuration alone, in all its languages')
def _():
    before = daemon.metrics()
    tap.has(ask('x@quay.example', None).body, b'<Server>imap.quay.example</Server>')
    tap.has(ask_public().body, b'<hostname>imap.quay.example</hostname>')
    tap.same(daemon.metrics()['usherd_directory_lookups_total'],
             before['usherd_directory_lookups_total'])


@tap.case('a request asks for one person once, and the next one again when nothing is cached')
def _():
    before = daemon.metrics()['usherd_directory_lookups_total']
    ask(NORA, NORA)
    once = daemon.metrics()['usherd_directory_lookups_total'] - before
    ask(NORA, NORA)
    tap.same(daemon.metrics()['usherd_directory_lookups_total'] - before, 2 * once)
    tap.true(1 <= once <= 3, f'{once} lookups for one question')


@tap.case('forty users of one SOAP question are asked for at once')
def _():
    addresses = [f'user{i}@harbour.example' for i in range(40)]
    before = daemon.metrics()
    answer = ask_soap(addresses)
    tap.same(answer.status, 200)
    for i in range(40):
        tap.has(answer.body, f'>User{i} Lind<'.encode())
    after = daemon.metrics()
    waits = after['usherd_requests_waited_total'] - before['usherd_requests_waited_total']
    tap.true(waits <= 4, f'it waited {waits} times')
    tap.same(after['usherd_answers_total{kind="settings"}']
             - before['usherd_answers_total{kind="settings"}'], 40)


# ---- changes ----

@tap.case('a change of a person is seen by the next request')
def _():
    slapd.change(f'dn: uid=jo,ou=People,{SUFFIX}\nchangetype: modify\nreplace: displayName\n'
                 'displayName: Jo Berg\n')
    tap.has(ask(JO).body, b'<DisplayName>Jo Berg</DisplayName>')


@tap.case('a change of the configuration is seen within `refresh`')
def _():
    told('domain', 'set', 'quay.example', '--display-name', 'The Quay')
    until('the new name', lambda: b'The Quay' in ask_public().body)


# ---- what may become of a directory ----

@tap.case('while it hangs: 503 within the deadline, and what is in memory is served')
def _():
    before = daemon.metrics()
    with hanging():
        begun = time.monotonic()
        answer = ask('user1@harbour.example', 'user1@harbour.example')
        took = time.monotonic() - begun
        tap.same((answer.status, answer.fields.get('retry-after')), (503, '1'))
        tap.true(took < TIMEOUT + 10, f'it took {took:.1f} s')
        for _ in range(3):
            begun = time.monotonic()
            tap.has(ask_public().body, b'<hostname>imap.quay.example</hostname>')
            tap.has(ask('x@quay.example', None).body, b'<Server>imap.quay.example</Server>')
            tap.true(time.monotonic() - begun < TIMEOUT + 10, 'others waited with it')
        tap.same(request(daemon.private, 'x', path='/health', method='GET').status, 200)
    tap.true(daemon.metrics()['usherd_directory_lookups_failed_total']
             > before['usherd_directory_lookups_failed_total'], 'no failure was counted')


@tap.case('when it goes on, so does everything')
def _():
    # It is said by the thread that has missed it.
    until('answers', lambda: ask().status == 200
          and 'msg="directory available again"' in daemon.log())
    until('a configuration that is fresh',
          lambda: daemon.metrics()['usherd_directory_age_seconds'] < 1)
    tap.has(daemon.log(), 'msg="directory unavailable"')


@tap.case('a reload while it hangs keeps the old configuration, or takes the new one')
def _():
    with hanging():
        daemon.reload()
        tap.has(ask_public().body, b'<hostname>imap.quay.example</hostname>')
    until('answers', lambda: ask().status == 200)


@tap.case('a reload takes another deadline and goes on')
def _():
    text = daemon.config_path.read_text().replace(f'timeout = {TIMEOUT}s', 'timeout = 1500ms')
    scratch.write(daemon.config_path, text)
    count = daemon.log().count('msg=reloaded')
    daemon.reload()
    until('the reload', lambda: daemon.log().count('msg=reloaded') > count)
    tap.has(ask().body, b'<DisplayName>Nora Lind</DisplayName>')


@tap.case('a bad line in the section refuses the reload, and names what is allowed')
def _():
    good = daemon.config_path.read_text()
    scratch.write(daemon.config_path, good.replace('timeout = 1500ms', 'timeout = 2h'))
    daemon.reload()
    until('the refusal', lambda: 'reload refused' in daemon.log())
    tap.has(daemon.log(), 'a time from 10ms to 1m')
    scratch.write(daemon.config_path, good)
    tap.same(ask().status, 200)


@tap.case('it is stopped: 503, and memory serves; started again, it is found again')
def _():
    slapd.stop()
    tap.same(ask('user2@harbour.example', 'user2@harbour.example').status, 503)
    tap.has(ask_public().body, b'<hostname>imap.quay.example</hostname>')
    slapd.start()
    until('answers', lambda: ask('user2@harbour.example', 'user2@harbour.example').status == 200)


@tap.case('usherd -T prints the section complete, and usher refuses one that it cannot read')
def _():
    text = subprocess.run([program('usherd'), '-c', daemon.config_path, '-T'], check=True,
                          capture_output=True, text=True).stdout
    tap.has(text, f'[directory]\nstart tls = no\nca file = {authority.root}\nlogin = {ADMIN}\n')
    tap.has(text, '\ntimeout = 1500ms\nconnections = 2\nrefresh = 200ms\ncache = 0\n')
    done = usher('--config', scratch.write(folder / 'bad.conf', f'directory = {slapd.ldaps}\n'
                 '[directory]\ntime out = 3s\n'), 'domain', 'list')
    tap.same(done.returncode, 65)
    tap.has(done.stderr, 'unknown key `time out`')


@tap.case('status tells of the directory')
def _():
    status = json.loads(request(daemon.private, 'x', path='/status', method='GET').body)
    tap.same((status['directory'], status['directory_available']), (slapd.ldaps, True))
    tap.true(status['counters']['directory_lookups'] > 0, 'no lookup was counted')


@tap.case('the log holds no password')
def _():
    tap.true('s3cret' not in daemon.log() and PASSWORD not in daemon.log(), 'a password is logged')


with stack:
    tap.main()
