/* cmd_find.c - `usher find ADDRESS`: looks for the settings as a mail program does, and shows the
 * way there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "cli/commands.h"
#include "model/answer.h"
#include "usher/find.h"

struct find_args {
	struct text_list trust_hosts;
	int language;
	bool xml;
	bool log;
	const char *login;
	const char *password_file;
	uint64_t timeout_ms;
	struct text_list connect_to;
	const char *dns;
	const char *ca_file;
};

static const char *const languages[] = { "pox", NULL };

static const struct option_spec find_opts[] = {
	{ 0, "login", OPT_TEXT, offsetof(struct find_args, login), "NAME",
	    "log in as NAME instead of the address" },
	{ 0, "password-file", OPT_TEXT, offsetof(struct find_args, password_file), "FILE",
	    "read the password from the first line of FILE; - is standard input" },
	{ 0, "trust-host", OPT_LIST, offsetof(struct find_args, trust_hosts), "HOST",
	    "follow redirects to HOST, or *.NAME, without asking" },
	{ 0, "language", OPT_CHOICE, offsetof(struct find_args, language), NULL,
	    "language to ask in", languages },
	{ 0, "log", OPT_FLAG, offsetof(struct find_args, log), NULL,
	    "show every attempt and every detail of the settings" },
	{ 0, "xml", OPT_FLAG, offsetof(struct find_args, xml), NULL,
	    "print the document as the service sent it" },
	{ 0, "timeout", OPT_MSEC, offsetof(struct find_args, timeout_ms), "TIME",
	    "give up after TIME (default: 60s)" },
	{ 0, "connect-to", OPT_EACH, offsetof(struct find_args, connect_to), "HOST:PORT:ADDR:PORT",
	    "connect to ADDR:PORT when HOST:PORT is meant" },
	{ 0, "dns", OPT_TEXT, offsetof(struct find_args, dns), "ADDR[:PORT]",
	    "ask this DNS server" },
	{ 0, "ca-file", OPT_TEXT, offsetof(struct find_args, ca_file), "FILE",
	    "trust the certificates in FILE (PEM) instead of the system's" },
	{ 0 },
};

/* Reading a result is always about one record of one part. */
struct view {
	const struct usher_result *result;
	enum usher_part part;
	size_t index;
};

static const char *
text(const struct view *v, const char *name)
{
	return usher_result_text(v->result, v->part, v->index, name);
}

static int64_t
number(const struct view *v, const char *name)
{
	return usher_result_number(v->result, v->part, v->index, name);
}

static struct text_list
list(struct cli *cli, const struct view *v, const char *name)
{
	const char **items;
	size_t n = 0;

	while (usher_result_item(v->result, v->part, v->index, name, n) != NULL)
		n++;
	items = arena_array(cli->mem, n, sizeof(*items));
	if (items == NULL)
		return (struct text_list){ NULL, 0 };
	for (size_t i = 0; i < n; i++)
		items[i] = usher_result_item(v->result, v->part, v->index, name, i);
	return (struct text_list){ items, n };
}

static const char *
joined(struct cli *cli, const struct text_list *l)
{
	const char *out = l->n == 0 ? "" : l->v[0];

	for (size_t i = 1; i < l->n && out != NULL; i++)
		out = arena_printf(cli->mem, "%s, %s", out, l->v[i]);
	return out == NULL ? "" : out;
}

/* ---- what was found ---- */

struct kind_title {
	const char *kind;
	const char *title;
};

static const struct kind_title titles[] = {
	{ "EXCH", "Exchange, from inside the network (EXCH)" },
	{ "EXPR", "Exchange, from anywhere (EXPR, Outlook Anywhere)" },
	{ "EXHTTP", "Exchange over HTTP (EXHTTP)" },
	{ "mapiHttp", "Exchange by MAPI over HTTP" },
	{ "WEB", "In a web browser (WEB)" },
	{ "IMAP", "Reading mail (IMAP)" },
	{ "POP3", "Fetching mail (POP3)" },
	{ "SMTP", "Sending mail (SMTP)" },
	{ "DAV", "Calendars and contacts (DAV)" },
	{ "NNTP", "News (NNTP)" },
};

static const char *
title_of(const char *kind)
{
	for (size_t i = 0; i < COUNT_OF(titles); i++) {
		if (strcmp(titles[i].kind, kind) == 0)
			return titles[i].title;
	}
	return kind;
}

