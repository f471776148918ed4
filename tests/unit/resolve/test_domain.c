/* test_domain.c - what anybody is told about a domain: the URLs of Autodiscover V2, and Mail
 * Autoconfig with placeholders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/resolve_domain.h"
#include "sample.h"

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
nothing(struct sample *s)
{
	(void)s;
}

static void
autodiscover(struct sample *s)
{
	sample_url(s, "CAS01", URL_AUTODISCOVER)->external = "https://auto/a.xml";
}

static void
host_names(struct sample *s)
{
	static const char *const names[] = { "mail.contoso.com" };

	s->domain.host_names = (struct text_list){ names, 1 };
}

static void
inside_only(struct sample *s)
{
	struct service_url *u = sample_url(s, "CAS01", URL_ACTIVESYNC);

	u->internal = "https://cas01/eas";
	u->external = NULL;
}

static void
phones(struct sample *s)
{
	sample_url(s, "CAS01", URL_ACTIVESYNC)->external = "https://phone/eas";
}

static void
foreign_server(struct sample *s)
{
	s->domain.server = "NOBODY";
}

static const struct {
	const char *label;
	void (*change)(struct sample *s);
	enum protocol_kind kind;
	const char *url;
} urls[] = {
	{ "usual host", nothing, PROTOCOL_AUTODISCOVER,
	    "https://autodiscover.contoso.com/autodiscover/autodiscover.xml" },
	{ "own host name", host_names, PROTOCOL_AUTODISCOVER,
	    "https://mail.contoso.com/autodiscover/autodiscover.xml" },
	{ "as configured", autodiscover, PROTOCOL_AUTODISCOVER, "https://auto/a.xml" },
	{ "ActiveSync", phones, PROTOCOL_ACTIVESYNC, "https://phone/eas" },
	{ "ActiveSync, inside only", inside_only, PROTOCOL_ACTIVESYNC, NULL },
	{ "a server that is none", foreign_server, PROTOCOL_EWS, NULL },
	{ "REST", nothing, PROTOCOL_REST, NULL },
	{ "a kind without a word", nothing, PROTOCOL_IMAP, NULL },
};

static void
test_urls(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct arena *mem = arena_new(64 * 1024);
		const char *url = "";
		struct sample s;

		sample_init(&s);
		urls[i].change(&s);
		sample_ready(mem, &s);
		assert_int_equal(resolve_domain_url(mem, &s.facts, urls[i].kind, &url), USHER_OK);
		if (!same(url, urls[i].url))
			fail_msg("%s: %s", urls[i].label, url);
		arena_free(mem);
	}
}

/* The mailbox has no part in it. */
static void
test_no_mailbox(void **state)
{
	struct arena *mem = arena_new(64 * 1024);
	struct answer with, without;
	struct sample s;

	(void)state;
	sample_init_mail(&s);
	assert_int_equal(resolve_autoconfig(mem, &s.facts, s.facts.domain_name, &with), USHER_OK);
	s.facts.mailbox = NULL;
	assert_int_equal(
	    resolve_autoconfig(mem, &s.facts, s.facts.domain_name, &without), USHER_OK);
	assert_true(answer_equal(&with, &without));
	assert_true(with.n_protocols > 0);
	arena_free(mem);
}

static const struct {
	const char *template, *asked, *user_name;
} names[] = {
	{ NULL, NULL, "%EMAILADDRESS%" },
	{ "%a", NULL, "%EMAILADDRESS%" },
	{ "%u", NULL, "%EMAILLOCALPART%" },
	{ "%d\\%u", NULL, "%EMAILDOMAIN%\\%EMAILLOCALPART%" },
	{ "100%%", NULL, "100%" },
	{ "%x%", NULL, "%x%" },
	{ NULL, "alias.example", "%EMAILLOCALPART%@" },
	{ "%d", "alias.example", "" },
};

static void
test_user_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct arena *mem = arena_new(64 * 1024);
		const char *wanted;
		struct answer a;
		struct sample s;

		sample_init_mail(&s);
		s.services[0].user_name = names[i].template;
		assert_int_equal(
		    resolve_autoconfig(mem, &s.facts,
			names[i].asked != NULL ? names[i].asked : s.facts.domain_name, &a),
		    USHER_OK);
		wanted = names[i].asked == NULL ?
			     names[i].user_name :
			     arena_join(mem, names[i].user_name, s.facts.domain_name);
		if (!same(a.protocols[0].login_name, wanted))
			fail_msg("%s: %s", names[i].template, a.protocols[0].login_name);
		assert_string_equal(
		    a.domains.v[0], names[i].asked != NULL ? names[i].asked : s.facts.domain_name);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_no_mailbox),
		cmocka_unit_test(test_user_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
