/* link.c - notices that this machine's network has become another one. */
#include "net/link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

struct link_watch {
	int fd;
	uint64_t first_ms, last_ms; /* announcements not yet looked at; 0: none */
	bool routed;		    /* a default route is among them */
	uint64_t state;		    /* of the addresses when they were last looked at */
};

/* ---- the addresses in use ---- */

/* Sums do not depend on the order in which addresses are listed. */
static uint64_t
hashed(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static uint64_t
address_hash(const struct ifaddrs *a)
{
	const uint64_t h = hashed(0xcbf29ce484222325u, a->ifa_name, strlen(a->ifa_name));
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (a->ifa_addr->sa_family == AF_INET) {
		memcpy(&in, a->ifa_addr, sizeof(in));
		return hashed(h, &in.sin_addr, sizeof(in.sin_addr));
	}
	if (a->ifa_addr->sa_family != AF_INET6)
		return 0;
	memcpy(&in6, a->ifa_addr, sizeof(in6));
	/* There is one on each link, whatever it leads to. */
	if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
		return 0;
	return hashed(h, &in6.sin6_addr, sizeof(in6.sin6_addr));
}

static uint64_t
present_state(void)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING;
	struct ifaddrs *all = NULL;
	uint64_t sum = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		if (a->ifa_addr != NULL && (a->ifa_flags & wanted) == wanted &&
		    (a->ifa_flags & IFF_LOOPBACK) == 0)
			sum += address_hash(a);
	}
	freeifaddrs(all);
	return sum;
}

/* ---- announcements ---- */

usher_status
link_watch_new(struct link_watch **out, struct usher_error *err)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	struct link_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(err, "netlink");
	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->fd < 0 || bind(w->fd, (const struct sockaddr *)&groups, sizeof(groups)) != 0) {
		usher_status st = err_set(err, USHER_E_NETWORK, "netlink", "%s", strerror(errno));

		link_watch_free(w);
		return st;
	}
	w->state = present_state();
	*out = w;
	return USHER_OK;
}

void
link_watch_free(struct link_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

int
link_watch_fd(const struct link_watch *w)
{
	return w->fd;
}

static bool
is_default_route(struct nlmsghdr *m)
{
	const struct rtmsg *route = NLMSG_DATA(m);

	return (m->nlmsg_type == RTM_NEWROUTE || m->nlmsg_type == RTM_DELROUTE) &&
	       m->nlmsg_len >= NLMSG_LENGTH(sizeof(*route)) && route->rtm_dst_len == 0 &&
	       route->rtm_table != RT_TABLE_LOCAL;
}

void
link_watch_read(struct link_watch *w, uint64_t now_ms)
{
	_Alignas(struct nlmsghdr) char bytes[16 * 1024];
	ssize_t n;

	while ((n = recv(w->fd, bytes, sizeof(bytes), 0)) > 0 ||
	       (n < 0 && (errno == ENOBUFS || errno == EINTR))) {
		size_t left = n < 0 ? 0 : (size_t)n;

		w->last_ms = now_ms;
		w->first_ms = w->first_ms == 0 ? now_ms : w->first_ms;
		for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)bytes; NLMSG_OK(m, left);
		     m = NLMSG_NEXT(m, left))
			w->routed = w->routed || is_default_route(m);
	}
}

uint64_t
link_watch_wake_ms(const struct link_watch *w)
{
	uint64_t quiet_ms = w->last_ms + LINK_QUIET_MS;
	uint64_t latest_ms = w->first_ms + LINK_PATIENCE_MS;

	if (w->first_ms == 0)
		return UINT64_MAX;
	return quiet_ms < latest_ms ? quiet_ms : latest_ms;
}

bool
link_watch_changed(struct link_watch *w, uint64_t now_ms)
{
	uint64_t before = w->state;
	bool routed = w->routed;

	if (now_ms < link_watch_wake_ms(w))
		return false;
	w->first_ms = 0;
	w->last_ms = 0;
	w->routed = false;
	w->state = present_state();
	return routed || w->state != before;
}
