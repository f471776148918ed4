/* handle_private.c - what administrators and monitoring may know: metrics, health, status. */
#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "base/when.h"
#include "server/expiry.h"
#include "server/route.h"
#include "server/service.h"

enum { MS_PER_S = 1000 };

static void
send_text(struct request *request, int status, const char *type, const struct buf *body)
{
	const struct reply reply = {
		.status = status,
		.type = type,
		.body = buf_as_slice(body),
	};

	if (body->status != USHER_OK)
		request_refuse(request, 503, "The answer does not fit into memory.");
	else
		request_reply(request, &reply);
}

static int64_t
now_s(void)
{
	return clock_unix_ms() / 1000;
}

static bool
directory_answers(struct request *request, uint64_t *generation)
{
	return dir_generation(thread_of(request)->dir, generation, NULL) == LOOKUP_FOUND;
}

/* ---- metrics: the text format of Prometheus ---- */

static void
write_counters(
    struct buf *out, const struct engine_counter_row *rows, size_t n, const uint64_t *values)
{
	for (size_t i = 0; i < n; i++) {
		const struct engine_counter_row *row = &rows[i];

		/* Help and type stand once, above the first row of a name. */
		if (i == 0 || strcmp(row->name, rows[i - 1].name) != 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name,
			    row->help == NULL ? row->name : row->help, row->name,
			    row->gauge ? "gauge" : "counter");
		buf_printf(out, "%s%s%s%s %" PRIu64 "\n", row->name, row->label == NULL ? "" : "{",
		    row->label == NULL ? "" : row->label, row->label == NULL ? "" : "}", values[i]);
	}
}

/* A label's value: quotes, backslashes and newlines are escaped as in JSON. */
static void
write_certificates(struct buf *out, const struct service *service, const char *name,
    const char *help, bool days, int64_t now_s)
{
	if (service->n_certificates == 0)
		return;
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
	for (size_t i = 0; i < service->n_certificates; i++) {
		const struct served_certificate *c = &service->certificates[i];

		buf_printf(out, "%s{listener=", name);
		json_quote(out, slice_of(c->listener));
		buf_text(out, ",certificate=");
		json_quote(out, slice_of(c->label));
		buf_printf(out, "} %" PRId64 "\n",
		    days ? expiry_days_left(c->not_after, now_s) : c->not_after);
	}
}

/* All that is counted, in one form and the other. */
static void
write_all_counters(struct buf *out, const struct service_state *state,
    void (*write)(
	struct buf *out, const struct engine_counter_row *rows, size_t n, const uint64_t *values))
{
	uint64_t engine[ENGINE_COUNTERS], service[SERVICE_COUNTERS], directory[DIR_COUNTERS];

	engine_count(state->engine, engine);
	for (size_t i = 0; i < SERVICE_COUNTERS; i++)
		service[i] = atomic_load_explicit(&state->counters[i], memory_order_relaxed);
	for (size_t i = 0; i < DIR_COUNTERS; i++)
		directory[i] = atomic_load_explicit(&state->directory.v[i], memory_order_relaxed);
	write(out, engine_counter_rows, ENGINE_COUNTERS, engine);
	write(out, service_counter_rows, SERVICE_COUNTERS, service);
	write(out, dir_counter_rows, DIR_COUNTERS, directory);
}

void
handle_metrics(struct request *request)
{
	const struct service *service = service_of(request);
	struct buf *out = &thread_of(request)->out;
	uint64_t generation = 0;

	buf_reset(out);
	buf_printf(out,
	    "# HELP usherd_info What runs\n# TYPE usherd_info gauge\n"
	    "usherd_info{version=\"%s\"} 1\n"
	    "# HELP usherd_start_time_seconds When it started\n"
	    "# TYPE usherd_start_time_seconds gauge\n"
	    "usherd_start_time_seconds %" PRId64 "\n"
	    "# HELP usherd_directory_up Whether the directory answers\n"
	    "# TYPE usherd_directory_up gauge\n"
	    "usherd_directory_up %d\n"
	    "# HELP usherd_directory_age_seconds How old its configuration may be\n"
	    "# TYPE usherd_directory_age_seconds gauge\n"
	    "usherd_directory_age_seconds %.3f\n",
	    USHER_VERSION, service->state->started_s, directory_answers(request, &generation),
	    (double)dir_age_ms(thread_of(request)->dir) / MS_PER_S);
	write_all_counters(out, service->state, write_counters);
	write_certificates(out, service, "usherd_certificate_not_after_seconds",
	    "When a served certificate expires", false, 0);
	write_certificates(out, service, "usherd_certificate_days_left",
	    "Whole days until a served certificate expires", true, now_s());
	send_text(request, 200, "text/plain; version=0.0.4; charset=utf-8", out);
}

