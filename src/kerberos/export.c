/* An established session, moved into another process (ExportSecurityContext, ImportSecurityContext).
 *
 * The blob is ours alone: same library, same machine.  It holds the session's key, so it is as secret as the session.
 * Credentials that a client forwarded stay behind.
 *
 * | size | field                                                                         |
 * |    8 | "SSPIKRB5"                                                                    |
 * |    4 | version 2                                                                     |
 * |    4 | bits: 1 initiator, 2 DCE style, 4 datagram, 8 user-to-user, 16 acceptor's subkey, 32 in order, 64 only once, |
 * |      | 128 logon                                                                     |
 * | 3x4  | request, AP flags, returned                                                   |
 * | 2x8  | start, expiry (FILETIME)                                                      |
 * |  4+4 | key type, key size                                                            |
 * |   32 | key, padded with zeros                                                        |
 * | 3x8  | next number to send, next number to receive, window of those received         |
 * |  4x2 | sizes of domain, user, client, server                                         |
 * |    n | DOMAIN\user, client, server                                                   |
 * |      | with a logon: password expiry, logoff (8 each), user flags, sizes of user     |
 * |      | principal name, DNS domain and SIDs (4 each), and those                       |
 */
#include <stdlib.h>
#include <string.h>

#include "kerberos/context.h"
#include "text/sid.h"
#include "wire/reader.h"

#define VERSION 2

enum {
    BIT_INITIATOR = 1,
    BIT_DCE = 2,
    BIT_DATAGRAM = 4,
    BIT_USER = 8,
    BIT_SUBKEY = 16,
    BIT_ORDER = 32,
    BIT_ONCE = 64,
    BIT_LOGON = 128,
};
#define BITS_KNOWN (BIT_INITIATOR | BIT_DCE | BIT_DATAGRAM | BIT_USER | BIT_SUBKEY | BIT_ORDER | BIT_ONCE | BIT_LOGON)

#define NOT_WHOLE "an exported Kerberos context is not whole (ImportSecurityContext)"

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'K', 'R', 'B', '5'};

static uint32_t bits_of(const struct kerberos_context *context)
{
    return (context->base.initiator ? BIT_INITIATOR : 0) | (context->dce ? BIT_DCE : 0) |
           (context->datagram ? BIT_DATAGRAM : 0) | (context->user_to_user ? BIT_USER : 0) |
           (context->acceptor_subkey ? BIT_SUBKEY : 0) | (context->sequence.in_order ? BIT_ORDER : 0) |
           (context->sequence.only_once ? BIT_ONCE : 0) | (context->logon != NULL ? BIT_LOGON : 0);
}

static void export_logon(const struct kerberos_logon *logon, struct writer *out)
{
    write_u64le(out, logon->password_expiry);
    write_u64le(out, logon->logoff);
    write_u32le(out, logon->user_flags);
    write_u32le(out, logon->upn_size);
    write_u32le(out, logon->dns_size);
    write_u32le(out, logon->sids_size);
    write_bytes(out, utf16_bytes(logon_upn(logon)));
    write_bytes(out, utf16_bytes(logon_dns_domain(logon)));
    write_bytes(out, logon_sids(logon));
}

SECURITY_STATUS kerberos_export(struct context *base, uint32_t flags, struct writer *out)
{
    const struct kerberos_context *context = (struct kerberos_context *)base;
    const struct kerberos_names *names = context->names;
    REQUIRE(base->established && context->state == KERBEROS_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "only an established Kerberos context can be exported (ExportSecurityContext)");
    (void)flags; /* RESET_NEW: the numbers belong to both ends, and no stream is under way */
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u32le(out, bits_of(context));
    write_u32le(out, context->request);
    write_u32le(out, context->flags);
    write_u32le(out, context->returned);
    write_u64le(out, context->start);
    write_u64le(out, context->expiry);
    write_u32le(out, context->key.enctype);
    write_u32le(out, context->key.size);
    write_bytes(out, BYTES(context->key.bytes));
    write_u64le(out, context->send.number);
    write_u64le(out, context->sequence.next);
    write_u64le(out, context->sequence.seen);
    write_u16le(out, names->domain_size);
    write_u16le(out, names->user_size);
    write_u16le(out, names->client_size);
    write_u16le(out, names->server_size);
    write_bytes(out, utf16_bytes(kerberos_account(context)));
    write_bytes(out, utf16_bytes(kerberos_client(context)));
    write_bytes(out, utf16_bytes(kerberos_server(context)));
    if (context->logon != NULL) {
        export_logon(context->logon, out);
    }
    return write_end(out);
}

