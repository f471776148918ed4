#!/usr/bin/python3
"""The four deployments of the white paper, stood up from what usher prints and found by mail programs.

Each is made for an Exchange domain and for a mail domain, with a certificate of `usher ca` that is
verified by everybody."""
import contextlib
import json
import os
import pty
import subprocess
import sys

from support import netns, scratch, tap
from support.certificates import Authority
from support.names import Dns as Names
from support.programs import ROOT, clean_environment, program, usher

netns.enter()

from deployment import (DISPLAY_NAME, HOST_ADDRESS, PASSWORD, SECOND_ADDRESS,  # noqa: E402
                        Deployment, add_addresses)

add_addresses()
EXCHANGELIB = ROOT / 'tests' / 'real' / 'ask_exchangelib.py'
OUTSIDE = 'mail.hoster.example'
SERVERS = ('cas1.corp.local', 'cas2.corp.local')
# What stands up: its name, and what is told to Deployment.
DEPLOYMENTS = {
    '1 exchange': {'scenario': 1, 'kind': 'exchange'},
    '2 exchange': {'scenario': 2, 'kind': 'exchange', 'servers': SERVERS, 'how': 'apply'},
    '3 exchange': {'scenario': 3, 'kind': 'exchange'},
    '4 exchange': {'scenario': 4, 'kind': 'exchange', 'how': 'apply'},
    '1 mail': {'scenario': 1, 'kind': 'mail', 'how': 'apply'},
    '2 mail': {'scenario': 2, 'kind': 'mail', 'host': OUTSIDE},
    '3 mail': {'scenario': 3, 'kind': 'mail', 'how': 'authority'},
    '4 mail': {'scenario': 4, 'kind': 'mail', 'host': OUTSIDE},
}


class Standing:
    """The deployment that stands now: one at a time, in the order of the cases."""

    def __init__(self, folder):
        # System files lie in it until the end, under others.
        self._folder = folder
        self._stack, self._name, self._it = contextlib.ExitStack(), None, None

    def get(self, name):
        """That deployment."""
        if name != self._name:
            self.fall()
            self._name, self._it = name, None
            folder = self._folder / name.replace(' ', '-')
            folder.mkdir()
            self._it = self._stack.enter_context(Deployment(folder, **DEPLOYMENTS[name]))
        tap.true(self._it, 'it does not stand')
        return self._it

    def fall(self):
        """Ends it."""
        self._stack.close()
        self._name = None


_cases = []


def of(*names):
    """Marks a case for each of the deployments; it is told the one that stands."""
    def mark(function):
        for name in names or DEPLOYMENTS:
            _cases.append((name, function))
        return function
    return mark


EXCHANGE = [name for name, told in DEPLOYMENTS.items() if told['kind'] == 'exchange']
WAYS = {1: 'C', 2: 'E', 3: 'C', 4: 'D'}


# ---- all is well ----

@of()
def all_is_well(it):
    """--check finds nothing to do"""
    status, rows = it.check()
    bad = [r for r in rows.values() if r['verdict'] != 'ok']
    tap.same((status, bad), (0, []))
    return '; '.join(f'{r["check"]} {r["subject"]}: {r["found"]}' for r in rows.values())


@of()
def again(it):
    """--apply changes nothing any more"""
    done = it.plan('--apply')
    tap.same((done.returncode, done.stderr), (0, ''))
    tap.same(json.loads(done.stdout)['changes'], [])


# ---- usher find ----

def found(it, *more):
    """What `usher find` says, in Outlook's language."""
    done = usher('find', it.address, '--json', '--language', 'pox', '--no-autoconfig',
                 '--password-file', it.password_file, *more)
    return done.returncode, json.loads(done.stdout)


def warnings(said):
    """Attempts whose certificate would make a program warn."""
    return [a for a in said['attempts']
            if a.get('tls') and a['tls']['verdict'] not in ('verified', 'not-tried')]


