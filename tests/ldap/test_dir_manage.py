#!/usr/bin/python3
"""Every command that changes a directory, in a real slapd: it does and says what it does and says
of SQLite's, and what is special to people and rights besides."""
import contextlib
import json
import subprocess

import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, scratch, tap
from support.programs import ROOT, usher, usher_ok

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
ACCESS = '\n'.join([
    'olcAccess: to attrs=userPassword by anonymous auth by * none',
    f'olcAccess: to dn.subtree="cn=usher,{SUFFIX}" by dn.exact="cn=clerk,{SUFFIX}" write by * read',
    'olcAccess: to * by * read'])
slapd = stack.enter_context(openldap.Slapd(
    folder, certificates.Authority(folder), more=ACCESS, schemas=('cosine', 'inetorgperson')))
PEOPLE, OURS = f'ou=people,{SUFFIX}', f'cn=usher,{SUFFIX}'
slapd.add(f'dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n')
for name in ('clerk', 'reader'):
    slapd.add(f'dn: cn={name},{SUFFIX}\nobjectClass: person\ncn: {name}\nsn: {name}\n'
              f'userPassword: {name} & key\n')


def conf(login, password):
    """A configuration that logs in so."""
    name = login.split(',', maxsplit=1)[0]
    secret = scratch.write(folder / f'{name}.secret', password + '\n', 0o600)
    return scratch.write(folder / f'{name}.conf', f'directory = {slapd.local}\n[directory]\n'
                         f'login = {login}\npassword file = {secret}\npeople = {PEOPLE}\n'
                         f'state = {folder}/state\n')


CONF = conf(ADMIN, PASSWORD)
LITE = f'sqlite:{folder}/lite.db'


def ldap(*arguments, config=CONF, **options):
    """`usher` on the slapd's directory."""
    return usher('--config', config, *arguments, **options)


def ldap_ok(*arguments, **options):
    """The same, which must succeed; gives what it says."""
    done = ldap(*arguments, **options)
    tap.same((done.returncode, done.stderr), (0, ''))
    return done.stdout


def people():
    """All people, by the first part of their DN."""
    return {dn.split(',')[0]: entry for dn, entry in
            slapd.search('(objectClass=inetOrgPerson)', base=PEOPLE).items()}


def clear():
    """Takes away all that usher and the tests have put there."""
    for base in (OURS, PEOPLE):
        for dn in slapd.search('(objectClass=*)', '1.1', base=base):
            if dn not in (OURS, PEOPLE):
                slapd.change(f'dn: {dn}\nchangetype: delete\n')


# Each behaves alike in both kinds of directory: exit status, and what it says.
COMMANDS = [
    ('domain add b.example --kind mail --display-name', 'B & Söhne'),
    ('domain add b.example --kind mail --display-name', 'B & Söhne'),
    'domain add c.example --kind alias --alias-of b.example',
    'domain add d.example --kind alias --alias-of c.example',
    'domain add e.example --kind exchange --server NOSUCH',
    'domain add e.example --kind exchange --server MAIL',
    'service add b.example imap --host imap.b.example',
    'service add b.example smtp --host smtp.b.example --port 465 --socket tls',
    'service set b.example imap --host imap2.b.example',
    'service add nosuch.example imap --host imap.b.example',
    'service list b.example',
    ('site add', 'Dry dock', '--subnets 10.1.0.0/16,10.2.0.0/16'),
    ('server set MAIL --site', 'Dry dock', '--site-scope', 'Dry dock,Pier'),
    ('site remove', 'Dry dock'),
    'server list',
    'url set ews --external https://out.example/EWS/Exchange.asmx',
    'url list',
    'outlook-anywhere set --external-host out.example',
    'provider set EXPR --ttl 5 --cert-principal-name msstd:out.example',
    'provider list',
    'organization set --administrative-group Pier',
    'relationship add Adatum --domains adatum.example --free-busy limited-details',
    'redirect add harbour.example sales* --redirect-domain b.example',
    'redirect add c.example sales* --redirect-domain b.example',
    'redirect list harbour.example',
    ('mailbox add ann@harbour.example --display-name', 'Ann (A*) \\ Möller'),
    'mailbox add ann@nosuch.example',
    'mailbox add ann@c.example',
    'mailbox set ann@harbour.example --aliases a@harbour.example,a.moeller@harbour.example',
    'mailbox add a@harbour.example',
    'mailbox add bob@harbour.example --aliases a@harbour.example',
    'mailbox add bob@harbour.example --legacy-dn /o=X/cn=bob --owa off --server MAIL',
    'mailbox add cyd@harbour.example --legacy-dn /o=x/CN=BOB',
    'mailbox alternative add ann@harbour.example Harbour --type team '
    '--smtp-address all@harbour.example',
    'mailbox alternative list ann@harbour.example',
    'mailbox set bob@harbour.example --redirect-address ann@harbour.example',
    'mailbox set ann@harbour.example --redirect-address bob@harbour.example',
    'mailbox show bob@harbour.example',
    'mailbox show nobody@harbour.example',
    'mailbox list',
    'domain set harbour.example --kind alias --alias-of b.example',
    'domain remove harbour.example',
    'domain remove b.example',
    'domain remove c.example',
    'domain remove b.example',
    'service list b.example',
    'mailbox alternative remove ann@harbour.example Harbour',
    'mailbox remove bob@harbour.example',
    'mailbox remove bob@harbour.example',
    'mailbox remove ann@harbour.example',
    'redirect remove harbour.example sales*',
    'domain remove harbour.example',
    'domain list',
]


