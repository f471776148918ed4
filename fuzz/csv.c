/* csv.c - rows are the same however the text is cut, and every byte is used once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/csv.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all rows, showing `step` further bytes each time; `out` gets what was read. */
static void
read_rows(struct slice text, size_t step, struct buf *out)
{
	struct csv csv;
	size_t from = 0, to = 0;
	enum csv_result result = CSV_MORE;

	csv_init(&csv);
	while (result != CSV_END && result != CSV_TOO_LONG) {
		size_t used;

		if (result == CSV_MORE && to < text.n)
			to = text.n - to > step ? to + step : text.n;
		result = csv_next(&csv, slice_from(text.p + from, to - from), to == text.n, &used);
		if (used > to - from || (result == CSV_MORE && to == text.n))
			abort();
		if (result == CSV_ROW && used == 0)
			abort();
		from += used;
		if (result == CSV_BAD_ROW)
			buf_printf(out, "%zu!%s\n", csv.row, csv.fault);
		if (result != CSV_ROW)
			continue;
		buf_printf(out, "%zu:", csv.row);
		for (size_t i = 0; i < csv.n_fields; i++)
			buf_printf(out, "%zu<%.*s>", csv.fields[i].n, (int)csv.fields[i].n,
			    csv.fields[i].p);
		buf_char(out, '\n');
	}
	if (result == CSV_END && from != text.n)
		abort();
	csv_clear(&csv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size);
	struct buf whole, cut;

	if (size > 64 * 1024)
		return 0;
	buf_init(&whole, 16 * 1024 * 1024);
	buf_init(&cut, 16 * 1024 * 1024);
	read_rows(text, size + 1, &whole);
	read_rows(text, 1 + size % 7, &cut);
	if (!slice_eq(buf_as_slice(&whole), buf_as_slice(&cut)))
		abort();
	buf_clear(&whole);
	buf_clear(&cut);
	return 0;
}
