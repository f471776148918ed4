/* test_uacme.c - what is made of uacme's words: what, where, and what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cli/uacme.h"

#define URL "https://acme.example/dir"
#define REPORTED "uacme: the server reported the following error:\n"
#define URN "urn:ietf:params:acme:error:"
#define HOOK_FAILED "usher hook failed for mail.contoso.com\n"

static const struct {
	const char *said;
	usher_status status;
	const char *where, *words;
} rows[] = {
	{ "uacme: challenge " URL "/1 failed with status invalid\n" REPORTED
	  "{\n    \"type\": \"" URN "connection\",\n    \"detail\": \"192.0.2.1: Fetching "
	  "http://mail.contoso.com/.well-known/acme-challenge/x: Timeout during connect\",\n"
	  "    \"status\": 400\n}\n" HOOK_FAILED "uacme: failed to authorize order at " URL "/2\n",
	    USHER_E_NETWORK, "mail.contoso.com", "Timeout during connect" },
	{ REPORTED "{\n    \"type\": \"" URN "dns\",\n    \"detail\": \"DNS problem: NXDOMAIN "
		   "looking up A for mail.contoso.com\"\n}\n" HOOK_FAILED,
	    USHER_E_DNS, "mail.contoso.com", "usher plan --dns" },
	{ REPORTED "{\n    \"type\": \"" URN "unauthorized\",\n    \"detail\": \"Invalid "
		   "response: 404\"\n}\n" HOOK_FAILED,
	    USHER_E_PEER, "mail.contoso.com", "another machine answers" },
	{ REPORTED "{\n    \"type\": \"" URN "caa\",\n    \"detail\": \"CAA record for "
		   "mail.contoso.com prevents issuance\"\n}\n",
	    USHER_E_TRUST, URL, "add one for this authority" },
	/* As a server that knows the name itself says it. */
	{ REPORTED "{\n    \"type\": \"" URN "rejectedIdentifier\",\n    \"detail\": \"Error\",\n"
		   "    \"subproblems\": [{\"type\": \"" URN "caa\", \"detail\": \"forbidden\", "
		   "\"identifier\": {\"type\": \"dns\", \"value\": \"a.contoso.com\"}}]\n}\n",
	    USHER_E_TRUST, "a.contoso.com", "forbidden" },
	{ REPORTED "{\n    \"type\": \"" URN "rateLimited\",\n    \"detail\": \"too many "
		   "certificates (5) already issued for this exact set of domains in the last "
		   "168 hours, retry after 2026-11-22T10:00:00Z\"\n}\n",
	    USHER_E_UNAVAILABLE, URL, "retry after 2026-11-22T10:00:00Z" },
	{ REPORTED "{\n    \"type\": \"" URN "externalAccountRequired\"\n}\n", USHER_E_USAGE, URL,
	    "use another authority" },
	{ REPORTED "{\n    \"type\": \"" URN "invalidContact\",\n    \"detail\": \"no MX\"\n}\n",
	    USHER_E_INPUT, URL, "--contact" },
	{ REPORTED "{\n    \"type\": \"" URN "newOne\",\n    \"detail\": \"so it is\"\n}\n",
	    USHER_E_PEER, URL, "so it is" },
	/* The last one counts: it was retried after the others. */
	{ REPORTED "{\n    \"type\": \"" URN "serverInternal\"\n}\n" REPORTED
		   "{\n    \"type\": \"" URN "dns\",\n    \"detail\": \"a\\nb \\u00fc\"\n}\n",
	    USHER_E_DNS, URL, "a?b ü" },
	{ "uacme: no account associated with /x/private/key.pem found at " URL
	  ". Consider trying 'new'\n",
	    USHER_E_ABSENT, URL, "no such account" },
	{ "uacme: type 'y' to accept the terms at https://acme.example/terms.pdf\n"
	  "uacme: terms not agreed to, aborted\n",
	    USHER_E_TRUST, URL, "--accept-terms: https://acme.example/terms.pdf" },
	{ "usher hook: /x.acme/challenge: cannot write a file: No space left on device\n"
	  "uacme: challenge http-01 declined\nuacme: no challenge completed\n",
	    USHER_E_IO, URL, "No space left on device" },
	{ "uacme: curl_get: GET " URL " failed: Couldn't resolve host name\n"
	  "uacme: curl_get: waiting 5 seconds before retrying\n"
	  "uacme: curl_get: GET " URL " failed: Couldn't connect to server\n",
	    USHER_E_NETWORK, URL, "Couldn't connect to server" },
	{ "uacme: failed to find newNonce URL in directory\n", USHER_E_PEER, URL,
	    "It says: uacme: failed to find newNonce" },
	{ REPORTED "{\n \"type\": \"" URN "dns\"", USHER_E_PEER, URL, "directory URL" },
	{ REPORTED "nonsense\n}\n", USHER_E_PEER, URL, "directory URL" },
	{ REPORTED "[]\n}\n", USHER_E_PEER, URL, "directory URL" },
	{ "\x1b[2J\xff", USHER_E_PEER, URL, "directory URL" },
	{ "", USHER_E_PEER, URL, "directory URL" },
};

static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct usher_error err = { 0 };
		usher_status st = uacme_judge(URL, slice_of(rows[i].said), &err);

		if (st != rows[i].status || strcmp(err.where, rows[i].where) != 0 ||
		    strstr(err.message, rows[i].words) == NULL ||
		    text_has_control(slice_of(err.message)))
			fail_msg("row %zu: %s: %s: %s", i, usher_status_name(st), err.where,
			    err.message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
