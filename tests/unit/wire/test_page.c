/* test_page.c - the page for people: its request, its languages, and markup that stays whole
 * whatever stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/accept_language.h"
#include "wire/html.h"
#include "wire/page.h"
#include "wire/page_root.h"
#include "wire/qr.h"
#include "wire/xml.h"

static int
make_arena(void **state)
{
	*state = arena_new(4 * 1024 * 1024);
	return *state == NULL;
}

static int
free_arena(void **state)
{
	arena_free(*state);
	return 0;
}

/* ---- Accept-Language ---- */

static void
test_accept_language(void **state)
{
	static const char *const tags[] = { "en", "de", "pt-br" };
	static const struct {
		const char *field;
		size_t chosen;
	} rows[] = {
		{ "", 0 },
		{ "de", 1 },
		{ "DE", 1 },
		{ "de-AT", 1 },
		{ "de-Latn-AT-1996", 1 },
		{ "pt-BR", 2 },
		{ "pt", 0 },
		{ "pt-br-x-a", 2 },
		{ "fr", 0 },
		{ "fr, de", 1 },
		{ "de, en", 1 },
		{ "en, de", 0 },
		{ "en;q=0.3, de;q=0.4", 1 },
		{ "en;q=0.300,de;q=0.299", 0 },
		{ "en ; q=0.1 , de ; q=1.000", 1 },
		{ "en;Q=0.1,de;Q=0.2", 1 },
		{ "de;q=0", 0 },
		{ "de;q=0.000, pt-BR;q=0.001", 2 },
		{ "*", 0 },
		{ "*;q=0.5, de", 1 },
		{ "de;q=2, pt-br;q=0.1", 2 },
		{ "de;q=, pt-br", 2 },
		{ "de;q=0.1234, pt-br;q=0.1", 2 },
		{ "de;q=-1, pt-br;q=0.1", 2 },
		{ "de;level=1, pt-br;q=0.1", 2 },
		{ ",,;,-,--,de-,q=1", 1 },
		{ "-", 0 },
		{ ";q=1", 0 },
		{ "x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,de", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t got = accept_language(slice_of(rows[i].field), tags, COUNT_OF(tags));

		if (got != rows[i].chosen)
			fail_msg("`%s`: %s", rows[i].field, tags[got]);
	}
}

/* ---- the request ---- */

static void
test_requests(void **state)
{
	static const struct {
		const char *label, *query, *languages, *address, *tag;
		bool chosen;
	} rows[] = {
		{ "nothing", "", "", NULL, "en", false },
		{ "an address", "email=ann%40mail.example", "de", "ann@mail.example", "de", false },
		{ "empty", "email=", "", "", "en", false },
		{ "no value", "email", "", "", "en", false },
		{ "plus", "email=a+b@c.example", "", "a+b@c.example", "en", false },
		{ "plus escaped", "email=a%2Bb@c.example", "", "a+b@c.example", "en", false },
		{ "decoded once", "email=a%2540b", "", "a%40b", "en", false },
		{ "broken escape", "email=a%4", "", "", "en", false },
		{ "NUL", "email=a%00b", "", "", "en", false },
		{ "the first of two", "email=a@b&email=c@d", "", "a@b", "en", false },
		{ "the first, broken", "email=%zz&email=c@d", "", "", "en", false },
		{ "other letter case", "Email=a@b", "", NULL, "en", false },
		{ "language", "lang=de", "en", NULL, "de", true },
		{ "language in capitals", "lang=DE&email=x", "", "x", "de", true },
		{ "unknown language", "lang=xx", "de", NULL, "de", false },
		{ "markup for a language", "lang=%3Cb%3E", "", NULL, "en", false },
		{ "others", "&&=&a=b&email=x&", "", "x", "en", false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct page_request r;

		assert_int_equal(page_read_request(*state, slice_of(rows[i].query),
				     slice_of(rows[i].languages), &r),
		    USHER_OK);
		if ((r.address == NULL) != (rows[i].address == NULL) ||
		    (r.address != NULL && strcmp(r.address, rows[i].address) != 0) ||
		    strcmp(r.text->tag, rows[i].tag) != 0 || r.chosen != rows[i].chosen)
			fail_msg(
			    "%s: address %s, language %s", rows[i].label, r.address, r.text->tag);
	}
}

static void
test_long_address(void **state)
{
	char query[6 + PAGE_ADDRESS_BYTES + 2] = "email=";
	struct page_request r;

	memset(query + 6, 'a', PAGE_ADDRESS_BYTES + 1);
	assert_int_equal(
	    page_read_request(*state, slice_from(query, 6 + PAGE_ADDRESS_BYTES), slice_of(""), &r),
	    USHER_OK);
	assert_int_equal(strlen(r.address), PAGE_ADDRESS_BYTES);
	assert_int_equal(page_read_request(*state, slice_of(query), slice_of(""), &r), USHER_OK);
	assert_string_equal(r.address, "");
}

/* ---- the languages ---- */

static size_t
count_values(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '$';
	return n;
}

/* The struct is texts and nothing else; only steps of a system may be fewer than there is room for.
 */
static void
test_texts(void **state)
{
	enum {
		TEXTS = sizeof(struct page_text) / sizeof(char *),
		STEPS = offsetof(struct page_text, root.system) / sizeof(char *)
	};
	const char *first[TEXTS], *other[TEXTS];

	(void)state;
	memcpy(first, page_texts[0], sizeof(first));
	for (size_t i = 0; i < PAGE_TEXTS; i++) {
		memcpy(other, page_texts[i], sizeof(other));
		for (size_t k = 0; k < TEXTS; k++) {
			if (k >= STEPS && other[k] == NULL && first[k] == NULL)
				continue;
			if (other[k] == NULL || other[k][0] == '\0' || first[k] == NULL)
				fail_msg("%s has nothing for `%s`", page_texts[i]->tag, first[k]);
			if (count_values(other[k]) != count_values(first[k]))
				fail_msg("%s: `%s` has not the `$` of `%s`", page_texts[i]->tag,
				    other[k], first[k]);
		}
	}
}

/* ---- markup ---- */

static void
test_html(void **state)
{
	struct buf b = { .max = 1000 };

	(void)state;
	html_put(&b, "<a href=\"$\">$</a>", "/?a&\"b", "<x>$");
	assert_string_equal(buf_cstr(&b), "<a href=\"/?a&amp;&quot;b\">&lt;x&gt;$</a>");
	buf_reset(&b);
	html_words(&b, "a & $ or $", "<b>.c");
	assert_string_equal(
	    buf_cstr(&b), "a &amp; <bdi>&lt;b&gt;<wbr/>.c</bdi> or <bdi>&lt;b&gt;<wbr/>.c</bdi>");
	buf_reset(&b);
	html_words(&b, "plain", NULL);
	assert_string_equal(buf_cstr(&b), "plain");
	buf_reset(&b);
	html_title(&b, "of $", "<b>.c");
	assert_string_equal(buf_cstr(&b), "of &lt;b&gt;.c");
	buf_reset(&b);
	html_breakable(&b, slice_of("https://a.b/c/d@e."));
	assert_string_equal(buf_cstr(&b), "https://<wbr/>a<wbr/>.b/<wbr/>c/<wbr/>d<wbr/>@e<wbr/>.");
	buf_clear(&b);
}

static void
test_qr(void **state)
{
	char text[QR_TEXT_BYTES + 2] = { 0 };
	struct buf b = { .max = 256 * 1024 };

	(void)state;
	assert_true(qr_draw(&b, "https://a.example/", "a <code>"));
	assert_non_null(strstr(buf_cstr(&b), "viewBox=\"0 0 33 33\""));
	assert_non_null(strstr(buf_cstr(&b), "aria-label=\"a &lt;code&gt;\""));
	buf_reset(&b);
	memset(text, 'a', QR_TEXT_BYTES);
	assert_true(qr_draw(&b, text, "t"));
	buf_reset(&b);
	text[QR_TEXT_BYTES] = 'a';
	assert_false(qr_draw(&b, text, "t"));
	assert_int_equal(b.n, 0);
	buf_clear(&b);
}

/* ---- whole pages ---- */

#define NASTY \
	"<x a=\"'&amp;--\">]]>\x01\xff\xe2\x80\xae" \
	"@n\xc3\xa4sty.example"

static const char *const nasty_login[] = { "oauth2" };

static struct answer_protocol
nasty(enum protocol_kind kind)
{
	struct answer_protocol p;

	answer_protocol_init(&p, kind);
	p.server = NASTY;
	p.url = "https://" NASTY;
	p.port = 1;
	p.login_name = NASTY;
	p.encryption = "None";
	p.authentication = (struct text_list){ nasty_login, 1 };
	return p;
}

/* All kinds, with all there is, or with nothing at all. */
static void
fill(struct answer_protocol *p, struct answer *answer, bool full)
{
	answer_init(answer, ANSWER_SETTINGS);
	for (int kind = 0; kind < PROTOCOL_KINDS; kind++) {
		answer_protocol_init(&p[kind], (enum protocol_kind)kind);
		if (full)
			p[kind] = nasty((enum protocol_kind)kind);
	}
	answer->protocols = p;
	answer->n_protocols = PROTOCOL_KINDS;
}

static const char *
find_attribute(const struct xml_node *node, const char *element, const char *attribute)
{
	const char *found = NULL;

	if (strcmp(node->name, element) == 0)
		found = xml_attribute_value(node, attribute);
	for (node = node->first; node != NULL && found == NULL; node = node->next)
		found = find_attribute(node, element, attribute);
	return found;
}

/* It is well-formed XML too: no text has broken out of its place. */
static void
check_whole(struct arena *mem, struct slice page, const struct page_request *request)
{
	static const struct slice first = SLICE_LITERAL("<!doctype html>\n");
	static const struct xml_limits limits = { .bytes = 1024 * 1024, .elements = 10000 };
	CLEANUP(xml_reader_cleanup) struct xml_reader *reader = xml_reader_new();
	struct usher_error err = { 0 };
	const struct xml_node *root;

	assert_true(slice_starts(page, first));
	if (xml_read(reader, mem, slice_skip(page, first.n), &limits, &root, &err) != USHER_OK)
		fail_msg("%s\n%.*s", err.message, (int)page.n, page.p);
	assert_string_equal(root->name, "html");
	assert_string_equal(find_attribute(root, "html", "lang"), request->text->tag);
	assert_null(find_attribute(root, "x", "a"));
}

/* The programs that a page tells of, each by its first letter: a capital when the word Exchange is
 * there (it is not said of Outlook, which knows by itself). */
static void
programs_of(const char *html, char out[PAGE_PROGRAMS + 1])
{
	static const char begin[] = "<summary><h3>";
	const char *at = html;

	while ((at = strstr(at, begin)) != NULL) {
		const char *end = strstr(at, "</details>"), *exchange = strstr(at, "Exchange");
		char letter = text_lower(at[strlen(begin)]);

		*out++ = exchange != NULL && exchange < end ? (char)(letter - 'a' + 'A') : letter;
		at = end;
	}
	*out = '\0';
}

static void
test_programs(void **state)
{
	enum { KINDS = 2 };
	static const struct {
		const char *label;
		enum protocol_kind kinds[KINDS]; /* PROTOCOL_UNKNOWN: none */
		bool exchange, profile;
		const char *programs;
	} rows[] = {
		{ "mail", { PROTOCOL_IMAP, PROTOCOL_SMTP }, false, true, "otia" },
		{ "Exchange", { PROTOCOL_ACTIVESYNC, PROTOCOL_EWS }, true, true, "oTIA" },
		{ "without ActiveSync", { PROTOCOL_EWS }, true, true, "oTi" },
		{ "without either", { PROTOCOL_WEBMAIL }, true, false, "o" },
		{ "mail, and ActiveSync", { PROTOCOL_IMAP, PROTOCOL_ACTIVESYNC }, false, true,
		    "otIA" },
		{ "mail, and EWS", { PROTOCOL_IMAP, PROTOCOL_EWS }, false, true, "oTia" },
		{ "ActiveSync alone", { PROTOCOL_ACTIVESYNC }, false, true, "oIA" },
		{ "a calendar alone", { PROTOCOL_CALDAV }, false, false, "" },
		{ "a calendar and its profile", { PROTOCOL_CALDAV }, false, true, "i" },
	};
	const struct page_request request = { "a@b.example", page_texts[0], false };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_cleanup) struct buf b = { .max = 64 * 1024 };
		struct answer_protocol protocols[KINDS];
		struct answer answer;
		const struct page page = { .state = PAGE_SETTINGS,
			.request = &request,
			.sample = "b.example",
			.address = "a@b.example",
			.answer = &answer,
			.exchange = rows[i].exchange,
			.profiles = { rows[i].profile ? "/p" : NULL } };
		char programs[PAGE_PROGRAMS + 1];

		answer_init(&answer, ANSWER_SETTINGS);
		answer.protocols = protocols;
		answer.n_protocols = KINDS;
		for (size_t k = 0; k < KINDS; k++)
			protocols[k] = nasty(rows[i].kinds[k]);
		page_write(&b, &page);
		assert_int_equal(b.status, USHER_OK);
		programs_of(buf_cstr(&b), programs);
		if (strcmp(programs, rows[i].programs) != 0)
			fail_msg("%s: %s", rows[i].label, programs);
		assert_int_equal(
		    strstr(buf_cstr(&b), page_texts[0]->programs) != NULL, programs[0] != '\0');
	}
}

