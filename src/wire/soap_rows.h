/* soap_rows.h - the rows behind soap_settings.h: which setting lies where in an answer. */
#ifndef USHER_WIRE_SOAP_ROWS_H
#define USHER_WIRE_SOAP_ROWS_H

#include "model/answer.h"
#include "wire/elements.h"

/* In which part of an answer. */
enum soap_place {
	SOAP_AT_USER = 0,
	SOAP_AT_ACCOUNT,
	SOAP_AT_EXCH,
	SOAP_AT_EXPR,
	SOAP_AT_EXHTTP, /* the first: inside */
	SOAP_AT_EITHER, /* EXCH and EXPR say the same */
	SOAP_AT_WEB,
	SOAP_AT_POP3,
	SOAP_AT_IMAP,
	SOAP_AT_SMTP,
	SOAP_PLACES
};

enum soap_shape {
	SOAP_AS_TEXT = 0, /* as it is; switches are True and False */
	SOAP_AS_ON_OFF,	  /* a switch */
	SOAP_AS_EWS,	  /* EwsUrl, else ASUrl */
	SOAP_AS_GAL_VIEW, /* False when the address book opens on `contacts` */
	SOAP_AS_PAGE,	  /* EcpUrl with the fragment behind it */
	SOAP_AS_WEB_URLS, /* `offset` tells which side */
	SOAP_AS_CONNECTIONS,
	SOAP_AS_MAILBOXES,
	SOAP_AS_LOCATIONS
};

struct soap_setting {
	const char *name;
	enum soap_place place;
	enum soap_shape shape;
	struct field field; /* type and offset, in the record of the place */
};

enum { SOAP_ROWS = 101 };
extern const struct soap_setting *const soap_rows; /* SOAP_ROWS of them */

/* One of a DocumentSharingLocation, without its file extensions. */
extern const struct element_list soap_sharing_location;

/* The kinds of the blocks; PROTOCOL_UNKNOWN for the places that are none. */
extern const enum protocol_kind soap_kinds[SOAP_PLACES];

#endif
