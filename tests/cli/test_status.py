#!/usr/bin/python3
"""`usher status` beside a running usherd, and beside what is none."""
import http.server
import threading

from support import daemon, programs, scratch, tap
from support.peers import Closed


def made(folder):
    """A directory with an organization."""
    programs.usher_ok('setup', '--domain', 'a.example', '--host', 'mail.a.example',
                      directory=f'sqlite:{folder}/usher.db')


@tap.case('a running usherd')
def _():
    with scratch.Folder() as folder:
        made(folder)
        with daemon.Usherd(folder) as usherd:
            text = programs.usher_ok('--config', usherd.config_path, 'status')
            for part in 'Version', 'LISTENER', '127.0.0.1:%d' % usherd.https[1], 'CN=mail':
                tap.has(text, part)
            tap.has(text, 'DAYS LEFT')
            tap.true('answers_' not in text and 'Answers refusal' not in text, text)
            status = programs.usher_json('--config', usherd.config_path, 'status')
            tap.same(status['directory_available'], True)
            tap.true(365 * 4 < status['certificates'][0]['days_left'] < 365 * 6, str(status))
            tap.same(sorted(x['kind'] for x in status['listeners']),
                     ['https', 'private', 'redirect'])
            address = '%s:%d' % usherd.private
            tap.same(programs.usher_json('status', '--url', f'http://{address}/status')['version'],
                     status['version'])


def refused(done, part):
    """Exit 4 and one line with `part` in it."""
    tap.same((done.returncode, done.stdout, done.stderr.count('\n')), (4, '', 1), done.stderr)
    tap.has(done.stderr, part)


@tap.case('nobody there')
def _():
    with Closed() as nobody:
        url = f'http://127.0.0.1:{nobody.port}/status'
        refused(programs.usher('status', '--url', url), 'does usherd run?')


@tap.each([
    ('another program', 404, b'', 'answers 404'),
    ('what is no JSON', 200, b'hello', 'not an answer of usherd'),
    ('JSON nested deep', 200, b'[' * 100 + b']' * 100, 'not an answer of usherd'),
    ('JSON that ends too early', 200, b'{"version": "1"', 'not an answer of usherd'),
    ('a text alone', 200, b'"hello"', 'not an answer of usherd'),
])
def _(status, body, part):
    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers all alike."""

        def do_GET(self):  # pylint: disable=invalid-name
            """Sends the case's answer."""
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):  # pylint: disable=arguments-differ
            """Says nothing."""

    with http.server.HTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = 'http://127.0.0.1:%d/status' % server.server_port
        refused(programs.usher('status', '--url', url), part)
        server.shutdown()


@tap.each([
    ('a URL that is none', ('--url', 'nonsense'), 64),
    ('a scheme that cannot be asked', ('--url', 'ftp://127.0.0.1/'), 64),
    ('a configuration that is not there', ('--config', '/nonexistent/usherd.conf'), 64),
])
def _(arguments, status):
    done = programs.usher('status', *arguments)
    tap.same((done.returncode, done.stdout, done.stderr.count('\n')), (status, '', 1), done.stderr)


tap.main()
