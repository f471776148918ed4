/* folder.c - private folders beside the directory, and the files in them. */
#include "cert/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

enum { NEW_NAME_BYTES = sizeof(".new-0123456789abcdef") };

/* Sorts before any name, so that a listing shows it as what it is: not yet a file. */
static const char NEW_FILE[] = ".new-";

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void
folder_close(struct folder *f)
{
	close_fd(&f->fd);
	f->fd = -1;
}

void
folder_cleanup(struct folder *f)
{
	folder_close(f);
}

static usher_status
os_error(struct usher_error *err, const char *where, const char *did)
{
	int e = errno;
	usher_status st = e == EACCES || e == EPERM || e == EROFS ? USHER_E_PERMISSION : USHER_E_IO;

	return err_set(err, st, where, "%s: %s", did, strerror(e));
}

/* -1 and errno on failure. */
static int
open_folder(struct folder *f, bool make)
{
	char holder[FOLDER_PATH_BYTES], last[FOLDER_PATH_BYTES];
	int parent CLEANUP(close_fd) = -1;
	struct stat owner;
	const char *name;
	int fd;

	memcpy(holder, f->path, sizeof(holder));
	memcpy(last, f->path, sizeof(last));
	name = basename(last);
	parent = open(dirname(holder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fstat(parent, &owner) < 0)
		return -1;
	f->uid = owner.st_uid;
	f->gid = owner.st_gid;
	if (make && mkdirat(parent, name, 0700) == 0) {
		if (fsync(parent) < 0)
			return -1;
	} else if (make && errno != EEXIST) {
		return -1;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && make && geteuid() == 0 && fchown(fd, f->uid, f->gid) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

usher_status
folder_open(
    const char *stem, const char *suffix, bool make, struct folder *out, struct usher_error *err)
{
	int n = snprintf(out->path, sizeof(out->path), "%s%s", stem, suffix);

	out->fd = -1;
	if (n < 0 || (size_t)n >= sizeof(out->path))
		return err_set(err, USHER_E_IO, stem, "is too long a path");
	out->fd = open_folder(out, make);
	if (out->fd >= 0)
		return USHER_OK;
	if (!make && errno == ENOENT)
		return err_set(err, USHER_E_ABSENT, out->path, "is not there");
	return os_error(err, out->path, make ? "cannot make this folder" : "cannot open");
}

bool
folder_write(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_skip(s, (size_t)n);
	}
	return true;
}

/* A name of its own for each writer, so that none removes or finishes another's file. */
static bool
new_name(char out[NEW_NAME_BYTES])
{
	uint64_t n;

	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return false;
	(void)snprintf(out, NEW_NAME_BYTES, "%s%016" PRIx64, NEW_FILE, n);
	return true;
}

static bool
fill_file(const struct folder *f, int fd, struct slice content)
{
	if (geteuid() == 0 && fchown(fd, f->uid, f->gid) < 0)
		return false;
	return folder_write(fd, content) && fsync(fd) == 0;
}

/* The file has its mode from its first instant; it gets its name when it is whole and on disk. */
static bool
write_file(const struct folder *f, const char *name, struct slice content)
{
	char unfinished[NEW_NAME_BYTES];
	int fd CLEANUP(close_fd) = -1;
	int e;

	if (!new_name(unfinished))
		return false;
	fd = openat(f->fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (fill_file(f, fd, content) && renameat(f->fd, unfinished, f->fd, name) == 0)
		return fsync(f->fd) == 0;
	e = errno;
	(void)unlinkat(f->fd, unfinished, 0);
	errno = e;
	return false;
}

usher_status
folder_put(const struct folder *f, const char *name, struct slice content, struct usher_error *err)
{
	return write_file(f, name, content) ? USHER_OK :
					      os_error(err, f->path, "cannot write a file");
}

static usher_status
read_all(int fd, size_t size, const char *where, struct buf *out, struct usher_error *err)
{
	char *to = buf_reserve(out, size);
	size_t done = 0;

	if (to == NULL)
		return err_nomem(err, where);
	while (done < size) {
		ssize_t n = read(fd, to + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return os_error(err, where, "cannot be read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	buf_used(out, done);
	return USHER_OK;
}

usher_status
folder_get(
    const struct folder *f, const char *name, size_t max, struct buf *out, struct usher_error *err)
{
	char where[FOLDER_PATH_BYTES + 256];
	struct stat stat;
	int fd CLEANUP(close_fd) =
	    openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	(void)snprintf(where, sizeof(where), "%s/%s", f->path, name);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, USHER_E_ABSENT, where, "is not there");
	if (fd < 0 || fstat(fd, &stat) < 0)
		return os_error(err, where, "cannot be opened");
	if (!S_ISREG(stat.st_mode) || (stat.st_mode & 077) != 0)
		return err_set(
		    err, USHER_E_TRUST, where, "others may read this file; set its mode to 0600");
	if ((size_t)stat.st_size > max)
		return err_set(err, USHER_E_LIMIT, where, "is longer than %zu bytes", max);
	return read_all(fd, (size_t)stat.st_size, where, out, err);
}

usher_status
folder_remove(const struct folder *f, const char *name, struct usher_error *err)
{
	return unlinkat(f->fd, name, 0) == 0 || errno == ENOENT ?
		   USHER_OK :
		   os_error(err, f->path, "cannot remove a file");
}

usher_status
folder_sweep(const struct folder *f, bool (*gone)(const char *name, const void *payload),
    const void *payload, struct usher_error *err)
{
	/* A descriptor of its own: closedir() closes it. */
	int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	usher_status st = USHER_OK;
	struct dirent *entry;

	if (files == NULL) {
		st = os_error(err, f->path, "cannot list");
		close_fd(&fd);
		return st;
	}
	while (st == USHER_OK && (entry = readdir(files)) != NULL) {
		if (strncmp(entry->d_name, NEW_FILE, strlen(NEW_FILE)) == 0 ||
		    gone(entry->d_name, payload))
			st = folder_remove(f, entry->d_name, err);
	}
	(void)closedir(files);
	return st;
}
