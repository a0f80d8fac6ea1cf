/* NEGOTIATE flags (MS-NLMP 2.2.2.5) and what each side makes of them. */
#ifndef OPENSSPI_NTLM_FLAGS_H
#define OPENSSPI_NTLM_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ntlm_flag {
    NTLM_UNICODE = 0x00000001,                  /* A */
    NTLM_OEM = 0x00000002,                      /* B */
    NTLM_REQUEST_TARGET = 0x00000004,           /* C */
    NTLM_SIGN = 0x00000010,                     /* D */
    NTLM_SEAL = 0x00000020,                     /* E */
    NTLM_DATAGRAM = 0x00000040,                 /* F */
    NTLM_LM_KEY = 0x00000080,                   /* G */
    NTLM_NTLM = 0x00000200,                     /* H */
    NTLM_ANONYMOUS = 0x00000800,                /* J */
    NTLM_OEM_DOMAIN_SUPPLIED = 0x00001000,      /* K */
    NTLM_OEM_WORKSTATION_SUPPLIED = 0x00002000, /* L */
    NTLM_LOCAL_CALL = 0x00004000,
    NTLM_ALWAYS_SIGN = 0x00008000,                /* M */
    NTLM_TARGET_TYPE_DOMAIN = 0x00010000,         /* N */
    NTLM_TARGET_TYPE_SERVER = 0x00020000,         /* O */
    NTLM_ESS = 0x00080000,                        /* P: extended session security */
    NTLM_IDENTIFY = 0x00100000,                   /* Q */
    NTLM_REQUEST_NON_NT_SESSION_KEY = 0x00400000, /* R */
    NTLM_TARGET_INFO = 0x00800000,                /* S */
    NTLM_VERSION = 0x02000000,                    /* T */
    NTLM_128 = 0x20000000,                        /* U */
    NTLM_KEY_EXCH = 0x40000000,                   /* V */
};
#define NTLM_56 UINT32_C(0x80000000) /* W */

/* The flag's name in MS-NLMP ("NTLMSSP_NEGOTIATE_SIGN"), for traces and `sspi decode`; NULL for a bit without one. */
const char *ntlm_flag_name(uint32_t single_bit);

#endif
