/* Rules 66 to 76: Schannel's handshake. */
#include "rules.h"

static struct tls connection;
static PCCERT_CONTEXT certificate;

#define HOST "www.example.com"

/* A client's call into the buffers that the caller lays out; what comes out is on its way, and freed. */
static SECURITY_STATUS client_call(ULONG flags, SecBuffer *in, ULONG in_count, SecBuffer *out, ULONG out_count)
{
    SecBufferDesc input = {SECBUFFER_VERSION, in_count, in}, output = {SECBUFFER_VERSION, out_count, out};
    ULONG attributes = 0;
    SECURITY_STATUS status = InitializeSecurityContextA(
        &connection.client_credential, connection.has_client ? &connection.client : NULL, text(HOST), flags, 0, 0,
        in != NULL ? &input : NULL, 0, &connection.client, &output, &attributes, NULL);
    connection.client_attributes = attributes;
    connection.has_client = connection.has_client || status >= 0;
    for (ULONG i = 0; i < out_count; i++) {
        if (out[i].BufferType == SECBUFFER_TOKEN && out[i].cbBuffer != 0 && out[i].pvBuffer != NULL) {
            memcpy(connection.to_server + connection.to_server_size, out[i].pvBuffer, out[i].cbBuffer);
            connection.to_server_size += out[i].cbBuffer;
        }
        if ((flags & ISC_REQ_ALLOCATE_MEMORY) != 0 && out[i].pvBuffer != NULL) {
            assert_status(FreeContextBuffer(out[i].pvBuffer), SEC_E_OK);
            out[i].pvBuffer = NULL;
        }
    }
    return status;
}

/* ... with everything that came, as curl does. */
static SECURITY_STATUS client_step(ULONG flags)
{
    SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[3] = {{0, SECBUFFER_TOKEN, NULL}, {0, SECBUFFER_ALERT, NULL}, {0, SECBUFFER_EMPTY, NULL}};
    bool first = !connection.has_client;
    SECURITY_STATUS status = client_call(flags, first ? NULL : in, 2, out, 3);
    ULONG left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
    if (status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED) {
        memmove(connection.to_client, connection.to_client + connection.to_client_size - left, left);
        connection.to_client_size = left;
    }
    return status;
}

/* Up to where the server's first flight is on its way. */
static void first_flight(DWORD protocols)
{
    tls_acquire_version(&connection, certificate, protocols);
    assert_status(client_step(CURL_TLS), SEC_I_CONTINUE_NEEDED);
    connection.server_status = SEC_I_CONTINUE_NEEDED;
    tls_step_server(&connection);
    assert_status(connection.server_status, SEC_I_CONTINUE_NEEDED);
}

/* ALPN as curl lays it out: length, kind, length of the list, the list. */
static ULONG alpn(unsigned char *out, const char *list, USHORT size)
{
    ULONG total = sizeof(ULONG) + sizeof(USHORT) + size, kind = SecApplicationProtocolNegotiationExt_ALPN;
    memcpy(out, &total, 4);
    memcpy(out + 4, &kind, 4);
    memcpy(out + 8, &size, 2);
    memcpy(out + 10, list, size);
    return 10 + size;
}

static void rule_66_the_first_call(void **state)
{
    unsigned char protocols[64];
    SecBuffer list = {alpn(protocols, "\2h2\10http/1.1", 12), SECBUFFER_APPLICATION_PROTOCOLS, protocols};
    assert_int_equal(SecApplicationProtocolNegotiationExt_ALPN, 2);
    for (int with = 0; with < 2; with++) {
        SecBuffer out[1] = {{0, SECBUFFER_EMPTY, NULL}};
        tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2 | SP_PROT_TLS1_3);
        assert_status(client_call(CURL_TLS, with ? &list : NULL, 1, out, 1), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(connection.to_server[0], 22); /* a handshake record, and in it a ClientHello */
        assert_int_equal(connection.to_server[5], 1);
        assert_int_equal(memmem(connection.to_server, connection.to_server_size, "\2h2\10http/1.1", 12) != NULL, with);
        tls_close(&connection);
    }
}

