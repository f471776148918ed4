/* soap.h - SOAP Autodiscover, [MS-OXWSADISC]: many users in one question, settings by name.
 *
 * Reading walks local names; only the envelope's namespace counts, because it is SOAP's version.
 * Answers hold the side `inside` in a block EXCH, `outside` in EXPR, internal RPC over HTTP in
 * EXHTTP, web access in WEB, connections in POP3, IMAP and SMTP (soap.md 5). */
#ifndef USHER_WIRE_SOAP_H
#define USHER_WIRE_SOAP_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/org.h"
#include "model/question.h"
#include "usher/status.h"
#include "wire/xml.h"

enum {
	SOAP_REQUEST_BYTES = 256 * 1024,   /* 100 users with all settings are under 32 KiB */
	SOAP_RESPONSE_BYTES = 1024 * 1024, /* what a client takes for one user */
	SOAP_USERS_MAX = 100,		   /* or domains, in one request */
	SOAP_SETTINGS_MAX = 500,	   /* in one request, with doubles */
	SOAP_CONNECTIONS_MAX = 100	   /* and web access URLs, and alternate mailboxes */
};

#define SOAP_PATH "/autodiscover/autodiscover.svc"
#define SOAP_TYPE "text/xml; charset=utf-8" /* of both ways */

enum soap_operation {
	SOAP_GET_USER_SETTINGS = 0,
	SOAP_GET_DOMAIN_SETTINGS,
	SOAP_GET_FEDERATION_INFORMATION,
	SOAP_GET_ORGANIZATION_RELATIONSHIP_SETTINGS,
	SOAP_OPERATIONS
};

/* `GetUserSettings` … */
const char *
soap_operation_name(enum soap_operation operation);

struct soap_request {
	enum soap_operation operation;
	struct text_list subjects;  /* addresses of users, or names of domains, as sent */
	struct text_list settings;  /* names as sent, each once */
	const char *message_id;	    /* NULL: none */
	const char *to;		    /* NULL: none; the URL that is asked */
	const char *server_version; /* RequestedServerVersion, NULL: none */

	/* Read only: why the whole request gets InvalidRequest; NULL: it can be answered. */
	const char *invalid;
};

/* Writes a question in SOAP 1.1. `to` should be the URL, message_id a `urn:uuid:` of its own;
 * without a server_version the latest common one is named, without settings every one is asked
 * for. */
void
soap_write_request(struct buf *out, const struct soap_request *request);

enum soap_fault {
	SOAP_FAULT_CLIENT = 0,
	SOAP_FAULT_SERVER,
	SOAP_FAULT_VERSION_MISMATCH,
	SOAP_FAULT_MUST_UNDERSTAND
};

/* Reads a question. `fault` is written with USHER_E_INPUT: how to answer it, with HTTP status 500
 * and err->message as text. Never needs more than 1.5 MiB of `mem`.
 * Returns USHER_OK (look at out->invalid), USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
soap_read_request(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct soap_request *out, enum soap_fault *fault, struct usher_error *err);

/* Reads the answer for the first user (or domain) of a response with any HTTP status. Errors of
 * single settings are in out->setting_errors. A refusal keeps the word of its code in
 * refusal.name (`InvalidUser`, `ServerBusy` …, or a fault's code) and has the code that comes
 * nearest.
 * Returns USHER_OK
 *         USHER_E_PEER   not XML, no such response, or one without any user
 *         USHER_E_LIMIT  over a size or count
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
soap_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err);

/* A response in the making. The answers need not live at the same time. */
struct soap_setting;
struct soap_response {
	struct xml_writer w;
	const struct soap_request *request;
	const struct soap_setting *settings[SOAP_SETTINGS_MAX]; /* NULL: not known */
	bool of_domain;
	size_t n; /* answers written */
};

/* Begins the response to `request`. server_version is a build, `15.1.2507.6`; NULL: not told.
 * Failure sticks in `out`. */
void
soap_response_begin(struct soap_response *response, struct buf *out,
    const struct soap_request *request, const char *server_version);

/* The answer for the next of the request's subjects, with each setting that was asked for once: its
 * value, or why there is none. A refusal becomes an error of that user or domain. */
void
soap_response_answer(struct soap_response *response, const struct answer *answer);

void
soap_response_end(struct soap_response *response);

/* A response that refuses the whole request with this word: `InvalidRequest`, `NotFederated` … */
void
soap_write_refusal(struct buf *out, const struct soap_request *request, const char *server_version,
    const char *error, const char *message);

/* The answer to GetFederationInformation of an organization that is federated. */
void
soap_write_federation(struct buf *out, const struct soap_request *request,
    const char *server_version, const struct organization *organization);

/* The answer to GetOrganizationRelationshipSettings: those with one of the domains asked for. */
void
soap_write_relationships(struct buf *out, const struct soap_request *request,
    const char *server_version, const struct relationship *relationships, size_t n);

/* Writes a fault; `text` is shown to people and must hold nothing internal. */
void
soap_write_fault(struct buf *out, enum soap_fault fault, const char *text);

#endif
