#include "core/session_view.h"

#include "sspi_attributes.h"

bool session_attribute(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_LIFESPAN:
    case SECPKG_ATTR_DCE_INFO:
    case SECPKG_ATTR_AUTHORITY:
    case SECPKG_ATTR_PASSWORD_EXPIRY:
    case SECPKG_ATTR_SESSION_KEY:
    case SECPKG_ATTR_USER_FLAGS:
    case SECPKG_ATTR_NATIVE_NAMES:
    case SECPKG_ATTR_FLAGS:
    case SECPKG_ATTR_LOGOFF_TIME:
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        return true;
    default:
        return session_attribute_is_early(attribute);
    }
}

bool session_attribute_is_early(uint32_t attribute)
{
    return attribute == SECPKG_ATTR_PACKAGE_INFO || attribute == SECPKG_ATTR_NEGOTIATION_INFO ||
           attribute == SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS;
}

static void query_early(const struct context *context, uint32_t attribute, struct attribute *out)
{
    if (attribute == SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS) {
        out->number = context->established ? SecPkgAttrLastClientTokenYes : SecPkgAttrLastClientTokenNo;
    } else {
        out->negotiation.package = context->package;
        out->negotiation.state = context->established ? SECPKG_NEGOTIATION_COMPLETE : SECPKG_NEGOTIATION_IN_PROGRESS;
    }
}

static SECURITY_STATUS query_names(const struct context *context, const struct session_view *view, uint32_t attribute,
                                   struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
        out->name = view->account;
        return SEC_E_OK;
    case SECPKG_ATTR_AUTHORITY:
        out->name = view->domain;
        return SEC_E_OK;
    case SECPKG_ATTR_DCE_INFO:
        out->name = view->client;
        return SEC_E_OK;
    case SECPKG_ATTR_NATIVE_NAMES:
        out->native_names.client = view->client;
        out->native_names.server = view->server;
        return SEC_E_OK;
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        REQUIRE(!context->initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "CLIENT_SPECIFIED_TARGET is a question for a server (QueryContextAttributes)");
        out->name = view->target;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "the package's contexts have no such attribute (QueryContextAttributes)");
    }
}

SECURITY_STATUS session_query(const struct context *context, const struct session_view *view, uint32_t attribute,
                              struct attribute *out)
{
    REQUIRE(session_attribute(attribute), SEC_E_UNSUPPORTED_FUNCTION,
            "the package's contexts have no such attribute (QueryContextAttributes)");
    if (session_attribute_is_early(attribute)) {
        query_early(context, attribute, out);
        return SEC_E_OK;
    }
    REQUIRE(context->established, SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    switch (attribute) {
    case SECPKG_ATTR_LIFESPAN:
        out->lifespan.start = view->start;
        out->lifespan.expiry = view->expiry;
        return SEC_E_OK;
    case SECPKG_ATTR_SESSION_KEY:
        out->bytes = view->session_key;
        return SEC_E_OK;
    case SECPKG_ATTR_FLAGS:
        out->number = view->flags;
        return SEC_E_OK;
    case SECPKG_ATTR_PASSWORD_EXPIRY:
        out->time = view->password_expiry;
        return SEC_E_OK;
    case SECPKG_ATTR_LOGOFF_TIME:
        out->time = view->logoff;
        return SEC_E_OK;
    case SECPKG_ATTR_USER_FLAGS:
        out->number = view->user_flags;
        return SEC_E_OK;
    default:
        return query_names(context, view, attribute, out);
    }
}
