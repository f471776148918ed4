#!/usr/bin/python3
"""The roots of private authorities as usherd hands them out: the page at /ca, and the files."""
import hashlib
import html
import plistlib
import re
import ssl
import subprocess
import time

from support import certificates, programs, tap
from support.daemon import Usherd
from support.post import request
from support.scratch import Folder

HOST = 'mail.contoso.com'
LOOK_SECONDS = 10
FILES = ('/ca/root.crt', '/ca/root.pem', '/ca/root.mobileconfig')

folder_block = Folder()
folder = folder_block.__enter__()
DIRECTORY = f'sqlite:{folder}/usher.db'


def usher(*arguments):
    """Standard output of `usher`, which must succeed."""
    return programs.usher_ok(*arguments, directory=DIRECTORY)


usher('setup', '--domain', 'contoso.com', '--host', HOST)
usher('domain', 'set', 'contoso.com', '--display-name', 'Contoso & Co', '--contact', 'help@contoso.com',
      '--host-names', HOST)
usher('domain', 'add', 'müller.example', '--kind', 'mail')
chain, key = certificates.Authority(folder).issue(HOST)
daemon = Usherd(folder, chain, key)
daemon.__enter__()


def get(path='/ca', fields=None, listener='https', method='GET', where=None, host=HOST):
    """A GET as a browser that does not know us yet sends it."""
    return request(getattr(where or daemon, listener), host, path=path, method=method, fields=fields,
                   root=False if listener == 'https' else None)


def until(condition):
    """Waits for what usherd looks at every second; those who need it say what is missing."""
    end = time.monotonic() + LOOK_SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)


def text(answer):
    """What a reader sees: markup dropped, one blank between words."""
    body = re.sub(r'<(style|svg|title)\b.*?</\1>', '', answer.body.decode(), flags=re.S)
    body = re.sub(r'</?(bdi|code|wbr)/?>', '', body)
    return ' '.join(html.unescape(re.sub(r'<[^>]*>', ' ', body)).split())


def fingerprint(certificate, digest):
    """The digest of a certificate as people compare it."""
    return ':'.join(f'{byte:02X}' for byte in hashlib.new(digest, certificate).digest())


@tap.case('without an authority there is nothing')
def _():
    nothing = get('/nothing')
    for path in ('/ca', *FILES):
        got = get(path)
        tap.same((got.status, got.body), (404, nothing.body), path)
    tap.true('/ca' not in get('/').body.decode(), 'the page for people leads to it')


@tap.case('an authority that has just been made is offered')
def _():
    usher('ca', 'init', '--name', 'Contoso Root <1>', '--no-passphrase', '--permit', 'quay1')
    until(lambda: get().status == 200)
    tap.same(get().status, 200)
    tap.has(get('/').body.decode(), 'href="/ca"')


def der():
    """The root as `usher` writes it."""
    return ssl.PEM_cert_to_DER_cert(usher('ca', 'root'))


@tap.case('the page says what to compare, for what it is, and by whom')
def _():
    shown = text(get())
    for part in (fingerprint(der(), 'sha256'), fingerprint(der(), 'sha1'), 'Contoso Root <1>',
                 'contoso.com, müller.example, quay1', 'for the names below and for no others',
                 'Contoso & Co', 'help@contoso.com', 'sudo trust anchor Contoso-Root-1.pem'):
        tap.has(shown, part)
    for name in ('Windows', 'iPhone, iPad', 'Mac', 'Android', 'Firefox, Thunderbird', 'Linux'):
        tap.has(get().body.decode(), f'<h3>{name}</h3>')


@tap.case('the page loads nothing from anywhere')
def _():
    got = get()
    policy = dict(p.strip().split(' ', 1) for p in got.fields['content-security-policy'].split(';'))
    tap.same(policy['default-src'], "'none'")
    tap.true('unsafe' not in str(policy), policy)
    tap.same([got.fields[f] for f in ('content-type', 'cache-control', 'referrer-policy', 'vary')],
             ['text/html; charset=utf-8', 'no-store', 'no-referrer', 'Accept-Language'])
    tap.same(re.findall(r'<script|\son\w+=|\sstyle=|<link|<img|<iframe', got.body.decode()), [])
    links = set(re.findall(r'href="([^"]*)"', got.body.decode()))
    tap.same(links, {'/ca?lang=de', 'mailto:help@contoso.com', *FILES})


