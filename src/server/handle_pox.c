/* handle_pox.c - the main job: a POX question in, settings out (pox.md 9, 10). */
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "server/answering.h"
#include "server/route.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"

enum { REQUEST_ID_BYTES = 128 };

/* One question on its way; in request->mem. */
struct job {
	struct auth auth; /* first: `then` gets it and knows the job by it; login NULL: anybody */
	struct question question;
	bool readable;		/* the body was a question */
	const char *request_id; /* to be echoed; NULL when not wanted */
};

/* ---- what the header says about the client (pox.md 1.1) ---- */

static bool
list_has(struct slice list, const char *word)
{
	while (list.n > 0) {
		size_t comma = slice_find(list, ',');

		if (slice_is_nocase(slice_trim(slice_from(list.p, comma)), word))
			return true;
		list = slice_skip(list, comma + 1);
	}
	return false;
}

static int64_t
positive(struct slice s)
{
	uint64_t n;

	return text_number(s, 1, INT64_MAX, &n) ? (int64_t)n : 0;
}

static struct client_traits
client_traits(const struct http1_request *head)
{
	enum { OUTLOOK_2013 = 15 }; /* the first to know EXHTTP */
	static const struct slice office = SLICE_LITERAL("Microsoft Office/");
	struct slice agent = http1_field(head, "User-Agent");
	struct slice can = http1_field(head, "X-ClientCanHandle");
	struct client_traits t = { .mapi_http =
				       positive(http1_field(head, "X-MapiHttpCapability")) };

	t.outlook = slice_starts_nocase(agent, office);
	if (t.outlook) {
		struct slice version = slice_skip(agent, office.n);

		t.outlook_major = positive(slice_from(version.p, slice_find(version, '.')));
	}
	/* It looks for RedirectURL, which no specification knows, but follows Location. */
	t.no_redirect_url = slice_starts_nocase(agent, SLICE_LITERAL("exchangelib/"));
	t.negotiate = list_has(can, "Negotiate");
	t.exhttp = list_has(can, "ExHttpInfo") || t.outlook_major >= OUTLOOK_2013;
	return t;
}

static const char *
request_id(struct request *request)
{
	struct slice wanted = http1_field(request->head, "return-client-request-id");
	struct slice id = http1_field(request->head, "client-request-id");

	if (!slice_is_nocase(wanted, "true") || id.n == 0 || id.n > REQUEST_ID_BYTES)
		return NULL;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] < 0x20 || id.p[i] > 0x7e)
			return NULL;
	}
	return arena_copy(request->mem, id);
}

/* ---- answering ---- */

/* For clients that have no word for another URL, as the schema of ActiveSync has none. */
static void
send_elsewhere(struct request *request, const char *url)
{
	const struct reply_field fields[] = { { "Cache-Control", "private" }, { "Location", url } };
	const struct reply reply = {
		.status = 302, .fields = fields, .n_fields = COUNT_OF(fields)
	};

	request_reply(request, &reply);
}

/* In the words of the schema that the client asked for. */
static void
send_answer(struct request *request, const struct question *question, const struct answer *answer,
    const char *id)
{
	struct buf *out = &thread_of(request)->out;
	bool phone = question != NULL && question->schema == SCHEMA_MOBILESYNC;
	const struct reply_field fields[] = {
		{ "Cache-Control", "private" },
		{ "X-SOAP-Enabled", "True" },
		{ "client-request-id", id },
	};

	answering_count(request, answer);
	if (answer->kind == ANSWER_REDIRECT_URL &&
	    (phone || (question != NULL && question->client.no_redirect_url))) {
		send_elsewhere(request, answer->redirect);
		return;
	}
	buf_reset(out);
	if (phone)
		mobilesync_write_response(out, question, answer);
	else
		pox_write_response(out, answer);
	answering_send(
	    request, 200, "text/xml; charset=utf-8", fields, COUNT_OF(fields) - (id == NULL));
}

static void
send_refusal(struct request *request, const struct question *question, const char *login,
    enum refusal_code code, const char *id)
{
	const struct resolve_context context = answering_as(request, login);
	struct answer answer;

	if (resolve_refusal(request->mem, &context, code, NULL, &answer) != USHER_OK)
		request_refuse(request, 503, "Out of memory.");
	else
		send_answer(request, question, &answer, id);
}

static void
answer_question(struct request *request, struct job *job);

