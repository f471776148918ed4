/* http_connect.c - where a transfer connects to: its address, or the first of several that answers.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/when.h"
#include "net/http_inside.h"

/* ---- libcurl ---- */

/* Tells libcurl the addresses from the given one on, and asks it to look nowhere else. */
static bool
tell_addresses(struct transfer *t, const char *host, uint16_t port,
    const struct text_list *addresses, size_t first)
{
	const char *line = arena_printf(t->mem, "%s:%u:", host, (unsigned)port);

	for (size_t i = 0; line != NULL && i < addresses->n; i++)
		line = arena_printf(t->mem, "%s%s%s", line, i == 0 ? "" : ",",
		    transfer_bracketed(t->mem, addresses->v[(first + i) % addresses->n]));
	return transfer_add_line(&t->resolve, line);
}

static curl_socket_t
on_open(void *payload, curlsocktype purpose UNUSED, struct curl_sockaddr *to)
{
	struct transfer *t = payload;

	t->connected = race_take(&t->race);
	if (t->connected >= 0)
		return t->connected;
	/* Its second connection: the server has closed the first one in a handshake. */
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int
on_opened(void *payload, curl_socket_t fd, curlsocktype purpose UNUSED)
{
	const struct transfer *t = payload;

	return fd == t->connected ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

static bool
hand_over(struct transfer *t)
{
	CURL *e = t->easy;

	return curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_opened) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, t) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_RESOLVE, t->resolve) == CURLE_OK;
}

/* What the race has left of a time; of none that is none. */
static long
rest_of(uint64_t ms, uint64_t spent_ms)
{
	if (ms == 0)
		return 0;
	return spent_ms < ms ? (long)(ms - spent_ms) : 1;
}

bool
transfer_set_times(struct transfer *t, uint64_t now_ms)
{
	uint64_t spent_ms = now_ms - t->begun_ms;

	return curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
		   rest_of(t->connect_ms, spent_ms)) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, rest_of(t->total_ms, spent_ms)) ==
		   CURLE_OK;
}

/* ---- addresses that answered before ---- */

static void
write_place(char out[HTTP_PLACE_BYTES], const char *address, uint16_t port)
{
	(void)snprintf(out, HTTP_PLACE_BYTES, "%s %u", address, (unsigned)port);
}

static void
remember_place(struct http *http, const char *address, uint16_t port)
{
	write_place(http->places[http->n_places++ % HTTP_PLACES_MAX], address, port);
}

/* The first of the addresses that has won a race; their number: none has. */
static size_t
find_place(const struct http *http, const struct text_list *addresses, uint16_t port)
{
	size_t i = 0;

	for (; i < addresses->n; i++) {
		char place[HTTP_PLACE_BYTES];

		write_place(place, addresses->v[i], port);
		for (size_t k = 0; k < HTTP_PLACES_MAX; k++) {
			if (strcmp(http->places[k], place) == 0)
				return i;
		}
	}
	return i;
}

bool
transfer_set_addresses(
    struct transfer *t, const char *host, uint16_t port, const struct text_list *addresses)
{
	uint64_t patience_ms = t->connect_ms;
	size_t first;

	if (addresses->n == 0 || strchr(host, ':') != NULL)
		return true;
	if (patience_ms == 0 || (t->total_ms != 0 && t->total_ms < patience_ms))
		patience_ms = t->total_ms;
	/* There may be a connection to one that answered: a race would make another. */
	first = find_place(t->http, addresses, port);
	t->racing = addresses->n > 1 && first == addresses->n &&
		    race_prepare(&t->race, t->http->poller, addresses, port, t->begun_ms,
			patience_ms == 0 ? UINT64_MAX : t->begun_ms + patience_ms);
	if (!t->racing)
		return tell_addresses(t, host, port, addresses, first % addresses->n);
	t->race_host = arena_strdup(t->mem, host);
	t->race_port = port;
	return t->race_host != NULL;
}

/* ---- the race ---- */

static void
go_on_with_winner(struct transfer *t, uint64_t now_ms)
{
	char address[INET6_ADDRSTRLEN];
	const char *v = address;

	race_winner(&t->race, address);
	remember_place(t->http, address, t->race_port);
	t->racing = false;
	if (!tell_addresses(t, t->race_host, t->race_port, &(struct text_list){ &v, 1 }, 0) ||
	    !hand_over(t) || !transfer_set_times(t, now_ms) ||
	    curl_multi_add_handle(t->http->multi, t->easy) != CURLM_OK)
		transfer_finish(t, CURLE_OUT_OF_MEMORY);
}

static void
give_up(struct transfer *t)
{
	(void)snprintf(t->error, sizeof(t->error), "%s", strerror(t->race.error));
	transfer_finish(t, CURLE_COULDNT_CONNECT);
}

void
connect_work(struct http *http)
{
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		struct transfer *t = http->transfers[i];

		if (t == NULL || !t->racing)
			continue;
		switch (race_work(&t->race, now_ms)) {
		case RACE_ON:
			break;
		case RACE_WON:
			go_on_with_winner(t, now_ms);
			break;
		case RACE_LOST:
			give_up(t);
			break;
		case RACE_TIMED_OUT:
			transfer_finish(t, CURLE_OPERATION_TIMEDOUT);
			break;
		}
	}
}

uint64_t
connect_wake_ms(const struct http *http)
{
	uint64_t first_ms = UINT64_MAX;

	for (size_t i = 0; i < HTTP_TRANSFERS_MAX; i++) {
		const struct transfer *t = http->transfers[i];

		if (t != NULL && t->racing && race_wake_ms(&t->race) < first_ms)
			first_ms = race_wake_ms(&t->race);
	}
	return first_ms;
}
