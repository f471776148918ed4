/* test_profile_memory.c - each allocation of each call on profiles fails in turn: USHER_E_NOMEM,
 * the file as it was, and a profile that can be used afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../failnth.h"
#include "base/compat.h"
#include "usher/profile.h"

#define ANN "ann@contoso.example"
#define FILE_NAME "ann%40contoso.example.json"
#define ASKED \
	"\"source\": \"C\", \"url\": \"https://autodiscover.contoso.example/autodiscover\", " \
	"\"started_ms\": 0, \"elapsed_ms\": 9, \"offered\": [\"Negotiate\", \"NTLM\"], \"tls\": " \
	"{\"verdict\": \"verified\"}"
#define SETTINGS(host) \
	"{\"kind\": \"settings\", \"protocols\": [{\"type\": \"EXCH\", \"server\": \"" host \
	"\", \"ews_url\": \"https://" host "/\"}]}"

static const char text[] =
    "{\"usher_profile\": 1, \"profile\": {\"address\": \"" ANN "\", \"login\": \"CONTOSO\\\\ann\", "
    "\"url\": \"https://autodiscover.contoso.example/autodiscover\", "
    "\"trust_hosts\": [\"*.fabrikam.example\"], \"offered_before\": [\"contoso.example=NTLM\"]}, "
    "\"found_by\": {" ASKED
    "}, \"services_settings\": " SETTINGS("a.example") ", \"connection_settings\": " SETTINGS(
	"b.example") ", \"last_search\": "
		     "{\"at\": \"2026-11-21T08:35:00Z\", \"cause\": \"created\", \"outcome\": "
		     "\"found\"}, "
		     "\"attempts\": [{" ASKED "}]}";

static char folder[] = "/tmp/usher-memory-XXXXXX";
static char file[sizeof(folder) + sizeof(FILE_NAME)];
static struct usher_profile_options options = USHER_PROFILE_OPTIONS_INIT;

static void
put_file(void)
{
	FILE *f;

	(void)unlink(file);
	f = fopen(file, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(fclose(f), 0);
}

static void
read_file(char *out, size_t bytes)
{
	FILE *f = fopen(file, "r");
	size_t n = f == NULL ? 0 : fread(out, 1, bytes - 1, f);

	out[n] = '\0';
	if (f != NULL)
		(void)fclose(f);
}

/* What a call is tried on. */
struct ground {
	struct usher_profile *profile;
	const struct usher_result *found;
	struct usher_error err;
};

static usher_status
call_open(struct ground *g)
{
	struct usher_profile *p = NULL;
	usher_status st = usher_profile_open(ANN, &options, &p, &g->err);

	usher_profile_free(p);
	return st;
}

static usher_status
call_new(struct ground *g)
{
	struct usher_profile *p = NULL;
	usher_status st = usher_profile_new("bob@contoso.example", &options, &p, &g->err);

	usher_profile_free(p);
	return st;
}

/* With the first folder and the first file. */
static usher_status
call_create(struct ground *g)
{
	struct usher_profile_options elsewhere = options;
	struct usher_find_options find = USHER_FIND_OPTIONS_INIT;
	struct usher_profile *p = NULL;
	char path[sizeof(folder) + 8];
	usher_status st;

	(void)snprintf(path, sizeof(path), "%s/new", folder);
	elsewhere.folder = path;
	st = usher_profile_new(ANN, &elsewhere, &p, &g->err);
	if (st == USHER_OK && usher_profile_begin(p, USHER_REFRESH_DUE, &find) != 0)
		st = usher_profile_finish(p, g->found, &g->err);
	usher_profile_free(p);
	return st;
}

static usher_status
call_finish(struct ground *g)
{
	struct usher_find_options find = USHER_FIND_OPTIONS_INIT;

	assert_int_equal(usher_profile_begin(g->profile, USHER_REFRESH_REPAIR, &find), 1);
	assert_string_equal(find.login, "CONTOSO\\ann");
	assert_string_equal(find.trust_hosts[0], "*.fabrikam.example");
	assert_non_null(strstr(find.offered_before[0], "contoso.example="));
	return usher_profile_finish(g->profile, g->found, &g->err);
}

