/* pool.c - pool.h over libldap: what is asked, over which connection, and until when. */
#include "ldap/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "ldap/inside.h"
#include "ldap/pool_open.h"

enum {
	READ_AHEAD = 16 * 1024, /* bytes: most answers come with one read */
	TURN_MESSAGES = 512,	/* of one connection, before others have their turn */
	UNASKED_MAX = POOL_MESSAGE_BYTES / 1024, /* reads in a row that answer nothing: a message
						    may come in as many segments */
	REOPEN_MS = 50, /* after the first failure; doubled by each in a row */
	REOPEN_MAX_MS = 5000,
	/* Kerberos tickets end, and a server that was down is up again. */
	RENEW_MS = 10 * 60 * 1000,
	RENEW_RETRY_MS = 60 * 1000
};

#define NEVER UINT64_MAX

/* One search. */
struct asked {
	TAILQ_ENTRY(asked) by_age;   /* all that have not ended */
	TAILQ_ENTRY(asked) in_order; /* those that are not sent */
	struct pool_query query;
	uint64_t deadline_ms;
	unsigned tries;
	struct slot *over;     /* NULL: not sent */
	LDAPMessage **entries; /* query.search.max of them */
	size_t n;
	size_t bytes;
};

TAILQ_HEAD(asked_list, asked);

/* A request that the server has not answered. */
struct sent {
	int id;
	struct asked *asked; /* NULL: nobody waits for it any more */
	uint64_t at_ms;
};

/* A place for a connection. While one is renewed it has two. */
struct slot {
	struct ldap_link *link; /* NULL: none is open */
	Sockbuf *socket;
	int fd;
	struct sent sent[POOL_OUTSTANDING]; /* oldest first */
	size_t n_sent;
	uint64_t heard_ms;
	uint64_t opened_ms, renew_ms;
	bool stuffed;	  /* the kernel takes no more; watched until it does */
	bool lost;	  /* found while sending; the next turn deals with it */
	bool proven;	  /* something was answered */
	unsigned unasked; /* reads in a row */

	struct pool_opening *opening; /* NULL: none is */
	uint64_t reopen_ms;
	unsigned failures; /* in a row */
};

struct ldap_pool {
	struct pool_ways *ways;
	int fd, timer;
	uint64_t armed_ms; /* NEVER: the timer is off */
	uint64_t timeout_ms;
	uint64_t now_ms;
	struct arena *mem; /* of one entry */

	struct slot *slots;
	size_t n_slots, n_open;
	uint64_t apart_ms; /* since when no connection is open */

	struct asked_list all, waiting;
	size_t n;
	uint64_t lost;
	struct usher_error trouble;
};

/* ---- waking up ---- */

