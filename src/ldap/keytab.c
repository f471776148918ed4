/* keytab.c - MIT Kerberos asked for a ticket with a keytab, through a cache that is no file. */
#include "ldap/keytab.h"

#include <errno.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/err.h"

/* What Kerberos says, which is in the minor code if anywhere. */
static usher_status
refuse(const char *keytab, OM_uint32 major, OM_uint32 minor, struct usher_error *err)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	if (minor != 0)
		major = gss_display_status(
		    &ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &text);
	else
		major =
		    gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &text);
	err_write(err, USHER_E_CREDENTIALS, keytab,
	    "gives no Kerberos ticket; look at it with `klist -k`: %.*s",
	    GSS_ERROR(major) ? 0 : (int)text.length,
	    text.value == NULL ? "" : (const char *)text.value);
	(void)gss_release_buffer(&ignored, &text);
	return USHER_E_CREDENTIALS;
}

static OM_uint32
import_name(const char *principal, gss_name_t *out, OM_uint32 *minor)
{
	gss_buffer_desc text = { strlen(principal), (void *)(uintptr_t)principal };

	return gss_import_name(minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, out);
}

/* The ticket is fetched when it is looked at: to get the reason here, not in the login. */
static OM_uint32
acquire(
    gss_name_t name, const char *keytab, const char *cache, gss_cred_id_t *out, OM_uint32 *minor)
{
	gss_key_value_element_desc elements[] = { { "client_keytab", keytab },
		{ "ccache", cache } };
	const gss_key_value_set_desc store = { COUNT_OF(elements), elements };
	gss_OID_set_desc kerberos = { 1, (gss_OID)(uintptr_t)gss_mech_krb5 };
	OM_uint32 lifetime;
	OM_uint32 major = gss_acquire_cred_from(
	    minor, name, GSS_C_INDEFINITE, &kerberos, GSS_C_INITIATE, &store, out, NULL, NULL);

	if (!GSS_ERROR(major))
		major = gss_inquire_cred(minor, *out, NULL, &lifetime, NULL, NULL);
	return major;
}

usher_status
keytab_take(const char *keytab, const char *principal, struct keytab_credential **out,
    struct usher_error *err)
{
	gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major = GSS_S_COMPLETE, minor = 0, ignored;
	usher_status st = USHER_OK;
	char *cache;

	if (access(keytab, R_OK) < 0)
		return err_set(err, USHER_E_CREDENTIALS, keytab,
		    "the Kerberos keys cannot be read: %s", strerror(errno));
	/* One cache for each of them, so that connections share a ticket. */
	if (asprintf(&cache, "MEMORY:usher %s %s", keytab, principal == NULL ? "" : principal) < 0)
		return err_nomem(err, keytab);
	if (principal != NULL)
		major = import_name(principal, &name, &minor);
	if (!GSS_ERROR(major))
		major = acquire(name, keytab, cache, &credential, &minor);
	if (GSS_ERROR(major)) {
		st = refuse(keytab, major, minor, err);
		(void)gss_release_cred(&ignored, &credential);
	} else {
		*out = (struct keytab_credential *)credential;
	}
	(void)gss_release_name(&ignored, &name);
	free(cache);
	return st;
}

void
keytab_release(struct keytab_credential *credential)
{
	gss_cred_id_t gss = (gss_cred_id_t)credential;
	OM_uint32 ignored;

	if (credential != NULL)
		(void)gss_release_cred(&ignored, &gss);
}
