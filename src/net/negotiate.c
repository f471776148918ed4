/* negotiate.c - Kerberos behind negotiate.h.
 *
 * libcurl could do it, but lets DNS say which service a ticket is asked for, so that whoever forges
 * an alias picks the server that our proof is good for; and it cannot say what was wrong. */
#include "net/negotiate.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { SERVICE_BYTES = 1024 };

/* The realm that krb5.conf names for the host; "" leaves the question to the KDC. */
static bool
service_name(const char *host, char out[SERVICE_BYTES])
{
	krb5_context context;
	char **realms = NULL;
	int n;

	if (krb5_init_context(&context) != 0)
		return false;
	if (krb5_get_host_realm(context, host, &realms) != 0)
		realms = NULL;
	n = snprintf(
	    out, SERVICE_BYTES, "HTTP/%s@%s", host, realms != NULL && realms[0] ? realms[0] : "");
	(void)krb5_free_host_realm(context, realms);
	krb5_free_context(context);
	return n > 0 && n < SERVICE_BYTES;
}

static bool
import_name(const char *host, gss_name_t *out)
{
	char text[SERVICE_BYTES];
	gss_buffer_desc name = { 0, text };
	OM_uint32 minor;

	if (!service_name(host, text))
		return false;
	name.length = strlen(text);
	return gss_import_name(&minor, &name, GSS_KRB5_NT_PRINCIPAL_NAME, out) == GSS_S_COMPLETE;
}

/* Tickets only: other mechanisms, such as an NTLM plug-in, have secrets of their own. */
static bool
acquire(gss_OID spnego, gss_cred_id_t *out)
{
	gss_OID_set_desc outer = { 1, spnego };
	gss_OID_set_desc inner = { 1, gss_mech_krb5 };
	OM_uint32 minor;

	return gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &outer, GSS_C_INITIATE,
		   out, NULL, NULL) == GSS_S_COMPLETE &&
	       gss_set_neg_mechs(&minor, *out, &inner) == GSS_S_COMPLETE;
}

static OM_uint32
first_token(gss_cred_id_t cred, gss_name_t name, gss_OID mech, gss_buffer_t out, OM_uint32 *minor)
{
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	OM_uint32 ignored;
	OM_uint32 major = gss_init_sec_context(minor, cred, &context, name, mech, GSS_C_REPLAY_FLAG,
	    GSS_C_INDEFINITE, GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, out, NULL, NULL);

	/* One message is all that Kerberos needs. */
	(void)gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
	return major;
}

/* SPNEGO hides what Kerberos said: it is asked again, directly. */
static void
explain(gss_name_t name, const char *host, struct usher_error *err)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	gss_buffer_desc words = GSS_C_EMPTY_BUFFER;
	OM_uint32 more = 0;
	OM_uint32 minor;
	OM_uint32 ignored;

	(void)first_token(GSS_C_NO_CREDENTIAL, name, gss_mech_krb5, &token, &minor);
	if (gss_display_status(&ignored, minor, GSS_C_MECH_CODE, gss_mech_krb5, &more, &words) ==
	    GSS_S_COMPLETE)
		(void)err_set(err, USHER_E_CREDENTIALS, host,
		    "Kerberos gives no ticket for it: %.*s", (int)words.length,
		    (const char *)words.value);
	else
		(void)err_set(err, USHER_E_CREDENTIALS, host, "Kerberos gives no ticket for it");
	(void)gss_release_buffer(&ignored, &words);
	(void)gss_release_buffer(&ignored, &token);
}

usher_status
negotiate_token(const char *host, struct buf *token, struct usher_error *err)
{
	/* 1.3.6.1.5.5.2; the library writes to no OID, and declares none const */
	gss_OID_desc spnego = { 6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02" };
	gss_name_t name = GSS_C_NO_NAME;
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	usher_status st = USHER_OK;
	OM_uint32 minor;

	if (!import_name(host, &name))
		return err_set(err, USHER_E_CREDENTIALS, host,
		    "Kerberos cannot be used: see krb5.conf for what is wrong in it");
	if (acquire(&spnego, &cred) && !GSS_ERROR(first_token(cred, name, &spnego, &out, &minor))) {
		buf_append(token, out.value, out.length);
		st = token->status == USHER_OK ? USHER_OK : err_nomem(err, host);
	} else {
		explain(name, host, err);
		st = USHER_E_CREDENTIALS;
	}
	(void)gss_release_buffer(&minor, &out);
	(void)gss_release_cred(&minor, &cred);
	(void)gss_release_name(&minor, &name);
	return st;
}