static void
wake(struct ldap_pool *p)
{
	(void)eventfd_write(pool_ways_wake_fd(p->ways), 1);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a connection that says nothing is given up for another. Where there is no other, searches
 * wait until their own deadlines. */
static uint64_t
silent_until(const struct ldap_pool *p, const struct slot *s)
{
	uint64_t since = s->sent[0].at_ms > s->heard_ms ? s->sent[0].at_ms : s->heard_ms;

	return since + (pool_ways_several(p->ways) ? p->timeout_ms / 2 : p->timeout_ms);
}

/* A request that was never answered, while others were. */
static uint64_t
owed_until(const struct ldap_pool *p, const struct slot *s)
{
	return s->sent[0].at_ms + 2 * p->timeout_ms;
}

static uint64_t
next_event(const struct ldap_pool *p)
{
	uint64_t at = TAILQ_EMPTY(&p->all) ? NEVER : TAILQ_FIRST(&p->all)->deadline_ms;

	for (size_t i = 0; i < p->n_slots; i++) {
		const struct slot *s = &p->slots[i];

		if (s->link != NULL && s->n_sent > 0)
			at = sooner(at, sooner(silent_until(p, s), owed_until(p, s)));
		if (s->opening == NULL)
			at = sooner(at, s->link == NULL ? s->reopen_ms : s->renew_ms);
	}
	return at;
}

/* Never set back: a timer that comes too early costs less than one that is set for each search. */
static void
arm(struct ldap_pool *p)
{
	uint64_t at = next_event(p);
	struct itimerspec when = { 0 };

	if (at >= p->armed_ms)
		return;
	p->armed_ms = at;
	at = at == 0 ? 1 : at; /* 0 would turn it off */
	when.it_value.tv_sec = (time_t)(at / 1000);
	when.it_value.tv_nsec = (long)(at % 1000 * 1000000);
	(void)timerfd_settime(p->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- searches ---- */

static void
free_asked(struct ldap_pool *p, struct asked *a)
{
	TAILQ_REMOVE(&p->all, a, by_age);
	if (a->over == NULL)
		TAILQ_REMOVE(&p->waiting, a, in_order);
	for (size_t i = 0; i < a->n; i++)
		ldap_msgfree(a->entries[i]);
	p->n--;
	free(a->entries);
	free(a);
}

static void
end(struct ldap_pool *p, struct asked *a, usher_status st, const struct usher_error *err)
{
	struct pool_query query = a->query;

	free_asked(p, a);
	query.done(query.payload, st, st == USHER_OK ? NULL : err);
}

/* Hands over what was gathered. */
static void
succeed(struct ldap_pool *p, struct asked *a)
{
	const struct pool_query *q = &a->query;
	struct usher_error err = { 0 };
	struct ldap_entry entry;
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < a->n; i++) {
		st = ldap_link_entry(
		    a->over->link, a->entries[i], q->search.base, p->mem, &entry, &err);
		if (st == USHER_OK)
			st = q->take(&entry, q->payload, &err);
		arena_reset(p->mem);
	}
	end(p, a, st, &err);
}

/* What was sent waits again, before what is younger. */
static void
send_again(struct ldap_pool *p, struct asked *a)
{
	struct asked *before = a;

	for (size_t i = 0; i < a->n; i++)
		ldap_msgfree(a->entries[i]);
	a->n = 0;
	a->bytes = 0;
	a->over = NULL;
	while ((before = TAILQ_PREV(before, asked_list, by_age)) != NULL && before->over != NULL)
		;
	if (before == NULL)
		TAILQ_INSERT_HEAD(&p->waiting, a, in_order);
	else
		TAILQ_INSERT_AFTER(&p->waiting, before, a, in_order);
}

/* ---- connections ---- */

static void
watch(struct ldap_pool *p, struct slot *s, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | (s->stuffed ? EPOLLOUT : 0),
		.data.ptr = s };

	(void)epoll_ctl(p->fd, operation, s->fd, &event);
}

static void
shut(struct ldap_pool *p, struct slot *s)
{
	(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, s->fd, NULL);
	ldap_link_close(s->link);
	s->link = NULL;
	s->lost = s->stuffed = false;
	s->n_sent = 0;
	if (--p->n_open == 0)
		p->apart_ms = p->now_ms;
}

static uint64_t
backoff_ms(unsigned failures)
{
	uint64_t ms = failures == 0 ? 0 : REOPEN_MS;

	for (unsigned i = 1; i < failures && ms < REOPEN_MAX_MS; i++)
		ms *= 2;
	return sooner(ms, REOPEN_MAX_MS);
}

/* It was of use, or idle for long: then a server may have had enough of it. */
static bool
is_proven(const struct ldap_pool *p, const struct slot *s)
{
	return s->proven || p->now_ms - s->opened_ms > REOPEN_MAX_MS;
}

/* Ends a connection; what it carried goes over others, unless it was the last try of it. One that
 * was of use is opened again at once. */
static void
lose(struct ldap_pool *p, struct slot *s, const struct usher_error *err)
{
	struct sent sent[POOL_OUTSTANDING];
	size_t n = s->n_sent;

	memcpy(sent, s->sent, n * sizeof(*sent));
	p->lost++;
	p->trouble = *err;
	s->failures = is_proven(p, s) ? 0 : s->failures + 1;
	s->reopen_ms = p->now_ms + backoff_ms(s->failures);
	for (size_t i = 0; i < n; i++)
		if (sent[i].asked != NULL)
			send_again(p, sent[i].asked);
	shut(p, s);
	for (size_t i = 0; i < n; i++)
		if (sent[i].asked != NULL && ++sent[i].asked->tries == POOL_TRIES)
			end(p, sent[i].asked, err->status, err);
}

/* Others are tried before a server that was of no use, or does wrong. */
static void
give_up(struct ldap_pool *p, struct slot *s, int code)
{
	struct usher_error err = { 0 };

	(void)ldap_link_fail(s->link, code, NULL, &err);
	if (!is_proven(p, s) || code != LDAP_SERVER_DOWN)
		pool_ways_blame(p->ways, s->link->uri);
	lose(p, s, &err);
}

static size_t
place_of(const struct slot *s, const struct asked *a)
{
	size_t i = 0;

	while (s->sent[i].asked != a)
		i++;
	return i;
}

static void
forget_sent(struct slot *s, size_t at)
{
	s->n_sent--;
	memmove(&s->sent[at], &s->sent[at + 1], (s->n_sent - at) * sizeof(*s->sent));
}

/* ---- sending ---- */

static void
stuff(struct ldap_pool *p, struct slot *s, bool stuffed)
{
	s->stuffed = stuffed;
	watch(p, s, EPOLL_CTL_MOD);
}

/* LDAP_BUSY: the connection takes nothing now. LDAP_SERVER_DOWN: nor ever again. Any other code but
 * success is the search's own. */
static int
send_one(struct ldap_pool *p, struct slot *s, struct asked *a)
{
	const struct link_search *q = &a->query.search;
	struct timeval limit = { .tv_sec = (time_t)((p->timeout_ms + 999) / 1000) };
	int code, id, state = LDAP_SUCCESS;

	/* libldap would connect again by itself, and wait for it. */
	if (ber_sockbuf_ctrl(s->socket, LBER_SB_OPT_GET_FD, NULL) != 1)
		code = LDAP_SERVER_DOWN;
	else
		code = ldap_link_send(s->link, q, NULL, &limit, (int)q->max, &id);
	switch (code) {
	case LDAP_SUCCESS:
		break;
	case LDAP_BUSY:
		stuff(p, s, true);
		return LDAP_BUSY;
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
		s->lost = true;
		wake(p);
		return LDAP_SERVER_DOWN;
	default:
		return code;
	}
	TAILQ_REMOVE(&p->waiting, a, in_order);
	a->over = s;
	s->sent[s->n_sent++] = (struct sent){ id, a, p->now_ms };
	/* It was written in part; the rest goes when there is room. */
	(void)ldap_get_option(s->link->ld, LDAP_OPT_RESULT_CODE, &state);
	if (state == LDAP_BUSY)
		stuff(p, s, true);
	return LDAP_SUCCESS;
}

/* Several connections were lost under it: the next one carries nothing else, so that it cannot take
 * others with it again. */
static bool
is_suspect(const struct asked *a)
{
	return a->tries == POOL_TRIES - 1;
}

static bool
has_suspect(const struct slot *s)
{
	return s->n_sent > 0 && s->sent[0].asked != NULL && is_suspect(s->sent[0].asked);
}

/* The connection that has least to do, and may do this. */
static struct slot *
choose(struct ldap_pool *p, const struct asked *a)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < p->n_slots; i++) {
		struct slot *s = &p->slots[i];

		if (s->link != NULL && !s->lost && !s->stuffed && !has_suspect(s) &&
		    s->n_sent < (is_suspect(a) ? 1 : POOL_OUTSTANDING) &&
		    (best == NULL || s->n_sent < best->n_sent))
			best = s;
	}
	return best;
}

