"""Scripted peers: HTTPS servers that behave as badly as told, and a proxy. See names.py for DNS.

    with Peer(certificate, key, {'/path': answer()}) as p:
        usher('find', …, '--connect-to', f'contoso.example:443:127.0.0.1:{p.port}')
        p.requests      # what arrived, in order; p.logins: those with an Authorization field
        p.heard         # every byte of it, inside TLS and outside"""
import base64
import socket
import ssl
import struct
import threading
import time

from support.listener import LOOPBACK, Listener

PATH = '/autodiscover/autodiscover.xml'
PATIENCE = 20

ROOT_NS = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'
OUTLOOK_NS = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'


# ---- documents ----

def document(account):
    """A whole response around the content of Account."""
    return (f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{ROOT_NS}">'
            f'<Response xmlns="{OUTLOOK_NS}">{account}</Response></Autodiscover>').encode()


SETTINGS = document(
    '<User><DisplayName>Ann Example</DisplayName><LegacyDN>/o=Contoso/cn=ann</LegacyDN></User>'
    '<Account><AccountType>email</AccountType><Action>settings</Action>'
    '<Protocol><Type>EXCH</Type><TTL>8</TTL><Server>mail.contoso.example</Server>'
    '<ServerDN>/o=Contoso/cn=mail</ServerDN>'
    '<EwsUrl>https://mail.contoso.example/EWS/Exchange.asmx</EwsUrl>'
    '<EcpUrl>https://mail.contoso.example/ecp/</EcpUrl><EcpUrl-um>?p=um</EcpUrl-um></Protocol>'
    '<Protocol><Type>EXPR</Type><Server>mail.contoso.example</Server><SSL>On</SSL>'
    '<AuthPackage>Basic</AuthPackage></Protocol></Account>')
REFUSAL = document('<Error Time="10:00:00.0000000" Id="1"><ErrorCode>500</ErrorCode>'
                   '<Message>The e-mail address cannot be found.</Message><DebugData/></Error>')


def to_address(address):
    """redirectAddr."""
    return answer(document('<Account><AccountType>email</AccountType>'
                           f'<Action>redirectAddr</Action><RedirectAddr>{address}</RedirectAddr>'
                           '</Account>'))


def to_url(url):
    """redirectUrl."""
    return answer(document('<Account><AccountType>email</AccountType>'
                           f'<Action>redirectUrl</Action><RedirectUrl>{url}</RedirectUrl>'
                           '</Account>'))


# ---- behaviours: each is called with the connection and the request ----

def answer(body=SETTINGS, status='200 OK', fields=(), kind='text/xml; charset=utf-8'):
    """A complete response."""
    head = [f'HTTP/1.1 {status}', f'Content-Type: {kind}', f'Content-Length: {len(body)}', *fields]
    whole = '\r\n'.join(head).encode() + b'\r\n\r\n' + body

    def behave(connection, _):
        connection.sendall(whole)
        return True
    return behave


def raw(data, close=True):
    """Bytes as they are."""
    def behave(connection, _):
        connection.sendall(data)
        return not close
    return behave


def status(line, *fields):
    """An answer without a body worth reading."""
    return answer(b'', line, fields)


def redirect(location, line='302 Found'):
    """A 3xx."""
    return status(line, f'Location: {location}')


def login(then, offers=('Basic realm="contoso"',), password='secret', name='ann@contoso.example'):
    """401 with `offers` until the right login comes, then `then`."""
    right = 'Basic ' + base64.b64encode(f'{name}:{password}'.encode()).decode()

    def behave(connection, request):
        if request['fields'].get('authorization') == right:
            return then(connection, request)
        return status('401 Unauthorized',
                      *(f'WWW-Authenticate: {o}' for o in offers))(connection, request)
    return behave


