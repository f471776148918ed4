"""A sample organization that the system tests of usherd ask."""
import http.client
import ssl
import threading

from support import programs
from support.post import POX_REQUEST, basic, request
from support.scratch import write

PASSWORD = 's3cret-Passw0rd'
UMLAUT = 'gr\u00fc\u00df'
HOST = 'cas01.contoso.com'
PATH = '/autodiscover/autodiscover.xml'
DOMAINS = 'default domain = contoso.com\nwindows domains = CONTOSO=contoso.com\n'


def set_password(folder, address, password):
    """Gives a mailbox a password."""
    path = write(folder / 'password', password, mode=0o600)
    programs.usher_ok('mailbox', 'password', address, '--password-file', path,
                      directory=uri(folder))


def uri(folder):
    """The directory in `folder`."""
    return f'sqlite:{folder}/usher.db'


def make(folder):
    """Makes the directory: contoso.com with mailboxes, fabrikam.example open to everybody."""
    def usher(*arguments):
        programs.usher_ok(*arguments, directory=uri(folder))

    usher('setup', '--domain', 'contoso.com', '--host', HOST)
    usher('mailbox', 'add', 'nora@contoso.com', '--display-name', 'Nora Lind',
          '--aliases', 'n.lind@contoso.com')
    usher('mailbox', 'add', 'jo@contoso.com', '--display-name', 'Jo')
    usher('domain', 'add', 'fabrikam.example', '--kind', 'mail')
    usher('service', 'add', 'fabrikam.example', 'imap', '--host', 'imap.fabrikam.example',
          '--port', '993', '--socket', 'tls')
    set_password(folder, 'nora@contoso.com', PASSWORD)
    set_password(folder, 'jo@contoso.com', UMLAUT)


def ask(daemon, address='nora@contoso.com', login=None, password=PASSWORD, fields=None, body=None,
        listener='https', **options):
    """A POX question; `login` None sends no credentials."""
    fields = dict(fields or {})
    if login is not None:
        fields['Authorization'] = basic(login, password)
    return request(getattr(daemon, listener), HOST, fields=fields,
                   body=POX_REQUEST.format(address) if body is None else body,
                   root=False if listener == 'https' else None, **options)


def raw(answer):
    """An answer without what differs between two equal ones."""
    fields = {k: v for k, v in answer.fields.items() if k != 'date'}
    return answer.status, fields, answer.body


class KeepAlive:
    """Questions over one connection for each thread, opened again only when the server said so."""

    def __init__(self, daemon):
        self._daemon, self._local, self.opened = daemon, threading.local(), 0

    def __call__(self):
        connection = getattr(self._local, 'connection', None)
        if connection is None:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(*self._daemon.https, context=context,
                                                     timeout=30)
            self.opened += 1
        connection.request('POST', PATH, POX_REQUEST.format('nora@contoso.com'),
                           {'Authorization': basic('nora@contoso.com', PASSWORD)})
        answer = connection.getresponse()
        answer.read()
        self._local.connection = None if answer.will_close else connection
        if answer.will_close:
            connection.close()
        return answer


class Load:
    """Asks again and again from several threads until the block ends; notes what went wrong."""

    def __init__(self, question, threads=3):
        self._question, self._stop = question, threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.answered, self.faults = 0, []

    def _run(self):
        while not self._stop.is_set():
            try:
                status = self._question().status
                if status != 200:
                    self.faults.append(f'status {status}')
            except Exception as fault:  # pylint: disable=broad-except
                self.faults.append(repr(fault))
            self.answered += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
