/* cert_acme.c - has a certificate issued by an ACME server, and puts it in the place of another. */
#include "cli/cert_acme.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "cert/acme.h"
#include "cert/inspect.h"
#include "cert/names.h"
#include "cert/request.h"
#include "cert/verdict.h"
#include "cli/cert_made.h"
#include "cli/cert_replace.h"
#include "cli/changes.h"
#include "cli/file.h"
#include "cli/uacme.h"

enum { FAILURES_MAX = 3 };

struct acme_session {
	struct cli *cli;
	const struct acme_how *how;
	const char *stem;
	struct folder home;
	int signals;
	const char *told; /* ACME server that knows the contact */
	/* Server that has failed, for no fault of a name, so many times one after the other. */
	const char *failing;
	unsigned failures;
};

/* ---- a session ---- */

/* Root would follow its directory's owner wherever links lead, and run uacme there. */
static usher_status
become_owner(const char *stem, struct usher_error *err)
{
	char path[FOLDER_PATH_BYTES];
	struct stat folder;

	if (geteuid() != 0)
		return USHER_OK;
	if (strlen(stem) >= sizeof(path))
		return err_set(err, USHER_E_IO, stem, "is too long a path");
	memcpy(path, stem, strlen(stem) + 1);
	if (stat(dirname(path), &folder) < 0)
		return err_set(err, USHER_E_IO, stem, "cannot be looked at: %s", strerror(errno));
	if (folder.st_uid == 0)
		return USHER_OK;
	if (setgroups(0, NULL) < 0 || setresgid(folder.st_gid, folder.st_gid, folder.st_gid) < 0 ||
	    setresuid(folder.st_uid, folder.st_uid, folder.st_uid) < 0)
		return err_set(err, USHER_E_PERMISSION, stem,
		    "cannot become the owner of its folder: %s", strerror(errno));
	return USHER_OK;
}

/* SIGINT and the like end uacme as well, which has a process group of its own. */
static int
catch_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static usher_status
find_stem(struct cli *cli, const char **out, struct usher_error *err)
{
	struct dir *dir;
	const char *uri;
	usher_status st = cli_directory(cli, &uri, err);

	if (st == USHER_OK)
		st = cli_dir_open(cli, uri, DIR_READ, &dir, err);
	if (st != USHER_OK)
		return st;
	*out = arena_strdup(cli->mem, dir_stem(dir));
	dir_close(dir);
	return *out == NULL ? err_nomem(err, uri) : USHER_OK;
}

usher_status
acme_session_open(
    struct cli *cli, const struct acme_how *how, struct acme_session **out, struct usher_error *err)
{
	struct acme_session *s = arena_zalloc(cli->mem, sizeof(*s));
	usher_status st = s == NULL ? err_nomem(err, "acme") : USHER_OK;

	if (st != USHER_OK)
		return st;
	*s = (struct acme_session){ .cli = cli, .how = how, .home.fd = -1, .signals = -1 };
	st = find_stem(cli, &s->stem, err);
	if (st == USHER_OK)
		st = become_owner(s->stem, err);
	if (st == USHER_OK && !cli->dry_run)
		st = acme_open(s->stem, &s->home, err);
	if (st != USHER_OK)
		return st;
	s->signals = catch_signals();
	*out = s;
	return USHER_OK;
}

void
acme_session_close(struct acme_session *s)
{
	if (s == NULL)
		return;
	acme_close(&s->home);
	if (s->signals >= 0)
		(void)close(s->signals);
}

bool
acme_session_stopped(const struct acme_session *s)
{
	return poll(&(struct pollfd){ s->signals, POLLIN, 0 }, 1, 0) > 0;
}

/* ---- the order ---- */

usher_status
acme_name_check(const char *name, struct usher_error *err)
{
	if (strncmp(name, "*.", 2) != 0)
		return USHER_OK;
	return err_set(err, USHER_E_USAGE, name,
	    "a wildcard is proved by the DNS alone, which usher does not write to: name the hosts, "
	    "or ask an authority by `usher cert request`");
}

/* An account is made when the server knows none for our key: also when it has forgotten it. */
static usher_status
place_order(
    struct acme_session *s, const struct uacme *u, const char *request, struct usher_error *err)
{
	const struct acme_how *how = s->how;
	bool tell = how->contact != NULL && !text_same(s->told, u->url);
	usher_status st = tell ? uacme_update(u, how->contact, err) : USHER_OK;

