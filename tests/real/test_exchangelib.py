#!/usr/bin/python3
"""python3-exchangelib finds the settings by each of the four ways, in POX and in SOAP."""
import json
import pathlib
import subprocess
import sys

from support import certificates, daemon, netns, scratch, tap
from support.programs import usher_ok

netns.enter()

import stage as stages  # noqa: E402

ASK = pathlib.Path(__file__).with_name('ask_exchangelib.py')


def ask(stage, address, password_file=None, language='pox'):
    """What the client says, as (exit status, JSON, log)."""
    # It keeps a cache of what it found among the temporary files.
    home = stage.folder / f'home-{language}-{address}'
    home.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, ASK, address, password_file or stage.password_file,
                           language],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={'HOME': str(home), 'TMPDIR': str(home),
                               'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'})
    tap.true(done.stdout, f'no answer: {done.stderr[-1500:]}')
    return done.returncode, json.loads(done.stdout), done.stderr


OTHER = '127.1.0.3'
POX, SOAP = '/Autodiscover/Autodiscover.xml', '/autodiscover/autodiscover.svc'
NAMES = tuple(f'autodiscover.{d}.example' for d in ('moved', 'gone', 'post'))


def more_domains(run):
    """Domains that send on, and one without Exchange."""
    run('domain', 'add', 'moved.example', '--kind', 'redirect-address', '--redirect-domain',
        'root.example')
    run('domain', 'add', 'gone.example', '--kind', 'redirect-url', '--redirect-url',
        'https://other.example/autodiscover/autodiscover.xml')
    # Further addresses of somebody whose password is known.
    run('mailbox', 'set', 'ana@root.example', '--aliases', 'ana@moved.example,ana@gone.example')
    run('domain', 'add', 'post.example', '--kind', 'mail')
    run('service', 'add', 'post.example', 'imap', '--host', 'imap.hoster.example')
    run('service', 'add', 'post.example', 'smtp', '--host', 'smtp.hoster.example')
    return [f'{name}. A {stages.SERVICE}' for name in NAMES] + [f'other.example. A {OTHER}']


def other_service(stage):
    """The one that has the mailboxes of the domain that has gone."""
    folder = stage.folder / 'other'
    folder.mkdir()
    directory = f'sqlite:{folder}/usher.db'
    usher_ok('setup', '--domain', 'gone.example', '--host', 'mail.gone.example',
             directory=directory)
    usher_ok('mailbox', 'add', 'ana@gone.example', '--display-name', 'Ana of gone.example',
             directory=directory)
    usher_ok('mailbox', 'password', 'ana@gone.example', '--password-file', stage.password_file,
             directory=directory)
    netns.add_address(OTHER)
    chain, key = stage.authority.issue('other.example')
    return daemon.Usherd(folder, certificate=chain, key=key, listeners=('https',),
                         ports={'https': 443}, addresses={'https': OTHER})


def asks(path):
    """It learns from a question without credentials how to log in, then asks with them."""
    return [f'https POST {path} 401', f'https POST {path} 200']


with stages.raised(more_domains, NAMES) as stage, other_service(stage) as other:
    @tap.each([
        ('by the https root', 'root.example', 'Step 1', asks(POX)),
        ('by https://autodiscover.DOMAIN', 'auto.example', 'Step 2', asks(POX)),
        ('by the redirect site', 'redirect.example', 'Step 3',
         [f'redirect GET {POX} 302', f'https HEAD {POX.lower()} 401', *asks(POX.lower())]),
        ('by SRV', 'srv.example', 'Step 4', [f'https HEAD {POX} 401', *asks(POX)]),
    ])
    def _(domain, last_step, asked):
        status, got, log = ask(stage, f'ana@{domain}')
        tap.same((status, got.get('display_name')), (0, f'Ana of {domain}'), str(got))
        tap.same(got['chosen'], {'type': 'EXPR', 'ews_url': stages.EWS_EXTERNAL})
        tap.same(got['protocols']['EXCH']['ews_url'], stages.EWS_INTERNAL)
        tap.has(got['protocols']['EXPR']['oab_url'], stages.OAB_EXTERNAL)
        tap.same([s for s in ('Step 1', 'Step 2', 'Step 3', 'Step 4') if s in log][-1], last_step)
        tap.same(stage.asked(asked), asked)

    @tap.case('it is sent on to another address')
    def _():
        status, got, _ = ask(stage, 'ana@moved.example')
        tap.same((status, got.get('display_name')), (0, 'Ana of root.example'), str(got))
        asked = [f'https POST {POX} 200', *asks(POX)]
        tap.same(stage.asked(asked), asked)

    @tap.case('it is sent on to another service')
    def _():
        status, got, _ = ask(stage, 'ana@gone.example')
        tap.same((status, got.get('display_name')), (0, 'Ana of gone.example'), str(got))
        asked = [f'https POST {POX} 302']
        tap.same(stage.asked(asked), asked)

    @tap.case('it finds no Exchange in a mail domain, and ends there')
    def _():
        status, got, _ = ask(stage, 'ana@post.example')
        tap.same(status, 1)
        tap.has(got.get('message', ''), 'No EWS URL found in any of the available protocols')
        asked = [f'https POST {POX} 200']
        tap.same(stage.asked(asked), asked)

    @tap.each([
        ('SOAP by the https root', 'root.example', asks(SOAP)),
        ('SOAP by https://autodiscover.DOMAIN', 'auto.example', asks(SOAP)),
        ('SOAP by the redirect site', 'redirect.example',
         [f'redirect GET {SOAP} 302', f'https HEAD {SOAP} 405', *asks(SOAP)]),
        ('SOAP by SRV', 'srv.example', [f'https HEAD {SOAP} 405', *asks(SOAP)]),
    ])
    def _(domain, asked):
        status, got, _ = ask(stage, f'ana@{domain}', language='soap')
        tap.same((status, got.get('ews_url'), got.get('address'), got.get('version')),
                 (0, stages.EWS_EXTERNAL, f'ana@{domain}', 'Exchange2013_SP1'), str(got))
        tap.same(stage.asked(asked), asked)

    @tap.case('SOAP sends it on to another address')
    def _():
        status, got, _ = ask(stage, 'ana@moved.example', language='soap')
        tap.same((status, got.get('ews_url'), got.get('address')),
                 (0, stages.EWS_EXTERNAL, 'ana@root.example'), str(got))
        asked = asks(SOAP) * 2
        tap.same(stage.asked(asked), asked)

    @tap.case('SOAP sends it on to another service')
    def _():
        status, got, _ = ask(stage, 'ana@gone.example', language='soap')
        tap.same((status, got.get('ews_url'), got.get('address')),
                 (0, 'https://mail.gone.example/EWS/Exchange.asmx', 'ana@gone.example'), str(got))
        asked = asks(SOAP)
        tap.same(stage.asked(asked), asked)
        tap.has(other.log(), f'user=ana@gone.example method=POST path={SOAP} status=200')

    @tap.case('a wrong password finds nothing')
    def _():
        wrong = stage.folder / 'wrong'
        wrong.write_text('something else\n', encoding='utf-8')
        status, got, _ = ask(stage, 'ana@root.example', wrong)
        tap.same((status, got.get('error')), (1, 'AutoDiscoverFailed'))

    tap.main()