static void rule_67_forms_of_the_output(void **state)
{
    static unsigned char room[16384];
    static const ULONG forms[][3] = {
        {SECBUFFER_EMPTY}, {SECBUFFER_TOKEN}, {SECBUFFER_TOKEN, SECBUFFER_ALERT, SECBUFFER_EMPTY}};
    for (size_t i = 0; i < COUNT(forms); i++) {
        SecBuffer out[3] = {{0, forms[i][0], NULL}, {0, forms[i][1], NULL}, {0, forms[i][2], NULL}};
        tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
        assert_status(client_call(CURL_TLS, NULL, 0, out, i < 2 ? 1 : 3), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(out[0].BufferType, SECBUFFER_TOKEN);
        assert_true(out[0].cbBuffer > 40);
        for (int j = 1; j < 3 && i == 2; j++) {
            assert_int_equal(out[j].cbBuffer, 0);
            assert_null(out[j].pvBuffer);
        }
        tls_close(&connection);
    }
    SecBuffer own = {sizeof room, SECBUFFER_TOKEN, room}; /* pjproject's buffer */
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    assert_status(client_call(CURL_TLS & ~(ULONG)ISC_REQ_ALLOCATE_MEMORY, NULL, 0, &own, 1), SEC_I_CONTINUE_NEEDED);
    assert_ptr_equal(own.pvBuffer, room);
    assert_true(own.cbBuffer > 40 && own.cbBuffer < sizeof room);
    tls_close(&connection);
}

static void rule_68_and_70_what_is_left_is_extra(void **state)
{
    static const unsigned char request[] = "HTTP/1.1 200 OK";
    unsigned char record[256];
    first_flight(SP_PROT_TLS1_2);
    assert_status(client_step(CURL_TLS), SEC_I_CONTINUE_NEEDED);
    tls_step_server(&connection);
    assert_status(connection.server_status, SEC_E_OK);
    ULONG size = tls_seal(&connection.server, request, sizeof request, record); /* in the same packet */
    memcpy(connection.to_client + connection.to_client_size, record, size);
    ULONG whole = connection.to_client_size + size;
    SecBuffer in[2] = {{whole, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
    assert_status(client_call(CURL_TLS, in, 2, out, 1), SEC_E_OK);
    assert_int_equal(in[1].BufferType, SECBUFFER_EXTRA);
    assert_int_equal(in[1].cbBuffer, size);
    assert_ptr_equal(in[1].pvBuffer, connection.to_client + whole - size);
    SecBuffer message[4] = {{in[1].cbBuffer, SECBUFFER_DATA, in[1].pvBuffer}};
    SecBufferDesc received = {SECBUFFER_VERSION, 4, message};
    assert_status(DecryptMessage(&connection.client, &received, 0, NULL), SEC_E_OK);
    assert_memory_equal(message[1].pvBuffer, request, sizeof request);
    tls_close(&connection);
}

static void rule_68_nothing_left_stays_empty(void **state)
{
    first_flight(SP_PROT_TLS1_2);
    SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
    assert_status(client_call(CURL_TLS, in, 2, out, 1), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(in[1].BufferType, SECBUFFER_EMPTY);
    assert_int_equal(in[1].cbBuffer, 0);
    tls_close(&connection);
}

/* Each piece of the flight that is no whole record; libgit2's empty TOKEN; and then all of it. */
static void rule_69_incomplete_messages(void **state)
{
    static unsigned char before[TLS_ROOM];
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (size_t version = 0; version < COUNT(versions); version++) {
        first_flight(versions[version]);
        CtxtHandle handle = connection.client;
        ULONG record = 5 + (ULONG)(connection.to_client[3] << 8 | connection.to_client[4]);
        memcpy(before, connection.to_client, record);
        for (ULONG size = 0; size < record; size += size < 8 ? 1 : 17) {
            unsigned char *piece = malloc(size + 1);
            memcpy(piece, before, size);
            SecBuffer in[2] = {{size, SECBUFFER_TOKEN, piece}, {0, SECBUFFER_EMPTY, NULL}};
            SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
            assert_status(client_call(CURL_TLS, in, 2, out, 1), SEC_E_INCOMPLETE_MESSAGE);
            assert_memory_equal(piece, before, size);
            assert_memory_equal(&handle, &connection.client, sizeof handle);
            assert_null(out[0].pvBuffer);
            if (in[1].BufferType == SECBUFFER_MISSING) {
                assert_true(in[1].cbBuffer <= record - size); /* never more than is needed */
            }
            free(piece);
        }
        assert_true(client_step(CURL_TLS) >= 0);
        tls_close(&connection);
    }
}

static void rule_71_ok_comes_with_a_token(void **state)
{
    first_flight(SP_PROT_TLS1_3);
    assert_int_equal(connection.to_server_size, 0);
    assert_status(client_step(CURL_TLS), SEC_E_OK);
    assert_true(connection.to_server_size > 0); /* Finished */
    tls_step_server(&connection);
    assert_status(connection.server_status, SEC_E_OK);
    tls_close(&connection);
}

/* The alert is allocated for those alone who asked for it: nobody else frees it. */
static void rule_71_an_alert_for_who_asked(void **state)
{
    for (int asked = 0; asked < 2; asked++) {
        tls_acquire_plain(&connection, certificate, NULL); /* nobody is trusted */
        ULONG flags = CURL_TLS | (asked ? ISC_REQ_EXTENDED_ERROR : 0);
        assert_status(client_step(flags), SEC_I_CONTINUE_NEEDED);
        connection.server_status = SEC_I_CONTINUE_NEEDED;
        tls_step_server(&connection);
        connection.to_server_size = 0;
        SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client},
                           {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
        ULONG attributes = 0;
        SECURITY_STATUS status =
            InitializeSecurityContextA(&connection.client_credential, &connection.client, text(HOST), flags, 0, 0,
                                       &input, 0, NULL, &output, &attributes, NULL);
        assert_status(status, SEC_E_UNTRUSTED_ROOT);
        assert_int_equal(out[0].cbBuffer != 0, asked);
        assert_int_equal(out[0].pvBuffer != NULL, asked);
        assert_status(FreeContextBuffer(out[0].pvBuffer), SEC_E_OK);
        tls_close(&connection);
    }
}

/* curl and mongo: the same bytes once more, with USE_SUPPLIED_CREDS; it must not come a second time. */
static void rule_72_a_server_that_asks_for_a_certificate(void **state)
{
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (size_t version = 0; version < COUNT(versions); version++) {
        ULONG flags = CURL_TLS;
        int asked = 0;
        tls_acquire_version(&connection, certificate, versions[version]);
        connection.server_request = ASC_REQ_MUTUAL_AUTH;
        connection.server_status = SEC_I_CONTINUE_NEEDED;
        SECURITY_STATUS status = client_step(flags);
        for (int leg = 0; leg < 10 && status >= 0 && status != SEC_E_OK; leg++) {
            if (status == SEC_I_INCOMPLETE_CREDENTIALS) {
                assert_int_equal(++asked, 1);
                flags |= ISC_REQ_USE_SUPPLIED_CREDS;
            } else {
                tls_step_server(&connection);
            }
            status = client_step(flags);
            assert_int_equal(connection.client_attributes,
                             status == SEC_I_INCOMPLETE_CREDENTIALS ? connection.client_attributes : flags);
        }
        assert_status(status, SEC_E_OK);
        tls_close(&connection);
    }
}

/* ---------------------------------------------------------------- who the server is */

static SECURITY_STATUS verdict(const char *name, const char *target, DWORD flags)
{
    PCCERT_CONTEXT other = tls_load_chain(name);
    HCERTSTORE roots = tls_roots();
    SCH_CREDENTIALS client = {.dwVersion = SCH_CREDENTIALS_VERSION, .hRootStore = roots, .dwFlags = flags};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &other};
    tls_acquire(&connection, &client, &server);
    tls_shake(&connection, target);
    SECURITY_STATUS status = connection.client_status;
    tls_close(&connection);
    assert_true(CertCloseStore(roots, 0));
    CertFreeCertificateContext(other);
    return status;
}

static void rule_73_validation(void **state)
{
    assert_status(verdict("server-p256", HOST, 0), SEC_E_OK);
    assert_status(verdict("server-p256", "another.example.org", 0), SEC_E_WRONG_PRINCIPAL);
    assert_status(verdict("server-p256", "another.example.org", SCH_CRED_NO_SERVERNAME_CHECK), SEC_E_OK);
    assert_status(verdict("expired", HOST, 0), SEC_E_CERT_EXPIRED);
    assert_status(verdict("expired", HOST, SCH_CRED_NO_SERVERNAME_CHECK), SEC_E_CERT_EXPIRED);
    assert_status(verdict("expired", "another.example.org", SCH_CRED_MANUAL_CRED_VALIDATION), SEC_E_OK);
    tls_acquire_plain(&connection, certificate, NULL);
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_UNTRUSTED_ROOT);
    tls_close(&connection);
    tls_acquire_plain(&connection, certificate, NULL);
    connection.client_request = ISC_REQ_MANUAL_CRED_VALIDATION; /* the call's flag, as the credential's */
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_OK);
    tls_close(&connection);
}

/* A private authority without a list: curl fails by default, and not with --ssl-no-revoke or its best-effort mode. */
static void rule_74_revocation(void **state)
{
    assert_status(verdict("server-p256", HOST, SCH_CRED_REVOCATION_CHECK_CHAIN), CRYPT_E_NO_REVOCATION_CHECK);
    assert_status(
        verdict("server-p256", HOST, SCH_CRED_IGNORE_NO_REVOCATION_CHECK | SCH_CRED_IGNORE_REVOCATION_OFFLINE),
        SEC_E_OK);
    assert_status(verdict("server-p256", HOST,
                          SCH_CRED_REVOCATION_CHECK_CHAIN | SCH_CRED_IGNORE_NO_REVOCATION_CHECK |
                              SCH_CRED_IGNORE_REVOCATION_OFFLINE),
                  SEC_E_OK);
}

/* ---------------------------------------------------------------- application protocols, renegotiation */

static SECURITY_STATUS with_protocols(const char *ours, USHORT ours_size, const char *theirs, USHORT theirs_size,
                                      SecPkgContext_ApplicationProtocol *out)
{
    unsigned char lists[2][64];
    SecBuffer in = {alpn(lists[0], ours, ours_size), SECBUFFER_APPLICATION_PROTOCOLS, lists[0]};
    SecBuffer hello[1] = {{0, SECBUFFER_TOKEN, NULL}};
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    assert_status(client_call(CURL_TLS, ours_size != 0 ? &in : NULL, 1, hello, 1), SEC_I_CONTINUE_NEEDED);
    SecBuffer accept[2] = {{connection.to_server_size, SECBUFFER_TOKEN, connection.to_server},
                           {alpn(lists[1], theirs, theirs_size), SECBUFFER_APPLICATION_PROTOCOLS, lists[1]}};
    SecBuffer answer[1] = {{sizeof connection.to_client, SECBUFFER_TOKEN, connection.to_client}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, accept}, output = {SECBUFFER_VERSION, 1, answer};
    SECURITY_STATUS status = AcceptSecurityContext(&connection.server_credential, NULL, &input, ASC_REQ_STREAM, 0,
                                                   &connection.server, &output, &connection.server_attributes, NULL);
    if (status >= 0) {
        connection.has_server = true;
        connection.to_server_size = 0;
        connection.to_client_size = answer[0].cbBuffer;
        assert_status(client_step(CURL_TLS), SEC_I_CONTINUE_NEEDED);
        tls_step_server(&connection);
        assert_status(client_step(CURL_TLS), SEC_E_OK);
        memset(out, 0xcc, sizeof *out);
        assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_APPLICATION_PROTOCOL, out), SEC_E_OK);
    }
    tls_close(&connection);
    return status;
}

