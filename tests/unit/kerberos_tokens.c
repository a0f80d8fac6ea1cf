/* Keys and per-message tokens of Kerberos against the vectors of RFC 3961, 3962 and 8009, MIT's exchanges and MS-KILE's. */
#include "vectors/hex.h"

#include "base/random.h"
#include "kerberos/cfx.h"
#include "kerberos/rc4_token.h"
#include "kerberos/sequence.h"
#include "vectors/kv.h"

#define CRYPTO "krb5_crypto.kv"
#define GSS    "krb5_gss.kv"

static void check_nfold(const struct kv_record *r)
{
    uint8_t out[32];
    size_t size = (size_t)kv_number(r, "bits") / 8;
    nfold(kv_hex(r, "data"), out, size);
    kv_expect(r, "out", bytes_of(out, size));
}

static void check_cts(const struct kv_record *r)
{
    struct bytes plain = kv_hex(r, "plaintext");
    uint8_t data[128];
    struct aes_cts encrypt, decrypt;
    assert_int_equal(aes_cts_open(&encrypt, kv_hex(r, "key"), true), SEC_E_OK);
    assert_int_equal(aes_cts_open(&decrypt, kv_hex(r, "key"), false), SEC_E_OK);
    for (size_t cut = 0; cut <= plain.size; cut++) { /* again and again with one key, in every two pieces */
        memcpy(data, plain.data, plain.size);
        const struct message_part parts[] = {{data, cut, true}, {data + cut, plain.size - cut, true}};
        assert_int_equal(aes_cts_run(&encrypt, parts, 2), SEC_E_OK);
        kv_expect(r, "ciphertext", bytes_of(data, plain.size));
        assert_int_equal(aes_cts_run(&decrypt, parts, 2), SEC_E_OK);
        kv_expect(r, "plaintext", bytes_of(data, plain.size));
    }
    aes_cts_close(&encrypt);
    aes_cts_close(&decrypt);
}

static void derived(const struct kv_record *r, const struct enctype_profile *profile, enum key_purpose purpose,
                    uint8_t *out, size_t *size)
{
    kv_require(r, kerberos_derive(profile, kv_hex(r, "key"), (uint32_t)kv_number(r, "usage"), purpose, out, size) ==
                      SEC_E_OK);
}

/* The whole of RFC 3961 5.3 and RFC 8009 5, put together from the parts that tokens are made of. */
static void check_encrypt(const struct kv_record *r)
{
    static const uint8_t vector[16];
    const struct enctype_profile *profile = enctype_profile((uint32_t)kv_number(r, "enctype"));
    uint8_t key[KERBEROS_KEY_MAX], data[256], mac[HMAC_SHA_MAX];
    struct bytes confounder = kv_hex(r, "confounder"), plain = kv_hex(r, "plaintext");
    size_t size = 0, total = confounder.size + plain.size;
    if (profile == NULL) {
        return; /* RC4: tokens do not use that encryption */
    }
    if (total == 16) {
        return; /* a single block: no token is so short */
    }
    memcpy(data, confounder.data, confounder.size);
    memcpy(data + confounder.size, plain.data, plain.size);
    derived(r, profile, KEY_INTEGRITY, key, &size);
    const struct bytes before[] = {bytes_of(data, total)};
    hmac_sha((enum hmac_sha_kind)profile->hash, bytes_of(key, size), before, 1, mac);
    struct aes_cts cts;
    uint8_t cipher_key[KERBEROS_KEY_MAX];
    size_t cipher_size = 0;
    derived(r, profile, KEY_ENCRYPTION, cipher_key, &cipher_size);
    assert_int_equal(aes_cts_open(&cts, bytes_of(cipher_key, cipher_size), true), SEC_E_OK);
    const struct message_part parts[] = {{data, total, true}};
    assert_int_equal(aes_cts_run(&cts, parts, 1), SEC_E_OK);
    aes_cts_close(&cts);
    if (profile->mac_over_ciphertext) {
        const struct bytes after[] = {BYTES(vector), bytes_of(data, total)};
        hmac_sha((enum hmac_sha_kind)profile->hash, bytes_of(key, size), after, 2, mac);
    }
    memcpy(data + total, mac, profile->mac_size);
    kv_expect(r, "ciphertext", bytes_of(data, total + profile->mac_size));
}

