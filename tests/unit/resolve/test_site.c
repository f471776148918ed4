/* Random organizations: what is found by links is what a search from the beginning would find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "resolve/site.h"

enum { SERVERS_MAX = 12, ORGANIZATIONS = 2000, MEMORY_BYTES = 256 * 1024, SITES = 3 };

struct world {
	uint64_t dice;
	struct server servers[SERVERS_MAX];
	struct service_url urls[SERVERS_MAX * URL_SERVICE_COUNT];
	struct outlook_anywhere outlook_anywhere[SERVERS_MAX];
	struct site sites[SITES];
	struct org_view org;
};

/* 0 to sides - 1 */
static size_t
roll(struct world *w, size_t sides)
{
	w->dice = w->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(w->dice >> 33) % sides;
}

/* Each in two spellings, in no order. */
static const char *const names[SERVERS_MAX][2] = { { "m", "M" }, { "EX2", "ex2" }, { "a_", "A_" },
	{ "EX10", "Ex10" }, { "ex1", "EX1" }, { "Zoo", "zOO" }, { "a", "A" }, { "EX", "ex" },
	{ "b-1", "B-1" }, { "ex100", "EX100" }, { "c", "C" }, { "MAIL", "mail" } };

static void
put_records(struct world *w, size_t i)
{
	static const char *const texts[] = { NULL, "https://one/", "https://two/" };

	for (int service = 0; service < URL_SERVICE_COUNT; service++)
		if (roll(w, 4) == 0)
			w->urls[w->org.n_urls++] = (struct service_url){ .service = service,
				.server = names[i][roll(w, 2)],
				.internal = texts[roll(w, 3)],
				.external = texts[roll(w, 3)] };
	if (roll(w, 3) == 0)
		w->outlook_anywhere[w->org.n_outlook_anywhere++] =
		    (struct outlook_anywhere){ .server = names[i][roll(w, 2)],
			    .enabled = roll(w, 2) ? TRI_ON : TRI_OFF };
}

static void
draw(struct world *w)
{
	static const char *const sites[] = { NULL, "Pier", "pier", "Quay", "Pie", "M\303\274hle",
		"MU\314\210HLE" };
	static const char *const subnets[SITES][2] = { { "10.0.0.0/8", "2001:db8::/32" },
		{ "10.1.0.0/16", "::/0" }, { "10.1.2.0/24", "10.0.0.0/8" } };
	static const struct site drawn[SITES] = { { "PIER", { subnets[0], 2 } },
		{ "m\303\274hle", { subnets[1], 2 } }, { "Nowhere", { subnets[2], 2 } } };
	static const char *const versions[] = { NULL, "", "15.1.2507", "15.2.1", "8.3.83", "x" };

	w->org = (struct org_view){ .servers = w->servers,
		.n_servers = roll(w, SERVERS_MAX + 1),
		.urls = w->urls,
		.outlook_anywhere = w->outlook_anywhere,
		.sites = w->sites,
		.n_sites = SITES };
	memcpy(w->sites, drawn, sizeof(drawn));
	for (size_t i = 0; i < w->org.n_servers; i++) {
		w->servers[i] = (struct server){ .name = names[i][roll(w, 2)],
			.site = sites[roll(w, COUNT_OF(sites))],
			.version = versions[roll(w, COUNT_OF(versions))] };
		put_records(w, i);
	}
}

/* ---- the searches ---- */

static const struct server *
search_server(const struct org_view *org, const char *name)
{
	for (size_t i = 0; i < org->n_servers; i++)
		if (site_same(org->servers[i].name, name))
			return &org->servers[i];
	return NULL;
}

static const struct service_url *
search_url(const struct org_view *org, const struct server *server, int service)
{
	for (size_t i = 0; i < org->n_urls; i++)
		if (org->urls[i].service == service && site_same(org->urls[i].server, server->name))
			return &org->urls[i];
	return NULL;
}

static const struct outlook_anywhere *
search_outlook_anywhere(const struct org_view *org, const struct server *server)
{
	for (size_t i = 0; i < org->n_outlook_anywhere; i++)
		if (org->outlook_anywhere[i].enabled == TRI_ON &&
		    site_same(org->outlook_anywhere[i].server, server->name))
			return &org->outlook_anywhere[i];
	return NULL;
}

