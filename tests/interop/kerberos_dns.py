#!/usr/bin/env python3
"""kerberos_dns.py SSPI_LINES: KDCs that the DNS names (RFC 4120 7.2.3.2), in a network namespace with a name server of its own."""
import socket
import struct
import sys
import threading

import harness
import kerberos_peers as peers
import samba_dc
from harness import check, equal

SERVICE = 'HTTP/server.sspi.test'
A, SRV = 1, 33

realm = None


def name_of(labels):
    return b''.join(bytes([len(label)]) + label.encode() for label in labels.split('.') if label) + b'\0'


class NameServer:
    """Answers what `records` says, {(name, type): data}, and that there is no such name otherwise."""

    def __init__(self, records):
        self.records = records
        self.asked = []
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            labels, at = [], 12
            while query[at] != 0:
                labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            kind = struct.unpack('>H', query[at + 1:at + 3])[0]
            question, name = query[12:at + 5], '.'.join(labels)
            self.asked.append((name, kind))
            data = self.records.get((name, kind))
            known = any(name == other for other, _ in self.records)
            header = query[:2] + struct.pack('>HHHHH', 0x8580 | (0 if known else 3), 1, 1 if data else 0, 0, 0)
            answer = b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 60, len(data)) + data if data else b''
            self.socket.sendto(header + question + answer, client)


def main():
    global realm
    samba_dc.isolate('127.0.0.1 localhost\n')
    samba_dc.lay_over(harness.write('resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n', 0o644), '/etc/resolv.conf')
    realm = peers.start_realm()
    server = NameServer({('kdc.sspi.test', A): socket.inet_aton('127.0.0.1')})
    srv = struct.pack('>HHH', 0, 0, realm.kdc_port) + name_of('kdc.sspi.test')
    realm.write('krb5-dns.conf', '[libdefaults]\n    default_realm = SSPI.TEST\n    dns_lookup_kdc = true\n    rdns = false\n'
                '    dns_canonicalize_hostname = false\n[domain_realm]\n    .sspi.test = SSPI.TEST\n')
    env = peers.environment(realm, KRB5_CONFIG=realm.path('krb5-dns.conf'), SSPI_PASSWORD='alice secret',
                            KRB5CCNAME='FILE:' + realm.path('nobody'))
    ours = peers.Lines([sys.argv[1], 'client', 'Kerberos', SERVICE, '%x' % peers.SEALED, 'alice', ''], env)
    ours.ask('acquire')
    equal(ours.ask('step', '-')[0], 'SEC_E_NO_AUTHENTICATING_AUTHORITY', 'the DNS names no KDC')
    for protocol in 'tcp', 'udp':
        server.records[('_kerberos._%s.sspi.test' % protocol, SRV)] = srv
    ours.ask('acquire')
    answer = ours.ask('step', '-')
    equal(answer[0], 'SEC_I_CONTINUE_NEEDED', 'the DNS names the KDC')
    check(any(kind == SRV for _, kind in server.asked), 'by SRV records', str(server.asked))


harness.run(main)
