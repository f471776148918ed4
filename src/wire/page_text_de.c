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
	.root = {
		.heading = "Unser Stammzertifikat installieren",
		.intro = "Unsere Server zeigen Zertifikate einer eigenen Zertifizierungsstelle. "
			 "Programme warnen davor, bis dieses Gerät deren Stammzertifikat kennt.",
		.scope = "Ein Gerät, das es hat, vertraut jedem Server mit einem Zertifikat dieser "
			 "Stelle. Ausstellen kann sie es für die Namen unten und für keine anderen.",
		.any_scope = "Ein Gerät, das es hat, vertraut jedem Server mit einem Zertifikat dieser "
			     "Stelle, und ausstellen kann sie es für jeden Namen, auch für den Ihrer "
			     "Bank. Installieren Sie es nur, wenn Sie den Betreibern so weit "
			     "vertrauen.",
		.compare = "Jemand zwischen Ihnen und uns könnte hier eine andere Datei hingelegt "
			   "haben. Vergleichen Sie deshalb vor der Installation den Fingerabdruck mit "
			   "einem, den Sie auf anderem Weg bekommen haben: auf Papier, am Telefon, von "
			   "jemandem, den Sie kennen.",
		.sha256 = "Fingerabdruck (SHA-256)",
		.sha1 = "Fingerabdruck (SHA-1)",
		.until = "Gültig bis",
		.names = "Stellt aus für",
		.systems = "Wählen Sie Ihr System",
		.certificate = "Zertifikat herunterladen",
		.profile = "Profil herunterladen",
		.scan = "Mit dem Telefon abfotografieren, um diese Seite dort zu öffnen.",
		.code = "QR-Code: die Adresse dieser Seite",
		.link = "Programme warnen vor unserem Zertifikat? Unser Stammzertifikat installieren",
		.remove = "Um es zurückzunehmen, entfernen Sie das Zertifikat oder das Profil an "
			  "derselben Stelle.",
		.system = {
			[PAGE_WINDOWS] = {
				.name = "Windows",
				.steps = {
					{ "Laden Sie das Zertifikat herunter und öffnen Sie die "
					  "Datei." },
					{ "Wählen Sie „Zertifikat installieren“, dann „Aktueller "
					  "Benutzer“ oder, für alle an diesem Computer, „Lokaler "
					  "Computer“." },
					{ "Wählen Sie „Alle Zertifikate in folgendem Speicher "
					  "speichern“, „Durchsuchen“ und „Vertrauenswürdige "
					  "Stammzertifizierungsstellen“." },
					{ "Windows fragt noch einmal und zeigt den "
					  "SHA-1-Fingerabdruck. Vergleichen Sie ihn und sagen Sie "
					  "„Ja“." },
					{ "In einer Domäne erledigt das die Administration einmal "
					  "für alle Computer, mit einer Gruppenrichtlinie." },
				},
			},
			[PAGE_IOS] = {
				.name = "iPhone, iPad",
				.steps = {
					{ "Öffnen Sie diese Seite in Safari und laden Sie das Profil "
					  "herunter." },
					{ "Tippen Sie in den Einstellungen auf „Profil geladen“ und "
					  "auf „Installieren“. „Mehr Details“, „Zertifikat“ zeigt "
					  "den Fingerabdruck." },
					{ "Schalten Sie unter Einstellungen, „Allgemein“, „Info“, "
					  "„Zertifikatsvertrauenseinstellungen“ das volle Vertrauen "
					  "dafür ein." },
				},
			},
			[PAGE_MAC] = {
				.name = "Mac",
				.steps = {
					{ "Laden Sie das Profil herunter und öffnen Sie die Datei." },
					{ "Suchen Sie in den Systemeinstellungen nach „Profile“, "
					  "wählen Sie es aus, vergleichen Sie den Fingerabdruck und "
					  "wählen Sie „Installieren“." },
					{ "Warnen Programme weiter: Suchen Sie in der "
					  "Schlüsselbundverwaltung das Zertifikat, öffnen Sie es und "
					  "wählen Sie unter „Vertrauen“ „Immer vertrauen“." },
				},
			},
			[PAGE_ANDROID_SYSTEM] = {
				.name = "Android",
				.steps = {
					{ "Laden Sie das Zertifikat herunter." },
					{ "Suchen Sie in den Einstellungen nach „CA-Zertifikat“ und "
					  "wählen Sie „Trotzdem installieren“." },
					{ "Wählen Sie die Datei. Vergleichen Sie den Fingerabdruck "
					  "unter „Vertrauenswürdige Anmeldedaten“, „Nutzer“." },
					{ "Manche Apps vertrauen keinen Zertifikaten, die jemand "
					  "installiert hat; Browser und die meisten Mail-Apps tun "
					  "es." },
				},
			},
			[PAGE_FIREFOX] = {
				.name = "Firefox, Thunderbird",
				.steps = {
					{ "Unter Windows, Mac und Android kennen sie, was das System "
					  "kennt: siehe dort. Unter Linux führen sie eine eigene "
					  "Liste." },
					{ "Laden Sie das Zertifikat herunter. In Firefox geht ein "
					  "Fenster auf; weiter mit dem letzten Schritt." },
					{ "Suchen Sie in den Einstellungen nach „Zertifikate“, "
					  "wählen Sie „Zertifikate anzeigen“ oder „Zertifikate "
					  "verwalten“, „Zertifizierungsstellen“, „Importieren“ und "
					  "die Datei." },
					{ "Vergleichen Sie unter „Ansicht“ den Fingerabdruck und "
					  "haken Sie an, dass dieser Stelle bei Websites vertraut "
					  "wird." },
				},
			},
			[PAGE_LINUX] = {
				.name = "Linux",
				.steps = {
					{ "Laden Sie das Zertifikat herunter und vergleichen Sie:",
					  "openssl x509 -in $.pem -noout -fingerprint -sha256" },
					{ "Unter Debian und Ubuntu:",
					  "sudo install -m 644 $.pem /usr/local/share/ca-certificates/$.crt && sudo update-ca-certificates" },
					{ "Unter Fedora, Red Hat, SUSE und Arch:",
					  "sudo trust anchor $.pem" },
				},
			},
		},
	},
};
