/* directory.c - performs the searches of directories, and finds the one of this computer. */
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "lib/search.h"
#include "model/ldap.h"
#include "net/negotiate.h"
#include "plan/source.h"

/* Names no domain: this computer is in none. */
#define NO_DOMAIN "ldap:///"

/* It tells its own failures before the plan has it stopped. */
enum { DIRECTORY_MS = PLAN_SEARCH_MS - 500 };

/* ---- the computer's own ---- */

/* A realm of Active Directory is its domain in capitals. */
static usher_status
find_domain(struct usher_search *s, const char **domain, const char **by)
{
	const struct {
		const char *text, *by;
	} sources[] = {
		{ negotiate_realm(s->mem), "by the default realm in krb5.conf" },
		{ dns_own_domain(s->dns, s->mem), "by the name of the host" },
	};

	*domain = NULL;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		usher_status st = USHER_E_ADDRESS;

		if (sources[i].text != NULL)
			st = domain_parse(s->mem, slice_of(sources[i].text), domain, NULL);
		if (st == USHER_E_ADDRESS)
			continue;
		*by = sources[i].by;
		return st;
	}
	return USHER_OK;
}

static usher_status
name_own(struct usher_search *s, struct plan_options *how)
{
	const char *domain, *by = "";
	usher_status st = find_domain(s, &domain, &by);

	how->directory = NO_DOMAIN;
	if (st != USHER_OK || domain == NULL)
		return st;
	how->directory = ldap_domain_uri(s->mem, domain);
	s->domain_by = arena_join(s->mem, "this computer is in ", domain, ", ", by);
	return how->directory == NULL || s->domain_by == NULL ? USHER_E_NOMEM : USHER_OK;
}

usher_status
directory_read(struct usher_search *s, struct plan_options *how, struct usher_error *err)
{
	const struct usher_find_options *o = &s->options.given;
	const struct {
		const char *from, **to;
	} texts[] = {
		{ o->directory, &how->directory },
		{ o->site, &how->site },
		{ o->site_before, &s->last_site },
		{ o->directory_login, &s->directory_login },
		{ o->ca_file, &s->ca_file },
	};
	usher_status st = USHER_OK;

	how->strict_site = o->strict_site != 0;
	if (o->no_scp != 0)
		how->excluded |= SOURCE_BIT(SOURCE_SCP);
	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(texts); i++)
		st = options_keep(s->mem, texts[i].from, texts[i].to, err);
	if (st != USHER_OK)
		return st;
	if (o->directory_password != NULL &&
	    !secret_set(&s->directory_password, slice_of(o->directory_password)))
		return err_nomem(err, "directory");
	if (how->directory == NULL && o->domain_joined != 0)
		st = name_own(s, how);
	s->directory = how->directory;
	return st == USHER_OK ? st : err_nomem(err, "directory");
}

void
directory_note_given(struct usher_search *s)
{
	bool joined = s->options.given.domain_joined != 0;

	s->result->domain_joined = joined;
	s->result->directory = joined ? NULL : s->directory;
	s->result->site_given = s->how.site != NULL;
}

/* ---- searching ---- */

static enum plan_failure
meaning(usher_status st)
{
	switch (st) {
	case USHER_OK:
		return PLAN_NO_FAILURE;
	case USHER_E_ABSENT:
		return PLAN_NO_SUCH_NAME;
	case USHER_E_NETWORK:
		return PLAN_UNREACHABLE;
	case USHER_E_TIMEOUT:
		return PLAN_TIMED_OUT;
	case USHER_E_TLS:
	case USHER_E_TRUST:
		return PLAN_TLS;
	case USHER_E_CREDENTIALS:
	case USHER_E_PERMISSION:
		return PLAN_NO_LOGIN;
	default:
		return PLAN_INTERNAL;
	}
}

static void
tell(struct usher_search *s, uint32_t id, const struct plan_finding *what)
{
	plan_searched(s->plan, search_now_ms(s), id, what);
}

static void
tell_failure(struct usher_search *s, uint32_t id, enum plan_failure failure, const char *detail)
{
	tell(s, id, &(struct plan_finding){ .failure = failure, .detail = detail });
}

