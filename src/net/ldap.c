/* ldap.c - a directory's way from its name to its connection points. */
#include "net/ldap.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/when.h"
#include "model/ldap.h"
#include "net/ldap_thread.h"
#include "net/ping.h"
#include "net/ticket.h"
#include "plan/srv.h"

enum { DIRSEARCH_BYTES = 4 * 1024 * 1024 }; /* of names, answers and words */

/* Ids of look-ups, behind options.lookup. */
enum {
	LOOKUP_DOMAIN = 0, /* SRV records of the whole domain … */
	LOOKUP_SITE,	   /* … and of a site */
	LOOKUP_TICKET,
	LOOKUP_HOST /* of the first host; others follow */
};
_Static_assert(LOOKUP_HOST + DIRSEARCH_HOSTS_MAX <= DIRSEARCH_LOOKUPS, "ids for all look-ups");

enum state {
	STATE_NAMES = 0, /* SRV records, or the addresses of the host */
	STATE_PING,
	STATE_SITE, /* SRV records of the site that the ping has told … */
	STATE_SITE_PING,
	STATE_TICKET,
	STATE_CONNECT,
	STATE_SEARCH,
	STATE_OVER
};

/* A controller, or the host that the URI names. */
struct host {
	const char *name;
	uint16_t port, to_port; /* as named, and as connected to */
	bool asked;		/* DNS is asked for its addresses … */
	bool known;		/* … which have come, or never will */
	bool near;		/* it is in our site, as its SRV records say */
	bool pinged, failed;
	struct text_list addresses;
};

/* SRV records that are asked for. */
struct named {
	bool open;
	enum dns_failure failure;
	const struct srv_record *records;
	size_t n;
};

struct dirsearch {
	struct arena *mem; /* this struct too */
	struct poller *poller;
	struct dns *dns;
	struct dirsearch_options options;
	struct ldap_place place; /* all zero: ldapi:// */
	enum state state;
	uint64_t over_ms;
	uint64_t until_ms; /* of this state */
	uint64_t hold_ms;  /* hosts in front whose addresses are not known are waited for */

	const char *domain; /* whose controllers are asked; NULL: the host itself */
	struct named by_domain, by_site;
	struct host hosts[DIRSEARCH_HOSTS_MAX];
	size_t n_hosts;
	struct pings pings[2];	/* of the domain, and of our site */
	struct pings *answered; /* one of them */
	bool near_asked;	/* the pings of our site */
	size_t chosen;		/* host … */
	const char *address;	/* … and which of its addresses; NULL: any */

	struct race race;
	int fd; /* connected; -1: not */
	struct ticket *ticket;
	bool tickets;
	struct ldap_thread *thread;

	usher_status status;
	const char *detail, *server, *site, *way;
	bool safe;
	struct scp_list list;
};

/* ---- words and ends ---- */

static void
enter(struct dirsearch *d, enum state state, uint64_t patience_ms)
{
	uint64_t now_ms = clock_mono_ms();

	d->state = state;
	d->until_ms = now_ms + patience_ms < d->over_ms ? now_ms + patience_ms : d->over_ms;
}

static void
end(struct dirsearch *d, usher_status st, const char *detail)
{
	d->status = st;
	d->detail = detail;
	d->state = STATE_OVER;
}

/* Adds to the way that was gone so far. */
static void
add_way(struct dirsearch *d, const char *text)
{
	if (text != NULL)
		d->way = d->way == NULL ? text : arena_join(d->mem, d->way, "; ", text);
}

/* `dc1.example is silent, dc2.example refuses`; "" when there is nothing to tell. */
static const char *
list_losses(struct dirsearch *d, const struct pings *p)
{
	const char *text = "";

	for (size_t i = 0; text != NULL && i < d->n_hosts; i++) {
		const char *word = d->hosts[i].known && d->hosts[i].addresses.n == 0 ?
				       " has no address" :
				       pings_word(p, i);

		if (word != NULL)
			text = arena_join(
			    d->mem, text, *text == '\0' ? "" : ", ", d->hosts[i].name, word);
	}
	return text == NULL ? "" : text;
}

/* ---- beginning and end ---- */

