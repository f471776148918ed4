/* profile_change.c - two layers of settings as one answer, and how two answers differ. */
#include <string.h>

#include "base/compat.h"
#include "lib/profile.h"

/* ---- the layers ---- */

/* URLs of services are of the Outlook layer, how long they are good too. The URLs by which MAPI
 * itself connects are of the other (http-discovery.md 12). */
static bool
is_of_services(const struct field *f)
{
	struct slice name = slice_of(f->name);

	if (slice_is(name, "ttl") || slice_is(name, "expiration_date"))
		return true;
	return strstr(f->name, "url") != NULL && !slice_is(name, "exchange_rpc_url") &&
	       !slice_starts(name, SLICE_LITERAL("mail_store_")) &&
	       !slice_starts(name, SLICE_LITERAL("address_book_"));
}

static const char *
type_of(const struct answer_protocol *p)
{
	return p->kind == PROTOCOL_UNKNOWN && p->type != NULL ?
		   p->type :
		   protocol_kind_name((enum protocol_kind)p->kind);
}

/* Which of its kind the i-th block is, from 1. */
static size_t
ordinal(const struct answer *a, size_t i)
{
	size_t n = 1;

	for (size_t k = 0; k < i; k++)
		n += strcmp(type_of(&a->protocols[k]), type_of(&a->protocols[i])) == 0;
	return n;
}

/* The block of `a` that stands for the i-th of `like`, or NULL. */
static const struct answer_protocol *
same_block(const struct answer *a, const struct answer *like, size_t i)
{
	for (size_t k = 0; k < a->n_protocols; k++) {
		if (strcmp(type_of(&a->protocols[k]), type_of(&like->protocols[i])) == 0 &&
		    ordinal(a, k) == ordinal(like, i))
			return &a->protocols[k];
	}
	return NULL;
}

static void
take_services(struct answer_protocol *to, const struct answer_protocol *from)
{
	for (size_t i = 0; i < answer_protocol_table.n; i++) {
		const struct field *f = &answer_protocol_table.rows[i];

		if (!is_of_services(f))
			continue;
		if (f->type == FIELD_NUMBER)
			field_set_number(f, to, field_number(f, from));
		else if (f->type == FIELD_TEXT)
			field_set_text(f, to, field_text(f, from));
	}
	to->internal = from->internal;
	to->external = from->external;
}

bool
profile_merge(struct arena *mem, const struct answer *connection, const struct answer *services,
    struct answer *out)
{
	struct answer_protocol *p = arena_array(mem, connection->n_protocols, sizeof(*p));

	if (p == NULL)
		return false;
	for (size_t i = 0; i < connection->n_protocols; i++) {
		const struct answer_protocol *from = same_block(services, connection, i);

		p[i] = connection->protocols[i];
		if (from != NULL)
			take_services(&p[i], from);
	}
	*out = *connection;
	out->protocols = p;
	return true;
}

int64_t
profile_ttl_hours(const struct answer *settings)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < settings->n_protocols; i++) {
		int64_t ttl = settings->protocols[i].ttl;

		ttl = ttl == NUMBER_ABSENT ? 1 : ttl == 0 ? INT64_MAX : ttl;
		least = ttl < least ? ttl : least;
	}
	if (settings->n_protocols == 0)
		return NUMBER_ABSENT;
	return least == INT64_MAX ? 0 : least;
}

/* ---- blocks: named records ---- */

#define WEB struct web_texts
struct web_texts {
	struct text_list internal_owa_urls, external_owa_urls;
	const char *internal_as_url, *external_as_url;
};

static const struct field web_rows[] = {
	ROW_LIST(WEB, internal_owa_urls, FORM_ANY, 0, "web access, inside"),
	ROW_LIST(WEB, external_owa_urls, FORM_ANY, 0, "web access, outside"),
	ROW_TEXT(WEB, internal_as_url, FORM_ANY, 0, "availability beside it, inside"),
	ROW_TEXT(WEB, external_as_url, FORM_ANY, 0, "availability beside it, outside"),
};
static const struct field_table web_table = FIELD_TABLE(web_rows, WEB);

struct block {
	const char *label;
	const struct field_table *table;
	const void *record;
};

struct blocks {
	struct block *v;
	size_t n;
};

static bool
owa_texts(struct arena *mem, const struct answer_web *web, struct text_list *out)
{
	const char **v = arena_array(mem, web->n_owa, sizeof(*v));

	for (size_t i = 0; v != NULL && i < web->n_owa; i++) {
		const char *url = web->owa[i].url, *how = web->owa[i].authentication_method;

		v[i] = arena_printf(mem, "%s%s%s%s", url == NULL ? "" : url,
		    how == NULL ? "" : " (", how == NULL ? "" : how, how == NULL ? "" : ")");
		if (v[i] == NULL)
			return false;
	}
	*out = (struct text_list){ v, web->n_owa };
	return v != NULL;
}

/* A protocol is two blocks of one label: its rows, and those of web access. */
static bool
protocol_blocks(struct arena *mem, const struct answer *a, size_t i, struct block *out)
{
	const struct answer_protocol *p = &a->protocols[i];
	struct web_texts *web = arena_zalloc(mem, sizeof(*web));
	size_t n = ordinal(a, i);
	const char *label = n == 1 ? type_of(p) : arena_printf(mem, "%s %zu", type_of(p), n);

	if (web == NULL || label == NULL ||
	    !owa_texts(mem, &p->internal, &web->internal_owa_urls) ||
	    !owa_texts(mem, &p->external, &web->external_owa_urls))
		return false;
	web->internal_as_url = p->internal.as_url;
	web->external_as_url = p->external.as_url;
	out[0] = (struct block){ label, &answer_protocol_table, p };
	out[1] = (struct block){ label, &web_table, web };
	return true;
}

