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
	CALLER_UNSURE,	   /* authenticate_check() has to hash */
	CALLER_UNAVAILABLE /* never a challenge: it would make clients forget good passwords */
};

struct auth {
	enum auth_outcome outcome;
	const char *login;	/* CALLER_PASSED: canonical, in request->mem */
	uint64_t wait_ms;	/* CALLER_WAIT */
	struct usher_error err; /* CALLER_UNAVAILABLE */
	bool directory_failed;	/* CALLER_UNAVAILABLE: for that reason */

	/* between authenticate() and authenticate_check() */
	struct secret password;
	const char *typed; /* as the client sent it, in one form */
	const char *owner; /* of the credential; NULL: unknown or disabled */
	const char *hash;  /* "" when unknown or disabled */
	const char *decoy; /* a hash of this directory; NULL when it has none */
	char source[NET_ADDRESS_TEXT_BYTES];
	struct service_state *state;
	usher_status verdict; /* of password_verify() */
	void (*then)(struct request *request, struct auth *auth);
};

/* Looks at the credentials without hashing: microseconds. `auth` lies in request->mem. When the
 * outcome is CALLER_UNSURE, authenticate_check() must follow. */
void
authenticate(struct request *request, struct auth *auth);

/* Hashes in the thread pool and calls `then` with CALLER_PASSED, CALLER_REFUSED, CALLER_WAIT or
 * CALLER_UNAVAILABLE, the latter at once when the pool is full. The request belongs to `then`. */
void
authenticate_check(struct request *request, struct auth *auth,
    void (*then)(struct request *request, struct auth *auth));

/* The reply for every outcome but CALLER_PASSED and CALLER_UNSURE. */
void
authenticate_refuse(struct request *request, struct auth *auth);

#endif
