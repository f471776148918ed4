/* cert_wish.c - the names, the subject and the key that `usher cert new` and `request` ask for. */
#include "cli/cert_wish.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/names.h"

enum { NAMES_TYPED_MAX = 4 * CERT_NAMES_MAX };

usher_status
cert_check_friendly_name(const char *name, struct usher_error *err)
{
	size_t characters = 0;

	for (const char *p = name; *p != '\0'; p++)
		characters += ((unsigned char)*p & 0xc0) != 0x80;
	if (characters > FRIENDLY_NAME_MAX)
		return err_set(err, USHER_E_USAGE, "--friendly-name",
		    "has %zu characters; %d are allowed", characters, FRIENDLY_NAME_MAX);
	return USHER_OK;
}

usher_status
cert_wish_read(struct cli *cli, const struct cert_wish_args *args, struct cert_wish *out,
    struct usher_error *err)
{
	enum cert_key_kind kind;
	int rsa_bits;
	usher_status st;

	*out = (struct cert_wish){ .args = args, .friendly_name = args->friendly_name };
	buf_init(&out->key, CERT_KEY_BYTES);
	st = cert_key_parse(
	    slice_of(args->key == NULL ? CERT_WISH_KEY : args->key), &kind, &rsa_bits, err);
	if (st == USHER_OK && args->subject != NULL)
		st = subject_parse(cli->mem, slice_of(args->subject), &out->subject, err);
	if (st == USHER_OK && args->friendly_name != NULL)
		st = cert_check_friendly_name(args->friendly_name, err);
	return st == USHER_OK ? cert_key_make(kind, rsa_bits, &out->key, err) : st;
}

const char *
cert_key_word(const char *text)
{
	static const char *const words[][2] = {
		{ "RSA 2048", "rsa2048" },
		{ "RSA 3072", "rsa3072" },
		{ "RSA 4096", "rsa4096" },
		{ "ECDSA P-256", "p256" },
		{ "ECDSA P-384", "p384" },
		{ "Ed25519", "ed25519" },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i][0], text) == 0)
			return words[i][1];
	return NULL;
}

void
cert_wish_clear(struct cert_wish *w)
{
	buf_wipe(&w->key);
}

/* ---- names ---- */

struct gathering {
	struct arena *mem;
	const struct cert_wish_args *args;
	const char **v;
	size_t n;
};

static usher_status
add(struct gathering *g, const char *name)
{
	if (g->n == NAMES_TYPED_MAX)
		return USHER_E_LIMIT;
	g->v[g->n++] = name;
	return name == NULL ? USHER_E_NOMEM : USHER_OK;
}

static usher_status
add_domain(const void *record, void *payload)
{
	const struct domain *d = record;
	struct gathering *g = payload;
	usher_status st = USHER_OK;

	if (g->args->accepted_domains)
		st = add(g, arena_strdup(g->mem, d->domain));
	if (st == USHER_OK && g->args->autodiscover)
		st = add(g, arena_join(g->mem, "autodiscover.", d->domain));
	return st;
}

static usher_status
add_server(const void *record, void *payload)
{
	const struct server *s = record;
	struct gathering *g = payload;
	usher_status st = USHER_OK;

	if (g->args->server != NULL && !slice_is_nocase(slice_of(s->name), g->args->server))
		return USHER_OK;
	if (g->args->fqdn)
		st = add(g, arena_strdup(g->mem, s->fqdn));
	if (st == USHER_OK && g->args->netbios)
		st = add(g, text_lower_copy(g->mem, slice_of(s->name)));
	return st;
}

/* The common name is one of the names, as Exchange has it, unless it is not a host's. */
static usher_status
add_common_name(struct gathering *g, const struct subject *subject)
{
	const char *common_name = subject_common_name(subject), *name;

	if (common_name == NULL ||
	    cert_name_parse(g->mem, slice_of(common_name), &name, NULL) != USHER_OK)
		return USHER_OK;
	return add(g, name);
}

static usher_status
gather(struct gathering *g, struct dir *dir, const struct subject *subject, struct usher_error *err)
{
	const struct cert_wish_args *args = g->args;
	usher_status st = add_common_name(g, subject);
	size_t before;

	for (size_t i = 0; st == USHER_OK && i < args->domains.n; i++)
		st = add(g, args->domains.v[i]);
	if (st == USHER_OK && (args->accepted_domains || args->autodiscover))
		st = dir_each(dir, &entities[ENTITY_DOMAIN], NULL, add_domain, g, err);
	before = g->n;
	if (st == USHER_OK && (args->fqdn || args->netbios))
		st = dir_each(dir, &entities[ENTITY_SERVER], NULL, add_server, g, err);
	if (st == USHER_E_LIMIT)
		return err_set(
		    err, st, "names", "more than %d; make several certificates", CERT_NAMES_MAX);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "names");
	if (st == USHER_OK && (args->fqdn || args->netbios) && g->n == before)
		return err_set(err, USHER_E_ABSENT, args->server,
		    "there is no such server whose names could be included");
	return st;
}

usher_status
cert_wish_names(struct cli *cli, struct dir *dir, struct cert_wish *w, struct usher_error *err)
{
	struct gathering g = { .mem = cli->mem, .args = w->args };
	usher_status st;

	g.v = arena_array(cli->mem, NAMES_TYPED_MAX, sizeof(*g.v));
	if (g.v == NULL)
		return err_nomem(err, "names");
	st = gather(&g, dir, &w->subject, err);
	if (st == USHER_OK && g.n == 0)
		return err_set(err, USHER_E_USAGE, cli->command->name,
		    "say for which names: --domain NAME, or --include-autodiscover, "
		    "--include-accepted-domains, --include-fqdn");
	if (st == USHER_OK)
		st = cert_names_parse(cli->mem, &(struct text_list){ g.v, g.n }, &w->names, err);
	if (st == USHER_OK && w->args->subject == NULL)
		st = subject_of_host(cli->mem, w->names.v[0], &w->subject, err);
	if (st == USHER_OK && w->friendly_name == NULL)
		w->friendly_name = w->names.v[0];
	return st;
}
