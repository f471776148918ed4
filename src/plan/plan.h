/* plan.h - discovery as decisions: which step is next, and what its outcome means.
 *
 * A plan is driven and never drives: it owns no socket, thread or clock. Ask it for a step, perform
 * that step, tell it the outcome, repeat until PLAN_DONE. Several steps are under way at once.
 *
 * The sources, their order and what each outcome means are http-discovery.md's; the rules that keep
 * credentials safe (sections 9 and 10) are enforced here and nowhere else:
 * - every URL is first asked without credentials;
 * - credentials are asked for only after a 401 that offers a scheme we can do, over verified TLS,
 *   and only at hosts made from the mail domain or reached by a trusted redirect;
 * - the strongest scheme is taken, Basic only where no other was ever seen or by explicit word, and
 *   none again at a host where it has come to nothing;
 * - plain http is asked one thing only, at one host: where to go on over https;
 * - one step with credentials at a time, PLAN_REFUSALS_MAX failures in all. */
#ifndef USHER_PLAN_PLAN_H
#define USHER_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/url.h"
#include "model/answer.h"
#include "model/evidence.h"
#include "model/question.h"
#include "model/scheme.h"
#include "model/scp.h"
#include "model/srv.h"
#include "usher/status.h"

enum {
	PLAN_REDIRECTS_MAX = 10, /* one after the other, of all three kinds together (pox.md 3.3) */
	PLAN_REFUSALS_MAX = 3,	 /* times one password may fail (authentication.md 10) */
	PLAN_TARGETS_MAX = 8,	 /* hosts of SRV records, or of one directory, that are tried */
	PLAN_POINTERS_MAX = 10,	 /* from one directory to the next (scp.md 3.3) */
	PLAN_ATTEMPTS_MAX = 256, /* above what redirects, sources and challenges can add up to */
	PLAN_TRUST_HOSTS_MAX = 64, /* allow-list */
	PLAN_OFFERS_MAX = 64,
	PLAN_RESOLVE_MS = 5000,
	PLAN_SEARCH_MS = 10000, /* of a directory */
	/* Our patience with a host that says nothing at all, TLS included: two packets may be lost
	 * on the way to it. The performer keeps it. */
	PLAN_CONNECT_MS = 2500,
	PLAN_REQUEST_MS = 15000, /* connecting included */
	PLAN_PROBE_MS = 3000,	 /* the same where nothing need be */
	PLAN_TOTAL_MS = 60000,
	PLAN_STAGGER_MS = 50,  /* between sources that are likely and those that are not */
	PLAN_LATE_MS = 1000,   /* before the fallbacks are asked beside a source that is slow */
	PLAN_GRACE_MS = 250,   /* for a better source to overtake one that has answered */
	PLAN_CONSENT_MS = 1000 /* before a person is asked what may turn out needless */
};

/* What a host has been seen to offer to log in by. */
struct plan_offer {
	const char *host;
	unsigned schemes; /* SCHEME_BIT()s */
};

/* All zero is fine: every source that needs no word of the caller. */
struct plan_options {
	struct text_list trust_hosts; /* hosts and domains, or `*.name`; A-labels */
	unsigned schemes;	      /* SCHEME_BIT()s the caller can and may log in by; a password
					 counts when somebody can be asked for it */
	bool basic_anyway;	      /* Basic even where a better scheme was seen */
	const struct plan_offer *offers; /* of earlier searches; n_offers, A-labels */
	size_t n_offers;
	bool may_ask; /* somebody decides on redirects that no rule covers */
	uint64_t resolve_ms, connect_ms, request_ms, total_ms, grace_ms; /* 0: defaults above */
	uint64_t seed; /* for the choice among SRV records of one priority */
	/* The plan of the same search in another language, from the same `mem`: what was said about
	 * hosts and how often the password failed counts on. NULL: none. */
	const struct plan *before;

	bool names_apart; /* addresses depend on the port as well: nothing is shared */

