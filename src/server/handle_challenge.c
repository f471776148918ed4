/* handle_challenge.c - the answer to an ACME server that wants to know whether a name is ours
 * (RFC 8555, 8.3). Whoever renews has put it beside the directory. */
#include <string.h>

#include "cert/acme.h"
#include "server/answering.h"
#include "server/route.h"

/* As it was sent: letters of a token have their case, which the path for routing has not. */
static struct slice
token_of(const struct request *request)
{
	struct slice path = request->head->path;
	size_t slash = slice_find_last(path, '/');

	/* The route has made sure of what stands before; nothing but a token may follow. */
	path = slice_skip(path, slash + 1);
	if (strlen(request->path) != strlen(ACME_CHALLENGE_PATH) + path.n)
		path.n = 0;
	return path;
}

void
handle_challenge(struct request *request)
{
	static const struct reply_field fields[] = { { "Cache-Control", "no-store" } };
	struct service_thread *thread = thread_of(request);
	struct usher_error err = { 0 };
	usher_status st;

	buf_reset(&thread->out);
	st = acme_answer_get(dir_stem(thread->dir), token_of(request), &thread->out, &err);
	if (st == USHER_OK) {
		answering_send(request, 200, "application/octet-stream", fields, COUNT_OF(fields));
		return;
	}
	if (st != USHER_E_ABSENT)
		log_error(LEVEL_ERROR, "http", request->log, "challenge cannot be answered", &err);
	request_refuse(request, 404, "Nothing is here.");
}