static void
test_pages(void **state)
{
	struct answer_protocol protocols[PROTOCOL_KINDS];
	struct answer answer;

	for (int s = PAGE_QUESTION; s <= PAGE_SETTINGS; s++)
		for (size_t i = 0; i < 2 * PAGE_TEXTS; i++) {
			const struct page_request request = { NASTY, page_texts[i / 2], i % 2 };
			const struct page page = {
				.state = (enum page_state)s,
				.request = &request,
				.brand.name = NASTY,
				.brand.home = i % 2 ? "https://" NASTY : NULL,
				.brand.contact = NASTY,
				.roots = i % 2 == 0,
				.sample = NASTY,
				.address = NASTY,
				.domain = NASTY,
				.new_address = NASTY,
				.answer = &answer,
				.profiles = { "/?" NASTY, "/?" NASTY, "/?" NASTY },
				.url = "https://" NASTY,
				.brand.help = "https://" NASTY,
			};

			CLEANUP(buf_cleanup) struct buf b = { .max = 1024 * 1024 };

			fill(protocols, &answer, i % 2);
			page_write(&b, &page);
			assert_int_equal(b.status, USHER_OK);
			check_whole(*state, buf_as_slice(&b), &request);
			assert_int_equal(
			    strstr(buf_cstr(&b), "<input") != NULL, s <= PAGE_NOT_SERVED);
		}
}

