/* test_simulator.c - many random worlds in virtual time; world.c holds the rules they must not
 * break.
 *
 * `test_simulator [WORLDS [FIRST]]` runs more of them, or one again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "plan/source.h"
#include "reference.h"
#include "world.h"

enum { WORLDS = 100000, WORLD_BYTES = 1024 * 1024 };

#define PATH "/autodiscover/autodiscover.xml"

struct dice {
	uint64_t seed; /* of this world */
	uint64_t outcomes[OUTCOME_UNAVAILABLE + 1];
};

/* splitmix64: what happens at a place depends on the world and the place, and not on the order. No
 * place tells letters from their capitals: to the plan they are one. */
static uint64_t
roll(uint64_t seed, const char *place, unsigned salt)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15U + salt;

	for (; *place != '\0'; place++)
		x = (x ^ ((unsigned char)*place | 0x20)) * 0x100000001b3U;
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9U;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static int
delay(uint64_t x)
{
	static const int delays[] = { 0, 0, 1, 1, 20, 20, 100, 100, 249, 250, 251, 1000, 2000,
		16000, NEVER, SILENT };

	return delays[x % COUNT_OF(delays)];
}

static void
resolve(struct world *w, const char *host, int *delay_ms, struct plan_resolution *out)
{
	static const char *const outside[] = { "192.0.2.1", "2001:db8::1" };
	static const char *const inside[] = { "10.0.0.1", "192.168.0.1", "::1" };
	static const char *const both[] = { "127.0.0.1", "192.0.2.1", "fe80::1" };
	static const struct text_list lists[] = { { outside, 2 }, { outside, 2 }, { outside, 1 },
		{ outside, 2 }, { outside, 2 }, { inside, 3 }, { inside + 1, 1 }, { both, 3 } };
	const struct dice *d = w->payload;
	uint64_t x = roll(d->seed, host, 1);

	*delay_ms = delay(x >> 8);
	out->addresses = lists[(x >> 40) % COUNT_OF(lists)];
	if (x % 8 == 0)
		out->failure = PLAN_NO_SUCH_NAME;
	else if (x % 8 == 1)
		out->failure = (enum plan_failure)(PLAN_NO_ADDRESS + (x >> 32) % 2);
}

static void
locate(struct world *w, const char *name, int *delay_ms, struct plan_location *out)
{
	static const char *const hosts[] = { "mail.contoso.example", "mail.contoso.example",
		"autodiscover.contoso.example", "eu.contoso.example", "www.fabrikam.example",
		"autodiscover.fabrikam.example", "evil.test", ".", "", "127.0.0.1", "a b" };
	const struct dice *d = w->payload;
	uint64_t x = roll(d->seed, name, 5);
	struct srv_record *v = arena_array(w->mem, 12, sizeof(*v));

	if (v == NULL)
		abort();
	*delay_ms = delay(x >> 8);
	out->failure = PLAN_NO_FAILURE;
	out->records = v;
	out->n_records = (x >> 16) % 9;
	for (size_t i = 0; i < out->n_records; i++) {
		uint64_t y = roll(x, name, (unsigned)i);

		v[i] = (struct srv_record){ .priority = y % 3,
			.weight = (y >> 8) % 4,
			.port = (y >> 16) % 3 == 0 ? 8443 : 443,
			.host = hosts[(y >> 24) % COUNT_OF(hosts)] };
	}
	if (x % 4 == 0)
		out->failure = (enum plan_failure)(PLAN_NO_SUCH_NAME + (x >> 32) % 3);
}

static const char *const targets[] = {
	"https://autodiscover.contoso.example" PATH,
	"https://contoso.example" PATH,
	"https://mail.contoso.example" PATH,
	"https://mail.contoso.example:8443" PATH,
	"https://eu.mail.contoso.example/autodiscover/2/autodiscover.xml",
	"https://EU.mail.contoso.example/Autodiscover/2/Autodiscover.XML",
	"https://autodiscover.fabrikam.example" PATH,
	"https://mail.fabrikam.example" PATH,
	"https://contoso.example.evil.test" PATH,
	"https://evil.test/autodiscover/contoso.example/autodiscover.xml",
	"https://example" PATH,
	"https://autodiscover.example" PATH,
	"https://127.0.0.1" PATH,
	"https://[::1]" PATH,
	"https://contoso.example@evil.test" PATH,
	"http://mail.contoso.example" PATH,
	"https://www.contoso.example/",
	PATH,
	"autodiscover.xml",
	"//mail.contoso.example" PATH,
	"javascript:alert(1)",
	"",
};

