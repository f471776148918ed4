/* link.c - libldap, made to keep time and to speak plainly. */
#include "ldap/inside.h"

#include <errno.h>
#include <openldap.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "ldap/keytab.h"

/* ---- opening ---- */

static struct timeval
time_of(uint64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

static bool
set_number(LDAP *ld, int option, int value)
{
	return ldap_set_option(ld, option, &value) == LDAP_OPT_SUCCESS;
}

/* Of libldap's own configuration files only the CAs of the system are left to matter. */
static bool
set_options(struct ldap_link *link, const struct link_options *options)
{
	struct timeval limit = time_of(link->timeout_ms);
	ber_len_t largest = LINK_MESSAGE_BYTES;
	Sockbuf *socket = NULL;
	LDAP *ld = link->ld;

	return set_number(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
	       ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_TIMEOUT, &limit) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
	       set_number(ld, LDAP_OPT_DEREF, LDAP_DEREF_NEVER) &&
	       set_number(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND) &&
	       set_number(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2) &&
	       (options->ca_file == NULL || ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE,
						options->ca_file) == LDAP_OPT_SUCCESS) &&
	       set_number(ld, LDAP_OPT_X_TLS_NEWCTX, 0) &&
	       ldap_get_option(ld, LDAP_OPT_SOCKBUF, &socket) == LDAP_OPT_SUCCESS &&
	       ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &largest) == 1;
}

/* A failed handshake and an absent machine are one code to libldap, but not to people. */
static usher_status
fail_tls(const struct ldap_link *link, int code, struct usher_error *err)
{
	usher_status st = ldap_link_fail(link, code, NULL, err);
	char *diagnostic = NULL;

	(void)ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	if (diagnostic != NULL && (st == USHER_E_NETWORK || st == USHER_E_PEER))
		st = err_set(err, USHER_E_TLS, link->uri,
		    "no TLS that can be verified: its certificate is not for this host, or not "
		    "from "
		    "a CA that is known here; name your own with --ca-file (%s)",
		    diagnostic);
	ldap_memfree(diagnostic);
	return st;
}

static usher_status
await(struct ldap_link *link, int id, uint64_t deadline_ms, const char *where, LDAPMessage **out,
    struct usher_error *err);

usher_status
ldap_link_await(struct ldap_link *link, int id, const char *where, struct berval **answer,
    struct usher_error *err)
{
	LDAPMessage *message = NULL;
	int code = LDAP_OTHER, parsed = LDAP_SUCCESS;
	char **referrals = NULL;
	usher_status st;

	st = await(link, id, clock_mono_ms() + link->timeout_ms, where, &message, err);
	if (st != USHER_OK)
		return st;
	if (answer != NULL)
		parsed = ldap_parse_extended_result(link->ld, message, NULL, answer, 0);
	if (parsed == LDAP_SUCCESS)
		parsed =
		    ldap_parse_result(link->ld, message, &code, NULL, NULL, &referrals, NULL, 0);
	ldap_msgfree(message);
	if (parsed != LDAP_SUCCESS)
		code = parsed;
	/* A change inside a transaction is only noted (RFC 5805, 2.2). */
	if (code != LDAP_SUCCESS && code != LDAP_TXN_SPECIFY_OKAY)
		st = ldap_link_fail_at(link, code, referrals, where, err);
	ber_memvfree((void **)referrals);
	return st;
}

static usher_status
bind_simple(struct ldap_link *link, const struct link_options *options, struct usher_error *err)
{
	struct berval password;
	int id, code;

	if (!link->protected)
		return err_set(err, USHER_E_TRUST, link->uri,
		    "a password goes to a directory by TLS only; use ldaps:// or StartTLS");
	if (options->user == NULL || *options->user == '\0' || options->password == NULL ||
	    options->password->n == 0)
		return err_set(err, USHER_E_USAGE, link->uri,
		    "a login needs a user and a password that is not empty");
	password.bv_val = options->password->bytes;
	password.bv_len = options->password->n;
	code =
	    ldap_sasl_bind(link->ld, options->user, LDAP_SASL_SIMPLE, &password, NULL, NULL, &id);
	return code == LDAP_SUCCESS ? ldap_link_await(link, id, NULL, NULL, err) :
				      ldap_link_fail(link, code, NULL, err);
}

