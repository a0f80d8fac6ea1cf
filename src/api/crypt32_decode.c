/* CryptDecodeObject and CryptDecodeObjectEx (wincrypt_names.h).
 *
 * What is handed out is one block whose pointers point into it.  It is decoded twice: once to see how large it is, in memory
 * of our own, and once into the place where it will stay. */
#include "api/crypt32.h"

#include "base/secret.h"
#include "cert/decode.h"
#include "core/context_buffer.h"

struct decode_call {
    DWORD encoding;
    LPCSTR type;
    struct bytes der;
    DWORD flags;
    const CRYPT_DECODE_PARA *parameters;
    void *out;
    DWORD *size;
};

/* Nothing takes more than this for each byte of DER; most takes much less, so that is tried first. */
#define GROWTH_FIRST 8
#define GROWTH_MAX   128

static STATUS measure(DWORD type, struct bytes der, size_t *out)
{
    SECURITY_STATUS status = SEC_E_INSUFFICIENT_MEMORY;
    for (size_t growth = GROWTH_FIRST; status == SEC_E_INSUFFICIENT_MEMORY && growth <= GROWTH_MAX; growth *= 4) {
        AUTO_SECRET block = {NULL, 0, 0}; /* perhaps a private key */
        struct arena arena = {.pieces = NULL};
        REQUIRE(der.size <= DECODE_MAX, SEC_E_INVALID_TOKEN, "CryptDecodeObjectEx: more than a megabyte");
        TRY(secret_alloc(&block, 1024 + growth * der.size));
        arena.fixed = block.data;
        arena.room = block.size;
        status_begin(); /* too little room the first time is no failure */
        status = decode(type, der, &arena);
        *out = arena.used;
    }
    return status;
}

static void *allocate(const struct decode_call *call, size_t size)
{
    if (call->parameters != NULL && call->parameters->cbSize >= sizeof *call->parameters &&
        call->parameters->pfnAlloc != NULL) {
        return call->parameters->pfnAlloc(size);
    }
    return context_buffer_alloc(size); /* LocalFree */
}

static STATUS give_allocated(const struct decode_call *call, DWORD type, size_t size)
{
    struct arena arena = {.room = size};
    SECURITY_STATUS status;
    REQUIRE(call->out != NULL, SEC_E_INVALID_PARAMETER, "CryptDecodeObjectEx: no place for the pointer");
    arena.fixed = allocate(call, size);
    REQUIRE(arena.fixed != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    status = decode(type, call->der, &arena);
    if (status < 0) {
        bool theirs = call->parameters != NULL && call->parameters->pfnFree != NULL;
        if (theirs) {
            call->parameters->pfnFree(arena.fixed);
        } else {
            (void)!context_buffer_free(arena.fixed);
        }
        return status;
    }
    *(void **)call->out = arena.fixed;
    *call->size = (DWORD)size;
    return SEC_E_OK;
}

static STATUS decode_object(const struct decode_call *call)
{
    DWORD type, room;
    size_t size = 0;
    struct arena arena = {.pieces = NULL};
    REQUIRE(crypt32_encoding(call->encoding) || (call->encoding & PKCS_7_ASN_ENCODING) != 0,
            CRYPT32_WIN32(ERROR_FILE_NOT_FOUND), "CryptDecodeObjectEx: an encoding that is not X509_ASN_ENCODING");
    REQUIRE(call->size != NULL && call->type != NULL, SEC_E_INVALID_PARAMETER,
            "CryptDecodeObjectEx: no place for the size");
    type = (uintptr_t)call->type <= 0xFFFF ? (DWORD)(uintptr_t)call->type : decode_type_of_oid(call->type);
    REQUIRE(decode_knows(type), CRYPT32_WIN32(ERROR_FILE_NOT_FOUND),
            "CryptDecodeObjectEx: a structure that is not known");
    TRY(measure(type, call->der, &size));
    if ((call->flags & CRYPT_DECODE_ALLOC_FLAG) != 0) {
        return give_allocated(call, type, size);
    }
    room = *call->size;
    *call->size = (DWORD)size;
    if (call->out == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(room >= size, CRYPT32_WIN32(ERROR_MORE_DATA), "crypt32: the caller's buffer is too small");
    arena.fixed = call->out;
    arena.room = size;
    return decode(type, call->der, &arena);
}

BOOL WINAPI CryptDecodeObjectEx(DWORD dwCertEncodingType, LPCSTR lpszStructType, const BYTE *pbEncoded, DWORD cbEncoded,
                                DWORD dwFlags, PCRYPT_DECODE_PARA pDecodePara, void *pvStructInfo, DWORD *pcbStructInfo)
{
    struct decode_call call = {
        dwCertEncodingType, lpszStructType, bytes_of(pbEncoded, cbEncoded), dwFlags, pDecodePara,
        pvStructInfo,       pcbStructInfo,
    };
    status_begin();
    return crypt32_done("CryptDecodeObject", decode_object(&call));
}

BOOL WINAPI CryptDecodeObject(DWORD dwCertEncodingType, LPCSTR lpszStructType, const BYTE *pbEncoded, DWORD cbEncoded,
                              DWORD dwFlags, void *pvStructInfo, DWORD *pcbStructInfo)
{
    return CryptDecodeObjectEx(dwCertEncodingType, lpszStructType, pbEncoded, cbEncoded,
                               dwFlags & ~CRYPT_DECODE_ALLOC_FLAG, NULL, pvStructInfo, pcbStructInfo);
}
