#!/usr/bin/python3
"""Measures how long a search takes over a line of 50 ms, beside clients that others wrote.

    script/bench client [--rounds N] [--peers N] [--write]

Clients and servers live in two network namespaces with bench/delay.c between them. Each search is a
new process with empty caches. `usher find` is timed from its start to its end, the others from the
call of their search to its return: their start alone takes longer than a search. Look-ups,
connections and handshakes are counted on the line, requests in the logs of the servers. `--write`
puts the table into doc/PERFORMANCE.md. Exits 1 when `usher find` does not find what there is."""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from support import certificates, daemon, netns, programs, scratch

netns.enter()

from report import machine, say, write_document  # noqa: E402

# What belongs to the tests is not built where only programs are.
TOOLS = programs.BUILD if (programs.BUILD / 'bench' / 'delay').exists() else programs.ROOT / 'build'
DELAY_MS = 25
DEVICE = 'line0'
CLIENT = '10.77.0.1'
SERVICE, WEB, REDIRECT, SILENT, SILENT_REDIRECT = (f'10.77.0.{n}' for n in range(2, 7))
LOST = (f'{SILENT}:443', f'{SILENT_REDIRECT}:443')
PASSWORD = 'bench password'
HOSTER = 'hoster.example'
PATIENCE_SECONDS = 90

RECORDS = (
    f'a.example. A {SERVICE}',
    f'b.example. A {WEB}',
    f'autodiscover.b.example. A {SERVICE}',
    f'c.example. A {SILENT}',
    f'autodiscover.c.example. A {SERVICE}',
    f'd.example. A {REDIRECT}',
    f'autodiscover.d.example. A {REDIRECT}',
    f'_autodiscover._tcp.e.example. SRV 0 0 443 {HOSTER}.',
    f'f.example. A {SERVICE}',
    f'other.example. A {SERVICE}',
    f'g.example. A {WEB}',
    f'h.example. A {SILENT}',
    f'i.example. A {REDIRECT}',
    f'autodiscover.i.example. A {SILENT_REDIRECT}',
    f'{HOSTER}. A {SERVICE}',
)
NAMES = ('a.example', 'autodiscover.b.example', 'autodiscover.c.example', 'f.example',
         'other.example', HOSTER)

# letter: what it is, the least that a search can take, our aim, whether there are settings
CASES = {
    'a': ('answer at the https root', 0.25, 0.30, True),
    'b': ('root is a web site with 404, answer at `autodiscover.`', 0.25, 0.30, True),
    'c': ('root drops packets, answer at `autodiscover.`', 0.25, 0.35, True),
    'd': ('only the HTTP redirect, 443 refused', 0.40, 0.45, True),
    'e': ('only SRV', 0.30, 0.35, True),
    'f': ('redirectAddr to another domain', 0.50, 0.55, True),
    'g': ('nothing but a web site with 404', 0.20, 0.25, False),
    'h': ('root drops packets, nothing else', None, 3.00, False),
    'i': ('as d, but 443 of `autodiscover.` drops packets', 0.40, 0.70, True),
}


