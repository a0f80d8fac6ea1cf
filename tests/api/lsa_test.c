/* The Local Security Authority.  Tests named NG3 to NG6 and L1 are rows of what is observed on Windows. */
#include "pair.h"

#include <unistd.h>

#include "ntsecapi.h"
#include "ntsecpkg.h"
#include "secext.h"

static LSA_STRING lsa_string(const char *text)
{
    return (LSA_STRING){(USHORT)strlen(text), (USHORT)(strlen(text) + 1), (PCHAR)(uintptr_t)text};
}

static HANDLE lsa;

static int connect_lsa(void **state)
{
    return LsaConnectUntrusted(&lsa);
}

static int disconnect_lsa(void **state)
{
    return LsaDeregisterLogonProcess(lsa);
}

#define NG_TEST(name) cmocka_unit_test_setup_teardown(name, connect_lsa, disconnect_lsa)

/* ---------------------------------------------------------------- connections and packages */

static void test_NG3_negotiate_is_package_0(void **state)
{
    HANDLE handle = NULL;
    ULONG package = 0xdeadbeef;
    LSA_STRING name = lsa_string("Negotiate");
    assert_int_equal(LsaConnectUntrusted(&handle), STATUS_SUCCESS);
    assert_non_null(handle);
    assert_int_equal(LsaLookupAuthenticationPackage(handle, &name, &package), STATUS_SUCCESS);
    assert_int_equal(package, 0);
    assert_int_equal(LsaDeregisterLogonProcess(handle), STATUS_SUCCESS);
}

static void test_L2_tickets(void **state)
{
    static const KERB_PROTOCOL_MESSAGE_TYPE messages[] = {KerbQueryTicketCacheMessage, KerbQueryTicketCacheExMessage,
                                                          KerbQueryTicketCacheEx2Message,
                                                          KerbQueryTicketCacheEx3Message};
    LSA_STRING name = lsa_string("Kerberos");
    ULONG package = 0;
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &package), STATUS_SUCCESS);
    setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        KERB_QUERY_TKT_CACHE_REQUEST request = {messages[i], {0, 0}};
        KERB_QUERY_TKT_CACHE_RESPONSE *response = NULL;
        ULONG size = 0;
        NTSTATUS verdict = -1;
        assert_int_equal(
            LsaCallAuthenticationPackage(lsa, package, &request, sizeof request, (void **)&response, &size, &verdict),
            STATUS_SUCCESS);
        assert_int_equal(verdict, STATUS_SUCCESS);
        assert_non_null(response);
        assert_int_equal(response->MessageType, messages[i]);
        assert_int_equal(response->CountOfTickets, 0);
        assert_int_equal(LsaFreeReturnBuffer(response), STATUS_SUCCESS);
        assert_int_equal(LsaCallAuthenticationPackage(lsa, package, &request, 8, (void **)&response, &size, &verdict),
                         STATUS_INVALID_PARAMETER);
        request.LogonId.LowPart = 0x12345;
        assert_int_equal(
            LsaCallAuthenticationPackage(lsa, package, &request, sizeof request, (void **)&response, &size, &verdict),
            STATUS_SUCCESS);
        assert_int_equal(verdict, STATUS_NO_SUCH_LOGON_SESSION);
    }
}

static void packages_by_name(void **state)
{
    ULONG ntlm = 0, msv = 0, package = 0xdeadbeef;
    LSA_STRING name = lsa_string("ntlm");
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &ntlm), STATUS_SUCCESS);
    name = lsa_string(MSV1_0_PACKAGE_NAME);
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &msv), STATUS_SUCCESS);
    assert_int_equal(ntlm, msv);
    assert_int_not_equal(ntlm, 0);
    name = lsa_string("no such package");
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &package), STATUS_NO_SUCH_PACKAGE);
    name = (LSA_STRING){4, 4, NULL};
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &package), STATUS_NO_SUCH_PACKAGE);
    name = (LSA_STRING){4, 4, (PCHAR)(uintptr_t) "NTLMxxxx"}; /* counted, not terminated */
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &msv), STATUS_SUCCESS);
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, NULL, &package), STATUS_INVALID_PARAMETER);
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(package, 0xdeadbeef);
}

