/* ldap_keeper.c - the snapshot that all threads share, and the thread that renews it. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/when.h"
#include "dir/ldap.h"

enum {
	SETTINGS_BYTES = 256 * 1024,
	TOKEN_BYTES = 64 * 1024,
	RETRY_MS = 1000, /* of a directory that fails, when the settings want less often */
	FIRST_WAIT_MS = 30 * 1000
};

struct kept {
	struct ldap_snapshot snapshot; /* first: it is what others see */
	atomic_uint users;
	struct arena *mem;
};

struct ldap_keeper {
	struct ldap_keeper *next;
	size_t users; /* under the lock of all keepers */

	/* Fixed. */
	struct arena *mem;
	const char *uri;
	struct dir_settings settings;
	const char *about; /* both as one text: what tells keepers apart */

	/* The thread's own. */
	struct ldap_link *link;
	struct arena *token_mem;
	const char *token; /* what the directory said of its state when it was read last */

	pthread_mutex_t lock; /* of what is below it */
	pthread_cond_t changed;
	bool tried, ended;
	struct kept *newest; /* NULL: there was none yet */
	uint64_t current_ms; /* when the directory last said that it is the newest */
	struct usher_error trouble;
};

static pthread_mutex_t keepers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ldap_keeper *keepers;

/* ---- snapshots ---- */

static struct kept *
kept_of(const struct ldap_snapshot *snapshot)
{
	return (struct kept *)(void *)(uintptr_t)snapshot;
}

const struct ldap_snapshot *
ldap_snapshot_share(const struct ldap_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&kept_of(snapshot)->users, 1, memory_order_relaxed);
	return snapshot;
}

void
ldap_snapshot_release(const struct ldap_snapshot *snapshot)
{
	struct kept *k = kept_of(snapshot);

	if (k == NULL || atomic_fetch_sub_explicit(&k->users, 1, memory_order_acq_rel) > 1)
		return;
	arena_free(k->mem);
	free(k);
}

static usher_status
load(struct ldap_keeper *k, struct kept **out, struct usher_error *err)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	usher_status st;

	if (kept == NULL)
		return err_nomem(err, k->uri);
	atomic_init(&kept->users, 1);
	kept->mem = arena_new(SNAPSHOT_BYTES);
	st = kept->mem == NULL ?
		 err_nomem(err, k->uri) :
		 ldap_snapshot_load(k->link, &k->settings, kept->mem, &kept->snapshot, err);
	if (st == USHER_OK)
		*out = kept;
	else
		ldap_snapshot_release(&kept->snapshot);
	return st;
}

/* ---- the thread ---- */

/* Text that differs when anything in the directory has changed, or another server is asked; NULL
 * when it tells nothing of the kind. Active Directory counts changes; OpenLDAP numbers them when it
 * keeps a replica ([MS-ADTS] 3.1.1.3.2.16; RFC 4533). */
static const char *
read_token(struct ldap_keeper *k, struct arena *mem)
{
	static const char *const wanted[] = { "highestCommittedUSN", "dsServiceName",
		"namingContexts", NULL };
	static const char *const csn[] = { "contextCSN", NULL };
	struct ldap_entry root, suffix;
	const struct ldap_attribute *numbers;
	const char *usn, *base, *token;

	if (ldap_link_read(k->link, mem, "", wanted, &root, NULL) != USHER_OK)
		return NULL;
	usn = ldap_text_of(mem, &root, "highestCommittedUSN");
	token = ldap_text_of(mem, &root, "dsServiceName");
	if (usn != NULL && token != NULL)
		return arena_join(mem, token, " ", usn);
	base = k->settings.base != NULL ? k->settings.base :
					  ldap_text_of(mem, &root, "namingContexts");
	if (base == NULL || ldap_link_read(k->link, mem, base, csn, &suffix, NULL) != USHER_OK)
		return NULL;
	numbers = ldap_attribute_of(&suffix, "contextCSN");
	token = numbers == NULL ? NULL : ldap_link_uri(k->link);
	for (size_t i = 0; token != NULL && i < numbers->n; i++)
		token = arena_join(mem, token, " ", arena_copy(mem, numbers->values[i]) ?: "");
	return token;
}

