/* certs.c - chooses certificates and hands them to TLS. */
#include "server/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/err.h"
#include "cert/inspect.h"
#include "cert/store.h"
#include "server/tls_sign.h"

enum { READ_BYTES = 4096, FIRST_ROOM = 16 };

/* ---- from the directory ---- */

struct reading {
	struct arena *mem;
	struct certificate *certificates;
	struct domain_names *domains;
	size_t n, n_domains, room, domains_room;
	struct authority *roots;
	size_t n_roots;
	struct buf fingerprint;
	struct usher_error *err;
};

static void
note_list(struct buf *b, const struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		buf_printf(b, " %s", list->v[i]);
	buf_char(b, '\n');
}

static usher_status
take_certificate(const void *record, void *payload)
{
	const struct certificate *c = record;
	struct reading *r = payload;

	if (c->pem == NULL) /* a request that nobody has answered yet */
		return USHER_OK;
	if (r->n == r->room)
		return err_set(r->err, USHER_E_UNAVAILABLE, "certificates", "they change now");
	if (!record_copy(r->mem, &entities[ENTITY_CERTIFICATE].table, &r->certificates[r->n], c))
		return err_nomem(r->err, "certificates");
	r->n++;
	/* The length tells when a chain has been completed. */
	buf_printf(&r->fingerprint, "%s %zu", c->sha256, strlen(c->pem));
	note_list(&r->fingerprint, &c->services);
	note_list(&r->fingerprint, &c->host_names);
	note_list(&r->fingerprint, &c->listeners);
	return USHER_OK;
}

static usher_status
take_domain(const void *record, void *payload)
{
	struct reading *r = payload;
	const struct domain *d = record;
	struct domain copy;

	if (d->certificate == NULL && d->host_names.n == 0)
		return USHER_OK;
	if (r->n_domains == r->domains_room)
		return err_set(r->err, USHER_E_UNAVAILABLE, "domains", "they change now");
	if (!record_copy(r->mem, &entities[ENTITY_DOMAIN].table, &copy, d))
		return err_nomem(r->err, "domains");
	r->domains[r->n_domains++] =
	    (struct domain_names){ copy.domain, copy.certificate, copy.host_names };
	buf_printf(&r->fingerprint, "%s %s", d->domain, d->certificate ? d->certificate : "-");
	note_list(&r->fingerprint, &d->host_names);
	return USHER_OK;
}

static usher_status
take_root(const void *record, void *payload)
{
	struct reading *r = payload;
	const struct authority *a = record;

	if (r->n_roots == CERTS_ROOTS_MAX)
		return USHER_OK;
	if (!record_copy(r->mem, &entities[ENTITY_AUTHORITY].table, &r->roots[r->n_roots], a))
		return err_nomem(r->err, "authorities");
	r->n_roots++;
	buf_printf(&r->fingerprint, "%s %s", a->sha256, a->name);
	note_list(&r->fingerprint, &a->permitted);
	return USHER_OK;
}

static usher_status
read_all(struct reading *r, struct dir *dir)
{
	const struct entity *certificate = &entities[ENTITY_CERTIFICATE];
	const struct entity *domain = &entities[ENTITY_DOMAIN];
	uint64_t n, n_domains;
	usher_status st;

	st = dir_count(dir, certificate, &n, r->err);
	if (st == USHER_OK)
		st = dir_count(dir, domain, &n_domains, r->err);
	if (st != USHER_OK)
		return st;
	if (n > CERTS_MAX)
		return err_set(
		    r->err, USHER_E_LIMIT, dir_name(dir), "more than %d certificates", CERTS_MAX);
	r->room = (size_t)n;
	r->domains_room = (size_t)n_domains;
	r->certificates = arena_array(r->mem, r->room, sizeof(*r->certificates));
	r->domains = arena_array(r->mem, r->domains_room, sizeof(*r->domains));
	r->roots = arena_array(r->mem, CERTS_ROOTS_MAX, sizeof(*r->roots));
	if (r->certificates == NULL || r->domains == NULL || r->roots == NULL)
		return err_nomem(r->err, "certificates");
	st = dir_each(dir, certificate, NULL, take_certificate, r, r->err);
	if (st == USHER_OK)
		st = dir_each(dir, domain, NULL, take_domain, r, r->err);
	return st == USHER_OK ?
		   dir_each(dir, &entities[ENTITY_AUTHORITY], NULL, take_root, r, r->err) :
		   st;
}

