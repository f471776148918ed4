/* order.c - follows signatures from leaf to root. */
#include "cert/order.h"

#include <openssl/err.h>

static bool
has_issued(X509 *issuer, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool has =
	    key != NULL && X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, key) == 1;

	ERR_clear_error();
	return has;
}

bool
order_is_root(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	/* Not X509_check_issued(): a server's certificate may vouch for itself without being a CA.
	 */
	bool root = key != NULL &&
		    X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 &&
		    X509_verify(x, key) == 1;

	ERR_clear_error();
	return root;
}

X509 *
order_issuer(const STACK_OF(X509) * list, X509 *x)
{
	X509 *found = NULL;

	if (order_is_root(x))
		return NULL;
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *issuer = sk_X509_value(list, i);

		if (issuer == x || !has_issued(issuer, x))
			continue;
		if (order_is_root(issuer))
			return issuer;
		if (found == NULL)
			found = issuer;
	}
	return found;
}

static bool
issues_another(const STACK_OF(X509) * list, X509 *x)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *other = sk_X509_value(list, i);

		if (other != x && has_issued(x, other))
			return true;
	}
	return false;
}

X509 *
order_leaf(const STACK_OF(X509) * list)
{
	X509 *found = NULL;

	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *x = sk_X509_value(list, i);

		if (issues_another(list, x))
			continue;
		if (X509_check_ca(x) == 0)
			return x;
		if (found == NULL)
			found = x;
	}
	ERR_clear_error();
	return found != NULL ? found : sk_X509_value(list, 0);
}