struct sasl_answers {
	struct keytab_credential *ticket; /* NULL: the user's own */
	bool given;
};

/* The ticket says who we are; nothing else is asked for. Only now, in the middle of the login, does
 * libldap know of a session that can be told which one. */
static int
answer_nothing(LDAP *ld, unsigned flags, void *defaults, void *questions)
{
	struct sasl_answers *answers = defaults;

	(void)flags;
	if (answers->ticket != NULL && !answers->given)
		answers->given = ldap_set_option(ld, LDAP_OPT_X_SASL_GSS_CREDS, answers->ticket) ==
				 LDAP_OPT_SUCCESS;
	if (answers->ticket != NULL && !answers->given)
		return LDAP_LOCAL_ERROR;
	for (sasl_interact_t *q = questions; q->id != SASL_CB_LIST_END; q++) {
		q->result = "";
		q->len = 0;
	}
	return LDAP_SUCCESS;
}

/* Inside TLS a layer of SASL's own would be a second one, and Active Directory refuses it. */
static usher_status
bind_gssapi(struct ldap_link *link, const struct link_options *options, struct usher_error *err)
{
	static const char outside[] = "minssf=1", inside[] = "maxssf=0";
	const char *mechanism = options->mechanism == NULL ? "GSSAPI" : options->mechanism;
	struct sasl_answers answers = { NULL };
	usher_status st = USHER_OK;
	int code;

	if (options->keytab != NULL)
		st = keytab_take(options->keytab, options->user, &answers.ticket, err);
	if (st != USHER_OK)
		return st;
	code =
	    ldap_set_option(link->ld, LDAP_OPT_X_SASL_SECPROPS, link->protected ? inside : outside);
	if (code == LDAP_OPT_SUCCESS)
		code = ldap_sasl_interactive_bind_s(link->ld, NULL, mechanism, NULL, NULL,
		    LDAP_SASL_QUIET, answer_nothing, &answers);
	/* Nobody else's ticket may have logged in instead. */
	if (code == LDAP_SUCCESS && answers.ticket != NULL && !answers.given)
		code = LDAP_LOCAL_ERROR;
	keytab_release(answers.ticket);
	if (code != LDAP_SUCCESS)
		return ldap_link_fail(link, code, NULL, err);
	link->signs = !link->protected;
	return USHER_OK;
}

static usher_status
bind_nobody(struct ldap_link *link, struct usher_error *err)
{
	struct berval nothing = { 0, NULL };
	int id, code;

	code = ldap_sasl_bind(link->ld, "", LDAP_SASL_SIMPLE, &nothing, NULL, NULL, &id);
	return code == LDAP_SUCCESS ? ldap_link_await(link, id, NULL, NULL, err) :
				      fail_tls(link, code, err);
}

/* Without StartTLS libldap connects when the first request goes out, and TLS on a socket of ours is
 * not its idea. */
static usher_status
secure(struct ldap_link *link, const struct link_options *options, struct usher_error *err)
{
	int code = LDAP_SUCCESS;

	if (options->start_tls)
		code = ldap_start_tls_s(link->ld, NULL, NULL);
	else if (link->protected && options->socket != NULL)
		code = ldap_install_tls(link->ld);
	else if (link->protected)
		code = ldap_connect(link->ld);
	link->protected = link->protected || options->start_tls;
	return code == LDAP_SUCCESS ? USHER_OK : fail_tls(link, code, err);
}

usher_status
ldap_link_login(struct ldap_link *link, const struct link_options *options, struct usher_error *err)
{
	switch (options->login) {
	case LINK_SIMPLE:
		return bind_simple(link, options, err);
	case LINK_GSSAPI:
		return bind_gssapi(link, options, err);
	case LINK_ANONYMOUS:
		return bind_nobody(link, err);
	case LINK_LATER:
		break;
	}
	return USHER_OK;
}

bool
ldap_link_is_safe(const struct ldap_link *link)
{
	return link->protected || link->signs;
}

static bool
is_uri(const char *uri, bool *protected)
{
	struct slice s = slice_of(uri);

	*protected = slice_starts_nocase(s, SLICE_LITERAL("ldaps://")) ||
		     slice_starts_nocase(s, SLICE_LITERAL("ldapi://"));
	return (*protected || slice_starts_nocase(s, SLICE_LITERAL("ldap://"))) &&
	       !text_has_control(s) && strpbrk(uri, " ,") == NULL;
}

