/* profile.c - the public calls on profiles: opened, refreshed, reported to, listed, removed. */
#include "lib/profile.h"

#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "lib/result.h"
#include "lib/search.h"

struct usher_profile {
	struct arena *mem; /* this struct too */
	struct address address;
	struct refresh_policy policy;
	int64_t offset_s;
	struct profile_folder folder;
	const char *name; /* of its file */
	const char *path;

	struct profile_view *view; /* NULL: new, and not on disk */

	/* the search that was begun; no layers: none */
	unsigned layers;
	enum refresh_cause cause;

	struct arena *made_mem;
	struct profile_changes made;
};

static int64_t
now_s(const struct usher_profile *p)
{
	int64_t now = clock_unix_ms() / 1000 + p->offset_s;

	return now < 0 ? 0 : now > FIELD_TIME_MAX ? FIELD_TIME_MAX : now;
}

/* ---- opening ---- */

static bool
interval_fits(int64_t s)
{
	return s >= 0 && s <= REFRESH_INTERVAL_MAX_S;
}

static usher_status
read_options(const struct usher_profile_options *from, struct usher_profile_options *to,
    struct usher_error *err)
{
	usher_status st = options_copy(from, to, sizeof(*to), err);

	if (st == USHER_OK && (!interval_fits(to->refresh_s) || !interval_fits(to->retry_s) ||
				  !interval_fits(to->cycle_s)))
		st = err_set(
		    err, USHER_E_USAGE, "options", "a time is negative or beyond ten years");
	if (st == USHER_OK &&
	    (to->clock_offset_s > FIELD_TIME_MAX || to->clock_offset_s < -FIELD_TIME_MAX))
		st = err_set(err, USHER_E_USAGE, "options", "the clock cannot be set so far off");
	return st;
}

