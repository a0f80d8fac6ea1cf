#include "support/cyrus.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define INT8  sasl_int8 /* Cyrus's header has names of windows.h for other types */
#define UINT8 sasl_uint8
#include <sasl/saslplug.h>
#undef INT8
#undef UINT8

const char *cyrus_user = "User", *cyrus_password = "Password", *cyrus_authzid;

static bool takes_again;

static int get_option(void *context, const char *plugin, const char *option, const char **result, unsigned *size)
{
    static const char *const options[][2] = {{"auxprop_plugin", "test"},
                                             {"mech_list", "DIGEST-MD5"},
                                             {"pwcheck_method", "auxprop"},
                                             {"reauth_timeout", "10"}};
    (void)context;
    (void)plugin;
    for (size_t i = 0; i < sizeof options / sizeof options[0] - !takes_again; i++) {
        if (strcmp(option, options[i][0]) == 0) {
            *result = options[i][1];
            if (size != NULL) {
                *size = (unsigned)strlen(*result);
            }
            return SASL_OK;
        }
    }
    return SASL_FAIL;
}

static int log_errors(void *context, int level, const char *message)
{
    (void)context;
    if (takes_again && level <= SASL_LOG_ERR) {
        printf("# sasl: %s\n", message);
    }
    return SASL_OK;
}

static int get_name(void *context, int id, const char **result, unsigned *size)
{
    (void)context;
    *result = id == SASL_CB_USER ? (cyrus_authzid != NULL ? cyrus_authzid : "") : cyrus_user;
    if (size != NULL) {
        *size = (unsigned)strlen(*result);
    }
    return SASL_OK;
}

static int get_password(sasl_conn_t *connection, void *context, int id, sasl_secret_t **result)
{
    static union {
        sasl_secret_t secret;
        char room[sizeof(sasl_secret_t) + 64];
    } kept;
    (void)connection;
    (void)context;
    (void)id;
    kept.secret.len = strlen(cyrus_password);
    memcpy(kept.secret.data, cyrus_password, kept.secret.len + 1);
    *result = &kept.secret;
    return SASL_OK;
}

#define CALL_OF(id, function)                                                                                          \
    {                                                                                                                  \
        (id), (int (*)(void))(void *)(function), NULL                                                                  \
    }

static sasl_callback_t server_calls[] = {CALL_OF(SASL_CB_GETOPT, get_option), CALL_OF(SASL_CB_LOG, log_errors),
                                         CALL_OF(SASL_CB_LIST_END, NULL)};
sasl_callback_t cyrus_client_calls[] = {CALL_OF(SASL_CB_USER, get_name), CALL_OF(SASL_CB_AUTHNAME, get_name),
                                        CALL_OF(SASL_CB_PASS, get_password), CALL_OF(SASL_CB_LOG, log_errors),
                                        CALL_OF(SASL_CB_LIST_END, NULL)};

static int lookup(void *global, sasl_server_params_t *server, unsigned flags, const char *name, unsigned size)
{
    const struct propval *property = server->utils->prop_get(server->propctx);
    (void)global;
    (void)flags;
    (void)name;
    (void)size;
    for (; property != NULL && property->name != NULL; property++) {
        const char *plain = property->name[0] == '*' ? property->name + 1 : property->name;
        if (strcmp(plain, SASL_AUX_PASSWORD_PROP) == 0 && property->values == NULL) {
            server->utils->prop_set(server->propctx, property->name, "Password", 8);
        }
    }
    return SASL_OK;
}

static sasl_auxprop_plug_t plugin = {.auxprop_lookup = lookup, .name = (char *)(uintptr_t) "test"};

static int plugin_init(const sasl_utils_t *utils, int most, int *version, sasl_auxprop_plug_t **out, const char *name)
{
    (void)utils;
    (void)most;
    (void)name;
    *version = SASL_AUXPROP_PLUG_VERSION;
    *out = &plugin;
    return SASL_OK;
}

int cyrus_start(bool again)
{
    takes_again = again;
    int status = sasl_auxprop_add_plugin("test", plugin_init);
    status = status == SASL_OK ? sasl_server_init(server_calls, "sspi-test") : status;
    return status == SASL_OK ? sasl_client_init(cyrus_client_calls) : status;
}
