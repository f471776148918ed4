"""openssl, GnuTLS's certtool and Java's keytool, as people run them."""
import subprocess

from support import tap


def run(program, *arguments, text=None, timeout=60, fails=False):
    """What `program` printed on both outputs; it must succeed, or not when it `fails`."""
    tap.need(program)
    done = subprocess.run([program, *map(str, arguments)], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    if (done.returncode != 0) != fails:
        raise AssertionError(f'{program} {" ".join(map(str, arguments))}: exit {done.returncode}: '
                             f'{done.stdout.strip()}')
    return done.stdout


def openssl(*arguments, **options):
    """`openssl`, which must succeed."""
    return run('openssl', *arguments, **options)


def certtool(*arguments, **options):
    """`certtool`, which must succeed."""
    return run('certtool', *arguments, **options)


def keytool(*arguments, **options):
    """`keytool`, which must succeed. Java takes its time to start; less so in its simplest form."""
    return run('keytool', '-J-XX:TieredStopAtLevel=1', '-J-Xshare:auto', *arguments, **options)
