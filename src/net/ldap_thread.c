/* ldap_thread.c - a thread that asks a directory, and how it is ended. */
#include "net/ldap_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "net/negotiate.h"
#include "wire/netlogon.h"

struct ldap_thread {
	struct arena *mem; /* of question and reply */
	pthread_t thread;
	atomic_uint owners; /* whoever asked, and the thread: the last one frees it */
	atomic_bool done;
	int ready; /* eventfd */
	int line;  /* the socket once more, to end what is said over it; -1: none */
	struct ldap_question question;
	struct secret password;
	struct ldap_reply reply;
};

/* ---- what is asked ---- */

static bool
offers(const struct ldap_entry *root, const char *mechanism)
{
	const struct ldap_attribute *a = ldap_attribute_of(root, "supportedSASLMechanisms");

	for (size_t i = 0; a != NULL && i < a->n; i++) {
		if (slice_is_nocase(a->values[i], mechanism))
			return true;
	}
	return false;
}

/* GSS-SPNEGO costs one message, GSSAPI three; but who has secrets for NTLM could be brought to use
 * them by the first. What is no reason to give up is one to say so: a
 * directory may show connection points to everybody. */
static usher_status
log_in(struct ldap_thread *t, struct ldap_link *link, struct link_options *o,
    const struct ldap_entry *root, struct usher_error *err)
{
	static const char *const mechanisms[] = { "GSS-SPNEGO", "GSSAPI" };
	const char *why = "there is no Kerberos ticket";
	usher_status st;

	if (o->user != NULL) {
		o->login = LINK_SIMPLE;
		t->reply.login = arena_join(t->mem, "logged in as ", o->user);
		return ldap_link_login(link, o, err);
	}
	for (size_t i = negotiate_is_kerberos_alone() ? 0 : 1;
	     o->mechanism == NULL && i < COUNT_OF(mechanisms); i++)
		o->mechanism = offers(root, mechanisms[i]) ? mechanisms[i] : NULL;
	if (o->mechanism == NULL)
		why = "the directory knows no login by Kerberos";
	if (o->mechanism != NULL && t->question.tickets) {
		o->login = LINK_GSSAPI;
		st = ldap_link_login(link, o, err);
		t->reply.login = arena_join(t->mem, "logged in by ", o->mechanism);
		if (st != USHER_E_CREDENTIALS)
			return st;
		why = err->message;
	}
	t->reply.login = arena_join(t->mem, "not logged in: ", why);
	return USHER_OK;
}

static usher_status
take_site(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, "netlogon");
	struct ldap_thread *t = payload;
	struct dc_answer answer;

	if (a != NULL && a->n > 0 && netlogon_read(t->mem, a->values[0], &answer, err) == USHER_OK)
		t->reply.site = answer.client_site;
	return USHER_OK;
}

/* The LDAP ping by the connection there is. A directory of another kind has no answer. */
static usher_status
ask_site(struct ldap_thread *t, struct ldap_link *link, struct usher_error *err)
{
	static const char *const wanted[] = { "netlogon", NULL };
	const struct link_search search = { .base = "",
		.scope = LINK_ENTRY,
		.filter = netlogon_filter(t->mem, NULL),
		.attributes = wanted };
	usher_status st;

	if (search.filter == NULL)
		return err_nomem(err, t->question.uri);
	st = ldap_link_search(link, &search, take_site, t, err);
	return st == USHER_E_NETWORK || st == USHER_E_TIMEOUT || st == USHER_E_NOMEM ? st :
										       USHER_OK;
}

static usher_status
search(
    struct ldap_thread *t, struct ldap_link *link, struct link_options *o, struct usher_error *err)
{
	static const char *const wanted[] = { "configurationNamingContext", "namingContexts",
		"supportedSASLMechanisms", NULL };
	struct ldap_entry root;
	const char *base;
	usher_status st = ldap_link_read(link, t->mem, "", wanted, &root, err);

	if (st == USHER_OK && t->question.wants_site)
		st = ask_site(t, link, err);
	if (st == USHER_OK)
		st = log_in(t, link, o, &root, err);
	if (st != USHER_OK)
		return st;
	t->reply.safe = ldap_link_is_safe(link);
	base = scp_base(t->mem, &root);
	if (base == NULL)
		return err_set(
		    err, USHER_E_ABSENT, o->uri, "does not say where its configuration is");
	return scp_read(link, t->mem, base, t->question.by_category, 0, &t->reply.list, err);
}

