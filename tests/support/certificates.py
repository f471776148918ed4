"""A private certificate authority made by openssl, and certificates issued by it."""
import subprocess

from support.scratch import write


def _openssl(*arguments):
    done = subprocess.run(['openssl', *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f'openssl {arguments[0]}: {done.stderr.strip()}')
    return done.stdout


class Authority:
    """An authority whose files lie in `folder`: the root is `self.root`, a PEM file."""

    def __init__(self, folder, name='Test CA'):
        self.folder = folder
        self.root = folder / 'ca.pem'
        self._key = folder / 'ca.key'
        _openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                 '-keyout', self._key, '-out', self.root, '-days', '30', '-subj', f'/CN={name}',
                 '-addext', 'basicConstraints=critical,CA:TRUE',
                 '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
        self._key.chmod(0o600)

    def issue(self, *names, subject=None, days=30, label=None):
        """Issues a server certificate (ECDSA P-256) for `names`: DNS names or IP addresses.

        Returns the paths (chain, key). `days` below 0 makes one that has expired."""
        label = label or names[0].replace('*', 'any')
        chain, key = self.folder / f'{label}.pem', self.folder / f'{label}.key'
        request = self.folder / f'{label}.csr'
        sans = ','.join(('IP:' if _is_ip(n) else 'DNS:') + n for n in names)
        _openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                 '-keyout', key, '-out', request, '-subj', f'/CN={subject or names[0][:64]}')
        key.chmod(0o600)
        write(self.folder / f'{label}.ext',
              f'subjectAltName={sans}\nextendedKeyUsage=serverAuth\n'
              'basicConstraints=critical,CA:FALSE\n')
        if days < 0:
            # `x509 -days` of Debian 12 takes no negative number; `ca` takes dates.
            return self._expired(request, chain, key, label)
        _openssl('x509', '-req', '-in', request, '-CA', self.root, '-CAkey', self._key,
                 '-CAcreateserial', '-days', days, '-extfile', self.folder / f'{label}.ext',
                 '-out', chain)
        return chain, key

    def _expired(self, request, chain, key, label):
        home = self.folder / f'{label}.ca'
        home.mkdir()
        write(home / 'index.txt', '')
        write(home / 'serial', '1000\n')
        write(home / 'ca.cnf',
              '[ca]\ndefault_ca=c\n[c]\n'
              f'database={home}/index.txt\nserial={home}/serial\nnew_certs_dir={home}\n'
              'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n')
        _openssl('ca', '-batch', '-notext', '-config', home / 'ca.cnf', '-cert', self.root,
                 '-keyfile', self._key, '-in', request, '-out', chain,
                 '-startdate', '20200101000000Z', '-enddate', '20200201000000Z',
                 '-extfile', self.folder / f'{label}.ext')
        return chain, key


def _is_ip(name):
    return ':' in name or name.replace('.', '').isdigit()