/* ---- the rules, walked ---- */

static bool
same_site(const struct server *a, const struct server *b)
{
	if (a->site == NULL || b->site == NULL)
		return a->site == b->site;
	return text_same_folded(slice_of(a->site), slice_of(b->site));
}

/* The servers in the order of site.h: the server, its site, the home, its site. */
static size_t
walk(const struct org_view *org, const struct site_choice *c, const struct server **out)
{
	const struct server *ends[] = { c->server, c->home };
	size_t n = 0;

	for (size_t end = 0; end < COUNT_OF(ends); end++) {
		out[n++] = ends[end];
		for (size_t i = 0; i < org->n_servers; i++)
			if (same_site(&org->servers[i], ends[end]))
				out[n++] = &org->servers[i];
	}
	return n;
}

static void
check_choice(const struct org_view *org, const struct site_choice *choice)
{
	const struct server *order[2 * (SERVERS_MAX + 1)];
	const struct outlook_anywhere *rpc = NULL;
	size_t n = walk(org, choice, order);

	for (size_t i = 0; i < n && rpc == NULL; i++)
		rpc = search_outlook_anywhere(org, order[i]);
	assert_ptr_equal(site_outlook_anywhere(org, choice), rpc);
	for (int service = 0; service < URL_SERVICE_COUNT; service++) {
		for (enum url_side side = INSIDE; side < SIDES; side++) {
			const char *url = NULL;

			for (size_t i = 0; i < n && url == NULL; i++)
				url = site_side(search_url(org, order[i], service), side);
			assert_ptr_equal(
			    site_url(org, choice, (enum url_service)service, side), url);
		}
	}
}

/* Those of the first of the two sites that has any, the server's own first, each once. */
static void
check_owa(const struct org_view *org, const struct site_choice *choice, enum url_side side)
{
	const struct server *order[2 * (SERVERS_MAX + 1)];
	const char *urls[SERVERS_MAX];
	struct site_owa found;
	size_t n = walk(org, choice, order), n_urls = 0;
	bool from_own = false;

	for (size_t i = 0; i < n; i++) {
		const char *url = site_side(search_url(org, order[i], URL_OWA), side);
		bool known = url == NULL;

		if (!same_site(order[i], choice->server) && from_own)
			break;
		for (size_t k = 0; k < n_urls; k++)
			known = known || strcmp(urls[k], url) == 0;
		if (!known)
			urls[n_urls++] = url;
		from_own = n_urls > 0 && same_site(order[i], choice->server);
	}
	site_owa(org, choice, side, &found);
	assert_int_equal(found.n, n_urls);
	/* A home that helps out has no own before the others. */
	for (size_t k = 0; k < n_urls; k++) {
		bool there = false;

		for (size_t i = 0; i < found.n; i++)
			there = there || strcmp(site_side(found.urls[i], side), urls[k]) == 0;
		assert_true(there);
	}
	if (site_side(search_url(org, choice->server, URL_OWA), side) != NULL)
		assert_string_equal(site_side(found.urls[0], side), urls[0]);
}

/* ---- the tests ---- */

static void
check_server(const struct org_view *org, const struct server *server)
{
	const struct server *at = server;

	for (int service = 0; service < URL_SERVICE_COUNT; service++)
		assert_ptr_equal(
		    org_view_links(org, server)->urls[service], search_url(org, server, service));
	assert_ptr_equal(
	    org_view_links(org, server)->outlook_anywhere, search_outlook_anywhere(org, server));
	for (size_t i = 0; i < org->n_servers; i++) {
		const struct server *other = &org->servers[i];
		const struct site_choice choice = { server, other };

		check_choice(org, &choice);
		check_owa(org, &choice, INSIDE);
		check_owa(org, &choice, OUTSIDE);
		if (other == server || !same_site(other, server))
			continue;
		at = site_next(org, server, at);
		assert_ptr_equal(at, other);
	}
	assert_null(site_next(org, server, at));
}

