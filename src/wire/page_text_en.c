/* page_text_en.c - the page for people in English. */
#include "wire/page_text.h"

const struct page_text page_text_en = {
	.tag = "en",
	.name = "English",

	.heading = "Set up your mail program",
	.intro = "Type your e-mail address to see the settings that your program needs.",
	.label = "Your e-mail address",
	.hint = "For example $",
	.sample = "name",
	.button = "Show settings",
	.password = "Your password is the one you know. Nobody asks for it here.",
	.language = "Language",
	.help = "Help",
	.contact = "Write to $",

	.error = "Error: $",
	.bad_address = "This is not an e-mail address. One looks like name@example.org.",
	.not_served = "We do not serve mail for $. Is the part behind the @ sign right?",
	.moved = "The mail of $ has moved.",
	.moved_link = "Settings for $",
	.elsewhere = "The settings for $ are kept elsewhere. Add an account with your address: "
		     "most programs find the way by themselves.",
	.nothing = "There are no settings for $ yet. Please ask whoever gave you the address.",

	.settings = "Settings for $",
	.another = "Another address",
	.programs = "Choose your program",
	.all = "All settings",
	.all_intro = "For every other program, and to compare.",
	.profile = "Download profile",
	.profile_phone = "Download profile for iPhone and iPad",
	.profile_mac = "Download profile for Mac",
	.install = "Then open the settings of the device and install the profile there.",
	.scan = "Scan this with your phone to see these settings there.",
	.code = "QR code: the address of this page",
	.incoming = "Incoming mail ($)",
	.outgoing = "Outgoing mail ($)",
	.exchange = "Exchange",
	.further = "Further services",
	.user_unknown = "your e-mail address, or the login name you were given",
	.activesync = "ActiveSync, for phones",
	.ews = "Exchange Web Services",
	.webmail = "Mail in the browser",
	.calendar = "Calendar (CalDAV)",
	.contacts = "Contacts (CardDAV)",
	.files = "Files (WebDAV)",
	.filters = "Mail filters (ManageSieve)",

	.by_password = "Normal password",
	.by_encrypted = "Encrypted password",
	.by_oauth2 = "Sign in on a web page (OAuth2)",
	.by_certificate = "Certificate",
	.by_none = "None",

	.labels = {
		.server = "Server",
		.port = "Port",
		.encryption = "Encryption",
		.user = "User name",
		.login = "Login",
		.tls = "SSL/TLS",
		.starttls = "STARTTLS",
		.plain = "None",
	},
	.thunderbird = {
		.server = "Hostname",
		.port = "Port",
		.encryption = "Connection security",
		.user = "Username",
		.login = "Authentication method",
		.tls = "SSL/TLS",
		.starttls = "STARTTLS",
		.plain = "None",
	},
	.apple = {
		.server = "Server",
		.port = "Port",
		.encryption = "Encryption (SSL)",
		.user = "User name",
		.login = "Login",
		.tls = "On",
		.starttls = "On",
		.plain = "Off",
	},
	.program = {
		[PAGE_OUTLOOK] = {
			.name = "Outlook",
			.mail = "Add an account and type your address: Outlook finds the settings by "
				"itself. Should it ask for more, choose $ and type these.",
			.exchange = "Add an account and type your address: Outlook finds the "
				    "settings by itself and then asks for your password.",
		},
		[PAGE_THUNDERBIRD] = {
			.name = "Thunderbird",
			.mail = "Add an account and type your address: Thunderbird finds the "
				"settings by itself. To configure it by hand, choose $ and type "
				"these.",
			.exchange = "Add an account and type your address. Where Thunderbird offers "
				    "a choice, take Exchange.",
		},
		[PAGE_APPLE] = {
			.name = "iPhone, iPad, Mac",
			.mail = "By hand: add a mail account of another provider, choose $ and type "
				"these.",
			.exchange = "By hand: add an account for Exchange and type your address. "
				    "Should it ask for more, type these.",
		},
		[PAGE_ANDROID] = {
			.name = "Android",
			.mail = "Add an account in your mail app. Should it ask for the kind of "
				"account, choose $, and type these.",
			.exchange = "Add an account in your mail app. Should it ask for the kind of "
				    "account, choose Exchange, and type these.",
		},
	},
};
