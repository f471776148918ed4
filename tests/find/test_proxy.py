#!/usr/bin/python3
"""`usher find` behind proxies: by option and environment, with and without a login, real ones too."""
import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from support import scratch, tap
from support.certificates import Authority
from support.names import Dns
from support.peers import LOOPBACK, PATH, Closed, Peer, Proxy, answer, login, pump, read_request
from support.programs import clean_environment, usher
import ntlm

STEER = sys.argv.pop(1)
ADDRESS, C, NAME = 'ann@contoso.example', 'autodiscover.contoso.example', 'proxy.contoso.example'
FOUND, NOT_FOUND, UNAVAILABLE, USAGE = 0, 1, 4, 64
SECRET = 'pro:xy/p@ss'
AS_URL = 'pro%3Axy%2Fp%40ss'
PATIENCE = 20


class LoginProxy(Proxy):
    """Wants Basic before it does anything."""

    def __init__(self, routes, name='ann', password=SECRET):
        super().__init__(routes)
        self.refused, self.right = 0, base64.b64encode(f'{name}:{password}'.encode()).decode()

    def _verdict(self, sent):
        """What it asks for; None: nothing more."""
        return None if sent == f'Basic {self.right}' else 'Basic realm="gate"'

    def _serve(self, client):
        while True:
            request = read_request(client)
            if request is None:
                return
            self.asked.append((request['method'], request['path']))
            challenge = self._verdict(request['fields'].get('proxy-authorization', ''))
            if challenge is None:
                break
            self.refused += 1
            client.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: '
                           + challenge.encode() + b'\r\nContent-Length: 0\r\n\r\n')
        if request['path'] not in self._routes:
            client.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
            client.close()
            return
        server = socket.create_connection((LOOPBACK, self._routes[request['path']]))
        client.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
        threading.Thread(target=pump, args=[server, client], daemon=True).start()
        pump(client, server)


class NtlmProxy(LoginProxy):
    """Wants NTLM; whether the proof is right nobody looks."""

    def __init__(self, routes, token):
        super().__init__(routes)
        self._token, self.proofs = token, []

    def _verdict(self, sent):
        scheme, _, token = sent.partition(' ')
        if scheme != 'NTLM':
            return 'NTLM'
        if base64.b64decode(token)[8] == 1:
            return f'NTLM {self._token}'
        self.proofs.append(base64.b64decode(token))
        return None


class Socks(Proxy):
    """SOCKS 5 without a login (RFC 1928)."""

    def _serve(self, client):
        client.recv(512)
        client.sendall(b'\5\0')
        request = client.recv(512)
        length = request[4]
        host, port = request[5:5 + length].decode(), int.from_bytes(request[5 + length:7 + length], "big")
        self.asked.append(f'{host}:{port}')
        to = self._routes.get(f'{host}:{port}')
        client.sendall(bytes([5, 0 if to else 4, 0, 1, 0, 0, 0, 0, 0, 0]))
        if to:
            server = socket.create_connection((LOOPBACK, to))
            threading.Thread(target=pump, args=[server, client], daemon=True).start()
            pump(client, server)


def find(*options, names=None, **environment):
    """`usher find --json` with a scripted resolver; .json is what it printed."""
    with Dns(names or {}) as dns:
        done = usher('--json', 'find', ADDRESS, '--password-file', PASSWORD, '--dns', dns.server,
                     '--ca-file', authority.root, *options, **environment)
        done.questions = dns.questions
    done.json = json.loads(done.stdout) if done.stdout else None
    tap.same([t for t in (SECRET, AS_URL) if t in done.stdout + done.stderr], [])
    return done


def reasons(run):
    """Why each attempt gave nothing."""
    return ' '.join(a['reason'] for a in run.json['attempts'])


def peer():
    return Peer(*GOOD, script=login(answer()))


def named(proxy, user=''):
    """The proxy by its name."""
    return f'http://{user}{NAME}:{proxy.url.rsplit(":", 1)[1]}'


# ---- which proxy ----

@tap.each([('by the environment', lambda url: ([], {'https_proxy': url, 'http_proxy': url})),
           ('by the environment, for all', lambda url: ([], {'all_proxy': url})),
           ('by option', lambda url: (['--proxy', url], {})),
           ('by option, which outweighs the environment',
            lambda url: (['--proxy', url], {'all_proxy': 'http://127.0.0.1:1'}))])
def _(how):
    with peer() as p, Proxy({f'{C}:443': p.port}) as proxy:
        options, environment = how(named(proxy))
        run = find(*options, names={NAME: [LOOPBACK]}, **environment)
    tap.same((run.returncode, len(p.logins)), (FOUND, 1))
    tap.true(('CONNECT', f'{C}:443') in proxy.asked, proxy.asked)
    tap.true(C not in run.questions, run.questions)


