/* soap_request.c - the question of SOAP Autodiscover, both ways ([MS-OXWSADISC] 3.1.4; soap.md
 * 3, 4.1, 6-8). */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "wire/elements.h"
#include "wire/soap_envelope.h"
#include "wire/soap_settings.h"

#define SOAP_12_NAMESPACE "http://www.w3.org/2003/05/soap-envelope"
#define LATEST_VERSION "Exchange2013_SP1" /* that servers of all years take */

enum { REQUEST_ELEMENTS = 4000 };

/* How each operation names those it asks about. */
static const struct {
	const char *name;
	const char *list, *item; /* list NULL: one item stands by itself */
	const char *leaf;	 /* inside item; NULL: the item's own text */
	bool has_settings;
} operations[SOAP_OPERATIONS] = {
	[SOAP_GET_USER_SETTINGS] = { "GetUserSettings", "Users", "User", "Mailbox", true },
	[SOAP_GET_DOMAIN_SETTINGS] = { "GetDomainSettings", "Domains", "Domain", NULL, true },
	[SOAP_GET_FEDERATION_INFORMATION] = { "GetFederationInformation", NULL, "Domain", NULL,
	    false },
	[SOAP_GET_ORGANIZATION_RELATIONSHIP_SETTINGS] = { "GetOrganizationRelationshipSettings",
	    "Domains", "Domain", NULL, false },
};

const char *
soap_operation_name(enum soap_operation operation)
{
	return operations[operation].name;
}

enum soap_operation
soap_operation_find(const char *name, const char *suffix)
{
	size_t n = strlen(name), end = strlen(suffix);
	int i = 0;

	if (n < end || strcmp(name + n - end, suffix) != 0)
		return SOAP_OPERATIONS;
	while (i < SOAP_OPERATIONS && !slice_is(slice_from(name, n - end), operations[i].name))
		i++;
	return (enum soap_operation)i;
}

const char *
soap_local_name(const char *name)
{
	const char *colon = name == NULL ? NULL : strrchr(name, ':');

	return colon == NULL ? name : colon + 1;
}

/* ---- writing ---- */

void
soap_write_action(struct xml_writer *w, enum soap_operation operation, const char *suffix)
{
	const struct xml_attribute must = { "s:mustUnderstand", "1" };
	char text[160];

	(void)snprintf(text, sizeof(text), "%s/Autodiscover/%s%s", SOAP_MESSAGES,
	    operations[operation].name, suffix);
	xml_leaf(w, "wsa:Action", &must, 1, text);
}

static void
write_header(struct xml_writer *w, const struct soap_request *r)
{
	xml_open(w, "s:Header", NULL, 0);
	if (operations[r->operation].has_settings)
		xml_leaf(w, "a:RequestedServerVersion", NULL, 0,
		    r->server_version == NULL ? LATEST_VERSION : r->server_version);
	soap_write_action(w, r->operation, "");
	if (r->to != NULL)
		xml_leaf(w, "wsa:To", NULL, 0, r->to);
	if (r->message_id != NULL)
		xml_leaf(w, "wsa:MessageID", NULL, 0, r->message_id);
	xml_close(w, "s:Header");
}

/* An element of the body: `a:` before its name. */
struct tag {
	char text[64];
};

static struct tag
tag(const char *name, const char *suffix)
{
	struct tag t;

	(void)snprintf(t.text, sizeof(t.text), "a:%s%s", name, suffix);
	return t;
}

static void
write_subjects(struct xml_writer *w, const struct soap_request *r)
{
	const char *list = operations[r->operation].list, *leaf = operations[r->operation].leaf;
	struct tag item = tag(operations[r->operation].item, "");

	if (list != NULL)
		xml_open(w, tag(list, "").text, NULL, 0);
	for (size_t i = 0; i < r->subjects.n; i++) {
		if (leaf != NULL)
			xml_open(w, item.text, NULL, 0);
		xml_leaf(
		    w, leaf == NULL ? item.text : tag(leaf, "").text, NULL, 0, r->subjects.v[i]);
		if (leaf != NULL)
			xml_close(w, item.text);
	}
	if (list != NULL)
		xml_close(w, tag(list, "").text);
}

