/* resolve.h - the service's decision: facts in, answer out. No SQL, no XML, no socket, no clock. */
#ifndef USHER_RESOLVE_RESOLVE_H
#define USHER_RESOLVE_RESOLVE_H

#include "base/address.h"
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
	const unsigned char *client_address; /* 16 bytes, IPv4 mapped; NULL: not known */
};

/* True when a question about this domain is answered without credentials: the domain is accepted
 * and says so (see struct domain, anonymous). Depends on the domain alone, never on the mailbox. */
bool
resolve_anonymous(const struct facts *facts);

/* Decides. An unknown mailbox and one that the caller may not see give equal refusals; what an
 * anonymous caller is told of a `mail` domain depends on the domain and the address as text alone.
 *
 * Order (pox.md 10): neither address nor legacyDN 600; schema without provider 601; domain not
 * accepted 500; mailbox in the caller's sight switched off 501, or redirected; redirects by rule;
 * domain redirects; services of a `mail` domain, or 501 when there is none; mailbox unknown or out
 * of the caller's sight 500; server or organization missing 602; neither URL nor Outlook Anywhere
 * configured 501; else settings. Only in an `exchange` domain may an anonymous caller see one.
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

/* Where the rules of the domain, and then the domain itself, send an address with this local part:
 * out->kind is that of a redirect, or ANSWER_SETTINGS when it is answered here. Depends on the
 * domain and the text alone. facts->domain must be there.
 * Returns 0, or REFUSAL_BROKEN_CONFIGURATION when the target is missing, REFUSAL_NOT_FOUND when it
 * is no address, REFUSAL_SERVER_ERROR when out of memory. */
int
resolve_redirect(
    struct arena *mem, const struct facts *facts, const char *local, struct answer *out);

/* As resolve_redirect(). When it is answered here, *login is the address that logs in where a
 * service does not say otherwise: `asked` without its detail (see domain_base_length()). */
int
resolve_address(struct arena *mem, const struct facts *facts, const struct address *asked,
    struct address *login, struct answer *out);

/* The login name for a service of `domain`: its template filled in, else that of the mailbox, else
 * the address. `%a` is the address, `%u` its local part, `%d` its domain, `%%` a percent sign,
 * `%{member}` a text of the mailbox; anything else is copied.
 *
 * `mailbox` is NULL when there is none or the caller may not know of it: the address then loses its
 * detail (see domain_base_length()), else it is the primary one. A template with a text that the
 * mailbox does not have, or without a mailbox, gives the address: so an open domain tells nobody
 * whether there is one. NULL when out of memory. */
const char *
resolve_login(struct arena *mem, const struct domain *domain, const struct mail_service *service,
    const char *address, const struct mailbox *mailbox);

/* A build as SOAP tells it: `15.01.2507.000`. NULL when out of memory. */
const char *
resolve_build(struct arena *mem, const struct version *version);

/* The ServerVersion element of `15.1.2507` (pox.md 8), or NULL when `version` is not three numbers
 * that fit. `out` holds 9 bytes. */
const char *
resolve_server_version(const char *version, char out[9]);

#endif
