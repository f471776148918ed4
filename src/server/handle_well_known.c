/* handle_well_known.c - what lies under /.well-known/ of a domain's host names: PACC's document
 * (autoconfig.md 6), and the way to CalDAV and CardDAV (autoconfig.md 5.3, RFC 6764 5). */
#include <string.h>

#include "base/url.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/pacc.h"

/* What anybody is told about the domain that the request's host stands for. False: the request has
 * been answered, or waits for `again`. */
static bool
host_answer(struct request *request, struct answer *out, void (*again)(struct request *request))
{
	const char *domain = answering_host_domain(request);
	struct usher_error err = { 0 };
	struct facts facts;
	enum lookup found;

	if (domain == NULL) {
		answering_refuse_domain(request);
		return false;
	}
	found = answering_domain(request, domain, &facts, &err);
	if (!service_available(request, found, &err, again))
		return false;
	if (found == LOOKUP_ABSENT || facts.domain == NULL) {
		answering_refuse_domain(request);
		return false;
	}
	if (resolve_autoconfig(request->mem, &facts, domain, out) != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	return true;
}

void
handle_pacc(struct request *request)
{
	static const struct reply_field fields[] = {
		{ "Cache-Control", "max-age=300" }, /* the record has to wait for it */
		{ "X-Content-Type-Options", "nosniff" },
		{ "Vary", "Host" },
	};
	struct buf *out = &thread_of(request)->out;
	struct answer answer;

	if (!host_answer(request, &answer, handle_pacc))
		return;
	if (pacc_check(&answer, NULL) != USHER_OK) {
		answering_refuse_domain(request);
		return;
	}
	buf_reset(out);
	pacc_write(out, &answer);
	answering_count(request, &answer);
	answering_send(request, 200, "application/json", fields, COUNT_OF(fields));
}

/* Over TLS alone: the client brings its password. */
static const char *
dav_url(const struct answer *answer, enum protocol_kind kind)
{
	for (size_t i = 0; i < answer->n_protocols; i++) {
		const struct answer_protocol *p = &answer->protocols[i];

		if (p->kind == (int)kind &&
		    slice_starts(slice_of(p->url), SLICE_LITERAL("https://")))
			return p->url;
	}
	return NULL;
}

/* Back to where the client asks already. */
static bool
is_loop(struct request *request, const char *to)
{
	const char *host = request_host(request);
	struct url url;

	return host == NULL || url_parse(request->mem, slice_of(to), &url, NULL) != USHER_OK ||
	       (strcmp(url.host, host) == 0 && slice_is_nocase(slice_of(url.path), request->path));
}

/* 307 keeps method and body: clients come with PROPFIND. */
void
handle_dav(struct request *request)
{
	bool calendar = strcmp(request->path, CALDAV_WELL_KNOWN_PATH) == 0;
	struct reply_field fields[] = {
		{ "Location", NULL },
		{ "Cache-Control", "max-age=3600" },
		{ "Vary", "Host" },
	};
	const struct reply reply = {
		.status = 307, .fields = fields, .n_fields = COUNT_OF(fields)
	};
	struct answer answer;

	if (!host_answer(request, &answer, handle_dav))
		return;
	fields[0].value = dav_url(&answer, calendar ? PROTOCOL_CALDAV : PROTOCOL_CARDDAV);
	if (fields[0].value == NULL || is_loop(request, fields[0].value))
		answering_refuse_domain(request);
	else
		request_reply(request, &reply);
}
