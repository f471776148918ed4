/* profile_data.c - a profile's file as text, and what it means.
 *
 * The format is JSON and described in usher_profile(3). Members that are not known are read over;
 * a change that an older usher must not read over gets a new PROFILE_FORMAT. */
#include <string.h>

#include "base/err.h"
#include "lib/profile.h"
#include "wire/json.h"
#include "wire/json_tree.h"

#define HEAD struct profile_head
static const struct field head_rows[] = {
	ROW_TEXT(HEAD, address, FORM_ADDRESS, FIELD_REQUIRED, "whose settings they are"),
	ROW_TIME(HEAD, created, 0, "when the profile was made"),
	ROW_TEXT(HEAD, url, FORM_URL, 0, "the last known good URL"),
	ROW_TEXT(HEAD, answer_address, FORM_ANY, 0, "the address it answered for"),
	ROW_TEXT(HEAD, login, FORM_ANY, 0, "login name, if not the address"),
	ROW_LIST(HEAD, trust_hosts, FORM_ANY, 0, "hosts that redirects may lead to"),
	ROW_LIST(HEAD, offered_before, FORM_ANY, 0, "ways to log in that hosts have offered"),
	ROW_TEXT(HEAD, directory, FORM_ANY, 0, "directory that is searched"),
	ROW_SWITCH(HEAD, domain_joined, 0, "the domain of the computer is"),
	ROW_TEXT(HEAD, site, FORM_ANY, 0, "site that the computer was in"),
	ROW_TIME(HEAD, site_at, 0, "when that was said"),
};
static const struct field_table head_table = FIELD_TABLE(head_rows, HEAD);

#define TRACK struct refresh_track
static const struct field track_rows[] = {
	ROW_TIME_AS("refreshed", TRACK, refreshed_s, 0, "when settings were last found"),
	ROW_TIME_AS("tried", TRACK, tried_s, 0, "when they were last searched for"),
	ROW_TIME_AS("due", TRACK, due_s, 0, "when they will be"),
	ROW_CHOICE(TRACK, cause, refresh_cause_names, 0, "why"),
	ROW_NUMBER(TRACK, failures, 0, INT32_MAX, 0, "searches without success since"),
};
static const struct field_table track_table = FIELD_TABLE(track_rows, TRACK);

#define REFRESH struct refresh
static const struct field refresh_rows[] = {
	ROW_SWITCH(REFRESH, failing, 0, "a connection has failed since the start"),
	ROW_SWITCH(REFRESH, refused, 0, "the login was refused the last time"),
	ROW_SWITCH(REFRESH, full, 0, "the next search is not to use the last known good URL"),
	ROW_TIME_AS("seen", REFRESH, seen_s, 0, "the clock when this was written"),
};
static const struct field_table refresh_table = FIELD_TABLE(refresh_rows, REFRESH);

const char *const profile_outcome_names[] = { "found", "not-found", "rejected", "blocked",
	"unavailable", NULL };

#define SEARCH struct profile_search
static const struct field search_rows[] = {
	ROW_TIME(SEARCH, at, 0, "when it ended"),
	ROW_CHOICE(SEARCH, cause, refresh_cause_names, 0, "why it was made"),
	ROW_CHOICE(SEARCH, outcome, profile_outcome_names, 0, "how it ended"),
	ROW_TEXT(SEARCH, reason, FORM_ANY, 0, "the same in words"),
	ROW_NUMBER(SEARCH, elapsed_ms, 0, INT64_MAX, 0, "duration in ms"),
};
static const struct field_table search_table = FIELD_TABLE(search_rows, SEARCH);

/* ---- writing ---- */

static void
put_record(struct buf *out, const char *name, const struct field_table *t, const void *record)
{
	buf_printf(out, ",\n  \"%s\": ", name);
	json_write_record(out, t, record, JSON_PLAIN);
}

