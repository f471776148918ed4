/* json_tree.h - JSON as a tree, and records, answers and attempts from it.
 *
 * Unlike json.h's reader this one reads over members it does not know: a newer usher may have
 * written them. */
#ifndef USHER_WIRE_JSON_TREE_H
#define USHER_WIRE_JSON_TREE_H

#include "base/arena.h"
#include "base/slice.h"
#include "model/answer.h"
#include "model/evidence.h"
#include "usher/status.h"

enum json_node_kind { NODE_NULL = 0, NODE_TEXT, NODE_NUMBER, NODE_FLAG, NODE_OBJECT, NODE_LIST };

struct json_node {
	const char *name; /* NULL at the top and in lists */
	enum json_node_kind kind;
	const char *text;	       /* NODE_TEXT */
	int64_t number;		       /* NODE_NUMBER */
	bool flag;		       /* NODE_FLAG */
	const struct json_node *first; /* NODE_OBJECT, NODE_LIST */
	size_t n;		       /* how many */
	const struct json_node *next;
};

/* All of it is in `mem`. The caller bounds `text`.
 * Returns USHER_OK, USHER_E_INPUT (not JSON, nested deeper than JSON_WALK_DEPTH), USHER_E_NOMEM. */
USHER_CHECK usher_status
json_tree_read(
    struct arena *mem, struct slice text, const struct json_node **out, struct usher_error *err);

/* NULL when there is no such member, when it is null, and when `object` is NULL or no object. */
const struct json_node *
json_tree_member(const struct json_node *object, const char *name);

/* The members that `t` has rows for, into *record; what is not there is absent. Texts stay the
 * tree's, lists are in `mem`. A NULL `object` has no members.
 *
 * Returns USHER_OK
 *         USHER_E_INPUT  no object, or a member of another type or out of its bounds
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
json_tree_record(struct arena *mem, const struct json_node *object, const struct field_table *t,
    void *record, struct usher_error *err);

/* Settings, as json_write_answer() writes them. Returns as json_tree_record(). */
USHER_CHECK usher_status
json_tree_settings(
    struct arena *mem, const struct json_node *object, struct answer *out, struct usher_error *err);

/* As json_write_attempt() writes it. Returns as json_tree_record(). */
USHER_CHECK usher_status
json_tree_attempt(struct arena *mem, const struct json_node *object, struct attempt *out,
    struct usher_error *err);

#endif
