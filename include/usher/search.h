/* usher/search.h - the search of usher/find.h for programs with an event loop of their own.
 *
 * A search is one descriptor. When it is readable there is something to do: a socket is ready, or a
 * deadline has come. That is all an event loop has to know:
 *
 *	struct usher_search *search;
 *
 *	if (usher_search_new("ann@contoso.example", &options, &search, &err) != USHER_OK)
 *		return complain(err.message);
 *	while (usher_search_act(search)) {
 *		struct pollfd ready = { usher_search_fd(search), POLLIN, 0 };
 *
 *		poll(&ready, 1, -1);
 *	}
 *	if (usher_search_result(search, &result, &err) != USHER_OK)
 *		complain(err.message);
 *	usher_search_free(search);
 *
 * Nothing here waits, whatever the network does. What takes time without it is to open ca_file or
 * the system's roots, and the mathematics of a handshake; and USHER_NEGOTIATE waits for the
 *Kerberos server while that gives a ticket.
 *
 * The callbacks of the options are called from within usher_search_act(). They may take their time
 * with an answer: see USHER_LATER. The clock of the search stands still while a question is open,
 * and requests that are under way go on.
 *
 * Threads: one search belongs to one thread at a time; any number of searches may run in as many
 * threads. */
#ifndef USHER_SEARCH_H
#define USHER_SEARCH_H

#include "usher/find.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque. Since 0.1. */
struct usher_search;

/* Begins a search; nothing is sent before the first usher_search_act(). Address and options are
 * copied, the payload of the callbacks excepted.
 *
 * out      written on success only; release with usher_search_free().
 * Returns  what usher_find() does. Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_search_new(const char *address, const struct usher_find_options *options,
    struct usher_search **out, struct usher_error *err);

/* Ends it, if it is not over, and closes its sockets and its descriptor. Not within a callback.
 * NULL is ignored. Since 0.1. */
USHER_API void
usher_search_free(struct usher_search *search);

/* The descriptor to wait for: readable when usher_search_act() has something to do. It stays the
 * same until usher_search_free(), which closes it; wait for it in any way you like, but neither
 * read nor close it. Since 0.1. */
USHER_API int
usher_search_fd(const struct usher_search *search);

/* Does what can be done without waiting. Call it once at the beginning, and whenever the descriptor
 * is readable; too often does no harm. Returns 1 while the search goes on, 0 when it is over.
 * Not within a callback. Since 0.1. */
USHER_API int
usher_search_act(struct usher_search *search);

/* Answers the question to which the trust callback said USHER_LATER; ignored when there is none.
 * yes  USHER_YES; anything else refuses.
 * The descriptor is readable afterwards. Since 0.1. */
USHER_API void
usher_search_answer_trust(struct usher_search *search, int yes);

/* The same for the credentials callback. Both texts are copied.
 *
 * login     NULL: as the question proposed
 * password  NULL: there is none
 * Returns   USHER_OK
 *           USHER_E_USAGE  a login with a colon, or a text that is too long: still unanswered
 *           USHER_E_NOMEM
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_search_answer_credentials(
    struct usher_search *search, const char *login, const char *password, struct usher_error *err);

/* Ends it: usher_search_act() returns 0 from now on, and usher_search_result() USHER_E_CANCELLED.
 * May be called within a callback. Nothing happens to a search that is over. The descriptor is
 * readable afterwards. Since 0.1. */
USHER_API void
usher_search_cancel(struct usher_search *search);

/* After usher_search_act() returned 0, once.
 *
 * out      written on success only; release with usher_result_free(). It outlives the search.
 * Returns  USHER_OK            *out says how it ended
 *          USHER_E_CANCELLED   it was cancelled
 *          USHER_E_USAGE       it is not over, or the result was taken
 *          USHER_E_LIMIT       no more descriptors
 *          USHER_E_NOMEM
 *          USHER_E_INTERNAL    a mistake of ours
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_search_result(
    struct usher_search *search, struct usher_result **out, struct usher_error *err);

#ifdef __cplusplus
}
#endif

#endif
