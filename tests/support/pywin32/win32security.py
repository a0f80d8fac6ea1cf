"""A stand-in for pywin32's module of this name, on the library that SSPI_LIBRARY names: what sspi.py beside it calls, with the
signatures of pywin32's documentation."""
import importlib.util
import os

import pywintypes
import sspicon

# The library from Python, in the file whose name pywin32 has for something else.
_spec = importlib.util.spec_from_file_location('bindings', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'sspi.py'))
bindings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bindings)
bindings.load(os.environ['SSPI_LIBRARY'])

error = pywintypes.error


def _call(name, *arguments):
    """The status of a function: an exception when it is an error."""
    status = getattr(bindings.library, name)(*arguments)
    if status >= 0x80000000:
        raise error(status - (1 << 32), name, bindings.name_of(status))
    return status


class PySecBufferType:
    def __init__(self, BufferSize, BufferType):  # pylint: disable=invalid-name
        self.room = bindings.Room(bytes(BufferSize))
        self.MaxBufferSize = self.BufferSize = BufferSize  # pylint: disable=invalid-name
        self.BufferType = BufferType  # pylint: disable=invalid-name

    @property
    def Buffer(self):  # pylint: disable=invalid-name
        return self.room.bytes()[:self.BufferSize]

    @Buffer.setter
    def Buffer(self, data):  # pylint: disable=invalid-name
        if len(data) > self.MaxBufferSize:
            raise ValueError('%d bytes into a buffer of %d' % (len(data), self.MaxBufferSize))
        self.room.fill(b'\0')
        self.room.memory[:len(data)] = bytes(data)
        self.BufferSize = len(data)


class PySecBufferDescType:
    def __init__(self, Version=0):  # pylint: disable=invalid-name
        self.Version = Version  # pylint: disable=invalid-name
        self._buffers = []
        self._native = None

    def append(self, buffer):
        self._buffers.append(buffer)

    def __getitem__(self, index):
        return self._buffers[index]

    def lent(self):
        """The description as functions take it."""
        self._native = bindings.Message(*[(buffer.BufferType, None) for buffer in self._buffers])
        self._native.desc.ulVersion = self.Version
        for buffer, native in zip(self._buffers, self._native.buffers):
            native.cbBuffer, native.pvBuffer = buffer.BufferSize, buffer.room.address
        return self._native.address

    def back(self):
        """What a function changed."""
        for buffer, native in zip(self._buffers, self._native.buffers):
            buffer.room.check()
            buffer.BufferSize, buffer.BufferType = native.cbBuffer, native.BufferType


class PyCredHandleType(bindings.Owner):
    ends = 'FreeCredentialsHandle'


class PyCtxtHandleType(bindings.Owner):
    ends = 'DeleteSecurityContext'

    def MakeSignature(self, fqop, message, sequence):  # pylint: disable=invalid-name
        _call('MakeSignature', self.handle.address, fqop, message.lent(), sequence)
        message.back()

    def VerifySignature(self, message, sequence):  # pylint: disable=invalid-name
        qop = bindings.Out(bindings.U32)
        _call('VerifySignature', self.handle.address, message.lent(), sequence, qop.address)
        return qop.value.value

    def CompleteAuthToken(self, token):  # pylint: disable=invalid-name
        _call('CompleteAuthToken', self.handle.address, token.lent())
        token.back()

    def QueryContextAttributes(self, attribute):  # pylint: disable=invalid-name
        kind = {sspicon.SECPKG_ATTR_SIZES: bindings.SIZES, sspicon.SECPKG_ATTR_NATIVE_NAMES: bindings.NATIVE_NAMES}[attribute]
        out = bindings.Out(kind)
        _call('QueryContextAttributesW', self.handle.address, attribute, out.address)
        if kind is bindings.SIZES:
            return {name[2:]: getattr(out.value, name) for name, _ in kind._fields_}
        return bindings.take_text(out.value.sClientName), bindings.take_text(out.value.sServerName)


def QuerySecurityPackageInfo(package):  # pylint: disable=invalid-name
    info = bindings.query_package(package)
    return {'Capabilities': info.capabilities, 'Version': info.version, 'RPCID': info.rpcid, 'MaxToken': info.max_token,
            'Name': info.name, 'Comment': info.comment}


def AcquireCredentialsHandle(principal, package, use, logon_id, auth_data):  # pylint: disable=invalid-name
    """(handle, expiry), for whoever is logged on."""
    if logon_id is not None or auth_data is not None:
        raise NotImplementedError('credentials of somebody else')
    handle, expiry = PyCredHandleType(), bindings.Out(bindings.TimeStamp)
    who, name = bindings.wide(principal), bindings.wide(package)
    _call('AcquireCredentialsHandleW', bindings.address(who), name.address, use, None, None, None, None, handle.handle.address, expiry.address)
    handle.has_handle = True
    return handle, expiry.value.QuadPart


def InitializeSecurityContext(credential, context, target, flags, representation, given, new_context, answer):  # pylint: disable=invalid-name
    """(status, attributes, expiry); the token is in `answer`."""
    attributes, expiry, name = bindings.Out(bindings.U32), bindings.Out(bindings.TimeStamp), bindings.wide(target)
    status = _call('InitializeSecurityContextW', credential.handle.address, context.handle.address if context else None,
                   bindings.address(name), flags, 0, representation, given.lent() if given else None, 0, new_context.handle.address,
                   answer.lent(), attributes.address, expiry.address)
    new_context.has_handle = True
    answer.back()
    return status, attributes.value.value, expiry.value.QuadPart
