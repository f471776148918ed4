/* uacme.c - runs uacme, and judges what it says (RFC 8555, 6.7). */
#include "cli/uacme.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "cert/acme.h"
#include "cli/command.h"
#include "cli/hook.h"
#include "wire/json_tree.h"

enum {
	SAID_BYTES = 256 * 1024, /* what is read of uacme's output */
	JUDGE_BYTES = 16 * SAID_BYTES,
	ARGUMENTS_MAX = 16
};

/* What our hook says to ourselves, through uacme's standard error. */
#define FAILED_MARK "usher hook failed for "
#define HOOK_MARK "usher hook: "

/* ---- what it says ---- */

/* `todo` follows what the server says. */
struct problem {
	const char *type; /* after urn:ietf:params:acme:error: */
	usher_status status;
	const char *todo;
};

static const struct problem problems[] = {
	{ "connection", USHER_E_NETWORK,
	    "the ACME server must reach its port 80 from outside: let the name lead to this "
	    "machine "
	    "(`usher plan --dns`), open the port, and let usherd listen on it ([listen redirect]); "
	    "or leave the name out by --domain" },
	{ "dns", USHER_E_DNS,
	    "give the name an address in the DNS (`usher plan --dns`), or leave it out by "
	    "--domain" },
	{ "unauthorized", USHER_E_PEER,
	    "another machine answers at its port 80, or a usherd on another directory: let the "
	    "name "
	    "lead to this one, or leave it out by --domain" },
	{ "incorrectResponse", USHER_E_PEER,
	    "another machine answers at its port 80, or a usherd on another directory: let the "
	    "name "
	    "lead to this one, or leave it out by --domain" },
	{ "caa", USHER_E_TRUST,
	    "the domain's CAA records allow other authorities only: add one for this authority" },
	{ "rateLimited", USHER_E_UNAVAILABLE, "wait for as long as it says, and repeat" },
	{ "userActionRequired", USHER_E_TRUST, "do what it asks for on its site, and repeat" },
	{ "externalAccountRequired", USHER_E_USAGE,
	    "it takes customers only, who have an account bound to a key, which usher cannot: use "
	    "another authority" },
	{ "rejectedIdentifier", USHER_E_INPUT, "leave the name out by --domain" },
	{ "unsupportedIdentifier", USHER_E_INPUT, "leave the name out by --domain" },
	{ "invalidContact", USHER_E_INPUT, "give another address by --contact" },
	{ "unsupportedContact", USHER_E_INPUT, "give another address by --contact" },
	{ "badPublicKey", USHER_E_INPUT, "choose another key by --key" },
	{ "badCSR", USHER_E_INPUT, "choose other names or another key" },
	{ "serverInternal", USHER_E_UNAVAILABLE, "it is out of order: repeat later" },
};

static const char *
text_member(const struct json_node *object, const char *name)
{
	const struct json_node *node = json_tree_member(object, name);

	return node != NULL && node->kind == NODE_TEXT ? node->text : NULL;
}

static const struct problem *
find_problem(const char *type)
{
	static const struct slice urn = SLICE_LITERAL("urn:ietf:params:acme:error:");
	static const struct problem other = { "", USHER_E_PEER,
		"see what its operators say about this, and repeat" };
	struct slice name = slice_of(type);

	if (slice_starts_nocase(name, urn))
		name = slice_skip(name, urn.n);
	for (size_t i = 0; i < COUNT_OF(problems); i++)
		if (slice_is_nocase(name, problems[i].type))
			return &problems[i];
	return &other;
}

/* The problem document (RFC 7807), or the first of those that it consists of (RFC 8555, 6.7.1). */
static usher_status
judge_document(
    const char *url, const char *name, const struct json_node *document, struct usher_error *err)
{
	const struct json_node *parts = json_tree_member(document, "subproblems");
	const struct json_node *part =
	    parts != NULL && parts->kind == NODE_LIST && parts->n > 0 ? parts->first : document;
	const char *identifier = text_member(json_tree_member(part, "identifier"), "value");
	const char *type = text_member(part, "type"), *detail = text_member(part, "detail");
	const struct problem *p = find_problem(type);

	if (detail == NULL)
		detail = type == NULL ? "no reason" : type;
	if (identifier != NULL)
		name = identifier;
	return err_set(err, p->status, name == NULL ? url : name, "%s (the ACME server says: %s)",
	    p->todo, detail);
}

/* What stands behind the last `begin`, as far as `end`; p is NULL when there is none. */
static struct slice
last_between(struct slice said, struct slice begin, struct slice end)
{
	struct slice found = { NULL, 0 };
	const char *at = NULL;

	while (said.n > 0 && (at = memmem(said.p, said.n, begin.p, begin.n)) != NULL)
		said = found = slice_skip(said, (size_t)(at - said.p) + begin.n);
	if (found.n > 0 && (at = memmem(found.p, found.n, end.p, end.n)) != NULL)
		found.n = (size_t)(at - found.p);
	return found;
}

static struct slice
line_after(struct slice said, struct slice mark)
{
	return last_between(said, mark, SLICE_LITERAL("\n"));
}

static struct slice
last_line(struct slice said)
{
	size_t newline;

	said = slice_trim(said);
	newline = slice_find_last(said, '\n');
	return newline < said.n ? slice_skip(said, newline + 1) : said;
}

/* Fills `err` as for a message with what was found as its last part. */
static usher_status
judge_line(struct usher_error *err, usher_status status, const char *where, const char *message,
    struct slice found)
{
	int n = found.n < USHER_ERROR_MESSAGE_BYTES ? (int)found.n : USHER_ERROR_MESSAGE_BYTES;

	return err_set(err, status, where, "%s%.*s", message, n, found.n == 0 ? "" : found.p);
}

