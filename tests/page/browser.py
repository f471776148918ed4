"""Drives headless Chromium through ChromeDriver, with the standard library alone."""
import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

from support.programs import clean_environment
from support.scratch import free_port

START_SECONDS = WAIT_SECONDS = 30
ENTER = '\ue007'
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'     # the key that WebDriver gives an element


class Browser:
    """`with Browser(home, root, {'page.example:443': '127.0.0.1:8443'}) as b:` trusts the authority
    `root`, reaches these hosts at these places and no others, and keeps everything in `home`."""

    def __init__(self, home, root, places, scripts=True):
        self._home = home
        self.downloads = home / 'downloads'
        self._port = free_port()
        self._base = ''
        rules = [f'MAP {host} {place}' for host, place in places.items()]
        self._options = {
            'args': ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic',
                     '--no-first-run', '--disable-background-networking',
                     '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
                     '--force-color-profile=srgb', f'--user-data-dir={home}/profile',
                     '--host-resolver-rules=' + ','.join(rules + ['MAP * ~NOTFOUND'])],
            'prefs': {'download.default_directory': str(self.downloads),
                      'profile.managed_default_content_settings.javascript': 1 if scripts else 2},
        }
        self._trust(root)

    def _trust(self, root):
        store = self._home / '.pki' / 'nssdb'
        store.mkdir(parents=True)
        for words in (['-N', '--empty-password'], ['-A', '-n', 'test', '-t', 'C,,', '-i', root]):
            subprocess.run(['certutil', '-d', f'sql:{store}', *map(str, words)], check=True,
                           env=clean_environment(), timeout=START_SECONDS)

    def __enter__(self):
        log = open(self._home / 'chromedriver.log', 'wb')   # pylint: disable=consider-using-with
        self._driver = subprocess.Popen(        # pylint: disable=consider-using-with
            ['chromedriver', f'--port={self._port}'], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=clean_environment(HOME=str(self._home)))
        log.close()
        try:
            self._wait_ready()
            made = self._send('POST', '/session', {'capabilities': {'alwaysMatch': {
                'goog:chromeOptions': self._options,
                'goog:loggingPrefs': {'browser': 'ALL', 'performance': 'ALL'}}}})
        except BaseException:
            self._driver.kill()
            self._driver.wait()
            raise
        self._base = f'/session/{made["sessionId"]}'
        return self

    def __exit__(self, *_):
        try:
            self._send('DELETE', self._base)
        finally:
            self._driver.terminate()
            self._driver.wait()

    def _wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._send('GET', '/status')['ready']:
                    return
            except urllib.error.URLError:
                if time.monotonic() > end or self._driver.poll() is not None:
                    raise
            time.sleep(0.05)

    def _send(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == 'POST' else None
        request = urllib.request.Request(f'http://127.0.0.1:{self._port}{path}', data=data,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)['value']
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(json.load(refusal)['value']['message']) from None

    def open(self, url):
        """Goes there and waits until the page has loaded."""
        self._send('POST', self._base + '/url', {'url': url})

    def go(self, selector, text=None):
        """Follows a link, or types into a form and sends it, and waits for the next page."""
        before = self.url()
        if text is None:
            self.click(selector)
        else:
            self.type(selector, text + ENTER)
        end = time.monotonic() + WAIT_SECONDS
        while not self._has_left(before):
            if time.monotonic() > end:
                raise AssertionError(f'{selector} on {before} led nowhere')
            time.sleep(0.05)

    def _has_left(self, url):
        try:
            return self.url() != url and self.run('return document.readyState') == 'complete'
        except RuntimeError:    # the one page goes while it is asked, and the next is not there yet
            return False

    def url(self):
        """Where it is."""
        return self._send('GET', self._base + '/url')

    def all(self, selector):
        """The elements that a CSS selector finds."""
        return [e[ELEMENT] for e in self._send('POST', self._base + '/elements',
                                               {'using': 'css selector', 'value': selector})]

    def one(self, selector):
        """The first of them."""
        found = self.all(selector)
        if not found:
            raise AssertionError(f'nothing on {self.url()} is {selector}')
        return found[0]

    def title(self):
        """The title of the document."""
        return self._send('GET', self._base + '/title')

    def text(self, selector='body'):
        """What a reader sees of an element."""
        return self._send('GET', f'{self._base}/element/{self.one(selector)}/text')

    def type(self, selector, text):
        """Types into an element."""
        self._send('POST', f'{self._base}/element/{self.one(selector)}/value', {'text': text})

    def click(self, selector):
        """Clicks it."""
        self._send('POST', f'{self._base}/element/{self.one(selector)}/click')

    def press(self, key):
        """Presses a key where the focus is."""
        self._send('POST', self._base + '/actions', {'actions': [{
            'type': 'key', 'id': 'keys', 'actions': [{'type': 'keyDown', 'value': key},
                                                     {'type': 'keyUp', 'value': key}]}]})

    def label(self, element):
        """The name by which a screen reader calls it, and its role."""
        where = f'{self._base}/element/{element}'
        return (self._send('GET', where + '/computedlabel'),
                self._send('GET', where + '/computedrole'))

    def run(self, script, *arguments):
        """Runs a function body in the page; works where the page itself may run none."""
        return self._send('POST', self._base + '/execute/sync',
                          {'script': script, 'args': list(arguments)})

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self._send('POST', self._base + '/goog/cdp/execute',
                          {'cmd': name, 'params': parameters})

    def look(self, width, height, scheme):
        """Sets the size of the window and `light` or `dark`."""
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 600)
        self.command('Emulation.setEmulatedMedia',
                     features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def screenshot(self, path):
        """The whole page as a PNG file."""
        made = self.command('Page.captureScreenshot', captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(made['data']))

    def picture(self, selector, path):
        """One element as a PNG file."""
        made = self._send('GET', f'{self._base}/element/{self.one(selector)}/screenshot')
        path.write_bytes(base64.b64decode(made))

    def log(self, kind):
        """What was logged since the last call: `browser` is the console, `performance` the network."""
        return self._send('POST', self._base + '/se/log', {'type': kind})

    def requests(self):
        """The URLs asked for since the last call."""
        events = [json.loads(e['message'])['message'] for e in self.log('performance')]
        return [e['params']['request']['url'] for e in events
                if e['method'] == 'Network.requestWillBeSent']
