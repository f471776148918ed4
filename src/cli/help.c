/* help.c - help and completion, made from the rows of the commands. */
#include "cli/help.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/option.h"

enum { HELP_GAP = 2, HELP_LEFT_MOST = 34, HELP_WIDTH = 80 };

static void
put_blanks(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_char(b, ' ');
}

/* `text` in lines of at most HELP_WIDTH columns, the further ones indented. */
static void
put_wrapped(struct buf *b, const char *text, size_t at, size_t indent)
{
	struct slice rest = slice_of(text);
	size_t column = at;

	while (rest.n > 0) {
		size_t n = slice_find(rest, ' ');
		size_t columns = text_columns(slice_from(rest.p, n));

		if (column > indent && column + 1 + columns > HELP_WIDTH) {
			buf_char(b, '\n');
			put_blanks(b, indent);
			column = indent;
		} else if (column > indent) {
			buf_char(b, ' ');
			column++;
		}
		buf_append(b, rest.p, n);
		column += columns;
		rest = slice_skip(rest, n + 1);
	}
	buf_char(b, '\n');
}

/* A line of two columns; a left part that is too wide gets a line of its own. */
static void
put_row(struct buf *b, const char *left, const char *right, size_t width)
{
	size_t columns = text_columns(slice_of(left));

	buf_printf(b, "  %s", left);
	if (columns > width) {
		buf_char(b, '\n');
		columns = 0;
		put_blanks(b, 2);
	}
	put_blanks(b, width - columns + HELP_GAP);
	put_wrapped(b, right, 2 + width + HELP_GAP, 2 + width + HELP_GAP);
}

static void
put_option(struct buf *b, const struct option *o)
{
	struct buf CLEANUP(buf_cleanup) value;

	buf_init(&value, HELP_BYTES);
	option_value_name(&value, o);
	if (o->letter != '\0')
		buf_printf(b, "-%c, ", o->letter);
	else
		buf_text(b, "    ");
	buf_printf(b, "--%s%s%s", o->name, value.n > 0 ? " " : "", buf_cstr(&value));
}

static void
put_options(struct buf *b, const struct command *c, bool common)
{
	struct buf CLEANUP(buf_cleanup) left;
	struct option o;
	size_t width = 0;

	buf_init(&left, HELP_BYTES);
	for (size_t i = 0; option_at(c, i, &o); i++) {
		size_t columns;

		if (o.common != common)
			continue;
		buf_reset(&left);
		put_option(&left, &o);
		columns = text_columns(buf_as_slice(&left));
		if (columns > width && columns <= HELP_LEFT_MOST)
			width = columns;
	}
	for (size_t i = 0; option_at(c, i, &o); i++) {
		if (o.common != common)
			continue;
		buf_reset(&left);
		put_option(&left, &o);
		put_row(b, buf_cstr(&left), o.help, width);
	}
}

static bool
has_own_options(const struct command *c)
{
	struct option o;

	return option_at(c, 0, &o) && !o.common;
}

void
help_command(struct buf *b, const struct command *c)
{
	buf_printf(b, "usage: usher %s%s%s%s\n\n", c->name, c->operands == NULL ? "" : " ",
	    c->operands == NULL ? "" : c->operands, has_own_options(c) ? " [OPTION…]" : "");
	buf_char(b, (char)(c->summary[0] - 'a' + 'A'));
	buf_printf(b, "%s.\n", c->summary + 1);
	if (c->about != NULL) {
		buf_char(b, '\n');
		put_wrapped(b, c->about, 0, 0);
	}
	if (has_own_options(c)) {
		buf_text(b, "\nOptions:\n");
		put_options(b, c, false);
	}
	buf_text(b, "\nOptions of every command:\n");
	put_options(b, c, true);
}

static bool
in_group(const struct command *c, const char *group)
{
	size_t n = strlen(group);

	return strncmp(c->name, group, n) == 0 && c->name[n] == ' ';
}

bool
help_group(struct buf *b, const char *group)
{
	size_t width = 0;

	for (size_t i = 0; commands[i] != NULL; i++)
		if (in_group(commands[i], group) && strlen(commands[i]->name) > width)
			width = strlen(commands[i]->name);
	if (width == 0)
		return false;
	buf_printf(b, "usage: usher %s COMMAND …\n\nCommands:\n", group);
	for (size_t i = 0; commands[i] != NULL; i++)
		if (in_group(commands[i], group))
			put_row(b, commands[i]->name, commands[i]->summary, width);
	buf_printf(b, "\n`usher help %s COMMAND` explains one of them.\n", group);
	return true;
}

static const struct command_group *
group_of(const struct command *c)
{
	for (const struct command_group *g = command_groups; g->name != NULL; g++)
		if (in_group(c, g->name))
			return g;
	return NULL;
}

