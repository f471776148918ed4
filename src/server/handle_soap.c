/* handle_soap.c - SOAP Autodiscover: the settings of many users in one answer (soap.md 4, 6-9). */
#include "base/address.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/soap.h"

/* One request on its way; in request->mem. */
struct job {
	struct auth auth; /* first: `then` gets it and knows the job by it */
	struct soap_request question;
	const char *fault_text; /* NULL: `question` was read */
	enum soap_fault fault;
	struct soap_response response;
	bool waits;	  /* some subjects are still being looked up */
	size_t n_counted; /* subjects whose answers have been counted */
};

static void
answer_again(struct request *request);

static void
send(struct request *request, int status)
{
	static const struct reply_field fields[] = {
		{ "Cache-Control", "private" },
		{ "X-SOAP-Enabled", "True" },
	};

	answering_send(request, status, SOAP_TYPE, fields, COUNT_OF(fields));
}

static void
send_fault(struct request *request, enum soap_fault fault, const char *text)
{
	soap_write_fault(&thread_of(request)->out, fault, text);
	service_count(request, COUNT_ANSWER_REFUSAL);
	send(request, 500);
}

/* Refuses the whole request. */
static void
send_refusal(struct request *request, const struct job *job, const char *name, const char *text)
{
	buf_reset(&thread_of(request)->out);
	soap_write_refusal(&thread_of(request)->out, &job->question, NULL, name, text);
	service_count(request, COUNT_ANSWER_REFUSAL);
	send(request, 200);
}

/* The build of the newest server stands for the organization; usherd has none of Exchange's. */
static const char *
server_version(const struct facts *facts)
{
	return facts == NULL || facts->org == NULL ? NULL : facts->org->newest_version;
}

/* ---- settings ---- */

/* Depends on the domain alone. */
static usher_status
resolve_domain(
    struct request *request, struct arena *mem, const struct facts *facts, struct answer *out)
{
	struct answer_protocol *p = arena_array(mem, 1, sizeof(*p));
	const struct resolve_context context = answering_as(request, NULL);

	if (p == NULL)
		return USHER_E_NOMEM;
	if (facts->domain == NULL)
		return resolve_refusal(mem, &context, REFUSAL_NOT_FOUND, NULL, out);
	answer_init(out, ANSWER_SETTINGS);
	if (facts->domain->kind == DOMAIN_REDIRECT_URL && facts->domain->redirect_url != NULL) {
		answer_init(out, ANSWER_REDIRECT_URL);
		out->redirect = facts->domain->redirect_url;
		return USHER_OK;
	}
	answer_protocol_init(p, PROTOCOL_EXPR);
	out->protocols = p;
	out->n_protocols = 1;
	return resolve_domain_ews(mem, facts, &p->ews_url, &p->ews_version);
}

/* What is asked about one user, by address or legacyDN ([MS-OXWSADISC] 3.1.4.4.3), or about a
 * domain, with nobody in it. USHER_E_NOMEM. */
static usher_status
question_of(const struct job *job, struct arena *mem, const char *subject, struct question *out)
{
	static const struct slice legacy = SLICE_LITERAL("/o=");

	*out = (struct question){ .language = LANGUAGE_SOAP };
	if (job->question.operation == SOAP_GET_DOMAIN_SETTINGS)
		out->address = arena_join(mem, "anonymous@", subject);
	else if (slice_starts_nocase(slice_of(subject), legacy))
		out->legacy_dn = subject;
	else
		out->address = subject;
	return out->address == NULL && out->legacy_dn == NULL ? USHER_E_NOMEM : USHER_OK;
}

static usher_status
find_answer(struct request *request, const struct job *job, struct arena *mem,
    const struct question *one, const struct facts *facts, struct answer *out,
    struct usher_error *err)
{
	const struct resolve_context context = answering_as(request, job->auth.login);
	usher_status st;

