/* cmd_setup.c - `usher setup`: makes a directory that answers, as Exchange Setup does.
 *
 * Only what is missing is made, so that setup may be run again, for a further domain or server, or
 * after it was interrupted; what an administrator has changed since stays. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/selfsigned.h"
#include "cli/cert_made.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "model/usual.h"

enum { KEY_BYTES = 16 * 1024 };

struct setup_args {
	const char *domain;
	const char *host;
	const char *organization;
	const char *site;
	int kind;
};

/* The first two of enum domain_kind: the others need no server here. */
static const char *const kinds[] = { "exchange", "mail", NULL };

static const struct option_spec setup_opts[] = {
	{ 0, "domain", OPT_TEXT, offsetof(struct setup_args, domain), "DOMAIN",
	    "mail domain to accept" },
	{ 0, "host", OPT_TEXT, offsetof(struct setup_args, host), "FQDN",
	    "full name of the host that clients reach" },
	{ 0, "kind", OPT_CHOICE, offsetof(struct setup_args, kind), NULL,
	    "an Exchange organization (default), or IMAP and SMTP at the host", kinds },
	{ 0, "organization", OPT_TEXT, offsetof(struct setup_args, organization), "NAME",
	    "name of the organization (default: First Organization)" },
	{ 0, "site", OPT_TEXT, offsetof(struct setup_args, site), "NAME",
	    "site of the server (default: Default-First-Site-Name)" },
	{ 0 },
};

static const struct setup_args setup_defaults = {
	.organization = "First Organization",
	.site = "Default-First-Site-Name",
};

struct setup {
	const struct setup_args *args;
	const char *domain, *host; /* in canonical form */
	struct arena *mem;
	const char *server; /* NetBIOS name */
	const char *directory;
	const char *thumbprint;
};

/* Stores `record` unless something has its key. */
static usher_status
put_missing(struct changes *c, enum entity_id id, union org_record *record, struct usher_error *err)
{
	const struct entity *e = &entities[id];
	union org_record there;

	switch (dir_get(c->dir, c->cli->mem, e, record, &there, err)) {
	case LOOKUP_FOUND:
		return USHER_OK;
	case LOOKUP_ABSENT:
		return changes_put(c, e, record, err);
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		break;
	}
	return err->status;
}

static void
begin(enum entity_id id, union org_record *record)
{
	record_init(&entities[id].table, record);
}

static usher_status
put_organization(struct changes *c, const struct setup *s, struct usher_error *err)
{
	char deployment[GUID_TEXT_BYTES], oab[GUID_TEXT_BYTES];
	union org_record r;

	if (!guid_make(deployment) || !guid_make(oab))
		return err_set(
		    err, USHER_E_INTERNAL, "setup", "the system gives no random numbers");
	begin(ENTITY_ORGANIZATION, &r);
	r.organization.name = s->args->organization;
	r.organization.deployment_id = deployment;
	r.organization.oab_id = oab;
	return put_missing(c, ENTITY_ORGANIZATION, &r, err);
}

static usher_status
same_host(const void *record, void *payload)
{
	const struct server *server = record;
	struct setup *s = payload;

	if (s->server == NULL && slice_is_nocase(slice_of(server->fqdn), s->host)) {
		s->server = arena_strdup(s->mem, server->name);
		return s->server == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	return USHER_OK;
}

/* The name of the server that has this host, or one that is free. */
static usher_status
name_server(struct changes *c, struct setup *s, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_SERVER];
	union org_record key, there;
	usher_status st;

	st = dir_each(c->dir, e, NULL, same_host, s, err);
	for (int i = 1; s->server == NULL && st == USHER_OK; i++) {
		const char *name = usual_server_name(s->mem, s->host, i);

		if (name == NULL)
			return err_nomem(err, "setup");
		begin(ENTITY_SERVER, &key);
		key.server.name = name;
		switch (dir_get(c->dir, s->mem, e, &key, &there, err)) {
		case LOOKUP_FOUND:
			break;
		case LOOKUP_ABSENT:
			s->server = name;
			break;
		case LOOKUP_PENDING: /* of handles that serve alone */
		case LOOKUP_UNAVAILABLE:
			st = err->status;
			break;
		}
	}
	return st;
}

