/* keytab.h - Kerberos credentials of a service's own: from the keys in a file, in memory alone. */
#ifndef USHER_LDAP_KEYTAB_H
#define USHER_LDAP_KEYTAB_H

#include "usher/status.h"

/* A gss_cred_id_t. */
struct keytab_credential;

/* Gets a ticket with the keys of `principal` (`host/web1.example.com@EXAMPLE.COM`, `WEB1$`; NULL:
 * the first in the file), or takes the one that another call in this process got, while it is
 * valid. Waits for the KDC as long as Kerberos does.
 *
 * Returns USHER_OK, USHER_E_CREDENTIALS (no such file or principal, or the KDC says no),
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
keytab_take(const char *keytab, const char *principal, struct keytab_credential **out,
    struct usher_error *err);

/* NULL is ignored. */
void
keytab_release(struct keytab_credential *credential);

#endif
