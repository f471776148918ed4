/* order.h - which certificate has issued which. For the files of this folder. */
#ifndef USHER_CERT_ORDER_H
#define USHER_CERT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "cert/own.h"
#include "cert/trust.h"

/* Signed with its own key. */
bool
order_is_root(X509 *x);

/* Who has issued `x` in truth, names and signature, among `list`; a root before others, so that
 * chains are short. NULL when nobody has, and for a root. */
X509 *
order_issuer(const STACK_OF(X509) * list, X509 *x);

/* The first of `list` that has issued none of the others, one that is no CA before others. */
X509 *
order_leaf(const STACK_OF(X509) * list);

/* Told of each fault: X509_V_ERR_… and how many certificates above the leaf, which is 0. */
typedef void
order_heard(void *to, int error, int depth);

/* The chain from `leaf` over `more` (may be NULL) to an anchor, or as far as it goes; the caller
 * frees it. `now_s` NULL: dates do not matter. `heard` may be NULL. NULL when out of memory. */
struct stack_st_X509 *
order_verify(const struct trust *trust, X509 *leaf, STACK_OF(X509) * more, const int64_t *now_s,
    order_heard *heard, void *to);

#endif