static void
answer_again(struct request *request)
{
	answer_question(request, request->data);
}

/* `login` is NULL for an anonymous caller. */
static void
answer_from(
    struct request *request, const struct job *job, const struct facts *facts, const char *login)
{
	const struct resolve_context context = answering_as(request, login);
	struct usher_error err = { 0 };
	struct answer answer;

	if (resolve_answer(request->mem, &job->question, facts, &context, &answer, &err) !=
	    USHER_OK)
		request_refuse(request, 503, "Out of memory.");
	else
		send_answer(request, &job->question, &answer, job->request_id);
}

/* The caller may ask: find out and tell. */
static void
answer_question(struct request *request, struct job *job)
{
	const char *login = job->auth.login;
	struct usher_error err = { 0 };
	struct facts facts;
	enum lookup found;

	if (!job->readable) {
		send_refusal(request, NULL, login, REFUSAL_INVALID_REQUEST, job->request_id);
		return;
	}
	found = dir_facts(service_dir(request), request->mem, &job->question, login, &facts, &err);
	if (!service_available(request, found, &err, answer_again))
		return;
	if (found == LOOKUP_ABSENT) { /* not an address at all */
		send_refusal(
		    request, &job->question, login, REFUSAL_INVALID_REQUEST, job->request_id);
		return;
	}
	answer_from(request, job, &facts, login);
}

/* ---- who may ask ---- */

/* Whether the question's domain is open to everybody; then *facts are those of somebody in it who
 * has no mailbox. The local part is left out of the lookup: how long it takes must not tell whether
 * the mailbox exists. */
static enum lookup
find_anonymous(struct request *request, const struct job *job, struct facts *facts, bool *open,
    struct usher_error *err)
{
	const struct question *question = &job->question;
	struct address address;
	enum lookup found;

	*open = false;
	if (!job->readable || question->legacy_dn != NULL || question->address == NULL ||
	    address_parse(request->mem, slice_of(question->address), &address, NULL) != USHER_OK)
		return LOOKUP_FOUND;
	found = answering_domain(request, address.domain, facts, err);
	if (found != LOOKUP_FOUND || !resolve_anonymous(facts))
		return found;
	facts->address = arena_join(request->mem, address.local, "@", facts->domain_name);
	facts->local = address.local;
	facts->mailbox = NULL;
	facts->n_alternatives = 0;
	if (facts->address == NULL) {
		(void)err_nomem(err, "question");
		return LOOKUP_UNAVAILABLE;
	}
	*open = true;
	return found;
}

static void
answer_or_refuse(struct request *request, struct auth *auth)
{
	struct job *job = (struct job *)auth;

	if (auth->outcome == CALLER_PASSED)
		answer_question(request, job);
	else
		authenticate_refuse(request, auth);
}

/* Mail of an open domain has its passwords elsewhere: clients that send them anyway must not be
 * told that they are wrong. There they cost nothing and are not counted, so they are not looked at
 * at all: neither answer nor time tells whether one is right. */
static void
ask(struct request *request)
{
	struct job *job = request->data;
	struct usher_error err = { 0 };
	struct facts facts;
	bool open;
	enum lookup found = find_anonymous(request, job, &facts, &open, &err);

	if (!service_available(request, found, &err, ask))
		return;
	if (!open)
		authenticate(request, &job->auth, answer_or_refuse);
	else if (facts.domain->kind == DOMAIN_EXCHANGE)
		answer_question(request, job); /* even its mailboxes are */
	else
		answer_from(request, job, &facts, NULL);
}

void
handle_pox(struct request *request)
{
	struct job *job = arena_zalloc(request->mem, sizeof(*job));
	struct usher_error err = { 0 };
	usher_status st = USHER_E_NOMEM;

	if (job != NULL)
		st = pox_read_request(
		    thread_of(request)->xml, request->mem, request->body, &job->question, &err);
	if (st == USHER_E_NOMEM) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	job->readable = st == USHER_OK;
	job->question.client = client_traits(request->head);
	job->request_id = request_id(request);
	request->data = job;
	ask(request);
}

/* The browser's health check: 600 to whoever is logged in (pox.md 9.1). */
void
handle_pox_probe(struct request *request)
{
	const struct auth *auth = request->data;

	send_refusal(request, NULL, auth->login, REFUSAL_INVALID_REQUEST, request_id(request));
}
