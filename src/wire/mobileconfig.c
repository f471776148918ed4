/* mobileconfig.c - configuration profiles: which accounts, and their payloads key by key. */
#include "wire/mobileconfig.h"

#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "wire/plist.h"
#include "wire/query.h"

/* ---- the question ---- */

enum { ADDRESS_BYTES = 320 }; /* more than address_parse() takes */

static const char *const device_words[MOBILECONFIG_DEVICES] = {
	[MOBILECONFIG_PHONE] = "phone",
	[MOBILECONFIG_MAC] = "mac",
};

const char *
mobileconfig_device_word(enum mobileconfig_device device)
{
	return device_words[device];
}

/* MOBILECONFIG_ANY: no such word. */
static enum mobileconfig_device
device_of(struct slice word)
{
	for (int i = MOBILECONFIG_ANY + 1; i < MOBILECONFIG_DEVICES; i++)
		if (slice_is(word, device_words[i]))
			return (enum mobileconfig_device)i;
	return MOBILECONFIG_ANY;
}

static usher_status
read_name(struct arena *mem, struct slice value, const char **out)
{
	char *plain = arena_copy(mem, value);
	usher_status st;

	if (plain == NULL)
		return USHER_E_NOMEM;
	for (char *p = plain; *p != '\0'; p++)
		if (*p == '+')
			*p = ' ';
	st = query_decode(mem, slice_of(plain), MOBILECONFIG_NAME_BYTES, out);
	if (st == USHER_OK &&
	    (text_has_control(slice_of(*out)) || !text_utf8_valid(slice_of(*out))))
		return USHER_E_INPUT;
	return st;
}

usher_status
mobileconfig_read_request(struct arena *mem, struct slice query, struct mobileconfig_question *out,
    struct usher_error *err)
{
	struct mobileconfig_question q = { NULL, NULL, MOBILECONFIG_ANY };
	struct slice name, value;
	usher_status st = USHER_OK;

	while (st == USHER_OK && query_next(&query, &name, &value)) {
		bool address = slice_is(name, "email") || slice_is(name, "emailaddress");

		if (slice_is(name, "device")) {
			q.device = device_of(value);
			if (q.device == MOBILECONFIG_ANY)
				return err_set(err, USHER_E_INPUT, NULL,
				    "there is no such device: phone or mac");
			continue;
		}
		if (!address && !slice_is(name, "name"))
			continue;
		if ((address ? q.address : q.name) != NULL)
			return err_set(err, USHER_E_INPUT, NULL, "the %s stands there twice",
			    address ? "address" : "name");
		st = address ? query_decode(mem, value, ADDRESS_BYTES, &q.address) :
			       read_name(mem, value, &q.name);
	}
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "question");
	if (st != USHER_OK)
		return err_set(err, USHER_E_INPUT, NULL, "that is no address, or no name");
	if (q.address == NULL)
		return err_set(
		    err, USHER_E_INPUT, NULL, "no address: ask for " MOBILECONFIG_PATH "?email=…");
	*out = q;
	return USHER_OK;
}

/* ---- which accounts ---- */

/* Ways to log in to mail that a profile has words for. */
static const struct login {
	const char *word; /* the model's */
	const char *value;
} logins[] = {
	{ "password", "EmailAuthPassword" },
	{ "password-encrypted", "EmailAuthCRAMMD5" },
	{ "ntlm", "EmailAuthNTLM" },
	{ "none", "EmailAuthNone" },
};

static const struct login *
login_of(const struct answer_protocol *p)
{
	for (size_t i = 0; i < p->authentication.n; i++)
		for (size_t k = 0; k < COUNT_OF(logins); k++)
			if (strcmp(p->authentication.v[i], logins[k].word) == 0)
				return &logins[k];
	return NULL;
}

/* TLS from the first byte comes before STARTTLS: which of them is meant follows from the port
 * alone, and not all of Apple's programs guess alike. */
static const struct answer_protocol *
mail_server(const struct answer *a, enum protocol_kind kind)
{
	static const char *const encryptions[] = { "SSL", "TLS" };

	for (size_t k = 0; k < COUNT_OF(encryptions); k++) {
		for (size_t i = 0; i < a->n_protocols; i++) {
			const struct answer_protocol *p = &a->protocols[i];

			if (p->kind == (int)kind && p->server != NULL && p->port > 0 &&
			    slice_is_nocase(slice_of(p->encryption), encryptions[k]) &&
			    login_of(p) != NULL)
				return p;
		}
	}
	return NULL;
}