/* With libldap's own options. */
static int
initialize(struct ldap_link *link, const struct link_options *options)
{
	return options->socket == NULL ?
		   ldap_initialize(&link->ld, options->uri) :
		   ldap_init_fd(*options->socket, LDAP_PROTO_TCP, options->uri, &link->ld);
}

/* *out may be written in part, to be closed. */
static usher_status
open_link(const struct link_options *options, struct ldap_link **out, struct usher_error *err)
{
	struct ldap_link *link;
	usher_status st;
	bool protected;
	int code;

	if (!is_uri(options->uri, &protected) || (options->start_tls && protected))
		return err_set(err, USHER_E_USAGE, options->uri,
		    "is no directory: write it like ldap://dc1.example.com, "
		    "ldaps://dc1.example.com "
		    "(which needs no StartTLS) or ldapi://%%2frun%%2fldapi");
	link = calloc(1, sizeof(*link));
	if (link == NULL)
		return err_nomem(err, options->uri);
	link->uri = strdup(options->uri);
	link->timeout_ms = options->timeout_ms == 0 ? LINK_TIMEOUT_MS : options->timeout_ms;
	link->protected = protected;
	code = link->uri == NULL ? LDAP_NO_MEMORY : initialize(link, options);
	if (code == LDAP_NO_MEMORY)
		st = err_nomem(err, options->uri);
	else if (code != LDAP_SUCCESS)
		st = err_set(
		    err, USHER_E_USAGE, options->uri, "is no directory: %s", ldap_err2string(code));
	else if (!set_options(link, options))
		st = err_set(err, USHER_E_TLS, options->uri,
		    options->ca_file == NULL ? "TLS cannot be set up" :
					       "TLS cannot be set up with this CA file");
	else
		st = secure(link, options, err);
	if (st == USHER_OK)
		st = ldap_link_login(link, options, err);
	*out = link;
	return st;
}

usher_status
ldap_link_open(const struct link_options *options, struct ldap_link **out, struct usher_error *err)
{
	struct ldap_link *link = NULL;
	usher_status st = open_link(options, &link, err);

	if (st == USHER_OK) {
		*out = link;
		return USHER_OK;
	}
	/* libldap closes the socket with what it has made of it. */
	if (options->socket != NULL && (link == NULL || link->ld == NULL))
		(void)close(*options->socket);
	ldap_link_close(link);
	return st;
}

void
ldap_link_close(struct ldap_link *link)
{
	if (link == NULL)
		return;
	if (link->ld != NULL)
		(void)ldap_unbind_ext(link->ld, NULL, NULL);
	free(link->uri);
	free(link);
}

const char *
ldap_link_uri(const struct ldap_link *link)
{
	return link->uri;
}

/* ---- waiting ---- */

/* The next message that belongs to `id`. */
static usher_status
await(struct ldap_link *link, int id, uint64_t deadline_ms, const char *where, LDAPMessage **out,
    struct usher_error *err)
{
	uint64_t now_ms = clock_mono_ms();
	struct timeval left = time_of(deadline_ms > now_ms ? deadline_ms - now_ms : 0);
	int code = LDAP_TIMEOUT, type;

	errno = 0;
	type = ldap_result(link->ld, id, LDAP_MSG_ONE, &left, out);
	if (type > 0)
		return USHER_OK;
	if (type < 0 && errno == ERANGE) /* liblber's word for a length over its limit */
		return err_set(err, USHER_E_LIMIT, link->uri,
		    "sends a message of more than %d MB, and was left", LINK_MESSAGE_BYTES >> 20);
	if (type < 0)
		(void)ldap_get_option(link->ld, LDAP_OPT_RESULT_CODE, &code);
	else
		(void)ldap_abandon_ext(link->ld, id, NULL, NULL);
	if (code == LDAP_SERVER_DOWN) /* the question went out */
		return err_set(err, USHER_E_NETWORK, link->uri, "has ended the connection");
	return ldap_link_fail(link, code, where, err);
}

/* ---- reading ---- */

