#!/usr/bin/env python3
"""ctypes_user.py LIBRARY: a program in another language that loads the library and declares everything itself, as Python's
SSPI bindings do: sizes and offsets are the SDK's, names are found by dlsym, strings are UTF-16."""
import ctypes
import os
import sys

import harness
from harness import check, equal

TOKEN, DATA = 2, 1
SEALED = 0x4 | 0x8 | 0x10 | 0x10000  # replay, sequence, confidentiality, integrity (client)
SEALED_SERVER = 0x4 | 0x8 | 0x10 | 0x20000
OUTBOUND, INBOUND = 2, 1
OK, CONTINUE = 0, 0x00090312
LOGON_DENIED, INVALID_HANDLE, MESSAGE_ALTERED = 0x8009030C, 0x80090301, 0x8009030F


class Handle(ctypes.Structure):
    _fields_ = [('lower', ctypes.c_size_t), ('upper', ctypes.c_size_t)]


class Buffer(ctypes.Structure):
    _fields_ = [('size', ctypes.c_uint32), ('type', ctypes.c_uint32), ('data', ctypes.c_void_p)]


class Message(ctypes.Structure):
    _fields_ = [('version', ctypes.c_uint32), ('count', ctypes.c_uint32), ('buffers', ctypes.POINTER(Buffer))]


class Identity(ctypes.Structure):
    _fields_ = [('user', ctypes.c_void_p), ('user_length', ctypes.c_uint32), ('domain', ctypes.c_void_p),
                ('domain_length', ctypes.c_uint32), ('password', ctypes.c_void_p),
                ('password_length', ctypes.c_uint32), ('flags', ctypes.c_uint32)]


class Package(ctypes.Structure):
    _fields_ = [('capabilities', ctypes.c_uint32), ('version', ctypes.c_uint16), ('rpc', ctypes.c_uint16),
                ('max_token', ctypes.c_uint32), ('name', ctypes.c_void_p), ('comment', ctypes.c_void_p)]


class Sizes(ctypes.Structure):
    _fields_ = [('max_token', ctypes.c_uint32), ('max_signature', ctypes.c_uint32), ('block', ctypes.c_uint32),
                ('trailer', ctypes.c_uint32)]


def utf16(text):
    """Counted UTF-16: the units and how many.  Kept alive by the caller."""
    raw = text.encode('utf-16-le')
    return ctypes.create_string_buffer(raw + b'\0\0'), len(raw) // 2


def text_at(address):
    raw = b''
    while ctypes.string_at(address + len(raw), 2) != b'\0\0':
        raw += ctypes.string_at(address + len(raw), 2)
    return raw.decode('utf-16-le')


class Side:
    """One end of a logon."""

    def __init__(self, sspi, identity=None):
        self.sspi = sspi
        self.client = identity is not None
        self.credential = Handle()
        self.context = Handle()
        self.begun = False
        self.flags = ctypes.c_uint32()
        self.expiry = ctypes.c_int64()
        name, _ = utf16('NTLM')
        given = None
        if identity:
            keep = [utf16(part) for part in identity]
            given = Identity(*[value for buffer, length in keep for value in (ctypes.addressof(buffer), length)], 2)
        self.status = sspi.AcquireCredentialsHandleW(None, name, OUTBOUND if self.client else INBOUND, None,
                                                     ctypes.byref(given) if given else None, None, None,
                                                     ctypes.byref(self.credential), ctypes.byref(self.expiry))

    def step(self, token):
        out = ctypes.create_string_buffer(4096)
        answer = Buffer(len(out), TOKEN, ctypes.addressof(out))
        output = Message(0, 1, ctypes.pointer(answer))
        given = ctypes.create_string_buffer(token, len(token)) if token is not None else None
        input_buffer = Buffer(len(token or b''), TOKEN, ctypes.addressof(given) if given is not None else None)
        input_message = Message(0, 1, ctypes.pointer(input_buffer))
        context = ctypes.byref(self.context) if self.begun else None
        in_message = ctypes.byref(input_message) if token is not None else None
        if self.client:
            target, _ = utf16('HTTP/server')
            status = self.sspi.InitializeSecurityContextW(
                ctypes.byref(self.credential), context, target, SEALED, 0, 0x10, in_message, 0,
                ctypes.byref(self.context), ctypes.byref(output), ctypes.byref(self.flags), ctypes.byref(self.expiry))
        else:
            status = self.sspi.AcceptSecurityContext(
                ctypes.byref(self.credential), context, in_message, SEALED_SERVER, 0x10, ctypes.byref(self.context),
                ctypes.byref(output), ctypes.byref(self.flags), ctypes.byref(self.expiry))
        self.begun = True
        return status, out.raw[:answer.size]

    def protect(self, call, data, trailer):
        body = ctypes.create_string_buffer(data, len(data))
        tail = ctypes.create_string_buffer(trailer, 16)
        buffers = (Buffer * 2)(Buffer(16, TOKEN, ctypes.addressof(tail)), Buffer(len(data), DATA, ctypes.addressof(body)))
        message = Message(0, 2, buffers)
        if call == 'EncryptMessage':
            status = self.sspi.EncryptMessage(ctypes.byref(self.context), 0, ctypes.byref(message), 0)
        else:
            status = self.sspi.DecryptMessage(ctypes.byref(self.context), ctypes.byref(message), 0, None)
        return status, body.raw, tail.raw

    def name(self):
        names = ctypes.c_void_p()
        status = self.sspi.QueryContextAttributesW(ctypes.byref(self.context), 1, ctypes.byref(names))
        if status != OK:
            return hex(status)
        text = text_at(names.value)
        self.sspi.FreeContextBuffer(names)
        return text

    def close(self):
        return (self.sspi.DeleteSecurityContext(ctypes.byref(self.context)),
                self.sspi.FreeCredentialsHandle(ctypes.byref(self.credential)))


