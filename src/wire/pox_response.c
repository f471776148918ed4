/* pox_response.c - the response of POX, both ways ([MS-OXDSCLI] 2.2.4; pox.md 3-9). */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/pox.h"

#define GENERIC_NAMESPACE "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

enum { RESPONSE_ELEMENTS = 10 * 1000 };

/* An element that holds one value. Rows stand in the order in which they are written. */
struct element {
	struct field field; /* `name` is the element's */
	unsigned places;    /* bit per protocol kind that writes it here; 0: each does */
};

#define ELEMENT(of, element, member, value, top, places) \
	{ \
		{ .name = (element), \
			.type = (value), \
			.offset = offsetof(of, member), \
			.max = (top) }, \
		    (places) \
	}
#define BIT(kind) (1U << (kind))

#define TEXT(element, member) ELEMENT(struct answer_user, element, member, FIELD_TEXT, 0, 0)
static const struct element user_rows[] = {
	TEXT("DisplayName", display_name),
	TEXT("LegacyDN", legacy_dn),
	TEXT("AutoDiscoverSMTPAddress", autodiscover_smtp_address),
	TEXT("DefaultABView", default_ab_view),
	TEXT("DeploymentId", deployment_id),
};
#undef TEXT

/* Of Account, after Action and the target of a redirect. */
static const struct element account_rows[] = {
	ELEMENT(struct answer, "Image", image, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer, "ServiceHome", service_home, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer, "MicrosoftOnline", microsoft_online, FIELD_SWITCH, 0, 0),
	ELEMENT(struct answer, "ConsumerMailbox", consumer_mailbox, FIELD_SWITCH, 0, 0),
};

#define TEXT(element, member) \
	ELEMENT(struct answer_alternative_mailbox, element, member, FIELD_TEXT, 0, 0)
static const struct element alternative_rows[] = {
	TEXT("Type", type),
	TEXT("DisplayName", display_name),
	TEXT("LegacyDN", legacy_dn),
	TEXT("Server", server),
	TEXT("SmtpAddress", smtp_address),
	TEXT("OwnerSmtpAddress", owner_smtp_address),
};
#undef TEXT

static const struct element refusal_rows[] = {
	ELEMENT(struct answer_refusal, "ErrorCode", code, FIELD_NUMBER, UINT32_MAX, 0),
	ELEMENT(struct answer_refusal, "Message", message, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer_refusal, "DebugData", debug, FIELD_TEXT, 0, 0),
};

#define TEXT(element, member) ELEMENT(struct answer_protocol, element, member, FIELD_TEXT, 0, 0)
#define NUMBER(element, member, top) \
	ELEMENT(struct answer_protocol, element, member, FIELD_NUMBER, top, 0)
#define SWITCH(element, member, places) \
	ELEMENT(struct answer_protocol, element, member, FIELD_SWITCH, 0, places)
