#include "support/pac_ticket.h"

#include <stdlib.h>

#include "vectors/kv.h"

struct hex pac_logon_buffer, pac_names_buffer;

static void keep_logon(const struct kv_record *record)
{
    if (strcmp(kv_id(record), "samba-logon-info") == 0) {
        struct bytes buffer = kv_hex(record, "buffer");
        memcpy(pac_logon_buffer.data, buffer.data, buffer.size);
        pac_logon_buffer.size = buffer.size;
    }
}

static void keep_names(const struct kv_record *record)
{
    struct bytes buffer = kv_hex(record, "buffer");
    memcpy(pac_names_buffer.data, buffer.data, buffer.size);
    pac_names_buffer.size = buffer.size;
}

static void ok(krb5_error_code code)
{
    assert_int_equal(code, 0);
}

static krb5_keyblock *new_key(krb5_context krb)
{
    krb5_keyblock *key = NULL;
    ok(krb5_init_keyblock(krb, ENCTYPE_AES256_CTS_HMAC_SHA1_96, 0, &key));
    ok(krb5_c_make_random_key(krb, ENCTYPE_AES256_CTS_HMAC_SHA1_96, key));
    return key;
}

static void add_key(struct pac_ticket *f, krb5_principal principal, krb5_kvno number, const krb5_keyblock *key)
{
    krb5_keytab_entry entry = {.principal = principal, .vno = number, .key = *key};
    ok(krb5_kt_add_entry(f->krb, f->keytab, &entry));
}

int pac_ticket_open(void **state)
{
    struct pac_ticket *f = calloc(1, sizeof *f);
    ok(krb5_init_context(&f->krb));
    ok(krb5_parse_name(f->krb, "alice@DOM.SSPI.TEST", &f->client));
    ok(krb5_parse_name(f->krb, "bob@DOM.SSPI.TEST", &f->other));
    ok(krb5_parse_name(f->krb, "HTTP/server@DOM.SSPI.TEST", &f->service));
    f->server_key = new_key(f->krb);
    f->wrong_key = new_key(f->krb);
    f->kdc_key = new_key(f->krb);
    ok(krb5_kt_resolve(f->krb, "MEMORY:pac", &f->keytab));
    add_key(f, f->other, 3, f->server_key); /* of another name: not looked at */
    add_key(f, f->service, 1, f->wrong_key);
    add_key(f, f->service, 2, f->server_key);
    f->part.client = f->client;
    f->part.times.authtime = 1700000000;
    f->ticket.server = f->service;
    f->ticket.enc_part.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96;
    f->ticket.enc_part2 = &f->part;
    assert_int_equal(kv_each(KV_TREE, PAC_VECTORS, "pac_logon", keep_logon), 2);
    assert_int_equal(kv_each(KV_TREE, PAC_VECTORS, "pac_upn", keep_names), 1);
    *state = f;
    return 0;
}

int pac_ticket_close(void **state)
{
    struct pac_ticket *f = *state;
    ok(krb5_kt_close(f->krb, f->keytab));
    krb5_free_principal(f->krb, f->client);
    krb5_free_principal(f->krb, f->other);
    krb5_free_principal(f->krb, f->service);
    krb5_free_keyblock(f->krb, f->server_key);
    krb5_free_keyblock(f->krb, f->wrong_key);
    krb5_free_keyblock(f->krb, f->kdc_key);
    krb5_free_context(f->krb);
    free(f);
    return 0;
}

static void add_buffer(struct pac_ticket *f, krb5_pac pac, uint32_t type, const struct hex *buffer)
{
    krb5_data data = {0, (unsigned)buffer->size, (char *)(uintptr_t)buffer->data};
    ok(krb5_pac_add_buffer(f->krb, pac, type, &data));
}

void pac_ticket_give(struct pac_ticket *f, const krb5_keyblock *key, krb5_principal whom, krb5_timestamp when,
                     const struct hex *logon)
{
    krb5_pac pac = NULL;
    krb5_data whole = {0};
    ok(krb5_pac_init(f->krb, &pac));
    if (logon != NULL) {
        add_buffer(f, pac, KRB5_PAC_LOGON_INFO, logon);
    }
    add_buffer(f, pac, KRB5_PAC_UPN_DNS_INFO, &pac_names_buffer);
    ok(krb5_pac_sign(f->krb, pac, when, whom, key, f->kdc_key, &whole));
    krb5_pac_free(f->krb, pac);
    krb5_authdata element = {
        .ad_type = KRB5_AUTHDATA_WIN2K_PAC, .length = whole.length, .contents = (void *)whole.data};
    krb5_authdata *list[2] = {&element, NULL};
    krb5_free_authdata(f->krb, f->part.authorization_data);
    ok(krb5_encode_authdata_container(f->krb, KRB5_AUTHDATA_IF_RELEVANT, list, &f->part.authorization_data));
    krb5_free_data_contents(f->krb, &whole);
}
