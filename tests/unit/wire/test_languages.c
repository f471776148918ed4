/* test_languages.c - what holds for every language but POX: whole documents are read and written as
 * the same bytes, read(write(answer)) = answer for thousands of answers, and what is no document of
 * the language is refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_autoconfig.h"
#include "random_mobilesync.h"
#include "random_soap.h"
#include "reader.h"
#include "wire/autoconfig.h"
#include "wire/mobilesync.h"

enum { DOCUMENT_BYTES = 1024 * 1024, ARENA_BYTES = 8 * 1024 * 1024, SEEDS = 5000 };

static void
write_mobilesync(struct buf *out, const struct answer *answer)
{
	const struct question question = { .address = "kim@litware.example" };

	mobilesync_write_response(out, &question, answer);
}

static const struct language_row {
	const char *name; /* and the folder of its documents */
	usher_status (*read)(struct xml_reader *reader, struct arena *mem, struct slice xml,
	    struct answer *out, struct usher_error *err);
	void (*write)(struct buf *out, const struct answer *answer);
	void (*random)(struct arena *mem, uint64_t seed, struct answer *out);
	const char *documents[16];
} languages[] = {
	{ "mobilesync", mobilesync_read_response, write_mobilesync, random_mobilesync,
	    { "settings", "redirect", "refusal-provider", "refusal-framework" } },
	{ "soap", soap_read_response, write_soap, random_soap,
	    { "redirect-address", "redirect-url", "refusal-user" } },
	{ "autoconfig", autoconfig_read, autoconfig_write, random_autoconfig,
	    { "full", "smallest" } },
};

static void
load(const char *folder, const char *name, struct buf *b)
{
	char path[4096];
	FILE *f;
	char *to;

	(void)snprintf(path, sizeof(path), "%s/%s/%s.xml", getenv("SAMPLES"), folder, name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	buf_init(b, DOCUMENT_BYTES);
	to = buf_reserve(b, DOCUMENT_BYTES);
	assert_non_null(to);
	buf_used(b, fread(to, 1, DOCUMENT_BYTES, f));
	(void)fclose(f);
}

static void
test_documents(void **state)
{
	for (size_t i = 0; i < COUNT_OF(languages); i++) {
		const struct language_row *l = &languages[i];

		for (size_t k = 0; l->documents[k] != NULL; k++) {
			struct arena *mem = arena_new(ARENA_BYTES);
			struct buf in, out = { .max = DOCUMENT_BYTES };
			struct usher_error err = { 0 };
			struct answer a;

			load(l->name, l->documents[k], &in);
			if (l->read(*state, mem, buf_as_slice(&in), &a, &err) != USHER_OK)
				fail_msg("%s %s: %s", l->name, l->documents[k], err.message);
			l->write(&out, &a);
			if (strcmp(buf_cstr(&in), buf_cstr(&out)) != 0)
				fail_msg("%s %s: %s", l->name, l->documents[k], buf_cstr(&out));
			buf_clear(&in);
			buf_clear(&out);
			arena_free(mem);
		}
	}
}

static void
test_round_trip(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = DOCUMENT_BYTES };

	for (size_t i = 0; i < SEEDS * COUNT_OF(languages); i++) {
		const struct language_row *l = &languages[i / SEEDS];
		struct answer given, got;
		struct usher_error err = { 0 };

		arena_reset(mem);
		buf_reset(&b);
		l->random(mem, i % SEEDS, &given);
		l->write(&b, &given);
		if (l->read(*state, mem, buf_as_slice(&b), &got, &err) != USHER_OK)
			fail_msg("%s, seed %d: %s\n%s", l->name, (int)(i % SEEDS), err.message,
			    buf_cstr(&b));
		got.n_setting_errors = 0; /* of all that is not there */
		if (!answer_equal(&given, &got))
			fail_msg("%s, seed %d:\n%s", l->name, (int)(i % SEEDS), buf_cstr(&b));
	}
	buf_clear(&b);
	arena_free(mem);
}

/* No document of any language. */
static const char *const foreign[] = {
	"",
	" ",
	"{\"Url\":\"https://h.example/\"}",
	"<html><head><title>Hello</title></head><body/></html>",
	"<!DOCTYPE html><html/>",
	"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
	"<Autodiscover/>",
	"<Autodiscover><Response/></Autodiscover>",
	"<Autodiscover><Response><Account><Action>settings</Action></Account></Response>"
	"</Autodiscover>",
	"<clientConfig/>",
	"<Envelope/>",
	"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header/><s:Body/>"
	"</s:Envelope>",
};

static void
test_foreign(void **state)
{
	for (size_t i = 0; i < COUNT_OF(foreign) * COUNT_OF(languages); i++) {
		const struct language_row *l = &languages[i / COUNT_OF(foreign)];
		const char *document = foreign[i % COUNT_OF(foreign)];
		struct arena *mem = arena_new(ARENA_BYTES);
		struct usher_error err = { 0 };
		struct answer a = { .kind = ANSWER_REFUSAL, .n_protocols = 7 };

		if (l->read(*state, mem, slice_of(document), &a, &err) != USHER_E_PEER ||
		    err.status != USHER_E_PEER || err.message[0] == '\0' || a.n_protocols != 7)
			fail_msg("%s takes %s", l->name, document);
		arena_free(mem);
	}
}

/* A document that is cut anywhere is refused, and reading it never goes wrong. */
static void
test_cut(void **state)
{
	for (size_t i = 0; i < COUNT_OF(languages); i++) {
		const struct language_row *l = &languages[i];
		struct buf in;

		load(l->name, l->documents[0], &in);
		for (size_t n = 0; n + 2 < in.n; n += 7) {
			struct arena *mem = arena_new(ARENA_BYTES);
			struct answer a;

			if (l->read(*state, mem, slice_from(in.p, n), &a, NULL) != USHER_E_PEER)
				fail_msg("%s: %d bytes are taken", l->name, (int)n);
			arena_free(mem);
		}
		buf_clear(&in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
