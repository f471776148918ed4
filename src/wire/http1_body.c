/* http1_body.c - cutting the body of a request out of the stream (RFC 9112, 6 and 7). */
#include <string.h>

#include "base/text.h"
#include "wire/http1.h"
#include "wire/http1_class.h"

enum state {
	BODY_DATA = 0, /* `left` bytes of an announced length or of a chunk */
	BODY_DATA_CR,  /* after a chunk's data */
	BODY_DATA_LF,
	BODY_SIZE,
	BODY_EXTENSION,
	BODY_SIZE_LF,
	BODY_TRAILER, /* at the beginning of a line */
	BODY_TRAILER_NAME,
	BODY_TRAILER_VALUE,
	BODY_TRAILER_LF,
	BODY_LAST_LF,
	BODY_END
};

enum { CHUNK_SIZE_DIGITS = 16 };

void
http1_body_init(struct http1_body *b, const struct http1_request *request)
{
	*b = (struct http1_body){ .chunked = request->chunked };
	if (request->chunked)
		b->state = BODY_SIZE;
	else
		b->left = request->content_length;
}

/* The size of a chunk is known: `left` is it. */
static int
begin_chunk(struct http1_body *b, const struct http1_limits *limits)
{
	if (b->left > limits->body_bytes - b->total)
		return 413;
	b->state = b->left == 0 ? BODY_TRAILER : BODY_DATA;
	return 0;
}

static int
take_size_byte(struct http1_body *b, char c)
{
	int digit = text_hex_value(c);

	if (digit >= 0 && b->digits < CHUNK_SIZE_DIGITS) {
		b->left = b->left * 16 + (uint64_t)digit;
		b->digits++;
		return 0;
	}
	if (b->digits == 0 || digit >= 0)
		return 400;
	if (c == '\r')
		b->state = BODY_SIZE_LF;
	else if (c == ';')
		b->state = BODY_EXTENSION;
	else
		return 400;
	return 0;
}

/* Takes exactly `wanted` and goes to `next`. */
static int
take_exactly(struct http1_body *b, char c, char wanted, enum state next)
{
	if (c != wanted)
		return 400;
	b->state = next;
	return 0;
}

static int
take_extra_byte(struct http1_body *b, char c)
{
	if (++b->extra_bytes > HTTP1_EXTRA_BYTES)
		return 413;
	switch (b->state) {
	case BODY_EXTENSION:
		if (c == '\r')
			b->state = BODY_SIZE_LF;
		else if (!http1_is(c, HTTP1_CLASS_VALUE))
			return 400;
		return 0;
	case BODY_TRAILER:
		if (c == '\r')
			b->state = BODY_LAST_LF;
		else if (http1_is(c, HTTP1_CLASS_TOKEN))
			b->state = BODY_TRAILER_NAME;
		else
			return 400;
		return 0;
	case BODY_TRAILER_NAME:
		if (c == ':')
			b->state = BODY_TRAILER_VALUE;
		else if (!http1_is(c, HTTP1_CLASS_TOKEN))
			return 400;
		return 0;
	default: /* BODY_TRAILER_VALUE */
		if (c == '\r')
			b->state = BODY_TRAILER_LF;
		else if (!http1_is(c, HTTP1_CLASS_VALUE))
			return 400;
		return 0;
	}
}

/* One byte outside the data. Gives 0 or the status of the refusal. */
static int
take_byte(struct http1_body *b, char c, const struct http1_limits *limits)
{
	int status;

	switch (b->state) {
	case BODY_SIZE:
		return take_size_byte(b, c);
	case BODY_SIZE_LF:
		status = take_exactly(b, c, '\n', BODY_DATA);
		return status != 0 ? status : begin_chunk(b, limits);
	case BODY_DATA_CR:
		return take_exactly(b, c, '\r', BODY_DATA_LF);
	case BODY_DATA_LF:
		b->left = 0;
		b->digits = 0;
		return take_exactly(b, c, '\n', BODY_SIZE);
	case BODY_TRAILER_LF:
		return take_exactly(b, c, '\n', BODY_TRAILER);
	case BODY_LAST_LF:
		return take_exactly(b, c, '\n', BODY_END);
	default:
		return take_extra_byte(b, c);
	}
}

static enum http1_result
refuse(int code, int *status, const char **reason)
{
	*status = code;
	*reason = code == 413 ? "the request's body is too large" : "malformed chunked body";
	return HTTP1_ERROR;
}

enum http1_result
http1_body_feed(struct http1_body *b, struct slice input, char *output,
    const struct http1_limits *limits, size_t *consumed, size_t *produced, int *status,
    const char **reason)
{
	size_t at = 0;
	size_t out = 0;
	int code = 0;

	if (!b->chunked && b->left > limits->body_bytes - b->total)
		return refuse(413, status, reason);
	while (code == 0 && b->state != BODY_END) {
		if (b->state == BODY_DATA && b->left == 0) {
			b->state = b->chunked ? BODY_DATA_CR : BODY_END;
		} else if (at == input.n) {
			break;
		} else if (b->state == BODY_DATA) {
			size_t n = input.n - at;

			if (n > b->left)
				n = (size_t)b->left;
			memmove(output + out, input.p + at, n);
			at += n;
			out += n;
			b->left -= n;
			b->total += n;
		} else {
			code = take_byte(b, input.p[at++], limits);
		}
	}
	if (code != 0)
		return refuse(code, status, reason);
	*consumed = at;
	*produced = out;
	return b->state == BODY_END ? HTTP1_DONE : HTTP1_MORE;
}
