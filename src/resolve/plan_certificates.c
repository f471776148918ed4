/* plan_certificates.c - the certificates of a deployment: the names on them, and which of the
 * directory's have these (http-discovery.md 14). */
#include <string.h>

#include "base/address.h"
#include "resolve/plan_inside.h"

/* ---- names ---- */

bool
plan_is_ours(const struct plan_making *m, const char *host)
{
	return strcmp(host, m->wish->host) == 0 ||
	       (m->wish->scenario != SCENARIO_SRV && m->wish->scenario != SCENARIO_REDIRECT &&
		   strcmp(host, m->out->autodiscover) == 0);
}

bool
plan_is_certified(const struct plan_making *m, const char *host)
{
	for (size_t i = 0; i < m->n_names; i++)
		if (strcmp(m->names[i].name, host) == 0)
			return true;
	return false;
}

static void
add_name(struct plan_making *m, const char *name, const char *why)
{
	if (!plan_is_certified(m, name))
		m->names[m->n_names++] = (struct plan_name){ name, KEEP(m, why) };
}

void
plan_note_host(struct plan_making *m, const char *host, const char *why)
{
	if (plan_is_ours(m, host))
		return;
	if (m->wish->scenario == SCENARIO_ALL_NAMES && domain_same_site(host, m->wish->host)) {
		add_name(m, host, why);
		return;
	}
	for (size_t i = 0; i < m->n_elsewhere; i++)
		if (strcmp(m->elsewhere[i], host) == 0)
			return;
	m->elsewhere[m->n_elsewhere++] = host;
}

/* ---- certificates ---- */

static bool
covers(const struct text_list *names, const struct plan_certificate *wanted)
{
	for (size_t i = 0; i < wanted->n_names; i++) {
		size_t k = 0;

		while (k < names->n && !domain_matches(names->v[k], wanted->names[i].name))
			k++;
		if (k == names->n)
			return false;
	}
	return true;
}

static bool
has_text(const struct text_list *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (slice_is_nocase(slice_of(l->v[i]), text))
			return true;
	return false;
}

/* usherd shows it for all these names: because the domain says so, or it is enabled. */
static bool
is_shown(
    const struct plan_making *m, const struct certificate *c, const struct plan_certificate *wanted)
{
	const char *own = m->facts->domain->certificate;

	if (own != NULL && slice_is_nocase(slice_of(own), c->thumbprint))
		return true;
	return has_text(&c->services, "https") &&
	       (c->host_names.n == 0 || covers(&c->host_names, wanted)) &&
	       (c->listeners.n == 0 ||
		   (wanted->listener != NULL && has_text(&c->listeners, wanted->listener)));
}

/* Of several the one that lasts longest. */
static const struct certificate *
better(const struct certificate *a, const struct certificate *b)
{
	return a != NULL && a->not_after >= b->not_after ? a : b;
}

static void
find_certificate(const struct plan_making *m, struct plan_certificate *wanted)
{
	int64_t now_s = m->wish->now_s;

	for (size_t i = 0; i < m->wish->n_certificates; i++) {
		const struct certificate *c = &m->wish->certificates[i];

		if (!covers(&c->names, wanted))
			continue;
		if (c->request != NULL)
			wanted->request = c;
		else if (!certificate_is_valid(c, now_s))
			continue;
		else if (certificate_is_self_signed(c))
			wanted->self_signed = is_shown(m, c, wanted) ? c : wanted->self_signed;
		else if (is_shown(m, c, wanted))
			wanted->enabled = better(wanted->enabled, c);
		else
			wanted->imported = better(wanted->imported, c);
	}
}

void
plan_certificates(struct plan_making *m)
{
	struct deployment *d = m->out;
	bool two = m->wish->scenario == SCENARIO_TWO_HOSTS;

	d->certificates[0] = (struct plan_certificate){
		.listener = two ? PLAN_LISTENER_HOST : NULL,
		.names = m->names,
		.n_names = m->n_names,
	};
	d->n_certificates = two ? 2 : 1;
	if (two) {
		struct plan_name *name = arena_zalloc(m->mem, sizeof(*name));

		if (KEEP(m, name) == NULL)
			return;
		*name = (struct plan_name){ d->autodiscover,
			"programs look for the service here, and find a site of its own" };
		d->certificates[1] = (struct plan_certificate){
			.listener = PLAN_LISTENER_AUTODISCOVER, .names = name, .n_names = 1
		};
	}
	for (size_t i = 0; i < d->n_certificates; i++)
		find_certificate(m, &d->certificates[i]);
}

/* The common name of a subject (RFC 4514); empty when it has none that is a host's. */
static struct slice
common_name(const char *subject)
{
	static const struct slice type = SLICE_LITERAL("CN=");
	struct slice rest = slice_of(subject);

	while (rest.n > 0) {
		size_t end = slice_find(rest, ',');

		if (slice_starts_nocase(rest, type))
			return slice_skip(slice_from(rest.p, end), type.n);
		rest = slice_skip(rest, end + 1);
	}
	return rest;
}

/* Outlook compares the certificate's common name with `msstd:` and the host of Outlook Anywhere,
 * unless it is told another name. */
void
plan_provider(struct plan_making *m)
{
	const struct org_view *org = m->facts->org;
	const struct certificate *shown = m->out->certificates[0].enabled;
	struct slice name = common_name(shown == NULL ? NULL : shown->subject);
	const char *usual, *wanted;

	/* A proxy elsewhere has another certificate, which is not ours to know. */
	if (m->proxy == NULL || !plan_is_certified(m, m->proxy))
		return;
	usual = KEEP(m, arena_join(m->mem, "msstd:", m->proxy));
	if (name.n == 0)
		name = slice_of(m->wish->host);
	wanted = KEEP(m, arena_printf(m->mem, "msstd:%.*s", (int)name.n, name.p));
	for (size_t i = 0; org != NULL && i < org->n_providers && !m->failed; i++) {
		const struct provider *before = &org->providers[i];
		union org_record after = { .provider = *before };
		const char *told = before->cert_principal_name;

		if ((!slice_is_nocase(slice_of(before->name), "EXPR") &&
			!slice_is_nocase(slice_of(before->name), "EXHTTP")) ||
		    slice_is_nocase(slice_of(told), "none") ||
		    slice_is_nocase(slice_of(told == NULL ? usual : told), wanted))
			continue;
		after.provider.cert_principal_name = wanted;
		plan_put_record(m, ENTITY_PROVIDER, before, &after,
		    "Outlook compares it with the certificate's common name");
	}
}

void
plan_names(struct plan_making *m)
{
	static const struct {
		const char *label, *why;
	} documents[] = {
		{ "autoconfig", "Mail Autoconfig is asked for here, by Thunderbird and others" },
		{ "ua-auto-config", "PACC is asked for here" },
	};
	const struct zone *z = &m->out->zone;

	add_name(m, m->wish->host,
	    "the URLs that programs are given name it; it comes first, as the common name");
	if (m->wish->scenario != SCENARIO_ALL_NAMES)
		return;
	add_name(m, m->out->autodiscover, "programs look for the service here");
	for (size_t i = 0; i < COUNT_OF(documents); i++)
		for (size_t k = 0; k < z->n_records; k++)
			if (strcmp(z->records[k].name, documents[i].label) == 0)
				add_name(m,
				    KEEP(m, arena_join(m->mem, documents[i].label, ".", z->domain)),
				    documents[i].why);
}
