/* profile_store.c - the folder of profiles: names, lock, whole replacement.
 *
 * A file is written beside the old one, forced to the disk and then put into its place, so that
 * whoever reads finds one of the two whole. All who change something hold the folder's lock, so
 * that the file beside has one writer, and what a killed one has left of it is written over. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/url.h"
#include "base/when.h"
#include "lib/profile.h"

enum {
	SPELLED_MAX_BYTES = 200, /* of an address in a file's name; longer ones are cut */
	LISTED_MAX = 100000,	 /* files in a folder */
	LOCK_STEP_MS = 10
};

#define LOCK_NAME ".lock"
#define SUFFIX ".json"

static usher_status
refuse_errno(const char *where, struct usher_error *err)
{
	usher_status st = USHER_E_IO;

	if (errno == EACCES || errno == EPERM || errno == EROFS)
		st = USHER_E_PERMISSION;
	return err_set(err, st, where, "%s", strerror(errno));
}

/* ---- names ---- */

static const char *
usual_folder(struct arena *mem)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	/* What is not absolute is to be ignored, says the XDG Base Directory Specification. */
	if (data != NULL && data[0] == '/')
		return arena_join(mem, data, "/usher/profiles");
	if (home != NULL && home[0] == '/')
		return arena_join(mem, home, "/.local/share/usher/profiles");
	return "";
}

/* FNV-1a: keeps apart what cutting has made equal. Which of two it is, the file itself says. */
static uint64_t
hashed(struct slice s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h;
}

const char *
profile_file_name(struct arena *mem, const struct address *address)
{
	struct slice key = slice_of(address->key);
	struct buf CLEANUP(buf_cleanup) name = { 0 };

	buf_init(&name, 3 * ADDRESS_MAX_BYTES + PROFILE_NAME_BYTES);
	url_escape(&name, key);
	if (name.n > SPELLED_MAX_BYTES) {
		buf_cut(&name, SPELLED_MAX_BYTES);
		buf_printf(&name, "~%016llx", (unsigned long long)hashed(key));
	}
	buf_text(&name, SUFFIX);
	return name.status == USHER_OK ? arena_strdup(mem, buf_cstr(&name)) : NULL;
}

const char *
profile_file_path(struct arena *mem, const struct profile_folder *folder, const char *name)
{
	return arena_join(mem, folder->path, "/", name);
}

/* ---- the folder ---- */

/* Makes what is missing of a path, for its owner alone. */
static usher_status
make_folders(struct arena *mem, const char *path, struct usher_error *err)
{
	char *part = arena_strdup(mem, path);

	if (part == NULL)
		return err_nomem(err, path);
	for (char *p = part + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return refuse_errno(part, err);
		*p = c;
		if (c == '\0')
			return USHER_OK;
	}
}

/* Where passwords are sent depends on profiles: nobody else may have written them. */
static usher_status
check_owner(const struct stat *st, const char *path, struct usher_error *err)
{
	if (st->st_uid != geteuid() && st->st_uid != 0 && geteuid() != 0)
		return err_set(err, USHER_E_PERMISSION, path, "belongs to another user");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, USHER_E_PERMISSION, path,
		    "others may write there: take that from them with chmod go-w");
	return USHER_OK;
}

usher_status
profile_folder_open(struct arena *mem, const char *given, bool make, struct profile_folder *out,
    struct usher_error *err)
{
	const char *path = given != NULL ? arena_strdup(mem, given) : usual_folder(mem);
	usher_status st = USHER_OK;
	struct stat info;
	int fd;

	if (path == NULL)
		return err_nomem(err, "profiles");
	if (path[0] == '\0')
		return err_set(err, USHER_E_USAGE, "profiles",
		    "there is no home for them: set HOME or XDG_DATA_HOME, or name a folder");
	if (make)
		st = make_folders(mem, path, err);
	if (st != USHER_OK)
		return st;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (errno != ENOENT || make))
		return refuse_errno(path, err);
	if (fd >= 0 && fstat(fd, &info) != 0)
		st = refuse_errno(path, err);
	else if (fd >= 0)
		st = check_owner(&info, path, err);
	if (st != USHER_OK) {
		(void)close(fd);
		return st;
	}
	*out = (struct profile_folder){ path, fd };
	return USHER_OK;
}

void
profile_folder_close(struct profile_folder *folder)
{
	if (folder->fd >= 0)
		(void)close(folder->fd);
	folder->fd = -1;
}

usher_status
profile_lock(const struct profile_folder *folder, int *out, struct usher_error *err)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };
	uint64_t until_ms = clock_mono_ms() + PROFILE_LOCK_MS;
	int fd = openat(folder->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return refuse_errno(folder->path, err);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			usher_status st = refuse_errno(folder->path, err);

			(void)close(fd);
			return st;
		}
		if (clock_mono_ms() >= until_ms) {
			(void)close(fd);
			return err_set(err, USHER_E_UNAVAILABLE, folder->path,
			    "another program has held its lock for %d ms: try again",
			    PROFILE_LOCK_MS);
		}
		(void)nanosleep(&step, NULL);
	}
	*out = fd;
	return USHER_OK;
}

/* ---- files ---- */

static struct profile_version
version_of(const struct stat *info)
{
	return (struct profile_version){
		.inode = info->st_ino,
		.changed_ns = info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec,
		.bytes = info->st_size,
	};
}

