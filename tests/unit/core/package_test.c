/* The contract between core and a package, from the caller's side: a package of our own, which does what each test tells
 * it, stands where src/packages.c's would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/context_buffer.h"
#include "core/package.h"
#include "core/token.h"
#include "security.h"

/* ---------------------------------------------------------------- the package */

/* What the package shall do, and what it saw. */
static struct script {
    SECURITY_STATUS status;
    size_t token_size;
    bool ignore_writer; /* answer as if the token had fitted */
    bool leave_context; /* fail without taking the half-made context back, which the contract forbids */
    uint32_t flags;
    uint64_t expiry;
    uint32_t bindings_result;
    struct step_in seen;
    struct credential *seen_credential;
    uint8_t seen_target[1024];
    int contexts, credentials; /* alive now */
    int completed;
} script;

static SECURITY_STATUS fake_acquire(const struct credential_in *in, struct credential **out, uint64_t *out_expiry)
{
    *out = calloc(1, sizeof **out);
    script.credentials++;
    *out_expiry = script.expiry;
    return SEC_E_OK;
}

static void fake_release(struct credential *credential)
{
    script.credentials--;
    free(credential);
}

/* A context that keeps its credential, as real ones do. */
struct fake_context {
    struct context base;
    struct credential *credential;
};

static void fake_dispose(struct context *context)
{
    script.contexts--;
    credential_drop(((struct fake_context *)context)->credential);
    context_fini(context);
    free(context);
}

static SECURITY_STATUS fake_step(bool initiator, struct credential *credential, struct context **context,
                                 const struct step_in *in, struct step_out *out)
{
    bool first = *context == NULL;
    script.seen = *in;
    script.seen_credential = credential;
    assert_true(in->target.size <= sizeof script.seen_target);
    if (in->target.size != 0) {
        memcpy(script.seen_target, in->target.data, in->target.size);
    }
    if (first) {
        struct fake_context *made = calloc(1, sizeof *made);
        assert_non_null(made);
        context_init(&made->base, credential->package, initiator);
        made->credential = credential_hold(credential);
        script.contexts++;
        *context = &made->base;
    }
    uint8_t *token = write_space(out->token, script.token_size);
    if (token != NULL) {
        memset(token, 0xC3, script.token_size);
    }
    out->flags = script.flags;
    out->expiry = script.expiry;
    out->bindings_result = script.bindings_result;
    SECURITY_STATUS status = script.ignore_writer ? SEC_E_OK : write_end(out->token);
    if (status == SEC_E_OK) {
        status = script.status;
    }
    if (status < 0 && first && !script.leave_context) {
        fake_dispose(*context);
        *context = NULL;
    }
    return status;
}

static SECURITY_STATUS fake_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                     struct step_out *out)
{
    return fake_step(true, credential, context, in, out);
}

static SECURITY_STATUS fake_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                   struct step_out *out)
{
    return fake_step(false, credential, context, in, out);
}

static SECURITY_STATUS fake_complete(struct context *context, const struct buffers *message)
{
    script.completed++;
    return buffers_find(message, SECBUFFER_TOKEN) != NULL ? SEC_E_OK : SEC_E_INVALID_TOKEN;
}

static SECURITY_STATUS fake_query(struct context *context, uint32_t attribute, struct attribute *out)
{
    FAIL(SEC_E_UNSUPPORTED_FUNCTION, "the fake package has no attributes");
}

static SECURITY_STATUS fake_impersonate(struct context *context, struct token **out_token)
{
    static const uint16_t user[] = u"somebody";
    return token_new(utf16_from_wide(user), UTF16_NONE, false, NULL, out_token);
}

#define MAX_TOKEN 6000 /* more than core builds on its stack */

static const struct package fake = {
    .name = "Fake",
    .comment = "A package that does as it is told",
    .capabilities = SECPKG_FLAG_EXTENDED_ERROR,
    .rpc_id = 77,
    .max_token = MAX_TOKEN,
    .acquire = fake_acquire,
    .release = fake_release,
    .initiate = fake_initiate,
    .accept = fake_accept,
    .complete = fake_complete,
    .query = fake_query,
    .impersonate = fake_impersonate,
    .dispose = fake_dispose,
};

