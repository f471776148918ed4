"""A slapd of one's own, with TLS and the schema that usher ships.

    with openldap.Slapd(folder, authority) as slapd:
        slapd.uri, slapd.local      # ldap://… and ldapi://…
        slapd.add(ldif)
        slapd.search('(objectClass=*)', 'cn')"""
import pathlib
import subprocess
import time
import urllib.parse

from support import tap
from support.programs import ROOT
from support.scratch import free_port, write

SUFFIX = 'dc=harbour,dc=example'
ADMIN = f'cn=admin,{SUFFIX}'
PASSWORD = 'Anchor & chain'
START_SECONDS = 10
SCHEMA = pathlib.Path('/etc/ldap/schema')


class Slapd:
    """One database below SUFFIX, which ADMIN may change and everybody may read.

    more       further lines of the database's configuration
    schemas    names of further schemas of OpenLDAP's own
    database   the folder that keeps the data, for those who load() it once
    wrapper    a command that runs slapd
    modules    further modules"""

    def __init__(self, folder, authority, host='127.0.0.1', more='', schemas=(), database=None,
                 megabytes=1024, wrapper=(), modules=()):
        tap.need('slapd', 'slapadd', 'ldapsearch')
        self.folder = folder / 'slapd'
        database = database or self.folder / 'db'
        for place in (self.folder / 'config', database):
            place.mkdir(parents=True, exist_ok=True)
        self.port, self.tls_port = free_port(), free_port()
        self.host = host
        self.uri, self.ldaps = f'ldap://{host}:{self.port}', f'ldaps://{host}:{self.tls_port}'
        self.local = 'ldapi://' + urllib.parse.quote(str(self.folder / 'socket'), safe='')
        chain, key = authority.issue(host, label='slapd')
        schema = [*(SCHEMA / f'{name}.ldif' for name in ('core', *schemas)),
                  ROOT / 'packaging/ldap/connection-points.ldif',
                  ROOT / 'packaging/ldap/usher-openldap.ldif']
        write(self.folder / 'init.ldif', '\n'.join([
            'dn: cn=config', 'objectClass: olcGlobal', 'cn: config',
            f'olcPidFile: {self.folder}/pid', f'olcTLSCertificateFile: {chain}',
            f'olcTLSCertificateKeyFile: {key}', '',
            'dn: cn=module,cn=config', 'objectClass: olcModuleList', 'cn: module',
            'olcModulePath: /usr/lib/ldap',
            *(f'olcModuleLoad: {module}' for module in ('back_mdb', *modules)), '',
            'dn: cn=schema,cn=config', 'objectClass: olcSchemaConfig', 'cn: schema', '',
            *(f'include: file://{s}\n' for s in schema),
            'dn: olcDatabase={1}mdb,cn=config', 'objectClass: olcDatabaseConfig',
            'objectClass: olcMdbConfig', 'olcDatabase: {1}mdb', f'olcSuffix: {SUFFIX}',
            f'olcRootDN: {ADMIN}', f'olcRootPW: {PASSWORD}',
            f'olcDbDirectory: {database}', f'olcDbMaxSize: {megabytes << 20}',
            'olcDbNoSync: TRUE', more, '']))
        subprocess.run(['slapadd', '-n0', '-F', self.folder / 'config', '-l',
                        self.folder / 'init.ldif'], check=True, capture_output=True, text=True)
        self.process, self._wrapper = None, wrapper

    def load(self, entries):
        """Fills the database with the texts of entries, fast, before start()."""
        with subprocess.Popen(['slapadd', '-q', '-n1', '-F', self.folder / 'config'],
                              stdin=subprocess.PIPE, text=True) as tool:
            for entry in entries:
                tool.stdin.write(entry + '\n')
        if tool.returncode != 0:
            raise RuntimeError(f'slapadd ended with {tool.returncode}')

    def start(self):
        """Starts it, and waits until it answers."""
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*self._wrapper, 'slapd', '-F', self.folder / 'config', '-d0', '-h',
             f'ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port} {self.local}'],
            stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while self._tool('ldapsearch', '-s', 'base', '-b', '', '1.1').returncode != 0:
            if time.monotonic() > until:
                raise RuntimeError('slapd does not start')
            time.sleep(0.02)

    def stop(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        self.start()
        self.add(f'dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\n'
                 'dc: harbour\no: Harbour\n')
        return self

    def __exit__(self, *_):
        self.stop()

    def _tool(self, tool, *arguments, text=None):
        return subprocess.run([tool, '-x', '-H', self.local, '-D', ADMIN, '-w', PASSWORD, *arguments],
                              input=text, text=True, capture_output=True, check=False)

    def change(self, ldif):
        """Makes the changes of an LDIF, as ldapmodify does."""
        done = self._tool('ldapmodify', text=ldif)
        if done.returncode != 0:
            raise AssertionError(f'ldapmodify: {done.stderr}')

    def add(self, ldif):
        """Adds the entries of an LDIF."""
        done = self._tool('ldapadd', text=ldif)
        if done.returncode != 0:
            raise AssertionError(f'ldapadd: {done.stderr}')

    def search(self, text, *attributes, base=SUFFIX):
        """The entries as ldapsearch sees them: {dn: {attribute: [values]}}."""
        done = self._tool('ldapsearch', '-LLL', '-o', 'ldif-wrap=no', '-b', base, text,
                          *attributes)
        if done.returncode not in (0, 32):
            raise AssertionError(f'ldapsearch: {done.stderr}')
        entries, entry = {}, None
        for line in done.stdout.splitlines():
            name, _, value = line.partition(': ')
            if name == 'dn':
                entry = entries.setdefault(value, {})
            elif name:
                entry.setdefault(name, []).append(value)
        return entries
