/* ldap_login.h - passwords that an LDAP directory checks itself: by a login as whose they are, over
 * TLS, on connections of their own that are kept. Nobody here sees a hash. */
#ifndef USHER_DIR_LDAP_LOGIN_H
#define USHER_DIR_LDAP_LOGIN_H

#include "base/secret.h"
#include "model/directory.h"
#include "usher/status.h"

/* For any number of threads at once. */
struct ldap_login;

/* Connects to nobody yet. `uri` and the texts of `settings` live as long as it does.
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_login_new(const char *uri, const struct dir_settings *settings, struct ldap_login **out,
    struct usher_error *err);

/* NULL is ignored. */
void
ldap_login_free(struct ldap_login *login);

/* Waits for the directory, for settings.timeout_ms each time it is asked. When it has not answered,
 * the others are not kept waiting for a moment: they get the same at once.
 *
 * Returns USHER_OK
 *	   USHER_E_CREDENTIALS refused, with what the directory says of it: for the log, never for
 *			       the client. Also when `dn` is nobody's, or the password is empty
 *	   any other	       it cannot be told: as ldap_link_open() */
USHER_CHECK usher_status
ldap_login_check(struct ldap_login *login, const char *dn, const struct secret *password,
    struct usher_error *err);

#endif
