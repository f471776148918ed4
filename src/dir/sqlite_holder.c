/* sqlite_holder.c - who keeps the directory locked, as far as the kernel tells (proc_locks(5)). */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/text.h"
#include "dir/sqlite.h"

/* The byte of the -shm file that a writer locks (walformat, "WAL Locks"). */
#define WRITE_LOCK_BYTE "120"

enum { LINE_BYTES = 256, PID_MAX = 1 << 22 };

static bool
not_blank(char c)
{
	return !text_is_space(c);
}

static struct slice
next_word(struct cursor *c)
{
	cursor_blanks(c);
	return cursor_while(c, not_blank, LINE_BYTES);
}

/* `12: POSIX  ADVISORY  WRITE 4711 fe:00:123456 120 120`; a line of who waits has `->`. */
static bool
read_line(const char *line, const char *file, uint64_t *pid)
{
	struct cursor c = cursor_on(slice_of(line));
	struct slice word[7];

	for (size_t i = 0; i < COUNT_OF(word); i++)
		word[i] = next_word(&c);
	return !c.failed && slice_is(word[1], "POSIX") && slice_is(word[3], "WRITE") &&
	       slice_is(word[5], file) && slice_is(word[6], WRITE_LOCK_BYTE) &&
	       text_number(word[4], 1, PID_MAX, pid);
}

static bool
find_pid(const char *path, uint64_t *pid)
{
	char name[PATH_MAX], file[64], line[LINE_BYTES];
	bool found = false;
	struct stat s;
	FILE *locks;

	if (snprintf(name, sizeof(name), "%s-shm", path) >= (int)sizeof(name) ||
	    stat(name, &s) != 0)
		return false;
	(void)snprintf(file, sizeof(file), "%02x:%02x:%lu", major(s.st_dev), minor(s.st_dev),
	    (unsigned long)s.st_ino);
	locks = fopen("/proc/locks", "re");
	if (locks == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), locks) != NULL)
		found = read_line(line, file, pid);
	(void)fclose(locks);
	return found;
}

bool
sqlite_holder(const char *path, char out[HOLDER_BYTES])
{
	char name[64], program[32] = "";
	struct slice shown;
	uint64_t pid;
	FILE *comm;

	if (!find_pid(path, &pid))
		return false;
	(void)snprintf(name, sizeof(name), "/proc/%u/comm", (unsigned)pid);
	comm = fopen(name, "re");
	if (comm != NULL) {
		if (fgets(program, sizeof(program), comm) == NULL)
			program[0] = '\0';
		(void)fclose(comm);
	}
	shown = slice_trim(slice_of(program));
	(void)snprintf(out, HOLDER_BYTES, "%.*s%sprocess %u", (int)shown.n, shown.p,
	    shown.n > 0 ? ", " : "", (unsigned)pid);
	return true;
}