static const char *
mailbox_label(struct arena *mem, const struct answer_alternative_mailbox *m)
{
	const char *name = m->smtp_address != NULL ? m->smtp_address :
			   m->legacy_dn != NULL	   ? m->legacy_dn :
			   m->display_name != NULL ? m->display_name :
						     "";

	return arena_printf(mem, "alternative_mailbox %s", name);
}

static bool
blocks_of(struct arena *mem, const struct answer *a, struct blocks *out)
{
	size_t most = a == NULL ? 0 : 2 + a->n_alternative_mailboxes + 2 * a->n_protocols;
	struct block *v = arena_array(mem, most, sizeof(*v));
	size_t n = 0;

	*out = (struct blocks){ v, 0 };
	if (v == NULL || a == NULL)
		return v != NULL;
	v[n++] = (struct block){ "user", &answer_user_table, &a->user };
	v[n++] = (struct block){ "account", &answer_account_table, a };
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++) {
		const struct answer_alternative_mailbox *m = &a->alternative_mailboxes[i];

		v[n] =
		    (struct block){ mailbox_label(mem, m), &answer_alternative_mailbox_table, m };
		if (v[n++].label == NULL)
			return false;
	}
	for (size_t i = 0; i < a->n_protocols; i++, n += 2) {
		if (!protocol_blocks(mem, a, i, &v[n]))
			return false;
	}
	out->n = n;
	return true;
}

static const struct block *
block_like(const struct blocks *in, const struct block *b)
{
	for (size_t i = 0; i < in->n; i++) {
		if (in->v[i].table == b->table && strcmp(in->v[i].label, b->label) == 0)
			return &in->v[i];
	}
	return NULL;
}

/* ---- differences ---- */

static const char *
joined(struct arena *mem, const struct text_list *l)
{
	const char *out = l->v[0];

	for (size_t i = 1; i < l->n && out != NULL; i++)
		out = arena_join(mem, out, ", ", l->v[i]);
	return out;
}

/* False when out of memory; *out is NULL when the member is absent. */
static bool
value_text(struct arena *mem, const struct field *f, const void *record, const char **out)
{
	*out = NULL;
	if (record == NULL || field_absent(f, record))
		return true;
	switch (f->type) {
	case FIELD_TEXT:
		*out = field_text(f, record);
		break;
	case FIELD_LIST:
		*out = joined(mem, field_list(f, record));
		break;
	case FIELD_NUMBER:
		*out = arena_printf(mem, "%lld", (long long)field_number(f, record));
		break;
	case FIELD_SWITCH:
		*out = field_switch(f, record) == TRI_ON ? "on" : "off";
		break;
	case FIELD_CHOICE:
		*out = field_choice_name(f, record);
		break;
	}
	return *out != NULL;
}

static bool
add_change(struct arena *mem, const char *label, const char *name, const char *before,
    const char *after, struct profile_changes *out)
{
	struct profile_change *c = &out->v[out->n];

	c->member = arena_join(mem, label, ".", name);
	c->before = before == NULL ? NULL : arena_strdup(mem, before);
	c->after = after == NULL ? NULL : arena_strdup(mem, after);
	out->n++;
	return c->member != NULL && (c->before != NULL) == (before != NULL) &&
	       (c->after != NULL) == (after != NULL);
}

/* Either record may be NULL. */
static bool
compare_records(struct arena *mem, const struct block *b, const void *before, const void *after,
    struct profile_changes *out)
{
	for (size_t i = 0; i < b->table->n; i++) {
		const struct field *f = &b->table->rows[i];
		const char *was, *is;

		if (before != NULL && after != NULL && field_equal(f, before, after))
			continue;
		if (!value_text(mem, f, before, &was) || !value_text(mem, f, after, &is))
			return false;
		if ((was != NULL || is != NULL) &&
		    !add_change(mem, b->label, f->name, was, is, out))
			return false;
	}
	return true;
}

/* Room for every member of both. */
static bool
make_room(
    struct arena *mem, const struct blocks *a, const struct blocks *b, struct profile_changes *out)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->v[i].table->n;
	for (size_t i = 0; i < b->n; i++)
		n += b->v[i].table->n;
	*out = (struct profile_changes){ arena_array(mem, n, sizeof(*out->v)), 0 };
	return out->v != NULL;
}

bool
profile_compare(struct arena *mem, const struct answer *before, const struct answer *after,
    struct profile_changes *out)
{
	struct blocks was, is;

	if (!blocks_of(mem, before, &was) || !blocks_of(mem, after, &is) ||
	    !make_room(mem, &was, &is, out))
		return false;
	for (size_t i = 0; i < was.n; i++) {
		const struct block *like = block_like(&is, &was.v[i]);

		if (!compare_records(
			mem, &was.v[i], was.v[i].record, like == NULL ? NULL : like->record, out))
			return false;
	}
	for (size_t i = 0; i < is.n; i++) {
		if (block_like(&was, &is.v[i]) == NULL &&
		    !compare_records(mem, &is.v[i], NULL, is.v[i].record, out))
			return false;
	}
	return true;
}
