#!/usr/bin/python3
"""What clients and disks may do to usherd: it answers clearly, and goes on serving."""
import os
import pathlib
import subprocess
import time

import site_contoso as site
from support import tap
from support.daemon import Usherd
from support.post import POX_REQUEST, Answer, basic, exchange
from support.scratch import Folder

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
daemon = Usherd(folder, config='[limits]\nbody time = 1s\n', listeners=('https',))
daemon.__enter__()
PATH = '/autodiscover/autodiscover.xml'
MEGABYTES_10 = 10 * 1024 * 1024
QUESTION = POX_REQUEST.format('nora@contoso.com').encode()


def send(fields, body):
    """Sends a question with exactly these fields and bytes; the answers that come, in order."""
    head = (f'POST {PATH} HTTP/1.1\r\nHost: {site.HOST}\r\nContent-Type: text/xml\r\n'
            f'Authorization: {basic("nora@contoso.com", site.PASSWORD)}\r\n{fields}\r\n')
    raw = exchange(daemon.https, head.encode() + body, root=False, name=site.HOST)
    answers = []
    while raw:
        answer = Answer(raw)
        length = int(answer.fields['content-length'])
        raw, answer.body = answer.body[length:], answer.body[:length]
        answers.append(answer)
    return answers


def well():
    """It still answers."""
    tap.same(site.ask(daemon, login='nora@contoso.com').status, 200)


