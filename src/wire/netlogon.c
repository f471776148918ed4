/* netlogon.c - the LDAP ping and the structure that answers it. */
#include "wire/netlogon.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

static const char WHERE[] = "LDAP ping";

/* ---- BER (X.690, 8.1), as far as these messages use it ---- */

enum {
	BER_BOOLEAN = 0x01,
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_ENUMERATED = 0x0a,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	LDAP_SEARCH = 0x63,	  /* [APPLICATION 3] */
	LDAP_SEARCH_ENTRY = 0x64, /* [APPLICATION 4] */
	LDAP_SEARCH_DONE = 0x65,  /* [APPLICATION 5] */
	FILTER_AND = 0xa0,
	FILTER_EQUAL = 0xa3,

	BER_LENGTH_LONG = 0x80,
	BER_LENGTH_OCTETS = 4, /* in the long form; Windows writes all of them */
	LDAP_SUCCESS = 0
};

/* A value: its tag, its length, its content, which is shorter than 64 KB. */
static void
ber_put(struct buf *out, unsigned char tag, struct slice content)
{
	buf_char(out, (char)tag);
	if (content.n > 0xff) {
		buf_char(out, (char)(BER_LENGTH_LONG | 2));
		buf_char(out, (char)(content.n >> 8));
	} else if (content.n >= BER_LENGTH_LONG) {
		buf_char(out, (char)(BER_LENGTH_LONG | 1));
	}
	buf_char(out, (char)(content.n & 0xff));
	buf_slice(out, content);
}

/* Takes the value with `tag` from the front of `from`. */
static bool
ber_take(struct slice *from, unsigned char tag, struct slice *content)
{
	const unsigned char *p = (const unsigned char *)from->p;
	size_t head = 2, n;

	if (from->n < head || p[0] != tag)
		return false;
	n = p[1];
	if (n >= BER_LENGTH_LONG) {
		size_t octets = n - BER_LENGTH_LONG;

		if (octets == 0 || octets > BER_LENGTH_OCTETS || from->n < head + octets)
			return false;
		n = 0;
		for (size_t i = 0; i < octets; i++)
			n = n << 8 | p[head + i];
		head += octets;
	}
	if (n > from->n - head)
		return false;
	*content = slice_from(from->p + head, n);
	*from = slice_skip(*from, head + n);
	return true;
}

static bool
ber_take_number(struct slice *from, unsigned char tag, int64_t *out)
{
	struct slice content;
	int64_t n;

	if (!ber_take(from, tag, &content) || content.n == 0 || content.n > sizeof(int32_t))
		return false;
	n = (signed char)content.p[0];
	for (size_t i = 1; i < content.n; i++)
		n = n * 256 + (unsigned char)content.p[i];
	*out = n;
	return true;
}

/* ---- asking ---- */

static void
put_little_endian(uint32_t n, char out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = (char)(n >> (8 * i) & 0xff);
}

static void
put_equality(struct buf *out, struct buf *part, const char *name, struct slice value)
{
	buf_reset(part);
	ber_put(part, BER_OCTETS, slice_of(name));
	ber_put(part, BER_OCTETS, value);
	if (part->status != USHER_OK) /* which the next use of `part` forgets */
		out->status = part->status;
	ber_put(out, FILTER_EQUAL, buf_as_slice(part));
}