static const struct element protocol_rows[] = {
	NUMBER("TTL", ttl, INT32_MAX),
	TEXT("ExpirationDate", expiration_date),
	TEXT("Server", server),
	TEXT("ServerDN", server_dn),
	TEXT("ServerVersion", server_version),
	TEXT("MdbDN", mdb_dn),
	TEXT("PublicFolderServer", public_folder_server),
	TEXT("AD", ad),
	NUMBER("Port", port, UINT16_MAX),
	NUMBER("DirectoryPort", directory_port, UINT16_MAX),
	NUMBER("ReferralPort", referral_port, UINT16_MAX),
	TEXT("LoginName", login_name),
	SWITCH("DomainRequired", domain_required, 0),
	TEXT("DomainName", domain_name),
	SWITCH("SPA", spa, 0),
	SWITCH("SSL", ssl, 0),
	TEXT("Encryption", encryption),
	TEXT("AuthPackage", auth_package),
	SWITCH("ServerExclusiveConnect", server_exclusive_connect, BIT(PROTOCOL_EXPR)),
	TEXT("CertPrincipalName", cert_principal_name),
	TEXT("ASUrl", as_url),
	TEXT("EwsUrl", ews_url),
	TEXT("EmwsUrl", emws_url),
	TEXT("EwsPartnerUrl", ews_partner_url),
	TEXT("SharingUrl", sharing_url),
	TEXT("EcpUrl", ecp_url),
	TEXT("EcpUrl-um", ecp_url_um),
	TEXT("EcpUrl-aggr", ecp_url_aggr),
	TEXT("EcpUrl-mt", ecp_url_mt),
	TEXT("EcpUrl-ret", ecp_url_ret),
	TEXT("EcpUrl-sms", ecp_url_sms),
	TEXT("EcpUrl-publish", ecp_url_publish),
	TEXT("EcpUrl-photo", ecp_url_photo),
	TEXT("EcpUrl-connect", ecp_url_connect),
	TEXT("EcpUrl-tm", ecp_url_tm),
	TEXT("EcpUrl-tmCreating", ecp_url_tm_creating),
	TEXT("EcpUrl-tmEditing", ecp_url_tm_editing),
	TEXT("EcpUrl-tmHiding", ecp_url_tm_hiding),
	TEXT("EcpUrl-extinstall", ecp_url_extinstall),
	TEXT("SiteMailboxCreationURL", site_mailbox_creation_url),
	TEXT("OOFUrl", oof_url),
	TEXT("UMUrl", um_url),
	TEXT("OABUrl", oab_url),
	TEXT("ExchangeRpcUrl", exchange_rpc_url),
	TEXT("GroupingInformation", grouping_information),
	SWITCH("ServerExclusiveConnect", server_exclusive_connect, ~BIT(PROTOCOL_EXPR)),
	SWITCH("AuthRequired", auth_required, 0),
	SWITCH("UsePOPAuth", use_pop_auth, 0),
	SWITCH("SMTPLast", smtp_last, 0),
};

static const struct element network_rows[] = {
	TEXT("IPv4Start", ipv4_start),
	TEXT("IPv4End", ipv4_end),
	TEXT("IPv6Start", ipv6_start),
	TEXT("IPv6End", ipv6_end),
};

static const struct element mail_store_rows[] = {
	TEXT("InternalUrl", mail_store_internal_url),
	TEXT("ExternalUrl", mail_store_external_url),
};

static const struct element address_book_rows[] = {
	TEXT("InternalUrl", address_book_internal_url),
	TEXT("ExternalUrl", address_book_external_url),
};
#undef TEXT
#undef NUMBER
#undef SWITCH

/* Elements of Protocol that hold elements. */
static const struct block {
	const char *name;
	const struct element *rows;
	size_t n;
} protocol_blocks[] = {
	{ "NetworkRequirements", network_rows, COUNT_OF(network_rows) },
	{ "MailStore", mail_store_rows, COUNT_OF(mail_store_rows) },
	{ "AddressBook", address_book_rows, COUNT_OF(address_book_rows) },
};

static const struct {
	const char *name;
	enum answer_kind kind;
	const char *target; /* element with the target of a redirect */
} actions[] = {
	{ "settings", ANSWER_SETTINGS, NULL },
	{ "redirectAddr", ANSWER_REDIRECT_ADDRESS, "RedirectAddr" },
	{ "redirectUrl", ANSWER_REDIRECT_URL, "RedirectUrl" },
};

/* ---- reading ---- */

/* NULL for an empty text: members are absent then, never "". */
static const char *
text_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : text;
}

static const char *
child_text(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = xml_child(node, name);

	return child == NULL ? NULL : text_or_null(child->text);
}

static enum tri
switch_of(const char *text)
{
	struct slice s = slice_of(text);

	if (slice_is_nocase(s, "on") || slice_is_nocase(s, "true"))
		return TRI_ON;
	if (slice_is_nocase(s, "off") || slice_is_nocase(s, "false"))
		return TRI_OFF;
	return TRI_ABSENT;
}

/* The first of several elements of one name counts. A value that makes no sense is as good as
 * none: a server's slip in one setting must not cost the user all the others. */
