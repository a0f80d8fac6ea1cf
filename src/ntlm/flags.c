#include "ntlm/flags.h"

/* The names of MS-NLMP 2.2.2.5, by bit number; the unused bits have none. */
static const char *const names[32] = {
    [0] = "NTLMSSP_NEGOTIATE_UNICODE",
    [1] = "NTLM_NEGOTIATE_OEM",
    [2] = "NTLMSSP_REQUEST_TARGET",
    [4] = "NTLMSSP_NEGOTIATE_SIGN",
    [5] = "NTLMSSP_NEGOTIATE_SEAL",
    [6] = "NTLMSSP_NEGOTIATE_DATAGRAM",
    [7] = "NTLMSSP_NEGOTIATE_LM_KEY",
    [9] = "NTLMSSP_NEGOTIATE_NTLM",
    [11] = "NTLMSSP_ANONYMOUS",
    [12] = "NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED",
    [13] = "NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED",
    [14] = "NTLMSSP_NEGOTIATE_LOCAL_CALL",
    [15] = "NTLMSSP_NEGOTIATE_ALWAYS_SIGN",
    [16] = "NTLMSSP_TARGET_TYPE_DOMAIN",
    [17] = "NTLMSSP_TARGET_TYPE_SERVER",
    [19] = "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY",
    [20] = "NTLMSSP_NEGOTIATE_IDENTIFY",
    [22] = "NTLMSSP_REQUEST_NON_NT_SESSION_KEY",
    [23] = "NTLMSSP_NEGOTIATE_TARGET_INFO",
    [25] = "NTLMSSP_NEGOTIATE_VERSION",
    [29] = "NTLMSSP_NEGOTIATE_128",
    [30] = "NTLMSSP_NEGOTIATE_KEY_EXCH",
    [31] = "NTLMSSP_NEGOTIATE_56",
};

const char *ntlm_flag_name(uint32_t single_bit)
{
    if (single_bit == 0 || (single_bit & (single_bit - 1)) != 0) {
        return NULL;
    }
    return names[__builtin_ctz(single_bit)];
}
