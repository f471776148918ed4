/* random_autoconfig.c - Mail Autoconfig drawn at random. */
#include "random_autoconfig.h"

#include "random.h"

static const char *
maybe(struct dice *d)
{
	return dice_roll(d, 2) == 0 ? NULL : dice_text(d);
}

static const char *
maybe_url(struct dice *d)
{
	return dice_roll(d, 2) == 0 ? NULL : dice_url(d);
}

/* Some of the ways to log in, in any order, with one that every program knows. */
static struct text_list
logins(struct dice *d, size_t least)
{
	static const char *const all[] = { "password", "oauth2", "password-encrypted", "gssapi",
		"ntlm", "client-certificate" };
	const char **v = dice_must(arena_array(d->mem, COUNT_OF(all), sizeof(*v)));
	size_t n = least + dice_roll(d, COUNT_OF(all) - least + 1), first = dice_roll(d, 3);

	for (size_t i = 0; i < n; i++)
		v[i] = all[(first + i) % COUNT_OF(all)];
	return (struct text_list){ v, n };
}

static const char *
host(struct dice *d, size_t i)
{
	return dice_must(arena_printf(d->mem, "h%zu-%u.example", i, (unsigned)dice_roll(d, 1000)));
}

static void
tcp(struct dice *d, struct answer_protocol *p, size_t i)
{
	bool tls = dice_roll(d, 2) == 0;

	p->server = host(d, i);
	p->port = 1 + (int64_t)dice_roll(d, UINT16_MAX);
	p->encryption = tls ? "SSL" : "TLS";
	p->ssl = TRI_ON;
	p->login_name = dice_text(d);
	p->authentication = logins(d, 1);
	if (p->kind == PROTOCOL_POP3 && dice_roll(d, 2) == 0) {
		p->leave_on_server = dice_roll(d, 2) == 0 ? TRI_OFF : TRI_ON;
		p->leave_days = (int64_t)dice_roll(d, 100);
	}
}

static void
by_url(struct dice *d, struct answer_protocol *p, size_t i)
{
	p->url = dice_must(arena_printf(d->mem, "https://h%zu.example/?a=%%EMAILADDRESS%%&b", i));
	p->login_name = maybe(d);
	p->authentication = logins(d, 0);
}

static void
mixed(struct dice *d, struct answer_protocol *p, size_t i)
{
	p->server = host(d, i);
	p->ews_url = maybe_url(d);
	p->eas_url = maybe_url(d);
	p->owa_url = maybe_url(d);
}

/* Each kind up to twice, in the order in which they are written. */
static void
protocols(struct dice *d, struct answer *out)
{
	static const enum protocol_kind kinds[] = { PROTOCOL_IMAP, PROTOCOL_POP3, PROTOCOL_SMTP,
		PROTOCOL_NNTP, PROTOCOL_JMAP, PROTOCOL_EWS, PROTOCOL_ACTIVESYNC, PROTOCOL_GRAPH,
		PROTOCOL_EXCHANGE, PROTOCOL_CARDDAV, PROTOCOL_CALDAV, PROTOCOL_WEBDAV,
		PROTOCOL_MANAGESIEVE, PROTOCOL_WEBMAIL };
	struct answer_protocol *p = dice_must(arena_array(d->mem, 3 * COUNT_OF(kinds), sizeof(*p)));
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		size_t least = kinds[i] == PROTOCOL_IMAP || kinds[i] == PROTOCOL_SMTP ? 1 : 0;

		for (size_t k = least + dice_roll(d, 3); k > 0; k--, n++) {
			answer_protocol_init(&p[n], kinds[i]);
			switch (kinds[i]) {
			case PROTOCOL_IMAP:
			case PROTOCOL_POP3:
			case PROTOCOL_SMTP:
			case PROTOCOL_NNTP:
			case PROTOCOL_MANAGESIEVE:
				tcp(d, &p[n], n);
				break;
			case PROTOCOL_EXCHANGE:
				mixed(d, &p[n], n);
				break;
			default:
				by_url(d, &p[n], n);
			}
			if (kinds[i] == PROTOCOL_WEBMAIL) {
				p[n].login_name = NULL;
				p[n].authentication = (struct text_list){ 0 };
			}
		}
	}
	out->protocols = p;
	out->n_protocols = n;
}

static void
documentation(struct dice *d, struct answer *out)
{
	size_t n = dice_roll(d, 4);
	struct answer_link *links = dice_must(arena_array(d->mem, n, sizeof(*links)));

	for (size_t i = 0; i < n; i++) {
		links[i].url = dice_must(arena_printf(d->mem, "https://help.example/%zu", i / 2));
		links[i].language = dice_roll(d, 2) == 0 ? NULL : "de";
		links[i].text = dice_text(d);
	}
	out->documentation = links;
	out->n_documentation = n;
}

void
random_autoconfig(struct arena *mem, uint64_t seed, struct answer *out)
{
	struct dice d = { seed, mem };
	const char **domains = dice_must(arena_array(mem, 3, sizeof(*domains)));

	answer_init(out, ANSWER_SETTINGS);
	for (size_t i = 0; i < 3; i++)
		domains[i] = i == 0 ? "%EMAILDOMAIN%" : host(&d, i);
	out->domains = (struct text_list){ domains, 1 + dice_roll(&d, 3) };
	out->provider_id = host(&d, 9);
	out->provider_name = maybe(&d);
	out->provider_short_name = maybe(&d);
	if (dice_roll(&d, 2) == 0) {
		out->oauth_issuer = dice_text(&d);
		out->oauth_scope = maybe(&d);
		out->oauth_auth_url = maybe_url(&d);
		out->oauth_token_url = maybe_url(&d);
		out->oauth_client_id = maybe(&d);
	}
	out->update_url = maybe_url(&d);
	protocols(&d, out);
	documentation(&d, out);
}
