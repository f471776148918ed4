#!/usr/bin/python3
"""`usher cert renew --acme`: an ACME server (pebble) asks usherd, which answers on port 80."""
import http.server
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

from support import acme, certificates, daemon, netns, scratch, tap
from support.programs import clean_environment, program, usher, usher_json, usher_ok

netns.enter()

HOST, AUTODISCOVER = 'mail.contoso.com', 'autodiscover.contoso.com'
SERVICE, CLOSED, STRANGER, NOBODY = '127.1.0.1', '127.1.0.2', '127.1.0.3', 65534
FABRIKAM = ['autodiscover.fabrikam.com', 'autoconfig.fabrikam.com', 'ua-auto-config.fabrikam.com']
RECORDS = [f'{acme.Server.HOST}. A {acme.Server.ADDRESS}',
           *(f'{name}. A {SERVICE}' for name in [HOST, AUTODISCOVER, *FABRIKAM]),
           f'closed.contoso.com. A {CLOSED}', f'stranger.contoso.com. A {STRANGER}']
PATIENCE = 20

if not all(shutil.which(part) for part in ('pebble', 'uacme')):
    tap.case('pebble and uacme are there')(lambda: tap.need('pebble', 'uacme'))
    tap.main()

block = scratch.Folder()
folder = block.__enter__()
directory = f'sqlite:{folder}/usher.db'
authority = certificates.Authority(folder)
for address in (SERVICE, CLOSED, STRANGER):
    netns.add_address(address)
netns.trust(authority, folder)
usher_ok('setup', '--domain', 'contoso.com', '--host', HOST, directory=directory)


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another machine's web site."""

    def do_GET(self):   # pylint: disable=invalid-name
        """Answers every path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'Welcome!')

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Says nothing."""


def raised(part):
    """Enters a part that stays until the test ends."""
    part.__enter__()
    return part


site = http.server.ThreadingHTTPServer((STRANGER, 80), Stranger)
threading.Thread(target=site.serve_forever, daemon=True).start()
raised(netns.Dns(folder, RECORDS))
server = raised(acme.Server(folder, authority))
root = server.root(folder / 'root.pem')
service = raised(daemon.Usherd(folder, ports={'https': 443, 'redirect': 80},
                               addresses={'https': SERVICE, 'redirect': SERVICE}))
AGREED = ('--acme', server.url, '--accept-terms')


def renew(*arguments, **options):
    """Runs the command."""
    return usher('cert', 'renew', *arguments, directory=directory, **options)


def rows():
    """The certificates of the directory, by thumbprint."""
    document = usher_json('export', directory=directory)
    return {c['thumbprint']: c for c in document['certificates']}


def enabled():
    """The one certificate that is enabled for https."""
    found = [c for c in rows().values() if c.get('services') == ['https']]
    tap.same(len(found), 1, 'certificates for https')
    return found[0]


def connect(name=HOST):
    """A connection to usherd that the ACME server's root vouches for."""
    context = ssl.create_default_context(cafile=str(root))
    return context.wrap_socket(socket.create_connection((SERVICE, 443)), server_hostname=name)


def wait_until_shown(thumbprint, name=HOST):
    """usherd shows that certificate, verified by openssl."""
    end = time.monotonic() + PATIENCE
    while True:
        said = subprocess.run(
            ['openssl', 's_client', '-connect', f'{SERVICE}:443', '-servername', name,
             '-verify_return_error', '-verify_hostname', name, '-CAfile', root],
            input='', capture_output=True, text=True, check=False)
        text = subprocess.run(['openssl', 'x509', '-noout', '-fingerprint', '-text'],
                              input=said.stdout, capture_output=True, text=True,
                              check=False).stdout
        if said.returncode == 0 and thumbprint in text.replace(':', ''):
            return text
        tap.true(time.monotonic() < end, f'usherd does not show {thumbprint}: {said.stderr}')
        time.sleep(0.05)


