#!/usr/bin/python3
"""The page for people in a real browser, as people with and without scripts, eyes and mice use it."""
import shutil
import subprocess
import time

import site_page as site
from browser import Browser
from support import tap
from support.scratch import Folder

PAGE = f'https://{site.HOST}/'
TAB = '\ue004'
DOWNLOAD_SECONDS = 20

# Shows all programs at once.
OPEN = "document.querySelectorAll('details').forEach(e => { e.name = ''; e.open = true; });"

# Each text on the page whose contrast with what is behind it is below 4.5 (WCAG 2.2, 1.4.3).
FAINT = '''
const channels = colour => colour.match(/[0-9.]+/g).map(Number);
const luminance = colour => {
    const [r, g, b] = channels(colour).map(c => c / 255).map(
        c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = e => {
    for (; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor;
        if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
};
const found = [];
for (const e of document.body.querySelectorAll('*:not(svg, svg *)')) {
    const own = e.tagName === 'INPUT' || [...e.childNodes].some(
        n => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(e.tagName + ' ' + e.textContent);
}
return found;
'''

# What a screen reader stumbles over.
UNNAMED = '''
const found = [];
if (!document.documentElement.lang || !document.title) found.push('document');
for (const [role, tag] of [['main', 'main'], ['banner', 'header'], ['contentinfo', 'footer'], ['h1', 'h1']])
    if (document.querySelectorAll(tag).length !== 1) found.push(role);
for (const e of document.querySelectorAll('input:not([type=hidden])'))
    if (!e.labels.length || !e.autocomplete) found.push(e.outerHTML);
for (const e of document.querySelectorAll('a, button, summary, caption'))
    if (!e.textContent.trim()) found.push(e.outerHTML);
for (const e of document.querySelectorAll('table'))
    if (!e.caption || [...e.rows].some(r => r.cells[0].scope !== 'row')) found.push(e.outerHTML);
for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const id of (e.getAttribute('aria-labelledby') || e.getAttribute('aria-describedby')).split(' '))
        if (!document.getElementById(id)) found.push(e.outerHTML);
let level = 1;
for (const e of document.querySelectorAll('h1, h2, h3')) {
    if (e.tagName[1] - level > 1) found.push(e.outerHTML);
    level = +e.tagName[1];
}
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size !== ids.length) found.push('ids ' + ids);
return found;
'''

FOCUSED = '''
const e = document.activeElement;
return [e.tagName, e.textContent || e.id, getComputedStyle(e).outlineStyle];
'''

PROGRAMS = ('chromium', 'chromedriver', 'certutil')
if not all(map(shutil.which, PROGRAMS)):
    tap.case('a browser is there')(lambda: tap.need(*PROGRAMS))
    tap.main()

folder_block = Folder()
folder = folder_block.__enter__()
site.make(folder)
daemon, root = site.serve(folder)
daemon.__enter__()
browsers = {}
for kind in ('with scripts', 'without scripts'):
    home = folder / kind.replace(' ', '-')
    home.mkdir()
    browsers[kind] = Browser(home, root, {f'{site.HOST}:443': '{}:{}'.format(*daemon.https)},
                             scripts=kind == 'with scripts')
    browsers[kind].__enter__()
browser = browsers['with scripts']


def wait_for(path):
    """The bytes of a file that is being downloaded: it is empty until it is put in its place whole."""
    end = time.monotonic() + DOWNLOAD_SECONDS
    while not path.exists() or path.stat().st_size == 0:
        tap.true(time.monotonic() < end, f'{path.name} was not downloaded')
        time.sleep(0.1)
    return path.read_bytes()


@tap.case('scripts are off where they shall be')
def _():
    for name, one in browsers.items():
        one.open('data:text/html,<title>plain</title><script>document.title="scripted"</script>')
        tap.same(one.title(), 'scripted' if name == 'with scripts' else 'plain')


