/* Ways round the judgment of certificates: flags and credentials that change, sessions of other rules, renegotiations. */
#include "connection.h"

#include "core/handle.h"

static struct store *store_of_one(const char *kind)
{
    struct store *store = NULL;
    assert_status(store_new(STORE_MEMORY, &store), SEC_E_OK);
    assert_status(store_add(store, link_certificate(kind), STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    return store;
}

/* Another credential for a side, in the place of the one it has; whose owner is the caller now. */
static void change_credential(struct side *side, const struct side_options *options, CredHandle *out_old)
{
    struct side other = {.client = side->client, .options = *options};
    side_acquire(&other);
    *out_old = side->credential;
    side->credential = other.credential;
}

/* ---------------------------------------------------------------- what tickets are bound to */

static void rules(DWORD flags, HCERTSTORE roots, uint8_t out[TICKET_RULES])
{
    struct side_options client = client_options(TLS13), server = server_options(TLS13);
    server.flags = flags;
    server.roots = roots;
    struct link *link = make(&client, &server);
    link_establish(link);
    memcpy(out, side_inside(&link->server)->credential->ticket_rules[1], TICKET_RULES);
    link_close(link);
}

/* Each rule of judging clients makes sessions of its own: a ticket of a server with the same keys and other rules is none. */
static void rules_of_tickets(void **state)
{
    struct store *one = store_of_one("authority"), *again = store_of_one("authority"), *other = store_of_one("p256");
    struct store *both = store_of_one("authority");
    assert_status(store_add(both, link_certificate("rsa"), STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    struct store *namesake = NULL; /* the same name, another key */
    struct certificate *second = link_make_certificate("authority");
    assert_status(store_new(STORE_MEMORY, &namesake), SEC_E_OK);
    assert_status(store_add(namesake, second, STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    const struct {
        DWORD flags;
        struct store *roots;
    } cases[] = {
        {0, NULL},
        {0, one},
        {0, other},
        {0, both},
        {0, namesake},
        {SCH_CRED_MANUAL_CRED_VALIDATION, one},
        {SCH_CRED_DEFERRED_CRED_VALIDATION, one},
        {SCH_CRED_REVOCATION_CHECK_END_CERT, one},
        {SCH_CRED_REVOCATION_CHECK_CHAIN, one},
        {SCH_CRED_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT, one},
        {SCH_CRED_REVOCATION_CHECK_CHAIN | SCH_CRED_IGNORE_NO_REVOCATION_CHECK, one},
        {SCH_CRED_REVOCATION_CHECK_CHAIN | SCH_CRED_IGNORE_REVOCATION_OFFLINE, one},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    uint8_t found[CASES][TICKET_RULES], same[TICKET_RULES];
    for (size_t i = 0; i < CASES; i++) {
        rules(cases[i].flags, cases[i].roots != NULL ? store_handle(cases[i].roots) : NULL, found[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(found[i], found[k], TICKET_RULES);
        }
    }
    rules(0, store_handle(again), same);
    assert_memory_equal(same, found[1], TICKET_RULES);
    struct store *all[] = {one, again, other, both, namesake};
    for (size_t i = 0; i < 5; i++) {
        store_drop(all[i]);
    }
    certificate_drop(second);
}

/* ---------------------------------------------------------------- flags and credentials that change */

static const DWORD versions[] = {TLS12, TLS13};

/* The call that sees the certificate says whether it is judged, whatever an earlier one said. */
static void flags_of_a_later_leg(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]), server = server_options(versions[v]);
        client.flags = 0;
        client.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        struct side *c = &link->client, *s = &link->server;
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
        assert_status(side_step(s, link, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
        c->options.request = 0;
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_E_UNTRUSTED_ROOT);
        link_close(link);
    }
}

/* A server asked, and the call that gets the answer says nothing of certificates: the answer is judged all the same. */
static void flags_of_a_later_leg_at_the_server(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        struct side_options client = client_options(versions[i % 2]), server = server_options(versions[i % 2]);
        struct store *store = store_of_one(i < 2 ? "p256" : "rsa");
        client.certificates[0] = link_certificate("rsa");
        client.certificate_count = 1;
        client.request = ISC_REQ_USE_SUPPLIED_CREDS; /* whomever the server names */
        server.request = ASC_REQ_MUTUAL_AUTH;
        server.roots = store_handle(store);
        struct link *link = make(&client, &server);
        struct side *c = &link->client, *s = &link->server;
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
        assert_status(side_step(s, link, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
        assert_true(side_step(c, link, s->in, &s->in_size) >= 0);
        s->options.request = 0;
        assert_status(side_step(s, link, c->in, &c->in_size), i < 2 ? SEC_E_UNTRUSTED_ROOT : SEC_E_OK);
        link_close(link);
        store_drop(store);
    }
}

/* A session that began without judgment is offered by a call without, and resumed by one that judges: no. */
static void flags_of_a_later_leg_resumed(void **state)
{
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]), server = server_options(versions[v]);
        client.flags = 0;
        client.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        struct side *c = &link->client, *s = &link->server;
        link_establish(link);
        link_exchange(link, 10);
        link_again(link);
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
        assert_true(side_step(s, link, c->in, &c->in_size) >= 0);
        assert_true(SSL_session_reused(side_inside(s)->ssl));
        c->options.request = 0;
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_E_UNTRUSTED_ROOT);
        link_close(link);
    }
}

/* The server asks for a certificate, and a credential that judges servers takes the place of one that does not: the server's
 * certificate went by unjudged.  The other way round it was judged, and neither keeps the session. */
static void credential_that_judges(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        DWORD version = versions[i % 2];
        bool judges_first = i >= 2;
        struct store *store = store_of_one("authority");
        struct side_options client = client_options(version), server = server_options(version), second;
        server.certificates[0] = link_certificate("issued");
        server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
        server.request = ASC_REQ_MUTUAL_AUTH;
        client.roots = store_handle(store);
        second = client;
        *(judges_first ? &client.flags : &second.flags) = 0;
        second.certificates[0] = link_certificate("rsa");
        second.certificate_count = 1;
        struct link *link = make(&client, &server);
        struct side *c = &link->client, *s = &link->server;
        CredHandle first;
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
        assert_status(side_step(s, link, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
        assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_INCOMPLETE_CREDENTIALS);
        change_credential(c, &second, &first);
        SECURITY_STATUS status = side_step(c, link, s->in, &s->in_size);
        if (status == SEC_I_CONTINUE_NEEDED) { /* TLS 1.2 */
            assert_status(side_step(s, link, c->in, &c->in_size), SEC_E_OK);
            status = side_step(c, link, s->in, &s->in_size);
        } else if (judges_first) {
            assert_status(side_step(s, link, c->in, &c->in_size), SEC_E_OK);
        }
        assert_int_equal(status, judges_first ? SEC_E_OK : SEC_E_UNTRUSTED_ROOT);
        if (judges_first) {
            link_exchange(link, 10);
            CredHandle both[] = {c->credential, first};
            for (size_t k = 0; k < 2; k++) {
                link_again(link);
                c->credential = both[k];
                s->options.request = 0;
                assert_true(link_shake(link));
                assert_false(SSL_session_reused(side_inside(c)->ssl));
            }
            c->credential = both[0];
        }
        assert_status(FreeCredentialsHandle(&first), SEC_E_OK);
        link_close(link);
        store_drop(store);
    }
}

/* ---------------------------------------------------------------- renegotiations */

/* Begins one by the client; the server has read its hello and answered. */
static void begin_renegotiation(struct link *link)
{
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    assert_status(side_poke(c, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
    assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
    assert_status(side_poke(s, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
}

static void assert_over(struct side *side)
{
    uint8_t data[64];
    size_t size = 0;
    assert_status(side_poke(side, data, &size), SEC_E_OUT_OF_SEQUENCE);
    side->in_size = 0;
    assert_status(link_receive(side, data, &size), SEC_E_CONTEXT_EXPIRED);
}

static struct link *make_judged(struct store *store)
{
    struct side_options client = client_options(TLS12), server = server_options(TLS12);
    client.flags = 0;
    client.roots = store_handle(store);
    server.certificates[0] = link_certificate("issued");
    struct link *link = make(&client, &server);
    link_establish(link);
    link_exchange(link, 10);
    return link;
}

/* A server that shows another certificate in a renegotiation is judged by that one. */
static void another_server(void **state)
{
    struct store *store = store_of_one("authority");
    struct link *link = make_judged(store);
    struct side *c = &link->client, *s = &link->server;
    struct side_options stranger = server_options(TLS12);
    struct side other = {.options = stranger};
    side_acquire(&other);
    struct schannel_credential *theirs = handle_pin(HANDLE_CREDENTIAL, &other.credential);
    struct schannel_credential *own = side_inside(s)->credential;
    struct schannel_identity kept = own->identities[0];
    assert_true(SslEmptyCacheA(NULL, 0)); /* the renegotiation is a full handshake */
    own->identities[0] = theirs->identities[0];
    begin_renegotiation(link);
    assert_status(side_step(c, link, s->in, &s->in_size), SEC_E_UNTRUSTED_ROOT);
    assert_over(c);
    own->identities[0] = kept;
    handle_unpin(HANDLE_CREDENTIAL, &other.credential);
    assert_status(FreeCredentialsHandle(&other.credential), SEC_E_OK);
    link_close(link);
    store_drop(store);
}

/* A credential that asks for revocations renegotiates; the connection began without asking for a staple, so none comes. */
static void staple_never_asked_for(void **state)
{
    struct store *store = store_of_one("authority");
    struct link *link = make_judged(store);
    struct side *c = &link->client, *s = &link->server;
    struct side_options strict = c->options;
    CredHandle first;
    strict.flags = SCH_CRED_REVOCATION_CHECK_END_CERT;
    change_credential(c, &strict, &first);
    begin_renegotiation(link);
    SECURITY_STATUS status = side_step(c, link, s->in, &s->in_size);
    if (status == SEC_I_CONTINUE_NEEDED) {
        assert_status(side_step(s, link, c->in, &c->in_size), SEC_E_OK);
        status = side_step(c, link, s->in, &s->in_size);
    }
    assert_int_equal(status, CRYPT_E_NO_REVOCATION_CHECK);
    assert_over(c);
    assert_status(FreeCredentialsHandle(&first), SEC_E_OK);
    link_close(link);
    store_drop(store);
}

/* Between Certificate and CertificateVerify the client's certificate is anybody's. */
static void unproved_certificate(void **state)
{
    struct side_options client = client_options(TLS12), server = server_options(TLS12);
    client.certificates[0] = link_certificate("rsa");
    client.certificate_count = 1;
    server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
    struct link *link = make(&client, &server);
    struct side *c = &link->client, *s = &link->server;
    PCCERT_CONTEXT certificate = NULL;
    struct record_frame frame;
    HANDLE token;
    link_establish(link);
    link_exchange(link, 10);
    s->options.request = ASC_REQ_MUTUAL_AUTH;
    begin_renegotiation(link);
    assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
    assert_status(record_peek(bytes_of(s->in, s->in_size), 0, &frame, NULL), SEC_E_OK);
    assert_true(frame.missing == 0 && frame.size > 400 &&
                frame.size < s->in_size); /* Certificate, a record of its own */
    uint8_t rest[4096];
    size_t rest_size = s->in_size - frame.size;
    assert_true(rest_size <= sizeof rest);
    memcpy(rest, s->in + frame.size, rest_size);
    s->in_size = frame.size;
    assert_status(side_step(s, link, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
    assert_non_null(SSL_get0_peer_certificate(side_inside(s)->ssl));
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate),
                  SEC_E_NO_CREDENTIALS);
    assert_status(QuerySecurityContextToken(&s->context, &token), SEC_E_NO_IMPERSONATION);
    memcpy(s->in, rest, rest_size);
    s->in_size = rest_size;
    assert_status(side_step(s, link, c->in, &c->in_size), SEC_E_OK);
    assert_status(QueryContextAttributesA(&s->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate), SEC_E_OK);
    CertFreeCertificateContext(certificate);
    assert_status(side_step(c, link, s->in, &s->in_size), SEC_E_OK);
    link_exchange(link, 10);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_tickets),
        cmocka_unit_test(flags_of_a_later_leg),
        cmocka_unit_test(flags_of_a_later_leg_at_the_server),
        cmocka_unit_test(flags_of_a_later_leg_resumed),
        cmocka_unit_test(credential_that_judges),
        cmocka_unit_test(another_server),
        cmocka_unit_test(staple_never_asked_for),
        cmocka_unit_test(unproved_certificate),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
