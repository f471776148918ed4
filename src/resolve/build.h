/* build.h - what the files of this folder share while an answer is made. */
#ifndef USHER_RESOLVE_BUILD_H
#define USHER_RESOLVE_BUILD_H

#include "resolve/resolve.h"

/* An answer in the making. Out of memory sticks in `failed`, and is looked at once at the end. */
struct build {
	struct arena *mem;
	const struct question *question;
	const struct facts *facts;
	const unsigned char *client_address; /* see struct resolve_context */
	const struct mailbox *mailbox; /* NULL: unknown, or not to be spoken of to this caller */
	const struct mail_service *services; /* the mailbox's: its domain's, or another's */
	size_t n_services;
	bool own; /* the caller asks about a mailbox of their own */
	struct answer *out;
	struct answer_protocol *protocols; /* becomes out->protocols */
	bool failed;
};

/* The login name for a service, see resolve_login(). */
const char *
build_login(struct build *b, const struct mail_service *service);

/* Passes `p` through; NULL means out of memory. */
const char *
build_text(struct build *b, const char *p);

/* Room for `n` protocols at most. */
bool
build_protocols(struct build *b, size_t n);

/* The next protocol, empty. */
struct answer_protocol *
build_protocol(struct build *b, enum protocol_kind kind);

/* The mail servers, each a protocol; there is room. */
void
build_services(struct build *b);

/* Settings of a `mail` domain. Returns 0 or the code of a refusal. */
int
build_mail(struct build *b);

/* Settings of a mailbox in an `exchange` domain. Returns 0 or the code of a refusal. */
int
build_exchange(struct build *b);

/* The same of either for a phone that asks for its ActiveSync server. */
int
build_activesync(struct build *b);

#endif
