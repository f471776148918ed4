/* test_engine_life.c - who owns the application's configuration and contexts, and when they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "server/engine.h"

enum { THREADS = 3 };

/* One configuration of the application; contexts are freed on the workers' threads. */
struct app {
	atomic_int contexts;
	atomic_int made;
	atomic_int freed; /* app_free() calls */
	int fail_at;	  /* the context that cannot be made, counted from 1 */
};

static usher_status
context_new(void *arg, unsigned thread, void **out, struct usher_error *err)
{
	struct app *app = arg;

	assert_int_equal(thread, atomic_load(&app->made));
	if (atomic_fetch_add(&app->made, 1) + 1 == app->fail_at)
		return err_set(err, USHER_E_UNAVAILABLE, "directory", "is locked");
	atomic_fetch_add(&app->contexts, 1);
	*out = app;
	return USHER_OK;
}

static void
context_free(void *context)
{
	struct app *app = context;

	atomic_fetch_sub(&app->contexts, 1);
}

static void
app_free(void *arg)
{
	struct app *app = arg;

	/* Contexts may use what the configuration owns. */
	assert_int_equal(atomic_load(&app->contexts), 0);
	atomic_fetch_add(&app->freed, 1);
}

static void
on_head(struct request *r)
{
	request_refuse(r, 404, "nothing here");
}

static void
fill(struct engine_settings *s, struct listener_settings *l, struct app *app)
{
	*l = (struct listener_settings){ .name = "plain", .kind = LISTENER_PRIVATE };
	assert_true(endpoint_parse(slice_of("127.0.0.1:0"), &l->endpoint));
	engine_settings_init(s);
	s->threads = THREADS;
	s->listeners = l;
	s->n_listeners = 1;
	s->callbacks = (struct engine_app){ context_new, context_free, on_head, app_free };
	s->app = app;
}

static void
test_reload_and_stop(void **state)
{
	struct app first = { .fail_at = 0 }, second = { .fail_at = 0 };
	struct listener_settings l;
	struct engine_settings s;
	struct endpoint before, after;
	struct engine *e;

	(void)state;
	fill(&s, &l, &first);
	assert_int_equal(engine_new(&s, &e, NULL), USHER_OK);
	assert_int_equal(first.contexts, 0);
	assert_int_equal(engine_start(e, NULL), USHER_OK);
	assert_int_equal(first.contexts, THREADS);
	assert_true(engine_listener_endpoint(e, "plain", &before));
	assert_false(engine_listener_endpoint(e, "other", &after));

	fill(&s, &l, &second);
	assert_int_equal(engine_reconfigure(e, &s, NULL), USHER_OK);
	assert_int_equal(first.contexts, 0);
	assert_int_equal(first.freed, 1);
	assert_int_equal(second.contexts, THREADS);
	assert_true(engine_listener_endpoint(e, "plain", &after));
	assert_int_equal(before.port, after.port);

	engine_stop(e, 0);
	engine_free(e);
	assert_int_equal(second.contexts, 0);
	assert_int_equal(second.freed, 1);
	assert_int_equal(first.freed, 1);
}

static void
test_refused_reload(void **state)
{
	struct app first = { .fail_at = 0 }, second = { .fail_at = 2 };
	struct listener_settings l;
	struct engine_settings s;
	struct usher_error err;
	struct engine *e;

	(void)state;
	fill(&s, &l, &first);
	assert_int_equal(engine_new(&s, &e, NULL), USHER_OK);
	assert_int_equal(engine_start(e, NULL), USHER_OK);

	fill(&s, &l, &second);
	assert_int_equal(engine_reconfigure(e, &s, &err), USHER_E_UNAVAILABLE);
	assert_string_equal(err.message, "is locked");
	assert_int_equal(second.contexts, 0);
	assert_int_equal(second.freed, 0); /* still the caller's */
	assert_int_equal(first.contexts, THREADS);
	engine_free(e); /* stops by itself */
	assert_int_equal(first.freed, 1);
}

static void
test_failed_start(void **state)
{
	struct app app = { .fail_at = THREADS };
	struct listener_settings l;
	struct engine_settings s;
	struct engine *e;

	(void)state;
	fill(&s, &l, &app);
	assert_int_equal(engine_new(&s, &e, NULL), USHER_OK);
	assert_int_equal(engine_start(e, NULL), USHER_E_UNAVAILABLE);
	assert_int_equal(app.contexts, 0);
	assert_int_equal(app.freed, 0);
	engine_free(e);
	assert_int_equal(app.freed, 1);
}

static void
test_contradictions(void **state)
{
	struct app app = { .fail_at = 0 };
	struct listener_settings l[2];
	struct engine_settings s;
	struct usher_error err;
	struct engine *e, *other;
	struct endpoint bound;

	(void)state;
	fill(&s, l, &app);
	s.threads = 0;
	assert_int_equal(engine_new(&s, &e, &err), USHER_E_USAGE);
	assert_string_equal(err.where, "threads");
	fill(&s, l, &app);
	l[0].kind = LISTENER_HTTPS;
	assert_int_equal(engine_new(&s, &e, &err), USHER_E_USAGE);
	assert_string_equal(err.message, "has no certificate");

	fill(&s, l, &app);
	assert_int_equal(engine_new(&s, &e, NULL), USHER_OK);
	assert_true(engine_listener_endpoint(e, "plain", &bound));
	l[0].endpoint = bound;
	assert_int_equal(engine_new(&s, &other, &err), USHER_E_CONFLICT);
	l[1] = l[0];
	l[0].endpoint.port = 0;
	s.n_listeners = 2;
	assert_int_equal(engine_new(&s, &other, &err), USHER_E_CONFLICT);
	assert_int_equal(app.freed, 0);
	engine_free(e);
	assert_int_equal(app.freed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reload_and_stop),
		cmocka_unit_test(test_refused_reload),
		cmocka_unit_test(test_failed_start),
		cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
