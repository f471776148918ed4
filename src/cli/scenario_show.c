/* scenario_show.c - the plan of a deployment, for people and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/option.h"
#include "cli/scenario.h"
#include "cli/zone_show.h"
#include "wire/zone.h"

enum { SHOW_BYTES = 4 * 1024 * 1024, LINE_COLUMNS = 92 };

struct showing {
	struct scenario_plan *s;
	struct writer *w;
	struct buf text;
};

/* ---- text ---- */

void
scenario_say(struct writer *w, const char *indent, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.n > 0) {
		size_t n = slice_find(rest, '\n');

		write_say(w, "%s%.*s", n == 0 ? "" : indent, (int)n, rest.p);
		rest = slice_skip(rest, n + 1);
	}
}

static void
say_title(struct writer *w, const char *title)
{
	write_say(w, "%s", "");
	write_say(w, "%s", title);
	write_say(w, "%s", "");
}

/* A sentence behind a dash, broken between words. */
static void
say_item(struct writer *w, const char *text)
{
	struct slice rest = slice_of(text);
	const char *mark = "- ";

	while (rest.n > 0) {
		size_t n = rest.n;

		if (n > LINE_COLUMNS) {
			n = LINE_COLUMNS;
			while (n > 0 && rest.p[n] != ' ')
				n--;
		}
		n = n == 0 ? slice_find(rest, ' ') : n;
		write_say(w, "  %s%.*s", mark, (int)n, rest.p);
		rest = slice_skip(rest, n + 1);
		mark = "  ";
	}
}

static void
say_items(struct writer *w, const char *title, const struct text_list *l)
{
	say_title(w, title);
	for (size_t i = 0; i < l->n; i++)
		say_item(w, l->v[i]);
}

/* ---- usherd.conf ---- */

void
scenario_config(const struct scenario_plan *s, struct buf *out)
{
	buf_printf(out, "directory = %s\n", s->directory);
	for (size_t i = 0; i < s->plan.n_listeners; i++) {
		const struct plan_listener *l = &s->plan.listeners[i];

		buf_printf(out, "[listen %s%s%s]\n", l->https ? "https" : "redirect",
		    l->name == NULL ? "" : " ", l->name == NULL ? "" : l->name);
		buf_printf(out, "address = %s\n", l->addresses == NULL ? "?" : l->addresses);
		if (l->target != NULL)
			buf_printf(out, "target = %s\n", l->target);
	}
	buf_text(out, "[listen private]\naddress = 127.0.0.1:9108\n");
}

/* ---- commands ---- */

/* Each with its reason: an object of a list, or lines that a shell takes. */
struct commands {
	struct showing *to;
	const char *why; /* of the one before */
};

/* A word as a shell takes it. */
static void
put_word(struct buf *b, const char *word)
{
	bool plain = word[0] != '\0';

	for (const char *p = word; *p != '\0'; p++)
		plain = plain && (text_is_alnum(*p) || strchr("-._~:/=@,+%*", *p) != NULL);
	if (plain && strchr(word, '*') == NULL) {
		buf_printf(b, " %s", word);
		return;
	}
	buf_text(b, " '");
	for (const char *p = word; *p != '\0'; p++)
		buf_text(b, *p == '\'' ? "'\\''" : (const char[]){ *p, '\0' });
	buf_char(b, '\'');
}

static void
put_option(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, " --%s", name);
	put_word(b, value);
}

static void
begin_command(struct commands *c)
{
	struct buf *b = &c->to->text;

	buf_reset(b);
	buf_text(b, "usher");
	if (c->to->s->cli->directory != NULL)
		put_option(b, "directory", c->to->s->cli->directory);
}

static void
end_command(struct commands *c, const char *why)
{
	struct writer *w = c->to->w;

	if (writer_is_json(w)) {
		write_open(w, NULL, NULL);
		write_text(w, "command", buf_cstr(&c->to->text));
		write_text(w, "why", why);
		write_close(w);
		return;
	}
	if (c->why == NULL || strcmp(c->why, why) != 0)
		write_say(w, "    # %s", why);
	write_say(w, "    %s", buf_cstr(&c->to->text));
	c->why = why;
}

static const char *
kind_name(int kind)
{
	const struct domain like = { .kind = kind };

	return field_choice_name(field_find(&entities[ENTITY_DOMAIN].table, "kind"), &like);
}

static void
show_setups(struct commands *c)
{
	const struct deployment *d = &c->to->s->plan;

	for (size_t i = 0; i < d->setups.n; i++) {
		struct buf *b = &c->to->text;

		begin_command(c);
		buf_text(b, " setup");
		put_option(b, "domain", d->wish->domain);
		put_option(b, "host", d->setups.v[i]);
		if (d->kind != DOMAIN_EXCHANGE)
			put_option(b, "kind", kind_name(d->kind));
		end_command(c, "make the directory that answers for the domain");
	}
}