static void
swap(struct ldap_keeper *k, struct kept *newest)
{
	struct kept *old;

	(void)pthread_mutex_lock(&k->lock);
	old = k->newest;
	k->newest = newest;
	(void)pthread_mutex_unlock(&k->lock);
	if (old != NULL)
		ldap_snapshot_release(&old->snapshot);
}

/* Looks whether anything has changed, and reads it then. */
static usher_status
renew(struct ldap_keeper *k, struct usher_error *err)
{
	struct arena *mem = arena_new(TOKEN_BYTES);
	const char *token;
	struct kept *newest;
	usher_status st = USHER_OK;

	if (mem == NULL)
		return err_nomem(err, k->uri);
	if (k->link == NULL)
		st = ldap_dir_connect(k->uri, &k->settings, &k->link, err);
	token = st == USHER_OK ? read_token(k, mem) : NULL;
	if (st == USHER_OK && (token == NULL || k->token == NULL || strcmp(token, k->token) != 0)) {
		st = load(k, &newest, err);
		if (st == USHER_OK)
			swap(k, newest);
	}
	if (st != USHER_OK) {
		arena_free(mem);
		return st;
	}
	arena_free(k->token_mem);
	k->token_mem = mem;
	k->token = token;
	return USHER_OK;
}

static void
free_keeper(struct ldap_keeper *k)
{
	ldap_link_close(k->link);
	arena_free(k->token_mem);
	if (k->newest != NULL)
		ldap_snapshot_release(&k->newest->snapshot);
	(void)pthread_cond_destroy(&k->changed);
	(void)pthread_mutex_destroy(&k->lock);
	arena_free(k->mem);
	free(k);
}

/* Until then, or until the keeper is wanted no more. The lock is held. */
static void
sleep_until(struct ldap_keeper *k, uint64_t at_ms)
{
	struct timespec at = { .tv_sec = (time_t)(at_ms / 1000),
		.tv_nsec = (long)(at_ms % 1000 * 1000000) };

	while (!k->ended && clock_mono_ms() < at_ms)
		(void)pthread_cond_timedwait(&k->changed, &k->lock, &at);
}

static void *
run(void *arg)
{
	struct ldap_keeper *k = arg;
	uint64_t refresh_ms = k->settings.refresh_ms, wait_ms;
	struct usher_error err;
	usher_status st;

	(void)pthread_mutex_lock(&k->lock);
	while (!k->ended) {
		uint64_t began_ms = clock_mono_ms();

		(void)pthread_mutex_unlock(&k->lock);
		st = renew(k, &err);
		if (st != USHER_OK) {
			ldap_link_close(k->link);
			k->link = NULL;
		}
		(void)pthread_mutex_lock(&k->lock);
		if (st == USHER_OK)
			k->current_ms = began_ms;
		else
			k->trouble = err;
		k->tried = true;
		(void)pthread_cond_broadcast(&k->changed);
		wait_ms = st == USHER_OK || refresh_ms < RETRY_MS ? refresh_ms : RETRY_MS;
		sleep_until(k, began_ms + wait_ms);
	}
	(void)pthread_mutex_unlock(&k->lock);
	free_keeper(k);
	return NULL;
}

/* ---- keepers ---- */

/* A copy by way of the text that a file would have. */
static bool
copy_settings(struct ldap_keeper *k, const struct dir_settings *settings)
{
	const struct conf_rows *rows = &dir_settings_rows;
	struct buf CLEANUP(buf_cleanup) all = { 0 }, one = { 0 };
	const char *why;

	buf_init(&all, SETTINGS_BYTES);
	buf_init(&one, SETTINGS_BYTES);
	dir_settings_init(&k->settings);
	buf_text(&all, k->uri);
	for (size_t i = 0; i < rows->n; i++) {
		buf_reset(&one);
		conf_row_write(&rows->v[i], settings, &one);
		buf_printf(&all, "\n%s", buf_cstr(&one));
		if (one.n > 0 && conf_row_read(k->mem, &rows->v[i], &k->settings,
				     buf_as_slice(&one), &why) != USHER_OK)
			return false;
	}
	k->about = arena_copy(k->mem, buf_as_slice(&all));
	return k->about != NULL && all.status == USHER_OK && one.status == USHER_OK;
}