/* What is reached by URL; the user's password goes there. */
static const struct answer_protocol *
web_server(const struct answer *a, enum protocol_kind kind)
{
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		if (p->kind == (int)kind &&
		    slice_starts(slice_of(p->url), SLICE_LITERAL("https://")) &&
		    (answer_protocol_takes(p, "password") ||
			answer_protocol_takes(p, "password-encrypted")))
			return p;
	}
	return NULL;
}

/* The accounts of a profile; NULL: not in it. */
struct accounts {
	const struct answer_protocol *incoming, *outgoing; /* both or none */
	const struct answer_protocol *calendar, *contacts;
	const struct answer_protocol *phone; /* ActiveSync: alone, and not on a Mac */
	const struct answer_protocol *desk;  /* Exchange Web Services: alone, and on Macs only */
};

static struct accounts
choose(const struct answer *a, enum mobileconfig_device device)
{
	struct accounts c = {
		.incoming = mail_server(a, PROTOCOL_IMAP),
		.outgoing = mail_server(a, PROTOCOL_SMTP),
		.calendar = web_server(a, PROTOCOL_CALDAV),
		.contacts = web_server(a, PROTOCOL_CARDDAV),
	};
	const struct answer_protocol *phone =
	    device == MOBILECONFIG_MAC ? NULL : web_server(a, PROTOCOL_ACTIVESYNC);
	const struct answer_protocol *desk =
	    device == MOBILECONFIG_PHONE ? NULL : web_server(a, PROTOCOL_EWS);

	if (c.incoming == NULL)
		c.incoming = mail_server(a, PROTOCOL_POP3);
	if (c.incoming == NULL || c.outgoing == NULL)
		c.incoming = c.outgoing = NULL;
	/* Either way mail comes once. */
	if (c.incoming != NULL && c.calendar != NULL && c.contacts != NULL)
		return c;
	if (phone != NULL)
		return (struct accounts){ .phone = phone };
	if (desk != NULL && (device == MOBILECONFIG_MAC ||
				(c.incoming == NULL && c.calendar == NULL && c.contacts == NULL)))
		return (struct accounts){ .desk = desk };
	return c;
}

bool
mobileconfig_offers(const struct answer *a, enum mobileconfig_device device)
{
	bool differ =
	    choose(a, MOBILECONFIG_PHONE).phone != NULL || choose(a, MOBILECONFIG_MAC).desk != NULL;

	return (device == MOBILECONFIG_ANY) != differ &&
	       mobileconfig_check(a, device, NULL) == USHER_OK;
}

static bool
has_mail(const struct answer *a)
{
	for (size_t i = 0; i < a->n_protocols; i++)
		if (a->protocols[i].kind == PROTOCOL_IMAP || a->protocols[i].kind == PROTOCOL_POP3)
			return true;
	return false;
}

usher_status
mobileconfig_check(const struct answer *a, enum mobileconfig_device device, struct usher_error *err)
{
	const struct accounts c = choose(a, device);

	if (c.phone != NULL || c.incoming != NULL || c.desk != NULL)
		return USHER_OK;
	if (has_mail(a))
		return err_set(err, USHER_E_INPUT, "profile",
		    "an Apple profile needs an incoming and an outgoing mail server with TLS and a "
		    "login by password, which this domain has not");
	if (c.calendar == NULL && c.contacts == NULL)
		return err_set(err, USHER_E_ABSENT, "profile",
		    "this domain has no service that an Apple profile has words for");
	return USHER_OK;
}

/* ---- writing ---- */

struct making {
	struct xml_writer w;
	struct arena *mem;
	const struct answer *answer;
	const struct address *address;
	const char *name;
	const char *identifier;	     /* of the profile */
	char space[GUID_TEXT_BYTES]; /* of the provider's UUIDs */
};

/* NULL is out of memory, and sticks. */
static const char *
keep(struct making *m, const char *text)
{
	if (text == NULL && m->w.out->status == USHER_OK)
		m->w.out->status = USHER_E_NOMEM;
	return text;
}

/* The labels of a host name from right to left. */
static void
put_reversed(struct buf *out, const char *host)
{
	struct slice rest = slice_of(host);

	while (rest.n > 0) {
		size_t dot = slice_find_last(rest, '.');

		if (dot == rest.n) {
			buf_slice(out, rest);
			return;
		}
		buf_slice(out, slice_skip(rest, dot + 1));
		buf_char(out, '.');
		rest.n = dot;
	}
}

