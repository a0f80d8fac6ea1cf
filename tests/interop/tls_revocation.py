#!/usr/bin/env python3
"""tls_revocation.py TLS_PEER PKI: revocation by lists that are at hand, before `openssl s_server` and `openssl s_client`.

What SCH_CRED_REVOCATION_CHECK_* asks about, what is missing, stale or says so, and which of the answers that there are none
SCH_CRED_IGNORE_* forgives.  The certificates are this script's own: a leaf that names no place to ask at, one that does, one that is
revoked, and one below an intermediate that is.
"""
import os
import shutil
import sys

import harness
import pki
import tls_programs as tls
from harness import check, equal, matches

PEER, PKI = sys.argv[1], sys.argv[2]
VERSIONS = {'1.2': '-tls1_2', '1.3': '-tls1_3', 'd1.2': '-dtls1_2'}
openssl = None

OK, REVOKED = 'SEC_E_OK', 'CRYPT_E_REVOKED'
NOWHERE, OFFLINE = 'CRYPT_E_NO_REVOCATION_CHECK', 'CRYPT_E_REVOCATION_OFFLINE'

CASES = [  # the leaf, the lists at hand, flags, the status
    ('gone', ['issuer', 'top'], [], OK),  # nobody asks
    ('gone', ['issuer'], ['end'], REVOKED),
    ('gone', ['issuer'], ['chain'], REVOKED),
    ('gone', ['issuer'], ['exclude-root'], REVOKED),
    ('gone', ['issuer'], ['end', 'ignore-no-check', 'ignore-offline'], REVOKED),
    ('gone', ['late'], ['end'], REVOKED),  # what was withdrawn stays so
    ('gone', [], ['end'], NOWHERE),
    ('plain', [], ['end'], NOWHERE),
    ('plain', [], ['end', 'ignore-offline'], NOWHERE),
    ('plain', [], ['end', 'ignore-no-check'], OK),
    ('plain', ['issuer'], ['end'], OK),
    ('plain', ['late'], ['end'], OFFLINE),
    ('plain', ['late'], ['end', 'ignore-offline'], OK),
    ('plain', ['top'], ['end'], NOWHERE),  # another issuer's list
    ('plain', ['issuer'], ['chain'], NOWHERE),  # the intermediate's status
    ('plain', ['issuer'], ['exclude-root'], NOWHERE),
    ('plain', ['issuer'], ['chain', 'ignore-no-check'], OK),
    ('plain', ['issuer', 'top'], ['chain'], OK),
    ('plain', ['issuer', 'top'], ['exclude-root'], OK),
    ('asks', [], ['end'], OFFLINE),
    ('asks', [], ['end', 'ignore-no-check'], OFFLINE),
    ('asks', [], ['end', 'ignore-offline'], OK),
    ('asks', ['issuer'], ['end'], OK),
    ('below', ['fallen', 'top'], ['end'], OK),
    ('below', ['fallen', 'top'], ['chain'], REVOKED),
    ('below', ['fallen', 'top'], ['exclude-root'], REVOKED),
]


def make():
    made = pki.Pki(os.path.join(harness.scratch(), 'revocation'))
    made.ca('top')
    for name in ('issuer', 'fallen'):
        made.ca(name, 'top', constraints='critical,CA:TRUE,pathlen:0')
    for name, issuer, extra in (('plain', 'issuer', ()), ('gone', 'issuer', ()), ('below', 'fallen', ()),
                                ('asks', 'issuer', ['crlDistributionPoints=URI:http://lists.example.com/issuer.crl'])):
        made.leaf(name, issuer, extra=extra, usage='serverAuth,clientAuth')
    made.revoke('gone', 'issuer')
    made.revoke('fallen', 'top')
    for name in ('top', 'issuer', 'fallen'):
        made.crl(name)
    made.crl('issuer', 'late.crl.pem', ('20200101000000Z', '20200201000000Z'))
    return made


def configuration(made, lists):
    """The path of a configuration under which these lists are at hand."""
    name = '-'.join(lists) or 'none'
    folder = os.path.join(made.directory, 'lists-' + name)
    os.makedirs(folder, exist_ok=True)
    for each in lists:
        shutil.copy(made.path(each + '.crl.pem'), folder)
    return harness.write('%s.conf' % name, '[certificates]\ncrls = %s\n' % folder)


