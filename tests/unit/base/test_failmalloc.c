/* test_failmalloc.c - fails the 1st, 2nd, 3rd … allocation of a whole scenario: out of memory is a
 * status, nothing is written or leaked, and without a failure the scenario passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../resolve/sample.h"
#include "base/address.h"
#include "base/secret.h"
#include "base/url.h"
#include "wire/json.h"

/* The allocation that fails, counted from 1; 0: none does. */
static size_t fail_at;
static size_t allocations;
static size_t living;

void *
__real_malloc(size_t n);
void *
__real_calloc(size_t count, size_t n);
void *
__real_realloc(void *p, size_t n);
void
__real_free(void *p);

/* The linker puts these in the place of the C library's for all of usher's objects. */
void *
__wrap_malloc(size_t n);
void *
__wrap_calloc(size_t count, size_t n);
void *
__wrap_realloc(void *p, size_t n);
void
__wrap_free(void *p);

static bool
fails(void)
{
	return ++allocations == fail_at;
}

static void *
count(void *p)
{
	living += p != NULL;
	return p;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : count(__real_malloc(n));
}

void *
__wrap_calloc(size_t count_of, size_t n)
{
	return fails() ? NULL : count(__real_calloc(count_of, n));
}

void *
__wrap_realloc(void *p, size_t n)
{
	void *moved;

	if (fails())
		return NULL;
	moved = __real_realloc(p, n);
	return p == NULL ? count(moved) : moved;
}

void
__wrap_free(void *p)
{
	living -= p != NULL;
	__real_free(p);
}

/* Runs `scenario` until it passes. It returns what it was told, after checking what it was given.
 */
static void
walk(usher_status (*scenario)(void))
{
	usher_status st = USHER_E_NOMEM;
	size_t before = living;

	for (size_t at = 1; st != USHER_OK; at++) {
		assert_true(at < 10000);
		fail_at = at;
		allocations = 0;
		st = scenario();
		fail_at = 0;
		if (st != USHER_OK && st != USHER_E_NOMEM)
			fail_msg("allocation %zu: %s", at, usher_status_name(st));
		if (living != before)
			fail_msg("allocation %zu: %zu pieces leak", at, living - before);
		/* The last round is the one that asks for less than `at`. */
		assert_true(st != USHER_OK || allocations < at);
	}
}

static usher_status
read_addresses(void)
{
	static const char *const texts[] = { "Nora@contoso.com", "jo\xcc\x88@b\xc3\xbc"
								 "cher.example" };
	struct arena *mem = arena_new(64 * 1024);
	struct address a = { .text = "untouched" };
	usher_status st = mem == NULL ? USHER_E_NOMEM : USHER_OK;

	for (size_t i = 0; i < COUNT_OF(texts) && st == USHER_OK; i++) {
		a.text = "untouched";
		st = address_parse(mem, slice_of(texts[i]), &a, NULL);
	}
	if (st != USHER_OK)
		assert_string_equal(a.text, "untouched");
	arena_free(mem);
	return st;
}

static usher_status
read_urls(void)
{
	struct arena *mem = arena_new(64 * 1024);
	struct url u, to = { .text = "untouched" };
	usher_status st = mem == NULL ? USHER_E_NOMEM : USHER_OK;

	if (st == USHER_OK)
		st = url_parse(mem, slice_of("https://a.example:8443/b?c"), &u, NULL);
	if (st == USHER_OK)
		st = url_resolve(mem, &u, slice_of("../d"), &to, NULL);
	if (st != USHER_OK)
		assert_string_equal(to.text, "untouched");
	arena_free(mem);
	return st;
}

static usher_status
keep_secrets(void)
{
	struct secret s = { 0 };
	bool kept = secret_set(&s, slice_of("password"));

	assert_true(kept == (s.bytes != NULL));
	secret_clear(&s);
	return kept ? USHER_OK : USHER_E_NOMEM;
}

static usher_status
decide(void)
{
	struct answer a = { .redirect = "untouched" };
	struct arena *mem = arena_new(256 * 1024);
	usher_status st = USHER_E_NOMEM;
	struct sample s;

	sample_init(&s);
	s.question.client.exhttp = true;
	if (mem != NULL && org_view_link(mem, &s.org))
		st = resolve_answer(mem, &s.question, &s.facts, &s.context, &a, NULL);
	if (st != USHER_OK)
		assert_string_equal(a.redirect, "untouched");
	else
		assert_int_equal(a.n_protocols, 5);
	arena_free(mem);
	return st;
}

static usher_status
decide_by_template(void)
{
	struct arena *mem = arena_new(256 * 1024);
	usher_status st = USHER_E_NOMEM;
	struct answer a;
	struct sample s;

	sample_init_mail(&s);
	s.services[0].user_name = "%d\\%u";
	if (mem != NULL && org_view_link(mem, &s.org))
		st = resolve_answer(mem, &s.question, &s.facts, &s.context, &a, NULL);
	if (st == USHER_OK)
		assert_string_equal(a.protocols[0].login_name, "contoso.com\\nora");
	arena_free(mem);
	return st;
}

static usher_status
check_and_write(const struct json_item *item, void *payload, struct usher_error *err)
{
	usher_status st = entity_check(item->mem, item->entity, item->record, err);
	size_t *seen = payload;
	struct buf b;

	if (st != USHER_OK)
		return st;
	++*seen;
	buf_init(&b, JSON_RECORD_BYTES);
	json_write_record(&b, &item->entity->table, item->record, JSON_SECRETS);
	st = b.status;
	buf_clear(&b);
	return st;
}

static const char document[] =
    "{\"usher\": 1, \"organization\": {\"name\": \"Contoso\"},"
    "\"sites\": [{\"name\": \"Pier\", \"subnets\": [\"192.0.2.0/24\"]}],"
    "\"urls\": [{\"server\": \"CAS01\", \"service\": \"owa\", \"internal\": \"https://a/owa\","
    "\"internal_authentication\": [\"basic\"]}],"
    "\"domains\": [{\"domain\": \"b\\u00fccher.example\", \"kind\": \"mail\", \"ttl\": 2}],"
    "\"mailboxes\": [{\"address\": \"nora@contoso.com\", \"aliases\": [\"n@contoso.com\"],"
    "\"login_name\": \"Nora\", \"ews\": false}],"
    "\"credentials\": [{\"login_name\": \"nora\", \"password_hash\": \"$y$x\"}]}";

static usher_status
read_document(void)
{
	size_t seen = 0;
	usher_status st = json_read_document(SLICE_LITERAL(document), check_and_write, &seen, NULL);

	assert_true(st != USHER_OK || seen == 6);
	return st;
}

static usher_status
refuse_document(void)
{
	struct usher_error err = { 0 };
	size_t seen = 0;
	usher_status st = json_read_document(
	    slice_of("{\"usher\": 1, \"domains\": [{\"domain\": \"x.example\", \"kind\": \"x\"}]}"),
	    check_and_write, &seen, &err);

	assert_int_equal(seen, 0);
	assert_true(st == err.status);
	return st == USHER_E_INPUT ? USHER_OK : st;
}

static void
test_addresses(void **state)
{
	(void)state;
	walk(read_addresses);
}

static void
test_urls(void **state)
{
	(void)state;
	walk(read_urls);
}

static void
test_secrets(void **state)
{
	(void)state;
	walk(keep_secrets);
}

static void
test_decisions(void **state)
{
	(void)state;
	walk(decide);
	walk(decide_by_template);
}

static void
test_documents(void **state)
{
	(void)state;
	walk(read_document);
	walk(refuse_document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