@tap.each([('an exception of the environment', [], {'no_proxy': 'elsewhere.example, .contoso.example'}),
           ('an exception by option', ['--no-proxy', '*.contoso.example'], {}),
           ('all are exceptions', ['--no-proxy', '*'], {}),
           ('none by option', ['--proxy', ''], {})])
def _(options, environment):
    with peer() as p, Proxy({}) as proxy:
        run = find('--connect-to', f'{C}:443:{LOOPBACK}:{p.port}', *options,
                   all_proxy=proxy.url, **environment)
    tap.same((run.returncode, proxy.asked), (FOUND, []))


@tap.case('a proxy that knows SOCKS')
def _():
    with peer() as p, Socks({f'{C}:443': p.port}) as proxy:
        run = find('--proxy', proxy.url.replace('http:', 'socks5h:'))
    tap.same(run.returncode, FOUND)
    tap.true(f'{C}:443' in proxy.asked, proxy.asked)


@tap.case('a proxy that knows SOCKS, for plain http')
def _():
    with Socks({}) as proxy:
        find('--proxy', proxy.url.replace('http:', 'socks5h:'))
    tap.true(f'{C}:80' in proxy.asked, proxy.asked)


@tap.case('a route is told to the proxy')
def _():
    with peer() as p, Proxy({f'192.0.2.7:{p.port}': p.port}) as proxy:
        run = find('--proxy', proxy.url, '--connect-to', f'{C}:443:192.0.2.7:{p.port}')
    tap.same(run.returncode, FOUND)


@tap.case('no thread is started to look up the proxy')
def _():
    with peer() as p, Proxy({f'{C}:443': p.port}) as proxy, Dns({NAME: [LOOPBACK]}) as names:
        done = subprocess.run([STEER, 'run', 'secret', names.server, authority.root],
                              capture_output=True, text=True, check=False, timeout=PATIENCE,
                              env=clean_environment(all_proxy=named(proxy)))
    tap.same((done.returncode, done.stdout), (0, 'found\n'), done.stderr)


# ---- its login ----

@tap.each([('in the environment', f'ann:{AS_URL}@', False), ('from a file', 'ann@', True)])
def _(user, by_file):
    with peer() as p, LoginProxy({f'{C}:443': p.port}) as proxy:
        url = proxy.url.replace('//', '//' + user)
        if by_file:
            run = find('--proxy', url, '--proxy-password-file', PROXY_PASSWORD)
        else:
            run = find(all_proxy=url)
    tap.same(run.returncode, FOUND)
    tap.same(p.logins[0]['fields'].get('proxy-authorization'), None)


@tap.each([('a proxy that wants a login says so', '', 'wants a login'),
           ('a proxy that refuses ours says so', 'ann:wrong@', 'refused our login')])
def _(user, words):
    with peer() as p, LoginProxy({f'{C}:443': p.port}) as proxy:
        run = find(all_proxy=proxy.url.replace('//', '//' + user))
    tap.same((run.returncode, p.requests), (UNAVAILABLE, []))
    tap.has(run.json['reason'], words)
    tap.has(run.json['reason'], proxy.url.removeprefix('http://'))
    tap.true(proxy.refused < 12, proxy.refused)


def ntlm_find(proxy, *options):
    """Through a proxy with a login, from a file."""
    return find('--proxy', proxy.url.replace('//', '//ann@'), '--proxy-password-file',
                PROXY_PASSWORD, *options)


@tap.case('a proxy gets NTLM when that is allowed')
def _():
    with peer() as p, NtlmProxy({f'{C}:443': p.port}, ntlm.challenge()) as proxy:
        run = ntlm_find(proxy, '--proxy-auth', 'ntlm')
    tap.same(run.returncode, FOUND)
    tap.true(proxy.proofs and all(b'a\0n\0n\0' in proof for proof in proxy.proofs), proxy.proofs)
    tap.same(p.logins[0]['fields'].get('proxy-authorization'), None)


@tap.each([('a proxy that offers NTLM gets none unless it is allowed', [], None, 'refused our login'),
           ('a proxy that offers NTLM gets no Basic', ['--proxy-auth', 'basic,digest'], None,
            'refused our login'),
           ('a proxy whose NTLM is not NTLMv2 gets no proof', ['--proxy-auth', 'ntlm'],
            ntlm.challenge(b'', 0x00008205), 'its NTLM is not NTLMv2'),
           ('without a ticket, Negotiate is not possible', ['--proxy-auth', 'negotiate'], None,
            'Kerberos')])
def _(options, token, words):
    with peer() as p, NtlmProxy({f'{C}:443': p.port}, token or ntlm.challenge()) as proxy:
        run = ntlm_find(proxy, *options)
    tap.same((run.returncode, p.requests, proxy.proofs), (UNAVAILABLE, [], []))
    tap.has(run.json['reason'], words)


