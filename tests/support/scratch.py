"""Folders and ports that belong to one test and leave nothing behind."""
import pathlib
import socket
import tempfile


class Folder:
    """A new folder, removed at the end of the `with` block. Its value is a pathlib.Path."""

    def __enter__(self):
        self._made = tempfile.TemporaryDirectory(prefix='usher-test-', ignore_cleanup_errors=True)
        return pathlib.Path(self._made.name)

    def __exit__(self, *_):
        self._made.cleanup()


def free_port(address='127.0.0.1', kind=socket.SOCK_STREAM):
    """A port that nobody listens on now. Another program may take it: be ready to try again."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family, kind) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def close(listener):
    """Closes a socket that another thread listens to: that thread gets an OSError or no data, and
    the port is free again. To close alone would leave both until something comes."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:     # it has no peer, but whoever waits wakes up
        pass
    listener.close()


def write(path, text, mode=0o644):
    """Writes a file whose mode is right from the first byte; returns its path."""
    path = pathlib.Path(path)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text, encoding='utf-8')
    return path
