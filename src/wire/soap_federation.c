/* soap_federation.c - what other organizations are told of this one
 * ([MS-OXWSADISC] 3.1.4.2, 3.1.4.3; soap.md 7, 8). */
#include "wire/soap.h"

static void
write_texts(struct xml_writer *w, const char *list, const char *item, const struct text_list *texts)
{
	if (texts->n == 0) {
		xml_leaf(w, list, NULL, 0, "");
		return;
	}
	xml_open(w, list, NULL, 0);
	for (size_t i = 0; i < texts->n; i++)
		xml_leaf(w, item, NULL, 0, texts->v[i]);
	xml_close(w, list);
}

void
soap_write_federation(struct buf *out, const struct soap_request *request,
    const char *server_version, const struct organization *organization)
{
	const struct text_list *domains = &organization->federated_domains;
	struct soap_response x;

	soap_response_begin(&x, out, request, server_version);
	xml_leaf(&x.w, "ApplicationUri", NULL, 0, organization->application_uri);
	if (organization->token_issuer != NULL && organization->token_endpoint != NULL) {
		xml_open(&x.w, "TokenIssuers", NULL, 0);
		xml_open(&x.w, "TokenIssuer", NULL, 0);
		xml_leaf(&x.w, "Uri", NULL, 0, organization->token_issuer);
		xml_leaf(&x.w, "Endpoint", NULL, 0, organization->token_endpoint);
		xml_close(&x.w, "TokenIssuer");
		xml_close(&x.w, "TokenIssuers");
	}
	write_texts(&x.w, "Domains", "Domain", domains->n > 0 ? domains : &request->subjects);
	soap_response_end(&x);
}

static void
write_switch(struct xml_writer *w, const char *name, bool on)
{
	xml_leaf(w, name, NULL, 0, on ? "true" : "false");
}

static void
write_text(struct xml_writer *w, const char *name, const char *text)
{
	if (text != NULL)
		xml_leaf(w, name, NULL, 0, text);
}

/* In the order of the alphabet, as strict readers insist. */
static void
write_relationship(struct xml_writer *w, const struct relationship *r)
{
	static const char *const free_busy[] = { "None", "AvailabilityOnly", "LimitedDetails" };
	static const char *const mail_tips[] = { "None", "Limited", "All" };

	xml_open(w, "OrganizationRelationshipSettings", NULL, 0);
	write_switch(w, "DeliveryReportEnabled", r->delivery_reports == TRI_ON);
	write_texts(w, "DomainNames", "Domain", &r->domains);
	write_switch(w, "FreeBusyAccessEnabled", r->free_busy != FREE_BUSY_NONE);
	xml_leaf(w, "FreeBusyAccessLevel", NULL, 0, free_busy[r->free_busy]);
	write_switch(w, "MailTipsAccessEnabled", r->mail_tips != MAIL_TIPS_NONE);
	xml_leaf(w, "MailTipsAccessLevel", NULL, 0, mail_tips[r->mail_tips]);
	write_switch(w, "MailboxMoveEnabled", r->mailbox_move == TRI_ON);
	xml_leaf(w, "Name", NULL, 0, r->name);
	write_text(w, "TargetApplicationUri", r->application_uri);
	write_text(w, "TargetAutodiscoverEpr", r->autodiscover_url);
	write_text(w, "TargetSharingEpr", r->sharing_url);
	xml_close(w, "OrganizationRelationshipSettings");
}

static bool
is_about(const struct relationship *r, const struct text_list *domains)
{
	for (size_t i = 0; i < r->domains.n; i++)
		for (size_t k = 0; k < domains->n; k++)
			if (slice_is_nocase(slice_of(domains->v[k]), r->domains.v[i]))
				return true;
	return false;
}

void
soap_write_relationships(struct buf *out, const struct soap_request *request,
    const char *server_version, const struct relationship *relationships, size_t n)
{
	static const char list[] = "OrganizationRelationshipSettingsCollection";
	struct soap_response x;

	soap_response_begin(&x, out, request, server_version);
	xml_open(&x.w, list, NULL, 0);
	for (size_t i = 0; i < n; i++)
		if (is_about(&relationships[i], &request->subjects))
			write_relationship(&x.w, &relationships[i]);
	xml_close(&x.w, list);
	soap_response_end(&x);
}
