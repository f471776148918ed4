#!/usr/bin/python3
"""Thunderbird's own account set-up finds the settings, by Mail Autoconfig and by Autodiscover.

The records of the domains that it asks are those that `usher plan --dns` prints."""
from support import netns, tap

netns.enter()

import marionette  # noqa: E402
import stage as stages  # noqa: E402

if not marionette.is_there():
    tap.case('thunderbird is installed')(lambda: tap.need('thunderbird'))
    tap.main()

AUTODISCOVER = '/autodiscover/autodiscover.xml'
AUTOCONFIG = '/mail/config-v1.1.xml'
WELL_KNOWN = '/.well-known/autoconfig' + AUTOCONFIG

# Beside those of the stage: where to be found, and how.
#   post    everywhere, as planned
#   well    its own web site alone
#   hosted  the host of its mail exchanger
#   pox     Autodiscover alone
#   both    Exchange mailboxes that are also reached by IMAP
#   moved   Autodiscover, which sends on to another address
MAIL_DOMAINS = ('post.example', 'well.example', 'hosted.example', 'pox.example')
NAMES = ('mail.post.example', 'autoconfig.post.example', 'autodiscover.post.example',
         'well.example', 'autoconfig.hoster.example', 'autodiscover.pox.example',
         'mail.both.example', 'autoconfig.both.example', 'autodiscover.both.example',
         'autodiscover.moved.example')


def plan(run, domain):
    """The records that `usher` prints for it."""
    return run('plan', '--dns', domain, '--host', f'mail.{domain}', '--address',
               stages.SERVICE).splitlines()


def more_domains(run):
    """Adds them, and gives their records."""
    for domain in MAIL_DOMAINS:
        run('domain', 'add', domain, '--kind', 'mail', '--display-name', f'Post of {domain}')
        run('service', 'add', domain, 'imap', '--host', 'imap.hoster.example')
        run('service', 'add', domain, 'pop3', '--host', 'pop.hoster.example', '--port', '1995',
            '--user-name', '%u')
        run('service', 'add', domain, 'smtp', '--host', 'smtp.hoster.example', '--socket',
            'starttls', '--auth', 'password-encrypted')
    run('domain', 'add', 'both.example', '--kind', 'exchange')
    run('service', 'add', 'both.example', 'imap', '--host', 'imap.hoster.example')
    run('service', 'add', 'both.example', 'smtp', '--host', 'smtp.hoster.example', '--socket',
        'starttls', '--auth', 'password-encrypted')
    run('domain', 'add', 'moved.example', '--kind', 'redirect-address', '--redirect-domain',
        'root.example')
    # Further addresses of somebody whose password is known.
    run('mailbox', 'set', 'ana@root.example', '--aliases', 'ana@both.example,ana@moved.example')
    return plan(run, 'post.example') + plan(run, 'both.example') + [
        f'well.example. A {stages.SERVICE}',
        'hosted.example. MX 10 mx.hoster.example.',
        f'autoconfig.hoster.example. A {stages.SERVICE}',
        f'autodiscover.pox.example. A {stages.SERVICE}',
        f'autodiscover.moved.example. A {stages.SERVICE}']


SEARCH = '''
const { FindConfig } = ChromeUtils.importESModule(
    "resource:///modules/accountcreation/FindConfig.sys.mjs");
const [address, password] = arguments;
const search = FindConfig.parallelAutoDiscovery(
    address.split("@")[1], address, new AbortController().signal, password);
const asked = [];
let step = await search.next();
while (!step.done) {
  asked.push(step.value.host);
  step = await search.next({ acceptRedirect: true });
}
if (!step.value)
  return { asked };
const shown = s => Object.fromEntries(["type", "hostname", "port", "socketType", "auth", "username",
    "exchangeURL"].filter(k => s[k] != null && s[k] !== -1).map(k => [k, s[k]]));
const { incoming, incomingAlternatives, outgoing } = step.value;
// What it guesses beside Exchange leaves the same server there twice.
const servers = [incoming, ...incomingAlternatives].map(s => JSON.stringify(shown(s)));
return {
  asked,
  source: step.value.subSource,
  name: step.value.displayName,
  incoming: [...new Set(servers)].map(s => JSON.parse(s)),
  outgoing: shown(outgoing),
};
'''
TRUST = '''
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)
    .addCertFromBase64(arguments[0], "C,,");
'''

# nsMsgSocketType and nsMsgAuthMethod
STARTTLS, TLS = 2, 3
CLEARTEXT, ENCRYPTED = 3, 4


def server(kind, host, port, socket=TLS, auth=CLEARTEXT, user='%EMAILADDRESS%'):
    """A server as Thunderbird shows it."""
    return {'type': kind, 'hostname': host, 'port': port, 'socketType': socket, 'auth': auth,
            'username': user}


