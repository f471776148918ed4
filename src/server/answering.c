/* answering.c - what the handlers of all languages have in common. */
#include "server/answering.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/when.h"
#include "wire/pacc.h"

struct resolve_context
answering_as(const struct request *request, const char *login)
{
	const struct conf *conf = service_of(request)->conf;

	return (struct resolve_context){
		.login_name = login,
		.visibility = (enum visibility)conf->authentication.visibility,
		.now_ms = clock_unix_ms(),
		.server_name = conf->server_name,
	};
}

void
answering_count(struct request *request, const struct answer *answer)
{
	service_count(request, answer->kind == ANSWER_SETTINGS ? COUNT_ANSWER_SETTINGS :
			       answer->kind == ANSWER_REFUSAL  ? COUNT_ANSWER_REFUSAL :
								 COUNT_ANSWER_REDIRECT);
}

enum lookup
answering_domain(
    struct request *request, const char *domain, struct facts *out, struct usher_error *err)
{
	return dir_domain(thread_of(request)->dir, request->mem, domain, out, err);
}

static int
compare_host(const void *key, const void *row)
{
	return strcmp(key, ((const struct host_domain *)row)->host);
}

const char *
answering_host_domain(struct request *request)
{
	static const struct slice prefixes[] = { SLICE_LITERAL("autoconfig."),
		SLICE_LITERAL("autodiscover."), SLICE_LITERAL(PACC_HOST_PREFIX) };
	const struct service *service = service_of(request);
	const char *host = request_host(request);
	const struct host_domain *known;
	const char *name;

	if (host == NULL || domain_parse(request->mem, slice_of(host), &name, NULL) != USHER_OK)
		return NULL;
	known = bsearch(name, service->hosts, service->n_hosts, sizeof(*known), compare_host);
	if (known != NULL)
		return known->domain;
	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (slice_starts(slice_of(name), prefixes[i]))
			return name + prefixes[i].n;
	return name;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool
answering_own_name(const struct request *request, const char *host)
{
	const struct service *service = service_of(request);

	return bsearch(host, service->host_names, service->n_host_names,
		   sizeof(*service->host_names), compare_names) != NULL;
}

const char *
answering_soap_url(struct request *request, const char *url)
{
	static const struct slice xml = SLICE_LITERAL(".xml");
	struct slice s = slice_of(url);

	if (!slice_ends_nocase(s, SLICE_LITERAL("/autodiscover.xml")))
		return url;
	return arena_printf(request->mem, "%.*s.svc", (int)(s.n - xml.n), url);
}

void
answering_send(struct request *request, int status, const char *type,
    const struct reply_field *fields, size_t n_fields)
{
	struct buf *out = &thread_of(request)->out;
	const struct reply reply = {
		.status = status,
		.type = type,
		.body = buf_as_slice(out),
		.fields = fields,
		.n_fields = n_fields,
	};

	if (out->status == USHER_E_LIMIT) /* asking again would not help */
		request_refuse(request, 500, "The answer is too large.");
	else if (out->status != USHER_OK)
		request_refuse(request, 503, "Out of memory.");
	else
		request_reply(request, &reply);
}
