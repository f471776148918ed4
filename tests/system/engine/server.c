/* server.c - the engine with a trivial application, driven by lines on standard input.
 *
 *	start KEY=VALUE ...	settings; answers `NAME ENDPOINT` per listener, then `ok`
 *	reload KEY=VALUE ...	all settings anew; answers the same way
 *	count			one `NAME VALUE` per counter, then `ok`
 *	stop MS			ends after a grace
 *
 * A failure is answered `failed STATUS MESSAGE`. Keys: listen=NAME,KIND,ENDPOINT; chain= and key=
 * (in pairs); tickets=0; threads; trusted=RANGE; log=1; debug=1; and the fields of engine_limits
 *and engine_deadlines by their names. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/text.h"
#include "server/engine.h"

enum { LINE_BYTES = 8192, WORDS_MAX = 64, CERTIFICATES_MAX = 8, PEM_BYTES = 16 * 1024 };

static struct tls_tickets *tickets;

/* ---- the application ---- */

static void
reply_text(struct request *r, const char *text)
{
	struct reply reply = {
		.status = 200,
		.type = "text/plain",
		.body = slice_of(text),
	};

	request_reply(r, text == NULL ? &(struct reply){ .status = 500 } : &reply);
}

static void
hello(struct request *r)
{
	reply_text(r, "hello\n");
}

static _Thread_local bool in_batch;

static void
batch(void *context, bool begins)
{
	(void)context;
	assert(in_batch != begins);
	in_batch = begins;
}

static void
echo(struct request *r)
{
	struct reply reply = { .status = 200, .type = "text/plain", .body = r->body };

	assert(in_batch);
	request_reply(r, &reply);
}

/* `?N`: N bytes. */
static void
big(struct request *r)
{
	struct reply reply = { .status = 200, .type = "application/octet-stream" };
	uint64_t n = 0;
	char *p;

	(void)text_number(r->head->query, 0, 3 * 1024 * 1024, &n);
	p = arena_alloc(r->mem, n);
	if (p != NULL) {
		memset(p, 'x', n);
		reply.body = slice_from(p, n);
	}
	request_reply(r, &reply);
}

static void
who(struct request *r)
{
	char client[NET_ADDRESS_TEXT_BYTES];

	net_address_format(&r->client, client);
	reply_text(r, arena_printf(r->mem, "%s %s %s %s\n", client, r->secure ? "secure" : "plain",
			  request_host(r), r->listener->name));
}

struct nap {
	useconds_t us;
};

static void
sleep_in_pool(void *arg)
{
	const struct nap *nap = arg;

	(void)usleep(nap->us);
}

static void
after_sleep(struct request *r, void *arg, bool ran)
{
	(void)arg;
	reply_text(r, ran ? "slept\n" : "not slept\n");
}

/* `?N`: sleeps N ms in the pool. */
static void
slow(struct request *r)
{
	struct nap *nap = arena_zalloc(r->mem, sizeof(*nap));
	uint64_t ms = 100;

	(void)text_number(r->head->query, 0, 10000, &ms);
	if (nap != NULL)
		nap->us = (useconds_t)ms * 1000;
	if (nap == NULL || !request_defer(r, sleep_in_pool, after_sleep, nap))
		request_refuse(r, 503, "the pool is full");
}

static const struct {
	const char *path;
	void (*handle)(struct request *r);
	size_t body_max;
} routes[] = {
	{ "/", hello, 64 * 1024 },
	{ "/echo", echo, 64 * 1024 },
	{ "/small", echo, 16 },
	{ "/big", big, 64 * 1024 },
	{ "/who", who, 0 },
	{ "/slow", slow, 64 * 1024 },
};

static void
on_head(struct request *r)
{
	static const struct reply_field allow = { "Allow", "GET, HEAD, POST" };
	static const struct reply_field ask = { "WWW-Authenticate", "Basic realm=\"x\"" };

	if (r->head->method > HTTP1_POST) {
		request_reply(r, &(struct reply){ 405, .fields = &allow, .n_fields = 1 });
		return;
	}
	if (strcmp(r->path, "/early") == 0) {
		request_reply(r, &(struct reply){ 401, .fields = &ask, .n_fields = 1 });
		return;
	}
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (strcmp(r->path, routes[i].path) == 0) {
			r->handle = routes[i].handle;
			r->body_max = routes[i].body_max;
			return;
		}
	request_refuse(r, 404, "nothing here");
}

