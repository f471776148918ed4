#!/usr/bin/python3
"""`usher profile`: settings that are kept on disk, and refreshed layer by layer."""
import contextlib
import json
import os
import stat
import subprocess

from site_profiles import (ANN, CANNOT, DATA, DOMAIN, DONE, MAIL, NEGATIVE, PASSWORD, PERMISSION,
                           REFUSED, USAGE, Site)
from support import scratch, tap
from support.programs import clean_environment, program, usher

stack = contextlib.ExitStack()
site = stack.enter_context(contextlib.nullcontext(Site(stack)))
FILE = site.profiles / f'ann%40{DOMAIN}.json'


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def changes(done):
    """{member: (old, new)} of a change command's JSON."""
    said = json.loads(done.stdout)
    return {m['name']: (m['old'], m['new']) for c in said['changes'] for m in c['members']}


@tap.case('create finds the settings and keeps them')
def _():
    done = site.profile('create', ANN)
    tap.same(done.returncode, DONE, done.stderr)
    tap.has(done.stdout, f'Profile of {ANN}: created')
    tap.has(done.stdout, 'Exchange Web Services')
    tap.same((mode(FILE), mode(site.profiles)), (0o600, 0o700))


@tap.case('no secret is in it')
def _():
    tap.true(PASSWORD not in FILE.read_text(), 'the password is in the profile')
    tap.true(PASSWORD not in site.ok('show', ANN, '--json', '--log'), 'the password is shown')


@tap.case('create twice changes nothing')
def _():
    before = FILE.read_bytes()
    done = site.profile('create', ANN, '--json')
    tap.same(done.returncode, DONE, done.stderr)
    tap.same(json.loads(done.stdout)['changes'][0]['change'], 'same')
    tap.same(FILE.read_bytes(), before)


@tap.case('show is for people')
def _():
    text = site.ok('show', ANN)
    for part in ('Found the settings', 'Ann Example', f'{FILE}', 'because the settings have expired',
                 'because the profile is new'):
        tap.has(text, part)
    tap.true('Tried:' not in text, text)
    tap.has(site.ok('show', ANN, '--log'), 'Tried:')


@tap.case('the letter case of an address does not matter')
def _():
    tap.has(site.ok('show', f'ANN@{DOMAIN.upper()}'), 'Ann Example')


@tap.case('list tells who is due')
def _():
    rows = json.loads(site.ok('list', '--json'))
    tap.same([(r['address'], r['last_outcome'], r['file']) for r in rows],
             [(ANN, 'found', str(FILE))])
    tap.same(rows[0]['due'], site.shown()['services_due'])
    tap.has(site.ok('list'), ANN)


@tap.case('a domain that has no service gets no profile')
def _():
    done = site.profile('create', 'nobody@nowhere.example')
    tap.same(done.returncode, NEGATIVE, done.stdout)
    tap.has(done.stdout, 'Tried:')
    tap.same([p.name for p in site.profiles.glob('nobody*')], [])


@tap.case('create --dry-run writes nothing')
def _():
    folder = site.here / 'dry'
    done = site.profile('create', ANN, '--dry-run', folder=folder)
    tap.same(done.returncode, DONE, done.stderr)
    tap.has(done.stdout, 'would be created')
    tap.true(not folder.exists(), 'a folder was made')


@tap.case('refresh takes over URLs of services, and leaves the rest waiting')
def _():
    site.set_ews('ews1.example')
    site.set_outside('oa1.example')
    dry = site.profile('refresh', ANN, '--json', '--dry-run')
    before = FILE.read_bytes()
    done = site.profile('refresh', ANN, '--json')
    tap.same(done.returncode, DONE, done.stderr)
    tap.same(changes(dry), changes(done))
    tap.true(FILE.read_bytes() != before, 'nothing was written')
    tap.same(changes(done)['EXCH.ews_url'][1], 'https://ews1.example/EWS/Exchange.asmx')
    tap.true('EXPR.server' not in changes(done), done.stdout)
    tap.same(site.block('EXPR')['server'], f'mail.{DOMAIN}')
    waiting = {w['member']: (w['before'], w['after']) for w in site.shown()['waiting']}
    tap.same(waiting, {'EXPR.server': (f'mail.{DOMAIN}', 'oa1.example')})
    tap.has(site.ok('show', ANN), f'EXPR.server: mail.{DOMAIN} → oa1.example')