/* Nothing but credentials and contexts, and another name. */
static const struct package bare = {
    .name = "Bare",
    .comment = "",
    .max_token = 10,
    .acquire = fake_acquire,
    .release = fake_release,
    .initiate = fake_initiate,
    .accept = fake_accept,
    .dispose = fake_dispose,
};

const struct package *const packages[] = {&fake, &bare};
const size_t package_count = 2;

/* ---------------------------------------------------------------- a caller */

static char fake_name[] = "FAKE";
static char bare_name[] = "bare";

static CredHandle acquire(char *package)
{
    CredHandle credential = {0, 0};
    assert_int_equal(
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    return credential;
}

static int set_up(void **state)
{
    script = (struct script){.status = SEC_I_CONTINUE_NEEDED, .token_size = 20, .expiry = CLOCK_NEVER};
    return 0;
}

static int nothing_left(void **state)
{
    assert_int_equal(script.contexts, 0);
    assert_int_equal(script.credentials, 0);
    return 0;
}

struct io {
    SecBuffer buffers[2];
    SecBufferDesc descriptor;
    uint8_t bytes[MAX_TOKEN];
    uint8_t result[4];
};

/* A TOKEN buffer of `size`, and one for the verdict on the bindings. */
static SecBufferDesc *io_init(struct io *io, ULONG size)
{
    memset(io, 0, sizeof *io);
    io->buffers[0] = (SecBuffer){.cbBuffer = size, .BufferType = SECBUFFER_TOKEN, .pvBuffer = io->bytes};
    io->buffers[1] = (SecBuffer){
        .cbBuffer = sizeof io->result, .BufferType = SECBUFFER_CHANNEL_BINDINGS_RESULT, .pvBuffer = io->result};
    io->descriptor = (SecBufferDesc){.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = io->buffers};
    return &io->descriptor;
}

static SECURITY_STATUS initiate(CredHandle *credential, CtxtHandle *context, ULONG flags, SecBufferDesc *input,
                                CtxtHandle *out_context, SecBufferDesc *output)
{
    return InitializeSecurityContextA(credential, context, NULL, flags, 0, 0, input, 0, out_context, output, NULL,
                                      NULL);
}

static void close_all(CredHandle *credential, CtxtHandle *context)
{
    assert_int_equal(FreeCredentialsHandle(credential), SEC_E_OK);
    if (context != NULL) {
        assert_int_equal(DeleteSecurityContext(context), SEC_E_OK);
    }
}

/* ---------------------------------------------------------------- tests */

static void test_find(void **state)
{
    static const uint16_t wide[] = u"fAkE";
    assert_ptr_equal(package_find_utf8("fake"), &fake);
    assert_ptr_equal(package_find_utf8("BARE"), &bare);
    assert_null(package_find_utf8("Fak"));
    assert_null(package_find_utf8(""));
    assert_ptr_equal(package_find(utf16_from_wide(wide)), &fake);
    assert_null(package_find(UTF16_NONE));
    assert_null(package_find((struct utf16){(const uint8_t *)wide, 6}));
}

static void test_package_info_block_is_exact(void **state)
{
    PSecPkgInfoA narrow = NULL;
    PSecPkgInfoW wide = NULL;
    ULONG count = 0;
    size_t texts = strlen(fake.name) + 1 + strlen(fake.comment) + 1;
    assert_int_equal(QuerySecurityPackageInfoA(fake_name, &narrow), SEC_E_OK);
    assert_int_equal(context_buffer_size(narrow), sizeof *narrow + texts);
    assert_string_equal(narrow->Name, "Fake");
    assert_int_equal(FreeContextBuffer(narrow), SEC_E_OK);
    assert_int_equal(EnumerateSecurityPackagesW(&count, &wide), SEC_E_OK);
    assert_int_equal(count, 2);
    assert_int_equal(context_buffer_size(wide), 2 * sizeof *wide + 2 * (texts + strlen("Bare") + 2));
    assert_ptr_equal(wide[0].Name, wide + 2);
    assert_int_equal(FreeContextBuffer(wide), SEC_E_OK);
}

/* PACKAGE_INFO is core's to answer, whatever the package offers, in a block of the exact size. */
static void test_package_info_of_any_context(void **state)
{
    struct io out;
    CtxtHandle context;
    SecPkgContext_PackageInfoA info = {0};
    SecPkgContext_NegotiationInfoA negotiation = {0};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_PACKAGE_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Fake");
    assert_int_equal(info.PackageInfo->wRPCID, 77);
    assert_int_equal(context_buffer_size(info.PackageInfo),
                     sizeof(SecPkgInfoA) + strlen(fake.name) + 1 + strlen(fake.comment) + 1);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    assert_null(SspiExtLastReason(NULL));
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation),
                     SEC_E_UNSUPPORTED_FUNCTION);
    close_all(&credential, &context);
}

