/* check_sites.c - what is wrong with the certificates and answers of a deployment's sites
 * (faults.md 8). */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "resolve/check_inside.h"

enum { SOON_DAYS = 30 };

/* ---- certificates ---- */

static const char *
why(const struct check_site *s)
{
	return s->detail == NULL ? "no connection" : s->detail;
}

static const char *
fault_of_tls(const struct judging *j, const struct check_site *s)
{
	const struct tls_evidence *t = &s->tls;

	switch ((enum tls_verdict)t->verdict) {
	case TLS_UNTRUSTED:
		return text_same(t->subject, t->issuer) ? "cert-self-signed-other" :
							  "cert-private-ca-untrusted";
	case TLS_WRONG_NAME:
		return strcmp(s->host, j->plan->autodiscover) == 0 ?
			   "cert-autodiscover-name-missing" :
			   "cert-scp-host-missing";
	case TLS_EXPIRED:
		return "cert-expired";
	case TLS_NOT_YET_VALID:
		return "cert-not-yet-valid";
	case TLS_REVOKED:
		return "cert-revoked";
	case TLS_NOT_TRIED:
	case TLS_VERIFIED:
	case TLS_BROKEN:
		break;
	}
	return "tls-no-common-version";
}

static const char *
todo_of_tls(struct judging *j, const struct check_site *s)
{
	switch ((enum tls_verdict)s->tls.verdict) {
	case TLS_UNTRUSTED:
		return "get one from an authority that programs know, or give every device the "
		       "root (usher ca root)";
	case TLS_WRONG_NAME:
		return SAY(j, "show one that has %s: request it, import it, enable it", s->host);
	case TLS_EXPIRED:
	case TLS_REVOKED:
		return "get a new one: usher cert renew";
	case TLS_NOT_YET_VALID:
		return "look at the clocks of this machine and of the authority";
	case TLS_NOT_TRIED:
	case TLS_VERIFIED:
	case TLS_BROKEN:
		break;
	}
	return "see whether it is usherd that listens there";
}

static const char *
names_of(struct judging *j, const struct tls_evidence *t)
{
	return t->names.n == 0 ? "no name" : check_listed(j, &t->names);
}

/* Soon is a month, or the last third of a short life. */
static bool
ends_soon(const struct tls_evidence *t, int64_t now_s)
{
	int64_t life = t->not_after - t->not_before, left = t->not_after - now_s;

	return left < (int64_t)SOON_DAYS * CHECK_DAY_S && left < life / 3;
}

/* Whether HTTP can be judged too. */
static bool
judge_tls(struct judging *j, const struct check_site *s)
{
	const struct tls_evidence *t = &s->tls;
	struct check_row row = { .check = "certificate", .subject = s->host };

	if (s->failure == SEEN_BAD_TLS) {
		row.verdict = CHECK_ERROR;
		row.found = t->not_after == NUMBER_ABSENT || t->verdict == TLS_BROKEN ?
				SAY(j, "%s: no TLS: %s", s->address, why(s)) :
				SAY(j, "%s: %s (it names %s)", s->address, why(s), names_of(j, t));
		row.fault = fault_of_tls(j, s);
		row.todo = todo_of_tls(j, s);
		check_put_row(j, row);
		return false;
	}
	if (t->verdict != TLS_VERIFIED)
		return true;
	row.found = SAY(j, "%s: verified, %" PRId64 " days left: %s", s->address,
	    (t->not_after - j->c->now_s) / CHECK_DAY_S, names_of(j, t));
	if (ends_soon(t, j->c->now_s)) {
		row.verdict = CHECK_WARNING;
		row.fault = "cert-expires-soon";
		row.todo = "renew it: usher cert renew";
	}
	check_put_row(j, row);
	return true;
}

/* ---- answers ---- */

static struct check_row
answer_row(struct judging *j, const struct check_site *s)
{
	return (struct check_row){ .check = "answer",
		.subject = s->url,
		.found = s->failure == SEEN_TROUBLE || s->status == NUMBER_ABSENT ?
			     SAY(j, "%s: %s", s->address, why(s)) :
			     SAY(j, "%s: HTTP %" PRId64 "%s%s", s->address, s->status,
				 s->location == NULL ? "" : ", to ",
				 s->location == NULL ? "" : s->location) };
}

static void
judge_service(struct judging *j, const struct check_site *s)
{
	int64_t wanted =
	    s->expect == EXPECT_SERVICE && j->plan->kind == DOMAIN_EXCHANGE ? 401 : 200;
	struct check_row row = answer_row(j, s);

	if (s->failure != SEEN_ANSWER || s->status != wanted) {
		row.verdict = CHECK_ERROR;
		row.fault = s->status >= 500 ? "http-5xx" :
			    s->status == 404 ? "http-endpoint-404" :
					       NULL;
		row.todo = s->status == 404 || s->status == 405 ?
			       "see whether it is usherd that listens there" :
			       SAY(j, "wanted is %" PRId64 ": look at the log of usherd", wanted);
	}
	check_put_row(j, row);
}

