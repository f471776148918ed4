/* backend.h - what a back end gives to dir.c: one table of functions, one row in dir.c. */
#ifndef USHER_DIR_BACKEND_H
#define USHER_DIR_BACKEND_H

#include <stdatomic.h>

#include "dir/dir.h"

/* The functions are those of dir.h, which says what they mean. `where` is the URI without its
 * scheme, or whole if the back end is `whole`. dir.c has checked that changes come through a handle
 * with DIR_WRITE inside a transaction, so that no back end needs to. */
struct dir_backend {
	const char *const *schemes; /* NULL-terminated; the first is its name */
	bool whole;
	usher_status (*open)(const char *where, const struct dir_settings *settings, unsigned flags,
	    struct dir **out, struct usher_error *err);
	void (*close)(struct dir *dir);

	enum lookup (*facts)(struct dir *dir, struct arena *mem, const struct question *question,
	    const char *login_name, struct facts *out, struct usher_error *err);
	enum lookup (*domain)(struct dir *dir, struct arena *mem, const char *domain,
	    struct facts *out, struct usher_error *err);
	enum lookup (*credential)(struct dir *dir, struct arena *mem, const char *login,
	    struct credential *out, struct usher_error *err);
	void (*release)(struct dir *dir); /* dir->held is false again */
	enum lookup (*generation)(struct dir *dir, uint64_t *out, struct usher_error *err);

	/* NULL, all four: it never waits. */
	void (*wait)(struct dir *dir, void (*ready)(void *arg), void *arg);
	int (*descriptor)(const struct dir *dir);
	bool (*is_silent)(const struct dir *dir);
	void (*turn)(struct dir *dir);
	void (*since)(struct dir *dir, uint64_t mono_ms);
	uint64_t (*age_ms)(struct dir *dir);	      /* NULL: each lookup asks */
	struct text_list (*skipped)(struct dir *dir); /* NULL: nothing ever is */

	usher_status (*begin)(struct dir *dir, struct usher_error *err);
	usher_status (*commit)(struct dir *dir, struct usher_error *err);
	void (*rollback)(struct dir *dir);
	enum lookup (*get)(struct dir *dir, struct arena *mem, const struct entity *entity,
	    const void *key, void *out, struct usher_error *err);
	usher_status (*each)(struct dir *dir, const struct entity *entity, const void *prefix,
	    usher_status (*each)(const void *record, void *payload), void *payload,
	    struct usher_error *err);
	usher_status (*each_moved)(struct dir *dir,
	    usher_status (*each)(const void *record, void *payload), void *payload,
	    struct usher_error *err);
	usher_status (*count)(
	    struct dir *dir, const struct entity *entity, uint64_t *out, struct usher_error *err);
	usher_status (*put)(struct dir *dir, const struct entity *entity, const void *record,
	    enum dir_change *change, struct usher_error *err);
	usher_status (*remove)(struct dir *dir, const struct entity *entity, const void *key,
	    enum dir_change *change, struct usher_error *err);

	/* NULL: changes are made at once, though nobody sees them before commit() */
	usher_status (*pending)(struct dir *dir,
	    usher_status (*each)(const struct ldap_change *change, void *payload), void *payload,
	    struct usher_error *err);
	/* NULL: passwords are records with a hash */
	usher_status (*password)(struct dir *dir, const char *login, const struct secret *password,
	    enum dir_change *change, struct usher_error *err);
};

/* The head of every back end's own struct. */
struct dir {
	const struct dir_backend *backend;
	char *name;		       /* made and freed by dir.c */
	char *stem;		       /* may be NULL; made and freed by the back end */
	unsigned flags;		       /* enum dir_flags */
	int brought_from;	       /* set by the back end; see dir_brought_from() */
	struct dir_counters *counters; /* see dir_counted() */
	bool in_transaction;
	bool held; /* lookups go on in the view that the first of them began */
};

static inline void
dir_counted(struct dir *dir, enum dir_counter counter, int64_t n)
{
	if (dir->counters != NULL)
		atomic_fetch_add_explicit(
		    &dir->counters->v[counter], (uint64_t)n, memory_order_relaxed);
}

extern const struct dir_backend sqlite_backend, ldap_backend;

#endif
