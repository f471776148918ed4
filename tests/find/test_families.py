#!/usr/bin/python3
"""`usher find` where a host has IPv6 and IPv4, and one of them leads nowhere (RFC 8305)."""
import contextlib
import fcntl
import json
import os
import struct
import subprocess
import sys

from support import netns, scratch, tap
from support.certificates import Authority
from support.programs import usher

netns.enter()

from support.names import AAAA, A, Dns, nodata, servfail  # noqa: E402
from support.peers import Peer, answer  # noqa: E402

ADDRESS, C = 'ann@contoso.example', 'autodiscover.contoso.example'
HOST, HOST_6 = '198.51.100.1', '2001:db8:1::1'
# Behind an interface that takes every packet and delivers none.
LOST, LOST_TOO, LOST_6 = '203.0.113.7', '203.0.113.8', '2001:db8:2::7'
NO_ROUTE, NO_ROUTE_6 = '192.0.2.7', '2001:db8:3::7'
REFUSES, REFUSES_TOO = '198.51.100.2', '198.51.100.3'
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000      # <linux/if_tun.h>
# A search that waited for the other family's records would take DNS's five seconds. How soon the
# next address is tried is shown without a clock in tests/unit/net/test_race.c.
WAITED_MS = 4500


@contextlib.contextmanager
def nowhere():
    """An interface whose other end nobody reads."""
    try:
        end = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(end, TUNSETIFF, struct.pack('16sH22x', b'nowhere', IFF_TUN | IFF_NO_PI))
    except OSError as fault:
        print(f'1..0 # SKIP no interface that loses packets: {fault}')
        sys.exit(0)
    for command in ('link set nowhere up', 'address add 203.0.113.1/24 dev nowhere',
                    'address add 2001:db8:2::1/64 dev nowhere nodad'):
        subprocess.run(['ip', *command.split()], check=True)
    yield
    os.close(end)


def without(kind, *entries, how=lambda question: []):
    """Entries that are told, but for the records of one kind."""
    def behave(question):
        if question.kind == kind:
            return how(question)
        return [question.reply(question.records(entries))]
    return behave


def find(entries):
    """How the search ended, and in how many milliseconds."""
    with Dns({C: entries}) as names:
        done = usher('--json', 'find', ADDRESS, '--dns', names.server, '--ca-file', authority.root)
    said = json.loads(done.stdout)
    return said['outcome'], said['elapsed_ms'], said


with contextlib.ExitStack() as stack:
    folder = stack.enter_context(scratch.Folder())
    authority = Authority(folder)
    certificate = authority.issue(C, label='good')
    netns.add_address(HOST)
    netns.add_address(HOST_6)
    for at in (REFUSES, REFUSES_TOO):
        netns.add_address(at)
    stack.enter_context(nowhere())
    for at in (HOST, HOST_6):
        stack.enter_context(Peer(*certificate, script=answer(), at=(at, 443)))

    @tap.each([('both lead there', [HOST, HOST_6]),
               ('IPv6 loses packets', [HOST, LOST_6]),
               ('IPv4 loses packets', [LOST, HOST_6]),
               ('IPv6 has no route', [HOST, NO_ROUTE_6]),
               ('there is only IPv6', [HOST_6]),
               ('there is only IPv4', [HOST]),
               ('DNS says nothing about IPv6', without(AAAA, HOST)),
               ('DNS says nothing about IPv4', without(A, HOST_6)),
               ('DNS has trouble with IPv6', without(AAAA, HOST, how=servfail)),
               ('DNS has trouble with IPv4', without(A, HOST_6, how=servfail)),
               ('DNS has no IPv6', without(AAAA, HOST, how=nodata))])
    def _(entries):
        outcome, elapsed_ms, said = find(entries)
        tap.same(outcome, 'found', said['reason'])
        tap.true(elapsed_ms < WAITED_MS, f'{elapsed_ms} ms')

    @tap.each([('the first of two addresses loses packets', [LOST, HOST], 250),
               ('two of three addresses lose packets', [LOST, LOST_TOO, HOST], 500),
               ('the first of two addresses refuses', [REFUSES, HOST], 0),
               ('IPv6 loses packets, and one of IPv4', [LOST_6, HOST, LOST], 250)])
    def _(entries, least_ms):
        outcome, elapsed_ms, said = find(entries)
        tap.same(outcome, 'found', said['reason'])
        tap.true(elapsed_ms >= least_ms, f'{elapsed_ms} ms')

    @tap.each([('all addresses lose packets', [LOST, LOST_TOO, LOST_6], 2500, 'unavailable',
                'in time'),
               ('all addresses refuse', [REFUSES, REFUSES_TOO], 0, 'not-found', 'refused'),
               ('no address has a route', [NO_ROUTE, NO_ROUTE_6], 0, 'unavailable',
                'no network path')])
    def _(entries, least_ms, expected, why):
        outcome, elapsed_ms, said = find(entries)
        tap.same(outcome, expected, said['reason'])
        tap.true(any(why in a['reason'] for a in said['attempts']), said['attempts'])
        tap.true(elapsed_ms >= least_ms, f'{elapsed_ms} ms')

    tap.main()
