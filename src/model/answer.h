/* answer.h - settings, redirect or refusal: the one thing every language writes and reads.
 *
 * Names follow pox.md 3-6; what POX has no word for follows soap.md 5 and autoconfig.md 2. All
 * memory belongs to the arena of whoever made the answer. */
#ifndef USHER_MODEL_ANSWER_H
#define USHER_MODEL_ANSWER_H

#include "model/field.h"

enum answer_kind {
	ANSWER_SETTINGS = 0,
	ANSWER_REDIRECT_ADDRESS,
	ANSWER_REDIRECT_URL,
	ANSWER_REFUSAL
};

/* The error codes of POX (pox.md 9.1); the other languages map from these. */
enum refusal_code {
	REFUSAL_NOT_FOUND = 500,
	REFUSAL_NO_OPTIONS = 501,
	REFUSAL_INVALID_REQUEST = 600,
	REFUSAL_NO_PROVIDER = 601,
	REFUSAL_BROKEN_CONFIGURATION = 602,
	REFUSAL_SERVER_ERROR = 603
};

struct answer_refusal {
	int64_t code;
	const char *name; /* the code's word in languages that have one: `InvalidUser` */
	int64_t status;	  /* of ActiveSync: 2, or absent */
	const char *message;
	const char *debug;
	const char *time; /* hh:mm:ss.fffffff, server's time of day */
	const char *id;	  /* unsigned 32-bit decimal: hash of the server's name */
};

struct answer_user {
	const char *display_name;
	const char *legacy_dn;
	const char *autodiscover_smtp_address;
	const char *default_ab_view;
	const char *deployment_id;
};

struct answer_alternative_mailbox {
	const char *type; /* `Archive` `Delegate` `TeamMailbox` or what was sent */
	const char *display_name;
	const char *legacy_dn;
	const char *server;
	const char *smtp_address;
	const char *owner_smtp_address;
};

enum protocol_kind {
	PROTOCOL_UNKNOWN = 0, /* kept with its `type` when read; never written */
	PROTOCOL_EXCH,
	PROTOCOL_EXPR,
	PROTOCOL_WEB,
	PROTOCOL_EXHTTP,
	PROTOCOL_MAPI_HTTP,
	PROTOCOL_POP3,
	PROTOCOL_IMAP,
	PROTOCOL_SMTP,
	PROTOCOL_DAV,
	PROTOCOL_NNTP, /* the last that POX can name */

	/* reached by `url` */
	PROTOCOL_ACTIVESYNC,
	PROTOCOL_CERT_ENROLL, /* client certificates for ActiveSync */
	PROTOCOL_EWS,
	PROTOCOL_REST,
	PROTOCOL_GRAPH,
	PROTOCOL_AUTODISCOVER, /* where POX questions go */
	PROTOCOL_JMAP,
	PROTOCOL_CALDAV,
	PROTOCOL_CARDDAV,
	PROTOCOL_WEBDAV, /* files */
	PROTOCOL_WEBMAIL,

	PROTOCOL_EXCHANGE, /* the combined entry of Mail Autoconfig: server and ews_, eas_, owa_url
			    */
	PROTOCOL_MANAGESIEVE,

	PROTOCOL_KINDS
};

struct answer_owa_url {
	const char *url;
	const char *authentication_method; /* `Basic, Fba` */
};

/* One side of a WEB block. */
struct answer_web {
	const struct answer_owa_url *owa;
	size_t n_owa;
	const char *protocol_type; /* of the nested Protocol: EXCH inside, EXPR outside */
	const char *as_url;
};

struct answer_protocol {
	int kind;	      /* enum protocol_kind */
	const char *type;     /* only for PROTOCOL_UNKNOWN: as it was read */
	int64_t version;      /* mapiHttp */
	const char *language; /* in an answer joined of several: that which gave it; else NULL */
	const char *url;      /* of the kinds that are reached by URL */

	int64_t ttl;		     /* hours; absent means 1, 0 is for ever */
	const char *expiration_date; /* YYYYMMDD */
	const char *server;
	const char *server_dn;
	const char *server_version; /* 8 hexadecimal digits */
	const char *mdb_dn;
	const char *public_folder_server;
	const char *ad;
	int64_t port;
	int64_t directory_port;
	int64_t referral_port;

	const char *as_url;
	const char *ews_url;
	const char *emws_url;
	const char *ews_partner_url;
	const char *sharing_url;
	const char *ecp_url;
	const char *ecp_url_um;
	const char *ecp_url_aggr;
	const char *ecp_url_mt;
	const char *ecp_url_ret;
	const char *ecp_url_sms;
	const char *ecp_url_publish;
	const char *ecp_url_photo;
	const char *ecp_url_connect;
	const char *ecp_url_tm;
	const char *ecp_url_tm_creating;
	const char *ecp_url_tm_editing;
	const char *ecp_url_tm_hiding;
	const char *ecp_url_extinstall;
	const char *oof_url;
	const char *um_url;
	const char *oab_url;
	const char *site_mailbox_creation_url;
	const char *exchange_rpc_url;
	const char *grouping_information;
	const char *eas_url;
	const char *owa_url;
	const char *photos_url;
	const char *outlook_service_url;
	const char *interop_ews_url;
	const char *ews_version; /* build behind ews_url: `15.01.2507.006` */
	const char *interop_ews_version;
	const char *server_data; /* CertEnroll: certificate template */