@tap.each([('by Accept-Language', '/ca', {'Accept-Language': 'de-AT'}), ('by choice', '/ca?lang=de', {})])
def _(path, fields):
    got = get(path, fields)
    tap.has(text(got), 'Unser Stammzertifikat installieren')
    tap.same(got.fields['content-language'], 'de')


@tap.each([('the certificate', FILES[0], 'application/x-x509-ca-cert', 'inline', 'crt'),
           ('PEM', FILES[1], 'application/x-pem-file', 'attachment', 'pem'),
           ('the Apple profile', FILES[2], 'application/x-apple-aspen-config', 'attachment', 'mobileconfig')])
def _(path, kind, how, end):
    got = get(path)
    tap.same((got.status, got.fields['content-type'], got.fields['content-disposition'],
              got.fields['x-content-type-options']),
             (200, kind, f'{how}; filename="Contoso-Root-1.{end}"', 'nosniff'))
    head = get(path, method='HEAD')
    tap.same((head.status, head.body), (200, b''))


@tap.case('the files are the root')
def _():
    tap.same(get(FILES[0]).body, der())
    tap.same(get(FILES[1]).body.decode(), usher('ca', 'root'))


@tap.case('the profile is signed, and its content is what `usher ca root` writes')
def _():
    signed = folder / 'signed'
    signed.write_bytes(get(FILES[2]).body)
    plain = folder / 'plain.mobileconfig'
    subprocess.run(['openssl', 'cms', '-verify', '-inform', 'DER', '-in', signed, '-noverify', '-out', plain],
                   check=True, capture_output=True)
    tap.same(plain.read_text(), usher('ca', 'root', '--form', 'apple'))
    profile = plistlib.loads(plain.read_bytes())
    payload = profile['PayloadContent'][0]
    tap.same((payload['PayloadType'], payload['PayloadContent']), ('com.apple.security.root', der()))
    tap.same(profile['PayloadDisplayName'], 'Contoso Root <1>')
    tap.has(profile['PayloadDescription'], fingerprint(der(), 'sha256'))
    tap.true(profile['PayloadUUID'] != payload['PayloadUUID'], profile)


@tap.case('plain HTTP leads to the page over TLS and hands out nothing')
def _():
    got = get(listener='redirect')
    tap.same((got.status, got.fields['location']), (302, f'https://{HOST}/ca'))
    tap.same(get(listener='redirect', host='elsewhere.example').status, 404)
    for path in FILES:
        tap.same(get(path, listener='redirect').status, 404)


@tap.case('of several authorities each is told and fetched by its name')
def _():
    usher('ca', 'init', '--name', 'Ω', '--no-passphrase', '--unconstrained')
    until(lambda: 'Ω' in text(get()))
    shown = text(get())
    tap.has(shown, "for any name there is, your bank's too")
    tap.has(shown, 'Download certificate: Ω')
    links = set(re.findall(r'href="([^"]*root.crt[^"]*)"', get().body.decode()))
    tap.same(links, {'/ca/root.crt?name=%CE%A9', '/ca/root.crt?name=Contoso%20Root%20%3C1%3E'})
    got = get('/ca/root.pem?name=%CE%A9')
    tap.same(got.body.decode(), usher('ca', 'root', '--ca', 'Ω'))
    tap.has(got.fields['content-disposition'], 'filename="root.pem"')
    for path in ('/ca/root.crt', '/ca/root.crt?name=', '/ca/root.crt?name=other', '/ca/root.crt?name=%zz'):
        tap.same(get(path).status, 404, path)


@tap.case('with the page for people off, roots are as well')
def _():
    off = folder / 'off'
    off.mkdir()
    with Usherd(off, chain, key, directory=DIRECTORY, config='[page]\nserve = off\n') as other:
        for path in ('/ca', *FILES, '/ca/root.pem?name=%CE%A9'):
            tap.same(get(path, where=other).status, 404, path)


@tap.case('usherd ends in peace')
def _():
    daemon.__exit__(None, None, None)
    folder_block.__exit__(None, None, None)


tap.main()
