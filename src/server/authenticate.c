/* authenticate.c - from an Authorization field to a login name, at the price of a hash only when
 * the verdict is not remembered. */
#include "server/authenticate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/basic.h"
#include "auth/password.h"
#include "base/when.h"
#include "server/service.h"

/* What a directory takes for a wrong password depends on whether there is one to compare with:
 * refusals of its own take full steps of this, more than any usual hash. */
enum { REFUSAL_STEP_MS = 150 };

/* Wipes the password: nobody needs it any more. */
static void
drop(struct auth *auth)
{
	secret_clear(&auth->password);
}

/* What is known about the password without hashing it. */
static enum auth_outcome
quick_verdict(struct request *request, struct auth *auth)
{
	uint64_t now = clock_mono_ms();

	net_address_format(&request->client, auth->source);
	switch (remember_ask(
	    auth->state->remember, auth->source, auth->typed, auth->hash, &auth->password, now)) {
	case REMEMBERED_GOOD:
		auth->login = auth->owner;
		service_count(request, COUNT_LOGIN_REMEMBERED);
		return CALLER_PASSED;
	case REMEMBERED_BAD:
		service_count(request, COUNT_LOGIN_REFUSED);
		return CALLER_REFUSED;
	case REMEMBERED_NOT:
		break;
	}
	auth->wait_ms = throttle_wait_ms(auth->state->throttle, auth->source, auth->typed, now);
	return auth->wait_ms > 0 ? CALLER_WAIT : CALLER_UNSURE;
}

/* Absent and disabled credentials go on with an empty hash for those who remember, and with a decoy
 * for the work, so that they cost what others cost. */
static enum auth_outcome
look_up(struct request *request, struct auth *auth)
{
	struct credential credential = { 0 };

	auth->owner = NULL;
	auth->disabled = false;
	auth->hash = "";
	switch (dir_credential(
	    service_dir(request), request->mem, auth->typed, &credential, &auth->err)) {
	case LOOKUP_PENDING:
		return CALLER_PENDING;
	case LOOKUP_UNAVAILABLE:
		auth->directory_failed = true;
		return CALLER_UNAVAILABLE;
	case LOOKUP_FOUND:
		auth->disabled = credential.enabled == TRI_OFF;
		if (!auth->disabled &&
		    (credential.password_hash != NULL || credential.dn != NULL)) {
			auth->owner = credential.login_name;
			auth->hash = credential.password_hash != NULL ? credential.password_hash :
									credential.dn;
		}
		break;
	case LOOKUP_ABSENT:
		break;
	}
	auth->decoy = credential.password_hash;
	auth->dn = credential.dn;
	return CALLER_UNSURE;
}

/* Reads what the client sent. False: that is the outcome. */
static bool
read_password(struct request *request, struct auth *auth)
{
	const struct conf_authentication *conf = &service_of(request)->conf->authentication;
	const struct login_rules rules = { conf->default_domain, &conf->windows_domains,
		service_of(request)->login != NULL };

	memset(auth, 0, sizeof(*auth));
	auth->state = service_of(request)->state;
	auth->checker = service_of(request)->login;
	switch (basic_read(request->mem, http1_field(request->head, "Authorization"), &rules,
	    &auth->typed, &auth->password)) {
	case BASIC_OK:
		return true;
	case BASIC_NONE:
		auth->outcome = CALLER_NONE;
		break;
	case BASIC_REFUSED:
		auth->outcome = CALLER_REFUSED;
		service_count(request, COUNT_LOGIN_REFUSED);
		break;
	case BASIC_NOMEM:
		auth->outcome = CALLER_UNAVAILABLE;
		break;
	}
	return false;
}

/* The directory is asked about unknown logins as well: with a name that nobody has, by the same
 * connections, so that they cost what others cost here. */
static usher_status
verify(struct auth *auth)
{
	usher_status st;

	if (auth->dn == NULL)
		return auth->owner != NULL ? password_verify(&auth->password, auth->hash) :
					     password_decoy(&auth->password, auth->decoy);
	st = ldap_login_check(auth->checker, auth->dn, &auth->password, &auth->err);
	return st == USHER_OK && auth->owner == NULL ? USHER_E_CREDENTIALS : st;
}

/* No memory for a hash, or a directory that does not answer, says nothing about the password. */
static bool
is_wrong(const struct auth *auth)
{
	return auth->dn == NULL ? auth->verdict != USHER_OK && auth->verdict != USHER_E_NOMEM :
				  auth->verdict == USHER_E_CREDENTIALS;
}

static void
fill_step(uint64_t begun_ms)
{
	uint64_t left = REFUSAL_STEP_MS - (clock_mono_ms() - begun_ms) % REFUSAL_STEP_MS;
	const struct timespec rest = { .tv_nsec = (long)left * 1000000L };

	(void)nanosleep(&rest, NULL);
}

/* In the thread pool. The throttle is asked again and told here: guesses that queued up together
 * would otherwise all pass it before the first of them has failed. */
