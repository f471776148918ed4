/* test_json.c - records go to JSON and come back; what is no such JSON is refused with a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "wire/json.h"

/* Gives every member a value that only this member has. */
static void
touch(struct arena *mem, const struct field_table *t, void *record)
{
	record_init(t, record);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->rows[i];
		const char **v = arena_array(mem, 2, sizeof(*v));

		v[0] = arena_printf(mem, "%s \"\\\n\xc3\xbc", f->name);
		v[1] = "second";
		switch (f->type) {
		case FIELD_TEXT:
			field_set_text(f, record, v[0]);
			break;
		case FIELD_LIST:
			field_set_list(f, record, (struct text_list){ v, 2 });
			break;
		case FIELD_NUMBER:
			field_set_number(f, record, (int64_t)i + 100);
			break;
		case FIELD_SWITCH:
			field_set_switch(f, record, i % 2 == 0 ? TRI_ON : TRI_OFF);
			break;
		case FIELD_CHOICE:
			assert_true(field_set_choice(f, record, slice_of(f->choices[1])));
			break;
		}
	}
}

static void
test_every_member_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		const struct field_table *t = &entities[i].table;
		struct arena *mem = arena_new(256 * 1024);
		union org_record from, to, empty;
		struct usher_error err;
		struct buf b;

		buf_init(&b, 64 * 1024);
		touch(mem, t, &from);
		json_write_record(&b, t, &from, JSON_SECRETS);
		if (json_read_record(mem, buf_as_slice(&b), 1, t, &to, &err) != USHER_OK)
			fail_msg("%s: %s: %s", entities[i].name, err.where, err.message);
		if (!record_equal(t, &from, &to))
			fail_msg("%s: %s", entities[i].name, buf_cstr(&b));
		assert_null(strchr(buf_cstr(&b), '\n'));

		buf_reset(&b);
		record_init(t, &empty);
		json_write_record(&b, t, &empty, JSON_SECRETS);
		assert_int_equal(
		    json_read_record(mem, buf_as_slice(&b), 1, t, &to, &err), USHER_OK);
		assert_true(record_equal(t, &empty, &to));
		buf_clear(&b);
		arena_free(mem);
	}
}

static void
test_spelling(void **state)
{
	static const char *const aliases[] = { "n@x.example", "o@x.example" };
	struct certificate c;
	struct credential k;
	struct mailbox m;
	struct domain d;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	record_init(&entities[ENTITY_MAILBOX].table, &m);
	m.address = "nora@x.example";
	m.aliases = (struct text_list){ aliases, 2 };
	m.ews = TRI_OFF;
	json_write_record(&b, &entities[ENTITY_MAILBOX].table, &m, JSON_PLAIN);
	assert_string_equal(buf_cstr(&b),
	    "{\"address\": \"nora@x.example\", \"aliases\": [\"n@x.example\", \"o@x.example\"], "
	    "\"ews\": false}");

	buf_reset(&b);
	record_init(&entities[ENTITY_DOMAIN].table, &d);
	d.domain = "x.example";
	d.kind = DOMAIN_MAIL;
	d.ttl = 0;
	json_write_record(&b, &entities[ENTITY_DOMAIN].table, &d, JSON_PLAIN);
	assert_string_equal(buf_cstr(&b), "{\"domain\": \"x.example\", \"type\": "
					  "\"authoritative\", \"kind\": \"mail\", \"ttl\": 0}");

	buf_reset(&b);
	record_init(&entities[ENTITY_CERTIFICATE].table, &c);
	c.not_after = 1795250100;
	json_write_record(&b, &entities[ENTITY_CERTIFICATE].table, &c, JSON_PLAIN);
	assert_string_equal(buf_cstr(&b), "{\"not_after\": \"2026-11-21T08:35:00Z\"}");

	buf_reset(&b);
	record_init(&entities[ENTITY_CREDENTIAL].table, &k);
	k.login_name = "nora";
	k.password_hash = "$y$hash";
	json_write_record(&b, &entities[ENTITY_CREDENTIAL].table, &k, JSON_PLAIN);
	assert_string_equal(buf_cstr(&b), "{\"login_name\": \"nora\"}");
	buf_clear(&b);
}

