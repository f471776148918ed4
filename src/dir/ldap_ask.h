/* ldap_ask.h - people asked of an LDAP directory: once each, by whoever serves, and remembered. */
#ifndef USHER_DIR_LDAP_ASK_H
#define USHER_DIR_LDAP_ASK_H

#include "dir/ldap.h"
#include "dir/ldap_cache.h"

enum {
	ASK_KEYS = 8,		    /* of one lookup */
	ASK_OWNERS = 8,		    /* of one address; nobody means more */
	ASK_SHARES = 1000,	    /* mailboxes that one person's program opens */
	ASK_BYTES = 4 * 1024 * 1024 /* of one answer */
};

/* By what people are found. */
enum ask_kind { ASK_ADDRESS = 'a', ASK_LEGACY_DN = 'x', ASK_LOGIN = 'l', ASK_DELEGATE = 'd' };

struct ldap_ask;

/* Begins to connect. With DIR_SERVE as many connections as the settings want, else one.
 * Returns as ldap_pool_open(), and as ldap_dir_options(). */
USHER_CHECK usher_status
ldap_ask_open(struct ldap_dir *d, struct ldap_ask **out, struct usher_error *err);

/* Tells those who wait. NULL is ignored. */
void
ldap_ask_close(struct ldap_ask *ask);

/* Begins a lookup of somebody who came at `since_ms`, or now. */
void
ldap_ask_begin(struct ldap_ask *ask);

/* Sees to it that the answer is known, or on its way, or has failed; the snapshot says where people
 * are and how they are read. False when out of memory. */
bool
ldap_ask_want(struct ldap_ask *ask, const struct ldap_snapshot *snapshot, struct arena *mem,
    enum ask_kind kind, const char *text);

/* All that was wanted since ldap_ask_begin() is known, or has failed. */
bool
ldap_ask_settled(const struct ldap_ask *ask);

/* Nothing has come from the directory since it last failed to answer in time. */
bool
ldap_ask_is_silent(const struct ldap_ask *ask);

/* Who was found. Valid until the next ldap_ask_want() or turn.
 *
 * LOOKUP_FOUND      *n may be 0
 * LOOKUP_ABSENT     the directory does not answer; long ago nobody was there. *err says why
 * LOOKUP_UNAVAILABLE *err says why */
enum lookup
ldap_ask_read(struct ldap_ask *ask, struct arena *mem, enum ask_kind kind, const char *text,
    const struct ldap_person **out, size_t *n, struct usher_error *err);

/* As dir_wait(), dir_descriptor(), dir_turn() and dir_since(). */
void
ldap_ask_wait(struct ldap_ask *ask, void (*ready)(void *arg), void *arg);
int
ldap_ask_descriptor(const struct ldap_ask *ask);
void
ldap_ask_turn(struct ldap_ask *ask);
void
ldap_ask_since(struct ldap_ask *ask, uint64_t mono_ms);

/* Waits until all is settled: for handles without DIR_SERVE. */
void
ldap_ask_settle(struct ldap_ask *ask);

#endif
