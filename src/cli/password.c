/* password.c - passwords and tokens from a file, the environment or the terminal; never from an
 * argument. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/command.h"
#include "cli/file.h"

static struct slice
first_line(struct slice text)
{
	size_t n = slice_find(text, '\n');

	if (n > 0 && n <= text.n && text.p[n - 1] == '\r')
		n--;
	return slice_from(text.p, n);
}

/* The first line, wherever it comes from. */
static usher_status
take_line(struct slice text, const char *where, struct secret *out, struct usher_error *err)
{
	struct slice line = first_line(text);

	if (line.n == 0)
		return err_set(err, USHER_E_INPUT, where, "the password is empty");
	if (!secret_set(out, line))
		return err_set(err, USHER_E_INPUT, where,
		    "the password is longer than %d bytes or has a NUL in it", SECRET_MAX_BYTES);
	return USHER_OK;
}

static usher_status
take_token(struct slice text, const char *where, struct secret *out, struct usher_error *err)
{
	struct slice line = first_line(text);

	if (line.n == 0)
		return err_set(err, USHER_E_INPUT, where, "the token is empty");
	if (!secret_set_token(out, line))
		return err_set(err, USHER_E_INPUT, where,
		    "the token is longer than %d bytes or has a NUL in it", SECRET_TOKEN_BYTES);
	return USHER_OK;
}

typedef usher_status
taker(struct slice text, const char *where, struct secret *out, struct usher_error *err);

static usher_status
from_file(const char *file, taker *take, struct secret *out, struct usher_error *err)
{
	struct buf text;
	usher_status st;

	/* Room to see that a line is too long; what follows the first line does not matter. */
	buf_init(&text, 64 * 1024);
	st = cli_read_file(file, &text, err);
	if (st == USHER_OK)
		st = take(buf_as_slice(&text), file, out, err);
	buf_wipe(&text);
	return st == USHER_E_ABSENT ? err_set(err, USHER_E_INPUT, file, "%s", strerror(ENOENT)) :
				      st;
}

usher_status
cli_token(const char *file, struct secret *out, struct usher_error *err)
{
	return from_file(file, take_token, out, err);
}

/* Reads one line from the terminal with the echo off. */
static usher_status
prompt_once(int tty, const char *prompt, struct secret *out, struct usher_error *err)
{
	char line[SECRET_MAX_BYTES + 2];
	struct termios shown, hidden;
	usher_status st;
	ssize_t n;

	if (tcgetattr(tty, &shown) != 0)
		return err_set(err, USHER_E_IO, "/dev/tty", "%s", strerror(errno));
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	/* Before the prompt: what answers it is neither shown nor thrown away. */
	(void)tcsetattr(tty, TCSAFLUSH, &hidden);
	(void)dprintf(tty, "%s: ", prompt);
	do {
		n = read(tty, line, sizeof(line));
	} while (n < 0 && errno == EINTR);
	(void)tcsetattr(tty, TCSAFLUSH, &shown);
	(void)dprintf(tty, "\n");
	if (n < 0)
		st = err_set(err, USHER_E_IO, "/dev/tty", "%s", strerror(errno));
	else
		st = take_line(slice_from(line, (size_t)n), NULL, out, err);
	explicit_bzero(line, sizeof(line));
	return st;
}

static usher_status
from_terminal(const char *prompt, bool twice, struct secret *out, struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) again = { 0 };
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	usher_status st;

	if (tty < 0)
		return err_set(err, USHER_E_USAGE, NULL,
		    "no password: give --password-file FILE (`-` is standard input) or set "
		    "USHER_PASSWORD");
	st = prompt_once(tty, prompt, out, err);
	if (st == USHER_OK && twice) {
		st = prompt_once(tty, "The same again", &again, err);
		if (st == USHER_OK && !secret_eq(out, &again))
			st = err_set(err, USHER_E_INPUT, NULL,
			    "the two passwords are not the same; nothing was changed");
		if (st != USHER_OK)
			secret_clear(out);
	}
	(void)close(tty);
	return st;
}

usher_status
cli_password(
    const char *file, const char *prompt, bool twice, struct secret *out, struct usher_error *err)
{
	const char *environment = getenv("USHER_PASSWORD");

	if (file != NULL)
		return from_file(file, take_line, out, err);
	if (environment != NULL)
		return take_line(slice_of(environment), "USHER_PASSWORD", out, err);
	return from_terminal(prompt, twice, out, err);
}
