"""A domain controller of Samba, in the network namespace of the test.

    netns.enter()
    netns.add_address(samba_dc.ADDRESS)     # and HOST has this address in DNS
    with samba_dc.Controller(folder) as dc:
        dc.uri, dc.ca                   # ldap://dc1.harbour.example, its authority
        dc.tool('site', 'create', 'Pier')
        cache = dc.ticket('administrator')"""
import os
import subprocess
import time

from support import tap
from support.scratch import write

REALM, DOMAIN = 'HARBOUR.EXAMPLE', 'harbour.example'
HOST, ADDRESS = f'dc1.{DOMAIN}', '127.1.0.1'
PASSWORD = 'Anchor&chain1'
SUFFIX = 'DC=harbour,DC=example'
FOLDERS = {'private dir': 'private', 'state directory': 'state', 'cache directory': 'cache',
           'lock directory': 'lock', 'pid directory': 'lock', 'ncalrpc dir': 'ncalrpc',
           'binddns dir': 'state'}
START_SECONDS = 60


class Controller:
    """The only one of its forest; its administrator has PASSWORD. `more` lines go into the global
    section of smb.conf."""

    def __init__(self, folder, more=''):
        tap.need('samba', 'samba-tool', 'ldbadd', 'kinit', 'ldapsearch')
        self.folder = folder / 'dc'
        for name in {*FOLDERS.values(), 'sysvol', 'etc'}:
            (self.folder / name).mkdir(parents=True)
        self.uri, self.ldaps = f'ldap://{HOST}', f'ldaps://{HOST}'
        self.ca = self.folder / 'private/tls/ca.pem'
        self.config = self.folder / 'etc/smb.conf'
        subprocess.run(['hostname', 'dc1'], check=True)
        self.krb5 = write(folder / 'krb5.conf',
                          f'[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n'
                          f' dns_lookup_realm = false\n rdns = false\n[realms]\n {REALM} = {{\n'
                          f'  kdc = {ADDRESS}\n }}\n[domain_realm]\n .{DOMAIN} = {REALM}\n')
        self._process, self._more = None, more

    def _configure(self):
        write(self.config, f'[global]\nnetbios name = DC1\nrealm = {REALM}\nworkgroup = HARBOUR\n'
              'server role = active directory domain controller\n'
              f'interfaces = {ADDRESS}\nbind interfaces only = yes\ndns forwarder = 127.0.0.53\n'
              f'log file = {self.folder}/log\n'
              'ldap server require strong auth = allow_sasl_over_tls\n' + self._more
              + ''.join(f'{k} = {self.folder / v}\n' for k, v in FOLDERS.items())
              + ''.join(f'[{share}]\npath = {self.folder}/sysvol\nread only = no\n'
                        for share in ('sysvol', 'netlogon')))

    def __enter__(self):
        self._configure()
        subprocess.run(['samba-tool', 'domain', 'provision', f'--configfile={self.config}',
                        f'--realm={REALM}', '--domain=HARBOUR', '--server-role=dc',
                        '--dns-backend=SAMBA_INTERNAL', f'--host-ip={ADDRESS}', '--host-name=dc1',
                        f'--adminpass={PASSWORD}'], check=True, capture_output=True, text=True)
        self._configure()       # provisioning writes its own
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            ['samba', '--foreground', '--no-process-group', '-s', self.config],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while subprocess.run(['ldapsearch', '-x', '-H', self.ldaps, '-s', 'base', '-b', '', '1.1'],
                             env={**os.environ, 'LDAPTLS_CACERT': str(self.ca)}, check=False,
                             capture_output=True).returncode != 0:
            if time.monotonic() > until:
                raise RuntimeError('samba does not start')
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def tool(self, *arguments):
        """Runs samba-tool on the controller's own files."""
        done = subprocess.run(['samba-tool', *arguments, '-s', self.config,
                               '-H', self.folder / 'private/sam.ldb'],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f'samba-tool {" ".join(arguments)}: {done.stderr}{done.stdout}')
        return done.stdout

    def keytab(self, user):
        """A file with the Kerberos keys of `user`."""
        path = self.folder / f'{user}.keytab'
        subprocess.run(['samba-tool', 'domain', 'exportkeytab', path, f'--principal={user}',
                        '-s', self.config], check=True, capture_output=True, text=True)
        return path

    def add(self, *entries):
        """Adds the texts of entries, as ldbadd does."""
        done = subprocess.run(['ldbadd', '-H', self.folder / 'private/sam.ldb'], text=True,
                              input='\n'.join(entries), capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f'ldbadd: {done.stderr}{done.stdout}')

    def ticket(self, user, password=PASSWORD, cache=None):
        """The environment in which `user` has a ticket."""
        # Inside TLS the GSSAPI module of Cyrus SASL forgets the credentials that it took.
        leaks = write(self.folder / 'leaks', 'leak:gss_acquire_cred_from\n')
        environment = {'KRB5_CONFIG': str(self.krb5),
                       'KRB5CCNAME': f'FILE:{self.folder}/cache-{cache or user}',
                       'LSAN_OPTIONS': f'suppressions={leaks}:print_suppressions=0'}
        done = subprocess.run(['kinit', f'{user}@{REALM}'], input=password + '\n', text=True,
                              capture_output=True, check=False, env={**os.environ, **environment})
        if done.returncode != 0:
            raise AssertionError(f'kinit: {done.stderr}')
        return environment
