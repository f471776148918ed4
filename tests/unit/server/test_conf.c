/* test_conf.c - the configuration: what is read, what is refused in which words, and that dump,
 * sample and manual say all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/facts.h"
#include "server/conf_schema.h"

enum { TEXT_BYTES = 256 * 1024 };

static const char SMALLEST[] = "directory = sqlite:/var/lib/usher/usher.db\n"
			       "[listen https]\n"
			       "address = 0.0.0.0:443\n"
			       "[listen redirect]\n"
			       "address = 0.0.0.0:80\n"
			       "[listen private]\n"
			       "address = 127.0.0.1:9108\n";

static struct conf *
read_good(const char *text)
{
	struct usher_error err = { 0 };
	struct conf *conf = NULL;

	if (conf_read("usherd.conf", slice_of(text), &conf, &err) != USHER_OK)
		fail_msg("%s: %s", err.where, err.message);
	return conf;
}

static void
test_smallest(void **state)
{
	struct conf *conf = read_good(SMALLEST);
	char name[CONF_LISTENER_NAME_BYTES], address[ENDPOINT_TEXT_BYTES];

	(void)state;
	assert_string_equal(conf->directory, "sqlite:/var/lib/usher/usher.db");
	assert_int_equal(conf->n_listeners, 3);
	assert_int_equal(conf->listeners[0].kind, LISTENER_HTTPS);
	assert_int_equal(conf->listeners[1].kind, LISTENER_REDIRECT);
	assert_int_equal(conf->listeners[2].kind, LISTENER_PRIVATE);
	conf_listener_name(&conf->listeners[0], 0, name);
	assert_string_equal(name, "https");
	endpoint_format(&conf->listeners[0].addresses.v[0], address);
	assert_string_equal(address, "0.0.0.0:443");
	assert_true(conf->listeners[0].session_tickets);
	assert_null(conf->listeners[0].certificate);
	assert_null(conf->listeners[1].target);
	assert_string_equal(conf->authentication.realm, "autodiscover");
	assert_int_equal(conf->authentication.visibility, VISIBILITY_PERMITTED);
	assert_int_equal(conf->authentication.remember_ms, 300 * 1000);
	assert_int_equal(conf->limits.head_bytes, 16 * 1024);
	assert_int_equal(conf->limits.body_bytes, 64 * 1024);
	assert_int_equal(conf->limits.idle_ms, 75 * 1000);
	assert_int_equal(conf->log.level, LEVEL_INFO);
	assert_non_null(conf->server_name);
	conf_unref(conf);
}

static void
test_everything(void **state)
{
	struct conf *conf = read_good("# a comment\n"
				      "; another\n"
				      "\n"
				      "  Directory =  sqlite:/srv/u.db  \r\n"
				      "Server  Name = CAS01.Contoso.COM\n"
				      "trusted proxies = 127.0.0.1, 192.0.2.0/24 2001:db8::/32\n"
				      "threads = 2\n"
				      "[LISTEN  https]\n"
				      "address = 127.0.0.1:443, [::1]:443\n"
				      "[listen https partners]\n"
				      "address = *:8443\n"
				      "certificate = /etc/a b.pem\n"
				      "key = /etc/a b.key\n"
				      "session tickets = OFF\n"
				      "[listen redirect]\n"
				      "target = https://mail.contoso.com/autodiscover/x.xml\n"
				      "[listen proxy]\n"
				      "[authentication]\n"
				      "visibility = ANY\n"
				      "default domain = b\xc3\xbc"
				      "cher.example\n"
				      "windows domains = CONTOSO=contoso.com,FAB=fabrikam.example\n"
				      "remember time = 0\n"
				      "[limits]\n"
				      "body bytes = 8k\n"
				      "idle time = 2m\n"
				      "[log]\n"
				      "level = debug\n"
				      "requests = no\n");
	char name[CONF_LISTENER_NAME_BYTES];

	(void)state;
	assert_string_equal(conf->directory, "sqlite:/srv/u.db");
	assert_string_equal(conf->server_name, "cas01.contoso.com");
	assert_int_equal(conf->trusted.n, 3);
	assert_int_equal(conf->threads, 2);
	assert_int_equal(conf->listeners[0].addresses.n, 2);
	conf_listener_name(&conf->listeners[0], 1, name);
	assert_string_equal(name, "https #2");
	assert_string_equal(conf->listeners[1].name, "https partners");
	assert_string_equal(conf->listeners[1].certificate, "/etc/a b.pem");
	assert_false(conf->listeners[1].session_tickets);
	assert_string_equal(
	    conf->listeners[2].target, "https://mail.contoso.com/autodiscover/x.xml");
	assert_int_equal(conf->authentication.visibility, VISIBILITY_ANY);
	assert_string_equal(conf->authentication.default_domain, "xn--bcher-kva.example");
	assert_int_equal(conf->authentication.windows_domains.n, 2);
	assert_int_equal(conf->authentication.remember_ms, 0);
	assert_int_equal(conf->limits.body_bytes, 8192);
	assert_int_equal(conf->limits.idle_ms, 120 * 1000);
	assert_int_equal(conf->log.level, LEVEL_DEBUG);
	assert_false(conf->log.requests);
	conf_unref(conf);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *text, *where, *message;
	} rows[] = {
		{ "", "usherd.conf", "nothing to listen on; add [listen https]" },
		{ "[limits]\n", "usherd.conf", "nothing to listen on" },
		{ "[listen https]\nadress = x\n", "usherd.conf:2",
		    "unknown key `adress`: allowed here are address, certificate, key, session "
		    "tickets" },
		{ "\n\ndirectroy = x\n", "usherd.conf:3", "allowed here are directory, user," },
		{ "[listen http]\n", "usherd.conf:1",
		    "unknown section `listen http`: allowed are" },
		{ "[listen httpsx]\n", "usherd.conf:1", "unknown section" },
		{ "[limit]\n", "usherd.conf:1", "unknown section `limit`" },
		{ "[limits]\n[limits]\n", "usherd.conf:2", "it stands here a second time" },
		{ "[listen https]\n[listen https]\n", "usherd.conf:2", "a second time" },
		{ "[listen https\n", "usherd.conf:1", "a section is [NAME]" },
		{ "[]\n", "usherd.conf:1", "unknown section" },
		{ "hello\n", "usherd.conf:1", "neither [SECTION] nor KEY = VALUE" },
		{ "threads = 65\n", "usherd.conf:1", "threads `65`: a number from 0 to 64" },
		{ "threads = two\n", "usherd.conf:1", "a number from 0 to 64" },
		{ "threads = -1\n", "usherd.conf:1", "a number from 0 to 64" },
		{ "threads =\n", "usherd.conf:1", "a number from 0 to 64" },
		{ "threads = 1\nthreads = 1\n", "usherd.conf:2", "a second time" },
		{ "directory =\n", "usherd.conf:1", "directory ``: a text" },
		{ "[limits]\nidle time = 2 weeks\n", "usherd.conf:2", "a time from 100ms to 1h" },
		{ "[limits]\nidle time = 2h\n", "usherd.conf:2", "a time from 100ms to 1h" },
		{ "[limits]\nhead bytes = 1\n", "usherd.conf:2", "a size from 1k to 1M" },
		{ "[log]\nlevel = loud\n", "usherd.conf:2",
		    "level `loud`: error, warning, notice, info, debug" },
		{ "[log]\nrequests = maybe\n", "usherd.conf:2", "yes or no" },
		{ "[listen https]\naddress = localhost:443\n", "usherd.conf:2",
		    "ADDRESS:PORT, [IPV6]:PORT or *:PORT" },
		{ "[listen https]\naddress = ,\n", "usherd.conf:2", "ADDRESS:PORT" },
		{ "trusted proxies = 10.0.0.1/8\n", "usherd.conf:1", "ADDRESS or ADDRESS/BITS" },
		{ "[listen redirect]\ntarget = http://a.example/\n", "usherd.conf:2",
		    "an absolute https URL" },
		{ "[listen redirect]\ntarget = https://u:p@a.example/\n", "usherd.conf:2",
		    "an absolute https URL" },
		{ "[authentication]\ndefault domain = a b\n", "usherd.conf:2", "a domain name" },
		{ "[authentication]\nwindows domains = CONTOSO\n", "usherd.conf:2",
		    "NAME=mail.domain" },
		{ "[authentication]\nrealm = caf\xc3\xa9\n", "usherd.conf:2", "ASCII characters" },
		{ "[listen https]\ncertificate = a.pem\n", "usherd.conf:1",
		    "certificate and key come together" },
		{ "[listen proxy]\n", "usherd.conf:1", "name the proxy in `trusted proxies`" },
		{ "user = \xff\n", "usherd.conf:1", "it is not UTF-8" },
		{ "user = a\x01\n", "usherd.conf:1", "control character" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct conf *conf = NULL;

		if (conf_read("usherd.conf", slice_of(rows[i].text), &conf, &err) !=
			USHER_E_INPUT ||
		    strcmp(err.where, rows[i].where) != 0 ||
		    strstr(err.message, rows[i].message) == NULL)
			fail_msg("`%s`: got `%s: %s`", rows[i].text, err.where, err.message);
		assert_null(conf);
	}
}

static void
test_bounds(void **state)
{
	struct usher_error err = { 0 };
	struct conf *conf = NULL;
	struct buf text;

	(void)state;
	buf_init(&text, TEXT_BYTES);
	for (int i = 0; i <= ENGINE_MAX_LISTENERS; i++)
		buf_printf(&text, "[listen https %d]\n", i);
	assert_int_equal(conf_read("f", buf_as_slice(&text), &conf, &err), USHER_E_INPUT);
	assert_non_null(strstr(err.message, "too many listeners"));

	buf_reset(&text);
	buf_text(&text, "trusted proxies =");
	for (int i = 0; i <= CONF_LIST_MAX; i++)
		buf_printf(&text, " 192.0.2.%d", i);
	assert_int_equal(conf_read("f", buf_as_slice(&text), &conf, &err), USHER_E_INPUT);

	buf_reset(&text);
	buf_text(&text, "user = ");
	for (int i = 0; i < CONF_LINE_BYTES; i++)
		buf_char(&text, 'x');
	assert_int_equal(conf_read("f", buf_as_slice(&text), &conf, &err), USHER_E_INPUT);
	assert_non_null(strstr(err.message, "too long"));
	buf_clear(&text);
}

static void
test_dump_is_a_configuration(void **state)
{
	static const char *const texts[] = {
		SMALLEST,
		"trusted proxies = ::1 192.0.2.0/24\n[listen proxy]\n[listen https a]\n"
		"address = *:1, [::1]:2\nsession tickets = no\n[log]\nareas = tls,http\n"
		"[authentication]\nwindows domains = A=a.example B=b.example\n"
		"forget failures = 90s\n[limits]\nbody bytes = 1500\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct conf *one = read_good(texts[i]), *two;
		struct buf first, second;

		buf_init(&first, TEXT_BYTES);
		buf_init(&second, TEXT_BYTES);
		conf_dump(one, &first);
		two = read_good(buf_cstr(&first));
		conf_dump(two, &second);
		assert_string_equal(buf_cstr(&first), buf_cstr(&second));
		buf_clear(&first);
		buf_clear(&second);
		conf_unref(one);
		conf_unref(two);
	}
}

/* The sample serves as it is, and with every key that has a default taken out of its comment. */
static void
test_sample_is_a_configuration(void **state)
{
	struct buf sample, active;
	bool on = true; /* not in a section that is a comment itself */

	(void)state;
	buf_init(&sample, TEXT_BYTES);
	buf_init(&active, TEXT_BYTES);
	conf_sample(&sample);
	conf_unref(read_good(buf_cstr(&sample)));
	for (const char *p = buf_cstr(&sample); *p != '\0';) {
		size_t n = strcspn(p, "\n");

		if (*p == '[' || (*p == '#' && p[1] == '['))
			on = *p == '[';
		if (on && *p == '#' && p[1] != ' ' && p[1] != '[' && p[n - 1] != '=') {
			p++;
			n--;
		}
		buf_slice(&active, slice_from(p, n + 1));
		p += n + 1;
	}
	conf_unref(read_good(buf_cstr(&active)));
	buf_clear(&sample);
	buf_clear(&active);
}