static void check_derive(const struct kv_record *r)
{
    const struct enctype_profile *profile = enctype_profile((uint32_t)kv_number(r, "enctype"));
    struct bytes constant = kv_hex(r, "constant");
    if (profile == NULL || constant.size != 5) {
        return;
    }
    uint8_t out[KERBEROS_KEY_MAX];
    size_t size = 0;
    uint32_t usage = (uint32_t)constant.data[0] << 24 | (uint32_t)constant.data[1] << 16 |
                     (uint32_t)constant.data[2] << 8 | constant.data[3];
    kv_require(r, kerberos_derive(profile, kv_hex(r, "base_key"), usage, (enum key_purpose)constant.data[4], out,
                                  &size) == SEC_E_OK);
    kv_expect(r, "derived", bytes_of(out, size));
}

static void check_checksum(const struct kv_record *r)
{
    const struct enctype_profile *profile = enctype_profile((uint32_t)kv_number(r, "enctype"));
    uint8_t key[KERBEROS_KEY_MAX], mac[HMAC_SHA_MAX];
    size_t size = 0;
    if (profile == NULL) {
        return;
    }
    derived(r, profile, KEY_CHECKSUM, key, &size);
    const struct bytes parts[] = {kv_hex(r, "data")};
    hmac_sha((enum hmac_sha_kind)profile->hash, bytes_of(key, size), parts, 1, mac);
    kv_expect(r, "checksum", bytes_of(mac, profile->mac_size));
}

static void keys_of_the_rfcs(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_TREE, CRYPTO, "nfold", check_nfold), 11);
    assert_int_equal(kv_each(KV_TREE, CRYPTO, "aes_cts", check_cts), 6);
    assert_true(kv_each(KV_TREE, CRYPTO, "krb5_encrypt", check_encrypt) >= 8);
}

static void keys_of_others(void **state)
{
    (void)state;
    assert_true(kv_each(KV_PUBLISHED, CRYPTO, "krb5_encrypt", check_encrypt) >= 20);
    assert_true(kv_each(KV_PUBLISHED, CRYPTO, "krb5_derive", check_derive) >= 10);
    assert_true(kv_each(KV_PUBLISHED, CRYPTO, "krb5_checksum", check_checksum) >= 4);
}

/* ---------------------------------------------------------------- tokens */

/* The vectors' messages, and ours in their place: our token with the vector's confounder must be theirs, byte for byte. */
static struct bytes fixed_random;

static SECURITY_STATUS give_fixed(void *out, size_t size)
{
    assert_int_equal(size, fixed_random.size);
    memcpy(out, fixed_random.data, size);
    return SEC_E_OK;
}

struct op {
    char name[16];
    bool from_acceptor, dce, sealed;
    const struct enctype_profile *profile;
    struct bytes base, message, before, after;
};

static struct bytes field(const struct kv_record *r, const struct op *op, const char *what)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s", op->name, what);
    return kv_has(r, "%s", name) ? kv_hex(r, "%s", name) : BYTES_NONE;
}

/* What arrived, for cfx_open: TOKEN and DATA, with sign-only parts around. */
static void open_split(const struct kv_record *r, const struct op *op, struct bytes header, struct bytes data,
                       uint8_t *confounder)
{
    uint8_t token[CFX_TOKEN_MAX], text[256], around[2][32];
    struct cfx_keys keys;
    struct cfx_header head;
    struct cfx_found found;
    cfx_keys_init(&keys, op->profile, op->from_acceptor, false);
    memcpy(token, header.data, header.size);
    memcpy(text, data.data, data.size);
    memcpy(around[0], op->before.data != NULL ? op->before.data : (const uint8_t *)"", op->before.size);
    memcpy(around[1], op->after.data != NULL ? op->after.data : (const uint8_t *)"", op->after.size);
    const struct message_part wire[] = {{token + CFX_HEADER_SIZE, header.size - CFX_HEADER_SIZE, true},
                                        {text, data.size, true}};
    const struct message_part layout[] = {
        {around[0], op->before.size, false}, {text, data.size, true}, {around[1], op->after.size, false}};
    const struct cfx_message message = {token, wire, 2, layout, 3};
    kv_require(r, cfx_wrap_header(&keys, header, &head) == SEC_E_OK);
    kv_require(r, ((head.flags & CFX_SEALED) != 0) == op->sealed);

    text[0] ^= 1; /* altered: refused, and put back */
    uint8_t spoilt[256];
    memcpy(spoilt, text, data.size);
    kv_require(r, cfx_open(&keys, op->base, &head, op->dce, &message, &found) == SEC_E_MESSAGE_ALTERED);
    assert_memory_equal(spoilt, text, data.size);
    text[0] ^= 1;
    if (op->before.size != 0) { /* what is only signed counts too */
        around[0][0] ^= 1;
        kv_require(r, cfx_open(&keys, op->base, &head, op->dce, &message, &found) == SEC_E_MESSAGE_ALTERED);
        around[0][0] ^= 1;
    }
    kv_require(r, cfx_open(&keys, op->base, &head, op->dce, &message, &found) == SEC_E_OK);
    assert_int_equal(found.size, op->message.size);
    assert_int_equal(found.count, 1);
    assert_ptr_equal(found.parts[0].data, text);
    kv_expect_bytes(r, op->name, op->message, bytes_of(text, found.size));
    if (op->sealed) {
        memcpy(confounder, token + header.size - 16, 16);
    }
    cfx_keys_wipe(&keys);
}

