/* One side of a session as a filter, for scripts that bring the peer: this side is a GSSAPI, Heimdal's or MIT's, and the
 * program is linked to that alone.
 *
 *   gss_lines client|server krb5|spnego TARGET FLAGS        FLAGS: GSS_C_*, in hexadecimal; TARGET: a principal, or "-"
 *
 * Commands as those of sspi_lines; statuses are "complete", "continue" and "error".
 */
#include "line_peer.h"

#include <stdint.h>

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>

#define SIZE_LIMIT 150000

static gss_OID_desc krb5_mechanism = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc spnego_mechanism = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc principal_name = {10, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"};

struct side {
    int client;
    gss_OID mechanism;
    const char *target;
    OM_uint32 request, flags, major, minor;
    gss_cred_id_t credential, delegated;
    gss_ctx_id_t context;
    gss_name_t source;
    struct gss_channel_bindings_struct bindings;
};

static unsigned char input[SIZE_LIMIT], bound[300];

static void print_error(OM_uint32 major, OM_uint32 minor)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    printf(" %08x", major);
    if (gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &krb5_mechanism, &more, &text) == GSS_S_COMPLETE) {
        printf(" %.*s", (int)text.length, (char *)text.value);
        gss_release_buffer(&ignored, &text);
    }
}

static void print_result(const struct side *side, const gss_buffer_desc *out)
{
    printf("%s", GSS_ERROR(side->major) ? "error" : side->major == GSS_S_CONTINUE_NEEDED ? "continue" : "complete");
    hex_print(out->value, out->length);
    if (GSS_ERROR(side->major)) {
        print_error(side->major, side->minor);
    }
}

static void acquire(struct side *side)
{
    OM_uint32 ignored;
    gss_OID_set_desc mechanisms = {1, side->mechanism};
    gss_buffer_desc none = GSS_C_EMPTY_BUFFER;
    (void)gss_release_cred(&ignored, &side->credential);
    side->major = gss_acquire_cred(&side->minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                   side->client ? GSS_C_INITIATE : GSS_C_ACCEPT, &side->credential, NULL, NULL);
    print_result(side, &none);
}

static void again(struct side *side)
{
    OM_uint32 ignored;
    (void)gss_delete_sec_context(&ignored, &side->context, GSS_C_NO_BUFFER);
    (void)gss_release_cred(&ignored, &side->delegated);
    (void)gss_release_name(&ignored, &side->source);
}

static void step(struct side *side, const char *hex)
{
    OM_uint32 ignored;
    gss_buffer_desc in = {hex_read(hex, input, sizeof input), input}, out = GSS_C_EMPTY_BUFFER;
    gss_channel_bindings_t bindings =
        side->bindings.application_data.length != 0 ? &side->bindings : GSS_C_NO_CHANNEL_BINDINGS;
    if (side->client) {
        gss_name_t name = GSS_C_NO_NAME;
        gss_buffer_desc target = {strlen(side->target), (void *)(uintptr_t)side->target};
        (void)gss_import_name(&ignored, &target, &principal_name, &name);
        side->major =
            gss_init_sec_context(&side->minor, side->credential, &side->context, name, side->mechanism, side->request,
                                 0, bindings, in.length != 0 ? &in : GSS_C_NO_BUFFER, NULL, &out, &side->flags, NULL);
        (void)gss_release_name(&ignored, &name);
    } else {
        side->major = gss_accept_sec_context(&side->minor, &side->context, side->credential, &in, bindings,
                                             &side->source, NULL, &out, &side->flags, NULL, &side->delegated);
    }
    print_result(side, &out);
    (void)gss_release_buffer(&ignored, &out);
}

static void seal(struct side *side, const char *hex, int encrypt)
{
    OM_uint32 ignored;
    int encrypted = 0;
    gss_buffer_desc in = {hex_read(hex, input, sizeof input), input}, out = GSS_C_EMPTY_BUFFER;
    side->major = gss_wrap(&side->minor, side->context, encrypt, GSS_C_QOP_DEFAULT, &in, &encrypted, &out);
    print_result(side, &out);
    (void)gss_release_buffer(&ignored, &out);
}

