/* test_netlogon.c - the LDAP ping, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "wire/netlogon.h"

enum { MEMORY = 64 * 1024, ID = 7 };

static const unsigned char request[] = { 0x30, 0x51, 0x02, 0x01, 0x07, 0x63, 0x4c, 0x04, 0x00, 0x0a,
	0x01, 0x00, 0x0a, 0x01, 0x00, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x01, 0x01, 0x00, 0xa0,
	0x2d, 0xa3, 0x1c, 0x04, 0x09, 0x44, 0x6e, 0x73, 0x44, 0x6f, 0x6d, 0x61, 0x69, 0x6e, 0x04,
	0x0f, 0x68, 0x61, 0x72, 0x62, 0x6f, 0x75, 0x72, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c,
	0x65, 0xa3, 0x0d, 0x04, 0x05, 0x4e, 0x74, 0x56, 0x65, 0x72, 0x04, 0x04, 0x16, 0x00, 0x00,
	0x00, 0x30, 0x0a, 0x04, 0x08, 0x4e, 0x65, 0x74, 0x6c, 0x6f, 0x67, 0x6f, 0x6e };

/* What all the answers below begin with, up to the site of whoever asked. */
#define HEAD \
	0x17, 0x00, 0x00, 0x00, 0x7d, 0xf3, 0x00, 0x00, 0xe0, 0x04, 0x25, 0x3f, 0x89, 0x4f, 0xd3, \
	    0x11, 0x9a, 0x0c, 0x03, 0x05, 0xe8, 0x2c, 0x33, 0x01
#define NAMES \
	0x07, 0x68, 0x61, 0x72, 0x62, 0x6f, 0x75, 0x72, 0x07, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, \
	    0x65, 0x00, 0xc0, 0x18, 0x03, 0x64, 0x63, 0x31, 0xc0, 0x18, 0x07, 0x48, 0x41, 0x52, \
	    0x42, 0x4f, 0x55, 0x52, 0x00, 0x03, 0x44, 0x43, 0x31, 0x00, 0x00, 0x04, 0x51, 0x75, \
	    0x61, 0x79, 0x00
#define PIER 0x04, 0x50, 0x69, 0x65, 0x72, 0x00
#define ADDRESS \
	0x10, 0x02, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x02, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, \
	    0x00, 0x00
#define TOKENS 0xff, 0xff, 0xff, 0xff
#define VALUE_A HEAD, NAMES, PIER, 0xc0, 0x40, 0x15, 0x00, 0x00, 0x00, TOKENS

static const unsigned char value_a[] = { VALUE_A };
static const unsigned char value_b[] = { HEAD, NAMES, PIER, ADDRESS, 0x0d, 0x00, 0x00, 0x00,
	TOKENS };

static struct arena *mem;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new(MEMORY);
	return mem == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static void
test_request(void **state)
{
	struct buf b = { .max = NETLOGON_REQUEST_BYTES };

	(void)state;
	assert_int_equal(netlogon_ask(&b, ID, "harbour.example", NULL), USHER_OK);
	assert_int_equal(b.n, sizeof(request));
	assert_memory_equal(b.p, request, sizeof(request));
	assert_string_equal(netlogon_filter(mem, "harbour.example"),
	    "(&(DnsDomain=harbour.example)(NtVer=\\16\\00\\00\\00))");
	assert_string_equal(netlogon_filter(mem, NULL), "(&(NtVer=\\16\\00\\00\\00))");
	buf_clear(&b);
}

