/* handle_redirect.c - plain HTTP that leads Autodiscover clients to https and takes nothing. */
#include <string.h>

#include "base/address.h"
#include "base/arena.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/soap.h"

static enum lookup
find_domain(struct request *request, const char *name, struct usher_error *err)
{
	const struct entity *entity = &entities[ENTITY_DOMAIN];
	struct domain key, found;

	record_init(&entity->table, &key);
	key.domain = name;
	return dir_get(thread_of(request)->dir, request->mem, entity, &key, &found, err);
}

/* The Host field is the client's word, and a cache or a link may have put it there: we redirect
 * only to names that are ours: an accepted domain, its autodiscover host, a host name of a domain
 * or of a certificate that we serve. */
static enum lookup
is_ours(struct request *request, const char *host, struct usher_error *err)
{
	static const struct slice prefixes[] = { SLICE_LITERAL("autodiscover."),
		SLICE_LITERAL("autoconfig.") };
	enum lookup found;

	if (answering_own_name(request, host))
		return LOOKUP_FOUND;
	found = find_domain(request, host, err);
	for (size_t i = 0; found == LOOKUP_ABSENT && i < COUNT_OF(prefixes); i++)
		if (slice_starts(slice_of(host), prefixes[i]))
			found = find_domain(request, host + prefixes[i].n, err);
	return found;
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
	const char *host = request_host(request);
	const char *name;
	struct usher_error err = { 0 };
	enum lookup found;

	if (listener->target != NULL && asks_autodiscover(request)) {
		send_to(request, asks_soap(request) ?
				     answering_soap_url(request, listener->target) :
				     listener->target);
		return;
	}
	if (host == NULL || domain_parse(request->mem, slice_of(host), &name, NULL) != USHER_OK) {
		request_refuse(request, 404, "Nothing is here.");
		return;
	}
	found = is_ours(request, name, &err);
	if (!service_available(request, found, &err))
		return;
	if (found == LOOKUP_FOUND)
		send_to(request, same_over_tls(request, name));
	else
		request_refuse(request, 404, "Nothing is here.");
}
