/* profile.c - a profile that can be read can be written, and read again as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/profile.h"

enum { TEXT_BYTES = 64 * 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct buf CLEANUP(buf_cleanup) first = { 0 };
	struct buf CLEANUP(buf_cleanup) second = { 0 };
	struct profile_data profile, again;
	struct profile_changes changes;
	struct answer settings;

	if (mem == NULL ||
	    profile_data_read(mem, slice_from(data, size), "", &profile, NULL) != USHER_OK)
		return 0;
	buf_init(&first, TEXT_BYTES);
	buf_init(&second, TEXT_BYTES);
	profile_data_write(&first, &profile);
	if (profile_data_read(mem, buf_as_slice(&first), "", &again, NULL) != USHER_OK)
		abort();
	profile_data_write(&second, &again);
	if (!slice_eq(buf_as_slice(&first), buf_as_slice(&second)))
		abort();
	if (!profile_merge(mem, &profile.connection, &profile.services, &settings) ||
	    !profile_compare(mem, &again.services, &profile.services, &changes) || changes.n != 0 ||
	    !profile_compare(mem, &settings, &profile.services, &changes))
		abort();
	return 0;
}
