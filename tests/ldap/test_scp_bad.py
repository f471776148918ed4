#!/usr/bin/python3
"""Service connection points as nobody should have made them, in a real slapd: what is listed of
them, in which order, and what is said."""
import base64
import contextlib
import json
import re

import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, scratch, tap
from support.programs import usher

URL_GUID = '77378F46-2C66-4aa9-A6A6-3E7A48B19596'
POINTER_GUID = '67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68'
HOLDER = f'CN=SCP,{SUFFIX}'

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
secret = scratch.write(folder / 'password', PASSWORD + '\n', 0o600)
read = scratch.write(folder / 'read', 'read\n', 0o600)


def attribute(name, value):
    """A line of LDIF, whatever is in the value."""
    value = value.encode() if isinstance(value, str) else value
    return f'{name}:: {base64.b64encode(value).decode()}\n'


def point(name, url, *keywords, made=None, dn=None, cn=None, more=''):
    """An entry; `made` is its age, without which it has none."""
    return ''.join([
        attribute('dn', dn or f'CN={name},{HOLDER}'), 'objectClass: serviceConnectionPoint\n',
        attribute('cn', cn or name), 'serviceClassName: ms-Exchange-AutoDiscover-Service\n',
        *(attribute('keywords', k) for k in keywords),
        attribute('serviceBindingInformation', url) if url else '',
        f'createTimestamp: {made}0101000000Z\n' if made else '', more])


def https(name):
    """The URL of a server."""
    return f'https://{name}.harbour.example/autodiscover/autodiscover.xml'


BASE = [
    f'dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: harbour\no: Harbour\n',
    f'dn: {HOLDER}\nobjectClass: container\ncn: SCP\n',
    *(f'dn: cn={name},{SUFFIX}\nobjectClass: person\ncn: {name}\nsn: {name}\nuserPassword: read\n'
      for name in ('reader', 'idle'))]


class Forest:
    """A slapd with these entries."""

    def __init__(self, name, *entries, more=''):
        (folder / name).mkdir()
        self.slapd = openldap.Slapd(folder / name, authority, more=f'olcLastMod: FALSE\n{more}')
        self.slapd.load([*BASE, *entries])
        self.slapd.start()
        stack.callback(self.slapd.stop)

    def usher(self, *arguments, user=ADMIN, **options):
        """Runs it as the administrator, or somebody else."""
        return usher(*arguments, '--ldap', self.slapd.local, '--login', user, '--password-file',
                     secret if user == ADMIN else read, **options)

    def listed(self, *arguments, **options):
        """What is tried, in order, and the notes of all, by server."""
        done = self.usher('--json', 'scp', 'list', *arguments, **options)
        tap.same((done.returncode, done.stderr), (0, ''))
        said = json.loads(done.stdout)
        rows = said['connection_points']
        return ([r['server'] for r in rows if r['order']], {r['server']: r['note'] for r in rows},
                said['pointer'])


odd = Forest(
    'odd',
    point('lower', https('lower'), URL_GUID.lower(), 'Site=Dry dock', made=2024),
    point('upper', https('upper'), URL_GUID.upper(), 'SITE=München', made=2020),
    point('ageless', https('ageless'), URL_GUID, 'Site=Pier'),
    point('equal1', https('equal1'), URL_GUID, 'Site=Pier', made=2022),
    point('equal2', https('equal2'), URL_GUID, 'Site=Pier', made=2022),
    point('same', https('EQUAL1').replace('auto', 'AUTO'), URL_GUID, made=2023),
    point('plain', 'http://plain.harbour.example/a', URL_GUID, made=2023),
    point('empty', None, URL_GUID, made=2023),
    point('ftp', 'ftp://x', URL_GUID, made=2023),
    point('nul', b'https://nul\0.harbour.example/', URL_GUID, made=2023),
    point('bell', 'https://bell.harbour.example/\a\x1b[31m', URL_GUID, made=2023),
    point('future', https('future'), URL_GUID, made=2199),
    point('quay1', https('quay1'), URL_GUID, made=2010, more='serviceDNSName: quay1\n'),
    point('conflict', https('conflict'), URL_GUID, made=2011, cn='quay1\nCNF:6d1f2b8e',
          dn=f'CN=quay1\\0ACNF:6d1f2b8e,{HOLDER}'),
    point('star', https('star'), URL_GUID, made=2012, cn='*()\\', dn=f'CN=*()\\\\,{HOLDER}'),
    point('wordless', https('wordless'), made=2012),
    point('huge', https('huge'), URL_GUID, *(f'Site=S{i}' for i in range(3000)), made=2012),
    point('bare', 'LDAP://dc1.fabrikam.example', POINTER_GUID),
    point('foreign', 'LDAP://dc2.fabrikam.example', POINTER_GUID, 'Domain=fabrikam.example'),
    point('ours', 'ldap://DC3.fabrikam.example:390', POINTER_GUID.upper(),
          'domain=Contoso.example', 'Domain=münchen.example'),
    f'dn: CN=elsewhere,{HOLDER}\nobjectClass: referral\nobjectClass: extensibleObject\n'
    'cn: elsewhere\nref: ldap://dc9.fabrikam.example/CN=elsewhere\n')

