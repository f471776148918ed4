/* profile_refresh.c - the public calls that change a profile: searches, and what has happened. */
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "lib/profile.h"
#include "lib/result.h"
#include "lib/search.h"

static int64_t
now_s(const struct usher_profile *p)
{
	int64_t now = clock_unix_ms() / 1000 + p->offset_s;

	return now < 0 ? 0 : now > FIELD_TIME_MAX ? FIELD_TIME_MAX : now;
}

/* ---- changing ---- */

/* Tells what is different in `next` for whoever reads. */
static usher_status
note_changes(struct usher_profile *p, const struct profile_view *next, struct usher_error *err)
{
	struct arena *mem = arena_new(PROFILE_MEMORY);
	struct profile_changes made;

	if (mem == NULL || !profile_compare(mem, p->view == NULL ? NULL : &p->view->settings,
			       &next->settings, &made)) {
		arena_free(mem);
		return err_nomem(err, p->path);
	}
	arena_free(p->made_mem);
	p->made_mem = mem;
	p->made = made;
	return USHER_OK;
}

/* Puts `next` in the place of the present view, which nothing can prevent any more. */
static void
turn_to(struct usher_profile *p, struct profile_view *next)
{
	profile_view_free(p->view);
	p->view = next;
}

/* Under the lock: what another program has made of the file since the view was read; NULL when it
 * is as it was. To be freed. */
static usher_status
catch_up(struct usher_profile *p, struct profile_view **out, struct usher_error *err)
{
	*out = NULL;
	if (p->view == NULL)
		return profile_check_new(p, err);
	if (!profile_file_changed(&p->folder, p->name, &p->view->version))
		return USHER_OK;
	return profile_read(p, out, err);
}

/* The text of a state, and the state as it is read again: what cannot be read is not written. */
static usher_status
draft(struct usher_profile *p, const struct profile_data *data, struct buf *text,
    struct profile_view **out, struct usher_error *err)
{
	buf_init(text, PROFILE_BYTES);
	profile_data_write(text, data);
	if (text->status == USHER_E_LIMIT)
		return err_set(
		    err, text->status, p->path, "the settings are larger than a profile can be");
	if (text->status != USHER_OK)
		return err_nomem(err, p->path);
	return profile_view_new(buf_as_slice(text), p->path, &p->address, out, err);
}

static usher_status
store(struct usher_profile *p, const struct profile_data *data, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text = { 0 };
	struct profile_view *next;
	usher_status st = draft(p, data, &text, &next, err);

	if (st != USHER_OK)
		return st;
	st = note_changes(p, next, err);
	if (st == USHER_OK)
		st = profile_file_write(
		    &p->folder, p->name, p->path, buf_as_slice(&text), &next->version, err);
	if (st == USHER_OK) {
		turn_to(p, next);
	} else {
		p->made.n = 0;
		profile_view_free(next);
	}
	return st;
}

/* ---- searching ---- */

/* What is kept stands for what the caller has not said. */
static void
complete_options(const struct profile_view *view, const struct refresh_due *due, int64_t now,
    struct usher_find_options *find)
{
	const struct profile_head *head = &view->data.head;

	if (find->last_known_good == NULL && !due->full)
		find->last_known_good = head->url;
	if (find->directory == NULL && find->domain_joined == 0) {
		find->directory = head->directory;
		find->domain_joined = head->domain_joined == TRI_ON;
	}
	if (find->site_before == NULL && due->cause != REFRESH_NETWORK_CHANGED &&
	    head->site_at != NUMBER_ABSENT && now - head->site_at < PROFILE_SITE_S)
		find->site_before = head->site;
	if (find->login == NULL)
		find->login = view->data.head.login;
	if (find->trust_hosts == NULL || find->trust_hosts[0] == NULL)
		find->trust_hosts = view->trust_hosts;
	if (find->offered_before == NULL || find->offered_before[0] == NULL)
		find->offered_before = view->offered_before;
}

int
usher_profile_begin(
    struct usher_profile *profile, enum usher_refresh how, struct usher_find_options *find)
{
	static const enum refresh_cause causes[] = {
		[USHER_REFRESH_ASKED] = REFRESH_ASKED, [USHER_REFRESH_REPAIR] = REFRESH_REPAIR
	};
	struct refresh refresh;
	struct refresh_due due;
	int64_t now = now_s(profile);

