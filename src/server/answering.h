/* answering.h - what the handlers of all languages have in common. */
#ifndef USHER_SERVER_ANSWERING_H
#define USHER_SERVER_ANSWERING_H

#include "model/answer.h"
#include "resolve/resolve.h"
#include "server/service.h"

/* `login` is NULL for an anonymous caller. */
struct resolve_context
answering_as(const struct request *request, const char *login);

void
answering_count(struct request *request, const struct answer *answer);

/* The facts of a domain alone, in A-labels: no local part takes part in the lookup, so that how
 * long it takes does not tell which mailboxes exist. */
enum lookup
answering_domain(
    struct request *request, const char *domain, struct facts *out, struct usher_error *err);

/* The Host of a request in A-labels, letters lowered. NULL: there is none that is a name. */
const char *
answering_host(struct request *request);

/* `host` less the `autodiscover.` or the like that clients put before a domain. */
const char *
answering_less_prefix(const char *host);

/* The domain that a request without an address is about, by its Host: that whose host name it is,
 * else the name itself less its prefix. In A-labels; whether it is accepted is for the directory to
 * say. NULL: there is none, or several share that host name. */
const char *
answering_host_domain(struct request *request);

/* `host` is a host name of a domain, or stands in a certificate that is served. */
bool
answering_own_name(const struct request *request, const char *host);

/* 404 about a domain, the same whatever the reason. */
void
answering_refuse_domain(struct request *request);

/* The SOAP endpoint beside an Autodiscover URL: a client asks there again in SOAP. The same text
 * when it is none of POX's; NULL when out of memory. */
const char *
answering_soap_url(struct request *request, const char *url);

/* Sends what is in the thread's buffer, or a 500 when it is over the limit of an answer, or a 503
 * when there was no memory for it. */
void
answering_send(struct request *request, int status, const char *type,
    const struct reply_field *fields, size_t n_fields);

/* The same, with an ETag (RFC 9110, 8.8.3), or 304 without the answer to who has it already. */
void
answering_send_tagged(
    struct request *request, const char *type, const struct reply_field *fields, size_t n_fields);

#endif
