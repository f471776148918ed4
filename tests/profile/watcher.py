"""A running `usher profile watch`, and what it says."""
import json
import queue
import signal
import subprocess
import threading

from site_profiles import ANN
from support.programs import SANITIZER_MARKS, clean_environment, program

SECONDS = 30     # far more than anything here takes


class Watcher:
    """`with Watcher(site, '--hook', …) as w:` w.wait('changed') gives the next such event."""

    def __init__(self, site, *options, address=ANN, seams=None, **environment):
        seams = site.seams() if seams is None else seams
        command = [program('usher'), '--json', 'profile', 'watch', address, '--profiles',
                   site.profiles, *seams, *options]
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=clean_environment(**environment))
        self._lines, self.seen, self.fault = queue.Queue(), [], ''
        threading.Thread(target=self._read, daemon=True).start()
        self._errors = threading.Thread(target=self._read_errors, daemon=True)
        self._errors.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self):
        self.fault = self.process.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.end()
        for mark in SANITIZER_MARKS:
            if mark in self.fault:
                raise AssertionError(self.fault)

    def wait(self, event, seconds=SECONDS, **members):
        """The next event of that kind with those members; others are passed over."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f'no {event} {members} after {seconds} s: {self.seen}') \
                    from None
            if line is None:
                self._errors.join(5)
                raise AssertionError(f'it ended: {self.seen} {self.fault}')
            said = json.loads(line)
            self.seen.append(said)
            if said['event'] == event and all(said.get(k) == v for k, v in members.items()):
                return said

    def silent(self, event, seconds):
        """Fails when such an event comes within so many seconds."""
        try:
            said = self.wait(event, seconds)
        except AssertionError as fault:
            if 'ended' in str(fault):
                raise
            return
        raise AssertionError(f'it said {said}')

    def rest(self):
        """All further events, once it has ended."""
        said = [json.loads(line) for line in iter(self._lines.get, None)]
        self.seen += said
        return said

    def end(self, number=signal.SIGTERM, seconds=SECONDS):
        """Ends it by a signal; its exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'signal {number} does not end it') from None
