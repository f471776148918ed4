/* refresh.c - when the settings of a profile are asked for again. */
#include "plan/refresh.h"

#include "base/compat.h"

const char *const refresh_cause_names[] = { "none", "created", "repair", "asked", "started",
	"network-changed", "connection-failed", "mailbox-moved", "expired", "retry", "cycle",
	NULL };

const char *
refresh_cause_text(enum refresh_cause cause)
{
	static const char *const texts[] = {
		[REFRESH_NOTHING] = "nothing is due",
		[REFRESH_CREATED] = "the profile is new",
		[REFRESH_REPAIR] = "a repair was asked for",
		[REFRESH_ASKED] = "a refresh was asked for",
		[REFRESH_STARTED] = "the program has started",
		[REFRESH_NETWORK_CHANGED] = "the network has changed",
		[REFRESH_CONNECTION_FAILED] = "a connection failed",
		[REFRESH_MAILBOX_MOVED] = "the mailbox has moved",
		[REFRESH_EXPIRED] = "the settings have expired",
		[REFRESH_RETRY] = "the last search found nothing",
		[REFRESH_CYCLE] = "a connection failed some time ago",
	};

	return texts[cause];
}

static int64_t
or_default(int64_t given, int64_t usual)
{
	return given > 0 ? given : usual;
}

static int64_t
later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
after(int64_t from_s, int64_t interval_s)
{
	return from_s > FIELD_TIME_MAX - interval_s ? FIELD_TIME_MAX : from_s + interval_s;
}

