/* people.h - what the pages for people have in common. */
#ifndef USHER_SERVER_PEOPLE_H
#define USHER_SERVER_PEOPLE_H

#include "server/service.h"
#include "wire/page.h"

/* Sends the page in the thread's buffer. */
void
people_send(struct request *request, int status, const struct page_text *text);

/* `name` stands for a domain that has none for people. What is there of the help stays when the
 * domain has none. */
void
people_brand(struct page_brand *brand, const struct domain *domain, const char *name);

/* The brand of the domain whose host was asked, if there is one, and that domain for people in
 * *domain, which may be NULL. False: as service_available(). */
bool
people_brand_by_host(struct request *request, struct page_brand *brand, const char **domain,
    void (*again)(struct request *request));

#endif
