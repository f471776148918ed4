#!/usr/bin/python3
"""A domain controller of Samba as usher's directory: without Exchange, and with what Exchange would
have made in it."""
import base64
import contextlib
import json
import os
import subprocess
import time
import uuid

import exchange
import samba_dc
from samba_dc import DOMAIN, HOST, PASSWORD, REALM, SUFFIX
from support import certificates, netns, scratch, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.programs import ROOT, usher, usher_json, usher_ok

netns.enter()
stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
netns.add_address(samba_dc.ADDRESS)
stack.enter_context(netns.Dns(folder, [f'{HOST}. A {samba_dc.ADDRESS}']))
dc = stack.enter_context(samba_dc.Controller(folder, 'dsdb:schema update allowed = yes\n'))
authority = certificates.Authority(folder)

ENVIRONMENT = {**os.environ, 'LDAPTLS_CACERT': str(dc.ca)}
AS_ADMINISTRATOR = ('-D', f'administrator@{REALM}', '-w', PASSWORD)
PEOPLE = f'CN=Users,{SUFFIX}'
SECRET = 'Rope&ladder7'
STALE_SECONDS = 20              # far above the refresh and the cache that are set below
GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
ATTIC = '12345678-9abc-4def-8123-456789abcdef'
ROOT_DN = exchange.ORGANIZATION


def load(text):
    """Has ldapmodify make the changes of an LDIF, as the administrator."""
    done = subprocess.run(['ldapmodify', '-x', '-H', dc.ldaps, *AS_ADMINISTRATOR], input=text,
                          env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f'ldapmodify: {done.stderr}')


