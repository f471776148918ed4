/* ldap_serve.c - lookups over LDAP: people asked for each time, all else from the snapshot. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "dir/ldap_ask.h"
#include "dir/serve.h"

struct ldap_serving {
	struct ldap_keeper *keeper;
	struct ldap_ask *ask;
	const struct ldap_snapshot *snapshot; /* of the latest lookup; what it gave points there */
	bool viewing;			      /* … and of the next ones: the handle is held */
};

/* One lookup. */
struct job {
	struct ldap_serving *s;
	const struct ldap_snapshot *snapshot;
	struct serve_domains domains;
	struct arena *mem;
	struct usher_error *err;
};

/* ---- opening ---- */

usher_status
ldap_serving_open(struct ldap_dir *d, struct usher_error *err)
{
	struct ldap_serving *s = calloc(1, sizeof(*s));
	usher_status st;

	if (s == NULL)
		return err_nomem(err, d->uri);
	st = ldap_keeper_open(d->uri, &d->settings, &s->keeper, err);
	if (st == USHER_OK)
		st = ldap_ask_open(d, &s->ask, err);
	if (st != USHER_OK) {
		ldap_serving_close(s);
		return st;
	}
	d->serving = s;
	return USHER_OK;
}

void
ldap_serving_close(struct ldap_serving *serving)
{
	if (serving == NULL)
		return;
	ldap_ask_close(serving->ask);
	ldap_snapshot_release(serving->snapshot);
	ldap_keeper_close(serving->keeper);
	free(serving);
}

/* ---- the view ---- */

static usher_status
find_domain(void *payload, struct arena *mem, const char *name, const struct domain_entry **out,
    struct usher_error *err)
{
	const struct ldap_snapshot *snapshot = payload;

	(void)mem;
	(void)err;
	*out = name_map_find(&snapshot->domains, name);
	return USHER_OK;
}

/* A handle that does not serve has its lookups made ready by its first one. */
static enum lookup
start(struct ldap_dir *d, struct arena *mem, struct job *job, struct usher_error *err)
{
	struct ldap_serving *s;
	const struct ldap_snapshot *newest;
	enum lookup found;

	if (d->serving == NULL && ldap_serving_open(d, err) != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	s = d->serving;
	if (!s->viewing || !d->dir.held) {
		found = ldap_keeper_hold(s->keeper, &newest, err);
		if (found != LOOKUP_FOUND)
			return found;
		ldap_snapshot_release(s->snapshot);
		s->snapshot = newest;
		s->viewing = d->dir.held;
	}
	ldap_ask_begin(s->ask);
	*job = (struct job){ .s = s,
		.snapshot = s->snapshot,
		.domains = { find_domain, (void *)(uintptr_t)s->snapshot },
		.mem = mem,
		.err = err };
	return LOOKUP_FOUND;
}

void
ldap_dir_release(struct dir *dir)
{
	struct ldap_dir *d = ldap_dir_of(dir);

	if (d->serving != NULL)
		d->serving->viewing = false;
}

/* ---- asking ---- */

static usher_status
want(struct job *job, enum ask_kind kind, const char *text)
{
	return ldap_ask_want(job->s->ask, job->snapshot, job->mem, kind, text) ?
		   USHER_OK :
		   err_nomem(job->err, text);
}

/* Who was found; it has to be known. */
static enum lookup
people(struct job *job, enum ask_kind kind, const char *text, const struct ldap_person **out,
    size_t *n)
{
	return ldap_ask_read(job->s->ask, job->mem, kind, text, out, n, job->err);
}

/* Two domain controllers that each made an entry of one name leave both; one has this in its DN
 * ([MS-ADTS] 3.1.1.5.1.2). */
static bool
lost_a_conflict(const struct ldap_person *p)
{
	return strstr(p->dn, "\\0ACNF:") != NULL;
}

/* The one entry that has the address or legacyDN; *out = NULL when none has. As ldap_ask_read();
 * LOOKUP_UNAVAILABLE as well when several have it: all their DNs are in the words. */
static enum lookup
owner(struct job *job, enum ask_kind kind, const char *text, const struct ldap_person **out)
{
	struct buf CLEANUP(buf_cleanup) dns = { 0 };
	const struct ldap_person *v;
	size_t n, owners = 0;
	enum lookup found = people(job, kind, text, &v, &n);

	*out = NULL;
	buf_init(&dns, USHER_ERROR_MESSAGE_BYTES);
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == PERSON_NOBODY || lost_a_conflict(&v[i]))
			continue;
		buf_printf(&dns, "%s%s", owners == 0 ? "" : " and ", v[i].dn);
		*out = &v[i];
		owners++;
	}
	if (owners < 2)
		return found;
	(void)err_set(job->err, USHER_E_CONFLICT, text,
	    "belongs to several entries, and nobody can say whom it means: %s", buf_cstr(&dns));
	return LOOKUP_UNAVAILABLE;
}