/* The words and options that lead from one record to the other. */
static void
show_record(struct commands *c, const struct plan_record *r)
{
	static const char *const verbs[ENTITY_COUNT] = {
		[ENTITY_SERVER] = "server set",
		[ENTITY_URL] = "url set",
		[ENTITY_OUTLOOK_ANYWHERE] = "outlook-anywhere set",
		[ENTITY_PROVIDER] = "provider set",
		[ENTITY_DOMAIN] = "domain set",
	};
	const struct entity *e = r->entity;
	struct buf *b = &c->to->text;
	struct option o;

	begin_command(c);
	buf_printf(b, " %s", r->before == NULL ? "domain add" : verbs[e->id]);
	if (e->id == ENTITY_URL) {
		put_word(b, field_choice_name(field_find(&e->table, "service"), &r->after));
		put_option(b, "server", r->after.url.server);
	} else if (e->id == ENTITY_OUTLOOK_ANYWHERE) {
		put_option(b, "server", r->after.outlook_anywhere.server);
	} else {
		put_word(b, field_text(&e->table.rows[0], &r->after));
	}
	if (r->before == NULL)
		put_option(b, "kind", kind_name(r->after.domain.kind));
	for (size_t i = e->n_keys; i < e->table.n; i++) {
		const struct field *f = &e->table.rows[i];

		if (f->type == FIELD_CHOICE ||
		    (r->before != NULL && field_equal(f, r->before, &r->after)) ||
		    field_absent(f, &r->after))
			continue;
		option_of_field(f, &o);
		if (f->type == FIELD_TEXT)
			put_option(b, o.name, field_text(f, &r->after));
		for (size_t k = 0; f->type == FIELD_LIST && k < field_list(f, &r->after)->n; k++)
			put_option(b, o.name, field_list(f, &r->after)->v[k]);
	}
	end_command(c, r->why);
}

static void
put_enable(struct buf *b, const struct plan_certificate *p)
{
	put_option(b, "services", "https");
	if (p->listener != NULL)
		put_option(b, "listener", p->listener);
}

static void
show_certificate(struct commands *c, const struct plan_certificate *p)
{
	const char *name = p->names[0].name;
	struct buf *b = &c->to->text;

	if (p->enabled != NULL)
		return;
	if (p->imported != NULL) {
		begin_command(c);
		buf_printf(b, " cert enable %s", p->imported->thumbprint);
		put_enable(b, p);
		end_command(c, "let usherd show the certificate");
		return;
	}
	if (p->request == NULL) {
		begin_command(c);
		buf_text(b, " cert request --domain ");
		for (size_t i = 0; i < p->n_names; i++)
			buf_printf(b, "%s%s", i == 0 ? "" : ",", p->names[i].name);
		buf_printf(b, " --subject CN=%s --out %s.req", name, name);
		end_command(c,
		    "make a key and a request; take the request to your authority, or to "
		    "`usher ca issue`");
	}
	begin_command(c);
	buf_printf(b, " cert import %s.cer | xargs usher", name);
	if (c->to->s->cli->directory != NULL)
		put_option(b, "directory", c->to->s->cli->directory);
	buf_text(b, " cert enable");
	put_enable(b, p);
	end_command(c, "import what the authority gave you, and let usherd show it");
}

static void
show_again(struct commands *c)
{
	const struct plan_args *a = c->to->s->args;
	const struct plan_wish *w = &c->to->s->wish;
	struct buf *b = &c->to->text;
	char number[8] = { (char)('0' + w->scenario), '\0' };

	begin_command(c);
	buf_text(b, " plan");
	put_option(b, "scenario", number);
	put_option(b, "domain", w->domain);
	put_option(b, "host", w->host);
	for (size_t i = 0; i < w->servers.n; i++)
		put_option(b, "servers", w->servers.v[i]);
	for (size_t i = 0; i < a->addresses.n; i++)
		put_option(b, "address", a->addresses.v[i]);
	buf_text(b, " --check");
	end_command(c, "afterwards, compare all this with what is there");
}

static void
show_commands(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct commands c = { .to = to };

	show_setups(&c);
	for (size_t i = 0; i < d->n_records; i++)
		show_record(&c, &d->records[i]);
	for (size_t i = 0; i < d->n_certificates; i++)
		show_certificate(&c, &d->certificates[i]);
	show_again(&c);
}

/* ---- JSON ---- */

static void
write_certificates(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	write_list(w, "certificates", NULL, 0);
	for (size_t i = 0; i < d->n_certificates; i++) {
		const struct plan_certificate *p = &d->certificates[i];
		const struct certificate *c = p->enabled != NULL  ? p->enabled :
					      p->imported != NULL ? p->imported :
					      p->request != NULL  ? p->request :
								    p->self_signed;

		write_open(w, NULL, NULL);
		write_text(w, "listener", p->listener);
		write_text(w, "state",
		    p->enabled != NULL	   ? "enabled" :
		    p->imported != NULL	   ? "imported" :
		    p->request != NULL	   ? "requested" :
		    p->self_signed != NULL ? "self-signed" :
					     "missing");
		write_text(w, "thumbprint", c == NULL ? NULL : c->thumbprint);
		write_list(w, "names", NULL, 0);
		for (size_t k = 0; k < p->n_names; k++) {
			write_open(w, NULL, NULL);
			write_text(w, "name", p->names[k].name);
			write_text(w, "why", p->names[k].why);
			write_close(w);
		}
		write_list_end(w);
		write_close(w);
	}
	write_list_end(w);
}

