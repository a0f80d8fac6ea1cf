/* Lists of directives: no crash; what was read is written again into a list that says the same. */
#include "fuzz/fuzz.h"

#include "digest/directives.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[2][65536];
    static char text[200000];
    struct digest_directives first, second;
    if (size > sizeof memory[0]) {
        return 0;
    }
    struct writer room = write_into(memory[0], size);
    struct bytes rest = bytes_of(data, size);
    while (rest.size != 0) {
        size_t before = rest.size;
        if (digest_parse(&rest, &room, &first) != SEC_E_OK) {
            return 0;
        }
        PROMISE(rest.size < before);
    }
    room = write_into(memory[0], size);
    if (digest_parse_one(bytes_of(data, size), false, &room, &first) != SEC_E_OK) {
        return 0;
    }
    struct writer out = write_into(text, sizeof text);
    struct digest_list list = digest_list_start(&out);
    static const enum digest_directive some[] = {DIGEST_REALM, DIGEST_NONCE, DIGEST_USERNAME, DIGEST_URI};
    static const char *const names[] = {"realm", "nonce", "username", "uri"};
    for (size_t i = 0; i < 4; i++) {
        if (digest_has(&first, some[i])) {
            digest_put_quoted(&list, names[i], first.value[some[i]]);
        }
    }
    PROMISE(digest_list_end(&list) == SEC_E_OK); /* nothing that was read is beyond writing */
    room = write_into(memory[1], sizeof memory[1]);
    PROMISE(digest_parse_one(write_result(&out), false, &room, &second) == SEC_E_OK);
    for (size_t i = 0; i < 4; i++) {
        struct bytes a = first.value[some[i]], b = second.value[some[i]];
        PROMISE(digest_has(&first, some[i]) == digest_has(&second, some[i]));
        PROMISE(!digest_has(&first, some[i]) ||
                (a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0)));
    }
    return 0;
}
