/* handle_soap.c - SOAP Autodiscover: the settings of many users in one answer (soap.md 4, 6-9). */
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/soap.h"

static void
send(struct request *request, int status)
{
	static const struct reply_field fields[] = {
		{ "Cache-Control", "private" },
		{ "X-SOAP-Enabled", "True" },
	};

	answering_send(request, status, SOAP_TYPE, fields, COUNT_OF(fields));
}

/* One response on its way. */
struct job {
	const struct soap_request *question;
	const char *login;
	struct soap_response response;
};

/* Depends on the domain alone. */
static usher_status
resolve_domain(struct request *request, const struct facts *facts, struct answer *out)
{
	struct answer_protocol *p = arena_array(request->mem, 1, sizeof(*p));
	const struct resolve_context context = answering_as(request, NULL);

	if (p == NULL)
		return USHER_E_NOMEM;
	if (facts->domain == NULL)
		return resolve_refusal(request->mem, &context, REFUSAL_NOT_FOUND, NULL, out);
	answer_init(out, ANSWER_SETTINGS);
	if (facts->domain->kind == DOMAIN_REDIRECT_URL && facts->domain->redirect_url != NULL) {
		answer_init(out, ANSWER_REDIRECT_URL);
		out->redirect = facts->domain->redirect_url;
		return USHER_OK;
	}
	answer_protocol_init(p, PROTOCOL_EXPR);
	out->protocols = p;
	out->n_protocols = 1;
	return resolve_domain_url(request->mem, facts, PROTOCOL_EWS, &p->ews_url);
}

/* `subject` is an address, or a domain's with nobody in it. */
static usher_status
find_answer(struct request *request, const struct job *job, const char *subject,
    const struct facts *facts, struct answer *out, struct usher_error *err)
{
	const struct question one = { .language = LANGUAGE_SOAP, .address = subject };
	const struct resolve_context context = answering_as(request, job->login);
	usher_status st;

	if (facts == NULL) /* not an address at all */
		st = resolve_refusal(request->mem, &context, REFUSAL_NOT_FOUND, NULL, out);
	else if (job->question->operation == SOAP_GET_DOMAIN_SETTINGS)
		st = resolve_domain(request, facts, out);
	else
		st = resolve_answer(request->mem, &one, facts, &context, out, err);
	if (st == USHER_OK && out->kind == ANSWER_REDIRECT_URL) {
		out->redirect = answering_soap_url(request, out->redirect);
		st = out->redirect == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	return st;
}

/* The build of the oldest server stands for the organization; usherd has none of Exchange's. */
static const char *
server_version(const struct facts *facts)
{
	const struct org_view *org = facts == NULL ? NULL : facts->org;

	return org == NULL || org->n_servers == 0 ? NULL : org->servers[0].version;
}

/* Finds and writes the answer for one subject; the facts live until the next lookup. False: the
 * request has been answered otherwise. */
static bool
answer_one(struct request *request, struct job *job, size_t i)
{
	const char *subject = job->question->subjects.v[i];
	struct question one = { .language = LANGUAGE_SOAP, .address = subject };
	struct usher_error err = { 0 };
	struct facts facts;
	struct answer answer;
	enum lookup found;
	usher_status st;

	if (job->question->operation == SOAP_GET_DOMAIN_SETTINGS)
		one.address = arena_join(request->mem, "anonymous@", subject);
	if (one.address == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	found = dir_facts(thread_of(request)->dir, request->mem, &one, job->login, &facts, &err);
	if (!service_available(request, found, &err))
		return false;
	st = find_answer(
	    request, job, one.address, found == LOOKUP_FOUND ? &facts : NULL, &answer, &err);
	if (st != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	if (i == 0)
		soap_response_begin(&job->response, &thread_of(request)->out, job->question,
		    server_version(found == LOOKUP_FOUND ? &facts : NULL));
	answering_count(request, &answer);
	soap_response_answer(&job->response, &answer);
	return true;
}

static void
answer_all(struct request *request, const struct soap_request *question)
{
	const struct auth *auth = request->data;
	struct job job = { .question = question, .login = auth->login };

	for (size_t i = 0; i < question->subjects.n; i++)
		if (!answer_one(request, &job, i))
			return;
	soap_response_end(&job.response);
	send(request, 200);
}

void
handle_soap(struct request *request)
{
	struct buf *out = &thread_of(request)->out;
	struct soap_request question;
	struct usher_error err = { 0 };
	enum soap_fault fault;
	usher_status st;

	buf_reset(out);
	st = soap_read_request(
	    thread_of(request)->xml, request->mem, request->body, &question, &fault, &err);
	if (st == USHER_E_NOMEM) {
		request_refuse(request, 503, "Out of memory.");
	} else if (st != USHER_OK) {
		soap_write_fault(out, fault, err.message);
		send(request, 500);
	} else if (question.invalid != NULL) {
		soap_write_refusal(out, &question, NULL, "InvalidRequest", question.invalid);
		send(request, 200);
	} else if (question.operation == SOAP_GET_FEDERATION_INFORMATION ||
		   question.operation == SOAP_GET_ORGANIZATION_RELATIONSHIP_SETTINGS) {
		soap_write_refusal(out, &question, NULL, "NotFederated",
		    "The organization has no federation trust.");
		send(request, 200);
	} else {
		answer_all(request, &question);
	}
}
