#!/usr/bin/python3
"""Which certificate usherd shows to whom, how it is enabled under load, and what TLS it speaks."""
import contextlib
import hashlib
import re
import socket
import ssl
import subprocess
import time
import xml.etree.ElementTree

import site_contoso as site
from support import certificates, programs, tap
from support.daemon import Usherd
from support.post import request
from support.scratch import Folder, write

MAIL, EDWARDS = 'mail.contoso.com', ('-newkey', 'ed25519', '-nodes')
RSA = ('-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256')

blocks = contextlib.ExitStack()
folder = blocks.enter_context(Folder())
site.make(folder)
authority = certificates.Authority(folder)
(folder / 'other').mkdir()
other = certificates.Authority(folder / 'other', 'Another CA')
roots = write(folder / 'roots.pem', authority.root.read_text(encoding='ascii') +
              other.root.read_text(encoding='ascii'))
daemon = blocks.enter_context(Usherd(
    folder, config='[listen https two]\naddress = 127.0.0.1:0\n'
    '[limits]\nrequests per connection = 1000000\n'))
port_two = int(re.search(r'listener="https two" address=127.0.0.1:(\d+)', daemon.log())[1])


def usher(*arguments, **options):
    """Runs `usher` on the directory."""
    return programs.usher_ok(*arguments, directory=site.uri(folder), **options).strip()


def enable(*names, by=authority, force=False, listener=(), **options):
    """Issues a certificate, imports and enables it; gives its thumbprint."""
    chain, key = by.issue(*names, **options)
    pem = chain.read_text(encoding='ascii') + key.read_text(encoding='ascii')
    judged = ['--ca-file', roots, *(['--force'] if force else [])]
    thumbprint = usher('cert', 'import', '-', *judged, text=pem)
    usher('cert', 'enable', thumbprint, *judged, *listener)
    return thumbprint


def shown(name, *arguments, port=None):
    """Thumbprint of the certificate that `openssl s_client` is shown; None without a handshake."""
    done = subprocess.run(
        ['openssl', 's_client', '-connect', f'127.0.0.1:{port or daemon.https[1]}',
         *(['-servername', name] if name else ['-noservername']), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
    pem = re.search('-----BEGIN CERT.*?END CERTIFICATE-----\n', done.stdout, re.S)
    return pem and hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem[0])).hexdigest().upper()


def until_shown(thumbprint, name, *arguments, **options):
    """Waits until it is."""
    end = time.monotonic() + 15
    while (got := shown(name, *arguments, **options)) != thumbprint:
        tap.true(time.monotonic() < end, f'{name}: {got}: ' + daemon.log()[-1500:])
        time.sleep(0.05)


@tap.case('keys of three kinds stand side by side: the client decides')
def _():
    ec = enable(MAIL, '*.mail.contoso.com', label='ec')
    rsa = enable(MAIL, '*.mail.contoso.com', label='rsa', key_kind=certificates.RSA_KEY)
    edwards = enable(MAIL, label='edwards', key_kind=EDWARDS)
    until_shown(edwards, MAIL, '-sigalgs', 'ed25519')
    for version in ('-tls1_2', '-tls1_3'):
        tap.same(shown(MAIL, version), ec)
        tap.same(shown(MAIL, version, *RSA), rsa)
        tap.same(shown('x.mail.contoso.com', version, *RSA), rsa)


@tap.case('those of another authority, and expired ones, do not: the newest valid one is shown')
def _():
    old = enable('lone.contoso.com', label='old', dates=('20200101', '20200201'), force=True)
    until_shown(old, 'lone.contoso.com')
    lone = enable('lone.contoso.com', label='lone', key_kind=certificates.RSA_KEY)
    until_shown(lone, 'lone.contoso.com')
    # What `usher setup` made is ECDSA and signs itself.
    mine = enable(site.HOST, by=other, label='mine', key_kind=certificates.RSA_KEY)
    until_shown(mine, site.HOST)
    tap.same(shown('lone.contoso.com', '-sigalgs', 'ECDSA+SHA256'), None)


@tap.case('one that is enabled for a listener is served there alone')
def _():
    two = enable('two.contoso.com', label='two', listener=('--listener', 'two'))
    until_shown(two, 'two.contoso.com', port=port_two)
    tap.true(shown('two.contoso.com') not in (two, None), 'on the other listener too')


@tap.case('a key that cannot sign profiles serves all the same, and is told of once')
def _():
    usher('service', 'add', 'fabrikam.example', 'smtp', '--host', 'smtp.fabrikam.example',
          '--port', '465', '--socket', 'tls')
    thumbprint = enable('fabrikam.example', label='lone-edwards', key_kind=EDWARDS)
    usher('domain', 'set', 'fabrikam.example', '--certificate', thumbprint)
    until_shown(thumbprint, 'autodiscover.fabrikam.example', '-sigalgs', 'ed25519')
    for _ in range(2):
        answer = request(daemon.https, 'fabrikam.example', method='GET', root=False,
                         path='/profile.mobileconfig?email=ann@fabrikam.example')
        tap.same((answer.status, answer.body[:5]), (200, b'<?xml'))
    tap.same(daemon.log().count('profiles go unsigned'), 1)


@tap.case('certificates are enabled under load: no request fails, no connection is dropped')
def _():
    kept_alive = site.KeepAlive(daemon)
    with site.Load(kept_alive) as kept, \
            site.Load(lambda: site.ask(daemon, login='nora@contoso.com'), threads=2) as fresh:
        for i in range(3):
            thumbprint = enable('busy.contoso.com', label=f'busy{i}')
            daemon.reload()
            until_shown(thumbprint, 'busy.contoso.com')
        end = time.monotonic() + 30
        while min(kept.answered, fresh.answered) < 20 and time.monotonic() < end:
            time.sleep(0.02)
    tap.same((kept.faults, fresh.faults), ([], []))
    tap.same(kept_alive.opened, 3)
    return f'{kept.answered} kept alive and {fresh.answered} new connections'


@tap.case('sslscan: TLS 1.2 and 1.3 alone, no weak cipher, no renegotiation, no compression')
def _():
    tap.need('sslscan')
    done = subprocess.run(['sslscan', '--no-colour', '--xml=-', '--sni-name=' + MAIL,
                           '%s:%d' % daemon.https], capture_output=True, text=True, timeout=60,
                          check=True)
    test = xml.etree.ElementTree.fromstring(done.stdout).find('ssltest')
    tap.same([p.get('version') for p in test.iter('protocol') if p.get('enabled') == '1'],
             ['1.2', '1.3'])
    tap.same({c.get('strength') for c in test.iter('cipher')} - {'strong', 'acceptable'}, set())
    tap.same({x.get('vulnerable') for x in test.iter('heartbleed')}, {'0'})
    tap.same(test.find('renegotiation').get('supported'), '0')
    tap.same([c for c in test.iter('compression') if c.get('supported') != '0'], [])


@tap.case('a client that speaks TLS 1.1 alone is turned away')
def _():
    with socket.create_connection(daemon.https, timeout=10) as s:
        # A ClientHello of TLS 1.1 with one suite, as openssl would not send it any more.
        hello = bytes.fromhex('0302') + bytes(32) + b'\0' + bytes.fromhex('0002c013' '0100')
        s.sendall(b'\x16\x03\x01' + (len(hello) + 4).to_bytes(2, 'big') + b'\x01' +
                  len(hello).to_bytes(3, 'big') + hello)
        tap.same(s.recv(7), bytes.fromhex('150302' '0002' '0246'))


@tap.case('clean up')
def _():
    blocks.close()


tap.main()
