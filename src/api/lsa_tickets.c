/* Messages to Kerberos about its ticket cache (ntsecapi.h, KERB_QUERY_TKT_CACHE_REQUEST): the caller's own tickets, in the
 * four layouts that the versions of Windows have. */
#include "api/lsa.h"

#include <string.h>

#include "base/auto.h"
#include "core/context_buffer.h"
#include "ntsecapi.h"
#include "wire/reader.h"

#define TICKETS_MAX 4096

/* One ticket, whose four names stand in `text` one behind the other. */
struct kept {
    struct ticket_view view;
    size_t at[4];
};

struct gathering {
    struct kept *tickets;
    size_t count, capacity;
    struct writer text;
};

static void gathering_free(struct gathering *all)
{
    free(all->tickets);
    write_free(&all->text);
}

static size_t keep_text(struct gathering *all, struct utf16 text)
{
    size_t at = all->text.size;
    write_bytes(&all->text, utf16_bytes(text));
    write_u16le(&all->text, 0);
    return at;
}

static SECURITY_STATUS gather(void *argument, const struct ticket_view *view)
{
    struct gathering *all = argument;
    if (all->count == TICKETS_MAX) {
        return SEC_E_OK; /* more than anybody lists */
    }
    if (all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
        struct kept *grown = realloc(all->tickets, capacity * sizeof *grown);
        REQUIRE(grown != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a list of tickets");
        all->tickets = grown;
        all->capacity = capacity;
    }
    struct kept *kept = &all->tickets[all->count];
    kept->view = *view;
    kept->at[0] = keep_text(all, view->client);
    kept->at[1] = keep_text(all, view->client_realm);
    kept->at[2] = keep_text(all, view->server);
    kept->at[3] = keep_text(all, view->server_realm);
    all->count++;
    return write_end(&all->text);
}

/* ---------------------------------------------------------------- layouts */

static UNICODE_STRING string(uint8_t *texts, size_t at, struct utf16 text)
{
    return (UNICODE_STRING){(USHORT)text.size, (USHORT)(text.size + 2), (PWSTR)(void *)(texts + at)};
}

static LARGE_INTEGER time_of(uint64_t when)
{
    return (LARGE_INTEGER){.QuadPart = (LONGLONG)when};
}

static void lay_plain(const struct kept *kept, uint8_t *texts, void *out)
{
    const struct ticket_view *view = &kept->view;
    *(KERB_TICKET_CACHE_INFO *)out = (KERB_TICKET_CACHE_INFO){
        .ServerName = string(texts, kept->at[2], view->server),
        .RealmName = string(texts, kept->at[3], view->server_realm),
        .StartTime = time_of(view->start),
        .EndTime = time_of(view->end),
        .RenewTime = time_of(view->renew),
        .EncryptionType = (LONG)view->enctype,
        .TicketFlags = view->flags,
    };
}

/* The later ones begin with the earlier ones' members. */
static void lay_extended(const struct kept *kept, uint8_t *texts, size_t size, void *out)
{
    const struct ticket_view *view = &kept->view;
    const KERB_TICKET_CACHE_INFO_EX3 whole = {
        .ClientName = string(texts, kept->at[0], view->client),
        .ClientRealm = string(texts, kept->at[1], view->client_realm),
        .ServerName = string(texts, kept->at[2], view->server),
        .ServerRealm = string(texts, kept->at[3], view->server_realm),
        .StartTime = time_of(view->start),
        .EndTime = time_of(view->end),
        .RenewTime = time_of(view->renew),
        .EncryptionType = (LONG)view->enctype,
        .TicketFlags = view->flags,
        .SessionKeyType = view->session_enctype,
    };
    struct writer writer = write_into(out, size);
    write_bytes(&writer, bytes_of(&whole, size));
}

static size_t entry_size(uint32_t message)
{
    switch (message) {
    case KerbQueryTicketCacheMessage:
        return sizeof(KERB_TICKET_CACHE_INFO);
    case KerbQueryTicketCacheExMessage:
        return sizeof(KERB_TICKET_CACHE_INFO_EX);
    case KerbQueryTicketCacheEx2Message:
        return sizeof(KERB_TICKET_CACHE_INFO_EX2);
    case KerbQueryTicketCacheEx3Message:
        return sizeof(KERB_TICKET_CACHE_INFO_EX3);
    default:
        return 0;
    }
}

bool lsa_is_ticket_query(uint32_t message)
{
    return entry_size(message) != 0;
}

/* Header, entries, texts: one block. */
static SECURITY_STATUS lay_out(uint32_t message, const struct gathering *all, void **out_block, ULONG *out_size)
{
    size_t entry = entry_size(message);
    size_t entries = offsetof(KERB_QUERY_TKT_CACHE_RESPONSE, Tickets);
    size_t size = entries + all->count * entry + all->text.size;
    uint8_t *block = context_buffer_alloc(size);
    REQUIRE(block != NULL, STATUS_INSUFFICIENT_RESOURCES, "out of memory for a list of tickets");
    struct writer writer = write_into(block, size);
    write_zeros(&writer, entries + all->count * entry);
    uint8_t *texts = block + writer.size;
    write_bytes(&writer, write_result(&all->text));
    KERB_QUERY_TKT_CACHE_RESPONSE *response = (void *)block;
    response->MessageType = (KERB_PROTOCOL_MESSAGE_TYPE)message;
    response->CountOfTickets = (ULONG)all->count;
    for (size_t i = 0; i < all->count; i++) {
        void *place = block + entries + i * entry;
        if (message == KerbQueryTicketCacheMessage) {
            lay_plain(&all->tickets[i], texts, place);
        } else {
            lay_extended(&all->tickets[i], texts, entry, place);
        }
    }
    *out_block = block;
    *out_size = (ULONG)size;
    return STATUS_SUCCESS;
}

SECURITY_STATUS lsa_query_tickets(const struct package *package, uint32_t message, void **out_block, ULONG *out_size)
{
    __attribute__((cleanup(gathering_free))) struct gathering all = {.text = write_growing(1 << 24)};
    REQUIRE(package->list_tickets(gather, &all) >= 0, STATUS_INSUFFICIENT_RESOURCES, "the tickets cannot be listed");
    return lay_out(message, &all, out_block, out_size);
}
