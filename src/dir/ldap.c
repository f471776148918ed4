/* ldap.c - the LDAP back end: opening, and the table of what it does. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dir/ldap.h"

enum { HANDLE_BYTES = 64 * 1024 };

static void
close_directory(struct dir *dir)
{
	struct ldap_dir *d = ldap_dir_of(dir);

	ldap_serving_close(d->serving);
	ldap_manage_close(d->manage);
	arena_free(d->mem);
	free(d->dir.stem);
	free(d);
}

static usher_status
open_directory(const char *uri, const struct dir_settings *settings, unsigned flags,
    struct dir **out, struct usher_error *err)
{
	struct ldap_dir *d = calloc(1, sizeof(*d));
	usher_status st = USHER_OK;

	if (d == NULL)
		return err_nomem(err, uri);
	d->settings = *settings;
	d->dir.flags = flags;
	d->dir.stem = settings->state == NULL ? NULL : strdup(settings->state);
	d->mem = arena_new(HANDLE_BYTES);
	d->uri = d->mem == NULL ? NULL : arena_strdup(d->mem, uri);
	if (d->uri == NULL || (settings->state != NULL && d->dir.stem == NULL))
		st = err_nomem(err, uri);
	if (st == USHER_OK)
		st =
		    (flags & DIR_SERVE) != 0 ? ldap_serving_open(d, err) : ldap_manage_open(d, err);
	if (st == USHER_OK)
		*out = &d->dir;
	else
		close_directory(&d->dir);
	return st;
}

static enum lookup
facts(struct dir *dir, struct arena *mem, const struct question *question, const char *login_name,
    struct facts *out, struct usher_error *err)
{
	return (dir->flags & DIR_SERVE) != 0 ?
		   ldap_dir_facts(dir, mem, question, login_name, out, err) :
		   ldap_manage_facts(dir, mem, question, out, err);
}

static enum lookup
domain(struct dir *dir, struct arena *mem, const char *name, struct facts *out,
    struct usher_error *err)
{
	return (dir->flags & DIR_SERVE) != 0 ? ldap_dir_domain_facts(dir, mem, name, out, err) :
					       ldap_manage_domain(dir, mem, name, out, err);
}

static const char *const schemes[] = { "ldap", "ldaps", "ldapi", NULL };

const struct dir_backend ldap_backend = {
	.schemes = schemes,
	.whole = true,
	.open = open_directory,
	.close = close_directory,
	.facts = facts,
	.domain = domain,
	.credential = ldap_dir_credential,
	.release = ldap_dir_release,
	.generation = ldap_dir_generation,
	.wait = ldap_dir_wait,
	.descriptor = ldap_dir_descriptor,
	.is_silent = ldap_dir_is_silent,
	.turn = ldap_dir_turn,
	.since = ldap_dir_since,
	.age_ms = ldap_dir_age_ms,
	.skipped = ldap_dir_skipped,
	.begin = ldap_dir_begin,
	.commit = ldap_dir_commit,
	.rollback = ldap_dir_rollback,
	.get = ldap_dir_get,
	.each = ldap_dir_each,
	.each_moved = ldap_dir_each_moved,
	.count = ldap_dir_count,
	.put = ldap_dir_put,
	.remove = ldap_dir_remove,
	.pending = ldap_dir_pending,
	.password = ldap_dir_password,
};