static bool
is_own_fault(int code)
{
	return code != LDAP_SUCCESS && code != LDAP_BUSY && code != LDAP_SERVER_DOWN;
}

static void
send_waiting(struct ldap_pool *p)
{
	struct usher_error err;
	struct asked *a;
	struct slot *s;
	int code;

	while ((a = TAILQ_FIRST(&p->waiting)) != NULL && (s = choose(p, a)) != NULL) {
		code = send_one(p, s, a);
		if (is_own_fault(code))
			end(p, a, ldap_link_fail(s->link, code, a->query.search.base, &err), &err);
	}
}

/* ---- receiving ---- */

/* The server is fine, but not with this search. Later messages of it are passed over. */
static void
refuse(struct ldap_pool *p, struct sent *sent, const char *words)
{
	struct usher_error err;
	struct asked *a = sent->asked;

	sent->asked = NULL;
	(void)err_set(&err, USHER_E_LIMIT, a->query.search.base, "%s", words);
	end(p, a, err.status, &err);
}

/* Bytes of an entry's attributes. */
static size_t
size_of(const struct slot *s, LDAPMessage *message)
{
	ber_len_t n = 0;
	BerElement *at = NULL;
	struct berval dn;

	if (ldap_get_dn_ber(s->link->ld, message, &at, &dn) == LDAP_SUCCESS)
		(void)ber_get_option(at, LBER_OPT_BER_REMAINING_BYTES, &n);
	ber_free(at, 0);
	return n;
}

