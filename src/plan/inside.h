/* inside.h - what the files of the plan share: its state, and who may change what.
 *
 * plan.c       the search from its beginning to its end: which step is next
 * precedence.c who may overtake whom, what nobody needs any more, and whether it is decided
 * mailbox.c    the sources of a mailbox: which are asked, from which URL, from when on
 * lane.c       one source's way: from state to state, from URL to URL
 * response.c   what the answer of a host means
 * locate.c     the hosts that SRV records and directories name
 * name.c       names and their addresses, looked up once
 * json.c       questions and answers of Autodiscover V2
 * login.c      challenges, and who gets the password
 * redirect.c   whether a redirect may be followed
 * record.c     the attempts, in words for people */
#ifndef USHER_PLAN_INSIDE_H
#define USHER_PLAN_INSIDE_H

#include "model/scp_order.h"
#include "plan/challenge.h"
#include "plan/plan.h"
#include "plan/source.h"

enum {
	ADDRESSES_MAX = PLAN_REDIRECTS_MAX + 1,
	LANES_MAX = SOURCE_ROWS_MAX * ADDRESSES_MAX,
	NAMES_MAX = 64 /* further ones are looked up each time */
};

enum lane_state {
	LANE_READ = 0, /* wants the local file */
	LANE_SEARCH,   /* wants a directory's connection points */
	LANE_LOCATE,   /* wants SRV records */
	LANE_RESOLVE,  /* wants its host's addresses */
	LANE_ASK,      /* wants to ask without credentials, or to probe */
	LANE_LOGIN,    /* wants to ask with credentials */
	LANE_CONSENT,  /* wants somebody's word on a redirect */
	LANE_WON,      /* has settings, or an address to go on with */
	LANE_LOST
};

/* One source under way for one mailbox: at one URL at a time, from its first one through all
 * redirects. */
struct lane {
	const struct source_row *row;
	const struct address *address; /* the mailbox it asks for */
	enum lane_state state;
	uint64_t since_ms; /* when it came into this state */

	/* precedence */
	bool yields;	       /* wins only when every better one has lost */
	bool fallback;	       /* not needed as a rule: shown when it does something */
	bool late;	       /* may begin as soon as the autodiscover host has lost */
	uint64_t begin_ms;     /* while a better one has hope; UINT64_MAX: never before */
	uint64_t ready_ms;     /* when it knew its first host: its own grace counts from here */
	bool promising;	       /* something there knows of Autodiscover … */
	uint64_t promising_ms; /* … since then; its betters' grace counts from here */

	uint32_t id; /* of the step under way for this state; 0: none yet */
	uint64_t deadline_ms;
	bool stopped; /* PLAN_STOP was given */

	struct url url;
	enum language language;
	struct text_list addresses; /* of the URL's host */
	size_t first_hops;	    /* redirects behind the mailbox … */
	size_t hops;		    /* … and behind the URL: those included */
	bool from_public;	    /* one of them told by a host with a public address */
	bool asked;		    /* it has done more than look up names */
	struct attempt *attempt;    /* the one it is making */
	bool shown;		    /* it is in the record */
	struct visited *visit;	    /* the same for the plan, once it has asked */
	struct challenge challenge; /* LANE_LOGIN */
	enum auth_scheme scheme;    /* LANE_LOGIN: by which it logs in */

	/* hosts that SRV records or a directory name: tried one after the other */
	const char *name; /* of the records, or of the directory */
	const char **targets;
	size_t n_targets;
	size_t next_target;
	bool at_target;			  /* until it sets out: it is the record that sends us on */
	const struct scp_record **points; /* of a directory: for each target, what names it … */
	const enum scp_tier *tiers;	  /* … and how near that is */
	const char *way;		  /* how the last one was reached; NULL: nothing to say */
	bool unsafe;			  /* on the way to them somebody may have put in others */
	const char *directory;		  /* the one that answered last */
	const char *directories[2 * (PLAN_POINTERS_MAX + 1)]; /* named and searched so far */
	size_t n_directories;
	size_t pointers; /* followed */

	/* a redirect, waiting for consent or already allowed */
	struct url next_url;
	enum language next_language;
	const struct address *next_address; /* NULL: next_url */
	const char *next_host;		    /* the host or domain to be trusted */

	/* Autodiscover V2 alone: what has been told, protocol by protocol */
	struct answer_protocol *told;
	size_t n_told;
	struct attempt *told_by; /* the last */
	size_t next_protocol;

