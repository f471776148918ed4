"""An ACME server (pebble) for tests in a namespace of their own.

    with acme.Server(folder, authority) as ca:      # inside netns.enter(), with DNS and trust
        usher('cert', 'renew', '--acme', ca.url, …)"""
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request

from support.scratch import write

START_SECONDS = 20


class Server:
    """`url` is its directory, at the host HOST, which the DNS must know as ADDRESS."""

    HOST, ADDRESS, PORT, MANAGEMENT = 'acme.example', '127.0.0.1', 14000, 15000

    def __init__(self, folder, authority, dns='127.0.0.1:53', **environment):
        self._folder, self._environment = folder, environment
        self.url = f'https://{self.HOST}:{self.PORT}/dir'
        chain, key = authority.issue(self.HOST, 'localhost')
        self._root = authority.root
        self._config = write(folder / 'pebble.json', json.dumps({'pebble': {
            'listenAddress': f'{self.ADDRESS}:{self.PORT}',
            'managementListenAddress': f'{self.ADDRESS}:{self.MANAGEMENT}',
            'certificate': str(chain), 'privateKey': str(key),
            'httpPort': 80, 'tlsPort': 443, 'ocspResponderURL': '',
            'externalAccountBindingRequired': False}}))
        self._dns = dns
        self.process = None

    def __enter__(self):
        with open(self._folder / 'pebble.log', 'wb') as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ['pebble', '-config', str(self._config), '-dnsserver', self._dns],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                # No pauses and no rejected nonces: those are for testing clients.
                env={**os.environ, 'PEBBLE_VA_NOSLEEP': '1', 'PEBBLE_WFE_NONCEREJECT': '0',
                     'PEBBLE_AUTHZREUSE': '0', **self._environment})
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection((self.ADDRESS, self.PORT)).close()
                return self
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.__exit__()
                    raise
                time.sleep(0.02)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self):
        """All that it has written so far."""
        return (self._folder / 'pebble.log').read_text(encoding='utf-8', errors='replace')

    def issued(self):
        """How many certificates it has issued."""
        return self.log().count('Issued certificate serial')

    def root(self, path):
        """Writes its root, which is another one at each start, to `path`."""
        context = ssl.create_default_context(cafile=str(self._root))
        with urllib.request.urlopen(f'https://localhost:{self.MANAGEMENT}/roots/0',
                                    context=context) as answer:
            return write(path, answer.read().decode())
