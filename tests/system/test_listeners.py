#!/usr/bin/python3
"""The listeners beside https: redirect, private, proxy."""
import json
import os
import socket
import time

import site_contoso as site
from support import programs, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.scratch import Folder, write

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
programs.usher_ok('domain', 'set', 'fabrikam.example', '--host-names', 'settings.fabrikam.example',
                  directory=site.uri(folder))
programs.usher_ok('domain', 'add', 'bücher.example', '--kind', 'mail',
                  directory=site.uri(folder))
TARGET = 'https://mail.contoso.com/autodiscover/autodiscover.xml'


def start(where='127.0.0.1', proxies='127.0.0.1', extra=''):
    """A daemon with a listener of every kind; the proxy's is `d.proxy`."""
    with socket.socket() as s:
        s.bind((where, 0))
        port = s.getsockname()[1]
    home = folder / f'home{port}'
    home.mkdir()
    d = Usherd(home, directory=site.uri(folder), top=f'trusted proxies = {proxies}\n',
               config=f'[listen proxy]\naddress = {where}:{port}\n'
               '[listen redirect fixed]\naddress = 127.0.0.1:0\n'
               f'target = {TARGET}\n{extra}')
    d.proxy = (where, port)
    d.__enter__()
    line = next(x for x in d.log().splitlines() if 'listener="redirect fixed"' in x)
    d.fixed = ('127.0.0.1', int(line.rpartition(':')[2]))
    return d


daemon = start()


def crowd(daemon_, clients):
    """Health is answered while so many are connected and say nothing."""
    silent = [socket.create_connection(daemon_.https) for _ in range(clients)]
    time.sleep(0.3)
    tap.same(request(daemon_.private, 'localhost', '/health', 'GET', timeout=5).status, 200)
    for s in silent:
        s.close()


@tap.case('health is answered while clients have taken all connections')
def _():
    home = folder / 'full'
    home.mkdir()
    with Usherd(home, directory=site.uri(folder), config='[limits]\nconnections = 8\n') as full:
        crowd(full, 12)


@tap.case('health is answered while clients have taken all descriptors they may have')
def _():
    home = folder / 'descriptors'
    home.mkdir()
    # Root could raise the limit again: without that power, as a service is run.
    wrapper = ('prlimit', '--nofile=200:200')
    if os.geteuid() == 0:
        wrapper += ('setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource')
    with Usherd(home, directory=site.uri(folder), wrapper=wrapper,
                config='[limits]\nconnections per address = 1000\n') as tight:
        tap.has(tight.log(), 'fewer descriptors')
        crowd(tight, 220)


@tap.each([
    ('an accepted domain', 'contoso.com', 'contoso.com'),
    ('its autodiscover host', 'autodiscover.contoso.com', 'autodiscover.contoso.com'),
    ('the host of its PACC file', 'ua-auto-config.contoso.com', 'ua-auto-config.contoso.com'),
    ('letter case', 'AutoDiscover.Contoso.COM', 'autodiscover.contoso.com'),
    ('last dot', 'autodiscover.contoso.com.', 'autodiscover.contoso.com'),
    ('with a port', 'autodiscover.contoso.com:80', 'autodiscover.contoso.com'),
    ('a name of the certificate', 'cas01.contoso.com', 'cas01.contoso.com'),
    ('a host name of a domain', 'settings.fabrikam.example', 'settings.fabrikam.example'),
    ('an international domain', 'autodiscover.xn--bcher-kva.example',
     'autodiscover.xn--bcher-kva.example'),
    ('an unknown domain', 'evil.example', None),
    ('below an accepted domain', 'evil.contoso.com', None),
    ('above an accepted domain', 'com', None),
    ('autodiscover host of nobody', 'autodiscover.evil.example', None),
    ('an address', '192.0.2.1', None),
    ('an IPv6 address', '[2001:db8::1]', None),
    ('a user name in it', 'contoso.com@evil.example', None),
    ('a slash in it', 'evil.example/contoso.com', None),
])
def _(host, wanted):
    for method in ('GET', 'HEAD', 'POST'):
        answer = request(daemon.redirect, host, method=method, path='/Autodiscover/Autodiscover.xml')
        if wanted is None:
            tap.true(answer.status in (400, 404), f'{method}: {answer.status}')
            tap.true('location' not in answer.fields, f'{method}: a redirect')
        else:
            tap.same((answer.status, answer.fields.get('location')),
                     (302, f'https://{wanted}{site.PATH}'), method)


TOKEN = '4JInMgL3BwU9gAstsrda74R5aQ6eT_FZsbRIoMl9g9U'
CHALLENGE = '/.well-known/acme-challenge/'


def ask_challenge(listener, path, method='GET', fields=None):
    """By any name: which names are ours is what the ACME server is about to find out."""
    return request(getattr(daemon, listener), 'whoever.example', path=path, method=method,
                   root=False if listener == 'https' else None, fields=fields)


