/* handle_page.c - the page for people at `/`: what anybody is told about the domain of an address,
 * in words. Nothing but the echo depends on a local part. */
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "resolve/resolve.h"
#include "resolve/resolve_domain.h"
#include "server/answering.h"
#include "server/people.h"
#include "server/route.h"
#include "wire/autoconfig.h"
#include "wire/mobileconfig.h"
#include "wire/page.h"

#define SAMPLE_DOMAIN "example.org"

/* ---- sending ---- */

static int
status_of(enum page_state state)
{
	return state == PAGE_BAD_ADDRESS ? 400 : state == PAGE_NOT_SERVED ? 404 : 200;
}

static void
count(struct request *request, enum page_state state)
{
	static const enum answer_kind kinds[] = {
		[PAGE_BAD_ADDRESS] = ANSWER_REFUSAL,
		[PAGE_NOT_SERVED] = ANSWER_REFUSAL,
		[PAGE_MOVED] = ANSWER_REDIRECT_ADDRESS,
		[PAGE_ELSEWHERE] = ANSWER_REDIRECT_URL,
		[PAGE_NOTHING] = ANSWER_REFUSAL,
		[PAGE_SETTINGS] = ANSWER_SETTINGS,
	};
	const struct answer answer = { .kind = kinds[state] };

	if (state != PAGE_QUESTION)
		answering_count(request, &answer);
}

static void
send_page(struct request *request, const struct page *page)
{
	struct buf *out = &thread_of(request)->out;

	buf_reset(out);
	page_write(out, page);
	count(request, page->state);
	people_send(request, status_of(page->state), page->request->text);
}

/* ---- whose page it is ---- */

/* The host asked for, with its port, when it is one of the domain or one of our own names; a link
 * or a proxy may have put anything else there. NULL: it is none of these. */
static const char *
listed_host(struct request *request, const char *domain)
{
	const char *host = request_host(request);
	const char *of = answering_host_domain(request);

	if (host == NULL ||
	    (!answering_own_name(request, host) && (of == NULL || strcmp(of, domain) != 0)))
		return NULL;
	return text_lower_copy(request->mem, request->head->host);
}

/* `before`, and the address as the parameter `email`. NULL: it does not fit. */
static const char *
url_for(struct request *request, const char *before, const struct address *address)
{
	CLEANUP(buf_cleanup) struct buf text = { .max = URL_MAX_BYTES };

	buf_printf(&text, "%s?email=", before);
	url_escape(&text, slice_of(address->text));
	return text.status == USHER_OK ? arena_copy(request->mem, buf_as_slice(&text)) : NULL;
}

/* The path of the profile for a device. NULL: it does not fit. */
static const char *
profile_path(
    struct request *request, const struct address *address, enum mobileconfig_device device)
{
	const char *path = url_for(request, MOBILECONFIG_PATH, address);
	const char *word = mobileconfig_device_word(device);

	return path == NULL || word == NULL ? path :
					      arena_join(request->mem, path, "&device=", word);
}

/* Where a phone reaches this page: on a listed host, else on the one that programs are sent to.
 * NULL: there is no URL that fits. */
static const char *
absolute_url(struct request *request, const struct facts *facts, const struct address *address)
{
	const char *url, *host = listed_host(request, address->domain);
	struct url parsed;

	if (host == NULL) {
		if (resolve_domain_url(request->mem, facts, PROTOCOL_AUTODISCOVER, &url) !=
			USHER_OK ||
		    url_parse(request->mem, slice_of(url), &parsed, NULL) != USHER_OK)
			return NULL;
		host = parsed.host;
	}
	url = arena_join(request->mem, "https://", host, PAGE_PATH);
	return url == NULL ? NULL : url_for(request, url, address);
}

/* ---- what it says ---- */

