/* plan_words.c - what a deployment costs, and what each kind of program makes of it
 * (http-discovery.md 1, 9, 14; white paper). */
#include <string.h>

#include "base/address.h"
#include "base/buf.h"
#include "resolve/plan_inside.h"

enum { WORDS_MAX = 8, WORDS_BYTES = 1024 };

/* ---- programs ---- */

enum client_flags {
	EXCHANGE = 1 << 0, /* asks for an Exchange mailbox … */
	MAIL = 1 << 1,	   /* … or for IMAP and SMTP */
	BY_SCP = 1 << 2,
	BY_NAME = 1 << 3, /* https at the autodiscover host */
	BY_REDIRECT = 1 << 4,
	BY_SRV = 1 << 5,
	BY_AUTOCONFIG = 1 << 6,
	BY_MAIL_SRV = 1 << 10,	   /* the records of the mail servers themselves (RFC 6186) */
	ASKS_AT_REDIRECT = 1 << 7, /* people are asked before it follows */
	ASKS_OUTSIDE = 1 << 8,	   /* the same where the host is not of the mail domain */
	ASKS_PROGRAM = 1 << 9,	   /* the program that uses it has to allow it */
};

static const struct {
	const char *client;
	unsigned flags;
} clients[] = {
	{ "Outlook, on a computer in the domain",
	    EXCHANGE | BY_SCP | BY_NAME | BY_REDIRECT | BY_SRV | ASKS_AT_REDIRECT | ASKS_OUTSIDE },
	{ "Outlook elsewhere",
	    EXCHANGE | MAIL | BY_NAME | BY_REDIRECT | BY_SRV | ASKS_AT_REDIRECT | ASKS_OUTSIDE },
	{ "Outlook 2007 without the update for SRV (KB 940881)",
	    EXCHANGE | MAIL | BY_NAME | BY_REDIRECT | ASKS_AT_REDIRECT },
	{ "Phones with Exchange ActiveSync", EXCHANGE | BY_NAME | BY_REDIRECT },
	{ "Programs with the EWS Managed API",
	    EXCHANGE | BY_NAME | BY_REDIRECT | BY_SRV | ASKS_PROGRAM },
	{ "exchangelib", EXCHANGE | BY_NAME | BY_REDIRECT | BY_SRV },
	{ "Evolution with an Exchange account", EXCHANGE | BY_NAME | BY_SRV },
	{ "Thunderbird",
	    EXCHANGE | MAIL | BY_AUTOCONFIG | BY_NAME | BY_REDIRECT | BY_SRV | ASKS_OUTSIDE },
	{ "Evolution and FairEmail with IMAP", MAIL | BY_AUTOCONFIG | BY_MAIL_SRV },
	{ "KMail with IMAP", MAIL | BY_AUTOCONFIG },
};

enum {
	ALL = 1 << SCENARIO_ALL_NAMES | 1 << SCENARIO_SRV | 1 << SCENARIO_TWO_HOSTS |
	      1 << SCENARIO_REDIRECT
};

/* In the order in which programs prefer them. */
static const struct {
	unsigned flag;
	enum source source;
	unsigned scenarios; /* bits */
} ways[] = {
	{ BY_SCP, SOURCE_SCP, ALL },
	{ BY_AUTOCONFIG, SOURCE_AUTOCONFIG, 1 << SCENARIO_ALL_NAMES },
	{ BY_NAME, SOURCE_AUTODISCOVER, 1 << SCENARIO_ALL_NAMES | 1 << SCENARIO_TWO_HOSTS },
	{ BY_REDIRECT, SOURCE_HTTP_REDIRECT, 1 << SCENARIO_REDIRECT },
	{ BY_MAIL_SRV, SOURCE_SRV, ALL },
	{ BY_SRV, SOURCE_SRV,
	    1 << SCENARIO_ALL_NAMES | 1 << SCENARIO_SRV | 1 << SCENARIO_TWO_HOSTS },
};

static bool
fill_client(struct arena *mem, const struct deployment *d, unsigned flags, struct plan_client *out)
{
	const char *host = d->wish->host;
	bool outside = !domain_same_site(host, d->wish->domain);
	size_t i = 0;

	/* There is none for Exchange mailboxes under a name of its own. */
	if (d->kind == DOMAIN_EXCHANGE)
		flags &= ~(unsigned)BY_AUTOCONFIG;

	while (i < COUNT_OF(ways) &&
	       ((flags & ways[i].flag) == 0 || (ways[i].scenarios & 1U << d->wish->scenario) == 0))
		i++;
	if (i == COUNT_OF(ways)) {
		out->sees = "finds nothing: people have to type the server";
		return true;
	}
	out->source = ways[i].source;
	if (out->source != SOURCE_HTTP_REDIRECT && out->source != SOURCE_SRV) {
		out->sees = "the settings, without a question";
		return true;
	}
	if ((flags & ASKS_PROGRAM) != 0) {
		out->sees = "the settings, where the program allows to be sent on";
		return true;
	}
	out->prompt = (out->source == SOURCE_HTTP_REDIRECT && (flags & ASKS_AT_REDIRECT) != 0) ||
		      (outside && (flags & ASKS_OUTSIDE) != 0);
	out->sees = out->prompt ? arena_join(mem, "one question first, whether ", host,
				      " may tell the settings; it can be told not to ask again") :
				  "the settings, without a question";
	return out->sees != NULL;
}

