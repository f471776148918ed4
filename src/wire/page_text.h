/* page_text.h - what the page for people says, in each of its languages.
 *
 * A language is one file, page_text_TAG.c, and its line in page_text.c. Every member is a text in
 * UTF-8 without markup; what stands in the place of a `$` is told at its side. */
#ifndef USHER_WIRE_PAGE_TEXT_H
#define USHER_WIRE_PAGE_TEXT_H

/* How a program calls what it asks for, and the values of one. */
struct page_labels {
	const char *server, *port, *encryption, *user, *login;
	const char *tls, *starttls, *plain; /* values of `encryption` */
};

enum page_program { PAGE_OUTLOOK = 0, PAGE_THUNDERBIRD, PAGE_APPLE, PAGE_ANDROID, PAGE_PROGRAMS };

struct page_program_text {
	const char *name;
	const char *mail;     /* what to do for IMAP, POP3 and SMTP; $: IMAP or POP3 */
	const char *exchange; /* what to do for Exchange */
};

/* Systems on which the root of a private authority is installed. */
enum page_system {
	PAGE_WINDOWS = 0,
	PAGE_IOS,
	PAGE_MAC,
	PAGE_ANDROID_SYSTEM,
	PAGE_FIREFOX,
	PAGE_LINUX,
	PAGE_SYSTEMS
};

enum { PAGE_STEPS = 5 };

struct page_step {
	const char *text;    /* NULL after the last */
	const char *command; /* to type; $: name of the file without its end; NULL: none */
};

struct page_system_text {
	const char *name;
	struct page_step steps[PAGE_STEPS];
};

/* The page of roots. */
struct page_root_text {
	const char *heading, *intro;
	const char *scope;     /* what it means; what stands behind it are the names */
	const char *any_scope; /* the same without limit */
	const char *compare;   /* before it is installed */
	const char *sha256, *sha1, *until, *names; /* rows of a table */
	const char *systems;
	const char *certificate, *profile; /* links that download; $: name of the authority */
	const char *scan, *code;	   /* see struct page_text */
	const char *link;		   /* to this page, from the other */
	const char *remove;
	struct page_system_text system[PAGE_SYSTEMS];
};

struct page_text {
	const char *tag;  /* BCP 47, lower case: `en` */
	const char *name; /* of the language, in itself */

	/* the question */
	const char *heading, *intro;
	const char *label, *hint, *sample; /* $ of hint: a sample, `name@example.org` */
	const char *button;
	const char *password; /* that nobody asks for it */
	const char *language; /* what the links to other languages are for */
	const char *help;     /* link to a page that tells more */
	const char *contact;  /* $: address of people who help */

	/* instead of settings */
	const char *error;		/* $: heading; a title that says so */
	const char *bad_address;	/* of no form that an address has */
	const char *not_served;		/* $: domain */
	const char *moved, *moved_link; /* $: domain, new address */
	const char *elsewhere;		/* $: domain; its settings are kept by another host */
	const char *nothing;		/* $: domain; it is served, but there are none */

	/* settings */
	const char *settings; /* $: address */
	const char *another;  /* link back to the question */
	const char *programs, *all, *all_intro;
	const char *profile, *profile_phone, *profile_mac; /* links that download it */
	const char *install;				   /* what to do then */
	const char *scan;				   /* beside the code */
	const char *code;		 /* what the code is, for those who cannot see it */
	const char *incoming, *outgoing; /* $: IMAP, SMTP */
	const char *exchange, *further;
	const char *user_unknown; /* where only an administrator knows the login name */
	const char *activesync, *ews, *webmail, *calendar, *contacts, *files, *filters;

	/* ways to log in, by the words of struct answer_protocol */
	const char *by_password, *by_encrypted, *by_oauth2, *by_certificate, *by_none;

	/* A program has its own only where its words are known: a reader who looks for what does
	 * not stand there gives up. */
	struct page_labels labels; /* for every other program */
	struct page_labels thunderbird;
	struct page_labels apple; /* encryption is a switch there */
	struct page_program_text program[PAGE_PROGRAMS];
	struct page_root_text root;
};

enum { PAGE_TEXTS = 2 };

/* The first is for readers of no language that we speak. */
extern const struct page_text *const page_texts[PAGE_TEXTS];

/* Declared for page_text.c alone. */
extern const struct page_text page_text_en, page_text_de;

#endif
