#include "cert/logon_certificate.h"

#include <openssl/asn1t.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cert/store.h"
#include "cert/system_store.h"
#include "crypto/openssl_errors.h"

#define NAME_LIMIT 1024

/* ---------------------------------------------------------------- finding it */

static bool has_hash(struct certificate *certificate, const void *hash)
{
    AUTO_FREE uint8_t *value = NULL;
    size_t size = 0;
    return certificate_property(certificate, CERT_SHA1_HASH_PROP_ID, &value, &size) >= 0 &&
           size == CERTIFICATE_HASH_SIZE && memcmp(value, hash, CERTIFICATE_HASH_SIZE) == 0;
}

static bool has_place(struct certificate *certificate, const void *place)
{
    AUTO_FREE char *found = NULL;
    return certificate_key_place(certificate, &found) >= 0 && found != NULL && strcmp(found, place) == 0;
}

static SECURITY_STATUS find(bool (*matches)(struct certificate *certificate, const void *wanted), const void *wanted,
                            struct certificate **out)
{
    static const uint8_t my[] = {'M', 0, 'Y', 0};
    *out = NULL;
    for (int location = SYSTEM_USER; *out == NULL && location <= SYSTEM_MACHINE; location++) {
        AUTO_STORE *store = NULL;
        TRY(system_store_open(utf16_of(bytes_of(my, sizeof my)), (enum system_location)location, &store));
        *out = store_find(store, NULL, matches, wanted);
    }
    return SEC_E_OK;
}

SECURITY_STATUS logon_certificate_find(const uint8_t hash[CERTIFICATE_HASH_SIZE], struct certificate **out)
{
    AUTO_CERTIFICATE *found = NULL;
    TRY(find(has_hash, hash, &found));
    REQUIRE(found != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "no certificate with this hash is in the store MY (CERT_CREDENTIAL_INFO)");
    REQUIRE(certificate_has_key(found), SEC_E_NO_CREDENTIALS, "the certificate has no private key here");
    *out = STEAL(found);
    return SEC_E_OK;
}

SECURITY_STATUS logon_certificate_at(const char *place, struct certificate **out)
{
    TRY(find(has_place, place, out));
    REQUIRE(*out != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "no certificate in the store MY has its key in this container (KERB_SMARTCARD_CSP_INFO)");
    return SEC_E_OK;
}

SECURITY_STATUS logon_certificate_hash(struct certificate *certificate, uint8_t out[CERTIFICATE_HASH_SIZE])
{
    AUTO_FREE uint8_t *value = NULL;
    size_t size = 0;
    TRY(certificate_property(certificate, CERT_SHA1_HASH_PROP_ID, &value, &size));
    REQUIRE(size == CERTIFICATE_HASH_SIZE, SEC_E_INTERNAL_ERROR, "a SHA-1 of another size");
    memcpy(out, value, size);
    return SEC_E_OK;
}

bool logon_certificate_has_ended(const struct certificate *certificate)
{
    return X509_cmp_current_time(X509_get0_notAfter(certificate_x509(certificate))) < 0;
}

/* ---------------------------------------------------------------- whom it names */

/* The formatter takes a template's macros for something else. */
/* clang-format off */

typedef struct {
    ASN1_INTEGER *type;
    STACK_OF(ASN1_GENERALSTRING) *parts;
} PRINCIPAL_NAME;

ASN1_SEQUENCE(PRINCIPAL_NAME) = {
    ASN1_EXP(PRINCIPAL_NAME, type, ASN1_INTEGER, 0),
    ASN1_EXP_SEQUENCE_OF(PRINCIPAL_NAME, parts, ASN1_GENERALSTRING, 1),
} static_ASN1_SEQUENCE_END(PRINCIPAL_NAME)

typedef struct {
    ASN1_GENERALSTRING *realm;
    PRINCIPAL_NAME *name;
} KRB5_PRINCIPAL_NAME;

ASN1_SEQUENCE(KRB5_PRINCIPAL_NAME) = {
    ASN1_EXP(KRB5_PRINCIPAL_NAME, realm, ASN1_GENERALSTRING, 0),
    ASN1_EXP(KRB5_PRINCIPAL_NAME, name, PRINCIPAL_NAME, 1),
} static_ASN1_SEQUENCE_END(KRB5_PRINCIPAL_NAME)

    /* clang-format on */

    /* Text that a principal's name can be made of without anything in it meaning something else; it is appended. */
    static bool append(char *out, const ASN1_STRING *text, const char *refused)
{
    size_t size = (size_t)ASN1_STRING_length(text), used = strlen(out);
    const char *from = (const char *)ASN1_STRING_get0_data(text);
    if (size == 0 || size >= NAME_LIMIT - used - 1 || memchr(from, '\0', size) != NULL) {
        return false;
    }
    (void)snprintf(out + used, NAME_LIMIT - used, "%.*s", (int)size, from);
    return strpbrk(out + used, refused) == NULL;
}

