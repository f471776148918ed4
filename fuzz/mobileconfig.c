/* mobileconfig.c - any bytes as the question for a profile, and any settings as a profile and as
 * PACC's document: what is written is well-formed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/autoconfig.h"
#include "wire/json_tree.h"
#include "wire/mobileconfig.h"
#include "wire/pacc.h"

enum { ARENA_BYTES = 16 * 1024 * 1024, OUT_BYTES = 4 * 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Our reader takes no document type, and so must everything else be as XML has it. */
static void
check_profile(struct xml_reader *reader, struct arena *mem, const struct buf *b)
{
	static const struct xml_limits limits = { OUT_BYTES, 100 * 1000 };
	const char *plist = strstr(buf_cstr(b), "<plist ");
	const struct xml_node *root;
	usher_status st;

	if (plist == NULL)
		abort();
	st = xml_read(reader, mem, slice_of(plist), &limits, &root, NULL);
	if (st != USHER_OK && st != USHER_E_NOMEM && st != USHER_E_LIMIT)
		abort();
}

static void
write_profile(struct xml_reader *reader, struct arena *mem, const struct answer *settings,
    const struct mobileconfig_question *question, struct buf *b)
{
	struct answer a = *settings;
	struct address address;

	if (mobileconfig_check(&a, question->device, NULL) != USHER_OK ||
	    address_parse(mem, slice_of("a&b@a.example"), &address, NULL) != USHER_OK ||
	    autoconfig_fill(mem, &address, &a, NULL) != USHER_OK ||
	    mobileconfig_check(&a, question->device, NULL) != USHER_OK)
		return;
	buf_reset(b);
	mobileconfig_write(mem, b, &a, &address, question);
	if (b->status == USHER_OK)
		check_profile(reader, mem, b);
}

static void
write_pacc(struct arena *mem, const struct answer *a, struct buf *b)
{
	const struct json_node *root;

	if (pacc_check(a, NULL) != USHER_OK)
		return;
	buf_reset(b);
	pacc_write(b, a);
	if (b->status == USHER_OK &&
	    json_tree_read(mem, buf_as_slice(b), &root, NULL) == USHER_E_INPUT)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = OUT_BYTES };
	struct mobileconfig_question question = { 0 };
	struct answer a;

	if (reader == NULL || mem == NULL ||
	    mobileconfig_read_request(mem, slice_from(data, size), &question, NULL) ==
		USHER_E_NOMEM)
		goto done;
	if (autoconfig_read(reader, mem, slice_from(data, size), &a, NULL) != USHER_OK)
		goto done;
	for (int i = 0; i < MOBILECONFIG_DEVICES; i++) {
		question.device = (enum mobileconfig_device)i;
		write_profile(reader, mem, &a, &question, &b);
	}
	write_pacc(mem, &a, &b);
done:
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
