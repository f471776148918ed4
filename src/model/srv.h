/* srv.h - one SRV record (RFC 2782). */
#ifndef USHER_MODEL_SRV_H
#define USHER_MODEL_SRV_H

#include <stdint.h>

struct srv_record {
	uint16_t priority; /* lowest first */
	uint16_t weight;   /* its share among those of one priority */
	uint16_t port;
	const char *host; /* as DNS spells it; "" or "." says that there is no such service */
};

#endif
