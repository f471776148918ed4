/* profile.c - keeps the settings of a mailbox on disk with libusher, and refreshes what is due.
 *
 *	cc profile.c $(pkg-config --cflags --libs libusher) -o profile
 *	USHER_PASSWORD=secret ./profile ann@contoso.example */
#include <stdio.h>
#include <stdlib.h>
#include <usher/profile.h>

static void
show(struct usher_profile *profile)
{
	const struct usher_result *settings = usher_profile_settings(profile);
	size_t n = usher_result_count(settings, USHER_PART_PROTOCOL);
	struct usher_change change = { .size = sizeof(change) };

	for (size_t i = 0; usher_profile_change(profile, USHER_CHANGES_MADE, i, &change); i++)
		printf("%s is now %s\n", change.member,
		    change.after != NULL ? change.after : "gone");
	for (size_t i = 0; i < n; i++) {
		const char *server = usher_result_text(settings, USHER_PART_PROTOCOL, i, "server");

		printf("%-7s %s\n", usher_result_text(settings, USHER_PART_PROTOCOL, i, "type"),
		    server != NULL ? server : "-");
	}
	printf("due again at %lld\n", (long long)usher_profile_due(profile));
}

int
main(int argc, char **argv)
{
	struct usher_profile_options options = USHER_PROFILE_OPTIONS_INIT;
	struct usher_find_options find = USHER_FIND_OPTIONS_INIT;
	struct usher_profile *profile;
	struct usher_error err;
	usher_status status;
	int found;

	if (argc != 2) {
		fprintf(stderr, "usage: profile ADDRESS\n");
		return 64;
	}
	find.password = getenv("USHER_PASSWORD");
	status = usher_profile_open(argv[1], &options, &profile, &err);
	if (status == USHER_E_ABSENT)
		status = usher_profile_new(argv[1], &options, &profile, &err);
	if (status != USHER_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.message);
		return 70;
	}
	/* What is not due costs nothing: this may be run by cron. */
	if (usher_profile_refresh(profile, USHER_REFRESH_DUE, &find, NULL, &err) != USHER_OK)
		fprintf(stderr, "%s: %s\n", argv[1], err.message);
	found = usher_profile_settings(profile) != NULL;
	if (found)
		show(profile);
	usher_profile_free(profile);
	return found ? 0 : 1;
}
