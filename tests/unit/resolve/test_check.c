/* test_check.c - what a deployment's world means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "resolve/resolve_check.h"

enum { DAY_S = 24 * 60 * 60, NOW_S = 1000 * DAY_S };

#define HOST "mail.d.example"
#define AUTODISCOVER "autodiscover.d.example"
#define URL "https://" HOST "/autodiscover/autodiscover.xml"
#define PLAIN "http://" AUTODISCOVER "/autodiscover/autodiscover.xml"

/* A world where all is well, until a row changes it. */
struct world {
	struct arena *mem;
	struct facts facts;
	struct domain domain;
	struct certificate certificate;
	struct plan_wish wish;
	struct deployment plan;
	struct check check;
};

static const char *const host_address[] = { "192.0.2.1" };
static const char *const second_address[] = { "192.0.2.2" };
static const char *const all_names[] = { HOST, AUTODISCOVER };
static const char *const https[] = { "https" };
static const char *const host_names[] = { HOST };

static struct check_name *
name_of(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->check.n_names; i++)
		if (strcmp(w->check.names[i].name, name) == 0)
			return &w->check.names[i];
	fail_msg("%s is not looked up", name);
	return NULL;
}

static struct check_site *
site_of(struct world *w, const char *url)
{
	for (size_t i = 0; i < w->check.n_sites; i++)
		if (strcmp(w->check.sites[i].url, url) == 0)
			return &w->check.sites[i];
	fail_msg("%s is not asked", url);
	return NULL;
}

static void
answer_names(struct world *w)
{
	static const struct srv_record srv = { 0, 0, 443, HOST };
	int scenario = w->wish.scenario;

	for (size_t i = 0; i < w->check.n_names; i++) {
		struct check_name *n = &w->check.names[i];

		if (n->srv) {
			n->records = &srv;
			n->n_records = 1;
		} else if (strcmp(n->name, AUTODISCOVER) == 0 && scenario >= SCENARIO_TWO_HOSTS) {
			n->addresses = (struct text_list){ second_address, 1 };
		} else if (strcmp(n->name, HOST) == 0 || scenario == SCENARIO_ALL_NAMES) {
			n->addresses = (struct text_list){ host_address, 1 };
		}
	}
	/* The domain itself has a web site where a row says so. */
	name_of(w, "d.example")->addresses.n = 0;
}

static void
answer_sites(struct world *w)
{
	for (size_t i = 0; i < w->check.n_sites; i++) {
		struct check_site *s = &w->check.sites[i];

		s->tls = (struct tls_evidence){ .verdict = TLS_VERIFIED,
			.subject = "CN=" HOST,
			.issuer = "CN=CA",
			.names = { all_names, 2 },
			.not_before = NOW_S - 100 * DAY_S,
			.not_after = NOW_S + 200 * DAY_S };
		s->status = s->expect == EXPECT_REDIRECT ? 302 : 401;
		s->location = s->expect == EXPECT_REDIRECT ? URL : NULL;
		if (s->expect == EXPECT_NOBODY)
			s->failure = SEEN_NOBODY;
		if (s->expect != EXPECT_SERVICE)
			s->tls.verdict = TLS_NOT_TRIED;
	}
}

/* ---- rows ---- */

static void
nothing(struct world *w)
{
	(void)w;
}

static void
web_site(struct world *w)
{
	name_of(w, "d.example")->addresses = (struct text_list){ host_address, 1 };
}

static void
autodiscover_exists(struct world *w)
{
	name_of(w, AUTODISCOVER)->addresses = (struct text_list){ second_address, 1 };
}

static void
no_answer(struct world *w)
{
	name_of(w, HOST)->trouble = true;
	name_of(w, HOST)->addresses.n = 0;
}

static void
host_is_alias(struct world *w)
{
	name_of(w, HOST)->alias = true;
}

static void
two_srv(struct world *w)
{
	static const struct srv_record srv[] = { { 0, 0, 443, HOST },
		{ 1, 0, 443, "www.d.example" } };
	struct check_name *n = name_of(w, "_autodiscover._tcp.d.example");

	n->records = srv;
	n->n_records = 2;
}

static void
no_srv(struct world *w)
{
	name_of(w, "_autodiscover._tcp.d.example")->n_records = 0;
}

static void
bad_tls(struct world *w, enum tls_verdict verdict)
{
	struct check_site *s = site_of(w, URL);

	s->failure = SEEN_BAD_TLS;
	s->detail = "words of the library";
	s->tls.verdict = (int)verdict;
}

static void
untrusted(struct world *w)
{
	bad_tls(w, TLS_UNTRUSTED);
}

static void
self_signed(struct world *w)
{
	bad_tls(w, TLS_UNTRUSTED);
	site_of(w, URL)->tls.issuer = "CN=" HOST;
}

static void
wrong_name(struct world *w)
{
	bad_tls(w, TLS_WRONG_NAME);
}

static void
revoked(struct world *w)
{
	bad_tls(w, TLS_REVOKED);
}