class Line:
    """The long line, and what clients began on it since it was last asked."""

    def __init__(self, stack, folder):
        self._holder = stack.enter_context(subprocess.Popen(
            ['unshare', '--net', 'cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
        stack.callback(self._holder.stdin.close)
        self._wait_for_namespace()
        self._log_path = folder / 'line.log'
        with open(self._log_path, 'wb') as log:
            line = stack.enter_context(subprocess.Popen(
                [TOOLS / 'bench' / 'delay', self.namespace, DEVICE, str(DELAY_MS), *LOST],
                stdin=subprocess.PIPE, stdout=log))
        stack.callback(line.stdin.close)
        end = time.monotonic() + 10
        while 'ready\n' not in self._log_path.read_text(encoding='ascii'):
            if line.poll() is not None or time.monotonic() > end:
                raise RuntimeError('the line was not made')
            time.sleep(0.02)
        self._read = 0
        for address in (SERVICE, WEB, REDIRECT, SILENT_REDIRECT):
            self._ip('address', 'add', f'{address}/24', 'dev', DEVICE)
        self._ip('link', 'set', DEVICE, 'up')
        for words in (('address', 'add', f'{CLIENT}/24', 'dev', DEVICE),
                      ('link', 'set', DEVICE, 'up'), ('link', 'set', 'lo', 'up')):
            self._ip(*words, inside=True)
        self.began()

    @property
    def namespace(self):
        """The clients' namespace, as a file."""
        return f'/proc/{self._holder.pid}/ns/net'

    def _wait_for_namespace(self):
        end = time.monotonic() + 10
        while os.readlink(self.namespace) == os.readlink('/proc/self/ns/net'):
            if time.monotonic() > end:
                raise RuntimeError('no second namespace')
            time.sleep(0.01)

    def at_the_other_end(self, *command):
        """`command`, to be run where the clients are."""
        return ['nsenter', f'--net={self.namespace}', '--', *map(str, command)]

    def _ip(self, *words, inside=False):
        command = ('ip', *words)
        subprocess.run(self.at_the_other_end(*command) if inside else command, check=True)

    def began(self):
        """Look-ups, connections, handshakes."""
        text = self._log_path.read_text(encoding='ascii')
        lines, self._read = text[self._read:].splitlines(), len(text)
        kinds = [line.split()[0] for line in lines if line.startswith('dns')]
        # A repeated packet is no new connection.
        kinds += [line.split()[0] for line in set(lines) if not line.startswith('dns')]
        return tuple(kinds.count(kind) for kind in ('dns', 'connection', 'handshake'))


class Log:
    """A server's log of requests."""

    def __init__(self, path, mark):
        self._path, self._mark, self._read = pathlib.Path(path), mark, 0

    def requests(self):
        """How many since it was last asked."""
        text = self._path.read_text(encoding='utf-8')
        new, self._read = text[self._read:], len(text)
        return new.count(self._mark)


@contextlib.contextmanager
def web_site(folder, chain, key):
    """nginx, which knows no page."""
    access = folder / 'access.log'
    conf = scratch.write(folder / 'nginx.conf', f'''
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    log_format line "request"; access_log {access} line;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen {WEB}:443 ssl; listen {WEB}:80;
        ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
        return 404;
    }}
}}
''')
    scratch.write(access, '')
    process = subprocess.Popen([shutil.which('nginx', path='/usr/sbin:/usr/bin'), '-c', str(conf),
                                '-p', str(folder), '-e', f'{folder}/error.log'])
    try:
        yield Log(access, 'request\n')
    finally:
        process.terminate()
        process.wait()


def fill(folder, password_file):
    """The directory behind the service."""
    def run(*arguments):
        programs.usher_ok(*arguments, directory=f'sqlite:{folder}/usher.db')

    run('setup', '--domain', 'a.example', '--host', 'mail.a.example')
    for letter in 'bcdefi':
        run('domain', 'add', f'{letter}.example', '--kind', 'exchange')
    run('domain', 'add', 'other.example', '--kind', 'exchange')
    for domain in [f'{letter}.example' for letter in 'abcdefi'] + ['other.example']:
        run('mailbox', 'add', f'ana@{domain}', '--display-name', 'Ana')
        run('mailbox', 'password', f'ana@{domain}', '--password-file', password_file)
    run('mailbox', 'set', 'ana@f.example', '--redirect-address', 'ana@other.example')


class World:
    """Everything that a search meets."""

    def __init__(self, stack):
        self.folder = folder = stack.enter_context(scratch.Folder())
        authority = certificates.Authority(folder)
        chain, key = authority.issue(*NAMES)
        netns.install_root(authority, folder)
        self.password_file = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
        self.line = Line(stack, folder)
        fill(folder, self.password_file)
        stack.enter_context(Dns(folder, RECORDS))
        target = f'target = https://{HOSTER}/autodiscover/autodiscover.xml\n'
        service = stack.enter_context(daemon.Usherd(
            folder, certificate=chain, key=key, listeners=('https', 'redirect'),
            ports={'https': 443, 'redirect': 80},
            addresses={'https': SERVICE, 'redirect': REDIRECT}, redirect=target,
            config=f'[listen redirect silent]\naddress = {SILENT_REDIRECT}:80\n{target}'
                   '[log]\nrequests = yes\n'
                   '[authentication]\nremember time = 1h\nvisibility = any\n'))
        site = folder / 'site'
        site.mkdir(mode=0o755)
        self._logs = (Log(service.log_path, ' msg=request '),
                      stack.enter_context(web_site(site, *authority.issue(
                          'b.example', 'g.example'))))
        self.counts()

    def counts(self):
        """Look-ups, connections, handshakes, requests since it was last asked."""
        return (*self.line.began(), sum(log.requests() for log in self._logs))

    def home(self):
        """A new and empty home for one process."""
        home = self.folder / 'home'
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        return home


class Dns(netns.Dns):
    """Names, asked over the line."""
    ADDRESS = SERVICE


# ---- clients -----------------------------------------------------------------------------------


def run(world, *command, **environment):
    """Runs a client to its end: what it printed, its status, the seconds it took."""
    home = world.home()
    began = time.monotonic()
    done = subprocess.run(world.line.at_the_other_end(*command), capture_output=True, text=True,
                          check=False, timeout=PATIENCE_SECONDS,
                          env={'HOME': str(home), 'TMPDIR': str(home), 'PATH': '/usr/bin:/bin',
                               'LC_ALL': 'C.UTF-8', **environment})
    return done, time.monotonic() - began


def usher(world, address):
    """`usher find`."""
    done, seconds = run(world, programs.program('usher'), '--json', 'find', address,
                        '--password-file', world.password_file,
                        '--trust-host', HOSTER, '--trust-host', 'other.example')
    outcome = json.loads(done.stdout)['outcome'] if done.stdout else done.stderr.strip()
    return outcome == 'found', seconds, outcome


def exchangelib(world, address):
    """python3-exchangelib by its POX class."""
    done, _ = run(world, '/usr/bin/python3', programs.ROOT / 'tests/real/ask_exchangelib.py',
                  address, world.password_file, 'quiet')
    said = json.loads(done.stdout or '{"seconds": 0, "error": "crashed"}')
    return done.returncode == 0, said['seconds'], said.get('error', 'found')


def evolution(world, address):
    """evolution-ews by its library."""
    done, _ = run(world, TOOLS / 'tests/real/ask-evolution', address, world.password_file,
                  GSETTINGS_BACKEND='memory', GIO_USE_PROXY_RESOLVER='dummy',
                  XDG_RUNTIME_DIR=str(world.folder / 'home'))
    seconds = [float(line.split()[1]) for line in done.stdout.splitlines()
               if line.startswith('seconds ')]
    return done.returncode == 0, seconds[0], done.stderr.strip() or 'found'


CLIENTS = {'usher find': usher, 'exchangelib': exchangelib, 'evolution-ews': evolution}


class Result:
    """All searches of one client in one case."""

    def __init__(self):
        self.seconds, self.right, self.counts, self.said = [], [], [], ''

    def add(self, found, seconds, said, counts, wanted):
        self.seconds.append(seconds)
        self.right.append(found == wanted)
        self.counts.append(counts)
        self.said = said

    def time(self, aim=None):
        """`median (min-max)`, bold when over the aim; in words when the outcome is wrong."""
        low, middle, high = min(self.seconds), statistics.median(self.seconds), max(self.seconds)
        text = f'{middle:.2f} ({low:.2f}-{high:.2f})'
        if not all(self.right):
            return f'finds nothing, {text}'
        return f'**{text}**' if aim is not None and round(middle, 2) > aim else text

    def counted(self):
        """What each search began, as in the median search."""
        order = sorted(range(len(self.seconds)), key=self.seconds.__getitem__)
        return '/'.join(map(str, self.counts[order[len(order) // 2]]))


def measure(world, letters, rounds):
    """{client: {letter: Result}}; rounds alternate."""
    results = {who: {letter: Result() for letter in letters} for who in rounds}
    for who, ask in CLIENTS.items():
        if rounds.get(who):     # the service remembers passwords after this
            ask(world, 'ana@a.example')
    for address in [f'ana@{letter}.example' for letter in letters if CASES[letter][3]]:
        usher(world, address)
    for number in range(max(rounds.values())):
        for letter in letters:
            for who, ask in CLIENTS.items():
                if number >= rounds.get(who, 0):
                    continue
                time.sleep(0.1)     # what the last one left on the line arrives
                world.counts()
                found, seconds, said = ask(world, f'ana@{letter}.example')
                time.sleep(0.1)
                counts = world.counts()
                say(f'{number + 1}: {letter}, {who}: {seconds:.3f} s, {said[:60]}; {counts}')
                results[who][letter].add(found, seconds, said, counts, CASES[letter][3])
    return results


def table(letters, results):
    """The report."""
    lines = ['| case | least | aim | `usher find` | D/C/H/R |'
             + ''.join(f' {who} | D/C/H/R |' for who in results if who != 'usher find'),
             '|---|---|---|' + '---|---|' * len(results)]
    for letter in letters:
        what, least, aim, _ = CASES[letter]
        cells = [f'{letter} {what}', 'our patience' if least is None else f'{least:.2f}',
                 f'{aim:.2f}']
        for who in CLIENTS:
            if who in results:
                result = results[who][letter]
                cells += [result.time(aim if who == 'usher find' else None), result.counted()]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def versions():
    """Of the packages that bring the others."""
    return ', '.join(subprocess.run(
        ['dpkg-query', '-W', '-f', '${Package} ${Version}', name], capture_output=True, text=True,
        check=True).stdout for name in ('python3-exchangelib', 'evolution-ews'))


def main():
    parser = argparse.ArgumentParser(description='usher find over a long line')
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--peers', type=int, default=3, help='rounds of the others; 0: none')
    parser.add_argument('--cases', default=''.join(CASES), help='letters')
    parser.add_argument('--write', action='store_true', help='into doc/PERFORMANCE.md')
    options = parser.parse_args()
    rounds = {who: options.rounds if who == 'usher find' else options.peers for who in CLIENTS}
    rounds = {who: n for who, n in rounds.items() if n > 0}
    busy = os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        results = measure(World(stack), options.cases, rounds)
    text = (f'{machine()}, {versions()}; load before the run {busy:.1f}. Seconds, median '
            f'(min-max) of {options.rounds} searches, of the others {options.peers}; bold: over '
            'the aim. D/C/H/R counts DNS queries, connections and TLS handshakes begun, and '
            'requests that arrived at a server.\n\n'
            f'{table(options.cases, results)}')
    print(text)
    if options.write:
        write_document('client', text)
    return 0 if all(all(r.right) for r in results['usher find'].values()) else 1


if __name__ == '__main__':
    sys.exit(main())