static struct plan_finding
finding_of(const struct dirsearch *d)
{
	struct dirsearch_result r;

	dirsearch_result(d, &r);
	return (struct plan_finding){
		.failure = meaning(r.status),
		.detail = r.detail,
		.records = r.records,
		.n_records = r.n_records,
		.server = r.server,
		.site = r.site,
		.way = r.way,
		.safe = r.safe,
	};
}

/* The password is for the directory that was named, and for none that it points to. */
static usher_status
start(struct usher_search *s, const char *uri, struct directory *d, struct usher_error *err)
{
	bool named = s->directory != NULL && strcmp(uri, s->directory) == 0;
	const struct dirsearch_options options = {
		.uri = uri,
		.site = s->how.site,
		.last_site = named ? s->last_site : NULL,
		.why = named ? s->domain_by : NULL,
		.ca_file = s->ca_file,
		.login = named ? s->directory_login : NULL,
		.password = &s->directory_password,
		.by_category = s->options.given.object_category != 0,
		.routes = s->options.routes,
		.n_routes = s->options.n_routes,
		.lookup = DIRECTORY_LOOKUP + (uint32_t)(d - s->directories) * DIRSEARCH_LOOKUPS,
		.seed = s->how.seed,
		.timeout_ms = DIRECTORY_MS,
	};

	return dirsearch_new(&options, s->poller, s->dns, &d->search, err);
}

/* What was read once is not asked for again, for another mailbox or in another language. */
void
directory_search(struct usher_search *s, const struct plan_step *step)
{
	struct directory *d = &s->directories[s->n_directories];
	struct usher_error err;

	if (strcmp(step->name, NO_DOMAIN) == 0) {
		tell_failure(s, step->id, PLAN_NO_SUCH_NAME,
		    "this computer is in no domain: krb5.conf has no default realm, and the name "
		    "of the host no domain");
		return;
	}
	for (size_t i = 0; i < s->n_directories; i++) {
		const struct directory *known = &s->directories[i];

		if (known->over && strcmp(known->name, step->name) == 0) {
			struct plan_finding what = finding_of(known->search);

			tell(s, step->id, &what);
			return;
		}
	}
	if (s->n_directories == DIRECTORIES_MAX) {
		tell_failure(s, step->id, PLAN_INTERNAL, "too many directories in one search");
		return;
	}
	*d = (struct directory){ .id = step->id, .name = step->name };
	if (start(s, step->name, d, &err) != USHER_OK)
		tell_failure(s, step->id, PLAN_INTERNAL, err.message);
	else
		s->n_directories++;
}

void
directory_stop(struct usher_search *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_directories; i++) {
		struct directory *d = &s->directories[i];
		struct plan_finding what;

		if (d->id != id || d->over || d->search == NULL)
			continue;
		what = finding_of(d->search);
		what.failure = PLAN_STOPPED;
		tell(s, id, &what);
		dirsearch_free(d->search);
		d->search = NULL;
	}
}

void
directory_answer(struct usher_search *s, const struct dns_answer *a)
{
	size_t i = (a->id - DIRECTORY_LOOKUP) / DIRSEARCH_LOOKUPS;

	if (i < s->n_directories && s->directories[i].search != NULL)
		dirsearch_answer(s->directories[i].search, a);
}

void
directory_collect(struct usher_search *s)
{
	for (size_t i = 0; i < s->n_directories; i++) {
		struct directory *d = &s->directories[i];
		struct plan_finding what;

		if (d->over || d->search == NULL || !dirsearch_work(d->search))
			continue;
		d->over = true;
		what = finding_of(d->search);
		tell(s, d->id, &what);
	}
}

uint64_t
directory_wake_ms(const struct usher_search *s)
{
	uint64_t wake_ms = UINT64_MAX;

	for (size_t i = 0; i < s->n_directories; i++) {
		const struct directory *d = &s->directories[i];

		if (!d->over && d->search != NULL && dirsearch_wake_ms(d->search) < wake_ms)
			wake_ms = dirsearch_wake_ms(d->search);
	}
	return wake_ms;
}

void
directory_let_go(struct usher_search *s)
{
	for (size_t i = 0; i < s->n_directories; i++)
		dirsearch_free(s->directories[i].search);
	s->n_directories = 0;
	secret_clear(&s->directory_password);
}
