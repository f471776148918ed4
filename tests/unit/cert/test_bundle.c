/* test_bundle.c - files as others write them: read whole, or refused with the right word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/pkcs12.h"
#include "fixtures.h"

/* A root, an intermediate, a leaf; and their files of all kinds. */
static const char script[] =
    "ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "ext() { printf \"$2\" >$1.ext; }\n"
    "ec root; ec ca; ec leaf; ec other\n"
    "ext ca 'basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash\\n'\n"
    "ext leaf 'subjectAltName=DNS:mail.contoso.com\\nextendedKeyUsage=serverAuth\\n'\n"
    "openssl req -new -x509 -key root.key -subj /CN=Root -days 9 -out root.pem\n"
    "req() { openssl req -new -key $1.key -subj /CN=$2 -out $1.csr; }\n"
    "req ca Issuing; req leaf mail.contoso.com\n"
    "openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 9 -extfile ca.ext -out "
    "ca.pem\n"
    "openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -days 9 -extfile leaf.ext -out "
    "leaf.pem\n"
    "openssl req -new -x509 -key other.key -subj /CN=Other -days 9 -out other.pem\n"
    /* PEM */
    "cat root.pem leaf.pem ca.pem >disordered.pem\n"
    "cat leaf.key root.pem ca.pem leaf.pem other.pem >all.pem\n"
    "cat leaf.pem leaf.pem ca.pem >twice.pem\n"
    "cat other.key leaf.pem >stranger.pem\n"
    "(printf '\\357\\273\\277subject=x\\n'; sed 's/$/\\r/' leaf.pem) >crlf.pem\n"
    "iconv -f ascii -t utf-16 disordered.pem >utf16.pem\n"
    "grep -v -- ----- leaf.pem >naked.txt\n"
    "openssl x509 -in leaf.pem -trustout -addtrust serverAuth -out trusted.pem\n"
    "openssl x509 -in leaf.pem -text >text.pem\n"
    "openssl ec -in leaf.key -aes128 -passout pass:secret -out sealed.key\n"
    "cat sealed.key leaf.pem >sealed.pem\n"
    "openssl pkcs8 -topk8 -in leaf.key -passout pass:secret -out sealed8.key\n"
    "openssl pkcs8 -topk8 -v1 PBE-SHA1-RC2-40 -provider legacy -provider default -in leaf.key "
    "-passout pass:secret -out rc2.key\n"
    "openssl pkcs8 -topk8 -scrypt -in leaf.key -passout pass:secret -out scrypt.key\n"
    "openssl ec -in leaf.key -des -provider legacy -provider default -passout pass:secret "
    "-out des.key\n"
    "openssl pkcs8 -topk8 -nocrypt -in leaf.key -out plain8.key\n"
    "openssl pkcs8 -topk8 -nocrypt -in leaf.key -outform der -out plain8.der\n"
    "openssl pkcs8 -topk8 -in leaf.key -outform der -passout pass:secret -out sealed8.der\n"
    /* DER and PKCS #7 */
    "for i in leaf ca root; do openssl x509 -in $i.pem -outform der -out $i.der; done\n"
    "cat leaf.der ca.der >two.der\n"
    "(cat leaf.der; echo) >newline.der\n"
    "openssl crl2pkcs7 -nocrl -certfile disordered.pem -out p7.pem\n"
    "openssl crl2pkcs7 -nocrl -certfile disordered.pem -outform der -out p7.der\n"
    "sed 's/PKCS7/CERTIFICATE/' p7.pem >certutil.pem\n"
    "openssl crl2pkcs7 -nocrl -out empty.p7b\n"
    /* PKCS #12 */
    "cat ca.pem root.pem >up.pem\n"
    "p12() { f=$1; p=$2; shift 2; openssl pkcs12 -export -inkey leaf.key -in leaf.pem "
    "-certfile up.pem -name 'The Mail' -passout \"pass:$p\" -out $f.p12 \"$@\"; }\n"
    "p12 modern secret\n"
    "p12 legacy secret -legacy\n"
    "p12 triple secret -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1\n"
    "p12 plain secret -keypbe NONE -certpbe NONE\n"
    "p12 nomac secret -nomac\n"
    "p12 empty ''\n"
    "p12 emptylegacy '' -legacy\n"
    "p12 unicode 'pässwört €'\n"
    "p12 unicodelegacy 'pässwört €' -legacy\n"
    /* OpenSSL before 1.1.0: a character for each byte of the UTF-8 */
    "p12 old \"$(printf 'p\\303\\203\\302\\244ss')\" -legacy\n"
    /* a terminal in Latin-1 */
    "p12 latin \"$(printf 'p\\344ss')\"\n"
    "p12 long secret -iter 65536\n"
    "openssl pkcs12 -export -nokeys -in leaf.pem -certfile up.pem -passout pass:secret "
    "-out nokey.p12\n"
    "openssl base64 -in modern.p12 -out b64.p12\n";

static struct arena *mem;
static const char *leaf, *ca, *root, *other;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new(256 * 1024 * 1024);
	if (mem == NULL || fixtures_make(script) != 0)
		return -1;
	leaf = fixture(mem, "leaf.pem").p;
	ca = fixture(mem, "ca.pem").p;
	root = fixture(mem, "root.pem").p;
	other = fixture(mem, "other.pem").p;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return fixtures_drop();
}

