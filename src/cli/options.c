/* options.c - reading the command line by the rows of the commands. */
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/option.h"

struct parser {
	struct cli *cli;
	const char *const *argv;
	int argc, at;
	struct common common;
	const struct command *command;
	char words[OPTION_NAME_BYTES]; /* of the command, as far as they are read */
	void *args;
	struct setting *settings;
	size_t n_settings;
	const char **operands;
	size_t n_operands;
	bool only_operands; /* after `--` */
	struct usher_error *err;
};

static usher_status
usage(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);

static usher_status
usage(struct parser *p, const char *format, ...)
{
	char message[USHER_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	return err_set(p->err, USHER_E_USAGE, p->words, "%s", message);
}

/* ---- the command ---- */

/* The word after `words` in the command's name, empty when the name does not continue them. */
static struct slice
next_word(const struct command *c, const char *words)
{
	struct slice name = slice_of(c->name), said = slice_of(words);

	if (said.n > 0) {
		if (!slice_starts(name, said) || (name.n > said.n && name.p[said.n] != ' '))
			return (struct slice){ 0 };
		name = slice_skip(name, said.n + 1);
	}
	return slice_from(name.p, slice_find(name, ' '));
}

static usher_status
unknown_word(struct parser *p, const char *word)
{
	struct nearest near = nearest_to(word);
	struct buf CLEANUP(buf_cleanup) known;
	const char *last = "";
	usher_status st;

	buf_init(&known, USHER_ERROR_MESSAGE_BYTES);
	for (size_t i = 0; commands[i] != NULL; i++) {
		struct slice next = next_word(commands[i], p->words);

		if (next.n == 0 || slice_is(next, last))
			continue;
		nearest_try(&near, next);
		buf_printf(&known, "%s%.*s", known.n > 0 ? ", " : "", (int)next.n, next.p);
		last = arena_copy(p->cli->mem, next);
		if (last == NULL)
			return err_nomem(p->err, NULL);
	}
	if (word == NULL)
		st = usage(p, "say what to do: %s", buf_cstr(&known));
	else if (near.found.n > 0)
		st = usage(p, "unknown command `%s`; did you mean `%.*s`?", word, (int)near.found.n,
		    near.found.p);
	else
		st = usage(p, "unknown command `%s`; there is: %s", word, buf_cstr(&known));
	return st;
}

/* Takes `word` as a part of the command's name. *taken is false when it is an operand already. */
static usher_status
take_word(struct parser *p, const char *word, bool *taken)
{
	size_t said = strlen(p->words);

	*taken = true;
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (!slice_is(next_word(commands[i], p->words), word))
			continue;
		if (said + strlen(word) + 2 > sizeof(p->words))
			break;
		(void)snprintf(
		    p->words + said, sizeof(p->words) - said, "%s%s", said > 0 ? " " : "", word);
		p->command = NULL;
		for (size_t k = 0; commands[k] != NULL; k++)
			if (strcmp(commands[k]->name, p->words) == 0)
				p->command = commands[k];
		return USHER_OK;
	}
	*taken = false;
	return p->command == NULL ? unknown_word(p, word) : USHER_OK;
}

/* ---- values ---- */

static usher_status
append_text(struct arena *mem, struct text_list *list, const char *text)
{
	const char **v = arena_array(mem, list->n + 1, sizeof(*v));

	if (v == NULL)
		return USHER_E_NOMEM;
	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n] = text;
	*list = (struct text_list){ v, list->n + 1 };
	return USHER_OK;
}

static usher_status
append_split(struct arena *mem, struct text_list *list, struct slice value)
{
	usher_status st = USHER_OK;

	while (value.n > 0 && st == USHER_OK) {
		size_t n = slice_find(value, ',');
		struct slice part = slice_trim(slice_from(value.p, n));

		if (part.n > 0) {
			const char *text = arena_copy(mem, part);

			st = text == NULL ? USHER_E_NOMEM : append_text(mem, list, text);
		}
		value = slice_skip(value, n + 1);
	}
	return st;
}

static bool
choose(const char *const *choices, const char *value, int *out)
{
	for (int i = 0; choices[i] != NULL; i++)
		if (slice_is_nocase(slice_of(choices[i]), value)) {
			*out = i;
			return true;
		}
	return false;
}

static usher_status
refuse_choice(struct parser *p, const struct option *o, const char *value)
{
	struct buf CLEANUP(buf_cleanup) allowed;

	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	option_value_name(&allowed, o);
	return usage(p, "--%s cannot be `%s`; give %s", o->name, value, buf_cstr(&allowed));
}

