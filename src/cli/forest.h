/* forest.h - the LDAP directory that a command is told of: how to get in, where things lie. */
#ifndef USHER_CLI_FOREST_H
#define USHER_CLI_FOREST_H

#include "cli/command.h"
#include "ldap/link.h"

enum { FOREST_IN_ALL_MS = 120000 }; /* that a listing may take whose pages come in time */

/* Member `forest` of the args of such a command. */
struct forest_args {
	const char *uri;
	bool start_tls;
	bool anonymous;
	const char *login;
	const char *password_file;
	const char *keytab;
	const char *ca_file;
	const char *base;
	uint64_t timeout_ms;
};

/* The rows of `forest` in the options of a command whose args are an `args`. */
/* clang-format off */
#define FOREST_ROWS(args) \
	FOREST_ROW(args, "ldap", OPT_TEXT, uri, "URI", \
	    "the directory: ldap://HOST, ldaps://HOST or ldapi://SOCKET"), \
	FOREST_ROW(args, "start-tls", OPT_FLAG, start_tls, NULL, \
	    "turn ldap:// into TLS before anything is said"), \
	FOREST_ROW(args, "login", OPT_TEXT, login, "NAME", \
	    "log in as NAME, a DN, user@realm or DOMAIN\\user (default: Kerberos ticket)"), \
	FOREST_ROW(args, "password-file", OPT_TEXT, password_file, "FILE", \
	    "read the password from the first line of FILE; - is standard input"), \
	FOREST_ROW(args, "keytab", OPT_TEXT, keytab, "FILE", \
	    "log in with the Kerberos keys in FILE, those of --login or the first"), \
	FOREST_ROW(args, "anonymous", OPT_FLAG, anonymous, NULL, \
	    "do not log in; Active Directory shows nothing then"), \
	FOREST_ROW(args, "ca-file", OPT_TEXT, ca_file, "FILE", \
	    "trust the certificates in FILE (PEM) instead of the system's"), \
	FOREST_ROW(args, "base", OPT_TEXT, base, "DN", \
	    "where the configuration lies (default: as the directory says)"), \
	FOREST_ROW(args, "timeout", OPT_MSEC, timeout_ms, "TIME", \
	    "give up on the directory after TIME (default 10s)")
#define FOREST_ROW(args, name, type, member, value, help) \
	{ 0, name, type, offsetof(args, forest) + offsetof(struct forest_args, member), value, help }
/* clang-format on */

struct forest {
	struct ldap_link *link;
	const char *configuration; /* DN of what the whole forest shares */
};

/* Connects, logs in, and finds the configuration: what the rootDSE calls
 * configurationNamingContext, or the first naming context of a directory that is not Active
 * Directory's. Texts lie in cli->mem; forest_close() ends it.
 *
 * Returns as ldap_link_open() and ldap_link_read(); USHER_E_USAGE without --ldap. */
USHER_CHECK usher_status
forest_open(
    struct cli *cli, const struct forest_args *args, struct forest *out, struct usher_error *err);

/* A zeroed one is fine. */
void
forest_close(struct forest *f);

#endif
