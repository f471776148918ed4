/* tls_set.c - certificates of a listener, and which of them a name gets. */
#include "server/tls_set.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { NAME_MAX_BYTES = 255, FIRST_SLOTS = 16, SIDE_BY_SIDE = 3 };

/* What a name is answered with: certificates with keys of different kinds, the first in front. */
struct choice {
	struct identity *v[SIDE_BY_SIDE]; /* then NULL */
	bool alone;			  /* nothing else may join */
};

struct name {
	char *text; /* lower case, no last dot; NULL: free slot */
	struct choice choice;
};

struct tls_set {
	atomic_uint refs;
	struct tls_tickets *tickets;
	SSL_CTX *context;	  /* with `nameless`; NULL: there is none yet */
	pthread_mutex_t *reading; /* held while what was to be read later is read */
	struct identity *all;	  /* the last one added comes first */
	struct choice nameless;	  /* for clients without a name; v[0] is the first one added */
	const char *first_name;	  /* of nameless.v[0], of those it is chosen for; NULL: none yet */
	struct name *slots;	  /* open addressing, at most half full */
	size_t n_slots;		  /* a power of two, or 0 */
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

/* Gives the choice one more, when that goes. False: it stays as it is. */
static bool
join(struct choice *choice, struct identity *c)
{
	size_t n = 0;

	if (choice->alone)
		return false;
	for (; n < SIDE_BY_SIDE && choice->v[n] != NULL; n++)
		if (!identity_goes_with(choice->v[n], c))
			return false;
	if (n == SIDE_BY_SIDE)
		return false;
	choice->v[n] = c;
	return true;
}

static bool
use(SSL_CTX *context, const struct credentials *c)
{
	return SSL_CTX_use_cert_and_key(context, c->leaf, c->key, c->chain, 1) == 1;
}

static usher_status
cannot_use(const struct identity *c, struct usher_error *err)
{
	return err_set(
	    err, USHER_E_INPUT, c->label, "the certificate cannot be used: %s", tls_reason());
}

static usher_status
add_name(
    struct tls_set *set, struct identity *c, bool alone, struct slice name, struct usher_error *err)
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
	if (slot->text == NULL) {
		slot->text = strdup(key);
		if (slot->text == NULL)
			return err_nomem(err, "certificates");
		slot->choice = (struct choice){ { c }, alone };
		set->n_names++;
		if (c == set->nameless.v[0] && set->first_name == NULL && !alone)
			set->first_name = slot->text;
		return USHER_OK;
	}
	/* Who has no name to send gets what the first certificate's name gets. */
	if (!alone && join(&slot->choice, c) && slot->text == set->first_name) {
		set->nameless = slot->choice;
		if (!use(set->context, &c->made))
			return cannot_use(c, err);
	}
	return USHER_OK;
}

static usher_status
add_own_names(struct tls_set *set, struct identity *c, bool alone, struct usher_error *err)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->made.leaf, NID_subject_alt_name, NULL, NULL);
	usher_status st = USHER_OK;

	for (int i = 0; st == USHER_OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			st = add_name(set, c, alone,
			    slice_from(ASN1_STRING_get0_data(n->d.dNSName),
				(size_t)ASN1_STRING_length(n->d.dNSName)),
			    err);
	}
	GENERAL_NAMES_free(names);
	return st;
}

static const struct choice *
choose(const struct tls_set *set, const char *name)
{
	char key[NAME_MAX_BYTES + 1];
	char *dot;
	const struct name *slot;

	if (name == NULL || set->n_slots == 0 || !name_key(slice_of(name), key))
		return &set->nameless;
	slot = find_slot(set, key);
	dot = strchr(key, '.');
	if (slot->text == NULL && dot != NULL && dot > key) {
		/* `*` stands for exactly one label (RFC 6125, 6.4.3). */
		*--dot = '*';
		slot = find_slot(set, dot);
	}
	return slot->text == NULL ? &set->nameless : &slot->choice;
}

