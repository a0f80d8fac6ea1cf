#!/usr/bin/env python3
"""declared.py CC INCLUDE LIBRARY : every function that a public header declares is in the library.

The other way round (everything exported is declared, and named in the map) is scripts/check-symbols' part.  The compiler
itself lists the declarations (-aux-info), so macros and continuation lines need no guessing.  TAP on stdout.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile


def declarations(compiler, include):
    """name -> header, for functions without a body of their own."""
    names = {}
    headers = sorted(os.path.basename(path) for path in glob.glob(os.path.join(include, '*.h')))
    with tempfile.TemporaryDirectory() as folder:
        source, listing = os.path.join(folder, 'all.c'), os.path.join(folder, 'all.txt')
        with open(source, 'w', encoding='utf-8') as file:
            # What a program includes first; the rest of the headers may count on these, as the SDK's do.
            for header in ['windows.h', 'security.h'] + headers:
                file.write('#include <%s>\n' % header)
        subprocess.run([compiler, '-std=gnu11', '-DSECURITY_WIN32', '-I' + include, '-aux-info', listing,
                        '-fsyntax-only', source], check=True)
        with open(listing, encoding='utf-8') as file:
            for line in file:
                match = re.match(r'/\* (\S+):\d+:(\w+) \*/ (.*)', line)
                if not match or not os.path.abspath(match[1]).startswith(os.path.abspath(include) + os.sep):
                    continue
                # C: declared, F: defined (an inline function)
                name = re.search(r'(\w+) \(', re.sub(r'__attribute__ \(\(.*?\)\)', '', match[3]))
                if 'F' not in match[2] and name:
                    names[name[1]] = os.path.basename(match[1])
    return names


def exported(library):
    output = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', library],
                            check=True, capture_output=True, text=True).stdout
    return {line.split()[0].split('@')[0] for line in output.splitlines()}


def main():
    compiler, include, library = sys.argv[1:]
    declared, symbols = declarations(compiler, include), exported(library)
    missing = 0
    print('1..%d' % (len(declared) + 1))
    print('%s 1 - the headers declare functions (%d)' % ('ok' if len(declared) > 50 else 'not ok', len(declared)))
    for number, (name, header) in enumerate(sorted(declared.items()), 2):
        there = name in symbols
        missing += not there
        print('%s %d - %s (%s)' % ('ok' if there else 'not ok', number, name, header))
    return 1 if missing or len(declared) <= 50 else 0


if __name__ == '__main__':
    sys.exit(main())