static void
ask_srv(struct dirsearch *d, unsigned lookup, const char *site)
{
	struct named *n = lookup == LOOKUP_SITE ? &d->by_site : &d->by_domain;
	const char *name = arena_join(d->mem, "_ldap._tcp.", site == NULL ? "" : site,
	    site == NULL ? "" : "._sites.", "dc._msdcs.", d->domain);

	/* What was asked under this id before may still be on its way. */
	dns_stop(d->dns, d->options.lookup + lookup);
	*n = (struct named){ .failure = DNS_TROUBLE };
	n->open = name != NULL &&
		  dns_start_srv(d->dns, d->options.lookup + lookup, name, NULL) == USHER_OK;
}

/* What cannot be a label is no part of a name. */
static bool
is_label(const char *site)
{
	size_t n = site == NULL ? 0 : strlen(site);

	return n > 0 && n <= 63 && strpbrk(site, ".\\") == NULL;
}

static void
ask_address(struct dirsearch *d, size_t i)
{
	struct host *h = &d->hosts[i];
	const char *to = h->name;

	h->asked = true;
	h->to_port = h->port;
	connect_to_apply(d->options.routes, d->options.n_routes, &to, &h->to_port);
	h->known =
	    dns_start(d->dns, d->options.lookup + LOOKUP_HOST + (uint32_t)i, to, NULL) != USHER_OK;
}

/* The host of that name, a new one if need be; NULL: there is no more room. */
static struct host *
add_host(struct dirsearch *d, const char *name, uint16_t port)
{
	for (size_t i = 0; i < d->n_hosts; i++) {
		if (strcmp(d->hosts[i].name, name) == 0 && d->hosts[i].port == port)
			return &d->hosts[i];
	}
	if (d->n_hosts == DIRSEARCH_HOSTS_MAX)
		return NULL;
	d->hosts[d->n_hosts] = (struct host){ .name = name, .port = port };
	return &d->hosts[d->n_hosts++];
}

static void
begin(struct dirsearch *d)
{
	const char *site = d->options.site != NULL ? d->options.site : d->options.last_site;
	const struct ldap_place *place = &d->place;

	enter(d, STATE_NAMES, DIRSEARCH_RESOLVE_MS);
	d->domain = place->domain;
	if (place->host != NULL) {
		(void)add_host(d, place->host, place->port);
		ask_address(d, 0);
		/* The forest of a pointer is named by its root domain as a rule. */
		if (!place->tls && !place->explicit_port && ip_version(place->host) == 0)
			d->domain = place->host;
	}
	if (d->domain != NULL)
		ask_srv(d, LOOKUP_DOMAIN, NULL);
	if (d->domain != NULL && is_label(site))
		ask_srv(d, LOOKUP_SITE, site);
	if (place->host == NULL && place->domain == NULL)
		enter(d, STATE_CONNECT, DIRSEARCH_CONNECT_MS);
}

usher_status
dirsearch_new(const struct dirsearch_options *options, struct poller *poller, struct dns *dns,
    struct dirsearch **out, struct usher_error *err)
{
	struct arena *mem = arena_new(DIRSEARCH_BYTES);
	struct dirsearch *d = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*d));
	bool local = slice_starts_nocase(slice_of(options->uri), SLICE_LITERAL("ldapi://"));
	usher_status st = d == NULL ? USHER_E_NOMEM : USHER_OK;

	if (st == USHER_OK && !local)
		st = ldap_place_read(mem, slice_of(options->uri), &d->place);
	if (st != USHER_OK) {
		arena_free(mem);
		return st == USHER_E_NOMEM ? err_nomem(err, options->uri) :
					     err_set(err, USHER_E_USAGE, options->uri,
						 "is no directory: write it like "
						 "ldap://dc1.example.com or ldaps://HOST:PORT");
	}
	d->mem = mem;
	d->poller = poller;
	d->dns = dns;
	d->options = *options;
	d->over_ms = clock_mono_ms() + options->timeout_ms;
	d->fd = -1;
	d->way = options->why;
	begin(d);
	*out = d;
	return USHER_OK;
}

static void
close_connection(struct dirsearch *d)
{
	race_end(&d->race);
	d->race = (struct race){ .poller = d->poller };
	if (d->fd >= 0)
		(void)close(d->fd);
	d->fd = -1;
}

