#!/usr/bin/python3
"""Ten thousand domains of all kinds in one directory, made by `apply` and asked in every language.

The first argument is the program that makes the document, see bench/hosting/hosting.c."""
import contextlib
import json
import pathlib
import random
import re
import socket
import ssl
import subprocess
import sys

from support import post, programs, scratch, tap
from support.daemon import Usherd

HOSTING = sys.argv.pop(1)
COUNT, CERTIFICATES, ASKED = 1_000 if programs.SANITIZED else 10_000, 100, 8
MAIL, EXCHANGE, REDIRECT_URL, REDIRECT_ADDRESS, ALIAS = range(5)
PASSWORD = 'one for all'
POX = '/autodiscover/autodiscover.xml'

blocks = contextlib.ExitStack()
folder = blocks.enter_context(scratch.Folder())
where = f'sqlite:{folder}/usher.db'
programs.usher_ok('setup', '--domain', 'main.example', '--host', 'mail.main.example',
                  directory=where)
subprocess.run([HOSTING, str(COUNT), folder, str(CERTIFICATES)], check=True)
programs.usher_ok('apply', folder / 'hosting.json', directory=where, timeout=120)
programs.usher_ok('mailbox', 'password', 'ann@d00001.example', '--password-file',
                  scratch.write(folder / 'password', PASSWORD + '\n'), directory=where)
daemon = blocks.enter_context(Usherd(folder))
random.seed(7)


def domain(number):
    """The name of a domain."""
    return f'd{number:05}.example'


def some(kind):
    """Some domains of a kind, the last one among them."""
    numbers = range(kind, COUNT, 5)
    return [domain(n) for n in [*random.sample(numbers, ASKED - 1), numbers[-1]]]


def get(host, target):
    """One GET."""
    return post.request(daemon.https, host, path=target, method='GET', root=False)


def ask(address, login=None, schema=None):
    """One POX question."""
    body = post.POX_REQUEST.format(address)
    if schema:
        body = body.replace('outlook/responseschema/2006a', schema)
    fields = {'Authorization': post.basic(login, PASSWORD)} if login else {}
    return post.request(daemon.https, 'main.example', path=POX, body=body, fields=fields,
                        root=False).body.decode()


@tap.case('mail domains: each has its own servers')
def _():
    for d in some(MAIL):
        text = ask(f'ann+news@{d}')
        for part in (f'<Server>imap.{d}</Server>', f'<Server>smtp.{d}</Server>',
                     f'<LoginName>ann@{d}</LoginName>',
                     f'<ServiceHome>https://www.{d}/</ServiceHome>'):
            tap.has(text, part)


@tap.case('mail domains: a rule sends some addresses elsewhere')
def _():
    for d in some(MAIL):
        tap.has(ask(f'bob-ext@{d}'), f'<RedirectAddr>bob@ext.{d}</RedirectAddr>')


@tap.case('exchange domains: each has its own server and site')
def _():
    for d in some(EXCHANGE):
        tap.has(ask(f'ann@{d}', 'host'), f'https://mail.{d}/EWS/Exchange.asmx')
        tap.has(ask(f'ann@{d}', 'host', 'mobilesync/responseschema/2006'),
                f'<Url>https://mail.{d}/Microsoft-Server-ActiveSync</Url>')


@tap.case('redirects and aliases')
def _():
    for d in some(REDIRECT_URL):
        tap.has(ask(f'ann@{d}'), f'<RedirectUrl>https://elsewhere.{d}/')
    for d in some(REDIRECT_ADDRESS):
        tap.has(ask(f'ann@{d}'), f'<RedirectAddr>ann@new.{d}</RedirectAddr>')
    for d in some(ALIAS):
        stands_for = domain(int(d[1:6]) - ALIAS)
        tap.has(ask(f'ann@{d}'), f'<Server>imap.{stands_for}</Server>')


@tap.case('SOAP asks about many domains at once')
def _():
    asked = some(EXCHANGE)
    users = ''.join(f'<a:User><a:Mailbox>ann@{d}</a:Mailbox></a:User>' for d in asked)
    body = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" '
            'xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header><w:Action>'
            'http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings'
            '</w:Action></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>'
            f'{users}</a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting>'
            '</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body>'
            '</s:Envelope>')
    got = post.request(daemon.https, 'main.example', path='/autodiscover/autodiscover.svc',
                       body=body, root=False, fields={
                           'Content-Type': 'text/xml; charset=utf-8',
                           'Authorization': post.basic('host', PASSWORD)}).body.decode()
    tap.same(re.findall('https://mail.(d[0-9]+.example)/EWS', got), asked)


@tap.case('V2, Mail Autoconfig, PACC, profiles and the page')
def _():
    for d in some(EXCHANGE):
        got = get(d, f'/autodiscover/autodiscover.json?Email=ann@{d}&Protocol=Ews')
        tap.same(json.loads(got.body)['Url'], f'https://mail.{d}/EWS/Exchange.asmx')
    for d in some(MAIL):
        text = get(f'autoconfig.{d}', '/mail/config-v1.1.xml').body.decode()
        for part in (f'<hostname>imap.{d}</hostname>', f'https://help.{d}/mail',
                     f'<displayName>Mail of customer {int(d[1:6])}</displayName>'):
            tap.has(text, part)
        pacc = json.loads(get(d, '/.well-known/user-agent-configuration.json').body)
        tap.same(pacc['protocols']['imap']['host'], f'imap.{d}')
        profile = get(d, f'/profile.mobileconfig?emailaddress=ann@{d}')
        tap.same(profile.status, 200)
        tap.has(profile.body, f'imap.{d}'.encode())
        tap.same(get(d, '/').status, 200)


@tap.case('each name has the certificate of its domain')
def _():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for number in random.sample(range(CERTIFICATES), ASKED):
        name = f'autodiscover.{domain(number)}'
        with socket.create_connection(daemon.https) as plain, \
                context.wrap_socket(plain, server_hostname=name) as stream:
            tap.has(stream.getpeercert(binary_form=True), name.encode())


@tap.case('what is exported is what was applied')
def _():
    out = scratch.write(folder / 'out.json', programs.usher_ok('export', directory=where))
    tap.same(programs.usher_ok('diff', out, directory=where).strip(), 'nothing to change')


@tap.case('little memory')
def _():
    status = pathlib.Path(f'/proc/{daemon.process.pid}/status').read_text('ascii')
    kilobytes = int(re.search(r'VmHWM:\s+([0-9]+)', status).group(1))
    tap.note(f'{kilobytes} KB')
    tap.true(kilobytes < 150_000 or programs.SANITIZED, f'{kilobytes} KB')


with blocks:
    tap.main()
