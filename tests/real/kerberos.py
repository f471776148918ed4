"""A realm of one's own: an MIT KDC on loopback, with principals, keytabs and ticket caches.

    with kerberos.Realm(folder) as realm:
        realm.add_user('ines', 'password')
        realm.add_service('HTTP/mail.harbour.example')
        cache = realm.tickets('ines', 'password')
        usher(…, **realm.environment(cache))"""
import subprocess
import time

from support import tap
from support.scratch import write

NAME = 'HARBOUR.EXAMPLE'
START_SECONDS = 10


class Realm:
    """`keytab` holds the keys of all services; `config` is krb5.conf."""

    def __init__(self, folder, domains=()):
        self.folder = folder / 'kdc'
        self.folder.mkdir()
        self.config, self.keytab = self.folder / 'krb5.conf', self.folder / 'keytab'
        self._process, self._caches = None, 0
        self._mapped = ''.join(f'    .{d} = {NAME}\n    {d} = {NAME}\n' for d in domains)
        self._configure(self.config, ['127.0.0.1:88'])
        write(self.folder / 'kdc.conf',
              '[kdcdefaults]\n    kdc_listen = 127.0.0.1:88\n    kdc_tcp_listen = 127.0.0.1:88\n'
              f'[realms]\n    {NAME} = {{\n        database_name = {self.folder}/db\n'
              f'        key_stash_file = {self.folder}/stash\n'
              '        supported_enctypes = aes256-cts-hmac-sha1-96:normal\n    }\n'
              f'[logging]\n    kdc = FILE:{self.folder}/log\n')

    def _configure(self, path, kdcs):
        # Names are left to be made canonical by DNS, as MIT does unless told otherwise.
        write(path,
              f'[libdefaults]\n    default_realm = {NAME}\n'
              f'    dns_lookup_kdc = {"false" if kdcs else "true"}\n'
              '    dns_lookup_realm = false\n    udp_preference_limit = 0\n    forwardable = true\n'
              f'[realms]\n    {NAME} = {{\n'
              + ''.join(f'        kdc = {kdc}\n' for kdc in kdcs) +
              f'    }}\n[domain_realm]\n{self._mapped}')

    def environment(self, cache=None, kdcs=None):
        """What makes a program use this realm, and the tickets in `cache`; None: no tickets.

        kdcs  others that krb5.conf names; []: it leaves that to DNS."""
        config = self.config if kdcs is None else self.folder / 'other.conf'
        if kdcs is not None:
            self._configure(config, kdcs)
        return {'KRB5_CONFIG': str(config),
                'KRB5CCNAME': f'FILE:{cache or self.folder / "no-tickets"}'}

    def _run(self, *command, text=None, cache=None):
        done = subprocess.run([str(c) for c in command], input=text, capture_output=True,
                              text=True, check=False, timeout=30,
                              env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
                                   'KRB5_KDC_PROFILE': str(self.folder / 'kdc.conf'),
                                   **self.environment(cache)})
        if done.returncode != 0:
            raise RuntimeError(f'{command[0]}: {done.stderr.strip() or done.stdout.strip()}')
        return done.stdout

    def _admin(self, query):
        self._run('kadmin.local', '-r', NAME, '-q', query)

    def add_user(self, name, password):
        """A principal with a password."""
        self._admin(f'addprinc -pw "{password}" {name}')

    def add_service(self, name, keytab=None):
        """A principal with a random key, kept in a keytab."""
        self._admin(f'addprinc -randkey {name}')
        self._admin(f'ktadd -k {keytab or self.keytab} {name}')

    def tickets(self, name, password, *options):
        """Logs in; returns the file that holds the ticket-granting ticket."""
        self._caches += 1
        cache = self.folder / f'tickets-{self._caches}'
        self._run('kinit', *options, name, text=password + '\n', cache=cache)
        return cache

    def __enter__(self):
        tap.need('krb5kdc', 'kadmin.local', 'kinit')
        self._run('kdb5_util', 'create', '-r', NAME, '-s', '-P', 'master')
        log = open(self.folder / 'out', 'wb')  # pylint: disable=consider-using-with
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            ['/usr/sbin/krb5kdc', '-n', '-r', NAME], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env={'KRB5_KDC_PROFILE': str(self.folder / 'kdc.conf'),
                             **self.environment()})
        log.close()
        self.add_user('probe', 'probe')
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.tickets('probe', 'probe')
                return self
            except RuntimeError as fault:
                if time.monotonic() > end or self._process.poll() is not None:
                    said = (self.folder / 'out').read_text(encoding='utf-8', errors='replace')
                    self.__exit__()
                    raise RuntimeError(f'krb5kdc does not serve: {fault}: {said}') from fault
                time.sleep(0.05)

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
