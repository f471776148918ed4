/* url.c - parse > text > parse gives the same URL; resolving never leaves http and https. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same_again(struct arena *mem, const struct url *u)
{
	struct url again;

	assert(strlen(u->text) <= URL_MAX_BYTES && u->path[0] == '/');
	assert(url_parse(mem, slice_of(u->text), &again, NULL) == USHER_OK);
	assert(url_same(u, &again) && strcmp(u->text, again.text) == 0);
	assert(strcmp(u->path, again.path) == 0 && u->ip_literal == again.ip_literal);
	assert(!again.userinfo);
	for (const char *p = u->text; *p != '\0'; p++)
		assert(*p > 0x20 && *p < 0x7f);
}

/* The input is a reference, or `base LF reference`. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size);
	struct slice first = slice_from(data, slice_find(text, '\n'));
	struct arena *mem = arena_new(1024 * 1024);
	struct buf b, back;
	struct url u, resolved;

	assert(mem != NULL);
	if (url_parse(mem, first, &u, NULL) == USHER_OK) {
		check_same_again(mem, &u);
		if (url_resolve(mem, &u, slice_skip(text, first.n + 1), &resolved, NULL) ==
		    USHER_OK)
			check_same_again(mem, &resolved);
	}
	buf_init(&b, 3 * size + 1);
	buf_init(&back, size + 1);
	url_escape(&b, text);
	if (slice_find(text, '\0') == text.n) {
		assert(url_unescape(&back, buf_as_slice(&b)));
		assert(slice_eq(buf_as_slice(&back), text));
	}
	(void)url_unescape(&back, text);
	buf_clear(&b);
	buf_clear(&back);
	arena_free(mem);
	return 0;
}
