/* test_engine_memory.c - the engine's life with the 1st, 2nd, 3rd ... allocation failing: a status
 * at the start, at worst a closed connection later, and the next client is served. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/when.h"
#include "cert/selfsigned.h"
#include "server/engine.h"

/* The allocation that fails, counted from 1; 0: none does. Workers allocate too. */
static atomic_size_t fail_at;
static atomic_size_t allocations;

char *
__real_strdup(const char *text);

char *
__wrap_strdup(const char *text);

static bool
fails(void)
{
	return atomic_fetch_add(&allocations, 1) + 1 == atomic_load(&fail_at);
}

#include "../failmalloc.h"

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* ---- the application ---- */

static void
nothing(void *arg)
{
	(void)arg;
}

static void
done(struct request *r, void *arg, bool ran)
{
	(void)arg;
	(void)ran;
	request_reply(r, &(struct reply){ .status = 200, .body = r->body, .close = true });
}

static void
handle(struct request *r)
{
	if (!request_defer(r, nothing, done, NULL))
		request_refuse(r, 503, "no room in the pool");
}

static void
on_head(struct request *r)
{
	r->handle = handle;
}

static usher_status
context_new(void *app, unsigned thread, void **out, struct usher_error *err)
{
	(void)app;
	(void)thread;
	(void)err;
	*out = NULL;
	return USHER_OK;
}

/* ---- one life ---- */

struct life {
	struct slice chain, key;
	struct tls_tickets *tickets;
	struct tls_set *set;
	struct engine *engine;
};

static usher_status
begin(struct life *l)
{
	struct listener_settings listeners[] = {
		{ .name = "web", .kind = LISTENER_HTTPS },
		{ .name = "plain", .kind = LISTENER_PRIVATE },
	};
	struct tls_options options = { .tickets = NULL };
	const struct tls_given given = {
		.label = "label", .chain_pem = l->chain, .key_pem = l->key
	};
	struct identity *added;
	struct engine_settings settings;
	usher_status st = tls_tickets_new(&l->tickets, NULL);

	options.tickets = l->tickets;
	if (st == USHER_OK)
		st = tls_set_new(&options, &l->set, NULL);
	if (st == USHER_OK)
		st = tls_set_add(l->set, &given, &added, NULL);
	if (st == USHER_OK)
		st = tls_set_add_names(l->set, added, false, NULL, 0, NULL);
	if (st != USHER_OK)
		return st;
	for (size_t i = 0; i < 2; i++)
		assert_true(endpoint_parse(slice_of("127.0.0.1:0"), &listeners[i].endpoint));
	listeners[0].tls = l->set;
	engine_settings_init(&settings);
	settings.threads = 1;
	settings.listeners = listeners;
	settings.n_listeners = 2;
	settings.callbacks.head = on_head;
	settings.callbacks.context_new = context_new;
	st = engine_new(&settings, &l->engine, NULL);
	if (st == USHER_OK)
		st = engine_start(l->engine, NULL);
	if (st == USHER_OK)
		st = engine_reconfigure(l->engine, &settings, NULL);
	return st;
}

static void
end(struct life *l)
{
	if (l->engine != NULL)
		engine_stop(l->engine, 0);
	engine_free(l->engine);
	tls_set_unref(l->set);
	tls_tickets_unref(l->tickets);
	l->engine = NULL;
	l->set = NULL;
	l->tickets = NULL;
}

enum { BODY_BYTES = 6000, FIELD_BYTES = 5000 };

/* Sends a request whose head and body outgrow the first buffers; true when it is answered 200. */
static bool
ask(const struct engine *e)
{
	static char request[FIELD_BYTES + BODY_BYTES + 256];
	char answer[128] = "";
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 20 };
	struct endpoint bound;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t head;
	bool ok;

	assert_true(fd >= 0);
	assert_true(engine_listener_endpoint(e, "plain", &bound));
	to.sin_port = htons(bound.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	memset(request, 'x', sizeof(request));
	head = (size_t)snprintf(request, sizeof(request),
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nX: ", BODY_BYTES);
	request[head] = 'x';
	memcpy(request + head + FIELD_BYTES, "\r\n\r\n", 4);
	ok = send(fd, request, head + FIELD_BYTES + 4 + BODY_BYTES, MSG_NOSIGNAL) > 0 &&
	     recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0 &&
	     strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
	(void)close(fd);
	return ok;
}

static void
test_walk(void **state)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct certificate certificate;
	struct life l = { .engine = NULL };
	struct buf key;
	bool failed = true;

	(void)state;
	assert_non_null(mem);
	buf_init(&key, 64 * 1024);
	assert_int_equal(
	    cert_selfsigned(mem, "a.example", clock_unix_ms() / 1000, &key, &certificate, NULL),
	    USHER_OK);
	l.chain = slice_of(certificate.pem);
	l.key = buf_as_slice(&key);
	for (size_t n = 1; failed; n++) {
		usher_status st;

		atomic_store(&allocations, 0);
		atomic_store(&fail_at, n);
		st = begin(&l);
		if (st == USHER_OK)
			(void)ask(l.engine);
		else if (st != USHER_E_NOMEM && st != USHER_E_IO)
			fail_msg("allocation %zu: %s", n, usher_status_name(st));
		failed = atomic_load(&allocations) >= n;
		atomic_store(&fail_at, 0);
		if (st == USHER_OK && !ask(l.engine))
			fail_msg("allocation %zu: the next client is not served", n);
		end(&l);
	}
	buf_wipe(&key);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
