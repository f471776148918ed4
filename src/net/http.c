/* http.c - libcurl behind http.h: many requests at once. */
#include <stdlib.h>

#include "base/err.h"
#include "net/http_inside.h"

enum { OTHERS_MAX = 32 }; /* foreign sockets in http_wait() */

/* ---- beginning and end ---- */

usher_status
http_new(struct tls_trust *trust, struct http **out, struct usher_error *err)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, USHER_E_INTERNAL, "HTTP", "libcurl cannot be set up");
	h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->multi = curl_multi_init();
	if (h == NULL || h->multi == NULL) {
		free(h);
		curl_global_cleanup();
		return err_nomem(err, "HTTP");
	}
	h->trust = trust;
	*out = h;
	return USHER_OK;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t != NULL && !t->done)
			(void)curl_multi_remove_handle(http->multi, t->easy);
		transfer_free(t);
	}
	(void)curl_multi_cleanup(http->multi);
	while (http->seen != NULL) {
		struct seen *next = http->seen->next;

		arena_free(http->seen->mem);
		http->seen = next;
	}
	free(http);
	curl_global_cleanup();
}

/* ---- requests ---- */

usher_status
http_start(
    struct http *http, uint32_t id, const struct http_request *request, struct usher_error *err)
{
	struct transfer *t;
	size_t at = 0;

	if (request->scheme != SCHEME_NONE && !request->url->https)
		return err_set(err, USHER_E_TRUST, request->url->text,
		    "no credentials are sent over plain http");
	if (!auth_possible(request, err))
		return USHER_E_CREDENTIALS;
	while (at < HTTP_TRANSFERS_MAX && http->transfers[at] != NULL)
		at++;
	if (at == HTTP_TRANSFERS_MAX)
		return err_set(err, USHER_E_LIMIT, request->url->text, "too many requests at once");
	t = transfer_new(http, id, request);
	if (t == NULL)
		return err_nomem(err, request->url->text);
	if (curl_multi_add_handle(http->multi, t->easy) != CURLM_OK) {
		transfer_free(t);
		return err_nomem(err, request->url->text);
	}
	http->transfers[at] = t;
	return USHER_OK;
}

void
http_stop(struct http *http, uint32_t id)
{
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t == NULL || t->done || t->id != id)
			continue;
		(void)curl_multi_remove_handle(http->multi, t->easy);
		transfer_stop(t);
	}
}

static bool
collect(struct http *http)
{
	bool any = false;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		CURLcode code = msg->data.result;
		char *payload = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &payload);
		(void)curl_multi_remove_handle(http->multi, easy);
		struct transfer *t = (struct transfer *)(void *)payload;
		transfer_finish(t, code);
		any = true;
	}
	return any;
}

static void
prepare_others(struct curl_waitfd *w, struct pollfd *others, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w[i] = (struct curl_waitfd){ .fd = others[i].fd };
		if (others[i].events & POLLIN)
			w[i].events |= CURL_WAIT_POLLIN;
		if (others[i].events & POLLOUT)
			w[i].events |= CURL_WAIT_POLLOUT;
		others[i].revents = 0;
	}
}

static void
report_others(const struct curl_waitfd *w, struct pollfd *others, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (w[i].revents & CURL_WAIT_POLLIN)
			others[i].revents |= POLLIN;
		if (w[i].revents & CURL_WAIT_POLLOUT)
			others[i].revents |= POLLOUT;
	}
}

usher_status
http_wait(
    struct http *http, struct pollfd *others, size_t n, int timeout_ms, struct usher_error *err)
{
	struct curl_waitfd w[OTHERS_MAX];
	CURLMcode code;
	int running;

	if (n > OTHERS_MAX)
		n = OTHERS_MAX;
	prepare_others(w, others, n);
	code = curl_multi_perform(http->multi, &running);
	if (code == CURLM_OK && collect(http))
		return USHER_OK;
	if (code == CURLM_OK)
		code = curl_multi_poll(http->multi, w, (unsigned)n, timeout_ms, NULL);
	if (code == CURLM_OK)
		code = curl_multi_perform(http->multi, &running);
	if (code != CURLM_OK)
		return err_set(err, USHER_E_INTERNAL, "HTTP", "%s", curl_multi_strerror(code));
	report_others(w, others, n);
	(void)collect(http);
	return USHER_OK;
}

/* ---- results ---- */

bool
http_take(struct http *http, struct arena *mem, struct http_response *out)
{
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t == NULL || !t->done)
			continue;
		if (!transfer_response(mem, t, out)) {
			*out = (struct http_response){
				.id = t->id, .failure = HTTP_OVERSIZED, .status = t->status
			};
			tls_evidence_init(&out->tls);
		}
		if (t->tls.verdict == TLS_VERIFIED)
			transfer_remember(t);
		http->transfers[i] = NULL;
		transfer_free(t);
		return true;
	}
	return false;
}

usher_status
http_get(struct tls_trust *trust, struct arena *mem, const struct url *url, size_t body_max,
    uint64_t timeout_ms, struct http_response *out, struct usher_error *err)
{
	struct http_request request = {
		.url = url,
		.body_max = body_max,
		.body_always = true,
		.connect_ms = timeout_ms,
		.total_ms = timeout_ms,
	};
	struct http *http;
	usher_status st;

	if (url->https && trust == NULL)
		return err_set(err, USHER_E_USAGE, url->text, "https needs roots to trust");
	st = http_new(trust, &http, err);
	if (st != USHER_OK)
		return st;
	st = http_start(http, 1, &request, err);
	while (st == USHER_OK && !http_take(http, mem, out))
		st = http_wait(http, NULL, 0, (int)timeout_ms, err);
	http_free(http);
	return st;
}