static bool read_principal(const ASN1_TYPE *value, char *user, char *realm)
{
    if (value->type != V_ASN1_SEQUENCE) {
        return false;
    }
    const unsigned char *at = value->value.sequence->data;
    KRB5_PRINCIPAL_NAME *found = (KRB5_PRINCIPAL_NAME *)ASN1_item_d2i(NULL, &at, value->value.sequence->length,
                                                                      ASN1_ITEM_rptr(KRB5_PRINCIPAL_NAME));
    bool good =
        found != NULL && sk_ASN1_GENERALSTRING_num(found->name->parts) > 0 && append(realm, found->realm, "\\@/");
    for (int i = 0; good && i < sk_ASN1_GENERALSTRING_num(found->name->parts); i++) {
        size_t used = strlen(user);
        if (i != 0 && used < NAME_LIMIT - 1) {
            user[used] = '/';
            user[used + 1] = '\0';
        }
        good = append(user, sk_ASN1_GENERALSTRING_value(found->name->parts, i), "\\@/");
    }
    ASN1_item_free((ASN1_VALUE *)found, ASN1_ITEM_rptr(KRB5_PRINCIPAL_NAME));
    return good;
}

static bool read_upn(const ASN1_TYPE *value, char *user, char *realm)
{
    if (value->type != V_ASN1_UTF8STRING || !append(user, value->value.utf8string, "\\/")) {
        return false;
    }
    char *at = strrchr(user, '@');
    if (at == NULL || at == user || at[1] == '\0') {
        return false;
    }
    *at = '\0';
    (void)snprintf(realm, NAME_LIMIT, "%s", at + 1);
    return strchr(user, '@') == NULL;
}

static bool is_oid(const ASN1_OBJECT *object, const char *wanted)
{
    char text[64];
    return OBJ_obj2txt(text, sizeof text, object, 1) > 0 && strcmp(text, wanted) == 0;
}

/* The Kerberos name counts more than the user principal name, wherever they stand. */
static bool read_names(const GENERAL_NAMES *names, char *user, char *realm, bool *out_enterprise)
{
    static const struct {
        const char *oid;
        bool (*read)(const ASN1_TYPE *value, char *user, char *realm);
    } forms[] = {{"1.3.6.1.5.2.2", read_principal}, {"1.3.6.1.4.1.311.20.2.3", read_upn}};
    for (size_t form = 0; form < 2; form++) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
            user[0] = realm[0] = '\0';
            if (name->type == GEN_OTHERNAME && is_oid(name->d.otherName->type_id, forms[form].oid) &&
                forms[form].read(name->d.otherName->value, user, realm)) {
                *out_enterprise = form == 1;
                return true;
            }
        }
    }
    return false;
}

SECURITY_STATUS logon_certificate_name(const struct certificate *certificate, struct logon_name *out)
{
    char user[NAME_LIMIT], realm[NAME_LIMIT];
    bool enterprise = false;
    openssl_errors_mark();
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate_x509(certificate), NID_subject_alt_name, NULL, NULL);
    bool found = names != NULL && read_names(names, user, realm, &enterprise);
    GENERAL_NAMES_free(names);
    openssl_errors_forget();
    REQUIRE(found, SEC_E_UNKNOWN_CREDENTIALS,
            "the certificate names neither a Kerberos principal nor a user principal name (RFC 4556 3.2.2)");
    AUTO_FREE char *first = strdup(user);
    AUTO_FREE char *second = strdup(realm);
    REQUIRE(first != NULL && second != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a name");
    *out = (struct logon_name){STEAL(first), STEAL(second), enterprise};
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- as files */

static int memory_file(const BIO *from)
{
    const char *data = NULL;
    long size = BIO_get_mem_data((BIO *)(uintptr_t)from, &data);
    int file = memfd_create("certificate", MFD_CLOEXEC);
    long written = 0;
    while (file >= 0 && written < size) {
        ssize_t now = write(file, data + written, (size_t)(size - written));
        if (now <= 0) {
            (void)close(file);
            return -1;
        }
        written += now;
    }
    return file;
}

/* What is written goes through memory that OpenSSL wipes. */
static int write_file(X509 *x509, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int written = bio == NULL   ? 0
                  : key != NULL ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                                : PEM_write_bio_X509(bio, x509);
    int file = written == 1 ? memory_file(bio) : -1;
    BIO_free(bio);
    return file;
}

void logon_files_close(struct logon_files *files)
{
    if (files->certificate >= 0) {
        (void)close(files->certificate);
    }
    if (files->key >= 0) {
        (void)close(files->key);
    }
    *files = (struct logon_files){-1, -1};
}

SECURITY_STATUS logon_certificate_files(struct certificate *certificate, struct logon_files *out)
{
    EVP_PKEY *key = NULL;
    TRY(certificate_key(certificate, &key));
    openssl_errors_mark();
    struct logon_files files = {write_file(certificate_x509(certificate), NULL), write_file(NULL, key)};
    openssl_errors_forget();
    EVP_PKEY_free(key);
    if (files.certificate < 0 || files.key < 0) {
        logon_files_close(&files);
        FAIL(SEC_E_UNKNOWN_CREDENTIALS, "the certificate's private key cannot be taken out of where it is");
    }
    *out = files;
    return SEC_E_OK;
}
