/* Per-message tokens of Kerberos from a peer: no crash, nothing outside the buffers; a token that nobody sealed does not open,
 * and leaves the message as it was.  Byte 0: the type of the key, byte 1: where the buffers are cut, byte 2: DCE style. */
#include "fuzz/fuzz.h"

#include "kerberos/cfx.h"
#include "kerberos/rc4_token.h"

#define MESSAGE_MAX 2048

static const uint8_t base[KERBEROS_KEY_MAX] = {1, 2, 3};

static void open_cfx(const struct enctype_profile *profile, uint8_t *message, size_t size, size_t cut, bool dce)
{
    struct cfx_keys keys;
    struct cfx_header header;
    struct cfx_found found;
    uint8_t before[MESSAGE_MAX];
    struct bytes key = bytes_of(base, profile->key_size);
    memcpy(before, message, size);
    cfx_keys_init(&keys, profile, false, false);
    if (cfx_mic_header(&keys, bytes_of(message, size), &header) == SEC_E_OK) {
        const struct message_part part = {before, size, true};
        PROMISE(cfx_mic_check(&keys, key, &part, 1, bytes_of(message, size)) < 0);
    }
    if (cfx_wrap_header(&keys, bytes_of(message, size), &header) == SEC_E_OK) {
        cut = CFX_HEADER_SIZE + cut % (size - CFX_HEADER_SIZE + 1);
        const struct message_part wire[] = {{message + CFX_HEADER_SIZE, cut - CFX_HEADER_SIZE, true},
                                            {message + cut, size - cut, true}};
        const struct message_part layout[] = {{message + cut, size - cut, true}};
        struct cfx_message whole = {message, wire, 2, NULL, 0};
        PROMISE(cfx_open(&keys, key, &header, dce, &whole, &found) < 0);
        whole.layout = layout;
        whole.layout_count = 1;
        PROMISE(cfx_open(&keys, key, &header, dce, &whole, &found) < 0);
    }
    PROMISE(memcmp(before, message, size) == 0);
    cfx_keys_wipe(&keys);
}

static void open_rc4(uint8_t *message, size_t size)
{
    struct rc4_keys keys;
    uint8_t before[MESSAGE_MAX];
    size_t head = 0;
    uint32_t number = 0;
    bool sealed = false;
    memcpy(before, message, size);
    rc4_keys_init(&keys, bytes_of(base, 16));
    const struct message_part all = {before, size, true};
    PROMISE(rc4_mic_check(&keys, false, &all, 1, bytes_of(message, size), &number) < 0);
    if (rc4_wrap_parse(bytes_of(message, size), &head, &sealed) == SEC_E_OK) {
        const struct message_part rest = {message + head, size - head, true};
        PROMISE(head <= size);
        PROMISE(rc4_unwrap(&keys, false, &rest, 1, bytes_of(message, head), &number) < 0);
    }
    PROMISE(memcmp(before, message, size) == 0);
    rc4_keys_wipe(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t message[MESSAGE_MAX];
    if (size < 3 || size - 3 > sizeof message) {
        return 0;
    }
    memcpy(message, data + 3, size - 3);
    const struct enctype_profile *profile = enctype_profile(ENCTYPE_AES128_SHA1 + data[0] % 5u);
    if (profile != NULL) {
        open_cfx(profile, message, size - 3, data[1], data[2] % 2 != 0);
    } else {
        open_rc4(message, size - 3);
    }
    return 0;
}
