/* plist.c - property lists as XML. */
#include "wire/plist.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/encode.h"

struct xml_writer
plist_begin(struct buf *out)
{
	static const struct xml_attribute version = { "version", "1.0" };
	struct xml_writer w = xml_writer_on(out);

	buf_text(out, "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n");
	xml_open(&w, "plist", &version, 1);
	return w;
}

void
plist_end(struct xml_writer *w)
{
	xml_close(w, "plist");
}

static void
open_value(struct xml_writer *w, const char *key, const char *type)
{
	if (key != NULL)
		xml_leaf(w, "key", NULL, 0, key);
	xml_open(w, type, NULL, 0);
}

void
plist_open_dict(struct xml_writer *w, const char *key)
{
	open_value(w, key, "dict");
}

void
plist_close_dict(struct xml_writer *w)
{
	xml_close(w, "dict");
}

void
plist_open_array(struct xml_writer *w, const char *key)
{
	open_value(w, key, "array");
}

void
plist_close_array(struct xml_writer *w)
{
	xml_close(w, "array");
}

static void
put(struct xml_writer *w, const char *key, const char *type, const char *text)
{
	xml_leaf(w, "key", NULL, 0, key);
	xml_leaf(w, type, NULL, 0, text);
}

void
plist_text(struct xml_writer *w, const char *key, const char *text)
{
	if (text != NULL)
		put(w, key, "string", text);
}

void
plist_integer(struct xml_writer *w, const char *key, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%" PRId64, number);
	put(w, key, "integer", digits);
}

void
plist_data(struct xml_writer *w, const char *key, struct slice bytes)
{
	CLEANUP(buf_cleanup) struct buf text = { .max = w->out->max };

	base64_encode(&text, bytes.p, bytes.n);
	put(w, key, "data", buf_cstr(&text));
	if (text.status != USHER_OK)
		w->out->status = text.status;
}

void
plist_switch(struct xml_writer *w, const char *key, bool on)
{
	put(w, key, on ? "true" : "false", "");
}

void
plist_payload(struct xml_writer *w, const char *type, const char *identifier, const char *space,
    const char *uuid_name, const char *title)
{
	char uuid[GUID_TEXT_BYTES];

	if (!guid_of_name(space, slice_of(uuid_name), uuid)) {
		w->out->status = USHER_E_NOMEM;
		return;
	}
	for (char *p = uuid; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	plist_text(w, "PayloadType", type);
	plist_integer(w, "PayloadVersion", 1);
	plist_text(w, "PayloadIdentifier", identifier);
	plist_text(w, "PayloadUUID", uuid);
	plist_text(w, "PayloadDisplayName", title);
}
