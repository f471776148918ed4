/* usher/find.h - find the settings of a mailbox, given its e-mail address.
 *
 * usher_find() does what a mail program does when it is given an address: it derives the hosts that
 * may know (http-discovery), asks them over verified TLS, follows redirects that may be trusted,
 * and gives back the settings, or what was tried and why each attempt gave none.
 *
 *	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
 *	struct usher_result *result;
 *	struct usher_error err;
 *
 *	options.password = "…";
 *	if (usher_find("ann@contoso.example", &options, &result, &err) != USHER_OK)
 *		return complain(err.message);
 *	if (usher_result_outcome(result) == USHER_FOUND)
 *		puts(usher_result_text(result, USHER_PART_PROTOCOL, 0, "server"));
 *	usher_result_free(result);
 *
 * Threads: there is no global state and no signal is touched. No thread is started, but for the
 * search of a directory, whose library waits; it ends before the search does. Calls may run in any
 * number of threads at once; one result belongs to one thread at a time.
 *
 * Memory: every text of a result is owned by the result and valid until usher_result_free(). Texts
 * are UTF-8, NUL-terminated.
 *
 * Errors: a call that did its work returns USHER_OK, and that no settings were found is a result
 * and no error. Any other status comes with a line in `err`, which may be NULL, for a person.
 *
 * Credentials: nothing is sent before the host's certificate has been verified for that very host,
 * nothing over http, nothing to a host that is neither made from the mail domain nor reached by a
 * redirect you or a rule trusts, and nothing where a request without credentials was enough.
 *
 * ABI: structs that begin with `size` grow at their end; what lies beyond the size you pass counts
 * as zero, and zero always means the default. Numbers of enumerations never get a new meaning. */
#ifndef USHER_FIND_H
#define USHER_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "usher/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Since 0.1. */
enum { USHER_LOGIN_BYTES = 320, USHER_PASSWORD_BYTES = 1025 };

/* Who asks for a password. Valid during the callback, or after USHER_LATER until it is answered.
 * Since 0.1. */
struct usher_challenge {
	size_t size;
	const char *url;     /* where it will be sent */
	const char *host;    /* verified by its certificate */
	const char *realm;   /* the host's words; may be "" */
	const char *address; /* the mailbox that is asked for */
};

/* What a callback answers; anything else counts as USHER_NO. Since 0.1. */
enum usher_reply {
	USHER_NO = 0,
	USHER_YES = 1,
	USHER_LATER = 2,  /* with usher/search.h only: an usher_search_answer_…() will follow */
	USHER_CANCEL = 3, /* ends the search, with USHER_E_CANCELLED */
};

/* Filled in by the callback, wiped by the library. Since 0.1. */
struct usher_credentials {
	char login[USHER_LOGIN_BYTES]; /* comes filled in: options.login, else the address */
	char password[USHER_PASSWORD_BYTES];
};

/* Called at most once per search, when a host asks for a password and none was given. Returns an
 * enum usher_reply; USHER_NO when there is none. The clock of the search stands still meanwhile.
 * Since 0.1. */
typedef int
usher_credentials_callback(
    const struct usher_challenge *challenge, struct usher_credentials *out, void *payload);

/* A redirect that no rule covers. Valid during the callback, or after USHER_LATER until it is
 * answered. Since 0.1. */
struct usher_redirect {
	size_t size;
	const char *address; /* the mailbox that is asked for */
	const char *from;    /* the URL that sends us on */
	const char *to;	     /* the URL it sends us to */
	const char *host;    /* its host: the one that would see the password */
};

/* Returns an enum usher_reply. Without a callback such redirects are refused. Since 0.1. */
typedef int
usher_trust_callback(const struct usher_redirect *redirect, void *payload);

/* The ways to log in, weakest first. The strongest one is taken that a host offers. Since 0.1. */
enum usher_scheme {
	USHER_BASIC = 1 << 0,
	USHER_NTLM = 1 << 1, /* NTLMv2 only */
	/* With the Kerberos tickets of the process; delegates nothing. Nobody waits for a KDC that
	 * krb5.conf or DNS names and TCP reaches; for all others, and for one that a client keytab
	 * makes necessary, the Kerberos library waits. */
	USHER_NEGOTIATE = 1 << 2,
	USHER_BEARER = 1 << 3 /* with bearer_token */
};

/* Since 0.1. */
enum usher_trace_kind {
	USHER_TRACE_BEGUN = 0, /* a look-up, a request or a question */
	USHER_TRACE_ENDED = 1  /* a source's attempt, with what came of it */
};

/* Something that the search does. Valid during the callback. No text holds a secret. Since 0.1. */
struct usher_trace {
	size_t size;
	int kind;		 /* enum usher_trace_kind */
	int64_t elapsed_ms;	 /* since the search began, without the time of questions */
	const char *source;	 /* its letter */
	const char *source_name; /* as in USHER_PART_ATTEMPT */
	const char *text;	 /* the whole as one line for people */
};