static usher_status
store(struct parser *p, const struct option *o, const char *value)
{
	const struct option_spec *s = o->spec;
	void *base = o->shared ? (void *)&p->common : p->args;
	char *to = (char *)base + s->offset;
	struct slice text = slice_of(value);
	int64_t seconds;
	uint64_t number;
	usher_status st = USHER_OK;

	switch (s->type) {
	case OPT_FLAG:
		*(bool *)(void *)to = true;
		break;
	case OPT_TEXT:
		*(const char **)(void *)to = value;
		break;
	case OPT_LIST:
		st = append_split(p->cli->mem, (struct text_list *)(void *)to, text);
		break;
	case OPT_EACH:
		st = append_text(p->cli->mem, (struct text_list *)(void *)to, value);
		break;
	case OPT_NUMBER:
		if (!text_number(text, (uint64_t)s->min,
			s->max == 0 && s->min == 0 ? INT64_MAX : (uint64_t)s->max, &number))
			return usage(p, "--%s cannot be `%s`; give a number from %lld%s", o->name,
			    value, (long long)s->min,
			    s->max == 0 ? "" :
					  arena_printf(p->cli->mem, " to %lld", (long long)s->max));
		*(int64_t *)(void *)to = (int64_t)number;
		break;
	case OPT_MSEC:
		if (!duration_parse(text, &number))
			return usage(p, "--%s cannot be `%s`; give a time as 250ms, 30s, 5m or 6h",
			    o->name, value);
		*(uint64_t *)(void *)to = number;
		break;
	case OPT_TIME:
		if (!when_parse(text, &seconds))
			return usage(p,
			    "--%s cannot be `%s`; give a date as 2026-11-21T08:35:00Z or @SECONDS",
			    o->name, value);
		*(int64_t *)(void *)to = seconds;
		break;
	case OPT_CHOICE:
		if (!choose(s->choices, value, (int *)(void *)to))
			return refuse_choice(p, o, value);
		break;
	}
	return st == USHER_E_NOMEM ? err_nomem(p->err, p->words) : st;
}

static usher_status
take_value(struct parser *p, const struct option *o, const char *value)
{
	if (o->spec != NULL)
		return store(p, o, value);
	p->settings[p->n_settings++] = (struct setting){ o->field, value };
	return USHER_OK;
}

/* ---- the walk ---- */

static bool
is_flag(const struct option *o)
{
	return o->spec != NULL && o->spec->type == OPT_FLAG;
}

static usher_status
needs_value(struct parser *p, const struct option *o)
{
	struct buf CLEANUP(buf_cleanup) what;

	buf_init(&what, USHER_ERROR_MESSAGE_BYTES);
	option_value_name(&what, o);
	return usage(p, "--%s needs a value: --%s %s", o->name, o->name, buf_cstr(&what));
}

static usher_status
take_long(struct parser *p, const char *text)
{
	struct slice whole = slice_of(text);
	size_t n = slice_find(whole, '=');
	struct nearest near = nearest_to(arena_copy(p->cli->mem, slice_from(text, n)));
	struct option o;

	if (near.to == NULL)
		return err_nomem(p->err, p->words);
	for (size_t i = 0; option_at(p->command, i, &o); i++) {
		if (!slice_is(slice_from(text, n), o.name) &&
		    (o.also == NULL || !slice_is(slice_from(text, n), o.also))) {
			nearest_try(&near, slice_of(arena_strdup(p->cli->mem, o.name)));
			continue;
		}
		if (is_flag(&o)) {
			if (n < whole.n)
				return usage(p, "--%s takes no value", o.name);
			return take_value(p, &o, NULL);
		}
		if (n < whole.n)
			return take_value(p, &o, text + n + 1);
		if (p->at == p->argc)
			return needs_value(p, &o);
		return take_value(p, &o, p->argv[p->at++]);
	}
	if (near.found.n > 0)
		return usage(p, "unknown option `--%s`; did you mean `--%.*s`?", near.to,
		    (int)near.found.n, near.found.p);
	return usage(p, "unknown option `--%s`; `usher help%s%s` lists them", near.to,
	    p->words[0] == '\0' ? "" : " ", p->words);
}

