/* test_plan.c - tables of scripted worlds: what is found, by whom, when, and who saw a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "world.h"

#define PATH "/autodiscover/autodiscover.xml"
#define B "https://contoso.example" PATH
#define C "https://autodiscover.contoso.example" PATH
#define D "http://autodiscover.contoso.example" PATH
#define MAIL "https://mail.contoso.example" PATH
#define MAIL_2 "https://mail.contoso.example/autodiscover/2/autodiscover.xml"
#define EU "https://eu.contoso.example" PATH
#define EU_C "https://autodiscover.eu.contoso.example" PATH
#define US "https://us.contoso.example" PATH
#define US_C "https://autodiscover.us.contoso.example" PATH
#define OTHER "https://autodiscover.fabrikam.example" PATH
#define OTHER_2 "https://www.fabrikam.example" PATH
#define OTHER_B "https://fabrikam.example" PATH

enum what {
	GIVES_SETTINGS = 1,
	GIVES_NOTHING,	     /* settings without a protocol */
	REFUSES,	     /* error 500 in a document */
	SENDS_TO_ADDRESS,    /* redirectAddr: text */
	SENDS_TO_URL,	     /* redirectUrl: text */
	ANSWERS,	     /* HTTP status: number, Location or challenge: text */
	IS_HTML,	     /* 200 with a page */
	FAILS,		     /* enum plan_failure: number */
	HAS_BAD_CERTIFICATE, /* enum tls_verdict: number */
	DOES_NOT_RESOLVE     /* enum plan_failure: number */
};

enum who { ANYBODY = 0, ANONYMOUS, LOGGED_IN };

struct rule {
	const char *url;
	enum who who;
	enum what what;
	int number;
	const char *text;
	int delay_ms;
	bool inside; /* the host has a private address */
	int dns_ms;
};

struct row {
	const char *name;
	struct rule rules[8];
	/* expected */
	enum plan_outcome outcome;
	const char *won;     /* URL; NULL */
	const char *reason;  /* part of it; NULL */
	size_t credentialed; /* requests with a password */
	size_t consents;     /* 0: not looked at */
	uint64_t elapsed_ms; /* 0: not looked at */
	/* given */
	bool no_password;
	bool may_ask, says_yes;
	const char *trust;
	const char *address; /* NULL: ann@contoso.example */
	struct srv_record records[4];
	enum plan_failure srv_failure;
	int srv_delay_ms;
};

static const char BASIC[] = "Basic realm=\"contoso\"";

