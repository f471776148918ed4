/* address.h - mailboxes and domain names as users type them and as the directory keys them. */
#ifndef USHER_BASE_ADDRESS_H
#define USHER_BASE_ADDRESS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "usher/status.h"

enum {
	ADDRESS_MAX_BYTES = 254,   /* RFC 5321, 4.5.3.1.3, less the angle brackets */
	ADDRESS_LOCAL_BYTES = 64,  /* RFC 5321, 4.5.3.1.1 */
	DOMAIN_MAX_BYTES = 253,	   /* RFC 1035, 2.3.4, in A-label form without the last dot */
	LEGACY_DN_MAX_BYTES = 1024 /* what we take; Exchange's own stay far below */
};

struct address {
	const char *text;   /* local@domain, local part as typed but composed, domain in A-labels */
	const char *key;    /* the same with ASCII letters lowered: how the directory finds it */
	const char *local;  /* as typed; UTF-8 (RFC 6531) in NFC (RFC 6532, 3.1) */
	const char *domain; /* A-labels, lower case, no last dot */
	const char *domain_text; /* U-labels, for people */
};

/* Takes `local@domain`: exactly one unquoted `@`, local part 1-64 bytes in dot-atom form or
 * UTF-8 (quoted local parts are refused: no client types them), domain by domain_parse().
 * Blanks around the whole are dropped. All strings are in `mem`.
 *
 * Returns USHER_OK, USHER_E_ADDRESS, USHER_E_NOMEM. */
USHER_CHECK usher_status
address_parse(struct arena *mem, struct slice text, struct address *out, struct usher_error *err);

/* Takes a host or mail domain in U-labels, A-labels or a mixture, with or without a last dot, and
 * gives A-labels in lower case (IDNA 2008, non-transitional; UTS #46 mapping). One label alone is
 * taken; the caller decides whether it will do. Underscores are refused, and so is a last label
 * that is a number, because resolvers read such a name as an IP address.
 *
 * Returns USHER_OK, USHER_E_ADDRESS, USHER_E_NOMEM. */
USHER_CHECK usher_status
domain_parse(struct arena *mem, struct slice text, const char **out, struct usher_error *err);

/* The U-label form of an A-label name for showing to people; the same text when there is none.
 * NULL when out of memory. */
const char *
domain_to_text(struct arena *mem, const char *domain);

/* True for a public suffix (`com`, `co.uk`) and for a name without a dot: never a mail domain whose
 * autodiscover host may be asked (the "Great Leak", http-discovery.md 10). `domain` in A-labels. */
bool
domain_is_public_suffix(const char *domain);

/* The label is a top-level domain of the Internet: not a name that an organization made up. */
bool
domain_is_top_level(const char *label);

/* True for a name below a top-level domain that people use inside their networks and nobody can
 * own, as `.local` and `.corp` (RFC 6761, 6762, 8375; ICANN's decisions; habits), and for a name
 * without a dot. */
bool
domain_is_internal(const char *domain);

/* The registrable part (`example.co.uk` of `a.b.example.co.uk`), a pointer into `domain`, or NULL
 * when there is none. */
const char *
domain_registrable(const char *domain);

/* Both have the same registrable part. False when either has none. */
bool
domain_same_site(const char *a, const char *b);

/* `pattern` is a name or `*.name`, which stands for exactly one label (RFC 6125, 6.4.3).
 * A-labels, without regard to case. */
bool
domain_matches(const char *pattern, const char *host);

#endif
