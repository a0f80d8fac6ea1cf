/* A Negotiate credential is one credential of each package that may be chosen. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "logon/identity_layout.h"
#include "negotiate/choose.h"
#include "negotiate/context.h"

/* The identity's wish for certain packages, and whether it is an account of this machine, which no third party knows;
 * everything else in it is the packages' business. */
static SECURITY_STATUS look_at_identity(const struct credential_in *in, struct utf16 *out_list, bool *out_local)
{
    if (in->auth_data == NULL) {
        return SEC_E_OK;
    }
    struct identity_layout layout;
    SECURITY_STATUS status = identity_layout(in->auth_data, &layout);
    if (status == SEC_E_INVALID_TOKEN) {
        return SEC_E_UNKNOWN_CREDENTIALS; /* as every package says of an identity it cannot make out */
    }
    TRY(status);
    AUTO_UTF16 user = UTF16_NONE;
    AUTO_UTF16 domain = UTF16_NONE;
    TRY(identity_member(&layout, layout.user, &user));
    TRY(identity_member(&layout, layout.domain, &domain));
    TRY(choose_local_account(user, domain, out_local));
    return identity_member(&layout, layout.package_list, out_list);
}

static void release_half_made(struct negotiate_credential **credential)
{
    if (*credential != NULL) {
        negotiate_release(&(*credential)->base);
    }
}

/* A package that has nothing for this caller, or is switched off, is left out. */
static bool can_do_without(SECURITY_STATUS status)
{
    return status == SEC_E_NO_CREDENTIALS || status == SEC_E_SECPKG_NOT_FOUND;
}

/* A part comes once and stays.  No lock: a fork at any moment leaves the child with what was there. */
enum part_state { PART_NONE, PART_COMING, PART_THERE };

static const struct negotiate_part *part_at(const struct negotiate_credential *credential, size_t place)
{
    bool there = atomic_load_explicit(&credential->there[place], memory_order_acquire) == PART_THERE;
    return there ? &credential->parts[place] : NULL;
}

static bool has_parts(const struct negotiate_credential *credential)
{
    bool has = false;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        has = has || part_at(credential, i) != NULL;
    }
    return has;
}

/* False: another thread was faster. */
static bool put_part(struct negotiate_credential *credential, const char *name, struct credential *part)
{
    size_t place = 0;
    unsigned char none = PART_NONE;
    while (strcmp(mechs[place].package, name) != 0) {
        place++;
    }
    if (!atomic_compare_exchange_strong_explicit(&credential->there[place], &none, PART_COMING, memory_order_relaxed,
                                                 memory_order_relaxed)) {
        return false;
    }
    credential->parts[place] = (struct negotiate_part){part->package, part};
    atomic_store_explicit(&credential->there[place], PART_THERE, memory_order_release);
    return true;
}

/* A credential of one package, by its name in `mechs`, in a place where there is none. */
static SECURITY_STATUS make_part(struct negotiate_credential *credential, const char *name,
                                 const struct credential_in *in, uint64_t *expiry)
{
    const struct package *package = package_find_utf8(name);
    struct credential *part = NULL;
    uint64_t until = CLOCK_NEVER;
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "a package that Negotiate may choose is not here");
    TRY(credential_acquire(package, in, HANDLE_CREDENTIAL_PART, &part, &until));
    if (!put_part(credential, name, part)) {
        credential_close(part);
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "AddCredentials: another thread has just added a credential of this package");
    }
    *expiry = until < *expiry ? until : *expiry;
    return SEC_E_OK;
}

/* Asks one package, unless it was asked already; `out_refusal` keeps the first polite refusal: that of a package which is
 * there, if one of them is. */
static SECURITY_STATUS add_part(struct negotiate_credential *credential, const char *name,
                                const struct credential_in *in, uint64_t *expiry, SECURITY_STATUS *out_refusal)
{
    if (negotiate_part(credential, name) != NULL || package_find_utf8(name) == NULL) {
        return SEC_E_OK;
    }
    SECURITY_STATUS status = make_part(credential, name, in, expiry);
    if (status < 0) {
        bool says_more = *out_refusal == SEC_E_OK || *out_refusal == SEC_E_SECPKG_NOT_FOUND;
        *out_refusal = says_more ? status : *out_refusal;
    }
    return can_do_without(status) ? SEC_E_OK : status;
}

SECURITY_STATUS negotiate_acquire(const struct credential_in *in, struct credential **out_credential,
                                  uint64_t *out_expiry)
{
    AUTO_UTF16 list = UTF16_NONE;
    bool local = false;
    TRY(look_at_identity(in, &list, &local));
    __attribute__((cleanup(release_half_made))) struct negotiate_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    uint64_t expiry = CLOCK_NEVER;
    SECURITY_STATUS refusal = SEC_E_OK;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        if (choose_allowed(list, mechs[i].package) && !(local && mechs[i].third_party)) {
            TRY(add_part(credential, mechs[i].package, in, &expiry, &refusal));
        }
    }
    /* A list that leaves nothing over is no error yet: InitializeSecurityContext says so (observed on Windows). */
    if (!has_parts(credential) && refusal != SEC_E_OK && list.size == 0) {
        return refusal;
    }
    if (refusal != SEC_E_OK) {
        status_begin(); /* one package's refusal is none of ours */
    }
    *out_expiry = expiry;
    *out_credential = &credential->base;
    credential = NULL;
    return SEC_E_OK;
}

