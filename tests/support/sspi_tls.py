"""Schannel and CredSSP from Python (sspi.py): certificates by the functions of crypt32, and contexts whose tokens are a stream."""
import ctypes

import sspi
from sspi import (ALERT, APPLICATION_PROTOCOLS, CONTEXT_EXPIRED, CONTINUE_NEEDED, DATA, EMPTY, EXTRA, INCOMPLETE_CREDENTIALS,
                  INCOMPLETE_MESSAGE, MISSING, OK, PTR, STREAM_HEADER, STREAM_TRAILER, TOKEN, U32, Message, Out, Room, SspiError, call,
                  structure)

UNISP = 'Microsoft Unified Security Protocol Provider'
TLS1_2, TLS1_3 = (0x800, 0x400), (0x2000, 0x1000)  # SP_PROT_*: the client's bit, the server's
ALL_VERSIONS = 0xC0 | 0x300 | 0xC00 | 0x3000
MANUAL_VALIDATION, NO_DEFAULT_CREDS, AUTO_VALIDATION = 0x8, 0x10, 0x20  # SCH_CRED_*
SHUTDOWN = (1).to_bytes(4, 'little')
PASSWORD_CREDS = 2  # CredsspPasswordCreds

CERT_ENHKEY_USAGE = structure('CERT_ENHKEY_USAGE', cUsageIdentifier=U32, rgpszUsageIdentifier=PTR)
CERT_USAGE_MATCH = structure('CERT_USAGE_MATCH', dwType=U32, Usage=CERT_ENHKEY_USAGE)
CERT_CHAIN_PARA = structure('CERT_CHAIN_PARA', cbSize=U32, RequestedUsage=CERT_USAGE_MATCH)
CERT_CHAIN_ENGINE_CONFIG = structure(
    'CERT_CHAIN_ENGINE_CONFIG', cbSize=U32, hRestrictedRoot=PTR, hRestrictedTrust=PTR, hRestrictedOther=PTR, cAdditionalStore=U32,
    rghAdditionalStore=PTR, dwFlags=U32, dwUrlRetrievalTimeout=U32, MaximumCachedCertificates=U32, CycleDetectionModulus=U32,
    hExclusiveRoot=PTR, hExclusiveTrustedPeople=PTR, dwExclusiveFlags=U32)
CERT_CHAIN_POLICY_PARA = structure('CERT_CHAIN_POLICY_PARA', cbSize=U32, dwFlags=U32, pvExtraPolicyPara=PTR)
CERT_CHAIN_POLICY_STATUS = structure(
    'CERT_CHAIN_POLICY_STATUS', cbSize=U32, dwError=U32, lChainIndex=ctypes.c_int32, lElementIndex=ctypes.c_int32, pvExtraPolicyStatus=PTR)
SSL_EXTRA = structure('SSL_EXTRA_CERT_CHAIN_POLICY_PARA', cbSize=U32, dwAuthType=U32, fdwChecks=U32, pwszServerName=PTR)
CRYPT_KEY_PROV_INFO = structure(
    'CRYPT_KEY_PROV_INFO', pwszContainerName=PTR, pwszProvName=PTR, dwProvType=U32, dwFlags=U32, cProvParam=U32, rgProvParam=PTR,
    dwKeySpec=U32)
CRYPT_DATA_BLOB = structure('CRYPT_DATA_BLOB', cbData=U32, pbData=PTR)

POINTERS = {
    'CertCreateCertificateContext': 'upu', 'CertFindCertificateInStore': 'puuupp', 'CertOpenStore': 'puppp',
    'CertEnumCertificatesInStore': 'pp', 'PFXImportCertStore': 'ppu',
}
NUMBERS = {
    'CryptStringToBinaryA': 'puupppp', 'CertFreeCertificateContext': 'p', 'CertSetCertificateContextProperty': 'puup',
    'CertAddCertificateContextToStore': 'ppup', 'CertCloseStore': 'pu', 'CertCreateCertificateChainEngine': 'pp',
    'CertFreeCertificateChainEngine': 'p', 'CertGetCertificateChain': 'ppppp' + 'upp', 'CertFreeCertificateChain': 'p',
    'CertVerifyCertificateChainPolicy': 'pppp', 'GetLastError': '',
}
ENCODING = 1  # X509_ASN_ENCODING
BASE64_HEADER = 0
HAS_PRIVATE_KEY = 21 << 16
KEY_PROV_INFO = 2
STORE_MEMORY = 2
POLICY_SSL = 4


