/* scp_work.c - changes to connection points: planned against what is there, then printed or made.
 */
#include "cli/scp_work.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/url.h"
#include "wire/ldif.h"

enum { EDITS_MAX = 8, LDIF_BYTES = 1024 * 1024 };

/* ---- changes, gathered, then printed or made ---- */

static const struct column change_columns[] = {
	{ "change", "CHANGE" },
	{ "dn", "ENTRY" },
};

static const char *const change_names[] = { "created", "changed", "removed" };

static struct ldap_attribute
attribute(struct arena *mem, const char *name, const char *const *values, size_t n)
{
	struct slice *v = arena_array(mem, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = slice_of(values[i]);
	return (struct ldap_attribute){ v == NULL ? NULL : name, v, n };
}

/* An attribute of memory that ran out has no name. */
static usher_status
note(struct scp_work *w, enum ldap_change_kind kind, const char *dn, const struct ldap_edit *edits,
    size_t n, struct usher_error *err)
{
	struct ldap_edit *copy = arena_array(w->cli->mem, n, sizeof(*copy));

	if (copy == NULL || dn == NULL || w->n == SCP_CHANGES_MAX)
		return err_nomem(err, "scp");
	for (size_t i = 0; i < n; i++) {
		if (edits[i].attribute.name == NULL)
			return err_nomem(err, "scp");
		copy[i] = edits[i];
	}
	w->changes[w->n++] = (struct ldap_change){ kind, dn, copy, n };
	return USHER_OK;
}

static usher_status
print_ldif(struct scp_work *w, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = LDIF_BYTES };

	for (size_t i = 0; i < w->n; i++)
		ldif_write(&b, &w->changes[i]);
	if (b.status != USHER_OK)
		return err_set(err, b.status, "scp", "the changes are too long to be shown");
	if (!w->cli->json) {
		write_raw(w->cli->out, buf_cstr(&b), b.n);
		return USHER_OK;
	}
	write_open(w->cli->out, NULL, NULL);
	write_flag(w->cli->out, "dry_run", true);
	write_text(w->cli->out, "ldif", buf_cstr(&b));
	write_close(w->cli->out);
	return USHER_OK;
}

/* What is behind the first comma that no backslash stands before: where a new entry needs a right.
 */
static const char *
parent_of(const char *dn)
{
	const char *p = dn;

	while (*p != '\0' && *p != ',')
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	return *p == ',' ? p + 1 : dn;
}

/* Which right is wanting on which object, in the words of those who grant it. */
static usher_status
explain(
    const struct scp_work *w, const struct ldap_change *c, usher_status st, struct usher_error *err)
{
	static const char *const rights[] = { "create entries in it (Create Child)",
		"write its attributes (Write Property)", "delete it (Delete)" };
	char said[USHER_ERROR_MESSAGE_BYTES]; /* by the directory, behind what that code means */
	const char *more = strstr(err->message, ": ");

	if (st != USHER_E_PERMISSION)
		return st;
	(void)snprintf(said, sizeof(said), "%s", more == NULL ? "" : more);
	return err_set(err, st, c->kind == LDAP_CHANGE_ADD ? parent_of(c->dn) : c->dn,
	    "%s has not the right to %s%s", w->login == NULL ? "your Kerberos ticket" : w->login,
	    rights[c->kind], said);
}

/* Each change is whole; when a later one fails, the earlier ones are told before the error. */
static usher_status
make(struct scp_work *w, struct usher_error *err)
{
	struct writer *out = w->cli->out;
	usher_status st = USHER_OK;

	if (w->cli->dry_run)
		return print_ldif(w, err);
	write_open(out, NULL, NULL);
	write_list(out, "changes", change_columns, COUNT_OF(change_columns));
	for (size_t i = 0; st == USHER_OK && i < w->n; i++) {
		st = ldap_link_change(w->f.link, &w->changes[i], err);
		if (st != USHER_OK) {
			st = explain(w, &w->changes[i], st, err);
			break;
		}
		write_open(out, NULL, NULL);
		write_text(out, "change", change_names[w->changes[i].kind]);
		write_text(out, "dn", w->changes[i].dn);
		write_close(out);
	}
	write_list_end(out);
	if (w->n == 0)
		write_say(out, "Nothing to change.");
	write_close(out);
	return st;
}

/* Connects, reads what there is, lets `plan` gather changes, and makes them. */
int
scp_run(struct cli *cli, const struct forest_args *forest,
    usher_status (*plan)(struct scp_work *w, const void *args, struct usher_error *err),
    const void *args)
{
	struct scp_work w = { .cli = cli, .login = forest->anonymous ? "nobody" : forest->login };
	struct usher_error err = { 0 };
	usher_status st = forest_open(cli, forest, &w.f, &err);

	if (st == USHER_OK)
		st = scp_read(
		    w.f.link, cli->mem, w.f.configuration, false, FOREST_IN_ALL_MS, &w.list, &err);
	if (st == USHER_OK)
		st = plan(&w, args, &err);
	if (st == USHER_OK)
		st = make(&w, &err);
	forest_close(&w.f);
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}

/* ---- what is there ---- */

