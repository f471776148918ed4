/* handle_profile.c - an Apple profile for an address, to anybody (autoconfig.md 4.1, 4.4). What is
 * in it depends on the domain and on the address as text alone. */
#include "base/address.h"
#include "resolve/resolve.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "server/signing.h"
#include "wire/autoconfig.h"
#include "wire/mobileconfig.h"

static void
send_profile(struct request *request, const struct facts *facts, const struct address *address,
    const struct mobileconfig_question *question)
{
	const struct text_list *names = &facts->domain->host_names;
	struct buf *out = &thread_of(request)->out;
	struct usher_error err = { 0 };
	struct address login;
	struct answer answer;
	usher_status st;
	int refusal;

	refusal = resolve_address(request->mem, facts, address, &login, &answer);
	if (refusal == REFUSAL_SERVER_ERROR)
		st = USHER_E_NOMEM;
	else if (refusal != 0 || answer.kind != ANSWER_SETTINGS)
		st = USHER_E_ABSENT;
	else
		st = resolve_profile(request->mem, facts, address->domain, &answer);
	if (st == USHER_OK)
		st = autoconfig_fill(request->mem, &login, &answer, &err);
	if (st == USHER_OK)
		st = mobileconfig_check(&answer, question->device, &err);
	if (st == USHER_E_ABSENT) {
		answering_refuse_domain(request);
		return;
	}
	if (st == USHER_E_INPUT) {
		request_refuse(request, 422, err.message);
		return;
	}
	buf_reset(out);
	if (st == USHER_OK)
		mobileconfig_write(request->mem, out, &answer, address, question);
	if (st != USHER_OK || out->status != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	answering_count(request, &answer);
	/* A domain in A-labels is a safe file name. */
	signing_send(request, facts->domain_name, names->n > 0 ? names->v[0] : facts->domain_name,
	    buf_as_slice(out));
}

static void
answer_profile(struct request *request)
{
	struct usher_error err = { 0 };
	struct mobileconfig_question question;
	struct address address;
	struct facts facts;
	enum lookup found;
	usher_status st;

	st = mobileconfig_read_request(request->mem, request->head->query, &question, &err);
	if (st == USHER_OK)
		st = address_parse(request->mem, slice_of(question.address), &address, &err);
	if (st != USHER_OK) {
		request_refuse(request, st == USHER_E_NOMEM ? 503 : 400,
		    st == USHER_E_NOMEM ? "Out of memory." : err.message);
		return;
	}
	found = answering_domain(request, address.domain, &facts, &err);
	if (!service_available(request, found, &err, answer_profile))
		return;
	if (found == LOOKUP_ABSENT || facts.domain == NULL)
		answering_refuse_domain(request);
	else
		send_profile(request, &facts, &address, &question);
}

void
handle_profile(struct request *request)
{
	request->handle = answer_profile; /* signing begins when the request is complete */
}
