#!/usr/bin/python3
"""Requests of ours that others answer, and keys with their chains as PKCS #12, both ways."""
import functools
import json

from programs_of_others import certtool, keytool, openssl
from support import programs, tap
from support.scratch import Folder, write

folder_block = Folder()
folder = folder_block.__enter__()
DIRECTORY = f'sqlite:{folder}/usher.db'
HOST = 'mail.contoso.com'
NAMES = [HOST, 'autodiscover.contoso.com']
ROOT, ROOT_KEY, ROOT_STORE = folder / 'root.pem', folder / 'root.key', folder / 'root.p12'
NEW_KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')
UNICODE = 'Größe😀 Ω'
TRUST = ('--ca-file', ROOT)


def usher_ok(*arguments, **options):
    """Standard output of `usher` on the directory of this test; it must succeed."""
    return programs.usher_ok(*arguments, directory=DIRECTORY, **options)


usher_ok('setup', '--domain', 'contoso.com', '--host', HOST)
openssl('req', '-x509', *NEW_KEY, '-keyout', ROOT_KEY, '-out', ROOT, '-subj', '/CN=Their Root', '-days', '30',
        '-addext', 'keyUsage=critical,keyCertSign')


def password_file(text):
    """A file with a password."""
    return write(folder / 'password', text + '\n', 0o600)


def request():
    """A request of ours: its file."""
    out = folder / 'ours.csr'
    usher_ok('cert', 'request', '--domain', ','.join(NAMES), '--subject', 'c=US, o=Contoso, cn=mail.contoso.com',
             '--key', 'p256', '--exportable', '--out', out)
    return out


def by_openssl(csr, out):
    """openssl reads the request and issues."""
    tap.has(openssl('req', '-in', csr, '-noout', '-verify', '-text'), 'DNS:autodiscover.contoso.com')
    openssl('x509', '-req', '-in', csr, '-CA', ROOT, '-CAkey', ROOT_KEY, '-copy_extensions', 'copyall', '-days', '20',
            '-out', out)


def by_certtool(csr, out):
    """GnuTLS does."""
    tap.has(certtool('--crq-info', '--infile', csr), 'DNSname: autodiscover.contoso.com')
    template = write(folder / 'template', 'honor_crq_extensions\nexpiration_days = 20\ntls_www_server\n')
    certtool('--generate-certificate', '--load-request', csr, '--load-ca-certificate', ROOT, '--load-ca-privkey',
             ROOT_KEY, '--template', template, '--outfile', out)


def by_keytool(csr, out):
    """Java does, and sends its root along."""
    openssl('pkcs12', '-export', '-in', ROOT, '-inkey', ROOT_KEY, '-name', 'root', '-passout', 'pass:password', '-out',
            ROOT_STORE)
    keytool('-gencert', '-keystore', ROOT_STORE, '-storepass', 'password', '-alias', 'root', '-rfc', '-infile', csr,
            '-outfile', out, '-validity', '20', '-ext', 'honored=all')


@tap.each([('openssl answers our request', by_openssl), ('certtool answers our request', by_certtool),
           ('keytool answers our request', by_keytool)])
def _(issue):
    answer = folder / 'answer.pem'
    issue(request(), answer)
    thumbprint = usher_ok('cert', 'import', answer, *TRUST).strip()
    tap.has(openssl('x509', '-in', answer, '-noout', '-fingerprint', '-sha1').replace(':', ''), thumbprint)
    shown = json.loads(usher_ok('--json', 'cert', 'show', thumbprint, *TRUST))
    tap.same((shown['status'], shown['names']), ('Valid', NAMES))


@tap.case('our own authority answers it, in a pipeline')
def _():
    usher_ok('ca', 'init', '--name', 'Our Root', '--no-passphrase')
    chain = usher_ok('ca', 'issue', request())
    thumbprint = usher_ok('cert', 'import', '-', text=chain).strip()
    shown = json.loads(usher_ok('--json', 'cert', 'show', thumbprint))
    tap.same(shown['status'], 'Valid', 'our own roots are trusted')


# ---- PKCS #12 from us ----

@functools.lru_cache
def exported(password, *options):
    """What we export: its file."""
    listed = json.loads(usher_ok('--json', 'cert', 'list'))
    ours = [c['thumbprint'] for c in listed if 'Our Root' in (c.get('issuer') or '')]
    out = folder / f'ours-{len(password)}{"".join(options)}.p12'
    how = ('--password-file', password_file(password)) if password else ('--no-password',)
    usher_ok('cert', 'export', ours[0], '--out', out, *how, *options)
    tap.same(out.stat().st_mode & 0o777, 0o600)
    return out


