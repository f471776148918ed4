/* pox_elements.h - every element of a POX response that holds one value, and where it lies in an
 * answer: one row serves reader and writer. */
#ifndef USHER_WIRE_POX_ELEMENTS_H
#define USHER_WIRE_POX_ELEMENTS_H

#include "model/answer.h"
#include "wire/elements.h"

/* For element.places. */
#define PROTOCOL_BIT(kind) (1U << (kind))

extern const struct element_list pox_user;		  /* in struct answer_user */
extern const struct element_list pox_account;		  /* in struct answer, after Action */
extern const struct element_list pox_alternative_mailbox; /* in struct answer_alternative_mailbox */
extern const struct element_list pox_error;		  /* in struct answer_refusal */
enum { POX_PROTOCOL_ROWS = 49 };
extern const struct element_list pox_protocol; /* in struct answer_protocol, after Type */

/* The Response of a document of either schema. USHER_E_PEER: it is no such document. */
USHER_CHECK usher_status
pox_find_response(
    const struct xml_node *root, const struct xml_node **out, struct usher_error *err);

/* Children of Protocol that have such children themselves, in struct answer_protocol. */
enum { POX_PROTOCOL_BLOCKS = 3 };
extern const struct element_list pox_protocol_blocks[POX_PROTOCOL_BLOCKS];

#endif
