/* test_mobileconfig.c - Apple profiles: the question, which accounts get in, and their UUIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "servers.h"
#include "wire/mobileconfig.h"

enum { ARENA_BYTES = 1024 * 1024 };

/* ---- the question ---- */

static const struct {
	const char *query;
	usher_status status;
	const char *address, *name;
	enum mobileconfig_device device;
} questions[] = {
	{ "email=a@b.example", USHER_OK, "a@b.example", NULL },
	{ "emailaddress=a%40b.example&x=1", USHER_OK, "a@b.example", NULL },
	{ "email=a+b@c.example&name=A+%2B+B", USHER_OK, "a+b@c.example", "A + B" },
	{ "name=gr%C3%BC%C3%9F&email=a", USHER_OK, "a", "gr\xc3\xbc\xc3\x9f" },
	{ "email=a@b.example&device=phone", USHER_OK, "a@b.example", NULL, MOBILECONFIG_PHONE },
	{ "device=mac&email=a@b.example", USHER_OK, "a@b.example", NULL, MOBILECONFIG_MAC },
	{ "email=a@b.example&device=clock", USHER_E_INPUT, NULL, NULL },
	{ "email=a@b.example&device=", USHER_E_INPUT, NULL, NULL },
	{ "", USHER_E_INPUT, NULL, NULL },
	{ "Email=a@b.example", USHER_E_INPUT, NULL, NULL },
	{ "name=A", USHER_E_INPUT, NULL, NULL },
	{ "email=a&email=b", USHER_E_INPUT, NULL, NULL },
	{ "email=a&emailaddress=a", USHER_E_INPUT, NULL, NULL },
	{ "email=a&name=a&name=a", USHER_E_INPUT, NULL, NULL },
	{ "email=%4", USHER_E_INPUT, NULL, NULL },
	{ "email=a%00", USHER_E_INPUT, NULL, NULL },
	{ "email=a&name=%0a", USHER_E_INPUT, NULL, NULL },
	{ "email=a&name=%ff", USHER_E_INPUT, NULL, NULL },
};

static void
reads_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		struct arena *mem CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
		struct mobileconfig_question q = { "untouched", NULL, MOBILECONFIG_ANY };
		struct usher_error err = { 0 };
		usher_status st =
		    mobileconfig_read_request(mem, slice_of(questions[i].query), &q, &err);

		if (st != questions[i].status)
			fail_msg("%s: status %d", questions[i].query, (int)st);
		if (st != USHER_OK) {
			assert_string_equal(q.address, "untouched");
			assert_string_not_equal(err.message, "");
			continue;
		}
		assert_string_equal(q.address, questions[i].address);
		assert_int_equal(q.name == NULL, questions[i].name == NULL);
		if (q.name != NULL)
			assert_string_equal(q.name, questions[i].name);
		assert_int_equal(q.device, questions[i].device);
	}
}

/* ---- the accounts ---- */

#define IMAP \
	{ \
		PROTOCOL_IMAP, "imap.example", 993, "SSL", "password" \
	}
#define SMTP \
	{ \
		PROTOCOL_SMTP, "smtp.example", 465, "SSL", "password" \
	}
#define CALENDAR \
	{ \
		PROTOCOL_CALDAV, "https://dav.example/cal/", 0, NULL, "password" \
	}
#define CONTACTS \
	{ \
		PROTOCOL_CARDDAV, "https://dav.example/card/", 0, NULL, "password" \
	}
#define PHONE \
	{ \
		PROTOCOL_ACTIVESYNC, "https://eas.example/x", 0, NULL, "password" \
	}
#define DESK \
	{ \
		PROTOCOL_EWS, "https://ews.example:444/EWS/Exchange.asmx", 0, NULL, "password" \
	}

