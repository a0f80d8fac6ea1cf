"""A KDC that knows one way of preauthentication alone: it asks the user for something, and sees what comes of it under a key made
of the answer (PA-SAM-CHALLENGE-2, draft-ietf-krb-wg-kerberos-sam; type 30).  Whoever stands in a KDC's place could be that.

    kdc = sam_kdc.SamKdc('SSPI.TEST')
    kdc.port
"""
import socket
import threading

CHALLENGE, PREAUTH_REQUIRED = 30, 25
SAD_AS_KEY = b'\x80\0\0\0'  # what the user answers is the key
AES256 = 18


def tagged(tag, *parts):
    body = b''.join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def field(number, *parts):
    return tagged(0xa0 | number, *parts)


def integer(value):
    return tagged(2, value.to_bytes(4, 'big').lstrip(b'\0') or b'\0')


def text(value):
    return tagged(0x1b, value.encode())


def sequence(*parts):
    return tagged(0x30, *parts)


def challenge():
    body = sequence(field(0, integer(1)), field(1, tagged(3, b'\0', SAD_AS_KEY)), field(6, tagged(4, b'PIN')), field(8, integer(1)),
                    field(9, integer(AES256)))
    checksum = sequence(field(0, integer(16)), field(1, tagged(4, bytes(12))))  # of a key that nobody has
    return sequence(field(0, body), field(1, sequence(checksum)))


class SamKdc:
    def __init__(self, realm):
        names = sequence(text('krbtgt'), text(realm))
        ways = sequence(sequence(field(1, integer(CHALLENGE)), field(2, tagged(4, challenge()))))
        self.error = tagged(0x7e, sequence(
            field(0, integer(5)), field(1, integer(30)), field(4, tagged(0x18, b'20300101000000Z')), field(5, integer(0)),
            field(6, integer(PREAUTH_REQUIRED)), field(9, text(realm)),
            field(10, sequence(field(0, integer(2)), field(1, names))), field(12, tagged(4, ways))))
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            with peer, peer.makefile('rb') as stream:
                stream.read(int.from_bytes(stream.read(4), 'big'))
                peer.sendall(len(self.error).to_bytes(4, 'big') + self.error)
