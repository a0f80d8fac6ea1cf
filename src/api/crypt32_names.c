/* Names in certificates as text (wincrypt_names.h). */
#include "api/crypt32.h"

#include <string.h>

#include "cert/name_text.h"

#define TEXT_MAX (1u << 20)

static struct bytes name_bytes(const CERT_NAME_BLOB *name)
{
    return bytes_of(name->pbData, name->cbData);
}

/* Whatever could not be found is an empty text: one character, its NUL. */
static DWORD finish(struct writer *writer, SECURITY_STATUS status, bool wide, void *buffer, DWORD characters)
{
    write_bytes(writer, bytes_of("", 1));
    if (status < 0 || write_end(writer) < 0) {
        return crypt32_give_text(bytes_of("", 1), wide, buffer, characters);
    }
    return crypt32_give_text(write_result(writer), wide, buffer, characters);
}

/* ---------------------------------------------------------------- CertNameToStr */

static DWORD name_to_str(const CERT_NAME_BLOB *name, DWORD how, bool wide, void *buffer, DWORD characters)
{
    AUTO_WRITER writer = write_growing(TEXT_MAX);
    SECURITY_STATUS status = SEC_E_INVALID_PARAMETER;
    status_begin();
    if (name != NULL) {
        status = name_text_write(name_bytes(name), how, &writer);
    }
    return finish(&writer, status, wide, buffer, characters);
}

DWORD WINAPI CertNameToStrA(DWORD dwCertEncodingType, PCERT_NAME_BLOB pName, DWORD dwStrType, LPSTR psz, DWORD csz)
{
    return name_to_str(pName, dwStrType, false, psz, csz);
}

DWORD WINAPI CertNameToStrW(DWORD dwCertEncodingType, PCERT_NAME_BLOB pName, DWORD dwStrType, LPWSTR psz, DWORD csz)
{
    return name_to_str(pName, dwStrType, true, psz, csz);
}

/* ---------------------------------------------------------------- CertStrToName */

/* `wrong` receives where the text is wrong, in bytes of UTF-8, or SIZE_MAX. */
static STATUS str_to_name(DWORD encoding, struct bytes utf8, DWORD how, BYTE *encoded, DWORD *size, size_t *wrong)
{
    AUTO_WRITER der = write_growing(TEXT_MAX);
    DWORD type = how & 0xFFFF;
    REQUIRE(crypt32_encoding(encoding) && size != NULL && type != CERT_SIMPLE_NAME_STR && type <= CERT_X500_NAME_STR,
            SEC_E_INVALID_PARAMETER, "CertStrToName: another encoding, another form of text, or no place for the size");
    TRY(name_text_read(utf8, how, &der, wrong));
    return crypt32_give(write_result(&der), encoded, size);
}

BOOL WINAPI CertStrToNameA(DWORD dwCertEncodingType, LPCSTR pszX500, DWORD dwStrType, void *pvReserved, BYTE *pbEncoded,
                           DWORD *pcbEncoded, LPCSTR *ppszError)
{
    SECURITY_STATUS status = SEC_E_INVALID_PARAMETER;
    size_t wrong = SIZE_MAX;
    status_begin();
    if (pszX500 != NULL) {
        status = str_to_name(dwCertEncodingType, bytes_of(pszX500, strlen(pszX500)), dwStrType, pbEncoded, pcbEncoded,
                             &wrong);
    }
    if (ppszError != NULL) {
        *ppszError = wrong == SIZE_MAX ? NULL : pszX500 + wrong;
    }
    return crypt32_done("CertStrToName", status);
}

/* Where the byte `at` of a text in UTF-8 is in UTF-16. */
static size_t wide_place(const char *utf8, size_t at)
{
    AUTO_UTF16 head = UTF16_NONE;
    return utf16_from_utf8(bytes_of(utf8, at), &head) < 0 ? 0 : utf16_length(head);
}

BOOL WINAPI CertStrToNameW(DWORD dwCertEncodingType, LPCWSTR pszX500, DWORD dwStrType, void *pvReserved,
                           BYTE *pbEncoded, DWORD *pcbEncoded, LPCWSTR *ppszError)
{
    AUTO_FREE char *utf8 = NULL;
    SECURITY_STATUS status;
    size_t wrong = SIZE_MAX;
    status_begin();
    status = crypt32_utf8(pszX500, &utf8);
    if (status >= 0) {
        status =
            str_to_name(dwCertEncodingType, bytes_of(utf8, strlen(utf8)), dwStrType, pbEncoded, pcbEncoded, &wrong);
    }
    if (ppszError != NULL) {
        *ppszError = wrong == SIZE_MAX ? NULL : pszX500 + wide_place(utf8, wrong);
    }
    return crypt32_done("CertStrToName", status);
}

/* ---------------------------------------------------------------- CertGetNameString */

struct name_call {
    struct certificate *certificate;
    struct bytes name; /* the subject's or the issuer's */
    bool issuer;
    bool all;
    const void *parameter;
    struct writer *out;
};

/* The first of the names that the writer holds, each with a NUL; none is fine. */
static void first_only(struct writer *names, struct writer *out)
{
    struct bytes all = write_result(names);
    size_t size = 0;
    while (size < all.size && all.data[size] != 0) {
        size++;
    }
    write_bytes(out, bytes_of(all.data, size));
}

