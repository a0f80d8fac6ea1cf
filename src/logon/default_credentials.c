#include "logon/default_credentials.h"

#include <stdlib.h>

#include "base/trace.h"
#include "logon/user_file.h"
#include "text/names.h"

struct search {
    struct account_name wanted;
    bool found;
    struct identity *out;
};

static bool line_matches(const struct search *search, const struct user_line *line)
{
    if (line->bad || !line->can_log_on || search->found) {
        return false;
    }
    if (search->wanted.user.size == 0) {
        return true;
    }
    bool domains_agree = search->wanted.domain.size == 0 || line->domain.size == 0 ||
                         utf16_equal_nocase(search->wanted.domain, line->domain);
    return domains_agree && utf16_equal_nocase(search->wanted.user, line->user);
}

/* The first line that matches counts, as in the programs this file comes from. */
static SECURITY_STATUS take_line(void *argument, const struct user_line *line)
{
    struct search *search = argument;
    if (!line_matches(search, line)) {
        return SEC_E_OK;
    }
    AUTO_IDENTITY identity = {0};
    TRY(utf16_copy(line->user, &identity.user));
    TRY(utf16_copy(line->domain, &identity.domain));
    identity.has_user = true;
    identity.has_domain = line->domain.size != 0;
    if (line->has_password) {
        TRY(secret_copy(&identity.password, utf16_bytes(line->password)));
        identity.has_password = true;
    } else {
        identity.nt_hash = line->nt_hash;
        identity.has_nt_hash = true;
    }
    *search->out = identity;
    identity = (struct identity){0};
    search->found = true;
    return SEC_E_OK;
}

static SECURITY_STATUS from_file(const char *path, struct utf16 principal, struct identity *out)
{
    AUTO_IDENTITY identity = {0};
    struct search search = {names_split_upn(principal, UTF16_NONE), false, &identity};
    SECURITY_STATUS status = user_file_read(path, take_line, &search);
    REQUIRE(status != SEC_E_INVALID_PARAMETER, SEC_E_NO_CREDENTIALS, "the file named by NTLM_USER_FILE cannot be read");
    TRY(status);
    REQUIRE(search.found, SEC_E_NO_CREDENTIALS, "the file named by NTLM_USER_FILE has no line for this user");
    *out = identity;
    identity = (struct identity){0};
    return SEC_E_OK;
}

SECURITY_STATUS default_credentials(struct utf16 principal, struct identity *out)
{
    SECURITY_STATUS status = logon_session_load(out);
    if (status != SEC_E_NO_CREDENTIALS) {
        TRACE("default credentials: %s", status >= 0 ? "from the logon session" : "the logon session fails");
        return status;
    }
    const char *path = secure_getenv("NTLM_USER_FILE"); /* a set-uid program does not log on as its caller pleases */
    if (path == NULL || path[0] == '\0') {
        return status;
    }
    status_begin(); /* that nobody is logged on is no reason to fail any more */
    TRACE("default credentials: looking in %s", path);
    return from_file(path, principal, out);
}