static void
read_value(const struct field *f, void *record, const char *text)
{
	uint64_t number;

	if (text[0] == '\0' || !field_absent(f, record))
		return;
	if (f->type == FIELD_TEXT)
		field_set_text(f, record, text);
	else if (f->type == FIELD_SWITCH)
		field_set_switch(f, record, switch_of(text));
	else if (text_number(slice_of(text), 0, (uint64_t)f->max, &number))
		field_set_number(f, record, (int64_t)number);
}

static void
read_elements(const struct xml_node *node, const struct element *rows, size_t n, void *record)
{
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		for (size_t i = 0; i < n; i++) {
			if (strcmp(c->name, rows[i].field.name) != 0)
				continue;
			read_value(&rows[i].field, record, c->text);
			break;
		}
	}
}

static size_t
count_children(const struct xml_node *node, const char *name)
{
	size_t n = 0;

	for (const struct xml_node *c = node->first; c != NULL; c = c->next)
		n += strcmp(c->name, name) == 0;
	return n;
}

static usher_status
read_web(
    struct arena *mem, const struct xml_node *node, struct answer_web *out, struct usher_error *err)
{
	const struct xml_node *protocol = xml_child(node, "Protocol");
	struct answer_owa_url *owa;
	size_t n = 0;

	owa = arena_array(mem, count_children(node, "OWAUrl"), sizeof(*owa));
	if (owa == NULL)
		return err_nomem(err, "Autodiscover response");
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		if (strcmp(c->name, "OWAUrl") != 0 || c->text[0] == '\0')
			continue;
		owa[n++] = (struct answer_owa_url){ c->text,
			text_or_null(xml_attribute_value(c, "AuthenticationMethod")) };
	}
	*out = (struct answer_web){ .owa = owa, .n_owa = n };
	if (protocol != NULL) {
		out->protocol_type = child_text(protocol, "Type");
		out->as_url = child_text(protocol, "ASUrl");
	}
	return USHER_OK;
}

static enum protocol_kind
kind_of(const char *name)
{
	for (int kind = PROTOCOL_EXCH; kind <= PROTOCOL_NNTP; kind++)
		if (slice_is_nocase(slice_of(name), protocol_kind_name((enum protocol_kind)kind)))
			return (enum protocol_kind)kind;
	return PROTOCOL_UNKNOWN;
}

/* MAPI over HTTP is named by an attribute, all others by a Type element; with the element Outlook
 * takes it for unavailable (pox.md 4), so we do not take it for mapiHttp either. */
static void
read_kind(const struct xml_node *node, struct answer_protocol *out)
{
	const char *element = child_text(node, "Type");
	const char *attribute = text_or_null(xml_attribute_value(node, "Type"));
	const char *name = element != NULL ? element : attribute;
	const char *version = xml_attribute_value(node, "Version");
	enum protocol_kind kind = name == NULL ? PROTOCOL_UNKNOWN : kind_of(name);
	uint64_t number;

	if (element != NULL && kind == PROTOCOL_MAPI_HTTP)
		kind = PROTOCOL_UNKNOWN;
	answer_protocol_init(out, kind);
	if (kind == PROTOCOL_UNKNOWN)
		out->type = name;
	if (kind == PROTOCOL_MAPI_HTTP && version != NULL &&
	    text_number(slice_of(version), 0, INT32_MAX, &number))
		out->version = (int64_t)number;
}

static usher_status
read_protocol(struct arena *mem, const struct xml_node *node, struct answer_protocol *out,
    struct usher_error *err)
{
	const struct xml_node *internal = xml_child(node, "Internal");
	const struct xml_node *external = xml_child(node, "External");
	usher_status st = USHER_OK;

	read_kind(node, out);
	read_elements(node, protocol_rows, COUNT_OF(protocol_rows), out);
	for (size_t i = 0; i < COUNT_OF(protocol_blocks); i++) {
		const struct block *b = &protocol_blocks[i];
		const struct xml_node *child = xml_child(node, b->name);

		if (child != NULL)
			read_elements(child, b->rows, b->n, out);
	}
	if (out->kind == PROTOCOL_WEB && internal != NULL)
		st = read_web(mem, internal, &out->internal, err);
	if (st == USHER_OK && out->kind == PROTOCOL_WEB && external != NULL)
		st = read_web(mem, external, &out->external, err);
	return st;
}

