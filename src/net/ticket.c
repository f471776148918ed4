/* ticket.c - ticket.h: finds the KDCs of a realm and carries messages to the first that answers. */
#include "net/ticket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "net/negotiate.h"
#include "net/race.h"

enum {
	TICKET_BYTES = 128 * 1024,  /* of names and addresses */
	MESSAGE_BYTES = 256 * 1024, /* to or from a KDC */
	LENGTH_BYTES = 4	    /* in front of each: big-endian */
};

enum ticket_state {
	TICKET_BEGIN, /* there is a reply to be read, an empty one at first */
	TICKET_NAMES, /* DNS is asked for the KDCs of the realm … */
	TICKET_NAME,  /* … or for the addresses of one */
	TICKET_CONNECT,
	TICKET_TALK, /* the message goes out, then the reply comes in */
	TICKET_OVER
};

struct ticket {
	struct poller *poller;
	struct dns *dns;
	uint32_t lookup; /* the id of what it asks */
	struct arena *mem;
	struct negotiation *negotiation;
	enum ticket_state state;
	size_t messages; /* so far */

	const char *realm; /* whose KDCs these are */
	struct kdc kdcs[KDCS_MAX];
	size_t n_kdcs;
	size_t at; /* the one that is asked; it keeps its place while it answers */
	uint64_t deadline_ms;
	struct race race;
	int fd; /* -1: none */
	struct buf out, in;
	size_t sent;

	usher_status status;
	struct usher_error err;
};

usher_status
ticket_new(const char *service, const char *host, uint32_t lookup, struct poller *poller,
    struct dns *dns, struct ticket **out, struct usher_error *err)
{
	struct ticket *t = calloc(1, sizeof(*t));
	usher_status st;

	if (t == NULL)
		return err_nomem(err, host);
	t->poller = poller;
	t->dns = dns;
	t->lookup = lookup;
	t->fd = -1;
	buf_init(&t->out, MESSAGE_BYTES);
	buf_init(&t->in, MESSAGE_BYTES);
	t->mem = arena_new(TICKET_BYTES);
	st = t->mem == NULL ? err_nomem(err, host) :
			      negotiation_new(service, host, &t->negotiation, err);
	if (st != USHER_OK) {
		ticket_free(t);
		return st;
	}
	*out = t;
	return USHER_OK;
}

static void
hang_up(struct ticket *t)
{
	race_end(&t->race);
	t->race = (struct race){ .poller = t->poller };
	if (t->fd < 0)
		return;
	poller_watch(t->poller, POLLER_RACE, t->fd, 0);
	(void)close(t->fd);
	t->fd = -1;
}

void
ticket_free(struct ticket *t)
{
	if (t == NULL)
		return;
	hang_up(t);
	dns_stop(t->dns, t->lookup);
	negotiation_free(t->negotiation);
	buf_clear(&t->out);
	buf_clear(&t->in);
	arena_free(t->mem);
	free(t);
}

bool
ticket_is_possible(const struct ticket *t)
{
	return negotiation_is_possible(t->negotiation);
}

/* ---- which KDC ---- */

static void
end(struct ticket *t, usher_status st)
{
	hang_up(t);
	t->status = st;
	t->state = TICKET_OVER;
}

static void
ask_kdc(struct ticket *t)
{
	if (t->at == t->n_kdcs) {
		end(t, err_set(&t->err, USHER_E_CREDENTIALS, NULL,
			   "Kerberos gives no ticket for it: no KDC of %s answers", t->realm));
		return;
	}
	t->state = TICKET_NAME;
	t->deadline_ms = clock_mono_ms() + TICKET_KDC_MS;
	/* The one before may have taken all of it, and said half of its reply. */
	t->sent = 0;
	buf_reset(&t->in);
	if (dns_start(t->dns, t->lookup, t->kdcs[t->at].host, NULL) != USHER_OK)
		t->deadline_ms = 0;
}

static void
ask_next_kdc(struct ticket *t)
{
	dns_stop(t->dns, t->lookup);
	hang_up(t);
	t->at++;
	ask_kdc(t);
}

static void
find_kdcs(struct ticket *t)
{
	bool by_dns;
	const char *name;

	t->at = 0;
	t->n_kdcs = negotiation_kdcs(t->negotiation, t->mem, t->realm, t->kdcs, &by_dns);
	if (t->n_kdcs > 0) {
		ask_kdc(t);
		return;
	}
	name = by_dns ? arena_join(t->mem, "_kerberos._tcp.", t->realm) : NULL;
	if (name == NULL || dns_start_srv(t->dns, t->lookup, name, NULL) != USHER_OK) {
		end(t, USHER_OK);
		return;
	}
	t->state = TICKET_NAMES;
	t->deadline_ms = clock_mono_ms() + TICKET_KDC_MS;
}

/* By priority: what one of them cannot, the next may. */
static void
take_names(struct ticket *t, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n_records && t->n_kdcs < KDCS_MAX; i++) {
		const struct srv_record *r = &a->records[i];
		size_t k = t->n_kdcs++;

		for (; k > 0 && t->kdcs[k - 1].priority > r->priority; k--)
			t->kdcs[k] = t->kdcs[k - 1];
		t->kdcs[k] = (struct kdc){ r->host, r->port, r->priority };
	}
	if (t->n_kdcs == 0)
		end(t, USHER_OK);
	else
		ask_kdc(t);
}

