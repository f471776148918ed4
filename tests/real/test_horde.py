#!/usr/bin/python3
"""`usher find` asks a responder that others wrote: Horde's Autodiscover, behind Apache."""
import contextlib
import functools
import json
import pathlib
import socket
import subprocess
import time

from support import certificates, netns, scratch, tap
from support.programs import clean_environment, usher

netns.enter()

HORDE = pathlib.Path('/usr/share/php/Horde/ActiveSync/Request/Autodiscover.php')
MODULES = pathlib.Path('/usr/lib/apache2/modules')
USER, PASSWORD, HOST = 'ana@horde.example', 'Horses & 4 points', 'mail.horde.example'
AUTO = 'autodiscover.horde.example'
SERVICE = '127.1.0.1'
FOUND, REJECTED = 0, 2
START_SECONDS = 10

APACHE = '''ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
{modules}
User www-data
Group www-data
Listen {service}:443
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
ProxyPass / http://127.0.0.1:{port}/
'''


def wait_for(address):
    """Until something listens there."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            tap.true(time.monotonic() < end, f'nothing listens at {address}')
            time.sleep(0.05)


@contextlib.contextmanager
def running(command, **environment):
    """A server, until the end of the block."""
    # Apache ends its whole process group.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True,
                          env=clean_environment(**environment)) as process:
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def responder(folder, authority):
    """Horde at https://autodiscover.horde.example."""
    chain, key = authority.issue(AUTO)
    port = scratch.free_port()
    folder.chmod(0o755)
    config = scratch.write(folder / 'apache.conf', APACHE.format(
        folder=folder, service=SERVICE, chain=chain, key=key, port=port,
        modules='\n'.join(f'LoadModule {name}_module {MODULES}/mod_{name}.so' for name in (
            'mpm_prefork', 'authz_core', 'ssl', 'proxy', 'proxy_http'))))
    front = pathlib.Path(__file__).with_name('horde.php')
    with running(['php', '-S', f'127.0.0.1:{port}', str(front)], HORDE_USER=USER,
                 HORDE_PASSWORD=PASSWORD, HORDE_HOST=HOST), \
            running(['/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', str(config)]):
        wait_for(('127.0.0.1', port))
        wait_for((SERVICE, 443))
        yield


def find(*options):
    done = usher('find', USER, '--json', *options)
    said = json.loads(done.stdout)
    return done.returncode, said, ' | '.join(a['reason'] for a in said['attempts'])


with contextlib.ExitStack() as stack:
    here = stack.enter_context(scratch.Folder())
    password = scratch.write(here / 'password', PASSWORD + '\n', 0o600)
    wrong = scratch.write(here / 'wrong', 'another\n', 0o600)

    @functools.cache
    def start():
        """Once, for all cases; what is missing leaves each of them out."""
        tap.need('php', 'apache2', 'knotd')
        if not HORDE.exists():
            raise tap.Missing('php-horde-activesync is not installed: script/bootstrap installs it')
        ca = certificates.Authority(here)
        netns.add_address(SERVICE)
        netns.trust(ca, here)
        stack.enter_context(netns.Dns(here, [f'{AUTO}. A {SERVICE}']))
        stack.enter_context(responder(here, ca))

    @tap.case('its settings, with the password')
    def _():
        start()
        status, said, how = find('--password-file', password)
        tap.same((status, said['url']), (FOUND, f'https://{AUTO}/autodiscover/autodiscover.xml'), how)
        tap.same(said['answer']['user']['display_name'], 'Ana of Horde')
        tap.same([(p['type'], p['server'], p['port'], p['login_name'])
                  for p in said['answer']['protocols']],
                 [('IMAP', f'imap.{HOST}', 993, USER), ('SMTP', f'smtp.{HOST}', 587, USER)])
        tap.same([a['credentialed'] for a in said['attempts'] if a['source'] == 'C'], [False, True])

    @tap.case('a wrong password')
    def _():
        start()
        status, _, how = find('--password-file', wrong)
        tap.same(status, REJECTED, how)

    @tap.case('no password')
    def _():
        start()
        status, _, how = find()
        tap.same(status, REJECTED, how)
        tap.has(how, 'asks for a password')

    tap.main()
