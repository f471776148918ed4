"""Starts usherd on loopback ports of its own, waits until it serves, and stops it again."""
import os
import pathlib
import signal
import socket
import subprocess
import time

from support.post import request
from support.programs import SANITIZER_MARKS, clean_environment, program
from support.scratch import free_port, write

START_SECONDS = 20
STOP_SECONDS = 15
START_TRIES = 3


class Usherd:
    """`with Usherd(folder) as d:` serves `folder`/usher.db and writes `folder`/usherd.log.

    certificate, key   files for the https listener; None: what the directory has enabled
    listeners          names of the listeners to make, out of https, redirect, private
    addresses          {'https': '127.0.0.2'} where a listener listens, 127.0.0.1 when not told
    ports              {'https': 443} fixes a port (in a namespace of one's own only)
    https, redirect    further `key = value` lines for that listener
    config             further lines at the end; before the first section: `top`

    d.https, d.redirect, d.private are (address, port); d.process is a subprocess.Popen. Leaving
    the block sends SIGTERM and fails when usherd ends otherwise than with 0 or a sanitizer spoke."""

    def __init__(self, folder, certificate=None, key=None, directory=None,
                 listeners=('https', 'redirect', 'private'), addresses=None, ports=None,
                 top='', https='', redirect='', config='', environment=None, wrapper=()):
        self.folder = pathlib.Path(folder)
        self.directory = directory or f'sqlite:{self.folder}/usher.db'
        self.log_path = self.folder / 'usherd.log'
        self.config_path = self.folder / 'usherd.conf'
        self.process = None
        self._listeners, self._addresses, self._ports = listeners, addresses or {}, ports or {}
        self._lines = {'https': https, 'redirect': redirect, 'private': ''}
        if certificate is not None:
            self._lines['https'] = f'certificate = {certificate}\nkey = {key}\n' + https
        self._top, self._config = top, config
        self._environment, self._wrapper = environment or {}, list(wrapper)

    def __enter__(self):
        for left in reversed(range(START_TRIES)):
            self._choose_ports()
            self._spawn()
            try:
                self._wait_ready()
                return self
            except RuntimeError as fault:
                self._kill()
                # Somebody else may have taken a port between the choice and the bind.
                if left == 0 or 'in use' not in str(fault):
                    raise
        raise AssertionError('not reached')

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            status = 'not ended by SIGTERM'
        self._log.close()
        report = self.log()
        # A failure of the test itself may be the consequence: the report goes first.
        for mark in SANITIZER_MARKS:
            if mark in report:
                raise AssertionError(f'usherd: {report}')
        if status != 0 and (kind is None or kind is SystemExit):
            raise AssertionError(f'usherd ended with {status}: {report[-2000:]}')

    def log(self):
        """All that usherd has written so far."""
        return self.log_path.read_text(encoding='utf-8', errors='replace')

    def metrics(self):
        """All numbers of /metrics by name."""
        text = request(self.private, 'x', path='/metrics', method='GET').body.decode()
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1])
                for line in text.splitlines() if not line.startswith('#')}

    def url(self, path='/autodiscover/autodiscover.xml', listener='https', host=None):
        """The URL of a path on a listener."""
        address, port = getattr(self, listener)
        scheme = 'https' if listener == 'https' else 'http'
        return f'{scheme}://{host or address}:{port}{path}'

    def connect_to(self, *hosts, port=443, listener='https'):
        """Arguments that lead `usher find` to this service for each of `hosts`."""
        address, mine = getattr(self, listener)
        return [word for h in hosts
                for word in ('--connect-to', f'{h}:{port}:{address}:{mine}')]

    def reload(self):
        """Sends SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def _choose_ports(self):
        text = f'directory = {self.directory}\n{self._top}\n'
        for name in self._listeners:
            address = self._addresses.get(name, '127.0.0.1')
            port = self._ports.get(name) or free_port(address)
            setattr(self, name, (address, port))
            shown = f'[{address}]' if ':' in address else address
            text += f'[listen {name}]\naddress = {shown}:{port}\n{self._lines[name]}\n'
        write(self.config_path, text + self._config)

    def _spawn(self):
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind('\0usher-test-' + os.urandom(8).hex())
        self._notify.setblocking(False)
        # Each start has a log of its own.
        self._log = open(self.log_path, 'wb')  # pylint: disable=consider-using-with
        name = '@' + self._notify.getsockname()[1:].decode()
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self._wrapper + [program('usherd'), '-c', str(self.config_path)],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env=clean_environment(NOTIFY_SOCKET=name, **self._environment))

    def _wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f'usherd ended with {self.process.returncode}: {self.log()}')
            try:
                if b'READY=1' in self._notify.recv(4096).split(b'\n'):
                    self._notify.close()
                    return
            except BlockingIOError:
                time.sleep(0.01)
        raise RuntimeError(f'usherd was not ready after {START_SECONDS} s: {self.log()}')

    def _kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
