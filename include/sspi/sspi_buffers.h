/* sspi_buffers.h: the part of sspi.h with what goes into buffers of particular types.  Include sspi.h.
 *
 * A member declared with one element at the end goes on for as many as its count says.  Source: Microsoft Learn, the
 * pages of the structures. */
#ifndef _SSPI_BUFFERS_H_
#define _SSPI_BUFFERS_H_

#include "sspi_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- channel bindings (RFC 2743 1.1.6, RFC 5929) */

/* SECBUFFER_CHANNEL_BINDINGS.  Offsets count from the start of the structure; the buffer is these 32 bytes and all data.
 * For TLS the addresses are 0 and the application data is "tls-server-end-point:" or "tls-unique:" and the binary value. */
typedef struct _SEC_CHANNEL_BINDINGS {
    ULONG dwInitiatorAddrType;
    ULONG cbInitiatorLength;
    ULONG dwInitiatorOffset;
    ULONG dwAcceptorAddrType;
    ULONG cbAcceptorLength;
    ULONG dwAcceptorOffset;
    ULONG cbApplicationDataLength;
    ULONG dwApplicationDataOffset;
} SEC_CHANNEL_BINDINGS, *PSEC_CHANNEL_BINDINGS;

/* The acceptor's longer form: 48 bytes and all data.  SspiSetChannelBindingFlags makes one. */
typedef struct _SEC_CHANNEL_BINDINGS_EX {
    ULONG magicNumber; /* SEC_CHANNEL_BINDINGS_EX_MAGIC */
    ULONG flags;       /* SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS */
    ULONG cbHeaderLength;
    ULONG cbStructureLength;
    ULONG dwInitiatorAddrType;
    ULONG cbInitiatorLength;
    ULONG dwInitiatorOffset;
    ULONG dwAcceptorAddrType;
    ULONG cbAcceptorLength;
    ULONG dwAcceptorOffset;
    ULONG cbApplicationDataLength;
    ULONG dwApplicationDataOffset;
} SEC_CHANNEL_BINDINGS_EX, *PSEC_CHANNEL_BINDINGS_EX;

#define SEC_CHANNEL_BINDINGS_EX_MAGIC       0x58454243 /* the character constant 'XEBC' */
#define SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS 0x00000001 /* report, never refuse */
#define SEC_CHANNEL_BINDINGS_VALID_FLAGS    0x00000001

/* SECBUFFER_CHANNEL_BINDINGS_RESULT: what the acceptor found. */
typedef struct _SEC_CHANNEL_BINDINGS_RESULT {
    ULONG flags;
} SEC_CHANNEL_BINDINGS_RESULT, *PSEC_CHANNEL_BINDINGS_RESULT;

#define SEC_CHANNEL_BINDINGS_RESULT_CLIENT_SUPPORT    0x00000001 /* the client knows of bindings */
#define SEC_CHANNEL_BINDINGS_RESULT_ABSENT            0x00000002 /* and sent none */
#define SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISMATCH 0x00000004
#define SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISSING  0x00000008
#define SEC_CHANNEL_BINDINGS_RESULT_VALID_MATCHED     0x00000010
#define SEC_CHANNEL_BINDINGS_RESULT_VALID_PROXY       0x00000020
#define SEC_CHANNEL_BINDINGS_RESULT_VALID_MISSING     0x00000040
#define SEC_CHANNEL_BINDINGS_RESULT_VALID             0x00000070
#define SEC_CHANNEL_BINDINGS_RESULT_NOTVALID          0x0000000C

/* ---------------------------------------------------------------- hints */

/* SECBUFFER_NEGOTIATION_INFO. */
typedef struct _SEC_NEGOTIATION_INFO {
    ULONG Size;
    ULONG NameLength;
    SEC_WCHAR *Name;
    void *Reserved;
} SEC_NEGOTIATION_INFO, *PSEC_NEGOTIATION_INFO;

/* SECBUFFER_FLAGS: flags beyond 32 bits.  The low half is 0, for it travels in fContextReq. */
typedef struct _SEC_FLAGS {
    ULONGLONG Flags;
} SEC_FLAGS, *PSEC_FLAGS;

/* ---------------------------------------------------------------- TLS extensions */

