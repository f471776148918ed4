/* certs.h - which certificate a listener serves for which name, from the directory or from files.
 */
#ifndef USHER_SERVER_CERTS_H
#define USHER_SERVER_CERTS_H

#include "base/arena.h"
#include "dir/dir.h"
#include "server/service.h"
#include "server/tls.h"

enum { CERTS_MAX = 50000, CERTS_ROOTS_MAX = 16, CERTS_FINGERPRINT_BYTES = 64 * 1024 * 1024 };

/* A domain that says something about names or certificates. */
struct domain_names {
	const char *domain;
	const char *certificate; /* thumbprint, or NULL */
	struct text_list host_names;
};

/* All that the directory says about TLS, read in one view. */
struct certs {
	const struct certificate *v; /* in the order of certificate_goes_before() */
	size_t n, n_valid;
	const struct certificate **by_thumbprint; /* the same, sorted */
	const struct domain_names *domains;
	size_t n_domains;
	const struct authority *roots; /* private authorities, the first CERTS_ROOTS_MAX */
	size_t n_roots;
	const char *fingerprint; /* two equal ones lead to the same TLS */
	const char *stem;	 /* dir_stem(): where the keys are */
};

/* Everything lies in `mem`. Returns USHER_OK, USHER_E_UNAVAILABLE, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
certs_read(
    struct arena *mem, struct dir *dir, int64_t now_s, struct certs *out, struct usher_error *err);

/* The served certificates of all listeners, gathered while sets are filled. */
struct served_list {
	struct arena *mem;
	struct served_certificate *v;
	size_t n, room;
	const char **names; /* that they are for */
	size_t n_names, names_room;
};

/* Fills `set` for `listener` with the certificates that are enabled for https there and those that
 * domains name, each once. A domain's own certificate wins for its host names, and nothing stands
 * beside it; the first of the others answers clients that send no name. `stapler` may be NULL.
 *
 * Returns USHER_OK, USHER_E_INPUT (none is enabled, or a domain's is not there), and as
 * cert_key_get(), tls_set_add() and stapler_get(). */
USHER_CHECK usher_status
certs_fill(struct tls_set *set, const struct certs *certs, const char *listener,
    struct stapler *stapler, struct served_list *served, struct usher_error *err);

/* Fills `set` from files for `listener`. As certs_fill(), and USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
certs_fill_from_files(struct tls_set *set, const char *listener, const char *certificate,
    const char *key, struct stapler *stapler, struct served_list *served, struct usher_error *err);

/* Fills `set` with what Apple profiles are signed with, and tries it. As certs_fill_from_files(),
 * and USHER_E_TRUST (others may read the key), USHER_E_INPUT (expired, or cannot sign). */
USHER_CHECK usher_status
certs_fill_signer(struct tls_set *set, const struct conf_profile *profile, int64_t now_s,
    struct served_list *served, struct usher_error *err);

/* Notes a name that is ours. */
USHER_CHECK usher_status
served_name(struct served_list *served, const char *name, struct usher_error *err);

#endif