static const struct row {
	const char *label;
	struct server servers[SERVERS_MAX];
	usher_status status;
	const char *accounts; /* the payloads' words, in order */
	const char *part;     /* of the document; NULL: any */
	enum mobileconfig_device device;
} rows[] = {
	{ "all three", { IMAP, SMTP, CALENDAR, CONTACTS }, USHER_OK, "mail caldav carddav " },
	{ "all three, for every device, though there is Exchange",
	    { IMAP, SMTP, CALENDAR, CONTACTS, PHONE }, USHER_OK, "mail caldav carddav " },
	{ "Exchange has the calendar", { IMAP, SMTP, CONTACTS, PHONE }, USHER_OK, "eas ",
	    "<string>eas.example</string>" },
	{ "Exchange for desks where there is nothing else", { DESK }, USHER_OK, "ews ",
	    "<integer>444</integer>" },
	{ "nothing beside mail", { IMAP, SMTP, DESK }, USHER_OK, "mail " },
	{ "a phone, of an Exchange for both", { PHONE, DESK }, USHER_OK, "eas ", NULL,
	    MOBILECONFIG_PHONE },
	{ "a Mac, of an Exchange for both", { PHONE, DESK }, USHER_OK, "ews ", NULL,
	    MOBILECONFIG_MAC },
	{ "a Mac has no account for ActiveSync", { PHONE }, USHER_E_ABSENT, NULL, NULL,
	    MOBILECONFIG_MAC },
	{ "a phone has none for Exchange Web Services", { DESK }, USHER_E_ABSENT, NULL, NULL,
	    MOBILECONFIG_PHONE },
	{ "a Mac has its mail where ActiveSync does not serve it", { IMAP, SMTP, PHONE }, USHER_OK,
	    "mail ", NULL, MOBILECONFIG_MAC },
	{ "a phone has its mail where Exchange does not serve it", { IMAP, SMTP, DESK }, USHER_OK,
	    "mail ", NULL, MOBILECONFIG_PHONE },
	{ "a Mac, where Exchange has the calendar", { IMAP, SMTP, DESK }, USHER_OK, "ews ", NULL,
	    MOBILECONFIG_MAC },
	{ "a Mac with all three", { IMAP, SMTP, CALENDAR, CONTACTS, PHONE, DESK }, USHER_OK,
	    "mail caldav carddav ", NULL, MOBILECONFIG_MAC },
	{ "POP3 where there is no IMAP",
	    { { PROTOCOL_POP3, "pop.example", 995, "SSL", "password" }, SMTP }, USHER_OK, "mail ",
	    "EmailTypePOP" },
	{ "TLS before STARTTLS",
	    { { PROTOCOL_IMAP, "first.example", 143, "TLS", "password" }, IMAP, SMTP }, USHER_OK,
	    "mail ", "<integer>993</integer>" },
	{ "STARTTLS", { { PROTOCOL_IMAP, "i.example", 143, "TLS", "password" }, SMTP }, USHER_OK,
	    "mail ", "<integer>143</integer>" },
	{ "a login that a profile has words for",
	    { { PROTOCOL_IMAP, "first.example", 993, "SSL", "oauth2" },
		{ PROTOCOL_IMAP, "second.example", 993, "SSL", "password-encrypted" }, SMTP },
	    USHER_OK, "mail ", "EmailAuthCRAMMD5" },
	{ "NTLM", { { PROTOCOL_IMAP, "i.example", 993, "SSL", "ntlm" }, SMTP }, USHER_OK, "mail ",
	    "EmailAuthNTLM" },
	{ "DAV without TLS",
	    { IMAP, SMTP, { PROTOCOL_CALDAV, "http://d.example/", 0, NULL, "password" } }, USHER_OK,
	    "mail " },
	{ "a calendar alone", { CALENDAR }, USHER_OK, "caldav " },
	{ "tokens alone", { { PROTOCOL_IMAP, "i.example", 993, "SSL", "oauth2" }, SMTP, CALENDAR },
	    USHER_E_INPUT },
	{ "no TLS", { { PROTOCOL_IMAP, "i.example", 143, "None", "password" }, SMTP },
	    USHER_E_INPUT },
	{ "nothing that sends", { IMAP }, USHER_E_INPUT },
	{ "nothing that a profile has words for",
	    { { PROTOCOL_JMAP, "https://j.example/", 0, NULL, "password" } }, USHER_E_ABSENT },
	{ "nothing", { { 0 } }, USHER_E_ABSENT },
};

static void
make(const struct row *row, struct answer *a, struct servers_room *room)
{
	servers_make(row->servers, room, a);
	a->provider_id = "example.com";
	a->provider_name = "Example";
}

/* The words at the end of the payloads' identifiers. */
static void
accounts_of(const char *document, struct buf *out)
{
	static const char before[] = "<string>com.example.mailsetup.alice-at-example.com.";
	const char *at = document;

	while ((at = strstr(at, before)) != NULL) {
		at += sizeof(before) - 1;
		buf_append(out, at, strcspn(at, "<"));
		buf_char(out, ' ');
	}
}

static void
chooses_accounts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
		CLEANUP(buf_cleanup) struct buf out = { .max = MOBILECONFIG_BYTES };
		CLEANUP(buf_cleanup) struct buf accounts = { .max = 256 };
		struct servers_room room;
		struct usher_error err = { 0 };
		struct address address;
		const struct mobileconfig_question question = { .device = rows[i].device };
		struct answer a;
		usher_status st;

		make(&rows[i], &a, &room);
		st = mobileconfig_check(&a, rows[i].device, &err);
		if (st != rows[i].status)
			fail_msg("%s: status %d", rows[i].label, (int)st);
		if (st != USHER_OK)
			continue;
		assert_int_equal(
		    address_parse(mem, slice_of("Alice@example.com"), &address, NULL), USHER_OK);
		mobileconfig_write(mem, &out, &a, &address, &question);
		assert_int_equal(out.status, USHER_OK);
		accounts_of(buf_cstr(&out), &accounts);
		if (strcmp(buf_cstr(&accounts), rows[i].accounts) != 0)
			fail_msg("%s: %s", rows[i].label, buf_cstr(&accounts));
		if (rows[i].part != NULL && strstr(buf_cstr(&out), rows[i].part) == NULL)
			fail_msg("%s: not in it: %s", rows[i].label, rows[i].part);
	}
}