/* ---- whose an address is ---- */

/* What may be asked for to find a mailbox. */
struct target {
	const char *legacy_dn; /* NULL: by address */
	const char *made;      /* the address that the legacyDN was made from; or NULL */
	struct address asked;
	struct located at;
	const char *address; /* in its own domain; NULL: not accepted here */
	const char *base;    /* without its detail; NULL: it has none */
};

static const char *
join(struct job *job, const struct located *at)
{
	return arena_printf(job->mem, "%.*s@%s", (int)at->local.n, at->local.p, at->domain);
}

/* `address` is an address.key. */
static usher_status
aim_at(struct job *job, const char *address, struct target *t)
{
	usher_status st = serve_locate(&job->domains, job->mem, address, &t->at, job->err);
	struct located base;

	if (st != USHER_OK || t->at.entry == NULL)
		return st;
	t->address = join(job, &t->at);
	if (t->address == NULL)
		return err_nomem(job->err, address);
	if (!serve_base(&t->at, &base))
		return USHER_OK;
	t->base = join(job, &base);
	return t->base == NULL ? err_nomem(job->err, address) : USHER_OK;
}

static usher_status
aim(struct job *job, const struct question *q, struct target *t)
{
	const struct organization *o = &job->snapshot->org.organization;
	usher_status st;

	*t = (struct target){ .legacy_dn = q->legacy_dn };
	if (q->legacy_dn != NULL) {
		if (strlen(q->legacy_dn) <= LEGACY_DN_MAX_BYTES && o->name != NULL)
			t->made = legacy_dn_address(job->mem, o, q->legacy_dn);
		return USHER_OK;
	}
	st = address_parse(job->mem, slice_of(q->address), &t->asked, job->err);
	return st == USHER_OK ? aim_at(job, t->asked.key, t) : st;
}

static usher_status
want_target(struct job *job, const struct target *t)
{
	usher_status st = USHER_OK;

	if (t->legacy_dn != NULL && strlen(t->legacy_dn) <= LEGACY_DN_MAX_BYTES)
		st = want(job, ASK_LEGACY_DN, t->legacy_dn);
	if (st == USHER_OK && t->made != NULL)
		st = want(job, ASK_ADDRESS, t->made);
	if (st == USHER_OK && t->address != NULL)
		st = want(job, ASK_ADDRESS, t->address);
	if (st == USHER_OK && t->base != NULL)
		st = want(job, ASK_ADDRESS, t->base);
	return st;
}

/* An address of its own, or the detail of somebody's. That the directory once knew nobody of the
 * longer name is good enough beside somebody of the shorter one. */
static enum lookup
owner_of_address(struct job *job, const struct target *t, const struct ldap_person **out)
{
	enum lookup whole, base = LOOKUP_FOUND;

	*out = NULL;
	if (t->address == NULL)
		return LOOKUP_FOUND;
	whole = owner(job, ASK_ADDRESS, t->address, out);
	if (whole == LOOKUP_UNAVAILABLE || *out != NULL)
		return whole;
	if (t->base != NULL)
		base = owner(job, ASK_ADDRESS, t->base, out);
	if (base == LOOKUP_UNAVAILABLE || *out != NULL)
		return base;
	return whole == LOOKUP_ABSENT ? whole : base;
}

