/* hosting.c - makes the directory of somebody who hosts many domains, for tests and benchmarks.
 *
 *	hosting COUNT FOLDER [CERTIFICATES]
 *
 * makes FOLDER/hosting.json and the keys for FOLDER/usher.db. Only the first domains have a
 * certificate when there shall be fewer.
 *
 * Domain N is `dNNNNN.example`. The kinds take turns: mail, exchange, redirect-url,
 * redirect-address, alias of the mail domain before it. Each has a name, a face, host names and a
 * certificate of its own; a mail domain servers and a rule, an exchange domain a server in a site
 * of its own, and the mailbox `ann` whose login is `host`. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cert/inspect.h"
#include "cert/selfsigned.h"
#include "cert/store.h"
#include "wire/json.h"

enum { KINDS = 5, MEMORY_BYTES = 64 * 1024, DOCUMENT_BYTES = 1024 * 1024 * 1024 };

struct hosting {
	unsigned n, n_certificates;
	const char *stem;
	struct arena *mem; /* of one domain */
	struct buf text;
	struct json_document document;
	char (*thumbprints)[41];
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
put(struct hosting *h, enum entity_id id, const void *record)
{
	json_document_record(&h->document, &entities[id], record, JSON_SECRETS);
	if (h->text.status != USHER_OK)
		die("document");
}

static char *
name(struct hosting *h, const char *prefix, unsigned i)
{
	char *text = arena_printf(h->mem, "%sd%05u.example", prefix, i);

	if (text == NULL)
		die("memory");
	return text;
}

/* Without waiting for the disk, as cert_key_put() would. */
static void
write_key(struct hosting *h, const char *sha256, const struct buf *key)
{
	char path[4096];
	int fd;

	cert_key_path(h->stem, sha256, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, key->p, key->n) != (ssize_t)key->n || close(fd) != 0)
		die(path);
}

static void
put_certificate(struct hosting *h, unsigned i)
{
	struct usher_error err = { 0 };
	struct certificate c;
	struct buf key;

	if (i >= h->n_certificates)
		return;
	buf_init(&key, CERT_KEY_BYTES);
	if (cert_selfsigned(h->mem, name(h, "autodiscover.", i), time(NULL), &key, &c, &err) !=
	    USHER_OK)
		die(err.message);
	write_key(h, c.sha256, &key);
	buf_wipe(&key);
	(void)snprintf(h->thumbprints[i], sizeof(h->thumbprints[i]), "%s", c.thumbprint);
	put(h, ENTITY_CERTIFICATE, &c);
}

static void
put_site(struct hosting *h, unsigned i)
{
	struct site site = { .name = name(h, "", i) };

	if (i % KINDS == 1)
		put(h, ENTITY_SITE, &site);
}

static char *
server_name(struct hosting *h, unsigned i)
{
	return arena_printf(h->mem, "S%05u", i);
}

static void
put_server(struct hosting *h, unsigned i)
{
	struct server server = { .name = server_name(h, i),
		.fqdn = name(h, "mail.", i),
		.site = name(h, "", i),
		.version = "15.1.2507",
		.created = 1700000000 };

	if (i % KINDS == 1)
		put(h, ENTITY_SERVER, &server);
}

static void
put_urls(struct hosting *h, unsigned i)
{
	static const struct {
		enum url_service service;
		const char *path;
	} rows[] = { { URL_EWS, "EWS/Exchange.asmx" }, { URL_OWA, "owa/" }, { URL_ECP, "ecp/" },
		{ URL_ACTIVESYNC, "Microsoft-Server-ActiveSync" }, { URL_MAPI, "mapi/" } };

	for (size_t k = 0; i % KINDS == 1 && k < COUNT_OF(rows); k++) {
		const char *url =
		    arena_printf(h->mem, "https://%s/%s", name(h, "mail.", i), rows[k].path);
		struct service_url u = { .server = server_name(h, i),
			.service = rows[k].service,
			.internal = url,
			.external = url };

		put(h, ENTITY_URL, &u);
	}
}

