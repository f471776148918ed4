/* http_auth.c - logging in: the one scheme a request may use, and when its handshake is broken off.
 */
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "net/http_inside.h"
#include "net/negotiate.h"

enum { NTLM_MESSAGE_BYTES = 8 * 1024 };

static bool
knows_ntlm(void)
{
	return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_NTLM) != 0;
}

static const char *
secret_text(const struct http_request *r)
{
	return r->secret != NULL && r->secret->n > 0 ? r->secret->bytes : "";
}

static usher_status
cannot(const struct http_request *r, const char *why, struct usher_error *err)
{
	return err_set(err, USHER_E_CREDENTIALS, r->url->host, "%s is not possible: %s",
	    auth_scheme_name(r->scheme), why);
}

static bool
set_password(struct transfer *t, const struct http_request *r, unsigned long scheme)
{
	return curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)scheme) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_USERNAME, r->login) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PASSWORD, secret_text(r)) == CURLE_OK;
}

/* The connection is logged in afterwards, not the request: nobody else gets it. */
static bool
set_ntlm(struct transfer *t, const struct http_request *r)
{
	return set_password(t, r, CURLAUTH_NTLM) &&
	       curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

static bool
set_token(struct transfer *t, const struct http_request *r)
{
	return curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_XOAUTH2_BEARER, secret_text(r)) == CURLE_OK;
}

bool
auth_can_ntlm(const char *login, const char *password, const char **why)
{
	if (!knows_ntlm())
		*why = "the installed libcurl was built without NTLM";
	/* libcurl widens bytes to UTF-16: the server would see another password. */
	else if (!text_is_ascii(slice_of(login)) || !text_is_ascii(slice_of(password)))
		*why = "libcurl cannot spell a login or password beyond ASCII";
	else
		return true;
	return false;
}

usher_status
auth_add_ticket(
    struct curl_slist **fields, const char *name, const char *host, struct usher_error *err)
{
	struct buf token;
	struct buf line;
	usher_status st;

	buf_init(&token, NEGOTIATE_TOKEN_BYTES);
	buf_init(&line, 2 * NEGOTIATE_TOKEN_BYTES);
	st = negotiate_token(host, &token, err);
	buf_printf(&line, "%s: Negotiate ", name);
	base64_encode(&line, token.p, token.n);
	if (st == USHER_OK &&
	    (line.status != USHER_OK || !transfer_add_line(fields, buf_cstr(&line))))
		st = err_nomem(err, host);
	buf_wipe(&token);
	buf_wipe(&line);
	return st;
}

usher_status
auth_start(struct transfer *t, const struct http_request *r, struct usher_error *err)
{
	const char *why;
	bool done = true;

	t->scheme = r->scheme;
	t->proved = r->scheme != SCHEME_NTLM;
	switch (r->scheme) {
	case SCHEME_BASIC:
		done = set_password(t, r, CURLAUTH_BASIC);
		break;
	case SCHEME_NTLM:
		if (!auth_can_ntlm(r->login, secret_text(r), &why))
			return cannot(r, why, err);
		done = set_ntlm(t, r);
		break;
	case SCHEME_NEGOTIATE:
		/* Our own field, which libcurl adds to the one request and to no proxy's. */
		return auth_add_ticket(&t->fields, "Authorization", r->url->host, err);
	case SCHEME_BEARER:
		done = set_token(t, r);
		break;
	case SCHEME_NONE:
	case SCHEME_OTHER:
		break;
	}
	return done ? USHER_OK : err_nomem(err, r->url->host);
}

/* ---- NTLM ---- */

static uint32_t
le(const char *p, size_t bytes)
{
	uint32_t n = 0;

	for (size_t i = bytes; i-- > 0;)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

/* Whether libcurl answers this CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2) by NTLMv2. Without target
 * information it falls to NTLMv1, from which a hostile server computes the password. */
static bool
calls_for_v2(struct slice message)
{
	enum { FLAGS_AT = 20, INFO_AT = 40, HEAD = 48, HAS_INFO = 0x00800000 };

	if (message.n < HEAD || memcmp(message.p, "NTLMSSP\0\2\0\0", 12) != 0)
		return false;
	return (le(message.p + FLAGS_AT, 4) & HAS_INFO) != 0 && le(message.p + INFO_AT, 2) > 0;
}

const char auth_not_v2[] = "its NTLM is not NTLMv2, which is all that is safe to answer";

bool
auth_is_ntlm_v2(struct slice token)
{
	struct buf message CLEANUP(buf_cleanup);

	buf_init(&message, NTLM_MESSAGE_BYTES);
	return base64_decode(&message, token) && message.status == USHER_OK &&
	       calls_for_v2(buf_as_slice(&message));
}

void
auth_on_challenge(struct transfer *t, struct slice value)
{
	if (t->scheme != SCHEME_NTLM || t->proved ||
	    !slice_starts_nocase(value, SLICE_LITERAL("NTLM ")))
		return;
	t->proved = auth_is_ntlm_v2(slice_trim(slice_skip(value, 5)));
	if (!t->proved)
		t->auth_fault = auth_not_v2;
}

/* The first 401 brings the challenge and the second one is the verdict: libcurl would begin anew,
 * as often as the server likes. */
bool
auth_goes_on(struct transfer *t)
{
	if (t->scheme != SCHEME_NTLM || t->status != 401)
		return true;
	t->refusals++;
	return t->proved && t->refusals == 1;
}

bool
auth_broke_down(const struct transfer *t)
{
	return t->auth_fault != NULL ||
	       (!t->proved && t->scheme != SCHEME_NONE && (!t->head_done || t->status == 401));
}
