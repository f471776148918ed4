#!/usr/bin/python3
"""A directory that hangs, dies, refuses or answers garbage costs its own requests a 503 and nobody
else anything; afterwards all is as before.

One slapd, in front of which hostile.py does harm to what usherd asks of it."""
import concurrent.futures
import contextlib
import os
import queue
import re
import time

import hostile
import openldap
from openldap import ADMIN, PASSWORD, SUFFIX
from support import certificates, post, scratch, tap
from support.daemon import Usherd
from support.programs import usher_ok

HASTY, PATIENT, WARM, KEPT = 1, 2, 8, 4
TIMEOUT, LONG = '300ms', '10s'     # whoever waits for its end, and all others
PATIENCE_SECONDS = 30       # of a busy machine
DOMAIN, HOST = 'harbour.example', 'mail.harbour.example'
ANN = f'ann@{DOMAIN}'

stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
authority = certificates.Authority(folder)
slapd = stack.enter_context(openldap.Slapd(folder, authority, schemas=('cosine', 'inetorgperson')))
secret = scratch.write(folder / 'password', PASSWORD + '\n', 0o600)
chain, key = authority.issue(HOST)


def section(**more):
    """Section [directory]."""
    settings = {'login': ADMIN, 'password file': secret, 'state': folder / 'state',
                'timeout': TIMEOUT, **more}
    return '[directory]\n' + ''.join(f'{k.replace("_", " ")} = {v}\n' for k, v in settings.items())


conf = scratch.write(folder / 'usher.conf', f'directory = {slapd.local}\n' + section(timeout='30s'))


def usher(*arguments):
    """Runs `usher` on the real directory."""
    return usher_ok(*arguments, '-c', conf)


usher('setup', '--domain', DOMAIN, '--host', HOST)
usher('mailbox', 'add', ANN, '--display-name', 'Ann Quay')
usher('mailbox', 'password', ANN, '--password-file', scratch.write(folder / 'ann', 'secret\n'))