static void
drop_thread(struct dirsearch *d)
{
	if (d->thread != NULL)
		poller_watch(d->poller, POLLER_LDAP, ldap_thread_fd(d->thread), 0);
	ldap_thread_free(d->thread);
	d->thread = NULL;
}

static void
end_pings(struct dirsearch *d)
{
	pings_end(&d->pings[0]);
	pings_end(&d->pings[1]);
}

void
dirsearch_free(struct dirsearch *d)
{
	if (d == NULL)
		return;
	for (uint32_t i = 0; i < DIRSEARCH_LOOKUPS; i++)
		dns_stop(d->dns, d->options.lookup + i);
	end_pings(d);
	ticket_free(d->ticket);
	close_connection(d);
	drop_thread(d);
	arena_free(d->mem);
}

/* ---- names ---- */

/* The records of one answer, in the order of RFC 2782, become hosts. */
static void
add_hosts(struct dirsearch *d, const struct named *by)
{
	struct srv_record *v = arena_array(d->mem, by->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL || srv_order(d->mem, by->records, by->n, d->options.seed, v, &n) != USHER_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		struct host *h = add_host(d, v[i].host, v[i].port);

		if (h != NULL && by == &d->by_site)
			h->near = true;
	}
}

static void
begin_pings(struct dirsearch *d, enum state state, uint64_t patience_ms)
{
	struct pings *p = &d->pings[state == STATE_SITE_PING];
	uint64_t now_ms = clock_mono_ms();

	enter(d, state, patience_ms);
	pings_begin(p, d->poller, d->mem, d->domain, now_ms, d->until_ms);
	d->hold_ms = now_ms + PING_STAGGER_MS;
	for (size_t i = 0; i < d->n_hosts; i++) {
		d->hosts[i].pinged =
		    d->hosts[i].failed || (state == STATE_SITE_PING && !d->hosts[i].near);
		if (!d->hosts[i].asked)
			ask_address(d, i);
	}
}

static void
find_controllers(struct dirsearch *d, uint64_t now_ms)
{
	bool given_up = now_ms >= d->until_ms;

	if ((d->by_domain.open || d->by_site.open) && !given_up)
		return;
	if (d->by_domain.n + d->by_site.n > 0) {
		if (d->n_hosts > 0) /* the domain's own name has been looked up */
			dns_stop(d->dns, d->options.lookup + LOOKUP_HOST);
		d->n_hosts = 0;
		add_hosts(d, &d->by_site);
		add_hosts(d, &d->by_domain);
		begin_pings(d, STATE_PING, DIRSEARCH_PING_MS);
	} else if (d->place.host != NULL) {
		d->domain = NULL;
	} else {
		end(d, d->by_domain.failure == DNS_TROUBLE ? USHER_E_NETWORK : USHER_E_ABSENT,
		    arena_printf(d->mem, "DNS %s domain controller of %s",
			d->by_domain.failure == DNS_TROUBLE ? "does not say whether there is a" :
							      "names no",
			d->domain));
	}
}

static void
find_host(struct dirsearch *d, uint64_t now_ms)
{
	struct host *h = &d->hosts[0];

	if (d->domain != NULL)
		find_controllers(d, now_ms);
	if (d->state != STATE_NAMES || d->domain != NULL)
		return;
	if (h->known && h->addresses.n > 0)
		enter(d, STATE_TICKET, d->options.timeout_ms);
	else if (h->known || now_ms >= d->until_ms)
		end(d, h->known ? USHER_E_ABSENT : USHER_E_NETWORK,
		    arena_join(d->mem, "DNS gives no address of ", h->name));
}

void
dirsearch_answer(struct dirsearch *d, const struct dns_answer *a)
{
	uint32_t lookup = a->id - d->options.lookup;
	struct named *by = lookup == LOOKUP_SITE ? &d->by_site : &d->by_domain;

	if (a->failure == DNS_STOPPED)
		return;
	if (lookup == LOOKUP_TICKET) {
		ticket_answer(d->ticket, a);
	} else if (lookup < LOOKUP_TICKET) {
		by->open = false;
		by->failure = a->failure;
		by->records = a->records;
		by->n = a->n_records;
	} else if (lookup < LOOKUP_HOST + d->n_hosts) {
		d->hosts[lookup - LOOKUP_HOST].known = true;
		d->hosts[lookup - LOOKUP_HOST].addresses = a->addresses;
	}
}

