/* test_log.c - lines as an administrator and a log shipper see them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/log.h"

static char line[LOG_LINE_BYTES * 2];

/* What `say` writes to standard error. */
static const char *
caught(void (*say)(void))
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	(void)dup2(fileno(f), STDERR_FILENO);
	say();
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	rewind(f);
	n = fread(line, 1, sizeof(line) - 1, f);
	line[n] = '\0';
	(void)fclose(f);
	return line;
}

static void
say_context(void)
{
	const struct log_field listener[] = { log_text("listener", "web") };
	const struct log_field conn[] = { log_number("conn", 7), log_text("peer", "192.0.2.1") };
	const struct log_field user[] = { log_text("user", "nora@contoso.com") };
	const struct log_context outer = { NULL, listener, 1 };
	const struct log_context middle = { &outer, conn, 2 };
	const struct log_context inner = { &middle, user, 1 };

	LOG(LEVEL_INFO, "http", &inner, "request done", log_number("status", -1));
}

static void
test_context(void **state)
{
	(void)state;
	assert_int_equal(log_setup(LOG_SINK_JOURNAL, LEVEL_INFO, NULL, NULL), USHER_OK);
	assert_string_equal(caught(say_context),
	    "<6>level=info area=http msg=\"request done\" listener=web conn=7 peer=192.0.2.1 "
	    "user=nora@contoso.com status=-1\n");
}

static void
say_evil(void)
{
	LOG(LEVEL_ERROR, "http", NULL, "odd", log_text("a", "x\ny=\"z\"\\"),
	    log_slice("b", slice_from("n\0l", 3)), log_text("c", ""), log_text("d", "caf\xc3\xa9"),
	    log_text("e", "\xff"), log_text("f", "a b"), log_text("g", "\033[2J"),
	    log_text("h", "\xc2\x9b[\xc2\xa0"));
}

static void
test_escaped(void **state)
{
	(void)state;
	assert_int_equal(log_setup(LOG_SINK_JOURNAL, LEVEL_INFO, NULL, NULL), USHER_OK);
	assert_string_equal(caught(say_evil),
	    "<3>level=error area=http msg=odd a=\"x\\x0ay=\\\"z\\\"\\\\\" b=\"n\\x00l\" c=\"\" "
	    "d=\"caf\xc3\xa9\" e=\"\\xff\" f=\"a b\" g=\"\\x1b[2J\" h=\"\\xc2\\x9b[\xc2\xa0\"\n");
}

static void
say_long(void)
{
	static char text[LOG_LINE_BYTES * 2];

	memset(text, 'x', sizeof(text) - 1);
	LOG(LEVEL_ERROR, "http", NULL, "long", log_text("a", text));
}

static void
test_cut(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(log_setup(LOG_SINK_STDERR, LEVEL_INFO, NULL, NULL), USHER_OK);
	n = strlen(caught(say_long));
	assert_true(n < LOG_LINE_BYTES);
	assert_int_equal(line[n - 1], '\n');
	assert_memory_equal(line, "time=20", 7);
}

static void
test_wanted(void **state)
{
	enum log_level level;

	(void)state;
	assert_int_equal(log_setup(LOG_SINK_STDERR, LEVEL_DEBUG, " tls, dir,", NULL), USHER_OK);
	assert_true(log_wanted(LEVEL_DEBUG, "tls"));
	assert_true(log_wanted(LEVEL_DEBUG, "dir"));
	assert_false(log_wanted(LEVEL_DEBUG, "http"));
	assert_true(log_wanted(LEVEL_INFO, "http"));
	log_set_level(LEVEL_WARNING);
	assert_false(log_wanted(LEVEL_INFO, "http"));
	assert_true(log_wanted(LEVEL_ERROR, "http"));
	assert_true(log_level_parse(SLICE_LITERAL("Notice"), &level));
	assert_int_equal(level, LEVEL_NOTICE);
	assert_false(log_level_parse(SLICE_LITERAL("loud"), &level));
	assert_string_equal(log_level_name(LEVEL_DEBUG), "debug");
	assert_int_equal(
	    log_setup(LOG_SINK_STDERR, LEVEL_DEBUG, "averyveryverylongarea", NULL), USHER_E_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
