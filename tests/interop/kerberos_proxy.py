#!/usr/bin/env python3
"""kerberos_proxy.py SSPI_LINES: KDCs behind a KDC proxy (MS-KKDCP), by policy and by SetCredentialsAttributes, with the proxy's
certificate verified."""
import os
import sys

import harness
import kdc_proxy
import kerberos_peers as peers
import pki
from harness import check, equal

SERVICE = 'HTTP/server.sspi.test'
PLUGIN = '/usr/lib/x86_64-linux-gnu/krb5/plugins/tls/k5tls.so'
UNREACHABLE = 'SEC_E_NO_AUTHENTICATING_AUTHORITY'
AS, TGS = 10, 12

realm = proxy = certificates = None


def trust(name='root.pem'):
    return '[certificates]\nroots = %s\n' % certificates.path(name)


def client(policy='', configuration='krb5-dead.conf', after='', user=('alice', '')):
    """Alice by password, who finds KDCs by this configuration."""
    name = 'proxy-%d.conf' % client.count
    client.count += 1
    env = peers.environment(realm, name, policy, KRB5_CONFIG=realm.path(configuration), SSPI_PASSWORD='alice secret',
                            KRB5CCNAME='FILE:' + realm.path('nobody'))
    with open(env['SSPI_CONFIG'], 'a', encoding='utf-8') as file:
        file.write(after)
    return peers.Lines([sys.argv[1], 'client', 'Kerberos', SERVICE, '%x' % peers.SEALED, *user], env)


client.count = 0


def begin(ours):
    ours.ask('acquire')
    return ours.ask('step', '-')


def kinds(requests):
    return [kind for _, _, kind in requests]


def by_policy():
    host = 'localhost:%d' % proxy.port
    answer = begin(client('kdc-proxy = %s\n' % host, after=trust()))
    equal(answer[0], 'SEC_I_CONTINUE_NEEDED', 'by policy: a ticket where no KDC can be reached')
    seen = proxy.taken()
    check(kinds(seen)[-1:] == [TGS] and AS in kinds(seen), 'by policy: the proxy saw both exchanges', str(seen))
    equal({(path, name) for path, name, _ in seen}, {('/KdcProxy', 'SSPI.TEST')}, 'by policy: the path and the realm')
    answer = begin(client('kdc-proxy = https://%s/other/path\n' % host, after=trust()))
    equal((answer[0], {path for path, _, _ in proxy.taken()}), ('SEC_I_CONTINUE_NEEDED', {'/other/path'}), 'by policy: another path')
    answer = begin(client('kdc-proxy = %s\n' % host, 'krb5.conf', trust()))
    equal((answer[0], proxy.taken()), ('SEC_I_CONTINUE_NEEDED', []), 'by policy: a KDC that answers is asked first')
    answer = begin(client('kdc-proxy = %s\nkdc-proxy-only = yes\n' % host, 'krb5.conf', trust()))
    check(answer[0] == 'SEC_I_CONTINUE_NEEDED' and TGS in kinds(proxy.taken()), 'by policy: the proxy alone', str(answer))
    # krb5.conf's own, as libkrb5 has it
    with open(realm.path('krb5.conf'), encoding='utf-8') as file:
        text = file.read()
    text = text.replace('kdc = 127.0.0.1:%d' % realm.kdc_port, 'kdc = https://%s/KdcProxy\n        http_anchors = FILE:%s' % (
        host, certificates.path('root.pem')))
    realm.write('krb5-proxy.conf', text)
    answer = begin(client('', 'krb5-proxy.conf'))
    check(answer[0] == 'SEC_I_CONTINUE_NEEDED' and TGS in kinds(proxy.taken()), "krb5.conf's proxy with its anchors", str(answer))


