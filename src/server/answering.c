/* answering.c - what the handlers of all languages have in common. */
#include "server/answering.h"

#include <assert.h>
#include <string.h>

#include "base/address.h"
#include "base/digest.h"
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
		.client_address = request->client.bytes,
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
	return dir_domain(service_dir(request), request->mem, domain, out, err);
}

const char *
answering_host(struct request *request)
{
	const char *host = request_host(request), *name;

	return host != NULL && domain_parse(request->mem, slice_of(host), &name, NULL) == USHER_OK ?
		   name :
		   NULL;
}

const char *
answering_less_prefix(const char *host)
{
	static const struct slice prefixes[] = { SLICE_LITERAL("autoconfig."),
		SLICE_LITERAL("autodiscover."), SLICE_LITERAL(PACC_HOST_PREFIX) };

	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (slice_starts(slice_of(host), prefixes[i]))
			return host + prefixes[i].n;
	return host;
}

const char *
answering_host_domain(struct request *request)
{
	const char *host = answering_host(request);
	const struct host_domain *known;

	if (host == NULL)
		return NULL;
	known = name_map_find(&service_of(request)->hosts, host);
	return known != NULL ? known->domain : answering_less_prefix(host);
}

bool
answering_own_name(const struct request *request, const char *host)
{
	return name_map_find(&service_of(request)->host_names, host) != NULL;
}

void
answering_refuse_domain(struct request *request)
{
	service_count(request, COUNT_ANSWER_REFUSAL);
	request_refuse(request, 404, "Nothing is known about this domain.");
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

/* Whether If-None-Match lists the tag; weak tags compare as strong ones (RFC 9110, 13.1.2). */
static bool
has_tag(struct request *request, const char *tag)
{
	struct slice list = http1_field(request->head, "If-None-Match");

	while (list.n > 0) {
		struct slice one = slice_trim(slice_from(list.p, slice_find(list, ',')));

		if (slice_starts(one, SLICE_LITERAL("W/")))
			one = slice_skip(one, 2);
		if (slice_is(one, "*") || slice_is(one, tag))
			return true;
		list = slice_skip(list, slice_find(list, ',') + 1);
	}
	return false;
}

void
answering_send_tagged(
    struct request *request, const char *type, const struct reply_field *fields, size_t n_fields)
{
	enum { MOST = 8, TAG_HALF_BYTES = 16 };
	unsigned char digest[SHA256_BYTES];
	CLEANUP(buf_cleanup) struct buf tag = { .max = 64 };
	struct reply_field all[MOST + 1];

	assert(n_fields <= MOST);
	buf_char(&tag, '"');
	if (!sha256(buf_as_slice(&thread_of(request)->out), digest)) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	hex_encode(&tag, digest, TAG_HALF_BYTES);
	buf_char(&tag, '"');
	memcpy(all, fields, n_fields * sizeof(*fields));
	all[n_fields] = (struct reply_field){ "ETag", buf_cstr(&tag) };
	if (has_tag(request, buf_cstr(&tag)))
		answering_send(request, 304, NULL, all, n_fields + 1);
	else
		answering_send(request, 200, type, all, n_fields + 1);
}
