/* test_refresh.c - when profiles are refreshed, in virtual time: told weeks by table, and random
 * ones by what must always hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compat.h"
#include "plan/refresh.h"

#define MINUTE 60
#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define EPOCH INT64_C(1790000000) /* when the tables begin */

static const struct refresh_policy usual;

/* ---- told weeks ---- */

struct happening {
	int64_t at_s; /* since EPOCH */
	enum refresh_cause event;
};

/* What the searches that begin at `from_s` and later end in. */
struct weather {
	int64_t from_s;
	enum refresh_outcome outcome;
};

struct expected {
	unsigned layers;
	enum refresh_cause cause; /* REFRESH_NOTHING: any */
	int64_t from_s, to_s;	  /* after the search before, or the beginning */
};

struct scene {
	const char *name;
	int64_t ttl_hours;
	int64_t until_s;
	struct happening events[8];
	struct weather weather[4];
	struct expected searches[16];
};

#define SERVICES REFRESH_SERVICES
#define BOTH REFRESH_BOTH
#define CONNECTION REFRESH_CONNECTION

static const struct scene scenes[] = {
	{ "a new profile is filled, then its services are kept fresh", NUMBER_ABSENT, 4 * HOUR,
	    { { 0, REFRESH_CREATED } }, { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_EXPIRED, HOUR, HOUR * 5 / 4 },
		{ SERVICES, REFRESH_EXPIRED, HOUR, HOUR * 5 / 4 },
		{ SERVICES, REFRESH_EXPIRED, HOUR, HOUR * 5 / 4 },
	    } },
	{ "the service says how long", 12, 13 * HOUR, { { 0, REFRESH_CREATED } }, { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_EXPIRED, 12 * HOUR, 15 * HOUR },
	    } },
	{ "TTL 0 is for ever", 0, 4 * WEEK, { { 0, REFRESH_CREATED } }, { { 0 } },
	    { { BOTH, REFRESH_CREATED, 0, 0 } } },
	{ "what never expires is asked for again after a failure until it is there", 0, WEEK,
	    { { 0, REFRESH_CREATED }, { DAY, REFRESH_NETWORK_CHANGED } },
	    { { 0, REFRESH_FOUND }, { DAY, REFRESH_FAILED }, { DAY + 8 * MINUTE, REFRESH_FOUND } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_NETWORK_CHANGED, DAY, DAY },
		{ SERVICES, REFRESH_RETRY, 300, 375 },
		{ SERVICES, REFRESH_RETRY, 300, 375 },
	    } },
	{ "nobody can be reached: every five minutes", NUMBER_ABSENT, 25 * MINUTE,
	    { { 0, REFRESH_CREATED } }, { { 0, REFRESH_FAILED }, { 13 * MINUTE, REFRESH_FOUND } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_RETRY, 300, 375 },
		{ BOTH, REFRESH_RETRY, 300, 375 },
		{ BOTH, REFRESH_RETRY, 300, 375 },
	    } },
	{ "a client that never fails keeps old connection settings", 0, 52 * WEEK,
	    { { 0, REFRESH_CREATED }, { WEEK, REFRESH_STARTED }, { 2 * WEEK, REFRESH_ASKED },
		{ 3 * WEEK, REFRESH_NETWORK_CHANGED } },
	    { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_STARTED, WEEK, WEEK },
		{ SERVICES, REFRESH_ASKED, WEEK, WEEK },
		{ SERVICES, REFRESH_NETWORK_CHANGED, WEEK, WEEK },
	    } },
	{ "the first failure is free, then six hours", 0, 20 * HOUR,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_CONNECTION_FAILED } }, { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_CONNECTION_FAILED, HOUR, HOUR },
		{ CONNECTION, REFRESH_CYCLE, 6 * HOUR, 6 * HOUR },
		{ CONNECTION, REFRESH_CYCLE, 6 * HOUR, 6 * HOUR },
		{ CONNECTION, REFRESH_CYCLE, 6 * HOUR, 6 * HOUR },
	    } },
	{ "further failures refresh services alone, not within five minutes", 0, 6 * HOUR,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_CONNECTION_FAILED },
		{ HOUR + 10, REFRESH_CONNECTION_FAILED }, { HOUR + 20, REFRESH_CONNECTION_FAILED },
		{ 2 * HOUR, REFRESH_CONNECTION_FAILED } },
	    { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_CONNECTION_FAILED, HOUR, HOUR },
		{ SERVICES, REFRESH_CONNECTION_FAILED, 300, 300 },
		{ SERVICES, REFRESH_CONNECTION_FAILED, 55 * MINUTE, 55 * MINUTE },
	    } },
	{ "a free request that reaches nobody is not used up", 0, 3 * HOUR,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_CONNECTION_FAILED } },
	    { { 0, REFRESH_FOUND }, { HOUR, REFRESH_FAILED }, { HOUR + 60, REFRESH_FOUND } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_CONNECTION_FAILED, HOUR, HOUR },
		{ BOTH, REFRESH_RETRY, 300, 375 },
	    } },
	{ "a start gives a new free request and ends the six hours", 0, 9 * HOUR,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_CONNECTION_FAILED },
		{ 3 * HOUR, REFRESH_STARTED }, { 8 * HOUR, REFRESH_CONNECTION_FAILED } },
	    { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_CONNECTION_FAILED, HOUR, HOUR },
		{ SERVICES, REFRESH_STARTED, 2 * HOUR, 2 * HOUR },
		{ BOTH, REFRESH_CONNECTION_FAILED, 5 * HOUR, 5 * HOUR },
	    } },
	{ "repair takes all anew at once", 0, DAY,
	    { { 0, REFRESH_CREATED }, { 5, REFRESH_REPAIR }, { 6, REFRESH_REPAIR } }, { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_REPAIR, 5, 5 },
		{ BOTH, REFRESH_REPAIR, 1, 1 },
	    } },
	{ "a mailbox that has moved is asked for whole", 0, DAY,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_MAILBOX_MOVED },
		{ HOUR + 1, REFRESH_MAILBOX_MOVED } },
	    { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_MAILBOX_MOVED, HOUR, HOUR },
		{ BOTH, REFRESH_MAILBOX_MOVED, 30, 30 },
	    } },
	{ "a network that comes and goes is not hammered", 0, HOUR,
	    { { 0, REFRESH_CREATED }, { 100, REFRESH_NETWORK_CHANGED },
		{ 101, REFRESH_NETWORK_CHANGED }, { 102, REFRESH_NETWORK_CHANGED },
		{ 120, REFRESH_NETWORK_CHANGED } },
	    { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_NETWORK_CHANGED, 100, 100 },
		{ SERVICES, REFRESH_NETWORK_CHANGED, 30, 30 },
	    } },
	{ "the network comes back: no waiting for the retry", 0, HOUR,
	    { { 0, REFRESH_CREATED }, { 60, REFRESH_NETWORK_CHANGED } },
	    { { 0, REFRESH_FAILED }, { 60, REFRESH_FOUND } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_NETWORK_CHANGED, 60, 60 },
	    } },
	{ "a refused password is not tried again before an hour", 0, 4 * HOUR,
	    { { 0, REFRESH_CREATED }, { HOUR, REFRESH_CONNECTION_FAILED },
		{ HOUR + 60, REFRESH_NETWORK_CHANGED }, { HOUR + 90, REFRESH_CONNECTION_FAILED },
		{ HOUR + 99, REFRESH_MAILBOX_MOVED } },
	    { { 0, REFRESH_FOUND }, { HOUR, REFRESH_REFUSED }, { HOUR + 9, REFRESH_FOUND } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_CONNECTION_FAILED, HOUR, HOUR },
		{ BOTH, REFRESH_NOTHING, HOUR, HOUR },
	    } },
	{ "somebody who starts anew or asks may have another password", 0, HOUR,
	    { { 0, REFRESH_CREATED }, { 60, REFRESH_STARTED }, { 70, REFRESH_ASKED } },
	    { { 0, REFRESH_REFUSED } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ BOTH, REFRESH_STARTED, 60, 60 },
		{ SERVICES, REFRESH_ASKED, 10, 10 },
	    } },
	{ "starts one upon the other count once", 0, HOUR,
	    { { 0, REFRESH_CREATED }, { 2, REFRESH_STARTED }, { 3, REFRESH_STARTED } }, { { 0 } },
	    {
		{ BOTH, REFRESH_CREATED, 0, 0 },
		{ SERVICES, REFRESH_STARTED, 30, 30 },
	    } },
};