static void seal_split(const struct kv_record *r, const struct op *op, struct bytes header, struct bytes data,
                       const uint8_t *confounder)
{
    uint8_t token[CFX_TOKEN_MAX], text[256], around[2][32];
    struct cfx_keys keys;
    struct cfx_header head = {0};
    cfx_keys_init(&keys, op->profile, op->from_acceptor, false);
    kv_require(r, cfx_wrap_header(&keys, header, &head) == SEC_E_OK);
    cfx_keys_wipe(&keys);
    cfx_keys_init(&keys, op->profile, op->from_acceptor, true);
    memcpy(text, op->message.data, op->message.size);
    memcpy(around[0], op->before.data != NULL ? op->before.data : (const uint8_t *)"", op->before.size);
    memcpy(around[1], op->after.data != NULL ? op->after.data : (const uint8_t *)"", op->after.size);
    const struct message_part parts[] = {
        {around[0], op->before.size, false}, {text, op->message.size, true}, {around[1], op->after.size, false}};
    SECURITY_STATUS (*before)(void *, size_t) = random_source;
    fixed_random = bytes_of(confounder, 16);
    random_source = give_fixed;
    head.flags &= (uint8_t)~CFX_SEALED;
    SECURITY_STATUS status = op->sealed ? cfx_seal(&keys, op->base, &head, op->dce, parts, 3, token)
                                        : cfx_wrap(&keys, op->base, &head, parts, 3, token);
    random_source = before;
    kv_require(r, status == SEC_E_OK);
    size_t size = op->sealed ? cfx_sealed_size(op->profile, op->dce) : cfx_mic_size(op->profile);
    if (!op->dce) { /* there the filler differs: MIT's is FF, Windows' is 00 */
        kv_expect_bytes(r, "token", header, bytes_of(token, size));
        kv_expect_bytes(r, "data", data, bytes_of(text, op->message.size));
    }
    assert_int_equal(size, header.size);
    cfx_keys_wipe(&keys);
    if (op->dce) {
        uint8_t ignored[16];
        struct op ours = *op;
        open_split(r, &ours, bytes_of(token, size), bytes_of(text, op->message.size), ignored);
    }
}

/* One whole token, whatever its rotation; and the same one rotated every possible way. */
static void open_stream(const struct kv_record *r, const struct op *op, struct bytes token)
{
    size_t body = token.size - CFX_HEADER_SIZE;
    for (size_t rotate = 0; rotate <= body + 1; rotate++) {
        uint8_t whole[256];
        struct cfx_keys keys;
        struct cfx_header head;
        struct cfx_found found;
        cfx_keys_init(&keys, op->profile, op->from_acceptor, false);
        kv_require(r, cfx_wrap_header(&keys, token, &head) == SEC_E_OK);
        kv_require(r, head.rotate == 0);
        memcpy(whole, token.data, token.size);
        head.rotate = (uint16_t)rotate;
        size_t shift = (rotate + (op->dce && op->sealed ? head.extra : 0)) % body;
        for (size_t i = 0; i < body; i++) {
            size_t from = (op->dce && op->sealed ? head.extra : 0) % body; /* undo theirs, do ours */
            whole[CFX_HEADER_SIZE + (i + shift + body - from) % body] = token.data[CFX_HEADER_SIZE + i];
        }
        const struct message_part wire[] = {{whole + CFX_HEADER_SIZE, body, true}};
        const struct cfx_message message = {whole, wire, 1, NULL, 0};
        kv_require(r, cfx_open(&keys, op->base, &head, op->dce, &message, &found) == SEC_E_OK);
        uint8_t text[256];
        size_t at = 0;
        for (size_t i = 0; i < found.count; i++) {
            memcpy(text + at, found.parts[i].data, found.parts[i].size);
            at += found.parts[i].size;
        }
        assert_int_equal(at, found.size);
        kv_expect_bytes(r, op->name, op->message, bytes_of(text, at));
        cfx_keys_wipe(&keys);
    }
}

