/* soap_settings.c - the settings of an answer by name: which are there, and how they are written
 * ([MS-OXWSADISC] 2.2.4.3; soap.md 4.3, 5). */
#include "wire/soap_settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/pox_elements.h"
#include "wire/soap_rows.h"

const struct soap_setting *
soap_setting_find(const char *name)
{
	for (size_t i = 0; i < SOAP_ROWS; i++)
		if (strcmp(soap_rows[i].name, name) == 0)
			return &soap_rows[i];
	return NULL;
}

void
soap_settings_write_names(struct xml_writer *w, const char *element)
{
	for (size_t i = 0; i < SOAP_ROWS; i++)
		xml_leaf(w, element, NULL, 0, soap_rows[i].name);
}

/* The first block of a kind; NULL: none. */
static const struct answer_protocol *
find_block(const struct answer *a, enum protocol_kind kind)
{
	for (size_t i = 0; i < a->n_protocols; i++)
		if (a->protocols[i].kind == (int)kind)
			return &a->protocols[i];
	return NULL;
}

/* The record the row's field lies in; NULL: not in this answer. */
static const void *
record_of(const struct soap_setting *s, const struct answer *a)
{
	const struct answer_protocol *p;

	if (s->place == SOAP_AT_USER)
		return &a->user;
	if (s->place == SOAP_AT_ACCOUNT)
		return a;
	p = find_block(a, soap_kinds[s->place]);
	if (s->place == SOAP_AT_EITHER && (p == NULL || field_absent(&s->field, p)))
		p = find_block(a, PROTOCOL_EXPR);
	return p;
}

static const struct answer_web *
web_side(const struct soap_setting *s, const struct answer_protocol *p)
{
	return (const struct answer_web *)((const char *)p + s->field.offset);
}

static bool
is_connection(const struct answer_protocol *p, enum protocol_kind kind)
{
	return p->kind == (int)kind && p->server != NULL && p->port != NUMBER_ABSENT;
}

static bool
has_connection(const struct answer *a, enum protocol_kind kind)
{
	for (size_t i = 0; i < a->n_protocols; i++)
		if (is_connection(&a->protocols[i], kind))
			return true;
	return false;
}

bool
soap_setting_present(const struct soap_setting *s, const struct answer *answer)
{
	const void *record = record_of(s, answer);
	const struct answer_protocol *p = record;

	if (record == NULL)
		return false;
	switch (s->shape) {
	case SOAP_AS_TEXT:
	case SOAP_AS_ON_OFF:
		return !field_absent(&s->field, record);
	case SOAP_AS_EWS:
		return p->ews_url != NULL || p->as_url != NULL;
	case SOAP_AS_GAL_VIEW:
		return true;
	case SOAP_AS_PAGE:
		return p->ecp_url != NULL && !field_absent(&s->field, p);
	case SOAP_AS_WEB_URLS:
		return web_side(s, p)->n_owa > 0;
	case SOAP_AS_CONNECTIONS:
		return has_connection(answer, soap_kinds[s->place]);
	case SOAP_AS_MAILBOXES:
		return answer->n_alternative_mailboxes > 0;
	case SOAP_AS_LOCATIONS:
		return answer->n_document_sharing_locations > 0;
	}
	return false;
}

/* A page's URL is its fragment behind EcpUrl, as text. */
static void
write_page(struct xml_writer *w, const struct soap_setting *s, const struct answer_protocol *p)
{
	CLEANUP(buf_cleanup) struct buf url = { 0 };

	buf_init(&url, (size_t)2 * XML_MAX_TEXT_BYTES);
	buf_text(&url, p->ecp_url);
	buf_text(&url, field_text(&s->field, p));
	if (url.status != USHER_OK)
		w->out->status = url.status;
	xml_leaf(w, "Value", NULL, 0, buf_cstr(&url));
}

static void
write_value(struct xml_writer *w, const struct soap_setting *s, const void *record)
{
	static const char *const words[2][2] = { { "False", "True" }, { "Off", "On" } };
	const struct answer_protocol *p = record;
	const char *text;

	if (s->shape == SOAP_AS_PAGE) {
		write_page(w, s, p);
		return;
	}
	if (s->shape == SOAP_AS_GAL_VIEW)
		text = words[0][field_absent(&s->field, record)];
	else if (s->field.type == FIELD_SWITCH)
		text = words[s->shape == SOAP_AS_ON_OFF][field_switch(&s->field, record) == TRI_ON];
	else if (field_absent(&s->field, record))
		text = p->as_url; /* SOAP_AS_EWS */
	else
		text = field_text(&s->field, record);
	xml_leaf(w, "Value", NULL, 0, text);
}

