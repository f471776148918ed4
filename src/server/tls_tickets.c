/* tls_tickets.c - keys that seal sessions into tickets (RFC 5077, 4), shared and rotated. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "server/ticket_ring.h"
#include "server/tls_set.h"

enum { TICKET_IV_BYTES = 16 };

struct tls_tickets {
	atomic_uint refs;
	EVP_CIPHER *cipher; /* fetched once: a fetch per ticket costs more than the sealing */
	pthread_mutex_t lock;
	struct ticket_ring ring; /* under `lock` */
};

usher_status
tls_tickets_new(struct tls_tickets **out, struct usher_error *err)
{
	struct tls_tickets *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(err, "session tickets");
	atomic_init(&t->refs, 1);
	t->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (t->cipher == NULL || !ticket_ring_init(&t->ring, clock_mono_ms())) {
		EVP_CIPHER_free(t->cipher);
		free(t);
		return err_set(err, USHER_E_INTERNAL, "session tickets",
		    "no cipher or no randomness to make keys with");
	}
	(void)pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return USHER_OK;
}

struct tls_tickets *
tls_tickets_ref(struct tls_tickets *tickets)
{
	if (tickets != NULL)
		atomic_fetch_add(&tickets->refs, 1);
	return tickets;
}

void
tls_tickets_unref(struct tls_tickets *tickets)
{
	if (tickets == NULL || atomic_fetch_sub(&tickets->refs, 1) != 1)
		return;
	EVP_CIPHER_free(tickets->cipher);
	(void)pthread_mutex_destroy(&tickets->lock);
	OPENSSL_cleanse(&tickets->ring, sizeof(tickets->ring));
	free(tickets);
}

/* Copies the key called `name`, or the one to seal with when `name` is NULL. */
static enum ticket_age
pick(struct tls_tickets *t, const unsigned char *name, struct ticket_key *out)
{
	enum ticket_age age;

	(void)pthread_mutex_lock(&t->lock);
	ticket_ring_turn(&t->ring, TICKET_ROTATE_S * UINT64_C(1000), clock_mono_ms());
	age = ticket_ring_find(&t->ring, name == NULL ? t->ring.now.name : name, out);
	(void)pthread_mutex_unlock(&t->lock);
	return age;
}

static bool
set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, TICKET_MAC_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb(3) asks for: 0 makes a full handshake, 2 resumes and
 * seals a new ticket. */
static int
ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seal)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key key;
	enum ticket_age age = pick(t, seal ? NULL : name, &key);
	int ok;

	if (age == TICKET_UNKNOWN)
		return 0;
	if (seal) {
		memcpy(name, key.name, TICKET_NAME_BYTES);
		ok = random_bytes(iv, TICKET_IV_BYTES) &&
		     EVP_EncryptInit_ex2(cipher, t->cipher, key.cipher, iv, NULL) == 1;
	} else {
		ok = EVP_DecryptInit_ex2(cipher, t->cipher, key.cipher, iv, NULL) == 1;
	}
	ok = ok && set_mac(mac, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	if (!ok)
		return -1;
	if (seal)
		return 1;
	/* A client of TLS 1.3 uses a ticket once (RFC 8446, C.4): it needs a new one to resume
	 * again. */
	return age == TICKET_FRESH && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

void
tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context)
{
	(void)SSL_CTX_set_app_data(context, tickets);
	(void)SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
	(void)SSL_CTX_set_timeout(context, TICKET_ROTATE_S);
	/* One is enough for a client that asks again; each costs a sealing per handshake. */
	(void)SSL_CTX_set_num_tickets(context, 1);
}
