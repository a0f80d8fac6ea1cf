/* What a program sets of a credential (SetCredentialsAttributes): the KDC proxy. */
#include <stdlib.h>

#include "base/auto.h"
#include "kerberos/context.h"
#include "wire/reader.h"

#define SETTINGS_SIZE 16 /* SecPkgCredentials_KdcProxySettingsW */

struct settings {
    uint32_t version, flags;
    struct bytes server, client_certificate;
    uint32_t discovery;
};

/* Offsets count from the start of the structure, whose strings follow it (SecPkgCredentials_KdcProxySettingsW). */
static SECURITY_STATUS read_settings(struct bytes value, struct settings *out)
{
    struct reader reader = read_start(value);
    struct settings settings = {.version = read_u32le(&reader), .flags = read_u32le(&reader)};
    uint16_t server_offset = read_u16le(&reader);
    uint16_t server_size = read_u16le(&reader);
    uint16_t certificate_offset = read_u16le(&reader);
    uint16_t certificate_size = read_u16le(&reader);
    settings.discovery = settings.version == KDC_NETWORK_SETTINGS_V2 ? read_u32le(&reader) : 0;
    settings.server = read_at(&reader, server_offset, server_size);
    settings.client_certificate = read_at(&reader, certificate_offset, certificate_size);
    TRY(read_end_lax(&reader, "the KDC proxy settings leave their buffer (SecPkgCredentials_KdcProxySettingsW)"));
    bool known = settings.version == KDC_PROXY_SETTINGS_V1 || settings.version == KDC_NETWORK_SETTINGS_V2;
    bool apart = server_size == 0 || server_offset >= SETTINGS_SIZE;
    REQUIRE(known && apart && server_size % 2 == 0, SEC_E_INVALID_TOKEN,
            "KDC proxy settings of an unknown version or form (SecPkgCredentials_KdcProxySettingsW)");
    *out = settings;
    return SEC_E_OK;
}

static SECURITY_STATUS make_proxy(const struct settings *settings, struct kdc_proxy **out)
{
    AUTO_FREE char *text = NULL;
    struct utf16 server = utf16_of(settings->server);
    if (server.size >= 2 && utf16_unit(server, server.size / 2 - 1) == 0) {
        server = utf16_head(server, server.size / 2 - 1); /* a NUL at the end is not meant */
    }
    if (server.size == 0) {
        *out = NULL;
        return SEC_E_OK;
    }
    REQUIRE(utf16_find(server, 0) == SIZE_MAX, SEC_E_INVALID_TOKEN, "a NUL within a KDC proxy's name");
    TRY(utf16_to_utf8(server, &text, NULL));
    return kdc_proxy_parse(text, (settings->flags & KDC_PROXY_SETTINGS_FLAGS_FORCEPROXY) != 0, out);
}

SECURITY_STATUS kerberos_set_credential(struct credential *base, uint32_t attribute, struct bytes value)
{
    struct kerberos_credential *credential = (struct kerberos_credential *)base;
    struct kdc_proxy *proxy = NULL;
    struct settings settings = {0};
    REQUIRE(attribute == SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS, SEC_E_UNSUPPORTED_FUNCTION,
            "Kerberos credentials have no such attribute to set (SetCredentialsAttributes (Kerberos))");
    TRY(read_settings(value, &settings));
    REQUIRE(settings.client_certificate.size == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "a client certificate for a KDC proxy, which libkrb5 has no place for (ClientTlsCredOffset)");
    bool configures =
        settings.version == KDC_PROXY_SETTINGS_V1 || (settings.flags & KDC_NETWORK_SETTINGS_FLAGS_CONFIGURE_PROXY) != 0;
    REQUIRE(configures && settings.discovery == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "KDCs are discovered as krb5.conf says (KDC_NETWORK_SETTINGS_FLAGS_CONFIGURE_DISCOVERY)");
    TRY(make_proxy(&settings, &proxy));
    tickets_set_proxy(credential->tickets, proxy);
    return SEC_E_OK;
}