def load(path):
    sspi.load(path)
    sspi.load(path, NUMBERS)
    sspi.load(path, POINTERS)
    for name in POINTERS:
        getattr(sspi.library, name).restype = PTR


def true(function, *arguments):
    """Calls a function of crypt32; what is false or NULL raises with what GetLastError says."""
    answer = getattr(sspi.library, function)(*arguments)
    if not answer:
        raise SspiError(function, sspi.library.GetLastError())
    return answer


# ---------------------------------------------------------------- certificates

class Certificate:
    """A PCCERT_CONTEXT."""

    def __init__(self, pointer, store=None):
        self.pointer, self.store = pointer, store

    def der(self):
        value = sspi.CERT_CONTEXT.from_address(self.pointer)
        return ctypes.string_at(value.pbCertEncoded, value.cbCertEncoded)

    def close(self):
        true('CertFreeCertificateContext', self.pointer)
        if self.store:
            true('CertCloseStore', self.store, 0)


def der_of(path):
    """The first certificate of a PEM file, by CryptStringToBinary: the size first, then the bytes."""
    text, size = Room(open(path, 'rb').read() + b'\0'), Out(U32)
    true('CryptStringToBinaryA', text.address, 0, BASE64_HEADER, None, size.address, None, None)
    room = Room(bytes(size.value.value))
    true('CryptStringToBinaryA', text.address, 0, BASE64_HEADER, room.address, size.address, None, None)
    size.check(), room.check()
    return room.bytes()[:size.value.value]


def pem_certificate(path, key=None):
    """A certificate from a PEM file; its key from another one, as the property of certificates that says where a key is."""
    der = Room(der_of(path))
    certificate = Certificate(true('CertCreateCertificateContext', ENCODING, der.address, der.size))
    der.fill()
    if key:
        container = sspi.wide(key)
        info = CRYPT_KEY_PROV_INFO(pwszContainerName=container.address)
        true('CertSetCertificateContextProperty', certificate.pointer, KEY_PROV_INFO, 0, ctypes.addressof(info))
    return certificate


def pfx_certificate(path, password):
    """The certificate of a PKCS#12 file that has a key."""
    data, text = Room(open(path, 'rb').read()), sspi.wide(password)
    blob = CRYPT_DATA_BLOB(data.size, data.address)
    store = true('PFXImportCertStore', ctypes.addressof(blob), sspi.address(text), 0)
    return Certificate(true('CertFindCertificateInStore', store, ENCODING, 0, HAS_PRIVATE_KEY, None, None), store)


def memory_store(*certificates):
    store = true('CertOpenStore', STORE_MEMORY, 0, None, 0, None)
    for certificate in certificates:
        true('CertAddCertificateContextToStore', store, certificate.pointer, 4, None)
    return store


def chain_verdict(leaf, roots, others, name):
    """What CertVerifyCertificateChainPolicy says of a chain that must end in `roots`."""
    root_store, other_store = memory_store(*roots), memory_store(*others)
    config = CERT_CHAIN_ENGINE_CONFIG(cbSize=ctypes.sizeof(CERT_CHAIN_ENGINE_CONFIG), hExclusiveRoot=root_store)
    engine, chain = Out(PTR), Out(PTR)
    true('CertCreateCertificateChainEngine', ctypes.addressof(config), engine.address)
    para = CERT_CHAIN_PARA(cbSize=ctypes.sizeof(CERT_CHAIN_PARA))
    true('CertGetCertificateChain', engine.value.value, leaf.pointer, None, other_store, ctypes.addressof(para), 0, None, chain.address)
    text = sspi.wide(name)
    extra = SSL_EXTRA(ctypes.sizeof(SSL_EXTRA), 2, 0, sspi.address(text))  # AUTHTYPE_SERVER
    policy = CERT_CHAIN_POLICY_PARA(ctypes.sizeof(CERT_CHAIN_POLICY_PARA), 0, ctypes.addressof(extra))
    status = Out(CERT_CHAIN_POLICY_STATUS)
    status.value.cbSize = ctypes.sizeof(CERT_CHAIN_POLICY_STATUS)
    true('CertVerifyCertificateChainPolicy', POLICY_SSL, chain.value.value, ctypes.addressof(policy), status.address)
    status.check(), chain.check(), engine.check()
    sspi.library.CertFreeCertificateChain(chain.value.value)
    sspi.library.CertFreeCertificateChainEngine(engine.value.value)
    for store in (root_store, other_store):
        true('CertCloseStore', store, 0)
    return status.value.dwError


