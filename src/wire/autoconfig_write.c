/* autoconfig_write.c - writing Mail Autoconfig so that every known program takes the file
 * (autoconfig.md 2.7). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/autoconfig.h"
#include "wire/autoconfig_rows.h"

static const char *const words[] = { "false", "true" };

/* ---- what may be written ---- */

static const struct autoconfig_section *
section_of(const struct answer_protocol *p)
{
	for (size_t i = 0; i < AUTOCONFIG_SECTIONS; i++)
		if (autoconfig_sections[i].kind == (enum protocol_kind)p->kind &&
		    autoconfig_sections[i].kind != PROTOCOL_WEBMAIL)
			return &autoconfig_sections[i];
	return NULL;
}

/* NULL: without TLS, or nothing is said about it. */
static const char *
socket_of(const struct answer_protocol *p)
{
	struct slice encryption = slice_of(p->encryption);

	if (slice_is_nocase(encryption, "SSL"))
		return "SSL";
	if (slice_is_nocase(encryption, "TLS"))
		return "STARTTLS";
	return encryption.n == 0 && p->ssl == TRI_ON ? "SSL" : NULL;
}

static const struct autoconfig_login *
login_of(const char *word, enum autoconfig_manner manner)
{
	for (size_t i = 0; i < AUTOCONFIG_LOGINS; i++) {
		const struct autoconfig_login *l = &autoconfig_logins[i];

		if ((manner == AUTOCONFIG_URL ? l->url : l->tcp) && strcmp(l->word, word) == 0)
			return l;
	}
	return NULL;
}

/* An answer that says nothing about it was made for programs that send a password, but SPA is NTLM
 * and its like. */
static struct text_list
logins_of(const struct answer_protocol *p)
{
	static const char *const password[] = { "password" }, *const none[] = { "none" },
				 *const ntlm[] = { "ntlm" };

	if (p->authentication.n > 0)
		return p->authentication;
	return (struct text_list){ p->auth_required == TRI_OFF ? none :
				   p->spa == TRI_ON	       ? ntlm :
								 password,
		1 };
}

/* All programs know one of its ways to log in. */
static bool
is_known_to_all(const struct answer_protocol *p)
{
	static const char *const known[] = { "password", "password-encrypted", "oauth2" };
	struct text_list logins = logins_of(p);

	for (size_t i = 0; i < logins.n; i++)
		for (size_t k = 0; k < COUNT_OF(known); k++)
			if (strcmp(logins.v[i], known[k]) == 0)
				return true;
	return false;
}

static bool
is_writable(const struct answer_protocol *p)
{
	const struct autoconfig_section *s = section_of(p);

	if (s == NULL)
		return p->kind == PROTOCOL_WEBMAIL && p->url != NULL;
	switch (s->manner) {
	case AUTOCONFIG_TCP:
		return p->server != NULL && p->port > 0 && socket_of(p) != NULL &&
		       is_known_to_all(p);
	case AUTOCONFIG_URL:
		return slice_starts_nocase(slice_of(p->url), SLICE_LITERAL("https://"));
	case AUTOCONFIG_MIXED:
		break;
	}
	return p->server != NULL || p->ews_url != NULL || p->eas_url != NULL || p->owa_url != NULL;
}

bool
autoconfig_is_writable(const struct answer *a)
{
	size_t n = a->n_protocols;

	while (n > 0 && !is_writable(&a->protocols[n - 1]))
		n--;
	return n > 0;
}

static bool
has(const struct answer *a, enum protocol_kind kind)
{
	for (size_t i = 0; i < a->n_protocols; i++)
		if (a->protocols[i].kind == (int)kind && is_writable(&a->protocols[i]))
			return true;
	return false;
}

static bool
is_host(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!(text_is_digit(*p) || (*p >= 'a' && *p <= 'z') || *p == '-' || *p == '.'))
			return false;
	return text[0] != '\0';
}