/* Alternative names of a kind, then an attribute of the name in their place (`oid` NULL: none). */
static STATUS alternative(const struct name_call *call, enum name_kind kind, const char *oid)
{
    AUTO_WRITER names = write_growing(TEXT_MAX);
    TRY(name_text_alternatives(call->certificate, call->issuer, kind, &names));
    TRY(write_end(&names));
    if (write_result(&names).size == 0 && oid != NULL) {
        TRY(name_text_attribute(call->name, oid, &names));
        if (write_result(&names).size != 0) {
            write_bytes(&names, bytes_of("", 1));
        }
    }
    if (call->all) {
        write_bytes(call->out, write_result(&names));
    } else {
        first_only(&names, call->out);
    }
    return SEC_E_OK;
}

/* "Iterates through the following list" (CERT_NAME_SIMPLE_DISPLAY_TYPE). */
static STATUS display(const struct name_call *call)
{
    static const char *const oids[] = {szOID_COMMON_NAME, szOID_ORGANIZATIONAL_UNIT_NAME, szOID_ORGANIZATION_NAME,
                                       szOID_RSA_emailAddr};
    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
        TRY(name_text_attribute(call->name, oids[i], call->out));
        if (write_result(call->out).size != 0) {
            return SEC_E_OK;
        }
    }
    TRY(alternative(call, NAME_EMAIL, NULL));
    return write_result(call->out).size != 0 ? SEC_E_OK : name_text_first(call->name, call->out);
}

static STATUS friendly(const struct name_call *call)
{
    AUTO_FREE uint8_t *value = NULL;
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct utf16 wide;
    if (call->issuer || certificate_property(call->certificate, CERT_FRIENDLY_NAME_PROP_ID, &value, &size) < 0) {
        return display(call);
    }
    wide = utf16_of(bytes_of(value, size));
    if (utf16_find(wide, 0) != SIZE_MAX) {
        wide = utf16_head(wide, utf16_find(wide, 0));
    }
    TRY(utf16_to_utf8(wide, &text, &size));
    write_bytes(call->out, bytes_of(text, size));
    return SEC_E_OK;
}

static STATUS name_string(const struct name_call *call, DWORD type)
{
    switch (type) {
    case CERT_NAME_EMAIL_TYPE:
        return alternative(call, NAME_EMAIL, szOID_RSA_emailAddr);
    case CERT_NAME_RDN_TYPE:
        return name_text_write(
            call->name, call->parameter == NULL ? CERT_SIMPLE_NAME_STR : *(const DWORD *)call->parameter, call->out);
    case CERT_NAME_ATTR_TYPE:
        return call->parameter == NULL ? display(call) : name_text_attribute(call->name, call->parameter, call->out);
    case CERT_NAME_SIMPLE_DISPLAY_TYPE:
        return display(call);
    case CERT_NAME_FRIENDLY_DISPLAY_TYPE:
        return friendly(call);
    case CERT_NAME_DNS_TYPE:
        return alternative(call, NAME_DNS, szOID_COMMON_NAME);
    case CERT_NAME_URL_TYPE:
        return alternative(call, NAME_URL, NULL);
    case CERT_NAME_UPN_TYPE:
        return alternative(call, NAME_UPN, NULL);
    default:
        FAIL(SEC_E_INVALID_PARAMETER, "CertGetNameString: no such dwType");
    }
}

static DWORD get_name(PCCERT_CONTEXT context, DWORD type, struct name_call *call, bool wide, void *buffer,
                      DWORD characters)
{
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_WRITER writer = write_growing(TEXT_MAX);
    SECURITY_STATUS status;
    status_begin();
    status = certificate_from_context(context, &certificate);
    if (status >= 0) {
        const CERT_INFO *info = certificate_info(certificate);
        call->certificate = certificate;
        call->name = name_bytes(call->issuer ? &info->Issuer : &info->Subject);
        call->out = &writer;
        status = name_string(call, type);
    }
    return finish(&writer, status, wide, buffer, characters);
}

static struct name_call name_call(DWORD type, DWORD flags, const void *parameter)
{
    return (struct name_call){
        .issuer = (flags & CERT_NAME_ISSUER_FLAG) != 0,
        .all = (flags & CERT_NAME_SEARCH_ALL_NAMES_FLAG) != 0 && type == CERT_NAME_DNS_TYPE,
        .parameter = parameter,
    };
}

DWORD WINAPI CertGetNameStringA(PCCERT_CONTEXT pCertContext, DWORD dwType, DWORD dwFlags, void *pvTypePara,
                                LPSTR pszNameString, DWORD cchNameString)
{
    struct name_call call = name_call(dwType, dwFlags, pvTypePara);
    return get_name(pCertContext, dwType, &call, false, pszNameString, cchNameString);
}

DWORD WINAPI CertGetNameStringW(PCCERT_CONTEXT pCertContext, DWORD dwType, DWORD dwFlags, void *pvTypePara,
                                LPWSTR pszNameString, DWORD cchNameString)
{
    struct name_call call = name_call(dwType, dwFlags, pvTypePara);
    return get_name(pCertContext, dwType, &call, true, pszNameString, cchNameString);
}
