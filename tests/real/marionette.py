"""Drives a Mozilla program from inside, by the Marionette protocol that it speaks itself.

    with Thunderbird(folder) as t:
        t.run('return 1 + arguments[0];', 2)    # 3

A message is its length in decimal, a colon, and a JSON list: [0, id, command, parameters] there,
[1, id, error, result] back."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from support import tap
from support.scratch import write

START_SECONDS = 60
SCRIPT_SECONDS = 40
PORT = 2828  # the usual one: nobody else is in this namespace

# Nothing that it would ask of its makers, and nothing on the screen.
PREFERENCES = {
    'app.update.disabledForTesting': True,
    'browser.safebrowsing.enabled': False,
    'datareporting.policy.dataSubmissionEnabled': False,
    'extensions.update.enabled': False,
    'mail.provider.suppress_dialog_on_startup': True,
    'mail.spotlight.firstRunDone': True,
    'mail.winsearch.firstRunDone': True,
    'mailnews.start_page.enabled': False,
    'mail.shell.checkDefaultClient': False,
    'network.captive-portal-service.enabled': False,
    'network.connectivity-service.enabled': False,
    'services.settings.server': 'data:,',
    'toolkit.telemetry.enabled': False,
}


class Fault(Exception):
    """What the program answers to a command that failed."""


def is_there():
    """Whether Thunderbird is installed."""
    return shutil.which('thunderbird') is not None


class Thunderbird:
    """A headless Thunderbird with a profile of its own in `folder`, and the session with it."""

    def __init__(self, folder):
        self._profile = folder / 'thunderbird'
        self._profile.mkdir()
        self._log_path = folder / 'thunderbird.log'
        self._process = self._socket = self._stream = None
        self._commands = 0

    def __enter__(self):
        write(self._profile / 'user.js', ''.join(
            f'user_pref({json.dumps(k)}, {json.dumps(v)});\n' for k, v in PREFERENCES.items()))
        with open(self._log_path, 'wb') as log:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                ['thunderbird', '--headless', '--no-remote', '--profile', str(self._profile),
                 '--marionette', '--remote-allow-system-access'],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={'HOME': str(self._profile), 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8',
                     'MOZ_CRASHREPORTER_DISABLE': '1', 'MOZ_HEADLESS': '1',
                     'XDG_RUNTIME_DIR': str(self._profile)})
        try:
            self._connect()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._socket is not None:
            self._socket.close()
        # It has processes of its own; none has anything to save.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def log(self):
        """What it wrote on its terminal."""
        return pathlib.Path(self._log_path).read_text(encoding='utf-8', errors='replace')

    def run(self, script, *arguments):
        """Runs the body of an asynchronous function with all its powers; returns its result."""
        wrapped = ('const done = arguments[arguments.length - 1];\n'
                   '(async function() {\n' + script + '\n}).apply(null, arguments)'
                   '.then(v => done({value: v}), e => done({error: String(e)}));')
        got = self._command('WebDriver:ExecuteAsyncScript',
                            {'script': wrapped, 'args': arguments})['value']
        if 'error' in got:
            raise Fault(got['error'])
        return got.get('value')

    def _connect(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self._socket = socket.create_connection(('127.0.0.1', PORT))
                break
            except ConnectionRefusedError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise RuntimeError(f'thunderbird does not answer: {self.log()}') from None
                time.sleep(0.05)
        self._socket.settimeout(START_SECONDS)
        self._stream = self._socket.makefile('rb')
        self._read()  # a greeting
        self._command('WebDriver:NewSession', {'timeouts': {'script': SCRIPT_SECONDS * 1000}})
        self._command('Marionette:SetContext', {'value': 'chrome'})

    def _read(self):
        digits = b''
        while not digits.endswith(b':'):
            one = self._stream.read(1)
            if not one:
                raise RuntimeError(f'thunderbird went away: {self.log()[-2000:]}')
            digits += one
        return json.loads(self._stream.read(int(digits[:-1])))

    def _command(self, name, parameters):
        self._commands += 1
        message = json.dumps([0, self._commands, name, parameters]).encode()
        self._socket.sendall(b'%d:%s' % (len(message), message))
        _, number, error, result = self._read()
        tap.same(number, self._commands, 'answer to another command')
        if error:
            raise Fault(f'{error["error"]}: {error["message"]}')
        return result