/* `-nj` and `-dURI` as well as `-d URI`. */
static usher_status
take_letters(struct parser *p, const char *letters)
{
	usher_status st = USHER_OK;
	struct option o;

	for (; *letters != '\0' && st == USHER_OK; letters++) {
		bool found = false;

		for (size_t i = 0; !found && option_at(p->command, i, &o); i++)
			found = o.letter == *letters;
		if (!found)
			return usage(p, "unknown option `-%.1s`; `usher help%s%s` lists them",
			    letters, p->words[0] == '\0' ? "" : " ", p->words);
		if (is_flag(&o))
			st = take_value(p, &o, NULL);
		else if (letters[1] != '\0')
			return take_value(p, &o, letters + 1);
		else if (p->at == p->argc)
			return needs_value(p, &o);
		else
			return take_value(p, &o, p->argv[p->at++]);
	}
	return st;
}

static usher_status
begin_command(struct parser *p)
{
	if (p->args != NULL)
		return USHER_OK;
	p->args = arena_zalloc(p->cli->mem, p->command->args_size);
	if (p->args == NULL)
		return err_nomem(p->err, p->words);
	if (p->command->defaults != NULL)
		memcpy(p->args, p->command->defaults, p->command->args_size);
	return USHER_OK;
}

static usher_status
take(struct parser *p, const char *text)
{
	usher_status st;
	bool taken = false;

	if (!p->only_operands && strcmp(text, "--") == 0) {
		p->only_operands = true;
		return USHER_OK;
	}
	if (!p->only_operands && text[0] == '-' && text[1] != '\0') {
		st = p->command == NULL ? USHER_OK : begin_command(p);
		if (st != USHER_OK)
			return st;
		return text[1] == '-' ? take_long(p, text + 2) : take_letters(p, text + 1);
	}
	if (p->args == NULL && p->n_operands == 0) {
		st = take_word(p, text, &taken);
		if (st != USHER_OK || taken)
			return st;
	}
	p->operands[p->n_operands++] = text;
	return USHER_OK;
}

static usher_status
check_operands(struct parser *p)
{
	const struct command *c = p->command;
	size_t min, max;

	operand_range(c, &min, &max);
	if (p->n_operands > max)
		return usage(p, "`%s` is too much; usage: usher %s%s%s", p->operands[max], c->name,
		    c->operands == NULL ? "" : " ", c->operands == NULL ? "" : c->operands);
	if (p->n_operands < min) {
		struct slice word = operand_word(c, p->n_operands);

		return usage(p, "%.*s is missing; usage: usher %s %s", (int)word.n, word.p, c->name,
		    c->operands);
	}
	return USHER_OK;
}

static usher_status
check_bytes(struct parser *p)
{
	for (int i = 1; i < p->argc; i++) {
		struct slice arg = slice_of(p->argv[i]);

		if (!text_utf8_valid(arg) || text_has_control(arg))
			return usage(
			    p, "argument %d is not UTF-8 or has control characters in it", i);
	}
	return USHER_OK;
}

usher_status
options_parse(
    struct cli *cli, int argc, const char *const *argv, struct parsed *out, struct usher_error *err)
{
	struct parser p = { .cli = cli,
		.argv = argv,
		.argc = argc,
		.at = 1,
		.err = err,
		.common = { .now_s = cli->now_ms / 1000 } };
	usher_status st;

	p.settings = arena_array(cli->mem, (size_t)argc + 1, sizeof(*p.settings));
	p.operands = arena_array(cli->mem, (size_t)argc + 1, sizeof(*p.operands));
	if (p.settings == NULL || p.operands == NULL)
		return err_nomem(err, NULL);
	st = check_bytes(&p);
	while (st == USHER_OK && p.at < argc)
		st = take(&p, argv[p.at++]);
	if (st == USHER_OK && p.command != NULL)
		st = begin_command(&p);
	if (st == USHER_OK && !p.common.help && !p.common.version)
		st = p.command == NULL ? unknown_word(&p, NULL) : check_operands(&p);
	if (st != USHER_OK)
		return st;

	cli->directory = p.common.directory;
	cli->config = p.common.config;
	cli->json = p.common.json;
	cli->dry_run = p.common.dry_run;
	if (p.common.now_s != cli->now_ms / 1000)
		cli->now_ms = p.common.now_s * 1000;
	cli->operands = p.operands;
	cli->n_operands = p.n_operands;
	cli->settings = p.settings;
	cli->n_settings = p.n_settings;
	cli->command = p.command;
	*out = (struct parsed){ .command = p.command,
		.help = p.common.help,
		.version = p.common.version,
		.args = p.args };
	out->group = arena_strdup(cli->mem, p.words);
	return out->group == NULL ? err_nomem(err, NULL) : USHER_OK;
}
