/* http.c - libcurl behind http.h: many requests at once. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "net/http_inside.h"

/* ---- sockets and time ---- */

static struct transfer *
transfer_of(CURL *easy)
{
	char *payload = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &payload);
	return (struct transfer *)(void *)payload;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *payload, void *of_socket UNUSED)
{
	static const short events[] = {
		[CURL_POLL_NONE] = 0,
		[CURL_POLL_IN] = POLLIN,
		[CURL_POLL_OUT] = POLLOUT,
		[CURL_POLL_INOUT] = POLLIN | POLLOUT,
		[CURL_POLL_REMOVE] = 0,
	};
	const struct http *http = payload;

	poller_watch(http->poller, POLLER_HTTP, fd, events[what]);
	if (what == CURL_POLL_REMOVE && transfer_of(easy) != NULL)
		transfer_of(easy)->lost_socket = true;
	return 0;
}

static int
on_timer(CURLM *multi UNUSED, long timeout_ms, void *payload)
{
	struct http *http = payload;

	http->wake_ms = timeout_ms < 0 ? UINT64_MAX : clock_mono_ms() + (uint64_t)timeout_ms;
	return 0;
}

static void
act_on(struct http *http, curl_socket_t fd, int what)
{
	int running;
	CURLMcode code = curl_multi_socket_action(http->multi, fd, what, &running);

	if (code != CURLM_OK && http->failed == CURLM_OK)
		http->failed = code;
}

static void
on_ready(void *payload, int fd, short events)
{
	act_on(payload, fd,
	    ((events & POLLIN) != 0 ? CURL_CSELECT_IN : 0) |
		((events & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0));
}

static bool
take_part(struct http *http)
{
	return curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) == CURLM_OK;
}

/* ---- beginning and end ---- */

usher_status
http_new(struct tls_trust *trust, struct poller *poller, struct http **out, struct usher_error *err)
{
	struct http *h;
	const char *tls;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, USHER_E_INTERNAL, "HTTP", "libcurl cannot be set up");
	/* Our check of certificates goes into its TLS connections. */
	tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
	if (tls == NULL || strncmp(tls, "OpenSSL/", 8) != 0) {
		curl_global_cleanup();
		return err_set(err, USHER_E_INTERNAL, "libcurl",
		    "its TLS is %s, and must be OpenSSL: install that build of it",
		    tls == NULL ? "missing" : tls);
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		curl_global_cleanup();
		return err_nomem(err, "HTTP");
	}
	h->trust = trust;
	h->poller = poller;
	h->wake_ms = UINT64_MAX;
	h->multi = curl_multi_init();
	if (h->multi == NULL || !take_part(h)) {
		http_free(h);
		return err_nomem(err, "HTTP");
	}
	poller_join(poller, POLLER_HTTP, on_ready, h);
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
	usher_status st;

	if (request->scheme != SCHEME_NONE && !request->url->https)
		return err_set(err, USHER_E_TRUST, request->url->text,
		    "no credentials are sent over plain http");
	while (at < HTTP_TRANSFERS_MAX && http->transfers[at] != NULL)
		at++;
	if (at == HTTP_TRANSFERS_MAX)
		return err_set(err, USHER_E_LIMIT, request->url->text, "too many requests at once");
	t = transfer_new(http, id, request);
	if (t == NULL)
		return err_nomem(err, request->url->text);
	st = auth_start(t, request, err);
	if (st == USHER_OK && !t->racing && curl_multi_add_handle(http->multi, t->easy) != CURLM_OK)
		st = err_nomem(err, request->url->text);
	if (st != USHER_OK) {
		transfer_free(t);
		return st;
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

static void
collect(struct http *http)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_multi_remove_handle(http->multi, easy);
		transfer_finish(transfer_of(easy), code);
	}
}

/* ---- work ---- */

/* An address that did not answer is given up, and libcurl 7.88 forgets to ask to be called for the
 * next one: it would wait until the time to connect is over. */
static void
go_on_connecting(struct http *http)
{
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];
		curl_off_t connected_us = 0;

		if (t == NULL || t->done || !t->lost_socket)
			continue;
		t->lost_socket = false;
		(void)curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
		if (connected_us > 0)
			continue;
		/* Any change of this state makes libcurl look at the transfer. */
		(void)curl_easy_pause(t->easy, CURLPAUSE_RECV);
		(void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
}

usher_status
http_work(struct http *http, struct usher_error *err)
{
	connect_work(http);
	if (http->wake_ms <= clock_mono_ms()) {
		http->wake_ms = UINT64_MAX; /* unless libcurl says otherwise meanwhile */
		act_on(http, CURL_SOCKET_TIMEOUT, 0);
	}
	collect(http);
	go_on_connecting(http);
	if (http->failed != CURLM_OK)
		return err_set(
		    err, USHER_E_INTERNAL, "HTTP", "%s", curl_multi_strerror(http->failed));
	return USHER_OK;
}

uint64_t
http_wake_ms(const struct http *http)
{
	uint64_t connect_ms = connect_wake_ms(http);

	return connect_ms < http->wake_ms ? connect_ms : http->wake_ms;
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

static usher_status
wait_and_work(struct http *http, struct usher_error *err)
{
	struct pollfd ready = { .fd = poller_fd(http->poller), .events = POLLIN };
	usher_status st;

	poller_wake_at(http->poller, http_wake_ms(http));
	(void)poll(&ready, 1, -1); /* a signal is no harm */
	st = poller_dispatch(http->poller, err);
	return st == USHER_OK ? http_work(http, err) : st;
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
	struct poller *poller;
	struct http *http;
	usher_status st;

	if (url->https && trust == NULL)
		return err_set(err, USHER_E_USAGE, url->text, "https needs roots to trust");
	st = poller_new(&poller, err);
	if (st != USHER_OK)
		return st;
	st = http_new(trust, poller, &http, err);
	if (st == USHER_OK) {
		st = http_start(http, 1, &request, err);
		while (st == USHER_OK && !http_take(http, mem, out))
			st = wait_and_work(http, err);
		http_free(http);
	}
	poller_free(poller);
	return st;
}
