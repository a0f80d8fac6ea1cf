/* Records of TLS under an AEAD: the traces of RFC 8448, and OpenSSL's TLS as the other end for every suite that it has. */
#include "vectors/hex.h"

#include <openssl/err.h>

#include "base/secret.h"
#include "schannel.h"
#include "schannel/record_keys.h"
#include "support/tls_pair.h"

#define AREA (RECORD_PLAIN_MAX + 2048 + 64)

/* ---------------------------------------------------------------- RFC 8448 3 */

static const char client_secret[] = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const char server_secret[] = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
static const char client_record[] =
    "1703030043 a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a"
    "6292a2977014bd1e3deae63aeebb21694915e4";
static const char server_record[] =
    "1703030043 2e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2"
    "e5f0a21c0047c2abf332540dd032e167c2955d";
static const char client_alert[] = "1703030013 c9872760655666b74d7ff1153efd6db6d0b0e3";
static const char server_alert[] = "1703030013 b58fd67166ebf599d24720cfbe7efa7a8864a9";

static void trace_keys(void **state)
{
    (void)state;
    uint8_t key[16], iv[12];
    struct hex secret = hex(client_secret);
    record_expand_label(SUITE_SHA256, HEX_BYTES(secret), "key", key, sizeof key);
    record_expand_label(SUITE_SHA256, HEX_BYTES(secret), "iv", iv, sizeof iv);
    assert_memory_equal(key, hex("17422dda596ed5d9acd890e3c63f5051").data, sizeof key);
    assert_memory_equal(iv, hex("5b78923dee08579033e523d9").data, sizeof iv);
    secret = hex(server_secret);
    record_expand_label(SUITE_SHA256, HEX_BYTES(secret), "key", key, sizeof key);
    record_expand_label(SUITE_SHA256, HEX_BYTES(secret), "iv", iv, sizeof iv);
    assert_memory_equal(key, hex("9f02283b6c9c07efc26bb9f2ac92e356").data, sizeof key);
    assert_memory_equal(iv, hex("cf782b88dd83549aadf1e984").data, sizeof iv);
}

/* Seals and opens one record of the trace: `first` is the number it has there. */
static void trace_record(const char *secret_text, uint64_t first, uint8_t type, struct bytes plain, const char *wire)
{
    struct hex secret = hex(secret_text), record = hex(wire);
    struct record_direction send = {0}, receive = {0};
    struct record_content content;
    uint8_t area[128];
    assert_int_equal(record_init_tls13(&send, suite_find(0x1301), true, HEX_BYTES(secret)), SEC_E_OK);
    assert_int_equal(record_init_tls13(&receive, suite_find(0x1301), false, HEX_BYTES(secret)), SEC_E_OK);
    send.sequence = receive.sequence = first;
    memcpy(area + 5, plain.data, plain.size);
    assert_int_equal(record_seal(&send, type, (struct record_room){area, 5}, (struct record_room){area + 5, plain.size},
                                 (struct record_room){area + 5 + plain.size, 17}),
                     SEC_E_OK);
    assert_int_equal(record.size, plain.size + 22);
    assert_memory_equal(area, record.data, record.size);
    assert_int_equal(record_open(&receive, (struct record_room){record.data, record.size}, &content), SEC_E_OK);
    assert_int_equal(content.type, type);
    assert_int_equal(content.size, plain.size);
    assert_memory_equal(content.data, plain.data, plain.size);
    record_wipe(&send);
    record_wipe(&receive);
}

static void trace_records(void **state)
{
    (void)state;
    uint8_t plain[50];
    static const uint8_t close_notify[2] = {1, 0};
    for (uint8_t i = 0; i < sizeof plain; i++) {
        plain[i] = i;
    }
    trace_record(client_secret, 0, RECORD_APPLICATION_DATA, BYTES(plain), client_record);
    trace_record(server_secret, 1, RECORD_APPLICATION_DATA, BYTES(plain), server_record);
    trace_record(client_secret, 1, RECORD_ALERT, BYTES(close_notify), client_alert);
    trace_record(server_secret, 2, RECORD_ALERT, BYTES(close_notify), server_alert);
}

/* ---------------------------------------------------------------- OpenSSL at the other end */

static uint8_t area[AREA];

