/* deadline.c - lists of stages in order of entry. */
#include "server/deadline.h"

#include <stddef.h>

void
deadlines_init(struct deadlines *all)
{
	*all = (struct deadlines){ 0 };
	for (int s = 0; s < STAGES; s++)
		all->lists[s].prev = all->lists[s].next = &all->lists[s];
}

void
deadline_leave(struct deadline *d)
{
	if (d->prev == NULL)
		return;
	d->prev->next = d->next;
	d->next->prev = d->prev;
	d->prev = d->next = NULL;
}

void
deadline_enter(struct deadlines *all, struct deadline *d, enum stage stage, uint64_t now_ms)
{
	struct deadline *list = &all->lists[stage];

	deadline_leave(d);
	d->stage = stage;
	d->since_ms = now_ms;
	d->prev = list->prev;
	d->next = list;
	list->prev->next = d;
	list->prev = d;
}

struct deadline *
deadline_oldest(struct deadlines *all, enum stage stage)
{
	return deadline_after(all, &all->lists[stage]);
}

struct deadline *
deadline_after(struct deadlines *all, struct deadline *d)
{
	struct deadline *next = d->next;

	/* The heads are the only entries inside `all`. */
	return next >= all->lists && next < all->lists + STAGES ? NULL : next;
}

struct deadline *
deadline_late(struct deadlines *all, uint64_t now_ms)
{
	for (enum stage s = 0; s < STAGES; s++) {
		struct deadline *d = deadline_oldest(all, s);

		if (d != NULL && now_ms >= d->since_ms + all->stage_ms[s])
			return d;
	}
	return NULL;
}

uint64_t
deadline_first_ms(struct deadlines *all)
{
	uint64_t first = UINT64_MAX;

	for (enum stage s = 0; s < STAGES; s++) {
		struct deadline *d = deadline_oldest(all, s);

		if (d != NULL && d->since_ms + all->stage_ms[s] < first)
			first = d->since_ms + all->stage_ms[s];
	}
	return first;
}