def left():
    """What lies beside the directory but accounts; all of it must be private."""
    home = folder / 'usher.db.acme'
    for path in [home, *home.rglob('*'), *(folder / 'usher.db.keys').rglob('*')]:
        tap.same(path.stat().st_mode & 0o777, 0o700 if path.is_dir() else 0o600, str(path))
    return sorted(x.name for x in home.rglob('*')
                  if x.is_file() and 'account-' not in str(x.relative_to(home)))


def whole():
    """Each certificate has its key, and each key its certificate; nothing is under way."""
    tap.same(left(), [])
    keys = {x.stem for x in (folder / 'usher.db.keys').iterdir()}
    tap.same(keys, {c['sha256'] for c in rows().values()})


def nothing(done):
    """It had nothing to do."""
    tap.same((done.returncode, done.stdout, done.stderr),
             (0, '', 'usher: nothing is to be renewed\n'))


@tap.case('without the terms of service agreed to nothing happens')
def _():
    before = rows()
    done = renew('--acme', server.url)
    tap.same((done.returncode, len(done.stderr.splitlines())), (3, 1), done.stderr)
    tap.has(done.stderr, 'agree by --accept-terms: data:text/plain,Do%20what%20thou%20wilt')
    tap.same((rows(), server.issued(), left()), (before, 0, []))


@tap.case('a dry run tells the names and asks nobody')
def _():
    done = renew(*AGREED, '--dry-run', '--json')
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stdout, f'"names": ["{HOST}", "{AUTODISCOVER}"]')
    tap.same(server.issued(), 0)


