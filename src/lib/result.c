/* result.c - the public getters over a finished search, and its JSON form. */
#include "lib/result.h"

#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "wire/json.h"

#define FIND struct result_find
static const struct field find_rows[] = {
	ROW_TEXT(FIND, address, FORM_ANY, 0, "the address that was searched for"),
	ROW_TEXT(FIND, outcome, FORM_ANY, 0, "how the search ended"),
	ROW_TEXT(FIND, reason, FORM_ANY, 0, "the same in words"),
	ROW_TEXT(FIND, source, FORM_ANY, 0, "letter of the source that won"),
	ROW_TEXT(FIND, source_name, FORM_ANY, 0, "its name"),
	ROW_TEXT(FIND, url, FORM_ANY, 0, "the URL that gave the settings"),
	ROW_TEXT(FIND, answer_address, FORM_ANY, 0, "the address the settings are for"),
	ROW_NUMBER(FIND, elapsed_ms, 0, INT64_MAX, 0, "duration in ms"),
};
static const struct field_table find_table = FIELD_TABLE(find_rows, FIND);

#define ATTEMPT struct result_attempt
static const struct field attempt_rows[] = {
	ROW_TEXT(ATTEMPT, source, FORM_ANY, 0, "letter of the source"),
	ROW_TEXT(ATTEMPT, source_name, FORM_ANY, 0, "its name"),
	ROW_SWITCH(ATTEMPT, credentialed, 0, "credentials were sent"),
};
static const struct field_table attempt_head_table = FIELD_TABLE(attempt_rows, ATTEMPT);

#define PROTOCOL struct result_protocol
static const struct field protocol_rows[] = {
	ROW_TEXT(PROTOCOL, type, FORM_ANY, 0, "kind of the way"),
	ROW_LIST(PROTOCOL, internal_owa_urls, FORM_ANY, 0, "web access, inside"),
	ROW_LIST(PROTOCOL, external_owa_urls, FORM_ANY, 0, "web access, outside"),
	ROW_TEXT(PROTOCOL, internal_as_url, FORM_ANY, 0, "availability beside it, inside"),
	ROW_TEXT(PROTOCOL, external_as_url, FORM_ANY, 0, "availability beside it, outside"),
};
static const struct field_table protocol_head_table = FIELD_TABLE(protocol_rows, PROTOCOL);

/* ---- completing ---- */

static bool
owa_urls(struct arena *mem, const struct answer_web *web, struct text_list *out)
{
	const char **v = arena_array(mem, web->n_owa, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < web->n_owa; i++)
		v[i] = web->owa[i].url == NULL ? "" : web->owa[i].url;
	*out = (struct text_list){ v, web->n_owa };
	return true;
}

static bool
complete_protocols(struct usher_result *r)
{
	const struct answer *a = r->settings;

	if (a == NULL)
		return true;
	r->protocols = arena_array(r->mem, a->n_protocols, sizeof(*r->protocols));
	for (size_t i = 0; r->protocols != NULL && i < a->n_protocols; i++) {
		const struct answer_protocol *from = &a->protocols[i];
		struct result_protocol *to = &r->protocols[i];

		to->type = from->kind == PROTOCOL_UNKNOWN && from->type != NULL ?
			       from->type :
			       protocol_kind_name((enum protocol_kind)from->kind);
		to->internal_as_url = from->internal.as_url;
		to->external_as_url = from->external.as_url;
		if (!owa_urls(r->mem, &from->internal, &to->internal_owa_urls) ||
		    !owa_urls(r->mem, &from->external, &to->external_owa_urls))
			return false;
	}
	return r->protocols != NULL;
}

static bool
complete_attempts(struct usher_result *r)
{
	r->attempts = arena_array(r->mem, r->plan.n_attempts, sizeof(*r->attempts));
	for (size_t i = 0; r->attempts != NULL && i < r->plan.n_attempts; i++) {
		const struct attempt *from = r->plan.attempts[i];

		r->attempts[i] = (struct result_attempt){
			.source = arena_printf(r->mem, "%c", from->source),
			.source_name = source_name((enum source)from->source),
			.credentialed = from->credentialed ? TRI_ON : TRI_OFF,
		};
	}
	return r->attempts != NULL;
}

