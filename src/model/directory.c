/* directory.c - the keys of section `[directory]`. */
#include "model/directory.h"

#include <assert.h>
#include <string.h>

#include "base/compat.h"

#define AT(member) offsetof(struct dir_settings, member)

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const char *const kinds[] = { "auto", "exchange", "active-directory", "openldap", NULL };

static const char *
check_attribute(struct slice item)
{
	size_t equals = slice_find(item, '=');

	return equals > 0 && equals + 1 < item.n ? NULL : "MEMBER=ATTRIBUTE";
}

/* Presets are texts and numbers: dir_settings_init() has no memory for others. */
static const struct conf_row rows[] = {
	{ "start tls", CONF_SWITCH, AT(start_tls), .preset = "no",
	    .help = "turn ldap:// into TLS before anything is said" },
	{ "ca file", CONF_TEXT, AT(ca_file),
	    .help = "PEM file of the CAs to trust; without it those of the system" },
	{ "login", CONF_TEXT, AT(login),
	    .help = "whom to log in as: a DN, user@realm, DOMAIN\\user or a machine account" },
	{ "password file", CONF_TEXT, AT(password_file),
	    .help = "file whose first line is its password" },
	{ "keytab", CONF_TEXT, AT(keytab), .help = "file of Kerberos keys to log in with instead" },
	{ "base", CONF_TEXT, AT(base),
	    .help = "DN below which people are; without it what the directory says" },
	{ "container", CONF_TEXT, AT(container),
	    .help = "DN below which domains, servers and URLs are kept" },
	{ "people", CONF_DNS, AT(people), .help = "below base, where mailboxes are looked for" },
	{ "kind", CONF_CHOICE, AT(kind), .preset = "auto", .choices = kinds,
	    .help = "whose objects and attributes are read" },
	{ "attributes", CONF_LIST, AT(attributes),
	    .help = "MEMBER=ATTRIBUTE where the directory has other habits",
	    .check = check_attribute },
	{ "timeout", CONF_TIME, AT(timeout_ms), 10, MINUTE, "2s",
	    .help = "how long a lookup may take; then the answer is 503" },
	{ "connections", CONF_NUMBER, AT(connections), 1, 64, "2",
	    .help = "connections of each thread that serves" },
	{ "refresh", CONF_TIME, AT(refresh_ms), 100, HOUR, "10s",
	    .help = "how old domains, servers and URLs may be" },
	{ "cache", CONF_TIME, AT(cache_ms), 0, HOUR, "5s",
	    .help = "how old what is known of a mailbox may be" },
	{ "stale", CONF_TIME, AT(stale_ms), 0, 24 * HOUR, "10m",
	    .help = "how old both may be while the directory does not answer; redirects never" },
	{ "transactions", CONF_SWITCH, AT(transactions), .preset = "no",
	    .help = "make changes in transactions; OpenLDAP 2.5 crashes of them now and then" },
	{ "state", CONF_TEXT, AT(state), .preset = "/var/lib/usher/usher",
	    .help = "path after which the files of keys are named" },
};

const struct conf_rows dir_settings_rows = CONF_ROWS(rows);

void
dir_settings_init(struct dir_settings *settings)
{
	bool done;

	memset(settings, 0, sizeof(*settings));
	done = conf_rows_preset(NULL, &dir_settings_rows, settings);
	assert(done);
	(void)done;
}
