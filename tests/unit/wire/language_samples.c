/* language_samples.c - `language-samples FOLDER N` writes N random documents of each language for a
 * validator. */
#include <stdio.h>
#include <stdlib.h>

#include "random_autoconfig.h"
#include "random_mobilesync.h"
#include "random_pox.h"
#include "random_soap.h"
#include "wire/autoconfig.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"

static int
save(const char *folder, const char *kind, unsigned long i, const struct buf *b)
{
	char path[4096];
	FILE *f;
	int failed;

	(void)snprintf(path, sizeof(path), "%s/%s-%lu.xml", folder, kind, i);
	f = fopen(path, "wb");
	if (f == NULL || b->status != USHER_OK)
		return 1;
	failed = fwrite(b->p, 1, b->n, f) != b->n;
	return fclose(f) != 0 || failed;
}

static const struct question question = { .address = "<x>&y@litware.example" };

static void
mobilesync(struct arena *mem, unsigned long i, struct buf *b)
{
	struct answer a;

	random_mobilesync(mem, i, &a);
	mobilesync_write_response(b, &question, &a);
}

static void
mobilesync_request(struct arena *mem, unsigned long i, struct buf *b)
{
	(void)mem;
	(void)i;
	mobilesync_write_request(b, &question);
}

/* Words that others may invent are only read. */
static void
soap(struct arena *mem, unsigned long i, struct buf *b)
{
	struct answer a;

	random_soap(mem, i, &a);
	if (a.kind == ANSWER_REFUSAL)
		a.refusal.name = NULL;
	write_soap(b, &a);
}

static void
soap_question(struct arena *mem, unsigned long i, struct buf *b)
{
	const struct soap_request request = { .subjects = { &question.address, 1 },
		.message_id = "urn:uuid:1" };

	(void)mem;
	(void)i;
	soap_write_request(b, &request);
}

static void
autoconfig(struct arena *mem, unsigned long i, struct buf *b)
{
	struct answer a;

	random_autoconfig(mem, i, &a);
	autoconfig_write(b, &a);
}

static void
response(struct arena *mem, unsigned long i, struct buf *b)
{
	struct answer a;

	random_answer(mem, i, &a);
	pox_write_response(b, &a);
}

static void
request(struct arena *mem, unsigned long i, struct buf *b)
{
	struct question q;

	random_question(mem, i, &q);
	pox_write_request(b, &q);
}

static const struct {
	const char *name;
	void (*write)(struct arena *mem, unsigned long i, struct buf *b);
} kinds[] = {
	{ "mobilesync", mobilesync },
	{ "mobilesync-request", mobilesync_request },
	{ "soap", soap },
	{ "soap-request", soap_question },
	{ "autoconfig", autoconfig },
	{ "response", response },
	{ "request", request },
};

int
main(int argc, char **argv)
{
	struct arena *mem = arena_new(8 * 1024 * 1024);
	struct buf b = { .max = 1024 * 1024 };
	unsigned long n;

	if (argc != 3 || mem == NULL)
		return 64;
	n = strtoul(argv[2], NULL, 10);
	for (unsigned long i = 0; i < n * COUNT_OF(kinds); i++) {
		arena_reset(mem);
		buf_reset(&b);
		kinds[i / n].write(mem, i % n, &b);
		if (save(argv[1], kinds[i / n].name, i % n, &b) != 0)
			return 1;
	}
	buf_clear(&b);
	arena_free(mem);
	return 0;
}