def refusals():
    host = 'localhost:%d' % proxy.port
    for name, text in (('stranger.pem', 'a proxy whose certificate nobody trusts'), (None, "the distribution's roots do not know it")):
        answer = begin(client('kdc-proxy = %s\n' % host, after=trust(name) if name else ''))
        equal((answer[0], proxy.taken()), (UNREACHABLE, []), text)
    named = kdc_proxy.KdcProxy(certificates, 'elsewhere', realm.kdc_port)
    answer = begin(client('kdc-proxy = localhost:%d\n' % named.port, after=trust()))
    equal((answer[0], named.taken()), (UNREACHABLE, []), "a proxy with another host's certificate")
    named.stop()
    answer = begin(client('kdc-proxy = localhost:%d\n' % harness.free_port(), after=trust()))
    equal(answer[0], UNREACHABLE, 'a proxy that is not there')


def by_attribute():
    setting = 'localhost:%d:KdcProxy' % proxy.port
    ours = client(after=trust())
    ours.ask('acquire')
    equal(ours.ask('proxy', setting, '1')[0], 'SEC_E_OK', 'by attribute: the setting')
    answer = ours.ask('step', '-')
    check(answer[0] == 'SEC_I_CONTINUE_NEEDED' and TGS in kinds(proxy.taken()), 'by attribute: a ticket', str(answer))
    ours.ask('acquire')
    equal(ours.ask('step', '-')[0], UNREACHABLE, 'by attribute: another credential knows nothing of it')
    equal(ours.ask('proxy', setting, '0')[0], 'SEC_E_OK', 'by attribute: not the proxy alone')
    equal(ours.ask('step', '-')[0], 'SEC_I_CONTINUE_NEEDED', 'by attribute: at once, although no KDC could be reached just now')
    proxy.taken()

    ours = client(configuration='krb5.conf', after=trust())
    ours.ask('acquire')
    ours.ask('proxy', setting, '1')
    equal(ours.ask('proxy', '-', '0')[0], 'SEC_E_OK', 'by attribute: taken back')
    equal((ours.ask('step', '-')[0], proxy.taken()), ('SEC_I_CONTINUE_NEEDED', []), 'by attribute: the KDC itself again')
    ours.ask('acquire')
    ours.ask('proxy', setting, '1')
    check(ours.ask('step', '-')[0] == 'SEC_I_CONTINUE_NEEDED' and TGS in kinds(proxy.taken()),
          'by attribute: forced, although a KDC answers')
    equal(ours.ask('proxy', 'no_proxy\\', '1')[0], 'SEC_E_INVALID_TOKEN', 'by attribute: a name that is none')
    ours = peers.Lines([sys.argv[1], 'client', 'Negotiate', SERVICE, '%x' % peers.SEALED, 'alice', 'SSPI.TEST'],
                       peers.environment(realm, KRB5_CONFIG=realm.path('krb5-dead.conf'), SSPI_PASSWORD='alice secret',
                                         SSL_CERT_FILE=certificates.path('root.pem')))
    ours.ask('acquire')
    equal(ours.ask('proxy', setting, '1')[0], 'SEC_E_OK', 'Negotiate: the setting')
    answer = ours.ask('step', '-')
    check(answer[0] == 'SEC_I_CONTINUE_NEEDED' and TGS in kinds(proxy.taken()), 'Negotiate: Kerberos by the proxy, whose '
          'certificate SSL_CERT_FILE vouches for', str(answer))


def main():
    global realm, proxy, certificates
    harness.need_file(PLUGIN, 'krb5-k5tls')
    realm = peers.start_realm()
    certificates = pki.Pki(os.path.join(harness.scratch(), 'pki'))
    for name in 'root', 'stranger':
        certificates.ca(name)
    certificates.leaf('local', 'root', names='DNS:localhost,IP:127.0.0.1')
    certificates.leaf('elsewhere', 'root', names='DNS:elsewhere.example.com')
    proxy = kdc_proxy.KdcProxy(certificates, 'local', realm.kdc_port)
    by_policy()
    refusals()
    by_attribute()
    proxy.stop()


harness.run(main)