#define DEEP8 "[[[[[[[[]]]]]]]]"

static void
test_refused_records(void **state)
{
	static const struct {
		struct slice text;
		usher_status status;
		const char *where;
		const char *message; /* how it begins */
	} rows[] = {
		{ SLICE_LITERAL(""), USHER_E_INPUT, "line 7, column 1", "not a JSON object" },
		{ SLICE_LITERAL(" \n "), USHER_E_INPUT, "line 8, column 2", "not a JSON object" },
		{ SLICE_LITERAL("[]"), USHER_E_INPUT, "line 7, column 1", "not a JSON object" },
		{ SLICE_LITERAL("null"), USHER_E_INPUT, "line 7, column 1", "not a JSON object" },
		{ SLICE_LITERAL("{"), USHER_E_INPUT, "line 7, column 2",
		    "the text ends too early" },
		{ SLICE_LITERAL("{\"a"), USHER_E_INPUT, "line 7, column 2",
		    "a string that begins" },
		{ SLICE_LITERAL("{\"a\\\""), USHER_E_INPUT, "line 7, column 2", "a string that" },
		{ SLICE_LITERAL("{} {}"), USHER_E_INPUT, "line 7, column 4", "something follows" },
		{ SLICE_LITERAL("{\n\"domain\": }"), USHER_E_INPUT, "line 8, column 11",
		    "not JSON" },
		{ SLICE_LITERAL("{\"domain\": \"a\",}"), USHER_E_INPUT, "line 7, column 16",
		    "not JSON" },
		{ SLICE_LITERAL("{'domain': 1}"), USHER_E_INPUT, "line 7, column 2", "not JSON" },
		{ SLICE_LITERAL("{\"domain\": \"a\"]"), USHER_E_INPUT, "line 7, column 15",
		    "not JSON" },
		{ SLICE_LITERAL("{\"domain\": \"a\", \"domain\": \"b\"}"), USHER_E_INPUT, NULL,
		    "a member is repeated" },
		{ SLICE_LITERAL("{\"domain\": \"a\\u0000b\"}"), USHER_E_INPUT, NULL,
		    "a string holds a NUL" },
		{ SLICE_LITERAL("{\"domain\": \"\0\"}"), USHER_E_INPUT, NULL, "not JSON" },
		{ SLICE_LITERAL("{\"domain\": \"\xff\"}"), USHER_E_INPUT, NULL, "not UTF-8" },
		{ SLICE_LITERAL("{\"ttl\": 99999999999999999999}"), USHER_E_INPUT, NULL,
		    "a number is too large" },
		{ SLICE_LITERAL("{\"Domain\": \"a\"}"), USHER_E_INPUT, "line 7, column 1",
		    "'Domain' is no member" },
		{ SLICE_LITERAL("{\"domain\": 1}"), USHER_E_INPUT, NULL,
		    "domain: must be a string" },
		{ SLICE_LITERAL("{\"ttl\": -1}"), USHER_E_INPUT, NULL,
		    "ttl: must be a whole number" },
		{ SLICE_LITERAL("{\"ttl\": 1.5}"), USHER_E_INPUT, NULL, "ttl: must be a whole" },
		{ SLICE_LITERAL("{\"ttl\": \"1\"}"), USHER_E_INPUT, NULL, "ttl: must be a whole" },
		{ SLICE_LITERAL("{\"anonymous\": \"on\"}"), USHER_E_INPUT, NULL,
		    "anonymous: must be true or false" },
		{ SLICE_LITERAL("{\"host_names\": \"a\"}"), USHER_E_INPUT, NULL,
		    "host_names: must be a list of strings" },
		{ SLICE_LITERAL("{\"host_names\": [\"a\", 1]}"), USHER_E_INPUT, NULL,
		    "host_names: must be a list of strings" },
		{ SLICE_LITERAL("{\"kind\": \"mial\"}"), USHER_E_INPUT, NULL,
		    "kind: must be one of \"exchange\", \"mail\", \"redirect-url\"" },
		{ SLICE_LITERAL("{\"kind\": 1}"), USHER_E_INPUT, NULL, "kind: must be one of" },
		{ SLICE_LITERAL("{\"a\": " DEEP8 "}"), USHER_E_LIMIT, NULL, "nested too deeply" },
	};
	const struct field_table *t = &entities[ENTITY_DOMAIN].table;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct usher_error err = { 0 };
		struct domain d;
		usher_status st = json_read_record(mem, rows[i].text, 7, t, &d, &err);

		if (st != rows[i].status ||
		    strncmp(err.message, rows[i].message, strlen(rows[i].message)) != 0 ||
		    (rows[i].where != NULL && strcmp(err.where, rows[i].where) != 0))
			fail_msg("%s: %s: %s", rows[i].text.p, err.where, err.message);
		arena_free(mem);
	}
}