static void
json_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\": ", name);
	if (value == NULL)
		buf_text(out, "null");
	else
		json_quote(out, slice_of(value));
	buf_text(out, ",\n  ");
}

static void
write_json(struct usher_result *r)
{
	struct buf *out = &r->json;
	const struct answer *answer = r->settings != NULL ? r->settings : r->refusal;

	buf_init(out, RESULT_JSON_BYTES);
	buf_text(out, "{\n  ");
	for (size_t i = 0; i < find_table.n; i++) {
		if (find_rows[i].type == FIELD_TEXT)
			json_member(out, find_rows[i].name, field_text(&find_rows[i], &r->find));
	}
	buf_text(out, "\"answer\": ");
	if (answer != NULL)
		json_write_answer(out, answer);
	else
		buf_text(out, "null");
	buf_text(out, ",\n  \"attempts\": [");
	for (size_t i = 0; i < r->plan.n_attempts; i++) {
		buf_text(out, i == 0 ? "\n    " : ",\n    ");
		json_write_attempt(out, r->plan.attempts[i]);
	}
	buf_printf(out, "%s],\n  \"elapsed_ms\": %lld\n}\n", r->plan.n_attempts > 0 ? "\n  " : "",
	    (long long)r->find.elapsed_ms);
}

static void
find_document(struct usher_result *r)
{
	for (const struct kept *k = r->kept; k != NULL; k = k->next) {
		if (k->answer == r->settings)
			r->document = k->document;
	}
}

usher_status
result_complete(struct usher_result *r, const char *address, struct usher_error *err)
{
	const struct attempt *won = r->plan.won;

	r->settings = won != NULL ? r->plan.answer : NULL;
	r->refusal = won == NULL ? r->plan.answer : NULL;
	if (won != NULL)
		find_document(r);
	r->find = (struct result_find){
		.address = arena_strdup(r->mem, address),
		.outcome = plan_outcome_name(r->plan.outcome),
		.reason = r->plan.reason,
		.source = won == NULL ? NULL : arena_printf(r->mem, "%c", won->source),
		.source_name = won == NULL ? NULL : source_name((enum source)won->source),
		.url = won == NULL ? NULL : won->url,
		.answer_address = won == NULL ? NULL : r->plan.address,
		.elapsed_ms = r->plan.elapsed_ms,
	};
	if (r->find.address == NULL || !complete_attempts(r) || !complete_protocols(r))
		return err_nomem(err, address);
	write_json(r);
	return r->json.status == USHER_OK ? USHER_OK : err_nomem(err, address);
}

void
usher_result_free(struct usher_result *result)
{
	if (result == NULL)
		return;
	for (struct kept *k = result->kept; k != NULL;) {
		struct kept *next = k->next;

		arena_free(k->mem);
		k = next;
	}
	buf_clear(&result->json);
	arena_free(result->mem);
}

/* ---- getters ---- */

enum usher_outcome
usher_result_outcome(const struct usher_result *result)
{
	return (enum usher_outcome)result->plan.outcome;
}

/* ANSWER_LISTS: the part is no list of records of the answer. */
static enum answer_list_id
list_of(enum usher_part part)
{
	switch (part) {
	case USHER_PART_ALTERNATIVE_MAILBOX:
		return ANSWER_ALTERNATIVE_MAILBOXES;
	case USHER_PART_DOCUMENTATION:
		return ANSWER_DOCUMENTATION;
	case USHER_PART_SHARING_LOCATION:
		return ANSWER_SHARING_LOCATIONS;
	case USHER_PART_SETTING_ERROR:
		return ANSWER_SETTING_ERRORS;
	case USHER_PART_FIND:
	case USHER_PART_ATTEMPT:
	case USHER_PART_ACCOUNT:
	case USHER_PART_USER:
	case USHER_PART_PROTOCOL:
	case USHER_PART_REFUSAL:
		break;
	}
	return ANSWER_LISTS;
}

size_t
usher_result_count(const struct usher_result *result, enum usher_part part)
{
	const struct answer *a = result->settings;
	size_t n = 0;

	switch (part) {
	case USHER_PART_FIND:
		return 1;
	case USHER_PART_ATTEMPT:
		return result->plan.n_attempts;
	case USHER_PART_ACCOUNT:
	case USHER_PART_USER:
		return a != NULL ? 1 : 0;
	case USHER_PART_PROTOCOL:
		return a != NULL ? a->n_protocols : 0;
	case USHER_PART_REFUSAL:
		return result->refusal != NULL ? 1 : 0;
	case USHER_PART_ALTERNATIVE_MAILBOX:
	case USHER_PART_DOCUMENTATION:
	case USHER_PART_SHARING_LOCATION:
	case USHER_PART_SETTING_ERROR:
		if (a != NULL)
			(void)answer_list_items(a, list_of(part), &n);
		break;
	}
	return n;
}

