/* wrap.h - certificates in the forms in which files hold them. */
#ifndef USHER_CERT_WRAP_H
#define USHER_CERT_WRAP_H

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

enum cert_form {
	CERT_FORM_PEM = 0,
	CERT_FORM_DER,	/* the first certificate alone */
	CERT_FORM_PKCS7 /* DER of SignedData that nobody signed (RFC 5652, 5.1): Windows' .p7b */
};

/* Appends the certificates in `pem`, which is as cert_inspect() writes it.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_LIMIT (over the ceiling of `out`), USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_wrap(struct slice pem, enum cert_form form, struct buf *out, struct usher_error *err);

#endif
