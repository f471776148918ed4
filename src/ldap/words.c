/* words.c - what a directory's refusals mean, in words. */
#include <string.h>

#include "base/err.h"
#include "ldap/inside.h"

/* What stands somewhere in a diagnostic, and what it means for whoever reads it. */
struct reason {
	const char *sign;
	usher_status status;
	const char *words;
};

/* `data` of Active Directory's words for a refused login (scp.md 6). */
static const struct reason ad_reasons[] = {
	{ "data 525", USHER_E_CREDENTIALS, "there is no such user" },
	{ "data 52e", USHER_E_CREDENTIALS, "the password is wrong" },
	{ "data 530", USHER_E_CREDENTIALS, "this user may not log in at this hour" },
	{ "data 531", USHER_E_CREDENTIALS, "this user may not log in from this computer" },
	{ "data 532", USHER_E_CREDENTIALS, "the password has expired" },
	{ "data 533", USHER_E_CREDENTIALS, "the account is disabled" },
	{ "data 701", USHER_E_CREDENTIALS, "the account has expired" },
	{ "data 773", USHER_E_CREDENTIALS, "the password must be changed first" },
	{ "data 775", USHER_E_CREDENTIALS, "the account is locked" },
};

/* Kerberos has its say inside that of SASL. */
static const struct reason kerberos_reasons[] = {
	{ "Ticket expired", USHER_E_CREDENTIALS,
	    "the Kerberos ticket has expired; get a new one with `kinit`" },
	{ "Clock skew too great", USHER_E_CREDENTIALS,
	    "this computer's clock and the domain controller's are more than five minutes apart; "
	    "set this one's" },
	{ "Ticket not yet valid", USHER_E_CREDENTIALS,
	    "the Kerberos ticket is of a time to come; set this computer's clock" },
	{ "Server not found in Kerberos database", USHER_E_CREDENTIALS,
	    "the domain knows no directory of this name; use the domain controller's full name" },
	{ "Cannot contact any KDC", USHER_E_NETWORK,
	    "no domain controller that gives Kerberos tickets can be reached" },
	{ "Cannot find KDC", USHER_E_NETWORK,
	    "no domain controller that gives Kerberos tickets is known; see krb5.conf" },
	{ "has been revoked", USHER_E_CREDENTIALS,
	    "the account is disabled, locked or has expired" },
	{ "No Kerberos credentials", USHER_E_CREDENTIALS,
	    "there is no Kerberos ticket; get one with `kinit`" },
	{ "No credentials cache", USHER_E_CREDENTIALS,
	    "there is no Kerberos ticket; get one with `kinit`" },
};

