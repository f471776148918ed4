/* file.c - whole small files. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "cert/folder.h"

enum { CHUNK_BYTES = 64 * 1024 };

static usher_status
os_error(struct usher_error *err, const char *name)
{
	int e = errno;
	usher_status st = e == EACCES || e == EPERM || e == EROFS ? USHER_E_PERMISSION : USHER_E_IO;

	return err_set(err, st, name, "%s", strerror(e));
}

static usher_status
read_all(int fd, const char *name, struct buf *out, struct usher_error *err)
{
	for (;;) {
		char chunk[CHUNK_BYTES];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			buf_append(out, chunk, (size_t)n);
		explicit_bzero(chunk, n > 0 ? (size_t)n : 0);
		if (n < 0 && errno != EINTR)
			return err_set(err, USHER_E_IO, name, "%s", strerror(errno));
		if (out->status == USHER_E_LIMIT)
			return err_set(err, USHER_E_LIMIT, name, "longer than %zu bytes", out->max);
		if (out->status != USHER_OK)
			return err_nomem(err, name);
		if (n == 0)
			return USHER_OK;
	}
}

usher_status
cli_read_file(const char *name, struct buf *out, struct usher_error *err)
{
	bool standard = strcmp(name, "-") == 0;
	usher_status st;
	int fd;

	if (standard)
		return read_all(STDIN_FILENO, "standard input", out, err);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, USHER_E_ABSENT, name, "%s", strerror(errno));
	if (fd < 0)
		return os_error(err, name);
	st = read_all(fd, name, out, err);
	(void)close(fd);
	return st;
}

/* What is there stays until all is written: a full disk leaves it alone. */
static usher_status
replace(const char *name, struct slice bytes, mode_t mode, struct usher_error *err)
{
	char beside[PATH_MAX];
	usher_status st = USHER_OK;
	int fd, n = snprintf(beside, sizeof(beside), "%s.%ld.new", name, (long)getpid());

	if (n < 0 || (size_t)n >= sizeof(beside))
		return err_set(err, USHER_E_IO, name, "%s", strerror(ENAMETOOLONG));
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return os_error(err, name);
	if (!folder_write(fd, bytes) || fsync(fd) != 0 || rename(beside, name) != 0) {
		st = os_error(err, name);
		(void)unlink(beside);
	}
	(void)close(fd);
	return st;
}

usher_status
cli_write_file(const char *name, struct slice bytes, enum file_mode mode, struct usher_error *err)
{
	struct stat there;

	if (strcmp(name, "-") == 0)
		return folder_write(STDOUT_FILENO, bytes) ? USHER_OK :
							    os_error(err, "standard output");
	/* A device or a pipe is written to: nothing can be put in its place. */
	if (stat(name, &there) == 0 && !S_ISREG(there.st_mode)) {
		int fd = open(name, O_WRONLY | O_CLOEXEC);
		usher_status st =
		    fd >= 0 && folder_write(fd, bytes) ? USHER_OK : os_error(err, name);

		if (fd >= 0)
			(void)close(fd);
		return st;
	}
	return replace(name, bytes, (mode_t)mode, err);
}
