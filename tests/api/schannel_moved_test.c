/* Connections that were moved (ExportSecurityContext, ImportSecurityContext), both as they go on against a bare OpenSSL and as
 * what is left where they came from. */
#include "tls_peer.h"

#define MOVED_NAME ((SEC_CHAR *)(uintptr_t)UNISP_NAME_A)
#define ROOM       1024
#define NUMBERS    54 /* in front of the two directions */

static const struct peer_options kinds[] = {
    {.we_are_client = true, .version = TLS1_3_VERSION},
    {.version = TLS1_3_VERSION},
    {.we_are_client = true, .version = TLS1_2_VERSION},
    {.version = TLS1_2_VERSION},
    {.version = TLS1_2_VERSION, .suites = "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* ---------------------------------------------------------------- messages */

static SECURITY_STATUS seal(struct peer *peer, const char *text, uint8_t *wire, size_t *size)
{
    SecPkgContext_StreamSizes sizes;
    peer_query(peer, SECPKG_ATTR_STREAM_SIZES, &sizes);
    memcpy(wire + sizes.cbHeader, text, strlen(text) + 1);
    SecBuffer parts[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, wire},
                          {(ULONG)strlen(text) + 1, SECBUFFER_DATA, wire + sizes.cbHeader},
                          {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, wire + sizes.cbHeader + strlen(text) + 1},
                          {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, parts};
    SECURITY_STATUS status = EncryptMessage(&peer->context, 0, &message, 0);
    if (status == SEC_E_OK) {
        memmove(wire + parts[0].cbBuffer, parts[1].pvBuffer, parts[1].cbBuffer);
        memmove(wire + parts[0].cbBuffer + parts[1].cbBuffer, parts[2].pvBuffer, parts[2].cbBuffer);
        *size = (size_t)parts[0].cbBuffer + parts[1].cbBuffer + parts[2].cbBuffer;
    }
    return status;
}

/* One record of what is on its way to us; where `text` is not NULL it has to be that. */
static SECURITY_STATUS unseal(struct peer *peer, const char *text)
{
    SecBuffer at[4] = {{(ULONG)peer->in_size, SECBUFFER_DATA, peer->in}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, at};
    SECURITY_STATUS status = DecryptMessage(&peer->context, &message, 0, NULL);
    if (status >= 0 && text != NULL) {
        assert_int_equal(at[1].BufferType, SECBUFFER_DATA);
        assert_int_equal(at[1].cbBuffer, strlen(text) == 0 ? 0 : strlen(text) + 1);
        assert_memory_equal(at[1].pvBuffer, text, at[1].cbBuffer);
    }
    size_t left = at[3].BufferType == SECBUFFER_EXTRA ? at[3].cbBuffer : 0;
    memmove(peer->in, peer->in + peer->in_size - left, left);
    peer->in_size = left;
    return status;
}

static void openssl_says(struct peer *peer, const char *text)
{
    assert_int_equal(SSL_write(peer->ssl, text, (int)strlen(text) + 1), (int)strlen(text) + 1);
    int got = BIO_read(SSL_get_wbio(peer->ssl), peer->in + peer->in_size, (int)(sizeof peer->in - peer->in_size));
    assert_true(got > 0);
    peer->in_size += (size_t)got;
}

static void openssl_hears(struct peer *peer, const char *text)
{
    uint8_t wire[ROOM];
    char heard[ROOM];
    size_t size = 0;
    assert_status(seal(peer, text, wire, &size), SEC_E_OK);
    assert_int_equal(BIO_write(SSL_get_rbio(peer->ssl), wire, (int)size), (int)size);
    assert_int_equal(SSL_read(peer->ssl, heard, sizeof heard), (int)strlen(text) + 1);
    assert_string_equal(heard, text);
}

static ULONG step_made; /* bytes */

/* A step without input; what comes of it goes to OpenSSL. */
static SECURITY_STATUS step(struct peer *peer)
{
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    ULONG attributes;
    SECURITY_STATUS status =
        peer->options.we_are_client
            ? InitializeSecurityContextA(NULL, &peer->context, NULL, ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_STREAM, 0, 0,
                                         NULL, 0, NULL, &output, &attributes, NULL)
            : AcceptSecurityContext(NULL, &peer->context, NULL, ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_STREAM, 0, NULL,
                                    &output, &attributes, NULL);
    if (status == SEC_E_OK && out.cbBuffer != 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(peer->ssl), out.pvBuffer, (int)out.cbBuffer), (int)out.cbBuffer);
    }
    step_made = out.cbBuffer;
    FreeContextBuffer(out.pvBuffer);
    return status;
}

