/* store.c - the files in which private keys lie. */
#include "cert/store.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cert/folder.h"
#include "cert/inspect.h"

enum { SHA256_DIGITS = 64, FILE_NAME_BYTES = SHA256_DIGITS + sizeof(".pem") };

static const char SUFFIX[] = ".keys";

void
cert_key_path(const char *stem, const char *sha256, char *out, size_t out_bytes)
{
	(void)snprintf(out, out_bytes, "%s%s%s%s%s", stem, SUFFIX, *sha256 == '\0' ? "" : "/",
	    sha256, *sha256 == '\0' ? "" : ".pem");
}

/* The digest comes from the directory, which may have been written by others: nothing but 64 digits
 * becomes a file name. */
static usher_status
file_name(const char *sha256, char out[FILE_NAME_BYTES], struct usher_error *err)
{
	if (strlen(sha256) != SHA256_DIGITS || strspn(sha256, "0123456789abcdef") != SHA256_DIGITS)
		return err_set(err, USHER_E_INPUT, sha256, "not a SHA-256 of a certificate");
	(void)snprintf(out, FILE_NAME_BYTES, "%s.pem", sha256);
	return USHER_OK;
}

usher_status
cert_key_put(const char *stem, const char *sha256, struct slice key_pem, struct usher_error *err)
{
	struct folder keys CLEANUP(folder_cleanup) = { .fd = -1 };
	char name[FILE_NAME_BYTES];
	usher_status st = file_name(sha256, name, err);

	if (st == USHER_OK)
		st = folder_open(stem, SUFFIX, true, &keys, err);
	return st == USHER_OK ? folder_put(&keys, name, key_pem, err) : st;
}

usher_status
cert_key_get(const char *stem, const char *sha256, struct buf *out, struct usher_error *err)
{
	struct folder keys CLEANUP(folder_cleanup) = { .fd = -1 };
	char name[FILE_NAME_BYTES], path[FOLDER_PATH_BYTES];
	usher_status st = file_name(sha256, name, err);

	if (st != USHER_OK)
		return st;
	st = folder_open(stem, SUFFIX, false, &keys, err);
	if (st == USHER_OK)
		st = folder_get(&keys, name, CERT_KEY_BYTES, out, err);
	if (st != USHER_E_ABSENT)
		return st;
	cert_key_path(stem, sha256, path, sizeof(path));
	return err_set(err, USHER_E_ABSENT, path,
	    "the key of a certificate is not there; import the certificate again");
}

/* Only what has the form of our own files is ever removed. */
static bool
is_orphan(const char *file, const void *payload)
{
	const struct text_list *known = payload;

	if (strspn(file, "0123456789abcdef") != SHA256_DIGITS ||
	    strcmp(file + SHA256_DIGITS, ".pem") != 0)
		return false;
	for (size_t i = 0; i < known->n; i++) {
		if (strlen(known->v[i]) == SHA256_DIGITS &&
		    memcmp(file, known->v[i], SHA256_DIGITS) == 0)
			return false;
	}
	return true;
}

usher_status
cert_key_sweep(const char *stem, const struct text_list *known, struct usher_error *err)
{
	struct folder keys CLEANUP(folder_cleanup) = { .fd = -1 };
	struct usher_error fault = { 0 };
	usher_status st = folder_open(stem, SUFFIX, false, &keys, &fault);

	if (st == USHER_E_ABSENT)
		return USHER_OK;
	if (st != USHER_OK)
		return err_set(err, st, fault.where, "%s", fault.message);
	return folder_sweep(&keys, is_orphan, known, err);
}
