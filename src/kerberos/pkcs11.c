#include "kerberos/pkcs11.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "wire/writer.h"

#define VALUE_MAX 512
#define MODULE    "p11-kit-proxy.so"

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* An attribute's octets (RFC 7512 2.3), which end with a NUL that is not counted; -1: it is not there, or is none. */
static int attribute(const char *uri, const char *name, uint8_t out[VALUE_MAX])
{
    size_t size = strlen(name);
    int count = 0;
    const char *at = uri;
    while (*at != '\0' && !(strncmp(at, name, size) == 0 && at[size] == '=')) {
        at += strcspn(at, ";?&");
        at += *at != '\0' ? 1 : 0;
    }
    if (*at == '\0') {
        return -1;
    }
    for (at += size + 1; *at != '\0' && strchr(";?&", *at) == NULL; at++, count++) {
        bool escaped = *at == '%';
        int high = escaped ? hex(at[1]) : 0, low = escaped && high >= 0 ? hex(at[2]) : 0;
        if (count == VALUE_MAX - 1 || high < 0 || low < 0) {
            return -1;
        }
        out[count] = escaped ? (uint8_t)(high << 4 | low) : (uint8_t)*at;
        at += escaped ? 2 : 0;
    }
    out[count] = 0;
    return count;
}

static void put(struct writer *writer, const char *text)
{
    write_bytes(writer, bytes_of(text, strlen(text)));
}

/* libkrb5 cuts at colons, and knows no way to escape one. */
static void put_text(struct writer *writer, const char *name, const uint8_t *value, int size)
{
    if (memchr(value, ':', (size_t)size) != NULL || memchr(value, '\0', (size_t)size) != NULL) {
        writer->bad = true;
    }
    put(writer, name);
    write_bytes(writer, bytes_of(value, (size_t)size));
}

SECURITY_STATUS pkcs11_identity(const char *uri, char **out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t value[VALUE_MAX];
    const char *attributes = uri + (strncmp(uri, "pkcs11:", 7) == 0 ? 7 : 0);
    AUTO_WRITER writer = write_growing(8 * VALUE_MAX);
    int size = attribute(attributes, "module-path", value);
    put_text(&writer, "PKCS11:module_name=", size > 0 ? value : (const uint8_t *)MODULE,
             size > 0 ? size : (int)strlen(MODULE));
    size = attribute(attributes, "token", value);
    if (size > 0) {
        put_text(&writer, ":token=", value, size);
    }
    size = attribute(attributes, "id", value);
    int label = size > 0 ? 0 : attribute(attributes, "object", value);
    REQUIRE(size > 0 || label > 0, SEC_E_UNKNOWN_CREDENTIALS, "a pkcs11: URI that names no object (RFC 7512 2.3)");
    if (size > 0) {
        put(&writer, ":certid=");
        for (int i = 0; i < size; i++) {
            write_u8(&writer, (uint8_t)digits[value[i] >> 4]);
            write_u8(&writer, (uint8_t)digits[value[i] & 15]);
        }
    } else {
        put_text(&writer, ":certlabel=", value, label);
    }
    write_u8(&writer, 0);
    REQUIRE(!writer.bad, SEC_E_UNKNOWN_CREDENTIALS, "a pkcs11: URI with a colon in a name, which libkrb5 cannot have");
    char *text = strdup((const char *)writer.data);
    REQUIRE(text != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a certificate's name");
    *out = text;
    return SEC_E_OK;
}
