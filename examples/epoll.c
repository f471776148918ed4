/* epoll.c - searches for many mailboxes at once, in one thread, by epoll(7).
 *
 *	cc epoll.c $(pkg-config --cflags --libs libusher) -o epoll
 *	USHER_PASSWORD=secret ./epoll ann@contoso.example bob@fabrikam.example */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <usher/search.h>

struct task {
	const char *address;
	struct usher_search *search;
};

static void
report(const struct task *task)
{
	struct usher_result *result;
	struct usher_error err;

	if (usher_search_result(task->search, &result, &err) != USHER_OK) {
		printf("%s: %s\n", task->address, err.message);
		return;
	}
	printf("%s: %s\n", task->address, usher_result_text(result, USHER_PART_FIND, 0, "reason"));
	usher_result_free(result);
}

/* Returns 1 while the search goes on; afterwards it is gone, and its descriptor with it. */
static int
act(struct task *task)
{
	if (usher_search_act(task->search))
		return 1;
	report(task);
	usher_search_free(task->search);
	return 0;
}

/* Returns 1 when a search is under way. */
static int
begin(int loop, struct task *task)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = task };
	struct usher_error err;

	options.password = getenv("USHER_PASSWORD");
	if (usher_search_new(task->address, &options, &task->search, &err) != USHER_OK) {
		printf("%s: %s\n", task->address, err.message);
		return 0;
	}
	if (epoll_ctl(loop, EPOLL_CTL_ADD, usher_search_fd(task->search), &event) != 0) {
		perror(task->address);
		usher_search_free(task->search);
		return 0;
	}
	return act(task);
}

int
main(int argc, char **argv)
{
	struct task *tasks = calloc((size_t)argc, sizeof(*tasks));
	int loop = epoll_create1(EPOLL_CLOEXEC);
	int under_way = 0;

	if (tasks == NULL || loop < 0)
		return 70;
	for (int i = 1; i < argc; i++) {
		tasks[i].address = argv[i];
		under_way += begin(loop, &tasks[i]);
	}
	while (under_way > 0) {
		struct epoll_event event;
		int n = epoll_wait(loop, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n == 1 && !act(event.data.ptr))
			under_way--;
	}
	close(loop);
	free(tasks);
	return under_way > 0 ? 70 : 0;
}
