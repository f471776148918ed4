"""A network of one's own: a namespace with DNS, hosts and a trust store, which nothing leaves.

    from support import netns
    netns.enter()               # first line of a test: runs the script again inside

Everything started inside dies with it. Needs root, or a kernel that lets users make namespaces."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

from support.scratch import write

INSIDE = 'USHER_TEST_NAMESPACE'
SYSTEM_TRUST = pathlib.Path('/etc/ssl/certs/ca-certificates.crt')
DNS_SECONDS = 10


def enter():
    """Returns inside a new namespace; outside it never returns but exits as the inner run did."""
    if INSIDE in os.environ:
        _run('ip', 'link', 'set', 'lo', 'up')
        return
    command = ['unshare', '--net', '--mount', '--pid', '--uts', '--fork', '--mount-proc',
               '--kill-child=KILL']
    if os.geteuid() != 0:
        command += ['--user', '--map-root-user']
    try:
        tried = subprocess.run(command + ['true'], capture_output=True, text=True, check=False)
        fault = tried.stderr.strip() if tried.returncode else None
    except FileNotFoundError:
        fault = 'unshare is not installed: script/bootstrap installs it'
    if fault is not None:
        if os.environ.get('CI') == 'true':
            print(f'1..1\nnot ok 1 - a network namespace: {fault}')
            sys.exit(1)
        print(f'1..0 # SKIP no network namespace: {fault}')
        sys.exit(0)
    sys.exit(subprocess.run(command + [sys.executable, *sys.argv], check=False,
                            env={**os.environ, INSIDE: '1'}).returncode)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(map(str, command))}: {done.stderr.strip()}')


def add_address(address):
    """Gives lo a further address. Programs that ask for configured addresses only
    (AI_ADDRCONFIG) find nothing while 127.0.0.1 is the only one."""
    length = 128 if ':' in address else 32
    _run('ip', 'address', 'add', f'{address}/{length}', 'dev', 'lo')


def _cover(path, text, folder):
    """Puts a file of our own in the place of a system file, inside this namespace only."""
    real = pathlib.Path(path).resolve()
    mine = write(folder / real.name, text)
    _run('mount', '--bind', mine, real)


def trust(authority, folder):
    """Makes every program inside trust the test authority in addition to its usual roots."""
    usual = SYSTEM_TRUST.read_text(encoding='utf-8') if SYSTEM_TRUST.exists() else ''
    _cover(SYSTEM_TRUST, usual + authority.root.read_text(encoding='utf-8'), folder)


def install_root(authority, folder):
    """As trust(), but as the system's own tools do it: in the bundle, and in the folder where a
    root is found by the hash of its name, without reading all others."""
    mine = folder / 'certs'
    shutil.copytree(SYSTEM_TRUST.parent, mine, symlinks=True)
    root = authority.root.read_text(encoding='utf-8')
    with open(mine / SYSTEM_TRUST.name, 'a', encoding='utf-8') as bundle:
        bundle.write(root)
    digest = subprocess.run(['openssl', 'x509', '-noout', '-subject_hash', '-in', authority.root],
                            capture_output=True, text=True, check=True).stdout.strip()
    write(mine / f'{digest}.0', root)
    _run('mount', '--bind', mine, SYSTEM_TRUST.parent)


class Dns:
    """`with Dns(folder, records):` answers names with knot, and sends all look-ups to it.

    records  lines of a zone file with absolute names; every other name does not exist."""

    ADDRESS = '127.0.0.1'

    def __init__(self, folder, records):
        self._folder = folder / 'dns'
        self._folder.mkdir()
        # One root zone: nothing is refused, and no resolver is needed in front.
        write(self._folder / 'root.zone',
              '$TTL 60\n. SOA ns.invalid. admin.invalid. 1 60 60 60 60\n. NS ns.invalid.\n'
              f'ns.invalid. A {self.ADDRESS}\n' + '\n'.join(records) + '\n')
        write(self._folder / 'knot.conf',
              f'server:\n    rundir: "{self._folder}"\n    listen: {self.ADDRESS}@53\n'
              f'database:\n    storage: "{self._folder}"\n'
              'log:\n  - target: stderr\n    any: warning\n'
              f'zone:\n  - domain: .\n    file: "{self._folder}/root.zone"\n'
              '    zonefile-sync: -1\n')
        self._process = None

    def __enter__(self):
        knotd = shutil.which('knotd', path='/usr/sbin:/usr/bin:/sbin:/bin')
        if knotd is None:
            raise FileNotFoundError('knotd is not installed: script/bootstrap installs it')
        _cover('/etc/resolv.conf', f'nameserver {self.ADDRESS}\noptions timeout:2 attempts:2\n',
               self._folder)
        _cover('/etc/hosts', '127.0.0.1 localhost\n', self._folder)
        _cover('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n',
               self._folder)
        log = open(self._folder / 'log', 'wb')  # pylint: disable=consider-using-with
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [knotd, '-c', str(self._folder / 'knot.conf')],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + DNS_SECONDS
        while subprocess.run(['getent', 'ahostsv4', 'ns.invalid'], capture_output=True,
                             check=False).returncode != 0:
            if time.monotonic() > end or self._process.poll() is not None:
                said = (self._folder / 'log').read_text(encoding='utf-8', errors='replace')
                self.__exit__()
                raise RuntimeError(f'knotd does not answer: {said}')
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
