/* resolve_exchange.c - settings of a mailbox in an `exchange` domain: EXCH, EXPR, WEB, EXHTTP and
 * mapiHttp. */
#include <string.h>

#include "base/url.h"
#include "resolve/build.h"
#include "resolve/resolve_ecp.h"
#include "resolve/site.h"

enum {
	PROTOCOLS_MAX = 5, /* EXCH, EXPR, WEB and two EXHTTP; or mapiHttp in the place of two */
	EXCHANGE_2010 = 14,
	EXCHANGE_2013 = 15,
	OUTLOOK_2013 = 15
};

/* What every block for a side says; NULL: no such service. */
struct side_urls {
	const char *ews, *ecp, *um, *oab;
};

struct exchange {
	struct build *b;
	const struct org_view *org;
	struct site_choice choice;
	const struct server *server;	    /* the chosen one */
	const struct outlook_anywhere *rpc; /* NULL: not offered */
	struct version version;		    /* of the server */
	const char *version_text;	    /* ServerVersion element; NULL when unknown */
	const char *domain;		    /* of the mailbox */
	const char *id;			    /* `GUID@domain`; NULL when the mailbox has no GUID */
	bool mapi;			    /* this client gets mapiHttp */
	struct side_urls urls[SIDES];
	struct ecp ecp;
};

static bool
same(const char *a, const char *b)
{
	return site_same(a, b);
}

static const char *
url_for(const struct exchange *x, enum url_service service, enum url_side side)
{
	return site_url(x->org, &x->choice, service, side);
}

/* ---- the right records ---- */

static const struct provider *
find_provider(const struct exchange *x, const char *name)
{
	static const struct provider none = { .ttl = NUMBER_ABSENT };

	for (size_t i = 0; i < x->org->n_providers; i++)
		if (same(x->org->providers[i].name, name))
			return &x->org->providers[i];
	return &none;
}

/* ---- parts of a block ---- */

/* `base`, one slash, `rest`. */
static const char *
join(const struct exchange *x, const char *base, const char *rest)
{
	size_t n = strlen(base);

	return build_text(
	    x->b, arena_join(x->b->mem, base, n > 0 && base[n - 1] == '/' ? "" : "/", rest));
}

static const char *
oab_url(const struct exchange *x, enum url_side side)
{
	const char *base = url_for(x, URL_OAB, side);
	const char *id = x->org->organization.oab_id;
	const char *path;

	if (base == NULL || id == NULL)
		return NULL;
	path = build_text(x->b, arena_join(x->b->mem, id, "/"));
	return path == NULL ? NULL : join(x, base, path);
}

static struct side_urls
find_urls(const struct exchange *x, enum url_side side)
{
	const char *ecp = url_for(x, URL_ECP, side);

	return (struct side_urls){
		.ews = x->b->mailbox->ews == TRI_OFF ? NULL : url_for(x, URL_EWS, side),
		.ecp = ecp == NULL ? NULL : join(x, ecp, ""),
		.um = url_for(x, URL_UM, side),
		.oab = oab_url(x, side),
	};
}

static void
put_urls(const struct exchange *x, struct answer_protocol *p, enum url_side side)
{
	const struct side_urls *u = &x->urls[side];

	p->as_url = u->ews;
	p->oof_url = u->ews;
	p->um_url = u->um;
	p->oab_url = u->oab;
	if (x->version.major < EXCHANGE_2010)
		return;
	p->ews_url = u->ews;
	p->emws_url = u->ews;
	if (u->ecp == NULL)
		return;
	p->ecp_url = u->ecp;
	ecp_put(&x->ecp, p);
}

static const char *
auth_package(const struct exchange *x, int authentication)
{
	const struct client_traits *client = &x->b->question->client;

	if (authentication == RPC_BASIC)
		return "Basic";
	if (authentication == RPC_NEGOTIATE &&
	    (client->negotiate || (client->outlook && client->outlook_major >= OUTLOOK_2013)))
		return "Negotiate";
	return "Ntlm";
}

static const char *
principal(const struct provider *provider)
{
	const char *name = provider->cert_principal_name;

	return name != NULL && slice_is_nocase(slice_of(name), "none") ? "None" : name;
}

/* ---- blocks ---- */

static void
put_exch(const struct exchange *x)
{
	const struct provider *provider = find_provider(x, "EXCH");
	struct answer_protocol *p = build_protocol(x->b, PROTOCOL_EXCH);
	bool by_id = x->version.major >= EXCHANGE_2013 && x->id != NULL;
	const char *root =
	    build_text(x->b, organization_legacy_dn(x->b->mem, &x->org->organization));

	if (root == NULL)
		return;
	p->ttl = provider->ttl;
	p->server = by_id ? x->id : x->server->fqdn;
	p->server_dn = build_text(
	    x->b, arena_join(x->b->mem, root,
		      "/cn=Configuration/cn=Servers/cn=", by_id ? x->id : x->server->name));
	p->server_version = x->version_text;
	if (p->server_dn != NULL)
		p->mdb_dn = build_text(
		    x->b, arena_join(x->b->mem, p->server_dn, "/cn=Microsoft Private MDB"));
	p->server_exclusive_connect = provider->server_exclusive_connect;
	put_urls(x, p, INSIDE);
}

