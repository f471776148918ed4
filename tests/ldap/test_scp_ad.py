#!/usr/bin/python3
"""Service connection points in the Active Directory of a real domain controller, Samba's: published
by `usher scp`, and found by `usher find`."""
import contextlib
import json
import os
import struct
import subprocess

import ad_find
import ad_serve
import samba_dc
from samba_dc import DOMAIN, HOST, PASSWORD, SUFFIX
from support import netns, scratch, tap
from support.programs import usher

netns.enter()
stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
netns.add_address(samba_dc.ADDRESS)
ad_find.route()
stack.enter_context(netns.Dns(folder, [f'{HOST}. A {samba_dc.ADDRESS}', *ad_find.RECORDS]))
dc = stack.enter_context(samba_dc.Controller(folder))
administrator = dc.ticket('administrator')
dc.tool('user', 'create', 'ines', 'Reader&1reader')
ines = dc.ticket('ines', 'Reader&1reader')
keytab = dc.keytab('ines')
nobody = {**ines, 'KRB5CCNAME': f'FILE:{folder}/none'}

CONFIGURATION = f'CN=Configuration,{SUFFIX}'
SITES = {'Pier': ('10.1.0.0/16', '2001:db8::/32'), 'Dry dock': ('10.1.2.0/24',),
         'Mühle': ('10.0.0.0/8',), 'Mole': ()}
dc.add(*(entry for site, subnets in SITES.items() for entry in (
    f'dn: CN={site},CN=Sites,{CONFIGURATION}\nobjectClass: site\n',
    *(f'dn: CN={subnet},CN=Subnets,CN=Sites,{CONFIGURATION}\nobjectClass: subnet\n'
      f'siteObject: CN={site},CN=Sites,{CONFIGURATION}\n' for subnet in subnets))))
QUAY = f'https://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml'
OURS = f'CN=Microsoft Exchange Autodiscover,CN=Services,{CONFIGURATION}'
LOGIN = ('--login', f'administrator@{samba_dc.REALM}', '--password-file',
         scratch.write(folder / 'password', PASSWORD + '\n', 0o600))


def scp(verb, *arguments, uri=dc.uri, env=None):
    """`usher scp VERB` in the forest, by the administrator's ticket."""
    return usher('scp', verb, *arguments, '--ldap', uri, **(env or administrator))


@tap.case('an entry is published by a Kerberos ticket alone, signed and sealed')
def _():
    done = scp('publish', 'quay1', '--url', QUAY, '--site-scope', 'Pier')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.has(done.stdout, f'created  CN=quay1,{OURS}')


@tap.case('ldapsearch sees it as Exchange would have made it')
def _():
    text = subprocess.run(['ldapsearch', '-Q', '-LLL', '-o', 'ldif-wrap=no', '-Y', 'GSSAPI', '-N',
                           '-H', dc.uri, '-b', f'CN=Configuration,{SUFFIX}',
                           '(&(objectCategory=serviceConnectionPoint)(keywords=Site=Pier))'],
                          env={**os.environ, **administrator}, capture_output=True, text=True,
                          check=True).stdout
    tap.has(text, 'serviceClassName: ms-Exchange-AutoDiscover-Service')
    tap.has(text, f'serviceBindingInformation: {QUAY}')
    tap.has(text, 'objectCategory: CN=Service-Connection-Point,CN=Schema')


@tap.each([
    ('over ldaps with a password', dc.ldaps, LOGIN),
    ('over StartTLS with a password', dc.uri, ('--start-tls', *LOGIN)),
    ('over ldaps with a ticket', dc.ldaps, ()),
])
def _(uri, login):
    done = usher('--json', 'scp', 'list', '--site', 'Pier', '--ldap', uri, *login, '--ca-file',
                 dc.ca, **administrator)
    tap.same((done.returncode, done.stderr), (0, ''))
    row = json.loads(done.stdout)['connection_points'][0]
    tap.same((row['order'], row['server'], row['url'], row['near'], row['age_days']),
             (1, 'quay1', QUAY, 'in-site', 0))


@tap.each([
    ('of the login', ('--login', f'ines@{samba_dc.REALM}'), 0, ''),
    ('of the first in the file', (), 0, ''),
    ('of nobody in the file', ('--login', f'hugo@{samba_dc.REALM}'), 2, 'gives no Kerberos ticket'),
    ('of a stranger', ('--anonymous',), 64, 'excludes'),
])
def _(login, status, message):
    """Without a ticket of the user's: the keys in a file log in."""
    done = scp('list', '--keytab', keytab, *login, env=nobody)
    tap.same(done.returncode, status)
    tap.has(done.stderr, message)


@tap.case('a damaged file of keys is no login, and nobody else logs in instead')
def _():
    broken = scratch.write(folder / 'broken.keytab', 'keys')
    done = scp('list', '--keytab', broken, env=administrator)
    tap.same(done.returncode, 2)
    tap.has(done.stderr, 'gives no Kerberos ticket')


@tap.case('everybody in the domain may read it, and not everybody may change it')
def _():
    tap.has(scp('list', env=ines).stdout, QUAY)
    done = scp('set', 'quay1', '--no-sites', env=ines)
    tap.same((done.returncode, done.stderr),
             (77, f'usher: CN=quay1,{OURS}: your Kerberos ticket has not the right to write its '
                  f'attributes (Write Property): 00002098: Object CN=quay1,{OURS} has no write '
                  'property access\n'))


@tap.each([(f'a computer at {address}', address, site) for address, site in {
    '10.1.9.9': 'Pier', '10.1.2.3': 'Dry dock', '10.200.0.1': 'Mühle', '2001:db8::7': 'Pier',
    '::ffff:10.1.2.3': 'Dry dock', '192.0.2.1': None}.items()])