def options(made, version, flags):
    out = ['--versions', version, '--roots', made.path('top.pem')]
    for flag in flags:
        out += ['--revocation'] if flag == 'end' else ['--flag', flag]
    return out


def before_s_server(made, version, leaf, lists, flags, status):
    server = openssl.server(VERSIONS[version], '-cert', made.path(leaf + '.pem'), '-key', made.path(leaf + '.key'), '-cert_chain',
                            made.path(leaf + '.chain.pem'))
    ours = tls.Ours(PEER, server.port, [*options(made, version, flags), '--target', tls.TARGET], ['facts'],
                    SSPI_CONFIG=configuration(made, lists)).finish()
    name = '%s, %s, lists %s, %s' % (version, leaf, lists, flags)
    equal(ours.fact('handshake'), status, name)
    if status == REVOKED:
        server.wait_line('alert certificate revoked|alert number 44')
        check(True, name + ': s_server is told')
    server.stop()


def before_s_client(made, version, leaf, lists, flags, status):
    ours = tls.Ours(PEER, None, [*options(made, version, flags), '--certificate', os.path.join(PKI, 'server-p256.chain.pem'), '--key',
                                 os.path.join(PKI, 'server-p256.key'), '--ask'], ['facts'], SSPI_CONFIG=configuration(made, lists))
    client = openssl.client(ours.port, VERSIONS[version], '-cert', made.path(leaf + '.pem'), '-key', made.path(leaf + '.key'),
                            '-cert_chain', made.path(leaf + '.chain.pem'))
    ours.finish()
    name = 'server, %s, %s, lists %s, %s' % (version, leaf, lists, flags)
    equal(ours.fact('handshake'), status, name)
    if status == REVOKED:
        client.wait_line('alert certificate revoked|alert number 44')
        check(True, name + ': s_client is told')
    client.stop()


def new_lists(made):
    """A list that comes while a program runs counts from then on: the second connection of one credential."""
    folder = os.path.join(made.directory, 'lists-growing')
    os.makedirs(folder)
    shutil.copy(made.path('before.crl.pem'), os.path.join(folder, 'issuer.crl.pem'))
    path = harness.write('growing.conf', '[certificates]\ncrls = %s\n' % folder)
    ours = tls.Ours(PEER, None, [*options(made, '1.3', ['end']), '--certificate', os.path.join(PKI, 'server-p256.chain.pem'), '--key',
                                 os.path.join(PKI, 'server-p256.key'), '--ask', '--times', '200'], ['facts'], SSPI_CONFIG=path)

    def visit():
        client = openssl.client(ours.port, '-tls1_3', '-cert', made.path('gone.pem'), '-key', made.path('gone.key'), '-cert_chain',
                                made.path('gone.chain.pem'))
        number = visit.count
        visit.count += 1
        ours.wait_line('^over %d$' % number)
        client.stop()
        return ours.fact('handshake', number)

    visit.count = 0
    equal(visit(), OK, 'before it was revoked')
    os.replace(made.path('issuer.crl.pem'), os.path.join(folder, 'issuer.crl.pem'))
    harness.until(lambda: visit() == REVOKED, 'the new list is read')
    check(True, 'a new list counts without a restart')
    ours.stop()


def main():
    global openssl
    openssl = tls.OpenSSL()
    if not PKI:
        raise harness.SkipAll('openssl is not installed (package openssl)')
    made = make()
    for leaf, lists, flags, status in CASES:
        before_s_server(made, '1.3', leaf, lists, flags, status)
    for version in ('1.2', 'd1.2'):
        for leaf, lists, flags, status in CASES[1:3] + CASES[7:11]:
            before_s_server(made, version, leaf, lists, flags, status)
    for version in VERSIONS:
        for leaf, lists, flags, status in CASES[:3] + CASES[7:11]:
            before_s_client(made, version, leaf, lists, flags, status)
    # a list from before anything was revoked
    made.write('issuer.index', '')
    made.crl('issuer', 'before.crl.pem')
    new_lists(made)


harness.run(main)
