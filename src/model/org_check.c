/* org_check.c - which records the directory takes, and in what form. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/url.h"
#include "model/org.h"

/* What every check below works on. */
struct check {
	struct arena *mem;
	const struct entity *entity;
	void *record;
	struct usher_error *err;
};

static usher_status
out_of_memory(const struct check *c)
{
	return err_nomem(c->err, c->entity->title);
}

/* The format says what is wrong with `member`, and what is allowed. */
static usher_status
refuse(const struct check *c, const char *member, const char *format, ...) PRINTF_LIKE(3, 4);

static usher_status
refuse(const struct check *c, const char *member, const char *format, ...)
{
	const char *key = entity_key_text(c->mem, c->entity, c->record);
	char where[USHER_ERROR_WHERE_BYTES];
	char what[USHER_ERROR_MESSAGE_BYTES];
	va_list ap;

	if (key == NULL)
		return out_of_memory(c);
	(void)snprintf(
	    where, sizeof(where), "%s%s%s", c->entity->title, key[0] == '\0' ? "" : " ", key);
	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	return err_set(c->err, USHER_E_INPUT, where, "%s: %s", member, what);
}

/* ---- forms of texts ---- */

static const char *
subnet_form(struct arena *mem, const char *text, const char **out)
{
	struct ip_subnet subnet;
	char shown[INET6_ADDRSTRLEN];
	const char *fault = ip_subnet_parse(text, &subnet);

	if (fault != NULL)
		return fault;
	if (inet_ntop(subnet.n == 4 ? AF_INET : AF_INET6, subnet.bytes, shown, sizeof(shown)) ==
	    NULL)
		return "is no subnet";
	*out = arena_printf(mem, "%s/%u", shown, subnet.bits);
	return NULL;
}

/* A host name, or an IP address without brackets. */
static usher_status
host_form(struct arena *mem, const char *text, const char **out, struct usher_error *err)
{
	unsigned char bytes[16];
	char shown[INET6_ADDRSTRLEN];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bytes) == 1 &&
	    inet_ntop(family, bytes, shown, sizeof(shown)) != NULL) {
		*out = arena_strdup(mem, shown);
		return *out == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	return domain_parse(mem, slice_of(text), out, err);
}

static usher_status
url_form(struct arena *mem, const char *text, const char **out, struct usher_error *err)
{
	struct url url;
	usher_status st = url_parse(mem, slice_of(text), &url, err);

	if (st != USHER_OK)
		return st;
	if (url.userinfo)
		return err_set(err, USHER_E_INPUT, NULL, "holds a user name before the host");
	*out = url.text;
	return USHER_OK;
}

static const char *
legacy_dn_fault(const char *text)
{
	if (strlen(text) > LEGACY_DN_MAX_BYTES)
		return "is longer than 1024 bytes";
	if (text[0] != '/' || strchr(text, '=') == NULL)
		return "is no legacyDN: write it like "
		       "/o=ORGANIZATION/ou=GROUP/cn=Recipients/cn=NAME";
	return NULL;
}

/* Checks one text by its row and gives its canonical form. */
static usher_status
check_text(const struct check *c, const struct field *f, const char *text, const char **out)
{
	struct usher_error inner = { 0 };
	struct address address;
	const char *fault = NULL;
	usher_status st = USHER_OK;
	size_t max = f->form == FORM_LINES ? FIELD_LINES_BYTES :
		     f->form == FORM_URL   ? FIELD_URL_BYTES :
					     FIELD_TEXT_BYTES;
	const char *form = text;

	if (strlen(text) > max)
		return refuse(c, f->name, "is longer than %zu bytes", max);
	if (!text_utf8_valid(slice_of(text)))
		return refuse(c, f->name, "is not UTF-8");
	if (f->form != FORM_LINES && text_has_control(slice_of(text)))
		return refuse(c, f->name, "holds control characters");
	switch (f->form) {
	case FORM_ANY:
	case FORM_LINES:
	case FORM_TIME: /* no form of a text */
		break;
	case FORM_DOMAIN:
		st = domain_parse(c->mem, slice_of(text), &form, &inner);
		break;
	case FORM_HOST:
		st = host_form(c->mem, text, &form, &inner);
		break;
	case FORM_ADDRESS:
		st = address_parse(c->mem, slice_of(text), &address, &inner);
		if (st == USHER_OK)
			form = address.text;
		break;
	case FORM_URL:
		st = url_form(c->mem, text, &form, &inner);
		break;
	case FORM_GUID:
		if (guid_valid(slice_of(text)))
			form = text_lower_copy(c->mem, slice_of(text));
		else
			fault = "is no GUID: write 8-4-4-4-12 hexadecimal digits";
		break;
	case FORM_SUBNET:
		fault = subnet_form(c->mem, text, &form);
		break;
	case FORM_LEGACY_DN:
		fault = legacy_dn_fault(text);
		break;
	}
	if (st == USHER_E_NOMEM || form == NULL)
		return out_of_memory(c);
	if (st != USHER_OK)
		return refuse(c, f->name, "%s", inner.message);
	if (fault != NULL)
		return refuse(c, f->name, "%s", fault);
	*out = form;
	return USHER_OK;
}

