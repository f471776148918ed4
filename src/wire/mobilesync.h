/* mobilesync.h - Autodiscover of ActiveSync, [MS-ASCMD] 2.2.1.1: POX's URL with another schema.
 *
 * A service reads such a question by pox_read_request(): question->schema is SCHEMA_MOBILESYNC. An
 * answer has protocols of the kinds ActiveSync and CertEnroll, the user's name and primary
 * address (user.display_name, user.autodiscover_smtp_address). */
#ifndef USHER_WIRE_MOBILESYNC_H
#define USHER_WIRE_MOBILESYNC_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/question.h"
#include "usher/status.h"
#include "wire/xml.h"

enum {
	MOBILESYNC_RESPONSE_BYTES = 256 * 1024, /* what a client takes */
	MOBILESYNC_MAX_SERVERS = 100
};

/* Writes a request for question->address. */
void
mobilesync_write_request(struct buf *out, const struct question *question);

/* Reads a response. A refusal of the provider has a status, 2, and REFUSAL_NOT_FOUND unless it
 * names a code; one of the framework has its code and no status. Servers of unknown Type become
 * PROTOCOL_UNKNOWN. Returns USHER_OK USHER_E_PEER   not XML, or no such response USHER_E_LIMIT over
 * a size or count USHER_E_NOMEM */
USHER_CHECK usher_status
mobilesync_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err);

/* Writes a response to `question`, whose address stands in it when the answer knows no better one.
 * Refusals 600, 601 and 603 are the framework's, all others the provider's (activesync.md 5). There
 * is no redirect to a URL in this language: send a 302 instead; what is written for one is a
 * refusal. Other kinds of protocols are left out. Failure sticks in `out`. */
void
mobilesync_write_response(
    struct buf *out, const struct question *question, const struct answer *answer);

#endif
