/* ldap.h - the LDAP back end's handle and what its files give each other. */
#ifndef USHER_DIR_LDAP_H
#define USHER_DIR_LDAP_H

#include "dir/backend.h"
#include "dir/ldap_snapshot.h"
#include "ldap/link.h"

struct ldap_manage;  /* ldap_record.c: what management calls keep */
struct ldap_serving; /* ldap_serve.c: what lookups keep */

struct ldap_dir {
	struct dir dir;	   /* first: a struct dir * is a struct ldap_dir * */
	struct arena *mem; /* lives as long as the handle */
	const char *uri;   /* whole, with its scheme; in mem */
	struct dir_settings settings;
	struct ldap_manage *manage; /* NULL until the first call */
	struct ldap_serving *serving;
};

static inline struct ldap_dir *
ldap_dir_of(struct dir *dir)
{
	return (struct ldap_dir *)(void *)dir;
}

/* ---- ldap_connect.c ---- */

/* How `settings` log in, but for the server: the password is read into `password`, to be cleared by
 * the caller, which *out points to. USHER_E_USAGE, USHER_E_INPUT, USHER_E_PERMISSION: there is
 * none. */
USHER_CHECK usher_status
ldap_dir_options(const struct dir_settings *settings, struct secret *password,
    struct link_options *out, struct usher_error *err);

/* A link to the first server of `uri` that can be reached, as `settings` want it.
 * Returns as ldap_link_open(). */
USHER_CHECK usher_status
ldap_dir_connect(const char *uri, const struct dir_settings *settings, struct ldap_link **out,
    struct usher_error *err);

/* The same as nobody and without a word, for ldap_link_login(): each call of it takes
 * settings->timeout_ms at most. */
USHER_CHECK usher_status
ldap_dir_reach(const char *uri, const struct dir_settings *settings, struct ldap_link **out,
    struct usher_error *err);

/* Where things lie in a directory; texts in the arena they were found with, or the settings. */
struct ldap_layout {
	bool active_directory;	 /* Windows' or Samba's */
	bool transactions;	 /* RFC 5805 */
	const char *base;	 /* of everything: the DNS domain's, or the suffix */
	const char *container;	 /* of usher's own entries */
	struct text_list people; /* bases below which mailboxes are */
};

/* Asks the rootDSE what the settings do not say. Returns as ldap_link_read(); USHER_E_USAGE when
 * neither knows. */
USHER_CHECK usher_status
ldap_layout_find(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct ldap_layout *out, struct usher_error *err);

/* `harbour.example` of `DC=harbour,DC=example`; NULL when `base` has none, or memory is out. */
const char *
ldap_dir_domain(struct arena *mem, const char *base);

/* ---- ldap_serve.c ---- */

/* Begins to connect, and waits for the first snapshot. With DIR_SERVE when the handle is opened,
 * else with its first lookup. Returns as ldap_keeper_open() and ldap_pool_open(); a directory that
 * does not answer is no failure. */
USHER_CHECK usher_status
ldap_serving_open(struct ldap_dir *d, struct usher_error *err);

/* NULL is ignored. */
void
ldap_serving_close(struct ldap_serving *serving);

enum lookup
ldap_dir_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err);

enum lookup
ldap_dir_domain_facts(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err);

enum lookup
ldap_dir_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err);

void
ldap_dir_release(struct dir *dir);

enum lookup
ldap_dir_generation(struct dir *dir, uint64_t *out, struct usher_error *err);

void
ldap_dir_wait(struct dir *dir, void (*ready)(void *arg), void *arg);

bool
ldap_dir_is_silent(const struct dir *dir);

int
ldap_dir_descriptor(const struct dir *dir);

void
ldap_dir_turn(struct dir *dir);

void
ldap_dir_since(struct dir *dir, uint64_t mono_ms);

uint64_t
ldap_dir_age_ms(struct dir *dir);

struct text_list
ldap_dir_skipped(struct dir *dir);

/* ---- ldap_record.c ---- */

/* Connects, and sees that there is a container, or that DIR_CREATE allows to make one. For handles
 * without DIR_SERVE; the others come here with their first management call.
 * Returns as dir_open(). */
USHER_CHECK usher_status
ldap_manage_open(struct ldap_dir *d, struct usher_error *err);

/* NULL is ignored. */
void
ldap_manage_close(struct ldap_manage *manage);

enum lookup
ldap_dir_get(struct dir *dir, struct arena *mem, const struct entity *entity, const void *key,
    void *out, struct usher_error *err);

usher_status
ldap_dir_each(struct dir *dir, const struct entity *entity, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload,
    struct usher_error *err);

usher_status
ldap_dir_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err);

usher_status
ldap_dir_count(
    struct dir *dir, const struct entity *entity, uint64_t *out, struct usher_error *err);

/* ---- ldap_facts.c ---- */

/* dir_facts() and dir_domain() of handles without DIR_SERVE, asked by nobody in particular: they
 * see what their transaction is about to change. */
enum lookup
ldap_manage_facts(struct dir *dir, struct arena *mem, const struct question *question,
    struct facts *out, struct usher_error *err);
enum lookup
ldap_manage_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err);

/* ---- ldap_change.c ---- */

usher_status
ldap_dir_begin(struct dir *dir, struct usher_error *err);

usher_status
ldap_dir_commit(struct dir *dir, struct usher_error *err);

void
ldap_dir_rollback(struct dir *dir);

usher_status
ldap_dir_put(struct dir *dir, const struct entity *entity, const void *record,
    enum dir_change *change, struct usher_error *err);

usher_status
ldap_dir_remove(struct dir *dir, const struct entity *entity, const void *key,
    enum dir_change *change, struct usher_error *err);

/* What dir_commit() would send, in this order; a modification without edits is a password to set.
 */
usher_status
ldap_dir_pending(struct dir *dir,
    usher_status (*each)(const struct ldap_change *change, void *payload), void *payload,
    struct usher_error *err);

/* Sets the password of the person whose login it is. */
usher_status
ldap_dir_password(struct dir *dir, const char *login, const struct secret *password,
    enum dir_change *change, struct usher_error *err);

#endif
