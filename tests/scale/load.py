"""Mail programs that ask, ask once more when that fails, and check each answer byte for byte.

    truth = Truth({question: seconds for which the answer before a change may still be given})
    with Load(truth, questions, authority, seed, clients) as load:
        ...
    load.told       what went wrong, as lines of text; empty when all is well"""
import http.client
import random
import re
import ssl
import threading
import time

from cluster import BALANCER, HOST

PAUSE_SECONDS = 0.3
# The time and the number of an error are its own.
CHANCE = re.compile(rb' Time="[^"]*" Id="[^"]*"')


class Truth:
    """Which answers are right when: each question's versions, with the time from which one could be
    seen and the time from which the next was in every directory."""

    def __init__(self, bounds):
        self._bounds = bounds
        self._versions, self._lock = {}, threading.Lock()

    def begins(self, question, answer):
        """From now on `answer` may be given to `question`."""
        with self._lock:
            self._versions.setdefault(question, []).append([answer, time.monotonic(), None])

    def newest(self, question):
        """The answer that began last."""
        with self._lock:
            return self._versions[question][-1][0]

    def settles(self, question):
        """From now on every directory has the last answer, and none of those before."""
        with self._lock:
            for version in self._versions[question][:-1]:
                version[2] = version[2] or time.monotonic()

    def right(self, question, answer, began, ended):
        """Whether this answer, asked for and given at these times, was right."""
        with self._lock:
            return any(answer == known and since <= ended and
                       (gone is None or began <= gone + self._bounds[question])
                       for known, since, gone in self._versions[question])


class Question:
    """One request, and what it is called."""

    def __init__(self, name, method, path, body=None, fields=None):
        self.name, self.method, self.path, self.body = name, method, path, body
        self.fields = {'Host': HOST, **({'Content-Type': 'text/xml'} if body else {}),
                       **(fields or {})}

    def ask(self, connection):
        """The status and the body, without what is different each time."""
        connection.request(self.method, self.path, body=self.body, headers=self.fields)
        answer = connection.getresponse()
        return answer.status, CHANCE.sub(b'', answer.read())


class Failed(Exception):
    """No answer, or 503: what the balancer or a second try mends."""


class Client(threading.Thread):
    """Asks at random, over one connection (`keeps`) or a new one each time."""

    def __init__(self, load, number, keeps):
        super().__init__(daemon=True)
        self._load, self._keeps = load, keeps
        self._random = random.Random(f'{load.seed} {number}')
        self._source = f'10.78.{number // 200}.{number % 200 + 1}'
        self._connection = None

    def run(self):
        while not self._load.ending.wait(self._random.uniform(0, 2 * PAUSE_SECONDS)):
            try:
                self._ask(self._random.choice(self._load.questions))
            except Exception as fault:  # pylint: disable=broad-except
                self._load.tell(f'client {self._source}: {type(fault).__name__}: {fault}')
        self._close()

    def _ask(self, question):
        try:
            self._once(question)
        except Failed as first:
            self._load.count('failed')
            time.sleep(self._load.retry_seconds)
            try:
                self._once(question)
            except Failed as second:
                self._load.tell(f'{question.name}: failed twice: {first}; {second}')

    def _once(self, question):
        began = time.monotonic()
        try:
            if self._connection is None:
                self._connection = self._load.connect(self._source)
            answer = question.ask(self._connection)
        except (OSError, http.client.HTTPException) as fault:
            self._close()
            raise Failed(f'{type(fault).__name__}: {fault}') from fault
        if not self._keeps:
            self._close()
        if answer[0] == 503:
            self._close()
            raise Failed(f'503: {answer[1][:100]!r}')
        self._load.count('answered')
        if not self._load.truth.right(question.name, answer, began, time.monotonic()):
            self._load.tell(f'{question.name}: wrong answer: {answer!r}')

    def _close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Load:
    """`clients` clients, every third of which keeps its connection. A request may take as long as
    the balancer needs to see that a machine hangs; then it is made once more."""

    def __init__(self, truth, questions, authority, seed, clients, retry_seconds):
        self.truth, self.questions, self.seed = truth, questions, seed
        self.retry_seconds = retry_seconds
        self.ending, self.told, self.counts = threading.Event(), [], {}
        self._context = ssl.create_default_context(cafile=str(authority.root))
        self._lock = threading.Lock()
        self._clients = [Client(self, n, n % 3 == 0) for n in range(clients)]

    def connect(self, source='', where=BALANCER):
        """A connection to the balancer, or to another address."""
        connection = Connection(where, context=self._context, timeout=2 * self.retry_seconds)
        if source:
            connection.source_address = (source, 0)
        return connection

    def count(self, what):
        """Counts one more."""
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def tell(self, line):
        """Notes what went wrong."""
        with self._lock:
            self.told.append(line)

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for client in self._clients:
            client.join()


class Connection(http.client.HTTPSConnection):
    """To an address, of a host with the name of the service."""

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=HOST)
