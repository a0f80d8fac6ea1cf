#include "fake.h"

#include <stdlib.h>
#include <string.h>

#include "core/token.h"

struct script script;

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
    if (first && script.refusals > 0) {
        script.refusals--;
        write_bytes(out->token, bytes_of("refused ", 8));
        write_u8(out->token, (uint8_t)('0' + script.refusals));
        return script.refusal;
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
    return token_new(utf16_from_wide(user), UTF16_NONE, script.anonymous, NULL, out_token);
}

static SECURITY_STATUS fake_add(struct credential *credential, const struct package *package,
                                const struct credential_in *in, uint64_t *out_expiry)
{
    REQUIRE(package == credential->package, SEC_E_UNSUPPORTED_FUNCTION, "the fake package takes its own alone");
    return credential_add(credential, in, out_expiry);
}

const struct package fake = {
    .name = "Fake",
    .comment = "A package that does as it is told",
    .capabilities = SECPKG_FLAG_EXTENDED_ERROR,
    .rpc_id = 77,
    .max_token = MAX_TOKEN,
    .acquire = fake_acquire,
    .release = fake_release,
    .add = fake_add,
    .initiate = fake_initiate,
    .accept = fake_accept,
    .complete = fake_complete,
    .query = fake_query,
    .impersonate = fake_impersonate,
    .dispose = fake_dispose,
};

/* Nothing but credentials and contexts, and another name. */
const struct package bare = {
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

char fake_name[] = "FAKE";
char bare_name[] = "bare";

CredHandle acquire(char *package)
{
    CredHandle credential = {0, 0};
    assert_int_equal(
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_BOTH, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    return credential;
}

int fake_set_up(void **state)
{
    script = (struct script){.status = SEC_I_CONTINUE_NEEDED, .token_size = 20, .expiry = CLOCK_NEVER};
    return 0;
}

int fake_nothing_left(void **state)
{
    assert_int_equal(script.contexts, 0);
    assert_int_equal(script.credentials, 0);
    return 0;
}

SecBufferDesc *io_init(struct io *io, ULONG size)
{
    memset(io, 0, sizeof *io);
    io->buffers[0] = (SecBuffer){.cbBuffer = size, .BufferType = SECBUFFER_TOKEN, .pvBuffer = io->bytes};
    io->buffers[1] = (SecBuffer){
        .cbBuffer = sizeof io->result, .BufferType = SECBUFFER_CHANNEL_BINDINGS_RESULT, .pvBuffer = io->result};
    io->descriptor = (SecBufferDesc){.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = io->buffers};
    return &io->descriptor;
}

SECURITY_STATUS initiate(CredHandle *credential, CtxtHandle *context, ULONG flags, SecBufferDesc *input,
                         CtxtHandle *out_context, SecBufferDesc *output)
{
    return InitializeSecurityContextA(credential, context, NULL, flags, 0, 0, input, 0, out_context, output, NULL,
                                      NULL);
}

void close_all(CredHandle *credential, CtxtHandle *context)
{
    assert_int_equal(FreeCredentialsHandle(credential), SEC_E_OK);
    if (context != NULL) {
        assert_int_equal(DeleteSecurityContext(context), SEC_E_OK);
    }
}