static void test_absent_slots(void **state)
{
    struct io out;
    CtxtHandle context;
    CtxtHandle moved = {7, 7};
    SecBuffer packed = {0};
    HANDLE token = NULL;
    SecPkgContext_Sizes sizes;
    SecPkgCredentials_NamesA names;
    CredHandle credential = acquire(bare_name);
    script.token_size = 0;
    script.status = SEC_E_OK;
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, NULL, NULL, NULL), SEC_E_OK);
    io_init(&out, 16);
    assert_int_equal(MakeSignature(&context, 0, &out.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(VerifySignature(&context, &out.descriptor, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(EncryptMessage(&context, 0, &out.descriptor, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(DecryptMessage(&context, &out.descriptor, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ApplyControlToken(&context, &out.descriptor), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QueryContextAttributesA(&context, SECPKG_ATTR_SIZES, &sizes), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SetContextAttributesA(&context, 1, out.bytes, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ExportSecurityContext(&context, 0, &packed, &token), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ImpersonateSecurityContext(&context), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QuerySecurityContextToken(&context, &token), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names),
                     SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SetCredentialsAttributesA(&credential, 3, out.bytes, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SspiExtSetVerifier(&credential, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(ImportSecurityContextA(bare_name, &packed, NULL, &moved), SEC_E_UNSUPPORTED_FUNCTION);
    close_all(&credential, &context);
}

/* A failing first leg: no handle, no context left, even when the package forgot to take its context back. */
static void test_failed_first_leg_leaves_nothing(void **state)
{
    struct io out;
    CtxtHandle context = {7, 7};
    ULONG attributes = 7;
    TimeStamp expiry = {.QuadPart = 7};
    CredHandle credential = acquire(fake_name);
    script.status = SEC_E_LOGON_DENIED;
    for (int forgets = 0; forgets < 2; forgets++) {
        script.leave_context = forgets != 0;
        assert_int_equal(
            AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, io_init(&out, 100), &attributes, &expiry),
            SEC_E_LOGON_DENIED);
        assert_int_equal(script.contexts, 0);
        assert_int_equal(context.dwLower, 7);
        assert_int_equal(context.dwUpper, 7);
        assert_int_equal(attributes, 7);
        assert_int_equal(expiry.QuadPart, 7);
        assert_int_equal(out.buffers[0].cbBuffer, 100);
    }
    close_all(&credential, NULL);
}

/* A package that does not ask the writer whether its token fitted is found out. */
static void test_truncated_token_is_never_handed_out(void **state)
{
    struct io out;
    CtxtHandle context = {7, 7};
    CredHandle credential = acquire(fake_name);
    script.ignore_writer = true;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 19)), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(script.contexts, 0);
    assert_int_equal(context.dwLower, 7);
    assert_int_equal(out.buffers[0].cbBuffer, 19);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, NULL), SEC_E_BUFFER_TOO_SMALL);
    close_all(&credential, NULL);
}

static void test_allocated_token_is_exact(void **state)
{
    static const size_t sizes[] = {1, 20, 4095, 4096, 4097, MAX_TOKEN};
    CredHandle credential = acquire(fake_name);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct io out;
        CtxtHandle context;
        script.token_size = sizes[i];
        io_init(&out, 0);
        out.buffers[0].pvBuffer = NULL;
        assert_int_equal(initiate(&credential, NULL, ISC_REQ_ALLOCATE_MEMORY, NULL, &context, &out.descriptor),
                         SEC_I_CONTINUE_NEEDED);
        assert_int_equal(out.buffers[0].cbBuffer, sizes[i]);
        assert_int_equal(context_buffer_size(out.buffers[0].pvBuffer), sizes[i]);
        assert_int_equal(((uint8_t *)out.buffers[0].pvBuffer)[sizes[i] - 1], 0xC3);
        assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
        assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    }
    script.token_size = MAX_TOKEN + 1;
    struct io out;
    CtxtHandle context;
    assert_int_equal(initiate(&credential, NULL, ISC_REQ_ALLOCATE_MEMORY, NULL, &context, io_init(&out, 0)),
                     SEC_E_BUFFER_TOO_SMALL);
    close_all(&credential, NULL);
}

static void test_incomplete_message_touches_nothing(void **state)
{
    struct io out;
    CtxtHandle context;
    CtxtHandle again = {7, 7};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    script.status = SEC_E_INCOMPLETE_MESSAGE;
    io_init(&out, 100);
    out.buffers[0].pvBuffer = NULL;
    assert_int_equal(
        initiate(NULL, &context, ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY, NULL, &again, &out.descriptor),
        SEC_E_INCOMPLETE_MESSAGE);
    assert_int_equal(out.buffers[0].cbBuffer, 100);
    assert_null(out.buffers[0].pvBuffer);
    assert_int_equal(again.dwLower, 7);
    close_all(&credential, &context);
}

/* An error token goes out when the caller asked for one and the package has such tokens. */
static void test_error_tokens(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle with = acquire(fake_name);
    CredHandle without = acquire(bare_name);
    script.status = SEC_E_LOGON_DENIED;
    assert_int_equal(
        AcceptSecurityContext(&with, NULL, NULL, ASC_REQ_EXTENDED_ERROR, 0, &context, io_init(&out, 100), NULL, NULL),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 20);
    assert_int_equal(out.bytes[19], 0xC3);
    /* The bit that means this for a client means something else for a server. */
    assert_int_equal(
        AcceptSecurityContext(&with, NULL, NULL, ISC_REQ_EXTENDED_ERROR, 0, &context, io_init(&out, 100), NULL, NULL),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 100);
    assert_int_equal(
        initiate(&with, NULL, ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY, NULL, &context, io_init(&out, 0)),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 20);
    assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
    script.token_size = 5;
    assert_int_equal(AcceptSecurityContext(&without, NULL, NULL, ASC_REQ_EXTENDED_ERROR, 0, &context,
                                           io_init(&out, 100), NULL, NULL),
                     SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 100);
    close_all(&with, NULL);
    close_all(&without, NULL);
}

static void test_verdict_on_the_bindings(void **state)
{
    static const uint8_t untouched[4] = {0};
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    script.bindings_result = SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISMATCH;
    script.status = SEC_E_BAD_BINDINGS;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_BAD_BINDINGS);
    assert_memory_equal(out.result, "\4\0\0\0", 4);
    script.status = SEC_E_LOGON_DENIED;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_LOGON_DENIED);
    assert_memory_equal(out.result, untouched, 4);
    script.status = SEC_E_BAD_BINDINGS;
    io_init(&out, 100);
    out.buffers[1].cbBuffer = 3; /* too small for it */
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_BAD_BINDINGS);
    assert_memory_equal(out.result, untouched, 4);
    script.status = SEC_E_OK;
    script.bindings_result = SEC_CHANNEL_BINDINGS_RESULT_VALID_MATCHED;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_OK);
    assert_memory_equal(out.result, "\x10\0\0\0", 4);
    close_all(&credential, &context);
}

