#!/usr/bin/python3
"""`usher find` without any seam: the system's resolver, its trust store, and port 443."""
import contextlib
import json

from support import netns, scratch, tap
from support.certificates import Authority
from support.programs import usher

netns.enter()

from support.peers import PATH, Peer, answer, login, redirect, to_url  # noqa: E402

ROOT, AUTO, SERVICE = 'root.example', 'autodiscover.auto.example', '127.1.0.1'
# They look public; nothing leaves the namespace.
PUBLIC, PUBLIC_TOO, PUBLIC_6 = '198.51.100.1', '198.51.100.2', '2001:db8::1'
PRIVATE, PRIVATE_6 = '10.1.0.1', 'fd00::1'
LOCAL = '127.0.0.2'
METADATA = '169.254.169.254'    # where clouds keep their secrets
INSIDE = (PRIVATE, PRIVATE_6, LOCAL, METADATA)

# A domain: where its autodiscover host is, by which the user is sent to its mail host, where that
# is, and how it ends: the address that is asked, or nobody.
SENT_ON = {
    'private': (PUBLIC, 'location', [PRIVATE], None),
    'private6': (PUBLIC, 'location', [PRIVATE_6], None),
    'loopback': (PUBLIC, 'location', [LOCAL], None),
    'metadata': (PUBLIC, 'location', [METADATA], None),
    'document': (PUBLIC, 'document', [PRIVATE], None),
    'plain': (PUBLIC, 'plain', [PRIVATE], None),
    'from6': (PUBLIC_6, 'location', [LOCAL], None),
    'both': (PUBLIC, 'location', [PRIVATE, PUBLIC_TOO], PUBLIC_TOO),
    'public': (PUBLIC, 'location', [PUBLIC_TOO], PUBLIC_TOO),
    'within': (PRIVATE, 'location', [LOCAL], LOCAL),
    'outward': (PRIVATE, 'location', [PUBLIC_TOO], PUBLIC_TOO),
}


def send_on(connection, request):
    """To the mail host of the domain that is asked for, by the way that it uses."""
    domain = request['fields']['host'].removeprefix('autodiscover.')
    way, target = SENT_ON[domain.split('.')[0]][1], f'https://mail.{domain}{PATH}'
    return (to_url(target) if way == 'document' else redirect(target))(connection, request)


def records():
    """The zone of these domains."""
    for label, (source, way, targets, _) in SENT_ON.items():
        hosts = {f'autodiscover.{label}.example.': [source], f'mail.{label}.example.': targets}
        for name, addresses in hosts.items():
            for address in addresses:
                yield f'{name} {"AAAA" if ":" in address else "A"} {address}'


def find(address, *options):
    done = usher('find', address, '--json', *options)
    said = json.loads(done.stdout)
    return done.returncode, said, ' | '.join(a['reason'] for a in said['attempts'])


with contextlib.ExitStack() as stack:
    folder = stack.enter_context(scratch.Folder())
    authority = Authority(folder)
    good = authority.issue(ROOT, AUTO, label='good')
    sent_on = authority.issue(*(f'{host}.{label}.example' for label in SENT_ON
                                for host in ('autodiscover', 'mail')), label='sent-on')
    for address in (SERVICE, PUBLIC, PUBLIC_TOO, PUBLIC_6, PRIVATE, PRIVATE_6, METADATA):
        netns.add_address(address)
    netns.trust(authority, folder)
    peer = stack.enter_context(Peer(*good, script=login(answer(), name='ann@auto.example'),
                                    at=(SERVICE, 443)))
    stack.enter_context(netns.Dns(folder, [f'{ROOT}. A {SERVICE}', f'{AUTO}. A {SERVICE}',
                                           *records()]))
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
        tap.same([a['dns_error'] for a in said['attempts']], ['NXDOMAIN'] * 5)

    @tap.case('variables do not decide whom we trust')
    def _():
        stranger = Authority(stack.enter_context(scratch.Folder()))
        chain, key = stranger.issue('nowhere.example', label='stranger')
        with Peer(chain, key, script=answer(), at=(SERVICE, 8443)):
            done = usher('find', 'ann@nowhere.example', '--connect-to',
                         f'autodiscover.nowhere.example:443:{SERVICE}:8443',
                         SSL_CERT_FILE=stranger.root, CURL_CA_BUNDLE=stranger.root)
        tap.same(done.returncode, 3, done.stdout)

    def sent(label, *options):
        """Who was asked by the search for that domain, by address."""
        source, way, targets, _ = SENT_ON[label]
        with contextlib.ExitStack() as hosts:
            hosts.enter_context(Peer(*((None, None) if way == 'plain' else sent_on),
                                     script=send_on, at=(source, 80 if way == 'plain' else 443)))
            asked = {a: hosts.enter_context(Peer(*sent_on, script=login(
                answer(), name=f'ann@{label}.example'), at=(a, 443))) for a in targets}
            status, _, how = find(f'ann@{label}.example', '--password-file', password, *options)
        return status, how, {a: len(peer.logins) for a, peer in asked.items() if peer.connections}

    @tap.each([(f'sent on, {label}: {want or "nobody"} is asked', label, want)
               for label, (*_, want) in SENT_ON.items()])
    def _(label, want):
        status, how, asked = sent(label)
        tap.same((status, asked), (0, {want: 1}) if want else (3, {}), how)
        if not want:
            tap.has(how, 'which is on this machine or a private network')

    @tap.case('sent on to a private host that is trusted')
    def _():
        status, how, asked = sent('private', '--trust-host', 'mail.private.example')
        tap.same((status, asked), (0, {PRIVATE: 1}), how)

    tap.main()