static void
write_settings(struct xml_writer *w, const struct soap_request *r)
{
	xml_open(w, "a:RequestedSettings", NULL, 0);
	for (size_t i = 0; i < r->settings.n; i++)
		xml_leaf(w, "a:Setting", NULL, 0, r->settings.v[i]);
	if (r->settings.n == 0)
		soap_settings_write_names(w, "a:Setting");
	xml_close(w, "a:RequestedSettings");
}

void
soap_write_request(struct buf *out, const struct soap_request *request)
{
	const struct xml_attribute spaces[] = {
		{ "xmlns:s", SOAP_NAMESPACE },
		{ "xmlns:a", SOAP_MESSAGES },
		{ "xmlns:wsa", SOAP_ADDRESSING },
	};
	struct tag message = tag(operations[request->operation].name, "RequestMessage");
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "s:Envelope", spaces, COUNT_OF(spaces));
	write_header(&w, request);
	xml_open(&w, "s:Body", NULL, 0);
	xml_open(&w, message.text, NULL, 0);
	xml_open(&w, "a:Request", NULL, 0);
	write_subjects(&w, request);
	if (operations[request->operation].has_settings)
		write_settings(&w, request);
	xml_close(&w, "a:Request");
	xml_close(&w, message.text);
	xml_close(&w, "s:Body");
	xml_close(&w, "s:Envelope");
}

/* ---- reading ---- */

struct reading {
	struct arena *mem;
	struct soap_request *out;
	enum soap_fault *fault;
	struct usher_error *err;
};

#define FAULT(r, kind, ...) \
	(*(r)->fault = (kind), err_set((r)->err, USHER_E_INPUT, NULL, __VA_ARGS__))