@tap.case('the names that the directory calls for are certified, and shown without a break')
def _():
    old = enabled()
    with socket.create_connection((SERVICE, 80)) as kept:
        kept.sendall(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')
        tap.true(kept.recv(65536).startswith(b'HTTP/1.1 404'), 'no answer before')
        done = renew(*AGREED, '--contact', 'admin@contoso.com')
        tap.same(done.returncode, 0, done.stderr)
        new = enabled()
        tap.same(done.stdout.strip(), new['thumbprint'])
        tap.same((new['names'], new['acme']), ([HOST, AUTODISCOVER], server.url))
        wait_until_shown(new['thumbprint'])
        wait_until_shown(new['thumbprint'], AUTODISCOVER)
        kept.sendall(b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')
        tap.true(kept.recv(65536).startswith(b'HTTP/1.1 404'), 'the connection was dropped')
    tap.true(old['thumbprint'] in rows(), 'the old one is gone')
    tap.has(server.log(), 'There are now 1 accounts')
    whole()


@tap.case('told the same twice, it does nothing the second time')
def _():
    before = rows()
    done = renew(*AGREED)
    nothing(done)
    done = renew('--due')
    nothing(done)
    tap.same((rows(), server.issued()), (before, 1))


@tap.case('what is due is renewed by the same server, with the same names and kind of key')
def _():
    done = renew(*AGREED, '--domain', HOST, '--key', 'p384', '--force', '--remove-old',
                 '--contact', 'other@contoso.com')
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stderr, f'{AUTODISCOVER} is on the old certificate, and not on this one')
    old = enabled()
    now = int(time.time())
    # As if it had been issued 80 days ago for 90.
    with sqlite3.connect(folder / 'usher.db') as db:
        db.execute('UPDATE certificate SET not_before = ?, not_after = ? WHERE thumbprint = ?',
                   (now - 80 * 86400, now + 10 * 86400, old['thumbprint']))
    db.close()
    issued = server.issued()
    nothing(renew('--due', '--days', 5))
    done = renew('--due', '--remove-old')
    tap.same(done.returncode, 0, done.stderr)
    new = enabled()
    tap.same((new['names'], new['acme'], server.issued()), ([HOST], server.url, issued + 1))
    tap.has(wait_until_shown(new['thumbprint']), 'secp384r1')
    tap.true(old['thumbprint'] not in rows(), 'the old one is still there')
    nothing(renew('--due'))


@tap.each([
    ('a name that is not in the DNS', 'nowhere.contoso.com', 'could not resolve'),
    ('port 80 is closed', 'closed.contoso.com', 'connection refused'),
    ('another machine answers', 'stranger.contoso.com', 'another machine answers at its port 80'),
])
def _(name, words):
    before = rows()
    done = renew(*AGREED, '--domain', name)
    tap.same((done.returncode, done.stdout, len(done.stderr.splitlines())), (4, '', 1))
    tap.true(done.stderr.startswith(f'usher: {name}: '), done.stderr)
    tap.has(done.stderr, words)
    tap.same((rows(), left()), (before, []))


MANY = ','.join(f'n{i}.contoso.com' for i in range(101))


@tap.each([
    ('a wildcard', ['--domain', '*.contoso.com'], 64, 'proved by the DNS alone'),
    ('101 names', ['--domain', MANY], 65, 'choose by --domain'),
    ('a server without TLS', ['--acme', 'http://acme.example/dir'], 64, 'ACME needs https'),
    ('a contact that is no address', ['--contact', 'admin'], 65, 'admin'),
    ('an option as a contact', ['--contact', '-y'], 65, '-y'),
    ('a weak key', ['--key', 'rsa1024'], 64, 'below 2048 bits'),
    ('two ways at once', ['--due'], 64, '--acme URL and --due'),
    ('its old key once more', ['--same-key'], 64, '--same-key'),
    ('a certificate that is not there', ['12345678'], 1, 'no such certificate'),
])
def _(arguments, status, words):
    issued = server.issued()
    done = renew(*AGREED, *arguments)
    tap.same((done.returncode, done.stdout), (status, ''), done.stderr)
    tap.has(done.stderr, words)
    tap.same(server.issued(), issued)


@tap.case('without uacme it says what to install')
def _():
    done = renew(*AGREED, '--force', PATH='/nonexistent')
    tap.same(done.returncode, 4, done.stderr)
    tap.has(done.stderr, 'usher: uacme: is not installed')


@tap.case('a server that does not answer is given up in time')
def _():
    with socket.create_server((CLOSED, 443)):
        begin = time.monotonic()
        done = renew('--acme', f'https://{CLOSED}/dir', '--timeout', '300ms')
        tap.true(time.monotonic() - begin < 5, 'too late')
    tap.same(done.returncode, 4, done.stderr)
    tap.has(done.stderr, 'in time')


@tap.case('a name of the old certificate that nobody certifies is left out')
def _():
    old = next(t for t, c in rows().items() if 'mail' in c['names'])
    done = renew(*AGREED, '--dry-run', old)
    tap.same((done.returncode, done.stderr),
             (0, 'usher: mail: left out: is a name of one label: public CAs may not issue for it, '
                 'a private one may\n'))
    tap.same(done.stdout.split(), [server.url, 'would', 'be', 'asked', 'for', 'a', 'certificate.',
                                   'Names', HOST, 'Replaces', old])


def begun():
    """A renewal that waits for the ACME server, in which uacme has answered a challenge."""
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [program('usher'), '--directory', directory, 'cert', 'renew', *AGREED, '--force'],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=clean_environment())
    end = time.monotonic() + PATIENCE
    while not list((folder / 'usher.db.acme/challenge').glob('[!.]*')):
        tap.true(time.monotonic() < end and process.poll() is None, 'no challenge has come')
        time.sleep(0.005)
    return process


@tap.case('two at once: the second says so')
def _():
    first = begun()
    second = renew(*AGREED, '--force')
    tap.same(second.returncode, 4, second.stderr)
    tap.has(second.stderr, 'another renewal is under way')
    said = first.communicate(timeout=60)
    tap.same(first.returncode, 0, said)
    left()


