/* own.h - scope cleanup for the OpenSSL objects used in this folder. */
#ifndef USHER_CERT_OWN_H
#define USHER_CERT_OWN_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/compat.h"

static inline void
own_bio(BIO **b)
{
	BIO_free(*b);
}

static inline void
own_x509(X509 **x)
{
	X509_free(*x);
}

static inline void
own_pkey(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static inline void
own_names(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}

#endif
