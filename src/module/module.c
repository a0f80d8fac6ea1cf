#include "module/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/secret.h"
#include "core/token.h"

#define TOKEN_MAX 65536u

SECURITY_STATUS module_status(SECURITY_STATUS status)
{
    REQUIRE(status <= 0, SEC_E_INTERNAL_ERROR,
            "the module answers with a status that sspi_package.h does not allow here");
    return status;
}

/* A text as sspi_package.h has them: aligned, with a NUL; free() it. */
static SECURITY_STATUS text_for_module(struct utf16 text, SEC_WCHAR **out)
{
    SEC_WCHAR *copy = malloc(text.size + sizeof *copy);
    REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a text");
    struct writer writer = write_into(copy, text.size + sizeof *copy);
    write_bytes(&writer, utf16_bytes(text));
    write_u16le(&writer, 0);
    *out = copy;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- uses */

static SECURITY_STATUS begin_use(struct module *module)
{
    uint64_t seen = atomic_load_explicit(&module->uses, memory_order_relaxed);
    do {
        REQUIRE((seen & MODULE_CLOSED) == 0, SEC_E_SECPKG_NOT_FOUND,
                "the package was unloaded (DeleteSecurityPackage)");
    } while (!atomic_compare_exchange_weak_explicit(&module->uses, &seen, seen + 1, memory_order_acquire,
                                                    memory_order_relaxed));
    return SEC_E_OK;
}

static void end_use(struct module **module)
{
    if (*module != NULL) {
        atomic_fetch_sub_explicit(&(*module)->uses, 1, memory_order_release);
    }
}

#define AUTO_USE AUTO(end_use) struct module

bool module_close(struct module *module)
{
    uint64_t none = 0;
    return atomic_compare_exchange_strong_explicit(&module->uses, &none, MODULE_CLOSED, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* ---------------------------------------------------------------- credentials */

static struct module_credential *credential_of(struct credential *credential)
{
    return (struct module_credential *)credential;
}

static SECURITY_STATUS acquire(const struct credential_in *in, struct credential **out_credential, uint64_t *out_expiry)
{
    struct module *module = (struct module *)(uintptr_t)in->package; /* core's own pointer to it, less its const */
    TRY(begin_use(module));
    AUTO_USE *use = module;
    AUTO_FREE SEC_WCHAR *principal = NULL;
    TRY(text_for_module(in->principal, &principal));
    AUTO_FREE struct module_credential *made = calloc(1, sizeof *made);
    REQUIRE(made != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    const SSPI_PACKAGE_ACQUIRE arguments = {sizeof arguments, in->use, principal, in->auth_data};
    ULONGLONG expiry = CLOCK_NEVER;
    TRY(module_status(module->table.AcquireCredentials(&arguments, &made->object, &expiry)));
    made->module = STEAL(use);
    *out_expiry = expiry;
    *out_credential = &STEAL(made)->base;
    return SEC_E_OK;
}

static void release(struct credential *credential)
{
    struct module_credential *own = credential_of(credential);
    struct module *module = own->module;
    module->table.FreeCredentials(own->object);
    free(own);
    end_use(&module);
}

static SECURITY_STATUS query_credential(struct credential *credential, uint32_t attribute, struct attribute *out)
{
    struct module_credential *own = credential_of(credential);
    return module_query(own->module, own->object, true, attribute, out);
}

static SECURITY_STATUS set_credential(struct credential *credential, uint32_t attribute, struct bytes value)
{
    struct module_credential *own = credential_of(credential);
    bool private = attribute == SSPI_EXT_CRED_ATTR_VERIFIER || attribute == SSPI_EXT_CRED_ATTR_DIGEST_LOOKUP;
    REQUIRE(!private, SEC_E_UNSUPPORTED_FUNCTION, "a module's package asks no verifier");
    return module_status(own->module->table.SetCredentials(own->object, attribute, value.data, (ULONG)value.size));
}

/* ---------------------------------------------------------------- contexts */

static struct module_context *context_of(struct context *context)
{
    return (struct module_context *)context;
}

static const SSPI_PACKAGE *table_of(struct context *context)
{
    return &context_of(context)->module->table;
}

/* A context without the module's object yet; takes a use of the module, which the caller's object keeps loaded. */
static struct module_context *context_new(struct module *module, bool initiator)
{
    struct module_context *made = calloc(1, sizeof *made);
    if (made != NULL) {
        context_init(&made->base, &module->added.package, initiator);
        atomic_store_explicit(&made->base.one_stream, (module->table.dwFlags & SSPI_PACKAGE_ONE_STREAM) != 0,
                              memory_order_relaxed);
        made->module = module;
        atomic_fetch_add_explicit(&module->uses, 1, memory_order_relaxed);
    }
    return made;
}

static void dispose(struct context *context)
{
    struct module_context *own = context_of(context);
    struct module *module = own->module;
    if (own->object != NULL) {
        module->table.DeleteContext(own->object);
    }
    credential_drop(own->credential);
    context_fini(&own->base);
    free(own);
    end_use(&module);
}

static void dispose_new(struct module_context **made)
{
    if (*made != NULL) {
        dispose(&(*made)->base);
    }
}

/* Room for the module's token, wiped at the end: what else the module left there is nobody's. */
struct room {
    void *data;
    size_t size;
};

static void room_free(struct room *room)
{
    if (room->data != NULL) {
        explicit_bzero(room->data, room->size);
        free(room->data);
    }
}

#define AUTO_ROOM AUTO(room_free) struct room

static SECURITY_STATUS room_make(size_t size, struct room *out)
{
    out->data = calloc(1, size);
    out->size = size;
    REQUIRE(out->data != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a module's answer");
    return SEC_E_OK;
}

static bool step_may_answer(SECURITY_STATUS status)
{
    return status <= 0 || status == SEC_I_CONTINUE_NEEDED || status == SEC_I_COMPLETE_NEEDED ||
           status == SEC_I_COMPLETE_AND_CONTINUE;
}

static SECURITY_STATUS call_step(struct module_context *context, const struct step_in *in, struct step_out *out)
{
    struct module *module = context->module;
    AUTO_FREE SEC_WCHAR *target = NULL;
    TRY(text_for_module(in->target, &target));
    AUTO_ROOM room = {NULL, 0};
    TRY(room_make(module->table.cbMaxToken, &room));
    SecBufferDesc input = {SECBUFFER_VERSION, (ULONG)in->input->count, in->input->at};
    SecBufferDesc output = {SECBUFFER_VERSION, (ULONG)out->output->count, out->output->at};
    SSPI_PACKAGE_STEP step = {
        .cbSize = sizeof step,
        .fContextReq = in->flags,
        .pszTargetName = target,
        .pvToken = in->has_token ? in->token.data : NULL,
        .cbToken = (ULONG)in->token.size,
        .cbChannelBindings = (ULONG)in->bindings.size,
        .pChannelBindings = (const void *)in->bindings.data,
        .pInput = &input,
        .pOutput = &output,
        .pvAnswer = room.data,
        .cbAnswer = (ULONG)room.size,
        .tsExpiry = CLOCK_NEVER,
    };
    void *credential = context->credential != NULL ? credential_of(context->credential)->object : NULL;
    bool initiator = context->base.initiator;
    SECURITY_STATUS status = initiator ? module->table.InitializeContext(credential, &context->object, &step)
                                       : module->table.AcceptContext(credential, &context->object, &step);
    REQUIRE(step_may_answer(status), SEC_E_INTERNAL_ERROR,
            "the module answers a step with a status that sspi_package.h does not allow");
    REQUIRE(status < 0 || step.cbAnswer <= room.size, SEC_E_INTERNAL_ERROR, "the module's token exceeds its room");
    bool error_token = (module->table.fCapabilities & SECPKG_FLAG_EXTENDED_ERROR) != 0 && step.cbAnswer < room.size;
    if (status >= 0 || error_token) {
        write_bytes(out->token, bytes_of(room.data, step.cbAnswer));
    }
    out->flags = step.fContextAttr & ~(uint32_t)ISC_RET_ALLOCATED_MEMORY;
    out->expiry = step.tsExpiry;
    return status;
}

static SECURITY_STATUS step(struct credential *credential, struct context **context, const struct step_in *in,
                            struct step_out *out, bool initiator)
{
    if (*context != NULL) {
        return call_step(context_of(*context), in, out);
    }
    AUTO(dispose_new) struct module_context *made = context_new(credential_of(credential)->module, initiator);
    REQUIRE(made != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    made->credential = credential_hold(credential);
    SECURITY_STATUS status = call_step(made, in, out);
    TRY(status);
    REQUIRE(made->object != NULL, SEC_E_INTERNAL_ERROR, "the module answered a first leg without making a context");
    *context = &STEAL(made)->base;
    return status;
}

static SECURITY_STATUS initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out)
{
    return step(credential, context, in, out, true);
}

static SECURITY_STATUS accept(struct credential *credential, struct context **context, const struct step_in *in,
                              struct step_out *out)
{
    return step(credential, context, in, out, false);
}

static SecBufferDesc descriptor_of(const struct buffers *buffers)
{
    return (SecBufferDesc){SECBUFFER_VERSION, (ULONG)buffers->count, buffers->at};
}

static SECURITY_STATUS complete(struct context *context, const struct buffers *message)
{
    SecBufferDesc token = descriptor_of(message);
    return module_status(table_of(context)->CompleteToken(context_of(context)->object, &token));
}

static SECURITY_STATUS apply_token(struct context *context, const struct buffers *message)
{
    SecBufferDesc token = descriptor_of(message);
    return module_status(table_of(context)->ApplyControlToken(context_of(context)->object, &token));
}

/* ---------------------------------------------------------------- messages */

/* The program's buffers, before the module had them. */
struct before {
    SecBuffer at[BUFFERS_MAX];
};

static void before_take(const struct buffers *message, struct before *out)
{
    for (size_t i = 0; i < message->count; i++) {
        out->at[i] = message->at[i];
    }
}

static bool lies_within(const SecBuffer *part, const SecBuffer *whole)
{
    uintptr_t start = (uintptr_t)part->pvBuffer, room = (uintptr_t)whole->pvBuffer;
    return start >= room && start - room <= whole->cbBuffer && part->cbBuffer <= whole->cbBuffer - (start - room);
}

/* A size may stand alone where there is nothing to be read. */
static bool is_believable(const SecBuffer *buffer, const struct before *before, size_t count)
{
    bool found = buffer->cbBuffer == 0 || buffer_type(buffer) == SECBUFFER_MISSING ||
                 (buffer_type(buffer) == SECBUFFER_EXTRA && buffer->pvBuffer == NULL);
    for (size_t i = 0; i < count && !found; i++) {
        found = lies_within(buffer, &before->at[i]);
    }
    return found;
}

/* What a module has made of the program's buffers lies within them, or they are as they were. */
static SECURITY_STATUS message_status(SECURITY_STATUS status, const struct before *before, struct buffers *message)
{
    bool good = true;
    for (size_t i = 0; i < message->count && status >= 0; i++) {
        good = good && is_believable(&message->at[i], before, message->count);
    }
    for (size_t i = 0; i < message->count && !good; i++) {
        message->at[i] = before->at[i];
    }
    REQUIRE(good, SEC_E_INTERNAL_ERROR, "the module's message exceeds the program's buffers");
    return status;
}

static SECURITY_STATUS sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    SecBufferDesc all = descriptor_of(message);
    struct before before;
    before_take(message, &before);
    SECURITY_STATUS status =
        module_status(table_of(context)->MakeSignature(context_of(context)->object, qop, &all, sequence));
    return message_status(status, &before, message);
}

static SECURITY_STATUS verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    SecBufferDesc all = descriptor_of(message);
    struct before before;
    before_take(message, &before);
    SECURITY_STATUS status =
        module_status(table_of(context)->VerifySignature(context_of(context)->object, &all, sequence, qop));
    return message_status(status, &before, message);
}

static SECURITY_STATUS seal(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    SecBufferDesc all = descriptor_of(message);
    struct before before;
    before_take(message, &before);
    SECURITY_STATUS status =
        module_status(table_of(context)->EncryptMessage(context_of(context)->object, qop, &all, sequence));
    return message_status(status, &before, message);
}

static SECURITY_STATUS unseal(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    SecBufferDesc all = descriptor_of(message);
    struct before before;
    before_take(message, &before);
    SECURITY_STATUS status = table_of(context)->DecryptMessage(context_of(context)->object, &all, sequence, qop);
    status = status == SEC_I_CONTEXT_EXPIRED ? status : module_status(status);
    return message_status(status, &before, message);
}

/* ---------------------------------------------------------------- attributes, moving, identities */

static SECURITY_STATUS query(struct context *context, uint32_t attribute, struct attribute *out)
{
    struct module_context *own = context_of(context);
    return module_query(own->module, own->object, false, attribute, out);
}

static SECURITY_STATUS set(struct context *context, uint32_t attribute, struct bytes value)
{
    return module_status(
        table_of(context)->SetContext(context_of(context)->object, attribute, value.data, (ULONG)value.size));
}

static SECURITY_STATUS export_context(struct context *context, uint32_t flags, struct writer *out)
{
    AUTO_ROOM room = {NULL, 0};
    TRY(room_make(MODULE_PACKED_MAX, &room));
    ULONG size = MODULE_PACKED_MAX;
    TRY(module_status(table_of(context)->ExportContext(context_of(context)->object, flags, room.data, &size)));
    REQUIRE(size <= room.size, SEC_E_INTERNAL_ERROR, "the module's packed context exceeds its room");
    write_bytes(out, bytes_of(room.data, size));
    return SEC_E_OK;
}

static SECURITY_STATUS import_for(const struct package *package, struct bytes blob, struct context **out_context)
{
    struct module *module = (struct module *)(uintptr_t)package; /* as in acquire() */
    TRY(begin_use(module));
    AUTO_USE *use = module;
    AUTO(dispose_new) struct module_context *made = context_new(use, true);
    REQUIRE(made != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    BOOLEAN initiator = TRUE;
    TRY(module_status(module->table.ImportContext(blob.data, (ULONG)blob.size, &made->object, &initiator)));
    REQUIRE(made->object != NULL, SEC_E_INTERNAL_ERROR, "the module imported a context without making one");
    made->base.initiator = initiator != FALSE;
    made->base.established = true;
    *out_context = &STEAL(made)->base;
    return SEC_E_OK;
}

static SECURITY_STATUS impersonate(struct context *context, struct token **out_token)
{
    SSPI_PACKAGE_IDENTITY identity = {.cbSize = sizeof identity};
    TRY(module_status(table_of(context)->QueryIdentity(context_of(context)->object, &identity)));
    return token_new(utf16_from_wide(identity.pszUser), utf16_from_wide(identity.pszDomain),
                     identity.fAnonymous != FALSE, identity.pszLocalAccount, out_token);
}

/* ---------------------------------------------------------------- the table */

static bool is_printable(const char *text, size_t limit)
{
    size_t size = strnlen(text, limit);
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return size < limit;
}

static SECURITY_STATUS check_table(const SSPI_PACKAGE *table)
{
    REQUIRE(table->Name != NULL && table->Name[0] != '\0' && is_printable(table->Name, PACKAGE_NAME_MAX) &&
                strchr(table->Name, '/') == NULL,
            SEC_E_CANNOT_INSTALL, "the module gives its package no name, or an impossible one");
    REQUIRE(table->Comment == NULL || is_printable(table->Comment, MODULE_COMMENT_MAX), SEC_E_CANNOT_INSTALL,
            "the module's comment is too long, or not ASCII");
    REQUIRE(table->cbMaxToken >= 1 && table->cbMaxToken <= TOKEN_MAX, SEC_E_CANNOT_INSTALL,
            "the module's cbMaxToken is not 1 to 65536");
    REQUIRE((table->fCapabilities & SECPKG_FLAG_STREAM) == 0, SEC_E_CANNOT_INSTALL,
            "modules with SECPKG_FLAG_STREAM are not for interface 1");
    REQUIRE(table->AcquireCredentials != NULL && table->FreeCredentials != NULL && table->DeleteContext != NULL &&
                (table->InitializeContext != NULL || table->AcceptContext != NULL),
            SEC_E_CANNOT_INSTALL, "the module's table lacks a function that every package has");
    return SEC_E_OK;
}

/* A slot is there if the module's is. */
#define IF(function, slot) (table->function != NULL ? (slot) : NULL)

static struct package package_of(const struct module *module)
{
    const SSPI_PACKAGE *table = &module->table;
    return (struct package){
        .name = module->name,
        .comment = module->comment,
        .capabilities = table->fCapabilities,
        .rpc_id = table->wRPCID,
        .max_token = table->cbMaxToken,
        .acquire = acquire,
        .release = release,
        .query_credential = IF(QueryCredentials, query_credential),
        .set_credential = IF(SetCredentials, set_credential),
        .initiate = IF(InitializeContext, initiate),
        .accept = IF(AcceptContext, accept),
        .complete = IF(CompleteToken, complete),
        .apply_token = IF(ApplyControlToken, apply_token),
        .sign = IF(MakeSignature, sign),
        .verify = IF(VerifySignature, verify),
        .seal = IF(EncryptMessage, seal),
        .unseal = IF(DecryptMessage, unseal),
        .query = IF(QueryContext, query),
        .set = IF(SetContext, set),
        .export_context = IF(ExportContext, export_context),
        .import_for = IF(ImportContext, import_for),
        .impersonate = IF(QueryIdentity, impersonate),
        .dispose = dispose,
    };
}

SECURITY_STATUS module_adopt(struct module *module, const SSPI_PACKAGE *table)
{
    REQUIRE(table != NULL, SEC_E_CANNOT_INSTALL, "the module says that it cannot work here");
    REQUIRE(table->cbSize >= sizeof module->table && table->dwInterface >= 1, SEC_E_CANNOT_INSTALL,
            "the module's table is shorter than that of interface 1");
    REQUIRE(table->dwInterface <= SSPI_PACKAGE_INTERFACE, SEC_E_CANNOT_INSTALL,
            "the module was written for a newer interface than this library's");
    TRY(check_table(table));
    module->table = *table;
    (void)snprintf(module->name, sizeof module->name, "%s", table->Name);
    (void)snprintf(module->comment, sizeof module->comment, "%s", table->Comment != NULL ? table->Comment : "");
    module->added.package = package_of(module);
    return SEC_E_OK;
}
