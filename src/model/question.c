/* question.c - the languages by name. */
#include "model/question.h"

static const char *const names[LANGUAGE_COUNT] = {
	[LANGUAGE_POX] = "pox",
	[LANGUAGE_SOAP] = "soap",
	[LANGUAGE_MOBILESYNC] = "activesync",
	[LANGUAGE_JSON_V2] = "json",
	[LANGUAGE_AUTOCONFIG] = "autoconfig",
};

const char *
language_name(enum language language)
{
	return names[language];
}

bool
language_find(struct slice name, enum language *out)
{
	for (int i = 0; i < LANGUAGE_COUNT; i++) {
		if (slice_is_nocase(name, names[i])) {
			*out = (enum language)i;
			return true;
		}
	}
	return false;
}
