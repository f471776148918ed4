/* tls_set.c - certificates of a listener, and which of them a name gets. */
#include "server/tls_set.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum { PEM_MAX_BYTES = 1024 * 1024, CHAIN_MAX = 16, NAME_MAX_BYTES = 255, FIRST_SLOTS = 16 };

/* One certificate of the set, or the texts to make it of when it is first asked for. */
struct identity {
	struct identity *next;
	char *label;
	struct buf chain_pem, key_pem;
	struct credentials made;
	atomic_bool ready; /* `made` is filled in and stays as it is */
};

struct name {
	char *text; /* lower case, no last dot; NULL: free slot */
	struct identity *certificate;
};

struct tls_set {
	atomic_uint refs;
	struct tls_tickets *tickets;
	SSL_CTX *context;	  /* with the first certificate; NULL: there is none yet */
	pthread_mutex_t *reading; /* held while what was to be read later is read */
	struct identity *all;	  /* the last one added comes first */
	struct identity *first;
	struct name *slots; /* open addressing, at most half full */
	size_t n_slots;	    /* a power of two, or 0 */
	size_t n_names;
};

usher_status
tls_set_new(const struct tls_options *options, struct tls_set **out, struct usher_error *err)
{
	struct tls_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return err_nomem(err, "certificates");
	atomic_init(&set->refs, 1);
	set->reading = malloc(sizeof(pthread_mutex_t));
	if (set->reading == NULL || pthread_mutex_init(set->reading, NULL) != 0) {
		free(set->reading);
		free(set);
		return err_nomem(err, "certificates");
	}
	set->tickets = tls_tickets_ref(options->tickets);
	*out = set;
	return USHER_OK;
}

struct tls_set *
tls_set_ref(struct tls_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

static void
credentials_clear(struct credentials *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	*c = (struct credentials){ 0 };
}

static void
identity_free(struct identity *c)
{
	if (c == NULL)
		return;
	credentials_clear(&c->made);
	buf_clear(&c->chain_pem);
	buf_wipe(&c->key_pem);
	free(c->label);
	free(c);
}

void
tls_set_unref(struct tls_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
		return;
	while (set->all != NULL) {
		struct identity *next = set->all->next;

		identity_free(set->all);
		set->all = next;
	}
	for (size_t i = 0; i < set->n_slots; i++)
		free(set->slots[i].text);
	free(set->slots);
	SSL_CTX_free(set->context);
	(void)pthread_mutex_destroy(set->reading);
	free(set->reading);
	tls_tickets_unref(set->tickets);
	free(set);
}

/* ---- names ---- */

/* Lower case without the last dot. False when it is empty or too long to be a host name. */
static bool
name_key(struct slice name, char out[NAME_MAX_BYTES + 1])
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.n; i++)
		out[i] = text_lower(name.p[i]);
	out[name.n] = '\0';
	return true;
}

static struct name *
find_slot(const struct tls_set *set, const char *key)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a; only we choose the keys */
	size_t at;

	for (const char *p = key; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211U;
	for (at = hash & (set->n_slots - 1); set->slots[at].text != NULL;
	     at = (at + 1) & (set->n_slots - 1))
		if (strcmp(set->slots[at].text, key) == 0)
			break;
	return &set->slots[at];
}

static usher_status
make_room(struct tls_set *set, struct usher_error *err)
{
	struct name *old = set->slots;
	size_t n = set->n_slots;

	if (set->n_names < n / 2)
		return USHER_OK;
	if (set->n_names >= TLS_MAX_NAMES)
		return err_set(
		    err, USHER_E_LIMIT, "certificates", "more than %d host names", TLS_MAX_NAMES);
	set->slots = calloc(n == 0 ? FIRST_SLOTS : n * 2, sizeof(*set->slots));
	if (set->slots == NULL) {
		set->slots = old;
		return err_nomem(err, "certificates");
	}
	set->n_slots = n == 0 ? FIRST_SLOTS : n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i].text != NULL)
			*find_slot(set, old[i].text) = old[i];
	free(old);
	return USHER_OK;
}

static usher_status
add_name(struct tls_set *set, struct identity *c, struct slice name, struct usher_error *err)
{
	char key[NAME_MAX_BYTES + 1];
	struct name *slot;
	usher_status st;

	if (!name_key(name, key))
		return USHER_OK; /* nobody can ask for it */
	st = make_room(set, err);
	if (st != USHER_OK)
		return st;
	slot = find_slot(set, key);
	if (slot->text != NULL)
		return USHER_OK;
	slot->text = strdup(key);
	if (slot->text == NULL)
		return err_nomem(err, "certificates");
	slot->certificate = c;
	set->n_names++;
	return USHER_OK;
}

