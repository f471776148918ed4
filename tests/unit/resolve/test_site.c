/* Random organizations: what is found by links is what a search from the beginning would find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolve/site.h"

enum { SERVERS_MAX = 12, ORGANIZATIONS = 2000, MEMORY_BYTES = 64 * 1024 };

struct world {
	uint64_t dice;
	struct server servers[SERVERS_MAX];
	struct service_url urls[SERVERS_MAX * URL_SERVICE_COUNT];
	struct outlook_anywhere outlook_anywhere[SERVERS_MAX];
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
	static const char *const sites[] = { NULL, "Pier", "pier", "Quay", "Pie" };
	static const char *const versions[] = { NULL, "", "15.1.2507", "15.2.1", "8.3.83", "x" };

	w->org = (struct org_view){ .servers = w->servers,
		.n_servers = roll(w, SERVERS_MAX + 1),
		.urls = w->urls,
		.outlook_anywhere = w->outlook_anywhere };
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

/* ---- the tests ---- */

static void
check_server(const struct org_view *org, const struct server *server)
{
	const struct server *at = server;

	for (int service = 0; service < URL_SERVICE_COUNT; service++)
		assert_ptr_equal(site_service(org, server, (enum url_service)service),
		    search_url(org, server, service));
	assert_ptr_equal(
	    org_view_links(org, server)->outlook_anywhere, search_outlook_anywhere(org, server));
	for (size_t i = 0; i < org->n_servers; i++) {
		const struct server *other = &org->servers[i];

		if (other == server || !site_same(other->site, server->site))
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
		cmocka_unit_test(test_newest),
	};

	return cmocka_run_group_tests_name("resolve-site", tests, NULL, NULL);
}