static void
test_taken_records(void **state)
{
	const struct field_table *t = &entities[ENTITY_DOMAIN].table;
	struct arena *mem = arena_new(64 * 1024);
	struct server s;
	struct domain d;

	(void)state;
	assert_int_equal(json_read_record(mem,
			     slice_of("\r\n{ \"domain\" : \"b\\u00fccher.example\", \"kind\":"
				      "\"Mail\", \"ttl\":null, \"display_name\": \"\" } \n"),
			     1, t, &d, NULL),
	    USHER_OK);
	assert_string_equal(d.domain, "b\xc3\xbc"
				      "cher.example");
	assert_int_equal(d.kind, DOMAIN_MAIL);
	assert_int_equal(d.ttl, NUMBER_ABSENT);
	assert_null(d.display_name);
	assert_int_equal(json_read_record(mem, slice_of("{\"created\": \"2026-11-21\"}"), 1,
			     &entities[ENTITY_SERVER].table, &s, NULL),
	    USHER_OK);
	assert_int_equal(s.created, 1795219200);
	assert_int_equal(json_read_record(mem, slice_of("{\"created\": 5}"), 1,
			     &entities[ENTITY_SERVER].table, &s, NULL),
	    USHER_OK);
	assert_int_equal(s.created, 5);
	assert_int_equal(json_read_record(mem, slice_of("{\"created\": \"soon\"}"), 1,
			     &entities[ENTITY_SERVER].table, &s, NULL),
	    USHER_E_INPUT);
	arena_free(mem);
}

static void
test_size_limit(void **state)
{
	static char text[JSON_RECORD_BYTES + 16];
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct domain d;

	(void)state;
	memset(text, ' ', sizeof(text));
	text[0] = '{';
	text[JSON_RECORD_BYTES - 1] = '}';
	assert_int_equal(json_read_record(mem, slice_from(text, sizeof(text)), 1,
			     &entities[ENTITY_DOMAIN].table, &d, NULL),
	    USHER_OK);
	text[JSON_RECORD_BYTES - 1] = ' ';
	text[JSON_RECORD_BYTES] = '}';
	assert_int_equal(json_read_record(mem, slice_from(text, sizeof(text)), 1,
			     &entities[ENTITY_DOMAIN].table, &d, NULL),
	    USHER_E_LIMIT);
	arena_free(mem);
}

/* ---- documents ---- */

static usher_status
note(const struct json_item *item, void *payload, struct usher_error *err)
{
	struct buf *b = payload;

	if (b->n > 2000)
		return err_set(err, USHER_E_CONFLICT, "note", "enough");
	buf_printf(b, "%zu:%s %s\n", item->line, item->entity->name,
	    entity_key_text(item->mem, item->entity, item->record));
	return USHER_OK;
}

