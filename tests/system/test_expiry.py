#!/usr/bin/python3
"""usherd tells in time that a certificate expires: in its log, in /metrics and in `usher status`."""
import datetime
import re
import time

import site_contoso as site
from support import certificates, programs, tap
from support.daemon import Usherd
from support.post import request
from support.scratch import Folder

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
authority = certificates.Authority(folder)
WARNING = r'certificate expires soon; renew it" certificate=\S+ subject=\S+ days_left=(\d+)'


def serving(label, **left):
    """usherd with a certificate that expires after that time."""
    now = datetime.datetime.now(datetime.timezone.utc)
    end = now + datetime.timedelta(**left)
    chain, key = authority.issue('cas01.contoso.com', label=label, dates=(
        '20260101', end.strftime('%Y%m%d%H%M%S')))
    return Usherd(folder, certificate=chain, key=key,
                  config=f'[listen https two]\naddress = 127.0.0.1:0\ncertificate = {chain}\n'
                         f'key = {key}\n')


@tap.each([
    ('30 days', {'days': 30, 'seconds': -1}, ['29']),
    ('more', {'days': 30, 'hours': 1}, []),
    ('one day', {'hours': 23}, ['0']),
])
def _(left, warned):
    with serving(f'left{len(warned)}{left.get("days")}', **left) as daemon:
        tap.same(re.findall(WARNING, daemon.log()), warned)


@tap.case('a warning each time a limit is passed, and at each reload, once for all listeners')
def _():
    begins = time.time()
    with serving('seven', days=7, seconds=3) as daemon:
        # On a machine that is busy all may come at once.
        wanted = 2 if time.time() < begins + 3 else 1
        end = time.monotonic() + 15
        while len(re.findall(WARNING, daemon.log())) < wanted or time.time() < begins + 4.5:
            tap.true(time.monotonic() < end, daemon.log())
            time.sleep(0.02)
        told = len(re.findall(WARNING, daemon.log()))
        tap.true(wanted <= told <= 2, daemon.log())
        daemon.reload()
        while 'msg=reloaded' not in daemon.log():
            tap.true(time.monotonic() < end, daemon.log())
            time.sleep(0.02)
        tap.same(len(re.findall(WARNING, daemon.log())), told + 1)

        text = request(daemon.private, 'localhost', '/metrics', 'GET').body.decode()
        tap.same(re.findall(r'usherd_certificate_days_left{listener="https[^}]*} (\S+)', text),
                 ['6', '6'])
        status = programs.usher_json('--config', daemon.config_path, 'status')
        tap.same([c['days_left'] for c in status['certificates']], [6, 6])


@tap.case('one that has expired is served, and the log says so')
def _():
    with serving('late', hours=-60) as daemon:
        tap.has(daemon.log(), 'level=error area=tls msg="certificate has expired')
        tap.has(programs.usher_ok('--config', daemon.config_path, 'status'), ' -3 ')


@tap.case('clean up')
def _():
    folder_block.__exit__(None)


tap.main()
