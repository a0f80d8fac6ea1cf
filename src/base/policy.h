/* The policy: what this machine's owner allows.  One ini file, /etc/sspi/sspi.conf (SSPI_CONFIG overrides), read once
 * per process.  No file at /etc/sspi means the defaults.  A file that cannot be read or parsed voids the whole policy: no
 * credential is acquired until it is mended, because the line that was wrong may have been the strict one.  Every key is
 * documented in sspi.conf(5).
 */
#ifndef OPENSSPI_BASE_POLICY_H
#define OPENSSPI_BASE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define POLICY_NAME_MAX 256

enum policy_accounts { POLICY_ACCOUNTS_LMDB, POLICY_ACCOUNTS_FILE, POLICY_ACCOUNTS_WINBIND };
enum policy_target { POLICY_TARGET_ANY, POLICY_TARGET_IF_SENT, POLICY_TARGET_REQUIRED };

enum { /* a bit for each word of [digest] algorithms and ciphers */
       POLICY_DIGEST_MD5 = 1,
       POLICY_DIGEST_MD5_SESS = 2,
       POLICY_DIGEST_SHA256 = 4,
       POLICY_DIGEST_SHA256_SESS = 8,
       POLICY_DIGEST_SHA512_256 = 16,
       POLICY_DIGEST_SHA512_256_SESS = 32,
       POLICY_DIGEST_RC4 = 1,
       POLICY_DIGEST_3DES = 2,
       POLICY_DIGEST_DES = 4,
       POLICY_DIGEST_RC4_56 = 8,
       POLICY_DIGEST_RC4_40 = 16,
};

struct policy {
    bool broken; /* the file could not be read or parsed; nothing may be allowed */

    /* [ntlm] */
    bool ntlm_enabled;              /* enabled = yes */
    int ntlm_send_level;            /* send-level = 3        LmCompatibilityLevel of the client, 0..5 */
    int ntlm_accept_level;          /* accept-level = 5      LmCompatibilityLevel of the server, 0..5 */
    bool ntlm_require_128;          /* require-128-bit = yes */
    bool ntlm_require_mic;          /* require-mic = no      refuse NTLMv2 clients that announce no MIC */
    uint32_t ntlm_max_skew;         /* max-clock-skew = 0    seconds; 0 = not checked, as Windows since Vista */
    enum policy_target ntlm_target; /* target-name = any | if-sent | required */
    char ntlm_target_names[POLICY_NAME_MAX]; /* target-names = HTTP/host, HTTP/host.example.com */

    /* [kerberos] */
    bool kerberos_enabled;                 /* enabled = yes */
    bool kerberos_rc4;                     /* allow-rc4 = no        RC4 keys for sessions */
    bool kerberos_delegate_any;            /* delegate-to-any = no  to services without OK-AS-DELEGATE too */
    bool kerberos_proxy_only;              /* kdc-proxy-only = no   the proxy alone, never a KDC itself */
    bool kerberos_constrained;             /* constrained-delegation = no   S4U2proxy */
    bool kerberos_transition;              /* protocol-transition = no   S4U2self: logons by name alone */
    bool kerberos_require_pac;             /* require-pac = no      clients of which no domain tells are refused */
    bool kerberos_armor_required;          /* armor-required = no   no logon without FAST */
    uint32_t kerberos_kdc_timeout;         /* kdc-timeout = 10      seconds, all attempts together */
    char kerberos_armor[POLICY_NAME_MAX];  /* armor =              TYPE:NAME of a cache, or anonymous; empty: none */
    char kerberos_realms[1024];            /* realms =             DOMAIN:REALM, ...  of NetBIOS domain names */
    char kerberos_keytab[POLICY_NAME_MAX]; /* keytab =             path; empty: libkrb5's own choice */
    char kerberos_proxy[POLICY_NAME_MAX];  /* kdc-proxy =          host[:port][/path] (MS-KKDCP); empty: none */
    /* [digest] */
    bool digest_enabled;           /* enabled = yes */
    uint32_t digest_algorithms;    /* algorithms = md5, sha-256   POLICY_DIGEST_*: what a server offers by HTTP */
    uint32_t digest_ciphers;       /* ciphers = rc4, 3des         of SASL's auth-conf, in the order of the words */
    uint32_t digest_nonce_seconds; /* nonce-lifetime = 300 */
    bool digest_reauthentication;  /* fast-reauthentication = no  of the client; servers take it anyway */
    bool digest_userhash;          /* userhash = no             whether servers offer it */
    char digest_domain
        [POLICY_NAME_MAX]; /* domain =                  URIs that a server's challenges name; empty = none */
    char digest_realm[POLICY_NAME_MAX]; /* realm =                  empty = this machine's DNS domain, or its name */

