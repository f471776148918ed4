"""Where the programs under test are, and how a test runs `usher`."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('USHER_BUILD') or ROOT / 'build')

# Each process then takes several times as long, and memory of its own.
SANITIZED = os.environ.get('USHER_SANITIZE', 'none') != 'none'

# What a sanitizer writes before it ends a program, or goes on.
SANITIZER_MARKS = ('Sanitizer', 'runtime error:')


def program(name):
    """The path of `usher` or `usherd` in the build folder."""
    path = BUILD / name
    if not path.exists():
        raise FileNotFoundError(f'{name} is not built in {BUILD}: run script/bootstrap')
    return str(path)


def clean_environment(**extra):
    """The environment without anything that could steer usher, plus `extra`."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith('USHER_') and not k.lower().endswith('_proxy')}
    kept['LC_ALL'] = 'C.UTF-8'
    kept.update({k: str(v) for k, v in extra.items()})
    return kept


def usher(*arguments, directory=None, text=None, timeout=60, wrapper=None, **environment):
    """Runs `usher` to its end, by `wrapper` when given. `text` is its standard input. Fails on a
    sanitizer's report."""
    command = [*(wrapper or ()), program('usher')]
    if directory is not None:
        command += ['--directory', str(directory)]
    command += [str(a) for a in arguments]
    done = subprocess.run(command, input=text if text is not None else '', text=True, check=False,
                          capture_output=True, timeout=timeout,
                          env=clean_environment(**environment))
    for mark in SANITIZER_MARKS:
        if mark in done.stderr:
            raise AssertionError(f'{" ".join(command)}: {done.stderr}')
    return done


def usher_ok(*arguments, **options):
    """Runs `usher`, which must succeed, and returns its standard output."""
    done = usher(*arguments, **options)
    if done.returncode != 0:
        raise AssertionError(f'usher {" ".join(map(str, arguments))}: exit {done.returncode}: '
                             f'{done.stderr.strip()}')
    return done.stdout


def usher_json(*arguments, **options):
    """Runs `usher --json`, which must succeed, and returns what it printed as Python values."""
    return json.loads(usher_ok('--json', *arguments, **options))
