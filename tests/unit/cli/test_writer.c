/* test_writer.c - what the two writers make of the same calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/writer.h"
#include "model/org.h"

static const struct column columns[] = { { "name", "NAME" }, { "n", "N", true }, { "gone", "GONE" },
	{ "last", "LAST" } };

static void
a_table(struct writer *w)
{
	static const char *const names[] = { "a", "Bücher", "本", "e\xcc\x81" };

	write_list(w, NULL, columns, COUNT_OF(columns));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		write_open(w, NULL, NULL);
		write_text(w, "name", names[i]);
		write_number(w, "n", (int64_t)(i * 60));
		write_text(w, "hidden", "x");
		if (i != 3)
			write_flag(w, "last", i == 0);
		write_close(w);
	}
	write_list_end(w);
}

static void
a_block(struct writer *w)
{
	const char *const two[] = { "one", "two" };
	const struct text_list list = { two, 2 };

	write_open(w, NULL, NULL);
	write_text(w, "legacy_dn", "/o=A");
	write_text(w, "absent", NULL);
	write_text(w, "oauth2_issuer", "b");
	write_texts(w, "aliases", &list);
	write_say(w, "for people");
	write_open(w, "inner", NULL);
	write_number(w, "count", 3);
	write_number(w, "no_number", NUMBER_ABSENT);
	write_close(w);
	write_list(w, "plain", NULL, 0);
	write_text(w, NULL, "x");
	write_list_end(w);
	write_close(w);
}

/* Texts of peers and files must not steer a terminal. */
static void
a_trap(struct writer *w)
{
	write_open(w, NULL, "title\x1b[2J");
	write_text(w, "name",
	    "a\x1b]0;x\a\nb\xc2\x9b"
	    "31m\xe2\x80\xae\xff\"");
	write_say(w, "%s", "say\x1b[31m");
	write_close(w);
}

static void
nothing(struct writer *w)
{
	write_list(w, NULL, columns, COUNT_OF(columns));
	write_list_end(w);
}

static const struct form {
	const char *name;
	void (*write)(struct writer *w);
	const char *text, *json;
} forms[] = {
	{ "a table", a_table,
	    "NAME      N  LAST\n"
	    "a         0  on\n"
	    "Bücher   60  off\n"
	    "本      120  off\n"
	    "e\xcc\x81       180\n",
	    "[\n"
	    "  {\"name\": \"a\", \"n\": 0, \"hidden\": \"x\", \"last\": true},\n"
	    "  {\"name\": \"Bücher\", \"n\": 60, \"hidden\": \"x\", \"last\": false},\n"
	    "  {\"name\": \"本\", \"n\": 120, \"hidden\": \"x\", \"last\": false},\n"
	    "  {\"name\": \"e\xcc\x81\", \"n\": 180, \"hidden\": \"x\"}\n"
	    "]\n" },
	{ "a block", a_block,
	    "Legacy DN      /o=A\n"
	    "OAuth2 issuer  b\n"
	    "Aliases        one\n"
	    "               two\n"
	    "for people\n"
	    "\n"
	    "Inner\n"
	    "  Count  3\n"
	    "  x\n",
	    "{\n"
	    "  \"legacy_dn\": \"/o=A\",\n"
	    "  \"absent\": null,\n"
	    "  \"oauth2_issuer\": \"b\",\n"
	    "  \"aliases\": [\"one\", \"two\"],\n"
	    "  \"inner\": {\n"
	    "    \"count\": 3,\n"
	    "    \"no_number\": null\n"
	    "  },\n"
	    "  \"plain\": [\n"
	    "    \"x\"\n"
	    "  ]\n"
	    "}\n" },
	{ "a trap", a_trap,
	    "title?[2J\n"
	    "  Name  a?]0;x??b?31m??\"\n"
	    "  say?[31m\n",
	    "{\n"
	    "  \"name\": \"a\\u001b]0;x\\u0007\\nb\xc2\x9b"
	    "31m\xe2\x80\xae\xef\xbf\xbd\\\"\"\n"
	    "}\n" },
	{ "nothing", nothing, "", "[]\n" },
};

static char *
printed(struct writer *(*make)(FILE *out), void (*write)(struct writer *w))
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct writer *w;

	assert_non_null(f);
	w = make(f);
	assert_non_null(w);
	write(w);
	assert_int_equal(writer_end(w, NULL), USHER_OK);
	(void)fclose(f);
	return text;
}

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char *text = printed(writer_text, forms[i].write);
		char *json = printed(writer_json, forms[i].write);

		if (strcmp(text, forms[i].text) != 0)
			fail_msg("%s as text:\n%s", forms[i].name, text);
		if (strcmp(json, forms[i].json) != 0)
			fail_msg("%s as JSON:\n%s", forms[i].name, json);
		free(text);
		free(json);
	}
}

/* The widths are settled by the first rows; a later, wider one pushes the rest of its line. */
static void
many_rows(struct writer *w)
{
	char name[80];

	write_list(w, NULL, columns, 2);
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(
		    name, sizeof(name), i == 99999 ? "a-name-that-is-longer-than-all" : "%d", i);
		write_open(w, NULL, NULL);
		write_text(w, "name", name);
		write_number(w, "n", i % 7);
		write_close(w);
	}
	write_list_end(w);
}

static void
test_many_rows(void **state)
{
	static const char end[] = "\n99998  3\na-name-that-is-longer-than-all  4\n";
	char *text = printed(writer_text, many_rows);
	size_t n = strlen(text);

	(void)state;
	assert_memory_equal(text, "NAME  N\n0     0\n", 16);
	assert_true(n > sizeof(end));
	assert_string_equal(text + n - (sizeof(end) - 1), end);
	free(text);
}

static void
test_secrets_stay(void **state)
{
	const struct credential c = { .login_name = "u", .password_hash = "$y$secret" };
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct writer *w = writer_json(f);

	(void)state;
	assert_non_null(w);
	write_open(w, NULL, NULL);
	write_record(w, &entities[ENTITY_CREDENTIAL].table, &c);
	write_close(w);
	assert_int_equal(writer_end(w, NULL), USHER_OK);
	(void)fclose(f);
	assert_null(strstr(text, "secret"));
	assert_non_null(strstr(text, "\"u\""));
	free(text);
}

static void
test_full_disk(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct usher_error err = { 0 };
	struct writer *w;

	(void)state;
	if (f == NULL)
		skip();
	w = writer_text(f);
	assert_non_null(w);
	write_say(w, "anything");
	assert_int_equal(writer_end(w, &err), USHER_E_IO);
	assert_string_equal(err.where, "standard output");
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_secrets_stay),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