static void
write_web_urls(struct xml_writer *w, const struct answer_web *web)
{
	xml_open(w, "WebClientUrls", NULL, 0);
	for (size_t i = 0; i < web->n_owa; i++) {
		const char *methods = web->owa[i].authentication_method;

		xml_open(w, "WebClientUrl", NULL, 0);
		xml_leaf(w, "AuthenticationMethods", NULL, 0, methods == NULL ? "" : methods);
		xml_leaf(w, "Url", NULL, 0, web->owa[i].url);
		xml_close(w, "WebClientUrl");
	}
	xml_close(w, "WebClientUrls");
}

static const char *
encryption_of(const struct answer_protocol *p)
{
	if (p->encryption != NULL)
		return p->encryption;
	return p->ssl == TRI_ON ? "SSL" : p->ssl == TRI_OFF ? "None" : "";
}

static void
write_connections(struct xml_writer *w, enum protocol_kind kind, const struct answer *a)
{
	xml_open(w, "ProtocolConnections", NULL, 0);
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];
		char port[24];

		if (!is_connection(p, kind))
			continue;
		(void)snprintf(port, sizeof(port), "%" PRId64, p->port);
		xml_open(w, "ProtocolConnection", NULL, 0);
		xml_leaf(w, "Hostname", NULL, 0, p->server);
		xml_leaf(w, "Port", NULL, 0, port);
		xml_leaf(w, "EncryptionMethod", NULL, 0, encryption_of(p));
		xml_close(w, "ProtocolConnection");
	}
	xml_close(w, "ProtocolConnections");
}

static void
write_mailboxes(struct xml_writer *w, const struct answer *a)
{
	xml_open(w, "AlternateMailboxes", NULL, 0);
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++) {
		xml_open(w, "AlternateMailbox", NULL, 0);
		elements_write(w, &pox_alternative_mailbox, &a->alternative_mailboxes[i], NULL);
		xml_close(w, "AlternateMailbox");
	}
	xml_close(w, "AlternateMailboxes");
}

/* The extensions stand in the midst of the others. */
static void
write_location(struct xml_writer *w, const struct answer_sharing_location *l)
{
	static const char *const words[] = { "false", "true" };
	const struct element_list *all = &soap_sharing_location;
	enum { BEFORE_EXTENSIONS = 3 };
	const struct element_list before = { all->name, all->rows, BEFORE_EXTENSIONS };
	const struct element_list behind = { all->name, all->rows + before.n, all->n - before.n };

	xml_open(w, all->name, NULL, 0);
	elements_write(w, &before, l, words);
	if (l->file_extensions.n > 0) {
		xml_open(w, "SupportedFileExtensions", NULL, 0);
		for (size_t i = 0; i < l->file_extensions.n; i++)
			xml_leaf(w, "FileExtension", NULL, 0, l->file_extensions.v[i]);
		xml_close(w, "SupportedFileExtensions");
	}
	elements_write(w, &behind, l, words);
	xml_close(w, all->name);
}

static void
write_locations(struct xml_writer *w, const struct answer *a)
{
	xml_open(w, "DocumentSharingLocations", NULL, 0);
	for (size_t i = 0; i < a->n_document_sharing_locations; i++)
		write_location(w, &a->document_sharing_locations[i]);
	xml_close(w, "DocumentSharingLocations");
}

static const char *
type_of(const struct soap_setting *s, bool of_domain)
{
	switch (s->shape) {
	case SOAP_AS_WEB_URLS:
		return "WebClientUrlCollectionSetting";
	case SOAP_AS_CONNECTIONS:
		return "ProtocolConnectionCollectionSetting";
	case SOAP_AS_MAILBOXES:
		return "AlternateMailboxCollectionSetting";
	case SOAP_AS_LOCATIONS:
		return "DocumentSharingLocationCollectionSetting";
	case SOAP_AS_TEXT:
	case SOAP_AS_ON_OFF:
	case SOAP_AS_EWS:
	case SOAP_AS_GAL_VIEW:
	case SOAP_AS_PAGE:
		break;
	}
	return of_domain ? "DomainStringSetting" : "StringSetting";
}

void
soap_setting_write(
    struct xml_writer *w, const struct soap_setting *s, bool of_domain, const struct answer *answer)
{
	const char *element = of_domain ? "DomainSetting" : "UserSetting";
	/* Without a prefix: some clients compare the text. */
	const struct xml_attribute type = { "i:type", type_of(s, of_domain) };
	const void *record = record_of(s, answer);

	xml_open(w, element, &type, 1);
	xml_leaf(w, "Name", NULL, 0, s->name);
	if (s->shape == SOAP_AS_WEB_URLS)
		write_web_urls(w, web_side(s, record));
	else if (s->shape == SOAP_AS_CONNECTIONS)
		write_connections(w, soap_kinds[s->place], answer);
	else if (s->shape == SOAP_AS_MAILBOXES)
		write_mailboxes(w, answer);
	else if (s->shape == SOAP_AS_LOCATIONS)
		write_locations(w, answer);
	else
		write_value(w, s, record);
	xml_close(w, element);
}