/* Every section and key has its own place in usherd.conf(5). */
static void
test_manual_is_complete(void **state)
{
	const char *path = getenv("USHERD_CONF_5");
	static char manual[TEXT_BYTES];
	FILE *f = path == NULL ? NULL : fopen(path, "r");
	char wanted[128];

	(void)state;
	assert_non_null(f);
	manual[fread(manual, 1, sizeof(manual) - 1, f)] = '\0';
	(void)fclose(f);
	for (size_t i = 0; i < CONF_SECTIONS; i++) {
		const struct conf_section *s = &conf_sections[i];
		const char *place = manual;

		(void)snprintf(wanted, sizeof(wanted), "%s %s\n",
		    s->listener >= 0 ? ".Ss Sections" : ".Ss Section", s->name);
		if (*s->name != '\0')
			place = strstr(manual, wanted);
		if (place == NULL)
			fail_msg("no `%s`", wanted);
		for (size_t k = 0; k < s->rows->n; k++) {
			const char *end = strstr(place + 1, "\n.Ss Section");
			const char *key;

			(void)snprintf(
			    wanted, sizeof(wanted), ".It Cm %s No =", s->rows->v[k].name);
			key = strstr(place, wanted);
			if (key == NULL || (end != NULL && key > end))
				fail_msg("[%s] has no `%s`", s->name, wanted);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_dump_is_a_configuration),
		cmocka_unit_test(test_sample_is_a_configuration),
		cmocka_unit_test(test_manual_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
