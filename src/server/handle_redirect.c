/* handle_redirect.c - plain HTTP that leads Autodiscover clients to https and takes nothing. */
#include <string.h>

#include "base/arena.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/soap.h"

/* The Host field is the client's word, and a cache or a link may have put it there: we redirect
 * only to names that are ours: a host name of a domain or of a certificate that we serve, an
 * accepted domain, and the hosts that clients make from its name. */
static enum lookup
is_ours(struct request *request, const char *host, struct usher_error *err)
{
	struct facts facts;
	enum lookup found;

	if (answering_own_name(request, host))
		return LOOKUP_FOUND;
	found = answering_domain(request, answering_less_prefix(host), &facts, err);
	return found == LOOKUP_FOUND && facts.domain == NULL ? LOOKUP_ABSENT : found;
}

static void
send_to(struct request *request, const char *url)
{
	const struct reply_field field = { "Location", url };
	const struct reply reply = { .status = 302, .fields = &field, .n_fields = 1 };

	if (url == NULL)
		request_refuse(request, 503, "Out of memory.");
	else
		request_reply(request, &reply);
}

static bool
asks_autodiscover(const struct request *request)
{
	return slice_starts(slice_of(request->path), SLICE_LITERAL("/autodiscover/"));
}

static bool
asks_soap(const struct request *request)
{
	return strcmp(request->path, SOAP_PATH) == 0;
}

/* Where the same question is answered, with the address in its query if there is one. */
static const char *
same_over_tls(struct request *request, const char *name)
{
	struct slice query = request->head->query;

	if (asks_autodiscover(request))
		return arena_join(request->mem, "https://", name,
		    asks_soap(request) ? SOAP_PATH : "/autodiscover/autodiscover.xml");
	return arena_printf(request->mem, "https://%s%s%s%.*s", name, request->path,
	    query.n > 0 ? "?" : "", (int)query.n, query.n > 0 ? query.p : "");
}

void
handle_redirect(struct request *request)
{
	const struct conf_listener *listener = request->listener->app;
	const char *name = answering_host(request);
	struct usher_error err = { 0 };
	enum lookup found;

	if (listener->target != NULL && asks_autodiscover(request)) {
		send_to(request, asks_soap(request) ?
				     answering_soap_url(request, listener->target) :
				     listener->target);
		return;
	}
	if (name == NULL) {
		request_refuse(request, 404, "Nothing is here.");
		return;
	}
	found = is_ours(request, name, &err);
	if (!service_available(request, found, &err, handle_redirect))
		return;
	if (found == LOOKUP_FOUND)
		send_to(request, same_over_tls(request, name));
	else
		request_refuse(request, 404, "Nothing is here.");
}
