"""This library from Python, through ctypes: the SDK's structures as they lie in memory, and around them objects of the shape that
Python's bindings (sspilib, pyspnego) give their programs.

    sspi.load(path)
    alice = sspi.UserCredential('alice', 'secret', 'DOMAIN', protocol='NTLM')
    client, server = sspi.ClientContext(alice, 'HTTP/server'), sspi.ServerContext(sspi.UserCredential(protocol='NTLM', usage='accept'))
    token = client.step()
    ...
    server.unwrap(client.wrap(b'message'))

Only the exported names and the SDK's numbers are used: W functions, and no header.  A status that is an error raises SspiError.
Whatever the library fills in has guard bytes behind it, so that one that is larger than the SDK's is noticed at once.  TLS and
CredSSP are in sspi_tls.py.
"""
import ctypes
from types import SimpleNamespace

library = None

# ---------------------------------------------------------------- numbers (sspi.h, winerror.h)

OK, CONTINUE_NEEDED, COMPLETE_NEEDED = 0, 0x00090312, 0x00090313
CONTEXT_EXPIRED, INCOMPLETE_CREDENTIALS, RENEGOTIATE = 0x00090317, 0x00090320, 0x00090321  # SEC_I_*
INVALID_HANDLE, UNSUPPORTED_FUNCTION, INTERNAL_ERROR, SECPKG_NOT_FOUND = 0x80090301, 0x80090302, 0x80090304, 0x80090305
INVALID_TOKEN, QOP_NOT_SUPPORTED, NO_IMPERSONATION, LOGON_DENIED = 0x80090308, 0x8009030A, 0x8009030B, 0x8009030C
UNKNOWN_CREDENTIALS, NO_CREDENTIALS, MESSAGE_ALTERED, OUT_OF_SEQUENCE = 0x8009030D, 0x8009030E, 0x8009030F, 0x80090310
INCOMPLETE_MESSAGE, BUFFER_TOO_SMALL, WRONG_PRINCIPAL, UNTRUSTED_ROOT = 0x80090318, 0x80090321, 0x80090322, 0x80090325
BAD_BINDINGS, ALGORITHM_MISMATCH, APPLICATION_PROTOCOL_MISMATCH = 0x80090346, 0x80090331, 0x80090367
DELEGATION_POLICY = 0x8009035E

DELEGATE, MUTUAL_AUTH, REPLAY_DETECT, SEQUENCE_DETECT, CONFIDENTIALITY, USE_SESSION_KEY = 1, 2, 4, 8, 0x10, 0x20
USE_SUPPLIED_CREDS, ALLOCATE_MEMORY = 0x80, 0x100
ISC_EXTENDED_ERROR, ISC_STREAM, ISC_INTEGRITY, ISC_MANUAL_CRED_VALIDATION = 0x4000, 0x8000, 0x10000, 0x80000
ASC_EXTENDED_ERROR, ASC_STREAM, ASC_INTEGRITY = 0x8000, 0x10000, 0x20000
CLIENT_FLAGS = MUTUAL_AUTH | REPLAY_DETECT | SEQUENCE_DETECT | CONFIDENTIALITY | ISC_INTEGRITY
SERVER_FLAGS = MUTUAL_AUTH | REPLAY_DETECT | SEQUENCE_DETECT | CONFIDENTIALITY | ASC_INTEGRITY

EMPTY, DATA, TOKEN, PKG_PARAMS, MISSING, EXTRA, STREAM_TRAILER, STREAM_HEADER = range(8)
PADDING, STREAM, CHANNEL_BINDINGS, ALERT, APPLICATION_PROTOCOLS = 9, 10, 14, 17, 18
READONLY, READONLY_WITH_CHECKSUM = 0x80000000, 0x10000000

INBOUND, OUTBOUND, BOTH = 1, 2, 3
WRAP_NO_ENCRYPT = 0x80000001
NATIVE_DREP = 0x10
UNICODE_IDENTITY = 2

# ---------------------------------------------------------------- structures

U8, U16, U32, U64, PTR, WORD = (ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p,
                                ctypes.c_size_t)


def structure(name, **fields):
    """A structure with these members, in this order, aligned as C does it."""
    return type(name, (ctypes.Structure,), {'_fields_': list(fields.items())})


