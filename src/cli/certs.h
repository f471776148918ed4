/* certs.h - certificates of the directory as the commands of `usher cert` find and judge them. */
#ifndef USHER_CLI_CERTS_H
#define USHER_CLI_CERTS_H

#include "base/buf.h"
#include "cert/verdict.h"
#include "cli/command.h"

/* Digits of a thumbprint that are enough on a command line, when no other begins with them. */
enum { CERT_DIGITS_MIN = 8 };

struct cert_list {
	struct certificate *v; /* in the order of their thumbprints */
	size_t n;
};

/* All of them, requests included, in `mem`. Returns USHER_OK, USHER_E_NOMEM, and what dir_each()
 * returns. */
USHER_CHECK usher_status
certs_read(struct arena *mem, struct dir *dir, struct cert_list *out, struct usher_error *err);

/* The one whose thumbprint or SHA-256 is, or begins with, `text`: hexadecimal digits of any case,
 * with blanks and colons between as other tools print them.
 * Returns USHER_OK, USHER_E_ABSENT, USHER_E_CONFLICT (several begin so), USHER_E_USAGE (no
 * thumbprint). */
USHER_CHECK usher_status
certs_find(const struct cert_list *all, const char *text, const struct certificate **out,
    struct usher_error *err);

/* NULL when there is none. */
const struct certificate *
certs_at(const struct cert_list *all, const char *thumbprint);

/* Puts the thumbprints on standard input, with blanks between, in the place of the operand `-`. To
 * be done before a transaction: who writes them may wait for the end of it.
 * Returns USHER_OK, USHER_E_USAGE (none), and what cli_read_file() returns. */
USHER_CHECK usher_status
certs_read_operands(struct cli *cli, struct usher_error *err);

/* The certificates that the operands name, each once, in their order. Returns USHER_OK, and what
 * certs_find() returns. */
USHER_CHECK usher_status
certs_operands(struct cli *cli, const struct cert_list *all, const struct certificate ***out,
    size_t *n, struct usher_error *err);

/* `https` of `HTTPS`, and of `iis` as Exchange calls it; `imap`, `pop` … of others. NULL when there
 * is no such service. */
const char *
cert_service_name(const char *text);

bool
cert_is_for_https(const struct certificate *c);

/* ---- judging ---- */

/* Options of commands that judge. */
struct judge_args {
	const char *ca_file;
	bool check_revocation;
	uint64_t timeout_ms;
};

#define JUDGE_OPTIONS(args_type, member) \
	{ 0, "ca-file", OPT_TEXT, offsetof(args_type, member.ca_file), "FILE", \
		"trust the authorities in FILE, not those of the system" }, \
	    { 0, "check-revocation", OPT_FLAG, offsetof(args_type, member.check_revocation), NULL, \
		    "ask the authorities whether they have revoked it" }, \
	{ \
		0, "timeout", OPT_MSEC, offsetof(args_type, member.timeout_ms), "TIME", \
		    "wait so long for each of them (default 10s)" \
	}

enum { JUDGE_MS = 10000 };

/* What authorities have said of their certificates. A command that changes any of them judges them
 * once before its transaction, so that nobody waits for the network while others wait for him. */
struct revocation_memo {
	struct known_revocation *last; /* in cli->mem */
};

struct judge {
	struct cli *cli;
	struct dir *dir;
	const struct judge_args *args; /* NULL: the system's authorities, and nobody is asked */
	struct revocation_memo *memo;  /* set after judge_open(); NULL: each time they are asked */
	struct trust *trust;
};

/* Trusts the roots of our own authorities as well. Returns USHER_OK (release with judge_close()),
 * and what trust_open() and dir_each() return. */
USHER_CHECK usher_status
judge_open(struct judge *j, struct cli *cli, struct dir *dir, const struct judge_args *args,
    struct usher_error *err);

void
judge_close(struct judge *j);

enum key_state { KEY_HERE = 0, KEY_MISSING, KEY_UNKNOWN /* we may not look */ };

struct judgement {
	struct verdict verdict; /* of a request: CERT_PENDING_REQUEST, and its key */
	enum key_state key;
	const char *trouble; /* why it could not be asked whether it is revoked; NULL */
};

/* What is to be thought of `c`, for `hosts` (NULL: whichever). Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
judge_certificate(const struct judge *j, struct arena *mem, const struct certificate *c,
    const struct text_list *hosts, struct judgement *out, struct usher_error *err);

#endif
