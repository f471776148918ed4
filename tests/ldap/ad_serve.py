"""usherd in front of Active Directory: it logs in as a machine, and the domain controller checks
passwords."""
import subprocess

from samba_dc import PASSWORD, REALM, SUFFIX
from support import certificates, tap
from support.daemon import Usherd
from support.post import basic, request

HOST = 'cas01.harbour.example'
WORD = 'Sailor&1sailor'


def cases(dc, folder, stack):
    """Declares the cases."""
    folder = folder / 'serve'
    folder.mkdir()
    authority = certificates.Authority(folder)
    chain, key = authority.issue(HOST)
    for user in ('nora', 'gone', 'late', 'new'):
        dc.tool('user', 'create', user, WORD, f'--mail-address={user}.lind@harbour.example')
    dc.tool('user', 'disable', 'gone')
    dc.tool('user', 'setexpiry', 'late', '--days=-1')
    dc.tool('user', 'setpassword', 'new', f'--newpassword={WORD}', '--must-change-at-next-login')
    dc.tool('computer', 'create', 'WEB1')
    dc.tool('user', 'setpassword', 'WEB1$', f'--newpassword={WORD}')
    subprocess.run(['ldbadd', '-H', dc.folder / 'private/sam.ldb'], check=True, text=True,
                   capture_output=True, input='dn: CN=usher,CN=Services,CN=Configuration,'
                   f'{SUFFIX}\nobjectClass: container\n')
    daemon = stack.enter_context(Usherd(
        folder, certificate=chain, key=key, directory=dc.uri,
        config=f'[directory]\nstart tls = yes\nca file = {dc.ca}\nlogin = WEB1$\n'
        f'keytab = {dc.keytab("WEB1$")}\nstate = {folder}/state\ntimeout = 10s\n',
        environment={'KRB5_CONFIG': dc.krb5, 'KRB5CCNAME': f'FILE:{folder}/none'}))

    def probe(login, password):
        return request(daemon.https, HOST, method='GET', root=False,
                       fields={'Authorization': basic(login, password)})

    @tap.each([
        ('by user@realm', f'nora@{REALM.lower()}'),
        ('by the bare name', 'nora'),
        ('by DOMAIN\\user', 'HARBOUR\\nora'),
        ('by the address', 'nora.lind@harbour.example'),
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