/* ---- pings ---- */

/* In order, as far as DNS has come; but a name that takes its time does not hold up the others. */
static bool
add_addresses(struct dirsearch *d, struct pings *p, uint64_t now_ms)
{
	bool all_known = true;

	for (size_t i = 0; i < d->n_hosts; i++) {
		struct host *h = &d->hosts[i];

		if (h->pinged)
			continue;
		if (!h->known) {
			all_known = false;
			if (now_ms < d->hold_ms)
				break;
			continue;
		}
		h->pinged = true;
		for (size_t k = 0; k < h->addresses.n; k++)
			pings_add(p, i, h->addresses.v[k], h->to_port);
	}
	return all_known;
}

static const char *
site_words(struct dirsearch *d, const struct dc_answer *a)
{
	if (a->client_site == NULL)
		return arena_join(d->mem, "it does not know our site");
	if (a->dc_site != NULL && slice_is_nocase(slice_of(a->dc_site), a->client_site))
		return arena_join(d->mem, "it is in our site, ", a->client_site);
	return arena_join(d->mem, "it is in site ", a->dc_site == NULL ? "?" : a->dc_site,
	    ", and we are in ", a->client_site);
}

static void
choose(struct dirsearch *d, struct pings *p)
{
	const char *losses = list_losses(d, p);

	d->answered = p;
	d->chosen = p->of[p->winner].host;
	d->address = p->of[p->winner].address;
	if (p->answer.client_site != NULL)
		d->site = p->answer.client_site;
	add_way(d, arena_printf(d->mem,
		       "%s, which DNS names for %s, answers the LDAP ping over %s after "
		       "%llu ms%s%s%s: %s",
		       d->hosts[d->chosen].name, d->domain, p->over_tcp ? "TCP" : "UDP",
		       (unsigned long long)p->took_ms, *losses == '\0' ? "" : " (", losses,
		       *losses == '\0' ? "" : ")", site_words(d, &p->answer)));
}

/* Our site has controllers of its own, perhaps, and this is none of them. */
static bool
is_away(const struct dirsearch *d)
{
	const struct dc_answer *a = &d->pings[0].answer;

	return !d->near_asked && d->options.site == NULL && is_label(a->client_site) &&
	       (a->flags & DC_CLOSEST) == 0 &&
	       (a->dc_site == NULL || !slice_is_nocase(slice_of(a->dc_site), a->client_site)) &&
	       (d->options.last_site == NULL ||
		   !slice_is_nocase(slice_of(d->options.last_site), a->client_site));
}

static void
ping(struct dirsearch *d, uint64_t now_ms)
{
	struct pings *p = &d->pings[d->state == STATE_SITE_PING];
	bool all_known = add_addresses(d, p, now_ms);
	enum ping_state state = pings_work(p, now_ms);

	if (state == PING_ON || (state == PING_SILENT && !all_known && now_ms < d->until_ms))
		return;
	if (state == PING_ANSWERED)
		choose(d, p);
	if (state == PING_ANSWERED && is_away(d)) {
		enter(d, STATE_SITE, DIRSEARCH_SITE_MS);
		d->near_asked = true;
		ask_srv(d, LOOKUP_SITE, p->answer.client_site);
	} else if (d->answered != NULL) {
		enter(d, STATE_TICKET, d->options.timeout_ms);
	} else {
		end(d, USHER_E_TIMEOUT,
		    arena_printf(d->mem, "no domain controller of %s answers: %s", d->domain,
			list_losses(d, p)));
	}
}

/* Those of our site are asked once more; the one that has answered stays if they do not. */
static void
find_near(struct dirsearch *d, uint64_t now_ms)
{
	if (d->by_site.open && now_ms < d->until_ms)
		return;
	for (size_t i = 0; i < d->n_hosts; i++)
		d->hosts[i].near = false;
	add_hosts(d, &d->by_site);
	if (d->by_site.n == 0)
		enter(d, STATE_TICKET, d->options.timeout_ms);
	else
		begin_pings(d, STATE_SITE_PING, DIRSEARCH_SITE_MS);
}