	refresh_init(&refresh);
	if (profile->view != NULL)
		refresh = profile->view->data.refresh;
	if (profile->view == NULL)
		refresh_event(&refresh, &profile->policy, REFRESH_CREATED, now);
	else if (how != USHER_REFRESH_DUE)
		refresh_event(&refresh, &profile->policy, causes[how], now);
	refresh_next(&refresh, now, &due);
	profile->layers = due.at_s == NUMBER_ABSENT || due.at_s > now ? 0 : due.layers;
	profile->cause = due.cause;
	if (profile->view != NULL)
		complete_options(profile->view, &due, now, find);
	return profile->layers != 0;
}

static enum refresh_outcome
meaning(enum usher_outcome outcome)
{
	return outcome == USHER_FOUND	 ? REFRESH_FOUND :
	       outcome == USHER_REJECTED ? REFRESH_REFUSED :
					   REFRESH_FAILED;
}

/* `data` as it will be. What it points to is the result's, or the old state's. */
static void
apply(struct usher_profile *p, const struct usher_result *result, struct profile_data *data)
{
	int64_t ttl_hours =
	    result->settings == NULL ? NUMBER_ABSENT : profile_ttl_hours(result->settings);
	int64_t now = now_s(p);
	uint64_t seed;
	int source;

	if (!random_bytes(&seed, sizeof(seed)))
		seed = clock_mono_ms();
	refresh_done(&data->refresh, &p->policy, p->layers, meaning(usher_result_outcome(result)),
	    ttl_hours, now, seed);
	data->search = (struct profile_search){
		.at = now,
		.cause = (int)p->cause,
		.outcome = result->plan.outcome,
		.reason = result->plan.reason,
		.elapsed_ms = result->plan.elapsed_ms,
	};
	data->attempts = result->plan.attempts;
	data->n_attempts = result->plan.n_attempts;
	if (result->settings == NULL)
		return;
	data->head.url = result->plan.won->url;
	data->head.answer_address = result->plan.address;
	source = data->won.source;
	data->won = *result->plan.won;
	/* What first named the URL is worth knowing, not that we remembered it. */
	if (data->won.source == SOURCE_LAST_KNOWN_GOOD && source != 0)
		data->won.source = source;
	data->services = *result->settings;
	if ((p->layers & REFRESH_CONNECTION) != 0)
		data->connection = *result->settings;
}

/* What the profile becomes by `result`; some of it is in `mem`. `base` is its view, or a newer
 * state of the file. */
static usher_status
future(struct usher_profile *p, struct arena *mem, const struct profile_view *base,
    const struct usher_result *result, struct profile_data *out, struct usher_error *err)
{
	*out = (struct profile_data){ 0 };
	if (base != NULL) {
		*out = base->data;
	} else {
		out->head.address = p->address.text;
		out->head.created = now_s(p);
		out->head.site_at = NUMBER_ABSENT;
		refresh_init(&out->refresh);
	}
	apply(p, result, out);
	if (mem == NULL || profile_login_keep(mem, result, &out->head) != USHER_OK)
		return err_nomem(err, p->path);
	profile_directory_keep(result, now_s(p), &out->head);
	return USHER_OK;
}

static usher_status
finish_locked(struct usher_profile *p, const struct usher_result *result, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct profile_view *other;
	struct profile_data data;
	usher_status st = catch_up(p, &other, err);

	if (st != USHER_OK)
		return st;
	st = future(p, mem, other != NULL ? other : p->view, result, &data, err);
	if (st == USHER_OK)
		st = store(p, &data, err);
	profile_view_free(other);
	return st;
}

/* What was found must be for whom it is kept. */
static usher_status
check_result(struct usher_profile *p, const struct usher_result *result, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct address asked;
	usher_status st;

	if (p->layers == 0)
		return err_set(err, USHER_E_USAGE, p->path, "no search was begun");
	st = mem == NULL ? USHER_E_NOMEM :
			   address_parse(mem, slice_of(result->find.address), &asked, NULL);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, p->path);
	if (st != USHER_OK || strcmp(asked.key, p->address.key) != 0)
		return err_set(err, USHER_E_USAGE, p->path, "the search was for another address");
	return USHER_OK;
}

usher_status
usher_profile_finish(
    struct usher_profile *profile, const struct usher_result *result, struct usher_error *err)
{
	struct usher_profile *p = profile;
	usher_status st = check_result(p, result, err);
	int lock;

	p->made.n = 0;
	if (st != USHER_OK || (p->view == NULL && result->settings == NULL))
		return st;
	if (p->folder.fd < 0)
		st = profile_folder_open(p->mem, p->folder.path, true, &p->folder, err);
	if (st == USHER_OK)
		st = profile_lock(&p->folder, &lock, err);
	if (st != USHER_OK)
		return st;
	st = finish_locked(p, result, err);
	(void)close(lock);
	if (st == USHER_OK)
		p->layers = 0;
	return st;
}

