/* pacc.c - PACC's document: members in the order of their names, no blank, no line end. */
#include "wire/pacc.h"

#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "wire/autoconfig.h"

enum { NAME_CHARACTERS = 60, SHORT_NAME_CHARACTERS = 20 };

/* Both names of submission: drafts differ, and readers pass over what they do not know. */
static const struct row {
	const char *name;
	enum protocol_kind kind;
	int64_t port; /* 0: reached by URL */
} rows[] = {
	{ "caldav", PROTOCOL_CALDAV, 0 },
	{ "carddav", PROTOCOL_CARDDAV, 0 },
	{ "imap", PROTOCOL_IMAP, 993 },
	{ "jmap", PROTOCOL_JMAP, 0 },
	{ "pop3", PROTOCOL_POP3, 995 },
	{ "smtp", PROTOCOL_SMTP, 465 },
	{ "submit", PROTOCOL_SMTP, 465 },
	{ "webdav", PROTOCOL_WEBDAV, 0 },
};

/* https, usual port; the address of DAV is more than a host. URLs of the directory are canonical:
 * the usual port is not written. */
static bool
is_plain_url(struct slice url, bool bare)
{
	static const struct slice https = SLICE_LITERAL("https://");
	struct slice rest = slice_skip(url, https.n);
	size_t host = slice_find(rest, '/');

	return slice_starts(url, https) && slice_find(slice_from(rest.p, host), ':') == host &&
	       (bare || rest.n > host + 1);
}

bool
pacc_has_words(const struct answer_protocol *p)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((int)rows[i].kind != p->kind)
			continue;
		if (rows[i].port == 0)
			return is_plain_url(slice_of(p->url), p->kind == PROTOCOL_JMAP);
		return p->server != NULL && p->port == rows[i].port &&
		       slice_is_nocase(slice_of(p->encryption), "SSL");
	}
	return false;
}

/* ---- what is told ---- */

static bool
takes_password(const struct answer_protocol *p)
{
	return answer_protocol_takes(p, "password") ||
	       answer_protocol_takes(p, "password-encrypted");
}

static bool
any_takes_password(const struct answer *a)
{
	for (size_t i = 0; i < a->n_protocols; i++)
		if (pacc_has_words(&a->protocols[i]) && takes_password(&a->protocols[i]))
			return true;
	return false;
}

/* The document says once for all servers how to log in: where some take a password, those that do
 * not are left out. */
static const struct answer_protocol *
told_as(const struct answer *a, enum protocol_kind kind)
{
	bool password = any_takes_password(a);

	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (p->kind == (int)kind && pacc_has_words(p) &&
		    (password ? takes_password(p) :
				a->oauth_issuer != NULL && answer_protocol_takes(p, "oauth2")))
			return p;
	}
	return NULL;
}

/* It takes a token too: perhaps by another entry for the same server. */
static bool
takes_token(const struct answer *a, const struct answer_protocol *told)
{
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (p->kind == told->kind && text_same(p->server, told->server) &&
		    text_same(p->url, told->url) && pacc_has_words(p) &&
		    answer_protocol_takes(p, "oauth2"))
			return true;
	}
	return false;
}

static bool
all_take_tokens(const struct answer *a)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct answer_protocol *p = told_as(a, rows[i].kind);

		if (p != NULL && !takes_token(a, p))
			return false;
	}
	return a->oauth_issuer != NULL;
}

static bool
is_address(const char *login)
{
	return login == NULL || strcmp(login, AUTOCONFIG_ADDRESS) == 0 ||
	       strcmp(login, AUTOCONFIG_LOCAL_PART "@" AUTOCONFIG_DOMAIN) == 0;
}

usher_status
pacc_check(const struct answer *a, struct usher_error *err)
{
	bool any = false;

	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (pacc_has_words(p) && !is_address(p->login_name))
			return err_set(err, USHER_E_INPUT, "PACC",
			    "users log in with another name than their address: %s", p->login_name);
	}
	for (size_t i = 0; !any && i < COUNT_OF(rows); i++)
		any = told_as(a, rows[i].kind) != NULL;
	if (!any)
		return err_set(err, USHER_E_INPUT, "PACC",
		    "there is no server with TLS from the first byte on its usual port, or with an "
		    "https URL, that takes a password or an OAuth2 token");
	return USHER_OK;
}

