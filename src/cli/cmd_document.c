/* cmd_document.c - `usher export`, `apply` and `diff`: the whole directory as one JSON document.
 *
 * A document says all about each record that is in it: what a record does not name is absent. What
 * the document itself does not have is left alone, or removed with --prune. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cert/store.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/keys.h"
#include "cli/seen.h"
#include "wire/json.h"

enum { DOCUMENT_BYTES = 2000 * 1024 * 1024, FLUSH_BYTES = 256 * 1024 };

/* ---- export ---- */

struct export_args {
	bool with_secrets;
};

static const struct option_spec export_opts[] = {
	{ 0, "with-secrets", OPT_FLAG, offsetof(struct export_args, with_secrets), NULL,
	    "passwords' hashes too" },
	{ 0 },
};

struct exporting {
	struct writer *w;
	struct buf text;
	struct json_document document;
	const struct entity *entity;
	unsigned flags;
};

static void
flush(struct exporting *ex, size_t least)
{
	if (ex->text.n < least)
		return;
	write_raw(ex->w, buf_cstr(&ex->text), ex->text.n);
	buf_reset(&ex->text);
}

static usher_status
export_one(const void *record, void *payload)
{
	struct exporting *ex = payload;

	json_document_record(&ex->document, ex->entity, record, ex->flags);
	if (ex->text.status != USHER_OK)
		return ex->text.status;
	flush(ex, FLUSH_BYTES);
	return USHER_OK;
}

/* Without its hash a credential says nothing that the mailbox does not. */
static usher_status
export_all(struct exporting *ex, struct dir *dir, struct usher_error *err)
{
	usher_status st = dir_begin(dir, err);

	json_document_begin(&ex->document, &ex->text);
	for (size_t i = 0; i < ENTITY_COUNT && st == USHER_OK; i++) {
		if (i == ENTITY_CREDENTIAL && ex->flags == JSON_PLAIN)
			continue;
		ex->entity = &entities[i];
		st = dir_each(dir, ex->entity, NULL, export_one, ex, err);
	}
	json_document_end(&ex->document);
	dir_rollback(dir);
	if (st == USHER_OK && ex->text.status != USHER_OK)
		return err_nomem(err, "export");
	if (st == USHER_OK)
		flush(ex, 0);
	return st;
}

static int
export_run(struct cli *cli, const void *opaque)
{
	const struct export_args *args = opaque;
	struct exporting ex = { .w = cli->out };
	struct usher_error err = { 0 };
	struct dir *dir;
	usher_status st;
	int status;

	status = cli_open(cli, DIR_READ, &dir);
	if (status != CLI_DONE)
		return status;
	ex.flags = args->with_secrets ? JSON_SECRETS : JSON_PLAIN;
	buf_init(&ex.text, 2 * JSON_RECORD_BYTES + FLUSH_BYTES);
	st = export_all(&ex, dir, &err);
	if (st != USHER_OK)
		status = cli_fail(st, &err);
	buf_wipe(&ex.text);
	dir_close(dir);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "print the whole directory as one JSON document",
	.about =
	    "The document is the same as long as the directory is. Private keys are never in it, "
	    "and passwords' hashes only with --with-secrets.",
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.run = export_run,
};

/* ---- apply and diff ---- */

struct apply_args {
	bool prune;
};

static const struct option_spec apply_opts[] = {
	{ 0, "prune", OPT_FLAG, offsetof(struct apply_args, prune), NULL,
	    "remove what FILE does not have; passwords and certificates only when it has any" },
	{ 0 },
};

/* A change that had to wait: what it needs, or what is in its way, was not yet done. */
struct pending {
	const struct entity *entity;
	union org_record *record;
	size_t line; /* 0: a removal */
	bool done;
	struct pending *next;
};

struct applying {
	struct changes *c;
	const char *file;
	bool prune;
	bool compare; /* diff: only look */
	bool differs; /* known when the work is done */
	bool has[ENTITY_COUNT];
	struct seen *seen;
	const struct entity *pruning;
	struct pending *first, **last;
};

/* The file, and where in it: of a path that is too long the beginning is left out. */
static void
in_file(const struct applying *a, const char *between, const char *there, struct usher_error *err)
{
	char where[sizeof(err->where)];
	size_t room = sizeof(where) / 2, n = strlen(a->file);

	if (snprintf(where, sizeof(where), "%s%s%s", n > room ? a->file + n - room : a->file,
		between, there) < 0)
		return;
	memcpy(err->where, where, sizeof(where));
}

