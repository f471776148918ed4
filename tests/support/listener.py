"""A listener on loopback; each connection is served by a thread of its own."""
import socket
import threading

from support.scratch import close

LOOPBACK = '127.0.0.1'


class Listener:
    """serve(connection) is called for each connection from start() on until stop()."""

    def __init__(self, serve, at=(LOOPBACK, 0)):
        self._serve = serve
        self._socket = socket.create_server(
            at, family=socket.AF_INET6 if ':' in at[0] else socket.AF_INET)
        self.address, self.port = self._socket.getsockname()[:2]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        close(self._socket)

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()
