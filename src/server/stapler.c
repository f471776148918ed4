/* stapler.c - when to ask which responder, and what to make of its answer. */
#include "server/stapler.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/when.h"
#include "cert/ocsp.h"
#include "net/http.h"
#include "server/log.h"

enum {
	BUCKETS = 1024, /* a power of two */
	WORK_BYTES = 512 * 1024,
	LOOK_S = 60 /* at the clock, which may be set */
};

/* A chain that is served. */
struct entry {
	struct entry *next;
	unsigned char digest[SHA256_BYTES]; /* of the chain */
	char *label;
	struct tls_staple *staple;
	/* The thread's alone, once it is in its bucket. */
	char *chain; /* PEM, with the issuer once that is known; NULL: there is nobody to ask */
	char *url;   /* NULL: not known yet */
	bool must_staple;
	unsigned failures; /* one after the other */
	int64_t due_s;	   /* Unix seconds */
};

struct stapler {
	_Atomic uint64_t *fetched, *failed;
	int stop_fd;
	bool running;
	pthread_t thread;
	struct poller *poller; /* these the thread's alone */
	struct http *http;
	struct arena *mem, *lasting;
	struct proxies proxies;
	struct trust *trust;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under `lock` */
	struct entry *buckets[BUCKETS];
	bool stop, retry;
};

/* ---- when ---- */

int64_t
stapler_renewal(int64_t this_update, int64_t next_update, int64_t now_s)
{
	int64_t half = this_update + (next_update - this_update) / 2;

	if (half <= now_s)
		half = now_s + (next_update - now_s) / 2;
	return half < now_s + STAPLER_RENEW_MIN_S ? now_s + STAPLER_RENEW_MIN_S : half;
}

int64_t
stapler_wait_s(unsigned failures)
{
	int64_t wait_s = STAPLER_RETRY_S;

	while (--failures > 0 && wait_s < STAPLER_RETRY_MAX_S)
		wait_s *= 2;
	return wait_s < STAPLER_RETRY_MAX_S ? wait_s : STAPLER_RETRY_MAX_S;
}

/* ---- what is served ---- */

static void
entry_free(struct entry *e)
{
	tls_staple_unref(e->staple);
	free(e->label);
	free(e->chain);
	free(e->url);
	free(e);
}

static struct entry *
entry_new(const char *label, struct slice chain_pem, const unsigned char digest[SHA256_BYTES])
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	memcpy(e->digest, digest, SHA256_BYTES);
	e->label = strdup(label);
	e->chain = strndup(chain_pem.p, chain_pem.n);
	if (e->label == NULL || e->chain == NULL || tls_staple_new(&e->staple, NULL) != USHER_OK) {
		entry_free(e);
		return NULL;
	}
	return e;
}

usher_status
stapler_get(struct stapler *s, const char *label, struct slice chain_pem, struct tls_staple **out,
    struct usher_error *err)
{
	unsigned char digest[SHA256_BYTES];
	struct entry **bucket, *e;

	if (!sha256(chain_pem, digest))
		return err_nomem(err, label);
	bucket = &s->buckets[(digest[0] << 8 | digest[1]) & (BUCKETS - 1)];
	(void)pthread_mutex_lock(&s->lock);
	for (e = *bucket; e != NULL && memcmp(e->digest, digest, SHA256_BYTES) != 0;)
		e = e->next;
	if (e == NULL && (e = entry_new(label, chain_pem, digest)) != NULL) {
		e->next = *bucket;
		*bucket = e;
		(void)pthread_cond_signal(&s->changed);
	}
	if (e != NULL)
		*out = tls_staple_ref(e->staple);
	(void)pthread_mutex_unlock(&s->lock);
	return e == NULL ? err_nomem(err, label) : USHER_OK;
}

/* Under the lock: drops what nobody serves any more, and gives what is due first, if anything. */
static struct entry *
next_due(struct stapler *s)
{
	struct entry *first = NULL;

	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry **at = &s->buckets[i];

		while (*at != NULL) {
			struct entry *e = *at;

			if (!tls_staple_shared(e->staple)) {
				*at = e->next;
				entry_free(e);
				continue;
			}
			if (s->retry && e->failures > 0)
				e->due_s = 0;
			if (e->chain != NULL && (first == NULL || e->due_s < first->due_s))
				first = e;
			at = &e->next;
		}
	}
	s->retry = false;
	return first;
}

/* ---- asking ---- */

static int64_t
now_s(void)
{
	return clock_unix_ms() / 1000;
}

static usher_status
keep_question(struct entry *e, const struct ocsp_question *question, struct usher_error *err)
{
	char *pair = strdup(question->pair);

	e->url = pair == NULL ? NULL : strdup(question->url);
	if (e->url == NULL) {
		free(pair);
		return err_nomem(err, e->label);
	}
	free(e->chain);
	e->chain = pair;
	e->must_staple = question->must_staple;
	return USHER_OK;
}