/* Seals `size` bytes of a pattern in `area`; `gap` bytes between the parts, which are joined again afterwards. */
static size_t seal_pattern(struct record_direction *send, size_t size, size_t gap)
{
    size_t header = record_header_size(send), trailer = record_trailer_size(send);
    uint8_t *data = area + header + gap;
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 7 + size);
    }
    assert_int_equal(record_seal(send, RECORD_APPLICATION_DATA, (struct record_room){area, header},
                                 (struct record_room){size == 0 && gap != 0 ? NULL : data, size},
                                 (struct record_room){data + size + gap, trailer}),
                     SEC_E_OK);
    memmove(area + header, data, size);
    memmove(area + header + size, data + size + gap, trailer);
    return header + size + trailer;
}

static void assert_pattern(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(data[i], (uint8_t)(i * 7 + size));
    }
}

static const size_t sizes[] = {1, 15, 16, 17, 31, 64, 255, 1024, 16383, 16384};

static void we_send(struct record_direction *send, SSL *peer)
{
    static uint8_t got[RECORD_PLAIN_MAX];
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i / 2];
        tls_pair_give(peer, area, seal_pattern(send, size, i % 2 == 0 ? 0 : 9));
        assert_int_equal(SSL_read(peer, got, sizeof got), size);
        assert_pattern(got, size);
    }
    for (size_t gap = 0; gap < 2; gap++) { /* nothing at all, and then something */
        tls_pair_give(peer, area, seal_pattern(send, 0, gap));
        assert_int_equal(SSL_read(peer, got, sizeof got), -1);
        assert_int_equal(SSL_get_error(peer, -1), SSL_ERROR_WANT_READ);
    }
    tls_pair_give(peer, area, seal_pattern(send, 3, 0));
    assert_int_equal(SSL_read(peer, got, sizeof got), 3);
    assert_pattern(got, 3);
}

static void we_receive(SSL *peer, struct record_direction *receive)
{
    static uint8_t plain[RECORD_PLAIN_MAX];
    struct record_content content;
    struct record_frame frame;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            plain[j] = (uint8_t)(j * 7 + sizes[i]);
        }
        assert_int_equal(SSL_write(peer, plain, (int)sizes[i]), sizes[i]);
        size_t size = tls_pair_take(peer, area, sizeof area);
        assert_int_equal(record_peek(bytes_of(area, size), receive->version, &frame, NULL), SEC_E_OK);
        assert_int_equal(frame.missing, 0);
        assert_int_equal(frame.size, size);
        assert_int_equal(record_open(receive, (struct record_room){area, size}, &content), SEC_E_OK);
        assert_int_equal(content.type, RECORD_APPLICATION_DATA);
        assert_int_equal(content.size, sizes[i]);
        assert_pattern(content.data, content.size);
    }
}

/* A direction of ours opens what it sealed, with nothing in it as well, and refuses each changed bit of a short record. */
static void tampered(const struct tls_pair *pair)
{
    for (size_t size = 0; size <= 2; size++) {
        struct record_direction send = {0}, receive = {0};
        struct record_content content;
        assert_int_equal(tls_pair_key(pair, true, true, &send), SEC_E_OK);
        send.sequence = 41;
        size_t whole = seal_pattern(&send, size, 0);
        uint8_t copy[128];
        /* The length is judged before, and TLS 1.3's version byte is covered by the tag as all others. */
        for (size_t bit = 0; bit < whole * 8; bit++) {
            if (bit / 8 == 3 || bit / 8 == 4) {
                continue;
            }
            assert_int_equal(tls_pair_key(pair, true, false, &receive), SEC_E_OK);
            receive.sequence = 41;
            memcpy(copy, area, whole);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            SECURITY_STATUS status = record_open(&receive, (struct record_room){copy, whole}, &content);
            assert_true(status == SEC_E_MESSAGE_ALTERED || (bit < 16 && status < 0));
            assert_true(receive.dead);
            assert_int_equal(ERR_peek_error(), 0);
            memcpy(copy, area, whole);
            assert_int_equal(record_open(&receive, (struct record_room){copy, whole}, &content), SEC_E_CONTEXT_EXPIRED);
            record_wipe(&receive);
        }
        assert_int_equal(tls_pair_key(pair, true, false, &receive), SEC_E_OK);
        receive.sequence = 41;
        memcpy(copy, area, whole);
        assert_int_equal(record_open(&receive, (struct record_room){copy, whole}, &content), SEC_E_OK);
        assert_int_equal(content.size, size);
        assert_int_equal(receive.sequence, 42);
        record_wipe(&receive);
        record_wipe(&send);
    }
}

