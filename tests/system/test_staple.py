#!/usr/bin/python3
"""usherd shows what a certificate's OCSP responder says, and nothing that is wrong or outdated.

`openssl ocsp` is the responder and `openssl s_client -status` the client."""
import base64
import contextlib
import http.server
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import site_contoso as site
from support import certificates, tap
from support.daemon import Usherd
from support.scratch import Folder, free_port, write

HOST = 'cas01.contoso.com'

blocks = contextlib.ExitStack()
folder = blocks.enter_context(Folder())
site.make(folder)
authority = certificates.Authority(folder)
(folder / 'other').mkdir()
other = certificates.Authority(folder / 'other')
port = free_port()
AIA = f'authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}\n'


def issue(label, extensions=AIA):
    """A certificate with its issuer behind it."""
    chain, key = authority.issue(HOST, label=label, extensions=extensions)
    chain.write_bytes(chain.read_bytes() + authority.root.read_bytes())
    return chain, key


plain = issue('plain')
strict = issue('strict', AIA.replace(str(port), f'{port}/below') + 'tlsfeature=status_request\n')
nobody = issue('nobody', '')


def index(chain, status):
    """The database of `openssl ca` with that certificate in it."""
    shown = subprocess.run(['openssl', 'x509', '-in', chain, '-noout', '-serial'],
                           capture_output=True, text=True, check=True).stdout
    revoked = '251101000000Z,keyCompromise' if status == 'R' else ''
    return write(folder / f'{status}.index',
                 f'{status}\t301231235959Z\t{revoked}\t{shown.strip().partition("=")[2]}\tunknown'
                 f'\t/CN={HOST}\n')


def answering(status='V', signer=authority, life=('-ndays', '1'), chain=None):
    """The command of a responder, complete but for where the question comes from."""
    return ['openssl', 'ocsp', '-CA', str(authority.root), '-index',
            str(index(chain or plain[0], status)), '-rsigner', str(signer.root), '-rkey',
            str(signer.key), *life]


class Responder(http.server.ThreadingHTTPServer):
    """Answers each question with what `behaviour` makes of its DER."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behaviour):
        self.behaviour, self.asked = behaviour, 0
        self.over = threading.Event()
        super().__init__(('127.0.0.1', port), Question)
        threading.Thread(target=self.serve_forever, args=(0.02,)).start()

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()


class Question(http.server.BaseHTTPRequestHandler):
    """One of them."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.server.asked += 1
        text = urllib.parse.unquote(self.path.removeprefix('/below').removeprefix('/'))
        status, fields, body = self.server.behaviour(base64.b64decode(text, validate=True))
        if status is None:
            self.server.over.wait(20)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def by_openssl(faked=None, **options):
    """What `openssl ocsp` answers, with its clock set so."""
    def behaviour(der):
        question, answer = folder / 'question.der', folder / 'answer.der'
        question.write_bytes(der)
        clock = ['faketime', '-f', faked] if faked else []
        subprocess.run([*clock, *answering(**options), '-reqin', question, '-respout', answer],
                       capture_output=True, check=True)
        return 200, [('Content-Type', 'application/ocsp-response')], answer.read_bytes()
    return behaviour


def saying(status, body=b'', fields=()):
    """The same answer to everybody; status None: none at all."""
    return lambda _: (status, fields, body)


def serving(pair=plain, config='', **options):
    """usherd with that certificate."""
    return Usherd(folder, certificate=pair[0], key=pair[1], listeners=('https', 'private'),
                  config=config, **options)


