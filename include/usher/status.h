/* usher/status.h - what a call can answer, shared by every part of usher.
 *
 * Codes are grouped by who can mend the matter. Numbers are part of the ABI: new codes are added
 * at the end of their group's hundred and none is ever given a new meaning. */
#ifndef USHER_STATUS_H
#define USHER_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Visible outside the shared library. */
#define USHER_API __attribute__((visibility("default")))
/* The result must be looked at. */
#define USHER_CHECK __attribute__((warn_unused_result))

typedef enum usher_status {
	USHER_OK = 0,

	/* the caller's: change the call */
	USHER_E_USAGE = 100,	 /* an argument is missing, unknown or contradicts another */
	USHER_E_CANCELLED = 101, /* the caller ended it */

	/* the user's: change the input */
	USHER_E_ADDRESS = 200,	   /* not a mailbox (RFC 5321, 4.1.2) or not a host name */
	USHER_E_INPUT = 201,	   /* a file or message is malformed */
	USHER_E_ABSENT = 202,	   /* what was named does not exist */
	USHER_E_CONFLICT = 203,	   /* it clashes with what is there */
	USHER_E_CREDENTIALS = 204, /* login name or password was refused */

	/* the network's: try again, or look at the path */
	USHER_E_NETWORK = 300, /* refused, reset, unreachable */
	USHER_E_TIMEOUT = 301, /* no answer in the time allowed */
	USHER_E_DNS = 302,     /* the name does not resolve */

	/* the peer's: whoever runs the other side must act */
	USHER_E_PEER = 400, /* the other side's answer makes no sense */
	USHER_E_TLS = 401,  /* its certificate or its TLS cannot be verified */

	/* policy's: somebody must decide */
	USHER_E_TRUST = 500,	  /* refused as unsafe */
	USHER_E_PERMISSION = 501, /* the operating system said no */

	/* resources: give more, or wait */
	USHER_E_NOMEM = 600,	   /* out of memory, or over an arena's ceiling */
	USHER_E_LIMIT = 601,	   /* over a stated limit */
	USHER_E_IO = 602,	   /* a file cannot be made, read or written */
	USHER_E_UNAVAILABLE = 603, /* a directory is locked, gone or of a newer version */

	USHER_E_INTERNAL = 700 /* a mistake of ours */
} usher_status;

enum { USHER_ERROR_WHERE_BYTES = 160, USHER_ERROR_MESSAGE_BYTES = 480 };

/* Filled in on failure only, by the function that first met the trouble. Caller-owned; every
 * function that takes one takes NULL as well. Both texts are NUL-terminated UTF-8, one line. */
struct usher_error {
	usher_status status;
	char where[USHER_ERROR_WHERE_BYTES];	 /* file:line, URL, object; may be empty */
	char message[USHER_ERROR_MESSAGE_BYTES]; /* what is wrong and what to do about it */
};

/* The name of a status, as `USHER_E_INPUT` is "input". Never NULL. Since 0.1. */
USHER_API const char *
usher_status_name(usher_status status);

#ifdef __cplusplus
}
#endif

#endif
