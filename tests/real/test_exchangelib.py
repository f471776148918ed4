#!/usr/bin/python3
"""python3-exchangelib finds the settings by each of the four ways."""
import json
import pathlib
import subprocess
import sys

from support import netns, tap

netns.enter()

import stage as stages  # noqa: E402

ASK = pathlib.Path(__file__).with_name('ask_exchangelib.py')


def ask(stage, address, password_file=None, language='pox'):
    """What the client says, as (exit status, JSON, log)."""
    # It keeps a cache of what it found among the temporary files.
    home = stage.folder / f'home-{address}'
    home.mkdir(exist_ok=True)
    done = subprocess.run([sys.executable, ASK, address, password_file or stage.password_file,
                           language],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={'HOME': str(home), 'TMPDIR': str(home),
                               'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'})
    tap.true(done.stdout, f'no answer: {done.stderr[-1500:]}')
    return done.returncode, json.loads(done.stdout), done.stderr


with stages.raised() as stage:
    @tap.each([('by the https root', 'root.example', 'Step 1'),
               ('by https://autodiscover.DOMAIN', 'auto.example', 'Step 2'),
               ('by the redirect site', 'redirect.example', 'Step 3'),
               ('by SRV', 'srv.example', 'Step 4')])
    def _(domain, last_step):
        status, got, log = ask(stage, f'ana@{domain}')
        tap.same((status, got.get('display_name')), (0, f'Ana of {domain}'), str(got))
        tap.same(got['chosen'], {'type': 'EXPR', 'ews_url': stages.EWS_EXTERNAL})
        tap.same(got['protocols']['EXCH']['ews_url'], stages.EWS_INTERNAL)
        tap.has(got['protocols']['EXPR']['oab_url'], stages.OAB_EXTERNAL)
        tap.same([s for s in ('Step 1', 'Step 2', 'Step 3', 'Step 4') if s in log][-1], last_step)

    @tap.each([('SOAP by the https root', 'root.example'),
               ('SOAP by https://autodiscover.DOMAIN', 'auto.example'),
               ('SOAP by the redirect site', 'redirect.example'),
               ('SOAP by SRV', 'srv.example')])
    def _(domain):
        status, got, _ = ask(stage, f'ana@{domain}', language='soap')
        tap.same((status, got.get('ews_url'), got.get('address'), got.get('version')),
                 (0, stages.EWS_EXTERNAL, f'ana@{domain}', 'Exchange2013_SP1'), str(got))

    @tap.case('a wrong password finds nothing')
    def _():
        wrong = stage.folder / 'wrong'
        wrong.write_text('something else\n', encoding='utf-8')
        status, got, _ = ask(stage, 'ana@root.example', wrong)
        tap.same((status, got.get('error')), (1, 'AutoDiscoverFailed'))

    tap.main()
