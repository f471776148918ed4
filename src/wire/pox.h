/* pox.h - POX Autodiscover, [MS-OXDSCLI]: plain XML question and answer, both ways.
 *
 * Reading walks local names, ignores namespaces, prefixes, order and unknown elements; writing uses
 * the exact namespaces and the order of real servers (pox.md 3, 7). */
#ifndef USHER_WIRE_POX_H
#define USHER_WIRE_POX_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/question.h"
#include "usher/status.h"
#include "wire/xml.h"

enum {
	POX_REQUEST_BYTES = 64 * 1024,	  /* a real request is under 1 KiB */
	POX_RESPONSE_BYTES = 1024 * 1024, /* what a client takes */
	POX_MAX_PROTOCOLS = 100
};

#define POX_SCHEMA_OUTLOOK \
	"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define POX_SCHEMA_MOBILESYNC \
	"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

/* Reads a request. Leaves out->client alone: that comes from HTTP headers. An address is only
 * measured here, not parsed. Needs a few KiB of `mem`, and never more than 512 KiB.
 * Returns USHER_OK; USHER_E_INPUT (answer 600), err says why; USHER_E_NOMEM. */
USHER_CHECK usher_status
pox_read_request(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct question *out, struct usher_error *err);

/* Writes a request for question->address or legacy_dn (or both) in the Outlook schema. */
void
pox_write_request(struct buf *out, const struct question *question);

/* Reads a response; text loses blanks at its ends. Never needs more than 4 MiB of `mem`.
 * Returns USHER_OK
 *         USHER_E_PEER   not XML, or not an Autodiscover response at all ("not an endpoint")
 *         USHER_E_LIMIT  over a size or count
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
pox_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err);

/* Writes a response. Failure sticks in `out`. Protocols of a kind that
 * POX cannot name are left out. */
void
pox_write_response(struct buf *out, const struct answer *answer);

#endif
