/* basic.c - reads Basic credentials and brings login names to one form. */
#include "auth/basic.h"

#include "base/encode.h"
#include "base/text.h"

/* Decoded text: windows-1252 grows to at most three bytes a character. */
enum { DECODED_BYTES = BASIC_VALUE_BYTES * 3 };

static struct slice
windows_domain(const struct login_rules *rules, struct slice name)
{
	const struct text_list *list = rules->windows_domains;

	for (size_t i = 0; list != NULL && i < list->n; i++) {
		struct slice row = slice_of(list->v[i]);
		size_t equals = slice_find(row, '=');

		if (equals < row.n && slice_eq_nocase(slice_from(row.p, equals), name))
			return slice_skip(row, equals + 1);
	}
	return (struct slice){ 0 };
}

static enum basic_result
join(struct arena *mem, struct slice user, struct slice domain, const char **out)
{
	struct buf text CLEANUP(buf_cleanup);

	buf_init(&text, LOGIN_MAX_BYTES);
	buf_slice(&text, user);
	if (domain.n > 0) {
		buf_char(&text, '@');
		buf_slice(&text, domain);
	}
	if (text.status == USHER_E_LIMIT)
		return BASIC_REFUSED;
	*out = text.status == USHER_OK ? text_login_copy(mem, buf_as_slice(&text)) : NULL;
	return *out == NULL ? BASIC_NOMEM : BASIC_OK;
}

/* Refuses names of a form that we do not know or nobody told us the domain of. */
static enum basic_result
canonical(struct arena *mem, struct slice user, const struct login_rules *rules, const char **out)
{
	size_t backslash = slice_find(user, '\\');
	struct slice whole = user, domain = { 0 };

	if (backslash < user.n) {
		struct slice windows = slice_from(user.p, backslash);

		user = slice_skip(user, backslash + 1);
		if (slice_find(user, '\\') < user.n)
			return BASIC_REFUSED;
		if (slice_find(user, '@') == user.n && windows.n > 0) {
			domain = windows_domain(rules, windows);
			if (domain.n == 0)
				return rules->keep_domains && user.n > 0 ?
					   join(mem, whole, domain, out) :
					   BASIC_REFUSED;
		}
	}
	if (user.n == 0)
		return BASIC_REFUSED;
	if (domain.n == 0 && slice_find(user, '@') == user.n)
		domain = slice_of(rules->default_domain);
	return join(mem, user, domain, out);
}

static enum basic_result
take(struct arena *mem, struct slice text, const struct login_rules *rules, const char **login,
    struct secret *password)
{
	size_t colon = slice_find(text, ':');
	struct slice user = slice_from(text.p, colon);
	struct slice word = slice_skip(text, colon + 1);
	enum basic_result result;
	const char *name;

	if (colon == text.n || word.n == 0 || word.n > SECRET_MAX_BYTES || text_has_control(text))
		return BASIC_REFUSED;
	result = canonical(mem, user, rules, &name);
	if (result != BASIC_OK)
		return result;
	if (!secret_set(password, word))
		return BASIC_NOMEM;
	*login = name;
	return BASIC_OK;
}

enum basic_result
basic_read(struct arena *mem, struct slice value, const struct login_rules *rules,
    const char **login, struct secret *password)
{
	static const struct slice scheme = SLICE_LITERAL("Basic");
	struct buf raw, text;
	enum basic_result result = BASIC_REFUSED;

	if (!slice_starts_nocase(value, scheme) || value.n == scheme.n || value.p[scheme.n] != ' ')
		return BASIC_NONE;
	if (value.n > BASIC_VALUE_BYTES)
		return BASIC_REFUSED;

	buf_init(&raw, BASIC_VALUE_BYTES);
	buf_init(&text, DECODED_BYTES);
	if (base64_decode(&raw, slice_trim(slice_skip(value, scheme.n)))) {
		if (text_utf8_valid(buf_as_slice(&raw)))
			buf_slice(&text, buf_as_slice(&raw));
		else
			text_from_cp1252(&text, buf_as_slice(&raw));
		if (text.status == USHER_OK)
			result = take(mem, buf_as_slice(&text), rules, login, password);
	}
	if (raw.status == USHER_E_NOMEM || text.status == USHER_E_NOMEM)
		result = BASIC_NOMEM;
	buf_wipe(&raw);
	buf_wipe(&text);
	return result;
}