static void
test_roots(void **state)
{
	static const char *const names[] = { NASTY, "contoso.com" };
	const struct page_root roots[] = {
		{ NASTY, "Root", "?name=a", "00112233aabbccdd", "0011", 0, { names, 2 } },
		{ "B", "B", "?name=b", "ff", "ff", INT64_MAX, { NULL, 0 } },
	};

	for (size_t i = 0; i < 2 * PAGE_TEXTS; i++) {
		const struct page_request request = { NULL, page_texts[i / 2], i % 2 };
		const struct page_roots page = {
			.request = &request,
			.brand = { NASTY, "https://" NASTY, "https://" NASTY, NASTY },
			.url = "https://" NASTY,
			.v = roots,
			.n = 1 + i % 2,
		};
		CLEANUP(buf_cleanup) struct buf b = { .max = 1024 * 1024 };

		page_write_roots(&b, &page);
		assert_int_equal(b.status, USHER_OK);
		check_whole(*state, buf_as_slice(&b), &request);
		assert_non_null(strstr(buf_cstr(&b), "00:11:22:33:<wbr/>AA:BB:CC:DD<"));
		assert_non_null(strstr(buf_cstr(&b), "-in Root.pem "));
		assert_int_equal(strstr(buf_cstr(&b), "/ca/root.crt?name=b") != NULL, i % 2);
	}
}

/* The first failure sticks, wherever it comes. */
static void
test_ceiling(void **state)
{
	struct answer_protocol protocols[PROTOCOL_KINDS];
	struct answer answer;
	const struct page_request request = { "a@b.example", page_texts[0], false };
	const struct page page = { .state = PAGE_SETTINGS,
		.request = &request,
		.sample = "b.example",
		.address = "a@b.example",
		.domain = "b.example",
		.answer = &answer,
		.url = "https://b.example/" };
	size_t whole;
	struct buf b = { .max = 1024 * 1024 };

	(void)state;
	fill(protocols, &answer, true);
	page_write(&b, &page);
	whole = b.n;
	buf_clear(&b);
	for (size_t max = 0; max < whole; max += 97) {
		buf_init(&b, max);
		page_write(&b, &page);
		assert_int_equal(b.status, USHER_E_LIMIT);
		assert_true(b.n <= max);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_language),
		cmocka_unit_test_setup_teardown(test_requests, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_long_address, make_arena, free_arena),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_qr),
		cmocka_unit_test(test_programs),
		cmocka_unit_test_setup_teardown(test_pages, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(test_roots, make_arena, free_arena),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
