/* test_race.c - which address wins, when, and that nothing stays open. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "net/race.h"

enum { PATIENCE_MS = 2500, HOSTS_MAX = 6, FILLERS = 3, SETTLED_MS = 50 };

/* What a host does: listens, refuses, or drops what comes. */
struct host {
	int fd;
	int fillers[FILLERS];
};

struct row {
	const char *name;
	const char *hosts; /* a letter of L, R, D for each address */
	enum race_state end;
	size_t winner;
	uint64_t ms;
	int without; /* the first, the second … socket cannot be had; 0: all can */
};

static const struct row rows[] = {
	{ "both listen", "LL", RACE_WON, 0, 0 },
	{ "the first is refused", "RL", RACE_WON, 1, 0 },
	{ "the first drops", "DL", RACE_WON, 1, 250 },
	{ "two drop", "DDL", RACE_WON, 2, 500 },
	{ "refused after a drop", "DRL", RACE_WON, 2, 250 },
	{ "the first of many", "LDDDDD", RACE_WON, 0, 0 },
	{ "all are refused", "RRR", RACE_LOST, 0, 0 },
	{ "all drop", "DD", RACE_TIMED_OUT, 0, PATIENCE_MS },
	{ "one refuses, one drops", "RD", RACE_TIMED_OUT, 0, PATIENCE_MS },
	{ "no socket for the first", "LL", RACE_WON, 1, 0, 1 },
	{ "no socket for the second, the first drops", "DLL", RACE_WON, 2, 250, 2 },
	{ "no socket for the last", "RL", RACE_LOST, 0, 0, 2 },
};

static const char *const addresses[HOSTS_MAX] = { "127.88.0.1", "127.88.0.2", "127.88.0.3",
	"127.88.0.4", "127.88.0.5", "127.88.0.6" };

static int without;

int
__real_socket(int family, int type, int protocol);
int
__wrap_socket(int family, int type, int protocol);

int
__wrap_socket(int family, int type, int protocol)
{
	if (without > 0 && --without == 0) {
		errno = EMFILE;
		return -1;
	}
	return __real_socket(family, type, protocol);
}

static struct sockaddr_in
place(size_t i, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, addresses[i], &at.sin_addr), 1);
	return at;
}

static void
open_host(struct host *h, size_t i, char what, uint16_t *port)
{
	struct sockaddr_in at = place(i, *port);
	socklen_t n = sizeof(at);

	h->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(h->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(h->fd, (struct sockaddr *)&at, &n), 0);
	*port = ntohs(at.sin_port);
	if (what != 'R')
		assert_int_equal(listen(h->fd, what == 'L' ? 8 : 0), 0);
	/* A queue that is full drops what comes. */
	for (size_t k = 0; k < FILLERS; k++) {
		h->fillers[k] = -1;
		if (what != 'D')
			continue;
		h->fillers[k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(h->fillers[k], (struct sockaddr *)&at, sizeof(at));
	}
}

static void
close_host(struct host *h)
{
	for (size_t k = 0; k < FILLERS; k++) {
		if (h->fillers[k] >= 0)
			(void)close(h->fillers[k]);
	}
	(void)close(h->fd);
}

static size_t
count_open(void)
{
	DIR *all = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(all);
	while (readdir(all) != NULL)
		n++;
	(void)closedir(all);
	return n;
}

/* Sockets in their own time, which is short on one machine; the clock is ours. */
static enum race_state
run(struct race *r, struct poller *poller, uint64_t *now_ms)
{
	struct pollfd ready = { .fd = poller_fd(poller), .events = POLLIN };

	for (;;) {
		enum race_state state = race_work(r, *now_ms);

		if (state != RACE_ON)
			return state;
		if (poll(&ready, 1, SETTLED_MS) == 0)
			*now_ms = race_wake_ms(r);
	}
}

static void
check_winner(const struct row *row, struct race *r)
{
	char address[INET6_ADDRSTRLEN];
	int fd = race_take(r);
	struct sockaddr_in peer;
	socklen_t n = sizeof(peer);

	race_winner(r, address);
	if (strcmp(address, addresses[row->winner]) != 0)
		fail_msg("%s: %s", row->name, address);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &n), 0);
	assert_int_equal(race_take(r), -1);
	(void)close(fd);
}

static void
test_rows(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		const struct text_list list = { addresses, strlen(row->hosts) };
		struct host hosts[HOSTS_MAX];
		struct poller *poller;
		struct race r;
		uint64_t now_ms = 1000;
		uint16_t port = 0;
		enum race_state end;
		size_t before;

		for (size_t k = 0; k < list.n; k++)
			open_host(&hosts[k], k, row->hosts[k], &port);
		assert_int_equal(poller_new(&poller, NULL), USHER_OK);
		before = count_open();
		assert_true(race_prepare(&r, poller, &list, port, now_ms, now_ms + PATIENCE_MS));
		without = row->without;
		end = run(&r, poller, &now_ms);
		if (end != row->end || now_ms - 1000 != row->ms)
			fail_msg("%s: %d after %d ms", row->name, (int)end, (int)now_ms - 1000);
		if (end == RACE_WON)
			check_winner(row, &r);
		race_end(&r);
		if (count_open() != before)
			fail_msg("%s: sockets stay open", row->name);
		poller_free(poller);
		for (size_t k = 0; k < list.n; k++)
			close_host(&hosts[k]);
	}
}

static void
test_winner_not_taken_is_closed(void **state UNUSED)
{
	const struct text_list list = { addresses, 2 };
	struct host hosts[2];
	struct poller *poller;
	struct race r;
	uint64_t now_ms = 1000;
	uint16_t port = 0;
	size_t before;

	open_host(&hosts[0], 0, 'D', &port);
	open_host(&hosts[1], 1, 'L', &port);
	assert_int_equal(poller_new(&poller, NULL), USHER_OK);
	before = count_open();
	assert_true(race_prepare(&r, poller, &list, port, now_ms, UINT64_MAX));
	assert_int_equal(race_work(&r, now_ms), RACE_ON);
	race_end(&r); /* given up under way */
	assert_int_equal(count_open(), before);
	assert_true(race_prepare(&r, poller, &list, port, now_ms, UINT64_MAX));
	assert_int_equal(run(&r, poller, &now_ms), RACE_WON);
	race_end(&r);
	assert_int_equal(count_open(), before);
	poller_free(poller);
	close_host(&hosts[0]);
	close_host(&hosts[1]);
}

static void
test_families_take_turns(void **state UNUSED)
{
	static const char *const mixed[] = { "2001:db8::1", "2001:db8::2", "2001:db8::3",
		"192.0.2.1", "192.0.2.2", "nonsense" };
	static const char *const order[] = { "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2",
		"2001:db8::3" };
	struct race r;

	assert_true(race_prepare(
	    &r, NULL, &(struct text_list){ mixed, COUNT_OF(mixed) }, 443, 0, UINT64_MAX));
	assert_int_equal(r.n, COUNT_OF(order));
	for (r.winner = 0; r.winner < r.n; r.winner++) {
		char address[INET6_ADDRSTRLEN];

		race_winner(&r, address);
		assert_string_equal(address, order[r.winner]);
	}
	assert_false(
	    race_prepare(&r, NULL, &(struct text_list){ mixed + 4, 2 }, 443, 0, UINT64_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_winner_not_taken_is_closed),
		cmocka_unit_test(test_families_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
