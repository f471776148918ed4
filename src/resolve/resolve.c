/* resolve.c - which kind of answer a question gets. */
#include "resolve/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "model/rule.h"
#include "resolve/build.h"

/* A template of FIELD_TEXT_BYTES that is all `%a`, each the longest address. */
enum { TEMPLATE_BYTES = FIELD_TEXT_BYTES / 2 * ADDRESS_MAX_BYTES };

bool
resolve_anonymous(const struct facts *facts)
{
	const struct domain *d = facts->domain;

	if (d == NULL)
		return false;
	return d->anonymous == TRI_ABSENT ? d->kind != DOMAIN_EXCHANGE : d->anonymous == TRI_ON;
}

/* ---- refusals ---- */

static const char *
refusal_message(enum refusal_code code)
{
	switch (code) {
	case REFUSAL_NOT_FOUND:
		return "The e-mail address cannot be found.";
	case REFUSAL_NO_OPTIONS:
	case REFUSAL_BROKEN_CONFIGURATION:
		return "Bad Address";
	case REFUSAL_INVALID_REQUEST:
		return "Invalid Request";
	case REFUSAL_NO_PROVIDER:
		return "Provider is not available";
	case REFUSAL_SERVER_ERROR:
		break;
	}
	return "Server Error";
}

/* Stable per server and silent about its name (pox.md 9.1): FNV-1a. */
static uint32_t
hash_name(const char *name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; name != NULL && name[i] != '\0'; i++)
		hash = (hash ^ (unsigned char)text_lower(name[i])) * UINT32_C(16777619);
	return hash;
}

usher_status
resolve_refusal(struct arena *mem, const struct resolve_context *context, enum refusal_code code,
    const char *debug, struct answer *out)
{
	int64_t day_ms = context->now_ms % (24 * 3600 * 1000);
	const char *time, *id;

	if (day_ms < 0)
		day_ms += 24 * 3600 * 1000;
	time = arena_printf(mem, "%02d:%02d:%02d.%03d0000", (int)(day_ms / 3600000),
	    (int)(day_ms / 60000 % 60), (int)(day_ms / 1000 % 60), (int)(day_ms % 1000));
	id = arena_printf(mem, "%" PRIu32, hash_name(context->server_name));
	if (time == NULL || id == NULL)
		return USHER_E_NOMEM;
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = code;
	out->refusal.message = refusal_message(code);
	out->refusal.debug = debug;
	out->refusal.time = time;
	out->refusal.id = id;
	return USHER_OK;
}

/* ---- building blocks ---- */

const char *
build_text(struct build *b, const char *p)
{
	if (p == NULL)
		b->failed = true;
	return p;
}

bool
build_protocols(struct build *b, size_t n)
{
	b->protocols = arena_array(b->mem, n, sizeof(*b->protocols));
	b->failed = b->failed || b->protocols == NULL;
	b->out->protocols = b->protocols;
	return !b->failed;
}

struct answer_protocol *
build_protocol(struct build *b, enum protocol_kind kind)
{
	struct answer_protocol *p = &b->protocols[b->out->n_protocols++];

	answer_protocol_init(p, kind);
	return p;
}

/* ---- login names ---- */

/* `address` without a detail. NULL when out of memory. */
static const char *
base_address(struct arena *mem, const struct domain *domain, const char *address)
{
	struct slice whole = slice_of(address);
	size_t at = slice_find_last(whole, '@');
	size_t n = domain_base_length(domain, slice_from(address, at));

	return n == at ? address : arena_printf(mem, "%.*s%s", (int)n, address, address + at);
}

/* Appends what stands for `%` and what follows it. Returns how many bytes of `rest`, from the `%`
 * on, that was; 0 when the mailbox has no such text. */
static size_t
expand_one(struct buf *b, struct slice rest, struct slice address, const struct mailbox *mailbox)
{
	size_t at = slice_find_last(address, '@');
	const struct field *f;
	struct slice name;

	switch (rest.n > 1 ? rest.p[1] : '\0') {
	case 'a':
		buf_slice(b, address);
		return 2;
	case 'u':
		buf_append(b, address.p, at);
		return 2;
	case 'd':
		buf_slice(b, slice_skip(address, at + 1));
		return 2;
	case '%':
		buf_char(b, '%');
		return 2;
	case '{':
		name = slice_skip(rest, 2);
		name.n = slice_find(name, '}');
		f = mailbox_attribute(name);
		if (f == NULL || mailbox == NULL || field_absent(f, mailbox))
			return 0;
		buf_text(b, field_text(f, mailbox));
		return 2 + name.n + 1;
	default: /* stands for itself */
		buf_char(b, '%');
		return 1;
	}
}

