/* test_pox_memory.c - reads every language of XML with the 1st, 2nd, 3rd … allocation failing, ours
 * and libxml2's: out of memory is a status, nothing leaks or is printed, and the same reader works
 * again afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "wire/autoconfig.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"
#include "wire/soap.h"

/* The allocation that fails, counted from 1; 0: none does. */
static size_t fail_at;
static size_t allocations;

static int
fails(void)
{
	return ++allocations == fail_at;
}

#include "../failmalloc.h"

static char *
copy_text(const char *text)
{
	return fails() ? NULL : strdup(text);
}

static const char request[] =
    "<?xml version='1.0' encoding='utf-8'?><Autodiscover><Request a='1'><EMailAddress>n@b.example"
    "</EMailAddress><AcceptableResponseSchema>" POX_SCHEMA_OUTLOOK
    "</AcceptableResponseSchema></Request></Autodiscover>";

static const char latin1[] =
    "<?xml version='1.0' "
    "encoding='iso-8859-1'?><Autodiscover><Request><EMailAddress>j\xf6@b.example"
    "</EMailAddress><AcceptableResponseSchema>" POX_SCHEMA_OUTLOOK
    "</AcceptableResponseSchema></Request></Autodiscover>";

static const char response[] =
    "<Autodiscover><Response><Account><Action>settings</Action><AlternativeMailbox><Type>Archive"
    "</Type></AlternativeMailbox><Protocol><Type>WEB</Type><Internal><OWAUrl "
    "AuthenticationMethod='Fba'>https://h/owa</OWAUrl></Internal></Protocol></Account></Response>"
    "</Autodiscover>";

static const char phone[] =
    "<Autodiscover><Response><Action><Settings><Server><Type>MobileSync</Type><Url>https://h/"
    "</Url></Server></Settings></Action></Response></Autodiscover>";

static const char soap_question[] =
    "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
    "<GetUserSettingsRequestMessage><Request><Users><User><Mailbox>a@b.example</Mailbox></User>"
    "</Users><RequestedSettings><Setting>UserDN</Setting></RequestedSettings></Request>"
    "</GetUserSettingsRequestMessage></s:Body></s:Envelope>";

static const char soap_answer[] =
    "<Envelope><Body><GetUserSettingsResponseMessage><Response><UserResponses><UserResponse>"
    "<UserSettingErrors><UserSettingError><SettingName>X</SettingName></UserSettingError>"
    "</UserSettingErrors><UserSettings><UserSetting><Name>Colour</Name></UserSetting><UserSetting>"
    "<Name>ExternalWebClientUrls</Name><WebClientUrls><WebClientUrl><Url>https://o/</Url>"
    "</WebClientUrl></WebClientUrls></UserSetting><UserSetting><Name>ExternalImap4Connections"
    "</Name><ProtocolConnections><ProtocolConnection><Hostname>i</Hostname></ProtocolConnection>"
    "</ProtocolConnections></UserSetting><UserSetting><Name>AlternateMailboxes</Name>"
    "<AlternateMailboxes><AlternateMailbox><Type>Archive</Type></AlternateMailbox>"
    "</AlternateMailboxes></UserSetting></UserSettings></UserResponse></UserResponses></Response>"
    "</GetUserSettingsResponseMessage></Body></Envelope>";

static const char autoconfig[] =
    "<clientConfig><emailProvider id='b.example'><domain>%EMAILDOMAIN%</domain>"
    "<incomingServer type='fax'/><incomingServer type='imap'><hostname>%EMAILDOMAIN%</hostname>"
    "<port>993</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username>"
    "<authentication>OAuth2</authentication></incomingServer><documentation url='https://h/'>"
    "<descr>x</descr></documentation></emailProvider></clientConfig>";

static usher_status
read_autoconfig(
    struct xml_reader *reader, struct arena *mem, struct answer *a, struct usher_error *err)
{
	struct address who;
	usher_status st = autoconfig_read(reader, mem, slice_of(autoconfig), a, err);