static usher_status
call_preview(struct ground *g)
{
	struct usher_find_options find = USHER_FIND_OPTIONS_INIT;

	assert_int_equal(usher_profile_begin(g->profile, USHER_REFRESH_REPAIR, &find), 1);
	return usher_profile_preview(g->profile, g->found, &g->err);
}

static usher_status
call_report(struct ground *g)
{
	return usher_profile_report(g->profile, USHER_PROFILE_MAILBOX_MOVED, &g->err);
}

static usher_status
call_sync(struct ground *g)
{
	return usher_profile_sync(g->profile, &g->err);
}

static int
count_one(const char *address, const char *name, const struct usher_error *fault, void *payload)
{
	assert_non_null(address);
	assert_null(fault);
	assert_string_equal(name, FILE_NAME);
	++*(int *)payload;
	return 0;
}

static usher_status
call_list(struct ground *g)
{
	int n = 0;
	usher_status st = usher_profile_list(&options, count_one, &n, &g->err);

	assert_true(st != USHER_OK || n == 1);
	return st;
}

static usher_status
call_remove(struct ground *g)
{
	return usher_profile_remove(ANN, &options, &g->err);
}

static const struct row {
	const char *name;
	usher_status (*call)(struct ground *);
	bool stale; /* another program has written the file since it was read */
} rows[] = {
	{ "open", call_open, false },
	{ "new", call_new, false },
	{ "create", call_create, false },
	{ "finish", call_finish, false },
	{ "finish, the file being another", call_finish, true },
	{ "preview", call_preview, false },
	{ "report", call_report, false },
	{ "report, the file being another", call_report, true },
	{ "sync", call_sync, true },
	{ "list", call_list, false },
	{ "remove", call_remove, false },
};

/* True when there was no allocation `at`. */
static bool
try_one(const struct row *row, const struct usher_result *found, long at)
{
	struct ground g = { .found = found };
	char before[4096], after[4096];
	usher_status st;
	bool spent;

	put_file();
	assert_int_equal(usher_profile_open(ANN, &options, &g.profile, NULL), USHER_OK);
	if (row->stale)
		put_file();
	read_file(before, sizeof(before));
	left = at;
	st = row->call(&g);
	spent = spare_the_rest();
	read_file(after, sizeof(after));
	if (st != (spent ? USHER_OK : USHER_E_NOMEM))
		fail_msg("%s, allocation %ld: %s: %s", row->name, at, usher_status_name(st),
		    g.err.message);
	if (!spent && strcmp(before, after) != 0)
		fail_msg("%s, allocation %ld: the file was changed", row->name, at);
	if (!spent && row->call(&g) != USHER_OK)
		fail_msg("%s, allocation %ld: not afterwards: %s", row->name, at, g.err.message);
	usher_profile_free(g.profile);
	return spent;
}

static void
remove_new(void)
{
	struct usher_profile_options elsewhere = options;
	char path[sizeof(folder) + 8];

	(void)snprintf(path, sizeof(path), "%s/new", folder);
	elsewhere.folder = path;
	if (usher_profile_remove(ANN, &elsewhere, NULL) == USHER_E_NOMEM)
		fail_msg("%s", path);
}

static void
test_each_allocation(void **state UNUSED)
{
	struct usher_profile *source;

	put_file();
	assert_int_equal(usher_profile_open(ANN, &options, &source, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		long at = 0;

		while (!try_one(&rows[i], usher_profile_settings(source), at)) {
			remove_new();
			at++;
		}
		assert_true(at > 1);
	}
	usher_profile_free(source);
}

static int
make_folder(void **state UNUSED)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/%s", folder, FILE_NAME);
	options.folder = folder;
	return 0;
}

static int
remove_folder(void **state UNUSED)
{
	static const char *const names[] = { ("new/" FILE_NAME), "new/.lock", "new", FILE_NAME,
		".lock", "" };
	char path[sizeof(folder) + sizeof(FILE_NAME) + 8];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)remove(path);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
