/* random_autoconfig.h - Mail Autoconfig drawn at random, such as every program takes. */
#ifndef USHER_TESTS_RANDOM_AUTOCONFIG_H
#define USHER_TESTS_RANDOM_AUTOCONFIG_H

#include <stdint.h>

#include "base/arena.h"
#include "model/answer.h"

/* The same seed gives the same answer on every machine. All lies in `mem`. */
void
random_autoconfig(struct arena *mem, uint64_t seed, struct answer *out);

#endif
