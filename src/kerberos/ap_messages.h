/* What travels while a Kerberos context is made (RFC 4121 4.1, RFC 1964 1.1, draft-swift-win2k-krb-user2user): framing, the
 * checksum of the authenticator that carries flags and bindings, and the messages that libkrb5 does not know.
 *
 *     60 L 06 09 2a864886f712010202 | TOK_ID | body      but in DCE style the body alone
 */
#ifndef OPENSSPI_KERBEROS_AP_MESSAGES_H
#define OPENSSPI_KERBEROS_AP_MESSAGES_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

enum ap_kind {
    AP_REQUEST = 0x0100,
    AP_REPLY = 0x0200,
    AP_ERROR = 0x0300,
    AP_TGT_REQUEST = 0x0400,
    AP_TGT_REPLY = 0x0401,
};

struct ap_token {
    enum ap_kind kind;
    bool framed;
    bool user_to_user; /* framed with the mechanism of user-to-user */
    struct bytes body;
};

/* Kerberos' OID, the one with 48018 in it and user-to-user's are taken.  SEC_E_INVALID_TOKEN. */
STATUS ap_token_parse(struct bytes token, struct ap_token *out);

/* The frame and TOK_ID, or the body alone. */
void ap_token_build(const struct ap_token *token, struct writer *out);

/* An AP-REQ's ticket, [APPLICATION 1] (RFC 4120 5.5.1): for whom it is, everybody can read.  SEC_E_INVALID_TOKEN. */
STATUS ap_request_ticket(struct bytes body, struct bytes *out_ticket);

/* Flags of the checksum (RFC 4121 4.1.1.1; DCE_STYLE and the rest: MS-KILE 3.2.5.2). */
enum {
    AP_FLAG_DELEGATE = 0x1,
    AP_FLAG_MUTUAL = 0x2,
    AP_FLAG_REPLAY = 0x4,
    AP_FLAG_SEQUENCE = 0x8,
    AP_FLAG_CONFIDENTIALITY = 0x10,
    AP_FLAG_INTEGRITY = 0x20,
    AP_FLAG_DCE_STYLE = 0x1000,
    AP_FLAG_IDENTIFY = 0x2000,
    AP_FLAG_EXTENDED_ERROR = 0x4000,
};

#define AP_CHECKSUM_TYPE 0x8003

/* The checksum's value.
 *
 *  offset  size  field, little-endian
 *       0     4  16
 *       4    16  MD5 of the channel bindings, zero without
 *      20     4  flags
 *      24     2  1, with DELEGATE
 *      26     2  size of the KRB-CRED
 *      28     n  KRB-CRED
 *             *  extensions
 */
struct ap_checksum {
    struct bytes bindings; /* 16 bytes */
    uint32_t flags;
    struct bytes credentials; /* the KRB-CRED; empty without */
};

/* SEC_E_INVALID_TOKEN. */
STATUS ap_checksum_parse(struct bytes value, struct ap_checksum *out);
void ap_checksum_build(const struct ap_checksum *checksum, struct writer *out);

/* KERB-TGT-REQUEST: the target, "service/host" or a user's name, and its realm; both may be empty. */
struct tgt_request {
    struct bytes names[8]; /* the components of the name */
    size_t name_count;
    int name_type;
    struct bytes realm;
};

/* SEC_E_INVALID_TOKEN.  The slices borrow from `body`. */
STATUS tgt_request_parse(struct bytes body, struct tgt_request *out);
STATUS tgt_request_build(const struct tgt_request *request, struct writer *out);

/* KERB-TGT-REPLY: the ticket, [APPLICATION 1]. */
STATUS tgt_reply_parse(struct bytes body, struct bytes *out_ticket);
STATUS tgt_reply_build(struct bytes ticket, struct writer *out);

/* KERB-ERROR-DATA with the type of "the clock is off" (MS-KILE 2.2.1, 3.4.5.4). */
STATUS skew_data_build(struct writer *out);

#endif
