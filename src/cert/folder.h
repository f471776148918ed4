/* folder.h - folders beside the directory that its owner alone may look into, with files of mode
 * 0600 that are whole or not there.
 *
 * When root writes, folders and files belong to the owner of the folder that holds them, so that a
 * service without privileges can read them. No link is ever followed. */
#ifndef USHER_CERT_FOLDER_H
#define USHER_CERT_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

enum { FOLDER_PATH_BYTES = 4096 };

struct folder {
	int fd;
	uid_t uid;
	gid_t gid;
	char path[FOLDER_PATH_BYTES]; /* for messages */
};

/* Opens the folder `stem` followed by `suffix`, whose parent must be there; made first when `make`.
 * Returns USHER_OK (release with folder_close()), USHER_E_ABSENT (not with `make`),
 * USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
folder_open(
    const char *stem, const char *suffix, bool make, struct folder *out, struct usher_error *err);

void
folder_close(struct folder *f);

/* Writes a file so that it is whole and on disk when this returns. Replaces an older one. Of
 * several writers at once each writes a whole file, and the last one's stays. Returns USHER_OK,
 * USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
folder_put(const struct folder *f, const char *name, struct slice content, struct usher_error *err);

/* Appends a file of at most `max` bytes to `out`.
 * Returns USHER_OK, USHER_E_ABSENT, USHER_E_TRUST (others may read it, or it is no file),
 * USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
folder_get(
    const struct folder *f, const char *name, size_t max, struct buf *out, struct usher_error *err);

/* Removes a file; that it is there no more is no fault.
 * Returns USHER_OK, USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
folder_remove(const struct folder *f, const char *name, struct usher_error *err);

/* Removes what `gone` says of, and files that were never finished. Returns USHER_OK,
 * USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
folder_sweep(const struct folder *f, bool (*gone)(const char *name, const void *payload),
    const void *payload, struct usher_error *err);

/* For CLEANUP(); a folder whose fd is -1 is left alone. */
void
folder_cleanup(struct folder *f);

/* Writes all of `s` to any descriptor, however often it is interrupted. False, and errno, when that
 * fails. */
bool
folder_write(int fd, struct slice s);

#endif