def words(command):
    """The arguments of a command: what is a text of its own stays whole."""
    if isinstance(command, str):
        return command.split()
    return [w for part in command for w in (part.split() if '--' in part or part.islower()
                                            else [part])]


@tap.case('setup makes what it makes of SQLite; told again it has nothing to do')
def _():
    setup = ('setup', '--domain', 'harbour.example', '--host', 'mail.harbour.example')
    usher_ok(*setup, directory=LITE)
    tap.has(ldap_ok(*setup), 'Made: organization, site, server, 8 service URLs')
    tap.has(ldap_ok(*setup), 'Nothing to do')
    tap.same(slapd.search('(usherKey=harbour.example)', base=OURS), {
        f'cn=domain harbour.example,{OURS}': {
            'objectClass': ['usherRecord'], 'cn': ['domain harbour.example'],
            'usherEntity': ['domain'], 'usherKey': ['harbour.example'],
            'usherValue': ['domain: harbour.example', 'server: MAIL'], 'usherRevision': ['1']}})


@tap.each([(' '.join(words(c)), words(c)) for c in COMMANDS])
def _(command):
    here, there = ldap(*command), usher(*command, directory=LITE)
    tap.same((here.returncode, here.stdout), (there.returncode, there.stdout))
    tap.same(here.stderr.replace(OURS, 'HERE'),
             there.stderr.replace(f'{folder}/lite.db', 'HERE'))


@tap.case('a directory comes over whole, and goes back the same')
def _():
    clear()
    document, lite = folder / 'golden.json', f'sqlite:{folder}/golden.db'
    usher_ok('apply', ROOT / 'tests/golden/directory.json', directory=lite)
    scratch.write(document, usher_ok('export', '--with-secrets', directory=lite))
    ldap_ok('apply', document)
    tap.same(ldap_ok('diff', document), 'nothing to change\n')
    tap.same(ldap_ok('export', '--with-secrets'), document.read_text())
    tap.same(ldap_ok('apply', '--prune', document), 'nothing to change\n')


@tap.case('import makes people, and names the bad rows')
def _():
    rows = ''.join(json.dumps({'address': f'user{i}@contoso.example'}) + '\n' for i in range(30))
    done = ldap('mailbox', 'import', scratch.write(
        folder / 'rows.jsonl', rows + '{"address": "x@nosuch.example"}\n'))
    tap.has(done.stdout + done.stderr, 'nosuch.example is not an accepted domain')
    usher_rows = [l for l in ldap_ok('mailbox', 'list').splitlines() if l.startswith('user')]
    tap.same(len(usher_rows), 30 if done.returncode == 0 else 0)


@tap.case('--dry-run prints LDIF that ldapmodify takes, and changes nothing')
def _():
    before = slapd.search('(objectClass=*)')
    done = ldap('domain', 'add', 'dry.example', '--kind', 'mail', '--dry-run')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.same(slapd.search('(objectClass=*)'), before)
    slapd.change(done.stdout)
    tap.has(ldap_ok('domain', 'list'), 'dry.example')
    tap.same(ldap_ok('domain', 'add', 'dry.example', '--kind', 'mail', '--dry-run'),
             '# nothing to change\n')


@tap.case('whoever writes what somebody else has changed meanwhile is noticed')
def _():
    late = ldap_ok('domain', 'set', 'dry.example', '--ttl', '3', '--dry-run')
    ldap_ok('domain', 'set', 'dry.example', '--ttl', '4')
    try:
        slapd.change(late)
    except AssertionError as error:
        tap.has(str(error), 'No such attribute')
    tap.has(ldap_ok('domain', 'show', 'dry.example'), '4')


@tap.case('a person who is there gets a mailbox, and is as before without it')
def _():
    slapd.add(f'dn: uid=ines,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: ines\ncn: Ines Holm\n'
              'sn: Holm\n')
    before = people()['uid=ines']
    ldap_ok('mailbox', 'add', 'ines.holm@contoso.example', '--login-name', 'ines',
            '--aliases', 'ines@contoso.example', '--activesync', 'off')
    made = people()['uid=ines']
    tap.same((sorted(made['proxyAddresses']), made['usherValue'], made['usherEntity']),
             (['SMTP:ines.holm@contoso.example', 'smtp:ines@contoso.example'],
              ['activesync: off'], ['mailbox']))
    tap.has(ldap_ok('mailbox', 'show', 'ines.holm@contoso.example'), 'Ines Holm')
    ldap_ok('mailbox', 'remove', 'ines.holm@contoso.example')
    tap.same(people()['uid=ines'], before)


