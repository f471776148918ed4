/* document.c - questions and answers in all languages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "lib/search.h"
#include "wire/autoconfig.h"
#include "wire/json_v2.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"
#include "wire/soap.h"

#define XML_TYPE "text/xml; charset=utf-8"

/* ---- questions ---- */

/* Where a question's place is remembered; the performer has no more room than these. */
static struct search_question *
place_of(struct usher_search *s, uint32_t id)
{
	for (size_t i = 0; i < COUNT_OF(s->questions); i++) {
		if (s->questions[i].id == id)
			return &s->questions[i];
	}
	return NULL;
}

static void
write_soap(struct buf *body, const struct plan_step *step)
{
	const struct soap_request request = {
		.operation = SOAP_GET_USER_SETTINGS,
		.subjects = { &step->address, 1 },
		.to = step->url->text,
	};

	soap_write_request(body, &request);
}

void
document_write_question(
    struct usher_search *s, const struct plan_step *step, struct http_request *r, struct buf *body)
{
	const struct question question = { .language = step->language, .address = step->address };
	struct search_question *place = place_of(s, 0);

	if (place != NULL)
		*place = (struct search_question){ step->id, step->language, step->address };
	switch (step->language) {
	case LANGUAGE_POX:
		pox_write_request(body, &question);
		r->body_max = POX_RESPONSE_BYTES;
		break;
	case LANGUAGE_MOBILESYNC:
		mobilesync_write_request(body, &question);
		r->body_max = MOBILESYNC_RESPONSE_BYTES;
		break;
	case LANGUAGE_SOAP:
		write_soap(body, step);
		r->body_of_500 = true;
		r->body_max = SOAP_RESPONSE_BYTES;
		break;
	case LANGUAGE_JSON_V2: /* a GET: the URL is the question */
		r->body_max = JSON_V2_RESPONSE_BYTES;
		return;
	default:
		r->body_max = AUTOCONFIG_BYTES;
		return;
	}
	r->content_type = XML_TYPE;
	r->body = buf_as_slice(body);
}

/* ---- answers ---- */

static const char *
fault(struct arena *mem, struct slice body, const struct usher_error *err)
{
	struct slice head = slice_trim(body);

	if (slice_starts(head, SLICE_LITERAL("\xef\xbb\xbf")))
		head = slice_trim(slice_skip(head, 3));
	if (head.n == 0)
		return "its answer is empty";
	if (slice_starts_nocase(head, SLICE_LITERAL("<!doctype html")) ||
	    slice_starts_nocase(head, SLICE_LITERAL("<html")))
		return "it is a web page, and no Autodiscover service";
	return arena_printf(mem, "it is no Autodiscover service: %s", err->message);
}

/* Its texts have placeholders for the mailbox. */
static usher_status
read_autoconfig(struct usher_search *s, struct arena *mem, const char *address, struct slice body,
    struct answer *out, struct usher_error *err)
{
	struct address who;
	usher_status st = autoconfig_read(s->xml, mem, body, out, err);

	if (st == USHER_OK)
		st = address_parse(mem, slice_of(address), &who, err);
	if (st == USHER_OK)
		st = autoconfig_fill(mem, &who, out, err);
	return st;
}

static usher_status
read_answer(struct usher_search *s, struct arena *mem, const struct search_question *question,
    struct slice body, struct answer *out, struct usher_error *err)
{
	switch (question->language) {
	case LANGUAGE_MOBILESYNC:
		return mobilesync_read_response(s->xml, mem, body, out, err);
	case LANGUAGE_SOAP:
		return soap_read_response(s->xml, mem, body, out, err);
	case LANGUAGE_AUTOCONFIG:
		return read_autoconfig(s, mem, question->address, body, out, err);
	case LANGUAGE_JSON_V2:
		return json_v2_read_response(mem, body, out, err);
	default:
		return pox_read_response(s->xml, mem, body, out, err);
	}
}

void
document_forget_question(struct usher_search *s, uint32_t id)
{
	struct search_question *place = place_of(s, id);

	if (place != NULL)
		place->id = 0;
}

/* True: what it means is linked to the result, `mem` and all. */
static bool
read_body(struct usher_search *s, struct arena *mem, const struct search_question *question,
    struct slice body, struct plan_response *out)
{
	struct answer *answer = arena_zalloc(mem, sizeof(*answer));
	struct kept *k = arena_zalloc(mem, sizeof(*k));
	struct usher_error err = { 0 };

	if (answer == NULL || k == NULL)
		return false;
	if (read_answer(s, mem, question, body, answer, &err) != USHER_OK) {
		out->body_fault = fault(mem, body, &err);
		return false;
	}
	out->answer = answer;
	if (answer->kind != ANSWER_SETTINGS && answer->kind != ANSWER_REFUSAL)
		return false;
	*k = (struct kept){ s->result->kept, mem, answer, body };
	s->result->kept = k;
	return true;
}

bool
document_read(struct usher_search *s, struct arena *mem, uint32_t id, struct slice body,
    struct plan_response *out)
{
	const struct search_question *place = place_of(s, id);

	return place != NULL && read_body(s, mem, place, body, out);
}

/* ---- files ---- */

/* NULL: *detail says why. A file over the limit is read up to it, and is then no document. */
static const char *
read_whole(struct arena *mem, const char *name, size_t *n, const char **detail)
{
	FILE *f = fopen(name, "re");
	char *bytes = arena_alloc(mem, POX_RESPONSE_BYTES);

	*n = 0;
	*detail = NULL;
	if (f == NULL)
		*detail = strerror(errno);
	else if (bytes != NULL)
		*n = fread(bytes, 1, POX_RESPONSE_BYTES, f);
	if (f != NULL && ferror(f) != 0)
		*detail = strerror(errno);
	if (f != NULL)
		(void)fclose(f);
	return *detail != NULL ? NULL : bytes;
}

void
document_read_file(struct usher_search *s, const struct plan_step *step)
{
	const struct search_question question = { 0, LANGUAGE_POX, step->address };
	struct plan_response what = { .failure = PLAN_INTERNAL, .http_status = NUMBER_ABSENT };
	struct arena *mem = arena_new(SEARCH_RESPONSE_BYTES);
	const char *bytes = NULL;
	bool keep = false;
	size_t n;

	tls_evidence_init(&what.tls);
	if (mem != NULL)
		bytes = read_whole(mem, step->name, &n, &what.detail);
	if (bytes != NULL) {
		what.failure = PLAN_NO_FAILURE;
		keep = read_body(s, mem, &question, slice_from(bytes, n), &what);
	}
	plan_responded(s->plan, search_now_ms(s), step->id, &what);
	if (!keep)
		arena_free(mem);
}
