/* ask_dir.c - how fast the directory layer finds people, many lookups at a time:
 *
 *	ask_dir URI BASE CONNECTIONS CACHE_MS DOMAIN PEOPLE WINDOW SECONDS
 *
 * Asks for the facts about `mNNNNNNN@DOMAIN`, random numbers below PEOPLE, as the service does:
 *what is not known yet is waited for while others are asked about. BASE "" is what the directory
 *says. Prints what ask_ldap does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../timing.h"
#include "base/arena.h"
#include "base/when.h"
#include "dir/dir.h"

enum { WINDOW_MAX = 4096, ARENA_BYTES = 1 << 20, ADDRESS_BYTES = 80 };

struct asker;

/* One place for a question. `next` leads through those that can go on. */
struct place {
	struct asker *asker;
	struct place *next;
	struct arena *mem;
	char address[ADDRESS_BYTES];
	uint64_t began_ns, since_ms;
};

struct asker {
	struct dir *dir;
	const char *domain;
	unsigned people, window;
	uint64_t seed, end_ns;
	struct place *ready; /* whose lookups have ended */
	struct place places[WINDOW_MAX];
	struct times times;
};

static void
die(const struct usher_error *err)
{
	(void)fprintf(stderr, "ask_dir: %s: %s\n", err->where, err->message);
	exit(70);
}

static void
choose(struct place *p)
{
	struct asker *a = p->asker;

	a->seed = next_random(a->seed);
	(void)snprintf(p->address, sizeof(p->address), "m%07u@%s",
	    (unsigned)(a->seed >> 33) % a->people, a->domain);
	p->began_ns = now_ns();
	p->since_ms = clock_mono_ms();
}

static void
on_ready(void *arg)
{
	struct place *p = arg;

	p->next = p->asker->ready;
	p->asker->ready = p;
}

/* False: it waits. */
static bool
ask(struct place *p)
{
	struct usher_error err = { 0 };
	struct question q = { .address = p->address };
	struct asker *a = p->asker;
	struct facts facts;
	enum lookup found;

	arena_reset(p->mem);
	dir_since(a->dir, p->since_ms);
	found = dir_facts(a->dir, p->mem, &q, NULL, &facts, &err);
	if (found == LOOKUP_PENDING) {
		dir_wait(a->dir, on_ready, p);
		return false;
	}
	if (found != LOOKUP_FOUND)
		die(&err);
	if (facts.mailbox == NULL) {
		(void)fprintf(stderr, "ask_dir: %s is nobody\n", p->address);
		exit(70);
	}
	if (!times_add(&a->times, now_ns() - p->began_ns))
		exit(71);
	return true;
}

/* Asks on until this place has to wait, or the time is up. */
static void
go_on(struct place *p)
{
	while (ask(p) && now_ns() < p->asker->end_ns)
		choose(p);
}

static void
run(struct asker *a, double seconds)
{
	struct pollfd wait = { .fd = dir_descriptor(a->dir), .events = POLLIN };
	const uint64_t start = now_ns();

	a->end_ns = start + (uint64_t)(seconds * 1e9);
	for (unsigned i = 0; i < a->window; i++) {
		choose(&a->places[i]);
		go_on(&a->places[i]);
	}
	while (now_ns() < a->end_ns) {
		struct place *p;

		if (poll(&wait, 1, 1000) < 0)
			exit(71);
		dir_turn(a->dir);
		while ((p = a->ready) != NULL) {
			a->ready = p->next;
			go_on(p);
		}
	}
	times_print(&a->times, seconds_since(start));
}

int
main(int argc, char **argv)
{
	static struct asker a = { .seed = 1 };
	struct usher_error err = { 0 };
	struct dir_settings settings;

	if (argc != 9) {
		(void)fprintf(stderr,
		    "usage: ask_dir URI BASE CONNECTIONS CACHE_MS DOMAIN PEOPLE WINDOW SECONDS\n");
		return 64;
	}
	dir_settings_init(&settings);
	settings.base = argv[2][0] == '\0' ? NULL : argv[2];
	settings.connections = strtoul(argv[3], NULL, 10);
	settings.cache_ms = strtoul(argv[4], NULL, 10);
	settings.timeout_ms = 60000;
	a.domain = argv[5];
	a.people = (unsigned)strtoul(argv[6], NULL, 10);
	a.window = (unsigned)strtoul(argv[7], NULL, 10);
	if (a.people == 0 || a.window == 0 || a.window > WINDOW_MAX)
		return 64;
	if (dir_open(argv[1], &settings, DIR_READ | DIR_SERVE, &a.dir, &err) != USHER_OK)
		die(&err);
	for (unsigned i = 0; i < a.window; i++) {
		a.places[i].asker = &a;
		a.places[i].mem = arena_new(ARENA_BYTES);
		if (a.places[i].mem == NULL)
			return 71;
	}
	run(&a, strtod(argv[8], NULL));
	dir_close(a.dir);
	for (unsigned i = 0; i < a.window; i++)
		arena_free(a.places[i].mem);
	return 0;
}