/* Escaped: Apple does not say what may stand in an identifier beside letters. */
static const char *
identifier_of(struct making *m)
{
	CLEANUP(buf_cleanup) struct buf b = { .max = MOBILECONFIG_BYTES };
	struct slice key = slice_of(m->address->key);
	size_t at = slice_find_last(key, '@');

	put_reversed(&b, m->answer->provider_id);
	buf_text(&b, ".mailsetup.");
	url_escape(&b, slice_from(key.p, at));
	buf_text(&b, "-at-");
	buf_slice(&b, slice_skip(key, at + 1));
	return keep(m, b.status == USHER_OK ? arena_copy(m->mem, buf_as_slice(&b)) : NULL);
}

/* What profile and payloads have in common. `part` is `profile` or the payload's word. */
static void
put_common(struct making *m, const char *type, const char *part, const char *title)
{
	bool whole = strcmp(part, "profile") == 0;
	const char *identifier =
	    whole ? m->identifier : arena_join(m->mem, m->identifier, ".", part);
	const char *name = arena_join(m->mem, part, ":", m->address->key);

	if (keep(m, identifier) != NULL && keep(m, name) != NULL)
		plist_payload(&m->w, type, identifier, m->space, name, title);
}

static const char *
user_of(const struct making *m, const struct answer_protocol *p)
{
	return p->login_name != NULL ? p->login_name : m->address->text;
}

static const char *
provider_of(const struct answer *a)
{
	return a->provider_name != NULL ? a->provider_name : a->provider_id;
}

static const char *
short_name(const struct making *m)
{
	const struct answer *a = m->answer;

	return a->provider_short_name != NULL ? a->provider_short_name : provider_of(a);
}

struct mail_keys {
	const char *host, *port, *ssl, *user, *login;
};

static void
put_mail_server(struct making *m, const struct answer_protocol *p, const struct mail_keys *keys)
{
	const struct login *login = login_of(p);

	plist_text(&m->w, keys->host, p->server);
	plist_integer(&m->w, keys->port, p->port);
	plist_switch(&m->w, keys->ssl, true);
	if (strcmp(login->word, "none") != 0)
		plist_text(&m->w, keys->user, user_of(m, p));
	plist_text(&m->w, keys->login, login->value);
}

static void
put_mail(struct making *m, const struct accounts *c)
{
#define KEYS(way) \
	{ \
		way "MailServerHostName", way "MailServerPortNumber", way "MailServerUseSSL", \
		    way "MailServerUsername", way "MailServerAuthentication" \
	}
	static const struct mail_keys incoming = KEYS("Incoming"), outgoing = KEYS("Outgoing");
#undef KEYS
	/* Without these the owner of the account cannot switch S/MIME on. */
	static const char *const overrideable[] = { "SMIMESigningUserOverrideable",
		"SMIMESigningCertificateUUIDUserOverrideable",
		"SMIMEEncryptByDefaultUserOverrideable",
		"SMIMEEncryptionCertificateUUIDUserOverrideable",
		"SMIMEEnableEncryptionPerMessageSwitch" };

	plist_open_dict(&m->w, NULL);
	put_common(m, "com.apple.mail.managed", "mail", "Mail");
	plist_text(&m->w, "EmailAccountType",
	    c->incoming->kind == PROTOCOL_IMAP ? "EmailTypeIMAP" : "EmailTypePOP");
	plist_text(&m->w, "EmailAccountName", m->name);
	plist_text(&m->w, "EmailAccountDescription", short_name(m));
	plist_text(&m->w, "EmailAddress", m->address->text);
	put_mail_server(m, c->incoming, &incoming);
	put_mail_server(m, c->outgoing, &outgoing);
	plist_switch(&m->w, "OutgoingPasswordSameAsIncomingPassword",
	    strcmp(user_of(m, c->incoming), user_of(m, c->outgoing)) == 0);
	for (size_t i = 0; i < COUNT_OF(overrideable); i++)
		plist_switch(&m->w, overrideable[i], true);
	plist_close_dict(&m->w);
}

static bool
parse(struct making *m, const struct answer_protocol *p, struct url *out)
{
	if (url_parse(m->mem, slice_of(p->url), out, NULL) == USHER_OK)
		return true;
	m->w.out->status = USHER_E_NOMEM; /* nothing but URLs gets into the directory */
	return false;
}

