/* servers.c - an answer of rows. */
#include "servers.h"

void
servers_make(
    const struct server servers[SERVERS_MAX], struct servers_room *room, struct answer *out)
{
	size_t n = 0;

	for (; n < SERVERS_MAX && servers[n].at != NULL; n++) {
		const struct server *s = &servers[n];
		struct answer_protocol *p = &room->protocols[n];

		answer_protocol_init(p, s->kind);
		if (s->port == 0)
			p->url = s->at;
		else
			p->server = s->at;
		p->port = s->port == 0 ? NUMBER_ABSENT : s->port;
		p->encryption = s->encryption;
		p->login_name = s->user;
		room->logins[n] = s->login;
		p->authentication = (struct text_list){ &room->logins[n], 1 };
	}
	answer_init(out, ANSWER_SETTINGS);
	out->protocols = room->protocols;
	out->n_protocols = n;
}
