/* Whatever is read as a certificate, a CRL, PEM, PKCS#7, PKCS#12 or an encoded structure.  No crash; what was read has the
 * encoding that was read, can be named and found again; nothing is left behind. */
#include "fuzz/fuzz.h"

#include "cert/certificate_object.h"
#include "cert/decode.h"
#include "cert/name_text.h"
#include "cert/read.h"

static void use(struct certificate *certificate)
{
    AUTO_CERTIFICATE *again = NULL;
    AUTO_WRITER text = write_growing(1 << 22);
    const CERT_INFO *info = certificate_info(certificate);
    struct bytes der = certificate_encoding(certificate);
    PROMISE(certificate_parse(der, &again) == SEC_E_OK && certificate_equal(certificate, again));
    PROMISE(certificate_of(certificate_context(certificate)) == certificate);
    (void)!name_text_write(bytes_of(info->Subject.pbData, info->Subject.cbData), CERT_X500_NAME_STR, &text);
    for (int kind = NAME_EMAIL; kind <= NAME_UPN; kind++) {
        (void)!name_text_alternatives(certificate, false, (enum name_kind)kind, &text);
    }
    for (DWORD id = 1; id < 128; id++) {
        uint8_t *value = NULL;
        size_t size = 0;
        if (certificate_property(certificate, id, &value, &size) >= 0) {
            free(value);
        }
    }
}

static void read_all(struct bytes content)
{
    AUTO_STORE *store = NULL;
    struct read_what what;
    PROMISE(store_new(STORE_MEMORY, &store) == SEC_E_OK);
    (void)!read_content(content, NULL, store, &what);
    struct certificate *at = store_next(store, NULL);
    while (at != NULL) {
        struct certificate *next = store_next(store, at);
        use(at);
        certificate_drop(at);
        at = next;
    }
}

static void decode_all(struct bytes der)
{
    for (DWORD type = 1; type < 50; type++) {
        struct arena growing = {.pieces = NULL}, fixed = {.room = 1024 + 128 * der.size};
        fixed.fixed = malloc(fixed.room);
        PROMISE(fixed.fixed != NULL);
        SECURITY_STATUS one = decode(type, der, &growing), other = decode(type, der, &fixed);
        PROMISE(one == other); /* there is room for whatever there is */
        arena_free(&growing);
        free(fixed.fixed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificate *certificate = NULL;
    size_t before = certificate_live();
    if (size > 1 << 16) {
        return 0;
    }
    if (certificate_parse(bytes_of(data, size), &certificate) >= 0) {
        PROMISE(certificate_encoding(certificate).size == size);
        PROMISE(memcmp(certificate_encoding(certificate).data, data, size) == 0);
        use(certificate);
        certificate_drop(certificate);
    }
    read_all(bytes_of(data, size));
    decode_all(bytes_of(data, size));
    PROMISE(certificate_live() == before);
    return 0;
}
