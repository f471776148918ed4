/* ask_ldap.c - how fast one connection of libldap finds people, many searches at a time: the limit
 * that lookups are measured against.
 *
 *	ask_ldap URI BASE DOMAIN PEOPLE WINDOW SECONDS
 *
 * Asks for `mNNNNNNN@DOMAIN`, random numbers below PEOPLE, as usher does of OpenLDAP: the same
 * filter, the same attributes, whose values are read. Each search must find one entry. Prints one
 * JSON object: searches, seconds, the least, median and 99th of a hundred of their times in
 * microseconds, and this process's processor time for each. The login is anonymous. */
#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "../timing.h"
#include "base/arena.h"
#include "dir/ldap_map.h"

enum { WINDOW_MAX = 4096, FILTER_BYTES = 1024, NUMBER_BYTES = 12, ARENA_BYTES = 1 << 20 };

/* A search that is under way; `message` 0: none. */
struct pending {
	int message;
	bool found;
	uint64_t began_ns;
};

struct asker {
	LDAP *ld;
	const char *base;
	const char *filter; /* `#` is to be a number */
	char **attributes;
	unsigned people, window;
	uint64_t seed;
	struct pending pending[WINDOW_MAX];
	struct times times;
};

static void
fail(const char *what, int code)
{
	(void)fprintf(stderr, "ask_ldap: %s: %s\n", what, ldap_err2string(code));
	exit(70);
}

static void
ask_one(struct asker *a, struct pending *place)
{
	char filter[FILTER_BYTES];
	size_t n = 0;
	int code;

	a->seed = next_random(a->seed);
	for (const char *p = a->filter; *p != '\0' && n < sizeof(filter) - NUMBER_BYTES; p++) {
		if (*p != '#') {
			filter[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(
		    filter + n, NUMBER_BYTES, "%07u", (unsigned)(a->seed >> 33) % a->people);
	}
	filter[n] = '\0';
	*place = (struct pending){ .began_ns = now_ns() };
	code = ldap_search_ext(a->ld, a->base, LDAP_SCOPE_SUBTREE, filter, a->attributes, 0, NULL,
	    NULL, NULL, 0, &place->message);
	if (code != LDAP_SUCCESS)
		fail(filter, code);
}

/* Reads all values, as whoever needs them must. */
static void
read_entry(LDAP *ld, LDAPMessage *entry)
{
	struct berval dn, name, *values;
	BerElement *ber;
	int code = ldap_get_dn_ber(ld, entry, &ber, &dn);

	while (code == LDAP_SUCCESS) {
		code = ldap_get_attribute_ber(ld, entry, ber, &name, &values);
		if (name.bv_val == NULL)
			break;
		ber_memfree(values);
	}
	if (code != LDAP_SUCCESS)
		fail("entry", code);
	ber_free(ber, 0);
}

static struct pending *
find(struct asker *a, int message)
{
	for (unsigned i = 0; i < a->window; i++)
		if (a->pending[i].message == message)
			return &a->pending[i];
	fail("answer to nobody", LDAP_OTHER);
	return NULL;
}

/* Takes one message; returns the search that ended with it, or NULL. */
static struct pending *
take(struct asker *a)
{
	struct timeval patience = { .tv_sec = 10 };
	struct pending *place;
	LDAPMessage *message;
	int code, type = ldap_result(a->ld, LDAP_RES_ANY, LDAP_MSG_ONE, &patience, &message);

	if (type <= 0)
		fail("result", type == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN);
	place = find(a, ldap_msgid(message));
	if (type == LDAP_RES_SEARCH_ENTRY) {
		read_entry(a->ld, message);
		place->found = true;
		place = NULL;
	} else {
		if (ldap_parse_result(a->ld, message, &code, NULL, NULL, NULL, NULL, 0) !=
			LDAP_SUCCESS ||
		    code != LDAP_SUCCESS)
			fail("search", code);
		if (!place->found)
			fail("nobody found", LDAP_NO_SUCH_OBJECT);
	}
	ldap_msgfree(message);
	return place;
}

static void
run(struct asker *a, double seconds)
{
	const uint64_t start = now_ns(), end = start + (uint64_t)(seconds * 1e9);

	for (unsigned i = 0; i < a->window; i++)
		ask_one(a, &a->pending[i]);
	for (;;) {
		struct pending *done = take(a);
		uint64_t now;

		if (done == NULL)
			continue;
		now = now_ns();
		if (!times_add(&a->times, now - done->began_ns))
			fail("times", LDAP_NO_MEMORY);
		if (now >= end)
			break;
		ask_one(a, done);
	}
	times_print(&a->times, seconds_since(start));
}

/* What usher asks for. libldap takes attributes without const, and leaves them alone. */
static void
prepare(struct asker *a, struct arena *mem, const char *domain)
{
	const struct text_list usual = { 0 };
	const struct ldap_map *map;
	const char *address = arena_printf(mem, "m#@%s", domain);

	if (address == NULL ||
	    ldap_map_make(mem, MAP_OPENLDAP, true, &usual, NULL, 0, &map, NULL) != USHER_OK)
		fail("map", LDAP_NO_MEMORY);
	a->filter = ldap_map_by_address(map, mem, address);
	a->attributes = (char **)(uintptr_t)ldap_map_attributes(map);
	if (a->filter == NULL)
		fail("filter", LDAP_NO_MEMORY);
}

int
main(int argc, char **argv)
{
	static struct asker a = { .seed = 1 };
	struct arena *mem = arena_new(ARENA_BYTES);
	int version = LDAP_VERSION3, code;

	if (argc != 7 || mem == NULL) {
		(void)fprintf(
		    stderr, "usage: ask_ldap URI BASE FILTER ATTRIBUTES PEOPLE WINDOW SECONDS\n");
		return 64;
	}
	a.base = argv[2];
	prepare(&a, mem, argv[3]);
	a.people = (unsigned)strtoul(argv[4], NULL, 10);
	a.window = (unsigned)strtoul(argv[5], NULL, 10);
	if (a.people == 0 || a.window == 0 || a.window > WINDOW_MAX)
		fail("PEOPLE or WINDOW", LDAP_PARAM_ERROR);
	code = ldap_initialize(&a.ld, argv[1]);
	if (code != LDAP_SUCCESS)
		fail(argv[1], code);
	(void)ldap_set_option(a.ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	run(&a, strtod(argv[6], NULL));
	(void)ldap_unbind_ext(a.ld, NULL, NULL);
	arena_free(mem);
	return 0;
}
