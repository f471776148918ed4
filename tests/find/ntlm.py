"""Scripted hosts that ask for NTLM."""
import base64
import struct

from support.peers import status


def challenge(info=b'\x02\x00\x08\x00H\x00A\x00R\x00B\x00\x00\x00\x00\x00', flags=0x00828205):
    """An NTLM CHALLENGE_MESSAGE, with or without target information."""
    head = b'NTLMSSP\0' + struct.pack('<IHHII', 2, 0, 0, 48, flags) + b'8 octets' + bytes(8)
    return base64.b64encode(head + struct.pack('<HHI', len(info), len(info), 48) + info).decode()


def ntlm(verdict, token=None, offers=('NTLM',)):
    """NTLM up to the proof; then `verdict`. Whether it is right nobody looks."""
    def behave(connection, request):
        scheme, _, sent = request['fields'].get('authorization', '').partition(' ')
        if scheme != 'NTLM':
            behaviour = refuse(*offers)
        elif base64.b64decode(sent)[8] == 1:
            behaviour = refuse(f'NTLM {token or challenge()}')
        else:
            behaviour = verdict
        return behaviour(connection, request)
    return behave


def refuse(*offers):
    """401 to everybody."""
    return status('401 Unauthorized', *(f'WWW-Authenticate: {o}' for o in offers))
