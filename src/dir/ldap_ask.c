/* ldap_ask.c - flights: searches on their way, who waits for them, and what becomes of them. */
#include "dir/ldap_ask.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "ldap/pool.h"

enum { FLIGHT_BLOCK_BYTES = 4 * 1024 };

/* Somebody who waits for several flights. */
struct waiter {
	void (*ready)(void *arg);
	void *arg;
	size_t n_left;
	struct link {
		TAILQ_ENTRY(link) next;
		struct waiter *waiter;
	} links[ASK_KEYS];
};

TAILQ_HEAD(link_list, link);

/* One question, which may take several searches. */
struct flight {
	TAILQ_ENTRY(flight) next;
	struct ldap_ask *ask;
	struct ldap_cache_entry *entry;
	const struct ldap_snapshot *snapshot; /* whose map reads what comes */
	struct arena *mem;
	uint64_t asked_ms;
	size_t n_left; /* searches */
	usher_status st;
	struct ldap_person *people;
	size_t n, room, max;
	struct link_list waiting;
};

TAILQ_HEAD(flight_list, flight);

struct ldap_ask {
	struct dir *dir;
	struct ldap_pool *pool;
	struct ldap_cache *cache;
	struct flight_list flights;
	struct usher_error trouble; /* the latest */
	uint64_t since_ms, began_ms;
	uint64_t answered_ms, failed_ms;  /* when the directory last answered, or did not */
	struct flight *pending[ASK_KEYS]; /* of this lookup */
	size_t n_pending;
	struct waiter *spare; /* for whoever waits for this lookup */
	size_t connections;   /* as they were counted */
};

/* ---- flights ---- */

static void
free_flight(struct flight *f)
{
	TAILQ_REMOVE(&f->ask->flights, f, next);
	ldap_snapshot_release(f->snapshot);
	arena_free(f->mem);
	free(f);
}

static void
tell(struct flight *f)
{
	struct link *link;

	while ((link = TAILQ_FIRST(&f->waiting)) != NULL) {
		struct waiter *w = link->waiter;

		TAILQ_REMOVE(&f->waiting, link, next);
		if (--w->n_left == 0) {
			w->ready(w->arg);
			free(w);
		}
	}
}

static void
land(struct flight *f)
{
	struct ldap_ask *ask = f->ask;

	if (f->st == USHER_OK &&
	    !ldap_cache_put(ask->cache, f->entry, f->people, f->n, f->asked_ms))
		f->st = err_set(&ask->trouble, USHER_E_LIMIT, ask->dir->name,
		    "what it says of a mailbox is too large to be kept");
	if (f->st == USHER_E_TIMEOUT || f->st == USHER_E_NETWORK)
		ask->failed_ms = clock_mono_ms();
	else
		ask->answered_ms = clock_mono_ms();
	if (f->st != USHER_OK) {
		f->entry->failed_ms = clock_mono_ms();
		dir_counted(ask->dir, DIR_COUNT_FAILED, 1);
	}
	f->entry->flight = NULL;
	tell(f);
	free_flight(f);
}

/* Where people are looked for in several places, one may lie inside another. */
static bool
is_there(const struct flight *f, const char *dn)
{
	for (size_t i = 0; i < f->n; i++)
		if (ldap_dn_same(f->people[i].dn, dn))
			return true;
	return false;
}

static usher_status
take(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct flight *f = payload;
	struct ldap_person *grown;

	if (is_there(f, entry->dn))
		return USHER_OK;
	if (f->n == f->max)
		return err_set(err, USHER_E_LIMIT, entry->dn, "is one of more than %zu", f->max);
	if (f->n == f->room) {
		grown = arena_array(f->mem, 2 * f->room + 1, sizeof(*grown));
		if (grown == NULL)
			return err_nomem(err, entry->dn);
		if (f->n > 0)
			memcpy(grown, f->people, f->n * sizeof(*grown));
		f->people = grown;
		f->room = 2 * f->room + 1;
	}
	if (!ldap_person_read(f->snapshot->map, f->mem, entry, &f->people[f->n]))
		return err_nomem(err, entry->dn);
	f->n++;
	return USHER_OK;
}

static void
done(void *payload, usher_status st, const struct usher_error *err)
{
	struct flight *f = payload;

	if (st != USHER_OK) {
		f->st = st;
		f->ask->trouble = *err;
	}
	if (--f->n_left == 0)
		land(f);
}

static const char *
filter_of(const struct ldap_map *map, struct arena *mem, enum ask_kind kind, const char *text)
{
	switch (kind) {
	case ASK_ADDRESS:
		return ldap_map_by_address(map, mem, text);
	case ASK_LEGACY_DN:
		return ldap_map_by_legacy_dn(map, mem, text);
	case ASK_LOGIN:
		return ldap_map_by_login(map, mem, text);
	case ASK_DELEGATE:
		return ldap_map_by_delegate(map, mem, text);
	}
	return NULL;
}

