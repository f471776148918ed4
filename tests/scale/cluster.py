"""Two directories, three usherd and a balancer, each with an address of its own in one namespace.

The configuration is that of packaging/scaling, which doc/SCALING.md explains: only folders differ,
and usherd's own address, since all of them run on one machine here.

    netns.enter()
    with Cluster(folder) as cluster:
        cluster.machines['dir1'].kill() / .stop() / .mend()
        cluster.detection_seconds"""
import contextlib
import re
import signal
import socket
import subprocess
import time

from support import certificates, daemon, netns, scratch, tap
from support.programs import ROOT

FILES = ROOT / 'packaging' / 'scaling'
DOMAIN = 'harbour.example'
SUFFIX = 'dc=harbour,dc=example'
PASSWORD = 'Anchor & chain'  # as in the files
BALANCER = '10.77.0.1'
ADDRESSES = {'dir1': '10.77.0.11', 'dir2': '10.77.0.12', 'usher1': '10.77.0.21',
             'usher2': '10.77.0.22', 'usher3': '10.77.0.23'}
CLIENTS = '10.78.0.0/16'
HOST = f'mail.{DOMAIN}'
START_SECONDS = 20
POLL_SECONDS = 0.02


def until(condition, what, seconds=START_SECONDS):
    """Returns the moment at which `condition` was seen to hold."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'{what}: not within {seconds} s')
        time.sleep(POLL_SECONDS)
    return time.monotonic()


class Machine:
    """A program that can be killed, stopped and brought back. `process` is a subprocess.Popen."""

    name, process = '', None

    def start(self):
        """Starts it and waits until it serves."""
        raise NotImplementedError

    def kill(self):
        """As when the machine loses its power."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As when the machine hangs: connections are taken, and nothing comes."""
        self.process.send_signal(signal.SIGSTOP)

    def mend(self):
        """Ends what kill() or stop() began."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        else:
            self.start()

    def end(self):
        """Ends it, whatever state it is in."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class Directory(Machine):
    """One of the two slapd."""

    def __init__(self, folder, name, authority):
        self.name, self.folder = name, folder / name
        self.uri = f'ldap://{name}.{DOMAIN}'
        self.socket = 'ldapi://' + str(self.folder / 'ldapi').replace('/', '%2F')
        for place in ('slapd.d', 'db'):
            (self.folder / place).mkdir(parents=True)
        chain, key = authority.issue(f'{name}.{DOMAIN}')
        init = scratch.write(self.folder / 'slapd.ldif', filled(
            'slapd.ldif', {'/run/slapd/slapd.pid': self.folder / 'pid',
                           '/etc/ldap/tls/ca.pem': authority.root,
                           '/etc/ldap/tls/server.pem': chain, '/etc/ldap/tls/server.key': key,
                           'file:///usr/share/usher/ldap': f'file://{ROOT}/packaging/ldap',
                           '/var/lib/ldap': self.folder / 'db'}))
        # What administrators there give `usher`.
        self.config = scratch.write(self.folder / 'usher.conf',
                                    f'directory = {self.socket}\n[directory]\n'
                                    f'state = {self.folder}/usher\n')
        done = subprocess.run(['slapadd', '-n0', '-F', self.folder / 'slapd.d', '-l', init],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'slapadd: {done.stderr}')

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ['slapd', '-F', self.folder / 'slapd.d', '-d', 'none', '-h',
                 f'{self.uri} {self.socket}'], stdout=log, stderr=log)
        until(lambda: self._tool('ldapwhoami').returncode == 0, f'{self.name} serves')

    def _tool(self, tool, *arguments, text=None):
        return subprocess.run([tool, '-Q', '-Y', 'EXTERNAL', '-H', self.socket, *arguments],
                              input=text, text=True, capture_output=True, check=False)

    def change(self, ldif):
        """Makes the changes of an LDIF as root does."""
        done = self._tool('ldapmodify', '-a', text=ldif)
        if done.returncode != 0:
            raise AssertionError(f'{self.name}: ldapmodify: {done.stderr}')

    def value(self, dn, attribute):
        """The values of an attribute, as one text."""
        done = self._tool('ldapsearch', '-LLL', '-o', 'ldif-wrap=no', '-s', 'base', '-b', dn,
                          attribute)
        return '\n'.join(re.findall(rf'^{attribute}: (.*)', done.stdout, re.M))