    /* [names]: what this machine calls itself; empty = derived from the host name */
    char netbios_computer[POLICY_NAME_MAX]; /* netbios-computer = */
    char netbios_domain[POLICY_NAME_MAX];   /* netbios-domain = */
    char dns_computer[POLICY_NAME_MAX];     /* dns-computer = */
    char dns_domain[POLICY_NAME_MAX];       /* dns-domain = */
    bool domain_member;                     /* domain-member = no */
    uint32_t lookup_seconds;                /* lookup-timeout = 5   of accounts and their names; 0 = nobody is asked */

    /* [accounts] */
    enum policy_accounts accounts; /* backend = lmdb | file | winbind */
    char accounts_path[4096];      /* path =      directory of the database, or the user file */
    uint32_t lockout_threshold;    /* lockout-threshold = 10   0 = never */
    uint32_t lockout_seconds;      /* lockout-duration = 900 */

    /* [certificates] */
    char certificate_roots[4096]; /* roots =     file or directory of trusted roots; empty = the distribution's */
    char certificate_crls[4096];  /* crls =      file or directory of revocation lists; empty = none */

    /* [schannel] */
    bool schannel_report_tickets;    /* report-tickets = no   SEC_I_RENEGOTIATE for what TLS 1.3 sends by the way */
    char schannel_ticket_keys[4096]; /* ticket-keys =         file of keys that servers share; empty = one's own */
    char schannel_ocsp[4096];        /* ocsp-responses =      file or directory of what servers staple; empty = none */
    char schannel_client_map
        [4096]; /* client-map =          file: whose account a client's certificate is; empty = nobody's */

    /* [credssp] */
    bool credssp_enabled;                     /* enabled = yes */
    uint32_t credssp_minimum;                 /* minimum-version = 5   below 5 the key's binding can be relayed */
    char credssp_fresh[POLICY_NAME_MAX];      /* allow-fresh = TERMSRV/ (any host): who may get credentials */
    char credssp_fresh_ntlm[POLICY_NAME_MAX]; /* allow-fresh-ntlm-only = TERMSRV/ ...: without proving their name */
    char credssp_saved[POLICY_NAME_MAX];      /* allow-saved =         the same for those of whoever is logged on */
    char credssp_saved_ntlm[POLICY_NAME_MAX]; /* allow-saved-ntlm-only = */

    /* [packages] */
    char packages_allow[4096]; /* allow =                 modules, and directories of them, that may be loaded */

    /* [impersonation] */
    bool switch_uid; /* switch-uid = no */
};

/* The process's policy; never NULL, never changes after the first call. */
const struct policy *policy_get(void);

/* Fills `out` with the defaults.  Tests and the reader start from it. */
void policy_defaults(struct policy *out);

/* Reads one file over `out`.  Returns 0, or the number of the first bad line, or -1 when it cannot be opened. */
int policy_read_file(const char *path, struct policy *out);

/* Replaces the process's policy; for tests only, before any other thread runs. */
void policy_override(const struct policy *policy);

#endif