/* Told by the words of its row, which say what it is for; the names are JSON's. */
static void
show_member(struct cli *cli, const struct view *v, const struct field *f)
{
	struct text_list l;
	int64_t n;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_CHOICE:
		write_text(cli->out, f->help, text(v, f->name));
		break;
	case FIELD_NUMBER:
		write_number(cli->out, f->help, number(v, f->name));
		break;
	case FIELD_SWITCH:
		n = number(v, f->name);
		if (n >= 0)
			write_flag(cli->out, f->help, n == 1);
		break;
	case FIELD_LIST:
		l = list(cli, v, f->name);
		write_texts(cli->out, f->help, &l);
		break;
	}
}

/* The kind stands in the title, and the validity is told once for all. Names in the directory, the
 * parts of control panel URLs and what is off are for who looks closer. */
static bool
worth_reading(const struct view *v, const struct field *f, bool closer)
{
	struct slice name = slice_of(f->name);

	if (slice_is(name, "type") || slice_is(name, "ttl"))
		return false;
	if (closer || slice_is(name, "ssl"))
		return true;
	return !slice_starts(name, SLICE_LITERAL("ecp_url_")) &&
	       !slice_ends_nocase(name, SLICE_LITERAL("_dn")) &&
	       (f->type != FIELD_SWITCH || number(v, f->name) == 1);
}

static void
show_web_side(struct cli *cli, const struct view *v, const char *label, const char *urls,
    const char *availability_label, const char *availability)
{
	struct text_list l = list(cli, v, urls);

	if (l.n > 0)
		write_texts(cli->out, label, &l);
	write_text(cli->out, availability_label, text(v, availability));
}

static void
show_protocol(struct cli *cli, const struct view *v, bool closer)
{
	write_open(cli->out, NULL, title_of(text(v, "type")));
	for (size_t i = 0; i < answer_protocol_table.n; i++) {
		if (worth_reading(v, &answer_protocol_table.rows[i], closer))
			show_member(cli, v, &answer_protocol_table.rows[i]);
	}
	show_web_side(cli, v, "from inside", "internal_owa_urls", "availability service inside",
	    "internal_as_url");
	show_web_side(cli, v, "from outside", "external_owa_urls", "availability service outside",
	    "external_as_url");
	write_close(cli->out);
}

/* The shortest of all blocks counts; absent is an hour, 0 is for ever (pox.md 4.1). */
static const char *
validity(struct cli *cli, const struct usher_result *result)
{
	int64_t hours = INT64_MAX;

	for (size_t i = 0; i < usher_result_count(result, USHER_PART_PROTOCOL); i++) {
		const struct view v = { result, USHER_PART_PROTOCOL, i };
		int64_t ttl = number(&v, "ttl");

		ttl = ttl == NUMBER_ABSENT ? 1 : ttl == 0 ? INT64_MAX : ttl;
		hours = ttl < hours ? ttl : hours;
	}
	if (hours == INT64_MAX)
		return "for ever";
	return arena_printf(cli->mem, "%lld hour%s", (long long)hours, hours == 1 ? "" : "s");
}

/* The attempt that won: the last one at its URL. */
static struct view
winner(const struct usher_result *result)
{
	struct view v = { result, USHER_PART_ATTEMPT, 0 };
	struct view at = v;

	for (size_t i = 0; i < usher_result_count(result, USHER_PART_ATTEMPT); i++) {
		at.index = i;
		if (strcmp(text(&at, "result"), "settings") == 0 &&
		    strcmp(text(&at, "url"),
			usher_result_text(result, USHER_PART_FIND, 0, "url")) == 0)
			v = at;
	}
	return v;
}

static const char *
date(struct cli *cli, int64_t unix_s)
{
	char out[WHEN_TEXT_BYTES];

	if (unix_s == NUMBER_ABSENT)
		return "an unknown date";
	when_format(unix_s, out);
	return arena_printf(cli->mem, "%.10s", out);
}

/* Its names are left to whoever prints it: there may be many. */
static const char *
certificate_in_short(struct cli *cli, const struct view *v)
{
	const char *subject = text(v, "tls_subject");

	return arena_printf(cli->mem, "%s, valid until %s%s%s", text(v, "tls_verdict"),
	    date(cli, number(v, "tls_not_after")), subject == NULL ? "" : ", ",
	    subject == NULL ? "" : subject);
}

static const char *
certificate(struct cli *cli, const struct view *v)
{
	struct text_list names = list(cli, v, "tls_names");
	const char *subject = text(v, "tls_subject");

	if (subject == NULL && names.n == 0)
		return NULL;
	return arena_printf(cli->mem, "%s, for %s", certificate_in_short(cli, v),
	    names.n == 0 ? "no name" : joined(cli, &names));
}