	/* Where to look: see source.h. */
	uint32_t excluded;     /* SOURCE_BIT()s */
	const char *order;     /* letters of the only sources to ask, best first; NULL: all */
	bool prefer_local_xml; /* before all others */
	bool microsoft_365;    /* its hosts are trusted, and asked when nothing else answers */
	bool no_autoconfig;    /* no Mail Autoconfig when nothing else answers */
	const char *last_known_good; /* https URL that gave the settings once; NULL: none */
	const char *local_xml;	     /* name of a file with an answer; NULL: none */
	const char *directory;	     /* LDAP URI to be searched for connection points; NULL: none */
	const char *site;	     /* the computer's Active Directory site; NULL: as the
					directory says */
	bool strict_site;	     /* other sites' connection points only when ours has none */

	bool one_language; /* ask only in … */
	enum language language;
};

enum plan_step_kind {
	PLAN_RESOLVE, /* find the addresses of host; tell plan_resolved() */
	PLAN_LOCATE,  /* find the SRV records of `name`; tell plan_located() */
	PLAN_REQUEST, /* ask `url` for `address` in `language`; tell plan_responded() */
	PLAN_PROBE,   /* GET `url` for its status line and fields; tell plan_responded() */
	PLAN_READ,    /* read the file `name`, an answer in POX; tell plan_responded() */
	PLAN_SEARCH,  /* search the directory `name` for connection points; tell plan_searched() */
	PLAN_CONSENT  /* may this redirect be followed? tell plan_consented() */
};

/* Borrowed; valid until its outcome is told, and texts as long as the plan. */
struct plan_step {
	uint32_t id; /* never 0 */
	enum plan_step_kind kind;
	enum source source;
	const char *address; /* the mailbox asked for */

	const struct url *url; /* RESOLVE: of its host; REQUEST, PROBE: where the question goes */
	struct text_list addresses; /* REQUEST, PROBE: as resolved */
	uint64_t connect_ms;	    /* REQUEST, PROBE: for connecting, TLS included */
	enum language language;	    /* REQUEST: POSTed, but GET in JSON and Mail Autoconfig */
	bool credentialed;	    /* REQUEST */
	enum auth_scheme scheme;    /* REQUEST: the only one to log in by; NONE: anonymous */
	const char *realm;	    /* REQUEST, credentialed: as the challenge says; may be "" */

	const char *name; /* LOCATE, READ, SEARCH */
	const char *from; /* CONSENT: the URL, or the name of the SRV records, that sends us on */
	const char *to;	  /* CONSENT: the URL or address it sends us to */
	const char *host; /* CONSENT: the host or domain to be trusted */
};

enum plan_advice {
	PLAN_START, /* perform *step */
	PLAN_STOP,  /* stop step->id and tell its outcome as far as it got, PLAN_STOPPED */
	PLAN_WAIT,  /* nothing to do before an outcome comes or the clock reaches *wake_ms */
	PLAN_DONE   /* read plan_result() */
};

enum plan_failure {
	PLAN_NO_FAILURE = 0,
	PLAN_NO_SUCH_NAME,   /* NXDOMAIN */
	PLAN_NO_ADDRESS,     /* the name exists, without an address */
	PLAN_DNS_TROUBLE,    /* SERVFAIL, no answer: nothing is known about the name */
	PLAN_REFUSED,	     /* by a machine that is there */
	PLAN_UNREACHABLE,    /* no route */
	PLAN_BROKEN_OFF,     /* reset or closed before the response was complete */
	PLAN_TIMED_OUT,	     /* the performer's own limit */
	PLAN_TLS,	     /* see the evidence's verdict */
	PLAN_OVERSIZED,	     /* head or body over its limit */
	PLAN_NOT_HTTP,	     /* something else answers there */
	PLAN_PROXY,	     /* a proxy does not let us through, see detail */
	PLAN_NO_CREDENTIALS, /* nobody gave a password after all; nothing was sent */
	PLAN_NO_LOGIN,	     /* the step's scheme cannot be used there, see detail: no ticket, a
				handshake that broke down; nothing was proved to the host */
	PLAN_STOPPED,	     /* as advised */
	PLAN_INTERNAL	     /* we could not even try */
};

struct plan_resolution {
	enum plan_failure failure;
	const char *detail;	    /* the resolver's words; may be NULL */
	struct text_list addresses; /* may be empty without failure: a proxy will resolve */
};