@tap.each([
    ('a challenge of ACME is answered over https', 'https', {}),
    ('… on the site that redirects', 'redirect', {}),
    ('… also on one with a target', 'fixed', {}),
    ('… behind a proxy that came by plain HTTP', 'proxy', {'X-Forwarded-Proto': 'http'}),
    ('… and by https', 'proxy', {'X-Forwarded-Proto': 'https'}),
])
def _(listener, fields):
    answers = folder / 'usher.db.acme/challenge'
    answers.mkdir(parents=True, exist_ok=True)
    write(answers / TOKEN, f'{TOKEN}.thumbprint', mode=0o600)
    got = ask_challenge(listener, CHALLENGE + TOKEN, fields=fields)
    tap.same((got.status, got.body, got.fields['content-type']),
             (200, f'{TOKEN}.thumbprint'.encode(), 'application/octet-stream'))
    tap.same(ask_challenge(listener, '/.Well-Known/acme-challenge/' + TOKEN, fields=fields).status,
             200)
    got = ask_challenge(listener, CHALLENGE + TOKEN, 'HEAD', fields)
    tap.same((got.status, got.body), (200, b''))
    tap.same(ask_challenge(listener, CHALLENGE + TOKEN, 'POST', fields).status, 405)
    for path in (TOKEN.lower(), TOKEN[:-1], TOKEN + '/', 'x/' + TOKEN, '%34' + TOKEN[1:], '', '.',
                 '..%2fusher.db', '%2e%2e', TOKEN + '%00', 'a' * 400):
        tap.true(ask_challenge(listener, CHALLENGE + path, fields=fields).status in (400, 404),
                 path)
    # Others may have written what others may read.
    (answers / TOKEN).chmod(0o644)
    tap.same(ask_challenge(listener, CHALLENGE + TOKEN, fields=fields).status, 404)
    (answers / TOKEN).unlink()
    tap.same(ask_challenge(listener, CHALLENGE + TOKEN, fields=fields).status, 404)


@tap.case('a proxy that came by plain HTTP gets nothing else')
def _():
    for path in ('/', site.PATH, '/nothing', '/.well-known/caldav'):
        tap.same(ask_challenge('proxy', path, fields={'X-Forwarded-Proto': 'http'}).status, 403,
                 path)


@tap.case('a redirect listener with a target sends everybody there')
def _():
    for host in ('evil.example', 'autodiscover.contoso.com', '192.0.2.1'):
        answer = request(daemon.fixed, host)
        tap.same((answer.status, answer.fields.get('location')), (302, TARGET))


@tap.case('a redirect listener serves no other path, challenges nobody and takes no password')
def _():
    for path in ('/nothing', '/autodiscover/', '/metrics', '/autodiscover/autodiscover.json'):
        tap.same(request(daemon.redirect, 'contoso.com', path=path, method='GET').status, 404, path)
    answer = request(daemon.redirect, 'contoso.com', body=POX_REQUEST.format('nora@contoso.com'),
                     fields={'Authorization': basic('nora@contoso.com', site.PASSWORD)})
    tap.same((answer.status, answer.body), (302, b''))
    tap.true('www-authenticate' not in answer.fields, 'a challenge over plain HTTP')
    tap.same(request(daemon.redirect, 'contoso.com', method='PUT').status, 405)


@tap.case('metrics are text that Prometheus reads')
def _():
    site.ask(daemon, login='nora@contoso.com')
    answer = request(daemon.private, 'localhost', '/metrics', 'GET')
    tap.same(answer.status, 200)
    tap.has(answer.fields['content-type'], 'version=0.0.4')
    seen, helped = {}, set()
    for line in answer.body.decode().splitlines():
        if line.startswith('# HELP '):
            name = line.split()[2]
            tap.true(name not in helped, f'{name} is explained twice')
            helped.add(name)
        elif not line.startswith('#'):
            name, value = line.rsplit(' ', 1)
            tap.true(name not in seen, f'{name} stands twice')
            tap.true(name.split('{')[0] in helped, f'{name} is not explained')
            seen[name] = float(value)
    tap.same(seen['usherd_directory_up'], 1)
    tap.true(seen['usherd_answers_total{kind="settings"}'] >= 1, 'no answer counted')
    tap.true(any(n.startswith('usherd_certificate_not_after_seconds{') for n in seen), 'no expiry')


@tap.case('status is JSON that names listeners and certificates')
def _():
    status = json.loads(request(daemon.private, 'localhost', '/status', 'GET').body)
    tap.same(status['directory_available'], True)
    tap.same({x['kind'] for x in status['listeners']}, {'https', 'redirect', 'private', 'proxy'})
    tap.same(status['listeners'][0]['address'], f'127.0.0.1:{daemon.https[1]}')
    tap.same(status['certificates'][0]['subject'], 'CN=cas01')
    tap.true(status['counters']['answers_settings'] >= 1, 'no answer counted')


@tap.case('the private listener answers no question')
def _():
    tap.same(request(daemon.private, 'localhost').status, 404)
    tap.same(request(daemon.private, 'localhost', '/health', 'POST').status, 405)


@tap.case('a trusted proxy that ended TLS is answered, and names the client')
def _():
    forwarded = {'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '198.51.100.7'}
    answer = site.ask(daemon, login='nora@contoso.com', listener='proxy', fields=forwarded)
    tap.same(answer.status, 200)
    tap.has(answer.body, b'<DisplayName>Nora Lind</DisplayName>')
    tap.has(daemon.log(), '198.51.100.7')
    tap.same(site.ask(daemon, listener='proxy', fields=forwarded).status, 401)


@tap.each([
    ('no scheme', {}),
    ('plain HTTP', {'X-Forwarded-Proto': 'http'}),
])
def _(fields):
    answer = site.ask(daemon, login='nora@contoso.com', listener='proxy', fields=fields)
    tap.same(answer.status, 403)
    tap.true('www-authenticate' not in answer.fields, 'a challenge over plain HTTP')


@tap.case('nobody is believed to be a proxy who is not trusted')
def _():
    other = start(proxies='192.0.2.1')
    forwarded = {'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '198.51.100.8'}
    tap.same(site.ask(other, login='nora@contoso.com', listener='proxy',
                      fields=forwarded).status, 403)
    tap.same(site.ask(other, login='nora@contoso.com', fields=forwarded).status, 200)
    tap.true('198.51.100.8' not in other.log(), 'X-Forwarded-For of an untrusted client was used')
    other.__exit__(None)


@tap.case('it ends with status 0')
def _():
    daemon.__exit__(None)
    folder_block.__exit__(None)


tap.main()
