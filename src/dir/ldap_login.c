/* ldap_login.c - logins on kept connections, each of them used by one thread at a time. */
#include "dir/ldap_login.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/when.h"
#include "dir/ldap.h"

enum {
	KEPT_MAX = 16, /* connections that wait for the next password */
	REST_MS = 1000 /* a directory that did not answer is left alone for so long */
};

struct ldap_login {
	const char *uri;
	struct dir_settings settings;

	pthread_mutex_t lock; /* of what follows */
	struct ldap_link *kept[KEPT_MAX];
	size_t n_kept;
	uint64_t rests_until_ms;
	struct usher_error trouble; /* why it rests */
};

usher_status
ldap_login_new(const char *uri, const struct dir_settings *settings, struct ldap_login **out,
    struct usher_error *err)
{
	struct ldap_login *l = calloc(1, sizeof(*l));

	if (l == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return err_nomem(err, uri);
	}
	l->uri = uri;
	l->settings = *settings;
	*out = l;
	return USHER_OK;
}

/* ---- connections ---- */

/* NULL: none is kept. */
static struct ldap_link *
take(struct ldap_login *l)
{
	struct ldap_link *link = NULL;

	(void)pthread_mutex_lock(&l->lock);
	if (l->n_kept > 0)
		link = l->kept[--l->n_kept];
	(void)pthread_mutex_unlock(&l->lock);
	return link;
}

static void
keep(struct ldap_login *l, struct ldap_link *link)
{
	(void)pthread_mutex_lock(&l->lock);
	if (l->n_kept < KEPT_MAX) {
		l->kept[l->n_kept++] = link;
		link = NULL;
	}
	(void)pthread_mutex_unlock(&l->lock);
	ldap_link_close(link);
}

static void
drop_kept(struct ldap_login *l)
{
	struct ldap_link *link;

	while ((link = take(l)) != NULL)
		ldap_link_close(link);
}

void
ldap_login_free(struct ldap_login *login)
{
	if (login == NULL)
		return;
	drop_kept(login);
	(void)pthread_mutex_destroy(&login->lock);
	free(login);
}

/* ---- a directory that does not answer ---- */

static usher_status
look_whether_it_rests(struct ldap_login *l, struct usher_error *err)
{
	usher_status st = USHER_OK;

	(void)pthread_mutex_lock(&l->lock);
	if (clock_mono_ms() < l->rests_until_ms) {
		st = l->trouble.status;
		if (err != NULL)
			*err = l->trouble;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return st;
}

static void
let_rest(struct ldap_login *l, const struct usher_error *why)
{
	(void)pthread_mutex_lock(&l->lock);
	l->rests_until_ms = clock_mono_ms() + REST_MS;
	l->trouble = *why;
	(void)pthread_mutex_unlock(&l->lock);
}

/* ---- checking ---- */

/* What a directory says to a login that it does not want, whatever its words for it. */
static bool
is_refusal(usher_status st)
{
	return st == USHER_E_CREDENTIALS || st == USHER_E_ABSENT || st == USHER_E_INPUT ||
	       st == USHER_E_PERMISSION;
}

/* The link is kept when it can be used again, else closed. */
static usher_status
log_in(struct ldap_login *l, struct ldap_link *link, const char *dn, const struct secret *password,
    struct usher_error *err)
{
	const struct link_options as = { .login = LINK_SIMPLE, .user = dn, .password = password };
	usher_status st = ldap_link_login(link, &as, err);

	if (st != USHER_OK && !is_refusal(st)) {
		ldap_link_close(link);
		return st;
	}
	keep(l, link);
	if (st != USHER_OK && err != NULL)
		err->status = USHER_E_CREDENTIALS;
	return st == USHER_OK ? USHER_OK : USHER_E_CREDENTIALS;
}

usher_status
ldap_login_check(struct ldap_login *login, const char *dn, const struct secret *password,
    struct usher_error *err)
{
	struct usher_error why = { 0 };
	struct ldap_link *link;
	usher_status st;

	/* It would be a login as nobody, which succeeds (RFC 4513, 5.1.2). */
	if (password->n == 0)
		return err_set(err, USHER_E_CREDENTIALS, dn, "an empty password logs nobody in");
	st = look_whether_it_rests(login, err);
	if (st != USHER_OK)
		return st;
	link = take(login);
	if (link != NULL) {
		st = log_in(login, link, dn, password, &why);
		/* It had gone while nobody looked, and so have its like. */
		if (st == USHER_E_NETWORK) {
			drop_kept(login);
			link = NULL;
		}
	}
	if (link == NULL) {
		st = ldap_dir_reach(login->uri, &login->settings, &link, &why);
		if (st == USHER_OK)
			st = log_in(login, link, dn, password, &why);
	}
	if (st == USHER_E_NETWORK || st == USHER_E_TIMEOUT)
		let_rest(login, &why);
	if (st != USHER_OK && err != NULL)
		*err = why;
	return st;
}