/* Takes the message. */
static void
gather(struct ldap_pool *p, struct slot *s, struct sent *sent, LDAPMessage *message)
{
	struct asked *a = sent->asked;

	if (a == NULL) {
		ldap_msgfree(message);
		return;
	}
	a->bytes += size_of(s, message);
	if (a->n == a->query.search.max || a->bytes > POOL_ENTRY_BYTES) {
		ldap_msgfree(message);
		refuse(p, sent,
		    a->bytes > POOL_ENTRY_BYTES ? "what was found is too large" :
						  "more was found than can be meant");
		return;
	}
	a->entries[a->n++] = message;
}

/* Takes the message. LDAP_SUCCESS, or why the connection is of no more use. */
static int
conclude(struct ldap_pool *p, struct slot *s, size_t at, LDAPMessage *message)
{
	struct asked *a = s->sent[at].asked;
	struct usher_error err = { 0 };
	int code = LDAP_OTHER, parsed;

	parsed = ldap_parse_result(s->link->ld, message, &code, NULL, NULL, NULL, NULL, 1);
	if (parsed != LDAP_SUCCESS)
		return parsed;
	/* It says that others will do better. */
	if (code == LDAP_UNAVAILABLE)
		return code;
	s->proven = true;
	s->failures = 0;
	forget_sent(s, at);
	if (a == NULL)
		return LDAP_SUCCESS;
	if (code == LDAP_SUCCESS)
		succeed(p, a);
	else
		end(p, a, ldap_link_fail(s->link, code, a->query.search.base, &err), &err);
	return LDAP_SUCCESS;
}

/* Takes the message, as conclude(). */
static int
take(struct ldap_pool *p, struct slot *s, LDAPMessage *message)
{
	int id = ldap_msgid(message), type = ldap_msgtype(message);
	size_t at = 0;

	while (at < s->n_sent && s->sent[at].id != id)
		at++;
	if (at == s->n_sent) {
		ldap_msgfree(message);
		/* Nobody asked; it may say that it is about to go (RFC 4511, 4.4.1). */
		return ++s->unasked > UNASKED_MAX ? LDAP_PROTOCOL_ERROR : LDAP_SUCCESS;
	}
	s->unasked = 0;
	s->heard_ms = p->now_ms;
	switch (type) {
	case LDAP_RES_SEARCH_ENTRY:
		gather(p, s, &s->sent[at], message);
		return LDAP_SUCCESS;
	case LDAP_RES_SEARCH_RESULT:
		return conclude(p, s, at, message);
	default:
		ldap_msgfree(message);
		return type == LDAP_RES_SEARCH_REFERENCE || type == LDAP_RES_INTERMEDIATE ?
			   LDAP_SUCCESS :
			   LDAP_PROTOCOL_ERROR;
	}
}

