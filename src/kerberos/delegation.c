/* Constrained delegation (MS-SFU): a service that acts for a client on other machines, although the client forwarded nothing. */
#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "kerberos/context.h"
#include "kerberos/library.h"

/* The credential's own tickets as this service, which its contexts share.  A service of another realm gets others. */
static SECURITY_STATUS own_tickets(struct kerberos_credential *credential, krb5_context krb,
                                   krb5_const_principal service, struct tickets **out)
{
    struct tickets *found = NULL, *fresh = NULL;
    pthread_mutex_lock(library_lock(credential));
    if (credential->service != NULL && tickets_are_of_realm(credential->service, service)) {
        found = tickets_hold(credential->service);
    }
    pthread_mutex_unlock(library_lock(credential));
    if (found == NULL) {
        TRY(tickets_open_service(krb, credential->keytab, service, &fresh));
        pthread_mutex_lock(library_lock(credential));
        if (credential->service == NULL) {
            credential->service = tickets_hold(fresh);
        }
        pthread_mutex_unlock(library_lock(credential));
        found = fresh;
    }
    *out = found;
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_constrained(struct kerberos_credential *credential, krb5_context krb,
                                     const krb5_ticket *ticket, struct bytes request, struct tickets **out)
{
    struct tickets *service = NULL;
    struct bytes evidence;
    if (!policy_get()->kerberos_constrained || credential->keytab == NULL) {
        return SEC_E_OK;
    }
    TRY(ap_request_ticket(request, &evidence));
    SECURITY_STATUS status = own_tickets(credential, krb, ticket->server, &service);
    if (status < 0 && status != SEC_E_INSUFFICIENT_MEMORY) {
        TRACE("Kerberos: no account of this service's own, so no constrained delegation");
        status_begin();
        return SEC_E_OK;
    }
    TRY(status);
    const krb5_enc_tkt_part *part = ticket->enc_part2;
    status = tickets_open_constrained(krb, service, part->client, part->times.endtime, evidence, out);
    tickets_drop(service);
    return status;
}
