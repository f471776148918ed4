/* handle_profile.c - an Apple profile for an address, to anybody (autoconfig.md 4.1, 4.4). What is
 * in it depends on the domain and on the address as text alone.
 *
 * Signed answers are not kept for the next who asks: how fast one comes would tell whose profile
 * has been fetched before. */
#include "base/address.h"
#include "resolve/resolve.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/route.h"
#include "server/tls_sign.h"
#include "wire/autoconfig.h"
#include "wire/mobileconfig.h"

/* Anybody may ask for a signature, and the pool is there for passwords too. */
enum { SIGNATURES_MAX = 32 };

/* A profile on its way through the pool. */
struct signing {
	const struct tls_set *set;
	const char *domain; /* names the file */
	const char *name;   /* chooses the certificate */
	struct slice profile;
	struct buf out;
	usher_status status;
	bool told; /* that the certificate cannot sign */
	struct usher_error err;
};

static void
send(struct request *request, const char *domain, struct slice body)
{
	/* A domain in A-labels is a safe file name. */
	const struct reply_field fields[] = {
		{ "Content-Disposition", arena_join(request->mem, "attachment; filename=\"", domain,
					     ".mobileconfig\"") },
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	const struct reply reply = {
		.status = 200,
		.type = MOBILECONFIG_TYPE,
		.body = body,
		.fields = fields,
		.n_fields = COUNT_OF(fields),
	};

	if (fields[0].value == NULL)
		request_refuse(request, 503, "Out of memory.");
	else
		request_reply(request, &reply);
}

static void
sign(void *arg)
{
	struct signing *s = arg;

	s->status = tls_set_sign(s->set, s->name, s->profile, &s->out, &s->told, &s->err);
}

static void
finish(struct request *request, void *arg, bool ran)
{
	struct signing *s = arg;
	CLEANUP(buf_cleanup) struct buf out = s->out;

	atomic_fetch_sub(&service_of(request)->state->signatures, 1);
	if (ran && s->status == USHER_OK) {
		send(request, s->domain, buf_as_slice(&out));
		return;
	}
	if (ran && s->status == USHER_E_INPUT) {
		/* It never will: better one that the device calls unsigned. Said once per load. */
		if (!s->told)
			log_error(
			    LEVEL_WARNING, "conf", request->log, "profiles go unsigned", &s->err);
		send(request, s->domain, s->profile);
		return;
	}
	if (ran)
		log_error(LEVEL_ERROR, "conf", request->log, "cannot sign a profile", &s->err);
	request_refuse(request, 503, "The profile cannot be signed now.");
}

static void
send_signed(struct request *request, const struct facts *facts, struct slice profile)
{
	struct service *service = service_of(request);
	const struct text_list *names = &facts->domain->host_names;
	struct signing *s = arena_zalloc(request->mem, sizeof(*s));
	bool room;

	if (s == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	s->set = service->signer;
	s->domain = arena_strdup(request->mem, facts->domain_name);
	s->name = arena_strdup(request->mem, names->n > 0 ? names->v[0] : facts->domain_name);
	s->profile.p = arena_copy(request->mem, profile);
	s->profile.n = profile.n;
	buf_init(&s->out, TLS_SIGNED_BYTES);
	if (s->domain == NULL || s->name == NULL || s->profile.p == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	room = atomic_fetch_add(&service->state->signatures, 1) < SIGNATURES_MAX;
	if (room && request_defer(request, sign, finish, s))
		return;
	atomic_fetch_sub(&service->state->signatures, 1);
	request_refuse(request, 503, "Too many profiles are asked for at a time.");
}

static void
send_profile(struct request *request, const struct facts *facts, const struct address *address,
    const struct mobileconfig_question *question)
{
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
	if (service_of(request)->signer != NULL)
		send_signed(request, facts, buf_as_slice(out));
	else
		send(request, facts->domain_name, buf_as_slice(out));
}

/* When the request is complete: signing cannot begin before. */
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
	if (!service_available(request, found, &err))
		return;
	if (found == LOOKUP_ABSENT || facts.domain == NULL)
		answering_refuse_domain(request);
	else
		send_profile(request, &facts, &address, &question);
}

void
handle_profile(struct request *request)
{
	request->handle = answer_profile;
}
