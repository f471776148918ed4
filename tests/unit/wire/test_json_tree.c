/* test_json_tree.c - what usher has written as JSON comes back the same, and newer members do not
 * hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random_pox.h"
#include "wire/json.h"
#include "wire/json_tree.h"

enum { MEMORY = 16 * 1024 * 1024 };

static const struct json_node *
tree(struct arena *mem, const char *text)
{
	const struct json_node *out;

	assert_int_equal(json_tree_read(mem, slice_of(text), &out, NULL), USHER_OK);
	return out;
}

static void
test_settings_come_back(void **state UNUSED)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct arena *CLEANUP(arena_cleanup) mem = arena_new(MEMORY);
		struct buf CLEANUP(buf_cleanup) text = { 0 };
		struct usher_error err = { 0 };
		struct answer in, out;

		random_answer(mem, seed, &in);
		if (in.kind != ANSWER_SETTINGS)
			continue;
		buf_init(&text, MEMORY);
		json_write_answer(&text, &in);
		if (json_tree_settings(mem, tree(mem, buf_cstr(&text)), &out, &err) != USHER_OK)
			fail_msg("seed %d: %s: %s", (int)seed, err.where, err.message);
		if (!answer_equal(&in, &out))
			fail_msg("seed %d: %s", (int)seed, buf_cstr(&text));
	}
}

static void
test_attempts_come_back(void **state UNUSED)
{
	static const char *const names[] = { "a.example", "b.example" };
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(MEMORY);
	struct buf CLEANUP(buf_cleanup) text;
	struct attempt in, out;

	attempt_init(&in, SOURCE_SRV);
	in.url = "https://mail.a.example/autodiscover/autodiscover.xml";
	in.dns = (struct text_list){ names, 2 };
	in.tls.verdict = TLS_EXPIRED;
	in.tls.subject = "CN=a.example";
	in.tls.names = in.dns;
	in.tls.not_after = 1790000000;
	in.http_status = 401;
	in.result = RESULT_CREDENTIALS;
	in.reason = "no";
	in.credentialed = true;
	buf_init(&text, MEMORY);
	json_write_attempt(&text, &in);
	assert_int_equal(json_tree_attempt(mem, tree(mem, buf_cstr(&text)), &out, NULL), USHER_OK);
	assert_true(record_equal(&attempt_table, &in, &out));
	assert_true(record_equal(&tls_evidence_table, &in.tls, &out.tls));
	assert_int_equal(out.source, SOURCE_SRV);
	assert_true(out.credentialed);
}

static const struct {
	const char *name, *text;
	usher_status status;
} settings[] = {
	{ "the least", "{\"kind\": \"settings\"}", USHER_OK },
	{ "newer members",
	    "{\"kind\": \"settings\", \"x\": {\"y\": [1.5, [], {}]}, \"user\": "
	    "{\"z\": true}, \"protocols\": [{\"type\": \"EXCH\", \"q\": 7}]}",
	    USHER_OK },
	{ "null is absent", "{\"kind\": \"settings\", \"user\": null, \"protocols\": null}",
	    USHER_OK },
	{ "not settings", "{\"kind\": \"refusal\"}", USHER_E_INPUT },
	{ "no kind", "{}", USHER_E_INPUT },
	{ "a list", "[]", USHER_E_INPUT },
	{ "a number as text", "{\"kind\": \"settings\", \"image\": 7}", USHER_E_INPUT },
	{ "a text as number",
	    "{\"kind\": \"settings\", \"protocols\": [{\"type\": \"EXCH\", \"port\": \"1\"}]}",
	    USHER_E_INPUT },
	{ "a port of six digits",
	    "{\"kind\": \"settings\", \"protocols\": [{\"type\": \"EXCH\", \"port\": 100000}]}",
	    USHER_E_INPUT },
	{ "a negative port",
	    "{\"kind\": \"settings\", \"protocols\": [{\"type\": \"EXCH\", \"port\": -1}]}",
	    USHER_E_INPUT },
	{ "a text as switch", "{\"kind\": \"settings\", \"microsoft_online\": \"on\"}",
	    USHER_E_INPUT },
	{ "a user that is a list", "{\"kind\": \"settings\", \"user\": []}", USHER_E_INPUT },
	{ "protocols that are an object", "{\"kind\": \"settings\", \"protocols\": {}}",
	    USHER_E_INPUT },
	{ "a protocol that is a text", "{\"kind\": \"settings\", \"protocols\": [\"EXCH\"]}",
	    USHER_E_INPUT },
	{ "a list of numbers", "{\"kind\": \"settings\", \"domains\": [1]}", USHER_E_INPUT },
};

static void
test_settings_of_all_kinds(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		struct arena *CLEANUP(arena_cleanup) mem = arena_new(MEMORY);
		struct usher_error err = { 0 };
		struct answer out;
		usher_status st = json_tree_settings(mem, tree(mem, settings[i].text), &out, &err);

		if (st != settings[i].status)
			fail_msg(
			    "%s: %s: %s", settings[i].name, usher_status_name(st), err.message);
	}
}

static void
test_members(void **state UNUSED)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(MEMORY);
	const struct json_node *root = tree(mem, "{\"a\": 1, \"b\": null, \"c\": [true, \"t\"]}");
	const struct json_node *c = json_tree_member(root, "c");

	assert_int_equal(root->n, 3);
	assert_int_equal(json_tree_member(root, "a")->number, 1);
	assert_null(json_tree_member(root, "b"));
	assert_null(json_tree_member(root, "d"));
	assert_null(json_tree_member(c, "a"));
	assert_null(json_tree_member(NULL, "a"));
	assert_int_equal(c->n, 2);
	assert_true(c->first->flag);
	assert_string_equal(c->first->next->text, "t");
	assert_null(c->first->next->next);
}

static void
test_memory_ends(void **state UNUSED)
{
	static const char text[] = "{\"aaaa\": [\"bbbbbbbbbbbbbbbb\", {\"c\": 1}, true, [[]]]}";
	usher_status st = USHER_E_NOMEM;

	for (size_t bytes = 64; st != USHER_OK; bytes += 16) {
		struct arena *CLEANUP(arena_cleanup) mem = arena_new(bytes);
		const struct json_node *root;

		assert_true(bytes < 8192);
		st = json_tree_read(mem, slice_of(text), &root, NULL);
		assert_true(st == USHER_OK || st == USHER_E_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_come_back),
		cmocka_unit_test(test_attempts_come_back),
		cmocka_unit_test(test_settings_of_all_kinds),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
