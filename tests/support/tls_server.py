"""A TLS server of Python's ssl module, which is OpenSSL's: what the command's own TLS is tried on.

    with Server(pki, 'server-p256', handler) as server:
        ... server.port ...
    server.seen     one entry for each connection: what the server knows of it, or the error it met

handler(connection, seen) speaks for the server: `connection` is an ssl.SSLSocket after its handshake.  What it returns
says how the connection ends: None in due form, CUT without a close_notify."""
import socket
import ssl
import threading

CUT = 'cut'


def context(pki, name, chain=True, minimum=None, maximum=None, alpn=None, clients=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain('%s/%s.%s' % (pki, name, 'chain.pem' if chain else 'pem'), '%s/%s.key' % (pki, name))
    if minimum:
        made.minimum_version = minimum
    if maximum:
        made.maximum_version = maximum
    if alpn:
        made.set_alpn_protocols(alpn)
    if clients is not None:
        made.verify_mode = clients
        made.load_verify_locations(pki + '/root.pem')
        made.load_verify_locations(pki + '/intermediate.pem')
    return made


class Server:
    def __init__(self, tls, handler):
        self.tls, self.handler, self.seen = tls, handler, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.where = '127.0.0.1:%d' % self.port
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(20)

    def _run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            seen = {}
            self.seen.append(seen)
            plain.settimeout(20)
            try:
                self._serve(plain, seen)
            except (ssl.SSLError, OSError) as why:
                seen['error'] = str(why)
            plain.close()

    def _serve(self, plain, seen):
        with self.tls.wrap_socket(plain, server_side=True) as connection:
            seen.update(version=connection.version(), cipher=connection.cipher()[0], reused=connection.session_reused,
                        alpn=connection.selected_alpn_protocol(), certificate=connection.getpeercert())
            if self.handler(connection, seen) is not CUT:
                connection.unwrap()


def until(connection, end):
    """Reads up to `end`, or to the end of the connection."""
    data = b''
    while end not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data
