/* resolve_check.c - what the world has to be like for a deployment to work, and what is wrong with
 * it (faults.md 8; scp.md 10.5). */
#include "resolve/resolve_check.h"

#include <string.h>

#include "base/buf.h"
#include "resolve/check_inside.h"

const char *
check_verdict_name(enum check_verdict verdict)
{
	static const char *const names[] = { [CHECK_OK] = "ok",
		[CHECK_WARNING] = "warning",
		[CHECK_UNTESTED] = "untested",
		[CHECK_ERROR] = "error",
		[CHECK_CRITICAL] = "critical" };

	return names[verdict];
}

/* ---- rows ---- */

void
check_put_row(struct judging *j, struct check_row row)
{
	if (j->c->n_rows < j->c->room)
		j->c->rows[j->c->n_rows++] = row;
}

const char *
check_listed(struct judging *j, const struct text_list *l)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = CHECK_TEXT_BYTES };

	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", l->v[i]);
	return KEEP(j, arena_strdup(j->mem, buf_cstr(&b)));
}

/* ---- names ---- */

static void
add_name(struct check *c, const char *name, bool srv)
{
	for (size_t i = 0; i < c->n_names; i++)
		if (strcmp(c->names[i].name, name) == 0)
			return;
	c->names[c->n_names++] = (struct check_name){ .name = name, .srv = srv };
}

usher_status
resolve_check_begin(
    struct arena *mem, const struct deployment *plan, int64_t now_s, struct check *out)
{
	size_t n = 4;
	const char *srv = arena_join(mem, "_autodiscover._tcp.", plan->wish->domain);

	*out = (struct check){ .plan = plan, .now_s = now_s };
	for (size_t i = 0; i < plan->n_certificates; i++)
		n += plan->certificates[i].n_names;
	out->names = arena_array(mem, n, sizeof(*out->names));
	if (out->names == NULL || srv == NULL)
		return USHER_E_NOMEM;
	for (size_t i = 0; i < plan->n_certificates; i++)
		for (size_t k = 0; k < plan->certificates[i].n_names; k++)
			add_name(out, plan->certificates[i].names[k].name, false);
	add_name(out, plan->autodiscover, false);
	add_name(out, plan->wish->domain, false);
	if (plan->wish->scenario != SCENARIO_REDIRECT)
		add_name(out, srv, true);
	return USHER_OK;
}

static const struct check_name *
find_name(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_names; i++)
		if (strcmp(c->names[i].name, name) == 0)
			return &c->names[i];
	return NULL;
}

/* The names that the planned records have; what a certificate has beside them is for use inside. */
static bool
is_public_name(const struct deployment *plan, const char *name)
{
	return strcmp(name, plan->wish->host) == 0 ||
	       (slice_ends_nocase(slice_of(name), slice_of(plan->wish->domain)) &&
		   (strcmp(name, plan->autodiscover) == 0 ||
		       slice_starts(slice_of(name), SLICE_LITERAL("autoconfig.")) ||
		       slice_starts(slice_of(name), SLICE_LITERAL("ua-auto-config."))));
}

/* ---- sites ---- */

static usher_status
add_site(struct arena *mem, struct check *c, const char *scheme, const char *host, const char *path,
    enum check_expect expect)
{
	const struct check_name *name = find_name(c, host);
	const char *url = arena_join(mem, scheme, "://", host, path);

	if (url == NULL)
		return USHER_E_NOMEM;
	for (size_t i = 0; name != NULL && i < name->addresses.n; i++)
		c->sites[c->n_sites++] = (struct check_site){
			.url = url,
			.host = host,
			.expect = expect,
			.post = expect == EXPECT_SERVICE,
			.address = name->addresses.v[i],
			.status = NUMBER_ABSENT,
		};
	return USHER_OK;
}

#define PATH "/autodiscover/autodiscover.xml"
#define AUTOCONFIG_PATH "/mail/config-v1.1.xml"
#define PACC_PATH "/.well-known/user-agent-configuration.json"

