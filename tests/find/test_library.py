#!/usr/bin/python3
"""libusher as another language uses it: loaded by ctypes, with callbacks, among scripted hosts."""
import contextlib
import ctypes
import json
import os
import subprocess
import sys
import threading

from support import scratch, tap
from support.certificates import Authority
from support.names import Dns
from support.peers import PATH, Peer, answer, login, redirect

LIBRARY = sys.argv.pop(1)
ADDRESS, C = 'ann@contoso.example', 'autodiscover.contoso.example'
OTHER = 'autodiscover.fabrikam.example'
OK, USAGE = 0, 100
FIND, ATTEMPT, ACCOUNT, USER, PROTOCOL = range(5)


class Challenge(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('url', ctypes.c_char_p), ('host', ctypes.c_char_p),
                ('realm', ctypes.c_char_p), ('address', ctypes.c_char_p)]


class Credentials(ctypes.Structure):
    _fields_ = [('login', ctypes.c_char * 320), ('password', ctypes.c_char * 1025)]


class Redirect(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('address', ctypes.c_char_p), ('from_', ctypes.c_char_p),
                ('to', ctypes.c_char_p), ('host', ctypes.c_char_p)]


ASK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Challenge), ctypes.POINTER(Credentials),
                       ctypes.c_void_p)
TRUST = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Redirect), ctypes.c_void_p)


class Options(ctypes.Structure):
    _fields_ = [('size', ctypes.c_size_t), ('login', ctypes.c_char_p),
                ('password', ctypes.c_char_p), ('credentials', ASK), ('trust', TRUST),
                ('payload', ctypes.c_void_p), ('trust_hosts', ctypes.POINTER(ctypes.c_char_p)),
                ('timeout_ms', ctypes.c_uint64), ('connect_to', ctypes.POINTER(ctypes.c_char_p)),
                ('dns_server', ctypes.c_char_p), ('ca_file', ctypes.c_char_p),
                ('now', ctypes.c_int64)]


def load():
    with open('/proc/self/maps', encoding='ascii') as maps:
        preloaded = 'asan' in maps.read()
    symbols = subprocess.run(['nm', '--dynamic', LIBRARY], capture_output=True, text=True,
                             check=False).stdout
    if '__asan' in symbols and not preloaded:
        print('1..0 # SKIP a sanitizer does not go into a running Python')
        sys.exit(0)
    library = ctypes.CDLL(LIBRARY)
    result = ctypes.c_void_p
    for name, returns, takes in (
            ('usher_find', ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(Options),
                                          ctypes.POINTER(result), ctypes.c_void_p]),
            ('usher_result_free', None, [result]),
            ('usher_result_outcome', ctypes.c_int, [result]),
            ('usher_result_count', ctypes.c_size_t, [result, ctypes.c_int]),
            ('usher_result_text', ctypes.c_char_p, [result, ctypes.c_int, ctypes.c_size_t,
                                                    ctypes.c_char_p]),
            ('usher_result_number', ctypes.c_int64, [result, ctypes.c_int, ctypes.c_size_t,
                                                     ctypes.c_char_p]),
            ('usher_result_item', ctypes.c_char_p, [result, ctypes.c_int, ctypes.c_size_t,
                                                    ctypes.c_char_p, ctypes.c_size_t]),
            ('usher_result_json', ctypes.c_char_p, [result]),
            ('usher_result_document', ctypes.c_void_p, [result,
                                                        ctypes.POINTER(ctypes.c_size_t)])):
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes
    return library


usher = load()
folder = contextlib.ExitStack()
if __name__ == '__main__':
    authority = Authority(folder.enter_context(scratch.Folder()))
    GOOD = authority.issue(C, OTHER, label='good')


def texts(*items):
    return (ctypes.c_char_p * (len(items) + 1))(*(i.encode() for i in items), None)


@contextlib.contextmanager
def find(hosts, **options):
    """A search; its result is freed at the end of the block."""
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(Dns())
        routes = [f'{name}:443:127.0.0.1:{stack.enter_context(p).port}' for name, p in hosts.items()]
        o = Options(size=ctypes.sizeof(Options), dns_server=names.server.encode(),
                    ca_file=str(authority.root).encode(), connect_to=texts(*routes), **options)
        result = ctypes.c_void_p()
        tap.same(usher.usher_find(ADDRESS.encode(), ctypes.byref(o), ctypes.byref(result), None), OK)
        stack.callback(usher.usher_result_free, result)
        yield result