/* KeyUpdate in either direction (RFC 8446 4.6.3). */
static void updated(struct tls_pair *pair, struct record_direction *send, struct record_direction *receive)
{
    static const uint8_t update[] = {24, 0, 0, 1, 0};
    uint8_t record[64];
    struct record_content content;
    assert_int_equal(SSL_key_update(pair->server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(pair->server), 1);
    size_t size = tls_pair_take(pair->server, area, sizeof area);
    assert_int_equal(record_open(receive, (struct record_room){area, size}, &content), SEC_E_OK);
    assert_int_equal(content.type, RECORD_HANDSHAKE);
    assert_int_equal(content.size, sizeof update);
    assert_memory_equal(content.data, update, sizeof update);
    assert_int_equal(record_update(receive), SEC_E_OK);
    we_receive(pair->server, receive);

    memcpy(record + 5, update, sizeof update);
    assert_int_equal(record_seal(send, RECORD_HANDSHAKE, (struct record_room){record, 5},
                                 (struct record_room){record + 5, 5}, (struct record_room){record + 10, 17}),
                     SEC_E_OK);
    tls_pair_give(pair->server, record, 10 + record_trailer_size(send));
    assert_int_equal(record_update(send), SEC_E_OK);
    we_send(send, pair->server);
}

/* What the server writes under its numbers is shown to the client under the client's, which saw none of the others. */
static void renumbered(struct tls_pair *pair)
{
    struct record_direction receive = {0};
    struct record_content content;
    uint8_t record[128], got[16];
    assert_int_equal(tls_pair_key(pair, false, false, &receive), SEC_E_OK);
    uint64_t first = receive.sequence;
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(SSL_write(pair->server, "ticket", 6), 6);
        size_t size = tls_pair_take(pair->server, record, sizeof record);
        assert_int_equal(record_open_as(&receive, first + i, (struct record_room){record, size}, &content), SEC_E_OK);
        assert_int_equal(content.size, 6);
    }
    assert_int_equal(receive.sequence, first);
    size_t header = record_header_size(&receive), trailer = record_trailer_size(&receive);
    assert_int_equal(record_seal_as(&receive, first, content.type, (struct record_room){record, header},
                                    (struct record_room){record + header, 6},
                                    (struct record_room){record + header + 6, trailer}),
                     SEC_E_OK);
    tls_pair_give(pair->client, record, header + 6 + trailer);
    assert_int_equal(SSL_read(pair->client, got, sizeof got), 6);
    assert_memory_equal(got, "ticket", 6);
    record_wipe(&receive);
}

static void one_suite(const struct suite *suite)
{
    struct tls_pair pair;
    struct record_direction send = {0}, receive = {0};
    if (!tls_pair_open(&pair, suite)) {
        print_message("# not tested: %s, which this OpenSSL cannot shake hands with here\n", suite->name);
        return;
    }
    tampered(&pair);
    assert_int_equal(tls_pair_key(&pair, true, true, &send), SEC_E_OK);
    assert_int_equal(tls_pair_key(&pair, false, false, &receive), SEC_E_OK);
    we_send(&send, pair.server);
    we_receive(pair.server, &receive);
    if (suite->tls13) {
        updated(&pair, &send, &receive);
    } else {
        assert_int_equal(record_update(&send), SEC_E_UNSUPPORTED_FUNCTION);
    }
    record_wipe(&send);
    record_wipe(&receive);
    tls_pair_close(&pair);

    assert_true(tls_pair_open(&pair, suite));
    renumbered(&pair);
    assert_int_equal(tls_pair_key(&pair, false, true, &send), SEC_E_OK);
    assert_int_equal(tls_pair_key(&pair, true, false, &receive), SEC_E_OK);
    tls_pair_close(&pair);
    record_wipe(&send);
    record_wipe(&receive);

    assert_true(tls_pair_open(&pair, suite)); /* the server's side */
    assert_int_equal(tls_pair_key(&pair, false, true, &send), SEC_E_OK);
    assert_int_equal(tls_pair_key(&pair, true, false, &receive), SEC_E_OK);
    we_receive(pair.client, &receive);
    we_send(&send, pair.client);
    record_wipe(&send);
    record_wipe(&receive);
    tls_pair_close(&pair);
}

static void every_suite(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < suite_count; i++) {
        if (suite_is_aead(&suites[i])) {
            one_suite(&suites[i]);
            count++;
        }
    }
    assert_true(count >= 40);
}

