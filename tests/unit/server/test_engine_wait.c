/* test_engine_wait.c - requests that wait for what their thread's context brings: each goes on
 * exactly once, whatever becomes of its connection, and nobody else waits with it. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/err.h"
#include "base/when.h"
#include "server/engine.h"

enum { MOST = 8, PATIENCE_MS = 20000, ANSWER_BYTES = 4096 };

/* One configuration with its one context. Lists belong to the engine's thread. */
struct app {
	const char *name;
	int fd; /* whoever writes to it ends what all wait for */
	struct request *waiting[MOST];
	size_t n_waiting;
	bool blind;	     /* has no descriptor */
	atomic_int n;	     /* requests that wait */
	atomic_int went_on;  /* calls of again() */
	atomic_int freed;    /* context_free() calls */
	atomic_ulong since;  /* of the last request that began to wait */
	atomic_int moved_on; /* again() saw another since_ms */
};

/* ---- the application ---- */

static usher_status
context_new(void *arg, unsigned thread, void **out, struct usher_error *err)
{
	(void)thread;
	(void)err;
	*out = arg;
	return USHER_OK;
}

static void
context_free(void *context)
{
	struct app *app = context;

	assert_int_equal(app->n_waiting, 0);
	atomic_fetch_add(&app->freed, 1);
}

static int
descriptor(void *context)
{
	struct app *app = context;

	return app->blind ? -1 : app->fd;
}

static void
turn(void *context)
{
	struct app *app = context;
	eventfd_t value;

	(void)eventfd_read(app->fd, &value);
	while (app->n_waiting > 0) {
		atomic_fetch_sub(&app->n, 1);
		request_wake(app->waiting[--app->n_waiting]);
	}
}

static void
wait_for(struct request *r, void (*again)(struct request *), int times)
{
	struct app *app = r->context;

	atomic_store(&app->since, r->since_ms);
	for (int i = 0; i < times; i++) {
		if (!request_wait(r, again)) {
			request_refuse(r, 503, "cannot wait");
			return;
		}
		app->waiting[app->n_waiting++] = r;
	}
	atomic_fetch_add(&app->n, times);
}

static void
answer(struct request *r)
{
	struct app *app = r->context;
	char text[64];

	atomic_fetch_add(&app->went_on, 1);
	if (r->since_ms != atomic_load(&app->since))
		atomic_store(&app->moved_on, 1);
	(void)snprintf(text, sizeof(text), "%s %zu", app->name, r->body.n);
	request_refuse(r, 200, text);
}

static void
wait_more(struct request *r)
{
	struct app *app = r->context;

	atomic_fetch_add(&app->went_on, 1);
	wait_for(r, answer, 1);
}

static void
handle(struct request *r)
{
	if (strcmp(r->path, "/once") == 0)
		wait_for(r, answer, 1);
	else if (strcmp(r->path, "/both") == 0)
		wait_for(r, answer, 2);
	else if (strcmp(r->path, "/again") == 0)
		wait_for(r, wait_more, 1);
	else
		request_refuse(r, 200, "now");
}

static void
on_head(struct request *r)
{
	if (strcmp(r->path, "/head") == 0) {
		r->body_max = 0;
		wait_for(r, answer, 1);
	} else {
		r->handle = handle;
	}
}

/* ---- the test's side ---- */

struct fixture {
	struct engine *engine;
	struct endpoint at;
};

static void
fill(struct engine_settings *s, struct listener_settings *l, struct app *app)
{
	*l = (struct listener_settings){ .name = "plain", .kind = LISTENER_PRIVATE };
	assert_true(endpoint_parse(slice_of("127.0.0.1:0"), &l->endpoint));
	engine_settings_init(s);
	s->threads = 1;
	s->listeners = l;
	s->n_listeners = 1;
	s->limits.body_bytes = 1000;
	s->callbacks = (struct engine_app){
		.context_new = context_new,
		.context_free = context_free,
		.head = on_head,
		.descriptor = descriptor,
		.turn = turn,
	};
	s->app = app;
	app->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(app->fd >= 0);
}

static void
start(struct fixture *f, struct app *app, uint32_t work_ms)
{
	struct listener_settings l;
	struct engine_settings s;

	fill(&s, &l, app);
	if (work_ms > 0)
		s.deadlines.work_ms = work_ms;
	assert_int_equal(engine_new(&s, &f->engine, NULL), USHER_OK);
	assert_int_equal(engine_start(f->engine, NULL), USHER_OK);
	assert_true(engine_listener_endpoint(f->engine, "plain", &f->at));
}

