/* people.c - what the pages for people have in common. */
#include "server/people.h"

#include "base/address.h"
#include "server/answering.h"

void
people_send(struct request *request, int status, const struct page_text *text)
{
	const struct reply_field fields[] = {
		{ "Cache-Control", "no-store" },
		{ "Content-Language", text->tag },
		{ "Vary", "Accept-Language" },
		{ "Content-Security-Policy", page_policy },
		{ "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
	};

	answering_send(request, status, "text/html; charset=utf-8", fields, COUNT_OF(fields));
}

void
people_brand(struct page_brand *brand, const struct domain *domain, const char *name)
{
	brand->name = domain->display_name != NULL ? domain->display_name : name;
	brand->home = domain->home_page;
	brand->contact = domain->contact;
	if (domain->documentation_url != NULL)
		brand->help = domain->documentation_url;
}

bool
people_brand_by_host(struct request *request, struct page_brand *brand, const char **domain,
    void (*again)(struct request *request))
{
	struct usher_error err = { 0 };
	struct facts facts;
	const char *name = answering_host_domain(request), *text;
	enum lookup found;

	if (name == NULL)
		return true;
	found = answering_domain(request, name, &facts, &err);
	if (!service_available(request, found, &err, again))
		return false;
	text = domain_to_text(request->mem, name);
	if (found == LOOKUP_FOUND && facts.domain != NULL && text != NULL) {
		if (domain != NULL)
			*domain = text;
		people_brand(brand, facts.domain, text);
	}
	return true;
}