static void
test_random(void **state)
{
	struct world w = { .dice = 2026 };

	(void)state;
	for (size_t i = 0; i < ORGANIZATIONS; i++) {
		struct arena *mem = arena_new(MEMORY_BYTES);

		draw(&w);
		assert_true(org_view_link(mem, &w.org));
		for (size_t k = 0; k < w.org.n_servers; k++)
			check_server(&w.org, &w.servers[k]);
		for (size_t k = 0; k < SERVERS_MAX; k++)
			for (size_t spelling = 0; spelling < 2; spelling++)
				assert_ptr_equal(org_view_server(&w.org, names[k][spelling]),
				    search_server(&w.org, names[k][spelling]));
		arena_free(mem);
	}
}

/* In IPv6 form, as a server hands it on. */
static const unsigned char *
address_of(const char *text, unsigned char out[16])
{
	if (text == NULL)
		return NULL;
	memset(out, 0, 16);
	if (inet_pton(AF_INET, text, out + 12) == 1)
		memset(out + 10, 0xff, 2);
	else
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
	return out;
}

/* Which server answers: what the mailbox names, what the domain names, the client's site, the
 * oldest. */
static void
test_choice(void **state)
{
	static const struct {
		const char *title, *mailbox, *domain, *client, *server, *home;
	} rows[] = {
		{ "the oldest", NULL, NULL, NULL, "old", "old" },
		{ "the mailbox's", "MOLE1", NULL, NULL, "mole1", "old" },
		{ "the domain's", NULL, "Mole1", NULL, "mole1", "mole1" },
		{ "both", "pier1", "mole1", NULL, "pier1", "mole1" },
		{ "the mailbox's is gone", "sunk", "mole1", NULL, "mole1", "mole1" },
		{ "the domain's is gone", "pier1", "lost", NULL, "pier1", "pier1" },
		{ "the mailbox's is gone, the domain has none", "sunk", NULL, NULL, "old", "old" },
		{ "the client's site", NULL, NULL, "10.1.0.1", "mole1", "old" },
		{ "its oldest", NULL, NULL, "10.0.0.1", "pier1", "old" },
		{ "by IPv6", NULL, NULL, "2001:db8::1", "pier1", "old" },
		{ "by the longer prefix", NULL, NULL, "2001:db8:1::1", "mole1", "old" },
		{ "in no subnet", NULL, NULL, "192.0.2.1", "old", "old" },
		{ "at a site without servers", NULL, NULL, "10.1.2.3", "old", "old" },
		{ "the mailbox stays at home", "old", NULL, "10.1.0.1", "old", "old" },
		{ "so does the domain", NULL, "old", "10.1.0.1", "old", "old" },
		{ "the mailbox's is gone, at a site", "sunk", NULL, "10.1.0.1", "mole1", "old" },
	};
	static const char *const pier[] = { "10.0.0.0/8", "2001:db8::/32" };
	static const char *const mole[] = { "10.1.0.0/16", "2001:db8:1::/48" };
	static const char *const empty[] = { "10.1.2.0/24", "nonsense" };
	static const struct site sites[] = { { "Pier", { pier, 2 } },
		{ "M\303\266le", { mole, 2 } }, { "Empty", { empty, 2 } } };
	static const struct server servers[] = { { .name = "old", .site = "HQ" },
		{ .name = "pier1", .site = "pier" }, { .name = "pier2", .site = "PIER" },
		{ .name = "mole1", .site = "M\303\226LE" } };
	struct org_view org = { .sites = sites,
		.n_sites = COUNT_OF(sites),
		.servers = servers,
		.n_servers = COUNT_OF(servers) };
	struct arena *mem = arena_new(MEMORY_BYTES);
	struct domain domain = { 0 };
	struct mailbox mailbox = { 0 };
	const struct facts facts = { .org = &org, .domain = &domain };

	(void)state;
	assert_true(org_view_link(mem, &org));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned char address[16];
		struct site_choice c;

		domain.server = rows[i].domain;
		mailbox.server = rows[i].mailbox;
		c = site_choose(&facts, &mailbox, address_of(rows[i].client, address));
		if (strcmp(c.server->name, rows[i].server) != 0 ||
		    strcmp(c.home->name, rows[i].home) != 0)
			fail_msg("%s: %s, %s", rows[i].title, c.server->name, c.home->name);
	}
	domain.server = "lost";
	assert_null(site_choose(&facts, NULL, NULL).server);
	mailbox.server = "sunk";
	assert_null(site_choose(&facts, &mailbox, NULL).server);
	arena_free(mem);
}