typedef enum _SEC_APPLICATION_PROTOCOL_NEGOTIATION_EXT {
    SecApplicationProtocolNegotiationExt_None,
    SecApplicationProtocolNegotiationExt_NPN,
    SecApplicationProtocolNegotiationExt_ALPN
} SEC_APPLICATION_PROTOCOL_NEGOTIATION_EXT,
    *PSEC_APPLICATION_PROTOCOL_NEGOTIATION_EXT;

typedef enum _SEC_APPLICATION_PROTOCOL_NEGOTIATION_STATUS {
    SecApplicationProtocolNegotiationStatus_None,
    SecApplicationProtocolNegotiationStatus_Success,
    SecApplicationProtocolNegotiationStatus_SelectedClientOnly
} SEC_APPLICATION_PROTOCOL_NEGOTIATION_STATUS,
    *PSEC_APPLICATION_PROTOCOL_NEGOTIATION_STATUS;

/* The list is a row of length-prefixed names as in RFC 7301; the next list begins right behind it, aligned or not. */
typedef struct _SEC_APPLICATION_PROTOCOL_LIST {
    SEC_APPLICATION_PROTOCOL_NEGOTIATION_EXT ProtoNegoExt;
    USHORT ProtocolListSize; /* bytes */
    UCHAR ProtocolList[ANYSIZE_ARRAY];
} SEC_APPLICATION_PROTOCOL_LIST, *PSEC_APPLICATION_PROTOCOL_LIST;

/* SECBUFFER_APPLICATION_PROTOCOLS. */
typedef struct _SEC_APPLICATION_PROTOCOLS {
    ULONG ProtocolListsSize; /* bytes that follow */
    SEC_APPLICATION_PROTOCOL_LIST ProtocolLists[ANYSIZE_ARRAY];
} SEC_APPLICATION_PROTOCOLS, *PSEC_APPLICATION_PROTOCOLS;

/* SECBUFFER_SRTP_PROTECTION_PROFILES: in network order, best first (RFC 5764). */
typedef struct _SEC_SRTP_PROTECTION_PROFILES {
    USHORT ProfilesSize; /* bytes */
    USHORT ProfilesList[ANYSIZE_ARRAY];
} SEC_SRTP_PROTECTION_PROFILES, *PSEC_SRTP_PROTECTION_PROFILES;

/* SECBUFFER_SRTP_MASTER_KEY_IDENTIFIER. */
typedef struct _SEC_SRTP_MASTER_KEY_IDENTIFIER {
    UCHAR MasterKeyIdentifierSize;
    UCHAR MasterKeyIdentifier[ANYSIZE_ARRAY];
} SEC_SRTP_MASTER_KEY_IDENTIFIER, *PSEC_SRTP_MASTER_KEY_IDENTIFIER;

/* SECBUFFER_TOKEN_BINDING (RFC 8472). */
typedef struct _SEC_TOKEN_BINDING {
    UCHAR MajorVersion;
    UCHAR MinorVersion;
    USHORT KeyParametersSize;
    UCHAR KeyParameters[ANYSIZE_ARRAY];
} SEC_TOKEN_BINDING, *PSEC_TOKEN_BINDING;

/* SECBUFFER_PRESHARED_KEY: at most 256 bytes. */
typedef struct _SEC_PRESHAREDKEY {
    USHORT KeySize;
    UCHAR Key[ANYSIZE_ARRAY];
} SEC_PRESHAREDKEY, *PSEC_PRESHAREDKEY;

/* SECBUFFER_PRESHARED_KEY_IDENTITY. */
typedef struct _SEC_PRESHAREDKEY_IDENTITY {
    USHORT KeyIdentitySize;
    UCHAR KeyIdentity[ANYSIZE_ARRAY];
} SEC_PRESHAREDKEY_IDENTITY, *PSEC_PRESHAREDKEY_IDENTITY;

/* SECBUFFER_DTLS_MTU. */
typedef struct _SEC_DTLS_MTU {
    USHORT PathMTU;
} SEC_DTLS_MTU, *PSEC_DTLS_MTU;

/* SECBUFFER_SEND_GENERIC_TLS_EXTENSION. */
typedef struct _SEND_GENERIC_TLS_EXTENSION {
    USHORT ExtensionType;
    USHORT HandshakeType;
    ULONG Flags; /* 0 */
    USHORT BufferSize;
    UCHAR Buffer[ANYSIZE_ARRAY];
} SEND_GENERIC_TLS_EXTENSION, *PSEND_GENERIC_TLS_EXTENSION;