/* The table says of every suite what OpenSSL's does. */
static void table(void **state)
{
    (void)state;
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_security_level(context, 0);
    assert_int_equal(SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL"), 1);
    assert_int_equal(SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                                                       "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
                                                       "TLS_AES_128_CCM_8_SHA256"),
                     1);
    SSL *ssl = SSL_new(context);
    size_t known = 0;
    for (size_t i = 0; i < suite_count; i++) {
        const struct suite *suite = &suites[i];
        uint8_t number[2] = {(uint8_t)(suite->id >> 8), (uint8_t)suite->id};
        assert_ptr_equal(suite_find(suite->id), suite);
        const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, number);
        if (cipher == NULL) {
            continue;
        }
        known++;
        assert_string_equal(suite->name, SSL_CIPHER_standard_name(cipher));
        assert_string_equal(suite->openssl, SSL_CIPHER_get_name(cipher));
        assert_int_equal(suite->key_bits, SSL_CIPHER_get_bits(cipher, NULL));
        assert_int_equal(suite_is_aead(suite), SSL_CIPHER_is_aead(cipher));
        bool sha384 = EVP_MD_get_size(SSL_CIPHER_get_handshake_digest(cipher)) == 48;
        assert_int_equal(suite->hash == SUITE_SHA384, sha384);
        if (!suite_is_aead(suite)) {
            const EVP_MD *mac = EVP_get_digestbynid(SSL_CIPHER_get_digest_nid(cipher));
            assert_int_equal(suite_hash_bits(suite), 8 * EVP_MD_get_size(mac));
        }
        static const int exchanges[] = {NID_kx_any, NID_kx_rsa,     NID_kx_dhe,       NID_kx_ecdhe,
                                        NID_kx_psk, NID_kx_dhe_psk, NID_kx_ecdhe_psk, NID_kx_rsa_psk};
        assert_int_equal(exchanges[suite->exchange], SSL_CIPHER_get_kx_nid(cipher));
        static const int signers[] = {NID_auth_any, NID_auth_rsa, NID_auth_ecdsa, NID_auth_dss, NID_auth_psk};
        assert_int_equal(signers[suite->signer], SSL_CIPHER_get_auth_nid(cipher));
    }
    assert_true(known >= 90);
    assert_null(suite_find(0x0000));
    SSL_free(ssl);
    SSL_CTX_free(context);
}

/* ---------------------------------------------------------------- limits and refusals */

static struct record_direction direction13(uint16_t id, bool sending)
{
    uint8_t secret[48] = {1, 2, 3};
    struct record_direction direction = {0};
    const struct suite *suite = suite_find(id);
    size_t size = suite->hash == SUITE_SHA384 ? 48 : 32;
    assert_int_equal(record_init_tls13(&direction, suite, sending, bytes_of(secret, size)), SEC_E_OK);
    return direction;
}

static struct record_direction direction12(uint16_t id, bool sending)
{
    uint8_t master[48] = {1}, client[32] = {2}, server[32] = {3};
    struct record_direction direction = {0};
    assert_int_equal(
        record_init_tls12(&direction, suite_find(id), sending, true, BYTES(master), BYTES(client), BYTES(server)),
        SEC_E_OK);
    return direction;
}

static void wrong_keys(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    struct record_direction out = {.tag_size = 99};
    assert_int_equal(record_init_tls13(&out, suite_find(0x1302), true, bytes_of(bytes, 32)), SEC_E_INTERNAL_ERROR);
    assert_int_equal(record_init_tls13(&out, suite_find(0xC030), true, bytes_of(bytes, 48)), SEC_E_INTERNAL_ERROR);
    assert_int_equal(record_init_tls13(&out, NULL, true, bytes_of(bytes, 48)), SEC_E_INTERNAL_ERROR);
    assert_int_equal(record_init_tls12(&out, suite_find(0x1302), true, true, bytes_of(bytes, 48), bytes_of(bytes, 32),
                                       bytes_of(bytes, 32)),
                     SEC_E_INTERNAL_ERROR);
    assert_int_equal(record_init_tls12(&out, suite_find(0xC014), true, true, bytes_of(bytes, 48), bytes_of(bytes, 32),
                                       bytes_of(bytes, 32)),
                     SEC_E_INTERNAL_ERROR);
    assert_int_equal(record_init_tls12(&out, suite_find(0xC030), true, true, bytes_of(bytes, 47), bytes_of(bytes, 32),
                                       bytes_of(bytes, 32)),
                     SEC_E_INTERNAL_ERROR);
    assert_int_equal(out.tag_size, 99);
}

