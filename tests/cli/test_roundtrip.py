#!/usr/bin/python3
"""export, apply into nothing, export: the same bytes, for directories of many shapes.

With USHER_MILLION=1, a million mailboxes go through import, export, apply and list as well.
"""
import json
import os
import random
import resource
import subprocess

from support import programs, scratch, tap

TEXTS = ['plain', 'Ünïcödé', '漢字 かな', 'with "quotes" and \\', "it's", 'tab-free  blanks', '🦉',
         'a' * 200, '%s %d %n', '<&>', '-', '--option']


def some(make, least, most):
    """A few things."""
    return [make(i) for i in range(random.randint(least, most))]


def maybe(record, **members):
    """The record with each of the members, or without."""
    return {**record, **{k: v for k, v in members.items() if random.random() < 0.5}}


def text():
    """Any text a member may hold."""
    return random.choice(TEXTS)


def switch():
    """On or off."""
    return random.random() < 0.5


def document():
    """A directory of any shape; what names other records names such as there are."""
    sites = some(lambda i: maybe({'name': f'Site {i} {text()[:20]}'},
                                 subnets=[f'192.0.2.{16 * i}/28', f'2001:db8:{i + 1}::/48']), 1, 4)
    servers = some(lambda i: maybe(
        {'name': f'SRV{i}', 'fqdn': f'srv{i}.corp.example', 'created': f'20{i:02}-01-31T00:00:00Z'},
        site=random.choice(sites)['name'], version='15.1.2507',
        internal_uri=f'https://srv{i}.corp.example/Autodiscover/Autodiscover.xml',
        site_scope=[s['name'] for s in sites]), 1, 4)
    urls = [maybe({'server': s['name'], 'service': service}, internal='https://in.example/x',
                  external='https://out.example/x', internal_authentication=['Basic', 'Ntlm'])
            for s in servers for service in random.sample(['ews', 'oab', 'owa', 'mapi'], 2)]
    kinds = [{'kind': 'exchange'}, {'kind': 'mail', 'ttl': 7},
             {'kind': 'redirect-url', 'redirect_url': 'https://else.example/autodiscover.xml'},
             {'kind': 'redirect-address', 'redirect_domain': 'else.example'},
             {'kind': 'alias', 'alias_of': 'd0.example'}]
    domains = [{'domain': 'd0.example', 'kind': 'exchange'}]
    domains += some(lambda i: maybe({'domain': f'd{i + 1}.example', **random.choice(kinds)},
                                    display_name=text(), anonymous=switch(),
                                    host_names=['mx.example', 'imap.example']), 0, 8)
    services = [maybe({'domain': d['domain'], 'type': t, 'host': 'h.example'}, user_name='%u',
                      port=random.randint(1, 65535), socket='starttls', rank=2)
                for d in domains if d['kind'] == 'mail' for t in ('imap', 'smtp', 'pop3')]
    mailboxes = some(lambda i: maybe(
        {'address': f'user{i}@d0.example'}, display_name=text(),
        aliases=[f'a{i}@d0.example', f'b{i}@d0.example'], database=text(), owa=switch(),
        server=random.choice(servers)['name'], legacy_dn=f'/o=O/ou=G/cn=user{i}',
        guid='00112233-4455-6677-8899-aabbccddeeff', enabled=switch()), 0, 20)
    alternatives = [{'mailbox': m['address'], 'display_name': text(), 'type': 'delegate',
                     'smtp_address': 's@else.example'} for m in mailboxes if switch()]
    credentials = [maybe({'login_name': m['address'], 'password_hash': '$6$abcd$' + 'x' * 86},
                         enabled=switch()) for m in mailboxes if switch()]
    return {'usher': 1, 'organization': maybe({'name': text()}, administrative_group=text()),
            'sites': sites, 'servers': servers, 'urls': urls, 'domains': domains,
            'services': services, 'mailboxes': mailboxes, 'alternative_mailboxes': alternatives,
            'credentials': credentials}


@tap.each([(f'directory {seed}', seed) for seed in range(30)])
def _(seed):
    random.seed(seed)
    wanted = document()
    with scratch.Folder() as folder:
        first, second = f'sqlite:{folder}/1.db', f'sqlite:{folder}/2.db'
        one = scratch.write(folder / 'one.json', json.dumps(wanted))
        programs.usher_ok('apply', one, directory=first)
        text_one = programs.usher_ok('export', '--with-secrets', directory=first)
        two = scratch.write(folder / 'two.json', text_one)
        programs.usher_ok('apply', two, directory=second)
        tap.same(programs.usher_ok('export', '--with-secrets', directory=second), text_one)
        tap.same(programs.usher_ok('diff', one, directory=second), 'nothing to change\n')
        tap.same(programs.usher_ok('apply', '--prune', two, directory=second),
                 'nothing to change\n')
        got = json.loads(text_one)
        for name, records in wanted.items():
            for record in records if isinstance(records, list) else []:
                tap.true(any(all(other.get(k) == v for k, v in record.items())
                             for other in got[name]), f'{name}: {record} is not in {got[name]}')
        # From one directory to any other by --prune.
        random.seed(seed + 1000)
        other = scratch.write(folder / 'other.json', json.dumps(document()))
        programs.usher_ok('apply', '--prune', other, directory=second)
        tap.same(programs.usher_ok('diff', other, directory=second), 'nothing to change\n')
        tap.same(programs.usher('diff', other, directory=first).returncode,
                 0 if json.dumps(wanted) == other.read_text() else 1)


@tap.case('a million mailboxes')
def _():
    if os.environ.get('USHER_MILLION') != '1':
        tap.skip('takes minutes: USHER_MILLION=1')
    with scratch.Folder() as folder:
        uri = f'sqlite:{folder}/usher.db'
        programs.usher_ok('setup', '--domain', 'a.example', '--host', 'mail.a.example',
                          directory=uri)
        with open(folder / 'in.csv', 'w', encoding='utf-8') as csv:
            csv.write('address,display_name,aliases\n')
            csv.writelines(f'user{i}@a.example,"User, {i}",alias{i}@a.example\n'
                           for i in range(1000000))
        tap.same(programs.usher_ok('mailbox', 'import', folder / 'in.csv', directory=uri,
                                   timeout=1200),
                 '1000000 rows: 1000000 created, 0 changed, 0 the same, 0 bad\n')
        with open(folder / 'out.json', 'wb') as out:
            subprocess.run([programs.program('usher'), '-d', uri, 'export'], stdout=out,
                           check=True)
        with open(folder / 'list', 'wb') as out:
            subprocess.run([programs.program('usher'), '-d', uri, '--json', 'mailbox', 'list'],
                           stdout=out, check=True)
        # Of all children so far: none needed memory for what it streamed.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        tap.note(f'most memory of a process: {peak // 1024} MB')
        tap.true(peak < 120 * 1024, f'{peak} kB for a stream')
        programs.usher_ok('diff', folder / 'out.json', directory=uri, timeout=1200)


tap.main()
