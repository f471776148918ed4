/* ask_evolution.c - asks for the settings of an address with evolution-ews's own library.
 *
 *     ask-evolution ADDRESS PASSWORD-FILE
 *
 * Prints `ews URL`, `oab URL` and `seconds` that the search took. Exits 0 when found, 1 when not, 2
 * when credentials were refused. The library has no public header: the three declarations below are
 * its interface of 3.46. */
#include <stdio.h>

#include <gio/gio.h>
#include <libedataserver/libedataserver.h>

enum { HTTP_UNAUTHORIZED = 401 };

typedef struct _CamelEwsSettings CamelEwsSettings;

GType
camel_ews_settings_get_type(void);
const gchar *
camel_ews_settings_get_hosturl(CamelEwsSettings *settings);
const gchar *
camel_ews_settings_get_oaburl(CamelEwsSettings *settings);
gboolean
e_ews_autodiscover_ws_url_sync(ESource *source, CamelEwsSettings *settings,
    const gchar *email_address, const gchar *password, gchar **out_certificate_pem,
    GTlsCertificateFlags *out_certificate_errors, GCancellable *cancellable, GError **error);

static void
print_line(const char *name, const char *value)
{
	(void)printf("%s %s\n", name, value == NULL ? "-" : value);
}

int
main(int argc, char **argv)
{
	g_autofree gchar *password = NULL;
	g_autofree gchar *certificate = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(ESource) source = NULL;
	CamelEwsSettings *settings;
	GTlsCertificateFlags faults = 0;
	gint64 began;
	int status;

	if (argc != 3 || !g_file_get_contents(argv[2], &password, NULL, &error)) {
		(void)fprintf(stderr, "usage: %s ADDRESS PASSWORD-FILE\n", argv[0]);
		return 64;
	}
	g_strchomp(password);

	/* Without a source it never answers a 401. */
	source = e_source_new(NULL, NULL, &error);
	if (source == NULL) {
		(void)fprintf(stderr, "%s\n", error->message);
		return 70;
	}
	e_source_authentication_set_user(
	    e_source_get_extension(source, E_SOURCE_EXTENSION_AUTHENTICATION), argv[1]);
	/* PLAIN is its word for Basic; it would wait for an NTLM challenge otherwise. */
	settings = g_object_new(
	    camel_ews_settings_get_type(), "user", argv[1], "auth-mechanism", "PLAIN", NULL);
	began = g_get_monotonic_time();
	if (e_ews_autodiscover_ws_url_sync(
		source, settings, argv[1], password, &certificate, &faults, NULL, &error)) {
		print_line("ews", camel_ews_settings_get_hosturl(settings));
		print_line("oab", camel_ews_settings_get_oaburl(settings));
		status = 0;
	} else {
		(void)fprintf(stderr, "%s (certificate faults: %u)\n",
		    error == NULL ? "no reason given" : error->message, (unsigned)faults);
		status = error != NULL && error->code == HTTP_UNAUTHORIZED ? 2 : 1;
	}
	(void)printf("seconds %.6f\n", (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC);
	g_object_unref(settings);
	return status;
}