def shown(daemon, *arguments):
    """What `openssl s_client -status` says of the staple: its status, or None without one."""
    done = subprocess.run(
        ['openssl', 's_client', '-connect', '%s:%d' % daemon.https, '-servername', HOST, '-status',
         '-CAfile', authority.root, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=20, check=False)
    tap.has(done.stdout, 'Verify return code: 0 (ok)')
    if 'OCSP response: no response sent' in done.stdout:
        return None
    tap.has(done.stdout, 'OCSP Response Status: successful')
    return re.search(r'Cert Status: (\w+)', done.stdout)[1]


def until(condition, what, daemon, seconds=15):
    """Waits until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        tap.true(time.monotonic() < end, what + ': ' + daemon.log()[-1500:])
        time.sleep(0.02)


def until_log(daemon, text):
    """Waits for a line of the log."""
    until(lambda: text in daemon.log(), text, daemon)


@tap.case('a real responder: its answer is shown by TLS 1.2 and 1.3')
def _():
    command = [*answering(), '-port', str(port), '-ignore_err']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as responder:
        try:
            tap.has(responder.stdout.readline().decode(), 'ACCEPT')
            with serving() as daemon:
                until_log(daemon, 'msg="OCSP response"')
                tap.same((shown(daemon), shown(daemon, '-tls1_2')), ('good', 'good'))
        finally:
            responder.send_signal(signal.SIGTERM)


@tap.case('an answer is kept through reloads, and asked for once')
def _():
    with Responder(by_openssl()) as responder, serving() as daemon:
        until_log(daemon, 'msg="OCSP response"')
        for _ in range(2):
            before = daemon.log().count('msg=reloaded')
            daemon.reload()
            until(lambda: daemon.log().count('msg=reloaded') > before, 'reloaded', daemon)
            tap.same(shown(daemon), 'good')
        tap.same(responder.asked, 1)
        tap.has(site.ask(daemon, listener='private', path='/metrics', method='GET').body.decode(),
                'usherd_ocsp_responses_total{result="fetched"} 1')


@tap.each([
    ('revoked', by_openssl(status='R'), 'has been revoked', 'reason=keyCompromise'),
    ('unknown', by_openssl(chain=strict[0]), 'does not know the certificate', 'no OCSP response'),
    ('outdated', by_openssl(faked='-3d'), 'outdated', 'no OCSP response'),
    ('from the future', by_openssl(faked='+1h'), 'in the future', 'no OCSP response'),
    ('another signer', by_openssl(signer=other), 'not signed by', 'no OCSP response'),
    ('garbage', saying(200, b'hello'), 'no OCSP response', 'is no OCSP response'),
    ('nothing', saying(200), 'is no OCSP response', ''),
    ('more than 64 KB', saying(200, b'x' * 70000), 'no OCSP response', ''),
    ('an error', saying(500), 'HTTP status 500', 'level=notice'),
    ('a redirect is not followed', saying(302, fields=[('Location', f'http://127.0.0.1:{port}/')]),
     'HTTP status 302', ''),
])
def _(behaviour, text, more):
    with Responder(behaviour) as responder, serving() as daemon:
        until_log(daemon, text)
        tap.has(daemon.log(), more)
        tap.same(shown(daemon), None)
        tap.same(responder.asked, 1)


@tap.case('a responder that says nothing costs nobody time, not at the end either')
def _():
    with Responder(saying(None)) as responder, serving() as daemon:
        until(lambda: responder.asked == 1, 'asked', daemon)
        began = time.monotonic()
        tap.same(shown(daemon), None)
        daemon.process.send_signal(signal.SIGTERM)
        tap.same(daemon.process.wait(15), 0)
        tap.true(time.monotonic() - began < 8, 'it waited for the responder')


@tap.case('a responder that is down is asked again at a reload; must-staple is a warning')
def _():
    with serving(strict) as daemon:
        until_log(daemon, 'without which clients refuse the certificate')
        tap.has(daemon.log(), 'level=warning')
        tap.same(shown(daemon), None)
        with Responder(by_openssl(chain=strict[0])):
            daemon.reload()
            until_log(daemon, 'msg="OCSP response"')
            tap.same(shown(daemon), 'good')


@tap.each([
    ('a certificate without a responder', nobody, ''),
    ('switched off', plain, '[tls]\nocsp stapling = no\n'),
])
def _(pair, config):
    with Responder(by_openssl()) as responder, serving(pair, config) as daemon:
        tap.same(shown(daemon), None)
        tap.same((responder.asked, 'OCSP' in daemon.log()), (0, False))


@tap.case('without its issuer a responder cannot be asked, which the log tells')
def _():
    lone = write(folder / 'lone.pem', pathlib.Path(plain[0]).read_text(encoding='ascii')
                 .partition('-----END CERTIFICATE-----\n')[0] + '-----END CERTIFICATE-----\n')
    with serving((lone, plain[1])) as daemon:
        until_log(daemon, 'no OCSP response can be had')
        tap.has(daemon.log(), 'import it with the chain')


@tap.case('clean up')
def _():
    blocks.close()


tap.main()
