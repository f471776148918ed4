#!/usr/bin/python3
"""Each public header compiles alone, as C99, C11 and C++, under strict flags."""
import os
import subprocess

from support import tap
from support.programs import ROOT

FLAGS = ['-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Werror', f'-I{ROOT}/include']
MODES = [('C99', 'cc', 'c', 'c99'), ('C11', 'cc', 'c', 'c11'),
         ('C++11', 'c++', 'c++', 'c++11'), ('C++17', 'c++', 'c++', 'c++17')]
HEADERS = sorted(p.name for p in (ROOT / 'include' / 'usher').glob('*.h'))


@tap.each([(f'{header} as {name}', header, compiler, language, standard)
           for header in HEADERS for name, compiler, language, standard in MODES])
def _(header, compiler, language, standard):
    program = os.environ.get('CC' if compiler == 'cc' else 'CXX', compiler).split()
    tap.need(program[0])
    # Twice, for its guard; and an initialiser, which only an expansion can break.
    source = f'#include <usher/{header}>\n#include <usher/{header}>\n'
    if header == 'find.h':
        source += 'struct usher_find_options o = USHER_FIND_OPTIONS_INIT;\n'
    if header == 'profile.h':
        source += 'struct usher_profile_options o = USHER_PROFILE_OPTIONS_INIT;\n'
    done = subprocess.run([*program, *FLAGS, f'-std={standard}', '-x', language, '-'],
                          input=source, capture_output=True, text=True, check=False)
    tap.same(done.returncode, 0, done.stderr)


tap.main()
