/* password.c - crypt(3), which no other file sees. */
#include "auth/password.h"

#include <crypt.h>
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

/* NULL on failure; the result lies in `data`. */
static const char *
run(const struct secret *password, const char *setting, struct crypt_data *data)
{
	const char *hash = crypt_r(password->n == 0 ? "" : password->bytes, setting, data);

	/* Failures are tokens that begin with `*`. */
	return hash == NULL || *hash == '*' ? NULL : hash;
}

usher_status
password_hash(const struct secret *password, char out[PASSWORD_HASH_BYTES], struct usher_error *err)
{
	struct crypt_data *data CLEANUP(data_free) = NULL;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;

	if (password->n == 0)
		return err_set(err, USHER_E_INPUT, "password", "it is empty");
	if (password->n >= CRYPT_MAX_PASSPHRASE_SIZE)
		return err_set(err, USHER_E_INPUT, "password", "longer than %d bytes",
		    CRYPT_MAX_PASSPHRASE_SIZE - 1);
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return err_nomem(err, "password");
	hash = make_setting(setting) ? run(password, setting, data) : NULL;
	if (hash == NULL)
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

void
password_decoy(const struct secret *password, const char *example)
{
	struct crypt_data *data CLEANUP(data_free) = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (data == NULL)
		return;
	if (password_hash_usable(example))
		(void)run(password, example, data);
	else if (make_setting(setting))
		(void)run(password, setting, data);
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

bool
password_verify(const struct secret *password, const char *hash)
{
	struct crypt_data *data CLEANUP(data_free) = NULL;
	const char *got;

	if (password->n == 0 || !password_hash_usable(hash)) {
		password_decoy(password, NULL);
		return false;
	}
	data = calloc(1, sizeof(*data));
	if (data == NULL)
		return false;
	got = run(password, hash, data);
	return got != NULL && equal(got, hash);
}
