"""usherd in front of Active Directory: it logs in as a machine, and the domain controller checks
passwords."""
import base64
import subprocess

from samba_dc import DOMAIN, PASSWORD, SUFFIX
from support import certificates, tap
from support.daemon import Usherd
from support.post import basic, request

HOST = f'cas01.{DOMAIN}'
WORD = 'Sailor&1sailor'


NORMAL, DISABLED, MACHINE = 0x200, 0x202, 0x1000


def account(name, kind='user', flags=NORMAL, more=''):
    """The entry of a user or a computer."""
    word = base64.b64encode(f'"{WORD}"'.encode('utf-16-le')).decode()
    return (f'dn: CN={name},CN=Users,{SUFFIX}\nobjectClass: {kind}\nsAMAccountName: {name}\n'
            f'userPrincipalName: {name}@{DOMAIN}\nmail: {name}.lind@{DOMAIN}\n'
            f'unicodePwd:: {word}\nuserAccountControl: {flags}\n{more}')


def cases(dc, folder, stack):
    """Declares the cases."""
    folder = folder / 'serve'
    folder.mkdir()
    authority = certificates.Authority(folder)
    chain, key = authority.issue(HOST)
    # One call: each of samba-tool's takes a second.
    subprocess.run(['ldbadd', '-H', dc.folder / 'private/sam.ldb'], check=True, text=True,
                   capture_output=True, input='\n'.join([
                       f'dn: CN=usher,CN=Services,CN=Configuration,{SUFFIX}',
                       'objectClass: container', '',
                       account('nora'), account('gone', flags=DISABLED),
                       account('late', more='accountExpires: 116444736000000000\n'),
                       account('new', more='pwdLastSet: 0\n'),
                       account('WEB1$', 'computer', MACHINE)]))
    daemon = stack.enter_context(Usherd(
        folder, certificate=chain, key=key, directory=dc.uri,
        config=f'[directory]\nstart tls = yes\nca file = {dc.ca}\nlogin = WEB1$\n'
        f'keytab = {dc.keytab("WEB1$")}\nstate = {folder}/state\ntimeout = 10s\n',
        environment={'KRB5_CONFIG': dc.krb5, 'KRB5CCNAME': f'FILE:{folder}/none'}))

    def probe(login, password):
        return request(daemon.https, HOST, method='GET', root=False,
                       fields={'Authorization': basic(login, password)})

    @tap.each([
        ('by user@realm', f'nora@{DOMAIN}'),
        ('by the bare name', 'nora'),
        ('by DOMAIN\\user', 'HARBOUR\\nora'),
        ('by the address', f'nora.lind@{DOMAIN}'),
    ])
    def _(login):
        """The machine account finds them, and they log in."""
        tap.same(probe(login, WORD).status, 200)

    @tap.each([
        ('wrong password', 'nora', 'wrong', 'the password is wrong'),
        ('nobody', 'nobody', WORD, 'unknown login'),
        ('disabled', 'gone', WORD, 'the account is disabled'),
        ('expired', 'late', WORD, 'the account has expired'),
        ('password to be changed', 'new', WORD, 'the password must be changed first'),
        ('another domain', 'OTHER\\nora', WORD, 'unknown login'),
        ('a group', 'Domain Users', WORD, 'unknown login'),
    ])
    def _(login, password, reason):
        """What the directory says of them stands in the log, and nowhere else."""
        count = daemon.log().count(reason)
        answer = probe(login, password)
        tap.same((answer.status, answer.body), (401, b''))
        tap.same(daemon.log().count(reason), count + 1)
        tap.true(WORD not in daemon.log() and PASSWORD not in daemon.log(), 'a password is logged')