static enum refresh_outcome
outcome_at(const struct scene *s, int64_t at_s)
{
	enum refresh_outcome outcome = s->weather[0].outcome;

	for (size_t i = 1; i < COUNT_OF(s->weather) && s->weather[i].from_s > 0; i++) {
		if (at_s >= s->weather[i].from_s)
			outcome = s->weather[i].outcome;
	}
	return outcome;
}

static size_t
count_events(const struct scene *s)
{
	size_t n = 1;

	while (n < COUNT_OF(s->events) && s->events[n].event != REFRESH_NOTHING)
		n++;
	return n;
}

/* Runs one scene with one seed; the searches must be those of the table. */
static void
play(const struct scene *s, uint64_t seed)
{
	const size_t n_events = count_events(s);
	int64_t now_s = EPOCH, last_s = EPOCH;
	struct refresh_due due;
	struct refresh r;
	size_t event = 0, n = 0;

	refresh_init(&r);
	for (;;) {
		while (event < n_events && EPOCH + s->events[event].at_s <= now_s)
			refresh_event(&r, &usual, s->events[event++].event, now_s);
		refresh_next(&r, now_s, &due);
		if (due.at_s != NUMBER_ABSENT && due.at_s <= now_s) {
			const struct expected *e = &s->searches[n];

			if (n == COUNT_OF(s->searches) || e->layers == 0)
				fail_msg(
				    "%s: search %zu at %lld for layers %u, because %s, is too much",
				    s->name, n, (long long)(now_s - EPOCH), due.layers,
				    refresh_cause_text(due.cause));
			if (due.layers != e->layers ||
			    (e->cause != REFRESH_NOTHING && due.cause != e->cause) ||
			    now_s - last_s < e->from_s || now_s - last_s > e->to_s)
				fail_msg("%s: search %zu: after %lld s, layers %u, because %s",
				    s->name, n, (long long)(now_s - last_s), due.layers,
				    refresh_cause_text(due.cause));
			refresh_done(&r, &usual, due.layers, outcome_at(s, now_s - EPOCH),
			    s->ttl_hours, now_s, seed + n);
			last_s = now_s;
			n++;
			continue;
		}
		now_s = due.at_s == NUMBER_ABSENT ? INT64_MAX : due.at_s;
		if (event < n_events && EPOCH + s->events[event].at_s < now_s)
			now_s = EPOCH + s->events[event].at_s;
		if (now_s > EPOCH + s->until_s)
			break;
	}
	if (n < COUNT_OF(s->searches) && s->searches[n].layers != 0 && s->searches[n].to_s > 0 &&
	    last_s + s->searches[n].to_s <= EPOCH + s->until_s)
		fail_msg("%s: search %zu did not come", s->name, n);
}

