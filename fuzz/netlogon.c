/* netlogon.c - any bytes for the reply to an LDAP ping. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/netlogon.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 * 1024, ID = 7 };

static void
check_name(const char *name)
{
	if (name != NULL && (*name == '\0' || strlen(name) >= NETLOGON_NAME_BYTES ||
				!text_utf8_valid(slice_of(name))))
		abort();
}

static void
check(const struct dc_answer *a)
{
	check_name(a->domain);
	check_name(a->host);
	check_name(a->client_site);
	check_name(a->next_closest_site);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct slice input = slice_from(data, size);
	struct dc_answer answer;

	if (mem != NULL && netlogon_read_reply(mem, input, ID, &answer, NULL) == USHER_OK)
		check(&answer);
	/* What can be read whole is not waited for. */
	if (mem != NULL && netlogon_read_reply(mem, input, ID, &answer, NULL) == USHER_OK &&
	    !netlogon_is_whole(input))
		abort();
	if (mem != NULL && netlogon_read(mem, input, &answer, NULL) == USHER_OK)
		check(&answer);
	arena_free(mem);
	return 0;
}
