/* test_pool.c - what a pool makes of servers that answer, fail, lie and die. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/when.h"
#include "ldap/pool.h"
#include "peer.h"

enum { PATIENCE_MS = 60000, TIMEOUT_MS = 3000, LONG_MS = 8000, ENTRIES = 4, MANY = 1000 };

/* A search, and what came of it. */
struct asking {
	char filter[64];
	struct pool_query query;
	bool done;
	usher_status st;
	char message[USHER_ERROR_WHERE_BYTES + USHER_ERROR_MESSAGE_BYTES + 2];
	size_t entries;
	char cn[64]; /* of the last */
};

static usher_status
take(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct asking *a = payload;
	const struct ldap_attribute *cn = ldap_attribute_of(entry, "cn");

	(void)err;
	assert_false(a->done);
	assert_string_equal(entry->dn, "cn=entry");
	assert_non_null(cn);
	assert_int_equal(cn->n, 1);
	(void)snprintf(a->cn, sizeof(a->cn), "%.*s", (int)cn->values[0].n, cn->values[0].p);
	a->entries++;
	return USHER_OK;
}

static void
done(void *payload, usher_status st, const struct usher_error *err)
{
	struct asking *a = payload;

	assert_false(a->done);
	assert_int_equal(err == NULL, st == USHER_OK);
	a->done = true;
	a->st = st;
	if (err != NULL)
		(void)snprintf(a->message, sizeof(a->message), "%s: %s", err->where, err->message);
}

static usher_status
ask(struct ldap_pool *pool, struct asking *a, const char *cn)
{
	struct usher_error err;
	usher_status st;

	memset(a, 0, sizeof(*a));
	(void)snprintf(a->filter, sizeof(a->filter), "(cn=%s)", cn);
	a->query = (struct pool_query){ .search = { .base = "dc=example",
					    .scope = LINK_BELOW,
					    .filter = a->filter,
					    .max = ENTRIES },
		.take = take,
		.done = done,
		.payload = a };
	st = ldap_pool_ask(pool, &a->query, &err);
	if (st != USHER_OK)
		done(a, st, &err);
	return st;
}

static void
turn(struct ldap_pool *pool)
{
	struct pollfd fd = { .fd = ldap_pool_descriptor(pool), .events = POLLIN };

	assert_true(poll(&fd, 1, PATIENCE_MS) > 0);
	ldap_pool_turn(pool);
}

static void
drive(struct ldap_pool *pool, const struct asking *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		while (!v[i].done)
			turn(pool);
}

static struct ldap_pool *
open_pool(const char *servers, size_t connections, uint64_t timeout_ms)
{
	const struct pool_options options = {
		.servers = servers, .connections = connections, .timeout_ms = timeout_ms
	};
	struct ldap_pool *pool;
	struct usher_error err;

	if (ldap_pool_open(&options, &pool, &err) != USHER_OK)
		fail_msg("%s: %s", err.where, err.message);
	return pool;
}