/* Finds out whom to ask. */
static void
prepare(const struct stapler *s, struct entry *e)
{
	struct ocsp_question question;
	struct usher_error err = { 0 };
	usher_status st = ocsp_ask(s->mem, slice_of(e->chain), s->trust, &question, &err);

	if (st == USHER_OK && question.url != NULL)
		st = keep_question(e, &question, &err);
	if (st == USHER_E_NOMEM)
		e->due_s = now_s() + STAPLER_RETRY_S;
	if (st == USHER_E_NOMEM || e->url != NULL)
		return;
	if (st != USHER_OK)
		LOG(LEVEL_WARNING, "tls", NULL, "no OCSP response can be had",
		    log_text("certificate", e->label), log_text("reason", err.message));
	else if (question.must_staple)
		LOG(LEVEL_WARNING, "tls", NULL,
		    "clients want an OCSP response, but the certificate names no responder",
		    log_text("certificate", e->label));
	free(e->chain);
	e->chain = NULL;
}

static usher_status
wait_for_response(struct stapler *s, struct http_response *out, struct usher_error *err)
{
	struct pollfd fds[] = { { .fd = poller_fd(s->poller), .events = POLLIN },
		{ .fd = s->stop_fd, .events = POLLIN } };
	usher_status st = USHER_OK;

	while (st == USHER_OK && !http_take(s->http, s->mem, out)) {
		poller_wake_at(s->poller, http_wake_ms(s->http));
		(void)poll(fds, COUNT_OF(fds), -1);
		if (fds[1].revents != 0)
			http_stop(s->http, 1);
		st = poller_dispatch(s->poller, err);
		if (st == USHER_OK)
			st = http_work(s->http, err);
	}
	return st;
}

static usher_status
fetch(struct stapler *s, const struct entry *e, struct slice *out, struct usher_error *err)
{
	struct http_response response = { 0 };
	struct url url;
	struct http_request request = {
		.url = &url,
		.body_max = OCSP_RESPONSE_BYTES,
		.connect_ms = STAPLER_FETCH_MS,
		.total_ms = STAPLER_FETCH_MS,
	};
	usher_status st = url_parse(s->mem, slice_of(e->url), &url, err);

	if (st == USHER_OK) {
		request.proxy = proxies_for(&s->proxies, &url);
		st = http_start(s->http, 1, &request, err);
	}
	if (st == USHER_OK)
		st = wait_for_response(s, &response, err);
	if (st != USHER_OK)
		return st;
	if (response.failure == HTTP_STOPPED)
		return err_set(err, USHER_E_CANCELLED, "responder", "usherd stops");
	if (response.failure != HTTP_OK)
		return err_set(err, USHER_E_NETWORK, "responder", "%s",
		    response.detail == NULL ? "no answer" : response.detail);
	if (response.status != 200)
		return err_set(err, USHER_E_PEER, "responder", "it answers HTTP status %d",
		    (int)response.status);
	*out = response.body;
	return USHER_OK;
}

/* ---- what becomes of it ---- */

/* `http://host:port` of a responder's URL. */
static struct slice
responder(const struct entry *e)
{
	struct slice url = slice_of(e->url);
	size_t scheme = sizeof("http://") - 1;

	return slice_from(url.p, scheme + slice_find(slice_skip(url, scheme), '/'));
}

/* Nobody there: the others need not find that out one after the other. */
static void
postpone_others(struct stapler *s, const struct entry *failed)
{
	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = s->buckets[i]; e != NULL; e = e->next)
			if (e->url != NULL && e->due_s < failed->due_s &&
			    slice_eq(responder(e), responder(failed)))
				e->due_s = failed->due_s;
	(void)pthread_mutex_unlock(&s->lock);
}

static void
fail(struct stapler *s, struct entry *e, const struct usher_error *err)
{
	e->due_s = now_s() + stapler_wait_s(++e->failures);
	atomic_fetch_add(s->failed, 1);
	if (err->status == USHER_E_NETWORK)
		postpone_others(s, e);
	/* Once, until it has come again. */
	if (e->failures > 1)
		return;
	LOG(e->must_staple ? LEVEL_WARNING : LEVEL_NOTICE, "tls", NULL,
	    e->must_staple ? "no OCSP response, without which clients refuse the certificate" :
			     "no OCSP response",
	    log_text("certificate", e->label), log_slice("responder", responder(e)),
	    log_text("reason", err->message));
}

static void
tell_revoked(const struct entry *e, const struct ocsp_answer *answer)
{
	char since[WHEN_TEXT_BYTES];

	when_format(answer->revoked, since);
	LOG(LEVEL_ERROR, "tls", NULL, "the certificate has been revoked; get another",
	    log_text("certificate", e->label), log_text("since", since),
	    log_text("reason", answer->reason == NULL ? "not given" : answer->reason));
}

