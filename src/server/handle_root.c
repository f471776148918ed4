/* handle_root.c - the roots of the directory's private authorities, to anybody: a page that tells
 * how they are installed, and their files.
 *
 * Over TLS alone: the plain-HTTP site leads here. Who does not trust us yet meets a warning on the
 * way, and that is the truth; plain HTTP would say nothing, and anybody on the way could put a root
 * of his own in the place of ours. */
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "cert/inspect.h"
#include "cert/wrap.h"
#include "server/answering.h"
#include "server/people.h"
#include "server/route.h"
#include "server/signing.h"
#include "wire/mobileconfig.h"
#include "wire/page_root.h"
#include "wire/query.h"

enum { NAME_BYTES = 1024, FILE_NAME_BYTES = 64 };

/* Whether there are any for people. False: the request has been answered. */
static bool
has_roots(struct request *request)
{
	const struct service *service = service_of(request);

	if (service->conf->page.serve && service->n_roots > 0)
		return true;
	request_refuse(request, 404, "Nothing is here.");
	return false;
}

/* A name that any system takes for a file: `Contoso-Root`. */
static const char *
file_name(struct arena *mem, const char *name)
{
	CLEANUP(buf_cleanup) struct buf b = { .max = FILE_NAME_BYTES };

	for (; *name != '\0' && b.n < FILE_NAME_BYTES; name++)
		if (text_is_alnum(*name))
			buf_char(&b, *name);
		else if (b.n > 0 && b.p[b.n - 1] != '-')
			buf_char(&b, '-');
	while (b.n > 0 && b.p[b.n - 1] == '-')
		buf_cut(&b, b.n - 1);
	return arena_copy(mem, b.n > 0 ? buf_as_slice(&b) : SLICE_LITERAL("root"));
}

/* ---- the page ---- */

static const char *
query_for(struct arena *mem, const char *name)
{
	CLEANUP(buf_cleanup) struct buf b = { .max = 4 * NAME_BYTES };

	buf_text(&b, "?name=");
	url_escape(&b, slice_of(name));
	return b.status == USHER_OK ? arena_copy(mem, buf_as_slice(&b)) : NULL;
}

/* Names in U-labels. */
static bool
for_people(struct arena *mem, const struct text_list *names, struct text_list *out)
{
	const char **v = arena_array(mem, names->n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < names->n; i++) {
		v[i] = domain_to_text(mem, names->v[i]);
		if (v[i] == NULL)
			return false;
	}
	*out = (struct text_list){ v, names->n };
	return v != NULL;
}

static usher_status
describe(struct arena *mem, const struct authority *a, bool alone, struct page_root *out)
{
	struct certificate c;
	usher_status st = cert_inspect(mem, slice_of(a->pem), &c, NULL);

	if (st != USHER_OK)
		return st;
	*out = (struct page_root){
		.name = a->name,
		.file = file_name(mem, a->name),
		.query = alone ? "" : query_for(mem, a->name),
		.sha256 = c.sha256,
		.sha1 = c.thumbprint,
		.not_after = c.not_after,
	};
	return out->file == NULL || out->query == NULL ||
		       !for_people(mem, &a->permitted, &out->permitted) ?
		   USHER_E_NOMEM :
		   USHER_OK;
}

static usher_status
fill(struct request *request, struct page_roots *page)
{
	const struct service *service = service_of(request);
	struct page_root *v = arena_array(request->mem, service->n_roots, sizeof(*v));
	const char *host = request_host(request);
	usher_status st = v == NULL ? USHER_E_NOMEM : USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < service->n_roots; i++)
		st = describe(request->mem, &service->roots[i], service->n_roots == 1, &v[i]);
	page->v = v;
	page->n = service->n_roots;
	/* A link or a proxy may have put anything into the Host field. */
	if (host != NULL && answering_own_name(request, host)) {
		host = text_lower_copy(request->mem, request->head->host);
		page->url = host == NULL ?
				NULL :
				arena_join(request->mem, "https://", host, PAGE_ROOT_PATH);
	}
	return st;
}

void
handle_roots(struct request *request)
{
	struct page_request asked;
	struct page_roots page = { .request = &asked,
		.brand.help = service_of(request)->conf->page.help };
	struct buf *out = &thread_of(request)->out;
	usher_status st;

	if (!has_roots(request))
		return;
	st = page_read_request(request->mem, request->head->query,
	    http1_field(request->head, "Accept-Language"), &asked);
	asked.address = NULL;
	if (st == USHER_OK)
		st = fill(request, &page);
	if (st != USHER_OK) {
		request_refuse(request, 503, "The answer does not fit into memory.");
		return;
	}
	if (!people_brand_by_host(request, &page.brand, NULL, handle_roots))
		return;
	buf_reset(out);
	page_write_roots(out, &page);
	people_send(request, 200, asked.text);
}

/* ---- the files ---- */

/* The root that the query names, or the only one. NULL: neither. */
static const struct authority *
choose(struct request *request)
{
	const struct service *service = service_of(request);
	struct slice query = request->head->query, name, value;
	const char *wanted;

	while (query_next(&query, &name, &value)) {
		if (!slice_is(name, "name"))
			continue;
		if (query_decode(request->mem, value, NAME_BYTES, &wanted) != USHER_OK)
			return NULL;
		for (size_t i = 0; i < service->n_roots; i++)
			if (slice_is_nocase(slice_of(wanted), service->roots[i].name))
				return &service->roots[i];
		return NULL;
	}
	return service->n_roots == 1 ? &service->roots[0] : NULL;
}

/* Browsers that install certificates do so with what is not an attachment. */
static void
send_certificate(struct request *request, const char *file, bool der)
{
	const struct reply_field fields[] = {
		{ "Content-Disposition", arena_join(request->mem, der ? "inline" : "attachment",
					     "; filename=\"", file, der ? ".crt\"" : ".pem\"") },
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
	};

	if (fields[0].value == NULL)
		request_refuse(request, 503, "Out of memory.");
	else
		answering_send(request, 200,
		    der ? "application/x-x509-ca-cert" : "application/x-pem-file", fields,
		    COUNT_OF(fields));
}

static void
send_profile(struct request *request, const struct authority *a, const char *file, struct slice der)
{
	CLEANUP(buf_cleanup) struct buf profile = { .max = MOBILECONFIG_BYTES };

	mobileconfig_write_root(&profile, a->name, a->sha256, der);
	if (profile.status != USHER_OK)
		request_refuse(request, 503, "The answer does not fit into memory.");
	else
		signing_send(request, file, NULL, buf_as_slice(&profile));
}

static void
answer_file(struct request *request)
{
	const struct authority *a;
	bool pem = strcmp(request->path, PAGE_ROOT_PEM) == 0;
	struct buf *out = &thread_of(request)->out;
	const char *file;

	if (!has_roots(request))
		return;
	a = choose(request);
	if (a == NULL) {
		request_refuse(
		    request, 404, "There is no such root; " PAGE_ROOT_PATH " lists them.");
		return;
	}
	buf_reset(out);
	file = file_name(request->mem, a->name);
	if (file == NULL ||
	    cert_wrap(slice_of(a->pem), pem ? CERT_FORM_PEM : CERT_FORM_DER, out, NULL) != USHER_OK)
		request_refuse(request, 503, "The answer does not fit into memory.");
	else if (strcmp(request->path, PAGE_ROOT_PROFILE) == 0)
		send_profile(request, a, file, buf_as_slice(out));
	else
		send_certificate(request, file, !pem);
}

void
handle_root_file(struct request *request)
{
	request->handle = answer_file; /* signing begins when the request is complete */
}