/* All but its content. */
static usher_status
begin(const char *address, const struct usher_profile_options *from, struct usher_profile **out,
    struct usher_error *err)
{
	struct usher_profile_options options = USHER_PROFILE_OPTIONS_INIT;
	struct arena *mem = arena_new(PROFILE_MEMORY);
	struct usher_profile *p = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*p));
	usher_status st = read_options(from, &options, err);

	if (p == NULL) {
		arena_free(mem);
		return err_nomem(err, address);
	}
	p->mem = mem;
	p->folder.fd = -1;
	p->offset_s = options.clock_offset_s;
	p->policy = (struct refresh_policy){
		.ttl_s = options.refresh_s,
		.retry_s = options.retry_s,
		.cycle_s = options.cycle_s,
	};
	if (st == USHER_OK)
		st = address_parse(mem, slice_of(address), &p->address, err);
	if (st == USHER_OK)
		st = profile_folder_open(mem, options.folder, false, &p->folder, err);
	if (st == USHER_OK) {
		p->name = profile_file_name(mem, &p->address);
		p->path = p->name == NULL ? NULL : profile_file_path(mem, &p->folder, p->name);
		if (p->path == NULL)
			st = err_nomem(err, address);
	}
	if (st != USHER_OK) {
		usher_profile_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

static usher_status
read_view(struct usher_profile *p, struct profile_view **out, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text = { 0 };
	struct profile_version version;
	usher_status st = profile_file_read(&p->folder, p->name, p->path, &text, &version, err);

	if (st == USHER_OK)
		st = profile_view_new(buf_as_slice(&text), p->path, &p->address, out, err);
	if (st == USHER_OK)
		(*out)->version = version;
	return st;
}

usher_status
usher_profile_open(const char *address, const struct usher_profile_options *options,
    struct usher_profile **out, struct usher_error *err)
{
	struct usher_profile *p;
	usher_status st = begin(address, options, &p, err);

	if (st != USHER_OK)
		return st;
	st = read_view(p, &p->view, err);
	if (st != USHER_OK) {
		usher_profile_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

/* A new profile must not be there. */
static usher_status
check_new(struct usher_profile *p, struct usher_error *err)
{
	struct profile_view *there;
	struct usher_error why = { 0 };
	usher_status st = read_view(p, &there, &why);

	if (st == USHER_E_ABSENT)
		return USHER_OK;
	if (st != USHER_OK)
		return err_set(err, st, why.where, "%s", why.message);
	profile_view_free(there);
	return err_set(
	    err, USHER_E_CONFLICT, p->path, "there is a profile of %s already", p->address.text);
}

usher_status
usher_profile_new(const char *address, const struct usher_profile_options *options,
    struct usher_profile **out, struct usher_error *err)
{
	struct usher_profile *p;
	usher_status st = begin(address, options, &p, err);

	if (st != USHER_OK)
		return st;
	st = check_new(p, err);
	if (st != USHER_OK) {
		usher_profile_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

void
usher_profile_free(struct usher_profile *profile)
{
	if (profile == NULL)
		return;
	profile_view_free(profile->view);
	profile_folder_close(&profile->folder);
	arena_free(profile->made_mem);
	arena_free(profile->mem);
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
		return check_new(p, err);
	if (!profile_file_changed(&p->folder, p->name, &p->view->version))
		return USHER_OK;
	return read_view(p, out, err);
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
complete_options(const struct profile_view *view, bool full, struct usher_find_options *find)
{
	if (find->last_known_good == NULL && !full)
		find->last_known_good = view->data.head.url;
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
		complete_options(profile->view, due.full, find);
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
		refresh_init(&out->refresh);
	}
	apply(p, result, out);
	if (mem == NULL || profile_login_keep(mem, result, &out->head) != USHER_OK)
		return err_nomem(err, p->path);
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
	st = read_view(profile, &other, err);
	if (st != USHER_OK)
		return st;
	st = note_changes(profile, other, err);
	if (st == USHER_OK)
		turn_to(profile, other);
	else
		profile_view_free(other);
	return st;
}

/* ---- the folder ---- */

usher_status
usher_profile_remove(
    const char *address, const struct usher_profile_options *options, struct usher_error *err)
{
	struct usher_profile *p;
	usher_status st = begin(address, options, &p, err);
	int lock;

	if (st != USHER_OK)
		return st;
	if (p->folder.fd < 0)
		st = err_set(err, USHER_E_ABSENT, p->path, "there is no such profile");
	if (st == USHER_OK)
		st = profile_lock(&p->folder, &lock, err);
	if (st == USHER_OK) {
		st = profile_file_remove(&p->folder, p->name, p->path, err);
		(void)close(lock);
	}
	usher_profile_free(p);
	return st;
}

/* The name of a file follows from the address in it. */
static usher_status
check_name(struct arena *mem, const char *address, const char *name, const char *path,
    struct usher_error *err)
{
	struct address parsed;
	const char *right = NULL;
	usher_status st = address_parse(mem, slice_of(address), &parsed, NULL);

	if (st == USHER_OK)
		right = profile_file_name(mem, &parsed);
	if (st == USHER_E_NOMEM || (st == USHER_OK && right == NULL))
		return err_nomem(err, path);
	if (right == NULL || strcmp(right, name) != 0)
		return err_set(err, USHER_E_INPUT, path,
		    "holds the profile of %s, which does not go by that name", address);
	return USHER_OK;
}

/* *ended is what the callback says. */
static usher_status
tell_one(const struct profile_folder *folder, const char *name, usher_profile_callback *each,
    void *payload, int *ended, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct buf CLEANUP(buf_cleanup) text = { 0 };
	struct usher_error fault = { 0 };
	struct profile_version version;
	struct profile_data data;
	const char *path = mem == NULL ? NULL : profile_file_path(mem, folder, name);
	usher_status st;

	if (path == NULL)
		return err_nomem(err, name);
	st = profile_file_read(folder, name, path, &text, &version, &fault);
	if (st == USHER_OK)
		st = profile_data_read(mem, buf_as_slice(&text), path, &data, &fault);
	if (st == USHER_OK)
		st = check_name(mem, data.head.address, name, path, &fault);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, path);
	if (st == USHER_E_ABSENT) /* removed meanwhile */
		return USHER_OK;
	*ended = each(st == USHER_OK ? data.head.address : NULL, name,
	    st == USHER_OK ? NULL : &fault, payload);
	return USHER_OK;
}

usher_status
usher_profile_list(const struct usher_profile_options *options, usher_profile_callback *each,
    void *payload, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(PROFILE_MEMORY);
	struct usher_profile_options o = USHER_PROFILE_OPTIONS_INIT;
	struct profile_folder folder = { NULL, -1 };
	struct text_list names;
	int ended = 0;
	usher_status st = read_options(options, &o, err);

	if (mem == NULL)
		return err_nomem(err, "profiles");
	if (st == USHER_OK)
		st = profile_folder_open(mem, o.folder, false, &folder, err);
	if (st == USHER_OK)
		st = profile_file_names(mem, &folder, &names, err);
	for (size_t i = 0; st == USHER_OK && i < names.n && ended == 0; i++)
		st = tell_one(&folder, names.v[i], each, payload, &ended, err);
	profile_folder_close(&folder);
	return st;
}

/* ---- getters ---- */

const struct usher_result *
usher_profile_settings(const struct usher_profile *profile)
{
	return profile->view == NULL ? NULL : profile->view->in_force;
}

const struct usher_result *
usher_profile_last_search(const struct usher_profile *profile)
{
	return profile->view == NULL ? NULL : profile->view->last;
}

const char *
usher_profile_text(const struct usher_profile *profile, const char *name)
{
	const struct field *f = field_find(&profile_facts_table, name);

	if (profile->view == NULL || f == NULL)
		return NULL;
	if (f->type == FIELD_CHOICE)
		return field_choice_name(f, &profile->view->facts);
	return f->type == FIELD_TEXT ? field_text(f, &profile->view->facts) : NULL;
}

int64_t
usher_profile_number(const struct usher_profile *profile, const char *name)
{
	const struct field *f = field_find(&profile_facts_table, name);

	if (profile->view == NULL || f == NULL || f->type != FIELD_NUMBER)
		return NUMBER_ABSENT;
	return field_number(f, &profile->view->facts);
}

const char *
usher_profile_item(const struct usher_profile *profile, const char *name, size_t item)
{
	const struct field *f = field_find(&profile_facts_table, name);
	const struct text_list *list;

	if (profile->view == NULL || f == NULL || f->type != FIELD_LIST)
		return NULL;
	list = field_list(f, &profile->view->facts);
	return item < list->n ? list->v[item] : NULL;
}

const char *
usher_profile_json(const struct usher_profile *profile)
{
	return profile->view == NULL ? "null\n" : buf_cstr(&profile->view->json);
}

int
usher_profile_change(const struct usher_profile *profile, enum usher_changes which, size_t index,
    struct usher_change *change)
{
	static const struct profile_changes none;
	const struct profile_changes *all = which == USHER_CHANGES_MADE ? &profile->made :
					    profile->view != NULL	? &profile->view->waiting :
									  &none;
	struct usher_change full = { .size = change->size };

	if (index >= all->n || change->size < sizeof(change->size))
		return 0;
	full.member = all->v[index].member;
	full.before = all->v[index].before;
	full.after = all->v[index].after;
	memcpy(change, &full, change->size < sizeof(full) ? change->size : sizeof(full));
	return 1;
}