	if (st == USHER_OK)
		st = uacme_issue(u, request, err);
	if (st == USHER_E_ABSENT) {
		st = uacme_register(u, how->contact, how->accept_terms, err);
		if (st == USHER_OK)
			st = uacme_issue(u, request, err);
	}
	if (st == USHER_OK)
		s->told = u->url;
	return st;
}

/* What has come must be what was asked for: nobody looks at it before usherd serves it. */
static usher_status
read_certificate(struct cli *cli, const struct acme_want *want, const char *file, struct slice key,
    struct certificate *out, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) pem = { .max = CERT_PEM_BYTES };
	usher_status st = cli_read_file(file, &pem, err);

	record_init(&entities[ENTITY_CERTIFICATE].table, out);
	if (st == USHER_OK)
		st = cert_inspect(cli->mem, buf_as_slice(&pem), out, err);
	if (st == USHER_OK)
		st = cert_key_fits(key, buf_as_slice(&pem), err);
	if (st == USHER_E_NOMEM)
		return st;
	if (st != USHER_OK)
		return err_set(err, USHER_E_PEER, want->url,
		    "the ACME server has sent another certificate than was asked for");
	for (size_t i = 0; i < want->names.n; i++)
		if (!cert_names_cover(&out->names, want->names.v[i]))
			return err_set(err, USHER_E_PEER, want->url,
			    "the ACME server has left %s out of the certificate", want->names.v[i]);
	return USHER_OK;
}

static usher_status
order(struct acme_session *s, const struct acme_want *want, struct buf *key,
    struct certificate *out, struct usher_error *err)
{
	struct cli *cli = s->cli;
	char account[FOLDER_PATH_BYTES];
	struct acme_order files;
	struct request request;
	usher_status st;

	st = acme_account(&s->home, want->url, account, err);
	if (st == USHER_OK)
		st = cert_key_make(want->key, want->rsa_bits, key, err);
	if (st == USHER_OK)
		st = request_make(cli->mem, buf_as_slice(key), &(struct subject){ 0 }, &want->names,
		    &request, err);
	if (st == USHER_OK)
		st = acme_order(&s->home, slice_of(request.pem), &files, err);
	if (st == USHER_OK)
		st = place_order(s,
		    &(struct uacme){ want->url, account, s->stem,
			clock_mono_ms() + s->how->timeout_ms, s->signals },
		    files.request, err);
	return st == USHER_OK ?
		   read_certificate(cli, want, files.certificate, buf_as_slice(key), out, err) :
		   st;
}

/* ---- into the directory ---- */

struct storing {
	const struct acme_session *session;
	const struct acme_want *want;
	struct certificate fresh;
	struct slice key;
	const char *lacks; /* a name that only the old one has; NULL: none */
};

static usher_status
give_to_domain(struct changes *c, const char *name, const char *thumbprint, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	struct domain key, d;

	record_init(&e->table, &key);
	key.domain = name;
	switch (dir_get(c->dir, c->cli->mem, e, &key, &d, err)) {
	case LOOKUP_FOUND:
		d.certificate = thumbprint;
		return changes_put(c, e, &d, err);
	case LOOKUP_ABSENT: /* removed while the certificate was being made */
		return USHER_OK;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		break;
	}
	return err->status;
}

/* *found: it is still there, and *old is it. */
static usher_status
find_old(struct changes *c, const struct acme_want *want, struct certificate *old, bool *found,
    struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	struct certificate key;
	enum lookup how = LOOKUP_ABSENT;

	record_init(&e->table, &key);
	key.thumbprint = want->old;
	if (want->old != NULL)
		how = dir_get(c->dir, c->cli->mem, e, &key, old, err);
	*found = how == LOOKUP_FOUND;
	return how == LOOKUP_UNAVAILABLE ? err->status : USHER_OK;
}

/* In the place of the old one, wherever that stands. */
static usher_status
store_in_place(struct changes *c, struct storing *s, struct certificate *fresh,
    const struct certificate *old, struct usher_error *err)
{
	usher_status st;

	s->lacks = cert_lacks(fresh, old);
	cert_inherit(fresh, old);
	fresh->acme = s->want->url;
	fresh->friendly_name = old->friendly_name;
	fresh->exportable = old->exportable;
	st = cert_keep(c, fresh, s->key, err);
	if (st == USHER_OK)
		st = cert_replace(c, old, s->fresh.thumbprint, err);
	if (st == USHER_OK && s->session->how->remove_old)
		st = changes_remove(c, &entities[ENTITY_CERTIFICATE], old, err);
	return st;
}