static void check_cfx_mic(const struct kv_record *r, const struct op *op, struct bytes token)
{
    struct cfx_keys keys;
    struct cfx_header head;
    uint8_t text[256], ours[CFX_TOKEN_MAX];
    memcpy(text, op->message.data, op->message.size);
    const struct message_part parts[] = {{text, 3, true}, {text + 3, op->message.size - 3, false}};
    cfx_keys_init(&keys, op->profile, op->from_acceptor, false);
    kv_require(r, cfx_mic_header(&keys, token, &head) == SEC_E_OK);
    kv_require(r, cfx_mic_check(&keys, op->base, parts, 2, token) == SEC_E_OK);
    kv_require(r, cfx_mic(&keys, op->base, &head, parts, 2, ours) == SEC_E_OK);
    kv_expect_bytes(r, "mic", token, bytes_of(ours, cfx_mic_size(op->profile)));
    text[5] ^= 0x80;
    kv_require(r, cfx_mic_check(&keys, op->base, parts, 2, token) == SEC_E_MESSAGE_ALTERED);
    cfx_keys_wipe(&keys);
    cfx_keys_init(&keys, op->profile, !op->from_acceptor, false);
    kv_require(r, cfx_mic_header(&keys, token, &head) == SEC_E_MESSAGE_ALTERED); /* reflected */
    kv_require(r, cfx_wrap_header(&keys, token, &head) == SEC_E_INVALID_TOKEN);
    cfx_keys_wipe(&keys);
}

static void check_cfx(const struct kv_record *r, const struct op *op, const char *kind)
{
    uint8_t confounder[16] = {0};
    if (strcmp(kind, "wrap") == 0) {
        open_stream(r, op, field(r, op, "_token"));
    } else if (strcmp(kind, "mic") == 0) {
        check_cfx_mic(r, op, field(r, op, "_token"));
    } else {
        open_split(r, op, field(r, op, "_header"), field(r, op, "_data"), confounder);
        seal_split(r, op, field(r, op, "_header"), field(r, op, "_data"), confounder);
    }
}

