/* winerror.h: Win32 error codes, and the HRESULT codes of SSPI and of certificate checking.
 *
 * Sources: MS-ERREF 2.1 and 2.2; Microsoft Learn, "SSPI Status Codes" and "COM Error Codes (Security and Setup)".  An
 * HRESULT is signed: SEC_E_ and CERT_E_ codes are negative, SEC_I_ codes are positive, so FAILED() tells them apart. */
#ifndef _WINERROR_
#define _WINERROR_

#include "windows.h"

#ifdef RC_INVOKED
#define _HRESULT_TYPEDEF_(_sc) _sc
#else
#define _HRESULT_TYPEDEF_(_sc) ((HRESULT)_sc)
#endif

#define SUCCEEDED(hr)         (((HRESULT)(hr)) >= 0)
#define FAILED(hr)            (((HRESULT)(hr)) < 0)
#define IS_ERROR(Status)      (((uint32_t)(Status)) >> 31 == 1)
#define HRESULT_CODE(hr)      ((hr)&0xFFFF)
#define HRESULT_FACILITY(hr)  (((hr) >> 16) & 0x1FFF)
#define HRESULT_SEVERITY(hr)  (((hr) >> 31) & 0x1)
#define FACILITY_WIN32        7
#define FACILITY_SSPI         9
#define FACILITY_SECURITY     9
#define FACILITY_CERT         11
#define SEVERITY_SUCCESS      0
#define SEVERITY_ERROR        1
#define HRESULT_FROM_WIN32(x) ((HRESULT)(x) <= 0 ? (HRESULT)(x) : (HRESULT)(((x)&0xFFFF) | 0x80070000))

/* ---------------------------------------------------------------- Win32 codes (GetLastError) */

#define NO_ERROR                          0
#define ERROR_SUCCESS                     0
#define ERROR_INVALID_FUNCTION            1
#define ERROR_FILE_NOT_FOUND              2
#define ERROR_PATH_NOT_FOUND              3
#define ERROR_ACCESS_DENIED               5
#define ERROR_INVALID_HANDLE              6
#define ERROR_NOT_ENOUGH_MEMORY           8
#define ERROR_INVALID_DATA                13
#define ERROR_OUTOFMEMORY                 14
#define ERROR_NOT_SUPPORTED               50
#define ERROR_INVALID_PASSWORD            86
#define ERROR_INVALID_PARAMETER           87
#define ERROR_CALL_NOT_IMPLEMENTED        120
#define ERROR_INSUFFICIENT_BUFFER         122
#define ERROR_INVALID_NAME                123
#define ERROR_MOD_NOT_FOUND               126
#define ERROR_PROC_NOT_FOUND              127
#define ERROR_ALREADY_EXISTS              183
#define ERROR_MORE_DATA                   234
#define ERROR_NO_MORE_ITEMS               259
#define ERROR_INVALID_FLAGS               1004
#define ERROR_NO_TOKEN                    1008
#define ERROR_NOT_FOUND                   1168
#define ERROR_CANCELLED                   1223
#define ERROR_BAD_DEVICE                  1200
#define ERROR_NOT_AUTHENTICATED           1244
#define ERROR_NOT_LOGGED_ON               1245
#define ERROR_NO_SUCH_LOGON_SESSION       1312
#define ERROR_NO_SUCH_PRIVILEGE           1313
#define ERROR_PRIVILEGE_NOT_HELD          1314
#define ERROR_INVALID_ACCOUNT_NAME        1315
#define ERROR_NO_SUCH_USER                1317
#define ERROR_WRONG_PASSWORD              1323
#define ERROR_ILL_FORMED_PASSWORD         1324
#define ERROR_PASSWORD_RESTRICTION        1325
#define ERROR_LOGON_FAILURE               1326
#define ERROR_ACCOUNT_RESTRICTION         1327
#define ERROR_INVALID_LOGON_HOURS         1328
#define ERROR_INVALID_WORKSTATION         1329
#define ERROR_PASSWORD_EXPIRED            1330
#define ERROR_ACCOUNT_DISABLED            1331
#define ERROR_NONE_MAPPED                 1332
#define ERROR_BAD_IMPERSONATION_LEVEL     1346
#define ERROR_CANT_ACCESS_DOMAIN_INFO     1351
#define ERROR_NO_SUCH_DOMAIN              1355
#define ERROR_INTERNAL_ERROR              1359
#define ERROR_NO_SUCH_PACKAGE             1364
#define ERROR_NO_USER_SESSION_KEY         1394
#define ERROR_ACCOUNT_EXPIRED             1793
#define ERROR_PASSWORD_MUST_CHANGE        1907
#define ERROR_ACCOUNT_LOCKED_OUT          1909
#define ERROR_DOMAIN_CONTROLLER_NOT_FOUND 1908

