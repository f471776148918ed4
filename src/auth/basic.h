/* basic.h - the credentials of an HTTP request (RFC 7617; authentication.md 3, 8). */
#ifndef USHER_AUTH_BASIC_H
#define USHER_AUTH_BASIC_H

#include "base/arena.h"
#include "base/secret.h"
#include "base/slice.h"
#include "model/field.h"

enum {
	BASIC_VALUE_BYTES = 2048, /* of the field, base64 included */
	LOGIN_MAX_BYTES = 320
};

/* How names without a mail domain are understood. */
struct login_rules {
	const char *default_domain; /* for `user`; NULL: stays as it is */
	/* `NETBIOS=mail.domain`: what DOMAIN in `DOMAIN\user` stands for */
	const struct text_list *windows_domains;
	bool
	    keep_domains; /* what they do not tell stays `DOMAIN\user`, for the directory to know */
};

enum basic_result {
	BASIC_OK = 0,
	BASIC_NONE,    /* no Authorization, or a scheme other than Basic */
	BASIC_REFUSED, /* malformed, empty password, unknown DOMAIN: as a wrong password */
	BASIC_NOMEM
};

/* Takes the value of the Authorization field (p NULL when there is none). The user part ends at the
 * first colon. Text that is not UTF-8 is read as windows-1252, as Outlook sends it. Control bytes
 * are refused. *login is in `mem`, in the form of text_login_copy() and with rules applied; the
 * password is as sent, because hashes of other systems were made of such bytes:
 *
 *	user@domain		as it is
 *	user			user@default_domain
 *	DOMAIN\user		user@ what DOMAIN stands for; else see keep_domains
 *	DOMAIN\user@domain	user@domain (an enterprise name)
 *
 * *password is the caller's to clear; it is set on BASIC_OK only. */
enum basic_result
basic_read(struct arena *mem, struct slice value, const struct login_rules *rules,
    const char **login, struct secret *password);

#endif
