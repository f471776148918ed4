/* glib.c - a search in the main loop of GLib, as GTK programs have it, with what it does told on
 * the way and a person who may give up.
 *
 *	cc glib.c $(pkg-config --cflags --libs libusher glib-2.0) -o glib
 *	USHER_PASSWORD=secret ./glib ann@contoso.example */
#include <glib-unix.h>
#include <stdio.h>
#include <usher/search.h>

struct program {
	GMainLoop *loop;
	struct usher_search *search;
	enum usher_outcome outcome;
};

static int
tell(const struct usher_trace *trace, void *payload)
{
	(void)payload;
	g_print("%5lld ms  %s\n", (long long)trace->elapsed_ms, trace->text);
	return USHER_YES;
}

static gboolean
on_ready(gint fd, GIOCondition condition, gpointer payload)
{
	struct program *program = payload;
	struct usher_result *result;
	struct usher_error err;

	(void)fd;
	(void)condition;
	if (usher_search_act(program->search))
		return G_SOURCE_CONTINUE;
	if (usher_search_result(program->search, &result, &err) == USHER_OK) {
		g_print("%s\n", usher_result_text(result, USHER_PART_FIND, 0, "reason"));
		program->outcome = usher_result_outcome(result);
		usher_result_free(result);
	} else {
		g_printerr("%s\n", err.message);
	}
	g_main_loop_quit(program->loop);
	return G_SOURCE_REMOVE;
}

/* Ctrl-C; a button would do the same. The search ends at its next usher_search_act(). */
static gboolean
on_interrupt(gpointer payload)
{
	struct program *program = payload;

	usher_search_cancel(program->search);
	return G_SOURCE_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct program program = { .outcome = USHER_UNAVAILABLE };
	struct usher_error err;

	options.password = g_getenv("USHER_PASSWORD");
	options.trace = tell;
	if (argc != 2 || usher_search_new(argv[1], &options, &program.search, &err) != USHER_OK) {
		g_printerr("%s\n", argc != 2 ? "usage: glib ADDRESS" : err.message);
		return 64;
	}
	program.loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGINT, on_interrupt, &program);
	/* The first usher_search_act() begins it, and may be the last one. */
	if (on_ready(usher_search_fd(program.search), G_IO_IN, &program) == G_SOURCE_CONTINUE) {
		g_unix_fd_add(usher_search_fd(program.search), G_IO_IN, on_ready, &program);
		g_main_loop_run(program.loop);
	}
	g_main_loop_unref(program.loop);
	usher_search_free(program.search);
	return program.outcome;
}