/* Connections are handles of a kind of their own. */
static void connections_that_are_none(void **state)
{
    HANDLE closed = NULL;
    ULONG package;
    LSA_STRING name = lsa_string("NTLM");
    assert_int_equal(LsaConnectUntrusted(&closed), STATUS_SUCCESS);
    assert_false(CloseHandle(closed)); /* not a token */
    assert_int_equal(LsaLookupAuthenticationPackage(closed, &name, &package), STATUS_SUCCESS);
    assert_int_equal(LsaDeregisterLogonProcess(closed), STATUS_SUCCESS);
    assert_int_equal(LsaDeregisterLogonProcess(closed), STATUS_INVALID_HANDLE);
    assert_int_equal(LsaLookupAuthenticationPackage(closed, &name, &package), STATUS_INVALID_HANDLE);
    assert_int_equal(LsaLookupAuthenticationPackage(NULL, &name, &package), STATUS_INVALID_HANDLE);
    assert_int_equal(LsaLookupAuthenticationPackage(INVALID_HANDLE_VALUE, &name, &package), STATUS_INVALID_HANDLE);
    assert_int_equal(LsaConnectUntrusted(NULL), STATUS_INVALID_PARAMETER);
}

static void register_process(void **state)
{
    HANDLE handle = NULL;
    LSA_OPERATIONAL_MODE mode = 7;
    LSA_STRING name = lsa_string("test");
    NTSTATUS status = LsaRegisterLogonProcess(&name, &handle, &mode);
    assert_int_equal(status, geteuid() == 0 ? STATUS_SUCCESS : STATUS_PRIVILEGE_NOT_HELD);
    if (status == STATUS_SUCCESS) {
        assert_int_equal(mode, 0);
        assert_int_equal(LsaDeregisterLogonProcess(handle), STATUS_SUCCESS);
    }
    assert_int_equal(LsaRegisterLogonProcess(NULL, &handle, &mode), STATUS_INVALID_PARAMETER);
}

/* ---------------------------------------------------------------- messages */

static void test_NG4_caller_name(void **state)
{
    NEGOTIATE_CALLER_NAME_REQUEST request = {.MessageType = NegGetCallerName};
    NEGOTIATE_CALLER_NAME_RESPONSE *response = NULL;
    ULONG size = 0, length = 512;
    NTSTATUS verdict = 0x7777;
    WCHAR name[512];
    assert_int_equal(
        LsaCallAuthenticationPackage(lsa, 0, &request, sizeof request, (PVOID *)&response, &size, &verdict),
        STATUS_SUCCESS);
    assert_int_equal(verdict, STATUS_SUCCESS);
    assert_non_null(response);
    assert_true(GetUserNameExW(NameSamCompatible, name, &length));
    assert_ptr_equal(response->CallerName, response + 1);
    assert_int_equal(size, sizeof *response + 2 * (length + 1));
    assert_memory_equal(response->CallerName, name, 2 * (length + 1));
    assert_int_equal(LsaFreeReturnBuffer(response), STATUS_SUCCESS);
}

static void test_NG4_another_session(void **state)
{
    NEGOTIATE_CALLER_NAME_REQUEST request = {.MessageType = NegGetCallerName, .LogonId = {0x12345678, 0x1234}};
    PVOID response = &request;
    ULONG size = 7;
    NTSTATUS verdict = 0x7777;
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, &request, sizeof request, &response, &size, &verdict),
                     STATUS_SUCCESS);
    assert_int_equal(verdict, STATUS_NO_SUCH_LOGON_SESSION);
    assert_int_equal(size, 0);
    assert_null(response);
}

static void test_NG5_null_request(void **state)
{
    PVOID response = lsa;
    ULONG size = 7;
    NTSTATUS verdict = 0x7777;
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, NULL, 0, &response, &size, &verdict),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(verdict, STATUS_SUCCESS);
    assert_int_equal(size, 0);
    assert_null(response);
}

static void test_NG5_outputs_may_be_null(void **state)
{
    NEGOTIATE_CALLER_NAME_REQUEST request = {.MessageType = NegGetCallerName};
    PVOID response = NULL;
    ULONG size = 7;
    NTSTATUS verdict = 0x7777;
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, NULL, 0, NULL, NULL, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, &request, sizeof request, NULL, &size, &verdict),
                     STATUS_SUCCESS);
    assert_int_equal(size, 0); /* nothing to free */
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, &request, sizeof request, &response, NULL, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(LsaFreeReturnBuffer(response), STATUS_SUCCESS);
}

static void test_NG6_unknown_package(void **state)
{
    NEGOTIATE_CALLER_NAME_REQUEST request = {.MessageType = NegGetCallerName};
    PVOID response = &request;
    ULONG size = 7;
    NTSTATUS verdict = 0x7777;
    assert_int_equal(
        LsaCallAuthenticationPackage(lsa, 0xdeadbeef, &request, sizeof request, &response, &size, &verdict),
        STATUS_NO_SUCH_PACKAGE);
    assert_int_equal(verdict, STATUS_SUCCESS);
    assert_int_equal(size, 0);
    assert_null(response);
}

