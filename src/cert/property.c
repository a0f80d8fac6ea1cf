/* Properties: those that were set, and those that are computed from the certificate (Microsoft Learn,
 * "CertGetCertificateContextProperty"). */
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cert/certificate_object.h"
#include "cert/hash.h"

void property_free(struct property *property)
{
    secret_wipe(property->data, property->size);
    free(property);
}

/* The link that points at property `id`, or at where it would stand. */
static struct property **find(struct certificate *certificate, DWORD id)
{
    struct property **link = &certificate->properties;
    while (*link != NULL && (*link)->id < id) {
        link = &(*link)->next;
    }
    return link;
}

static void remove_at(struct property **link, DWORD id)
{
    struct property *property = *link;
    if (property != NULL && property->id == id) {
        *link = property->next;
        property_free(property);
    }
}

static struct property *property_new(DWORD id, struct bytes value)
{
    struct property *property = malloc(sizeof *property + value.size);
    if (property != NULL) {
        property->id = id;
        property->size = value.size;
        if (value.size != 0) {
            memcpy(property->data, value.data, value.size);
        }
    }
    return property;
}

static void insert(struct certificate *certificate, struct property *property)
{
    struct property **link = find(certificate, property->id);
    remove_at(link, property->id);
    property->next = *link;
    *link = property;
}

