/* check_inside.h - what the files of a check share while its rows are made. */
#ifndef USHER_RESOLVE_CHECK_INSIDE_H
#define USHER_RESOLVE_CHECK_INSIDE_H

#include "resolve/making.h"
#include "resolve/resolve_check.h"

enum { CHECK_DAY_S = 24 * 60 * 60, CHECK_TEXT_BYTES = 4096 };

/* Rows in the making. Out of memory sticks. */
struct judging {
	struct arena *mem;
	struct check *c;
	const struct deployment *plan;
	bool failed;
};

void
check_put_row(struct judging *j, struct check_row row);

/* `a, b, c`. */
const char *
check_listed(struct judging *j, const struct text_list *l);

/* What was seen at a site: its certificate, and its answer. */
void
check_judge_site(struct judging *j, const struct check_site *s);

#endif