static usher_status
read_whole(int fd, const char *path, struct buf *out, struct usher_error *err)
{
	for (;;) {
		char chunk[16 * 1024];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			buf_append(out, chunk, (size_t)n);
		if (n < 0 && errno != EINTR)
			return refuse_errno(path, err);
		if (out->status == USHER_E_LIMIT)
			return err_set(err, USHER_E_LIMIT, path,
			    "is larger than the %d bytes of any profile", PROFILE_BYTES);
		if (out->status != USHER_OK)
			return err_nomem(err, path);
		if (n == 0)
			return USHER_OK;
	}
}

usher_status
profile_file_read(const struct profile_folder *folder, const char *name, const char *path,
    struct buf *out, struct profile_version *version, struct usher_error *err)
{
	struct stat info;
	usher_status st;
	int fd;

	if (folder->fd < 0)
		return err_set(
		    err, USHER_E_ABSENT, path, "there is no such profile: create it first");
	fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(
		    err, USHER_E_ABSENT, path, "there is no such profile: create it first");
	if (fd < 0 && errno == ELOOP)
		return err_set(err, USHER_E_INPUT, path, "is a symbolic link and no profile");
	if (fd < 0)
		return refuse_errno(path, err);
	if (fstat(fd, &info) != 0)
		st = refuse_errno(path, err);
	else if (!S_ISREG(info.st_mode))
		st = err_set(err, USHER_E_INPUT, path, "is no plain file and no profile");
	else
		st = check_owner(&info, path, err);
	buf_init(out, PROFILE_BYTES);
	if (st == USHER_OK)
		st = read_whole(fd, path, out, err);
	(void)close(fd);
	if (st != USHER_OK)
		buf_clear(out);
	else
		*version = version_of(&info);
	return st;
}

bool
profile_file_changed(
    const struct profile_folder *folder, const char *name, const struct profile_version *version)
{
	struct profile_version now;
	struct stat info;

	if (folder->fd < 0 || fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	now = version_of(&info);
	return now.inode != version->inode || now.changed_ns != version->changed_ns ||
	       now.bytes != version->bytes;
}

static bool
write_whole(int fd, struct slice text, struct profile_version *version)
{
	struct stat info;

	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			return false;
		text = slice_skip(text, n < 0 ? 0 : (size_t)n);
	}
	if (fsync(fd) != 0 || fstat(fd, &info) != 0)
		return false;
	*version = version_of(&info);
	return true;
}

usher_status
profile_file_write(const struct profile_folder *folder, const char *name, const char *path,
    struct slice text, struct profile_version *version, struct usher_error *err)
{
	char beside[PROFILE_NAME_BYTES + sizeof("..new")];
	bool done;
	int fd;

	(void)snprintf(beside, sizeof(beside), ".%s.new", name);
	fd =
	    openat(folder->fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return refuse_errno(path, err);
	done = write_whole(fd, text, version);
	done = close(fd) == 0 && done;
	done = done && renameat(folder->fd, beside, folder->fd, name) == 0;
	if (!done) {
		int fault = errno;

		(void)unlinkat(folder->fd, beside, 0);
		return err_set(err, USHER_E_IO, path, "cannot be written and is as it was: %s",
		    strerror(fault));
	}
	return fsync(folder->fd) == 0 ? USHER_OK : refuse_errno(folder->path, err);
}

usher_status
profile_file_remove(const struct profile_folder *folder, const char *name, const char *path,
    struct usher_error *err)
{
	if (unlinkat(folder->fd, name, 0) != 0)
		return errno == ENOENT ? err_set(err, USHER_E_ABSENT, path,
					     "there is no such profile: create it first") :
					 refuse_errno(path, err);
	return fsync(folder->fd) == 0 ? USHER_OK : refuse_errno(folder->path, err);
}

/* ---- all of them ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static usher_status
gather(struct arena *mem, DIR *dir, const char **v, size_t *n)
{
	const struct dirent *entry;

	for (*n = 0; (entry = readdir(dir)) != NULL;) {
		struct slice name = slice_of(entry->d_name);

		if (name.p[0] == '.' || !slice_ends_nocase(name, SLICE_LITERAL(SUFFIX)))
			continue;
		if (*n == LISTED_MAX)
			return USHER_E_LIMIT;
		v[*n] = arena_copy(mem, name);
		if (v[(*n)++] == NULL)
			return USHER_E_NOMEM;
	}
	return USHER_OK;
}

usher_status
profile_file_names(struct arena *mem, const struct profile_folder *folder, struct text_list *out,
    struct usher_error *err)
{
	const char **v = arena_array(mem, LISTED_MAX, sizeof(*v));
	usher_status st;
	DIR *dir;
	size_t n;
	int fd;

	*out = (struct text_list){ NULL, 0 };
	if (folder->fd < 0)
		return USHER_OK;
	if (v == NULL)
		return err_nomem(err, folder->path);
	fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		st = refuse_errno(folder->path, err);
		if (fd >= 0)
			(void)close(fd);
		return st;
	}
	st = gather(mem, dir, v, &n);
	(void)closedir(dir);
	if (st == USHER_E_LIMIT)
		return err_set(err, st, folder->path, "holds more than %d profiles", LISTED_MAX);
	if (st != USHER_OK)
		return err_nomem(err, folder->path);
	qsort(v, n, sizeof(*v), by_text);
	*out = (struct text_list){ v, n };
	return USHER_OK;
}
