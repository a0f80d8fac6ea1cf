#!/usr/bin/env python3
"""An installation in a directory of its own: what is in it, and a program built from it with pkg-config alone."""
import os
import re
import shutil
import subprocess
import sys

import harness

BUILD, EXAMPLES = sys.argv[1:3]
KIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'message.c')


def meson_prefix():
    import json
    found = subprocess.run(['meson', 'introspect', '--buildoptions', BUILD], capture_output=True, text=True, check=True)
    options = {option['name']: option['value'] for option in json.loads(found.stdout)}
    return options['prefix'], options['libdir']


def main():
    stage = os.path.join(harness.scratch(), 'stage')
    result = harness.call(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir', stage], limit=60)
    harness.equal(result.status, 0, 'make install DESTDIR=... ends well')
    prefix, libdir = meson_prefix()
    root = stage + prefix
    library = os.path.join(root, libdir)

    for name in ('include/sspi/sspi.h', 'include/sspi/security.h', 'include/sspi/sspi_ext.h', 'bin/sspi',
                 libdir + '/libsspi.so.0', libdir + '/libsspi.so', libdir + '/libsecur32.so', libdir + '/pkgconfig/sspi.pc', 'include/sspi/WinCrypt.h',
                 'include/sspi/port/windows.h', libdir + '/libsspi-port.so.0', libdir + '/pkgconfig/sspi-port.pc'):
        harness.check(os.path.exists(os.path.join(root, name)), 'installs ' + name, lambda: '\n'.join(os.listdir(root)))
    harness.equal(os.path.realpath(library + '/libsecur32.so'), os.path.realpath(library + '/libsspi.so'),
                  'libsecur32.so leads to the library')

    # PKG_CONFIG_SYSROOT_DIR puts the staging directory in front, as a packager's build does.
    env = dict(os.environ, PKG_CONFIG_PATH=library + '/pkgconfig', PKG_CONFIG_SYSROOT_DIR=stage,
               LD_LIBRARY_PATH=library, HOME=harness.scratch())
    flags = harness.call(['pkg-config', '--cflags', '--libs', 'sspi'], env=env)
    harness.matches(r'-I\S*/include/sspi\b.*-lsspi', flags.out, 'pkg-config knows the library')

    for libs, name in ((flags.out.split(), 'hello'), (['-I' + root + '/include/sspi', '-L' + library, '-lsecur32'], 'ported')):
        program = os.path.join(harness.scratch(), name)
        built = harness.call(['cc', '-Wall', '-Werror', os.path.join(EXAMPLES, 'hello.c'), '-o', program] + libs, env=env)
        harness.check(built.status == 0, 'a program compiles with ' + libs[-1], str(built))
        ran = harness.call([program], env=env)
        harness.matches(r'^0x00090312: ', ran.out, 'and runs against the installed library')

    # The kit's headers come first; both wide modes, C and C++.
    flags = harness.call(['pkg-config', '--cflags', '--libs', 'sspi-port'], env=env).out.split()
    folders = [flag for flag in flags if flag.startswith('-I')]
    harness.matches(r'/sspi/port$', folders[0], "the kit's headers stand before the library's")
    for compiler, language, mode in (('cc', 'c', '-fshort-wchar'), ('cc', 'c', '-DUNICODE'), ('c++', 'c++', '-fshort-wchar'),
                                     ('c++', 'c++', '-DUNICODE')):
        program = os.path.join(harness.scratch(), 'kit')
        built = harness.call([compiler, '-x', language, '-Wall', '-Wextra', '-Werror', mode, KIT, '-x', 'none', '-o', program] + flags,
                             env=env)
        harness.check(built.status == 0, 'a program compiles with the kit, %s, %s' % (language, mode), str(built))
        harness.equal(harness.call([program], env=env).out, 'The logon was refused.\r\n', 'and runs')

    # Each example by the command of README.md.  Programs are strict about dialects where their build system is.
    with open(os.path.join(EXAMPLES, 'README.md'), encoding='utf-8') as file:
        sources = [row.split() for row in re.findall(r'^\|[^|]*\| `([\w. ]+\.c)` \|', file.read(), re.M)]
    missing = {name for name in os.listdir(EXAMPLES) if name.endswith('.c')} - {name for row in sources for name in row}
    harness.check(not missing, 'README.md names every example', ' '.join(sorted(missing)))
    for compiler, dialect in ('gcc', []), ('gcc', ['-std=c11', '-Wpedantic']), ('clang', ['-std=c11', '-Wpedantic']):
        if shutil.which(compiler) is None:
            harness.skip('the examples with ' + compiler, '%s is not installed' % compiler)
            continue
        failed = []
        for row in sources:
            built = harness.call([compiler, *dialect, '-Wall', '-Wextra', '-Werror', *(os.path.join(EXAMPLES, name) for name in row), '-o',
                                  os.path.join(harness.scratch(), 'example')] + flags, env=env, limit=120)
            failed += [str(built)] if built.status != 0 else []
        harness.check(not failed, 'the examples compile as README.md says, %s' % ' '.join([compiler] + dialect), lambda: '\n'.join(failed))

    version = harness.call([os.path.join(root, 'bin', 'sspi'), '--version'], env=env)
    harness.check(version.status == 0, 'the installed command finds its library', str(version))


harness.run(main)
