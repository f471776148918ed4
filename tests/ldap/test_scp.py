#!/usr/bin/python3
"""Service connection points: published, listed, changed, checked and removed in a real slapd."""
import contextlib
import json
import socket

import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, scratch, tap
from support.daemon import Usherd
from support.programs import usher, usher_json, usher_ok

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
(folder / 'strangers').mkdir()
strangers = certificates.Authority(folder / 'strangers')
slapd = stack.enter_context(openldap.Slapd(folder, authority))
secret = scratch.write(folder / 'password', PASSWORD + '\n', 0o600)

URL_GUID = '77378F46-2C66-4aa9-A6A6-3E7A48B19596'
POINTER_GUID = '67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68'
OURS = f'CN=Microsoft Exchange Autodiscover,CN=Services,{SUFFIX}'
QUAY = 'https://autodiscover.harbour.example/autodiscover/autodiscover.xml'
LOGIN = ('--login', ADMIN, '--password-file', secret)
FOREST = ('--ldap', slapd.local, *LOGIN)


def scp(verb, *arguments, **options):
    """`usher scp VERB` in the slapd."""
    return usher('scp', verb, *arguments, *FOREST, **options)


def listed(*arguments):
    """The list as JSON."""
    return json.loads(usher('--json', 'scp', 'list', *arguments, *FOREST).stdout)


def entry(name):
    """What ldapsearch sees of a connection point."""
    found = slapd.search(f'(&(objectClass=serviceConnectionPoint)(cn={name}))')
    return next(iter(found.values()), None)


def clear():
    """Takes all connection points away."""
    for dn in slapd.search('(objectClass=serviceConnectionPoint)', '1.1'):
        slapd.change(f'dn: {dn}\nchangetype: delete\n')


@tap.case('where there are none, that is said')
def _():
    done = scp('list')
    tap.same((done.returncode, done.stderr),
             (1, 'usher: there are no service connection points that this login may see\n'))


@tap.case('--dry-run prints LDIF that ldapmodify takes, and changes nothing')
def _():
    done = scp('publish', 'quay1', '--url', QUAY, '--site-scope', 'Pier', '--dry-run')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.same(slapd.search('(cn=Services)'), {})
    slapd.change(done.stdout)
    tap.same(sorted(entry('quay1')['keywords']), [URL_GUID, 'Site=Pier'])
    tap.same(scp('publish', 'quay1', '--url', QUAY, '--site-scope', 'Pier').stdout,
             'Nothing to change.\n')
    clear()


@tap.case('publish makes the entry of the specification')
def _():
    done = scp('publish', 'quay1', '--url', QUAY, '--site-scope', 'Pier,Dry dock')
    tap.same((done.returncode, done.stdout.splitlines()[1:]), (0, [f'created  CN=quay1,{OURS}']))
    made = entry('quay1')
    tap.same({k: sorted(v) for k, v in made.items()}, {
        'objectClass': sorted(['top', 'leaf', 'connectionPoint', 'serviceConnectionPoint']),
        'cn': ['quay1'], 'serviceDNSName': ['quay1'],
        'serviceClassName': ['ms-Exchange-AutoDiscover-Service'],
        'serviceBindingInformation': [QUAY],
        'keywords': [URL_GUID, 'Site=Dry dock', 'Site=Pier']})


@tap.case('told the same twice, nothing changes; told otherwise, other keywords stay')
def _():
    slapd.change(f'dn: cn=quay1,{OURS}\nchangetype: modify\nadd: keywords\nkeywords: Ours=kept\n')
    tap.same(scp('publish', 'quay1', '--url', QUAY).stdout, 'Nothing to change.\n')
    done = scp('publish', 'QUAY1', '--url', QUAY + '?2', '--site-scope', 'Mole')
    tap.same(done.returncode, 0)
    tap.same(sorted(entry('quay1')['keywords']), [URL_GUID, 'Ours=kept', 'Site=Mole'])
    tap.same(entry('quay1')['serviceBindingInformation'], [QUAY + '?2'])


@tap.case('set changes what it is told and nothing else')
def _():
    tap.same(scp('set', 'quay1', '--site-scope', 'München').returncode, 0)
    tap.same(listed()['connection_points'][0]['sites'], ['München'])
    tap.same(scp('set', 'quay1', '--no-sites', '--url', QUAY).returncode, 0)
    tap.same(sorted(entry('quay1')['keywords']), [URL_GUID, 'Ours=kept'])
    tap.same(scp('set', 'quay1', '--url', '').returncode, 0)
    tap.same('serviceBindingInformation' in entry('quay1'), False)
    row = listed()['connection_points'][0]
    tap.same((row['order'], row['note']), (None, 'has no URL: clients pass it over'))


