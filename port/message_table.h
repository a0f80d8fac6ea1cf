/* The texts of FormatMessage: one line for each code of winerror.h and winsock2.h, in our own words. */
#ifndef OPENSSPI_PORT_MESSAGE_TABLE_H
#define OPENSSPI_PORT_MESSAGE_TABLE_H

#define MESSAGES(X)                                                                                                    \
    X(ERROR_SUCCESS, "It worked.")                                                                                     \
    X(ERROR_INVALID_FUNCTION, "There is no such function.")                                                            \
    X(ERROR_FILE_NOT_FOUND, "The file does not exist.")                                                                \
    X(ERROR_PATH_NOT_FOUND, "The folder does not exist.")                                                              \
    X(ERROR_ACCESS_DENIED, "Access is denied.")                                                                        \
    X(ERROR_INVALID_HANDLE, "The handle is not open, or is of another kind.")                                          \
    X(ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory for this.")                                                 \
    X(ERROR_INVALID_DATA, "The data are not what they should be.")                                                     \
    X(ERROR_OUTOFMEMORY, "There is no memory left.")                                                                   \
    X(ERROR_NOT_SUPPORTED, "This is not supported.")                                                                   \
    X(ERROR_INVALID_PASSWORD, "The password does not open it.")                                                        \
    X(ERROR_INVALID_PARAMETER, "A parameter is not allowed.")                                                          \
    X(ERROR_CALL_NOT_IMPLEMENTED, "The function is not implemented here.")                                             \
    X(ERROR_INSUFFICIENT_BUFFER, "The buffer is too small for the answer.")                                            \
    X(ERROR_INVALID_NAME, "The name is not well formed.")                                                              \
    X(ERROR_MOD_NOT_FOUND, "There is no such module.")                                                                 \
    X(ERROR_PROC_NOT_FOUND, "The module has no such function.")                                                        \
    X(ERROR_BUSY, "It is in use.")                                                                                     \
    X(ERROR_ALREADY_EXISTS, "It exists already.")                                                                      \
    X(ERROR_MORE_DATA, "There is more than the buffer holds.")                                                         \
    X(ERROR_NO_MORE_ITEMS, "There are no more of them.")                                                               \
    X(ERROR_MR_MID_NOT_FOUND, "The code has no message.")                                                              \
    X(ERROR_INVALID_FLAGS, "The flags are not allowed.")                                                               \
    X(ERROR_NO_TOKEN, "The thread impersonates nobody.")                                                               \
    X(ERROR_NO_UNICODE_TRANSLATION, "The text cannot be translated: it is not well-formed Unicode.")                   \
    X(ERROR_NOT_FOUND, "It was not found.")                                                                            \
    X(ERROR_CANCELLED, "The user cancelled it.")                                                                       \
    X(ERROR_BAD_DEVICE, "There is no such device.")                                                                    \
    X(ERROR_NOT_AUTHENTICATED, "Nobody has been authenticated yet.")                                                   \
    X(ERROR_NOT_LOGGED_ON, "The user is not logged on.")                                                               \
    X(ERROR_NO_SUCH_LOGON_SESSION, "There is no such logon session, or it has ended.")                                 \
    X(ERROR_NO_SUCH_PRIVILEGE, "There is no such privilege.")                                                          \
    X(ERROR_PRIVILEGE_NOT_HELD, "A privilege that this needs is not held.")                                            \
    X(ERROR_INVALID_ACCOUNT_NAME, "The account's name is not well formed.")                                            \
    X(ERROR_NO_SUCH_USER, "There is no such account.")                                                                 \
    X(ERROR_WRONG_PASSWORD, "The old password is wrong.")                                                              \
    X(ERROR_ILL_FORMED_PASSWORD, "The new password has characters that are not allowed.")                              \
    X(ERROR_PASSWORD_RESTRICTION, "The new password breaks the rules for passwords.")                                  \
    X(ERROR_LOGON_FAILURE, "The user name or the password is wrong.")                                                  \
    X(ERROR_ACCOUNT_RESTRICTION, "The account may not log on this way.")                                               \
    X(ERROR_INVALID_LOGON_HOURS, "The account may not log on at this hour.")                                           \
    X(ERROR_INVALID_WORKSTATION, "The account may not log on at this computer.")                                       \
    X(ERROR_PASSWORD_EXPIRED, "The password has expired.")                                                             \
    X(ERROR_ACCOUNT_DISABLED, "The account is disabled.")                                                              \
    X(ERROR_NONE_MAPPED, "The name or the identifier belongs to nobody.")                                              \
    X(ERROR_INVALID_SID, "This is no security identifier.")                                                            \
    X(ERROR_BAD_IMPERSONATION_LEVEL, "The impersonation level does not allow this.")                                   \
    X(ERROR_CANT_ACCESS_DOMAIN_INFO, "This computer is in no domain, or the domain does not answer.")                  \
    X(ERROR_NO_SUCH_DOMAIN, "The domain does not exist, or does not answer.")                                          \
    X(ERROR_INTERNAL_ERROR, "Something went wrong inside.")                                                            \
    X(ERROR_NO_SUCH_PACKAGE, "There is no authentication package of that name.")                                       \
    X(ERROR_NO_USER_SESSION_KEY, "The logon session has no key.")                                                      \
    X(ERROR_ACCOUNT_EXPIRED, "The account has expired.")                                                               \
    X(ERROR_PASSWORD_MUST_CHANGE, "The password must be changed before the first logon.")                              \
    X(ERROR_DOMAIN_CONTROLLER_NOT_FOUND, "No domain controller was found.")                                            \
    X(ERROR_ACCOUNT_LOCKED_OUT, "The account is locked.")                                                              \
    X(E_NOTIMPL, "This is not implemented.")                                                                           \
    X(E_POINTER, "A pointer is not valid.")                                                                            \
    X(E_FAIL, "It failed, for a reason that has no code.")                                                             \
    X(E_UNEXPECTED, "Something impossible happened.")                                                                  \
    X(SEC_E_INSUFFICIENT_MEMORY, "There is not enough memory or room for this.")                                       \
    X(SEC_E_INVALID_HANDLE, "The credential or context handle is not open.")                                           \
    X(SEC_E_UNSUPPORTED_FUNCTION, "The security package does not have this function.")                                 \
    X(SEC_E_TARGET_UNKNOWN, "Nobody knows a service of that name, or it cannot be reached.")                           \
    X(SEC_E_INTERNAL_ERROR, "Something went wrong inside the security package.")                                       \
    X(SEC_E_SECPKG_NOT_FOUND, "There is no security package of that name.")                                            \
    X(SEC_E_NOT_OWNER, "The caller does not own these credentials.")                                                   \
    X(SEC_E_CANNOT_INSTALL, "The security package cannot be started.")                                                 \
    X(SEC_E_INVALID_TOKEN, "The token is malformed or does not belong here.")                                          \
    X(SEC_E_CANNOT_PACK, "The context cannot be exported.")                                                            \
    X(SEC_E_QOP_NOT_SUPPORTED, "The context does not give this kind of protection.")                                   \
    X(SEC_E_NO_IMPERSONATION, "The client cannot be impersonated.")                                                    \
    X(SEC_E_LOGON_DENIED, "The logon was refused.")                                                                    \
    X(SEC_E_UNKNOWN_CREDENTIALS, "The credentials are of a kind that the package does not know.")                      \
    X(SEC_E_NO_CREDENTIALS, "The package has no credentials to use.")                                                  \
    X(SEC_E_MESSAGE_ALTERED, "The message was altered on its way, or signed with another key.")                        \
    X(SEC_E_OUT_OF_SEQUENCE, "The message came out of its order, or for a second time.")                               \
    X(SEC_E_NO_AUTHENTICATING_AUTHORITY, "Nobody could be asked to decide about the logon.")                           \
    X(SEC_E_BAD_PKGID, "The security package cannot be used here.")                                                    \
    X(SEC_E_CONTEXT_EXPIRED, "The context has expired or was closed.")                                                 \
    X(SEC_E_INCOMPLETE_MESSAGE, "Part of the message is still missing.")                                               \
    X(SEC_E_INCOMPLETE_CREDENTIALS, "The server wants a certificate, and none was given.")                             \
    X(SEC_E_BUFFER_TOO_SMALL, "The buffers are too small.")                                                            \
    X(SEC_E_WRONG_PRINCIPAL, "The server is not the one that was asked for.")                                          \
    X(SEC_E_TIME_SKEW, "The clocks of the two computers differ by too much.")                                          \
    X(SEC_E_UNTRUSTED_ROOT, "The certificate's authority is not trusted.")                                             \
    X(SEC_E_ILLEGAL_MESSAGE, "The peer sent a message that is not allowed here.")                                      \
    X(SEC_E_CERT_UNKNOWN, "The certificate could not be processed.")                                                   \
    X(SEC_E_CERT_EXPIRED, "The certificate has expired.")                                                              \
    X(SEC_E_ENCRYPT_FAILURE, "The data could not be encrypted.")                                                       \
    X(SEC_E_DECRYPT_FAILURE, "The data could not be decrypted.")                                                       \
    X(SEC_E_ALGORITHM_MISMATCH, "Client and server have no protocol or cipher in common.")                             \
    X(SEC_E_SECURITY_QOS_FAILED, "The context does not protect as well as was required.")                              \
    X(SEC_E_UNFINISHED_CONTEXT_DELETED, "The context was deleted before it was established.")                          \
    X(SEC_E_NO_TGT_REPLY, "The server sent no ticket-granting ticket, which the client expected.")                     \
    X(SEC_E_NO_IP_ADDRESSES, "The computer has no network address.")                                                   \
    X(SEC_E_WRONG_CREDENTIAL_HANDLE, "The credentials are not those that the context began with.")                     \
    X(SEC_E_CRYPTO_SYSTEM_INVALID, "The cipher or a key is not valid.")                                                \
    X(SEC_E_MAX_REFERRALS_EXCEEDED, "The ticket was referred from realm to realm too often.")                          \
    X(SEC_E_MUST_BE_KDC, "Only a domain controller can do this.")                                                      \
    X(SEC_E_STRONG_CRYPTO_NOT_SUPPORTED, "Client and domain controller have no common encryption type.")               \
    X(SEC_E_TOO_MANY_PRINCIPALS, "The ticket is for more principals than there may be.")                               \
    X(SEC_E_NO_PA_DATA, "The client sent no preauthentication data, which were expected.")                             \
    X(SEC_E_PKINIT_NAME_MISMATCH, "The client's certificate does not name the account.")                               \
    X(SEC_E_SMARTCARD_LOGON_REQUIRED, "The account must log on with a smart card.")                                    \
    X(SEC_E_SHUTDOWN_IN_PROGRESS, "The system is shutting down.")                                                      \
    X(SEC_E_KDC_INVALID_REQUEST, "The domain controller does not accept the request.")                                 \
    X(SEC_E_KDC_UNABLE_TO_REFER, "The domain controller cannot refer to another realm.")                               \
    X(SEC_E_KDC_UNKNOWN_ETYPE, "The domain controller does not know the encryption type.")                             \
    X(SEC_E_UNSUPPORTED_PREAUTH, "The domain controller wants a preauthentication that is not supported.")             \
    X(SEC_E_DELEGATION_REQUIRED, "The service needs delegated credentials.")                                           \
    X(SEC_E_BAD_BINDINGS, "The client's channel bindings are missing, or are those of another channel.")               \
    X(SEC_E_MULTIPLE_ACCOUNTS, "The name fits more than one account.")                                                 \
    X(SEC_E_NO_KERB_KEY, "The service has no key for this ticket.")                                                    \
    X(SEC_E_CERT_WRONG_USAGE, "The certificate is not meant for this use.")                                            \
    X(SEC_E_DOWNGRADE_DETECTED, "Somebody tried to weaken the security of the connection.")                            \
    X(SEC_E_SMARTCARD_CERT_REVOKED, "The smart card's certificate was revoked.")                                       \
    X(SEC_E_ISSUING_CA_UNTRUSTED, "The smart card's certificate comes from an authority that is not trusted.")         \
    X(SEC_E_REVOCATION_OFFLINE_C, "Whether the smart card's certificate was revoked could not be found out.")          \
    X(SEC_E_PKINIT_CLIENT_FAILURE, "The smart card's certificate is not accepted.")                                    \
    X(SEC_E_SMARTCARD_CERT_EXPIRED, "The smart card's certificate has expired.")                                       \
    X(SEC_E_NO_S4U_PROT_SUPPORT, "The domain controller cannot give tickets on behalf of users.")                      \
    X(SEC_E_CROSSREALM_DELEGATION_FAILURE, "Delegation does not reach beyond the realm.")                              \
    X(SEC_E_REVOCATION_OFFLINE_KDC, "Whether the domain controller's certificate was revoked could not be found out.") \
    X(SEC_E_ISSUING_CA_UNTRUSTED_KDC,                                                                                  \
      "The domain controller's certificate comes from an authority that is not trusted.")                              \
    X(SEC_E_KDC_CERT_EXPIRED, "The domain controller's certificate has expired.")                                      \
    X(SEC_E_KDC_CERT_REVOKED, "The domain controller's certificate was revoked.")                                      \
    X(SEC_E_INVALID_PARAMETER, "A parameter of the security function is not allowed.")                                 \
    X(SEC_E_DELEGATION_POLICY, "The policy does not let credentials go to this server.")                               \
    X(SEC_E_POLICY_NLTM_ONLY, "The policy does not let credentials go to servers that only NTLM vouches for.")         \
    X(SEC_E_NO_CONTEXT, "There is no context for this.")                                                               \
    X(SEC_E_PKU2U_CERT_FAILURE, "The peer's certificate could not be checked.")                                        \
    X(SEC_E_MUTUAL_AUTH_FAILED, "The server has not proved who it is.")                                                \
    X(SEC_E_ONLY_HTTPS_ALLOWED, "Only https may be used here.")                                                        \
    X(SEC_E_APPLICATION_PROTOCOL_MISMATCH, "Client and server have no application protocol in common.")                \
    X(SEC_E_INVALID_UPN_NAME, "The user principal name is not well formed.")                                           \
    X(SEC_E_EXT_BUFFER_TOO_SMALL, "The buffer for an extension is too small.")                                         \
    X(SEC_E_INSUFFICIENT_BUFFERS, "There are too few buffers.")                                                        \
    X(SEC_I_CONTINUE_NEEDED, "The exchange goes on: send the token and wait for the peer's.")                          \
    X(SEC_I_COMPLETE_NEEDED, "The token must be completed before it is sent.")                                         \
    X(SEC_I_COMPLETE_AND_CONTINUE, "The token must be completed and sent, and the exchange goes on.")                  \
    X(SEC_I_LOCAL_LOGON, "The logon was decided here, without the domain.")                                            \
    X(SEC_I_GENERIC_EXTENSION_RECEIVED, "The peer sent an extension that was asked for.")                              \
    X(SEC_I_CONTEXT_EXPIRED, "The peer has closed the channel.")                                                       \
    X(SEC_I_INCOMPLETE_CREDENTIALS, "The server asks for a certificate.")                                              \
    X(SEC_I_RENEGOTIATE, "The peer sent a handshake message instead of data.")                                         \
    X(SEC_I_NO_LSA_CONTEXT, "The authority has no context for this one.")                                              \
    X(SEC_I_SIGNATURE_NEEDED, "A signature is needed before the exchange can go on.")                                  \
    X(SEC_I_NO_RENEGOTIATION, "The peer does not want to renegotiate.")                                                \
    X(SEC_I_MESSAGE_FRAGMENT, "This is a fragment of the message; more follow.")                                       \
    X(SEC_I_CONTINUE_NEEDED_MESSAGE_OK, "The message was accepted, and more of the exchange follows.")                 \
    X(SEC_I_ASYNC_CALL_PENDING, "The call has not ended yet.")                                                         \
    X(CRYPT_I_NEW_PROTECTION_REQUIRED, "The data should be protected anew.")                                           \
    X(CRYPT_E_MSG_ERROR, "The cryptographic message could not be processed.")                                          \
    X(CRYPT_E_UNKNOWN_ALGO, "The algorithm is not known.")                                                             \
    X(CRYPT_E_OID_FORMAT, "The object identifier is not well formed.")                                                 \
    X(CRYPT_E_INVALID_MSG_TYPE, "The cryptographic message is of no known type.")                                      \
    X(CRYPT_E_UNEXPECTED_ENCODING, "The message is not encoded as expected.")                                          \
    X(CRYPT_E_AUTH_ATTR_MISSING, "The message lacks an authenticated attribute.")                                      \
    X(CRYPT_E_HASH_VALUE, "The hash does not fit.")                                                                    \
    X(CRYPT_E_INVALID_INDEX, "There is no part of that number.")                                                       \
    X(CRYPT_E_ALREADY_DECRYPTED, "The message was decrypted already.")                                                 \
    X(CRYPT_E_NOT_DECRYPTED, "The message was not decrypted yet.")                                                     \
    X(CRYPT_E_RECIPIENT_NOT_FOUND, "The message is not for this recipient.")                                           \
    X(CRYPT_E_CONTROL_TYPE, "The control is not known.")                                                               \
    X(CRYPT_E_ISSUER_SERIALNUMBER, "The issuer or the serial number is not valid.")                                    \
    X(CRYPT_E_SIGNER_NOT_FOUND, "The signer was not found.")                                                           \
    X(CRYPT_E_ATTRIBUTES_MISSING, "The message lacks the attributes that were asked for.")                             \
    X(CRYPT_E_STREAM_MSG_NOT_READY, "The message is not far enough for this.")                                         \
    X(CRYPT_E_STREAM_INSUFFICIENT_DATA, "The message needs more data.")                                                \
    X(CRYPT_E_BAD_LEN, "The length is wrong.")                                                                         \
    X(CRYPT_E_BAD_ENCODE, "The data could not be encoded or decoded.")                                                 \
    X(CRYPT_E_FILE_ERROR, "The file could not be read or written.")                                                    \
    X(CRYPT_E_NOT_FOUND, "No such certificate, list or property was found.")                                           \
    X(CRYPT_E_EXISTS, "The store has it already.")                                                                     \
    X(CRYPT_E_NO_PROVIDER, "There is no provider for this.")                                                           \
    X(CRYPT_E_SELF_SIGNED, "The certificate is its own issuer.")                                                       \
    X(CRYPT_E_DELETED_PREV, "The previous entry was deleted.")                                                         \
    X(CRYPT_E_NO_MATCH, "Nothing fits.")                                                                               \
    X(CRYPT_E_UNEXPECTED_MSG_TYPE, "The message is of another type than expected.")                                    \
    X(CRYPT_E_NO_KEY_PROPERTY, "The certificate has no private key.")                                                  \
    X(CRYPT_E_NO_DECRYPT_CERT, "No certificate can decrypt this.")                                                     \
    X(CRYPT_E_BAD_MSG, "The message is malformed.")                                                                    \
    X(CRYPT_E_NO_SIGNER, "The message has no such signer.")                                                            \
    X(CRYPT_E_PENDING_CLOSE, "The store closes when its last entry is released.")                                      \
    X(CRYPT_E_REVOKED, "The certificate was revoked.")                                                                 \
    X(CRYPT_E_NO_REVOCATION_DLL, "Nothing here can look for revocations.")                                             \
    X(CRYPT_E_NO_REVOCATION_CHECK, "Whether the certificate was revoked could not be looked up.")                      \
    X(CRYPT_E_REVOCATION_OFFLINE, "The server that knows of revocations does not answer.")                             \
    X(CRYPT_E_NOT_IN_REVOCATION_DATABASE, "The revocation server does not know the certificate.")                      \
    X(CRYPT_E_INVALID_NUMERIC_STRING, "A text has characters other than digits.")                                      \
    X(CRYPT_E_INVALID_PRINTABLE_STRING, "A text has characters that are not printable.")                               \
    X(CRYPT_E_INVALID_IA5_STRING, "A text has characters beyond 7 bits.")                                              \
    X(CRYPT_E_INVALID_X500_STRING, "The name is not well formed.")                                                     \
    X(CRYPT_E_NOT_CHAR_STRING, "The value is no text.")                                                                \
    X(CRYPT_E_FILERESIZED, "The file changed its size.")                                                               \
    X(CRYPT_E_SECURITY_SETTINGS, "The security settings forbid this.")                                                 \
    X(CRYPT_E_NO_VERIFY_USAGE_DLL, "Nothing here can check the usage.")                                                \
    X(CRYPT_E_NO_VERIFY_USAGE_CHECK, "The usage could not be checked.")                                                \
    X(CRYPT_E_VERIFY_USAGE_OFFLINE, "The server that knows of usages does not answer.")                                \
    X(CRYPT_E_NOT_IN_CTL, "The trust list does not name it.")                                                          \
    X(CRYPT_E_NO_TRUSTED_SIGNER, "No signer is trusted.")                                                              \
    X(CRYPT_E_MISSING_PUBKEY_PARA, "The public key lacks its parameters.")                                             \
    X(CRYPT_E_OSS_ERROR, "The encoder failed.")                                                                        \
    X(CRYPT_E_ASN1_ERROR, "The ASN.1 could not be processed.")                                                         \
    X(CRYPT_E_ASN1_INTERNAL, "Something went wrong inside the ASN.1 decoder.")                                         \
    X(CRYPT_E_ASN1_EOD, "The ASN.1 ends too early.")                                                                   \
    X(CRYPT_E_ASN1_CORRUPT, "The ASN.1 is corrupt.")                                                                   \
    X(CRYPT_E_ASN1_LARGE, "An ASN.1 value is too large.")                                                              \
    X(CRYPT_E_ASN1_CONSTRAINT, "An ASN.1 value breaks its constraint.")                                                \
    X(CRYPT_E_ASN1_MEMORY, "There is no memory for the ASN.1.")                                                        \
    X(CRYPT_E_ASN1_OVERFLOW, "The ASN.1 buffer is too small.")                                                         \
    X(CRYPT_E_ASN1_BADPDU, "There is no such ASN.1 type.")                                                             \
    X(CRYPT_E_ASN1_BADARGS, "The ASN.1 decoder was called wrongly.")                                                   \
    X(CRYPT_E_ASN1_BADREAL, "An ASN.1 real is not valid.")                                                             \
    X(CRYPT_E_ASN1_BADTAG, "An ASN.1 tag is not the one expected.")                                                    \
    X(CRYPT_E_ASN1_CHOICE, "An ASN.1 choice is none of those allowed.")                                                \
    X(CRYPT_E_ASN1_RULE, "The ASN.1 encoding rule is not known.")                                                      \
    X(CRYPT_E_ASN1_UTF8, "An ASN.1 text is not UTF-8.")                                                                \
    X(CRYPT_E_ASN1_PDU_TYPE, "The ASN.1 type cannot be used here.")                                                    \
    X(CRYPT_E_ASN1_NYI, "The ASN.1 decoder does not do this.")                                                         \
    X(CRYPT_E_ASN1_EXTENDED, "The ASN.1 has an unknown extension.")                                                    \
    X(CRYPT_E_ASN1_NOEOD, "The ASN.1 is followed by something else.")                                                  \
    X(TRUST_E_SYSTEM_ERROR, "Trust could not be checked.")                                                             \
    X(TRUST_E_NO_SIGNER_CERT, "The signer's certificate is missing.")                                                  \
    X(TRUST_E_COUNTER_SIGNER, "The counter signature is not valid.")                                                   \
    X(TRUST_E_CERT_SIGNATURE, "The certificate's signature does not fit.")                                             \
    X(TRUST_E_TIME_STAMP, "The time stamp is not valid.")                                                              \
    X(TRUST_E_BAD_DIGEST, "The digest does not fit.")                                                                  \
    X(TRUST_E_BASIC_CONSTRAINTS, "A certificate was issued by one that may not issue any.")                            \
    X(TRUST_E_FINANCIAL_CRITERIA, "The certificate does not meet the financial criteria.")                             \
    X(TRUST_E_PROVIDER_UNKNOWN, "The trust provider is not known.")                                                    \
    X(TRUST_E_ACTION_UNKNOWN, "The trust provider does not know the action.")                                          \
    X(TRUST_E_SUBJECT_FORM_UNKNOWN, "The trust provider does not know this kind of subject.")                          \
    X(TRUST_E_SUBJECT_NOT_TRUSTED, "The subject is not trusted.")                                                      \
    X(TRUST_E_NOSIGNATURE, "The subject is not signed.")                                                               \
    X(TRUST_E_FAIL, "The subject is not trusted, for a reason that has no code.")                                      \
    X(TRUST_E_EXPLICIT_DISTRUST, "The certificate is on the list of those never to be trusted.")                       \
    X(CERT_E_EXPIRED, "A certificate has expired, or is not valid yet.")                                               \
    X(CERT_E_VALIDITYPERIODNESTING, "A certificate is valid longer than its issuer.")                                  \
    X(CERT_E_ROLE, "A certificate has another role in the chain than it may have.")                                    \
    X(CERT_E_PATHLENCONST, "The chain is longer than an issuer allows.")                                               \
    X(CERT_E_CRITICAL, "A certificate has a critical extension that is not understood.")                               \
    X(CERT_E_PURPOSE, "A certificate serves a purpose that its issuer does not allow.")                                \
    X(CERT_E_ISSUERCHAINING, "A certificate's issuer is not the one that it names.")                                   \
    X(CERT_E_MALFORMED, "A certificate lacks something, or has something malformed.")                                  \
    X(CERT_E_UNTRUSTEDROOT, "The chain ends in a certificate that is not trusted.")                                    \
    X(CERT_E_CHAINING, "No chain to a trusted root could be built.")                                                   \
    X(CERT_E_REVOKED, "A certificate was revoked by its issuer.")                                                      \
    X(CERT_E_UNTRUSTEDTESTROOT, "The chain ends in a root for tests, which is not trusted.")                           \
    X(CERT_E_REVOCATION_FAILURE, "Whether a certificate was revoked could not be found out.")                          \
    X(CERT_E_CN_NO_MATCH, "The certificate is for another name.")                                                      \
    X(CERT_E_WRONG_USAGE, "The certificate may not be used for this.")                                                 \
    X(CERT_E_UNTRUSTEDCA, "An authority in the chain is not trusted.")                                                 \
    X(CERT_E_INVALID_POLICY, "The certificate's policies do not allow this.")                                          \
    X(CERT_E_INVALID_NAME, "A certificate's name is not allowed by its issuer.")                                       \
    X(NTE_BAD_UID, "The provider's handle is not valid.")                                                              \
    X(NTE_BAD_HASH, "The hash is not valid.")                                                                          \
    X(NTE_BAD_KEY, "The key is not valid.")                                                                            \
    X(NTE_BAD_LEN, "The length is wrong.")                                                                             \
    X(NTE_BAD_DATA, "The data are malformed.")                                                                         \
    X(NTE_BAD_SIGNATURE, "The signature does not fit.")                                                                \
    X(NTE_BAD_VER, "The provider has another version.")                                                                \
    X(NTE_BAD_ALGID, "The provider does not know the algorithm.")                                                      \
    X(NTE_BAD_FLAGS, "The flags are not allowed.")                                                                     \
    X(NTE_BAD_TYPE, "The type is not allowed.")                                                                        \
    X(NTE_BAD_KEY_STATE, "The key cannot be used in its state.")                                                       \
    X(NTE_BAD_HASH_STATE, "The hash cannot be used in its state.")                                                     \
    X(NTE_NO_KEY, "There is no such key.")                                                                             \
    X(NTE_NO_MEMORY, "There is no memory for the key.")                                                                \
    X(NTE_EXISTS, "The key or the container exists already.")                                                          \
    X(NTE_PERM, "The key may not be used or changed.")                                                                 \
    X(NTE_NOT_FOUND, "The key or the container was not found.")                                                        \
    X(NTE_DOUBLE_ENCRYPT, "The data are encrypted already.")                                                           \
    X(NTE_BAD_PROVIDER, "The provider is not valid.")                                                                  \
    X(NTE_BAD_PROV_TYPE, "The provider's type is not valid.")                                                          \
    X(NTE_BAD_PUBLIC_KEY, "The public key is not valid.")                                                              \
    X(NTE_BAD_KEYSET, "There is no such key container.")                                                               \
    X(NTE_PROV_TYPE_NOT_DEF, "No provider of this type is defined.")                                                   \
    X(NTE_PROV_TYPE_ENTRY_BAD, "The provider's registration is damaged.")                                              \
    X(NTE_KEYSET_NOT_DEF, "The key container is not defined.")                                                         \
    X(NTE_KEYSET_ENTRY_BAD, "The key container's registration is damaged.")                                            \
    X(NTE_PROV_TYPE_NO_MATCH, "The provider is not of this type.")                                                     \
    X(NTE_SIGNATURE_FILE_BAD, "The provider's signature is damaged.")                                                  \
    X(NTE_PROVIDER_DLL_FAIL, "The provider could not be started.")                                                     \
    X(NTE_PROV_DLL_NOT_FOUND, "The provider was not found.")                                                           \
    X(NTE_BAD_KEYSET_PARAM, "A parameter of the key container is not valid.")                                          \
    X(NTE_FAIL, "The provider failed inside.")                                                                         \
    X(NTE_SYS_ERR, "The system failed the provider.")                                                                  \
    X(NTE_SILENT_CONTEXT, "The provider would have to ask, and may not.")                                              \
    X(NTE_TOKEN_KEYSET_STORAGE_FULL, "The token has no room for another key container.")                               \
    X(NTE_TEMPORARY_PROFILE, "A temporary profile keeps no keys.")                                                     \
    X(NTE_FIXEDPARAMETER, "The parameter cannot be changed any more.")                                                 \
    X(NTE_INVALID_HANDLE, "The handle is not open.")                                                                   \
    X(NTE_INVALID_PARAMETER, "A parameter is not allowed.")                                                            \
    X(NTE_BUFFER_TOO_SMALL, "The buffer is too small.")                                                                \
    X(NTE_NOT_SUPPORTED, "The provider does not support this.")                                                        \
    X(NTE_NO_MORE_ITEMS, "There are no more of them.")                                                                 \
    X(NTE_BUFFERS_OVERLAP, "The buffers overlap.")                                                                     \
    X(NTE_DECRYPTION_FAILURE, "The data could not be decrypted.")                                                      \
    X(NTE_INTERNAL_ERROR, "Something went wrong inside the provider.")                                                 \
    X(NTE_UI_REQUIRED, "The user would have to be asked.")                                                             \
    X(NTE_HMAC_NOT_SUPPORTED, "The provider has no HMAC.")                                                             \
    X(NTE_DEVICE_NOT_READY, "The device is not ready.")                                                                \
    X(NTE_AUTHENTICATION_IGNORED, "The authentication was ignored.")                                                   \
    X(NTE_VALIDATION_FAILED, "The data failed their check.")                                                           \
    X(NTE_INCORRECT_PASSWORD, "The password is wrong.")                                                                \
    X(NTE_ENCRYPTION_FAILURE, "The data could not be encrypted.")                                                      \
    X(NTE_DEVICE_NOT_FOUND, "The device was not found.")                                                               \
    X(NTE_USER_CANCELLED, "The user cancelled it.")                                                                    \
    X(NTE_PASSWORD_CHANGE_REQUIRED, "The password must be changed first.")                                             \
    X(NTE_NOT_ACTIVE_CONSOLE, "This needs the console's session.")                                                     \
    X(WSAEINTR, "The call was interrupted.")                                                                           \
    X(WSAEBADF, "The descriptor is not open.")                                                                         \
    X(WSAEACCES, "The socket's address or kind may not be used so.")                                                   \
    X(WSAEFAULT, "A pointer leads nowhere.")                                                                           \
    X(WSAEINVAL, "An argument is not allowed, or not in the socket's state.")                                          \
    X(WSAEMFILE, "There are too many open sockets.")                                                                   \
    X(WSAEWOULDBLOCK, "It cannot be done at once, and the socket does not wait.")                                      \
    X(WSAEINPROGRESS, "Another call on the socket has not come to its end.")                                           \
    X(WSAEALREADY, "This is under way already.")                                                                       \
    X(WSAENOTSOCK, "This is not a socket.")                                                                            \
    X(WSAEDESTADDRREQ, "An address to send to is missing.")                                                            \
    X(WSAEMSGSIZE, "The message is longer than the buffer, or than the network takes.")                                \
    X(WSAEPROTOTYPE, "The protocol does not fit the kind of socket.")                                                  \
    X(WSAENOPROTOOPT, "The protocol has no such option.")                                                              \
    X(WSAEPROTONOSUPPORT, "The protocol is not there.")                                                                \
    X(WSAEOPNOTSUPP, "This kind of socket cannot do it.")                                                              \
    X(WSAEAFNOSUPPORT, "The kind of address does not fit the protocol.")                                               \
    X(WSAEADDRINUSE, "The address is in use.")                                                                         \
    X(WSAEADDRNOTAVAIL, "The address is not one of this machine's.")                                                   \
    X(WSAENETDOWN, "The network is down.")                                                                             \
    X(WSAENETUNREACH, "No way leads to that network.")                                                                 \
    X(WSAENETRESET, "The network ended the connection.")                                                               \
    X(WSAECONNABORTED, "This machine gave the connection up.")                                                         \
    X(WSAECONNRESET, "The peer broke the connection off.")                                                             \
    X(WSAENOBUFS, "The system has no room for more data of sockets.")                                                  \
    X(WSAEISCONN, "The socket is connected already.")                                                                  \
    X(WSAENOTCONN, "The socket is not connected.")                                                                     \
    X(WSAESHUTDOWN, "The socket was shut down for this direction.")                                                    \
    X(WSAETIMEDOUT, "The peer did not answer in time.")                                                                \
    X(WSAECONNREFUSED, "Nobody listens at that address.")                                                              \
    X(WSAEHOSTDOWN, "The host is down.")                                                                               \
    X(WSAEHOSTUNREACH, "No way leads to that host.")                                                                   \
    X(WSASYSNOTREADY, "The network is not ready.")                                                                     \
    X(WSAVERNOTSUPPORTED, "There is no such version of Winsock.")                                                      \
    X(WSANOTINITIALISED, "WSAStartup was not called.")                                                                 \
    X(WSAEDISCON, "The peer has begun to close the connection.")                                                       \
    X(WSAHOST_NOT_FOUND, "There is no host of that name.")                                                             \
    X(WSATRY_AGAIN, "The host's name could not be looked up; it may work later.")                                      \
    X(WSANO_RECOVERY, "The host's name cannot be looked up.")                                                          \
    X(WSANO_DATA, "The name exists, but has no such address.")

#endif
