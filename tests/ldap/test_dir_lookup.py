#!/usr/bin/python3
"""People looked up in a real slapd by a running usherd: found in every way, moved, told apart from
what is no mailbox; and what a directory that fails costs whom."""
import contextlib
import os
import re
import signal
import time

import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, scratch, tap
from support.daemon import Usherd
from support.post import POX_REQUEST, basic, request
from support.programs import usher_ok

DOMAIN = 'harbour.example'
PEOPLE = f'ou=people,{SUFFIX}'
WORD = 'Rope & anchor'
TIMEOUT, CACHE, STALE = 2, 1, 60
PATIENCE = 30

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
slapd = stack.enter_context(openldap.Slapd(folder, authority,
                                           schemas=('cosine', 'inetorgperson', 'nis')))
secret = scratch.write(folder / 'password', PASSWORD + '\n', 0o600)
settings = scratch.write(folder / 'manage.conf', f"""
directory = {slapd.local}
[listen private]
address = 127.0.0.1:1
[directory]
login = {ADMIN}
password file = {secret}
state = {folder}/usher
""")


def person(uid, *lines, classes=('inetOrgPerson', 'usherMailbox')):
    """An entry below PEOPLE."""
    return '\n'.join([f'dn: uid={uid},{PEOPLE}', *(f'objectClass: {c}' for c in classes),
                      f'uid: {uid}', f'cn: {uid.title()}', f'sn: {uid.title()}',
                      f'userPassword: {WORD}', *lines, '', ''])


slapd.add(f'dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n'
          + person('ann', f'mail: ann@{DOMAIN}', f'proxyAddresses: SMTP:ann@{DOMAIN}',
                   f'proxyAddresses: smtp:a.nchor@{DOMAIN}', 'displayName: Ann Anchor',
                   'proxyAddresses: X500:/o=Old/ou=Gone/cn=ann',
                   'legacyExchangeDN: /o=Harbour/ou=Quay/cn=Recipients/cn=ann')
          + person('bob', f'proxyAddresses: SMTP:bob@{DOMAIN}', 'targetAddress: SMTP:bob@sea.example')
          + person('loop', f'proxyAddresses: SMTP:loop@{DOMAIN}',
                   f'targetAddress: SMTP:loop@{DOMAIN}')
          + person('one', f'proxyAddresses: SMTP:one@{DOMAIN}',
                   f'proxyAddresses: smtp:twice@{DOMAIN}')
          + person('two', f'proxyAddresses: SMTP:two@{DOMAIN}',
                   f'proxyAddresses: smtp:twice@{DOMAIN}')
          + f'dn: cn=crew,{PEOPLE}\nobjectClass: groupOfNames\nobjectClass: usherMailbox\n'
          f'cn: crew\nmember: uid=ann,{PEOPLE}\nmail: crew@{DOMAIN}\n')
usher_ok('-c', settings, 'setup', '--domain', DOMAIN, '--host', f'mail.{DOMAIN}')
usher_ok('-c', settings, 'domain', 'add', 'port.example', '--kind', 'alias', '--alias-of', DOMAIN)

chain, key = authority.issue(f'autodiscover.{DOMAIN}')
usherd = stack.enter_context(Usherd(
    folder, chain, key, directory=slapd.uri, top='threads = 1', config=f"""
[directory]
start tls = yes
ca file = {authority.root}
login = {ADMIN}
password file = {secret}
state = {folder}/usher
people = {PEOPLE}
timeout = {TIMEOUT}s
cache = {CACHE}s
stale = {STALE}s
[authentication]
visibility = any
"""))


def ask(address=None, login='ann', legacy_dn=None, word=WORD):
    """Asks usherd as Outlook does, and gives its Answer."""
    body = POX_REQUEST.format(address or '')
    if legacy_dn is not None:
        body = re.sub('<EMailAddress>.*</EMailAddress>', f'<LegacyDN>{legacy_dn}</LegacyDN>', body)
    return request(usherd.https, f'autodiscover.{DOMAIN}', body=body, root=authority.root,
                   fields={'Authorization': basic(login, word)})


def told(answer, element):
    """What an element of the answer holds; None: there is none."""
    found = re.search(f'<{element}>(.*?)</{element}>'.encode(), answer.body)
    return found and found.group(1).decode()


