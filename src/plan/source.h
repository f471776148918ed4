/* source.h - the places that may know the settings of a mailbox, and their order. */
#ifndef USHER_PLAN_SOURCE_H
#define USHER_PLAN_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/question.h"

/* The spelling that every server must answer ([MS-OXDSCLI] 3.2.5). Outlook asks with capitals, and
 * servers that tell letter case apart know that one as well; a second request wherever a web site
 * says 404 would buy nothing. */
#define AUTODISCOVER_PATH "/autodiscover/autodiscover.xml"
#define SOURCE_BIT(source) (1U << ((source) - 'A'))

enum { SOURCE_ROWS_MAX = 12 };

/* When a source begins. DNS is asked for all at once; the rest is counted from the start of the
 * round, and nobody waits for sources that have no hope left. */
enum source_begin {
	BEGIN_AT_ONCE = 0,
	BEGIN_STAGGERED,      /* PLAN_STAGGER_MS: seldom right */
	BEGIN_STAGGERED_MORE, /* twice that */
	BEGIN_LATE,	      /* when the autodiscover host has lost, or after PLAN_LATE_MS */
	BEGIN_LAST	      /* when all better ones have lost, DNS too */
};

/* A way to derive a first URL from a mail domain (http-discovery.md 1). */
struct source_row {
	enum source source;
	const char *exclude; /* Outlook's switch against it (http-discovery.md 8); NULL: none */
	const char *start;   /* of the URL, before the domain; NULL: found in another way */
	const char *path;
	enum language language; /* LANGUAGE_POX: or another that is asked at the same URLs */
	enum source_begin begin;
	bool web_site; /* most likely somebody's web site answers: silence means nothing */
	bool yields;   /* wins only when every better source has lost */
	bool trusted;  /* its hosts are the caller's or the directory's word */
	bool alone;    /* only when its language is the only one to ask in */
};

/* All, in the usual order. */
extern const struct source_row source_rows[];
extern const size_t source_rows_n;

/* The usual order in letters: with local XML before all others, or in its usual place. Autodiscover
 * V2 is not among them: where it is spoken, the usual URL is known as well. */
const char *
source_order(bool prefer_local_xml);

/* Each letter is a source's and stands there once. */
bool
source_order_valid(const char *letters);

/* The source that Outlook's registry value `name` excludes; 0 when there is none. */
int
source_by_switch(const char *name);

#endif
