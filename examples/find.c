/* find.c - finds the settings of a mailbox with libusher, and waits for them.
 *
 *	cc find.c $(pkg-config --cflags --libs libusher) -o find
 *	USHER_PASSWORD=secret ./find ann@contoso.example */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usher/find.h>

/* Asked at most once, for a host whose certificate is good. */
static int
give_password(const struct usher_challenge *challenge, struct usher_credentials *out, void *payload)
{
	const char *password = getenv("USHER_PASSWORD");

	(void)payload;
	fprintf(stderr, "%s asks for the password of %s\n", challenge->host, out->login);
	if (password == NULL || strlen(password) >= sizeof(out->password))
		return USHER_NO;
	strcpy(out->password, password);
	return USHER_YES;
}

/* A person would be asked here. */
static int
refuse(const struct usher_redirect *redirect, void *payload)
{
	(void)payload;
	fprintf(stderr, "%s sends us on to %s: not followed\n", redirect->from, redirect->to);
	return USHER_NO;
}

static void
show_settings(const struct usher_result *result)
{
	size_t n = usher_result_count(result, USHER_PART_PROTOCOL);

	printf("told by %s\n", usher_result_text(result, USHER_PART_FIND, 0, "url"));
	for (size_t i = 0; i < n; i++) {
		const char *server = usher_result_text(result, USHER_PART_PROTOCOL, i, "server");
		int64_t port = usher_result_number(result, USHER_PART_PROTOCOL, i, "port");

		printf("%-7s %s", usher_result_text(result, USHER_PART_PROTOCOL, i, "type"),
		    server != NULL ? server : "-");
		if (port >= 0)
			printf(":%lld", (long long)port);
		putchar('\n');
	}
}

static void
show_attempts(const struct usher_result *result)
{
	size_t n = usher_result_count(result, USHER_PART_ATTEMPT);

	printf("%s\n", usher_result_text(result, USHER_PART_FIND, 0, "reason"));
	for (size_t i = 0; i < n; i++)
		printf("  %s: %s\n", usher_result_text(result, USHER_PART_ATTEMPT, i, "url"),
		    usher_result_text(result, USHER_PART_ATTEMPT, i, "reason"));
}

int
main(int argc, char **argv)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct usher_result *result;
	struct usher_error err;
	enum usher_outcome outcome;

	if (argc != 2) {
		fprintf(stderr, "usage: find ADDRESS\n");
		return 64;
	}
	options.credentials = give_password;
	options.trust = refuse;
	if (usher_find(argv[1], &options, &result, &err) != USHER_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.message);
		return 70;
	}
	outcome = usher_result_outcome(result);
	if (outcome == USHER_FOUND)
		show_settings(result);
	else
		show_attempts(result);
	usher_result_free(result);
	return outcome;
}
