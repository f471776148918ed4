/* ldap_cache.c - a table of chains, and a list by use that says which of them goes. */
#include "dir/ldap_cache.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_BLOCK_BYTES = 1024, PLACES_MIN = 64 };

TAILQ_HEAD(entry_list, ldap_cache_entry);

struct ldap_cache {
	struct ldap_cache_limits limits;
	struct ldap_cache_entry **places;
	size_t n_places;	  /* a power of two */
	struct entry_list by_use; /* the latest first */
	size_t n, bytes;
};

struct ldap_cache *
ldap_cache_new(const struct ldap_cache_limits *limits)
{
	struct ldap_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->limits = *limits;
	TAILQ_INIT(&c->by_use);
	for (c->n_places = PLACES_MIN; c->n_places < limits->entries;)
		c->n_places *= 2;
	c->places = calloc(c->n_places, sizeof(struct ldap_cache_entry *));
	if (c->places == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static void
drop_answer(struct ldap_cache *c, struct ldap_cache_entry *e)
{
	arena_free(e->mem);
	e->mem = NULL;
	e->people = NULL;
	e->n = 0;
	e->asked_ms = 0;
	c->bytes -= e->bytes;
	e->bytes = 0;
}

static size_t
bytes_of(const char *key)
{
	return sizeof(struct ldap_cache_entry) + strlen(key) + 1;
}

static void
drop(struct ldap_cache *c, struct ldap_cache_entry *e)
{
	struct ldap_cache_entry **at = &c->places[e->place];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	TAILQ_REMOVE(&c->by_use, e, by_use);
	drop_answer(c, e);
	c->bytes -= bytes_of(e->key);
	c->n--;
	free(e);
}

void
ldap_cache_free(struct ldap_cache *cache)
{
	struct ldap_cache_entry *e;

	if (cache == NULL)
		return;
	while ((e = TAILQ_FIRST(&cache->by_use)) != NULL)
		drop(cache, e);
	free(cache->places);
	free(cache);
}

/* Makes room for one more. Those that are asked for stay, and never fill it: so many searches are
 * not on their way at once. */
static void
make_room(struct ldap_cache *c, size_t bytes)
{
	struct ldap_cache_entry *e = TAILQ_LAST(&c->by_use, entry_list), *before;

	for (; e != NULL && (c->n >= c->limits.entries || c->bytes + bytes > c->limits.bytes);
	     e = before) {
		before = TAILQ_PREV(e, entry_list, by_use);
		if (e->flight == NULL)
			drop(c, e);
	}
}

/* Whoever finds keys that share a place drives out others there, and gains nothing more. */
static void
shorten(struct ldap_cache *c, size_t place)
{
	struct ldap_cache_entry *last = NULL;
	size_t n = 0;

	for (struct ldap_cache_entry *e = c->places[place]; e != NULL; e = e->next) {
		if (e->flight == NULL)
			last = e;
		n++;
	}
	if (n >= CACHE_CHAIN && last != NULL)
		drop(c, last);
}

static size_t
place_of(const struct ldap_cache *c, const char *key)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619U;
	return (h ^ h >> 16) & (c->n_places - 1);
}

struct ldap_cache_entry *
ldap_cache_find(struct ldap_cache *cache, const char *key)
{
	struct ldap_cache_entry *e = cache->places[place_of(cache, key)];

	while (e != NULL && strcmp(e->key, key) != 0)
		e = e->next;
	if (e != NULL) {
		TAILQ_REMOVE(&cache->by_use, e, by_use);
		TAILQ_INSERT_HEAD(&cache->by_use, e, by_use);
	}
	return e;
}

struct ldap_cache_entry *
ldap_cache_make(struct ldap_cache *cache, const char *key)
{
	struct ldap_cache_entry *e = ldap_cache_find(cache, key);
	size_t place = place_of(cache, key), bytes = bytes_of(key);

	if (e != NULL)
		return e;
	make_room(cache, bytes);
	shorten(cache, place);
	e = calloc(1, bytes);
	if (e == NULL)
		return NULL;
	e->key = strcpy((char *)(e + 1), key);
	e->place = place;
	e->next = cache->places[place];
	cache->places[place] = e;
	TAILQ_INSERT_HEAD(&cache->by_use, e, by_use);
	cache->bytes += bytes;
	cache->n++;
	return e;
}

/* ---- answers ---- */

static bool
copy_text(struct arena *mem, const char **to, const char *from)
{
	*to = arena_strdup(mem, from);
	return (*to == NULL) == (from == NULL);
}

static bool
copy_list(struct arena *mem, struct text_list *to, const struct text_list *from)
{
	const char **v = arena_array(mem, from->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < from->n; i++)
		if (!copy_text(mem, &v[i], from->v[i]))
			return false;
	*to = (struct text_list){ v, from->n };
	return v != NULL;
}

bool
ldap_person_copy(struct arena *mem, struct ldap_person *to, const struct ldap_person *from)
{
	const struct field_table *table = &entities[ENTITY_ALTERNATIVE_MAILBOX].table;
	struct alternative_mailbox *v = arena_array(mem, from->n_alternatives, sizeof(*v));

	*to = *from;
	for (size_t i = 0; v != NULL && i < from->n_alternatives; i++)
		if (!record_copy(mem, table, &v[i], &from->alternatives[i]))
			return false;
	to->alternatives = v;
	return v != NULL &&
	       record_copy(mem, &entities[ENTITY_MAILBOX].table, &to->mailbox, &from->mailbox) &&
	       copy_text(mem, &to->dn, from->dn) &&
	       copy_text(mem, &to->short_name, from->short_name) &&
	       copy_list(mem, &to->logins, &from->logins) &&
	       copy_list(mem, &to->delegates, &from->delegates);
}

static const struct ldap_person *
copy_people(struct arena *mem, const struct ldap_person *people, size_t n)
{
	struct ldap_person *v = arena_array(mem, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++)
		if (!ldap_person_copy(mem, &v[i], &people[i]))
			return NULL;
	return v;
}

bool
ldap_cache_put(struct ldap_cache *cache, struct ldap_cache_entry *entry,
    const struct ldap_person *people, size_t n, uint64_t asked_ms)
{
	struct arena *mem = NULL;
	const struct ldap_person *copies = NULL;

	drop_answer(cache, entry);
	if (n > 0) {
		mem = arena_new_small(CACHE_ANSWER_BYTES, ANSWER_BLOCK_BYTES);
		if (mem != NULL)
			copies = copy_people(mem, people, n);
		if (copies == NULL) {
			arena_free(mem);
			return false;
		}
		/* What is left of its last block is lost. */
		entry->bytes = arena_used(mem) + ANSWER_BLOCK_BYTES;
		make_room(cache, entry->bytes);
	}
	entry->mem = mem;
	entry->people = copies;
	entry->n = n;
	entry->asked_ms = asked_ms;
	entry->failed_ms = 0;
	cache->bytes += entry->bytes;
	return true;
}

static bool
redirects(const struct ldap_cache_entry *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->people[i].mailbox.redirect_address != NULL ||
		    e->people[i].mailbox.redirect_url != NULL)
			return true;
	return false;
}

bool
ldap_cache_can_stand_in(
    const struct ldap_cache *cache, const struct ldap_cache_entry *entry, uint64_t now_ms)
{
	return entry->asked_ms != 0 && now_ms - entry->asked_ms < cache->limits.stale_ms &&
	       !redirects(entry);
}

enum cache_verdict
ldap_cache_judge(const struct ldap_cache *cache, const struct ldap_cache_entry *entry,
    uint64_t since_ms, uint64_t now_ms)
{
	if (entry->asked_ms != 0 &&
	    (entry->asked_ms >= since_ms || now_ms - entry->asked_ms < cache->limits.fresh_ms))
		return CACHE_FRESH;
	if (entry->failed_ms == 0 || entry->failed_ms < since_ms)
		return CACHE_ASK;
	return ldap_cache_can_stand_in(cache, entry, now_ms) ? CACHE_STALE : CACHE_FAILED;
}

size_t
ldap_cache_bytes(const struct ldap_cache *cache)
{
	return cache->bytes;
}

size_t
ldap_cache_count(const struct ldap_cache *cache)
{
	return cache->n;
}