usher_status
netlogon_ask(struct buf *out, int32_t message_id, const char *domain, struct usher_error *err)
{
	static const char zero = 0;
	struct buf part CLEANUP(buf_cleanup) = { .max = NETLOGON_REQUEST_BYTES };
	struct buf filter CLEANUP(buf_cleanup) = { .max = NETLOGON_REQUEST_BYTES };
	struct buf search CLEANUP(buf_cleanup) = { .max = NETLOGON_REQUEST_BYTES };
	struct buf message CLEANUP(buf_cleanup) = { .max = NETLOGON_REQUEST_BYTES };
	const struct buf *made[] = { &part, &filter, &search, &message };
	char version[4], id[4];
	size_t id_at = 0;
	usher_status st = USHER_OK;

	put_little_endian(NETLOGON_NT_VERSION, version);
	if (domain != NULL)
		put_equality(&filter, &part, "DnsDomain", slice_of(domain));
	put_equality(&filter, &part, "NtVer", slice_from(version, sizeof(version)));

	ber_put(&search, BER_OCTETS, slice_of(""));
	ber_put(&search, BER_ENUMERATED, slice_from(&zero, 1)); /* the base alone */
	ber_put(&search, BER_ENUMERATED, slice_from(&zero, 1)); /* no aliases */
	ber_put(&search, BER_INTEGER, slice_from(&zero, 1));	/* no limits of our own */
	ber_put(&search, BER_INTEGER, slice_from(&zero, 1));
	ber_put(&search, BER_BOOLEAN, slice_from(&zero, 1)); /* values too */
	ber_put(&search, FILTER_AND, buf_as_slice(&filter));
	buf_reset(&part);
	ber_put(&part, BER_OCTETS, SLICE_LITERAL("Netlogon"));
	ber_put(&search, BER_SEQUENCE, buf_as_slice(&part));

	for (int i = 0; i < 4; i++)
		id[i] = (char)((uint32_t)message_id >> (24 - 8 * i) & 0xff);
	/* The shortest form (X.690, 8.3.2): no leading octet that the sign of the next one implies.
	 */
	while (id_at < 3 && id[id_at] == 0 && (id[id_at + 1] & 0x80) == 0)
		id_at++;
	ber_put(&message, BER_INTEGER, slice_from(id + id_at, sizeof(id) - id_at));
	ber_put(&message, LDAP_SEARCH, buf_as_slice(&search));
	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(made); i++)
		st = made[i]->status;
	if (st == USHER_OK) {
		ber_put(out, BER_SEQUENCE, buf_as_slice(&message));
		st = out->status;
	}
	if (st == USHER_E_NOMEM)
		return err_nomem(err, WHERE);
	return st == USHER_OK ? st : err_set(err, st, WHERE, "the domain's name is too long");
}

/* The octets of NtVer as RFC 4515 writes them; a domain in A-labels has nothing to escape. */
const char *
netlogon_filter(struct arena *mem, const char *domain)
{
	char version[4];

	put_little_endian(NETLOGON_NT_VERSION, version);
	return arena_printf(mem, "(&%s%s%s(NtVer=\\%02x\\%02x\\%02x\\%02x))",
	    domain == NULL ? "" : "(DnsDomain=", domain == NULL ? "" : domain,
	    domain == NULL ? "" : ")", (unsigned char)version[0], (unsigned char)version[1],
	    (unsigned char)version[2], (unsigned char)version[3]);
}

/* ---- the structure ---- */

enum {
	REPLY = 0x17, /* opcodes of [MS-ADTS] 6.3.1.3 with names */
	REPLY_PAUSED = 0x18,
	REPLY_USER_UNKNOWN = 0x19,
	REPLY_OLD_FIRST = 19, /* layouts of older systems: 19, 20, 21 */
	REPLY_OLD_LAST = 21,

	HEAD_BYTES = 24, /* opcode, padding, flags, GUID */
	TAIL_BYTES = 8,	 /* version and two tokens */
	SOCKADDR_BYTES = 16,
	SOCKADDR_INET = 2,

	LABEL_MAX = 63,
	LABELS_MAX = 128,
	JUMPS_MAX = 10,
	POINTER = 0xc0
};

/* Parts that are there when the reply's own version says so. */
#define WITH_NAMES 0x4u
#define WITH_ADDRESS 0x8u
#define WITH_NEXT_SITE 0x10u

struct reading {
	struct arena *mem;
	const unsigned char *p; /* of the whole value: pointers count from there */
	size_t at, end;		/* what is left of the variable part */
	bool nomem;
};

