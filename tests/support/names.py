"""A scripted DNS server on loopback, over UDP and TCP: it tells the truth or lies as told.

    with Dns({'contoso.example': ['192.0.2.1'], '_autodiscover._tcp.contoso.example':
              [(0, 0, 443, 'mail.contoso.example')]}) as names:
        usher('find', …, '--dns', names.server)
        names.questions     # the names that were asked for, in order; names.heard: every byte"""
import socket
import struct
import threading

from support.listener import LOOPBACK, Listener
from support.scratch import close

A, CNAME, AAAA, SRV = 1, 5, 28, 33
TTL = 60
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
TRUNCATED = 0x0200
DEPTH_MAX = 16      # of aliases
PATIENCE = 20


class Question:
    """One question as it came, and the means to answer it."""

    def __init__(self, packet, names, over_tcp):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += packet[at] + 1
        self.id, self.name = packet[:2], '.'.join(labels).lower()
        self.kind = struct.unpack('!H', packet[at + 1:at + 3])[0]
        self.section = packet[12:at + 5]
        self.over_tcp, self._names = over_tcp, names

    def reply(self, answers=(), code=0, flags=0, number=None, section=None, additional=()):
        """A packet. `number` and `section` are those of the question unless told."""
        found = [*answers, *additional]
        packet = (number or self.id) + struct.pack(
            '!HHHHH', 0x8180 | flags | code, 1, len(answers), 0, len(additional))
        packet += self.section if section is None else section
        for owner, kind, data in found:
            packet += owner + struct.pack('!HHIH', kind, 1, TTL, len(data)) + data
        return packet

    def records(self, entries):
        """Those of `entries` that were asked for, and what their aliases lead to."""
        return list(self._records(entries, b'\xc0\x0c', 0))

    def _records(self, entries, owner, depth):
        for entry in entries:
            if isinstance(entry, tuple):
                if self.kind == SRV:
                    target = entry[3] if isinstance(entry[3], bytes) else wire_name(entry[3])
                    yield owner, SRV, struct.pack('!HHH', *entry[:3]) + target
            elif entry.startswith('='):
                yield owner, CNAME, wire_name(entry[1:])
                if depth < DEPTH_MAX:
                    yield from self._records(self._names.get(entry[1:], []), wire_name(entry[1:]),
                                             depth + 1)
            elif self.kind == (AAAA if ':' in entry else A):
                yield owner, self.kind, wire_address(entry)


# ---- behaviours: each is called with a Question and gives the packets to send ----

def nodata(question):
    """The name exists, and has none of these records."""
    return [question.reply()]


def servfail(question):
    return [question.reply(code=SERVFAIL)]


def refused(question):
    return [question.reply(code=REFUSED)]


def drop(_):
    return []


def garbage(question):
    """A packet of the right number that is none."""
    return [question.id + b'\xff' * 20]


def truncated(*entries):
    """Too large for UDP; over TCP it is there."""
    def answer(question):
        if question.over_tcp:
            return [question.reply(question.records(entries))]
        return [question.reply(flags=TRUNCATED)]
    return answer


def after_lie(lie, *entries):
    """First the packet that lie(question) makes, then the truth."""
    def answer(question):
        return [lie(question), question.reply(question.records(entries))]
    return answer


def with_strangers(strangers, *entries):
    """The truth, with records of other names in the answer and behind it. {name: address}"""
    def answer(question):
        extra = [(wire_name(name), AAAA if ':' in address else A, wire_address(address))
                 for name, address in strangers.items()]
        return [question.reply(question.records(entries) + extra, additional=extra)]
    return answer


def raw_srv(*data):
    """SRV records whose data is these bytes."""
    def answer(question):
        return [question.reply([(b'\xc0\x0c', SRV, d) for d in data] if question.kind == SRV
                               else [])]
    return answer


class Dns:
    """`names` maps a name to a list of entries or to a behaviour; `*` stands for all other names,
    which otherwise do not exist. An entry is an address, `=` and the name of an alias, or the four
    members of an SRV record."""

    def __init__(self, names=None, tcp=True):
        self.names, self.questions, self.heard = names or {}, [], bytearray()
        self._tcp = None
        while True:
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._udp.bind((LOOPBACK, 0))
            port = self._udp.getsockname()[1]
            try:
                self._tcp = Listener(self._serve_connection, (LOOPBACK, port)) if tcp else None
                break
            except OSError:     # somebody has that port for TCP: another one
                self._udp.close()
        self.server = f'{LOOPBACK}:{port}'

    def __enter__(self):
        threading.Thread(target=self._serve_udp, daemon=True).start()
        if self._tcp is not None:
            self._tcp.start()
        return self

    def __exit__(self, *_):
        close(self._udp)
        if self._tcp is not None:
            self._tcp.stop()

    def _serve_udp(self):
        while True:
            try:
                packet, peer = self._udp.recvfrom(4096)
                if not packet:
                    return
                for reply in self._answer(packet, False):
                    self._udp.sendto(reply, peer)
            except OSError:
                return

    def _serve_connection(self, connection):
        connection.settimeout(PATIENCE)
        try:
            with connection, connection.makefile('rb') as stream:
                while head := stream.read(2):
                    packet = stream.read(struct.unpack('!H', head)[0])
                    for reply in self._answer(packet, True):
                        connection.sendall(struct.pack('!H', len(reply)) + reply)
        except OSError:
            pass

    def _answer(self, packet, over_tcp):
        self.heard += packet
        question = Question(packet, self.names, over_tcp)
        self.questions.append(question.name)
        what = self.names.get(question.name, self.names.get('*'))
        if callable(what):
            return what(question)
        if what is None:
            return [question.reply(code=NXDOMAIN)]
        return [question.reply(question.records(what))]


def wire_name(name):
    """A name as DNS writes it."""
    labels = [label.encode() for label in name.split('.') if label]
    return b''.join(bytes([len(label)]) + label for label in labels) + b'\0'


def wire_address(address):
    """An address as DNS writes it."""
    return socket.inet_pton(socket.AF_INET6 if ':' in address else socket.AF_INET, address)