static void messages_nobody_takes(void **state)
{
    ULONG message[3] = {99, 0, 0}, ntlm = 0;
    NTSTATUS verdict = 0;
    PVOID response = &message;
    LSA_STRING name = lsa_string("NTLM");
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, message, sizeof message, &response, NULL, &verdict),
                     STATUS_SUCCESS);
    assert_int_equal(verdict, STATUS_NOT_SUPPORTED);
    assert_null(response);
    assert_int_equal(LsaLookupAuthenticationPackage(lsa, &name, &ntlm), STATUS_SUCCESS);
    assert_int_equal(LsaCallAuthenticationPackage(lsa, ntlm, message, sizeof message, NULL, NULL, &verdict),
                     STATUS_SUCCESS);
    assert_int_equal(verdict, STATUS_NOT_SUPPORTED);
    message[0] = NegGetCallerName; /* cut short */
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, message, 8, NULL, NULL, &verdict), STATUS_INVALID_PARAMETER);
    assert_int_equal(LsaCallAuthenticationPackage(lsa, 0, message, 3, NULL, NULL, &verdict), STATUS_INVALID_PARAMETER);
}

/* ---------------------------------------------------------------- sessions */

static void test_L1_session_data(void **state)
{
    ULONG count = 0;
    LUID *list = NULL;
    SECURITY_LOGON_SESSION_DATA *data = NULL;
    assert_int_equal(LsaEnumerateLogonSessions(&count, &list), STATUS_SUCCESS);
    assert_int_equal(count, 1);
    assert_int_equal(LsaGetLogonSessionData(&list[0], &data), STATUS_SUCCESS);
    assert_true(data->Size >= sizeof *data);
    assert_memory_equal(&data->LogonId, &list[0], sizeof(LUID));
    assert_true(data->AuthenticationPackage.Length > 0);
    assert_true(data->UserName.Length > 0);
    assert_int_equal(data->UserName.MaximumLength, data->UserName.Length + 2);
    assert_int_equal(data->UserName.Buffer[data->UserName.Length / 2], 0);
    assert_int_equal(LsaFreeReturnBuffer(data), STATUS_SUCCESS);
    assert_int_equal(LsaGetLogonSessionData(NULL, &data), STATUS_SUCCESS);
    assert_memory_equal(&data->LogonId, &list[0], sizeof(LUID));
    assert_int_equal(LsaFreeReturnBuffer(data), STATUS_SUCCESS);
    assert_int_equal(LsaFreeReturnBuffer(list), STATUS_SUCCESS);
}

static void sessions_that_are_none(void **state)
{
    LUID other = {0x12345678, 0x1234};
    SECURITY_LOGON_SESSION_DATA *data = (void *)&other;
    PSecurityUserData user = NULL;
    ULONG count;
    assert_int_equal(LsaGetLogonSessionData(&other, &data), STATUS_NO_SUCH_LOGON_SESSION);
    assert_ptr_equal(data, &other);
    assert_int_equal(LsaGetLogonSessionData(NULL, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(LsaEnumerateLogonSessions(&count, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(GetSecurityUserInfo(&other, UNDERSTANDS_LONG_NAMES, &user), STATUS_NO_SUCH_LOGON_SESSION);
    assert_int_equal(GetSecurityUserInfo(NULL, UNDERSTANDS_LONG_NAMES, NULL), STATUS_INVALID_PARAMETER);
}

static void user_info(void **state)
{
    PSecurityUserData user = NULL;
    char name[512];
    ULONG size = sizeof name;
    assert_int_equal(GetSecurityUserInfo(NULL, UNDERSTANDS_LONG_NAMES, &user), STATUS_SUCCESS);
    assert_true(GetUserNameExA(NameSamCompatible, name, &size));
    assert_int_equal((user->UserName.Length + user->LogonDomainName.Length) / 2 + 1, size);
    assert_true(user->LogonServer.Length > 0);
    assert_int_equal(LsaFreeReturnBuffer(user), STATUS_SUCCESS);
}

static void free_nothing_and_nonsense(void **state)
{
    _Alignas(16) uint64_t here[8] = {0};
    assert_int_equal(LsaFreeReturnBuffer(NULL), STATUS_SUCCESS);
    assert_int_equal(LsaFreeReturnBuffer(&here[4]), STATUS_INVALID_PARAMETER);
}

/* ---------------------------------------------------------------- a logon by name alone */

struct by_name {
    KERB_S4U_LOGON logon;
    WCHAR text[8];
};

static NTSTATUS log_on(struct by_name *block, ULONG size, HANDLE *token)
{
    LSA_STRING origin = lsa_string("test");
    TOKEN_SOURCE source = {.SourceName = "test"};
    PVOID profile = NULL;
    ULONG profile_size = 0;
    LUID session;
    QUOTA_LIMITS quotas;
    NTSTATUS why = 1;
    NTSTATUS status = LsaLogonUser(lsa, &origin, Network, 0, block, size, NULL, &source, &profile, &profile_size,
                                   &session, token, &quotas, &why);
    assert_int_equal(why, STATUS_SUCCESS);
    assert_null(profile);
    return status;
}

/* What is wrong with the message is said before policy is asked; policy lets nobody in here. */
static void by_name(void **state)
{
    struct by_name block = {.logon = {.MessageType = KerbS4ULogon}, .text = {'a', 'b'}};
    WCHAR elsewhere[] = {'a', 'b'};
    HANDLE token = NULL;
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_NO_SUCH_USER);
    block.logon.ClientUpn = (UNICODE_STRING){4, 4, block.text};
    assert_int_equal(log_on(&block, sizeof block.logon - 1, &token), STATUS_INVALID_PARAMETER);
    assert_int_equal(log_on(&block, 3, &token), STATUS_NOT_SUPPORTED);
    assert_int_equal(log_on(NULL, 0, &token), STATUS_INVALID_PARAMETER);
    assert_int_equal(log_on(&block, sizeof block, NULL), STATUS_INVALID_PARAMETER);
    block.logon.ClientUpn.Length = 3;
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_INVALID_PARAMETER);
    block.logon.ClientUpn.Length = sizeof block.text + 2;
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_INVALID_PARAMETER);
    block.logon.ClientUpn = (UNICODE_STRING){4, 4, elsewhere};
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_INVALID_PARAMETER);
    block.logon.ClientUpn = (UNICODE_STRING){4, 4, block.text};
    block.logon.ClientRealm = (UNICODE_STRING){4, 4, NULL};
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_INVALID_PARAMETER);
    block.logon.ClientRealm = (UNICODE_STRING){0, 0, NULL};
    assert_int_equal(log_on(&block, sizeof block, &token), STATUS_NOT_SUPPORTED);
    assert_null(token);
}