# ---------------------------------------------------------------- credentials

def schannel_cred(protocols, certificates=(), flags=0, roots=None):
    """SCHANNEL_CRED, version 4.  The second value keeps the array alive."""
    array = (PTR * len(certificates))(*[certificate.pointer for certificate in certificates])
    return sspi.SCHANNEL_CRED(dwVersion=4, cCreds=len(certificates), paCred=ctypes.addressof(array) if certificates else None,
                              hRootStore=roots, grbitEnabledProtocols=protocols, dwFlags=flags), array


def sch_credentials(protocols, certificates=(), flags=0, roots=None):
    """SCH_CREDENTIALS, version 5, which says what is not wanted."""
    array = (PTR * len(certificates))(*[certificate.pointer for certificate in certificates])
    parameters = sspi.TLS_PARAMETERS(grbitDisabledProtocols=ALL_VERSIONS & ~protocols)
    value = sspi.SCH_CREDENTIALS(dwVersion=5, cCreds=len(certificates), paCred=ctypes.addressof(array) if certificates else None,
                                 hRootStore=roots, dwFlags=flags, cTlsParameters=1, pTlsParameters=ctypes.addressof(parameters))
    return value, (array, parameters)


class Pointer:
    """What Credential takes for auth data: an address, and what must live until the call."""

    def __init__(self, value, *kept):
        self.value, self.kept = value, kept
        self.address = ctypes.addressof(value)


def tls_credential(form, use, *arguments, package=UNISP, **more):
    value, kept = form(*arguments, **more)
    credential = sspi.Credential(package, use, Pointer(value, kept))
    ctypes.memset(ctypes.addressof(value), 0xEE, ctypes.sizeof(value))
    return credential


def credssp_credential(use, tls, identity=None):
    """CREDSSP_CRED with a password, or at a server with none."""
    value, kept = tls
    cred = sspi.CREDSSP_CRED(PASSWORD_CREDS, ctypes.addressof(value), sspi.address(identity))
    return sspi.Credential('CREDSSP', use, Pointer(cred, value, kept))


# ---------------------------------------------------------------- contexts

