#!/usr/bin/python3
"""The helpers of the tests hold what they promise."""
import base64
import random
import subprocess
import sys
import urllib.parse

from support import certificates, scratch, spy, tap


@tap.case('a folder is there inside its block and gone after it')
def _():
    with scratch.Folder() as folder:
        scratch.write(folder / 'secret', 'x', mode=0o600)
        tap.same((folder / 'secret').stat().st_mode & 0o777, 0o600)
    tap.same(folder.exists(), False)


@tap.case('a free port can be bound')
def _():
    tap.true(scratch.free_port() > 1023, 'a port below 1024')
    tap.true(scratch.free_port('::1') > 1023, 'a port below 1024')


@tap.case('an issued certificate verifies, an expired one does not')
def _():
    with scratch.Folder() as folder:
        ca = certificates.Authority(folder)
        for days, verdict in ((30, 0), (-1, 2)):
            chain, _ = ca.issue('mail.example', '*.mail.example', '127.0.0.1', days=days,
                                label=f'days{days}')
            done = subprocess.run(['openssl', 'verify', '-CAfile', ca.root, '-verify_hostname',
                                   'mail.example', chain], capture_output=True, check=False)
            tap.same(done.returncode, verdict, f'{days} days')


OUTCOMES = '''
from support import tap
@tap.case('good')
def _(): pass
@tap.each([('row one', 1), ('row two', 2)])
def _(n): tap.same(n, 1)
@tap.case('left out')
def _(): tap.skip('a reason')
@tap.case('needs what is not there')
def _(): tap.need('no-such-program')
tap.main()
'''


@tap.each([('a missing part is a skip outside CI', '', 'ok 5 - needs what is not there # SKIP'),
           ('a missing part is a failure in CI', 'true', 'not ok 5 - needs what is not there')])
def _(ci, last):
    done = subprocess.run([sys.executable, '-c', OUTCOMES], capture_output=True, text=True,
                          check=False, env={'CI': ci, 'PYTHONPATH': ':'.join(sys.path)})
    for line in ('1..5', 'ok 1 - good', 'ok 2 - row one', 'not ok 3 - row two',
                 'ok 4 - left out # SKIP a reason', last):
        tap.has(done.stdout, line)
    tap.same(done.returncode, 1)


@tap.case('a password is recognised in every form, and nowhere else')
def _():
    password = 'Grüße & 4 Punkte'
    wide = password.encode('utf-16-le')
    for text in (password.encode(), wide, urllib.parse.quote(password).encode(),
                 password.encode().hex().encode(),
                 *(base64.b64encode((name + password).encode()) for name in ('a:', 'ab:', 'abc:')),
                 *(base64.b64encode(b'x' * n + wide + b'yz') for n in range(3))):
        tap.true(spy.traces(password, b'before ' + text + b' after') > 0, text)
    tap.same(spy.traces(password, b'Gruesse & 4 Punkte', random.randbytes(200_000)), 0)


PARALLEL = '''
import threading
from support import tap
both = threading.Barrier(2, timeout=20)
@tap.case('waits for the other')
def _(): both.wait()
@tap.case('is the other')
def _(): both.wait()
tap.main(jobs=2)
'''


@tap.case('cases run side by side and are told in order')
def _():
    done = subprocess.run([sys.executable, '-c', PARALLEL], capture_output=True, text=True,
                          check=False, env={'PYTHONPATH': ':'.join(sys.path)})
    tap.same(done.stdout, '1..2\nok 1 - waits for the other\nok 2 - is the other\n')


tap.main()