/* ---------------------------------------------------------------- what is not there */

static void documented_refusals(void **state)
{
    MSV1_0_INTERACTIVE_LOGON logon = {.MessageType = MsV1_0InteractiveLogon};
    LSA_STRING origin = lsa_string("test");
    TOKEN_SOURCE source = {.SourceName = "test"};
    PVOID profile = NULL;
    ULONG size = 0;
    LUID session;
    HANDLE token = NULL;
    QUOTA_LIMITS quotas;
    NTSTATUS why = 0;
    assert_int_equal(LsaLogonUser(lsa, &origin, Network, 0, &logon, sizeof logon, NULL, &source, &profile, &size,
                                  &session, &token, &quotas, &why),
                     STATUS_NOT_SUPPORTED);
    assert_int_equal(LsaLogonUser(lsa, &origin, Network, 0xdeadbeef, &logon, sizeof logon, NULL, &source, &profile,
                                  &size, &session, &token, &quotas, &why),
                     STATUS_NO_SUCH_PACKAGE);
    assert_int_equal(LsaLogonUser(NULL, &origin, Network, 0, &logon, sizeof logon, NULL, &source, &profile, &size,
                                  &session, &token, &quotas, &why),
                     STATUS_INVALID_HANDLE);
    assert_null(token);
    WCHAR user[] = {'u', 0};
    assert_false(LogonUserExExW(user, NULL, user, LOGON32_LOGON_NETWORK, 0, NULL, &token, NULL, NULL, NULL, NULL));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_false(LogonUserExExW(NULL, NULL, user, LOGON32_LOGON_NETWORK, 0, NULL, &token, NULL, NULL, NULL, NULL));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    CREDENTIAL_TARGET_INFORMATIONW target = {0};
    PUSHORT text = NULL;
    assert_int_equal(CredMarshalTargetInfo(&target, &text, &size), STATUS_NOT_SUPPORTED);
    assert_int_equal(CredMarshalTargetInfo(NULL, &text, &size), STATUS_INVALID_PARAMETER);
    assert_int_equal(CredUnmarshalTargetInfo((PUSHORT)user, 2, NULL, NULL), STATUS_NOT_SUPPORTED);
    assert_int_equal(CredUnmarshalTargetInfo(NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_NG3_negotiate_is_package_0),
        NG_TEST(test_L2_tickets),
        NG_TEST(packages_by_name),
        cmocka_unit_test(connections_that_are_none),
        cmocka_unit_test(register_process),
        NG_TEST(test_NG4_caller_name),
        NG_TEST(test_NG4_another_session),
        NG_TEST(test_NG5_null_request),
        NG_TEST(test_NG5_outputs_may_be_null),
        NG_TEST(test_NG6_unknown_package),
        NG_TEST(messages_nobody_takes),
        cmocka_unit_test(test_L1_session_data),
        cmocka_unit_test(sessions_that_are_none),
        cmocka_unit_test(user_info),
        cmocka_unit_test(free_nothing_and_nonsense),
        NG_TEST(by_name),
        NG_TEST(documented_refusals),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("lsa", tests, NULL, NULL);
}