def load(path):
    sspi = ctypes.CDLL(path)
    for name in ('AcquireCredentialsHandleW', 'InitializeSecurityContextW', 'AcceptSecurityContext', 'EncryptMessage',
                 'DecryptMessage', 'QueryContextAttributesW', 'FreeContextBuffer', 'DeleteSecurityContext',
                 'FreeCredentialsHandle', 'EnumerateSecurityPackagesW', 'QuerySecurityPackageInfoW'):
        getattr(sspi, name).restype = ctypes.c_uint32
    return sspi


def log_on(sspi, *identity):
    client, server = Side(sspi, identity), Side(sspi)
    steps = [client.status, server.status]
    status, negotiate = client.step(None)
    steps.append(status)
    status, challenge = server.step(negotiate)
    steps.append(status)
    status, authenticate = client.step(challenge)
    steps.append(status)
    status, _ = server.step(authenticate)
    steps.append(status)
    return client, server, steps


def packages(sspi):
    count, first = ctypes.c_uint32(), ctypes.POINTER(Package)()
    equal(sspi.EnumerateSecurityPackagesW(ctypes.byref(count), ctypes.byref(first)), OK, 'EnumerateSecurityPackages')
    names = [text_at(first[i].name) for i in range(count.value)]
    check('NTLM' in names, 'NTLM is among them', str(names))
    ntlm = first[names.index('NTLM')]
    equal((ntlm.version, ntlm.rpc, ntlm.max_token), (1, 10, 2888), 'NTLM as Windows describes it')
    equal(sspi.FreeContextBuffer(first), OK, 'FreeContextBuffer takes the array')


def main():
    os.environ.update(harness.environment(['DOMAIN:User:Password', 'DOMAIN:Zoé:pässwörd€']))
    sspi = load(sys.argv[1])
    packages(sspi)

    client, server, steps = log_on(sspi, 'User', 'DOMAIN', 'Password')
    equal(steps, [OK, OK, CONTINUE, CONTINUE, OK, OK], 'a logon')
    equal(server.name(), 'DOMAIN\\User', 'the server knows who')
    sizes = Sizes()
    sspi.QueryContextAttributesW(ctypes.byref(client.context), 0, ctypes.byref(sizes))
    equal((sizes.max_token, sizes.max_signature, sizes.block, sizes.trailer), (2888, 16, 0, 16), 'SECPKG_ATTR_SIZES')
    for sender, receiver, way in ((client, server, 'to the server'), (server, client, 'to the client')):
        for text in (b'one', b'two' * 5000):
            status, sealed, trailer = sender.protect('EncryptMessage', text, b'')
            check(status == OK and sealed != text, 'sealed %s, %d bytes' % (way, len(text)), hex(status))
            status, opened, _ = receiver.protect('DecryptMessage', sealed, trailer)
            equal((status, opened), (OK, text), 'and opened')
    status, sealed, trailer = client.protect('EncryptMessage', b'the last one', b'')
    status, _, _ = server.protect('DecryptMessage', b'X' + sealed[1:], trailer)
    equal(status, MESSAGE_ALTERED, 'a changed message is noticed')
    equal(client.close() + server.close(), (OK,) * 4, 'everything ends')
    equal(client.close() + server.close(), (INVALID_HANDLE,) * 4, 'and has ended')

    client, server, steps = log_on(sspi, 'Zoé', 'DOMAIN', 'pässwörd€')
    equal(steps[-1], OK, 'names and passwords beyond ASCII')
    equal(server.name(), 'DOMAIN\\Zoé', 'and they come back')
    client.close(), server.close()
    for user, password in (('User', 'password'), ('Nobody', 'Password'), ('Zoe', 'pässwörd€')):
        client, server, steps = log_on(sspi, user, 'DOMAIN', password)
        equal(steps[-1], LOGON_DENIED, '%s with %s is refused' % (user, password))
        client.close(), server.close()


harness.run(main)
