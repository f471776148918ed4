#!/usr/bin/python3
"""Directories and usherd are killed and stopped under load, one after the other, at random.

    test_failover.py [--rounds N] [--seed N] [--clients N]

Each round one of the two directories or three usherd is killed (SIGKILL) or hangs (SIGSTOP) and is
brought back. Nothing that is asked again after the balancer's own detection time may fail, no answer
may be wrong, and a change made at either directory is seen everywhere within the stated staleness."""
import argparse
import contextlib
import random
import re
import secrets
import sys
import time

from support import netns, post, scratch, tap

netns.enter()

from cluster import DOMAIN, FILES, HOST, PASSWORD, SUFFIX, Cluster, until  # noqa: E402
from load import Load, Question, Truth  # noqa: E402
from support.programs import usher_ok  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument('--rounds', type=int, default=4)
parser.add_argument('--seed', type=int, default=secrets.randbelow(1_000_000))
parser.add_argument('--clients', type=int, default=6)
options, sys.argv[1:] = parser.parse_known_args()
chance = random.Random(options.seed)
tap.note(f'--seed {options.seed}')

PEOPLE = ('ana', 'ben', 'cleo')
MOVING = 'ana'  # whose name changes
LISTS = f'lists.{DOMAIN}'  # a domain whose answers are made of configuration alone
POX = '/autodiscover/autodiscover.xml'


def entry(name):
    """A person as administrators of OpenLDAP have them."""
    return (f'dn: uid={name},ou=People,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {name}\n'
            f'cn: {name}\nsn: {name}\ndisplayName: {name} 0\nmail: {name}@{DOMAIN}\n'
            f'userPassword: {PASSWORD}\n\n')


def pox(address, login):
    """A question of Outlook's."""
    return {'method': 'POST', 'path': POX, 'body': post.POX_REQUEST.format(address),
            'fields': {'Authorization': post.basic(login, PASSWORD)}}


QUESTIONS = {q.name: q for q in (
    *(Question(name, **pox(f'{name}@{DOMAIN}', f'{name}@{DOMAIN}')) for name in PEOPLE),
    Question('nobody', **pox(f'nobody@{DOMAIN}', f'ben@{DOMAIN}')),
    Question('wrong password', 'POST', POX, post.POX_REQUEST.format(f'ben@{DOMAIN}'),
             {'Authorization': post.basic(f'ben@{DOMAIN}', 'not this')}),
    Question('autoconfig', 'GET', f'/mail/config-v1.1.xml?emailaddress=x@{LISTS}'),
    Question('json', 'GET', f'/autodiscover/autodiscover.json?Email=x@{DOMAIN}&Protocol=Ews'))}


def configure(directory, *words):
    """What an administrator does on the machine of a directory."""
    return usher_ok('--config', directory.config, *words)


def stated(key):
    """Seconds that [directory] of usherd's configuration says."""
    number, unit = re.search(rf'^{key} = (\d+)(ms|s|m)$', (FILES / 'usherd.conf').read_text(
        encoding='utf-8'), re.M).groups()
    return int(number) * {'ms': 0.001, 's': 1, 'm': 60}[unit]


class Change:
    """Something that is changed again and again: the number in `text` grows in the answer to
    `question`. `make` does it at a directory. `longest` is how long it took until all knew."""

    def __init__(self, question, text, make):
        self.question, self._text, self._make = question, text, make
        self.number, self.longest = 0, 0.0

    def make(self, directory):
        """The next one. Its answer may be seen from here on."""
        status, body = truth.newest(self.question)
        old, new = (self._text.format(n).encode() for n in (self.number, self.number + 1))
        tap.true(old in body, f'no {old} in {body}')
        truth.begins(self.question, (status, body.replace(old, new)))
        self.number += 1
        self._make(directory, self.number)

    def settle(self):
        """Waits until both directories have it, and then until all usherd do."""
        begun = cluster.agree()
        truth.settles(self.question)
        wanted = [truth.newest(self.question)] * len(cluster.services)
        until(lambda: ask_each(self.question) == wanted, f'all know of {self.question}')
        self.longest = max(self.longest, time.monotonic() - begun)


def rename(directory, number):
    """A person's name, as other programs change it."""
    directory.change(f'dn: uid={MOVING},ou=People,{SUFFIX}\nchangetype: modify\n'
                     f'replace: displayName\ndisplayName: {MOVING} {number}\n')


def move(directory, number):
    """Another server for a domain's mail."""
    configure(directory, 'service', 'set', LISTS, 'imap', '--host', f'imap{number}.{DOMAIN}')


def ask_each(name):
    """What each usherd answers, without the balancer. It must be right."""
    answers = []
    for service in cluster.services:
        connection = load.connect(where=service.https[0])
        began = time.monotonic()
        answers.append(QUESTIONS[name].ask(connection))
        connection.close()
        tap.true(truth.right(name, answers[-1], began, time.monotonic()),
                 f'{service.name} answers {answers[-1]} to {name}')
    return answers


def prepare(first):
    """People and configuration, made at one directory."""
    configure(first, 'setup', '--domain', DOMAIN, '--host', HOST, '--organization', 'Harbour')
    configure(first, 'domain', 'add', LISTS, '--kind', 'mail')
    configure(first, 'service', 'add', LISTS, 'imap', '--host', f'imap0.{DOMAIN}', '--port', '993',
              '--socket', 'tls')
    first.change(''.join(map(entry, PEOPLE)))


stack = contextlib.ExitStack()
folder = stack.enter_context(scratch.Folder())
cluster = stack.enter_context(Cluster(folder, prepare))
# What is asked for just before a change may come in just after it.
truth = Truth({MOVING: stated('cache') + stated('timeout'),
               'autoconfig': stated('refresh') + stated('timeout')})
load = Load(truth, list(QUESTIONS.values()), cluster.authority, options.seed, options.clients,
            cluster.detection_seconds)
changes = [Change(MOVING, f'<DisplayName>{MOVING} {{}}</DisplayName>', rename),
           Change('autoconfig', f'imap{{}}.{DOMAIN}', move)]


def well():
    """Nobody was told anything wrong so far."""
    tap.same(load.told[:5], [])
    tap.note(f'{load.counts}')


@tap.case('the same answers come from all three')
def _():
    for name, question in QUESTIONS.items():
        connection = load.connect(where=cluster.services[0].https[0])
        truth.begins(name, question.ask(connection))
        connection.close()
        ask_each(name)
    tap.same([truth.newest(name)[0] for name in QUESTIONS],
             [200, 200, 200, 200, 401, 200, 200])
    stack.enter_context(load)


@tap.each([(f'a change of {change.question} is seen everywhere in time', change)
           for change in changes])
def _(change):
    for directory in cluster.directories:
        change.make(directory)
        change.settle()
    well()
    return f'{change.longest:.2f} s'


@tap.case(f'{options.rounds} times one of five is killed or hangs, and a second try mends it')
def _():
    for number in range(options.rounds):
        victim = chance.choice(list(cluster.machines.values()))
        how = chance.choice((victim.kill, victim.stop))
        absent = chance.uniform(0, 1.5 * cluster.detection_seconds)
        change = chance.choice(changes)
        tap.note(f'{number + 1}: {how.__name__} {victim.name} for {absent:.1f} s')
        how()
        change.make(chance.choice([d for d in cluster.directories if d is not victim]))
        time.sleep(absent)
        victim.mend()
        change.settle()
        # The balancer sees that it is back before the next one goes.
        time.sleep(cluster.detection_seconds)
    well()


with stack:
    tap.main()