static void
put_expr(const struct exchange *x)
{
	const struct provider *provider = find_provider(x, "EXPR");
	const char *host;
	struct answer_protocol *p;

	if (x->rpc == NULL || x->rpc->external_host == NULL) {
		/* SOAP names the URLs for outside one by one. */
		if (x->b->question->language == LANGUAGE_SOAP)
			put_urls(x, build_protocol(x->b, PROTOCOL_EXPR), OUTSIDE);
		return;
	}
	host = provider->server != NULL ? provider->server : x->rpc->external_host;
	p = build_protocol(x->b, PROTOCOL_EXPR);
	p->ttl = provider->ttl;
	p->server = host;
	p->ssl = x->rpc->ssl == TRI_OFF ? TRI_OFF : TRI_ON;
	p->auth_package = auth_package(x, x->rpc->client_authentication);
	p->cert_principal_name = principal(provider);
	p->server_exclusive_connect = provider->server_exclusive_connect;
	put_urls(x, p, OUTSIDE);
}

/* What Setup gives a new OWA virtual directory. */
static const char *
owa_methods(const struct exchange *x, const struct text_list *methods)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };

	buf_init(&b, FIELD_TEXT_BYTES);
	if (methods->n == 0)
		return "Basic, Fba";
	for (size_t i = 0; i < methods->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : ", ", methods->v[i]);
	if (b.status == USHER_E_NOMEM)
		x->b->failed = true;
	return build_text(x->b, arena_copy(x->b->mem, buf_as_slice(&b)));
}

/* The OWA URLs of all servers of the site. */
static void
put_web_side(const struct exchange *x, struct answer_web *web, enum url_side side)
{
	struct answer_owa_url *owa;
	struct site_owa all;

	site_owa(x->org, &x->choice, side, &all);
	if (all.n == 0)
		return;
	owa = arena_array(x->b->mem, all.n, sizeof(*owa));
	if (owa == NULL) {
		x->b->failed = true;
		return;
	}
	for (size_t i = 0; i < all.n; i++) {
		const struct service_url *u = all.urls[i];

		owa[i].url = site_side(u, side);
		owa[i].authentication_method = owa_methods(
		    x, side == INSIDE ? &u->internal_authentication : &u->external_authentication);
	}
	web->owa = owa;
	web->n_owa = all.n;
	web->as_url = x->urls[side].ews;
	if (web->as_url != NULL)
		web->protocol_type = side == INSIDE ? "EXCH" : "EXPR";
}

static void
put_web(const struct exchange *x)
{
	struct answer_web internal = { 0 };
	struct answer_web external = { 0 };
	struct answer_protocol *p;

	if (x->b->mailbox->owa == TRI_OFF)
		return;
	put_web_side(x, &internal, INSIDE);
	put_web_side(x, &external, OUTSIDE);
	if (internal.n_owa == 0 && external.n_owa == 0)
		return;
	p = build_protocol(x->b, PROTOCOL_WEB);
	p->ttl = find_provider(x, "WEB")->ttl;
	p->internal = internal;
	p->external = external;
}

/* The host of the block's namespace: Outlook Anywhere's, else, for a client that has been given
 * mapiHttp and would otherwise learn no URL at all, that of the MAPI URL. */
static const char *
exhttp_host(const struct exchange *x, enum url_side side)
{
	const char *mapi = x->mapi ? url_for(x, URL_MAPI, side) : NULL;
	const char *host = NULL;
	struct url url;

	if (x->rpc != NULL)
		host = side == INSIDE ? x->rpc->internal_host : x->rpc->external_host;
	if (host != NULL || mapi == NULL)
		return host;
	switch (url_parse(x->b->mem, slice_of(mapi), &url, NULL)) {
	case USHER_OK:
		return url.host;
	case USHER_E_NOMEM:
		x->b->failed = true;
		return NULL;
	default:
		return NULL;
	}
}