/* Returns USHER_CANCEL to end the search, anything else to go on. Since 0.1. */
typedef int
usher_trace_callback(const struct usher_trace *trace, void *payload);

/* Begin it as USHER_FIND_OPTIONS_INIT. All that it points to is borrowed during the call.
 * Since 0.1. */
struct usher_find_options {
	size_t size;
	const char *login;    /* NULL: the address itself */
	const char *password; /* NULL: see `credentials` */
	usher_credentials_callback *credentials;
	usher_trust_callback *trust;
	void *payload; /* for the callbacks */

	/* Hosts (or `*.name`) to which redirects are followed without asking. NULL-terminated. */
	const char *const *trust_hosts;

	uint64_t timeout_ms; /* for the whole search; 0: 60 s */

	/* For tests and for people behind odd networks. */
	const char *const *connect_to; /* HOST:PORT:ADDR:PORT, curl's meaning; NULL-terminated */
	const char *dns_server;	       /* ADDR[:PORT]; NULL: the system's */
	const char *ca_file;	       /* PEM roots; NULL: the system's */
	int64_t now;		       /* Unix seconds certificates are judged at; 0: the clock */

	usher_trace_callback *trace; /* told what is going on; NULL: nobody */

	/* The ways to log in that may be used, a sum of enum usher_scheme. 0 is all for which there
	 * are the means, with two cares: Basic, which hands over the password itself, only at hosts
	 * that never offered anything else; Kerberos tickets only without login and password, so
	 * that they do not log in somebody else. What is named here may be used without them. */
	unsigned schemes;
	const char *bearer_token; /* NULL: none. 16 KiB at most */

	/* What hosts have offered before, each `HOST=SCHEME,SCHEME…` of the names in `offered` of
	 * an attempt: one that offers only Basic afterwards gets nothing. NULL-terminated. */
	const char *const *offered_before;

	/* Not 0: the callback's login comes filled in with the address even when `login` is given,
	 * as PreferProvidedEmailInAutoDiscoverAuthPrompts does for Outlook. */
	int prefer_address;

	/* `http://HOST:PORT` or `socks5://HOST:PORT`, with `LOGIN:PASSWORD@` in front of HOST if
	 * need be (as %XX what is special in URLs). NULL: by the environment (http_proxy,
	 * https_proxy, all_proxy, no_proxy); "": none. A proxy that asks is given Digest or Basic,
	 * or what `proxy_auth` allows. */
	const char *proxy;
	const char *proxy_password; /* of the login in `proxy`; NULL: as written there */
	const char *no_proxy;	    /* hosts and domains that are asked directly, or `*` */
	/* The ways to log in to a proxy: of `basic`, `digest`, `ntlm` and `negotiate`, with commas
	 * between; NULL: `basic,digest`. */
	const char *proxy_auth;

	/* Where to look. Letters of sources are those of USHER_PART_ATTEMPT. */
	const char *language; /* the only one to ask in: `pox`, `soap`, `activesync`, `json`,
				 `autoconfig`; or several in turn, `pox,soap`, whose answers are
				 joined; NULL: as needed, SOAP never */
	const char *sources;  /* letters of the only sources to ask, best first; NULL: usher(1) */
	/* `NAME` or `NAME=VALUE` as in Outlook's registry, for example `ExcludeScpLookup`.
	 * NULL-terminated. */
	const char *const *outlook;
	const char *last_known_good; /* https URL that gave the settings once; tried first */
	const char *local_xml;	     /* file with an answer in POX, or with a redirect */
	int microsoft_365; /* not 0: trust its hosts, and ask them when nothing else answers */
	int no_autoconfig; /* not 0: no Mail Autoconfig when no Autodiscover service answers */

	/* Patience, in ms; 0: the default. */
	uint64_t resolve_ms; /* with DNS; 5000 */
	uint64_t connect_ms; /* with a host that says nothing at all, TLS included; 2500 */
	uint64_t request_ms; /* with a request, connecting included; 15000 */
	uint64_t grace_ms;   /* for a better source after another has answered; 250 */

	/* Service connection points in a directory, which domain-joined computers are told of
	 * before they ask DNS. The hosts that they name are trusted when nobody on the way can have
	 * changed them: after a login by Kerberos, which signs, or over TLS. */
	int domain_joined; /* not 0: those of the Active Directory domain that this computer is in,
			      by the default realm of Kerberos, else by the name of the host */
	const char *directory;	     /* or those of `ldap://HOST`, `ldaps://HOST`, `ldapi://SOCKET`,
					`ldap:///DC=contoso,DC=example`; a HOST can be a domain */
	const char *directory_login; /* DN, user@domain or DOMAIN\user, only over TLS; NULL: by the
					Kerberos tickets of the process, else as nobody */
	const char *directory_password;
	const char *site;	 /* of this computer; NULL: as a domain controller says */
	const char *site_before; /* as `site` of an attempt was the last time, which saves a look-up
				    when it still is; NULL: unknown */
	int strict_site;	 /* not 0: those of other sites only when ours has none */
	int object_category;	 /* not 0: search by objectCategory, as Outlook does */
	int no_scp;		 /* not 0: none at all, as Outlook's ExcludeScpLookup */
};

