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
	.root = {
		.heading = "Install our root certificate",
		.intro = "Our servers show certificates of an authority of our own. Programs warn of "
			 "them until this device knows the root certificate of that authority.",
		.scope = "A device that has it trusts every server with a certificate of this "
			 "authority. It can issue them for the names below and for no others.",
		.any_scope = "A device that has it trusts every server with a certificate of this "
			     "authority, and it can issue them for any name there is, your bank's "
			     "too. Install it only if you trust those who run it with that.",
		.compare = "Anybody between you and us could have put another file here. So compare "
			   "the fingerprint before you install it with one that you got in another "
			   "way: on paper, by telephone, from somebody you know.",
		.sha256 = "Fingerprint (SHA-256)",
		.sha1 = "Fingerprint (SHA-1)",
		.until = "Valid until",
		.names = "Issues for",
		.systems = "Choose your system",
		.certificate = "Download certificate",
		.profile = "Download profile",
		.scan = "Scan this with your phone to open this page there.",
		.code = "QR code: the address of this page",
		.link = "Programs warn of our certificate? Install our root certificate",
		.remove = "To take it back, remove the certificate or the profile in the same place.",
		.system = {
			[PAGE_WINDOWS] = {
				.name = "Windows",
				.steps = {
					{ "Download the certificate and open the file." },
					{ "Choose “Install Certificate”, then “Current User”, or "
					  "“Local Machine” for all who use this computer." },
					{ "Choose “Place all certificates in the following store”, "
					  "“Browse”, and “Trusted Root Certification Authorities”." },
					{ "Windows asks once more and shows the SHA-1 fingerprint. "
					  "Compare it and say “Yes”." },
					{ "In a domain, an administrator does this once for all "
					  "computers, by Group Policy." },
				},
			},
			[PAGE_IOS] = {
				.name = "iPhone, iPad",
				.steps = {
					{ "Open this page in Safari and download the profile." },
					{ "In Settings, tap “Profile Downloaded”, then “Install”. “More "
					  "Details”, “Certificate” shows the fingerprint." },
					{ "In Settings, “General”, “About”, “Certificate Trust Settings”, "
					  "switch on full trust for it." },
				},
			},
			[PAGE_MAC] = {
				.name = "Mac",
				.steps = {
					{ "Download the profile and open the file." },
					{ "In System Settings, search for “Profiles”, select it, "
					  "compare the fingerprint and choose “Install”." },
					{ "If programs still warn: in Keychain Access, find the "
					  "certificate, open it, and under “Trust” choose “Always "
					  "Trust”." },
				},
			},
			[PAGE_ANDROID_SYSTEM] = {
				.name = "Android",
				.steps = {
					{ "Download the certificate." },
					{ "In Settings, search for “CA certificate”, and choose "
					  "“Install anyway”." },
					{ "Choose the file. Compare the fingerprint under “Trusted "
					  "credentials”, “User”." },
					{ "Some apps trust no certificates that people install; "
					  "browsers and most mail apps do." },
				},
			},
			[PAGE_FIREFOX] = {
				.name = "Firefox, Thunderbird",
				.steps = {
					{ "On Windows, Mac and Android they know what the system "
					  "knows: see there. On Linux they keep a list of their own." },
					{ "Download the certificate. In Firefox a window opens; "
					  "continue with the last step there." },
					{ "In Settings, search for certificates, choose “View "
					  "Certificates” or “Manage Certificates”, “Authorities”, "
					  "“Import”, and the file." },
					{ "Compare the fingerprint under “View”, and tick “Trust this CA "
					  "to identify websites”." },
				},
			},
			[PAGE_LINUX] = {
				.name = "Linux",
				.steps = {
					{ "Download the certificate, and compare:",
					  "openssl x509 -in $.pem -noout -fingerprint -sha256" },
					{ "On Debian and Ubuntu:",
					  "sudo install -m 644 $.pem /usr/local/share/ca-certificates/$.crt && sudo update-ca-certificates" },
					{ "On Fedora, Red Hat, SUSE and Arch:", "sudo trust anchor $.pem" },
				},
			},
		},
	},
};