static void
ask(struct ldap_thread *t)
{
	const struct ldap_question *q = &t->question;
	struct link_options options = {
		.uri = q->uri,
		.ca_file = q->ca_file,
		.login = LINK_LATER,
		.user = q->login,
		.password = &t->password,
		.timeout_ms = q->timeout_ms,
		.socket = q->socket < 0 ? NULL : &q->socket,
	};
	struct ldap_link *link = NULL;

	t->reply.status = ldap_link_open(&options, &link, &t->reply.err);
	if (t->reply.status == USHER_OK)
		t->reply.status = search(t, link, &options, &t->reply.err);
	ldap_link_close(link);
}

/* ---- the thread ---- */

static void
let_go(struct ldap_thread *t)
{
	if (atomic_fetch_sub(&t->owners, 1) > 1)
		return;
	if (t->ready >= 0)
		(void)close(t->ready);
	if (t->line >= 0)
		(void)close(t->line);
	secret_clear(&t->password);
	arena_free(t->mem);
	free(t);
}

static void *
run(void *payload)
{
	struct ldap_thread *t = payload;

	ask(t);
	atomic_store(&t->done, true);
	(void)eventfd_write(t->ready, 1);
	let_go(t);
	return NULL;
}

/* No signal is the thread's to take: those of the program are for its own, and a connection that
 * breaks off is no reason to die. */
static int
spawn(struct ldap_thread *t)
{
	sigset_t all, before;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&t->thread, NULL, run, t);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static bool
copy_text(struct arena *mem, const char **text)
{
	const char *copy = arena_strdup(mem, *text);
	bool ok = *text == NULL || copy != NULL;

	*text = copy;
	return ok;
}

static bool
copy_question(struct ldap_thread *t, const struct ldap_question *from)
{
	struct ldap_question *q = &t->question;

	*q = *from;
	q->password = NULL;
	return copy_text(t->mem, &q->uri) && copy_text(t->mem, &q->ca_file) &&
	       copy_text(t->mem, &q->login) &&
	       (from->password == NULL ||
		   secret_set(&t->password, slice_from(from->password->bytes, from->password->n)));
}

usher_status
ldap_thread_start(
    const struct ldap_question *question, struct ldap_thread **out, struct usher_error *err)
{
	struct ldap_thread *t = calloc(1, sizeof(*t));
	usher_status st = USHER_OK;

	if (t == NULL) {
		if (question->socket >= 0)
			(void)close(question->socket);
		return err_nomem(err, question->uri);
	}
	atomic_init(&t->owners, 1);
	t->mem = arena_new(LDAP_THREAD_BYTES);
	t->line = question->socket < 0 ? -1 : fcntl(question->socket, F_DUPFD_CLOEXEC, 0);
	t->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->mem == NULL || !copy_question(t, question))
		st = err_nomem(err, question->uri);
	else if (t->ready < 0 || (question->socket >= 0 && t->line < 0))
		st = err_set(err, USHER_E_LIMIT, question->uri, "no more descriptors");
	if (st == USHER_OK) {
		atomic_store(&t->owners, 2);
		if (spawn(t) == 0) {
			*out = t;
			return USHER_OK;
		}
		atomic_store(&t->owners, 1);
		st = err_set(err, USHER_E_LIMIT, question->uri, "no more threads");
	}
	if (question->socket >= 0)
		(void)close(question->socket);
	let_go(t);
	return st;
}

int
ldap_thread_fd(const struct ldap_thread *t)
{
	return t->ready;
}

const struct ldap_reply *
ldap_thread_reply(const struct ldap_thread *t)
{
	return atomic_load(&t->done) ? &t->reply : NULL;
}

/* What it waits for at the socket ends with the socket. */
void
ldap_thread_free(struct ldap_thread *t)
{
	struct timespec until;

	if (t == NULL)
		return;
	if (t->line >= 0)
		(void)shutdown(t->line, SHUT_RDWR);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LDAP_THREAD_JOIN_MS / 1000;
	if (pthread_timedjoin_np(t->thread, NULL, &until) != 0)
		(void)pthread_detach(t->thread);
	let_go(t);
}
