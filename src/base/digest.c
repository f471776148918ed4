/* digest.c - hashes of texts, and GUIDs made of them; the hashing itself is OpenSSL's. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

#include "base/text.h"

enum { GUID_BYTES = 16, SHA1_BYTES = 20 };

/* An algorithm, fetched once: EVP_sha256() and the like have each hash search for theirs, which
 * takes longer than to hash a short text. NULL when out of memory. */
static const EVP_MD *
algorithm(_Atomic(EVP_MD *) *kept, const char *name)
{
	EVP_MD *md = atomic_load_explicit(kept, memory_order_acquire), *fetched;

	if (md != NULL)
		return md;
	fetched = EVP_MD_fetch(NULL, name, NULL);
	if (fetched == NULL || atomic_compare_exchange_strong(kept, &md, fetched))
		return fetched;
	EVP_MD_free(fetched); /* another thread was first */
	return md;
}

static const EVP_MD *
sha1_algorithm(void)
{
	static _Atomic(EVP_MD *) kept;

	return algorithm(&kept, "SHA1");
}

static const EVP_MD *
sha256_algorithm(void)
{
	static _Atomic(EVP_MD *) kept;

	return algorithm(&kept, "SHA256");
}

bool
sha256(struct slice s, unsigned char out[SHA256_BYTES])
{
	const EVP_MD *md = sha256_algorithm();

	return md != NULL && EVP_Digest(s.p, s.n, out, NULL, md, NULL) == 1;
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
	const EVP_MD *md = sha1_algorithm();
	EVP_MD_CTX *context;
	bool ok;

	if (!guid_bytes(slice_of(space), prefix))
		return false;
	context = EVP_MD_CTX_new();
	ok = context != NULL && md != NULL && EVP_DigestInit_ex(context, md, NULL) == 1 &&
	     EVP_DigestUpdate(context, prefix, sizeof(prefix)) == 1 &&
	     EVP_DigestUpdate(context, name.p, name.n) == 1 &&
	     EVP_DigestFinal_ex(context, hash, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (ok)
		guid_format(hash, 5, out);
	return ok;
}