/* Both directions from one key block are the ones that were made one by one. */
static void key_block(void **state)
{
    (void)state;
    uint8_t master[48] = {1}, client[32] = {2}, server[32] = {3};
    for (size_t i = 0; i < suite_count; i++) {
        struct record_direction send = {0}, receive = {0}, one = {0};
        struct record_content content;
        uint8_t record[64] = {0}, block[RECORD_KEY_BLOCK];
        if (suites[i].tls13 || !suite_is_aead(&suites[i])) {
            continue;
        }
        assert_int_equal(record_key_block(&suites[i], BYTES(master), BYTES(client), BYTES(server), block), SEC_E_OK);
        assert_int_equal(record_init_tls12_pair(&send, &receive, &suites[i], true, BYTES(block)), SEC_E_OK);
        for (int client_writes = 0; client_writes < 2; client_writes++) {
            assert_int_equal(record_init_tls12(&one, &suites[i], !client_writes, client_writes, BYTES(master),
                                               BYTES(client), BYTES(server)),
                             SEC_E_OK);
            struct record_direction *from = client_writes ? &send : &one, *to = client_writes ? &one : &receive;
            size_t header = record_header_size(from), trailer = record_trailer_size(from);
            assert_int_equal(record_seal(from, 23, (struct record_room){record, header},
                                         (struct record_room){record + header, 3},
                                         (struct record_room){record + header + 3, trailer}),
                             SEC_E_OK);
            assert_int_equal(record_open(to, (struct record_room){record, header + 3 + trailer}, &content), SEC_E_OK);
            record_wipe(&one);
        }
        record_wipe(&send);
        record_wipe(&receive);
    }
}

static void end_of_numbers(void **state)
{
    (void)state;
    struct record_direction send = direction12(0xC030, true), receive = direction12(0xC030, false);
    struct record_content content;
    uint8_t record[64] = {0};
    send.sequence = receive.sequence = UINT64_MAX - 1;
    struct record_room header = {record, 13}, data = {record + 13, 4}, trailer = {record + 17, 16};
    assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, header, data, trailer), SEC_E_OK);
    assert_int_equal(record_open(&receive, (struct record_room){record, 33}, &content), SEC_E_OK);
    assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, header, data, trailer), SEC_E_CONTEXT_EXPIRED);
    assert_int_equal(record_open(&receive, (struct record_room){record, 33}, &content), SEC_E_CONTEXT_EXPIRED);
    record_wipe(&send);
    record_wipe(&receive);
}

/* 2^24.5 records of GCM, 2^23 of CCM (RFC 8446 5.5, RFC 9147 4.5.3). */
static void update_wanted(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        uint64_t last;
    } cases[] = {{0x1301, 23726565}, {0x1302, 23726565}, {0x1304, 8388607}, {0x1305, 8388607}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record_direction send = direction13(cases[i].id, true);
        send.sequence = cases[i].last;
        assert_false(record_wants_update(&send));
        send.sequence++;
        assert_true(record_wants_update(&send));
        assert_int_equal(record_update(&send), SEC_E_OK);
        assert_int_equal(send.sequence, 0);
        assert_false(record_wants_update(&send));
        record_wipe(&send);
    }
    struct record_direction chacha = direction13(0x1303, true), old = direction12(0xC030, true);
    chacha.sequence = old.sequence = UINT64_MAX - 1;
    assert_false(record_wants_update(&chacha));
    assert_false(record_wants_update(&old));
    record_wipe(&chacha);
    record_wipe(&old);
}

/* Explicit nonces go on behind the last one that was used, over the end of their range too, and never come twice. */
static void nonces(void **state)
{
    (void)state;
    static const char first[] = "0000000000000002", after[] = "0000000000000000";
    struct record_direction send = direction12(0xC02F, true);
    uint8_t record[64] = {0};
    struct record_room header = {record, 13}, data = {record + 13, 1}, trailer = {record + 14, 16};
    send.sequence = 2;
    assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, header, data, trailer), SEC_E_OK);
    assert_memory_equal(record + 5, hex(first).data, 8);
    struct hex finished = hex("16 0303 0009 ffffffffffffffff 00");
    record_continue_nonce(&send, HEX_BYTES(finished));
    assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, header, data, trailer), SEC_E_OK);
    assert_memory_equal(record + 5, hex(after).data, 8);
    finished = hex("16 0303 000a 1111111111111111 00"); /* not whole: ignored */
    record_continue_nonce(&send, HEX_BYTES(finished));
    assert_int_equal(record_seal(&send, RECORD_APPLICATION_DATA, header, data, trailer), SEC_E_OK);
    assert_memory_equal(record + 5, hex("0000000000000001").data, 8);
    record_wipe(&send);
}

