/* page_settings.c - the page for people: the settings, by program and all together. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/html.h"
#include "wire/page_inside.h"
#include "wire/qr.h"

/* ---- choosing ---- */

static bool
is_plain(const struct answer_protocol *p)
{
	return p->encryption != NULL && strcmp(p->encryption, "None") == 0;
}

/* Told by host and port, not by URL. */
static bool
by_host(enum protocol_kind kind)
{
	return kind == PROTOCOL_IMAP || kind == PROTOCOL_POP3 || kind == PROTOCOL_SMTP ||
	       kind == PROTOCOL_MANAGESIEVE;
}

/* It is of that kind, and says where it is. */
static bool
is_told(const struct answer_protocol *p, enum protocol_kind kind)
{
	return p->kind == (int)kind && (by_host(kind) ? p->server : p->url) != NULL;
}

/* The preferred service of a kind: with TLS when there is one. NULL: there is none. */
static const struct answer_protocol *
find(const struct answer *a, enum protocol_kind kind)
{
	const struct answer_protocol *plain = NULL;

	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (!is_told(p, kind))
			continue;
		if (!is_plain(p))
			return p;
		if (plain == NULL)
			plain = p;
	}
	return plain;
}

static const struct answer_protocol *
find_incoming(const struct answer *a)
{
	const struct answer_protocol *imap = find(a, PROTOCOL_IMAP);

	return imap != NULL ? imap : find(a, PROTOCOL_POP3);
}

static const char *
kind_word(const struct answer_protocol *p)
{
	return p->kind == PROTOCOL_IMAP ? "IMAP" : p->kind == PROTOCOL_POP3 ? "POP3" : "SMTP";
}

/* ---- tables ---- */

void
page_open_table(struct buf *out, const char *caption, const char *value)
{
	buf_text(out, "<table>\n<caption>");
	html_words(out, caption, value);
	buf_text(out, "</caption>\n");
}

void
page_put_row(struct buf *out, const char *label, struct slice value)
{
	html_put(out, "<tr><th scope=\"row\">$</th><td><code>", label);
	html_breakable(out, value);
	buf_text(out, "</code></td></tr>\n");
}

void
page_put_choice(struct buf *out, const char *label, const char *value)
{
	html_put(out, "<tr><th scope=\"row\">$</th><td>$</td></tr>\n", label, value);
}

static const char *
encryption_word(const struct page_labels *labels, const struct answer_protocol *p)
{
	return is_plain(p)				? labels->plain :
	       slice_is(slice_of(p->encryption), "TLS") ? labels->starttls :
							  labels->tls;
}

/* By the words of struct answer_protocol. NULL: it is not told. */
static const char *
login_word(const struct page_text *t, const struct answer_protocol *p)
{
	const struct {
		const char *word, *text;
	} rows[] = {
		{ "password", t->by_password },
		{ "password-encrypted", t->by_encrypted },
		{ "oauth2", t->by_oauth2 },
		{ "client-certificate", t->by_certificate },
		{ "none", t->by_none },
		{ "ntlm", "NTLM" },
		{ "gssapi", "Kerberos/GSSAPI" },
	};

	for (size_t i = 0; p->authentication.n > 0 && i < COUNT_OF(rows); i++)
		if (strcmp(p->authentication.v[0], rows[i].word) == 0)
			return rows[i].text;
	return NULL;
}

static void
put_login(struct buf *out, const struct page *page, const struct page_labels *labels,
    const struct answer_protocol *p)
{
	const struct page_text *t = page->request->text;
	const char *login = login_word(t, p);
	bool known =
	    p->login_name != NULL && !(page->exchange && !by_host((enum protocol_kind)p->kind));

	if (known && login != t->by_none)
		page_put_row(out, labels->user, slice_of(p->login_name));
	else if (login != t->by_none)
		page_put_choice(out, labels->user, t->user_unknown);
	if (login != NULL)
		page_put_choice(out, labels->login, login);
}