/* The first value of a struct usher_find_options. Since 0.1. */
#ifdef __cplusplus
static inline struct usher_find_options
usher_find_options_first(void)
{
	struct usher_find_options options = usher_find_options();

	options.size = sizeof(options);
	return options;
}
#define USHER_FIND_OPTIONS_INIT usher_find_options_first()
#else
#define USHER_FIND_OPTIONS_INIT \
	{ \
		.size = sizeof(struct usher_find_options) \
	}
#endif

/* How a search ended. The numbers are the exit status of `usher find`, 1 and up. Since 0.1. */
enum usher_outcome {
	USHER_FOUND = 0,
	USHER_NOT_FOUND = 1,
	USHER_REJECTED = 2,   /* credentials are missing or were refused */
	USHER_BLOCKED = 3,    /* what there is is not safe to use */
	USHER_UNAVAILABLE = 4 /* it could not be found out now */
};

/* Opaque. Since 0.1. */
struct usher_result;

/* Searches, and returns when it is over.
 *
 * address  `local@domain`, 254 bytes at most; the domain may be international.
 * options  NULL: all defaults.
 * out      written on success only; release with usher_result_free().
 * err      may be NULL; written on failure only.
 *
 * Returns  USHER_OK            *out says how it ended
 *          USHER_E_ADDRESS     `address` is not a mailbox
 *          USHER_E_USAGE       an option makes no sense
 *          USHER_E_INPUT, USHER_E_PERMISSION   ca_file
 *          USHER_E_NETWORK     no resolver
 *          USHER_E_LIMIT       over a limit of the options, or no more descriptors
 *          USHER_E_CANCELLED   a callback said so
 *          USHER_E_NOMEM       nothing is left allocated
 *          USHER_E_INTERNAL    a mistake of ours
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_find(const char *address, const struct usher_find_options *options, struct usher_result **out,
    struct usher_error *err);

/* NULL is ignored. Since 0.1. */
USHER_API void
usher_result_free(struct usher_result *result);

/* Since 0.1. */
USHER_API enum usher_outcome
usher_result_outcome(const struct usher_result *result);

/* The parts of a result. Each is a number of records with named members; the names are those of
 * `usher find --json` and are listed in usher(1). Since 0.1. */
enum usher_part {
	USHER_PART_FIND = 0,	 /* 1: address, outcome, reason, source, source_name, url,
				    answer_address, elapsed_ms */
	USHER_PART_ATTEMPT = 1,	 /* each step tried, in order */
	USHER_PART_ACCOUNT = 2,	 /* 1 when settings were found */
	USHER_PART_USER = 3,	 /* 1 when settings were found */
	USHER_PART_PROTOCOL = 4, /* each way to reach the mailbox */
	USHER_PART_ALTERNATIVE_MAILBOX = 5, /* further mailboxes to open */
	USHER_PART_REFUSAL = 6,		    /* 1 when a service said no in so many words */
	USHER_PART_DOCUMENTATION = 7,	    /* pages for people, by language */
	USHER_PART_SETTING_ERROR = 8,	    /* settings that SOAP has no value for, and why */
	USHER_PART_SHARING_LOCATION = 9	    /* where documents are shared */
};

/* How many records a part has. Since 0.1. */
USHER_API size_t
usher_result_count(const struct usher_result *result, enum usher_part part);

/* A text, or the name of a choice. NULL when the member is absent or no text, when there is no such
 * record, and when there is no such name. Since 0.1. */
USHER_API const char *
usher_result_text(
    const struct usher_result *result, enum usher_part part, size_t index, const char *name);

/* A number, or 1 and 0 for a switch; -1 when absent. Since 0.1. */
USHER_API int64_t
usher_result_number(
    const struct usher_result *result, enum usher_part part, size_t index, const char *name);

/* The item-th text of a list; NULL past its end. Since 0.1. */
USHER_API const char *
usher_result_item(const struct usher_result *result, enum usher_part part, size_t index,
    const char *name, size_t item);

/* The whole as one JSON object. Since 0.1. */
USHER_API const char *
usher_result_json(const struct usher_result *result);

/* The document as the service sent it, and its length; NULL when nothing was found, or the answer
 * is made of several. It is the service's word: bytes of any kind may be in it. Since 0.1. */
USHER_API const char *
usher_result_document(const struct usher_result *result, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