static void
put_exhttp(const struct exchange *x, enum url_side side)
{
	const struct provider *expr = find_provider(x, "EXPR");
	const struct provider *own = find_provider(x, "EXHTTP");
	const struct provider *provider = own->name != NULL ? own : expr;
	const char *host = exhttp_host(x, side);
	int authentication = RPC_NEGOTIATE;
	struct answer_protocol *p;

	if (host == NULL)
		return;
	if (x->rpc != NULL)
		authentication = side == INSIDE ? x->rpc->internal_client_authentication :
						  x->rpc->client_authentication;
	if (side == OUTSIDE && provider->server != NULL)
		host = provider->server;
	p = build_protocol(x->b, PROTOCOL_EXHTTP);
	p->ttl = provider->ttl;
	p->server = host;
	p->ssl = x->rpc != NULL && x->rpc->ssl == TRI_OFF ? TRI_OFF : TRI_ON;
	p->auth_package = auth_package(x, authentication);
	p->cert_principal_name = principal(provider);
	/* Real servers send it with this block, whatever the provider says of EXPR. */
	p->server_exclusive_connect = own->server_exclusive_connect == TRI_OFF ? TRI_OFF : TRI_ON;
	put_urls(x, p, side);
	/* One namespace for inside and outside: once is enough. */
	if (side == OUTSIDE && p > x->b->protocols && p[-1].kind == PROTOCOL_EXHTTP &&
	    record_equal(&answer_protocol_table, p, p - 1))
		x->b->out->n_protocols--;
}

static void
put_mapi_side(const struct exchange *x, enum url_side side, const char **store, const char **book)
{
	const char *base = url_for(x, URL_MAPI, side);
	const char *id = x->id != NULL ? x->id : x->b->mailbox->address;
	const char *root;

	if (base == NULL)
		return;
	root = join(x, base, "");
	if (root == NULL)
		return;
	*store = build_text(x->b, arena_join(x->b->mem, root, "emsmdb/?MailboxId=", id));
	*book = build_text(x->b, arena_join(x->b->mem, root, "nspi/?MailboxId=", id));
}

static void
put_mapi_http(const struct exchange *x)
{
	struct answer_protocol *p = build_protocol(x->b, PROTOCOL_MAPI_HTTP);

	p->version = 1;
	put_mapi_side(x, INSIDE, &p->mail_store_internal_url, &p->address_book_internal_url);
	put_mapi_side(x, OUTSIDE, &p->mail_store_external_url, &p->address_book_external_url);
}

/* ---- the whole ---- */

static void
put_user(const struct exchange *x)
{
	struct answer_user *u = &x->b->out->user;
	const struct mailbox *m = x->b->mailbox;
	const struct organization *o = &x->org->organization;

	u->display_name = m->display_name;
	u->legacy_dn = build_text(x->b, mailbox_legacy_dn(x->b->mem, o, m));
	if (x->version.major >= EXCHANGE_2010)
		u->autodiscover_smtp_address = m->address;
	u->deployment_id = o->deployment_id;
}

static void
put_alternatives(const struct exchange *x)
{
	static const char *const types[] = { "Archive", "Delegate", "TeamMailbox" };
	const struct facts *f = x->b->facts;
	struct answer_alternative_mailbox *to =
	    arena_array(x->b->mem, f->n_alternatives, sizeof(*to));

	if (to == NULL) {
		x->b->failed = true;
		return;
	}
	for (size_t i = 0; i < f->n_alternatives; i++) {
		const struct alternative_mailbox *from = &f->alternatives[i];

		to[i].type = types[from->type];
		to[i].display_name = from->display_name;
		to[i].legacy_dn = from->legacy_dn;
		to[i].server = from->server;
		to[i].smtp_address = from->smtp_address;
		to[i].owner_smtp_address = from->owner_smtp_address;
	}
	x->b->out->alternative_mailboxes = to;
	x->b->out->n_alternative_mailboxes = f->n_alternatives;
}

static void
put_account(const struct exchange *x)
{
	const struct mailbox *m = x->b->mailbox;
	struct answer *a = x->b->out;

	a->account_type = "email";
	/* Others need not know what the owner's program opens. */
	if (x->b->own)
		put_alternatives(x);
	if (x->version.major < EXCHANGE_2013)
		return;
	a->microsoft_online = TRI_OFF;
	a->consumer_mailbox = TRI_OFF;
	a->public_folder_smtp_address = m->public_folder_mailbox != NULL ?
					    m->public_folder_mailbox :
					    x->org->organization.public_folder_mailbox;
}

/* MAPI over HTTP came with 2013 SP1, 15.0.847 (pox.md 6). */
static bool
has_mapi(const struct exchange *x)
{
	const struct version *v = &x->version;

	if (x->b->mailbox->mapi_http == TRI_OFF || v->major < EXCHANGE_2013 ||
	    (v->major == EXCHANGE_2013 && v->minor == 0 && v->build < 847))
		return false;
	return url_for(x, URL_MAPI, INSIDE) != NULL || url_for(x, URL_MAPI, OUTSIDE) != NULL;
}