static void import_key(struct reader *reader, struct kerberos_context *context)
{
    context->key.enctype = read_u32le(reader);
    uint32_t size = read_u32le(reader);
    struct bytes key = read_bytes(reader, sizeof context->key.bytes);
    context->profile = enctype_profile(context->key.enctype);
    uint32_t due = context->profile != NULL ? context->profile->key_size : 16;
    reader->bad = reader->bad || size != due || (context->profile == NULL && context->key.enctype != ENCTYPE_RC4);
    context->key.size = (uint8_t)due;
    struct writer writer = write_into(context->key.bytes, sizeof context->key.bytes);
    write_bytes(&writer, key);
}

static SECURITY_STATUS import_logon(struct reader *reader, struct kerberos_logon **out)
{
    struct kerberos_logon logon = {.password_expiry = read_u64le(reader)};
    logon.logoff = read_u64le(reader);
    logon.user_flags = read_u32le(reader);
    uint32_t upn = read_u32le(reader);
    uint32_t dns = read_u32le(reader);
    uint32_t sids = read_u32le(reader);
    struct utf16 upn_text = utf16_of(read_bytes(reader, upn));
    struct utf16 dns_text = utf16_of(read_bytes(reader, dns));
    struct bytes list = read_bytes(reader, sids);
    struct bytes rest = list, sid;
    uint32_t attributes;
    while (sid_list_next(&rest, &attributes, &sid)) {
    }
    reader->bad = reader->bad || ((upn | dns) & 1) != 0 || rest.size != 0;
    TRY(read_end_lax(reader, NOT_WHOLE));
    return logon_new(&logon, upn_text, dns_text, list, out);
}

/* Names, and behind them what a server was told of its client. */
static SECURITY_STATUS import_names(struct reader *reader, struct kerberos_context *context, bool has_logon)
{
    uint16_t domain = read_u16le(reader);
    uint16_t user = read_u16le(reader);
    uint16_t client = read_u16le(reader);
    uint16_t server = read_u16le(reader);
    size_t account = domain == 0 ? user : (size_t)domain + 2 + user;
    struct utf16 account_text = utf16_of(read_bytes(reader, account));
    struct utf16 client_text = utf16_of(read_bytes(reader, client));
    struct utf16 server_text = utf16_of(read_bytes(reader, server));
    size_t backslash = utf16_find(account_text, '\\');
    bool cut = domain == 0 ? true : backslash == (size_t)domain / 2;
    reader->bad = reader->bad || ((domain | user | client | server) & 1) != 0 || !cut;
    if (has_logon) {
        TRY(import_logon(reader, &context->logon));
    }
    TRY(read_end(reader, NOT_WHOLE));
    return kerberos_names_new(account_text, client_text, server_text, &context->names);
}

SECURITY_STATUS kerberos_import(struct bytes blob, struct context **out_context)
{
    struct reader reader = read_start(blob);
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    uint32_t bits = read_u32le(&reader);
    bool known = version == VERSION && (bits & ~(uint32_t)BITS_KNOWN) == 0;
    REQUIRE(read_left(&reader) != 0 && known, SEC_E_INVALID_TOKEN,
            "not an exported Kerberos context of this version (ImportSecurityContext)");
    struct kerberos_context *context = NULL;
    TRY(kerberos_context_new((bits & BIT_INITIATOR) != 0, read_u32le(&reader), NULL, &context));
    context->flags = read_u32le(&reader);
    context->returned = read_u32le(&reader);
    context->start = read_u64le(&reader);
    context->expiry = read_u64le(&reader);
    import_key(&reader, context);
    context->dce = (bits & BIT_DCE) != 0;
    context->datagram = (bits & BIT_DATAGRAM) != 0;
    context->user_to_user = (bits & BIT_USER) != 0;
    context->acceptor_subkey = (bits & BIT_SUBKEY) != 0;
    context->send.number = read_u64le(&reader);
    uint64_t next = read_u64le(&reader);
    sequence_start(&context->sequence, next, context->profile != NULL, (bits & BIT_ORDER) != 0, (bits & BIT_ONCE) != 0);
    context->sequence.seen = read_u64le(&reader);
    SECURITY_STATUS status = import_names(&reader, context, (bits & BIT_LOGON) != 0);
    if (status < 0) {
        kerberos_dispose(&context->base);
        return status;
    }
    struct step_out nowhere = {.token = NULL};
    uint32_t returned = context->returned;
    kerberos_establish(context, &nowhere);
    context->returned = returned;
    *out_context = &context->base;
    return SEC_E_OK;
}