struct searching {
	struct ldap_link *link;
	const struct link_search *search;
	link_take *take;
	void *payload;
	struct arena *mem; /* of one entry … */
	bool keeps;	   /* … or of whoever asked, and the entry stays */
	size_t n;
	struct berval cookie; /* of the next page; empty: there is none */
	struct usher_error *err;
};

/* Values are copied: libldap's are gone with its message. */
static bool
copy_values(struct arena *mem, const struct berval *name, const struct berval *values,
    struct ldap_attribute *out)
{
	struct slice *copies;
	size_t n = 0;

	while (values != NULL && values[n].bv_val != NULL)
		n++;
	copies = arena_array(mem, n, sizeof(*copies));
	for (size_t i = 0; copies != NULL && i < n; i++) {
		struct slice value = slice_from(values[i].bv_val, values[i].bv_len);

		copies[i] = slice_from(arena_copy(mem, value), value.n);
		if (copies[i].p == NULL)
			return false;
	}
	*out = (struct ldap_attribute){ arena_copy(mem, slice_from(name->bv_val, name->bv_len)),
		copies, n };
	return copies != NULL && out->name != NULL;
}

static usher_status
too_large(const char *where, struct usher_error *err)
{
	return err_set(err, USHER_E_LIMIT, where,
	    "the entry is too large, or has more than %d attributes", LINK_ATTRIBUTES);
}

usher_status
ldap_link_entry(const struct ldap_link *link, LDAPMessage *message, const char *where,
    struct arena *mem, struct ldap_entry *out, struct usher_error *err)
{
	struct ldap_attribute *attributes = arena_array(mem, LINK_ATTRIBUTES, sizeof(*attributes));
	struct ldap_entry entry = { .attributes = attributes };
	struct berval text, *values;
	BerElement *at = NULL;
	bool fits = attributes != NULL;
	int code = ldap_get_dn_ber(link->ld, message, &at, &text);

	if (fits && code == LDAP_SUCCESS)
		entry.dn = arena_copy(mem, slice_from(text.bv_val, text.bv_len));
	fits = fits && (code != LDAP_SUCCESS || entry.dn != NULL);
	while (fits && code == LDAP_SUCCESS) {
		values = NULL;
		code = ldap_get_attribute_ber(link->ld, message, at, &text, &values);
		if (code != LDAP_SUCCESS || text.bv_val == NULL)
			break;
		fits = entry.n < LINK_ATTRIBUTES &&
		       copy_values(mem, &text, values, &attributes[entry.n++]);
		ber_memfree(values);
	}
	ber_free(at, 0);
	if (!fits)
		return too_large(entry.dn == NULL ? where : entry.dn, err);
	if (code != LDAP_SUCCESS)
		return ldap_link_fail(link, code, entry.dn == NULL ? where : entry.dn, err);
	*out = entry;
	return USHER_OK;
}

static usher_status
take_entry(struct searching *s, LDAPMessage *message)
{
	struct ldap_entry entry;
	usher_status st =
	    ldap_link_entry(s->link, message, s->search->base, s->mem, &entry, s->err);

	return st == USHER_OK ? s->take(&entry, s->payload, s->err) : st;
}

int
ldap_link_send(const struct ldap_link *link, const struct link_search *search,
    LDAPControl **controls, struct timeval *limit, int entries, int *id)
{
	static const int scopes[] = { LDAP_SCOPE_BASE, LDAP_SCOPE_ONELEVEL, LDAP_SCOPE_SUBTREE };

	return ldap_search_ext(link->ld, search->base, scopes[search->scope], search->filter,
	    (char **)(uintptr_t)search->attributes, 0, controls, NULL, limit, entries, id);
}

static usher_status
end_page(struct searching *s, LDAPMessage *message)
{
	LDAPControl **controls = NULL, *page;
	int code = LDAP_OTHER, parsed;
	usher_status st = USHER_OK;
	char **referrals = NULL;
	ber_int_t total;

	ber_memfree(s->cookie.bv_val);
	s->cookie = (struct berval){ 0, NULL };
	parsed =
	    ldap_parse_result(s->link->ld, message, &code, NULL, NULL, &referrals, &controls, 0);
	if (parsed != LDAP_SUCCESS)
		code = parsed;
	page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	if (code == LDAP_SUCCESS && page != NULL)
		code = ldap_parse_pageresponse_control(s->link->ld, page, &total, &s->cookie);
	ldap_controls_free(controls);
	if (code != LDAP_SUCCESS)
		st = ldap_link_fail_at(s->link, code, referrals, s->search->base, s->err);
	ber_memvfree((void **)referrals);
	return st;
}