/* Reads what is there, and lets libldap write what it still has. */
static void
serve(struct ldap_pool *p, struct slot *s)
{
	struct timeval now = { 0, 0 };
	int code = LDAP_SUCCESS;

	if (s->stuffed)
		stuff(p, s, false);
	for (size_t i = 0; code == LDAP_SUCCESS && i < TURN_MESSAGES; i++) {
		LDAPMessage *message = NULL;
		int type = ldap_result(s->link->ld, LDAP_RES_ANY, LDAP_MSG_ONE, &now, &message);

		if (type > 0) {
			code = take(p, s, message);
		} else if (type < 0) {
			(void)ldap_get_option(s->link->ld, LDAP_OPT_RESULT_CODE, &code);
			code = code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code;
		} else if (++s->unasked > UNASKED_MAX) {
			code = LDAP_PROTOCOL_ERROR;
		} else if (ber_sockbuf_ctrl(s->socket, LBER_SB_OPT_DATA_READY, NULL) != 1) {
			return;
		}
	}
	if (code == LDAP_SUCCESS)
		wake(p); /* others first */
	else
		give_up(p, s, code);
}

/* ---- time ---- */

static void
expire(struct ldap_pool *p)
{
	struct usher_error err;
	struct asked *a;

	while ((a = TAILQ_FIRST(&p->all)) != NULL && a->deadline_ms <= p->now_ms) {
		struct slot *s = a->over;

		if (s != NULL) {
			(void)ldap_link_fail(s->link, LDAP_TIMEOUT, NULL, &err);
			s->sent[place_of(s, a)].asked = NULL;
		} else {
			err = p->trouble;
			if (err.status == USHER_OK)
				(void)err_set(&err, USHER_E_TIMEOUT, "directory",
				    "no connection was free in time");
		}
		end(p, a, err.status, &err);
	}
}

static void
check_silence(struct ldap_pool *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		struct slot *s = &p->slots[i];

		if (s->link != NULL && s->n_sent > 0 &&
		    (silent_until(p, s) <= p->now_ms || owed_until(p, s) <= p->now_ms))
			give_up(p, s, LDAP_TIMEOUT);
	}
}

/* ---- opening ---- */

static void
fit(struct ldap_pool *p, struct slot *s, struct ldap_link *link)
{
	ber_len_t largest = POOL_MESSAGE_BYTES;
	int ahead = READ_AHEAD, on = 1;

	(void)ldap_get_option(link->ld, LDAP_OPT_SOCKBUF, &s->socket);
	(void)ber_sockbuf_ctrl(s->socket, LBER_SB_OPT_GET_FD, &s->fd);
	(void)ber_sockbuf_ctrl(s->socket, LBER_SB_OPT_SET_NONBLOCK, &on);
	(void)ber_sockbuf_ctrl(s->socket, LBER_SB_OPT_SET_MAX_INCOMING, &largest);
	/* Above TLS and SASL: it reads whatever of theirs is there. */
	(void)ber_sockbuf_add_io(
	    s->socket, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_APPLICATION + 1, &ahead);
	s->link = link;
	s->proven = false;
	s->unasked = 0;
	s->opened_ms = p->now_ms;
	s->renew_ms = p->now_ms + RENEW_MS;
	p->n_open++;
	p->trouble = (struct usher_error){ 0 };
	watch(p, s, EPOLL_CTL_ADD);
}

