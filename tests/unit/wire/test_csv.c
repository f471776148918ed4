/* test_csv.c - rows of CSV as spreadsheets write them, and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/csv.h"

/* What is read, a row each: fields in brackets, or `!` for a bad row. */
static const struct row {
	const char *name, *text, *rows;
} rows[] = {
	{ "two rows", "a,b\nc,d\n", "[a][b]|[c][d]|" },
	{ "no line end at the end", "a,b", "[a][b]|" },
	{ "CRLF", "a,b\r\nc,d\r\n", "[a][b]|[c][d]|" },
	{ "a CR alone is text", "a\rb,c\n", "[a\rb][c]|" },
	{ "empty fields", ",\n,,\n", "[][]|[][][]|" },
	{ "empty lines", "\n\na\n\r\n\nb\n\n", "[a]|[b]|" },
	{ "quotes", "\"a,\"\"b\"\"\nc\",d\n", "[a,\"b\"\nc][d]|" },
	{ "empty quotes", "\"\",\"\"\n", "[][]|" },
	{ "blanks are text", " a , b \n", "[ a ][ b ]|" },
	{ "a BOM",
	    "\xef\xbb\xbf"
	    "a,b\n",
	    "[a][b]|" },
	{ "a BOM before a quote", "\xef\xbb\xbf\"a\"\n", "[a]|" },
	{ "semicolons", "a;b\nc,d;e\n", "[a][b]|[c,d][e]|" },
	{ "tabs", "a\tb\n", "[a][b]|" },
	{ "the separator is not in quotes", "\"a,b\";c\n", "[a,b][c]|" },
	{ "a quote in a field", "a\"b,c\nd\n", "!|[d]|" },
	{ "text behind a quote", "\"a\"b,c\nd\n", "!|[d]|" },
	{ "a quote that is not closed", "a\n\"b\nc\n", "[a]|!|" },
	{ "nothing", "", "" },
	{ "a BOM alone", "\xef\xbb\xbf", "" },
	{ "a part of a BOM", "\xef\xbb", "[\xef\xbb]|" },
};

static void
read_all(const char *name, struct slice text, size_t step, struct buf *out)
{
	size_t from = 0, to = 0, used;
	enum csv_result result = CSV_MORE;
	struct csv csv;

	csv_init(&csv);
	while (result != CSV_END) {
		if (result == CSV_MORE)
			to = text.n - to > step ? to + step : text.n;
		result = csv_next(&csv, slice_from(text.p + from, to - from), to == text.n, &used);
		from += used;
		if (result == CSV_TOO_LONG)
			fail_msg("%s: %s", name, csv.fault);
		if (result == CSV_BAD_ROW)
			buf_text(out, "!|");
		if (result != CSV_ROW)
			continue;
		for (size_t i = 0; i < csv.n_fields; i++)
			buf_printf(out, "[%.*s]", (int)csv.fields[i].n, csv.fields[i].p);
		buf_char(out, '|');
	}
	csv_clear(&csv);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t step = 1; step < 40; step += step < 5 ? 1 : 34) {
			struct buf out;

			buf_init(&out, 1024);
			read_all(rows[i].name, slice_of(rows[i].text), step, &out);
			if (!slice_is(buf_as_slice(&out), rows[i].rows))
				fail_msg("%s, %zu bytes at a time: %s", rows[i].name, step,
				    buf_cstr(&out));
			buf_clear(&out);
		}
}

static void
test_numbers(void **state)
{
	static const char text[] = "a\n\n\"b\nb\"\nc\"\nd\n";
	struct slice rest = slice_of(text);
	size_t used, numbers[] = { 1, 2, 3, 4 };
	struct csv csv;

	(void)state;
	csv_init(&csv);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		enum csv_result wanted = i == 2 ? CSV_BAD_ROW : CSV_ROW;

		assert_int_equal(csv_next(&csv, rest, true, &used), wanted);
		assert_int_equal(csv.row, numbers[i]);
		rest = slice_skip(rest, used);
	}
	assert_int_equal(csv_next(&csv, rest, true, &used), CSV_END);
	csv_clear(&csv);
}

static void
test_limits(void **state)
{
	struct buf text;
	struct csv csv;
	size_t used;

	(void)state;
	buf_init(&text, 4 * CSV_ROW_BYTES);
	for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
		buf_char(&text, ',');
	buf_text(&text, "\na\n");
	csv_init(&csv);
	assert_int_equal(csv_next(&csv, buf_as_slice(&text), true, &used), CSV_BAD_ROW);
	assert_int_equal(
	    csv_next(&csv, slice_skip(buf_as_slice(&text), used), true, &used), CSV_ROW);
	csv_clear(&csv);

	buf_reset(&text);
	buf_char(&text, '"');
	while (text.n <= CSV_ROW_BYTES)
		buf_text(&text, "a long line that is in quotes\n");
	csv_init(&csv);
	assert_int_equal(csv_next(&csv, buf_as_slice(&text), false, &used), CSV_TOO_LONG);
	assert_non_null(csv.fault);
	csv_clear(&csv);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