static usher_status
put_server(struct changes *c, const struct setup *s, struct usher_error *err)
{
	union org_record r;
	usher_status st;

	begin(ENTITY_SITE, &r);
	r.site.name = s->args->site;
	st = put_missing(c, ENTITY_SITE, &r, err);
	if (st != USHER_OK)
		return st;
	if (!usual_server(c->cli->mem, s->server, s->host, s->args->site, &r.server))
		return err_nomem(err, "setup");
	r.server.created = c->cli->now_ms / 1000;
	return put_missing(c, ENTITY_SERVER, &r, err);
}

static usher_status
put_urls(struct changes *c, const struct setup *s, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (int i = 0; i < URL_SERVICE_COUNT && st == USHER_OK; i++) {
		const char *url;
		union org_record r;

		if (!usual_has_url(i))
			continue;
		url = usual_url(c->cli->mem, i, s->host);
		if (url == NULL)
			return err_nomem(err, "setup");
		begin(ENTITY_URL, &r);
		r.url.server = s->server;
		r.url.service = i;
		r.url.internal = r.url.external = url;
		st = put_missing(c, ENTITY_URL, &r, err);
	}
	return st;
}

static usher_status
put_outlook(struct changes *c, const struct setup *s, struct usher_error *err)
{
	static const char *const providers[] = { "EXCH", "EXPR", "WEB" };
	union org_record r;
	usher_status st;

	usual_outlook_anywhere(s->server, s->host, &r.outlook_anywhere);
	st = put_missing(c, ENTITY_OUTLOOK_ANYWHERE, &r, err);
	for (size_t i = 0; i < COUNT_OF(providers) && st == USHER_OK; i++) {
		begin(ENTITY_PROVIDER, &r);
		r.provider.name = providers[i];
		r.provider.ttl = 1;
		st = put_missing(c, ENTITY_PROVIDER, &r, err);
	}
	return st;
}

static usher_status
put_domain(struct changes *c, const struct setup *s, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	union org_record r, there;

	begin(ENTITY_DOMAIN, &r);
	r.domain.domain = s->domain;
	r.domain.kind = s->args->kind;
	if (s->args->kind == DOMAIN_EXCHANGE)
		r.domain.server = s->server;
	switch (dir_get(c->dir, c->cli->mem, e, &r, &there, err)) {
	case LOOKUP_FOUND:
		if (there.domain.kind != r.domain.kind)
			return err_set(err, USHER_E_CONFLICT, s->domain,
			    "is accepted already, and is of another kind; change it with `usher "
			    "domain set %s --kind %s`",
			    s->domain, kinds[s->args->kind]);
		return USHER_OK;
	case LOOKUP_ABSENT:
		return changes_put(c, e, &r, err);
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		break;
	}
	return err->status;
}

static usher_status
put_mail_services(struct changes *c, const struct setup *s, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; i < USUAL_MAIL_SERVICES && st == USHER_OK; i++) {
		union org_record r;

		usual_mail_service(i, s->domain, s->host, &r.service);
		st = put_missing(c, ENTITY_SERVICE, &r, err);
	}
	return st;
}

/* ---- the certificate ---- */

static bool
names_host(const struct certificate *cert, const char *host)
{
	for (size_t i = 0; i < cert->names.n; i++)
		if (domain_matches(cert->names.v[i], host))
			return true;
	return false;
}

/* Notes one for https that names the host. */
static usher_status
find_certificate(const void *record, void *payload)
{
	const struct certificate *cert = record;
	struct setup *s = payload;

	for (size_t i = 0; i < cert->services.n; i++)
		if (strcmp(cert->services.v[i], "https") == 0 && names_host(cert, s->host)) {
			s->thumbprint = arena_strdup(s->mem, cert->thumbprint);
			return s->thumbprint == NULL ? USHER_E_NOMEM : USHER_OK;
		}
	return USHER_OK;
}