/* What the package is told: token, bindings and target by type, whatever their order and attributes. */
static void test_what_a_step_is_given(void **state)
{
    uint8_t token[] = {1, 2, 3};
    uint8_t bindings[] = {4, 5};
    char host[] = "h\xc3\xb6st";
    char target[] = "z\xc3\xbcrich";
    static const uint8_t host_wide[] = {'h', 0, 0xf6, 0, 's', 0, 't', 0};
    static const uint8_t target_wide[] = {'z', 0, 0xfc, 0, 'r', 0, 'i', 0, 'c', 0, 'h', 0};
    SecBuffer list[] = {
        {.cbBuffer = 4711, .BufferType = SECBUFFER_EMPTY},
        {.cbBuffer = 5, .BufferType = SECBUFFER_TARGET_HOST | SECBUFFER_READONLY, .pvBuffer = host},
        {.cbBuffer = 2, .BufferType = SECBUFFER_CHANNEL_BINDINGS | SECBUFFER_READONLY, .pvBuffer = bindings},
        {.cbBuffer = 3, .BufferType = SECBUFFER_TOKEN | SECBUFFER_READONLY, .pvBuffer = token},
    };
    SecBufferDesc input = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 4, .pBuffers = list};
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0x12345600, &input, &context, io_init(&out, 100)),
                     SEC_I_CONTINUE_NEEDED);
    assert_true(script.seen.has_token);
    assert_ptr_equal(script.seen.token.data, token);
    assert_int_equal(script.seen.token.size, 3);
    assert_ptr_equal(script.seen.bindings.data, bindings);
    assert_int_equal(script.seen.flags, 0x12345600);
    assert_int_equal(script.seen.target.size, sizeof host_wide);
    assert_memory_equal(script.seen_target, host_wide, sizeof host_wide);
    assert_int_equal(
        InitializeSecurityContextA(NULL, &context, target, 0, 0, 0, &input, 0, NULL, io_init(&out, 100), NULL, NULL),
        SEC_I_CONTINUE_NEEDED);
    assert_int_equal(script.seen.target.size, sizeof target_wide);
    assert_memory_equal(script.seen_target, target_wide, sizeof target_wide);
    assert_int_equal(initiate(NULL, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_false(script.seen.has_token);
    assert_int_equal(script.seen.target.size, 0);
    close_all(&credential, &context);
}

/* Names that the short way through the stack does not take: long ones, and what is not UTF-8. */
static void test_long_and_broken_targets(void **state)
{
    char longest[400];
    char broken[] = "h\xffst";
    struct io out;
    CtxtHandle context = {7, 7};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(InitializeSecurityContextA(&credential, NULL, broken, 0, 0, 0, NULL, 0, &context,
                                                io_init(&out, 100), NULL, NULL),
                     SEC_E_INVALID_TOKEN);
    assert_int_equal(context.dwLower, 7);
    memset(longest, 'x', sizeof longest);
    static const size_t lengths[] = {0, 1, 255, 256, 257, 399};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        longest[lengths[i]] = '\0';
        assert_int_equal(InitializeSecurityContextA(&credential, NULL, longest, 0, 0, 0, NULL, 0, &context,
                                                    io_init(&out, 100), NULL, NULL),
                         SEC_I_CONTINUE_NEEDED);
        assert_int_equal(script.seen.target.size, 2 * lengths[i]);
        assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
        longest[lengths[i]] = 'x';
    }
    close_all(&credential, NULL);
}