static void
test_document(void **state)
{
	static const char text[] = "\xef\xbb\xbf{\n"
				   "  \"mailboxes\": [{\"address\": \"a@x.example\"},\n"
				   "    {\"address\": \"b@x.example\"} ],\n"
				   "  \"domains\": [\n"
				   "    {\"domain\": \"a.example\", \"kind\": \"alias\"},\n"
				   "    {\"domain\": \"x.example\"}\n"
				   "  ],\n"
				   "  \"usher\": 1, \"sites\": [], \"servers\": null,\n"
				   "  \"organization\": {\"name\": \"Contoso [}\"}\n"
				   "}\n";
	struct usher_error err;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(json_read_document(SLICE_LITERAL(text), note, &b, &err), USHER_OK);
	assert_string_equal(buf_cstr(&b), "9:organization \n"
					  "6:domain x.example\n"
					  "5:domain a.example\n"
					  "2:mailbox a@x.example\n"
					  "3:mailbox b@x.example\n");
	buf_clear(&b);
}

static void
test_document_round_trip(void **state)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct json_document d;
	struct usher_error err;
	struct buf text, b;
	size_t lines = 0;

	(void)state;
	buf_init(&text, 1024 * 1024);
	buf_init(&b, 64 * 1024);
	json_document_begin(&d, &text);
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		union org_record r;

		record_init(&entities[i].table, &r);
		json_document_record(&d, &entities[i], &r, JSON_PLAIN);
		if (entities[i].n_keys > 0)
			json_document_record(&d, &entities[i], &r, JSON_PLAIN);
	}
	json_document_end(&d);
	assert_int_equal(text.status, USHER_OK);
	assert_non_null(strstr(buf_cstr(&text), "{\n  \"usher\": 1,\n  \"organization\": {},\n  "
						"\"sites\": [\n    {},\n    {}\n  ],\n"));
	if (json_read_document(buf_as_slice(&text), note, &b, &err) != USHER_OK)
		fail_msg("%s: %s", err.where, err.message);
	for (const char *p = buf_cstr(&b); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2 * ENTITY_COUNT - 1);

	buf_reset(&text);
	json_document_begin(&d, &text);
	json_document_end(&d);
	assert_string_equal(buf_cstr(&text), "{\n  \"usher\": 1\n}\n");
	assert_int_equal(json_read_document(buf_as_slice(&text), note, &b, &err), USHER_OK);
	buf_clear(&text);
	buf_clear(&b);
	arena_free(mem);
}

