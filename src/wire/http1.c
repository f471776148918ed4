/* http1.c - reading the head of an HTTP/1.1 request, strictly (RFC 9110, RFC 9112). */
#include "wire/http1.h"

#include <string.h>

#include "base/compat.h"
#include "base/text.h"
#include "wire/http1_class.h"

struct reader {
	struct http1_request *out;
	struct slice authority; /* of an absolute target */
	struct slice transfer;	/* Transfer-Encoding */
	bool has_host;
	bool has_transfer;
	bool has_authorization;
	bool says_close;
	bool says_keep_alive;
	int status; /* of the refusal; 0 while all is well */
	const char *reason;
};

static bool
refuse(struct reader *r, int status, const char *reason)
{
	r->status = status;
	r->reason = reason;
	return false;
}

/* ---- request line ---- */

static enum http1_method
method_of(struct slice text)
{
	static const struct {
		const char *name;
		enum http1_method method;
	} rows[] = {
		{ "GET", HTTP1_GET },
		{ "POST", HTTP1_POST },
		{ "HEAD", HTTP1_HEAD },
		{ "PUT", HTTP1_PUT },
		{ "DELETE", HTTP1_DELETE },
		{ "OPTIONS", HTTP1_OPTIONS },
		{ "PATCH", HTTP1_PATCH },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (slice_is(text, rows[i].name))
			return rows[i].method;
	return HTTP1_OTHER;
}

static bool
read_version(struct reader *r, struct slice text)
{
	static const struct slice name = { "HTTP/", 5 };

	if (text.n != 8 || !slice_starts(text, name) || !text_is_digit(text.p[5]) ||
	    text.p[6] != '.' || !text_is_digit(text.p[7]))
		return refuse(r, 400, "malformed request line");
	if (text.p[5] != '1' || text.p[7] > '1')
		return refuse(r, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	r->out->minor = text.p[7] - '0';
	return true;
}

/* The four forms of RFC 9112, 3.2. */
static bool
read_target(struct reader *r, struct slice target)
{
	static const struct slice schemes[] = { { "http://", 7 }, { "https://", 8 } };
	struct http1_request *out = r->out;
	struct slice rest = target;
	size_t at;

	out->target = target;
	out->query = (struct slice){ NULL, 0 };
	if (slice_is(out->method_text, "CONNECT")) {
		out->path = (struct slice){ target.p, 0 };
		return true;
	}
	if (slice_is(target, "*") && out->method == HTTP1_OPTIONS) {
		out->path = target;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(schemes) && r->authority.p == NULL; i++) {
		if (!slice_starts_nocase(target, schemes[i]))
			continue;
		rest = slice_skip(target, schemes[i].n);
		for (at = 0; at < rest.n && rest.p[at] != '/' && rest.p[at] != '?'; at++)
			;
		r->authority = slice_from(rest.p, at);
		rest = slice_skip(rest, at);
		if (at == 0)
			return refuse(r, 400, "no host in the request target");
	}
	if (r->authority.p == NULL && target.p[0] != '/')
		return refuse(r, 400, "malformed request target");
	at = slice_find(rest, '?');
	out->path = slice_from(rest.p, at);
	if (at < rest.n)
		out->query = slice_skip(rest, at + 1);
	if (at == 0)
		out->path = SLICE_LITERAL("/");
	return true;
}

static bool
read_request_line(struct reader *r, struct slice line)
{
	struct http1_request *out = r->out;
	struct slice rest;
	size_t at = slice_find(line, ' ');

	out->method_text = slice_from(line.p, at);
	if (at == 0 || at == line.n || !http1_all(out->method_text, HTTP1_CLASS_TOKEN))
		return refuse(r, 400, "malformed request line");
	out->method = method_of(out->method_text);
	rest = slice_skip(line, at + 1);
	at = slice_find(rest, ' ');
	if (at == 0 || at == rest.n || !http1_all(slice_from(rest.p, at), HTTP1_CLASS_TARGET))
		return refuse(r, 400, "malformed request line");
	if (!read_version(r, slice_skip(rest, at + 1)))
		return false;
	return read_target(r, slice_from(rest.p, at));
}

/* ---- fields that frame or route the message ---- */

/* uri-host [ ":" port ] (RFC 9110, 7.2), without the characters that no host name of ours has. */
static bool
host_valid(struct slice host)
{
	struct slice port;
	uint64_t number;
	size_t end;

	if (host.n > 0 && host.p[0] == '[') {
		end = slice_find(host, ']');
		if (end == host.n || end == 1)
			return false;
		for (size_t i = 1; i < end; i++)
			if (text_hex_value(host.p[i]) < 0 && host.p[i] != ':' && host.p[i] != '.')
				return false;
		end++;
	} else {
		end = slice_find(host, ':');
		if (end == 0 || !http1_all(slice_from(host.p, end), HTTP1_CLASS_HOST))
			return false;
	}
	if (end == host.n)
		return true;
	port = slice_skip(host, end + 1);
	return host.p[end] == ':' && (port.n == 0 || text_number(port, 0, UINT16_MAX, &number));
}

static bool
take_host(struct reader *r, struct slice value)
{
	if (r->has_host)
		return refuse(r, 400, "two Host fields");
	r->has_host = true;
	r->out->host = value;
	if (value.n > 0 && !host_valid(value))
		return refuse(r, 400, "malformed Host field");
	return true;
}

static bool
take_length(struct reader *r, struct slice value)
{
	if (r->out->has_length)
		return refuse(r, 400, "two Content-Length fields");
	r->out->has_length = true;
	if (!text_number(value, 0, UINT64_MAX, &r->out->content_length))
		return refuse(r, 400, "malformed Content-Length field");
	return true;
}

static bool
take_transfer(struct reader *r, struct slice value)
{
	if (r->has_transfer)
		return refuse(r, 400, "two Transfer-Encoding fields");
	r->has_transfer = true;
	r->transfer = value;
	return true;
}

static bool
take_authorization(struct reader *r, struct slice value)
{
	(void)value;
	if (r->has_authorization)
		return refuse(r, 400, "two Authorization fields");
	r->has_authorization = true;
	return true;
}

static bool
take_connection(struct reader *r, struct slice value)
{
	while (value.n > 0) {
		size_t comma = slice_find(value, ',');
		struct slice option = slice_trim(slice_from(value.p, comma));

		r->says_close |= slice_is_nocase(option, "close");
		r->says_keep_alive |= slice_is_nocase(option, "keep-alive");
		value = slice_skip(value, comma + 1);
	}
	return true;
}

static bool
take_expect(struct reader *r, struct slice value)
{
	if (!slice_is_nocase(value, "100-continue"))
		return refuse(r, 417, "only 100-continue can be expected");
	/* RFC 9110, 10.1.1: to be ignored in HTTP/1.0. */
	r->out->expect_continue = r->out->minor == 1;
	return true;
}

static bool
read_field(struct reader *r, struct slice line)
{
	static const struct {
		struct slice name;
		bool (*take)(struct reader *r, struct slice value);
	} rows[] = {
		{ { "host", 4 }, take_host },
		{ { "expect", 6 }, take_expect },
		{ { "connection", 10 }, take_connection },
		{ { "authorization", 13 }, take_authorization },
		{ { "content-length", 14 }, take_length },
		{ { "transfer-encoding", 17 }, take_transfer },
	};
	struct http1_field *f;
	size_t colon = slice_find(line, ':');

	if (r->out->n_fields == HTTP1_MAX_FIELDS)
		return refuse(r, 431, "too many header fields");
	f = &r->out->fields[r->out->n_fields];
	f->name = slice_from(line.p, colon);
	if (colon == 0 || colon == line.n || !http1_all(f->name, HTTP1_CLASS_TOKEN))
		return refuse(r, 400, "malformed header field");
	f->value = slice_skip(line, colon + 1);
	if (!http1_all(f->value, HTTP1_CLASS_VALUE))
		return refuse(r, 400, "control byte in a header field");
	f->value = slice_trim(f->value);
	r->out->n_fields++;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (slice_eq_nocase(f->name, rows[i].name))
			return rows[i].take(r, f->value);
	return true;
}

/* What only the whole head can tell. */
static bool
finish(struct reader *r)
{
	struct http1_request *out = r->out;

	if (r->has_transfer && out->has_length)
		return refuse(r, 400, "both Content-Length and Transfer-Encoding");
	if (r->has_transfer && out->minor == 0)
		return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
	if (r->has_transfer && !slice_is_nocase(r->transfer, "chunked"))
		return refuse(r, 501, "the only transfer coding spoken here is chunked");
	if (out->minor == 1 && out->host.n == 0)
		return refuse(r, 400, "no Host field");
	if (r->authority.p != NULL) {
		if (!r->has_host && host_valid(r->authority))
			out->host = r->authority;
		if (!slice_eq_nocase(r->authority, out->host))
			return refuse(r, 400, "Host differs from the request target");
	}
	out->chunked = r->has_transfer;
	out->keep_alive = !r->says_close && (out->minor == 1 || r->says_keep_alive);
	return true;
}

/* ---- lines ---- */

/* Cuts the next line, without its CR LF, off `left`. `room` is how much of the limit remains. */
static enum http1_result
next_line(struct reader *r, struct slice *left, size_t *room, struct slice *line)
{
	struct slice seen = slice_from(left->p, left->n < *room ? left->n : *room);
	size_t lf = slice_find(seen, '\n');

	if (lf == seen.n) {
		if (left->n < *room)
			return HTTP1_MORE;
		(void)refuse(r, 431, "the request's head is too large");
		return HTTP1_ERROR;
	}
	if (lf == 0 || seen.p[lf - 1] != '\r') {
		(void)refuse(r, 400, "a line ends without CR LF");
		return HTTP1_ERROR;
	}
	*line = slice_from(seen.p, lf - 1);
	*left = slice_skip(*left, lf + 1);
	*room -= lf + 1;
	return HTTP1_DONE;
}

static enum http1_result
read_lines(struct reader *r, struct slice input, size_t room)
{
	struct slice left = input;
	struct slice line;
	enum http1_result got = next_line(r, &left, &room, &line);

	/* RFC 9112, 2.2: some clients end a body with an empty line too many. */
	if (got == HTTP1_DONE && line.n == 0)
		got = next_line(r, &left, &room, &line);
	if (got != HTTP1_DONE)
		return got;
	if (!read_request_line(r, line))
		return HTTP1_ERROR;
	for (;;) {
		got = next_line(r, &left, &room, &line);
		if (got != HTTP1_DONE)
			return got;
		if (line.n == 0)
			break;
		if (!read_field(r, line))
			return HTTP1_ERROR;
	}
	r->out->head_bytes = input.n - left.n;
	return finish(r) ? HTTP1_DONE : HTTP1_ERROR;
}

enum http1_result
http1_read_head(struct slice input, const struct http1_limits *limits, struct http1_request *out,
    int *status, const char **reason)
{
	struct reader r = { .out = out };
	enum http1_result got;

	/* The field table needs no clearing: n_fields says how much of it counts. */
	memset(out, 0, offsetof(struct http1_request, fields));
	out->n_fields = 0;
	out->head_bytes = 0;
	got = read_lines(&r, input, limits->head_bytes);
	if (got == HTTP1_ERROR) {
		*status = r.status;
		*reason = r.reason;
	}
	return got;
}

struct slice
http1_field(const struct http1_request *request, const char *name)
{
	struct slice wanted = slice_of(name);

	for (size_t i = 0; i < request->n_fields; i++)
		if (slice_eq_nocase(request->fields[i].name, wanted))
			return request->fields[i].value;
	return (struct slice){ NULL, 0 };
}

/* ---- path ---- */

/* A segment that would walk, or an empty one that is not the last. */
static bool
segment_refused(struct slice segment, bool last)
{
	return slice_is(segment, ".") || slice_is(segment, "..") || (segment.n == 0 && !last);
}

static bool
segments_valid(struct slice path)
{
	for (;;) {
		size_t slash;

		path = slice_skip(path, 1);
		slash = slice_find(path, '/');
		if (segment_refused(slice_from(path.p, slash), slash == path.n))
			return false;
		if (slash == path.n)
			return true;
		path = slice_skip(path, slash);
	}
}

bool
http1_route_path(struct slice path, char out[HTTP1_PATH_BYTES])
{
	size_t n = 0;

	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if (n == HTTP1_PATH_BYTES - 1)
			return false;
		if (c == '%') {
			int high = path.n - i > 2 ? text_hex_value(path.p[i + 1]) : -1;
			int low = path.n - i > 2 ? text_hex_value(path.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			/* Nobody encodes these but to slip past a comparison. */
			if (c == '/' || c == '.' || c == '\\')
				return false;
			i += 2;
		}
		out[n++] = text_lower(c);
	}
	out[n] = '\0';
	if (text_has_control(slice_from(out, n)) || !text_utf8_valid(slice_from(out, n)))
		return false;
	return segments_valid(slice_from(out, n));
}
