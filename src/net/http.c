/* http.c - libcurl behind http.h. */
#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum {
	TRANSFER_BYTES = HTTP_HEAD_BYTES + TLS_EVIDENCE_BYTES + 32 * 1024,
	OTHERS_MAX = 32,	/* foreign sockets in http_wait() */
	DRAIN_BYTES = 64 * 1024 /* of a body nobody wants, to keep its connection */
};

struct transfer {
	uint32_t id;
	CURL *easy;
	struct http *http;
	struct arena *mem; /* the strings below */
	const char *host;
	uint16_t port;
	char error[CURL_ERROR_SIZE];
	struct curl_slist *fields;
	struct curl_slist *connect_to;
	struct curl_slist *resolve;
	struct buf request;

	struct buf body;
	bool body_always;
	bool body_never;
	size_t head_bytes;
	size_t n_fields;
	size_t drained;
	bool head_done; /* of the final response */
	bool oversized;

	const char *location;
	const char *content_type;
	const char *challenges[HTTP_CHALLENGES_MAX];
	size_t n_challenges;
	struct tls_check check;
	struct tls_evidence tls;

	bool done;
	enum http_failure failure;
	int64_t status;
};

/* What was seen of a host when its connection was made, for requests that use it again. */
struct seen {
	struct seen *next;
	struct arena *mem;
	const char *host;
	uint16_t port;
	struct tls_evidence tls;
};

struct http {
	CURLM *multi;
	struct tls_trust *trust;
	struct transfer *transfers[HTTP_TRANSFERS_MAX];
	struct seen *seen;
};

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

static void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->fields);
	curl_slist_free_all(t->connect_to);
	curl_slist_free_all(t->resolve);
	buf_clear(&t->request);
	buf_clear(&t->body);
	arena_free(t->mem);
	free(t);
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

bool
http_has_proxy(bool https)
{
	/* HTTP_PROXY is not among them: a CGI program's request fields could set it. */
	static const char *const names[2][4] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY" },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
	};

	for (size_t i = 0; i < COUNT_OF(names[0]) && names[https][i] != NULL; i++) {
		const char *value = getenv(names[https][i]);

		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}

/* ---- what arrives ---- */

static void
take_field(struct transfer *t, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = { line.p, colon };
	const char **where = NULL;

	if (colon == line.n)
		return;
	if (slice_is_nocase(name, "Location") && t->location == NULL)
		where = &t->location;
	else if (slice_is_nocase(name, "Content-Type"))
		where = &t->content_type;
	else if (slice_is_nocase(name, "WWW-Authenticate") && t->n_challenges < HTTP_CHALLENGES_MAX)
		where = &t->challenges[t->n_challenges++];
	if (where == NULL)
		return;
	*where = arena_copy(t->mem, slice_trim(slice_skip(line, colon + 1)));
	if (*where == NULL)
		t->oversized = true;
}

static bool
wants_body(const struct transfer *t)
{
	return t->body_always || (t->status == 200 && !t->body_never);
}

/* Only of these is the connection likely to be used again: a login or a redirect to the same host.
 */
static bool
worth_draining(const struct transfer *t)
{
	return !t->body_never && (t->status == 401 || (t->status >= 300 && t->status < 400));
}

static void
begin_head(struct transfer *t)
{
	t->location = NULL;
	t->content_type = NULL;
	t->n_challenges = 0;
	t->head_done = false;
}

static size_t
on_head(char *p, size_t size, size_t n, void *payload)
{
	struct transfer *t = payload;
	struct slice line = slice_trim(slice_from(p, size * n));
	long status = 0;

	t->head_bytes += n;
	t->n_fields++;
	if (t->head_bytes > HTTP_HEAD_BYTES || t->n_fields > HTTP_FIELDS_MAX)
		t->oversized = true;
	else if (slice_starts_nocase(line, SLICE_LITERAL("HTTP/")))
		begin_head(t);
	else if (line.n > 0)
		take_field(t, line);
	if (t->oversized)
		return 0;
	if (line.n > 0)
		return n;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return n;
	t->status = status;
	t->head_done = true;
	return wants_body(t) || worth_draining(t) ? n : 0;
}

static size_t
on_body(char *p, size_t size, size_t n, void *payload)
{
	struct transfer *t = payload;

	n *= size;
	if (!wants_body(t)) {
		t->drained += n;
		return t->drained <= DRAIN_BYTES ? n : 0;
	}
	buf_append(&t->body, p, n);
	if (t->body.status != USHER_OK) {
		t->oversized = true;
		return 0;
	}
	return n;
}

