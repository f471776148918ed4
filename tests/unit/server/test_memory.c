/* test_memory.c - the 1st, 2nd, 3rd … allocation fails: out of memory is a status, nothing leaks,
 * and nothing is half made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "auth/basic.h"
#include "auth/password.h"
#include "auth/remember.h"
#include "auth/throttle.h"
#include "cert/inspect.h"
#include "cert/selfsigned.h"
#include "server/conf.h"

/* The allocation that fails, counted from 1; 0: none does. */
static size_t fail_at;
static size_t allocations;

static bool
fails(void)
{
	return ++allocations == fail_at;
}

#include "../failmalloc.h"

/* Each scenario cleans up after itself, and tells how it ended. */

static usher_status
configuration(void)
{
	static const char text[] =
	    "trusted proxies = ::1\nserver name = bücher.example\n"
	    "[listen https]\n[listen redirect]\ntarget = https://a.example/\n"
	    "[authentication]\nwindows domains = A=a.example\n";
	struct conf *conf = NULL;
	struct buf out;
	usher_status st = conf_read("f", SLICE_LITERAL(text), &conf, NULL);

	buf_init(&out, CONF_FILE_BYTES);
	if (st == USHER_OK) {
		conf_dump(conf, &out);
		st = out.status;
	}
	buf_clear(&out);
	conf_unref(conf);
	return st;
}

static usher_status
verdicts(void)
{
	const struct remember_limits limits = { 100, 1000, 100 };
	const struct throttle_limits slow = { 100, 3, 20, 8000, 60000 };
	struct remember *r = NULL;
	struct throttle *t = NULL;
	usher_status st = remember_new(&limits, &r, NULL);

	if (st == USHER_OK)
		st = throttle_new(&slow, &t, NULL);
	remember_free(r);
	throttle_free(t);
	return st;
}

static usher_status
credentials(void)
{
	static const struct login_rules rules = { "a.example", NULL };
	struct arena *mem = arena_new(64 * 1024);
	struct secret password = { 0 };
	const char *login;
	enum basic_result got = BASIC_NOMEM;

	if (mem != NULL)
		got =
		    basic_read(mem, SLICE_LITERAL("Basic bm9yYTpncvzf"), &rules, &login, &password);
	assert_true(got == BASIC_OK || (got == BASIC_NOMEM && password.bytes == NULL));
	secret_clear(&password);
	arena_free(mem);
	return got == BASIC_OK ? USHER_OK : USHER_E_NOMEM;
}

static usher_status
certificate(void)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct certificate c;
	struct buf key;
	usher_status st;

	buf_init(&key, CERT_KEY_BYTES);
	st = mem == NULL ? USHER_E_NOMEM :
			   cert_selfsigned(mem, "cas01.contoso.com", 1795250100, &key, &c, NULL);
	buf_wipe(&key);
	arena_free(mem);
	return st;
}

/* A hash that cannot be made is no password that is right. */
static usher_status
passwords(void)
{
	char hash[PASSWORD_HASH_BYTES];
	struct secret password = { 0 };
	usher_status st = secret_set(&password, SLICE_LITERAL("s3cret")) ?
			      password_hash(&password, hash, NULL) :
			      USHER_E_NOMEM;

	if (st == USHER_OK)
		st = password_verify(&password, hash);
	secret_clear(&password);
	return st;
}

static void
test_every_allocation(void **state)
{
	static const struct {
		const char *name;
		usher_status (*run)(void);
	} rows[] = {
		{ "configuration", configuration },
		{ "verdicts", verdicts },
		{ "credentials", credentials },
		{ "certificate", certificate },
		{ "passwords", passwords },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		usher_status st = USHER_E_NOMEM;

		for (fail_at = 1; st != USHER_OK; fail_at++) {
			allocations = 0;
			st = rows[i].run();
			if (st != USHER_OK && st != USHER_E_NOMEM)
				fail_msg("%s, allocation %zu: %s", rows[i].name, fail_at,
				    usher_status_name(st));
			/* Done when it went well because nothing failed any more. */
			if (st == USHER_OK && allocations >= fail_at)
				fail_msg(
				    "%s: allocation %zu failed unnoticed", rows[i].name, fail_at);
		}
		if (fail_at < 3)
			fail_msg("%s: nothing was allocated", rows[i].name);
	}
	fail_at = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