/* Only direct children of Account are walked: WEB blocks have Protocols of their own inside. */
static usher_status
read_protocols(
    struct arena *mem, const struct xml_node *account, struct answer *out, struct usher_error *err)
{
	size_t n = count_children(account, "Protocol");
	struct answer_protocol *to;
	usher_status st;

	if (n > POX_MAX_PROTOCOLS)
		return err_set(err, USHER_E_LIMIT, NULL,
		    "the response has %zu protocols, more than the %d allowed", n,
		    POX_MAX_PROTOCOLS);
	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "Autodiscover response");
	out->protocols = to;
	out->n_protocols = n;
	for (const struct xml_node *c = account->first; c != NULL; c = c->next) {
		if (strcmp(c->name, "Protocol") != 0)
			continue;
		st = read_protocol(mem, c, to++, err);
		if (st != USHER_OK)
			return st;
	}
	return USHER_OK;
}

static usher_status
read_alternatives(
    struct arena *mem, const struct xml_node *account, struct answer *out, struct usher_error *err)
{
	size_t n = count_children(account, "AlternativeMailbox");
	struct answer_alternative_mailbox *to;

	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "Autodiscover response");
	out->alternative_mailboxes = to;
	out->n_alternative_mailboxes = n;
	for (const struct xml_node *c = account->first; c != NULL; c = c->next)
		if (strcmp(c->name, "AlternativeMailbox") == 0)
			read_elements(c, alternative_rows, COUNT_OF(alternative_rows), to++);
	return USHER_OK;
}

static usher_status
read_settings(struct arena *mem, const struct xml_node *response, const struct xml_node *account,
    struct answer *out, struct usher_error *err)
{
	const struct xml_node *user = xml_child(response, "User");
	const struct xml_node *folders = xml_child(account, "PublicFolderInformation");
	usher_status st;

	if (user != NULL)
		read_elements(user, user_rows, COUNT_OF(user_rows), &out->user);
	read_elements(account, account_rows, COUNT_OF(account_rows), out);
	if (folders != NULL)
		out->public_folder_smtp_address = child_text(folders, "SmtpAddress");
	st = read_alternatives(mem, account, out, err);
	if (st == USHER_OK)
		st = read_protocols(mem, account, out, err);
	return st;
}

static usher_status
read_account(struct arena *mem, const struct xml_node *response, const struct xml_node *account,
    struct answer *out, struct usher_error *err)
{
	const char *action = child_text(account, "Action");
	size_t i = 0;

	while (i < COUNT_OF(actions) && !slice_is_nocase(slice_of(action), actions[i].name))
		i++;
	if (i == COUNT_OF(actions))
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: the response's Action is %s",
		    account->line, action == NULL ? "missing" : action);
	answer_init(out, actions[i].kind);
	out->account_type = child_text(account, "AccountType");
	if (actions[i].target == NULL)
		return read_settings(mem, response, account, out, err);
	out->redirect = child_text(account, actions[i].target);
	if (out->redirect == NULL)
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: the response has no %s",
		    account->line, actions[i].target);
	return USHER_OK;
}

static void
read_refusal(const struct xml_node *error, struct answer *out)
{
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = NUMBER_ABSENT;
	read_elements(error, refusal_rows, COUNT_OF(refusal_rows), &out->refusal);
	if (out->refusal.code == NUMBER_ABSENT)
		out->refusal.code = REFUSAL_SERVER_ERROR;
	out->refusal.time = text_or_null(xml_attribute_value(error, "Time"));
	out->refusal.id = text_or_null(xml_attribute_value(error, "Id"));
}

static usher_status
read_root(
    struct arena *mem, const struct xml_node *root, struct answer *out, struct usher_error *err)
{
	const struct xml_node *response = xml_child(root, "Response");
	const struct xml_node *account, *error;

