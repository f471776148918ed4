/* dir_lookup.c - microseconds per lookup, and seconds to import: dir_lookup FILE MAILBOXES [ROUNDS]
 *
 * Makes the directory when FILE is not there yet. Prints one `name value unit` a line; a lookup's
 * value is the median of 50 batches, in brackets the best of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "dir/dir.h"
#include "timing.h"

#define DN_FORMAT \
	"/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/" \
	"cn=%08x%08x-user"

static void
die(const struct usher_error *err)
{
	(void)fprintf(stderr, "dir_lookup: %s: %s\n", err->where, err->message);
	exit(70);
}

static void
put(struct dir *dir, enum entity_id id, const void *record)
{
	struct usher_error err = { 0 };
	enum dir_change change;

	if (dir_put(dir, &entities[id], record, &change, &err) != USHER_OK)
		die(&err);
}

static void
put_organization(struct dir *dir)
{
	static const char *const hosts[] = { "EX1", "EX2" };
	union org_record r;

	record_init(&entities[ENTITY_ORGANIZATION].table, &r);
	r.organization.name = "Contoso";
	put(dir, ENTITY_ORGANIZATION, &r);
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		record_init(&entities[ENTITY_SERVER].table, &r);
		r.server.name = hosts[i];
		r.server.fqdn = "mail.contoso.com";
		put(dir, ENTITY_SERVER, &r);
		for (int s = 0; s < URL_SERVICE_COUNT; s++) {
			record_init(&entities[ENTITY_URL].table, &r);
			r.url.server = hosts[i];
			r.url.service = s;
			r.url.internal = "https://mail.contoso.com/service/endpoint.asmx";
			r.url.external = "https://mail.contoso.com/service/endpoint.asmx";
			put(dir, ENTITY_URL, &r);
		}
	}
	record_init(&entities[ENTITY_DOMAIN].table, &r);
	r.domain.domain = "contoso.com";
	put(dir, ENTITY_DOMAIN, &r);
}

static void
put_mailbox(struct dir *dir, unsigned i)
{
	char address[64], alias[64], name[64], dn[160];
	const char *aliases[] = { alias };
	struct mailbox m;

	record_init(&entities[ENTITY_MAILBOX].table, &m);
	(void)snprintf(address, sizeof(address), "user%07u@contoso.com", i);
	(void)snprintf(
	    alias, sizeof(alias), "u%07u.family@contoso.com", i * 2654435761u % 10000000);
	(void)snprintf(name, sizeof(name), "User Number %u", i);
	(void)snprintf(dn, sizeof(dn), DN_FORMAT, i * 2654435761u, i);
	m.address = address;
	m.display_name = name;
	m.legacy_dn = dn;
	m.server = i % 2 ? "EX1" : "EX2";
	m.aliases = (struct text_list){ aliases, 1 };
	put(dir, ENTITY_MAILBOX, &m);
}

static void
make(const char *path, unsigned n)
{
	struct usher_error err = { 0 };
	struct dir *dir;
	uint64_t start = now_ns();

	if (dir_open(path, NULL, DIR_WRITE | DIR_CREATE | DIR_BULK, &dir, &err) != USHER_OK ||
	    dir_begin(dir, &err) != USHER_OK)
		die(&err);
	put_organization(dir);
	for (unsigned i = 0; i < n; i++)
		put_mailbox(dir, i);
	(void)printf("put %.2f s\n", seconds_since(start));
	if (dir_commit(dir, &err) != USHER_OK)
		die(&err);
	dir_close(dir);
	(void)printf("import %.2f s (processor %.2f)\n", seconds_since(start),
	    (double)clock() / CLOCKS_PER_SEC);
}

enum { BATCHES = 50 };

static int
compare_times(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
ask_one(struct dir *dir, struct arena *mem, unsigned k, bool by_dn)
{
	struct usher_error err = { 0 };
	struct question q = { 0 };
	struct facts facts;
	char text[160];

	if (by_dn)
		(void)snprintf(text, sizeof(text), DN_FORMAT, k * 2654435761u, k);
	else
		(void)snprintf(text, sizeof(text), "user%07u@contoso.com", k);
	*(by_dn ? &q.legacy_dn : &q.address) = text;
	arena_reset(mem);
	if (dir_facts(dir, mem, &q, by_dn ? NULL : text, &facts, &err) != LOOKUP_FOUND ||
	    facts.mailbox == NULL)
		die(&err);
}

/* Median and best of batches: other programs take their share of the machine. */
static void
ask(struct dir *dir, unsigned n, unsigned rounds, const char *name, bool by_dn)
{
	struct arena *mem = arena_new(1 << 20);
	double took[BATCHES];
	uint64_t seed = 1;

	for (size_t batch = 0; batch < BATCHES; batch++) {
		uint64_t start = now_ns();

		for (unsigned i = 0; i < rounds / BATCHES; i++) {
			seed = next_random(seed);
			ask_one(dir, mem, (unsigned)(seed >> 33) % n, by_dn);
		}
		took[batch] = seconds_since(start) / (rounds / BATCHES) * 1e6;
	}
	qsort(took, BATCHES, sizeof(took[0]), compare_times);
	(void)printf("%s %.2f us (best %.2f)\n", name, took[BATCHES / 2], took[0]);
	arena_free(mem);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 300000;
	struct usher_error err = { 0 };
	struct rusage usage;
	struct dir *dir;

	if (n == 0) {
		(void)fprintf(stderr, "usage: dir_lookup FILE MAILBOXES [ROUNDS]\n");
		return 64;
	}
	if (dir_open(argv[1], NULL, DIR_READ | DIR_SERVE, &dir, &err) == USHER_E_ABSENT) {
		make(argv[1], n);
		if (dir_open(argv[1], NULL, DIR_READ | DIR_SERVE, &dir, &err) != USHER_OK)
			die(&err);
		/* of the import */
		(void)getrusage(RUSAGE_SELF, &usage);
		(void)printf("import_rss %ld MB\n", usage.ru_maxrss / 1024);
	}
	ask(dir, n, rounds / 2, "warm_up", false);
	ask(dir, n, rounds, "facts_by_address", false);
	ask(dir, n, rounds, "facts_by_legacy_dn", true);
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("max_rss %ld MB\n", usage.ru_maxrss / 1024);
	dir_close(dir);
	return 0;
}
