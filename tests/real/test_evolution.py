#!/usr/bin/python3
"""evolution-ews finds the settings by each way that it knows."""
import os
import subprocess

from support import netns, tap

netns.enter()

import stage as stages  # noqa: E402


def ask(stage, address, password_file=None):
    """Runs the client to its end."""
    program = os.environ.get('ASK_EVOLUTION')
    if program is None:
        raise tap.Missing('evolution-ews and libedataserver1.2-dev are not installed')
    home = stage.folder / f'home-{address}'
    home.mkdir(exist_ok=True)
    return subprocess.run([program, address, password_file or stage.password_file],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={'HOME': str(home), 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8',
                               'GSETTINGS_BACKEND': 'memory', 'GIO_USE_PROXY_RESOLVER': 'dummy',
                               'XDG_RUNTIME_DIR': str(home)})


POX = '/autodiscover/autodiscover.xml'


def more_domains(run):
    """One without Exchange."""
    run('domain', 'add', 'post.example', '--kind', 'mail')
    run('service', 'add', 'post.example', 'imap', '--host', 'imap.hoster.example')
    run('service', 'add', 'post.example', 'smtp', '--host', 'smtp.hoster.example')
    return [f'autodiscover.post.example. A {stages.SERVICE}']


with stages.raised(more_domains, ['autodiscover.post.example']) as stage:
    @tap.each([('by the https root', 'root.example'),
               ('by https://autodiscover.DOMAIN', 'auto.example'),
               ('by SRV', 'srv.example')])
    def _(domain):
        done = ask(stage, f'ana@{domain}')
        tap.same(done.returncode, 0, done.stderr)
        tap.has(done.stdout, f'ews {stages.EWS_EXTERNAL}\n')
        tap.has(done.stdout, f'oab {stages.OAB_EXTERNAL}')
        asked = {f'https POST {POX} 200'}
        tap.same(stage.asked(asked), asked)

    @tap.case('it asks no redirect site: an address published only there is not found')
    def _():
        done = ask(stage, 'ana@redirect.example')
        tap.same(done.returncode, 1, done.stdout + done.stderr)

    @tap.case('it finds no Exchange in a mail domain, and ends there')
    def _():
        done = ask(stage, 'ana@post.example')
        tap.same(done.returncode, 1, done.stdout + done.stderr)
        asked = {f'https POST {POX} 200'}
        tap.same(stage.asked(asked), asked)

    @tap.case('a wrong password is refused')
    def _():
        wrong = stage.folder / 'wrong'
        wrong.write_text('something else\n', encoding='utf-8')
        done = ask(stage, 'ana@root.example', wrong)
        tap.same(done.returncode, 2, done.stdout + done.stderr)
        asked = {f'https POST {POX} 401'}
        tap.same(stage.asked(asked), asked)

    tap.main()
