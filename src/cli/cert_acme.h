/* cert_acme.h - certificates that an ACME server issues for us. */
#ifndef USHER_CLI_CERT_ACME_H
#define USHER_CLI_CERT_ACME_H

#include "cert/key.h"
#include "cli/command.h"

enum {
	ACME_NAMES_MAX = 100, /* what Let's Encrypt and most others put on one certificate */
	ACME_RUN_MS = 5 * 60 * 1000
};

/* What is asked for. */
struct acme_want {
	const char *url; /* of the ACME server's directory, by url_parse() */
	struct text_list names;
	const char *old;    /* thumbprint of the certificate whose place it takes, or NULL */
	const char *domain; /* that will have it for its own, or NULL */
	enum cert_key_kind key;
	int rsa_bits;
};

struct acme_how {
	const char *contact; /* address that the server may write to, or NULL */
	bool accept_terms;
	bool remove_old;
	uint64_t timeout_ms; /* of one certificate */
};

/* One renewal at a time of one directory. */
struct acme_session;

/* From here on the command is its directory's owner, where root has begun it: what others may write
 * to is nothing for root to read or to run.
 * Returns USHER_OK (release with acme_session_close()), and as acme_open(). */
USHER_CHECK usher_status
acme_session_open(struct cli *cli, const struct acme_how *how, struct acme_session **out,
    struct usher_error *err);

/* NULL is ignored. */
void
acme_session_close(struct acme_session *s);

/* Asks for one certificate, stores it in the place of the old one, and reports. Gives the exit
 * status; errors are printed. */
int
acme_session_renew(struct acme_session *s, const struct acme_want *want);

/* The server at `url` has failed, for no fault of a name, again and again: not to be asked for more
 * now. */
bool
acme_session_gives_up(const struct acme_session *s, const char *url);

/* Somebody wants the command to end. */
bool
acme_session_stopped(const struct acme_session *s);

/* A name that HTTP-01 can prove to be ours (RFC 8555, 8.3).
 * Returns USHER_OK, USHER_E_USAGE (a wildcard). */
USHER_CHECK usher_status
acme_name_check(const char *name, struct usher_error *err);

#endif