@tap.case('without --url the server is the one of the directory')
def _():
    clear()
    directory = f'sqlite:{folder}/usher.db'
    usher_ok('setup', '--domain', 'harbour.example', '--host', 'mail.harbour.example',
             '--site', 'Pier', directory=directory)
    server = usher_json('server', 'list', directory=directory)[0]
    done = usher('scp', 'publish', *FOREST, directory=directory)
    tap.same((done.returncode, done.stderr), (0, ''))
    row = listed()['connection_points'][0]
    tap.same((row['server'], row['url'], row['sites']),
             (server['name'], server['internal_uri'], server['site_scope']))


@tap.case('list has the order of a client: its site, no site, other sites; the oldest first')
def _():
    clear()
    for name, *site in (('old-mole', 'Mole'), ('any',), ('new-pier', 'Pier'), ('mole', 'Mole')):
        scp('publish', name, '--url', f'https://{name}.harbour.example/a',
            *(('--site-scope', *site) if site else ()))
    # createTimestamp is whole seconds: within one, the directory's order stands.
    rows = listed('--site', 'pier')['connection_points']
    tap.same([(r['order'], r['server'], r['near']) for r in rows],
             [(1, 'new-pier', 'in-site'), (2, 'any', 'any-site'), (3, 'old-mole', 'out-of-site'),
              (4, 'mole', 'out-of-site')])
    tap.same([r['age_days'] for r in rows], [0] * 4)
    rows = listed('--site', 'Pier', '--strict-site')['connection_points']
    tap.same([r['order'] for r in rows], [1, None, None, None])


@tap.case('a pointer for a domain leads its clients away, and only them')
def _():
    tap.same(scp('pointer', 'DC1.Fabrikam.Example', '--domain', 'fabrikam.example').returncode, 0)
    made = entry('dc1.fabrikam.example')
    tap.same((made['serviceBindingInformation'], sorted(made['keywords'])),
             (['LDAP://dc1.fabrikam.example'], [POINTER_GUID, 'Domain=fabrikam.example']))
    away = listed('--domain', 'fabrikam.example')
    tap.same((away['pointer'], [r['order'] for r in away['connection_points']]),
             ('ldap://dc1.fabrikam.example', [None] * 5))
    tap.same(listed('--domain', 'harbour.example')['pointer'], None)
    tap.same(scp('pointer', 'dc1.fabrikam.example', '--domain', 'fabrikam.example').stdout,
             'Nothing to change.\n')
    tap.same(scp('pointer', 'dc1.fabrikam.example', '--remove').returncode, 0)
    tap.same(entry('dc1.fabrikam.example'), None)


@tap.case('remove takes one away, and is content when there is none')
def _():
    tap.same(scp('remove', 'mole').returncode, 0)
    tap.same(entry('mole'), None)
    done = scp('remove', 'mole')
    tap.same((done.returncode, done.stdout), (0, 'Nothing to change.\n'))


@tap.case('check asks as a client does, and finds what is left over and what is wrong')
def _():
    clear()
    chain, key = authority.issue('127.0.0.1')
    path = '/autodiscover/autodiscover.xml'
    with Usherd(folder, chain, key, f'sqlite:{folder}/usher.db') as usherd:
        for name, url in (('good', usherd.url(path)), ('gone', f'https://127.0.0.1:9{path}'),
                          ('nowhere', usherd.url('/nothing')),
                          ('unknown', f'https://no.such.invalid{path}'), ('empty', QUAY)):
            scp('publish', name, '--url', url)
        scp('set', 'empty', '--url', '')
        done = usher('--json', 'scp', 'check', *FOREST, '--ca-file', authority.root)
        untrusted = usher('--json', 'scp', 'check', *FOREST, '--ca-file', strangers.root)
    rows = {r['server']: (r['verdict'], r['found']) for r in json.loads(done.stdout)['checks']}
    tap.same((done.returncode, {k: v[0] for k, v in rows.items()}),
             (2, {'good': 'ok', 'gone': 'error', 'nowhere': 'error', 'unknown': 'error',
                  'empty': 'warning'}), done.stderr)
    for name, words in (('good', 'answers 401'), ('gone', 'nobody answers at 127.0.0.1'),
                        ('nowhere', 'no Autodiscover is there'),
                        ('unknown', 'no.such.invalid has no address'), ('empty', 'has no URL')):
        tap.has(rows[name][1], words)
    rows = {r['server']: r['found'] for r in json.loads(untrusted.stdout)['checks']}
    tap.has(rows['good'], 'will not do')


