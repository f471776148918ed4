"""Samba's ntlm_auth as an NTLM server for scripted peers: it makes the challenge and verifies.

    ntlm = samba.Ntlm(folder, 'password')
    with Peer(chain, key, ntlm) as peer: …
    ntlm.verdicts       # what it said to each proof: 'AF HARBOUR\\ines', 'NA NT_STATUS_…'"""
import base64
import subprocess

from support import tap
from support.peers import answer, status
from support.scratch import write

DOMAIN = 'HARBOUR'


class Ntlm:
    """A behaviour: NTLM for every login name, with one password, on each connection apart."""

    def __init__(self, folder, password, offers=('Negotiate', 'NTLM'), then=None):
        tap.need('ntlm_auth')
        self.verdicts, self.contexts = [], {}
        self._offers, self._then = offers, then or answer()
        home = folder / 'samba'
        home.mkdir(exist_ok=True)
        write(home / 'smb.conf', f'[global]\nworkgroup = {DOMAIN}\nnetbios name = MAIL\n'
              'server role = standalone server\nntlm auth = ntlmv2-only\n' + ''.join(
                  f'{what} = {home}\n' for what in (
                      'private dir', 'state directory', 'cache directory', 'lock directory')))
        self.command = ['ntlm_auth', '--helper-protocol=squid-2.5-ntlmssp', f'--domain={DOMAIN}',
                         '--username=any', f'--password={password}',
                         f'--configfile={home}/smb.conf']

    def _ask(self, connection, word, token):
        if word == 'YR':
            self.contexts[connection] = subprocess.Popen(  # pylint: disable=consider-using-with
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True)
        helper = self.contexts.get(connection)
        if helper is None:
            return 'NA another connection'
        helper.stdin.write(f'{word} {token}\n')
        helper.stdin.flush()
        said = helper.stdout.readline().strip()
        if word == 'KK':
            helper.communicate()
            del self.contexts[connection]
        return said

    def __call__(self, connection, request):
        scheme, _, token = request['fields'].get('authorization', '').partition(' ')
        refusal = status('401 Unauthorized', *(f'WWW-Authenticate: {o}' for o in self._offers))
        if scheme != 'NTLM':
            return refusal(connection, request)
        if base64.b64decode(token)[8] == 1:
            said = self._ask(connection, 'YR', token)
            return status('401 Unauthorized',
                          f'WWW-Authenticate: NTLM {said[3:]}')(connection, request)
        said = self._ask(connection, 'KK', token)
        self.verdicts.append(said)
        return (self._then if said.startswith('AF ') else refusal)(connection, request)
