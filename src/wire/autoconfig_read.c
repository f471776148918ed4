/* autoconfig_read.c - reading Mail Autoconfig: what is not understood costs its own section at most
 * (autoconfig.md 2.8). */
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/autoconfig.h"
#include "wire/autoconfig_rows.h"
#include "wire/notes.h"
#include "wire/query.h"

enum { ELEMENTS = 10 * 1000, QUESTION_ADDRESS_BYTES = 320 };

struct reading {
	struct arena *mem;
	struct answer *out;
	struct answer_protocol *protocols; /* becomes out->protocols */
	struct answer_link *links;	   /* becomes out->documentation */
	struct notes notes;
	usher_status status; /* sticky */
	struct usher_error *err;
};

static void
fail_memory(struct reading *r)
{
	r->status = err_nomem(r->err, "Mail Autoconfig");
}

/* ---- one section ---- */

static const char *
type_of(const struct xml_node *node)
{
	const char *type = xml_attribute_value(node, "type");

	return type == NULL ? "of no type" : type;
}

/* A section is left out, for this reason. */
static bool
pass_over(struct reading *r, const struct xml_node *node, const char *why, const char *value)
{
	notes_add(&r->notes, "line %zu: %s %s left out: %s%s%s", node->line, node->name,
	    type_of(node), why, value == NULL ? "" : " ", value == NULL ? "" : value);
	return false;
}

static const struct autoconfig_login *
find_login(const struct xml_node *node)
{
	for (size_t i = 0; i < AUTOCONFIG_LOGINS; i++)
		if (slice_is_nocase(slice_of(node->text), autoconfig_logins[i].value))
			return &autoconfig_logins[i];
	return NULL;
}

static bool
is_listed(const char *const *v, size_t n, const char *word)
{
	while (n > 0 && strcmp(v[n - 1], word) != 0)
		n--;
	return n > 0;
}

static bool
is_sasl(const struct xml_node *node)
{
	const char *system = xml_attribute_value(node, "system");

	return system != NULL && slice_is_nocase(slice_of(system), "sasl");
}

/* Single SASL mechanisms are followed by a word for all of their kind. */
static void
read_logins(struct reading *r, const struct xml_node *node, struct answer_protocol *p)
{
	const char **v = arena_array(r->mem, elements_count(node, "authentication"), sizeof(*v));
	size_t n = 0;

	if (v == NULL) {
		fail_memory(r);
		return;
	}
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		const struct autoconfig_login *login;

		if (strcmp(c->name, "authentication") != 0 || is_sasl(c))
			continue;
		login = find_login(c);
		if (login == NULL)
			notes_add(&r->notes, "line %zu: authentication %s is not known", c->line,
			    c->text);
		else if (!is_listed(v, n, login->word))
			v[n++] = login->word;
		if (login != NULL && login->deprecated)
			notes_add(&r->notes, "line %zu: authentication %s is deprecated", c->line,
			    c->text);
	}
	p->authentication = (struct text_list){ v, n };
}

static bool
read_socket(const char *text, struct answer_protocol *p)
{
	static const struct {
		const char *word, *encryption;
	} sockets[] = { { "SSL", "SSL" }, { "STARTTLS", "TLS" }, { "plain", "None" },
		{ "none", "None" } };

	for (size_t i = 0; i < COUNT_OF(sockets); i++) {
		if (!slice_is_nocase(slice_of(text), sockets[i].word))
			continue;
		p->encryption = sockets[i].encryption;
		p->ssl = strcmp(p->encryption, "None") == 0 ? TRI_OFF : TRI_ON;
		return true;
	}
	return false;
}

static bool
needs_name(const struct answer_protocol *p)
{
	return !(p->authentication.n == 1 && strcmp(p->authentication.v[0], "none") == 0);
}

static bool
read_tcp(struct reading *r, const struct xml_node *node, struct answer_protocol *p)
{
	const char *port = xml_child_text(node, "port");
	const char *socket = xml_child_text(node, "socketType");
	const struct xml_node *pop3 = xml_child(node, "pop3");
	uint64_t number;

	p->server = xml_child_text(node, "hostname");
	if (p->server == NULL)
		return pass_over(r, node, "it has no hostname", NULL);
	if (port == NULL || !text_number(slice_of(port), 1, UINT16_MAX, &number))
		return pass_over(r, node, "its port is", port == NULL ? "missing" : port);
	p->port = (int64_t)number;
	if (socket == NULL || !read_socket(socket, p))
		return pass_over(r, node, "its socketType is", socket == NULL ? "missing" : socket);
	if (p->authentication.n == 0)
		return pass_over(r, node, "it has no authentication that is known", NULL);
	if (p->login_name == NULL && needs_name(p))
		return pass_over(r, node, "it has no username", NULL);
	if (pop3 != NULL)
		elements_read(pop3, &autoconfig_pop3, p);
	return true;
}

static bool
is_url(const char *text)
{
	struct slice s = slice_of(text);

	return slice_starts_nocase(s, SLICE_LITERAL("https://")) ||
	       slice_starts_nocase(s, SLICE_LITERAL("http://"));
}