static void
show_way(struct cli *cli, const struct usher_result *result, bool closer)
{
	const struct view run = { result, USHER_PART_FIND, 0 };
	const struct view user = { result, USHER_PART_USER, 0 };
	const struct view won = winner(result);
	const struct text_list names = list(cli, &won, "tls_names");

	write_open(cli->out, NULL, "Found the settings");
	write_text(cli->out, "of", text(&run, "answer_address"));
	write_text(cli->out, "display_name", text(&user, "display_name"));
	if (closer)
		write_text(cli->out, "legacy_dn", text(&user, "legacy_dn"));
	write_text(cli->out, "valid_for", validity(cli, result));
	write_text(cli->out, "told_by", text(&run, "url"));
	write_text(cli->out, "found_as",
	    arena_printf(cli->mem, "%s (source %s), %s, in %lld ms", text(&run, "source_name"),
		text(&run, "source"),
		number(&won, "credentialed") == 1 ? "with the password" : "without a password",
		(long long)number(&run, "elapsed_ms")));
	if (certificate(cli, &won) != NULL) {
		write_text(cli->out, "certificate", certificate_in_short(cli, &won));
		write_texts(cli->out, "its_names", &names);
	}
	write_close(cli->out);
}

static void
show_alternatives(struct cli *cli, const struct usher_result *result)
{
	for (size_t i = 0; i < usher_result_count(result, USHER_PART_ALTERNATIVE_MAILBOX); i++) {
		const struct view v = { result, USHER_PART_ALTERNATIVE_MAILBOX, i };

		write_say(cli->out, "%s", "");
		write_open(cli->out, NULL, "A further mailbox");
		for (size_t f = 0; f < answer_alternative_mailbox_table.n; f++)
			show_member(cli, &v, &answer_alternative_mailbox_table.rows[f]);
		write_close(cli->out);
	}
}

static void
show_found(struct cli *cli, const struct usher_result *result, bool closer)
{
	show_way(cli, result, closer);
	for (size_t i = 0; i < usher_result_count(result, USHER_PART_PROTOCOL); i++) {
		write_say(cli->out, "%s", "");
		show_protocol(cli, &(struct view){ result, USHER_PART_PROTOCOL, i }, closer);
	}
	show_alternatives(cli, result);
}

/* ---- what was tried ---- */

static void
show_attempt(struct cli *cli, const struct view *v)
{
	struct text_list dns = list(cli, v, "dns");
	int64_t status = number(v, "http_status");
	const char *at = joined(cli, &dns);
	const char *cert = certificate(cli, v);
	const char *detail = text(v, "tls_detail");

	write_say(cli->out, "%s  %s%s", text(v, "source"), text(v, "url"),
	    number(v, "credentialed") == 1 ? "  (with the password)" : "");
	write_say(cli->out, "   %s", text(v, "reason"));
	if (cert != NULL)
		write_say(cli->out, "   certificate %s", cert);
	if (detail != NULL)
		write_say(cli->out, "   TLS says: %s", detail);
	if (strncmp(text(v, "url"), "dns:", 4) == 0)
		write_say(cli->out, "   %lld ms", (long long)number(v, "elapsed_ms"));
	else if (status != NUMBER_ABSENT)
		write_say(cli->out, "   HTTP %lld, at %s, %lld ms", (long long)status,
		    dns.n == 0 ? "a proxy" : at, (long long)number(v, "elapsed_ms"));
	else
		write_say(cli->out, "   no response%s%s, %lld ms", dns.n == 0 ? "" : " at ", at,
		    (long long)number(v, "elapsed_ms"));
}

static void
show_attempts(struct cli *cli, const struct usher_result *result)
{
	size_t n = usher_result_count(result, USHER_PART_ATTEMPT);

	if (n == 0)
		return;
	write_say(cli->out, "%s", "");
	write_say(cli->out, "Tried:");
	for (size_t i = 0; i < n; i++)
		show_attempt(cli, &(struct view){ result, USHER_PART_ATTEMPT, i });
}

static void
show_not_found(struct cli *cli, const struct usher_result *result)
{
	const struct view run = { result, USHER_PART_FIND, 0 };
	static const char *const heads[] = {
		[USHER_FOUND] = "",
		[USHER_NOT_FOUND] = "There are no settings for",
		[USHER_REJECTED] = "No login was accepted that could ask for",
		[USHER_BLOCKED] = "Nothing that is safe to use was found for",
		[USHER_UNAVAILABLE] =
		    "It could not be found out now whether there are settings for",
	};

	write_say(cli->out, "%s %s.", heads[usher_result_outcome(result)], text(&run, "address"));
	write_say(cli->out, "%s", text(&run, "reason"));
}

