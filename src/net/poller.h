/* poller.h - many sockets and a deadline behind one descriptor.
 *
 * The descriptor is readable when a watched socket is ready or the deadline has come, so that an
 * event loop of any kind has one thing to wait for. */
#ifndef USHER_NET_POLLER_H
#define USHER_NET_POLLER_H

#include <stdint.h>

#include "usher/status.h"

enum poller_user { POLLER_DNS = 0, POLLER_HTTP, POLLER_RACE, POLLER_LDAP, POLLER_USERS };

/* What is ready at `fd`: POLLIN, POLLOUT; both after an error. It can be a socket that its user has
 * closed meanwhile, or that is not ready after all. */
typedef void
poller_callback(void *payload, int fd, short events);

struct poller;

/* USHER_E_NOMEM; USHER_E_LIMIT: no more descriptors. */
USHER_CHECK usher_status
poller_new(struct poller **out, struct usher_error *err);

/* Its users are gone before. NULL is ignored. */
void
poller_free(struct poller *p);

/* Stays the same until poller_free(). */
int
poller_fd(const struct poller *p);

/* Who is told about the sockets that are watched for `user`; without one they only wake. */
void
poller_join(struct poller *p, enum poller_user user, poller_callback *callback, void *payload);

/* Watches `fd` for POLLIN and POLLOUT among `events` and nothing else; 0 ends it, before the close.
 * What fails is met by poller_dispatch(). */
void
poller_watch(struct poller *p, enum poller_user user, int fd, short events);

/* At this time of clock_mono_ms(), or now when it has passed; UINT64_MAX: never. */
void
poller_wake_at(struct poller *p, uint64_t at_ms);

/* Calls back for all that is ready, without waiting. USHER_E_NOMEM, USHER_E_LIMIT: a socket could
 * not be watched. */
USHER_CHECK usher_status
poller_dispatch(struct poller *p, struct usher_error *err);

#endif