static bool
read_url(struct reading *r, const struct xml_node *node, struct answer_protocol *p)
{
	p->url = xml_child_text(node, "url");
	if (p->url == NULL)
		p->url = xml_child_text(node, "serverURL");
	if (p->url == NULL || !is_url(p->url))
		return pass_over(r, node, "its url is", p->url == NULL ? "missing" : p->url);
	return true;
}

static bool
read_mixed(struct reading *r, const struct xml_node *node, struct answer_protocol *p)
{
	const char *port = xml_child_text(node, "port");
	const char *socket = xml_child_text(node, "socketType");
	uint64_t number;

	p->server = xml_child_text(node, "hostname");
	if (port != NULL && text_number(slice_of(port), 1, UINT16_MAX, &number))
		p->port = (int64_t)number;
	if (socket != NULL)
		(void)read_socket(socket, p);
	elements_read(node, &autoconfig_exchange, p);
	if (p->server == NULL && p->ews_url == NULL && p->eas_url == NULL && p->owa_url == NULL)
		return pass_over(r, node, "it has neither hostname nor URL", NULL);
	return true;
}

static bool
is_told(const struct reading *r, const struct answer_protocol *p)
{
	for (size_t i = 0; i < r->out->n_protocols; i++) {
		const struct answer_protocol *q = &r->protocols[i];

		if (q->kind != p->kind)
			continue;
		if (p->url == NULL ? record_equal(&answer_protocol_table, q, p) :
				     strcmp(q->url, p->url) == 0)
			return true;
	}
	return false;
}

static const struct autoconfig_section *
find_section(const struct xml_node *node)
{
	for (size_t i = 0; i < AUTOCONFIG_SECTIONS; i++)
		if (strcmp(node->name, autoconfig_sections[i].element) == 0 &&
		    slice_is_nocase(slice_of(type_of(node)), autoconfig_sections[i].type))
			return &autoconfig_sections[i];
	return NULL;
}

/* Some documents say the same once in the words of 1.1 and once in those of 1.2. */
static void
read_section(struct reading *r, const struct xml_node *node)
{
	const struct autoconfig_section *section = find_section(node);
	struct answer_protocol *p = &r->protocols[r->out->n_protocols];
	bool good = false;

	if (section == NULL) {
		(void)pass_over(r, node, "the type is not known", NULL);
		return;
	}
	answer_protocol_init(p, section->kind);
	p->login_name = xml_child_text(node, "username");
	read_logins(r, node, p);
	switch (section->manner) {
	case AUTOCONFIG_TCP:
		good = read_tcp(r, node, p);
		break;
	case AUTOCONFIG_URL:
		good = read_url(r, node, p);
		break;
	case AUTOCONFIG_MIXED:
		good = read_mixed(r, node, p);
		break;
	}
	if (good && !is_told(r, p))
		r->out->n_protocols++;
}

/* ---- the document ---- */

static bool
is_section(const struct xml_node *node)
{
	static const char *const others[] = { "chatServer", "videoConference" };

	for (size_t i = 0; i < AUTOCONFIG_SECTIONS; i++)
		if (strcmp(node->name, autoconfig_sections[i].element) == 0)
			return true;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (strcmp(node->name, others[i]) == 0)
			return true;
	return false;
}

static void
read_webmail(struct reading *r, const struct xml_node *node)
{
	const struct xml_node *page = xml_child(node, "loginPage");
	struct answer_protocol *p = &r->protocols[r->out->n_protocols];

	if (page == NULL)
		page = xml_child(node, "loginPageInfo");
	answer_protocol_init(p, PROTOCOL_WEBMAIL);
	p->url = page == NULL ? NULL : xml_attribute_value(page, "url");
	if (p->url != NULL && is_url(p->url) && !is_told(r, p))
		r->out->n_protocols++;
}

static void
read_documentation(struct reading *r, const struct xml_node *node)
{
	const char *url = xml_attribute_value(node, "url");
	size_t before = r->out->n_documentation;

	if (url == NULL)
		return;
	for (const struct xml_node *c = node->first; c != NULL; c = c->next)
		if (strcmp(c->name, "descr") == 0 && c->text[0] != '\0')
			r->links[r->out->n_documentation++] =
			    (struct answer_link){ url, xml_attribute_value(c, "lang"), c->text };
	if (r->out->n_documentation == before)
		r->links[r->out->n_documentation++] = (struct answer_link){ .url = url };
}

/* Whatever may stand in emailProvider or beside it: files put things in either place. */
static void
read_children(struct reading *r, const struct xml_node *parent)
{
	for (const struct xml_node *c = parent->first; c != NULL && r->status == USHER_OK;
	     c = c->next) {
		if (is_section(c))
			read_section(r, c);
		else if (strcmp(c->name, "webMail") == 0)
			read_webmail(r, c);
		else if (strcmp(c->name, "documentation") == 0)
			read_documentation(r, c);
		else if (strcmp(c->name, "oAuth2") == 0)
			elements_read(c, &autoconfig_oauth, r->out);
		else if (strcmp(c->name, "clientConfigUpdate") == 0)
			r->out->update_url = xml_attribute_value(c, "url");
	}
}