/* Blocks whose meaning is known, so that they may say mustUnderstand. */
static bool
is_understood(const char *name)
{
	static const char *const names[] = { "RequestedServerVersion", "Action", "To", "MessageID",
		"ReplyTo", "From", "FaultTo", "RelatesTo", "BinarySecret" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static usher_status
read_header(struct reading *r, const struct xml_node *header)
{
	for (const struct xml_node *c = header->first; c != NULL; c = c->next) {
		const char *must = xml_attribute_value(c, "mustUnderstand");

		if (must != NULL && element_switch(must) == TRI_ON && !is_understood(c->name))
			return FAULT(r, SOAP_FAULT_MUST_UNDERSTAND,
			    "The header block %s is not understood.", c->name);
	}
	r->out->message_id = xml_child_text(header, "MessageID");
	r->out->to = xml_child_text(header, "To");
	r->out->server_version = xml_child_text(header, "RequestedServerVersion");
	return USHER_OK;
}

/* Clients may leave the action out, but one that is there must be the body's. */
static usher_status
check_action(struct reading *r, const struct xml_node *header)
{
	const char *action = xml_child_text(header, "Action");
	const char *slash = action == NULL ? NULL : strrchr(action, '/');

	if (action == NULL)
		return USHER_OK;
	if (strcmp(slash == NULL ? action : slash + 1, operations[r->out->operation].name) != 0)
		return FAULT(r, SOAP_FAULT_CLIENT,
		    "The Action contradicts the body, which asks for %s.",
		    operations[r->out->operation].name);
	return USHER_OK;
}

static bool
has(const char *const *v, size_t n, const char *text)
{
	while (n > 0 && strcmp(v[n - 1], text) != 0)
		n--;
	return n > 0;
}

/* The texts of all children called `item`, or of their child `leaf`; `once`: each text once. */
static bool
read_texts(struct arena *mem, const struct xml_node *list, const char *item, const char *leaf,
    bool once, struct text_list *out)
{
	size_t n = elements_count(list, item);
	const char **v = arena_array(mem, n, sizeof(*v));

	if (v == NULL)
		return false;
	n = 0;
	for (const struct xml_node *c = list->first; c != NULL; c = c->next) {
		const char *text = leaf == NULL ? c->text : xml_child_text(c, leaf);

		if (strcmp(c->name, item) != 0)
			continue;
		if (text == NULL)
			text = "";
		if (!once || !has(v, n, text))
			v[n++] = text;
	}
	*out = (struct text_list){ v, n };
	return true;
}

/* NULL: the request can be answered. */
static const char *
find_fault(struct reading *r, size_t n_settings)
{
	const struct soap_request *q = r->out;
	const char *item = operations[q->operation].leaf != NULL ? "users" : "domains";

	if (q->subjects.n == 0)
		return q->operation == SOAP_GET_USER_SETTINGS ? "No user is named." :
								"No domain is named.";
	if (q->subjects.n > SOAP_USERS_MAX)
		return arena_printf(
		    r->mem, "Number of %s exceeds the limit of %d.", item, SOAP_USERS_MAX);
	if (n_settings > SOAP_SETTINGS_MAX)
		return arena_printf(
		    r->mem, "Number of settings exceeds the limit of %d.", SOAP_SETTINGS_MAX);
	if (operations[q->operation].has_settings && q->settings.n == 0)
		return "No setting is asked for.";
	return NULL;
}

static usher_status
read_message(struct reading *r, const struct xml_node *message)
{
	static const struct xml_node nothing = { .name = "", .text = "" };
	const struct xml_node *request = xml_child(message, "Request"), *list, *settings;
	enum soap_operation operation = r->out->operation;
	size_t n_settings;

	if (request == NULL)
		request = &nothing;
	list = operations[operation].list == NULL ? request :
						    xml_child(request, operations[operation].list);
	settings = xml_child(request, "RequestedSettings");
	if (list == NULL)
		list = &nothing;
	if (settings == NULL)
		settings = &nothing;
	n_settings = elements_count(settings, "Setting");
	if (!read_texts(r->mem, list, operations[operation].item, operations[operation].leaf, false,
		&r->out->subjects))
		return err_nomem(r->err, "SOAP request");
	if (n_settings <= SOAP_SETTINGS_MAX &&
	    !read_texts(r->mem, settings, "Setting", NULL, true, &r->out->settings))
		return err_nomem(r->err, "SOAP request");
	r->out->invalid = find_fault(r, n_settings);
	return USHER_OK;
}

static usher_status
read_envelope(struct reading *r, const struct xml_node *root)
{
	const struct xml_node *header = xml_child(root, "Header"), *body = xml_child(root, "Body");
	usher_status st;

	if (strcmp(root->name, "Envelope") != 0)
		return FAULT(r, SOAP_FAULT_CLIENT, "The request is no SOAP envelope.");
	if (root->space == NULL || strcmp(root->space, SOAP_NAMESPACE) != 0)
		return FAULT(r, SOAP_FAULT_VERSION_MISMATCH, "Only SOAP 1.1 is spoken here%s.",
		    root->space != NULL && strcmp(root->space, SOAP_12_NAMESPACE) == 0 ?
			", not SOAP 1.2" :
			"");
	if (body == NULL || body->first == NULL)
		return FAULT(r, SOAP_FAULT_CLIENT, "The envelope has no body.");
	st = header == NULL ? USHER_OK : read_header(r, header);
	if (st != USHER_OK)
		return st;
	r->out->operation = soap_operation_find(body->first->name, "RequestMessage");
	if (r->out->operation == SOAP_OPERATIONS)
		return FAULT(
		    r, SOAP_FAULT_CLIENT, "The operation %s is not known.", body->first->name);
	st = header == NULL ? USHER_OK : check_action(r, header);
	return st == USHER_OK ? read_message(r, body->first) : st;
}

usher_status
soap_read_request(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct soap_request *out, enum soap_fault *fault, struct usher_error *err)
{
	const struct xml_limits limits = { SOAP_REQUEST_BYTES, REQUEST_ELEMENTS };
	struct soap_request request = { 0 };
	struct reading r = { mem, &request, fault, err };
	const struct xml_node *root;
	usher_status st;

	st = xml_read(reader, mem, xml, &limits, &root, err);
	if (st == USHER_E_NOMEM)
		return st;
	if (st == USHER_E_LIMIT)
		return FAULT(&r, SOAP_FAULT_CLIENT, "The request is too large.");
	if (st != USHER_OK)
		return FAULT(&r, SOAP_FAULT_CLIENT, "The request body is not well-formed XML.");
	st = read_envelope(&r, root);
	if (st == USHER_OK)
		*out = request;
	return st;
}