/* Data, and behind it the padding that non-DCE tokens have. */
static void check_rc4_wrap(const struct kv_record *r, const struct op *op, struct bytes token, struct bytes data,
                           uint32_t number)
{
    struct rc4_keys keys;
    uint8_t text[256], ours[RC4_WRAP_MAX], padding = 0, again[256];
    size_t size = 0, pad = op->dce ? 0 : 1;
    uint32_t sequence = 0;
    bool sealed = !op->sealed;
    rc4_keys_init(&keys, op->base);
    kv_require(r, rc4_wrap_parse(token, &size, &sealed) == SEC_E_OK);
    kv_require(r, size == token.size && sealed == op->sealed && data.size == op->message.size + pad);
    memcpy(text, data.data, data.size);
    struct message_part parts[] = {{(uint8_t *)(uintptr_t)op->before.data, op->before.size, false},
                                   {text, data.size - pad, true},
                                   {(uint8_t *)(uintptr_t)op->after.data, op->after.size, false},
                                   {text + data.size - pad, pad, true}};
    text[1] ^= 1;
    kv_require(r, rc4_unwrap(&keys, op->from_acceptor, parts, 4, token, &sequence) == SEC_E_MESSAGE_ALTERED);
    text[1] ^= 1;
    assert_memory_equal(text, data.data, data.size);
    kv_require(r, rc4_unwrap(&keys, !op->from_acceptor, parts, 4, token, &sequence) == SEC_E_MESSAGE_ALTERED);
    kv_require(r, rc4_unwrap(&keys, op->from_acceptor, parts, 4, token, &sequence) == SEC_E_OK);
    kv_expect_bytes(r, op->name, op->message, bytes_of(text, op->message.size));
    kv_require(r, pad == 0 || text[op->message.size] == 1);
    kv_require(r, sequence == number);

    /* Ours, with their confounder. */
    uint8_t confounder[8];
    memcpy(confounder, token.data + token.size - 8, 8);
    if (op->sealed) {
        struct rc4_header zero = {op->from_acceptor, true, number};
        uint8_t nothing[8] = {0}, stream[RC4_WRAP_MAX];
        SECURITY_STATUS (*before)(void *, size_t) = random_source;
        fixed_random = BYTES(nothing);
        random_source = give_fixed;
        kv_require(r, rc4_wrap(&keys, &zero, NULL, 0, NULL, stream) == SEC_E_OK);
        random_source = before;
        for (size_t i = 0; i < 8; i++) {
            confounder[i] ^= stream[RC4_WRAP_SIZE - 8 + i]; /* the keystream's first bytes depend on the number alone */
        }
    }
    memcpy(again, op->message.data, op->message.size);
    struct message_part mine[] = {parts[0], {again, op->message.size, true}, parts[2]};
    struct rc4_header header = {op->from_acceptor, op->sealed, number};
    SECURITY_STATUS (*before)(void *, size_t) = random_source;
    fixed_random = BYTES(confounder);
    random_source = give_fixed;
    kv_require(r, rc4_wrap(&keys, &header, mine, 3, op->dce ? NULL : &padding, ours) == SEC_E_OK);
    random_source = before;
    kv_expect_bytes(r, "token", token, bytes_of(ours, rc4_wrap_size(op->message.size, op->dce)));
    kv_expect_bytes(r, "data", bytes_of(data.data, op->message.size), bytes_of(again, op->message.size));
    kv_require(r, op->dce || padding == data.data[op->message.size]);
    rc4_keys_wipe(&keys);
}

static void check_rc4_mic(const struct kv_record *r, const struct op *op, struct bytes token, uint32_t number)
{
    struct rc4_keys keys;
    uint8_t text[256], ours[RC4_MIC_SIZE];
    uint32_t sequence = 0;
    memcpy(text, op->message.data, op->message.size);
    const struct message_part parts[] = {{text, op->message.size, true}};
    struct rc4_header header = {op->from_acceptor, false, number};
    rc4_keys_init(&keys, op->base);
    kv_require(r, rc4_mic_check(&keys, op->from_acceptor, parts, 1, token, &sequence) == SEC_E_OK);
    kv_require(r, sequence == number);
    rc4_mic(&keys, &header, parts, 1, ours);
    kv_expect_bytes(r, "mic", token, BYTES(ours));
    kv_require(r, rc4_mic_check(&keys, !op->from_acceptor, parts, 1, token, &sequence) == SEC_E_MESSAGE_ALTERED);
    text[0] ^= 1;
    kv_require(r, rc4_mic_check(&keys, op->from_acceptor, parts, 1, token, &sequence) == SEC_E_MESSAGE_ALTERED);
    rc4_keys_wipe(&keys);
}

static void check_rc4(const struct kv_record *r, const struct op *op, const char *kind, uint32_t number)
{
    struct bytes token = field(r, op, "_token");
    if (strcmp(kind, "mic") == 0) {
        check_rc4_mic(r, op, token, number);
    } else if (strcmp(kind, "wrap") == 0) {
        struct op one = *op;
        one.dce = false; /* gss_wrap() pads in any case */
        size_t size = 0;
        bool sealed = false;
        kv_require(r, rc4_wrap_parse(token, &size, &sealed) == SEC_E_OK);
        if (size + op->message.size == token.size) {
            one.dce = true;
        }
        check_rc4_wrap(r, &one, bytes_of(token.data, size), bytes_of(token.data + size, token.size - size), number);
    } else {
        uint8_t all[256];
        struct bytes data = field(r, op, "_data"), padding = field(r, op, "_padding");
        memcpy(all, data.data, data.size);
        memcpy(all + data.size, padding.size != 0 ? padding.data : all, padding.size);
        check_rc4_wrap(r, op, field(r, op, "_header"), bytes_of(all, data.size + padding.size), number);
    }
}

