/* own.h - scope cleanup for the OpenSSL objects used in this folder. */
#ifndef USHER_CERT_OWN_H
#define USHER_CERT_OWN_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
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
own_x509s(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

static inline void
own_pkey(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static inline void
own_pkcs8(PKCS8_PRIV_KEY_INFO **k)
{
	PKCS8_PRIV_KEY_INFO_free(*k);
}

static inline void
own_names(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}

static inline void
own_name(X509_NAME **n)
{
	X509_NAME_free(*n);
}

static inline void
own_csr(X509_REQ **r)
{
	X509_REQ_free(*r);
}

static inline void
own_extensions(STACK_OF(X509_EXTENSION) * *stack)
{
	sk_X509_EXTENSION_pop_free(*stack, X509_EXTENSION_free);
}

#endif