/* A mailbox without legacyDN has the one that is made from its primary address. */
static enum lookup
owner_of_legacy_dn(struct job *job, const struct target *t, const struct ldap_person **out)
{
	const struct ldap_person *p;
	enum lookup found;

	*out = NULL;
	if (t->legacy_dn == NULL)
		return LOOKUP_FOUND;
	found = owner(job, ASK_LEGACY_DN, t->legacy_dn, out);
	if (found == LOOKUP_UNAVAILABLE || *out != NULL || t->made == NULL)
		return found;
	if (owner(job, ASK_ADDRESS, t->made, &p) == LOOKUP_UNAVAILABLE)
		return LOOKUP_UNAVAILABLE;
	if (p != NULL && p->mailbox.legacy_dn == NULL &&
	    slice_is_nocase(slice_of(p->mailbox.address), t->made))
		*out = p;
	return *out != NULL ? LOOKUP_FOUND : found;
}

/* ---- facts ---- */

/* One of several answers. */
static bool
add_alternative(
    struct job *job, struct alternative_mailbox *v, size_t *n, const struct alternative_mailbox *a)
{
	return record_copy(job->mem, &entities[ENTITY_ALTERNATIVE_MAILBOX].table, &v[(*n)++], a);
}

/* Its own, and the mailboxes that name it as delegate. */
static enum lookup
put_alternatives(struct job *job, const struct ldap_person *p, struct facts *out)
{
	const struct ldap_person *shares = NULL;
	struct alternative_mailbox *v, share;
	size_t n_shares = 0, n = 0;
	enum lookup found = LOOKUP_FOUND;
	bool ok;

	if (p->may_have_shares)
		found = people(job, ASK_DELEGATE, p->dn, &shares, &n_shares);
	if (found == LOOKUP_UNAVAILABLE)
		return found;
	v = arena_array(job->mem, p->n_alternatives + n_shares, sizeof(*v));
	ok = v != NULL;
	for (size_t i = 0; ok && i < p->n_alternatives; i++)
		ok = add_alternative(job, v, &n, &p->alternatives[i]);
	for (size_t i = 0; ok && i < n_shares; i++) {
		if (shares[i].kind != PERSON_MAILBOX)
			continue;
		ldap_person_share(p, &shares[i], &share);
		ok = add_alternative(job, v, &n, &share);
	}
	if (!ok) {
		(void)err_nomem(job->err, p->dn);
		return LOOKUP_UNAVAILABLE;
	}
	out->alternatives = v;
	out->n_alternatives = n;
	return LOOKUP_FOUND;
}

static bool
has_address(struct job *job, const struct mailbox *m, const char *address)
{
	const char *lower = text_lower_copy(job->mem, slice_of(address));
	struct located at, base;
	struct slice key;
	const char *v[2] = { NULL, NULL };

	if (lower == NULL || serve_locate(&job->domains, job->mem, lower, &at, NULL) != USHER_OK)
		return false;
	v[0] = join(job, &at);
	v[1] = serve_base(&at, &base) ? join(job, &base) : NULL;
	for (size_t i = 0; i < COUNT_OF(v) && v[i] != NULL; i++) {
		key = slice_of(v[i]);
		if (slice_is_nocase(key, m->address))
			return true;
		for (size_t k = 0; k < m->aliases.n; k++)
			if (slice_is_nocase(key, m->aliases.v[k]))
				return true;
	}
	return false;
}

/* Form A names the mailbox by its legacyDN, form B by any of its addresses. */
static bool
means(struct job *job, const struct alternative_mailbox *a, const struct mailbox *m)
{
	const char *legacy_dn;

	if (a->legacy_dn == NULL)
		return a->smtp_address != NULL && has_address(job, m, a->smtp_address);
	legacy_dn = mailbox_legacy_dn(job->mem, &job->snapshot->org.organization, m);
	return legacy_dn != NULL && slice_is_nocase(slice_of(a->legacy_dn), legacy_dn);
}

