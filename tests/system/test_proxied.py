#!/usr/bin/python3
"""Connections that a balancer passes on: the PROXY protocol, version 2."""
import contextlib
import socket
import ssl
import time

import site_contoso as site
from support import post, tap
from support.daemon import Usherd
from support.scratch import Folder

stack = contextlib.ExitStack()
folder = stack.enter_context(Folder())
site.make(folder)
BALANCER, STRANGER, CLIENT = '127.0.0.1', '127.0.0.2', '192.0.2.7'
daemon = stack.enter_context(Usherd(
    folder, directory=site.uri(folder), top=f'trusted proxies = {BALANCER}\n',
    https='proxy protocol = yes\n', redirect='proxy protocol = yes\n',
    config='[limits]\nconnections per address = 2\nhandshake time = 2s\n'))
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
ASKED = (b'GET /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.contoso.com\r\n'
         b'Connection: close\r\n\r\n')


def header(client=CLIENT, command=0x21, family=0x11):
    """What haproxy says."""
    body = b''
    if client is not None:
        version = socket.AF_INET6 if ':' in client else socket.AF_INET
        source = socket.inet_pton(version, client)
        body = source + source + (4711).to_bytes(2, 'big') + (443).to_bytes(2, 'big')
    return SIGNATURE + bytes((command, family)) + len(body).to_bytes(2, 'big') + body


def connect(where, first, slowly=False, source=BALANCER):
    """A connection that begins so."""
    stream = socket.create_connection(where, 10, (source, 0))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for part in ([first[i:i + 1] for i in range(len(first))] if slowly else [first]):
        stream.sendall(part)
        if slowly:
            time.sleep(0.002)
    return stream


def encrypt(stream):
    """TLS over it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(stream, server_hostname='autodiscover.contoso.com')


def ask(stream, tls=True):
    """The answer to a request without a password."""
    if tls:
        stream = encrypt(stream)
    stream.sendall(ASKED)
    got = b''
    with contextlib.suppress(ssl.SSLEOFError, ConnectionResetError):
        while part := stream.recv(65536):
            got += part
    stream.close()
    return post.Answer(got)


def ends(stream):
    """The other side closes."""
    with contextlib.suppress(ConnectionResetError):
        tap.same(stream.recv(100), b'')
    stream.close()


def last_peer():
    """Whose request the log shows last."""
    lines = [x for x in daemon.log().splitlines() if 'peer=' in x and 'status=' in x]
    return lines[-1].partition('peer=')[2].split()[0].strip('"')


@tap.each([
    ('an IPv4 client', header(), CLIENT, False),
    ('an IPv6 client', header('2001:db8::7', family=0x21), '2001:db8::7', False),
    ('a header that comes byte by byte', header(), CLIENT, True),
    ('more behind the addresses', header()[:14] + b'\x00\x13' + header()[16:] + b'\3\0\4abcd',
     CLIENT, False),
    ('the balancer itself', header(None, command=0x20, family=0), BALANCER, False),
])
def _(first, client, slowly):
    tap.same(ask(connect(daemon.https, first, slowly)).status, 401)
    tap.same(last_peer(), client)


@tap.case('redirects go by it too')
def _():
    tap.same(ask(connect(daemon.redirect, header()), tls=False).status, 302)
    tap.same(last_peer(), CLIENT)


@tap.case('who is no trusted proxy says nothing of the kind, and is not believed')
def _():
    tap.same(ask(connect(daemon.https, b'', source=STRANGER)).status, 401)
    tap.same(last_peer(), STRANGER)
    try:
        ask(connect(daemon.https, header(), source=STRANGER))
    except (OSError, AssertionError):
        return
    raise AssertionError('a stranger was heard')


@tap.each([
    ('TLS at once', b'\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' + bytes(32), 'no PROXY header'),
    ('version 1', b'PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n', 'no PROXY header'),
    ('a local socket', header(None, family=0x31), 'without a TCP client'),
    ('an address cut off', header()[:14] + b'\0\5' + header()[16:21], 'without a TCP client'),
])
def _(first, said):
    ends(connect(daemon.https, first))
    tap.has(daemon.log(), said)


@tap.case('half a header is given up in the time of a handshake')
def _():
    began = time.monotonic()
    ends(connect(daemon.https, header()[:20]))
    tap.true(time.monotonic() - began >= 1.5, 'too early')


@tap.case('connections are limited by the client, not by the balancer')
def _():
    held = [encrypt(connect(daemon.https, header(client)))
            for client in (CLIENT, CLIENT, *(f'192.0.2.{n}' for n in range(20, 26)))]
    ends(connect(daemon.https, header()))
    for stream in held:
        stream.close()


with stack:
    tap.main()
