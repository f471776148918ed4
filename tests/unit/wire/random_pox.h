/* random_pox.h - questions and answers drawn at random, with every member that POX carries. */
#ifndef USHER_TESTS_RANDOM_POX_H
#define USHER_TESTS_RANDOM_POX_H

#include <stdint.h>

#include "base/arena.h"
#include "model/answer.h"
#include "model/question.h"

/* The same seed gives the same answer on every machine. All lies in `mem`. */
void
random_answer(struct arena *mem, uint64_t seed, struct answer *out);

/* Asks by address, legacyDN, or both. */
void
random_question(struct arena *mem, uint64_t seed, struct question *out);

#endif
