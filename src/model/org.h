/* org.h - what the directory holds: one struct and one table of rows per entity.
 *
 * The directory plays Active Directory's part; names follow scp.md 7-9 and the glossary. Texts are
 * NUL-terminated UTF-8 in whatever arena the record was read into, NULL when absent. */
#ifndef USHER_MODEL_ORG_H
#define USHER_MODEL_ORG_H

#include "model/field.h"
#include "usher/status.h"

/* The one organization; no key. */
struct organization {
	const char *name;		   /* as in /o=NAME */
	const char *deployment_id;	   /* GUID of the forest; User/DeploymentId */
	const char *administrative_group;  /* as in /ou=GROUP */
	const char *oab_id;		   /* GUID in the path of the offline address book */
	const char *public_folder_mailbox; /* address; PublicFolderInformation */
	const char *certificate_template;  /* of client certificates for ActiveSync */
	/* Federation (soap.md 7). */
	const char *application_uri; /* audience of tokens; absent: not federated */
	const char *token_issuer;    /* URI that names it, with token_endpoint */
	const char *token_endpoint;
	struct text_list federated_domains; /* empty: the domain that was asked about */
};

struct site {
	const char *name;
	struct text_list subnets; /* CIDR */
};

/* A Client Access server. */
struct server {
	const char *name; /* NetBIOS name */
	const char *fqdn;
	const char *site;	     /* site name */
	const char *version;	     /* `15.1.2507`, see version_parse() */
	const char *internal_uri;    /* AutodiscoverServiceInternalUri */
	struct text_list site_scope; /* AutodiscoverSiteScope: site names */
	int64_t created;	     /* Unix seconds: the age by which clients sort SCPs */
};

enum url_service {
	URL_AUTODISCOVER = 0,
	URL_EWS,
	URL_OAB,
	URL_UM,
	URL_OWA,
	URL_ECP,
	URL_ACTIVESYNC,
	URL_MAPI,
	URL_REST,
	URL_CERT_ENROLL, /* client certificates for ActiveSync */
	URL_SERVICE_COUNT
};

/* A virtual directory. */
struct service_url {
	const char *server; /* server name */
	int service;	    /* enum url_service */
	const char *internal;
	const char *external;
	struct text_list internal_authentication; /* `Basic` `Ntlm` `Fba` `WindowsIntegrated` … */
	struct text_list external_authentication;
};

/* RPC over HTTP on one server: the EXPR answer. */
struct outlook_anywhere {
	const char *server;
	enum tri enabled; /* absent means off */
	const char *external_host;
	const char *internal_host;
	int client_authentication;	    /* enum rpc_authentication */
	int internal_client_authentication; /* enum rpc_authentication */
	enum tri ssl;			    /* absent means on */
};

enum rpc_authentication { RPC_NTLM = 0, RPC_BASIC, RPC_NEGOTIATE };

/* An Outlook provider: EXCH, EXPR, WEB, EXHTTP. */
struct provider {
	const char *name;
	const char *cert_principal_name; /* `msstd:NAME` or `none`; EXPR and EXHTTP */
	const char *server;		 /* instead of the Outlook Anywhere host */
	int64_t ttl;			 /* hours; 0 is for ever */
	enum tri server_exclusive_connect;
};

enum free_busy_access { FREE_BUSY_NONE = 0, FREE_BUSY_AVAILABILITY, FREE_BUSY_LIMITED_DETAILS };

enum mail_tips_access { MAIL_TIPS_NONE = 0, MAIL_TIPS_LIMITED, MAIL_TIPS_ALL };

/* What an organization elsewhere may see of this one (soap.md 8). */
struct relationship {
	const char *name;
	struct text_list domains; /* of the other organization */
	int free_busy;		  /* enum free_busy_access */
	int mail_tips;		  /* enum mail_tips_access */
	enum tri delivery_reports;
	enum tri mailbox_move;
	const char *application_uri; /* of the other organization's federation */
	const char *autodiscover_url, *sharing_url;
};

