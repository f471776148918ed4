/* challenge.c - reads WWW-Authenticate, and chooses the scheme to log in by. */
#include "plan/challenge.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { SCHEMES_MAX_BYTES = 256, REALM_MAX_BYTES = 256, TOKEN_MAX_BYTES = 64 };

struct reader {
	struct buf schemes;
	struct buf realm;
	unsigned offered;
	bool in_basic;
};

/* RFC 9110, 5.6.2 */
static bool
is_token(char c)
{
	return text_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What Negotiate and NTLM carry, before its closing `=` signs. */
static bool
is_token68(char c)
{
	return text_is_alnum(c) || (c != '\0' && strchr("-._~+/", c) != NULL);
}

static void
add_scheme(struct reader *r, struct slice name)
{
	enum auth_scheme scheme = auth_scheme_named(name);

	r->in_basic = scheme == SCHEME_BASIC;
	r->offered |= SCHEME_BIT(scheme);
	if (r->schemes.n > 0)
		buf_text(&r->schemes, ", ");
	buf_slice(&r->schemes, name);
}

/* A quoted string after its opening quote; with `keep`, its content goes to the realm. */
static bool
read_quoted(struct cursor *c, struct buf *keep)
{
	while (!cursor_at_end(c)) {
		char ch = (char)cursor_peek(c);

		(void)cursor_char(c, ch);
		if (ch == '"')
			return true;
		if (ch == '\\') {
			if (cursor_at_end(c))
				return false;
			ch = (char)cursor_peek(c);
			(void)cursor_char(c, ch);
		}
		if (keep != NULL)
			buf_char(keep, ch);
	}
	return false;
}

/* `=value` of a parameter. */
static bool
read_value(struct reader *r, struct cursor *c, struct slice name)
{
	bool is_realm = r->in_basic && r->realm.n == 0 && slice_is_nocase(name, "realm");

	(void)cursor_char(c, '=');
	cursor_blanks(c);
	if (cursor_maybe(c, '"'))
		return read_quoted(c, is_realm ? &r->realm : NULL);
	if (cursor_at_end(c) || !is_token((char)cursor_peek(c)))
		return true;
	struct slice value = cursor_while(c, is_token, SIZE_MAX);
	if (is_realm)
		buf_slice(&r->realm, value);
	return !c->failed;
}

/* One element of the comma list: a parameter of the scheme before, or a scheme, alone, with a token
 * or with its first parameter. */
static bool
read_element(struct reader *r, struct cursor *c)
{
	struct slice name = cursor_while(c, is_token, TOKEN_MAX_BYTES);

	cursor_blanks(c);
	if (c->failed)
		return false;
	if (cursor_peek(c) == '=')
		return read_value(r, c, name);

	add_scheme(r, name);
	if (cursor_at_end(c) || cursor_peek(c) == ',')
		return true;
	struct cursor token = *c;
	(void)cursor_while(&token, is_token68, SIZE_MAX);
	while (cursor_maybe(&token, '='))
		continue;
	cursor_blanks(&token);
	if (!token.failed && (cursor_at_end(&token) || cursor_peek(&token) == ',')) {
		*c = token;
		return true;
	}
	name = cursor_while(c, is_token, TOKEN_MAX_BYTES);
	cursor_blanks(c);
	return !c->failed && cursor_peek(c) == '=' && read_value(r, c, name);
}

static void
read_field(struct reader *r, struct slice field)
{
	struct cursor c = cursor_on(field);

	r->in_basic = false;
	for (;;) {
		cursor_blanks(&c);
		while (cursor_maybe(&c, ','))
			cursor_blanks(&c);
		if (c.failed || cursor_at_end(&c) || !read_element(r, &c))
			return;
		cursor_blanks(&c);
		if (!cursor_at_end(&c) && cursor_peek(&c) != ',')
			return;
	}
}

usher_status
challenge_read(struct arena *mem, const struct text_list *fields, struct challenge *out)
{
	struct reader r = { 0 };
	const char *realm;
	const char *schemes;

	buf_init(&r.schemes, SCHEMES_MAX_BYTES);
	buf_init(&r.realm, REALM_MAX_BYTES);
	for (size_t i = 0; i < fields->n; i++)
		read_field(&r, slice_of(fields->v[i]));

	realm = arena_strdup(mem, buf_cstr(&r.realm));
	schemes = arena_strdup(mem, buf_cstr(&r.schemes));
	buf_clear(&r.schemes);
	buf_clear(&r.realm);
	if (realm == NULL || schemes == NULL)
		return USHER_E_NOMEM;
	if (realm[0] == '\0')
		r.offered &= ~SCHEME_BIT(SCHEME_BASIC);
	*out = (struct challenge){
		.offered = r.offered,
		.realm = realm,
		.schemes = schemes,
	};
	return USHER_OK;
}

enum login_verdict
challenge_choose(
    const struct challenge *c, const struct login_means *means, enum auth_scheme *scheme)
{
	const unsigned basic = SCHEME_BIT(SCHEME_BASIC);
	unsigned known = c->offered & ~SCHEME_BIT(SCHEME_OTHER);
	unsigned possible = known & means->mine & ~means->failed;
	enum auth_scheme best = SCHEME_BEARER;

	if (known == 0)
		return LOGIN_UNKNOWN;
	if ((known & means->mine) == 0)
		return LOGIN_NO_MEANS;
	if (possible == 0)
		return LOGIN_FAILED;
	if (possible == basic && !means->basic_anyway) {
		if ((c->offered & ~basic) != 0)
			return LOGIN_TOO_WEAK;
		if ((means->seen & ~basic) != 0)
			return LOGIN_WEAKENED;
	}
	while ((possible & SCHEME_BIT(best)) == 0)
		best--;
	*scheme = best;
	return LOGIN_POSSIBLE;
}
