/* page_text_de.c - the page for people in German. */
#include "wire/page_text.h"

const struct page_text page_text_de = {
	.tag = "de",
	.name = "Deutsch",

	.heading = "Mailprogramm einrichten",
	.intro = "Geben Sie Ihre E-Mail-Adresse ein, und Sie sehen, welche Einstellungen Ihr "
		 "Programm braucht.",
	.label = "Ihre E-Mail-Adresse",
	.hint = "Zum Beispiel $",
	.sample = "name",
	.button = "Einstellungen zeigen",
	.password = "Ihr Passwort ist das, das Sie kennen. Danach fragt hier niemand.",
	.language = "Sprache",
	.help = "Hilfe",
	.contact = "Schreiben Sie an $",

	.error = "Fehler: $",
	.bad_address = "Das ist keine E-Mail-Adresse. Eine sieht so aus: name@example.org.",
	.not_served = "Für $ sind wir nicht zuständig. Stimmt der Teil hinter dem @-Zeichen?",
	.moved = "Die Post von $ ist umgezogen.",
	.moved_link = "Einstellungen für $",
	.elsewhere = "Die Einstellungen für $ liegen an einem anderen Ort. Fügen Sie ein Konto mit "
		     "Ihrer Adresse hinzu: Die meisten Programme finden den Weg von selbst.",
	.nothing = "Für $ gibt es noch keine Einstellungen. Bitte fragen Sie dort nach, wo Sie die "
		   "Adresse bekommen haben.",

	.settings = "Einstellungen für $",
	.another = "Andere Adresse",
	.programs = "Wählen Sie Ihr Programm",
	.all = "Alle Einstellungen",
	.all_intro = "Für jedes andere Programm und zum Vergleichen.",
	.profile = "Profil herunterladen",
	.profile_phone = "Profil für iPhone und iPad herunterladen",
	.profile_mac = "Profil für den Mac herunterladen",
	.install = "Öffnen Sie dann die Einstellungen des Geräts und installieren Sie das Profil dort.",
	.scan = "Mit dem Telefon abfotografieren, um diese Einstellungen dort zu sehen.",
	.code = "QR-Code: die Adresse dieser Seite",
	.incoming = "Posteingang ($)",
	.outgoing = "Postausgang ($)",
	.exchange = "Exchange",
	.further = "Weitere Dienste",
	.user_unknown = "Ihre E-Mail-Adresse oder der Anmeldename, den Sie bekommen haben",
	.activesync = "ActiveSync, für Telefone",
	.ews = "Exchange-Webdienste",
	.webmail = "Mail im Browser",
	.calendar = "Kalender (CalDAV)",
	.contacts = "Kontakte (CardDAV)",
	.files = "Dateien (WebDAV)",
	.filters = "Mailfilter (ManageSieve)",

	.by_password = "Normales Passwort",
	.by_encrypted = "Verschlüsseltes Passwort",
	.by_oauth2 = "Anmeldung auf einer Webseite (OAuth2)",
	.by_certificate = "Zertifikat",
	.by_none = "Keine",

	.labels = {
		.server = "Server",
		.port = "Port",
		.encryption = "Verschlüsselung",
		.user = "Benutzername",
		.login = "Anmeldung",
		.tls = "SSL/TLS",
		.starttls = "STARTTLS",
		.plain = "Keine",
	},
	.thunderbird = {
		.server = "Hostname",
		.port = "Port",
		.encryption = "Verbindungs­sicherheit",
		.user = "Benutzername",
		.login = "Authentifizierungs­methode",
		.tls = "SSL/TLS",
		.starttls = "STARTTLS",
		.plain = "Keine",
	},
	.apple = {
		.server = "Server",
		.port = "Port",
		.encryption = "Verschlüsselung (SSL)",
		.user = "Benutzername",
		.login = "Anmeldung",
		.tls = "Ein",
		.starttls = "Ein",
		.plain = "Aus",
	},
	.program = {
		[PAGE_OUTLOOK] = {
			.name = "Outlook",
			.mail = "Fügen Sie ein Konto hinzu und geben Sie Ihre Adresse ein: Outlook "
				"findet die Einstellungen von selbst. Fragt es nach mehr, wählen Sie "
				"$ und geben dies ein.",
			.exchange = "Fügen Sie ein Konto hinzu und geben Sie Ihre Adresse ein: "
				    "Outlook findet die Einstellungen von selbst und fragt dann nach "
				    "Ihrem Passwort.",
		},
		[PAGE_THUNDERBIRD] = {
			.name = "Thunderbird",
			.mail = "Fügen Sie ein Konto hinzu und geben Sie Ihre Adresse ein: "
				"Thunderbird findet die Einstellungen von selbst. Von Hand wählen Sie "
				"$ und geben dies ein.",
			.exchange = "Fügen Sie ein Konto hinzu und geben Sie Ihre Adresse ein. Bietet "
				    "Thunderbird eine Wahl, nehmen Sie Exchange.",
		},
		[PAGE_APPLE] = {
			.name = "iPhone, iPad, Mac",
			.mail = "Von Hand: Fügen Sie einen Mail-Account eines anderen Anbieters "
				"hinzu, wählen Sie $ und geben dies ein.",
			.exchange = "Von Hand: Fügen Sie einen Account für Exchange hinzu und geben "
				    "Sie Ihre Adresse ein. Wird mehr gefragt, geben Sie dies ein.",
		},
		[PAGE_ANDROID] = {
			.name = "Android",
			.mail = "Fügen Sie in Ihrer Mail-App ein Konto hinzu. Fragt sie nach der Art "
				"des Kontos, wählen Sie $, und geben Sie dies ein.",
			.exchange = "Fügen Sie in Ihrer Mail-App ein Konto hinzu. Fragt sie nach der "
				    "Art des Kontos, wählen Sie Exchange, und geben Sie dies ein.",
		},
	},
};
