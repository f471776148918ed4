/* notify.h - tells the service manager how we are (sd_notify(3)'s protocol, without its library).
 */
#ifndef USHER_SERVER_NOTIFY_H
#define USHER_SERVER_NOTIFY_H

#include <stdint.h>

/* Sends `text`, lines of KEY=VALUE, to $NOTIFY_SOCKET. Nothing happens without one, and nothing
 * depends on whether it arrives. */
void
notify(const char *text);

/* RELOADING=1 with the time that Type=notify-reload wants. */
void
notify_reloading(void);

/* How often WATCHDOG=1 is expected, in ms; 0: never. */
uint64_t
notify_watchdog_ms(void);

#endif