SecHandle = structure('SecHandle', dwLower=WORD, dwUpper=WORD)
TimeStamp = structure('TimeStamp', QuadPart=ctypes.c_int64)
SecBuffer = structure('SecBuffer', cbBuffer=U32, BufferType=U32, pvBuffer=PTR)
SecBufferDesc = structure('SecBufferDesc', ulVersion=U32, cBuffers=U32, pBuffers=PTR)
SecPkgInfoW = structure('SecPkgInfoW', fCapabilities=U32, wVersion=U16, wRPCID=U16, cbMaxToken=U32, Name=PTR, Comment=PTR)
UNICODE_STRING = structure('UNICODE_STRING', Length=U16, MaximumLength=U16, Buffer=PTR)

SEC_WINNT_AUTH_IDENTITY_W = structure(
    'SEC_WINNT_AUTH_IDENTITY_W', User=PTR, UserLength=U32, Domain=PTR, DomainLength=U32, Password=PTR, PasswordLength=U32, Flags=U32)
SEC_WINNT_AUTH_IDENTITY_EXW = structure(
    'SEC_WINNT_AUTH_IDENTITY_EXW', Version=U32, Length=U32, User=PTR, UserLength=U32, Domain=PTR, DomainLength=U32, Password=PTR,
    PasswordLength=U32, Flags=U32, PackageList=PTR, PackageListLength=U32)
SEC_CHANNEL_BINDINGS = structure(
    'SEC_CHANNEL_BINDINGS', dwInitiatorAddrType=U32, cbInitiatorLength=U32, dwInitiatorOffset=U32, dwAcceptorAddrType=U32,
    cbAcceptorLength=U32, dwAcceptorOffset=U32, cbApplicationDataLength=U32, dwApplicationDataOffset=U32)
KERB_INTERACTIVE_LOGON = structure(
    'KERB_INTERACTIVE_LOGON', MessageType=U32, LogonDomainName=UNICODE_STRING, UserName=UNICODE_STRING, Password=UNICODE_STRING)
CREDSSP_CRED = structure('CREDSSP_CRED', Type=U32, pSchannelCred=PTR, pSpnegoCred=PTR)

SCHANNEL_CRED = structure(
    'SCHANNEL_CRED', dwVersion=U32, cCreds=U32, paCred=PTR, hRootStore=PTR, cMappers=U32, aphMappers=PTR, cSupportedAlgs=U32,
    palgSupportedAlgs=PTR, grbitEnabledProtocols=U32, dwMinimumCipherStrength=U32, dwMaximumCipherStrength=U32,
    dwSessionLifespan=U32, dwFlags=U32, dwCredFormat=U32)
SCH_CREDENTIALS = structure(
    'SCH_CREDENTIALS', dwVersion=U32, dwCredFormat=U32, cCreds=U32, paCred=PTR, hRootStore=PTR, cMappers=U32, aphMappers=PTR,
    dwSessionLifespan=U32, dwFlags=U32, cTlsParameters=U32, pTlsParameters=PTR)
TLS_PARAMETERS = structure(
    'TLS_PARAMETERS', cAlpnIds=U32, rgstrAlpnIds=PTR, grbitDisabledProtocols=U32, cDisabledCrypto=U32, pDisabledCrypto=PTR, dwFlags=U32)
CRYPTO_SETTINGS = structure(
    'CRYPTO_SETTINGS', eAlgorithmUsage=U32, strCngAlgId=UNICODE_STRING, cChainingModes=U32, rgstrChainingModes=PTR,
    dwMinBitLength=U32, dwMaxBitLength=U32)
CERT_CONTEXT = structure(
    'CERT_CONTEXT', dwCertEncodingType=U32, pbCertEncoded=PTR, cbCertEncoded=U32, pCertInfo=PTR, hCertStore=PTR)

SIZES = structure('SecPkgContext_Sizes', cbMaxToken=U32, cbMaxSignature=U32, cbBlockSize=U32, cbSecurityTrailer=U32)
STREAM_SIZES = structure(
    'SecPkgContext_StreamSizes', cbHeader=U32, cbTrailer=U32, cbMaximumMessage=U32, cBuffers=U32, cbBlockSize=U32)
