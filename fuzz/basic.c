/* basic.c - any Authorization value: what is taken is UTF-8 without control bytes, within limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/basic.h"
#include "base/text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const windows[] = { "CONTOSO=contoso.com" };
	static const struct text_list domains = { windows, 1 };
	static const struct login_rules rules = { "default.example", &domains };
	struct arena *mem = arena_new(MEMORY);
	struct secret password = { 0 };
	const char *login = NULL;

	if (mem != NULL &&
	    basic_read(mem, slice_from(data, size), &rules, &login, &password) == BASIC_OK) {
		struct slice name = slice_of(login);
		struct slice word = slice_from(password.bytes, password.n);

		if (name.n == 0 || name.n > LOGIN_MAX_BYTES || !text_utf8_valid(name) ||
		    text_has_control(name) || slice_find(name, '\\') < name.n)
			abort();
		if (word.n == 0 || word.n > SECRET_MAX_BYTES || !text_utf8_valid(word) ||
		    text_has_control(word))
			abort();
	} else if (password.bytes != NULL) {
		abort();
	}
	secret_clear(&password);
	arena_free(mem);
	return 0;
}
