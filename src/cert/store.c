/* store.c - the files in which private keys lie. */
#include "cert/store.h"

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
#include "cert/inspect.h"

enum {
	SHA256_DIGITS = 64,
	FILE_NAME_BYTES = SHA256_DIGITS + sizeof(".pem"),
	NEW_NAME_BYTES = sizeof(".new-0123456789abcdef"),
	PATH_BYTES = 4096
};

/* Sorts before any digest, so that a listing shows it as what it is: not yet a key. */
static const char NEW_FILE[] = ".new-";

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static usher_status
os_error(struct usher_error *err, const char *where, const char *did)
{
	int e = errno;
	usher_status st = e == EACCES || e == EPERM || e == EROFS ? USHER_E_PERMISSION : USHER_E_IO;

	return err_set(err, st, where, "%s: %s", did, strerror(e));
}

void
cert_key_path(const char *stem, const char *sha256, char *out, size_t out_bytes)
{
	(void)snprintf(out, out_bytes, "%s.keys%s%s%s", stem, *sha256 == '\0' ? "" : "/", sha256,
	    *sha256 == '\0' ? "" : ".pem");
}

/* The digest comes from the directory, which may have been written by others: nothing but 64 digits
 * becomes a file name. */
static usher_status
file_name(const char *sha256, char out[FILE_NAME_BYTES], struct usher_error *err)
{
	if (strlen(sha256) != SHA256_DIGITS || strspn(sha256, "0123456789abcdef") != SHA256_DIGITS)
		return err_set(err, USHER_E_INPUT, sha256, "not a SHA-256 of a certificate");
	(void)snprintf(out, FILE_NAME_BYTES, "%s.pem", sha256);
	return USHER_OK;
}

/* Opens `stem`.keys, made first when `make`. -1 and errno on failure. */
static int
open_keys(const char *stem, bool make, struct stat *owner)
{
	char path[PATH_BYTES], holder[PATH_BYTES];
	int parent CLEANUP(close_fd) = -1;
	const char *name;
	int keys;

	if (strlen(stem) + sizeof(".keys") > sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	cert_key_path(stem, "", path, sizeof(path));
	memcpy(holder, path, sizeof(holder));
	name = basename(path);
	parent = open(dirname(holder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fstat(parent, owner) < 0)
		return -1;
	if (make && mkdirat(parent, name, 0700) == 0) {
		if (fsync(parent) < 0)
			return -1;
	} else if (make && errno != EEXIST) {
		return -1;
	}
	keys = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (keys >= 0 && make && geteuid() == 0 && fchown(keys, owner->st_uid, owner->st_gid) < 0) {
		(void)close(keys);
		return -1;
	}
	return keys;
}

static bool
write_all(int fd, struct slice s)
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
fill_file(int fd, struct slice text, const struct stat *owner)
{
	if (geteuid() == 0 && fchown(fd, owner->st_uid, owner->st_gid) < 0)
		return false;
	return write_all(fd, text) && fsync(fd) == 0;
}

/* The file has its mode from its first instant; it gets its name when it is whole and on disk. */
static bool
write_file(int keys, const char *name, struct slice text, const struct stat *owner)
{
	char unfinished[NEW_NAME_BYTES];
	int fd CLEANUP(close_fd) = -1;
	int e;

	if (!new_name(unfinished))
		return false;
	fd = openat(keys, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (fill_file(fd, text, owner) && renameat(keys, unfinished, keys, name) == 0)
		return fsync(keys) == 0;
	e = errno;
	(void)unlinkat(keys, unfinished, 0);
	errno = e;
	return false;
}

usher_status
cert_key_put(const char *stem, const char *sha256, struct slice key_pem, struct usher_error *err)
{
	char name[FILE_NAME_BYTES], path[PATH_BYTES];
	struct stat owner;
	int keys CLEANUP(close_fd) = -1;
	usher_status st = file_name(sha256, name, err);

	if (st != USHER_OK)
		return st;
	keys = open_keys(stem, true, &owner);
	cert_key_path(stem, "", path, sizeof(path));
	if (keys < 0)
		return os_error(err, path, "cannot make the folder for keys");
	return write_file(keys, name, key_pem, &owner) ? USHER_OK :
							 os_error(err, path, "cannot write a key");
}

static usher_status
read_all(int fd, size_t size, const char *path, struct buf *out, struct usher_error *err)
{
	char *to;
	size_t done = 0;

	if (size > CERT_KEY_BYTES)
		return err_set(err, USHER_E_LIMIT, path, "too long for a private key");
	to = buf_reserve(out, size);
	if (to == NULL)
		return err_nomem(err, path);
	while (done < size) {
		ssize_t n = read(fd, to + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return os_error(err, path, "cannot read the key");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	buf_used(out, done);
	return USHER_OK;
}

usher_status
cert_key_get(const char *stem, const char *sha256, struct buf *out, struct usher_error *err)
{
	char name[FILE_NAME_BYTES], path[PATH_BYTES];
	struct stat stat;
	int keys CLEANUP(close_fd) = -1;
	int fd CLEANUP(close_fd) = -1;
	usher_status st = file_name(sha256, name, err);

	if (st != USHER_OK)
		return st;
	cert_key_path(stem, sha256, path, sizeof(path));
	keys = open_keys(stem, false, &stat);
	if (keys >= 0)
		fd = openat(keys, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, USHER_E_ABSENT, path,
		    "the key of a certificate is not there; import the certificate again");
	if (fd < 0 || fstat(fd, &stat) < 0)
		return os_error(err, path, "cannot open the key");
	if (!S_ISREG(stat.st_mode) || (stat.st_mode & 077) != 0)
		return err_set(
		    err, USHER_E_TRUST, path, "others may read this key; set its mode to 0600");
	return read_all(fd, (size_t)stat.st_size, path, out, err);
}

/* Only what has the form of our own files is ever removed. */
static bool
is_orphan(const char *file, const struct text_list *known)
{
	if (strncmp(file, NEW_FILE, strlen(NEW_FILE)) == 0)
		return true;
	if (strspn(file, "0123456789abcdef") != SHA256_DIGITS ||
	    strcmp(file + SHA256_DIGITS, ".pem") != 0)
		return false;
	for (size_t i = 0; i < known->n; i++) {
		if (strlen(known->v[i]) == SHA256_DIGITS &&
		    memcmp(file, known->v[i], SHA256_DIGITS) == 0)
			return false;
	}
	return true;
}

usher_status
cert_key_sweep(const char *stem, const struct text_list *known, struct usher_error *err)
{
	char path[PATH_BYTES];
	struct stat owner;
	struct dirent *entry;
	usher_status st = USHER_OK;
	int keys = open_keys(stem, false, &owner);
	DIR *files;

	cert_key_path(stem, "", path, sizeof(path));
	if (keys < 0)
		return errno == ENOENT ? USHER_OK : os_error(err, path, "cannot open");
	files = fdopendir(keys);
	if (files == NULL) {
		st = os_error(err, path, "cannot list");
		(void)close(keys);
		return st;
	}
	while (st == USHER_OK && (entry = readdir(files)) != NULL) {
		if (is_orphan(entry->d_name, known) && unlinkat(keys, entry->d_name, 0) < 0 &&
		    errno != ENOENT)
			st = os_error(err, path, "cannot remove a key that nothing names");
	}
	(void)closedir(files);
	return st;
}