class Stream:
    """What is of a stream: bytes come as they like, and what a call leaves over waits for the next one.  Beside a Context."""

    def begin(self, alpn):
        self.waiting, self.closed, self.asked, self.alpn = b'', False, False, alpn

    def protocols(self):
        """SEC_APPLICATION_PROTOCOLS with one list for ALPN."""
        names = b''.join(bytes([len(name)]) + name for name in self.alpn)
        lists = (2).to_bytes(4, 'little') + len(names).to_bytes(2, 'little') + names
        return len(lists).to_bytes(4, 'little') + lists

    def output(self):
        memory = bytes(self.memory) if self.memory is not None else None
        return Message((TOKEN, memory), (ALERT, bytes(64) if self.memory is not None else None), (EMPTY, None))

    def leg(self, parts):
        answer = self.output()
        given = Message(*parts) if parts else None
        self.status = self.invoke(given, answer)
        token = self.answer(answer)
        if self.status not in (OK, CONTINUE_NEEDED, INCOMPLETE_CREDENTIALS, INCOMPLETE_MESSAGE):
            error = SspiError('step', self.status)
            error.token = token
            raise error
        return given, token

    def step(self, token=None):
        """All legs that the bytes at hand suffice for; what there is to send."""
        self.waiting += token or b''
        out = b''
        while True:
            first = not self.has_handle
            parts = [(TOKEN, self.waiting), (EMPTY, None)] if self.waiting or not first or isinstance(self, sspi.ServerContext) else []
            if first and self.alpn:
                parts.append((APPLICATION_PROTOCOLS, self.protocols()))
            given, answer = self.leg(parts)
            out += answer
            if self.status == INCOMPLETE_MESSAGE:
                return out
            if self.status == INCOMPLETE_CREDENTIALS:  # the same bytes again: no certificate is meant
                self.asked, self.flags = True, self.flags | sspi.USE_SUPPLIED_CREDS
                continue
            types = given.types() if given else []
            left = given.sizes()[types.index(EXTRA)] if EXTRA in types else 0
            self.waiting = self.waiting[len(self.waiting) - left:] if left else b''
            self.complete = self.status == OK
            if self.complete:
                self.sizes = self.query('stream_sizes')
            if self.complete or not self.waiting:
                return out

    def encrypt(self, data):
        """A record: header, data and trailer in one area, of which the trailer may shrink."""
        message = Message((STREAM_HEADER, bytes(self.sizes.cbHeader)), (DATA, data), (STREAM_TRAILER, bytes(self.sizes.cbTrailer)),
                          (EMPTY, None), together=True)
        call('EncryptMessage', self.handle.address, 0, message.address, 0)
        message.check()
        if message.sizes()[:2] != [self.sizes.cbHeader, len(data)]:
            raise AssertionError('EncryptMessage moved the data: %s' % message.sizes())
        return message[0] + message[1] + message[2]

    def decrypt(self, data=b''):
        """What all whole records hold."""
        self.waiting += data
        out = b''
        while self.waiting and not self.closed:
            message = Message((DATA, self.waiting), (EMPTY, None), (EMPTY, None), (EMPTY, None))
            status = call('DecryptMessage', self.handle.address, message.address, 0, None, good=(OK, CONTEXT_EXPIRED, INCOMPLETE_MESSAGE))
            message.check()
            if status == INCOMPLETE_MESSAGE:
                if MISSING not in message.types():
                    raise AssertionError('no MISSING: %s' % message.types())
                break
            self.closed = status == CONTEXT_EXPIRED
            types = message.types()
            out += b''.join(message[i] for i in range(4) if types[i] == DATA)
            self.waiting = message[types.index(EXTRA)] if EXTRA in types else b''
        return out

    def shutdown(self):
        """close_notify."""
        control = Message((TOKEN, SHUTDOWN))
        call('ApplyControlToken', self.handle.address, control.address)
        _, token = self.leg([])
        return token


CLIENT_STREAM = sspi.ISC_STREAM | sspi.REPLAY_DETECT | sspi.SEQUENCE_DETECT | sspi.CONFIDENTIALITY
SERVER_STREAM = sspi.ASC_STREAM | sspi.REPLAY_DETECT | sspi.SEQUENCE_DETECT | sspi.CONFIDENTIALITY


class StreamClient(Stream, sspi.ClientContext):
    def __init__(self, credential, target, flags=CLIENT_STREAM, alpn=(), **more):
        super().__init__(credential, target, flags, **more)
        self.begin(alpn)


class StreamServer(Stream, sspi.ServerContext):
    def __init__(self, credential, flags=SERVER_STREAM, alpn=(), **more):
        super().__init__(credential, flags, **more)
        self.begin(alpn)


def shake(client, server, pace=None, legs=12):
    """A handshake, in pieces of `pace` bytes if one is given.  Errors raise.  What is returned the server has said behind the
    handshake: tickets, which are for the client's decrypt()."""
    def feed(side, data):
        size = pace or len(data) or 1
        return b''.join(side.step(data[i:i + size]) for i in range(0, len(data), size))
    token = client.step()
    for _ in range(legs):
        token = feed(server, token)
        if client.complete and server.complete:
            break
        token = feed(client, token)
    if not (client.complete and server.complete):
        raise AssertionError('client %s, server %s' % (sspi.name_of(client.status), sspi.name_of(server.status)))
    return token
