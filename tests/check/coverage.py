#!/usr/bin/env python3
"""coverage.py SCRIPTS : scripts/check-coverage finds what it is there to find.  It is given small trees, sound but for one thing."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import harness

PAGES = ['CTX', 'ISC', 'ES', 'NTLM', 'TLS']
ROW = '| %s1 | it adds | `src/add.c: add` | `tests/add.c: test_add`; `tests/add.py: * adds well` |\n'
PAGE = '# Coverage\n\n' + ''.join(ROW % page for page in PAGES)
FILES = {
    'docs/reference-coverage.md': PAGE,
    'src/add.c': '#include "add.h"\n\nint add(int a, int b)\n{\n    return a + b;\n}\n',
    'tests/add.c': 'static void test_add(void **state)\n{\n}\n\nconst struct CMUnitTest tests[] = {cmocka_unit_test(test_add)};\n',
    'tests/add.py': "for name in ('one', 'two'):\n    check(True, '%s adds '\n          'well' % name)\n",
}
C_RAN = {'name': 'T:unit / c adds', 'result': 'OK', 'stdout': 'ok 1 - test_add\n1..1\n'}
PY_RAN = {'name': 'T:tool / py adds', 'result': 'OK', 'stdout': 'ok 1 - one adds well\nok 2 - two adds well\n1..2\n'}
SKIPPED = {'name': 'T:unit / c adds', 'result': 'OK', 'stdout': '# no numbers here\nok 1 # SKIP test_add\n1..1\n'}

script = os.path.join(os.path.abspath(sys.argv[1]), 'check-coverage')


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def tree(changes):
    """A sound tree with some files otherwise; None: without the file."""
    root = os.path.join(harness.scratch(), 'tree')
    shutil.rmtree(root, ignore_errors=True)
    for name, text in {**FILES, **changes}.items():
        if text is not None:
            write(os.path.join(root, name), text)
    return root


def checked(root, *arguments):
    done = subprocess.run([sys.executable, script, '--root', root, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    return done.returncode, done.stdout


def looked_at(changes=None):
    return checked(tree(changes or {}))


def ran(*logs):
    """What --ran says of these logs; the C program is one test, the script another."""
    root = tree({})
    build = os.path.join(root, 'build')
    tests = [{'name': 'c adds', 'suite': ['T:unit'], 'cmd': [os.path.join(build, 'add')]},
             {'name': 'py adds', 'suite': ['T:tool'], 'cmd': ['python3', '../tests/add.py', 'add']}]
    targets = [{'filename': [os.path.join(build, 'add')], 'target_sources': [{'sources': [os.path.join(root, 'tests/add.c')]}]}]
    write(os.path.join(build, 'meson-info', 'intro-tests.json'), json.dumps(tests))
    write(os.path.join(build, 'meson-info', 'intro-targets.json'), json.dumps(targets))
    write(os.path.join(build, 'meson-logs', 'testlog-1.json'), ''.join(json.dumps(log) + '\n' for log in logs))
    return checked(root, '--ran', build), os.path.join(build, 'meson-logs', 'testlog-coverage.json')


def refused(answer, words, name):
    status, output = answer
    harness.check(status == 1 and words in output, name, 'exit %d, without "%s":\n%s' % (status, words, output))


def check_tree():
    status, output = looked_at()
    harness.check(status == 0 and '5 rows of 5 pages, each with its test' in output, 'a sound page passes', output)
    page = 'docs/reference-coverage.md'
    for change, words, name in [
            ({'src/add.c': None}, 'there is no src/add.c', 'a source file that is gone'),
            ({'src/add.c': 'int sum(int a, int b)\n{\n}\n'}, 'src/add.c does not define add', 'a function that is gone'),
            ({'src/add.c': '/* add(a, b) adds */\nint x = 1;\n'}, 'src/add.c does not define add', 'a function in a comment'),
            ({'tests/add.c': None}, 'there is no tests/add.c', 'a test file that is gone'),
            ({'tests/add.c': FILES['tests/add.c'].replace('unit_test(test_add)', 'unit_test(test_sum)')},
             'tests/add.c does not run test_add', 'a test that nobody runs'),
            ({'tests/add.py': "check(True, 'one subtracts well')\n"}, 'tests/add.py does not run * adds well', "a script's line that is gone"),
            ({page: PAGE.replace('`tests/add.c: test_add`; `tests/add.py: * adds well`', 'none')}, 'CTX1: names no test', 'a row without a test'),
            ({page: PAGE.replace(': test_add`', ': "adds numbers"`')}, 'tests/add.c does not run "adds numbers"', "a table's name that is gone"),
            ({page: PAGE.replace('`src/add.c: add`', 'somewhere')}, 'CTX1: names no file', 'a row without a file'),
            ({page: PAGE.replace(': test_add`', '`')}, 'CTX1: names no test', 'a test file without a test'),
            ({page: PAGE.replace('| it adds |', '| it | adds |', 1)}, 'not a row of four cells', 'a row of another form'),
            ({page: PAGE.replace(ROW % 'ES', '')}, 'has no rows (ES)', 'a page without rows'),
            ({page: PAGE + ROW.replace('1', '3', 1) % 'TLS'}, 'TLS3: out of its order', 'a number left out'),
            ({page: PAGE + ROW % 'XYZ'}, 'XYZ1: of which page?', 'letters of no page')]:
        refused(looked_at(change), words, name + ' is found')
    kernel = '| TLS2 | kernel | not on Linux: nobody calls from a kernel | none |\n'
    harness.check(looked_at({page: PAGE + kernel})[0] == 0, 'what cannot apply needs no test')
    refused(looked_at({page: PAGE + kernel.replace(': nobody calls from a kernel', '')}), 'TLS2: names no', 'what cannot apply says why')


def check_run():
    (status, output), log = ran(C_RAN, PY_RAN)
    harness.check(status == 0 and output.count('\nok') + output.startswith('ok') == 5, 'a run of all that is named passes', output)
    summary = subprocess.run([sys.executable, os.path.join(os.path.dirname(script), 'summary'), log], stdout=subprocess.PIPE,
                             universal_newlines=True)
    harness.check(summary.returncode == 0 and summary.stdout.endswith('5 passed, 0 failed, 0 skipped\n'),
                  'the result goes into the count', summary.stdout)

    refused(ran(PY_RAN)[0], 'tests/add.c: test_add: the program unit / c adds did not run', 'a program that did not run is found')
    refused(ran({**C_RAN, 'stdout': 'ok 1 - test_sum\n1..1\n'}, PY_RAN)[0], 'test_add: did not run in c adds', 'a test that did not run is found')
    refused(ran({**C_RAN, 'result': 'FAIL', 'stdout': 'not ok 1 - test_add\n1..1\n'}, PY_RAN)[0], 'test_add: failed in c adds',
            'a test that failed is found')
    refused(ran(C_RAN, {**PY_RAN, 'stdout': 'ok 1 - one adds well\nnot ok 2 - two adds well\n1..2\n'})[0], 'failed in py adds',
            "one line of several that failed is found")
    (status, output), log = ran({**C_RAN, 'stdout': 'ok 1 - here: test_add\nok 2 - there: test_add\n1..2\n'}, PY_RAN)
    harness.check(status == 0, 'a test may have several turns', output)
    refused(ran({**C_RAN, 'stdout': 'ok 1 - here: test_add\nnot ok 2 - there: test_add\n1..2\n'}, PY_RAN)[0], 'test_add: failed in c adds',
            'and none of them may fail')
    (status, output), log = ran(SKIPPED, PY_RAN)
    harness.check(status == 0 and 'CTX1: tests/add.c: test_add: skipped: no numbers here' in output and '# SKIP' not in output,
                  'a skipped test is said; the row has another one', output)
    (status, output), log = ran(SKIPPED, {**PY_RAN, 'stdout': '1..0 # SKIP no snake\n'})
    harness.check(status == 0 and output.count('# SKIP') == 5, 'a row of which nothing ran is a skipped test', output)
    (status, output), log = ran({**C_RAN, 'stdout': 'ok 1 - test_add\n1..1\n', 'name': 'T:api / c adds'}, PY_RAN)
    harness.check(status == 1, "another program's test of the same name does not count", output)

    root = tree({'meson-logs/testlog-1.json': ''})
    status, output = checked(root, '--ran', root)
    harness.check(status == 1 and 'not ok' in output, 'a build without tests is a failure', output)


def main():
    check_tree()
    check_run()


harness.run(main)