static void
finish(struct fixture *f, struct app *app)
{
	engine_stop(f->engine, 0);
	engine_free(f->engine);
	assert_int_equal(app->freed, 1);
	assert_int_equal(app->n, 0);
	(void)close(app->fd);
}

static int
connect_to(const struct fixture *f)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(f->at.port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int
ask(const struct fixture *f, const char *path, const char *more)
{
	char text[2048];
	int fd = connect_to(f);
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n%s", path, more);

	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	return fd;
}

static int
ask_simply(const struct fixture *f, const char *path)
{
	return ask(f, path, "Connection: close\r\n\r\n");
}

/* Reads to the end, closes, and compares. */
static void
expect(int fd, int status, const char *body)
{
	char text[ANSWER_BYTES], wanted[32];
	size_t n = 0;
	ssize_t got;

	while ((got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	(void)close(fd);
	(void)snprintf(wanted, sizeof(wanted), "HTTP/1.1 %d ", status);
	if (strncmp(text, wanted, strlen(wanted)) != 0 || strstr(text, body) == NULL)
		fail_msg("wanted %d with `%s`, got `%s`", status, body, text);
}

static void
until(atomic_int *value, int wanted)
{
	uint64_t late = clock_mono_ms() + PATIENCE_MS;

	while (atomic_load(value) != wanted) {
		if (clock_mono_ms() > late)
			fail_msg("%d instead of %d", atomic_load(value), wanted);
		(void)usleep(1000);
	}
}

static void
end_waiting(struct app *app)
{
	assert_int_equal(eventfd_write(app->fd, 1), 0);
}

/* ---- tests ---- */

static void
test_paths(void **state)
{
	static const struct {
		const char *path, *more;
		int waits;   /* of the first kind */
		int went_on; /* before the answer */
		const char *answer;
	} rows[] = {
		{ "/once", "Connection: close\r\n\r\n", 1, 1, "a 0" },
		{ "/once", "Connection: close\r\nContent-Length: 3\r\n\r\nabc", 1, 1, "a 3" },
		{ "/both", "Connection: close\r\n\r\n", 2, 1, "a 0" },
		{ "/head", "Connection: close\r\n\r\n", 1, 1, "a 0" },
		{ "/head", "Connection: close\r\nContent-Length: 3\r\n\r\nabc", 1, 1, "a 3" },
	};
	struct app app = { .name = "a" };
	struct fixture f;

	(void)state;
	start(&f, &app, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int fd = ask(&f, rows[i].path, rows[i].more);

		until(&app.n, rows[i].waits);
		expect(ask_simply(&f, "/now"), 200, "now"); /* others do not wait */
		assert_int_equal(app.went_on, 0);
		end_waiting(&app);
		expect(fd, 200, rows[i].answer);
		assert_int_equal(app.went_on, rows[i].went_on);
		atomic_store(&app.went_on, 0);
	}
	assert_int_equal(app.moved_on, 0);
	finish(&f, &app);
}

static void
test_waits_again(void **state)
{
	struct app app = { .name = "a" };
	struct fixture f;
	int fd;

	(void)state;
	start(&f, &app, 0);
	fd = ask_simply(&f, "/again");
	until(&app.n, 1);
	end_waiting(&app);
	until(&app.went_on, 1);
	until(&app.n, 1);
	end_waiting(&app);
	expect(fd, 200, "a 0");
	assert_int_equal(app.went_on, 2);
	assert_int_equal(app.moved_on, 0);
	finish(&f, &app);
}

/* What came while the body was still on its way is found when it is complete. */
static void
test_woken_before_the_body(void **state)
{
	struct app app = { .name = "a" };
	struct fixture f;
	int fd;

	(void)state;
	start(&f, &app, 0);
	fd = ask(&f, "/head", "Connection: close\r\nContent-Length: 3\r\n\r\na");
	until(&app.n, 1);
	end_waiting(&app);
	until(&app.n, 0);
	expect(ask_simply(&f, "/now"), 200, "now"); /* the turn is over */
	assert_int_equal(app.went_on, 0);
	assert_int_equal(send(fd, "bc", 2, MSG_NOSIGNAL), 2);
	expect(fd, 200, "a 3");
	assert_int_equal(app.went_on, 1);
	finish(&f, &app);
}

/* A refusal by the engine does not wait, and takes nothing from under whoever is to wake it. */
static void
test_refused_while_it_waits(void **state)
{
	struct app app = { .name = "a" };
	struct fixture f;

	(void)state;
	start(&f, &app, 0);
	expect(ask(&f, "/head", "Content-Length: 5000\r\n\r\n"), 413, "too large");
	until(&app.n, 1);
	end_waiting(&app);
	until(&app.went_on, 1);
	expect(ask_simply(&f, "/now"), 200, "now");
	finish(&f, &app);
}

static void
test_connection_lost(void **state)
{
	static const char *const paths[] = { "/once", "/both", "/head", "/again" };
	struct app app = { .name = "a" };
	struct fixture f;

	(void)state;
	start(&f, &app, 0);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		const struct linger reset = { 1, 0 };
		int fd = ask_simply(&f, paths[i]);

		until(&app.n, strcmp(paths[i], "/both") == 0 ? 2 : 1);
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		(void)close(fd);
		expect(ask_simply(&f, "/now"), 200, "now");
		end_waiting(&app);
		until(&app.went_on, 1);
		expect(ask_simply(&f, "/now"), 200, "now");
		assert_int_equal(app.n, strcmp(paths[i], "/again") == 0 ? 1 : 0);
		end_waiting(&app); /* one that waits again, or nobody */
		until(&app.n, 0);
		expect(ask_simply(&f, "/now"), 200, "now");
		assert_int_equal(app.went_on, strcmp(paths[i], "/again") == 0 ? 2 : 1);
		atomic_store(&app.went_on, 0);
	}
	finish(&f, &app);
}

static void
test_late(void **state)
{
	struct app app = { .name = "a" };
	struct fixture f;

	(void)state;
	start(&f, &app, 100);
	expect(ask_simply(&f, "/once"), 503, "too busy");
	assert_int_equal(app.went_on, 0);
	expect(ask_simply(&f, "/now"), 200, "now");
	end_waiting(&app);
	until(&app.went_on, 1);
	/* Now it cannot wait any more, and says so to nobody. */
	expect(ask_simply(&f, "/again"), 503, "too busy");
	end_waiting(&app);
	until(&app.went_on, 2);
	expect(ask_simply(&f, "/now"), 200, "now");
	assert_int_equal(app.n, 0);
	finish(&f, &app);
}

/* It waits for the context that it asked, which stays as long as it does. */
static void
test_reload(void **state)
{
	struct app first = { .name = "first" }, second = { .name = "second" };
	struct listener_settings l;
	struct engine_settings s;
	struct fixture f;
	int before, after;

	(void)state;
	start(&f, &first, 0);
	before = ask_simply(&f, "/once");
	until(&first.n, 1);
	fill(&s, &l, &second);
	assert_int_equal(engine_reconfigure(f.engine, &s, NULL), USHER_OK);
	assert_int_equal(first.freed, 0);
	after = ask_simply(&f, "/once");
	until(&second.n, 1);
	end_waiting(&second);
	expect(after, 200, "second 0");
	end_waiting(&first);
	expect(before, 200, "first 0");
	until(&first.freed, 1);
	(void)close(first.fd);
	finish(&f, &second);
}

static void *
stop(void *arg)
{
	engine_stop(arg, 0);
	return NULL;
}

/* Its connection goes at once; whoever has still to wake it finds it. */
static void
test_stop(void **state)
{
	struct app app = { .name = "a" };
	struct fixture f;
	pthread_t thread;
	char byte;
	int fd;

	(void)state;
	start(&f, &app, 0);
	fd = ask_simply(&f, "/once");
	until(&app.n, 1);
	assert_int_equal(pthread_create(&thread, NULL, stop, f.engine), 0);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	(void)close(fd);
	assert_int_equal(app.freed, 0);
	end_waiting(&app);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(app.went_on, 1);
	finish(&f, &app);
}

static void
test_nothing_to_watch(void **state)
{
	struct app app = { .name = "a", .blind = true };
	struct fixture f;

	(void)state;
	start(&f, &app, 0);
	expect(ask_simply(&f, "/once"), 503, "cannot wait");
	expect(ask_simply(&f, "/head"), 503, "cannot wait");
	finish(&f, &app);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_waits_again),
		cmocka_unit_test(test_woken_before_the_body),
		cmocka_unit_test(test_refused_while_it_waits),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_nothing_to_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