/* To that host, and to that path in any letters. */
static bool
is_target(struct judging *j, const struct check_site *s, bool *https)
{
	struct url from, to, wanted;

	*https = true;
	if (s->location == NULL || url_parse(j->mem, slice_of(s->url), &from, NULL) != USHER_OK ||
	    url_parse(j->mem, slice_of(j->plan->url), &wanted, NULL) != USHER_OK ||
	    url_resolve(j->mem, &from, slice_of(s->location), &to, NULL) != USHER_OK)
		return false;
	*https = to.https;
	return url_same(&to, &wanted);
}

static void
judge_redirect(struct judging *j, const struct check_site *s)
{
	struct check_row row = answer_row(j, s);
	bool https, right = is_target(j, s, &https);

	if (!https) {
		row.verdict = CHECK_CRITICAL;
		row.fault = "redirect-to-plain-http";
	} else if (s->status != 301 && s->status != 302) {
		row.verdict = CHECK_ERROR;
		row.fault = s->status >= 300 && s->status < 400 ? "redirect-status-unsupported" :
								  "redirect-site-silent";
	} else if (!right) {
		row.verdict = CHECK_ERROR;
		row.fault = "http-root-redirects-elsewhere";
	}
	if (row.verdict != CHECK_OK)
		row.todo = SAY(j, "let [listen redirect] have `target = %s`", j->plan->url);
	check_put_row(j, row);
}

static void
judge_nobody(struct judging *j, const struct check_site *s)
{
	struct check_row row = { .check = "connection",
		.subject = SAY(j, "%s:443", s->host),
		.found = SAY(j, "%s: nobody answers, as it should be", s->address) };

	if (s->failure != SEEN_NOBODY) {
		row.found = SAY(j, "%s: something answers, with a certificate for %s", s->address,
		    names_of(j, &s->tls));
		row.verdict = s->failure == SEEN_ANSWER && s->tls.verdict == TLS_VERIFIED ?
				  CHECK_WARNING :
				  CHECK_ERROR;
		row.fault = "cert-autodiscover-name-missing";
		row.todo =
		    "close port 443 there: programs ask it before they try the redirect, and "
		    "warn of the certificate";
	}
	check_put_row(j, row);
}

/* Programs ask https at the mail domain first, and it is often a web site. */
static void
judge_stranger(struct judging *j, const struct check_site *s)
{
	struct check_row row = { .check = "certificate", .subject = s->host };

	if (s->failure == SEEN_NOBODY || s->failure == SEEN_TROUBLE)
		return;
	if (s->failure == SEEN_BAD_TLS) {
		row.verdict = CHECK_WARNING;
		row.found = SAY(j, "%s: a web site, with a certificate for %s", s->address,
		    names_of(j, &s->tls));
		row.fault = s->tls.verdict == TLS_WRONG_NAME ? "cert-root-website-name-mismatch" :
							       "cert-root-website-untrusted";
		row.todo = SAY(j,
		    "add %s to its certificate, or close port 443: programs ask it "
		    "first, and some warn",
		    s->host);
		check_put_row(j, row);
	} else if (s->status == 200) {
		row.check = "answer";
		row.subject = s->url;
		row.verdict = CHECK_WARNING;
		row.found = SAY(j, "%s: a page, where Autodiscover is asked for", s->address);
		row.fault = "http-root-page-200";
		row.todo = "let it answer 404 to /autodiscover/";
		check_put_row(j, row);
	}
}

void
check_judge_site(struct judging *j, const struct check_site *s)
{
	bool certified = s->expect != EXPECT_REDIRECT;

	if (s->expect == EXPECT_NOBODY) {
		judge_nobody(j, s);
		return;
	}
	if (s->expect == EXPECT_STRANGER) {
		judge_stranger(j, s);
		return;
	}
	if (s->failure == SEEN_NOBODY) {
		check_put_row(
		    j, (struct check_row){ "connection", s->url, CHECK_ERROR,
			   SAY(j, "%s: %s", s->address, why(s)),
			   certified ? "tcp-443-refused" : "tcp-80-closed-redirect-needed",
			   "start usherd with the lines that `usher plan` prints, and let the "
			   "firewall pass" });
		return;
	}
	if (!certified)
		judge_redirect(j, s);
	else if (judge_tls(j, s) && s->expect != EXPECT_CERTIFICATE)
		judge_service(j, s);
}