enum domain_type { DOMAIN_AUTHORITATIVE = 0, DOMAIN_INTERNAL_RELAY, DOMAIN_EXTERNAL_RELAY };

enum domain_kind {
	DOMAIN_EXCHANGE = 0,	 /* known mailboxes, settings from servers and URLs */
	DOMAIN_MAIL,		 /* any address, settings from services by template */
	DOMAIN_REDIRECT_URL,	 /* ask there */
	DOMAIN_REDIRECT_ADDRESS, /* ask for the same local part in another domain */
	DOMAIN_ALIAS /* addresses stand for the same local part of another domain here */
};

/* An accepted domain. */
struct domain {
	const char *domain; /* A-labels */
	int type;	    /* enum domain_type */
	int kind;	    /* enum domain_kind */
	const char *display_name;
	const char *short_name;
	const char *redirect_url;    /* kind redirect-url: absolute https URL */
	const char *redirect_domain; /* kind redirect-address */
	const char *alias_of;	     /* kind alias: an accepted domain that is no alias */
	const char *server;	     /* kind exchange: server for mailboxes that name none */
	int64_t ttl;		     /* hours, kind mail; absent means 24 */
	enum tri anonymous;	 /* answer without credentials; absent: on but for kind exchange */
	const char *certificate; /* thumbprint; absent: the listener's */
	struct text_list host_names;   /* names under which this domain's clients reach us */
	const char *documentation_url; /* how to set up a mail program, for people */
	/* OAuth2 of its services, beside their oauth2_issuer. */
	const char *oauth2_login_url;
	const char *oauth2_token_url;
	const char *oauth2_scope;     /* for all services together */
	const char *oauth2_client_id; /* of mail programs that are not registered */
	const char *separators; /* `ann+news` is `ann`: any of these signs; absent `+`, or `none` */
	const char *home_page;	/* URL: web site of the provider */
	const char *logo;	/* https URL of a picture */
	const char *contact;	/* address that helps people */
};

#define DOMAIN_NO_SEPARATOR "none"

/* How much of a local part in domain `d` names the mailbox: all of it, or what stands before the
 * first of the domain's separators. Never 0 unless `local` is empty. `d` may be NULL. */
size_t
domain_base_length(const struct domain *d, struct slice local);

/* Where addresses of a domain whose local part fits a pattern are sent. Of the rules of a domain
 * the first that fits decides, before the domain itself does. A rule without a target keeps its
 * addresses here. */
struct redirect {
	const char *domain;
	const char *pattern; /* of the local part, see rule.h; lower case */
	int64_t rank;	     /* rules are tried from rank 1 up, those of a rank by pattern */
	const char *redirect_address; /* a `*` in it is what that of the pattern stands for */
	const char *redirect_domain;  /* the same local part there */
	const char *redirect_url;     /* absolute https URL to ask */
};

enum mail_service_type {
	SERVICE_IMAP = 0,
	SERVICE_POP3,
	SERVICE_SMTP,
	SERVICE_JMAP,
	SERVICE_CALDAV,
	SERVICE_CARDDAV,
	SERVICE_WEBMAIL,
	SERVICE_FILES,
	SERVICE_MANAGESIEVE,
	SERVICE_ACTIVESYNC,
	SERVICE_EWS
};

enum mail_socket { SOCKET_TLS = 0, SOCKET_STARTTLS, SOCKET_PLAIN };

enum mail_authentication {
	AUTH_PASSWORD = 0,	 /* in the clear inside TLS */
	AUTH_PASSWORD_ENCRYPTED, /* CRAM-MD5, SCRAM */
	AUTH_NTLM,
	AUTH_GSSAPI,
	AUTH_OAUTH2,
	AUTH_CLIENT_CERTIFICATE,
	AUTH_NONE
};

