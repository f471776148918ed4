/* netlogon.h - the LDAP ping: a domain controller says which domain and sites it knows us in.
 *
 * One search for the attribute Netlogon of the rootDSE ([MS-ADTS] 6.3.3); its value is a structure
 * ([MS-ADTS] 6.3.1.9). Nothing of it is authenticated: it tells whom to ask next and what to
 * prefer, never whom to trust. */
#ifndef USHER_WIRE_NETLOGON_H
#define USHER_WIRE_NETLOGON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/slice.h"
#include "usher/status.h"

/* What we ask for: the layout with names, and the closest site (NtVer, [MS-ADTS] 6.3.1.1). */
#define NETLOGON_NT_VERSION 0x16u

enum {
	NETLOGON_REQUEST_BYTES = 4096, /* controllers drop what is longer */
	NETLOGON_REPLY_BYTES = 65535,  /* a datagram */
	NETLOGON_NAME_BYTES = 272      /* of one name, as text */
};

/* Bits of `flags` that we look at ([MS-ADTS] 6.3.1.2); the others are for whoever shows them. */
enum dc_flag {
	DC_KDC = 0x20,
	DC_CLOSEST = 0x80, /* it is in the site of whoever asked */
	DC_WRITABLE = 0x100
};

/* What a domain controller says. Absent names are NULL. */
struct dc_answer {
	bool named;  /* false: an old layout, which tells no more than that somebody lives there */
	bool paused; /* it is there, but asks to be left alone for now */
	uint32_t flags;
	char domain_guid[GUID_TEXT_BYTES];
	const char *forest, *domain, *host; /* DNS names */
	const char *netbios_domain, *netbios_host, *user;
	const char *dc_site, *client_site, *next_closest_site; /* UTF-8, any letters */
	const char *address;				       /* IPv4 of the controller */
};

/* Appends the search as an LDAP message (RFC 4511) that fits a datagram. `domain` (A-labels) may be
 * NULL: the controller's own. USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM: as `out`. */
USHER_CHECK usher_status
netlogon_ask(struct buf *out, int32_t message_id, const char *domain, struct usher_error *err);

/* The same search's filter as RFC 4515 text, for a library that makes the message.
 * NULL when out of memory. */
const char *
netlogon_filter(struct arena *mem, const char *domain);

/* `received` from a stream has the end of the search in it, or what can be no reply: more is not to
 * be waited for. */
bool
netlogon_is_whole(struct slice received);

/* Reads the messages of one reply, the entry and the end of the search one behind the other. The
 * texts lie in `mem`.
 *
 * Returns USHER_OK, USHER_E_ABSENT (a controller that does not serve this domain), USHER_E_CONFLICT
 * (an answer to another question), USHER_E_INPUT (damaged, or the search failed), USHER_E_NOMEM. */
USHER_CHECK usher_status
netlogon_read_reply(struct arena *mem, struct slice reply, int32_t message_id,
    struct dc_answer *out, struct usher_error *err);

/* Reads a value of the attribute. USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
netlogon_read(
    struct arena *mem, struct slice value, struct dc_answer *out, struct usher_error *err);

#endif