/* ---- settings ---- */

struct lines {
	struct engine_settings settings;
	struct listener_settings listeners[ENGINE_MAX_LISTENERS];
	struct net_range trusted[ENGINE_MAX_TRUSTED];
	const char *chains[CERTIFICATES_MAX], *keys[CERTIFICATES_MAX];
	size_t n_chains, n_keys;
	bool no_tickets;
};

static bool
read_listener(struct lines *l, char *value)
{
	static const char *const kinds[] = { "https", "redirect", "private", "proxy" };
	struct listener_settings *to = &l->listeners[l->settings.n_listeners];
	char *save = NULL;
	const char *kind;
	char *endpoint;

	to->name = strtok_r(value, ",", &save);
	kind = strtok_r(NULL, ",", &save);
	endpoint = strtok_r(NULL, ",", &save);
	if (endpoint == NULL || !endpoint_parse(slice_of(endpoint), &to->endpoint))
		return false;
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			to->kind = (enum listener_kind)i;
	l->settings.n_listeners++;
	return true;
}

static bool
read_number(struct engine_settings *s, const char *key, const char *value)
{
	const struct {
		const char *key;
		void *to;
		size_t size;
	} rows[] = {
		{ "threads", &s->threads, sizeof(s->threads) },
		{ "pool_threads", &s->pool_threads, sizeof(s->pool_threads) },
		{ "head_bytes", &s->limits.head_bytes, sizeof(s->limits.head_bytes) },
		{ "body_bytes", &s->limits.body_bytes, sizeof(s->limits.body_bytes) },
		{ "connections", &s->limits.connections, sizeof(s->limits.connections) },
		{ "address_connections", &s->limits.address_connections,
		    sizeof(s->limits.address_connections) },
		{ "requests", &s->limits.requests, sizeof(s->limits.requests) },
		{ "pool_queue", &s->limits.pool_queue, sizeof(s->limits.pool_queue) },
		{ "handshake_ms", &s->deadlines.handshake_ms, sizeof(uint32_t) },
		{ "head_ms", &s->deadlines.head_ms, sizeof(uint32_t) },
		{ "body_ms", &s->deadlines.body_ms, sizeof(uint32_t) },
		{ "work_ms", &s->deadlines.work_ms, sizeof(uint32_t) },
		{ "reply_ms", &s->deadlines.reply_ms, sizeof(uint32_t) },
		{ "idle_ms", &s->deadlines.idle_ms, sizeof(uint32_t) },
		{ "linger_ms", &s->deadlines.linger_ms, sizeof(uint32_t) },
	};
	uint64_t n;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t small;

		if (strcmp(rows[i].key, key) != 0)
			continue;
		if (!text_number(slice_of(value), 0, UINT32_MAX, &n))
			return false;
		small = (uint32_t)n;
		memcpy(rows[i].to, rows[i].size == sizeof(n) ? (void *)&n : (void *)&small,
		    rows[i].size);
		return true;
	}
	return false;
}

static bool
read_word(struct lines *l, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(word, "listen") == 0)
		return read_listener(l, value);
	if (strcmp(word, "chain") == 0) {
		l->chains[l->n_chains++ % CERTIFICATES_MAX] = value;
	} else if (strcmp(word, "key") == 0) {
		l->keys[l->n_keys++ % CERTIFICATES_MAX] = value;
	} else if (strcmp(word, "tickets") == 0) {
		l->no_tickets = strcmp(value, "0") == 0;
	} else if (strcmp(word, "log") == 0) {
		l->settings.log_requests = true;
	} else if (strcmp(word, "debug") == 0) {
		log_set_level(LEVEL_DEBUG);
	} else if (strcmp(word, "trusted") == 0) {
		return net_range_parse(slice_of(value), &l->trusted[l->settings.n_trusted++]);
	} else {
		return read_number(&l->settings, word, value);
	}
	return true;
}