/* A service of a `mail` domain. */
struct mail_service {
	const char *domain;
	int type;     /* enum mail_service_type */
	int64_t rank; /* 1 is preferred */
	const char *host;
	int64_t port;		   /* entity_check() fills in the usual one */
	int socket;		   /* enum mail_socket */
	int authentication;	   /* enum mail_authentication */
	const char *user_name;	   /* template, see resolve.h; absent: the address */
	const char *oauth2_issuer; /* host */
	const char *url;	   /* for services that are reached by URL */
};

struct mailbox {
	const char *address; /* primary SMTP address, as address.text */
	const char *display_name;
	struct text_list aliases; /* further addresses */
	const char *legacy_dn;	  /* legacyExchangeDN; absent: see mailbox_legacy_dn() */
	const char *guid;	  /* mailbox GUID; in the EXCH Server name since 2013 */
	const char *server;	  /* server name; absent: the domain's, else the only one */
	const char *database;
	const char *login_name;	      /* credential; absent: the address */
	const char *redirect_address; /* targetAddress */
	const char *redirect_url;
	const char *public_folder_mailbox; /* absent: the organization's */
	const char *services_of;	   /* kind mail: domain whose services it has instead */
	enum tri enabled;		   /* all switches: absent means on */
	enum tri mapi_http;
	enum tri outlook_anywhere;
	enum tri ews;
	enum tri activesync;
	enum tri owa;
};

/* The member that `%{name}` in a user-name template stands for: a text; NULL when there is none. */
const struct field *
mailbox_attribute(struct slice name);

enum alternative_type { ALTERNATIVE_ARCHIVE = 0, ALTERNATIVE_DELEGATE, ALTERNATIVE_TEAM };

/* A further mailbox that the owner's program opens: form A (legacy_dn, server) or form B
 * (smtp_address, owner_smtp_address), never both (pox.md 3.4). */
struct alternative_mailbox {
	const char *mailbox; /* the owner's primary address */
	const char *display_name;
	int type; /* enum alternative_type */
	const char *legacy_dn;
	const char *server;
	const char *smtp_address;
	const char *owner_smtp_address;
};

struct credential {
	const char *login_name;	   /* in the form of text_login_copy() */
	const char *password_hash; /* crypt(5); FIELD_SECRET */
	enum tri enabled;	   /* absent means on */
	const char *dn;		   /* no row: whose password the LDAP directory itself checks */
};

/* A certificate with a key at hand, or a request for one; exactly one of `pem` and `request` is
 * there. The key lies in a file of its own, see cert/store.h. A request has the members that it and
 * its certificate have in common; its thumbprints are those of its own DER. */
struct certificate {
	const char *thumbprint; /* SHA-1 of the DER, 40 upper-case digits, as Exchange shows it */
	const char *sha256;	/* 64 lower-case digits; names the key file */
	const char *subject;	/* RFC 4514 */
	struct text_list names; /* SANs */
	const char *issuer;
	int64_t not_before, not_after; /* Unix seconds */
	const char *friendly_name;
	enum tri exportable;
	struct text_list services;   /* `https` … that it is enabled for */
	struct text_list host_names; /* SNI names to serve it for; empty: its own names */
	struct text_list listeners;  /* names of `[listen https NAME]`; empty: all of them */
	const char *pem;	     /* chain, leaf first */
	const char *request;	     /* PKCS #10 as PEM */
	const char *renews; /* of a request: thumbprint of what the answer takes over from */
	const char *acme;   /* directory URL of the authority that renews it */
};

/* A private CA of ours. Its key lies in a file as those of certificates do. */
struct authority {
	const char *name;
	const char *sha256;  /* of its root's DER; names the key file */
	const char *subject; /* RFC 4514 */
	int64_t not_before, not_after;
	enum tri encrypted;	    /* the key file wants a passphrase */
	struct text_list permitted; /* names that its root may vouch for (RFC 5280, 4.2.1.10) */
	const char *pem;	    /* the root */
};