static CURLcode
on_tls(CURL *easy UNUSED, void *context, void *payload)
{
	struct transfer *t = payload;

	return tls_check_install(context, &t->check) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* ---- a request ---- */

static bool
add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = line == NULL ? NULL : curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static const char *
bracketed(struct arena *mem, const char *host)
{
	return strchr(host, ':') == NULL ? host : arena_printf(mem, "[%s]", host);
}

/* Tells libcurl where to connect, so that it resolves nothing itself. A name is given all its
 * addresses, for libcurl to try as RFC 8305 says. */
static bool
set_route(struct transfer *t, const struct http_request *r)
{
	const struct url *url = r->url;
	uint16_t port = r->connect_port == 0 ? url->port : r->connect_port;
	const char *line;

	if (r->addresses.n == 0)
		return true;
	if (url->ip_literal) {
		line = arena_printf(
		    t->mem, "::%s:%u", bracketed(t->mem, r->addresses.v[0]), (unsigned)port);
		return add_line(&t->connect_to, line);
	}
	line = arena_printf(
	    t->mem, "%s:%u:%s:%u", url->host, (unsigned)url->port, url->host, (unsigned)port);
	if (!add_line(&t->connect_to, line))
		return false;
	line = arena_printf(t->mem, "%s:%u:", url->host, (unsigned)port);
	for (size_t i = 0; line != NULL && i < r->addresses.n; i++)
		line = arena_printf(t->mem, "%s%s%s", line, i == 0 ? "" : ",",
		    bracketed(t->mem, r->addresses.v[i]));
	return add_line(&t->resolve, line);
}

static bool
set_fields(struct transfer *t, const struct http_request *r)
{
	bool ok = add_line(&t->fields, "Expect:");

	if (r->body.n > 0)
		ok = ok && add_line(&t->fields,
			       arena_printf(t->mem, "Content-Type: %s", r->content_type));
	for (size_t i = 0; ok && r->fields != NULL && r->fields[i] != NULL; i++)
		ok = add_line(&t->fields, r->fields[i]);
	return ok;
}

static bool
set_text(struct transfer *t, CURLoption option, const char *value)
{
	return curl_easy_setopt(t->easy, option, value) == CURLE_OK;
}

static bool
set_number(struct transfer *t, CURLoption option, long value)
{
	return curl_easy_setopt(t->easy, option, value) == CURLE_OK;
}

static bool
set_pointer(struct transfer *t, CURLoption option, void *value)
{
	return curl_easy_setopt(t->easy, option, value) == CURLE_OK;
}

static bool
set_login(struct transfer *t, const struct http_request *r)
{
	if (r->login == NULL)
		return true;
	return set_number(t, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) &&
	       set_text(t, CURLOPT_USERNAME, r->login) &&
	       set_text(t, CURLOPT_PASSWORD, r->password->n > 0 ? r->password->bytes : "");
}

static bool
set_body(struct transfer *t, const struct http_request *r)
{
	if (r->body.n == 0)
		return true;
	buf_init(&t->request, r->body.n);
	buf_slice(&t->request, r->body);
	return t->request.status == USHER_OK && set_number(t, CURLOPT_POST, 1) &&
	       set_number(t, CURLOPT_POSTFIELDSIZE, (long)t->request.n) &&
	       set_pointer(t, CURLOPT_POSTFIELDS, t->request.p);
}

static bool
set_tls(struct transfer *t, const struct http_request *r)
{
	t->check = (struct tls_check){
		.trust = t->http->trust,
		.host = t->host,
		.mem = t->mem,
		.out = &t->tls,
	};
	if (!r->url->https)
		return true;
	/* Sessions are not resumed: each connection shows its certificate. */
	return set_number(t, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       set_number(t, CURLOPT_SSL_SESSIONID_CACHE, 0) && set_text(t, CURLOPT_CAINFO, NULL) &&
	       set_text(t, CURLOPT_CAPATH, NULL) &&
	       curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
	       set_pointer(t, CURLOPT_SSL_CTX_DATA, t);
}

static bool
set_callbacks(struct transfer *t)
{
	return curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
	       set_pointer(t, CURLOPT_HEADERDATA, t) &&
	       curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       set_pointer(t, CURLOPT_WRITEDATA, t) &&
	       set_pointer(t, CURLOPT_ERRORBUFFER, t->error) && set_pointer(t, CURLOPT_PRIVATE, t);
}

static bool
set_all(struct transfer *t, const struct http_request *r)
{
	return set_fields(t, r) && set_route(t, r) && set_callbacks(t) && set_body(t, r) &&
	       set_login(t, r) && set_tls(t, r) && set_text(t, CURLOPT_URL, r->url->text) &&
	       set_text(t, CURLOPT_PROTOCOLS_STR, r->url->https ? "https" : "http") &&
	       set_text(t, CURLOPT_USERAGENT, "usher/" USHER_VERSION) &&
	       set_number(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       set_number(t, CURLOPT_FOLLOWLOCATION, 0) && set_number(t, CURLOPT_NOSIGNAL, 1) &&
	       set_number(t, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1) &&
	       set_number(t, CURLOPT_PATH_AS_IS, 1) &&
	       curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->body_max) ==
		   CURLE_OK &&
	       set_number(t, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms) &&
	       set_number(t, CURLOPT_TIMEOUT_MS, (long)r->total_ms) &&
	       set_pointer(t, CURLOPT_HTTPHEADER, t->fields) &&
	       set_pointer(t, CURLOPT_CONNECT_TO, t->connect_to) &&
	       set_pointer(t, CURLOPT_RESOLVE, t->resolve);
}

static struct transfer *
transfer_new(struct http *http, uint32_t id, const struct http_request *r)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->id = id;
	t->http = http;
	t->status = NUMBER_ABSENT;
	t->port = r->url->port;
	t->body_always = r->body_always;
	t->body_never = r->body_never;
	tls_evidence_init(&t->tls);
	buf_init(&t->body, r->body_max);
	t->mem = arena_new(TRANSFER_BYTES);
	t->easy = curl_easy_init();
	if (t->mem != NULL)
		t->host = arena_strdup(t->mem, r->url->host);
	if (t->easy == NULL || t->host == NULL || !set_all(t, r)) {
		transfer_free(t);
		return NULL;
	}
	return t;
}

usher_status
http_start(
    struct http *http, uint32_t id, const struct http_request *request, struct usher_error *err)
{
	struct transfer *t;
	size_t at = 0;

	if (request->login != NULL && !request->url->https)
		return err_set(err, USHER_E_TRUST, request->url->text,
		    "no credentials are sent over plain http");
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

/* ---- the end of a request ---- */

static void
remember(struct transfer *t)
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

static enum http_failure
failure_to_connect(const struct transfer *t)
{
	long number = 0;

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
	t->failure = failure;
	/* The status alone is the whole answer unless its body was wanted. */
	if (t->head_done && !wants_body(t) && !t->oversized)
		t->failure = HTTP_OK;
	if (t->failure == HTTP_TLS && t->tls.verdict == TLS_NOT_TRIED)
		t->tls.verdict = TLS_BROKEN;
	if (t->failure == HTTP_TLS && t->tls.verdict == TLS_VERIFIED)
		t->tls.verdict = t->head_done ? TLS_BROKEN : TLS_WRONG_NAME;
}

void
http_stop(struct http *http, uint32_t id)
{
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t == NULL || t->done || t->id != id)
			continue;
		(void)curl_multi_remove_handle(http->multi, t->easy);
		finish(t, HTTP_STOPPED);
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
		finish(t, failure_of(t, code));
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
	if (t->failure == HTTP_OK)
		return NULL;
	return t->error[0] != '\0' ? t->error : NULL;
}

static bool
copy_response(struct arena *mem, const struct transfer *t, struct http_response *out)
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
		.challenges = copy_list(mem, t->challenges, t->n_challenges, &ok),
	};
	copy_evidence(mem, tls, &out->tls, &ok);
	if (t->body.n > 0) {
		out->body = slice_from(arena_copy(mem, buf_as_slice(&t->body)), t->body.n);
		ok = ok && out->body.p != NULL;
	}
	return ok;
}

bool
http_take(struct http *http, struct arena *mem, struct http_response *out)
{
	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t == NULL || !t->done)
			continue;
		if (!copy_response(mem, t, out)) {
			*out = (struct http_response){
				.id = t->id, .failure = HTTP_OVERSIZED, .status = t->status
			};
			tls_evidence_init(&out->tls);
		}
		if (t->tls.verdict == TLS_VERIFIED)
			remember(t);
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
