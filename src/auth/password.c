/* password.c - crypt(3), which no other file sees. */
#include "auth/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static const char OUR_METHOD[] = "$y$"; /* yescrypt */

_Static_assert(PASSWORD_HASH_BYTES >= CRYPT_OUTPUT_SIZE, "a hash must fit");
_Static_assert(SECRET_MAX_BYTES >= CRYPT_MAX_PASSPHRASE_SIZE, "a password must fit");

static void
data_free(struct crypt_data **data)
{
	if (*data != NULL)
		explicit_bzero(*data, sizeof(**data));
	free(*data);
}

static bool
make_setting(char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	/* Cost 0 is the library's default, salt NULL the kernel's randomness. */
	return crypt_gensalt_rn(OUR_METHOD, 0, NULL, 0, out, CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

/* *out lies in `data`. Returns USHER_OK, USHER_E_NOMEM, USHER_E_INPUT. */
static usher_status
run(const struct secret *password, const char *setting, struct crypt_data *data, const char **out)
{
	const char *hash;

	errno = 0;
	hash = crypt_r(password->n == 0 ? "" : password->bytes, setting, data);
	/* Failures are tokens that begin with `*`. */
	if (hash == NULL || *hash == '*')
		return errno == ENOMEM ? USHER_E_NOMEM : USHER_E_INPUT;
	*out = hash;
	return USHER_OK;
}

usher_status
password_hash(const struct secret *password, char out[PASSWORD_HASH_BYTES], struct usher_error *err)
{
	struct crypt_data *data CLEANUP(data_free) = NULL;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;
	usher_status st;

	if (password->n == 0)
		return err_set(err, USHER_E_INPUT, "password", "it is empty");
	if (password->n >= CRYPT_MAX_PASSPHRASE_SIZE)
		return err_set(err, USHER_E_INPUT, "password", "longer than %d bytes",
		    CRYPT_MAX_PASSPHRASE_SIZE - 1);
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return err_nomem(err, "password");
	st = make_setting(setting) ? run(password, setting, data, &hash) : USHER_E_INTERNAL;
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "password");
	if (st != USHER_OK)
		return err_set(err, USHER_E_INTERNAL, "password",
		    "crypt(3) of this system makes no yescrypt hash");
	(void)snprintf(out, PASSWORD_HASH_BYTES, "%s", hash);
	return USHER_OK;
}

bool
password_hash_usable(const char *hash)
{
	int verdict;

	/* Without `$` it is DES, which looks at eight characters of seven bits. */
	if (hash == NULL || *hash != '$')
		return false;
	verdict = crypt_checksalt(hash);
	return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY;
}

usher_status
password_decoy(const struct secret *password, const char *example)
{
	struct crypt_data *data CLEANUP(data_free) = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;
	usher_status st = USHER_E_INPUT;

	if (data == NULL)
		return USHER_E_NOMEM;
	if (password_hash_usable(example))
		st = run(password, example, data, &hash);
	else if (make_setting(setting))
		st = run(password, setting, data, &hash);
	return st == USHER_E_NOMEM ? st : USHER_E_CREDENTIALS;
}

/* Same time wherever the first difference is. */
static bool
equal(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned char difference = 0;

	if (strlen(b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

usher_status
password_verify(const struct secret *password, const char *hash)
{
	struct crypt_data *data CLEANUP(data_free) = NULL;
	const char *got;
	usher_status st;

	if (password->n == 0 || !password_hash_usable(hash))
		return password_decoy(password, NULL);
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return USHER_E_NOMEM;
	st = run(password, hash, data, &got);
	if (st == USHER_OK)
		return equal(got, hash) ? USHER_OK : USHER_E_CREDENTIALS;
	return st == USHER_E_NOMEM ? st : USHER_E_CREDENTIALS;
}
