/* resolve_domain.h - what anybody is told: answers that depend on the domain alone, never on the
 * mailbox. */
#ifndef USHER_RESOLVE_RESOLVE_DOMAIN_H
#define USHER_RESOLVE_RESOLVE_DOMAIN_H

#include "base/arena.h"
#include "model/answer.h"
#include "model/facts.h"
#include "usher/status.h"

/* The public URL of a service of the domain, as V2 tells it: PROTOCOL_AUTODISCOVER, _ACTIVESYNC,
 * _EWS or _REST. *url is NULL when there is none. In `mem` or in the facts.
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_domain_url(
    struct arena *mem, const struct facts *facts, enum protocol_kind kind, const char **url);

/* The public EWS of the domain and, where an organization's server offers it, that server's build:
 * `15.01.2507.000`. Either may be NULL. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_domain_ews(
    struct arena *mem, const struct facts *facts, const char **url, const char **version);

/* The settings of a domain with placeholders of Mail Autoconfig in the place of the address.
 * `asked` is the domain as asked for, in A-labels; an alias has the user names of the domain that
 * it stands for. Services in the order of the facts; an exchange domain that has some has its URLs
 * behind them. Always settings, perhaps without any protocol. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_autoconfig(
    struct arena *mem, const struct facts *facts, const char *asked, struct answer *out);

/* The same for a program whose Exchange account needs no server to ask: an exchange domain has its
 * URLs in any case. */
USHER_CHECK usher_status
resolve_profile(
    struct arena *mem, const struct facts *facts, const char *asked, struct answer *out);

#endif
