#!/usr/bin/python3
"""Requests that others make: `usher ca issue` answers them, and they take the answer. And what it
refuses, with the reason."""
import concurrent.futures
import pathlib
import re

from programs_of_others import certtool, keytool, openssl
from support import programs, tap
from support.scratch import Folder, write

folder_block = Folder()
folder = folder_block.__enter__()
DIRECTORY = f'sqlite:{folder}/usher.db'
ROOT = folder / 'root.pem'
NAMES = ('mail.contoso.com', 'autodiscover.contoso.com')
STORE = folder / 'store.p12'


def usher(*arguments, **options):
    """`usher` on the directory of this test."""
    return programs.usher(*arguments, directory=DIRECTORY, **options)


def usher_ok(*arguments, **options):
    """The same, which must succeed: its standard output."""
    return programs.usher_ok(*arguments, directory=DIRECTORY, **options)


usher_ok('setup', '--domain', 'contoso.com', '--host', NAMES[0])
usher_ok('ca', 'init', '--name', 'Contoso Root', '--no-passphrase', '--permit', 'quay1,192.0.2.0/24')
usher_ok('ca', 'root', '--out', ROOT)


EC = ('ec', '-pkeyopt')
P256 = (*EC, 'ec_paramgen_curve:P-256')


def made_by_openssl(label, kind=P256, names=NAMES, subject=f'/CN={NAMES[0]}', digest='sha256',
                    extra=()):
    """A request with a new key, as PEM."""
    request = folder / f'{label}.csr'
    sans = ['-addext', 'subjectAltName=' + ','.join(
        n if ':' in n else f'DNS:{n}' for n in names)] if names else []
    openssl('req', '-new', '-newkey', *kind, '-nodes', '-keyout', folder / f'{label}.key', f'-{digest}',
            '-subj', subject, '-utf8', *sans, *extra, '-out', request)
    return request


def issue(request, *options):
    """The chain that answers a request."""
    chain = folder / f'{pathlib.Path(request).name}.pem'
    usher_ok('ca', 'issue', request, '--out', chain, *options)
    return chain


def verify(chain, host=NAMES[0]):
    """OpenSSL and GnuTLS both find the chain good for a TLS server of that name."""
    way = '-verify_ip' if host.replace('.', '').isdigit() else '-verify_hostname'
    openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ROOT, way, host, chain)
    shown = certtool('--verify-chain', '--infile', chain)
    tap.has(shown, 'Chain verification output: Verified.')


def refused(request, reason, status=65, options=()):
    """`usher ca issue` says why, and writes nothing."""
    chain = folder / 'refused.pem'
    done = usher('ca', 'issue', request, '--out', chain, *options)
    tap.same(done.returncode, status, done.stderr)
    tap.has(done.stderr, reason)
    tap.true(not chain.exists(), 'a certificate was written')


@tap.each([('openssl, RSA', ('rsa:2048',)), ('openssl, P-256', P256),
           ('openssl, P-384', (*EC, 'ec_paramgen_curve:P-384')), ('openssl, Ed25519', ('ed25519',))])
def _(kind):
    chain = issue(made_by_openssl(kind[-1].split(':')[-1], kind))
    verify(chain)
    shown = openssl('x509', '-in', chain, '-noout', '-ext',
                    'keyUsage,extendedKeyUsage,basicConstraints,subjectAltName')
    tap.same('Key Encipherment' in shown, kind == ('rsa:2048',))
    tap.has(shown, 'TLS Web Server Authentication')
    tap.true('Client' not in shown and 'CA:TRUE' not in shown, shown)
    tap.has(shown, ', '.join(f'DNS:{n}' for n in NAMES))


@tap.case('openssl, DER, from standard input to standard output')
def _():
    request = made_by_openssl('der')
    openssl('req', '-in', request, '-outform', 'DER', '-out', folder / 'der.der')
    with open(folder / 'der.der', 'rb') as file:
        chain = write(folder / 'der.pem', usher_ok('ca', 'issue', folder / 'der.der'))
        tap.true(file.read(1) == b'0', 'it is no DER')
    verify(chain)
    tap.has(usher_ok('ca', 'issue', '-', text=request.read_text()), '-----BEGIN CERTIFICATE-----')


