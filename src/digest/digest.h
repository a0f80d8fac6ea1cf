/* The package "WDigest", by its other name "Digest": HTTP Digest (RFC 7616) and SASL DIGEST-MD5 (RFC 2831). */
#ifndef OPENSSPI_DIGEST_DIGEST_H
#define OPENSSPI_DIGEST_DIGEST_H

struct package;

extern const struct package digest_package;
extern const struct package digest_alias;

#endif
