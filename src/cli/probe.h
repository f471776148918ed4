/* probe.h - looks at the world for `usher plan --check`: names in DNS, and sites at their
 * addresses. */
#ifndef USHER_CLI_PROBE_H
#define USHER_CLI_PROBE_H

#include "base/arena.h"
#include "net/connect_to.h"
#include "resolve/resolve_check.h"

enum { PROBE_CONNECT_MS = 5000, PROBE_TOTAL_MS = 15000 };

struct probe_options {
	const char *dns_server; /* as dns_new() takes it */
	const char *ca_file;	/* as tls_trust_new() */
	int64_t now_s;
	const struct connect_to *routes;
	size_t n_routes;
	uint64_t timeout_ms; /* for each look-up and each request; 0: the usual */
	struct slice body;   /* what is posted */
};

struct probe;

/* USHER_E_USAGE, USHER_E_INPUT, USHER_E_PERMISSION (the options), USHER_E_NETWORK, USHER_E_LIMIT,
 * USHER_E_NOMEM, USHER_E_INTERNAL. What the options point to outlives it. */
USHER_CHECK usher_status
probe_new(const struct probe_options *options, struct probe **out, struct usher_error *err);

/* Reads `--connect-to` into the options, in `mem`. As connect_to_parse(). */
USHER_CHECK usher_status
probe_routes(struct arena *mem, const struct text_list *texts, struct probe_options *out,
    struct usher_error *err);

/* The exit status of a command whose worst finding this is. */
int
probe_exit(enum check_verdict worst);

/* NULL is ignored. */
void
probe_free(struct probe *p);

/* Fills in what was found; the texts lie in `mem`. A name that cannot be found out, or a site that
 * does not answer, is a finding and no failure. USHER_E_NETWORK, USHER_E_LIMIT, USHER_E_NOMEM,
 * USHER_E_INTERNAL. */
USHER_CHECK usher_status
probe_names(
    struct probe *p, struct arena *mem, struct check_name *v, size_t n, struct usher_error *err);
USHER_CHECK usher_status
probe_sites(
    struct probe *p, struct arena *mem, struct check_site *v, size_t n, struct usher_error *err);

#endif