	if (strcmp(root->name, "Autodiscover") != 0 || response == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "the document with root %s is no Autodiscover response", root->name);
	account = xml_child(response, "Account");
	error = xml_child(response, "Error");
	if (error == NULL && account != NULL)
		error = xml_child(account, "Error"); /* where older pages show it */
	if (error != NULL) {
		read_refusal(error, out);
		return USHER_OK;
	}
	if (account == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "XML line %zu: the response has neither Account nor Error", response->line);
	return read_account(mem, response, account, out, err);
}

usher_status
pox_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err)
{
	const struct xml_limits limits = { POX_RESPONSE_BYTES, RESPONSE_ELEMENTS };
	const struct xml_node *root;
	struct answer answer;
	usher_status st;

	st = xml_read(reader, mem, xml, &limits, &root, err);
	if (st == USHER_E_INPUT) {
		st = USHER_E_PEER;
		if (err != NULL)
			err->status = st;
	}
	if (st == USHER_OK)
		st = read_root(mem, root, &answer, err);
	if (st == USHER_OK)
		*out = answer;
	return st;
}

/* ---- writing ---- */

/* How `off` and `on` are spelled: Exchange writes its blocks and those of internet mail apart. */
static const char *const exchange_words[] = { "Off", "On" };
static const char *const mail_words[] = { "off", "on" };
static const char *const account_words[] = { "False", "True" };

static void
write_elements(struct xml_writer *w, const struct element *rows, size_t n, const void *record,
    unsigned place, const char *const words[2])
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &rows[i].field;
		char number[24];
		const char *text = number;

		if (field_absent(f, record) ||
		    (rows[i].places != 0 && (rows[i].places & place) == 0))
			continue;
		if (f->type == FIELD_TEXT)
			text = field_text(f, record);
		else if (f->type == FIELD_SWITCH)
			text = words[field_switch(f, record) == TRI_ON];
		else
			(void)snprintf(number, sizeof(number), "%" PRId64, field_number(f, record));
		xml_leaf(w, f->name, NULL, 0, text);
	}
}

/* True when one of the rows holds a value. */
static bool
any_present(const struct element *rows, size_t n, const void *record)
{
	while (n > 0 && field_absent(&rows[n - 1].field, record))
		n--;
	return n > 0;
}

static void
write_web(struct xml_writer *w, const char *name, const struct answer_web *side)
{
	if (side->n_owa == 0 && side->protocol_type == NULL && side->as_url == NULL)
		return;
	xml_open(w, name, NULL, 0);
	for (size_t i = 0; i < side->n_owa; i++) {
		const struct answer_owa_url *owa = &side->owa[i];
		const struct xml_attribute method = { "AuthenticationMethod",
			owa->authentication_method };

		xml_leaf(w, "OWAUrl", &method, owa->authentication_method != NULL, owa->url);
	}
	if (side->protocol_type != NULL || side->as_url != NULL) {
		xml_open(w, "Protocol", NULL, 0);
		if (side->protocol_type != NULL)
			xml_leaf(w, "Type", NULL, 0, side->protocol_type);
		if (side->as_url != NULL)
			xml_leaf(w, "ASUrl", NULL, 0, side->as_url);
		xml_close(w, "Protocol");
	}
	xml_close(w, name);
}

static void
open_protocol(struct xml_writer *w, const struct answer_protocol *p)
{
	const char *name = protocol_kind_name((enum protocol_kind)p->kind);
	char version[24];

	if (p->kind == PROTOCOL_MAPI_HTTP) {
		const struct xml_attribute attributes[] = { { "Type", name },
			{ "Version", version } };

		(void)snprintf(version, sizeof(version), "%" PRId64, p->version);
		xml_open(w, "Protocol", attributes, p->version == NUMBER_ABSENT ? 1 : 2);
	} else {
		xml_open(w, "Protocol", NULL, 0);
		xml_leaf(w, "Type", NULL, 0, name);
	}
}

