/* signing.c - sends Apple profiles, signed in the pool.
 *
 * Signed answers are not kept for the next who asks: how fast one comes would tell whose profile
 * has been fetched before. */
#include "server/signing.h"

#include "server/service.h"
#include "server/tls_sign.h"
#include "wire/mobileconfig.h"

/* Anybody may ask for a signature, and the pool is there for passwords too. */
enum { SIGNATURES_MAX = 32 };

/* A profile on its way through the pool. */
struct signing {
	const struct tls_set *set;
	const char *file;
	const char *name;
	struct slice profile;
	struct buf out;
	usher_status status;
	bool told; /* that the certificate cannot sign */
	struct usher_error err;
};

static void
send(struct request *request, const char *file, struct slice body)
{
	const struct reply_field fields[] = {
		{ "Content-Disposition",
		    arena_join(request->mem, "attachment; filename=\"", file, ".mobileconfig\"") },
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
		send(request, s->file, buf_as_slice(&out));
		return;
	}
	if (ran && s->status == USHER_E_INPUT) {
		/* It never will: better one that the device calls unsigned. Said once per load. */
		if (!s->told)
			log_error(
			    LEVEL_WARNING, "conf", request->log, "profiles go unsigned", &s->err);
		send(request, s->file, s->profile);
		return;
	}
	if (ran)
		log_error(LEVEL_ERROR, "conf", request->log, "cannot sign a profile", &s->err);
	request_refuse(request, 503, "The profile cannot be signed now.");
}

void
signing_send(struct request *request, const char *file, const char *name, struct slice profile)
{
	struct service *service = service_of(request);
	struct signing *s = arena_zalloc(request->mem, sizeof(*s));
	bool room;

	if (service->signer == NULL) {
		send(request, file, profile);
		return;
	}
	if (s == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	s->set = service->signer;
	s->file = arena_strdup(request->mem, file);
	s->name = name == NULL ? NULL : arena_strdup(request->mem, name);
	s->profile = slice_from(arena_copy(request->mem, profile), profile.n);
	buf_init(&s->out, TLS_SIGNED_BYTES);
	if (s->file == NULL || (s->name == NULL) != (name == NULL) || s->profile.p == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	room = atomic_fetch_add(&service->state->signatures, 1) < SIGNATURES_MAX;
	if (room && request_defer(request, sign, finish, s))
		return;
	atomic_fetch_sub(&service->state->signatures, 1);
	request_refuse(request, 503, "Too many profiles are asked for at a time.");
}