@tap.each([
    ('10 MB, announced', f'Content-Length: {MEGABYTES_10}\r\n', b'x' * MEGABYTES_10),
    ('10 MB in one chunk', 'Transfer-Encoding: chunked\r\n',
     f'{MEGABYTES_10:x}\r\n'.encode() + b'x' * MEGABYTES_10 + b'\r\n0\r\n\r\n'),
    ('10 MB in chunks of 1 KB', 'Transfer-Encoding: chunked\r\n',
     (b'400\r\n' + b'x' * 1024 + b'\r\n') * (MEGABYTES_10 // 1024) + b'0\r\n\r\n'),
])
def _(fields, body):
    try:
        tap.same([a.status for a in send(fields, body)], [413])
    except BrokenPipeError:
        tap.note('it closed before all was sent')
    well()


@tap.case('a Content-Length that is too small: the rest is no request')
def _():
    answers = send(f'Content-Length: {len(QUESTION) - 20}\r\n', QUESTION + b'\r\n\r\n')
    tap.same([a.status for a in answers], [200, 400])
    tap.has(answers[0].body, b'<ErrorCode>600</ErrorCode>')
    well()


@tap.case('a Content-Length that is too large: the time for the body ends it')
def _():
    tap.same([a.status for a in send(f'Content-Length: {len(QUESTION) + 20}\r\n', QUESTION)],
             [408])
    well()


@tap.each([
    ('a control byte in the address', 'no\x01ra@contoso.com'.encode()),
    ('a control byte by reference', b'no&#1;ra@contoso.com'),
    ('NUL by reference', b'nora@contoso.com&#0;'),
    ('NUL in the address', b'nora@contoso.com\0'),
    ('a C1 control in the address', 'no\x9bra@contoso.com'.encode()),
    ('a line end in the address', b'nora@contoso.com\r\n.example'),
    ('UTF-8 cut short', b'nor\xc3@contoso.com'),
    ('overlong UTF-8', b'nor\xc0\xa1@contoso.com'),
    ('a surrogate', b'nor\xed\xa0\x80@contoso.com'),
    ('65 bytes before the at sign', b'x' * 65 + b'@contoso.com'),
    ('a domain of 300 bytes', b'nora@' + b'x.' * 150 + b'com'),
    ('1,000 nested elements', b'<a>' * 1000 + b'</a>' * 1000),
])
def _(text):
    body = POX_REQUEST.format('@@').encode().replace(b'@@', text)
    answers = send(f'Content-Length: {len(body)}\r\nConnection: close\r\n', body)
    tap.same([a.status for a in answers], [200])
    tap.has(answers[0].body, b'<ErrorCode>600</ErrorCode>')
    well()


def on_a_disk(prepare):
    """A wrapper for usherd: `prepare` runs in a mount namespace of its own before it starts."""
    options = '-m' if os.geteuid() == 0 else '-rm'
    tap.need('unshare')
    if subprocess.run(['unshare', options, 'true'], check=False, capture_output=True).returncode:
        tap.skip('no mount namespace to be had here')
    return 'unshare', options, 'sh', '-euc', prepare + '\nexec "$@"', 'sh'


def elsewhere(home, prepare):
    """An usherd, not yet started, on a directory in `home`/disk; `prepare` makes that from $FROM."""
    data, disk = home / 'data', home / 'disk'
    data.mkdir()
    disk.mkdir()
    site.make(data)
    wrapper = on_a_disk(f'FROM={data} DISK={disk} HOME={home}\n'
                        'fill() { dd if=/dev/zero of=$DISK/filler bs=1k 2>/dev/null || true; }\n'
                        + prepare)
    return Usherd(home, directory=f'sqlite:{disk}/usher.db', listeners=('https',),
                  wrapper=wrapper)


@tap.case('a directory on a read-only file system is served')
def _():
    with Folder() as home, elsewhere(
            home, 'cp -a $FROM/. $DISK; mount --bind $DISK $DISK; mount -o remount,ro,bind $DISK'
    ) as other:
        tap.same(site.ask(other, login='nora@contoso.com').status, 200)
        tap.same(site.ask(other, login='nora@contoso.com', password='wrong').status, 401)


TMPFS = 'mount -t tmpfs -o size=4m tmpfs $DISK; cp -a $FROM/. $DISK\n'


@tap.case('a directory whose disk fills up is served on')
def _():
    with Folder() as home, elsewhere(home, TMPFS + (
            '(while [ ! -e $HOME/go ]; do sleep 0.1; done; fill; touch $HOME/full) &')) as other:
        (home / 'go').touch()
        end = time.monotonic() + 20
        while not (home / 'full').exists():
            tap.true(time.monotonic() < end, 'the disk is not full yet')
            time.sleep(0.05)
        for _round in range(5):
            tap.same(site.ask(other, login='nora@contoso.com').status, 200)
            tap.same(site.ask(other, login='nora@contoso.com', password='wrong').status, 401)


@tap.case('on a disk that is full already usherd says so and does not start')
def _():
    with Folder() as home:
        other = elsewhere(home, TMPFS + 'fill')
        try:
            other.__enter__()
        except RuntimeError as fault:
            tap.has(str(fault), 'ended with 4')
            tap.has(str(fault), 'usher.db: no room left on its file system')
        else:
            other.__exit__(None)
            raise AssertionError('it started')


@tap.case('it holds no more memory, descriptors or threads than before')
def _():
    def state():
        own = pathlib.Path(f'/proc/{daemon.process.pid}')
        lines = dict(line.split(':') for line in
                     (own / 'status').read_text(encoding='ascii').splitlines())
        return (int(lines['VmRSS'].split()[0]), len(list((own / 'fd').iterdir())),
                int(lines['Threads']))

    well()
    memory, descriptors, threads = state()
    for _round in range(20):
        send(f'Content-Length: {MEGABYTES_10}\r\n', b'x' * 100000)
        send('Content-Length: 3\r\nConnection: close\r\n', b'<a>')
    well()
    end = time.monotonic() + 10
    while state()[1] > descriptors and time.monotonic() < end:
        time.sleep(0.1)
    tap.same(state()[1:], (descriptors, threads))
    # A sanitizer keeps for a while what was freed.
    if 'ASAN_OPTIONS' not in os.environ:
        tap.true(state()[0] < memory + 4096, f'{memory} KB became {state()[0]} KB')


@tap.case('it ends with status 0')
def _():
    daemon.__exit__(None)
    folder_block.__exit__(None)


tap.main()
