/* cmd_cert_acme.c - `usher cert renew --acme URL`: which certificates an ACME server is asked for.
 */
#include "cli/cmd_cert_acme.h"

#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "cert/inspect.h"
#include "cert/names.h"
#include "cert/verdict.h"
#include "cli/cert_acme.h"
#include "cli/cert_wish.h"
#include "cli/certs.h"
#include "cli/wanted.h"

struct choosing {
	struct cli *cli;
	const struct acme_args *args;
	struct acme_how how;
	const char *url;
	struct dir *dir;
	struct cert_list all;
	struct wanted wanted;
	struct acme_want *v; /* what is to be asked for */
	size_t n;
};

enum { DAY_S = 24 * 60 * 60 };

/* Before it ends, whether it was made for years or for six days: in the last days, and not before
 * two thirds of its life are over. */
static bool
is_due(const struct choosing *c, const struct certificate *cert)
{
	int64_t third_s = (cert->not_after - cert->not_before) / 3, last_s = c->args->days * DAY_S;

	return cert->not_after - c->cli->now_ms / 1000 < (last_s < third_s ? last_s : third_s);
}

/* ---- what was said ---- */

static usher_status
read_url(struct choosing *c, struct usher_error *err)
{
	struct url url;
	usher_status st;

	if (c->args->url == NULL)
		return USHER_OK;
	st = url_parse(c->cli->mem, slice_of(c->args->url), &url, err);
	if (st != USHER_OK)
		return st == USHER_E_NOMEM ?
			   st :
			   err_set(err, USHER_E_USAGE, c->args->url,
			       "is no URL; give that of the ACME server's directory");
	if (!url.https || url.userinfo)
		return err_set(err, USHER_E_USAGE, c->args->url,
		    "ACME needs https; give the URL of the server's directory");
	c->url = url.text;
	return USHER_OK;
}

static usher_status
read_args(struct choosing *c, struct usher_error *err)
{
	const struct acme_args *args = c->args;
	struct address contact;
	usher_status st = read_url(c, err);

	c->how = args->how;
	if (st == USHER_OK && c->how.contact != NULL) {
		st = address_parse(c->cli->mem, slice_of(c->how.contact), &contact, err);
		c->how.contact = contact.text;
	}
	if (st != USHER_OK)
		return st;
	if (args->url == NULL && (args->for_each_domain || args->names.n > 0))
		return err_set(err, USHER_E_USAGE, "--due",
		    "chooses names and certificates by itself; --domain and --for-each-domain go "
		    "with --acme");
	if (args->for_each_domain && (args->names.n > 0 || c->cli->n_operands > 0))
		return err_set(err, USHER_E_USAGE, "--for-each-domain",
		    "chooses names and certificates by itself; leave --domain and THUMBPRINT out");
	return USHER_OK;
}

/* ---- names ---- */

static usher_status
check_names(const struct text_list *names, const char *where, struct usher_error *err)
{
	usher_status st = USHER_OK;

	if (names->n == 0)
		return err_set(err, USHER_E_INPUT, where,
		    "calls for no name that an ACME server could certify; choose by --domain");
	if (names->n > ACME_NAMES_MAX)
		return err_set(err, USHER_E_LIMIT, where,
		    "calls for %zu names, and ACME servers put %d at most on a certificate: choose "
		    "by --domain, or give each domain a certificate of its own by "
		    "--for-each-domain",
		    names->n, ACME_NAMES_MAX);
	for (size_t i = 0; st == USHER_OK && i < names->n; i++)
		st = acme_name_check(names->v[i], err);
	return st;
}

/* Those of one domain; else those that no domain has another certificate of its own for. */
static bool
is_wanted(const struct wanted_name *w, const char *domain, const struct certificate *old)
{
	if (domain != NULL)
		return text_same(w->domain, domain);
	return w->certificate == NULL ||
	       (old != NULL && slice_is_nocase(slice_of(w->certificate), old->thumbprint));
}

/* Without those that the server would refuse for what they are. */
static void
leave_out(struct text_list *names, const char **v)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		const char *why = strncmp(names->v[i], "*.", 2) == 0 ?
				      "is a wildcard, which HTTP-01 cannot prove" :
				      cert_name_private(names->v[i]);

		if (why != NULL)
			cli_note("%s: left out: %s", names->v[i], why);
		else
			v[n++] = names->v[i];
	}
	*names = (struct text_list){ v, n };
}

static usher_status
names_wanted(struct choosing *c, const char *domain, const struct certificate *old,
    struct text_list *out, struct usher_error *err)
{
	size_t n = 0;
	const char **v;