	const struct answer *answer; /* LANE_WON: settings; NULL: next_address */
};

enum phase { PHASE_RUNNING = 0, PHASE_CLEARING, PHASE_DONE };

/* May it go where it is sent? */
enum verdict {
	VERDICT_FOLLOW = 0,
	VERDICT_ASK,	/* no rule covers it */
	VERDICT_UNSAFE, /* the rules forbid it */
	VERDICT_USELESS /* leads nowhere new */
};

/* Who has been asked what, and whether the host was there at all. */
struct visited {
	const struct address *address;
	struct url url;
	enum language language;
	enum plan_failure failure;
};

/* A host's addresses: looked up once for all lanes. */
struct name {
	const char *host;
	bool known; /* else somebody is looking it up */
	enum plan_failure failure;
	const char *error; /* as an attempt shows it */
	struct text_list addresses;
};

struct word {
	const char *host; /* or domain */
	bool yes;
};

/* Logins at a host: what it was seen to offer, and what came to nothing there. */
struct host_logins {
	const char *host;
	unsigned seen, failed; /* SCHEME_BIT()s */
	bool refused;	       /* something was; the next refusal is final */
};

struct find {
	const struct attempt *attempt; /* NULL: nothing */
	const struct answer *answer;
	const char *address;
	enum language language;
};

struct plan {
	struct arena *mem;
	struct plan_options options;
	usher_status status; /* sticky: USHER_E_NOMEM */
	enum phase phase;
	uint64_t start_ms;
	uint64_t end_ms;
	uint32_t last_id;

	struct lane *lanes[LANES_MAX]; /* best first */
	size_t n_lanes;
	const struct lane *winner; /* while clearing; NULL: nobody */
	struct url last_known_good;

	/* the mailboxes asked for, the present one last; trusted domains are theirs */
	const struct address *addresses[ADDRESSES_MAX];
	size_t n_addresses;
	struct visited visited[PLAN_ATTEMPTS_MAX];
	size_t n_visited;
	struct name names[NAMES_MAX];
	size_t n_names;
	struct word words[PLAN_ATTEMPTS_MAX]; /* what was said to PLAN_CONSENT */
	size_t n_words;

	/* the password's record */
	size_t failures;
	bool password_bad; /* not sent any more */
	const char *failed_at;
	const char *refused_realms[PLAN_REFUSALS_MAX]; /* where a 401 refused it */
	size_t n_refused;
	struct host_logins logins[PLAN_ATTEMPTS_MAX + PLAN_OFFERS_MAX];
	size_t n_logins;

	struct attempt *attempts[PLAN_ATTEMPTS_MAX];
	size_t n_attempts;

	const char *site;    /* the computer's; NULL: unknown */
	bool no_more_points; /* of directories: they have sent us to a mailbox of before */

	/* how it would end if nothing better came: the first reason for each outcome */
	const char *why[OUTCOME_UNAVAILABLE + 1];
	struct find refusal; /* the first */
	struct find found;
	enum plan_outcome outcome;
};

static inline const struct address *
plan_address(const struct plan *p)
{
	return p->addresses[p->n_addresses - 1];
}

/* ---- precedence.c ---- */

/* Some better source may still win. */
bool
precedence_has_rival(const struct plan *p, const struct lane *l);

/* Until when a better source may overtake `l`; UINT64_MAX: as long as one has hope. */
uint64_t
precedence_overtaken_until(const struct plan *p, const struct lane *l);

/* Lets everybody go on who needs no step for that, and looks whether the search is decided. */
void
precedence_settle(struct plan *p, uint64_t now_ms);

/* ---- mailbox.c ---- */

/* The sources of `address`, after so many redirects, take the place behind the first `at` lanes. */
void
mailbox_begin(
    struct plan *p, const struct address *address, size_t at, size_t hops, uint64_t now_ms);

/* ---- name.c ---- */

/* NULL: nobody has asked for it, or there is no room to remember. */
const struct name *
name_find(const struct plan *p, const char *host);

/* Somebody begins to look it up, for all. */
void
name_ask(struct plan *p, const char *host);

/* Puts what came of it into the words of the record. */
void
name_read(struct plan *p, const struct plan_resolution *what, struct name *out);

/* It is known now to everybody. */
void
name_tell(struct plan *p, const struct name *name);

/* Those that the whole Internet can reach. */
struct text_list
name_public(struct plan *p, const struct text_list *addresses);

/* ---- lane.c ---- */

