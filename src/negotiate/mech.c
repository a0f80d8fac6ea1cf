#include "negotiate/mech.h"

#include <string.h>

#include "wire/gss_frame.h"

#define KERBEROS "Kerberos"
#define NTLM     "NTLM"

const struct mech mechs[MECH_COUNT] = {
    /* 1.2.840.48018.1.2.2, 1.2.840.113554.1.2.2, 1.2.840.113554.1.2.2.3, 1.3.6.1.4.1.311.2.2.10 */
    {{11, {0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02}}, KERBEROS, true, false},
    {{11, {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02}}, KERBEROS, true, false},
    {{12, {0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03}}, KERBEROS, true, true},
    {{12, {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a}}, NTLM, false, false},
};

bool mech_is_same(const struct mech *a, const struct mech *b)
{
    return strcmp(a->package, b->package) == 0 && a->user_to_user == b->user_to_user;
}

static const struct mech *find(struct bytes oid)
{
    for (size_t i = 0; i < MECH_COUNT; i++) {
        if (oid.size == mechs[i].oid.size && memcmp(oid.data, mechs[i].oid.der, oid.size) == 0) {
            return &mechs[i];
        }
    }
    return NULL;
}

const struct mech *mech_find(const struct neg_oid *oid)
{
    return find(neg_oid_bytes(oid));
}

const char *mech_of_raw_token(struct bytes token)
{
    static const uint8_t ntlmssp[8] = "NTLMSSP"; /* with its NUL (MS-NLMP 2.2.1) */
    if (token.size >= sizeof ntlmssp && memcmp(token.data, ntlmssp, sizeof ntlmssp) == 0) {
        return NTLM;
    }
    if (token.size != 0 && token.data[0] == 0x6e) { /* an AP-REQ as it is: DCE style (MS-KILE 3.4.5.1) */
        return KERBEROS;
    }
    if (token.size == 0 || token.data[0] != 0x60) { /* the frame of RFC 2743 3.1 */
        return NULL;
    }
    struct bytes mechanism, inner;
    if (gss_frame_parse(token, &mechanism, &inner) < 0) {
        status_begin(); /* whoever parses it next says what is wrong */
        return NULL;
    }
    const struct mech *mech = find(mechanism);
    return mech != NULL ? mech->package : NULL;
}
