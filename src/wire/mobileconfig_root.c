/* mobileconfig_root.c - the root of a private authority as a configuration profile. */
#include "base/digest.h"
#include "wire/mobileconfig.h"
#include "wire/plist.h"

enum { TEXT_BYTES = 1024 };

static void
put_payloads(struct xml_writer *w, const char *space, const char *name, const char *identifier,
    struct slice der)
{
	plist_open_array(w, "PayloadContent");
	plist_open_dict(w, NULL);
	plist_payload(w, "com.apple.security.root", identifier, space, "root:", name);
	plist_text(w, "PayloadCertificateFileName", "root.cer");
	plist_data(w, "PayloadContent", der);
	plist_close_dict(w);
	plist_close_array(w);
}

void
mobileconfig_write_root(struct buf *out, const char *name, const char *sha256, struct slice der)
{
	CLEANUP(buf_cleanup) struct buf whole = { .max = TEXT_BYTES };
	CLEANUP(buf_cleanup) struct buf part = { .max = TEXT_BYTES };
	CLEANUP(buf_cleanup) struct buf about = { .max = TEXT_BYTES };
	char space[GUID_TEXT_BYTES];
	struct xml_writer w;

	/* All of it is of the root alone: whoever hands it out, the same profile takes the place of
	 * the one before. */
	buf_printf(&whole, "usher.root.%s", sha256);
	buf_printf(&part, "usher.root.%s.root", sha256);
	buf_printf(&about, "Lets this device trust servers that %s vouches for. SHA-256: ", name);
	fingerprint_put(&about, sha256);
	if (whole.status != USHER_OK || part.status != USHER_OK || about.status != USHER_OK ||
	    !guid_of_name(GUID_SPACE_DNS, slice_of(sha256), space)) {
		out->status = USHER_E_NOMEM;
		return;
	}
	w = plist_begin(out);
	plist_open_dict(&w, NULL);
	plist_payload(&w, "Configuration", buf_cstr(&whole), space, "profile:", name);
	plist_text(&w, "PayloadDescription", buf_cstr(&about));
	plist_text(&w, "PayloadOrganization", name);
	plist_switch(&w, "PayloadRemovalDisallowed", false);
	put_payloads(&w, space, name, buf_cstr(&part), der);
	plist_close_dict(&w);
	plist_end(&w);
}
