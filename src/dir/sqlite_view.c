/* sqlite_view.c - one moment of the file, and what is kept of it from one lookup to the next. */
#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "dir/sqlite.h"

enum { LOOK_EVERY_MS = 1000 };

/* ---- the cache ---- */

static void
drop_domains(struct serve_cache *c)
{
	c->domains = (struct name_map){ 0 };
	if (c->domain_mem != NULL)
		arena_reset(c->domain_mem);
}

void
serve_cache_drop(struct sqlite_dir *d)
{
	struct serve_cache *c = &d->cache;

	c->data_version = -1;
	c->org_loaded = false;
	if (c->org_mem != NULL)
		arena_reset(c->org_mem);
	drop_domains(c);
	c->delegate = (struct delegate){ 0 };
}

void
serve_cache_free(struct sqlite_dir *d)
{
	arena_free(d->cache.org_mem);
	arena_free(d->cache.domain_mem);
	arena_free(d->cache.delegate_mem);
}

/* ---- one view ---- */

/* A file that was replaced would otherwise be served for ever: SQLite keeps the old one open. The
 * new one is opened in its place, at most one try a second. */
static usher_status
follow_file(struct sqlite_dir *d, struct usher_error *err)
{
	uint64_t now = clock_mono_ms();
	usher_status st;

	if (now - d->looked_ms < LOOK_EVERY_MS) {
		if (d->db == NULL && err != NULL)
			*err = d->gone;
		return d->db == NULL ? d->gone.status : USHER_OK;
	}
	d->looked_ms = now;
	if (d->db != NULL) {
		if (sqlite_still_there(d))
			return USHER_OK;
		sqlite_disconnect(d);
	}
	st = sqlite_connect(d, &d->gone);
	if (st != USHER_OK && err != NULL)
		*err = d->gone;
	return st;
}

/* Everything was dropped because somebody committed; it may have been a newer usher, or a backup of
 * an older one was restored. */
static usher_status
check_version(struct sqlite_dir *d, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	int version;
	bool row;

	st = statement_get(d, STATEMENT_USER_VERSION, &stmt, err);
	if (st != USHER_OK)
		return st;
	st = sqlite_row(d, stmt, &row, err);
	version = sqlite3_column_int(stmt, 0);
	(void)sqlite3_reset(stmt);
	if (st == USHER_OK && version < schema_version)
		return err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "is now of schema %d of an older usher; reload usherd to bring it to schema %d",
		    version, schema_version);
	if (st == USHER_OK && version > schema_version)
		st = err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "was brought to schema %d by a newer usher, this one knows %d; restart usherd",
		    version, schema_version);
	return st;
}

static void
end(struct sqlite_dir *d)
{
	d->in_view = false;
	d->row_of = NULL;
	(void)sqlite3_reset(d->viewing);
	d->viewing = NULL;
}

void
view_end(struct sqlite_dir *d)
{
	d->row_of = NULL;
	if (!d->dir.held)
		end(d);
}

void
sqlite_release(struct dir *dir)
{
	end(sqlite_of(dir));
}

static void
make_room(struct serve_cache *c)
{
	if (c->domains.n >= CACHE_DOMAINS || arena_used(c->domain_mem) > CACHE_DOMAIN_BYTES / 2)
		drop_domains(c);
}

/* The transaction stays open because the statement that began it is not reset: a BEGIN and a COMMIT
 * less for each request. A domain that has to be read anyway begins it, so that one that does not
 * exist costs as little as one that is kept. */
static usher_status
begin(struct sqlite_dir *d, const char *domain, int64_t *version, struct usher_error *err)
{
	bool kept = domain == NULL || name_map_find(&d->cache.domains, domain) != NULL;
	unsigned now = 0;
	usher_status st;
	bool row;

	st = statement_get(
	    d, kept ? STATEMENT_DATA_VERSION : STATEMENT_VIEW_OF_DOMAIN, &d->viewing, err);
	if (st != USHER_OK)
		return st;
	/* A view that is held outlives the request. */
	if (!kept && sqlite3_bind_text(d->viewing, 1, domain, -1, SQLITE_TRANSIENT) != SQLITE_OK)
		return sqlite_failed(d, err);
	st = sqlite_row(d, d->viewing, &row, err);
	if (st != USHER_OK)
		return st;
	d->row_of = kept ? NULL : domain;
	if (sqlite3_file_control(d->db, "main", SQLITE_FCNTL_DATA_VERSION, &now) != SQLITE_OK)
		return sqlite_failed(d, err);
	*version = now;
	return USHER_OK;
}

usher_status
view_begin(struct sqlite_dir *d, const char *domain, struct usher_error *err)
{
	struct serve_cache *c = &d->cache;
	usher_status st = USHER_OK;
	int64_t version = -1;

	if (d->in_view) {
		make_room(c);
		return USHER_OK;
	}
	if ((d->flags & DIR_SERVE) != 0 && !d->dir.in_transaction)
		st = follow_file(d, err);
	if (st != USHER_OK)
		return st;
	st = begin(d, domain, &version, err);
	if (st != USHER_OK) {
		end(d);
		return st;
	}
	/* Our own uncommitted changes do not move the version. */
	if (version != c->data_version || d->dir.in_transaction) {
		serve_cache_drop(d);
		st = check_version(d, err);
		if (st != USHER_OK) {
			end(d);
			return st;
		}
		c->data_version = version;
	}
	make_room(c);
	d->in_view = d->dir.held;
	return USHER_OK;
}

/* ---- the organization ---- */

