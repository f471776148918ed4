/* autoconfig_rows.c - the words of Mail Autoconfig, row by row. */
#include "wire/autoconfig_rows.h"

#include <stddef.h>

static const struct autoconfig_section sections[] = {
	{ "incomingServer", "imap", PROTOCOL_IMAP, AUTOCONFIG_TCP },
	{ "incomingServer", "pop3", PROTOCOL_POP3, AUTOCONFIG_TCP },
	{ "outgoingServer", "smtp", PROTOCOL_SMTP, AUTOCONFIG_TCP },
	{ "incomingServer", "nntp", PROTOCOL_NNTP, AUTOCONFIG_TCP },
	{ "incomingServer", "jmap", PROTOCOL_JMAP, AUTOCONFIG_URL },
	{ "incomingServer", "ews", PROTOCOL_EWS, AUTOCONFIG_URL },
	{ "incomingServer", "activeSync", PROTOCOL_ACTIVESYNC, AUTOCONFIG_URL },
	{ "incomingServer", "graph", PROTOCOL_GRAPH, AUTOCONFIG_URL },
	{ "incomingServer", "exchange", PROTOCOL_EXCHANGE, AUTOCONFIG_MIXED },
	{ "incomingServer", "owa", PROTOCOL_WEBMAIL, AUTOCONFIG_URL },
	{ "addressbook", "carddav", PROTOCOL_CARDDAV, AUTOCONFIG_URL },
	{ "addressBook", "carddav", PROTOCOL_CARDDAV, AUTOCONFIG_URL }, /* of 1.1 */
	{ "calendar", "caldav", PROTOCOL_CALDAV, AUTOCONFIG_URL },
	{ "fileShare", "webdav", PROTOCOL_WEBDAV, AUTOCONFIG_URL },
	{ "setupServer", "managesieve", PROTOCOL_MANAGESIEVE, AUTOCONFIG_TCP },
};
_Static_assert(COUNT_OF(sections) == AUTOCONFIG_SECTIONS, "AUTOCONFIG_SECTIONS is out of date");
const struct autoconfig_section *const autoconfig_sections = sections;

static const struct autoconfig_login logins[] = {
	{ "OAuth2", "oauth2", NULL, true, true, false },
	{ "OAuth", "oauth2", NULL, false, false, false },
	{ "password-cleartext", "password", NULL, true, false, false },
	{ "password-encrypted", "password-encrypted", NULL, true, false, false },
	{ "Basic", "password", "http", false, true, false },
	{ "Digest", "password-encrypted", "http", false, true, false },
	{ "GSSAPI", "gssapi", NULL, true, true, false },
	{ "Negotiate", "gssapi", "http", false, false, false },
	{ "NTLM", "ntlm", NULL, true, true, false },
	{ "TLS-client-cert", "client-certificate", NULL, true, true, false },
	{ "none", "none", NULL, true, false, false },
	{ "client-IP-address", "none", NULL, false, false, false },
	{ "smtp-after-pop", "none", NULL, false, false, false },
	{ "http-basic", "password", NULL, false, false, false }, /* of 1.1 */
	{ "http-digest", "password-encrypted", NULL, false, false, false },
	{ "plain", "password", NULL, false, false, true },
	{ "cleartext", "password", NULL, false, false, true },
	{ "secure", "password-encrypted", NULL, false, false, true },
};
_Static_assert(COUNT_OF(logins) == AUTOCONFIG_LOGINS, "AUTOCONFIG_LOGINS is out of date");
const struct autoconfig_login *const autoconfig_logins = logins;

static const struct element provider_rows[] = {
	ELEMENT_TEXT(struct answer, "displayName", provider_name),
	ELEMENT_TEXT(struct answer, "displayShortName", provider_short_name),
};
const struct element_list autoconfig_provider = ELEMENT_LIST("emailProvider", provider_rows);

static const struct element oauth_rows[] = {
	ELEMENT_TEXT(struct answer, "issuer", oauth_issuer),
	ELEMENT_TEXT(struct answer, "scope", oauth_scope),
	ELEMENT_TEXT(struct answer, "authURL", oauth_auth_url),
	ELEMENT_TEXT(struct answer, "tokenURL", oauth_token_url),
	ELEMENT_TEXT(struct answer, "clientID", oauth_client_id),
};
const struct element_list autoconfig_oauth = ELEMENT_LIST("oAuth2", oauth_rows);

static const struct element exchange_rows[] = {
	ELEMENT_TEXT(struct answer_protocol, "ewsURL", ews_url),
	ELEMENT_TEXT(struct answer_protocol, "easURL", eas_url),
	ELEMENT_TEXT(struct answer_protocol, "owaURL", owa_url),
};
const struct element_list autoconfig_exchange = ELEMENT_LIST("incomingServer", exchange_rows);

#define LEAVE(element, member, type, top) \
	ELEMENT(struct answer_protocol, element, member, type, top, 0)
static const struct element pop3_rows[] = {
	LEAVE("leaveMessagesOnServer", leave_on_server, FIELD_SWITCH, 0),
	LEAVE("daysToLeaveMessagesOnServer", leave_days, FIELD_NUMBER, INT32_MAX),
};
const struct element_list autoconfig_pop3 = ELEMENT_LIST("pop3", pop3_rows);