static void
show(struct cli *cli, const struct find_args *args, const struct usher_result *result)
{
	bool found = usher_result_outcome(result) == USHER_FOUND;
	const char *document;
	size_t n;

	if (cli->json) {
		document = usher_result_json(result);
		write_raw(cli->out, document, strlen(document));
	} else if (args->xml && found) {
		document = usher_result_document(result, &n);
		write_raw(cli->out, document, n);
	} else if (args->xml) {
		cli_note("%s", usher_result_text(result, USHER_PART_FIND, 0, "reason"));
	} else if (found) {
		show_found(cli, result, args->log);
	} else {
		show_not_found(cli, result);
	}
	if (!cli->json && !args->xml && (args->log || !found))
		show_attempts(cli, result);
}

/* ---- questions ---- */

static bool
somebody_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static bool
copy_password(const struct secret *from, struct usher_credentials *to)
{
	if (from->n == 0 || from->n >= sizeof(to->password))
		return false;
	memcpy(to->password, from->bytes, from->n + 1);
	return true;
}

/* Only a host that asks, and whose certificate was verified, makes us ask. */
static int
give_credentials(
    const struct usher_challenge *challenge, struct usher_credentials *out, void *payload)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct cli *cli = payload;
	struct usher_error err;
	const char *prompt =
	    arena_printf(cli->mem, "Password of %s for %s", out->login, challenge->host);

	if (prompt == NULL || (getenv("USHER_PASSWORD") == NULL && !somebody_is_there()))
		return 0;
	if (cli_password(NULL, prompt, false, &password, &err) != USHER_OK) {
		(void)cli_fail(err.status, &err);
		return 0;
	}
	return copy_password(&password, out);
}

/* The first letter of a line of any length. */
static int
first_letter(void)
{
	int first = fgetc(stdin);

	for (int c = first; c != '\n' && c != EOF;)
		c = fgetc(stdin);
	return first;
}

static int
ask_trust(const struct usher_redirect *redirect, void *payload UNUSED)
{
	int letter;

	(void)fprintf(stderr,
	    "%s\n  sends the search for %s on to\n%s\n"
	    "That host, %s, does not belong to the mail domain. It may be given the password.\n"
	    "Go on only if you know it. Go on? [y/N] ",
	    redirect->from, redirect->address, redirect->to, redirect->host);
	letter = first_letter();
	return letter == 'y' || letter == 'Y';
}

/* ---- the command ---- */

/* The list with the NULL at its end that the library counts by. */
static const char *const *
terminated(struct cli *cli, const struct text_list *l)
{
	const char **v = arena_array(cli->mem, l->n + 1, sizeof(*v));

	for (size_t i = 0; v != NULL && i < l->n; i++)
		v[i] = l->v[i];
	return v;
}

static int
find_run(struct cli *cli, const void *opaque)
{
	const struct find_args *args = opaque;
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct usher_result *result;
	struct usher_error err = { 0 };
	usher_status st = USHER_OK;
	int status;

	if (args->xml && cli->json)
		return cli_fail(
		    err_set(&err, USHER_E_USAGE, NULL, "--xml and --json exclude each other"),
		    &err);
	if (args->password_file != NULL)
		st = cli_password(args->password_file, NULL, false, &password, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	options.login = args->login;
	options.password = password.bytes;
	options.credentials = give_credentials;
	options.trust = somebody_is_there() ? ask_trust : NULL;
	options.payload = cli;
	options.trust_hosts = terminated(cli, &args->trust_hosts);
	options.connect_to = terminated(cli, &args->connect_to);
	options.timeout_ms = args->timeout_ms;
	options.dns_server = args->dns;
	options.ca_file = args->ca_file;
	options.now = cli->now_ms / 1000;

	st = usher_find(cli->operands[0], &options, &result, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	show(cli, args, result);
	status = (int)usher_result_outcome(result);
	usher_result_free(result);
	return status;
}

const struct command cmd_find = {
	.name = "find",
	.operands = "ADDRESS",
	.summary = "find the settings of a mailbox as a mail program does",
	.about =
	    "Asks https://DOMAIN and https://autodiscover.DOMAIN, and http://autodiscover.DOMAIN "
	    "for a redirect only, looks for SRV records, follows redirects that may be trusted, "
	    "and shows the settings "
	    "and the way to them, or every attempt and why it "
	    "gave none. The password is sent only to a host that asks for it and whose "
	    "certificate was verified; it comes from --password-file, from USHER_PASSWORD, or "
	    "from a prompt. Exit status: 0 found, 1 not found, 2 login refused, 3 not safe, 4 "
	    "could not be found out.",
	.flags = CMD_CLOCK,
	.opts = find_opts,
	.args_size = sizeof(struct find_args),
	.run = find_run,
};