/* Whoever best fits a login; NULL: nobody, or more than one. */
static const struct ldap_person *
pick_login(struct job *job, const char *login, const struct ldap_person *v, size_t n)
{
	const struct ldap_person *best = NULL;
	enum map_fit best_fit = MAP_FIT_NONE;

	for (size_t i = 0; i < n; i++) {
		enum map_fit fit = ldap_map_fit(job->snapshot->map, &v[i], login);

		if (fit == MAP_FIT_NONE || fit < best_fit || lost_a_conflict(&v[i]))
			continue;
		best = fit == best_fit ? NULL : &v[i];
		best_fit = fit;
	}
	return best;
}

/* The target names the caller as delegate, or the caller names the target as alternative. */
static enum lookup
put_delegate(
    struct job *job, const struct ldap_person *target, const char *login, struct facts *out)
{
	const struct ldap_person *v, *caller;
	size_t n;
	enum lookup found = people(job, ASK_LOGIN, login, &v, &n);

	if (found == LOOKUP_UNAVAILABLE)
		return found;
	caller = pick_login(job, login, v, n);
	if (caller == NULL)
		return LOOKUP_FOUND;
	for (size_t i = 0; i < target->delegates.n; i++)
		if (ldap_dn_same(target->delegates.v[i], caller->dn))
			out->caller_is_delegate = true;
	for (size_t i = 0; !out->caller_is_delegate && i < caller->n_alternatives; i++)
		out->caller_is_delegate = means(job, &caller->alternatives[i], &target->mailbox);
	return LOOKUP_FOUND;
}

/* Somebody who is sent to where he is stays. */
static void
break_loop(struct job *job, struct ldap_person *p)
{
	struct mailbox *m = &p->mailbox;

	if (p->kind == PERSON_MAILBOX && m->redirect_address != NULL &&
	    has_address(job, m, m->redirect_address))
		m->redirect_address = NULL;
}

/* *target is copied out of the cache, for what is asked next may drive it out; NULL: nobody. */
static enum lookup
find_target(struct job *job, const struct target *t, struct facts *out, struct ldap_person **target)
{
	const struct ldap_person *p;
	struct address asked = t->asked;
	struct located at = t->at;
	enum lookup found =
	    t->legacy_dn != NULL ? owner_of_legacy_dn(job, t, &p) : owner_of_address(job, t, &p);
	usher_status st = USHER_OK;

	*target = NULL;
	if (found != LOOKUP_FOUND)
		return LOOKUP_UNAVAILABLE;
	if (p != NULL) {
		*target = arena_alloc(job->mem, sizeof(**target));
		if (*target == NULL || !ldap_person_copy(job->mem, *target, p)) {
			(void)err_nomem(job->err, p->dn);
			return LOOKUP_UNAVAILABLE;
		}
		break_loop(job, *target);
		out->mailbox = ldap_person_mailbox(*target, t->asked.text);
	}
	if (t->legacy_dn != NULL) {
		if (out->mailbox == NULL)
			return LOOKUP_FOUND;
		st = address_parse(job->mem, slice_of(out->mailbox->address), &asked, job->err);
		if (st == USHER_OK)
			st = serve_locate(&job->domains, job->mem, asked.key, &at, job->err);
	}
	if (st == USHER_OK)
		st = serve_put_target(job->mem, &asked, &at, out, job->err);
	return st == USHER_OK ? LOOKUP_FOUND : LOOKUP_UNAVAILABLE;
}

/* The login is that of the address itself, as far as can be told before anybody was asked. */
static bool
asks_for_himself(const struct target *t, const char *login)
{
	return t->address != NULL && slice_is_nocase(slice_of(login), t->address);
}