static usher_status
at_line(const struct applying *a, size_t line, struct usher_error *err)
{
	char there[sizeof(err->where)];

	(void)snprintf(there, sizeof(there), "%zu%s%.100s", line, err->where[0] == '\0' ? "" : ": ",
	    err->where);
	in_file(a, ":", there, err);
	return err->status;
}

static usher_status
wait_for_others(struct applying *a, const struct entity *e, const void *record, size_t line,
    struct usher_error *err)
{
	struct arena *mem = a->c->cli->mem;
	struct pending *p = arena_zalloc(mem, sizeof(*p));

	if (p != NULL)
		p->record = arena_zalloc(mem, sizeof(*p->record));
	if (p == NULL || p->record == NULL || !record_copy(mem, &e->table, p->record, record))
		return err_nomem(err, a->file);
	p->entity = e;
	p->line = line;
	*a->last = p;
	a->last = &p->next;
	return USHER_OK;
}

/* Members that a document may leave to usher: the hash that an export without secrets left out, and
 * when a server was made. */
static usher_status
fill_in(struct applying *a, const struct json_item *item, struct usher_error *err)
{
	union org_record there, *r = item->record;
	bool hash = item->entity->id == ENTITY_CREDENTIAL && r->credential.password_hash == NULL;
	bool created = item->entity->id == ENTITY_SERVER && r->server.created == NUMBER_ABSENT;

	if (!hash && !created)
		return USHER_OK;
	switch (dir_get(a->c->dir, item->mem, item->entity, r, &there, err)) {
	case LOOKUP_FOUND:
		if (hash)
			r->credential.password_hash = there.credential.password_hash;
		else
			r->server.created = there.server.created;
		return USHER_OK;
	case LOOKUP_ABSENT:
		if (created)
			r->server.created = a->c->cli->now_ms / 1000;
		return USHER_OK;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		break;
	}
	return err->status;
}

/* The key as one text that no other record has. */
static const char *
whole_key(struct arena *mem, const struct entity *e, const void *record)
{
	const char *key = entity_key_text(mem, e, record);

	return key == NULL ? NULL : arena_printf(mem, "%s %s", e->name, key);
}

static usher_status
apply_one(const struct json_item *item, void *payload, struct usher_error *err)
{
	const struct entity *e = item->entity;
	struct applying *a = payload;
	union org_record record;
	size_t before = 0;
	const char *key;
	usher_status st;

	a->has[e->id] = true;
	st = fill_in(a, item, err);
	if (st == USHER_OK)
		st = entity_check(item->mem, e, item->record, err);
	if (st != USHER_OK)
		return at_line(a, item->line, err);
	key = whole_key(item->mem, e, item->record);
	if (key == NULL || !seen_add(a->seen, key, item->line, &before))
		return err_nomem(err, a->file);
	if (before != 0) {
		(void)err_set(err, USHER_E_INPUT, key, "stands in line %zu already", before);
		return at_line(a, item->line, err);
	}
	record = *item->record;
	if (a->compare)
		return changes_compare(a->c, e, &record, err);
	st = changes_put(a->c, e, &record, err);
	if (st == USHER_E_CONFLICT)
		return wait_for_others(a, e, item->record, item->line, err);
	return st == USHER_OK ? USHER_OK : at_line(a, item->line, err);
}

/* ---- pruning ---- */

static usher_status
prune_one(const void *record, void *payload)
{
	struct applying *a = payload;
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(64 * 1024);
	size_t before = 0;
	const char *key = mem == NULL ? NULL : whole_key(mem, a->pruning, record);

	if (key == NULL)
		return USHER_E_NOMEM;
	before = seen_find(a->seen, key);
	return before != 0 ? USHER_OK : wait_for_others(a, a->pruning, record, 0, NULL);
}

static usher_status
prune(struct applying *a, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t id = ENTITY_COUNT; id-- > 0 && st == USHER_OK;) {
		if (entities[id].n_keys == 0 ||
		    (!a->has[id] && (id == ENTITY_CREDENTIAL || id == ENTITY_CERTIFICATE ||
					id == ENTITY_AUTHORITY)))
			continue;
		a->pruning = &entities[id];
		st = dir_each(a->c->dir, a->pruning, NULL, prune_one, a, err);
		if (st == USHER_E_NOMEM)
			return err_nomem(err, a->file);
	}
	return st;
}

static usher_status
try_pending(struct applying *a, struct pending *p, struct usher_error *err)
{
	union org_record record = *p->record;
	usher_status st;

	if (a->compare)
		return changes_compare_gone(a->c, p->entity, &record, err);
	if (p->line == 0)
		return changes_remove(a->c, p->entity, &record, err);
	st = changes_put(a->c, p->entity, &record, err);
	return st == USHER_OK ? USHER_OK : at_line(a, p->line, err);
}

