"""A stand-in for pywin32's module of this name: one side of a logon, and signatures, by the functions of win32security."""
import pywintypes
import sspicon
import win32security

error = pywintypes.error


def _message(*buffers):
    """A description of buffers, each (data, room, type)."""
    message = win32security.PySecBufferDescType()
    for data, room, kind in buffers:
        buffer = win32security.PySecBufferType(room, kind)
        if data is not None:
            buffer.Buffer = data
        message.append(buffer)
    return message


class ClientAuth:
    """The client's side: authorize() makes token after token; its result is (status, description with the token)."""

    def __init__(self, pkg_name, client_name=None, auth_info=None, targetspn=None, scflags=None,
                 datarep=sspicon.SECURITY_NETWORK_DREP):
        if scflags is None:
            scflags = (sspicon.ISC_REQ_INTEGRITY | sspicon.ISC_REQ_SEQUENCE_DETECT | sspicon.ISC_REQ_REPLAY_DETECT |
                       sspicon.ISC_REQ_CONFIDENTIALITY)
        self.scflags, self.datarep, self.targetspn = scflags, datarep, targetspn
        self.pkg_info = win32security.QuerySecurityPackageInfo(pkg_name)
        self.credentials, self.credentials_expiry = win32security.AcquireCredentialsHandle(
            client_name, self.pkg_info['Name'], sspicon.SECPKG_CRED_OUTBOUND, None, auth_info)
        self.reset()

    def reset(self):
        self.ctxt = None
        self.authenticated = False
        self.initiator_name = self.service_name = None
        self.next_seq_num = 0

    def _get_next_seq_num(self):
        number = self.next_seq_num
        self.next_seq_num += 1
        return number

    def authorize(self, sec_buffer_in):
        room = self.pkg_info['MaxToken']
        if sec_buffer_in is not None and not isinstance(sec_buffer_in, win32security.PySecBufferDescType):
            sec_buffer_in = _message((sec_buffer_in, room, sspicon.SECBUFFER_TOKEN))
        answer = _message((None, room, sspicon.SECBUFFER_TOKEN))
        before = self.ctxt
        if before is None:
            self.ctxt = win32security.PyCtxtHandleType()
        status, self.ctxt_attr, self.ctxt_expiry = win32security.InitializeSecurityContext(
            self.credentials, before, self.targetspn, self.scflags, self.datarep, sec_buffer_in, self.ctxt, answer)
        if status in (sspicon.SEC_I_COMPLETE_NEEDED, sspicon.SEC_I_COMPLETE_AND_CONTINUE):
            self.ctxt.CompleteAuthToken(answer)
        self.authenticated = status == 0
        if self.authenticated:
            try:
                self.initiator_name, self.service_name = self.ctxt.QueryContextAttributes(sspicon.SECPKG_ATTR_NATIVE_NAMES)
            except error:  # not every package knows them
                pass
        return status, answer

    def sign(self, data):
        room = self.ctxt.QueryContextAttributes(sspicon.SECPKG_ATTR_SIZES)['MaxSignature']
        message = _message((data, len(data), sspicon.SECBUFFER_DATA), (None, room, sspicon.SECBUFFER_TOKEN))
        self.ctxt.MakeSignature(0, message, self._get_next_seq_num())
        return message[1].Buffer

    def verify(self, data, sig):
        message = _message((data, len(data), sspicon.SECBUFFER_DATA), (sig, len(sig), sspicon.SECBUFFER_TOKEN))
        self.ctxt.VerifySignature(message, self._get_next_seq_num())