	for (size_t i = 0; i < c->wanted.n; i++)
		n += is_wanted(&c->wanted.v[i], domain, old);
	v = arena_array(c->cli->mem, n, sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "names");
	n = 0;
	for (size_t i = 0; i < c->wanted.n; i++)
		if (is_wanted(&c->wanted.v[i], domain, old))
			v[n++] = c->wanted.v[i].name;
	*out = (struct text_list){ v, n };
	leave_out(out, v);
	return USHER_OK;
}

static usher_status
names_of(struct choosing *c, const struct certificate *old, struct text_list *out,
    struct usher_error *err)
{
	const char **v = arena_array(c->cli->mem, old->names.n, sizeof(*v));

	if (v == NULL)
		return err_nomem(err, "names");
	*out = old->names;
	leave_out(out, v);
	return USHER_OK;
}

/* ---- certificates ---- */

/* As the one was that is replaced, when an ACME server has issued it. */
static usher_status
choose_key(const struct choosing *c, const struct certificate *old, struct acme_want *out,
    struct usher_error *err)
{
	const char *word = c->args->key, *text;
	struct slice spki;

	if (word == NULL && old != NULL && old->acme != NULL) {
		usher_status st =
		    cert_public_key(c->cli->mem, slice_of(old->pem), &spki, &text, err);

		if (st != USHER_OK)
			return st;
		word = cert_key_word(text);
	}
	return cert_key_parse(
	    slice_of(word == NULL ? "p256" : word), &out->key, &out->rsa_bits, err);
}

/* `url` NULL: it vouches for itself. */
static usher_status
want(struct choosing *c, const char *url, const struct text_list *names,
    const struct certificate *old, const char *domain, struct usher_error *err)
{
	struct acme_want one = { .url = url,
		.names = *names,
		.old = old == NULL ? NULL : old->thumbprint,
		.domain = domain };
	usher_status st = choose_key(c, old, &one, err);

	if (st != USHER_OK)
		return st;
	c->v[c->n++] = one;
	return USHER_OK;
}

static bool
has_all(const struct certificate *have, const struct text_list *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!cert_names_cover(&have->names, names->v[i]))
			return false;
	return true;
}

/* Told the same twice, nothing is to be done the second time. */
static bool
is_done(const struct choosing *c, const struct certificate *old, const struct text_list *names)
{
	return !c->args->force && old != NULL && text_same(old->acme, c->url) &&
	       has_all(old, names) && !is_due(c, old);
}

static bool
is_domains(const struct choosing *c, const struct certificate *cert)
{
	for (size_t i = 0; i < c->wanted.n; i++)
		if (text_same(c->wanted.v[i].certificate, cert->thumbprint))
			return true;
	return false;
}

/* The certificate that usherd shows now, when there is one alone, or one alone from this server. */
static usher_status
find_shown(struct choosing *c, const struct certificate **out, struct usher_error *err)
{
	const struct certificate *shown = NULL, *same = NULL;
	size_t n_shown = 0, n_same = 0;

	for (size_t i = 0; i < c->all.n; i++) {
		const struct certificate *cert = &c->all.v[i];

		if (cert->request != NULL || !cert_is_for_https(cert))
			continue;
		shown = cert;
		n_shown++;
		if (text_same(cert->acme, c->url)) {
			same = cert;
			n_same++;
		}
	}
	*out = n_same == 1 ? same : n_shown == 1 ? shown : NULL;
	if (n_shown < 2 || n_same == 1)
		return USHER_OK;
	return err_set(err, USHER_E_CONFLICT, "usher cert renew",
	    "%zu certificates are enabled for https: say the THUMBPRINT of the one to replace "
	    "(`usher cert list`)",
	    n_shown);
}

static usher_status
choose_one(struct choosing *c, struct usher_error *err)
{
	const struct certificate *old = NULL;
	struct text_list names;
	const char *where = "the directory";
	usher_status st;

	if (c->cli->n_operands > 0)
		st = certs_find(&c->all, c->cli->operands[0], &old, err);
	else
		st = find_shown(c, &old, err);
	if (st != USHER_OK)
		return st;
	if (old != NULL && old->request != NULL)
		return err_set(err, USHER_E_CONFLICT, old->thumbprint,
		    "is a request that waits for its certificate: `usher cert import` takes it");
	if (c->args->names.n > 0) {
		st = cert_names_parse(c->cli->mem, &c->args->names, &names, err);
		where = "--domain";
	} else if (old != NULL && c->cli->n_operands > 0) {
		st = names_of(c, old, &names, err);
		where = old->thumbprint;
	} else {
		st = names_wanted(c, NULL, old, &names, err);
	}
	if (st == USHER_OK)
		st = check_names(&names, where, err);
	if (st != USHER_OK || is_done(c, old, &names))
		return st;
	return want(c, c->url, &names, old, NULL, err);
}

