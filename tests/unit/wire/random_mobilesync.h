/* random_mobilesync.h - answers of ActiveSync drawn at random. */
#ifndef USHER_TESTS_RANDOM_MOBILESYNC_H
#define USHER_TESTS_RANDOM_MOBILESYNC_H

#include <stdint.h>

#include "base/arena.h"
#include "model/answer.h"

/* The same seed gives the same answer on every machine. All lies in `mem`. */
void
random_mobilesync(struct arena *mem, uint64_t seed, struct answer *out);

#endif