static void
offers_what_works(void **state)
{
	static const struct {
		struct row row;
		bool offered[MOBILECONFIG_DEVICES]; /* one for all; for phones; for Macs */
	} sets[] = {
		{ { "mail", { IMAP, SMTP } }, { true } },
		{ { "all three and Exchange", { IMAP, SMTP, CALENDAR, CONTACTS, PHONE, DESK } },
		    { true } },
		{ { "Exchange for both", { PHONE, DESK } }, { false, true, true } },
		{ { "Exchange for phones", { PHONE } }, { false, true, false } },
		{ { "Exchange for Macs", { DESK } }, { false, false, true } },
		{ { "mail, and Exchange for phones", { IMAP, SMTP, PHONE } },
		    { false, true, true } },
		{ { "mail, and Exchange for Macs", { IMAP, SMTP, DESK } }, { false, true, true } },
		{ { "nothing", { { 0 } } }, { false } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sets); i++) {
		struct servers_room room;
		struct answer a;

		make(&sets[i].row, &a, &room);
		for (int k = 0; k < MOBILECONFIG_DEVICES; k++)
			if (mobileconfig_offers(&a, (enum mobileconfig_device)k) !=
			    sets[i].offered[k])
				fail_msg("%s: device %d", sets[i].row.label, k);
	}
}

/* Computed by another program. */
static void
makes_uuids(void **state)
{
	static const struct {
		struct row row;
		const char *uuids[4];
	} vectors[] = {
		{ { .servers = { IMAP, SMTP, CALENDAR, CONTACTS } },
		    { "8F258BEE-12E4-592B-9543-8209EE458C45",
			"5C476F5D-A4CD-568F-AB7D-78F11521DDE3",
			"79D7F338-6A62-5A73-92EB-F11171531F42",
			"E0731976-C290-5E4E-9D0C-4407BB3B9F81" } },
		{ { .servers = { PHONE } }, { "3D12E79B-A6CA-5255-9EBB-E00F79782707" } },
		{ { .servers = { DESK } }, { "BA5606ED-7AA5-526C-BDEA-0DAFADF68CCB" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		struct arena *mem CLEANUP(arena_cleanup) = arena_new(ARENA_BYTES);
		CLEANUP(buf_cleanup) struct buf out = { .max = MOBILECONFIG_BYTES };
		struct servers_room room;
		const struct mobileconfig_question question = { 0 };
		struct address address;
		struct answer a;

		make(&vectors[i].row, &a, &room);
		assert_int_equal(
		    address_parse(mem, slice_of("ALICE@Example.com"), &address, NULL), USHER_OK);
		mobileconfig_write(mem, &out, &a, &address, &question);
		for (size_t k = 0; k < COUNT_OF(vectors[i].uuids); k++)
			if (vectors[i].uuids[k] != NULL &&
			    strstr(buf_cstr(&out), vectors[i].uuids[k]) == NULL)
				fail_msg("%s is not in it", vectors[i].uuids[k]);
	}
}

/* Of the root alone: these never change. */
static void
writes_roots(void **state)
{
	static const char sha256[] =
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	static const char *const wanted[] = {
		"<string>com.apple.security.root</string>",
		"<key>PayloadContent</key>\n        <data>MAMCAQE=</data>",
		"<string>A &amp; B</string>",
		"SHA-256: 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:",
		("<string>usher.root."
		 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
		"<string>BF7EA7C2-72B5-5336-924A-C3EC9CA53FFE</string>",
		"<string>83567A91-C0C4-51ED-A9CA-C1F14A84C00E</string>",
	};
	CLEANUP(buf_cleanup) struct buf out = { .max = MOBILECONFIG_BYTES };
	struct buf small = { .max = 600 };

	(void)state;
	mobileconfig_write_root(&out, "A & B", sha256, SLICE_LITERAL("\x30\x03\x02\x01\x01"));
	assert_int_equal(out.status, USHER_OK);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		if (strstr(buf_cstr(&out), wanted[i]) == NULL)
			fail_msg("%s is not in %s", wanted[i], buf_cstr(&out));
	mobileconfig_write_root(&small, "A & B", sha256, SLICE_LITERAL("\x30\x03\x02\x01\x01"));
	assert_int_equal(small.status, USHER_E_LIMIT);
	buf_clear(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_questions),
		cmocka_unit_test(chooses_accounts),
		cmocka_unit_test(offers_what_works),
		cmocka_unit_test(makes_uuids),
		cmocka_unit_test(writes_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