static SECURITY_STATUS control(struct peer *peer, void *token, ULONG size)
{
    SecBuffer buffer = {size, SECBUFFER_TOKEN, token};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &buffer};
    return ApplyControlToken(&peer->context, &input);
}

static void move(struct peer *peer)
{
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    assert_status(ExportSecurityContext(&peer->context, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
    assert_status(ImportSecurityContextA(MOVED_NAME, &packed, NULL, &peer->context), SEC_E_OK);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
}

/* ---------------------------------------------------------------- going on */

/* Moved again and again, before and after each message; a key of TLS 1.2 that was used is not had again. */
static void test_again_and_again(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct peer peer;
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        openssl_hears(&peer, "from the first process");
        openssl_says(&peer, "to the first process");
        assert_status(unseal(&peer, "to the first process"), SEC_E_OK);
        openssl_says(&peer, "on its way");
        move(&peer);
        move(&peer);
        assert_status(unseal(&peer, "on its way"), SEC_E_OK);
        openssl_hears(&peer, "from the third process");
        SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
        if (kinds[i].version == TLS1_2_VERSION) {
            assert_status(ExportSecurityContext(&peer.context, 0, &packed, NULL), SEC_E_UNSUPPORTED_FUNCTION);
        } else {
            move(&peer);
        }
        openssl_says(&peer, "and it goes on");
        assert_status(unseal(&peer, "and it goes on"), SEC_E_OK);
        openssl_hears(&peer, "and on");
        peer_close(&peer);
    }
}

/* KeyUpdates of both directions, on each side of a move (RFC 8446 4.6.3): one that is owed is paid where the connection is. */
static void test_key_updates(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        for (int by_step = 0; by_step < 2; by_step++) {
            struct peer peer;
            peer_open(&peer, &kinds[i]);
            peer_establish(&peer);
            openssl_hears(&peer, "under the first key");
            for (int round = 0; round < 3; round++) {
                assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
                openssl_says(&peer, "under the next key");
                assert_status(unseal(&peer, ""), SEC_E_OK); /* the KeyUpdate */
                move(&peer);                                /* owes one */
                assert_status(unseal(&peer, "under the next key"), SEC_E_OK);
                if (by_step == 1) {
                    assert_status(step(&peer), SEC_E_OK);
                    move(&peer); /* owes nothing any more */
                    assert_status(step(&peer), SEC_E_UNSUPPORTED_FUNCTION);
                }
                openssl_hears(&peer, "under our next key");
                move(&peer);
                openssl_hears(&peer, "and under the same");
            }
            peer_close(&peer);
        }
    }
}

/* Whoever has said that he says no more does not answer the wish for a KeyUpdate either (RFC 8446 6.1), moved or not. */
static void test_no_update_behind_the_end(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct peer peer;
        DWORD shutdown = SCHANNEL_SHUTDOWN;
        peer_open(&peer, &kinds[i % 2]);
        peer_establish(&peer);
        assert_status(control(&peer, &shutdown, sizeof shutdown), SEC_E_OK);
        assert_status(step(&peer), SEC_E_OK);
        assert_true(step_made != 0);
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        openssl_says(&peer, "still heard");
        assert_status(unseal(&peer, ""), SEC_E_OK);
        if (i < 2) {
            move(&peer);
        }
        assert_status(unseal(&peer, "still heard"), SEC_E_OK);
        assert_status(step(&peer), SEC_E_OK);
        assert_int_equal(step_made, 0);
        peer_close(&peer);
    }
}

