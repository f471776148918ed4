/* ldap_connect.c - links as the settings of a directory want them, and where things lie there. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap.h"
#include "ldap/servers.h"

enum { CONNECT_BYTES = 64 * 1024 };

#define CAPABILITY_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800" /* [MS-ADTS] 3.1.1.3.4.3.1 */
#define EXTENSION_TRANSACTION "1.3.6.1.1.21.1"		     /* RFC 5805 */

/* ---- connecting ---- */

static usher_status
read_password(const char *path, struct secret *out, struct usher_error *err)
{
	char line[SECRET_MAX_BYTES + 2] = "";
	FILE *file = fopen(path, "re");
	bool ok = file != NULL && fgets(line, sizeof(line), file) != NULL &&
		  secret_set(out, slice_from(line, strcspn(line, "\r\n"))) && out->n > 0;

	explicit_bzero(line, sizeof(line));
	if (file == NULL)
		return err_set(err, USHER_E_PERMISSION, path,
		    "cannot be read; it is to hold the password of the directory's login");
	(void)fclose(file);
	return ok ? USHER_OK :
		    err_set(err, USHER_E_INPUT, path, "has no password in its first line");
}

usher_status
ldap_dir_options(const struct dir_settings *settings, struct secret *password,
    struct link_options *out, struct usher_error *err)
{
	struct link_options options = { .start_tls = settings->start_tls,
		.ca_file = settings->ca_file,
		.user = settings->login,
		.password = password };
	usher_status st = USHER_OK;

	if (settings->keytab != NULL) {
		options.login = LINK_GSSAPI;
		options.keytab = settings->keytab;
	} else if (settings->login != NULL) {
		options.login = LINK_SIMPLE;
		st = settings->password_file == NULL ?
			 err_set(err, USHER_E_USAGE, settings->login,
			     "the login of the directory needs a password_file or a keytab in "
			     "section [directory]") :
			 read_password(settings->password_file, password, err);
	}
	if (st == USHER_OK)
		*out = options;
	return st;
}

const char *
ldap_dir_domain(struct arena *mem, const char *base)
{
	const char *uri = base == NULL ? NULL : arena_join(mem, "ldap:///", base);
	struct ldap_place place;

	return uri != NULL && ldap_place_read(mem, slice_of(uri), &place) == USHER_OK ?
		   place.domain :
		   NULL;
}

static usher_status
try_servers(const struct ldap_servers *servers, const struct link_options *options,
    struct ldap_link **out, struct usher_error *err)
{
	usher_status st = USHER_E_NETWORK;

	for (size_t i = 0; i < servers->n; i++) {
		struct link_options one = ldap_server_options(options, servers->uris[i]);

		st = ldap_link_open(&one, out, err);
		if (st != USHER_E_NETWORK && st != USHER_E_TIMEOUT)
			return st;
	}
	return st;
}

static usher_status
find_and_try(const char *uri, const char *base, const struct link_options *options,
    struct ldap_link **out, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CONNECT_BYTES);
	struct ldap_servers servers;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, uri);
	st = ldap_servers_find(uri, ldap_dir_domain(mem, base), mem, &servers, err);
	return st == USHER_OK ? try_servers(&servers, options, out, err) : st;
}

usher_status
ldap_dir_connect(const char *uri, const struct dir_settings *settings, struct ldap_link **out,
    struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct link_options options;
	usher_status st = ldap_dir_options(settings, &password, &options, err);

	return st == USHER_OK ? find_and_try(uri, settings->base, &options, out, err) : st;
}

usher_status
ldap_dir_reach(const char *uri, const struct dir_settings *settings, struct ldap_link **out,
    struct usher_error *err)
{
	const struct link_options options = { .start_tls = settings->start_tls,
		.ca_file = settings->ca_file,
		.login = LINK_LATER,
		.timeout_ms = settings->timeout_ms };

	return find_and_try(uri, settings->base, &options, out, err);
}

/* ---- where things lie ---- */

static bool
offers(const struct ldap_entry *root, const char *name, const char *oid)
{
	const struct ldap_attribute *a = ldap_attribute_of(root, name);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (slice_is(a->values[i], oid))
			return true;
	return false;
}

/* What the settings do not say is where each kind of directory usually has it. */
static usher_status
settle(const struct dir_settings *settings, struct arena *mem, const char *configuration,
    struct ldap_layout *p, struct usher_error *err)
{
	const char **base = arena_array(mem, 1, sizeof(*base));

	if (base == NULL)
		return err_nomem(err, p->base);
	*base = p->base;
	p->people = settings->people.n > 0 ? settings->people : (struct text_list){ base, 1 };
	p->container = settings->container != NULL ?
			   settings->container :
		       p->active_directory && configuration != NULL ?
			   arena_join(mem, "CN=usher,CN=Services,", configuration) :
			   arena_join(mem, "cn=usher,", p->base);
	return p->container == NULL ? err_nomem(err, p->base) : USHER_OK;
}

usher_status
ldap_layout_find(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct ldap_layout *out, struct usher_error *err)
{
	static const char *const wanted[] = { "defaultNamingContext", "namingContexts",
		"configurationNamingContext", "supportedCapabilities", "supportedExtension", NULL };
	struct ldap_layout layout = { .base = settings->base };
	struct ldap_entry root;
	usher_status st = ldap_link_read(link, mem, "", wanted, &root, err);

	if (st != USHER_OK)
		return st;
	for (size_t i = 0; layout.base == NULL && i < 2; i++)
		layout.base = ldap_text_of(mem, &root, wanted[i]);
	if (layout.base == NULL)
		return err_set(err, USHER_E_USAGE, ldap_link_uri(link),
		    "does not say where its entries are; say so with base in section [directory]");
	layout.active_directory =
	    settings->kind == DIR_KIND_AUTO ?
		offers(&root, "supportedCapabilities", CAPABILITY_ACTIVE_DIRECTORY) :
		settings->kind != DIR_KIND_OPENLDAP;
	layout.transactions =
	    settings->transactions && offers(&root, "supportedExtension", EXTENSION_TRANSACTION);
	st = settle(
	    settings, mem, ldap_text_of(mem, &root, "configurationNamingContext"), &layout, err);
	if (st == USHER_OK)
		*out = layout;
	return st;
}