/* With its domain as people write it. NULL when out of memory. */
static const char *
address_for_people(struct arena *mem, const char *text)
{
	struct address address;

	if (address_parse(mem, slice_of(text), &address, NULL) != USHER_OK)
		return NULL;
	return arena_join(mem, address.local, "@", address.domain_text);
}

static usher_status
decide(struct request *request, const struct facts *facts, const struct address *address,
    struct page *page)
{
	struct answer *answer = arena_alloc(request->mem, sizeof(*answer));
	struct address login;
	int refusal;
	usher_status st;

	people_brand(&page->brand, facts->domain, address->domain_text);
	page->address = arena_join(request->mem, address->local, "@", address->domain_text);
	if (answer == NULL || page->address == NULL)
		return USHER_E_NOMEM;
	refusal = resolve_address(request->mem, facts, address, &login, answer);
	if (refusal == REFUSAL_SERVER_ERROR)
		return USHER_E_NOMEM;
	if (answer->kind == ANSWER_REDIRECT_ADDRESS) {
		page->state = PAGE_MOVED;
		if (facts->domain->kind != DOMAIN_REDIRECT_ADDRESS)
			page->domain = page->address; /* others have stayed */
		page->new_address = address_for_people(request->mem, answer->redirect);
		return page->new_address == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	if (refusal != 0 || answer->kind != ANSWER_SETTINGS) {
		page->state = answer->kind == ANSWER_REDIRECT_URL ? PAGE_ELSEWHERE : PAGE_NOTHING;
		return USHER_OK;
	}
	st = resolve_profile(request->mem, facts, address->domain, answer);
	if (st == USHER_OK)
		st = autoconfig_fill(request->mem, &login, answer, NULL);
	if (st != USHER_OK)
		return st;
	page->state = answer->n_protocols > 0 ? PAGE_SETTINGS : PAGE_NOTHING;
	page->answer = answer;
	page->exchange = facts->domain->kind == DOMAIN_EXCHANGE;
	for (int i = 0; i < MOBILECONFIG_DEVICES; i++)
		if (mobileconfig_offers(answer, (enum mobileconfig_device)i))
			page->profiles[i] =
			    profile_path(request, address, (enum mobileconfig_device)i);
	page->url = absolute_url(request, facts, address);
	return USHER_OK;
}

static void
answer_address(struct request *request, const struct address *address, struct page *page)
{
	struct usher_error err = { 0 };
	struct facts facts;
	enum lookup found = answering_domain(request, address->domain, &facts, &err);
	usher_status st = USHER_OK;

	if (!service_available(request, found, &err, handle_page))
		return;
	page->domain = address->domain_text;
	if (found == LOOKUP_ABSENT || facts.domain == NULL)
		page->state = PAGE_NOT_SERVED;
	else
		st = decide(request, &facts, address, page);
	if (st != USHER_OK)
		request_refuse(request, 503, "The answer does not fit into memory.");
	else
		send_page(request, page);
}

void
handle_page(struct request *request)
{
	const struct conf_page *conf = &service_of(request)->conf->page;
	struct page_request asked;
	struct page page = { .request = &asked, .sample = SAMPLE_DOMAIN, .brand.help = conf->help };
	struct address address;
	usher_status st;

	if (!conf->serve) {
		request_refuse(request, 404, "Nothing is here.");
		return;
	}
	page.roots = service_of(request)->n_roots > 0;
	st = page_read_request(request->mem, request->head->query,
	    http1_field(request->head, "Accept-Language"), &asked);
	if (st == USHER_OK && asked.address != NULL) {
		st = address_parse(request->mem, slice_of(asked.address), &address, NULL);
		if (st == USHER_OK) {
			answer_address(request, &address, &page);
			return;
		}
		page.state = PAGE_BAD_ADDRESS;
	}
	if (st == USHER_E_NOMEM)
		request_refuse(request, 503, "Out of memory.");
	else if (people_brand_by_host(request, &page.brand, &page.sample, handle_page))
		send_page(request, &page);
}
