/* err.c - one error, told once, in one line. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The text may quote a peer: a newline or an escape sequence in it must not reach a terminal or
 * split a log line, and what is not UTF-8 must not reach JSON. `size` is the buffer's. */
static void
clean_line(char *text, size_t size)
{
	size_t n = strlen(text);
	size_t i = 0;

	while (i < n) {
		size_t take = text_utf8_take(slice_from(text + i, n - i));
		unsigned char c = (unsigned char)text[i];

		/* vsnprintf() may have cut the last character in two. */
		if (take == 0 && c >= 0xc0 && n + 1 == size && n - i < 4) {
			text[i] = '\0';
			return;
		}
		/* C1 controls too: some terminals obey U+009B as they do ESC [. */
		if (take == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			text[i] = text[i + 1] = '?';
		if (take == 0 || c < 0x20 || c == 0x7f)
			text[i] = '?';
		i += take == 0 ? 1 : take;
	}
}

void
err_write(struct usher_error *err, usher_status status, const char *where, const char *format, ...)
{
	struct usher_error new = { .status = status };
	va_list ap;

	if (err == NULL)
		return;
	(void)snprintf(new.where, sizeof(new.where), "%s", where == NULL ? "" : where);
	va_start(ap, format);
	(void)vsnprintf(new.message, sizeof(new.message), format, ap);
	va_end(ap);
	clean_line(new.where, sizeof(new.where));
	clean_line(new.message, sizeof(new.message));
	*err = new;
}

const char *
usher_status_name(usher_status status)
{
	switch (status) {
	case USHER_OK:
		return "ok";
	case USHER_E_USAGE:
		return "usage";
	case USHER_E_CANCELLED:
		return "cancelled";
	case USHER_E_ADDRESS:
		return "address";
	case USHER_E_INPUT:
		return "input";
	case USHER_E_ABSENT:
		return "absent";
	case USHER_E_CONFLICT:
		return "conflict";
	case USHER_E_CREDENTIALS:
		return "credentials";
	case USHER_E_NETWORK:
		return "network";
	case USHER_E_TIMEOUT:
		return "timeout";
	case USHER_E_DNS:
		return "dns";
	case USHER_E_PEER:
		return "peer";
	case USHER_E_TLS:
		return "tls";
	case USHER_E_TRUST:
		return "trust";
	case USHER_E_PERMISSION:
		return "permission";
	case USHER_E_NOMEM:
		return "nomem";
	case USHER_E_LIMIT:
		return "limit";
	case USHER_E_IO:
		return "io";
	case USHER_E_UNAVAILABLE:
		return "unavailable";
	case USHER_E_INTERNAL:
		return "internal";
	}
	return "unknown";
}
