/* forward.c - X-Forwarded-For and X-Forwarded-Proto. */
#include "server/forward.h"

/* Takes the last entry off a comma-separated list. */
static struct slice
take_last(struct slice *list)
{
	size_t comma = slice_find_last(*list, ',');
	struct slice last = *list;

	if (comma == list->n) {
		list->n = 0;
		return slice_trim(last);
	}
	last = slice_skip(*list, comma + 1);
	list->n = comma;
	return slice_trim(last);
}

/* An address, perhaps with a port behind it, as some proxies write it. */
static bool
entry_address(struct slice entry, struct net_address *out)
{
	struct endpoint e;

	if (net_address_parse(entry, out))
		return true;
	if (!endpoint_parse(entry, &e) || e.any_family)
		return false;
	*out = e.address;
	return true;
}

struct net_address
forward_client(const struct http1_request *head, const struct net_range *trusted, size_t n_trusted,
    const struct net_address *peer)
{
	struct net_address client = *peer;

	/* Repeated fields are one list (RFC 9110, 5.3): walk it from its end. */
	for (size_t i = head->n_fields; i-- > 0;) {
		struct slice list = head->fields[i].value;

		if (!slice_is_nocase(head->fields[i].name, "x-forwarded-for"))
			continue;
		while (list.n > 0) {
			struct net_address next;

			if (!net_ranges_have(trusted, n_trusted, &client) ||
			    !entry_address(take_last(&list), &next))
				return client;
			client = next;
		}
	}
	return client;
}

bool
forward_secure(const struct http1_request *head)
{
	for (size_t i = head->n_fields; i-- > 0;) {
		struct slice list = head->fields[i].value;

		if (slice_is_nocase(head->fields[i].name, "x-forwarded-proto"))
			return slice_is_nocase(take_last(&list), "https");
	}
	return false;
}