@tap.case('PowerShell, in UTF-16')
def _():
    request = made_by_openssl('wide')
    request.write_text(request.read_text().replace('\n', '\r\n'), encoding='utf-16')
    verify(issue(request))


@tap.case('an old server, with a common name alone and SHA-1')
def _():
    chain = issue(made_by_openssl('old', names=(), digest='sha1', subject='/C=US/O=Contoso/CN=mail.contoso.com'))
    verify(chain)
    tap.has(openssl('x509', '-in', chain, '-noout', '-text'), 'ecdsa-with-SHA256')


@tap.case('short names, addresses, wildcards and underscores that are permitted')
def _():
    names = ('quay1', 'IP:192.0.2.7', '*.contoso.com', '*.sub.contoso.com', 'old_mail.contoso.com')
    chain = issue(made_by_openssl('odd', names=names))
    for host in ('quay1', '192.0.2.7', 'any.contoso.com'):
        verify(chain, host)


@tap.case('five hundred names, and no subject')
def _():
    names = [f'host{i}.contoso.com' for i in range(500)]
    chain = issue(made_by_openssl('many', names=names, subject='/'))
    verify(chain, names[-1])
    tap.has(openssl('x509', '-in', chain, '-noout', '-text'), 'Subject Alternative Name: critical')


@tap.case('a subject in any script')
def _():
    chain = issue(made_by_openssl('script', subject='/C=DE/O=Käse, Öl & Co/CN=mail.contoso.com'))
    tap.has(openssl('x509', '-in', chain, '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb'),
            'O=Käse\\, Öl & Co')


@tap.case('certtool: asks, and takes the answer')
def _():
    template = write(folder / 'template', 'organization = Contoso\ncn = mail.contoso.com\n'
                     'dns_name = mail.contoso.com\ndns_name = autodiscover.contoso.com\nip_address = 192.0.2.1\n'
                     'tls_www_server\nsigning_key\n')
    key = folder / 'gnutls.key'
    certtool('--generate-privkey', '--key-type', 'ecdsa', '--outfile', key)
    request = folder / 'gnutls.csr'
    certtool('--generate-request', '--load-privkey', key, '--template', template, '--outfile', request)
    chain = issue(request)
    verify(chain)
    shown = certtool('--certificate-info', '--infile', chain)
    for part in ('Name Constraints', 'Permitted', 'DNSname: contoso.com', 'DNSname: autodiscover.contoso.com'):
        tap.has(shown, part)


@tap.case('keytool: asks, and takes the answer')
def _():
    store = ('-keystore', STORE, '-storepass', 'password', '-alias', 'tomcat')
    keytool('-genkeypair', *store, '-keyalg', 'RSA', '-keysize', '2048', '-dname', 'CN=mail.contoso.com, O=Contoso')
    request = folder / 'java.csr'
    keytool('-certreq', *store, '-file', request, '-ext', 'san=dns:mail.contoso.com,dns:autodiscover.contoso.com')
    tap.has(request.read_text(), 'NEW CERTIFICATE REQUEST')
    chain = issue(request)
    verify(chain)
    tap.has(keytool('-importcert', *store, '-noprompt', '-file', chain), 'reply was installed')
    # The store is PKCS #12, as Java makes it: it moves here, key and all.
    thumbprint = usher_ok('cert', 'import', STORE, '--password-file', write(folder / 'store.pass', 'password'))
    tap.has(openssl('x509', '-in', chain, '-noout', '-fingerprint', '-sha1').replace(':', ''), thumbprint.strip())


@tap.case('the same request again, in whatever form the answer is there')
def _():
    request = made_by_openssl('again')
    for form in ('pem', 'pkcs7'):
        out = folder / f'again.{form}'
        usher_ok('ca', 'issue', request, '--out', out, '--form', form)
        there = out.read_bytes()
        tap.has(usher_ok('ca', 'issue', request, '--out', out, '--form', form), 'nothing to change')
        tap.same(out.read_bytes(), there)
    tap.same(openssl('pkcs7', '-inform', 'DER', '-in', folder / 'again.pkcs7', '-print_certs').count('BEGIN'), 2)