/* Of a name that a certificate has. */
static usher_status
add_certified(struct arena *mem, struct check *c, const char *name)
{
	if (strcmp(name, c->plan->wish->host) == 0 || strcmp(name, c->plan->autodiscover) == 0)
		return add_site(mem, c, "https", name, PATH, EXPECT_SERVICE);
	if (!is_public_name(c->plan, name))
		return add_site(mem, c, "https", name, PATH, EXPECT_CERTIFICATE);
	return add_site(mem, c, "https", name,
	    slice_starts(slice_of(name), SLICE_LITERAL("autoconfig.")) ? AUTOCONFIG_PATH :
									 PACC_PATH,
	    EXPECT_DOCUMENT);
}

usher_status
resolve_check_sites(struct arena *mem, struct check *c)
{
	const struct deployment *plan = c->plan;
	bool redirect = plan->wish->scenario == SCENARIO_REDIRECT;
	usher_status st = USHER_OK;
	size_t n = 0;

	for (size_t i = 0; i < c->n_names; i++)
		n += 2 * c->names[i].addresses.n;
	c->sites = arena_array(mem, n, sizeof(*c->sites));
	if (c->sites == NULL)
		return USHER_E_NOMEM;
	for (size_t i = 0; i < plan->n_certificates; i++)
		for (size_t k = 0; k < plan->certificates[i].n_names && st == USHER_OK; k++)
			st = add_certified(mem, c, plan->certificates[i].names[k].name);
	if (st == USHER_OK && redirect)
		st = add_site(mem, c, "http", plan->autodiscover, PATH, EXPECT_REDIRECT);
	if (st == USHER_OK && redirect)
		st = add_site(mem, c, "https", plan->autodiscover, PATH, EXPECT_NOBODY);
	if (st == USHER_OK && strcmp(plan->wish->domain, plan->wish->host) != 0)
		st = add_site(mem, c, "https", plan->wish->domain, PATH, EXPECT_STRANGER);
	return st;
}

/* ---- DNS ---- */

static void
judge_trouble(struct judging *j, const struct check_name *n)
{
	check_put_row(
	    j, (struct check_row){ "dns", n->name, CHECK_UNTESTED,
		   SAY(j, "no answer: %s", n->detail == NULL ? "unknown" : n->detail),
		   "dns-resolver-failure", "ask again, or another server by --dns-server" });
}

/* A name that must have addresses; those that were told are the ones. */
static void
judge_address(struct judging *j, const char *host)
{
	const struct check_name *n = find_name(j->c, host);
	const struct plan_wish *w = j->plan->wish;
	bool is_host = strcmp(host, w->host) == 0;
	struct check_row row = { .check = "dns", .subject = host };

	if (n->trouble) {
		judge_trouble(j, n);
		return;
	}
	if (n->addresses.n == 0) {
		bool inside = !is_public_name(j->plan, host);

		row.verdict = inside ? CHECK_WARNING : CHECK_ERROR;
		row.found = "has no address";
		row.fault = is_host || inside ? "dns-service-host-unresolvable" :
						"dns-no-autodiscover-path";
		row.todo = inside ? "see to it that clients inside can look it up" :
				    "add the record that `usher plan` prints";
		check_put_row(j, row);
		return;
	}
	row.found = check_listed(j, &n->addresses);
	if (n->alias && is_host && w->scenario != SCENARIO_REDIRECT) {
		row.verdict = CHECK_WARNING;
		row.fault = "dns-srv-target-alias";
		row.todo = "give it addresses of its own in the place of the CNAME: a SRV record "
			   "leads there, and some programs stop at an alias";
	}
	for (size_t i = 0; i < w->zone.n_addresses; i++) {
		const struct zone_address *a = &w->zone.addresses[i];
		size_t k = 0;

		if (a->host == NULL ? !is_host : strcmp(a->host, host) != 0)
			continue;
		while (k < n->addresses.n && strcmp(n->addresses.v[k], a->text) != 0)
			k++;
		if (k < n->addresses.n)
			continue;
		row.verdict = CHECK_ERROR;
		row.fault = "dns-split-horizon-gap";
		row.todo =
		    SAY(j, "%s is not among them: correct the record, or --address", a->text);
	}
	check_put_row(j, row);
}