static void
take_answer(struct stapler *s, struct entry *e, struct slice der, const struct ocsp_answer *answer)
{
	if (answer->state == OCSP_REVOKED) {
		tls_staple_drop(e->staple);
		tell_revoked(e, answer);
	} else if (!tls_staple_put(e->staple, der, answer->next_update)) {
		e->due_s = now_s() + STAPLER_RETRY_S;
		return;
	}
	e->due_s = stapler_renewal(answer->this_update, answer->next_update, now_s());
	atomic_fetch_add(s->fetched, 1);
	LOG(e->failures > 0 ? LEVEL_NOTICE : LEVEL_INFO, "tls", NULL, "OCSP response",
	    log_text("certificate", e->label),
	    log_text("status", answer->state == OCSP_REVOKED ? "revoked" : "good"));
	e->failures = 0;
}

static void
work(struct stapler *s, struct entry *e)
{
	struct usher_error err = { 0 };
	struct ocsp_answer answer;
	struct slice der;
	usher_status st;

	arena_reset(s->mem);
	if (e->url == NULL)
		prepare(s, e);
	if (e->url == NULL)
		return;
	st = fetch(s, e, &der, &err);
	if (st == USHER_OK)
		st = ocsp_read(slice_of(e->chain), der, now_s(), &answer, &err);
	if (st == USHER_OK && answer.state == OCSP_UNKNOWN)
		st = err_set(&err, USHER_E_PEER, "responder", "it does not know the certificate");
	if (st == USHER_OK)
		take_answer(s, e, der, &answer);
	else if (st != USHER_E_CANCELLED)
		fail(s, e, &err);
}

/* ---- the thread ---- */

static void
wait_until(struct stapler *s, int64_t due_s)
{
	int64_t now = now_s();
	const struct timespec until = {
		.tv_sec = (time_t)(due_s < now + LOOK_S ? due_s : now + LOOK_S),
	};

	(void)pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

static void *
run(void *arg)
{
	struct stapler *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		struct entry *e = next_due(s);

		if (e == NULL || e->due_s > now_s()) {
			wait_until(s, e == NULL ? INT64_MAX : e->due_s);
			continue;
		}
		(void)pthread_mutex_unlock(&s->lock);
		work(s, e);
		(void)pthread_mutex_lock(&s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- life ---- */

usher_status
stapler_new(_Atomic uint64_t *fetched, _Atomic uint64_t *failed, struct stapler **out,
    struct usher_error *err)
{
	struct stapler *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(err, "OCSP");
	s->fetched = fetched;
	s->failed = failed;
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->mem = arena_new(WORK_BYTES);
	s->lasting = arena_new(WORK_BYTES);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	if (s->stop_fd < 0 || s->mem == NULL || s->lasting == NULL) {
		stapler_free(s);
		return err_nomem(err, "OCSP");
	}
	*out = s;
	return USHER_OK;
}

usher_status
stapler_start(struct stapler *s, struct usher_error *err)
{
	const struct proxy_choice environment = { 0 };
	usher_status st = proxies_read(s->lasting, &environment, &s->proxies, err);

	if (st == USHER_OK)
		st = trust_open(NULL, SLICE_LITERAL(""), false, &s->trust, err);
	if (st == USHER_OK)
		st = poller_new(&s->poller, err);
	if (st == USHER_OK)
		st = http_new(NULL, s->poller, &s->http, err);
	if (st == USHER_OK && pthread_create(&s->thread, NULL, run, s) != 0)
		st = err_set(err, USHER_E_IO, "OCSP", "no thread can be started");
	s->running = st == USHER_OK;
	return st;
}

void
stapler_retry(struct stapler *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->retry = true;
	(void)pthread_cond_signal(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

void
stapler_free(struct stapler *s)
{
	if (s == NULL)
		return;
	if (s->running) {
		(void)pthread_mutex_lock(&s->lock);
		s->stop = true;
		(void)pthread_cond_signal(&s->changed);
		(void)pthread_mutex_unlock(&s->lock);
		(void)eventfd_write(s->stop_fd, 1);
		(void)pthread_join(s->thread, NULL);
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		while (s->buckets[i] != NULL) {
			struct entry *e = s->buckets[i];

			s->buckets[i] = e->next;
			entry_free(e);
		}
	}
	http_free(s->http);
	poller_free(s->poller);
	proxies_clear(&s->proxies);
	trust_free(s->trust);
	arena_free(s->lasting);
	arena_free(s->mem);
	if (s->stop_fd >= 0)
		(void)close(s->stop_fd);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->changed);
	free(s);
}