/* ---------------------------------------------------------------- general HRESULTs */

#define S_OK           ((HRESULT)0)
#define S_FALSE        ((HRESULT)1)
#define E_NOTIMPL      _HRESULT_TYPEDEF_(0x80004001)
#define E_POINTER      _HRESULT_TYPEDEF_(0x80004003)
#define E_FAIL         _HRESULT_TYPEDEF_(0x80004005)
#define E_UNEXPECTED   _HRESULT_TYPEDEF_(0x8000FFFF)
#define E_ACCESSDENIED _HRESULT_TYPEDEF_(0x80070005)
#define E_HANDLE       _HRESULT_TYPEDEF_(0x80070006)
#define E_OUTOFMEMORY  _HRESULT_TYPEDEF_(0x8007000E)
#define E_INVALIDARG   _HRESULT_TYPEDEF_(0x80070057)

/* ---------------------------------------------------------------- SSPI: failures */

#define SEC_E_OK                            ((HRESULT)0x00000000)
#define SEC_E_INSUFFICIENT_MEMORY           _HRESULT_TYPEDEF_(0x80090300) /* no memory; Schannel: output too small */
#define SEC_E_INVALID_HANDLE                _HRESULT_TYPEDEF_(0x80090301) /* NULL, closed or foreign handle */
#define SEC_E_UNSUPPORTED_FUNCTION          _HRESULT_TYPEDEF_(0x80090302) /* the package has no such function */
#define SEC_E_TARGET_UNKNOWN                _HRESULT_TYPEDEF_(0x80090303) /* nobody knows the service's name */
#define SEC_E_INTERNAL_ERROR                _HRESULT_TYPEDEF_(0x80090304)
#define SEC_E_SECPKG_NOT_FOUND              _HRESULT_TYPEDEF_(0x80090305) /* no package of that name */
#define SEC_E_NOT_OWNER                     _HRESULT_TYPEDEF_(0x80090306)
#define SEC_E_CANNOT_INSTALL                _HRESULT_TYPEDEF_(0x80090307)
#define SEC_E_INVALID_TOKEN                 _HRESULT_TYPEDEF_(0x80090308) /* malformed token; wrong buffers */
#define SEC_E_CANNOT_PACK                   _HRESULT_TYPEDEF_(0x80090309)
#define SEC_E_QOP_NOT_SUPPORTED             _HRESULT_TYPEDEF_(0x8009030A) /* unknown fQOP, or not negotiated */
#define SEC_E_NO_IMPERSONATION              _HRESULT_TYPEDEF_(0x8009030B)
#define SEC_E_LOGON_DENIED                  _HRESULT_TYPEDEF_(0x8009030C) /* user or password wrong */
#define SEC_E_UNKNOWN_CREDENTIALS           _HRESULT_TYPEDEF_(0x8009030D) /* pAuthData is not understood */
#define SEC_E_NO_CREDENTIALS                _HRESULT_TYPEDEF_(0x8009030E) /* nothing to authenticate with */
#define SEC_E_MESSAGE_ALTERED               _HRESULT_TYPEDEF_(0x8009030F) /* the checksum does not fit */
#define SEC_E_OUT_OF_SEQUENCE               _HRESULT_TYPEDEF_(0x80090310)
#define SEC_E_NO_AUTHENTICATING_AUTHORITY   _HRESULT_TYPEDEF_(0x80090311) /* no KDC or account source answers */
#define SEC_E_BAD_PKGID                     _HRESULT_TYPEDEF_(0x80090316)
#define SEC_E_CONTEXT_EXPIRED               _HRESULT_TYPEDEF_(0x80090317)
#define SEC_E_INCOMPLETE_MESSAGE            _HRESULT_TYPEDEF_(0x80090318) /* read more and call again */
#define SEC_E_INCOMPLETE_CREDENTIALS        _HRESULT_TYPEDEF_(0x80090320)
#define SEC_E_BUFFER_TOO_SMALL              _HRESULT_TYPEDEF_(0x80090321)
#define SEC_E_WRONG_PRINCIPAL               _HRESULT_TYPEDEF_(0x80090322) /* the peer is somebody else */
#define SEC_E_TIME_SKEW                     _HRESULT_TYPEDEF_(0x80090324)
#define SEC_E_UNTRUSTED_ROOT                _HRESULT_TYPEDEF_(0x80090325)
#define SEC_E_ILLEGAL_MESSAGE               _HRESULT_TYPEDEF_(0x80090326) /* TLS alerts without a code of their own */
#define SEC_E_CERT_UNKNOWN                  _HRESULT_TYPEDEF_(0x80090327)
#define SEC_E_CERT_EXPIRED                  _HRESULT_TYPEDEF_(0x80090328)
#define SEC_E_ENCRYPT_FAILURE               _HRESULT_TYPEDEF_(0x80090329)
#define SEC_E_DECRYPT_FAILURE               _HRESULT_TYPEDEF_(0x80090330)
#define SEC_E_ALGORITHM_MISMATCH            _HRESULT_TYPEDEF_(0x80090331) /* no common protocol or cipher */
#define SEC_E_SECURITY_QOS_FAILED           _HRESULT_TYPEDEF_(0x80090332)
#define SEC_E_UNFINISHED_CONTEXT_DELETED    _HRESULT_TYPEDEF_(0x80090333)
#define SEC_E_NO_TGT_REPLY                  _HRESULT_TYPEDEF_(0x80090334)
#define SEC_E_NO_IP_ADDRESSES               _HRESULT_TYPEDEF_(0x80090335)
#define SEC_E_WRONG_CREDENTIAL_HANDLE       _HRESULT_TYPEDEF_(0x80090336)
#define SEC_E_CRYPTO_SYSTEM_INVALID         _HRESULT_TYPEDEF_(0x80090337)
#define SEC_E_MAX_REFERRALS_EXCEEDED        _HRESULT_TYPEDEF_(0x80090338)
#define SEC_E_MUST_BE_KDC                   _HRESULT_TYPEDEF_(0x80090339)
#define SEC_E_STRONG_CRYPTO_NOT_SUPPORTED   _HRESULT_TYPEDEF_(0x8009033A)
#define SEC_E_TOO_MANY_PRINCIPALS           _HRESULT_TYPEDEF_(0x8009033B)
#define SEC_E_NO_PA_DATA                    _HRESULT_TYPEDEF_(0x8009033C)
#define SEC_E_PKINIT_NAME_MISMATCH          _HRESULT_TYPEDEF_(0x8009033D)
#define SEC_E_SMARTCARD_LOGON_REQUIRED      _HRESULT_TYPEDEF_(0x8009033E)
#define SEC_E_SHUTDOWN_IN_PROGRESS          _HRESULT_TYPEDEF_(0x8009033F)
#define SEC_E_KDC_INVALID_REQUEST           _HRESULT_TYPEDEF_(0x80090340)
#define SEC_E_KDC_UNABLE_TO_REFER           _HRESULT_TYPEDEF_(0x80090341)
#define SEC_E_KDC_UNKNOWN_ETYPE             _HRESULT_TYPEDEF_(0x80090342)
#define SEC_E_UNSUPPORTED_PREAUTH           _HRESULT_TYPEDEF_(0x80090343)
#define SEC_E_DELEGATION_REQUIRED           _HRESULT_TYPEDEF_(0x80090345)
#define SEC_E_BAD_BINDINGS                  _HRESULT_TYPEDEF_(0x80090346) /* channel bindings missing or different */
#define SEC_E_MULTIPLE_ACCOUNTS             _HRESULT_TYPEDEF_(0x80090347)
#define SEC_E_NO_KERB_KEY                   _HRESULT_TYPEDEF_(0x80090348)
#define SEC_E_CERT_WRONG_USAGE              _HRESULT_TYPEDEF_(0x80090349)
#define SEC_E_DOWNGRADE_DETECTED            _HRESULT_TYPEDEF_(0x80090350)
#define SEC_E_SMARTCARD_CERT_REVOKED        _HRESULT_TYPEDEF_(0x80090351)
#define SEC_E_ISSUING_CA_UNTRUSTED          _HRESULT_TYPEDEF_(0x80090352)
#define SEC_E_REVOCATION_OFFLINE_C          _HRESULT_TYPEDEF_(0x80090353)
#define SEC_E_PKINIT_CLIENT_FAILURE         _HRESULT_TYPEDEF_(0x80090354)
#define SEC_E_SMARTCARD_CERT_EXPIRED        _HRESULT_TYPEDEF_(0x80090355)
#define SEC_E_NO_S4U_PROT_SUPPORT           _HRESULT_TYPEDEF_(0x80090356)
#define SEC_E_CROSSREALM_DELEGATION_FAILURE _HRESULT_TYPEDEF_(0x80090357)
#define SEC_E_REVOCATION_OFFLINE_KDC        _HRESULT_TYPEDEF_(0x80090358)
#define SEC_E_ISSUING_CA_UNTRUSTED_KDC      _HRESULT_TYPEDEF_(0x80090359)
#define SEC_E_KDC_CERT_EXPIRED              _HRESULT_TYPEDEF_(0x8009035A)
#define SEC_E_KDC_CERT_REVOKED              _HRESULT_TYPEDEF_(0x8009035B)
#define SEC_E_INVALID_PARAMETER             _HRESULT_TYPEDEF_(0x8009035D)
#define SEC_E_DELEGATION_POLICY             _HRESULT_TYPEDEF_(0x8009035E) /* CredSSP: target not on the list */
#define SEC_E_POLICY_NLTM_ONLY              _HRESULT_TYPEDEF_(0x8009035F) /* CredSSP; so spelt in the SDK */
#define SEC_E_NO_CONTEXT                    _HRESULT_TYPEDEF_(0x80090361)
#define SEC_E_PKU2U_CERT_FAILURE            _HRESULT_TYPEDEF_(0x80090362)
#define SEC_E_MUTUAL_AUTH_FAILED            _HRESULT_TYPEDEF_(0x80090363)
#define SEC_E_ONLY_HTTPS_ALLOWED            _HRESULT_TYPEDEF_(0x80090365)
#define SEC_E_APPLICATION_PROTOCOL_MISMATCH _HRESULT_TYPEDEF_(0x80090367) /* no common ALPN protocol */
#define SEC_E_INVALID_UPN_NAME              _HRESULT_TYPEDEF_(0x80090369)
#define SEC_E_EXT_BUFFER_TOO_SMALL          _HRESULT_TYPEDEF_(0x8009036A)
#define SEC_E_INSUFFICIENT_BUFFERS          _HRESULT_TYPEDEF_(0x8009036B)

