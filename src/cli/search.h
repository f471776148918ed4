/* search.h - what every command that searches is told alike: options, passwords, trust. */
#ifndef USHER_CLI_SEARCH_H
#define USHER_CLI_SEARCH_H

#include "cli/command.h"
#include "usher/find.h"

/* Member `search` of the args of such a command. */
struct search_args {
	struct text_list trust_hosts;
	const char *login;
	const char *password_file;
	struct text_list schemes;
	const char *token_file;
	struct text_list offered;
	uint64_t timeout_ms;
	struct text_list outlook;
	const char *sources;
	const char *last_known_good;
	const char *local_xml;
	bool microsoft_365;
	bool no_autoconfig;
	uint64_t resolve_ms, connect_ms, request_ms, grace_ms;
	bool domain_joined;
	const char *directory;
	const char *directory_login;
	const char *directory_password_file;
	const char *site;
	bool strict_site;
	bool object_category;
	bool no_scp;
	struct text_list connect_to;
	const char *dns;
	const char *ca_file;
	const char *proxy;
	const char *proxy_password_file;
	const char *no_proxy;
	struct text_list proxy_schemes;
	bool trace;
};

/* Begin it zeroed; CLEANUP(search_forget). */
struct search_secrets {
	struct secret password, token, proxy_password, directory_password;
};

void
search_forget(struct search_secrets *secrets);

