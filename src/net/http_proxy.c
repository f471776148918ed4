/* http_proxy.c - which proxy stands between us and a host. */
#include <stdlib.h>

#include "base/text.h"
#include "net/http.h"

bool
http_has_proxy(bool https)
{
	/* HTTP_PROXY is not among them: a CGI program's request fields could set it. */
	static const char *const names[2][4] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY" },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
	};

	for (size_t i = 0; i < COUNT_OF(names[0]) && names[https][i] != NULL; i++) {
		const char *value = getenv(names[https][i]);

		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}