static void
test_scenes(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(scenes); i++) {
		for (uint64_t seed = 0; seed < 200; seed++)
			play(&scenes[i], seed);
	}
}

/* ---- jitter ---- */

static void
test_jitter_uses_its_whole_range(void **state UNUSED)
{
	int64_t least = INT64_MAX, most = 0;

	for (uint64_t seed = 0; seed < 20000; seed++) {
		struct refresh_due due;
		struct refresh r;

		refresh_init(&r);
		refresh_done(&r, &usual, BOTH, REFRESH_FOUND, 1, EPOCH, seed);
		refresh_next(&r, EPOCH, &due);
		least = due.at_s < least ? due.at_s : least;
		most = due.at_s > most ? due.at_s : most;
	}
	assert_int_equal(least, EPOCH + HOUR);
	assert_int_equal(most, EPOCH + HOUR * 5 / 4);
}

static void
test_intervals_of_ones_own(void **state UNUSED)
{
	static const struct refresh_policy mine = {
		.ttl_s = 2, .retry_s = 3, .cycle_s = 50, .refused_s = 60
	};
	struct refresh_due due;
	struct refresh r;

	refresh_init(&r);
	refresh_done(&r, &mine, BOTH, REFRESH_FOUND, 0, EPOCH, 1);
	refresh_next(&r, EPOCH, &due);
	assert_int_equal(due.at_s, EPOCH + 2);
	refresh_done(&r, &mine, SERVICES, REFRESH_FAILED, NUMBER_ABSENT, EPOCH + 2, 1);
	refresh_next(&r, EPOCH + 2, &due);
	assert_int_equal(due.at_s, EPOCH + 5);
	refresh_event(&r, &mine, REFRESH_CONNECTION_FAILED, EPOCH + 40);
	refresh_done(&r, &mine, BOTH, REFRESH_FOUND, 1, EPOCH + 40, 1);
	assert_int_equal(r.connection.due_s, EPOCH + 90);
	refresh_done(&r, &mine, SERVICES, REFRESH_REFUSED, 1, EPOCH + 50, 1);
	refresh_next(&r, EPOCH + 50, &due);
	assert_in_range(due.at_s, EPOCH + 110, EPOCH + 125);
}