static usher_status
read_all(struct sqlite_dir *d, enum statement which, enum entity_id id, void *array, size_t *n,
    struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;

	st = statement_get(d, which, &stmt, err);
	if (st != USHER_OK)
		return st;
	return record_read_all(d, stmt, &entities[id], d->cache.org_mem, array, n, err);
}

usher_status
view_org(struct sqlite_dir *d, struct usher_error *err)
{
	struct org_view *o = &d->cache.org;
	struct organization *organization;
	size_t n;
	usher_status st;

	if (d->cache.org_loaded)
		return USHER_OK;
	arena_reset(d->cache.org_mem); /* a read that failed may have left a part */
	memset(o, 0, sizeof(*o));
	record_init(&entities[ENTITY_ORGANIZATION].table, &o->organization);
	st = read_all(d, STATEMENT_ORGANIZATION, ENTITY_ORGANIZATION, &organization, &n, err);
	if (st == USHER_OK && n > 0)
		o->organization = organization[0];
	if (st == USHER_OK)
		st = read_all(d, STATEMENT_SITES, ENTITY_SITE, &o->sites, &o->n_sites, err);
	if (st == USHER_OK)
		st = read_all(d, STATEMENT_SERVERS, ENTITY_SERVER, &o->servers, &o->n_servers, err);
	if (st == USHER_OK)
		st = read_all(d, STATEMENT_URLS, ENTITY_URL, &o->urls, &o->n_urls, err);
	if (st == USHER_OK)
		st = read_all(d, STATEMENT_OUTLOOK_ANYWHERES, ENTITY_OUTLOOK_ANYWHERE,
		    &o->outlook_anywhere, &o->n_outlook_anywhere, err);
	if (st == USHER_OK)
		st = read_all(
		    d, STATEMENT_PROVIDERS, ENTITY_PROVIDER, &o->providers, &o->n_providers, err);
	if (st == USHER_OK)
		st = read_all(d, STATEMENT_RELATIONSHIPS, ENTITY_RELATIONSHIP, &o->relationships,
		    &o->n_relationships, err);
	if (st == USHER_OK && !org_view_link(d->cache.org_mem, o))
		st = err_nomem(err, d->path);
	d->cache.org_loaded = st == USHER_OK;
	return st;
}

/* ---- domains ---- */

/* What belongs to a domain. */
static usher_status
load_parts(struct sqlite_dir *d, struct arena *mem, const char *name, enum statement which,
    enum entity_id part, void *array, size_t *n, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;

	st = statement_get(d, which, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	return record_read_all(d, stmt, &entities[part], mem, array, n, err);
}

/* The statement that stands on the domain's row, to be reset unless it keeps the view. */
static usher_status
find_row(
    struct sqlite_dir *d, const char *name, sqlite3_stmt **out, bool *row, struct usher_error *err)
{
	usher_status st;

	if (d->row_of != NULL && strcmp(d->row_of, name) == 0) {
		d->row_of = NULL;
		*out = d->viewing;
		*row = sqlite3_column_type(d->viewing, 0) != SQLITE_NULL;
		return USHER_OK;
	}
	st = statement_get(d, STATEMENT_DOMAIN, out, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_text(*out, 1, name, -1, SQLITE_STATIC);
	return sqlite_row(d, *out, row, err);
}

/* *out = NULL when there is no such domain; that takes no memory. */
static usher_status
load_domain(struct sqlite_dir *d, struct arena *mem, const char *name, struct domain_entry **out,
    struct usher_error *err)
{
	struct domain_entry *entry = NULL;
	struct mail_service *services;
	struct redirect *redirects;
	sqlite3_stmt *stmt = NULL;
	usher_status st;
	bool row = false;

	*out = NULL;
	st = find_row(d, name, &stmt, &row, err);
	if (st == USHER_OK && row) {
		entry = arena_zalloc(mem, sizeof(*entry));
		st = entry == NULL ?
			 err_nomem(err, d->path) :
			 record_read(d, stmt, &entities[ENTITY_DOMAIN], mem, &entry->domain, err);
	}
	if (stmt != d->viewing)
		(void)sqlite3_reset(stmt);
	if (st != USHER_OK || !row)
		return st;

	st = load_parts(
	    d, mem, name, STATEMENT_SERVICES, ENTITY_SERVICE, &services, &entry->n_services, err);
	if (st == USHER_OK)
		st = load_parts(d, mem, name, STATEMENT_REDIRECTS, ENTITY_REDIRECT, &redirects,
		    &entry->n_redirects, err);
	if (st != USHER_OK)
		return st;
	domain_entry_sort(services, entry->n_services, redirects, entry->n_redirects);
	entry->services = services;
	entry->redirects = redirects;
	*out = entry;
	return USHER_OK;
}

/* Unknown domains are not remembered: anybody can ask for any number of them. */
usher_status
view_domain(struct sqlite_dir *d, struct arena *mem, const char *name, struct domain_entry **out,
    struct usher_error *err)
{
	struct serve_cache *c = &d->cache;
	usher_status st;

	*out = name_map_find(&c->domains, name);
	if (*out != NULL)
		return USHER_OK;
	st = load_domain(d, c->domain_mem, name, out, err);
	if (st == USHER_OK && *out != NULL && !name_map_add(&c->domains, c->domain_mem, *out))
		st = USHER_E_NOMEM;
	/* A domain too large for the cache goes with the request. */
	return st == USHER_E_NOMEM ? load_domain(d, mem, name, out, err) : st;
}
