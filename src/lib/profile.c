/* profile.c - the public calls on profiles: opened, read, listed, removed. */
#include "lib/profile.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "lib/search.h"

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

usher_status
profile_read(struct usher_profile *p, struct profile_view **out, struct usher_error *err)
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
	st = profile_read(p, &p->view, err);
	if (st != USHER_OK) {
		usher_profile_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

usher_status
profile_check_new(struct usher_profile *p, struct usher_error *err)
{
	struct profile_view *there;
	struct usher_error why = { 0 };
	usher_status st = profile_read(p, &there, &why);

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
	st = profile_check_new(p, err);
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