def _(address, site):
    done = usher('--json', 'scp', 'list', '--client', address, '--ldap', dc.uri, **administrator)
    said = json.loads(done.stdout)
    near = site and ('in-site' if site == 'Pier' else 'out-of-site')
    tap.same((said['site'], said['connection_points'][0]['near']), (site, near))


@tap.case('a site that the forest does not have is no computer\'s')
def _():
    tap.same(scp('list', '--site', 'Peer').stderr,
             'usher: the forest has no site Peer: none of its computers is there\n')
    tap.same(scp('list', '--site', 'MÜHLE').stderr, '')


@tap.case('check finds a scope without a site, and tells of sites that no entry is for')
def _():
    tap.same(scp('publish', 'quay2', '--url', 'https://nowhere.invalid/a', '--site-scope',
                 'Peer,Dry dock').returncode, 0)
    done = usher('--json', 'scp', 'check', '--ldap', dc.uri, **administrator)
    said = json.loads(done.stdout)
    tap.same([r['found'] for r in said['checks'] if r['verdict'] == 'warning'],
             ['the forest has no site Peer'])
    tap.same(sorted(said['sites_left_alone']), ['Default-First-Site-Name', 'Mole', 'Mühle'])
    tap.same(scp('remove', 'quay2').returncode, 0)


def shifted(environment, seconds):
    """The same ticket on a computer whose clock is wrong: the cache notes by how much."""
    cache = environment['KRB5CCNAME'].removeprefix('FILE:')
    with open(cache, 'rb') as file:
        version, header, rest = (data := file.read())[:2], int.from_bytes(data[2:4]), data[4:]
    tap.same(version, b'\5\4')
    offset = struct.pack('>HHHiI', 12, 1, 8, seconds, 0)     # the header: one tag, DeltaTime
    with open(cache + '-shifted', 'wb') as file:
        file.write(version + offset + rest[header:])
    return {**environment, 'KRB5CCNAME': f'FILE:{cache}-shifted'}


@tap.each([
    ('a clock that is an hour wrong', 3600, 'clock and the domain controller\'s are more than five'),
    ('a ticket of yesterday', 11 * 3600, 'the Kerberos ticket has expired; get a new one'),
    ('a ticket of tomorrow', -4 * 3600, 'the Kerberos ticket is of a time to come'),
])
def _(seconds, words):
    done = scp('list', env=shifted(administrator, seconds))
    tap.same(done.returncode, 2)
    tap.has(done.stderr, words)


@tap.each([
    ('no ticket', {'KRB5CCNAME': f'FILE:{folder}/none'}, dc.uri, 2,
     'there is no Kerberos ticket; get one with `kinit`'),
    ('an address for a name', {}, f'ldap://{samba_dc.ADDRESS}', 2,
     'the domain knows no directory of this name'),
    ('no domain controller for tickets', {'KRB5_CONFIG': scratch.write(
        folder / 'krb5-none.conf', dc.krb5.read_text().replace(samba_dc.ADDRESS, '127.1.0.9'))},
     dc.uri, 4, 'no domain controller that gives Kerberos tickets can be reached'),
])
def _(environment, uri, status, words):
    fresh = dc.ticket('administrator', cache='fresh')
    done = scp('list', uri=uri, env={**fresh, **environment})
    tap.same(done.returncode, status, done.stderr)
    tap.has(done.stderr, words)


@tap.case('the right to create is wanting on the container, and where that is missing above it')
def _():
    for verb in (('publish', 'quay9', '--url', QUAY), ('pointer', 'dc9.example')):
        done = scp(*verb, env=ines)
        tap.same(done.returncode, 77)
        tap.has(done.stderr, f'usher: {OURS}: your Kerberos ticket has not the right to create '
                             'entries in it (Create Child): ')


@tap.case('strangers are shown nothing')
def _():
    done = scp('list', '--anonymous')
    tap.true(done.returncode != 0, 'the list was given to a stranger')


@tap.each([
    ('a wrong password', 'ines', 'x', 'the password is wrong'),
    ('a disabled account', 'paul', 'Locked&1locked', 'the account is disabled'),
    ('an expired account', 'vera', 'Locked&1locked', 'the account has expired'),
    ('a password that must be changed', 'otto', 'Locked&1locked',
     'the password must be changed first'),
])
def _(user, password, words):
    if user != 'ines':
        dc.tool('user', 'create', user, password,
                *(['--must-change-at-next-login'] if user == 'otto' else []))
    if user == 'paul':
        dc.tool('user', 'disable', user)
    if user == 'vera':
        dc.tool('user', 'setexpiry', user, '--days=0')
    done = usher('scp', 'list', '--ldap', dc.ldaps, '--ca-file', dc.ca, '--login',
                 f'{user}@{samba_dc.REALM}', '--password-file',
                 scratch.write(folder / 'other', password + '\n', 0o600))
    tap.same(done.returncode, 2)
    tap.has(done.stderr, f'refuses the login: {words}')


@tap.case('sites are changed, and the entry is taken away')
def _():
    tap.same(scp('set', 'quay1', '--site-scope', 'Mole,Dry dock').returncode, 0)
    tap.has(scp('list', '--site', 'Dry dock').stdout, 'in-site')
    tap.same(scp('remove', 'quay1').returncode, 0)
    tap.same(scp('list').returncode, 1)


ad_find.cases(dc, folder, administrator)
ad_serve.cases(dc, folder, stack)

with stack:
    tap.main()