static void
test_intervals_of_ones_own_count_from_the_start(void **state UNUSED)
{
	static const struct refresh_policy mine = { .ttl_s = 2, .retry_s = 3 };
	struct refresh_due due;
	struct refresh r;

	refresh_init(&r);
	refresh_done(&r, &usual, BOTH, REFRESH_FOUND, 0, EPOCH, 1);
	refresh_event(&r, &mine, REFRESH_STARTED, EPOCH + 1);
	refresh_next(&r, EPOCH + 1, &due);
	assert_int_equal(due.at_s, EPOCH + 2);
	assert_int_equal(due.cause, REFRESH_EXPIRED);
	refresh_done(&r, &usual, SERVICES, REFRESH_FAILED, 0, EPOCH + 2, 1);
	refresh_event(&r, &mine, REFRESH_STARTED, EPOCH + 3);
	refresh_next(&r, EPOCH + 3, &due);
	assert_int_equal(due.at_s, EPOCH + 5);
	assert_int_equal(due.cause, REFRESH_RETRY);
}

static void
test_the_end_of_time(void **state UNUSED)
{
	static const int64_t ttls[] = { 1, INT32_MAX, INT64_MAX };

	for (size_t i = 0; i < COUNT_OF(ttls); i++) {
		struct refresh_due due;
		struct refresh r;

		refresh_init(&r);
		refresh_done(
		    &r, &usual, BOTH, REFRESH_FOUND, ttls[i], FIELD_TIME_MAX - 5, UINT64_MAX);
		refresh_next(&r, FIELD_TIME_MAX - 5, &due);
		assert_in_range(due.at_s, FIELD_TIME_MAX - 5, FIELD_TIME_MAX);
	}
}

/* ---- random weeks ---- */

struct life {
	struct refresh r;
	uint64_t chance;
	int64_t true_s; /* time that passes for the machine's owner */
	int64_t wall_s; /* what its clock says */

	int64_t ttl_hours;
	bool forced;	 /* somebody has asked since the last search */
	bool wants;	 /* an event has called for the connection layer, or its search failed */
	bool leapt;	 /* the clock was set forward: early is right */
	int64_t leapt_s; /* true time of the last time it was */
	int64_t last_s;	 /* true time of the last search; -1: none */
	enum refresh_outcome last;
	int64_t failed_s; /* of the last one that found nothing */
	size_t searches;
};

static uint64_t
chance(struct life *l, uint64_t n)
{
	l->chance = l->chance * 6364136223846793005u + 1442695040888963407u;
	return (l->chance >> 33) % n;
}

