/* service.h - what usherd is doing: state that outlives reloads, the configuration in force, and
 * what each thread has of its own. */
#ifndef USHER_SERVER_SERVICE_H
#define USHER_SERVER_SERVICE_H

#include <stdatomic.h>

#include "auth/remember.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "base/name_map.h"
#include "dir/dir.h"
#include "dir/ldap_login.h"
#include "server/conf.h"
#include "server/engine.h"
#include "server/stapler.h"
#include "wire/xml.h"

enum service_counter {
	COUNT_ANSWER_SETTINGS = 0,
	COUNT_ANSWER_REDIRECT,
	COUNT_ANSWER_REFUSAL,
	COUNT_LOGIN_PASSED,
	COUNT_LOGIN_REMEMBERED, /* of those that passed */
	COUNT_LOGIN_REFUSED,
	COUNT_LOGIN_THROTTLED,
	COUNT_DIRECTORY_UNAVAILABLE,
	COUNT_RELOADED,
	COUNT_RELOAD_REFUSED,
	COUNT_STAPLE_FETCHED,
	COUNT_STAPLE_FAILED,
	SERVICE_COUNTERS
};

/* As engine_counter_rows. */
extern const struct engine_counter_row service_counter_rows[SERVICE_COUNTERS];

extern const struct engine_counter_row dir_counter_rows[DIR_COUNTERS];

/* Lives as long as the process. Shared by all threads. */
struct service_state {
	struct remember *remember;
	struct throttle *throttle;
	struct tls_tickets *tickets;
	struct stapler *stapler;
	const struct engine *engine; /* set before the first request */
	int64_t started_s;
	_Atomic unsigned signatures; /* waiting or being made */
	_Atomic uint64_t counters[SERVICE_COUNTERS];
	struct dir_counters directory;
};

/* A certificate in use, for status and metrics. */
struct served_certificate {
	const char *listener;
	const char *label; /* thumbprint or file */
	const char *subject;
	int64_t not_after;
};

/* A host name by which the clients of a domain reach us. */
struct host_domain {
	const char *host;
	const char *domain; /* NULL: several domains have it */
};

/* One configuration in force: the engine's `app`. Never changed once it serves. */
struct service {
	struct service_state *state;
	struct conf *conf; /* one reference */
	struct arena *mem; /* owns what follows */
	int64_t loaded_s;
	const char *fingerprint;       /* of what was read from the directory, see certs.h */
	const struct authority *roots; /* of private authorities: /ca hands them out */
	size_t n_roots;
	const struct served_certificate *certificates;
	size_t n_certificates;
	struct name_map
	    host_names;	       /* of domains and certificates; the values are the names alone */
	struct name_map hosts; /* of struct host_domain */
	struct ldap_login
	    *login;		/* who checks passwords; NULL: their hashes are in the directory */
	struct tls_set *signer; /* of Apple profiles; one reference; NULL: they go unsigned */
};

/* What one thread owns: the engine's context. */
struct service_thread {
	struct service *service;
	struct dir *dir;
	usher_status lost; /* why lookups fail at present: said once, not at every request */
	struct xml_reader *xml;
	struct buf out;
};

USHER_CHECK usher_status
service_state_init(struct service_state *state, const struct conf *conf, struct usher_error *err);

void
service_state_clear(struct service_state *state);

void
service_free(struct service *service);

/* The callbacks of struct engine_app. */
usher_status
service_context_new(void *app, unsigned thread, void **out, struct usher_error *err);
void
service_context_free(void *context);
void
service_batch(void *context, bool begins);
int
service_descriptor(void *context);
void
service_turn(void *context);
void
service_app_free(void *app);

/* The directory, for lookups of this request. */
struct dir *
service_dir(const struct request *request);

/* After LOOKUP_PENDING: `again` will be called when that lookup, and what else the request waits
 * for, has ended. False: it cannot wait, and still has to be answered. */
USHER_CHECK bool
service_wait(struct request *request, void (*again)(struct request *request));

/* What a request does with the outcome of a directory call. True: go on. False: either it was
 * LOOKUP_PENDING, and `again` will be called to make the same call again; or LOOKUP_UNAVAILABLE,
 * `err` says why, and the request has been answered 503. The handle stays: it finds its file or its
 * server again by itself. To be called right after the lookup. */
bool
service_available(struct request *request, enum lookup found, const struct usher_error *err,
    void (*again)(struct request *request));

void
service_count(struct request *request, enum service_counter counter);

struct service *
service_of(const struct request *request);

struct service_thread *
thread_of(const struct request *request);

#endif