static const char *const addresses[] = { "ann@contoso.example", "ANN@Contoso.Example",
	"ben@contoso.example", "ann@eu.contoso.example", "ann@fabrikam.example", "ann@evil.test",
	"ann@example", "ann", "", "ann@co.uk" };

static const char *const challenges[] = { "Basic realm=\"c\"", "Basic realm=\"contoso\"",
	"Basic realm=\"c\", NTLM", "Basic realm=\"c2\"", "Basic realm=\"c3\"", "Basic realm=\"c4\"",
	"Negotiate", "Basic realm=\"\"", "nonsense=", "NTLM", "Negotiate, NTLM, Basic realm=\"c\"",
	"Bearer, Basic realm=\"c\"", "Bearer realm=\"c\", NTLM", "Digest realm=\"d\"",
	"Digest realm=\"d\", Basic realm=\"c\"" };

static const struct answer_protocol protocol = { .kind = PROTOCOL_EXCH };
static const struct answer settings = {
	.kind = ANSWER_SETTINGS, .protocols = &protocol, .n_protocols = 1
};
static const struct answer empty = { .kind = ANSWER_SETTINGS };
static const struct answer refusal = { .kind = ANSWER_REFUSAL, .refusal = { .code = 500 } };
static const struct answer no_provider = { .kind = ANSWER_REFUSAL, .refusal = { .code = 601 } };

static const struct answer *
redirect(struct world *w, enum answer_kind kind, const char *to)
{
	struct answer *a = arena_zalloc(w->mem, sizeof(*a));

	if (a == NULL)
		abort();
	a->kind = kind;
	a->redirect = to;
	return a;
}

static void
answer_document(struct world *w, uint64_t x, struct plan_response *out)
{
	switch (x % 8) {
	case 0:
	case 1:
		out->answer = &settings;
		break;
	case 2:
		out->answer = x >> 8 & 1 ? &refusal : x >> 9 & 1 ? &no_provider : &empty;
		break;
	case 3:
	case 4:
		out->answer =
		    redirect(w, ANSWER_REDIRECT_URL, targets[(x >> 16) % COUNT_OF(targets)]);
		break;
	case 5:
	case 6:
		out->answer = redirect(
		    w, ANSWER_REDIRECT_ADDRESS, addresses[(x >> 16) % COUNT_OF(addresses)]);
		break;
	default:
		break;
	}
}

/* One URL, or the reason why not. */
static void
answer_v2(struct world *w, uint64_t x, struct plan_response *out)
{
	struct answer *a = arena_zalloc(w->mem, sizeof(*a));
	struct answer_protocol *url = arena_zalloc(w->mem, sizeof(*url));

	if (a == NULL || url == NULL)
		abort();
	url->url = targets[(x >> 16) % COUNT_OF(targets)];
	*a = (struct answer){ .kind = ANSWER_SETTINGS, .protocols = url, .n_protocols = 1 };
	out->answer = x % 3 == 0 ? &refusal : a;
}

static void
answer_in(struct world *w, enum language language, uint64_t x, struct plan_response *out)
{
	if (language == LANGUAGE_JSON_V2)
		answer_v2(w, x, out);
	else if (language == LANGUAGE_AUTOCONFIG)
		out->answer = x % 2 == 0 ? &settings : NULL;
	else
		answer_document(w, x, out);
}

static void
read_file(struct world *w, struct plan_response *out)
{
	const struct dice *d = w->payload;
	uint64_t x = roll(d->seed, "file", 6);

	out->http_status = NUMBER_ABSENT;
	out->failure = x % 4 == 0 ? PLAN_INTERNAL : PLAN_NO_FAILURE;
	answer_document(w, x >> 8, out);
	if (out->answer != NULL && out->answer->kind == ANSWER_REDIRECT_ADDRESS)
		out->answer = NULL;
}

