/* chain_verdict ROOT LEAF HOST OTHER... : the name of the status that verify_peer gives for certificates of the throw-away
 * PKI; for judges.py. */
#include "pki.h"

#include "cert/verify.h"

int main(int argc, char **argv)
{
    uint16_t host[300];
    if (argc < 4) {
        return 2;
    }
    pki_wide(argv[3], host);
    STACK_OF(X509) *others = sk_X509_new_null();
    for (int i = 4; i < argc; i++) {
        (void)sk_X509_push(others, pki_certificate(argv[i]));
    }
    struct roots *roots = pki_roots(argv[1]);
    struct verify_request request = {.leaf = pki_certificate(argv[2]),
                                     .others = others,
                                     .roots = roots,
                                     .peer_is_server = true,
                                     .check_name = true,
                                     .host = utf16_from_wide(host)};
    AUTO_VERIFY_RESULT result;
    SECURITY_STATUS status = verify_peer(&request, &result);
    (void)printf("%s\n", status_name(status));
    X509_free(request.leaf);
    sk_X509_pop_free(others, X509_free);
    roots_free(roots);
    return 0;
}