static usher_status
add_own_names(struct tls_set *set, struct identity *c, struct usher_error *err)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->made.leaf, NID_subject_alt_name, NULL, NULL);
	usher_status st = USHER_OK;

	for (int i = 0; st == USHER_OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			st = add_name(set, c,
			    slice_from(ASN1_STRING_get0_data(n->d.dNSName),
				(size_t)ASN1_STRING_length(n->d.dNSName)),
			    err);
	}
	GENERAL_NAMES_free(names);
	return st;
}

static struct identity *
choose(const struct tls_set *set, const char *name)
{
	char key[NAME_MAX_BYTES + 1];
	char *dot;
	const struct name *slot;

	if (name == NULL || set->n_slots == 0 || !name_key(slice_of(name), key))
		return set->first;
	slot = find_slot(set, key);
	dot = strchr(key, '.');
	if (slot->text == NULL && dot != NULL && dot > key) {
		/* `*` stands for exactly one label (RFC 6125, 6.4.3). */
		*--dot = '*';
		slot = find_slot(set, dot);
	}
	return slot->text == NULL ? set->first : slot->certificate;
}

const char *
tls_set_choose(const struct tls_set *set, const char *name)
{
	const struct identity *c = choose(set, name);

	return c == NULL ? NULL : c->label;
}

/* ---- reading ---- */

static int
no_passphrase(char *p, int n, int writing, void *arg)
{
	(void)p;
	(void)n;
	(void)writing;
	(void)arg;
	return 0;
}

static usher_status
read_chain(struct credentials *c, const char *label, struct slice pem, struct usher_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	usher_status st = USHER_OK;
	X509 *x;
	int n;

	if (bio == NULL)
		return err_nomem(err, label);
	for (n = 0; st == USHER_OK && n <= CHAIN_MAX; n++) {
		x = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
		if (x == NULL)
			break;
		if (n == 0) {
			c->leaf = x;
			continue;
		}
		if (c->chain == NULL)
			c->chain = sk_X509_new_null();
		if (c->chain == NULL || sk_X509_push(c->chain, x) == 0) {
			X509_free(x);
			st = err_nomem(err, label);
		}
	}
	BIO_free(bio);
	if (st == USHER_OK && n == 0)
		st = err_set(err, USHER_E_INPUT, label, "no PEM certificate in it");
	if (st == USHER_OK && n > CHAIN_MAX)
		st = err_set(
		    err, USHER_E_INPUT, label, "more than %d certificates in one chain", CHAIN_MAX);
	ERR_clear_error();
	return st;
}

static usher_status
read_key(struct credentials *c, const char *label, struct slice pem, struct usher_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	usher_status st = USHER_OK;

	if (bio == NULL)
		return err_nomem(err, label);
	c->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (c->key == NULL)
		st = err_set(err, USHER_E_INPUT, label,
		    "no PEM private key in it, or one with a passphrase");
	else if (X509_check_private_key(c->leaf, c->key) != 1)
		st = err_set(err, USHER_E_INPUT, label,
		    "the private key does not belong to the certificate");
	ERR_clear_error();
	return st;
}

static usher_status
read_credentials(struct identity *c, const char *key_label, struct slice chain, struct slice key,
    struct usher_error *err)
{
	usher_status st = read_chain(&c->made, c->label, chain, err);

	if (st == USHER_OK)
		st = read_key(&c->made, key_label, key, err);
	if (st == USHER_OK)
		atomic_store_explicit(&c->ready, true, memory_order_release);
	else
		credentials_clear(&c->made);
	return st;
}

/* What belongs to every connection of the set, and the certificate for those without a name. */
static usher_status
make_context(struct tls_set *set, const struct identity *c, struct usher_error *err)
{
	usher_status st = USHER_OK;

	set->context = SSL_CTX_new(TLS_server_method());
	if (set->context == NULL || !tls_context_setup(set->context))
		return err_nomem(err, c->label);
	if (set->tickets != NULL)
		tls_tickets_use(set->tickets, set->context);
	if (SSL_CTX_use_cert_and_key(set->context, c->made.leaf, c->made.key, c->made.chain, 1) !=
	    1)
		st = err_set(err, USHER_E_INPUT, c->label, "the certificate cannot be used: %s",
		    tls_reason());
	ERR_clear_error();
	if (st != USHER_OK) {
		SSL_CTX_free(set->context);
		set->context = NULL;
	}
	return st;
}

/* ---- using ---- */

SSL_CTX *
tls_set_context(const struct tls_set *set)
{
	return set->context;
}

/* What could not be read is tried again by the next who asks: memory may be back. */
static const struct credentials *
credentials_of(const struct tls_set *set, struct identity *c)
{
	bool ready = c != NULL && atomic_load_explicit(&c->ready, memory_order_acquire);

	if (c == NULL || ready)
		return c == NULL ? NULL : &c->made;
	(void)pthread_mutex_lock(set->reading);
	ready = atomic_load_explicit(&c->ready, memory_order_relaxed) ||
		read_credentials(c, c->label, buf_as_slice(&c->chain_pem),
		    buf_as_slice(&c->key_pem), NULL) == USHER_OK;
	(void)pthread_mutex_unlock(set->reading);
	return ready ? &c->made : NULL;
}

