"""Apache as an Autodiscover service that gives everybody who logs in one answer.

    with Apache(folder, address, chain, key, {'mail.harbour.example': NEGOTIATE}, realm) as a:
        a.logins('mail.harbour.example')    # [(user or '-', status)] of requests with credentials"""
import os
import pathlib
import subprocess
import time

from support import tap
from support.peers import SETTINGS
from support.scratch import write

MODULES = pathlib.Path('/usr/lib/apache2/modules')
START_SECONDS = 10

BASIC = 'AuthType Basic\nAuthName "harbour"\nAuthBasicProvider file\nAuthUserFile {folder}/users\n'
NEGOTIATE = ('AuthType GSSAPI\nAuthName "harbour"\nGssapiCredStore keytab:{keytab}\n'
             'GssapiAllowedMech krb5\nGssapiDelegCcacheDir {folder}/delegated\n')
EITHER = NEGOTIATE + 'GssapiBasicAuth On\n'

HEAD = '''ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
LogFormat "%v %u %>s %{{Authorization}}i" logins
CustomLog {folder}/access.log logins
{modules}
User www-data
Group www-data
Listen {address}:443
ScriptAlias /autodiscover/autodiscover.xml {folder}/answer
'''
HOST = '''<VirtualHost {address}:443>
ServerName {name}
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
<Location />
{rules}Require valid-user
</Location>
</VirtualHost>
'''


class Apache:
    """`hosts` maps names to the rules above."""

    def __init__(self, folder, address, chain, key, hosts, realm):
        self.folder = folder / 'apache'
        self.delegated = self.folder / 'delegated'
        self._realm, self._process = realm, None
        self.delegated.mkdir(parents=True)
        # It serves as another user than the one that made the folder.
        folder.chmod(0o755)
        self.delegated.chmod(0o777)
        realm.folder.chmod(0o755)
        realm.keytab.chmod(0o644)
        modules = '\n'.join(f'LoadModule {name}_module {MODULES}/mod_{name}.so' for name in (
            'mpm_prefork', 'authz_core', 'authz_user', 'authn_core', 'authn_file', 'auth_basic',
            'auth_gssapi', 'alias', 'cgi', 'ssl'))
        self._config = write(
            self.folder / 'conf',
            HEAD.format(folder=self.folder, address=address, modules=modules) + ''.join(
                HOST.format(address=address, name=name, chain=chain, key=key, rules=rules.format(
                    folder=self.folder, keytab=realm.keytab))
                for name, rules in hosts.items()))
        (self.folder / 'answer.xml').write_bytes(SETTINGS)
        write(self.folder / 'answer', '#!/bin/sh\ncat > /dev/null\n'
              'printf \'Content-Type: text/xml; charset=utf-8\\r\\n\\r\\n\'\n'
              f'cat {self.folder}/answer.xml\n', mode=0o755)

    def add_user(self, name, password):
        """Somebody whom Basic lets in."""
        done = subprocess.run(['openssl', 'passwd', '-apr1', '-stdin'], input=password,
                              capture_output=True, text=True, check=True)
        with open(self.folder / 'users', 'a', encoding='utf-8') as users:
            users.write(f'{name}:{done.stdout.strip()}\n')

    def logins(self, name):
        """(user, status) of the requests at `name` that carried credentials, in order."""
        lines = (self.folder / 'access.log').read_text(encoding='utf-8').splitlines()
        found = [line.split(' ', 3) for line in lines]
        return [(user, int(status)) for host, user, status, credentials in found
                if host == name and credentials != '-']

    def __enter__(self):
        tap.need('apache2')
        if not (MODULES / 'mod_auth_gssapi.so').exists():
            raise tap.Missing('mod_auth_gssapi is not installed: script/bootstrap installs it')
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            ['/usr/sbin/apache2', '-d', str(self.folder), '-f', str(self._config), '-DFOREGROUND'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,  # it ends by a signal to its whole group
            stderr=open(self.folder / 'out', 'wb'),  # pylint: disable=consider-using-with
            env={'PATH': os.environ['PATH'], **self._realm.environment()})
        end = time.monotonic() + START_SECONDS
        while not (self.folder / 'pid').exists():
            if time.monotonic() > end or self._process.poll() is not None:
                said = ''.join(
                    (self.folder / f).read_text(encoding='utf-8', errors='replace')
                    for f in ('out', 'error.log') if (self.folder / f).exists())
                raise RuntimeError(f'apache2 does not serve: {said}')
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
