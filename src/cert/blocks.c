/* blocks.c - finds out in which shape a file is. */
#include "cert/blocks.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/bundle.h"
#include "cert/x509.h"

/* What people have taken for a certificate. */
static const struct {
	struct slice begins;
	const char *word;
} others[] = {
	{ SLICE_LITERAL("\xfe\xed\xfe\xed"),
	    "a Java keystore of the old kind; convert it with keytool -importkeystore "
	    "-deststoretype PKCS12" },
	{ SLICE_LITERAL("\xce\xce\xce\xce"),
	    "a Java keystore of the old kind; convert it with keytool -importkeystore "
	    "-deststoretype PKCS12" },
	{ SLICE_LITERAL("-----BEGIN PGP"), "made by OpenPGP, which is not X.509" },
	{ SLICE_LITERAL("ssh-"), "a key of OpenSSH; make a PEM key" },
	{ SLICE_LITERAL("PK\x03\x04"), "a ZIP archive; unpack it first" },
};

static bool
has_text(struct slice s, struct slice what)
{
	return s.n >= what.n && memmem(s.p, s.n, what.p, what.n) != NULL;
}

/* A text never begins so: the length's first byte is above ASCII, or says that it is open (BER). */
static bool
is_der(struct slice s)
{
	return s.n > 2 && s.p[0] == 0x30 && ((unsigned char)s.p[1] & 0x80) != 0;
}

/* UTF-16's bytes that are ASCII; anything else becomes a `?`, which no PEM line has. */
static void
narrow(struct buf *out, struct slice s, bool big)
{
	(void)buf_reserve(out, s.n / 2);
	for (size_t i = 0; i + 1 < s.n; i += 2) {
		unsigned char high = (unsigned char)s.p[i + !big],
			      low = (unsigned char)s.p[i + big];

		buf_char(out, high == 0 && low < 0x80 ? (char)low : '?');
	}
}

static bool
is_base64_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!text_is_alnum(s.p[i]) && !text_is_space(s.p[i]) &&
		    (s.p[i] == '\0' || strchr("+/=", s.p[i]) == NULL))
			return false;
	}
	return s.n > 0;
}

/* *text becomes the DER. */
static usher_status
from_base64(struct blocks *b, struct slice *text, struct usher_error *err)
{
	struct buf lines CLEANUP(buf_wipe);
	struct buf der;
	bool good;

	buf_init(&lines, BUNDLE_BYTES);
	buf_init(&der, BUNDLE_BYTES);
	/* At once, so that no piece of a key stays behind when they grow. */
	(void)buf_reserve(&lines, text->n);
	(void)buf_reserve(&der, text->n);
	for (size_t i = 0; i < text->n; i++) {
		if (!text_is_space(text->p[i]))
			buf_char(&lines, text->p[i]);
	}
	good = base64_decode(&der, buf_as_slice(&lines));
	buf_wipe(&b->text);
	b->text = der;
	*text = buf_as_slice(&b->text);
	if (lines.status != USHER_OK || der.status != USHER_OK)
		return err_nomem(err, "file");
	return good && is_der(*text) ? USHER_OK :
				       err_set(err, USHER_E_INPUT, "file",
					   "neither PEM nor DER; a certificate's text begins with "
					   "-----BEGIN");
}

/* *file becomes PEM or DER. */
static usher_status
bring_into_shape(struct blocks *b, struct slice *file, struct usher_error *err)
{
	bool little = slice_starts(*file, SLICE_LITERAL("\xff\xfe"));
	bool big = slice_starts(*file, SLICE_LITERAL("\xfe\xff"));

	if (is_der(*file))
		return USHER_OK;
	if (little || big) {
		narrow(&b->text, slice_skip(*file, 2), big);
		if (b->text.status != USHER_OK)
			return err_nomem(err, "file");
		*file = buf_as_slice(&b->text);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (slice_starts(*file, others[i].begins))
			return err_set(err, USHER_E_INPUT, "file", "it is %s", others[i].word);
	}
	if (has_text(*file, SLICE_LITERAL("-----BEGIN ")))
		return USHER_OK;
	if (is_base64_text(*file))
		return from_base64(b, file, err);
	return err_set(err, USHER_E_INPUT, "file",
	    file->n == 0 ?
		"it is empty" :
		"neither PEM nor DER, or damaged at its beginning; copy it again, as binary");
}

usher_status
blocks_open(struct blocks *b, struct slice file, struct usher_error *err)
{
	usher_status st;

	*b = (struct blocks){ 0 };
	buf_init(&b->text, BUNDLE_BYTES);
	if (file.n > BUNDLE_BYTES)
		return err_set(
		    err, USHER_E_LIMIT, "file", "longer than %d KiB", BUNDLE_BYTES / 1024);
	st = bring_into_shape(b, &file, err);
	if (st != USHER_OK)
		return st;
	if (is_der(file)) {
		b->der = file;
		return USHER_OK;
	}
	b->in = bio_on(file);
	return b->in == NULL ? err_nomem(err, "file") : USHER_OK;
}

static void
drop_current(struct blocks *b)
{
	OPENSSL_secure_free(b->label);
	OPENSSL_secure_free(b->now.header);
	OPENSSL_secure_clear_free(b->bytes, (size_t)b->n);
	b->label = NULL;
	b->now.header = NULL;
	b->bytes = NULL;
	b->n = 0;
}

bool
blocks_next(struct blocks *b)
{
	if (b->in == NULL) {
		b->now = (struct block){ "", NULL, b->der };
		b->der = (struct slice){ NULL, 0 };
		return b->now.der.n > 0;
	}
	drop_current(b);
	if (PEM_read_bio_ex(b->in, &b->label, &b->now.header, &b->bytes, &b->n,
		PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1) {
		b->damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
		return false;
	}
	b->now.label = b->label;
	b->now.der = slice_from(b->bytes, (size_t)b->n);
	return true;
}

usher_status
blocks_end(struct blocks *b, struct usher_error *err)
{
	if (b->damaged)
		return ssl_failed(err, USHER_E_INPUT, "file",
		    "it is damaged: a -----BEGIN has no good base64 and -----END; copy it again");
	ERR_clear_error();
	return USHER_OK;
}

void
blocks_close(struct blocks *b)
{
	if (b->in != NULL)
		drop_current(b);
	BIO_free(b->in);
	buf_wipe(&b->text);
}
