/* profile_view.c - what the public getters read: made once for each state of a profile's file. */
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "lib/profile.h"
#include "lib/result.h"
#include "wire/json.h"

#define FACTS struct profile_facts

static const struct field facts_rows[] = {
	ROW_TEXT(FACTS, address, FORM_ANY, 0, "whose settings they are"),
	ROW_TEXT(FACTS, file, FORM_ANY, 0, "where the profile lies"),
	ROW_TIME(FACTS, created, 0, "when it was made"),
	ROW_TEXT(FACTS, url, FORM_ANY, 0, "the last known good URL"),
	ROW_TEXT(FACTS, source, FORM_ANY, 0, "letter of the source that named it"),
	ROW_TEXT(FACTS, source_name, FORM_ANY, 0, "its name"),
	ROW_TEXT(FACTS, answer_address, FORM_ANY, 0, "the address it answered for"),
	ROW_TEXT(FACTS, login, FORM_ANY, 0, "login name, if not the address"),
	ROW_LIST(FACTS, trust_hosts, FORM_ANY, 0, "hosts that redirects may lead to"),
	ROW_LIST(FACTS, offered_before, FORM_ANY, 0, "ways to log in that hosts have offered"),
	ROW_TIME_AS("services_refreshed", FACTS, services.refreshed_s, 0,
	    "when URLs of services were found"),
	ROW_TIME_AS(
	    "services_tried", FACTS, services.tried_s, 0, "when they were last searched for"),
	ROW_TIME_AS("services_due", FACTS, services.due_s, 0, "when they will be"),
	ROW_CHOICE_AS("services_cause", FACTS, services.cause, refresh_cause_names, 0, "why"),
	ROW_NUMBER_AS("services_failures", FACTS, services.failures, 0, INT64_MAX, 0,
	    "searches without success since"),
	ROW_TIME_AS(
	    "connection_refreshed", FACTS, connection.refreshed_s, 0, "when the rest was found"),
	ROW_TIME_AS(
	    "connection_tried", FACTS, connection.tried_s, 0, "when it was last searched for"),
	ROW_TIME_AS("connection_due", FACTS, connection.due_s, 0, "when it will be"),
	ROW_CHOICE_AS("connection_cause", FACTS, connection.cause, refresh_cause_names, 0, "why"),
	ROW_NUMBER_AS("connection_failures", FACTS, connection.failures, 0, INT64_MAX, 0,
	    "searches without success since"),
	ROW_TIME_AS("last_search", FACTS, search.at, 0, "when the last search ended"),
	ROW_CHOICE_AS("last_cause", FACTS, search.cause, refresh_cause_names, 0, "why it was made"),
	ROW_CHOICE_AS(
	    "last_outcome", FACTS, search.outcome, profile_outcome_names, 0, "how it ended"),
	ROW_TEXT_AS("last_reason", FACTS, search.reason, FORM_ANY, 0, "the same in words"),
};
const struct field_table profile_facts_table = FIELD_TABLE(facts_rows, FACTS);

/* A result whose attempts and settings lie elsewhere. */
static usher_status
make_result(const struct profile_data *data, const struct plan_result *plan,
    struct usher_result **out, struct usher_error *err)
{
	struct arena *mem = arena_new(RESULT_BYTES);
	struct usher_result *r = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*r));
	usher_status st;

	if (r == NULL) {
		arena_free(mem);
		return err_nomem(err, data->head.address);
	}
	r->mem = mem;
	r->plan = *plan;
	st = result_complete(r, data->head.address, err);
	if (st != USHER_OK) {
		usher_result_free(r);
		return st;
	}
	*out = r;
	return USHER_OK;
}

static usher_status
make_results(struct profile_view *v, struct usher_error *err)
{
	struct profile_data *d = &v->data;
	const struct attempt **won = arena_alloc(v->mem, sizeof(struct attempt *));
	struct plan_result in_force = {
		.outcome = OUTCOME_FOUND,
		.reason = "the settings were found",
		.won = &d->won,
		.answer = &v->settings,
		.address =
		    d->head.answer_address != NULL ? d->head.answer_address : d->head.address,
		.attempts = won,
		.n_attempts = 1,
		.elapsed_ms = d->won.started_ms + d->won.elapsed_ms,
	};
	struct plan_result last = {
		.outcome = (enum plan_outcome)d->search.outcome,
		.reason = d->search.reason != NULL ? d->search.reason : "",
		.address = in_force.address,
		.attempts = d->attempts,
		.n_attempts = d->n_attempts,
		.elapsed_ms = d->search.elapsed_ms == NUMBER_ABSENT ? 0 : d->search.elapsed_ms,
	};
	usher_status st;

	if (won == NULL)
		return err_nomem(err, d->head.address);
	won[0] = &d->won;
	if (last.outcome == OUTCOME_FOUND) {
		last.won = &d->won;
		last.answer = &d->services;
	}
	st = make_result(d, &in_force, &v->in_force, err);
	if (st == USHER_OK && d->search.at != NUMBER_ABSENT)
		st = make_result(d, &last, &v->last, err);
	return st;
}

