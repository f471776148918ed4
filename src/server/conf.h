/* conf.h - the configuration of usherd: `key = value` lines under `[section name]`. */
#ifndef USHER_SERVER_CONF_H
#define USHER_SERVER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/directory.h"
#include "server/engine.h"
#include "server/log.h"
#include "server/net_address.h"
#include "usher/status.h"

#define CONF_DEFAULT_PATH "/etc/usher/usherd.conf"

enum {
	CONF_FILE_BYTES = 1024 * 1024,
	CONF_LINE_BYTES = 8192,
	CONF_ADDRESSES_MAX = 8, /* of one listener */
	/* Needed beside one per connection: listeners, directories, pipes, some to spare. */
	CONF_DESCRIPTORS_BESIDE = 256
};

struct conf_addresses {
	struct endpoint v[CONF_ADDRESSES_MAX];
	size_t n;
};

struct conf_ranges {
	struct net_range v[CONF_LIST_MAX];
	size_t n;
};

/* A `[listen KIND NAME]` section. Members of other kinds have their defaults. */
struct conf_listener {
	int kind;	  /* enum listener_kind */
	const char *name; /* `https`, `https two` */
	unsigned line;	  /* where the section begins */
	struct conf_addresses addresses;
	const char *certificate, *key; /* files; NULL: what the directory has enabled */
	bool session_tickets;
	bool proxy_protocol;
	const char *target; /* redirect: URL; NULL: the asked host's own */
};

struct conf_authentication {
	const char *realm;
	int visibility; /* enum visibility */
	const char *default_domain;
	struct text_list windows_domains;
	uint64_t remember_ms, remember_refusal_ms;
	uint64_t remember_entries;
	uint64_t login_failures, address_failures;
	uint64_t delay_max_ms, forget_failures_ms;
	uint64_t failure_entries;
};

struct conf_limits {
	uint64_t head_bytes, body_bytes, request_bytes;
	uint64_t connections, address_connections, requests, pool_queue;
	uint64_t handshake_ms, head_ms, body_ms, work_ms, reply_ms, idle_ms, linger_ms, stop_ms;
};

/* What Apple profiles are signed with; both or none. */
struct conf_profile {
	const char *certificate, *key; /* files; NULL: as the first https listener serves */
};

struct conf_tls {
	bool staple;
};

struct conf_page {
	bool serve;
	const char *help; /* URL; NULL: none */
};

struct conf_log {
	int level;  /* enum log_level */
	int format; /* enum conf_log_format */
	const char *areas;
	bool requests;
};

enum conf_log_format { CONF_LOG_AUTO = 0, CONF_LOG_STDERR, CONF_LOG_JOURNAL, CONF_LOG_SYSLOG };

struct conf {
	_Atomic unsigned references;
	struct arena *mem; /* owns all texts, and this struct */
	const char *path;
	const char *directory;
	struct dir_settings settings; /* of it */
	const char *user;	      /* NULL: stay who we are */
	const char *server_name;
	uint64_t threads; /* 0: as many as processors */
	uint64_t pool_threads;
	struct conf_ranges trusted;
	struct conf_authentication authentication;
	struct conf_tls tls;
	struct conf_profile profile;
	struct conf_limits limits;
	struct conf_page page;
	struct conf_log log;
	struct conf_listener listeners[ENGINE_MAX_LISTENERS];
	size_t n_listeners;
};

enum { CONF_LISTENER_NAME_BYTES = 96 };

/* The engine's name for the listener's address number `i`: `https`, then `https #2`. */
void
conf_listener_name(const struct conf_listener *l, size_t i, char out[CONF_LISTENER_NAME_BYTES]);

/* Reads and checks a file. Errors have `where` FILE:LINE and say what is allowed.
 * Returns USHER_OK, USHER_E_ABSENT (no such file), USHER_E_PERMISSION, USHER_E_IO, USHER_E_INPUT,
 * USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
conf_load(const char *path, struct conf **out, struct usher_error *err);

/* The same from memory; `path` is for messages. */
USHER_CHECK usher_status
conf_read(const char *path, struct slice text, struct conf **out, struct usher_error *err);

/* Counted: the count may be changed by any thread; all else is never changed. */
struct conf *
conf_ref(struct conf *conf);

/* NULL is ignored. */
void
conf_unref(struct conf *conf);

/* Writes it complete with defaults, in the form conf_read() reads. */
void
conf_dump(const struct conf *conf, struct buf *out);

/* Writes a sample: every key with its help, its default behind a `#`. */
void
conf_sample(struct buf *out);

#endif