FORMS = [(f'{name}, {form}', password, options) for name, password in
         (('a password', 'secret'), ('a Unicode password', UNICODE), ('no password', ''))
         for form, options in (('today', ()), ('legacy', ('--legacy',)))]


@tap.each([(f'openssl reads ours: {name}', *row) for name, *row in FORMS])
def _(password, options):
    shown = openssl('pkcs12', '-in', exported(password, *options), '-nodes', '-passin',
                    f'file:{password_file(password)}', *(('-legacy',) if options else ()))
    tap.has(shown, 'BEGIN PRIVATE KEY')
    tap.has(shown, 'mail.contoso.com')


@tap.each([(f'certtool reads ours: {name}', *row) for name, *row in FORMS])
def _(password, options):
    shown = certtool('--p12-info', '--inder', '--infile', exported(password, *options), '--password', password)
    tap.has(shown, 'Key ID')
    tap.has(shown, 'BEGIN CERTIFICATE')


@tap.each([(f'keytool reads ours: {form}', options) for form, options in (('today', ()), ('legacy', ('--legacy',)))])
def _(options):
    shown = keytool('-list', '-keystore', exported('secret', *options), '-storepass', 'secret')
    tap.has(shown, 'PrivateKeyEntry')


# ---- PKCS #12 from them ----

def made_elsewhere():
    """A key and a certificate of theirs."""
    key, chain, csr = folder / 'theirs.key', folder / 'theirs.pem', folder / 'theirs.csr'
    openssl('req', '-new', *NEW_KEY, '-keyout', key, '-out', csr, '-subj', f'/CN={HOST}', '-addext',
            f'subjectAltName=DNS:{HOST}', '-addext', 'extendedKeyUsage=serverAuth')
    openssl('x509', '-req', '-in', csr, '-CA', ROOT, '-CAkey', ROOT_KEY, '-copy_extensions', 'copyall', '-days', '20',
            '-out', chain)
    return key, chain


def take(file, password, *hears):
    """We take a file in, after a wrong password was refused, and say what was odd about it."""
    if password:
        done = programs.usher('cert', 'import', file, '--password-file', password_file('wrong'), *TRUST,
                              directory=DIRECTORY)
        tap.same(done.returncode, 2, done.stderr)
    options = ('--password-file', password_file(password)) if password else ()
    done = programs.usher('cert', 'import', file, *options, *TRUST, directory=DIRECTORY)
    tap.same(done.returncode, 0, done.stderr)
    for part in hears:
        tap.has(done.stderr, part)


@tap.each([('openssl, today', 'secret', (), ()),
           ('openssl, a Unicode password', UNICODE, (), ()),
           ('openssl, no password', '', (), ()),
           ('openssl -legacy: RC2-40 and 3DES', 'secret', ('-legacy',), ('RC2',)),
           ('openssl -legacy, a Unicode password', UNICODE, ('-legacy',), ('RC2',)),
           ('openssl, 3DES for all', 'secret', ('-legacy', '-descert'), ('3DES',)),
           ('openssl, RC4', 'secret', ('-legacy', '-certpbe', 'PBE-SHA1-RC4-128', '-keypbe', 'PBE-SHA1-RC4-128'),
            ('RC4',))])
def _(password, options, hears):
    key, chain = made_elsewhere()
    out = folder / 'theirs.p12'
    openssl('pkcs12', '-export', '-in', chain, '-inkey', key, '-certfile', ROOT, '-name', 'theirs', '-out', out,
            '-passout', f'file:{password_file(password)}', *options)
    take(out, password, *hears)


@tap.each([('certtool, a Unicode password', UNICODE, 'aes-256'),
           ('certtool, no password', '', 'aes-256'), ('certtool, 3DES', 'secret', '3des-pkcs12')])
def _(password, cipher):
    key, chain = made_elsewhere()
    out = folder / 'theirs.p12'
    how = ('--password', password) if password else ('--empty-password',)
    certtool('--to-p12', '--load-privkey', key, '--load-certificate', chain, '--p12-name', 'theirs', '--outder',
             '--pkcs-cipher', cipher, *how, '--outfile', out)
    take(out, password)


@tap.case('the folder goes')
def _():
    folder_block.__exit__(None, None, None)


tap.main()
