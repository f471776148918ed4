/* compat.h - what the compiler gives beyond C11; the one place for conditionals. */
#ifndef USHER_BASE_COMPAT_H
#define USHER_BASE_COMPAT_H

#include <stddef.h>

#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#define NORETURN __attribute__((noreturn))
#define PURE __attribute__((pure))
#define UNUSED __attribute__((unused))
/* Runs `fn(&variable)` when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define FALLTHROUGH __attribute__((fallthrough))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