@tap.case('the same again changes nothing')
def _():
    done = site.profile('refresh', ANN)
    tap.same(done.returncode, DONE, done.stderr)
    tap.has(done.stdout, 'every setting is as it was')


@tap.case('refresh begins at the URL that was good the last time, repair does not')
def _():
    for verb, begins in ('refresh', True), ('repair', False):
        site.ok(verb, ANN)
        said = site.shown()
        asked = [a['source'] for a in said['attempts']]
        tap.same('G' in asked, begins, f'{verb}: {asked}')
        tap.same(said['source'], 'C', 'the source that named the URL first')
    site.set_outside('oa0.example')
    site.ok('repair', ANN)
    site.set_outside('oa1.example')


@tap.case('repair takes over everything')
def _():
    done = site.profile('repair', ANN)
    tap.same(done.returncode, DONE, done.stderr)
    tap.has(done.stdout, 'EXPR.server: oa0.example → oa1.example')
    tap.same(site.shown()['waiting'], [])
    tap.same(site.shown()['last_cause'], 'repair')


@tap.case('a failed connection takes over everything, once it is due')
def _():
    site.set_outside('oa2.example')
    tap.has(site.ok('report', ANN, 'connection-failed'), 'due at')
    tap.same(site.profile('refresh', ANN, '--if-due').stdout.split(':')[1].strip()[:14],
             'nothing is due')
    later = site.shown()['connection_due']
    done = site.profile('refresh', ANN, '--if-due', '--json', '--now', later)
    tap.same(changes(done), {'EXPR.server': ('oa1.example', 'oa2.example')})
    tap.same(site.shown()['connection_cause'], 'cycle')


@tap.case('report --dry-run tells nobody')
def _():
    before = FILE.read_bytes()
    site.ok('report', ANN, 'mailbox-moved', '--dry-run')
    tap.same(FILE.read_bytes(), before)


@tap.case('an event that there is not')
def _():
    done = site.profile('report', ANN, 'tea-time')
    tap.same(done.returncode, USAGE, done.stderr)
    tap.has(done.stderr, 'mailbox-moved')


@tap.case('a search that fails keeps the settings and is recorded')
def _():
    site.ok('refresh', ANN)
    before = site.shown()
    done = site.profile('refresh', ANN, reach=False)
    tap.true(done.returncode in (NEGATIVE, 4), done.stdout)
    tap.has(done.stdout, 'keeps the settings that it has')
    after = site.shown()
    tap.same(after['answer'], before['answer'])
    tap.same(after['services_failures'], 1)
    tap.same(after['services_cause'], 'retry')
    tap.same(after['services_refreshed'], before['services_refreshed'])
    tap.true(after['last_outcome'] != 'found', after['last_outcome'])
    tap.same(site.profile('refresh', ANN, '--json', reach=False).returncode, done.returncode)
    tap.same(site.shown()['services_failures'], 2)
    site.ok('refresh', ANN)
    tap.same(site.shown()['services_failures'], 0)


@tap.case('a password that is refused is not tried again by the clock for an hour')
def _():
    done = site.profile('refresh', ANN, password=site.wrong)
    tap.same(done.returncode, REFUSED, done.stdout)
    site.ok('report', ANN, 'network-changed')
    done = site.profile('refresh', ANN, '--if-due', '--json', '--now',
                        f'@{int(os.stat(FILE).st_mtime) + 3000}')
    tap.same(json.loads(done.stdout).get('outcome'), None, done.stdout)
    site.ok('refresh', ANN)


@tap.case('the wall clock was set back')
def _():
    due = site.shown()['services_due']
    site.ok('report', ANN, 'network-changed', '--now', '2026-01-01T00:00:00Z')
    tap.true(site.shown()['services_due'] < due, site.shown()['services_due'])
    site.ok('repair', ANN)


@tap.case('remove, and once more')
def _():
    tap.has(site.ok('remove', ANN, '--dry-run'), 'would be removed')
    tap.true(FILE.exists(), 'it is gone')
    tap.has(site.ok('remove', ANN), 'removed')
    tap.has(site.ok('remove', ANN), 'nothing to change')
    done = site.profile('show', ANN)
    tap.same(done.returncode, NEGATIVE)
    tap.has(done.stderr, 'there is no such profile')


