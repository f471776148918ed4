/* keys.c - private keys inside a transaction. */
#include "cli/keys.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "cert/store.h"

enum { FIRST_ROOM = 16 };

/* Names of all key files that have a row. */
struct known {
	struct arena *mem;
	const struct entity *entity;
	const char **v;
	size_t n, room;
};

const char *
keys_name(const struct entity *e, const void *record)
{
	if (e->id == ENTITY_CERTIFICATE)
		return ((const struct certificate *)record)->sha256;
	if (e->id == ENTITY_AUTHORITY)
		return ((const struct authority *)record)->sha256;
	return NULL;
}

static usher_status
know(const void *record, void *payload)
{
	struct known *k = payload;

	if (k->n == k->room) {
		size_t room = k->room == 0 ? FIRST_ROOM : k->room * 2;
		const char **v = arena_array(k->mem, room, sizeof(*v));

		if (v == NULL)
			return USHER_E_NOMEM;
		if (k->n > 0)
			memcpy(v, k->v, k->n * sizeof(*v));
		k->v = v;
		k->room = room;
	}
	k->v[k->n] = arena_strdup(k->mem, keys_name(k->entity, record));
	return k->v[k->n++] == NULL ? USHER_E_NOMEM : USHER_OK;
}

usher_status
keys_sweep(struct changes *c, struct usher_error *err)
{
	static const enum entity_id with_keys[] = { ENTITY_CERTIFICATE, ENTITY_AUTHORITY };
	struct known known = { .mem = c->cli->mem };

	assert(c->counts[DIR_REMOVED] == 0);
	if (c->cli->dry_run)
		return USHER_OK;
	for (size_t i = 0; i < COUNT_OF(with_keys); i++) {
		usher_status st;

		known.entity = &entities[with_keys[i]];
		st = dir_each(c->dir, known.entity, NULL, know, &known, err);
		if (st == USHER_E_NOMEM)
			return err_nomem(err, "keys");
		if (st != USHER_OK)
			return st;
	}
	return cert_key_sweep(dir_stem(c->dir), &(struct text_list){ known.v, known.n }, err);
}

void
keys_tidy(struct cli *cli)
{
	struct changes *c = arena_zalloc(cli->mem, sizeof(*c));
	const char *uri;

	if (c == NULL || cli_directory(cli, &uri, NULL) != USHER_OK ||
	    cli_dir_open(cli, uri, DIR_WRITE, &c->dir, NULL) != USHER_OK)
		return;
	c->cli = cli;
	if (dir_begin(c->dir, NULL) == USHER_OK)
		(void)err_same(keys_sweep(c, NULL));
	dir_close(c->dir);
}

usher_status
keys_put(struct changes *c, const char *sha256, struct slice key_pem, struct usher_error *err)
{
	usher_status st = keys_sweep(c, err);

	if (st != USHER_OK || c->cli->dry_run)
		return st;
	return cert_key_put(dir_stem(c->dir), sha256, key_pem, err);
}
