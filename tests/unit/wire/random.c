/* random.c - dice: texts, URLs and whole records drawn at random. */
#include "random.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* splitmix64: any seed will do, and neighbours have nothing in common. */
uint64_t
dice_roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % sides;
}

void *
dice_must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* Characters that an escaper or a parser may stumble over, among plain ones. */
static uint32_t
character(struct dice *d, bool at_end)
{
	static const uint32_t special[] = { '&', '<', '>', '"', '\'', ']', '%', '\\', '@', 0x7f,
		0xa0, 0xe9, 0x20ac, 0x2028, 0xd7ff, 0xe000, 0xfffd, 0x1f600, 0x10ffff };
	static const uint32_t blank[] = { ' ', '\t', '\n', '\r' };

	switch (dice_roll(d, 4)) {
	case 0:
		return special[dice_roll(d, COUNT_OF(special))];
	case 1:
		if (!at_end) /* blanks at the ends are not kept */
			return blank[dice_roll(d, COUNT_OF(blank))];
		FALLTHROUGH;
	default:
		return '0' + (uint32_t)dice_roll(d, 'z' - '0');
	}
}

const char *
dice_text(struct dice *d)
{
	size_t n = 1 + dice_roll(d, 20);
	struct buf b = { .max = 4096 };
	const char *copy;

	for (size_t i = 0; i < n; i++)
		text_put_utf8(&b, character(d, i == 0 || i == n - 1));
	copy = dice_must(arena_copy(d->mem, buf_as_slice(&b)));
	buf_clear(&b);
	return copy;
}

const char *
dice_url(struct dice *d)
{
	return dice_must(arena_printf(d->mem, "https://h%u.example/a?b=%u&c=%u",
	    (unsigned)dice_roll(d, 99), (unsigned)dice_roll(d, 99), (unsigned)dice_roll(d, 99)));
}

static bool
is_date(const struct field *f)
{
	return strcmp(f->name, "expiration_date") == 0;
}

static const char *
text_of_form(struct dice *d, const struct field *f)
{
	if (f->form == FORM_URL)
		return dice_url(d);
	if (is_date(f))
		return dice_must(arena_printf(d->mem, "%08u", (unsigned)dice_roll(d, 99999999)));
	return dice_text(d);
}

static struct text_list
dice_texts(struct dice *d)
{
	size_t n = dice_roll(d, 4);
	const char **v = dice_must(arena_array(d->mem, n, sizeof(*v)));

	for (size_t i = 0; i < n; i++)
		v[i] = dice_text(d);
	return (struct text_list){ v, n };
}

void
dice_record(struct dice *d, bool (*says)(const struct field_table *t, const struct field *f),
    const struct field_table *t, void *record)
{
	record_init(t, record);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (!says(t, f) || dice_roll(d, 3) != 0)
			continue;
		if (f->type == FIELD_TEXT)
			field_set_text(f, record, text_of_form(d, f));
		else if (f->type == FIELD_SWITCH)
			field_set_switch(f, record, dice_roll(d, 2) == 0 ? TRI_OFF : TRI_ON);
		else if (f->type == FIELD_LIST)
			field_set_list(f, record, dice_texts(d));
		else
			field_set_number(f, record,
			    f->min + (int64_t)dice_roll(d, (uint64_t)(f->max - f->min) + 1));
	}
}
