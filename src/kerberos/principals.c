#include "kerberos/principals.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "kerberos/library.h"
#include "kerberos/realms.h"
#include "text/names.h"
#include "wire/writer.h"

#define NAME_MAX_BYTES 8192

/* A realm given in lower case alone is meant as Windows domains are, which have no case; realms of Kerberos are written in
 * upper case (RFC 4120 6.1). */
static void raise_realm(char *realm)
{
    for (const char *at = realm; *at != '\0'; at++) {
        if (isupper((unsigned char)*at)) {
            return;
        }
    }
    for (char *at = realm; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
}

static SECURITY_STATUS take_text(struct utf16 text, char **out)
{
    REQUIRE(utf16_find(text, 0) == SIZE_MAX, SEC_E_UNKNOWN_CREDENTIALS, "a NUL within a name");
    return utf16_to_utf8(text, out, NULL);
}

SECURITY_STATUS client_name_parse(const struct identity *identity, struct client_name *out)
{
    struct account_name name = names_split_upn(identity->user, identity->domain);
    AUTO_FREE char *user = NULL;
    AUTO_FREE char *realm = NULL;
    REQUIRE(name.user.size != 0, SEC_E_UNKNOWN_CREDENTIALS, "an identity with a password and without a user");
    TRY(take_text(name.user, &user));
    if (name.domain.size != 0) {
        TRY(take_text(name.domain, &realm));
        raise_realm(realm);
    }
    bool upn = identity->domain.size == 0 && utf16_find(identity->user, '\\') == SIZE_MAX && realm != NULL;
    *out = (struct client_name){.user = STEAL(user), .realm = STEAL(realm), .enterprise = upn};
    return SEC_E_OK;
}

void client_name_take(char *user, char *realm, bool enterprise, struct client_name *out)
{
    if (enterprise) {
        raise_realm(realm);
    }
    *out = (struct client_name){.user = user, .realm = realm, .enterprise = enterprise};
}

void client_name_free(struct client_name *name)
{
    free(name->user);
    free(name->realm);
    *name = (struct client_name){0};
}

/* The components of a user's name, which may be an instance too: "host/server".  A domain without a dot may be a NetBIOS name. */
static krb5_error_code build(krb5_context krb, const char *domain, char *name, krb5_principal *out)
{
    krb5_principal parsed = NULL;
    AUTO_FREE char *found = NULL;
    krb5_error_code code = strchr(domain, '.') == NULL ? realm_of_domain(krb, domain, &found) : 0;
    const char *realm = found != NULL ? found : domain;
    if (code == 0) {
        code = krb5_parse_name_flags(krb, name, KRB5_PRINCIPAL_PARSE_NO_DEF_REALM, &parsed);
    }
    if (code == 0) {
        code = krb5_set_principal_realm(krb, parsed, realm);
    }
    if (code != 0) {
        krb5_free_principal(krb, parsed);
        return code;
    }
    *out = parsed;
    return 0;
}

krb5_error_code client_name_plain(krb5_context krb, const struct client_name *name, krb5_principal *out)
{
    if (name->realm != NULL) {
        return build(krb, name->realm, name->user, out);
    }
    return krb5_parse_name(krb, name->user, out);
}

krb5_error_code client_name_enterprise(krb5_context krb, const struct client_name *name, krb5_principal *out)
{
    size_t size = strlen(name->user) + strlen(name->realm) + 2;
    AUTO_FREE char *whole = malloc(size);
    if (whole == NULL) {
        return ENOMEM;
    }
    struct writer writer = write_into(whole, size);
    write_bytes(&writer, bytes_of(name->user, strlen(name->user)));
    write_u8(&writer, '@');
    write_bytes(&writer, bytes_of(name->realm, strlen(name->realm) + 1));
    return krb5_parse_name_flags(krb, whole, KRB5_PRINCIPAL_PARSE_ENTERPRISE, out);
}

/* The realm of a service's host by the configuration; without one it is for the client's KDC to say (RFC 6806 8). */
static krb5_error_code find_realm(krb5_context krb, krb5_principal service)
{
    const krb5_data *host = &service->data[1];
    char name[256];
    char **realms = NULL;
    if (host->length == 0 || host->length >= sizeof name) {
        return 0;
    }
    struct writer writer = write_into(name, sizeof name);
    write_bytes(&writer, bytes_of(host->data, host->length));
    write_u8(&writer, 0);
    name[strcspn(name, ":")] = '\0';
    krb5_error_code code = krb5_get_host_realm(krb, name, &realms);
    if (code == 0 && realms != NULL && realms[0] != NULL) {
        code = krb5_set_principal_realm(krb, service, realms[0]);
    }
    krb5_free_host_realm(krb, realms);
    return code;
}

static krb5_error_code parse_account(krb5_context krb, const char *target, krb5_principal *out)
{
    AUTO_FREE char *copy = strdup(target);
    if (copy == NULL) {
        return ENOMEM;
    }
    char *backslash = strchr(copy, '\\');
    *backslash = '\0';
    raise_realm(copy);
    return build(krb, copy, backslash + 1, out);
}

krb5_error_code target_parse(krb5_context krb, const char *target, krb5_principal *out)
{
    krb5_principal parsed = NULL;
    bool service = strchr(target, '/') != NULL;
    if (!service && strchr(target, '\\') != NULL) {
        return parse_account(krb, target, out);
    }
    krb5_error_code code = krb5_parse_name_flags(krb, target, service ? KRB5_PRINCIPAL_PARSE_NO_DEF_REALM : 0, &parsed);
    if (code == 0 && service && parsed->realm.length == 0 && parsed->length >= 2) {
        parsed->type = KRB5_NT_SRV_HST;
        code = find_realm(krb, parsed);
    } else if (code == 0 && service) {
        parsed->type = KRB5_NT_SRV_INST;
    }
    if (code != 0) {
        krb5_free_principal(krb, parsed);
        return code;
    }
    *out = parsed;
    return 0;
}

/* The spelling by which services are registered (RFC 4120 6.2.1, RFC 4559 4.1). */
static const char *const service_names[] = {"HTTP", "MSSQLSvc", "MSSQL", "DNS", "FTP", "TERMSRV", "WSMAN", "RPCSS"};

bool target_respell(krb5_principal service)
{
    if (service->length != 2) {
        return false;
    }
    bool changed = false;
    krb5_data *name = &service->data[0];
    const char *known = NULL;
    for (size_t i = 0; i < sizeof service_names / sizeof service_names[0]; i++) {
        bool same =
            strlen(service_names[i]) == name->length && strncasecmp(service_names[i], name->data, name->length) == 0;
        known = same ? service_names[i] : known;
    }
    for (unsigned part = 0; part < 2; part++) {
        krb5_data *text = &service->data[part];
        for (unsigned i = 0; i < text->length; i++) {
            char is = text->data[i], lower = is >= 'A' && is <= 'Z' ? (char)(is - 'A' + 'a') : is;
            text->data[i] = part == 0 && known != NULL ? known[i] : lower;
            changed = changed || text->data[i] != is;
        }
    }
    return changed;
}

krb5_error_code target_tgt(krb5_context krb, krb5_const_principal client, krb5_principal *out)
{
    const krb5_data *realm = &client->realm;
    return krb5_build_principal_ext(krb, out, realm->length, realm->data, KRB5_TGS_NAME_SIZE, KRB5_TGS_NAME,
                                    realm->length, realm->data, 0);
}

SECURITY_STATUS principal_text(krb5_context krb, krb5_const_principal principal, struct utf16 *out)
{
    char *text = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_unparse_name(krb, principal, &text));
    SECURITY_STATUS status = utf16_from_utf8(bytes_of(text, strlen(text)), out);
    krb5_free_unparsed_name(krb, text);
    return status;
}

SECURITY_STATUS principal_account(krb5_context krb, krb5_const_principal principal, struct utf16 *out)
{
    char *name = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT,
                krb5_unparse_name_flags(krb, principal,
                                        KRB5_PRINCIPAL_UNPARSE_NO_REALM | KRB5_PRINCIPAL_UNPARSE_DISPLAY, &name));
    AUTO_WRITER writer = write_growing(NAME_MAX_BYTES);
    write_bytes(&writer, bytes_of(principal->realm.data, principal->realm.length));
    write_u8(&writer, '\\');
    write_bytes(&writer, bytes_of(name, strlen(name)));
    krb5_free_unparsed_name(krb, name);
    TRY(write_end(&writer));
    return utf16_from_utf8(write_result(&writer), out);
}