static usher_status
make_certificate(struct changes *c, struct setup *s, struct buf *key, struct usher_error *err)
{
	static const char *const https[] = { "https" };
	union org_record r;
	usher_status st;

	begin(ENTITY_CERTIFICATE, &r);
	st = cert_selfsigned(c->cli->mem, s->host, c->cli->now_ms / 1000, key, &r.certificate, err);
	if (st != USHER_OK)
		return st;
	r.certificate.services = (struct text_list){ https, 1 };
	s->thumbprint = r.certificate.thumbprint;
	return cert_keep(c, &r.certificate, buf_as_slice(key), err);
}

static usher_status
put_certificate(struct changes *c, struct setup *s, struct usher_error *err)
{
	struct buf key;
	usher_status st;

	st = dir_each(c->dir, &entities[ENTITY_CERTIFICATE], NULL, find_certificate, s, err);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "setup");
	if (st != USHER_OK || s->thumbprint != NULL)
		return st;
	buf_init(&key, KEY_BYTES);
	st = make_certificate(c, s, &key, err);
	buf_wipe(&key);
	return st;
}

/* ---- the whole ---- */

static usher_status
fill(struct changes *c, struct setup *s, struct usher_error *err)
{
	usher_status st;

	st = put_organization(c, s, err);
	if (st == USHER_OK && s->args->kind == DOMAIN_EXCHANGE) {
		st = name_server(c, s, err);
		if (st == USHER_OK)
			st = put_server(c, s, err);
		if (st == USHER_OK)
			st = put_urls(c, s, err);
		if (st == USHER_OK)
			st = put_outlook(c, s, err);
	}
	if (st == USHER_OK)
		st = put_domain(c, s, err);
	if (st == USHER_OK && s->args->kind == DOMAIN_MAIL)
		st = put_mail_services(c, s, err);
	return st == USHER_OK ? put_certificate(c, s, err) : st;
}

usher_status
setup_fill(
    struct changes *c, const char *domain, const char *host, int kind, struct usher_error *err)
{
	struct setup_args args = setup_defaults;
	struct setup s = { .args = &args, .domain = domain, .host = host, .mem = c->cli->mem };

	args.kind = kind;
	return fill(c, &s, err);
}

static usher_status
setup_work(struct changes *c, void *payload, struct usher_error *err)
{
	c->brief = true;
	return fill(c, payload, err);
}

/* `organization, site, server, 8 urls`: what was made, by entity. */
static void
put_made(const struct changes *c, struct buf *b)
{
	for (size_t id = 0; id < ENTITY_COUNT; id++) {
		size_t n = 0;

		for (size_t i = 0; i < c->n_shown; i++)
			n += c->shown[i].entity->id == id && c->shown[i].kind == DIR_CREATED;
		if (n > 0)
			buf_text(b, b->n > 0 ? ", " : "");
		if (n > 1)
			buf_printf(b, "%zu %s", n, entities[id].title);
		else if (n == 1)
			buf_text(b, entities[id].title);
		if (n > 1 && !slice_ends_nocase(slice_of(entities[id].title), SLICE_LITERAL("s")))
			buf_char(b, 's');
	}
}

static bool
made_one(const struct changes *c, enum entity_id id)
{
	for (size_t i = 0; i < c->n_shown; i++)
		if (c->shown[i].entity->id == id && c->shown[i].kind == DIR_CREATED)
			return true;
	return false;
}