/* One page: entries, references (which are passed over) and the end. */
static usher_status
search_page(struct searching *s, uint64_t deadline_ms)
{
	const struct link_search *q = s->search;
	LDAPControl *page = NULL, *controls[] = { NULL, NULL };
	LDAP *ld = s->link->ld;
	usher_status st = USHER_OK;
	bool more = true;
	int id, code = LDAP_SUCCESS;

	/* The rootDSE has no pages, and directories that know none need not be told of them. */
	if (q->scope != LINK_ENTRY) {
		code = ldap_create_page_control(
		    ld, LINK_PAGE, s->cookie.bv_len == 0 ? NULL : &s->cookie, 0, &page);
		controls[0] = page;
	}
	if (code == LDAP_SUCCESS)
		code = ldap_link_send(s->link, q, page == NULL ? NULL : controls, NULL, 0, &id);
	ldap_control_free(page);
	if (code != LDAP_SUCCESS)
		return ldap_link_fail(s->link, code, q->base, s->err);
	while (st == USHER_OK && more) {
		LDAPMessage *message = NULL;

		st = await(s->link, id, deadline_ms, q->base, &message, s->err);
		if (st != USHER_OK)
			return st;
		switch (ldap_msgtype(message)) {
		case LDAP_RES_SEARCH_ENTRY:
			if (q->max > 0 && s->n++ == q->max)
				st = err_set(s->err, USHER_E_LIMIT, q->base,
				    "there are more than %zu entries", q->max);
			else
				st = take_entry(s, message);
			if (!s->keeps)
				arena_reset(s->mem);
			break;
		case LDAP_RES_SEARCH_RESULT:
			st = end_page(s, message);
			more = false;
			break;
		default:
			break;
		}
		ldap_msgfree(message);
	}
	if (more)
		(void)ldap_abandon_ext(ld, id, NULL, NULL);
	return st;
}

usher_status
ldap_link_search(struct ldap_link *link, const struct link_search *search, link_take *take,
    void *payload, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(LINK_ENTRY_BYTES);
	struct searching s = { .link = link,
		.search = search,
		.take = take,
		.payload = payload,
		.mem = mem,
		.err = err };
	uint64_t begun_ms = clock_mono_ms(), in_all_ms = search->in_all_ms;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, search->base);
	if (in_all_ms < link->timeout_ms)
		in_all_ms = link->timeout_ms;
	do {
		uint64_t page_ms = clock_mono_ms() + link->timeout_ms;

		st = search_page(
		    &s, page_ms < begun_ms + in_all_ms ? page_ms : begun_ms + in_all_ms);
	} while (st == USHER_OK && s.cookie.bv_len > 0);
	ber_memfree(s.cookie.bv_val);
	return st;
}

struct reading {
	struct ldap_entry *out;
	bool found;
};

static usher_status
take_one(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct reading *r = payload;

	(void)err;
	*r->out = *entry;
	r->found = true;
	return USHER_OK;
}

usher_status
ldap_link_read(struct ldap_link *link, struct arena *mem, const char *dn,
    const char *const *attributes, struct ldap_entry *out, struct usher_error *err)
{
	const struct link_search search = { .base = dn,
		.scope = LINK_ENTRY,
		.filter = "(objectClass=*)",
		.attributes = attributes };
	struct reading r = { out, false };
	struct searching s = { .link = link,
		.search = &search,
		.take = take_one,
		.payload = &r,
		.mem = mem,
		.keeps = true,
		.err = err };
	usher_status st = search_page(&s, clock_mono_ms() + link->timeout_ms);

	ber_memfree(s.cookie.bv_val); /* of a page that nobody asked for */
	if (st == USHER_OK && !r.found)
		st = err_set(err, USHER_E_ABSENT, *dn == '\0' ? link->uri : dn,
		    "there is no such entry, or this login may not see it");
	return st;
}
