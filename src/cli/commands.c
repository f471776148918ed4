/* commands.c - the table of commands: those on records are rows alone, the others have a file. */
#include "cli/commands.h"

#include "cli/verbs.h"

#define ROW(...) (&(const struct command){ __VA_ARGS__ })

#define ADD(entity_id, what, keys, text, more) \
	ROW(.name = what " add", .operands = keys, .summary = text, .about = more, \
	    .flags = CMD_CHANGES | CMD_SETS, .entity = entity_id, .run = verb_add)
#define SET(entity_id, what, keys, text, more) \
	ROW(.name = what " set", .operands = keys, .summary = text, .about = more, \
	    .flags = CMD_CHANGES | CMD_SETS, .entity = entity_id, .run = verb_set)
#define PUT(entity_id, what, keys, text, more) \
	ROW(.name = what " set", .operands = keys, .summary = text, .about = more, \
	    .flags = CMD_CHANGES | CMD_SETS, .entity = entity_id, .run = verb_put)
#define REMOVE(entity_id, what, keys, text, more) \
	ROW(.name = what " remove", .operands = keys, .summary = text, .about = more, \
	    .flags = CMD_CHANGES | CMD_KEYS, .entity = entity_id, .run = verb_remove)
#define SHOW(entity_id, what, keys, text) \
	ROW(.name = what " show", .operands = keys, .summary = text, .flags = CMD_KEYS, \
	    .entity = entity_id, .run = verb_show)
#define LIST(entity_id, what, keys, text) \
	ROW(.name = what " list", .operands = keys, .summary = text, .entity = entity_id, \
	    .run = verb_list)
#define LIST_BY_KEY(entity_id, what, keys, text) \
	ROW(.name = what " list", .operands = keys, .summary = text, .flags = CMD_KEYS, \
	    .entity = entity_id, .run = verb_list)

#define CLEARS "An option with an empty value, as --display-name \"\", clears that member."

const struct command_group command_groups[] = {
	{ "domain", "accepted mail domains and what their clients are told" },
	{ "service", "IMAP, SMTP, CalDAV … of mail domains" },
	{ "redirect", "rules that send addresses of a domain elsewhere" },
	{ "mailbox", "mailboxes, their passwords and what else their owners open" },
	{ "organization", "name, GUIDs and federation of the organization" },
	{ "relationship", "what other organizations may see of this one" },
	{ "server", "Client Access servers" },
	{ "url", "URLs of the services, inside and outside" },
	{ "outlook-anywhere", "RPC over HTTP for clients outside" },
	{ "provider", "Outlook providers EXCH, EXPR, WEB, EXHTTP" },
	{ "site", "Active Directory sites" },
	{ "cert", "certificates: requested, imported, served, renewed" },
	{ "ca", "small private certificate authorities" },
	{ "scp", "what the computers of an Active Directory find there" },
	{ "profile", "settings of mailboxes, kept and refreshed" },
	{ NULL, NULL },
};