static bool
list_has(const char *const *v, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq_nocase(slice_of(v[i]), slice_of(text)))
			return true;
	return false;
}

/* Each text by itself; "" and doubles are dropped. */
static usher_status
check_list(const struct check *c, const struct field *f)
{
	const struct text_list *list = field_list(f, c->record);
	const char **v = arena_array(c->mem, list->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return out_of_memory(c);
	if (list->n > FIELD_LIST_MAX)
		return refuse(c, f->name, "has more than 1000 entries");
	for (size_t i = 0; i < list->n; i++) {
		usher_status st;

		if (list->v[i][0] == '\0')
			continue;
		st = check_text(c, f, list->v[i], &v[n]);
		if (st != USHER_OK)
			return st;
		if (!list_has(v, n, v[n]))
			n++;
	}
	field_set_list(f, c->record, (struct text_list){ v, n });
	return USHER_OK;
}

static usher_status
check_member(const struct check *c, const struct field *f)
{
	const char *text = NULL;
	usher_status st = USHER_OK;
	int64_t number;

	if (f->type == FIELD_TEXT) {
		text = field_text(f, c->record);
		if (text != NULL && text[0] == '\0')
			text = NULL;
		if (text != NULL)
			st = check_text(c, f, text, &text);
		if (st != USHER_OK)
			return st;
		field_set_text(f, c->record, text);
	} else if (f->type == FIELD_LIST && !field_absent(f, c->record)) {
		st = check_list(c, f);
	} else if (f->type == FIELD_NUMBER && !field_absent(f, c->record)) {
		number = field_number(f, c->record);
		if (number < f->min || number > f->max)
			return refuse(c, f->name, "is not %" PRId64 " to %" PRId64, f->min, f->max);
	}
	if (st == USHER_OK && (f->flags & FIELD_REQUIRED) != 0 && f->type != FIELD_CHOICE &&
	    field_absent(f, c->record))
		return refuse(c, f->name, "is missing");
	return st;
}

/* ---- what rows cannot say ---- */

static bool
is_https(const char *url)
{
	return slice_starts(slice_of(url), SLICE_LITERAL("https://"));
}

static bool
same_key(const char *a, const char *b)
{
	return a != NULL && b != NULL && slice_eq_nocase(slice_of(a), slice_of(b));
}

/* Letters, digits and a few signs: what fits into a legacyDN, a list and a command line. */
static bool
is_plain_name(const char *text, size_t max, const char *signs)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (!text_is_alnum(text[i]) && strchr(signs, text[i]) == NULL)
			return false;
	return n > 0 && n <= max;
}

static usher_status
lower(const struct check *c, const char **text)
{
	if (*text == NULL)
		return USHER_OK;
	*text = text_lower_copy(c->mem, slice_of(*text));
	return *text == NULL ? out_of_memory(c) : USHER_OK;
}

static usher_status
login_form(const struct check *c, const char **name)
{
	if (*name == NULL)
		return USHER_OK;
	*name = text_login_copy(c->mem, slice_of(*name));
	return *name == NULL ? out_of_memory(c) : USHER_OK;
}