#define SEC_E_NO_SPM        SEC_E_INTERNAL_ERROR
#define SEC_E_NOT_SUPPORTED SEC_E_UNSUPPORTED_FUNCTION

/* ---------------------------------------------------------------- SSPI: successes with something left to do */

#define SEC_I_CONTINUE_NEEDED            _HRESULT_TYPEDEF_(0x00090312) /* send, receive, call again */
#define SEC_I_COMPLETE_NEEDED            _HRESULT_TYPEDEF_(0x00090313) /* CompleteAuthToken, then send */
#define SEC_I_COMPLETE_AND_CONTINUE      _HRESULT_TYPEDEF_(0x00090314) /* both of these */
#define SEC_I_LOCAL_LOGON                _HRESULT_TYPEDEF_(0x00090315)
#define SEC_I_GENERIC_EXTENSION_RECEIVED _HRESULT_TYPEDEF_(0x00090316) /* a subscribed TLS extension arrived */
#define SEC_I_CONTEXT_EXPIRED            _HRESULT_TYPEDEF_(0x00090317) /* the peer closed the channel */
#define SEC_I_INCOMPLETE_CREDENTIALS     _HRESULT_TYPEDEF_(0x00090320) /* the server asks for a certificate */
#define SEC_I_RENEGOTIATE                _HRESULT_TYPEDEF_(0x00090321) /* handshake message instead of data */
#define SEC_I_NO_LSA_CONTEXT             _HRESULT_TYPEDEF_(0x00090323)
#define SEC_I_SIGNATURE_NEEDED           _HRESULT_TYPEDEF_(0x0009035C)
#define SEC_I_NO_RENEGOTIATION           _HRESULT_TYPEDEF_(0x00090360)
#define SEC_I_MESSAGE_FRAGMENT           _HRESULT_TYPEDEF_(0x00090364) /* DTLS: call again for the next datagram */
#define SEC_I_CONTINUE_NEEDED_MESSAGE_OK _HRESULT_TYPEDEF_(0x00090366) /* DTLS: more of the flight to come */
#define SEC_I_ASYNC_CALL_PENDING         _HRESULT_TYPEDEF_(0x00090368)

