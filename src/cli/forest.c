/* forest.c - the LDAP directory that a command is told of. */
#include "cli/forest.h"

#include "base/err.h"
#include "ldap/scp.h"

static usher_status
find_configuration(struct cli *cli, struct forest *f, struct usher_error *err)
{
	static const char *const wanted[] = { "configurationNamingContext", "namingContexts",
		NULL };
	struct ldap_entry root;
	usher_status st = ldap_link_read(f->link, cli->mem, "", wanted, &root, err);

	if (st == USHER_OK)
		f->configuration = scp_base(cli->mem, &root);
	if (st == USHER_OK && f->configuration == NULL)
		st = err_set(err, USHER_E_ABSENT, ldap_link_uri(f->link),
		    "does not say where its configuration is; say so with --base");
	return st;
}

usher_status
forest_open(
    struct cli *cli, const struct forest_args *args, struct forest *out, struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct link_options options = {
		.uri = args->uri,
		.start_tls = args->start_tls,
		.ca_file = args->ca_file,
		.login = args->anonymous			     ? LINK_ANONYMOUS :
			 args->login == NULL || args->keytab != NULL ? LINK_GSSAPI :
								       LINK_SIMPLE,
		.user = args->login,
		.keytab = args->keytab,
		.password = &password,
		.timeout_ms = args->timeout_ms,
	};
	struct forest f = { .configuration = args->base };
	usher_status st = USHER_OK;

	if (args->uri == NULL)
		return err_set(
		    err, USHER_E_USAGE, NULL, "say which directory: --ldap ldap://dc1.example.com");
	if (args->anonymous && (args->login != NULL || args->keytab != NULL))
		return err_set(
		    err, USHER_E_USAGE, NULL, "--anonymous excludes --login and --keytab");
	if (options.login == LINK_SIMPLE)
		st = cli_password(args->password_file,
		    arena_printf(cli->mem, "Password of %s", args->login), false, &password, err);
	if (st == USHER_OK)
		st = ldap_link_open(&options, &f.link, err);
	if (st == USHER_OK && f.configuration == NULL)
		st = find_configuration(cli, &f, err);
	if (st == USHER_OK)
		*out = f;
	else
		forest_close(&f);
	return st;
}

void
forest_close(struct forest *f)
{
	ldap_link_close(f->link);
	f->link = NULL;
}
