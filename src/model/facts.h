/* facts.h - what the directory knows about one question, read in one consistent view. */
#ifndef USHER_MODEL_FACTS_H
#define USHER_MODEL_FACTS_H

#include "model/org_view.h"

/* Whom an authenticated caller may ask about (authentication.md 8). */
enum visibility {
	VISIBILITY_PERMITTED = 0, /* own addresses and mailboxes listed as alternatives of own */
	VISIBILITY_SELF,	  /* own addresses only */
	VISIBILITY_ANY		  /* every mailbox */
};

struct facts {
	const struct org_view *org;
	const char
	    *address;	   /* canonical address asked for; NULL when asked by an unknown legacyDN */
	const char *local; /* its local part */
	const char *domain_name;
	const struct domain *domain;	     /* after following an alias; NULL: not accepted here */
	const struct mail_service *services; /* of that domain, by type and rank */
	size_t n_services;
	const struct redirect *redirects; /* rules of that domain, in the order they are tried */
	size_t n_redirects;
	const struct mailbox *mailbox;		     /* NULL: there is none */
	const struct mail_service *mailbox_services; /* of the domain that it names */
	size_t n_mailbox_services;
	const struct alternative_mailbox *alternatives; /* of that mailbox */
	size_t n_alternatives;
	bool caller_is_delegate; /* an own mailbox of the caller lists this one as alternative */
};

#endif
