"""An OCSP responder on loopback: `openssl ocsp` behind HTTP of our own, or anything else for it.

    responder = ocsp.Place(authority)
    chain, key = responder.issue('mail.example')
    with responder.answering(responder.truth(chain)) as r:
        ...
        r.asked     # how often
"""
import base64
import contextlib
import http.server
import subprocess
import threading
import urllib.parse

from support.scratch import free_port, write


class Place:
    """A port, and the certificates of an authority that name it as where to ask."""

    def __init__(self, authority):
        self.authority, self.port = authority, free_port()
        self.url = f'http://127.0.0.1:{self.port}'

    def issue(self, *names, below='', extensions='', **options):
        """As Authority.issue(), with the issuer behind the certificate."""
        chain, key = self.authority.issue(
            *names, extensions=f'authorityInfoAccess=OCSP;URI:{self.url}{below}\n{extensions}',
            **options)
        chain.write_bytes(chain.read_bytes() + self.authority.root.read_bytes())
        return chain, key

    def command(self, *chains, status='V', signer=None, life=('-ndays', '1')):
        """`openssl ocsp` for these certificates, complete but for where questions come from."""
        signer = signer or self.authority
        lines = ''
        for chain in chains:
            shown = subprocess.run(['openssl', 'x509', '-in', chain, '-noout', '-serial'],
                                   capture_output=True, text=True, check=True).stdout
            revoked = '251101000000Z,keyCompromise' if status == 'R' else ''
            lines += (f'{status}\t301231235959Z\t{revoked}\t{shown.strip().partition("=")[2]}'
                      f'\tunknown\t/CN={chain.stem}\n')
        index = write(self.authority.folder / f'{status}.index', lines)
        return ['openssl', 'ocsp', '-CA', str(self.authority.root), '-index', str(index),
                '-rsigner', str(signer.root), '-rkey', str(signer.key), *life]

    def truth(self, *chains, clock=None, **options):
        """A behaviour: what `openssl ocsp` answers, with its clock set so (faketime's `-3d`)."""
        def behaviour(der):
            question, answer = (self.authority.folder / f'{n}.der' for n in ('asked', 'answer'))
            question.write_bytes(der)
            faked = ['faketime', '-f', clock] if clock else []
            subprocess.run([*faked, *self.command(*chains, **options), '-reqin', question,
                            '-respout', answer], capture_output=True, check=True)
            return 200, [('Content-Type', 'application/ocsp-response')], answer.read_bytes()
        return behaviour

    def answering(self, behaviour):
        """Answers each question with what `behaviour` makes of its DER, until the block ends."""
        return _Responder(self.port, behaviour)


def saying(status, body=b'', fields=()):
    """A behaviour: the same to everybody; status None: nothing at all."""
    return lambda _: (status, fields, body)


class _Responder(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port, behaviour):
        self.behaviour, self.asked = behaviour, 0
        self.over = threading.Event()
        super().__init__(('127.0.0.1', port), _Question)
        threading.Thread(target=self.serve_forever, args=(0.02,)).start()

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()


class _Question(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        """RFC 6960, A.1: the question is the path's last part."""
        self.server.asked += 1
        text = urllib.parse.unquote(self.path.rpartition('/')[2])
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
        """Says nothing."""
