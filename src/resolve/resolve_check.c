/* resolve_check.c - what the world has to be like for a deployment to work, and what is wrong with
 * it (faults.md 8; scp.md 10.5). */
#include "resolve/resolve_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/url.h"
#include "base/when.h"

enum { DAY_S = 24 * 60 * 60, SOON_DAYS = 30, TEXT_BYTES = 4096 };

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

/* Rows in the making. Out of memory sticks. */
struct judging {
	struct arena *mem;
	struct check *c;
	const struct deployment *plan;
	bool failed;
};

static const char *
keep(struct judging *j, const char *p)
{
	j->failed = j->failed || p == NULL;
	return p;
}

#define SAY(j, ...) keep((j), arena_printf((j)->mem, __VA_ARGS__))

static void
put_row(struct judging *j, struct check_row row)
{
	if (j->c->n_rows < j->c->room)
		j->c->rows[j->c->n_rows++] = row;
}

static const char *
listed(struct judging *j, const struct text_list *l)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = TEXT_BYTES };

	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", l->v[i]);
	return keep(j, arena_strdup(j->mem, buf_cstr(&b)));
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
	put_row(j, (struct check_row){ "dns", n->name, CHECK_UNTESTED,
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
		put_row(j, row);
		return;
	}
	row.found = listed(j, &n->addresses);
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
	put_row(j, row);
}

