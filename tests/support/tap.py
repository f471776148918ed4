"""Prints TAP: one line for each case, in the order in which they were marked.

    from support import tap

    @tap.case('an unknown option is a usage error')
    def _():
        tap.same(run('--nonsense').returncode, 64)

    @tap.each([('two dots', 'a..b', 65), ('no at', 'ab', 65)])
    def _(address, status):
        ...

    tap.main()
"""
import concurrent.futures
import os
import shutil
import sys
import threading
import traceback

_cases = []
_printing = threading.Lock()


class Skip(Exception):
    """Raised by a case that cannot run here; see need()."""


class Missing(Exception):
    """A part that the case needs is not installed: a failure in CI, a skip elsewhere."""


def case(name):
    """Marks a function without arguments as the case `name`. What it returns is noted."""
    def mark(function):
        _cases.append((name, function))
        return function
    return mark


def each(rows):
    """Marks a function as one case per row: the row's first item names it, the rest are passed."""
    def mark(function):
        for name, *values in rows:
            _cases.append((name, lambda values=values: function(*values)))
        return function
    return mark


def same(got, expected, what=''):
    """Fails when the two differ, and shows both."""
    if got != expected:
        raise AssertionError(f'{what + ": " if what else ""}got {got!r}, expected {expected!r}')


def true(condition, message):
    """Fails with `message` when `condition` does not hold."""
    if not condition:
        raise AssertionError(message)


def has(text, part):
    """Fails when `part` is not in `text`, and shows the text."""
    if part not in text:
        raise AssertionError(f'{part!r} is not in {text!r}')


def skip(reason):
    """Leaves the running case out. For what does not apply here, not for what is missing."""
    raise Skip(reason)


def need(*programs):
    """Leaves the running case out, or fails it in CI, when one of `programs` is not installed."""
    path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
    for program in programs:
        if shutil.which(program, path=path) is None:
            raise Missing(f'{program} is not installed: script/bootstrap installs it')


def _say(line):
    """Prints a line in one piece: a case notes while another's verdict is printed."""
    with _printing:
        print(line, flush=True)


def note(text):
    """Prints a diagnostic line or more."""
    for line in str(text).splitlines():
        _say(f'# {line}')


def _outcome(function):
    """`ok` or `not ok`, what follows the name of the case, and what to note."""
    try:
        said = function()
    except Skip as why:
        return 'ok', f' # SKIP {why}', ''
    except Missing as why:
        if os.environ.get('CI') != 'true':
            return 'ok', f' # SKIP {why}', ''
        return 'not ok', '', str(why)
    except Exception as fault:  # pylint: disable=broad-except
        last = traceback.extract_tb(fault.__traceback__)
        where = [f for f in last if not f.filename.endswith('support/tap.py')]
        at = f'{os.path.basename(where[-1].filename)}:{where[-1].lineno}' if where else ''
        return 'not ok', '', f'{at}: {type(fault).__name__}: {fault}'
    return 'ok', '', said or ''


def main(jobs=1):
    """Runs all cases, `jobs` at a time, and exits: 0 when none failed. An argument runs the cases
    that contain it."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    chosen = [c for c in _cases if wanted in c[0]]
    failed = 0
    print(f'1..{len(chosen)}', flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(_outcome, (function for _, function in chosen))
        for number, ((name, _), (verdict, rest, problem)) in enumerate(zip(chosen, outcomes), 1):
            _say(f'{verdict} {number} - {name}{rest}')
            note(problem)
            failed += verdict != 'ok'
    sys.exit(1 if failed else 0)