class Desk:
    """A usherd whose directory is hostile on demand."""

    def __init__(self, name, tls=None, ldaps=False, **settings):
        self.folder = folder / name
        self.folder.mkdir()
        self.between = hostile.Between(self.folder, folder / 'slapd/socket', tls, ldaps)
        self.usual = 0
        # What was once known is not good enough here, nor is a password that was right.
        self.daemon = Usherd(
            self.folder, certificate=chain, key=key, directory=self.between.uri,
            listeners=('https', 'private'), top='threads = 1\n',  # each says what it misses
            config=section(**{'cache': 0, 'stale': 0, 'refresh': '1h', **settings})
            + '[authentication]\nremember time = 0\nlogin failures = 1000\n')

    def __enter__(self):
        self.between.__enter__()
        self.daemon.__enter__()
        return self

    def warm(self):
        """Has it open all connections that it keeps."""
        with concurrent.futures.ThreadPoolExecutor(WARM) as pool:
            list(pool.map(lambda _: self.ask(), range(2 * WARM)))
        self.until(lambda: self.ask() == 200, 'it is not well')
        self.usual = self.descriptors()
        return self

    def __exit__(self, *what):
        try:
            self.daemon.__exit__(*what)
        finally:
            self.between.__exit__(*what)

    def ask(self, address=ANN, password='secret'):
        """The status of what Outlook is answered."""
        got = post.request(self.daemon.https, HOST, body=post.POX_REQUEST.format(address),
                           fields={'Authorization': post.basic(ANN, password)}, root=authority.root,
                           timeout=PATIENCE_SECONDS)
        if got.status == 200:
            tap.has(got.body, b'<DisplayName>Ann Quay</DisplayName>')
        return got.status

    def domain(self):
        """The status of an answer that needs no person."""
        return post.request(self.daemon.https, HOST, method='GET', root=authority.root, path=(
            f'/autodiscover/autodiscover.json?Email={ANN}&Protocol=Ews')).status

    def descriptors(self):
        """How many it has open."""
        return len(os.listdir(f'/proc/{self.daemon.process.pid}/fd'))

    def until(self, what, message):
        """Waits until what() is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not what():
            tap.true(time.monotonic() < end, message)
            time.sleep(0.02)

    def log_since(self, place):
        """What it wrote behind that place of its log."""
        return self.daemon.log()[place:]


def suffer(desk, words, status=503, asked=None, **misdeeds):
    """Does harm; tells what somebody gets, and sees that it is over when it is over."""
    desk.until(lambda: desk.ask() == 200, 'it is not well before')
    said = len(desk.daemon.log())
    for what, misdeed in misdeeds.items():
        setattr(desk.between, what, misdeed)
    tap.same(desk.ask(**asked or {}), status)
    tap.same(desk.domain(), 200, 'who asks of a domain alone')
    for what in misdeeds:
        setattr(desk.between, what, None)
    log = desk.log_since(said)
    if status == 503:
        lines = [line for line in log.splitlines() if 'msg="directory unavailable"' in line]
        tap.true(lines, f'nothing is said: {log}')
        for word in [words] if isinstance(words, str) else words:
            tap.has(lines[0], word)
        tap.true(' where=' in lines[0], lines[0])
    desk.until(lambda: desk.ask() == 200, 'it does not get well again')


hasty, patient = queue.SimpleQueue(), queue.SimpleQueue()

IN_TIME, GONE = 'does not answer in time', 'cannot be reached'
PEOPLE = [
    ('nothing is answered', hostile.silence, IN_TIME),
    ('the connection ends', hostile.close, GONE),
    ('half an entry, then silence', hostile.half, IN_TIME),
    ('a byte at a time', hostile.drip, IN_TIME),
    ('no LDAP', hostile.garbage, GONE),
    ('a message of 2 GB is announced', hostile.huge, GONE),
    ('a value of 10 MB', hostile.large, 'too large'),
    ('a hundred thousand entries for one', hostile.flood, 'more was found than can be meant'),
    ('answers to what was not asked', hostile.strange_numbers, IN_TIME),
    ('the answer to something else', hostile.wrong_kind, 'does not understand this'),
    ('a thousand elements in each other', hostile.deep, ''),
    ('a referral', hostile.refer, 'refers to another directory'),
    ('a notice of disconnection', hostile.notice, GONE),
    ('operationsError', hostile.result(1, '000004DC: a successful bind must be completed'),
     'a successful bind must be completed'),
    ('timeLimitExceeded', hostile.result(3), 'time limit'),
    ('sizeLimitExceeded', hostile.result(4), 'size limit'),
    ('strongerAuthRequired', hostile.result(8), 'demands TLS'),
    ('adminLimitExceeded', hostile.result(11), 'a limit of its own'),
    ('noSuchObject', hostile.result(32), 'no such entry'),
    ('insufficientAccessRights', hostile.result(50), 'has not the right'),
    ('busy', hostile.result(51), 'too busy'),
    ('unavailable', hostile.result(52), 'going down'),
    ('a result that nobody knows', hostile.result(4711), ''),
]


@tap.each([(f'a search: {row[0]}', *row[1:]) for row in PEOPLE])
def _(misdeed, words):
    with taken(hasty if words in ('', IN_TIME) else patient) as desk:
        suffer(desk, words, people=misdeed)


@tap.case('two owners of one address: neither is guessed, and both are named')
def _():
    shared = f'shared@{DOMAIN}'
    two = hostile.twins({'objectClass': ['inetOrgPerson', 'usherMailbox'], 'mail': [shared]})

    def misdeed(connection, message):
        if shared.encode() in message.body:
            two(connection, message)
        else:
            connection.directly(message)

    with taken(patient) as desk:
        suffer(desk, [shared, 'uid=twin1,', 'uid=twin2,'], asked={'address': shared},
               people=misdeed)


LOGINS = [
    ('nothing is answered', hostile.silence, 503),
    ('the connection ends', hostile.close, 503),
    ('no LDAP', hostile.garbage, 503),
    ('busy', hostile.result(51), 503),
    ('the password is wrong', hostile.result(49, '80090308: data 52e, v4563'), 401),
    ('the account is disabled', hostile.result(49, '80090308: data 533, v4563'), 401),
]


@tap.each([(f'the check of a password: {row[0]}', *row[1:]) for row in LOGINS])
def _(misdeed, status):
    def his(connection, message):
        if f'cn={ANN}'.encode() in message.body:
            misdeed(connection, message)
        else:
            connection.directly(message)

    with taken(hasty if status == 503 else patient) as desk:
        suffer(desk, '', status, logins=his)


@tap.case('what is known goes on to be told while the directory is silent')
def _():
    with Desk('stale', stale='10m', refresh='100ms') as desk:
        desk.until(lambda: desk.ask() == 200, 'it is not well')
        desk.between.people = hostile.silence
        for _round in range(3):
            tap.same(desk.ask(), 200)
        tap.same(desk.ask(f'nobody@{DOMAIN}'), 503)


# ---- before anything was read ----

STARTS = [
    ('a directory that accepts and says nothing', {'on_connect': hostile.silence}, IN_TIME),
    ('a login that hangs', {'logins': hostile.silence}, IN_TIME),
    *[(f'a login refused: {words}', {'logins': hostile.result(49, f'80090308: {data}, v4563')},
       words) for data, words in (
           ('data 525', 'there is no such user'), ('data 52e', 'the password is wrong'),
           ('data 532', 'the password has expired'), ('data 533', 'the account is disabled'),
           ('data 701', 'the account has expired'), ('data 775', 'the account is locked'))],
    ('strong authentication is required', {'logins': hostile.result(8)}, 'demands TLS'),
]


@tap.each(STARTS)
def _(misdeeds, words):
    desk = Desk(re.sub('[^a-z]+', '-', words + str(sorted(misdeeds))))
    for what, misdeed in misdeeds.items():
        setattr(desk.between, what, misdeed)
    with desk.between:
        try:
            with desk.daemon:
                tap.same(desk.ask(), 503)
                tap.has(desk.daemon.log(), words)
        except RuntimeError as error:   # it does not start without a certificate of its own
            tap.has(str(error), words)


@contextlib.contextmanager
def taken(desks):
    """A desk that nobody else uses meanwhile."""
    desk = desks.get()
    try:
        yield desk
    finally:
        for what in 'people', 'logins', 'start_tls', 'on_connect':
            setattr(desk.between, what, None)
        desks.put(desk)


@tap.case('no descriptor was lost in all that')
def _():
    for desk in [*(hasty.get() for _ in range(HASTY)), *(patient.get() for _ in range(PATIENT))]:
        # It keeps a few connections for logins, and opens them one by one.
        most = desk.usual + KEPT
        desk.until(lambda desk=desk, most=most: desk.descriptors() <= most,
                   f'{desk.usual} descriptors have become {desk.descriptors()}')


with stack:
    for i in range(HASTY):
        hasty.put(stack.enter_context(Desk(f'hasty{i}')).warm())
    for i in range(PATIENT):
        patient.put(stack.enter_context(Desk(f'patient{i}', timeout=LONG)).warm())
    tap.main(jobs=HASTY + PATIENT)
