#!/usr/bin/python3
"""usherd shows what a certificate's OCSP responder says, and nothing that is wrong or outdated.

`openssl ocsp` is the responder and `openssl s_client -status` the client."""
import contextlib
import re
import signal
import subprocess
import time

import site_contoso as site
from support import certificates, ocsp, tap
from support.daemon import Usherd
from support.scratch import Folder, write

HOST = site.HOST

blocks = contextlib.ExitStack()
folder = blocks.enter_context(Folder())
site.make(folder)
authority = certificates.Authority(folder)
(folder / 'other').mkdir()
other = certificates.Authority(folder / 'other')
place = ocsp.Place(authority)
plain = place.issue(HOST, label='plain')
strict = place.issue(HOST, label='strict', below='/below', extensions='tlsfeature=status_request\n')
nobody = authority.issue(HOST, label='nobody')
GOOD = place.truth(plain[0])


def serving(pair=plain, config='', **environment):
    """usherd with that certificate."""
    return Usherd(folder, certificate=pair[0], key=pair[1], listeners=('https', 'private'),
                  config=config, environment=environment)


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


def until(condition, what, daemon):
    """Waits until `condition` holds."""
    end = time.monotonic() + 15
    while not condition():
        tap.true(time.monotonic() < end, what + ': ' + daemon.log()[-1500:])
        time.sleep(0.02)


def until_log(daemon, text):
    """Waits for a line of the log."""
    until(lambda: text in daemon.log(), text, daemon)


@tap.case('a real responder: its answer is shown by TLS 1.2 and 1.3')
def _():
    command = [*place.command(plain[0]), '-port', str(place.port), '-ignore_err']
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
    with place.answering(GOOD) as responder, serving() as daemon:
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
    ('revoked', place.truth(plain[0], status='R'), 'has been revoked', 'reason=keyCompromise'),
    ('unknown', place.truth(strict[0]), 'does not know the certificate', 'no OCSP response'),
    ('outdated', place.truth(plain[0], clock='-3d'), 'outdated', 'no OCSP response'),
    ('from the future', place.truth(plain[0], clock='+1h'), 'in the future', 'no OCSP response'),
    ('another signer', place.truth(plain[0], signer=other), 'not signed by', 'no OCSP response'),
    ('garbage', ocsp.saying(200, b'hello'), 'no OCSP response', 'is no OCSP response'),
    ('nothing', ocsp.saying(200), 'is no OCSP response', ''),
    ('more than 64 KB', ocsp.saying(200, b'x' * 70000), 'no OCSP response', ''),
    ('an error', ocsp.saying(500), 'HTTP status 500', 'level=notice'),
    ('a redirect is not followed', ocsp.saying(302, fields=[('Location', place.url + '/')]),
     'HTTP status 302', ''),
])
def _(behaviour, text, more):
    with place.answering(behaviour) as responder, serving() as daemon:
        until_log(daemon, text)
        tap.has(daemon.log(), more)
        tap.same(shown(daemon), None)
        tap.same(responder.asked, 1)


@tap.case('a responder that says nothing costs nobody time, not at the end either')
def _():
    with place.answering(ocsp.saying(None)) as responder, serving() as daemon:
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
        with place.answering(place.truth(strict[0])):
            daemon.reload()
            until_log(daemon, 'msg="OCSP response"')
            tap.same(shown(daemon), 'good')


@tap.each([
    ('a certificate without a responder', nobody, ''),
    ('switched off', plain, '[tls]\nocsp stapling = no\n'),
])
def _(pair, config):
    with place.answering(GOOD) as responder, serving(pair, config) as daemon:
        tap.same(shown(daemon), None)
        tap.same((responder.asked, 'OCSP' in daemon.log()), (0, False))


@tap.case('the issuer may be a root of the system; without it the log tells that nobody is asked')
def _():
    end = '-----END CERTIFICATE-----\n'
    lone = write(folder / 'lone.pem', plain[0].read_text(encoding='ascii').partition(end)[0] + end)
    with serving((lone, plain[1])) as daemon:
        until_log(daemon, 'no OCSP response can be had')
        tap.has(daemon.log(), 'import it with the chain')
    with place.answering(GOOD), serving((lone, plain[1]), SSL_CERT_FILE=authority.root) as daemon:
        until_log(daemon, 'msg="OCSP response"')
        tap.same(shown(daemon), 'good')


@tap.case('a proxy from the environment that is none is told of, and serving goes on')
def _():
    with serving(http_proxy='ftp://proxy.example') as daemon:
        tap.has(daemon.log(), 'OCSP responders are not asked')
        tap.same(shown(daemon), None)


@tap.case('clean up')
def _():
    blocks.close()


tap.main()