static uint32_t
little_endian(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A compressed name (RFC 1035, 4.1.4). NetBIOS and site names are one label, whatever signs are in
 * it. *out is NULL for the empty name. False when it is damaged. */
static bool
take_name(struct reading *r, const char **out)
{
	char text[NETLOGON_NAME_BYTES];
	size_t at = r->at, n = 0, jumps = 0;

	for (size_t labels = 0; labels < LABELS_MAX; labels++) {
		size_t length;

		while (at < r->end && (r->p[at] & POINTER) == POINTER) {
			size_t target;

			if (at + 1 >= r->end || jumps == JUMPS_MAX)
				return false;
			target = (size_t)(r->p[at] & ~POINTER) << 8 | r->p[at + 1];
			if (target >= at) /* only backwards: it must end */
				return false;
			if (jumps++ == 0)
				r->at = at + 2;
			at = target;
		}
		if (at >= r->end || r->p[at] > LABEL_MAX)
			return false;
		length = r->p[at++];
		if (length == 0)
			break;
		if (length > r->end - at || n + length + 1 >= sizeof(text))
			return false;
		if (n > 0)
			text[n++] = '.';
		memcpy(text + n, r->p + at, length);
		n += length;
		at += length;
	}
	if (jumps == 0)
		r->at = at;
	if (memchr(text, '\0', n) != NULL || !text_utf8_valid(slice_from(text, n)))
		return false;
	*out = n == 0 ? NULL : arena_copy(r->mem, slice_from(text, n));
	r->nomem = r->nomem || (n > 0 && *out == NULL);
	return true;
}

static bool
take_address(struct reading *r, const char **out)
{
	const unsigned char *p = r->p + r->at + 1;

	if (r->end - r->at < 1 + SOCKADDR_BYTES || r->p[r->at] != SOCKADDR_BYTES)
		return false;
	r->at += 1 + SOCKADDR_BYTES;
	if (p[0] != SOCKADDR_INET || p[1] != 0)
		return true;
	*out = arena_printf(r->mem, "%u.%u.%u.%u", p[4], p[5], p[6], p[7]);
	r->nomem = r->nomem || *out == NULL;
	return true;
}

static bool
take_all(struct reading *r, uint32_t parts, struct dc_answer *out)
{
	const char **names[] = { &out->forest, &out->domain, &out->host, &out->netbios_domain,
		&out->netbios_host, &out->user, &out->dc_site, &out->client_site };

	r->at = HEAD_BYTES;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!take_name(r, names[i]))
			return false;
	}
	if ((parts & WITH_ADDRESS) != 0 && !take_address(r, &out->address))
		return false;
	if ((parts & WITH_NEXT_SITE) != 0 && !take_name(r, &out->next_closest_site))
		return false;
	return r->at == r->end;
}

usher_status
netlogon_read(struct arena *mem, struct slice value, struct dc_answer *out, struct usher_error *err)
{
	struct reading r = { .mem = mem, .p = (const unsigned char *)value.p, .end = value.n };
	struct dc_answer answer = { .named = true };
	unsigned opcode;
	uint32_t version;

	if (value.n < 2)
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer is empty");
	opcode = r.p[0] | (unsigned)r.p[1] << 8;
	if (opcode >= REPLY_OLD_FIRST && opcode <= REPLY_OLD_LAST) {
		*out = (struct dc_answer){ .named = false };
		return USHER_OK;
	}
	if (opcode != REPLY && opcode != REPLY_PAUSED && opcode != REPLY_USER_UNKNOWN)
		return err_set(err, USHER_E_INPUT, WHERE,
		    "the controller's answer is of kind %u, "
		    "which nobody has defined",
		    opcode);
	if (value.n < HEAD_BYTES + 8 + TAIL_BYTES || little_endian(r.p + r.end - 4) != UINT32_MAX)
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer is cut off");
	r.end -= TAIL_BYTES;
	version = little_endian(r.p + r.end);
	if ((version & WITH_NAMES) == 0)
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer has no names");
	answer.paused = opcode == REPLY_PAUSED;
	answer.flags = little_endian(r.p + 4);
	guid_from_windows(r.p + 8, answer.domain_guid);
	/* FreeIPA up to 4.1.2 wrote both optional parts and announced neither. */
	if (!take_all(&r, version, &answer) &&
	    !take_all(&r, version | WITH_ADDRESS | WITH_NEXT_SITE, &answer))
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer is damaged");
	if (r.nomem)
		return err_nomem(err, WHERE);
	*out = answer;
	return USHER_OK;
}

