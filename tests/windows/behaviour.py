"""behaviour.py SOURCE BUILD : what Windows does, row by row, as a case of its own for each row of docs/windows-behaviour.md.

A row names the test functions that show it, which live beside what they test.  Their programs are run here as meson would run them,
each once; a row holds when every function that it names has passed.  A function that could not run because something is not installed
is said, and the row is skipped for it.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

ROW = re.compile(r'^\| ([A-Z]+\d+) \|(.*)\| ([^|]*) \| ([^|]*) \|$')
RESULT = re.compile(r'^(not ok|ok) \d+(?: - | )(.*?)(\s+# SKIP.*)?$', re.I)
LIMIT = 120  # seconds for a program


def rows(source):
    """(row, what it says, [(file, function)]) for each row of the page."""
    with open(os.path.join(source, 'docs', 'windows-behaviour.md'), encoding='utf-8') as page:
        for line in page:
            match = ROW.match(line.rstrip('\n'))
            if match:
                cells = re.findall(r'`([^`:]+): ([^`]+)`', match[4])
                yield match[1], match[2].strip(), [(name, function) for name, functions in cells
                                                   for function in functions.split(', ')]


def programs(source, build):
    """file -> the tests of meson's that its program makes."""
    def introspected(what):
        with open(os.path.join(build, 'meson-info', 'intro-%s.json' % what), encoding='utf-8') as file:
            return json.load(file)
    tests = introspected('tests')
    found = {}
    for target in introspected('targets'):
        mine = [test for test in tests if target['id'] in test['depends'] and target['type'] == 'executable']
        for name in (name for part in target['target_sources'] for name in part.get('sources', ())):
            found.setdefault(os.path.relpath(os.path.normpath(name), source), []).extend(mine)
    return found


def run(test, build):
    """function -> 'ok', 'not ok' or what it was skipped for."""
    env = dict(os.environ, **test['env'])
    try:
        done = subprocess.run(test['cmd'], cwd=build, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors='replace', timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return {}, '%s did not end within %d seconds' % (test['name'], LIMIT)
    results = {}
    for line in done.stdout.splitlines():
        match = RESULT.match(line)
        if match:
            results[match[2]] = match[3].split('SKIP', 1)[1].strip() if match[3] else match[1]
    return results, '\n'.join(line for line in done.stdout.splitlines() if not line.startswith('ok '))[-2000:]


def main():
    source, build = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
    page = list(rows(source))
    of_file = programs(source, build)
    wanted = {name: of_file.get(name, []) for _, _, tests in page for name, _ in tests}
    each = {test['name']: test for tests in wanted.values() for test in tests}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = dict(zip(each, pool.map(lambda test: run(test, build), each.values())))
    print('1..%d' % len(page))
    failed = 0
    for number, (row, says, functions) in enumerate(page, 1):
        notes, skipped = [], []
        for name, function in functions:
            results = [done[test['name']][0].get(function) for test in wanted[name]]
            if not results:
                skipped.append('%s is not built here' % name)
            elif 'not ok' in results or None in results and all(found is None for found in results):
                notes.append('%s: %s' % (name, function))
                notes += [done[test['name']][1] for test in wanted[name]]
            else:
                skipped += [found for found in results if found not in ('ok', None)]
        failed += bool(notes)
        for line in '\n'.join(notes).splitlines():
            print('# ' + line)
        only_skipped = skipped and not notes and len(skipped) == len(functions)
        print('%s %d - %s %s%s' % ('not ok' if notes else 'ok', number, row, says.replace('#', ''),
                                  ' # SKIP ' + skipped[0] if only_skipped else ''))
    return 1 if failed or not page else 0


if __name__ == '__main__':
    sys.exit(main())