usher_status
autoconfig_check(const struct answer *a, struct usher_error *err)
{
	if (a->provider_id == NULL || !is_host(a->provider_id))
		return err_set(err, USHER_E_INPUT, NULL,
		    "the provider's id is no host name in lower case: %s",
		    a->provider_id == NULL ? "it is missing" : a->provider_id);
	if (a->domains.n == 0)
		return err_set(err, USHER_E_INPUT, NULL, "no domain is named");
	if (!has(a, PROTOCOL_IMAP))
		return err_set(err, USHER_E_INPUT, NULL,
		    "there is no imap service with TLS and a login by password or OAuth2; some "
		    "programs know nothing else");
	if (!has(a, PROTOCOL_SMTP))
		return err_set(err, USHER_E_INPUT, NULL,
		    "there is no smtp service with TLS and a login by password or OAuth2; some "
		    "programs refuse a file without one");
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (is_writable(p) && p->server != NULL &&
		    strcmp(p->server, AUTOCONFIG_DOMAIN) != 0 && !is_host(p->server))
			return err_set(err, USHER_E_INPUT, NULL, "%s is no host name in lower case",
			    p->server);
	}
	return USHER_OK;
}

/* ---- writing ---- */

static void
write_logins(struct xml_writer *w, const struct answer_protocol *p, enum autoconfig_manner manner)
{
	struct text_list logins = manner == AUTOCONFIG_URL ? p->authentication : logins_of(p);

	for (size_t i = 0; i < logins.n; i++) {
		const struct autoconfig_login *l = login_of(logins.v[i], manner);
		struct xml_attribute system = { "system", NULL };

		if (l == NULL)
			continue;
		system.value = l->system;
		xml_leaf(w, "authentication", &system, l->system != NULL, l->value);
	}
}

/* The same for readers of 1.1, which has one word for it. */
static void
write_old_login(struct xml_writer *w, const struct answer_protocol *p)
{
	for (size_t i = 0; i < p->authentication.n; i++)
		if (strcmp(p->authentication.v[i], "password") == 0)
			xml_leaf(w, "authentication", NULL, 0, "http-basic");
}

static void
write_host(struct xml_writer *w, const struct answer_protocol *p)
{
	const char *socket = socket_of(p);
	char port[24];

	if (p->server != NULL)
		xml_leaf(w, "hostname", NULL, 0, p->server);
	if (p->port != NUMBER_ABSENT) {
		(void)snprintf(port, sizeof(port), "%" PRId64, p->port);
		xml_leaf(w, "port", NULL, 0, port);
	}
	if (socket != NULL)
		xml_leaf(w, "socketType", NULL, 0, socket);
}

static void
write_parent(struct xml_writer *w, const struct element_list *list, const void *record)
{
	if (!elements_present(list, record))
		return;
	xml_open(w, list->name, NULL, 0);
	elements_write(w, list, record, words);
	xml_close(w, list->name);
}

/* The calendar's element has the same name in both dialects, so that it carries both. */
static void
write_section(struct xml_writer *w, const struct answer_protocol *p)
{
	const struct autoconfig_section *s = section_of(p);
	const struct xml_attribute type = { "type", s->type };
	const char *name = p->login_name;

	xml_open(w, s->element, &type, 1);
	if (s->manner == AUTOCONFIG_URL)
		xml_leaf(w, "url", NULL, 0, p->url);
	else
		write_host(w, p);
	if (p->kind == PROTOCOL_CALDAV)
		xml_leaf(w, "serverURL", NULL, 0, p->url);
	if (name == NULL && s->manner == AUTOCONFIG_TCP)
		name = AUTOCONFIG_ADDRESS;
	if (name != NULL)
		xml_leaf(w, "username", NULL, 0, name);
	if (s->manner != AUTOCONFIG_MIXED || p->authentication.n > 0)
		write_logins(w, p, s->manner);
	if (p->kind == PROTOCOL_CALDAV)
		write_old_login(w, p);
	if (s->manner == AUTOCONFIG_MIXED)
		elements_write(w, &autoconfig_exchange, p, words);
	if (p->kind == PROTOCOL_POP3)
		write_parent(w, &autoconfig_pop3, p);
	xml_close(w, s->element);
}

