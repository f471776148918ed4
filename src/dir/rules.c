/* rules.c - what records may say of each other, and the words for a refusal. */
#include "dir/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

const struct reference references[REFERENCE_COUNT] = {
	{ ENTITY_SERVER, "site", ENTITY_SITE, false },
	{ ENTITY_URL, "server", ENTITY_SERVER, true },
	{ ENTITY_OUTLOOK_ANYWHERE, "server", ENTITY_SERVER, true },
	{ ENTITY_DOMAIN, "alias_of", ENTITY_DOMAIN, false },
	{ ENTITY_DOMAIN, "server", ENTITY_SERVER, false },
	{ ENTITY_DOMAIN, "certificate", ENTITY_CERTIFICATE, false },
	{ ENTITY_SERVICE, "domain", ENTITY_DOMAIN, true },
	{ ENTITY_REDIRECT, "domain", ENTITY_DOMAIN, true },
	{ ENTITY_MAILBOX, "services_of", ENTITY_DOMAIN, false },
	{ ENTITY_MAILBOX, "server", ENTITY_SERVER, false },
};

usher_status
rules_conflict(const struct rules_view *v, const struct entity *e, const void *record,
    struct usher_error *err, const char *format, ...)
{
	const char *key = entity_key_text(v->mem, e, record);
	char why[USHER_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	return err_set(err, USHER_E_CONFLICT, v->where, "%s%s%s: %s", e->title,
	    e->n_keys > 0 ? " " : "", key == NULL || e->n_keys == 0 ? "" : key, why);
}

/* The record of `e` whose only key is `name`. */
static usher_status
get(const struct rules_view *v, enum entity_id id, const char *name, union org_record *out,
    bool *found, struct usher_error *err)
{
	const struct entity *e = &entities[id];
	union org_record key;

	record_init(&e->table, &key);
	field_set_text(&e->table.rows[0], &key, name);
	return v->get(v->back_end, e, &key, out, found, err);
}

usher_status
rules_missing(
    const struct rules_view *v, const struct entity *e, const void *record, struct usher_error *err)
{
	for (size_t i = 0; i < REFERENCE_COUNT; i++) {
		const struct reference *r = &references[i];
		const struct field *f;
		union org_record other;
		usher_status st;
		bool found;

		if (r->from != e->id)
			continue;
		f = field_find(&e->table, r->field);
		if (f == NULL || field_absent(f, record))
			continue;
		st = get(v, r->to, field_text(f, record), &other, &found, err);
		if (st != USHER_OK)
			return st;
		if (!found)
			return rules_conflict(v, e, record, err, "there is no %s %s; add it first",
			    entities[r->to].title, field_text(f, record));
	}
	return USHER_OK;
}

usher_status
rules_needed(
    const struct rules_view *v, const struct entity *e, const void *record, struct usher_error *err)
{
	const char *name = field_text(&e->table.rows[0], record), *other = NULL;
	usher_status st = USHER_OK;

	for (size_t i = 0; i < REFERENCE_COUNT; i++) {
		const struct entity *from = &entities[references[i].from];
		union org_record by;
		bool found;

		if (references[i].to != e->id || references[i].part)
			continue;
		st = v->find(v->back_end, from, references[i].field, name, &by, &found, err);
		if (st != USHER_OK)
			return st;
		if (!found)
			continue;
		other = entity_key_text(v->mem, from, &by);
		return rules_conflict(v, e, record, err, "%s %s still names it", from->title,
		    other == NULL ? "" : other);
	}
	if (e->id == ENTITY_DOMAIN)
		st = v->mailbox_in(v->back_end, name, &other, err);
	if (st == USHER_OK && other != NULL)
		st = rules_conflict(
		    v, e, record, err, "mailbox %s still has an address in it", other);
	return st;
}

/* Nothing may hang on what becomes an alias. */
static usher_status
check_bare(const struct rules_view *v, const struct domain *domain, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	const char *address = NULL;
	union org_record other;
	usher_status st;
	bool found;

	st = v->find(v->back_end, e, "alias_of", domain->domain, &other, &found, err);
	if (st == USHER_OK && found)
		return rules_conflict(v, e, domain, err,
		    "it has the alias %s and cannot become one", other.domain.domain);
	if (st == USHER_OK)
		st = v->mailbox_in(v->back_end, domain->domain, &address, err);
	if (st == USHER_OK && address != NULL)
		return rules_conflict(v, e, domain, err,
		    "it has addresses (mailbox %s) and cannot become an alias", address);
	if (st == USHER_OK)
		st = v->find(v->back_end, &entities[ENTITY_REDIRECT], "domain", domain->domain,
		    &other, &found, err);
	if (st == USHER_OK && found)
		st = rules_conflict(v, e, domain, err,
		    "it has redirect rules (%s) and cannot become an alias",
		    other.redirect.pattern);
	return st;
}

/* One hop: lookups follow an alias once, so an alias never stands for an alias. */
static usher_status
check_alias(const struct rules_view *v, const struct domain *domain, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	const char *of = domain->alias_of;
	union org_record target;
	usher_status st;
	bool found;

	if (domain->kind != DOMAIN_ALIAS)
		return USHER_OK;
	if (of == NULL || strcmp(of, domain->domain) == 0)
		return rules_conflict(
		    v, e, domain, err, "an alias needs another domain as alias_of");
	st = get(v, ENTITY_DOMAIN, of, &target, &found, err);
	if (st != USHER_OK)
		return st;
	if (!found)
		return rules_conflict(v, e, domain, err, "there is no domain %s; add it first", of);
	if (target.domain.kind == DOMAIN_ALIAS &&
	    strcmp(target.domain.alias_of, domain->domain) == 0)
		return rules_conflict(
		    v, e, domain, err, "%s is an alias of it: each would stand for the other", of);
	if (target.domain.kind == DOMAIN_ALIAS)
		return rules_conflict(v, e, domain, err, "%s is an alias itself; name %s", of,
		    target.domain.alias_of);
	return check_bare(v, domain, err);
}

/* usherd refuses to start with a domain whose certificate it cannot show. */
static usher_status
check_domain(const struct rules_view *v, const struct domain *domain, struct usher_error *err)
{
	union org_record there;
	usher_status st = USHER_OK;
	bool found = false;

	if (domain->certificate != NULL)
		st = get(v, ENTITY_CERTIFICATE, domain->certificate, &there, &found, err);
	if (st == USHER_OK && found && there.certificate.pem == NULL)
		st = rules_conflict(v, &entities[ENTITY_DOMAIN], domain, err,
		    "%s is a request that waits for its certificate", domain->certificate);
	return st == USHER_OK ? check_alias(v, domain, err) : st;
}

/* Those of the domain that it stands for are the rules of an alias. */
static usher_status
check_redirect(const struct rules_view *v, const struct redirect *rule, struct usher_error *err)
{
	union org_record domain;
	usher_status st;
	bool found;

	st = get(v, ENTITY_DOMAIN, rule->domain, &domain, &found, err);
	if (st == USHER_OK && found && domain.domain.kind == DOMAIN_ALIAS)
		st = rules_conflict(v, &entities[ENTITY_REDIRECT], rule, err,
		    "%s is an alias; make the rule in %s", rule->domain, domain.domain.alias_of);
	return st;
}

usher_status
rules_address(const struct rules_view *v, const void *record, const char *address, int kind,
    bool taken, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_MAILBOX];
	const char *domain = strrchr(address, '@') + 1;

	if (kind < 0)
		return rules_conflict(v, e, record, err,
		    "%s is not an accepted domain; `usher domain add` makes it one", domain);
	if (kind == DOMAIN_ALIAS)
		return rules_conflict(v, e, record, err,
		    "%s is an alias domain and takes its addresses from the other domain", domain);
	return taken ? rules_conflict(v, e, record, err,
			   "%s is already an address of another mailbox", address) :
		       USHER_OK;
}

usher_status
rules_check(
    const struct rules_view *v, const struct entity *e, const void *record, struct usher_error *err)
{
	switch (e->id) {
	case ENTITY_DOMAIN:
		return check_domain(v, record, err);
	case ENTITY_REDIRECT:
		return check_redirect(v, record, err);
	default:
		return USHER_OK;
	}
}
