/* http_response.c - what a request came to: failure, fields, body, and the connection's evidence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/http_inside.h"

/* ---- connections used again ---- */

void
transfer_remember(struct transfer *t)
{
	struct seen *s = arena_zalloc(t->mem, sizeof(*s));

	/* The arena goes with it: the evidence lies there. */
	if (s == NULL)
		return;
	*s = (struct seen){
		.next = t->http->seen,
		.mem = t->mem,
		.host = t->host,
		.port = t->port,
		.tls = t->tls,
	};
	t->http->seen = s;
	t->mem = NULL;
}

static const struct tls_evidence *
recall(const struct transfer *t)
{
	for (const struct seen *s = t->http->seen; s != NULL; s = s->next) {
		if (s->port == t->port && strcmp(s->host, t->host) == 0)
			return &s->tls;
	}
	return NULL;
}

/* ---- success and failure ---- */

static enum http_failure
failure_to_connect(const struct transfer *t)
{
	long number = t->race.error;

	if (number == 0)
		(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	switch (number) {
	case ETIMEDOUT:
		return HTTP_TIMED_OUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case ENETDOWN:
	case EAFNOSUPPORT:
		return HTTP_UNREACHABLE;
	default:
		return HTTP_REFUSED;
	}
}

/* For libcurl, a line of the head that is too long is a lack of memory. */
static bool
has_begun(const struct transfer *t)
{
	curl_off_t first_byte_us = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us);
	return first_byte_us > 0;
}

static enum http_failure
failure_of(const struct transfer *t, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_OK;
	case CURLE_COULDNT_CONNECT:
		return failure_to_connect(t);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_UNRESOLVED;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMED_OUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return HTTP_TLS;
	case CURLE_FILESIZE_EXCEEDED:
		return HTTP_OVERSIZED;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_HTTP2:
		return HTTP_NOT_HTTP;
	case CURLE_OUT_OF_MEMORY:
		return has_begun(t) ? HTTP_OVERSIZED : HTTP_INTERNAL;
	case CURLE_FAILED_INIT:
		return HTTP_INTERNAL;
	default:
		return t->oversized ? HTTP_OVERSIZED : HTTP_BROKEN_OFF;
	}
}

static void
finish(struct transfer *t, enum http_failure failure)
{
	t->done = true;
	t->racing = false;
	race_end(&t->race);
	t->failure = failure;
	/* The status alone is the whole answer unless its body was wanted. */
	if (t->head_done && !transfer_wants_body(t) && !t->oversized && failure != HTTP_PROXY)
		t->failure = HTTP_OK;
	if ((t->failure == HTTP_OK || t->failure == HTTP_BROKEN_OFF) && auth_broke_down(t))
		t->failure = HTTP_NO_LOGIN;
}

/* Who asked for a certificate of ours and then breaks off does so for want of it: in TLS 1.3 the
 * handshake is over for us by then. */
static bool
lacks_certificate(const struct transfer *t, enum http_failure failure)
{
	return t->check.wants_certificate && !t->head_done &&
	       (failure == HTTP_TLS || failure == HTTP_BROKEN_OFF);
}

void
transfer_finish(struct transfer *t, CURLcode code)
{
	enum http_failure failure = proxy_failure(t, code, failure_of(t, code));
	bool verified = t->tls.verdict == TLS_VERIFIED;

	if (lacks_certificate(t, failure)) {
		failure = HTTP_TLS;
		(void)snprintf(t->error, sizeof(t->error), "it wants a certificate of ours");
	}
	/* libcurl compares the name once more, in its own way. */
	if (failure == HTTP_TLS && verified && code == CURLE_PEER_FAILED_VERIFICATION)
		t->tls.verdict = TLS_WRONG_NAME;
	else if (failure == HTTP_TLS && (verified || t->tls.verdict == TLS_NOT_TRIED))
		t->tls.verdict = TLS_BROKEN;
	finish(t, failure);
}

void
transfer_stop(struct transfer *t)
{
	finish(t, HTTP_STOPPED);
}

/* ---- results ---- */

static const char *
copy_text(struct arena *mem, const char *text, bool *ok)
{
	const char *copy = arena_strdup(mem, text);

	if (text != NULL && copy == NULL)
		*ok = false;
	return copy;
}

static struct text_list
copy_list(struct arena *mem, const char *const *v, size_t n, bool *ok)
{
	const char **copy = arena_array(mem, n, sizeof(*copy));

	if (copy == NULL) {
		*ok = false;
		return (struct text_list){ NULL, 0 };
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = copy_text(mem, v[i], ok);
	return (struct text_list){ copy, *ok ? n : 0 };
}

static void
copy_evidence(struct arena *mem, const struct tls_evidence *from, struct tls_evidence *to, bool *ok)
{
	*to = *from;
	to->subject = copy_text(mem, from->subject, ok);
	to->issuer = copy_text(mem, from->issuer, ok);
	to->detail = copy_text(mem, from->detail, ok);
	to->names = copy_list(mem, from->names.v, from->names.n, ok);
}

static const char *
detail_of(const struct transfer *t)
{
	switch (t->failure) {
	case HTTP_UNRESOLVED:
	case HTTP_BROKEN_OFF:
	case HTTP_TLS:
	case HTTP_NOT_HTTP:
	case HTTP_INTERNAL:
		return t->error[0] != '\0' ? t->error : NULL;
	case HTTP_NO_LOGIN:
		return t->auth_fault != NULL ? t->auth_fault : "it does not go through with NTLM";
	case HTTP_PROXY:
	case HTTP_UNREACHABLE:
		return t->proxy_fault;
	default: /* libcurl's words would only say it again */
		return NULL;
	}
}

bool
transfer_response(struct arena *mem, const struct transfer *t, struct http_response *out)
{
	const struct tls_evidence *tls = &t->tls;
	bool ok = true;

	if (tls->verdict == TLS_NOT_TRIED && t->head_done && recall(t) != NULL)
		tls = recall(t);
	*out = (struct http_response){
		.id = t->id,
		.failure = t->failure,
		.status = t->status,
		.detail = copy_text(mem, detail_of(t), &ok),
		.location = copy_text(mem, t->location, &ok),
		.content_type = copy_text(mem, t->content_type, &ok),
		.offers_soap = t->offers_soap,
		.challenges = copy_list(mem, t->challenges, t->n_challenges, &ok),
	};
	copy_evidence(mem, tls, &out->tls, &ok);
	if (t->body.n > 0) {
		out->body = slice_from(arena_copy(mem, buf_as_slice(&t->body)), t->body.n);
		ok = ok && out->body.p != NULL;
	}
	return ok;
}