/* Thousands of subnets and servers cost no more memory than they have to, and are found. */
static void
test_many(void **state)
{
	enum { MANY = 20000 };
	struct arena *mem = arena_new(64 * 1024 * 1024);
	struct server *servers = arena_array(mem, MANY, sizeof(*servers));
	struct site *sites = arena_array(mem, MANY, sizeof(*sites));
	struct org_view org = {
		.sites = sites, .n_sites = MANY, .servers = servers, .n_servers = MANY
	};
	unsigned char address[16];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		const char **subnet = arena_array(mem, 1, sizeof(*subnet));

		sites[i].name = arena_printf(mem, "site %zu", i);
		servers[i].name = arena_printf(mem, "ex%zu", i);
		servers[i].site = sites[i].name;
		*subnet = arena_printf(mem, "10.%zu.%zu.0/24", i / 256, i % 256);
		sites[i].subnets = (struct text_list){ subnet, 1 };
	}
	assert_true(org_view_link(mem, &org));
	for (size_t i = 0; i < MANY; i++) {
		const char *text = arena_printf(mem, "10.%zu.%zu.77", i / 256, i % 256);

		assert_ptr_equal(
		    org_view_site_of(&org, address_of(text, address))->first, &servers[i]);
	}
	assert_null(org_view_site_of(&org, address_of("10.255.0.1", address)));
	arena_free(mem);
}

/* A site of very many servers, each with an OWA of its own, tells of the oldest. */
static void
test_many_owa(void **state)
{
	enum { MANY = 3 * ORG_OWA_MAX };
	struct arena *mem = arena_new(MEMORY_BYTES);
	struct server servers[MANY];
	struct service_url urls[MANY];
	struct org_view org = {
		.servers = servers, .n_servers = MANY, .urls = urls, .n_urls = MANY
	};
	struct site_owa found;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		servers[i] = (struct server){ .name = arena_printf(mem, "ex%zu", i) };
		urls[i] = (struct service_url){ .service = URL_OWA,
			.server = servers[i].name,
			.internal = arena_printf(mem, "https://ex%zu/owa", i) };
	}
	assert_true(org_view_link(mem, &org));
	site_owa(&org, &(struct site_choice){ &servers[MANY - 1], &servers[0] }, INSIDE, &found);
	assert_int_equal(found.n, ORG_OWA_MAX + 1);
	assert_string_equal(found.urls[0]->server, "ex191");
	assert_string_equal(found.urls[1]->server, "ex0");
	site_owa(&org, &(struct site_choice){ &servers[0], &servers[0] }, OUTSIDE, &found);
	assert_int_equal(found.n, 0);
	arena_free(mem);
}

static void
test_newest(void **state)
{
	static const struct {
		const char *versions[3], *newest;
	} rows[] = {
		{ { NULL, NULL, NULL }, NULL },
		{ { "", "x", "15" }, NULL },
		{ { "15.1.2507", NULL, "15.2.1" }, "15.2.1" },
		{ { "8.3.83", "14.3.123", "9.9.9" }, "14.3.123" },
		{ { "15.1.10", "15.1.9", "15.1.2" }, "15.1.10" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(MEMORY_BYTES);
		struct server servers[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
		struct org_view org = { .servers = servers, .n_servers = 3 };

		for (size_t k = 0; k < COUNT_OF(servers); k++)
			servers[k].version = rows[i].versions[k];
		assert_true(org_view_link(mem, &org));
		print_message("# row %zu\n", i);
		if (rows[i].newest == NULL)
			assert_null(org.newest_version);
		else
			assert_string_equal(org.newest_version, rows[i].newest);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_many_owa),
		cmocka_unit_test(test_newest),
	};

	return cmocka_run_group_tests_name("resolve-site", tests, NULL, NULL);
}
