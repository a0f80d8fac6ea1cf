/* Connections as most tests of schannel want them: nobody judges certificates, the server has a key on P-256. */
#ifndef OPENSSPI_TESTS_UNIT_SCHANNEL_CONNECTION_H
#define OPENSSPI_TESTS_UNIT_SCHANNEL_CONNECTION_H

#include "link.h"

#define TLS12 SP_PROT_TLS1_2
#define TLS13 SP_PROT_TLS1_3

static inline struct side_options client_options(DWORD protocols)
{
    return (struct side_options){
        .protocols = protocols, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
}

static inline struct side_options server_options(DWORD protocols)
{
    return (struct side_options){
        .protocols = protocols, .certificates = {link_certificate("p256")}, .certificate_count = 1};
}

static inline struct link *make(const struct side_options *client, const struct side_options *server)
{
    struct link *link = calloc(1, sizeof *link);
    link_open(link, client, server);
    return link;
}

static inline struct link *make_version(DWORD protocols)
{
    struct side_options client = client_options(protocols);
    struct side_options server = server_options(protocols);
    return make(&client, &server);
}

static inline bool client_certificate_seen(struct link *link)
{
    return SSL_get0_peer_certificate(side_inside(&link->server)->ssl) != NULL;
}

#endif