@tap.case('the same request again, when most of the days are gone, or its names are others')
def _():
    request = made_by_openssl('late')
    out = folder / 'late.pem'
    usher_ok('ca', 'issue', request, '--out', out, '--days', '30')
    tap.has(usher_ok('ca', 'issue', request, '--out', out, '--days', '60'), 'late.pem: issued')
    tap.has(usher_ok('ca', 'issue', made_by_openssl('more'), '--out', out), 'late.pem: issued')


@tap.case('by a dry run nothing is written')
def _():
    out = folder / 'dry.pem'
    tap.has(usher_ok('ca', 'issue', made_by_openssl('dry'), '--out', out, '--dry-run'), 'would be issued')
    tap.true(not out.exists(), 'it was written')


@tap.each([('a key is not written over', ()), ('nor one with a passphrase', ('-aes256', '-passout', 'pass:x'))])
def _(options):
    request = made_by_openssl('lost')
    key = folder / 'lost.pem'
    openssl('pkey', '-in', folder / 'lost.key', '-out', key, *options)
    there = key.read_bytes()
    done = usher('ca', 'issue', request, '--out', key)
    tap.same(done.returncode, 65)
    tap.has(done.stderr, 'a private key is in this file')
    tap.same(key.read_bytes(), there)


@tap.case('no certificate outlives its root')
def _():
    usher_ok('ca', 'init', '--name', 'Short', '--no-passphrase', '--years', '1')
    out = folder / 'short.pem'
    usher_ok('ca', 'issue', made_by_openssl('short'), '--out', out, '--ca', 'Short')
    both = [usher_ok('ca', 'root', '--ca', 'Short'), out.read_text().partition('-----END')[0] + '-----END CERTIFICATE-----\n']
    ends = {openssl('x509', '-noout', '-enddate', text=text) for text in both}
    tap.same(len(ends), 1, ends)
    done = usher('ca', 'issue', folder / 'short.csr', '--ca', 'Short', '--now', '2099-01-01')
    tap.same(done.returncode, 3)
    tap.has(done.stderr, 'its root has expired')
    usher_ok('ca', 'remove', 'Short')


# ---- refused ----

@tap.each([
    ('a name of others', ('mail.contoso.com', 'mail.fabrikam.example'), '/', '`Contoso Root` may not vouch for it'),
    ('several names of others', ('a.example', 'b.example', 'c.example'), '/', 'and 2 more'),
    ('a name that only ends alike', ('badcontoso.com',), '/', 'may not vouch'),
    ('a wildcard above what is permitted', ('*.com',), '/', 'many owners'),
    ('an address of others', ('IP:198.51.100.1',), '/', 'may not vouch'),
    ('an IPv6 address', ('IP:2001:db8::1',), '/', 'may not vouch'),
    ('a common name of others', ('mail.contoso.com',), '/CN=mail.fabrikam.example', 'mail.fabrikam.example'),
    ('an inner wildcard', ('a.*.contoso.com',), '/', "a '*' elsewhere"),
    ('no host at all', (), '/O=Contoso Ltd', 'it names no host'),
])
def _(names, subject, reason):
    refused(made_by_openssl('bad', names=names, subject=subject), reason)


@tap.case('a key of 1024 bits')
def _():
    refused(made_by_openssl('weak', ('rsa:1024',)), 'RSA 1024')


@tap.case('a request to be an authority')
def _():
    refused(made_by_openssl('ca', extra=('-addext', 'basicConstraints=critical,CA:TRUE')), 'authority itself')


@tap.case('a request that somebody changed')
def _():
    openssl('req', '-in', made_by_openssl('changed'), '-outform', 'DER', '-out', folder / 'changed.der')
    data = (folder / 'changed.der').read_bytes().replace(b'autodiscover', b'autodiscovex')
    (folder / 'changed.der').write_bytes(data)
    refused(folder / 'changed.der', 'signature')