/* ---- entering ---- */

static void
get_ticket(struct dirsearch *d)
{
	const char *host = d->hosts[d->chosen].name;
	struct usher_error err;
	usher_status st = USHER_OK;

	if (d->ticket == NULL) {
		d->tickets = false;
		if (d->options.login == NULL && ip_version(host) == 0)
			st = ticket_new("ldap", host, d->options.lookup + LOOKUP_TICKET, d->poller,
			    d->dns, &d->ticket, &err);
		else
			st = USHER_E_CREDENTIALS;
	}
	if (st == USHER_OK && !ticket_work(d->ticket, &st, &err))
		return;
	d->tickets = st == USHER_OK && ticket_is_possible(d->ticket);
	if (st != USHER_OK && d->ticket != NULL)
		add_way(d, arena_strdup(d->mem, err.message));
	ticket_free(d->ticket);
	d->ticket = NULL;
	enter(d, STATE_CONNECT, DIRSEARCH_CONNECT_MS);
	if (d->answered != NULL)
		d->fd = pings_take(d->answered);
	end_pings(d);
}

/* Another controller may do better. False: there is none. */
static bool
turn_to_next(struct dirsearch *d, const char *why)
{
	bool any = false;

	d->hosts[d->chosen].failed = true;
	for (size_t i = 0; d->domain != NULL && i < d->n_hosts; i++)
		any = any || !d->hosts[i].failed;
	if (!any || clock_mono_ms() >= d->over_ms)
		return false;
	add_way(d, why);
	d->answered = NULL;
	begin_pings(d, STATE_PING, DIRSEARCH_PING_MS);
	return true;
}

static void
fail(struct dirsearch *d, usher_status st, const char *why)
{
	close_connection(d);
	if (st == USHER_E_NOMEM || !turn_to_next(d, why))
		end(d, st, why);
}

/* Not before it must: who only reads what a socket has need not be a thread. */
static bool
start_thread(struct dirsearch *d, const char *uri)
{
	uint64_t now_ms = clock_mono_ms();
	uint64_t left_ms = d->over_ms > now_ms ? d->over_ms - now_ms : 1;
	const struct ldap_question question = {
		.uri = uri,
		.socket = d->fd,
		.ca_file = d->options.ca_file,
		.login = d->options.login,
		.password = d->options.password,
		.tickets = d->tickets,
		.wants_site = d->options.site == NULL && d->answered == NULL,
		.by_category = d->options.by_category,
		/* What one controller does not do in half of the time is left to another. */
		.timeout_ms = d->domain == NULL ? left_ms : left_ms / 2,
	};
	struct usher_error err;

	d->fd = -1;
	enter(d, STATE_SEARCH, left_ms);
	if (ldap_thread_start(&question, &d->thread, &err) != USHER_OK) {
		fail(d, err.status, arena_strdup(d->mem, err.message));
		return false;
	}
	poller_watch(d->poller, POLLER_LDAP, ldap_thread_fd(d->thread), POLLIN);
	return true;
}

/* `ldap://HOST[:PORT]` in its one spelling. */
static bool
name_server(struct dirsearch *d)
{
	const struct host *h = &d->hosts[d->chosen];
	bool v6 = d->n_hosts > 0 && ip_version(h->name) == 6;
	struct ldap_place place;
	const char *text;

	if (d->n_hosts == 0) {
		d->server = d->options.uri;
		return true;
	}
	text = arena_printf(d->mem, v6 ? "%s://[%s]:%u" : "%s://%s:%u",
	    d->place.tls ? "ldaps" : "ldap", h->name, (unsigned)h->port);
	if (text == NULL || ldap_place_read(d->mem, slice_of(text), &place) != USHER_OK)
		return false;
	d->server = place.text;
	return true;
}

