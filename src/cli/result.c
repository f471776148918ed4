/* result.c - a search and what it found, as people read it. */
#include "cli/result.h"

#include <string.h>

#include "base/when.h"
#include "model/answer.h"

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

/* By what an attempt logged in. */
static const char *
with_what(const struct view *v)
{
	static const struct {
		const char *scheme;
		const char *words;
	} rows[] = {
		{ "basic", "with the password, by Basic" },
		{ "ntlm", "with the password, by NTLM" },
		{ "negotiate", "with a Kerberos ticket, by Negotiate" },
		{ "bearer", "with the token, by Bearer" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].scheme, text(v, "scheme")) == 0)
			return rows[i].words;
	}
	return "with credentials";
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
		number(&won, "credentialed") == 1 ? with_what(&won) : "without a password",
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

void
result_show_found(struct cli *cli, const struct usher_result *result, bool closer)
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
	const char *named_by = text(v, "named_by");

	if (number(v, "credentialed") == 1)
		write_say(
		    cli->out, "%s  %s  (%s)", text(v, "source"), text(v, "url"), with_what(v));
	else
		write_say(cli->out, "%s  %s", text(v, "source"), text(v, "url"));
	if (named_by != NULL)
		write_say(cli->out, "   named by %s", named_by);
	write_say(cli->out, "   %s", text(v, "reason"));
	if (cert != NULL)
		write_say(cli->out, "   certificate %s", cert);
	if (detail != NULL)
		write_say(cli->out, "   TLS says: %s", detail);
	if (strncmp(text(v, "url"), "dns:", 4) == 0 || strncmp(text(v, "url"), "ldap", 4) == 0)
		write_say(cli->out, "   %lld ms", (long long)number(v, "elapsed_ms"));
	else if (status != NUMBER_ABSENT)
		write_say(cli->out, "   HTTP %lld, at %s, %lld ms", (long long)status,
		    dns.n == 0 ? "a proxy" : at, (long long)number(v, "elapsed_ms"));
	else
		write_say(cli->out, "   no response%s%s, %lld ms", dns.n == 0 ? "" : " at ", at,
		    (long long)number(v, "elapsed_ms"));
}

void
result_show_attempts(struct cli *cli, const struct usher_result *result)
{
	size_t n = usher_result_count(result, USHER_PART_ATTEMPT);

	if (n == 0)
		return;
	write_say(cli->out, "%s", "");
	write_say(cli->out, "Tried:");
	for (size_t i = 0; i < n; i++)
		show_attempt(cli, &(struct view){ result, USHER_PART_ATTEMPT, i });
}

void
result_show_not_found(struct cli *cli, const struct usher_result *result)
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