NAMES = structure('SecPkgContext_NamesW', sUserName=PTR)
LIFESPAN = structure('SecPkgContext_Lifespan', tsStart=ctypes.c_int64, tsExpiry=ctypes.c_int64)
KEY_INFO = structure(
    'SecPkgContext_KeyInfoW', sSignatureAlgorithmName=PTR, sEncryptAlgorithmName=PTR, KeySize=U32, SignatureAlgorithm=U32,
    EncryptAlgorithm=U32)
AUTHORITY = structure('SecPkgContext_AuthorityW', sAuthorityName=PTR)
SESSION_KEY = structure('SecPkgContext_SessionKey', SessionKeyLength=U32, SessionKey=PTR)
PACKAGE_INFO = structure('SecPkgContext_PackageInfoW', PackageInfo=PTR)
NEGOTIATION_INFO = structure('SecPkgContext_NegotiationInfoW', PackageInfo=PTR, NegotiationState=U32)
NATIVE_NAMES = structure('SecPkgContext_NativeNamesW', sClientName=PTR, sServerName=PTR)
FLAGS = structure('SecPkgContext_Flags', Flags=U32)
ACCESS_TOKEN = structure('SecPkgContext_AccessToken', AccessToken=PTR)
BINDINGS = structure('SecPkgContext_Bindings', BindingsLength=U32, Bindings=PTR)
CLIENT_TARGET = structure('SecPkgContext_ClientSpecifiedTarget', sTargetName=PTR)
APPLICATION_PROTOCOL = structure(
    'SecPkgContext_ApplicationProtocol', ProtoNegoStatus=U32, ProtoNegoExt=U32, ProtocolIdSize=U8, ProtocolId=U8 * 255)
CONNECTION_INFO = structure(
    'SecPkgContext_ConnectionInfo', dwProtocol=U32, aiCipher=U32, dwCipherStrength=U32, aiHash=U32, dwHashStrength=U32, aiExch=U32,
    dwExchStrength=U32)
CIPHER_INFO = structure(
    'SecPkgContext_CipherInfo', dwVersion=U32, dwProtocol=U32, dwCipherSuite=U32, dwBaseCipherSuite=U32, szCipherSuite=U16 * 64,
    szCipher=U16 * 64, dwCipherLen=U32, dwCipherBlockLen=U32, szHash=U16 * 64, dwHashLen=U32, szExchange=U16 * 64,
    dwMinExchangeLen=U32, dwMaxExchangeLen=U32, szCertificate=U16 * 64, dwKeyType=U32)
CLIENT_CREDS = structure('SecPkgContext_ClientCreds', AuthBufferLen=U32, AuthBuffer=PTR)
CERT_TRUST_STATUS = structure('CERT_TRUST_STATUS', dwErrorStatus=U32, dwInfoStatus=U32)

# ---------------------------------------------------------------- functions

# p: a pointer, u: 32 bits.  All return 32 bits.
PROTOTYPES = {
    'EnumerateSecurityPackagesW': 'pp', 'QuerySecurityPackageInfoW': 'pp', 'FreeContextBuffer': 'p',
    'AcquireCredentialsHandleW': 'ppupppppp', 'FreeCredentialsHandle': 'p', 'QueryCredentialsAttributesW': 'pup',
    'InitializeSecurityContextW': 'pppuuupupppp', 'AcceptSecurityContext': 'pppuupppp', 'DeleteSecurityContext': 'p',
    'CompleteAuthToken': 'pp', 'ApplyControlToken': 'pp', 'QueryContextAttributesW': 'pup', 'EncryptMessage': 'pupu',
    'DecryptMessage': 'ppup', 'MakeSignature': 'pupu', 'VerifySignature': 'ppup', 'ImpersonateSecurityContext': 'p',
    'RevertSecurityContext': 'p', 'QuerySecurityContextToken': 'pp', 'CloseHandle': 'p', 'ExportSecurityContext': 'pupp',
    'ImportSecurityContextW': 'pppp',
}
KINDS = {'p': PTR, 'u': U32}


