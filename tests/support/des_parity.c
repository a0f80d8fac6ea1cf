/* OpenSSL 3's DES_key_sched refuses a key whose parity bits are not set, which that of OpenSSL 1 did not, and Cyrus SASL's
 * plugin for DIGEST-MD5 relies on the latter: its 3des cannot begin.  This one, before OpenSSL's, takes any key, so that
 * there is a peer for our triple DES. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/des.h>

__attribute__((visibility("default"))) int DES_key_sched(const_DES_cblock *key, DES_key_schedule *schedule)
{
    DES_set_key_unchecked(key, schedule);
    return 0;
}
