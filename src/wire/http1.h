/* http1.h - a strict HTTP/1.1 request reader without I/O (RFC 9110, RFC 9112; engine.md).
 *
 * The caller owns the input buffer and feeds what has arrived; the reader says how far it got. A
 * finished head is a set of slices into that buffer. Nothing is allocated. */
#ifndef USHER_WIRE_HTTP1_H
#define USHER_WIRE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { HTTP1_MAX_FIELDS = 100 };

struct http1_limits {
	size_t head_bytes; /* request line and fields together */
	size_t body_bytes;
};

struct http1_field {
	struct slice name;
	struct slice value; /* trimmed */
};

enum http1_method {
	HTTP1_GET = 0,
	HTTP1_HEAD,
	HTTP1_POST,
	HTTP1_PUT,
	HTTP1_DELETE,
	HTTP1_OPTIONS,
	HTTP1_PATCH,
	HTTP1_OTHER /* TRACE and CONNECT too */
};

struct http1_request {
	enum http1_method method;
	struct slice method_text;
	struct slice target; /* as sent */
	struct slice path;   /* without query; still encoded as sent; authority of an absolute
				target is left out */
	struct slice query;  /* without `?` */
	struct slice host;   /* the Host field's value, brackets and port included; may be empty
				in HTTP/1.0 only */
	int minor;	     /* 0 or 1 */
	bool keep_alive;     /* what version and Connection together mean */
	bool expect_continue;
	bool chunked;
	bool has_length;
	uint64_t content_length; /* 0 without a body */
	struct http1_field fields[HTTP1_MAX_FIELDS];
	size_t n_fields;
	size_t head_bytes; /* length of the head in the input, final empty line included */
};

enum http1_result {
	HTTP1_MORE = 0, /* feed more */
	HTTP1_DONE,
	HTTP1_ERROR /* answer `status` and close */
};

/* Reads a head from the beginning of `input`, which holds everything received so far. One empty
 * line before it is skipped and counted in head_bytes. Nothing changes before the next line feed
 * has arrived, so a caller need not ask again earlier, except when limits->head_bytes are there.
 *
 * HTTP1_DONE: *out is whole; its slices point into `input`. After HTTP1_MORE and HTTP1_ERROR its
 * content means nothing. HTTP1_ERROR: *status is 400, 417, 431, 501 or 505 and *reason a constant
 * text for people. CONNECT and TRACE are read like others (405 is the caller's to say); the path of
 * CONNECT is empty, that of `OPTIONS *` is `*`. */
enum http1_result
http1_read_head(struct slice input, const struct http1_limits *limits, struct http1_request *out,
    int *status, const char **reason);

/* The value of a field, or a slice with p NULL when it is absent. Name without regard to case. */
struct slice
http1_field(const struct http1_request *request, const char *name);

/* A sans-I/O machine that cuts the body out of the input, decoding it when chunked. */
struct http1_body {
	int state;
	uint64_t left;	    /* of the current chunk, or of the announced length */
	uint64_t total;	    /* decoded bytes so far */
	unsigned digits;    /* of the chunk size being read */
	size_t extra_bytes; /* chunk extensions and trailers so far */
	bool chunked;
};

/* Extensions and trailers are read, bounded together by this, and dropped. */
enum { HTTP1_EXTRA_BYTES = 4096 };

void
http1_body_init(struct http1_body *b, const struct http1_request *request);

/* Takes raw bytes from `input`, which may be empty, and moves decoded ones to `output` (which may
 * be the same memory: output never overtakes input). *consumed counts raw bytes taken, *produced
 * decoded bytes put. HTTP1_DONE when the body is complete; what follows it in the input is the next
 * request. HTTP1_ERROR with *status 400 or 413. */
enum http1_result
http1_body_feed(struct http1_body *b, struct slice input, char *output,
    const struct http1_limits *limits, size_t *consumed, size_t *produced, int *status,
    const char **reason);

enum { HTTP1_PATH_BYTES = 512 };

/* Decodes and normalises a path for routing: %XX decoded once, ASCII letters lowered; `//`, `.` and
 * `..` segments, encoded slashes and dots, NUL, control bytes and invalid UTF-8 are refused. False
 * when refused or longer than HTTP1_PATH_BYTES - 1. */
bool
http1_route_path(struct slice path, char out[HTTP1_PATH_BYTES]);

#endif