static void
not_yet(struct world *w)
{
	bad_tls(w, TLS_NOT_YET_VALID);
}

static void
no_tls(struct world *w)
{
	bad_tls(w, TLS_BROKEN);
	site_of(w, URL)->tls.not_after = NUMBER_ABSENT;
}

static void
soon(struct world *w)
{
	site_of(w, URL)->tls.not_after = NOW_S + 29 * DAY_S;
}

/* A short life has less of it left and yet enough. */
static void
short_life(struct world *w)
{
	site_of(w, URL)->tls.not_before = NOW_S - 40 * DAY_S;
	site_of(w, URL)->tls.not_after = NOW_S + 25 * DAY_S;
}

static void
server_error(struct world *w)
{
	site_of(w, URL)->status = 503;
}

static void
not_found(struct world *w)
{
	site_of(w, URL)->status = 404;
}

static void
open_to_all(struct world *w)
{
	site_of(w, URL)->status = 200;
}

static void
hangs(struct world *w)
{
	site_of(w, URL)->failure = SEEN_TROUBLE;
	site_of(w, URL)->status = NUMBER_ABSENT;
	site_of(w, URL)->detail = "no answer in time";
}

static void
closed(struct world *w)
{
	site_of(w, URL)->failure = SEEN_NOBODY;
}

static void
to_plain_http(struct world *w)
{
	site_of(w, PLAIN)->location = "http://" HOST "/autodiscover/autodiscover.xml";
}

static void
other_spelling(struct world *w)
{
	site_of(w, PLAIN)->location = "HTTPS://Mail.D.example:443/Autodiscover/Autodiscover.XML";
	site_of(w, PLAIN)->status = 301;
}

static void
by_307(struct world *w)
{
	site_of(w, PLAIN)->status = 307;
}

static void
no_location(struct world *w)
{
	site_of(w, PLAIN)->location = NULL;
}

static void
is_open(struct world *w)
{
	struct check_site *s = site_of(w, "https://" AUTODISCOVER "/autodiscover/autodiscover.xml");

	s->failure = SEEN_BAD_TLS;
	s->tls.verdict = TLS_WRONG_NAME;
}

static void
web_site_with(struct world *w, enum tls_verdict verdict, int status)
{
	struct check_site *s = site_of(w, "https://d.example/autodiscover/autodiscover.xml");

	s->failure = verdict == TLS_VERIFIED ? SEEN_ANSWER : SEEN_BAD_TLS;
	s->tls.verdict = (int)verdict;
	s->status = status;
}

static void
web_site_of_www(struct world *w)
{
	web_site_with(w, TLS_WRONG_NAME, NUMBER_ABSENT);
}

static void
web_site_untrusted(struct world *w)
{
	web_site_with(w, TLS_EXPIRED, NUMBER_ABSENT);
}

static void
web_site_page(struct world *w)
{
	web_site_with(w, TLS_VERIFIED, 200);
}

static void
web_site_good(struct world *w)
{
	web_site_with(w, TLS_VERIFIED, 404);
}

