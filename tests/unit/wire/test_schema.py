#!/usr/bin/python3
"""What the POX codec writes validates against doc/schema, and the schemas refuse what is wrong.

Usage: test_schema.py LANGUAGE_SAMPLES SOURCE_ROOT"""
import pathlib
import subprocess
import sys

from support import schema, scratch, tap

SAMPLES, ROOT = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
DOCUMENTS = 300
SCHEMAS = {'request': 'autodiscover-outlook-request.xsd', 'response': 'autodiscover-response.xsd'}
GENERIC = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'
OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'


def validate(kind, files):
    """What is wrong with them."""
    return schema.complaints(ROOT / 'doc/schema' / SCHEMAS[kind], files)


@tap.each([(f'random {kind}s are valid', kind) for kind in SCHEMAS])
def _(kind):
    with scratch.Folder() as folder:
        subprocess.run([SAMPLES, folder, str(DOCUMENTS)], check=True)
        files = sorted(folder.glob(f'{kind}-*.xml'))
        tap.same(len(files), DOCUMENTS)
        tap.same(validate(kind, files)[:3], [])


@tap.case('the documents of the tests are valid')
def _():
    files = sorted((ROOT / 'tests/unit/wire/pox').glob('*.xml'))
    tap.true(len(files) >= 7, 'the samples are missing')
    tap.same(validate('response', files), [])


@tap.case('the answers of the recorded exchanges are valid')
def _():
    with scratch.Folder() as folder:
        files = schema.bodies((ROOT / 'tests/golden').glob('pox/*/response'), folder)
        tap.true(len(files) >= 60, 'the exchanges are missing')
        tap.same(validate('response', files), [])


def response(inside, space=OUTLOOK, root=GENERIC):
    """A document around the children of Response."""
    return f'<Autodiscover xmlns="{root}"><Response xmlns="{space}">{inside}</Response></Autodiscover>'


def settings(inside):
    """Settings with these further children of Account."""
    return response(f'<User/><Account><Action>settings</Action>{inside}</Account>')


@tap.each([
    ('https instead of http in the namespace', response('<Account><Action>settings</Action>'
     '</Account>', space=OUTLOOK.replace('http', 'https'))),
    ('settings in the generic namespace', response('<Account><Action>settings</Action></Account>',
                                                   space=GENERIC)),
    ('a framework error in the namespace of Outlook', response(
        '<Error><ErrorCode>600</ErrorCode><Message>m</Message><DebugData/></Error>')),
    ('a Time without its seven digits', response(
        '<Error Time="1:2"><ErrorCode>500</ErrorCode><Message>m</Message><DebugData/></Error>')),
    ('Error under Account', settings('<Error/>')),
    ('an Action in another case', response('<Account><Action>Settings</Action></Account>')),
    ('an empty element', settings('<Protocol><Type>EXCH</Type><Server/></Protocol>')),
    ('mapiHttp as an element', settings('<Protocol><Type>mapiHttp</Type></Protocol>')),
    ('a wrong switch', settings('<Protocol><Type>IMAP</Type><SSL>yes</SSL></Protocol>')),
    ('EWSUrl for EwsUrl', settings('<Protocol><Type>EXCH</Type><EWSUrl>https://h/</EWSUrl>'
                                   '</Protocol>')),
    ('an element twice', settings('<Protocol><Type>EXCH</Type><AD>a</AD><AD>b</AD></Protocol>')),
    ('a port too high', settings('<Protocol><Type>IMAP</Type><Port>65536</Port></Protocol>')),
    ('a MailStore without URL', settings('<Protocol Type="mapiHttp" Version="1"><MailStore/>'
                                         '</Protocol>')),
    ('a protocol before its account type', response(
        '<Account><Protocol/><Action>settings</Action></Account>')),
])
def _(document):
    with scratch.Folder() as folder:
        path = scratch.write(folder / 'wrong.xml', document)
        tap.true(validate('response', [path]), 'it passed for valid')


tap.main()