void negotiate_release(struct credential *base)
{
    struct negotiate_credential *credential = (struct negotiate_credential *)base;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct negotiate_part *part = part_at(credential, i);
        credential_close(part != NULL ? part->credential : NULL);
    }
    free(credential);
}

/* ---------------------------------------------------------------- AddCredentials */

/* One more identity for one package: the package's own, where it had none; else behind those that there are. */
static SECURITY_STATUS add_identity(struct negotiate_credential *credential, const char *name,
                                    const struct credential_in *in, uint64_t *expiry)
{
    const struct negotiate_part *part = negotiate_part(credential, name);
    if (part != NULL) {
        REQUIRE(part->package->add != NULL, SEC_E_UNSUPPORTED_FUNCTION,
                "AddCredentials: the package takes one credential a handle, and has it");
        uint64_t until = CLOCK_NEVER;
        TRY(part->package->add(part->credential, part->package, in, &until));
        *expiry = until < *expiry ? until : *expiry;
        return SEC_E_OK;
    }
    return make_part(credential, name, in, expiry);
}

/* `package` is Negotiate for every package that takes the identity, or one of them.  What the identity's package list, or an
 * account of this machine, rules out is left out as in AcquireCredentialsHandle. */
SECURITY_STATUS negotiate_add(struct credential *base, const struct package *package, const struct credential_in *in,
                              uint64_t *out_expiry)
{
    struct negotiate_credential *credential = (struct negotiate_credential *)base;
    AUTO_UTF16 list = UTF16_NONE;
    bool local = false, taken = false;
    SECURITY_STATUS refusal = SEC_E_OK;
    REQUIRE((in->use & base->use) == base->use, SEC_E_NO_CREDENTIALS,
            "AddCredentials: fCredentialUse lacks a direction that the handle was acquired for");
    TRY(look_at_identity(in, &list, &local));
    for (size_t i = 0; i < MECH_COUNT; i++) {
        bool wanted = package_is_same(package, &negotiate_package) || package == package_find_utf8(mechs[i].package);
        bool again = i != 0 && strcmp(mechs[i].package, mechs[i - 1].package) == 0; /* a package with two exchanges */
        if (!wanted || again || !choose_allowed(list, mechs[i].package) || (local && mechs[i].third_party)) {
            continue;
        }
        /* A package that is there has more to say than one that is switched off. */
        if (refusal == SEC_E_SECPKG_NOT_FOUND) {
            status_begin();
            refusal = SEC_E_OK;
        }
        SECURITY_STATUS status = add_identity(credential, mechs[i].package, in, out_expiry);
        taken = taken || status >= 0;
        refusal = refusal == SEC_E_OK ? status : refusal;
    }
    REQUIRE(taken || refusal != SEC_E_OK, SEC_E_UNSUPPORTED_FUNCTION,
            "AddCredentials: Negotiate has no such package, or the identity's package list rules it out");
    if (taken) {
        status_begin(); /* one package's refusal is none of ours */
    }
    return taken ? SEC_E_OK : refusal;
}

const struct negotiate_part *negotiate_part(const struct negotiate_credential *credential, const char *package)
{
    const struct package *wanted = package_find_utf8(package);
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct negotiate_part *part = part_at(credential, i);
        if (part != NULL && part->package == wanted) {
            return part;
        }
    }
    return NULL;
}

/* The first package that knows an answer gives it. */
SECURITY_STATUS negotiate_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct negotiate_credential *credential = (struct negotiate_credential *)base;
    SECURITY_STATUS status = SEC_E_UNSUPPORTED_FUNCTION;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct negotiate_part *part = part_at(credential, i);
        if (part != NULL && part->package->query_credential != NULL) {
            status = part->package->query_credential(part->credential, attribute, out);
        }
        if (status == SEC_E_OK) {
            status_begin();
            return status;
        }
    }
    REQUIRE(has_parts(credential), SEC_E_NO_CREDENTIALS, "the identity's package list leaves no package over");
    REQUIRE(status != SEC_E_UNSUPPORTED_FUNCTION, status, "no package of this credential has the attribute");
    return status;
}

/* A setting is for every package that has such a one. */
SECURITY_STATUS negotiate_set_credential(struct credential *base, uint32_t attribute, struct bytes value)
{
    struct negotiate_credential *credential = (struct negotiate_credential *)base;
    bool taken = false;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct negotiate_part *part = part_at(credential, i);
        SECURITY_STATUS status = part == NULL || part->package->set_credential == NULL
                                     ? SEC_E_UNSUPPORTED_FUNCTION
                                     : part->package->set_credential(part->credential, attribute, value);
        if (status < 0 && status != SEC_E_UNSUPPORTED_FUNCTION) {
            return status;
        }
        taken = taken || status >= 0;
    }
    REQUIRE(taken, SEC_E_UNSUPPORTED_FUNCTION, "no package of this credential has such an attribute");
    status_begin();
    return SEC_E_OK;
}