/* The address book once more in the words of 1.1. */
static void
write_old_address_book(struct xml_writer *w, const struct answer_protocol *p)
{
	const struct xml_attribute type = { "type", "carddav" };

	xml_open(w, "addressBook", &type, 1);
	xml_leaf(w, "serverURL", NULL, 0, p->url);
	if (p->login_name != NULL)
		xml_leaf(w, "username", NULL, 0, p->login_name);
	write_old_login(w, p);
	xml_close(w, "addressBook");
}

static void
write_webmail(struct xml_writer *w, const struct answer_protocol *p)
{
	const struct xml_attribute url = { "url", p->url };

	xml_open(w, "webMail", NULL, 0);
	xml_leaf(w, "loginPage", &url, 1, "");
	xml_close(w, "webMail");
}

static void
write_documentation(struct xml_writer *w, const struct answer *a)
{
	for (size_t i = 0; i < a->n_documentation; i++) {
		const struct answer_link *l = &a->documentation[i];
		const struct xml_attribute url = { "url", l->url }, lang = { "lang", l->language };
		bool first = i == 0 || strcmp(l[-1].url, l->url) != 0;
		bool last = i + 1 == a->n_documentation || strcmp(l[1].url, l->url) != 0;

		if (first)
			xml_open(w, "documentation", &url, 1);
		if (l->text != NULL)
			xml_leaf(w, "descr", &lang, l->language != NULL, l->text);
		if (last)
			xml_close(w, "documentation");
	}
}

/* Where a section stands, and in which order: a program that takes the first one it knows shall
 * find the mail servers. */
static int
part_of(const struct answer_protocol *p)
{
	switch ((enum protocol_kind)p->kind) {
	case PROTOCOL_IMAP:
	case PROTOCOL_POP3:
		return 0;
	case PROTOCOL_SMTP:
		return 1;
	case PROTOCOL_CARDDAV:
	case PROTOCOL_CALDAV:
	case PROTOCOL_WEBDAV:
	case PROTOCOL_MANAGESIEVE:
		return 3;
	case PROTOCOL_WEBMAIL:
		return 4;
	default:
		break;
	}
	return 2;
}

static void
write_part(struct xml_writer *w, const struct answer *a, int part)
{
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (part_of(p) != part || !is_writable(p))
			continue;
		if (p->kind == PROTOCOL_WEBMAIL)
			write_webmail(w, p);
		else
			write_section(w, p);
		if (p->kind == PROTOCOL_CARDDAV)
			write_old_address_book(w, p);
	}
}

static void
write_provider(struct xml_writer *w, const struct answer *a)
{
	const struct xml_attribute id = { "id", a->provider_id };

	xml_open(w, "emailProvider", &id, a->provider_id != NULL);
	for (size_t i = 0; i < a->domains.n; i++)
		xml_leaf(w, "domain", NULL, 0, a->domains.v[i]);
	elements_write(w, &autoconfig_provider, a, words);
	for (int part = 0; part < 3; part++)
		write_part(w, a, part);
	write_documentation(w, a);
	xml_close(w, "emailProvider");
}

void
autoconfig_write(struct buf *out, const struct answer *a)
{
	const struct xml_attribute version = { "version", "1.1" };
	const struct xml_attribute update = { "url", a->update_url };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "clientConfig", &version, 1);
	write_provider(&w, a);
	for (int part = 3; part < 5; part++)
		write_part(&w, a, part);
	write_parent(&w, &autoconfig_oauth, a);
	if (a->update_url != NULL)
		xml_leaf(&w, "clientConfigUpdate", &update, 1, "");
	xml_close(&w, "clientConfig");
}