/* ---- writing ---- */

/* Without control characters and double blanks, and cut. */
static void
put_name(struct buf *out, const char *text, size_t characters)
{
	CLEANUP(buf_cleanup) struct buf plain = { .max = PACC_BYTES };
	struct slice rest = slice_trim(slice_of(text));
	bool after_gap = false;

	while (rest.n > 0 && characters > 0) {
		size_t n = text_utf8_take(rest);
		bool gap = (unsigned char)rest.p[0] <= ' ' || rest.p[0] == 0x7f;

		if (n == 0)
			n = 1; /* json_quote() marks it */
		if (!gap || !after_gap) {
			buf_append(&plain, gap ? " " : rest.p, n);
			characters--;
		}
		after_gap = gap;
		rest = slice_skip(rest, n);
	}
	if (plain.status != USHER_OK)
		out->status = plain.status;
	json_quote(out, slice_trim(buf_as_slice(&plain)));
}

static size_t
characters_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
put_authentication(struct buf *out, const struct answer *a)
{
	bool token = all_take_tokens(a);

	buf_text(out, "\"authentication\":{");
	if (token) {
		buf_text(out, "\"oauth-public\":{\"issuer\":\"https://");
		url_escape(out, slice_of(a->oauth_issuer));
		buf_text(out, "/\"},");
	}
	buf_printf(out, "\"password\":%s}", any_takes_password(a) ? "true" : "false");
}

static void
put_help(struct buf *out, const struct answer *a)
{
	bool both = a->provider_contact != NULL && a->n_documentation > 0;

	buf_text(out, "\"help\":{");
	if (a->provider_contact != NULL) {
		buf_text(out, "\"contact\":[\"");
		url_mailto(out, a->provider_contact);
		buf_text(out, "\"]");
	}
	buf_text(out, both ? "," : "");
	if (a->n_documentation > 0) {
		buf_text(out, "\"documentation\":");
		json_quote(out, slice_of(a->documentation[0].url));
	}
	buf_text(out, "},");
}

static void
put_info(struct buf *out, const struct answer *a)
{
	const char *short_name = a->provider_short_name;

	buf_text(out, ",\"info\":{");
	if (a->provider_contact != NULL || a->n_documentation > 0)
		put_help(out, a);
	buf_text(out, "\"provider\":{\"name\":");
	put_name(out, a->provider_name, NAME_CHARACTERS);
	if (short_name != NULL && !text_same(short_name, a->provider_name) &&
	    characters_of(short_name) <= SHORT_NAME_CHARACTERS) {
		buf_text(out, ",\"shortName\":");
		put_name(out, short_name, SHORT_NAME_CHARACTERS);
	}
	buf_text(out, "}}");
}

static void
put_protocols(struct buf *out, const struct answer *a)
{
	const char *before = "";

	buf_text(out, ",\"protocols\":{");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct answer_protocol *p = told_as(a, rows[i].kind);

		if (p == NULL)
			continue;
		buf_printf(out, "%s\"%s\":{\"%s\":", before, rows[i].name,
		    rows[i].port == 0 ? "url" : "host");
		json_quote(out, slice_of(rows[i].port == 0 ? p->url : p->server));
		buf_char(out, '}');
		before = ",";
	}
	buf_char(out, '}');
}

void
pacc_write(struct buf *out, const struct answer *a)
{
	buf_char(out, '{');
	put_authentication(out, a);
	put_info(out, a);
	put_protocols(out, a);
	buf_char(out, '}');
}

void
pacc_txt(struct buf *out, struct slice document)
{
	unsigned char digest[SHA256_BYTES];

	if (!sha256(document, digest)) {
		out->status = USHER_E_NOMEM;
		return;
	}
	buf_text(out, "v=UAAC1; a=sha256; d=");
	base64_encode(out, digest, sizeof(digest));
}
