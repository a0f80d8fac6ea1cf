/* What a program hands in to make a key or a name of: PRIVATEKEYBLOBs and PrivateKeyInfos, and the texts of CertStrToName.  No
 * crash; a key that was taken can be written again, and a name that was made can be read. */
#include "fuzz/fuzz.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cert/key_blob.h"
#include "cert/name_text.h"

static void use_key(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int size = i2d_PrivateKey(key, &der);
    PROMISE(EVP_PKEY_get_bits(key) > 0);
    if (size > 0) {
        OPENSSL_cleanse(der, (size_t)size);
    }
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void use_name(struct bytes text, DWORD how)
{
    AUTO_WRITER der = write_growing(1 << 20), again = write_growing(1 << 22);
    size_t wrong = 0;
    SECURITY_STATUS status = name_text_read(text, how, &der, &wrong);
    if (status < 0) {
        PROMISE(wrong == SIZE_MAX || wrong <= text.size);
        return;
    }
    PROMISE(wrong == SIZE_MAX);
    PROMISE(name_text_write(write_result(&der), CERT_X500_NAME_STR, &again) == SEC_E_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_blob blob;
    EVP_PKEY *key = NULL;
    if (size == 0 || size > 1 << 14) {
        return 0;
    }
    if (data[0] == 'N') { /* a name: four bytes of flags, then text */
        if (size >= 5) {
            DWORD how = (DWORD)data[1] << 24 | (DWORD)data[2] << 16;
            use_name(bytes_of(data + 5, size - 5), how | CERT_X500_NAME_STR);
        }
        return 0;
    }
    if (key_blob_read(bytes_of(data, size), &blob) >= 0) {
        PROMISE(blob.algorithm == CALG_RSA_KEYX || blob.algorithm == CALG_RSA_SIGN);
        use_key(blob.key);
    }
    if (key_blob_read_pkcs8(bytes_of(data, size), &key) >= 0) {
        use_key(key);
    }
    return 0;
}