/* Each asks one thing on one connection, together with two that are harmless. */
static const struct row {
	const char *name, *cn;
	usher_status st;
	size_t entries;
	const char *words;
	bool others_fail; /* it takes them with it */
} rows[] = {
	{ "an answer", "Ann", USHER_OK, 1, "" },
	{ "nothing", "nothing", USHER_OK, 0, "" },
	{ "two", "twice", USHER_OK, 2, "" },
	{ "more than can be meant", "much", USHER_E_LIMIT, 0, "more was found" },
	{ "a reference is passed over", "reference", USHER_OK, 1, "" },
	{ "late", "late", USHER_OK, 1, "" },
	{ "not this one", "mute", USHER_E_TIMEOUT, 0, "does not answer in time" },
	{ "nothing more", "hang", USHER_E_TIMEOUT, 0, "does not answer in time", true },
	{ "half an answer", "half", USHER_E_TIMEOUT, 0, "does not answer in time", true },
	{ "half an answer and the end", "halfclose", USHER_E_NETWORK, 0, "cannot be reached" },
	{ "no LDAP", "garbage", USHER_E_NETWORK, 0, "cannot be reached" },
	{ "a message of 1 GB", "huge", USHER_E_NETWORK, 0, "cannot be reached" },
	{ "the end", "close", USHER_E_NETWORK, 0, "cannot be reached" },
	{ "a notice of the end", "notice", USHER_E_NETWORK, 0, "cannot be reached" },
	{ "what nobody asked for", "flood", USHER_E_TIMEOUT, 0, "does not answer in time", true },
	{ "another's answer", "odd", USHER_E_TIMEOUT, 0, "does not answer in time" },
	{ "a value of 10 MB", "big", USHER_E_LIMIT, 0, "too large" },
	{ "the size limit", "size", USHER_E_LIMIT, 0, "has more entries" },
	{ "the time limit", "time", USHER_E_LIMIT, 0, "needs more time" },
	{ "busy", "busy", USHER_E_NETWORK, 0, "is too busy" },
	{ "going down", "gone", USHER_E_NETWORK, 0, "is going down" },
	{ "a referral", "refer", USHER_E_PEER, 0, "refers to another" },
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct asking v[3];
		struct ldap_pool *pool;
		struct peer peer;

		assert_true(peer_start(&peer, 0));
		/* Only what is to time out has reason to. */
		pool =
		    open_pool(peer.uri, 1, row->st == USHER_E_TIMEOUT ? TIMEOUT_MS : PATIENCE_MS);
		(void)ask(pool, &v[0], "before");
		(void)ask(pool, &v[1], row->cn);
		(void)ask(pool, &v[2], "behind");
		drive(pool, v, 3);
		if (v[1].st != row->st || v[1].entries != row->entries ||
		    strstr(v[1].message, row->words) == NULL)
			fail_msg("%s: %d, %zu entries, %s", row->name, v[1].st, v[1].entries,
			    v[1].message);
		if (v[0].st != USHER_OK || strcmp(v[0].cn, "before") != 0)
			fail_msg("%s: before it, %s", row->name, v[0].message);
		if (!row->others_fail && (v[2].st != USHER_OK || strcmp(v[2].cn, "behind") != 0))
			fail_msg("%s: behind it, %s", row->name, v[2].message);

		/* Whatever it was, it is over. */
		(void)ask(pool, &v[0], "afterwards");
		drive(pool, v, 1);
		if (v[0].st != USHER_OK)
			fail_msg("%s: afterwards, %s", row->name, v[0].message);
		ldap_pool_close(pool);
		peer_stop(&peer);
	}
}

/* More than a connection carries, and more than both do. */
static void
test_many(void **state)
{
	static struct asking v[MANY];
	struct ldap_pool *pool;
	struct pool_state now;
	struct peer peer;
	char cn[32];

	(void)state;
	assert_true(peer_start(&peer, 0));
	pool = open_pool(peer.uri, 2, PATIENCE_MS);
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(cn, sizeof(cn), "n%zu", i);
		(void)ask(pool, &v[i], cn);
	}
	ldap_pool_state(pool, &now);
	assert_int_equal(now.outstanding, MANY);
	drive(pool, v, MANY);
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(cn, sizeof(cn), "n%zu", i);
		assert_int_equal(v[i].st, USHER_OK);
		assert_string_equal(v[i].cn, cn);
	}
	ldap_pool_state(pool, &now);
	assert_int_equal(now.outstanding, 0);
	assert_in_range(now.connections, 1, 2);
	assert_string_equal(now.server, peer.uri);
	assert_int_equal(now.lost, 0);
	ldap_pool_close(pool);
	peer_stop(&peer);
}

static void
test_too_many(void **state)
{
	static struct asking v[POOL_WAITING + 1];
	struct ldap_pool *pool;
	struct peer peer;

	(void)state;
	assert_true(peer_start(&peer, 0));
	peer.silent = true;
	pool = open_pool(peer.uri, 1, PATIENCE_MS);
	for (size_t i = 0; i < POOL_WAITING; i++)
		assert_int_equal(ask(pool, &v[i], "x"), USHER_OK);
	assert_int_equal(ask(pool, &v[POOL_WAITING], "x"), USHER_E_LIMIT);
	ldap_pool_close(pool);
	peer_stop(&peer);
}

