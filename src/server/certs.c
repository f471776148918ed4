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
	buf_text(&r->fingerprint, c->sha256);
	note_list(&r->fingerprint, &c->services);
	note_list(&r->fingerprint, &c->host_names);
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
	if (r->certificates == NULL || r->domains == NULL)
		return err_nomem(r->err, "certificates");
	st = dir_each(dir, certificate, NULL, take_certificate, r, r->err);
	return st == USHER_OK ? dir_each(dir, domain, NULL, take_domain, r, r->err) : st;
}

/* qsort() takes no argument of ours; the clock is asked once per load. */
struct ranked {
	struct certificate c;
	bool valid;
};

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->valid != y->valid)
		return x->valid ? -1 : 1;
	if (x->c.not_before != y->c.not_before)
		return x->c.not_before > y->c.not_before ? -1 : 1;
	return strcmp(x->c.sha256, y->c.sha256);
}

static bool
rank(struct arena *mem, struct certificate *v, size_t n, int64_t now_s)
{
	struct ranked *r = arena_array(mem, n, sizeof(*r));

	if (r == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){ v[i], v[i].not_before <= now_s && v[i].not_after > now_s };
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
		    !rank(mem, r.certificates, r.n, now_s))
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
	struct served_list *served;
	bool *noted; /* as served, of certs->v */
	struct usher_error *err;
};

/* `later`: only when somebody asks for one of the names. */
static usher_status
add(const struct filling *f, const struct certificate *c, bool later, const char *const *names,
    size_t n)
{
	usher_status (*give)(struct tls_set * set, const char *label, struct slice chain_pem,
	    struct slice key_pem, const char *const *names, size_t n_names,
	    struct usher_error *err) = later ? tls_set_add_later : tls_set_add_pem;
	struct buf key;
	usher_status st;

	buf_init(&key, CERT_KEY_BYTES);
	st = cert_key_get(f->certs->stem, c->sha256, &key, f->err);
	if (st == USHER_OK)
		st = give(
		    f->set, c->thumbprint, slice_of(c->pem), buf_as_slice(&key), names, n, f->err);
	buf_wipe(&key);
	if (st != USHER_OK || f->noted[c - f->certs->v])
		return st;
	f->noted[c - f->certs->v] = true;
	return note_served(f->served, f->listener, c->thumbprint, c, f->err);
}

static bool
is_for_https(const struct certificate *c)
{
	for (size_t i = 0; i < c->services.n; i++) {
		if (slice_is_nocase(slice_of(c->services.v[i]), "https"))
			return true;
	}
	return false;
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
add_domain(const struct filling *f, const struct domain_names *d)
{
	char autodiscover[sizeof("autodiscover.") + DOMAIN_MAX_BYTES];
	const char *own[] = { d->domain, autodiscover };
	const struct certificate *c;

	(void)snprintf(autodiscover, sizeof(autodiscover), "autodiscover.%s", d->domain);
	c = find_certificate(f->certs, d->certificate);
	if (c == NULL)
		return err_set(f->err, USHER_E_INPUT, d->domain,
		    "its certificate %s is not in the directory; import it or choose another",
		    d->certificate);
	return d->host_names.n > 0 ? add(f, c, true, d->host_names.v, d->host_names.n) :
				     add(f, c, true, own, COUNT_OF(own));
}

static usher_status
add_enabled(const struct filling *f)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < f->certs->n; i++) {
		const struct certificate *c = &f->certs->v[i];

		if (is_for_https(c))
			st = add(f, c, false, c->host_names.v, c->host_names.n);
	}
	return st;
}

usher_status
certs_fill(struct tls_set *set, const struct certs *certs, const char *listener,
    struct served_list *served, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CERTS_MAX * sizeof(bool));
	const struct filling f = { set, certs, listener, served,
		mem == NULL ? NULL : arena_array(mem, certs->n, sizeof(bool)), err };
	const struct certificate *first = NULL;
	bool domains = false;
	usher_status st = USHER_OK;

	if (f.noted == NULL)
		return err_nomem(err, listener);
	for (size_t i = 0; first == NULL && i < certs->n; i++) {
		if (is_for_https(&certs->v[i]))
			first = &certs->v[i];
	}
	if (first == NULL)
		return err_set(err, USHER_E_INPUT, listener,
		    "no certificate is enabled for https; use `usher cert enable THUMBPRINT "
		    "--services https`, or give `certificate` and `key`");
	for (size_t i = 0; i < certs->n_domains; i++)
		domains = domains || certs->domains[i].certificate != NULL;

	/* Earlier names win in a set, and its first certificate is the one for clients without a
	 * name: so that must come first, with one name, and the domains' before the rest of it. */
	if (domains)
		st = add(&f, first, false, first->names.v, first->names.n > 0 ? 1 : 0);
	for (size_t i = 0; st == USHER_OK && i < certs->n_domains; i++) {
		if (certs->domains[i].certificate != NULL)
			st = add_domain(&f, &certs->domains[i]);
	}
	return st == USHER_OK ? add_enabled(&f) : st;
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
    const char *key_file, struct served_list *served, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CERT_PEM_BYTES * 8);
	struct buf chain, key;
	struct certificate c;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, listener);
	buf_init(&chain, CERT_PEM_BYTES + READ_BYTES);
	buf_init(&key, CERT_KEY_BYTES + READ_BYTES);
	st = read_file(certificate, &chain, err);
	if (st == USHER_OK)
		st = read_file(key_file, &key, err);
	if (st == USHER_OK)
		st = cert_inspect(mem, buf_as_slice(&chain), &c, err);
	if (st == USHER_OK)
		st = tls_set_add_pem(
		    set, certificate, buf_as_slice(&chain), buf_as_slice(&key), NULL, 0, err);
	if (st == USHER_OK)
		st = note_served(served, listener, certificate, &c, err);
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

	return tls_set_sign(set, NULL, SLICE_LITERAL("usherd"), &out, err);
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
	st = certs_fill_from_files(set, "profile", profile->certificate, profile->key, served, err);
	if (st == USHER_OK && served->v[served->n - 1].not_after <= now_s)
		st = err_set(err, USHER_E_INPUT, profile->certificate,
		    "it has expired; what is signed with it is refused");
	return st == USHER_OK ? try_signer(set, err) : st;
}