@tap.case('half a request')
def _():
    request = made_by_openssl('half')
    refused(write(folder / 'half.pem', request.read_text()[:300]), 'half.pem')


# ---- what the root is worth ----

def forge(name):
    """A certificate for `name`, signed with the root's own key by whoever has stolen it."""
    key = next(k for k in (folder / 'usher.db.keys').iterdir()
               if openssl('pkey', '-in', k, '-pubout') == openssl('x509', '-in', ROOT, '-noout', '-pubkey'))
    request = made_by_openssl('forged', names=(), subject='/CN=Forged')
    extensions = write(folder / 'forged.ext', f'subjectAltName={name}\nbasicConstraints=critical,CA:FALSE\n')
    chain = folder / 'forged.pem'
    openssl('x509', '-req', '-in', request, '-CA', ROOT, '-CAkey', key, '-extfile', extensions, '-days', '1', '-out', chain)
    with open(chain, 'a', encoding='ascii') as file:
        file.write(ROOT.read_text())
    return chain


@tap.each([('a name of others', 'DNS:mail.fabrikam.example'), ('an address of others', 'IP:198.51.100.1'),
           ('an IPv6 address', 'IP:2001:db8::1')])
def _(name):
    chain = forge(name)
    tap.has(openssl('verify', '-CAfile', ROOT, chain, fails=True), 'subtree violation')
    tap.has(certtool('--verify-chain', '--infile', chain, fails=True), 'Not verified')


@tap.case('what is permitted could be forged, so it is for this that the tests above stand')
def _():
    chain = forge('DNS:mail.contoso.com')
    openssl('verify', '-CAfile', ROOT, chain)
    certtool('--verify-chain', '--infile', chain)


@tap.case('a passphrase opens the key, and nothing else does')
def _():
    with_pass = folder / 'with'
    with_pass.mkdir()
    where = f'sqlite:{with_pass}/usher.db'
    secret = write(folder / 'pass', 'Gehéim 1\n')
    programs.usher_ok('setup', '--domain', 'contoso.com', '--host', NAMES[0], directory=where)
    programs.usher_ok('ca', 'init', '--name', 'Locked', '--passphrase-file', secret, directory=where)
    encrypted = [k for k in (with_pass / 'usher.db.keys').iterdir() if 'ENCRYPTED' in k.read_text()]
    tap.same(len(encrypted), 1)
    tap.same(encrypted[0].stat().st_mode & 0o777, 0o600)
    openssl('pkey', '-in', encrypted[0], '-passin', 'pass:wrong', '-noout', fails=True)
    openssl('pkey', '-in', encrypted[0], '-passin', f'file:{secret}', '-noout')
    request = made_by_openssl('locked')
    done = programs.usher('ca', 'issue', request, directory=where)
    tap.same((done.returncode, done.stdout), (64, ''))
    done = programs.usher('ca', 'issue', request, directory=where, USHER_PASSWORD='Geheim 1')
    tap.same((done.returncode, done.stdout), (2, ''))
    out = programs.usher_ok('ca', 'issue', request, '--passphrase-file', secret, directory=where)
    tap.has(out, 'BEGIN CERTIFICATE')


@tap.case('two administrators at once make one authority')
def _():
    with Folder() as place:
        where = f'sqlite:{place}/usher.db'
        programs.usher_ok('setup', '--domain', 'contoso.com', '--host', NAMES[0], directory=where)

        def init(_):
            return programs.usher_ok('ca', 'init', '--name', 'R', '--no-passphrase', directory=where)

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            said = list(pool.map(init, range(6)))
        tap.same(sorted('created' in text for text in said), [False] * 5 + [True])
        tap.same(len({re.search('Fingerprint .*', text)[0] for text in said}), 1, 'fingerprints')
        tap.same(len(list((place / 'usher.db.keys').iterdir())), 2, 'keys')


@tap.case('the folder goes')
def _():
    folder_block.__exit__(None, None, None)


tap.main()
