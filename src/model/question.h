/* question.h - what a client asks, whatever language it asked in. */
#ifndef USHER_MODEL_QUESTION_H
#define USHER_MODEL_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum language {
	LANGUAGE_POX = 0,    /* with either schema when it is served */
	LANGUAGE_SOAP,	     /* GetUserSettings */
	LANGUAGE_MOBILESYNC, /* POX with the schema of ActiveSync, when a client asks so */
	LANGUAGE_JSON_V2,
	LANGUAGE_AUTOCONFIG, /* Mail Autoconfig */
	LANGUAGE_COUNT
};

/* `pox`, `soap`, `activesync`, `json`, `autoconfig`: as `usher find --language` calls it. */
const char *
language_name(enum language language);

/* By that name, letter case ignored. False when there is none. */
bool
language_find(struct slice name, enum language *out);

/* Which provider AcceptableResponseSchema picks. */
enum answer_schema {
	SCHEMA_OUTLOOK = 0, /* …/outlook/responseschema/2006a */
	SCHEMA_MOBILESYNC,  /* …/mobilesync/responseschema/2006 */
	SCHEMA_UNKNOWN
};

struct client_traits {
	int64_t mapi_http;     /* X-MapiHttpCapability; 0 when absent, not a number or <= 0 */
	bool negotiate;	       /* X-ClientCanHandle: Negotiate */
	bool exhttp;	       /* X-ClientCanHandle: ExHttpInfo, or an Outlook new enough */
	bool outlook;	       /* User-Agent begins with Microsoft Office/ */
	int64_t outlook_major; /* the number after it; 0 when unknown */
	bool no_redirect_url;  /* does not know the element RedirectUrl: exchangelib */
};

struct question {
	enum language language;
	enum answer_schema schema;
	const char *address;	 /* as sent; NULL when absent */
	const char *legacy_dn;	 /* as sent; wins over address when both are there (pox.md 2) */
	const char *schema_text; /* AcceptableResponseSchema as sent */
	const char *protocol;	 /* JSON v2: whose URL is wanted, as sent */
	int64_t redirect_count;	 /* JSON v2: hops so far; 0 when absent */
	struct client_traits client;
};

#endif