/* qsort() takes no argument of ours. */
struct ranked {
	struct certificate c;
	int64_t now_s;
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (certificate_goes_before(&x->c, &y->c, x->now_s))
		return -1;
	return certificate_goes_before(&y->c, &x->c, x->now_s) ? 1 : 0;
}

static bool
rank(struct arena *mem, struct certificate *v, size_t n, int64_t now_s, size_t *n_valid)
{
	struct ranked *r = arena_array(mem, n, sizeof(*r));

	if (r == NULL)
		return false;
	*n_valid = 0;
	for (size_t i = 0; i < n; i++) {
		r[i] = (struct ranked){ v[i], now_s };
		*n_valid += certificate_is_valid(&v[i], now_s);
	}
	qsort(r, n, sizeof(*r), compare_ranked);
	for (size_t i = 0; i < n; i++)
		v[i] = r[i].c;
	return true;
}

static int
compare_thumbprints(const void *a, const void *b)
{
	const struct certificate *const *x = a, *const *y = b;

	return strcasecmp((*x)->thumbprint, (*y)->thumbprint);
}

usher_status
certs_read(
    struct arena *mem, struct dir *dir, int64_t now_s, struct certs *out, struct usher_error *err)
{
	struct reading r = { .mem = mem, .err = err };
	usher_status st = dir_begin(dir, err); /* one view of both tables */

	if (st != USHER_OK)
		return st;
	buf_init(&r.fingerprint, CERTS_FINGERPRINT_BYTES);
	st = read_all(&r, dir);
	dir_rollback(dir);
	if (st == USHER_OK && r.fingerprint.status != USHER_OK)
		st = err_set(err, r.fingerprint.status, "certificates", "too many host names");
	if (st == USHER_OK) {
		out->fingerprint = arena_copy(mem, buf_as_slice(&r.fingerprint));
		out->stem = arena_strdup(mem, dir_stem(dir));
		out->by_thumbprint = arena_array(mem, r.n, sizeof(struct certificate *));
		if (out->fingerprint == NULL || out->stem == NULL || out->by_thumbprint == NULL ||
		    !rank(mem, r.certificates, r.n, now_s, &out->n_valid))
			st = err_nomem(err, "certificates");
	}
	for (size_t i = 0; st == USHER_OK && i < r.n; i++)
		out->by_thumbprint[i] = &r.certificates[i];
	if (st == USHER_OK && r.n > 1)
		qsort(out->by_thumbprint, r.n, sizeof(struct certificate *), compare_thumbprints);
	buf_clear(&r.fingerprint);
	out->v = r.certificates;
	out->n = r.n;
	out->domains = r.domains;
	out->n_domains = r.n_domains;
	out->roots = r.roots;
	out->n_roots = r.n_roots;
	return st;
}

/* ---- what is served ---- */

/* The arena gives nothing back: doubling bounds what is lost to as much as is used. */
static void *
grow(struct arena *mem, void *v, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room == 0 ? FIRST_ROOM : *room * 2;
	void *grown;

	if (n < *room)
		return v;
	grown = arena_array(mem, wanted, size);
	if (grown == NULL)
		return NULL;
	if (n > 0)
		memcpy(grown, v, n * size);
	*room = wanted;
	return grown;
}

usher_status
served_name(struct served_list *served, const char *name, struct usher_error *err)
{
	const char **v =
	    grow(served->mem, served->names, served->n_names, &served->names_room, sizeof(*v));
	const char *copy = v == NULL ? NULL : arena_strdup(served->mem, name);

	if (copy == NULL)
		return err_nomem(err, "host names");
	v[served->n_names++] = copy;
	served->names = v;
	return USHER_OK;
}

static usher_status
note_served(struct served_list *served, const char *listener, const char *label,
    const struct certificate *c, struct usher_error *err)
{
	struct served_certificate *v;
	usher_status st = USHER_OK;

	v = grow(served->mem, served->v, served->n, &served->room, sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "certificates");
	served->v = v;
	v[served->n].listener = listener;
	v[served->n].label = arena_strdup(served->mem, label);
	v[served->n].subject = arena_strdup(served->mem, c->subject);
	v[served->n].not_after = c->not_after;
	if (v[served->n].label == NULL)
		return err_nomem(err, "certificates");
	served->n++;
	for (size_t i = 0; st == USHER_OK && i < c->names.n; i++)
		st = served_name(served, c->names.v[i], err);
	return st;
}