/* A member: its row, and the record it is a member of. */
struct member {
	const struct field *field;
	const void *record;
};

static bool
in_table(const struct field_table *t, const void *record, const char *name, struct member *out)
{
	const struct field *f = field_find(t, name);

	if (f == NULL)
		return false;
	*out = (struct member){ f, record };
	return true;
}

static bool
in_list(const struct answer *a, enum answer_list_id list, size_t index, const char *name,
    struct member *out)
{
	const struct field_table *t = answer_lists[list].table;
	size_t n;
	const char *items = answer_list_items(a, list, &n);

	return in_table(t, items + index * t->size, name, out);
}

static bool
attempt_member(const struct usher_result *r, size_t index, const char *name, struct member *out)
{
	const struct attempt *a = r->plan.attempts[index];

	if (strncmp(name, "tls_", 4) == 0)
		return in_table(&tls_evidence_table, &a->tls, name + 4, out);
	return in_table(&attempt_table, a, name, out) ||
	       in_table(&attempt_head_table, &r->attempts[index], name, out);
}

static bool
find_member(const struct usher_result *r, enum usher_part part, size_t index, const char *name,
    struct member *out)
{
	const struct answer *a = r->settings;

	if (index >= usher_result_count(r, part))
		return false;
	switch (part) {
	case USHER_PART_FIND:
		return in_table(&find_table, &r->find, name, out);
	case USHER_PART_ATTEMPT:
		return attempt_member(r, index, name, out);
	case USHER_PART_ACCOUNT:
		return in_table(&answer_account_table, a, name, out);
	case USHER_PART_USER:
		return in_table(&answer_user_table, &a->user, name, out);
	case USHER_PART_PROTOCOL:
		return in_table(&protocol_head_table, &r->protocols[index], name, out) ||
		       in_table(&answer_protocol_table, &a->protocols[index], name, out);
	case USHER_PART_REFUSAL:
		return in_table(&answer_refusal_table, &r->refusal->refusal, name, out);
	case USHER_PART_ALTERNATIVE_MAILBOX:
	case USHER_PART_DOCUMENTATION:
	case USHER_PART_SHARING_LOCATION:
	case USHER_PART_SETTING_ERROR:
		return in_list(a, list_of(part), index, name, out);
	}
	return false;
}

const char *
usher_result_text(
    const struct usher_result *result, enum usher_part part, size_t index, const char *name)
{
	struct member m;

	if (!find_member(result, part, index, name, &m))
		return NULL;
	if (m.field->type == FIELD_TEXT)
		return field_text(m.field, m.record);
	if (m.field->type == FIELD_CHOICE)
		return field_choice_name(m.field, m.record);
	return NULL;
}

int64_t
usher_result_number(
    const struct usher_result *result, enum usher_part part, size_t index, const char *name)
{
	struct member m;

	if (!find_member(result, part, index, name, &m))
		return NUMBER_ABSENT;
	if (m.field->type == FIELD_NUMBER)
		return field_number(m.field, m.record);
	if (m.field->type == FIELD_SWITCH && !field_absent(m.field, m.record))
		return field_switch(m.field, m.record) == TRI_ON;
	return NUMBER_ABSENT;
}

const char *
usher_result_item(const struct usher_result *result, enum usher_part part, size_t index,
    const char *name, size_t item)
{
	const struct text_list *list;
	struct member m;

	if (!find_member(result, part, index, name, &m) || m.field->type != FIELD_LIST)
		return NULL;
	list = field_list(m.field, m.record);
	return item < list->n ? list->v[item] : NULL;
}

const char *
usher_result_json(const struct usher_result *result)
{
	return buf_cstr(&result->json);
}

const char *
usher_result_document(const struct usher_result *result, size_t *length)
{
	if (result->document.p == NULL)
		return NULL;
	*length = result->document.n;
	return result->document.p;
}