@of()
def find(it):
    """usher find finds it by the way of the scenario, without a warning"""
    trust = ['--trust-host', it.host] if it.host == OUTSIDE else []
    status, said = found(it, *trust)
    tap.same((status, said['source']), (0, WAYS[it.scenario]), str(said['attempts']))
    tap.same(warnings(said), [])
    return f'{said["source"]} {said["url"]}'


@of('2 mail', '4 mail')
def blocked(it):
    """a host outside of the domain is not followed without consent"""
    status, said = found(it)
    tap.same((status, said['outcome']), (3, 'blocked'), str(said['attempts']))


@of('2 mail', '4 mail')
def one_question(it):
    """people are asked one question, and it names the host"""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(program('usher'), ['usher', 'find', it.address, '--no-autoconfig'],
                  clean_environment())
    said = ''
    with contextlib.suppress(OSError):
        while more := os.read(terminal, 4096):
            said += more.decode()
            if said.count('[y/N]') == 1 and not said.endswith('y\r\n'):
                os.write(terminal, b'y\n')
                said += 'y\r\n'
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tap.same((status, said.count('[y/N]')), (0, 1), said)
    tap.has(said, it.host)


# ---- clients that others wrote ----

def own_home(it):
    """The environment of a program that has never been here."""
    home = it.folder / 'home'
    home.mkdir(exist_ok=True)
    return {'HOME': str(home), 'TMPDIR': str(home), 'XDG_RUNTIME_DIR': str(home),
            'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8', 'GSETTINGS_BACKEND': 'memory',
            'GIO_USE_PROXY_RESOLVER': 'dummy'}


@of(*EXCHANGE)
def exchangelib(it):
    """exchangelib finds it, in POX or in SOAP"""
    language = 'soap' if it.scenario in (1, 4) else 'pox'
    done = subprocess.run(
        [sys.executable, EXCHANGELIB, it.address, it.password_file, language],
        capture_output=True, text=True, check=False, timeout=60, env=own_home(it))
    tap.true(done.stdout, f'no answer: {done.stderr[-1500:]}')
    said = json.loads(done.stdout)
    tap.same(done.returncode, 0, done.stdout)
    url = said['ews_url'] if language == 'soap' else said['chosen']['ews_url']
    tap.same(url, f'https://{it.host}/EWS/Exchange.asmx')


@of(*EXCHANGE)
def evolution(it):
    """evolution-ews finds it, but by no redirect"""
    ask = os.environ.get('ASK_EVOLUTION')
    if ask is None:
        raise tap.Missing('evolution-ews and libedataserver1.2-dev are not installed')
    done = subprocess.run([ask, it.address, it.password_file], capture_output=True, text=True,
                          check=False, timeout=60, env=own_home(it))
    tap.same(done.returncode, 1 if it.scenario == 4 else 0, done.stdout + done.stderr)
    if it.scenario != 4:
        tap.has(done.stdout, f'ews https://{it.host}/EWS/Exchange.asmx\n')


def curl(*words):
    """curl, which verifies by the system's roots."""
    tap.need('curl')
    return subprocess.run(['curl', '--silent', '--show-error', '--max-time', '20', *map(str, words)],
                          capture_output=True, text=True, check=False,
                          env={'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'})


QUESTION = ('<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
            'requestschema/2006"><Request><EMailAddress>{}</EMailAddress>'
            '<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/'
            'responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>')


def post(it, url):
    """The answer to the question of an Outlook."""
    login = ['--user', f'{it.address}:{PASSWORD}'] if it.kind == 'exchange' else []
    return curl('--fail', '--header', 'Content-Type: text/xml', '--data',
                QUESTION.format(it.address), *login, url)


@of()
def by_curl(it):
    """curl verifies the certificate and gets the settings"""
    done = post(it, it.url)
    tap.same(done.returncode, 0, done.stderr)
    tap.has(done.stdout, '<Action>settings</Action>')
    tap.has(done.stdout, f'<DisplayName>{DISPLAY_NAME}<' if it.kind == 'exchange' else '<Type>IMAP<')