/* ---- into TLS ---- */

struct filling {
	struct tls_set *set;
	const struct certs *certs;
	const char *listener;
	struct stapler *stapler;
	struct served_list *served;
	struct identity **given; /* to the set, of certs->v; NULL: not yet */
	struct usher_error *err;
};

/* A list names listeners as `two` or, as the log does, `https two`. */
static bool
is_for_listener(const struct certificate *c, const char *listener)
{
	struct slice whole = slice_of(listener), name = slice_skip(whole, sizeof("https ") - 1);

	for (size_t i = 0; i < c->listeners.n; i++) {
		if (slice_is_nocase(whole, c->listeners.v[i]) ||
		    (name.n > 0 && slice_is_nocase(name, c->listeners.v[i])))
			return true;
	}
	return c->listeners.n == 0;
}

static bool
is_enabled(const struct certificate *c, const char *listener)
{
	for (size_t i = 0; i < c->services.n; i++) {
		if (slice_is_nocase(slice_of(c->services.v[i]), "https"))
			return is_for_listener(c, listener);
	}
	return false;
}

/* Gives the set a certificate, once. `later`: only when somebody asks for one of its names. */
static usher_status
give(const struct filling *f, const struct certificate *c, bool later)
{
	struct identity **at = &f->given[c - f->certs->v];
	struct tls_given given = { .label = c->thumbprint, .chain_pem = slice_of(c->pem) };
	struct buf key;
	usher_status st;

	if (*at != NULL)
		return USHER_OK;
	buf_init(&key, CERT_KEY_BYTES);
	st = cert_key_get(f->certs->stem, c->sha256, &key, f->err);
	given.key_pem = buf_as_slice(&key);
	if (st == USHER_OK && f->stapler != NULL)
		st = stapler_get(f->stapler, given.label, given.chain_pem, &given.staple, f->err);
	if (st == USHER_OK)
		st = later ? tls_set_add_later(f->set, &given, at, f->err) :
			     tls_set_add(f->set, &given, at, f->err);
	tls_staple_unref(given.staple);
	buf_wipe(&key);
	return st == USHER_OK ? note_served(f->served, f->listener, c->thumbprint, c, f->err) : st;
}

/* NULL when there is no such certificate. */
static const struct certificate *
find_certificate(const struct certs *certs, const char *thumbprint)
{
	const struct certificate wanted = { .thumbprint = thumbprint }, *key = &wanted, **found;

	found = bsearch(&key, certs->by_thumbprint, certs->n, sizeof(struct certificate *),
	    compare_thumbprints);
	return found == NULL ? NULL : *found;
}

static usher_status
give_domain(const struct filling *f, const struct domain_names *d)
{
	char autodiscover[sizeof("autodiscover.") + DOMAIN_MAX_BYTES];
	const char *own[] = { d->domain, autodiscover };
	const struct text_list names =
	    d->host_names.n > 0 ? d->host_names : (struct text_list){ own, COUNT_OF(own) };
	const struct certificate *c;
	usher_status st;

	if (d->certificate == NULL)
		return USHER_OK;
	(void)snprintf(autodiscover, sizeof(autodiscover), "autodiscover.%s", d->domain);
	c = find_certificate(f->certs, d->certificate);
	if (c == NULL)
		return err_set(f->err, USHER_E_INPUT, d->domain,
		    "its certificate %s is not in the directory; import it or choose another",
		    d->certificate);
	if (!is_for_listener(c, f->listener))
		return USHER_OK;
	st = give(f, c, true);
	return st == USHER_OK ? tls_set_add_names(f->set, f->given[c - f->certs->v], true, names.v,
				    names.n, f->err) :
				st;
}