void
handle_health(struct request *request)
{
	struct buf *out = &thread_of(request)->out;
	uint64_t generation;
	bool up = directory_answers(request, &generation);

	buf_reset(out);
	buf_text(out, up ? "ok\n" : "the directory is not available\n");
	send_text(request, up ? 200 : 503, "text/plain; charset=utf-8", out);
}

/* ---- status: for `usher status` ---- */

static void
write_member(struct buf *out, const char *name, const char *value)
{
	json_quote(out, slice_of(name));
	buf_char(out, ':');
	if (value == NULL)
		buf_text(out, "null");
	else
		json_quote(out, slice_of(value));
	buf_char(out, ',');
}

static void
write_time_member(struct buf *out, const char *name, int64_t unix_s)
{
	char text[WHEN_TEXT_BYTES];

	when_format(unix_s, text);
	write_member(out, name, text);
}

/* Ends an object or array whose members each ended in a comma. */
static void
write_end(struct buf *out, char bracket)
{
	if (out->n > 0 && out->p[out->n - 1] == ',')
		buf_cut(out, out->n - 1);
	buf_char(out, bracket);
	buf_char(out, ',');
}

static void
write_listeners(struct buf *out, const struct service *service)
{
	static const char *const kinds[] = { "https", "redirect", "private", "proxy" };
	const struct conf *conf = service->conf;
	char text[ENDPOINT_TEXT_BYTES];
	struct endpoint bound;

	buf_text(out, "\"listeners\":[");
	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		for (size_t k = 0; k < l->addresses.n; k++) {
			char name[CONF_LISTENER_NAME_BYTES];

			conf_listener_name(l, k, name);
			if (!engine_listener_endpoint(service->state->engine, name, &bound))
				continue;
			endpoint_format(&bound, text);
			buf_char(out, '{');
			write_member(out, "name", l->name);
			write_member(out, "kind", kinds[l->kind]);
			write_member(out, "address", text);
			write_end(out, '}');
		}
	}
	write_end(out, ']');
}

static void
write_served(struct buf *out, const struct service *service)
{
	buf_text(out, "\"certificates\":[");
	for (size_t i = 0; i < service->n_certificates; i++) {
		const struct served_certificate *c = &service->certificates[i];

		buf_char(out, '{');
		write_member(out, "listener", c->listener);
		write_member(out, "certificate", c->label);
		write_member(out, "subject", c->subject);
		write_time_member(out, "not_after", c->not_after);
		buf_printf(
		    out, "\"days_left\":%" PRId64 ",", expiry_days_left(c->not_after, now_s()));
		write_end(out, '}');
	}
	write_end(out, ']');
}

/* `usherd_answers_total{kind="settings"}` becomes `answers_settings`. */
static void
write_counter_members(
    struct buf *out, const struct engine_counter_row *rows, size_t n, const uint64_t *values)
{
	static const struct slice prefix = SLICE_LITERAL("usherd_"),
				  suffix = SLICE_LITERAL("_total");

	for (size_t i = 0; i < n; i++) {
		struct slice name = slice_of(rows[i].name), label = slice_of(rows[i].label);

		if (slice_starts(name, prefix))
			name = slice_skip(name, prefix.n);
		if (slice_ends_nocase(name, suffix))
			name.n -= suffix.n;
		label = slice_skip(label, slice_find(label, '"') + 1);
		label.n = slice_find(label, '"');
		buf_printf(out, "\"%.*s%s%.*s\":%" PRIu64 ",", (int)name.n, name.p,
		    label.n > 0 ? "_" : "", (int)label.n, label.p, values[i]);
	}
}

void
handle_status(struct request *request)
{
	const struct service *service = service_of(request);
	struct buf *out = &thread_of(request)->out;
	uint64_t generation = 0;
	bool up = directory_answers(request, &generation);

	buf_reset(out);
	buf_char(out, '{');
	write_member(out, "version", USHER_VERSION);
	write_time_member(out, "started", service->state->started_s);
	write_time_member(out, "configured", service->loaded_s);
	write_member(out, "configuration", service->conf->path);
	write_member(out, "directory", service->conf->directory);
	buf_printf(out,
	    "\"directory_available\":%s,\"directory_generation\":%" PRIu64
	    ",\"directory_age_ms\":%" PRIu64 ",",
	    up ? "true" : "false", generation, dir_age_ms(thread_of(request)->dir));
	write_listeners(out, service);
	write_served(out, service);
	buf_text(out, "\"counters\":{");
	write_all_counters(out, service->state, write_counter_members);
	write_end(out, '}');
	buf_cut(out, out->n == 0 ? 0 : out->n - 1);
	buf_text(out, "}\n");
	send_text(request, 200, "application/json", out);
}