/* ---- several servers ---- */

static void
expect_answers(struct ldap_pool *pool, const char *name)
{
	struct asking v[8];

	for (size_t i = 0; i < COUNT_OF(v); i++)
		(void)ask(pool, &v[i], "Ann");
	drive(pool, v, COUNT_OF(v));
	for (size_t i = 0; i < COUNT_OF(v); i++)
		if (v[i].st != USHER_OK)
			fail_msg("%s: %s", name, v[i].message);
}

static void
test_first_is_dead(void **state)
{
	struct peer dead, second;
	char servers[2 * PEER_URI_BYTES + 2];
	struct ldap_pool *pool;
	struct pool_state now;

	(void)state;
	assert_true(peer_start(&dead, 0));
	assert_true(peer_start(&second, 0));
	peer_stop(&dead);
	(void)snprintf(servers, sizeof(servers), "%s  %s", dead.uri, second.uri);
	pool = open_pool(servers, 2, LONG_MS);
	expect_answers(pool, "the first is dead");
	ldap_pool_state(pool, &now);
	assert_string_equal(now.server, second.uri);
	ldap_pool_close(pool);
	peer_stop(&second);
}

static void
test_first_dies(void **state)
{
	struct peer first, second;
	char servers[2 * PEER_URI_BYTES + 2];
	struct ldap_pool *pool;
	struct asking v[8];

	(void)state;
	assert_true(peer_start(&first, 0));
	assert_true(peer_start(&second, 0));
	(void)snprintf(servers, sizeof(servers), "%s %s", first.uri, second.uri);
	pool = open_pool(servers, 2, LONG_MS);
	expect_answers(pool, "both live");
	assert_int_equal(second.searches, 0);

	/* Those on the way are asked again. */
	first.silent = true;
	for (size_t i = 0; i < COUNT_OF(v); i++)
		(void)ask(pool, &v[i], "Ann");
	peer_stop(&first);
	drive(pool, v, COUNT_OF(v));
	for (size_t i = 0; i < COUNT_OF(v); i++)
		assert_int_equal(v[i].st, USHER_OK);
	assert_int_equal(second.searches, COUNT_OF(v));
	ldap_pool_close(pool);
	peer_stop(&second);
}

/* Half of the time goes to the first; nobody notices but by his watch. */
static void
test_first_hangs(void **state)
{
	struct peer first, second;
	char servers[2 * PEER_URI_BYTES + 2];
	struct ldap_pool *pool;

	(void)state;
	assert_true(peer_start(&first, 0));
	assert_true(peer_start(&second, 0));
	(void)snprintf(servers, sizeof(servers), "%s %s", first.uri, second.uri);
	pool = open_pool(servers, 2, LONG_MS);
	expect_answers(pool, "both live");
	first.silent = true;
	expect_answers(pool, "the first hangs");
	assert_int_equal(second.searches, 8);
	expect_answers(pool, "the first still hangs");
	ldap_pool_close(pool);
	peer_stop(&first);
	peer_stop(&second);
}

static void
test_login_hangs(void **state)
{
	struct peer first, second;
	char servers[2 * PEER_URI_BYTES + 2];
	struct ldap_pool *pool;

	(void)state;
	assert_true(peer_start(&first, 0));
	assert_true(peer_start(&second, 0));
	first.silent = true;
	(void)snprintf(servers, sizeof(servers), "%s %s", first.uri, second.uri);
	pool = open_pool(servers, 2, LONG_MS);
	expect_answers(pool, "the first hangs at the login");
	ldap_pool_close(pool);
	peer_stop(&first);
	peer_stop(&second);
}

/* ---- outages ---- */

/* The first searches wait for better times, later ones are told at once; a server that comes back
 * is found. */
