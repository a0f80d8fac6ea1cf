#!/usr/bin/env python3
"""kerberos_bindings.py SSPI PKI: `sspi get` over TLS signs in by Kerberos at servers of MIT's GSSAPI: one of python3-gssapi that
wants channel bindings (tls-server-end-point, RFC 5929 4), where nobody gets in through somebody between, and Apache with mod_ssl and
mod_auth_gssapi."""
import base64
import hashlib
import http.server
import importlib.util
import json
import os
import re
import ssl
import sys
import threading

import apache_site
import harness
import kerberos_peers as peers
import tls_between
from harness import check, equal, matches

SSPI, PKI = os.path.abspath(sys.argv[1]), sys.argv[2]
SERVICE = 'HTTP/server.sspi.test'
SYSTEM = '/usr/bin/python3'
CHANNEL_BOUND = 2048  # GSS_C_CHANNEL_BOUND_FLAG: the client sent bindings, and they are ours
VERSIONS = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}

realm = None


class Server:
    """HTTPS by Python; Negotiate by GSSAPI with the bindings of the server's certificate."""

    def __init__(self, gssapi, name, hashed):
        with open('%s/%s.pem' % (PKI, name), encoding='ascii') as file:
            der = ssl.PEM_cert_to_DER_cert(file.read())
        bindings = gssapi.raw.ChannelBindings(application_data=b'tls-server-end-point:' + hashlib.new(hashed, der).digest())
        said = self.said = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *_):
                pass

            def answer(self, status, text, token=None):
                body = text.encode()
                self.send_response(status)
                if token is not None or status == 401:
                    self.send_header('WWW-Authenticate', 'Negotiate' + (' ' + base64.b64encode(token).decode() if token else ''))
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                offered = re.match('Negotiate (.+)', self.headers.get('Authorization', ''))
                if not offered:
                    return self.answer(401, 'who?')
                context = gssapi.SecurityContext(creds=gssapi.Credentials(usage='accept'), usage='accept', channel_bindings=bindings)
                try:
                    token = context.step(base64.b64decode(offered[1]))
                    bound = context.complete and int(context.actual_flags) & CHANNEL_BOUND != 0  # an error may come with a token
                except gssapi.exceptions.GSSError as why:
                    said.append(str(why))
                    return self.answer(401, 'no')
                said.append('bound' if bound else 'not bound')
                return self.answer(200 if bound else 401, 'user=%s bound\n' % context.initiator_name if bound else 'not bound', token)

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain('%s/%s.chain.pem' % (PKI, name), '%s/%s.key' % (PKI, name))
        self.http.socket = self.tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.socket.getsockname()[1]
        self.url = 'https://127.0.0.1:%d/' % self.port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def get(url, *arguments):
    return harness.call([SSPI, 'get', '--target', SERVICE, *arguments, url], env=peers.environment(realm))


def enforced(gssapi):
    server = Server(gssapi, 'local', 'sha256')
    for package in ('Negotiate', 'Kerberos'):
        for version in VERSIONS:
            name = '%s, TLS %s: ' % (package, version)
            result = get(server.url, '--package', package, '--roots', PKI + '/root.pem', '--tls-version', version)
            check(result.status == 0, name + 'the right channel', '%s %s' % (result, server.said))
            matches('user=alice@SSPI.TEST bound', result.out, name + 'and MIT knows that it is')
            between = tls_between.Between(PKI, server.port)
            relayed = get(between.url, '--insecure', '--package', package, '--tls-version', version)
            between.close()
            equal((relayed.status, 'user=' in relayed.out, '200' in between.answers), (3, False, False), name + 'another channel')
            matches('(?i)channel binding', server.said[-1], name + 'and MIT says why')
    result = get(server.url, '--package', 'Negotiate', '--roots', PKI + '/root.pem')
    equal(result.status, 0, 'and the right one still')
    server.http.shutdown()


def at_apache():
    if apache_site.missing():
        harness.skip('Apache', apache_site.missing())
        return
    keytab = peers.keytab(realm, 'http.keytab', 'ktadd -norandkey -k {} ' + SERVICE)
    site = apache_site.Site(keytab, realm.path('krb5.conf'), tls=PKI + '/local')
    for version in VERSIONS:
        result = get(site.url + 'who.shtml', '--package', 'Negotiate', '--roots', PKI + '/root.pem', '--tls-version', version, '--json')
        if check(result.status == 0, 'Apache, TLS %s' % version, lambda: '%s\n%s' % (result, site.log())):
            facts = json.loads(result.out)
            equal((facts['signed_in'], facts['tls']['version']), (True, 'TLS ' + version), 'Apache, TLS %s: the facts' % version)
    result = get(site.url + 'who.shtml', '--package', 'Negotiate', '--roots', PKI + '/root.pem')
    matches('user=alice@SSPI.TEST', result.out, 'Apache knows who')
    equal(get(site.url + 'who.shtml', '--package', 'Negotiate').status, 8, 'and is not asked where its root is unknown')
    with open(apache_site.MODULES + '/mod_auth_gssapi.so', 'rb') as file:
        if b'tls-server-end-point' not in file.read():
            harness.note('this mod_auth_gssapi does not look at channel bindings')
    site.process.stop()


def main():
    global realm
    if not PKI:
        raise harness.SkipAll('the openssl command is not installed (package openssl)')
    if importlib.util.find_spec('gssapi') is None and sys.executable != SYSTEM and os.path.exists(SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])  # whose packages are the distribution's
    realm = peers.start_realm()
    os.environ.update({name: realm.environment[name] for name in ('KRB5_CONFIG', 'KRB5_KTNAME', 'KRB5RCACHEDIR')})
    try:
        import gssapi
        import gssapi.raw
    except ImportError:
        harness.skip('a server of MIT\'s GSSAPI with channel bindings', 'python3-gssapi is not installed (package python3-gssapi)')
    else:
        enforced(gssapi)
    at_apache()


harness.run(main)
