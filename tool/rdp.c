#include "rdp.h"

#include "terminal.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include "credssp.h"

#define TPKT_VERSION 3 /* RFC 1006 6 */
#define TPKT_HEADER  4
#define X224_REQUEST 0xE0 /* ISO 8073 13.3 */
#define X224_CONFIRM 0xD0
#define NEG_REQUEST  1
#define NEG_RESPONSE 2
#define NEG_FAILURE  3
#define NEG_SIZE     8
#define ANSWER_MAX   512

void rdp_ask(struct evbuffer *out, uint32_t protocols)
{
    uint8_t room[19];
    struct writer writer = write_into(room, sizeof room);
    write_u8(&writer, TPKT_VERSION);
    write_u8(&writer, 0);
    write_u16be(&writer, sizeof room);
    write_u8(&writer, sizeof room - TPKT_HEADER - 1);
    write_u8(&writer, X224_REQUEST);
    write_zeros(&writer, 5); /* references and class */
    write_u8(&writer, NEG_REQUEST);
    write_u8(&writer, 0);
    write_u16le(&writer, NEG_SIZE);
    write_u32le(&writer, protocols);
    evbuffer_add(out, room, sizeof room);
}

enum rdp_answer rdp_hear(struct evbuffer *in, uint32_t *value)
{
    size_t have = evbuffer_get_length(in);
    if (have < TPKT_HEADER) {
        return RDP_MORE;
    }
    struct reader reader = read_start(bytes_of(evbuffer_pullup(in, -1), have));
    uint8_t version = read_u8(&reader);
    (void)read_u8(&reader);
    uint16_t size = read_u16be(&reader);
    if (version != TPKT_VERSION || size < TPKT_HEADER || size > ANSWER_MAX) {
        return RDP_NONSENSE;
    }
    if (have < size) {
        return RDP_MORE;
    }
    struct reader message = read_sub(&reader, size - (size_t)TPKT_HEADER);
    (void)read_u8(&message);
    uint8_t kind = read_u8(&message);
    (void)read_bytes(&message, 5);
    enum rdp_answer answer = message.bad || (kind & 0xF0) != X224_CONFIRM ? RDP_NONSENSE : RDP_CHOSEN;
    *value = 0; /* a server that knows of no choice */
    if (answer == RDP_CHOSEN && read_left(&message) != 0) {
        uint8_t type = read_u8(&message);
        (void)read_u8(&message);
        uint16_t neg_size = read_u16le(&message);
        *value = read_u32le(&message);
        bool good = !message.bad && neg_size == NEG_SIZE;
        answer = good && type == NEG_RESPONSE ? RDP_CHOSEN : good && type == NEG_FAILURE ? RDP_REFUSED : RDP_NONSENSE;
    }
    evbuffer_drain(in, size);
    return answer;
}

const char *rdp_failure(uint32_t code)
{
    static const char *const texts[] = {"for no reason",
                                        "TLS is required",
                                        "TLS is not allowed",
                                        "the server has no certificate",
                                        "the protocols asked for contradict each other",
                                        "a logon by CredSSP is required",
                                        "TLS with a certificate of the client's is required"};
    return code < sizeof texts / sizeof texts[0] ? texts[code] : "for a reason of its own";
}

bool rdp_last_word(struct evbuffer *in, uint32_t *result)
{
    if (evbuffer_get_length(in) < sizeof *result) {
        return false;
    }
    struct reader reader = read_start(bytes_of(evbuffer_pullup(in, sizeof *result), sizeof *result));
    *result = read_u32le(&reader);
    evbuffer_drain(in, sizeof *result);
    return true;
}

void rdp_logon_facts(struct tls *tls, struct json_object *facts)
{
    SecPkgContext_NamesA names = {NULL};
    SecPkgContext_PackageInfoA package = {NULL};
    SecPkgContext_Flags proof = {0};
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_NAMES, &names) == SEC_E_OK) {
        facts_text(facts, "user", names.sUserName);
        FreeContextBuffer(names.sUserName);
    }
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_NEGOTIATION_PACKAGE, &package) == SEC_E_OK) {
        facts_text(facts, "mechanism", package.PackageInfo->Name);
        FreeContextBuffer(package.PackageInfo);
    }
    if (QueryContextAttributesA(&tls->context, SECPKG_ATTR_SERVER_AUTH_FLAGS, &proof) == SEC_E_OK) {
        bool session = (proof.Flags & CREDSSP_SERVER_AUTH_NEGOTIATE) != 0;
        bool certificate = (proof.Flags & CREDSSP_SERVER_AUTH_CERTIFICATE) != 0;
        facts_text(facts, "server_proved_by",
                   session && certificate ? "mechanism and certificate"
                   : session              ? "mechanism"
                   : certificate          ? "certificate"
                                          : "nothing but its key");
    }
    facts_truth(facts, "delegated", (tls->flags & ISC_RET_DELEGATE) != 0);
}
