/* AddSecurityPackage and DeleteSecurityPackage with modules: the example's, and such as do not keep to sspi_package.h.
 *
 *     modules_test EXAMPLE ROGUE...     paths of the built modules; they are copied to where their owner may vouch for them
 */
#include "pair.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] =
    "/tmp/sspi-modules-XXXXXX"; /* /tmp is sticky: others can write there, and not touch what is ours */
static char other_folder[] = "/tmp/sspi-modules-XXXXXX";
static char module[PATH_MAX];
static char name[] = "example";
static char **rogues;
static int rogue_count;

static void copy_file(const char *from, const char *to, mode_t mode)
{
    char data[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t size = read(in, data, sizeof data); size != 0; size = read(in, data, sizeof data)) {
        assert_true(size > 0 && write(out, data, (size_t)size) == size);
    }
    assert_int_equal(fchmod(out, mode), 0);
    close(in);
    close(out);
}

static bool is_listed(const char *wanted)
{
    ULONG count = 0;
    PSecPkgInfoA infos = NULL;
    bool found = false;
    assert_status(EnumerateSecurityPackagesA(&count, &infos), SEC_E_OK);
    for (ULONG i = 0; i < count; i++) {
        found = found || strcmp(infos[i].Name, wanted) == 0;
    }
    FreeContextBuffer(infos);
    return found;
}

static SEC_WINNT_AUTH_IDENTITY_A identity_of(const char *password)
{
    return (SEC_WINNT_AUTH_IDENTITY_A){
        .User = (unsigned char *)(uintptr_t) "anna",
        .UserLength = 4,
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
}

static void credentials(struct pair *pair, const char *password)
{
    SEC_WINNT_AUTH_IDENTITY_A client = identity_of(password), server = identity_of("opensesame");
    memset(pair, 0, sizeof *pair);
    SecInvalidateHandle(&pair->client);
    SecInvalidateHandle(&pair->server);
    assert_status(AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_OUTBOUND, NULL, &client, NULL, NULL,
                                            &pair->client_credential, NULL),
                  SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_INBOUND, NULL, &server, NULL, NULL,
                                            &pair->server_credential, NULL),
                  SEC_E_OK);
}

/* ---------------------------------------------------------------- coming and going */