static void
search(struct world *w, const char *directory, int *delay_ms, struct plan_finding *out)
{
	static const char *const bindings[] = { "https://cas1.corp.example" PATH,
		"https://cas2.corp.example" PATH, "https://autodiscover.contoso.example" PATH,
		"http://cas3.corp.example" PATH, "ldap://dc2.corp.example",
		"ldap://dc3.corp.example:3268", "ldap://dc1.corp.example", "" };
	static const char *const keywords[] = { SCP_URL_KEYWORD, SCP_URL_KEYWORD,
		SCP_POINTER_KEYWORD, "Site=Oslo", "Site=Kyiv", "Domain=contoso.example",
		"Domain=fabrikam.example" };
	const struct dice *d = w->payload;
	uint64_t x = roll(d->seed, directory, 7);
	struct scp_record *v = arena_array(w->mem, 4, sizeof(*v));

	if (v == NULL)
		abort();
	*delay_ms = delay(x >> 8);
	out->failure = x % 4 == 0 ? PLAN_UNREACHABLE : PLAN_NO_FAILURE;
	out->records = v;
	out->n_records = (x >> 16) % 5;
	for (size_t i = 0; i < out->n_records; i++) {
		uint64_t y = roll(x, directory, (unsigned)i);

		v[i].binding = bindings[y % COUNT_OF(bindings)];
		v[i].keywords.v = (const char **)(uintptr_t)&keywords[(y >> 8) % 4];
		v[i].keywords.n = 1 + (y >> 16) % 3;
		v[i].created = (int64_t)(y >> 24) % 3;
	}
}

static void
respond(struct world *w, const struct plan_step *step, int *delay_ms, struct plan_response *out)
{
	static const int statuses[] = { 200, 200, 200, 200, 301, 302, 307, 308, 401, 401, 401, 401,
		403, 404, 456, 500, 503, 204, 999 };
	const struct dice *d = w->payload;
	uint64_t x;

	x = roll(roll(d->seed, step->address, (unsigned)step->language), step->url->text,
	    step->credentialed ? 16 + step->scheme : 3);
	*delay_ms = delay(x >> 40);
	out->tls.verdict = TLS_VERIFIED;
	if (x % 16 == 0) {
		out->failure = (enum plan_failure)(PLAN_REFUSED + (x >> 8) % 7);
		out->tls.verdict = (int)((x >> 16) % (TLS_BROKEN + 1));
		return;
	}
	if (x % 8 == 2 && step->credentialed && step->scheme != SCHEME_BASIC) {
		out->failure = PLAN_NO_LOGIN;
		return;
	}
	if (x % 64 == 1) /* a performer that forgot to verify */
		out->tls.verdict = TLS_NOT_TRIED;
	out->http_status = statuses[(x >> 8) % COUNT_OF(statuses)];
	out->location = targets[(x >> 16) % COUNT_OF(targets)];
	out->challenges = (struct text_list){ &challenges[(x >> 24) % COUNT_OF(challenges)], 1 };
	out->offers_soap = step->kind == PLAN_PROBE && x >> 36 & 1;
	if (out->http_status == 200 && step->kind != PLAN_PROBE)
		answer_in(w, step->language, x >> 20, out);
}

static bool
consent(struct world *w, const char *host)
{
	const struct dice *d = w->payload;

	return roll(d->seed, host, 4) % 2 == 0;
}

/* Which sources and languages, by chance. */
static void
choose_sources(uint64_t x, struct plan_options *o)
{
	static const char *const orders[] = { "GACBFDEHJM", "MECB", "BDC", "EFDCABG", "HJ" };

	if (x % 3 == 0)
		o->last_known_good = targets[2 + (x >> 8) % 4];
	o->local_xml = x % 5 == 0 ? "file.xml" : NULL;
	o->prefer_local_xml = x % 2 == 0;
	o->directory = x % 7 < 3 ? "ldap://dc1.corp.example" : NULL;
	o->site = x >> 12 & 1 ? "Oslo" : NULL;
	o->strict_site = x >> 13 & 1;
	o->microsoft_365 = x % 11 == 0;
	o->no_autoconfig = x >> 14 & 1;
	o->names_apart = x >> 15 & 1;
	if ((x >> 16) % 4 == 0)
		o->order = orders[(x >> 20) % COUNT_OF(orders)];
	if ((x >> 24) % 4 == 0)
		o->excluded = (uint32_t)(x >> 32) & (uint32_t)(x >> 40) & 0xff;
	o->one_language = (x >> 48) % 3 == 0;
	o->language = (enum language)((x >> 52) % LANGUAGE_COUNT);
}

