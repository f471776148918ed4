/* usual.h - what a new server and a new mail domain begin with. */
#ifndef USHER_MODEL_USUAL_H
#define USHER_MODEL_USUAL_H

#include "base/arena.h"
#include "model/org.h"

/* Of an https URL that answers Autodiscover, with the `/` before it. */
#define USUAL_AUTODISCOVER_PATH "/Autodiscover/Autodiscover.xml"

enum { USUAL_MAIL_SERVICES = 3 };

/* The URL of a service at `host` as Exchange Setup makes it; NULL: it makes none, or out of memory.
 */
const char *
usual_url(struct arena *mem, enum url_service service, const char *host);

/* False: Exchange Setup makes no URL for it. */
bool
usual_has_url(enum url_service service);

/* The host's first label in capitals, as Windows makes a NetBIOS name of it, with `number` behind
 * it from 2 up. NULL when out of memory. */
const char *
usual_server_name(struct arena *mem, const char *host, int number);

/* A server at `host`, which is its full name, its own URL inside included. False when out of
 * memory. */
bool
usual_server(
    struct arena *mem, const char *name, const char *host, const char *site, struct server *out);

/* Outlook Anywhere of a server, at `host`. */
void
usual_outlook_anywhere(const char *server, const char *host, struct outlook_anywhere *out);

/* The i-th service of a mail domain whose mail is at `host`; i < USUAL_MAIL_SERVICES. */
void
usual_mail_service(size_t i, const char *domain, const char *host, struct mail_service *out);

#endif
