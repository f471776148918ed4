/* test_certs.c - which certificate answers for which name, and what counts as a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert/selfsigned.h"
#include "cert/store.h"
#include "server/certs.h"

static const int64_t NOW = 1795250100; /* 2026-11-21T08:35:00Z */
static const int64_t DAY = 86400;
static const int64_t YEARS = 6 * 366 * 86400LL;

struct fixture {
	struct arena *mem;
	struct dir *dir;
	char folder[64];
	char stem[96]; /* the directory in it */
};

static int
make(void **state)
{
	struct fixture *s = calloc(1, sizeof(*s));
	char uri[128];

	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/usher-test-certs-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->stem, sizeof(s->stem), "%s/usher.db", s->folder);
	(void)snprintf(uri, sizeof(uri), "sqlite:%s", s->stem);
	s->mem = arena_new(16 * 1024 * 1024);
	assert_int_equal(dir_open(uri, NULL, DIR_WRITE | DIR_CREATE, &s->dir, NULL), USHER_OK);
	*state = s;
	return 0;
}

static int
drop(void **state)
{
	struct fixture *s = *state;
	char command[128];

	dir_close(s->dir);
	arena_free(s->mem);
	(void)snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	free(s);
	return system(command);
}

static void
put(struct fixture *s, enum entity_id id, void *record)
{
	struct usher_error err = { 0 };
	enum dir_change change;

	if (entity_check(s->mem, &entities[id], record, &err) != USHER_OK ||
	    dir_begin(s->dir, &err) != USHER_OK ||
	    dir_put(s->dir, &entities[id], record, &change, &err) != USHER_OK ||
	    dir_commit(s->dir, &err) != USHER_OK)
		fail_msg("%s: %s", err.where, err.message);
}

/* A certificate for `host`, made `age` seconds ago; for https when `enabled`. */
static const char *
add_certificate_for(
    struct fixture *s, const char *host, int64_t age, bool enabled, const char *listener)
{
	static const char *const https[] = { "https" };
	struct certificate c;
	struct buf key;

	buf_init(&key, 4096);
	assert_int_equal(cert_selfsigned(s->mem, host, NOW - age, &key, &c, NULL), USHER_OK);
	assert_int_equal(cert_key_put(s->stem, c.sha256, buf_as_slice(&key), NULL), USHER_OK);
	buf_wipe(&key);
	if (enabled)
		c.services = (struct text_list){ https, 1 };
	c.listeners = (struct text_list){ &listener, listener == NULL ? 0 : 1 };
	put(s, ENTITY_CERTIFICATE, &c);
	return c.thumbprint;
}

static const char *
add_certificate(struct fixture *s, const char *host, int64_t age, bool enabled)
{
	return add_certificate_for(s, host, age, enabled, NULL);
}

static void
add_domain(struct fixture *s, const char *name, const char *certificate, const char *host)
{
	struct domain d;

	record_init(&entities[ENTITY_DOMAIN].table, &d);
	d.domain = name;
	d.kind = DOMAIN_MAIL;
	d.certificate = certificate;
	d.host_names = (struct text_list){ &host, host == NULL ? 0 : 1 };
	put(s, ENTITY_DOMAIN, &d);
}

static usher_status
fill_for(struct fixture *s, const char *listener, struct tls_set **set, struct served_list *served,
    struct usher_error *err)
{
	const struct tls_options options = { 0 };
	struct certs certs;
	usher_status st;

	assert_int_equal(certs_read(s->mem, s->dir, NOW, &certs, err), USHER_OK);
	assert_int_equal(tls_set_new(&options, set, err), USHER_OK);
	*served = (struct served_list){ .mem = s->mem };
	st = certs_fill(*set, &certs, listener, NULL, served, err);
	if (st != USHER_OK)
		tls_set_unref(*set);
	return st;
}

static usher_status
fill(struct fixture *s, struct tls_set **set, struct served_list *served, struct usher_error *err)
{
	return fill_for(s, "https", set, served, err);
}

static void
test_choice(void **state)
{
	struct fixture *s = *state;
	const char *old = add_certificate(s, "old.contoso.com", 30 * DAY, true);
	const char *mail = add_certificate(s, "mail.contoso.com", DAY, true);
	const char *expired = add_certificate(s, "expired.contoso.com", YEARS, true);
	const char *own = add_certificate(s, "own.fabrikam.example", 2 * DAY, false);
	const char *off = add_certificate(s, "off.contoso.com", 0, false);
	const struct {
		const char *name, *wanted;
	} rows[] = {
		{ NULL, mail }, /* the newest that is valid */
		{ "unknown.example", mail },
		{ "off.contoso.com", mail },
		{ "mail.contoso.com", mail },
		{ "old.contoso.com", old },
		{ "expired.contoso.com", expired },
		{ "autodiscover.fabrikam.example", own }, /* no host names given */
		{ "fabrikam.example", own },
		{ "shop.example", own }, /* by host name */
		{ "autodiscover.shop.example", mail },
	};
	struct usher_error err = { 0 };
	struct served_list served;
	struct tls_set *set;

	add_domain(s, "fabrikam.example", own, NULL);
	add_domain(s, "tailspin.example", own, "shop.example");
	add_domain(s, "plain.example", NULL, NULL);
	if (fill(s, &set, &served, &err) != USHER_OK)
		fail_msg("%s: %s", err.where, err.message);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = tls_set_choose(set, rows[i].name);

		if (got == NULL || strcmp(got, rows[i].wanted) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
	assert_int_equal(served.n, 4);
	for (size_t i = 0; i < served.n; i++)
		assert_string_not_equal(served.v[i].label, off);
	tls_set_unref(set);
}

static void
test_listeners(void **state)
{
	struct fixture *s = *state;
	const char *all = add_certificate(s, "all.contoso.com", DAY, true);
	const char *two = add_certificate_for(s, "two.contoso.com", 0, true, "Two");
	const char *whole = add_certificate_for(s, "whole.contoso.com", 2 * DAY, true, "https two");
	const char *own = add_certificate_for(s, "own.contoso.com", DAY, false, "https");
	const struct {
		const char *listener, *name, *wanted;
	} rows[] = {
		{ "https", NULL, all },
		{ "https", "two.contoso.com", all },
		{ "https", "fabrikam.example", own },
		{ "https two", NULL, two },
		{ "https two", "all.contoso.com", all },
		{ "https two", "whole.contoso.com", whole },
		{ "https two", "fabrikam.example", two },
		{ "https three", NULL, all },
	};

	add_domain(s, "fabrikam.example", own, NULL);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct served_list served;
		struct tls_set *set;
		const char *got;

		if (fill_for(s, rows[i].listener, &set, &served, &err) != USHER_OK)
			fail_msg("%s: %s", err.where, err.message);
		got = tls_set_choose(set, rows[i].name);
		if (got == NULL || strcmp(got, rows[i].wanted) != 0)
			fail_msg("%s, %s: %s", rows[i].listener, rows[i].name, got);
		tls_set_unref(set);
	}
}

