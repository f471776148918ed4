/* resolve_activesync.c - the ActiveSync server of a mailbox in an `exchange` domain. */
#include "resolve/build.h"
#include "resolve/site.h"

int
build_activesync(struct build *b)
{
	const struct org_view *org = b->facts->org;
	const struct server *server = org == NULL ? NULL : site_choose(b->facts, b->mailbox);
	struct answer_protocol *p;
	const char *url;

	if (server == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	url = site_url(org, server, URL_ACTIVESYNC, OUTSIDE);
	if (url == NULL)
		url = site_url(org, server, URL_ACTIVESYNC, INSIDE);
	if (url == NULL)
		return REFUSAL_NO_PROVIDER;
	if (b->mailbox->activesync == TRI_OFF)
		return REFUSAL_NO_OPTIONS;
	if (!build_protocols(b, 1))
		return 0;
	p = build_protocol(b, PROTOCOL_ACTIVESYNC);
	p->url = url;
	b->out->user.display_name = b->mailbox->display_name;
	b->out->user.autodiscover_smtp_address = b->mailbox->address;
	return 0;
}