static const struct row rows[] = {
	{ "settings at the autodiscover host, nothing at the root",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } }, OUTCOME_FOUND, C,
	    .elapsed_ms = 100 },
	{ "settings at the root, no autodiscover host",
	    { { B, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } }, OUTCOME_FOUND, B,
	    .elapsed_ms = 100 },
	{ "both have settings: the autodiscover host wins a tie",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "the autodiscover host overtakes within its grace",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 300 },
		{ B, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } },
	    OUTCOME_FOUND, C, .elapsed_ms = 300 },
	{ "after the grace the root wins",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 900 },
		{ B, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } },
	    OUTCOME_FOUND, B, .elapsed_ms = 100 + PLAN_GRACE_MS },
	{ "a root that drops packets costs nothing",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, FAILS, .delay_ms = NEVER } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "a root that answers with a page costs nothing",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 }, { B, ANYBODY, IS_HTML } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "a root that sends everybody in a circle costs nothing",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, ANSWERS, 302, MAIL, 10 }, { MAIL, ANYBODY, ANSWERS, 302, B, 10 } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "a root that shows a wrong certificate costs nothing",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, HAS_BAD_CERTIFICATE, TLS_WRONG_NAME } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "a root that sends us elsewhere costs nothing, and nobody is asked",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, ANSWERS, 302, OTHER } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100, .may_ask = true },
	{ "a root that asks for a login costs nothing, and gets none",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, ANYBODY, ANSWERS, 401, BASIC } },
	    OUTCOME_FOUND, C, .elapsed_ms = 100 },
	{ "a root that drops packets, and nothing else",
	    { { B, ANYBODY, FAILS, .delay_ms = NEVER } }, OUTCOME_NOT_FOUND,
	    .elapsed_ms = PLAN_CONNECT_MS },
	{ "a root that takes the question and says nothing",
	    { { B, ANYBODY, FAILS, .delay_ms = SILENT } }, OUTCOME_NOT_FOUND,
	    .elapsed_ms = PLAN_PROBE_MS },
	{ "an autodiscover host that drops packets leaves it open",
	    { { C, ANYBODY, FAILS, .delay_ms = NEVER } }, OUTCOME_UNAVAILABLE,
	    .elapsed_ms = PLAN_CONNECT_MS, .reason = "in time" },
	{ "one that takes the question and says nothing",
	    { { C, ANYBODY, FAILS, .delay_ms = SILENT } }, OUTCOME_UNAVAILABLE,
	    .elapsed_ms = PLAN_REQUEST_MS, .reason = "in time" },
	{ "nothing anywhere", { { 0 } }, OUTCOME_NOT_FOUND, .reason = "no host" },
	{ "DNS is in trouble",
	    { { C, ANYBODY, DOES_NOT_RESOLVE, PLAN_DNS_TROUBLE },
		{ B, ANYBODY, DOES_NOT_RESOLVE, PLAN_DNS_TROUBLE } },
	    OUTCOME_UNAVAILABLE, .reason = "looked up" },
	{ "DNS never answers",
	    { { C, ANYBODY, DOES_NOT_RESOLVE, PLAN_DNS_TROUBLE, .delay_ms = NEVER } },
	    OUTCOME_UNAVAILABLE, .elapsed_ms = PLAN_RESOLVE_MS },
	{ "the web site at the root answers everything with a page", { { B, ANYBODY, IS_HTML } },
	    OUTCOME_NOT_FOUND },
	{ "404 at both", { { B, ANYBODY, ANSWERS, 404 }, { C, ANYBODY, ANSWERS, 404 } },
	    OUTCOME_NOT_FOUND },
	{ "an answer without settings", { { C, ANYBODY, GIVES_NOTHING } }, OUTCOME_NOT_FOUND },
	{ "503 at the autodiscover host",
	    { { B, ANYBODY, ANSWERS, 404 }, { C, ANYBODY, ANSWERS, 503 } }, OUTCOME_UNAVAILABLE,
	    .reason = "503" },
	{ "a refusal is an answer", { { C, ANYBODY, REFUSES }, { B, ANYBODY, ANSWERS, 503 } },
	    OUTCOME_NOT_FOUND, .reason = "cannot be found" },
	{ "a refusal does not end the search",
	    { { C, ANYBODY, REFUSES }, { B, ANYBODY, GIVES_SETTINGS, .delay_ms = 500 } },
	    OUTCOME_FOUND, B },

	/* certificates */
	{ "the root's certificate is for another name: quiet",
	    { { B, ANYBODY, HAS_BAD_CERTIFICATE, TLS_WRONG_NAME } }, OUTCOME_NOT_FOUND },
	{ "the autodiscover host's certificate is self-signed: unsafe",
	    { { C, ANYBODY, HAS_BAD_CERTIFICATE, TLS_UNTRUSTED } }, OUTCOME_BLOCKED,
	    .reason = "authority" },
	{ "expired", { { C, ANYBODY, HAS_BAD_CERTIFICATE, TLS_EXPIRED } }, OUTCOME_BLOCKED,
	    .reason = "expired" },
	{ "no TLS at the autodiscover host is no alarm",
	    { { C, ANYBODY, HAS_BAD_CERTIFICATE, TLS_BROKEN } }, OUTCOME_NOT_FOUND },

	/* the redirect over plain http */
	{ "only the redirect is there: it waits for nobody",
	    { { C, ANYBODY, FAILS, PLAN_REFUSED }, { D, ANYBODY, ANSWERS, 302, MAIL, 50 },
		{ MAIL, ANONYMOUS, ANSWERS, 401, BASIC, 100 },
		{ MAIL, LOGGED_IN, GIVES_SETTINGS, .delay_ms = 50 } },
	    OUTCOME_FOUND, MAIL, .credentialed = 1, .elapsed_ms = 200 },
	{ "it begins a little later while https may answer",
	    { { C, ANYBODY, FAILS, PLAN_REFUSED, .delay_ms = PLAN_STAGGER_MS + 1 },
		{ D, ANYBODY, ANSWERS, 302, MAIL, 50 }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL, .elapsed_ms = PLAN_STAGGER_MS + 50 },
	{ "https that drops packets costs it one grace, and not one per step",
	    { { C, ANYBODY, FAILS, .delay_ms = NEVER }, { D, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANONYMOUS, ANSWERS, 401, BASIC, 100 },
		{ MAIL, LOGGED_IN, GIVES_SETTINGS, .delay_ms = 100 } },
	    OUTCOME_FOUND, MAIL, .credentialed = 1,
	    .elapsed_ms = PLAN_STAGGER_MS + PLAN_GRACE_MS + 100 },
	{ "https within its grace is preferred to it",
	    { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 250 }, { D, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, C, .elapsed_ms = 250 },
	{ "the root is preferred to it as well",
	    { { B, ANYBODY, GIVES_SETTINGS, .delay_ms = 250 }, { D, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, B, .elapsed_ms = 250 },
	{ "settings over plain http are none", { { D, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_NOT_FOUND },
	{ "a redirectUrl over plain http is none",
	    { { D, ANYBODY, SENDS_TO_URL, .text = MAIL }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_NOT_FOUND },
	{ "a 401 over plain http gets no password", { { D, ANYBODY, ANSWERS, 401, BASIC } },
	    OUTCOME_NOT_FOUND },
	{ "plain http that drops packets means nothing",
	    { { D, ANYBODY, FAILS, .delay_ms = NEVER } }, OUTCOME_NOT_FOUND,
	    .elapsed_ms = PLAN_CONNECT_MS },
	{ "it leads to a host that nobody trusts",
	    { { D, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_BLOCKED, .reason = "does not belong" },
	{ "it leads to a host that somebody trusts",
	    { { D, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .may_ask = true, .says_yes = true },
	{ "it leads to a host on the list",
	    { { D, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .trust = "*.fabrikam.example" },
	{ "it leads to https of its own host, which was asked", { { D, ANYBODY, ANSWERS, 302, C } },
	    OUTCOME_NOT_FOUND },
	{ "it leads from one plain web site to the next",
	    { { D, ANYBODY, ANSWERS, 301, "http://www.fabrikam.example" PATH } },
	    OUTCOME_NOT_FOUND },
	{ "it leads to a page", { { D, ANYBODY, ANSWERS, 301, "https://www.fabrikam.example/" } },
	    OUTCOME_NOT_FOUND },
	{ "where it leads, the certificate is wrong",
	    { { D, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, HAS_BAD_CERTIFICATE, TLS_WRONG_NAME } },
	    OUTCOME_BLOCKED, .reason = "another host" },

	/* SRV records */
	{ "a host on the Internet does not lead inside, but DNS may",
	    { { C, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .inside = true } },
	    OUTCOME_FOUND, MAIL, .records = { { 0, 0, 443, "mail.contoso.example" } },
	    .srv_delay_ms = 50 },
	{ "DNS may lead there while that is still being found out",
	    { { C, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .inside = true, .dns_ms = 100 } },
	    OUTCOME_FOUND, MAIL, .records = { { 0, 0, 443, "mail.contoso.example" } },
	    .srv_delay_ms = 50 },
	{ "a host on the Internet leads inside",
	    { { C, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .inside = true } },
	    OUTCOME_BLOCKED, .reason = "private network" },
	{ "to a host that is trusted, it may",
	    { { C, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .inside = true } },
	    OUTCOME_FOUND, MAIL, .trust = "mail.contoso.example" },
	{ "a host inside may lead inside",
	    { { C, ANYBODY, ANSWERS, 302, MAIL, .inside = true },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .inside = true } },
	    OUTCOME_FOUND, MAIL },
	{ "only SRV is there: it waits for nobody",
	    { { MAIL, ANONYMOUS, ANSWERS, 401, BASIC, 100 },
		{ MAIL, LOGGED_IN, GIVES_SETTINGS, .delay_ms = 50 } },
	    OUTCOME_FOUND, MAIL, .credentialed = 1, .elapsed_ms = 200,
	    .records = { { 0, 0, 443, "mail.contoso.example" } }, .srv_delay_ms = 50 },
	{ "the redirect over plain http is preferred to SRV",
	    { { D, ANYBODY, ANSWERS, 302, MAIL },
		{ MAIL, ANYBODY, GIVES_SETTINGS, .delay_ms = 150 },
		{ EU, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL, .records = { { 0, 0, 443, "eu.contoso.example" } } },
	{ "https that drops packets costs SRV one grace",
	    { { C, ANYBODY, FAILS, .delay_ms = NEVER }, { D, ANYBODY, ANSWERS, 404 },
		{ MAIL, ANONYMOUS, ANSWERS, 401, BASIC }, { MAIL, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL, .credentialed = 1,
	    .elapsed_ms = 2 * PLAN_STAGGER_MS + PLAN_GRACE_MS,
	    .records = { { 0, 0, 443, "mail.contoso.example" } } },
	{ "the next record when the first gives nothing",
	    { { EU, ANYBODY, FAILS, PLAN_REFUSED }, { US, ANYBODY, IS_HTML },
		{ MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL,
	    .records = { { 30, 0, 443, "mail.contoso.example" },
		{ 20, 0, 443, "us.contoso.example" }, { 10, 0, 443, "eu.contoso.example" },
		{ 5, 0, 443, "nowhere.contoso.example" } } },
	{ "the next record when the first sends us to an address that leads nowhere",
	    { { US, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@eu.contoso.example" },
		{ EU_C, ANYBODY, ANSWERS, 404 }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL,
	    .records = { { 0, 0, 443, "us.contoso.example" },
		{ 1, 0, 443, "mail.contoso.example" } } },
	{ "but that address comes first",
	    { { US, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@eu.contoso.example" },
		{ EU_C, ANYBODY, GIVES_SETTINGS, .delay_ms = 900 },
		{ MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, EU_C,
	    .records = { { 0, 0, 443, "us.contoso.example" },
		{ 1, 0, 443, "mail.contoso.example" } } },
	{ "who agrees to that address is not asked about its hosts as well",
	    { { US, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@fabrikam.example" },
		{ OTHER, ANYBODY, ANSWERS, 404 }, { OTHER_2, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER_2, .consents = 1, .may_ask = true, .says_yes = true,
	    .records = { { 0, 0, 443, "us.contoso.example" },
		{ 1, 0, 443, "www.fabrikam.example" } } },
	{ "nor about one that had to wait for that word",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@fabrikam.example" },
		{ D, ANYBODY, ANSWERS, 302, OTHER_2 }, { OTHER, ANYBODY, ANSWERS, 404 },
		{ OTHER_2, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER_2, .consents = 1, .may_ask = true, .says_yes = true },
	{ "another port is used, after the usual one",
	    { { "https://mail.contoso.example:8443" PATH, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, "https://mail.contoso.example:8443" PATH,
	    .records = { { 0, 0, 8443, "mail.contoso.example" },
		{ 9, 0, 443, "mail.contoso.example" } } },
	{ "SRV to a host that nobody trusts", { { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_BLOCKED, .reason = "does not belong",
	    .records = { { 0, 0, 443, "autodiscover.fabrikam.example" } } },
	{ "SRV to a host that nobody trusts, and a second one of the domain",
	    { { OTHER, ANYBODY, GIVES_SETTINGS }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL,
	    .records = { { 0, 0, 443, "autodiscover.fabrikam.example" },
		{ 1, 0, 443, "mail.contoso.example" } } },
	{ "SRV to a host that somebody trusts",
	    { { OTHER, ANONYMOUS, ANSWERS, 401, BASIC }, { OTHER, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .credentialed = 1, .may_ask = true, .says_yes = true,
	    .records = { { 0, 0, 443, "autodiscover.fabrikam.example" } } },
	{ "SRV to a host that somebody refuses", { { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_BLOCKED, .may_ask = true, .reason = "refused",
	    .records = { { 0, 0, 443, "autodiscover.fabrikam.example" } } },
	{ "SRV to a host on the list", { { OTHER, ANYBODY, GIVES_SETTINGS } }, OUTCOME_FOUND, OTHER,
	    .trust = "autodiscover.fabrikam.example",
	    .records = { { 0, 0, 443, "autodiscover.fabrikam.example" } } },
	{ "SRV to a host whose certificate is for another name",
	    { { MAIL, ANYBODY, HAS_BAD_CERTIFICATE, TLS_WRONG_NAME } }, OUTCOME_BLOCKED,
	    .reason = "another host", .records = { { 0, 0, 443, "mail.contoso.example" } } },
	{ "SRV to what was asked already", { { C, ANYBODY, ANSWERS, 404 } }, OUTCOME_NOT_FOUND,
	    .records = { { 0, 0, 443, "autodiscover.contoso.example" } } },
	{ "SRV to `.`", { { 0 } }, OUTCOME_NOT_FOUND, .records = { { 0, 0, 0, "." } } },
	{ "SRV to an address", { { 0 } }, OUTCOME_NOT_FOUND,
	    .records = { { 0, 0, 443, "127.0.0.1" } } },
	{ "SRV in trouble leaves it open", { { 0 } }, OUTCOME_UNAVAILABLE, .reason = "looked up",
	    .srv_failure = PLAN_DNS_TROUBLE },
	{ "SRV never answers", { { 0 } }, OUTCOME_UNAVAILABLE, .elapsed_ms = PLAN_RESOLVE_MS,
	    .srv_failure = PLAN_DNS_TROUBLE, .srv_delay_ms = NEVER },
	{ "a redirect of the host that SRV names",
	    { { MAIL, ANYBODY, ANSWERS, 302, EU }, { EU, ANYBODY, GIVES_SETTINGS } }, OUTCOME_FOUND,
	    EU, .records = { { 0, 0, 443, "mail.contoso.example" } } },

	/* credentials */
	{ "asked, the password is given",
	    { { C, ANONYMOUS, ANSWERS, 401, BASIC }, { C, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, C, .credentialed = 1 },
	{ "no password, no login", { { C, ANONYMOUS, ANSWERS, 401, BASIC } }, OUTCOME_REJECTED,
	    .no_password = true, .reason = "none was given" },
	{ "wrong password", { { C, ANYBODY, ANSWERS, 401, BASIC } }, OUTCOME_REJECTED,
	    .credentialed = 1, .reason = "refused the login" },
	{ "only what we cannot do is offered", { { C, ANYBODY, ANSWERS, 401, "Negotiate" } },
	    OUTCOME_REJECTED, .reason = "Negotiate" },
	{ "Basic with an empty realm is no offer",
	    { { C, ANYBODY, ANSWERS, 401, "Basic Realm=\"\"" } }, OUTCOME_REJECTED },
	{ "a 401 from an unverified host is none",
	    { { C, ANYBODY, HAS_BAD_CERTIFICATE, TLS_UNTRUSTED, BASIC } }, OUTCOME_BLOCKED },
	{ "both ask: the better one gets the password, the other none",
	    { { B, ANONYMOUS, ANSWERS, 401, BASIC }, { C, ANONYMOUS, ANSWERS, 401, BASIC, 100 },
		{ C, LOGGED_IN, GIVES_SETTINGS, .delay_ms = 100 },
		{ B, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, C, .credentialed = 1, .elapsed_ms = 200 },
	{ "two hosts of one realm refuse: no third attempt",
	    { { B, ANYBODY, ANSWERS, 401, BASIC }, { C, ANYBODY, ANSWERS, 401, BASIC } },
	    OUTCOME_REJECTED, .credentialed = 2 },
	{ "another realm may still know the password",
	    { { B, ANONYMOUS, ANSWERS, 401, "Basic realm=\"contoso root\"" },
		{ C, ANYBODY, ANSWERS, 401, BASIC }, { B, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, B, .credentialed = 2 },
	{ "two URLs of one host that refused: it is not asked again",
	    { { C, ANYBODY, ANSWERS, 302, MAIL }, { B, ANYBODY, ANSWERS, 302, MAIL_2 },
		{ MAIL, ANYBODY, ANSWERS, 401, "Basic realm=\"c one\"" },
		{ MAIL_2, ANYBODY, ANSWERS, 401, "Basic realm=\"c two\"" } },
	    OUTCOME_REJECTED, .credentialed = 1 },
	{ "three failures are enough, whatever the realms",
	    { { C, ANYBODY, ANSWERS, 401, "Basic realm=\"c one\"" },
		{ B, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@eu.contoso.example" },
		{ EU_C, ANYBODY, ANSWERS, 401, "Basic realm=\"c two\"" },
		{ EU, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@us.contoso.example" },
		{ US_C, ANYBODY, ANSWERS, 401, "Basic realm=\"c three\"" },
		{ US, ANYBODY, ANSWERS, 401, "Basic realm=\"c four\"" } },
	    OUTCOME_REJECTED, .credentialed = 3 },
	{ "a blocked account ends it",
	    { { C, ANONYMOUS, ANSWERS, 401, BASIC }, { C, LOGGED_IN, ANSWERS, 456 },
		{ B, ANONYMOUS, ANSWERS, 401, BASIC } },
	    OUTCOME_REJECTED, .credentialed = 1, .reason = "blocked" },
	{ "403 after the login is a no, and no failure of the password",
	    { { C, ANONYMOUS, ANSWERS, 401, BASIC }, { C, LOGGED_IN, ANSWERS, 403 } },
	    OUTCOME_NOT_FOUND, .credentialed = 1 },

	/* redirects */
	{ "302 within the domain",
	    { { C, ANYBODY, ANSWERS, 302, MAIL }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL },
	{ "302 to a host nobody trusts", { { C, ANYBODY, ANSWERS, 302, OTHER } }, OUTCOME_BLOCKED,
	    .reason = "does not belong" },
	{ "302 to a host on the list",
	    { { C, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANONYMOUS, ANSWERS, 401, BASIC },
		{ OTHER, LOGGED_IN, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .credentialed = 1, .trust = "autodiscover.fabrikam.example" },
	{ "302 to a host that somebody trusts",
	    { { C, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .may_ask = true, .says_yes = true },
	{ "302 to a host that somebody refuses", { { C, ANYBODY, ANSWERS, 302, OTHER } },
	    OUTCOME_BLOCKED, .may_ask = true, .reason = "refused" },
	{ "nobody is asked while another source may answer",
	    { { C, ANYBODY, ANSWERS, 302, OTHER },
		{ B, ANYBODY, GIVES_SETTINGS, .delay_ms = 500 } },
	    OUTCOME_FOUND, B, .may_ask = true },
	{ "302 to plain http", { { C, ANYBODY, ANSWERS, 302, "http://mail.contoso.example" PATH } },
	    OUTCOME_BLOCKED, .reason = "plain http" },
	{ "302 to a URL with a login name",
	    { { C, ANYBODY, ANSWERS, 302, "https://contoso.example@mail.contoso.example" PATH } },
	    OUTCOME_BLOCKED, .reason = "login name" },
	{ "302 to an IP address", { { C, ANYBODY, ANSWERS, 302, "https://127.0.0.1" PATH } },
	    OUTCOME_BLOCKED },
	{ "302 to a page", { { B, ANYBODY, ANSWERS, 301, "https://www.fabrikam.example/" } },
	    OUTCOME_NOT_FOUND },
	{ "302 without Location", { { B, ANYBODY, ANSWERS, 302 } }, OUTCOME_NOT_FOUND },
	{ "302 to itself", { { C, ANYBODY, ANSWERS, 302, C } }, OUTCOME_NOT_FOUND },
	{ "a circle of two",
	    { { C, ANYBODY, ANSWERS, 302, MAIL }, { MAIL, ANYBODY, ANSWERS, 302, C } },
	    OUTCOME_NOT_FOUND },
	{ "a relative Location",
	    { { C, ANYBODY, ANSWERS, 302, "/autodiscover/site2/autodiscover.xml" },
		{ "https://autodiscover.contoso.example/autodiscover/site2/autodiscover.xml",
		    ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND,
	    "https://autodiscover.contoso.example/autodiscover/site2/autodiscover.xml" },
	{ "redirectUrl within the domain",
	    { { C, ANYBODY, SENDS_TO_URL, .text = MAIL }, { MAIL, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, MAIL },
	{ "redirectUrl to plain http",
	    { { C, ANYBODY, SENDS_TO_URL, .text = "http://mail.contoso.example" PATH } },
	    OUTCOME_BLOCKED },
	{ "redirectAddr to a domain nobody trusts",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@fabrikam.example" },
		{ OTHER, ANONYMOUS, ANSWERS, 401, BASIC } },
	    OUTCOME_BLOCKED, .reason = "does not belong" },
	{ "redirectAddr to a domain on the list",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@fabrikam.example" },
		{ OTHER, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, OTHER, .trust = "fabrikam.example" },
	{ "redirectAddr within the domain, to another host of it",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@eu.contoso.example" },
		{ "https://eu.contoso.example" PATH, ANYBODY, GIVES_SETTINGS } },
	    OUTCOME_FOUND, "https://eu.contoso.example" PATH },
	{ "redirectAddr to the same address",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "Ann@CONTOSO.example" } }, OUTCOME_NOT_FOUND,
	    .reason = NULL },
	{ "redirectAddr for ever",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ben@contoso.example" } },
	    OUTCOME_NOT_FOUND },
	{ "redirectAddr to a public suffix",
	    { { C, ANYBODY, SENDS_TO_ADDRESS, .text = "ann@co.uk" } }, OUTCOME_BLOCKED },
	{ "a domain that is a public suffix is never asked",
	    { { "https://autodiscover.co.uk" PATH, ANYBODY, GIVES_SETTINGS } }, OUTCOME_BLOCKED,
	    .address = "ann@co.uk" },
	{ "a domain without a dot is never asked",
	    { { "https://autodiscover.com" PATH, ANYBODY, GIVES_SETTINGS } }, OUTCOME_BLOCKED,
	    .address = "ann@com" },
};

static const struct answer_protocol protocol = { .kind = PROTOCOL_EXCH };
static const struct answer settings = {
	.kind = ANSWER_SETTINGS, .protocols = &protocol, .n_protocols = 1
};
static const struct answer empty = { .kind = ANSWER_SETTINGS };
static const struct answer refusal = { .kind = ANSWER_REFUSAL,
	.refusal = { .code = 500, .message = "The e-mail address cannot be found." } };

static const struct rule *
find_rule(const struct row *row, const struct plan_step *step)
{
	for (const struct rule *r = row->rules; r->url != NULL; r++) {
		if (strcmp(r->url, step->url->text) == 0 &&
		    (r->who == ANYBODY || (r->who == LOGGED_IN) == step->credentialed))
			return r;
	}
	return NULL;
}

static void
resolve(struct world *w, const char *host, int *delay_ms, struct plan_resolution *out)
{
	static const char *const addresses[] = { "192.0.2.1" }, *const inside[] = { "10.0.0.1" };
	const struct row *row = w->payload;

	out->failure = PLAN_NO_SUCH_NAME;
	for (const struct rule *r = row->rules; r->url != NULL; r++) {
		struct url url;

		assert_int_equal(url_parse(w->mem, slice_of(r->url), &url, NULL), USHER_OK);
		if (strcmp(url.host, host) != 0)
			continue;
		out->failure = PLAN_NO_FAILURE;
		out->addresses = (struct text_list){ r->inside ? inside : addresses, 1 };
		*delay_ms = r->dns_ms;
		if (r->what == DOES_NOT_RESOLVE) {
			out->failure = (enum plan_failure)r->number;
			*delay_ms = r->delay_ms;
		}
		return;
	}
}

static void
locate(struct world *w, const char *name, int *delay_ms, struct plan_location *out)
{
	const struct row *row = w->payload;

	*delay_ms = row->srv_delay_ms;
	if (strcmp(name, "_autodiscover._tcp.contoso.example") != 0)
		return;
	if (row->srv_failure != PLAN_NO_FAILURE)
		out->failure = row->srv_failure;
	out->records = row->records;
	while (out->n_records < COUNT_OF(row->records) && row->records[out->n_records].host != NULL)
		out->n_records++;
	if (out->n_records > 0)
		out->failure = PLAN_NO_FAILURE;
}

static void
redirect_answer(struct world *w, struct plan_response *out, enum answer_kind kind, const char *to)
{
	struct answer *a = arena_zalloc(w->mem, sizeof(*a));

	assert_non_null(a);
	a->kind = kind;
	a->redirect = to;
	out->answer = a;
}

static void
respond(struct world *w, const struct plan_step *step, int *delay_ms, struct plan_response *out)
{
	const struct rule *r = find_rule(w->payload, step);
	const char **challenge;

	out->tls.verdict = TLS_VERIFIED;
	out->http_status = 404;
	if (r == NULL)
		return;
	*delay_ms = r->delay_ms;
	out->http_status = 200;
	switch (r->what) {
	case GIVES_SETTINGS:
		out->answer = &settings;
		return;
	case GIVES_NOTHING:
		out->answer = &empty;
		return;
	case REFUSES:
		out->answer = &refusal;
		return;
	case SENDS_TO_ADDRESS:
		redirect_answer(w, out, ANSWER_REDIRECT_ADDRESS, r->text);
		return;
	case SENDS_TO_URL:
		redirect_answer(w, out, ANSWER_REDIRECT_URL, r->text);
		return;
	case ANSWERS:
		out->http_status = r->number;
		challenge = arena_zalloc(w->mem, sizeof(*challenge));
		assert_non_null(challenge);
		*challenge = r->text;
		if (r->number == 401)
			out->challenges = (struct text_list){ challenge, 1 };
		else
			out->location = r->text;
		return;
	case IS_HTML:
		out->body_fault = "it is a web page";
		return;
	case FAILS:
		out->failure = (enum plan_failure)r->number;
		out->http_status = NUMBER_ABSENT;
		return;
	case HAS_BAD_CERTIFICATE:
		out->failure = PLAN_TLS;
		out->tls.verdict = r->number;
		out->http_status = NUMBER_ABSENT;
		return;
	case DOES_NOT_RESOLVE:
		return;
	}
}

static bool
consent(struct world *w, const char *host UNUSED)
{
	const struct row *row = w->payload;

	return row->says_yes;
}

static void
run_row(const struct row *row)
{
	struct world w = {
		.resolve = resolve, .locate = locate, .respond = respond, .consent = consent
	};
	struct plan_options options = {
		.schemes = row->no_password ? 0 : SCHEMES_BY_PASSWORD,
		.may_ask = row->may_ask,
		.trust_hosts = { &row->trust, row->trust != NULL },
	};
	struct row copy = *row;

	w.payload = &copy;
	w.mem = arena_new(1 << 20);
	world_run(&w, row->address != NULL ? row->address : "ann@contoso.example", &options);
	if (w.fault[0] != '\0')
		fail_msg("%s: %s", row->name, w.fault);
	if (w.result.outcome != row->outcome)
		fail_msg(
		    "%s: %s (%s)", row->name, plan_outcome_name(w.result.outcome), w.result.reason);
	if (row->won != NULL && strcmp(w.result.won->url, row->won) != 0)
		fail_msg("%s: %s won", row->name, w.result.won->url);
	if (row->reason != NULL && strstr(w.result.reason, row->reason) == NULL)
		fail_msg("%s: reason is: %s", row->name, w.result.reason);
	if (w.n_credentialed != row->credentialed)
		fail_msg("%s: %zu requests with a password", row->name, w.n_credentialed);
	if (row->consents != 0 && w.n_consents != row->consents)
		fail_msg("%s: somebody was asked %zu times", row->name, w.n_consents);
	if (row->elapsed_ms != 0 && w.elapsed_ms != row->elapsed_ms)
		fail_msg("%s: took %llu ms", row->name, (unsigned long long)w.elapsed_ms);
	arena_free(w.mem);
}

static void
test_worlds(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		run_row(&rows[i]);
}

/* ---- sources that the caller names ---- */

#define FABRIKAM_SCP "https://cas.corp.example" PATH
#define KNOWN "https://mail.fabrikam.example" PATH
#define SVC "https://mail.contoso.example/autodiscover/autodiscover.svc"

struct named_row {
	const char *name;
	struct rule rules[5];
	struct plan_options options;
	enum plan_outcome outcome;
	enum source source;
	uint64_t elapsed_ms;
};

static const char *const url_keyword[] = { SCP_URL_KEYWORD };
static const char *const pointer_keywords[] = { SCP_POINTER_KEYWORD, "Domain=contoso.example" };

/* `ldap://chain9.corp.example` points to chain8, and so on; chain0 to a directory with a server. */
static const struct scp_record *
link_after(struct world *w, const char *directory)
{
	struct scp_record *r = arena_zalloc(w->mem, sizeof(*r));
	uint64_t n = 0;
	struct slice number = slice_skip(slice_of(directory), strlen("ldap://chain"));

	number.n = slice_find(number, '.');
	assert_true(text_number(number, 0, 99, &n));
	r->binding = n == 0 ? "ldap://dc.corp.example" :
			      arena_printf(w->mem, "ldap://chain%u.corp.example", (unsigned)n - 1);
	r->keywords = (struct text_list){ (const char **)(uintptr_t)pointer_keywords, 2 };
	return r;
}

/* One directory knows a server, one points to the first, and one to itself. */
static void
search(struct world *w, const char *directory, int *delay_ms, struct plan_finding *out)
{
	static const struct scp_record server = { FABRIKAM_SCP,
		{ (const char **)(uintptr_t)url_keyword, 1 }, 1 };
	static const struct scp_record pointer = { "ldap://dc.corp.example",
		{ (const char **)(uintptr_t)pointer_keywords, 2 }, 1 };
	static const struct scp_record circle = { "ldap://circle.corp.example",
		{ (const char **)(uintptr_t)pointer_keywords, 2 }, 1 };

	(void)w;
	*delay_ms = strstr(directory, "slow") != NULL ? 2000 : 10;
	out->failure = PLAN_NO_FAILURE;
	out->n_records = 1;
	out->safe = strstr(directory, "forged") == NULL;
	out->records = strstr(directory, "points") != NULL ? &pointer :
		       strstr(directory, "chain") != NULL  ? link_after(w, directory) :
		       strstr(directory, "circle") != NULL ? &circle :
							     &server;
	if (strstr(directory, "down") != NULL)
		out->failure = PLAN_UNREACHABLE;
}

static void
read_file(struct world *w UNUSED, struct plan_response *out)
{
	out->failure = PLAN_NO_FAILURE;
	out->answer = &settings;
}

static const struct named_row named_rows[] = {
	{ "a connection point is preferred, and its host needs nobody's word",
	    { { C, ANYBODY, GIVES_SETTINGS }, { FABRIKAM_SCP, ANONYMOUS, ANSWERS, 401, BASIC, 50 },
		{ FABRIKAM_SCP, LOGGED_IN, GIVES_SETTINGS } },
	    { .directory = "ldap://dc.corp.example", .schemes = SCHEMES_BY_PASSWORD },
	    OUTCOME_FOUND, SOURCE_SCP, 60 },
	{ "the directory's word is waited for, and its host has its grace then",
	    { { C, ANYBODY, GIVES_SETTINGS },
		{ FABRIKAM_SCP, ANYBODY, GIVES_SETTINGS, .delay_ms = 200 } },
	    { .directory = "ldap://slow.corp.example" }, OUTCOME_FOUND, SOURCE_SCP, 2200 },
	{ "a host of the directory that drops packets costs one grace",
	    { { C, ANYBODY, GIVES_SETTINGS }, { FABRIKAM_SCP, ANYBODY, FAILS, .delay_ms = NEVER } },
	    { .directory = "ldap://dc.corp.example" }, OUTCOME_FOUND, SOURCE_AUTODISCOVER,
	    10 + PLAN_GRACE_MS },
	{ "a directory that is not there", { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } },
	    { .directory = "ldap://down.corp.example" }, OUTCOME_FOUND, SOURCE_AUTODISCOVER, 100 },
	{ "a pointer", { { FABRIKAM_SCP, ANYBODY, GIVES_SETTINGS } },
	    { .directory = "ldap://points.corp.example" }, OUTCOME_FOUND, SOURCE_SCP, 20 },
	{ "ten pointers", { { FABRIKAM_SCP, ANYBODY, GIVES_SETTINGS } },
	    { .directory = "ldap://chain9.corp.example" }, OUTCOME_FOUND, SOURCE_SCP, 110 },
	{ "and not one more", { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 500 } },
	    { .directory = "ldap://chain10.corp.example" }, OUTCOME_FOUND, SOURCE_AUTODISCOVER,
	    500 },
	{ "a directory that anybody may have forged is nobody's word",
	    { { FABRIKAM_SCP, ANYBODY, GIVES_SETTINGS } },
	    { .directory = "ldap://forged.corp.example" }, OUTCOME_BLOCKED, 0, 0 },
	{ "but its host may be trusted by itself", { { FABRIKAM_SCP, ANYBODY, GIVES_SETTINGS } },
	    { .directory = "ldap://forged.corp.example",
		.trust_hosts = { (const char *const[]){ "cas.corp.example" }, 1 } },
	    OUTCOME_FOUND, SOURCE_SCP, 10 },
	{ "pointers in a circle", { { C, ANYBODY, GIVES_SETTINGS, .delay_ms = 100 } },
	    { .directory = "ldap://circle.corp.example" }, OUTCOME_FOUND, SOURCE_AUTODISCOVER,
	    100 },
	{ "two mailboxes that send us to each other from the directory: the next source decides",
	    { { FABRIKAM_SCP, ANYBODY, SENDS_TO_ADDRESS, .text = "ben@contoso.example" },
		{ C, ANYBODY, GIVES_SETTINGS, .delay_ms = 50 } },
	    { .directory = "ldap://dc.corp.example" }, OUTCOME_FOUND, SOURCE_AUTODISCOVER, 0 },
	{ "a redirect of its host is nobody's word",
	    { { FABRIKAM_SCP, ANYBODY, ANSWERS, 302, OTHER }, { OTHER, ANYBODY, GIVES_SETTINGS } },
	    { .directory = "ldap://dc.corp.example" }, OUTCOME_BLOCKED, 0, 0 },
	{ "the last known good URL has a head start",
	    { { KNOWN, ANYBODY, GIVES_SETTINGS, .delay_ms = 200 }, { C, ANYBODY, GIVES_SETTINGS } },
	    { .last_known_good = KNOWN }, OUTCOME_FOUND, SOURCE_LAST_KNOWN_GOOD, 200 },
	{ "and no more than that",
	    { { KNOWN, ANYBODY, FAILS, .delay_ms = NEVER }, { C, ANYBODY, GIVES_SETTINGS } },
	    { .last_known_good = KNOWN }, OUTCOME_FOUND, SOURCE_AUTODISCOVER, 2 * PLAN_GRACE_MS },
	{ "when it fails, the others begin at once",
	    { { KNOWN, ANYBODY, ANSWERS, 404, .delay_ms = 50 },
		{ C, ANYBODY, GIVES_SETTINGS, .delay_ms = 50 } },
	    { .last_known_good = KNOWN }, OUTCOME_FOUND, SOURCE_AUTODISCOVER, 100 },
	{ "a redirectUrl of SOAP is SOAP's, whatever its path",
	    { { SVC, ANYBODY, SENDS_TO_URL, .text = "https://eu.contoso.example/soap" },
		{ "https://eu.contoso.example/soap", ANYBODY, GIVES_SETTINGS } },
	    { .last_known_good = SVC, .one_language = true, .language = LANGUAGE_SOAP },
	    OUTCOME_FOUND, SOURCE_LAST_KNOWN_GOOD, 0 },
	{ "local XML waits for the hosts of the domain",
	    { { C, ANYBODY, ANSWERS, 404, .delay_ms = 70 } }, { .local_xml = "file.xml" },
	    OUTCOME_FOUND, SOURCE_LOCAL_XML, 70 },
	{ "preferred, it waits for nobody", { { C, ANYBODY, GIVES_SETTINGS } },
	    { .local_xml = "file.xml", .prefer_local_xml = true }, OUTCOME_FOUND, SOURCE_LOCAL_XML,
	    0 },
};

static void
run_named_row(const struct named_row *row)
{
	struct row rules = { .name = row->name };
	struct world w = { .payload = &rules,
		.resolve = resolve,
		.locate = locate,
		.read = read_file,
		.search = search,
		.respond = respond,
		.consent = consent };

	memcpy(rules.rules, row->rules, sizeof(row->rules));
	w.mem = arena_new(1 << 20);
	world_run(&w, "ann@contoso.example", &row->options);
	if (w.fault[0] != '\0')
		fail_msg("%s: %s", row->name, w.fault);
	if (w.result.outcome != row->outcome)
		fail_msg(
		    "%s: %s (%s)", row->name, plan_outcome_name(w.result.outcome), w.result.reason);
	if (row->outcome == OUTCOME_FOUND && w.result.won->source != (int)row->source)
		fail_msg("%s: %c won", row->name, w.result.won->source);
	if (row->elapsed_ms != 0 && w.elapsed_ms != row->elapsed_ms)
		fail_msg("%s: took %llu ms", row->name, (unsigned long long)w.elapsed_ms);
	arena_free(w.mem);
}

static void
test_named_sources(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(named_rows); i++)
		run_named_row(&named_rows[i]);
}

/* ---- what no table of one domain can say ---- */

static void
chain(struct world *w, const struct plan_step *step, int *delay_ms, struct plan_response *out)
{
	size_t *length = w->payload;
	struct slice rest = slice_skip(slice_of(step->url->path), strlen("/autodiscover/"));
	uint64_t at = 0;

	*delay_ms = 1;
	out->tls.verdict = TLS_VERIFIED;
	if (strstr(step->url->host, "autodiscover.") == NULL) {
		out->http_status = 404;
		return;
	}
	(void)text_number((struct slice){ rest.p, slice_find(rest, '/') }, 1, 99, &at);
	if (at == *length) {
		out->http_status = 200;
		out->answer = &settings;
		return;
	}
	out->http_status = 302;
	out->location = arena_printf(w->mem, "/autodiscover/%d/autodiscover.xml", (int)at + 1);
}

static void
found(struct world *w UNUSED, const char *host UNUSED, int *delay_ms UNUSED,
    struct plan_resolution *out UNUSED)
{
}

static void
test_ten_redirects_are_followed_and_eleven_are_not(void **state UNUSED)
{
	for (size_t length = 9; length <= 11; length++) {
		struct world w = { .payload = &length, .resolve = found, .respond = chain };
		struct plan_options options = { 0 };

		w.mem = arena_new(1 << 20);
		world_run(&w, "ann@contoso.example", &options);
		assert_string_equal(w.fault, "");
		assert_int_equal(
		    w.result.outcome, length <= 10 ? OUTCOME_FOUND : OUTCOME_NOT_FOUND);
		arena_free(w.mem);
	}
}

static void
never(struct world *w UNUSED, const struct plan_step *step UNUSED, int *delay_ms,
    struct plan_response *out UNUSED)
{
	*delay_ms = NEVER;
}

static void
test_the_whole_search_has_a_deadline(void **state UNUSED)
{
	struct world w = { .resolve = found, .respond = never };
	struct plan_options options = { .total_ms = 700 };

	w.mem = arena_new(1 << 20);
	world_run(&w, "ann@contoso.example", &options);
	assert_string_equal(w.fault, "");
	assert_int_equal(w.elapsed_ms, 700);
	assert_int_equal(w.result.outcome, OUTCOME_UNAVAILABLE);
	assert_int_equal(w.result.n_attempts, 4);
	assert_non_null(strstr(w.result.attempts[0]->reason, "time"));
	arena_free(w.mem);
}

/* Every size of arena: the plan says that it had no memory, or it works; it never breaks. */
static void
test_memory_may_end_anywhere(void **state UNUSED)
{
	for (size_t bytes = 0; bytes < 40000; bytes += 97) {
		size_t length = 3;
		struct world w = { .payload = &length, .resolve = found, .respond = chain };
		struct arena *mem = arena_new(bytes);
		struct arena *whole = arena_new(1 << 20);
		struct address who;
		struct plan *p;
		struct plan_options options = { .schemes = SCHEMES_BY_PASSWORD };
		struct plan_step step;
		uint64_t wake_ms;

		w.mem = whole;
		assert_int_equal(
		    address_parse(whole, SLICE_LITERAL("ann@contoso.example"), &who, NULL),
		    USHER_OK);
		if (plan_new(mem, &who, &options, 0, &p, NULL) == USHER_OK) {
			enum plan_advice advice;

			while ((advice = plan_next(p, 0, &step, &wake_ms)) == PLAN_START ||
			       advice == PLAN_STOP) {
				struct plan_resolution r = { .failure = PLAN_NO_FAILURE };
				struct plan_response a = { .http_status = NUMBER_ABSENT };
				struct srv_record records[] = { { 0, 0, 443, "a.contoso.example" },
					{ 0, 0, 443, "b.contoso.example" } };
				struct plan_location where = { .records = records,
					.n_records = COUNT_OF(records) };
				int delay_ms;

				if (advice == PLAN_STOP)
					a.failure = r.failure = where.failure = PLAN_STOPPED;
				else if (step.kind == PLAN_REQUEST)
					chain(&w, &step, &delay_ms, &a);
				plan_located(p, 0, step.id, &where);
				plan_resolved(p, 0, step.id, &r);
				plan_responded(p, 0, step.id, &a);
			}
			assert_int_equal(advice, PLAN_DONE);
		}
		arena_free(mem);
		arena_free(whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worlds),
		cmocka_unit_test(test_named_sources),
		cmocka_unit_test(test_ten_redirects_are_followed_and_eleven_are_not),
		cmocka_unit_test(test_the_whole_search_has_a_deadline),
		cmocka_unit_test(test_memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
