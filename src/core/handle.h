/* Handles: slot, generation and kind, never a pointer.
 *
 * A CredHandle or CtxtHandle is two words: dwLower = slot number + 1, dwUpper = generation << 8 | kind.  A stale,
 * foreign, zeroed or swapped handle is recognised and gives SEC_E_INVALID_HANDLE.  Looking a handle up pins the object
 * and takes no lock: one atomic operation on a word that no other thread writes just then (contexts: the slot's own;
 * credentials, which many threads share: the thread's).  An object that is closed while pinned lives
 * until the last pin goes.  Slots are never given back to the allocator, so a lookup never reads freed memory; and the
 * table survives fork, as it is plain memory without a lock.
 */
#ifndef OPENSSPI_CORE_HANDLE_H
#define OPENSSPI_CORE_HANDLE_H

#include "base/status.h"

enum handle_kind {
    HANDLE_CREDENTIAL = 1,
    HANDLE_CONTEXT = 2,
    HANDLE_TOKEN = 3,           /* the caller's, closed with CloseHandle */
    HANDLE_CONTEXT_TOKEN = 4,   /* a context's own (SECPKG_ATTR_ACCESS_TOKEN), which CloseHandle refuses */
    HANDLE_LSA = 5,             /* a connection to the authority (LsaConnectUntrusted) */
    HANDLE_CREDENTIAL_PART = 6, /* a credential inside another one (Negotiate's, CredSSP's): no caller has its handle */
    HANDLE_CHAIN_ENGINE = 7,    /* crypt32's (CertCreateCertificateChainEngine) */
    HANDLE_KINDS
};

/* Gives `object` a handle.  SEC_E_INSUFFICIENT_MEMORY when the table cannot grow. */
STATUS handle_open(enum handle_kind kind, void *object, SecHandle *out);

/* The object behind a handle, pinned; NULL when the handle is not (or no longer) a handle of this kind. */
void *handle_pin(enum handle_kind kind, const SecHandle *handle);

/* Another pin on what the calling thread has pinned in this same call, so that it can be kept beyond it; or on what
 * cannot be closed meanwhile.  Any thread may end it. */
void handle_hold(enum handle_kind kind, const SecHandle *handle);

/* Ends a pin; the last pin of a closed handle calls the kind's destructor.  `handle` is the value that was pinned, in a
 * place no caller can write to: copy a caller's handle before pinning it. */
void handle_unpin(enum handle_kind kind, const SecHandle *handle);

/* Closes: no further pin succeeds; the object ends now or with its last pin.  SEC_E_INVALID_HANDLE when it is not open. */
STATUS handle_close(enum handle_kind kind, const SecHandle *handle);

/* What to call when an object of this kind ends. */
void handle_destructor(enum handle_kind kind, void (*destroy)(void *object));

/* A handle in one word, for the SDK's HANDLE (access tokens), and back; unpacking what is not one gives {0, 0}. */
void *handle_pack(const SecHandle *handle);
SecHandle handle_unpack(enum handle_kind kind, const void *packed);

#endif
