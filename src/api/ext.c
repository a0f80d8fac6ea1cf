/* sspi_ext.h: what OpenSSPI adds. */
#include "api/api.h"

#include "ntlm/keys.h"
#include "sspi_ext.h"
#include "wire/reader.h"

/* NTLMv2_RESPONSE: the proof, then what it proves (MS-NLMP 2.2.2.8); NTLMv1's is 24 bytes. */
#define PROOF_SIZE            16
#define NTLM_V1_RESPONSE_SIZE 24

const char *SspiExtVersion(void)
{
    return SSPI_VERSION;
}

const char *SspiExtLastReason(SECURITY_STATUS *pStatus)
{
    return status_reason(pStatus, NULL, NULL);
}

const char *SspiExtStatusName(SECURITY_STATUS Status)
{
    return status_name(Status);
}

SECURITY_STATUS SEC_ENTRY SspiExtSetVerifier(PCredHandle phCredential, SSPI_EXT_VERIFY_FN Verify, void *Argument)
{
    status_begin();
    struct credential_verifier value = {Verify, Argument};
    return api_end("SspiExtSetVerifier",
                   api_set_credential(phCredential, SSPI_EXT_CRED_ATTR_VERIFIER, &value, sizeof value));
}

SECURITY_STATUS SEC_ENTRY SspiExtSetDigestLookup(PCredHandle phCredential, SSPI_EXT_DIGEST_LOOKUP_FN Lookup,
                                                 void *Argument)
{
    status_begin();
    struct credential_digest_lookup value = {Lookup, Argument};
    return api_end("SspiExtSetDigestLookup",
                   api_set_credential(phCredential, SSPI_EXT_CRED_ATTR_DIGEST_LOOKUP, &value, sizeof value));
}

static struct utf16 logon_name(const WCHAR *name, ULONG length)
{
    return name == NULL ? UTF16_NONE : (struct utf16){(const uint8_t *)name, 2 * (size_t)length};
}

static void write_fixed(uint8_t *out, const uint8_t *from, size_t size)
{
    struct writer writer = write_into(out, size);
    write_bytes(&writer, bytes_of(from, size));
}

/* The response and the name are the client's; the answer must not tell which of them was wrong. */
static SECURITY_STATUS verify_nt_hash(const SSPI_EXT_LOGON *logon, const unsigned char *nt_hash,
                                      SSPI_EXT_LOGON_RESULT *result)
{
    REQUIRE(logon != NULL && nt_hash != NULL && result != NULL, SEC_E_INVALID_PARAMETER,
            "SspiExtVerifyNtHash: an argument is NULL");
    REQUIRE(logon->Size >= sizeof *logon && result->Size >= sizeof *result, SEC_E_INVALID_PARAMETER,
            "SspiExtVerifyNtHash: a Size is smaller than its struct");
    REQUIRE(logon->Challenge != NULL && logon->NtResponse != NULL && logon->NtResponseLength > NTLM_V1_RESPONSE_SIZE,
            SEC_E_LOGON_DENIED, "the response is not NTLMv2 (MS-NLMP 2.2.2.8)");
    struct reader reader = read_start(bytes_of(logon->NtResponse, logon->NtResponseLength));
    struct bytes proof = read_bytes(&reader, PROOF_SIZE);
    struct bytes temp = read_bytes(&reader, read_left(&reader));

    AUTO_KEY16 ntowf_v1;
    write_fixed(ntowf_v1.b, nt_hash, sizeof ntowf_v1.b);
    AUTO_KEY16 ntowf_v2;
    ntlm_ntowf_v2(&ntowf_v1, logon_name(logon->User, logon->UserLength), logon_name(logon->Domain, logon->DomainLength),
                  &ntowf_v2);
    AUTO(hmac_md5_key_wipe) struct hmac_md5_key keyed;
    hmac_md5_key(&keyed, BYTES(ntowf_v2.b));
    AUTO_KEY16 expected;
    ntlm_v2_proof(&keyed, logon->Challenge, temp, &expected);
    REQUIRE(secret_equal(expected.b, proof.data, PROOF_SIZE), SEC_E_LOGON_DENIED,
            "the NTLMv2 proof does not match (MS-NLMP 3.2.5.1.2)");
    AUTO_KEY16 session_base_key;
    ntlm_v2_session_base_key(&keyed, &expected, &session_base_key);
    write_fixed(result->SessionBaseKey, session_base_key.b, sizeof session_base_key.b);
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY SspiExtVerifyNtHash(const SSPI_EXT_LOGON *Logon, const unsigned char *NtHash,
                                              SSPI_EXT_LOGON_RESULT *Result)
{
    status_begin();
    return api_end("SspiExtVerifyNtHash", verify_nt_hash(Logon, NtHash, Result));
}
