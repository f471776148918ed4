/* changes.c - one transaction and the report of what it changed. */
#include "cli/changes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/cycle.h"
#include "cli/record.h"
#include "wire/ldif.h"

const char *
change_name(enum dir_change kind)
{
	static const char *const names[] = { [DIR_SAME] = "same",
		[DIR_CREATED] = "created",
		[DIR_CHANGED] = "changed",
		[DIR_REMOVED] = "removed" };

	return names[kind];
}

static usher_status
note(struct changes *c, const struct entity *e, enum dir_change kind, const void *before,
    const void *after, struct usher_error *err)
{
	struct arena *mem = c->cli->mem;
	struct change *change = &c->shown[c->n_shown];
	void *copies[2] = { NULL, NULL };
	const void *records[2] = { before, after };

	c->counts[kind]++;
	if (c->n_shown == CHANGES_SHOWN)
		return USHER_OK;
	for (size_t i = 0; i < 2; i++) {
		if (records[i] == NULL)
			continue;
		copies[i] = arena_alloc(mem, e->table.size);
		if (copies[i] == NULL || !record_copy(mem, &e->table, copies[i], records[i]))
			return err_nomem(err, e->name);
	}
	*change = (struct change){ e, kind, NULL, copies[0], copies[1] };
	change->key = entity_key_text(mem, e, after == NULL ? before : after);
	if (change->key == NULL)
		return err_nomem(err, e->name);
	c->n_shown++;
	return USHER_OK;
}

static usher_status
get(struct changes *c, struct arena *mem, const struct entity *e, const void *key,
    union org_record *out, bool *found, struct usher_error *err)
{
	enum lookup found_how = dir_get(c->dir, mem, e, key, out, err);

	*found = found_how == LOOKUP_FOUND;
	return found_how == LOOKUP_UNAVAILABLE ? err->status : USHER_OK;
}

enum { RECORD_BYTES = 4 * 1024 * 1024, LDIF_BYTES = 256 * 1024 * 1024 };

/* An unchanged record is the answer to a command on that one alone. */
static usher_status
note_same(struct changes *c, const struct entity *e, const void *record, struct usher_error *err)
{
	if (!c->many && c->n_shown == 0)
		return note(c, e, DIR_SAME, record, record, err);
	c->counts[DIR_SAME]++;
	return USHER_OK;
}

/* Whether redirects are other ones after the change. */
static bool
moves(const struct entity *e, const union org_record *record)
{
	return e->id == ENTITY_DOMAIN || e->id == ENTITY_REDIRECT ||
	       (e->id == ENTITY_MAILBOX && record->mailbox.redirect_address != NULL);
}

static usher_status
circles_of_mailbox(struct changes *c, const struct mailbox *m, struct usher_error *err)
{
	usher_status st = cycle_check_address(c->dir, m->address, err);

	for (size_t i = 0; st == USHER_OK && i < m->aliases.n; i++)
		st = cycle_check_address(c->dir, m->aliases.v[i], err);
	return st;
}

/* After a change. A document is looked at as a whole when all of it is there: in between it may
 * well go round. */
static usher_status
look_for_circles(struct changes *c, const struct entity *e, const union org_record *before,
    const union org_record *after, struct usher_error *err)
{
	const union org_record *r = before != NULL ? before : after;
	bool moved = (before != NULL && moves(e, before)) || (after != NULL && moves(e, after));

	if (!moved)
		return USHER_OK;
	c->moved = true;
	if (c->many)
		return USHER_OK;
	if (e->id == ENTITY_MAILBOX)
		return circles_of_mailbox(c, &r->mailbox, err);
	return cycle_check_domain(
	    c->dir, e->id == ENTITY_DOMAIN ? r->domain.domain : r->redirect.domain, err);
}

/* `put` or only look. */
static usher_status
put_or_look(
    struct changes *c, const struct entity *e, void *record, bool put, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(RECORD_BYTES);
	union org_record before;
	enum dir_change kind;
	bool found = false;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, e->name);
	st = entity_check(mem, e, record, err);
	if (st == USHER_OK)
		st = get(c, mem, e, record, &before, &found, err);
	if (st == USHER_OK && found && record_equal(&e->table, &before, record))
		return note_same(c, e, record, err);
	kind = found ? DIR_CHANGED : DIR_CREATED;
	if (st == USHER_OK && put)
		st = dir_put(c->dir, e, record, &kind, err);
	if (st == USHER_OK && put)
		st = look_for_circles(c, e, found ? &before : NULL, record, err);
	if (st == USHER_OK)
		st = note(c, e, kind, found ? &before : NULL, record, err);
	return st;
}

