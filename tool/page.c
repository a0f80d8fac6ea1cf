#include "page.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "terminal.h"

#include "sspi_ext.h"

static const char style[] =
    ":root{--ground:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5c6878;--line:#dfe4ea;--client:#0b6bcb;"
    "--server:#8a3ffc;--good:#137a3f;--bad:#b3261e;--odd:#8a5a00}"
    "@media(prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1a2029;--ink:#e6eaf0;--soft:#9aa7b8;"
    "--line:#2c3541;--client:#5db0ff;--server:#be95ff;--good:#5fd08f;--bad:#ff8a80;--odd:#e9b44c}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:56rem;margin:0 auto;padding:2.5rem 1.25rem}"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .6rem;overflow-wrap:anywhere}"
    "h2{font-size:1.05rem;margin:2rem 0 .75rem}"
    "p{margin:.25rem 0}.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.25rem 1.5rem}"
    "dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.25rem;margin:0}"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}dd dl{margin:.2rem 0}"
    ".odd{color:var(--odd);margin:.35rem 0 0;padding-left:1.1rem}"
    ".ends{display:flex;justify-content:space-between;font-weight:600;padding:0 .25rem .4rem}"
    ".ends span:first-child{color:var(--client)}.ends span:last-child{color:var(--server)}"
    ".ladder{border-left:2px solid var(--client);border-right:2px solid var(--server);padding:.5rem 0}"
    ".leg{padding:.45rem 1rem}.arrow{display:flex;align-items:center;gap:.6rem;font-variant-numeric:tabular-nums}"
    ".arrow b{white-space:nowrap}.arrow i{flex:1;height:2px;background:currentColor;position:relative;min-width:1rem}"
    ".arrow i::after{content:'';position:absolute;top:-4px;border:5px solid transparent}"
    ".up{color:var(--client)}.up i::after{right:-5px;border-left-color:currentColor}"
    ".down{color:var(--server)}.down i::after{left:-5px;border-right-color:currentColor}"
    ".says{margin:.1rem 0 0;overflow-wrap:anywhere}"
    "summary{cursor:pointer;color:var(--soft);font-size:.875rem}details dl{font-size:.875rem;margin:.5rem 0}"
    "code{font:.9em ui-monospace,monospace}footer{color:var(--soft);font-size:.8125rem;margin-top:2.5rem}";

void page_text(FILE *out, const char *text)
{
    char *escaped = need(evhttp_htmlescape(text));
    for (const char *at = escaped; *at != '\0'; at++) { /* controls have no place in HTML text */
        unsigned char c = (unsigned char)*at;
        fputc((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F ? ' ' : *at, out);
    }
    free(escaped);
}

void page_begin(FILE *out, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          out);
    page_text(out, title);
    fprintf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", style);
}

void page_end(FILE *out)
{
    fprintf(out, "<footer>OpenSSPI %s</footer>\n</main>\n</body>\n</html>\n", SspiExtVersion());
}

static void page_name(FILE *out, const char *name)
{
    for (const char *at = name; *at != '\0'; at++) { /* our own literals, but for "unknown_N" */
        fputc(*at == '_' ? ' ' : *at, out);
    }
}

static void page_odd(FILE *out, struct json_object *odd)
{
    if (json_object_array_length(odd) == 0) {
        return;
    }
    fputs("<ul class=\"odd\">", out);
    for (size_t i = 0; i < json_object_array_length(odd); i++) {
        fputs("<li>", out);
        page_text(out, json_object_get_string(json_object_array_get_idx(odd, i)));
        fputs("</li>", out);
    }
    fputs("</ul>\n", out);
}

static void page_value(FILE *out, struct json_object *value)
{
    const char *text = json_object_get_string(value);
    switch (json_object_get_type(value)) {
    case json_type_object:
        page_facts(out, value);
        break;
    case json_type_boolean:
        fputs(json_object_get_boolean(value) ? "yes" : "no", out);
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            fputs(i > 0 ? ", " : "", out);
            page_value(out, json_object_array_get_idx(value, i));
        }
        fputs(json_object_array_length(value) == 0 ? "none" : "", out);
        break;
    default:
        if (text[0] == '\0') {
            fputs("<span class=\"soft\">empty</span>", out);
        } else {
            page_text(out, text);
        }
        break;
    }
}

void page_facts(FILE *out, struct json_object *facts)
{
    fputs("<dl>\n", out);
    json_object_object_foreach(facts, name, value)
    {
        if (strcmp(name, "odd") != 0 && !facts_hidden(name)) {
            fputs("<dt>", out);
            page_name(out, name);
            fputs("</dt><dd>", out);
            page_value(out, value);
            fputs("</dd>\n", out);
        }
    }
    fputs("</dl>\n", out);
}

static void page_status(FILE *out, const struct leg *leg)
{
    char number[11];
    if (leg->has_status) {
        fprintf(out, "<span class=\"%s\">", leg->status < 0 ? "bad" : leg->status == SEC_E_OK ? "good" : "soft");
        page_text(out, status_text(leg->status, number));
        fputs("</span> ", out);
    }
    if (leg->nanoseconds > 0) {
        fprintf(out, "<span class=\"soft\">%.3f ms</span>", (double)leg->nanoseconds / 1e6);
    }
}

static void page_leg(FILE *out, const struct leg *leg, bool reveal)
{
    AUTO_FACTS facts = explain_token(leg->token, reveal);
    struct json_object *odd = NULL;
    fputs("<div class=\"leg\">\n", out);
    if (leg->token.size > 0) {
        fprintf(out, "<div class=\"arrow %s\"><b>", leg->from_client ? "up" : "down");
        page_text(out, facts_get(facts, "message"));
        fprintf(out, "</b><i></i><span>%zu bytes</span></div>\n", leg->token.size);
    }
    if (leg->note != NULL) {
        fputs("<p class=\"says soft\"><code>", out);
        page_text(out, leg->note);
        fputs("</code></p>\n", out);
    }
    if (leg->token.size > 0) {
        fputs("<p class=\"says\">", out);
        page_text(out, facts_get(facts, "says"));
        fputs("</p>\n", out);
    }
    fputs("<p class=\"says\">", out);
    page_status(out, leg);
    fputs("</p>\n", out);
    if (json_object_object_get_ex(facts, "odd", &odd)) {
        page_odd(out, odd);
    }
    if (leg->token.size > 0) {
        fputs("<details><summary>every field</summary>\n", out);
        page_facts(out, facts);
        fputs("</details>\n", out);
    }
    fputs("</div>\n", out);
}

void page_exchange(FILE *out, const struct exchange *exchange, bool reveal)
{
    AUTO_FACTS odd = explain_odd(exchange);
    fputs("<section class=\"card\">\n<div class=\"ends\"><span>client</span><span>server</span></div>\n"
          "<div class=\"ladder\">\n",
          out);
    for (size_t i = 0; i < exchange->count; i++) {
        page_leg(out, &exchange->legs[i], reveal);
    }
    fputs("</div>\n", out);
    page_odd(out, odd);
    fputs("</section>\n", out);
}
