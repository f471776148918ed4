/* cert_wish.h - the names, the subject and the key that `usher cert new` and `request` ask for. */
#ifndef USHER_CLI_CERT_WISH_H
#define USHER_CLI_CERT_WISH_H

#include "base/buf.h"
#include "cert/key.h"
#include "cert/subject.h"
#include "cli/command.h"

enum { FRIENDLY_NAME_MAX = 63 }; /* characters, as Exchange has it */

struct cert_wish_args {
	struct text_list domains;
	bool accepted_domains, autodiscover, fqdn, netbios;
	const char *server;
	const char *subject;
	const char *key;
	const char *friendly_name;
	bool exportable;
};

#define CERT_WISH_OPTIONS(args_type, member) \
	{ 0, "domain", OPT_LIST, offsetof(args_type, member.domains), "NAME,…", \
		"host names: a.example, *.a.example, or an IP address" }, \
	    { 0, "include-accepted-domains", OPT_FLAG, \
		    offsetof(args_type, member.accepted_domains), NULL, \
		    "the names of all accepted domains, too" }, \
	    { 0, "include-autodiscover", OPT_FLAG, offsetof(args_type, member.autodiscover), NULL, \
		    "the name autodiscover of each accepted domain, too" }, \
	    { 0, "include-fqdn", OPT_FLAG, offsetof(args_type, member.fqdn), NULL, \
		    "the full names of the servers, too" }, \
	    { 0, "include-netbios", OPT_FLAG, offsetof(args_type, member.netbios), NULL, \
		    "the short names of the servers, too" }, \
	    { 0, "server", OPT_TEXT, offsetof(args_type, member.server), "NAME", \
		    "take these two from that server alone" }, \
	    { 0, "subject", OPT_TEXT, offsetof(args_type, member.subject), "NAME", \
		    "subject, as \"c=US, o=Contoso, cn=mail.contoso.com\" (default: the first " \
		    "name)" }, \
	    { 0, "key", OPT_TEXT, offsetof(args_type, member.key), "KIND", \
		    "rsa2048 (default), rsa3072, rsa4096, p256, p384, ed25519" }, \
	    { 0, "friendly-name", OPT_TEXT, offsetof(args_type, member.friendly_name), "NAME", \
		    "name for people, up to 63 characters (default: the first name)" }, \
	{ \
		0, "exportable", OPT_FLAG, offsetof(args_type, member.exportable), NULL, \
		    "let `usher cert export` give the key away" \
	}

#define CERT_WISH_KEY "rsa2048" /* what every mail program and authority takes */

struct cert_wish {
	const struct cert_wish_args *args;
	struct subject subject;
	struct text_list names; /* the common name first, when it is a host's */
	const char *friendly_name;
	struct buf key; /* PEM */
};

/* Reads what needs no directory, and makes the key: that takes a while, so nobody must be kept
 * waiting for the directory meanwhile. A zeroed *out is to be released with cert_wish_clear()
 * whatever comes back.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_INPUT, USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
cert_wish_read(struct cli *cli, const struct cert_wish_args *args, struct cert_wish *out,
    struct usher_error *err);

/* Adds the names that are in the directory. Returns USHER_OK, USHER_E_USAGE (no name at all),
 * USHER_E_ADDRESS, USHER_E_LIMIT, USHER_E_ABSENT (no such server), USHER_E_NOMEM, and what
 * dir_each() returns. */
USHER_CHECK usher_status
cert_wish_names(struct cli *cli, struct dir *dir, struct cert_wish *w, struct usher_error *err);

void
cert_wish_clear(struct cert_wish *w);

/* What cert_key_text() says, as an option says it; NULL for what is made no more. */
const char *
cert_key_word(const char *text);

/* The name for people is not too long. Returns USHER_OK, USHER_E_USAGE. */
USHER_CHECK usher_status
cert_check_friendly_name(const char *name, struct usher_error *err);

#endif
