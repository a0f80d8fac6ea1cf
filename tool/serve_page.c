#include "page.h"
#include "serve.h"

void serve_page_welcome(FILE *out, const struct server *server, const struct visitor *visitor)
{
    page_begin(out, server->realm);
    fputs("<p class=\"soft\">", out);
    page_text(out, server->realm);
    fputs("</p>\n<h1>You are ", out);
    page_text(out, visitor->user);
    fputs("</h1>\n<p>This connection was signed in by ", out);
    page_text(out, facts_get(visitor->facts, "package"));
    fputs(". Your password did not travel.</p>\n<h2>What the server knows about you</h2>\n<section class=\"card\">\n",
          out);
    page_facts(out, visitor->facts);
    fputs("</section>\n", out);
    if (visitor->tls != NULL) {
        AUTO_FACTS tls = tls_facts(visitor->tls);
        fputs("<h2>The connection</h2>\n<section class=\"card\">\n", out);
        page_facts(out, tls);
        fputs("</section>\n", out);
    }
    fputs("<h2>The exchange that let you in</h2>\n", out);
    page_exchange(out, &visitor->exchange, false);
    page_end(out);
}

void serve_page_closed(FILE *out, const struct server *server, bool tried)
{
    page_begin(out, server->realm);
    fputs("<p class=\"soft\">", out);
    page_text(out, server->realm);
    fprintf(out, "</p>\n<h1>%s</h1>\n<section class=\"card\">\n<p>This server wants to know who you are, by ",
            tried ? "That did not let you in" : "Sign in, please");
    for (size_t i = 0; i < server->offer_count; i++) {
        fputs(i == 0 ? "" : " or ", out);
        page_text(out, server->offers[i].scheme->name);
    }
    fputs(".</p>\n<p class=\"soft\">From a shell: <code>curl --ntlm -u 'DOMAIN\\user' URL</code> or "
          "<code>sspi get --user 'DOMAIN\\user' URL</code></p>\n</section>\n",
          out);
    page_end(out);
}

struct json_object *serve_welcome_facts(const struct visitor *visitor)
{
    struct json_object *facts = facts_new();
    facts_text(facts, "user", visitor->user);
    facts_text(facts, "scheme", visitor->offer->scheme->name);
    facts_add(facts, "context", json_object_get(visitor->facts));
    if (visitor->tls != NULL) {
        facts_add(facts, "tls", tls_facts(visitor->tls));
    }
    facts_add(facts, "exchange", exchange_facts(&visitor->exchange, false));
    return facts;
}