static void
happen(struct life *l)
{
	static const enum refresh_cause events[] = { REFRESH_REPAIR, REFRESH_ASKED, REFRESH_STARTED,
		REFRESH_NETWORK_CHANGED, REFRESH_CONNECTION_FAILED, REFRESH_CONNECTION_FAILED,
		REFRESH_MAILBOX_MOVED };
	enum refresh_cause event = events[chance(l, COUNT_OF(events))];

	refresh_event(&l->r, &usual, event, l->wall_s);
	l->forced = l->forced || event == REFRESH_REPAIR || event == REFRESH_ASKED ||
		    (event == REFRESH_STARTED && l->last == REFRESH_REFUSED);
	l->wants = l->wants || event == REFRESH_REPAIR || event == REFRESH_CONNECTION_FAILED ||
		   event == REFRESH_MAILBOX_MOVED;
}

/* Set back, or forward, by seconds to days. */
static void
set_clock(struct life *l)
{
	int64_t by_s = (int64_t)chance(l, 3 * DAY) + 1;

	if (chance(l, 2) == 0) {
		l->wall_s -= by_s;
	} else {
		l->wall_s += by_s;
		l->leapt = true;
		l->leapt_s = l->true_s;
	}
}

static void
check_search(const struct life *l, const struct refresh_due *due)
{
	int64_t gap_s = l->last_s < 0 ? INT64_MAX : l->true_s - l->last_s;

	if (l->forced || l->leapt)
		return;
	if (gap_s < REFRESH_CALM_S)
		fail_msg("a search %lld s after another, because %s", (long long)gap_s,
		    refresh_cause_text(due->cause));
	if (l->last == REFRESH_REFUSED && l->last_s >= 0 && gap_s < REFRESH_REFUSED_S)
		fail_msg("a refused password again after %lld s, because %s", (long long)gap_s,
		    refresh_cause_text(due->cause));
	if ((due->layers & CONNECTION) != 0 && !l->wants)
		fail_msg("the connection layer, because %s", refresh_cause_text(due->cause));
	if (due->cause == REFRESH_EXPIRED && gap_s < HOUR)
		fail_msg("expired after %lld s", (long long)gap_s);
	if (due->cause == REFRESH_RETRY && l->leapt_s < l->failed_s &&
	    l->true_s - l->failed_s < REFRESH_RETRY_S)
		fail_msg("a retry after %lld s", (long long)(l->true_s - l->failed_s));
}

static void
search(struct life *l, const struct refresh_due *due)
{
	static const enum refresh_outcome outcomes[] = { REFRESH_FOUND, REFRESH_FOUND,
		REFRESH_FAILED, REFRESH_REFUSED };
	enum refresh_outcome outcome = outcomes[chance(l, COUNT_OF(outcomes))];

	check_search(l, due);
	refresh_done(
	    &l->r, &usual, due->layers, outcome, l->ttl_hours, l->wall_s, chance(l, UINT32_MAX));
	if (outcome == REFRESH_FOUND && (due->layers & CONNECTION) != 0)
		l->wants = l->r.failing == TRI_ON;
	l->forced = false;
	l->leapt = false;
	l->last_s = l->true_s;
	l->last = outcome;
	if (outcome != REFRESH_FOUND)
		l->failed_s = l->true_s;
	l->searches++;
}

/* No later than the longest of: the TTL with its jitter, or a refused login with its own. */
static void
check_due(const struct life *l, const struct refresh_due *due)
{
	int64_t most_s = (l->ttl_hours > 1 ? l->ttl_hours : 1) * HOUR * 5 / 4;

	if (l->ttl_hours == 0 && l->r.services.failures == 0)
		return;
	if (due->at_s == NUMBER_ABSENT)
		fail_msg("nothing will ever be due");
	if (l->last_s >= 0 && due->at_s - l->wall_s > most_s - (l->true_s - l->last_s))
		fail_msg("due %lld s after the last search",
		    (long long)(due->at_s - l->wall_s + l->true_s - l->last_s));
}

