/* address.c - what is taken as an address or name is one, and stays the same when taken again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_domain(struct arena *mem, const char *domain)
{
	const char *again;
	const char *text = domain_to_text(mem, domain);

	assert(strlen(domain) <= DOMAIN_MAX_BYTES);
	assert(domain_parse(mem, slice_of(domain), &again, NULL) == USHER_OK);
	assert(strcmp(domain, again) == 0);
	assert(text != NULL && text_utf8_valid(slice_of(text)));
	assert(domain_matches(domain, domain));
	(void)domain_is_public_suffix(domain);
	(void)domain_same_site(domain, "example.com");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct slice text = slice_from(data, size);
	struct usher_error err;
	struct address a, again;
	const char *domain;

	assert(mem != NULL);
	if (address_parse(mem, text, &a, &err) == USHER_OK) {
		assert(strlen(a.text) <= ADDRESS_MAX_BYTES);
		assert(text_utf8_valid(slice_of(a.text)) && !text_has_control(slice_of(a.text)));
		assert(address_parse(mem, slice_of(a.text), &again, &err) == USHER_OK);
		assert(strcmp(a.text, again.text) == 0 && strcmp(a.key, again.key) == 0);
		check_domain(mem, a.domain);
	} else {
		assert(err.message[0] != '\0' && text_utf8_valid(slice_of(err.message)));
	}
	if (domain_parse(mem, text, &domain, NULL) == USHER_OK)
		check_domain(mem, domain);
	arena_free(mem);
	return 0;
}