usher_status
changes_put(struct changes *c, const struct entity *e, void *record, struct usher_error *err)
{
	return put_or_look(c, e, record, true, err);
}

usher_status
changes_compare(struct changes *c, const struct entity *e, void *record, struct usher_error *err)
{
	return put_or_look(c, e, record, false, err);
}

usher_status
changes_compare_gone(
    struct changes *c, const struct entity *e, const void *record, struct usher_error *err)
{
	return note(c, e, DIR_REMOVED, record, NULL, err);
}

usher_status
changes_remove(struct changes *c, const struct entity *e, const void *key, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(RECORD_BYTES);
	enum dir_change kind = DIR_SAME;
	union org_record before;
	bool found = false;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, e->name);
	st = get(c, mem, e, key, &before, &found, err);
	if (st == USHER_OK && found)
		st = dir_remove(c->dir, e, key, &kind, err);
	if (st == USHER_OK && found)
		st = look_for_circles(c, e, &before, NULL, err);
	if (st == USHER_OK)
		st = note(c, e, kind, found ? &before : NULL, found ? NULL : key, err);
	return st;
}

/* ---- the report ---- */

static void
write_members_json(struct writer *w, const struct change *ch)
{
	const struct field_table *t = &ch->entity->table;

	write_list(w, "members", NULL, 0);
	for (size_t i = ch->entity->n_keys; i < t->n; i++) {
		struct field as = t->rows[i];

		if (ch->before != NULL && ch->after != NULL &&
		    field_equal(&as, ch->before, ch->after))
			continue;
		if (as.type != FIELD_CHOICE &&
		    (ch->before == NULL || field_absent(&as, ch->before)) &&
		    (ch->after == NULL || field_absent(&as, ch->after)))
			continue;
		write_open(w, NULL, NULL);
		write_text(w, "name", as.name);
		as.name = "old";
		if (ch->before != NULL)
			write_field(w, &as, ch->before);
		as.name = "new";
		if (ch->after != NULL)
			write_field(w, &as, ch->after);
		write_close(w);
	}
	write_list_end(w);
}

static void
write_members_text(struct writer *w, const struct change *ch)
{
	const struct field_table *t = &ch->entity->table;
	struct buf CLEANUP(buf_cleanup) text;

	buf_init(&text, 256 * 1024);
	for (size_t i = ch->entity->n_keys; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (field_equal(f, ch->before, ch->after))
			continue;
		buf_reset(&text);
		record_member_text(&text, f, ch->before);
		buf_text(&text, " → ");
		record_member_text(&text, f, ch->after);
		write_text(w, f->name, buf_cstr(&text));
	}
}

void
changes_write(struct cli *cli, const struct change *ch)
{
	static const char *const done[] = { [DIR_SAME] = "nothing to change",
		[DIR_CREATED] = "created",
		[DIR_CHANGED] = "changed",
		[DIR_REMOVED] = "removed" };
	static const char *const would[] = { [DIR_SAME] = "nothing to change",
		[DIR_CREATED] = "would be created",
		[DIR_CHANGED] = "would be changed",
		[DIR_REMOVED] = "would be removed" };
	const char *words = (cli->dry_run ? would : done)[ch->kind];
	char title[512];

	if (ch->key[0] == '\0')
		(void)snprintf(title, sizeof(title), "%s: %s", ch->entity->title, words);
	else
		(void)snprintf(
		    title, sizeof(title), "%s %s: %s", ch->entity->title, ch->key, words);
	title[0] = (char)(title[0] >= 'a' && title[0] <= 'z' ? title[0] - 'a' + 'A' : title[0]);
	if (!cli->json && ch->kind != DIR_CHANGED) {
		write_say(cli->out, "%s", title);
		return;
	}
	write_open(cli->out, NULL, title);
	if (cli->json) {
		write_text(cli->out, "entity", ch->entity->name);
		write_text(cli->out, "key", ch->key);
		write_text(cli->out, "change", change_name(ch->kind));
		if (ch->kind != DIR_SAME)
			write_members_json(cli->out, ch);
	} else {
		write_members_text(cli->out, ch);
	}
	write_close(cli->out);
}