/* Mixes the seed (splitmix64), so that neighbouring seeds spread as well. */
static uint64_t
mixed(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Later only: an interval is what the service, or good manners, ask us to wait at least. */
static int64_t
spread(int64_t interval_s, uint64_t seed)
{
	int64_t most = interval_s / 100 * REFRESH_JITTER_PERCENT +
		       interval_s % 100 * REFRESH_JITTER_PERCENT / 100;

	return interval_s + (int64_t)(mixed(seed) % (uint64_t)(most + 1));
}

/* ---- the clock ---- */

static void
set_back(int64_t *time_s, int64_t by_s)
{
	if (*time_s != NUMBER_ABSENT)
		*time_s = later_of(*time_s - by_s, 0);
}

/* Time as it was left off: what was remembered moves along with a clock that was set back. */
static void
see(struct refresh *r, int64_t now_s)
{
	struct refresh_track *const tracks[] = { &r->services, &r->connection };
	int64_t by_s = r->seen_s - now_s;

	for (size_t i = 0; by_s > 0 && i < COUNT_OF(tracks); i++) {
		set_back(&tracks[i]->tried_s, by_s);
		set_back(&tracks[i]->refreshed_s, by_s);
		set_back(&tracks[i]->due_s, by_s);
	}
	r->seen_s = now_s;
}

/* ---- events ---- */

static void
track_init(struct refresh_track *t)
{
	*t = (struct refresh_track){
		.tried_s = NUMBER_ABSENT,
		.refreshed_s = NUMBER_ABSENT,
		.due_s = NUMBER_ABSENT,
	};
}

void
refresh_init(struct refresh *r)
{
	*r = (struct refresh){ .seen_s = NUMBER_ABSENT };
	track_init(&r->services);
	track_init(&r->connection);
}

static void
set_due(struct refresh_track *t, int64_t due_s, enum refresh_cause cause)
{
	t->due_s = due_s;
	t->cause = (int)cause;
}

static void
at_once(struct refresh *r, enum refresh_cause cause, int64_t now_s)
{
	set_due(&r->services, now_s, cause);
	if (cause == REFRESH_ASKED)
		return;
	set_due(&r->connection, now_s, cause);
	r->full = TRI_ON;
}

/* Due soon, but not within `calm_s` of the last search, which was one for services whatever else it
 * was for; never later than it was due. */
static void
hasten(struct refresh *r, struct refresh_track *t, enum refresh_cause cause, int64_t now_s,
    int64_t calm_s)
{
	int64_t tried_s = r->services.tried_s;
	int64_t at_s = tried_s == NUMBER_ABSENT ? now_s : later_of(now_s, after(tried_s, calm_s));

	if (t->due_s == NUMBER_ABSENT || at_s < t->due_s)
		set_due(t, at_s, cause);
}

/* No later than so long after the last search; 0: as it is. */
static void
cap(struct refresh_track *t, int64_t interval_s)
{
	int64_t at_s = after(t->tried_s, interval_s);

	if (interval_s > 0 && t->tried_s != NUMBER_ABSENT &&
	    (t->due_s == NUMBER_ABSENT || at_s < t->due_s))
		t->due_s = at_s;
}

/* Another program instance, and perhaps another password: its first failure is free again. The
 * intervals of this one's policy count from now on. */
static void
start(struct refresh *r, const struct refresh_policy *policy, int64_t now_s)
{
	if (r->services.cause == REFRESH_RETRY) {
		cap(&r->services, policy->retry_s);
	} else if (policy->ttl_s > 0) {
		cap(&r->services, policy->ttl_s);
		r->services.cause = REFRESH_EXPIRED;
	}
	if (r->connection.cause == REFRESH_RETRY)
		cap(&r->connection, policy->retry_s);
	r->failing = TRI_ABSENT;
	r->refused = TRI_ABSENT;
	if (r->connection.cause == REFRESH_CYCLE)
		set_due(&r->connection, NUMBER_ABSENT, REFRESH_NOTHING);
	hasten(r, &r->services, REFRESH_STARTED, now_s, REFRESH_CALM_S);
	if (r->connection.cause == REFRESH_RETRY)
		hasten(r, &r->connection, REFRESH_STARTED, now_s, REFRESH_CALM_S);
}

void
refresh_event(
    struct refresh *r, const struct refresh_policy *policy, enum refresh_cause event, int64_t now_s)
{
	int64_t refused_s = or_default(policy->refused_s, REFRESH_REFUSED_S);
	/* No event makes a password right that was wrong. */
	int64_t calm_s = r->refused == TRI_ON ? refused_s : REFRESH_CALM_S;
	int64_t retry_s =
	    r->refused == TRI_ON ? refused_s : or_default(policy->retry_s, REFRESH_RETRY_S);

	see(r, now_s);
	switch (event) {
	case REFRESH_CREATED:
	case REFRESH_REPAIR:
	case REFRESH_ASKED:
		at_once(r, event, now_s);
		break;
	case REFRESH_STARTED:
		start(r, policy, now_s);
		break;
	case REFRESH_NETWORK_CHANGED:
		hasten(r, &r->services, event, now_s, calm_s);
		if (r->connection.cause == REFRESH_RETRY)
			hasten(r, &r->connection, event, now_s, calm_s);
		break;
	case REFRESH_CONNECTION_FAILED:
		hasten(r, &r->services, event, now_s, retry_s);
		if (r->failing != TRI_ON)
			hasten(r, &r->connection, event, now_s, calm_s);
		r->failing = TRI_ON;
		break;
	case REFRESH_MAILBOX_MOVED:
		hasten(r, &r->services, event, now_s, calm_s);
		hasten(r, &r->connection, event, now_s, calm_s);
		break;
	default:
		break;
	}
}

/* ---- what is due ---- */

static bool
is_due(const struct refresh_track *t, int64_t at_s)
{
	return t->due_s != NUMBER_ABSENT && t->due_s <= at_s;
}

void
refresh_next(struct refresh *r, int64_t now_s, struct refresh_due *out)
{
	const struct refresh_track *first = &r->services;
	int64_t at_s;

	see(r, now_s);
	/* What concerns both is the connection's cause. */
	if (first->due_s == NUMBER_ABSENT || is_due(&r->connection, first->due_s))
		first = &r->connection;
	*out =
	    (struct refresh_due){ .at_s = first->due_s, .cause = (enum refresh_cause)first->cause };
	if (first->due_s == NUMBER_ABSENT)
		return;
	/* What would be due right behind it goes along. */
	at_s = after(later_of(first->due_s, now_s), REFRESH_CALM_S);
	out->layers = (is_due(&r->services, at_s) ? REFRESH_SERVICES : 0u) |
		      (is_due(&r->connection, at_s) ? REFRESH_CONNECTION : 0u);
	out->full = r->full == TRI_ON;
}

/* ---- outcomes ---- */

static void
track_found(struct refresh_track *t, int64_t now_s)
{
	t->tried_s = now_s;
	t->refreshed_s = now_s;
	t->failures = 0;
	set_due(t, NUMBER_ABSENT, REFRESH_NOTHING);
}

static void
track_failed(struct refresh_track *t, int64_t now_s, int64_t retry_s)
{
	t->tried_s = now_s;
	t->failures++;
	set_due(t, after(now_s, retry_s), REFRESH_RETRY);
}

static void
found(struct refresh *r, const struct refresh_policy *policy, unsigned layers, int64_t ttl_hours,
    int64_t now_s, uint64_t seed)
{
	int64_t ttl_s = ttl_hours == NUMBER_ABSENT ? REFRESH_TTL_S :
			ttl_hours > INT32_MAX	   ? FIELD_TIME_MAX :
						     ttl_hours * 3600;

	ttl_s = or_default(policy->ttl_s, ttl_s);
	track_found(&r->services, now_s);
	if (ttl_s > 0)
		set_due(&r->services, after(now_s, spread(ttl_s, seed)), REFRESH_EXPIRED);
	if ((layers & REFRESH_CONNECTION) == 0)
		return;
	track_found(&r->connection, now_s);
	if (r->failing == TRI_ON)
		set_due(&r->connection, after(now_s, or_default(policy->cycle_s, REFRESH_CYCLE_S)),
		    REFRESH_CYCLE);
}

void
refresh_done(struct refresh *r, const struct refresh_policy *policy, unsigned layers,
    enum refresh_outcome outcome, int64_t ttl_hours, int64_t now_s, uint64_t seed)
{
	int64_t wait_s = outcome == REFRESH_REFUSED ?
			     or_default(policy->refused_s, REFRESH_REFUSED_S) :
			     or_default(policy->retry_s, REFRESH_RETRY_S);

	see(r, now_s);
	r->refused = outcome == REFRESH_REFUSED ? TRI_ON : TRI_ABSENT;
	r->full = TRI_ABSENT;
	if (outcome == REFRESH_FOUND) {
		found(r, policy, layers, ttl_hours, now_s, seed);
		return;
	}
	wait_s = spread(wait_s, seed);
	track_failed(&r->services, now_s, wait_s);
	if ((layers & REFRESH_CONNECTION) != 0)
		track_failed(&r->connection, now_s, wait_s);
	else if (r->connection.due_s != NUMBER_ABSENT) /* it would fare no better before */
		r->connection.due_s = later_of(r->connection.due_s, after(now_s, wait_s));
}