static const struct column client_columns[] = {
	{ "client", "PROGRAM" },
	{ "source_name", "FINDS IT BY" },
	{ "sees", "WHAT PEOPLE SEE" },
};

static void
write_clients(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	write_list(w, "clients", client_columns, COUNT_OF(client_columns));
	for (size_t i = 0; i < d->n_clients; i++) {
		const struct plan_client *c = &d->clients[i];
		char letter[2] = { (char)c->source, '\0' };

		write_open(w, NULL, NULL);
		write_text(w, "client", c->client);
		if (writer_is_json(w)) {
			write_text(w, "source", c->source == 0 ? NULL : letter);
			write_flag(w, "found", c->source != 0);
			write_flag(w, "prompt", c->prompt);
		}
		write_text(w, "source_name",
		    c->source == 0 ? "nothing" : source_name((enum source)c->source));
		write_text(w, "sees", c->sees);
		write_close(w);
	}
	write_list_end(w);
}

static void
write_listeners(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	write_list(w, "listeners", NULL, 0);
	for (size_t i = 0; i < d->n_listeners; i++) {
		const struct plan_listener *l = &d->listeners[i];

		write_open(w, NULL, NULL);
		write_text(w, "kind", l->https ? "https" : "redirect");
		write_text(w, "name", l->name);
		write_text(w, "address", l->addresses);
		write_text(w, "target", l->target);
		write_close(w);
	}
	write_list_end(w);
	buf_reset(&to->text);
	scenario_config(to->s, &to->text);
	write_text(w, "configuration", buf_cstr(&to->text));
}

static void
show_json(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	write_open(w, NULL, NULL);
	write_number(w, "scenario", d->wish->scenario);
	write_text(w, "title", d->title);
	write_text(w, "domain", d->wish->domain);
	write_text(w, "host", d->wish->host);
	write_text(w, "kind", kind_name(d->kind));
	write_flag(w, "complete", d->complete);
	write_texts(w, "requirements", &d->requirements);
	write_texts(w, "tradeoffs", &d->tradeoffs);
	write_certificates(to);
	zone_show(w, "zone", &to->text, &d->zone, (uint32_t)to->s->args->ttl_s);
	write_list(w, "commands", NULL, 0);
	show_commands(to);
	write_list_end(w);
	write_listeners(to);
	write_clients(to);
	write_texts(w, "notes", &d->notes);
	write_close(w);
}

/* ---- for people ---- */

static void
say_certificates(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	say_title(
	    w, d->n_certificates == 1 ? "Names on the certificate" : "Names on the certificates");
	for (size_t i = 0; i < d->n_certificates; i++) {
		const struct plan_certificate *p = &d->certificates[i];

		for (size_t k = 0; k < p->n_names; k++) {
			write_say(w, "  %s", p->names[k].name);
			write_say(w, "      %s", p->names[k].why);
		}
		if (i + 1 < d->n_certificates)
			write_say(w, "%s", "");
	}
}

static void
show_text(struct showing *to)
{
	const struct deployment *d = &to->s->plan;
	struct writer *w = to->w;

	write_say(w, "Scenario %d for %s: %s", (int)d->wish->scenario, d->wish->domain, d->title);
	say_items(w, "What it takes", &d->requirements);
	say_items(w, "What it means", &d->tradeoffs);
	say_certificates(to);
	say_title(w, "Records for the zone");
	buf_reset(&to->text);
	zone_write(&to->text, &d->zone, (uint32_t)to->s->args->ttl_s);
	scenario_say(w, "    ", buf_cstr(&to->text));
	say_title(w, "Commands to run here (--apply runs them, but for the import)");
	show_commands(to);
	say_title(w, "Lines of usherd.conf");
	buf_reset(&to->text);
	scenario_config(to->s, &to->text);
	scenario_say(w, "    ", buf_cstr(&to->text));
	say_title(w, "What programs make of it");
	write_clients(to);
	if (d->notes.n > 0)
		say_items(w, "To be seen to", &d->notes);
}

int
scenario_show(struct scenario_plan *s)
{
	struct showing to = { .s = s, .w = s->cli->out };
	struct usher_error err = { 0 };
	usher_status st;

	buf_init(&to.text, SHOW_BYTES);
	if (s->cli->json)
		show_json(&to);
	else
		show_text(&to);
	st = to.text.status;
	buf_clear(&to.text);
	if (st != USHER_OK)
		return cli_fail(err_nomem(&err, "plan"), &err);
	return s->plan.complete ? CLI_DONE : CLI_NEGATIVE;
}