static void test_load(void **state)
{
    PSecPkgInfoA info = NULL;
    assert_false(is_listed("Example"));
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    assert_true(is_listed("Example"));
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK); /* it is there */
    assert_status(AddSecurityPackageA(name, NULL), SEC_E_OK);
    assert_status(QuerySecurityPackageInfoA(name, &info), SEC_E_OK);
    assert_string_equal(info->Name, "Example");
    assert_string_equal(info->Comment, "A package to copy from");
    assert_int_equal(info->fCapabilities, SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_CONNECTION);
    assert_int_equal(info->cbMaxToken, 128);
    FreeContextBuffer(info);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
    assert_false(is_listed("Example"));
    assert_status(QuerySecurityPackageInfoA(name, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_status(DeleteSecurityPackageA(name), SEC_E_SECPKG_NOT_FOUND);

    WCHAR wide[PATH_MAX] = {0};
    for (size_t i = 0; module[i] != '\0'; i++) {
        wide[i] = (WCHAR)(unsigned char)module[i];
    }
    assert_status(AddSecurityPackageW(wide, NULL), SEC_E_OK);
    assert_true(is_listed("Example"));
    assert_status(DeleteSecurityPackageW(wide), SEC_E_OK); /* by its path, too */
    assert_false(is_listed("Example"));
}

/* A name without a slash is looked for in the policy's directories. */
static void test_search(void **state)
{
    char short_name[] = "module";
    assert_status(AddSecurityPackageA(short_name, NULL), SEC_E_OK);
    assert_true(is_listed("Example"));
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
    short_name[5] = 'f';
    assert_status(AddSecurityPackageA(short_name, NULL), SEC_E_SECPKG_NOT_FOUND);
}

static void test_options(void **state)
{
    SECURITY_PACKAGE_OPTIONS options = {.Size = sizeof options, .Type = SECPKG_OPTIONS_TYPE_SSPI};
    assert_status(AddSecurityPackageA(module, &options), SEC_E_OK);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
    options.Flags = SECPKG_OPTIONS_PERMANENT;
    assert_status(AddSecurityPackageA(module, &options), SEC_E_UNSUPPORTED_FUNCTION);
    options = (SECURITY_PACKAGE_OPTIONS){.Size = sizeof options, .Type = SECPKG_OPTIONS_TYPE_LSA};
    assert_status(AddSecurityPackageA(module, &options), SEC_E_UNSUPPORTED_FUNCTION);
    options = (SECURITY_PACKAGE_OPTIONS){.Size = sizeof options - 1};
    assert_status(AddSecurityPackageA(module, &options), SEC_E_INVALID_PARAMETER);
    assert_false(is_listed("Example"));
}

/* ---------------------------------------------------------------- what is refused */

static void refused(const char *path, SECURITY_STATUS expected)
{
    assert_status(AddSecurityPackageA((char *)(uintptr_t)path, NULL), expected);
    assert_non_null(SspiExtLastReason(NULL));
    assert_false(is_listed("Example"));
}

static void test_trust(void **state)
{
    char path[PATH_MAX], elsewhere[PATH_MAX], inner[PATH_MAX];
    snprintf(elsewhere, sizeof elsewhere, "%s/module.so", other_folder);
    copy_file(module, elsewhere, 0600);
    refused(elsewhere, SEC_E_CANNOT_INSTALL); /* the policy does not name it */

    snprintf(path, sizeof path, "%s/link.so", folder);
    assert_int_equal(symlink(elsewhere, path), 0);
    refused(path, SEC_E_CANNOT_INSTALL); /* nor by another name */
    assert_int_equal(unlink(path), 0);

    snprintf(inner, sizeof inner, "%s/inner", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    snprintf(path, sizeof path, "%s/inner/module.so", folder);
    copy_file(module, path, 0600);
    refused(path, SEC_E_CANNOT_INSTALL); /* a directory is named without those in it */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(inner), 0);

    snprintf(path, sizeof path, "%s/writable.so", folder);
    copy_file(module, path, 0620);
    refused(path, SEC_E_CANNOT_INSTALL);
    assert_int_equal(chmod(path, 0602), 0);
    refused(path, SEC_E_CANNOT_INSTALL);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0770), 0);
    refused(path, SEC_E_CANNOT_INSTALL);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_status(AddSecurityPackageA(path, NULL), SEC_E_OK); /* and that was all that was wrong */
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        refused(path, SEC_E_CANNOT_INSTALL);
    } else {
        print_message("# not root: no file of somebody else's could be made\n");
    }
    assert_int_equal(unlink(path), 0);

    refused(folder, SEC_E_CANNOT_INSTALL);
    refused("module.so/", SEC_E_CANNOT_INSTALL);
    refused("./module.so", SEC_E_CANNOT_INSTALL);
    snprintf(path, sizeof path, "%s/absent.so", folder);
    refused(path, SEC_E_SECPKG_NOT_FOUND);
    snprintf(path, sizeof path, "%s/text.so", folder);
    copy_file("/etc/passwd", path, 0600);
    refused(path, SEC_E_CANNOT_INSTALL);
    assert_int_equal(unlink(path), 0);
}

/* Every rogue but the last is refused, and nothing of it stays. */
static void test_rogues(void **state)
{
    char path[PATH_MAX];
    ULONG before = 0, after = 0;
    PSecPkgInfoA infos = NULL;
    assert_true(rogue_count > 10);
    assert_status(EnumerateSecurityPackagesA(&before, &infos), SEC_E_OK);
    FreeContextBuffer(infos);
    snprintf(path, sizeof path, "%s/rogue.so", folder);
    for (int i = 0; i < rogue_count - 1; i++) {
        copy_file(rogues[i], path, 0600);
        assert_status(AddSecurityPackageA(path, NULL), SEC_E_CANNOT_INSTALL);
        assert_non_null(SspiExtLastReason(NULL));
        assert_int_equal(unlink(path), 0);
    }
    assert_status(EnumerateSecurityPackagesA(&after, &infos), SEC_E_OK);
    FreeContextBuffer(infos);
    assert_int_equal(after, before);
}

