/* sspi.h: the Security Support Provider Interface.
 *
 * A client and a server exchange tokens until both know who the other is, and then protect messages:
 *
 *     AcquireCredentialsHandle                           once: who am I, and with which package
 *     InitializeSecurityContext | AcceptSecurityContext  until neither answers SEC_I_CONTINUE_NEEDED
 *     QueryContextAttributes                             who is it, how large do buffers have to be
 *     EncryptMessage, MakeSignature | DecryptMessage, VerifySignature
 *     DeleteSecurityContext, FreeCredentialsHandle
 *
 * Rules for all functions
 *   status    negative: failure; SEC_I_*: success with something left to do.  SEC_E_INCOMPLETE_MESSAGE is negative, too,
 *             but changes nothing: read more, call again.
 *   output    is written on success only, unless a comment says otherwise.
 *   memory    FreeContextBuffer frees whatever the library allocated, Sspi... helpers, certificates and HANDLEs excepted.
 *   text      ...A functions take and give UTF-8, ...W functions UTF-16; plain names follow UNICODE.
 *   threads   different contexts are independent; on one context a message may be encrypted while another is decrypted,
 *             and all else is one call at a time.  Credentials may be shared.
 *   buffers   are found by type, whatever their order and attributes, unless a comment says otherwise.
 *
 * The parts can be read on their own but are not meant to be included on their own.
 */
#ifndef __SSPI_H__
#define __SSPI_H__

#include "sspi_attributes.h" /* SECPKG_ATTR_*, SecPkgContext_* */
#include "sspi_buffers.h"    /* channel bindings, TLS extensions */
#include "sspi_flags.h"      /* ISC_*, ASC_* */
#include "sspi_functions.h"  /* packages, credentials, contexts, messages */
#include "sspi_identity.h"   /* SEC_WINNT_AUTH_IDENTITY*, Sspi... */
#include "sspi_sasl.h"       /* Sasl... */
#include "sspi_table.h"      /* SecurityFunctionTable */
#include "sspi_types.h"      /* handles, buffers, packages */

#endif
