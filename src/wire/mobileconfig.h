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

/* What the profile is for: phones have no account for Exchange Web Services, and Macs have none for
 * ActiveSync. */
enum mobileconfig_device {
	MOBILECONFIG_ANY = 0, /* nobody said */
	MOBILECONFIG_PHONE,   /* and iPad: `phone` */
	MOBILECONFIG_MAC,     /* `mac` */
	MOBILECONFIG_DEVICES
};

/* What is asked: `email`, or `emailaddress` as Mail Autoconfig has it, and perhaps `name` and
 * `device`. */
struct mobileconfig_question {
	const char *address; /* as sent */
	const char *name;    /* of the person, for the mail they send; NULL when absent */
	enum mobileconfig_device device;
};

/* Reads the query of a request, without `?`. Names are compared exactly, others are read over; a
 * `+` in the address stays, in the name it is a blank. The address is only measured.
 * Returns USHER_OK, USHER_E_INPUT (no address, twice, too long, a broken %XX, a name that is no
 * text, an unknown device), USHER_E_NOMEM. */
USHER_CHECK usher_status
mobileconfig_read_request(struct arena *mem, struct slice query, struct mobileconfig_question *out,
    struct usher_error *err);

/* The word for a device; NULL for MOBILECONFIG_ANY. */
const char *
mobileconfig_device_word(enum mobileconfig_device device);

/* Whether a profile can be made of the answer, for that device.
 * Returns USHER_OK
 *         USHER_E_ABSENT  there is nothing in it that a profile has words for
 *         USHER_E_INPUT   there is mail in it, but not with TLS and a password in both directions,
 *                         which is all that a profile can say: one without would be a broken one */
USHER_CHECK usher_status
mobileconfig_check(
    const struct answer *answer, enum mobileconfig_device device, struct usher_error *err);

/* Whether people are shown a profile for `device`: MOBILECONFIG_ANY where all devices get the same
 * one, the others where they do not. */
bool
mobileconfig_offers(const struct answer *answer, enum mobileconfig_device device);

/* Writes the profile of an answer that passed mobileconfig_check(), names its provider_id, and has
 * its placeholders filled in: the best IMAP server, or POP3 where there is none, with the best SMTP
 * server, and CalDAV and CardDAV. Where one of these three is missing, an Exchange account of the
 * device's kind stands alone in their place, for it brings all three. A device that nobody named is
 * taken for a phone, but gets what serves a Mac alone only where there is nothing else.
 * `question->name` may be NULL. Uses `mem` for what it builds on the way. Failure sticks in `out`.
 */
void
mobileconfig_write(struct arena *mem, struct buf *out, const struct answer *answer,
    const struct address *address, const struct mobileconfig_question *question);

/* Writes the profile that installs the root of the authority `name`. Failure sticks in `out`.
 *
 * sha256  of the root, 64 digits; identifier and UUIDs are made of it.
 * der	   the root. */
void
mobileconfig_write_root(struct buf *out, const char *name, const char *sha256, struct slice der);

#endif