/* The entry of `name` with this GUID among its keywords; *index is list.n when there is none. Two
 * are more than we dare to choose from. */
usher_status
scp_find(const struct scp_work *w, const char *name, const char *guid, size_t *index,
    struct usher_error *err)
{
	*index = w->list.n;
	for (size_t i = 0; i < w->list.n; i++) {
		const char *other = w->list.objects[i].name;

		if (other == NULL || !slice_is_nocase(slice_of(other), name) ||
		    !scp_has_keyword(&w->list.records[i], guid))
			continue;
		if (*index != w->list.n)
			return err_set(err, USHER_E_CONFLICT, name,
			    "has two entries, remove one by your directory's means: %s and %s",
			    w->list.records[*index].dn, w->list.records[i].dn);
		*index = i;
	}
	return USHER_OK;
}

usher_status
scp_find_or_fail(const struct scp_work *w, const char *name, size_t *index, struct usher_error *err)
{
	usher_status st = scp_find(w, name, SCP_URL_KEYWORD, index, err);

	if (st == USHER_OK && *index == w->list.n)
		st = err_set(err, USHER_E_ABSENT, name,
		    "has no service connection point; `usher scp list` lists them, `usher scp "
		    "publish` makes one");
	return st;
}

static const char *
dn_below(struct arena *mem, const char *name, const char *parent)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = LDIF_BYTES };

	buf_text(&b, "CN=");
	ldap_escape_dn(&b, slice_of(name));
	buf_printf(&b, ",%s", parent);
	return b.status == USHER_OK ? arena_copy(mem, buf_as_slice(&b)) : NULL;
}

/* Makes the container `name` in `parent` when it is not there. *out is its DN. */
static usher_status
need_container(struct scp_work *w, const char *name, const char *parent, const char **out,
    struct usher_error *err)
{
	static const char *const none[] = { "1.1", NULL };
	const char *classes[] = { "top", "container" };
	struct arena *mem = w->cli->mem;
	const char *dn = dn_below(mem, name, parent);
	struct ldap_entry entry;
	struct ldap_edit edits[2];
	usher_status st;

	if (dn == NULL)
		return err_nomem(err, "scp");
	*out = dn;
	st = ldap_link_read(w->f.link, mem, dn, none, &entry, err);
	if (st != USHER_E_ABSENT)
		return st;
	edits[0].attribute = attribute(mem, "objectClass", classes, COUNT_OF(classes));
	edits[1].attribute = attribute(mem, "cn", &name, 1);
	return note(w, LDAP_CHANGE_ADD, dn, edits, COUNT_OF(edits), err);
}

usher_status
scp_own_container(struct scp_work *w, const char **out, struct usher_error *err)
{
	const char *parent;
	usher_status st = need_container(w, "Services", w->f.configuration, &parent, err);

	return st == USHER_OK ?
		   need_container(w, "Microsoft Exchange Autodiscover", parent, out, err) :
		   st;
}

struct finding {
	struct arena *mem;
	const char *dn;
};

static usher_status
take_dn(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct finding *f = payload;

	f->dn = arena_strdup(f->mem, entry->dn);
	return f->dn == NULL ? err_nomem(err, entry->dn) : USHER_OK;
}

/* Exchange keeps the entry below its server; where there is no such server, it has the container in
 * which pointers lie. *out is the DN of the container, which is made when it is not there. */
usher_status
scp_container(struct scp_work *w, const char *server, const char **out, struct usher_error *err)
{
	static const char *const none[] = { "1.1", NULL };
	struct buf CLEANUP(buf_cleanup) filter = { .max = LDIF_BYTES };
	struct link_search search = {
		.base = w->f.configuration, .scope = LINK_BELOW, .attributes = none, .max = 1
	};
	struct finding f = { w->cli->mem, NULL };
	const char *parent;
	usher_status st;

	buf_text(&filter, "(&(objectClass=msExchExchangeServer)(cn=");
	ldap_escape(&filter, slice_of(server));
	buf_text(&filter, "))");
	if (filter.status != USHER_OK)
		return err_nomem(err, "scp");
	search.filter = buf_cstr(&filter);
	st = ldap_link_search(w->f.link, &search, take_dn, &f, err);
	if (st != USHER_OK)
		return st;
	if (f.dn == NULL)
		return scp_own_container(w, out, err);
	st = need_container(w, "Protocols", f.dn, &parent, err);
	return st == USHER_OK ? need_container(w, "Autodiscover", parent, out, err) : st;
}

/* ---- what is to be there ---- */

static bool
listed(const struct text_list *l, const char *value)
{
	for (size_t i = 0; i < l->n; i++) {
		if (slice_is_nocase(slice_of(l->v[i]), value))
			return true;
	}
	return false;
}

/* Keywords that nobody asked about stay, whoever else writes to them. */
static usher_status
plan_keywords(struct scp_work *w, const struct scp_record *r, const struct scp_wish *wish,
    struct ldap_edit *edits, size_t *n, struct usher_error *err)
{
	struct arena *mem = w->cli->mem;
	const char **gone = arena_array(mem, r->keywords.n, sizeof(*gone));
	const char **added = arena_array(mem, wish->scoped.n + 1, sizeof(*added));
	size_t n_gone = 0, n_added = 0;