/* What was closed stays closed. */
static void test_closed(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct peer peer;
        uint8_t wire[ROOM];
        size_t size;
        DWORD shutdown = SCHANNEL_SHUTDOWN;
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        assert_status(control(&peer, &shutdown, sizeof shutdown), SEC_E_OK);
        assert_status(step(&peer), SEC_E_OK);
        move(&peer);
        assert_status(seal(&peer, "too late", wire, &size), SEC_E_CONTEXT_EXPIRED);
        openssl_says(&peer, "still heard");
        assert_status(unseal(&peer, "still heard"), SEC_E_OK);
        SSL_shutdown(peer.ssl);
        int got = BIO_read(SSL_get_wbio(peer.ssl), peer.in, sizeof peer.in);
        assert_true(got > 0);
        peer.in_size = (size_t)got;
        assert_status(unseal(&peer, ""), SEC_I_CONTEXT_EXPIRED);
        peer_close(&peer);
    }
}

/* ---------------------------------------------------------------- what is left behind */

/* The first end has no keys: nothing that one may ask of it makes a record, or anything worse. */
static void test_the_first_end(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct peer peer;
        uint8_t wire[ROOM];
        size_t size = 0;
        DWORD shutdown = SCHANNEL_SHUTDOWN;
        SCHANNEL_ALERT_TOKEN alert = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, TLS1_ALERT_ACCESS_DENIED};
        SecBuffer packed = {0, SECBUFFER_EMPTY, NULL}, again = {0, SECBUFFER_EMPTY, NULL};
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        assert_status(ExportSecurityContext(&peer.context, 0, &packed, NULL), SEC_E_OK);
        assert_status(ExportSecurityContext(&peer.context, 0, &again, NULL), SEC_E_CONTEXT_EXPIRED);
        assert_null(again.pvBuffer);
        assert_status(seal(&peer, "nothing", wire, &size), SEC_E_CONTEXT_EXPIRED);
        openssl_says(&peer, "to nobody");
        assert_status(unseal(&peer, NULL), SEC_E_CONTEXT_EXPIRED);
        assert_status(step(&peer), SEC_E_OUT_OF_SEQUENCE);
        assert_status(control(&peer, &shutdown, sizeof shutdown), SEC_E_OK);
        assert_status(step(&peer), SEC_E_CONTEXT_EXPIRED);
        assert_status(control(&peer, &alert, sizeof alert), SEC_E_OK);
        assert_status(step(&peer), SEC_E_CONTEXT_EXPIRED);
        assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
        peer_close(&peer);
    }
}

/* A server that wants the client's token as well, of a client who has none: the connection moves, without one. */
static void test_token_of_nobody(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct peer peer;
        SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
        HANDLE token = (HANDLE)7;
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        for (int round = 0; round < 2; round++) {
            assert_status(ExportSecurityContext(&peer.context, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, &token),
                          SEC_E_OK);
            assert_null(token);
            assert_status(ImportSecurityContextA(MOVED_NAME, &packed, NULL, &peer.context), SEC_E_OK);
            assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
        }
        openssl_hears(&peer, "it goes on");
        peer_close(&peer);
    }
}

/* ---------------------------------------------------------------- what is no parcel */

