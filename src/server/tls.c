/* tls.c - TLS on a non-blocking socket, by OpenSSL. */
#include "server/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>

#include "base/when.h"
#include "server/tls_set.h"

/* What connections use is the SSL object alone; the set it came from is its app data. */
static SSL *
ssl_of(const struct tls *tls)
{
	return (SSL *)(uintptr_t)tls;
}

/* The last two suites are for Outlook on Windows 7 and 8.1, which has ECDHE with RSA keys only
 * together with CBC. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:"
			      "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256";

const char *
tls_reason(void)
{
	unsigned long code = ERR_get_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text == NULL ? "connection lost" : text;
}

static int
choose_certificate(SSL *ssl, int *alert, void *arg)
{
	const struct tls_set *set = SSL_get_app_data(ssl);

	(void)arg;
	if (tls_set_use(set, ssl, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)))
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What is shown has been chosen by now: the callback comes after that for the name and after the
 * choice among certificates. */
static int
staple(SSL *ssl, void *arg)
{
	const struct tls_set *set = SSL_get_app_data(ssl);
	struct tls_staple *s =
	    tls_set_staple(set, ssl, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	unsigned char *der;
	size_t n;

	(void)arg;
	der = s == NULL ? NULL : tls_staple_copy(s, clock_unix_ms() / 1000, &n);
	if (der == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)SSL_set_tlsext_status_ocsp_resp(ssl, der, (long)n); /* takes it */
	return SSL_TLSEXT_ERR_OK;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
    unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";

	(void)ssl;
	(void)arg;
	for (unsigned at = 0; at < sizeof(ours) - 1; at += 9)
		for (unsigned i = 0; i < in_n; i += in[i] + 1U) {
			if (in_n - i < 9 || memcmp(in + i, ours + at, 9) != 0)
				continue;
			*out = ours + at + 1;
			*out_n = 8;
			return SSL_TLSEXT_ERR_OK;
		}
	/* RFC 7301, 3.2; it also keeps a page from talking mail protocols to us (ALPACA). */
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool
tls_context_setup(SSL_CTX *context)
{
	char groups[] = "X25519:P-256:P-384"; /* not const: the macro casts */

	(void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE |
					       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_TICKET |
					       /* What has been read may be a password. */
					       SSL_OP_CLEANSE_PLAINTEXT);
	/* Released buffers halve the memory of an idle connection; partial writes and a moving
	 * buffer let the caller keep its own; read-ahead takes a record with one system call. */
	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(context, 0);
	(void)SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
	(void)SSL_CTX_set_tlsext_status_cb(context, staple);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
	       SSL_CTX_set1_groups_list(context, groups) == 1;
}

struct tls *
tls_new(struct tls_set *set, int fd)
{
	SSL_CTX *context = tls_set_context(set);
	SSL *ssl = context == NULL ? NULL : SSL_new(context);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	(void)SSL_set_app_data(ssl, tls_set_ref(set));
	return (struct tls *)ssl;
}

void
tls_free(struct tls *tls)
{
	struct tls_set *set;

	if (tls == NULL)
		return;
	set = SSL_get_app_data(ssl_of(tls));
	SSL_free(ssl_of(tls));
	tls_set_unref(set);
}

/* OpenSSL's queue is per thread and outlives the connection: it was cleared before the call whose
 * outcome is judged here. */
static enum io_result
judge(SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return IO_END;
	default:
		return IO_FAILED;
	}
}

enum io_result
tls_handshake(struct tls *tls, const char **reason)
{
	SSL *ssl = ssl_of(tls);
	enum io_result got;
	int code;
	int n;

	ERR_clear_error();
	n = SSL_do_handshake(ssl);
	if (n == 1)
		return IO_DONE;
	got = judge(ssl, n);
	if (got == IO_WANT_READ || got == IO_WANT_WRITE)
		return got;
	code = ERR_GET_REASON(ERR_peek_error());
	*reason = tls_reason();
	if (code == SSL_R_HTTP_REQUEST || code == SSL_R_HTTPS_PROXY_REQUEST)
		return IO_PLAIN_HTTP;
	return IO_FAILED;
}

enum io_result
tls_read(struct tls *tls, void *p, size_t n, size_t *got)
{
	SSL *ssl = ssl_of(tls);
	int result;

	ERR_clear_error();
	result = SSL_read(ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (result <= 0)
		return judge(ssl, result);
	*got = (size_t)result;
	return IO_DONE;
}

enum io_result
tls_write(struct tls *tls, const void *p, size_t n, size_t *put)
{
	SSL *ssl = ssl_of(tls);
	int result;

	ERR_clear_error();
	result = SSL_write(ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (result <= 0)
		return judge(ssl, result);
	*put = (size_t)result;
	return IO_DONE;
}

bool
tls_has_pending(const struct tls *tls)
{
	return SSL_has_pending(ssl_of(tls)) == 1;
}

void
tls_shutdown(struct tls *tls)
{
	SSL *ssl = ssl_of(tls);

	/* Before the end of the handshake there is nothing to take leave of. */
	if (SSL_is_init_finished(ssl))
		(void)SSL_shutdown(ssl);
	ERR_clear_error();
}

const char *
tls_version(const struct tls *tls)
{
	return SSL_get_version(ssl_of(tls));
}

bool
tls_resumed(const struct tls *tls)
{
	return SSL_session_reused(ssl_of(tls)) == 1;
}
