/* reply.c - the bytes of a response (RFC 9110, RFC 9112). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "server/conn.h"

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Unknown";
}

void
reply_date(time_t now, char out[40])
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	/* Not strftime(): the names must not follow the locale. */
	(void)gmtime_r(&now, &tm);
	(void)snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
	    tm.tm_mday % 100, months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
	    tm.tm_min % 100, tm.tm_sec % 100);
}

static void
put_number(struct buf *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(out, digits + at, sizeof(digits) - at);
}

static void
put_field(struct buf *out, const char *name, const char *value)
{
	size_t n = strlen(value);
	char *to;

	buf_text(out, name);
	buf_append(out, ": ", 2);
	/* Escaped here, at the sink: a value may quote what a client sent. */
	to = buf_reserve(out, n);
	if (to == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		to[i] = c < 0x20 || c == 0x7f ? '?' : value[i];
	}
	buf_used(out, n);
	buf_append(out, "\r\n", 2);
}

void
reply_build(struct buf *out, const struct reply *reply, const struct http1_request *head,
    bool close, const char *date)
{
	bool bodiless = reply->status == 204 || reply->status == 304;

	buf_append(out, "HTTP/1.1 ", 9);
	put_number(out, (uint64_t)reply->status);
	buf_char(out, ' ');
	buf_text(out, reason_of(reply->status));
	buf_append(out, "\r\nServer: usherd\r\nDate: ", 24);
	buf_text(out, date);
	buf_append(out, "\r\n", 2);
	if (reply->type != NULL)
		put_field(out, "Content-Type", reply->type);
	if (!bodiless) {
		buf_append(out, "Content-Length: ", 16);
		put_number(out, reply->body.n);
		buf_append(out, "\r\n", 2);
	}
	if (close)
		buf_append(out, "Connection: close\r\n", 19);
	else if (head != NULL && head->minor == 0)
		buf_append(out, "Connection: keep-alive\r\n", 24);
	for (size_t i = 0; i < reply->n_fields; i++)
		put_field(out, reply->fields[i].name, reply->fields[i].value);
	buf_append(out, "\r\n", 2);
	if (!bodiless && (head == NULL || head->method != HTTP1_HEAD))
		buf_slice(out, reply->body);
}