	if (gone == NULL || added == NULL)
		return err_nomem(err, "scp");
	for (size_t i = 0; wish->prefix != NULL && i < r->keywords.n; i++) {
		const char *keyword = r->keywords.v[i];

		if (slice_starts_nocase(slice_of(keyword), slice_of(wish->prefix)) &&
		    !listed(&wish->scoped, keyword))
			gone[n_gone++] = keyword;
	}
	for (size_t i = 0; i < wish->scoped.n; i++) {
		if (!listed(&r->keywords, wish->scoped.v[i]))
			added[n_added++] = wish->scoped.v[i];
	}
	if (!listed(&r->keywords, wish->guid))
		added[n_added++] = wish->guid;
	if (n_gone > 0)
		edits[(*n)++] = (struct ldap_edit){ LDAP_EDIT_DELETE,
			attribute(mem, "keywords", gone, n_gone) };
	if (n_added > 0)
		edits[(*n)++] =
		    (struct ldap_edit){ LDAP_EDIT_ADD, attribute(mem, "keywords", added, n_added) };
	return USHER_OK;
}

usher_status
scp_plan_change(struct scp_work *w, size_t i, const struct scp_wish *wish, struct usher_error *err)
{
	static const char *const class = SCP_CLASS_NAME;
	const struct scp_record *r = &w->list.records[i];
	struct ldap_edit edits[EDITS_MAX];
	size_t n = 0;
	usher_status st = plan_keywords(w, r, wish, edits, &n, err);

	if (st != USHER_OK)
		return st;
	if (wish->url != NULL && *wish->url == '\0' && r->binding != NULL)
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_DELETE,
			{ "serviceBindingInformation", NULL, 0 } };
	else if (wish->url != NULL && *wish->url != '\0' &&
		 (r->binding == NULL || strcmp(r->binding, wish->url) != 0))
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_REPLACE,
			attribute(w->cli->mem, "serviceBindingInformation", &wish->url, 1) };
	if (!w->list.objects[i].has_class)
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_REPLACE,
			attribute(w->cli->mem, "serviceClassName", &class, 1) };
	return n == 0 ? USHER_OK :
			note(w, LDAP_CHANGE_MODIFY, w->list.records[i].dn, edits, n, err);
}

usher_status
scp_plan_entry(struct scp_work *w, const char *name, const char *container,
    const struct scp_wish *wish, struct usher_error *err)
{
	static const char *const classes[] = { "top", "leaf", "connectionPoint",
		"serviceConnectionPoint" };
	static const char *const class = SCP_CLASS_NAME;
	struct arena *mem = w->cli->mem;
	const char **keywords = arena_array(mem, wish->scoped.n + 1, sizeof(*keywords));
	struct ldap_edit edits[EDITS_MAX] = { 0 };
	size_t n = 0;

	if (keywords == NULL)
		return err_nomem(err, "scp");
	keywords[0] = wish->guid;
	for (size_t i = 0; i < wish->scoped.n; i++)
		keywords[i + 1] = wish->scoped.v[i];
	edits[n++].attribute = attribute(mem, "objectClass", classes, COUNT_OF(classes));
	edits[n++].attribute = attribute(mem, "cn", &name, 1);
	edits[n++].attribute = attribute(mem, "serviceClassName", &class, 1);
	edits[n++].attribute = attribute(mem, "serviceDNSName", &name, 1);
	edits[n++].attribute = attribute(mem, "serviceBindingInformation", &wish->url, 1);
	edits[n++].attribute = attribute(mem, "keywords", keywords, wish->scoped.n + 1);
	return note(w, LDAP_CHANGE_ADD, dn_below(mem, name, container), edits, n, err);
}

/* `Site=Pier` of `Pier`. */
usher_status
scp_scope(struct arena *mem, const char *prefix, const struct text_list *names,
    struct text_list *out, struct usher_error *err)
{
	const char **v = arena_array(mem, names->n, sizeof(*v));

	*out = (struct text_list){ v, names->n };
	for (size_t i = 0; v != NULL && i < names->n; i++) {
		v[i] = arena_join(mem, prefix, names->v[i]);
		if (v[i] == NULL)
			return err_nomem(err, "scp");
	}
	return v == NULL ? err_nomem(err, "scp") : USHER_OK;
}

usher_status
scp_check_url(struct cli *cli, const char *text, struct usher_error *err)
{
	struct url url;
	usher_status st = url_parse(cli->mem, slice_of(text), &url, err);

	if (st == USHER_OK && !url.https)
		st = USHER_E_INPUT;
	if (st == USHER_OK || st == USHER_E_NOMEM)
		return st;
	return err_set(err, USHER_E_USAGE, text,
	    "is no https URL, as https://mail.example.com/Autodiscover/Autodiscover.xml");
}

usher_status
scp_plan_remove(struct scp_work *w, size_t i, struct usher_error *err)
{
	return i == w->list.n ? USHER_OK :
				note(w, LDAP_CHANGE_DELETE, w->list.records[i].dn, NULL, 0, err);
}