/* Sends one search for each place where people are. False when none could be. */
static bool
take_off(struct flight *f, enum ask_kind kind, const char *text)
{
	const struct text_list *places = &f->snapshot->people;
	const struct ldap_map *map = f->snapshot->map;
	struct pool_query query = { .search = { .scope = LINK_BELOW,
					.filter = filter_of(map, f->mem, kind, text),
					.attributes = ldap_map_attributes(map),
					.max = f->max },
		.take = take,
		.done = done,
		.payload = f };
	struct usher_error *trouble = &f->ask->trouble;

	if (query.search.filter == NULL) {
		(void)err_nomem(trouble, f->ask->dir->name);
		return false;
	}
	for (size_t i = 0; i < places->n; i++) {
		query.search.base = places->v[i];
		f->st = ldap_pool_ask(f->ask->pool, &query, trouble);
		if (f->st != USHER_OK)
			break;
		f->n_left++;
	}
	dir_counted(f->ask->dir, DIR_COUNT_LOOKUPS, (int64_t)f->n_left);
	return f->n_left > 0;
}

static struct flight *
begin(struct ldap_ask *ask, const struct ldap_snapshot *snapshot, struct ldap_cache_entry *entry,
    enum ask_kind kind, const char *text)
{
	struct flight *f = calloc(1, sizeof(*f));
	struct arena *mem = arena_new_small(ASK_BYTES, FLIGHT_BLOCK_BYTES);

	if (f == NULL || mem == NULL) {
		(void)err_nomem(&ask->trouble, ask->dir->name);
		arena_free(mem);
		free(f);
		return NULL;
	}
	f->ask = ask;
	f->entry = entry;
	f->snapshot = ldap_snapshot_share(snapshot);
	f->mem = mem;
	f->asked_ms = clock_mono_ms();
	f->max = kind == ASK_DELEGATE ? ASK_SHARES : ASK_OWNERS;
	TAILQ_INIT(&f->waiting);
	TAILQ_INSERT_TAIL(&ask->flights, f, next);
	if (!take_off(f, kind, text)) {
		free_flight(f);
		return NULL;
	}
	return f;
}

/* ---- lookups ---- */

void
ldap_ask_begin(struct ldap_ask *ask)
{
	ask->n_pending = 0;
	ask->began_ms = (ask->dir->flags & DIR_SERVE) != 0 ? ask->since_ms : clock_mono_ms();
}

static const char *
key_of(struct arena *mem, enum ask_kind kind, const char *text)
{
	char *key = arena_printf(mem, "%c%s", (char)kind, text);

	for (char *p = key; p != NULL && *p != '\0'; p++)
		*p = text_lower(*p);
	return key;
}

static void
wait_for(struct ldap_ask *ask, struct flight *f)
{
	for (size_t i = 0; i < ask->n_pending; i++)
		if (ask->pending[i] == f)
			return;
	ask->pending[ask->n_pending++] = f;
}

bool
ldap_ask_is_silent(const struct ldap_ask *ask)
{
	return ask->failed_ms > ask->answered_ms;
}

/* While the directory is silent nobody waits for it twice, nor for what is known from before: that
 * is taken, and asked for all the same. */
static bool
goes_on_without(const struct ldap_ask *ask, const struct ldap_cache_entry *entry, uint64_t now_ms)
{
	return ldap_ask_is_silent(ask) && (ask->failed_ms >= ask->began_ms ||
					      ldap_cache_can_stand_in(ask->cache, entry, now_ms));
}

bool
ldap_ask_want(struct ldap_ask *ask, const struct ldap_snapshot *snapshot, struct arena *mem,
    enum ask_kind kind, const char *text)
{
	const char *key = key_of(mem, kind, text);
	struct ldap_cache_entry *entry = key == NULL ? NULL : ldap_cache_make(ask->cache, key);
	uint64_t now_ms = clock_mono_ms();

	if (ask->spare == NULL)
		ask->spare = calloc(1, sizeof(*ask->spare));
	if (entry == NULL || ask->spare == NULL || ask->n_pending == ASK_KEYS)
		return false;
	if (ldap_cache_judge(ask->cache, entry, ask->began_ms, now_ms) != CACHE_ASK)
		return true;
	if (entry->flight == NULL) {
		entry->flight = begin(ask, snapshot, entry, kind, text);
		if (entry->flight == NULL)
			ask->failed_ms = now_ms;
	}
	if (entry->flight != NULL && !goes_on_without(ask, entry, now_ms))
		wait_for(ask, entry->flight);
	else
		entry->failed_ms = now_ms;
	return true;
}

bool
ldap_ask_settled(const struct ldap_ask *ask)
{
	return ask->n_pending == 0;
}

