/* tls_staple.c - OCSP responses that are shown beside certificates. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "server/tls_set.h"

struct tls_staple {
	atomic_uint refs;
	pthread_mutex_t lock;
	/* under `lock` */
	unsigned char *der; /* NULL: none */
	size_t n;
	int64_t until_s;
};

usher_status
tls_staple_new(struct tls_staple **out, struct usher_error *err)
{
	struct tls_staple *s = calloc(1, sizeof(*s));

	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return err_nomem(err, "certificates");
	}
	atomic_init(&s->refs, 1);
	*out = s;
	return USHER_OK;
}

struct tls_staple *
tls_staple_ref(struct tls_staple *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
tls_staple_unref(struct tls_staple *s)
{
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	(void)pthread_mutex_destroy(&s->lock);
	free(s->der);
	free(s);
}

bool
tls_staple_shared(const struct tls_staple *s)
{
	return atomic_load(&s->refs) > 1;
}

bool
tls_staple_put(struct tls_staple *s, struct slice der, int64_t until_s)
{
	unsigned char *copy = malloc(der.n), *old;

	if (copy == NULL)
		return false;
	memcpy(copy, der.p, der.n);
	(void)pthread_mutex_lock(&s->lock);
	old = s->der;
	s->der = copy;
	s->n = der.n;
	s->until_s = until_s;
	(void)pthread_mutex_unlock(&s->lock);
	free(old);
	return true;
}

void
tls_staple_drop(struct tls_staple *s)
{
	(void)pthread_mutex_lock(&s->lock);
	free(s->der);
	s->der = NULL;
	(void)pthread_mutex_unlock(&s->lock);
}

unsigned char *
tls_staple_copy(struct tls_staple *s, int64_t now_s, size_t *n)
{
	unsigned char *copy = NULL;

	(void)pthread_mutex_lock(&s->lock);
	if (s->der != NULL && now_s < s->until_s)
		copy = OPENSSL_memdup(s->der, s->n);
	*n = s->n;
	(void)pthread_mutex_unlock(&s->lock);
	return copy;
}
