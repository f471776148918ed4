#!/usr/bin/python3
"""`usher find` without any seam: the system's resolver, its trust store, and port 443."""
import contextlib
import json

from support import netns, scratch, tap
from support.certificates import Authority
from support.programs import usher

netns.enter()

from support.peers import answer, login, Peer  # noqa: E402

ROOT, AUTO, SERVICE = 'root.example', 'autodiscover.auto.example', '127.1.0.1'


def find(address, *options):
    done = usher('find', address, '--json', *options)
    said = json.loads(done.stdout)
    return done.returncode, said, ' | '.join(a['reason'] for a in said['attempts'])


with contextlib.ExitStack() as stack:
    folder = stack.enter_context(scratch.Folder())
    authority = Authority(folder)
    good = authority.issue(ROOT, AUTO, label='good')
    netns.add_address(SERVICE)
    netns.trust(authority, folder)
    peer = stack.enter_context(Peer(*good, script=login(answer(), name='ann@auto.example'),
                                    at=(SERVICE, 443)))
    stack.enter_context(netns.Dns(folder, [f'{ROOT}. A {SERVICE}', f'{AUTO}. A {SERVICE}']))
    password = scratch.write(folder / 'password', 'secret\n', 0o600)

    @tap.case('a host whose authority the system trusts')
    def _():
        status, said, how = find('ann@auto.example', '--password-file', password)
        tap.same((status, said['source']), (0, 'C'), how)

    @tap.case('the same host under the name of the other domain')
    def _():
        status, _, how = find('ann@root.example')
        tap.same(status, 2, how)

    @tap.case('a domain that there is not')
    def _():
        status, said, how = find('ann@nowhere.example')
        tap.same(status, 1, how)
        tap.same([a['dns_error'] for a in said['attempts']], ['NXDOMAIN'] * 4)

    @tap.case('variables do not decide whom we trust')
    def _():
        stranger = Authority(stack.enter_context(scratch.Folder()))
        chain, key = stranger.issue('nowhere.example', label='stranger')
        with Peer(chain, key, script=answer(), at=(SERVICE, 8443)):
            done = usher('find', 'ann@nowhere.example', '--connect-to',
                         f'autodiscover.nowhere.example:443:{SERVICE}:8443',
                         SSL_CERT_FILE=stranger.root, CURL_CA_BUNDLE=stranger.root)
        tap.same(done.returncode, 3, done.stdout)

    tap.main()
