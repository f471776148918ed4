/* assemble.h - from a configuration to all that the engine is started with. */
#ifndef USHER_SERVER_ASSEMBLE_H
#define USHER_SERVER_ASSEMBLE_H

#include "server/conf.h"
#include "server/engine.h"
#include "server/service.h"

/* Made whole or not at all, by one thread; nothing listens and nothing has changed yet. */
struct assembly {
	struct engine_settings settings;
	struct listener_settings listeners[ENGINE_MAX_LISTENERS];
	char names[ENGINE_MAX_LISTENERS][CONF_LISTENER_NAME_BYTES];
	struct service *service; /* settings.app; NULL when the engine has taken it */
};

/* Opens the directory with `dir_flags` to read it (enum dir_flags), reads certificates and keys.
 * Takes its own reference to `conf`. *out is the caller's to clear in any case.
 *
 * Returns as dir_open(), certs_fill() and certs_fill_from_files(), and USHER_E_LIMIT (too many
 * addresses to listen on). */
USHER_CHECK usher_status
assemble(struct conf *conf, unsigned dir_flags, struct service_state *state, struct assembly *out,
    struct usher_error *err);

/* Releases what the engine did not take. */
void
assembly_clear(struct assembly *a);

#endif
