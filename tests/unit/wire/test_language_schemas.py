#!/usr/bin/python3
"""What the codecs of SOAP, ActiveSync and Mail Autoconfig write validates against doc/schema, and
the schemas refuse what makes known programs fail.

Usage: test_language_schemas.py LANGUAGE_SAMPLES SOURCE_ROOT"""
import pathlib
import subprocess
import sys

from support import schema, scratch, tap

SAMPLES, ROOT = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
DOCUMENTS = 100
SCHEMAS = {
    'mobilesync': 'autodiscover-response.xsd',
    'mobilesync-request': 'autodiscover-mobilesync-request.xsd',
    'soap': 'soap-envelope.xsd',
    'soap-request': 'soap-envelope.xsd',
    'autoconfig': 'autoconfig.rng',
}
UNIT = ROOT / 'tests/unit/wire'


def validate(kind, files):
    """What is wrong with them."""
    return schema.complaints(ROOT / 'doc/schema' / SCHEMAS[kind], files)


@tap.each([(f'random {kind} documents are valid', kind) for kind in SCHEMAS])
def _(kind):
    with scratch.Folder() as folder:
        subprocess.run([SAMPLES, folder, str(DOCUMENTS)], check=True)
        files = sorted(p for p in folder.glob(f'{kind}-*.xml') if p.stem[len(kind) + 1:].isdigit())
        tap.same(len(files), DOCUMENTS)
        tap.same(validate(kind, files)[:3], [])


@tap.each([(f'the {kind} documents of the tests are valid', kind)
           for kind in ('mobilesync', 'soap', 'autoconfig')])
def _(kind):
    files = sorted((UNIT / kind).glob('*.xml'))
    tap.true(files, 'the documents are missing')
    tap.same(validate(kind, files), [])


@tap.each([(f'the recorded answers of {family} are valid', family, kind)
           for family, kind in (('activesync', 'mobilesync'), ('soap', 'soap'),
                                ('autoconfig', 'autoconfig'))])
def _(family, kind):
    with scratch.Folder() as folder:
        # A provider without SMTP, as `idn`, is no use to some programs, but better than none to others.
        answers = [p for p in (ROOT / 'tests/golden' / family).glob('*/response')
                   if p.parent.name != 'idn']
        files = schema.bodies(answers, folder)
        tap.true(len(files) >= 8, 'the exchanges are missing')
        tap.same(validate(kind, files), [])


def changed(kind, name, old, new):
    """A document of the tests with one thing changed."""
    text = (UNIT / kind / f'{name}.xml').read_text(encoding='utf-8')
    tap.true(old in text, f'{old} is not there')
    return text.replace(old, new, 1)


@tap.each([(label, kind, name, old, new) for label, kind, name, old, new in [
    ('https in the namespace of messages', 'soap', 'answer', 'xmlns="http:', 'xmlns="https:'),
    ('a type with a prefix that is not declared', 'soap', 'answer', '"StringSetting', '"a:StringSetting'),
    ('an empty header', 'soap', 'fault', '<s:Body>', '<s:Header /><s:Body>'),
    ('an invented error', 'soap', 'answer', '>RedirectAddress<', '>Moved<'),
    ('RedirectTarget neither nil nor there', 'soap', 'answer', '<RedirectTarget i:nil="true" />',
     '<RedirectTarget />'),
    ('a qualified faultcode', 'soap', 'fault', '<faultcode>s:Client</faultcode>',
     '<s:faultcode>s:Client</s:faultcode>'),
    ('an empty collection', 'soap', 'answer', '<AlternateMailbox>', '<!-- '),
    ('Redirect to nowhere', 'mobilesync', 'redirect', 'kim@eu.litware.example', ''),
    ('another Status', 'mobilesync', 'refusal-provider', '<Status>2<', '<Status>1<'),
    ('an unknown Type', 'mobilesync', 'settings', 'CertEnroll', 'Fax'),
    ('https in the namespace of ActiveSync', 'mobilesync', 'settings',
     '<Response xmlns="http:', '<Response xmlns="https:'),
    ('no TLS', 'autoconfig', 'smallest', '>SSL<', '>plain<'),
    ('authentication plain', 'autoconfig', 'smallest', 'password-cleartext', 'plain'),
    ('no id', 'autoconfig', 'smallest', ' id="hosting.example"', ''),
    ('a host in capitals', 'autoconfig', 'smallest', 'mail.hosting', 'Mail.hosting'),
    ('no user name', 'autoconfig', 'smallest', '<username>%EMAILADDRESS%</username>', ''),
    ('port 0', 'autoconfig', 'smallest', '993', '0'),
    ('a type in the draft’s other spelling', 'autoconfig', 'full', 'activeSync', 'activesync'),
    ('a password', 'autoconfig', 'smallest', '</username>', '</username><password>x</password>'),
]])
def _(kind, name, old, new):
    document = changed(kind, name, old, new)
    if new == '<!-- ':
        document = document.replace('</AlternateMailbox>', ' -->', 1)
    with scratch.Folder() as folder:
        path = scratch.write(folder / 'wrong.xml', document)
        tap.true(validate(kind, [path]), 'it passed for valid')


tap.main()