@tap.each([(kind, one) for kind, one in browsers.items()])
def _(one):
    one.log('browser')
    one.requests()
    one.open(PAGE)
    tap.same(one.label(one.one('#email')), ('Your e-mail address', 'textbox'))
    one.go('#email', 'ann@fabrikam.example')
    tap.same(one.text('h1'), 'Settings for ann@fabrikam.example')
    tap.same(one.url(), PAGE + '?email=ann%40fabrikam.example')
    tap.has(one.text('section:last-of-type'), 'Server imap.fabrikam.example\nPort 993\n')
    tap.true('Host Name' not in one.text(), 'a program that was not chosen is open')
    one.click('details:nth-of-type(3) summary')
    tap.has(one.text('details:nth-of-type(3)'), 'Server imap.fabrikam.example\nPort 993\nEncryption (SSL) On\n')
    one.click('.button')
    profile = wait_for(one.downloads / 'fabrikam.example.mobileconfig')
    tap.has(profile, b'<string>imap.fabrikam.example</string>')
    one.go('nav a')
    tap.same(one.text('h1'), 'Einstellungen für ann@fabrikam.example')
    one.go('main > p a[href="/?lang=de"]')
    tap.same(one.text('h1'), 'Mailprogramm einrichten')
    one.go('#email', 'ann@unknown.example')
    tap.has(one.text('#problem'), 'Für unknown.example sind wir nicht zuständig.')
    asked = one.requests()
    tap.same([u for u in asked if not u.startswith(PAGE)], [])
    tap.true(len(asked) >= 6, asked)
    # A page that says 404 is noted by the browser; nothing else may be.
    tap.same([e['message'] for e in one.log('browser') if 'status of 404' not in e['message']], [])


@tap.each([(f'{name}, {scheme}', target, scheme) for scheme in ('light', 'dark') for name, target in (
    ('the question', ''), ('mail', '?email=ann%40fabrikam.example'), ('Exchange', '?email=nora%40contoso.com'),
    ('no address', '?email=ann'), ('a domain that has moved', '?email=ann%40moved.example&lang=de'),
    ('the root', 'ca'))])
def _(target, scheme):
    browser.look(360, 740, scheme)
    browser.open(PAGE + target)
    browser.run(OPEN)
    tap.same(browser.run(FAINT), [])
    tap.same(browser.run(UNNAMED), [])
    ground = browser.run('return getComputedStyle(document.documentElement).backgroundColor')
    tap.same(int(ground[4:].split(',')[0]) > 127, scheme == 'light')


@tap.each([(f'{width} pixels', width) for width in (320, 1280)])
def _(width):
    browser.look(width, 800, 'light')
    for language in ('en', 'de'):
        for target in ('?', 'ca?', '?email=a.rather.long.name%40fabrikam.example&', '?email=nora%40contoso.com&'):
            browser.open(f'{PAGE}{target}lang={language}')
            browser.run(OPEN)
            wide = browser.run('return document.documentElement.scrollWidth')
            tap.true(wide <= width, f'{target} {language} is {wide} pixels wide')


@tap.case('all that can be used is reached by keys, in order, and seen there')
def _():
    browser.look(1280, 800, 'light')
    browser.open(PAGE + '?email=ann%40fabrikam.example')
    seen = []
    for _ in range(8):
        browser.press(TAB)
        name, text, outline = browser.run(FOCUSED)
        tap.true(outline == 'solid', f'{name} {text} has no outline')
        seen.append(text)
    tap.same(seen, ['Fabrikam & Söhne', 'Deutsch', 'Outlook', 'Thunderbird', 'iPhone, iPad, Mac', 'Android',
                    'Mail in the browser', 'Another address'])


@tap.case('an error is the first thing that is told')
def _():
    browser.open(PAGE + '?email=ann')
    tap.same(browser.title(), 'Error: Set up your mail program')
    tap.same(browser.label(browser.one('#problem'))[1], 'alert')
    tap.same(browser.run(FOCUSED)[:2], ['INPUT', 'email'])
    tap.same(browser.run('return document.activeElement.ariaInvalid'), 'true')


@tap.case('the code leads a phone to this page')
def _():
    tap.need('zbarimg')
    for scheme in ('light', 'dark'):
        browser.look(1280, 800, scheme)
        browser.open(PAGE + '?email=ann%40fabrikam.example')
        tap.same(browser.label(browser.one('svg')), ('QR code: the address of this page', 'image'))
        browser.picture('svg', folder / 'code.png')
        read = subprocess.run(['zbarimg', '-q', '--raw', str(folder / 'code.png')], check=True,
                              capture_output=True, text=True, timeout=30)
        tap.same(read.stdout.strip(), PAGE + '?email=ann%40fabrikam.example')


@tap.case('the browser and usherd end in peace')
def _():
    for one in browsers.values():
        one.__exit__(None, None, None)
    daemon.__exit__(None, None, None)
    folder_block.__exit__(None, None, None)


tap.main()