usher_status
uacme_judge(const char *url, struct slice said, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(JUDGE_BYTES);
	struct slice document = last_between(said,
	    SLICE_LITERAL("the server reported the following error:\n"), SLICE_LITERAL("\n}"));
	struct slice found = line_after(said, SLICE_LITERAL(FAILED_MARK));
	const char *name = found.n == 0 || mem == NULL ? NULL : arena_copy(mem, found);
	const struct json_node *tree;

	if (mem == NULL)
		return err_nomem(err, url);
	if (document.p != NULL && document.p + document.n < said.p + said.n) {
		document.n += strlen("\n}");
		if (json_tree_read(mem, document, &tree, NULL) == USHER_OK)
			return judge_document(url, name, tree, err);
	}
	if (line_after(said, SLICE_LITERAL("no account associated with")).p != NULL)
		return err_set(err, USHER_E_ABSENT, url, "the ACME server knows no such account");
	found = line_after(said, SLICE_LITERAL("to accept the terms at "));
	if (found.n > 0)
		return judge_line(err, USHER_E_TRUST, url,
		    "the ACME server has terms of service: read them, and agree by "
		    "--accept-terms: ",
		    found);
	found = line_after(said, SLICE_LITERAL(HOOK_MARK));
	if (found.n > 0)
		return judge_line(
		    err, USHER_E_IO, url, "the challenge cannot be answered: ", found);
	found = line_after(said, SLICE_LITERAL("curl_"));
	if (found.n > 0)
		return judge_line(err, USHER_E_NETWORK, url,
		    "the ACME server cannot be asked; look at the URL, at the way there and at the "
		    "time of this machine: ",
		    found);
	return judge_line(err, USHER_E_PEER, name == NULL ? url : name,
	    "uacme has failed; is this the directory URL of an ACME server? It says: ",
	    last_line(said));
}

/* ---- a run ---- */

/* `words` begins with options and `--`: an address may begin with a dash. */
static usher_status
run(const struct uacme *u, const char *const *words, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) said = { .max = SAID_BYTES };
	char self[PATH_MAX], stem[sizeof(UACME_HOOK_VARIABLE "=") + FOLDER_PATH_BYTES];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *const environment[] = { stem, NULL };
	/* -n: it makes nothing but what it is told to; -f -o: it asks nobody whether to. */
	const char *arguments[ARGUMENTS_MAX] = { "-n", "-f", "-o", "-a", u->url, "-c", u->account,
		"-h", self };
	size_t n_arguments = 9;
	uint64_t now_ms = clock_mono_ms();
	const struct hook_call call = {
		.program = "uacme",
		.arguments = arguments,
		.environment = environment,
		.output = &said,
		.timeout_ms = u->end_ms > now_ms ? u->end_ms - now_ms : 0,
		.stop_fd = u->stop_fd,
	};
	usher_status st;

	if (n <= 0)
		return err_set(err, USHER_E_IO, "/proc/self/exe", "cannot be read; mount /proc");
	self[n] = '\0';
	(void)snprintf(stem, sizeof(stem), UACME_HOOK_VARIABLE "=%s", u->stem);
	while (*words != NULL && n_arguments + 1 < COUNT_OF(arguments))
		arguments[n_arguments++] = *words++;
	st = hook_run(&call, err);
	if (st == USHER_E_ABSENT)
		return err_set(err, USHER_E_UNAVAILABLE, "uacme",
		    "is not installed: this program speaks ACME for usher; install its package");
	if (st == USHER_E_TIMEOUT)
		return err_set(err, USHER_E_TIMEOUT, u->url,
		    "the ACME server has not issued the certificate in time; repeat, or give more "
		    "by --timeout");
	if (st == USHER_OK && poll(&(struct pollfd){ u->stop_fd, POLLIN, 0 }, 1, 0) > 0)
		return err_set(
		    err, USHER_E_CANCELLED, u->url, "was interrupted; nothing was changed");
	return st == USHER_E_CONFLICT ? uacme_judge(u->url, buf_as_slice(&said), err) : st;
}

usher_status
uacme_issue(const struct uacme *u, const char *request, struct usher_error *err)
{
	return run(u, (const char *const[]){ "--", "issue", request, NULL }, err);
}

usher_status
uacme_register(
    const struct uacme *u, const char *contact, bool accept_terms, struct usher_error *err)
{
	/* Without a contact the list ends there. */
	const char *const agreed[] = { "-y", "--", "new", contact, NULL };

	return run(u, accept_terms ? agreed : agreed + 1, err);
}

usher_status
uacme_update(const struct uacme *u, const char *contact, struct usher_error *err)
{
	return run(u, (const char *const[]){ "--", "update", contact, NULL }, err);
}

/* ---- the hook ---- */

static usher_status
answer(const char *stem, char **argv, struct usher_error *err)
{
	const struct slice method = slice_of(argv[1]), token = slice_of(argv[4]);

	if (slice_is(method, "begin"))
		return acme_answer_put(stem, token, slice_of(argv[5]), err);
	if (slice_is(method, "failed"))
		(void)fprintf(stderr, FAILED_MARK "%s\n", argv[3]);
	return acme_answer_remove(stem, token, err);
}

int
uacme_hook(const char *stem, int argc, char **argv)
{
	struct usher_error err = { 0 };
	usher_status st;

	if (argc != 6)
		return CLI_USAGE;
	if (strcmp(argv[2], "http-01") != 0) /* declined: it goes on to the next kind */
		return CLI_NEGATIVE;
	st = answer(stem, argv, &err);
	if (st == USHER_OK)
		return CLI_DONE;
	(void)fprintf(stderr, HOOK_MARK "%s: %s\n", err.where, err.message);
	return CLI_CANNOT_CREATE;
}
