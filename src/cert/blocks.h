/* blocks.h - a file of any shape as the DER objects in it, one after the other. */
#ifndef USHER_CERT_BLOCKS_H
#define USHER_CERT_BLOCKS_H

#include <stdbool.h>

#include <openssl/bio.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

struct block {
	const char *label; /* `CERTIFICATE` …; "" when the file is no PEM */
	char *header;	   /* RFC 1421's, "" when there is none */
	struct slice der;  /* not empty */
};

struct blocks {
	struct block now;
	/* own */
	struct buf text; /* the file where it had to be converted */
	BIO *in;	 /* PEM, or NULL */
	struct slice der;
	char *label;
	unsigned char *bytes;
	long n;
	bool damaged;
};

/* Takes PEM with text before, between and behind, DER, and base64 alone; the texts in UTF-8 or in
 * UTF-16 as PowerShell writes them. `file` must stay; copies are wiped by blocks_close(), which is
 * due whatever this returns.
 *
 * Returns USHER_OK, USHER_E_INPUT (with what the file is, when we know it), USHER_E_LIMIT (over
 * BUNDLE_BYTES), USHER_E_NOMEM. */
USHER_CHECK usher_status
blocks_open(struct blocks *b, struct slice file, struct usher_error *err);

/* Puts the next object into `now`, valid until the next call. False at the end and at damage. */
bool
blocks_next(struct blocks *b);

/* After blocks_next() said false: USHER_OK, USHER_E_INPUT (damaged), USHER_E_NOMEM. */
USHER_CHECK usher_status
blocks_end(struct blocks *b, struct usher_error *err);

/* For CLEANUP(). */
void
blocks_close(struct blocks *b);

#endif
