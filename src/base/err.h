/* err.h - filling in a struct usher_error. */
#ifndef USHER_BASE_ERR_H
#define USHER_BASE_ERR_H

#include "base/compat.h"
#include "usher/status.h"

/* Writes status, where and message into `err` (NULL is allowed) and gives `status` back, so that
 * a failing function ends in `return err_set(err, status, where, format, ...)`. Control bytes and
 * what is not UTF-8 are shown as `?`, over-long texts are cut at a whole UTF-8 character. `where`
 * may be NULL, and what is written may be made of what `err` says already. The message says what is
 * wrong and what to do; no full stop, no newline, no secret.
 *
 * A macro, so that compilers and analyzers see that what comes back is what went in. */
#define err_set(err, status, ...) (err_write((err), (status), __VA_ARGS__), err_same(status))

void
err_write(struct usher_error *err, usher_status status, const char *where, const char *format, ...)
    PRINTF_LIKE(4, 5);

static inline usher_status
err_same(usher_status status)
{
	return status;
}

/* Out of memory: always the same words. */
static inline usher_status
err_nomem(struct usher_error *err, const char *where)
{
	return err_set(err, USHER_E_NOMEM, where, "out of memory");
}

#endif
