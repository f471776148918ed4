"""What the benchmarks share: saying what was measured on, and putting tables into the document."""
import os
import pathlib
import re
import ssl
import statistics
import sys
import time

from support import programs


def say(text):
    """Tells how far it is."""
    print(text, file=sys.stderr, flush=True)


def spread(values, digits=2):
    """`median (min-max)`."""
    return (f'{statistics.median(values):.{digits}f} '
            f'({min(values):.{digits}f}-{max(values):.{digits}f})')


def machine():
    """What was measured on."""
    cpu = re.search(r'model name\s*: (.*)', pathlib.Path('/proc/cpuinfo').read_text('ascii'))
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path('/etc/os-release').read_text('utf-8'))
    return (f'{time.strftime("%Y-%m-%d")}, {cpu.group(1)}, {os.cpu_count()} cores, '
            f'{system.group(1)}, {ssl.OPENSSL_VERSION}')


def write_document(name, text, document='PERFORMANCE.md'):
    """Replaces what stands between the marks of the benchmark `name` in a document."""
    begin, end = f'<!-- bench {name}: begin -->', f'<!-- bench {name}: end -->'
    path = programs.ROOT / 'doc' / document
    whole = path.read_text(encoding='utf-8')
    before, _, rest = whole.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f'{before}{begin}\n{text}\n{end}{after}', encoding='utf-8')
