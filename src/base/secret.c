/* secret.c - passwords and the like: copied once, compared blindly, wiped. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

static bool
set(struct secret *s, struct slice text, size_t max)
{
	char *copy = NULL;

	if (text.n > 0 && text.n <= max && memchr(text.p, '\0', text.n) == NULL)
		copy = malloc(text.n + 1);
	if (copy != NULL) {
		memcpy(copy, text.p, text.n);
		copy[text.n] = '\0';
	}
	secret_clear(s);
	if (copy == NULL)
		return text.n == 0;
	s->bytes = copy;
	s->n = text.n;
	return true;
}

bool
secret_set(struct secret *s, struct slice text)
{
	return set(s, text, SECRET_MAX_BYTES);
}

bool
secret_set_token(struct secret *s, struct slice text)
{
	return set(s, text, SECRET_TOKEN_BYTES);
}

void
secret_clear(struct secret *s)
{
	if (s->bytes != NULL)
		explicit_bzero(s->bytes, s->n);
	free(s->bytes);
	*s = (struct secret){ NULL, 0 };
}

bool
secret_eq(const struct secret *a, const struct secret *b)
{
	unsigned char differ = 0;

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		differ |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
	return differ == 0;
}

void
secret_cleanup(struct secret *s)
{
	secret_clear(s);
}
