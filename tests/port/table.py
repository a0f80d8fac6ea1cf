#!/usr/bin/env python3
"""table.py WINERROR TABLE MAP LIBRARY HEADERS : every code that winerror.h and winsock2.h name has a text for FormatMessage, and
only one; and the kit's library exports what its map names and its headers declare, and nothing else.  TAP.
"""
import glob
import os
import re
import subprocess
import sys

# The HRESULTs that HRESULT_FROM_WIN32 makes, and other names of codes.
OTHERWISE = {'E_ACCESSDENIED', 'E_HANDLE', 'E_OUTOFMEMORY', 'E_INVALIDARG', 'NO_ERROR', 'S_OK', 'S_FALSE', 'SEC_E_OK', 'SEC_E_NO_SPM',
             'SEC_E_NOT_SUPPORTED'}


def read(path):
    with open(path, encoding='utf-8') as file:
        return re.sub(r'/\*.*?\*/', ' ', file.read(), flags=re.S)


def main():
    winerror, table, symbols, library, headers = sys.argv[1:]
    codes = set(re.findall(r'#define\s+((?:SEC|CRYPT|CERT|TRUST|NTE|ERROR|E)_\w+)\s', read(winerror))) - OTHERWISE
    sockets = re.findall(r'#define\s+(WSA\w+)\s+1\d{4}\b', read(os.path.join(headers, 'winsock2.h')))
    rows = re.findall(r'X\((\w+),[\s\\]*"([^"]*)"\)', read(table))
    names = [name for name, _ in rows]
    results = [('winerror.h has codes', len(codes) > 250, len(codes)), ('winsock2.h has codes', len(sockets) > 30, len(sockets))]
    codes |= set(sockets) - {'WSABASEERR'}
    results.append(('every code has a text', not codes - set(names), sorted(codes - set(names))))
    results.append(('and only one', len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})))
    bad = [name for name, text in rows if not re.match(r'[A-Z0-9].*\.$', text)]
    results.append(('each text is a sentence', not bad, bad))

    mapped = set(re.findall(r'(\w+);', read(symbols).partition('global:')[2].partition('local:')[0]))
    output = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', library], check=True, capture_output=True, text=True).stdout
    exported = {line.split()[0].split('@')[0] for line in output.splitlines() if line.split()[1] != 'A'}
    declared = set()
    for path in glob.glob(os.path.join(headers, '*.h')):
        declared.update(re.findall(r'(\w+)\s*\(', read(path)))
    results.append(('the library exports what the map names', mapped == exported, sorted(mapped ^ exported)))
    results.append(('and the headers declare it', not exported - declared, sorted(exported - declared)))

    print('1..%d' % len(results))
    for number, (what, good, detail) in enumerate(results, 1):
        print('%s %d - %s' % ('ok' if good else 'not ok', number, what))
        if not good:
            print('# %s' % detail)
    return 0 if all(good for _, good, _ in results) else 1


if __name__ == '__main__':
    sys.exit(main())
