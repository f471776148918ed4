#!/usr/bin/python3
"""usherd changes its configuration and certificates while it serves, and stops in order."""
import hashlib
import re
import signal
import socket
import ssl
import threading
import time

import site_contoso as site
from support import certificates, programs, tap
from support.daemon import Usherd
from support.post import request
from support.scratch import Folder

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
authority = certificates.Authority(folder)
chain, key = authority.issue('cas01.contoso.com', label='first')
daemon = Usherd(folder, certificate=chain, key=key, config='[authentication]\nrealm = one\n')
daemon.__enter__()
original = daemon.config_path.read_text()


def served(name='cas01.contoso.com'):
    """SHA-256 of the certificate that is served for a name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(daemon.https, timeout=10) as s:
        with context.wrap_socket(s, server_hostname=name) as t:
            return hashlib.sha256(t.getpeercert(True)).hexdigest()


def digest(path):
    """SHA-256 of a PEM certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


def until(condition, what, seconds=15):
    """Waits until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        tap.true(time.monotonic() < end, what + ': ' + daemon.log()[-1500:])
        time.sleep(0.02)


def reload_and_wait(mark):
    """SIGHUP, then until the log has one more `mark`."""
    before = daemon.log().count(mark)
    daemon.reload()
    until(lambda: daemon.log().count(mark) > before, mark)


@tap.case('configuration and certificate files change under load without a failed request')
def _():
    with site.Load(site.KeepAlive(daemon)) as kept, \
            site.Load(lambda: site.ask(daemon, login='nora@contoso.com'), threads=2) as fresh:
        for i in range(6):
            renewed, renewed_key = authority.issue('cas01.contoso.com', label=f'renewed{i}')
            chain.write_bytes(renewed.read_bytes())
            key.write_bytes(renewed_key.read_bytes())
            daemon.config_path.write_text(original.replace('realm = one', f'realm = r{i}'))
            reload_and_wait('msg=reloaded')
            tap.same(served(), digest(renewed))
            tap.same(site.ask(daemon).fields['www-authenticate'], f'Basic realm="r{i}"')
    tap.same((kept.faults, fresh.faults), ([], []))
    tap.true(kept.answered > 20 and fresh.answered > 20, 'hardly any load')


@tap.each([
    ('a syntax error', lambda text: text + '\nnonsense\n', 'nor KEY = VALUE'),
    ('a key that does not fit', lambda text: text.replace('first.key', 'renewed0.key'), ''),
    ('a certificate that is not there', lambda text: text.replace('first.pem', 'none.pem'),
     'none.pem'),
    ('another directory that is not there', lambda text: text.replace('usher.db', 'none.db'),
     'none.db'),
])
def _(change, part):
    before = served()
    daemon.config_path.write_text(change(original))
    reload_and_wait('reload refused; the old configuration stays')
    tap.has(daemon.log().splitlines()[-1] + daemon.log().splitlines()[-2], part)
    tap.same(served(), before)
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
    daemon.config_path.write_text(original)


@tap.case('a listener that is added answers, and one that is removed does not')
def _():
    daemon.config_path.write_text(original + '[listen https two]\naddress = 127.0.0.1:0\n'
                                  f'certificate = {chain}\nkey = {key}\n')
    reload_and_wait('msg=reloaded')
    port = int(re.findall(r'listener="https two" address=127.0.0.1:(\d+)', daemon.log())[-1])
    first, daemon.https = daemon.https, ('127.0.0.1', port)
    try:
        tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)
        daemon.config_path.write_text(original)
        reload_and_wait('msg=reloaded')
        try:
            site.ask(daemon, login='nora@contoso.com')
        except OSError:
            pass
        else:
            raise AssertionError('a removed listener answers')
    finally:
        daemon.https = first
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.case('names that change in the directory are known without a signal')
def _():
    def status():
        return request(daemon.redirect, 'settings.fabrikam.example').status

    tap.same(status(), 404)
    programs.usher_ok('domain', 'set', 'fabrikam.example', '--host-names',
                      'settings.fabrikam.example', directory=site.uri(folder))
    until(lambda: status() == 302, 'a new host name')


@tap.case('SIGTERM lets a running request finish, then ends with status 0')
def _():
    got = []

    def question():
        try:
            got.append(site.ask(daemon, login='jo@contoso.com', address='jo@contoso.com',
                                password=site.UMLAUT).status)
        except Exception as fault:  # pylint: disable=broad-except
            got.append(repr(fault))

    asked = daemon.log().count('path=')
    threads = [threading.Thread(target=question) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: daemon.log().count('path=') > asked, 'a first answer')
    daemon.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    tap.same(daemon.process.wait(15), 0)
    tap.true(got.count(200) >= 1, f'answers: {got}')
    daemon.__exit__(None)
    folder_block.__exit__(None)


tap.main()