@tap.case('what usher has not put there it does not remove')
def _():
    slapd.add(f'dn: uid=jo,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: jo\ncn: Jo\nsn: Jo\n'
              'mail: jo@contoso.example\n')
    done = ldap('mailbox', 'remove', 'jo@contoso.example')
    tap.same((done.returncode, 'usher has put nothing there' in done.stderr), (65, True))
    tap.true('uid=jo' in people(), 'the person is gone')


@tap.case('two entries with one address are named, and nothing is guessed')
def _():
    slapd.add(f'dn: uid=jo2,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: jo2\ncn: Jo\nsn: Jo\n'
              'mail: jo@contoso.example\n')
    done = ldap('mailbox', 'set', 'jo@contoso.example', '--display-name', 'Joe')
    tap.has(done.stderr, f'uid=jo,{PEOPLE}')
    tap.has(done.stderr, f'uid=jo2,{PEOPLE}')
    slapd.change(f'dn: uid=jo2,{PEOPLE}\nchangetype: delete\n')


@tap.case('the directory sets the password, and keeps it as it does')
def _():
    secret = scratch.write(folder / 'new', 'Rope & tar\n', 0o600)
    tap.same(ldap_ok('mailbox', 'password', 'jo@contoso.example', '--password-file', secret),
             'Password of jo@contoso.example: set\n')
    done = subprocess.run(['ldapwhoami', '-x', '-H', slapd.local, '-D', f'uid=jo,{PEOPLE}',
                           '-w', 'Rope & tar'], capture_output=True, text=True, check=False)
    tap.same(done.returncode, 0)
    ldap_ok('mailbox', 'password', 'jo@contoso.example', '--remove')
    tap.true('userPassword' not in people()['uid=jo'], 'the password is still there')


RIGHTS = [
    ('domain add r.example --kind mail', 'reader',
     f'cn=domain r.example,{OURS}: this login needs the right to add entries below {OURS}'),
    ('domain set dry.example --ttl 9', 'reader',
     f'cn=domain dry.example,{OURS}: this login needs the right to write its usherValue, '
     'usherRevision'),
    ('domain remove dry.example', 'reader',
     f'cn=domain dry.example,{OURS}: this login needs the right to delete it'),
    ('mailbox set jo@contoso.example --display-name Joe', 'clerk', f'uid=jo,{PEOPLE}: this login '
     'needs the right to write its '),
]


@tap.each([(f'missing right: {row[0]}', *row) for row in RIGHTS])
def _(command, login, wanted):
    config = conf(f'cn={login},{SUFFIX}', f'{login} & key')
    done = ldap(*command.split(), config=config)
    tap.same(done.returncode, 77)
    tap.has(done.stderr.lower(), wanted.lower())


@tap.case('a failure in the middle says what was made, and the same again goes on from there')
def _():
    config = conf(f'cn=clerk,{SUFFIX}', 'clerk & key')
    document = scratch.write(folder / 'half.json', json.dumps({
        'usher': 1, 'domains': [{'domain': 'h.example', 'kind': 'exchange'}],
        'mailboxes': [{'address': 'kim@h.example'}]}))
    done = ldap('apply', document, config=config)
    tap.same(done.returncode, 77)
    tap.has(done.stderr, f'add entries below {PEOPLE}')
    tap.has(done.stderr, '1 of 2 changes are made before it')
    tap.has(ldap_ok('apply', document), 'Mailbox kim@h.example: created')


@tap.case('certificates and authorities lie there, and their keys in files')
def _():
    def told(*arguments):
        return usher_ok('--config', CONF, *arguments)

    ask, answer = folder / 'request.pem', folder / 'answer.pem'
    told('ca', 'init', '--name', 'Root', '--no-passphrase', '--unconstrained')
    told('cert', 'request', '--domain', 'www.contoso.example', '--out', ask)
    told('ca', 'issue', ask, '--out', answer)
    thumbprint = told('cert', 'import', answer).split()[-1]
    told('cert', 'enable', thumbprint, '--services', 'https')
    tap.has(slapd.search(f'(&(usherEntity=certificate)(usherKey={thumbprint}))', 'usherValue',
                         base=OURS).popitem()[1]['usherValue'], 'services: https')
    held = json.loads(told('--json', 'cert', 'show', thumbprint))
    tap.same(held['names'], ['www.contoso.example'])
    keys = list((folder / 'state.keys').iterdir())
    tap.true(keys and all(k.stat().st_mode & 0o77 == 0 for k in keys), str(keys))
    told('cert', 'remove', thumbprint, '--force')
    tap.same(len(list((folder / 'state.keys').iterdir())), len(keys) - 1)
    told('ca', 'remove', 'Root')


@tap.case('a record that makes no sense is named, and only its kind suffers')
def _():
    slapd.add(f'dn: cn=half,{OURS}\nobjectClass: usherRecord\ncn: half\nusherEntity: server\n'
              'usherKey: HALF\nusherValue: name: HALF\n')
    done = ldap('server', 'list')
    tap.same(done.returncode, 65)
    tap.has(done.stderr, f'cn=half,{OURS}')
    tap.has(ldap_ok('domain', 'list'), 'contoso.example')
    slapd.change(f'dn: cn=half,{OURS}\nchangetype: delete\n')


with stack:
    tap.main()