@tap.case('an entry below an Exchange server is where Exchange has it')
def _():
    clear()
    # Exchange's class is not ours to ship; slapd takes another for a test.
    servers = f'CN=Servers,CN=Harbour,{SUFFIX}'
    slapd.add(f'dn: CN=Harbour,{SUFFIX}\nobjectClass: container\ncn: Harbour\n\n'
              f'dn: {servers}\nobjectClass: container\ncn: Servers\n\n'
              f'dn: CN=ex1,{servers}\nobjectClass: container\n'
              'objectClass: extensibleObject\ncn: ex1\n')
    done = scp('publish', 'ex1', '--url', QUAY, '--dry-run')
    tap.has(done.stdout, f'dn: CN=ex1,{OURS}\n')


@tap.each([
    ('two entries of one server are not chosen from', 'double', 65, 'has two entries'),
    ('a server without an entry cannot be set', 'nobody', 1, 'has no service connection point'),
])
def _(name, status, words):
    if name == 'double':
        scp('publish', 'double', '--url', QUAY)
        slapd.add(f'dn: CN=double,CN=Services,{SUFFIX}\nobjectClass: serviceConnectionPoint\n'
                  f'cn: double\nserviceDNSName: double\nkeywords: {URL_GUID}\n')
    done = scp('set', name, '--no-sites')
    tap.same(done.returncode, status)
    tap.has(done.stderr, words)


@tap.each([
    ('a password without TLS', ['--ldap', slapd.uri, *LOGIN], 3, 'by TLS only'),
    ('a wrong password', ['--ldap', slapd.local, '--login', ADMIN, '--password-file',
                          scratch.write(folder / 'wrong', 'x\n')], 2, 'refuses the login'),
    ('no ticket', ['--ldap', slapd.uri], 2, 'kinit'),
    ('nobody there', ['--ldap', f'ldap://127.0.0.1:{scratch.free_port()}', '--anonymous'], 4,
     'cannot be reached'),
    ('an unknown CA', ['--ldap', slapd.ldaps, '--anonymous'], 3, 'no TLS that can be verified'),
    ('another host on the certificate', ['--ldap', f'ldaps://localhost:{slapd.tls_port}',
                                         '--anonymous', '--ca-file', authority.root], 3,
     'no TLS that can be verified'),
    ('no directory at all', ['--ldap', 'http://harbour.example', '--anonymous'], 64,
     'is no directory'),
    ('nothing said', [], 64, '--ldap ldap://'),
    ('both ways in', ['--ldap', slapd.local, *LOGIN, '--anonymous'], 64, '--anonymous excludes --login'),
])
def _(arguments, status, words):
    done = usher('scp', 'list', *arguments, KRB5CCNAME=f'FILE:{folder}/none')
    tap.same(done.returncode, status, done.stderr)
    tap.has(done.stderr, words)


@tap.each([
    ('over ldaps', '--ldap', slapd.ldaps),
    ('with StartTLS', '--ldap', slapd.uri, '--start-tls'),
])
def _(*arguments):
    done = usher('scp', 'list', *arguments, *LOGIN, '--ca-file', authority.root)
    tap.same((done.returncode, done.stderr), (0, ''))


@tap.case('who may not write is told which right is wanting')
def _():
    slapd.add(f'dn: cn=reader,{SUFFIX}\nobjectClass: person\ncn: reader\nsn: reader\n'
              'userPassword: read\n')
    login = ('--ldap', slapd.local, '--login', f'cn=reader,{SUFFIX}', '--password-file',
             scratch.write(folder / 'reader', 'read\n'))
    done = usher('scp', 'publish', 'quay9', '--url', QUAY, *login)
    tap.same(done.returncode, 77)
    tap.same(done.stderr, f'usher: {OURS}: cn=reader,{SUFFIX} has not the right to create entries in '
                          'it (Create Child): no write access to parent\n')


@tap.case('a directory that says nothing is given up in time')
def _():
    with socket.create_server(('127.0.0.1', 0)) as silent:
        done = usher('scp', 'list', '--ldap', f'ldap://127.0.0.1:{silent.getsockname()[1]}',
                     '--anonymous', '--timeout', '300ms', timeout=20)
    tap.same(done.returncode, 4)
    tap.has(done.stderr, 'does not answer in time')


with stack:
    tap.main()