/* What people still have to do, for what was made just now. */
static void
say_next(const struct changes *c, const struct setup *s)
{
	struct writer *w = c->cli->out;
	int step = 0;

	write_say(w, "%s", "");
	write_say(w, "What to do next");
	if (made_one(c, ENTITY_ORGANIZATION)) {
		write_say(w, "%s", "");
		write_say(w, "%d. Save this as /etc/usher/usherd.conf and start usherd:", ++step);
		write_say(w, "%s", "");
		write_say(w, "       directory = %s", s->directory);
		if (dir_is_ldap(s->directory))
			write_say(w, "       # and the section [directory] as it is now");
		write_say(w, "       [listen https]");
		write_say(w, "       address = 0.0.0.0:443");
		write_say(w, "       [listen redirect]");
		write_say(w, "       address = 0.0.0.0:80");
		write_say(w, "       [listen private]");
		write_say(w, "       address = 127.0.0.1:9108");
	}
	write_say(w, "%s", "");
	write_say(w, "%d. Add these records to the zone of %s:", ++step, s->domain);
	write_say(w, "%s", "");
	write_say(w, "       usher plan --dns %s --host %s", s->domain, s->host);
	write_say(w, "%s", "");
	if (s->args->kind == DOMAIN_EXCHANGE) {
		write_say(w, "%d. Add mailboxes, each with a password to ask with:", ++step);
		write_say(w, "%s", "");
		write_say(
		    w, "       usher mailbox add user@%s --display-name \"A User\"", s->domain);
		write_say(w, "       usher mailbox password user@%s", s->domain);
	} else {
		write_say(
		    w, "%d. See whether the services are right, and change what is not:", ++step);
		write_say(w, "%s", "");
		write_say(w, "       usher service list %s", s->domain);
	}
	if (!made_one(c, ENTITY_CERTIFICATE))
		return;
	write_say(w, "%s", "");
	write_say(w,
	    "%d. The certificate is self-signed: programs will warn of it. Get one from an",
	    ++step);
	write_say(w, "   authority that they know:");
	write_say(w, "%s", "");
	write_say(w, "       usher cert request --domain %s,autodiscover.%s --out request.pem",
	    s->host, s->domain);
	write_say(w, "       usher cert import ANSWER | usher cert enable -");
	write_say(w, "%s", "");
	write_say(w, "   or, when the records are there and usherd is, from an ACME server:");
	write_say(w, "%s", "");
	write_say(w, "       usher cert renew --acme URL --accept-terms");
}

static void
setup_report(struct changes *c, void *payload)
{
	const struct setup *s = payload;
	struct writer *w = c->cli->out;
	struct buf CLEANUP(buf_cleanup) made;

	buf_init(&made, 1024);
	put_made(c, &made);
	if (made.n == 0)
		write_say(w, "Nothing to do: %s has all of this already.", s->directory);
	else
		write_say(w, "%s %s.", c->cli->dry_run ? "Would make:" : "Made:", buf_cstr(&made));
	write_text(w, "directory", s->directory);
	write_text(w, "domain", s->domain);
	write_text(w, "host", s->host);
	if (s->args->kind == DOMAIN_EXCHANGE)
		write_text(w, "server", s->server);
	write_text(w, "certificate", s->thumbprint);
	if (made.n > 0 && !c->cli->dry_run)
		say_next(c, s);
}

static usher_status
read_args(struct cli *cli, struct setup *s, struct usher_error *err)
{
	usher_status st;

	if (s->args->domain == NULL || s->args->host == NULL)
		return err_set(err, USHER_E_USAGE, "setup",
		    "--%s is missing; usage: usher setup --domain DOMAIN --host FQDN",
		    s->args->domain == NULL ? "domain" : "host");
	st = domain_parse(cli->mem, slice_of(s->args->domain), &s->domain, err);
	if (st == USHER_OK)
		st = domain_parse(cli->mem, slice_of(s->args->host), &s->host, err);
	if (st != USHER_OK)
		return st;
	if (strchr(s->host, '.') == NULL)
		return err_set(err, USHER_E_USAGE, s->host,
		    "is not a full host name; give one with its domain, as mail.%s", s->domain);
	return USHER_OK;
}

static int
setup_run(struct cli *cli, const void *opaque)
{
	struct setup s = { .args = opaque, .mem = cli->mem };
	struct usher_error err = { 0 };
	usher_status st;

	st = read_args(cli, &s, &err);
	if (st == USHER_OK)
		st = cli_directory_absolute(cli, &s.directory, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	return changes_run_or_make(cli, setup_work, setup_report, &s);
}

const struct command cmd_setup = {
	.name = "setup",
	.summary = "make a directory that answers for a domain",
	.about =
	    "Makes the directory when there is none, the organization, a server with the URLs of "
	    "all its services, the domain, the Outlook providers and a self-signed certificate "
	    "for the host; with --kind mail, IMAP and SMTP at the host in place of the server. "
	    "Run again, it makes only what is missing.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = setup_opts,
	.defaults = &setup_defaults,
	.args_size = sizeof(struct setup_args),
	.run = setup_run,
};
