#!/usr/bin/python3
"""The records of `usher plan --dns`: name servers take them, and they lead to the settings."""
import base64
import hashlib
import json
import re
import subprocess

from support import certificates, daemon, netns, scratch, tap
from support.programs import usher, usher_json, usher_ok

netns.enter()

SERVICE = '127.1.0.1'
HOST = 'mail.hoster.example'
PASSWORD = 'Records & 4 names'
LONG_PATH = '/' + 'calendars/' * 30


def service(domain, kind, **members):
    """A record of the document."""
    return {'domain': domain, 'type': kind, **members}


def mail(domain):
    """The usual ones."""
    return [service(domain, 'imap', host=f'imap.{domain}'),
            service(domain, 'smtp', host=f'smtp.{domain}', socket='starttls')]


# One domain for each kind of zone.
DOMAINS = [
    {'domain': 'corp.example', 'kind': 'exchange'},
    {'domain': 'post.example', 'kind': 'mail'},
    {'domain': 'full.example', 'kind': 'mail'},
    {'domain': 'bare.example', 'kind': 'mail'},
    {'domain': 'apex.example', 'kind': 'mail'},
    {'domain': 'odd.example', 'kind': 'mail'},
    {'domain': 'alias.example', 'kind': 'alias', 'alias_of': 'post.example'},
    {'domain': 'xn--mller-kva.example', 'kind': 'mail', 'host_names': ['xn--mx-bka.example']},
    {'domain': 'gone.example', 'kind': 'redirect-url',
     'redirect_url': 'https://hoster.example/autodiscover/autodiscover.xml'},
    {'domain': 'moved.example', 'kind': 'redirect-address', 'redirect_domain': 'post.example'},
    {'domain': '.'.join(['a' * 60, 'b' * 60, 'c' * 60, 'd' * 49, 'example']), 'kind': 'mail'},
]
SERVICES = [
    *mail('post.example'), *mail('xn--mller-kva.example'), *mail(DOMAINS[-1]['domain']),
    service('full.example', 'imap', host='imap.full.example'),
    service('full.example', 'imap', rank=2, host='imap.full.example', socket='starttls'),
    service('full.example', 'imap', rank=3, host='imap2.elsewhere.example'),
    service('full.example', 'pop3', host='pop.full.example', port=1995),
    service('full.example', 'smtp', host='smtp.full.example'),
    service('full.example', 'smtp', rank=2, host='smtp.full.example', socket='starttls'),
    service('full.example', 'jmap', url='https://jmap.full.example:8443/session'),
    service('full.example', 'caldav', url='https://dav.full.example/cal/%C3%BC;x?y="z"'),
    service('full.example', 'carddav', url='https://dav.full.example/card/'),
    service('full.example', 'managesieve', host='imap.full.example'),
    service('full.example', 'webmail', url='https://webmail.full.example/'),
    service('apex.example', 'imap', host='apex.example'),
    service('apex.example', 'smtp', host='autoconfig.apex.example'),
    service('odd.example', 'imap', host='192.0.2.7'),
    service('odd.example', 'smtp', host='smtp.odd.example', socket='plain'),
    service('odd.example', 'caldav', url=f'https://dav.odd.example{LONG_PATH}'),
]
# Where usherd is: elsewhere, under an address, in one of the domains, a domain itself.
PLACES = [('elsewhere', ['--host', HOST]),
          ('at an address', ['--host', HOST, '--address', f'{SERVICE},2001:db8::1']),
          ('in a domain', ['--host', 'mail.post.example', '--address', SERVICE]),
          ('a domain itself', ['--host', 'apex.example']),
          ('one of the names that programs ask', ['--host', 'autodiscover.post.example.'])]


def fill(folder, directory):
    """Makes the directory."""
    password = scratch.write(folder / 'password', PASSWORD + '\n', mode=0o600)
    usher_ok('setup', '--domain', 'corp.example', '--host', 'mail.corp.example',
             directory=directory)
    usher_ok('apply', '-', directory=directory,
             text=json.dumps({'usher': 1, 'domains': DOMAINS, 'services': SERVICES}))
    usher_ok('mailbox', 'add', 'ana@corp.example', '--display-name', 'Ana', directory=directory)
    usher_ok('mailbox', 'password', 'ana@corp.example', '--password-file', password,
             directory=directory)
    return password


def run(*command):
    """Runs a checker to its end."""
    tap.need(command[0])
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False,
                          timeout=60, env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})


def hosts_of(notes):
    """The hosts that a zone has to have addresses for, by the notes beside its records."""
    for note in notes:
        for names in re.findall(r'^must have addresses here .*: (.*)|^(\S+) must have addresses',
                                note):
            yield from ''.join(names).split(', ')


def zone_file(folder, domain, fragment, notes):
    """A whole zone around the fragment."""
    included = scratch.write(folder / 'fragment', fragment)
    text = (f'$TTL 60\n$ORIGIN {domain}.\n@ SOA ns.invalid. admin.invalid. 1 60 60 60 60\n'
            f'@ NS ns.invalid.\n$INCLUDE {included}\nbehind TXT "the origin is as before"\n')
    return scratch.write(folder / 'zone', text + ''.join(
        f'{host}. A 192.0.2.99\n' for host in hosts_of(notes)))


