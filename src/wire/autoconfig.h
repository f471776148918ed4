/* autoconfig.h - Mail Autoconfig, config-v1.1.xml: the settings of a provider as Mozilla's programs
 * and many others read them (autoconfig.md 1-3).
 *
 * Documents of 1.1 and 1.2 are read alike. Texts keep their placeholders (%EMAILADDRESS% …) until
 * autoconfig_fill() is told the address. */
#ifndef USHER_WIRE_AUTOCONFIG_H
#define USHER_WIRE_AUTOCONFIG_H

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/question.h"
#include "usher/status.h"
#include "wire/xml.h"

enum {
	AUTOCONFIG_BYTES = 64 * 1024, /* the largest one known is far below */
	AUTOCONFIG_MAX_SERVERS = 100,
	AUTOCONFIG_MAX_DOMAINS = 1000,
	AUTOCONFIG_MAX_FINDINGS = 50
};

#define AUTOCONFIG_PATH "/mail/config-v1.1.xml"
#define AUTOCONFIG_WELL_KNOWN_PATH "/.well-known/autoconfig/mail/config-v1.1.xml"
#define AUTOCONFIG_OTHER_PATH "/v1.1/mail/config-v1.1.xml" /* one program asks there */

#define AUTOCONFIG_ADDRESS "%EMAILADDRESS%"
#define AUTOCONFIG_LOCAL_PART "%EMAILLOCALPART%"
#define AUTOCONFIG_DOMAIN "%EMAILDOMAIN%"

/* Reads a document. Always settings. A server that makes no sense is passed over and leaves a line
 * in out->findings; the order of all others is kept.
 * Returns USHER_OK
 *         USHER_E_PEER   no such document, without a provider or domain, or with no usable server
 *         USHER_E_LIMIT  over a size or count
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
autoconfig_read(struct xml_reader *reader, struct arena *mem, struct slice xml, struct answer *out,
    struct usher_error *err);

/* Replaces the placeholders in all texts that may have them, once and without looking at the result
 * again. An unknown or broken placeholder stays. The arrays of *answer are made anew in `mem`.
 * USHER_E_NOMEM, USHER_E_LIMIT (a text grows over FIELD_URL_BYTES). */
USHER_CHECK usher_status
autoconfig_fill(struct arena *mem, const struct address *address, struct answer *answer,
    struct usher_error *err);

/* Whether every known program takes what autoconfig_write() makes of the answer (autoconfig.md
 * 2.7). Returns USHER_OK, USHER_E_INPUT (the message names what is missing). */
USHER_CHECK usher_status
autoconfig_check(const struct answer *answer, struct usher_error *err);

/* There is a server that autoconfig_write() does not leave out. */
bool
autoconfig_is_writable(const struct answer *answer);

/* Writes a document that both dialects find all they know in. Mail servers come first; those
 * without TLS, or with no way to log in that all programs know, are left out, because one such
 * entry makes some programs drop the whole file; so are services at a URL that is not https.
 * Failure sticks in `out`. */
void
autoconfig_write(struct buf *out, const struct answer *answer);

/* Reads the query of a request, without `?`: `emailaddress` is compared exactly, other parameters
 * are read over. question->address is NULL when there is none or an empty one; it is only measured.
 * Returns USHER_OK, USHER_E_INPUT (twice, too long, a broken %XX), USHER_E_NOMEM. */
USHER_CHECK usher_status
autoconfig_read_request(
    struct arena *mem, struct slice query, struct question *out, struct usher_error *err);

#endif