static usher_status
check_organization(const struct check *c, struct organization *o)
{
	/* Both become parts of legacyDNs. */
	if (strpbrk(o->name, "/=") != NULL)
		return refuse(c, "name", "must hold no '/' and no '='");
	if (o->administrative_group != NULL && strpbrk(o->administrative_group, "/=") != NULL)
		return refuse(c, "administrative_group", "must hold no '/' and no '='");
	return USHER_OK;
}

static usher_status
check_server(const struct check *c, struct server *s)
{
	struct version version;

	if (!is_plain_name(s->name, 63, "-_"))
		return refuse(c, "name",
		    "is no server name: 1 to 63 letters, digits, '-' and '_', without the domain");
	if (s->version != NULL && !version_parse(s->version, &version))
		return refuse(c, "version", "is no version: write it like 15.1.2507");
	return USHER_OK;
}

/* Spelled as Exchange does, whatever the case it was given in. */
static usher_status
check_methods(const struct check *c, const char *member, struct text_list *list)
{
	static const char *const known[] = { "Basic", "Ntlm", "Fba", "Digest", "WindowsIntegrated",
		"LiveIdFba", "LiveIdBasic", "WSSecurity", "Certificate", "NegoEx", "OAuth", "Adfs",
		"Kerberos", "Negotiate", "LiveIdNegotiate" };
	const char **v = arena_array(c->mem, list->n, sizeof(*v));

	if (v == NULL)
		return out_of_memory(c);
	for (size_t i = 0; i < list->n; i++) {
		if (!is_plain_name(list->v[i], 63, ""))
			return refuse(c, member, "is a list of words like Basic, Ntlm, Fba");
		v[i] = list->v[i];
		for (size_t k = 0; k < COUNT_OF(known); k++)
			if (slice_is_nocase(slice_of(v[i]), known[k]))
				v[i] = known[k];
	}
	*list = (struct text_list){ v, list->n };
	return USHER_OK;
}

static usher_status
check_url(const struct check *c, struct service_url *u)
{
	usher_status st = check_methods(c, "internal_authentication", &u->internal_authentication);

	return st != USHER_OK ?
		   st :
		   check_methods(c, "external_authentication", &u->external_authentication);
}

static usher_status
check_outlook_anywhere(const struct check *c, struct outlook_anywhere *o)
{
	if (o->enabled == TRI_ON && o->external_host == NULL && o->internal_host == NULL)
		return refuse(c, "external_host", "is missing: clients need a host to connect to");
	return USHER_OK;
}

static usher_status
check_provider(const struct check *c, struct provider *p)
{
	static const char *const names[] = { "EXCH", "EXPR", "WEB", "EXHTTP" };
	struct slice principal = slice_of(p->cert_principal_name);
	const char *known = NULL;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_is_nocase(slice_of(p->name), names[i]))
			known = names[i];
	if (known == NULL)
		return refuse(c, "name", "is none of EXCH, EXPR, WEB, EXHTTP");
	p->name = known;
	if (principal.n == 0)
		return USHER_OK;
	if (slice_is_nocase(principal, "none")) {
		p->cert_principal_name = "none";
		return USHER_OK;
	}
	if (!slice_starts_nocase(principal, SLICE_LITERAL("msstd:")) || principal.n == 6 ||
	    slice_find(principal, ' ') < principal.n)
		return refuse(c, "cert_principal_name",
		    "is neither none nor like msstd:mail.example.com or msstd:*.example.com");
	p->cert_principal_name = arena_printf(c->mem, "msstd:%s", p->cert_principal_name + 6);
	return p->cert_principal_name == NULL ? out_of_memory(c) : USHER_OK;
}

static bool
is_hex(const char *text, size_t digits)
{
	return strlen(text) == digits && strspn(text, "0123456789abcdefABCDEF") == digits;
}

