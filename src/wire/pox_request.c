/* pox_request.c - the request of POX, both ways ([MS-OXDSCLI] 2.2.4.1.1.1; pox.md 2). */
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "wire/pox.h"

#define REQUEST_NAMESPACE \
	"http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"

enum { REQUEST_ELEMENTS = 256, IDENTITY_BYTES = LEGACY_DN_MAX_BYTES };

static const struct {
	const char *text;
	enum answer_schema schema;
} schemas[] = {
	{ POX_SCHEMA_OUTLOOK, SCHEMA_OUTLOOK },
	{ POX_SCHEMA_MOBILESYNC, SCHEMA_MOBILESYNC },
};

static enum answer_schema
schema_of(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(schemas); i++)
		if (slice_is_nocase(slice_of(text), schemas[i].text))
			return schemas[i].schema;
	return SCHEMA_UNKNOWN;
}

/* NULL: there is not exactly one; err says so. */
static const struct xml_node *
find_request(const struct xml_node *root, struct usher_error *err)
{
	const struct xml_node *found = NULL;

	if (strcmp(root->name, "Autodiscover") != 0) {
		(void)err_set(err, USHER_E_INPUT, NULL,
		    "XML line %zu: the root is %s, not Autodiscover", root->line, root->name);
		return NULL;
	}
	for (const struct xml_node *c = root->first; c != NULL; c = c->next) {
		if (strcmp(c->name, "Request") != 0)
			continue;
		if (found != NULL) {
			(void)err_set(
			    err, USHER_E_INPUT, NULL, "XML line %zu: a second Request", c->line);
			return NULL;
		}
		found = c;
	}
	if (found == NULL)
		(void)err_set(err, USHER_E_INPUT, NULL, "XML line %zu: Autodiscover has no Request",
		    root->line);
	return found;
}

static usher_status
check_identity(const char *name, const char *text, struct usher_error *err)
{
	if (text != NULL && strlen(text) > IDENTITY_BYTES)
		return err_set(
		    err, USHER_E_INPUT, NULL, "%s is longer than %d bytes", name, IDENTITY_BYTES);
	return USHER_OK;
}

static usher_status
read_fields(const struct xml_node *request, struct question *out, struct usher_error *err)
{
	const char *address = xml_child_text(request, "EMailAddress");
	const char *legacy_dn = xml_child_text(request, "LegacyDN");
	const char *schema = xml_child_text(request, "AcceptableResponseSchema");
	usher_status st;

	if (address == NULL && legacy_dn == NULL)
		return err_set(err, USHER_E_INPUT, NULL,
		    "XML line %zu: Request has neither EMailAddress nor LegacyDN", request->line);
	if (schema == NULL)
		return err_set(err, USHER_E_INPUT, NULL,
		    "XML line %zu: Request has no AcceptableResponseSchema", request->line);
	st = check_identity("EMailAddress", address, err);
	if (st == USHER_OK)
		st = check_identity("LegacyDN", legacy_dn, err);
	if (st != USHER_OK)
		return st;
	out->language = LANGUAGE_POX;
	out->schema = schema_of(schema);
	out->address = address;
	out->legacy_dn = legacy_dn;
	out->schema_text = schema;
	return USHER_OK;
}

usher_status
pox_read_request(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct question *out, struct usher_error *err)
{
	const struct xml_limits limits = { POX_REQUEST_BYTES, REQUEST_ELEMENTS };
	const struct xml_node *root, *request;
	usher_status st;

	st = xml_read(reader, mem, xml, &limits, &root, err);
	if (st == USHER_E_LIMIT) {
		st = USHER_E_INPUT; /* to the asker it is an invalid request all the same */
		if (err != NULL)
			err->status = st;
	}
	if (st != USHER_OK)
		return st;
	request = find_request(root, err);
	return request == NULL ? USHER_E_INPUT : read_fields(request, out, err);
}

void
pox_write_request(struct buf *out, const struct question *question)
{
	const struct xml_attribute space = { "xmlns", REQUEST_NAMESPACE };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "Autodiscover", &space, 1);
	xml_open(&w, "Request", NULL, 0);
	if (question->address != NULL)
		xml_leaf(&w, "EMailAddress", NULL, 0, question->address);
	if (question->legacy_dn != NULL)
		xml_leaf(&w, "LegacyDN", NULL, 0, question->legacy_dn);
	xml_leaf(&w, "AcceptableResponseSchema", NULL, 0, POX_SCHEMA_OUTLOOK);
	xml_close(&w, "Request");
	xml_close(&w, "Autodiscover");
}