@tap.each([('interrupted, it ends uacme and leaves nothing', signal.SIGINT, 4),
           ('killed at once, it leaves nothing half-made', signal.SIGKILL, -signal.SIGKILL)])
def _(sign, status):
    before = rows()
    process = begun()
    process.send_signal(sign)
    said = process.communicate(timeout=60)
    tap.same(process.returncode, status, said)
    tap.same(rows(), before)
    if sign == signal.SIGINT:
        tap.same(left(), [])
        tap.has(said[1], 'was interrupted')
        return
    # Whatever an orphan still does, the next one is not disturbed by it.
    done = renew(*AGREED, '--force', '--remove-old')
    tap.same(done.returncode, 0, done.stderr)
    wait_until_shown(enabled()['thumbprint'])


@tap.case('each domain gets a certificate of its own, which usherd shows by name')
def _():
    usher_ok('domain', 'add', 'fabrikam.com', '--kind', 'mail', directory=directory)
    usher_ok('service', 'add', 'fabrikam.com', 'imap', '--host', 'mail.fabrikam.com', '--port',
             993, '--socket', 'tls', directory=directory)
    usher_ok('domain', 'add', 'nobodys.example', '--kind', 'mail', directory=directory)
    shown = enabled()
    # Both have the certificate of all.
    for domain in ('contoso.com', 'fabrikam.com'):
        usher_ok('domain', 'set', domain, '--certificate', shown['thumbprint'],
                 directory=directory)
    done = renew(*AGREED, '--for-each-domain', '--remove-old')
    tap.same(done.returncode, 0, done.stderr)
    domains = {d['domain']: d for d in usher_json('export', directory=directory)['domains']}
    own = rows()[domains['fabrikam.com']['certificate']]
    tap.same(sorted(own['names']), sorted(FABRIKAM))
    # That one has all of its names, and time.
    tap.same(domains['contoso.com']['certificate'], shown['thumbprint'])
    wait_until_shown(own['thumbprint'], FABRIKAM[0])
    tap.true('certificate' not in domains['nobodys.example'], 'a certificate for .example')
    tap.has(done.stderr, 'autodiscover.nobodys.example: left out')
    tap.same(enabled(), shown)
    tap.has(renew(*AGREED, '--for-each-domain').stderr, 'nothing is to be renewed')


@tap.case('what vouches for itself is renewed when it is due, by itself')
def _():
    own = f'sqlite:{folder}/own.db'
    usher_ok('setup', '--domain', 'contoso.com', '--host', HOST, directory=own)
    for now, words in (('2027-01-01', 'nothing is'), ('@4000000000', 'in the place of'),
                       ('@4000000000', 'nothing is')):
        done = usher('cert', 'renew', '--due', '--now', now, directory=own)
        tap.same(done.returncode, 0, done.stderr)
        tap.has(done.stderr, words)
    document = usher_json('export', directory=own)
    tap.same(sorted(c.get('services', []) for c in document['certificates']), [[], ['https']])


@tap.case('root becomes the owner of the directory')
def _():
    if os.geteuid() != 0 or pathlib.Path('/proc/self/uid_map').read_text().split()[2] == '1':
        tap.skip('needs root outside of a user namespace')
    usher_ok('setup', '--domain', 'contoso.com', '--host', HOST,
             directory=f'sqlite:{folder}/usher.db')
    for path in [folder, *folder.glob('usher.db*'), *folder.glob('usher.db.*/**/*')]:
        os.chown(path, NOBODY, NOBODY)
    done = renew(*AGREED, '--domain', HOST, '--force')
    tap.same(done.returncode, 0, done.stderr)
    for path in [*folder.glob('usher.db*'), *folder.glob('usher.db.*/**/*')]:
        tap.same((path.stat().st_uid, path.stat().st_gid), (NOBODY, NOBODY), str(path))
    whole()


tap.main()
