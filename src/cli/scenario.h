/* scenario.h - `usher plan --scenario`: a deployment, from what was asked and what the directory
 * has. */
#ifndef USHER_CLI_SCENARIO_H
#define USHER_CLI_SCENARIO_H

#include "base/buf.h"
#include "cli/changes.h"
#include "resolve/resolve_plan.h"

/* Where --apply gets a certificate from that is not there. */
enum scenario_certificate {
	SCENARIO_REQUEST = 0,
	SCENARIO_SELF_SIGNED,
	SCENARIO_CA,
	SCENARIO_NO_CERTIFICATE
};

/* Options of `usher plan`. */
struct plan_args {
	bool dns;
	int64_t scenario; /* 0: none */
	const char *domain, *host;
	int kind; /* of a domain that is not accepted yet */
	struct text_list servers, addresses, listen;
	int64_t ttl_s;
	bool check, apply;
	int certificate;    /* enum scenario_certificate */
	const char *config; /* file for the lines of usherd.conf; NULL: they are printed */
	const char *dns_server;
	struct text_list connect_to;
	const char *ca_file;
	uint64_t timeout_ms;
};

struct scenario_plan {
	struct cli *cli;
	const struct plan_args *args;
	struct dir *dir;       /* NULL: there is none yet */
	const char *directory; /* for usherd.conf */
	struct plan_wish wish;
	struct deployment plan; /* valid until the directory is next asked something */
};

/* `[HOST=]ADDRESS` … of an option. `any`: without a host, `*` is one too.
 * USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
scenario_addresses(struct cli *cli, const char *option, const struct text_list *texts,
    const struct zone_address **out, struct usher_error *err);

/* What Mail Autoconfig and PACC have for the domain, into *out. Memory is `mem`'s. USHER_E_NOMEM.
 */
USHER_CHECK usher_status
scenario_documents(
    struct arena *mem, const struct facts *facts, const char *domain, struct zone_wish *out);

/* The plan for what the directory `dir` (NULL: none) has at this moment.
 * USHER_E_UNAVAILABLE, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
scenario_resolve(struct scenario_plan *s, struct dir *dir, struct usher_error *err);

/* Prints it. Gives the exit status. */
int
scenario_show(struct scenario_plan *s);

/* Compares it with the world and prints the comparison. Gives the exit status. */
int
scenario_check(struct scenario_plan *s);

/* Does what can be done here, and prints it. Gives the exit status. */
int
scenario_apply(struct scenario_plan *s);

/* Appends the lines of usherd.conf. */
void
scenario_config(const struct scenario_plan *s, struct buf *out);

/* Prints text for people line by line, each `indent` further in. */
void
scenario_say(struct writer *w, const char *indent, const char *text);

/* What was made for a certificate of the plan. */
struct scenario_made {
	struct buf key;		/* PEM, wiped by the caller; empty: nothing is made */
	const char *thumbprint; /* NULL: nothing was made or waits */
	const char *request;	/* PEM, of one that waits for its answer */
};

/* Makes the key for a certificate that is missing, which takes a while: before anybody has to wait
 * for the directory. USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
scenario_key(const struct scenario_plan *s, const struct plan_certificate *p,
    struct scenario_made *out, struct usher_error *err);

/* Makes it, or a request; or enables one that is there. Returns as ca_find(), issue_certificate()
 * and cert_keep(). */
USHER_CHECK usher_status
scenario_certificate(struct changes *c, const struct scenario_plan *s,
    const struct plan_certificate *p, struct scenario_made *made, struct usher_error *err);

/* `usher plan --scenario …`. Gives the exit status. */
int
scenario_run(struct cli *cli, const struct plan_args *args);

#endif