static usher_status
make_facts(struct profile_view *v, const char *path, struct usher_error *err)
{
	const struct profile_data *d = &v->data;

	v->facts = (struct profile_facts){
		.address = d->head.address,
		.file = arena_strdup(v->mem, path),
		.created = d->head.created,
		.url = d->head.url,
		.source = arena_printf(v->mem, "%c", d->won.source),
		.source_name = source_name((enum source)d->won.source),
		.answer_address = d->head.answer_address,
		.login = d->head.login,
		.trust_hosts = d->head.trust_hosts,
		.offered_before = d->head.offered_before,
		.services = d->refresh.services,
		.connection = d->refresh.connection,
		.search = d->search,
	};
	if (v->facts.file == NULL || v->facts.source == NULL)
		return err_nomem(err, path);
	return USHER_OK;
}

static const char *const *
terminated(struct arena *mem, const struct text_list *list)
{
	const char **v = arena_array(mem, list->n + 1, sizeof(*v));

	for (size_t i = 0; v != NULL && i < list->n; i++)
		v[i] = list->v[i];
	return v;
}

static void
put_nullable(struct buf *out, const char *text)
{
	if (text == NULL)
		buf_text(out, "null");
	else
		json_quote(out, slice_of(text));
}

static void
write_json(struct profile_view *v)
{
	struct buf *out = &v->json;

	buf_init(out, RESULT_JSON_BYTES);
	json_write_record(out, &profile_facts_table, &v->facts, JSON_PLAIN);
	/* The facts' own closing brace waits for the rest. */
	buf_cut(out, out->n - 1);
	buf_text(out, ",\n  \"answer\": ");
	json_write_answer(out, &v->settings);
	buf_text(out, ",\n  \"waiting\": [");
	for (size_t i = 0; i < v->waiting.n; i++) {
		const struct profile_change *c = &v->waiting.v[i];

		buf_text(out, i == 0 ? "\n    {\"member\": " : ",\n    {\"member\": ");
		json_quote(out, slice_of(c->member));
		buf_text(out, ", \"before\": ");
		put_nullable(out, c->before);
		buf_text(out, ", \"after\": ");
		put_nullable(out, c->after);
		buf_char(out, '}');
	}
	buf_text(out, "],\n  \"found_by\": ");
	json_write_attempt(out, &v->data.won);
	buf_text(out, ",\n  \"attempts\": [");
	for (size_t i = 0; i < v->data.n_attempts; i++) {
		buf_text(out, i == 0 ? "\n    " : ",\n    ");
		json_write_attempt(out, v->data.attempts[i]);
	}
	buf_text(out, "]\n}\n");
}

static usher_status
complete(struct profile_view *v, const char *path, struct usher_error *err)
{
	usher_status st;

	if (!profile_merge(v->mem, &v->data.connection, &v->data.services, &v->settings) ||
	    !profile_compare(v->mem, &v->settings, &v->data.services, &v->waiting))
		return err_nomem(err, path);
	v->trust_hosts = terminated(v->mem, &v->data.head.trust_hosts);
	v->offered_before = terminated(v->mem, &v->data.head.offered_before);
	if (v->trust_hosts == NULL || v->offered_before == NULL)
		return err_nomem(err, path);
	st = make_results(v, err);
	if (st == USHER_OK)
		st = make_facts(v, path, err);
	if (st != USHER_OK)
		return st;
	write_json(v);
	return v->json.status == USHER_OK ? USHER_OK : err_nomem(err, path);
}

/* Its file's name may have been cut, or the file put there by hand. */
static usher_status
check_address(const struct profile_view *v, const char *path, const struct address *address,
    struct usher_error *err)
{
	struct address found;
	usher_status st = address_parse(v->mem, slice_of(v->data.head.address), &found, NULL);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, path);
	if (st != USHER_OK || strcmp(found.key, address->key) != 0)
		return err_set(err, USHER_E_INPUT, path, "holds the profile of %s and not of %s",
		    v->data.head.address, address->text);
	return USHER_OK;
}

usher_status
profile_view_new(struct slice text, const char *path, const struct address *address,
    struct profile_view **out, struct usher_error *err)
{
	struct arena *mem = arena_new(PROFILE_MEMORY);
	struct profile_view *v = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*v));
	usher_status st;

	if (v == NULL) {
		arena_free(mem);
		return err_nomem(err, path);
	}
	v->mem = mem;
	st = profile_data_read(mem, text, path, &v->data, err);
	if (st == USHER_OK)
		st = check_address(v, path, address, err);
	if (st == USHER_OK)
		st = complete(v, path, err);
	if (st != USHER_OK) {
		profile_view_free(v);
		return st;
	}
	*out = v;
	return USHER_OK;
}

void
profile_view_free(struct profile_view *view)
{
	if (view == NULL)
		return;
	usher_result_free(view->in_force);
	usher_result_free(view->last);
	buf_clear(&view->json);
	arena_free(view->mem);
}