def directory_entry(dn, *attributes):
    """What ldapsearch sees of an entry."""
    text = subprocess.run(['ldapsearch', '-x', '-LLL', '-o', 'ldif-wrap=no', '-H', dc.ldaps,
                           *AS_ADMINISTRATOR, '-s', 'base', '-b', dn, *attributes],
                          env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(': ')
        if name and name != 'dn':
            found.setdefault(name, []).append(value)
    return found


def entry(name, kind, *lines):
    """The LDIF of somebody with an address."""
    return exchange.entry(f'CN={name},{PEOPLE}', kind, f'mail: {name}@{DOMAIN}', *lines)


def user(name, control=512, *lines):
    """The LDIF of somebody with a password; with 514 for `control` it is of no use."""
    password = base64.b64encode(f'"{SECRET}"'.encode('utf-16-le')).decode()
    return entry(name, 'user', f'sAMAccountName: {name}', f'userPrincipalName: {name}@{DOMAIN}',
                 f'userAccountControl: {control}', f'unicodePwd:: {password}', *lines)


def change(dn, *lines):
    """Adds lines of LDIF to an entry."""
    load(f'dn: {dn}\nchangetype: modify\n' + ''.join(
        f'replace: {name}\n' + ''.join(f'{v}\n' for v in lines if v.split(':')[0] == name) + '-\n'
        for name in dict.fromkeys(v.split(':')[0] for v in lines)))


def guid(attribute, text):
    """A GUID as a line of LDIF."""
    return f'{attribute}:: {base64.b64encode(uuid.UUID(text).bytes_le).decode()}'


def conf(login):
    """The section that says how to get into the directory."""
    return (f'[directory]\nca file = {dc.ca}\nrefresh = 500ms\ncache = 500ms\ntimeout = 10s\n'
            f'state = {folder}/state\n{login}')


load(user('svc-usher'))
secret = scratch.write(folder / 'secret', SECRET + '\n', 0o600)
admin_secret = scratch.write(folder / 'admin', PASSWORD + '\n', 0o600)
BY_PASSWORD = f'login = svc-usher@{REALM}\npassword file = {secret}\n'
BY_NETBIOS = f'login = HARBOUR\\svc-usher\npassword file = {secret}\n'
ADMIN = f'login = administrator@{REALM}\npassword file = {admin_secret}\n'
admin_conf = scratch.write(folder / 'admin.conf', f'directory = {dc.ldaps}\n' + conf(ADMIN))


def manage(*arguments, **options):
    """`usher` as the administrator of the domain."""
    return usher('--config', admin_conf, *arguments, **options)


def serve(login=BY_PASSWORD, uri=dc.ldaps, more='', **options):
    """usherd over the controller; `more` is said of logins."""
    chain, key = authority.issue(f'autodiscover.{DOMAIN}', label='usherd')
    return Usherd(folder, chain, key, directory=uri, config=conf(login) +
                  f'[authentication]\nwindows domains = HARBOUR={DOMAIN}\n{more}', **options)


def ask(daemon, login, address=None, password=SECRET):
    """What the person with this login is told about an address."""
    return request(daemon.https, f'autodiscover.{DOMAIN}', root=authority.root,
                   body=POX_REQUEST.format(address or f'{login}@{DOMAIN}'),
                   fields={'Authorization': basic(login if '@' in login or '\\' in login else
                                                  f'{login}@{DOMAIN}', password)})


def until(what, question):
    """Asks until the answer is right, which is a matter of the refresh."""
    end = time.monotonic() + STALE_SECONDS
    while not question():
        if time.monotonic() > end:
            raise AssertionError(what)
        time.sleep(0.05)


# ---- Active Directory without Exchange ----

load((ROOT / 'packaging/ldap/usher-ad.ldif').read_text(encoding='utf-8')
     .replace('DC=X', SUFFIX))
SITES = f'CN=Sites,CN=Configuration,{SUFFIX}'
load('\n'.join([
    exchange.entry(f'CN=Pier,{SITES}', 'site'), exchange.entry(f'CN=Mole,{SITES}', 'site'),
    exchange.entry(f'CN=192.0.2.0/24,CN=Subnets,{SITES}', 'subnet', f'siteObject: CN=Pier,{SITES}'),
    user('ann'), user('paul', 514), entry('crew', 'group', 'sAMAccountName: crew')]))


@tap.case('usher sets itself up beside what Windows has')
def _():
    done = manage('setup', '--domain', DOMAIN, '--host', f'mail.{DOMAIN}', '--site', 'Pier')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.same(sorted(s['name'] for s in usher_json('--config', admin_conf, 'site', 'list')),
             ['Default-First-Site-Name', 'Mole', 'Pier'])


@tap.case('sites are Windows\' own: they are changed there')
def _():
    done = manage('site', 'set', 'Pier', '--subnets', '198.51.100.0/24')
    tap.same(done.returncode, 65)
    tap.has(done.stderr, 'subnets')


@tap.each([
    ('by a password and LDAPS', BY_PASSWORD, dc.ldaps),
    ('by DOMAIN\\user and StartTLS', BY_NETBIOS + 'start tls = yes\n', dc.uri),
])
def _(login, uri):
    with serve(login, uri) as daemon:
        answer = ask(daemon, 'ann')
        tap.same(answer.status, 200)
        tap.has(answer.body, b'<LegacyDN>')
        tap.has(answer.body, f'mail.{DOMAIN}'.encode())
        tap.same(ask(daemon, 'HARBOUR\\ann', f'ann@{DOMAIN}').status, 200)
        tap.same(ask(daemon, 'ann', password='wrong').status, 401)
        tap.same(ask(daemon, 'paul').status, 401)
        tap.has(ask(daemon, 'ann', f'crew@{DOMAIN}').body, b'<ErrorCode>500</ErrorCode>')


@tap.case('whom samba-tool makes gets an answer, and whom it disables gets none')
def _():
    with serve() as daemon:
        tap.same(ask(daemon, 'nora').status, 401)
        dc.tool('user', 'create', 'nora', SECRET, f'--mail-address=nora@{DOMAIN}')
        until('nora was made and gets no answer', lambda: ask(daemon, 'nora').status == 200)
        dc.tool('user', 'disable', 'nora')
        until('nora is disabled and gets answers', lambda: ask(daemon, 'nora').status == 401)


@tap.case('what usher is told of a mailbox, ldapsearch sees')
def _():
    done = manage('mailbox', 'set', f'ann@{DOMAIN}', '--aliases', f'ann.quay@{DOMAIN}',
                  '--redirect-address', 'ann@cloud.example')
    tap.same((done.returncode, done.stderr), (0, ''))
    made = directory_entry(f'CN=ann,{PEOPLE}', 'proxyAddresses', 'usherValue')
    tap.same(sorted(made['proxyAddresses']), [f'SMTP:ann@{DOMAIN}', f'smtp:ann.quay@{DOMAIN}'])
    tap.same(made['usherValue'], ['redirect_address: ann@cloud.example'])
    tap.same(manage('mailbox', 'set', f'ann@{DOMAIN}', '--redirect-address', '').returncode, 0)


@tap.each([
    ('a domain', ('domain', 'add', 'quay.example', '--kind', 'mail'), 'created'),
    ('a service', ('service', 'add', 'quay.example', 'imap', '--host', 'imap.quay.example'), 'created'),
    ('a change', ('domain', 'set', 'quay.example', '--ttl', '5'), 'changed'),
    ('a redirect', ('redirect', 'add', 'quay.example', 'old*', '--redirect-domain', DOMAIN), 'created'),
    ('a relationship', ('relationship', 'add', 'Pilots', '--domains', 'pilots.example'), 'created'),
    ('an Outlook provider', ('provider', 'set', 'EXPR', '--ttl', '3'), 'changed'),
    ('the organization', ('organization', 'set', '--name', 'Harbour'), 'changed'),
])
def _(command, word):
    """First the LDIF of it, which changes nothing; then it is made, and the same again is nothing."""
    ldif = manage(*command, '--dry-run')
    tap.same((ldif.returncode, ldif.stderr), (0, ''))
    tap.has(ldif.stdout, 'changetype: ')
    for wanted in (word, 'nothing to change'):
        done = manage(*command)
        tap.same((done.returncode, done.stderr), (0, ''))
        tap.has(done.stdout, wanted)


@tap.case('a mailbox is put to the person who is there, and taken away without a trace')
def _():
    dc.tool('user', 'create', 'mara', SECRET)
    attributes = ('objectClass', 'proxyAddresses', 'mail', 'displayName', 'usherValue')
    mara = f'CN=mara,{PEOPLE}'
    before = directory_entry(mara, *attributes)
    done = manage('mailbox', 'add', f'mara@{DOMAIN}', '--login-name', 'mara', '--display-name', 'Mara',
                  '--aliases', f'm@{DOMAIN}')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.same(sorted(directory_entry(mara, 'proxyAddresses')['proxyAddresses']),
             [f'SMTP:mara@{DOMAIN}', f'smtp:m@{DOMAIN}'])
    tap.has(manage('mailbox', 'list').stdout, f'mara@{DOMAIN}')
    tap.same(manage('mailbox', 'remove', f'mara@{DOMAIN}').returncode, 0)
    tap.same(directory_entry(mara, *attributes), before)


@tap.case('accounts are for the tools of Active Directory to make')
def _():
    done = manage('mailbox', 'add', f'stranger@{DOMAIN}')
    tap.true(done.returncode not in (0, 70), done.stdout)
    tap.has(done.stderr, 'account')


@tap.case('a password that usher sets logs in')
def _():
    word = 'Neu&2pässword'
    file = scratch.write(folder / 'word', word + '\n', 0o600)
    done = manage('mailbox', 'password', f'ann@{DOMAIN}', '--password-file', file)
    tap.same((done.returncode, done.stderr), (0, ''))
    with serve() as daemon:
        tap.same(ask(daemon, 'ann', password=word).status, 200)
    tap.same(manage('mailbox', 'password', f'ann@{DOMAIN}', '--password-file', secret).returncode, 0)


@tap.case('what is exported is what is there')
def _():
    document = scratch.write(folder / 'export.json', manage('export').stdout)
    tap.same((manage('diff', document).returncode, manage('diff', document).stderr), (0, ''))
    done = manage('apply', document)
    tap.same((done.returncode, done.stderr), (0, ''))


# ---- and with it ----

@tap.case('Exchange\'s own objects become the configuration')
def _():
    load(exchange.schema(SUFFIX))
    load(exchange.harbour(SUFFIX).ldif())
    servers = {s['name']: s for s in usher_json('--config', admin_conf, 'server', 'list')}
    tap.same({'QUAY1', 'QUAY2', 'OLD'} <= set(servers), True)
    tap.same((servers['QUAY1']['site'], servers['QUAY1']['version'], servers['OLD']['version']),
             ('Pier', '15.1.2507', '14.3.123'))


change_ann = (f'proxyAddresses: SMTP:ann@{DOMAIN}', f'proxyAddresses: smtp:ann.quay@{DOMAIN}',
              'proxyAddresses: X500:/o=Old/cn=ann', guid('msExchMailboxGuid', GUID),
              'msExchRecipientTypeDetails: 1',
              f'msExchHomeServerName: {ROOT_DN}/cn=Configuration/cn=Servers/cn=QUAY1',
              f'homeMDB: CN=DB1,CN=Databases,{exchange.GROUP},CN=Configuration,{SUFFIX}',
              f'legacyExchangeDN: {ROOT_DN}/cn=Recipients/cn=ann',
              guid('msExchArchiveGUID', ATTIC), 'msExchArchiveName: The attic')


@tap.case('people of every kind are answered as Exchange would')
def _():
    change(f'CN=ann,{PEOPLE}', *change_ann)
    load('\n'.join([
        entry('shared', 'user', 'sAMAccountName: shared', 'msExchRecipientTypeDetails: 4',
              f'msExchDelegateListLink: CN=ann,{PEOPLE}'),
        entry('room', 'user', 'sAMAccountName: room', 'msExchRecipientTypeDetails: 16'),
        entry('remote', 'user', 'sAMAccountName: remote', 'msExchRecipientTypeDetails: 2147483648',
              'targetAddress: SMTP:remote@cloud.example', f'proxyAddresses: SMTP:remote@{DOMAIN}',
              'proxyAddresses: smtp:remote@cloud.example'),
        entry('lost', 'user', 'sAMAccountName: lost', 'msExchRecipientTypeDetails: 128'),
        entry('carl', 'contact', 'targetAddress: SMTP:carl@elsewhere.example'),
        entry('carla', 'contact')]))
    with serve(more='visibility = any\n') as daemon:
        body = ask(daemon, 'ann').body.decode()
        for part in (f'<LegacyDN>{ROOT_DN}/cn=Recipients/cn=ann</LegacyDN>',
                     f'<Server>{GUID}@{DOMAIN}</Server>', f'https://quay1.{DOMAIN}/EWS/Exchange.asmx',
                     '<Type>Archive</Type>', '<DisplayName>The attic</DisplayName>',
                     '<Type>Delegate</Type>', f'<SmtpAddress>shared@{DOMAIN}</SmtpAddress>',
                     f'msstd:mail.{DOMAIN}'):
            tap.has(body, part)
        tap.has(ask(daemon, 'ann', f'ann.quay@{DOMAIN}').body, b'<AutoDiscoverSMTPAddress>ann@')
        for mailbox in ('shared', 'room'):
            tap.has(ask(daemon, 'ann', f'{mailbox}@{DOMAIN}').body, b'<Type>EXCH</Type>')
        for moved, target in (('remote', b'remote@cloud.example'),
                              ('carl', b'carl@elsewhere.example')):
            tap.has(ask(daemon, 'ann', f'{moved}@{DOMAIN}').body,
                    b'<RedirectAddr>' + target + b'</RedirectAddr>')
        for nobody in ('crew', 'carla', 'lost', 'nobody'):
            tap.has(ask(daemon, 'ann', f'{nobody}@{DOMAIN}').body, b'<ErrorCode>500</ErrorCode>')


@tap.case('every language has the same of a mailbox')
def _():
    with serve() as daemon:
        for language in ('pox', 'soap', 'activesync'):
            done = usher('find', f'ann@{DOMAIN}', '--json', '--language', language, '--no-scp',
                         '--ca-file', authority.root, '--password-file', secret,
                         *daemon.connect_to(f'autodiscover.{DOMAIN}', DOMAIN))
            tap.same(json.loads(done.stdout)['outcome'], 'found', done.stdout)


@tap.case('who asks by a legacyDN, his own or a former one, is known')
def _():
    with serve() as daemon:
        for dn in (f'{ROOT_DN}/cn=Recipients/cn=ANN', '/o=Old/cn=ann'):
            answer = request(
                daemon.https, f'autodiscover.{DOMAIN}', root=authority.root,
                body=POX_REQUEST.format('').replace('<EMailAddress></EMailAddress>',
                                                    f'<LegacyDN>{dn}</LegacyDN>'),
                fields={'Authorization': basic(f'ann@{DOMAIN}', SECRET)})
            tap.has(answer.body, b'<Type>EXCH</Type>')


@tap.case('a machine account with a keytab is let in, and broken objects are told in the log')
def _():
    keytab = dc.keytab('svc-usher')
    with serve(f'keytab = {keytab}\nlogin = svc-usher@{REALM}\n',
               environment={'KRB5_CONFIG': str(dc.krb5)}) as daemon:
        answer = ask(daemon, 'ann')
        tap.true(answer.status == 200, daemon.log())
        until('nobody is told of HALF', lambda: 'CN=HALF' in daemon.log())


@tap.each([
    ('url', ('url', 'set', 'ews', '--server', 'QUAY1', '--external', 'https://new.example/ews'),
     'CN=EWS (Default Web Site),CN=HTTP,CN=Protocols,CN=QUAY1',
     'msExchExternalHostName', 'https://new.example/ews'),
    ('connection point', ('server', 'set', 'QUAY1', '--internal-uri', 'https://new.example/a'),
     'CN=QUAY1,CN=Autodiscover,CN=Protocols,CN=QUAY1', 'serviceBindingInformation',
     'https://new.example/a'),
    ('Outlook Anywhere', ('outlook-anywhere', 'set', '--server', 'QUAY1', '--external-host', 'new.example'),
     'CN=Rpc (Default Web Site),CN=HTTP,CN=Protocols,CN=QUAY1', 'msExchExternalHostName',
     'https://new.example/rpc'),
])
def _(command, below, attribute, value):
    done = manage(*command)
    tap.same((done.returncode, done.stderr), (0, ''))
    servers = exchange.Organization(SUFFIX).servers
    tap.same(directory_entry(f'{below},{servers}', attribute)[attribute], [value])


@tap.case('what Exchange has no place for is refused, and nothing is changed')
def _():
    done = manage('server', 'set', 'QUAY1', '--fqdn', 'new.example')
    tap.same(done.returncode, 65)
    tap.has(done.stderr, 'fqdn: Exchange keeps it in networkAddress')


with stack:
    tap.main()
