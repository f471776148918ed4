/* cms_write.c - SignedData (RFC 5652, 5) in DER, written straight on around one ECDSA signature.
 *
 * OpenSSL builds the same as a tree of objects, which takes longer than the signature itself; and
 * every profile is signed anew. */
#include "cert/cms_write.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/when.h"
#include "cert/own.h"

enum { TAG_OCTETS = 0x04, TAG_SEQUENCE = 0x30, TAG_SET = 0x31, TAG_CONTEXT_0 = 0xa0 };
enum { SIGNATURE_BYTES = 256, CERTIFICATES_MAX = 32, ENCODED_BYTES = 2 * 1024 * 1024 };

static const int64_t YEAR_2050_S = 2524608000;

#define OID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_CONTENT_TYPE "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"
#define OID_MESSAGE_DIGEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"
#define OID_SIGNING_TIME "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05"

static const struct slice oid_data = SLICE_LITERAL(OID_DATA),
			  oid_signed_data =
			      SLICE_LITERAL("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"),
			  version_1 = SLICE_LITERAL("\x02\x01\x01"),
			  /* Both without parameters: RFC 5754, 2 and 3.2. */
    sha256_algorithm = SLICE_LITERAL("\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"),
			  ecdsa_algorithm =
			      SLICE_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");

/* ---- DER ---- */

static size_t
length_bytes(size_t n)
{
	size_t bytes = 1;

	for (size_t left = n; n >= 0x80 && left > 0; left >>= 8)
		bytes++;
	return bytes;
}

/* What `n` bytes become with tag and length. */
static size_t
wrapped(size_t n)
{
	return 1 + length_bytes(n) + n;
}

static void
put_header(struct buf *b, int tag, size_t n)
{
	size_t more = length_bytes(n) - 1;

	buf_char(b, (char)tag);
	buf_char(b, (char)(more == 0 ? n : 0x80 | more));
	while (more-- > 0)
		buf_char(b, (char)(n >> (8 * more)));
}

/* ---- what is signed ---- */

/* The signed attributes (RFC 5652, 11) as their SET, in the order that DER wants; date and digest
 * are still to be put in. */
#define DATE "yymmddhhmmssZ"
static const char attributes[] =
    "\x31\x69"
    "\x30\x18" OID_CONTENT_TYPE "\x31\x0b" OID_DATA "\x30\x1c" OID_SIGNING_TIME
    "\x31\x0f\x17\x0d" DATE "\x30\x2f" OID_MESSAGE_DIGEST "\x31\x22\x04\x20";

enum {
	DIGEST_AT = sizeof(attributes) - 1,
	DATE_AT = 2 + 26 + 17, /* the SET's header, the first attribute, the second up to there */
	ATTRIBUTES_BYTES = DIGEST_AT + SHA256_BYTES
};

static bool
fill_attributes(struct slice content, unsigned char out[ATTRIBUTES_BYTES])
{
	unsigned char *to = out + DATE_AT;
	char now[WHEN_TEXT_BYTES];

	memcpy(out, attributes, DIGEST_AT);
	/* Two digits each of `2026-11-21T08:35:00Z`, from the year of the century on. */
	when_format(clock_unix_ms() / 1000, now);
	for (size_t at = 2; at < 20; at += 3, to += 2)
		memcpy(to, now + at, 2);
	return sha256(content, out + DIGEST_AT);
}

/* ---- what goes with it ---- */

struct cms_writer {
	/* Has begun to sign; each signature goes on with a copy, which spares it OpenSSL's search
	 * for the algorithm and its checks of the key. */
	EVP_PKEY_CTX *context;
	struct buf identifier;	 /* issuer and serial number */
	struct buf certificates; /* one after the other, in order */
};

/* An object of OpenSSL as DER. */
struct encoded {
	unsigned char *p;
	size_t n;
};

/* As DER orders a SET OF: X.690, 11.6. */
static int
compare(const void *a, const void *b)
{
	const struct encoded *x = a, *y = b;
	int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

static bool
encode_certificates(const X509 *certificate, const STACK_OF(X509) * chain, struct buf *out)
{
	struct encoded all[CERTIFICATES_MAX];
	size_t n = 0, wanted = 1 + (size_t)(chain == NULL ? 0 : sk_X509_num(chain));

	for (; n < wanted && n < CERTIFICATES_MAX; n++) {
		int bytes;

		all[n].p = NULL;
		bytes =
		    i2d_X509(n == 0 ? certificate : sk_X509_value(chain, (int)n - 1), &all[n].p);
		if (bytes <= 0)
			break;
		all[n].n = (size_t)bytes;
	}
	qsort(all, n, sizeof(all[0]), compare);
	for (size_t i = 0; i < n; i++) {
		buf_append(out, all[i].p, all[i].n);
		OPENSSL_free(all[i].p);
	}
	return n == wanted && out->status == USHER_OK;
}

static bool
encode_identifier(X509 *certificate, struct buf *out)
{
	unsigned char *issuer = NULL, *serial = NULL;
	int issuer_n = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
	int serial_n = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &serial);

	if (issuer_n > 0 && serial_n > 0) {
		buf_append(out, issuer, (size_t)issuer_n);
		buf_append(out, serial, (size_t)serial_n);
	}
	OPENSSL_free(issuer);
	OPENSSL_free(serial);
	return out->n > 0 && out->status == USHER_OK;
}

