/* test_http_auth.c - what a login is refused for before anything is sent, and out of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../failnth.h"
#include "base/arena.h"
#include "base/compat.h"
#include "base/text.h"
#include "net/http.h"

struct row {
	const char *name;
	const char *url;
	enum auth_scheme scheme;
	const char *login;
	const char *secret;
	usher_status status;
	const char *words; /* of the reason */
};

static const struct row rows[] = {
	{ "anonymous", "http://contoso.example/", SCHEME_NONE, "", "", USHER_OK, "" },
	{ "Basic", "https://contoso.example/", SCHEME_BASIC, "ann", "secret", USHER_OK, "" },
	{ "Basic beyond ASCII", "https://contoso.example/", SCHEME_BASIC, "änn", "gehéim", USHER_OK,
	    "" },
	{ "NTLM", "https://contoso.example/", SCHEME_NTLM, "CONTOSO\\ann", "secret", USHER_OK, "" },
	{ "Bearer", "https://contoso.example/", SCHEME_BEARER, "", "a.b.c", USHER_OK, "" },
	{ "NTLM, a password beyond ASCII", "https://contoso.example/", SCHEME_NTLM, "ann", "gehéim",
	    USHER_E_CREDENTIALS, "beyond ASCII" },
	{ "NTLM, a login beyond ASCII", "https://contoso.example/", SCHEME_NTLM, "änn", "secret",
	    USHER_E_CREDENTIALS, "beyond ASCII" },
	{ "Negotiate without tickets", "https://contoso.example/", SCHEME_NEGOTIATE, "", "",
	    USHER_E_CREDENTIALS, "Kerberos" },
	{ "Basic over plain http", "http://contoso.example/", SCHEME_BASIC, "ann", "secret",
	    USHER_E_TRUST, "plain http" },
	{ "NTLM over plain http", "http://contoso.example/", SCHEME_NTLM, "ann", "secret",
	    USHER_E_TRUST, "plain http" },
	{ "Bearer over plain http", "http://contoso.example/", SCHEME_BEARER, "", "a.b.c",
	    USHER_E_TRUST, "plain http" },
	{ "Negotiate over plain http", "http://contoso.example/", SCHEME_NEGOTIATE, "", "",
	    USHER_E_TRUST, "plain http" },
};

/* Nothing is sent: the transfer is begun and dropped. */
static usher_status
begin(const struct row *row, const struct url *url, const struct secret *secret,
    struct usher_error *err)
{
	const struct http_request request = {
		.url = url,
		.body = SLICE_LITERAL("question"),
		.content_type = "text/xml",
		.scheme = row->scheme,
		.login = row->login,
		.secret = secret,
		.body_max = 1024,
	};
	struct poller *poller = NULL;
	struct http *http = NULL;
	usher_status st = poller_new(&poller, err);

	if (st == USHER_OK)
		st = http_new(NULL, poller, &http, err);
	if (st == USHER_OK)
		st = http_start(http, 1, &request, err);
	http_free(http);
	poller_free(poller);
	return st;
}

static void
test_rows(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct arena *mem = arena_new(4096);
		struct secret secret = { 0 };
		struct usher_error err = { .message = "" };
		struct url url;
		usher_status st;
		bool spent = false;

		assert_int_equal(url_parse(mem, slice_of(row->url), &url, NULL), USHER_OK);
		assert_true(secret_set(&secret, slice_of(row->secret)));
		st = begin(row, &url, &secret, &err);
		if (st != row->status || strstr(err.message, row->words) == NULL)
			fail_msg("%s: %s: %s", row->name, usher_status_name(st), err.message);
		for (long at = 0; !spent; at++) {
			left = at;
			st = begin(row, &url, &secret, &err);
			spent = spare_the_rest();
			if (st != (spent ? row->status : USHER_E_NOMEM) && st != row->status)
				fail_msg("%s, allocation %ld: %s: %s", row->name, at,
				    usher_status_name(st), err.message);
			/* A login that lost its memory half-way is not begun without it. */
			if (!spent && st == USHER_OK)
				fail_msg("%s, allocation %ld is not missed", row->name, at);
		}
		secret_clear(&secret);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	(void)setenv("KRB5CCNAME", "FILE:/nonexistent/tickets", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
