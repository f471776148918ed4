/* acme.c - answers to challenges, and the one renewal that may be under way. */
#include "cert/acme.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/key.h"

enum { ACCOUNT_DIGEST_BYTES = 8 };

#define HOME ".acme"
#define CHALLENGE "challenge"
#define ORDER "order-"

static const char ANSWERS[] = HOME "/" CHALLENGE;

/* ---- answers ---- */

bool
acme_token_valid(struct slice token)
{
	if (token.n == 0 || token.n > ACME_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < token.n; i++)
		if (!text_is_alnum(token.p[i]) && token.p[i] != '-' && token.p[i] != '_')
			return false;
	return true;
}

struct token_name {
	char text[ACME_TOKEN_MAX + 1];
};

static bool
name_of(struct slice token, struct token_name *out)
{
	if (!acme_token_valid(token))
		return false;
	(void)snprintf(out->text, sizeof(out->text), "%.*s", (int)token.n, token.p);
	return true;
}

/* `TOKEN.THUMBPRINT`, both base64url (RFC 8555, 8.1). */
static bool
answers(struct slice token, struct slice authorization)
{
	return authorization.n <= ACME_AUTHORIZATION_MAX && slice_starts(authorization, token) &&
	       authorization.n > token.n && authorization.p[token.n] == '.' &&
	       acme_token_valid(slice_skip(authorization, token.n + 1));
}

usher_status
acme_answer_put(
    const char *stem, struct slice token, struct slice authorization, struct usher_error *err)
{
	struct folder folder CLEANUP(folder_cleanup) = { .fd = -1 };
	struct token_name name;
	usher_status st;

	if (!name_of(token, &name) || !answers(token, authorization))
		return err_set(err, USHER_E_INPUT, "challenge", "is none of HTTP-01");
	st = folder_open(stem, ANSWERS, false, &folder, err);
	return st == USHER_OK ? folder_put(&folder, name.text, authorization, err) : st;
}

usher_status
acme_answer_get(const char *stem, struct slice token, struct buf *out, struct usher_error *err)
{
	struct folder folder CLEANUP(folder_cleanup) = { .fd = -1 };
	struct token_name name;
	usher_status st;

	if (!name_of(token, &name))
		return err_set(err, USHER_E_ABSENT, "challenge", "has no such token");
	st = folder_open(stem, ANSWERS, false, &folder, err);
	return st == USHER_OK ? folder_get(&folder, name.text, ACME_AUTHORIZATION_MAX, out, err) :
				st;
}

usher_status
acme_answer_remove(const char *stem, struct slice token, struct usher_error *err)
{
	struct folder folder CLEANUP(folder_cleanup) = { .fd = -1 };
	struct token_name name;
	usher_status st;

	if (!name_of(token, &name))
		return err_set(err, USHER_E_INPUT, "challenge", "is none of HTTP-01");
	st = folder_open(stem, ANSWERS, false, &folder, err);
	return st == USHER_OK ? folder_remove(&folder, name.text, err) : st;
}

/* ---- whoever renews ---- */

static bool
is_token(const char *name, const void *payload)
{
	(void)payload;
	return acme_token_valid(slice_of(name));
}

static bool
is_order(const char *name, const void *payload)
{
	(void)payload;
	return slice_starts(slice_of(name), SLICE_LITERAL(ORDER));
}

static usher_status
sweep(const struct folder *home, struct usher_error *err)
{
	struct folder folder CLEANUP(folder_cleanup) = { .fd = -1 };
	usher_status st = folder_open(home->path, "/" CHALLENGE, true, &folder, err);

	if (st == USHER_OK)
		st = folder_sweep(&folder, is_token, NULL, err);
	return st == USHER_OK ? folder_sweep(home, is_order, NULL, err) : st;
}

usher_status
acme_open(const char *stem, struct folder *out, struct usher_error *err)
{
	usher_status st = folder_open(stem, HOME, true, out, err);

	if (st != USHER_OK)
		return st;
	if (flock(out->fd, LOCK_EX | LOCK_NB) == 0)
		st = sweep(out, err);
	else if (errno == EWOULDBLOCK)
		st = err_set(err, USHER_E_UNAVAILABLE, out->path,
		    "another renewal is under way; wait until it has ended, and repeat");
	else
		st = err_set(err, USHER_E_IO, out->path, "cannot be locked: %s", strerror(errno));
	if (st != USHER_OK)
		folder_close(out);
	return st;
}

/* ---- accounts and orders ---- */

static usher_status
account_key(const char *folder, struct usher_error *err)
{
	struct folder private CLEANUP(folder_cleanup) = { .fd = -1 };
	struct buf key;
	usher_status st = folder_open(folder, "/private", true, &private, err);

	if (st != USHER_OK)
		return st;
	buf_init(&key, CERT_KEY_BYTES);
	st = folder_get(&private, "key.pem", CERT_KEY_BYTES, &key, err);
	if (st == USHER_E_ABSENT) {
		st = cert_key_make(CERT_KEY_P256, 0, &key, err);
		if (st == USHER_OK)
			st = folder_put(&private, "key.pem", buf_as_slice(&key), err);
	}
	buf_wipe(&key);
	return st;
}

usher_status
acme_account(const struct folder *home, const char *url, char path[FOLDER_PATH_BYTES],
    struct usher_error *err)
{
	struct folder account CLEANUP(folder_cleanup) = { .fd = -1 };
	unsigned char digest[SHA256_BYTES];
	struct buf CLEANUP(buf_cleanup) name = { 0 };
	usher_status st;

	/* A URL may be longer than a name. */
	if (!sha256(slice_of(url), digest))
		return err_nomem(err, url);
	buf_init(&name, sizeof("/account-") + 2 * SHA256_BYTES);
	buf_text(&name, "/account-");
	hex_encode(&name, digest, ACCOUNT_DIGEST_BYTES);
	st = name.status == USHER_OK ?
		 folder_open(home->path, buf_cstr(&name), true, &account, err) :
		 err_nomem(err, url);
	if (st == USHER_OK)
		st = account_key(account.path, err);
	if (st == USHER_OK)
		memcpy(path, account.path, FOLDER_PATH_BYTES);
	return st;
}

usher_status
acme_order(const struct folder *home, struct slice request_pem, struct acme_order *out,
    struct usher_error *err)
{
	char name[sizeof(ORDER "0123456789abcdef.pem")];
	uint64_t number;

	if (!random_bytes(&number, sizeof(number)))
		return err_set(err, USHER_E_IO, home->path, "the system has no randomness");
	(void)snprintf(name, sizeof(name), ORDER "%016" PRIx64 ".pem", number);
	(void)snprintf(out->request, sizeof(out->request), "%s/%s", home->path, name);
	(void)snprintf(out->certificate, sizeof(out->certificate),
	    "%s/" ORDER "%016" PRIx64 "-cert.pem", home->path, number);
	return folder_put(home, name, request_pem, err);
}

void
acme_close(struct folder *home)
{
	if (home->fd >= 0)
		(void)sweep(home, NULL);
	folder_close(home);
}