usher_status
usher_profile_preview(
    struct usher_profile *profile, const struct usher_result *result, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct buf CLEANUP(buf_cleanup) text = { 0 };
	struct profile_data data;
	struct profile_view *next;
	usher_status st = check_result(profile, result, err);

	profile->made.n = 0;
	if (st != USHER_OK || (profile->view == NULL && result->settings == NULL))
		return st;
	st = future(profile, mem, profile->view, result, &data, err);
	if (st == USHER_OK)
		st = draft(profile, &data, &text, &next, err);
	if (st != USHER_OK)
		return st;
	st = note_changes(profile, next, err);
	profile_view_free(next);
	return st;
}

usher_status
usher_profile_refresh(struct usher_profile *profile, enum usher_refresh how,
    const struct usher_find_options *find, struct usher_result **result, struct usher_error *err)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct usher_result *found;
	usher_status st = options_copy(find, &options, sizeof(options), err);

	if (st != USHER_OK)
		return st;
	if (!usher_profile_begin(profile, how, &options)) {
		if (result != NULL)
			*result = NULL;
		return USHER_OK;
	}
	st = usher_find(profile->address.text, &options, &found, err);
	if (st != USHER_OK)
		return st;
	st = usher_profile_finish(profile, found, err);
	if (st == USHER_OK && result != NULL)
		*result = found;
	else
		usher_result_free(found);
	return st;
}

/* ---- events ---- */

static bool
same_track(const struct refresh_track *a, const struct refresh_track *b)
{
	return a->due_s == b->due_s && a->cause == b->cause;
}

static bool
same_refresh(const struct refresh *a, const struct refresh *b)
{
	return same_track(&a->services, &b->services) &&
	       same_track(&a->connection, &b->connection) && a->failing == b->failing &&
	       a->refused == b->refused && a->full == b->full;
}

static usher_status
report_locked(struct usher_profile *p, enum refresh_cause event, struct usher_error *err)
{
	struct profile_view *other;
	struct profile_data data;
	struct refresh before;
	usher_status st = catch_up(p, &other, err);

	if (st != USHER_OK)
		return st;
	data = other != NULL ? other->data : p->view->data;
	before = data.refresh;
	refresh_event(&data.refresh, &p->policy, event, now_s(p));
	if (!same_refresh(&before, &data.refresh))
		st = store(p, &data, err);
	profile_view_free(other);
	return st;
}

usher_status
usher_profile_report(
    struct usher_profile *profile, enum usher_profile_event event, struct usher_error *err)
{
	static const enum refresh_cause events[] = {
		[USHER_PROFILE_STARTED] = REFRESH_STARTED,
		[USHER_PROFILE_NETWORK_CHANGED] = REFRESH_NETWORK_CHANGED,
		[USHER_PROFILE_CONNECTION_FAILED] = REFRESH_CONNECTION_FAILED,
		[USHER_PROFILE_MAILBOX_MOVED] = REFRESH_MAILBOX_MOVED,
	};
	usher_status st;
	int lock;

	profile->made.n = 0;
	if (profile->view == NULL)
		return err_set(err, USHER_E_ABSENT, profile->path, "the profile is not there yet");
	if ((size_t)event >= COUNT_OF(events))
		return err_set(err, USHER_E_USAGE, profile->path, "there is no such event");
	st = profile_lock(&profile->folder, &lock, err);
	if (st != USHER_OK)
		return st;
	st = report_locked(profile, events[event], err);
	(void)close(lock);
	return st;
}

int64_t
usher_profile_due(struct usher_profile *profile)
{
	struct refresh_due due;

	if (profile->view == NULL)
		return now_s(profile);
	refresh_next(&profile->view->data.refresh, now_s(profile), &due);
	return due.at_s;
}

const char *
usher_profile_due_cause(struct usher_profile *profile)
{
	struct refresh_due due;

	if (profile->view == NULL)
		return refresh_cause_names[REFRESH_CREATED];
	refresh_next(&profile->view->data.refresh, now_s(profile), &due);
	return refresh_cause_names[due.at_s == NUMBER_ABSENT ? REFRESH_NOTHING : due.cause];
}

usher_status
usher_profile_sync(struct usher_profile *profile, struct usher_error *err)
{
	struct profile_view *other;
	usher_status st;

	profile->made.n = 0;
	if (profile->view == NULL ||
	    !profile_file_changed(&profile->folder, profile->name, &profile->view->version))
		return USHER_OK;
	st = profile_read(profile, &other, err);
	if (st != USHER_OK)
		return st;
	st = note_changes(profile, other, err);
	if (st == USHER_OK)
		turn_to(profile, other);
	else
		profile_view_free(other);
	return st;
}
