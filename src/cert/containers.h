/* Key containers: up to two private keys, one to exchange keys with and one to sign with (AT_KEYEXCHANGE, AT_SIGNATURE).
 *
 * One with a name is found again by it anywhere in the process until it is deleted; names are UTF-8, ASCII letters of any case, and
 * CSPs and key storage providers share them.  Nothing is kept on disk.  Any number of threads may use one container.
 */
#ifndef OPENSSPI_CERT_CONTAINERS_H
#define OPENSSPI_CERT_CONTAINERS_H

#include <openssl/evp.h>

#include "windows.h"

#include "base/status.h"

struct container;

/* A new container with one reference; `name` NULL: without a name.
 * NTE_EXISTS when there is one of this name, SEC_E_INSUFFICIENT_MEMORY. */
STATUS container_new(const char *name, struct container **out);

/* The one of this name, made where there is none, whoever else asks for it at once.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS container_of_name(const char *name, struct container **out);

/* A new reference to the one of this name; false when there is none. */
bool container_find(const char *name, struct container **out);

/* The same.  NTE_BAD_KEYSET when there is none. */
STATUS container_open(const char *name, struct container **out);

/* Takes its name away; references stay good.  NTE_BAD_KEYSET. */
STATUS container_delete(const char *name);

struct container *container_hold(struct container *container);
void container_drop(struct container *container); /* NULL is harmless */
void container_auto(struct container **container);

#define AUTO_CONTAINER __attribute__((cleanup(container_auto))) struct container

/* Puts a key in the place of AT_KEYEXCHANGE or AT_SIGNATURE; takes a reference of its own. */
void container_set_key(struct container *container, DWORD spec, EVP_PKEY *key);

/* The same where it has none yet; `key` becomes a reference to the one that it has, which another thread may have set. */
void container_settle_key(struct container *container, DWORD spec, EVP_PKEY **key);

/* A new reference to its key, NULL when it has none. */
EVP_PKEY *container_key(struct container *container, DWORD spec);

/* Named containers, for tests. */
size_t containers_named(void);

#endif
