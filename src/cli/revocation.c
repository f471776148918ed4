/* revocation.c - asks a certificate's authority whether it has revoked it. */
#include "cli/revocation.h"

#include "base/err.h"
#include "base/url.h"
#include "cert/ocsp.h"
#include "net/http.h"

/* The response's body, or why there is none. */
static usher_status
fetch(struct arena *mem, const char *text, uint64_t timeout_ms, struct slice *out,
    struct usher_error *why)
{
	struct http_response response;
	struct url url;
	usher_status st = url_parse(mem, slice_of(text), &url, why);

	if (st == USHER_OK)
		st = http_get(NULL, mem, &url, OCSP_RESPONSE_BYTES, timeout_ms, &response, why);
	if (st != USHER_OK)
		return st;
	if (response.failure != HTTP_OK)
		return err_set(why, USHER_E_NETWORK, url.host, "%s", response.detail);
	if (response.status != 200)
		return err_set(
		    why, USHER_E_PEER, url.host, "answers HTTP %lld", (long long)response.status);
	*out = response.body;
	return USHER_OK;
}

usher_status
revocation_ask(struct arena *mem, struct slice chain_pem, const struct trust *trust, int64_t now_s,
    uint64_t timeout_ms, enum revocation *out, const char **trouble, struct usher_error *err)
{
	struct ocsp_question question = { 0 };
	struct ocsp_answer answer = { 0 };
	struct usher_error why = { 0 };
	struct slice body = { 0 };
	usher_status st = ocsp_ask(mem, chain_pem, trust, &question, &why);

	*trouble = NULL;
	*out = REVOCATION_UNASKED;
	if (st == USHER_OK && question.url == NULL)
		return USHER_OK;
	if (st == USHER_OK)
		st = fetch(mem, question.url, timeout_ms, &body, &why);
	if (st == USHER_OK)
		st = ocsp_read(slice_of(question.pair), body, now_s, &answer, &why);
	if (st == USHER_OK && answer.state != OCSP_UNKNOWN) {
		*out = answer.state == OCSP_REVOKED ? REVOCATION_REVOKED : REVOCATION_GOOD;
		return USHER_OK;
	}
	*out = REVOCATION_FAILED;
	if (st == USHER_OK)
		*trouble = "its authority has never heard of it";
	else
		*trouble = why.where[0] == '\0' ? arena_strdup(mem, why.message) :
						  arena_join(mem, why.where, ": ", why.message);
	return st == USHER_E_NOMEM || *trouble == NULL ? err_nomem(err, "revocation") : USHER_OK;
}
