/* sspi_flags.h: the part of sspi.h with the flags that a context is asked for and answers with.  Include sspi.h.
 *
 * The initiator's and the acceptor's values agree in the low bits and differ from bit 14 upward.  Sources: Microsoft
 * Learn, "Context Requirements", InitializeSecurityContext, AcceptSecurityContext. */
#ifndef _SSPI_FLAGS_H_
#define _SSPI_FLAGS_H_

/* ---------------------------------------------------------------- initiator: what is asked */

#define ISC_REQ_DELEGATE               0x00000001 /* the server may act as the client elsewhere */
#define ISC_REQ_MUTUAL_AUTH            0x00000002 /* the server proves itself, too */
#define ISC_REQ_REPLAY_DETECT          0x00000004 /* implies INTEGRITY */
#define ISC_REQ_SEQUENCE_DETECT        0x00000008 /* implies INTEGRITY */
#define ISC_REQ_CONFIDENTIALITY        0x00000010 /* EncryptMessage will be used */
#define ISC_REQ_USE_SESSION_KEY        0x00000020 /* Kerberos user-to-user */
#define ISC_REQ_PROMPT_FOR_CREDS       0x00000040 /* refused: nobody is there to ask */
#define ISC_REQ_USE_SUPPLIED_CREDS     0x00000080 /* Schannel: no client certificate of its own choosing */
#define ISC_REQ_ALLOCATE_MEMORY        0x00000100 /* the library allocates output tokens */
#define ISC_REQ_USE_DCE_STYLE          0x00000200 /* three legs, for RPC */
#define ISC_REQ_DATAGRAM               0x00000400
#define ISC_REQ_CONNECTION             0x00000800
#define ISC_REQ_CALL_LEVEL             0x00001000
#define ISC_REQ_FRAGMENT_SUPPLIED      0x00002000
#define ISC_REQ_EXTENDED_ERROR         0x00004000 /* on failure, a token that tells the peer why */
#define ISC_REQ_STREAM                 0x00008000
#define ISC_REQ_INTEGRITY              0x00010000 /* MakeSignature will be used */
#define ISC_REQ_IDENTIFY               0x00020000 /* the server may know the client, not act as it */
#define ISC_REQ_NULL_SESSION           0x00040000 /* anonymous */
#define ISC_REQ_MANUAL_CRED_VALIDATION 0x00080000 /* the caller checks the certificate */
#define ISC_REQ_RESERVED1              0x00100000
#define ISC_REQ_FRAGMENT_TO_FIT        0x00200000 /* Negotiate: tokens in pieces of the output buffer's size */
#define ISC_REQ_FORWARD_CREDENTIALS    0x00400000
#define ISC_REQ_NO_INTEGRITY           0x00800000 /* no INTEGRITY, even if a package adds it by itself */
#define ISC_REQ_USE_HTTP_STYLE         0x01000000
#define ISC_REQ_UNVERIFIED_TARGET_NAME 0x20000000 /* the target's name comes from an untrusted source */
#define ISC_REQ_CONFIDENTIALITY_ONLY   0x40000000 /* Kerberos, Negotiate: encryption without INTEGRITY's own flag */

/* Digest: HTTP instead of SASL.  Documented in prose only ("WDigest: ISC_REQ_HTTP"); on the acceptor's side the bit is
 * ASC_REQ_ALLOW_MISSING_BINDINGS for every other package. */
#define ISC_REQ_HTTP 0x10000000
#define ISC_RET_HTTP 0x10000000
#define ASC_REQ_HTTP 0x10000000
#define ASC_RET_HTTP 0x10000000

/* Beyond 32 bits: only in SEC_FLAGS of a SECBUFFER_FLAGS buffer (Schannel). */
#define ISC_REQ_MESSAGES                 0x0000000100000000 /* handshake messages without records, for QUIC */
#define ISC_REQ_DEFERRED_CRED_VALIDATION 0x0000000200000000
#define ISC_REQ_NO_POST_HANDSHAKE_AUTH   0x0000000400000000
#define ISC_REQ_REUSE_SESSION_TICKETS    0x0000000800000000
#define ISC_REQ_EXPLICIT_SESSION         0x0000001000000000

/* ---------------------------------------------------------------- initiator: what was achieved */

#define ISC_RET_DELEGATE               0x00000001
#define ISC_RET_MUTUAL_AUTH            0x00000002
#define ISC_RET_REPLAY_DETECT          0x00000004
#define ISC_RET_SEQUENCE_DETECT        0x00000008
#define ISC_RET_CONFIDENTIALITY        0x00000010
#define ISC_RET_USE_SESSION_KEY        0x00000020
#define ISC_RET_USED_COLLECTED_CREDS   0x00000040
#define ISC_RET_USED_SUPPLIED_CREDS    0x00000080
#define ISC_RET_ALLOCATED_MEMORY       0x00000100
#define ISC_RET_USED_DCE_STYLE         0x00000200
#define ISC_RET_DATAGRAM               0x00000400
#define ISC_RET_CONNECTION             0x00000800
#define ISC_RET_INTERMEDIATE_RETURN    0x00001000
#define ISC_RET_CALL_LEVEL             0x00002000
#define ISC_RET_EXTENDED_ERROR         0x00004000
#define ISC_RET_STREAM                 0x00008000
#define ISC_RET_INTEGRITY              0x00010000
#define ISC_RET_IDENTIFY               0x00020000
#define ISC_RET_NULL_SESSION           0x00040000
#define ISC_RET_MANUAL_CRED_VALIDATION 0x00080000
#define ISC_RET_RESERVED1              0x00100000
#define ISC_RET_FRAGMENT_ONLY          0x00200000
#define ISC_RET_FORWARD_CREDENTIALS    0x00400000
#define ISC_RET_USED_HTTP_STYLE        0x01000000
#define ISC_RET_NO_ADDITIONAL_TOKEN    0x02000000
#define ISC_RET_REAUTHENTICATION       0x08000000
#define ISC_RET_CONFIDENTIALITY_ONLY   0x40000000