@of('4 exchange', '4 mail')
def redirect(it):
    """the redirect site says where to go, and is deaf to TLS"""
    done = curl('--output', '/dev/null', '--write-out', '%{http_code} %{redirect_url}',
                f'http://{it.autodiscover}/Autodiscover/Autodiscover.xml')
    tap.same(done.stdout, f'302 {it.url}')
    tap.same(curl(f'https://{it.autodiscover}/').returncode, 7)


@of('2 exchange', '2 mail')
def by_srv_alone(it):
    """there is no autodiscover host"""
    tap.same(curl(f'https://{it.autodiscover}/').returncode, 6)


# ---- on a computer in the domain ----

@of(*EXCHANGE)
def service_connection_point(it):
    """the URL in Active Directory names a host of the certificate, on every server"""
    servers = json.loads(it.run('--json', 'server', 'list'))
    tap.same(len(servers), 2 if it.scenario == 2 else 1)
    for server in servers:
        url = server['internal_uri']
        tap.same(url.lower(), it.url)
        done = post(it, url)
        tap.same(done.returncode, 0, done.stderr)
    for row in json.loads(it.run('--json', 'url', 'list')):
        for side in ('internal', 'external'):
            tap.true(row[side].startswith(f'https://{it.host}/'), str(row))


# ---- sabotage ----

def is_red(it, key, verdict, fault, *more):
    """That row has become bad, and says what to do."""
    status, rows = it.check(*more)
    tap.true(key in rows, f'{key} is not among {sorted(rows)}')
    row = rows[key]
    tap.same((row['verdict'], row['fault']), (verdict, fault), str(row))
    tap.true(row['todo'], str(row))
    tap.same(status, {'warning': 1, 'error': 2, 'critical': 3, 'untested': 4}[verdict])
    return f'{row["check"]} {row["subject"]}: {row["found"]}: {row["todo"]}'


def true_names(it):
    """What DNS says, for a server that lies about one of them."""
    names = {it.host: [HOST_ADDRESS]}
    if it.scenario in (1, 3, 4):
        names[it.autodiscover] = [SECOND_ADDRESS if it.scenario > 2 else HOST_ADDRESS]
    if it.scenario == 1 and it.kind == 'mail':
        for label in ('autoconfig', 'ua-auto-config'):
            names[f'{label}.{it.domain}'] = [HOST_ADDRESS]
    if it.scenario != 4:
        names[f'_autodiscover._tcp.{it.domain}'] = [(0, 0, 443, it.host)]
    return names


def lying(it, lies, key, verdict, fault, *more):
    """With other names in DNS."""
    names = {k: v for k, v in {**true_names(it), **lies}.items() if v is not None}
    with Names(names) as dns:
        return is_red(it, key, verdict, fault, '--dns-server', dns.server, *more)


@of('2 exchange')
def shadowed(it):
    """an address for autodiscover is noticed"""
    return lying(it, {it.autodiscover: [SECOND_ADDRESS]}, ('dns', it.autodiscover), 'error',
                 'dns-srv-shadowed')


@of('2 exchange', '2 mail')
def srv(it):
    """a SRV record that is missing, leads elsewhere, or names another port is noticed"""
    name = f'_autodiscover._tcp.{it.domain}'
    lying(it, {name: None}, ('dns', name), 'error', 'dns-srv-absent-single-name-cert')
    lying(it, {name: [(0, 0, 444, it.host)]}, ('dns', name), 'error', 'dns-srv-port-not-443')
    return lying(it, {name: [(0, 0, 443, 'www.contoso.example')]}, ('dns', name), 'error',
                 'dns-srv-target-invalid')


@of('2 exchange')
def alias(it):
    """a SRV record that leads to an alias is noticed"""
    return lying(it, {it.host: ['=elsewhere.example'], 'elsewhere.example': [HOST_ADDRESS]},
                 ('dns', it.host), 'warning', 'dns-srv-target-alias')


@of('1 exchange', '3 mail')
def no_name(it):
    """a name that is missing, or has another address, is noticed"""
    lying(it, {it.autodiscover: None}, ('dns', it.autodiscover), 'error', 'dns-no-autodiscover-path')
    return lying(it, {it.host: ['127.0.0.9']}, ('dns', it.host), 'error', 'dns-split-horizon-gap')


