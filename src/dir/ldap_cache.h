/* ldap_cache.h - what an LDAP directory has said of people lately, in bounded memory.
 *
 * A key is what was asked for; its answer is whoever was found, nobody included. What was used
 * least lately goes when there are too many. Asks nobody itself, and belongs to one thread. */
#ifndef USHER_DIR_LDAP_CACHE_H
#define USHER_DIR_LDAP_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dir/ldap_map.h"

enum {
	CACHE_ENTRIES = 64 * 1024,
	CACHE_BYTES = 32 * 1024 * 1024, /* of keys and answers together */
	CACHE_ANSWER_BYTES = 1024 * 1024,
	CACHE_CHAIN = 16 /* keys that share a place in the table: strangers choose keys */
};

struct ldap_cache_entry {
	const char *key;
	const struct ldap_person *people; /* of the answer, while there is one */
	size_t n;
	uint64_t asked_ms;  /* when the answer was asked for; 0: there is none */
	uint64_t failed_ms; /* when asking came to nothing since; 0: it did not */
	void *flight;	    /* whoever asks at present; it stays as long as that is there */

	/* The cache's own. */
	TAILQ_ENTRY(ldap_cache_entry) by_use;
	struct ldap_cache_entry *next;
	struct arena *mem;
	size_t place, bytes;
};

struct ldap_cache_limits {
	size_t entries, bytes;
	uint64_t fresh_ms; /* an answer is good for so long */
	uint64_t stale_ms; /* and for so long when there is no other */
};

struct ldap_cache;

/* NULL when out of memory. */
struct ldap_cache *
ldap_cache_new(const struct ldap_cache_limits *limits);

/* NULL is ignored. No flight is on its way. */
void
ldap_cache_free(struct ldap_cache *cache);

/* The entry of that key; NULL when there is none. */
struct ldap_cache_entry *
ldap_cache_find(struct ldap_cache *cache, const char *key);

/* The same, made when there is none; NULL when out of memory. Other entries may go for it, but none
 * that has a flight. */
struct ldap_cache_entry *
ldap_cache_make(struct ldap_cache *cache, const char *key);

/* Keeps copies of `people` as the answer to what was asked at that time by entry->flight. False
 * when out of memory, or they are too large to keep: then there is no answer. */
bool
ldap_cache_put(struct ldap_cache *cache, struct ldap_cache_entry *entry,
    const struct ldap_person *people, size_t n, uint64_t asked_ms);

enum cache_verdict {
	CACHE_ASK = 0, /* nothing is known */
	CACHE_FRESH,
	CACHE_STALE, /* old, but asking has failed */
	CACHE_FAILED /* asking has failed, and there is nothing to fall back upon */
};

/* What may be done with it by somebody who began at `since_ms`. What was asked for or failed since
 * then is his, however old. A stale answer is never one that redirects. */
enum cache_verdict
ldap_cache_judge(const struct ldap_cache *cache, const struct ldap_cache_entry *entry,
    uint64_t since_ms, uint64_t now_ms);

/* What is known of it may be told while there is no answer. */
bool
ldap_cache_can_stand_in(
    const struct ldap_cache *cache, const struct ldap_cache_entry *entry, uint64_t now_ms);

/* Copies a person with all texts into `mem`. False when out of memory. */
bool
ldap_person_copy(struct arena *mem, struct ldap_person *to, const struct ldap_person *from);

/* For tests and metrics. */
size_t
ldap_cache_bytes(const struct ldap_cache *cache);
size_t
ldap_cache_count(const struct ldap_cache *cache);

#endif
