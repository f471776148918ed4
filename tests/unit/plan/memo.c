/* memo.c - what was said before about URLs and registrable domains. Random worlds speak of a few
 * hundred names, a million times; the linker puts these in front of the real functions (--wrap). */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"

enum { MEMO_ROWS = 8192, MEMO_BYTES = 64 * 1024 * 1024 };

enum memo_about {
	ABOUT_URL = 'u',
	ABOUT_REFERENCE = 'v',
	ABOUT_REGISTRABLE = 'r',
	ABOUT_SUFFIX = 's'
};

struct memo {
	bool used;
	enum memo_about about;
	struct slice a, b; /* asked for */
	usher_status status;
	struct url url;
	size_t registrable; /* where it begins; SIZE_MAX: there is none */
	int is_suffix;
};

usher_status
__real_url_parse(struct arena *mem, struct slice text, struct url *out, struct usher_error *err);
usher_status
__real_url_resolve(struct arena *mem, const struct url *base, struct slice reference,
    struct url *out, struct usher_error *err);
const char *
__real_psl_registrable_domain(const void *psl, const char *domain);
int
__real_psl_is_public_suffix(const void *psl, const char *domain);
usher_status
__wrap_url_parse(struct arena *mem, struct slice text, struct url *out, struct usher_error *err);
usher_status
__wrap_url_resolve(struct arena *mem, const struct url *base, struct slice reference,
    struct url *out, struct usher_error *err);
const char *
__wrap_psl_registrable_domain(const void *psl, const char *domain);
int
__wrap_psl_is_public_suffix(const void *psl, const char *domain);

static struct arena *
memory(void)
{
	static struct arena *mem; /* as long as the program */

	if (mem == NULL)
		mem = arena_new(MEMO_BYTES);
	if (mem == NULL)
		abort();
	return mem;
}

static uint64_t
hash(uint64_t h, struct slice s)
{
	uint64_t word;

	for (; s.n >= sizeof(word); s = slice_skip(s, sizeof(word))) {
		memcpy(&word, s.p, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15U;
		h ^= h >> 29;
	}
	for (word = 0; s.n > 0; s = slice_skip(s, 1))
		word = word << 8 | (unsigned char)s.p[0];
	h = (h ^ word) * 0x9e3779b97f4a7c15U;
	return h ^ h >> 32;
}

/* The row of `a` and `b` together; *known says whether it is filled in already. NULL: no room. */
static struct memo *
look_up(enum memo_about about, struct slice a, struct slice b, bool *known)
{
	static struct memo rows[MEMO_ROWS];
	static size_t n_rows;
	struct memo *m = &rows[hash(hash((uint64_t)about, a), b) % MEMO_ROWS];

	while (m->used && (m->about != about || !slice_eq(m->a, a) || !slice_eq(m->b, b)))
		m = m == rows ? rows + MEMO_ROWS - 1 : m - 1;
	*known = m->used;
	if (*known)
		return m;
	if (n_rows == MEMO_ROWS / 2)
		return NULL;
	n_rows++;
	m->used = true;
	m->about = about;
	m->a = slice_from(arena_copy(memory(), a), a.n);
	m->b = slice_from(arena_copy(memory(), b), b.n);
	if (m->a.p == NULL || m->b.p == NULL)
		abort();
	return m;
}

/* Messages are made anew. */
static usher_status
tell_url(const struct memo *m, struct url *out)
{
	if (m->status == USHER_OK)
		*out = m->url;
	return m->status;
}

usher_status
__wrap_url_parse(struct arena *mem, struct slice text, struct url *out, struct usher_error *err)
{
	bool known = false;
	struct memo *m = err != NULL || text.n == 0 ?
			     NULL :
			     look_up(ABOUT_URL, text, (struct slice){ NULL, 0 }, &known);

	if (m == NULL)
		return __real_url_parse(mem, text, out, err);
	if (!known)
		m->status = __real_url_parse(memory(), text, &m->url, NULL);
	return tell_url(m, out);
}

usher_status
__wrap_url_resolve(struct arena *mem, const struct url *base, struct slice reference,
    struct url *out, struct usher_error *err)
{
	bool known = false;
	struct memo *m =
	    err != NULL ? NULL : look_up(ABOUT_REFERENCE, slice_of(base->text), reference, &known);

	if (m == NULL)
		return __real_url_resolve(mem, base, reference, out, err);
	if (!known)
		m->status = __real_url_resolve(memory(), base, reference, &m->url, NULL);
	return tell_url(m, out);
}

const char *
__wrap_psl_registrable_domain(const void *psl, const char *domain)
{
	bool known = false;
	struct memo *m =
	    look_up(ABOUT_REGISTRABLE, slice_of(domain), (struct slice){ NULL, 0 }, &known);

	if (m == NULL)
		return __real_psl_registrable_domain(psl, domain);
	if (!known) {
		const char *found = __real_psl_registrable_domain(psl, domain);

		m->registrable = found == NULL ? SIZE_MAX : (size_t)(found - domain);
	}
	return m->registrable == SIZE_MAX ? NULL : domain + m->registrable;
}

int
__wrap_psl_is_public_suffix(const void *psl, const char *domain)
{
	bool known = false;
	struct memo *m = look_up(ABOUT_SUFFIX, slice_of(domain), (struct slice){ NULL, 0 }, &known);

	if (m == NULL)
		return __real_psl_is_public_suffix(psl, domain);
	if (!known)
		m->is_suffix = __real_psl_is_public_suffix(psl, domain);
	return m->is_suffix;
}
