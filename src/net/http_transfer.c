/* http_transfer.c - one request on its way: what libcurl is told, and what it hands over. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "net/http_inside.h"

enum {
	TRANSFER_BYTES = HTTP_HEAD_BYTES + TLS_EVIDENCE_BYTES + 32 * 1024,
	DRAIN_BYTES = 64 * 1024 /* of a body nobody wants, to keep its connection */
};

/* ---- what arrives ---- */

static void
take_field(struct transfer *t, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = { line.p, colon };
	const char **where = NULL;

	if (colon == line.n)
		return;
	t->offers_soap = t->offers_soap || slice_is_nocase(name, "X-SOAP-Enabled");
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
	else if (slice_is_nocase(name, "WWW-Authenticate"))
		auth_on_challenge(t, slice_of(*where));
}

bool
transfer_wants_body(const struct transfer *t)
{
	return t->body_always || (t->status == 200 && !t->body_never) ||
	       (t->status == 500 && t->body_of_500);
}

/* Only of these is the connection likely to be used again: a login, here or at the proxy, or a
 * redirect to the same host. */
static bool
worth_draining(const struct transfer *t)
{
	if (t->proxied && t->status == 407)
		return true;
	return !t->body_never && (t->status == 401 || (t->status >= 300 && t->status < 400));
}

static void
begin_head(struct transfer *t)
{
	t->location = NULL;
	t->content_type = NULL;
	t->n_challenges = 0;
	t->offers_soap = false;
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
	else if (proxy_takes_line(t, line))
		return t->proxy_fault == NULL ? n : 0;
	else if (slice_starts_nocase(line, SLICE_LITERAL("HTTP/")))
		begin_head(t);
	else if (line.n > 0)
		take_field(t, line);
	if (t->oversized || t->auth_fault != NULL)
		return 0;
	if (line.n > 0)
		return n;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return n;
	t->status = status;
	t->head_done = true;
	if (!auth_goes_on(t))
		return 0;
	return transfer_wants_body(t) || worth_draining(t) ? n : 0;
}

static size_t
on_body(char *p, size_t size, size_t n, void *payload)
{
	struct transfer *t = payload;

	n *= size;
	if (!transfer_wants_body(t)) {
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

bool
transfer_add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = line == NULL ? NULL : curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

const char *
transfer_bracketed(struct arena *mem, const char *host)
{
	return strchr(host, ':') == NULL ? host : arena_printf(mem, "[%s]", host);
}

/* Another host or port than the URL's to connect to. */
static bool
set_connection(struct transfer *t, const struct url *url, const char *host, uint16_t port)
{
	const char *from = transfer_bracketed(t->mem, url->host);
	const char *to = transfer_bracketed(t->mem, host);

	return from != NULL && to != NULL &&
	       transfer_add_line(&t->connect_to, arena_printf(t->mem, "%s:%u:%s:%u", from,
						     (unsigned)url->port, to, (unsigned)port));
}

/* Tells libcurl where to connect, so that it resolves nothing itself. */
static bool
set_route(struct transfer *t, const struct http_request *r)
{
	const struct url *url = r->url;
	uint16_t port = r->connect_port == 0 ? url->port : r->connect_port;
	const char *host = r->connect_host == NULL ? url->host : r->connect_host;

	if (!proxy_set(t, r))
		return false;
	if (r->proxy != NULL)
		return (port == url->port && strcmp(host, url->host) == 0) ||
		       set_connection(t, url, host, port);
	if (r->addresses.n == 0)
		return true;
	if (url->ip_literal)
		return set_connection(t, url, r->addresses.v[0], port);
	return set_connection(t, url, url->host, port) &&
	       transfer_set_addresses(t, url->host, port, &r->addresses);
}

static bool
set_fields(struct transfer *t, const struct http_request *r)
{
	bool ok = transfer_add_line(&t->fields, "Expect:");

	if (r->body.n > 0)
		ok = ok && transfer_add_line(&t->fields,
			       arena_printf(t->mem, "Content-Type: %s", r->content_type));
	for (size_t i = 0; ok && r->fields != NULL && r->fields[i] != NULL; i++)
		ok = transfer_add_line(&t->fields, r->fields[i]);
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
	       set_tls(t, r) && set_text(t, CURLOPT_URL, r->url->text) &&
	       set_text(t, CURLOPT_PROTOCOLS_STR, r->url->https ? "https" : "http") &&
	       set_text(t, CURLOPT_USERAGENT, "usher/" USHER_VERSION) &&
	       set_number(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       set_number(t, CURLOPT_FOLLOWLOCATION, 0) && set_number(t, CURLOPT_NOSIGNAL, 1) &&
	       set_number(t, CURLOPT_PATH_AS_IS, 1) &&
	       curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->body_max) ==
		   CURLE_OK &&
	       transfer_set_times(t, t->begun_ms) &&
	       set_pointer(t, CURLOPT_HTTPHEADER, t->fields) &&
	       set_pointer(t, CURLOPT_CONNECT_TO, t->connect_to) &&
	       set_pointer(t, CURLOPT_RESOLVE, t->resolve);
}

struct transfer *
transfer_new(struct http *http, uint32_t id, const struct http_request *r)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->id = id;
	t->http = http;
	t->status = NUMBER_ABSENT;
	t->port = r->url->port;
	t->begun_ms = clock_mono_ms();
	t->connect_ms = r->connect_ms;
	t->total_ms = r->total_ms;
	t->body_always = r->body_always;
	t->body_of_500 = r->body_of_500;
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

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	curl_easy_cleanup(t->easy);
	race_end(&t->race);
	curl_slist_free_all(t->fields);
	curl_slist_free_all(t->proxy_fields);
	curl_slist_free_all(t->connect_to);
	curl_slist_free_all(t->resolve);
	buf_clear(&t->request);
	buf_clear(&t->body);
	arena_free(t->mem);
	free(t);
}
