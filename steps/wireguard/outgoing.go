package wireguard

import (
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// outTable is where mail for the world looks for its way: its default route is the tunnel, and there is none while that is down.
const outTable = "20721"

// outRules are the rules of the kernel by which mail for the world leaves through the tunnel or not at all (mail.path = direct). What has
// another way than the default route, such as to the home network or a container, goes that way. They stand right behind the tunnel's
// own, and none of them goes when that does: then the last refuses.
func (e End) outRules() []seen.PolicyRule {
	first, _ := strconv.Atoi(e.preference())
	port := "ipproto tcp dport " + strconv.Itoa(site.WorldSMTP)
	rule := func(n int, does string, six bool) seen.PolicyRule {
		return seen.PolicyRule{Preference: strconv.Itoa(first + n), Text: port + " " + does, Six: six}
	}
	const near = "lookup main suppress_prefixlength 0"
	return []seen.PolicyRule{ // the one that refuses is made first, and taken away last
		rule(3, "prohibit", false), rule(2, "lookup "+outTable, false), rule(1, near, false),
		rule(3, "prohibit", true), rule(1, near, true),
	}
}

// OutgoingReads are what must be seen of a mail host for it.
func OutgoingReads(s *site.Site, h *site.Host) []remote.Query {
	return append(Reads(s, h), does.Unit{Name: seen.SMTPUnit, Text: " "}.Reads()...)
}

// Outgoing is what sends mail for the world through the tunnel, now and at every boot, where the mail host sends it itself; else what
// ends that, when nothing sends by itself any more.
func (e End) Outgoing() ([]remote.Change, error) {
	if e.Site.Mail.Path != "direct" {
		_, changes, err := does.Table{Step: "haraka", Things: []does.Thing{
			does.Unit{Name: seen.SMTPUnit, Starts: does.Never, When: "true", Title: "no longer send mail for the world through the tunnel: it goes by the proxy's mail server; the file of " + seen.SMTPUnit + " stays"}}}.Plan(e.facts)
		return changes, err
	}
	var start, ends []string
	for _, r := range e.outRules() {
		rule, where := "ip -4 rule ", ""
		if r.Six { // a kernel may have no IPv6
			rule, where = "ip -6 rule ", "[ ! -e /proc/net/if_inet6 ] || "
		}
		gone := rule + "delete pref " + r.Preference + " 2>/dev/null"
		start = append(start, "ExecStart=/bin/sh -c '"+gone+"; "+where+"exec "+rule+"add pref "+r.Preference+" "+r.Text+"'")
		ends = append([]string{gone}, ends...)
	}
	end := strings.Join(ends, "; ")
	unit := does.Unit{Name: seen.SMTPUnit, Ends: end, Title: "send mail for the world through the tunnel or not at all, now and at every boot", Text: "# postern: mail for the world leaves through the tunnel, or not at all.\n" +
		"[Unit]\nDescription=Mail for the world leaves through the tunnel\nDefaultDependencies=no\nAfter=local-fs.target\nBefore=network-pre.target\nWants=network-pre.target\n\n" +
		"[Service]\nType=oneshot\nRemainAfterExit=yes\n" + strings.Join(append(start, does.ExecStop(end)), "\n") + "\n\n[Install]\nWantedBy=multi-user.target\n"}
	_, changes, err := does.Table{Step: "haraka", Things: []does.Thing{unit}}.Plan(e.facts)
	if err == nil && len(changes) == 0 && slices.ContainsFunc(e.outRules(), func(r seen.PolicyRule) bool { return !e.ruled(r) }) {
		changes = []remote.Change{{ID: "haraka.rules", Step: "haraka", Title: "put back the rules of " + seen.SMTPUnit + ", of which some are gone", Do: "systemctl restart " + seen.SMTPUnit, Forget: true,
			Undo: "systemctl try-restart " + seen.SMTPUnit + " 2>/dev/null || true"}}
	}
	return changes, err
}

// ruled says whether a rule was seen among those of the kernel, or it has none of the family.
func (e End) ruled(want seen.PolicyRule) bool {
	want.Text = "from all " + want.Text
	family := func(r seen.PolicyRule) bool { return r.Six == want.Six }
	return slices.Contains(e.policies.Rules, want) || !slices.ContainsFunc(e.policies.Rules, family)
}