/* The program's buffers are as they were, whatever the module has made of them. */
static void assert_lies(PCtxtHandle context)
{
    unsigned char data[8], signature[16];
    const SecBuffer before[2] = {{sizeof data, SECBUFFER_DATA, data}, {sizeof signature, SECBUFFER_TOKEN, signature}};
    SecPkgContext_SessionKey key = {7, NULL};
    ULONG qop = 0;
    for (int which = 0; which < 4; which++) {
        SecBuffer at[2] = {before[0], before[1]};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, at};
        SECURITY_STATUS status = which == 0   ? MakeSignature(context, 0, &message, 0)
                                 : which == 1 ? VerifySignature(context, &message, 0, &qop)
                                 : which == 2 ? EncryptMessage(context, 0, &message, 0)
                                              : DecryptMessage(context, &message, 0, &qop);
        assert_status(status, SEC_E_INTERNAL_ERROR);
        assert_memory_equal(at, before, sizeof at);
    }
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_SESSION_KEY, &key), SEC_E_INTERNAL_ERROR);
    assert_int_equal(key.SessionKeyLength, 7);
}

static void test_liar(void **state)
{
    static const struct {
        ULONG flags;
        SECURITY_STATUS status;
    } rows[] = {
        {1, SEC_E_INTERNAL_ERROR}, {2, SEC_E_INTERNAL_ERROR}, {4, SEC_E_INTERNAL_ERROR}, {8, SEC_E_LOGON_DENIED}};
    char path[PATH_MAX], rogue[] = "Rogue";
    CredHandle credential;
    snprintf(path, sizeof path, "%s/liar.so", folder);
    copy_file(rogues[rogue_count - 1], path, 0600);
    assert_status(AddSecurityPackageA(path, NULL), SEC_E_OK);
    assert_status(
        AcquireCredentialsHandleA(NULL, rogue, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CtxtHandle context = {77, 77};
        ULONG flags = 0;
        struct token token;
        token_init(&token, 16);
        assert_status(InitializeSecurityContextA(&credential, NULL, NULL, rows[i].flags, 0, SECURITY_NATIVE_DREP, NULL,
                                                 0, &context, &token.descriptor, &flags, NULL),
                      rows[i].status);
        assert_int_equal(context.dwLower, 77);
        assert_int_equal(token.buffer.cbBuffer, 16);
    }
    assert_string_equal(SspiExtLastReason(NULL), "no no no");
    CtxtHandle context;
    struct token token;
    token_init(&token, 16);
    assert_status(InitializeSecurityContextA(&credential, NULL, NULL, 16, 0, SECURITY_NATIVE_DREP, NULL, 0, &context,
                                             &token.descriptor, &(ULONG){0}, NULL),
                  SEC_E_OK);
    assert_lies(&context);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(
        AcquireCredentialsHandleA(NULL, rogue, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    assert_status(DeleteSecurityPackageA(rogue), (SECURITY_STATUS)HRESULT_FROM_WIN32(ERROR_BUSY));
    assert_int_equal(unlink(path), 0);
}

/* ---------------------------------------------------------------- in use */

static void establish(struct pair *pair)
{
    credentials(pair, "opensesame");
    pair_establish(pair, ISC_REQ_INTEGRITY, ASC_REQ_INTEGRITY);
}

static void test_log_on(void **state)
{
    struct pair pair;
    SecPkgContext_NamesA names = {0};
    SecPkgCredentials_NamesA credential_names = {0};
    SecPkgContext_KeyInfoA key = {0};
    SecPkgContext_PackageInfoA info = {0};
    SecPkgContext_Sizes sizes = {0};
    WCHAR user[64] = {0};
    ULONG size = 64;
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    establish(&pair);
    assert_int_equal(pair.client_attributes & ISC_RET_INTEGRITY, ISC_RET_INTEGRITY);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "anna");
    FreeContextBuffer(names.sUserName);
    assert_status(QueryCredentialsAttributesA(&pair.client_credential, SECPKG_CRED_ATTR_NAMES, &credential_names),
                  SEC_E_OK);
    assert_string_equal(credential_names.sUserName, "anna");
    FreeContextBuffer(credential_names.sUserName);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_KEY_INFO, &key), SEC_E_OK);
    assert_string_equal(key.sSignatureAlgorithmName, "HMAC-SHA256");
    assert_string_equal(key.sEncryptAlgorithmName, "");
    assert_int_equal(key.KeySize, 256);
    FreeContextBuffer(key.sSignatureAlgorithmName);
    FreeContextBuffer(key.sEncryptAlgorithmName);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_PACKAGE_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Example");
    FreeContextBuffer(info.PackageInfo);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxSignature, 32);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_LIFESPAN, user), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_STREAM_SIZES, user), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_true(GetUserNameExW(NameSamCompatible, user, &size));
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    assert_memory_equal(user, ((WCHAR[]){'a', 'n', 'n', 'a', 0}), 10);
    assert_status(SspiExtSetVerifier(&pair.server_credential, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
}

static void test_wrong_password(void **state)
{
    struct pair pair;
    struct token client, server;
    ULONG flags = 0;
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    credentials(&pair, "closesesame");
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, SECURITY_NATIVE_DREP,
                                        &pair.server, &server.descriptor, &flags, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &pair.client, NULL, 0, 0, SECURITY_NATIVE_DREP, &server.descriptor,
                                             0, &pair.client, &client.descriptor, &flags, NULL),
                  SEC_E_OK);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(NULL, &pair.server, &client.descriptor, 0, SECURITY_NATIVE_DREP, &pair.server,
                                        &server.descriptor, &flags, NULL),
                  SEC_E_LOGON_DENIED);
    assert_string_equal(SspiExtLastReason(NULL), "Example: unknown account or wrong password");
    pair_close(&pair);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
}

