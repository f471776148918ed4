/* certs.c - certificates of the directory as the commands of `usher cert` find and judge them. */
#include "cli/certs.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/request.h"
#include "cert/store.h"
#include "cli/file.h"
#include "cli/revocation.h"

enum {
	FIRST_ROOM = 16,
	SHA1_DIGITS = 40,
	SHA256_DIGITS = 64,
	OPERANDS_BYTES = 1024 * 1024,
	ANCHORS_BYTES = 16 * 1024 * 1024
};

/* ---- reading ---- */

struct reading {
	struct arena *mem;
	struct certificate *v;
	size_t n, room;
};

static usher_status
take(const void *record, void *payload)
{
	struct reading *r = payload;

	if (r->n == r->room) {
		size_t room = r->room == 0 ? FIRST_ROOM : r->room * 2;
		struct certificate *v = arena_array(r->mem, room, sizeof(*v));

		if (v == NULL)
			return USHER_E_NOMEM;
		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
		r->room = room;
	}
	return record_copy(r->mem, &entities[ENTITY_CERTIFICATE].table, &r->v[r->n++], record) ?
		   USHER_OK :
		   USHER_E_NOMEM;
}

usher_status
certs_read(struct arena *mem, struct dir *dir, struct cert_list *out, struct usher_error *err)
{
	struct reading r = { .mem = mem };
	usher_status st = dir_each(dir, &entities[ENTITY_CERTIFICATE], NULL, take, &r, err);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, "certificates");
	*out = (struct cert_list){ r.v, r.n };
	return st;
}

/* ---- finding ---- */

/* Digits alone, in lower case; false when there is anything else, or too much or too little. */
static bool
read_digits(const char *text, char out[SHA256_DIGITS + 1])
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == ':')
			continue;
		if (text_hex_value(*text) < 0 || n == SHA256_DIGITS)
			return false;
		out[n++] = text_lower(*text);
	}
	out[n] = '\0';
	return n >= CERT_DIGITS_MIN;
}

usher_status
certs_find(const struct cert_list *all, const char *text, const struct certificate **out,
    struct usher_error *err)
{
	const struct certificate *found = NULL;
	char digits[SHA256_DIGITS + 1];

	if (!read_digits(text, digits))
		return err_set(err, USHER_E_USAGE, text,
		    "is no thumbprint: give its 40 hexadecimal digits, or %d of them or more from "
		    "the front; `usher cert list` has them",
		    CERT_DIGITS_MIN);
	for (size_t i = 0; i < all->n; i++) {
		const struct certificate *c = &all->v[i];

		if (!slice_starts_nocase(slice_of(c->thumbprint), slice_of(digits)) &&
		    !slice_starts_nocase(slice_of(c->sha256), slice_of(digits)))
			continue;
		if (found != NULL)
			return err_set(err, USHER_E_CONFLICT, text,
			    "both %s and %s begin so; give more digits", found->thumbprint,
			    c->thumbprint);
		found = c;
	}
	if (found == NULL)
		return err_set(err, USHER_E_ABSENT, text,
		    "there is no such certificate; `usher cert list` has all there are");
	*out = found;
	return USHER_OK;
}

const struct certificate *
certs_at(const struct cert_list *all, const char *thumbprint)
{
	for (size_t i = 0; thumbprint != NULL && i < all->n; i++)
		if (slice_is_nocase(slice_of(all->v[i].thumbprint), thumbprint))
			return &all->v[i];
	return NULL;
}

struct operands {
	struct arena *mem;
	const struct cert_list *all;
	const struct certificate **v;
	size_t n;
};

static usher_status
take_operand(struct operands *o, const char *text, struct usher_error *err)
{
	const struct certificate *c = NULL;
	usher_status st = certs_find(o->all, text, &c, err);

	for (size_t i = 0; st == USHER_OK && i < o->n; i++)
		if (o->v[i] == c)
			return USHER_OK;
	if (st == USHER_OK)
		o->v[o->n++] = c;
	return st;
}

static usher_status
take_standard_input(struct operands *o, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text;
	struct slice rest;
	usher_status st;

	buf_init(&text, OPERANDS_BYTES);
	st = cli_read_file("-", &text, err);
	for (rest = slice_trim(buf_as_slice(&text)); st == USHER_OK && rest.n > 0;
	     rest = slice_trim(rest)) {
		size_t n = 0;
		const char *word;

		while (n < rest.n && !text_is_space(rest.p[n]))
			n++;
		word = arena_copy(o->mem, slice_from(rest.p, n));
		st = word == NULL ? err_nomem(err, NULL) : take_operand(o, word, err);
		rest = slice_skip(rest, n);
	}
	return st;
}

