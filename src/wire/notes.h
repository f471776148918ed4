/* notes.h - what a reader passed over, told to people: answer.findings in the making. */
#ifndef USHER_WIRE_NOTES_H
#define USHER_WIRE_NOTES_H

#include "base/arena.h"
#include "base/compat.h"
#include "model/field.h"

enum { NOTES_MAX = 50 }; /* what is more is not told */

struct notes {
	struct arena *mem;
	const char *texts[NOTES_MAX];
	size_t n;
	bool failed; /* out of memory; sticks */
};

void
notes_add(struct notes *notes, const char *format, ...) PRINTF_LIKE(2, 3);

/* The list, in the arena. False when out of memory. */
bool
notes_end(struct notes *notes, struct text_list *out);

#endif
