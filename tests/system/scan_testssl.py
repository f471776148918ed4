#!/usr/bin/python3
"""testssl.sh finds nothing above LOW in usherd as it comes: a row of `script/test --full`.

It takes more than a minute, so it is none of meson's tests."""
import json
import subprocess
import time

import site_contoso as site
from support import certificates, ocsp, programs, tap
from support.daemon import Usherd
from support.scratch import Folder, write

DAYS = 120  # it wants 60 at least
HARMLESS = ('OK', 'INFO', 'DEBUG', 'LOW')
# Its client leaves as soon as it has connected, on a busy machine before the ticket has come.
UNSURE = ('sessionresumption_ticket', 'WARN')


def enable(folder, authority, chain, key):
    """Imports a certificate and lets usherd serve it."""
    pem = chain.read_text(encoding='ascii') + key.read_text(encoding='ascii')
    for words, text in ((['import', '-'], pem), (['enable', '-'], None)):
        done = programs.usher_ok('cert', *words, '--ca-file', authority.root,
                                 directory=site.uri(folder), text=text or done)


def findings(folder):
    """What testssl.sh says of a directory with an ECDSA and an RSA certificate side by side."""
    authority = certificates.Authority(folder, days=DAYS + 1)
    place = ocsp.Place(authority)
    pairs = [place.issue(site.HOST, label=label, days=DAYS, key_kind=kind)
             for label, kind in (('ec', certificates.NEW_KEY), ('rsa', certificates.RSA_KEY))]
    for pair in pairs:
        enable(folder, authority, *pair)
    with place.answering(place.truth(*[chain for chain, _ in pairs])), \
            Usherd(folder, config='[limits]\nconnections per address = 10000\n',
                   environment={'SSL_CERT_FILE': authority.root}) as daemon:
        end = time.monotonic() + 20
        while daemon.log().count('msg="OCSP response"') < len(pairs):
            tap.true(time.monotonic() < end, daemon.log())
            time.sleep(0.05)
        report = folder / 'report.json'
        done = subprocess.run(
            ['testssl', '--quiet', '--color', '0', '--warnings', 'batch', '--nodns', 'none',
             '--ip', daemon.https[0], '--add-ca', authority.root, '--jsonfile', report,
             f'{site.HOST}:{daemon.https[1]}/'], cwd=folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=900, check=False)
        tap.true(report.exists(), done.stdout + done.stderr)
    return json.loads(report.read_text(encoding='utf-8'))


@tap.case('testssl.sh finds nothing above LOW')
def _():
    tap.need('testssl')
    with Folder() as folder:
        site.make(folder)
        found = findings(folder)
    # It has come to the end, has seen both certificates, and what is beside them.
    seen = {x['id']: x['finding'] for x in found}
    tap.true('LUCKY13' in seen and 'RC4' in seen, f'{len(found)} findings: {list(seen)}')
    tap.same({seen[f'OCSP_stapling <cert#{n}>'] for n in (1, 2)}, {'offered'})
    tap.same([(x['id'], x['severity'], x['finding']) for x in found
              if x['severity'] not in HARMLESS and (x['id'], x['severity']) != UNSURE], [])
    low = [x['id'] for x in found if x['severity'] == 'LOW']
    return f'{len(found)} findings, LOW: {", ".join(low) or "none"}'


tap.main()