/* For one domain alone: others may go on with the old one. */
static usher_status
store_for_domain(struct changes *c, struct storing *s, const struct certificate *fresh,
    const struct certificate *old, struct usher_error *err)
{
	struct text_list others = { NULL, 0 };
	usher_status st = cert_keep(c, fresh, s->key, err);

	if (st == USHER_OK)
		st = give_to_domain(c, s->want->domain, s->fresh.thumbprint, err);
	if (st != USHER_OK || old == NULL || old->services.n > 0 || !s->session->how->remove_old)
		return st;
	st = cert_domains(c->cli->mem, c->dir, old->thumbprint, &others, err);
	return st == USHER_OK && others.n == 0 ?
		   changes_remove(c, &entities[ENTITY_CERTIFICATE], old, err) :
		   st;
}

static usher_status
store(struct changes *c, void *payload, struct usher_error *err)
{
	static const char *const https[] = { "https" };
	struct storing *s = payload;
	struct certificate old, fresh = s->fresh;
	bool found;
	usher_status st = find_old(c, s->want, &old, &found, err);

	c->brief = true;
	if (st != USHER_OK)
		return st;
	fresh.acme = s->want->url;
	fresh.friendly_name = s->fresh.names.v[0];
	if (s->want->domain != NULL)
		return store_for_domain(c, s, &fresh, found ? &old : NULL, err);
	if (found)
		return store_in_place(c, s, &fresh, &old, err);
	fresh.services = (struct text_list){ https, 1 };
	return cert_keep(c, &fresh, s->key, err);
}

static void
report(struct changes *c, void *payload)
{
	const struct storing *s = payload;
	struct writer *w = c->cli->out;
	char until[WHEN_TEXT_BYTES];

	when_format(s->fresh.not_after, until);
	cert_print_thumbprint(c->cli, s->fresh.thumbprint);
	if (c->cli->json) {
		write_texts(w, "names", &s->fresh.names);
		write_text(w, "issuer", s->fresh.issuer);
		write_text(w, "not_after", until);
		write_text(w, "domain", s->want->domain);
		write_text(w, "replaces", s->want->old);
	}
	cli_note("%s has issued a certificate for %s, which ends %s%s%s", s->want->url,
	    cert_names_text(c->cli->mem, &s->fresh.names), until,
	    s->want->old == NULL ? "" : "; it takes the place of ",
	    s->want->old == NULL ? "" : s->want->old);
	if (s->lacks != NULL && cert_name_private(s->lacks) == NULL)
		cli_note("%s is on the old certificate, and not on this one: clients that come by "
			 "it will warn; name it by --domain, with the others",
		    s->lacks);
}

/* What would be asked for. */
static int
tell(const struct acme_session *s, const struct acme_want *want)
{
	struct writer *w = s->cli->out;

	write_open(w, NULL, NULL);
	if (s->cli->json)
		write_flag(w, "dry_run", true);
	write_say(w, "%s would be asked for a certificate.", want->url);
	write_texts(w, "names", &want->names);
	write_text(w, "domain", want->domain);
	write_text(w, "replaces", want->old);
	write_close(w);
	return CLI_DONE;
}

static void
note_failure(struct acme_session *s, const struct acme_want *want, const struct usher_error *err)
{
	bool server = strcmp(err->where, want->url) == 0;

	s->failures = !server ? 0 : text_same(s->failing, want->url) ? s->failures + 1 : 1;
	s->failing = server ? want->url : NULL;
}

bool
acme_session_gives_up(const struct acme_session *s, const char *url)
{
	return s->failures >= FAILURES_MAX && text_same(s->failing, url);
}

int
acme_session_renew(struct acme_session *s, const struct acme_want *want)
{
	struct storing storing = { .session = s, .want = want };
	struct usher_error err = { 0 };
	struct buf key;
	usher_status st;
	int status;

	if (s->cli->dry_run)
		return tell(s, want);
	buf_init(&key, CERT_KEY_BYTES);
	st = order(s, want, &key, &storing.fresh, &err);
	storing.key = buf_as_slice(&key);
	note_failure(s, want, &err);
	status = st == USHER_OK ? changes_run(s->cli, DIR_WRITE, store, report, &storing) :
				  cli_fail(st, &err);
	buf_wipe(&key);
	return status;
}
