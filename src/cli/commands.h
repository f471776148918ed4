/* commands.h - the table of commands. A new command is its row here and in commands.c. */
#ifndef USHER_CLI_COMMANDS_H
#define USHER_CLI_COMMANDS_H

#include "cli/command.h"

/* In the order in which the help shows them; ends with NULL. */
extern const struct command *const commands[];

/* Commands of two words and more stand in the overview under their first. */
struct command_group {
	const char *name, *summary;
};

extern const struct command_group command_groups[]; /* ends with a NULL name */

extern const struct command cmd_apply, cmd_ca_init, cmd_ca_issue, cmd_ca_remove, cmd_ca_root,
    cmd_ca_show, cmd_cert_disable, cmd_cert_enable, cmd_cert_export, cmd_cert_import, cmd_cert_list,
    cmd_cert_new, cmd_cert_remove, cmd_cert_renew, cmd_cert_request, cmd_cert_show, cmd_diff,
    cmd_export, cmd_find, cmd_help, cmd_mailbox_import, cmd_mailbox_password, cmd_plan,
    cmd_profile_create, cmd_profile_list, cmd_profile_refresh, cmd_profile_remove,
    cmd_profile_repair, cmd_profile_report, cmd_profile_show, cmd_profile_watch, cmd_scp_check,
    cmd_scp_list, cmd_scp_pointer, cmd_scp_publish, cmd_scp_remove, cmd_scp_set, cmd_setup,
    cmd_status, cmd_version;

#endif