/* ---------------------------------------------------------------- certificates */

#define CRYPT_E_MSG_ERROR           _HRESULT_TYPEDEF_(0x80091001)
#define CRYPT_E_UNKNOWN_ALGO        _HRESULT_TYPEDEF_(0x80091002)
#define CRYPT_E_HASH_VALUE          _HRESULT_TYPEDEF_(0x80091007)
#define CRYPT_E_BAD_ENCODE          _HRESULT_TYPEDEF_(0x80092002)
#define CRYPT_E_FILE_ERROR          _HRESULT_TYPEDEF_(0x80092003)
#define CRYPT_E_NOT_FOUND           _HRESULT_TYPEDEF_(0x80092004)
#define CRYPT_E_EXISTS              _HRESULT_TYPEDEF_(0x80092005)
#define CRYPT_E_NO_PROVIDER         _HRESULT_TYPEDEF_(0x80092006)
#define CRYPT_E_SELF_SIGNED         _HRESULT_TYPEDEF_(0x80092007)
#define CRYPT_E_NO_MATCH            _HRESULT_TYPEDEF_(0x80092009)
#define CRYPT_E_UNEXPECTED_MSG_TYPE _HRESULT_TYPEDEF_(0x8009200A)
#define CRYPT_E_NO_KEY_PROPERTY     _HRESULT_TYPEDEF_(0x8009200B)
#define CRYPT_E_PENDING_CLOSE       _HRESULT_TYPEDEF_(0x8009200F)
#define CRYPT_E_REVOKED             _HRESULT_TYPEDEF_(0x80092010)
#define CRYPT_E_NO_REVOCATION_DLL   _HRESULT_TYPEDEF_(0x80092011)
#define CRYPT_E_NO_REVOCATION_CHECK _HRESULT_TYPEDEF_(0x80092012)
#define CRYPT_E_REVOCATION_OFFLINE  _HRESULT_TYPEDEF_(0x80092013)
#define CRYPT_E_INVALID_X500_STRING _HRESULT_TYPEDEF_(0x80092023)
#define CRYPT_E_ASN1_ERROR          _HRESULT_TYPEDEF_(0x80093100)
#define CRYPT_E_ASN1_EOD            _HRESULT_TYPEDEF_(0x80093102)
#define CRYPT_E_ASN1_CORRUPT        _HRESULT_TYPEDEF_(0x80093103)
#define CRYPT_E_ASN1_BADTAG         _HRESULT_TYPEDEF_(0x8009310B)

