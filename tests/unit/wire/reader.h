/* reader.h - the state of a group of tests that read XML: one reader for all of them. */
#ifndef USHER_TESTS_READER_H
#define USHER_TESTS_READER_H

#include "wire/xml.h"

static inline int
make_reader(void **state)
{
	*state = xml_reader_new();
	return *state == NULL;
}

static inline int
free_reader(void **state)
{
	xml_reader_free(*state);
	return 0;
}

#endif