#define ISC_RET_MESSAGES                 0x0000000100000000
#define ISC_RET_DEFERRED_CRED_VALIDATION 0x0000000200000000
#define ISC_RET_NO_POST_HANDSHAKE_AUTH   0x0000000400000000
#define ISC_RET_REUSE_SESSION_TICKETS    0x0000000800000000
#define ISC_RET_EXPLICIT_SESSION         0x0000001000000000

/* ---------------------------------------------------------------- acceptor: what is asked */

#define ASC_REQ_DELEGATE               0x00000001
#define ASC_REQ_MUTUAL_AUTH            0x00000002 /* Schannel: ask the client for a certificate */
#define ASC_REQ_REPLAY_DETECT          0x00000004
#define ASC_REQ_SEQUENCE_DETECT        0x00000008
#define ASC_REQ_CONFIDENTIALITY        0x00000010
#define ASC_REQ_USE_SESSION_KEY        0x00000020
#define ASC_REQ_SESSION_TICKET         0x00000040
#define ASC_REQ_ALLOCATE_MEMORY        0x00000100
#define ASC_REQ_USE_DCE_STYLE          0x00000200
#define ASC_REQ_DATAGRAM               0x00000400
#define ASC_REQ_CONNECTION             0x00000800
#define ASC_REQ_CALL_LEVEL             0x00001000
#define ASC_REQ_FRAGMENT_SUPPLIED      0x00002000
#define ASC_REQ_EXTENDED_ERROR         0x00008000
#define ASC_REQ_STREAM                 0x00010000
#define ASC_REQ_INTEGRITY              0x00020000
#define ASC_REQ_LICENSING              0x00040000
#define ASC_REQ_IDENTIFY               0x00080000
#define ASC_REQ_ALLOW_NULL_SESSION     0x00100000 /* anonymous clients are welcome */
#define ASC_REQ_ALLOW_NON_USER_LOGONS  0x00200000
#define ASC_REQ_ALLOW_CONTEXT_REPLAY   0x00400000
#define ASC_REQ_FRAGMENT_TO_FIT        0x00800000
#define ASC_REQ_NO_TOKEN               0x01000000 /* no access token will be wanted */
#define ASC_REQ_PROXY_BINDINGS         0x04000000 /* a proxy ends the channel: any bindings will do */
#define ASC_REQ_ALLOW_MISSING_BINDINGS 0x10000000 /* clients that know nothing of bindings are welcome */

#define ASC_REQ_MESSAGES         0x0000000100000000
#define ASC_REQ_EXPLICIT_SESSION 0x0000001000000000

/* ---------------------------------------------------------------- acceptor: what was achieved */

#define ASC_RET_DELEGATE              0x00000001
#define ASC_RET_MUTUAL_AUTH           0x00000002
#define ASC_RET_REPLAY_DETECT         0x00000004
#define ASC_RET_SEQUENCE_DETECT       0x00000008
#define ASC_RET_CONFIDENTIALITY       0x00000010
#define ASC_RET_USE_SESSION_KEY       0x00000020
#define ASC_RET_SESSION_TICKET        0x00000040
#define ASC_RET_ALLOCATED_MEMORY      0x00000100
#define ASC_RET_USED_DCE_STYLE        0x00000200
#define ASC_RET_DATAGRAM              0x00000400
#define ASC_RET_CONNECTION            0x00000800
#define ASC_RET_CALL_LEVEL            0x00002000
#define ASC_RET_THIRD_LEG_FAILED      0x00004000
#define ASC_RET_EXTENDED_ERROR        0x00008000
#define ASC_RET_STREAM                0x00010000
#define ASC_RET_INTEGRITY             0x00020000
#define ASC_RET_LICENSING             0x00040000
#define ASC_RET_IDENTIFY              0x00080000
#define ASC_RET_NULL_SESSION          0x00100000
#define ASC_RET_ALLOW_NON_USER_LOGONS 0x00200000
#define ASC_RET_ALLOW_CONTEXT_REPLAY  0x00400000
#define ASC_RET_FRAGMENT_ONLY         0x00800000
#define ASC_RET_NO_TOKEN              0x01000000
#define ASC_RET_NO_ADDITIONAL_TOKEN   0x02000000

#define ASC_RET_MESSAGES              0x0000000100000000
#define ASC_RET_REUSE_SESSION_TICKETS 0x0000000800000000
#define ASC_RET_EXPLICIT_SESSION      0x0000001000000000

#endif