static void
hash(void *arg)
{
	struct auth *auth = arg;
	struct throttle *throttle = auth->state->throttle;
	uint64_t begun_ms = clock_mono_ms();

	auth->wait_ms = throttle_wait_ms(throttle, auth->source, auth->typed, begun_ms);
	if (auth->wait_ms > 0)
		return;
	auth->verdict = verify(auth);
	if (!is_wrong(auth))
		return;
	throttle_failed(throttle, auth->source, auth->typed, clock_mono_ms());
	if (auth->dn != NULL)
		fill_step(begun_ms);
}

/* For the log alone. */
static const char *
reason(const struct auth *auth)
{
	if (auth->owner == NULL)
		return auth->disabled ? "the account is disabled" : "unknown login";
	return auth->dn != NULL ? auth->err.message : "wrong password";
}

/* Tells all who want to know how the check came out. */
static void
conclude(struct request *request, struct auth *auth)
{
	bool right = auth->verdict == USHER_OK;
	uint64_t now = clock_mono_ms();

	remember_tell(auth->state->remember, auth->source, auth->typed, auth->hash, &auth->password,
	    right, now);
	if (right) {
		auth->outcome = CALLER_PASSED;
		auth->login = auth->owner;
		throttle_passed(auth->state->throttle, auth->source, auth->typed, now);
		service_count(request, COUNT_LOGIN_PASSED);
		request_set_user(request, auth->login);
	} else {
		auth->outcome = CALLER_REFUSED;
		service_count(request, COUNT_LOGIN_REFUSED);
		LOG(LEVEL_NOTICE, "auth", request->log, "password refused",
		    log_text("login", auth->typed), log_text("reason", reason(auth)));
	}
}

static void
doubt(struct auth *auth)
{
	auth->outcome = CALLER_UNAVAILABLE;
	auth->directory_failed = auth->dn != NULL;
}

static void
hashed(struct request *request, void *arg, bool ran)
{
	struct auth *auth = arg;

	if (!ran)
		auth->outcome = CALLER_UNAVAILABLE;
	else if (auth->wait_ms > 0)
		auth->outcome = CALLER_WAIT;
	else if (auth->verdict == USHER_OK || is_wrong(auth))
		conclude(request, auth);
	else
		doubt(auth);
	drop(auth);
	auth->then(request, auth);
}

/* From the lookup on. */
static void
judge(struct request *request)
{
	struct auth *auth = request->data;

	auth->outcome = look_up(request, auth);
	if (auth->outcome == CALLER_PENDING) {
		if (service_wait(request, judge))
			return;
		auth->outcome = CALLER_UNAVAILABLE;
	}
	if (auth->outcome == CALLER_UNSURE)
		auth->outcome = quick_verdict(request, auth);
	if (auth->outcome == CALLER_PASSED)
		request_set_user(request, auth->login);
	if (auth->outcome == CALLER_UNSURE) {
		if (request_defer(request, hash, hashed, auth))
			return;
		auth->outcome = CALLER_UNAVAILABLE;
	}
	drop(auth);
	auth->then(request, auth);
}

void
authenticate(struct request *request, struct auth *auth,
    void (*then)(struct request *request, struct auth *auth))
{
	bool readable = read_password(request, auth);

	auth->then = then;
	request->data = auth;
	if (readable)
		judge(request);
	else
		then(request, auth);
}

static void
challenge(struct request *request)
{
	const char *realm = service_of(request)->conf->authentication.realm;
	struct buf value CLEANUP(buf_cleanup);
	/* Some libraries ask without credentials to learn that SOAP is spoken here (soap.md 2). */
	struct reply_field fields[] = { { "WWW-Authenticate", NULL },
		{ "X-SOAP-Enabled", "True" } };
	const struct reply reply = {
		.status = 401, .fields = fields, .n_fields = COUNT_OF(fields)
	};

	buf_init(&value, REPLY_HEAD_BYTES / 2);
	buf_text(&value, "Basic realm=\"");
	for (; *realm != '\0'; realm++) {
		if (*realm == '"' || *realm == '\\')
			buf_char(&value, '\\');
		buf_char(&value, *realm);
	}
	buf_char(&value, '"');
	fields[0].value = buf_cstr(&value);
	request_reply(request, &reply);
}

static void
ask_to_wait(struct request *request, uint64_t wait_ms)
{
	char seconds[24];
	const struct reply_field field = { "Retry-After", seconds };
	const struct reply reply = { .status = 429, .fields = &field, .n_fields = 1 };

	(void)snprintf(
	    seconds, sizeof(seconds), "%llu", (unsigned long long)((wait_ms + 999) / 1000));
	service_count(request, COUNT_LOGIN_THROTTLED);
	request_reply(request, &reply);
}

void
authenticate_refuse(struct request *request, struct auth *auth)
{
	drop(auth);
	if (auth->outcome == CALLER_UNAVAILABLE && auth->directory_failed)
		(void)service_available(request, LOOKUP_UNAVAILABLE, &auth->err, NULL);
	else if (auth->outcome == CALLER_UNAVAILABLE)
		request_refuse(request, 503, "The password cannot be checked now.");
	else if (auth->outcome == CALLER_WAIT)
		ask_to_wait(request, auth->wait_ms);
	else
		challenge(request);
}
