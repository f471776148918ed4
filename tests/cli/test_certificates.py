#!/usr/bin/python3
"""`usher cert` from the request to the renewal, with what authorities really send: openssl is the
authority, and the judge of what usher says."""
import concurrent.futures
import contextlib
import datetime
import os
import re
import shlex
import shutil
import socket
import sqlite3
import stat
import subprocess
import threading
import time

from support import programs, scratch, tap
from support.programs import usher, usher_ok

HOST = 'mail.contoso.com'
NAMES = [HOST, 'autodiscover.contoso.com']
THUMBPRINT = re.compile(r'[0-9A-F]{40}\n')


def day(days):
    """That many days from now, as --now takes it."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return then.strftime('%Y-%m-%d')


LATER = day(60)     # when what the authority gives for 30 days has expired

blocks = contextlib.ExitStack()
here = blocks.enter_context(scratch.Folder())


def openssl(*arguments, text=None, **options):
    """Runs openssl, which must succeed; its standard output."""
    done = subprocess.run(['openssl', *map(str, arguments)], input=text, capture_output=True,
                          text=True, check=False, **options)
    tap.same(done.returncode, 0, f'openssl {arguments[0]}: {done.stderr}')
    return done.stdout


# ---- the authority ----

CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
SERVER = 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n'
ROOT, INTERMEDIATE = here / 'root.pem', here / 'intermediate.pem'


def alternatives(names):
    """The line of SANs."""
    kinds = ('IP' if n.replace('.', '').isdigit() or ':' in n else 'DNS' for n in names)
    return 'subjectAltName=' + ','.join(f'{k}:{n}' for k, n in zip(kinds, names)) + '\n'


def sign(request, out, extensions, *more, days=30, issuer=INTERMEDIATE):
    """Has the authority answer the request file with a certificate, PEM."""
    told = scratch.write(out.with_suffix('.ext'), extensions)
    openssl('x509', '-req', '-in', request, '-CA', issuer, '-CAkey', issuer.with_suffix('.key'),
            '-days', days, '-extfile', told, '-out', out, '-set_serial', str(time.time_ns()), *more)
    return out


def new_key(out, kind='ec'):
    """A private key."""
    how = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] if kind == 'ec' else \
        ['-algorithm', 'RSA', '-pkeyopt', f'rsa_keygen_bits:{kind}']
    openssl('genpkey', *how, '-out', out)
    return out


def made_elsewhere(name, extensions=None, *more, key='ec', **options):
    """A certificate and key that were not made here: (certificate, key)."""
    key = new_key(here / f'{name}.key', key)
    openssl('req', '-new', '-key', key, '-subj', f'/CN={HOST}', '-out', here / f'{name}.csr')
    extensions = SERVER + alternatives(NAMES) if extensions is None else extensions
    return sign(here / f'{name}.csr', here / f'{name}.pem', extensions, *more, **options), key


def join(name, *files):
    """The files one behind the other."""
    return scratch.write(here / name, ''.join(f.read_text() for f in files))


def pkcs12(name, certificate, key, password, *more):
    """A PKCS #12 file with chain, key and friendly name."""
    openssl('pkcs12', '-export', '-in', certificate, '-inkey', key, '-certfile', INTERMEDIATE,
            '-out', here / name, '-passout', f'pass:{password}', *more)
    return here / name