struct cms_writer *
cms_writer_new(X509 *certificate, EVP_PKEY *key, const STACK_OF(X509) * chain)
{
	struct cms_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	buf_init(&w->identifier, ENCODED_BYTES);
	buf_init(&w->certificates, ENCODED_BYTES);
	w->context = EVP_PKEY_CTX_new(key, NULL);
	if (w->context == NULL || EVP_PKEY_sign_init(w->context) != 1 ||
	    !encode_identifier(certificate, &w->identifier) ||
	    !encode_certificates(certificate, chain, &w->certificates)) {
		cms_writer_free(w);
		return NULL;
	}
	return w;
}

void
cms_writer_free(struct cms_writer *w)
{
	if (w == NULL)
		return;
	EVP_PKEY_CTX_free(w->context);
	buf_clear(&w->identifier);
	buf_clear(&w->certificates);
	free(w);
}

/* By the hash, which spares what OpenSSL sets up to make it itself. */
static bool
sign(const EVP_PKEY_CTX *begun, const unsigned char attrs[ATTRIBUTES_BYTES],
    unsigned char out[SIGNATURE_BYTES], size_t *out_n)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(begun);
	unsigned char digest[SHA256_BYTES];
	bool made = context != NULL &&
		    sha256(slice_from((const char *)attrs, ATTRIBUTES_BYTES), digest) &&
		    EVP_PKEY_sign(context, out, out_n, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(context);
	return made;
}

static void
put_all(struct buf *b, struct slice content, const struct cms_writer *w,
    const unsigned char attrs[ATTRIBUTES_BYTES], const unsigned char *signature, size_t signature_n)
{
	size_t encapsulated = oid_data.n + wrapped(wrapped(content.n));
	size_t signer = version_1.n + wrapped(w->identifier.n) + sha256_algorithm.n +
			ATTRIBUTES_BYTES + ecdsa_algorithm.n + wrapped(signature_n);
	size_t data = version_1.n + wrapped(sha256_algorithm.n) + wrapped(encapsulated) +
		      wrapped(w->certificates.n) + wrapped(wrapped(signer));

	put_header(b, TAG_SEQUENCE, oid_signed_data.n + wrapped(wrapped(data)));
	buf_slice(b, oid_signed_data);
	put_header(b, TAG_CONTEXT_0, wrapped(data));
	put_header(b, TAG_SEQUENCE, data);
	buf_slice(b, version_1);
	put_header(b, TAG_SET, sha256_algorithm.n);
	buf_slice(b, sha256_algorithm);

	put_header(b, TAG_SEQUENCE, encapsulated);
	buf_slice(b, oid_data);
	put_header(b, TAG_CONTEXT_0, wrapped(content.n));
	put_header(b, TAG_OCTETS, content.n);
	buf_slice(b, content);

	put_header(b, TAG_CONTEXT_0, w->certificates.n);
	buf_slice(b, buf_as_slice(&w->certificates));

	put_header(b, TAG_SET, wrapped(signer));
	put_header(b, TAG_SEQUENCE, signer);
	buf_slice(b, version_1);
	put_header(b, TAG_SEQUENCE, w->identifier.n);
	buf_slice(b, buf_as_slice(&w->identifier));
	buf_slice(b, sha256_algorithm);
	/* What was signed as a SET stands here under its tag in this place (RFC 5652, 5.4). */
	buf_char(b, (char)TAG_CONTEXT_0);
	buf_append(b, attrs + 1, ATTRIBUTES_BYTES - 1);
	buf_slice(b, ecdsa_algorithm);
	put_header(b, TAG_OCTETS, signature_n);
	buf_append(b, signature, signature_n);
}

/* ---- all together ---- */

bool
cms_writes_for(const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
}

bool
cms_writes_now(void)
{
	return clock_unix_ms() / 1000 < YEAR_2050_S;
}

usher_status
cms_write(
    const struct cms_writer *w, struct slice content, struct buf *out, struct usher_error *err)
{
	unsigned char attrs[ATTRIBUTES_BYTES], signature[SIGNATURE_BYTES];
	size_t signature_n = sizeof(signature);

	/* Such a key can sign: what fails is wanting memory. */
	if (!fill_attributes(content, attrs) || !sign(w->context, attrs, signature, &signature_n)) {
		ERR_clear_error();
		return err_nomem(err, "signature");
	}
	put_all(out, content, w, attrs, signature, signature_n);
	return out->status == USHER_OK ?
		   USHER_OK :
		   err_set(err, out->status, "signature", "it does not fit into memory");
}
