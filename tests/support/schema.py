"""Validates XML with xmllint.

    tap.same(schema.complaints(ROOT / 'doc/schema/autoconfig.rng', files), [])
"""
import subprocess

from support import tap


def complaints(schema, files):
    """What xmllint says of those that are not valid. RELAX NG when the schema's name ends in .rng."""
    tap.need('xmllint')
    option = '--relaxng' if schema.suffix == '.rng' else '--schema'
    done = subprocess.run(['xmllint', '--nonet', '--noout', option, schema, *files],
                          capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    tap.same(done.returncode == 0, all(line.endswith(' validates') for line in lines))
    return [line for line in lines if not line.endswith(' validates')]


def bodies(answers, folder):
    """Saves the XML in recorded HTTP answers as files of that folder, and returns them."""
    files = []
    for path in sorted(answers):
        _, _, body = path.read_bytes().rpartition(b'\r\n\r\n')
        if body.startswith(b'<?xml'):
            files.append(folder / f'{path.parent.name}.xml')
            files[-1].write_bytes(body)
    return files