static void
put_domain(struct hosting *h, unsigned i)
{
	static const int kinds[KINDS] = { DOMAIN_MAIL, DOMAIN_EXCHANGE, DOMAIN_REDIRECT_URL,
		DOMAIN_REDIRECT_ADDRESS, DOMAIN_ALIAS };
	const char *hosts[] = { name(h, "", i), name(h, "autodiscover.", i),
		name(h, "autoconfig.", i) };
	struct domain d;

	record_init(&entities[ENTITY_DOMAIN].table, &d);
	d.domain = name(h, "", i);
	d.kind = kinds[i % KINDS];
	d.display_name = arena_printf(h->mem, "Mail of customer %u", i);
	d.short_name = arena_printf(h->mem, "Customer %u", i);
	d.home_page = arena_printf(h->mem, "https://www.%s/", d.domain);
	d.documentation_url = arena_printf(h->mem, "https://help.%s/mail", d.domain);
	d.certificate = i < h->n_certificates ? h->thumbprints[i] : NULL;
	d.host_names = (struct text_list){ hosts, COUNT_OF(hosts) };
	if (d.kind == DOMAIN_EXCHANGE)
		d.server = server_name(h, i);
	if (d.kind == DOMAIN_REDIRECT_URL)
		d.redirect_url = arena_printf(
		    h->mem, "https://elsewhere.%s/autodiscover/autodiscover.xml", d.domain);
	if (d.kind == DOMAIN_REDIRECT_ADDRESS)
		d.redirect_domain = arena_printf(h->mem, "new.%s", d.domain);
	if (d.kind == DOMAIN_ALIAS)
		d.alias_of = name(h, "", i - i % KINDS);
	put(h, ENTITY_DOMAIN, &d);
}

static void
put_services(struct hosting *h, unsigned i)
{
	static const struct {
		enum mail_service_type type;
		const char *host;
		int64_t port;
	} rows[] = { { SERVICE_IMAP, "imap.", 993 }, { SERVICE_POP3, "pop.", 995 },
		{ SERVICE_SMTP, "smtp.", 465 } };

	for (size_t k = 0; i % KINDS == 0 && k < COUNT_OF(rows); k++) {
		struct mail_service s;

		record_init(&entities[ENTITY_SERVICE].table, &s);
		s.domain = name(h, "", i);
		s.type = rows[k].type;
		s.rank = 1;
		s.host = name(h, rows[k].host, i);
		s.port = rows[k].port;
		s.user_name = k == 0 ? "%a" : NULL;
		put(h, ENTITY_SERVICE, &s);
	}
}

static void
put_rule(struct hosting *h, unsigned i)
{
	struct redirect r = { .domain = name(h, "", i), .pattern = "*-ext", .rank = 1 };

	r.redirect_address = arena_printf(h->mem, "*@ext.%s", r.domain);
	if (i % KINDS == 0)
		put(h, ENTITY_REDIRECT, &r);
}

static void
put_mailbox(struct hosting *h, unsigned i)
{
	struct mailbox m;

	record_init(&entities[ENTITY_MAILBOX].table, &m);
	m.address = name(h, "ann@", i);
	m.login_name = "host";
	if (i % KINDS == 1)
		put(h, ENTITY_MAILBOX, &m);
}

static void
put_all(struct hosting *h, void (*one)(struct hosting *h, unsigned i))
{
	for (unsigned i = 0; i < h->n; i++) {
		arena_reset(h->mem);
		one(h, i);
	}
}

int
main(int argc, char **argv)
{
	struct hosting h = { .n = argc >= 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0 };
	char path[4096], keys[4096];
	FILE *out;

	if (h.n == 0 || h.n > 99999) {
		(void)fputs("usage: hosting COUNT FOLDER [CERTIFICATES]\n", stderr);
		return 64;
	}
	h.n_certificates = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : h.n;
	(void)snprintf(path, sizeof(path), "%s/usher.db", argv[2]);
	h.stem = path;
	cert_key_path(h.stem, "", keys, sizeof(keys));
	(void)mkdir(keys, 0700);
	h.mem = arena_new(MEMORY_BYTES);
	h.thumbprints = calloc(h.n, sizeof(*h.thumbprints));
	if (h.mem == NULL || h.thumbprints == NULL)
		die("memory");
	buf_init(&h.text, DOCUMENT_BYTES);
	json_document_begin(&h.document, &h.text);
	put_all(&h, put_site);
	put_all(&h, put_server);
	put_all(&h, put_urls);
	put_all(&h, put_certificate);
	put_all(&h, put_domain);
	put_all(&h, put_services);
	put_all(&h, put_rule);
	put_all(&h, put_mailbox);
	json_document_end(&h.document);
	(void)snprintf(keys, sizeof(keys), "%s/hosting.json", argv[2]);
	out = fopen(keys, "we");
	if (out == NULL || fwrite(h.text.p, 1, h.text.n, out) != h.text.n || fclose(out) != 0)
		die(keys);
	buf_clear(&h.text);
	arena_free(h.mem);
	free(h.thumbprints);
	return 0;
}
