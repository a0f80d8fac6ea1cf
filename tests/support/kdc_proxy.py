"""A KDC proxy for tests (MS-KKDCP): HTTPS in front, a KDC behind it.

    proxy = KdcProxy(pki, 'local', kdc_port)    # the certificate's name in the PKI
    proxy.requests                              # [(path, realm, number of the message's application tag)]

It knows nothing of Kerberos but where a message's tag is: 10 AS-REQ, 12 TGS-REQ.
"""
import http.server
import socket
import ssl
import struct
import threading


def read_element(data, at=0):
    """(tag, contents, where the next one begins) of DER."""
    size, start = data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7f
        size = int.from_bytes(data[start:start + count], 'big')
        start += count
    return data[at], data[start:start + size], start + size


def element(tag, contents):
    size = len(contents)
    if size < 128:
        return bytes([tag, size]) + contents
    octets = size.to_bytes((size.bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(octets)]) + octets + contents


def read_message(body):
    """(Kerberos message with its length in front, realm) of a KDC-PROXY-MESSAGE (2.2.2)."""
    _, fields, _ = read_element(body)
    message, realm, at = b'', '', 0
    while at < len(fields):
        tag, contents, at = read_element(fields, at)
        if tag == 0xa0:
            message = read_element(contents)[1]
        elif tag == 0xa1:
            realm = read_element(contents)[1].decode()
    return message, realm


class KdcProxy:
    def __init__(self, pki, certificate, kdc_port):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                message, realm = read_message(body)
                outer.requests.append((self.path, realm, message[4] & 0x1f))
                with socket.create_connection(('127.0.0.1', kdc_port), timeout=10) as kdc:
                    kdc.sendall(message)
                    answer = b''
                    while len(answer) < 4 or len(answer) < 4 + struct.unpack('>I', answer[:4])[0]:
                        more = kdc.recv(65536)
                        if not more:
                            break
                        answer += more
                reply = element(0x30, element(0xa0, element(0x04, answer)))
                self.send_response(200)
                self.send_header('Content-Type', 'application/kerberos')
                self.send_header('Content-Length', str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *unused):  # clients that do not like the certificate
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path(certificate + '.pem'), pki.path(certificate + '.key'))
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        """What came since the last time."""
        requests, self.requests = self.requests, []
        return requests

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
