#include "negotiate_sides.h"

#include "negotiate/negotiate.h"
#include "ntlm/ntlm.h"

const struct package *const packages[] = {&negotiate_package, &toy_package, &ntlm_package};
const size_t package_count = sizeof packages / sizeof packages[0];

WCHAR negotiate_name[] = u"Negotiate";

int set_up(void **state)
{
    toy = (struct toy){.legs = 2, .rule = MECH_LIST_MIC_OPTIONAL};
    return 0;
}

int nothing_left(void **state)
{
    return toy.contexts != 0 || toy.credentials != 0;
}

SECURITY_STATUS get_client(struct sides *sides, const char *user, const char *domain, const char *list)
{
    SEC_WINNT_AUTH_IDENTITY_EXA identity = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof identity,
        .User = (unsigned char *)(uintptr_t)user,
        .UserLength = (ULONG)strlen(user),
        .Domain = (unsigned char *)(uintptr_t)domain,
        .DomainLength = (ULONG)strlen(domain),
        .Password = (unsigned char *)(uintptr_t) "Password",
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
        .PackageList = (unsigned char *)(uintptr_t)list,
        .PackageListLength = list != NULL ? (ULONG)strlen(list) : 0,
    };
    return AcquireCredentialsHandleW(NULL, negotiate_name, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                     &sides->client.credential, NULL);
}

void begin_with(struct sides *sides, const char *list)
{
    memset(sides, 0, sizeof *sides);
    sides->target = HERE;
    sides->request = PAIR_SEAL;
    assert_int_equal(get_client(sides, "User", "Domain", list), SEC_E_OK);
    assert_int_equal(AcquireCredentialsHandleW(NULL, negotiate_name, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                               &sides->server.credential, NULL),
                     SEC_E_OK);
    assert_int_equal(SspiExtSetVerifier(&sides->server.credential, pair_verify, (void *)(uintptr_t)pair_nt_hash),
                     SEC_E_OK);
}

void begin(struct sides *sides)
{
    begin_with(sides, NULL);
}

void end_side(struct side *side)
{
    if (side->has_context) {
        assert_int_equal(DeleteSecurityContext(&side->context), SEC_E_OK);
    }
    assert_int_equal(FreeCredentialsHandle(&side->credential), SEC_E_OK);
}

void end(struct sides *sides)
{
    end_side(&sides->client);
    end_side(&sides->server);
}

/* One leg of either side; NULL for no token at all. */
SECURITY_STATUS leg(struct sides *sides, bool client, const struct pair_token *in)
{
    struct side *side = client ? &sides->client : &sides->server;
    struct pair_token answer = {.size = 0};
    SecBuffer in_buffer = {in != NULL ? in->size : 0, SECBUFFER_TOKEN, in != NULL ? (void *)(uintptr_t)in->data : NULL};
    SecBuffer out_buffer = {sizeof answer.data, SECBUFFER_TOKEN, answer.data};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer}, out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    CtxtHandle *context = side->has_context ? &side->context : NULL;
    SECURITY_STATUS status =
        client ? InitializeSecurityContextA(&side->credential, context, (char *)(uintptr_t)sides->target,
                                            sides->request, 0, SECURITY_NATIVE_DREP, in != NULL ? &in_desc : NULL, 0,
                                            &side->context, &out_desc, &side->attributes, NULL)
               : AcceptSecurityContext(&side->credential, context, &in_desc, 0, SECURITY_NATIVE_DREP, &side->context,
                                       &out_desc, &side->attributes, NULL);
    if (status >= 0) {
        side->has_context = true;
        answer.size = out_buffer.cbBuffer;
        side->last = answer;
    }
    return status;
}

SECURITY_STATUS client_leg(struct sides *sides, const struct pair_token *in)
{
    return leg(sides, true, in);
}

SECURITY_STATUS server_leg(struct sides *sides, const struct pair_token *in)
{
    return leg(sides, false, in);
}

/* The client begins. */
void opens(struct sides *sides)
{
    assert_int_equal(client_leg(sides, NULL), SEC_I_CONTINUE_NEEDED);
}

/* Each side takes what the other one said, until both are through; SEC_E_OK, or the first failure. */
SECURITY_STATUS go_on(struct sides *sides)
{
    SECURITY_STATUS client = SEC_I_CONTINUE_NEEDED, server = SEC_I_CONTINUE_NEEDED;
    for (int i = 0; i < 8 && (client != SEC_E_OK || server != SEC_E_OK); i++) {
        if (sides->client.last.size != 0) {
            server = server_leg(sides, &sides->client.last);
            sides->client.last.size = 0;
        } else {
            client = client_leg(sides, &sides->server.last);
        }
        if (client < 0 || server < 0) {
            return client < 0 ? client : server;
        }
    }
    assert_int_equal(client, SEC_E_OK);
    assert_int_equal(server, SEC_E_OK);
    assert_int_equal(sides->client.last.size, 0);
    return SEC_E_OK;
}

struct neg_token parsed(const struct pair_token *token)
{
    struct neg_token out;
    assert_int_equal(neg_token_parse(bytes_of(token->data, token->size), &out), SEC_E_OK);
    return out;
}

void put(const struct neg_token *token, struct pair_token *out)
{
    struct pair_token made;
    struct writer writer = write_into(made.data, sizeof made.data);
    assert_int_equal(neg_token_build(token, &writer), SEC_E_OK);
    made.size = (ULONG)writer.size;
    *out = made;
}

void put_hex(const char *text, struct pair_token *out)
{
    struct hex bytes = hex(text);
    memcpy(out->data, bytes.data, bytes.size);
    out->size = (ULONG)bytes.size;
}

struct neg_oid oid(const char *text)
{
    struct hex bytes = hex(text);
    struct neg_oid out = {.size = (uint8_t)bytes.size};
    memcpy(out.der, bytes.data, bytes.size);
    return out;
}

/* Rewrites the client's list. */
void put_list(const struct neg_token *token, const char *list, struct pair_token *out)
{
    struct hex bytes = hex(list);
    struct neg_token changed = *token;
    changed.mech_types = HEX_BYTES(bytes);
    put(&changed, out);
}

void assert_list(const struct pair_token *token, const char *list)
{
    struct neg_token init = parsed(token);
    assert_int_equal(init.kind, NEG_TOKEN_INIT);
    assert_hex(init.mech_types.data, init.mech_types.size, list);
    neg_token_free(&init);
}

ULONG state_of(CtxtHandle *context, const char *package)
{
    SecPkgContext_NegotiationInfoA info = {NULL};
    assert_int_equal(QueryContextAttributesA(context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, package);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    return info.NegotiationState;
}

void assert_package(struct sides *sides, const char *package)
{
    assert_int_equal(state_of(&sides->client.context, package), SECPKG_NEGOTIATION_COMPLETE);
    assert_int_equal(state_of(&sides->server.context, package), SECPKG_NEGOTIATION_COMPLETE);
}
