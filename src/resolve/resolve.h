/* resolve.h - the service's decision: facts in, answer out. No SQL, no XML, no socket, no clock. */
#ifndef USHER_RESOLVE_RESOLVE_H
#define USHER_RESOLVE_RESOLVE_H

#include "base/arena.h"
#include "model/answer.h"
#include "model/facts.h"
#include "model/question.h"
#include "usher/status.h"

struct resolve_context {
	const char *login_name;	    /* canonical login name of the caller; NULL when anonymous */
	enum visibility visibility; /* for authenticated callers */
	int64_t now_ms;		    /* Unix milliseconds; goes into refusals */
	const char *server_name;    /* hashed into a refusal's Id */
};

/* True when a question about this domain is answered without credentials: the domain is accepted
 * and says so (see struct domain, anonymous). Depends on the domain alone, never on the mailbox. */
bool
resolve_anonymous(const struct facts *facts);

/* Decides. An unknown mailbox and one that the caller may not see give equal refusals; what an
 * anonymous caller is told of a `mail` domain depends on the domain and the address as text alone.
 *
 * Order (pox.md 10): neither address nor legacyDN 600; schema without provider 601; domain not
 * accepted 500; domain redirects; services of a `mail` domain, or 501 when there is none; mailbox
 * unknown or out of the caller's sight 500; mailbox switched off 501; mailbox redirects; server or
 * organization missing 602; neither URL nor Outlook Anywhere configured 501; else settings.
 *
 * EXCH carries internal URLs, EXPR external ones; a client that sent a valid X-MapiHttpCapability
 * gets mapiHttp and neither EXCH nor EXPR when a MAPI URL is configured, the server is not known to
 * be older than 15.0.847, and the mailbox may. A server that has no URL for a service is helped
 * out by the oldest server of its site that has one; an unset URL leaves its element out. A server
 * that names no version is taken for a present one. Negotiate is told to clients that said they can
 * and to Outlook 2013 and later, others get Ntlm.
 *
 * All of *out lies in `mem` or in the facts, which must outlive it.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_answer(struct arena *mem, const struct question *question, const struct facts *facts,
    const struct resolve_context *context, struct answer *out, struct usher_error *err);

/* A refusal with the protocol's own words for `code`. `debug` may be NULL. */
USHER_CHECK usher_status
resolve_refusal(struct arena *mem, const struct resolve_context *context, enum refusal_code code,
    const char *debug, struct answer *out);

/* Expands a user-name template: `%a` address, `%u` local part, `%d` domain, `%%`. Anything else is
 * copied. NULL when out of memory. */
const char *
resolve_template(struct arena *mem, const char *template, const char *address);

/* The ServerVersion element of `15.1.2507` (pox.md 8), or NULL when `version` is not three numbers
 * that fit. `out` holds 9 bytes. */
const char *
resolve_server_version(const char *version, char out[9]);

#endif