usher_status
certs_fill(struct tls_set *set, const struct certs *certs, const char *listener,
    struct stapler *stapler, struct served_list *served, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CERTS_MAX * sizeof(void *));
	struct filling f = { set, certs, listener, stapler, served, NULL, err };
	bool any = false;
	usher_status st = USHER_OK;

	if (mem != NULL)
		f.given = arena_array(mem, certs->n, sizeof(*f.given));
	if (f.given == NULL)
		return err_nomem(err, listener);
	for (size_t i = 0; st == USHER_OK && i < certs->n; i++) {
		if (!is_enabled(&certs->v[i], listener))
			continue;
		any = true;
		st = give(&f, &certs->v[i], false);
	}
	if (!any)
		return err_set(err, USHER_E_INPUT, listener,
		    "no certificate is enabled for https here; use `usher cert enable THUMBPRINT "
		    "--services https`, or give `certificate` and `key`");
	/* Earlier names win in a set: those that a domain's own certificate is for come first. */
	for (size_t i = 0; st == USHER_OK && i < certs->n_domains; i++)
		st = give_domain(&f, &certs->domains[i]);
	for (size_t i = 0; st == USHER_OK && i < certs->n; i++) {
		const struct certificate *c = &certs->v[i];

		/* One that clients refuse must not stand beside one that they accept. */
		if (is_enabled(c, listener))
			st = tls_set_add_names(set, f.given[i], i >= certs->n_valid,
			    c->host_names.v, c->host_names.n, err);
	}
	return st;
}

/* ---- from files ---- */

static usher_status
read_file(const char *path, struct buf *out, struct usher_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	int e;

	while (n > 0 && out->status == USHER_OK) {
		char *to = buf_reserve(out, READ_BYTES);

		n = to == NULL ? 0 : read(fd, to, READ_BYTES);
		if (n > 0)
			buf_used(out, (size_t)n);
	}
	e = errno;
	if (fd >= 0)
		(void)close(fd);
	if (out->status != USHER_OK)
		return err_set(err, out->status, path, "too long");
	if (n < 0)
		return err_set(err, e == EACCES || e == EPERM ? USHER_E_PERMISSION : USHER_E_IO,
		    path, "cannot be read: %s", strerror(e));
	return USHER_OK;
}

usher_status
certs_fill_from_files(struct tls_set *set, const char *listener, const char *certificate,
    const char *key_file, struct stapler *stapler, struct served_list *served,
    struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CERT_PEM_BYTES * 8);
	struct tls_given given = { .label = certificate, .key_label = key_file };
	struct buf chain, key;
	struct identity *added;
	struct certificate c;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, listener);
	buf_init(&chain, CERT_PEM_BYTES + READ_BYTES);
	buf_init(&key, CERT_KEY_BYTES + READ_BYTES);
	st = read_file(certificate, &chain, err);
	if (st == USHER_OK)
		st = read_file(key_file, &key, err);
	given.chain_pem = buf_as_slice(&chain);
	given.key_pem = buf_as_slice(&key);
	if (st == USHER_OK)
		st = cert_inspect(mem, given.chain_pem, &c, err);
	if (st == USHER_OK && stapler != NULL)
		st = stapler_get(stapler, certificate, given.chain_pem, &given.staple, err);
	if (st == USHER_OK)
		st = tls_set_add(set, &given, &added, err);
	if (st == USHER_OK)
		st = tls_set_add_names(set, added, false, NULL, 0, err);
	if (st == USHER_OK)
		st = note_served(served, listener, certificate, &c, err);
	tls_staple_unref(given.staple);
	buf_clear(&chain);
	buf_wipe(&key);
	return st;
}

/* ---- what profiles are signed with ---- */

/* Anything that was signed: the key may be of a kind that serves TLS and cannot do this. */
static usher_status
try_signer(const struct tls_set *set, struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf out = { .max = TLS_SIGNED_BYTES };
	bool told;

	return tls_set_sign(set, NULL, SLICE_LITERAL("usherd"), &out, &told, err);
}

usher_status
certs_fill_signer(struct tls_set *set, const struct conf_profile *profile, int64_t now_s,
    struct served_list *served, struct usher_error *err)
{
	struct stat key;
	usher_status st;

	if (stat(profile->key, &key) == 0 && (key.st_mode & S_IRWXO) != 0)
		return err_set(err, USHER_E_TRUST, profile->key,
		    "everybody may read this key; set its mode to 0600 or 0640");
	st = certs_fill_from_files(
	    set, "profile", profile->certificate, profile->key, NULL, served, err);
	if (st == USHER_OK && served->v[served->n - 1].not_after <= now_s)
		st = err_set(err, USHER_E_INPUT, profile->certificate,
		    "it has expired; what is signed with it is refused");
	return st == USHER_OK ? try_signer(set, err) : st;
}
