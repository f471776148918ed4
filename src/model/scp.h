/* scp.h - a service connection point as a directory holds it (scp.md 1). */
#ifndef USHER_MODEL_SCP_H
#define USHER_MODEL_SCP_H

#include <stdint.h>

#include "model/field.h"

#define SCP_URL_KEYWORD "77378F46-2C66-4aa9-A6A6-3E7A48B19596"
#define SCP_CLASS_NAME "ms-Exchange-AutoDiscover-Service" /* serviceClassName */
#define SCP_POINTER_KEYWORD "67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68"

struct scp_record {
	const char *binding;	   /* the first serviceBindingInformation; NULL: none */
	struct text_list keywords; /* GUIDs, `Site=…`, `Domain=…` */
	int64_t created;	   /* whenCreated, Unix seconds; NUMBER_ABSENT */
	const char *dn;		   /* NULL: unknown */
};

#endif
