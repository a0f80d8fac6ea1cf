/* A package that a module brought (sspi_package.h), as core sees it: the public table behind core's vtable.
 *
 * `uses` counts the credentials and contexts there are, and calls that may make one.  The module's code is unloaded only
 * when it is 0, and then no further use begins.  struct module itself stays for ever, as somebody may just have found it by
 * name; its functions then answer SEC_E_SECPKG_NOT_FOUND.
 */
#ifndef OPENSSPI_MODULE_MODULE_H
#define OPENSSPI_MODULE_MODULE_H

#include "core/package.h"
#include "sspi_package.h"

#define MODULE_COMMENT_MAX 256 /* with the NUL */
#define MODULE_CLOSED      (UINT64_C(1) << 63)
#define MODULE_PACKED_MAX  65536u

struct module {
    struct added_package added; /* first: core knows this part */
    char name[PACKAGE_NAME_MAX];
    char comment[MODULE_COMMENT_MAX];
    char *path; /* owned */
    void *library;
    SSPI_PACKAGE table; /* what this library knows of the module's own */
    _Atomic uint64_t uses;
};

struct module_credential {
    struct credential base;
    struct module *module;
    void *object;
};

struct module_context {
    struct context base;
    struct module *module;
    struct credential *credential; /* held; NULL: imported */
    void *object;
};

/* Copies the table and makes the package of it.  SEC_E_CANNOT_INSTALL: the table does not keep to sspi_package.h. */
STATUS module_adopt(struct module *module, const SSPI_PACKAGE *table);

/* Nothing of it is in use, and nothing will be: true.  False: it is in use, and nothing has changed. */
bool module_close(struct module *module);

/* queries.c: attributes of contexts, and of credentials with `credential`, in core's terms.
 * SEC_E_UNSUPPORTED_FUNCTION; what the module answers. */
STATUS module_query(const struct module *module, void *object, bool credential, uint32_t attribute,
                    struct attribute *out);

/* What a module answered: SEC_E_INTERNAL_ERROR for a positive status that it may not answer here. */
STATUS module_status(SECURITY_STATUS status);

#endif
