/* verbs.c - add, set, remove, show and list, for every entity by its rows. */
#include "cli/verbs.h"

#include <string.h>

#include "base/err.h"
#include "cli/changes.h"
#include "cli/record.h"
#include "cli/site_check.h"

/* Reads what is stored under the command's key. */
static usher_status
find(struct changes *c, union org_record *record, bool *found, struct usher_error *err)
{
	const struct entity *e = &entities[c->cli->command->entity];
	union org_record key;
	bool complete;
	usher_status st;

	st = record_key(c->cli, c->dir, &key, &complete, err);
	if (st != USHER_OK)
		return st;
	switch (dir_get(c->dir, c->cli->mem, e, &key, record, err)) {
	case LOOKUP_FOUND:
		*found = true;
		return USHER_OK;
	case LOOKUP_ABSENT:
		*found = false;
		*record = key;
		return USHER_OK;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		break;
	}
	return err->status;
}

static usher_status
no_such(
    struct cli *cli, const struct entity *e, const union org_record *key, struct usher_error *err)
{
	const char *text = entity_key_text(cli->mem, e, key);

	if (text == NULL)
		return err_nomem(err, e->name);
	return err_set(err, USHER_E_ABSENT, text, "there is no such %s", e->title);
}

static usher_status
after_rank(const void *record, void *payload)
{
	const struct redirect *there = record;
	struct redirect *rule = payload;

	if (there->rank >= rule->rank)
		rule->rank = there->rank + 1;
	return USHER_OK;
}

/* What usher itself fills in when a record is made. */
static usher_status
fill_in(
    struct changes *c, const struct entity *e, union org_record *record, struct usher_error *err)
{
	struct redirect prefix;

	if (e->id == ENTITY_SERVER)
		record->server.created = c->cli->now_ms / 1000;
	if (e->id != ENTITY_REDIRECT)
		return USHER_OK;
	/* Behind the rules that there are: they were made first, and the first that fits wins. */
	record_init(&e->table, &prefix);
	prefix.domain = record->redirect.domain;
	record->redirect.rank = 1;
	return dir_each(c->dir, e, &prefix, after_rank, &record->redirect, err);
}

/* Names the members in which what is there is not what was asked for. */
static usher_status
clash(struct cli *cli, const struct entity *e, const union org_record *there,
    const union org_record *wanted, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text;

	buf_init(&text, USHER_ERROR_MESSAGE_BYTES);
	for (size_t i = 0; i < e->table.n; i++) {
		const struct field *f = &e->table.rows[i];

		if (field_equal(f, there, wanted))
			continue;
		buf_printf(&text, "%s%s ", text.n > 0 ? ", " : "", f->name);
		record_member_text(&text, f, there);
	}
	return err_set(err, USHER_E_CONFLICT, entity_key_text(cli->mem, e, there),
	    "is there already, with %s; change it with `set`", buf_cstr(&text));
}

static usher_status
add_work(struct changes *c, void *payload, struct usher_error *err)
{
	const struct entity *e = &entities[c->cli->command->entity];
	union org_record record, there;
	bool found = false;
	usher_status st;

	(void)payload;
	st = find(c, &record, &found, err);
	if (st != USHER_OK)
		return st;
	there = record;
	if (!found)
		st = fill_in(c, e, &record, err);
	if (st == USHER_OK)
		st = record_apply_settings(c->cli, &record, err);
	if (st == USHER_OK && found) {
		st = entity_check(c->cli->mem, e, &record, err);
		if (st == USHER_OK && !record_equal(&e->table, &there, &record))
			return clash(c->cli, e, &there, &record, err);
	}
	if (st == USHER_OK)
		st = site_check(c->cli, c->dir, e, &record, err);
	return st == USHER_OK ? changes_put(c, e, &record, err) : st;
}

int
verb_add(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(cli, DIR_WRITE, add_work, NULL, NULL);
}

/* What sets of verbs that end in changes_put() differ in. */
struct set_how {
	bool make;	  /* the record need not be there */
	enum tri enabled; /* for Outlook Anywhere */
};

