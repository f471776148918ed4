/* authenticate.h - who sends a request: Basic credentials against the directory. */
#ifndef USHER_SERVER_AUTHENTICATE_H
#define USHER_SERVER_AUTHENTICATE_H

#include "base/secret.h"
#include "server/engine.h"

enum auth_outcome {
	CALLER_PASSED = 0,
	CALLER_NONE,	   /* no credentials of a kind we take: challenge */
	CALLER_REFUSED,	   /* challenge in the same words */
	CALLER_WAIT,	   /* too many failures: 429 */
	CALLER_UNSURE,	   /* has to be hashed; `then` never sees it, nor the next */
	CALLER_PENDING,	   /* the directory has been asked */
	CALLER_UNAVAILABLE /* never a challenge: it would make clients forget good passwords */
};

struct auth {
	enum auth_outcome outcome;
	const char *login;	/* CALLER_PASSED: canonical, in request->mem */
	uint64_t wait_ms;	/* CALLER_WAIT */
	struct usher_error err; /* CALLER_UNAVAILABLE, or why the directory says no */
	bool directory_failed;	/* CALLER_UNAVAILABLE: for that reason */

	/* until the outcome is known */
	struct secret password;
	const char *typed; /* as the client sent it, in one form */
	const char *owner; /* of the credential; NULL: unknown or disabled */
	bool disabled;
	const char *hash;  /* "" when unknown or disabled */
	const char *decoy; /* a hash of this directory; NULL when it has none */
	const char *dn;	   /* whose login the directory is to try; NULL: by hash */
	char source[NET_ADDRESS_TEXT_BYTES];
	struct service_state *state;
	struct ldap_login *checker;
	usher_status verdict; /* of password_verify() or ldap_login_check() */
	void (*then)(struct request *request, struct auth *auth);
};

/* Calls `then` with the outcome: at once when a look tells it, in microseconds, else when the
 * directory has answered and the thread pool has hashed; CALLER_UNAVAILABLE at once when the pool
 * is full. Only for a request that is complete. `auth` lies in request->mem, and request->data is
 * it from now on; the request belongs to `then`. */
void
authenticate(struct request *request, struct auth *auth,
    void (*then)(struct request *request, struct auth *auth));

/* The reply for every outcome but CALLER_PASSED. */
void
authenticate_refuse(struct request *request, struct auth *auth);

#endif
