/* subject.h - distinguished names as administrators type them, and as X.509 orders them. */
#ifndef USHER_CERT_SUBJECT_H
#define USHER_CERT_SUBJECT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "usher/status.h"

enum {
	SUBJECT_TEXT_BYTES = 4096,
	SUBJECT_ATTRIBUTES = 32,
	COMMON_NAME_BYTES = 64 /* RFC 5280, appendix A: ub-common-name */
};

struct subject_attribute {
	const char *type;  /* OID, dotted */
	const char *value; /* UTF-8, not empty */
	bool joined;	   /* in one RDN with the attribute before it */
};

/* Root first, as in the certificate. A zeroed struct is the empty name. */
struct subject {
	const struct subject_attribute *v;
	size_t n;
};

/* Reads RFC 4514 text (`CN=mail.contoso.com,O=Contoso\, Ltd.,C=US`) and what the white paper types
 * (`c=US, o=Contoso, cn=mail.contoso.com`): attribute types of any case, among them those of
 * Windows (S, E, G, T) and OIDs with or without `OID.` in front; blanks around types and values;
 * `;` for `,`; `+` joins; values in quotes or with escapes; `#` and the hexadecimal BER of a
 * string.
 *
 * RFC 4514 begins with the host's end of the name, the white paper with the root's. Types have a
 * rank from the root down: C and DC, ST, L and STREET, O, OU, CN and all that names one thing; an
 * RDN of several has the lowest of theirs. The text is taken to begin at the root when its first
 * RDN stands nearer to it than its last; when both rank the same, as in `OU=a,OU=b`, it is RFC
 * 4514.
 *
 * Returns USHER_OK, USHER_E_INPUT (with what is wrong at which attribute), USHER_E_LIMIT,
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
subject_parse(struct arena *mem, struct slice text, struct subject *out, struct usher_error *err);

/* `CN=host` alone, or the empty name when `host` is longer than COMMON_NAME_BYTES. `host` must
 * live as long as the name. Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
subject_of_host(struct arena *mem, const char *host, struct subject *out, struct usher_error *err);

/* The common name nearest to the leaf, or NULL. */
const char *
subject_common_name(const struct subject *s);

/* RFC 4514 text, as cert_inspect() writes it; "" for the empty name. Attributes for which RFC 4514
 * has no word are written as OID and hexadecimal, which subject_parse() reads.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
subject_text(struct arena *mem, const struct subject *s, const char **out, struct usher_error *err);

#endif
