/* notes.c - what a reader passed over, told to people. */
#include "wire/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_BYTES = 240 };

void
notes_add(struct notes *notes, const char *format, ...)
{
	char text[NOTE_BYTES];
	va_list args;

	if (notes->n == NOTES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	notes->texts[notes->n] = arena_strdup(notes->mem, text);
	notes->failed = notes->failed || notes->texts[notes->n] == NULL;
	notes->n++;
}

bool
notes_end(struct notes *notes, struct text_list *out)
{
	const char **v;

	if (notes->failed)
		return false;
	v = arena_array(notes->mem, notes->n, sizeof(*v));
	if (v == NULL)
		return false;
	for (size_t i = 0; i < notes->n; i++)
		v[i] = notes->texts[i];
	*out = (struct text_list){ v, notes->n };
	return true;
}