struct read {
	usher_status st;
	struct bundle b;
	struct buf key;
	struct usher_error err;
};

static struct read
read_bytes(struct slice bytes, const char *password)
{
	struct read r = { 0 };
	struct secret secret = { 0 };

	buf_init(&r.key, CERT_KEY_BYTES);
	assert_true(secret_set(&secret, slice_of(password)));
	r.st = bundle_read(mem, bytes, &secret, &r.b, &r.key, &r.err);
	secret_clear(&secret);
	if (r.st != USHER_OK)
		assert_int_equal(r.key.n, 0);
	return r;
}

static void
test_files(void **state)
{
	enum { KEY = 1, ROOT = 2, NAME = 4 };
	static const struct {
		const char *file, *password;
		int n, has;
		const char *note; /* part of one; NULL: there is none */
	} rows[] = {
		{ "leaf.pem", NULL, 1, 0, NULL },
		{ "disordered.pem", NULL, 2, ROOT, NULL },
		{ "all.pem", NULL, 2, KEY | ROOT, "1 certificate in it has no part" },
		{ "twice.pem", NULL, 2, 0, NULL },
		{ "crlf.pem", NULL, 1, 0, NULL },
		{ "utf16.pem", NULL, 2, ROOT, NULL },
		{ "naked.txt", NULL, 1, 0, NULL },
		{ "trusted.pem", NULL, 1, 0, NULL },
		{ "text.pem", NULL, 1, 0, NULL },
		{ "sealed.pem", "secret", 1, KEY, NULL },
		{ "leaf.der", NULL, 1, 0, NULL },
		{ "two.der", NULL, 2, 0, NULL },
		{ "newline.der", NULL, 1, 0, NULL },
		{ "p7.pem", NULL, 2, ROOT, NULL },
		{ "p7.der", NULL, 2, ROOT, NULL },
		{ "certutil.pem", NULL, 2, ROOT, NULL },
		{ "modern.p12", "secret", 2, KEY | ROOT | NAME, NULL },
		{ "b64.p12", "secret", 2, KEY | ROOT | NAME, NULL },
		{ "legacy.p12", "secret", 2, KEY | ROOT | NAME, "RC2 with 40 bits" },
		{ "triple.p12", "secret", 2, KEY | ROOT | NAME, "3DES" },
		{ "plain.p12", "secret", 2, KEY | ROOT | NAME, NULL },
		{ "nomac.p12", "secret", 2, KEY | ROOT | NAME, "no MAC" },
		{ "empty.p12", NULL, 2, KEY | ROOT | NAME, NULL },
		{ "emptylegacy.p12", NULL, 2, KEY | ROOT | NAME, "RC2" },
		{ "unicode.p12", "pässwört €", 2, KEY | ROOT | NAME, NULL },
		{ "unicodelegacy.p12", "pässwört €", 2, KEY | ROOT | NAME, "RC2" },
		{ "old.p12", "päss", 2, KEY | ROOT | NAME, "RC2" },
		{ "latin.p12", "päss", 2, KEY | ROOT | NAME, NULL },
		{ "nokey.p12", "secret", 2, ROOT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct read r = read_bytes(fixture(mem, rows[i].file), rows[i].password);
		const char *pem = rows[i].n == 1 ? leaf : arena_join(mem, leaf, ca);
		bool noted = false;

		if (r.st != USHER_OK)
			fail_msg(
			    "%s: %s: %s", rows[i].file, usher_status_name(r.st), r.err.message);
		if (strcmp(r.b.pem, pem) != 0 || r.b.n != (size_t)rows[i].n)
			fail_msg("%s: another chain: %s", rows[i].file, r.b.pem);
		if ((rows[i].has & ROOT) == 0 ? r.b.root != NULL :
						r.b.root == NULL || strcmp(r.b.root, root) != 0)
			fail_msg("%s: root %s", rows[i].file, r.b.root);
		if (((rows[i].has & KEY) != 0) != (r.key.n > 0))
			fail_msg("%s: key: %zu bytes", rows[i].file, r.key.n);
		if (r.key.n > 0)
			assert_int_equal(
			    cert_key_fits(buf_as_slice(&r.key), slice_of(leaf), NULL), USHER_OK);
		if ((rows[i].has & NAME) != 0 && strcmp(r.b.friendly_name, "The Mail") != 0)
			fail_msg("%s: %s", rows[i].file, r.b.friendly_name);
		for (size_t k = 0; k < r.b.notes.n; k++)
			noted = noted || rows[i].note == NULL ||
				strstr(r.b.notes.v[k], rows[i].note) != NULL;
		if (noted != (rows[i].note != NULL))
			fail_msg("%s: note: %s", rows[i].file,
			    r.b.notes.n == 0 ? "none" : r.b.notes.v[0]);
		buf_wipe(&r.key);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *file, *password;
		usher_status wanted;
		const char *message; /* part of it */
	} rows[] = {
		{ "modern.p12", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "modern.p12", NULL, USHER_E_CREDENTIALS, "give its password" },
		{ "legacy.p12", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "nomac.p12", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "plain.p12", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "empty.p12", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "unicode.p12", "pässwört", USHER_E_CREDENTIALS, "wrong" },
		{ "sealed.pem", "wrong", USHER_E_CREDENTIALS, "wrong" },
		{ "sealed.pem", NULL, USHER_E_CREDENTIALS, "give its password" },
		{ "stranger.pem", NULL, USHER_E_CONFLICT, "belongs to none" },
		{ "leaf.key", NULL, USHER_E_INPUT, "a key in it, but no certificate" },
		{ "leaf.csr", NULL, USHER_E_INPUT, "no certificate in it" },
		{ "empty.p7b", NULL, USHER_E_INPUT, "no certificate in it" },
		{ "leaf.ext", NULL, USHER_E_INPUT, "neither PEM nor DER" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct read r = read_bytes(fixture(mem, rows[i].file), rows[i].password);

		if (r.st != rows[i].wanted || strstr(r.err.message, rows[i].message) == NULL)
			fail_msg("%s with %s: %s: %s", rows[i].file, rows[i].password,
			    usher_status_name(r.st), r.err.message);
	}
}

static void
test_bytes(void **state)
{
	static const struct {
		const char *name;
		struct slice bytes;
		const char *message;
	} rows[] = {
		{ "empty", { "", 0 }, "empty" },
		{ "text", SLICE_LITERAL("hello, world"), "neither PEM nor DER" },
		{ "JKS", SLICE_LITERAL("\xfe\xed\xfe\xed\0\0\0\2"), "Java keystore" },
		{ "ssh", SLICE_LITERAL("ssh-ed25519 AAAA"), "OpenSSH" },
		{ "word of base64", SLICE_LITERAL("hello"), "neither PEM nor DER" },
		{ "sequence", SLICE_LITERAL("\x30\x81\x80\2\1\0"), "cut off" },
		{ "begin alone", SLICE_LITERAL("-----BEGIN CERTIFICATE-----\nMIIB"), "damaged" },
		{ "odd UTF-16", SLICE_LITERAL("\xff\xfe-\0-"), "neither PEM nor DER" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct read r = read_bytes(rows[i].bytes, NULL);

		if (r.st != USHER_E_INPUT || strstr(r.err.message, rows[i].message) == NULL)
			fail_msg(
			    "%s: %s: %s", rows[i].name, usher_status_name(r.st), r.err.message);
	}
	assert_int_equal(
	    read_bytes(slice_from(arena_zalloc(mem, BUNDLE_BYTES + 1), BUNDLE_BYTES + 1), NULL).st,
	    USHER_E_LIMIT);
}

/* A small file that asks for hours of work. */
static void
test_rounds(void **state)
{
	static const char from[] = "\2\3\1\0", to[] = "\2\3\x7f\xff\xff";
	struct slice whole = fixture(mem, "long.p12");
	char *changed = arena_copy(mem, whole);
	char *at = changed;
	struct read r;

	(void)state;
	while ((at = memmem(at, whole.n - (size_t)(at - changed), from, sizeof(from))) != NULL)
		memcpy(at, to, sizeof(from));
	r = read_bytes(slice_from(changed, whole.n), "secret");
	assert_int_equal(r.st, USHER_E_LIMIT);
	assert_non_null(strstr(r.err.message, "rounds"));
}

/* What was cut off or changed on its way is never taken for a wrong password, unless the part that
 * is encrypted differs as a whole. */
static void
test_damage(void **state)
{
	static const char *const files[] = { "leaf.der", "p7.der", "modern.p12", "legacy.p12" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct slice whole = fixture(mem, files[i]);
		char *changed = arena_copy(mem, whole);
		struct read r;

		for (size_t n = 8; n < whole.n; n += whole.n / 16) {
			r = read_bytes(slice_from(whole.p, n), "secret");
			if (r.st != USHER_E_INPUT || strstr(r.err.message, "cut off") == NULL)
				fail_msg("%s, %zu of %zu bytes: %s: %s", files[i], n, whole.n,
				    usher_status_name(r.st), r.err.message);
		}
		/* In the midst of what is encrypted or signed. */
		changed[whole.n / 3] ^= 1;
		r = read_bytes(slice_from(changed, whole.n), "secret");
		if (i >= 2 && (r.st != USHER_E_INPUT || strstr(r.err.message, "damaged") == NULL))
			fail_msg("%s, changed: %s: %s", files[i], usher_status_name(r.st),
			    r.err.message);
		buf_wipe(&r.key);
	}
}

static void
test_no_legacy_provider(void **state)
{
	struct read r;

	(void)state;
	(void)setenv("OPENSSL_MODULES", folder, 1);
	r = read_bytes(fixture(mem, "legacy.p12"), "secret");
	assert_int_equal(r.st, USHER_E_UNAVAILABLE);
	assert_non_null(strstr(r.err.message, "legacy provider"));
	r = read_bytes(fixture(mem, "triple.p12"), "secret");
	assert_int_equal(r.st, USHER_OK);
	buf_wipe(&r.key);
	(void)unsetenv("OPENSSL_MODULES");
}

static void
test_keys(void **state)
{
	static const struct {
		const char *file, *password;
		usher_status wanted;
	} rows[] = {
		{ "leaf.key", NULL, USHER_OK },
		{ "all.pem", NULL, USHER_OK },
		{ "plain8.key", NULL, USHER_OK },
		{ "plain8.der", NULL, USHER_OK },
		{ "sealed.key", "secret", USHER_OK },
		{ "sealed8.key", "secret", USHER_OK },
		{ "sealed8.der", "secret", USHER_OK },
		{ "rc2.key", "secret", USHER_OK },
		{ "des.key", "secret", USHER_OK },
		{ "scrypt.key", "secret", USHER_OK },
		{ "sealed.key", "wrong", USHER_E_CREDENTIALS },
		{ "sealed8.key", NULL, USHER_E_CREDENTIALS },
		{ "rc2.key", "wrong", USHER_E_CREDENTIALS },
		{ "des.key", "wrong", USHER_E_CREDENTIALS },
		{ "leaf.pem", NULL, USHER_E_ABSENT },
		{ "leaf.der", NULL, USHER_E_ABSENT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		struct usher_error err = { 0 };
		struct buf pem;
		usher_status st;

		buf_init(&pem, CERT_KEY_BYTES);
		assert_true(secret_set(&password, slice_of(rows[i].password)));
		st = cert_key_read(fixture(mem, rows[i].file), &password, &pem, &err);
		if (st != rows[i].wanted)
			fail_msg("%s with %s: %s: %s", rows[i].file, rows[i].password,
			    usher_status_name(st), err.message);
		if (st == USHER_OK) {
			assert_int_equal(
			    cert_key_fits(buf_as_slice(&pem), slice_of(leaf), NULL), USHER_OK);
			assert_int_equal(cert_key_fits(buf_as_slice(&pem), slice_of(other), NULL),
			    USHER_E_CONFLICT);
			assert_false(cert_key_is_encrypted(buf_as_slice(&pem)));
		}
		secret_clear(&password);
		buf_wipe(&pem);
	}
}

/* What we write, we and openssl read. */
static void
test_written(void **state)
{
	static const struct {
		const char *password;
		enum pkcs12_form form;
		const char *option;
	} rows[] = {
		{ "secret", PKCS12_MODERN, "" },
		{ "secret", PKCS12_LEGACY, "" },
		{ NULL, PKCS12_MODERN, "" },
		{ NULL, PKCS12_LEGACY, "" },
		{ "pässwört €", PKCS12_MODERN, "" },
		{ "pässwört €", PKCS12_LEGACY, "" },
	};
	struct slice key = fixture(mem, "leaf.key");
	const char *chain = arena_join(mem, leaf, ca);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		struct usher_error err = { 0 };
		struct buf file;
		struct read r;
		usher_status st;

		buf_init(&file, BUNDLE_BYTES);
		assert_true(secret_set(&password, slice_of(rows[i].password)));
		st = pkcs12_write(
		    slice_of(chain), key, "Größe", &password, rows[i].form, &file, &err);
		secret_clear(&password);
		if (st != USHER_OK)
			fail_msg("%zu: %s: %s", i, usher_status_name(st), err.message);
		r = read_bytes(buf_as_slice(&file), rows[i].password);
		if (r.st != USHER_OK)
			fail_msg("%zu: %s: %s", i, usher_status_name(r.st), r.err.message);
		assert_string_equal(r.b.pem, chain);
		assert_string_equal(r.b.friendly_name, "Größe");
		assert_int_equal(r.b.notes.n, rows[i].form == PKCS12_LEGACY);
		assert_int_equal(fixture_write("ours.p12", buf_as_slice(&file)), 0);
		assert_int_equal(system(arena_printf(mem,
				     "openssl pkcs12 -in ours.p12 -noenc -passin 'pass:%s' 2>&1 "
				     "| grep -q 'BEGIN PRIVATE KEY'",
				     rows[i].password == NULL ? "" : rows[i].password)),
		    0);
		buf_wipe(&r.key);
		buf_wipe(&file);
	}
	assert_int_equal(
	    pkcs12_write(slice_of(other), key, NULL, NULL, PKCS12_MODERN, &(struct buf){ 0 }, NULL),
	    USHER_E_CONFLICT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_no_legacy_provider),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