static const struct {
	int code;
	usher_status status;
	const char *words;
} codes[] = {
	{ LDAP_SERVER_DOWN, USHER_E_NETWORK, "cannot be reached" },
	{ LDAP_CONNECT_ERROR, USHER_E_NETWORK, "the connection failed" },
	{ LDAP_UNAVAILABLE, USHER_E_NETWORK, "is going down" },
	{ LDAP_BUSY, USHER_E_NETWORK, "is too busy" },
	{ LDAP_TIMEOUT, USHER_E_TIMEOUT, "does not answer in time" },
	{ LDAP_NO_MEMORY, USHER_E_NOMEM, "out of memory" },
	{ LDAP_INVALID_CREDENTIALS, USHER_E_CREDENTIALS, "refuses the login" },
	{ LDAP_INAPPROPRIATE_AUTH, USHER_E_CREDENTIALS, "does not let this user log in so" },
	{ LDAP_AUTH_METHOD_NOT_SUPPORTED, USHER_E_CREDENTIALS, "knows no such login" },
	{ LDAP_LOCAL_ERROR, USHER_E_CREDENTIALS,
	    "no Kerberos login; see `klist`, get a ticket with "
	    "`kinit`" },
	{ LDAP_AUTH_UNKNOWN, USHER_E_CREDENTIALS,
	    "no Kerberos login; install the GSSAPI module of "
	    "Cyrus SASL" },
	{ LDAP_STRONG_AUTH_REQUIRED, USHER_E_TRUST,
	    "demands TLS or a signing login; use ldaps:// "
	    "or StartTLS" },
	{ LDAP_CONFIDENTIALITY_REQUIRED, USHER_E_TRUST, "demands TLS; use ldaps:// or StartTLS" },
	{ LDAP_NO_SUCH_OBJECT, USHER_E_ABSENT, "there is no such entry" },
	{ LDAP_ALREADY_EXISTS, USHER_E_CONFLICT, "there is such an entry already" },
	{ LDAP_NOT_ALLOWED_ON_NONLEAF, USHER_E_CONFLICT, "there are entries below it" },
	{ LDAP_TYPE_OR_VALUE_EXISTS, USHER_E_CONFLICT, "the value is there already" },
	{ LDAP_NO_SUCH_ATTRIBUTE, USHER_E_CONFLICT, "the value is not there any more" },
	{ LDAP_CONSTRAINT_VIOLATION, USHER_E_INPUT, "a rule of the directory says no" },
	{ LDAP_OBJECT_CLASS_VIOLATION, USHER_E_INPUT, "the directory's schema says no" },
	{ LDAP_UNDEFINED_TYPE, USHER_E_INPUT, "the directory's schema has no such attribute" },
	{ LDAP_NAMING_VIOLATION, USHER_E_INPUT, "the directory's schema wants another name" },
	{ LDAP_INVALID_DN_SYNTAX, USHER_E_INPUT, "this is no DN" },
	{ LDAP_INVALID_SYNTAX, USHER_E_INPUT, "a value has not the form that the schema wants" },
	{ LDAP_FILTER_ERROR, USHER_E_INPUT, "this is no filter" },
	{ LDAP_INSUFFICIENT_ACCESS, USHER_E_PERMISSION, "this login has not the right to do so" },
	{ LDAP_SIZELIMIT_EXCEEDED, USHER_E_LIMIT,
	    "has more entries than it gives this login in one search (its size limit)" },
	{ LDAP_TIMELIMIT_EXCEEDED, USHER_E_LIMIT,
	    "needs more time for this search than it gives this login (its time limit)" },
	{ LDAP_ADMINLIMIT_EXCEEDED, USHER_E_LIMIT, "ends the search by a limit of its own" },
	{ LDAP_DECODING_ERROR, USHER_E_PEER, "what comes is no LDAP" },
	{ LDAP_PROTOCOL_ERROR, USHER_E_PEER, "does not understand this" },
	{ LDAP_REFERRAL, USHER_E_PEER, "refers to another directory; name that one" },
};

static const struct reason *
find_reason(const struct reason *rows, size_t n, const char *diagnostic)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(diagnostic, rows[i].sign) != NULL)
			return &rows[i];
	}
	return NULL;
}

/* The directory's own words follow ours: whoever runs it knows them. */
usher_status
ldap_link_fail(const struct ldap_link *link, int code, const char *where, struct usher_error *err)
{
	const struct reason *reason = NULL;
	char *diagnostic = NULL;
	const char *words = NULL, *more = "";
	struct slice said;
	usher_status st = USHER_E_PEER;

	if (where == NULL || *where == '\0')
		where = link->uri;
	(void)ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	if (diagnostic != NULL)
		more = diagnostic;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		if (codes[i].code == code) {
			st = codes[i].status;
			words = codes[i].words;
		}
	}
	if (code == LDAP_LOCAL_ERROR)
		reason = find_reason(kerberos_reasons, COUNT_OF(kerberos_reasons), more);
	if (reason != NULL) {
		st = reason->status;
		words = reason->words;
		more = "";
	} else if (st == USHER_E_CREDENTIALS) {
		reason = find_reason(ad_reasons, COUNT_OF(ad_reasons), more);
		more = reason == NULL ? more : reason->words;
	}
	if (words == NULL)
		words = ldap_err2string(code);
	said = slice_trim(slice_of(more)); /* Active Directory's end in a new line */
	err_write(err, st, where, "%s%s%.*s", words, said.n == 0 ? "" : ": ", (int)said.n, said.p);
	ldap_memfree(diagnostic);
	return st;
}

usher_status
ldap_link_fail_at(const struct ldap_link *link, int code, char **referrals, const char *where,
    struct usher_error *err)
{
	usher_status st = ldap_link_fail(link, code, where, err);

	if (code == LDAP_REFERRAL && referrals != NULL && referrals[0] != NULL)
		st = err_set(err, st, where == NULL || *where == '\0' ? link->uri : where,
		    "refers to another directory; name that one: %s", referrals[0]);
	return st;
}
