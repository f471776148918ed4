/* pool_open.c - the servers of a pool in the order in which they are worth trying. */
#include "ldap/pool_open.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "ldap/servers.h"

enum {
	BLAME_MS = 200, /* after the first failure; doubled by each further one in a row */
	BLAME_MAX_MS = 30 * 1000,
	KNOWN_SERVERS = 2 * SERVERS_MAX, /* SRV may name others each time */
	WAYS_BYTES = 64 * 1024
};

struct server {
	const char *uri;
	unsigned failures; /* in a row */
	uint64_t shunned_until_ms;
};

struct pool_ways {
	pthread_mutex_t lock; /* of what is below it */
	size_t users;
	struct arena *mem;
	struct server known[KNOWN_SERVERS];
	size_t n_known;

	/* Fixed. */
	int wake_fd;
	const char *servers; /* as they were given */
	const char *srv_domain;
	struct link_options link;
	struct secret password;
};

struct pool_opening {
	struct pool_ways *ways;
	bool over, forgotten; /* under the lock of `ways` */
	struct ldap_link *link;
	struct usher_error err;
};

static void
lock(struct pool_ways *w)
{
	(void)pthread_mutex_lock(&w->lock);
}

static void
unlock(struct pool_ways *w)
{
	(void)pthread_mutex_unlock(&w->lock);
}

/* ---- ways ---- */