static struct slice
read_file(const char *path, char *to)
{
	FILE *f = fopen(path, "rbe");
	size_t n = f == NULL ? 0 : fread(to, 1, PEM_BYTES, f);

	if (f != NULL)
		(void)fclose(f);
	return slice_from(to, n);
}

static usher_status
add_certificate(struct tls_set *set, const char *chain, const char *key, struct usher_error *err)
{
	char chain_pem[PEM_BYTES], key_pem[PEM_BYTES];
	const struct tls_given given = {
		.label = chain,
		.key_label = key,
		.chain_pem = read_file(chain, chain_pem),
		.key_pem = read_file(key, key_pem),
	};
	struct identity *added;
	usher_status st = tls_set_add(set, &given, &added, err);

	return st == USHER_OK ? tls_set_add_names(set, added, false, NULL, 0, err) : st;
}

static usher_status
read_certificates(struct lines *l, struct tls_set **out, struct usher_error *err)
{
	const struct tls_options options = { .tickets = l->no_tickets ? NULL : tickets };
	usher_status st = tls_set_new(&options, out, err);

	for (size_t i = 0; st == USHER_OK && i < l->n_chains; i++)
		st = add_certificate(*out, l->chains[i], l->keys[i], err);
	return st;
}

/* ---- commands ---- */

static void
tell(struct engine *e, const struct engine_settings *s)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		char text[ENDPOINT_TEXT_BYTES];
		struct endpoint bound;

		if (!engine_listener_endpoint(e, s->listeners[i].name, &bound))
			continue;
		endpoint_format(&bound, text);
		(void)printf("%s %s\n", s->listeners[i].name, text);
	}
	(void)printf("ok\n");
}

static void
configure(struct engine **e, char *words)
{
	struct lines l = { .no_tickets = false };
	struct usher_error err = { 0 };
	struct tls_set *set = NULL;
	usher_status st;
	char *save = NULL;

	engine_settings_init(&l.settings);
	l.settings.listeners = l.listeners;
	l.settings.trusted = l.trusted;
	l.settings.callbacks.head = on_head;
	l.settings.callbacks.batch = batch;
	for (char *w = strtok_r(words, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		if (!read_word(&l, w)) {
			(void)printf("failed usage %s\n", w);
			return;
		}
	st = read_certificates(&l, &set, &err);
	for (size_t i = 0; i < l.settings.n_listeners; i++)
		if (l.listeners[i].kind == LISTENER_HTTPS)
			l.listeners[i].tls = set;
	if (st == USHER_OK && *e != NULL) {
		st = engine_reconfigure(*e, &l.settings, &err);
	} else if (st == USHER_OK) {
		st = engine_new(&l.settings, e, &err);
		if (st == USHER_OK)
			st = engine_start(*e, &err);
	}
	tls_set_unref(set);
	if (st == USHER_OK)
		tell(*e, &l.settings);
	else
		(void)printf("failed %s %s: %s\n", usher_status_name(st), err.where, err.message);
}

static void
tell_counts(const struct engine *e)
{
	uint64_t counts[ENGINE_COUNTERS];

	engine_count(e, counts);
	for (int i = 0; i < ENGINE_COUNTERS; i++) {
		const struct engine_counter_row *row = &engine_counter_rows[i];

		(void)printf("%s{%s} %llu\n", row->name, row->label == NULL ? "" : row->label,
		    (unsigned long long)counts[i]);
	}
	(void)printf("ok\n");
}

int
main(void)
{
	struct usher_error err = { 0 };
	struct engine *e = NULL;
	char line[LINE_BYTES];
	uint64_t grace = 0;

	if (tls_tickets_new(&tickets, &err) != USHER_OK)
		return 70;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *words = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (words != NULL)
			*words++ = '\0';
		if (strcmp(line, "start") == 0 || strcmp(line, "reload") == 0)
			configure(&e, words);
		else if (strcmp(line, "count") == 0 && e != NULL)
			tell_counts(e);
		else if (strcmp(line, "stop") == 0)
			break;
		(void)fflush(stdout);
	}
	if (strcmp(line, "stop") == 0)
		(void)text_number(slice_of(line + 5), 0, 60000, &grace);
	if (e != NULL)
		engine_stop(e, (uint32_t)grace);
	engine_free(e);
	tls_tickets_unref(tickets);
	return 0;
}