/* A connection that is renewed hands over what it carries. */
static void
replace(struct ldap_pool *p, struct slot *s, struct ldap_link *link)
{
	struct sent sent[POOL_OUTSTANDING];
	size_t n = s->link == NULL ? 0 : s->n_sent;

	memcpy(sent, s->sent, n * sizeof(*sent));
	for (size_t i = 0; i < n; i++)
		if (sent[i].asked != NULL)
			send_again(p, sent[i].asked);
	if (s->link != NULL)
		shut(p, s);
	fit(p, s, link);
}

static void
take_opened(struct ldap_pool *p, struct slot *s)
{
	struct ldap_link *link = NULL;
	struct usher_error err;

	if (s->opening == NULL || !pool_opening_end(s->opening, &link, &err))
		return;
	s->opening = NULL;
	if (link != NULL) {
		replace(p, s, link);
		return;
	}
	p->trouble = err;
	s->failures++;
	s->reopen_ms = p->now_ms + backoff_ms(s->failures);
	s->renew_ms = p->now_ms + RENEW_RETRY_MS;
}

static usher_status
open_due(struct ldap_pool *p, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < p->n_slots; i++) {
		struct slot *s = &p->slots[i];

		if (s->opening == NULL &&
		    (s->link == NULL ? s->reopen_ms : s->renew_ms) <= p->now_ms)
			st = pool_opening_start(p->ways, &s->opening, err);
		if (st != USHER_OK)
			s->reopen_ms = s->renew_ms = p->now_ms + REOPEN_MAX_MS;
	}
	return st;
}

/* ---- the pool ---- */

static bool
watch_always(struct ldap_pool *p, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };

	return p->fd >= 0 && fd >= 0 && epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

usher_status
ldap_pool_open(const struct pool_options *options, struct ldap_pool **out, struct usher_error *err)
{
	struct pool_options o = *options;
	struct ldap_pool *p = calloc(1, sizeof(*p));
	usher_status st = USHER_OK;

	if (p == NULL)
		return err_nomem(err, o.servers);
	p->fd = p->timer = -1;
	p->armed_ms = NEVER;
	p->now_ms = p->apart_ms = clock_mono_ms();
	p->timeout_ms = o.link.timeout_ms = o.timeout_ms == 0 ? POOL_TIMEOUT_MS : o.timeout_ms;
	p->n_slots = o.connections == 0		      ? POOL_USUAL_CONNECTIONS :
		     o.connections > POOL_CONNECTIONS ? POOL_CONNECTIONS :
							o.connections;
	TAILQ_INIT(&p->all);
	TAILQ_INIT(&p->waiting);
	p->mem = arena_new(2 * POOL_ENTRY_BYTES);
	p->slots = calloc(p->n_slots, sizeof(*p->slots));
	if (p->mem == NULL || p->slots == NULL)
		st = err_nomem(err, o.servers);
	if (st == USHER_OK)
		st = pool_ways_new(&o, &p->ways, err);
	if (st == USHER_OK) {
		p->fd = epoll_create1(EPOLL_CLOEXEC);
		p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (!watch_always(p, p->timer, &p->timer) ||
		    !watch_always(p, pool_ways_wake_fd(p->ways), p->ways))
			st = err_set(err, USHER_E_LIMIT, o.servers, "no more descriptors");
	}
	if (st == USHER_OK)
		st = open_due(p, err);
	if (st != USHER_OK) {
		ldap_pool_close(p);
		return st;
	}
	arm(p);
	*out = p;
	return USHER_OK;
}

void
ldap_pool_close(struct ldap_pool *pool)
{
	struct asked *a;

	if (pool == NULL)
		return;
	while ((a = TAILQ_FIRST(&pool->all)) != NULL)
		free_asked(pool, a);
	for (size_t i = 0; pool->slots != NULL && i < pool->n_slots; i++) {
		pool_opening_forget(pool->slots[i].opening);
		ldap_link_close(pool->slots[i].link);
	}
	if (pool->fd >= 0)
		(void)close(pool->fd);
	if (pool->timer >= 0)
		(void)close(pool->timer);
	pool_ways_unref(pool->ways);
	free(pool->slots);
	arena_free(pool->mem);
	free(pool);
}

