/* pile.h - what has been found in a file so far. For the files that fill it. */
#ifndef USHER_CERT_PILE_H
#define USHER_CERT_PILE_H

#include "base/arena.h"
#include "cert/own.h"
#include "cert/pbe.h"
#include "usher/status.h"

enum { PILE_KEYS = 16, PILE_NOTES = 16 };

struct pile {
	struct arena *mem;
	struct pbe pbe;
	STACK_OF(X509) * certificates; /* each once */
	EVP_PKEY *keys[PILE_KEYS];
	size_t n_keys;
	const char *friendly_name;
	const char *notes[PILE_NOTES]; /* each once */
	size_t n_notes;
	struct usher_error *err;
};

/* Takes `x` over, whatever this returns; NULL is USHER_E_INPUT (damaged).
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
pile_certificate(struct pile *p, X509 *x);

/* Takes `key` over, whatever this returns. Returns USHER_OK, USHER_E_LIMIT. */
USHER_CHECK usher_status
pile_key(struct pile *p, EVP_PKEY *key);

/* Says that `algorithm` was met; NULL is no news. Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
pile_old_algorithm(struct pile *p, const char *algorithm);

/* `text` must stay; NULL is out of memory. Notes beyond the limit are dropped. */
USHER_CHECK usher_status
pile_note(struct pile *p, const char *text);

/* Adds what is in a PKCS #12 file. As bundle_read(). */
USHER_CHECK usher_status
pile_pkcs12(struct pile *p, PKCS12 *file);

#endif