AGED = ['quay1', 'quay1\nCNF:6d1f2b8e', '*()\\', 'huge', 'upper', 'equal1', 'equal2', 'plain',
        'lower', 'future', 'ageless']


@tap.case('all sites alike: the oldest first, equals as they come, the ageless last')
def _():
    order, notes, pointer = odd.listed()
    tap.same((order, pointer), (AGED, None))
    tap.same('wordless' in notes, False)


@tap.each([
    ('a site with a blank', 'dry dock', 'lower'),
    ('a site that is no ASCII', 'MÜNCHEN', 'upper'),
    ('the same, of two characters', 'Mu\u0308nchen', 'upper'),
    ('one of three thousand', 'S2999', 'huge'),
])
def _(site, first):
    tap.same(odd.listed('--site', site)[0][0], first)


@tap.case('the own site, then those of none, then others')
def _():
    tap.same(odd.listed('--site', 'Pier')[0],
             ['equal1', 'equal2', 'ageless', 'quay1', 'quay1\nCNF:6d1f2b8e', '*()\\', 'plain',
              'future', 'huge', 'upper', 'lower'])
    tap.same(odd.listed('--site', 'Pier', '--strict-site')[0], ['equal1', 'equal2', 'ageless'])


@tap.each([(f'{server!r} has a note', server, note) for server, note in {
    'same': 'has the URL of equal1', 'plain': 'http: no password goes there',
    'empty': 'has no URL: clients pass it over', 'ftp': 'is no web address: clients pass it over',
    'nul': 'has no URL: clients pass it over', 'bell': 'is no web address: clients pass it over',
    'quay1\nCNF:6d1f2b8e': 'left by a replication conflict', 'quay1': None,
    'ageless': 'of unknown age: the last', 'future': 'made in the future: a clock is wrong',
    'bare': 'points to another forest'}.items()])
def _(server, note):
    tap.same(odd.listed()[1][server], note)


@tap.each([
    ('the second of two pointers that is for the domain', 'contoso.example',
     'ldap://dc3.fabrikam.example:390'),
    ('a domain that is no ASCII', 'MÜNCHEN.example', 'ldap://dc3.fabrikam.example:390'),
    ('a pointer for another domain leads nobody', 'tailspin.example', None),
])
def _(domain, pointer):
    order, _, where = odd.listed('--domain', domain)
    tap.same((order, where), ([] if pointer else AGED, pointer))


@tap.case('people see a row of each on one line, without what would move their cursor')
def _():
    done = odd.usher('scp', 'list')
    tap.same(len(done.stdout.splitlines()), 1 + 19)
    tap.same(re.search('[\0-\x09\x0b-\x1f]', done.stdout), None)
    tap.has(done.stdout, 'S0, S1, … 3000')


@tap.case('without URLs the bare pointer leads everybody, and one with a domain nobody else')
def _():
    bare = Forest('bare', point('foreign', 'LDAP://dc2.fabrikam.example', POINTER_GUID,
                                'Domain=fabrikam.example'),
                  point('bare', 'LDAP://dc1.fabrikam.example', POINTER_GUID.lower()),
                  point('second', 'LDAP://dc8.fabrikam.example', POINTER_GUID),
                  point('empty', None, URL_GUID))
    tap.same(bare.listed('--domain', 'contoso.example')[2], 'ldap://dc1.fabrikam.example')


@tap.case('check judges what no client would try, too')
def _():
    few = Forest('few', point('bell', 'https://bell.harbour.example/\a', URL_GUID),
                 point('ftp', 'ftp://x', URL_GUID),
                 point('plain', 'http://127.0.0.1:9/a', URL_GUID),
                 point('blank', ' https://127.0.0.1:9/a ', URL_GUID),
                 point('empty', None, URL_GUID),
                 point('bare', 'LDAP://dc1.fabrikam.example', POINTER_GUID))
    done = few.usher('--json', 'scp', 'check')
    rows = [(r['server'], r['verdict'], r['found']) for r in json.loads(done.stdout)['checks']]
    tap.same((done.returncode, rows), (2, [
        ('bell', 'error', 'this is no URL'), ('ftp', 'error', 'this is no URL'),
        ('plain', 'error', 'its URL is not https: no password goes there'),
        ('empty', 'warning', 'it has no URL'),
        *((n, 'error', 'nobody answers at 127.0.0.1') for n in ('plain', 'blank'))]))


@tap.each([
    ('a name of signs that filters and DNs use', ('set', '*()\\', '--site-scope', 'A*(b)\\'),
     f'dn: cn=*()\\5C,cn=SCP,{SUFFIX}\nchangetype: modify\nadd: keywords\n'
     'keywords: Site=A*(b)\\\n-\n\n'),
    ('a star is no name for all', ('remove', '*'), ''),
    ('blanks and # at the ends of names', ('publish', '#q ', '--url', https('q'), '--site-scope',
                                           ' Dry dock,#1'),
     '\ndn: CN=\\23q\\20,CN=Microsoft Exchange Autodiscover,'),
])
def _(arguments, ldif):
    done = odd.usher('scp', *arguments, '--dry-run')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.has(done.stdout, ldif)