static void
free_ways(struct pool_ways *w)
{
	secret_clear(&w->password);
	arena_free(w->mem);
	if (w->wake_fd >= 0)
		(void)close(w->wake_fd);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

void
pool_ways_unref(struct pool_ways *ways)
{
	bool last;

	if (ways == NULL)
		return;
	lock(ways);
	last = --ways->users == 0;
	unlock(ways);
	if (last)
		free_ways(ways);
}

static usher_status
copy_options(struct pool_ways *w, const struct pool_options *options, struct usher_error *err)
{
	const struct link_options *link = &options->link;

	w->link = *link;
	w->link.password = NULL;
	w->servers = arena_strdup(w->mem, options->servers);
	w->srv_domain = arena_strdup(w->mem, options->srv_domain);
	w->link.ca_file = arena_strdup(w->mem, link->ca_file);
	w->link.user = arena_strdup(w->mem, link->user);
	w->link.keytab = arena_strdup(w->mem, link->keytab);
	if (w->servers == NULL || (w->srv_domain == NULL) != (options->srv_domain == NULL) ||
	    (w->link.ca_file == NULL) != (link->ca_file == NULL) ||
	    (w->link.user == NULL) != (link->user == NULL) ||
	    (w->link.keytab == NULL) != (link->keytab == NULL))
		return err_nomem(err, options->servers);
	if (link->password != NULL) {
		if (!secret_set(&w->password, slice_from(link->password->bytes, link->password->n)))
			return err_nomem(err, options->servers);
		w->link.password = &w->password;
	}
	return ldap_servers_check(w->servers, w->srv_domain, err);
}

usher_status
pool_ways_new(const struct pool_options *options, struct pool_ways **out, struct usher_error *err)
{
	struct pool_ways *w = calloc(1, sizeof(*w));
	usher_status st;

	if (w == NULL || pthread_mutex_init(&w->lock, NULL) != 0) {
		free(w);
		return err_nomem(err, options->servers);
	}
	w->users = 1;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->mem = arena_new(WAYS_BYTES);
	if (w->wake_fd < 0)
		st = err_set(err, USHER_E_LIMIT, options->servers, "no more descriptors");
	else if (w->mem == NULL)
		st = err_nomem(err, options->servers);
	else
		st = copy_options(w, options, err);
	if (st != USHER_OK) {
		free_ways(w);
		return st;
	}
	*out = w;
	return USHER_OK;
}

int
pool_ways_wake_fd(const struct pool_ways *ways)
{
	return ways->wake_fd;
}

/* Its lock is held. NULL: too many are known, or out of memory; then nothing is held against it. */
static struct server *
server_of(struct pool_ways *w, const char *uri)
{
	struct server *s;

	for (size_t i = 0; i < w->n_known; i++)
		if (strcmp(w->known[i].uri, uri) == 0)
			return &w->known[i];
	if (w->n_known == KNOWN_SERVERS)
		return NULL;
	s = &w->known[w->n_known];
	s->uri = arena_strdup(w->mem, uri);
	w->n_known += s->uri != NULL;
	return s->uri == NULL ? NULL : s;
}

bool
pool_ways_several(struct pool_ways *ways)
{
	bool several;

	lock(ways);
	several = ways->n_known > 1;
	unlock(ways);
	return several;
}

void
pool_ways_blame(struct pool_ways *ways, const char *uri)
{
	struct server *s;
	uint64_t ms = BLAME_MS;

	lock(ways);
	s = server_of(ways, uri);
	if (s != NULL) {
		for (unsigned i = 0; i < s->failures && ms < BLAME_MAX_MS; i++)
			ms *= 2;
		s->failures++;
		s->shunned_until_ms = clock_mono_ms() + (ms < BLAME_MAX_MS ? ms : BLAME_MAX_MS);
	}
	unlock(ways);
}

static void
absolve(struct pool_ways *w, const char *uri)
{
	struct server *s;

	lock(w);
	s = server_of(w, uri);
	if (s != NULL)
		s->failures = 0;
	unlock(w);
}

/* ---- the thread ---- */

struct candidates {
	const char *uris[SERVERS_MAX];
	uint64_t shunned_until_ms[SERVERS_MAX];
	size_t n;
};

/* Behind those that are shunned for less long, and all that are not: they keep their order. */
static void
add_candidate(struct pool_ways *w, struct candidates *c, const char *uri)
{
	const struct server *s;
	uint64_t until_ms;
	size_t at = c->n;

	lock(w);
	s = server_of(w, uri);
	until_ms = s == NULL || s->shunned_until_ms <= clock_mono_ms() ? 0 : s->shunned_until_ms;
	unlock(w);
	for (; at > 0 && c->shunned_until_ms[at - 1] > until_ms; at--) {
		c->uris[at] = c->uris[at - 1];
		c->shunned_until_ms[at] = c->shunned_until_ms[at - 1];
	}
	c->uris[at] = uri;
	c->shunned_until_ms[at] = until_ms;
	c->n++;
}

static usher_status
open_first(struct pool_ways *w, struct arena *mem, struct ldap_link **out, struct usher_error *err)
{
	struct link_options link = w->link;
	struct candidates c = { .n = 0 };
	struct ldap_servers servers;
	usher_status st = ldap_servers_find(w->servers, w->srv_domain, mem, &servers, err);

	if (st != USHER_OK)
		return st;
	for (size_t i = 0; i < servers.n; i++)
		add_candidate(w, &c, servers.uris[i]);
	/* While one does not answer there must be time for another. */
	if (c.n > 1)
		link.timeout_ms /= 2;
	for (size_t i = 0; i < c.n; i++) {
		const struct link_options one = ldap_server_options(&link, c.uris[i]);

		st = ldap_link_open(&one, out, err);
		if (st == USHER_OK) {
			absolve(w, one.uri);
			return USHER_OK;
		}
		pool_ways_blame(w, one.uri);
	}
	return st;
}

static void *
run(void *arg)
{
	struct pool_opening *o = arg;
	struct pool_ways *w = o->ways;
	struct arena *mem = arena_new(WAYS_BYTES);
	struct usher_error err = { 0 };
	struct ldap_link *link = NULL;
	bool forgotten;

	if (mem == NULL)
		(void)err_nomem(&err, w->servers);
	else if (open_first(w, mem, &link, &err) != USHER_OK)
		link = NULL;
	lock(w);
	o->link = link;
	o->err = err;
	o->over = true;
	forgotten = o->forgotten;
	if (!forgotten)
		(void)eventfd_write(w->wake_fd, 1);
	unlock(w);
	arena_free(mem);
	if (forgotten) {
		ldap_link_close(link);
		free(o);
	}
	pool_ways_unref(w);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int
start_thread(struct pool_opening *o)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;
	int failed;

	if (pthread_attr_init(&detached) != 0)
		return -1;
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, &detached, run, o);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&detached);
	return failed;
}

usher_status
pool_opening_start(struct pool_ways *ways, struct pool_opening **out, struct usher_error *err)
{
	struct pool_opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return err_nomem(err, ways->servers);
	o->ways = ways;
	lock(ways);
	ways->users++;
	unlock(ways);
	if (start_thread(o) != 0) {
		pool_ways_unref(ways);
		free(o);
		return err_set(err, USHER_E_LIMIT, ways->servers, "no more threads");
	}
	*out = o;
	return USHER_OK;
}

bool
pool_opening_end(struct pool_opening *opening, struct ldap_link **link, struct usher_error *err)
{
	bool over;

	lock(opening->ways);
	over = opening->over;
	unlock(opening->ways);
	if (!over)
		return false;
	*link = opening->link;
	*err = opening->err;
	free(opening);
	return true;
}

void
pool_opening_forget(struct pool_opening *opening)
{
	bool over;

	if (opening == NULL)
		return;
	lock(opening->ways);
	opening->forgotten = true;
	over = opening->over;
	unlock(opening->ways);
	if (over) {
		ldap_link_close(opening->link);
		free(opening);
	}
}