struct plan_location {
	enum plan_failure failure; /* PLAN_NO_ADDRESS: the name has no such records */
	const char *detail;	   /* the resolver's words; may be NULL */
	const struct srv_record *records;
	size_t n_records;
};

/* What a directory holds. */
struct plan_finding {
	enum plan_failure failure;
	const char *detail; /* the directory's words; may be NULL */
	const struct scp_record *records;
	size_t n_records;
	const char *server; /* URI of the one that was searched; NULL: none was reached */
	const char *site;   /* the computer's, as a domain controller says; NULL: unknown */
	const char *way;    /* for people: how it was found and entered; may be NULL */
	bool safe;	    /* nobody on the way can have changed what it says */
};

struct plan_response {
	enum plan_failure failure;
	const char *detail; /* for people, without failure's own meaning; may be NULL */
	struct tls_evidence tls;
	int64_t http_status;	     /* of the final response; NUMBER_ABSENT: none came */
	const char *location;	     /* NULL: none */
	struct text_list challenges; /* values of all WWW-Authenticate fields */
	bool offers_soap;	     /* X-SOAP-Enabled is among the fields, whatever it says */
	/* Of a 200, or a fault of SOAP, which is a 500; must outlive the plan. NULL: see … */
	const struct answer *answer;
	const char *body_fault; /* … why a 200 holds no answer: `it is an HTML page` */
};

enum plan_outcome {
	OUTCOME_FOUND = 0,
	OUTCOME_NOT_FOUND,
	OUTCOME_REJECTED,
	OUTCOME_BLOCKED,
	OUTCOME_UNAVAILABLE
};

/* `found`, `not-found`, `rejected`, `blocked`, `unavailable`. */
const char *
plan_outcome_name(enum plan_outcome outcome);

struct plan_result {
	enum plan_outcome outcome;
	const char *reason;	     /* one line for people; never NULL */
	const struct attempt *won;   /* OUTCOME_FOUND only */
	const struct answer *answer; /* OUTCOME_FOUND: settings. Else the first refusal, or NULL */
	const char *address;	     /* whom the answer is for: differs after redirectAddr */
	enum language language;	     /* OUTCOME_FOUND: of the answer */
	const struct attempt *const *attempts; /* in the order they began */
	size_t n_attempts;
	int64_t elapsed_ms;
};

struct plan;

/* Begins. All memory comes from `mem`, `address` and options are copied. A domain that is a public
 * suffix or has no dot gives a plan that is done at once, with OUTCOME_BLOCKED.
 *
 * now_ms counts from anywhere, forward only, in this and all later calls.
 * Returns USHER_OK, USHER_E_LIMIT (trust_hosts, offers), USHER_E_NOMEM. */
USHER_CHECK usher_status
plan_new(struct arena *mem, const struct address *address, const struct plan_options *options,
    uint64_t now_ms, struct plan **out, struct usher_error *err);

/* What to do now. Call it again after PLAN_START and PLAN_STOP, and after each outcome told.
 * *wake_ms is written with PLAN_WAIT. */
enum plan_advice
plan_next(struct plan *p, uint64_t now_ms, struct plan_step *step, uint64_t *wake_ms);

/* Outcomes, one per step started. Contents are copied (but see answer). An id that is not under way
 * is ignored. Out of memory shows in plan_status(). */
void
plan_resolved(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_resolution *what);
void
plan_located(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_location *what);
void
plan_searched(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_finding *what);
void
plan_responded(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_response *what);
void
plan_consented(struct plan *p, uint64_t now_ms, uint32_t id, bool yes);

/* The attempts so far, in the order they began. One that has ended has a reason. */
const struct attempt *const *
plan_attempts(const struct plan *p, size_t *n);

/* What hosts were seen to offer, in this search or before; how many. */
size_t
plan_offers(const struct plan *p, struct plan_offer out[PLAN_OFFERS_MAX]);

/* USHER_OK, or USHER_E_NOMEM: the plan is then done and its result is worth nothing. */
usher_status
plan_status(const struct plan *p);

/* After PLAN_DONE. Valid as long as `mem`. */
void
plan_result(const struct plan *p, struct plan_result *out);

#endif
