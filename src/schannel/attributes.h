/* The attributes of a Schannel context, by the kind of thing that they are about.  attributes.c says which exist, and asks
 * these once the context is far enough; all of them under both of its locks.
 *
 * A status is as at QueryContextAttributes (Schannel): SEC_E_NO_CREDENTIALS where a certificate is asked for that nobody
 * showed, SEC_E_UNSUPPORTED_FUNCTION where the connection cannot have the attribute, SEC_E_INSUFFICIENT_MEMORY.
 */
#ifndef OPENSSPI_SCHANNEL_ATTRIBUTES_H
#define OPENSSPI_SCHANNEL_ATTRIBUTES_H

#include "schannel/context.h"

/* ---------------------------------------------------------------- attributes_certificate.c */

/* The server's certificate, whichever side this is; borrowed; NULL: it has none, or, at a server that resumed a session,
 * it is not known which. */
X509 *attributes_server_certificate(struct schannel_context *context);

/* That certificate's public key: the content of the BIT STRING, borrowed.  SEC_E_NO_CREDENTIALS when there is none. */
STATUS attributes_server_key(struct schannel_context *context, struct attribute *out);

/* Each puts a new reference into *out. */
STATUS attributes_remote_certificate(struct schannel_context *context, struct attribute *out);
STATUS attributes_local_certificate(struct schannel_context *context, struct attribute *out);
STATUS attributes_root_store(struct schannel_context *context, struct attribute *out);

/* Lists of DER (struct attribute): what the peer sent, its own certificate first; whom the server names as issuers. */
STATUS attributes_remote_list(struct schannel_context *context, struct attribute *out);
STATUS attributes_issuers(struct schannel_context *context, struct attribute *out);

/* The peer's certificates in the form of a serialized store (CERT_STORE_SAVE_AS_STORE). */
STATUS attributes_serialized(struct schannel_context *context, struct attribute *out);

/* What the automatic validation found, and would have found where there was none. */
STATUS attributes_validation(struct schannel_context *context, struct attribute *out);

/* ---------------------------------------------------------------- attributes_keys.c */

/* "tls-unique:" and the first Finished of the newest handshake (RFC 5929 3); not for TLS 1.3, where it is not defined. */
STATUS attributes_unique_bindings(struct schannel_context *context, struct attribute *out);

/* "tls-server-end-point:" and the hash of the server's certificate (RFC 5929 4); not for a certificate whose signature
 * has no hash of its own (Ed25519), for which RFC 5929 has no rule. */
STATUS attributes_endpoint_bindings(struct schannel_context *context, struct attribute *out);
STATUS attributes_endpoint_of(X509 *certificate, struct attribute *out); /* whoever's it is */

/* RFC 5705, RFC 8446 7.5.  SEC_E_OUT_OF_SEQUENCE before KEYING_MATERIAL_INFO was set; SEC_E_INVALID_PARAMETER for a label
 * that is TLS's own, or more than can be had. */
STATUS attributes_keying_material(struct schannel_context *context, struct attribute *out);

/* The same for what out->exporter asks for. */
STATUS attributes_keying_material_inproc(struct schannel_context *context, struct attribute *out);

/* 128 bytes of key and 64 of initialisation vector (RFC 2716 3.5); not for TLS 1.3, where methods have their own labels
 * (RFC 9190 2.3, RFC 9427 2): KEYING_MATERIAL is for those. */
STATUS attributes_eap_block(struct schannel_context *context, struct attribute *out);

/* SetContextAttributes; `value` is the SDK's struct.  SEC_E_INVALID_PARAMETER: too small, or without a label. */
STATUS attributes_set_keying_material(struct schannel_context *context, struct bytes value);
STATUS attributes_set_eap(struct schannel_context *context, struct bytes value);

#endif
