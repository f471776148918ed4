/* link.h - notices that this machine's network has become another one (rtnetlink(7)).
 *
 * Kernels announce much that changes nothing for a mail program. What is announced is only a reason
 * to look, once it has been quiet for a moment: the addresses on links that are up are compared
 * with those of before, and a new default route counts as a change. */
#ifndef USHER_NET_LINK_H
#define USHER_NET_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "usher/status.h"

enum {
	LINK_QUIET_MS = 1500,	 /* without announcements, before it is looked at … */
	LINK_PATIENCE_MS = 10000 /* … or in spite of them */
};

struct link_watch;

/* USHER_E_NETWORK (no such socket here), USHER_E_NOMEM. */
USHER_CHECK usher_status
link_watch_new(struct link_watch **out, struct usher_error *err);

/* NULL is ignored. */
void
link_watch_free(struct link_watch *w);

/* To wait at for reading; then call link_watch_read(). */
int
link_watch_fd(const struct link_watch *w);

/* Takes what has been announced. now_ms is clock_mono_ms()'s, here and below. */
void
link_watch_read(struct link_watch *w, uint64_t now_ms);

/* When to call link_watch_changed() at the latest; UINT64_MAX: nothing was announced. */
uint64_t
link_watch_wake_ms(const struct link_watch *w);

/* True once for each change that has settled. */
bool
link_watch_changed(struct link_watch *w, uint64_t now_ms);

#endif
