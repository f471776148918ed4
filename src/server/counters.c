/* counters.c - what the engine counts, and how it is called in metrics. */
#include <string.h>

#include "server/worker.h"

const struct engine_counter_row engine_counter_rows[ENGINE_COUNTERS] = {
	[COUNT_ACCEPTED] = { "usherd_connections_accepted_total", NULL, "Connections accepted.",
	    false },
	[COUNT_OPEN] = { "usherd_connections_open", NULL, "Connections open now.", true },
	[COUNT_REFUSED_ADDRESS] = { "usherd_connections_refused_total", NULL,
	    "Connections closed because their address had too many.", false },
	[COUNT_PAUSED] = { "usherd_accept_paused_total", NULL,
	    "Times accepting paused for want of room.", false },
	[COUNT_NO_DESCRIPTOR] = { "usherd_descriptors_missing_total", NULL,
	    "Times no file descriptor was left.", false },
	[COUNT_HANDSHAKES] = { "usherd_tls_handshakes_total", NULL, "TLS handshakes done.", false },
	[COUNT_HANDSHAKES_RESUMED] = { "usherd_tls_handshakes_resumed_total", NULL,
	    "TLS handshakes that resumed a session.", false },
	[COUNT_HANDSHAKES_FAILED] = { "usherd_tls_handshakes_failed_total", NULL,
	    "TLS handshakes that failed.", false },
	[COUNT_REQUESTS] = { "usherd_requests_total", NULL, "Requests whose head was read.",
	    false },
	[COUNT_STATUS_2XX] = { "usherd_responses_total", "class=\"2xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_3XX] = { "usherd_responses_total", "class=\"3xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_4XX] = { "usherd_responses_total", "class=\"4xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_5XX] = { "usherd_responses_total", "class=\"5xx\"", "Responses by class.",
	    false },
	[COUNT_MALFORMED] = { "usherd_requests_malformed_total", NULL,
	    "Requests that broke the rules of HTTP.", false },
	[COUNT_LATE_HANDSHAKE] = { "usherd_late_total", "stage=\"handshake\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_HEAD] = { "usherd_late_total", "stage=\"head\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_BODY] = { "usherd_late_total", "stage=\"body\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_WORK] = { "usherd_late_total", "stage=\"work\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_REPLY] = { "usherd_late_total", "stage=\"reply\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_IDLE_CLOSED] = { "usherd_connections_idle_closed_total", NULL,
	    "Connections closed after the idle time.", false },
	[COUNT_DEFERRED] = { "usherd_pool_jobs_total", NULL, "Functions run in the pool.", false },
	[COUNT_POOL_FULL] = { "usherd_pool_full_total", NULL,
	    "Requests refused because the pool's queue was full.", false },
	[COUNT_WAITED] = { "usherd_requests_waited_total", NULL,
	    "Times a request waited for the directory.", false },
	[COUNT_WAITING] = { "usherd_requests_waiting", NULL,
	    "Requests that wait for the directory now.", true },
	[COUNT_BYTES_IN] = { "usherd_received_bytes_total", NULL, "Bytes received, without TLS.",
	    false },
	[COUNT_BYTES_OUT] = { "usherd_sent_bytes_total", NULL, "Bytes sent, without TLS.", false },
};

void
engine_count(const struct engine *engine, uint64_t out[ENGINE_COUNTERS])
{
	memset(out, 0, ENGINE_COUNTERS * sizeof(out[0]));
	for (unsigned i = 0; i < engine->n_workers; i++)
		for (int c = 0; c < ENGINE_COUNTERS; c++)
			out[c] += atomic_load_explicit(
			    &engine->workers[i].counts[c], memory_order_relaxed);
}