const char *
resolve_login(struct arena *mem, const struct domain *domain, const struct mail_service *service,
    const char *address, const struct mailbox *mailbox)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };
	struct slice left = slice_of(service->user_name);

	if (mailbox != NULL)
		address = mailbox->address;
	else
		address = base_address(mem, domain, address);
	if (address == NULL)
		return NULL;
	if (service->user_name == NULL)
		return mailbox != NULL && mailbox->login_name != NULL ? mailbox->login_name :
									address;
	buf_init(&b, TEMPLATE_BYTES);
	while (left.n > 0) {
		size_t percent = slice_find(left, '%');
		size_t taken = 0;

		buf_append(&b, left.p, percent);
		left = slice_skip(left, percent);
		if (left.n > 0)
			taken = expand_one(&b, left, slice_of(address), mailbox);
		if (left.n > 0 && taken == 0)
			return address;
		left = slice_skip(left, taken);
	}
	if (b.status != USHER_OK)
		return NULL;
	return arena_copy(mem, buf_as_slice(&b));
}

const char *
build_login(struct build *b, const struct mail_service *service)
{
	return build_text(
	    b, resolve_login(b->mem, b->facts->domain, service, b->facts->address, b->mailbox));
}

const char *
resolve_server_version(const char *version, char out[9])
{
	struct version v;

	if (!version_parse(version, &v))
		return NULL;
	(void)snprintf(
	    out, 9, "%08X", UINT32_C(0x70008000) | v.major << 22 | v.minor << 16 | v.build);
	return out;
}

const char *
resolve_build(struct arena *mem, const struct version *version)
{
	return arena_printf(
	    mem, "%02u.%02u.%04u.000", version->major, version->minor, version->build);
}

/* ---- the decision ---- */

static bool
is_own(const struct mailbox *m, const char *login_name)
{
	const char *name = m->login_name != NULL ? m->login_name : m->address;

	return login_name != NULL && slice_eq_nocase(slice_of(name), slice_of(login_name));
}

/* May this caller be told about the mailbox? */
static bool
is_visible(const struct build *b, const struct resolve_context *context)
{
	if (context->login_name == NULL)
		return resolve_anonymous(b->facts);
	switch (context->visibility) {
	case VISIBILITY_ANY:
		return true;
	case VISIBILITY_PERMITTED:
		return b->own || b->facts->caller_is_delegate;
	case VISIBILITY_SELF:
		break;
	}
	return b->own;
}

