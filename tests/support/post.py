"""Sends one request to a service over TLS, as plain bytes, and returns what came back."""
import base64
import socket
import ssl

POX_REQUEST = ('<?xml version="1.0" encoding="utf-8"?>'
               '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
               'requestschema/2006"><Request><EMailAddress>{0}</EMailAddress>'
               '<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/'
               'outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>')


class Answer:
    """status (int), fields (lower-case names to values), body (bytes)."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b'\r\n\r\n')
        first, *lines = head.decode('latin-1').split('\r\n')
        if not first.startswith('HTTP/1.'):
            raise AssertionError(f'not an answer: {raw[:200]!r}')
        self.status = int(first.split()[1])
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(':')
            self.fields[name.lower()] = value.strip()


def basic(user, password):
    """The value of an Authorization field."""
    return 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()


def exchange(where, data, root=None, name=None, timeout=30, source=None):
    """Sends `data` to `where`, reads to the end of the connection. TLS when `root` is given: a PEM
    file, or False for no verification; `name` is the host name expected, `source` an address of
    ours."""
    with socket.create_connection(where, timeout, source and (source, 0)) as plain:
        stream = plain
        if root is not None:
            context = ssl.create_default_context(cafile=str(root) if root else None)
            if not root:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            stream = context.wrap_socket(plain, server_hostname=name)
        stream.sendall(data)
        got = b''
        while True:
            try:
                part = stream.recv(65536)
            except (ssl.SSLEOFError, ConnectionResetError):
                break
            if not part:
                break
            got += part
        return got


def request(where, host, path='/autodiscover/autodiscover.xml', method='POST', body=b'',
            fields=None, root=None, timeout=30, source=None):
    """One request that closes its connection; returns an Answer."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f'{method} {path} HTTP/1.1', f'Host: {host}', 'Connection: close']
    if body or method == 'POST':
        lines += ['Content-Type: text/xml', f'Content-Length: {len(body)}']
    lines += [f'{k}: {v}' for k, v in (fields or {}).items()]
    data = '\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + body
    return Answer(exchange(where, data, root=root, name=host.split(':')[0], timeout=timeout,
                           source=source))
