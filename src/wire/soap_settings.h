/* soap_settings.h - every UserSettingName, and where its value lies in an answer: one row serves
 * reader and writer (soap.md 5). */
#ifndef USHER_WIRE_SOAP_SETTINGS_H
#define USHER_WIRE_SOAP_SETTINGS_H

#include "model/answer.h"
#include "wire/notes.h"
#include "wire/xml.h"

struct soap_setting;

/* By its name, letter case counting; NULL when nothing is called so. */
const struct soap_setting *
soap_setting_find(const char *name);

/* Writes the name of each setting, as such an element. */
void
soap_settings_write_names(struct xml_writer *w, const char *element);

/* The answer has a value for it. */
bool
soap_setting_present(const struct soap_setting *setting, const struct answer *answer);

/* Writes the setting, which must be present, with its type, name and value, as UserSetting or
 * (`of_domain`, only texts) DomainSetting. */
void
soap_setting_write(struct xml_writer *w, const struct soap_setting *setting, bool of_domain,
    const struct answer *answer);

/* Reads all the settings that are children of `node`. The answer must be initialised.
 * Returns USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
soap_settings_read(struct arena *mem, const struct xml_node *node, struct answer *out,
    struct notes *notes, struct usher_error *err);

#endif
