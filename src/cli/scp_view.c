/* scp_view.c - the connection points of a forest as one of its computers finds them. */
#include "cli/scp_view.h"

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"

static usher_status
read_forest(struct cli *cli, const struct forest_args *forest, struct scp_view *out,
    struct usher_error *err)
{
	struct forest f = { 0 };
	usher_status st = forest_open(cli, forest, &f, err);

	if (st == USHER_OK)
		st = scp_read(
		    f.link, cli->mem, f.configuration, false, FOREST_IN_ALL_MS, &out->list, err);
	if (st == USHER_OK)
		st = forest_sites_read(cli, &f, &out->sites, err);
	forest_close(&f);
	return st;
}

static usher_status
find_site(
    struct cli *cli, const struct scp_view_args *args, struct scp_view *v, struct usher_error *err)
{
	const char *key;

	v->site = args->site;
	if (args->client != NULL)
		return forest_sites_at(&v->sites, args->client, &v->site, err);
	if (args->site == NULL || v->sites.n == 0)
		return USHER_OK;
	key = text_fold_copy(cli->mem, slice_of(args->site));
	if (key == NULL)
		return err_nomem(err, "scp");
	if (!forest_sites_have(&v->sites, key))
		cli_note("the forest has no site %s: none of its computers is there", args->site);
	return USHER_OK;
}

usher_status
scp_view_read(struct cli *cli, const struct forest_args *forest, const struct scp_view_args *args,
    struct scp_view *out, struct usher_error *err)
{
	struct scp_view v = { .site = NULL };
	const char *domain = "";
	usher_status st = USHER_OK;

	if (args->site != NULL && args->client != NULL)
		return err_set(err, USHER_E_USAGE, NULL, "--site and --client exclude each other");
	if (args->domain != NULL)
		st = domain_parse(cli->mem, slice_of(args->domain), &domain, err);
	if (st == USHER_E_ADDRESS)
		st = err_set(err, USHER_E_USAGE, args->domain, "is no mail domain");
	if (st == USHER_OK)
		st = read_forest(cli, forest, &v, err);
	if (st == USHER_OK)
		st = find_site(cli, args, &v, err);
	if (st != USHER_OK)
		return st;
	st = scp_order(
	    cli->mem, v.list.records, v.list.n, domain, v.site, args->strict_site, &v.order);
	if (st != USHER_OK)
		return err_nomem(err, "scp");
	*out = v;
	return USHER_OK;
}
