/* name.c - host names and their addresses, looked up once for all lanes. */
#include <string.h>

#include "base/ip.h"
#include "plan/inside.h"

const struct name *
name_find(const struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->n_names; i++) {
		if (strcmp(p->names[i].host, host) == 0)
			return &p->names[i];
	}
	return NULL;
}

void
name_ask(struct plan *p, const char *host)
{
	if (!p->options.names_apart && p->n_names < NAMES_MAX && name_find(p, host) == NULL)
		p->names[p->n_names++] = (struct name){ .host = host };
}

void
name_read(struct plan *p, const struct plan_resolution *what, struct name *out)
{
	out->failure = what->failure;
	switch (what->failure) {
	case PLAN_NO_FAILURE:
		out->addresses = record_list(p, &what->addresses);
		break;
	case PLAN_NO_SUCH_NAME:
		out->error = "NXDOMAIN";
		break;
	case PLAN_NO_ADDRESS:
		out->error = "no address";
		break;
	default:
		out->error = what->detail != NULL ? record_text(p, what->detail) : "no answer";
		break;
	}
}

void
name_tell(struct plan *p, const struct name *name)
{
	for (size_t i = 0; i < p->n_names; i++) {
		if (strcmp(p->names[i].host, name->host) == 0)
			p->names[i] = *name;
	}
}

struct text_list
name_public(struct plan *p, const struct text_list *addresses)
{
	const char **v = arena_array(p->mem, addresses->n, sizeof(*v));
	struct text_list out = { v, 0 };

	if (v == NULL) {
		p->status = USHER_E_NOMEM;
		return out;
	}
	for (size_t i = 0; i < addresses->n; i++) {
		if (ip_is_public(addresses->v[i]))
			v[out.n++] = addresses->v[i];
	}
	return out;
}
