/* digest.c - hashes of texts, and GUIDs made of them; the hashing itself is OpenSSL's. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/text.h"

enum { GUID_BYTES = 16, SHA1_BYTES = 20 };

bool
sha256(struct slice s, unsigned char out[SHA256_BYTES])
{
	return EVP_Digest(s.p, s.n, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool
guid_bytes(struct slice text, unsigned char out[GUID_BYTES])
{
	size_t n = 0;

	if (!guid_valid(text))
		return false;
	memset(out, 0, GUID_BYTES);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '-')
			continue;
		out[n / 2] = (unsigned char)(out[n / 2] << 4 | text_hex_value(text.p[i]));
		n++;
	}
	return true;
}

bool
guid_of_name(const char *space, struct slice name, char out[GUID_TEXT_BYTES])
{
	unsigned char prefix[GUID_BYTES], hash[SHA1_BYTES];
	EVP_MD_CTX *context;
	bool ok;

	if (!guid_bytes(slice_of(space), prefix))
		return false;
	context = EVP_MD_CTX_new();
	ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
	     EVP_DigestUpdate(context, prefix, sizeof(prefix)) == 1 &&
	     EVP_DigestUpdate(context, name.p, name.n) == 1 &&
	     EVP_DigestFinal_ex(context, hash, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (ok)
		guid_format(hash, 5, out);
	return ok;
}
