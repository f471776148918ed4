/* resolve_mail.c - IMAP, POP3 and SMTP settings of a `mail` domain, made from templates. */
#include "resolve/build.h"

enum {
	TTL_HOURS = 24,
	SOAP_BLOCKS = 3 /* EXCH, EXPR and WEB */
};

static enum protocol_kind
kind_of(const struct mail_service *s)
{
	switch ((enum mail_service_type)s->type) {
	case SERVICE_IMAP:
		return PROTOCOL_IMAP;
	case SERVICE_POP3:
		return PROTOCOL_POP3;
	case SERVICE_SMTP:
		return PROTOCOL_SMTP;
	case SERVICE_JMAP:
	case SERVICE_CALDAV:
	case SERVICE_CARDDAV:
	case SERVICE_WEBMAIL:
	case SERVICE_FILES:
	case SERVICE_MANAGESIEVE:
	case SERVICE_ACTIVESYNC:
	case SERVICE_EWS:
		break;
	}
	return PROTOCOL_UNKNOWN;
}

static const char *
encryption_of(const struct mail_service *s)
{
	switch ((enum mail_socket)s->socket) {
	case SOCKET_TLS:
		return "SSL";
	case SOCKET_STARTTLS:
		return "TLS";
	case SOCKET_PLAIN:
		break;
	}
	return "None";
}

static void
put_service(struct build *b, const struct mail_service *s, enum protocol_kind kind)
{
	struct answer_protocol *p = build_protocol(b, kind);
	const struct domain *d = b->facts->domain;

	p->ttl = d->ttl == NUMBER_ABSENT ? TTL_HOURS : d->ttl;
	p->server = s->host;
	p->port = s->port;
	p->login_name = build_login(b, s);
	p->domain_required = TRI_OFF;
	/* SPA means NTLM or GSSAPI, and clients take it for granted unless told (pox.md 4.1). */
	p->spa =
	    s->authentication == AUTH_NTLM || s->authentication == AUTH_GSSAPI ? TRI_ON : TRI_OFF;
	p->ssl = s->socket == SOCKET_PLAIN ? TRI_OFF : TRI_ON;
	p->encryption = encryption_of(s);
	p->auth_required = s->authentication == AUTH_NONE ? TRI_OFF : TRI_ON;
	if (kind == PROTOCOL_SMTP) {
		p->use_pop_auth = TRI_OFF;
		p->smtp_last = TRI_OFF;
	}
}

void
build_services(struct build *b)
{
	for (size_t i = 0; i < b->n_services; i++) {
		enum protocol_kind kind = kind_of(&b->services[i]);

		if (kind != PROTOCOL_UNKNOWN)
			put_service(b, &b->services[i], kind);
	}
}

/* Where the first service of a type is reached; NULL: there is none that is safe. */
static const char *
service_url(struct build *b, enum mail_service_type type)
{
	const char *url = NULL;

	for (size_t i = 0; i < b->n_services && url == NULL; i++)
		if (b->services[i].type == (int)type)
			url = build_text(b, mail_service_url(b->mem, &b->services[i]));
	return slice_starts_nocase(slice_of(url), SLICE_LITERAL("https://")) ? url : NULL;
}

/* In SOAP clients name what they want, and no block that they did not ask for confuses them. */
static void
put_for_soap(struct build *b)
{
	const char *ews = service_url(b, SERVICE_EWS), *webmail = service_url(b, SERVICE_WEBMAIL);

	b->out->microsoft_online = TRI_OFF;
	b->out->user.autodiscover_smtp_address =
	    b->mailbox != NULL ? b->mailbox->address : b->facts->address;
	if (ews != NULL) {
		build_protocol(b, PROTOCOL_EXCH)->ews_url = ews;
		build_protocol(b, PROTOCOL_EXPR)->ews_url = ews;
	}
	if (webmail != NULL) {
		struct answer_protocol *p = build_protocol(b, PROTOCOL_WEB);
		struct answer_owa_url *owa = arena_zalloc(b->mem, sizeof(*owa));

		if (owa == NULL) {
			b->failed = true;
			return;
		}
		owa->url = webmail;
		p->internal = p->external = (struct answer_web){ .owa = owa, .n_owa = 1 };
	}
}

int
build_mail(struct build *b)
{
	if (!build_protocols(b, b->n_services + SOAP_BLOCKS))
		return 0;
	build_services(b);
	if (b->question->language == LANGUAGE_SOAP)
		put_for_soap(b);
	if (b->out->n_protocols == 0)
		return REFUSAL_NO_OPTIONS;
	b->out->account_type = "email";
	b->out->image = b->facts->domain->logo;
	b->out->service_home = b->facts->domain->home_page;
	if (b->mailbox != NULL)
		b->out->user.display_name = b->mailbox->display_name;
	return 0;
}
