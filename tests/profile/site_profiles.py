"""An organization whose usherd can be changed while profiles of its mailboxes are kept."""
import json

from support import scratch
from support.certificates import Authority
from support.daemon import Usherd
from support.names import Dns
from support.peers import Closed
from support.programs import usher, usher_ok

DOMAIN = 'contoso.example'
MAIL = 'fabrikam.example'
ANN = f'ann@{DOMAIN}'
NAMES = [n for d in (DOMAIN, MAIL) for n in (d, f'autodiscover.{d}')]
PASSWORD = 'correct horse'
DONE, NEGATIVE, REFUSED, UNTESTED, USAGE, DATA, CANNOT, PERMISSION = 0, 1, 2, 4, 64, 65, 73, 77


class Site:
    """`with Site(stack) as s:` s.change() changes the directory, s.profile() is `usher profile`."""

    def __init__(self, stack):
        self.here = stack.enter_context(scratch.Folder())
        self.profiles = self.here / 'profiles'
        self.authority = Authority(self.here)
        certificate, key = self.authority.issue(*NAMES, label='all')
        self.directory = f'sqlite:{self.here}/usher.db'
        self.password = scratch.write(self.here / 'right', PASSWORD + '\n', 0o600)
        self.wrong = scratch.write(self.here / 'wrong', 'wrong horse\n', 0o600)
        self.change('setup', '--domain', DOMAIN, '--host', f'mail.{DOMAIN}',
                    '--organization', 'Contoso')
        self.change('mailbox', 'add', ANN, '--display-name', 'Ann Example')
        self.change('mailbox', 'password', ANN, '--password-file', self.password)
        self.change('domain', 'add', MAIL, '--kind', 'mail')
        self.change('service', 'add', MAIL, 'imap', '--host', f'imap.{MAIL}', '--port', 993,
                    '--socket', 'tls', '--auth', 'password', '--user-name', '%a')
        self.dns = stack.enter_context(Dns())
        self.nobody = stack.enter_context(Closed())
        self.service = stack.enter_context(Usherd(self.here, certificate=certificate, key=key))

    def change(self, *arguments):
        """Changes the directory."""
        return usher_ok(*arguments, directory=self.directory)

    def set_ews(self, host):
        """A setting of the Outlook layer."""
        self.change('url', 'set', 'ews', '--internal', f'https://{host}/EWS/Exchange.asmx')

    def set_outside(self, host):
        """A setting of the MAPI layer."""
        self.change('outlook-anywhere', 'enable', '--external-host', host)

    def seams(self, password=None, reach=True):
        """Options that lead to this site; without `reach`, to a port where nobody listens."""
        routes = self.service.connect_to(*NAMES)
        if not reach:
            routes = [w for n in NAMES
                      for w in ('--connect-to', f'{n}:443:127.0.0.1:{self.nobody.port}')]
        return ['--dns', self.dns.server, '--ca-file', self.authority.root,
                '--password-file', password or self.password, *routes]

    def profile(self, verb, *arguments, folder=None, search=None, **more):
        """Runs `usher profile VERB`, with the seams when it searches."""
        if search is None:
            search = verb in ('create', 'refresh', 'repair')
        seams = self.seams(**{k: more.pop(k) for k in ('password', 'reach') if k in more})
        return usher('profile', verb, *arguments, '--profiles', folder or self.profiles,
                     *(seams if search else ()), **more)

    def ok(self, verb, *arguments, **more):
        """The same; it must succeed."""
        done = self.profile(verb, *arguments, **more)
        if done.returncode != 0:
            raise AssertionError(f'profile {verb}: {done.returncode}: {done.stdout}{done.stderr}')
        return done.stdout

    def shown(self, address=ANN, **more):
        """What `profile show --json` says."""
        return json.loads(self.ok('show', address, '--json', **more))

    def block(self, kind, address=ANN, **more):
        """One protocol of the settings in force; {} when there is none."""
        blocks = self.shown(address, **more)['answer']['protocols']
        return next((p for p in blocks if p['type'] == kind), {})

    def forget(self):
        """Removes all profiles."""
        for path in self.profiles.glob('*.json'):
            path.unlink()