def load(path, prototypes=None):
    """Opens the library, or declares more of its functions."""
    global library
    library = library or ctypes.CDLL(path)
    for name, arguments in (prototypes or PROTOTYPES).items():
        function = getattr(library, name)
        function.restype = U32
        function.argtypes = [KINDS[letter] for letter in arguments]
    library.SspiExtLastReason.restype = library.SspiExtStatusName.restype = ctypes.c_char_p
    library.SspiExtLastReason.argtypes, library.SspiExtStatusName.argtypes = [PTR], [U32]


class SspiError(OSError):
    """What a binding raises: the status, its name, and this library's reason."""

    def __init__(self, what, status):
        reason = library.SspiExtLastReason(None) or b''
        self.status = status
        self.winerror = ctypes.c_int32(status).value
        self.token = b''
        super().__init__('%s: %s: %s' % (what, name_of(status), reason.decode()))


def name_of(status):
    return (library.SspiExtStatusName(status) or b'%08x' % status).decode()


def call(function, *arguments, good=(OK,)):
    """Calls a function; statuses that are not among the good ones raise."""
    status = getattr(library, function)(*arguments)
    if status not in good:
        raise SspiError(function, status)
    return status


def refusal(action, *arguments, **more):
    """The status that an action raises, or 0."""
    try:
        action(*arguments, **more)
    except SspiError as error:
        return error.status
    return OK


# ---------------------------------------------------------------- memory

GUARD = bytes(range(0x90, 0xB0))


class Room:
    """Memory of exactly this size, with guard bytes behind it."""

    def __init__(self, data):
        data = bytes(data)
        self.size = len(data)
        self.memory = ctypes.create_string_buffer(data + GUARD, len(data) + len(GUARD))
        self.address = ctypes.addressof(self.memory)

    def check(self):
        if self.memory.raw[self.size:] != GUARD:
            raise AssertionError('the library wrote behind %d bytes' % self.size)

    def bytes(self):
        return self.memory.raw[:self.size]

    def fill(self, byte=b'X'):
        ctypes.memmove(self.address, byte * self.size, self.size)


class Out(Room):
    """Room for one structure that a call fills in."""

    def __init__(self, kind):
        super().__init__(bytes(ctypes.sizeof(kind)))
        self.value = kind.from_buffer(self.memory)


class Message:
    """A SecBufferDesc.  Each part is a type and what is there: bytes, the size of room, or None for no memory at all.  In one
    area, if a stream package wants them so."""

    def __init__(self, *parts, together=False):
        data = [bytes(part) if part is not None else b'' for _, part in parts]
        area = Room(b''.join(data)) if together else None
        self.rooms = [area] if together else [Room(part) for part in data]
        self.buffers = (SecBuffer * len(parts))()
        at = 0
        for i, (kind, part) in enumerate(parts):
            address = area.address + at if together else self.rooms[i].address
            self.buffers[i] = SecBuffer(len(data[i]), kind, address if part is not None else None)
            at += len(data[i])
        self.desc = SecBufferDesc(0, len(parts), ctypes.addressof(self.buffers))
        self.address = ctypes.addressof(self.desc)

    def __getitem__(self, i):
        """The bytes of a buffer, wherever they are now."""
        buffer = self.buffers[i]
        return ctypes.string_at(buffer.pvBuffer, buffer.cbBuffer) if buffer.pvBuffer and buffer.cbBuffer else b''

    def types(self):
        return [buffer.BufferType for buffer in self.buffers]

    def sizes(self):
        return [buffer.cbBuffer for buffer in self.buffers]

    def check(self):
        for room in self.rooms:
            room.check()


def wide(text):
    """UTF-16 with its NUL, in guarded memory; None stays None."""
    return Room((text + '\0').encode('utf-16-le')) if text is not None else None


def address(room):
    return room.address if room is not None else None


def units(text):
    return len(text.encode('utf-16-le')) // 2 if text is not None else 0


def text_at(pointer):
    size = 0
    while pointer and ctypes.string_at(pointer + size, 2) != b'\0\0':
        size += 2
    return ctypes.string_at(pointer, size).decode('utf-16-le') if pointer else None


def text_in(array):
    return bytes(array).decode('utf-16-le').split('\0')[0]


def take(pointer, value):
    """Gives the library its memory back."""
    if pointer:
        call('FreeContextBuffer', pointer)
    return value


