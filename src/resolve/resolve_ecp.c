/* resolve_ecp.c - links into the Exchange Control Panel (pox.md 4.2). */
#include "resolve/resolve_ecp.h"

#define LINK(member) offsetof(struct answer_protocol, member)

/* Clients append a fragment to EcpUrl as text and put values in the place of <names>. */
static const struct {
	size_t offset;	/* of the member in struct answer_protocol */
	unsigned since; /* major version of the server */
	const char *text;
} links[ECP_FRAGMENTS] = {
	{ LINK(ecp_url_um), 14, "?rfr=olk&p=customize/voicemail.aspx&exsvurl=1" },
	{ LINK(ecp_url_aggr), 14, "?rfr=olk&p=personalsettings/EmailSubscriptions.slab&exsvurl=1" },
	{ LINK(ecp_url_mt), 14,
	    "PersonalSettings/DeliveryReport.aspx?rfr=olk&exsvurl=1&IsOWA=<IsOWA>&MsgID=<MsgID>"
	    "&Mbx=<Mbx>" },
	{ LINK(ecp_url_ret), 14, "?rfr=olk&p=organize/retentionpolicytags.slab&exsvurl=1" },
	{ LINK(ecp_url_sms), 14, "?rfr=olk&p=sms/textmessaging.slab&exsvurl=1" },
	{ LINK(ecp_url_publish), 15,
	    "customize/calendarpublishing.slab?rfr=olk&exsvurl=1&FldID=<FldID>" },
	{ LINK(ecp_url_photo), 15,
	    "PersonalSettings/EditAccount.aspx?rfr=olk&chgPhoto=1&exsvurl=1" },
	{ LINK(ecp_url_tm), 15, "?rfr=olk&ftr=TeamMailbox&exsvurl=1" },
	{ LINK(ecp_url_tm_creating), 15,
	    "?rfr=olk&ftr=TeamMailboxCreating&SPUrl=<SPUrl>&Title=<Title>&SPTMAppUrl=<SPTMAppUrl>"
	    "&exsvurl=1" },
	{ LINK(ecp_url_tm_editing), 15, "?rfr=olk&ftr=TeamMailboxEditing&Id=<Id>&exsvurl=1" },
	{ LINK(ecp_url_tm_hiding), 15, "?rfr=olk&ftr=TeamMailboxHiding&Id=<Id>&exsvurl=1" },
	{ LINK(ecp_url_extinstall), 15, "?rfr=olk&p=extension/installedextensions.slab&exsvurl=1" },
};

bool
ecp_make(struct arena *mem, unsigned major, const char *realm, struct ecp *out)
{
	for (size_t i = 0; i < ECP_FRAGMENTS; i++) {
		out->fragments[i] = NULL;
		if (major < links[i].since)
			continue;
		out->fragments[i] = arena_join(mem, links[i].text, "&realm=", realm);
		if (out->fragments[i] == NULL)
			return false;
	}
	return true;
}

void
ecp_put(const struct ecp *ecp, struct answer_protocol *p)
{
	for (size_t i = 0; i < ECP_FRAGMENTS; i++)
		*(const char **)((char *)p + links[i].offset) = ecp->fragments[i];
}
