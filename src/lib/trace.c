/* trace.c - tells the caller what the search is doing, a line at a time. */
#include "base/buf.h"
#include "lib/search.h"

enum { LINE_BYTES = 8 * 1024 };

static void
tell(struct usher_search *s, enum usher_trace_kind kind, enum source source, struct buf *line)
{
	const char letter[2] = { (char)source, '\0' };
	const struct usher_trace trace = {
		.size = sizeof(trace),
		.kind = (int)kind,
		.elapsed_ms = (int64_t)(search_now_ms(s) - s->began_ms),
		.source = letter,
		.source_name = source_name(source),
		.text = buf_cstr(line),
	};

	if (line->status == USHER_OK && !s->cancelled &&
	    s->options.given.trace(&trace, s->options.given.payload) == USHER_CANCEL)
		s->cancelled = true;
}

static void
describe(struct buf *line, const struct plan_step *step)
{
	switch (step->kind) {
	case PLAN_RESOLVE:
		buf_printf(line, "looks up %s", step->url->host);
		return;
	case PLAN_LOCATE:
		buf_printf(line, "looks up the SRV records of %s", step->name);
		return;
	case PLAN_REQUEST:
		buf_printf(line, "asks %s%s%s", step->url->text,
		    step->credentialed ? ", logging in by " : "", auth_scheme_name(step->scheme));
		return;
	case PLAN_PROBE:
		buf_printf(line, "asks %s for %s", step->url->text,
		    step->url->https ? "what it offers" : "a redirect");
		return;
	case PLAN_READ:
		buf_printf(line, "reads %s", step->name);
		return;
	case PLAN_SEARCH:
		buf_printf(line, "searches %s", step->name);
		return;
	case PLAN_CONSENT:
		buf_printf(line, "asks you whether %s may send us on to %s", step->from, step->to);
		return;
	}
}

static void
tell_begin(struct usher_search *s, const struct plan_step *step)
{
	struct buf line CLEANUP(buf_cleanup);

	buf_init(&line, LINE_BYTES);
	describe(&line, step);
	tell(s, USHER_TRACE_BEGUN, step->source, &line);
}

static void
tell_end(struct usher_search *s, const struct attempt *a)
{
	struct buf line CLEANUP(buf_cleanup);

	buf_init(&line, LINE_BYTES);
	buf_printf(&line, "%s: %s", a->url, a->reason);
	if (a->http_status != NUMBER_ABSENT)
		buf_printf(&line, " (HTTP %lld)", (long long)a->http_status);
	tell(s, USHER_TRACE_ENDED, (enum source)a->source, &line);
}

void
search_trace_begun(struct usher_search *s, const struct plan_step *step)
{
	if (s->options.given.trace != NULL)
		tell_begin(s, step);
}

void
search_trace_ended(struct usher_search *s)
{
	const struct attempt *const *attempts;
	size_t n;

	if (s->options.given.trace == NULL)
		return;
	attempts = plan_attempts(s->plan, &n);
	for (size_t i = 0; i < n; i++) {
		if (s->told[i] || attempts[i]->reason == NULL)
			continue;
		s->told[i] = true;
		tell_end(s, attempts[i]);
	}
}