static void check_exchange(const struct kv_record *r)
{
    int count = 0;
    for (int i = 0; kv_has(r, "op%d_kind", i); i++) {
        struct op op = {.dce = kv_number(r, "dce") != 0, .base = kv_hex(r, "ctx_key")};
        (void)snprintf(op.name, sizeof op.name, "op%d", i);
        op.profile = enctype_profile((uint32_t)kv_number(r, "ctx_key_etype"));
        op.from_acceptor = strcmp(kv_text(r, "op%d_from", i), "acceptor") == 0;
        op.message = field(r, &op, "_msg");
        op.before = field(r, &op, "_sign_only_before");
        op.after = field(r, &op, "_sign_only_after");
        const char *kind = kv_text(r, "op%d_kind", i);
        op.sealed = strcmp(kind, "mic") != 0 && kv_number(r, "op%d_conf", i) != 0;
        uint32_t number = kv_has(r, "op%d_seq", i) ? (uint32_t)kv_number(r, "op%d_seq", i) : 0;
        if (op.profile != NULL) {
            check_cfx(r, &op, kind);
        } else {
            kv_require(r, kv_number(r, "ctx_key_etype") == ENCTYPE_RC4);
            if (number != 0) {
                check_rc4(r, &op, kind, number);
            }
        }
        count++;
    }
    kv_require(r, count == 10);
}

static void tokens_of_mit(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_gss_exchange", check_exchange), 12);
}

static void check_kile(const struct kv_record *r)
{
    struct op op = {.name = "kile", .sealed = true, .base = kv_hex(r, "ctx_key"), .message = kv_hex(r, "msg")};
    check_rc4_wrap(r, &op, kv_hex(r, "header"), kv_hex(r, "data"), (uint32_t)kv_number(r, "seq"));
}

static void token_of_ms_kile(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_rc4_wrap_split", check_kile), 1);
}

static void check_windows(const struct kv_record *r)
{
    uint8_t confounder[16];
    struct op op = {.name = "windows",
                    .dce = true,
                    .sealed = true,
                    .profile = enctype_profile((uint32_t)kv_number(r, "etype")),
                    .base = kv_hex(r, "ctx_key"),
                    .message = kv_hex(r, "msg"),
                    .before = kv_hex(r, "sign_only_before"),
                    .after = kv_hex(r, "sign_only_after")};
    open_split(r, &op, kv_hex(r, "header"), kv_hex(r, "data"), confounder);
    /* Our filler is Windows' own: here every byte must be the same. */
    op.dce = true;
    uint8_t token[CFX_TOKEN_MAX], text[256];
    struct cfx_keys keys;
    memcpy(text, op.message.data, op.message.size);
    const struct message_part parts[] = {{(uint8_t *)(uintptr_t)op.before.data, op.before.size, false},
                                         {text, op.message.size, true},
                                         {(uint8_t *)(uintptr_t)op.after.data, op.after.size, false}};
    struct cfx_header head = {.flags = CFX_ACCEPTOR_SUBKEY, .sequence = (uint64_t)kv_number(r, "seq")};
    cfx_keys_init(&keys, op.profile, false, true);
    SECURITY_STATUS (*before)(void *, size_t) = random_source;
    fixed_random = BYTES(confounder);
    random_source = give_fixed;
    kv_require(r, cfx_seal(&keys, op.base, &head, true, parts, 3, token) == SEC_E_OK);
    random_source = before;
    kv_expect(r, "header", bytes_of(token, cfx_sealed_size(op.profile, true)));
    kv_expect(r, "data", bytes_of(text, op.message.size));
    cfx_keys_wipe(&keys);
}

static void token_of_windows(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_PUBLISHED, GSS, "krb5_wrap_win_dce", check_windows), 1);
}

