/* zone.h - DNS records that lead mail programs to a domain's services. */
#ifndef USHER_MODEL_ZONE_H
#define USHER_MODEL_ZONE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/field.h"
#include "model/srv.h"

enum zone_type { ZONE_A = 0, ZONE_AAAA, ZONE_CNAME, ZONE_SRV, ZONE_TXT };

enum { ZONE_TTL_DEFAULT = 3600 /* seconds */ };

/* Host names are A-labels without the last dot. */
struct zone_record {
	const char *name;      /* below the domain: `_imaps._tcp`; "" is the domain itself */
	enum zone_type type;   /* which of the next two is set */
	struct srv_record srv; /* ZONE_SRV; a host of "" says that there is no such service */
	const char *value;     /* ZONE_A, ZONE_AAAA: address; ZONE_CNAME: host; ZONE_TXT: text */
	const char *why;       /* what it is for, and for whom; one line without full stop */
};

/* The records of one domain, those with the same `why` one behind the other. */
struct zone {
	const char *domain;
	const char *host; /* under which clients reach us; NULL: not known */
	const struct zone_record *records;
	size_t n_records;
	struct text_list notes; /* what has to be beside them; a line each */
	bool complete;		/* false: a record is missing because the host is not known */
};

#endif