def reset(connection, _=None):
    """RST instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    return False


def after(data, then=reset):
    """Part of an answer, then something else."""
    def behave(connection, request):
        connection.sendall(data)
        return then(connection, request)
    return behave


def silence(connection, _):
    """Nothing, until the other side gives up."""
    connection.settimeout(PATIENCE)
    try:
        while connection.recv(4096):
            pass
    except OSError:
        pass
    return False


def drip(data, pause=0.2):
    """One byte at a time."""
    def behave(connection, _):
        end = time.monotonic() + PATIENCE
        for byte in data:
            if time.monotonic() > end:
                break
            connection.sendall(bytes([byte]))
            time.sleep(pause)
        return False
    return behave


def later(seconds, then):
    """`then`, after a while."""
    def behave(connection, request):
        time.sleep(seconds)
        return then(connection, request)
    return behave


def endless(head, chunk=b'x' * 65536):
    """A head, and a body without an end."""
    def behave(connection, _):
        connection.sendall(head)
        for _ in range(4096):
            connection.sendall(chunk)
        return False
    return behave


# ---- servers ----

class Ear:
    """A connection that keeps what it receives."""

    def __init__(self, connection, heard):
        self._connection, self._heard = connection, heard

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def recv(self, size):
        data = self._connection.recv(size)
        self._heard += data
        return data


class Peer:
    """One listener. `script` maps a path (letter case ignored) to a behaviour, or is one for all.

    before   what to do instead of a TLS handshake: a behaviour of the plain connection
    first    what to do after it, instead of reading a request
    context  an ssl.SSLContext instead of one made from certificate and key
    at       address and port to listen on; 0 for any"""

    def __init__(self, certificate=None, key=None, script=None, before=None, first=None,
                 context=None, at=(LOOPBACK, 0)):
        self.requests, self.connections, self.handshakes = [], 0, 0
        self.heard = bytearray()
        self._script, self._before, self._first = script or {}, before, first
        self._context = context
        if context is None and certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, key)
        self._listener = Listener(self._serve, at)
        self.address, self.port = self._listener.address, self._listener.port
        self._open = []

    def __enter__(self):
        self._listener.start()
        return self

    def __exit__(self, *_):
        self._listener.stop()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @property
    def logins(self):
        """The requests that carried credentials. The first message of NTLM holds none."""
        return [r for r in self.requests
                if not r['fields'].get('authorization', 'NTLM TlRMTVNTUAABAAAA').startswith(
                    'NTLM TlRMTVNTUAABAAAA')]

    def _serve(self, plain):
        self._open.append(plain)
        self.connections += 1
        plain.settimeout(PATIENCE)
        try:
            if self._before is not None:
                self._before(Ear(plain, self.heard), None)
                plain.close()
                return
            with (self._context.wrap_socket(plain, server_side=True) if self._context
                  else plain) as connection:
                self.handshakes += 1
                if self._first is not None:
                    self._first(Ear(connection, self.heard), None)
                    return
                ear = Ear(connection, self.heard)
                while self._exchange(ear):
                    pass
        except OSError:
            pass

    def _exchange(self, connection):
        request = read_request(connection)
        if request is None:
            return False
        self.requests.append(request)
        script = self._script
        if isinstance(script, dict):
            paths = {k.lower(): v for k, v in script.items()}
            script = paths.get(request['path'].lower(), status('404 Not Found'))
        return script(connection, request)


class Timed(Peer):
    """A host that does not say a word until `begin` has come; `over` comes when a connection is."""

    def __init__(self, *certificate, begin=None, over=None, **more):
        super().__init__(*certificate, **more)
        self._begin, self._over = begin, over

    def _serve(self, plain):
        if self._begin is not None:
            self._begin.wait(PATIENCE)
        super()._serve(plain)
        if self._over is not None:
            self._over.set()


class Nobody:
    """A port without a server."""

    requests, logins, heard, connections = (), (), b'', 0

    def __init__(self, at=(LOOPBACK, 0)):
        self.address = at[0]
        self._socket = socket.socket(socket.AF_INET6 if ':' in at[0] else socket.AF_INET)
        self._socket.bind(at)
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


class Closed(Nobody):
    """Connections are refused."""


class Hole(Nobody):
    """Packets vanish: the queue of connections is full, and nobody takes one from it."""

    def __init__(self, at=(LOOPBACK, 0)):
        super().__init__(at)
        self._socket.listen(0)
        self._waiting = [socket.socket(self._socket.family) for _ in range(3)]
        for client in self._waiting:
            client.setblocking(False)
            client.connect_ex((self.address, self.port))

    def __exit__(self, *_):
        super().__exit__()
        for client in self._waiting:
            client.close()


def read_request(connection):
    """A request as a dictionary, or None when the connection ended."""
    data = b''
    while b'\r\n\r\n' not in data:
        more = connection.recv(4096)
        if not more:
            return None
        data += more
    head, body = data.split(b'\r\n\r\n', 1)
    lines = head.decode('latin-1').split('\r\n')
    method, path, _ = lines[0].split(' ')
    fields = {k.lower(): v.strip() for k, v in (line.split(':', 1) for line in lines[1:])}
    while len(body) < int(fields.get('content-length', 0)):
        body += connection.recv(4096)
    return {'method': method, 'path': path, 'fields': fields, 'body': body}


class Proxy:
    """An HTTP proxy that knows CONNECT; `routes` maps HOST:PORT to a port on loopback."""

    def __init__(self, routes):
        self.asked, self.requests, self.heard = [], [], bytearray()
        self._routes = routes
        self._listener = Listener(self._serve)
        self.url = f'http://{LOOPBACK}:{self._listener.port}'

    def __enter__(self):
        self._listener.start()
        return self

    def __exit__(self, *_):
        self._listener.stop()

    def _serve(self, client):
        request = read_request(Ear(client, self.heard))
        if request is None:
            return
        self.requests.append(request)
        self.asked.append((request['method'], request['path']))
        port = self._routes.get(request['path'])
        if port is None:
            client.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
            client.close()
            return
        server = socket.create_connection((LOOPBACK, port))
        client.sendall(b'HTTP/1.1 200 Connection established\r\n\r\n')
        threading.Thread(target=pump, args=[server, client], daemon=True).start()
        pump(client, server)


def pump(source, target):
    """Copies until an end closes."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass

