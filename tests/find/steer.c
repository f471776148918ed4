/* steer.c - searches in every way that usher/search.h allows, and looks that nothing is left
 *behind:
 *
 *	steer MODE PASSWORD DNS CA-FILE HOST:PORT:ADDR:PORT...
 *
 * Prints the outcome of each search that came to its end, or what is wrong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/failnth.h"
#include "base/compat.h"
#include "usher/search.h"

enum { THREADS = 16, SEARCHES_EACH = 4, SLOW_MS = 400, ROUNDS_MAX = 20000, SIGNALS = 32 };

static const char address[] = "ann@contoso.example";
static struct usher_find_options base;
static long acts;	  /* of this search */
static long lines;	  /* of its trace */
static long cancel_at;	  /* line of the trace; 0: none */
static int trust_is_open; /* said USHER_LATER to it */
static int password_is_wanted;
static const char *password;

static void
die(const char *what)
{
	(void)fprintf(stderr, "%s (act %ld, line %ld, allocation %ld)\n", what, acts, lines, left);
	exit(1);
}

static long
entries(const char *folder)
{
	DIR *d = opendir(folder);
	long n = 0;

	if (d == NULL)
		die(folder);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

/* What the process was like before the first search. */
static struct {
	long threads;
	void (*handlers[SIGNALS])(int);
	sigset_t mask;
} at_first;

static void
look_at_process(void)
{
	struct sigaction now;

	at_first.threads = entries("/proc/self/task");
	(void)sigprocmask(SIG_BLOCK, NULL, &at_first.mask);
	for (int i = 1; i < SIGNALS; i++) {
		if (sigaction(i, NULL, &now) == 0)
			at_first.handlers[i] = now.sa_handler;
	}
}

static void
check_process(void)
{
	struct sigaction now;
	sigset_t mask;

	if (entries("/proc/self/task") != at_first.threads)
		die("a thread was started");
	(void)sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int i = 1; i < SIGNALS; i++) {
		if (sigismember(&mask, i) != sigismember(&at_first.mask, i))
			die("a signal is blocked");
		if (sigaction(i, NULL, &now) == 0 && now.sa_handler != at_first.handlers[i])
			die("a signal is handled");
	}
}

/* How long this thread has neither run nor stood in line for a processor: what a busy machine does
 * to it does not count. */
static double
slept_ms(void)
{
	unsigned long long ran_ns = 0, stood_ns = 0;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY);
	char text[100] = "";
	struct timespec t;

	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	if (sscanf(text, "%llu %llu", &ran_ns, &stood_ns) != 2)
		return 0; /* not told by this kernel */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6 - (double)(ran_ns + stood_ns) / 1e6;
}

/* ---- callbacks ---- */

static int
trust_later(const struct usher_redirect *redirect, void *payload UNUSED)
{
	if (redirect->host[0] == '\0')
		die("nobody to trust");
	trust_is_open = 1;
	return USHER_LATER;
}

static int
credentials_later(const struct usher_challenge *challenge, struct usher_credentials *out UNUSED,
    void *payload UNUSED)
{
	if (strncmp(challenge->url, "https://", 8) != 0)
		die("a password for what is not https");
	password_is_wanted = 1;
	return USHER_LATER;
}

static int
trace(const struct usher_trace *t, void *payload UNUSED)
{
	if (t->text[0] == '\0' || strchr(t->text, '\n') != NULL || t->elapsed_ms < 0)
		die("a line that is none");
	if (strstr(t->text, password) != NULL)
		die("the trace tells the password");
	return ++lines == cancel_at ? USHER_CANCEL : USHER_YES;
}

static int
print_trace(const struct usher_trace *t, void *payload UNUSED)
{
	printf("%s %s\n", t->source, t->text);
	return 0;
}

/* ---- ways to search ---- */

static const char *const names[] = { "found", "not-found", "rejected", "blocked", "unavailable" };

/* Frees the search. True: it has a result. */
static int
finish(struct usher_search *s, usher_status expected)
{
	struct usher_result *result = NULL;
	struct usher_error err = { 0 };
	usher_status st = usher_search_result(s, &result, &err);

	if (st != USHER_OK && st != expected)
		die(err.message);
	if (st == USHER_OK) {
		printf("%s\n", names[usher_result_outcome(result)]);
		if (usher_search_result(s, &result, &err) != USHER_E_USAGE)
			die("the result can be taken twice");
	}
	usher_search_free(s);
	usher_result_free(result);
	return st == USHER_OK;
}

static struct usher_search *
begin(const struct usher_find_options *options)
{
	struct usher_search *s = NULL;
	struct usher_error err = { 0 };
	usher_status st = usher_search_new(address, options, &s, &err);

	acts = 0;
	lines = 0;
	if (st != USHER_OK && !(st == USHER_E_NOMEM && left < 0))
		die(err.message);
	return s;
}

static int
act(struct usher_search *s)
{
	double from = slept_ms();
	int goes_on = usher_search_act(s);

	if (++acts > ROUNDS_MAX)
		die("it goes round and round");
	if (slept_ms() - from > SLOW_MS)
		die("it waits within usher_search_act()");
	return goes_on;
}

static void
wait_for(const struct usher_search *s)
{
	struct pollfd ready = { .fd = usher_search_fd(s), .events = POLLIN };

	(void)poll(&ready, 1, -1);
}

static void
run(const struct usher_find_options *options)
{
	struct usher_search *s = begin(options);

	while (act(s)) {
		check_process();
		wait_for(s);
	}
	if (act(s) != 0)
		die("over, and not over");
	(void)finish(s, USHER_OK);
	check_process();
}

static void
answer_after(struct usher_search *s, int *open)
{
	struct pollfd ready = { .fd = usher_search_fd(s), .events = POLLIN };

	/* Somebody thinks for longer than the search may take. */
	(void)usleep((useconds_t)(base.timeout_ms * 1200));
	if (open == &trust_is_open) {
		usher_search_answer_trust(s, USHER_YES);
		usher_search_answer_trust(s, USHER_NO); /* counts once */
	} else {
		if (usher_search_answer_credentials(s, "a:b", password, NULL) != USHER_E_USAGE)
			die("a colon in a login");
		if (usher_search_answer_credentials(s, NULL, password, NULL) != USHER_OK)
			die("the answer is not taken");
	}
	*open = 0;
	if (poll(&ready, 1, 0) != 1)
		die("an answer does not wake");
}

static void
run_later(void)
{
	struct usher_find_options options = base;
	struct usher_search *s;

	options.password = NULL;
	options.trust = trust_later;
	options.credentials = credentials_later;
	s = begin(&options);
	while (act(s)) {
		if (trust_is_open)
			answer_after(s, &trust_is_open);
		else if (password_is_wanted)
			answer_after(s, &password_is_wanted);
		else
			wait_for(s);
	}
	(void)finish(s, USHER_OK);
}

/* Ends a search before its n-th act, for all n. */
static void
end_everywhere(int by_cancel)
{
	long before = entries("/proc/self/fd");
	int through = 0;

	for (long n = 0; !through; n++) {
		struct usher_search *s = begin(&base);
		int goes_on = 1;

		while (goes_on && acts < n) {
			goes_on = act(s);
			if (goes_on)
				wait_for(s);
		}
		if (goes_on && by_cancel) {
			usher_search_cancel(s);
			if (act(s) != 0)
				die("cancelled, and goes on");
		}
		if (!goes_on || by_cancel)
			through = finish(s, USHER_E_CANCELLED);
		else
			usher_search_free(s);
		if (entries("/proc/self/fd") != before)
			die("a descriptor is left open");
	}
}

static void
cancel_by_trace(void)
{
	struct usher_find_options options = base;
	long before = entries("/proc/self/fd");
	int through = 0;

	options.trace = trace;
	for (cancel_at = 1; !through; cancel_at++) {
		struct usher_result *result = NULL;
		usher_status st;

		lines = 0;
		st = usher_find(address, &options, &result, NULL);
		through = st == USHER_OK;
		if (!through && st != USHER_E_CANCELLED)
			die("not cancelled");
		if (!through && lines != cancel_at)
			die("it went on");
		usher_result_free(result);
		if (entries("/proc/self/fd") != before)
			die("a descriptor is left open");
	}
	printf("found\n");
}

static void
fail_each_allocation(void)
{
	long before = entries("/proc/self/fd");
	bool spent = false;
	long found = 0;

	for (long at = 0; !spent; at++) {
		struct usher_result *result = NULL;
		struct usher_error err = { 0 };
		usher_status st;

		left = at;
		st = usher_find(address, &base, &result, &err);
		spent = spare_the_rest();
		if (st != USHER_OK && (spent || st != USHER_E_NOMEM))
			die(err.message);
		if ((st == USHER_OK) != (result != NULL))
			die("a result and a failure");
		found += st == USHER_OK && usher_result_outcome(result) == USHER_FOUND;
		usher_result_free(result);
		if (entries("/proc/self/fd") != before)
			die("a descriptor is left open");
	}
	puts(found > 0 ? "found" : "never found");
}

static void *
search_often(void *payload)
{
	long found = 0;

	for (int i = 0; i < SEARCHES_EACH; i++) {
		struct usher_result *result = NULL;

		if (usher_find(address, &base, &result, NULL) != USHER_OK)
			return NULL;
		found += usher_result_outcome(result) == USHER_FOUND;
		usher_result_free(result);
	}
	*(long *)payload = found;
	return NULL;
}

static void
run_threads(void)
{
	pthread_t threads[THREADS];
	long found[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, search_often, &found[i]) != 0)
			die("pthread_create");
	}
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		if (found[i] != SEARCHES_EACH)
			die("not found in each thread");
	}
	puts("found");
}

int
main(int argc, char **argv)
{
	struct usher_find_options traced;

	if (argc < 5)
		return 64;
	look_at_process();
	base = (struct usher_find_options)USHER_FIND_OPTIONS_INIT;
	password = argv[2];
	base.password = password;
	base.dns_server = argv[3];
	base.ca_file = argv[4];
	base.connect_to = (const char *const *)(argv + 5);
	base.timeout_ms = 2000;
	traced = base;
	traced.trace = print_trace;
	if (strcmp(argv[1], "run") == 0)
		run(&base);
	else if (strcmp(argv[1], "trace") == 0)
		run(&traced);
	else if (strcmp(argv[1], "later") == 0)
		run_later();
	else if (strcmp(argv[1], "cancel") == 0)
		end_everywhere(1);
	else if (strcmp(argv[1], "free") == 0)
		end_everywhere(0);
	else if (strcmp(argv[1], "cancel-by-trace") == 0)
		cancel_by_trace();
	else if (strcmp(argv[1], "memory") == 0)
		fail_each_allocation();
	else if (strcmp(argv[1], "threads") == 0)
		run_threads();
	else
		return 64;
	return 0;
}