static void
test_message_ids(void **state)
{
	static const struct {
		int32_t id;
		size_t n;
		const char *octets;
	} rows[] = {
		{ 0, 1, "\x00" },
		{ 127, 1, "\x7f" },
		{ 128, 2, "\x00\x80" },
		{ 65535, 3, "\x00\xff\xff" },
		{ INT32_MAX, 4, "\x7f\xff\xff\xff" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = { .max = NETLOGON_REQUEST_BYTES };

		assert_int_equal(netlogon_ask(&b, rows[i].id, NULL, NULL), USHER_OK);
		assert_int_equal(b.p[2], 0x02);
		assert_int_equal(b.p[3], rows[i].n);
		assert_memory_equal(b.p + 4, rows[i].octets, rows[i].n);
		buf_clear(&b);
	}
}

/* Names that do not fit a datagram, and lengths of two octets. */
static void
test_long_request(void **state)
{
	char domain[NETLOGON_REQUEST_BYTES + 1];
	struct buf b = { .max = 2 * NETLOGON_REQUEST_BYTES };
	struct usher_error err;

	(void)state;
	memset(domain, 'a', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	assert_int_equal(netlogon_ask(&b, ID, domain, &err), USHER_E_LIMIT);
	assert_int_equal(b.n, 0);
	domain[300] = '\0';
	assert_int_equal(netlogon_ask(&b, ID, domain, &err), USHER_OK);
	assert_memory_equal(b.p, "\x30\x82", 2);
	assert_int_equal((unsigned char)b.p[2] << 8 | (unsigned char)b.p[3], b.n - 4);
	buf_clear(&b);
}

static void
assert_harbour(const struct dc_answer *a)
{
	assert_true(a->named);
	assert_int_equal(a->flags, 0x0000f37d);
	assert_false(a->flags & DC_CLOSEST);
	assert_string_equal(a->domain_guid, "3f2504e0-4f89-11d3-9a0c-0305e82c3301");
	assert_string_equal(a->forest, "harbour.example");
	assert_string_equal(a->domain, "harbour.example");
	assert_string_equal(a->host, "dc1.harbour.example");
	assert_string_equal(a->netbios_domain, "HARBOUR");
	assert_string_equal(a->netbios_host, "DC1");
	assert_null(a->user);
	assert_string_equal(a->dc_site, "Quay");
	assert_string_equal(a->client_site, "Pier");
}

static void
test_values(void **state)
{
	struct dc_answer a;

	(void)state;
	assert_int_equal(netlogon_read(mem, slice_from(value_a, sizeof(value_a)), &a, NULL), 0);
	assert_harbour(&a);
	assert_null(a.address);
	assert_string_equal(a.next_closest_site, "Quay");

	assert_int_equal(netlogon_read(mem, slice_from(value_b, sizeof(value_b)), &a, NULL), 0);
	assert_harbour(&a);
	assert_string_equal(a.address, "192.0.2.10");
	assert_null(a.next_closest_site);
}

#define ROW(what, ...) \
	{ \
		.label = what, .p = (const unsigned char[]){ __VA_ARGS__ }, \
		.n = sizeof((const unsigned char[]){ __VA_ARGS__ }) \
	}

/* Odd, and still an answer. */
static void
test_tolerated(void **state)
{
	const struct {
		const char *label;
		const unsigned char *p;
		size_t n;
	} rows[] = {
		ROW("paused", 0x18, 0x00, 0x00, 0x00, 0x7d, 0xf3, 0x00, 0x00, 0xe0, 0x04, 0x25,
		    0x3f, 0x89, 0x4f, 0xd3, 0x11, 0x9a, 0x0c, 0x03, 0x05, 0xe8, 0x2c, 0x33, 0x01,
		    NAMES, PIER, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("user unknown", 0x19, 0x00, 0x00, 0x00, 0x7d, 0xf3, 0x00, 0x00, 0xe0, 0x04,
		    0x25, 0x3f, 0x89, 0x4f, 0xd3, 0x11, 0x9a, 0x0c, 0x03, 0x05, 0xe8, 0x2c, 0x33,
		    0x01, NAMES, PIER, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("parts that are not announced", HEAD, NAMES, PIER, ADDRESS, 0x00, 0x05, 0x00,
		    0x00, 0x00, TOKENS),
		ROW("unknown bits of the version", HEAD, NAMES, PIER, 0x05, 0x00, 0x00, 0x70,
		    TOKENS),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dc_answer a;

		print_message("# %s\n", rows[i].label);
		assert_int_equal(
		    netlogon_read(mem, slice_from(rows[i].p, rows[i].n), &a, NULL), USHER_OK);
		assert_harbour(&a);
	}
}

/* A site is one label, with whatever is in it; no site of ours is none. */
static void
test_site_names(void **state)
{
	static const unsigned char value[] = { HEAD, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 'M',
		0xc3, 0xbc, 'n', ' ', 'c', '.', 'h', '.', '1', 0x00, 0x00, 0x05, 0x00, 0x00, 0x00,
		TOKENS };
	struct dc_answer a;

	(void)state;
	assert_int_equal(netlogon_read(mem, slice_from(value, sizeof(value)), &a, NULL), USHER_OK);
	assert_null(a.domain);
	assert_string_equal(a.dc_site, "M\xc3\xbcn c.h.1");
	assert_null(a.client_site);
}

/* Layouts from before there were sites: somebody is there. */
static void
test_old_layouts(void **state)
{
	static const unsigned char value[] = { 0x13, 0x00, 0x5c, 0x00, 0x5c, 0x00 };
	struct dc_answer a;

	(void)state;
	assert_int_equal(netlogon_read(mem, slice_from(value, sizeof(value)), &a, NULL), USHER_OK);
	assert_false(a.named);
	assert_null(a.client_site);
}

static void
test_damaged_values(void **state)
{
	const struct {
		const char *label;
		const unsigned char *p;
		size_t n;
	} rows[] = {
		ROW("a kind that nobody knows", 0x63, 0x00, 0x00, 0x00),
		ROW("old layout asked for the new", HEAD, NAMES, PIER, 0x01, 0x00, 0x00, 0x00,
		    TOKENS),
		ROW("a pointer to itself", HEAD, 0xc0, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		    0x00, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("a pointer forward", HEAD, 0xc0, 0x1a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		    0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("two pointers in a loop", HEAD, 0x01, 'a', 0xc0, 0x18, 0xc0, 0x1a, 0x00, 0x00,
		    0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("a pointer's second octet missing", HEAD, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		    0x00, 0xc0, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("a label of 0x80", HEAD, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
		    0x00, 0x00, 0x00, TOKENS),
		ROW("a label of 0x40", HEAD, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
		    0x00, 0x00, 0x00, TOKENS),
		ROW("a NUL in a name", HEAD, 0x02, 'a', 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		    0x00, 0x00, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("no UTF-8", HEAD, 0x02, 'a', 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		    0x00, 0x05, 0x00, 0x00, 0x00, TOKENS),
		ROW("tokens wrong", HEAD, NAMES, PIER, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xfe,
		    0xff),
		ROW("octets left over", HEAD, NAMES, PIER, 0x00, 0x05, 0x00, 0x00, 0x00, TOKENS),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dc_answer a;

		print_message("# %s\n", rows[i].label);
		assert_int_equal(
		    netlogon_read(mem, slice_from(rows[i].p, rows[i].n), &a, NULL), USHER_E_INPUT);
	}
	for (size_t n = 0; n < sizeof(value_a); n++) {
		struct dc_answer a;

		assert_int_equal(
		    netlogon_read(mem, slice_from(value_a, n), &a, NULL), USHER_E_INPUT);
	}
}

/* ---- whole replies ---- */

#define ENTRY_HEAD \
	0x30, 0x6f, 0x02, 0x01, 0x07, 0x64, 0x6a, 0x04, 0x00, 0x30, 0x66, 0x30, 0x64, 0x04, 0x08, \
	    'N', 'e', 't', 'l', 'o', 'g', 'o', 'n', 0x31, 0x58, 0x04, 0x56
#define DONE 0x30, 0x0c, 0x02, 0x01, 0x07, 0x65, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00

#define REPLY(what, st, ...) \
	{ \
		.label = what, .p = (const unsigned char[]){ __VA_ARGS__ }, \
		.n = sizeof((const unsigned char[]){ __VA_ARGS__ }), .status = st \
	}

static void
test_replies(void **state)
{
	const struct {
		const char *label;
		const unsigned char *p;
		size_t n;
		usher_status status;
	} rows[] = {
		REPLY("an entry and the end", USHER_OK, ENTRY_HEAD, VALUE_A, DONE),
		REPLY("lengths in the long form", USHER_OK, 0x30, 0x84, 0x00, 0x00, 0x00, 0x7f,
		    0x02, 0x01, 0x07, 0x64, 0x84, 0x00, 0x00, 0x00, 0x76, 0x04, 0x00, 0x30, 0x84,
		    0x00, 0x00, 0x00, 0x6e, 0x30, 0x82, 0x00, 0x6a, 0x04, 0x08, 'n', 'e', 't', 'l',
		    'o', 'g', 'o', 'n', 0x31, 0x84, 0x00, 0x00, 0x00, 0x5a, 0x04, 0x82, 0x00, 0x56,
		    VALUE_A, DONE),
		REPLY("the end alone: not our domain", USHER_E_ABSENT, DONE),
		REPLY("an entry without values", USHER_E_ABSENT, 0x30, 0x09, 0x02, 0x01, 0x07, 0x64,
		    0x04, 0x04, 0x00, 0x30, 0x00, DONE),
		REPLY("an answer to question 8", USHER_E_CONFLICT, 0x30, 0x0c, 0x02, 0x01, 0x08,
		    0x65, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00),
		REPLY("an entry without an end", USHER_E_INPUT, ENTRY_HEAD, VALUE_A),
		REPLY("refused: operations error", USHER_E_INPUT, 0x30, 0x0c, 0x02, 0x01, 0x07,
		    0x65, 0x07, 0x0a, 0x01, 0x01, 0x04, 0x00, 0x04, 0x00),
		REPLY("an indefinite length", USHER_E_INPUT, 0x30, 0x80, 0x02, 0x01, 0x07, 0x65,
		    0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00, 0x00, 0x00),
		REPLY("a length of five octets", USHER_E_INPUT, 0x30, 0x85, 0x00, 0x00, 0x00, 0x00,
		    0x0c),
		REPLY("a length beyond the end", USHER_E_INPUT, 0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
		REPLY("no LDAP", USHER_E_INPUT, 'H', 'T', 'T', 'P'),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dc_answer a;

		print_message("# %s\n", rows[i].label);
		assert_int_equal(
		    netlogon_read_reply(mem, slice_from(rows[i].p, rows[i].n), ID, &a, NULL),
		    rows[i].status);
		if (rows[i].status == USHER_OK)
			assert_harbour(&a);
	}
	for (size_t n = 0; n < rows[0].n; n++) {
		struct dc_answer a;

		assert_int_equal(netlogon_read_reply(mem, slice_from(rows[0].p, n), ID, &a, NULL),
		    USHER_E_INPUT);
	}
}

/* A stream may end anywhere: no more is waited for than there is. */
static void
test_whole(void **state)
{
	static const unsigned char whole[] = { ENTRY_HEAD, VALUE_A, DONE };
	static const unsigned char junk[] = { 'H' }, endless[] = { 0x30, 0x80 },
				   huge[] = { 0x30, 0x84, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++)
		assert_false(netlogon_is_whole(slice_from(whole, n)));
	assert_true(netlogon_is_whole(slice_from(whole, sizeof(whole))));
	assert_true(netlogon_is_whole(slice_from(junk, sizeof(junk))));
	assert_true(netlogon_is_whole(slice_from(endless, sizeof(endless))));
	assert_true(netlogon_is_whole(slice_from(huge, sizeof(huge))));
}

static void
test_paused(void **state)
{
	unsigned char value[sizeof(value_a)];
	struct dc_answer a;

	(void)state;
	for (unsigned char opcode = 0x17; opcode <= 0x19; opcode++) {
		memcpy(value, value_a, sizeof(value));
		value[0] = opcode;
		assert_int_equal(
		    netlogon_read(mem, slice_from(value, sizeof(value)), &a, NULL), USHER_OK);
		assert_int_equal(a.paused, opcode == 0x18);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_long_request),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_site_names),
		cmocka_unit_test(test_old_layouts),
		cmocka_unit_test(test_damaged_values),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_paused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
