#!/usr/bin/env python3
"""user.py SSPI: the life of accounts, from add to del."""
import json
import os
import pty
import sys

import harness
from harness import check, equal, matches

SSPI = os.path.abspath(sys.argv[1])


def user(*arguments, password=None, **more):
    extra = {} if password is None else {'SSPI_PASSWORD': password}
    return harness.call([SSPI, 'user', *arguments], env=harness.environment(**extra), **more)


def listed():
    return {(entry['domain'], entry['user']): entry for entry in json.loads(user('list', '--json').out)}


def verify(name, password):
    return user('verify', name, password=password).status


def add_and_list():
    equal(user('add', 'CORP\\alice', password='correct horse').status, 0, 'add')
    equal(user('add', 'bob', password='pässwörd ✓').status, 0, 'add without a domain, a password beyond ASCII')
    equal(set(listed()), {('CORP', 'alice'), ('', 'bob')}, 'list knows both')
    again = user('add', 'corp\\ALICE', password='other')
    equal(again.status, 3, 'the same name is not added twice, in any case')
    text = user('list')
    check('CORP\\alice' in text.out and 'good' in text.out, 'list for people', text.out)
    store = b''.join(open(os.path.join(folder, name), 'rb').read()
                     for folder, _, names in os.walk(os.path.join(harness.scratch(), 'accounts')) for name in names)
    check(store and b'correct horse' not in store and 'correct horse'.encode('utf-16-le') not in store,
          'the database holds no password')


def verify_them():
    equal(verify('CORP\\alice', 'correct horse'), 0, 'verify: the right password')
    equal(verify('corp\\ALICE', 'correct horse'), 0, 'verify: any case')
    equal(verify('bob', 'pässwörd ✓'), 0, 'verify: beyond ASCII')
    equal(verify('CORP\\alice', 'Correct horse'), 3, 'verify: a wrong password')
    equal(verify('CORP\\nobody', 'correct horse'), 3, 'verify: an unknown user')
    equal(verify('OTHER\\alice', 'correct horse'), 3, 'verify: another domain')
    out = json.loads(user('verify', '--json', 'CORP\\alice', password='wrong').out)
    equal((out['let_in'], out['status']), (False, 'SEC_E_LOGON_DENIED'), 'verify --json')
    wrong = user('verify', 'CORP\\alice', password='wrong').err
    unknown = user('verify', 'CORP\\nobody', password='wrong').err
    equal(wrong.replace('alice', 'X'), unknown.replace('nobody', 'X'), 'a wrong password and an unknown user look alike')


def passwords():
    equal(user('add', '--replace', '--password-fd', '0', 'CORP\\alice', given='battery staple\nrest').status, 0,
          'a password from a file descriptor, up to the line break')
    equal(verify('CORP\\alice', 'battery staple'), 0, 'the new one is right')
    equal(verify('CORP\\alice', 'correct horse'), 3, 'the old one is not')
    alone = user('add', 'CORP\\carol')
    equal(alone.status, 2, 'without a terminal there is nobody to ask')
    check(('CORP', 'carol') not in listed(), 'and no account')


def at_the_terminal():
    """A person at a terminal types the password twice and does not see it."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(SSPI, [SSPI, 'user', 'add', 'CORP\\dora'], harness.environment())
    seen = b''

    def until_prompt(prompt):
        nonlocal seen
        while prompt not in seen:
            piece = os.read(fd, 1024)
            if not piece:
                raise RuntimeError('no prompt %r in %r' % (prompt, seen))
            seen += piece
    until_prompt(b'Password of the new account: ')
    os.write(fd, b'typed secret\n')
    until_prompt(b'The same again: ')
    os.write(fd, b'typed secret\n')
    try:
        while True:
            piece = os.read(fd, 1024)
            if not piece:
                break
            seen += piece
    except OSError:  # a terminal whose last program has ended
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    equal(status, 0, 'a password typed twice')
    check(b'typed' not in seen, 'is not shown', repr(seen))
    equal(verify('CORP\\dora', 'typed secret'), 0, 'and is the one that was typed')


def states():
    name = 'CORP\\alice'
    for change, undo, state in (('disable', 'enable', 'disabled'), ('lock', 'unlock', 'locked')):
        equal(user(change, name).status, 0, change)
        equal(listed()['CORP', 'alice']['state'], state, 'list says ' + state)
        equal(verify(name, 'battery staple'), 3, state + ': not even with the right password')
        equal(user(undo, name).status, 0, undo)
        equal(verify(name, 'battery staple'), 0, 'after %s it is' % undo)
    equal(user('expire', name, '2001-01-01').status, 0, 'expire')
    equal(listed()['CORP', 'alice']['expires'], '2001-01-01T00:00:00Z', 'list says when')
    equal(verify(name, 'battery staple'), 3, 'expired: not even with the right password')
    equal(user('expire', name, 'never').status, 0, 'expire never')
    equal(verify(name, 'battery staple'), 0, 'and it is good again')
    equal(user('expire', name).status, 0, 'expire at once')
    equal(verify(name, 'battery staple'), 3, 'expired at once')
    user('expire', name, 'never')


def guessing():
    """Ten wrong passwords lock an account (sspi.conf(5), lockout-threshold), and nobody who guesses learns of it."""
    equal(user('add', 'CORP\\gina', password='hers').status, 0, 'another account')
    answers = {user('verify', 'CORP\\gina', password='guess %d' % number).err for number in range(10)}
    equal(len(answers), 1, 'ten wrong passwords, one answer')
    locked = user('verify', 'CORP\\gina', password='hers')
    equal((locked.status, {locked.err}), (3, answers), 'the right one then gets the same')
    entry = listed()['CORP', 'gina']
    equal((entry['state'], entry['failures']), ('locked', 10), 'list tells the administrator')
    equal(user('unlock', 'CORP\\gina').status, 0, 'unlock')
    equal(verify('CORP\\gina', 'hers'), 0, 'and she is in again')
    equal(listed()['CORP', 'gina']['failures'], 0, 'with a clean record')


def import_them():
    path = harness.write('users.txt', 'DOMAIN:erin:password one\n# comment\nnonsense\n'
                                      'frank:1000:' + 'X' * 32 + ':a4f49c406510bdcab6824ee7c30fd852:[U          ]:LCT-5F000000:\n')
    result = user('import', '--json', path)
    equal(result.status, 0, 'import')
    out = json.loads(result.out)
    equal((out['added'], out['skipped'], out['first_bad_line']), (2, 1, 3), 'counts')
    equal(verify('DOMAIN\\erin', 'password one'), 0, 'an imported password')
    equal(verify('frank', 'Password'), 0, 'an imported hash (MS-NLMP 4.2.2.1.2)')
    equal(user('import', '/nonexistent').status, 2, 'a file that is not there')


def delete():
    equal(user('del', 'CORP\\alice').status, 0, 'del')
    check(('CORP', 'alice') not in listed(), 'is gone')
    equal(verify('CORP\\alice', 'battery staple'), 3, 'cannot log on')
    for command in ('del', 'disable', 'enable', 'lock', 'unlock', 'expire'):
        equal(user(command, 'CORP\\alice').status, 7, command + ' of nobody')
    equal(user('add', 'a:b', password='x').status, 2, 'a name that no account can have')


def main():
    missing = user('list', '--accounts', '/nonexistent/accounts')
    equal(missing.status, 1, 'a database that is not there')
    add_and_list()
    verify_them()
    passwords()
    at_the_terminal()
    states()
    guessing()
    import_them()
    delete()


harness.run(main)