@tap.case('the getters tell what was found')
def _():
    with find({C: Peer(*GOOD, script=answer())}) as r:
        tap.same(usher.usher_result_outcome(r), 0)
        tap.same(usher.usher_result_text(r, FIND, 0, b'url'), f'https://{C}{PATH}'.encode())
        tap.same(usher.usher_result_text(r, FIND, 0, b'source_name'), b'autodiscover host')
        tap.same(usher.usher_result_text(r, USER, 0, b'display_name'), b'Ann Example')
        tap.same(usher.usher_result_text(r, ACCOUNT, 0, b'account_type'), b'email')
        tap.same(usher.usher_result_count(r, PROTOCOL), 2)
        tap.same(usher.usher_result_text(r, PROTOCOL, 0, b'type'), b'EXCH')
        tap.same(usher.usher_result_number(r, PROTOCOL, 0, b'ttl'), 8)
        tap.same(usher.usher_result_number(r, PROTOCOL, 1, b'ssl'), 1)
        tap.same(usher.usher_result_number(r, PROTOCOL, 0, b'ssl'), -1)
        tap.same(usher.usher_result_text(r, PROTOCOL, 2, b'type'), None)
        tap.same(usher.usher_result_text(r, ATTEMPT, 0, b'tls_verdict'), b'verified')
        tap.same(usher.usher_result_item(r, ATTEMPT, 0, b'tls_names', 1), OTHER.encode())
        tap.same(usher.usher_result_item(r, ATTEMPT, 0, b'tls_names', 2), None)
        length = ctypes.c_size_t()
        where = usher.usher_result_document(r, ctypes.byref(length))
        tap.has(ctypes.string_at(where, length.value), b'<Action>settings</Action>')
        said = json.loads(usher.usher_result_json(r))
        tap.same((said['outcome'], said['answer']['protocols'][0]['server']),
                 ('found', 'mail.contoso.example'))


@tap.case('the password is asked for once, by a verified host that asked')
def _():
    asked = []

    def ask(challenge, out, _):
        c = challenge.contents
        asked.append((c.host, c.realm, c.address, out.contents.login))
        out.contents.password = b'secret'
        return 1
    peer = Peer(*GOOD, script=login(answer()))
    with find({C: peer}, credentials=ASK(ask)) as r:
        tap.same(usher.usher_result_outcome(r), 0)
    tap.same(asked, [(C.encode(), b'contoso', ADDRESS.encode(), ADDRESS.encode())])


@tap.case('who gives no password is not asked again')
def _():
    asked = []
    peer = Peer(*GOOD, script=login(answer()))
    with find({C: peer}, credentials=ASK(lambda c, o, p: asked.append(1) or 0)) as r:
        tap.same(usher.usher_result_outcome(r), 2)
    tap.same((len(asked), peer.logins), (1, []))


@tap.each([('a redirect that the program trusts is followed', 1, 0),
           ('a redirect that the program refuses is not', 0, 3)])
def _(decision, outcome):
    asked = []

    def trust(redirect_, _):
        asked.append((redirect_.contents.from_, redirect_.contents.to, redirect_.contents.host))
        return decision
    target = Peer(*GOOD, script=login(answer()))
    with find({C: Peer(*GOOD, script=redirect(f'https://{OTHER}{PATH}')), OTHER: target},
              trust=TRUST(trust), password=b'secret') as r:
        tap.same(usher.usher_result_outcome(r), outcome)
    tap.same(asked, [(f'https://{C}{PATH}'.encode(), f'https://{OTHER}{PATH}'.encode(),
                      OTHER.encode())])
    tap.same(len(target.logins), decision)


@tap.case('eight threads search at once')
def _():
    outcomes = []

    def one():
        with find({C: Peer(*GOOD, script=login(answer()))}, password=b'secret') as r:
            outcomes.append(usher.usher_result_outcome(r))
    threads = [threading.Thread(target=one) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    tap.same(outcomes, [0] * 8)


ALONE = '''
import ctypes, os, sys
sys.argv = ['', {library!r}]
sys.path.insert(0, {here!r})
import test_library as t
def state():
    return sorted(os.listdir('/proc/self/fd')), len(os.listdir('/proc/self/task'))
def search():
    o = t.Options(size=ctypes.sizeof(t.Options), dns_server={dns!r}, ca_file={ca!r},
                  password=b'secret', connect_to=t.texts({route!r}))
    r = ctypes.c_void_p()
    t.usher.usher_find(t.ADDRESS.encode(), ctypes.byref(o), ctypes.byref(r), None)
    assert t.usher.usher_result_outcome(r) == 0
    t.usher.usher_result_free(r)
search()
before = state()
for _ in range(5):
    search()
assert state() == before, (before, state())
assert before[1] == 1, before
'''


@tap.case('no descriptor is left behind, and no thread is started')
def _():
    with Dns() as names, Peer(*GOOD, script=login(answer())) as peer:
        script = ALONE.format(library=LIBRARY, here=os.path.dirname(os.path.abspath(__file__)),
                              dns=names.server.encode(), ca=str(authority.root).encode(),
                              route=f'{C}:443:127.0.0.1:{peer.port}')
        done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                              check=False)
    tap.same(done.returncode, 0, done.stderr)


if __name__ == '__main__':
    with folder:
        tap.main()