/* In scenario 2 programs would come to it first, and find no certificate for it. */
static void
judge_absence(struct judging *j, const char *host)
{
	const struct check_name *n = find_name(j->c, host);

	if (n->trouble)
		judge_trouble(j, n);
	else if (n->addresses.n > 0)
		check_put_row(j,
		    (struct check_row){ "dns", host, CHECK_ERROR,
			SAY(j, "has the address %s", check_listed(j, &n->addresses)),
			"dns-srv-shadowed",
			"remove the record, or the wildcard that it comes from: programs go there "
			"before they look for the SRV record" });
	else
		check_put_row(j, (struct check_row){
				     .check = "dns", .subject = host, .found = "does not exist" });
}

static const char *
srv_text(struct judging *j, const struct srv_record *r)
{
	return SAY(j, "%u %u %u %s.", r->priority, r->weight, r->port, r->host);
}

static void
judge_srv(struct judging *j)
{
	const struct check_name *n = &j->c->names[j->c->n_names - 1];
	bool needed = j->plan->wish->scenario == SCENARIO_SRV;
	struct check_row row = { .check = "dns", .subject = n->name };

	if (!n->srv)
		return;
	if (n->trouble) {
		judge_trouble(j, n);
		return;
	}
	if (n->n_records == 0) {
		row.verdict = needed ? CHECK_ERROR : CHECK_WARNING;
		row.found = "has no SRV record";
		row.fault = needed ? "dns-srv-absent-single-name-cert" : NULL;
		row.todo = "add the record that `usher plan` prints";
	}
	for (size_t i = 0; i < n->n_records; i++) {
		const struct srv_record *r = &n->records[i];

		if (row.found == NULL || row.verdict == CHECK_OK)
			row.found = srv_text(j, r);
		if (!slice_is_nocase(slice_of(r->host), j->plan->wish->host)) {
			row.verdict = CHECK_ERROR;
			row.fault = "dns-srv-target-invalid";
			row.todo = SAY(j, "let it lead to %s", j->plan->wish->host);
		} else if (r->port != 443) {
			row.verdict = CHECK_ERROR;
			row.fault = "dns-srv-port-not-443";
			row.todo = "let it name port 443: Outlook heeds no other";
		}
	}
	check_put_row(j, row);
}

static void
judge_names(struct judging *j)
{
	const struct deployment *plan = j->plan;

	for (size_t i = 0; i < plan->n_certificates && !j->failed; i++)
		for (size_t k = 0; k < plan->certificates[i].n_names; k++)
			judge_address(j, plan->certificates[i].names[k].name);
	if (plan->wish->scenario == SCENARIO_SRV)
		judge_absence(j, plan->autodiscover);
	else if (plan->wish->scenario == SCENARIO_REDIRECT)
		judge_address(j, plan->autodiscover);
	judge_srv(j);
}

/* ---- the directory ---- */

static void
judge_record(struct judging *j, const struct plan_record *r)
{
	const struct entity *e = r->entity;
	const char *key = KEEP(j, entity_key_text(j->mem, e, &r->after));
	struct buf CLEANUP(buf_cleanup) members = { .max = CHECK_TEXT_BYTES };

	for (size_t i = e->n_keys; i < e->table.n && r->before != NULL; i++)
		if (!field_equal(&e->table.rows[i], r->before, &r->after))
			buf_printf(
			    &members, "%s%s", members.n == 0 ? "" : ", ", e->table.rows[i].name);
	check_put_row(
	    j, (struct check_row){ "directory", SAY(j, "%s %s", e->title, key == NULL ? "" : key),
		   CHECK_ERROR,
		   r->before == NULL ? "is missing" :
				       SAY(j, "is not as planned: %s", buf_cstr(&members)),
		   e->id == ENTITY_SERVER ? "cert-scp-host-missing" :
		   e->id == ENTITY_URL	  ? "cert-service-url-host-missing" :
					    NULL,
		   SAY(j, "%s: usher plan --apply does it", r->why) });
}

