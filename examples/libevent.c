/* libevent.c - a search in a program that runs on libevent; the password is given later.
 *
 *	cc libevent.c $(pkg-config --cflags --libs libusher libevent_core) -o libevent
 *	USHER_PASSWORD=secret ./libevent ann@contoso.example */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <usher/search.h>

struct program {
	struct event_base *base;
	struct event *ready;  /* the search has something to do */
	struct event *answer; /* the person has typed the password */
	struct usher_search *search;
	enum usher_outcome outcome;
};

/* A window would open here, and this function return at once: the search goes on without it. */
static int
ask_password(const struct usher_challenge *challenge, struct usher_credentials *out, void *payload)
{
	const struct timeval typing = { 0, 100 * 1000 };
	struct program *program = payload;

	printf("%s asks for the password of %s\n", challenge->host, out->login);
	event_add(program->answer, &typing);
	return USHER_LATER;
}

static void
on_answer(evutil_socket_t fd, short what, void *payload)
{
	struct program *program = payload;
	struct usher_error err;

	(void)fd;
	(void)what;
	if (usher_search_answer_credentials(
		program->search, NULL, getenv("USHER_PASSWORD"), &err) != USHER_OK) {
		fprintf(stderr, "%s\n", err.message);
		usher_search_cancel(program->search);
	}
}

static void
on_ready(evutil_socket_t fd, short what, void *payload)
{
	struct program *program = payload;
	struct usher_result *result;
	struct usher_error err;

	(void)fd;
	(void)what;
	if (usher_search_act(program->search))
		return;
	if (usher_search_result(program->search, &result, &err) == USHER_OK) {
		printf("%s\n", usher_result_text(result, USHER_PART_FIND, 0, "reason"));
		program->outcome = usher_result_outcome(result);
		usher_result_free(result);
	} else {
		fprintf(stderr, "%s\n", err.message);
	}
	event_base_loopbreak(program->base);
}

int
main(int argc, char **argv)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct program program = { .outcome = USHER_UNAVAILABLE };
	struct usher_error err;

	options.credentials = ask_password;
	options.payload = &program;
	if (argc != 2 || usher_search_new(argv[1], &options, &program.search, &err) != USHER_OK) {
		fprintf(stderr, "%s\n", argc != 2 ? "usage: libevent ADDRESS" : err.message);
		return 64;
	}
	program.base = event_base_new();
	program.answer = event_new(program.base, -1, 0, on_answer, &program);
	program.ready = event_new(program.base, usher_search_fd(program.search),
	    EV_READ | EV_PERSIST, on_ready, &program);
	event_add(program.ready, NULL);
	event_active(program.ready, EV_READ, 0); /* the first usher_search_act() */
	event_base_dispatch(program.base);

	event_free(program.ready);
	event_free(program.answer);
	event_base_free(program.base);
	usher_search_free(program.search);
	return program.outcome;
}
