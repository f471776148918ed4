/* resolve.c - which kind of answer a question gets. */
#include "resolve/resolve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
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

const char *
resolve_template(struct arena *mem, const char *template, const char *address)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };
	struct slice whole = slice_of(address);
	size_t at = slice_find_last(whole, '@');
	struct slice left = slice_of(template);

	buf_init(&b, TEMPLATE_BYTES);
	while (left.n > 0) {
		size_t percent = slice_find(left, '%');
		struct slice rest = slice_skip(left, percent);

		buf_append(&b, left.p, percent);
		left = slice_skip(rest, 2);
		switch (rest.n > 1 ? rest.p[1] : '\0') {
		case 'a':
			buf_slice(&b, whole);
			break;
		case 'u':
			buf_append(&b, whole.p, at);
			break;
		case 'd':
			buf_slice(&b, slice_skip(whole, at + 1));
			break;
		case '%':
			buf_char(&b, '%');
			break;
		default: /* stands for itself, or the end */
			buf_append(&b, rest.p, rest.n > 0);
			left = slice_skip(rest, 1);
		}
	}
	if (b.status != USHER_OK)
		return NULL;
	return arena_copy(mem, buf_as_slice(&b));
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

static int
redirect(struct build *b, enum answer_kind kind, const char *target)
{
	/* What came from a real directory was never checked. */
	if (target == NULL)
		return REFUSAL_BROKEN_CONFIGURATION;
	answer_init(b->out, kind);
	b->out->redirect = target;
	b->out->account_type = "email";
	return 0;
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

static int
decide_mailbox(struct build *b, bool exchange)
{
	const char *target = NULL;
	enum answer_kind kind;

	if (exchange && b->mailbox == NULL)
		return REFUSAL_NOT_FOUND;
	if (b->mailbox != NULL && b->mailbox->enabled == TRI_OFF)
		return REFUSAL_NO_OPTIONS;
	kind = mailbox_redirect(b->mailbox, &target);
	if (kind != ANSWER_SETTINGS)
		return redirect(b, kind, target);
	if (b->question->schema == SCHEMA_MOBILESYNC)
		return exchange ? build_activesync(b) : REFUSAL_NO_PROVIDER;
	return exchange ? build_exchange(b) : build_mail(b);
}

/* Returns 0 or the code of a refusal. */
static int
decide(struct build *b)
{
	const struct facts *f = b->facts;
	const char *target = NULL;

	if (b->question->address == NULL && b->question->legacy_dn == NULL)
		return REFUSAL_INVALID_REQUEST;
	if (b->question->schema == SCHEMA_UNKNOWN)
		return REFUSAL_NO_PROVIDER;
	if (f->domain == NULL || f->address == NULL)
		return REFUSAL_NOT_FOUND;
	switch ((enum domain_kind)f->domain->kind) {
	case DOMAIN_REDIRECT_URL:
		return redirect(b, ANSWER_REDIRECT_URL, f->domain->redirect_url);
	case DOMAIN_REDIRECT_ADDRESS:
		if (f->domain->redirect_domain != NULL)
			target = build_text(
			    b, arena_join(b->mem, f->local, "@", f->domain->redirect_domain));
		return redirect(b, ANSWER_REDIRECT_ADDRESS, target);
	case DOMAIN_MAIL:
		return decide_mailbox(b, false);
	case DOMAIN_EXCHANGE:
		return decide_mailbox(b, true);
	case DOMAIN_ALIAS: /* facts hold what the alias stands for */
		break;
	}
	return REFUSAL_BROKEN_CONFIGURATION;
}

usher_status
resolve_answer(struct arena *mem, const struct question *question, const struct facts *facts,
    const struct resolve_context *context, struct answer *out, struct usher_error *err)
{
	const struct mailbox *m = facts->mailbox;
	struct answer made;
	struct build b = { .mem = mem, .question = question, .facts = facts, .out = &made };
	usher_status st = USHER_OK;
	int refusal;

	b.own = m != NULL && is_own(m, context->login_name);
	if (m != NULL && is_visible(&b, context))
		b.mailbox = m;
	/* The mailboxes of a mail domain are nobody's business who has not logged in. */
	if (context->login_name == NULL && facts->domain != NULL &&
	    facts->domain->kind == DOMAIN_MAIL)
		b.mailbox = NULL;

	answer_init(&made, ANSWER_SETTINGS);
	refusal = decide(&b);
	if (!b.failed && refusal != 0)
		st = resolve_refusal(mem, context, (enum refusal_code)refusal, NULL, &made);
	if (b.failed || st != USHER_OK)
		return err_nomem(err, "answer");
	*out = made;
	return USHER_OK;
}
