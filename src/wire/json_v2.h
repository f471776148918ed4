/* json_v2.h - Autodiscover V2: one anonymous GET, one URL back as JSON (json-v2.md).
 *
 * An answer is settings with one protocol that has a `url`, a redirect to a URL (HTTP 302), or a
 * refusal whose `name` is the ErrorCode. */
#ifndef USHER_WIRE_JSON_V2_H
#define USHER_WIRE_JSON_V2_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "model/answer.h"
#include "model/question.h"
#include "usher/status.h"

enum {
	JSON_V2_RESPONSE_BYTES = 64 * 1024,
	JSON_V2_REDIRECTS_MAX = 10,  /* a question that has been sent on so often gets no more */
	JSON_V2_ADDRESS_BYTES = 320, /* in a question, decoded */
	JSON_V2_PROTOCOL_BYTES = 64
};

#define JSON_V2_PATH "/autodiscover/autodiscover.json"

enum json_v2_form {
	JSON_V2_QUERY = 0, /* …/autodiscover.json?Email=ADDRESS&Protocol=… */
	JSON_V2_SEGMENT	   /* …/autodiscover.json/v1.0/ADDRESS?Protocol=… */
};

/* The protocol's canonical name: `AutodiscoverV1`, `ActiveSync`, `Ews`, `Rest`; NULL for kinds that
 * V2 has no word for. */
const char *
json_v2_protocol_name(enum protocol_kind kind);

/* By that name, letter case ignored; PROTOCOL_UNKNOWN when there is none. */
enum protocol_kind
json_v2_protocol_kind(const char *name);

/* Appends the URL that asks `host` (`HOST` or `HOST:PORT`) for question->address and
 * question->protocol; a redirect_count of 0 is left out. */
void
json_v2_url(
    struct buf *out, const char *host, const struct question *question, enum json_v2_form form);

enum json_v2_error {
	JSON_V2_NO_ERROR = 0,
	JSON_V2_MANDATORY_PARAMETER_MISSING, /* no address, or one twice */
	JSON_V2_MISSING_PROTOCOL,
	JSON_V2_PROTOCOL_NOT_SUPPORTED,
	JSON_V2_INVALID_EMAIL,
	JSON_V2_USER_NOT_FOUND,	    /* or the domain is not served: the same words for both */
	JSON_V2_TOO_MANY_REDIRECTS, /* JSON_V2_REDIRECTS_MAX */
	JSON_V2_INTERNAL_ERROR
};

/* Reads path and query as they came, `query` without `?`. Path, names of parameters and the
 * protocol's value in any letter case; %XX is decoded once, `+` stays. An address in the path wins
 * over one in the query; unknown parameters are read over. An address is only measured, and taken
 * without control bytes, `/` and what is not UTF-8.
 *
 * *error     JSON_V2_NO_ERROR, or the first error that the request itself has; *out then holds what
 *            could be read, for the words of the refusal.
 * Returns USHER_OK, USHER_E_ABSENT (the path is another's), USHER_E_NOMEM. */
USHER_CHECK usher_status
json_v2_read_request(struct arena *mem, struct slice path, struct slice query, struct question *out,
    enum json_v2_error *error, struct usher_error *err);

/* Fills in a refusal, in the words of Exchange Online. `supported` is the list of names of
 * protocols that have a URL here, parted by commas; needed for PROTOCOL_NOT_SUPPORTED.
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
json_v2_refusal(struct arena *mem, enum json_v2_error error, const struct question *question,
    const char *supported, struct answer *out);

/* Reads a body of any status. Unknown members are read over.
 * Returns USHER_OK
 *         USHER_E_PEER   no JSON object with an absolute https Url, or with an ErrorCode
 *         USHER_E_LIMIT  over JSON_V2_RESPONSE_BYTES
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
json_v2_read_response(
    struct arena *mem, struct slice json, struct answer *out, struct usher_error *err);

/* Writes the body and returns the HTTP status. A redirect has no body: its status is 302 and its
 * Location is answer->redirect. Failure sticks in `out`. */
int
json_v2_write_response(struct buf *out, const struct answer *answer);

#endif