static bool
plan_clients(struct arena *mem, struct deployment *d)
{
	struct plan_client *v = arena_array(mem, COUNT_OF(clients), sizeof(*v));
	unsigned kind = d->kind == DOMAIN_EXCHANGE ? EXCHANGE : MAIL;

	for (size_t i = 0; v != NULL && i < COUNT_OF(clients); i++) {
		if ((clients[i].flags & kind) == 0)
			continue;
		v[d->n_clients].client = clients[i].client;
		if (!fill_client(mem, d, clients[i].flags, &v[d->n_clients]))
			return false;
		d->n_clients++;
	}
	d->clients = v;
	return v != NULL;
}

/* ---- requirements and trade-offs ---- */

/* `%h`: the host, `%a`: the autodiscover host. */
static const struct {
	const char *title;
	const char *requirements[WORDS_MAX], *tradeoffs[WORDS_MAX];
} words[] = {
	[SCENARIO_ALL_NAMES] = {
		.title = "one certificate with all names",
		.requirements = {
			"a certificate with several names (SAN)",
			"one address",
			"records for %h and %a in public DNS",
		},
		.tradeoffs = {
			"every kind of program finds it, and none asks a question",
			"costs more than a single name at many authorities; nothing at those that "
			"issue by ACME, or with a CA of your own whose root every device has",
			"a further mail domain needs a new certificate",
		},
	},
	[SCENARIO_SRV] = {
		.title = "one certificate with a single name, and a SRV record",
		.requirements = {
			"a certificate for %h",
			"one address",
			"a DNS provider that publishes SRV records",
			"no record for %a, nor a wildcard that gives it one: programs would go "
			"there first, and warn of the certificate",
		},
		.tradeoffs = {
			"the cheapest certificate, and it serves any number of mail domains",
			"programs that look for no SRV record find nothing: Outlook 2007 without "
			"its update, and most phones",
		},
	},
	[SCENARIO_TWO_HOSTS] = {
		.title = "two certificates with a single name each, at two addresses",
		.requirements = {
			"a certificate for %h, and another one for %a",
			"two addresses, and two listeners of usherd",
			"records for %h and %a in public DNS",
		},
		.tradeoffs = {
			"every kind of program finds it, and none asks a question",
			"two certificates are to be paid for and renewed",
			"a second address: only programs that do not tell which name they want "
			"(SNI; Outlook on Windows XP) need it, for all others two certificates on "
			"one listener do",
		},
	},
	[SCENARIO_REDIRECT] = {
		.title = "one certificate with a single name, and a site that redirects",
		.requirements = {
			"a certificate for %h",
			"two addresses: nothing may answer on port 443 at that of %a",
			"records for %h and %a in public DNS",
		},
		.tradeoffs = {
			"the cheapest certificate, and it serves any number of mail domains; the "
			"choice where DNS cannot hold SRV records",
			"people see one question about %h, once, and have to know the answer; "
			"RedirectServers in the registry answers it for computers you manage",
			"programs that follow no redirect find nothing, as Evolution: a SRV record "
			"beside it helps these",
		},
	},
};

static const char *
fill_in(struct arena *mem, const struct deployment *d, const char *text)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = WORDS_BYTES };

	for (const char *p = text; *p != '\0'; p++) {
		if (*p != '%')
			buf_char(&b, *p);
		else
			buf_text(&b, *++p == 'h' ? d->wish->host : d->autodiscover);
	}
	return b.status == USHER_OK ? arena_copy(mem, buf_as_slice(&b)) : NULL;
}

static bool
fill_list(
    struct arena *mem, const struct deployment *d, const char *const *texts, struct text_list *out)
{
	const char **v = arena_array(mem, WORDS_MAX, sizeof(*v));

	for (size_t i = 0; v != NULL && i < WORDS_MAX && texts[i] != NULL; i++) {
		v[i] = fill_in(mem, d, texts[i]);
		if (v[i] == NULL)
			return false;
		*out = (struct text_list){ v, i + 1 };
	}
	return v != NULL;
}

bool
plan_words(struct arena *mem, struct deployment *d)
{
	enum scenario i = d->wish->scenario;

	d->title = words[i].title;
	return fill_list(mem, d, words[i].requirements, &d->requirements) &&
	       fill_list(mem, d, words[i].tradeoffs, &d->tradeoffs) && plan_clients(mem, d);
}
