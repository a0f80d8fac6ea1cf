#!/usr/bin/env python3
"""kerberos_chromium.py SSPI: a headless Chromium with tickets in a file signs in at `sspi serve` by Kerberos, where it is allowed
to, and stays outside where not."""
import json
import os
import sys

import harness
import kerberos_peers as peers
import relay
from harness import check, equal, matches

HOST = 'localhost'
OPTIONS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync', '--disable-extensions', '--disable-dev-shm-usage',
           '--no-default-browser-check', '--no-proxy-server']

realm = None


def browse(name, port, *options, host=HOST, allowed='localhost,127.0.0.1', **environment):
    """The document that a new browser shows.  Only a network service that is not in a sandbox loads libgssapi_krb5; Chromium
    starts one when the profile remembers that a server has asked for Negotiate before."""
    folder = os.path.join(harness.scratch(), name)
    os.makedirs(folder)
    harness.write(name + '/profile/Local State', json.dumps({'net': {'received_http_auth_negotiate_headers': True}}))
    env = dict(realm.environment, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder, **environment)
    return harness.call(['chromium', *OPTIONS, *options, '--auth-server-allowlist=' + allowed,
                         '--user-data-dir=' + os.path.join(folder, 'profile'), '--dump-dom', 'http://%s:%d/' % (host, port)],
                        env=env, limit=90, cwd=folder).out


def serve(**environment):
    env = peers.environment(realm, KRB5CCNAME='FILE:' + realm.path('nobody'), **environment)
    process = harness.Process([sys.argv[1], 'serve', '--listen', '127.0.0.1:0', '--packages', 'Negotiate'], env=env)
    return process, int(process.wait_line(r'^listening on http://127\.0\.0\.1:(\d+)/')[1])


def main():
    global realm
    harness.need_program('chromium', 'chromium')
    realm = peers.start_realm()
    realm.kadmin('addprinc -randkey HTTP/' + HOST, 'ktadd -norandkey -k %s HTTP/%s' % (realm.path('keytab'), HOST))
    server, port = serve()
    between = relay.Relay(port)
    page = browse('ticket', between.port)
    between.close()
    matches(r'You are SSPI\.TEST\\alice', page, 'Chromium is let in with a ticket')
    matches(r'Kerberos', page, 'by Kerberos')
    check(between.spnego(), 'in SPNEGO', str(between.tokens)[:500])
    page = browse('not-allowed', port, allowed='*.example.com')
    check('alice' not in page, 'a server that is not on the list gets no ticket', page[:2000])
    page = browse('no-ticket', port, KRB5CCNAME='FILE:' + realm.path('none'))
    check('alice' not in page, 'without tickets it stays outside', page[:2000])
    page = browse('unknown', port, host='127.0.0.1')
    check('alice' not in page, 'a service that the realm does not know', page[:2000])
    between = relay.Relay(port, to_server=lambda token, *_: token[:-1] + bytes([token[-1] ^ 1]))
    page = browse('altered', between.port)
    between.close()
    check('alice' not in page and between.altered >= 1, 'an altered token is refused', page[:2000])
    equal(server.stop(), 0, 'the server ends well')
    server, port = serve(KRB5_KTNAME='FILE:' + peers.forged_keytab(realm, 'other.keytab', 'HTTP/' + HOST, 1))
    page = browse('another-key', port)
    check('alice' not in page, 'a server of another key lets nobody in', page[:2000])
    matches(r' 401 / \S*SEC_E_LOGON_DENIED', server.output(), 'and its log says why')
    server.stop()


harness.run(main)
