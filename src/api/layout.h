/* How attributes are laid out as the SDK's structs: what attributes.c and the files with the layouts share. */
#ifndef OPENSSPI_API_LAYOUT_H
#define OPENSSPI_API_LAYOUT_H

#include "api/api.h"
#include "core/attribute.h"
#include "core/context_buffer.h"

/* A context buffer that is given back unless it was handed out. */
void layout_free_block(void **block);
#define AUTO_BLOCK AUTO(layout_free_block) void *

/* Parts, each a context buffer of its own.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS layout_text(struct utf16 text, bool wide, void **out);
STATUS layout_ascii(const char *text, bool wide, void **out);
STATUS layout_bytes(struct bytes bytes, void **out);

/* Lays `value` out in the caller's struct; takes what it hands out of what `value` owns.  `context` is NULL for a
 * credential's attribute. */
typedef SECURITY_STATUS layout_fn(struct context *context, struct attribute *value, bool wide, void *out);

/* Reads what the caller's struct says into `value`, before the package is asked. */
typedef SECURITY_STATUS layout_in_fn(const void *in, struct attribute *value);

struct layout {
    uint32_t attribute;
    size_t size;
    layout_fn *lay;
    layout_in_fn *read; /* NULL: the struct is for output alone */
};

/* attributes_tls.c: the attributes of Schannel. */
extern const struct layout layout_tls_context[], layout_tls_credential[];
extern const size_t layout_tls_context_count, layout_tls_credential_count;

/* attributes_credssp.c: those of CredSSP, some of them laid out as attributes.c has it. */
extern const struct layout layout_credssp_context[];
extern const size_t layout_credssp_context_count;
layout_fn layout_number, layout_package_info, layout_access_token;

#endif