static void open_message(struct side *side, const char *hex)
{
    OM_uint32 ignored;
    int encrypted = 0;
    gss_buffer_desc in = {hex_read(hex, input, sizeof input), input}, out = GSS_C_EMPTY_BUFFER;
    side->major = gss_unwrap(&side->minor, side->context, &in, &out, &encrypted, NULL);
    print_result(side, &out);
    if (!GSS_ERROR(side->major)) {
        printf(" %d", encrypted);
    }
    (void)gss_release_buffer(&ignored, &out);
}

static void signature(struct side *side, const char *hex, const char *theirs)
{
    static unsigned char token[1000];
    OM_uint32 ignored;
    gss_buffer_desc in = {hex_read(hex, input, sizeof input), input}, out = GSS_C_EMPTY_BUFFER;
    if (theirs != NULL) {
        gss_buffer_desc mic = {hex_read(theirs, token, sizeof token), token};
        side->major = gss_verify_mic(&side->minor, side->context, &in, &mic, NULL);
    } else {
        side->major = gss_get_mic(&side->minor, side->context, GSS_C_QOP_DEFAULT, &in, &out);
    }
    print_result(side, &out);
    (void)gss_release_buffer(&ignored, &out);
}

static void print_name(gss_name_t name)
{
    OM_uint32 ignored;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    if (name != GSS_C_NO_NAME && gss_display_name(&ignored, name, &text, NULL) == GSS_S_COMPLETE) {
        printf(" %.*s", (int)text.length, (char *)text.value);
        (void)gss_release_buffer(&ignored, &text);
    } else {
        printf(" -");
    }
}

static void names(struct side *side)
{
    OM_uint32 ignored;
    gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
    side->major = gss_inquire_context(&side->minor, side->context, &source, &target, NULL, NULL, NULL, NULL, NULL);
    printf("%s", GSS_ERROR(side->major) ? "error" : "complete");
    print_name(source);
    print_name(target);
    printf(" %s %x", side->delegated != GSS_C_NO_CREDENTIAL ? "delegated" : "-", side->flags);
    (void)gss_release_name(&ignored, &source);
    (void)gss_release_name(&ignored, &target);
}

static void obey(struct side *side, const struct words *words)
{
    const char *command = words->at[0];
    if (strcmp(command, "step") == 0) {
        step(side, words->at[1]);
    } else if (strcmp(command, "seal") == 0) {
        seal(side, words->at[1], 1);
    } else if (strcmp(command, "wrap") == 0) {
        seal(side, words->at[1], 0);
    } else if (strcmp(command, "open") == 0) {
        open_message(side, words->at[1]);
    } else if (strcmp(command, "sign") == 0) {
        signature(side, words->at[1], NULL);
    } else if (strcmp(command, "verify") == 0) {
        signature(side, words->at[1], words->at[2]);
    } else if (strcmp(command, "bind") == 0) {
        size_t size = hex_read(words->at[1], bound, sizeof bound);
        side->bindings = (struct gss_channel_bindings_struct){.application_data = {size, bound}};
        printf("OK -");
    } else if (strcmp(command, "names") == 0) {
        names(side);
    } else if (strcmp(command, "again") == 0) {
        again(side);
        printf("OK -");
    } else if (strcmp(command, "acquire") == 0) {
        again(side);
        acquire(side);
    } else {
        printf("what? -");
    }
    line_end();
}

int main(int argc, char **argv)
{
    static struct side side;
    static struct words words;
    OM_uint32 ignored;
    if (argc != 5) {
        fprintf(stderr, "usage: gss_lines client|server krb5|spnego TARGET FLAGS\n");
        return 2;
    }
    side = (struct side){.client = strcmp(argv[1], "client") == 0,
                         .mechanism = strcmp(argv[2], "spnego") == 0 ? &spnego_mechanism : &krb5_mechanism,
                         .target = argv[3],
                         .request = (OM_uint32)strtoul(argv[4], NULL, 16)};
    while (words_read(&words)) {
        obey(&side, &words);
    }
    again(&side);
    (void)gss_release_cred(&ignored, &side.credential);
    return 0;
}
