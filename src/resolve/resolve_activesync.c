/* resolve_activesync.c - the ActiveSync server of a mailbox, and where a phone gets a certificate.
 */
#include "resolve/build.h"
#include "resolve/resolve_domain.h"
#include "resolve/site.h"

static const char *
any_side(const struct org_view *org, const struct site_choice *choice, enum url_service service)
{
	const char *url = site_url(org, choice, service, OUTSIDE);

	return url != NULL ? url : site_url(org, choice, service, INSIDE);
}

static int
put_servers(struct build *b, const char *url, const char *enrollment)
{
	struct answer_protocol *p;

	if (url == NULL)
		return REFUSAL_NO_PROVIDER;
	if (b->mailbox != NULL && b->mailbox->activesync == TRI_OFF)
		return REFUSAL_NO_OPTIONS;
	if (!build_protocols(b, 2))
		return 0;
	p = build_protocol(b, PROTOCOL_ACTIVESYNC);
	p->url = url;
	if (enrollment != NULL) {
		p = build_protocol(b, PROTOCOL_CERT_ENROLL);
		p->url = enrollment;
		p->server_data = b->facts->org->organization.certificate_template;
	}
	if (b->mailbox == NULL)
		return 0;
	b->out->user.display_name = b->mailbox->display_name;
	b->out->user.autodiscover_smtp_address = b->mailbox->address;
	return 0;
}

int
build_activesync(struct build *b)
{
	const struct org_view *org = b->facts->org;
	struct site_choice choice = { 0 };
	const char *url;

	if (b->facts->domain->kind != DOMAIN_EXCHANGE) {
		if (resolve_domain_url(b->mem, b->facts, PROTOCOL_ACTIVESYNC, &url) != USHER_OK)
			b->failed = true;
		return b->failed ? 0 : put_servers(b, url, NULL);
	}
	if (org != NULL)
		choice = site_choose(b->facts, b->mailbox, b->client_address);
	if (choice.server == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	return put_servers(
	    b, any_side(org, &choice, URL_ACTIVESYNC), any_side(org, &choice, URL_CERT_ENROLL));
}
