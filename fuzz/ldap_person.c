/* ldap_person.c - an entry with any values, read as a person of each kind of directory: lines of
 * `attribute: value`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dir/ldap_map.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 4 * 1024 * 1024, LINES_MAX = 64 };

static struct ldap_entry
entry_of(struct arena *mem, struct slice input)
{
	struct ldap_attribute *a = arena_array(mem, LINES_MAX, sizeof(*a));
	struct ldap_entry entry = { "CN=Ann,DC=harbour,DC=example", a, 0 };

	while (a != NULL && input.n > 0 && entry.n < LINES_MAX) {
		struct slice line = { input.p, slice_find(input, '\n') }, name = line;
		struct slice *value = arena_alloc(mem, sizeof(*value));

		name.n = slice_find(line, ':');
		input = slice_skip(input, line.n + 1);
		if (value == NULL)
			break;
		*value = slice_skip(line, name.n + 2);
		a[entry.n].name = arena_copy(mem, name);
		a[entry.n].values = value;
		a[entry.n].n = 1;
		entry.n += a[entry.n].name != NULL;
	}
	return entry;
}

/* What is read is what the directory would take, and is the entry's already. */
static void
check(struct arena *mem, const struct ldap_map *map, const struct ldap_entry *entry)
{
	const struct entity *e = &entities[ENTITY_MAILBOX];
	struct ldap_person person;
	struct mailbox copy;
	struct ldap_change change;

	if (!ldap_person_read(map, mem, entry, &person) || person.mailbox.address == NULL)
		return;
	if (!record_copy(mem, &e->table, &copy, &person.mailbox))
		return;
	if (entity_check(mem, e, &copy, NULL) == USHER_E_INPUT ||
	    (ldap_person_edit(map, mem, entry, &person.mailbox, &change, NULL) == USHER_OK &&
		change.n > 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct map_domain domain = { "HARBOUR", "harbour.example",
		"DC=harbour,DC=example" };
	static const struct text_list nothing;
	struct arena *mem = arena_new(MEMORY);
	const struct ldap_map *map;
	struct ldap_entry entry;

	if (mem == NULL)
		return 0;
	entry = entry_of(mem, slice_from(data, size));
	for (int flavour = MAP_OPENLDAP; flavour <= MAP_EXCHANGE; flavour++)
		if (ldap_map_make(mem, (enum map_flavour)flavour, true, &nothing, &domain, 1, &map,
			NULL) == USHER_OK)
			check(mem, map, &entry);
	arena_free(mem);
	return 0;
}
