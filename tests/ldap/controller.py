"""A scripted domain controller: it answers the LDAP ping as told, and lets slapd do the rest.

    with Controller(slapd.port, says(site='Pier', client='Pier')) as dc:
        dc.port         # of UDP and TCP
        dc.pings, dc.connections, dc.rounds

A round is a message from the client that waits for an answer: those behind one another without an
answer between count once. The handshake of TCP is none."""
import socket
import struct
import threading

from support.listener import Listener
from support.scratch import close

REPLY, PAUSED = 23, 24
LDAP, WRITABLE, CLOSEST = 0x8, 0x100, 0x80
GUID = bytes(range(16))
SEARCH_BYTES = 4096


def tlv(tag, content):
    """A value in BER; long forms as Windows writes them."""
    head = bytes([tag, len(content)]) if len(content) < 128 else \
        bytes([tag, 0x84]) + struct.pack('!I', len(content))
    return head + content


def names(text):
    """A DNS name without compression."""
    return b''.join(bytes([len(p)]) + p for p in text.encode().split(b'.') if p) + b'\0'


def label(text):
    """One label, whatever is in it."""
    return (bytes([len(text.encode())]) + text.encode() if text else b'') + b'\0'


def says(site='Pier', client='Pier', domain='harbour.example', host='dc1', opcode=REPLY,
         closest=None):
    """The value of the attribute Netlogon."""
    flags = LDAP | WRITABLE | (CLOSEST if (site == client if closest is None else closest) else 0)
    return (struct.pack('<HHI', opcode, 0, flags) + GUID + names(domain) + names(domain)
            + names(f'{host}.{domain}') + label('HARBOUR') + label(host.upper()) + b'\0'
            + label(site) + label(client) + struct.pack('<IHH', 5, 0xffff, 0xffff))


def number(message):
    """The ID of a message."""
    at = 2 + (message[1] & 0x7f if message[1] & 0x80 else 0)
    return message[at:at + 2 + message[at + 1]]


def reply(question, value):
    """The two messages that answer it; None: the entry is missing."""
    done = tlv(0x30, number(question) + tlv(0x65, b'\x0a\x01\x00\x04\x00\x04\x00'))
    if value is None:
        return done
    entry = tlv(0x04, b'') + tlv(0x30, tlv(0x30, tlv(0x04, b'Netlogon')
                                           + tlv(0x31, tlv(0x04, value))))
    return tlv(0x30, number(question) + tlv(0x64, entry)) + done


# ---- ways to answer: called with the question, each gives the packets to send ----

def good(value):
    """As it should be."""
    return lambda question: [reply(question, value)]


def apart(value):
    """Octet by octet: over TCP it makes no difference."""
    return lambda question: [bytes([b]) for b in reply(question, value)]


def after_strangers(value):
    """First the answer to another question."""
    def answer(question):
        other = b'\x02\x04\x7f\xff\xff\xff'
        return [tlv(0x30, other + tlv(0x65, b'\x0a\x01\x00\x04\x00\x04\x00')),
                reply(question, value)]
    return answer


def damaged(_):
    """No LDAP."""
    return [b'\xff' * 40]


def cut_off(value):
    """The end is missing."""
    return lambda question: [reply(question, value)[:-20]]


def negative(question):
    """It does not serve this domain."""
    return [reply(question, None)]


def silent(_):
    """Not a word."""
    return []


class Controller:
    """`value` is what it says; `udp` and `tcp` are ways to answer, or None: nothing listens there.
    What is no ping goes to the slapd at `port`; None: it is heard, and never answered."""

    def __init__(self, port, value=None, udp=good, tcp=good, at='127.0.0.1'):
        self._slapd, self._value = port, value if value is not None else says()
        self._ways = {kind: way(self._value) if way in (good, apart, after_strangers, cut_off)
                      else way for kind, way in (('udp', udp), ('tcp', tcp))}
        self.pings, self.connections, self.rounds = [], 0, 0
        self._listener = self._udp = None
        while True:
            self._listener = Listener(self._serve, (at, 0))
            self.port = self._listener.port
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._udp.bind((at, self.port))
                break
            except OSError:
                self._listener.stop()
        self.address = at

    def __enter__(self):
        if self._ways['udp'] is None:
            self._udp.close()
        else:
            threading.Thread(target=self._serve_udp, daemon=True).start()
        if self._ways['tcp'] is None:
            self._listener.stop()
        else:
            self._listener.start()
        return self

    def __exit__(self, *_):
        close(self._udp)
        self._listener.stop()

    def _serve_udp(self):
        while True:
            try:
                question, peer = self._udp.recvfrom(SEARCH_BYTES)
                if not question:
                    return
                self.pings.append('udp')
                self.rounds += 1
                for packet in self._ways['udp'](question):
                    self._udp.sendto(packet, peer)
            except OSError:
                return

    def _serve(self, client):
        self.connections += 1
        with client:
            first = client.recv(SEARCH_BYTES)
            if b'DnsDomain' in first:
                self.pings.append('tcp')
                self.rounds += 1
                for packet in self._ways['tcp'](first):
                    client.sendall(packet)
                first = client.recv(SEARCH_BYTES)
            if first and self._slapd is None:
                client.recv(SEARCH_BYTES)       # until it hangs up
            elif first:
                self._relay(client, first)

    def _relay(self, client, first):
        with socket.create_connection(('127.0.0.1', self._slapd)) as server:
            turn = ['client']
            threading.Thread(target=self._pump, args=(server, client, turn, 'server'),
                             daemon=True).start()
            server.sendall(first)
            self._pump(client, server, turn, 'client')

    def _heard(self, turn, who):
        if who == 'server' and turn[0] == 'client':
            self.rounds += 1
        turn[0] = who

    def _pump(self, source, target, turn, who):
        try:
            while data := source.recv(65536):
                self._heard(turn, who)
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
