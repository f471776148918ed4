/* pacc.h - the settings of a domain in one JSON document, as PACC defines it (autoconfig.md 6), and
 * the TXT record that vouches for it.
 *
 * The record holds the SHA-256 of the very bytes that are served: what is written depends on the
 * answer alone, and equal answers give equal bytes. A domain's record is made so:
 *
 *	resolve_autoconfig(mem, &facts, domain, &answer)
 *	pacc_check(&answer, &err)		not USHER_OK: nothing can be published, and why
 *	pacc_write(&document, &answer)		what PACC_HOST_PREFIX + domain serves at PACC_PATH
 *	pacc_txt(&txt, buf_as_slice(&document))	the record of PACC_TXT_PREFIX + domain */
#ifndef USHER_WIRE_PACC_H
#define USHER_WIRE_PACC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "model/answer.h"
#include "usher/status.h"

#define PACC_PATH "/.well-known/user-agent-configuration.json"
#define PACC_HOST_PREFIX "ua-auto-config."
#define PACC_TXT_PREFIX "_ua-auto-config."

enum { PACC_BYTES = 16 * 1024 }; /* ten services with the longest URLs are below */

/* PACC has words for this server: TLS from the first byte on the usual port, or an https URL. What
 * it has none for is left out of the document. */
bool
pacc_has_words(const struct answer_protocol *p);

/* Whether something can be said. `answer` is resolve_autoconfig()'s: user names are placeholders.
 * Returns USHER_OK
 *         USHER_E_INPUT  no server that PACC has words for and that takes a password or a token, or
 *                        user names that are not the address; the message says which */
USHER_CHECK usher_status
pacc_check(const struct answer *answer, struct usher_error *err);

/* Writes the document of an answer that passed pacc_check(). Failure sticks in `out`. */
void
pacc_write(struct buf *out, const struct answer *answer);

/* Appends the text of the TXT record for these bytes, without quotes. Failure sticks in `out`. */
void
pacc_txt(struct buf *out, struct slice document);

#endif