void
ticket_answer(struct ticket *t, const struct dns_answer *answer)
{
	uint64_t now_ms = clock_mono_ms();

	if (t == NULL || answer->failure == DNS_STOPPED)
		return;
	if (t->state == TICKET_NAMES && answer->srv)
		take_names(t, answer);
	else if (t->state == TICKET_NAME && !answer->srv && answer->failure != DNS_FOUND)
		ask_next_kdc(t);
	else if (t->state == TICKET_NAME && !answer->srv) {
		t->state = TICKET_CONNECT;
		(void)race_prepare(&t->race, t->poller, &answer->addresses, t->kdcs[t->at].port,
		    now_ms, t->deadline_ms);
	}
}

/* ---- what is said ---- */

static void
set_out(struct ticket *t, struct slice message)
{
	char length[LENGTH_BYTES];

	for (size_t i = 0; i < LENGTH_BYTES; i++)
		length[i] = (char)(message.n >> 8 * (LENGTH_BYTES - 1 - i));
	buf_reset(&t->out);
	buf_append(&t->out, length, LENGTH_BYTES);
	buf_slice(&t->out, message);
}

/* Kerberos reads the reply, and says what comes next. */
static void
go_on(struct ticket *t)
{
	struct slice message, realm;
	usher_status st = negotiation_step(t->negotiation,
	    slice_skip(buf_as_slice(&t->in), LENGTH_BYTES), &message, &realm, &t->err);

	buf_reset(&t->in);
	if (st == USHER_OK && message.n > 0)
		set_out(t, message);
	if (st == USHER_OK && t->out.status != USHER_OK)
		st = err_nomem(&t->err, NULL);
	if (st != USHER_OK || message.n == 0) {
		end(t, st);
	} else if (t->messages++ == TICKET_MESSAGES_MAX) {
		end(t, err_set(&t->err, USHER_E_CREDENTIALS, NULL,
			   "Kerberos gives no ticket for it: its KDCs send us on without end"));
	} else if (t->realm != NULL && slice_is(realm, t->realm)) {
		ask_kdc(t);
	} else {
		t->realm = arena_copy(t->mem, realm);
		if (t->realm != NULL)
			find_kdcs(t);
		else
			end(t, err_nomem(&t->err, NULL));
	}
}

static void
connect_to_kdc(struct ticket *t, uint64_t now_ms)
{
	switch (race_work(&t->race, now_ms)) {
	case RACE_ON:
		return;
	case RACE_WON:
		t->fd = race_take(&t->race);
		t->state = TICKET_TALK;
		return;
	case RACE_LOST:
	case RACE_TIMED_OUT:
		ask_next_kdc(t);
		return;
	}
}

/* The whole reply, its length in front. */
static bool
is_complete(const struct ticket *t)
{
	size_t n = 0;

	if (t->in.n < LENGTH_BYTES)
		return false;
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		n = n << 8 | (unsigned char)t->in.p[i];
	return t->in.n - LENGTH_BYTES >= n;
}

static void
talk(struct ticket *t)
{
	char chunk[4096];
	ssize_t n = 1;

	while (n > 0 && t->sent < t->out.n) {
		n = send(t->fd, t->out.p + t->sent, t->out.n - t->sent, MSG_NOSIGNAL);
		t->sent += n > 0 ? (size_t)n : 0;
	}
	while (n > 0 && t->in.status == USHER_OK && !is_complete(t)) {
		n = recv(t->fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			buf_append(&t->in, chunk, (size_t)n);
	}
	if (n < 0 && errno == EAGAIN) {
		poller_watch(t->poller, POLLER_RACE, t->fd, t->sent < t->out.n ? POLLOUT : POLLIN);
	} else if (n > 0 && is_complete(t)) {
		hang_up(t);
		t->state = TICKET_BEGIN;
	} else {
		ask_next_kdc(t);
	}
}

/* ---- driving ---- */

static void
give_up_waiting(struct ticket *t)
{
	if (t->state == TICKET_NAMES)
		end(t, err_set(&t->err, USHER_E_CREDENTIALS, NULL,
			   "Kerberos gives no ticket for it: DNS does not say where the KDCs of %s "
			   "are",
			   t->realm));
	else
		ask_next_kdc(t);
}

bool
ticket_work(struct ticket *t, usher_status *st, struct usher_error *err)
{
	enum ticket_state before;

	do {
		uint64_t now_ms = clock_mono_ms();

		before = t->state;
		if (t->state == TICKET_BEGIN)
			go_on(t);
		else if (t->state == TICKET_CONNECT && now_ms < t->deadline_ms)
			connect_to_kdc(t, now_ms);
		else if (t->state == TICKET_TALK && now_ms < t->deadline_ms)
			talk(t);
		else if (t->state != TICKET_OVER && now_ms >= t->deadline_ms)
			give_up_waiting(t);
	} while (t->state != before);
	if (t->state != TICKET_OVER)
		return false;
	*st = t->status;
	if (t->status != USHER_OK && err != NULL)
		*err = t->err;
	return true;
}

uint64_t
ticket_wake_ms(const struct ticket *t)
{
	if (t->state == TICKET_BEGIN || t->state == TICKET_OVER)
		return 0;
	return t->state == TICKET_CONNECT && race_wake_ms(&t->race) < t->deadline_ms ?
		   race_wake_ms(&t->race) :
		   t->deadline_ms;
}
