/* serve.c - serve.h. */
#include "dir/serve.h"

#include <string.h>

#include "base/err.h"

usher_status
serve_follow(const struct serve_domains *domains, struct arena *mem, const char *name,
    const struct domain_entry **out, const char **real, struct usher_error *err)
{
	usher_status st = domains->find(domains->payload, mem, name, out, err);

	*real = name;
	if (st != USHER_OK || *out == NULL || (*out)->domain.kind != DOMAIN_ALIAS ||
	    (*out)->domain.alias_of == NULL)
		return st;
	*real = arena_strdup(mem, (*out)->domain.alias_of);
	return *real == NULL ? err_nomem(err, name) :
			       domains->find(domains->payload, mem, *real, out, err);
}

usher_status
serve_locate(const struct serve_domains *domains, struct arena *mem, const char *address,
    struct located *out, struct usher_error *err)
{
	struct slice whole = slice_of(address);
	size_t at = slice_find_last(whole, '@');

	out->local = slice_from(whole.p, at);
	return serve_follow(
	    domains, mem, at < whole.n ? address + at + 1 : "", &out->entry, &out->domain, err);
}

bool
serve_base(const struct located *at, struct located *out)
{
	*out = *at;
	if (at->entry != NULL)
		out->local.n = domain_base_length(&at->entry->domain, at->local);
	return out->local.n < at->local.n;
}

void
serve_put_domain(const struct domain_entry *entry, struct facts *out)
{
	if (entry == NULL)
		return;
	out->domain = &entry->domain;
	out->services = entry->services;
	out->n_services = entry->n_services;
	out->redirects = entry->redirects;
	out->n_redirects = entry->n_redirects;
}

usher_status
serve_put_target(struct arena *mem, const struct address *asked, const struct located *at,
    struct facts *out, struct usher_error *err)
{
	out->local = asked->local;
	out->domain_name = at->domain;
	out->address = strcmp(at->domain, asked->domain) == 0 ?
			   asked->text :
			   arena_join(mem, asked->local, "@", at->domain);
	if (out->address == NULL)
		return err_nomem(err, asked->text);
	serve_put_domain(at->entry, out);
	return USHER_OK;
}

usher_status
serve_put_mailbox_services(const struct serve_domains *domains, struct arena *mem,
    const struct mailbox *mailbox, struct facts *out, struct usher_error *err)
{
	const struct domain_entry *entry = NULL;
	usher_status st = USHER_OK;

	if (mailbox != NULL && mailbox->services_of != NULL)
		st = domains->find(domains->payload, mem, mailbox->services_of, &entry, err);
	if (st == USHER_OK && entry != NULL) {
		out->mailbox_services = entry->services;
		out->n_mailbox_services = entry->n_services;
	}
	return st;
}

bool
serve_is_own(const struct mailbox *mailbox, const char *login)
{
	return slice_is_nocase(
	    slice_of(login), mailbox->login_name != NULL ? mailbox->login_name : mailbox->address);
}
