/* rule.h - redirect rules: which of them an address falls under, and where it is sent. */
#ifndef USHER_MODEL_RULE_H
#define USHER_MODEL_RULE_H

#include "model/org.h"

/* True when the pattern stands for the local part: `*` is any text, also none, `?` any one byte,
 * all else itself, ASCII letters without case. */
bool
rule_fits(const char *pattern, struct slice local);

/* The first rule that fits the local part, or the part of it that names the mailbox; NULL: none.
 * `rules` are in the order they are tried. */
const struct redirect *
rule_find(const struct redirect *rules, size_t n, const struct domain *domain, const char *local);

/* The address that a rule which fits sends `local` to: a detail stays where the local part does.
 * NULL when out of memory, or when the rule has neither address nor domain for a target. */
const char *
rule_target(
    struct arena *mem, const struct redirect *rule, const struct domain *domain, const char *local);

/* True when some local part fits both patterns. */
bool
rule_patterns_meet(const char *a, const char *b);

#endif