static void
write_protocol(struct xml_writer *w, const struct answer_protocol *p)
{
	const char *const *words = p->kind < PROTOCOL_POP3 ? exchange_words : mail_words;

	open_protocol(w, p);
	write_elements(w, protocol_rows, COUNT_OF(protocol_rows), p, BIT(p->kind), words);
	for (size_t i = 0; i < COUNT_OF(protocol_blocks); i++) {
		const struct block *b = &protocol_blocks[i];

		if (!any_present(b->rows, b->n, p))
			continue;
		xml_open(w, b->name, NULL, 0);
		write_elements(w, b->rows, b->n, p, BIT(p->kind), words);
		xml_close(w, b->name);
	}
	if (p->kind == PROTOCOL_WEB) {
		write_web(w, "Internal", &p->internal);
		write_web(w, "External", &p->external);
	}
	xml_close(w, "Protocol");
}

static void
write_settings(struct xml_writer *w, const struct answer *a)
{
	write_elements(w, account_rows, COUNT_OF(account_rows), a, 0, account_words);
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++) {
		xml_open(w, "AlternativeMailbox", NULL, 0);
		write_elements(w, alternative_rows, COUNT_OF(alternative_rows),
		    &a->alternative_mailboxes[i], 0, account_words);
		xml_close(w, "AlternativeMailbox");
	}
	for (size_t i = 0; i < a->n_protocols; i++)
		if (a->protocols[i].kind != PROTOCOL_UNKNOWN)
			write_protocol(w, &a->protocols[i]);
	if (a->public_folder_smtp_address != NULL) {
		xml_open(w, "PublicFolderInformation", NULL, 0);
		xml_leaf(w, "SmtpAddress", NULL, 0, a->public_folder_smtp_address);
		xml_close(w, "PublicFolderInformation");
	}
}

static void
write_account(struct xml_writer *w, const struct answer *a)
{
	size_t i = 0;

	while (actions[i].kind != a->kind)
		i++;
	xml_open(w, "Account", NULL, 0);
	if (a->account_type != NULL)
		xml_leaf(w, "AccountType", NULL, 0, a->account_type);
	xml_leaf(w, "Action", NULL, 0, actions[i].name);
	if (a->kind == ANSWER_SETTINGS)
		write_settings(w, a);
	else
		xml_leaf(w, actions[i].target, NULL, 0, a->redirect);
	xml_close(w, "Account");
}

static void
write_refusal(struct xml_writer *w, const struct answer_refusal *r)
{
	struct xml_attribute attributes[2];
	char code[24];
	size_t n = 0;

	if (r->time != NULL)
		attributes[n++] = (struct xml_attribute){ "Time", r->time };
	if (r->id != NULL)
		attributes[n++] = (struct xml_attribute){ "Id", r->id };
	(void)snprintf(code, sizeof(code), "%" PRId64, r->code);
	xml_open(w, "Error", attributes, n);
	xml_leaf(w, "ErrorCode", NULL, 0, code);
	xml_leaf(w, "Message", NULL, 0, r->message == NULL ? "" : r->message);
	xml_leaf(w, "DebugData", NULL, 0, r->debug == NULL ? "" : r->debug);
	xml_close(w, "Error");
}

/* The provider says these; any other error is the framework's and stays in its namespace. */
static bool
from_provider(const struct answer *a)
{
	return a->kind != ANSWER_REFUSAL || a->refusal.code == REFUSAL_NOT_FOUND ||
	       a->refusal.code == REFUSAL_NO_OPTIONS ||
	       a->refusal.code == REFUSAL_BROKEN_CONFIGURATION;
}

void
pox_write_response(struct buf *out, const struct answer *a)
{
	const struct xml_attribute generic = { "xmlns", GENERIC_NAMESPACE };
	const struct xml_attribute outlook = { "xmlns", POX_SCHEMA_OUTLOOK };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "Autodiscover", &generic, 1);
	xml_open(&w, "Response", &outlook, from_provider(a));
	if (a->kind == ANSWER_REFUSAL) {
		write_refusal(&w, &a->refusal);
	} else {
		if (a->kind == ANSWER_SETTINGS) {
			xml_open(&w, "User", NULL, 0);
			write_elements(
			    &w, user_rows, COUNT_OF(user_rows), &a->user, 0, account_words);
			xml_close(&w, "User");
		}
		write_account(&w, a);
	}
	xml_close(&w, "Response");
	xml_close(&w, "Autodiscover");
}
