#!/usr/bin/env python3
"""ssh_client.py ORDER: paramiko as it signs in on Windows, by its class for SSPI and with the stand-ins for pywin32 that lie beside it;
prints what came of it as JSON.  So is the order: port, user, command; target, the host whose principal it is; method, gssapi-with-mic or
gssapi-keyex; tamper, null or what is not as it should be when it is signed, `signature` or `data`; patience, in seconds."""
import json
import logging
import socket
import sys
import types

sys.modules['gssapi'] = None  # paramiko takes it first where it is installed

import paramiko  # noqa: E402 pylint: disable=wrong-import-position
import paramiko.ssh_gss as ssh_gss  # noqa: E402 pylint: disable=wrong-import-position
import sspi  # noqa: E402 pylint: disable=wrong-import-position

result = {'class': None, 'signed': [], 'verified': 0, 'error': None}


def changed(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def watch(tamper):
    """Writes down what is signed and with what, and tampers with it."""
    sign, verify = sspi.ClientAuth.sign, sspi.ClientAuth.verify

    def watched_sign(self, data):
        signature = sign(self, changed(data) if tamper == 'data' else data)
        result['signed'].append([data.hex(), signature.hex()])
        return changed(signature) if tamper == 'signature' else signature

    def watched_verify(self, data, signature):
        verify(self, data, signature)
        result['verified'] += 1
    sspi.ClientAuth.sign, sspi.ClientAuth.verify = watched_sign, watched_verify


def main():
    order = types.SimpleNamespace(**json.loads(sys.argv[1]))
    logging.getLogger('paramiko').addHandler(logging.NullHandler())
    ssh_gss.os = types.SimpleNamespace(name='nt')
    watch(order.tamper)
    result['class'] = type(ssh_gss.GSSAuth(order.method)).__name__
    connection = socket.create_connection(('127.0.0.1', order.port), timeout=20)
    transport = paramiko.Transport(connection, gss_kex=order.method == 'gssapi-keyex')
    transport.auth_timeout = order.patience
    try:
        transport.set_gss_host(order.target, trust_dns=False)
        transport.start_client(timeout=20)
        result['keyex'] = transport.gss_kex_used
        if not transport.gss_kex_used:  # which has none
            result['host_key'] = transport.get_remote_server_key().get_base64()
        if order.method == 'gssapi-keyex':
            transport.auth_gssapi_keyex(order.user)
        else:
            transport.auth_gssapi_with_mic(order.user, transport.gss_host, True)
        channel = transport.open_session(timeout=20)
        channel.exec_command(order.command)
        result['out'] = channel.makefile('r').read().decode()
        result['status'] = channel.recv_exit_status()
    except Exception as error:  # pylint: disable=broad-except
        result['error'] = [type(error).__name__, str(error), getattr(error, 'winerror', None)]
    finally:
        transport.close()
    print(json.dumps(result))


main()