static usher_status
set_work(struct changes *c, void *payload, struct usher_error *err)
{
	const struct entity *e = &entities[c->cli->command->entity];
	const struct set_how *how = payload;
	union org_record record;
	bool found = false;
	usher_status st;

	st = find(c, &record, &found, err);
	if (st != USHER_OK)
		return st;
	if (!found && !how->make)
		return no_such(c->cli, e, &record, err);
	if (!found)
		st = fill_in(c, e, &record, err);
	if (e->id == ENTITY_OUTLOOK_ANYWHERE && how->enabled != TRI_ABSENT)
		record.outlook_anywhere.enabled = how->enabled;
	if (st == USHER_OK)
		st = record_apply_settings(c->cli, &record, err);
	if (st == USHER_OK)
		st = site_check(c->cli, c->dir, e, &record, err);
	return st == USHER_OK ? changes_put(c, e, &record, err) : st;
}

int
verb_set(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(cli, DIR_WRITE, set_work, NULL, &(struct set_how){ 0 });
}

int
verb_put(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(cli, DIR_WRITE, set_work, NULL, &(struct set_how){ .make = true });
}

int
verb_enable(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(
	    cli, DIR_WRITE, set_work, NULL, &(struct set_how){ .make = true, .enabled = TRI_ON });
}

int
verb_disable(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(cli, DIR_WRITE, set_work, NULL, &(struct set_how){ .enabled = TRI_OFF });
}

static usher_status
remove_work(struct changes *c, void *payload, struct usher_error *err)
{
	const struct entity *e = &entities[c->cli->command->entity];
	union org_record record;
	bool found = false;
	usher_status st = find(c, &record, &found, err);

	(void)payload;
	return st == USHER_OK ? changes_remove(c, e, &record, err) : st;
}

int
verb_remove(struct cli *cli, const void *args)
{
	(void)args;
	return changes_run(cli, DIR_WRITE, remove_work, NULL, NULL);
}