void
help_overview(struct buf *b)
{
	const struct command_group *last = NULL;
	size_t width = 0;

	for (const struct command_group *g = command_groups; g->name != NULL; g++)
		if (strlen(g->name) > width)
			width = strlen(g->name);
	buf_text(b, "usage: usher [--directory URI] [--json] COMMAND …\n\n"
		    "Tells mail programs which servers they should use.\n\nCommands:\n");
	for (size_t i = 0; commands[i] != NULL; i++) {
		const struct command_group *g = group_of(commands[i]);

		if (g == NULL)
			put_row(b, commands[i]->name, commands[i]->summary, width);
		else if (g != last)
			put_row(b, g->name, g->summary, width);
		last = g;
	}
	buf_text(b, "\nOptions of every command:\n");
	put_options(b, NULL, true);
	buf_text(b, "\n`usher help COMMAND` explains one of them; usher(1) is the manual.\n");
}

void
help_names(struct buf *b)
{
	struct option o;

	for (size_t i = 0; commands[i] != NULL; i++) {
		buf_printf(b, "%s\n", commands[i]->name);
		for (size_t k = 0; option_at(commands[i], k, &o); k++)
			buf_printf(b, "%s --%s\n", commands[i]->name, o.name);
	}
}

/* ---- completion ---- */

/* The words that may follow `words` in a command's name, each once; then the options. */
static void
put_followers(struct buf *b, const char *words)
{
	size_t n = strlen(words);
	struct slice last = { 0 };

	for (size_t i = 0; commands[i] != NULL; i++) {
		struct slice next = slice_of(commands[i]->name);

		if (n > 0) {
			if (!slice_starts(next, slice_of(words)) || next.n <= n || next.p[n] != ' ')
				continue;
			next = slice_skip(next, n + 1);
		}
		next.n = slice_find(next, ' ');
		if (!slice_eq(next, last))
			buf_printf(b, "%.*s ", (int)next.n, next.p);
		last = next;
	}
}

static void
put_case(struct buf *b, const char *words, const struct command *c)
{
	struct option o;

	buf_printf(b, "\t'%s') words='", words);
	put_followers(b, words);
	if (c == &cmd_help)
		put_followers(b, "");
	for (size_t i = 0; option_at(c, i, &o); i++)
		buf_printf(b, "--%s ", o.name);
	buf_text(b, "' ;;\n");
}

static bool
is_choice(const struct option *o)
{
	if (o->spec != NULL)
		return o->spec->type == OPT_CHOICE;
	return o->field->type == FIELD_CHOICE || o->field->type == FIELD_SWITCH;
}

/* Options whose value is one of a few words, or a file: completed by what their rows say. */
static void
put_values(struct buf *b)
{
	struct buf CLEANUP(buf_cleanup) value;
	struct option o;

	buf_init(&value, HELP_BYTES);
	for (size_t i = 0; commands[i] != NULL; i++)
		for (size_t k = 0; option_at(commands[i], k, &o); k++) {
			buf_reset(&value);
			option_value_name(&value, &o);
			if (strcmp(buf_cstr(&value), "FILE") == 0) {
				buf_printf(
				    b, "\t'%s --%s') files=1 ;;\n", commands[i]->name, o.name);
			} else if (is_choice(&o)) {
				buf_printf(b, "\t'%s --%s') words='", commands[i]->name, o.name);
				for (size_t at = 0; at < value.n; at++)
					buf_char(b, value.p[at] == '|' ? ' ' : value.p[at]);
				buf_text(b, "' ;;\n");
			} else if (value.n > 0) {
				buf_printf(
				    b, "\t'%s --%s') words= ;;\n", commands[i]->name, o.name);
			}
		}
}

static bool
is_new_group(size_t i, size_t n)
{
	return i == 0 || strncmp(commands[i - 1]->name, commands[i]->name, n + 1) != 0;
}

void
help_completion(struct buf *b)
{
	buf_text(b,
	    "# bash completion of usher(1); made by `usher help --completion bash`.\n"
	    "_usher() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} said= previous= words= files= i word\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tword=${COMP_WORDS[i]}\n"
	    "\t\tprevious=\n"
	    "\t\tcase $word in\n"
	    "\t\t-*) previous=$word ;;\n"
	    "\t\t*) if [[ $'\\n'$_usher_names == *$'\\n'\"${said:+$said }$word\"[$' \\n']* ]]\n"
	    "\t\t   then said=${said:+$said }$word; fi ;;\n"
	    "\t\tesac\n"
	    "\tdone\n"
	    "\tcase $said in\n");
	put_case(b, "", NULL);
	for (size_t i = 0; commands[i] != NULL; i++) {
		const char *name = commands[i]->name;

		for (const char *blank = strchr(name, ' '); blank != NULL;
		     blank = strchr(blank + 1, ' ')) {
			char group[OPTION_NAME_BYTES] = "";

			memcpy(group, name, (size_t)(blank - name));
			if (is_new_group(i, (size_t)(blank - name)))
				put_case(b, group, NULL);
		}
		put_case(b, name, commands[i]);
	}
	buf_text(b, "\tesac\n\tcase \"$said $previous\" in\n");
	put_values(b);
	buf_text(b, "\tesac\n"
		    "\tif [[ $files ]]; then\n"
		    "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		    "\telse\n"
		    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		    "\tfi\n"
		    "}\n"
		    "_usher_names='");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(b, "%s\n", commands[i]->name);
	buf_text(b, "'\ncomplete -o default -F _usher usher\n");
}
