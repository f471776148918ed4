/* file.c - whole small files as text. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum { CHUNK_BYTES = 64 * 1024 };

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
	if (fd < 0) {
		st = errno == ENOENT		       ? USHER_E_ABSENT :
		     errno == EACCES || errno == EPERM ? USHER_E_PERMISSION :
							 USHER_E_IO;
		return err_set(err, st, name, "%s", strerror(errno));
	}
	st = read_all(fd, name, out, err);
	(void)close(fd);
	return st;
}
