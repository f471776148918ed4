#!/usr/bin/python3
"""`usher find` asks usherd: both sides of the wire are ours, and must agree."""
import contextlib
import json

from support import scratch, tap
from support.certificates import Authority
from support.daemon import Usherd
from support.names import Dns
from support.peers import PATH
from support.programs import usher, usher_ok

EXCHANGE, MAIL, AWAY, MOVED = ('contoso.example', 'fabrikam.example', 'away.contoso.example',
                               'moved.example')
ANN, FOUND, NOT_FOUND, REJECTED, BLOCKED = f'ann@{EXCHANGE}', 0, 1, 2, 3
NAMES = [n for d in (EXCHANGE, MAIL, AWAY, MOVED) for n in (d, f'autodiscover.{d}')]

stack = contextlib.ExitStack()
HERE = stack.enter_context(scratch.Folder())
authority = Authority(HERE)
CERTIFICATE, KEY = authority.issue(*NAMES, label='all')
DIRECTORY = f'sqlite:{HERE}/usher.db'
RIGHT = scratch.write(HERE / 'right', 'correct horse\n', 0o600)
BAD = scratch.write(HERE / 'bad', 'wrong horse\n', 0o600)


def fill():
    """Four domains, one of each kind."""
    def change(*arguments):
        usher_ok(*arguments, directory=DIRECTORY)
    change('setup', '--domain', EXCHANGE, '--host', f'mail.{EXCHANGE}', '--organization', 'Contoso')
    change('mailbox', 'add', ANN, '--display-name', 'Ann Example')
    change('mailbox', 'password', ANN, '--password-file', RIGHT)
    change('domain', 'add', MAIL, '--kind', 'mail')
    change('service', 'add', MAIL, 'imap', '--host', f'imap.{MAIL}', '--port', 993, '--socket',
           'tls', '--auth', 'password', '--user-name', '%u')
    change('domain', 'add', AWAY, '--kind', 'redirect-url', '--redirect-url',
           f'https://autodiscover.{EXCHANGE}{PATH}')
    change('domain', 'add', MOVED, '--kind', 'redirect-address', '--redirect-domain', EXCHANGE)


def find(address, *options, password=RIGHT):
    with Dns() as names:
        done = usher('find', address, '--json', '--dns', names.server, '--ca-file', authority.root,
                     *service.connect_to(*NAMES), '--password-file', password, *options)
    said = json.loads(done.stdout)
    said['exit'] = done.returncode
    said['how'] = ' | '.join(a['reason'] for a in said['attempts'])
    return said


fill()
service = stack.enter_context(Usherd(HERE, certificate=CERTIFICATE, key=KEY))


@tap.case('a mailbox on Exchange, with its password')
def _():
    said = find(ANN)
    tap.same((said['exit'], said['source']), (FOUND, 'C'), said['how'])
    tap.same(said['answer']['user']['display_name'], 'Ann Example')
    kinds = [p['type'] for p in said['answer']['protocols']]
    tap.true('EXCH' in kinds, kinds)


@tap.each([(f'in every language: {language}, {address}', language, address, kinds)
           for language, address, kinds in [
               ('pox', ANN, 'EXCH EXPR WEB'), ('soap', ANN, 'EXCH EXPR EXHTTP WEB'),
               ('activesync', ANN, 'ActiveSync'), ('json', ANN, 'Autodiscover ActiveSync EWS'),
               ('pox', f'whoever@{MAIL}', 'IMAP'), ('autoconfig', f'whoever@{MAIL}', 'IMAP')]])
def _(language, address, kinds):
    said = find(address, '--language', language)
    tap.same(said['exit'], FOUND, said['how'])
    tap.same(' '.join(p['type'] for p in said['answer']['protocols']), kinds)


@tap.case('in all of them, joined')
def _():
    said = find(ANN, '--language', 'pox,soap,activesync,json,autoconfig')
    tap.same({p['type']: p['language'] for p in said['answer']['protocols']},
             {'EXCH': 'pox', 'EXPR': 'pox', 'WEB': 'pox', 'EXHTTP': 'soap',
              'ActiveSync': 'activesync', 'Autodiscover': 'json', 'EWS': 'json'}, said['how'])


@tap.case('a wrong password')
def _():
    tap.same(find(ANN, password=BAD)['exit'], REJECTED)


@tap.case('a mailbox that there is not looks like a foreign one')
def _():
    nobody = find(f'nobody@{EXCHANGE}', '--login', ANN)
    tap.same(nobody['exit'], NOT_FOUND, nobody['how'])
    tap.has(nobody['reason'], 'cannot be found')
    tap.same(nobody['answer']['refusal']['code'], 500)


@tap.case('any address of a mail domain, without a password')
def _():
    said = find(f'whoever@{MAIL}')
    tap.same(said['exit'], FOUND, said['how'])
    imap = said['answer']['protocols'][0]
    tap.same((imap['type'], imap['server'], imap['port'], imap['login_name']),
             ('IMAP', f'imap.{MAIL}', 993, 'whoever'))
    tap.same({a['credentialed'] for a in said['attempts']}, {False})


@tap.case('a domain that sends clients to a URL')
def _():
    said = find(f'ann@{AWAY}', '--login', ANN)
    tap.has(said['how'], f'sends us on to https://autodiscover.{EXCHANGE}{PATH}')


@tap.each([('a domain that sends clients to another one: not trusted', [], BLOCKED),
           ('the same, trusted', ['--trust-host', EXCHANGE], FOUND)])
def _(options, expected):
    said = find(f'ann@{MOVED}', '--login', ANN, *options)
    tap.same(said['exit'], expected, said['how'])
    if expected == FOUND:
        tap.same(said['answer_address'], ANN)


@tap.case('a domain that the service does not know')
def _():
    with Dns() as names:
        done = usher('find', 'ann@tailspin.example', '--dns', names.server, '--ca-file',
                     authority.root, *service.connect_to('tailspin.example'))
    tap.same(done.returncode, NOT_FOUND, done.stdout)
    tap.has(done.stdout, 'for another host')


with stack:
    tap.main()
