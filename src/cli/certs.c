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

/* Appends the words of `text`. */
static bool
append_words(struct arena *mem, struct slice text, const char **v, size_t *n)
{
	while ((text = slice_trim(text)).n > 0) {
		size_t end = 0;

		while (end < text.n && !text_is_space(text.p[end]))
			end++;
		v[*n] = arena_copy(mem, slice_from(text.p, end));
		if (v[(*n)++] == NULL)
			return false;
		text = slice_skip(text, end);
	}
	return true;
}

usher_status
certs_read_operands(struct cli *cli, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text;
	const char **v;
	usher_status st = USHER_OK;
	size_t n = 0;

	buf_init(&text, OPERANDS_BYTES);
	for (size_t i = 0; st == USHER_OK && i < cli->n_operands; i++)
		if (strcmp(cli->operands[i], "-") == 0)
			st = cli_read_file("-", &text, err); /* nothing, the second time */
	if (st != USHER_OK)
		return st;
	v = arena_array(cli->mem, cli->n_operands + text.n / 2 + 1, sizeof(*v));
	if (v == NULL || !append_words(cli->mem, buf_as_slice(&text), v, &n))
		return err_nomem(err, NULL);
	for (size_t i = 0; i < cli->n_operands; i++)
		if (strcmp(cli->operands[i], "-") != 0)
			v[n++] = cli->operands[i];
	if (n == 0)
		return err_set(err, USHER_E_USAGE, "standard input", "has no thumbprint");
	cli->operands = v;
	cli->n_operands = n;
	return USHER_OK;
}

usher_status
certs_operands(struct cli *cli, const struct cert_list *all, const struct certificate ***out,
    size_t *n, struct usher_error *err)
{
	const struct certificate **v = arena_array(cli->mem, cli->n_operands, sizeof(*v));
	usher_status st = v == NULL ? err_nomem(err, "certificates") : USHER_OK;
	size_t found = 0;

	for (size_t i = 0; st == USHER_OK && i < cli->n_operands; i++) {
		bool twice = false;

		st = certs_find(all, cli->operands[i], &v[found], err);
		for (size_t k = 0; st == USHER_OK && k < found; k++)
			twice = twice || v[k] == v[found];
		found += st == USHER_OK && !twice;
	}
	*out = v;
	*n = found;
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

struct known_revocation {
	struct known_revocation *next;
	const char *sha256; /* of the certificate */
	enum revocation revocation;
	const char *trouble;
};

static usher_status
keep_revocation(const struct judge *j, const struct certificate *c, enum revocation revocation,
    const char *trouble, struct usher_error *err)
{
	struct arena *mem = j->cli->mem;
	struct known_revocation *k = arena_zalloc(mem, sizeof(*k));

	if (k == NULL)
		return err_nomem(err, c->thumbprint);
	*k = (struct known_revocation){ j->memo->last, arena_strdup(mem, c->sha256), revocation,
		arena_strdup(mem, trouble) };
	if (k->sha256 == NULL || (k->trouble == NULL) != (trouble == NULL))
		return err_nomem(err, c->thumbprint);
	j->memo->last = k;
	return USHER_OK;
}

static usher_status
ask_revocation(const struct judge *j, struct arena *mem, const struct certificate *c,
    enum revocation *out, const char **trouble, struct usher_error *err)
{
	const struct known_revocation *k = j->memo == NULL ? NULL : j->memo->last;
	usher_status st;

	while (k != NULL && strcmp(k->sha256, c->sha256) != 0)
		k = k->next;
	if (k != NULL) {
		*out = k->revocation;
		*trouble = k->trouble;
		return USHER_OK;
	}
	st = revocation_ask(mem, slice_of(c->pem), j->trust, j->cli->now_ms / 1000,
	    j->args->timeout_ms, out, trouble, err);
	return st == USHER_OK && j->memo != NULL ? keep_revocation(j, c, *out, *trouble, err) : st;
}

usher_status
judge_certificate(const struct judge *j, struct arena *mem, const struct certificate *c,
    const struct text_list *hosts, struct judgement *out, struct usher_error *err)
{
	struct verdict_question question = {
		.pem = slice_of(c->pem),
		.hosts = hosts,
		.trust = j->trust,
		.now_s = j->cli->now_ms / 1000,
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
			st = ask_revocation(j, mem, c, &question.revocation, &out->trouble, err);
		if (st == USHER_OK)
			st = verdict_of(mem, &question, &out->verdict, err);
	}
	buf_wipe(&key);
	return st;
}