@tap.each([(verb, verb) for verb in ('show', 'refresh', 'repair', 'report')])
def _(verb):
    event = ['network-changed'] if verb == 'report' else []
    done = site.profile(verb, f'absent@{DOMAIN}', *event)
    tap.same((done.returncode, done.stdout), (NEGATIVE, ''), done.stderr)


# ---- names ----

@tap.each([
    ('a slash', f'a/./b@{MAIL}', 'a%2F.%2Fb%40'),
    ('a percent sign', f'a%2fb@{MAIL}', 'a%252fb%40'),
    ('a dash in front', f'-rf@{MAIL}', '-rf%40'),
    ('other letters', f'jürgen@{MAIL}', 'j%C3%BCrgen%40'),
    ('64 other letters', 'ü' * 32 + f'@{MAIL}', '%C3%BC' * 32),
    ('a tilde', f'~root@{MAIL}', '~root%40'),
])
def _(address, begin):
    folder = site.here / 'names'
    done = usher('profile', 'create', '--profiles', folder, *site.seams(), '--', address)
    tap.same(done.returncode, DONE, done.stdout + done.stderr)
    made = [p.name for p in folder.iterdir() if not p.name.startswith('.')]
    tap.same(len(made), 1, str(made))
    tap.true(made[0].startswith(begin), made[0])
    shown = usher('profile', 'show', '--json', '--profiles', folder, '--', address)
    tap.same(json.loads(shown.stdout)['address'].lower(), address.lower())
    tap.same(usher('profile', 'remove', '--profiles', folder, '--', address).returncode, DONE)
    tap.same([p.name for p in folder.iterdir() if not p.name.startswith('.')], [])


# ---- files that are none of ours, or damaged ----

def whole():
    """The text of a good profile of ann's."""
    if not FILE.exists():
        site.ok('create', ANN)
    return FILE.read_text(encoding='utf-8')


def edited(**members):
    """A good profile with other members at the top."""
    return json.dumps({**json.loads(whole()), **members})


def without(name):
    kept = json.loads(whole())
    del kept[name]
    return json.dumps(kept)