static struct ldap_keeper *
make(const char *uri, const struct dir_settings *settings)
{
	struct ldap_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t monotonic;

	if (k == NULL)
		return NULL;
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&k->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	k->users = 1;
	k->mem = arena_new(SETTINGS_BYTES);
	k->uri = k->mem == NULL ? NULL : arena_strdup(k->mem, uri);
	if (k->uri != NULL && copy_settings(k, settings))
		return k;
	free_keeper(k);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static bool
start(struct ldap_keeper *k)
{
	sigset_t all, before;
	pthread_t thread;
	bool started;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, NULL, run, k) == 0 && pthread_detach(thread) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void
await_first(struct ldap_keeper *k)
{
	uint64_t until_ms = clock_mono_ms() + FIRST_WAIT_MS;
	struct timespec at = { .tv_sec = (time_t)(until_ms / 1000),
		.tv_nsec = (long)(until_ms % 1000 * 1000000) };

	(void)pthread_mutex_lock(&k->lock);
	while (!k->tried && clock_mono_ms() < until_ms)
		(void)pthread_cond_timedwait(&k->changed, &k->lock, &at);
	(void)pthread_mutex_unlock(&k->lock);
}

usher_status
ldap_keeper_open(const char *uri, const struct dir_settings *settings, struct ldap_keeper **out,
    struct usher_error *err)
{
	struct ldap_keeper *wanted = make(uri, settings), *k;

	if (wanted == NULL)
		return err_nomem(err, uri);
	(void)pthread_mutex_lock(&keepers_lock);
	for (k = keepers; k != NULL && strcmp(k->about, wanted->about) != 0; k = k->next)
		;
	if (k != NULL) {
		k->users++;
	} else if (start(wanted)) {
		k = wanted;
		k->next = keepers;
		keepers = k;
	}
	(void)pthread_mutex_unlock(&keepers_lock);
	if (k != wanted)
		free_keeper(wanted);
	if (k == NULL)
		return err_set(err, USHER_E_LIMIT, uri, "no more threads");
	await_first(k);
	*out = k;
	return USHER_OK;
}

/* The thread may be waiting for the directory, and nobody waits for it: it frees what is left. */
void
ldap_keeper_close(struct ldap_keeper *keeper)
{
	struct ldap_keeper **at = &keepers;
	bool last;

	if (keeper == NULL)
		return;
	(void)pthread_mutex_lock(&keepers_lock);
	last = --keeper->users == 0;
	while (last && *at != keeper)
		at = &(*at)->next;
	if (last)
		*at = keeper->next;
	(void)pthread_mutex_unlock(&keepers_lock);
	if (!last)
		return;
	(void)pthread_mutex_lock(&keeper->lock);
	keeper->ended = true;
	(void)pthread_cond_broadcast(&keeper->changed);
	(void)pthread_mutex_unlock(&keeper->lock);
}

enum lookup
ldap_keeper_hold(
    struct ldap_keeper *keeper, const struct ldap_snapshot **out, struct usher_error *err)
{
	enum lookup found = LOOKUP_UNAVAILABLE;
	uint64_t age_ms;

	(void)pthread_mutex_lock(&keeper->lock);
	age_ms = clock_mono_ms() - keeper->current_ms;
	if (keeper->newest != NULL &&
	    age_ms <= keeper->settings.refresh_ms + keeper->settings.stale_ms) {
		*out = ldap_snapshot_share(&keeper->newest->snapshot);
		found = LOOKUP_FOUND;
	} else if (keeper->trouble.status != USHER_OK) {
		if (err != NULL)
			*err = keeper->trouble;
	} else {
		(void)err_set(
		    err, USHER_E_TIMEOUT, keeper->uri, "its configuration could not be read yet");
	}
	(void)pthread_mutex_unlock(&keeper->lock);
	return found;
}

uint64_t
ldap_keeper_age_ms(struct ldap_keeper *keeper)
{
	uint64_t age_ms;

	(void)pthread_mutex_lock(&keeper->lock);
	age_ms = clock_mono_ms() - keeper->current_ms;
	(void)pthread_mutex_unlock(&keeper->lock);
	return age_ms;
}