/* What came from a real directory was never checked: the target may be missing. */
static int
redirect(struct answer *out, enum answer_kind kind, const char *target)
{
	if (target == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	answer_init(out, kind);
	out->redirect = target;
	out->account_type = "email";
	return 0;
}

/* What a `*` leaves of a local part may be none: nothing, or `a.` of `a.-ext`. */
static int
redirect_to_address(struct arena *mem, struct answer *out, const char *target)
{
	struct address address;
	usher_status st = USHER_E_NOMEM;

	if (target != NULL)
		st = address_parse(mem, slice_of(target), &address, NULL);
	if (st == USHER_E_NOMEM)
		return REFUSAL_SERVER_ERROR;
	if (st != USHER_OK)
		return REFUSAL_NOT_FOUND;
	return redirect(out, ANSWER_REDIRECT_ADDRESS, target);
}

int
resolve_redirect(
    struct arena *mem, const struct facts *facts, const char *local, struct answer *out)
{
	const struct domain *d = facts->domain;
	const struct redirect *rule = rule_find(facts->redirects, facts->n_redirects, d, local);

	answer_init(out, ANSWER_SETTINGS);
	if (rule != NULL && rule->redirect_url != NULL)
		return redirect(out, ANSWER_REDIRECT_URL, rule->redirect_url);
	if (rule != NULL && (rule->redirect_address != NULL || rule->redirect_domain != NULL))
		return redirect_to_address(mem, out, rule_target(mem, rule, d, local));
	if (rule != NULL)
		return 0; /* it keeps its addresses here */
	if (d->kind == DOMAIN_REDIRECT_URL)
		return redirect(out, ANSWER_REDIRECT_URL, d->redirect_url);
	if (d->kind != DOMAIN_REDIRECT_ADDRESS)
		return 0;
	if (d->redirect_domain == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	return redirect_to_address(mem, out, arena_join(mem, local, "@", d->redirect_domain));
}

int
resolve_address(struct arena *mem, const struct facts *facts, const struct address *asked,
    struct address *login, struct answer *out)
{
	int refusal = resolve_redirect(mem, facts, asked->local, out);
	const char *base = base_address(mem, facts->domain, asked->text);
	usher_status st = USHER_E_NOMEM;

	if (base != NULL)
		st = address_parse(mem, slice_of(base), login, NULL);
	if (st == USHER_E_NOMEM)
		return REFUSAL_SERVER_ERROR;
	if (st != USHER_OK) /* without the detail it is none, as `a.+b` */
		*login = *asked;
	return refusal;
}

/* Entries of a real directory may name one of their own addresses (scp.md 7): no redirect. */
static bool
is_own_address(const struct mailbox *m, const char *address)
{
	if (slice_eq_nocase(slice_of(m->address), slice_of(address)))
		return true;
	for (size_t i = 0; i < m->aliases.n; i++)
		if (slice_eq_nocase(slice_of(m->aliases.v[i]), slice_of(address)))
			return true;
	return false;
}

/* ANSWER_SETTINGS: the mailbox is here. */
static enum answer_kind
mailbox_redirect(const struct mailbox *m, const char **target)
{
	if (m == NULL)
		return ANSWER_SETTINGS;
	if (m->redirect_address != NULL && !is_own_address(m, m->redirect_address)) {
		*target = m->redirect_address;
		return ANSWER_REDIRECT_ADDRESS;
	}
	*target = m->redirect_url;
	return m->redirect_url != NULL ? ANSWER_REDIRECT_URL : ANSWER_SETTINGS;
}

/* Returns 0 or the code of a refusal. */
static int
decide(struct build *b)
{
	const struct facts *f = b->facts;
	const char *target = NULL;
	enum answer_kind kind;
	int refusal;

	if (b->question->address == NULL && b->question->legacy_dn == NULL)
		return REFUSAL_INVALID_REQUEST;
	if (b->question->schema == SCHEMA_UNKNOWN)
		return REFUSAL_NO_PROVIDER;
	if (f->domain == NULL || f->address == NULL)
		return REFUSAL_NOT_FOUND;
	if (f->domain->kind == DOMAIN_ALIAS) /* facts hold what the alias stands for */
		return REFUSAL_BROKEN_CONFIGURATION;
	if (b->mailbox != NULL && b->mailbox->enabled == TRI_OFF)
		return REFUSAL_NO_OPTIONS;
	kind = mailbox_redirect(b->mailbox, &target);
	if (kind != ANSWER_SETTINGS)
		return redirect(b->out, kind, target);
	refusal = resolve_redirect(b->mem, f, f->local, b->out);
	b->failed = b->failed || refusal == REFUSAL_SERVER_ERROR;
	if (refusal != 0 || b->out->kind != ANSWER_SETTINGS)
		return refusal;
	if (f->domain->kind != DOMAIN_EXCHANGE)
		return b->question->schema == SCHEMA_MOBILESYNC ? build_activesync(b) :
								  build_mail(b);
	if (b->mailbox == NULL)
		return REFUSAL_NOT_FOUND;
	return b->question->schema == SCHEMA_MOBILESYNC ? build_activesync(b) : build_exchange(b);
}

usher_status
resolve_answer(struct arena *mem, const struct question *question, const struct facts *facts,
    const struct resolve_context *context, struct answer *out, struct usher_error *err)
{
	const struct mailbox *m = facts->mailbox;
	struct answer made;
	struct build b = { .mem = mem,
		.question = question,
		.facts = facts,
		.client_address = context->client_address,
		.out = &made };
	usher_status st = USHER_OK;
	int refusal;

	b.own = m != NULL && is_own(m, context->login_name);
	if (m != NULL && is_visible(&b, context))
		b.mailbox = m;
	/* Where the answer does not need them, mailboxes are nobody's business who has not logged
	 * in. */
	if (context->login_name == NULL && facts->domain != NULL &&
	    facts->domain->kind != DOMAIN_EXCHANGE)
		b.mailbox = NULL;
	b.services = facts->services;
	b.n_services = facts->n_services;
	if (b.mailbox != NULL && b.mailbox->services_of != NULL) {
		b.services = facts->mailbox_services;
		b.n_services = facts->n_mailbox_services;
	}

	answer_init(&made, ANSWER_SETTINGS);
	refusal = decide(&b);
	if (!b.failed && refusal != 0)
		st = resolve_refusal(mem, context, (enum refusal_code)refusal, NULL, &made);
	if (b.failed || st != USHER_OK)
		return err_nomem(err, "answer");
	*out = made;
	return USHER_OK;
}