typedef struct _TLS_EXTENSION_SUBSCRIPTION {
    USHORT ExtensionType;
    USHORT HandshakeType;
} TLS_EXTENSION_SUBSCRIPTION, *PTLS_EXTENSION_SUBSCRIPTION;

/* SECBUFFER_SUBSCRIBE_GENERIC_TLS_EXTENSION. */
typedef struct _SUBSCRIBE_GENERIC_TLS_EXTENSION {
    ULONG Flags; /* 0 */
    ULONG SubscriptionsCount;
    TLS_EXTENSION_SUBSCRIPTION Subscriptions[ANYSIZE_ARRAY];
} SUBSCRIBE_GENERIC_TLS_EXTENSION, *PSUBSCRIBE_GENERIC_TLS_EXTENSION;

/* SECBUFFER_CERTIFICATE_REQUEST_CONTEXT (RFC 8446 4.3.2). */
typedef struct _SEC_CERTIFICATE_REQUEST_CONTEXT {
    UCHAR cbCertificateRequestContext;
    UCHAR rgCertificateRequestContext[ANYSIZE_ARRAY];
} SEC_CERTIFICATE_REQUEST_CONTEXT, *PSEC_CERTIFICATE_REQUEST_CONTEXT;

/* ---------------------------------------------------------------- TLS without records, and sessions */

typedef enum _SEC_TRAFFIC_SECRET_TYPE {
    SecTrafficSecret_None,
    SecTrafficSecret_Client,
    SecTrafficSecret_Server
} SEC_TRAFFIC_SECRET_TYPE,
    *PSEC_TRAFFIC_SECRET_TYPE;

#define SZ_ALG_MAX_SIZE 64

/* SECBUFFER_TRAFFIC_SECRETS: 398 bytes and the secret, which protects the output token's bytes from MsgSequenceStart up
 * to MsgSequenceEnd. */
typedef struct _SEC_TRAFFIC_SECRETS {
    WCHAR SymmetricAlgId[SZ_ALG_MAX_SIZE];
    WCHAR ChainingMode[SZ_ALG_MAX_SIZE];
    WCHAR HashAlgId[SZ_ALG_MAX_SIZE];
    USHORT KeySize; /* bytes */
    USHORT IvSize;  /* bytes */
    USHORT MsgSequenceStart;
    USHORT MsgSequenceEnd;
    SEC_TRAFFIC_SECRET_TYPE TrafficSecretType;
    USHORT TrafficSecretSize; /* bytes */
    UCHAR TrafficSecret[ANYSIZE_ARRAY];
} SEC_TRAFFIC_SECRETS, *PSEC_TRAFFIC_SECRETS;

/* SECBUFFER_APP_SESSION_STATE: at most 2048 bytes. */
typedef struct _SEC_APP_SESSION_STATE {
    USHORT AppSessionStateSize;
    UCHAR AppSessionState[ANYSIZE_ARRAY];
} SEC_APP_SESSION_STATE, *PSEC_APP_SESSION_STATE;

/* SECBUFFER_SESSION_TICKET. */
typedef struct _SEC_SESSION_TICKET {
    USHORT SessionTicketSize;
    UCHAR SessionTicket[ANYSIZE_ARRAY];
} SEC_SESSION_TICKET, *PSEC_SESSION_TICKET;

/* ---------------------------------------------------------------- passwords */

#ifndef _PASSWORD_NOTIFICATION_DEFINED
/* SECBUFFER_CHANGE_PASS_RESPONSE: the policy that a new password offends.  Ages are negative 100 ns intervals. */
#ifndef _DOMAIN_PASSWORD_INFORMATION_DEFINED
#define _DOMAIN_PASSWORD_INFORMATION_DEFINED
typedef struct _DOMAIN_PASSWORD_INFORMATION {
    USHORT MinPasswordLength;
    USHORT PasswordHistoryLength;
    ULONG PasswordProperties;
    LARGE_INTEGER MaxPasswordAge;
    LARGE_INTEGER MinPasswordAge;
} DOMAIN_PASSWORD_INFORMATION, *PDOMAIN_PASSWORD_INFORMATION;
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif
