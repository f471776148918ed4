/* handle_public.c - what anybody is told about a domain: Autodiscover V2 (json-v2.md 2-6) and Mail
 * Autoconfig (autoconfig.md 1.4). Nothing here depends on a mailbox;
 * of a local part only the rules are asked that redirect it. */
#include <string.h>

#include "base/address.h"
#include "resolve/resolve.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/autoconfig.h"
#include "wire/json_v2.h"

/* ---- Autodiscover V2 ---- */

enum { URL_BYTES = 4096 }; /* with an address that is all %XX */

static const enum protocol_kind v2_kinds[] = { PROTOCOL_ACTIVESYNC, PROTOCOL_AUTODISCOVER,
	PROTOCOL_EWS, PROTOCOL_REST };

static void
send_json(struct request *request, const struct answer *answer)
{
	const struct reply_field fields[] = {
		{ "Cache-Control", "private, no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Location", answer->redirect },
	};
	struct buf *out = &thread_of(request)->out;
	bool redirects = answer->kind == ANSWER_REDIRECT_URL;
	int status;

	buf_reset(out);
	status = json_v2_write_response(out, answer);
	answering_count(request, answer);
	answering_send(request, status, redirects ? NULL : "application/json; charset=utf-8",
	    fields, COUNT_OF(fields) - !redirects);
}

/* The protocols that have a URL in this domain; without one, those that there are. */
static const char *
supported(struct request *request, const struct facts *facts)
{
	CLEANUP(buf_cleanup) struct buf names = { .max = 256 };
	const char *url = "";

	for (size_t i = 0; i < COUNT_OF(v2_kinds); i++) {
		if (facts != NULL &&
		    resolve_domain_url(request->mem, facts, v2_kinds[i], &url) != USHER_OK)
			return NULL;
		if (url != NULL)
			buf_printf(&names, "%s%s", names.n == 0 ? "" : ",",
			    json_v2_protocol_name(v2_kinds[i]));
	}
	return arena_copy(request->mem, buf_as_slice(&names));
}

static void
refuse_json(struct request *request, enum json_v2_error error, const struct question *question,
    const struct facts *facts)
{
	const char *names = supported(request, facts);
	struct answer answer;

	if (names == NULL ||
	    json_v2_refusal(request->mem, error, question, names, &answer) != USHER_OK)
		request_refuse(request, 503, "Out of memory.");
	else
		send_json(request, &answer);
}

/* Where the address has gone: the same question there, one hop further. */
static void
send_on(struct request *request, const struct question *question, const char *address)
{
	struct slice whole = slice_of(address);
	struct question next = *question;
	const char *host;
	CLEANUP(buf_cleanup) struct buf url = { .max = URL_BYTES };
	struct answer answer;

	if (question->redirect_count >= JSON_V2_REDIRECTS_MAX) {
		refuse_json(request, JSON_V2_TOO_MANY_REDIRECTS, question, NULL);
		return;
	}
	next.redirect_count++;
	next.address = address;
	host = arena_join(request->mem, "autodiscover.", address + slice_find_last(whole, '@') + 1);
	if (host != NULL)
		json_v2_url(&url, host, &next, JSON_V2_QUERY);
	answer_init(&answer, ANSWER_REDIRECT_URL);
	answer.redirect = arena_copy(request->mem, buf_as_slice(&url));
	if (host == NULL || url.status != USHER_OK || answer.redirect == NULL)
		request_refuse(request, 503, "Out of memory.");
	else
		send_json(request, &answer);
}

