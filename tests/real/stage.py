"""The stage of these tests: an organization whose domains can each be found in one way only.

    address              is found by
    ana@root.example     https://root.example
    ana@auto.example     https://autodiscover.auto.example
    ana@redirect.example http://autodiscover.redirect.example, which leads to hoster.example
    ana@srv.example      _autodiscover._tcp.srv.example, which leads to hoster.example"""
import contextlib
import re
import time

from support import certificates, daemon, netns, scratch
from support.programs import usher_ok

DOMAINS = ('root.example', 'auto.example', 'redirect.example', 'srv.example')
HOST = 'mail.root.example'
PASSWORD = 'Grüße & 4 Punkte'
EWS_INTERNAL = f'https://inside.{HOST}/EWS/Exchange.asmx'
EWS_EXTERNAL = f'https://{HOST}/EWS/Exchange.asmx'
OAB_EXTERNAL = f'https://{HOST}/OAB'
SERVICE, REDIRECT = '127.1.0.1', '127.1.0.2'
RECORDS = (
    f'root.example. A {SERVICE}',
    f'autodiscover.auto.example. A {SERVICE}',
    f'hoster.example. A {SERVICE}',
    f'autodiscover.redirect.example. A {REDIRECT}',
    '_autodiscover._tcp.srv.example. SRV 0 0 443 hoster.example.',
)


LOG_SECONDS = 10


class Stage:
    """folder, authority, root (its file), password_file, service (support.daemon.Usherd)."""

    _heard = 0  # bytes of its log

    def listen(self):
        """Forgets what usherd was asked."""
        self._heard = len(self.service.log())

    def asked(self, wanted):
        """What usherd was asked since the last call of these two, each as `listener method path
        status`: in order, or when a set is wanted, each once. A request is logged when its answer
        is gone, so that what is wanted may take a moment to come."""
        end = time.monotonic() + LOG_SECONDS
        while True:
            log = self.service.log()
            got = type(wanted)(
                ' '.join(re.search(rf' {key}=(\S+)', line).group(1)
                         for key in ('listener', 'method', 'path', 'status'))
                for line in log[self._heard:].splitlines() if 'msg=request' in line)
            if got == wanted or time.monotonic() > end:
                self._heard = len(log)
                return got
            time.sleep(0.05)


def _fill_directory(folder, password_file):
    directory = f'sqlite:{folder}/usher.db'

    def run(*arguments):
        return usher_ok(*arguments, directory=directory)

    run('setup', '--domain', DOMAINS[0], '--host', HOST, '--organization', 'Real Parts')
    run('url', 'set', 'ews', '--internal', EWS_INTERNAL, '--external', EWS_EXTERNAL)
    run('url', 'set', 'oab', '--internal', OAB_EXTERNAL, '--external', OAB_EXTERNAL)
    for domain in DOMAINS:
        if domain != DOMAINS[0]:
            run('domain', 'add', domain, '--kind', 'exchange')
        run('mailbox', 'add', f'ana@{domain}', '--display-name', f'Ana of {domain}')
        run('mailbox', 'password', f'ana@{domain}', '--password-file', password_file)
    return run


@contextlib.contextmanager
def raised(more=None, names=()):
    """`with raised() as stage:` inside netns.enter(): DNS answers and usherd serves.

    more   more(run) adds to the directory with run('domain', 'add', …), and returns the lines that
           belong into the DNS
    names  further names on the certificate"""
    with scratch.Folder() as folder:
        stage = Stage()
        stage.folder = folder
        stage.authority = authority = certificates.Authority(folder)
        stage.root = authority.root
        chain, key = authority.issue('root.example', 'autodiscover.auto.example',
                                     'hoster.example', *names)
        stage.password_file = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
        netns.add_address(SERVICE)
        netns.add_address(REDIRECT)
        netns.trust(authority, folder)
        run = _fill_directory(folder, stage.password_file)
        records = list(RECORDS) + (more(run) if more is not None else [])
        with netns.Dns(folder, records), daemon.Usherd(
                folder, certificate=chain, key=key, ports={'https': 443, 'redirect': 80},
                addresses={'https': SERVICE, 'redirect': REDIRECT},
                redirect='target = https://hoster.example/autodiscover/autodiscover.xml'
        ) as stage.service:
            yield stage
