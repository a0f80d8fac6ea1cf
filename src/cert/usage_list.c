#include <openssl/x509v3.h>
#include <string.h>

#include "cert/usage.h"
#include "crypto/openssl_errors.h"

#define OID_MAX 128 /* the longest dotted form that is kept; a longer one is nobody's usage */

static void free_usages(EXTENDED_KEY_USAGE **usages)
{
    EXTENDED_KEY_USAGE_free(*usages);
}

void usage_list_free(struct usage_list *list)
{
    free(list->oids);
    *list = (struct usage_list){.any = false};
}

bool usage_list_has(const struct usage_list *list, const char *oid)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->oids[i], oid) == 0) {
            return true;
        }
    }
    return list->any;
}

/* Room for `count` strings of at most OID_MAX. */
static STATUS make_list(size_t count, struct usage_list *out)
{
    char **oids = calloc(count == 0 ? 1 : count, sizeof *oids + OID_MAX);
    REQUIRE(oids != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for key usages");
    char *text = (char *)(oids + count);
    for (size_t i = 0; i < count; i++) {
        oids[i] = text + i * OID_MAX;
    }
    *out = (struct usage_list){.count = 0, .oids = oids};
    return SEC_E_OK;
}

static STATUS take_usages(const EXTENDED_KEY_USAGE *usages, struct usage_list *out)
{
    AUTO_USAGES list = {.any = false};
    TRY(make_list((size_t)sk_ASN1_OBJECT_num(usages), &list));
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
        int size = OBJ_obj2txt(list.oids[list.count], OID_MAX, usage, 1);
        list.any = list.any || OBJ_obj2nid(usage) == NID_anyExtendedKeyUsage;
        list.count += size > 0 && size < OID_MAX;
    }
    *out = list;
    list.oids = NULL;
    return SEC_E_OK;
}

STATUS usage_list_of(X509 *certificate, struct usage_list *out)
{
    int critical = -1;
    openssl_errors_mark();
    __attribute__((cleanup(free_usages))) EXTENDED_KEY_USAGE *usages =
        X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, NULL);
    openssl_errors_forget();
    if (usages == NULL) {
        *out = (struct usage_list){.any = critical == -1};
        return SEC_E_OK;
    }
    return take_usages(usages, out);
}

STATUS usage_list_parse(struct bytes der, struct usage_list *out)
{
    const unsigned char *at = der.data;
    openssl_errors_mark();
    __attribute__((cleanup(free_usages))) EXTENDED_KEY_USAGE *usages =
        der.size > LONG_MAX ? NULL : d2i_EXTENDED_KEY_USAGE(NULL, &at, (long)der.size);
    openssl_errors_forget();
    REQUIRE(usages != NULL && at == der.data + der.size, SEC_E_INVALID_TOKEN,
            "extended key usages that cannot be read (RFC 5280 4.2.1.12)");
    return take_usages(usages, out);
}

STATUS usage_list_copy(const struct usage_list *list, struct usage_list *out)
{
    AUTO_USAGES copy = {.any = false};
    TRY(make_list(list->count, &copy));
    for (size_t i = 0; i < list->count; i++) {
        memcpy(copy.oids[i], list->oids[i], OID_MAX);
    }
    *out = (struct usage_list){.any = list->any, .count = list->count, .oids = STEAL(copy.oids)};
    return SEC_E_OK;
}

void usage_list_meet(struct usage_list *list, const struct usage_list *other)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (usage_list_has(other, list->oids[i])) {
            list->oids[kept++] = list->oids[i];
        }
    }
    list->count = kept;
}

STATUS usage_key_bits(struct bytes der, uint8_t out[2])
{
    const unsigned char *at = der.data;
    openssl_errors_mark();
    ASN1_BIT_STRING *bits = der.size > LONG_MAX ? NULL : d2i_ASN1_BIT_STRING(NULL, &at, (long)der.size);
    openssl_errors_forget();
    bool good = bits != NULL && at == der.data + der.size;
    uint8_t found[2] = {0, 0};
    for (int i = 0; good && i < 2 && i < ASN1_STRING_length(bits); i++) {
        found[i] = ASN1_STRING_get0_data(bits)[i];
    }
    ASN1_BIT_STRING_free(bits);
    REQUIRE(good, SEC_E_INVALID_TOKEN, "a key usage that cannot be read (RFC 5280 4.2.1.3)");
    memcpy(out, found, sizeof found);
    return SEC_E_OK;
}