enum lookup
ldap_ask_read(struct ldap_ask *ask, struct arena *mem, enum ask_kind kind, const char *text,
    const struct ldap_person **out, size_t *n, struct usher_error *err)
{
	const char *key = key_of(mem, kind, text);
	const struct ldap_cache_entry *entry =
	    key == NULL ? NULL : ldap_cache_find(ask->cache, key);
	enum cache_verdict verdict =
	    entry == NULL ? CACHE_FAILED :
			    ldap_cache_judge(ask->cache, entry, ask->began_ms, clock_mono_ms());

	*n = 0;
	if (verdict != CACHE_FRESH)
		*err = ask->trouble;
	if (verdict == CACHE_ASK || verdict == CACHE_FAILED)
		return LOOKUP_UNAVAILABLE;
	if (entry->asked_ms < ask->began_ms)
		dir_counted(ask->dir, DIR_COUNT_CACHED, 1);
	if (verdict == CACHE_STALE)
		dir_counted(ask->dir, DIR_COUNT_STALE, 1);
	*out = entry->people;
	*n = entry->n;
	return verdict == CACHE_STALE && entry->n == 0 ? LOOKUP_ABSENT : LOOKUP_FOUND;
}

/* ---- waiting ---- */

void
ldap_ask_wait(struct ldap_ask *ask, void (*ready)(void *arg), void *arg)
{
	struct waiter *w = ask->spare;

	ask->spare = NULL;
	w->ready = ready;
	w->arg = arg;
	w->n_left = ask->n_pending;
	for (size_t i = 0; i < ask->n_pending; i++) {
		w->links[i].waiter = w;
		TAILQ_INSERT_TAIL(&ask->pending[i]->waiting, &w->links[i], next);
	}
	ask->n_pending = 0;
}

int
ldap_ask_descriptor(const struct ldap_ask *ask)
{
	return ldap_pool_descriptor(ask->pool);
}

static void
count_connections(struct ldap_ask *ask, size_t now)
{
	if (now != ask->connections)
		dir_counted(
		    ask->dir, DIR_COUNT_CONNECTIONS, (int64_t)now - (int64_t)ask->connections);
	ask->connections = now;
}

void
ldap_ask_turn(struct ldap_ask *ask)
{
	struct pool_state now;

	ldap_pool_turn(ask->pool);
	ldap_pool_state(ask->pool, &now);
	count_connections(ask, now.connections);
}

void
ldap_ask_since(struct ldap_ask *ask, uint64_t mono_ms)
{
	ask->since_ms = mono_ms;
}

static void
note(void *arg)
{
	*(bool *)arg = true;
}

void
ldap_ask_settle(struct ldap_ask *ask)
{
	struct pollfd fd = { .fd = ldap_ask_descriptor(ask), .events = POLLIN };
	bool over = false;

	ldap_ask_wait(ask, note, &over);
	while (!over) {
		(void)poll(&fd, 1, -1);
		ldap_ask_turn(ask);
	}
}

/* ---- opening ---- */

static usher_status
open_pool(struct ldap_dir *d, struct ldap_pool **out, struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct pool_options options = { .servers = d->uri,
		.srv_domain = ldap_dir_domain(d->mem, d->settings.base),
		.connections = (d->dir.flags & DIR_SERVE) != 0 ? d->settings.connections : 1,
		.timeout_ms = d->settings.timeout_ms };
	usher_status st = ldap_dir_options(&d->settings, &password, &options.link, err);

	return st == USHER_OK ? ldap_pool_open(&options, out, err) : st;
}

usher_status
ldap_ask_open(struct ldap_dir *d, struct ldap_ask **out, struct usher_error *err)
{
	const struct ldap_cache_limits limits = { CACHE_ENTRIES, CACHE_BYTES, d->settings.cache_ms,
		d->settings.stale_ms };
	struct ldap_ask *ask = calloc(1, sizeof(*ask));
	usher_status st;

	if (ask == NULL)
		return err_nomem(err, d->uri);
	ask->dir = &d->dir;
	ask->since_ms = UINT64_MAX;
	TAILQ_INIT(&ask->flights);
	ask->cache = ldap_cache_new(&limits);
	st = ask->cache == NULL ? err_nomem(err, d->uri) : open_pool(d, &ask->pool, err);
	if (st != USHER_OK) {
		ldap_ask_close(ask);
		return st;
	}
	*out = ask;
	return USHER_OK;
}

void
ldap_ask_close(struct ldap_ask *ask)
{
	struct flight *f;

	if (ask == NULL)
		return;
	/* Nothing calls back after this. */
	ldap_pool_close(ask->pool);
	while ((f = TAILQ_FIRST(&ask->flights)) != NULL) {
		f->entry->flight = NULL;
		tell(f);
		free_flight(f);
	}
	count_connections(ask, 0);
	ldap_cache_free(ask->cache);
	free(ask->spare);
	free(ask);
}