const struct command *const commands[] = {
	&cmd_setup,

	ADD(ENTITY_DOMAIN, "domain", "DOMAIN", "accept a mail domain",
	    "Kind `exchange` answers for mailboxes that are in the directory; `mail` for any "
	    "address, with the services of `usher service`; `redirect-url` and `redirect-address` "
	    "send the client elsewhere; `alias` makes addresses here stand for the same ones in "
	    "another domain."),
	LIST(ENTITY_DOMAIN, "domain", NULL, "list the accepted domains"),
	SHOW(ENTITY_DOMAIN, "domain", "DOMAIN", "show all about one accepted domain"),
	SET(ENTITY_DOMAIN, "domain", "DOMAIN", "change an accepted domain", CLEARS),
	REMOVE(ENTITY_DOMAIN, "domain", "DOMAIN", "accept a domain no longer",
	    "Its services go with it. A domain that still has mailboxes stays."),

	ADD(ENTITY_SERVICE, "service", "DOMAIN TYPE", "add an IMAP, SMTP, CalDAV … service",
	    "TYPE is imap, pop3, smtp, jmap, caldav, carddav, webmail, files, managesieve, "
	    "activesync or ews. In --user-name, %a stands for the address, %u for what is before "
	    "its @, %d for the "
	    "domain. A further service of the same type needs --rank 2."),
	LIST_BY_KEY(ENTITY_SERVICE, "service", "[DOMAIN]", "list the services of mail domains"),
	SET(ENTITY_SERVICE, "service", "DOMAIN TYPE", "change a service", CLEARS),
	REMOVE(ENTITY_SERVICE, "service", "DOMAIN TYPE", "remove a service", NULL),

	ADD(ENTITY_REDIRECT, "redirect", "DOMAIN PATTERN", "send addresses of a domain elsewhere",
	    "PATTERN is for what stands before the @: * is any text, ? any character. Of the rules "
	    "of a domain the first that fits wins; without --rank a rule comes after those that "
	    "there are. A rule without a target keeps its addresses here. What a mailbox says of "
	    "itself comes before all rules, and what the domain says after them."),
	LIST_BY_KEY(ENTITY_REDIRECT, "redirect", "[DOMAIN]", "list the redirect rules"),
	SET(ENTITY_REDIRECT, "redirect", "DOMAIN PATTERN", "change a redirect rule", CLEARS),
	REMOVE(ENTITY_REDIRECT, "redirect", "DOMAIN PATTERN", "remove a redirect rule", NULL),

	ADD(ENTITY_MAILBOX, "mailbox", "ADDRESS", "add a mailbox",
	    "Its domain must be an accepted one. Give it a password with `usher mailbox "
	    "password`."),
	LIST(ENTITY_MAILBOX, "mailbox", "[ADDRESS]",
	    "list mailboxes, with @DOMAIN those of a domain"),
	SHOW(ENTITY_MAILBOX, "mailbox", "ADDRESS", "show all about one mailbox"),
	SET(ENTITY_MAILBOX, "mailbox", "ADDRESS", "change a mailbox", CLEARS),
	REMOVE(ENTITY_MAILBOX, "mailbox", "ADDRESS", "remove a mailbox",
	    "Its alternative mailboxes and its password go with it."),
	&cmd_mailbox_password,
	&cmd_mailbox_import,
	ADD(ENTITY_ALTERNATIVE_MAILBOX, "mailbox alternative", "MAILBOX DISPLAY-NAME",
	    "let a mailbox's owner open a further one",
	    "Name it either by --legacy-dn and --server, or by --smtp-address."),
	LIST(ENTITY_ALTERNATIVE_MAILBOX, "mailbox alternative", "[MAILBOX]",
	    "list alternative mailboxes"),
	SET(ENTITY_ALTERNATIVE_MAILBOX, "mailbox alternative", "MAILBOX DISPLAY-NAME",
	    "change an alternative mailbox", CLEARS),
	REMOVE(ENTITY_ALTERNATIVE_MAILBOX, "mailbox alternative", "MAILBOX DISPLAY-NAME",
	    "remove an alternative mailbox", NULL),

	SHOW(ENTITY_ORGANIZATION, "organization", NULL, "show the organization"),
	PUT(ENTITY_ORGANIZATION, "organization", NULL, "change the organization", CLEARS),

	ROW(.name = "server add", .operands = "NAME", .summary = "add a Client Access server",
	    .flags = CMD_CHANGES | CMD_CLOCK | CMD_SETS, .entity = ENTITY_SERVER, .run = verb_add),
	LIST(ENTITY_SERVER, "server", NULL, "list Client Access servers"),
	SHOW(ENTITY_SERVER, "server", "[NAME]", "show all about one server"),
	SET(ENTITY_SERVER, "server", "[NAME]", "change a server",
	    "NAME is needed only when there are several servers. " CLEARS),
	REMOVE(ENTITY_SERVER, "server", "NAME", "remove a server",
	    "Its URLs and its Outlook Anywhere settings go with it."),

	LIST_BY_KEY(ENTITY_URL, "url", NULL, "list the URLs of services"),
	PUT(ENTITY_URL, "url", "SERVICE", "set a service's URLs, inside and outside",
	    "SERVICE is autodiscover, ews, oab, um, owa, ecp, activesync, mapi, rest or "
	    "cert-enroll. --server is needed only when there are several servers. " CLEARS),

	ROW(.name = "outlook-anywhere enable", .summary = "let clients in by RPC over HTTP",
	    .about = "Clients outside then get an EXPR answer. Name the public host with "
		     "--external-host.",
	    .flags = CMD_CHANGES | CMD_SETS, .entity = ENTITY_OUTLOOK_ANYWHERE, .run = verb_enable),
	ROW(.name = "outlook-anywhere disable", .summary = "give no EXPR answer any more",
	    .flags = CMD_CHANGES | CMD_KEYS, .entity = ENTITY_OUTLOOK_ANYWHERE,
	    .run = verb_disable),
	SHOW(
	    ENTITY_OUTLOOK_ANYWHERE, "outlook-anywhere", NULL, "show Outlook Anywhere of a server"),
	SET(ENTITY_OUTLOOK_ANYWHERE, "outlook-anywhere", NULL, "change Outlook Anywhere", CLEARS),

	LIST(ENTITY_PROVIDER, "provider", NULL, "list the Outlook providers"),
	PUT(ENTITY_PROVIDER, "provider", "NAME", "change an Outlook provider",
	    "NAME is EXCH, EXPR, WEB or EXHTTP. " CLEARS),

	ADD(ENTITY_RELATIONSHIP, "relationship", "NAME",
	    "tell what an organization elsewhere may see",
	    "SOAP clients of the other organization ask for it. It goes with the federation of "
	    "`usher organization set`."),
	LIST(ENTITY_RELATIONSHIP, "relationship", NULL, "list the organization relationships"),
	SHOW(ENTITY_RELATIONSHIP, "relationship", "NAME", "show all about one relationship"),
	SET(ENTITY_RELATIONSHIP, "relationship", "NAME", "change a relationship", CLEARS),
	REMOVE(ENTITY_RELATIONSHIP, "relationship", "NAME", "remove a relationship", NULL),

	ADD(ENTITY_SITE, "site", "NAME", "add an Active Directory site", NULL),
	LIST(ENTITY_SITE, "site", NULL, "list the sites"),
	SET(ENTITY_SITE, "site", "NAME", "change a site", CLEARS),
	REMOVE(ENTITY_SITE, "site", "NAME", "remove a site", NULL),

	&cmd_cert_list,
	&cmd_cert_show,
	&cmd_cert_request,
	&cmd_cert_import,
	&cmd_cert_enable,
	&cmd_cert_disable,
	&cmd_cert_new,
	&cmd_cert_renew,
	&cmd_cert_export,
	&cmd_cert_remove,
	&cmd_ca_init,
	&cmd_ca_issue,
	&cmd_ca_root,
	&cmd_ca_show,
	LIST(ENTITY_AUTHORITY, "ca", NULL, "list the private authorities"),
	&cmd_ca_remove,

	&cmd_scp_list,
	&cmd_scp_publish,
	&cmd_scp_set,
	&cmd_scp_remove,
	&cmd_scp_check,
	&cmd_scp_pointer,

	&cmd_plan,
	&cmd_find,
	&cmd_profile_create,
	&cmd_profile_list,
	&cmd_profile_show,
	&cmd_profile_refresh,
	&cmd_profile_repair,
	&cmd_profile_report,
	&cmd_profile_watch,
	&cmd_profile_remove,
	&cmd_export,
	&cmd_apply,
	&cmd_diff,
	&cmd_status,
	&cmd_help,
	&cmd_version,
	NULL,
};
