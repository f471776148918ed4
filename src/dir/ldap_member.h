/* ldap_member.h - the inside of struct ldap_map: what is read, and from which attributes. */
#ifndef USHER_DIR_LDAP_MEMBER_H
#define USHER_DIR_LDAP_MEMBER_H

#include "dir/ldap_map.h"
#include "dir/ldap_values.h"

/* The members of struct mailbox in the order of its rows, then what usher knows of people besides.
 */
enum map_member {
	MAP_ADDRESS = 0,
	MAP_DISPLAY_NAME,
	MAP_ALIASES,
	MAP_LEGACY_DN,
	MAP_GUID,
	MAP_SERVER,
	MAP_DATABASE,
	MAP_LOGIN_NAME,
	MAP_REDIRECT_ADDRESS,
	MAP_REDIRECT_URL,
	MAP_PUBLIC_FOLDER_MAILBOX,
	MAP_SERVICES_OF,
	MAP_ENABLED,
	MAP_MAPI_HTTP,
	MAP_OUTLOOK_ANYWHERE,
	MAP_EWS,
	MAP_ACTIVESYNC,
	MAP_OWA,
	MAP_OF_MAILBOX,
	MAP_DISABLED = MAP_OF_MAILBOX,
	MAP_HIDDEN,
	MAP_RECIPIENT_TYPE,
	MAP_ARCHIVE_GUID,
	MAP_ARCHIVE_NAME,
	MAP_DELEGATES,
	MAP_DELEGATE_OF,
	MAP_MEMBERS
};

enum { MAP_ATTRIBUTE_BYTES = 128 /* of an attribute's name */ };

struct ldap_map {
	enum map_flavour flavour;
	bool extended;			       /* with usher's own class of mailboxes */
	struct text_list members[MAP_MEMBERS]; /* attributes of each */
	const char *const *wanted;	       /* all of them, each once; NULL-terminated */
	const struct map_domain *domains;
	size_t n_domains;
};

/* Values of that attribute say what kind of address they are: `SMTP:`, `X500:` (scp.md 7). */
bool
map_is_typed(const char *attribute);

/* The attribute belongs to what a directory without Exchange has from usher's own schema alone. */
bool
map_is_ours(const char *attribute);

/* Any case of ASCII letters. */
bool
map_list_has(const struct text_list *list, struct slice text);

/* Its values are names inside one domain only. */
bool
map_is_short(const char *attribute);

/* What AD calls userAccountControl: the account is off when this bit is set. */
enum { ACCOUNT_DISABLED = 0x2 };

#endif