/* Sends it at once, when it is its turn. Fails by the search's own fault only. */
static usher_status
send_first(struct ldap_pool *p, struct asked *a, struct usher_error *err)
{
	struct slot *s;
	int code = LDAP_SUCCESS;

	while (a->over == NULL && TAILQ_FIRST(&p->waiting) == a && (s = choose(p, a)) != NULL) {
		code = send_one(p, s, a);
		if (is_own_fault(code)) {
			usher_status st = ldap_link_fail(s->link, code, a->query.search.base, err);

			free_asked(p, a);
			return st;
		}
	}
	arm(p);
	return USHER_OK;
}

usher_status
ldap_pool_ask(struct ldap_pool *pool, const struct pool_query *query, struct usher_error *err)
{
	size_t max = query->search.max;
	struct asked *a;

	pool->now_ms = clock_mono_ms();
	if (pool->n_open == 0 && pool->now_ms - pool->apart_ms >= pool->timeout_ms &&
	    pool->trouble.status != USHER_OK)
		return err_set(
		    err, pool->trouble.status, pool->trouble.where, "%s", pool->trouble.message);
	if (pool->n == POOL_WAITING)
		return err_set(err, USHER_E_LIMIT, "directory",
		    "%d searches wait for an answer already", POOL_WAITING);
	a = calloc(1, sizeof(*a));
	if (a != NULL)
		a->entries = calloc(max, sizeof(LDAPMessage *));
	if (a == NULL || a->entries == NULL) {
		free(a);
		return err_nomem(err, query->search.base);
	}
	a->query = *query;
	a->deadline_ms = pool->now_ms + pool->timeout_ms;
	TAILQ_INSERT_TAIL(&pool->all, a, by_age);
	TAILQ_INSERT_TAIL(&pool->waiting, a, in_order);
	pool->n++;
	return send_first(pool, a, err);
}

int
ldap_pool_descriptor(const struct ldap_pool *pool)
{
	return pool->fd;
}

/* Which connections are ready; what else is, has done its part by waking us. */
static void
look(struct ldap_pool *p, bool ready[POOL_CONNECTIONS])
{
	struct epoll_event events[POOL_CONNECTIONS + 2];
	int n = epoll_wait(p->fd, events, (int)COUNT_OF(events), 0);
	eventfd_t count;

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == &p->timer) {
			(void)eventfd_read(p->timer, &count);
			p->armed_ms = NEVER;
		} else if (events[i].data.ptr == p->ways) {
			(void)eventfd_read(pool_ways_wake_fd(p->ways), &count);
		} else {
			ready[(struct slot *)events[i].data.ptr - p->slots] = true;
		}
	}
}

void
ldap_pool_turn(struct ldap_pool *pool)
{
	bool ready[POOL_CONNECTIONS] = { false };
	struct usher_error err;

	pool->now_ms = clock_mono_ms();
	look(pool, ready);
	for (size_t i = 0; i < pool->n_slots; i++) {
		struct slot *s = &pool->slots[i];

		if (s->link != NULL && s->lost)
			give_up(pool, s, LDAP_SERVER_DOWN);
		else if (s->link != NULL && ready[i])
			serve(pool, s);
		take_opened(pool, s);
	}
	check_silence(pool);
	expire(pool);
	if (open_due(pool, &err) != USHER_OK)
		pool->trouble = err;
	send_waiting(pool);
	arm(pool);
}

void
ldap_pool_state(const struct ldap_pool *pool, struct pool_state *out)
{
	*out = (struct pool_state){ .connections = pool->n_open,
		.outstanding = pool->n,
		.lost = pool->lost,
		.trouble = pool->trouble };
	for (size_t i = 0; i < pool->n_slots && out->server == NULL; i++)
		if (pool->slots[i].link != NULL)
			out->server = pool->slots[i].link->uri;
}