const struct credentials *
tls_set_credentials(const struct tls_set *set, const char *name)
{
	return credentials_of(set, choose(set, name));
}

bool
tls_set_use(const struct tls_set *set, SSL *ssl, const char *name)
{
	struct identity *chosen = choose(set, name);
	const struct credentials *c;

	/* The first one is in the context already. */
	if (chosen == set->first)
		return true;
	c = credentials_of(set, chosen);
	if (c == NULL)
		return false;
	/* Beside a key of another kind the first one would stay, and could be what is shown. */
	SSL_certs_clear(ssl);
	return SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) == 1;
}

/* ---- adding ---- */

/* Gives the set a certificate of which nothing has been read yet. */
static usher_status
begin(struct tls_set *set, const char *label, size_t chain_n, size_t key_n, struct identity **out,
    struct usher_error *err)
{
	struct identity *c;

	if (chain_n > PEM_MAX_BYTES || key_n > PEM_MAX_BYTES)
		return err_set(err, USHER_E_INPUT, label, "larger than %d bytes", PEM_MAX_BYTES);
	c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->label = strdup(label);
	if (c == NULL || c->label == NULL) {
		identity_free(c);
		return err_nomem(err, label);
	}
	c->next = set->all;
	set->all = c;
	*out = c;
	return USHER_OK;
}

static usher_status
add(struct tls_set *set, const char *label, const char *key_label, struct slice chain,
    struct slice key, const char *const *names, size_t n_names, struct usher_error *err)
{
	struct identity *c;
	usher_status st = begin(set, label, chain.n, key.n, &c, err);

	if (st == USHER_OK)
		st = read_credentials(c, key_label, chain, key, err);
	if (st == USHER_OK && set->first == NULL)
		st = make_context(set, c, err);
	if (st != USHER_OK)
		return st;
	if (set->first == NULL)
		set->first = c;
	if (n_names == 0)
		return add_own_names(set, c, err);
	for (size_t i = 0; st == USHER_OK && i < n_names; i++)
		st = add_name(set, c, slice_of(names[i]), err);
	return st;
}

usher_status
tls_set_add_later(struct tls_set *set, const char *label, struct slice chain_pem,
    struct slice key_pem, const char *const *names, size_t n_names, struct usher_error *err)
{
	struct identity *c;
	usher_status st = begin(set, label, chain_pem.n, key_pem.n, &c, err);

	if (st != USHER_OK)
		return st;
	buf_init(&c->chain_pem, chain_pem.n);
	buf_init(&c->key_pem, key_pem.n);
	buf_slice(&c->chain_pem, chain_pem);
	buf_slice(&c->key_pem, key_pem);
	if (c->chain_pem.status != USHER_OK || c->key_pem.status != USHER_OK)
		return err_nomem(err, label);
	for (size_t i = 0; st == USHER_OK && i < n_names; i++)
		st = add_name(set, c, slice_of(names[i]), err);
	return st;
}

usher_status
tls_set_add_pem(struct tls_set *set, const char *label, struct slice chain_pem,
    struct slice key_pem, const char *const *names, size_t n_names, struct usher_error *err)
{
	return add(set, label, label, chain_pem, key_pem, names, n_names, err);
}

static usher_status
read_file(const char *path, struct buf *out, struct usher_error *err)
{
	FILE *f = fopen(path, "rbe");
	char *to;

	buf_init(out, PEM_MAX_BYTES + 1);
	if (f == NULL)
		return err_set(err, USHER_E_IO, path, "cannot be read: %s", strerror(errno));
	to = buf_reserve(out, PEM_MAX_BYTES + 1);
	if (to != NULL)
		buf_used(out, fread(to, 1, PEM_MAX_BYTES + 1, f));
	if (ferror(f))
		out->status = err_set(err, USHER_E_IO, path, "cannot be read");
	(void)fclose(f);
	if (to == NULL)
		return err_nomem(err, path);
	return out->status;
}

usher_status
tls_set_add(struct tls_set *set, const char *chain_file, const char *key_file,
    const char *const *names, size_t n_names, struct usher_error *err)
{
	struct buf chain = { 0 }, key = { 0 };
	usher_status st = read_file(chain_file, &chain, err);

	if (st == USHER_OK)
		st = read_file(key_file, &key, err);
	if (st == USHER_OK)
		st = add(set, chain_file, key_file, buf_as_slice(&chain), buf_as_slice(&key), names,
		    n_names, err);
	buf_clear(&chain);
	buf_wipe(&key);
	return st;
}