BAD = [
    ('empty', lambda: '', 'JSON'),
    ('a web page', lambda: '<!DOCTYPE html><html></html>', 'JSON'),
    ('cut in the middle', lambda: whole()[:len(whole()) // 2], 'JSON'),
    ('cut at the end', lambda: whole().rstrip()[:-1], 'JSON'),
    ('twice', lambda: whole() + whole(), 'JSON'),
    ('bytes', lambda: '\x00\x01\x02', 'JSON'),
    ('a list', lambda: '[]', 'no profile of usher'),
    ('another object', lambda: '{"usher": 1}', 'no profile of usher'),
    ('an old number', lambda: edited(usher_profile=0), 'no profile of usher'),
    ('a number as text', lambda: edited(usher_profile='1'), 'no profile of usher'),
    ('a newer format', lambda: edited(usher_profile=2), 'a newer usher has written'),
    ('nobody\'s', lambda: edited(profile={}), 'does not say whose'),
    ('another address', lambda: edited(profile={'address': f'bob@{DOMAIN}'}),
     f'of bob@{DOMAIN} and not of {ANN}'),
    ('no address', lambda: edited(profile={'address': 'rubbish'}), 'of rubbish and not of'),
    ('a time that is none', lambda: edited(services={'due': 'soon'}), 'due'),
    ('a cause that is none', lambda: edited(services={'cause': 'whim'}), 'cause'),
    ('settings that are a refusal', lambda: edited(services_settings={'kind': 'refusal'}), 'kind'),
    ('no settings', lambda: without('connection_settings'), 'kind'),
    ('a port that is none', lambda: edited(services_settings={
        'kind': 'settings', 'protocols': [{'type': 'EXCH', 'port': 70000}]}), 'port'),
    ('nobody found it', lambda: without('found_by'), 'source'),
    ('a source that is none', lambda: edited(found_by={'source': 'ZZ'}), 'source'),
    ('attempts without end', lambda: edited(attempts=[{}] * 1000), 'attempts'),
    ('nested without end', lambda: '[' * 100000, ''),
    ('too large', lambda: whole() + ' ' * (5 << 20), 'larger than'),
]


@tap.each([(f'a file that is {name}', make, words) for name, make, words in BAD])
def _(make, words):
    text = make()
    good = whole()
    FILE.write_text(text, encoding='utf-8')
    done = site.profile('show', ANN)
    tap.same((done.returncode, done.stdout), (DATA, ''), done.stderr)
    tap.true(done.stderr.startswith(f'usher: {FILE}: '), done.stderr)
    tap.same(done.stderr.count('\n'), 1, done.stderr)
    tap.has(done.stderr, words)
    tap.same(site.profile('create', ANN).returncode, DATA)
    tap.same(site.profile('refresh', ANN).returncode, DATA)
    tap.same(FILE.read_text(encoding='utf-8'), text, 'the file was written')
    listed = site.profile('list')
    tap.same(listed.returncode, NEGATIVE, listed.stdout)
    tap.has(listed.stderr, str(FILE))
    FILE.write_text(good, encoding='utf-8')


@tap.each([
    ('a folder in its place', lambda: FILE.mkdir()),
    ('a pipe in its place', lambda: os.mkfifo(FILE)),
    ('a link in its place', lambda: FILE.symlink_to('/etc/passwd')),
])
def _(make):
    good = whole()
    FILE.unlink()
    make()
    done = site.profile('show', ANN, timeout=10)
    tap.same(done.returncode, DATA, done.stderr)
    FILE.rmdir() if FILE.is_dir() else FILE.unlink()
    scratch.write(FILE, good, 0o600)


@tap.case('members of a newer usher are read over')
def _():
    good = json.loads(whole())
    good['mood'] = {'bright': [1, 2.5, None]}
    good['profile']['colour'] = 'blue'
    good['services_settings']['protocols'][0]['shape'] = 'round'
    FILE.write_text(json.dumps(good), encoding='utf-8')
    tap.same(site.block('EXCH')['server'], f'mail.{DOMAIN}')
    site.ok('refresh', ANN)


@tap.each([
    ('a folder that others may write to', lambda: site.profiles, 0o777),
    ('a folder that the group may write to', lambda: site.profiles, 0o770),
    ('a file that others may write to', lambda: FILE, 0o606),
])
def _(path, bits):
    whole()
    before = mode(path())
    path().chmod(bits)
    done = site.profile('show', ANN)
    path().chmod(before)
    tap.same(done.returncode, PERMISSION, done.stderr)
    tap.has(done.stderr, 'chmod go-w')


@tap.case('where XDG and HOME say')
def _():
    whole()
    for variables, where in (({'XDG_DATA_HOME': f'{site.here}/xdg'}, 'xdg/usher/profiles'),
                             ({'HOME': f'{site.here}/home', 'XDG_DATA_HOME': ''},
                              'home/.local/share/usher/profiles')):
        environment = clean_environment(**variables)
        done = subprocess.run([program('usher'), 'profile', 'create', ANN, *map(str, site.seams())],
                              env=environment, capture_output=True, text=True, check=False)
        tap.same(done.returncode, DONE, done.stderr)
        tap.same([p.name for p in (site.here / where).glob('*.json')], [FILE.name])
        tap.same(mode(site.here / where), 0o700)


@tap.case('without a home')
def _():
    environment = clean_environment()
    environment = {k: v for k, v in environment.items() if k not in ('HOME', 'XDG_DATA_HOME')}
    done = subprocess.run([program('usher'), 'profile', 'list'], env=environment,
                          capture_output=True, text=True, check=False)
    tap.same(done.returncode, USAGE, done.stderr)
    tap.has(done.stderr, 'set HOME')


@tap.case('a folder that cannot be made')
def _():
    done = site.profile('create', ANN, folder='/proc/profiles')
    tap.true(done.returncode in (CANNOT, PERMISSION), done.stderr)


@tap.case('no folder is no profile')
def _():
    done = site.profile('list', '--json', folder=site.here / 'nowhere')
    tap.same((done.returncode, json.loads(done.stdout)), (DONE, []))


@tap.case('many at once: each is whole, and all are counted')
def _():
    site.forget()
    command = [program('usher'), 'profile', 'create', ANN, '--profiles', str(site.profiles),
               *map(str, site.seams())]
    running = [subprocess.Popen(command, env=clean_environment(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True) for _ in range(8)]
    said = [(p.communicate(timeout=60), p.returncode) for p in running]
    created = [s for s, status in said if status == DONE and ': created' in s[0]]
    tap.same(len(created), 1, str(said))
    for (_, fault), status in said:
        tap.true(status == DONE or (status == DATA and 'already' in fault), fault)
    tap.same(site.block('EXCH')['server'], f'mail.{DOMAIN}')


with stack:
    tap.main()
