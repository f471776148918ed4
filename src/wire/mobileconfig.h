/* mobileconfig.h - the settings of one address as a configuration profile of Apple's systems
 * (autoconfig.md 4). Unsigned: see cert/cms.h.
 *
 * Identifiers and UUIDs are made of provider and address, so that a profile that is fetched again
 * takes the place of the one before, and no two addresses ever share one. */
#ifndef USHER_WIRE_MOBILECONFIG_H
#define USHER_WIRE_MOBILECONFIG_H

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "usher/status.h"

#define MOBILECONFIG_PATH "/profile.mobileconfig"
#define MOBILECONFIG_TYPE "application/x-apple-aspen-config"

enum { MOBILECONFIG_BYTES = 64 * 1024, MOBILECONFIG_NAME_BYTES = 128 };

/* What is asked: `email`, or `emailaddress` as Mail Autoconfig has it, and perhaps `name`. */
struct mobileconfig_question {
	const char *address; /* as sent */
	const char *name;    /* of the person, for the mail they send; NULL when absent */
};

/* Reads the query of a request, without `?`. Names are compared exactly, others are read over; a
 * `+` in the address stays, in the name it is a blank. The address is only measured.
 * Returns USHER_OK, USHER_E_INPUT (no address, twice, too long, a broken %XX, a name that is no
 * text), USHER_E_NOMEM. */
USHER_CHECK usher_status
mobileconfig_read_request(struct arena *mem, struct slice query, struct mobileconfig_question *out,
    struct usher_error *err);

/* Whether a profile can be made of the answer.
 * Returns USHER_OK
 *         USHER_E_ABSENT  there is nothing in it that a profile has words for
 *         USHER_E_INPUT   there is mail in it, but not with TLS and a password in both directions,
 *                         which is all that a profile can say: one without would be a broken one */
USHER_CHECK usher_status
mobileconfig_check(const struct answer *answer, struct usher_error *err);

/* Writes the profile of an answer that passed mobileconfig_check(), names its provider_id, and has
 * its placeholders filled in: the best IMAP server, or POP3 where there is none, with the best SMTP
 * server, and CalDAV and CardDAV. Where one of these three is missing, an Exchange account for
 * phones stands alone in their place, for it brings all three. `name` may be NULL. Uses `mem` for
 * what it builds on the way. Failure sticks in `out`. */
void
mobileconfig_write(struct arena *mem, struct buf *out, const struct answer *answer,
    const struct address *address, const char *name);

#endif