static void
judge_certificate(struct judging *j, const struct plan_certificate *p)
{
	struct check_row row = { .check = "directory",
		.subject = SAY(j, "certificate for %s", p->names[0].name) };

	if (p->enabled != NULL) {
		row.found = SAY(j, "%s is enabled", p->enabled->thumbprint);
	} else if (p->imported != NULL) {
		row.verdict = CHECK_ERROR;
		row.found = SAY(j, "%s is there, and not enabled", p->imported->thumbprint);
		row.fault = "cert-not-bound";
		row.todo = SAY(j, "usher cert enable %s --services https%s%s",
		    p->imported->thumbprint, p->listener == NULL ? "" : " --listener ",
		    p->listener == NULL ? "" : p->listener);
	} else if (p->request != NULL) {
		row.verdict = CHECK_ERROR;
		row.found =
		    SAY(j, "%s is a request, and waits for its answer", p->request->thumbprint);
		row.todo = "import what the authority sends: usher cert import FILE";
	} else if (p->self_signed != NULL) {
		row.verdict = CHECK_ERROR;
		row.found = SAY(j, "%s vouches for itself alone", p->self_signed->thumbprint);
		row.fault = "cert-exchange-self-signed";
		row.todo = "make a request: usher plan --apply does it";
	} else {
		row.verdict = CHECK_ERROR;
		row.found = "there is none with all names that is valid now";
		row.todo = "make a request: usher plan --apply does it";
	}
	check_put_row(j, row);
}

static void
judge_directory(struct judging *j)
{
	const struct deployment *plan = j->plan;

	for (size_t i = 0; i < plan->setups.n; i++)
		check_put_row(j, (struct check_row){ "directory", plan->setups.v[i], CHECK_ERROR,
				     "is not set up", NULL,
				     SAY(j, "usher setup --domain %s --host %s", plan->wish->domain,
					 plan->setups.v[i]) });
	for (size_t i = 0; i < plan->n_records && !j->failed; i++)
		judge_record(j, &plan->records[i]);
	if (plan->n_records == 0 && plan->setups.n == 0)
		check_put_row(
		    j, (struct check_row){ .check = "directory",
			   .subject = "settings",
			   .found = plan->kind == DOMAIN_EXCHANGE ?
					"the SCP and all URLs name hosts of the certificate" :
					"programs are told the host" });
	for (size_t i = 0; i < plan->n_certificates && !j->failed; i++)
		judge_certificate(j, &plan->certificates[i]);
}

usher_status
resolve_check_rows(struct arena *mem, struct check *c, bool has_directory)
{
	struct judging j = { .mem = mem, .c = c, .plan = c->plan };

	c->room = c->n_names + 2 * c->n_sites + c->plan->n_records + c->plan->setups.n +
		  c->plan->n_certificates + 4;
	c->rows = arena_array(mem, c->room, sizeof(*c->rows));
	if (c->rows == NULL)
		return USHER_E_NOMEM;
	judge_names(&j);
	for (size_t i = 0; i < c->n_sites && !j.failed; i++)
		check_judge_site(&j, &c->sites[i]);
	if (has_directory)
		judge_directory(&j);
	else
		check_put_row(
		    &j, (struct check_row){ "directory", "settings", CHECK_UNTESTED,
			    "there is no directory here", NULL, "run it where usherd runs" });
	return j.failed ? USHER_E_NOMEM : USHER_OK;
}