/* Tries what waits again and again, as long as that helps. */
static usher_status
settle(struct applying *a, struct usher_error *err)
{
	bool progress = true;
	size_t left = 1;

	while (progress && left > 0) {
		progress = false;
		left = 0;
		for (struct pending *p = a->first; p != NULL; p = p->next) {
			usher_status st = p->done ? USHER_OK : try_pending(a, p, err);

			if (st != USHER_OK && st != USHER_E_CONFLICT)
				return st;
			progress = progress || (st == USHER_OK && !p->done);
			p->done = st == USHER_OK;
			left += p->done ? 0 : 1;
		}
	}
	return left == 0 ? USHER_OK : USHER_E_CONFLICT;
}

static usher_status
apply_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct applying *a = payload;
	struct buf CLEANUP(buf_cleanup) text;
	usher_status st;

	c->many = true;
	a->c = c;
	a->last = &a->first;
	buf_init(&text, DOCUMENT_BYTES);
	st = cli_read_file(a->file, &text, err);
	if (st == USHER_E_ABSENT)
		st = err_set(err, USHER_E_INPUT, a->file, "there is no such file");
	if (st == USHER_OK) {
		st = json_read_document(buf_as_slice(&text), apply_one, a, err);
		if (st != USHER_OK && strncmp(err->where, "line ", strlen("line ")) == 0)
			in_file(a, ": ", err->where, err);
	}
	if (st == USHER_OK && a->prune)
		st = prune(a, err);
	return st == USHER_OK ? settle(a, err) : st;
}

static bool
any_change(const struct changes *c)
{
	return c->counts[DIR_CREATED] + c->counts[DIR_CHANGED] + c->counts[DIR_REMOVED] > 0;
}

/* Keys are in no document: a certificate from elsewhere cannot be served without further ado. */
static void
tell_missing_keys(const struct changes *c)
{
	for (size_t i = 0; i < c->n_shown && !c->cli->dry_run; i++) {
		const struct change *ch = &c->shown[i];
		const char *name = ch->after == NULL ? NULL : keys_name(ch->entity, ch->after);
		char path[PATH_MAX];

		if (name == NULL)
			continue;
		cert_key_path(dir_stem(c->dir), name, path, sizeof(path));
		if (access(path, F_OK) != 0)
			cli_note("%s %s: its key is not here; copy it to %s", ch->entity->title,
			    ch->key, path);
	}
}

static void
apply_report(struct changes *c, void *payload)
{
	struct applying *a = payload;

	a->differs = any_change(c);
	tell_missing_keys(c);
	if (!a->differs)
		write_say(c->cli->out, "nothing to change");
	if (!c->cli->json)
		return;
	write_number(c->cli->out, "created", (int64_t)c->counts[DIR_CREATED]);
	write_number(c->cli->out, "changed", (int64_t)c->counts[DIR_CHANGED]);
	write_number(c->cli->out, "removed", (int64_t)c->counts[DIR_REMOVED]);
	write_number(c->cli->out, "same", (int64_t)c->counts[DIR_SAME]);
}

static int
run(struct cli *cli, struct applying *a, unsigned flags)
{
	struct usher_error err = { 0 };
	int status;

	a->file = cli->operands[0];
	a->seen = seen_new();
	if (a->seen == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	status = changes_run(cli, flags, apply_work, apply_report, a);
	seen_free(a->seen);
	return status;
}

static int
apply_run(struct cli *cli, const void *opaque)
{
	const struct apply_args *args = opaque;

	return run(cli, &(struct applying){ .prune = args->prune },
	    DIR_WRITE | (cli->dry_run ? 0 : DIR_CREATE));
}

const struct command cmd_apply = {
	.name = "apply",
	.operands = "FILE",
	.summary = "make the directory what a JSON document says",
	.about = "FILE is a document as `usher export` prints it; - is standard input. Records are "
		 "created and changed in one transaction. What FILE does not have stays, unless "
		 "--prune is given.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = apply_opts,
	.args_size = sizeof(struct apply_args),
	.run = apply_run,
};

static int
diff_run(struct cli *cli, const void *args)
{
	struct applying a = { .prune = true, .compare = true };
	int status;

	(void)args;
	cli->dry_run = true;
	status = run(cli, &a, DIR_READ);
	return status == CLI_DONE && a.differs ? CLI_NEGATIVE : status;
}

const struct command cmd_diff = {
	.name = "diff",
	.operands = "FILE",
	.summary = "show how the directory differs from a JSON document",
	.about =
	    "Shows what `usher apply --prune FILE` would do. The exit status is 1 when that is "
	    "anything at all.",
	.run = diff_run,
};