def take_text(pointer):
    return take(pointer, text_at(pointer))


def take_bytes(pointer, size):
    return take(pointer, ctypes.string_at(pointer, size) if pointer else b'')


# ---------------------------------------------------------------- packages

def describe(info):
    return SimpleNamespace(capabilities=info.fCapabilities, version=info.wVersion, rpcid=info.wRPCID, max_token=info.cbMaxToken,
                           name=text_at(info.Name), comment=text_at(info.Comment))


def take_package(pointer):
    return take(pointer, describe(SecPkgInfoW.from_address(pointer)))


def enumerate_packages():
    count, first = Out(U32), Out(PTR)
    call('EnumerateSecurityPackagesW', count.address, first.address)
    count.check(), first.check()
    array = (SecPkgInfoW * count.value.value).from_address(first.value.value)
    return take(first.value.value, [describe(info) for info in array])


def query_package(name):
    out, wanted = Out(PTR), wide(name)
    call('QuerySecurityPackageInfoW', address(wanted), out.address)
    return take_package(out.value.value)


# ---------------------------------------------------------------- credentials

class Identity:
    """SEC_WINNT_AUTH_IDENTITY_W, or _EXW: strings that are counted, and the memory they are in."""

    def __init__(self, user=None, password=None, domain=None, packages=None, ex=True):
        self.texts = [wide(text) for text in (user, domain, password, packages)]
        parts = [value for room, text in zip(self.texts, (user, domain, password, packages)) for value in (address(room), units(text))]
        if ex:
            self.value = SEC_WINNT_AUTH_IDENTITY_EXW(0x200, ctypes.sizeof(SEC_WINNT_AUTH_IDENTITY_EXW), *parts[:6], UNICODE_IDENTITY, *parts[6:])
        else:
            self.value = SEC_WINNT_AUTH_IDENTITY_W(*parts[:6], UNICODE_IDENTITY)
        self.address = ctypes.addressof(self.value)

    def spoil(self):
        """The caller's memory is the caller's again when a call has returned."""
        for room in self.texts:
            if room is not None:
                room.fill()
        ctypes.memset(self.address, 0xEE, ctypes.sizeof(self.value))


class Owner:
    """Something with a handle that a function ends."""
    ends = None

    def __init__(self):
        self.handle = Out(SecHandle)
        self.has_handle = False

    def words(self):
        return self.handle.value.dwLower, self.handle.value.dwUpper

    def close(self):
        """The status of the function that ends it."""
        self.has_handle = False
        return getattr(library, self.ends)(self.handle.address)

    def __del__(self):
        if getattr(self, 'has_handle', False) and library is not None:
            self.close()


class Credential(Owner):
    ends = 'FreeCredentialsHandle'

    def __init__(self, package, use, auth_data=None, principal=None):
        super().__init__()
        name, who, expiry = wide(package), wide(principal), Out(TimeStamp)
        call('AcquireCredentialsHandleW', address(who), address(name), use, None, address(auth_data), None, None, self.handle.address,
             expiry.address)
        self.has_handle = True
        self.handle.check(), expiry.check()
        self.expiry = expiry.value.QuadPart

    def name(self):
        out = Out(NAMES)
        call('QueryCredentialsAttributesW', self.handle.address, 1, out.address)
        out.check()
        return take_text(out.value.sUserName)


class UserCredential(Credential):
    """As sspilib acquires them: always with an identity of the EX form, though nothing may be in it."""

    def __init__(self, username=None, password=None, domain=None, protocol='Negotiate', usage='initiate', protocol_list=None):
        identity = Identity(username, password, domain, ','.join(protocol_list) if protocol_list else None)
        super().__init__(protocol, {'initiate': OUTBOUND, 'accept': INBOUND, 'both': BOTH}[usage], identity)
        identity.spoil()


# ---------------------------------------------------------------- contexts

def plain(value):
    return SimpleNamespace(**{name: getattr(value, name) for name, _ in value._fields_})


def take_certificate(value):
    certificate = CERT_CONTEXT.from_address(value.value)
    der = ctypes.string_at(certificate.pbCertEncoded, certificate.cbCertEncoded)
    if not library.CertFreeCertificateContext(PTR(value.value)):
        raise AssertionError('CertFreeCertificateContext')
    return der