static bool
may_use_mapi(const struct exchange *x)
{
	return x->b->question->client.mapi_http >= 1 && has_mapi(x);
}

/* Names of what EWS can do: each version knows those of the ones before it. */
static const char *
ews_schemas(const struct version *v)
{
	if (v->major >= EXCHANGE_2013)
		return "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, "
		       "Exchange2010_SP2, Exchange2013, Exchange2013_SP1";
	if (v->major == EXCHANGE_2010)
		return "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, "
		       "Exchange2010_SP2";
	return "Exchange2007, Exchange2007_SP1";
}

/* Since 2013 mailboxes hold public folders, and the way to those is Outlook Anywhere's. */
static const char *
public_folder_server(const struct exchange *x)
{
	if (x->b->out->public_folder_smtp_address == NULL || x->rpc == NULL)
		return NULL;
	return x->rpc->internal_host != NULL ? x->rpc->internal_host : x->rpc->external_host;
}

/* What clients of other languages are not told, or have no word for. */
static void
put_versions(const struct exchange *x)
{
	struct answer *a = x->b->out;
	const char *build = build_text(x->b, resolve_build(x->b->mem, &x->version));

	a->microsoft_online = TRI_OFF;
	a->user.autodiscover_smtp_address = x->b->mailbox->address;
	a->cas_version = build;
	a->mailbox_version = build;
	a->ews_supported_schemas = ews_schemas(&x->version);
	a->mapi_http_enabled = has_mapi(x) ? TRI_ON : TRI_OFF;
	a->cross_organization_sharing = TRI_OFF;
	for (size_t i = 0; i < a->n_protocols; i++) {
		struct answer_protocol *p = &x->b->protocols[i];

		if (p->kind == PROTOCOL_EXCH)
			p->public_folder_server = public_folder_server(x);
		if (p->kind != PROTOCOL_EXPR || p->ews_url == NULL)
			continue;
		p->ews_version = build;
		p->ews_partner_url = p->ews_url;
		/* Mailboxes of one site may share a connection for notifications. */
		p->grouping_information = x->server->site;
	}
}

/* Clients name what they want, and nothing that a block holds confuses them. */
static void
put_for_soap(const struct exchange *x)
{
	put_versions(x);
	if (x->version.major >= EXCHANGE_2013)
		put_exhttp(x, INSIDE);
	build_services(x->b);
}

static bool
has_any_url(const struct exchange *x)
{
	for (int service = 0; service < URL_SERVICE_COUNT; service++)
		if (service != URL_AUTODISCOVER &&
		    (url_for(x, (enum url_service)service, INSIDE) != NULL ||
			url_for(x, (enum url_service)service, OUTSIDE) != NULL))
			return true;
	return false;
}

/* Reads the server's version; one that names none is taken for a present one. */
static void
read_version(struct exchange *x)
{
	char text[9];

	if (resolve_server_version(x->server->version, text) != NULL)
		x->version_text = build_text(x->b, arena_strdup(x->b->mem, text));
	if (!version_parse(x->server->version, &x->version))
		x->version = (struct version){ EXCHANGE_2013, 2, 0 };
}

int
build_exchange(struct build *b)
{
	struct exchange x = { .b = b, .org = b->facts->org };

	if (x.org == NULL || x.org->organization.name == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	x.choice = site_choose(b->facts, b->mailbox, b->client_address);
	x.server = x.choice.server;
	if (x.server == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	if (b->mailbox->outlook_anywhere != TRI_OFF)
		x.rpc = site_outlook_anywhere(x.org, &x.choice);
	if (x.rpc == NULL && !has_any_url(&x))
		return REFUSAL_NO_OPTIONS;

	read_version(&x);
	x.domain = strrchr(b->mailbox->address, '@') + 1;
	if (b->mailbox->guid != NULL)
		x.id = build_text(b, arena_join(b->mem, b->mailbox->guid, "@", x.domain));
	x.mapi = may_use_mapi(&x);
	x.urls[INSIDE] = find_urls(&x, INSIDE);
	x.urls[OUTSIDE] = find_urls(&x, OUTSIDE);
	if (!ecp_make(b->mem, x.version.major, x.domain, &x.ecp))
		b->failed = true;
	if (!build_protocols(b, PROTOCOLS_MAX + b->n_services))
		return 0;

	put_user(&x);
	put_account(&x);
	if (x.mapi) {
		put_mapi_http(&x);
	} else {
		put_exch(&x);
		put_expr(&x);
	}
	put_web(&x);
	if (b->question->client.exhttp && x.version.major >= EXCHANGE_2013) {
		put_exhttp(&x, INSIDE);
		put_exhttp(&x, OUTSIDE);
	}
	if (b->question->language == LANGUAGE_SOAP)
		put_for_soap(&x);
	return 0;
}