/* As Exchange shows it: SHA-1, upper case. Blanks and colons of other tools are dropped. */
static usher_status
check_thumbprint(const struct check *c, const char *member, const char **thumbprint)
{
	struct slice given = slice_of(*thumbprint);
	char *digits = arena_zalloc(c->mem, given.n + 1);
	size_t n = 0;

	if (digits == NULL)
		return out_of_memory(c);
	for (size_t i = 0; i < given.n; i++) {
		char ch = text_lower(given.p[i]);

		if (ch != ' ' && ch != ':')
			digits[n++] = ch >= 'a' && ch <= 'f' ? (char)(ch - 'a' + 'A') : ch;
	}
	if (!is_hex(digits, 40))
		return refuse(c, member, "is no thumbprint: 40 hexadecimal digits");
	*thumbprint = digits;
	return USHER_OK;
}

static usher_status
check_sha256(const struct check *c, const char **sha256)
{
	if (!is_hex(*sha256, 64))
		return refuse(c, "sha256", "is no SHA-256: 64 hexadecimal digits");
	return lower(c, sha256);
}

static usher_status
check_certificate(const struct check *c, struct certificate *cert)
{
	usher_status st = check_thumbprint(c, "thumbprint", &cert->thumbprint);

	if (st == USHER_OK && cert->renews != NULL)
		st = check_thumbprint(c, "renews", &cert->renews);
	if (st == USHER_OK)
		st = check_sha256(c, &cert->sha256);
	if (st != USHER_OK)
		return st;
	if (cert->pem == NULL && cert->request == NULL)
		return refuse(c, "pem", "is missing, and so is request");
	if (cert->pem != NULL && cert->request != NULL)
		return refuse(c, "request", "cannot stand beside pem: it has been answered");
	if (cert->pem != NULL && cert->renews != NULL)
		return refuse(c, "renews", "goes with request only");
	if (cert->request != NULL && cert->services.n > 0)
		return refuse(
		    c, "services", "cannot be given to a request: there is nothing to serve");
	return USHER_OK;
}

static usher_status
check_authority(const struct check *c, struct authority *a)
{
	return check_sha256(c, &a->sha256);
}

/* Signs that a local part may have without quotes and that no pattern uses. */
static usher_status
check_separators(const struct check *c, struct domain *d)
{
	static const char signs[] = "+-=_#!~/";

	if (d->separators == NULL || strspn(d->separators, signs) == strlen(d->separators))
		return USHER_OK;
	if (slice_is_nocase(slice_of(d->separators), DOMAIN_NO_SEPARATOR))
		return lower(c, &d->separators);
	return refuse(c, "separators", "is neither some of %s nor " DOMAIN_NO_SEPARATOR, signs);
}

static usher_status
check_domain(const struct check *c, struct domain *d)
{
	static const struct {
		const char *member;
		enum domain_kind kind;
		bool required;
	} rules[] = {
		{ "redirect_url", DOMAIN_REDIRECT_URL, true },
		{ "redirect_domain", DOMAIN_REDIRECT_ADDRESS, true },
		{ "alias_of", DOMAIN_ALIAS, true },
		{ "server", DOMAIN_EXCHANGE, false },
		{ "ttl", DOMAIN_MAIL, false },
	};
	const struct field *kind = field_find(&c->entity->table, "kind");
	usher_status st = USHER_OK;

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct field *f = field_find(&c->entity->table, rules[i].member);
		bool absent = field_absent(f, d);

		if (absent && (d->kind != (int)rules[i].kind || !rules[i].required))
			continue;
		if (!absent && d->kind == (int)rules[i].kind)
			continue;
		if (absent)
			return refuse(c, f->name, "is missing: kind %s needs it",
			    kind->choices[rules[i].kind]);
		return refuse(c, f->name, "goes with kind %s only: clear it, or change the kind",
		    kind->choices[rules[i].kind]);
	}
	if (d->redirect_url != NULL && !is_https(d->redirect_url))
		return refuse(c, "redirect_url", "must begin with https://");
	if (same_key(d->redirect_domain, d->domain))
		return refuse(
		    c, "redirect_domain", "is the domain itself: clients would go in circles");
	if (same_key(d->alias_of, d->domain))
		return refuse(c, "alias_of", "is the domain itself");
	if (d->logo != NULL && !is_https(d->logo))
		return refuse(c, "logo", "must begin with https://");
	if (d->certificate != NULL)
		st = check_thumbprint(c, "certificate", &d->certificate);
	return st == USHER_OK ? check_separators(c, d) : st;
}