def held(folder, name, kind):
    """The data of the records that knot has under a name."""
    done = run('knotc', '-c', folder / 'dns/knot.conf', 'zone-read', '.', f'{name}.', kind)
    return sorted(line.split(None, 4)[4] for line in done.stdout.splitlines())


with scratch.Folder() as folder:
    directory = f'sqlite:{folder}/usher.db'
    password_file = fill(folder, directory)

    def plan(*options):
        """For each domain what it prints for people and what for programs."""
        texts = usher_ok('plan', '--dns', *options, directory=directory).split('\n\n')
        return zip(texts, usher_json('plan', '--dns', *options, directory=directory), strict=True)

    def faults(domain, fragment, notes):
        """What the checkers have against a zone with the fragment in it: one entry for each."""
        path = zone_file(folder, domain, fragment + '\n', notes)
        said = [run('named-checkzone', '-i', 'local', '-k', 'fail', '-M', 'fail', '-r', 'fail',
                    '-S', 'fail', domain, path), run('kzonecheck', '-o', domain, path)]
        return [f'{done.stdout}{done.stderr}{fragment}' for done in said if done.returncode != 0]

    @tap.each([(f'usherd {where}: the checkers of BIND and of Knot take {zone["domain"][:30]}',
                fragment, zone) for where, options in PLACES
               for fragment, zone in plan(*options)])
    def _(fragment, zone):
        tap.same(fragment.count(' IN '), len(zone['records']))
        tap.same(faults(zone['domain'], fragment, zone['notes']), [])

    @tap.case('both checkers refuse an alias that has an address too')
    def _():
        fragment = 'autodiscover 60 IN CNAME mail.hoster.example.\nautodiscover 60 IN A 192.0.2.1'
        tap.same(len(faults('post.example', fragment, [])), 2)

    authority = certificates.Authority(folder)
    chain, key = authority.issue(
        HOST, *(f'{n}.{d}.example' for n in ('autodiscover', 'autoconfig', 'ua-auto-config')
                for d in ('corp', 'post', 'alias', 'moved')))
    netns.add_address(SERVICE)
    netns.trust(authority, folder)
    planned = usher_ok('plan', '--dns', '--host', HOST, directory=directory)
    zones = usher_json('plan', '--dns', '--host', HOST, directory=directory)

    @tap.each([('knot holds all the records', zones)])
    def _(zones):
        tap.same(len(zones), len(DOMAINS))
        expected = {}
        for record in (r for zone in zones for r in zone['records']):
            expected.setdefault((record['name'], record['type']), []).append(record['data'])
        tap.true(len(expected) > 60, f'only {len(expected)}')
        for (name, kind), data in expected.items():
            tap.same(held(folder, name, kind), sorted(data), f'{name} {kind}')

    @tap.each([
        ('an Exchange mailbox is found by the name', 'ana@corp.example', 'C', 'pox'),
        ('an Exchange mailbox is found by SRV', 'ana@corp.example', 'E', 'pox'),
        ('a mail domain is found by the name', 'bob@post.example', 'C', 'pox'),
        ('a mail domain is found by SRV', 'bob@post.example', 'E', 'pox'),
        ('a mail domain is found by Mail Autoconfig', 'bob@post.example', 'M', 'autoconfig'),
        ('an alias is found by the name', 'bob@alias.example', 'C', 'pox'),
        ('an alias is found by SRV', 'bob@alias.example', 'E', 'pox'),
        ('an alias is found by Mail Autoconfig', 'bob@alias.example', 'M', 'autoconfig'),
        ('a domain that moved is found by the name', 'bob@moved.example', 'C', 'pox'),
        ('a domain that moved is found by SRV', 'bob@moved.example', 'E', 'pox'),
    ])
    def _(address, source, language):
        done = usher('find', address, '--json', '--password-file', password_file, '--sources',
                     source, '--language', language, '--trust-host', HOST, '--trust-host',
                     'post.example')
        said = json.loads(done.stdout)
        tap.same((said['outcome'], said['source']), ('found', source), str(said['attempts']))

    @tap.case('the digest that is published is that of the PACC document that is served')
    def _():
        done = run('curl', '--silent', '--show-error', '--fail',
                   'https://ua-auto-config.post.example/.well-known/user-agent-configuration.json')
        tap.same(done.returncode, 0, done.stderr)
        digest = base64.b64encode(hashlib.sha256(done.stdout.encode()).digest()).decode()
        tap.same(held(folder, '_ua-auto-config.post.example', 'TXT'),
                 [f'"v=UAAC1; a=sha256; d={digest}"'])

    with netns.Dns(folder, [*planned.splitlines(), f'{HOST}. A {SERVICE}']), daemon.Usherd(
            folder, certificate=chain, key=key, listeners=('https',), ports={'https': 443},
            addresses={'https': SERVICE}):
        tap.main()