@tap.case('a way to log in that is none is refused')
def _():
    run = find('--proxy-auth', 'ntlm,kerberos')
    tap.same(run.returncode, USAGE)
    tap.has(run.stderr, '`kerberos` is none of')


# ---- what is wrong ----

@tap.case('a password does not belong in an argument')
def _():
    run = find('--proxy', f'http://ann:{AS_URL}@127.0.0.1:3128')
    tap.same(run.returncode, USAGE)
    tap.has(run.stderr, '--proxy-password-file')


@tap.each([(url, url) for url in ('https://127.0.0.1:1', 'ftp://127.0.0.1:1', 'http://', 'a b',
                                  'http://127.0.0.1:99999', f'http://ann:{AS_URL}%zz@127.0.0.1')])
def _(url):
    run = find(all_proxy=url)
    tap.same(run.returncode, USAGE)
    tap.has(run.stderr, 'all_proxy: it is no proxy that can be used')


@tap.case('a proxy whose name is not known')
def _():
    run = find(all_proxy=f'http://{NAME}:3128')
    tap.same(run.returncode, UNAVAILABLE)
    tap.has(run.json['reason'], f'the proxy does not let us through ({NAME}')


@tap.case('a proxy that is not there')
def _():
    with Closed() as nobody:
        run = find(all_proxy=f'http://{LOOPBACK}:{nobody.port}')
    tap.same(run.returncode, UNAVAILABLE)
    tap.has(reasons(run), 'the proxy does not let us through')


@tap.case('a host that the proxy cannot reach')
def _():
    with Proxy({}) as proxy:
        run = find(all_proxy=proxy.url)
    tap.same(run.returncode, UNAVAILABLE)
    tap.has(reasons(run), 'says HTTP 502')


# ---- real ones ----

TINYPROXY = '''Port {port}
Listen 127.0.0.1
Timeout 20
MaxClients 20
BasicAuth ann {password}
'''
SQUID = '''http_port 127.0.0.1:{port}
auth_param digest program {helper} -c {folder}/digest
auth_param digest children 1
auth_param digest realm gate
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
access_log none
cache_log {folder}/squid.log
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 0 seconds
{user}
'''


def until_listening(process, port):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, port)).close()
            return
        time.sleep(0.05)
    raise AssertionError('the proxy does not start')


@contextlib.contextmanager
def running(*command, port):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until_listening(process, port)
            yield
        finally:
            process.terminate()


def through_a_real_one(port, password):
    """Found with the login; without it the proxy is named."""
    with peer() as p:
        route = ['--connect-to', f'{C}:443:{LOOPBACK}:{p.port}']
        without = find(*route, all_proxy=f'http://{LOOPBACK}:{port}')
        run = find(*route, all_proxy=f'http://ann:{password}@{LOOPBACK}:{port}')
    tap.same((without.returncode, run.returncode, len(p.logins)), (UNAVAILABLE, FOUND, 1))
    tap.has(without.json['reason'], 'wants a login')


@tap.case('tinyproxy, with Basic')
def _():
    tap.need('tinyproxy')
    with scratch.Folder() as folder:
        port = scratch.free_port()
        path = scratch.write(folder / 'conf', TINYPROXY.format(port=port, password='secret'))
        with running('tinyproxy', '-d', '-c', path, port=port):
            through_a_real_one(port, 'secret')


@tap.case('squid, with Digest')
def _():
    tap.need('squid')
    with scratch.Folder() as folder:
        if os.getuid() == 0:    # squid goes on as somebody else
            shutil.chown(folder, 'proxy')
        port = scratch.free_port()
        helper = '/usr/lib/squid/digest_file_auth'
        hashed = subprocess.run(['md5sum'], input=f'ann:gate:{SECRET}', capture_output=True,
                                text=True, check=True).stdout.split()[0]
        scratch.write(folder / 'digest', f'ann:gate:{hashed}\n')
        path = scratch.write(folder / 'conf', SQUID.format(
            port=port, folder=folder, helper=helper,
            user='cache_effective_user proxy' if os.getuid() == 0 else ''))
        name = ''.join(c for c in folder.name if c.isalnum())   # of its shared memory
        with running('squid', '-n', name, '-N', '-f', path, port=port):
            through_a_real_one(port, AS_URL)


with scratch.Folder() as top:
    authority = Authority(top)
    GOOD = authority.issue(C, label='good')
    PASSWORD = scratch.write(top / 'password', 'secret\n', 0o600)
    PROXY_PASSWORD = scratch.write(top / 'proxy-password', SECRET + '\n', 0o600)
    tap.main()