STATUS certificate_set_property(struct certificate *certificate, DWORD id, struct bytes value)
{
    struct property *property = NULL;
    if (value.data != NULL) {
        property = property_new(id, value);
        REQUIRE(property != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    pthread_mutex_lock(&certificate->lock);
    if (property != NULL) {
        insert(certificate, property);
    } else {
        remove_at(find(certificate, id), id);
    }
    pthread_mutex_unlock(&certificate->lock);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- computed ones */

#define COMPUTED_MAX 64

/* X509_pubkey_digest and key identifiers leave out the algorithm (RFC 5280 4.2.1.2 (1)); Windows hashes all of
 * SubjectPublicKeyInfo for CERT_KEY_IDENTIFIER_PROP_ID when the extension is missing. */
static STATUS key_identifier(struct certificate *certificate, uint8_t *out, size_t *out_size)
{
    X509 *x509 = certificate_x509(certificate);
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(x509);
    unsigned char *der = NULL;
    int size;
    SECURITY_STATUS status;
    if (identifier != NULL && ASN1_STRING_length(identifier) <= COMPUTED_MAX) {
        *out_size = (size_t)ASN1_STRING_length(identifier);
        memcpy(out, ASN1_STRING_get0_data(identifier), *out_size);
        return SEC_E_OK;
    }
    size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    status = hash_of("SHA1", bytes_of(der, (size_t)size), out, out_size);
    OPENSSL_free(der);
    return status;
}

/* The hash that the signature is over, of what is signed (CERT_SIGNATURE_HASH_PROP_ID). */
static STATUS signature_hash(struct certificate *certificate, uint8_t *out, size_t *out_size)
{
    X509 *x509 = certificate_x509(certificate);
    unsigned char *tbs = NULL;
    int digest = NID_undef, size;
    SECURITY_STATUS status;
    REQUIRE(X509_get_signature_info(x509, &digest, NULL, NULL, NULL) == 1 && digest != NID_undef, CRYPT_E_NOT_FOUND,
            "certificate: the signature is over no hash");
    size = i2d_re_X509_tbs(x509, &tbs);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    status = hash_of(OBJ_nid2sn(digest), bytes_of(tbs, (size_t)size), out, out_size);
    OPENSSL_free(tbs);
    return status;
}

/* MD5 of issuer and serial number as they stand in PKCS#7's IssuerAndSerialNumber, without its frame (Windows). */
static STATUS blob_hash(CRYPT_DATA_BLOB blob, uint8_t *out, size_t *out_size)
{
    return hash_of("MD5", bytes_of(blob.pbData, blob.cbData), out, out_size);
}

static STATUS key_length(struct certificate *certificate, uint8_t *out, size_t *out_size)
{
    DWORD bits = 0;
    EVP_PKEY *key = X509_get0_pubkey(certificate_x509(certificate));
    REQUIRE(key != NULL, CRYPT_E_NOT_FOUND, "certificate: no readable public key");
    bits = (DWORD)EVP_PKEY_get_bits(key);
    memcpy(out, &bits, sizeof bits);
    *out_size = sizeof bits;
    return SEC_E_OK;
}

static const struct {
    DWORD id;
    const char *digest; /* of the whole certificate */
} hashes[] = {
    {CERT_SHA1_HASH_PROP_ID, "SHA1"},
    {CERT_MD5_HASH_PROP_ID, "MD5"},
    {CERT_SHA256_HASH_PROP_ID, "SHA256"},
};

static STATUS compute(struct certificate *certificate, DWORD id, uint8_t *out, size_t *out_size)
{
    const CERT_INFO *info = certificate_info(certificate);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (hashes[i].id == id) {
            return hash_of(hashes[i].digest, certificate_encoding(certificate), out, out_size);
        }
    }
    switch (id) {
    case CERT_SIGNATURE_HASH_PROP_ID:
        return signature_hash(certificate, out, out_size);
    case CERT_KEY_IDENTIFIER_PROP_ID:
        return key_identifier(certificate, out, out_size);
    case CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID:
        return hash_of(
            "MD5", bytes_of(info->SubjectPublicKeyInfo.PublicKey.pbData, info->SubjectPublicKeyInfo.PublicKey.cbData),
            out, out_size);
    case CERT_SUBJECT_NAME_MD5_HASH_PROP_ID:
        return blob_hash(info->Subject, out, out_size);
    case CERT_SUBJECT_PUB_KEY_BIT_LENGTH_PROP_ID:
        return key_length(certificate, out, out_size);
    default:
        FAIL(CRYPT_E_NOT_FOUND, "certificate: no such property");
    }
}

STATUS certificate_property(struct certificate *certificate, DWORD id, uint8_t **out, size_t *out_size)
{
    uint8_t computed[COMPUTED_MAX], *copy;
    size_t size = 0;
    struct property *property;
    bool there;
    pthread_mutex_lock(&certificate->lock);
    property = *find(certificate, id);
    there = property != NULL && property->id == id;
    copy = there ? malloc(property->size + 1) : NULL;
    if (copy != NULL) {
        size = property->size;
        memcpy(copy, property->data, size);
    }
    pthread_mutex_unlock(&certificate->lock);
    if (!there) {
        TRY(compute(certificate, id, computed, &size));
        copy = malloc(size + 1);
        if (copy != NULL) {
            memcpy(copy, computed, size);
        }
    }
    REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    *out = copy;
    *out_size = size;
    return SEC_E_OK;
}

DWORD certificate_next_property(struct certificate *certificate, DWORD id)
{
    DWORD next = 0;
    pthread_mutex_lock(&certificate->lock);
    for (struct property *property = certificate->properties; property != NULL && next == 0;
         property = property->next) {
        next = property->id > id ? property->id : 0;
    }
    if (id < CERT_KEY_CONTEXT_PROP_ID && (next == 0 || next > CERT_KEY_CONTEXT_PROP_ID) &&
        certificate->link.object != NULL) {
        next = CERT_KEY_CONTEXT_PROP_ID;
    }
    if (id < CERT_KEY_PROV_INFO_PROP_ID && (next == 0 || next > CERT_KEY_PROV_INFO_PROP_ID) &&
        (certificate->key != NULL || certificate->place != NULL)) {
        next = CERT_KEY_PROV_INFO_PROP_ID;
    }
    pthread_mutex_unlock(&certificate->lock);
    return next;
}

/* ---------------------------------------------------------------- copying */

/* Copies of everything `from` has, taken under its lock. */
struct copied {
    struct property *properties;
    struct key_link link;
    EVP_PKEY *key;
    char *place;
    struct secret pin;
    bool failed;
};

static void copied_free(struct copied *copied)
{
    while (copied->properties != NULL) {
        struct property *property = copied->properties;
        copied->properties = property->next;
        property_free(property);
    }
    key_link_free(&copied->link);
    EVP_PKEY_free(copied->key);
    free(copied->place);
    secret_free(&copied->pin);
}

static void copy_out(struct certificate *from, struct copied *copied)
{
    pthread_mutex_lock(&from->lock);
    for (struct property *property = from->properties; property != NULL && !copied->failed; property = property->next) {
        struct property *copy = property_new(property->id, bytes_of(property->data, property->size));
        copied->failed = copy == NULL;
        if (copy != NULL) {
            copy->next = copied->properties;
            copied->properties = copy;
        }
    }
    if (from->link.object != NULL) {
        copied->link = (struct key_link){capi_hold_again(from->link.object), from->link.spec, false};
    }
    if (from->key != NULL && EVP_PKEY_up_ref(from->key) == 1) {
        copied->key = from->key;
    }
    if (from->place != NULL) {
        copied->place = strdup(from->place);
        copied->failed |= copied->place == NULL || secret_copy(&copied->pin, secret_bytes(&from->pin)) < 0;
    }
    pthread_mutex_unlock(&from->lock);
}

/* `key`: the key was taken over, and with it what CERT_KEY_PROV_INFO_PROP_ID tells of it. */
static void properties_in(struct copied *copied, struct certificate *to, bool replace, bool key)
{
    pthread_mutex_lock(&to->lock);
    while (copied->properties != NULL) {
        struct property *property = copied->properties, *there = *find(to, property->id);
        copied->properties = property->next;
        bool stays = !replace && there != NULL && there->id == property->id;
        if (property->id == CERT_KEY_PROV_INFO_PROP_ID ? !key : stays) {
            property_free(property);
        } else {
            insert(to, property);
        }
    }
    pthread_mutex_unlock(&to->lock);
}

/* True when there was a key, and it was taken. */
static bool key_in(struct copied *copied, struct certificate *to, bool replace)
{
    pthread_mutex_lock(&to->lock);
    bool has = to->link.object != NULL || to->key != NULL || to->place != NULL;
    bool taken = (copied->link.object != NULL || copied->key != NULL || copied->place != NULL) && (replace || !has);
    if (taken) {
        struct copied old = {.link = to->link, .key = to->key, .place = to->place, .pin = to->pin};
        to->link = copied->link;
        copied->link = (struct key_link){.object = NULL};
        to->key = STEAL(copied->key);
        to->place = STEAL(copied->place);
        to->pin = copied->pin;
        copied->pin = (struct secret){NULL, 0};
        copied_free(&old);
        remove_at(find(to, CERT_KEY_PROV_INFO_PROP_ID), CERT_KEY_PROV_INFO_PROP_ID); /* told of the old one */
    }
    pthread_mutex_unlock(&to->lock);
    return taken;
}

STATUS certificate_copy_properties(struct certificate *from, struct certificate *to, bool replace)
{
    AUTO(copied_free) struct copied copied = {.failed = false};
    copy_out(from, &copied);
    REQUIRE(!copied.failed, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    bool key = key_in(&copied, to, replace);
    properties_in(&copied, to, replace, key);
    return SEC_E_OK;
}
