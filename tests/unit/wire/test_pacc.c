/* test_pacc.c - PACC's document, what is left out of it, and the TXT record's digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "servers.h"
#include "wire/autoconfig.h"
#include "wire/pacc.h"

#define IMAPS \
	{ \
		PROTOCOL_IMAP, "imap.a.example", 993, "SSL", "password", AUTOCONFIG_ADDRESS \
	}
#define IMAPS_TOKEN \
	{ \
		PROTOCOL_IMAP, "imap.a.example", 993, "SSL", "oauth2", AUTOCONFIG_ADDRESS \
	}
#define SUBMISSIONS \
	{ \
		PROTOCOL_SMTP, "mx.a.example", 465, "SSL", "password", AUTOCONFIG_ADDRESS \
	}
#define CALENDAR \
	{ \
		PROTOCOL_CALDAV, "https://d.example/cal/", 0, NULL, "password", AUTOCONFIG_ADDRESS \
	}
#define START(password) \
	"{\"authentication\":{\"password\":" password "},\"info\":{\"provider\":{\"name\":\"A\"}}"
#define TOKEN(password) \
	"{\"authentication\":{\"oauth-public\":{\"issuer\":\"https://l.example/\"}," \
	"\"password\":" password "},\"info\":{\"provider\":{\"name\":\"A\"}}"
#define IMAP_TOLD "\"imap\":{\"host\":\"imap.a.example\"}"

static const struct row {
	const char *label;
	struct server servers[SERVERS_MAX];
	const char *name, *short_name, *issuer;
	const char *document; /* NULL: there is none */
	const char *reason;   /* part of the message then */
} rows[] = {
	{ "all in the order of their names", { SUBMISSIONS, IMAPS, CALENDAR }, "A", "A", NULL,
	    START(
		"true") ",\"protocols\":{\"caldav\":{\"url\":\"https://d.example/cal/\"}," IMAP_TOLD
			",\"smtp\":{\"host\":\"mx.a.example\"},"
			"\"submit\":{\"host\":\"mx.a.example\"}}}" },
	{ "two names", { IMAPS }, "A", "short", NULL,
	    "{\"authentication\":{\"password\":true},\"info\":{\"provider\":{\"name\":\"A\","
	    "\"shortName\":\"short\"}},\"protocols\":{" IMAP_TOLD "}}" },
	{ "names are made fit", { IMAPS }, " \"Ann's \t  Mail\"\x01\x7f", "twenty-one characters",
	    NULL,
	    "{\"authentication\":{\"password\":true},\"info\":{\"provider\":{\"name\":"
	    "\"\\\"Ann's Mail\\\"\"}},\"protocols\":{" IMAP_TOLD "}}" },
	{ "a long name is cut between characters", { IMAPS },
	    "\xc3\xa4 er sixty characters abcdefghijklmnopqrstuvwxyz abcdefghij\xc3\xb6klm", NULL,
	    NULL,
	    "{\"authentication\":{\"password\":true},\"info\":{\"provider\":{\"name\":"
	    "\"\xc3\xa4 er sixty characters abcdefghijklmnopqrstuvwxyz abcdefghij\xc3\xb6\"}},"
	    "\"protocols\":{" IMAP_TOLD "}}" },
	{ "STARTTLS and other ports cannot be said",
	    { IMAPS, { PROTOCOL_SMTP, "mx.a.example", 587, "TLS", "password", AUTOCONFIG_ADDRESS },
		{ PROTOCOL_POP3, "pop.a.example", 1995, "SSL", "password", AUTOCONFIG_ADDRESS },
		{ PROTOCOL_MANAGESIEVE, "imap.a.example", 4190, "SSL", "password", NULL } },
	    "A", NULL, NULL, START("true") ",\"protocols\":{" IMAP_TOLD "}}" },
	{ "an address of DAV is more than a host",
	    { IMAPS, { PROTOCOL_CARDDAV, "https://d.example/", 0, NULL, "password", NULL },
		{ PROTOCOL_WEBDAV, "https://d.example:8443/f/", 0, NULL, "password", NULL },
		{ PROTOCOL_JMAP, "https://j.example/", 0, NULL, "password", NULL } },
	    "A", NULL, NULL,
	    START("true") ",\"protocols\":{" IMAP_TOLD
			  ",\"jmap\":{\"url\":\"https://j.example/\"}}}" },
	{ "the first of a kind",
	    { IMAPS,
		{ PROTOCOL_IMAP, "two.a.example", 993, "SSL", "password", AUTOCONFIG_ADDRESS } },
	    "A", NULL, NULL, START("true") ",\"protocols\":{" IMAP_TOLD "}}" },
	{ "tokens alone", { IMAPS_TOKEN }, "A", NULL, "l.example",
	    TOKEN("false") ",\"protocols\":{" IMAP_TOLD "}}" },
	{ "a server that takes both, and one that takes tokens alone",
	    { IMAPS, IMAPS_TOKEN,
		{ PROTOCOL_SMTP, "mx.a.example", 465, "SSL", "oauth2", AUTOCONFIG_ADDRESS } },
	    "A", NULL, "l.example", TOKEN("true") ",\"protocols\":{" IMAP_TOLD "}}" },
	{ "not all take tokens", { IMAPS, IMAPS_TOKEN, CALENDAR }, "A", NULL, "l.example",
	    START(
		"true") ",\"protocols\":{\"caldav\":{\"url\":\"https://d.example/cal/\"}," IMAP_TOLD
			"}}" },
	{ "tokens without an issuer", { IMAPS_TOKEN }, "A", NULL, NULL, NULL, "OAuth2 token" },
	{ "nothing", { { 0 } }, "A", NULL, NULL, NULL, "no server with TLS" },
	{ "NTLM alone",
	    { { PROTOCOL_IMAP, "imap.a.example", 993, "SSL", "ntlm", AUTOCONFIG_ADDRESS } }, "A",
	    NULL, NULL, NULL, "takes a password" },
	{ "the parts of the address are the address",
	    { { PROTOCOL_IMAP, "imap.a.example", 993, "SSL", "password",
		AUTOCONFIG_LOCAL_PART "@" AUTOCONFIG_DOMAIN } },
	    "A", NULL, NULL, START("true") ",\"protocols\":{" IMAP_TOLD "}}" },
	{ "a login name that is not the address",
	    { IMAPS,
		{ PROTOCOL_SMTP, "mx.a.example", 465, "SSL", "password", AUTOCONFIG_LOCAL_PART } },
	    "A", NULL, NULL, NULL, "than their address: %EMAILLOCALPART%" },
};