new_key(here / 'root.key')
openssl('req', '-x509', '-key', here / 'root.key', '-subj', '/CN=Harbour Root', '-days', '3650',
        '-out', ROOT, '-addext', 'basicConstraints=critical,CA:TRUE',
        '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
new_key(here / 'intermediate.key')
openssl('req', '-new', '-key', here / 'intermediate.key', '-subj', '/CN=Harbour Issuing CA',
        '-out', here / 'intermediate.csr')
sign(here / 'intermediate.csr', INTERMEDIATE, CA, days=3000, issuer=ROOT)

# ---- directories ----

TRUSTING = ('--ca-file', ROOT)
programs.usher_ok('-d', f'sqlite:{here}/usher.db', 'setup', '--domain', 'contoso.com', '--host',
                  HOST)


class Place:
    """A directory of one's own, as `usher setup` leaves it."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = folder / 'usher.db.keys'
        for name in 'usher.db', 'usher.db.keys':
            copy = shutil.copytree if name.endswith('keys') else shutil.copy2
            copy(here / name, folder / name)

    def run(self, *arguments, **options):
        """`usher cert …`, whatever becomes of it."""
        return usher('cert', *arguments, directory=f'sqlite:{self.folder}/usher.db', **options)

    def ok(self, *arguments, **options):
        """The same, which must succeed; its standard output."""
        done = self.run(*arguments, **options)
        tap.same(done.returncode, 0, f'usher cert {" ".join(map(str, arguments))}: {done.stderr}')
        return done.stdout

    def other(self, *arguments):
        """Another command than `cert`."""
        return programs.usher_ok(*arguments, directory=f'sqlite:{self.folder}/usher.db')

    def json(self, *arguments):
        """What it prints with --json."""
        return programs.usher_json('cert', *arguments,
                                   directory=f'sqlite:{self.folder}/usher.db')

    def refused(self, status, words, *arguments, **options):
        """Must fail so, in one line, and change nothing."""
        before = self.rows('*')
        done = self.run(*arguments, **options)
        tap.same((done.returncode, done.stdout), (status, ''), done.stderr)
        last = done.stderr.splitlines()[-1]
        tap.true(last.startswith('usher: '), done.stderr)
        for part in [words] if isinstance(words, str) else words:
            tap.has(last, part)
        tap.same(self.rows('*'), before, 'the certificates')

    def request(self, *arguments):
        """Makes a request: (thumbprint, file)."""
        file = self.folder / f'{len(list(self.folder.iterdir()))}.csr'
        said = self.ok('request', '--key', 'p256', '--out', file, *arguments)
        tap.true(THUMBPRINT.fullmatch(said), said)
        return said.strip(), file

    def imported(self, *arguments, **options):
        """Imports: the thumbprint."""
        said = self.ok('import', *TRUSTING, *arguments, **options)
        tap.true(THUMBPRINT.fullmatch(said), said)
        return said.strip()

    def rows(self, columns):
        """Rows of the directory's table, by SQLite."""
        with contextlib.closing(sqlite3.connect(self.folder / 'usher.db')) as database:
            return database.execute(f'SELECT {columns} FROM certificate').fetchall()

    def served(self):
        """Thumbprints of all that is enabled for https."""
        return [t for t, services in self.rows('thumbprint, services')
                if 'https' in (services or '').split()]

    def tidy(self):
        """Each key has its row and each row its key, and no key is anybody else's to read."""
        rows = {f'{sha256}.pem' for (sha256,) in self.rows('sha256')}
        tap.same({k.name for k in self.keys.iterdir()}, rows, 'keys beside rows')
        for key in self.keys.iterdir():
            tap.same(stat.S_IMODE(key.stat().st_mode), 0o600, str(key))


def place(function):
    """Gives the case a place of its own, and looks whether it is tidy at the end."""
    def run(*arguments):
        with scratch.Folder() as folder:
            mine = Place(folder)
            function(mine, *arguments)
            mine.tidy()
    return run


def answer(mine, file, name='answer', extensions=SERVER + alternatives(NAMES)):
    """What the authority answers to the request: the certificate alone, PEM."""
    return sign(file, mine.folder / f'{name}.pem', extensions)


# ---- from the request to the service ----

def as_pem(mine, leaf):
    """All in one file, in the wrong order."""
    return [scratch.write(mine.folder / 'all.pem', 'From the authority\n' + INTERMEDIATE.read_text()
                          + ROOT.read_text() + leaf.read_text())]


def as_der(mine, leaf):
    """The bare certificate, the way to the root beside it."""
    openssl('x509', '-in', leaf, '-outform', 'DER', '-out', mine.folder / 'a.cer')
    return [mine.folder / 'a.cer', '--chain', INTERMEDIATE]


def as_pkcs7(mine, leaf, form='DER'):
    """Windows' .p7b."""
    openssl('crl2pkcs7', '-nocrl', '-certfile', leaf, '-certfile', INTERMEDIATE, '-outform', form,
            '-out', mine.folder / 'a.p7b')
    return [mine.folder / 'a.p7b']


@tap.each([
    ('an answer in PEM, with text around and in disorder', as_pem),
    ('an answer in DER', as_der),
    ('an answer in PKCS #7', as_pkcs7),
    ('an answer in PKCS #7 as text', lambda mine, leaf: as_pkcs7(mine, leaf, 'PEM')),
])
@place
def _(mine, form):
    pending, file = mine.request('--domain', ','.join(NAMES), '--friendly-name', 'Hafen №1')
    names = openssl('req', '-in', file, '-noout', '-text', '-verify')
    for name in NAMES:
        tap.has(names, f'DNS:{name}')
    tap.has(openssl('req', '-in', file, '-noout', '-subject'), HOST)
    tap.same([c['status'] for c in mine.json('list') if c['thumbprint'] == pending],
             ['PendingRequest'])
    thumbprint = mine.imported(*form(mine, answer(mine, file)))
    tap.same(thumbprint not in mine.served(), True, 'served before it is enabled')
    mine.ok('enable', '-', *TRUSTING, text=f'{thumbprint}\n')
    tap.has(mine.served(), thumbprint)
    shown = mine.json('show', thumbprint[:8].lower(), *TRUSTING)
    tap.same([shown[k] for k in ('status', 'friendly_name', 'names', 'has_private_key',
                                 'is_self_signed', 'not_covered')],
             ['Valid', 'Hafen №1', NAMES, True, False, []])
    tap.same(shown['pem'].count('BEGIN'), 2, 'certificates in the chain')
    tap.same([c for c in mine.json('list') if c['status'] == 'PendingRequest'], [])


@tap.case('a pipeline as in Exchange: import | enable for iis')
@place
def _(mine):
    certificate, key = made_elsewhere('pipeline')
    file = pkcs12('pipeline.pfx', certificate, key, 'x')
    scratch.write(mine.folder / 'p', 'x\n')
    command = shlex.join([programs.program('usher'), '-d', f'sqlite:{mine.folder}/usher.db',
                          'cert'])
    done = subprocess.run(
        ['sh', '-c', f'{command} import {file} --password-file {mine.folder}/p --ca-file {ROOT} | '
                     f'xargs {command} enable --services iis'],
        env=programs.clean_environment(), capture_output=True, text=True, check=False)
    tap.same(done.returncode, 0, done.stderr)
    tap.same(len(mine.served()), 2)


@tap.each([('enable - waits for what is made meanwhile', 'enable', True),
           ('remove - does', 'remove', False)])
def _(command, there):
    with scratch.Folder() as folder:
        mine = Place(folder)
        waiting = subprocess.Popen(
            [programs.program('usher'), '-d', f'sqlite:{folder}/usher.db', 'cert', command, '-', '--force'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=programs.clean_environment())
        # Whoever is to say which has the directory for himself meanwhile.
        thumbprint = mine.ok('new', '--key', 'p256', '--domain', HOST)
        waiting.communicate(thumbprint, timeout=60)
        tap.same(waiting.returncode, 0)
        tap.same(thumbprint.strip() in mine.served(), there)


@tap.case('the request goes to standard output without --out, and its thumbprint beside it')
@place
def _(mine):
    done = mine.run('request', '--domain', HOST, '--key', 'ed25519')
    tap.true(done.stdout.startswith('-----BEGIN CERTIFICATE REQUEST-----'), done.stdout)
    tap.has(openssl('req', '-noout', '-text', '-verify', text=done.stdout), 'ED25519')
    thumbprint = re.search('[0-9A-F]{40}', done.stderr)[0]
    tap.same(mine.ok('export', thumbprint), done.stdout, 'the request once more')
    mine.ok('export', thumbprint, '--form', 'der', '--out', mine.folder / 'r.der')
    openssl('req', '-inform', 'DER', '-in', mine.folder / 'r.der', '-noout', '-verify')


@tap.case('JSON and dry runs')
@place
def _(mine):
    told = mine.json('request', '--domain', HOST, '--key', 'p256')
    openssl('req', '-noout', '-verify', text=told['request'])
    shown = mine.json('show', told['thumbprint'])
    tap.same([shown[k] for k in ('status', 'key', 'names')], ['PendingRequest', 'ECDSA P-256',
                                                              [HOST]])
    told = mine.json('import', with_key, *TRUSTING)
    tap.same(mine.json('show', told['thumbprint'], *TRUSTING)['status'], 'Valid')
    before = mine.rows('*')
    for command in (('new',), ('request', '--domain', HOST), ('remove', told['thumbprint']),
                    ('renew', told['thumbprint']), ('enable', told['thumbprint'], *TRUSTING)):
        tap.same(mine.json(*command, '--dry-run')['dry_run'], True)
        tap.true(not THUMBPRINT.fullmatch(mine.ok(*command, '--dry-run')), f'{command}')
    tap.same(mine.rows('*'), before)


@tap.case('a request that cannot be written is kept')
@place
def _(mine):
    done = mine.run('request', '--domain', HOST, '--key', 'p256', '--out',
                    mine.folder / 'none' / 'r.csr')
    tap.same(done.returncode, 73, done.stderr)
    thumbprint = re.search('[0-9A-F]{40}', done.stderr)[0]
    tap.has(mine.ok('export', thumbprint), 'BEGIN CERTIFICATE REQUEST')


@tap.case('names: from the directory, in any script, wildcards, addresses, underscores')
@place
def _(mine):
    mine.other('domain', 'add', 'fabrikam.com', '--kind', 'mail')
    _, file = mine.request(
        '--include-accepted-domains', '--include-autodiscover', '--include-fqdn',
        '--include-netbios', '--domain', 'bücher.example,*.contoso.com,[2001:DB8::1],192.0.2.1',
        '--domain', 'old_server.contoso.com,MAIL.contoso.com')
    text = openssl('req', '-in', file, '-noout', '-text')
    found = re.search('Subject Alternative Name:.*\n *(.*)', text)[1].split(', ')
    tap.same(sorted(found), sorted([
        'DNS:xn--bcher-kva.example', 'DNS:*.contoso.com', 'IP Address:2001:DB8:0:0:0:0:0:1',
        'IP Address:192.0.2.1', 'DNS:old_server.contoso.com', 'DNS:mail.contoso.com',
        'DNS:contoso.com', 'DNS:fabrikam.com', 'DNS:autodiscover.contoso.com',
        'DNS:autodiscover.fabrikam.com', 'DNS:mail']))


@tap.case('500 names, and not 1001')
@place
def _(mine):
    names = [f'host{i}.contoso.com' for i in range(500)]
    pending, file = mine.request('--domain', ','.join(names))
    tap.same(openssl('req', '-in', file, '-noout', '-text').count('DNS:'), 500)
    tap.has(mine.ok('list'), 'host0.contoso.com, host1.contoso.com and 498 more')
    thumbprint = mine.imported(join('many.pem', answer(mine, file, extensions=SERVER
                                                       + alternatives(names)), INTERMEDIATE))
    tap.same(mine.json('show', thumbprint)['names'], names)
    many = ','.join(f'host{i}.contoso.com' for i in range(1001))
    mine.refused(65, 'more than 1000 names', 'request', '--domain', many)
    mine.refused(1, 'there is no such certificate', 'show', pending)


SUBJECT = 'c=US, s=Washington, o="Contoso, Ltd.", cn=mail.contoso.com'


@tap.each([
    ('a subject as the white paper types it', SUBJECT),
    ('a subject as RFC 4514 has it', r'CN=mail.contoso.com,O=Contoso\, Ltd.,ST=Washington,C=US'),
])
@place
def _(mine, subject):
    _, file = mine.request('--subject', subject, '--domain', 'autodiscover.contoso.com')
    said = openssl('req', '-in', file, '-noout', '-subject', '-nameopt', 'RFC2253')
    tap.same(said.strip(), r'subject=CN=mail.contoso.com,O=Contoso\, Ltd.,ST=Washington,C=US')
    tap.has(openssl('req', '-in', file, '-noout', '-text'),
            'DNS:mail.contoso.com, DNS:autodiscover.contoso.com')


@tap.each([(kind, kind, words) for kind, words in [
    ('rsa:2048', '2048 bit'), ('rsa3072', '3072 bit'), ('p256', 'prime256v1'),
    ('p384', 'secp384r1'), ('ed25519', 'ED25519')]])
@place
def _(mine, kind, words):
    thumbprint = mine.ok('new', '--key', kind).strip()
    shown = mine.json('show', thumbprint)
    tap.has(openssl('x509', '-noout', '-text', text=shown['pem']), words)
    tap.same((shown['names'], shown['status'], shown['is_self_signed']),
             ([HOST, 'mail'], 'Untrusted', True))


# ---- bad input ----

def weak_chain(name, *more, **options):
    """Certificate, intermediate and key in one file."""
    certificate, key = made_elsewhere(name, None, *more, **options)
    return join(f'{name}-all.pem', certificate, options.get('issuer', INTERMEDIATE), key)


def old_authority():
    """One with an RSA key: nobody has ever signed with MD5 by another."""
    new_key(here / 'old.key', 2048)
    openssl('req', '-new', '-key', here / 'old.key', '-subj', '/CN=Harbour Issuing CA',
            '-out', here / 'old.csr')
    sign(here / 'old.csr', here / 'old.pem', CA, issuer=ROOT)
    return here / 'old.pem'


def by_stranger():
    """A certificate with its key by an authority that nobody trusts."""
    new_key(here / 'stranger.key')
    openssl('req', '-x509', '-key', here / 'stranger.key', '-subj', '/CN=Stranger', '-out',
            here / 'stranger.pem')
    return join('strange.pem', *made_elsewhere('strange', issuer=here / 'stranger.pem'))


def cut(name, part):
    """The first part of a file, and nothing behind it."""
    whole = (here / name).read_bytes()
    (here / f'cut-{name}').write_bytes(whole[:int(len(whole) * part)])
    return here / f'cut-{name}'


leaf, leaf_key = made_elsewhere('elsewhere')
with_key = join('with-key.pem', leaf, INTERMEDIATE, leaf_key)
pfx = pkcs12('elsewhere.pfx', leaf, leaf_key, 'geheim')
der = here / 'elsewhere.der'
openssl('x509', '-in', leaf, '-outform', 'DER', '-out', der)
p7b = here / 'elsewhere.p7b'
openssl('crl2pkcs7', '-nocrl', '-certfile', leaf, '-outform', 'DER', '-out', p7b)
for part in 'right', 'wrong':
    scratch.write(here / part, {'right': 'geheim\n', 'wrong': 'Geheim\n'}[part])

REFUSED = [
    ('a wrong password', 2, 'password', lambda: [pfx, '--password-file', here / 'wrong']),
    ('no password, and nobody to ask', 64, '--password-file', lambda: [pfx]),
    ('a key that does not match', 65, 'key',
     lambda: [join('other-key.pem', leaf, new_key(here / 'other.key'))]),
    ('an answer to a request of another machine', 65,
     ['answers no request that was made here', 'PKCS #12'], lambda: [leaf]),
    ('one that has expired', 65, ['it has expired', '--force'],
     lambda: [with_key, '--now', LATER]),
    ('one that is not valid yet', 65, ['not valid yet', '--force'],
     lambda: [with_key, '--now', '2020-01-01']),
    ('one that is signed with SHA-1', 65, 'SHA-1 or MD5', lambda: [weak_chain('sha1', '-sha1')]),
    ('one that is signed with MD5', 65, 'SHA-1 or MD5',
     lambda: [weak_chain('md5', '-md5', issuer=old_authority())]),
    ('one without its intermediate', 65, ['intermediate', '--force'],
     lambda: [join('bare.pem', leaf, leaf_key)]),
    ('a CA as server', 65, 'certificate of a CA',
     lambda: [join('ca-all.pem', *made_elsewhere('is-ca', CA + alternatives(NAMES)),
                   INTERMEDIATE)]),
    ('one for clients alone', 65, 'not meant for TLS servers',
     lambda: [join('usage-all.pem', *made_elsewhere(
         'usage', SERVER.replace('serverAuth', 'clientAuth') + alternatives(NAMES)),
                   INTERMEDIATE)]),
    ('one with a common name only', 65, 'common name only',
     lambda: [join('cn-all.pem', *made_elsewhere('cn', SERVER), INTERMEDIATE)]),
    ('half a PKCS #12', 65, 'cut-elsewhere.pfx',
     lambda: [cut('elsewhere.pfx', .5), '--password-file', here / 'right']),
    ('half a PKCS #7', 65, 'cut-elsewhere.p7b', lambda: [cut('elsewhere.p7b', .5)]),
    ('half a DER', 65, 'cut-elsewhere.der', lambda: [cut('elsewhere.der', .5)]),
    ('half a PEM', 65, 'cut-elsewhere.pem', lambda: [cut('elsewhere.pem', .5)]),
    ('a request in the place of its answer', 65, 'elsewhere.csr',
     lambda: [here / 'elsewhere.csr']),
    ('a key alone', 65, 'elsewhere.key', lambda: [leaf_key]),
    ('an empty file', 65, 'empty', lambda: [scratch.write(here / 'empty', '')]),
    ('any text', 65, 'text', lambda: [scratch.write(here / 'text', 'Sehr geehrte Damen\n' * 99)]),
    ('any bytes', 65, 'bytes', lambda: [noise()]),
    ('no file at all', 65, 'there is no such file', lambda: [here / 'none.pem']),
    ('a name that is too long', 64, '63 are allowed',
     lambda: [with_key, '--friendly-name', 'x' * 64]),
]


def noise():
    """What is no format of any kind."""
    (here / 'bytes').write_bytes(bytes((i * 7919 + i // 251) % 256 for i in range(5000)))
    return here / 'bytes'


@tap.each([(f'refused: {row[0]}', *row[1:]) for row in REFUSED])
@place
def _(mine, status, words, arguments):
    mine.refused(status, words, 'import', *TRUSTING, *arguments())


@tap.case('each of them can be forced but what has no key')
@place
def _(mine):
    mine.imported(with_key, '--now', LATER, '--force')
    mine.refused(65, 'answers no request', 'import', made_elsewhere('forced')[0], '--force')


@tap.case('a 1024-bit key is read, and nobody makes one')
@place
def _(mine):
    done = mine.run('import', *TRUSTING, weak_chain('weak', key=1024))
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stderr, 'too short')
    thumbprint = done.stdout.strip()
    tap.same(mine.json('show', thumbprint, *TRUSTING)['status'], 'Invalid')
    mine.refused(65, ['is Invalid', '--force'], 'enable', thumbprint, *TRUSTING)
    mine.refused(64, 'use rsa2048', 'request', '--domain', HOST, '--key', 'rsa1024')
    mine.refused(65, 'leave out --same-key', 'renew', thumbprint, '--same-key')
    tap.has(mine.run('renew', thumbprint).stderr, 'the new one is rsa2048')


@tap.each([
    ('an inner wildcard', 'mail.*.contoso.com', 65), ('half a wildcard', 'm*.contoso.com', 65),
    ('a wildcard of everybody', '*.com', 65), ('an address of mail', 'ann@contoso.com', 65),
    ('a URL', 'https://mail.contoso.com/', 65), ('no name', 'a..b', 65),
])
@place
def _(mine, name, status):
    mine.refused(status, f"'{name}'", 'request', '--domain', name)


@tap.case('a request for nothing')
@place
def _(mine):
    mine.refused(64, '--domain', 'request')
    mine.refused(1, 'no such server', 'request', '--include-fqdn', '--server', 'NONE')


@tap.case('an answer to another request with these names')
@place
def _(mine):
    pending, _ = mine.request('--domain', ','.join(NAMES))
    mine.refused(65, ['another request', pending, 'keys differ'], 'import', leaf)


@tap.case('the same once more changes nothing, and may bring what was missing')
@place
def _(mine):
    thumbprint = mine.imported(with_key, '--friendly-name', 'Mine')
    done = mine.run('import', *TRUSTING, leaf)
    tap.same((done.returncode, done.stdout), (0, f'{thumbprint}\n'), done.stderr)
    tap.has(done.stderr, 'is here already')
    tap.same(mine.json('show', thumbprint)['friendly_name'], 'Mine')
    (mine.keys / f'{mine.json("show", thumbprint)["sha256"]}.pem').unlink()
    mine.refused(1, 'its key is not here', 'enable', thumbprint)
    mine.imported(with_key)
    mine.ok('enable', thumbprint)


@tap.case('a key that is not exportable does not become so')
@place
def _(mine):
    _, file = mine.request('--domain', ','.join(NAMES))
    whole = join('kept.pem', answer(mine, file), INTERMEDIATE)
    mine.refused(65, 'without --exportable', 'import', *TRUSTING, whole, '--exportable')
    mine.refused(3, 'not to be given away', 'export', mine.imported(whole), '--out', 'x.pfx')


@tap.case('one that vouches for itself is taken in from elsewhere, with a word about it')
@place
def _(mine):
    openssl('req', '-x509', '-key', leaf_key, '-subj', f'/CN={HOST}', '-days', '30', '-addext',
            alternatives(NAMES).strip(), '-addext', 'basicConstraints=critical,CA:FALSE', '-out',
            mine.folder / 'own.pem')
    done = mine.run('import', join('own-all.pem', mine.folder / 'own.pem', leaf_key))
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stderr, 'it is signed by itself')


@tap.each([
    ('PKCS #12 of today', 'geheim', []),
    ('PKCS #12 as old Windows wrote it (RC2)', 'geheim',
     ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES']),
    ('PKCS #12 with 3DES', 'geheim', ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES']),
    ('PKCS #12 with a password in another script', 'Schlüssel-密码', []),
    ('PKCS #12 without a password', '', []),
])
@place
def _(mine, password, how):
    file = pkcs12(mine.folder / 'form.pfx', leaf, leaf_key, password, '-name', 'Windows name', *how)
    scratch.write(mine.folder / 'p', f'{password}\n')
    given = ['--password-file', mine.folder / 'p'] if password else []
    done = mine.run('import', *TRUSTING, file, *given)
    tap.same(done.returncode, 0, done.stderr)
    tap.same('RC2' in done.stderr, 'RC2' in str(how), done.stderr)
    shown = mine.json('show', done.stdout.strip())
    tap.same((shown['friendly_name'], shown['pem'].count('BEGIN')), ('Windows name', 2))
    mine.refused(3, 'not to be given away', 'export', done.stdout.strip(), '--out',
                 mine.folder / 'x.pfx')


# ---- what is served ----

@tap.case('enable adds, and takes nothing away')
@place
def _(mine):
    thumbprint = mine.imported(with_key)
    mine.ok('enable', thumbprint, '--services', 'IMAP,https', '--listener', 'public', *TRUSTING)
    mine.ok('enable', thumbprint, '--services', 'smtp', '--listener', 'second', *TRUSTING)
    shown = mine.json('show', thumbprint)
    tap.same((shown['services'], shown['listeners']),
             (['imap', 'https', 'smtp'], ['public', 'second']))
    tap.has(mine.ok('enable', thumbprint, '--services', 'smtp'), 'nothing to change')
    config = scratch.write(mine.folder / 'usherd.conf',
                           'directory = x\n[listen https public]\naddress = 0.0.0.0:443\n')
    done = mine.run('enable', thumbprint, '--listener', 'public,pubic', '-c', config)
    tap.same(done.stderr, 'usher: the configuration of usherd has no [listen https pubic] with an '
                          'address\n')
    mine.ok('enable', thumbprint, '--listener', '*')
    tap.same(mine.json('show', thumbprint).get('listeners'), None)


@tap.case('enable refuses what programs would turn away from')
@place
def _(mine):
    good = mine.imported(with_key)
    mine.ok('enable', good, *TRUSTING)
    lesser = mine.ok('new', '--domain', HOST, '--key', 'p256', '--now', day(2)).strip()
    mine.refused(65, ['DateInvalid', '--force'], 'enable', lesser, *TRUSTING)
    # One that vouches for itself is served only where there is no other.
    mine.ok('enable', lesser, *TRUSTING, '--now', day(3))
    lesser = mine.imported('--force', by_stranger())
    mine.refused(65, ['is Untrusted', HOST, good, 'which is Valid'], 'enable', lesser, *TRUSTING)
    mine.ok('enable', lesser, *TRUSTING, '--force')
    pending, _ = mine.request('--domain', HOST)
    mine.refused(65, 'is a request', 'enable', pending)
    mine.refused(65, ['is DateInvalid', '--force'], 'enable', good, *TRUSTING, '--now', LATER)
    mine.refused(65, 'is not for other.contoso.com', 'enable', good, '--host-name',
                 'other.contoso.com', *TRUSTING)
    mine.refused(64, 'there is no service ftp', 'enable', good, '--services', 'ftp')
    mine.refused(64, 'is no thumbprint', 'enable', 'all')
    mine.refused(64, 'is no thumbprint', 'enable', good[:7])
    mine.refused(1, 'there is no such certificate', 'enable', '00' * 20)


@tap.case('disable takes services away, and nothing that is needed')
@place
def _(mine):
    thumbprint = mine.imported(with_key)
    mine.ok('enable', thumbprint, '--services', 'imap,https', '--listener', 'public', *TRUSTING)
    mine.ok('disable', thumbprint, '--services', 'IMAP')
    tap.same(mine.json('show', thumbprint)['services'], ['https'])
    tap.has(mine.ok('disable', thumbprint, '--services', 'imap'), 'nothing to change')
    # What setup made still is for the name; for the other name there is this one alone.
    mine.refused(65, ['no other certificate for autodiscover', '--force'], 'disable', thumbprint)
    mine.ok('disable', '-', '--force', text=f'{thumbprint}\n')
    shown = mine.json('show', thumbprint)
    tap.same((shown.get('services'), shown['listeners']), (None, ['public']))
    tap.true(thumbprint not in mine.served(), 'it is served')
    usher_ok('domain', 'set', 'contoso.com', '--certificate', thumbprint,
             directory=f'sqlite:{mine.folder}/usher.db')
    mine.ok('enable', thumbprint, *TRUSTING)
    done = mine.run('disable', thumbprint, '--force')
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stderr, 'domain contoso.com goes on to show it')
    mine.refused(64, 'there is no service ftp', 'disable', thumbprint, '--services', 'ftp')


@tap.case('a request is no certificate for a domain')
@place
def _(mine):
    pending, _ = mine.request('--domain', HOST)
    done = usher('domain', 'set', 'contoso.com', '--certificate', pending,
                 directory=f'sqlite:{mine.folder}/usher.db')
    tap.same(done.returncode, 65, done.stderr)
    tap.has(done.stderr, 'is a request that waits for its certificate')


@tap.case('what would serve less than before is refused')
@place
def _(mine):
    first = mine.served()[0]
    mine.refused(65, ['no other certificate for mail', 'is enabled'], 'enable', first,
                 '--listener', 'public')
    mine.ok('enable', first, '--listener', 'public', '--force')
    mine.refused(65, 'no other certificate for mail', 'remove', first)
    good = mine.imported(with_key)
    mine.other('domain', 'set', 'contoso.com', '--certificate', good)
    mine.refused(65, 'is the certificate of domain contoso.com', 'remove', good)
    mine.ok('remove', good, '--force')
    said = mine.other('domain', 'show', 'contoso.com')
    tap.true('ertificate' not in said, said)


@tap.case('remove takes what is not needed, several at once, and their keys')
@place
def _(mine):
    made = [mine.ok('new', '--key', 'p256', '--domain', f'h{i}.contoso.com').strip()
            for i in range(3)]
    pending, _ = mine.request('--domain', HOST)
    mine.ok('remove', '-', made[0], text=f'{made[1]} {made[2]}\n{pending}\n')
    tap.same(len(mine.json('list')), 1)
    tap.same(len(list(mine.keys.iterdir())), 1)
    # One of two for the same name may go.
    good = mine.imported(with_key)
    first = mine.served()[0]
    mine.ok('enable', good, *TRUSTING)
    mine.refused(65, 'no other certificate for mail is enabled', 'remove', first)
    mine.ok('new', '--key', 'p256')
    mine.ok('enable', [c['thumbprint'] for c in mine.json('list') if not c.get('services')][0])
    mine.ok('remove', first)


# ---- renewal ----

@tap.case('a self-signed one is renewed at once, and takes over')
@place
def _(mine):
    old = mine.served()[0]
    mine.ok('enable', old, '--services', 'imap', '--host-name', HOST + ',mail')
    mine.other('domain', 'set', 'contoso.com', '--certificate', old)
    fresh = mine.ok('renew', old).strip()
    shown, before = mine.json('show', fresh), mine.json('show', old)
    tap.same((mine.served(), shown['services'], shown['host_names'], shown['domains']),
             ([fresh], ['https', 'imap'], [HOST, 'mail'], ['contoso.com']))
    tap.same([shown[k] for k in ('names', 'subject', 'friendly_name', 'key')],
             [before[k] for k in ('names', 'subject', 'friendly_name', 'key')])
    again = mine.ok('renew', fresh, '--same-key').strip()
    tap.true(public_key(mine, again) == public_key(mine, fresh), 'another key')
    tap.true(public_key(mine, fresh) != public_key(mine, old), 'the same key')
    mine.ok('remove', old, fresh)


def public_key(mine, thumbprint):
    """Of a certificate, by openssl."""
    return openssl('x509', '-noout', '-pubkey', text=mine.json('show', thumbprint)['pem'])


@tap.each([('a new key', []), ('the same key', ['--same-key'])])
@place
def _(mine, how):
    old = mine.imported(with_key)
    mine.ok('enable', old, '--listener', 'public', *TRUSTING)
    mine.other('domain', 'set', 'contoso.com', '--certificate', old)
    file = mine.folder / 'renew.csr'
    pending = mine.ok('renew', old, '--out', file, *how).strip()
    tap.same(mine.json('show', pending)['renews'], old)
    tap.has(openssl('req', '-in', file, '-noout', '-text'),
            'DNS:mail.contoso.com, DNS:autodiscover.contoso.com')
    # The chain is as it was: the authority sends the certificate alone.
    fresh = mine.imported(answer(mine, file))
    shown = mine.json('show', fresh, *TRUSTING)
    tap.same([shown[k] for k in ('services', 'listeners', 'domains', 'status')],
             [['https'], ['public'], ['contoso.com'], 'Valid'])
    tap.true(old not in mine.served(), 'the old one is served')
    tap.same((public_key(mine, fresh) == public_key(mine, old)), bool(how))
    mine.ok('remove', old)


@tap.case('an answer that has not all the names takes nobody\'s place')
@place
def _(mine):
    old = mine.imported(with_key)
    mine.ok('enable', old, *TRUSTING)
    file = mine.folder / 'renew.csr'
    mine.ok('renew', old, '--out', file)
    done = mine.run('import', *TRUSTING,
                    answer(mine, file, extensions=SERVER + alternatives([HOST])))
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stderr, 'it has not the name autodiscover.contoso.com')
    tap.has(mine.served(), old)


# ---- export ----

@tap.each([('today', []), ('legacy', ['--legacy']), ('without a password', ['--no-password'])])
@place
def _(mine, how):
    thumbprint = mine.imported(with_key, '--exportable')
    file = mine.folder / 'out.pfx'
    given = [] if '--no-password' in how else ['--password-file', here / 'right']
    mine.ok('export', thumbprint, '--out', file, *given, *how)
    tap.same(stat.S_IMODE(file.stat().st_mode), 0o600)
    password = '' if '--no-password' in how else 'geheim'
    text = openssl('pkcs12', '-in', file, '-nodes', '-passin', f'pass:{password}',
                   *(['-legacy'] if how == ['--legacy'] else []))
    tap.same(text.count('BEGIN CERTIFICATE'), 2)
    tap.same(openssl('pkey', text=text), openssl('pkey', '-in', leaf_key))
    with scratch.Folder() as folder:
        tap.same(Place(folder).imported(file, *given), thumbprint)


@tap.case('without its key a certificate goes to anybody')
@place
def _(mine):
    thumbprint = mine.imported(with_key)
    tap.same(mine.ok('export', thumbprint, '--form', 'pem').count('BEGIN CERTIFICATE'), 2)
    mine.ok('export', thumbprint, '--form', 'der', '--out', mine.folder / 'x.der')
    tap.same((mine.folder / 'x.der').read_bytes(), der.read_bytes())
    mine.refused(64, '--out', 'export', thumbprint)


# ---- list and show ----

@tap.case('list says what openssl says')
@place
def _(mine):
    mine.imported(with_key)
    mine.ok('new', '--domain', 'bücher.example,*.contoso.com', '--key', 'p384')
    for told in mine.json('list', *TRUSTING):
        shown = mine.json('show', told['thumbprint'], *TRUSTING)
        said = dict(line.partition('=')[::2] for line in openssl(
            'x509', '-noout', '-fingerprint', '-serial', '-startdate', '-enddate', '-subject',
            '-issuer', '-nameopt', 'RFC2253', text=shown['pem']).splitlines())
        sha256 = openssl('x509', '-noout', '-fingerprint', '-sha256', text=shown['pem'])
        names = openssl('x509', '-noout', '-ext', 'subjectAltName', text=shown['pem'])
        tap.same(told['thumbprint'], said['SHA1 Fingerprint'].replace(':', '')
                 if 'SHA1 Fingerprint' in said else said['sha1 Fingerprint'].replace(':', ''))
        tap.same(told['sha256'], sha256.partition('=')[2].strip().replace(':', '').lower())
        tap.same(told['names'], re.findall('DNS:([^,\n]*)', names))
        tap.same((told['subject'], told['issuer']), (said['subject'], said['issuer']))
        tap.same(shown['serial_number'], said['serial'])
        ends = datetime.datetime.strptime(said['notAfter'], '%b %d %H:%M:%S %Y %Z')
        tap.same(told['not_after'], ends.strftime('%Y-%m-%dT%H:%M:%SZ'))
        tap.true(abs((ends - datetime.datetime.utcnow()).days - told['days_left']) <= 1,
                 f'{told["days_left"]} days left')


@tap.case('show names what the directory calls for and the certificate has not')
@place
def _(mine):
    mine.other('url', 'set', 'ews', '--external', 'https://ews.contoso.com/EWS/Exchange.asmx')
    mine.other('provider', 'set', 'EXPR', '--cert-principal-name', 'msstd:proxy.contoso.com')
    mine.other('outlook-anywhere', 'set', '--external-host', 'rpc.contoso.com')
    mine.other('server', 'set', '--internal-uri',
               'https://scp.contoso.com/Autodiscover/Autodiscover.xml')
    mine.other('domain', 'add', 'fabrikam.com', '--kind', 'exchange')
    good = mine.imported(with_key)
    mine.ok('enable', good, *TRUSTING)
    setup = mine.ok('new', '--domain', 'ews.contoso.com', '--key', 'p256').strip()
    wanted = {'ews.contoso.com', 'proxy.contoso.com', 'rpc.contoso.com', 'scp.contoso.com',
              'autodiscover.fabrikam.com'}
    told = mine.json('show', good, *TRUSTING)['not_covered']
    tap.same({n['host'] for n in told}, wanted)
    told = {n['host']: n['covered_by'] for n in mine.json('show', setup)['not_covered']}
    tap.same(set(told), wanted - {'ews.contoso.com'} | {HOST, 'autodiscover.contoso.com'})
    tap.same((told['autodiscover.contoso.com'], told['rpc.contoso.com']), (good, None))
    text = mine.ok('show', setup)
    for part in 'rpc.contoso.com', 'Untrusted', 'it is signed by itself':
        tap.has(text, part)


@tap.case('status words of Exchange')
@place
def _(mine):
    mine.imported(with_key)
    mine.request('--domain', HOST)
    tap.same(sorted(c['status'] for c in mine.json('list', *TRUSTING)),
             ['PendingRequest', 'Untrusted', 'Valid'])
    tap.same(sorted(c['status'] for c in mine.json('list', *TRUSTING, '--now', LATER)),
             ['DateInvalid', 'PendingRequest', 'Untrusted'])
    tap.same([c['status'] for c in mine.json('list', '--domain', 'autodiscover.contoso.com',
                                             *TRUSTING)], ['Valid'])
    for line in mine.ok('list').splitlines()[1:]:
        tap.true(re.match('[0-9A-F]{40}  ', line), line)


@tap.case('whether it is revoked')
@place
def _(mine):
    port = scratch.free_port()
    certificate, key = made_elsewhere(
        'asked', SERVER + alternatives(NAMES)
        + f'authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}\n')
    thumbprint = mine.imported(join('asked-all.pem', certificate, INTERMEDIATE, key))
    serial = mine.json('show', thumbprint)['serial_number']

    def status():
        return mine.json('show', thumbprint, '--check-revocation', '--timeout', '5s',
                         *TRUSTING)['status']

    tap.same(status(), 'RevocationCheckFailure')
    for state, expected in (('V\t301231235959Z\t', 'Valid'),
                            ('R\t301231235959Z\t251101000000Z,keyCompromise', 'Revoked')):
        scratch.write(mine.folder / 'index', f'{state}\t{serial}\tunknown\t/CN={HOST}\n')
        with subprocess.Popen(
                ['openssl', 'ocsp', '-port', str(port), '-index', mine.folder / 'index', '-CA',
                 INTERMEDIATE, '-rsigner', INTERMEDIATE, '-rkey', here / 'intermediate.key',
                 '-ndays', '1'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as responder:
            responder.stdout.readline()
            try:
                tap.same(status(), expected)
            finally:
                responder.kill()


@tap.each([(f'{c} asks whether it is revoked, and nobody waits for that', c)
           for c in ('import', 'enable')])
@place
def _(mine, command):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        port = silent.getsockname()[1]
        certificate, key = made_elsewhere(
            f'silent-{command}', SERVER + alternatives(NAMES)
            + f'authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}\n')
        file = join(f'silent-{command}.pem', certificate, INTERMEDIATE, key)
        what = file if command == 'import' else mine.imported(file)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asking = pool.submit(mine.run, command, what, '--check-revocation', '--timeout',
                                 '300s', *TRUSTING)
            waiting, _ = silent.accept()
            mine.ok('new', '--domain', 'h.contoso.com', '--key', 'p256')
            tap.true(not asking.done(), 'it did not wait for the answer')
            waiting.close()
            done = asking.result()
    tap.same(done.returncode, 0, done.stderr)


# ---- several at once, full disks, curious neighbours ----

@tap.case('administrators at once: nothing is lost, and nothing is there twice')
@place
def _(mine):
    def work(i):
        if i % 2 == 0:
            return mine.ok('new', '--key', 'p256', '--domain', f'h{i}.contoso.com').strip()
        return mine.imported(with_key)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = set(pool.map(work, range(12)))
    tap.same(len(made), 7)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda t: mine.ok('enable', t, *TRUSTING), made))
    tap.true(made <= set(mine.served()), 'not all of them are enabled')


@tap.case('no key can be read by others, not for an instant')
def _():
    with scratch.Folder() as folder:
        mine = Place(folder)
        seen, over = set(), threading.Event()

        def watch():
            while not over.is_set():
                for root, _, files in os.walk(folder):
                    for name in files:
                        with contextlib.suppress(OSError):
                            mode = os.stat(os.path.join(root, name)).st_mode
                            seen.add((os.path.basename(root), name[:4], stat.S_IMODE(mode)))

        before = os.umask(0)
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            mine.imported(with_key, '--exportable')
            made = [mine.ok('new', '--key', 'p256', '--domain', f'h{i}.example.com').strip()
                    for i in range(8)]
            mine.ok('renew', made[0])
            file = mine.folder / 'key.pfx'
            for _ in range(5):
                mine.ok('export', mine.imported(with_key), '--out', file, '--no-password')
            tap.same(stat.S_IMODE(mine.keys.stat().st_mode), 0o700)
        finally:
            over.set()
            watcher.join()
            os.umask(before)
        tap.true(len(seen) > 8, 'the watcher saw nothing')
        for root, name, mode in seen:
            if root == 'usher.db.keys' or 'key' in name:
                tap.same(mode, 0o600, f'{root}/{name}…')


@tap.case('a full disk')
def _():
    tap.need('unshare')
    options = '-m' if os.geteuid() == 0 else '-rm'
    probe = subprocess.run(['unshare', options, 'true'], check=False, capture_output=True)
    if probe.returncode != 0:
        tap.skip('no mount namespace to be had here')
    with scratch.Folder() as folder:
        script = f'''
mkdir {folder}/disk; mount -t tmpfs -o size=600k tmpfs {folder}/disk
cp -r {here}/usher.db {here}/usher.db.keys {folder}/disk
usher() {{ {shlex.quote(programs.program("usher"))} -d sqlite:{folder}/disk/usher.db "$@"; }}
say() {{ what=$1; shift; s=0; text=$(usher "$@" 2>&1 >/dev/null) || s=$?; echo "$what $s $text"; }}
usher export > {folder}/before
dd if=/dev/zero of={folder}/disk/filler bs=1k 2>/dev/null || true
say new cert new --key p256
say import cert import {with_key} --ca-file {ROOT}
say request cert request --domain a.example.com --key p256 --out {folder}/disk/r.csr
usher export > {folder}/after
rm {folder}/disk/filler
say again cert new --key p256 --domain a.example.com
echo "rows 0 $(usher --json cert list | grep -c '"thumbprint"')"
echo "keys 0 $(ls {folder}/disk/usher.db.keys | wc -l)"
'''
        done = subprocess.run(['unshare', options, 'sh', '-euc', script], check=False, text=True,
                              capture_output=True, timeout=120, env=programs.clean_environment())
        tap.same(done.returncode, 0, done.stderr)
        said = dict(line.split(' ', 1) for line in done.stdout.splitlines()
                    if line.split(' ')[0] in ('new', 'import', 'request', 'again', 'rows', 'keys'))
        for what in 'new', 'import', 'request':
            tap.true(said[what].startswith('73 '), f'{what}: {said[what]}')
        tap.same((folder / 'before').read_text(), (folder / 'after').read_text())
        tap.same(said['again'].split()[0], '0')
        tap.same(said['rows'].split()[1], said['keys'].split()[1], 'rows and keys')


with blocks:
    tap.main(jobs=2)