const char *
tls_set_choose(const struct tls_set *set, const char *name)
{
	const struct identity *c = choose(set, name)->v[0];

	return c == NULL ? NULL : c->label;
}

/* ---- using ---- */

SSL_CTX *
tls_set_context(const struct tls_set *set)
{
	return set->context;
}

struct identity *
tls_set_signer(const struct tls_set *set, const char *name, const struct credentials **out)
{
	const struct choice *choice = choose(set, name);
	struct identity *any = NULL;

	for (size_t i = 0; i < SIDE_BY_SIDE && choice->v[i] != NULL; i++) {
		const struct credentials *c = identity_credentials(choice->v[i], set->reading);

		if (c == NULL || (any != NULL && !identity_signs(c)))
			continue;
		any = choice->v[i];
		*out = c;
		if (identity_signs(c))
			break;
	}
	return any;
}

bool
tls_set_use(const struct tls_set *set, SSL *ssl, const char *name)
{
	const struct choice *choice = choose(set, name);

	/* The context has these already. */
	if (memcmp(choice->v, set->nameless.v, sizeof(choice->v)) == 0)
		return true;
	/* Beside a key of another kind those would stay, and could be what is shown. */
	SSL_certs_clear(ssl);
	for (size_t i = 0; i < SIDE_BY_SIDE && choice->v[i] != NULL; i++) {
		const struct credentials *c = identity_credentials(choice->v[i], set->reading);

		if (c == NULL || SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) != 1)
			return false;
	}
	return true;
}

struct tls_staple *
tls_set_staple(const struct tls_set *set, const SSL *ssl, const char *name)
{
	const struct choice *choice = choose(set, name);
	const X509 *shown = SSL_get_certificate(ssl);

	for (size_t i = 0; i < SIDE_BY_SIDE && choice->v[i] != NULL; i++)
		if (choice->v[i]->made.leaf == shown)
			return choice->v[i]->staple;
	return NULL;
}

/* ---- adding ---- */

/* What belongs to every connection of the set, and the certificate for those without a name. */
static usher_status
make_context(struct tls_set *set, const struct identity *c, struct usher_error *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	usher_status st = USHER_OK;

	if (context == NULL || !tls_context_setup(context))
		st = err_nomem(err, c->label);
	else if (!use(context, &c->made))
		st = cannot_use(c, err);
	if (st == USHER_OK && set->tickets != NULL)
		tls_tickets_use(set->tickets, context);
	if (st == USHER_OK)
		set->context = context;
	else
		SSL_CTX_free(context);
	ERR_clear_error();
	return st;
}

static struct identity *
take(struct tls_set *set, struct identity *c)
{
	c->next = set->all;
	set->all = c;
	return c;
}

usher_status
tls_set_add(struct tls_set *set, const struct tls_given *given, struct identity **out,
    struct usher_error *err)
{
	struct identity *c;
	usher_status st = identity_new(given, &c, err);

	if (st != USHER_OK)
		return st;
	st = identity_read(c, given, err);
	if (st == USHER_OK && set->nameless.v[0] == NULL)
		st = make_context(set, c, err);
	if (st != USHER_OK) {
		identity_free(c);
		return st;
	}
	if (set->nameless.v[0] == NULL)
		set->nameless.v[0] = c;
	*out = take(set, c);
	return USHER_OK;
}

usher_status
tls_set_add_later(struct tls_set *set, const struct tls_given *given, struct identity **out,
    struct usher_error *err)
{
	struct identity *c;
	usher_status st = identity_new(given, &c, err);

	if (st != USHER_OK)
		return st;
	st = identity_keep(c, given, err);
	if (st == USHER_OK)
		*out = take(set, c);
	else
		identity_free(c);
	return st;
}

usher_status
tls_set_add_names(struct tls_set *set, struct identity *c, bool alone, const char *const *names,
    size_t n, struct usher_error *err)
{
	usher_status st = USHER_OK;

	if (n == 0)
		return add_own_names(set, c, alone, err);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = add_name(set, c, alone, slice_of(names[i]), err);
	return st;
}