/* The server's context may outlive its credential, and the package outlives both. */
static void test_busy(void **state)
{
    const SECURITY_STATUS busy = (SECURITY_STATUS)HRESULT_FROM_WIN32(ERROR_BUSY);
    struct pair pair;
    char text[] = "written after the credential went";
    unsigned char signature[32];
    SecBuffer buffers[2] = {{sizeof signature, SECBUFFER_TOKEN, signature}, {sizeof text, SECBUFFER_DATA, text}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    establish(&pair);
    assert_status(DeleteSecurityPackageA(name), busy);
    assert_status(FreeCredentialsHandle(&pair.client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&pair.server_credential), SEC_E_OK);
    assert_status(DeleteSecurityPackageA(name), busy);
    assert_status(MakeSignature(&pair.client, 0, &message, 0), SEC_E_OK);
    assert_status(VerifySignature(&pair.server, &message, 0, NULL), SEC_E_OK);
    assert_status(VerifySignature(&pair.server, &message, 0, NULL), SEC_E_MESSAGE_ALTERED);
    assert_status(EncryptMessage(&pair.client, 0, &message, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(DeleteSecurityContext(&pair.client), SEC_E_OK);
    assert_status(DeleteSecurityPackageA(name), busy);
    assert_status(DeleteSecurityContext(&pair.server), SEC_E_OK);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
}

static void test_export(void **state)
{
    struct pair pair;
    CtxtHandle moved;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    char text[] = "and on it goes";
    unsigned char signature[32];
    SecBuffer buffers[2] = {{sizeof signature, SECBUFFER_TOKEN, signature}, {sizeof text, SECBUFFER_DATA, text}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    establish(&pair);
    assert_status(ExportSecurityContext(&pair.server, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
    SecInvalidateHandle(&pair.server);
    assert_status(ImportSecurityContextA(name, &packed, NULL, &moved), SEC_E_OK);
    packed.cbBuffer--;
    assert_status(ImportSecurityContextA(name, &packed, NULL, &pair.server), SEC_E_INVALID_TOKEN);
    FreeContextBuffer(packed.pvBuffer);
    assert_status(MakeSignature(&pair.client, 0, &message, 0), SEC_E_OK);
    assert_status(VerifySignature(&moved, &message, 0, NULL), SEC_E_OK);
    pair_close(&pair);
    assert_status(DeleteSecurityPackageA(name), (SECURITY_STATUS)HRESULT_FROM_WIN32(ERROR_BUSY));
    assert_status(DeleteSecurityContext(&moved), SEC_E_OK);
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
}

/* ---------------------------------------------------------------- many threads */

static atomic_bool stop;
static atomic_long got;

/* Acquires as often as it can while another thread loads and unloads: what it gets it can use. */
static void *acquire_and_use(void *complaint)
{
    SECURITY_STATUS *wrong = complaint;
    while (!atomic_load(&stop)) {
        SEC_WINNT_AUTH_IDENTITY_A identity = identity_of("opensesame");
        CredHandle credential;
        SecPkgCredentials_NamesA names = {0};
        SECURITY_STATUS status =
            AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &credential, NULL);
        if (status == SEC_E_OK) {
            status = QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names);
            FreeContextBuffer(names.sUserName);
            FreeCredentialsHandle(&credential);
            atomic_fetch_add(&got, 1);
        }
        if (status != SEC_E_OK && status != SEC_E_SECPKG_NOT_FOUND) {
            *wrong = status;
        }
    }
    return NULL;
}

static void test_race(void **state)
{
    pthread_t threads[2];
    SECURITY_STATUS wrong[2] = {SEC_E_OK, SEC_E_OK};
    int unloaded = 0;
    assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, acquire_and_use, &wrong[i]), 0);
    }
    for (int i = 0; i < 100 || unloaded == 0; i++) {
        SECURITY_STATUS status = DeleteSecurityPackageA(name);
        assert_true(status == SEC_E_OK || status == (SECURITY_STATUS)HRESULT_FROM_WIN32(ERROR_BUSY));
        unloaded += status == SEC_E_OK;
        assert_status(AddSecurityPackageA(module, NULL), SEC_E_OK);
    }
    while (atomic_load(&got) == 0) {
        sched_yield(); /* it is there, so that they get it */
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_status(wrong[i], SEC_E_OK);
    }
    assert_status(DeleteSecurityPackageA(name), SEC_E_OK);
}

static void write_policy(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sspi.conf", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL || fprintf(file, "[packages]\nallow = /nonexistent/sspi\nallow = %s\n", folder) < 0 ||
        fclose(file) != 0) {
        abort();
    }
    setenv("SSPI_CONFIG", path, 1);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),  cmocka_unit_test(test_search),         cmocka_unit_test(test_options),
        cmocka_unit_test(test_trust), cmocka_unit_test(test_rogues),         cmocka_unit_test(test_log_on),
        cmocka_unit_test(test_busy),  cmocka_unit_test(test_wrong_password), cmocka_unit_test(test_export),
        cmocka_unit_test(test_race),  cmocka_unit_test(test_liar),
    };
    if (count < 3 || mkdtemp(folder) == NULL || mkdtemp(other_folder) == NULL) {
        return 99;
    }
    rogues = arguments + 2;
    rogue_count = count - 2;
    snprintf(module, sizeof module, "%s/module.so", folder);
    copy_file(arguments[1], module, 0644);
    write_policy();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("modules", tests, NULL, NULL);
    char command[3 * PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", folder, other_folder);
    return system(command) == 0 ? failed : 98;
}