	if (facts == NULL) /* not an address at all */
		st = resolve_refusal(mem, &context, REFUSAL_NOT_FOUND, NULL, out);
	else if (job->question.operation == SOAP_GET_DOMAIN_SETTINGS)
		st = resolve_domain(request, mem, facts, out);
	else
		st = resolve_answer(mem, one, facts, &context, out, err);
	if (st == USHER_OK && out->kind == ANSWER_REDIRECT_URL) {
		out->redirect = answering_soap_url(request, out->redirect);
		st = out->redirect == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	return st;
}

/* Finds and writes the answer for one subject; the facts live until the next lookup, in `mem`.
 * While others have still to be looked up, only asks. False: the request has been answered
 * otherwise. */
static bool
answer_one(struct request *request, struct job *job, struct arena *mem, size_t i)
{
	struct question one;
	struct usher_error err = { 0 };
	struct facts facts;
	struct answer answer;
	enum lookup found;
	usher_status st;

	if (question_of(job, mem, job->question.subjects.v[i], &one) != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	found = dir_facts(service_dir(request), mem, &one, job->auth.login, &facts, &err);
	if (found == LOOKUP_PENDING && service_wait(request, answer_again))
		job->waits = true;
	if (job->waits)
		return true;
	if (!service_available(request, found, &err, answer_again))
		return false;
	st = find_answer(
	    request, job, mem, &one, found == LOOKUP_FOUND ? &facts : NULL, &answer, &err);
	if (st != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	if (i == 0)
		soap_response_begin(&job->response, &thread_of(request)->out, &job->question,
		    server_version(found == LOOKUP_FOUND ? &facts : NULL));
	if (i == job->n_counted) {
		answering_count(request, &answer);
		job->n_counted++;
	}
	soap_response_answer(&job->response, &answer);
	return true;
}

static void
answer_all(struct request *request, struct job *job)
{
	/* Each subject may take what a request may: a hundred of them together would not fit. */
	struct arena *mem CLEANUP(arena_cleanup) =
	    arena_new((size_t)service_of(request)->conf->limits.request_bytes);

	if (mem == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	job->waits = false;
	for (size_t i = 0; i < job->question.subjects.n; i++) {
		arena_reset(mem);
		if (!answer_one(request, job, mem, i))
			return;
	}
	if (job->waits)
		return;
	soap_response_end(&job->response);
	if (thread_of(request)->out.status == USHER_E_LIMIT) /* it would be so each time */
		send_refusal(request, job, "InvalidRequest",
		    "The settings of so many do not fit into one answer; ask about fewer.");
	else
		send(request, 200);
}

/* ---- what other organizations ask ---- */

/* False: as service_available(). */
static bool
find_domain(struct request *request, const char *text, struct facts *out)
{
	struct usher_error err = { 0 };
	const char *name = text; /* which is none of ours when it cannot be read */
	enum lookup found;

	if (domain_parse(request->mem, slice_of(text), &name, NULL) == USHER_E_NOMEM) {
		request_refuse(request, 503, "Out of memory.");
		return false;
	}
	found = answering_domain(request, name, out, &err);

	if (found == LOOKUP_ABSENT)
		*out = (struct facts){ 0 };
	return service_available(request, found, &err, answer_again);
}

/* Anybody may ask: tokens are fetched before there is anything to log in with. */
static void
answer_federation(struct request *request, const struct job *job)
{
	const struct organization *o;
	struct facts facts;

	if (!find_domain(request, job->question.subjects.v[0], &facts))
		return;
	o = facts.org == NULL ? NULL : &facts.org->organization;
	if (o != NULL && o->application_uri == NULL) {
		send_refusal(
		    request, job, "NotFederated", "The organization has no federation trust.");
		return;
	}
	if (facts.domain == NULL) {
		send_refusal(request, job, "InvalidDomain", "The domain is not served here.");
		return;
	}
	soap_write_federation(&thread_of(request)->out, &job->question, server_version(&facts), o);
	service_count(request, COUNT_ANSWER_SETTINGS);
	send(request, 200);
}

static void
answer_relationships(struct request *request, const struct job *job)
{
	struct facts facts;
	const struct org_view *org;

	if (!find_domain(request, job->question.subjects.v[0], &facts))
		return;
	org = facts.org;
	if (org == NULL || org->n_relationships == 0) {
		send_refusal(request, job, "NotFederated",
		    "The organization has no relationship with others.");
		return;
	}
	soap_write_relationships(&thread_of(request)->out, &job->question, server_version(&facts),
	    org->relationships, org->n_relationships);
	service_count(request, COUNT_ANSWER_SETTINGS);
	send(request, 200);
}

/* ---- the whole ---- */

static void
answer(struct request *request, struct job *job)
{
	buf_reset(&thread_of(request)->out);
	if (job->fault_text != NULL)
		send_fault(request, job->fault, job->fault_text);
	else if (job->question.invalid != NULL)
		send_refusal(request, job, "InvalidRequest", job->question.invalid);
	else if (job->question.operation == SOAP_GET_FEDERATION_INFORMATION)
		answer_federation(request, job);
	else if (job->question.operation == SOAP_GET_ORGANIZATION_RELATIONSHIP_SETTINGS)
		answer_relationships(request, job);
	else
		answer_all(request, job);
}

static void
answer_again(struct request *request)
{
	answer(request, request->data);
}

static void
answer_or_refuse(struct request *request, struct auth *auth)
{
	if (auth->outcome == CALLER_PASSED)
		answer(request, (struct job *)auth);
	else
		authenticate_refuse(request, auth);
}

void
handle_soap(struct request *request)
{
	struct job *job = arena_zalloc(request->mem, sizeof(*job));
	struct usher_error err = { 0 };
	usher_status st = USHER_E_NOMEM;

	if (job != NULL)
		st = soap_read_request(thread_of(request)->xml, request->mem, request->body,
		    &job->question, &job->fault, &err);
	if (st != USHER_OK && st != USHER_E_NOMEM) {
		job->fault_text = arena_strdup(request->mem, err.message);
		st = job->fault_text == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	if (st != USHER_OK) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	request->data = job;
	if (job->fault_text == NULL && job->question.operation == SOAP_GET_FEDERATION_INFORMATION) {
		answer(request, job);
		return;
	}
	authenticate(request, &job->auth, answer_or_refuse);
}
