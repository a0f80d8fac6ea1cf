/* bcrypt.h: the names of algorithms and modes that CRYPTO_SETTINGS (schannel.h) takes.
 *
 * Source: Microsoft Learn, "CNG Algorithm Identifiers", "CNG Property Identifiers".  The functions of bcrypt.dll are not
 * here: what they compute, libcrypto computes. */
#ifndef __BCRYPT_H__
#define __BCRYPT_H__

#include "windows.h"

#define BCRYPT_RSA_ALGORITHM               __SSPI_WIDE("RSA")
#define BCRYPT_RSA_SIGN_ALGORITHM          __SSPI_WIDE("RSA_SIGN")
#define BCRYPT_DH_ALGORITHM                __SSPI_WIDE("DH")
#define BCRYPT_DSA_ALGORITHM               __SSPI_WIDE("DSA")
#define BCRYPT_ECDSA_ALGORITHM             __SSPI_WIDE("ECDSA")
#define BCRYPT_ECDSA_P256_ALGORITHM        __SSPI_WIDE("ECDSA_P256")
#define BCRYPT_ECDSA_P384_ALGORITHM        __SSPI_WIDE("ECDSA_P384")
#define BCRYPT_ECDSA_P521_ALGORITHM        __SSPI_WIDE("ECDSA_P521")
#define BCRYPT_ECDH_ALGORITHM              __SSPI_WIDE("ECDH")
#define BCRYPT_ECDH_P256_ALGORITHM         __SSPI_WIDE("ECDH_P256")
#define BCRYPT_ECDH_P384_ALGORITHM         __SSPI_WIDE("ECDH_P384")
#define BCRYPT_ECDH_P521_ALGORITHM         __SSPI_WIDE("ECDH_P521")
#define BCRYPT_AES_ALGORITHM               __SSPI_WIDE("AES")
#define BCRYPT_DES_ALGORITHM               __SSPI_WIDE("DES")
#define BCRYPT_3DES_ALGORITHM              __SSPI_WIDE("3DES")
#define BCRYPT_RC2_ALGORITHM               __SSPI_WIDE("RC2")
#define BCRYPT_RC4_ALGORITHM               __SSPI_WIDE("RC4")
#define BCRYPT_CHACHA20_POLY1305_ALGORITHM __SSPI_WIDE("CHACHA20_POLY1305")
#define BCRYPT_MD5_ALGORITHM               __SSPI_WIDE("MD5")
#define BCRYPT_SHA1_ALGORITHM              __SSPI_WIDE("SHA1")
#define BCRYPT_SHA256_ALGORITHM            __SSPI_WIDE("SHA256")
#define BCRYPT_SHA384_ALGORITHM            __SSPI_WIDE("SHA384")
#define BCRYPT_SHA512_ALGORITHM            __SSPI_WIDE("SHA512")

#define BCRYPT_CHAIN_MODE_NA  __SSPI_WIDE("ChainingModeN/A")
#define BCRYPT_CHAIN_MODE_CBC __SSPI_WIDE("ChainingModeCBC")
#define BCRYPT_CHAIN_MODE_ECB __SSPI_WIDE("ChainingModeECB")
#define BCRYPT_CHAIN_MODE_CFB __SSPI_WIDE("ChainingModeCFB")
#define BCRYPT_CHAIN_MODE_CCM __SSPI_WIDE("ChainingModeCCM")
#define BCRYPT_CHAIN_MODE_GCM __SSPI_WIDE("ChainingModeGCM")

#endif