	enum tri server_exclusive_connect;
	enum tri ssl;
	const char *auth_package; /* as sent: `Ntlm` `Basic` `Negotiate` … */
	const char *cert_principal_name;
	/* how clients log in, best first: the words of struct mail_service's choice */
	struct text_list authentication;
	const char *login_name; /* of Mail Autoconfig: with placeholders until they are filled in */
	enum tri domain_required;
	const char *domain_name;
	enum tri spa;
	enum tri auth_required;
	enum tri use_pop_auth;
	enum tri smtp_last;
	const char *encryption; /* `None` `SSL` `TLS` `Auto` */
	enum tri leave_on_server;
	int64_t leave_days;

	/* NetworkRequirements */
	const char *ipv4_start, *ipv4_end, *ipv6_start, *ipv6_end;

	/* mapiHttp */
	const char *mail_store_internal_url, *mail_store_external_url;
	const char *address_book_internal_url, *address_book_external_url;

	/* WEB */
	struct answer_web internal, external;
};

/* A page for people, in one language; the same URL may follow with another. */
struct answer_link {
	const char *url;
	const char *language; /* `en` */
	const char *text;
};

/* Where documents are kept to be shared (SOAP). */
struct answer_sharing_location {
	const char *service_url;
	const char *location_url;
	const char *display_name;
	struct text_list file_extensions;
	enum tri external_access, anonymous_access;
	enum tri can_modify_permissions;
	enum tri is_default;
};

/* Why one setting that was asked for is not there (SOAP). */
struct answer_setting_error {
	const char *setting;
	const char *name; /* `SettingIsNotAvailable` */
	const char *message;
};

struct answer {
	enum answer_kind kind;
	struct answer_refusal refusal; /* ANSWER_REFUSAL only */
	const char *redirect;	       /* the address or https URL of the two redirects */

	/* the rest: ANSWER_SETTINGS only, but account_type may stand on a redirect as well */
	struct answer_user user;
	const char *account_type; /* `email` */
	const char *image;
	const char *service_home;
	enum tri microsoft_online;
	enum tri consumer_mailbox;
	const struct answer_alternative_mailbox *alternative_mailboxes;
	size_t n_alternative_mailboxes;
	const struct answer_protocol *protocols;
	size_t n_protocols;
	const char *public_folder_smtp_address; /* PublicFolderInformation */

	/* SOAP */
	const char *cas_version; /* `15.01.2507.006` */
	const char *mailbox_version;
	const char *ews_supported_schemas; /* `Exchange2007, Exchange2010` */
	enum tri mapi_http_enabled;
	enum tri cross_organization_sharing;
	const char *mobile_mailbox_policy;
	const char *mobile_mailbox_policy_interop;
	const char *sp_my_site_host_url;
	const char *autodiscover_url; /* of the right version for this user */
	const struct answer_sharing_location *document_sharing_locations;
	size_t n_document_sharing_locations;
	const struct answer_setting_error *setting_errors;
	size_t n_setting_errors;

	/* Mail Autoconfig */
	const char *provider_id;
	struct text_list domains; /* that the settings are good for; may be a placeholder */
	const char *provider_name;
	const char *provider_short_name;
	const char *provider_contact; /* address */
	const char *oauth_issuer;
	const char *oauth_scope;
	const char *oauth_auth_url;
	const char *oauth_token_url;
	const char *oauth_client_id;
	const char *update_url; /* where the settings may be fetched again */
	const struct answer_link *documentation;
	size_t n_documentation;
	struct text_list findings; /* what was passed over in reading, for people */
};

/* Rows of the structs above: names are the JSON members of `find --json`. */
extern const struct field_table answer_refusal_table;
extern const struct field_table answer_user_table;
extern const struct field_table answer_alternative_mailbox_table;
extern const struct field_table answer_protocol_table; /* all but kind's name, WEB */
extern const struct field_table answer_link_table;
extern const struct field_table answer_sharing_location_table;
extern const struct field_table answer_setting_error_table;
extern const struct field_table answer_account_table; /* account_type … in struct answer */

/* The lists of records in struct answer. */
enum answer_list_id {
	ANSWER_ALTERNATIVE_MAILBOXES = 0,
	ANSWER_DOCUMENTATION,
	ANSWER_SHARING_LOCATIONS,
	ANSWER_SETTING_ERRORS,
	ANSWER_LISTS
};

struct answer_list {
	const char *name; /* JSON member */
	const struct field_table *table;
	size_t items, n; /* offsets of the pointer and of the count */
};

extern const struct answer_list answer_lists[ANSWER_LISTS];

/* The records and how many there are. */
const void *
answer_list_items(const struct answer *a, enum answer_list_id list, size_t *n);

void
answer_list_set(struct answer *a, enum answer_list_id list, const void *items, size_t n);

/* `EXCH`, `mapiHttp` …; "unknown" for PROTOCOL_UNKNOWN. */
const char *
protocol_kind_name(enum protocol_kind kind);

/* All members absent. */
void
answer_init(struct answer *a, enum answer_kind kind);

void
answer_protocol_init(struct answer_protocol *p, enum protocol_kind kind);

/* The word is among those of its `authentication`. */
bool
answer_protocol_takes(const struct answer_protocol *p, const char *login);

/* All the members that `kind` gives a meaning to are the same, in the same order. */
bool
answer_equal(const struct answer *a, const struct answer *b);

#endif
