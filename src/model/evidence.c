/* evidence.c - names and rows of what a client tried. */
#include "model/evidence.h"

static const char *const tls_verdict_names[] = { "not-tried", "verified", "untrusted", "wrong-name",
	"expired", "not-yet-valid", "revoked", "broken", NULL };

static const char *const attempt_result_names[] = { "settings", "redirect", "refusal",
	"no-endpoint", "credentials", "unreachable", "tls-failure", "blocked", "server-error",
	"cancelled", NULL };

/* In the order of enum auth_scheme. */
static const char *const scheme_names[] = { "none", "basic", "ntlm", "negotiate", "bearer", "other",
	NULL };

#define TLS struct tls_evidence
static const struct field tls_evidence_rows[] = {
	ROW_CHOICE(TLS, verdict, tls_verdict_names, 0, "what the check of the certificate gave"),
	ROW_TEXT(TLS, subject, FORM_ANY, 0, "subject of the certificate"),
	ROW_TEXT(TLS, issuer, FORM_ANY, 0, "its issuer"),
	ROW_LIST(TLS, names, FORM_ANY, 0, "names it is good for"),
	ROW_TIME(TLS, not_before, 0, "valid from"),
	ROW_TIME(TLS, not_after, 0, "valid until"),
	ROW_TEXT(TLS, detail, FORM_ANY, 0, "words of the TLS library"),
};
const struct field_table tls_evidence_table = FIELD_TABLE(tls_evidence_rows, TLS);

#define ATTEMPT struct attempt
static const struct field attempt_rows[] = {
	ROW_TEXT(ATTEMPT, url, FORM_ANY, 0, "what was asked"),
	ROW_TEXT(ATTEMPT, address, FORM_ANY, 0, "mailbox that was asked for"),
	ROW_TEXT(ATTEMPT, language, FORM_ANY, 0, "language it was asked in"),
	ROW_LIST(ATTEMPT, dns, FORM_ANY, 0, "addresses of the host"),
	ROW_TEXT(ATTEMPT, dns_error, FORM_ANY, 0, "why the host has no address"),
	ROW_NUMBER(ATTEMPT, http_status, 0, 999, 0, "status of the response"),
	ROW_TEXT(ATTEMPT, redirect, FORM_ANY, 0, "where the response points"),
	ROW_TEXT(ATTEMPT, directory, FORM_ANY, 0, "directory that answered"),
	ROW_TEXT(ATTEMPT, site, FORM_ANY, 0, "Active Directory site of this computer"),
	ROW_TEXT(ATTEMPT, named_by, FORM_ANY, 0, "connection point that names it"),
	ROW_CHOICE(ATTEMPT, result, attempt_result_names, 0, "what came of it"),
	ROW_TEXT(ATTEMPT, reason, FORM_ANY, 0, "the same in words"),
	ROW_CHOICE(ATTEMPT, scheme, scheme_names, 0, "how it tried to log in"),
	ROW_LIST(ATTEMPT, offered, FORM_ANY, 0, "ways to log in that it offers"),
	ROW_NUMBER(ATTEMPT, refusal_code, 0, UINT32_MAX, 0, "error code of the answer"),
	ROW_NUMBER(ATTEMPT, started_ms, 0, INT64_MAX, 0, "begin, in ms since the run began"),
	ROW_NUMBER(ATTEMPT, elapsed_ms, 0, INT64_MAX, 0, "duration in ms"),
};
const struct field_table attempt_table = FIELD_TABLE(attempt_rows, ATTEMPT);

const char *
source_name(enum source source)
{
	switch (source) {
	case SOURCE_SCP:
		return "service connection point";
	case SOURCE_ROOT:
		return "https root";
	case SOURCE_AUTODISCOVER:
		return "autodiscover host";
	case SOURCE_HTTP_REDIRECT:
		return "http redirect";
	case SOURCE_SRV:
		return "SRV record";
	case SOURCE_LOCAL_XML:
		return "local XML file";
	case SOURCE_LAST_KNOWN_GOOD:
		return "last known good";
	case SOURCE_MICROSOFT_365:
		return "Microsoft 365";
	case SOURCE_JSON_V2:
		return "Autodiscover V2";
	case SOURCE_AUTOCONFIG:
		return "Mail Autoconfig";
	}
	return "unknown";
}

const char *
tls_verdict_name(enum tls_verdict verdict)
{
	return tls_verdict_names[verdict];
}

const char *
attempt_result_name(enum attempt_result result)
{
	return attempt_result_names[result];
}

void
attempt_init(struct attempt *a, enum source source)
{
	record_init(&attempt_table, a);
	record_init(&tls_evidence_table, &a->tls);
	a->source = (int)source;
}