static void
answer_json(struct request *request, const struct question *question, const struct address *address,
    const struct facts *facts)
{
	enum protocol_kind kind = json_v2_protocol_kind(question->protocol);
	struct answer_protocol p;
	struct answer answer;
	const char *url;

	if (resolve_redirect(request->mem, facts, address->local, &answer) ==
		REFUSAL_SERVER_ERROR ||
	    resolve_domain_url(request->mem, facts, kind, &url) != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	if (answer.kind == ANSWER_REDIRECT_ADDRESS) {
		send_on(request, question, answer.redirect);
		return;
	}
	if (answer.kind == ANSWER_REDIRECT_URL)
		url = kind == PROTOCOL_AUTODISCOVER ? answer.redirect : NULL;
	if (url == NULL) {
		refuse_json(request, JSON_V2_PROTOCOL_NOT_SUPPORTED, question, facts);
		return;
	}
	answer_protocol_init(&p, kind);
	p.url = url;
	answer_init(&answer, ANSWER_SETTINGS);
	answer.protocols = &p;
	answer.n_protocols = 1;
	send_json(request, &answer);
}

void
handle_json_v2(struct request *request)
{
	struct usher_error err = { 0 };
	enum json_v2_error error;
	struct question question;
	struct address address;
	struct facts facts;
	enum lookup found;
	usher_status st;

	st = json_v2_read_request(
	    request->mem, request->head->path, request->head->query, &question, &error, &err);
	if (st == USHER_E_ABSENT) {
		request_refuse(request, 404, "Nothing is here.");
		return;
	}
	if (st == USHER_OK && (error == JSON_V2_NO_ERROR || error == JSON_V2_INVALID_EMAIL) &&
	    json_v2_protocol_kind(question.protocol) == PROTOCOL_UNKNOWN)
		error = JSON_V2_PROTOCOL_NOT_SUPPORTED;
	if (st == USHER_OK && error == JSON_V2_NO_ERROR) {
		st = address_parse(request->mem, slice_of(question.address), &address, &err);
		if (st == USHER_E_ADDRESS) {
			error = JSON_V2_INVALID_EMAIL;
			st = USHER_OK;
		}
	}
	if (st != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	if (error != JSON_V2_NO_ERROR) {
		refuse_json(request, error, &question, NULL);
		return;
	}
	found = answering_domain(request, address.domain, &facts, &err);
	if (!service_available(request, found, &err, handle_json_v2))
		return;
	if (found == LOOKUP_ABSENT || facts.domain == NULL)
		refuse_json(request, JSON_V2_USER_NOT_FOUND, &question, NULL);
	else
		answer_json(request, &question, &address, &facts);
}

/* ---- Mail Autoconfig ---- */

/* The domain asked for: the address's, or without one (some programs send none) that of the host.
 * What stands before the `@` does not matter. NULL: none. */
static const char *
asked_domain(struct request *request, const struct question *question)
{
	struct slice address = slice_of(question->address);
	size_t at = slice_find_last(address, '@');
	const char *domain;

	if (domain_parse(request->mem, slice_skip(address, at + 1), &domain, NULL) == USHER_OK)
		return domain;
	return answering_host_domain(request);
}

static void
send_autoconfig(
    struct request *request, const struct question *question, const struct answer *answer)
{
	const struct reply_field fields[] = {
		{ "Cache-Control",
		    question->address == NULL ? "max-age=3600" : "private, max-age=3600" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Vary", "Host" },
		/* For programs that run in a browser, which ask there. */
		{ "Access-Control-Allow-Origin", "*" },
	};
	struct buf *out = &thread_of(request)->out;
	bool well_known = strcmp(request->path, AUTOCONFIG_WELL_KNOWN_PATH) == 0;

	buf_reset(out);
	autoconfig_write(out, answer);
	answering_count(request, answer);
	answering_send_tagged(
	    request, "text/xml; charset=utf-8", fields, COUNT_OF(fields) - !well_known);
}

/* Rules may send the address elsewhere, and programs would log in with its detail: then, and only
 * then, the answer is for the one address. What is no address is as good as none. */
static usher_status
answer_autoconfig(struct request *request, const struct question *question,
    const struct facts *facts, const char *domain, struct answer *out)
{
	struct address asked, login;
	bool detailed = false;
	usher_status st;
	int refusal;

	st = address_parse(request->mem, slice_of(question->address), &asked, NULL);
	if (st == USHER_E_NOMEM)
		return st;
	if (st == USHER_OK) {
		refusal = resolve_address(request->mem, facts, &asked, &login, out);
		if (refusal == REFUSAL_SERVER_ERROR)
			return USHER_E_NOMEM;
		if (refusal != 0 || out->kind != ANSWER_SETTINGS)
			return USHER_E_ABSENT;
		detailed = strcmp(login.local, asked.local) != 0;
	}
	st = resolve_autoconfig(request->mem, facts, domain, out);
	if (st == USHER_OK && detailed)
		st = autoconfig_fill(request->mem, &login, out, NULL);
	return st != USHER_OK || autoconfig_is_writable(out) ? st : USHER_E_ABSENT;
}

void
handle_autoconfig(struct request *request)
{
	struct usher_error err = { 0 };
	struct question question;
	struct facts facts;
	struct answer answer;
	const char *domain;
	enum lookup found;
	usher_status st;

	st = autoconfig_read_request(request->mem, request->head->query, &question, &err);
	if (st != USHER_OK) {
		request_refuse(request, st == USHER_E_NOMEM ? 503 : 400,
		    st == USHER_E_NOMEM ? "Out of memory." : err.message);
		return;
	}
	domain = asked_domain(request, &question);
	if (domain == NULL) {
		answering_refuse_domain(request);
		return;
	}
	found = answering_domain(request, domain, &facts, &err);
	if (!service_available(request, found, &err, handle_autoconfig))
		return;
	if (found == LOOKUP_ABSENT || facts.domain == NULL) {
		answering_refuse_domain(request);
		return;
	}
	st = answer_autoconfig(request, &question, &facts, domain, &answer);
	if (st == USHER_OK)
		send_autoconfig(request, &question, &answer);
	else if (st == USHER_E_ABSENT)
		answering_refuse_domain(request);
	else
		request_refuse(request, 503, "Out of memory.");
}