enum entity_id {
	ENTITY_ORGANIZATION = 0,
	ENTITY_SITE,
	ENTITY_SERVER,
	ENTITY_URL,
	ENTITY_OUTLOOK_ANYWHERE,
	ENTITY_PROVIDER,
	ENTITY_RELATIONSHIP,
	ENTITY_CERTIFICATE,
	ENTITY_AUTHORITY,
	ENTITY_DOMAIN,
	ENTITY_SERVICE,
	ENTITY_REDIRECT,
	ENTITY_MAILBOX,
	ENTITY_ALTERNATIVE_MAILBOX,
	ENTITY_CREDENTIAL,
	ENTITY_COUNT
};

/* Entities in an order in which each names only earlier ones, so that a document can be applied
 * from top to bottom. */
struct entity {
	enum entity_id id;
	const char *name; /* `outlook_anywhere`: SQL table, and JSON member in the plural's place */
	const char *plural; /* JSON member of the exported document */
	const char *title;  /* `Outlook Anywhere`: for people */
	size_t n_keys;	    /* leading rows that make the key; 0: there is one record at most */
	struct field_table table;
};

extern const struct entity entities[ENTITY_COUNT];

/* Room for any record. */
union org_record {
	struct organization organization;
	struct site site;
	struct server server;
	struct service_url url;
	struct outlook_anywhere outlook_anywhere;
	struct provider provider;
	struct relationship relationship;
	struct certificate certificate;
	struct authority authority;
	struct domain domain;
	struct mail_service service;
	struct redirect redirect;
	struct mailbox mailbox;
	struct alternative_mailbox alternative_mailbox;
	struct credential credential;
};

bool
certificate_is_valid(const struct certificate *c, int64_t now_s);

/* It vouches for itself, so that only who knows it believes it. */
bool
certificate_is_self_signed(const struct certificate *c);

/* Of two certificates for a name, `a` is the one to show: the one that is valid now, else that an
 * authority vouches for, else that is newer. False for the same. */
bool
certificate_goes_before(const struct certificate *a, const struct certificate *b, int64_t now_s);

/* The key of a record for messages: `mail.example imap 1`. NULL when out of memory. */
const char *
entity_key_text(struct arena *mem, const struct entity *e, const void *record);

/* Checks one record: required members, forms, numbers, and what rows cannot say (form A against
 * form B, alias without alias_of …). Puts members into their canonical form in place, in `mem`:
 * domains, addresses, URLs, GUIDs, login names; "" becomes absent; lists lose doubles; a service
 * gets its usual port and rank 1, an alternative mailbox of form B its owner.
 *
 * Returns USHER_OK, USHER_E_INPUT (message names the member and what is allowed), USHER_E_NOMEM. */
USHER_CHECK usher_status
entity_check(struct arena *mem, const struct entity *e, void *record, struct usher_error *err);

/* NULL when nothing has that name; `name` is an entity's name or plural. */
const struct entity *
entity_find(struct slice name);

/* A server's version: three numbers, `15.1.2507`; a fourth is taken and dropped. */
struct version {
	unsigned major, minor; /* 0-63 */
	unsigned build;	       /* 0-32767 */
};

/* `text` may be NULL. False leaves *out alone. */
bool
version_parse(const char *text, struct version *out);

/* `/o=ORGANIZATION/ou=GROUP`, with what Exchange Setup would have called an absent group.
 * NULL when out of memory. */
const char *
organization_legacy_dn(struct arena *mem, const struct organization *o);

/* The mailbox's legacyDN; a mailbox that names none has one made of its organization and address.
 * NULL when out of memory. */
const char *
mailbox_legacy_dn(struct arena *mem, const struct organization *o, const struct mailbox *m);

/* Services of that type are reached by URL, the others by host and port. */
bool
mail_service_by_url(enum mail_service_type type);

/* Where a service is reached that is reached by URL: its own URL, else the usual one at its host.
 * NULL: it is not reached by URL, or out of memory. */
const char *
mail_service_url(struct arena *mem, const struct mail_service *s);

/* Reads back what mailbox_legacy_dn() made: the address in lower case, or NULL for any other
 * legacyDN (or when out of memory). */
const char *
legacy_dn_address(struct arena *mem, const struct organization *o, const char *legacy_dn);

#endif