static const struct {
	const char *label;
	int scenario;
	void (*names)(struct world *w);
	void (*sites)(struct world *w);
	const char *rows; /* those that are not ok */
} rows[] = {
	{ "1: all is well", 1, nothing, nothing, "" },
	{ "2: all is well", 2, nothing, nothing, "" },
	{ "3: one of the two certificates is missing", 3, nothing, nothing,
	    "error directory certificate for autodiscover.d.example -\n" },
	{ "4: all is well", 4, nothing, nothing, "" },
	{ "2: autodiscover exists", 2, autodiscover_exists, nothing,
	    "error dns " AUTODISCOVER " dns-srv-shadowed\n" },
	{ "2: DNS does not answer", 2, no_answer, nothing,
	    "untested dns " HOST " dns-resolver-failure\n" },
	{ "2: the host is an alias", 2, host_is_alias, nothing,
	    "warning dns " HOST " dns-srv-target-alias\n" },
	{ "4: where no SRV record leads it may be one", 4, host_is_alias, nothing, "" },
	{ "2: one of two SRV records leads elsewhere", 2, two_srv, nothing,
	    "error dns _autodiscover._tcp.d.example dns-srv-target-invalid\n" },
	{ "2: no SRV record", 2, no_srv, nothing,
	    "error dns _autodiscover._tcp.d.example dns-srv-absent-single-name-cert\n" },
	{ "1: no SRV record", 1, no_srv, nothing, "warning dns _autodiscover._tcp.d.example -\n" },
	{ "2: nobody vouches for the certificate", 2, nothing, untrusted,
	    "error certificate " HOST " cert-private-ca-untrusted\n" },
	{ "2: it vouches for itself", 2, nothing, self_signed,
	    "error certificate " HOST " cert-self-signed-other\n" },
	{ "2: for another name", 2, nothing, wrong_name,
	    "error certificate " HOST " cert-scp-host-missing\n" },
	{ "2: revoked", 2, nothing, revoked, "error certificate " HOST " cert-revoked\n" },
	{ "2: not valid yet", 2, nothing, not_yet,
	    "error certificate " HOST " cert-not-yet-valid\n" },
	{ "2: no TLS", 2, nothing, no_tls, "error certificate " HOST " tls-no-common-version\n" },
	{ "2: it ends soon", 2, nothing, soon, "warning certificate " HOST " cert-expires-soon\n" },
	{ "2: a short life does not yet", 2, nothing, short_life, "" },
	{ "2: the service is down", 2, nothing, server_error, "error answer " URL " http-5xx\n" },
	{ "2: something else answers", 2, nothing, not_found,
	    "error answer " URL " http-endpoint-404\n" },
	{ "2: it asks for no password", 2, nothing, open_to_all, "error answer " URL " -\n" },
	{ "2: it says nothing", 2, nothing, hangs, "error answer " URL " -\n" },
	{ "2: nobody is there", 2, nothing, closed, "error connection " URL " tcp-443-refused\n" },
	{ "4: the redirect leads to plain HTTP", 4, nothing, to_plain_http,
	    "critical answer " PLAIN " redirect-to-plain-http\n" },
	{ "4: the target in another spelling", 4, nothing, other_spelling, "" },
	{ "4: a redirect that clients ignore", 4, nothing, by_307,
	    "error answer " PLAIN " redirect-status-unsupported\n" },
	{ "4: a redirect to nowhere", 4, nothing, no_location,
	    "error answer " PLAIN " http-root-redirects-elsewhere\n" },
	{ "4: port 443 is open", 4, nothing, is_open,
	    "error connection " AUTODISCOVER ":443 cert-autodiscover-name-missing\n" },
	{ "1: a web site of another name", 1, web_site, web_site_of_www,
	    "warning certificate d.example cert-root-website-name-mismatch\n" },
	{ "1: a web site whose certificate has expired", 1, web_site, web_site_untrusted,
	    "warning certificate d.example cert-root-website-untrusted\n" },
	{ "1: a web site with a page for everything", 1, web_site, web_site_page,
	    "warning answer https://d.example/autodiscover/autodiscover.xml http-root-page-200\n" },
	{ "1: a web site that says no", 1, web_site, web_site_good, "" },
};

static void
begin(struct world *w, struct arena *mem, int scenario)
{
	static const struct zone_address addresses[] = { { NULL, "192.0.2.1" },
		{ AUTODISCOVER, "192.0.2.2" } };

	memset(w, 0, sizeof(*w));
	w->mem = mem;
	record_init(&entities[ENTITY_DOMAIN].table, &w->domain);
	w->domain.domain = "d.example";
	w->domain.host_names = (struct text_list){ host_names, 1 };
	record_init(&entities[ENTITY_CERTIFICATE].table, &w->certificate);
	w->certificate = (struct certificate){ .thumbprint = "A",
		.subject = "CN=" HOST,
		.issuer = "CN=CA",
		.names = { all_names, scenario == SCENARIO_ALL_NAMES ? 2 : 1 },
		.services = { https, 1 },
		.not_after = NOW_S + 1 };
	w->wish.scenario = scenario;
	w->wish.domain = "d.example";
	w->wish.host = HOST;
	w->wish.accepted = true;
	w->wish.now_s = NOW_S;
	w->wish.certificates = &w->certificate;
	w->wish.n_certificates = 1;
	w->wish.servers = (struct text_list){ host_names, 1 };
	w->wish.zone.addresses = addresses;
	w->wish.zone.n_addresses = scenario >= SCENARIO_TWO_HOSTS ? 2 : 1;
	w->facts.domain = &w->domain;
	w->facts.domain_name = "d.example";
	assert_int_equal(resolve_plan(mem, &w->facts, &w->wish, &w->plan, NULL), USHER_OK);
	/* That its one server is not set up yet is nothing to these rows. */
	w->plan.setups.n = 0;
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(4 * 1024 * 1024);
		struct buf CLEANUP(buf_cleanup) text = { .max = 64 * 1024 };
		struct world w;

		print_message("# %s\n", rows[i].label);
		begin(&w, mem, rows[i].scenario);
		assert_int_equal(resolve_check_begin(mem, &w.plan, NOW_S, &w.check), USHER_OK);
		answer_names(&w);
		rows[i].names(&w);
		assert_int_equal(resolve_check_sites(mem, &w.check), USHER_OK);
		answer_sites(&w);
		rows[i].sites(&w);
		assert_int_equal(resolve_check_rows(mem, &w.check, true), USHER_OK);
		assert_true(w.check.n_rows > 0);
		for (size_t k = 0; k < w.check.n_rows; k++) {
			const struct check_row *r = &w.check.rows[k];

			assert_non_null(r->found);
			assert_true((r->todo == NULL) == (r->verdict == CHECK_OK));
			if (r->verdict != CHECK_OK)
				buf_printf(&text, "%s %s %s %s\n", check_verdict_name(r->verdict),
				    r->check, r->subject, r->fault == NULL ? "-" : r->fault);
		}
		assert_string_equal(buf_cstr(&text), rows[i].rows);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
