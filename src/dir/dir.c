/* dir.c - finds the back end that a URI names, and keeps the rules common to all of them. */
#include "dir/dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/backend.h"

/* The first is meant when a URI names none. */
static const struct dir_backend *const backends[] = {
	&sqlite_backend,
	&ldap_backend,
};

enum { URI_MAX_BYTES = 4096 };

static bool
in_scheme(char c)
{
	return text_is_alnum(c) || c == '+' || c == '-' || c == '.';
}

/* Cuts `scheme:` off (RFC 3986, 3.1); without one the whole is the path. */
static struct slice
cut_scheme(const char *uri, const char **rest)
{
	struct cursor c = cursor_on(slice_of(uri));
	struct slice scheme = cursor_while(&c, in_scheme, URI_MAX_BYTES);

	*rest = uri;
	if (!text_is_alpha(uri[0]) || !cursor_char(&c, ':'))
		return slice_of(backends[0]->schemes[0]);
	*rest = c.p;
	return scheme;
}

static const struct dir_backend *
find_backend(struct slice scheme)
{
	for (size_t i = 0; i < COUNT_OF(backends); i++)
		for (const char *const *s = backends[i]->schemes; *s != NULL; s++)
			if (slice_is_nocase(scheme, *s))
				return backends[i];
	return NULL;
}

bool
dir_is_ldap(const char *uri)
{
	const char *where;
	const struct dir_backend *backend = find_backend(cut_scheme(uri, &where));

	return backend != NULL && backend->whole;
}

usher_status
dir_open(const char *uri, const struct dir_settings *settings, unsigned flags, struct dir **out,
    struct usher_error *err)
{
	struct dir_settings defaults;
	const struct dir_backend *backend;
	const char *where;
	struct dir *dir = NULL;
	char *name;
	usher_status st;

	if (strlen(uri) > URI_MAX_BYTES)
		return err_set(err, USHER_E_USAGE, "directory", "its name is too long (%d bytes)",
		    URI_MAX_BYTES);
	backend = find_backend(cut_scheme(uri, &where));
	if (backend == NULL)
		return err_set(err, USHER_E_USAGE, uri,
		    "no such kind of directory; write sqlite:PATH or ldap://HOST");
	if (where[0] == '\0')
		return err_set(err, USHER_E_USAGE, uri, "names no %s; write %s:%s",
		    backend->whole ? "server" : "file", backend->schemes[0],
		    backend->whole ? "//HOST" : "PATH");
	if (settings == NULL)
		dir_settings_init(&defaults);

	if (backend->whole)
		name = strdup(uri);
	else if (asprintf(&name, "%s:%s", backend->schemes[0], where) < 0)
		name = NULL;
	if (name == NULL)
		return err_nomem(err, uri);
	st = backend->open(backend->whole ? uri : where, settings == NULL ? &defaults : settings,
	    flags, &dir, err);
	if (st != USHER_OK) {
		free(name);
		return st;
	}
	dir->backend = backend;
	dir->flags = flags;
	dir->name = name;
	*out = dir;
	return USHER_OK;
}

void
dir_close(struct dir *dir)
{
	char *name;

	if (dir == NULL)
		return;
	dir_rollback(dir);
	name = dir->name;
	dir->backend->close(dir);
	free(name);
}

const char *
dir_name(const struct dir *dir)
{
	return dir->name;
}

const char *
dir_stem(const struct dir *dir)
{
	return dir->stem == NULL ? "" : dir->stem;
}

int
dir_brought_from(const struct dir *dir)
{
	return dir->brought_from;
}

enum lookup
dir_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err)
{
	return dir->backend->facts(dir, mem, question, login_name, out, err);
}

enum lookup
dir_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err)
{
	return dir->backend->domain(dir, mem, domain, out, err);
}

enum lookup
dir_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err)
{
	return dir->backend->credential(dir, mem, login, out, err);
}

void
dir_hold(struct dir *dir)
{
	dir->held = true;
}

void
dir_release(struct dir *dir)
{
	dir->held = false;
	dir->backend->release(dir);
}

enum lookup
dir_generation(struct dir *dir, uint64_t *out, struct usher_error *err)
{
	return dir->backend->generation(dir, out, err);
}