class Service(Machine, daemon.Usherd):
    """One of the three usherd."""

    def __init__(self, folder, name, files):
        self.name = name
        (folder / name).mkdir()
        address = ADDRESSES[name]
        super().__init__(folder / name)
        self._text = filled('usherd.conf', {**files, '*:443': f'{address}:443',
                                            '*:80': f'{address}:80', '*:9108': f'{address}:9108'})
        self.https, self.private = (address, 443), (address, 9108)

    def _choose_ports(self):
        scratch.write(self.config_path, self._text)

    def start(self):
        self.__enter__()

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.__exit__(None)


class Balancer(Machine):
    """haproxy."""

    name = 'haproxy'

    def __init__(self, folder):
        # On one machine a connection would come from the address that it goes to.
        self.config = scratch.write(folder / 'haproxy.cfg', filled('haproxy.cfg', {
            'bind :': f'bind {BALANCER}:',
            'default-server ': f'default-server source {BALANCER} '}))
        self.log = folder / 'haproxy.log'

    def start(self):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ['haproxy', '-db', '-f', self.config], stdout=log, stderr=log)

        def serves():
            if self.process.poll() is not None:
                raise RuntimeError('haproxy: ' + self.log.read_text(encoding='utf-8'))
            with socket.socket() as tried:
                return tried.connect_ex((BALANCER, 443)) == 0
        until(serves, 'haproxy serves')


def filled(name, replaced):
    """The text of a file that administrators get, with each of `replaced` in it."""
    text = (FILES / name).read_text(encoding='utf-8')
    for old, new in replaced.items():
        if old not in text:
            raise AssertionError(f'{name} has no {old!r} any more')
        text = text.replace(old, str(new))
    return text


def detection_seconds():
    """How long a machine may be gone, or hang, before the balancer knows: what its file says."""
    text = (FILES / 'haproxy.cfg').read_text(encoding='utf-8')
    interval, fall = re.search(r'inter (\d+)ms fall (\d+)', text).groups()
    patience = re.search(r'timeout check (\d+)s', text).group(1)
    return int(fall) * (int(interval) / 1000 + int(patience))


class Cluster:
    """All of it, serving. `machines` are by name, directories and usherd."""

    def __init__(self, folder, prepare):
        tap.need('slapd', 'slapadd', 'ldapmodify', 'haproxy', 'knotd')
        self.folder = folder
        self.detection_seconds = detection_seconds()
        self.machines = {}
        self._prepare = prepare  # fills the directory before the first usherd starts
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for address in (BALANCER, *ADDRESSES.values()):
                netns.add_address(address)
            subprocess.run(['ip', 'route', 'add', 'local', CLIENTS, 'dev', 'lo'], check=True)
            stack.enter_context(netns.Dns(self.folder, [
                f'{name}.{DOMAIN}. A {address}' for name, address in ADDRESSES.items()]))
            self.authority = certificates.Authority(self.folder)
            self.directories = [Directory(self.folder, name, self.authority)
                                for name in ('dir1', 'dir2')]
            for directory in self.directories:
                self._run(stack, directory)
            self.fill()
            self._prepare(self.directories[0])
            self.agree()
            chain, key = self.authority.issue(HOST)
            password = scratch.write(self.folder / 'password', PASSWORD + '\n', mode=0o600)
            files = {'/etc/usher/directory-ca.pem': self.authority.root,
                     '/etc/usher/directory.password': password,
                     '/etc/usher/server.pem': chain, '/etc/usher/server.key': key}
            self.services = [Service(self.folder, name, files)
                             for name in ('usher1', 'usher2', 'usher3')]
            for service in self.services:
                self._run(stack, service)
            self.balancer = Balancer(self.folder)
            self._run(stack, self.balancer)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _run(self, stack, machine):
        machine.start()
        stack.callback(machine.end)
        if machine.name in ADDRESSES:
            self.machines[machine.name] = machine

    def fill(self):
        """Puts the first entries into one directory, and waits for the other."""
        first, second = self.directories
        first.change((FILES / 'tree.ldif').read_text(encoding='utf-8'))
        until(lambda: second.value(f'ou=People,{SUFFIX}', 'ou') == 'People', 'replication')

    def agree(self):
        """Waits until both directories have all changes; returns the moment."""
        def same():
            one, other = (d.value(SUFFIX, 'contextCSN') for d in self.directories)
            return one == other != ''
        return until(same, 'the directories agree')