static bool
same_login(
    const struct page_text *t, const struct answer_protocol *a, const struct answer_protocol *b)
{
	return slice_eq(slice_of(a->login_name), slice_of(b->login_name)) &&
	       login_word(t, a) == login_word(t, b);
}

static void
put_port(struct buf *out, const char *label, const struct answer_protocol *p)
{
	char port[24];

	if (p->port == NUMBER_ABSENT)
		return;
	(void)snprintf(port, sizeof(port), "%" PRId64, p->port);
	page_put_row(out, label, slice_of(port));
}

/* A service that is told by host and port. */
static void
put_server(struct buf *out, const struct page *page, const struct page_labels *labels,
    const char *caption, const struct answer_protocol *p)
{
	if (p == NULL)
		return;
	page_open_table(out, caption, kind_word(p));
	page_put_row(out, labels->server, slice_of(p->server));
	put_port(out, labels->port, p);
	page_put_choice(out, labels->encryption, encryption_word(labels, p));
	put_login(out, page, labels, p);
	buf_text(out, "</table>\n");
}

/* ---- by program ---- */

/* `mail.example:8443` of `https://mail.example:8443/x`. */
static struct slice
host_of(const char *url)
{
	struct slice s = slice_of(url);

	s = slice_skip(s, slice_find(s, ':') + strlen("://"));
	s.n = slice_find(s, '/');
	return s;
}

static void
put_activesync(struct buf *out, const struct page *page, const struct page_labels *labels,
    const struct answer_protocol *p)
{
	page_open_table(out, page->request->text->exchange, NULL);
	page_put_row(out, labels->server, host_of(p->url));
	page_put_choice(out, labels->encryption, labels->tls);
	put_login(out, page, labels, p);
	buf_text(out, "</table>\n");
}

/* Most often there is one; where there are two, each says for which device it is. */
static void
put_profiles(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;
	const char *const words[MOBILECONFIG_DEVICES] = { t->profile, t->profile_phone,
		t->profile_mac };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (page->profiles[i] != NULL)
			html_put(out, "<p><a href=\"$\" class=\"button\">$</a></p>\n",
			    page->profiles[i], words[i]);
	html_put(out, "<p>$</p>\n", t->install);
}

static const struct page_labels *
labels_of(const struct page_text *t, enum page_program program)
{
	return program == PAGE_THUNDERBIRD ? &t->thunderbird :
	       program == PAGE_APPLE	   ? &t->apple :
					     &t->labels;
}

/* Which of the ways to Exchange a program can go; what it cannot, it is not sent on. */
static bool
takes_exchange(const struct page *page, enum page_program program)
{
	bool phone = find(page->answer, PROTOCOL_ACTIVESYNC) != NULL;
	bool ews = find(page->answer, PROTOCOL_EWS) != NULL;

	switch (program) {
	case PAGE_OUTLOOK:
		return page->exchange || (phone && find_incoming(page->answer) == NULL);
	case PAGE_THUNDERBIRD:
		return ews;
	case PAGE_APPLE:
	case PAGE_ANDROID:
	case PAGE_PROGRAMS:
		break;
	}
	return phone;
}

static bool
has_profile(const struct page *page)
{
	for (size_t i = 0; i < MOBILECONFIG_DEVICES; i++)
		if (page->profiles[i] != NULL)
			return true;
	return false;
}

/* There is something to tell about it. */
static bool
is_told_of(const struct page *page, enum page_program program)
{
	return find_incoming(page->answer) != NULL || takes_exchange(page, program) ||
	       (program == PAGE_APPLE && has_profile(page));
}

static void
put_program(struct buf *out, const struct page *page, enum page_program program)
{
	const struct page_text *t = page->request->text;
	const struct page_program_text *words = &t->program[program];
	const struct page_labels *labels = labels_of(t, program);
	const struct answer_protocol *phone = find(page->answer, PROTOCOL_ACTIVESYNC);
	const struct answer_protocol *incoming = find_incoming(page->answer);

	html_put(out, "<details name=\"program\">\n<summary><h3>$</h3></summary>\n", words->name);
	if (program == PAGE_APPLE && has_profile(page))
		put_profiles(out, page);
	if (takes_exchange(page, program))
		page_write_note(out, words->exchange, NULL);
	if (phone != NULL && (program == PAGE_APPLE || program == PAGE_ANDROID))
		put_activesync(out, page, labels, phone);
	if (incoming != NULL) {
		page_write_note(out, words->mail, kind_word(incoming));
		put_server(out, page, labels, t->incoming, incoming);
		put_server(out, page, labels, t->outgoing, find(page->answer, PROTOCOL_SMTP));
	}
	buf_text(out, "</details>\n");
}

