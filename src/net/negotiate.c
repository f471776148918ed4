/* negotiate.c - Kerberos behind negotiate.h.
 *
 * libcurl could do it, but lets DNS say which service a ticket is asked for, so that whoever forges
 * an alias picks the server that our proof is good for; and it cannot say what was wrong. */
#include "net/negotiate.h"

#include <errno.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <profile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { SERVICE_BYTES = 1024, KDC_PORT = 88 };

static const char cannot[] = "Kerberos cannot be used: see krb5.conf for what is wrong in it";

/* The realm that krb5.conf names for the host; "" leaves the question to the KDC. */
static bool
service_name(const char *service, const char *host, char out[SERVICE_BYTES])
{
	krb5_context context;
	char **realms = NULL;
	int n;

	if (krb5_init_context(&context) != 0)
		return false;
	if (krb5_get_host_realm(context, host, &realms) != 0)
		realms = NULL;
	n = snprintf(out, SERVICE_BYTES, "%s/%s@%s", service, host,
	    realms != NULL && realms[0] ? realms[0] : "");
	(void)krb5_free_host_realm(context, realms);
	krb5_free_context(context);
	return n > 0 && n < SERVICE_BYTES;
}

bool
negotiate_is_kerberos_alone(void)
{
	gss_OID_desc ntlm = { 10, (void *)(uintptr_t) "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" };
	gss_OID_set_desc wanted = { 1, &ntlm };
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	OM_uint32 minor, major;

	major = gss_acquire_cred(
	    &minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, GSS_C_INITIATE, &cred, NULL, NULL);
	(void)gss_release_cred(&minor, &cred);
	return GSS_ERROR(major) != 0;
}

const char *
negotiate_realm(struct arena *mem)
{
	const char *out = NULL;
	krb5_context context;
	char *realm = NULL;

	if (krb5_init_context(&context) != 0)
		return NULL;
	if (krb5_get_default_realm(context, &realm) == 0)
		out = arena_strdup(mem, realm);
	krb5_free_default_realm(context, realm);
	krb5_free_context(context);
	return out;
}

/* ---- the token ---- */