/* Sets out for `url`. Loses at once when there is no room for another attempt. */
void
lane_begin(
    struct plan *p, struct lane *l, const struct url *url, enum language language, uint64_t now_ms);

/* It is still where its source led, and not where that sent it. */
static inline bool
lane_at_source(const struct lane *l)
{
	return l->hops == l->first_hops;
}

/* It is a web site's, which has no reason to know of Autodiscover. */
static inline bool
lane_at_web_site(const struct lane *l)
{
	return l->row->web_site && lane_at_source(l);
}

/* It has neither won nor lost. */
static inline bool
lane_has_hope(const struct lane *l)
{
	return l->state != LANE_LOST && l->state != LANE_WON;
}

/* Its URL is asked for the status line and the fields alone. */
bool
lane_only_probes(const struct lane *l);

/* An attempt at something that is no URL of http. */
void
lane_begin_look_up(
    struct plan *p, struct lane *l, enum lane_state state, const char *what, uint64_t now_ms);

/* In LANE_RESOLVE: its name has been looked up, by it or by another. */
void
lane_named(struct plan *p, struct lane *l, const struct name *name, uint64_t now_ms);

/* The step of its state begins: fills in *step. False when it cannot: the lane is lost. */
bool
lane_start(struct plan *p, struct lane *l, uint64_t now_ms, struct plan_step *step);

void
lane_resolved(struct plan *p, struct lane *l, const struct plan_resolution *what, uint64_t now_ms);

/* Goes where it was sent, or asks whether it may, or loses for that `reason`. */
void
lane_act_on(
    struct plan *p, struct lane *l, enum verdict verdict, const char *reason, uint64_t now_ms);

void
lane_consented(struct plan *p, struct lane *l, bool yes, uint64_t now_ms);

/* The last word when the search is over: not needed any more, or out of time. */
void
lane_close(struct plan *p, struct lane *l, uint64_t now_ms);

/* Not needed any more. */
void
lane_cancel(struct plan *p, struct lane *l, const char *reason, uint64_t now_ms);

/* Ends without an answer: the attempt gets its result and reason, and `outcome` its first reason;
 * OUTCOME_FOUND for none. `format` is the reason. While the round runs, the next SRV record is
 * tried. */
void
lane_lose(struct plan *p, struct lane *l, uint64_t now_ms, enum attempt_result result,
    enum plan_outcome outcome, const char *format, ...) PRINTF_LIKE(6, 7);

void
lane_lose_by_failure(
    struct plan *p, struct lane *l, enum plan_failure failure, const char *detail, uint64_t now_ms);

/* Its attempt has come to nothing: goes on with the next host or protocol, if there is one. */
void
lane_pass_on(struct plan *p, struct lane *l, uint64_t now_ms);

/* Its next state begins. */
void
lane_enter(struct lane *l, enum lane_state state, uint64_t now_ms);

/* For l->url, as l->attempt; NULL loses. */
void
lane_set_out(struct lane *l, uint64_t now_ms);

/* A redirect, a demand for a login or settings: it is worth its betters' hurry. */
void
lane_note_promise(struct lane *l, uint64_t now_ms);

void
lane_finish_attempt(struct plan *p, struct lane *l, enum attempt_result result, const char *reason,
    uint64_t now_ms);

/* What a step failed by: we only ever stop one that took too long, or that nobody needs. */
enum plan_failure
lane_failure(const struct lane *l, enum plan_failure failure);

/* ---- response.c ---- */

void
lane_responded(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms);

/* Settings: it has done its part. */
void
lane_win(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms);

/* A document says where to go on, and in which language. */
void
lane_send_on(
    struct plan *p, struct lane *l, const char *target, enum language language, uint64_t now_ms);

/* ---- locate.c ---- */

/* Sets out for the SRV records below the mail domain. */
void
lane_locate(struct plan *p, struct lane *l, uint64_t now_ms);

void
lane_located(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms);

/* Sets out for the connection points in a directory. */
void
lane_search(struct plan *p, struct lane *l, const char *directory, uint64_t now_ms);

void
lane_searched(struct plan *p, struct lane *l, const struct plan_finding *what, uint64_t now_ms);

/* Asks l->url, which a record names, if that is allowed. */
void
lane_judge_target(struct plan *p, struct lane *l, uint64_t now_ms);

/* After a loss: sets out for the next host, if there is one. */
void
lane_next_target(struct plan *p, struct lane *l, uint64_t now_ms);

/* ---- login.c ---- */

/* A 401 to a request without credentials. */
void
login_challenged(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms);

