/* rule.c - redirect rules: which of them an address falls under, and where it is sent. */
#include "model/rule.h"

#include <string.h>

#include "base/address.h"
#include "base/text.h"

/* Goes back to the last `*` only: what it stands for grows by one, and earlier ones need not. */
bool
rule_fits(const char *pattern, struct slice local)
{
	const char *star = NULL;
	size_t at = 0, after = 0;

	while (at < local.n) {
		if (*pattern == '*') {
			star = pattern++;
			after = at;
		} else if (*pattern != '\0' &&
			   (*pattern == '?' || text_lower(*pattern) == text_lower(local.p[at]))) {
			pattern++;
			at++;
		} else if (star != NULL) {
			pattern = star + 1;
			at = ++after;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* `local` without the detail that the rule does not ask about. */
static struct slice
fitting_part(const struct redirect *rule, const struct domain *domain, const char *local)
{
	struct slice whole = slice_of(local);

	return rule_fits(rule->pattern, whole) ?
		   whole :
		   slice_from(local, domain_base_length(domain, whole));
}

const struct redirect *
rule_find(const struct redirect *rules, size_t n, const struct domain *domain, const char *local)
{
	for (size_t i = 0; i < n; i++)
		if (rule_fits(rules[i].pattern, fitting_part(&rules[i], domain, local)))
			return &rules[i];
	return NULL;
}

const char *
rule_target(
    struct arena *mem, const struct redirect *rule, const struct domain *domain, const char *local)
{
	struct slice target = slice_of(rule->redirect_address), pattern = slice_of(rule->pattern);
	size_t star = slice_find(target, '*'), before = slice_find(pattern, '*');
	struct slice part;

	if (rule->redirect_domain != NULL)
		return arena_join(mem, local, "@", rule->redirect_domain);
	if (rule->redirect_address == NULL || star == target.n || before == pattern.n)
		return rule->redirect_address;
	part = slice_skip(fitting_part(rule, domain, local), before);
	part.n -= pattern.n - before - 1;
	return arena_printf(
	    mem, "%.*s%.*s%s", (int)star, target.p, (int)part.n, part.p, target.p + star + 1);
}

/* meet[j] tells of what is left of `a` from i on and of `b` from j on; i goes down. */
bool
rule_patterns_meet(const char *a, const char *b)
{
	bool meet[ADDRESS_LOCAL_BYTES + 2] = { false }, below[ADDRESS_LOCAL_BYTES + 2];
	size_t n = strlen(a), m = strlen(b);

	if (m > ADDRESS_LOCAL_BYTES)
		return true;
	for (size_t i = n + 1; i-- > 0;) {
		memcpy(below, meet, sizeof(below)); /* of i + 1; false behind the end */
		for (size_t j = m + 1; j-- > 0;) {
			bool ends_a = i == n, ends_b = j == m;

			if (ends_a && ends_b)
				meet[j] = true;
			else if (!ends_a && a[i] == '*')
				meet[j] = below[j] || (!ends_b && meet[j + 1]);
			else if (!ends_b && b[j] == '*')
				meet[j] = meet[j + 1] || (!ends_a && below[j]);
			else
				meet[j] = !ends_a && !ends_b &&
					  (a[i] == '?' || b[j] == '?' ||
					      text_lower(a[i]) == text_lower(b[j])) &&
					  below[j + 1];
		}
	}
	return meet[0];
}