#define TRUST_E_CERT_SIGNATURE       _HRESULT_TYPEDEF_(0x80096004)
#define TRUST_E_BASIC_CONSTRAINTS    _HRESULT_TYPEDEF_(0x80096019)
#define TRUST_E_FAIL                 _HRESULT_TYPEDEF_(0x800B010B)
#define TRUST_E_EXPLICIT_DISTRUST    _HRESULT_TYPEDEF_(0x800B0111)
#define CERT_E_EXPIRED               _HRESULT_TYPEDEF_(0x800B0101)
#define CERT_E_VALIDITYPERIODNESTING _HRESULT_TYPEDEF_(0x800B0102)
#define CERT_E_ROLE                  _HRESULT_TYPEDEF_(0x800B0103)
#define CERT_E_PATHLENCONST          _HRESULT_TYPEDEF_(0x800B0104)
#define CERT_E_CRITICAL              _HRESULT_TYPEDEF_(0x800B0105)
#define CERT_E_PURPOSE               _HRESULT_TYPEDEF_(0x800B0106)
#define CERT_E_ISSUERCHAINING        _HRESULT_TYPEDEF_(0x800B0107)
#define CERT_E_MALFORMED             _HRESULT_TYPEDEF_(0x800B0108)
#define CERT_E_UNTRUSTEDROOT         _HRESULT_TYPEDEF_(0x800B0109)
#define CERT_E_CHAINING              _HRESULT_TYPEDEF_(0x800B010A)
#define CERT_E_REVOKED               _HRESULT_TYPEDEF_(0x800B010C)
#define CERT_E_UNTRUSTEDTESTROOT     _HRESULT_TYPEDEF_(0x800B010D)
#define CERT_E_REVOCATION_FAILURE    _HRESULT_TYPEDEF_(0x800B010E)
#define CERT_E_CN_NO_MATCH           _HRESULT_TYPEDEF_(0x800B010F)
#define CERT_E_WRONG_USAGE           _HRESULT_TYPEDEF_(0x800B0110)
#define CERT_E_UNTRUSTEDCA           _HRESULT_TYPEDEF_(0x800B0112)
#define CERT_E_INVALID_POLICY        _HRESULT_TYPEDEF_(0x800B0113)
#define CERT_E_INVALID_NAME          _HRESULT_TYPEDEF_(0x800B0114)

#define NTE_BAD_DATA          _HRESULT_TYPEDEF_(0x80090005)
#define NTE_BAD_ALGID         _HRESULT_TYPEDEF_(0x80090008)
#define NTE_BAD_FLAGS         _HRESULT_TYPEDEF_(0x80090009)
#define NTE_NO_KEY            _HRESULT_TYPEDEF_(0x8009000D)
#define NTE_INVALID_PARAMETER _HRESULT_TYPEDEF_(0x80090027)
#define NTE_NOT_FOUND         _HRESULT_TYPEDEF_(0x80090011)

#endif
