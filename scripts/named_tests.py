"""What the pages say of tests, looked up in the tree (scripts/check-behaviour, scripts/check-coverage).

A cell of a table is a list, with semicolons between, of

    `tests/api/file.c: function, function`      functions that a C program hands to its runner
    `tests/api/file.c: "with tickets"`          one test by the name that the program gives it in a table of its own
    `tests/interop/script.py: what it checks`   one line of a script's TAP output; * stands for what varies
"""
import ast
import os
import re

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
ITEM = re.compile(r'`([^`:]+)(?:: ([^`]+))?`')


def read(name, root=ROOT):
    with open(os.path.join(root, name), encoding='utf-8') as file:
        return file.read()


def items(cell):
    """(file, [names]) of each item of a cell; nothing when the cell holds anything else."""
    if ITEM.sub('', cell).strip('; '):
        return []
    return [(name, [] if not names else [names] if name.endswith('.py') or names[0] == '"' else names.split(', '))
            for name, names in ITEM.findall(cell)]


def runs(source, function):
    """True when a C file defines the function and names it once more: in its list of tests.  A name in quotes is in the list."""
    if function[0] == '"':
        return function in source
    return (re.search(r'^static void %s\(void \*\*\w+\)\n?\s*\{' % re.escape(function), source, re.M) is not None
            and len(re.findall(r'\b%s\b' % re.escape(function), source)) > 1)


def says(source, line):
    """True when a script's strings make up the line: each part between two * stands in one of them."""
    strings = [node.value for node in ast.walk(ast.parse(source))
               if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return all(any(part in string for string in strings) for part in line.split('*'))


def problems_of(cell, root=ROOT):
    """What is wrong with one test cell."""
    found = items(cell)
    if not found or not all(names for _, names in found):
        yield 'names no test'
        return
    for name, names in found:
        if not os.path.isfile(os.path.join(root, name)):
            yield 'there is no %s' % name
            continue
        source = read(name, root)
        for case in names:
            if not (says if name.endswith('.py') else runs)(source, case):
                yield '%s does not run %s' % (name, case)


def defines(source, name):
    """True when a C file defines a function, a macro, a type or an object of this name, or a header declares it."""
    word = re.escape(name)
    return re.search(r'^(?:[\w*]+[\s*]+)+%s\([^;{]*\)\s*[{;]'          # a function
                     r'|^\s*#\s*define\s+%s\b'                          # a macro
                     r'|^(?:[\w*]+[\s*]+)+%s(?:\[[^]]*\])*\s*[=;]'      # an object
                     r'|^(?:typedef\s+)?(?:struct|enum|union)\s+%s\s*\{'
                     r'|\}\s*(?:[\w*]+,\s*)*\*?%s\s*[,;]' % ((word,) * 5), source, re.M) is not None
