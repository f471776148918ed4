/* soap_envelope.h - what question and answer of SOAP Autodiscover have in common. */
#ifndef USHER_WIRE_SOAP_ENVELOPE_H
#define USHER_WIRE_SOAP_ENVELOPE_H

#include "wire/soap.h"

#define SOAP_NAMESPACE "http://schemas.xmlsoap.org/soap/envelope/" /* version 1.1 */
#define SOAP_MESSAGES "http://schemas.microsoft.com/exchange/2010/Autodiscover"
#define SOAP_ADDRESSING "http://www.w3.org/2005/08/addressing"
#define SOAP_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

/* The leaf Action: namespace, port type, operation, and `suffix`. */
void
soap_write_action(struct xml_writer *w, enum soap_operation operation, const char *suffix);

/* By what stands before `suffix` in `name`; SOAP_OPERATIONS when it is none. */
enum soap_operation
soap_operation_find(const char *name, const char *suffix);

/* The part of a name behind its prefix, or all of it. */
const char *
soap_local_name(const char *name);

#endif
