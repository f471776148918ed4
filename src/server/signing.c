/* signing.c - sends Apple profiles, signed at once where that is quick, and else in the pool.
 *
 * Signed answers are not kept for the next who asks: how fast one comes would tell whose profile
 * has been fetched before. */
#include "server/signing.h"

#include "server/service.h"
#include "server/tls_sign.h"
#include "wire/mobileconfig.h"

/* Anybody may ask for a signature, and the pool is there for passwords too. */
enum { SIGNATURES_MAX = 32 };

/* A profile that is being signed. */
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

/* `ran`: it was tried. */
static void
send_signed(struct request *request, const struct signing *s, bool ran)
{
	CLEANUP(buf_cleanup) struct buf out = s->out;

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

static void
finish(struct request *request, void *arg, bool ran)
{
	atomic_fetch_sub(&service_of(request)->state->signatures, 1);
	send_signed(request, arg, ran);
}

/* `given` as far as it lies in memory that others will use. */
static struct signing *
keep(struct arena *mem, const struct signing *given)
{
	struct signing *s = arena_alloc(mem, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = *given;
	s->file = arena_strdup(mem, given->file);
	s->name = arena_strdup(mem, given->name);
	s->profile.p = arena_copy(mem, given->profile);
	return s->file == NULL || (s->name == NULL) != (given->name == NULL) ||
		       s->profile.p == NULL ?
		   NULL :
		   s;
}

static void
sign_in_pool(struct request *request, const struct signing *given)
{
	struct service *service = service_of(request);
	struct signing *s = keep(request->mem, given);
	bool room;

	if (s == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	room = atomic_fetch_add(&service->state->signatures, 1) < SIGNATURES_MAX;
	if (room && request_defer(request, sign, finish, s))
		return;
	atomic_fetch_sub(&service->state->signatures, 1);
	request_refuse(request, 503, "Too many profiles are asked for at a time.");
}

void
signing_send(struct request *request, const char *file, const char *name, struct slice profile)
{
	struct signing s = { .set = service_of(request)->signer,
		.file = file,
		.name = name,
		.profile = profile,
		.out = { .max = TLS_SIGNED_BYTES } };

	if (s.set == NULL) {
		send(request, file, profile);
	} else if (tls_set_signs_quickly(s.set, name)) {
		sign(&s);
		send_signed(request, &s, true);
	} else {
		sign_in_pool(request, &s);
	}
}
