/* reload.h - a running service whose configuration can be replaced. */
#ifndef USHER_SERVER_RELOAD_H
#define USHER_SERVER_RELOAD_H

#include "server/engine.h"
#include "server/expiry.h"
#include "server/service.h"

struct daemon {
	const char *conf_path;
	struct service_state state;
	struct engine *engine;
	struct conf *conf;	 /* in force */
	struct service *service; /* in force; the engine's */
	struct expiry expiry;	 /* of its certificates */
	bool started;
	struct dir *watched; /* asked each second whether something has changed; may be NULL */
	uint64_t generation;
	bool settled;	  /* the change seen last has been taken over or was refused */
	uint64_t skipped; /* what has been told of entries that are passed over, as a sum */
};

/* Builds everything from `conf`, of which it takes a reference, and binds the ports.
 * Returns as assemble() and engine_new(). On failure there is nothing to stop. */
USHER_CHECK usher_status
daemon_init(struct daemon *d, struct conf *conf, struct usher_error *err);

/* Starts serving. Returns as engine_start(); daemon_stop() follows in any case. */
USHER_CHECK usher_status
daemon_start(struct daemon *d, struct usher_error *err);

/* Reads the file again and serves by it; a bad one is logged and the old one stays. */
void
daemon_reload(struct daemon *d);

/* To be called each second: serves new certificates and names when the directory has any, and
 * warns of certificates that expire. */
void
daemon_poll(struct daemon *d);

/* Lets running requests finish and releases all. */
void
daemon_stop(struct daemon *d);

#endif
