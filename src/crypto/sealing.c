#include "crypto/sealing.h"

void sealing_encrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size)
{
    hmac_md5_update(mac, bytes_of(data, size));
    rc4_crypt(rc4, size, data, data);
}

void sealing_decrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size)
{
    rc4_crypt(rc4, size, data, data);
    hmac_md5_update(mac, bytes_of(data, size));
}