	if (st == USHER_OK)
		st = address_parse(mem, slice_of("a@b.example"), &who, err);
	return st == USHER_OK ? autoconfig_fill(mem, &who, a, err) : st;
}

static usher_status
read_document(
    struct xml_reader *reader, struct arena *mem, const char *document, struct usher_error *err)
{
	struct slice text = slice_of(document);
	struct soap_request request_of_soap;
	enum soap_fault fault;
	struct question q;
	struct answer a;

	if (document == response)
		return pox_read_response(reader, mem, text, &a, err);
	if (document == phone)
		return mobilesync_read_response(reader, mem, text, &a, err);
	if (document == soap_question)
		return soap_read_request(reader, mem, text, &request_of_soap, &fault, err);
	if (document == soap_answer)
		return soap_read_response(reader, mem, text, &a, err);
	if (document == autoconfig)
		return read_autoconfig(reader, mem, &a, err);
	return pox_read_request(reader, mem, text, &q, err);
}

static usher_status
read_one(struct xml_reader *reader, const char *document)
{
	struct arena *mem = arena_new(256 * 1024);
	struct usher_error err = { 0 };
	usher_status st;

	if (mem == NULL)
		return USHER_E_NOMEM;
	st = read_document(reader, mem, document, &err);
	assert_int_equal(st, err.status);
	arena_free(mem);
	return st;
}

/* The statuses with each allocation failing until one run needs none of them. */
static void
walk(const char *document)
{
	usher_status st;

	for (size_t n = 1;; n++) {
		struct xml_reader *reader;

		assert_in_range(n, 1, 1000);
		allocations = 0;
		fail_at = n;
		reader = xml_reader_new();
		st = reader == NULL ? USHER_E_NOMEM : read_one(reader, document);
		fail_at = 0;
		if (st != USHER_OK)
			assert_int_equal(st, USHER_E_NOMEM);
		if (reader != NULL)
			assert_int_equal(read_one(reader, document), USHER_OK);
		xml_reader_free(reader);
		if (allocations < n)
			break;
	}
	assert_int_equal(st, USHER_OK);
}

static void
test_request(void **state)
{
	(void)state;
	walk(request);
}

static void
test_latin1(void **state)
{
	(void)state;
	walk(latin1);
}

static void
test_response(void **state)
{
	(void)state;
	walk(response);
}

static void
test_languages(void **state)
{
	(void)state;
	walk(phone);
	walk(soap_question);
	walk(soap_answer);
	walk(autoconfig);
}

static int real_stderr;
static FILE *hidden;

/* libxml2 likes to write to standard error when it is out of memory. */
static int
hide_stderr(void **state)
{
	(void)state;
	hidden = tmpfile();
	real_stderr = dup(STDERR_FILENO);
	return hidden == NULL || real_stderr == -1 || dup2(fileno(hidden), STDERR_FILENO) == -1;
}

static int
check_stderr(void **state)
{
	char said[512] = "";
	size_t n;

	(void)state;
	(void)dup2(real_stderr, STDERR_FILENO);
	(void)close(real_stderr);
	rewind(hidden);
	n = fread(said, 1, sizeof(said) - 1, hidden);
	(void)fclose(hidden);
	if (n > 0)
		print_error("on standard error: %s\n", said);
	return n > 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request, hide_stderr, check_stderr),
		cmocka_unit_test_setup_teardown(test_latin1, hide_stderr, check_stderr),
		cmocka_unit_test_setup_teardown(test_response, hide_stderr, check_stderr),
		cmocka_unit_test_setup_teardown(test_languages, hide_stderr, check_stderr),
	};

	/* Before the first use of libxml2, as it asks. */
	if (xmlMemSetup(free, __wrap_malloc, __wrap_realloc, copy_text) != 0)
		return 1;
	xmlInitParser();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