struct each {
	struct choosing *c;
	struct usher_error *err;
};

static usher_status
choose_for_domain(const void *record, void *payload)
{
	const struct domain *d = record;
	const struct each *each = payload;
	struct choosing *c = each->c;
	const struct certificate *old = certs_at(&c->all, d->certificate);
	const char *name = arena_strdup(c->cli->mem, d->domain);
	struct text_list names;
	usher_status st = name == NULL ? err_nomem(each->err, d->domain) : USHER_OK;

	if (st == USHER_OK)
		st = names_wanted(c, name, NULL, &names, each->err);
	if (st != USHER_OK || names.n == 0 || is_done(c, old, &names))
		return st;
	st = check_names(&names, name, each->err);
	if (st != USHER_OK)
		return st;
	return want(c, c->url, &names, old, name, each->err);
}

/* ---- those whose time it is ---- */

static usher_status
choose_due(struct choosing *c, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < c->all.n; i++) {
		const struct certificate *old = &c->all.v[i];

		if (old->request != NULL || !(c->args->force || is_due(c, old)) ||
		    (old->services.n == 0 && !is_domains(c, old)))
			continue;
		if (old->acme != NULL || text_same(old->issuer, old->subject))
			st = want(c, old->acme, &old->names, old, NULL, err);
		else
			cli_note("%s: only its authority can renew it: `usher cert renew %s` makes "
				 "the request",
			    old->thumbprint, old->thumbprint);
	}
	return st;
}

/* ---- the command ---- */

static usher_status
choose_in_view(struct choosing *c, struct usher_error *err)
{
	struct cli *cli = c->cli;
	uint64_t n_domains = 0;
	usher_status st = certs_read(cli->mem, c->dir, &c->all, err);

	if (st == USHER_OK)
		st = wanted_names(cli->mem, c->dir, &c->wanted, err);
	if (st == USHER_OK)
		st = dir_count(c->dir, &entities[ENTITY_DOMAIN], &n_domains, err);
	if (st != USHER_OK)
		return st;
	c->v = arena_array(cli->mem, c->all.n + (size_t)n_domains + 1, sizeof(*c->v));
	if (c->v == NULL)
		return err_nomem(err, "certificates");
	if (c->url == NULL)
		return choose_due(c, err);
	if (!c->args->for_each_domain)
		return choose_one(c, err);
	return dir_each(c->dir, &entities[ENTITY_DOMAIN], NULL, choose_for_domain,
	    &(struct each){ c, err }, err);
}

static usher_status
choose(struct choosing *c, struct usher_error *err)
{
	usher_status st = dir_begin(c->dir, err);

	if (st == USHER_OK)
		st = choose_in_view(c, err);
	dir_rollback(c->dir);
	return st;
}

/* What one server refuses, another may grant: all are tried. The first failure is the command's. */
static int
renew_all(struct choosing *c, struct acme_session *s)
{
	struct writer *out = c->cli->out;
	int status = CLI_DONE;
	size_t left = 0;

	write_open(out, NULL, NULL);
	write_list(out, "renewed", NULL, 0);
	for (size_t i = 0; i < c->n && !acme_session_stopped(s); i++) {
		const struct acme_want *w = &c->v[i];
		int one = CLI_DONE;

		if (w->url == NULL)
			one = cert_renew_own(c->cli, w->old);
		else if (acme_session_gives_up(s, w->url))
			left++;
		else
			one = acme_session_renew(s, w);
		status = status == CLI_DONE ? one : status;
	}
	write_list_end(out);
	write_close(out);
	if (left > 0)
		cli_note("%zu more are not asked for: the ACME server fails again and again", left);
	if (c->n == 0)
		cli_note("nothing is to be renewed");
	return status;
}

static int
run(struct choosing *c)
{
	struct acme_session *session = NULL;
	struct usher_error err = { 0 };
	usher_status st = read_args(c, &err);
	int status;

	/* The lock comes first: what another renewal has just done is not to be done again. */
	if (st == USHER_OK)
		st = acme_session_open(c->cli, &c->how, &session, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	status = cli_open(c->cli, DIR_READ, &c->dir);
	if (status == CLI_DONE) {
		st = choose(c, &err);
		dir_close(c->dir);
		status = st == USHER_OK ? renew_all(c, session) : cli_fail(st, &err);
	}
	acme_session_close(session);
	return status;
}

int
cert_renew_acme(struct cli *cli, const struct acme_args *args)
{
	return run(&(struct choosing){ .cli = cli, .args = args });
}