IMAP = server('imap', 'imap.hoster.example', 993)
POP3 = server('pop3', 'pop.hoster.example', 1995, user='%EMAILLOCALPART%')
SMTP = server('smtp', 'smtp.hoster.example', 587, STARTTLS, ENCRYPTED)
# Of Autodiscover it takes the URL of the inside, and reads no other.
EXCHANGE = {**server('exchange', 'mail.root.example', 443), 'exchangeURL': stages.EWS_INTERNAL}
NO_SERVER = {'auth': 0}


def of_autoconfig(domain):
    """What it makes of the file for a mail domain."""
    return {'asked': [], 'source': 'xml-from-isp-https', 'name': f'Post of {domain}',
            'incoming': [IMAP, POP3], 'outgoing': SMTP}


def of_autodiscover(source, asked=(), user='%EMAILADDRESS%'):
    """What it makes of the answer for an Exchange mailbox; `asked` whether it may go there."""
    return {'asked': list(asked), 'source': f'exchange-from-{source}-guess', 'name': None,
            'incoming': [{**EXCHANGE, 'username': user}], 'outgoing': NO_SERVER}


GOT_AUTOCONFIG = f'https GET {AUTOCONFIG} 200'
GOT_AUTODISCOVER = f'https POST {AUTODISCOVER} 200'

with stages.raised(more_domains, NAMES) as stage, \
        marionette.Thunderbird(stage.folder) as thunderbird:
    root = stage.root.read_text(encoding='ascii')
    thunderbird.run(TRUST, ''.join(root.splitlines()[1:-1]))

    @tap.each([
        ('a mail domain, by the records that were planned', 'post.example',
         of_autoconfig('post.example'), {GOT_AUTOCONFIG, GOT_AUTODISCOVER}),
        ('a mail domain, by its own web site', 'well.example',
         of_autoconfig('well.example'), {f'https GET {WELL_KNOWN} 200', GOT_AUTODISCOVER}),
        ('a mail domain, by the host of its mail exchanger', 'hosted.example',
         of_autoconfig('hosted.example'), {GOT_AUTOCONFIG}),
        ('a mail domain, by Autodiscover', 'pox.example',
         {'asked': [], 'source': 'exchange-from-url1', 'name': None,
          'incoming': [{**IMAP, 'username': 'ana@pox.example'}, {**POP3, 'username': 'ana'}],
          'outgoing': {**SMTP, 'auth': CLEARTEXT, 'username': 'ana@pox.example'}},
         {GOT_AUTODISCOVER}),
        ('Exchange that is also reached by IMAP', 'both.example',
         {'asked': [], 'source': 'xml-from-isp-https', 'name': 'both.example',
          'incoming': [IMAP, {**EXCHANGE, 'exchangeURL': stages.EWS_EXTERNAL}],
          'outgoing': SMTP},
         {GOT_AUTOCONFIG, GOT_AUTODISCOVER}),
        ('Exchange, by https://autodiscover.DOMAIN', 'auto.example',
         of_autodiscover('url1'), {GOT_AUTODISCOVER}),
        ('Exchange, by the https root', 'root.example',
         of_autodiscover('url2'), {f'https GET {WELL_KNOWN} 404', GOT_AUTODISCOVER}),
        ('Exchange, by the redirect site', 'redirect.example',
         of_autodiscover('url3', ['hoster.example']),
         {f'redirect POST {AUTODISCOVER} 302', f'https GET {AUTODISCOVER} 401',
          GOT_AUTODISCOVER}),
        ('Exchange, by SRV', 'srv.example',
         of_autodiscover('srv', ['hoster.example']), {GOT_AUTODISCOVER}),
        ('Exchange, by another address', 'moved.example',
         of_autodiscover('url2', user='ana@moved.example'), {GOT_AUTODISCOVER}),
        ('a domain that nobody serves: nothing is found', 'nowhere.example',
         {'asked': []}, set()),
    ])
    def _(domain, expected, asked):
        stage.listen()
        tap.same(thunderbird.run(SEARCH, f'ana@{domain}', stages.PASSWORD), expected)
        tap.same(stage.asked(asked), asked)

    @tap.case('a wrong password is told as such')
    def _():
        stage.listen()
        try:
            found = thunderbird.run(SEARCH, 'ana@auto.example', 'something else')
        except marionette.Fault as fault:
            found = str(fault)
        tap.same(found, 'Error: Exchange auth error')
        asked = {f'https POST {AUTODISCOVER} 401'}
        tap.same(stage.asked(asked), asked)

    tap.main()