static usher_status
read_domains(struct reading *r, const struct xml_node *provider)
{
	size_t n = elements_count(provider, "domain");
	const char **v;

	if (n > AUTOCONFIG_MAX_DOMAINS)
		return err_set(r->err, USHER_E_LIMIT, NULL,
		    "the document names %zu domains, more than the %d allowed", n,
		    AUTOCONFIG_MAX_DOMAINS);
	v = arena_array(r->mem, n, sizeof(*v));
	if (v == NULL)
		return err_nomem(r->err, "Mail Autoconfig");
	n = 0;
	for (const struct xml_node *c = provider->first; c != NULL; c = c->next)
		if (strcmp(c->name, "domain") == 0 && c->text[0] != '\0')
			v[n++] = c->text;
	if (n == 0)
		return err_set(r->err, USHER_E_PEER, NULL,
		    "XML line %zu: emailProvider names no domain", provider->line);
	r->out->domains = (struct text_list){ v, n };
	return USHER_OK;
}

static size_t
count_sections(const struct xml_node *parent)
{
	size_t n = 0;

	for (const struct xml_node *c = parent->first; c != NULL; c = c->next)
		n += is_section(c) || strcmp(c->name, "webMail") == 0;
	return n;
}

static size_t
count_links(const struct xml_node *parent)
{
	size_t n = 0;

	for (const struct xml_node *c = parent->first; c != NULL; c = c->next)
		if (strcmp(c->name, "documentation") == 0)
			n += 1 + elements_count(c, "descr");
	return n;
}

static usher_status
read_provider(struct reading *r, const struct xml_node *root, const struct xml_node *provider)
{
	size_t n = count_sections(provider) + count_sections(root);
	usher_status st = read_domains(r, provider);

	if (st != USHER_OK)
		return st;
	if (n > AUTOCONFIG_MAX_SERVERS)
		return err_set(r->err, USHER_E_LIMIT, NULL,
		    "the document has %zu servers, more than the %d allowed", n,
		    AUTOCONFIG_MAX_SERVERS);
	r->protocols = arena_array(r->mem, n, sizeof(*r->protocols));
	r->links =
	    arena_array(r->mem, count_links(provider) + count_links(root), sizeof(*r->links));
	if (r->protocols == NULL || r->links == NULL)
		return err_nomem(r->err, "Mail Autoconfig");
	r->out->provider_id = xml_attribute_value(provider, "id");
	if (r->out->provider_id == NULL)
		notes_add(&r->notes, "line %zu: emailProvider has no id", provider->line);
	elements_read(provider, &autoconfig_provider, r->out);
	read_children(r, provider);
	read_children(r, root);
	return r->status;
}

static usher_status
read_root(
    struct arena *mem, const struct xml_node *root, struct answer *out, struct usher_error *err)
{
	const struct xml_node *provider = xml_child(root, "emailProvider");
	struct reading r = { .mem = mem, .out = out, .notes = { .mem = mem }, .err = err };
	usher_status st;

	answer_init(out, ANSWER_SETTINGS);
	if (strcmp(root->name, "clientConfig") != 0 || provider == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "the document with root %s is no Mail Autoconfig", root->name);
	st = read_provider(&r, root, provider);
	if (st != USHER_OK)
		return st;
	if (!notes_end(&r.notes, &out->findings))
		return err_nomem(err, "Mail Autoconfig");
	if (out->n_protocols == 0)
		return err_set(err, USHER_E_PEER, NULL, "the document names no usable server%s%s",
		    out->findings.n > 0 ? "; " : "", out->findings.n > 0 ? out->findings.v[0] : "");
	out->protocols = r.protocols;
	out->documentation = r.links;
	return USHER_OK;
}

usher_status
autoconfig_read(struct xml_reader *reader, struct arena *mem, struct slice xml, struct answer *out,
    struct usher_error *err)
{
	const struct xml_limits limits = { AUTOCONFIG_BYTES, ELEMENTS };

	return elements_read_answer(reader, mem, xml, &limits, read_root, out, err);
}

/* ---- the question ---- */

usher_status
autoconfig_read_request(
    struct arena *mem, struct slice query, struct question *out, struct usher_error *err)
{
	struct question q = { .language = LANGUAGE_AUTOCONFIG };
	struct slice name, value;
	bool seen = false;
	usher_status st = USHER_OK;

	while (st == USHER_OK && query_next(&query, &name, &value)) {
		if (!slice_is(name, "emailaddress"))
			continue;
		if (seen)
			return err_set(err, USHER_E_INPUT, NULL, "emailaddress stands there twice");
		seen = true;
		if (value.n > 0)
			st = query_decode(mem, value, QUESTION_ADDRESS_BYTES, &q.address);
	}
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "question");
	if (st != USHER_OK)
		return err_set(err, USHER_E_INPUT, NULL, "emailaddress is no address");
	*out = q;
	return USHER_OK;
}