static bool
import_name(const char *host, gss_name_t *out)
{
	char text[SERVICE_BYTES];
	gss_buffer_desc name = { 0, text };
	OM_uint32 minor;

	if (!service_name("HTTP", host, text))
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
		return err_set(err, USHER_E_CREDENTIALS, host, "%s", cannot);
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

/* ---- the ticket ---- */

struct negotiation {
	krb5_context context;
	krb5_ccache cache;
	krb5_creds wanted;	      /* its two names alone */
	krb5_tkt_creds_context steps; /* NULL: there is nothing to be done */
	krb5_data message, realm;     /* of the last step */
};

static usher_status
refused(const struct negotiation *n, krb5_error_code code, struct usher_error *err)
{
	const char *words = krb5_get_error_message(n->context, code);

	if (code == ENOMEM)
		(void)err_nomem(err, NULL);
	else
		(void)err_set(
		    err, USHER_E_CREDENTIALS, NULL, "Kerberos gives no ticket for it: %s", words);
	krb5_free_error_message(n->context, words);
	return code == ENOMEM ? USHER_E_NOMEM : USHER_E_CREDENTIALS;
}

/* The tickets that GSSAPI will choose for that service; false: there are none. */
static bool
choose_cache(struct negotiation *n)
{
	if (krb5_cc_select(n->context, n->wanted.server, &n->cache, &n->wanted.client) == 0)
		return true;
	return krb5_cc_default(n->context, &n->cache) == 0 &&
	       krb5_cc_get_principal(n->context, n->cache, &n->wanted.client) == 0;
}

usher_status
negotiation_new(
    const char *service, const char *host, struct negotiation **out, struct usher_error *err)
{
	struct negotiation *n = calloc(1, sizeof(*n));
	char text[SERVICE_BYTES];
	krb5_error_code code = 0;

	if (n == NULL)
		return err_nomem(err, host);
	if (!service_name(service, host, text) || krb5_init_context(&n->context) != 0 ||
	    krb5_parse_name(n->context, text, &n->wanted.server) != 0) {
		negotiation_free(n);
		return err_set(err, USHER_E_CREDENTIALS, host, "%s", cannot);
	}
	if (choose_cache(n))
		code = krb5_tkt_creds_init(n->context, n->cache, &n->wanted, 0, &n->steps);
	if (code != 0) {
		usher_status st = refused(n, code, err);

		negotiation_free(n);
		return st;
	}
	*out = n;
	return USHER_OK;
}

bool
negotiation_is_possible(const struct negotiation *n)
{
	return n->steps != NULL;
}

void
negotiation_free(struct negotiation *n)
{
	if (n == NULL)
		return;
	if (n->context != NULL) {
		krb5_free_data_contents(n->context, &n->message);
		krb5_free_data_contents(n->context, &n->realm);
		krb5_tkt_creds_free(n->context, n->steps);
		krb5_free_cred_contents(n->context, &n->wanted);
		if (n->cache != NULL)
			(void)krb5_cc_close(n->context, n->cache);
		krb5_free_context(n->context);
	}
	free(n);
}

usher_status
negotiation_step(struct negotiation *n, struct slice reply, struct slice *message,
    struct slice *realm, struct usher_error *err)
{
	krb5_data in = { .length = (unsigned)reply.n, .data = (void *)(uintptr_t)reply.p };
	unsigned flags = 0;
	krb5_error_code code;

	*message = (struct slice){ NULL, 0 };
	if (n->steps == NULL)
		return USHER_OK;
	krb5_free_data_contents(n->context, &n->message);
	krb5_free_data_contents(n->context, &n->realm);
	code = krb5_tkt_creds_step(n->context, n->steps, &in, &n->message, &n->realm, &flags);
	if (code != 0)
		return refused(n, code, err);
	if ((flags & KRB5_TKT_CREDS_STEP_FLAG_CONTINUE) == 0)
		return USHER_OK;
	*message = slice_from(n->message.data, n->message.length);
	*realm = slice_from(n->realm.data, n->realm.length);
	return USHER_OK;
}

/* `[tcp/]HOST[:PORT]`, an IPv6 address in brackets; other ways to a KDC are not ours to go. */
static bool
read_kdc(struct arena *mem, struct slice text, struct kdc *out)
{
	uint64_t port = KDC_PORT;
	bool bracket;
	size_t n;

	if (slice_starts_nocase(text, SLICE_LITERAL("tcp/")))
		text = slice_skip(text, 4);
	if (slice_find(text, '/') < text.n)
		return false;
	bracket = slice_starts(text, SLICE_LITERAL("["));
	text = slice_skip(text, bracket ? 1 : 0);
	n = slice_find(text, bracket ? ']' : ':');
	out->host = arena_copy(mem, (struct slice){ text.p, n });
	text = slice_skip(text, bracket && n < text.n ? n + 1 : n);
	if (text.n > 0 && !text_number(slice_skip(text, 1), 1, UINT16_MAX, &port))
		return false;
	out->port = (uint16_t)port;
	return n > 0 && out->host != NULL;
}

size_t
negotiation_kdcs(const struct negotiation *n, struct arena *mem, const char *realm,
    struct kdc out[KDCS_MAX], bool *by_dns)
{
	const char *const names[] = { "realms", realm, "kdc", NULL };
	char **values = NULL;
	profile_t profile;
	size_t found = 0;
	int on = 1;

	*by_dns = false;
	if (krb5_get_profile(n->context, &profile) != 0)
		return 0;
	(void)profile_get_values(profile, (const char **)(uintptr_t)names, &values);
	for (char **v = values; v != NULL && *v != NULL && found < KDCS_MAX; v++)
		found += read_kdc(mem, slice_of(*v), &out[found]);
	(void)profile_get_boolean(profile, "libdefaults", "dns_lookup_kdc", NULL, 1, &on);
	*by_dns = values == NULL && on != 0;
	profile_free_list(values);
	profile_release(profile);
	return found;
}
