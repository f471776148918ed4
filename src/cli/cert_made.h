/* cert_made.h - what commands that make certificates and requests do with what they made. */
#ifndef USHER_CLI_CERT_MADE_H
#define USHER_CLI_CERT_MADE_H

#include "cert/request.h"
#include "cli/changes.h"

/* Stores the row and its key, in the order of cert/store.h. `cert` is not to be used afterwards but
 * for its thumbprint. Returns as keys_put() and changes_put(). */
USHER_CHECK usher_status
cert_keep(struct changes *c, const struct certificate *cert, struct slice key_pem,
    struct usher_error *err);

/* Prints the thumbprint alone to standard output, so that the next command can read it there, or as
 * `thumbprint` into the object that is open. Not in a dry run: what that made is gone, and nobody
 * shall look for it. */
void
cert_print_thumbprint(struct cli *cli, const char *thumbprint);

/* `mail.a.example and 3 further names`. */
const char *
cert_names_text(struct arena *mem, const struct text_list *names);

/* ---- requests ---- */

enum request_form { REQUEST_PEM = 0, REQUEST_DER };

struct request_output {
	const char *file; /* NULL: standard output */
	int form;	  /* enum request_form */
};

extern const char *const request_forms[];

#define REQUEST_OUTPUT_OPTIONS(args_type, member) \
	{ 0, "out", OPT_TEXT, offsetof(args_type, member.file), "FILE", \
		"write the request there (default: standard output)" }, \
	{ \
		0, "form", OPT_CHOICE, offsetof(args_type, member.form), NULL, \
		    "the request as text (default), or its bytes alone", request_forms \
	}

/* The record of a request; what a request does not say is absent. */
void
cert_of_request(const struct request *request, struct certificate *out);

/* Says what was made, inside the report of the changes. */
void
request_tell(struct changes *c, const struct request *request, const struct request_output *output);

/* Hands it out once the changes are done. Gives the exit status; a failure is printed. */
int
request_write(struct cli *cli, const struct request *request, const struct request_output *output);

#endif
