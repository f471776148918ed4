/* ledger.c - shards, each with its lock, its MAC and buckets of a few slots. */
#include "auth/ledger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "base/err.h"

enum { KEY_BYTES = 32, MAC_BYTES = 32, SHARDS = 16, WAYS = 8 };

struct slot {
	unsigned char mac[MAC_BYTES];
	struct fact fact; /* expires_ms 0: free */
};

struct shard {
	pthread_mutex_t lock;
	EVP_MAC_CTX *mac; /* keyed once: to start it again costs no key schedule */
	struct slot *slots;
};

struct ledger {
	size_t buckets; /* per shard */
	struct shard shards[SHARDS];
};

static EVP_MAC_CTX *
mac_new(const unsigned char key[KEY_BYTES])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);

	EVP_MAC_free(hmac);
	if (mac != NULL && EVP_MAC_init(mac, key, KEY_BYTES, params) != 1) {
		EVP_MAC_CTX_free(mac);
		return NULL;
	}
	return mac;
}

usher_status
ledger_new(uint32_t entries, struct ledger **out, struct usher_error *err)
{
	unsigned char key[KEY_BYTES];
	struct ledger *l = calloc(1, sizeof(*l));
	bool ok = l != NULL;

	if (!ok)
		return err_nomem(err, "ledger");
	if (!random_bytes(key, sizeof(key))) {
		free(l);
		return err_set(err, USHER_E_INTERNAL, "ledger", "the system gives no randomness");
	}
	l->buckets = (entries + SHARDS * WAYS - 1) / (SHARDS * WAYS);
	for (size_t i = 0; i < SHARDS; i++)
		(void)pthread_mutex_init(&l->shards[i].lock, NULL);
	for (size_t i = 0; ok && l->buckets > 0 && i < SHARDS; i++) {
		l->shards[i].mac = mac_new(key);
		l->shards[i].slots = calloc(l->buckets * WAYS, sizeof(struct slot));
		ok = l->shards[i].mac != NULL && l->shards[i].slots != NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (!ok) {
		ledger_free(l);
		return err_nomem(err, "ledger");
	}
	*out = l;
	return USHER_OK;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		EVP_MAC_CTX_free(l->shards[i].mac);
		free(l->shards[i].slots);
		(void)pthread_mutex_destroy(&l->shards[i].lock);
	}
	free(l);
}

/* The shard must be known before its MAC can be used: any cheap spread over the first text does, as
 * crowding one shard costs its users waiting time and nothing else. */
static struct shard *
choose_shard(struct ledger *l, struct slice first)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < first.n; i++)
		h = (h ^ (unsigned char)first.p[i]) * 16777619u;
	return &l->shards[(h ^ (h >> 16)) % SHARDS];
}

/* Lengths go in before the texts: ("ab", "c") is not ("a", "bc"). */
static bool
digest(struct shard *s, const struct slice *about, size_t n, unsigned char out[MAC_BYTES])
{
	size_t got = 0;
	bool ok = EVP_MAC_init(s->mac, NULL, 0, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++) {
		uint64_t bytes = about[i].n;

		ok = EVP_MAC_update(s->mac, (const void *)&bytes, sizeof(bytes)) == 1 &&
		     EVP_MAC_update(s->mac, (const void *)about[i].p, about[i].n) == 1;
	}
	return ok && EVP_MAC_final(s->mac, out, &got, MAC_BYTES) == 1 && got == MAC_BYTES;
}

static struct slot *
bucket_of(struct ledger *l, struct shard *s, const unsigned char mac[MAC_BYTES])
{
	uint64_t h;

	memcpy(&h, mac, sizeof(h));
	return &s->slots[(h % l->buckets) * WAYS];
}

static struct slot *
find(struct slot *bucket, const unsigned char mac[MAC_BYTES], uint64_t now_ms)
{
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].fact.expires_ms > now_ms &&
		    memcmp(bucket[i].mac, mac, MAC_BYTES) == 0)
			return &bucket[i];
	}
	return NULL;
}

bool
ledger_get(struct ledger *l, const struct slice *about, size_t n, uint64_t now_ms, struct fact *out)
{
	struct shard *s = choose_shard(l, about[0]);
	unsigned char mac[MAC_BYTES];
	struct slot *found = NULL;

	if (l->buckets == 0)
		return false;
	(void)pthread_mutex_lock(&s->lock);
	if (digest(s, about, n, mac))
		found = find(bucket_of(l, s, mac), mac, now_ms);
	if (found != NULL)
		*out = found->fact;
	(void)pthread_mutex_unlock(&s->lock);
	return found != NULL;
}

/* Of facts that expire together the one that was seen less often goes: many new facts of one moment
 * must not push out the count that tells that they are many. */
static bool
goes_before(const struct fact *a, const struct fact *b)
{
	if (a->expires_ms != b->expires_ms)
		return a->expires_ms < b->expires_ms;
	return a->count < b->count;
}

static struct slot *
make_room(struct slot *bucket, const unsigned char mac[MAC_BYTES])
{
	struct slot *victim = &bucket[0];

	for (size_t i = 1; i < WAYS; i++) {
		if (goes_before(&bucket[i].fact, &victim->fact))
			victim = &bucket[i];
	}
	memcpy(victim->mac, mac, MAC_BYTES);
	victim->fact = (struct fact){ 0 };
	return victim;
}

void
ledger_change(struct ledger *l, const struct slice *about, size_t n, uint64_t now_ms,
    void (*change)(struct fact *fact, void *payload), void *payload)
{
	struct shard *s = choose_shard(l, about[0]);
	unsigned char mac[MAC_BYTES];

	if (l->buckets == 0)
		return;
	(void)pthread_mutex_lock(&s->lock);
	if (digest(s, about, n, mac)) {
		struct slot *bucket = bucket_of(l, s, mac);
		struct slot *slot = find(bucket, mac, now_ms);

		if (slot == NULL)
			slot = make_room(bucket, mac);
		change(&slot->fact, payload);
	}
	(void)pthread_mutex_unlock(&s->lock);
}
