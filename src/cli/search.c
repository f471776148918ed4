/* search.c - what every command that searches is told alike: options, passwords, trust. */
#include "cli/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

/* ---- questions ---- */

static bool
somebody_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static bool
copy_password(const struct secret *from, struct usher_credentials *to)
{
	if (from->n == 0 || from->n >= sizeof(to->password))
		return false;
	memcpy(to->password, from->bytes, from->n + 1);
	return true;
}

/* Only a host that asks, and whose certificate was verified, makes us ask. */
static int
give_credentials(
    const struct usher_challenge *challenge, struct usher_credentials *out, void *payload)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct cli *cli = payload;
	struct usher_error err;
	const char *prompt =
	    arena_printf(cli->mem, "Password of %s for %s", out->login, challenge->host);

	if (prompt == NULL || (getenv("USHER_PASSWORD") == NULL && !somebody_is_there()))
		return USHER_NO;
	if (cli_password(NULL, prompt, false, &password, &err) != USHER_OK) {
		(void)cli_fail(err.status, &err);
		return USHER_NO;
	}
	return copy_password(&password, out) ? USHER_YES : USHER_NO;
}

/* The first letter of a line of any length. */
static int
first_letter(void)
{
	int first = fgetc(stdin);

	for (int c = first; c != '\n' && c != EOF;)
		c = fgetc(stdin);
	return first;
}

static int
ask_trust(const struct usher_redirect *redirect, void *payload UNUSED)
{
	int letter;

	(void)fprintf(stderr,
	    "%s\n  sends the search for %s on to\n%s\n"
	    "That host, %s, does not belong to the mail domain. It may be given the password.\n"
	    "Go on only if you know it. Go on? [y/N] ",
	    redirect->from, redirect->address, redirect->to, redirect->host);
	letter = first_letter();
	return letter == 'y' || letter == 'Y' ? USHER_YES : USHER_NO;
}

static int
show_trace(const struct usher_trace *trace, void *payload UNUSED)
{
	(void)fprintf(
	    stderr, "%6lld ms  %s  %s\n", (long long)trace->elapsed_ms, trace->source, trace->text);
	return USHER_YES;
}

/* ---- options ---- */

/* The list with the NULL at its end that the library counts by. */
static const char *const *
terminated(struct cli *cli, const struct text_list *l)
{
	const char **v = arena_array(cli->mem, l->n + 1, sizeof(*v));

	for (size_t i = 0; v != NULL && i < l->n; i++)
		v[i] = l->v[i];
	return v;
}

const char *
search_joined(struct cli *cli, const struct text_list *l)
{
	const char *text = l->n == 0 ? NULL : l->v[0];

	for (size_t i = 1; text != NULL && i < l->n; i++)
		text = arena_join(cli->mem, text, ",", l->v[i]);
	return text;
}

static usher_status
read_schemes(const struct text_list *names, unsigned *out, struct usher_error *err)
{
	static const struct {
		const char *name;
		enum usher_scheme scheme;
	} schemes[] = {
		{ "bearer", USHER_BEARER },
		{ "negotiate", USHER_NEGOTIATE },
		{ "ntlm", USHER_NTLM },
		{ "basic", USHER_BASIC },
	};

	*out = 0;
	for (size_t i = 0; i < names->n; i++) {
		size_t s = 0;

		while (s < COUNT_OF(schemes) &&
		       !slice_is_nocase(slice_of(names->v[i]), schemes[s].name))
			s++;
		if (s == COUNT_OF(schemes))
			return err_set(err, USHER_E_USAGE, "--auth",
			    "`%s` is none of bearer, negotiate, ntlm and basic", names->v[i]);
		*out |= schemes[s].scheme;
	}
	return USHER_OK;
}

void
search_forget(struct search_secrets *secrets)
{
	secret_clear(&secrets->password);
	secret_clear(&secrets->token);
	secret_clear(&secrets->proxy_password);
	secret_clear(&secrets->directory_password);
}

/* Others on the machine see our arguments. */
static usher_status
check_proxy(const char *proxy, struct usher_error *err)
{
	struct slice rest = slice_of(proxy);
	const char *scheme = strstr(proxy, "://");
	size_t at = 0;

	if (scheme != NULL)
		rest = slice_of(scheme + 3);
	for (size_t i = 0; i < rest.n; i++)
		at = rest.p[i] == '@' ? i : at;
	if (slice_find((struct slice){ rest.p, at }, ':') == at)
		return USHER_OK;
	return err_set(err, USHER_E_USAGE, "--proxy",
	    "a password does not belong in an argument; give --proxy-password-file");
}

usher_status
search_options(struct cli *cli, const struct search_args *args, struct search_secrets *secrets,
    struct usher_find_options *out, struct usher_error *err)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	usher_status st = read_schemes(&args->schemes, &options.schemes, err);

	if (st == USHER_OK && args->password_file != NULL)
		st = cli_password(args->password_file, NULL, false, &secrets->password, err);
	if (st == USHER_OK && args->token_file != NULL)
		st = cli_token(args->token_file, &secrets->token, err);
	if (st == USHER_OK && args->proxy != NULL)
		st = check_proxy(args->proxy, err);
	if (st == USHER_OK && args->proxy_password_file != NULL)
		st = cli_password(
		    args->proxy_password_file, NULL, false, &secrets->proxy_password, err);
	if (st == USHER_OK && args->directory_login != NULL)
		st = cli_password(args->directory_password_file,
		    arena_printf(cli->mem, "Password of %s", args->directory_login), false,
		    &secrets->directory_password, err);
	if (st != USHER_OK)
		return st;
	options.login = args->login;
	options.password = secrets->password.bytes;
	options.bearer_token = secrets->token.bytes;
	options.offered_before = terminated(cli, &args->offered);
	options.credentials = give_credentials;
	options.trust = somebody_is_there() ? ask_trust : NULL;
	options.payload = cli;
	options.trust_hosts = terminated(cli, &args->trust_hosts);
	options.connect_to = terminated(cli, &args->connect_to);
	options.timeout_ms = args->timeout_ms;
	options.outlook = terminated(cli, &args->outlook);
	options.sources = args->sources;
	options.last_known_good = args->last_known_good;
	options.local_xml = args->local_xml;
	options.microsoft_365 = args->microsoft_365;
	options.no_autoconfig = args->no_autoconfig;
	options.resolve_ms = args->resolve_ms;
	options.connect_ms = args->connect_ms;
	options.request_ms = args->request_ms;
	options.grace_ms = args->grace_ms;
	options.domain_joined = args->domain_joined;
	options.directory = args->directory;
	options.directory_login = args->directory_login;
	options.directory_password = secrets->directory_password.bytes;
	options.site = args->site;
	options.strict_site = args->strict_site;
	options.object_category = args->object_category;
	options.no_scp = args->no_scp;
	options.dns_server = args->dns;
	options.ca_file = args->ca_file;
	options.proxy = args->proxy;
	options.proxy_password = secrets->proxy_password.bytes;
	options.no_proxy = args->no_proxy;
	options.proxy_auth = search_joined(cli, &args->proxy_schemes);
	options.trace = args->trace ? show_trace : NULL;
	options.now = cli->now_ms / 1000;
	if (options.trust_hosts == NULL || options.connect_to == NULL ||
	    options.offered_before == NULL || options.outlook == NULL)
		return err_nomem(err, "options");
	*out = options;
	return USHER_OK;
}