def take_key_info(value):
    return SimpleNamespace(signature=take_text(value.sSignatureAlgorithmName), encryption=take_text(value.sEncryptAlgorithmName),
                           bits=value.KeySize, signature_id=value.SignatureAlgorithm, encryption_id=value.EncryptAlgorithm)


# What is asked, by which number, in which structure, and what becomes of the answer.
ATTRIBUTES = {
    'sizes': (0, SIZES, plain),
    'names': (1, NAMES, lambda value: take_text(value.sUserName)),
    'lifespan': (2, LIFESPAN, plain),
    'stream_sizes': (4, STREAM_SIZES, plain),
    'key_info': (5, KEY_INFO, take_key_info),
    'authority': (6, AUTHORITY, lambda value: take_text(value.sAuthorityName)),
    'session_key': (9, SESSION_KEY, lambda value: take_bytes(value.SessionKey, value.SessionKeyLength)),
    'package_info': (10, PACKAGE_INFO, lambda value: take_package(value.PackageInfo)),
    'negotiation_info': (12, NEGOTIATION_INFO, lambda value: (take_package(value.PackageInfo), value.NegotiationState)),
    'native_names': (13, NATIVE_NAMES, lambda value: (take_text(value.sClientName), take_text(value.sServerName))),
    'flags': (14, FLAGS, lambda value: value.Flags),
    'access_token': (18, ACCESS_TOKEN, lambda value: value.AccessToken),
    'unique_bindings': (25, BINDINGS, lambda value: take_bytes(value.Bindings, value.BindingsLength)),
    'endpoint_bindings': (26, BINDINGS, lambda value: take_bytes(value.Bindings, value.BindingsLength)),
    'client_target': (27, CLIENT_TARGET, lambda value: take_text(value.sTargetName)),
    'application_protocol': (35, APPLICATION_PROTOCOL,
                             lambda value: (value.ProtoNegoStatus, value.ProtoNegoExt, bytes(value.ProtocolId)[:value.ProtocolIdSize])),
    'remote_cert': (0x53, PTR, take_certificate),
    'connection_info': (0x5a, CONNECTION_INFO, plain),
    'cipher_info': (0x64, CIPHER_INFO, plain),
    'creds': (0x80000080, CLIENT_CREDS, lambda value: take_bytes(value.AuthBuffer, value.AuthBufferLen)),
    'negotiation_package': (0x80000081, PACKAGE_INFO, lambda value: take_package(value.PackageInfo)),
    'server_auth_flags': (0x80000083, FLAGS, lambda value: value.Flags),
    'cert_trust_status': (0x80000084, CERT_TRUST_STATUS, plain),
    'creds_2': (0x80000086, CLIENT_CREDS, lambda value: take_bytes(value.AuthBuffer, value.AuthBufferLen)),
}


def channel_bindings(application_data):
    """SEC_CHANNEL_BINDINGS as a client of TLS passes it."""
    return bytes(SEC_CHANNEL_BINDINGS(cbApplicationDataLength=len(application_data), dwApplicationDataOffset=32)) + application_data


