"""A directory that misbehaves on command: it stands before a real one, passes on what is said, and
does harm where it is told to.

    with hostile.Between(folder, slapd.socket) as between:
        between.uri                     # ldapi://…; ldap:// and ldaps:// with `tls`
        between.people = hostile.half   # what becomes of searches below the base from now on
        between.logins = hostile.silence  # … and of logins

A misdeed is a function of the connection and the request."""
import contextlib
import socket
import ssl
import threading
import time
import urllib.parse

from support import scratch

BIND, BIND_DONE, SEARCH, ENTRY, DONE, REFERENCE, EXTENDED, EXTENDED_DONE = (
    0x60, 0x61, 0x63, 0x64, 0x65, 0x73, 0x77, 0x78)
UNBIND, ABANDON = 0x42, 0x50
START_TLS = b'1.3.6.1.4.1.1466.20037'
SUBTREE = 2


# ---- BER ----

def ber(tag, *parts):
    """An element of these contents."""
    body = b''.join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(size)]) + size + body


def number(value, tag=2):
    """An INTEGER."""
    return ber(tag, value.to_bytes(value.bit_length() // 8 + 1, 'big'))


def element(data, at=0):
    """(tag, contents, what follows) of the element there; None when it has not come whole."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1], at + 2
    if size & 0x80:
        begin += size & 0x7f
        size = int.from_bytes(data[at + 2:begin], 'big')
    if len(data) < begin + size:
        return None
    return data[at], data[begin:begin + size], begin + size


class Message:
    """A request: `id`, `op` (its tag), `body`; of a search `base` and `scope`."""

    def __init__(self, raw):
        self.raw = raw
        _, inside, _ = element(raw)
        _, value, at = element(inside)
        self.id = int.from_bytes(value, 'big')
        self.op, self.body, _ = element(inside, at)
        self.base = self.scope = None
        if self.op == SEARCH:
            _, self.base, at = element(self.body)
            self.scope = element(self.body, at)[1][0]

    def answer(self, op, *parts):
        """A message that answers it."""
        return ber(0x30, number(self.id), ber(op, *parts))

    def result(self, code, words='', op=None, referral=None):
        """The result of that code."""
        op = op or {BIND: BIND_DONE, SEARCH: DONE, EXTENDED: EXTENDED_DONE}[self.op]
        more = ber(0xa3, ber(4, referral)) if referral else b''
        return self.answer(op, number(code, 0x0a), ber(4), ber(4, words.encode()), more)

    def entry(self, dn, **attributes):
        """An entry that answers it."""
        return self.answer(ENTRY, ber(4, dn.encode()), ber(0x30, *(
            ber(0x30, ber(4, name.encode()), ber(0x31, *(
                ber(4, v if isinstance(v, bytes) else v.encode()) for v in values)))
            for name, values in attributes.items())))


# ---- misdeeds ----

def silence(_connection, _message):
    """No answer, and the connection stays."""


def close(connection, _message):
    """The end, without a word."""
    connection.end()


def half(connection, message):
    """Half an entry, then nothing more."""
    whole = message.entry('cn=half', cn=['x' * 1000])
    connection.say(whole[:len(whole) // 2])


def drip(connection, message):
    """An entry of a byte at a time, for longer than anybody waits."""
    for byte in message.entry('cn=drip', cn=['x' * 1000]):
        if not connection.say(bytes([byte])):
            return
        time.sleep(0.05)


def garbage(connection, _message):
    """What is no LDAP."""
    connection.say(b'HTTP/1.1 400 Bad Request\r\n\r\n' * 20)


def huge(connection, _message):
    """The announcement of 2 GB."""
    connection.say(b'\x30\x84\x7f\xff\xff\xff\x02\x01\x01')


def large(connection, message):
    """A value of 10 MB."""
    connection.say(message.entry('cn=large', cn=[b'x' * 10_000_000]) + message.result(0))


def flood(connection, message):
    """A hundred thousand entries where one may be meant."""
    for _ in range(100):
        if not connection.say(message.entry('cn=one', cn=['x']) * 1000):
            return
    connection.say(message.result(0))


def strange_numbers(connection, message):
    """Answers to what was never asked."""
    message.id += 1000
    connection.say(message.entry('cn=other', cn=['x']) + message.result(0))


def wrong_kind(connection, message):
    """The answer to a login."""
    connection.say(message.result(0, op=BIND_DONE))


def deep(connection, message):
    """An element inside another, a thousand times."""
    body = b''
    for _ in range(1000):
        body = ber(0x30, body)
    connection.say(message.answer(ENTRY, ber(4, b'cn=deep'), body))


def reference(connection, message):
    """All of it is elsewhere: a continuation (RFC 4511, 4.5.3)."""
    connection.say(message.answer(REFERENCE, ber(4, b'ldap://192.0.2.1/dc=x')) + message.result(0))


def refer(connection, message):
    """The search is another's: a referral."""
    connection.say(message.result(10, referral=b'ldap://192.0.2.1/dc=x'))


def notice(connection, _message):
    """A notice of disconnection (RFC 4511, 4.4.1), then the end. libldap forgets to free its text."""
    connection.say(ber(0x30, number(0), ber(
        EXTENDED_DONE, number(52, 0x0a), ber(4), ber(4),
        ber(0x8a, b'1.3.6.1.4.1.1466.20036'))))
    connection.end()


def result(code, words=''):
    """A refusal of that code."""
    return lambda connection, message: connection.say(message.result(code, words))


def twins(attributes):
    """Two entries with the same attributes."""
    def two(connection, message):
        connection.say(b''.join(message.entry(f'uid=twin{i},{message.base.decode()}', **attributes)
                                for i in (1, 2)) + message.result(0))
    return two


# ---- the server ----

class Connection(threading.Thread):
    """One client, and its link to the real directory."""

    def __init__(self, between, client):
        super().__init__(daemon=True)
        self._between, self._client = between, client
        self._directory = None
        self._saying = threading.Lock()

    def say(self, data):
        """Sends to the client; False when it is gone."""
        try:
            with self._saying:
                self._client.sendall(data)
            return True
        except OSError:
            return False

    def end(self):
        """Ends it, both ways."""
        for one in (self._client, self._directory):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def directly(self, message):
        """Passes it on all the same."""
        self._directory.sendall(message.raw)

    def _protect(self):
        self._client = self._between.tls.wrap_socket(self._client, server_side=True)

    def _messages(self):
        data = b''
        while True:
            while (whole := element(data)) is not None:
                yield Message(data[:whole[2]])
                data = data[whole[2]:]
            more = self._client.recv(65536)
            if not more:
                return
            data += more

    def _answer(self):
        while more := self._directory.recv(65536):
            if not self.say(more):
                return
        self._client.shutdown(socket.SHUT_RDWR)

    def run(self):
        with contextlib.suppress(OSError, ValueError):
            if self._between.on_connect is not None:
                self._between.on_connect(self, None)
                return
            if self._between.ldaps:
                self._protect()
            self._directory = socket.socket(socket.AF_UNIX)
            self._directory.connect(str(self._between.directory))
            threading.Thread(target=self._quietly, daemon=True).start()
            for message in self._messages():
                self._pass(message)
        self._between.forget(self)
        self.end()

    def _quietly(self):
        with contextlib.suppress(OSError, ValueError):
            self._answer()

    def _pass(self, message):
        misdeed = self._between.judge(message)
        if misdeed is not None:
            misdeed(self, message)
        elif message.op == EXTENDED and START_TLS in message.body:
            self.say(message.result(0) + self._between.injected)
            self._protect()
        else:
            self.directly(message)


class Between:
    """Listens on a Unix socket, or with `tls` (an ssl.SSLContext) on a port of 127.0.0.1.

    people, logins, start_tls   misdeeds for these requests; None: they pass
    on_connect                  a misdeed instead of everything
    injected                    what follows the answer to StartTLS in the clear
    asked                       how many searches for people there were"""

    def __init__(self, folder, directory, tls=None, ldaps=False):
        self.directory, self.tls, self.ldaps = directory, tls, ldaps
        self.people = self.logins = self.start_tls = self.on_connect = None
        self.injected, self.asked = b'', 0
        self._connections = set()
        if tls is None:
            path = folder / 'hostile'
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen(64)
            self.uri = 'ldapi://' + urllib.parse.quote(str(path), safe='')
        else:
            self._listener = socket.create_server(('127.0.0.1', 0), backlog=64)
            port = self._listener.getsockname()[1]
            self.uri = f'ldap{"s" if ldaps else ""}://127.0.0.1:{port}'

    def judge(self, message):
        """What is to become of it, or None."""
        if message.op == SEARCH and message.scope == SUBTREE and b'proxyAddresses' in message.body:
            self.asked += 1
            return self.people
        if message.op == BIND:
            return self.logins
        if message.op == EXTENDED and START_TLS in message.body:
            return self.start_tls
        return None

    def forget(self, connection):
        """It has ended."""
        self._connections.discard(connection)

    @property
    def open(self):
        """How many connections there are."""
        return len(self._connections)

    def end_all(self):
        """Ends all connections, as a crash would."""
        for connection in list(self._connections):
            connection.end()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                connection = Connection(self, client)
                self._connections.add(connection)
                connection.start()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        scratch.close(self._listener)
        self.end_all()


def context(chain, key):
    """TLS with that certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain, key)
    return made
