/* page_text.c - the languages of the page for people. */
#include "wire/page_text.h"

const struct page_text *const page_texts[PAGE_TEXTS] = { &page_text_en, &page_text_de };
