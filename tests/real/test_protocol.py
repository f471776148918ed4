#!/usr/bin/python3
"""curl, xmllint and openssl s_client are content with what usherd does."""
import re
import subprocess

from support import netns, scratch, tap
from support.post import POX_REQUEST
from support.programs import ROOT

netns.enter()

import stage as stages  # noqa: E402

URL = 'https://root.example/autodiscover/autodiscover.xml'
SCHEMA = ROOT / 'doc/schema/autodiscover-response.xsd'
AUTOCONFIG = 'https://autoconfig.post.example/mail/config-v1.1.xml'
AUTOCONFIG_SCHEMA = ROOT / 'doc/schema/autoconfig.rng'


def more_domains(run):
    """A mail domain with services of all kinds."""
    run('domain', 'add', 'post.example', '--kind', 'mail', '--display-name', 'Post & Söhne')
    for kind, *options in (('imap', '--socket', 'starttls'), ('pop3', '--user-name', '%u'),
                           ('smtp', '--auth', 'oauth2', '--oauth2-issuer', 'login.post.example'),
                           ('caldav', '--url', 'https://dav.post.example/cal/'),
                           ('webmail', '--url', 'https://webmail.post.example/?a=b&c')):
        run('service', 'add', 'post.example', kind, *options,
            *(() if '--url' in options else ('--host', f'{kind}.post.example')))
    return [f'autoconfig.post.example. A {stages.SERVICE}']


def run(*command, text=''):
    """Runs a program to its end."""
    tap.need(command[0])
    return subprocess.run([str(c) for c in command], input=text, capture_output=True, text=True,
                          check=False, timeout=30)


def curl(*arguments, url=URL):
    """curl with a question as the body; fields and body of the answer are its output."""
    return run('curl', '--silent', '--show-error', '--include', '--data-binary',
               f'@{stage.folder}/question.xml', '--header', 'Content-Type: text/xml',
               *arguments, url)


def s_client(*arguments, text='Q\n'):
    """openssl s_client to the service."""
    return run('openssl', 's_client', '-connect', f'{stages.SERVICE}:443',
               '-servername', 'root.example', *arguments, text=text)


with stages.raised(more_domains, ['autoconfig.post.example']) as stage:
    scratch.write(stage.folder / 'question.xml', POX_REQUEST.format('ana@root.example'))
    # curl's configuration keeps the password out of the arguments.
    scratch.write(stage.folder / 'curlrc', f'user = "ana@root.example:{stages.PASSWORD}"\n', 0o600)
    login = ('--config', stage.folder / 'curlrc')

    @tap.each([(f'curl asks over TLS {version}', version) for version in ('1.2', '1.3')])
    def _(version):
        done = curl(*login, f'--tlsv{version}', '--tls-max', version)
        tap.same(done.returncode, 0, done.stderr)
        tap.true(done.stdout.startswith('HTTP/1.1 200'), done.stdout[:300])
        tap.has(done.stdout, f'<EwsUrl>{stages.EWS_EXTERNAL}</EwsUrl>')

    @tap.case('curl without credentials gets a 401 that offers Basic')
    def _():
        done = curl()
        tap.true(done.stdout.startswith('HTTP/1.1 401'), done.stdout[:300])
        tap.true(re.search(r'(?im)^WWW-Authenticate: Basic realm="', done.stdout), done.stdout)

    @tap.case('curl by --anyauth sends the credentials after the 401')
    def _():
        done = curl(*login, '--anyauth')
        tap.has(done.stdout, 'HTTP/1.1 401')
        tap.has(done.stdout, 'HTTP/1.1 200')

    @tap.case('curl is led by the redirect site, for POST and for GET')
    def _():
        for arguments in ((), ('--request', 'GET')):
            done = curl(*arguments, url='http://autodiscover.redirect.example/Autodiscover/'
                                        'Autodiscover.xml')
            tap.true(done.stdout.startswith('HTTP/1.1 302'), done.stdout[:300])
            tap.has(done.stdout, 'https://hoster.example/autodiscover/autodiscover.xml')

    @tap.case('curl refuses the service under a name that is not on its certificate')
    def _():
        done = curl('--resolve', f'other.example:443:{stages.SERVICE}',
                    url=URL.replace('root.example', 'other.example'))
        tap.same(done.returncode, 60, done.stderr)

    @tap.case('xmllint: the answer is valid by our schema')
    def _():
        done = curl(*login, '--no-include')
        scratch.write(stage.folder / 'answer.xml', done.stdout)
        checked = run('xmllint', '--nonet', '--noout', '--schema', SCHEMA,
                      stage.folder / 'answer.xml')
        tap.same(checked.returncode, 0, checked.stderr)

    @tap.each([('xmllint: Mail Autoconfig is valid by our grammar, without an address', ''),
               ('… with an address', '?emailaddress=ana%40post.example'),
               ('… with markup for an address', '?emailaddress=%3Cx%3E%26%22%40post.example')])
    def _(query):
        done = run('curl', '--silent', '--show-error', '--fail', AUTOCONFIG + query)
        tap.same(done.returncode, 0, done.stderr)
        scratch.write(stage.folder / 'config.xml', done.stdout)
        checked = run('xmllint', '--nonet', '--noout', '--relaxng', AUTOCONFIG_SCHEMA,
                      stage.folder / 'config.xml')
        tap.same(checked.returncode, 0, checked.stderr + done.stdout)
        for part in ('<hostname>smtp.post.example</hostname>', 'Post &amp; Söhne', 'b&amp;c',
                     'https://dav.post.example/cal/'):
            tap.has(done.stdout, part)

    @tap.each([('TLS 1.2', '-tls1_2'), ('TLS 1.3', '-tls1_3')])
    def _(option):
        done = s_client(option, '-verify_return_error', '-verify_hostname', 'root.example')
        tap.same(done.returncode, 0, done.stderr)
        tap.has(done.stdout, 'Verify return code: 0 (ok)')

    @tap.case('openssl: TLS 1.1 is refused')
    def _():
        done = s_client('-tls1_1', '-cipher', 'ALL@SECLEVEL=0')
        tap.true(done.returncode != 0, 'the handshake was made')

    @tap.case('openssl: http/1.1 is agreed on by ALPN')
    def _():
        tap.has(s_client('-alpn', 'h2,http/1.1').stdout, 'ALPN protocol: http/1.1')

    @tap.each([('openssl: a TLS 1.2 session is resumed', '-tls1_2'),
               ('openssl: a TLS 1.3 session is resumed', '-tls1_3')])
    def _(option):
        kept = stage.folder / f'session{option}'
        # The ticket of TLS 1.3 comes after the handshake: read an answer before leaving.
        ask = 'GET / HTTP/1.1\r\nHost: root.example\r\nConnection: close\r\n\r\n'
        s_client(option, '-ign_eof', '-sess_out', kept, text=ask)
        done = s_client(option, '-ign_eof', '-sess_in', kept, text=ask)
        tap.has(done.stdout, 'Reused, TLSv1')

    tap.main()