/* In two rounds at most: whoever is meant, and the caller; then what only the answers tell of. */
static enum lookup
look_up(struct job *job, const struct question *question, const char *login, struct facts *out)
{
	struct ldap_person *target;
	struct target t;
	usher_status st = aim(job, question, &t);
	enum lookup found;
	bool others;

	if (st == USHER_OK)
		st = want_target(job, &t);
	if (st == USHER_OK && login != NULL && !asks_for_himself(&t, login))
		st = want(job, ASK_LOGIN, login);
	if (st != USHER_OK)
		return st == USHER_E_ADDRESS ? LOOKUP_ABSENT : LOOKUP_UNAVAILABLE;
	if (!ldap_ask_settled(job->s->ask))
		return LOOKUP_PENDING;

	found = find_target(job, &t, out, &target);
	if (found != LOOKUP_FOUND || out->mailbox == NULL)
		return found;
	others = login != NULL && !serve_is_own(out->mailbox, login);
	if (target->may_have_shares)
		st = want(job, ASK_DELEGATE, target->dn);
	if (st == USHER_OK && others)
		st = want(job, ASK_LOGIN, login);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	if (!ldap_ask_settled(job->s->ask))
		return LOOKUP_PENDING;

	found = put_alternatives(job, target, out);
	if (found == LOOKUP_FOUND && others)
		found = put_delegate(job, target, login, out);
	st = serve_put_mailbox_services(&job->domains, job->mem, out->mailbox, out, job->err);
	return st == USHER_OK ? found : LOOKUP_UNAVAILABLE;
}

enum lookup
ldap_dir_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err)
{
	struct ldap_dir *d = ldap_dir_of(dir);
	struct usher_error ignored;
	enum lookup found;
	struct facts facts;
	struct job job;

	if (question->address == NULL && question->legacy_dn == NULL)
		return LOOKUP_ABSENT;
	found = start(d, mem, &job, err != NULL ? err : &ignored);
	if (found != LOOKUP_FOUND)
		return found;
	for (;;) {
		facts = (struct facts){ .org = &job.snapshot->org };
		found = look_up(&job, question, login_name, &facts);
		if (found != LOOKUP_PENDING || (dir->flags & DIR_SERVE) != 0)
			break;
		ldap_ask_settle(job.s->ask);
	}
	if (found == LOOKUP_FOUND)
		*out = facts;
	return found;
}

