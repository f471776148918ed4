"""A deployment of one of the four kinds, stood up from nothing as an administrator does it.

    with Deployment(folder, 4, 'exchange') as it:   # inside netns.enter()
        it.plan('--check')

    how   what is done: `commands` are those that are printed, run by a shell; `apply` is --apply,
          and what the authority answers is imported; `authority` is --apply with one that is there

The records that `usher plan --scenario` prints are in DNS, and its lines are usherd's configuration.
The certificate is one of `usher ca`, which every program inside trusts."""
import contextlib
import json
import os
import subprocess

from support import daemon, netns, scratch, tap
from support.programs import BUILD, clean_environment, usher, usher_json, usher_ok

HOST_ADDRESS, SECOND_ADDRESS = '127.1.0.1', '127.1.0.2'
PASSWORD = 'Four deployments & 1 password'
DISPLAY_NAME = 'Ana Silva'
TWO_ADDRESSES = (3, 4)


def add_addresses():
    """Once for a namespace."""
    for address in (HOST_ADDRESS, SECOND_ADDRESS):
        netns.add_address(address)


class Service(daemon.Usherd):
    """usherd with a file that is there."""

    def __init__(self, folder, lines):
        super().__init__(folder)
        self._lines_of_file = lines

    def _choose_ports(self):
        scratch.write(self.config_path, self._lines_of_file)


class Deployment:
    """scenario, kind, domain, host, root (a PEM file), directory, options (of usher plan)."""

    def __init__(self, folder, scenario, kind, domain='contoso.example', host=None, servers=(),
                 how='commands'):
        self.folder, self.scenario, self.kind = folder, scenario, kind
        self.domain, self.host = domain, host or f'mail.{domain}'
        self.autodiscover = f'autodiscover.{domain}'
        self.url = f'https://{self.host}/autodiscover/autodiscover.xml'
        self.directory = f'sqlite:{folder}/usher.db'
        self.root = folder / 'root.pem'
        self.password_file = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
        self.address = f'ana@{domain}'
        self.service = None
        self._how, self._stack = how, contextlib.ExitStack()
        self.options = ['--scenario', str(scenario), '--domain', domain, '--host', self.host,
                        '--address', HOST_ADDRESS]
        if scenario in TWO_ADDRESSES:
            self.options += ['--address', f'{self.autodiscover}={SECOND_ADDRESS}']
        if servers:
            self.options += ['--servers', ','.join(servers)]
        if kind == 'mail':
            self.options += ['--kind', 'mail']

    def plan(self, *more):
        """`usher plan` of this deployment: the finished process."""
        return usher('--json', 'plan', *self.options, *more, directory=self.directory)

    def planned(self, *more):
        """The same as Python values; it must succeed."""
        return usher_json('plan', *self.options, *more, directory=self.directory)

    def run(self, *words):
        """Another command."""
        return usher_ok(*words, directory=self.directory)

    def shell(self, line):
        """Runs a line as it is printed, where `usher` is on the path."""
        done = subprocess.run(
            ['sh', '-e', '-c', line], cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=60, env=clean_environment(PATH=f'{BUILD}:{os.environ["PATH"]}'))
        tap.same(done.returncode, 0, f'{line}: {done.stderr}')
        return done.stdout

    def issue(self, request, answer):
        """The authority's part."""
        self.run('ca', 'issue', request, '--out', answer)

    def _set_up_by_hand(self):
        """Runs all commands of the plan but the check; the authority answers in between."""
        for command in self.planned()['commands'][:-1]:
            line = command['command']
            if ' cert import ' in line:
                name = line.split(' cert import ')[1].split()[0].removesuffix('.cer')
                self._make_authority()
                self.issue(self.folder / f'{name}.req', self.folder / f'{name}.cer')
            self.shell(line)

    def _apply(self):
        """Lets usher run them."""
        made = self.planned('--apply', '--usherd-conf', self.folder / 'made.conf')
        self._make_authority()
        for number, certificate in enumerate(made['certificates']):
            request = scratch.write(self.folder / f'{number}.req', certificate['request'])
            answer = self.folder / f'{number}.cer'
            self.issue(request, answer)
            more = ['--listener', certificate['listener']] if certificate['listener'] else []
            thumbprint = self.run('cert', 'import', answer).strip()
            self.run('cert', 'enable', thumbprint, '--services', 'https', *more)

    def _apply_with_authority(self):
        """The same with an authority that is there before."""
        self.run('setup', '--domain', self.domain, '--host', self.host, '--kind', self.kind)
        self._make_authority()
        self.planned('--apply', '--certificate', 'ca', '--usherd-conf', self.folder / 'made.conf')

    def _make_authority(self):
        if not self.root.exists():
            self.run('ca', 'init', '--name', 'Contoso Root', '--no-passphrase', '--permit',
                     f'{self.domain},{self.host}')
            self.run('ca', 'root', '--out', self.root)

    def records(self):
        """Lines of a zone file, from the printed zone; the zone of the host, when it has one of its
        own, is somebody else's."""
        zone = self.planned()['zone']
        lines = [f'{r["name"]}. {r["ttl"]} IN {r["type"]} {r["data"]}' for r in zone['records']]
        return lines + ([] if self.host.endswith(self.domain) else [f'{self.host}. A {HOST_ADDRESS}'])

    def __enter__(self):
        with self._stack:
            {'commands': self._set_up_by_hand, 'apply': self._apply,
             'authority': self._apply_with_authority}[self._how]()
            made = self.folder / 'made.conf'
            lines = self.planned()['configuration'] if self._how == 'commands' else \
                made.read_text(encoding='utf-8')
            if self.kind == 'exchange':
                self.run('mailbox', 'add', self.address, '--display-name', DISPLAY_NAME)
                self.run('mailbox', 'password', self.address, '--password-file',
                         self.password_file)
            netns.trust(self, self.folder)
            self._stack.enter_context(netns.Dns(self.folder, self.records()))
            self.service = self._stack.enter_context(Service(self.folder, lines))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *what):
        return self._stack.__exit__(*what)

    def check(self, *more):
        """`--check`: (exit status, {(check, subject): row})."""
        done = self.plan('--check', *more)
        rows = json.loads(done.stdout)['checks']
        return done.returncode, {(r['check'], r['subject']): r for r in rows}