@tap.case('they are made as they were shown, and found again')
def _():
    name, site = 'q*()\\,+"<>;=#', 'A*(b)\\, c'
    tap.same(odd.usher('scp', 'publish', name, '--url', https('q'), '--site-scope', 'A*(b)\\').
             returncode, 0)
    tap.same(odd.usher('scp', 'publish', name, '--url', https('q')).stdout, 'Nothing to change.\n')
    tap.same(odd.usher('scp', 'remove', name).returncode, 0)
    tap.same(name in odd.listed()[1], False, site)


@tap.each([
    ('a referral', ('--base', f'CN=elsewhere,{HOLDER}'), {}, 4,
     'refers to another directory; name that one: ldap://dc9.fabrikam.example/'),
    ('no such base', ('--base', f'CN=nowhere,{HOLDER}'), {}, 1, 'there is no such entry'),
    ('a base that is none', ('--base', 'nonsense'), {}, 65, 'nonsense: this is no DN'),
    ('a client that is none', ('--client', '10.0.0'), {}, 64, '10.0.0: is no IP address'),
    ('a site and a client', ('--client', '10.0.0.1', '--site', 'Pier'), {}, 64,
     'exclude each other'),
    ('a domain that is none', ('--domain', 'a@b'), {}, 64, 'a@b: is no mail domain'),
])
def _(arguments, options, status, words):
    done = odd.usher('scp', 'list', *arguments, **options)
    tap.same((done.returncode, done.stdout), (status, ''))
    tap.has(done.stderr, words)


@tap.case('where a forest knows no subnets a client is at no site')
def _():
    done = odd.usher('scp', 'list', '--client', '10.0.0.1')
    tap.has(done.stdout, '10.0.0.1 is in the subnets of no site.\n')


@tap.each([
    ('to create', ('publish', 'new', '--url', https('new')),
     f'CN=Microsoft Exchange Autodiscover,CN=Services,{SUFFIX}',
     'create entries in it (Create Child): no write access to parent'),
    ('to change', ('set', 'lower', '--no-sites'), f'cn=lower,cn=SCP,{SUFFIX}',
     'write its attributes (Write Property)'),
    ('to take away', ('remove', 'lower'), f'cn=lower,cn=SCP,{SUFFIX}',
     'delete it (Delete): no write access to parent'),
    ('to point', ('pointer', 'dc3.example'),
     f'CN=Microsoft Exchange Autodiscover,CN=Services,{SUFFIX}',
     'create entries in it (Create Child): no write access to parent'),
])
def _(arguments, dn, right):
    done = odd.usher('scp', *arguments, user=f'cn=reader,{SUFFIX}')
    tap.same((done.returncode, done.stderr),
             (77, f'usher: {dn}: cn=reader,{SUFFIX} has not the right to {right}\n'))


@tap.case('a container with another name, and an entry that was moved, are found where they are')
def _():
    holder = f'CN=Services,{SUFFIX}'
    odd.slapd.change(f'dn: CN=Microsoft Exchange Autodiscover,{holder}\nchangetype: modrdn\n'
                     'newrdn: CN=Old\ndeleteoldrdn: 1\n\n'
                     f'dn: CN=upper,{HOLDER}\nchangetype: moddn\nnewrdn: CN=upper\ndeleteoldrdn: 1\n'
                     f'newsuperior: CN=Old,{holder}\n')
    done = odd.usher('scp', 'set', 'upper', '--no-sites')
    tap.has(done.stdout.lower(), f'changed  cn=upper,cn=old,{holder.lower()}\n')
    done = odd.usher('scp', 'publish', 'fresh', '--url', https('fresh'))
    tap.has(done.stdout, f'created  CN=Microsoft Exchange Autodiscover,{holder}\n')


@tap.case('many entries come in pages; a login that may have fewer is told why')
def _():
    many = Forest('many', *(point(f's{i:04}', https(f's{i:04}'), URL_GUID, f'Site=S{i % 7}',
                                  made=2000 + i % 20) for i in range(2500)),
                  more='olcSizeLimit: 500\nolcDbIndex: objectClass,keywords eq')
    order, _, _ = many.listed('--site', 'S3')
    tap.same((len(order), order[0], order[-1]), (2500, 's0080', 's2499'))
    done = many.usher('scp', 'list', user=f'cn=reader,{SUFFIX}')
    tap.same((done.returncode, done.stderr),
             (65, f'usher: {SUFFIX}: has more entries than it gives this login in one search (its '
                  'size limit)\n'))


@tap.each([
    ('an entry of five megabytes', 5, 65, 'the entry is too large'),
    ('an entry of ten megabytes', 10, 65, 'sends a message of more than 8 MB, and was left'),
])
def _(megabytes, status, words):
    large = Forest(f'large{megabytes}', point(
        'large', https('large'), URL_GUID, 'Site=' + 'x' * (megabytes << 20)))
    done = large.usher('scp', 'list')
    tap.same(done.returncode, status, done.stderr)
    tap.has(done.stderr, words)


with stack:
    tap.main()