static void
make(const struct row *row, struct answer *a, struct servers_room *room)
{
	servers_make(row->servers, room, a);
	a->provider_name = row->name;
	a->provider_short_name = row->short_name;
	a->oauth_issuer = row->issuer;
}

static void
documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		CLEANUP(buf_cleanup) struct buf out = { .max = PACC_BYTES };
		struct servers_room room;
		struct usher_error err = { 0 };
		struct answer a;
		usher_status st;

		make(row, &a, &room);
		st = pacc_check(&a, &err);
		if (row->document == NULL) {
			if (st != USHER_E_INPUT || strstr(err.message, row->reason) == NULL)
				fail_msg("%s: status %d, %s", row->label, (int)st, err.message);
			continue;
		}
		if (st != USHER_OK)
			fail_msg("%s: %s", row->label, err.message);
		pacc_write(&out, &a);
		if (strcmp(buf_cstr(&out), row->document) != 0)
			fail_msg(
			    "%s: %s\ninstead of %s", row->label, buf_cstr(&out), row->document);
	}
}

static void
help_is_told(void **state)
{
	static const struct answer_link link = { "https://h.example/?a=1&b=\"2\"", "en", "Help" };
	CLEANUP(buf_cleanup) struct buf out = { .max = PACC_BYTES };
	struct servers_room room;
	struct answer a;

	(void)state;
	make(&rows[1], &a, &room);
	a.documentation = &link;
	a.n_documentation = 1;
	pacc_write(&out, &a);
	assert_non_null(strstr(buf_cstr(&out),
	    "\"info\":{\"help\":{\"documentation\":\"https://h.example/?a=1&b=\\\"2\\\"\"},"
	    "\"provider\":"));
	a.provider_contact = "help&more@h.example";
	buf_reset(&out);
	pacc_write(&out, &a);
	assert_non_null(strstr(buf_cstr(&out),
	    "{\"help\":{\"contact\":[\"mailto:help%26more@h.example\"],\"documentation\":"));
	a.n_documentation = 0;
	buf_reset(&out);
	pacc_write(&out, &a);
	assert_non_null(strstr(buf_cstr(&out),
	    "{\"help\":{\"contact\":[\"mailto:help%26more@h.example\"]},\"provider\":"));
}

/* The digests were computed by another program. */
static void
digest_of_the_bytes(void **state)
{
	static const struct {
		const char *document, *txt;
	} vectors[] = {
		{ "{\"authentication\":{\"password\":true},\"info\":{\"provider\":{\"name\":"
		  "\"Example Mail\"}},\"protocols\":{\"imap\":{\"host\":\"imap.example.com\"},"
		  "\"submit\":{\"host\":\"submit.example.com\"}}}",
		    "v=UAAC1; a=sha256; d=DO2v/63QusvlggJCaoLkIDgenrywSvj9NKfZ0IIujsY=" },
		{ "", "v=UAAC1; a=sha256; d=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		CLEANUP(buf_cleanup) struct buf out = { .max = PACC_BYTES };

		pacc_txt(&out, slice_of(vectors[i].document));
		assert_int_equal(out.status, USHER_OK);
		assert_string_equal(buf_cstr(&out), vectors[i].txt);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(help_is_told),
		cmocka_unit_test(digest_of_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