enum lookup
ldap_dir_domain_facts(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err)
{
	struct ldap_dir *d = ldap_dir_of(dir);
	const struct domain_entry *entry;
	struct facts facts = { 0 };
	struct job job;
	enum lookup found = start(d, mem, &job, err);

	if (found != LOOKUP_FOUND)
		return found;
	facts.org = &job.snapshot->org;
	if (serve_follow(&job.domains, mem, domain, &entry, &facts.domain_name, err) != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	serve_put_domain(entry, &facts);
	*out = facts;
	return LOOKUP_FOUND;
}

/* ---- credentials ---- */

/* By address too, when it is not written as the directory has it: an alias domain, a detail. */
static usher_status
want_login(struct job *job, const char *login, struct target *t)
{
	usher_status st = want(job, ASK_LOGIN, login);

	*t = (struct target){ 0 };
	if (st == USHER_OK && strchr(login, '@') != NULL) {
		st = address_parse(job->mem, slice_of(login), &t->asked, NULL);
		if (st == USHER_OK)
			st = aim_at(job, t->asked.key, t);
		else if (st == USHER_E_ADDRESS)
			st = USHER_OK;
	}
	if (t->address != NULL && t->base == NULL && slice_is_nocase(slice_of(login), t->address))
		t->address = NULL;
	return st == USHER_OK ? want_target(job, t) : st;
}

static enum lookup
find_login(
    struct job *job, const char *login, const struct target *t, const struct ldap_person **out)
{
	const struct ldap_person *v;
	size_t n;
	enum lookup found = people(job, ASK_LOGIN, login, &v, &n);

	*out = pick_login(job, login, v, n);
	if (*out != NULL || found == LOOKUP_UNAVAILABLE)
		return found;
	return owner_of_address(job, t, out) == LOOKUP_UNAVAILABLE ? LOOKUP_UNAVAILABLE : found;
}

/* A DN that nobody has: a bind with it costs what others cost. */
static bool
put_decoy(struct job *job, const char *login, struct credential *out)
{
	const struct text_list *people_of = &job->snapshot->people;
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (const char *p = login; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	out->dn = arena_printf(job->mem, "cn=nobody-%016" PRIx64 "%s%s", h,
	    people_of->n == 0 || *people_of->v[0] == '\0' ? "" : ",",
	    people_of->n == 0 ? "" : people_of->v[0]);
	return out->dn != NULL;
}

static enum lookup
put_credential(struct job *job, const struct ldap_person *p, struct credential *out)
{
	const struct mailbox *m = &p->mailbox;
	const char *login = m->login_name != NULL ? m->login_name : m->address;
	struct credential credential = { .login_name = arena_strdup(job->mem, login),
		.enabled = p->disabled ? TRI_OFF : TRI_ABSENT,
		.dn = arena_strdup(job->mem, p->dn) };

	if (credential.login_name == NULL || credential.dn == NULL) {
		(void)err_nomem(job->err, p->dn);
		return LOOKUP_UNAVAILABLE;
	}
	*out = credential;
	return LOOKUP_FOUND;
}

enum lookup
ldap_dir_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err)
{
	struct usher_error ignored;
	const struct ldap_person *p;
	struct target t;
	struct job job;
	enum lookup found = start(ldap_dir_of(dir), mem, &job, err != NULL ? err : &ignored);

	if (found != LOOKUP_FOUND)
		return found;
	for (;;) {
		if (want_login(&job, login, &t) != USHER_OK)
			return LOOKUP_UNAVAILABLE;
		if (ldap_ask_settled(job.s->ask))
			break;
		if ((dir->flags & DIR_SERVE) != 0)
			return LOOKUP_PENDING;
		ldap_ask_settle(job.s->ask);
	}
	found = find_login(&job, login, &t, &p);
	if (found == LOOKUP_UNAVAILABLE)
		return found;
	if (p != NULL && !p->contact && p->kind != PERSON_GROUP)
		return put_credential(&job, p, out);
	/* That nobody had it a while ago is no reason to refuse. */
	if (found == LOOKUP_ABSENT || !put_decoy(&job, login, out))
		return LOOKUP_UNAVAILABLE;
	return LOOKUP_ABSENT;
}

enum lookup
ldap_dir_generation(struct dir *dir, uint64_t *out, struct usher_error *err)
{
	struct job job;
	enum lookup found = start(ldap_dir_of(dir), NULL, &job, err);

	if (found == LOOKUP_FOUND)
		*out = job.snapshot->generation;
	return found;
}

/* ---- waiting ---- */

void
ldap_dir_wait(struct dir *dir, void (*ready)(void *arg), void *arg)
{
	ldap_ask_wait(ldap_dir_of(dir)->serving->ask, ready, arg);
}

bool
ldap_dir_is_silent(const struct dir *dir)
{
	const struct ldap_dir *d = (const struct ldap_dir *)(const void *)dir;

	return d->serving != NULL && ldap_ask_is_silent(d->serving->ask);
}

int
ldap_dir_descriptor(const struct dir *dir)
{
	const struct ldap_dir *d = (const struct ldap_dir *)(const void *)dir;

	return d->serving == NULL ? -1 : ldap_ask_descriptor(d->serving->ask);
}

void
ldap_dir_turn(struct dir *dir)
{
	if (ldap_dir_of(dir)->serving != NULL)
		ldap_ask_turn(ldap_dir_of(dir)->serving->ask);
}

void
ldap_dir_since(struct dir *dir, uint64_t mono_ms)
{
	if (ldap_dir_of(dir)->serving != NULL)
		ldap_ask_since(ldap_dir_of(dir)->serving->ask, mono_ms);
}

uint64_t
ldap_dir_age_ms(struct dir *dir)
{
	const struct ldap_serving *s = ldap_dir_of(dir)->serving;

	return s == NULL ? 0 : ldap_keeper_age_ms(s->keeper);
}

struct text_list
ldap_dir_skipped(struct dir *dir)
{
	const struct ldap_serving *s = ldap_dir_of(dir)->serving;

	return s == NULL || s->snapshot == NULL ? (struct text_list){ 0 } : s->snapshot->skipped;
}