@of('1 exchange')
def no_dns(it):
    """that DNS does not answer is no verdict on the deployment"""
    return is_red(it, ('dns', it.host), 'untested', 'dns-resolver-failure', '--dns-server',
                  '127.0.0.9', '--timeout', '300ms')


@of('4 exchange', '4 mail')
def open_port(it):
    """something that answers on port 443 of the redirect site is noticed"""
    return is_red(it, ('connection', f'{it.autodiscover}:443'), 'error',
                  'cert-autodiscover-name-missing', '--connect-to',
                  f'{it.autodiscover}:443:{HOST_ADDRESS}:443')


@of('4 exchange')
def wrong_target(it):
    """a redirect to another host, and a redirect site that is silent, are noticed"""
    url = f'http://{it.autodiscover}/autodiscover/autodiscover.xml'
    # The other redirect site leads to https on the host that was asked for.
    is_red(it, ('answer', url), 'error', 'http-root-redirects-elsewhere', '--connect-to',
           f'{it.autodiscover}:80:{HOST_ADDRESS}:80')
    is_red(it, ('connection', url), 'error', 'tcp-80-closed-redirect-needed', '--connect-to',
           f'{it.autodiscover}:80:{SECOND_ADDRESS}:81')
    return is_red(it, ('answer', url), 'error', 'redirect-site-silent', '--connect-to',
                  f'{it.autodiscover}:80:127.0.0.1:9108')


@of('1 exchange', '3 exchange', '4 mail')
def dates(it):
    """certificates that have expired, or soon will, are noticed"""
    key = ('certificate', it.host)
    is_red(it, key, 'error', 'cert-expired', '--now', '2100-01-01')
    _, rows = it.check()
    days = int(rows[key]['found'].split(' days left')[0].split()[-1])
    done = subprocess.run(['date', '--utc', '+%FT%TZ', '--date', f'+{days - 20} days'],
                          capture_output=True, text=True, check=True)
    return is_red(it, key, 'warning', 'cert-expires-soon', '--now', done.stdout.strip())


@of('3 exchange')
def wrong_certificate(it):
    """a certificate for another name is noticed, and one that nobody vouches for"""
    is_red(it, ('certificate', it.autodiscover), 'error', 'cert-autodiscover-name-missing',
           '--connect-to', f'{it.autodiscover}:443:{HOST_ADDRESS}:443')
    stranger = Authority(it.folder).root
    return is_red(it, ('certificate', it.host), 'error', 'cert-private-ca-untrusted', '--ca-file',
                  stranger)


@of('3 exchange')
def closed_port(it):
    """a port that is closed is noticed"""
    return is_red(it, ('connection', it.url), 'error', 'tcp-443-refused', '--connect-to',
                  f'{it.host}:443:{HOST_ADDRESS}:444')


@of('2 exchange')
def wrong_settings(it):
    """an SCP or URL with the server's own name is noticed, and --apply mends it"""
    it.run('server', 'set', 'CAS2', '--internal-uri',
           'https://cas2.corp.local/Autodiscover/Autodiscover.xml')
    it.run('url', 'set', 'ews', '--server', 'CAS1', '--internal',
           'https://cas1.corp.local/EWS/Exchange.asmx')
    is_red(it, ('directory', 'service URL CAS1 ews'), 'error', 'cert-service-url-host-missing')
    said = is_red(it, ('directory', 'server CAS2'), 'error', 'cert-scp-host-missing')
    changes = json.loads(it.plan('--apply').stdout)['changes']
    tap.same(sorted(c['key'] for c in changes), ['CAS1 ews', 'CAS2'])
    tap.same(it.check()[0], 0)
    return said


def main():
    """One deployment after the other."""
    order = list(DEPLOYMENTS)
    rows = sorted(_cases, key=lambda row: order.index(row[0]))
    with scratch.Folder() as folder:
        standing = Standing(folder)

        @tap.each([(f'scenario {name}: {function.__doc__}', name, function)
                   for name, function in rows])
        def _(name, function):
            return function(standing.get(name))

        try:
            tap.main()
        finally:
            standing.fall()


main()
