/* directory.h - what is said of a directory beside its URI: section `[directory]` of usherd.conf,
 * which `usher` reads too. */
#ifndef USHER_MODEL_DIRECTORY_H
#define USHER_MODEL_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/conf_row.h"

enum dir_kind {
	DIR_KIND_AUTO = 0,	   /* as its rootDSE and schema say */
	DIR_KIND_EXCHANGE,	   /* Active Directory with Exchange's schema and objects */
	DIR_KIND_ACTIVE_DIRECTORY, /* without */
	DIR_KIND_OPENLDAP	   /* any other */
};

/* For LDAP alone: a file needs none of it. */
struct dir_settings {
	bool start_tls;		     /* on ldap:// before anything else */
	const char *ca_file;	     /* PEM; NULL: whom the system trusts */
	const char *login;	     /* DN, UPN or DOMAIN\user; with a keytab the principal */
	const char *password_file;   /* its first line */
	const char *keytab;	     /* logs in by Kerberos (GSSAPI) */
	const char *base;	     /* DN; NULL: as the directory says */
	const char *container;	     /* DN of our own entries; NULL: by its kind */
	struct text_list people;     /* DNs below which mailboxes are; empty: base */
	int kind;		     /* enum dir_kind */
	struct text_list attributes; /* MEMBER=ATTRIBUTE */
	uint64_t timeout_ms;	     /* of one lookup */
	uint64_t connections;	     /* of each thread that serves */
	uint64_t refresh_ms;	     /* of the configuration: at most so old while it can be read */
	uint64_t cache_ms;	     /* people: at most so old */
	uint64_t stale_ms;	     /* both, while the directory does not answer */
	bool transactions;	     /* of changes (RFC 5805), where they are offered */
	const char *state;	     /* path that dir_stem() is */
};

extern const struct conf_rows dir_settings_rows;

/* Everything as it is when nothing is said. */
void
dir_settings_init(struct dir_settings *settings);

#endif
