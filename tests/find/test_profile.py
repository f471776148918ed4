#!/usr/bin/python3
"""What `usher profile` knows about logins from one search to the next: the name, the hosts that a
person trusts, and what hosts have offered."""
import itertools
import json

from ntlm import ntlm, refuse
from support import tap
from support.peers import PATH, answer, login, redirect
from support.programs import usher
from world import (ADDRESS, B, BLOCKED, C, FOUND, HERE, MAIL, OTHER, PASSWORD, at_terminal,
                   authority, good, raised)

BASIC = 'Basic realm="contoso"'
ELSEWHERE = f'https://{OTHER}{PATH}'
folders = (HERE / f'profiles{i}' for i in itertools.count())
folder = None


def forget():
    """Later profiles are others."""
    global folder  # pylint: disable=global-statement
    folder = next(folders)


def profile(verb, hosts, *options):
    """`usher profile VERB` among `hosts`."""
    with raised(hosts) as (routes, _):
        return usher('profile', verb, ADDRESS, '--profiles', folder, '--ca-file', authority.root,
                     '--password-file', PASSWORD, *routes, *options)


def found(verb, hosts, *options):
    done = profile(verb, hosts, *options)
    tap.same(done.returncode, FOUND, done.stdout + done.stderr)


def shown():
    done = usher('profile', 'show', ADDRESS, '--profiles', folder, '--json')
    tap.same(done.returncode, 0, done.stderr)
    tap.true('secret' not in done.stdout, done.stdout)
    return json.loads(done.stdout)


def credentialed():
    """Those of the last search."""
    return [a for a in shown()['attempts'] if a['credentialed']]


def strong():
    return good(ntlm(answer(), offers=('Negotiate', 'NTLM', BASIC)))


def weak():
    return good(login(answer()))


# ---- what hosts have offered ----

@tap.each([(f'a host that offered NTLM and now only Basic: {verb}', verb)
           for verb in ('refresh', 'repair')])
def _(verb):
    forget()
    found('create', {C: strong()})
    tap.same(shown()['offered_before'], [f'{C}=Negotiate,NTLM,Basic'])
    before = shown()
    peer = weak()
    for _ in range(2):
        done = profile(verb, {C: peer})
        tap.same(done.returncode, BLOCKED, done.stdout)
        tap.has(done.stdout, 'offered better before and now only Basic')
        tap.has(done.stdout, 'keeps the settings that it has')
        tap.same((peer.logins, credentialed()), ([], []))
        after = shown()
        tap.same((after['answer'], after['offered_before'], after['url']),
                 (before['answer'], before['offered_before'], before['url']))
        peer = weak()


@tap.case('another host than the one that was found may not weaken either')
def _():
    forget()
    found('create', {C: strong()})
    profile('refresh', {B: good(refuse('NTLM'))})
    tap.same(sorted(shown()['offered_before']), [f'{C}=Negotiate,NTLM,Basic', f'{B}=NTLM'])
    peer = weak()
    tap.same(profile('refresh', {B: peer}).returncode, BLOCKED)
    tap.same(peer.logins, [])


@tap.case('what is offered to a search without the right login counts too')
def _():
    forget()
    found('create', {C: weak()})
    tap.same(shown()['offered_before'], [f'{C}=Basic'])
    profile('refresh', {C: good(refuse('NTLM', BASIC))})
    tap.same(shown()['offered_before'], [f'{C}=NTLM,Basic'])
    tap.same(profile('refresh', {C: weak()}).returncode, BLOCKED)


@tap.case('a scheme that nobody here can do is better than Basic')
def _():
    forget()
    found('create', {C: good(login(answer(), ('Digest realm="x", nonce="1"', BASIC)))},
          '--auth', 'basic')
    tap.same(shown()['offered_before'], [f'{C}=Other,Basic'])
    tap.same(profile('refresh', {C: weak()}).returncode, BLOCKED)


@tap.case('by explicit word it may weaken, and is expected to from then on')
def _():
    forget()
    found('create', {C: strong()})
    found('refresh', {C: weak()}, '--auth', 'basic')
    tap.same(shown()['offered_before'], [f'{C}=Basic'])
    found('refresh', {C: weak()})
    found('refresh', {C: strong()})
    tap.same(profile('refresh', {C: weak()}).returncode, BLOCKED)


@tap.case('--dry-run remembers nothing')
def _():
    forget()
    found('create', {C: weak()})
    found('refresh', {C: strong()}, '--dry-run')
    tap.same(shown()['offered_before'], [f'{C}=Basic'])


# ---- the login name ----

def known_as(name):
    return good(login(answer(), name=name))


@tap.case('the login name is kept, shown and used until another is given')
def _():
    forget()
    found('create', {C: known_as('CONTOSO\\ann')}, '--login', 'CONTOSO\\ann')
    tap.same(shown()['login'], 'CONTOSO\\ann')
    for verb in 'refresh', 'repair':
        found(verb, {C: known_as('CONTOSO\\ann')})
    tap.has(usher('profile', 'show', ADDRESS, '--profiles', folder).stdout, 'CONTOSO\\ann')
    found('refresh', {C: known_as('ann2')}, '--login', 'ann2')
    found('refresh', {C: known_as('ann2')})
    found('refresh', {C: known_as(ADDRESS)}, '--login', ADDRESS)
    tap.same(shown().get('login'), None)
    found('refresh', {C: known_as(ADDRESS)})


@tap.case('a login name that finds nothing takes no place')
def _():
    forget()
    found('create', {C: known_as('ann1')}, '--login', 'ann1')
    tap.true(profile('refresh', {C: known_as('ann1')}, '--login', 'ann2').returncode != FOUND, '')
    tap.same(shown()['login'], 'ann1')
    found('refresh', {C: known_as('ann1')})


# ---- trust ----

def sends_on():
    return {C: good(redirect(ELSEWHERE)), OTHER: good()}


@tap.case('a trusted host is kept, shown and used until others are given')
def _():
    forget()
    tap.same(profile('create', sends_on()).returncode, BLOCKED)
    found('create', sends_on(), '--trust-host', '*.Fabrikam.example', '--trust-host', MAIL)
    tap.same(shown()['trust_hosts'], ['*.fabrikam.example', MAIL])
    found('repair', sends_on())
    tap.has(usher('profile', 'show', ADDRESS, '--profiles', folder).stdout, '*.fabrikam.example')
    found('refresh', sends_on(), '--trust-host', OTHER)
    tap.same(shown()['trust_hosts'], [OTHER])
    tap.same(profile('repair', sends_on(), '--trust-host', MAIL).returncode, BLOCKED)
    tap.same(shown()['trust_hosts'], [OTHER])


@tap.case('a host that a person has agreed to is not asked about again')
def _():
    forget()
    verb = ('profile', 'create')
    status, said = at_terminal(sends_on(), [('Go on? [y/N] ', 'n')], '--profiles', str(folder),
                               command=verb)
    tap.same(status, BLOCKED, said)
    tap.true(not folder.exists(), said)
    status, said = at_terminal(sends_on(), [('Go on? [y/N] ', 'y')], '--profiles', str(folder),
                               command=verb)
    tap.same(status, FOUND, said)
    tap.same(shown()['trust_hosts'], [OTHER])
    found('repair', sends_on())


tap.main()