/* Every length, in every number of pieces: what one side seals the other opens, in pieces cut elsewhere. */
static void pieces_and_lengths(void **state)
{
    (void)state;
    static const uint8_t base[32] = {1, 2, 3};
    static const uint32_t types[] = {ENCTYPE_AES128_SHA1, ENCTYPE_AES256_SHA1, ENCTYPE_AES128_SHA2,
                                     ENCTYPE_AES256_SHA2};
    static uint8_t plain[5000], data[5000];
    uint64_t seed = 88172645463325252;
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)test_random(&seed);
    }
    for (size_t round = 0; round < 3000; round++) {
        const struct enctype_profile *profile = enctype_profile(types[round % 4]);
        size_t size = round < 600 ? round / 4 : test_random(&seed) % sizeof plain;
        bool dce = round / 4 % 2 != 0;
        struct bytes key = bytes_of(base, profile->key_size);
        struct message_part parts[12];
        uint8_t token[CFX_TOKEN_MAX];
        size_t count = 0, at = 0;
        memcpy(data, plain, size);
        while (at < size && count < 11) {
            size_t run = count == 10 ? size - at : test_random(&seed) % (size - at) + 1;
            run = count < 10 && round % 3 == 0 && run > 40 ? test_random(&seed) % 40 : run;
            parts[count] = (struct message_part){data + at, run, true};
            at += run;
            count++;
        }
        if (at < size) {
            parts[count] = (struct message_part){data + at, size - at, true};
            count++;
        }
        struct cfx_keys sender, receiver;
        struct cfx_header head = {.sequence = round};
        cfx_keys_init(&sender, profile, false, true);
        cfx_keys_init(&receiver, profile, false, false);
        assert_int_equal(cfx_seal(&sender, key, &head, dce, parts, count, token), SEC_E_OK);
        size_t token_size = cfx_sealed_size(profile, dce);
        assert_true(size < 8 || memcmp(data, plain, size) != 0);
        assert_int_equal(cfx_wrap_header(&receiver, bytes_of(token, token_size), &head), SEC_E_OK);
        size_t cut = size != 0 ? test_random(&seed) % size : 0;
        const struct message_part wire[] = {{token + CFX_HEADER_SIZE, token_size - CFX_HEADER_SIZE, true},
                                            {data, cut, true},
                                            {data + cut, size - cut, true}};
        const struct cfx_message message = {token, wire, 3, NULL, 0};
        struct cfx_found found;
        assert_int_equal(cfx_open(&receiver, key, &head, dce, &message, &found), SEC_E_OK);
        assert_int_equal(found.size, size);
        assert_memory_equal(data, plain, size);
        cfx_keys_wipe(&sender);
        cfx_keys_wipe(&receiver);
    }
}

static void numbers(void **state)
{
    (void)state;
    struct sequence s;
    sequence_start(&s, 0xfffffffe, false, true, true);
    for (uint32_t n = 0xfffffffe; n != 2; n++) { /* around the end of 32 bits */
        assert_int_equal(sequence_check(&s, n), SEC_E_OK);
        sequence_accept(&s, n);
        assert_int_equal(sequence_check(&s, n), SEC_E_OUT_OF_SEQUENCE);
    }
    assert_int_equal(sequence_check(&s, 3), SEC_E_OUT_OF_SEQUENCE); /* a gap */

    sequence_start(&s, 100, true, false, true);
    assert_int_equal(sequence_check(&s, 104), SEC_E_OK);
    sequence_accept(&s, 104);
    assert_int_equal(sequence_check(&s, 104), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(sequence_check(&s, 101), SEC_E_OK);
    sequence_accept(&s, 101);
    assert_int_equal(sequence_check(&s, 101), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(sequence_check(&s, 100), SEC_E_OK);
    sequence_accept(&s, 300);
    assert_int_equal(sequence_check(&s, 102), SEC_E_OUT_OF_SEQUENCE); /* too old to tell */
    assert_int_equal(sequence_check(&s, 237), SEC_E_OK);
    assert_int_equal(sequence_check(&s, 236), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(sequence_check(&s, 300), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(sequence_check(&s, 299), SEC_E_OK);

    sequence_start(&s, 0, true, false, false);
    sequence_accept(&s, 7);
    assert_int_equal(sequence_check(&s, 7), SEC_E_OK); /* nothing was negotiated */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_rfcs), cmocka_unit_test(keys_of_others),   cmocka_unit_test(tokens_of_mit),
        cmocka_unit_test(token_of_ms_kile), cmocka_unit_test(token_of_windows), cmocka_unit_test(pieces_and_lengths),
        cmocka_unit_test(numbers),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
