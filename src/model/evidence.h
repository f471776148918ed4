/* evidence.h - the record of what a client tried: one attempt per step, for result and diagnosis.
 */
#ifndef USHER_MODEL_EVIDENCE_H
#define USHER_MODEL_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/field.h"
#include "model/scheme.h"

/* Candidate sources, by their letters in http-discovery.md 1; those of other protocols have letters
 * of ours. */
enum source {
	SOURCE_SCP = 'A',
	SOURCE_ROOT = 'B',
	SOURCE_AUTODISCOVER = 'C',
	SOURCE_HTTP_REDIRECT = 'D',
	SOURCE_SRV = 'E',
	SOURCE_LOCAL_XML = 'F',
	SOURCE_LAST_KNOWN_GOOD = 'G',
	SOURCE_MICROSOFT_365 = 'H',
	SOURCE_JSON_V2 = 'J',
	SOURCE_AUTOCONFIG = 'M'
};

/* `https root`, `autodiscover host` … as shown and as in JSON. */
const char *
source_name(enum source source);

enum tls_verdict {
	TLS_NOT_TRIED = 0,
	TLS_VERIFIED,
	TLS_UNTRUSTED,	/* chain does not end at a known root, self-signed included */
	TLS_WRONG_NAME, /* not for this host */
	TLS_EXPIRED,
	TLS_NOT_YET_VALID,
	TLS_REVOKED,
	TLS_BROKEN /* no handshake: alert, no common version, not TLS at all */
};

const char *
tls_verdict_name(enum tls_verdict verdict);

enum attempt_result {
	RESULT_SETTINGS = 0,
	RESULT_REDIRECT,    /* of any of the three kinds; followed or not, see reason */
	RESULT_REFUSAL,	    /* an Autodiscover error document */
	RESULT_NO_ENDPOINT, /* something answers, but not Autodiscover */
	RESULT_CREDENTIALS, /* 401 for good */
	RESULT_UNREACHABLE, /* DNS, TCP, time */
	RESULT_TLS_FAILURE,
	RESULT_BLOCKED,	     /* trust rules */
	RESULT_SERVER_ERROR, /* 5xx */
	RESULT_CANCELLED     /* not needed any more: a better source had answered */
};

const char *
attempt_result_name(enum attempt_result result);

struct tls_evidence {
	int verdict; /* enum tls_verdict */
	const char *subject;
	const char *issuer;
	struct text_list names;
	int64_t not_before, not_after; /* Unix seconds; NUMBER_ABSENT */
	const char *detail;	       /* the TLS library's words when not verified */
};

struct attempt {
	int source; /* enum source */
	const char *url;
	const char *address;   /* the mailbox this attempt asked for */
	const char *language;  /* it asked in; NULL: none, as a probe or a look-up */
	struct text_list dns;  /* addresses the host resolved to */
	const char *dns_error; /* `NXDOMAIN`, `no address`, `timeout` …; NULL */
	struct tls_evidence tls;
	int64_t http_status;	  /* NUMBER_ABSENT: no response */
	const char *redirect;	  /* target address or URL */
	const char *directory;	  /* SOURCE_SCP: URI of the directory that answered … */
	const char *site;	  /* … and the site that this computer is in; NULL: unknown */
	const char *named_by;	  /* the connection point that names `url`, and how near it is */
	int result;		  /* enum attempt_result */
	const char *reason;	  /* one line for people */
	bool credentialed;	  /* credentials were sent … */
	int scheme;		  /* … by this enum auth_scheme; it may be set when none were */
	struct text_list offered; /* 401: names of the ways to log in, as the host writes them */
	int64_t refusal_code;	  /* RESULT_REFUSAL */
	int64_t started_ms;	  /* since the start of the whole run */
	int64_t elapsed_ms;
};

/* Rows as in `find --json`; source and credentialed have types of their own and no row. */
extern const struct field_table tls_evidence_table;
extern const struct field_table attempt_table;

/* All members absent, TLS_NOT_TRIED, RESULT_SETTINGS. */
void
attempt_init(struct attempt *a, enum source source);

#endif
