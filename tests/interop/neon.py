"""neon.py LIBRARY URL USER [PROXY_HOST PROXY_PORT]: one GET by neon's HTTP client with Digest alone, the password in
SSPI_PASSWORD.  Prints the status and what neon has to say, and the body behind an empty line."""
import ctypes
import os
import sys
import urllib.parse

NE_AUTH_DIGEST = 0x80  # ne_auth.h

library, url, user = sys.argv[1:4]
neon = ctypes.CDLL(library)
Credentials = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p,
                               ctypes.c_size_t)
Block = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
body = bytearray()
for name, kind in (('ne_session_create', ctypes.c_void_p), ('ne_request_create', ctypes.c_void_p), ('ne_get_error', ctypes.c_char_p),
                   ('ne_get_response_header', ctypes.c_char_p)):
    getattr(neon, name).restype = kind


class Status(ctypes.Structure):
    _fields_ = [('major', ctypes.c_int), ('minor', ctypes.c_int), ('code', ctypes.c_int), ('klass', ctypes.c_int), ('reason', ctypes.c_char_p)]


neon.ne_get_status.restype = ctypes.POINTER(Status)


@Credentials
def credentials(_data, attempt, _protocol, _realm, name, password, _size):
    ctypes.memmove(name, ctypes.create_string_buffer(user.encode()), len(user.encode()) + 1)
    secret = os.environ['SSPI_PASSWORD'].encode()
    ctypes.memmove(password, ctypes.create_string_buffer(secret), len(secret) + 1)
    return attempt  # once


@Block
def block(_data, text, size):
    body.extend(ctypes.string_at(text, size))
    return 0


def main():
    parts = urllib.parse.urlsplit(url)
    neon.ne_sock_init()
    session = ctypes.c_void_p(neon.ne_session_create(parts.scheme.encode(), parts.hostname.encode(), ctypes.c_uint(parts.port)))
    if len(sys.argv) > 4:
        neon.ne_session_proxy(session, sys.argv[4].encode(), ctypes.c_uint(int(sys.argv[5])))
    neon.ne_add_auth(session, ctypes.c_uint(NE_AUTH_DIGEST), credentials, None)
    for _ in range(3):  # further requests have further counts
        body.clear()
        path = parts.path + ('?' + parts.query if parts.query else '')
        request = ctypes.c_void_p(neon.ne_request_create(session, b'GET', path.encode()))
        neon.ne_add_response_body_reader(request, ctypes.cast(neon.ne_accept_2xx, ctypes.c_void_p), block, None)
        result = neon.ne_request_dispatch(request)
        said = neon.ne_get_error(session) if result != 0 else b''
        print(neon.ne_get_status(request).contents.code, result, said.decode(errors='replace'))
        neon.ne_request_destroy(request)
    neon.ne_session_destroy(session)
    print()
    print(body.decode(errors='replace'), end='')


main()
