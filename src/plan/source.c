/* source.c - the table of sources. */
#include "plan/source.h"

#include <string.h>

#include "base/slice.h"

#define JSON_PATH "/autodiscover/autodiscover.json"

/* In Outlook's order, but the autodiscover host before the domain itself (http-discovery.md 7 and
 * 16); what is not Autodiscover comes last (autoconfig.md 1). */
const struct source_row source_rows[] = {
	{ SOURCE_LAST_KNOWN_GOOD, "ExcludeLastKnownGoodURL", .trusted = true },
	{ SOURCE_SCP, "ExcludeScpLookup", .trusted = true },
	{ SOURCE_AUTODISCOVER, "ExcludeHttpsAutoDiscoverDomain", "https://autodiscover.",
	    AUTODISCOVER_PATH },
	{ SOURCE_ROOT, "ExcludeHttpsRootDomain", "https://", AUTODISCOVER_PATH, .web_site = true },
	{ SOURCE_LOCAL_XML, .yields = true, .trusted = true },
	{ SOURCE_HTTP_REDIRECT, "ExcludeHttpRedirect", "http://autodiscover.", AUTODISCOVER_PATH,
	    .begin = BEGIN_STAGGERED, .web_site = true },
	{ SOURCE_SRV, "ExcludeSrvRecord", .begin = BEGIN_STAGGERED_MORE },
	{ SOURCE_MICROSOFT_365, "ExcludeExplicitO365Endpoint", .begin = BEGIN_LAST, .yields = true,
	    .trusted = true },
	{ SOURCE_JSON_V2, NULL, "https://autodiscover.", JSON_PATH, LANGUAGE_JSON_V2,
	    .begin = BEGIN_LATE, .web_site = true, .yields = true },
	{ SOURCE_JSON_V2, NULL, "https://", JSON_PATH, LANGUAGE_JSON_V2, .web_site = true,
	    .yields = true, .alone = true },
	{ SOURCE_AUTOCONFIG, NULL, "https://autoconfig.", "/mail/config-v1.1.xml?emailaddress=",
	    LANGUAGE_AUTOCONFIG, .begin = BEGIN_LATE, .web_site = true, .yields = true },
	{ SOURCE_AUTOCONFIG, NULL, "https://", "/.well-known/autoconfig/mail/config-v1.1.xml",
	    LANGUAGE_AUTOCONFIG, .begin = BEGIN_LATE, .web_site = true, .yields = true },
};
const size_t source_rows_n = COUNT_OF(source_rows);
_Static_assert(COUNT_OF(source_rows) <= SOURCE_ROWS_MAX, "room for a lane per source");

const char *
source_order(bool prefer_local_xml)
{
	return prefer_local_xml ? "FGACBDEHM" : "GACBFDEHM";
}

bool
source_order_valid(const char *letters)
{
	static const char all[] = "ABCDEFGHJM";

	for (const char *c = letters; *c != '\0'; c++) {
		if (strchr(all, *c) == NULL || strchr(c + 1, *c) != NULL)
			return false;
	}
	return letters[0] != '\0';
}

int
source_by_switch(const char *name)
{
	for (size_t i = 0; i < source_rows_n; i++) {
		if (source_rows[i].exclude != NULL &&
		    slice_is_nocase(slice_of(name), source_rows[i].exclude))
			return (int)source_rows[i].source;
	}
	return 0;
}