/* In scenario 2 programs would come to it first, and find no certificate for it. */
static void
judge_absence(struct judging *j, const char *host)
{
	const struct check_name *n = find_name(j->c, host);

	if (n->trouble)
		judge_trouble(j, n);
	else if (n->addresses.n > 0)
		put_row(j,
		    (struct check_row){ "dns", host, CHECK_ERROR,
			SAY(j, "has the address %s", listed(j, &n->addresses)), "dns-srv-shadowed",
			"remove the record, or the wildcard that it comes from: programs go there "
			"before they look for the SRV record" });
	else
		put_row(j, (struct check_row){
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
	put_row(j, row);
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

/* ---- certificates ---- */

static const char *
why(const struct check_site *s)
{
	return s->detail == NULL ? "no connection" : s->detail;
}

static const char *
fault_of_tls(const struct judging *j, const struct check_site *s)
{
	const struct tls_evidence *t = &s->tls;

	switch ((enum tls_verdict)t->verdict) {
	case TLS_UNTRUSTED:
		return text_same(t->subject, t->issuer) ? "cert-self-signed-other" :
							  "cert-private-ca-untrusted";
	case TLS_WRONG_NAME:
		return strcmp(s->host, j->plan->autodiscover) == 0 ?
			   "cert-autodiscover-name-missing" :
			   "cert-scp-host-missing";
	case TLS_EXPIRED:
		return "cert-expired";
	case TLS_NOT_YET_VALID:
		return "cert-not-yet-valid";
	case TLS_REVOKED:
		return "cert-revoked";
	case TLS_NOT_TRIED:
	case TLS_VERIFIED:
	case TLS_BROKEN:
		break;
	}
	return "tls-no-common-version";
}

static const char *
todo_of_tls(struct judging *j, const struct check_site *s)
{
	switch ((enum tls_verdict)s->tls.verdict) {
	case TLS_UNTRUSTED:
		return "get one from an authority that programs know, or give every device the "
		       "root (usher ca root)";
	case TLS_WRONG_NAME:
		return SAY(j, "show one that has %s: request it, import it, enable it", s->host);
	case TLS_EXPIRED:
	case TLS_REVOKED:
		return "get a new one: usher cert renew";
	case TLS_NOT_YET_VALID:
		return "look at the clocks of this machine and of the authority";
	case TLS_NOT_TRIED:
	case TLS_VERIFIED:
	case TLS_BROKEN:
		break;
	}
	return "see whether it is usherd that listens there";
}

static const char *
names_of(struct judging *j, const struct tls_evidence *t)
{
	return t->names.n == 0 ? "no name" : listed(j, &t->names);
}

/* Soon is a month, or the last third of a short life. */
static bool
ends_soon(const struct tls_evidence *t, int64_t now_s)
{
	int64_t life = t->not_after - t->not_before, left = t->not_after - now_s;

	return left < (int64_t)SOON_DAYS * DAY_S && left < life / 3;
}

/* Whether HTTP can be judged too. */
static bool
judge_tls(struct judging *j, const struct check_site *s)
{
	const struct tls_evidence *t = &s->tls;
	struct check_row row = { .check = "certificate", .subject = s->host };

	if (s->failure == SEEN_BAD_TLS) {
		row.verdict = CHECK_ERROR;
		row.found = t->not_after == NUMBER_ABSENT || t->verdict == TLS_BROKEN ?
				SAY(j, "%s: no TLS: %s", s->address, why(s)) :
				SAY(j, "%s: %s (it names %s)", s->address, why(s), names_of(j, t));
		row.fault = fault_of_tls(j, s);
		row.todo = todo_of_tls(j, s);
		put_row(j, row);
		return false;
	}
	if (t->verdict != TLS_VERIFIED)
		return true;
	row.found = SAY(j, "%s: verified, %" PRId64 " days left: %s", s->address,
	    (t->not_after - j->c->now_s) / DAY_S, names_of(j, t));
	if (ends_soon(t, j->c->now_s)) {
		row.verdict = CHECK_WARNING;
		row.fault = "cert-expires-soon";
		row.todo = "renew it: usher cert renew";
	}
	put_row(j, row);
	return true;
}

/* ---- answers ---- */

static struct check_row
answer_row(struct judging *j, const struct check_site *s)
{
	return (struct check_row){ .check = "answer",
		.subject = s->url,
		.found = s->failure == SEEN_TROUBLE || s->status == NUMBER_ABSENT ?
			     SAY(j, "%s: %s", s->address, why(s)) :
			     SAY(j, "%s: HTTP %" PRId64 "%s%s", s->address, s->status,
				 s->location == NULL ? "" : ", to ",
				 s->location == NULL ? "" : s->location) };
}

static void
judge_service(struct judging *j, const struct check_site *s)
{
	int64_t wanted =
	    s->expect == EXPECT_SERVICE && j->plan->kind == DOMAIN_EXCHANGE ? 401 : 200;
	struct check_row row = answer_row(j, s);

	if (s->failure != SEEN_ANSWER || s->status != wanted) {
		row.verdict = CHECK_ERROR;
		row.fault = s->status >= 500 ? "http-5xx" :
			    s->status == 404 ? "http-endpoint-404" :
					       NULL;
		row.todo = s->status == 404 || s->status == 405 ?
			       "see whether it is usherd that listens there" :
			       SAY(j, "wanted is %" PRId64 ": look at the log of usherd", wanted);
	}
	put_row(j, row);
}

/* To that host, and to that path in any letters. */
static bool
is_target(struct judging *j, const struct check_site *s, bool *https)
{
	struct url from, to, wanted;

	*https = true;
	if (s->location == NULL || url_parse(j->mem, slice_of(s->url), &from, NULL) != USHER_OK ||
	    url_parse(j->mem, slice_of(j->plan->url), &wanted, NULL) != USHER_OK ||
	    url_resolve(j->mem, &from, slice_of(s->location), &to, NULL) != USHER_OK)
		return false;
	*https = to.https;
	return url_same(&to, &wanted);
}

static void
judge_redirect(struct judging *j, const struct check_site *s)
{
	struct check_row row = answer_row(j, s);
	bool https, right = is_target(j, s, &https);

	if (!https) {
		row.verdict = CHECK_CRITICAL;
		row.fault = "redirect-to-plain-http";
	} else if (s->status != 301 && s->status != 302) {
		row.verdict = CHECK_ERROR;
		row.fault = s->status >= 300 && s->status < 400 ? "redirect-status-unsupported" :
								  "redirect-site-silent";
	} else if (!right) {
		row.verdict = CHECK_ERROR;
		row.fault = "http-root-redirects-elsewhere";
	}
	if (row.verdict != CHECK_OK)
		row.todo = SAY(j, "let [listen redirect] have `target = %s`", j->plan->url);
	put_row(j, row);
}

static void
judge_nobody(struct judging *j, const struct check_site *s)
{
	struct check_row row = { .check = "connection",
		.subject = SAY(j, "%s:443", s->host),
		.found = SAY(j, "%s: nobody answers, as it should be", s->address) };

	if (s->failure != SEEN_NOBODY) {
		row.found = SAY(j, "%s: something answers, with a certificate for %s", s->address,
		    names_of(j, &s->tls));
		row.verdict = s->failure == SEEN_ANSWER && s->tls.verdict == TLS_VERIFIED ?
				  CHECK_WARNING :
				  CHECK_ERROR;
		row.fault = "cert-autodiscover-name-missing";
		row.todo =
		    "close port 443 there: programs ask it before they try the redirect, and "
		    "warn of the certificate";
	}
	put_row(j, row);
}

/* Programs ask https at the mail domain first, and it is often a web site. */
static void
judge_stranger(struct judging *j, const struct check_site *s)
{
	struct check_row row = { .check = "certificate", .subject = s->host };

	if (s->failure == SEEN_NOBODY || s->failure == SEEN_TROUBLE)
		return;
	if (s->failure == SEEN_BAD_TLS) {
		row.verdict = CHECK_WARNING;
		row.found = SAY(j, "%s: a web site, with a certificate for %s", s->address,
		    names_of(j, &s->tls));
		row.fault = s->tls.verdict == TLS_WRONG_NAME ? "cert-root-website-name-mismatch" :
							       "cert-root-website-untrusted";
		row.todo = SAY(j,
		    "add %s to its certificate, or close port 443: programs ask it "
		    "first, and some warn",
		    s->host);
		put_row(j, row);
	} else if (s->status == 200) {
		row.check = "answer";
		row.subject = s->url;
		row.verdict = CHECK_WARNING;
		row.found = SAY(j, "%s: a page, where Autodiscover is asked for", s->address);
		row.fault = "http-root-page-200";
		row.todo = "let it answer 404 to /autodiscover/";
		put_row(j, row);
	}
}

static void
judge_site(struct judging *j, const struct check_site *s)
{
	bool certified = s->expect != EXPECT_REDIRECT;

	if (s->expect == EXPECT_NOBODY) {
		judge_nobody(j, s);
		return;
	}
	if (s->expect == EXPECT_STRANGER) {
		judge_stranger(j, s);
		return;
	}
	if (s->failure == SEEN_NOBODY) {
		put_row(j, (struct check_row){ "connection", s->url, CHECK_ERROR,
			       SAY(j, "%s: %s", s->address, why(s)),
			       certified ? "tcp-443-refused" : "tcp-80-closed-redirect-needed",
			       "start usherd with the lines that `usher plan` prints, and let the "
			       "firewall pass" });
		return;
	}
	if (!certified)
		judge_redirect(j, s);
	else if (judge_tls(j, s) && s->expect != EXPECT_CERTIFICATE)
		judge_service(j, s);
}

/* ---- the directory ---- */

static void
judge_record(struct judging *j, const struct plan_record *r)
{
	const struct entity *e = r->entity;
	const char *key = keep(j, entity_key_text(j->mem, e, &r->after));
	struct buf CLEANUP(buf_cleanup) members = { .max = TEXT_BYTES };

	for (size_t i = e->n_keys; i < e->table.n && r->before != NULL; i++)
		if (!field_equal(&e->table.rows[i], r->before, &r->after))
			buf_printf(
			    &members, "%s%s", members.n == 0 ? "" : ", ", e->table.rows[i].name);
	put_row(j, (struct check_row){ "directory",
		       SAY(j, "%s %s", e->title, key == NULL ? "" : key), CHECK_ERROR,
		       r->before == NULL ? "is missing" :
					   SAY(j, "is not as planned: %s", buf_cstr(&members)),
		       e->id == ENTITY_SERVER ? "cert-scp-host-missing" :
		       e->id == ENTITY_URL    ? "cert-service-url-host-missing" :
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
	put_row(j, row);
}

static void
judge_directory(struct judging *j)
{
	const struct deployment *plan = j->plan;

	for (size_t i = 0; i < plan->setups.n; i++)
		put_row(j, (struct check_row){ "directory", plan->setups.v[i], CHECK_ERROR,
			       "is not set up", NULL,
			       SAY(j, "usher setup --domain %s --host %s", plan->wish->domain,
				   plan->setups.v[i]) });
	for (size_t i = 0; i < plan->n_records && !j->failed; i++)
		judge_record(j, &plan->records[i]);
	if (plan->n_records == 0 && plan->setups.n == 0)
		put_row(j, (struct check_row){ .check = "directory",
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
		judge_site(&j, &c->sites[i]);
	if (has_directory)
		judge_directory(&j);
	else
		put_row(&j, (struct check_row){ "directory", "settings", CHECK_UNTESTED,
				"there is no directory here", NULL, "run it where usherd runs" });
	return j.failed ? USHER_E_NOMEM : USHER_OK;
}