/* A context never sees a credential of another package. */
static void test_foreign_credential_on_a_later_leg(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle own = acquire(fake_name);
    CredHandle foreign = acquire(bare_name);
    assert_int_equal(initiate(&own, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_non_null(script.seen_credential);
    assert_int_equal(initiate(&own, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_non_null(script.seen_credential);
    assert_int_equal(initiate(&foreign, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_null(script.seen_credential);
    close_all(&own, &context);
    close_all(&foreign, NULL);
}

static void test_credential_lives_as_long_as_its_contexts(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_OK);
    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_INVALID_HANDLE);
    assert_int_equal(script.credentials, 1);
    assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    assert_int_equal(script.credentials, 0);
}

static void test_complete(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    script.status = SEC_I_COMPLETE_AND_CONTINUE;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_COMPLETE_AND_CONTINUE);
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_OK);
    assert_int_equal(script.completed, 1);
    assert_int_equal(CompleteAuthToken(&context, NULL), SEC_E_INVALID_TOKEN);
    out.descriptor.ulVersion = 1;
    assert_int_equal(CompleteAuthToken(&context, &out.descriptor), SEC_E_INVALID_TOKEN);
    assert_int_equal(script.completed, 2);
    close_all(&credential, &context);
}

/* Only the acceptor's context stands for somebody, and only once SEC_E_OK was answered: core sees to it. */
static void test_whom_a_context_stands_for(void **state)
{
    struct io out;
    CtxtHandle server;
    CtxtHandle client;
    HANDLE token = NULL;
    SecPkgContext_AccessToken access = {0};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &server, io_init(&out, 100), NULL, NULL),
                     SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QuerySecurityContextToken(&server, &token), SEC_E_NO_IMPERSONATION);
    assert_int_equal(QueryContextAttributesA(&server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_NO_IMPERSONATION);
    assert_int_equal(ImpersonateSecurityContext(&server), SEC_E_NO_IMPERSONATION);
    script.status = SEC_E_OK;
    assert_int_equal(AcceptSecurityContext(NULL, &server, NULL, 0, 0, NULL, io_init(&out, 100), NULL, NULL), SEC_E_OK);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &client, io_init(&out, 100)), SEC_E_OK);
    assert_int_equal(QuerySecurityContextToken(&server, &token), SEC_E_OK);
    assert_true(CloseHandle(token));
    assert_int_equal(QueryContextAttributesA(&server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    assert_non_null(access.AccessToken);
    assert_int_equal(ImpersonateSecurityContext(&server), SEC_E_OK);
    assert_int_equal(utf16_length(token_user(token_current())), 8);
    assert_int_equal(RevertSecurityContext(&server), SEC_E_OK);
    assert_null(token_current());
    assert_int_equal(QuerySecurityContextToken(&client, &token), SEC_E_NO_IMPERSONATION);
    assert_int_equal(ImpersonateSecurityContext(&client), SEC_E_NO_IMPERSONATION);
    assert_int_equal(DeleteSecurityContext(&client), SEC_E_OK);
    close_all(&credential, &server);
}

/* Times go out as local ones, "never" stays what it is, and every pointer for results may be NULL. */
static void test_expiry_is_local(void **state)
{
    struct io out;
    CtxtHandle context;
    TimeStamp expiry = {.QuadPart = 0};
    ULONG attributes = 0;
    CredHandle credential = acquire(fake_name);
    setenv("TZ", "XST-05:30", 1); /* five and a half hours east */
    tzset();
    script.expiry = UINT64_C(133000000000000000);
    script.flags = ISC_RET_REPLAY_DETECT;
    assert_int_equal(InitializeSecurityContextA(&credential, NULL, NULL, ISC_REQ_ALLOCATE_MEMORY, 0, 0, NULL, 0,
                                                &context, io_init(&out, 100), &attributes, &expiry),
                     SEC_I_CONTINUE_NEEDED);
    assert_int_equal(expiry.QuadPart, INT64_C(133000000000000000) + INT64_C(19800) * 10000000);
    assert_int_equal(attributes, ISC_RET_REPLAY_DETECT | ISC_RET_ALLOCATED_MEMORY);
    assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
    script.expiry = CLOCK_NEVER;
    assert_int_equal(
        InitializeSecurityContextA(NULL, &context, NULL, 0, 0, 0, NULL, 0, NULL, io_init(&out, 100), NULL, &expiry),
        SEC_I_CONTINUE_NEEDED);
    assert_int_equal(expiry.QuadPart, INT64_MAX);
    close_all(&credential, &context);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_find),
        TEST(test_package_info_block_is_exact),
        TEST(test_package_info_of_any_context),
        TEST(test_absent_slots),
        TEST(test_failed_first_leg_leaves_nothing),
        TEST(test_truncated_token_is_never_handed_out),
        TEST(test_allocated_token_is_exact),
        TEST(test_incomplete_message_touches_nothing),
        TEST(test_error_tokens),
        TEST(test_verdict_on_the_bindings),
        TEST(test_what_a_step_is_given),
        TEST(test_long_and_broken_targets),
        TEST(test_foreign_credential_on_a_later_leg),
        TEST(test_credential_lives_as_long_as_its_contexts),
        TEST(test_complete),
        TEST(test_whom_a_context_stands_for),
        TEST(test_expiry_is_local),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("package", tests, NULL, NULL);
}