def until(condition, message):
    """Waits until it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        tap.true(time.monotonic() < end, message)
        time.sleep(0.05)


@tap.each([
    ('the primary address', f'ann@{DOMAIN}', None),
    ('in capitals', f'ANN@{DOMAIN.upper()}', None),
    ('another address', f'a.nchor@{DOMAIN}', None),
    ('with a detail', f'ann+news@{DOMAIN}', None),
    ('in a domain that is an alias', 'ann@port.example', None),
    ('both', 'a.nchor+news@port.example', None),
    ('the legacyDN', None, '/o=Harbour/ou=Quay/cn=Recipients/cn=ann'),
    ('a former legacyDN', None, '/o=Old/ou=Gone/cn=ann'),
])
def _(address, legacy_dn):
    answer = ask(address, legacy_dn=legacy_dn)
    tap.same(answer.status, 200)
    tap.same(told(answer, 'DisplayName'), 'Ann Anchor', answer.body)
    tap.same(told(answer, 'LegacyDN'), '/o=Harbour/ou=Quay/cn=Recipients/cn=ann')


@tap.each([
    ('nobody', f'nobody@{DOMAIN}'),
    ('a group', f'crew@{DOMAIN}'),
    ('a star', f'*@{DOMAIN}'),
    ('what looks like a filter', f'ann)(uid=*@{DOMAIN}'),
    ('a backslash', f'ann\\2a@{DOMAIN}'),
    ('a domain of others', 'ann@elsewhere.example'),
])
def _(address):
    answer = ask(address)
    tap.same((answer.status, told(answer, 'DisplayName')), (200, None), answer.body)
    tap.true(told(answer, 'ErrorCode') is not None, answer.body)


@tap.case('who has moved is asked for elsewhere; who has moved to himself stays')
def _():
    tap.same(told(ask(f'bob@{DOMAIN}'), 'RedirectAddr'), 'bob@sea.example')
    tap.same(told(ask(f'loop@{DOMAIN}'), 'RedirectAddr'), None)
    tap.same(told(ask(f'loop@{DOMAIN}'), 'DisplayName'), 'Loop')


@tap.case('an address of two is nobody\'s, and the log names both')
def _():
    tap.same(ask(f'twice@{DOMAIN}').status, 503)
    log = usherd.log()
    tap.true(f'uid=one,{PEOPLE}' in log and f'uid=two,{PEOPLE}' in log, log)


@tap.case('a change is there when the cache may no longer be believed')
def _():
    tap.same(told(ask(f'ann@{DOMAIN}'), 'DisplayName'), 'Ann Anchor')
    slapd.change(f'dn: uid=ann,{PEOPLE}\nchangetype: modify\nreplace: displayName\n'
                 'displayName: Ann Bollard\n')
    time.sleep(CACHE + 0.1)
    tap.same(told(ask(f'ann@{DOMAIN}'), 'DisplayName'), 'Ann Bollard')


@tap.case('a directory that hangs costs its own lookups a 503 within the deadline, others nothing')
def _():
    tap.same(ask(f'ann@{DOMAIN}').status, 200)
    os.kill(slapd.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        tap.same(ask(f'stranger@{DOMAIN}').status, 503)
        took = time.monotonic() - began
        page = request(usherd.https, f'autodiscover.{DOMAIN}', '/', 'GET', root=authority.root)
        tap.same(page.status, 200)
        tap.true(took < 3 * TIMEOUT, f'{took} s')
    finally:
        os.kill(slapd.process.pid, signal.SIGCONT)
    until(lambda: ask(f'stranger@{DOMAIN}').status == 200, 'usherd does not find back')


@tap.case('who is known waits once for a directory that hangs, and then not at all')
def _():
    tap.same(ask(f'ann@{DOMAIN}').status, 200)
    time.sleep(CACHE + 0.1)
    os.kill(slapd.process.pid, signal.SIGSTOP)
    try:
        for waits in (1, 0):
            before = usherd.metrics()['usherd_requests_waited_total']
            tap.same(told(ask(f'ann@{DOMAIN}'), 'DisplayName'), 'Ann Bollard')
            tap.same(usherd.metrics()['usherd_requests_waited_total'] - before, waits)
    finally:
        os.kill(slapd.process.pid, signal.SIGCONT)


@tap.case('known answers outlive the directory, redirects and the unknown do not')
def _():
    tap.same(ask(f'a.nchor@{DOMAIN}').status, 200)
    tap.same(ask(f'bob@{DOMAIN}').status, 200)
    slapd.stop()
    time.sleep(CACHE + 0.1)
    tap.same(told(ask(f'a.nchor@{DOMAIN}'), 'DisplayName'), 'Ann Bollard')
    tap.same(ask(f'bob@{DOMAIN}').status, 503)
    tap.same(ask(f'new@{DOMAIN}').status, 503)
    slapd.start()
    until(lambda: ask(f'bob@{DOMAIN}').status == 200, 'usherd does not find back')


with stack:
    tap.main()