static void
test_refused_documents(void **state)
{
	static const struct {
		const char *text;
		usher_status status;
		const char *where;
		const char *message;
	} rows[] = {
		{ "", USHER_E_INPUT, "line 1, column 1", "not a JSON object" },
		{ "[]", USHER_E_INPUT, "line 1, column 1", "not a JSON object" },
		{ "{}", USHER_E_INPUT, "line 1, column 1", "no document of usher" },
		{ "{\"usher\": 2}", USHER_E_INPUT, "line 1, column 11", "format 2 is not known" },
		{ "{\"usher\": \"1\"}", USHER_E_INPUT, "line 1, column 11", "usher: must be" },
		{ "{\"usher\": 1", USHER_E_INPUT, "line 1, column 12", "a ',' or '}' is missing" },
		{ "{\"usher\": 1} x", USHER_E_INPUT, "line 1, column 14", "something follows" },
		{ "{\"usher\" 1}", USHER_E_INPUT, "line 1, column 10", "a ':' is missing" },
		{ "{\"usher\":}", USHER_E_INPUT, "line 1, column 10", "a value is missing" },
		{ "{\"usher\": 1,}", USHER_E_INPUT, "line 1, column 13", "a member's name is" },
		{ "{usher: 1}", USHER_E_INPUT, "line 1, column 2", "a member's name is missing" },
		{ "{\"usher\": 1, \"people\": []}", USHER_E_INPUT, NULL, "'people' is no member" },
		{ "{\"usher\": 1, \"domain\": []}", USHER_E_INPUT, NULL, "'domain' is no member" },
		{ "{\"usher\": 1, \"sites\": {}}", USHER_E_INPUT, NULL, "sites: must be a list" },
		{ "{\"usher\": 1, \"organization\": []}", USHER_E_INPUT, NULL,
		    "organization: must" },
		{ "{\"usher\": 1, \"sites\": [], \"sites\": []}", USHER_E_INPUT, NULL,
		    "a member is repeated" },
		{ "{\"usher\": 1,\n\"sites\": [1]}", USHER_E_INPUT, "line 2, column 11",
		    "a record must be" },
		{ "{\"usher\": 1,\n\"sites\": [{},]}", USHER_E_INPUT, "line 2, column 14",
		    "a value is missing" },
		{ "{\"usher\": 1,\n\"sites\": [{} {}]}", USHER_E_INPUT, "line 2, column 14",
		    "a ',' or ']' is missing" },
		{ "{\"usher\": 1,\n\"sites\": [{}}}", USHER_E_INPUT, "line 2, column 13",
		    "a ',' or ']' is missing" },
		{ "{\"usher\": 1,\n\"sites\": [{\"name\": 1}]}", USHER_E_INPUT, "line 2, column 11",
		    "name: must be a string" },
		{ "{\"usher\": 1,\n\"sites\": [{\"name\": x}]}", USHER_E_INPUT, "line 2, column 20",
		    "not JSON" },
		{ "{\"usher\": 1, \"sites\": [" DEEP8 "]}", USHER_E_LIMIT, NULL, "nested too" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct buf b;
		usher_status st;

		buf_init(&b, 4096);
		st = json_read_document(slice_of(rows[i].text), note, &b, &err);
		if (st != rows[i].status ||
		    strncmp(err.message, rows[i].message, strlen(rows[i].message)) != 0 ||
		    (rows[i].where != NULL && strcmp(err.where, rows[i].where) != 0))
			fail_msg("%s: %s: %s", rows[i].text, err.where, err.message);
		buf_clear(&b);
	}
}

static usher_status
stop(const struct json_item *item, void *payload, struct usher_error *err)
{
	size_t *calls = payload;

	(void)item;
	return ++*calls == 2 ? err_set(err, USHER_E_CONFLICT, "here", "no") : USHER_OK;
}

static void
test_callback_stops(void **state)
{
	struct usher_error err;
	size_t calls = 0;

	(void)state;
	assert_int_equal(
	    json_read_document(slice_of("{\"usher\":1,\"sites\":[{},{},{}]}"), stop, &calls, &err),
	    USHER_E_CONFLICT);
	assert_int_equal(calls, 2);
	assert_string_equal(err.where, "here");
}

/* A hash must not leave in a message. */
static void
test_errors_keep_secrets(void **state)
{
	static const char *const texts[] = {
		"{\"login_name\": \"nora\", \"password_hash\": \"$y$top$hash\" \"x\"}",
		"{\"login_name\": \"nora\", \"password_hash\": \"$y$top\\x$hash\"}",
		"{\"login_name\": \"nora\", \"password_hash\": [\"$y$top$hash\"]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct usher_error err = { 0 };
		struct credential k;

		assert_int_equal(json_read_record(mem, slice_of(texts[i]), 1,
				     &entities[ENTITY_CREDENTIAL].table, &k, &err),
		    USHER_E_INPUT);
		assert_null(strstr(err.message, "top"));
		arena_free(mem);
	}
}

/* ---- answers and attempts ---- */

static void
test_answers(void **state)
{
	const struct answer_owa_url owa = { "https://a.example/owa", "Basic" };
	const struct answer_alternative_mailbox alternative = { .type = "Archive" };
	struct answer_protocol p[3];
	struct answer a;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	answer_init(&a, ANSWER_SETTINGS);
	answer_protocol_init(&p[0], PROTOCOL_EXCH);
	answer_protocol_init(&p[1], PROTOCOL_WEB);
	answer_protocol_init(&p[2], PROTOCOL_UNKNOWN);
	p[0].ttl = 0;
	p[0].ssl = TRI_ON;
	p[1].internal = (struct answer_web){ &owa, 1, "EXCH", "https://a.example/ews" };
	p[2].type = "NEW";
	a.user.display_name = "Nora";
	a.account_type = "email";
	a.microsoft_online = TRI_OFF;
	a.alternative_mailboxes = &alternative;
	a.n_alternative_mailboxes = 1;
	a.protocols = p;
	a.n_protocols = 3;
	json_write_answer(&b, &a);
	assert_string_equal(buf_cstr(&b),
	    "{\"kind\": \"settings\", \"user\": {\"display_name\": \"Nora\"}, "
	    "\"account_type\": \"email\", \"microsoft_online\": false, "
	    "\"alternative_mailboxes\": [{\"type\": \"Archive\"}], "
	    "\"protocols\": [{\"type\": \"EXCH\", \"ttl\": 0, \"ssl\": true}, "
	    "{\"type\": \"WEB\", \"internal\": {\"owa\": [{\"url\": \"https://a.example/owa\", "
	    "\"authentication_method\": \"Basic\"}], \"protocol_type\": \"EXCH\", "
	    "\"as_url\": \"https://a.example/ews\"}}, {\"type\": \"NEW\"}]}");

	buf_reset(&b);
	answer_init(&a, ANSWER_REDIRECT_ADDRESS);
	a.redirect = "nora@x.example";
	json_write_answer(&b, &a);
	assert_string_equal(
	    buf_cstr(&b), "{\"kind\": \"redirect-address\", \"redirect\": \"nora@x.example\"}");

	buf_reset(&b);
	answer_init(&a, ANSWER_REFUSAL);
	a.refusal.code = 500;
	json_write_answer(&b, &a);
	assert_string_equal(buf_cstr(&b), "{\"kind\": \"refusal\", \"refusal\": {\"code\": 500}}");
	buf_clear(&b);
}

static void
test_attempts(void **state)
{
	static const char *const dns[] = { "192.0.2.1", "2001:db8::1" };
	struct attempt t;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	attempt_init(&t, SOURCE_AUTODISCOVER);
	t.url = "https://autodiscover.x.example/";
	t.dns = (struct text_list){ dns, 2 };
	t.tls.verdict = TLS_EXPIRED;
	t.tls.subject = "CN=x";
	t.tls.not_after = 0;
	t.result = RESULT_TLS_FAILURE;
	t.credentialed = false;
	t.elapsed_ms = 12;
	json_write_attempt(&b, &t);
	assert_string_equal(buf_cstr(&b),
	    "{\"source\": \"C\", \"source_name\": \"autodiscover host\", "
	    "\"url\": \"https://autodiscover.x.example/\", "
	    "\"dns\": [\"192.0.2.1\", \"2001:db8::1\"], \"result\": \"tls-failure\", \"scheme\": "
	    "\"none\", "
	    "\"elapsed_ms\": 12, \"tls\": {\"verdict\": \"expired\", \"subject\": \"CN=x\", "
	    "\"not_after\": \"1970-01-01T00:00:00Z\"}, \"credentialed\": false}");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member_comes_back),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_refused_records),
		cmocka_unit_test(test_taken_records),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_document_round_trip),
		cmocka_unit_test(test_refused_documents),
		cmocka_unit_test(test_callback_stops),
		cmocka_unit_test(test_errors_keep_secrets),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
