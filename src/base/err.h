/* err.h - filling in a struct usher_error. */
#ifndef USHER_BASE_ERR_H
#define USHER_BASE_ERR_H

#include "base/compat.h"
#include "usher/status.h"

/* Writes status, where and message into `err` (NULL is allowed) and gives `status` back, so that
 * a failing function ends in `return err_set(...)`. Control bytes and what is not UTF-8 are shown
 * as `?`, over-long texts are cut at a whole UTF-8 character. `where` may be NULL.
 * The message says what is wrong and what to do; no full stop, no newline, no secret. */
usher_status
err_set(struct usher_error *err, usher_status status, const char *where, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Out of memory: always the same words. */
usher_status
err_nomem(struct usher_error *err, const char *where);

#endif