/* The rows of `search` in the options of a command whose args are an `args`. */
/* clang-format off */
#define SEARCH_ROWS(args) \
	SEARCH_ROW(args, "login", OPT_TEXT, login, "NAME", \
	    "log in as NAME instead of the address"), \
	SEARCH_ROW(args, "password-file", OPT_TEXT, password_file, "FILE", \
	    "read the password from the first line of FILE; - is standard input"), \
	SEARCH_ROW(args, "auth", OPT_LIST, schemes, "SCHEME", \
	    "log in by bearer, negotiate, ntlm or basic; several may be given"), \
	SEARCH_ROW(args, "token-file", OPT_TEXT, token_file, "FILE", \
	    "read a bearer token from the first line of FILE; - is standard input"), \
	SEARCH_ROW(args, "offered-before", OPT_EACH, offered, "HOST=SCHEME,SCHEME", \
	    "give no password away to HOST, which once offered these ways to log in"), \
	SEARCH_ROW(args, "trust-host", OPT_LIST, trust_hosts, "HOST", \
	    "follow redirects to HOST, or *.NAME, without asking"), \
	SEARCH_ROW(args, "timeout", OPT_MSEC, timeout_ms, "TIME", \
	    "give up after TIME (default: 60s)"), \
	SEARCH_ROW(args, "sources", OPT_TEXT, sources, "LETTERS", \
	    "ask only these sources, best first (default: GACBFDEHM)"), \
	SEARCH_ROW(args, "outlook", OPT_EACH, outlook, "NAME[=VALUE]", \
	    "heed a registry value of Outlook, as ExcludeHttpsRootDomain"), \
	SEARCH_ROW(args, "last-known-good", OPT_TEXT, last_known_good, "URL", \
	    "ask first where the settings were found before"), \
	SEARCH_ROW(args, "local-xml", OPT_TEXT, local_xml, "FILE", \
	    "take the answer from FILE when no better source has one"), \
	SEARCH_ROW(args, "microsoft-365", OPT_FLAG, microsoft_365, NULL, \
	    "trust Microsoft 365, and ask it when nothing else answers"), \
	SEARCH_ROW(args, "no-autoconfig", OPT_FLAG, no_autoconfig, NULL, \
	    "do not take settings from Mail Autoconfig when nothing else answers"), \
	SEARCH_ROW(args, "resolve-timeout", OPT_MSEC, resolve_ms, "TIME", \
	    "give DNS TIME (default: 5s)"), \
	SEARCH_ROW(args, "connect-timeout", OPT_MSEC, connect_ms, "TIME", \
	    "give a host that says nothing TIME (default: 2500ms)"), \
	SEARCH_ROW(args, "request-timeout", OPT_MSEC, request_ms, "TIME", \
	    "give each request TIME (default: 15s)"), \
	SEARCH_ROW(args, "grace", OPT_MSEC, grace_ms, "TIME", \
	    "wait TIME for a better source once one has answered (default: 250ms)"), \
	SEARCH_ROW(args, "domain-joined", OPT_FLAG, domain_joined, NULL, \
	    "look first into the Active Directory that this computer is in"), \
	SEARCH_ROW(args, "ldap", OPT_TEXT, directory, "URI", \
	    "look first into this directory: ldap://HOST, ldaps://HOST or ldapi://SOCKET"), \
	SEARCH_ROW(args, "ldap-login", OPT_TEXT, directory_login, "NAME", \
	    "enter the directory as NAME, over TLS (default: Kerberos ticket)"), \
	SEARCH_ROW(args, "ldap-password-file", OPT_TEXT, directory_password_file, "FILE", \
	    "read the password for it from the first line of FILE"), \
	SEARCH_ROW(args, "site", OPT_TEXT, site, "SITE", \
	    "prefer what is in this Active Directory site (default: asked for)"), \
	SEARCH_ROW(args, "strict-site", OPT_FLAG, strict_site, NULL, \
	    "use what is in other sites only when there is none in ours"), \
	SEARCH_ROW(args, "object-category", OPT_FLAG, object_category, NULL, \
	    "search the directory by objectCategory, as Outlook does"), \
	SEARCH_ROW(args, "no-scp", OPT_FLAG, no_scp, NULL, "look into no directory"), \
	SEARCH_ROW(args, "connect-to", OPT_EACH, connect_to, "HOST:PORT:ADDR:PORT", \
	    "connect to ADDR:PORT when HOST:PORT is meant"), \
	SEARCH_ROW(args, "dns", OPT_TEXT, dns, "ADDR[:PORT]", "ask this DNS server"), \
	SEARCH_ROW(args, "ca-file", OPT_TEXT, ca_file, "FILE", \
	    "trust the certificates in FILE (PEM) instead of the system's"), \
	SEARCH_ROW(args, "proxy", OPT_TEXT, proxy, "URL", \
	    "go through this proxy, http://[LOGIN@]HOST:PORT or socks5://HOST:PORT"), \
	SEARCH_ROW(args, "proxy-password-file", OPT_TEXT, proxy_password_file, "FILE", \
	    "read the proxy's password from the first line of FILE; - is standard input"), \
	SEARCH_ROW(args, "proxy-auth", OPT_LIST, proxy_schemes, "SCHEME", \
	    "log in to the proxy by negotiate, ntlm, digest or basic (default: the last two)"), \
	SEARCH_ROW(args, "no-proxy", OPT_TEXT, no_proxy, "HOST,HOST", \
	    "go through no proxy to these hosts and domains"), \
	SEARCH_ROW(args, "trace", OPT_FLAG, trace, NULL, \
	    "tell on standard error what is being done, line by line")
#define SEARCH_ROW(args, name, type, member, value, help) \
	{ 0, name, type, offsetof(args, search) + offsetof(struct search_args, member), value, help }
/* clang-format on */

/* Options as the library takes them. The password is read now when a file is named; else a host
 * that asks for one makes us look into USHER_PASSWORD or ask whoever sits at the terminal.
 * `secrets` holds it as long as *out is used; memory is cli->mem's.
 * Returns as cli_password(); USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
search_options(struct cli *cli, const struct search_args *args, struct search_secrets *secrets,
    struct usher_find_options *out, struct usher_error *err);

/* The texts with commas between; NULL for none. Memory is cli->mem's. */
const char *
search_joined(struct cli *cli, const struct text_list *l);

#endif