/* ---- the messages ---- */

/* Takes one message off `reply`: its operation's tag and content. */
static usher_status
take_message(struct slice *reply, int32_t message_id, unsigned char *tag, struct slice *content,
    struct usher_error *err)
{
	struct slice message;
	int64_t id;

	if (!ber_take(reply, BER_SEQUENCE, &message) ||
	    !ber_take_number(&message, BER_INTEGER, &id) || message.n == 0)
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer is no LDAP");
	if (id != message_id)
		return err_set(err, USHER_E_CONFLICT, WHERE, "an answer to another question");
	*tag = (unsigned char)message.p[0];
	return ber_take(&message, *tag, content) ?
		   USHER_OK :
		   err_set(err, USHER_E_INPUT, WHERE, "the controller's answer is cut off");
}

/* Bytes of the message at the front; 0 when its head is not there yet, SIZE_MAX when it is none. */
static size_t
message_bytes(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t octets, n = 0;

	if (s.n > 0 && p[0] != BER_SEQUENCE)
		return SIZE_MAX;
	if (s.n < 2)
		return 0;
	if (p[1] < BER_LENGTH_LONG)
		return 2 + (size_t)p[1];
	octets = p[1] - BER_LENGTH_LONG;
	if (octets == 0 || octets > BER_LENGTH_OCTETS)
		return SIZE_MAX;
	if (s.n < 2 + octets)
		return 0;
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | p[2 + i];
	return n > NETLOGON_REPLY_BYTES ? SIZE_MAX : 2 + octets + n;
}

bool
netlogon_is_whole(struct slice received)
{
	for (;;) {
		size_t n = message_bytes(received);
		struct slice message = received, content;
		int64_t id;

		if (n == SIZE_MAX)
			return true;
		if (n == 0 || n > received.n)
			return false;
		if (!ber_take(&message, BER_SEQUENCE, &content) ||
		    !ber_take_number(&content, BER_INTEGER, &id) || content.n == 0 ||
		    (unsigned char)content.p[0] == LDAP_SEARCH_DONE)
			return true;
		received = slice_skip(received, n);
	}
}

/* The first value of the attribute; an entry may have none. */
static bool
entry_value(struct slice entry, struct slice *value)
{
	struct slice name, attributes, attribute, values;

	*value = slice_from(NULL, 0);
	if (!ber_take(&entry, BER_OCTETS, &name) || !ber_take(&entry, BER_SEQUENCE, &attributes))
		return false;
	while (attributes.n > 0) {
		if (!ber_take(&attributes, BER_SEQUENCE, &attribute) ||
		    !ber_take(&attribute, BER_OCTETS, &name) ||
		    !ber_take(&attribute, BER_SET, &values))
			return false;
		if (slice_is_nocase(name, "Netlogon") && values.n > 0)
			return ber_take(&values, BER_OCTETS, value);
	}
	return true;
}

usher_status
netlogon_read_reply(struct arena *mem, struct slice reply, int32_t message_id,
    struct dc_answer *out, struct usher_error *err)
{
	struct slice content, value = { NULL, 0 };
	unsigned char tag;
	int64_t code;
	usher_status st = take_message(&reply, message_id, &tag, &content, err);

	if (st == USHER_OK && tag == LDAP_SEARCH_ENTRY) {
		if (!entry_value(content, &value))
			return err_set(
			    err, USHER_E_INPUT, WHERE, "the controller's entry is damaged");
		st = take_message(&reply, message_id, &tag, &content, err);
	}
	if (st != USHER_OK)
		return st;
	if (tag != LDAP_SEARCH_DONE || !ber_take_number(&content, BER_ENUMERATED, &code))
		return err_set(err, USHER_E_INPUT, WHERE, "the controller's answer has no end");
	if (code != LDAP_SUCCESS)
		return err_set(err, USHER_E_INPUT, WHERE,
		    "the controller refuses the search with code %d", (int)code);
	if (value.n == 0)
		return err_set(
		    err, USHER_E_ABSENT, WHERE, "the controller does not serve this domain");
	return netlogon_read(mem, value, out, err);
}
