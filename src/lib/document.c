/* document.c - questions and answers in all languages. */
#include <string.h>

#include "lib/search.h"
#include "wire/json_v2.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"

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
	default: /* a GET: the URL is the question */
		r->body_max = JSON_V2_RESPONSE_BYTES;
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

static usher_status
read_answer(struct usher_search *s, struct arena *mem, const struct search_question *question,
    struct slice body, struct answer *out, struct usher_error *err)
{
	switch (question->language) {
	case LANGUAGE_MOBILESYNC:
		return mobilesync_read_response(s->xml, mem, body, out, err);
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

bool
document_read(struct usher_search *s, struct arena *mem, uint32_t id, struct slice body,
    struct plan_response *out)
{
	const struct search_question *place = place_of(s, id);
	struct answer *answer = arena_zalloc(mem, sizeof(*answer));
	struct kept *k = arena_zalloc(mem, sizeof(*k));
	struct usher_error err = { 0 };

	if (answer == NULL || k == NULL || place == NULL)
		return false;
	if (read_answer(s, mem, place, body, answer, &err) != USHER_OK) {
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