/* The pattern in lower case, with one `*` in the place of several; adds to *stars. */
static usher_status
check_pattern(const struct check *c, struct redirect *r, size_t *stars)
{
	const char *lower = text_lower_copy(c->mem, slice_of(r->pattern));
	char *to;

	if (lower == NULL)
		return out_of_memory(c);
	if (strlen(lower) > ADDRESS_LOCAL_BYTES)
		return refuse(c, "pattern", "is longer than any local part");
	if (strchr(lower, '@') != NULL)
		return refuse(c, "pattern", "is for what stands before the @: leave that out");
	r->pattern = to = arena_strdup(c->mem, lower);
	if (to == NULL)
		return out_of_memory(c);
	for (const char *p = lower; *p != '\0'; p++) {
		if (*p == '*' && p[1] == '*')
			continue;
		*stars += *p == '*';
		*to++ = *p;
	}
	*to = '\0';
	return USHER_OK;
}

static usher_status
check_redirect(const struct check *c, struct redirect *r)
{
	size_t stars = 0, targets;
	usher_status st = check_pattern(c, r, &stars);

	if (st != USHER_OK)
		return st;
	if (r->rank == NUMBER_ABSENT)
		r->rank = 1;
	targets = (size_t)(r->redirect_address != NULL) + (r->redirect_domain != NULL) +
		  (r->redirect_url != NULL);
	if (targets > 1)
		return refuse(c, "redirect_address",
		    "cannot stand beside another target: give an address, a domain or a URL");
	if (r->redirect_url != NULL && !is_https(r->redirect_url))
		return refuse(c, "redirect_url", "must begin with https://");
	if (r->redirect_address != NULL && stars != 1 && strchr(r->redirect_address, '*') != NULL)
		return refuse(c, "redirect_address", "holds a *, and the pattern not exactly one");
	if (same_key(r->redirect_domain, r->domain))
		return refuse(
		    c, "redirect_domain", "is the domain itself: clients would go in circles");
	return USHER_OK;
}

/* 0: there is no usual one. */
static int64_t
usual_port(int type, int socket)
{
	bool tls = socket == SOCKET_TLS;

	switch (type) {
	case SERVICE_IMAP:
		return tls ? 993 : 143;
	case SERVICE_POP3:
		return tls ? 995 : 110;
	case SERVICE_SMTP:
		return tls ? 465 : 587; /* submission: RFC 8314, 3.3; RFC 6409 */
	case SERVICE_MANAGESIEVE:
		return 4190;
	default:
		return tls ? 443 : 80;
	}
}

/* `%{member}`: of texts about a mailbox only those that may be a login name somewhere. */
static usher_status
check_template(const struct check *c, const char *template)
{
	for (const char *p = strstr(template, "%{"); p != NULL; p = strstr(p + 2, "%{")) {
		struct slice name = slice_from(p + 2, strcspn(p + 2, "}"));

		if (p[2 + name.n] != '}' || mailbox_attribute(name) == NULL)
			return refuse(c, "user_name",
			    "names no text of a mailbox in %%{}: write it like %%{login_name}");
	}
	return USHER_OK;
}

static usher_status
check_service(const struct check *c, struct mail_service *s)
{
	bool by_url = mail_service_by_url((enum mail_service_type)s->type);

	if (s->rank == NUMBER_ABSENT)
		s->rank = 1;
	if (!by_url && s->url != NULL)
		return refuse(c, "url", "is for services that are reached by URL: give a host");
	if (s->host == NULL && s->url == NULL)
		return refuse(c, "host", "is missing%s", by_url ? ", and so is url" : "");
	if (by_url && s->socket == SOCKET_STARTTLS)
		return refuse(c, "socket", "is tls or plain for services over HTTP");
	if (s->port == NUMBER_ABSENT && s->host != NULL)
		s->port = usual_port(s->type, s->socket);
	return s->user_name == NULL ? USHER_OK : check_template(c, s->user_name);
}