static void
live(uint64_t seed, size_t *searches)
{
	struct life l = { .chance = seed, .true_s = 0, .wall_s = EPOCH, .last_s = -1 };
	struct refresh_due due;

	l.ttl_hours = (int64_t)chance(&l, 13) - 1;
	refresh_init(&l.r);
	refresh_event(&l.r, &usual, REFRESH_CREATED, l.wall_s);
	l.wants = true;
	l.forced = true;
	while (l.true_s < 3 * WEEK) {
		int64_t step_s = (int64_t)chance(&l, 4 * HOUR) + 1;

		refresh_next(&l.r, l.wall_s, &due);
		if (due.at_s != NUMBER_ABSENT && due.at_s <= l.wall_s) {
			search(&l, &due);
			continue;
		}
		check_due(&l, &due);
		/* Asleep, a machine misses what is due; awake it does not. */
		if (chance(&l, 20) != 0 && due.at_s != NUMBER_ABSENT &&
		    due.at_s - l.wall_s < step_s)
			step_s = due.at_s - l.wall_s;
		l.true_s += step_s;
		l.wall_s += step_s;
		refresh_next(&l.r, l.wall_s, &due);
		if (chance(&l, 10) == 0)
			set_clock(&l);
		if (chance(&l, 4) == 0)
			happen(&l);
	}
	*searches += l.searches;
}

static void
test_random_weeks(void **state UNUSED)
{
	size_t searches = 0;

	for (uint64_t seed = 1; seed <= 5000; seed++)
		live(seed, &searches);
	assert_true(searches > 100000);
}

/* ---- the clock ---- */

static void
test_a_clock_set_back_makes_nothing_wait_longer(void **state UNUSED)
{
	static const int64_t jumps[] = { 1, 10 * MINUTE, HOUR, 30 * DAY, 50 * 365 * DAY };

	for (size_t i = 0; i < COUNT_OF(jumps); i++) {
		struct refresh_due before, after;
		struct refresh r;

		refresh_init(&r);
		refresh_done(&r, &usual, BOTH, REFRESH_FOUND, 1, EPOCH, 7);
		refresh_next(&r, EPOCH + 40 * MINUTE, &before);
		refresh_next(&r, EPOCH + 40 * MINUTE - jumps[i], &after);
		assert_int_equal(before.at_s - jumps[i], after.at_s);
		assert_int_equal(r.services.refreshed_s, EPOCH - jumps[i]);
	}
}

static void
test_awake_after_long_sleep(void **state UNUSED)
{
	struct refresh_due due;
	struct refresh r;

	refresh_init(&r);
	refresh_done(&r, &usual, BOTH, REFRESH_FOUND, 1, EPOCH, 7);
	refresh_next(&r, EPOCH + 3 * WEEK, &due);
	assert_true(due.at_s < EPOCH + 2 * HOUR);
	assert_int_equal(due.layers, SERVICES);
	refresh_done(&r, &usual, due.layers, REFRESH_FOUND, 1, EPOCH + 3 * WEEK, 7);
	refresh_next(&r, EPOCH + 3 * WEEK, &due);
	assert_true(due.at_s >= EPOCH + 3 * WEEK + HOUR);
}

static void
test_every_cause_has_its_words(void **state UNUSED)
{
	size_t n = 0;

	for (; refresh_cause_names[n] != NULL; n++)
		assert_non_null(refresh_cause_text((enum refresh_cause)n));
	assert_int_equal(n, REFRESH_CYCLE + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_jitter_uses_its_whole_range),
		cmocka_unit_test(test_intervals_of_ones_own),
		cmocka_unit_test(test_intervals_of_ones_own_count_from_the_start),
		cmocka_unit_test(test_the_end_of_time),
		cmocka_unit_test(test_random_weeks),
		cmocka_unit_test(test_a_clock_set_back_makes_nothing_wait_longer),
		cmocka_unit_test(test_awake_after_long_sleep),
		cmocka_unit_test(test_every_cause_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