struct dav {
	const char *type, *part, *title;
	const char *about, *host, *port, *ssl, *user, *principal;
};

static void
put_dav(struct making *m, const struct answer_protocol *p, const struct dav *keys)
{
	struct url url;

	if (p == NULL || !parse(m, p, &url))
		return;
	plist_open_dict(&m->w, NULL);
	put_common(m, keys->type, keys->part, keys->title);
	plist_text(&m->w, keys->about, short_name(m));
	plist_text(&m->w, keys->host, url.host);
	plist_integer(&m->w, keys->port, url.port);
	plist_switch(&m->w, keys->ssl, true);
	plist_text(&m->w, keys->user, user_of(m, p));
	/* Without it a program asks the host's well-known path, which may lead elsewhere. */
	if (strcmp(url.path, "/") != 0)
		plist_text(&m->w, keys->principal, url.path);
	plist_close_dict(&m->w);
}

static void
put_phone(struct making *m, const struct answer_protocol *p)
{
	struct url url;

	if (!parse(m, p, &url))
		return;
	plist_open_dict(&m->w, NULL);
	put_common(m, "com.apple.eas.account", "eas", "Exchange");
	plist_text(&m->w, "EmailAddress", m->address->text);
	plist_text(&m->w, "UserName", user_of(m, p));
	plist_text(&m->w, "Host",
	    url.port != 443 ? keep(m, arena_printf(m->mem, "%s:%u", url.host, (unsigned)url.port)) :
			      url.host);
	plist_switch(&m->w, "SSL", true);
	plist_close_dict(&m->w);
}

static void
put_desk(struct making *m, const struct answer_protocol *p)
{
	struct url url;

	if (!parse(m, p, &url))
		return;
	plist_open_dict(&m->w, NULL);
	put_common(m, "com.apple.ews.account", "ews", "Exchange");
	plist_text(&m->w, "EmailAddress", m->address->text);
	plist_text(&m->w, "UserName", user_of(m, p));
	plist_text(&m->w, "Host", url.host);
	plist_integer(&m->w, "Port", url.port);
	plist_text(&m->w, "Path", url.path);
	plist_switch(&m->w, "SSL", true);
	plist_close_dict(&m->w);
}

static void
put_accounts(struct making *m, const struct accounts *c)
{
#define DAV(name, part, title) \
	{ \
		"com.apple." part ".account", part, title, name "AccountDescription", \
		    name "HostName", name "Port", name "UseSSL", name "Username", \
		    name "PrincipalURL" \
	}
	static const struct dav calendar = DAV("CalDAV", "caldav", "Calendar");
	static const struct dav contacts = DAV("CardDAV", "carddav", "Contacts");
#undef DAV

	if (c->phone != NULL)
		put_phone(m, c->phone);
	if (c->incoming != NULL)
		put_mail(m, c);
	put_dav(m, c->calendar, &calendar);
	put_dav(m, c->contacts, &contacts);
	if (c->desk != NULL)
		put_desk(m, c->desk);
}

void
mobileconfig_write(struct arena *mem, struct buf *out, const struct answer *a,
    const struct address *address, const struct mobileconfig_question *question)
{
	struct making m = { { out, 0 }, mem, a, address, question->name, NULL, "" };
	const struct accounts c = choose(a, question->device);
	const char *whose;

	m.identifier = identifier_of(&m);
	whose = keep(&m, arena_join(mem, address->local, "@", address->domain_text));
	if (m.identifier == NULL || whose == NULL ||
	    !guid_of_name(GUID_SPACE_DNS, slice_of(a->provider_id), m.space)) {
		(void)keep(&m, NULL);
		return;
	}
	m.w = plist_begin(out);
	plist_open_dict(&m.w, NULL);
	put_common(&m, "Configuration", "profile",
	    keep(&m, arena_join(mem, provider_of(a), " for ", whose)));
	plist_text(&m.w, "PayloadDescription",
	    keep(&m, arena_join(mem, "Sets up the account of ", whose, " at ", provider_of(a))));
	plist_text(&m.w, "PayloadOrganization", provider_of(a));
	plist_switch(&m.w, "PayloadRemovalDisallowed", false);
	plist_open_array(&m.w, "PayloadContent");
	put_accounts(&m, &c);
	plist_close_array(&m.w);
	plist_close_dict(&m.w);
	plist_end(&m.w);
}