void
profile_data_write(struct buf *out, const struct profile_data *data)
{
	buf_printf(out, "{\n  \"usher_profile\": %d", PROFILE_FORMAT);
	put_record(out, "profile", &head_table, &data->head);
	put_record(out, "services", &track_table, &data->refresh.services);
	put_record(out, "connection", &track_table, &data->refresh.connection);
	put_record(out, "refresh", &refresh_table, &data->refresh);
	buf_text(out, ",\n  \"found_by\": ");
	json_write_attempt(out, &data->won);
	buf_text(out, ",\n  \"services_settings\": ");
	json_write_answer(out, &data->services);
	buf_text(out, ",\n  \"connection_settings\": ");
	json_write_answer(out, &data->connection);
	put_record(out, "last_search", &search_table, &data->search);
	buf_text(out, ",\n  \"attempts\": [");
	for (size_t i = 0; i < data->n_attempts; i++) {
		buf_text(out, i == 0 ? "\n    " : ",\n    ");
		json_write_attempt(out, data->attempts[i]);
	}
	buf_text(out, "]\n}\n");
}

/* ---- reading ---- */

static usher_status
check_format(const struct json_node *root, struct usher_error *err)
{
	const struct json_node *format = json_tree_member(root, "usher_profile");

	if (format == NULL || format->kind != NODE_NUMBER || format->number < 1)
		return err_set(err, USHER_E_INPUT, NULL, "is no profile of usher");
	if (format->number > PROFILE_FORMAT)
		return err_set(err, USHER_E_INPUT, NULL,
		    "is a profile of format %lld, which a newer usher has written",
		    (long long)format->number);
	return USHER_OK;
}

static usher_status
read_attempts(struct arena *mem, const struct json_node *list, struct profile_data *out,
    struct usher_error *err)
{
	const struct attempt **v;
	struct attempt *a;
	usher_status st = USHER_OK;
	size_t n = 0;

	if (list == NULL)
		return USHER_OK;
	if (list->kind != NODE_LIST || list->n > PLAN_ATTEMPTS_MAX)
		return err_set(err, USHER_E_INPUT, "attempts", "must be a list of at most %d",
		    PLAN_ATTEMPTS_MAX);
	v = arena_array(mem, list->n, sizeof(const struct attempt *));
	a = arena_array(mem, list->n, sizeof(*a));
	if (v == NULL || a == NULL)
		return err_nomem(err, "attempts");
	for (const struct json_node *one = list->first; one != NULL && st == USHER_OK;
	     one = one->next) {
		v[n] = &a[n];
		st = json_tree_attempt(mem, one, &a[n++], err);
	}
	out->attempts = v;
	out->n_attempts = n;
	return st;
}

static usher_status
read_refresh(
    struct arena *mem, const struct json_node *root, struct refresh *out, struct usher_error *err)
{
	struct refresh_track services, connection;
	usher_status st =
	    json_tree_record(mem, json_tree_member(root, "services"), &track_table, &services, err);

	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(root, "connection"), &track_table, &connection, err);
	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(root, "refresh"), &refresh_table, out, err);
	if (st != USHER_OK)
		return st;
	out->services = services;
	out->connection = connection;
	return USHER_OK;
}

static usher_status
read_all(struct arena *mem, const struct json_node *root, struct profile_data *out,
    struct usher_error *err)
{
	usher_status st = check_format(root, err);

	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(root, "profile"), &head_table, &out->head, err);
	if (st == USHER_OK && out->head.address == NULL)
		st = err_set(err, USHER_E_INPUT, "profile", "does not say whose it is");
	if (st == USHER_OK)
		st = read_refresh(mem, root, &out->refresh, err);
	if (st == USHER_OK)
		st = json_tree_attempt(mem, json_tree_member(root, "found_by"), &out->won, err);
	if (st == USHER_OK)
		st = json_tree_settings(
		    mem, json_tree_member(root, "services_settings"), &out->services, err);
	if (st == USHER_OK)
		st = json_tree_settings(
		    mem, json_tree_member(root, "connection_settings"), &out->connection, err);
	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(root, "last_search"), &search_table, &out->search, err);
	if (st == USHER_OK)
		st = read_attempts(mem, json_tree_member(root, "attempts"), out, err);
	return st;
}

usher_status
profile_data_read(struct arena *mem, struct slice text, const char *where, struct profile_data *out,
    struct usher_error *err)
{
	struct usher_error inner = { 0 };
	const struct json_node *root;
	struct profile_data data = { 0 };
	usher_status st = json_tree_read(mem, text, &root, &inner);

	if (st == USHER_OK)
		st = read_all(mem, root, &data, &inner);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, where);
	if (st != USHER_OK)
		return err_set(err, st, where, "%s%s%s", inner.where,
		    inner.where[0] == '\0' ? "" : ": ", inner.message);
	*out = data;
	return USHER_OK;
}