static void
connect_to_host(struct dirsearch *d, uint64_t now_ms)
{
	const struct host *h = &d->hosts[d->chosen];
	struct text_list addresses = { &d->address, 1 };

	if (!name_server(d)) {
		end(d, USHER_E_NOMEM, "out of memory");
		return;
	}
	if (d->n_hosts == 0 || d->fd >= 0) {
		(void)start_thread(d, d->server);
		return;
	}
	if (d->race.n == 0)
		(void)race_prepare(&d->race, d->poller,
		    d->address == NULL ? &h->addresses : &addresses, h->to_port, now_ms,
		    d->until_ms);
	switch (race_work(&d->race, now_ms)) {
	case RACE_ON:
		return;
	case RACE_WON:
		d->fd = race_take(&d->race);
		race_end(&d->race);
		(void)start_thread(d, d->server);
		return;
	case RACE_LOST:
	case RACE_TIMED_OUT:
		fail(d, USHER_E_NETWORK,
		    arena_printf(d->mem, "no connection to %s: %s", d->server,
			d->race.error != 0 ? strerror(d->race.error) : "it is silent"));
		return;
	}
}

static bool
is_the_hosts_fault(usher_status st)
{
	return st == USHER_E_NETWORK || st == USHER_E_TIMEOUT || st == USHER_E_TLS ||
	       st == USHER_E_PEER;
}

static void
take_reply(struct dirsearch *d, uint64_t now_ms)
{
	const struct ldap_reply *reply = ldap_thread_reply(d->thread);
	usher_status st;
	const char *why;

	if (reply == NULL && now_ms < d->until_ms)
		return;
	if (reply == NULL) {
		end(d, USHER_E_TIMEOUT, arena_join(d->mem, d->server, " does not answer in time"));
		return;
	}
	if (reply->login != NULL)
		add_way(d, arena_strdup(d->mem, reply->login));
	if (reply->status != USHER_OK) {
		st = reply->status;
		why = arena_strdup(d->mem, reply->err.message);
		drop_thread(d);
		if (is_the_hosts_fault(st))
			fail(d, st, why);
		else
			end(d, st, why);
		return;
	}
	if (reply->site != NULL) {
		d->site = arena_strdup(d->mem, reply->site);
		add_way(d, arena_join(d->mem, "it knows us in site ", reply->site));
	}
	d->safe = reply->safe;
	d->list = reply->list;
	end(d, USHER_OK, NULL);
}

/* ---- driving ---- */

bool
dirsearch_work(struct dirsearch *d)
{
	enum state before;

	do {
		uint64_t now_ms = clock_mono_ms();

		before = d->state;
		switch (d->state) {
		case STATE_NAMES:
			find_host(d, now_ms);
			break;
		case STATE_PING:
		case STATE_SITE_PING:
			ping(d, now_ms);
			break;
		case STATE_SITE:
			find_near(d, now_ms);
			break;
		case STATE_TICKET:
			get_ticket(d);
			break;
		case STATE_CONNECT:
			connect_to_host(d, now_ms);
			break;
		case STATE_SEARCH:
			take_reply(d, now_ms);
			break;
		case STATE_OVER:
			break;
		}
	} while (d->state != before);
	return d->state == STATE_OVER;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
dirsearch_wake_ms(const struct dirsearch *d)
{
	uint64_t wake_ms = d->until_ms;

	switch (d->state) {
	case STATE_PING:
	case STATE_SITE_PING:
		wake_ms = earlier(wake_ms, pings_wake_ms(&d->pings[d->state == STATE_SITE_PING]));
		return d->hold_ms > clock_mono_ms() ? earlier(wake_ms, d->hold_ms) : wake_ms;
	case STATE_TICKET:
		return d->ticket == NULL ? 0 : earlier(wake_ms, ticket_wake_ms(d->ticket));
	case STATE_CONNECT:
		return d->race.n == 0 ? 0 : earlier(wake_ms, race_wake_ms(&d->race));
	case STATE_OVER:
		return 0;
	default:
		return wake_ms;
	}
}

void
dirsearch_result(const struct dirsearch *d, struct dirsearch_result *out)
{
	*out = (struct dirsearch_result){
		.status = d->status,
		.detail = d->detail,
		.server = d->server,
		.site = d->options.site != NULL ? d->options.site : d->site,
		.way = d->way,
		.safe = d->safe,
		.records = d->list.records,
		.n_records = d->list.n,
	};
}
