/* random.h - dice: texts, URLs and whole records drawn at random. */
#ifndef USHER_TESTS_RANDOM_H
#define USHER_TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/field.h"

/* The same seed gives the same on every machine. All lies in `mem`. */
struct dice {
	uint64_t state;
	struct arena *mem;
};

/* 0 to sides - 1 */
uint64_t
dice_roll(struct dice *d, uint64_t sides);

/* Passes `p` through; ends the program when it is NULL. */
void *
dice_must(void *p);

/* With all that an escaper or a parser may stumble over; no blanks at its ends. */
const char *
dice_text(struct dice *d);

const char *
dice_url(struct dice *d);

/* Each member that the language says is there or not, whatever else is. */
void
dice_record(struct dice *d, bool (*says)(const struct field_table *t, const struct field *f),
    const struct field_table *t, void *record);

#endif
