/* autoconfig_rows.h - the words of Mail Autoconfig beside those of the model: one row serves reader
 * and writer (autoconfig.md 2.2, 2.3, 2.6). */
#ifndef USHER_WIRE_AUTOCONFIG_ROWS_H
#define USHER_WIRE_AUTOCONFIG_ROWS_H

#include "model/answer.h"
#include "wire/elements.h"

/* How a server is addressed. */
enum autoconfig_manner {
	AUTOCONFIG_TCP = 0, /* hostname, port, socketType */
	AUTOCONFIG_URL,
	AUTOCONFIG_MIXED /* of Exchange: host and URLs, each optional */
};

/* A section; for a kind that has several rows, the first is written. */
struct autoconfig_section {
	const char *element;
	const char *type;
	enum protocol_kind kind;
	enum autoconfig_manner manner;
};

enum { AUTOCONFIG_SECTIONS = 15 };
extern const struct autoconfig_section *const autoconfig_sections;

/* A way to log in. For each of the model's words the first row of a manner is written. */
struct autoconfig_login {
	const char *value;
	const char *word;   /* the model's */
	const char *system; /* attribute of the element; NULL: none */
	bool tcp, url;	    /* written in sections of that manner */
	bool deprecated;
};

enum { AUTOCONFIG_LOGINS = 18 };
extern const struct autoconfig_login *const autoconfig_logins;

/* Elements that hold one value each. */
extern const struct element_list autoconfig_provider; /* in struct answer */
extern const struct element_list autoconfig_oauth;    /* in struct answer */
extern const struct element_list autoconfig_exchange; /* in struct answer_protocol */
extern const struct element_list autoconfig_pop3;     /* in struct answer_protocol */

#endif