static void rule_75_application_protocols(void **state)
{
    SecPkgContext_ApplicationProtocol result;
    assert_status(with_protocols("\2h2\10http/1.1", 12, "\10http/1.1", 9, &result), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(result.ProtoNegoStatus, SecApplicationProtocolNegotiationStatus_Success);
    assert_int_equal(result.ProtoNegoExt, SecApplicationProtocolNegotiationExt_ALPN);
    assert_int_equal(result.ProtocolIdSize, 8);
    assert_memory_equal(result.ProtocolId, "http/1.1", 8);
    assert_status(with_protocols("", 0, "\2h2", 3, &result), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(result.ProtoNegoStatus, SecApplicationProtocolNegotiationStatus_None);
    assert_status(with_protocols("\2h2", 3, "\10http/1.1", 9, &result), SEC_E_APPLICATION_PROTOCOL_MISMATCH);
}

/* DecryptMessage says that the other side wants a new handshake; what it leaves is what the next step gets. */
static void renegotiation_is_wanted(CtxtHandle *context, unsigned char *data, ULONG *size)
{
    SecBuffer buffers[4] = {{*size, SECBUFFER_DATA, data}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    assert_status(DecryptMessage(context, &message, 0, NULL), SEC_I_RENEGOTIATE);
    *size = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
    memmove(data, buffers[3].pvBuffer != NULL ? buffers[3].pvBuffer : data, *size);
}

/* The server asks again, and curl's loop begins once more with what is in the buffer. */
static void rule_76_after_a_renegotiation(void **state)
{
    SecPkgContext_ApplicationProtocol protocol;
    PCCERT_CONTEXT remote = NULL;
    first_flight(SP_PROT_TLS1_2);
    assert_status(client_step(CURL_TLS), SEC_I_CONTINUE_NEEDED);
    tls_step_server(&connection);
    assert_status(client_step(CURL_TLS), SEC_E_OK);
    connection.to_server_size = connection.to_client_size = 0;
    tls_step_server(&connection); /* without input: HelloRequest */
    assert_status(connection.server_status, SEC_I_CONTINUE_NEEDED);
    renegotiation_is_wanted(&connection.client, connection.to_client, &connection.to_client_size);
    SECURITY_STATUS status = client_step(CURL_TLS);
    renegotiation_is_wanted(&connection.server, connection.to_server, &connection.to_server_size);
    for (int leg = 0; leg < 4 && status == SEC_I_CONTINUE_NEEDED; leg++) {
        tls_step_server(&connection);
        assert_true(connection.server_status >= 0);
        status = client_step(CURL_TLS);
    }
    assert_status(status, SEC_E_OK);
    assert_int_equal(connection.client_attributes, CURL_TLS);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_APPLICATION_PROTOCOL, &protocol), SEC_E_OK);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote), SEC_E_OK);
    assert_int_equal(remote->cbCertEncoded, certificate->cbCertEncoded);
    CertFreeCertificateContext(remote);
    tls_close(&connection);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    certificate = tls_load_chain("server-p256");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_66_the_first_call),
        cmocka_unit_test(rule_67_forms_of_the_output),
        cmocka_unit_test(rule_68_and_70_what_is_left_is_extra),
        cmocka_unit_test(rule_68_nothing_left_stays_empty),
        cmocka_unit_test(rule_69_incomplete_messages),
        cmocka_unit_test(rule_71_ok_comes_with_a_token),
        cmocka_unit_test(rule_71_an_alert_for_who_asked),
        cmocka_unit_test(rule_72_a_server_that_asks_for_a_certificate),
        cmocka_unit_test(rule_73_validation),
        cmocka_unit_test(rule_74_revocation),
        cmocka_unit_test(rule_75_application_protocols),
        cmocka_unit_test(rule_76_after_a_renegotiation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    CertFreeCertificateContext(certificate);
    return failed;
}