static usher_status
check_mailbox(const struct check *c, struct mailbox *m)
{
	const char **aliases = arena_array(c->mem, m->aliases.n, sizeof(*aliases));
	size_t n = 0;

	if (aliases == NULL)
		return out_of_memory(c);
	for (size_t i = 0; i < m->aliases.n; i++)
		if (!same_key(m->aliases.v[i], m->address))
			aliases[n++] = m->aliases.v[i];
	m->aliases = (struct text_list){ aliases, n };

	if (m->redirect_address != NULL && m->redirect_url != NULL)
		return refuse(c, "redirect_url", "cannot stand beside redirect_address");
	if (same_key(m->redirect_address, m->address) ||
	    (m->redirect_address != NULL && list_has(aliases, n, m->redirect_address)))
		return refuse(c, "redirect_address",
		    "is an address of the mailbox itself: clients would go in circles");
	if (m->redirect_url != NULL && !is_https(m->redirect_url))
		return refuse(c, "redirect_url", "must begin with https://");
	return login_form(c, &m->login_name);
}

static usher_status
check_alternative_mailbox(const struct check *c, struct alternative_mailbox *a)
{
	bool form_a = a->legacy_dn != NULL || a->server != NULL;
	bool form_b = a->smtp_address != NULL || a->owner_smtp_address != NULL;

	if (form_a && form_b)
		return refuse(c, "smtp_address",
		    "cannot stand beside legacy_dn and server: give one pair or the other");
	if (form_a && (a->legacy_dn == NULL || a->server == NULL))
		return refuse(c, a->server == NULL ? "server" : "legacy_dn",
		    "is missing: legacy_dn and server go together");
	if (!form_a && a->smtp_address == NULL)
		return refuse(c, "smtp_address", "is missing, and so are legacy_dn and server");
	if (form_b && a->owner_smtp_address == NULL)
		a->owner_smtp_address =
		    a->type == ALTERNATIVE_ARCHIVE ? a->mailbox : a->smtp_address;
	return USHER_OK;
}

static usher_status
check_credential(const struct check *c, struct credential *k)
{
	/* Basic ends the name at the first colon (RFC 7617, 2). */
	if (strchr(k->login_name, ':') != NULL)
		return refuse(c, "login_name", "must hold no ':'");
	/* crypt(5): none of these stands in any hash, and a blank means "disabled" to nobody. */
	if (strpbrk(k->password_hash, " :;*!\\") != NULL)
		return refuse(c, "password_hash", "is no hash of crypt(5)");
	return login_form(c, &k->login_name);
}

usher_status
entity_check(struct arena *mem, const struct entity *e, void *record, struct usher_error *err)
{
	const struct check c = { mem, e, record, err };

	for (size_t i = 0; i < e->table.n; i++) {
		usher_status st = check_member(&c, &e->table.rows[i]);

		if (st != USHER_OK)
			return st;
	}
	switch (e->id) {
	case ENTITY_ORGANIZATION:
		return check_organization(&c, record);
	case ENTITY_SERVER:
		return check_server(&c, record);
	case ENTITY_URL:
		return check_url(&c, record);
	case ENTITY_OUTLOOK_ANYWHERE:
		return check_outlook_anywhere(&c, record);
	case ENTITY_PROVIDER:
		return check_provider(&c, record);
	case ENTITY_CERTIFICATE:
		return check_certificate(&c, record);
	case ENTITY_AUTHORITY:
		return check_authority(&c, record);
	case ENTITY_DOMAIN:
		return check_domain(&c, record);
	case ENTITY_SERVICE:
		return check_service(&c, record);
	case ENTITY_REDIRECT:
		return check_redirect(&c, record);
	case ENTITY_MAILBOX:
		return check_mailbox(&c, record);
	case ENTITY_ALTERNATIVE_MAILBOX:
		return check_alternative_mailbox(&c, record);
	case ENTITY_CREDENTIAL:
		return check_credential(&c, record);
	case ENTITY_SITE:
	case ENTITY_RELATIONSHIP:
	case ENTITY_COUNT:
		break;
	}
	return USHER_OK;
}