static void
show_world(const struct world *w, uint64_t seed, const char *fault)
{
	(void)printf("# world %llu: %s\n", (unsigned long long)seed, fault);
	for (size_t i = 0; i < w->result.n_attempts; i++)
		(void)printf("#   %c %s %s: %s\n", w->result.attempts[i]->source,
		    w->result.attempts[i]->address, w->result.attempts[i]->url,
		    w->result.attempts[i]->reason);
}

/* Why a client that does one thing at a time may find what the plan does not: time was up, or the
 * password, or one of the ten redirects, had been spent elsewhere. */
static bool
has_excuse(const struct world *w, const struct reference *found, const struct plan_options *o)
{
	uint64_t total = o->total_ms == 0 ? PLAN_TOTAL_MS : o->total_ms;

	if (w->elapsed_ms >= total)
		return true;
	if (found->by_login &&
	    (w->result.outcome == OUTCOME_REJECTED || w->result.outcome == OUTCOME_BLOCKED))
		return true;
	for (size_t i = 0; i < w->result.n_attempts; i++) {
		if (strstr(w->result.attempts[i]->reason, "after ten") != NULL)
			return true;
	}
	return false;
}

static bool
run(uint64_t seed, struct dice *d, struct arena *mem)
{
	static const char *const trusted[] = { "autodiscover.fabrikam.example",
		"*.fabrikam.example" };
	uint64_t x = roll(seed, "options", 0);
	struct plan_options options = {
		.schemes = (x % 4 != 0 ? SCHEMES_BY_PASSWORD : 0) |
			   ((x >> 32) % 4 == 0 ? SCHEMES_BY_TICKET : 0) |
			   ((x >> 34) % 4 == 0 ? SCHEMES_BY_TOKEN : 0),
		.basic_anyway = (x >> 36) % 4 == 0,
		.may_ask = (x >> 8) % 2 == 0,
		.trust_hosts = { trusted, (x >> 16) % 3 },
		.total_ms = (x >> 24) % 4 == 0 ? 700 : 0,
		.seed = x,
	};
	struct world w = { .payload = d,
		.mem = mem,
		.resolve = resolve,
		.locate = locate,
		.read = read_file,
		.search = search,
		.respond = respond,
		.consent = consent };
	struct reference found;

	d->seed = seed;
	if ((x >> 40) % 2 == 0)
		choose_sources(roll(seed, "sources", 0), &options);
	world_run(&w, "ann@contoso.example", &options);
	d->outcomes[w.result.outcome]++;
	if (w.fault[0] != '\0') {
		show_world(&w, seed, w.fault);
		return false;
	}
	if (w.result.outcome == OUTCOME_FOUND)
		return true;
	found = reference_run(&w, "ann@contoso.example", &options);
	if (!found.found || has_excuse(&w, &found, &options))
		return true;
	show_world(&w, seed, "a plain client finds the settings");
	return false;
}

int
main(int argc, char **argv)
{
	uint64_t worlds = WORLDS;
	uint64_t first = 1;
	struct arena *mem = arena_new(WORLD_BYTES);
	struct dice d = { 0 };
	size_t faults = 0;

	if (mem == NULL || (argc > 1 && !text_number(slice_of(argv[1]), 1, UINT64_MAX, &worlds)) ||
	    (argc > 2 && !text_number(slice_of(argv[2]), 0, UINT64_MAX / 2, &first)))
		return 64;
	for (uint64_t i = 0; i < worlds && faults < 10; i++) {
		faults += !run(first + i, &d, mem);
		arena_reset(mem);
	}
	(void)printf("1..1\n%sok 1 - %llu random worlds keep the rules\n", faults > 0 ? "not " : "",
	    (unsigned long long)worlds);
	for (enum plan_outcome o = OUTCOME_FOUND; o <= OUTCOME_UNAVAILABLE; o++)
		(void)printf(
		    "# %s: %llu\n", plan_outcome_name(o), (unsigned long long)d.outcomes[o]);
	arena_free(mem);
	return faults > 0;
}