usher_status
certs_operands(struct cli *cli, const struct cert_list *all, const struct certificate ***out,
    size_t *n, struct usher_error *err)
{
	struct operands o = { .mem = cli->mem, .all = all };
	usher_status st = USHER_OK;

	o.v = arena_array(cli->mem, all->n, sizeof(struct certificate *));
	if (o.v == NULL)
		return err_nomem(err, "certificates");
	for (size_t i = 0; st == USHER_OK && i < cli->n_operands; i++)
		st = strcmp(cli->operands[i], "-") == 0 ? take_standard_input(&o, err) :
							  take_operand(&o, cli->operands[i], err);
	if (st == USHER_OK && o.n == 0)
		st = err_set(err, USHER_E_USAGE, "standard input", "has no thumbprint");
	*out = o.v;
	*n = o.n;
	return st;
}

/* ---- services ---- */

const char *
cert_service_name(const char *text)
{
	/* Exchange has these besides; what serves them is told by `usher cert export`. */
	static const char *const names[] = { "https", "imap", "pop", "smtp", "um" };

	if (slice_is_nocase(slice_of(text), "iis"))
		return names[0];
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_is_nocase(slice_of(text), names[i]))
			return names[i];
	return NULL;
}

bool
cert_is_for_https(const struct certificate *c)
{
	for (size_t i = 0; i < c->services.n; i++)
		if (slice_is_nocase(slice_of(c->services.v[i]), "https"))
			return true;
	return false;
}

/* ---- judging ---- */

static usher_status
add_root(const void *record, void *payload)
{
	const struct authority *a = record;
	struct buf *anchors = payload;

	buf_text(anchors, a->pem);
	buf_char(anchors, '\n');
	return anchors->status;
}

usher_status
judge_open(struct judge *j, struct cli *cli, struct dir *dir, const struct judge_args *args,
    struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) anchors;
	usher_status st;

	*j = (struct judge){ .cli = cli, .dir = dir, .args = args };
	buf_init(&anchors, ANCHORS_BYTES);
	st = dir_each(dir, &entities[ENTITY_AUTHORITY], NULL, add_root, &anchors, err);
	if (anchors.status != USHER_OK)
		return err_set(err, anchors.status, "authorities", "too many for the memory");
	if (st != USHER_OK)
		return st;
	return trust_open(
	    args == NULL ? NULL : args->ca_file, buf_as_slice(&anchors), false, &j->trust, err);
}

void
judge_close(struct judge *j)
{
	trust_free(j->trust);
	j->trust = NULL;
}

static usher_status
judge_request(
    struct arena *mem, const struct certificate *c, struct judgement *out, struct usher_error *err)
{
	struct request request;
	usher_status st = request_read(mem, slice_of(c->request), &request, err);

	out->verdict = (struct verdict){ .status = CERT_PENDING_REQUEST };
	if (st == USHER_OK) {
		out->verdict.key = request.key;
		out->verdict.signature = request.signature;
	}
	return st == USHER_E_NOMEM ? st : USHER_OK;
}

static usher_status
look_for_key(const struct judge *j, const struct certificate *c, struct buf *key,
    enum key_state *out, struct usher_error *err)
{
	struct usher_error why = { 0 };
	usher_status st = cert_key_get(dir_stem(j->dir), c->sha256, key, &why);

	*out = st == USHER_OK ? KEY_HERE : st == USHER_E_ABSENT ? KEY_MISSING : KEY_UNKNOWN;
	return st == USHER_E_NOMEM ? err_nomem(err, c->thumbprint) : USHER_OK;
}

usher_status
judge_certificate(const struct judge *j, struct arena *mem, const struct certificate *c,
    const struct text_list *hosts, struct judgement *out, struct usher_error *err)
{
	int64_t now_s = j->cli->now_ms / 1000;
	struct verdict_question question = {
		.pem = slice_of(c->pem),
		.hosts = hosts,
		.trust = j->trust,
		.now_s = now_s,
	};
	struct buf key;
	usher_status st;

	*out = (struct judgement){ 0 };
	buf_init(&key, CERT_KEY_BYTES);
	st = look_for_key(j, c, &key, &out->key, err);
	if (st == USHER_OK && c->pem == NULL) {
		st = judge_request(mem, c, out, err);
	} else if (st == USHER_OK) {
		question.key_pem = buf_as_slice(&key);
		if (j->args != NULL && j->args->check_revocation)
			st = revocation_ask(mem, question.pem, j->trust, now_s, j->args->timeout_ms,
			    &question.revocation, &out->trouble, err);
		if (st == USHER_OK)
			st = verdict_of(mem, &question, &out->verdict, err);
	}
	buf_wipe(&key);
	return st;
}