static void
test_outage(void **state)
{
	struct asking v;
	struct ldap_pool *pool;
	struct peer peer;
	unsigned short port;
	uint64_t began_ms;

	(void)state;
	assert_true(peer_start(&peer, 0));
	port = peer_port(&peer);
	pool = open_pool(peer.uri, 2, TIMEOUT_MS);
	expect_answers(pool, "before");
	peer_stop(&peer);
	began_ms = clock_mono_ms();
	(void)ask(pool, &v, "Ann");
	drive(pool, &v, 1);
	assert_int_equal(v.st, USHER_E_NETWORK);
	while (clock_mono_ms() - began_ms <= TIMEOUT_MS + 100)
		turn(pool);
	assert_int_equal(ask(pool, &v, "Ann"), USHER_E_NETWORK);

	assert_true(peer_start(&peer, port));
	do {
		turn(pool);
		(void)ask(pool, &v, "Ann");
		drive(pool, &v, 1);
	} while (v.st != USHER_OK && clock_mono_ms() - began_ms < PATIENCE_MS);
	assert_int_equal(v.st, USHER_OK);
	ldap_pool_close(pool);
	peer_stop(&peer);
}

static void
test_refused(void **state)
{
	struct asking v;
	struct ldap_pool *pool;
	struct pool_state now;
	struct peer peer;

	(void)state;
	assert_true(peer_start(&peer, 0));
	peer.refuse = true;
	pool = open_pool(peer.uri, 1, TIMEOUT_MS);
	(void)ask(pool, &v, "Ann");
	drive(pool, &v, 1);
	assert_int_equal(v.st, USHER_E_CREDENTIALS);
	assert_non_null(strstr(v.message, "refuses the login"));
	ldap_pool_state(pool, &now);
	assert_int_equal(now.connections, 0);
	assert_int_equal(now.trouble.status, USHER_E_CREDENTIALS);
	/* Not as fast as it can. */
	assert_in_range(peer.logins, 2, 10);
	assert_int_equal(peer.searches, 0);
	ldap_pool_close(pool);
	peer_stop(&peer);
}

/* Neither a filter nor a list of servers. */
static void
test_own_faults(void **state)
{
	static const char *const lists[] = { "", "  ", "http://a.example", "ldap:///",
		"ldap://a,ldap://b", "ldap://a ldaps:///" };
	struct asking v;
	struct ldap_pool *pool;
	struct usher_error err;
	struct peer peer;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct pool_options options = { .servers = lists[i] };

		if (ldap_pool_open(&options, &pool, &err) != USHER_E_USAGE)
			fail_msg("'%s'", lists[i]);
	}
	assert_true(peer_start(&peer, 0));
	pool = open_pool(peer.uri, 1, TIMEOUT_MS);
	expect_answers(pool, "open");
	assert_int_equal(ask(pool, &v, "("), USHER_E_INPUT);
	expect_answers(pool, "behind it");
	ldap_pool_close(pool);
	peer_stop(&peer);
}

/* With searches that are sent, that wait, and connections that are being opened. */
static void
test_close(void **state)
{
	struct asking v[2 * POOL_OUTSTANDING];
	struct ldap_pool *pool;
	struct peer peer;

	(void)state;
	assert_true(peer_start(&peer, 0));
	pool = open_pool(peer.uri, 1, TIMEOUT_MS);
	expect_answers(pool, "open");
	peer.silent = true;
	for (size_t i = 0; i < COUNT_OF(v); i++)
		(void)ask(pool, &v[i], "Ann");
	ldap_pool_close(pool);
	for (size_t i = 0; i < COUNT_OF(v); i++)
		assert_false(v[i].done);
	ldap_pool_close(open_pool(peer.uri, 4, TIMEOUT_MS));
	ldap_pool_close(NULL);
	peer_stop(&peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_first_is_dead),
		cmocka_unit_test(test_first_dies),
		cmocka_unit_test(test_first_hangs),
		cmocka_unit_test(test_login_hangs),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_own_faults),
		cmocka_unit_test(test_close),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