void
dir_wait(struct dir *dir, void (*ready)(void *arg), void *arg)
{
	dir->backend->wait(dir, ready, arg);
}

bool
dir_is_silent(const struct dir *dir)
{
	return dir->backend->is_silent != NULL && dir->backend->is_silent(dir);
}

int
dir_descriptor(const struct dir *dir)
{
	return dir->backend->descriptor == NULL ? -1 : dir->backend->descriptor(dir);
}

void
dir_turn(struct dir *dir)
{
	if (dir->backend->turn != NULL)
		dir->backend->turn(dir);
}

void
dir_since(struct dir *dir, uint64_t mono_ms)
{
	if (dir->backend->since != NULL)
		dir->backend->since(dir, mono_ms);
}

void
dir_count_in(struct dir *dir, struct dir_counters *counters)
{
	dir->counters = counters;
}

uint64_t
dir_age_ms(struct dir *dir)
{
	return dir->backend->age_ms == NULL ? 0 : dir->backend->age_ms(dir);
}

struct text_list
dir_skipped(struct dir *dir)
{
	return dir->backend->skipped == NULL ? (struct text_list){ 0 } : dir->backend->skipped(dir);
}

usher_status
dir_begin(struct dir *dir, struct usher_error *err)
{
	usher_status st;

	if (dir->in_transaction)
		return err_set(err, USHER_E_INTERNAL, dir->name, "a transaction is already open");
	st = dir->backend->begin(dir, err);
	dir->in_transaction = st == USHER_OK;
	return st;
}

usher_status
dir_commit(struct dir *dir, struct usher_error *err)
{
	if (!dir->in_transaction)
		return err_set(err, USHER_E_INTERNAL, dir->name, "no transaction is open");
	dir->in_transaction = false;
	return dir->backend->commit(dir, err);
}

void
dir_rollback(struct dir *dir)
{
	if (!dir->in_transaction)
		return;
	dir->in_transaction = false;
	dir->backend->rollback(dir);
}

enum lookup
dir_get(struct dir *dir, struct arena *mem, const struct entity *entity, const void *key, void *out,
    struct usher_error *err)
{
	return dir->backend->get(dir, mem, entity, key, out, err);
}

usher_status
dir_each(struct dir *dir, const struct entity *entity, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	return dir->backend->each(dir, entity, prefix, each, payload, err);
}

usher_status
dir_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err)
{
	return dir->backend->each_moved(dir, each, payload, err);
}

usher_status
dir_count(struct dir *dir, const struct entity *entity, uint64_t *out, struct usher_error *err)
{
	return dir->backend->count(dir, entity, out, err);
}

static usher_status
may_change(const struct dir *dir, struct usher_error *err)
{
	if ((dir->flags & DIR_WRITE) != 0 && dir->in_transaction)
		return USHER_OK;
	return err_set(err, USHER_E_INTERNAL, dir->name, "changed outside a transaction");
}

usher_status
dir_put(struct dir *dir, const struct entity *entity, const void *record, enum dir_change *change,
    struct usher_error *err)
{
	usher_status st = may_change(dir, err);

	return st != USHER_OK ? st : dir->backend->put(dir, entity, record, change, err);
}

usher_status
dir_remove(struct dir *dir, const struct entity *entity, const void *key, enum dir_change *change,
    struct usher_error *err)
{
	usher_status st = may_change(dir, err);

	return st != USHER_OK ? st : dir->backend->remove(dir, entity, key, change, err);
}

bool
dir_gathers(const struct dir *dir)
{
	return dir->backend->pending != NULL;
}

usher_status
dir_pending(struct dir *dir, usher_status (*each)(const struct ldap_change *change, void *payload),
    void *payload, struct usher_error *err)
{
	return dir->backend->pending(dir, each, payload, err);
}

bool
dir_keeps_passwords(const struct dir *dir)
{
	return dir->backend->password != NULL;
}

usher_status
dir_password(struct dir *dir, const char *login, const struct secret *password,
    enum dir_change *change, struct usher_error *err)
{
	usher_status st = may_change(dir, err);

	return st != USHER_OK ? st : dir->backend->password(dir, login, password, change, err);
}
