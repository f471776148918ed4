/* json_walk.c - any JSON, told part by part; binds jansson. */
#include "wire/json_walk.h"

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"

struct walk {
	const struct json_visitor *to;
	void *payload;
};

static bool
fits(json_t *value, size_t levels)
{
	const char *name;
	size_t i;
	json_t *v;

	if (levels == 0)
		return !json_is_object(value) && !json_is_array(value);
	json_array_foreach(value, i, v)
	{
		if (!fits(v, levels - 1))
			return false;
	}
	json_object_foreach(value, name, v)
	{
		if (!fits(v, levels - 1))
			return false;
	}
	return true;
}

/* Recursion is bounded: fits() has seen to it. */
static void
tell(const struct walk *w, const char *name, json_t *value)
{
	const char *member;
	char real[32];
	size_t i;
	json_t *v;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		w->to->open(w->payload, name, false);
		json_object_foreach(value, member, v) tell(w, member, v);
		w->to->close(w->payload, false);
		break;
	case JSON_ARRAY:
		w->to->open(w->payload, name, true);
		json_array_foreach(value, i, v) tell(w, NULL, v);
		w->to->close(w->payload, true);
		break;
	case JSON_STRING:
		w->to->text(w->payload, name, json_string_value(value));
		break;
	case JSON_INTEGER:
		w->to->number(w->payload, name, json_integer_value(value));
		break;
	case JSON_REAL:
		(void)snprintf(real, sizeof(real), "%.15g", json_real_value(value));
		w->to->text(w->payload, name, real);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		w->to->flag(w->payload, name, json_is_true(value));
		break;
	case JSON_NULL:
		w->to->text(w->payload, name, NULL);
		break;
	}
}

usher_status
json_walk(
    struct slice text, const struct json_visitor *visitor, void *payload, struct usher_error *err)
{
	const struct walk w = { visitor, payload };
	json_error_t why;
	json_t *whole = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	usher_status st = USHER_OK;

	if (whole == NULL && json_error_code(&why) == json_error_out_of_memory)
		return err_nomem(err, "JSON");
	if (whole == NULL)
		return err_set(err, USHER_E_INPUT, "JSON", "%s", why.text);
	if (fits(whole, JSON_WALK_DEPTH))
		tell(&w, NULL, whole);
	else
		st = err_set(err, USHER_E_INPUT, "JSON", "is nested too deep");
	json_decref(whole);
	return st;
}
