/* cmd_cert_acme.h - what `usher cert renew` does with certificates of ACME servers. */
#ifndef USHER_CLI_CMD_CERT_ACME_H
#define USHER_CLI_CMD_CERT_ACME_H

#include "cli/cert_acme.h"

struct acme_args {
	const char *url; /* NULL: those that are due */
	struct text_list names;
	bool for_each_domain;
	bool force;
	const char *key; /* NULL: as it is, or P-256 */
	int64_t days;	 /* see cert_is_due() */
	struct acme_how how;
};

enum { RENEW_DAYS = 30 };

#define ACME_DEFAULTS \
	{ \
		.days = RENEW_DAYS, .how = {.timeout_ms = ACME_RUN_MS } \
	}

#define ACME_OPTIONS(args_type, member) \
	{ 0, "days", OPT_NUMBER, offsetof(args_type, member.days), "N", \
		"with --due: N days before it ends, or with a third of its life left " \
		"(default 30)", \
		NULL, 1, 3650 }, \
	    { 0, "acme", OPT_TEXT, offsetof(args_type, member.url), "URL", \
		    "directory URL of the ACME server that is to issue it" }, \
	    { 0, "domain", OPT_LIST, offsetof(args_type, member.names), "NAME,…", \
		    "these host names, not those that the directory calls for" }, \
	    { 0, "for-each-domain", OPT_FLAG, offsetof(args_type, member.for_each_domain), NULL, \
		    "a certificate of its own for each accepted domain" }, \
	    { 0, "accept-terms", OPT_FLAG, offsetof(args_type, member.how.accept_terms), NULL, \
		    "agree to the ACME server's terms of service" }, \
	    { 0, "contact", OPT_TEXT, offsetof(args_type, member.how.contact), "ADDRESS", \
		    "whom the ACME server may write to" }, \
	    { 0, "remove-old", OPT_FLAG, offsetof(args_type, member.how.remove_old), NULL, \
		    "remove what was replaced, with its key" }, \
	    { 0, "force", OPT_FLAG, offsetof(args_type, member.force), NULL, \
		    "renew also what has time" }, \
	{ \
		0, "timeout", OPT_MSEC, offsetof(args_type, member.how.timeout_ms), "TIME", \
		    "give up on a certificate after TIME (default 5m)" \
	}

/* `usher cert renew [THUMBPRINT] --acme URL`; without a URL, `usher cert renew --due`: all whose
 * time it is, each by the server that issued it. Gives the exit status. */
int
cert_renew_acme(struct cli *cli, const struct acme_args *args);

/* cmd_cert_renew.c: one that vouches for itself, made anew for the same names. Gives the exit
 * status. */
int
cert_renew_own(struct cli *cli, const char *thumbprint);

#endif
