#include "api/account_names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/policy.h"
#include "core/met.h"
#include "core/package.h"
#include "core/token.h"
#include "logon/default_credentials.h"
#include "logon/machine.h"
#include "text/names.h"

/* ---------------------------------------------------------------- text */

/* UTF-8 of a counted text; false, and empty, when it does not fit or has a NUL in it. */
static bool put(char *out, size_t size, struct utf16 text)
{
    size_t length = utf16_utf8_size(text);
    out[0] = '\0';
    if (length >= size || utf16_find(text, 0) != SIZE_MAX) {
        return false;
    }
    utf16_utf8_write(text, out);
    out[length] = '\0';
    return true;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

/* ---------------------------------------------------------------- forms */

/* "DC=dom,DC=example,DC=com" (RFC 2247 2). */
static void distinguished_domain(const char *dns, char out[ACCOUNT_FORM_BYTES])
{
    size_t used = 0;
    for (const char *at = dns; used < ACCOUNT_FORM_BYTES;) {
        size_t label = strcspn(at, ".");
        used +=
            (size_t)snprintf(out + used, ACCOUNT_FORM_BYTES - used, "%sDC=%.*s", at != dns ? "," : "", (int)label, at);
        if (at[label] == '\0') {
            return;
        }
        at += label + 1;
    }
    out[0] = '\0';
}

/* A domain has forms that its accounts would need a directory's tree for. */
static DWORD domain_form(const struct directory_entry *entry, EXTENDED_NAME_FORMAT format, char *out)
{
    if (format == NameSamCompatible) {
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s\\", entry->domain);
        return ERROR_SUCCESS;
    }
    if (entry->dns_domain[0] == '\0') {
        return ERROR_NONE_MAPPED;
    }
    switch (format) {
    case NameDnsDomain:
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s\\", entry->dns_domain);
        return ERROR_SUCCESS;
    case NameCanonical:
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s/", entry->dns_domain);
        return ERROR_SUCCESS;
    case NameCanonicalEx: /* "even in a domain-only case" the slash becomes a newline */
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s\n", entry->dns_domain);
        return ERROR_SUCCESS;
    case NameFullyQualifiedDN:
        distinguished_domain(entry->dns_domain, out);
        return out[0] != '\0' ? ERROR_SUCCESS : ERROR_NONE_MAPPED;
    default:
        return ERROR_NONE_MAPPED;
    }
}

/* Every account of a domain has the name user@domain beside the one that it may be given (MS-ADTS 5.1.1.1.1). */
static DWORD principal_form(const struct directory_entry *entry, char *out)
{
    bool has_one = entry->kind == DIRECTORY_USER || entry->kind == DIRECTORY_COMPUTER;
    if (entry->upn[0] != '\0') {
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s", entry->upn);
        return ERROR_SUCCESS;
    }
    if (!has_one || entry->local || entry->dns_domain[0] == '\0') {
        return ERROR_NONE_MAPPED;
    }
    (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s@%s", entry->user, entry->dns_domain);
    return ERROR_SUCCESS;
}

/* ERROR_NONE_MAPPED: what is known does not tell. */
static DWORD form_of(const struct directory_entry *entry, EXTENDED_NAME_FORMAT format, char *out)
{
    if (entry->kind == DIRECTORY_DOMAIN) {
        return domain_form(entry, format, out);
    }
    switch (format) {
    case NameSamCompatible:
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s%s%s", entry->domain, entry->domain[0] != '\0' ? "\\" : "",
                       entry->user);
        return ERROR_SUCCESS;
    case NameUserPrincipal:
        return principal_form(entry, out);
    case NameDisplay:
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s", entry->display);
        return entry->display[0] != '\0' ? ERROR_SUCCESS : ERROR_NONE_MAPPED;
    case NameDnsDomain:
        (void)snprintf(out, ACCOUNT_FORM_BYTES, "%s\\%s", entry->dns_domain, entry->user);
        return entry->dns_domain[0] != '\0' ? ERROR_SUCCESS : ERROR_NONE_MAPPED;
    default: /* GUIDs, parents in the tree, services, parts of the name: a directory's own */
        return ERROR_NONE_MAPPED;
    }
}

static bool can_be_looked_up(EXTENDED_NAME_FORMAT format)
{
    return format == NameUserPrincipal || format == NameDisplay || format == NameDnsDomain;
}

/* Asks a directory for what the entry does not tell. */
static DWORD form_after_asking(struct directory_entry *entry, EXTENDED_NAME_FORMAT format, char *out)
{
    struct directory_entry found;
    DWORD error = form_of(entry, format, out);
    if (error == ERROR_SUCCESS || entry->local || !can_be_looked_up(format)) {
        return error;
    }
    enum directory_answer answer = directory_find(entry->domain, entry->user, &found);
    if (answer != DIRECTORY_FOUND) {
        return answer == DIRECTORY_NO_DOMAIN ? ERROR_NO_SUCH_DOMAIN : ERROR_NONE_MAPPED;
    }
    return form_of(&found, format, out);
}

/* ---------------------------------------------------------------- the current user */

static bool of_token(const struct token *token, struct directory_entry *out)
{
    static const uint16_t anonymous[] = u"ANONYMOUS LOGON", authority[] = u"NT AUTHORITY";
    const struct token_facts facts = token_facts(token);
    bool nobody = token_is_anonymous(token);
    out->kind = nobody ? DIRECTORY_WELL_KNOWN : DIRECTORY_USER;
    out->local = nobody;
    (void)put(out->upn, sizeof out->upn, facts.upn);
    (void)put(out->dns_domain, sizeof out->dns_domain, facts.dns_domain);
    return put(out->user, sizeof out->user, nobody ? utf16_from_wide(anonymous) : token_user(token)) &&
           put(out->domain, sizeof out->domain, nobody ? utf16_from_wide(authority) : token_domain(token));
}

/* Who logged on by `sspi logon`. */
static bool of_session(struct directory_entry *out)
{
    AUTO_IDENTITY session = {0};
    if (logon_session_load(&session) < 0 || session.user.size == 0) {
        status_begin();
        return false;
    }
    struct account_name plain = names_split(session.user, session.domain);
    struct account_name name = names_split_upn(session.user, session.domain);
    bool upn = plain.domain.size == 0 && name.domain.size != 0;
    out->kind = DIRECTORY_USER;
    return put(out->user, sizeof out->user, name.user) && put(out->domain, sizeof out->domain, name.domain) &&
           (!upn || put(out->upn, sizeof out->upn, session.user));
}

/* Whose tickets the process would sign in with: "user@REALM". */
static bool ticket_principal(char out[DIRECTORY_UPN])
{
    const struct package *kerberos = package_find_utf8("Kerberos");
    const struct credential_in in = {.package = kerberos, .use = SECPKG_CRED_OUTBOUND};
    struct credential *credential = NULL;
    uint64_t expiry = 0;
    bool good = false;
    if (kerberos != NULL && credential_acquire(kerberos, &in, HANDLE_CREDENTIAL_PART, &credential, &expiry) >= 0) {
        struct attribute name = {.name = UTF16_NONE};
        good = kerberos->query_credential(credential, SECPKG_CRED_ATTR_NAMES, &name) >= 0 &&
               put(out, DIRECTORY_UPN, name.name) && out[0] != '\0';
        credential_close(credential);
    }
    status_begin(); /* that there are none is not the reason of anything */
    return good;
}

/* A session of a domain's user has tickets of his; a local user's may be anybody's, and are then who he is elsewhere. */
static DWORD form_by_tickets(const struct directory_entry *who, EXTENDED_NAME_FORMAT format, char *out)
{
    struct directory_entry ticket = {.kind = DIRECTORY_USER};
    const char *sign = ticket_principal(ticket.upn) ? strrchr(ticket.upn, '@') : NULL;
    size_t size = sign != NULL ? (size_t)(sign - ticket.upn) : 0;
    if (size == 0 || size >= sizeof ticket.user || memchr(ticket.upn, '/', size) != NULL) {
        return ERROR_NONE_MAPPED;
    }
    (void)snprintf(ticket.user, sizeof ticket.user, "%.*s", (int)size, ticket.upn);
    if (!who->local && strcasecmp(ticket.user, who->user) != 0) {
        return ERROR_NONE_MAPPED;
    }
    if (strchr(sign, '.') != NULL && directory_text(ticket.dns_domain, sizeof ticket.dns_domain, sign + 1)) {
        lower(ticket.dns_domain); /* a realm in the style of domains (RFC 4120 6.1) */
    }
    return form_of(&ticket, format, out);
}

DWORD account_current(EXTENDED_NAME_FORMAT format, char out[ACCOUNT_FORM_BYTES])
{
    struct directory_entry who = {.kind = DIRECTORY_USER};
    const struct token *token = token_current();
    bool known =
        token != NULL ? of_token(token, &who) : of_session(&who) || directory_login(geteuid(), &who) == DIRECTORY_FOUND;
    if (!known) {
        return ERROR_NONE_MAPPED;
    }
    DWORD error = form_after_asking(&who, format, out);
    bool by_tickets = token == NULL && (format == NameUserPrincipal || format == NameDnsDomain);
    if (error != ERROR_SUCCESS && by_tickets && form_by_tickets(&who, format, out) == ERROR_SUCCESS) {
        error = ERROR_SUCCESS;
    }
    return error;
}

/* ---------------------------------------------------------------- the computer */

static bool computer_of_policy(struct directory_entry *out)
{
    const struct machine_names *machine = NULL;
    if (!policy_get()->domain_member || names_of_this_machine(&machine) < 0 ||
        utf16_utf8_size(machine->netbios_computer) + 2 > sizeof out->user ||
        !put(out->user, sizeof out->user, machine->netbios_computer)) {
        return false;
    }
    size_t size = strlen(out->user);
    out->user[size] = '$';
    out->user[size + 1] = '\0';
    return put(out->domain, sizeof out->domain, machine->netbios_domain) &&
           put(out->dns_domain, sizeof out->dns_domain, machine->dns_domain);
}

/* "HOST$@REALM": the domain by the name that policy has for the realm, else by the realm's own. */
static bool computer_of_keytab(struct directory_entry *out)
{
    const struct package *kerberos = package_find_utf8("Kerberos");
    AUTO_UTF16 name = UTF16_NONE;
    char text[DIRECTORY_UPN];
    bool good = kerberos != NULL && kerberos->machine_account != NULL && policy_get()->kerberos_enabled &&
                kerberos->machine_account(&name) >= 0 && put(text, sizeof text, name);
    const char *sign = good ? strrchr(text, '@') : NULL;
    status_begin();
    if (sign == NULL || sign == text || (size_t)(sign - text) >= sizeof out->user || sign[1] == '\0') {
        return false;
    }
    (void)directory_pair(sign + 1, out);
    (void)snprintf(out->user, sizeof out->user, "%.*s", (int)(sign - text), text);
    return true;
}

DWORD account_computer(EXTENDED_NAME_FORMAT format, char out[ACCOUNT_FORM_BYTES])
{
    struct directory_entry computer = {.kind = DIRECTORY_USER};
    if (!computer_of_policy(&computer) && directory_computer(&computer) != DIRECTORY_FOUND &&
        !computer_of_keytab(&computer)) {
        return ERROR_CANT_ACCESS_DOMAIN_INFO;
    }
    DWORD error = form_after_asking(&computer, format, out);
    return error == ERROR_NO_SUCH_DOMAIN ? ERROR_NONE_MAPPED : error;
}

/* ---------------------------------------------------------------- somebody by name */

static DWORD error_of(enum directory_answer answer)
{
    static const DWORD errors[] = {ERROR_SUCCESS, ERROR_NONE_MAPPED, ERROR_NO_SUCH_DOMAIN};
    return errors[answer];
}

static void of_met(const struct met_names *met, struct directory_entry *out)
{
    *out = (struct directory_entry){.kind = DIRECTORY_USER};
    (void)put(out->user, sizeof out->user, (struct utf16){met->user, met->user_size});
    (void)put(out->domain, sizeof out->domain, (struct utf16){met->domain, met->domain_size});
    (void)put(out->upn, sizeof out->upn, (struct utf16){met->upn, met->upn_size});
    (void)put(out->dns_domain, sizeof out->dns_domain, (struct utf16){met->dns_domain, met->dns_domain_size});
}

/* DOM\user, or DOM\ for the domain. */
static DWORD find_account(struct utf16 name, struct directory_entry *out)
{
    char domain[DIRECTORY_TEXT], user[DIRECTORY_TEXT];
    struct met_names met;
    size_t backslash = utf16_find(name, '\\');
    if (backslash == SIZE_MAX || backslash == 0 || !put(domain, sizeof domain, utf16_head(name, backslash)) ||
        !put(user, sizeof user, utf16_tail(name, backslash + 1))) {
        return ERROR_NONE_MAPPED;
    }
    enum directory_answer answer = directory_find(domain, user, out);
    if (answer != DIRECTORY_FOUND && met_find(utf16_tail(name, backslash + 1), utf16_head(name, backslash), &met)) {
        of_met(&met, out);
        return ERROR_SUCCESS;
    }
    return error_of(answer);
}

static DWORD find_principal(struct utf16 name, struct directory_entry *out)
{
    char upn[DIRECTORY_UPN];
    struct met_names met;
    size_t sign = utf16_find_last(name, '@');
    if (sign == SIZE_MAX || sign == 0 || sign + 1 == utf16_length(name) || !put(upn, sizeof upn, name)) {
        return ERROR_NONE_MAPPED;
    }
    enum directory_answer answer = directory_find_upn(upn, out);
    if (answer == DIRECTORY_FOUND) {
        return ERROR_SUCCESS;
    }
    if (met_find_upn(name, &met) || met_find(utf16_head(name, sign), utf16_tail(name, sign + 1), &met)) {
        of_met(&met, out);
        return ERROR_SUCCESS;
    }
    return error_of(answer);
}

/* dom.example.com/ or, as CanonicalEx, with a newline: the domain.  What is behind it stands in the directory's tree. */
static DWORD find_canonical(struct utf16 name, struct directory_entry *out)
{
    char domain[DIRECTORY_TEXT];
    if (!put(domain, sizeof domain, name)) {
        return ERROR_NONE_MAPPED;
    }
    size_t size = strcspn(domain, "/\n");
    if (size == 0 || size + 1 != strlen(domain)) {
        return ERROR_NONE_MAPPED;
    }
    domain[size] = '\0';
    return error_of(directory_find(domain, "", out));
}

/* DC=dom,DC=example,DC=com: the domain. */
static DWORD find_distinguished(struct utf16 name, struct directory_entry *out)
{
    char text[DIRECTORY_TEXT], domain[DIRECTORY_TEXT] = "";
    char *rest = NULL;
    if (!put(text, sizeof text, name)) {
        return ERROR_NONE_MAPPED;
    }
    for (char *part = strtok_r(text, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        size_t used = strlen(domain);
        part += strspn(part, " ");
        if (strncasecmp(part, "DC=", 3) != 0 || part[3] == '\0') {
            return ERROR_NONE_MAPPED;
        }
        (void)snprintf(domain + used, sizeof domain - used, "%s%s", used != 0 ? "." : "", part + 3);
    }
    return domain[0] != '\0' ? error_of(directory_find(domain, "", out)) : ERROR_NONE_MAPPED;
}

static DWORD find_display(struct utf16 name, struct directory_entry *out)
{
    char display[DIRECTORY_TEXT];
    return put(display, sizeof display, name) ? error_of(directory_find_display(display, out)) : ERROR_NONE_MAPPED;
}

static EXTENDED_NAME_FORMAT form_by_looks(struct utf16 name)
{
    if (utf16_find(name, '\\') != SIZE_MAX) {
        return NameSamCompatible;
    }
    if (utf16_find(name, '@') != SIZE_MAX) {
        return NameUserPrincipal;
    }
    if (utf16_find(name, '=') != SIZE_MAX) {
        return NameFullyQualifiedDN;
    }
    return utf16_find(name, '/') != SIZE_MAX || utf16_find(name, '\n') != SIZE_MAX ? NameCanonical : NameDisplay;
}

static DWORD find(struct utf16 name, EXTENDED_NAME_FORMAT form, struct directory_entry *out)
{
    switch (form == NameUnknown ? form_by_looks(name) : form) {
    case NameSamCompatible:
    case NameDnsDomain:
        return find_account(name, out);
    case NameUserPrincipal:
        return find_principal(name, out);
    case NameDisplay:
        return find_display(name, out);
    case NameCanonical:
    case NameCanonicalEx:
        return find_canonical(name, out);
    case NameFullyQualifiedDN:
        return find_distinguished(name, out);
    default:
        return ERROR_NONE_MAPPED;
    }
}

/* What the client's own domain has said of him goes before what can be made of his other names. */
static void add_what_was_told(struct directory_entry *entry, struct utf16 name)
{
    struct met_names met;
    struct account_name split = names_split_upn(name, UTF16_NONE);
    if (entry->upn[0] == '\0' && entry->kind == DIRECTORY_USER && met_find(split.user, split.domain, &met)) {
        (void)put(entry->upn, sizeof entry->upn, (struct utf16){met.upn, met.upn_size});
    }
}

DWORD account_translate(struct utf16 name, EXTENDED_NAME_FORMAT from, EXTENDED_NAME_FORMAT to,
                        char out[ACCOUNT_FORM_BYTES])
{
    struct directory_entry found;
    DWORD error = find(name, from, &found);
    if (error != ERROR_SUCCESS) {
        return error;
    }
    if (to == NameUserPrincipal) {
        add_what_was_told(&found, name);
    }
    return form_of(&found, to, out);
}

DWORD account_find(struct utf16 name, struct directory_entry *out)
{
    char sid[SID_TEXT_MAX];
    if (put(sid, sizeof sid, name) && strncasecmp(sid, "S-1-", 4) == 0) {
        return error_of(directory_find_sid(sid, out));
    }
    return find(name, NameUnknown, out);
}
