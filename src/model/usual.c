/* usual.c - what a new server and a new mail domain begin with. */
#include "model/usual.h"

#include <stdio.h>
#include <string.h>

enum { NETBIOS_BYTES = 15 };

static const char *const paths[URL_SERVICE_COUNT] = {
	[URL_AUTODISCOVER] = USUAL_AUTODISCOVER_PATH,
	[URL_EWS] = "/EWS/Exchange.asmx",
	[URL_OAB] = "/OAB",
	[URL_UM] = "/EWS/UM2007Legacy.asmx",
	[URL_OWA] = "/owa",
	[URL_ECP] = "/ecp",
	[URL_ACTIVESYNC] = "/Microsoft-Server-ActiveSync",
	[URL_MAPI] = "/mapi",
};

/* RFC 8314: TLS from the first byte is preferred; STARTTLS for older programs. */
static const struct {
	int type;
	int64_t rank, port;
	int socket;
} mail_services[USUAL_MAIL_SERVICES] = {
	{ SERVICE_IMAP, 1, 993, SOCKET_TLS },
	{ SERVICE_SMTP, 1, 465, SOCKET_TLS },
	{ SERVICE_SMTP, 2, 587, SOCKET_STARTTLS },
};

bool
usual_has_url(enum url_service service)
{
	return paths[service] != NULL;
}

const char *
usual_url(struct arena *mem, enum url_service service, const char *host)
{
	return paths[service] == NULL ? NULL : arena_join(mem, "https://", host, paths[service]);
}

const char *
usual_server_name(struct arena *mem, const char *host, int number)
{
	char tail[16] = "";
	size_t n = slice_find(slice_of(host), '.'), most;
	char *name;

	if (number > 1)
		(void)snprintf(tail, sizeof(tail), "%d", number);
	most = NETBIOS_BYTES - strlen(tail);
	name = arena_printf(mem, "%.*s%s", (int)(n > most ? most : n), host, tail);
	for (char *p = name; p != NULL && *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return name;
}

bool
usual_server(
    struct arena *mem, const char *name, const char *host, const char *site, struct server *out)
{
	const char **scope = arena_array(mem, 1, sizeof(*scope));

	record_init(&entities[ENTITY_SERVER].table, out);
	out->name = name;
	out->fqdn = host;
	out->site = site;
	out->internal_uri = usual_url(mem, URL_AUTODISCOVER, host);
	if (scope == NULL || out->internal_uri == NULL)
		return false;
	scope[0] = site;
	out->site_scope = (struct text_list){ scope, 1 };
	return true;
}

void
usual_outlook_anywhere(const char *server, const char *host, struct outlook_anywhere *out)
{
	record_init(&entities[ENTITY_OUTLOOK_ANYWHERE].table, out);
	out->server = server;
	out->enabled = TRI_ON;
	out->external_host = out->internal_host = host;
}

void
usual_mail_service(size_t i, const char *domain, const char *host, struct mail_service *out)
{
	record_init(&entities[ENTITY_SERVICE].table, out);
	out->domain = domain;
	out->type = mail_services[i].type;
	out->rank = mail_services[i].rank;
	out->host = host;
	out->port = mail_services[i].port;
	out->socket = mail_services[i].socket;
}
