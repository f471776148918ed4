/* cmd_password.c - `usher mailbox password ADDRESS`: what a mailbox's owner asks with. */
#include <stdio.h>
#include <string.h>

#include "auth/password.h"
#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/changes.h"
#include "cli/commands.h"

struct password_args {
	const char *file;
	bool remove;
};

static const struct option_spec password_opts[] = {
	{ 0, "password-file", OPT_TEXT, offsetof(struct password_args, file), "FILE",
	    "take the first line of FILE; - is standard input" },
	{ 0, "remove", OPT_FLAG, offsetof(struct password_args, remove), NULL,
	    "take the password away, so that nobody can log in with it" },
	{ 0 },
};

struct work {
	const struct password_args *args;
	const char *address;
	struct secret password;
	char hash[PASSWORD_HASH_BYTES];
};

/* The login name of the mailbox, or the address itself where a domain needs no mailboxes. */
static usher_status
login_of(struct changes *c, const char *address, const char **out, struct usher_error *err)
{
	union org_record key, record;
	const char *at = strrchr(address, '@');

	record_init(&entities[ENTITY_MAILBOX].table, &key);
	key.mailbox.address = address;
	switch (dir_get(c->dir, c->cli->mem, &entities[ENTITY_MAILBOX], &key, &record, err)) {
	case LOOKUP_FOUND:
		*out = record.mailbox.login_name != NULL ? record.mailbox.login_name :
							   record.mailbox.address;
		return USHER_OK;
	case LOOKUP_ABSENT:
		break;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return err->status;
	}
	record_init(&entities[ENTITY_DOMAIN].table, &key);
	key.domain.domain = at + 1;
	switch (dir_get(c->dir, c->cli->mem, &entities[ENTITY_DOMAIN], &key, &record, err)) {
	case LOOKUP_FOUND:
		if (record.domain.kind != DOMAIN_MAIL)
			break;
		*out = address;
		return USHER_OK;
	case LOOKUP_ABSENT:
		break;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return err->status;
	}
	return err_set(err, USHER_E_ABSENT, address,
	    "there is no such mailbox; add it with `usher mailbox add %s`", address);
}

/* The same password again is no change, though its hash would be another one. */
static usher_status
put_hash(struct changes *c, struct work *work, union org_record *r, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CREDENTIAL];
	union org_record there;

	r->credential.password_hash = work->hash;
	switch (dir_get(c->dir, c->cli->mem, e, r, &there, err)) {
	case LOOKUP_FOUND:
		r->credential.enabled = there.credential.enabled;
		if (password_verify(&work->password, there.credential.password_hash) == USHER_OK)
			r->credential.password_hash = there.credential.password_hash;
		break;
	case LOOKUP_ABSENT:
		break;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return err->status;
	}
	return changes_put(c, e, r, err);
}

/* A directory that keeps passwords by itself tells nobody whether it was the same. */
static usher_status
hand_over(struct changes *c, struct work *work, const char *login, struct usher_error *err)
{
	enum dir_change kind = DIR_SAME;
	usher_status st = dir_password(c->dir, login, &work->password, &kind, err);

	c->counts[kind] += st == USHER_OK;
	return st;
}

static usher_status
password_work(struct changes *c, void *payload, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CREDENTIAL];
	struct work *work = payload;
	const char *login = NULL;
	union org_record r;
	usher_status st;

	c->brief = true;
	st = login_of(c, work->address, &login, err);
	if (st != USHER_OK)
		return st;
	record_init(&e->table, &r);
	r.credential.login_name = text_login_copy(c->cli->mem, slice_of(login));
	if (r.credential.login_name == NULL)
		return err_nomem(err, work->address);
	if (work->args->remove)
		return changes_remove(c, e, &r, err);
	return dir_keeps_passwords(c->dir) ? hand_over(c, work, r.credential.login_name, err) :
					     put_hash(c, work, &r, err);
}

static void
password_report(struct changes *c, void *payload)
{
	const struct work *work = payload;
	const char *would = c->cli->dry_run ? "would be " : "";

	if (c->counts[DIR_REMOVED] > 0)
		write_say(c->cli->out, "Password of %s: %sremoved", work->address, would);
	else if (c->counts[DIR_CREATED] + c->counts[DIR_CHANGED] > 0)
		write_say(c->cli->out, "Password of %s: %sset", work->address, would);
	else
		write_say(c->cli->out, "Password of %s: nothing to change", work->address);
}

/* Hashing takes a while: it is done before anybody has to wait for the directory. */
static usher_status
ask(struct work *work, struct usher_error *err)
{
	char prompt[320];
	usher_status st;

	(void)snprintf(prompt, sizeof(prompt), "Password for %s", work->address);
	st = cli_password(work->args->file, prompt, true, &work->password, err);
	return st == USHER_OK ? password_hash(&work->password, work->hash, err) : st;
}

static int
password_run(struct cli *cli, const void *args)
{
	struct work work = { .args = args };
	struct usher_error err = { 0 };
	struct address address;
	usher_status st;
	int status;

	st = address_parse(cli->mem, slice_of(cli->operands[0]), &address, &err);
	if (st == USHER_OK) {
		work.address = address.text;
		if (!work.args->remove)
			st = ask(&work, &err);
	}
	status = st == USHER_OK ?
		     changes_run(cli, DIR_WRITE, password_work, password_report, &work) :
		     cli_fail(st, &err);
	secret_clear(&work.password);
	explicit_bzero(work.hash, sizeof(work.hash));
	return status;
}

const struct command cmd_mailbox_password = {
	.name = "mailbox password",
	.operands = "ADDRESS",
	.summary = "set the password of a mailbox",
	.about = "The password comes from --password-file, else from $USHER_PASSWORD, else from a "
		 "prompt. Only its hash is kept.",
	.flags = CMD_CHANGES,
	.opts = password_opts,
	.args_size = sizeof(struct password_args),
	.run = password_run,
};
