/* servers.h - the servers of an answer as rows of a test's table. */
#ifndef USHER_TESTS_WIRE_SERVERS_H
#define USHER_TESTS_WIRE_SERVERS_H

#include "model/answer.h"

enum { SERVERS_MAX = 6 };

/* A table of them ends with one that has no `at`. */
struct server {
	enum protocol_kind kind;
	const char *at; /* host, or URL when there is no port */
	int64_t port;
	const char *encryption, *login, *user;
};

/* What an answer that is made of a table points to. */
struct servers_room {
	struct answer_protocol protocols[SERVERS_MAX];
	const char *logins[SERVERS_MAX];
};

void
servers_make(
    const struct server servers[SERVERS_MAX], struct servers_room *room, struct answer *out);

#endif