int
verb_show(struct cli *cli, const void *args)
{
	const struct entity *e = &entities[cli->command->entity];
	struct changes *c = arena_zalloc(cli->mem, sizeof(*c));
	struct usher_error err = { 0 };
	union org_record record;
	bool found = false;
	usher_status st;
	int status;

	(void)args;
	if (c == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	c->cli = cli;
	status = cli_open(cli, DIR_READ, &c->dir);
	if (status != CLI_DONE)
		return status;
	st = find(c, &record, &found, &err);
	if (st == USHER_OK && !found)
		st = no_such(cli, e, &record, &err);
	if (st == USHER_OK) {
		write_open(cli->out, NULL, NULL);
		write_record(cli->out, &e->table, &record);
		write_close(cli->out);
	} else {
		status = cli_fail(st, &err);
	}
	dir_close(c->dir);
	return status;
}

/* ---- list ---- */

#define COLUMNS_MAX 8

/* What people want to see of each in a line; JSON has all members. Ends with a NULL name. */
static const struct column columns[ENTITY_COUNT][COLUMNS_MAX] = {
	[ENTITY_ORGANIZATION] = { { "name", "NAME" }, { "administrative_group", "GROUP" } },
	[ENTITY_SITE] = { { "name", "SITE" }, { "subnets", "SUBNETS" } },
	[ENTITY_SERVER] = { { "name", "SERVER" }, { "fqdn", "HOST" }, { "site", "SITE" },
	    { "internal_uri", "AUTODISCOVER URI" }, { "site_scope", "SITE SCOPE" } },
	[ENTITY_URL] = { { "service", "SERVICE" }, { "server", "SERVER" },
	    { "internal", "INTERNAL" }, { "external", "EXTERNAL" } },
	[ENTITY_OUTLOOK_ANYWHERE] = { { "server", "SERVER" }, { "enabled", "ENABLED" },
	    { "external_host", "EXTERNAL HOST" }, { "internal_host", "INTERNAL HOST" },
	    { "client_authentication", "AUTHENTICATION" } },
	[ENTITY_PROVIDER] = { { "name", "PROVIDER" },
	    { "cert_principal_name", "CERTIFICATE PRINCIPAL" }, { "server", "SERVER" },
	    { "ttl", "TTL", true }, { "server_exclusive_connect", "EXCLUSIVE" } },
	[ENTITY_RELATIONSHIP] = { { "name", "RELATIONSHIP" }, { "domains", "DOMAINS" },
	    { "free_busy", "FREE/BUSY" }, { "mail_tips", "MAIL TIPS" } },
	[ENTITY_CERTIFICATE] = { { "thumbprint", "THUMBPRINT" }, { "services", "SERVICES" },
	    { "subject", "SUBJECT" } },
	[ENTITY_AUTHORITY] = { { "name", "AUTHORITY" }, { "subject", "SUBJECT" },
	    { "not_after", "VALID UNTIL" }, { "permitted", "PERMITTED" } },
	[ENTITY_DOMAIN] = { { "domain", "DOMAIN" }, { "kind", "KIND" },
	    { "redirect_url", "REDIRECT URL" }, { "redirect_domain", "REDIRECT DOMAIN" },
	    { "alias_of", "ALIAS OF" }, { "server", "SERVER" }, { "display_name", "NAME" } },
	[ENTITY_SERVICE] = { { "domain", "DOMAIN" }, { "type", "TYPE" }, { "rank", "RANK", true },
	    { "host", "HOST" }, { "port", "PORT", true }, { "socket", "SOCKET" },
	    { "authentication", "AUTHENTICATION" }, { "url", "URL" } },
	[ENTITY_REDIRECT] = { { "domain", "DOMAIN" }, { "rank", "RANK", true },
	    { "pattern", "PATTERN" }, { "redirect_address", "ADDRESS" },
	    { "redirect_domain", "REDIRECT DOMAIN" }, { "redirect_url", "REDIRECT URL" } },
	[ENTITY_MAILBOX] = { { "address", "ADDRESS" }, { "display_name", "NAME" },
	    { "server", "SERVER" }, { "redirect_address", "REDIRECT" },
	    { "redirect_url", "REDIRECT URL" }, { "aliases", "ALIASES" } },
	[ENTITY_ALTERNATIVE_MAILBOX] = { { "mailbox", "MAILBOX" }, { "display_name", "NAME" },
	    { "type", "TYPE" }, { "smtp_address", "ADDRESS" }, { "legacy_dn", "LEGACY DN" },
	    { "server", "SERVER" } },
};

struct listing {
	struct cli *cli;
	const struct entity *e;
	const union org_record *key;
	size_t n;
};

/* Keys that lead were seen to by the directory; others given as options are compared here. */
static bool
wanted(const struct listing *l, const void *record)
{
	for (size_t i = 0; i < l->cli->n_settings; i++) {
		const struct field *f = l->cli->settings[i].field;

		if (f != &l->e->table.rows[0] && !field_equal(f, l->key, record))
			return false;
	}
	return true;
}

static usher_status
list_one(const void *record, void *payload)
{
	struct listing *l = payload;

	if (!wanted(l, record))
		return USHER_OK;
	write_open(l->cli->out, NULL, NULL);
	write_record(l->cli->out, &l->e->table, record);
	write_close(l->cli->out);
	l->n++;
	return USHER_OK;
}

static usher_status
list(struct cli *cli, struct dir *dir, const union org_record *key, struct usher_error *err)
{
	const struct entity *e = &entities[cli->command->entity];
	struct listing l = { .cli = cli, .e = e, .key = key };
	size_t n = 0;
	usher_status st;

	while (n < COLUMNS_MAX && columns[e->id][n].name != NULL)
		n++;
	write_list(cli->out, NULL, columns[e->id], n);
	st = dir_each(dir, e, key, list_one, &l, err);
	write_list_end(cli->out);
	if (l.n == 0 && st == USHER_OK)
		write_say(cli->out, "none");
	return st;
}

int
verb_list(struct cli *cli, const void *args)
{
	struct usher_error err = { 0 };
	union org_record key;
	struct dir *dir;
	bool complete;
	usher_status st;
	int status;

	(void)args;
	status = cli_open(cli, DIR_READ, &dir);
	if (status != CLI_DONE)
		return status;
	st = record_key(cli, NULL, &key, &complete, &err);
	if (st == USHER_OK)
		st = list(cli, dir, &key, &err);
	if (st != USHER_OK)
		status = cli_fail(st, &err);
	dir_close(dir);
	return status;
}
