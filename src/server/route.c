/* route.c - the rows of the service: what is answered where, to whom. */
#include "server/route.h"

#include <string.h>

#include "base/arena.h"
#include "cert/acme.h"
#include "server/service.h"
#include "wire/autoconfig.h"
#include "wire/json_v2.h"
#include "wire/mobileconfig.h"
#include "wire/pacc.h"
#include "wire/page.h"
#include "wire/page_root.h"
#include "wire/pox.h"
#include "wire/soap.h"

#define ON(kind) (1u << LISTENER_##kind)
#define BY(method) (1u << HTTP1_##method)
#define BY_ANY (~0u)

static const char POX_PATH[] = "/autodiscover/autodiscover.xml";

static const struct route routes[] = {
	{ ON(HTTPS) | ON(PROXY), POX_PATH, BY(POST), POX_REQUEST_BYTES, LOGIN_LATER, handle_pox },
	{ ON(HTTPS) | ON(PROXY), POX_PATH, BY(GET) | BY(HEAD), 0, LOGIN_FIRST, handle_pox_probe },
	{ ON(HTTPS) | ON(PROXY), SOAP_PATH, BY(POST), SOAP_REQUEST_BYTES, LOGIN_LATER,
	    handle_soap },
	{ ON(HTTPS) | ON(PROXY), JSON_V2_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_json_v2 },
	{ ON(HTTPS) | ON(PROXY), JSON_V2_PATH "/*", BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_json_v2 },
	{ ON(HTTPS) | ON(PROXY), AUTOCONFIG_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_autoconfig },
	{ ON(HTTPS) | ON(PROXY), AUTOCONFIG_WELL_KNOWN_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_autoconfig },
	{ ON(HTTPS) | ON(PROXY), AUTOCONFIG_OTHER_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_autoconfig },
	{ ON(HTTPS) | ON(PROXY), MOBILECONFIG_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_profile },
	{ ON(HTTPS) | ON(PROXY), PACC_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_pacc },
	{ ON(HTTPS) | ON(PROXY), CALDAV_WELL_KNOWN_PATH, BY_ANY, 0, LOGIN_NONE, handle_dav },
	{ ON(HTTPS) | ON(PROXY), CARDDAV_WELL_KNOWN_PATH, BY_ANY, 0, LOGIN_NONE, handle_dav },
	{ ON(HTTPS) | ON(PROXY) | ON(REDIRECT), ACME_CHALLENGE_PATH "*", BY(GET) | BY(HEAD), 0,
	    LOGIN_OVER_HTTP, handle_challenge },
	{ ON(HTTPS) | ON(PROXY), PAGE_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_page },
	{ ON(HTTPS) | ON(PROXY), PAGE_ROOT_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_roots },
	{ ON(HTTPS) | ON(PROXY), PAGE_ROOT_CRT, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_root_file },
	{ ON(HTTPS) | ON(PROXY), PAGE_ROOT_PEM, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_root_file },
	{ ON(HTTPS) | ON(PROXY), PAGE_ROOT_PROFILE, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_root_file },
	{ ON(REDIRECT), POX_PATH, BY(GET) | BY(HEAD) | BY(POST), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), SOAP_PATH, BY(GET) | BY(HEAD) | BY(POST), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), AUTOCONFIG_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), AUTOCONFIG_WELL_KNOWN_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE,
	    handle_redirect },
	{ ON(REDIRECT), AUTOCONFIG_OTHER_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), MOBILECONFIG_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), CALDAV_WELL_KNOWN_PATH, BY_ANY, 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), CARDDAV_WELL_KNOWN_PATH, BY_ANY, 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), PAGE_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_redirect },
	{ ON(REDIRECT), PAGE_ROOT_PATH, BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_redirect },
	{ ON(PRIVATE), "/metrics", BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_metrics },
	{ ON(PRIVATE), "/health", BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_health },
	{ ON(PRIVATE), "/status", BY(GET) | BY(HEAD), 0, LOGIN_NONE, handle_status },
};

static void
refuse_method(struct request *request, unsigned allowed)
{
	static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS",
		"PATCH" };
	struct buf value CLEANUP(buf_cleanup);
	struct reply_field field = { "Allow", NULL };
	const struct reply reply = { .status = 405, .fields = &field, .n_fields = 1 };

	buf_init(&value, REPLY_HEAD_BYTES / 2);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if ((allowed & (1u << i)) != 0)
			buf_printf(&value, "%s%s", value.n == 0 ? "" : ", ", names[i]);
	}
	field.value = buf_cstr(&value);
	request_reply(request, &reply);
}

/* A request that waits for its password to be checked. */
struct login {
	struct auth auth; /* first: `then` gets it and knows the rest by it */
	const struct route *route;
};

static void
logged_in(struct request *request, struct auth *auth)
{
	const struct login *login = (const struct login *)auth;

	if (auth->outcome != CALLER_PASSED) {
		authenticate_refuse(request, auth);
		return;
	}
	request->data = auth;
	login->route->handle(request);
}

/* When the request is complete: hashing cannot begin before. */
static void
log_in(struct request *request)
{
	struct login *login = request->data;

	authenticate(request, &login->auth, logged_in);
}

static void
follow(struct request *request, const struct route *route)
{
	struct login *login;

	request->body_max = route->body_max;
	if (route->login != LOGIN_FIRST && route->body_max == 0) {
		route->handle(request);
		return;
	}
	request->handle = route->handle;
	if (route->login != LOGIN_FIRST)
		return;
	login = arena_zalloc(request->mem, sizeof(*login));
	if (login == NULL) {
		request_refuse(request, 503, "Out of memory.");
		return;
	}
	login->route = route;
	request->data = login;
	request->handle = log_in;
}

/* A path that ends in `*` stands for all that begins with the rest. */
static bool
is_prefix(const struct route *route)
{
	return route->path[strlen(route->path) - 1] == '*';
}

static bool
is_for(const struct route *route, const char *path)
{
	if (is_prefix(route))
		return strncmp(route->path, path, strlen(route->path) - 1) == 0;
	return strcmp(route->path, path) == 0;
}

void
route_head(struct request *request)
{
	unsigned listener = 1u << request->listener->kind;
	unsigned allowed = 0;
	/* A password that came over plain HTTP is not even looked at. */
	bool plain = request->listener->kind == LISTENER_PROXY && !request->secure;

	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		const struct route *route = &routes[i];

		if (!is_for(route, request->path))
			continue;
		if (is_prefix(route)) /* whose address follows is nobody's business */
			request->log_path = route->path;
		if ((route->listeners & listener) == 0 ||
		    (plain && route->login != LOGIN_OVER_HTTP))
			continue;
		if ((route->methods & (1u << request->head->method)) != 0) {
			follow(request, route);
			return;
		}
		allowed |= route->methods;
	}
	if (allowed != 0)
		refuse_method(request, allowed);
	else if (plain)
		request_refuse(request, 403,
		    "Only trusted proxies that say X-Forwarded-Proto: https are answered here.");
	else if (request->head->method == HTTP1_OTHER)
		refuse_method(request, BY(GET) | BY(HEAD) | BY(POST));
	else
		request_refuse(request, 404, "Nothing is here.");
}