/* A 401 to one with them. */
void
login_refused(struct plan *p, struct lane *l, uint64_t now_ms);

/* A request with credentials came to nothing. */
void
login_failed(struct plan *p, const struct lane *l);

/* l->scheme came to nothing before anything was proved to the host. */
void
login_unable(struct plan *p, struct lane *l, const char *detail, uint64_t now_ms);

/* In LANE_LOGIN: some scheme is left that has not failed here, nor so often that the password must
 * be wrong. */
bool
login_has_hope(const struct plan *p, const struct lane *l);

/* Without hope: loses, for it has failed elsewhere. */
void
login_give_up(struct plan *p, struct lane *l, uint64_t now_ms);

/* That scheme; SCHEME_NONE without hope. */
enum auth_scheme
login_scheme(const struct plan *p, const struct lane *l);

/* What a host offers, or once did. */
void
login_note_offer(struct plan *p, const char *host, unsigned schemes);

/* The record learns from the outcome whether the password can have left us. */
void
login_note_sent(struct lane *l, const struct plan_response *what);

/* ---- json.c ---- */

/* The URL of the question for l->address, at `origin` (`https://HOST[:PORT]`); NULL when out of
 * memory. */
const char *
json_url(struct plan *p, const struct lane *l, const char *origin);

/* A document in LANGUAGE_JSON_V2. */
void
json_document(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms);

/* After a loss: the host may know other protocols. */
void
json_next(struct plan *p, struct lane *l, uint64_t now_ms);

/* ---- redirect.c ---- */

/* Judges where `l` is sent: a Location against its URL (`in_document` false), or a redirectUrl.
 * FOLLOW and ASK fill in l->next_*; the others give the reason. */
enum verdict
redirect_url(
    struct plan *p, struct lane *l, const char *target, bool in_document, const char **reason);

/* The same for redirectAddr. */
enum verdict
redirect_address(struct plan *p, struct lane *l, const char *target, const char **reason);

/* Its source's word is enough: the caller's, or a directory's that nobody can have forged. */
bool
redirect_at_trusted(const struct lane *l);

/* The host may be asked whatever its addresses: somebody chose it and nobody else sent us there. */
bool
redirect_chosen(const struct plan *p, const struct lane *l);

/* The same for l->url, which an SRV record or a directory names. */
enum verdict
redirect_target(struct plan *p, struct lane *l, const char **reason);

/* That mailbox is or was asked for. */
bool
redirect_asked_for(const struct plan *p, const struct address *address);

/* l->next_host is within the domain of a mailbox that is or was asked for. */
bool
redirect_same_site(const struct plan *p, const struct lane *l);

/* The URL has been asked for that mailbox in that language. */
bool
redirect_been_there(
    const struct plan *p, const struct lane *l, const struct url *url, enum language language);

/* Remembers what somebody said about a host or domain. */
void
redirect_word(struct plan *p, const char *host, bool yes);

/* NULL: nothing yet. */
const struct word *
redirect_said(const struct plan *p, const char *host);

/* ---- record.c ---- */

/* A new attempt, l->attempt too; NULL when there is no memory or no room. It is shown when the
 * source does something: fallbacks that nobody needed are no part of the record. */
struct attempt *
record_begin(struct plan *p, struct lane *l, uint64_t now_ms);

/* It is part of the record from now on, if it was not. */
void
record_show(struct plan *p, struct lane *l, uint64_t now_ms);

/* The attempt at target `i`: the connection point that names it. */
void
record_point(struct plan *p, struct lane *l, size_t i);

/* How the directory was reached, in front of what it says; "" when there is nothing to say. */
const char *
record_way(struct plan *p, const struct lane *l);

/* Copies what was seen into it. */
void
record_response(struct plan *p, struct attempt *a, const struct plan_response *what);

/* Text from outside, fit to be shown: a copy without control bytes and broken UTF-8, cut at
 * URL_MAX_BYTES. NULL for NULL. */
const char *
record_text(struct plan *p, const char *text);

/* As a part of a URL; NULL when out of memory. */
const char *
record_escaped(struct plan *p, const char *text);

struct text_list
record_list(struct plan *p, const struct text_list *list);

/* The meaning of a failure. */
struct failure_row {
	enum attempt_result result;
	enum plan_outcome outcome;	    /* what it says about the whole */
	enum plan_outcome web_site_outcome; /* the same where silence means nothing */
	const char *text;
};

const struct failure_row *
record_failure(enum plan_failure failure);

#endif
