/* ldap_exchange_row.h - in which attributes of which objects the members of records are. */
#ifndef USHER_DIR_LDAP_EXCHANGE_ROW_H
#define USHER_DIR_LDAP_EXCHANGE_ROW_H

#include "dir/ldap_exchange.h"

enum exchange_kind {
	KIND_ORGANIZATION = 0,
	KIND_SERVER,
	KIND_CONNECTION_POINT, /* a part of its server's record */
	KIND_DIRECTORY,	       /* virtual directory */
	KIND_RPC,	       /* the one whose record is Outlook Anywhere's */
	KIND_PROVIDER,
	KIND_DOMAIN,
	KIND_ADDRESS_BOOK, /* offline */
	KIND_SITE,
	KIND_SUBNET
};

/* How an attribute has the member. */
enum exchange_form {
	AS_TEXT = 0,
	AS_GUID,
	AS_NETWORK_ADDRESS, /* `ncacn_ip_tcp:HOST` */
	AS_NAME_OF_DN,
	AS_VERSION_NUMBER, /* packed (pox.md 8) */
	AS_VERSION_TEXT,   /* `Version 15.1 (Build 32507.6)` */
	AS_TIME,
	AS_SITES,      /* `Site=NAME` among others */
	AS_METHODS,    /* bits */
	AS_RPC_HOST,   /* a URL, or a host by itself */
	AS_RPC_METHOD, /* bits, of which one is taken */
	AS_NUMBER,
	AS_FIRST_BIT,
	AS_DOMAIN_TYPE
};

struct exchange_row {
	enum exchange_kind kind;
	const char *member;
	const char *attribute; /* if the settings do not say otherwise */
	enum exchange_form form;
	bool fixed; /* only Exchange's and Windows' own tools should write it */
};

enum { EXCHANGE_ROWS = 24 };

extern const struct exchange_row exchange_rows[EXCHANGE_ROWS];

/* The entity of which objects of that kind are records, or parts of them. */
const struct entity *
exchange_entity(enum exchange_kind kind);

/* Sets the member that the row is about from the attribute, if it is there and makes sense. False
 * when out of memory. */
bool
exchange_read(const struct exchange_row *row, const struct ldap_attribute *a, struct arena *mem,
    void *record);

/* The values that the attribute is to have for that; `a` is what it has (NULL: nothing). False when
 * out of memory. */
bool
exchange_write(const struct exchange_row *row, const struct ldap_attribute *a, struct arena *mem,
    const void *record, struct ldap_attribute *out);

#endif