static void
put_programs(struct buf *out, const struct page *page)
{
	bool begun = false;

	for (int i = 0; i < PAGE_PROGRAMS; i++) {
		if (!is_told_of(page, (enum page_program)i))
			continue;
		if (!begun)
			html_put(out,
			    "<section aria-labelledby=\"programs\">\n"
			    "<h2 id=\"programs\">$</h2>\n",
			    page->request->text->programs);
		begun = true;
		put_program(out, page, (enum page_program)i);
	}
	if (begun)
		buf_text(out, "</section>\n");
}

/* ---- all together ---- */

static void
put_mail_servers(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;
	const struct answer *a = page->answer;
	static const enum protocol_kind kinds[] = { PROTOCOL_IMAP, PROTOCOL_POP3, PROTOCOL_SMTP,
		PROTOCOL_MANAGESIEVE };

	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		const char *caption = kinds[k] == PROTOCOL_SMTP	       ? t->outgoing :
				      kinds[k] == PROTOCOL_MANAGESIEVE ? t->filters :
									 t->incoming;

		for (size_t i = 0; i < a->n_protocols; i++)
			if (is_told(&a->protocols[i], kinds[k]))
				put_server(out, page, &t->labels, caption, &a->protocols[i]);
	}
}

struct url_row {
	enum protocol_kind kind;
	const char *label;
};

/* Services that are told by URL, in one table; it is left out when there is none. What is told of
 * the login is for the services above it. */
static void
put_urls(struct buf *out, const struct page *page, const char *caption, const struct url_row *rows,
    size_t n)
{
	const struct page_text *t = page->request->text;
	const struct answer_protocol *last = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct answer_protocol *p = find(page->answer, rows[i].kind);

		if (p == NULL)
			continue;
		if (last == NULL)
			page_open_table(out, caption, NULL);
		else if (!same_login(t, last, p))
			put_login(out, page, &t->labels, last);
		page_put_row(out, rows[i].label, slice_of(p->url));
		last = p;
	}
	if (last != NULL) {
		put_login(out, page, &t->labels, last);
		buf_text(out, "</table>\n");
	}
}

static void
put_all(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;
	const struct answer_protocol *webmail = find(page->answer, PROTOCOL_WEBMAIL);
	const struct url_row exchange[] = {
		{ PROTOCOL_ACTIVESYNC, t->activesync },
		{ PROTOCOL_EWS, t->ews },
	};
	const struct url_row further[] = {
		{ PROTOCOL_CALDAV, t->calendar },
		{ PROTOCOL_CARDDAV, t->contacts },
		{ PROTOCOL_WEBDAV, t->files },
		{ PROTOCOL_JMAP, "JMAP" },
	};

	put_mail_servers(out, page);
	put_urls(out, page, t->exchange, exchange, COUNT_OF(exchange));
	put_urls(out, page, t->further, further, COUNT_OF(further));
	if (webmail != NULL)
		html_put(out, "<p><a href=\"$\">$</a></p>\n", webmail->url, t->webmail);
}

void
page_write_settings(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;

	put_programs(out, page);
	html_put(out, "<section aria-labelledby=\"all\">\n<h2 id=\"all\">$</h2>\n<p>$</p>\n",
	    t->all, t->all_intro);
	put_all(out, page);
	buf_text(out, "</section>\n");
	if (page->url != NULL) {
		buf_text(out, "<aside>\n");
		if (qr_draw(out, page->url, t->code))
			html_put(out, "<p>$</p>\n", t->scan);
		buf_text(out, "</aside>\n");
	}
}
