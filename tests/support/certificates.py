"""A private certificate authority made by openssl, and certificates issued by it."""
import subprocess

from support.scratch import write

NEW_KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')
RSA_KEY = ('-newkey', 'rsa:2048', '-nodes')


def _openssl(*arguments):
    done = subprocess.run(['openssl', *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'openssl {arguments[0]}: {done.stderr.strip()}')
    return done.stdout


class Authority:
    """An authority whose files lie in `folder`: the root is `self.root`, its key `self.key`, PEM."""

    def __init__(self, folder, name='Test CA', days=30):
        self.folder = folder
        self.root = folder / 'ca.pem'
        self.key = folder / 'ca.key'
        _openssl('req', '-x509', *NEW_KEY, '-keyout', self.key, '-out', self.root, '-days',
                 days, '-subj', f'/CN={name}',
                 '-addext', 'basicConstraints=critical,CA:TRUE',
                 '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
        self.key.chmod(0o600)

    def issue(self, *names, subject=None, days=30, dates=None, usage='serverAuth', label=None,
              extensions='', key_kind=NEW_KEY):
        """Issues a certificate (ECDSA P-256) for `names`: DNS names or IP addresses.

        Returns the paths (chain, key). `days` below 0 makes one that has expired; `dates` tells
        both ends instead, as YYYYMMDD or with HHMMSS behind it. Without names there is only the subject's. `extensions` are
        further lines as openssl.cnf has them, `key_kind` other arguments for `openssl req`."""
        label = label or names[0].replace('*', 'any')
        chain, key = self.folder / f'{label}.pem', self.folder / f'{label}.key'
        request = self.folder / f'{label}.csr'
        _openssl('req', '-new', *key_kind, '-keyout', key, '-out', request, '-subj',
                 f'/CN={subject or names[0][:64]}')
        key.chmod(0o600)
        extensions = write(self.folder / f'{label}.ext',
                           f'{_alternatives(names)}extendedKeyUsage={usage}\n'
                           f'basicConstraints=critical,CA:FALSE\n{extensions}')
        if days < 0:
            dates = ('20200101', '20200201')
        if dates is not None:
            # `x509` of Debian 12 takes no dates and no negative number; `ca` takes dates.
            self._issue_for(dates, request, chain, extensions, label)
        else:
            _openssl('x509', '-req', '-in', request, '-CA', self.root, '-CAkey', self.key,
                     '-CAcreateserial', '-days', days, '-extfile', extensions, '-out', chain)
        return chain, key

    def _issue_for(self, dates, request, chain, extensions, label):
        home = self.folder / f'{label}.ca'
        home.mkdir()
        write(home / 'index.txt', '')
        write(home / 'serial', '1000\n')
        write(home / 'ca.cnf',
              '[ca]\ndefault_ca=c\n[c]\n'
              f'database={home}/index.txt\nserial={home}/serial\nnew_certs_dir={home}\n'
              'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n')
        _openssl('ca', '-batch', '-notext', '-config', home / 'ca.cnf', '-cert', self.root,
                 '-keyfile', self.key, '-in', request, '-out', chain,
                 *(x for option, date in zip(('-startdate', '-enddate'), dates)
                   for x in (option, date.ljust(14, '0') + 'Z')),
                 '-extfile', extensions)


def self_signed(folder, *names):
    """A certificate that nobody vouches for: the paths (chain, key)."""
    chain, key = folder / 'self-signed.pem', folder / 'self-signed.key'
    _openssl('req', '-x509', *NEW_KEY, '-keyout', key, '-out', chain, '-days', '30', '-subj',
             f'/CN={names[0]}', '-addext', _alternatives(names).strip())
    key.chmod(0o600)
    return chain, key


def _alternatives(names):
    if not names:
        return ''
    return 'subjectAltName=' + ','.join(('IP:' if _is_ip(n) else 'DNS:') + n for n in names) + '\n'


def _is_ip(name):
    return ':' in name or name.replace('.', '').isdigit()
