/* test_answer.c - answers compare in every member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/answer.h"
#include "model/evidence.h"

/* Gives the member some value other than absent. */
static void
touch(const struct field *f, void *record)
{
	static const char *const list[] = { "x" };

	switch (f->type) {
	case FIELD_TEXT:
		field_set_text(f, record, "x");
		break;
	case FIELD_LIST:
		field_set_list(f, record, (struct text_list){ list, 1 });
		break;
	case FIELD_NUMBER:
		field_set_number(f, record, 1);
		break;
	case FIELD_SWITCH:
		field_set_switch(f, record, TRI_OFF);
		break;
	case FIELD_CHOICE:
		break;
	}
}

static void
test_each_row_counts(void **state)
{
	struct answer_alternative_mailbox alternatives[2] = { 0 };
	struct answer_protocol protocols[2];
	struct answer a[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		answer_init(&a[i], ANSWER_SETTINGS);
		answer_protocol_init(&protocols[i], PROTOCOL_EXCH);
		a[i].alternative_mailboxes = &alternatives[i];
		a[i].n_alternative_mailboxes = 1;
		a[i].protocols = &protocols[i];
		a[i].n_protocols = 1;
	}
	const struct {
		const struct field_table *table;
		void *first, *second;
	} parts[] = {
		{ &answer_account_table, &a[0], &a[1] },
		{ &answer_user_table, &a[0].user, &a[1].user },
		{ &answer_protocol_table, &protocols[0], &protocols[1] },
		{ &answer_alternative_mailbox_table, &alternatives[0], &alternatives[1] },
	};

	assert_true(answer_equal(&a[0], &a[1]));
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		for (size_t k = 0; k < parts[i].table->n; k++) {
			const struct field *f = &parts[i].table->rows[k];

			touch(f, parts[i].first);
			if (answer_equal(&a[0], &a[1]))
				fail_msg("%s does not count", f->name);
			touch(f, parts[i].second);
			if (!answer_equal(&a[0], &a[1]))
				fail_msg("%s differs from itself", f->name);
		}
	}
	a[0].n_protocols = 0;
	assert_false(answer_equal(&a[0], &a[1]));
	a[0].n_protocols = 1;
	a[0].n_alternative_mailboxes = 0;
	assert_false(answer_equal(&a[0], &a[1]));
}

static void
test_web_sides_count(void **state)
{
	const struct answer_owa_url one = { "https://a.example/owa", "Basic" };
	const struct answer_owa_url other = { "https://a.example/owa", "Fba" };
	struct answer_protocol p, q;
	struct answer a, b;

	(void)state;
	answer_init(&a, ANSWER_SETTINGS);
	answer_protocol_init(&p, PROTOCOL_WEB);
	q = p;
	b = a;
	a.protocols = &p;
	b.protocols = &q;
	a.n_protocols = b.n_protocols = 1;
	assert_true(answer_equal(&a, &b));
	p.internal = (struct answer_web){ &one, 1, "EXCH", "https://a.example/ews" };
	assert_false(answer_equal(&a, &b));
	q.internal = p.internal;
	assert_true(answer_equal(&a, &b));
	q.internal.owa = &other;
	assert_false(answer_equal(&a, &b));
	q.internal = p.internal;
	q.external.as_url = "https://b.example/ews";
	assert_false(answer_equal(&a, &b));
	q.external.as_url = NULL;
	q.kind = PROTOCOL_EXCH;
	assert_false(answer_equal(&a, &b));
}

static void
test_other_kinds(void **state)
{
	struct answer a, b;

	(void)state;
	answer_init(&a, ANSWER_REFUSAL);
	answer_init(&b, ANSWER_REFUSAL);
	a.refusal.code = b.refusal.code = REFUSAL_NOT_FOUND;
	assert_true(answer_equal(&a, &b));
	b.refusal.code = REFUSAL_NO_OPTIONS;
	assert_false(answer_equal(&a, &b));

	answer_init(&a, ANSWER_REDIRECT_URL);
	answer_init(&b, ANSWER_REDIRECT_ADDRESS);
	assert_false(answer_equal(&a, &b));
	answer_init(&b, ANSWER_REDIRECT_URL);
	a.redirect = "https://a.example/";
	assert_false(answer_equal(&a, &b));
	b.redirect = "https://a.example/";
	assert_true(answer_equal(&a, &b));
}

static void
test_names(void **state)
{
	struct attempt t;

	(void)state;
	assert_string_equal(protocol_kind_name(PROTOCOL_MAPI_HTTP), "mapiHttp");
	assert_string_equal(protocol_kind_name(PROTOCOL_UNKNOWN), "unknown");
	for (int letter = SOURCE_SCP; letter <= SOURCE_MICROSOFT_365; letter++)
		assert_string_not_equal(source_name((enum source)letter), "unknown");
	for (int kind = PROTOCOL_EXCH; kind <= PROTOCOL_NNTP; kind++)
		assert_string_not_equal(protocol_kind_name((enum protocol_kind)kind), "unknown");
	assert_string_equal(source_name(SOURCE_ROOT), "https root");
	assert_string_equal(tls_verdict_name(TLS_BROKEN), "broken");
	assert_string_equal(attempt_result_name(RESULT_CANCELLED), "cancelled");
	attempt_init(&t, SOURCE_SRV);
	assert_int_equal(t.source, 'E');
	assert_int_equal(t.http_status, NUMBER_ABSENT);
	assert_int_equal(t.tls.not_after, NUMBER_ABSENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_counts),
		cmocka_unit_test(test_web_sides_count),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