class Context(Owner):
    """A side of a session.  `memory`: the size of the caller's own buffer for tokens; None: the library allocates them."""
    ends = 'DeleteSecurityContext'
    good = (OK, CONTINUE_NEEDED, COMPLETE_NEEDED)

    def __init__(self, credential, flags, bindings=None, memory=None):
        super().__init__()
        self.credential, self.flags, self.bindings, self.memory = credential, flags, bindings, memory
        self.complete, self.attributes, self.expiry, self.sizes, self.status = False, 0, 0, None, None
        self.sequence = 0

    def invoke(self, given, answer):
        """One call, with or without input; its status.  Sets attributes and expiry."""
        attributes, expiry = Out(U32), Out(TimeStamp)
        flags = self.flags | (ALLOCATE_MEMORY if self.memory is None else 0)
        old = self.handle.address if self.has_handle else None
        status = self.start(old, flags, given.address if given else None, answer.address, attributes.address, expiry.address)
        for room in (attributes, expiry, self.handle, answer):
            room.check()
        self.has_handle = self.has_handle or status < 0x80000000
        self.attributes, self.expiry = attributes.value.value, expiry.value.QuadPart
        return status

    def answer(self, answer):
        """The token of an answer, whose memory goes back if it is the library's."""
        token = answer[0]
        for buffer in answer.buffers:
            if self.memory is None and buffer.pvBuffer:
                call('FreeContextBuffer', buffer.pvBuffer)
        return token

    def output(self):
        return Message((TOKEN, bytes(self.memory) if self.memory is not None else None))

    def step(self, token=None):
        """A leg: the token for the other side, b'' when there is none."""
        parts = [(TOKEN, token)] if token else []
        if self.bindings is not None:
            parts.append((CHANNEL_BINDINGS, self.bindings))
        answer = self.output()
        self.status = self.invoke(Message(*parts) if parts else None, answer)
        if self.status not in self.good:
            error = SspiError('step', self.status)
            error.token = self.answer(answer)
            raise error
        self.complete = self.status == OK
        if self.complete:
            self.sizes = self.query('sizes')
        return self.answer(answer)

    def query(self, what):
        number, kind, convert = ATTRIBUTES[what]
        out = Out(kind)
        call('QueryContextAttributesW', self.handle.address, number, out.address)
        out.check()
        return convert(out.value)

    def number(self):
        """Some bindings count messages of both directions, some pass 0."""
        self.sequence += 1
        return self.sequence - 1

    def seal(self, data, *more, qop=0):
        """TOKEN, DATA and what else is given: the message as EncryptMessage leaves it."""
        message = Message((TOKEN, bytes(self.sizes.cbSecurityTrailer)), (DATA, data), *more)
        call('EncryptMessage', self.handle.address, qop, message.address, self.number())
        message.check()
        return message

    def wrap(self, data, encrypt=True):
        """One token, as gss_wrap makes it."""
        message = self.seal(data, (PADDING, bytes(self.sizes.cbBlockSize)), qop=0 if encrypt else WRAP_NO_ENCRYPT)
        return message[0] + message[1] + message[2]

    def open(self, message):
        """DecryptMessage of a message of buffers; the quality of protection."""
        qop = Out(U32)
        call('DecryptMessage', self.handle.address, message.address, self.number(), qop.address)
        qop.check(), message.check()
        return qop.value.value

    def unwrap(self, token):
        """A token as gss_unwrap takes it: the message and its quality of protection."""
        message = Message((STREAM, token), (DATA, None))
        qop = self.open(message)
        return message[1], qop

    def sign(self, data):
        message = Message((DATA, data), (TOKEN, bytes(self.sizes.cbMaxSignature)))
        call('MakeSignature', self.handle.address, 0, message.address, self.number())
        message.check()
        return message[1]

    def verify(self, data, signature):
        message, qop = Message((DATA, data), (TOKEN, signature)), Out(U32)
        call('VerifySignature', self.handle.address, message.address, self.number(), qop.address)
        qop.check(), message.check()
        return qop.value.value


class ClientContext(Context):
    def __init__(self, credential, target, flags=CLIENT_FLAGS, **more):
        super().__init__(credential, flags, **more)
        self.target = wide(target)

    def start(self, old, flags, given, answer, attributes, expiry):
        return library.InitializeSecurityContextW(self.credential.handle.address, old, address(self.target), flags, 0, NATIVE_DREP, given,
                                                  0, self.handle.address, answer, attributes, expiry)


class ServerContext(Context):
    def __init__(self, credential, flags=SERVER_FLAGS, **more):
        super().__init__(credential, flags, **more)

    def start(self, old, flags, given, answer, attributes, expiry):
        return library.AcceptSecurityContext(self.credential.handle.address, old, given, flags, NATIVE_DREP, self.handle.address, answer,
                                             attributes, expiry)


def converse(client, server, legs=8):
    """Tokens to and fro until neither has one.  Errors raise."""
    token = client.step()
    for _ in range(legs):
        token = server.step(token)
        if not token:
            break
        token = client.step(token)
        if not token:
            break
    if not (client.complete and server.complete):
        raise AssertionError('after %d legs: %s, %s' % (legs, name_of(client.status), name_of(server.status)))
    return client, server