static void too_small(void **state)
{
    (void)state;
    struct record_direction send = direction13(0x1301, true);
    static uint8_t data[RECORD_PLAIN_MAX + 1];
    uint8_t header[5], trailer[17];
    struct record_room h = {header, 5}, d = {data, 1}, t = {trailer, 17};
    assert_int_equal(record_seal(&send, 23, (struct record_room){header, 4}, d, t), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(record_seal(&send, 23, h, d, (struct record_room){trailer, 16}), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(record_seal(&send, 23, h, (struct record_room){data, sizeof data}, t), SEC_E_INVALID_TOKEN);
    assert_int_equal(record_seal(&send, 22, h, (struct record_room){data, 0}, t), SEC_E_INVALID_TOKEN);
    assert_int_equal(send.sequence, 0);
    assert_int_equal(data[0], 0);
    record_wipe(&send);
}

/* The plaintext of TLS 1.3 as a peer may make it: content, type, zeros.  Sealed through EVP's own order of things by
 * record_seal with the last byte as type. */
struct inside {
    size_t content, padding;
    uint8_t type;
    SECURITY_STATUS status;
    uint8_t alert;
};

static void inner_plaintext(void **state)
{
    (void)state;
    static const struct inside cases[] = {
        {10, 0, 23, SEC_E_OK, 0},
        {10, 1, 23, SEC_E_OK, 0},
        {0, 100, 23, SEC_E_OK, 0},
        {16383, 0, 23, SEC_E_OK, 0},
        {100, 16283, 21, SEC_E_OK, 0},
        {100, 16284, 22, SEC_E_OK, 0},
        {0, 5, 22, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
        {0, 5, 21, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
        {0, 5, 0, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
        {5, 5, 20, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
        {5, 5, 24, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
        {5, 5, 255, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record_direction send = direction13(0x1302, true), receive = direction13(0x1302, false);
        size_t inner = cases[i].content + 1 + cases[i].padding; /* the last byte goes in as the type */
        struct record_content content;
        memset(area, 0, sizeof area);
        memset(area + 5, 0xAB, cases[i].content);
        area[5 + cases[i].content] = cases[i].type;
        uint8_t last = area[5 + inner - 1];
        assert_int_equal(record_seal(&send, last == 0 && inner == 1 ? 23 : last, (struct record_room){area, 5},
                                     (struct record_room){area + 5, inner - 1},
                                     (struct record_room){area + 5 + inner - 1, 17}),
                         SEC_E_OK);
        SECURITY_STATUS status = record_open(&receive, (struct record_room){area, inner + 21}, &content);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(receive.dead, status < 0);
        if (status < 0) {
            assert_int_equal(receive.alert, cases[i].alert);
            for (size_t j = 0; j < inner; j++) {
                assert_int_equal(area[5 + j], 0);
            }
        } else {
            assert_int_equal(content.type, cases[i].type);
            assert_int_equal(content.size, cases[i].content);
            assert_ptr_equal(content.data, area + 5);
        }
        record_wipe(&send);
        record_wipe(&receive);
    }
}

static void wiping(void **state)
{
    (void)state;
    static const struct record_direction zero;
    struct record_direction direction = direction13(0x1303, true);
    assert_true(record_is_keyed(&direction));
    record_wipe(&direction);
    assert_memory_equal(&direction, &zero, sizeof zero);
    record_wipe(&direction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_keys),     cmocka_unit_test(trace_records),   cmocka_unit_test(every_suite),
        cmocka_unit_test(table),          cmocka_unit_test(wrong_keys),      cmocka_unit_test(key_block),
        cmocka_unit_test(end_of_numbers), cmocka_unit_test(update_wanted),   cmocka_unit_test(nonces),
        cmocka_unit_test(too_small),      cmocka_unit_test(inner_plaintext), cmocka_unit_test(wiping),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