static void
write_report(struct changes *c, void (*report)(struct changes *c, void *payload), void *payload)
{
	struct writer *w = c->cli->out;
	size_t all = 0;

	for (size_t i = 0; i < COUNT_OF(c->counts); i++)
		all += i == DIR_SAME ? 0 : c->counts[i];
	write_open(w, NULL, NULL);
	if (c->cli->json)
		write_flag(w, "dry_run", c->cli->dry_run);
	write_list(w, "changes", NULL, 0);
	for (size_t i = 0; i < c->n_shown; i++)
		if ((c->shown[i].kind != DIR_SAME || all == 0) && (c->cli->json || !c->brief))
			changes_write(c->cli, &c->shown[i]);
	write_list_end(w);
	if (all > CHANGES_SHOWN) {
		write_say(w, "… and %zu further changes", all - CHANGES_SHOWN);
		if (c->cli->json)
			write_number(w, "further", (int64_t)(all - CHANGES_SHOWN));
	}
	if (report != NULL)
		report(c, payload);
	write_close(w);
}

static usher_status
write_pending(const struct ldap_change *change, void *payload)
{
	struct buf *b = payload;

	if (change->kind == LDAP_CHANGE_MODIFY && change->n == 0)
		buf_printf(b, "# the password of %s, which LDIF does not tell\n\n", change->dn);
	else
		ldif_write(b, change);
	return b->status;
}

/* What would be sent, for ldapmodify(1) or to be looked at. */
static usher_status
write_ldif(struct changes *c, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) b;
	usher_status st;

	buf_init(&b, LDIF_BYTES);
	st = dir_pending(c->dir, write_pending, &b, err);
	if (st != USHER_OK)
		return err_set(err, st, "--dry-run", "the changes are too many to show");
	if (b.n == 0)
		buf_text(&b, "# nothing to change\n");
	write_raw(c->cli->out, buf_cstr(&b), b.n);
	return USHER_OK;
}

int
changes_run(struct cli *cli, unsigned flags,
    usher_status (*work)(struct changes *c, void *payload, struct usher_error *err),
    void (*report)(struct changes *c, void *payload), void *payload)
{
	struct usher_error err = { 0 };
	struct changes *c;
	bool ldif = false;
	usher_status st;
	int status;

	c = arena_zalloc(cli->mem, sizeof(*c));
	if (c == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	c->cli = cli;
	status = cli_open(cli, flags, &c->dir);
	if (status != CLI_DONE)
		return status;
	st = dir_begin(c->dir, &err);
	if (st == USHER_OK)
		st = work(c, payload, &err);
	if (st == USHER_OK && c->many && c->moved)
		st = cycle_check_all(c->dir, &err);
	ldif = cli->dry_run && !cli->json && (flags & DIR_WRITE) != 0 && dir_gathers(c->dir);
	if (st == USHER_OK && ldif)
		st = write_ldif(c, &err);
	if (st == USHER_OK && !cli->dry_run)
		st = dir_commit(c->dir, &err);
	else
		dir_rollback(c->dir);
	if (st == USHER_OK && !ldif)
		write_report(c, report, payload);
	else if (st != USHER_OK)
		status = cli_fail(st, &err);
	dir_close(c->dir);
	return status;
}

static int
run_on_scratch(struct cli *cli,
    usher_status (*work)(struct changes *c, void *payload, struct usher_error *err),
    void (*report)(struct changes *c, void *payload), void *payload)
{
	char folder[] = "/tmp/usher-XXXXXX";
	struct usher_error err = { 0 };
	static const char *const files[] = { "usher.db", "usher.db-wal", "usher.db-shm" };
	int status;

	if (mkdtemp(folder) == NULL) {
		(void)err_set(&err, USHER_E_IO, folder, "cannot be made");
		return cli_fail(USHER_E_IO, &err);
	}
	cli->directory = arena_printf(cli->mem, "sqlite:%s/%s", folder, files[0]);
	if (cli->directory == NULL)
		status = cli_fail(err_nomem(&err, NULL), &err);
	else
		status = changes_run(cli, DIR_WRITE | DIR_CREATE, work, report, payload);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *path = arena_printf(cli->mem, "%s/%s", folder, files[i]);

		if (path != NULL)
			(void)unlink(path);
	}
	(void)rmdir(folder);
	return status;
}

int
changes_run_or_make(struct cli *cli,
    usher_status (*work)(struct changes *c, void *payload, struct usher_error *err),
    void (*report)(struct changes *c, void *payload), void *payload)
{
	struct usher_error err = { 0 };
	struct dir *dir = NULL;
	const char *uri;
	usher_status st;

	if (cli->dry_run) {
		st = cli_directory(cli, &uri, &err);
		if (st == USHER_OK && !dir_is_ldap(uri))
			st = cli_dir_open(cli, uri, DIR_READ, &dir, &err);
		dir_close(st == USHER_OK ? dir : NULL);
		if (st == USHER_E_ABSENT)
			return run_on_scratch(cli, work, report, payload);
	}
	return changes_run(cli, DIR_WRITE | DIR_CREATE, work, report, payload);
}
