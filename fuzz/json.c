/* json.c - records and documents from JSON; what was read and checked is read again the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/json.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static usher_status
write_and_read(const struct json_item *item, void *payload, struct usher_error *err)
{
	const struct field_table *t = &item->entity->table;
	size_t *lines = payload;
	union org_record again;
	usher_status st;
	struct buf b;

	assert(item->line > 0 && item->line <= *lines);
	if (entity_check(item->mem, item->entity, item->record, err) != USHER_OK)
		return USHER_OK;
	buf_init(&b, 8 * JSON_RECORD_BYTES);
	json_write_record(&b, t, item->record, JSON_SECRETS);
	assert(b.status == USHER_OK);
	st = json_read_record(item->mem, buf_as_slice(&b), 1, t, &again, err);
	assert(st == USHER_OK || st == USHER_E_LIMIT || st == USHER_E_NOMEM);
	assert(st != USHER_OK || record_equal(t, item->record, &again));
	buf_clear(&b);
	return USHER_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_from(data, size);
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct usher_error err = { 0 };
	union org_record record;
	struct json_item item;
	size_t lines = 1;

	assert(mem != NULL);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (json_read_document(text, write_and_read, &lines, &err) != USHER_OK)
		assert(err.message[0] != '\0');
	/* The first byte picks an entity for the rest, as a line of an import. */
	if (size > 0) {
		item = (struct json_item){ &entities[data[0] % ENTITY_COUNT], &record, mem, 1 };
		if (json_read_record(mem, slice_skip(text, 1), 1, &item.entity->table, &record,
			&err) == USHER_OK)
			(void)write_and_read(&item, &lines, &err);
	}
	arena_free(mem);
	return 0;
}
