/* signing.h - sends Apple profiles, signed when there is something to sign with
 * (autoconfig.md 4.4). */
#ifndef USHER_SERVER_SIGNING_H
#define USHER_SERVER_SIGNING_H

#include "base/slice.h"
#include "server/engine.h"

/* Answers with `profile` as a download called `file`.mobileconfig, signed with the certificate of
 * [profile] that is for `name` (NULL: its first), or unsigned without one. `file` holds letters,
 * digits, dots and dashes. To be called when the request is complete. */
void
signing_send(struct request *request, const char *file, const char *name, struct slice profile);

#endif
