/* random_soap.h - answers of SOAP drawn at random, with every setting that the model has room for.
 */
#ifndef USHER_TESTS_RANDOM_SOAP_H
#define USHER_TESTS_RANDOM_SOAP_H

#include <stdint.h>

#include "base/arena.h"
#include "model/answer.h"
#include "wire/soap.h"

/* The same seed gives the same answer on every machine. All lies in `mem`. */
void
random_soap(struct arena *mem, uint64_t seed, struct answer *out);

/* A response to one user who asks for every setting there is. */
void
write_soap(struct buf *out, const struct answer *answer);

#endif
