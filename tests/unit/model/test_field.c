/* test_field.c - rows read, write, compare and copy what they describe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/org.h"

static const struct field *
row(const struct field_table *t, const char *name)
{
	const struct field *f = field_find(t, name);

	assert_non_null(f);
	return f;
}

static void
test_absent_at_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		const struct field_table *t = &entities[i].table;
		union org_record r;

		memset(&r, 0x55, sizeof(r));
		record_init(t, &r);
		for (size_t k = 0; k < t->n; k++)
			if (!field_absent(&t->rows[k], &r))
				fail_msg("%s.%s", entities[i].name, t->rows[k].name);
	}
}

/* What the other parts take for granted about the tables. */
static void
test_tables_are_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		const struct entity *e = &entities[i];

		assert_int_equal(e->id, i);
		assert_ptr_equal(entity_find(slice_of(e->name)), e);
		assert_ptr_equal(entity_find(slice_of(e->plural)), e);
		assert_true(e->table.size <= sizeof(union org_record));
		for (size_t k = 0; k < e->table.n; k++) {
			const struct field *f = &e->table.rows[k];

			if (((f->flags & FIELD_KEY) != 0) != (k < e->n_keys))
				fail_msg("%s.%s: keys come first", e->name, f->name);
			if ((f->type == FIELD_CHOICE) != (f->choices != NULL))
				fail_msg("%s.%s: choices", e->name, f->name);
			if (f->help == NULL || strlen(f->help) > 80 ||
			    f->help[strlen(f->help) - 1] == '.')
				fail_msg("%s.%s: help", e->name, f->name);
			assert_ptr_equal(field_find(&e->table, f->name), f);
		}
	}
	assert_null(entity_find(slice_of("nothing")));
}

static void
test_set_and_get(void **state)
{
	static const char *const names[] = { "a@x.example", "b@x.example" };
	const struct field_table *boxes = &entities[ENTITY_MAILBOX].table;
	const struct field_table *domains = &entities[ENTITY_DOMAIN].table;
	struct mailbox m;
	struct domain d;

	(void)state;
	record_init(boxes, &m);
	record_init(domains, &d);
	field_set_text(row(boxes, "address"), &m, "nora@x.example");
	field_set_list(row(boxes, "aliases"), &m, (struct text_list){ names, 2 });
	field_set_switch(row(boxes, "ews"), &m, TRI_OFF);
	field_set_number(row(domains, "ttl"), &d, 7);
	assert_true(field_set_choice(row(domains, "kind"), &d, slice_of("Redirect-URL")));
	assert_false(field_set_choice(row(domains, "kind"), &d, slice_of("redirect")));

	assert_string_equal(m.address, "nora@x.example");
	assert_int_equal(field_list(row(boxes, "aliases"), &m)->n, 2);
	assert_int_equal(field_switch(row(boxes, "ews"), &m), TRI_OFF);
	assert_int_equal(m.ews, TRI_OFF);
	assert_int_equal(field_number(row(domains, "ttl"), &d), 7);
	assert_int_equal(d.kind, DOMAIN_REDIRECT_URL);
	assert_string_equal(field_choice_name(row(domains, "kind"), &d), "redirect-url");
	assert_string_equal(field_text(row(boxes, "address"), &m), "nora@x.example");
}

static void
test_copy_is_deep_and_equal(void **state)
{
	static const char *const names[] = { "a@x.example", "b@x.example" };
	const struct field_table *t = &entities[ENTITY_MAILBOX].table;
	struct arena *mem = arena_new(4096);
	struct arena *small = arena_new(20);
	char address[] = "nora@x.example";
	struct mailbox m, copy;

	(void)state;
	record_init(t, &m);
	m.address = address;
	m.aliases = (struct text_list){ names, 2 };
	m.enabled = TRI_ON;
	assert_true(record_copy(mem, t, &copy, &m));
	assert_true(record_equal(t, &m, &copy));
	address[0] = 'X';
	assert_string_equal(copy.address, "nora@x.example");
	assert_false(record_equal(t, &m, &copy));
	address[0] = 'n';
	copy.aliases.n = 1;
	assert_false(record_equal(t, &m, &copy));
	assert_false(record_copy(small, t, &copy, &m));
	arena_free(mem);
	arena_free(small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent_at_first),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_set_and_get),
		cmocka_unit_test(test_copy_is_deep_and_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