/* All that a program may ask; whatever it is told, each call returns. */
static void use(struct peer *peer)
{
    static const ULONG attributes[] = {
        SECPKG_ATTR_SIZES,           SECPKG_ATTR_STREAM_SIZES,    SECPKG_ATTR_KEY_INFO,
        SECPKG_ATTR_CONNECTION_INFO, SECPKG_ATTR_CIPHER_INFO,     SECPKG_ATTR_APPLICATION_PROTOCOL,
        SECPKG_ATTR_UNIQUE_BINDINGS, SECPKG_ATTR_SESSION_INFO,    SECPKG_ATTR_KEYING_MATERIAL,
        SECPKG_ATTR_EAP_KEY_BLOCK,   SECPKG_ATTR_ISSUER_LIST_EX,  SECPKG_ATTR_LOCAL_CERT_CONTEXT,
        SECPKG_ATTR_NAMES,           SECPKG_ATTR_CC_POLICY_RESULT};
    union {
        SecPkgContext_KeyInfoA key;
        SecPkgContext_CipherInfo cipher;
        uint8_t room[ROOM];
    } answer;
    uint8_t wire[ROOM];
    size_t size;
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    PCCERT_CONTEXT certificate = NULL;
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        memset(&answer, 0, sizeof answer);
        if (QueryContextAttributesA(&peer->context, attributes[i], &answer) == SEC_E_OK &&
            attributes[i] == SECPKG_ATTR_KEY_INFO) {
            FreeContextBuffer(answer.key.sSignatureAlgorithmName);
            FreeContextBuffer(answer.key.sEncryptAlgorithmName);
        } else if (attributes[i] == SECPKG_ATTR_UNIQUE_BINDINGS) {
            FreeContextBuffer(((SecPkgContext_Bindings *)(void *)&answer)->Bindings);
        }
    }
    if (QueryContextAttributesA(&peer->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate) == SEC_E_OK) {
        CertFreeCertificateContext(certificate);
    }
    (void)seal(peer, "whatever", wire, &size);
    peer->in_size = 0;
    openssl_says(peer, "whatever");
    (void)unseal(peer, NULL);
    (void)step(peer);
    (void)control(peer, &shutdown, sizeof shutdown);
    (void)step(peer);
    (void)BIO_reset(SSL_get_rbio(peer->ssl));
}

/* Bits of each of the numbers and of bytes all over: refused, or a context on which every call returns. */
static void test_spoilt(void **state)
{
    for (size_t i = 0; i < KINDS; i++) {
        struct peer peer;
        SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
        size_t taken = 0, refused = 0;
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        assert_status(ExportSecurityContext(&peer.context, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
        uint8_t *bytes = packed.pvBuffer;
        peer.has_context = false;
        for (size_t at = 0; at < packed.cbBuffer; at += at < NUMBERS ? 1 : 5) {
            for (int bit = 0; bit < 8; bit += at < NUMBERS ? 2 : 8) {
                bytes[at] ^= (uint8_t)(1 << bit);
                SECURITY_STATUS status = ImportSecurityContextA(MOVED_NAME, &packed, NULL, &peer.context);
                if (status == SEC_E_OK) {
                    use(&peer);
                    assert_status(DeleteSecurityContext(&peer.context), SEC_E_OK);
                    taken++;
                } else {
                    assert_status(status, SEC_E_INVALID_TOKEN);
                    refused++;
                }
                bytes[at] ^= (uint8_t)(1 << bit);
            }
        }
        assert_true(taken > 50 && refused > 50);
        assert_status(ImportSecurityContextA(MOVED_NAME, &packed, NULL, &peer.context), SEC_E_OK);
        peer.has_context = true;
        FreeContextBuffer(packed.pvBuffer);
        peer_close(&peer);
    }
}

/* A target's name is as long as a program likes. */
static void test_long_target(void **state)
{
    static char target[40001];
    struct peer peer;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    memset(target, 'a', sizeof target - 1);
    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = TLS1_3_VERSION, .target = target});
    peer_establish(&peer);
    assert_status(ExportSecurityContext(&peer.context, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
    assert_status(ImportSecurityContextA(MOVED_NAME, &packed, NULL, &peer.context), SEC_E_OK);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
    openssl_hears(&peer, "it goes on");
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again_and_again), cmocka_unit_test(test_key_updates),
        cmocka_unit_test(test_closed),          cmocka_unit_test(test_the_first_end),
        cmocka_unit_test(test_token_of_nobody), cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_long_target),     cmocka_unit_test(test_no_update_behind_the_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!peer_has_pki()) {
        print_message("1..0 # SKIP the openssl command is missing: no certificates\n");
        return 0;
    }
    return cmocka_run_group_tests_name("schannel moved", tests, NULL, NULL);
}
