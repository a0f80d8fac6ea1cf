#include "kerberos/logon.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "kerberos/pac.h"

#define SIDS_MAX 131072 /* a ticket of that size is refused before */

struct utf16 logon_upn(const struct kerberos_logon *logon)
{
    return (struct utf16){logon->parts, logon->upn_size};
}

struct utf16 logon_dns_domain(const struct kerberos_logon *logon)
{
    return (struct utf16){logon->parts + logon->upn_size, logon->dns_size};
}

struct bytes logon_sids(const struct kerberos_logon *logon)
{
    return bytes_of(logon->parts + logon->upn_size + logon->dns_size, logon->sids_size);
}

SECURITY_STATUS logon_new(const struct kerberos_logon *from, struct utf16 upn, struct utf16 dns_domain,
                          struct bytes sids, struct kerberos_logon **out)
{
    size_t size = upn.size + dns_domain.size + sids.size;
    struct kerberos_logon *logon = malloc(sizeof *logon + size);
    REQUIRE(logon != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for what a PAC says");
    *logon = (struct kerberos_logon){.password_expiry = from->password_expiry,
                                     .logoff = from->logoff,
                                     .user_flags = from->user_flags,
                                     .upn_size = (uint32_t)upn.size,
                                     .dns_size = (uint32_t)dns_domain.size,
                                     .sids_size = (uint32_t)sids.size};
    struct writer writer = write_into(logon->parts, size);
    write_bytes(&writer, utf16_bytes(upn));
    write_bytes(&writer, utf16_bytes(dns_domain));
    write_bytes(&writer, sids);
    *out = logon;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the PAC and its signature */

static void free_pac(krb5_pac *pac)
{
    krb5_pac_free(NULL, *pac);
}

static bool has_buffer(krb5_context krb, krb5_pac pac, uint32_t type, krb5_data *out)
{
    return krb5_pac_get_buffer(krb, pac, type, out) == 0;
}

/* The first one in the ticket, within AD-IF-RELEVANT (MS-KILE 3.3.5.6.4); NULL without. */
static SECURITY_STATUS find_pac(krb5_context krb, const krb5_enc_tkt_part *part, krb5_pac *out)
{
    krb5_authdata **found = NULL;
    krb5_error_code code = 0;
    *out = NULL;
    if (part->authorization_data != NULL) {
        code = krb5_find_authdata(krb, part->authorization_data, NULL, KRB5_AUTHDATA_WIN2K_PAC, &found);
    }
    if (code == 0 && found != NULL && found[0] != NULL) {
        code = krb5_pac_parse(krb, found[0]->contents, found[0]->length, out);
    }
    krb5_free_authdata(krb, found);
    REQUIRE(code != ENOMEM, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a PAC");
    REQUIRE(code == 0, SEC_E_LOGON_DENIED, "the ticket's PAC, or what it is in, cannot be taken apart (MS-PAC 2.3)");
    return SEC_E_OK;
}

static bool signed_with(krb5_context krb, krb5_pac pac, const krb5_enc_tkt_part *part, const krb5_keyblock *key)
{
    return krb5_pac_verify(krb, pac, part->times.authtime, part->client, key, NULL) == 0;
}

/* libkrb5 does not say which key opened the ticket; it is one of the service that the ticket names by now. */
static bool signed_with_any(krb5_context krb, krb5_pac pac, const krb5_ticket *ticket, krb5_keytab keytab)
{
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    bool right = false;
    if (krb5_kt_start_seq_get(krb, keytab, &cursor) != 0) {
        return false;
    }
    while (!right && krb5_kt_next_entry(krb, keytab, &entry, &cursor) == 0) {
        right = entry.key.enctype == ticket->enc_part.enctype &&
                krb5_principal_compare(krb, entry.principal, ticket->server) &&
                signed_with(krb, pac, ticket->enc_part2, &entry.key);
        (void)krb5_free_keytab_entry_contents(krb, &entry);
    }
    (void)krb5_kt_end_seq_get(krb, keytab, &cursor);
    return right;
}

/* ---------------------------------------------------------------- what it says */

static uint64_t time_of(uint64_t filetime)
{
    return filetime == 0 || filetime > CLOCK_NEVER ? CLOCK_NEVER : filetime;
}

static SECURITY_STATUS read_names(krb5_context krb, krb5_pac pac, struct pac_upn *out)
{
    krb5_data data = {0};
    SECURITY_STATUS status = SEC_E_OK;
    *out = (struct pac_upn){.upn = UTF16_NONE};
    if (has_buffer(krb, pac, KRB5_PAC_UPN_DNS_INFO, &data)) {
        struct pac_upn names;
        status = pac_upn_parse(bytes_of(data.data, data.length), &names);
        if (status >= 0) { /* copies, since libkrb5's buffer is only lent */
            status = utf16_copy(names.upn, &out->upn);
        }
        if (status >= 0) {
            status = utf16_copy(names.dns_domain, &out->dns_domain);
        }
        krb5_free_data_contents(krb, &data);
    }
    return status;
}

static SECURITY_STATUS join_account(const struct pac_logon *logon, struct utf16 *out)
{
    uint8_t room[2 * 1024];
    struct writer joined = write_into(room, sizeof room);
    write_bytes(&joined, utf16_bytes(logon->domain));
    write_u16le(&joined, '\\');
    write_bytes(&joined, utf16_bytes(logon->user));
    REQUIRE(!joined.bad && logon->domain.size != 0 && logon->user.size != 0, SEC_E_INVALID_TOKEN,
            "a PAC without the account's names, or with longer ones than there are (MS-PAC 2.5)");
    return utf16_copy((struct utf16){room, joined.size}, out);
}

static SECURITY_STATUS make(const struct pac_logon *said, const struct pac_upn *names, struct kerberos_logon **out)
{
    struct kerberos_logon logon = {.password_expiry = time_of(said->password_must_change),
                                   .user_flags = said->user_flags};
    uint64_t logoff = time_of(said->logoff), kickoff = time_of(said->kickoff);
    logon.logoff = logoff < kickoff ? logoff : kickoff;
    AUTO_WRITER sids = write_growing(SIDS_MAX);
    TRY(pac_logon_sids(said, &sids));
    return logon_new(&logon, names->upn, names->dns_domain, write_result(&sids), out);
}

static SECURITY_STATUS read_pac(krb5_context krb, krb5_pac pac, struct bytes buffer, struct utf16 *out_account,
                                struct kerberos_logon **out)
{
    struct pac_logon said;
    struct pac_upn names;
    AUTO_UTF16 account = UTF16_NONE;
    TRY(pac_logon_parse(buffer, &said));
    TRY(join_account(&said, &account));
    SECURITY_STATUS status = read_names(krb, pac, &names);
    if (status >= 0) {
        status = make(&said, &names, out);
    }
    utf16_free(&names.upn);
    utf16_free(&names.dns_domain);
    TRY(status);
    *out_account = account;
    account = UTF16_NONE;
    return SEC_E_OK;
}

SECURITY_STATUS logon_of_ticket(krb5_context krb, const krb5_ticket *ticket, const struct logon_keys *keys,
                                struct utf16 *out_account, struct kerberos_logon **out)
{
    __attribute__((cleanup(free_pac))) krb5_pac pac = NULL;
    krb5_data buffer = {0};
    *out = NULL;
    *out_account = UTF16_NONE;
    TRY(find_pac(krb, ticket->enc_part2, &pac));
    if (pac == NULL) {
        return SEC_E_OK;
    }
    bool right = keys->session != NULL ? signed_with(krb, pac, ticket->enc_part2, keys->session)
                                       : signed_with_any(krb, pac, ticket, keys->keytab);
    REQUIRE(right, SEC_E_LOGON_DENIED,
            "the ticket's PAC is not signed with this server's key, or was made for another client or logon "
            "(KRB_AP_ERR_MODIFIED, MS-KILE 3.4.5.3)");
    if (!has_buffer(krb, pac, KRB5_PAC_LOGON_INFO, &buffer)) {
        return SEC_E_OK; /* MIT's KDCs say nothing in theirs */
    }
    SECURITY_STATUS status = read_pac(krb, pac, bytes_of(buffer.data, buffer.length), out_account, out);
    krb5_free_data_contents(krb, &buffer);
    return status;
}

SECURITY_STATUS logon_suffices(const struct kerberos_logon *logon)
{
    REQUIRE(logon != NULL || !policy_get()->kerberos_require_pac, SEC_E_LOGON_DENIED,
            "the client's ticket has no PAC that says who it is, and policy requires one ([kerberos] require-pac)");
    return SEC_E_OK;
}
