/* log.c - structured log lines, escaped here and nowhere else. */
#include "server/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"

enum { AREA_BYTES = 16, CONTEXT_DEPTH = 8 };

/* Set once before threads start, but the level. */
static struct {
	enum log_sink sink;
	atomic_int level;
	char areas[LOG_AREAS_MAX][AREA_BYTES];
	size_t n_areas;
} setup = { .sink = LOG_SINK_STDERR, .level = LEVEL_INFO };

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LEVEL_ERROR] = { "error", LOG_ERR },
	[LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LEVEL_NOTICE] = { "notice", LOG_NOTICE },
	[LEVEL_INFO] = { "info", LOG_INFO },
	[LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

struct log_field
log_slice(const char *key, struct slice value)
{
	return (struct log_field){ .key = key, .text = value };
}

struct log_field
log_text(const char *key, const char *value)
{
	return log_slice(key, slice_of(value));
}

struct log_field
log_number(const char *key, int64_t value)
{
	return (struct log_field){ .key = key, .number = value, .is_number = true };
}

/* ---- setup ---- */

usher_status
log_setup(enum log_sink sink, enum log_level level, const char *areas, struct usher_error *err)
{
	struct slice left = slice_of(areas);

	setup.n_areas = 0;
	while (left.n > 0) {
		size_t comma = slice_find(left, ',');
		struct slice area = slice_trim(slice_from(left.p, comma));

		left = slice_skip(left, comma + 1);
		if (area.n == 0)
			continue;
		if (area.n >= AREA_BYTES || setup.n_areas == LOG_AREAS_MAX)
			return err_set(err, USHER_E_LIMIT, "log",
			    "at most %d areas of %d letters can be chosen", LOG_AREAS_MAX,
			    AREA_BYTES - 1);
		memcpy(setup.areas[setup.n_areas], area.p, area.n);
		setup.areas[setup.n_areas++][area.n] = '\0';
	}
	setup.sink = sink;
	log_set_level(level);
	if (sink == LOG_SINK_SYSLOG)
		openlog("usherd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	return USHER_OK;
}

enum log_sink
log_sink_default(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct cursor c = cursor_on(slice_of(stream));
	struct stat st;

	/* `device:inode` of the stream: a program in between may have redirected it. */
	device = cursor_number(&c, 0, UINT64_MAX);
	(void)cursor_char(&c, ':');
	inode = cursor_number(&c, 0, UINT64_MAX);
	if (c.failed || fstat(STDERR_FILENO, &st) != 0 || st.st_dev != device || st.st_ino != inode)
		return LOG_SINK_STDERR;
	return LOG_SINK_JOURNAL;
}

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&setup.level, (int)level, memory_order_relaxed);
}

bool
log_level_parse(struct slice s, enum log_level *out)
{
	for (enum log_level l = LEVEL_ERROR; l <= LEVEL_DEBUG; l++)
		if (slice_is_nocase(s, levels[l].name)) {
			*out = l;
			return true;
		}
	return false;
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

bool
log_wanted(enum log_level level, const char *area)
{
	if ((int)level > atomic_load_explicit(&setup.level, memory_order_relaxed))
		return false;
	if (level < LEVEL_DEBUG || setup.n_areas == 0)
		return true;
	for (size_t i = 0; i < setup.n_areas; i++)
		if (strcmp(setup.areas[i], area) == 0)
			return true;
	return false;
}

/* ---- lines ---- */

/* A line under construction; what does not fit is left out. */
struct line {
	char p[LOG_LINE_BYTES];
	size_t n;
	bool begun; /* a field is there: the next needs a blank */
};

enum { LINE_ROOM = LOG_LINE_BYTES - 2 }; /* for the newline and a NUL */

static void
put(struct line *l, const char *p, size_t n)
{
	if (n > LINE_ROOM - l->n)
		n = LINE_ROOM - l->n;
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void
put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static bool
is_plain(char c)
{
	return text_is_alnum(c) || strchr("-._:/@+,*[]", c) != NULL;
}

static bool
needs_quotes(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !is_plain(s.p[i]))
			return true;
	return s.n == 0;
}

/* Either byte of a C1 control in UTF-8: some terminals obey U+009B as they do ESC [. */
static bool
in_c1(struct slice s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];

	if (c == 0xc2)
		return i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
	return i > 0 && (unsigned char)s.p[i - 1] == 0xc2 && c < 0xa0;
}

static void
put_quoted(struct line *l, struct slice s)
{
	bool utf8 = text_utf8_valid(s);

	put(l, "\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char hex[8];

		if (c == '"' || c == '\\') {
			put(l, "\\", 1);
			put(l, &s.p[i], 1);
		} else if (c < 0x20 || c == 0x7f || (c >= 0x80 && (!utf8 || in_c1(s, i)))) {
			(void)snprintf(hex, sizeof(hex), "\\x%02x", c);
			put_text(l, hex);
		} else {
			put(l, &s.p[i], 1);
		}
	}
	put(l, "\"", 1);
}

static void
put_field(struct line *l, const struct log_field *f)
{
	char number[24];

	if (l->begun)
		put(l, " ", 1);
	l->begun = true;
	put_text(l, f->key);
	put(l, "=", 1);
	if (f->is_number) {
		(void)snprintf(number, sizeof(number), "%" PRId64, f->number);
		put_text(l, number);
	} else if (needs_quotes(f->text)) {
		put_quoted(l, f->text);
	} else {
		put(l, f->text.p, f->text.n);
	}
}

static void
put_context(struct line *l, const struct log_context *context)
{
	const struct log_context *chain[CONTEXT_DEPTH];
	size_t n = 0;

	for (; context != NULL && n < CONTEXT_DEPTH; context = context->parent)
		chain[n++] = context;
	while (n-- > 0)
		for (size_t i = 0; i < chain[n]->n_fields; i++)
			put_field(l, &chain[n]->fields[i]);
}

void
log_event(enum log_level level, const char *area, const struct log_context *context,
    const char *event, const struct log_field *fields, size_t n_fields)
{
	struct line l = { .n = 0 };
	char when[WHEN_TEXT_BYTES];
	char prefix[8];

	if (!log_wanted(level, area))
		return;
	if (setup.sink == LOG_SINK_STDERR) {
		when_format(clock_unix_ms() / 1000, when);
		put_field(&l, &(struct log_field){ .key = "time", .text = slice_of(when) });
	} else if (setup.sink == LOG_SINK_JOURNAL) {
		(void)snprintf(prefix, sizeof(prefix), "<%d>", levels[level].priority);
		put_text(&l, prefix);
	}
	put_field(&l, &(struct log_field){ .key = "level", .text = slice_of(levels[level].name) });
	put_field(&l, &(struct log_field){ .key = "area", .text = slice_of(area) });
	put_field(&l, &(struct log_field){ .key = "msg", .text = slice_of(event) });
	put_context(&l, context);
	for (size_t i = 0; i < n_fields; i++)
		put_field(&l, &fields[i]);
	l.p[l.n] = '\0';
	if (setup.sink == LOG_SINK_SYSLOG) {
		syslog(levels[level].priority, "%s", l.p);
		return;
	}
	l.p[l.n++] = '\n';
	/* Nobody is left to tell when this fails. */
	(void)!write(STDERR_FILENO, l.p, l.n);
}

void
log_error(enum log_level level, const char *area, const struct log_context *context,
    const char *event, const struct usher_error *err)
{
	LOG(level, area, context, event, log_text("status", usher_status_name(err->status)),
	    log_text("where", err->where), log_text("error", err->message));
}
