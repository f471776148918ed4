"""One search among scripted hosts: `find(hosts, …)` runs it, `expect(run, …)` judges it.

    run = find({C: good(login(answer())), B: NOBODY}, dns={…})
    expect(run, FOUND)

Every host is in DNS at 127.0.0.1 unless `dns` says otherwise."""
import atexit
import contextlib
import json
import os
import pty

from support import scratch, tap
from support.certificates import Authority, self_signed
from support.names import Dns
from support.peers import Closed, Hole, Peer, answer
from support.programs import clean_environment, program, usher

ADDRESS = 'ann@contoso.example'
B, C = 'contoso.example', 'autodiscover.contoso.example'
PLAIN = f'{C}:80'
SRV = f'_autodiscover._tcp.{B}'
MAIL, OTHER = 'mail.contoso.example', 'autodiscover.fabrikam.example'
FOUND, NOT_FOUND, REJECTED, BLOCKED, UNAVAILABLE = range(5)
SHORT, LONG = '200ms', '10s'     # graces
OUTCOMES = ['found', 'not-found', 'rejected', 'blocked', 'unavailable']

folder = contextlib.ExitStack()
atexit.register(folder.close)
HERE = folder.enter_context(scratch.Folder())
authority = Authority(HERE)
stranger = Authority(folder.enter_context(scratch.Folder()), name='Stranger')
OURS = (B, C, MAIL)
GOOD = authority.issue(*OURS, OTHER, 'fabrikam.example', label='good')
WRONG = authority.issue('www.contoso.example', label='wrong')
EXPIRED = authority.issue(*OURS, days=-1, label='expired')
NOT_YET = authority.issue(*OURS, dates=('20900101', '20910101'), label='not-yet')
STRANGE = stranger.issue(*OURS, label='strange')
SELF_SIGNED = self_signed(HERE, *OURS)
PASSWORD = scratch.write(HERE / 'password', 'secret\n', 0o600)


class Run:
    """One search: what usher said, how it ended, how long it took by its own clock."""

    def __init__(self, done):
        self.status, self.errors = done.returncode, done.stderr
        try:
            self.json = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f'exit {done.returncode}: {done.stderr}{done.stdout}') from None
        self.reasons = ' | '.join(a['reason'] for a in self.json['attempts'])
        self.elapsed = self.json['elapsed_ms'] / 1000


def good(script=None, **more):
    """A host with a certificate for all our names."""
    return Peer(*GOOD, script=script if script is not None else answer(), **more)


def route(name, peer):
    """The way to a peer; its port is that of https unless it says another."""
    return ['--connect-to', f'{name if ":" in name else name + ":443"}::{peer.port}']


@contextlib.contextmanager
def raised(hosts, dns=None):
    """Starts `hosts`, name or name:port to Peer, and DNS, and stops them. Gives the options of
    usher that lead there, and the DNS server."""
    with contextlib.ExitStack() as stack:
        known = {name.rsplit(':', 1)[0]: [peer.address] for name, peer in hosts.items()}
        names = stack.enter_context(Dns({**known, **(dns or {})}))
        options = ['--dns', names.server]
        for name, peer in hosts.items():
            stack.enter_context(peer)
            options += route(name, peer)
        yield options, names


def find(hosts, *options, dns=None, address=ADDRESS, trusted=authority.root, password=PASSWORD,
         grace=LONG, **environment):
    """Searches among `hosts`, which are started and stopped. No `password`: none is given.

    With that grace a better source that answers at all is the one that wins, however busy the
    machine is; where one never answers it has to be SHORT."""
    with raised(hosts, dns) as (routes, names):
        command = ['find', address, '--json', '--ca-file', trusted, '--grace', grace, *routes]
        if password:
            command += ['--password-file', password]
        done = usher(*command, *options, **environment)
    run = Run(done)
    run.questions = names.questions
    tap.true('secret' not in done.stdout + done.stderr, 'the password is shown')
    tap.same(run.json['outcome'], OUTCOMES[done.returncode], run.reasons)
    return run


def at_terminal(hosts, answers, *options, dns=None, command=('find',)):
    """Runs usher at a terminal; `answers` are pairs of what it asks and what is typed."""
    with raised(hosts, dns) as (routes, _):
        words = [*command, ADDRESS, '--ca-file', str(authority.root), '--grace', LONG, *routes,
                 *options]
        path, environment = program('usher'), clean_environment()
        child, terminal = pty.fork()
        if child == 0:
            os.execve(path, ['usher', *words], environment)
        said = ''
        try:
            for question, typed in answers:
                while question not in said:
                    said += os.read(terminal, 4096).decode()
                said = said.replace(question, '', 1)
                os.write(terminal, typed.encode() + b'\n')
            while more := os.read(terminal, 4096):
                said += more.decode()
        except OSError:  # the other end is closed
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def results(run, letter):
    """What came of the attempts of one source, in order."""
    return [a['result'] for a in run.json['attempts'] if a['source'] == letter]


def timed_out(run):
    """The attempts that a limit of time has ended, and why."""
    return [(a['url'], a['reason']) for a in run.json['attempts']
            if ' in time' in a['reason'] or 'the time for the whole search' in a['reason']]


def expect(run, outcome, reason=''):
    """The outcome, and words of the reason of an attempt or of the whole."""
    tap.same(run.json['outcome'], OUTCOMES[outcome], run.reasons)
    tap.has(run.reasons + ' | ' + run.json['reason'], reason)
