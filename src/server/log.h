/* log.h - structured log of the daemon: one line per event, `key=value`, escaped here and nowhere
 * else. Never given a body, a header value or a credential. */
#ifndef USHER_SERVER_LOG_H
#define USHER_SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compat.h"
#include "base/slice.h"
#include "usher/status.h"

enum log_level { LEVEL_ERROR = 0, LEVEL_WARNING, LEVEL_NOTICE, LEVEL_INFO, LEVEL_DEBUG };

enum log_sink {
	LOG_SINK_STDERR = 0, /* time=... first */
	LOG_SINK_JOURNAL,    /* stderr, `<N>` priority first and no time: what journald reads */
	LOG_SINK_SYSLOG	     /* syslog(3), facility daemon */
};

enum { LOG_LINE_BYTES = 2048, LOG_AREAS_MAX = 16 };

/* One field of a line. Made by the functions below; text is borrowed for the call. */
struct log_field {
	const char *key;
	struct slice text;
	int64_t number;
	bool is_number;
};

struct log_field
log_text(const char *key, const char *value);
struct log_field
log_slice(const char *key, struct slice value);
struct log_field
log_number(const char *key, int64_t value);

/* Where an event happened: listener > connection > request > user. Each link adds fields; the
 * outermost is written first. Lives as long as its owner; never copied. */
struct log_context {
	const struct log_context *parent; /* NULL at the outermost */
	const struct log_field *fields;
	size_t n_fields;
};

/* Call before any thread is started. `areas` is NULL or a comma-separated list of the subsystems
 * whose debug lines are wanted (`tls,http`); NULL or "" means all.
 * USHER_OK, USHER_E_LIMIT (more than LOG_AREAS_MAX areas). */
USHER_CHECK usher_status
log_setup(enum log_sink sink, enum log_level level, const char *areas, struct usher_error *err);

/* LOG_SINK_JOURNAL when standard error is a stream of journald ($JOURNAL_STREAM), else
 * LOG_SINK_STDERR. */
enum log_sink
log_sink_default(void);

/* May be changed while threads run. */
void
log_set_level(enum log_level level);

/* `error` `warning` `notice` `info` `debug`; false on anything else. */
bool
log_level_parse(struct slice s, enum log_level *out);
const char *
log_level_name(enum log_level level);

/* True when a line of this level and area would be written: ask before costly preparations. */
bool
log_wanted(enum log_level level, const char *area);

/* `area` is a constant subsystem token: engine, tls, http, conf, auth, dir ... `event` is constant
 * text for people (`msg=`). Over-long lines are cut. Safe in any thread; one write per line. */
void
log_event(enum log_level level, const char *area, const struct log_context *context,
    const char *event, const struct log_field *fields, size_t n_fields);

/* log_event() with the fields as arguments:
 * LOG(LEVEL_INFO, "dir", ctx, "reloaded", log_text("directory", uri), log_number("domains", n)); */
#define LOG(level, area, context, event, ...) \
	log_event(level, area, context, event, (const struct log_field[]){ __VA_ARGS__ }, \
	    sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* Logs `err` (status, where, message) where it stops travelling. */
void
log_error(enum log_level level, const char *area, const struct log_context *context,
    const char *event, const struct usher_error *err);

#endif