/* A certificate that many domains share is kept and told once, and counts for all of them. */
static void
test_shared(void **state)
{
	struct fixture *s = *state;
	const char *mail = add_certificate(s, "mail.contoso.com", 0, true);
	const char *shared = add_certificate(s, "shared.example", DAY, true);
	const char *lazy = add_certificate(s, "lazy.example", DAY, false);
	struct usher_error err = { 0 };
	struct served_list served;
	struct tls_set *set;
	char name[32];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "d%d.example", i);
		add_domain(s, name, i % 2 == 0 ? shared : lazy, NULL);
	}
	assert_int_equal(fill(s, &set, &served, &err), USHER_OK);
	assert_int_equal(served.n, 3);
	assert_string_equal(tls_set_choose(set, NULL), mail);
	assert_string_equal(tls_set_choose(set, "d98.example"), shared);
	assert_string_equal(tls_set_choose(set, "autodiscover.d99.example"), lazy);
	assert_string_equal(tls_set_choose(set, "shared.example"), shared);
	tls_set_unref(set);
}

static void
test_refusals(void **state)
{
	struct fixture *s = *state;
	struct usher_error err = { 0 };
	struct served_list served;
	struct tls_set *set;
	char path[256];
	struct certs certs;

	assert_int_equal(fill(s, &set, &served, &err), USHER_E_INPUT);
	assert_non_null(strstr(err.message, "no certificate is enabled"));
	(void)add_certificate(s, "off.contoso.com", 0, false);
	assert_int_equal(fill(s, &set, &served, &err), USHER_E_INPUT);
	(void)add_certificate(s, "mail.contoso.com", 0, true);
	assert_int_equal(fill(s, &set, &served, &err), USHER_OK);
	tls_set_unref(set);

	assert_int_equal(certs_read(s->mem, s->dir, NOW, &certs, &err), USHER_OK);
	for (size_t i = 0; i < certs.n; i++) {
		cert_key_path(s->stem, certs.v[i].sha256, path, sizeof(path));
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(fill(s, &set, &served, &err), USHER_E_ABSENT);
}

/* It has a key and a name, and nothing that could be served. */
static void
test_request(void **state)
{
	struct fixture *s = *state;
	struct certificate request;
	struct certs one, two;

	(void)add_certificate(s, "mail.contoso.com", 0, true);
	assert_int_equal(certs_read(s->mem, s->dir, NOW, &one, NULL), USHER_OK);
	record_init(&entities[ENTITY_CERTIFICATE].table, &request);
	request.thumbprint = "00112233445566778899AABBCCDDEEFF00112233";
	request.sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	request.request = "-----BEGIN CERTIFICATE REQUEST-----";
	put(s, ENTITY_CERTIFICATE, &request);
	assert_int_equal(certs_read(s->mem, s->dir, NOW, &two, NULL), USHER_OK);
	assert_int_equal(two.n, 1);
	assert_string_equal(one.fingerprint, two.fingerprint);
}

static void
test_fingerprint(void **state)
{
	struct fixture *s = *state;
	struct certs one, two;

	(void)add_certificate(s, "mail.contoso.com", 0, true);
	assert_int_equal(certs_read(s->mem, s->dir, NOW, &one, NULL), USHER_OK);
	add_domain(s, "plain.example", NULL, NULL);
	assert_int_equal(certs_read(s->mem, s->dir, NOW + DAY, &two, NULL), USHER_OK);
	assert_string_equal(one.fingerprint, two.fingerprint);

	add_domain(s, "plain.example", NULL, "settings.plain.example");
	assert_int_equal(certs_read(s->mem, s->dir, NOW, &two, NULL), USHER_OK);
	assert_string_not_equal(one.fingerprint, two.fingerprint);
	one = two;
	(void)add_certificate(s, "other.contoso.com", 0, false);
	assert_int_equal(certs_read(s->mem, s->dir, NOW, &two, NULL), USHER_OK);
	assert_string_not_equal(one.fingerprint, two.fingerprint);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_choice, make, drop),
		cmocka_unit_test_setup_teardown(test_listeners, make, drop),
		cmocka_unit_test_setup_teardown(test_shared, make, drop),
		cmocka_unit_test_setup_teardown(test_refusals, make, drop),
		cmocka_unit_test_setup_teardown(test_request, make, drop),
		cmocka_unit_test_setup_teardown(test_fingerprint, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
